//! How lists of Kubernetes objects are merged: by a key of their items, as sets of values, or not at all.
//!
//! In the real sources this stands as `patchStrategy` and `patchMergeKey` tags on struct fields.

use crate::api::kinds::Kind;

/// How a list behaves in a strategic merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListRule {
    /// Items are objects told apart by this field.
    ByKey(&'static str),
    /// Items are plain values; the list is a set.
    Values,
    /// Replaced whole.
    Atomic,
}

/// The rule of the list at `path`: the field names from the root, without positions.
pub(super) fn list_rule(kind: &Kind, path: &[&str]) -> ListRule {
    use ListRule::{Atomic, ByKey, Values};
    let [.., parent, field] = path else { return rule_at_root(kind, path) };
    match (*parent, *field) {
        ("containers" | "initContainers" | "ephemeralContainers", "ports") => ByKey("containerPort"),
        ("spec", "ports") if kind.kind == "Service" => ByKey("port"),
        ("containers" | "initContainers" | "ephemeralContainers", "env") => ByKey("name"),
        (_, "volumeMounts") => ByKey("mountPath"),
        (_, "volumeDevices") => ByKey("devicePath"),
        (
            "spec",
            "containers"
            | "initContainers"
            | "ephemeralContainers"
            | "volumes"
            | "imagePullSecrets"
            | "schedulingGates"
            | "resourceClaims",
        ) => ByKey("name"),
        ("spec", "hostAliases") => ByKey("ip"),
        ("spec", "topologySpreadConstraints") => ByKey("topologyKey"),
        ("status", "conditions" | "addresses") => ByKey("type"),
        ("status", "podIPs" | "hostIPs") => ByKey("ip"),
        ("metadata", "ownerReferences") => ByKey("uid"),
        ("metadata", "finalizers") | ("spec", "podCIDRs") => Values,
        _ => Atomic,
    }
}

fn rule_at_root(kind: &Kind, path: &[&str]) -> ListRule {
    match (kind.kind, path) {
        ("ServiceAccount", ["secrets" | "imagePullSecrets"]) => ListRule::ByKey("name"),
        (_, ["webhooks"]) => ListRule::ByKey("name"),
        _ => ListRule::Atomic,
    }
}

/// Objects of which exactly one variant may be set: a patch names the fields that stay.
pub(super) fn retains_keys(kind: &Kind, path: &[&str]) -> bool {
    match path {
        ["spec", "strategy"] => kind.kind == "Deployment",
        [.., "spec", "volumes"] => true,
        _ => false,
    }
}
