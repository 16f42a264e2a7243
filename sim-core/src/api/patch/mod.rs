//! Patches: a change instead of a whole object.
//!
//! In a real server a PATCH is applied to the stored object, and the result goes through defaulting and validation like any
//! update. We model the three kinds that kubectl sends, and [`apply_patch`], kubectl's own computation of the patch that
//! client-side apply sends. Left out: server-side apply.
//! The real thing: `k8s.io/apiserver/pkg/endpoints/handlers/patch.go`, `k8s.io/apimachinery/pkg/util/strategicpatch`.

mod lists;
mod strategic;
mod three_way;

pub use three_way::apply_patch;

use serde_json::Value;

use super::kinds::Kind;
use super::request::PatchKind;
use super::status::Status;

/// The object that comes out when `patch` is applied to `current`. Kinds outside the table (`None`) take no strategic patch.
pub fn apply(how: PatchKind, kind: Option<&Kind>, current: &Value, patch: &Value) -> Result<Value, Status> {
    match how {
        PatchKind::Merge => Ok(merge(current, patch)),
        PatchKind::Json => json(current, patch),
        PatchKind::Strategic => match kind {
            Some(kind) => strategic::merge(kind, current, patch),
            None => Err(unsupported(
                "the body of the request was in an unknown format - accepted media types include: \
                application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
            )),
        },
        PatchKind::Apply => Err(unsupported("server-side apply is not simulated")),
    }
}

/// RFC 7386: objects are merged, null removes, everything else replaces.
pub fn merge(current: &Value, patch: &Value) -> Value {
    let mut result = current.clone();
    json_patch::merge(&mut result, patch);
    result
}

/// RFC 6902: a list of operations, all or none.
fn json(current: &Value, patch: &Value) -> Result<Value, Status> {
    let operations: json_patch::Patch =
        serde_json::from_value(patch.clone()).map_err(|why| Status::bad_request(format!("error decoding patch: {why}")))?;
    let mut result = current.clone();
    match json_patch::patch(&mut result, &operations) {
        Ok(()) => Ok(result),
        Err(_) => {
            // The server hides the reason in a cause that kubectl does not print.
            let mut status = Status::bad_request("the server rejected our request due to an error in our request");
            (status.code, status.reason) = (422, "Invalid");
            Err(status)
        }
    }
}

fn unsupported(message: &str) -> Status {
    let mut status = Status::bad_request(message);
    (status.code, status.reason) = (415, "UnsupportedMediaType");
    status
}

#[cfg(test)]
mod tests;
