//! YAML and JSON text, read with places and written as kubectl writes it. The only module that names a YAML crate.
//!
//! In a real cluster this is `sigs.k8s.io/yaml` inside kubectl: YAML becomes JSON before anything else looks at it, and JSON
//! becomes YAML again for `-o yaml`. We model both directions, including the YAML 1.1 scalars that surprise people (`no` is a
//! boolean, `0777` is 511), and add what a teaching tool needs: every key and value knows its place in the text, and a
//! duplicate key is an error instead of a silent loss.
//! Left out: `!!binary`, directives, keys that are no scalars.
//! Facts come from kubectl 1.32 itself: `kubectl annotate --local -f FILE -o yaml k=v` reads and writes without a cluster.
//!
//! The event parser is the one of `serde-saphyr` (re-exported by it). Its serde layer is not used: that gives no places for
//! keys, and infers floats where kubectl has integers.

mod compose;
mod encoding;
mod json;
mod number;
mod scalar;
mod span;
mod syntax;
mod write;

pub use encoding::decode;
pub use span::{ByteRange, Path, Segment, SpanTree, line_and_column};
pub use write::to_yaml;

use serde_json::Value;

/// Longest text that is read, in bytes. A dump of a cluster with thousands of pods fits.
pub const TEXT_BYTES_MAX: usize = 100_000_000;
/// Most values in one text, alias expansions included.
pub const NODES_MAX: usize = 1_000_000;
/// Deepest nesting.
pub const DEPTH_MAX: usize = 100;
/// Most values that aliases may add to what is written.
pub const ALIAS_NODES_MAX: usize = 100_000;
/// Most bytes of text that aliases may add to what is written.
pub const ALIAS_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Most problems that one text reports; reading stops there.
pub const ERRORS_MAX: usize = 20;

/// How plain scalars are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Kubernetes manifests: `yes`, `no`, `on`, `off`, `y`, `n` are booleans, as kubectl has it.
    Kube,
    /// A scenario first, manifests after it: in the first document only `true` and `false` are booleans, except below
    /// `spec.objects`, which holds manifests; all other documents are read as [`Profile::Kube`].
    Scenario,
}

/// One document of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Its content. Numbers are JSON numbers, timestamps are strings, keys are strings.
    pub value: Value,
    /// Where each key and value stands.
    pub spans: SpanTree,
    /// Byte offset at which the document's content starts.
    pub start: usize,
}

/// What kind of mistake a [`ReadError`] reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The bytes are not UTF-8 text.
    Encoding,
    /// The text is not YAML.
    Syntax,
    /// A key occurs twice in one mapping.
    DuplicateKey,
    /// Too long, too deep, too many values.
    Budget,
    /// YAML that has no JSON form: a tag, a key that is a list, infinity, an alias inside itself.
    NotJson,
}

/// Why a text could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// The kind of mistake.
    pub fault: Fault,
    /// One sentence, without place.
    pub message: String,
    /// The offending bytes.
    pub range: ByteRange,
    /// Another place that matters, with a few words: where the key stood first, where the anchor is.
    pub related: Option<(ByteRange, String)>,
    /// The way out.
    pub help: String,
}

impl ReadError {
    pub(crate) fn new(fault: Fault, range: ByteRange, message: impl Into<String>, help: impl Into<String>) -> Self {
        ReadError { fault, message: message.into(), range, related: None, help: help.into() }
    }
}

/// Reads all documents of a YAML or JSON text; empty documents are skipped.
///
/// ```
/// use sim_core::yaml::{Profile, read};
/// let documents = read("a: no\n---\nb: 0777\n", Profile::Kube).unwrap();
/// assert_eq!(documents[0].value, serde_json::json!({"a": false}));
/// assert_eq!(documents[1].value, serde_json::json!({"b": 511}));
/// ```
pub fn read(text: &str, profile: Profile) -> Result<Vec<Document>, Vec<ReadError>> {
    encoding::check(text).map_err(|e| vec![e])?;
    match json::read(text) {
        Some(result) => result,
        None => compose::read(text, profile),
    }
}

#[cfg(test)]
mod tests;
