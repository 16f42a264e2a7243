//! One source file as the rules see it: its text, its code without comments and strings, and which lines are test code.

use std::path::Path;

/// A Rust file of the workspace.
pub struct Source {
    /// Relative to the workspace, with `/` on every system.
    pub path: String,
    /// As it is on disk.
    pub text: String,
    /// The same lines with comments, strings and character literals blanked out.
    pub code: Vec<String>,
    /// Per line: is it compiled for tests only?
    pub test: Vec<bool>,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Source {
        let code: Vec<String> = blank(text).lines().map(str::to_owned).collect();
        let test = if is_test_file(path) { vec![true; code.len()] } else { test_lines(&code) };
        Source { path: path.to_owned(), text: text.to_owned(), code, test }
    }

    /// Lines that ship, with their numbers from 1.
    pub fn shipped(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.code.iter().zip(&self.test).enumerate();
        lines.filter(|(_, (_, test))| !**test).map(|(index, (line, _))| (index + 1, line.as_str()))
    }

    /// The string literals of lines that ship: the line on which each begins, and what stands between its quotes.
    pub fn strings(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        blank_and(&self.text, &mut |at, literal| {
            let line = self.text[..at].matches('\n').count();
            let inner = literal.trim_start_matches(['b', 'c', 'r', '#']).trim_end_matches('#').trim_matches('"');
            if literal.ends_with(['"', '#']) && !self.test.get(line).copied().unwrap_or_default() {
                found.push((line + 1, inner.to_owned()));
            }
        });
        found
    }

    /// The path inside `sim-core/src`, for files of the core.
    pub fn in_core(&self) -> Option<&str> {
        self.path.strip_prefix("sim-core/src/")
    }

    /// `["network", "wire"]` for `sim-core/src/network/wire.rs` and for `.../network/wire/mod.rs`; empty for `lib.rs`.
    pub fn module(&self) -> Vec<&str> {
        let path = self.in_core().unwrap_or(&self.path).trim_end_matches(".rs");
        path.split('/').filter(|part| !matches!(*part, "mod" | "lib" | "main")).collect()
    }
}

/// Files that only `cargo test` or `cargo bench` compiles.
fn is_test_file(path: &str) -> bool {
    let path = Path::new(path);
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let folder = |name: &str| path.parent().is_some_and(|parent| parent.iter().any(|part| part == name));
    matches!(stem, "tests" | "cases")
        || stem.ends_with("_tests")
        || ["tests", "cases", "benches", "examples"].into_iter().any(folder)
}

/// Marks `#[cfg(test)]` and the item after it. rustfmt puts the end of an item at the indentation of its beginning.
fn test_lines(code: &[String]) -> Vec<bool> {
    let mut test = vec![false; code.len()];
    let mut index = 0;
    while index < code.len() {
        if code[index].trim_start().starts_with("#[cfg(test)]") {
            let end = item_end(code, index);
            test[index..=end].fill(true);
            index = end;
        }
        index += 1;
    }
    test
}

/// The last line of the item whose first line, an attribute or the item itself, is `start`.
pub fn item_end(code: &[String], start: usize) -> usize {
    let indent = indentation(&code[start]);
    let closes = |line: &str| indentation(line) == indent && line.trim_start().starts_with('}');
    let Some(opened) = (start..code.len()).find(|&line| ends_header(&code[line])) else { return code.len() - 1 };
    if !code[opened].trim_end().ends_with('{') {
        return opened;
    }
    (opened + 1..code.len()).find(|&line| closes(&code[line])).unwrap_or(code.len() - 1)
}

/// Does this line end an item without a body, hold a whole one, or open its body?
pub fn ends_header(line: &str) -> bool {
    line.trim_end().ends_with(['{', ';', '}'])
}

pub fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Replaces comments, strings and character literals by spaces; line breaks stay, so that line numbers hold.
pub fn blank(text: &str) -> String {
    blank_and(text, &mut |_, _| {})
}

/// The same, and tells of each literal: where it begins, and its text with quotes.
fn blank_and(text: &str, literal: &mut dyn FnMut(usize, &str)) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => comment_length(rest),
            '"' => string_length(rest, 1),
            'r' | 'b' | 'c' if !is_word(before) => literal_prefix(rest).map_or(0, |prefix| prefix_length(rest, prefix)),
            '\'' => character_length(rest),
            _ => 0,
        };
        let (taken, after) = rest.split_at(length.max(first.len_utf8()));
        if length == 0 {
            out.push_str(taken);
        } else {
            if !taken.starts_with('/') {
                literal(text.len() - rest.len(), taken);
            }
            out.extend(taken.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        }
        before = taken.chars().next_back().unwrap_or(' ');
        rest = after;
    }
    out
}

/// A character that a Rust name may contain.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn comment_length(rest: &str) -> usize {
    let (mut depth, mut at) = (0_u32, 0);
    while at < rest.len() {
        match &rest.as_bytes()[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// Length of a string with escapes whose opening quote ends at `start`.
fn string_length(rest: &str, start: usize) -> usize {
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(start) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// `r#"`, `b"`, `br"` and so on, if the text starts with one.
fn literal_prefix(rest: &str) -> Option<&str> {
    let end = rest.find(|c| !matches!(c, 'r' | 'b' | 'c' | '#'))?;
    (rest.as_bytes()[end] == b'"').then(|| &rest[..end + 1])
}

fn prefix_length(rest: &str, prefix: &str) -> usize {
    if !prefix.contains('r') {
        return string_length(rest, prefix.len());
    }
    let close = format!("\"{}", "#".repeat(prefix.matches('#').count()));
    rest[prefix.len()..].find(&close).map_or(rest.len(), |at| prefix.len() + at + close.len())
}

/// Length of a character literal, or 0 for a lifetime.
fn character_length(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => rest[3..].find('\'').map_or(0, |at| at + 4),
        Some(_) => chars.next().filter(|(_, c)| *c == '\'').map_or(0, |(at, _)| at + 1),
        None => 0,
    }
}
