//! Expansion of words: parameters, command substitution, arithmetic, then splitting into fields and removing quotes.
//!
//! A word becomes a row of chunks that remember where they come from, because only the result of an unquoted expansion is
//! split, and only unquoted text is read as a pattern. The real thing: POSIX.1-2024, "Shell & Utilities" 2.6.

use super::arith;
use super::ast::{Piece, Rule, Word};
use super::eval::{Interpreter, Io, Jump};
use super::pattern::Pattern;
use super::state::Shell;
use crate::console::host::Doing;

/// Where a part of an expanded word comes from.
enum Chunk {
    /// Written in the word, unquoted.
    Literal(String),
    /// Quoted in whatever way.
    Quoted(String),
    /// Result of an unquoted expansion.
    Expanded(String),
    /// Between two positional parameters of `"$@"`.
    Break,
}

struct ShellVariables<'s>(&'s mut Shell);

impl arith::Variables for ShellVariables<'_> {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).map(str::to_string)
    }
    fn set(&mut self, name: &str, value: i64) {
        self.0.set(name, &value.to_string());
    }
}

impl Interpreter {
    /// Expands words into fields.
    pub(super) async fn fields(&mut self, words: &[Word], io: &Io) -> Result<Vec<String>, Jump> {
        let mut fields = Vec::new();
        for word in words {
            let chunks = self.chunks(word, io).await?;
            let ifs = self.shell.get("IFS").unwrap_or(" \t\n").to_string();
            let before = fields.len();
            split(chunks, &ifs, &mut fields);
            self.spend(fields[before..].iter().map(|f| f.len() + 8).sum())?;
        }
        Ok(fields)
    }

    /// Expands a word that stays one text: values, file names, the subject of `case`.
    pub(super) async fn text(&mut self, word: &Word, io: &Io) -> Result<String, Jump> {
        let mut text = String::new();
        for chunk in self.chunks(word, io).await? {
            match chunk {
                Chunk::Literal(t) | Chunk::Quoted(t) | Chunk::Expanded(t) => text.push_str(&t),
                Chunk::Break => text.push(' '),
            }
        }
        self.spend(text.len())?;
        Ok(text)
    }

    /// Expands a word that is a pattern; what was quoted in it stands for itself.
    pub(super) async fn pattern(&mut self, word: &Word, io: &Io) -> Result<Pattern, Jump> {
        let mut text = String::new();
        for chunk in self.chunks(word, io).await? {
            match chunk {
                Chunk::Literal(t) | Chunk::Expanded(t) => text.push_str(&t),
                Chunk::Quoted(t) => t.chars().for_each(|c| text.extend(['\\', c])),
                Chunk::Break => text.push(' '),
            }
        }
        self.spend(text.len())?;
        Ok(Pattern::new(&text))
    }

    fn chunks<'s>(&'s mut self, word: &'s Word, io: &'s Io) -> Doing<'s, Result<Vec<Chunk>, Jump>> {
        Box::pin(self.chunks_of(word, io))
    }

    async fn chunks_of(&mut self, word: &Word, io: &Io) -> Result<Vec<Chunk>, Jump> {
        let mut chunks = Vec::new();
        for (i, piece) in word.pieces.iter().enumerate() {
            match piece {
                Piece::Text { text, quoted: true } => chunks.push(Chunk::Quoted(text.clone())),
                Piece::Text { text, quoted: false } => {
                    chunks.push(Chunk::Literal(if i == 0 { self.tilde(text) } else { text.clone() }));
                }
                Piece::Parameter { name, rule, quoted } => self.parameter(name, rule, *quoted, io, &mut chunks).await?,
                Piece::Substitution { script, quoted } => {
                    let text = self.substitute(script, io).await?;
                    chunks.push(from_expansion(text, *quoted));
                }
                Piece::Arithmetic { expression, quoted } => {
                    let text = self.text(expression, io).await?;
                    let value = arith::evaluate(&text, &mut ShellVariables(&mut self.shell));
                    let value = value.or_else(|message| self.fail(io, &message))?;
                    chunks.push(from_expansion(value.to_string(), *quoted));
                }
            }
        }
        Ok(chunks)
    }

    fn tilde(&self, text: &str) -> String {
        match text.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => {
                let home = self.shell.get("HOME").unwrap_or_default();
                format!("{home}{rest}")
            }
            _ => text.to_string(),
        }
    }

    async fn parameter(&mut self, name: &str, rule: &Rule, quoted: bool, io: &Io, out: &mut Vec<Chunk>) -> Result<(), Jump> {
        if (name == "@" || name == "*") && *rule == Rule::Value {
            let all = self.shell.positional.clone();
            self.spend(all.iter().map(|p| p.len() + 8).sum())?;
            for (i, parameter) in all.into_iter().enumerate() {
                match (i, name, quoted) {
                    (0, ..) => {}
                    (_, "*", true) => out.push(Chunk::Quoted(" ".to_string())),
                    _ => out.push(Chunk::Break),
                }
                out.push(from_expansion(parameter, quoted));
            }
            return Ok(());
        }
        let value = self.shell.parameter(name);
        // A parameter counts as missing when it is unset, with the colon also when it is empty.
        let missing = |colon: bool| value.as_deref().is_none_or(|v| colon && v.is_empty());
        let text = match rule {
            Rule::Default { colon, word } if missing(*colon) => return self.alternative(word, quoted, io, out).await,
            Rule::Alternative { colon, .. } if missing(*colon) => String::new(),
            Rule::Alternative { word, .. } => return self.alternative(word, quoted, io, out).await,
            Rule::Assign { colon, word } if missing(*colon) => {
                let text = self.text(word, io).await?;
                self.shell.set(name, &text);
                text
            }
            Rule::Required { colon, word } if missing(*colon) => {
                let said = self.text(word, io).await?;
                let said = if said.is_empty() { "parameter not set".to_string() } else { said };
                return self.fail(io, &format!("{name}: {said}"));
            }
            Rule::Length => value.unwrap_or_default().chars().count().to_string(),
            Rule::CutPrefix { longest, pattern } => {
                let (pattern, value) = self.cutting(pattern, value, io).await?;
                pattern.cut_prefix(&value, *longest)
            }
            Rule::CutSuffix { longest, pattern } => {
                let (pattern, value) = self.cutting(pattern, value, io).await?;
                pattern.cut_suffix(&value, *longest)
            }
            Rule::Value if value.is_none() && self.shell.options.nounset => {
                return self.fail(io, &format!("{name}: parameter not set"));
            }
            _ => value.unwrap_or_default(),
        };
        self.spend(text.len())?;
        out.push(from_expansion(text, quoted));
        Ok(())
    }

    async fn cutting(&mut self, pattern: &Word, value: Option<String>, io: &Io) -> Result<(Pattern, String), Jump> {
        let (pattern, value) = (self.pattern(pattern, io).await?, value.unwrap_or_default());
        self.spend(pattern.cost(value.len()) / 8)?;
        Ok((pattern, value))
    }

    async fn alternative(&mut self, word: &Word, quoted: bool, io: &Io, out: &mut Vec<Chunk>) -> Result<(), Jump> {
        if word.pieces.is_empty() {
            out.push(from_expansion(String::new(), quoted));
        }
        for chunk in self.chunks(word, io).await? {
            out.push(match chunk {
                Chunk::Literal(t) if !quoted => Chunk::Expanded(t),
                Chunk::Literal(t) | Chunk::Expanded(t) if quoted => Chunk::Quoted(t),
                other => other,
            });
        }
        Ok(())
    }
}

fn from_expansion(text: String, quoted: bool) -> Chunk {
    if quoted { Chunk::Quoted(text) } else { Chunk::Expanded(text) }
}

/// Splits a word's chunks into fields. White space of IFS only separates; any other character of IFS ends a field, even an
/// empty one.
fn split(chunks: Vec<Chunk>, ifs: &str, fields: &mut Vec<String>) {
    let mut field: Option<String> = None;
    for chunk in chunks {
        match chunk {
            Chunk::Literal(text) | Chunk::Quoted(text) => field.get_or_insert_default().push_str(&text),
            Chunk::Break => fields.extend(field.take()),
            Chunk::Expanded(text) => {
                for c in text.chars() {
                    if !ifs.contains(c) {
                        field.get_or_insert_default().push(c);
                    } else if c.is_ascii_whitespace() {
                        fields.extend(field.take());
                    } else {
                        fields.push(field.take().unwrap_or_default());
                    }
                }
            }
        }
    }
    fields.extend(field);
}
