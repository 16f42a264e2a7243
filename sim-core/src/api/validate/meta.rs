//! Validation of `metadata`, the part every object has.
//!
//! In a real server each kind calls the same function with its own rule for names. We model names, namespaces, labels,
//! annotations, owner references and finalizers. Left out: managedFields.
//! The real thing: `k8s.io/apimachinery/pkg/api/validation/objectmeta.go`, `pkg/apis/core/validation/validation.go`.

use serde_json::{Value, json};

use super::{invalid_go, names};
use crate::api::document::{entries, items, number, strings, text};
use crate::api::kinds::Kind;
use crate::api::status::Cause;

/// Most bytes that all annotations of an object may have together.
const ANNOTATIONS_MAX_BYTES: usize = 256 * 1024;
/// Longest name of a CronJob: eleven characters are added for its jobs.
const CRON_JOB_NAME_MAX: usize = 52;
/// Finalizers without a domain that may be used.
const STANDARD_FINALIZERS: [&str; 3] = ["kubernetes", "orphan", "foregroundDeletion"];

/// `metadata` of an object to be created.
pub fn on_create(kind: &Kind, doc: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let (name, generate_name) = (text(doc, "/metadata/name"), text(doc, "/metadata/generateName"));
    if !generate_name.is_empty() {
        for wrong in name_rule(kind, &mask_trailing_dash(generate_name)) {
            causes.push(Cause::invalid("metadata.generateName", &json!(generate_name), &wrong));
        }
    }
    if name.is_empty() {
        causes.push(Cause::required("metadata.name", "name or generateName is required"));
    }
    for wrong in if name.is_empty() { Vec::new() } else { name_rule(kind, name) } {
        causes.push(Cause::invalid("metadata.name", &json!(name), &wrong));
    }
    causes.extend(namespace(kind, text(doc, "/metadata/namespace")));
    causes.extend(common(doc));
    for (i, name) in strings(doc, "/metadata/finalizers").into_iter().enumerate() {
        causes.extend(finalizer(name, &format!("metadata.finalizers[{i}]")));
    }
    causes
}

/// `metadata` of an object that replaces `old`.
pub fn on_update(doc: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let old_finalizers = strings(old, "/metadata/finalizers");
    let added: Vec<&str> = strings(doc, "/metadata/finalizers").into_iter().filter(|f| !old_finalizers.contains(f)).collect();
    if !text(old, "/metadata/deletionTimestamp").is_empty() && !added.is_empty() {
        let quoted: Vec<String> = added.iter().map(|f| format!("{f:?}")).collect();
        let why = format!(
            "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
            quoted.join(", ")
        );
        causes.push(Cause::forbidden("metadata.finalizers", &why));
    }
    for field in ["name", "namespace", "uid", "creationTimestamp"] {
        let place = format!("/metadata/{field}");
        if text(doc, &place) != text(old, &place) {
            causes.push(Cause::invalid(format!("metadata.{field}"), &json!(text(doc, &place)), "field is immutable"));
        }
    }
    causes.extend(common(doc));
    causes
}

/// Labels, as on objects, pod templates and selectors.
pub fn labels(doc: &Value, place: &str, field: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    for (key, value) in entries(doc, place) {
        causes.extend(names::qualified_name(key).iter().map(|wrong| Cause::invalid(field, &json!(key), wrong)));
        causes.extend(names::label_value(value).iter().map(|wrong| Cause::invalid(field, &json!(value), wrong)));
    }
    causes
}

/// Annotations: keys are qualified names in any case, and there is a bound on their bytes.
pub fn annotations(doc: &Value, place: &str, field: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut bytes = 0;
    for (key, value) in entries(doc, place) {
        bytes += key.len() + value.len();
        causes.extend(names::qualified_name(&key.to_lowercase()).iter().map(|wrong| Cause::invalid(field, &json!(key), wrong)));
    }
    if bytes > ANNOTATIONS_MAX_BYTES {
        let message = format!("Too long: may not be more than {ANNOTATIONS_MAX_BYTES} bytes");
        causes.push(Cause { reason: "FieldValueTooLong", message, field: field.into() });
    }
    causes
}

/// What is judged at creation and at every change.
pub(super) fn common(doc: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    if number(doc, "/metadata/generation").is_some_and(|n| n < 0) {
        let why = "must be greater than or equal to 0";
        causes.push(Cause::invalid("metadata.generation", &doc["metadata"]["generation"], why));
    }
    causes.extend(labels(doc, "/metadata/labels", "metadata.labels"));
    causes.extend(annotations(doc, "/metadata/annotations", "metadata.annotations"));
    causes.extend(owners(doc));
    for name in strings(doc, "/metadata/finalizers") {
        causes.extend(names::qualified_name(name).iter().map(|wrong| Cause::invalid("metadata.finalizers", &json!(name), wrong)));
    }
    causes
}

fn owners(doc: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut controllers = Vec::new();
    for owner in items(doc, "/metadata/ownerReferences") {
        for (field, why) in [
            ("apiVersion", "version must not be empty"),
            ("kind", "must not be empty"),
            ("name", "must not be empty"),
            ("uid", "must not be empty"),
        ] {
            if text(owner, &format!("/{field}")).is_empty() {
                causes.push(Cause::invalid(format!("metadata.ownerReferences.{field}"), &json!(""), why));
            }
        }
        if owner["controller"] == true {
            controllers.push((text(owner, "/kind"), text(owner, "/name")));
        }
    }
    if let [first, second, ..] = controllers[..] {
        let why = format!(
            "Only one reference can have Controller set to true. Found \"true\" in references for {}/{} and {}/{}",
            first.0, first.1, second.0, second.1
        );
        causes.push(invalid_go("metadata.ownerReferences", &doc["metadata"]["ownerReferences"].to_string(), &why));
    }
    causes
}

fn namespace(kind: &Kind, name: &str) -> Vec<Cause> {
    match (kind.namespaced, name) {
        (true, "") => vec![Cause::required("metadata.namespace", "")],
        (true, name) => {
            names::dns_label(name).iter().map(|wrong| Cause::invalid("metadata.namespace", &json!(name), wrong)).collect()
        }
        (false, "") => Vec::new(),
        (false, _) => vec![Cause::forbidden("metadata.namespace", "not allowed on this type")],
    }
}

fn finalizer(name: &str, field: &str) -> Vec<Cause> {
    if name.contains('/') || STANDARD_FINALIZERS.contains(&name) {
        return Vec::new();
    }
    vec![Cause::invalid(field, &json!(name), "name is neither a standard finalizer name nor is it fully qualified")]
}

/// What is wrong with `name` for an object of this kind.
fn name_rule(kind: &Kind, name: &str) -> Vec<String> {
    match (kind.group, kind.kind) {
        ("", "Service") => names::dns1035_label(name),
        ("", "Namespace") => names::dns_label(name),
        ("rbac.authorization.k8s.io", _) => names::path_segment(name),
        ("batch", "CronJob") if name.len() > CRON_JOB_NAME_MAX => {
            vec![format!("must be no more than {CRON_JOB_NAME_MAX} characters")]
        }
        _ => names::dns_subdomain(name),
    }
}

/// A prefix may end in a dash, for a suffix follows.
fn mask_trailing_dash(name: &str) -> String {
    match name.strip_suffix('-') {
        Some(stem) if !stem.is_empty() => {
            let mut masked: String = stem.chars().take(stem.chars().count() - 1).collect();
            masked.push('a');
            masked
        }
        _ => name.into(),
    }
}
