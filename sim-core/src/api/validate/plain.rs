//! Validation of Nodes, ConfigMaps and Secrets: the few rules that users meet.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{invalid_go, names};
use crate::api::document::{flag, items, object, strings, text};
use crate::api::status::Cause;

/// Most bytes of data in a ConfigMap or Secret.
const DATA_MAX_BYTES: usize = 1024 * 1024;

/// The spec of a Node.
pub fn node(doc: &Value) -> Vec<Cause> {
    let (mut causes, mut seen) = (Vec::new(), BTreeSet::new());
    for (i, taint) in items(doc, "/spec/taints").iter().enumerate() {
        let field = format!("spec.taints[{i}]");
        let (key, value, effect) = (text(taint, "/key"), text(taint, "/value"), text(taint, "/effect"));
        causes.extend(names::qualified_name(key).iter().map(|wrong| Cause::invalid(format!("{field}.key"), &json!(key), wrong)));
        causes
            .extend(names::label_value(value).iter().map(|wrong| Cause::invalid(format!("{field}.value"), &json!(value), wrong)));
        let effects = ["NoExecute", "NoSchedule", "PreferNoSchedule"];
        if effect.is_empty() {
            causes.push(Cause::required(format!("{field}.effect"), ""));
        } else if !effects.contains(&effect) {
            causes.push(Cause::not_supported(format!("{field}.effect"), &json!(effect), &effects));
        }
        if !seen.insert((key, effect)) {
            let mut twice = Cause::duplicate(field, &json!(""));
            twice.message =
                format!("Duplicate value: core.Taint{{Key:{key:?}, Value:{value:?}, Effect:{effect:?}, TimeAdded:<nil>}}");
            causes.push(twice);
        }
    }
    for (i, cidr) in strings(doc, "/spec/podCIDRs").into_iter().enumerate() {
        causes.extend(names::cidr(cidr).iter().map(|wrong| Cause::invalid(format!("spec.podCIDRs[{i}]"), &json!(cidr), wrong)));
    }
    causes
}

/// What of a Node is set once.
pub fn node_change(doc: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let cidrs = strings(old, "/spec/podCIDRs");
    if !cidrs.is_empty() && strings(doc, "/spec/podCIDRs") != cidrs {
        let why = "node updates may not change podCIDR except from \"\" to valid";
        causes.push(Cause::forbidden("spec.podCIDRs", why));
    }
    let provider = text(old, "/spec/providerID");
    if !provider.is_empty() && text(doc, "/spec/providerID") != provider {
        let why = "node updates may not change providerID except from \"\" to valid";
        causes.push(Cause::forbidden("spec.providerID", why));
    }
    causes
}

/// The data of a ConfigMap or Secret.
pub fn data(doc: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut bytes = 0;
    for list in ["data", "binaryData"] {
        for (key, value) in object(doc, &format!("/{list}")).into_iter().flatten() {
            bytes += value.as_str().map_or(0, str::len);
            let field = format!("{list}[{key}]");
            causes.extend(names::config_key(key).iter().map(|wrong| Cause::invalid(field.as_str(), &json!(key), wrong)));
            if list == "binaryData" && object(doc, "/data").is_some_and(|map| map.contains_key(key)) {
                let why = "duplicate of key present in data";
                causes.push(Cause::invalid(field, &json!(key), why));
            }
        }
    }
    if bytes > DATA_MAX_BYTES {
        let message = format!("Too long: may not be more than {DATA_MAX_BYTES} bytes");
        // A ConfigMap has two fields of data, so the server names neither.
        let field = if text(doc, "/kind") == "ConfigMap" { "[]" } else { "data" };
        causes.push(Cause { reason: "FieldValueTooLong", message, field: field.into() });
    }
    causes
}

/// What of a ConfigMap or Secret may not change.
pub fn data_change(doc: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    if text(doc, "/type") != text(old, "/type") {
        causes.push(invalid_go("type", &format!("{:?}", text(doc, "/type")), "field is immutable"));
    }
    if flag(old, "/immutable") == Some(true) {
        let fixed = |field: &str| Cause::forbidden(field, "field is immutable when `immutable` is set");
        if flag(doc, "/immutable") != Some(true) {
            causes.push(fixed("immutable"));
        }
        causes.extend(["data", "binaryData"].into_iter().filter(|field| doc.get(field) != old.get(field)).map(fixed));
    }
    causes
}
