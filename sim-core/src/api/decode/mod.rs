//! Strict decoding: is this document what its kind says it is?
//!
//! In a real server the body is read into the Go struct of its kind; unknown fields are refused, warned of or ignored as the
//! request's `fieldValidation` asks, a value of the wrong type is always refused, and a missing field never is. We read the
//! document through the generated types of `k8s-openapi` with a deserializer of our own, which keeps score of unknown fields
//! and words type errors as Go does. The types only judge: what is kept is the document, without its nulls, with its
//! quantities in canonical form. Left out: duplicate keys (a parsed tree cannot have them; whoever parses the text reports them).
//! The real thing: `sigs.k8s.io/json`, `k8s.io/apiserver/pkg/endpoints/handlers/rest.go` (`transformDecodeError`).

mod go;
mod reader;
mod types;

use serde_json::Value;

use super::document::{put, text};
use super::kinds::{Served, served, split_api_version};
use super::request::FieldValidation;
use super::status::Status;

/// A document that may go on, as it will be kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// The document without nulls and, unless validation is strict, without unknown fields.
    pub doc: Value,
    /// What kubectl prints after `Warning: `.
    pub warnings: Vec<String>,
}

/// One place of a document that does not fit its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where, as users write it: `spec.ports[0].portz`.
    pub path: String,
    /// Where, as a JSON pointer: `/spec/ports/0/portz`.
    pub pointer: String,
    /// What, in the server's words: `unknown field "spec.ports[0].portz"`, `json: cannot unmarshal ...`.
    pub message: String,
    /// An unknown field, as opposed to a value of the wrong type.
    pub is_unknown_field: bool,
    /// The fields that may stand where the unknown one does.
    pub known: &'static [&'static str],
}

/// A document that its kind does not accept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// Kind of the document.
    pub kind: String,
    /// Version of the document, without the group.
    pub version: String,
    /// One wrong type, or all unknown fields.
    pub problems: Vec<Problem>,
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list: Vec<&str> = self.problems.iter().map(|p| p.message.as_str()).collect();
        let strict = if self.problems.iter().any(|p| p.is_unknown_field) { "strict decoding error: " } else { "" };
        let DecodeError { kind, version, .. } = self;
        write!(f, "{kind} in version {version:?} cannot be handled as a {kind}: {strict}{}", list.join(", "))
    }
}

impl std::error::Error for DecodeError {}

impl From<DecodeError> for Status {
    fn from(error: DecodeError) -> Status {
        Status::bad_request(error.to_string())
    }
}

/// Judges a document by its `apiVersion` and `kind`. Kinds outside the table are kept whole.
pub fn decode(doc: &Value, validation: FieldValidation) -> Result<Decoded, DecodeError> {
    let (api_version, kind) = (text(doc, "/apiVersion"), text(doc, "/kind"));
    let Served::Known(row) = served(api_version, kind) else {
        return Ok(Decoded { doc: doc.clone(), warnings: Vec::new() });
    };
    let (_, version) = split_api_version(api_version);
    let fail = |problems| DecodeError { kind: kind.into(), version: version.into(), problems };
    let log = reader::Log::default();
    if let Err(problem) = types::judge(row, reader::Reader::new(doc, &log)) {
        return Err(fail(vec![problem]));
    }
    let reader::Findings { unknown, quantities } = log.into_inner();
    if validation == FieldValidation::Strict && !unknown.is_empty() {
        return Err(fail(unknown));
    }
    let mut kept = doc.clone();
    for (pointer, text) in quantities {
        put(&mut kept, &pointer, text);
    }
    for problem in &unknown {
        super::document::remove(&mut kept, &problem.pointer);
    }
    drop_nulls(&mut kept);
    let warned = unknown.into_iter().filter(|_| validation == FieldValidation::Warn);
    Ok(Decoded { doc: kept, warnings: warned.map(|p| p.message).collect() })
}

/// Go reads null as absence; so nothing is stored for it.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, inner| !inner.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(list) => {
            list.retain(|inner| !inner.is_null());
            list.iter_mut().for_each(drop_nulls);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
