//! Kubernetes manifests out of documents: lists taken apart, each object with its place, strictly decoded.
//!
//! In a real cluster this is kubectl's resource builder, which flattens `kind: List` (and lists in lists) before it sends one
//! object after the other. What `helm template` and `kubectl kustomize` print is plain multi-document YAML and needs nothing more.

use std::collections::BTreeMap;

use serde_json::Value;

use super::diagnostic::{Diagnostic, code};
use super::finding::{Finding, place_field_errors};
use super::notation::DocRef;
use crate::api::decode::decode;
use crate::api::kinds;
use crate::api::request::FieldValidation;
use crate::yaml::{Document, Path, SpanTree};

/// One object as it was written, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The object.
    pub value: Value,
    /// Where its parts stand.
    pub spans: SpanTree,
    /// In which file.
    pub file: String,
}

impl Manifest {
    /// `apiVersion`.
    pub fn api_version(&self) -> &str {
        text(&self.value, "apiVersion")
    }

    /// `kind`.
    pub fn kind(&self) -> &str {
        text(&self.value, "kind")
    }

    /// `metadata.name`; empty when the server is to generate one.
    pub fn name(&self) -> &str {
        self.value.get("metadata").map_or("", |metadata| text(metadata, "name"))
    }

    /// `metadata.namespace`, if written.
    pub fn namespace(&self) -> Option<&str> {
        self.value.get("metadata").map(|metadata| text(metadata, "namespace")).filter(|n| !n.is_empty())
    }

    /// `service/web`, as steps name it.
    pub fn reference(&self) -> String {
        format!("{}/{}", self.kind().to_lowercase(), self.name())
    }

    /// The object as YAML, to be handed to `kubectl apply -f -`.
    pub fn to_yaml(&self) -> String {
        crate::yaml::to_yaml(&self.value)
    }
}

/// Manifests by kind and name, for steps that name them; `svc` and `services` mean a Service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index(BTreeMap<(String, String), Vec<usize>>);

impl Index {
    /// The index of some manifests.
    pub fn of(manifests: &[Manifest]) -> Index {
        let mut index = Index::default();
        for (position, manifest) in manifests.iter().enumerate() {
            let key = (manifest.kind().to_lowercase(), manifest.name().to_string());
            index.0.entry(key).or_default().push(position);
        }
        index
    }

    /// The position of the manifest that is meant.
    pub fn find(&self, reference: &DocRef) -> Option<usize> {
        let kind = kinds::find(&reference.kind).map_or(reference.kind.as_str(), |row| row.kind);
        self.0.get(&(kind.to_lowercase(), reference.name.clone()))?.get(reference.occurrence - 1).copied()
    }

    /// `service/web` for each kind and name.
    pub fn references(&self) -> Vec<String> {
        self.0.keys().map(|(kind, name)| format!("{kind}/{name}")).collect()
    }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Deepest nesting of lists in lists.
const LIST_DEPTH_MAX: usize = 8;

/// The objects of documents; what is no object, or no list of objects, goes to `out`. Their fields are not looked at.
pub fn collect(file: &str, documents: Vec<Document>, out: &mut Vec<Diagnostic>) -> Vec<Manifest> {
    let mut manifests = Vec::new();
    for document in documents {
        flatten(file, document.value, document.spans, 0, &mut manifests, out);
    }
    manifests
}

impl Manifest {
    /// What strict decoding says about it.
    pub fn field_errors(&self) -> Vec<Diagnostic> {
        field_errors(&self.file, &self.value, &self.spans, &Path::root())
    }
}

/// What strict decoding says about an object that stands at `base` of a document.
pub fn field_errors(file: &str, value: &Value, spans: &SpanTree, base: &Path) -> Vec<Diagnostic> {
    match decode(value, FieldValidation::Strict) {
        Ok(_) => Vec::new(),
        Err(error) => place_field_errors(file, spans, base, &error.problems),
    }
}

fn flatten(file: &str, value: Value, spans: SpanTree, depth: usize, into: &mut Vec<Manifest>, out: &mut Vec<Diagnostic>) {
    if let Some(finding) = not_an_object(&value) {
        out.push(finding.place(file, &spans));
        return;
    }
    let is_list = text(&value, "kind").ends_with("List") && value.get("items").is_some_and(Value::is_array);
    if !is_list {
        into.push(Manifest { value, spans, file: file.to_string() });
        return;
    }
    if depth >= LIST_DEPTH_MAX {
        let help = "take the inner lists out of the outer ones";
        out.push(Finding::key(code::TOO_LARGE, Path::root().field("items"), "lists nested too deeply", help).place(file, &spans));
        return;
    }
    let items = value.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    for (index, mut item) in items.into_iter().enumerate() {
        inherit(&value, &mut item);
        let path = Path::root().field("items").index(index);
        flatten(file, item, spans.get(&path).cloned().unwrap_or_default(), depth + 1, into, out);
    }
}

/// Items of a typed list (`PodList`) may leave out what the list says.
fn inherit(list: &Value, item: &mut Value) {
    let kind = text(list, "kind").trim_end_matches("List");
    let Value::Object(fields) = item else { return };
    if !kind.is_empty() {
        fields.entry("kind").or_insert_with(|| kind.into());
        fields.entry("apiVersion").or_insert_with(|| text(list, "apiVersion").into());
    }
}

fn not_an_object(value: &Value) -> Option<Finding> {
    let help = "a Kubernetes object has `apiVersion: ...`, `kind: ...` and `metadata: {name: ...}` at its top";
    let Value::Object(fields) = value else {
        return Some(Finding::value(code::NOT_AN_OBJECT, Path::root(), "this document is not a Kubernetes object", help));
    };
    for key in ["apiVersion", "kind"] {
        let path = Path::root().field(key);
        match fields.get(key) {
            Some(Value::String(text)) if !text.is_empty() => {}
            Some(_) => return Some(Finding::value(code::NOT_AN_OBJECT, path, format!("`{key}` must be text"), help)),
            None => {
                let near = crate::objects::nearest::nearest(
                    key,
                    fields.keys().map(String::as_str).filter(|k| !matches!(*k, "kind" | "apiVersion")),
                );
                let (at, help) = match near {
                    Some(wrong) => (Path::root().field(wrong), format!("did you mean `{key}` instead of `{wrong}`?")),
                    None => (Path::root(), help.to_string()),
                };
                return Some(Finding::key(code::NOT_AN_OBJECT, at, format!("this document has no `{key}`"), help));
            }
        }
    }
    let is_list = text(value, "kind").ends_with("List") && fields.contains_key("items");
    let metadata = fields.get("metadata");
    let named = metadata.is_some_and(|m| !text(m, "name").is_empty() || !text(m, "generateName").is_empty());
    if !is_list && !named && metadata.is_none_or(|m| m.is_null() || m.is_object()) {
        let at = Path::root().field(if metadata.is_some() { "metadata" } else { "kind" });
        let message = format!("this {} has no name", text(value, "kind"));
        return Some(Finding::key(
            code::NOT_AN_OBJECT,
            at,
            message,
            "add `metadata: {name: ...}`; it must be text, so quote a number",
        ));
    }
    None
}
