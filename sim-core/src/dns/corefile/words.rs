//! The words of one directive, line by line, with the errors they may give rise to.
//!
//! The real things: `coredns/caddy`, `caddyfile/dispenser.go`; Go's `strconv` and `time` for numbers.

use super::lexer::Token;
use super::parse::error_at;
use crate::engine::time::Duration;

/// One use of a directive: its own line, and the lines between its braces.
#[derive(Clone, Debug)]
pub(super) struct Stanza<'t> {
    pub(super) head: Line<'t>,
    pub(super) body: Vec<Line<'t>>,
}

/// A line: a word, and what follows it.
#[derive(Clone, Debug)]
pub(super) struct Line<'t> {
    words: Vec<&'t Token>,
}

/// Splits the words of all uses of a directive.
pub(super) fn stanzas(tokens: &[Token]) -> Vec<Stanza<'_>> {
    let mut stanzas = Vec::new();
    let mut rest = tokens;
    while let Some((head, behind)) = Line::first(rest) {
        let mut stanza = Stanza { head, body: Vec::new() };
        rest = behind;
        if rest.first().is_some_and(|t| t.text == "{") {
            rest = &rest[1..];
            while let Some((line, behind)) = Line::first(rest).filter(|(l, _)| l.name() != "}") {
                stanza.body.push(line);
                rest = behind;
            }
            rest = rest.get(1..).unwrap_or_default();
        }
        stanzas.push(stanza);
    }
    stanzas
}

impl<'t> Line<'t> {
    /// The first line of some words: up to the end of the line, or to a brace after the first word.
    fn first(tokens: &'t [Token]) -> Option<(Line<'t>, &'t [Token])> {
        let first = tokens.first()?;
        let mut end = 1;
        let mut last = first;
        while let Some(token) = tokens.get(end) {
            if token.line > last.last_line() || matches!(&*token.text, "{" | "}") || first.text == "}" {
                break;
            }
            (last, end) = (token, end + 1);
        }
        Some((Line { words: tokens[..end].iter().collect() }, &tokens[end..]))
    }

    pub(super) fn name(&self) -> &'t str {
        &self.words[0].text
    }

    pub(super) fn args(&self) -> Vec<&'t str> {
        self.words[1..].iter().map(|t| &*t.text).collect()
    }

    /// An error at this line.
    pub(super) fn error(&self, what: &str) -> String {
        error_at(self.words[self.words.len() - 1].line, what)
    }

    /// There are too many words, or too few.
    pub(super) fn count_error(&self) -> String {
        let last = &self.words[self.words.len() - 1].text;
        self.error(&format!("Wrong argument count or unexpected line ending after '{last}'"))
    }

    pub(super) fn unknown(&self) -> String {
        self.error(&format!("unknown property '{}'", self.name()))
    }

    /// The only word behind the first.
    pub(super) fn one(&self) -> Result<&'t str, String> {
        match self.args()[..] {
            [one] => Ok(one),
            _ => Err(self.count_error()),
        }
    }

    /// At least one word.
    pub(super) fn some(&self) -> Result<Vec<&'t str>, String> {
        let args = self.args();
        if args.is_empty() { Err(self.count_error()) } else { Ok(args) }
    }

    /// No further word.
    pub(super) fn none(&self) -> Result<(), String> {
        if self.words.len() == 1 { Ok(()) } else { Err(self.count_error()) }
    }
}

/// `strconv.Atoi`.
pub(super) fn integer(text: &str) -> Result<i64, String> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!("strconv.Atoi: parsing {text:?}: invalid syntax"));
    }
    text.parse().map_err(|_| format!("strconv.Atoi: parsing {text:?}: value out of range"))
}

/// `time.ParseDuration`, of which negative results are marked.
pub(super) fn duration(text: &str) -> Result<(bool, Duration), String> {
    let (negative, size) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if let Some(duration) = Duration::parse(size) {
        return Ok((negative, duration));
    }
    let number = !size.is_empty() && size.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    Err(match number {
        true => format!("time: missing unit in duration {text:?}"),
        false => format!("time: invalid duration {text:?}"),
    })
}
