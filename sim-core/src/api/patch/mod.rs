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

/// A custom resource has no merge keys, so the server takes no strategic patch of it.
fn unknown_format() -> Status {
    let mut status = Status::bad_request(
        "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, \
         application/merge-patch+json, application/apply-patch+yaml",
    );
    (status.code, status.reason) = (415, "UnsupportedMediaType");
    status
}

#[cfg(test)]
mod tests;
