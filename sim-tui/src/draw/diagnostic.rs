//! Diagnostics with the offending line and carets, as compilers print them.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use sim_core::scenario::{Diagnostic, Severity, Sources};

/// Most diagnostics that are drawn; the rest is counted.
const DRAWN_MAX: usize = 20;
/// Bytes of a line that are shown on each side of a mark.
const LINE_REACH: usize = 400;

/// The text of some diagnostics, an empty line between two, with a final newline.
pub fn draw(diagnostics: &[Diagnostic], sources: &Sources, colour: bool) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics.iter().take(DRAWN_MAX) {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&one(diagnostic, sources, colour));
        text.push('\n');
    }
    if diagnostics.len() > DRAWN_MAX {
        text.push_str(&format!("\n... and {} more\n", diagnostics.len() - DRAWN_MAX));
    }
    text
}

fn one(diagnostic: &Diagnostic, sources: &Sources, colour: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(printable(&diagnostic.message)).id(diagnostic.code);
    let help = Level::HELP.message(printable(&diagnostic.help));
    let source = sources.text(&diagnostic.file).filter(|text| !text.is_empty() && !diagnostic.labels.is_empty());
    let group = match source {
        Some(text) => title.element(snippet(diagnostic, text)).element(help),
        None => title.element(annotate_snippets::Origin::path(printable(&diagnostic.file))).element(help),
    };
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&[group])
}

/// The lines around the marks; the rest of a large file is not even looked at.
fn snippet<'a>(diagnostic: &'a Diagnostic, text: &'a str) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let marks: Vec<Range<usize>> = diagnostic.labels.iter().map(|label| first_line(text, &label.range)).collect();
    let first = marks.iter().map(|m| m.start).min().unwrap_or(0);
    let last = marks.iter().map(|m| m.end).max().unwrap_or(0);
    let line_start = text[..first].rfind('\n').map_or(0, |at| at + 1);
    let before = line_start.saturating_sub(1);
    let from = text[..before].rfind('\n').map_or(0, |at| at + 1).max(floor(text, first.saturating_sub(LINE_REACH)));
    let to = text[last..].find('\n').map_or(text.len(), |at| last + at).min(floor(text, last + LINE_REACH));
    let line = text[..from].bytes().filter(|b| *b == b'\n').count() + 1;
    let mut snippet = Snippet::source(&text[from..to]).path(&diagnostic.file).line_start(line).fold(true);
    for (index, (label, mark)) in diagnostic.labels.iter().zip(marks).enumerate() {
        let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        let mut annotation = kind.span(mark.start - from..mark.end - from);
        if !label.text.is_empty() {
            annotation = annotation.label(printable(&label.text));
        }
        snippet = snippet.annotation(annotation);
    }
    snippet
}

/// The part of a range on its first line, so that a whole mapping is marked by its beginning.
fn first_line(text: &str, range: &Range<usize>) -> Range<usize> {
    let start = floor(text, range.start);
    let end = floor(text, range.end).max(start);
    let line_end = text[start..end].find('\n').map_or(end, |at| start + at);
    start..floor(text, line_end.min(start + LINE_REACH))
}

/// The character boundary at or before an offset.
fn floor(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// Text from an input without what could move a terminal's cursor.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}
