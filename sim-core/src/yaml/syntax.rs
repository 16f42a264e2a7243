//! The parser's complaints in words that someone new to YAML can act on.

use serde_saphyr::granit_parser::{ErrorKind, ScanError};

use super::{Fault, ReadError};

pub(super) fn explain(error: &ScanError, text: &str) -> ReadError {
    let at = error.marker().byte_offset().unwrap_or(0).min(text.len());
    let (at, end) = visible(text, at);
    let (line_start, line) = line_at(text, at);
    let (message, help) = match error.kind() {
        ErrorKind::MappingValueNotAllowed if is_too_deep(text, line_start, line) => (
            "this line is indented deeper than the line above it, which already has its value".to_string(),
            "give it the indent of its neighbours; keys of one mapping start in one column".to_string(),
        ),
        _ => words(error, line),
    };
    let blank = line.len() - line.trim_start().len();
    let range = match line[..blank].find('\t') {
        Some(tab) => line_start + tab..line_start + tab + 1,
        None => at..end,
    };
    let mut read_error = ReadError::new(Fault::Syntax, range, message, help);
    if is_unclosed(error.kind()) {
        read_error.related = last_open(&text[..at]).map(|open| (open..open + 1, "this one is still open".to_string()));
    }
    read_error
}

pub(super) const TEMPLATE: &str = "this looks like a template, not like finished YAML";
pub(super) const TEMPLATE_HELP: &str =
    "render it first, for example with `helm template DIR | kubewalk play -`; braces that are part of a text need quotes";

fn is_unclosed(kind: &ErrorKind) -> bool {
    use ErrorKind::{
        ExpectedFlowMappingSeparator, ExpectedFlowSequenceSeparator, UnexpectedEofFlowMapping, UnexpectedEofFlowSequence,
    };
    matches!(
        kind,
        ErrorKind::UnclosedFlowCollection { .. }
            | ExpectedFlowMappingSeparator
            | ExpectedFlowSequenceSeparator
            | UnexpectedEofFlowMapping
            | UnexpectedEofFlowSequence
    )
}

/// The last bracket that is opened and not closed again; brackets inside quotes may mislead it.
fn last_open(text: &str) -> Option<usize> {
    let mut closed = 0;
    for (at, c) in text.char_indices().rev() {
        match c {
            '}' | ']' => closed += 1,
            '{' | '[' if closed == 0 => return Some(at),
            '{' | '[' => closed -= 1,
            _ => {}
        }
    }
    None
}

/// True when `line` is a key of its own that stands deeper than the finished `key: value` above it.
fn is_too_deep(text: &str, line_start: usize, line: &str) -> bool {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let above = text[..line_start].lines().rev().find(|l| !l.trim().is_empty());
    let is_key = line.trim().split_once(':').is_some_and(|(key, _)| !key.contains(' '));
    is_key && above.is_some_and(|above| above.contains(": ") && indent(above) < indent(line))
}

/// The character to point at: the one at `at`, or the last visible one before it when `at` is past the end of a line.
fn visible(text: &str, at: usize) -> (usize, usize) {
    let mut start = at;
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    if text[start..].chars().next().is_none_or(|c| c == '\n' || c == '\r') {
        start = text[..start].trim_end().char_indices().next_back().map_or(start, |(i, _)| i);
    }
    let end = text[start..].chars().next().map_or(start, |c| start + c.len_utf8());
    (start, end)
}

/// The line around `at`, and where it starts.
fn line_at(text: &str, at: usize) -> (usize, &str) {
    let start = text[..at].rfind('\n').map_or(0, |i| i + 1);
    (start, text[start..].lines().next().unwrap_or_default())
}

fn words(error: &ScanError, line: &str) -> (String, String) {
    if line.contains("{{") {
        return (TEMPLATE.into(), TEMPLATE_HELP.into());
    }
    if line[..line.len() - line.trim_start().len()].contains('\t') || tab_complaint(error.kind()) {
        return (
            "a tab character where YAML wants spaces".into(),
            "replace each tab with two spaces; most editors can show them".into(),
        );
    }
    let (message, help) = match error.kind() {
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => (
            "a `key: value` pair cannot start here",
            "put quotes around a value that contains `: `; or check that this line is indented like its neighbours",
        ),
        ErrorKind::MappingKeyNotAllowed | ErrorKind::ExpectedBlockMappingKey | ErrorKind::InvalidIndentation => (
            "this line does not line up with the lines above it",
            "keys of one mapping start in one column; items of one list have their `-` in one column",
        ),
        ErrorKind::ExpectedBlockSequenceEntry => (
            "a list item was expected here, beginning with `-`",
            "line up the `-` of all items, and the keys of an item under its first key",
        ),
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => (
            "this line has no `:`, so it is neither a key nor part of the text above",
            "write `key: value` with a space after the colon; text over several lines needs `|` after its key and an indent",
        ),
        ErrorKind::UnclosedQuotedScalar | ErrorKind::DocumentIndicatorInQuotedScalar => {
            ("a quoted text is opened here or before and never closed", "add the missing quote at its end")
        }
        kind if is_unclosed(kind) => {
            ("a `{` or `[` has no matching end, or a comma is missing", "separate entries with `, ` and close the bracket")
        }
        ErrorKind::MisplacedFlowCollectionEnd | ErrorKind::MismatchedFlowCollectionEnd { .. } => {
            ("a closing bracket without its opening one", "remove it, or quote the text that contains it")
        }
        ErrorKind::UnexpectedCharacter { .. } => (
            "a value cannot begin with this character",
            "put the value in quotes: characters such as @ ` % have a meaning of their own",
        ),
        ErrorKind::UnknownAnchor => (
            "this alias names no anchor",
            "define it earlier in the same document with &name; a text that begins with `*` needs quotes",
        ),
        ErrorKind::UnknownQuotedScalarEscape => {
            ("an unknown escape in a double-quoted text", "write \\\\ for a backslash, or use single quotes")
        }
        ErrorKind::RecursionLimitExceeded => {
            ("nested too deeply", "no Kubernetes object needs that; look for an unclosed bracket")
        }
        ErrorKind::BlockSequenceEntryNotAllowed => {
            ("a list item cannot start here", "start the list on its own line, below its key; quote a text that begins with `- `")
        }
        _ => {
            return (
                format!("not valid YAML: {}", error.info()),
                "check the indentation and the quotes around this place".into(),
            );
        }
    };
    (message.into(), help.into())
}

fn tab_complaint(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::TabNotAllowed
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabInIndentation
            | ErrorKind::TabAtBlockScalarStart
            | ErrorKind::TabInPlainScalar
    )
}
