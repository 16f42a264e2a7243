//! Regular expressions: POSIX basic and extended syntax, brought to that of the crate `regex-lite`.

use regex_lite::{Regex, RegexBuilder};

/// Which syntax a pattern is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    /// `grep`, `sed`: `\(`, `\{`, `\+`, `\|` are special.
    Basic,
    /// `grep -E`, `sed -E`, awk.
    Extended,
    /// `grep -F`.
    Fixed,
}

/// Longest pattern, in bytes.
const PATTERN_BYTES_MAX: usize = 10_000;

/// Compiles a pattern; the error is a sentence.
pub(super) fn compile(pattern: &str, syntax: Syntax, ignore_case: bool) -> Result<Regex, String> {
    if pattern.len() > PATTERN_BYTES_MAX {
        return Err(format!("a pattern is limited to {PATTERN_BYTES_MAX} bytes"));
    }
    let text = match syntax {
        Syntax::Fixed => regex_lite::escape(pattern),
        Syntax::Basic => translate(pattern, true),
        Syntax::Extended => translate(pattern, false),
    };
    RegexBuilder::new(&text)
        .case_insensitive(ignore_case)
        .size_limit(1 << 20)
        .build()
        .map_err(|error| format!("{error}: '{pattern}'"))
}

fn translate(pattern: &str, basic: bool) -> String {
    let chars: Vec<char> = pattern.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    while let Some(c) = chars.get(at).copied() {
        at += 1;
        // `*` is itself at the start, where nothing stands before it.
        let start = out.is_empty() || out.ends_with(['^', '(', '|']) && !out.ends_with(r"\^") && !out.ends_with(r"\(");
        match c {
            '[' => at = bracket(&chars, at, &mut out),
            '\\' => {
                let next = chars.get(at).copied().unwrap_or('\\');
                at += 1;
                match next {
                    '(' | ')' | '{' | '}' | '+' | '?' | '|' if basic => out.push(next),
                    '<' | '>' => out.push_str(r"\b"),
                    'w' | 'W' | 's' | 'S' | 'b' | 'B' | 'd' | 'D' | 't' | 'n' => out.extend(['\\', next]),
                    next if next.is_ascii_punctuation() => out.extend(['\\', next]),
                    next => out.push(next),
                }
            }
            '(' | ')' | '{' | '}' | '+' | '?' | '|' if basic => out.extend(['\\', c]),
            '{' if !chars.get(at).is_some_and(char::is_ascii_digit) => out.push_str(r"\{"),
            '*' if start => out.push_str(r"\*"),
            '^' if basic && !start => out.push_str(r"\^"),
            '$' if basic
                && at < chars.len()
                && !chars[at..].starts_with(&['\\', ')'])
                && !chars[at..].starts_with(&['\\', '|']) =>
            {
                out.push_str(r"\$");
            }
            c => out.push(c),
        }
    }
    out
}

/// A bracket expression whose inside begins at `at`. A backslash is nothing special in it, a leading `]` is itself.
fn bracket(chars: &[char], mut at: usize, out: &mut String) -> usize {
    out.push('[');
    if chars.get(at) == Some(&'^') {
        out.push('^');
        at += 1;
    }
    let first = at;
    while let Some(c) = chars.get(at).copied() {
        at += 1;
        match c {
            ']' if at - 1 > first => {
                out.push(']');
                return at;
            }
            '[' if chars.get(at) == Some(&':') => {
                let name: String = chars[at + 1..].iter().take_while(|c| c.is_ascii_alphabetic()).collect();
                if chars[at + 1 + name.len()..].starts_with(&[':', ']']) {
                    out.push_str(&format!("[:{name}:]"));
                    at += name.len() + 3;
                } else {
                    out.push_str(r"\[");
                }
            }
            '[' | ']' | '\\' | '&' | '~' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    at
}
