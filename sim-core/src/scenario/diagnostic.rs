//! One complaint about an input: what, where, and a way out. Data only; `sim-tui` draws the carets.
//!
//! In real life this is the part of a compiler that people remember. Every diagnostic has a stable code, at least the name of
//! a file, and a help text that says what to write instead. Left out: words in other languages.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::objects::nearest::nearest;
use crate::yaml::{ByteRange, ReadError, line_and_column};

/// Whether the input can still be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It can, but something in it surprises.
    Warning,
    /// It cannot.
    Error,
}

/// A marked piece of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The bytes.
    pub range: ByteRange,
    /// A few words beside the mark; may be empty.
    pub text: String,
}

/// One complaint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable code, `KW` and four digits; [`code`] lists them.
    pub code: &'static str,
    /// Error or warning.
    pub severity: Severity,
    /// One sentence without a place.
    pub message: String,
    /// Name of the file, as the user gave it.
    pub file: String,
    /// Marked pieces; the first is the place of the complaint.
    pub labels: Vec<Label>,
    /// The way out.
    pub help: String,
}

impl Diagnostic {
    /// An error about a whole file.
    pub fn error(code: &'static str, file: impl Into<String>, message: impl Into<String>, help: impl Into<String>) -> Self {
        Diagnostic {
            code,
            severity: Severity::Error,
            message: message.into(),
            file: file.into(),
            labels: Vec::new(),
            help: help.into(),
        }
    }

    /// The same with one more marked piece.
    pub fn with_label(mut self, range: ByteRange, text: impl Into<String>) -> Self {
        self.labels.push(Label { range, text: text.into() });
        self
    }

    /// `file:line:column`, or `file` if no place is known.
    pub fn place(&self, sources: &Sources) -> String {
        match self.position(sources) {
            Some((line, column)) => format!("{}:{line}:{column}", self.file),
            None => self.file.clone(),
        }
    }

    /// Line and column of the first label, counted from 1.
    pub fn position(&self, sources: &Sources) -> Option<(usize, usize)> {
        let text = sources.text(&self.file)?;
        let label = self.labels.first()?;
        (!text.is_empty()).then(|| line_and_column(text, label.range.start))
    }

    /// `file:line:column: error[KW0101]: message (help)` on one line.
    pub fn one_line(&self, sources: &Sources) -> String {
        let severity = self.severity.word();
        format!("{}: {severity}[{}]: {} ({})", self.place(sources), self.code, self.message, self.help)
    }

    /// The form of `-o json`.
    pub fn to_json(&self, sources: &Sources) -> Value {
        let text = sources.text(&self.file).unwrap_or_default();
        let labels = self.labels.iter().map(|label| {
            let (line, column) = line_and_column(text, label.range.start);
            json!({"line": line, "column": column, "start": label.range.start, "end": label.range.end, "text": label.text})
        });
        json!({
            "code": self.code,
            "severity": self.severity.word(),
            "message": self.message,
            "file": self.file,
            "labels": labels.collect::<Vec<_>>(),
            "help": self.help,
        })
    }

    /// A text that could not be read.
    pub fn from_read_error(file: &str, error: ReadError) -> Self {
        use crate::yaml::Fault;
        let code = match error.fault {
            Fault::Encoding => code::ENCODING,
            Fault::Syntax => code::SYNTAX,
            Fault::DuplicateKey => code::DUPLICATE_KEY,
            Fault::Budget => code::TOO_LARGE,
            Fault::NotJson => code::NOT_JSON,
        };
        let diagnostic = Diagnostic::error(code, file, error.message, error.help).with_label(error.range, "");
        match error.related {
            Some((range, text)) => diagnostic.with_label(range, text),
            None => diagnostic,
        }
    }
}

impl Severity {
    /// `error` or `warning`.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// Every code, with what it stands for.
pub mod code {
    /// Not UTF-8 text.
    pub const ENCODING: &str = "KW0101";
    /// Not YAML.
    pub const SYNTAX: &str = "KW0102";
    /// A key twice in one mapping.
    pub const DUPLICATE_KEY: &str = "KW0103";
    /// Too long, too deep, too many values or aliases.
    pub const TOO_LARGE: &str = "KW0104";
    /// YAML without a JSON form.
    pub const NOT_JSON: &str = "KW0105";
    /// A field that does not exist.
    pub const UNKNOWN_FIELD: &str = "KW0201";
    /// A value of the wrong type.
    pub const WRONG_TYPE: &str = "KW0202";
    /// A required field is missing.
    pub const MISSING_FIELD: &str = "KW0203";
    /// A value of the right type that means nothing.
    pub const BAD_VALUE: &str = "KW0204";
    /// Made for a newer program, or another kind of file.
    pub const VERSION: &str = "KW0205";
    /// A step without a verb or with two, or with parts that do not belong to it.
    pub const STEP: &str = "KW0206";
    /// A step names a document that is not there.
    pub const NO_DOCUMENT: &str = "KW0207";
    /// A field or a word of the format that nothing acts on in this version.
    pub const NOT_ACTED_ON: &str = "KW0208";
    /// Nothing to play in the input.
    pub const EMPTY: &str = "KW0301";
    /// A Helm chart or a kustomization instead of manifests.
    pub const NEEDS_RENDERING: &str = "KW0302";
    /// A document that is no Kubernetes object.
    pub const NOT_AN_OBJECT: &str = "KW0303";
    /// A manifest that the API server would not decode.
    pub const MANIFEST_FIELD: &str = "KW0304";
    /// An object that the API server refuses.
    pub const REFUSED: &str = "KW0305";
    /// A `--set` that cannot be followed.
    pub const SET: &str = "KW0401";
}

/// The texts that diagnostics point into, by file name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    texts: BTreeMap<String, String>,
}

impl Sources {
    /// One file.
    pub fn one(name: impl Into<String>, text: impl Into<String>) -> Self {
        let mut sources = Sources::default();
        sources.add(name, text);
        sources
    }

    /// Adds a file.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.texts.insert(name.into(), text.into());
    }

    /// The text of a file.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }
}

/// Longest list of legal words that is shown beside a likely one.
const WORDS_BESIDE_MAX: usize = 12;

/// A help text that names the legal words, the likely one first.
pub fn suggestion(word: &str, known: &[&str]) -> String {
    let list = known.join(", ");
    match (nearest(word, known.iter().copied()), known) {
        (Some(name), _) if known.len() == 1 || known.len() > WORDS_BESIDE_MAX => format!("did you mean `{name}`?"),
        (Some(name), _) => format!("did you mean `{name}`? Known here: {list}"),
        (None, []) => "nothing may stand here: remove it".to_string(),
        (None, _) => format!("known here: {list}"),
    }
}
