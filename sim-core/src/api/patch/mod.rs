//! Patches: a change instead of a whole object.
//!
//! In a real server a PATCH is applied to the stored object, and the result goes through defaulting and validation like any
//! update. We model the three kinds that kubectl sends, and [`apply_patch`], kubectl's own computation of the patch that
//! client-side apply sends. Server-side apply merges the manifest in; left out is field ownership, hence conflicts between
//! managers and the removal of fields that a manager no longer names.
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
    match (how, kind) {
        (PatchKind::Merge, _) => Ok(merge(current, patch)),
        (PatchKind::Json, _) => json(current, patch),
        (PatchKind::Strategic | PatchKind::Apply, Some(kind)) => strategic::merge(kind, current, patch),
        (PatchKind::Apply, None) => Ok(merge(current, patch)),
        (PatchKind::Strategic, None) => Err(unknown_format()),
    }
}

/// RFC 7386: objects are merged, null removes, everything else replaces.
pub fn merge(current: &Value, patch: &Value) -> Value {
    let mut result = current.clone();
    json_patch::merge(&mut result, patch);
    result
}

/// Most operations of one JSON patch, and most bytes that its copies may add: the server's own limits.
const OPERATIONS_MAX: usize = 10_000;
const COPIES_MAX_BYTES: usize = 3 * 1024 * 1024;

/// RFC 6902: a list of operations, all or none.
fn json(current: &Value, patch: &Value) -> Result<Value, Status> {
    let operations: json_patch::Patch =
        serde_json::from_value(patch.clone()).map_err(|why| Status::bad_request(format!("error decoding patch: {why}")))?;
    if operations.len() > OPERATIONS_MAX {
        let many = operations.len();
        let text = format!("The allowed maximum operations in a JSON patch is {OPERATIONS_MAX}, got {many}");
        return Err(refusal(413, "RequestEntityTooLarge", &text));
    }
    let mut result = current.clone();
    let mut copied = 0;
    for operation in operations.0 {
        if let json_patch::PatchOperation::Copy(copy) = &operation {
            copied += result.pointer(copy.from.as_str()).map_or(0, |value| value.to_string().len());
        }
        let done = json_patch::patch(&mut result, &[operation]);
        if done.is_err() || copied > COPIES_MAX_BYTES {
            // The server hides the reason in a cause that kubectl does not print.
            return Err(refusal(422, "Invalid", "the server rejected our request due to an error in our request"));
        }
    }
    Ok(result)
}

/// A custom resource has no merge keys, so the server takes no strategic patch of it.
fn unknown_format() -> Status {
    let text = "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, \
                application/merge-patch+json, application/apply-patch+yaml";
    refusal(415, "UnsupportedMediaType", text)
}

fn refusal(code: u16, reason: &'static str, message: &str) -> Status {
    let mut status = Status::bad_request(message);
    (status.code, status.reason) = (code, reason);
    status
}

#[cfg(test)]
mod tests;
