//! Validation: what a document must fulfil before it is stored, kind by kind, in the real server's words and order.
//!
//! In a real server each kind has a strategy whose validate functions return a list of field errors; all of them are told at
//! once. We model every rule a network manifest can break, and the common ones of pods and workloads. Left out: rules of
//! kinds that nothing simulates beyond their metadata, and feature gates.
//! The real thing: `pkg/apis/core/validation/validation.go`, `pkg/apis/apps/validation`, `pkg/apis/discovery/validation`.

pub mod meta;
pub mod names;
pub mod service;

use serde_json::Value;

use super::kinds::Kind;
use super::status::Cause;

/// What is wrong with a document that is about to be created.
pub fn on_create(kind: &Kind, doc: &Value) -> Vec<Cause> {
    let mut causes = meta::on_create(kind, doc);
    if (kind.group, kind.kind) == ("", "Service") {
        causes.extend(service::spec(doc));
    }
    causes
}

/// What is wrong with a document that is about to replace `old`.
pub fn on_update(kind: &Kind, doc: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::on_update(doc, old);
    if (kind.group, kind.kind) == ("", "Service") {
        causes.extend(service::change(doc, old));
        causes.extend(service::spec(doc));
    }
    causes
}

/// `path: Invalid value: VALUE: detail` where Go prints the value in its own syntax (structs, typed slices and maps).
pub(crate) fn invalid_go(field: impl Into<String>, rendered: &str, detail: &str) -> Cause {
    Cause { reason: "FieldValueInvalid", message: format!("Invalid value: {rendered}: {detail}"), field: field.into() }
}
