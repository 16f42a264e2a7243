//! Defaulting: what the server fills in when a manifest is silent.
//!
//! In a real server defaults are applied while decoding, before anything looks at the object, and again when a patched object
//! is read back. All functions change the document in place and are idempotent.
//! The real thing: `pkg/apis/core/v1/defaults.go`, `pkg/apis/apps/v1/defaults.go` and their neighbours.

pub mod pod;
pub mod service;

use serde_json::{Value, json};

use super::document::{is_unset, items, items_mut, object, put, put_default, text};
use super::kinds::Kind;

/// Fills in a document of any kind.
pub fn set(kind: &Kind, doc: &mut Value) {
    match (kind.group, kind.kind) {
        ("", "Service") => service::set(doc),
        ("", "Pod") => pod::set(doc),
        ("", "Namespace") => {
            let name = text(doc, "/metadata/name").to_string();
            if !name.is_empty() {
                put_default(doc, "/metadata/labels/kubernetes.io~1metadata.name", name);
            }
        }
        ("", "Node") => {
            if let Some(capacity) = doc.pointer("/status/capacity").cloned() {
                put_default(doc, "/status/allocatable", capacity);
            }
        }
        ("", "Secret") => put_default(doc, "/type", "Opaque"),
        ("", "Endpoints") => {
            for subset in items_mut(doc, "/subsets") {
                ports_are_tcp(subset, "/ports");
            }
        }
        ("discovery.k8s.io", "EndpointSlice") => endpoint_slice(doc),
        ("networking.k8s.io", "NetworkPolicy") => network_policy(doc),
        ("apps", "Deployment") => deployment(doc),
        ("apps", "ReplicaSet") => {
            put_default(doc, "/spec/replicas", 1);
            template(doc, "/spec/template/spec");
        }
        ("apps", "StatefulSet") => stateful_set(doc),
        ("apps", "DaemonSet") => daemon_set(doc),
        ("", "ReplicationController") => {
            put_default(doc, "/spec/replicas", 1);
            template(doc, "/spec/template/spec");
        }
        ("batch", "Job") => job(doc, "/spec"),
        ("batch", "CronJob") => {
            put_default(doc, "/spec/concurrencyPolicy", "Allow");
            put_default(doc, "/spec/suspend", false);
            put_default(doc, "/spec/successfulJobsHistoryLimit", 3);
            put_default(doc, "/spec/failedJobsHistoryLimit", 1);
            template(doc, "/spec/jobTemplate/spec/template/spec");
        }
        _ => {}
    }
}

fn template(doc: &mut Value, place: &str) {
    put_default(doc, place, json!({}));
    if let Some(spec) = doc.pointer_mut(place) {
        pod::set_spec(spec);
    }
}

fn deployment(doc: &mut Value) {
    put_default(doc, "/spec/replicas", 1);
    put_default(doc, "/spec/strategy/type", "RollingUpdate");
    if text(doc, "/spec/strategy/type") == "RollingUpdate" {
        put_default(doc, "/spec/strategy/rollingUpdate/maxUnavailable", "25%");
        put_default(doc, "/spec/strategy/rollingUpdate/maxSurge", "25%");
    }
    put_default(doc, "/spec/revisionHistoryLimit", 10);
    put_default(doc, "/spec/progressDeadlineSeconds", 600);
    template(doc, "/spec/template/spec");
}

fn stateful_set(doc: &mut Value) {
    put_default(doc, "/spec/replicas", 1);
    put_default(doc, "/spec/podManagementPolicy", "OrderedReady");
    put_default(doc, "/spec/updateStrategy/type", "RollingUpdate");
    if text(doc, "/spec/updateStrategy/type") == "RollingUpdate" {
        put_default(doc, "/spec/updateStrategy/rollingUpdate/partition", 0);
    }
    put_default(doc, "/spec/persistentVolumeClaimRetentionPolicy/whenDeleted", "Retain");
    put_default(doc, "/spec/persistentVolumeClaimRetentionPolicy/whenScaled", "Retain");
    put_default(doc, "/spec/revisionHistoryLimit", 10);
    template(doc, "/spec/template/spec");
}

fn daemon_set(doc: &mut Value) {
    put_default(doc, "/spec/updateStrategy/type", "RollingUpdate");
    if text(doc, "/spec/updateStrategy/type") == "RollingUpdate" {
        put_default(doc, "/spec/updateStrategy/rollingUpdate/maxUnavailable", 1);
        put_default(doc, "/spec/updateStrategy/rollingUpdate/maxSurge", 0);
    }
    put_default(doc, "/spec/revisionHistoryLimit", 10);
    template(doc, "/spec/template/spec");
}

fn job(doc: &mut Value, spec: &str) {
    // Either number alone has its own meaning: only when both are absent is the job a single run.
    if is_unset(doc, &format!("{spec}/completions")) && is_unset(doc, &format!("{spec}/parallelism")) {
        put(doc, &format!("{spec}/completions"), 1);
    }
    put_default(doc, &format!("{spec}/parallelism"), 1);
    put_default(doc, &format!("{spec}/backoffLimit"), 6);
    put_default(doc, &format!("{spec}/completionMode"), "NonIndexed");
    put_default(doc, &format!("{spec}/suspend"), false);
    template(doc, &format!("{spec}/template/spec"));
}

fn endpoint_slice(doc: &mut Value) {
    for port in items_mut(doc, "/ports") {
        if port.get("name").is_none() {
            put(port, "/name", "");
        }
    }
    ports_are_tcp(doc, "/ports");
}

fn network_policy(doc: &mut Value) {
    for direction in ["ingress", "egress"] {
        for rule in items_mut(doc, &format!("/spec/{direction}")) {
            ports_are_tcp(rule, "/ports");
        }
    }
    if items(doc, "/spec/policyTypes").is_empty() && object(doc, "/spec").is_some() {
        let mut types = vec!["Ingress"];
        if !items(doc, "/spec/egress").is_empty() {
            types.push("Egress");
        }
        put(doc, "/spec/policyTypes", json!(types));
    }
}

fn ports_are_tcp(doc: &mut Value, place: &str) {
    for port in items_mut(doc, place) {
        put_default(port, "/protocol", "TCP");
    }
}

#[cfg(test)]
mod tests;
