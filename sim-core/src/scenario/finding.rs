//! A complaint about a path of a document, before it is known where that path stands in a text.
//!
//! Values may come from the file or from `--set`; the checks do not care, and the place is found afterwards.

use super::diagnostic::{Diagnostic, suggestion};
use crate::api::decode::Problem;
use crate::yaml::{Path, SpanTree};

/// What of a path a complaint points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// The key that ends the path.
    Key,
    /// The value at the path.
    Value,
}

/// A complaint about a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// One of [`super::diagnostic::code`].
    pub code: &'static str,
    /// Where.
    pub path: Path,
    /// What to mark.
    pub on: On,
    /// What is wrong.
    pub message: String,
    /// A few words beside the mark.
    pub label: String,
    /// The way out.
    pub help: String,
}

impl Finding {
    /// A complaint about a value.
    pub fn value(code: &'static str, path: Path, message: impl Into<String>, help: impl Into<String>) -> Self {
        Finding { code, path, on: On::Value, message: message.into(), label: String::new(), help: help.into() }
    }

    /// A complaint about a key.
    pub fn key(code: &'static str, path: Path, message: impl Into<String>, help: impl Into<String>) -> Self {
        Finding { on: On::Key, ..Finding::value(code, path, message, help) }
    }

    /// The same with words beside the mark.
    pub fn labelled(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// The complaint with its place in a file.
    pub fn place(self, file: &str, spans: &SpanTree) -> Diagnostic {
        let range = match self.on {
            On::Key => spans.nearest(&self.path),
            On::Value => spans.value_range(&self.path).unwrap_or_else(|| spans.nearest(&self.path)),
        };
        Diagnostic::error(self.code, file, self.message, self.help).with_label(range, self.label)
    }
}

/// Problems of strict decoding with their places in the manifest. `base` is the path of the object in its document.
pub fn place_field_errors(file: &str, spans: &SpanTree, base: &Path, problems: &[Problem]) -> Vec<Diagnostic> {
    problems.iter().map(|problem| field_finding(base, problem).place(file, spans)).collect()
}

fn field_finding(base: &Path, problem: &Problem) -> Finding {
    use super::diagnostic::code::MANIFEST_FIELD;
    let path = Path(base.0.iter().cloned().chain(Path::from_pointer(&problem.pointer).0).collect());
    if !problem.is_unknown_field {
        let help = match problem.message.ends_with("of type string") {
            true => "put the value in quotes: without them it is a number, true or false, a list or a mapping",
            false => "the field wants a value of another type; a number, true or false stand without quotes",
        };
        return Finding::value(MANIFEST_FIELD, path, problem.message.clone(), help);
    }
    let word = match path.0.last() {
        Some(crate::yaml::Segment::Field(word)) => word.clone(),
        _ => String::new(),
    };
    Finding::key(MANIFEST_FIELD, path, problem.message.clone(), suggestion(&word, problem.known))
}
