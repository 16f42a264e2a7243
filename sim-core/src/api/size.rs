//! How large a request may be, and how large an object.
//!
//! In a real cluster the API server stops reading a body at 3 MiB, and etcd refuses to store more than 1.5 MiB in one request;
//! kubectl shows etcd's own words. We measure the JSON text of an object, which is a little longer than what a real server sends
//! to etcd (protobuf for its own kinds). Left out: the limit of 2 MiB of the connection between the two, which has words of its own.
//! The real thing: `MaxRequestBodyBytes` in `k8s.io/apiserver/pkg/server/config.go`, `DefaultMaxRequestBytes` of etcd.

use std::fmt::{self, Write};

use serde_json::Value;

use super::status::Status;

/// Longest body of a request, in bytes.
pub const BODY_BYTES_MAX: usize = 3 << 20;
/// Longest object that is stored, in bytes.
pub const OBJECT_BYTES_MAX: usize = 3 << 19;

/// Refuses the body of a request that is too long.
pub fn check_body(body: &Value) -> Result<(), Status> {
    if is_longer(body, BODY_BYTES_MAX) { Err(Status::too_large(BODY_BYTES_MAX)) } else { Ok(()) }
}

/// Refuses an object that cannot be stored because of its length.
pub fn check_object(doc: &Value) -> Result<(), Status> {
    if is_longer(doc, OBJECT_BYTES_MAX) { Err(Status::storage("etcdserver: request is too large")) } else { Ok(()) }
}

/// Whether the JSON text of a value has more bytes than this. Nothing is kept of the text.
fn is_longer(value: &Value, limit: usize) -> bool {
    struct Left(usize);
    impl Write for Left {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 = self.0.checked_sub(text.len()).ok_or(fmt::Error)?;
            Ok(())
        }
    }
    write!(Left(limit), "{value}").is_err()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_limits_are_met_to_the_byte() {
        let of_length = |bytes: usize| json!("x".repeat(bytes - 2));
        assert_eq!(check_object(&of_length(OBJECT_BYTES_MAX)), Ok(()));
        let refused = check_object(&of_length(OBJECT_BYTES_MAX + 1)).expect_err("it is too long");
        assert_eq!((refused.reason, refused.message.as_str()), ("", "etcdserver: request is too large"));
        assert_eq!(check_body(&of_length(BODY_BYTES_MAX)), Ok(()));
        let refused = check_body(&of_length(BODY_BYTES_MAX + 1)).expect_err("it is too long");
        assert_eq!((refused.code, refused.message.as_str()), (413, "Request entity too large: limit is 3145728"));
    }
}
