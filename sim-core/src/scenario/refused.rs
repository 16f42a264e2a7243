//! Objects that the API server refuses, told with their place in the user's files.
//!
//! In a real cluster `kubectl apply -f` prints what the server said and goes on; file and line are for the user to find. We ask
//! the server's own code a second time what is wrong with the manifest alone ([`crate::api::foresee`]), because its answer
//! names fields, and fields have places. What only the cluster knows (a namespace that is not there) is told at the object's name.

use serde_json::Value;

use super::diagnostic::{Diagnostic, code};
use super::finding::Finding;
use super::format::Scenario;
use super::manifests::Manifest;
use crate::api::allocate::Allocators;
use crate::api::foresee;
use crate::api::kinds::{Served, no_match_text, served};
use crate::api::status::Status;
use crate::console::kubectl::remembering;
use crate::yaml::Path;

/// Most fields of one refused object that are marked.
const FIELDS_MARKED_MAX: usize = 8;

/// The pools of Service addresses and node ports that a scenario describes.
pub fn pools(scenario: &Scenario) -> Option<Allocators> {
    let cluster = &scenario.spec.cluster;
    let cidrs: Vec<String> = cluster.service_cidrs.iter().map(|cidr| cidr.text().to_string()).collect();
    Allocators::new(&cidrs, (cluster.node_port_range.first, cluster.node_port_range.last)).ok()
}

/// What is wrong with a manifest by itself, if `kubectl apply` creates it in such a cluster. Empty: nothing.
pub fn foreseen(manifest: &Manifest, pools: &Allocators) -> Vec<Diagnostic> {
    let fields = manifest.field_errors();
    if !fields.is_empty() {
        return fields;
    }
    if let Served::NoMatch = served(manifest.api_version(), manifest.kind()) {
        let (name, namespace) = (manifest.name(), manifest.namespace().unwrap_or_default());
        let words = no_match_text(name, namespace, &manifest.file, manifest.api_version(), manifest.kind());
        let help = "the group is served, but not this kind in this version: see `kubectl api-resources`";
        let finding = Finding::value(code::REFUSED, Path::root().field("apiVersion"), words, help);
        return vec![finding.place(&manifest.file, &manifest.spans)];
    }
    match foresee::refusal(&remembering(&manifest.value), pools) {
        Ok(()) => Vec::new(),
        Err(status) => vec![refusal(manifest, &status)],
    }
}

/// The complaints about a manifest that was refused with these words on kubectl's standard error.
pub fn refused(manifest: &Manifest, pools: &Allocators, stderr: &str) -> Vec<Diagnostic> {
    let foreseen = foreseen(manifest, pools);
    if foreseen.is_empty() { vec![told(manifest, stderr)] } else { foreseen }
}

/// A refusal whose causes name fields.
fn refusal(manifest: &Manifest, status: &Status) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(code::REFUSED, &manifest.file, status.message.clone(), help(status));
    for cause in status.causes.iter().take(FIELDS_MARKED_MAX) {
        let mut path = Path::parse(&cause.field).unwrap_or_default();
        // The server speaks of the list, people write the single field.
        if cause.field.starts_with("spec.clusterIPs") && manifest.spans.get(&path).is_none() {
            path = Path::root().field("spec").field("clusterIP");
        }
        let words = if status.causes.len() > 1 { cause.text() } else { String::new() };
        diagnostic = diagnostic.with_label(manifest.spans.nearest(&path), words);
    }
    if diagnostic.labels.is_empty() {
        diagnostic = diagnostic.with_label(name_of(manifest), "");
    }
    diagnostic
}

fn help(status: &Status) -> &'static str {
    let is = |reason: &str| status.causes.iter().any(|cause| cause.reason == reason);
    if is("FieldValueTooLong") && status.message.contains("metadata.annotations") {
        return "`kubectl apply` keeps the whole manifest in an annotation; in `sh`, `kubectl create -f` or `kubectl apply --server-side -f` \
                take this object";
    }
    if is("FieldValueRequired") {
        return "add what is required; the API server of a real cluster refuses this object, too";
    }
    if status.causes.is_empty() {
        return "make the object smaller, or split it; the API server of a real cluster refuses it, too";
    }
    "correct what is marked; the API server of a real cluster refuses this object, too"
}

/// A refusal that rests on what is in the cluster: told at the namespace or the name.
fn told(manifest: &Manifest, stderr: &str) -> Diagnostic {
    let words = words(stderr);
    let metadata = Path::root().field("metadata");
    if words.starts_with("namespaces \"") && words.ends_with("not found") {
        let namespace = manifest.namespace().unwrap_or("default");
        let help = format!(
            "create it first: put `{{apiVersion: v1, kind: Namespace, metadata: {{name: {namespace}}}}}` before this object"
        );
        let finding = Finding::value(code::REFUSED, metadata.field("namespace"), words, help);
        return finding.place(&manifest.file, &manifest.spans);
    }
    let help = "the object is as it should be, but the cluster does not take it; what was applied before it decides";
    Diagnostic::error(code::REFUSED, &manifest.file, words, help).with_label(name_of(manifest), "")
}

fn name_of(manifest: &Manifest) -> crate::yaml::ByteRange {
    let path = Path::root().field("metadata").field("name");
    manifest.spans.value_range(&path).unwrap_or_else(|| manifest.spans.nearest(&Path::root().field("kind")))
}

/// The server's words without what kubectl puts before them: its own prefix, and the name of standard input.
pub fn words(stderr: &str) -> String {
    let text = match stderr.rfind("\"STDIN\": ") {
        Some(at) => &stderr[at + "\"STDIN\": ".len()..],
        None => stderr,
    };
    let text = match text.strip_prefix("Error from server") {
        Some(rest) => rest.split_once(": ").map_or(rest, |(_, words)| words),
        None => text.strip_prefix("error: ").unwrap_or(text),
    };
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Whether two objects are one: kind, namespace and name.
pub fn identity(value: &Value) -> (String, String, String) {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_string();
    let api_version = text("/apiVersion");
    let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
    let namespace = text("/metadata/namespace");
    let namespace = if namespace.is_empty() { "default".to_string() } else { namespace };
    (format!("{}.{group}", text("/kind")), namespace, text("/metadata/name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubectls_own_words_are_left_out() {
        for (stderr, wanted) in [
            (
                "Error from server (NotFound): error when creating \"STDIN\": namespaces \"x\" not found\n",
                "namespaces \"x\" not found",
            ),
            ("The Service \"a\" is invalid: spec.type: no\n", "The Service \"a\" is invalid: spec.type: no"),
            ("The Service \"a\" is invalid: \n* a: b\n* c: d\n", "The Service \"a\" is invalid: * a: b * c: d"),
            ("Error from server: etcdserver: request is too large\n", "etcdserver: request is too large"),
            ("error: no\n", "no"),
        ] {
            assert_eq!(words(stderr), wanted);
        }
    }
}
