//! Field selectors: `status.phase!=Running,spec.nodeName=node-1`.

use serde_json::Value;

use super::SelectorError;
use crate::api::kinds::Kind;

/// The terms of a field selector; all must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSelector {
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    path: String,
    equal: bool,
    value: String,
}

/// Fields that can be selected beside `metadata.name` and `metadata.namespace`: group, plural, fields.
const SELECTABLE: &[(&str, &str, &[&str])] = &[
    (
        "",
        "pods",
        &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
    ),
    ("", "events", EVENT_FIELDS),
    ("events.k8s.io", "events", EVENT_FIELDS),
    ("", "namespaces", &["status.phase"]),
    ("", "nodes", &["spec.unschedulable"]),
    ("", "secrets", &["type"]),
    ("", "services", &["spec.clusterIP", "spec.type"]),
    ("", "replicationcontrollers", &["status.replicas"]),
    ("apps", "replicasets", &["status.replicas"]),
    ("batch", "jobs", &["status.successful"]),
];
const EVENT_FIELDS: &[&str] = &[
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
];

impl FieldSelector {
    /// Reads the text of `--field-selector`; empty text selects everything.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let parts = split_terms(text).into_iter().filter(|part| !part.is_empty());
        let terms = parts.map(|part| {
            term(&part).ok_or_else(|| SelectorError(format!("invalid selector: '{text}'; can't understand '{part}'")))
        });
        Ok(FieldSelector { terms: terms.collect::<Result<_, _>>()? })
    }

    /// Refuses fields by which this kind cannot be selected.
    pub fn check(&self, kind: &Kind) -> Result<(), SelectorError> {
        let own = SELECTABLE.iter().find(|(group, plural, _)| (*group, *plural) == (kind.group, kind.plural));
        let own = own.map_or(&[][..], |(_, _, fields)| fields);
        let known = |path: &str| matches!(path, "metadata.name" | "metadata.namespace") || own.contains(&path);
        match self.terms.iter().find(|term| !known(&term.path)) {
            // Core kinds and the others word it differently.
            Some(term) if kind.group.is_empty() || !own.is_empty() => {
                Err(SelectorError(format!("field label not supported: {}", term.path)))
            }
            Some(term) => {
                let path = &term.path;
                Err(SelectorError(format!(
                    "{path:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
                )))
            }
            None => Ok(()),
        }
    }

    /// Whether a document is selected. An absent field has the value `""`, an absent switch `false`.
    pub fn matches(&self, doc: &Value) -> bool {
        self.terms.iter().all(|term| (value_at(doc, &term.path) == term.value) == term.equal)
    }

    /// The value that `path=` demands, if the selector has such a term: lets a list by name be a look-up.
    pub fn wanted(&self, path: &str) -> Option<&str> {
        self.terms.iter().find(|term| term.equal && term.path == path).map(|term| term.value.as_str())
    }
}

fn value_at(doc: &Value, path: &str) -> String {
    let pointer = match path {
        "source" => "/source/component".to_string(),
        // The core Event calls its subject differently from events.k8s.io.
        _ if path.starts_with("involvedObject.") && doc.get("regarding").is_some() => {
            format!("/regarding/{}", &path["involvedObject.".len()..])
        }
        _ => format!("/{}", path.replace('.', "/")),
    };
    match doc.pointer(&pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) => list.first().and_then(|ip| ip["ip"].as_str()).unwrap_or("").into(),
        Some(Value::Null) | None if matches!(path, "spec.hostNetwork" | "spec.unschedulable") => "false".into(),
        Some(Value::Null) | None if path.starts_with("status.re") => "0".into(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

/// Splits at commas that no backslash escapes; the escapes stay.
fn split_terms(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in text.chars() {
        if c == ',' && !escaped {
            parts.push(String::new());
        } else if let Some(last) = parts.last_mut() {
            last.push(c);
        }
        escaped = c == '\\' && !escaped;
    }
    parts
}

fn term(part: &str) -> Option<Term> {
    let at = part.find(['=', '!'])?;
    let (path, rest) = part.split_at(at);
    let (equal, value) = match rest {
        _ if rest.starts_with("!=") => (false, &rest[2..]),
        _ if rest.starts_with("==") => (true, &rest[2..]),
        _ if rest.starts_with('=') => (true, &rest[1..]),
        _ => return None,
    };
    let value = value.replace("\\,", ",").replace("\\=", "=").replace("\\\\", "\\");
    Some(Term { path: path.trim().into(), equal, value })
}
