//! Rows of Nodes and Leases.
//!
//! The real thing: `printNode` and `printLease` in `pkg/printers/internalversion/printers.go`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::document::{flag, list, name, or_none, pairs, text};
use super::{Table, always, created, wide};
use crate::objects::time::Timestamp;

pub(super) const NODE: Table = Table {
    columns: &[
        always("Name"),
        always("Status"),
        always("Roles"),
        always("Age"),
        always("Version"),
        wide("Internal-IP"),
        wide("External-IP"),
        wide("OS-Image"),
        wide("Kernel-Version"),
        wide("Container-Runtime"),
    ],
    row,
};

fn row(node: &Value, now: Timestamp) -> Vec<String> {
    let info = |field: &str| match text(node, &format!("status.nodeInfo.{field}")) {
        "" => "<unknown>".to_string(),
        value => value.into(),
    };
    vec![
        name(node).into(),
        status(node),
        or_none(roles(node).join(",")),
        created(node, now),
        text(node, "status.nodeInfo.kubeletVersion").into(),
        address(node, "InternalIP"),
        address(node, "ExternalIP"),
        info("osImage"),
        info("kernelVersion"),
        info("containerRuntimeVersion"),
    ]
}

fn status(node: &Value) -> String {
    let ready = list(node, "status.conditions").iter().rev().find(|c| text(c, "type") == "Ready");
    let word = match ready.map(|condition| text(condition, "status")) {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    };
    if flag(node, "spec.unschedulable") { format!("{word},SchedulingDisabled") } else { word.into() }
}

/// The roles of a node, from its labels: each once, sorted.
pub fn roles(node: &Value) -> Vec<String> {
    const PREFIX: &str = "node-role.kubernetes.io/";
    let role = |(key, value): (&str, &str)| match key.strip_prefix(PREFIX) {
        Some(role) if !role.is_empty() => Some(role.to_string()),
        None if key == "kubernetes.io/role" && !value.is_empty() => Some(value.to_string()),
        _ => None,
    };
    pairs(node, "metadata.labels").into_iter().filter_map(role).collect::<BTreeSet<_>>().into_iter().collect()
}

fn address(node: &Value, kind: &str) -> String {
    let found = list(node, "status.addresses").iter().find(|a| text(a, "type") == kind);
    found.map_or("<none>".into(), |address| text(address, "address").into())
}

pub(super) const LEASE: Table = Table {
    columns: &[always("Name"), always("Holder"), always("Age")],
    row: |lease, now| vec![name(lease).into(), text(lease, "spec.holderIdentity").into(), created(lease, now)],
};
