//! Validation: what a document must fulfil before it is stored, kind by kind, in the real server's words and order.
//!
//! In a real server each kind has a strategy whose validate functions return a list of field errors; all of them are told at
//! once. We model every rule a network manifest can break, and the common ones of pods and workloads. Left out: rules of
//! kinds that nothing simulates beyond their metadata, and feature gates.
//! The real thing: `pkg/apis/core/validation/validation.go`, `pkg/apis/apps/validation`, `pkg/apis/discovery/validation`.

mod container;
pub mod endpoints;
pub mod meta;
pub mod names;
pub mod network_policy;
pub mod plain;
pub mod pod;
pub mod service;
pub mod service_ips;
pub mod workload;

use serde_json::Value;

use super::document::{entries, text};
use super::kinds::{Kind, split_api_version};
use super::status::{Cause, Status};

/// What is wrong with a document that is about to be created.
pub fn on_create(kind: &Kind, doc: &Value) -> Vec<Cause> {
    let mut causes = meta::on_create(kind, doc);
    causes.extend(body(kind, doc));
    causes
}

/// What is wrong with a document that is about to replace `old`.
pub fn on_update(kind: &Kind, doc: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::on_update(doc, old);
    match (kind.group, kind.kind) {
        ("", "Service") => {
            causes.extend(service::change(doc, old));
            causes.extend(body(kind, doc));
        }
        // A pod in the store is not judged again: only what changed is.
        ("", "Pod") => causes.extend(pod::change(doc, old)),
        ("apps", "Deployment" | "ReplicaSet") => {
            causes.extend(body(kind, doc));
            causes.extend(workload::selector_change(doc, old));
        }
        ("discovery.k8s.io", "EndpointSlice") => {
            causes.extend(body(kind, doc));
            causes.extend(endpoints::slice_change(doc, old));
        }
        ("", "Node") => {
            causes.extend(body(kind, doc));
            causes.extend(plain::node_change(doc, old));
        }
        ("", "ConfigMap" | "Secret") => {
            causes.extend(plain::data_change(doc, old));
            causes.extend(body(kind, doc));
        }
        _ => causes.extend(body(kind, doc)),
    }
    causes
}

/// The refusal of an object of a kind that is only kept: its metadata is judged like any other.
pub fn of_unknown_kind(doc: &Value) -> Result<(), Status> {
    let causes = meta::common(doc);
    if causes.is_empty() {
        return Ok(());
    }
    let (group, _) = split_api_version(text(doc, "/apiVersion"));
    Err(Status::invalid(text(doc, "/kind"), group, text(doc, "/metadata/name"), causes))
}

fn body(kind: &Kind, doc: &Value) -> Vec<Cause> {
    match (kind.group, kind.kind) {
        ("", "Service") => service::spec(doc),
        ("", "Pod") => pod::spec(doc.get("spec").unwrap_or(&Value::Null), "spec"),
        ("", "Node") => plain::node(doc),
        ("", "ConfigMap" | "Secret") => plain::data(doc),
        ("", "Endpoints") => endpoints::endpoints(doc),
        ("discovery.k8s.io", "EndpointSlice") => endpoints::slice(doc),
        ("networking.k8s.io", "NetworkPolicy") => network_policy::spec(doc),
        ("apps", "Deployment") => workload::deployment(doc),
        ("apps", "ReplicaSet") => workload::replica_set(doc),
        _ => Vec::new(),
    }
}

/// `path: Invalid value: VALUE: detail` where Go prints the value in its own syntax (structs, typed slices and maps).
pub(crate) fn invalid_go(field: impl Into<String>, rendered: &str, detail: &str) -> Cause {
    Cause { reason: "FieldValueInvalid", message: format!("Invalid value: {rendered}: {detail}"), field: field.into() }
}

/// A map of labels as Go prints it: `map[string]string{"app":"web"}`.
fn go_labels(doc: &Value, place: &str) -> String {
    let mut pairs: Vec<String> = entries(doc, place).map(|(key, value)| format!("{key:?}:{value:?}")).collect();
    pairs.sort();
    if pairs.is_empty() { "map[string]string(nil)".into() } else { format!("map[string]string{{{}}}", pairs.join(", ")) }
}

#[cfg(test)]
mod tests;
