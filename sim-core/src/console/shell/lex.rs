//! Characters to tokens and words: quotes, `$`, backquotes, here-documents.

use std::sync::Arc;

use super::ast::{HereBody, Piece, Rule, Script, Word};
use super::parse::{Fault, Parser};

/// What the grammar is written in.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// End of the text.
    Eof,
    /// End of a line; the here-documents below it have been read.
    Newline,
    /// An operator.
    Op(&'static str),
    /// Digits directly before `<` or `>`.
    Number(u8),
    /// A word.
    Word(Word),
}

/// Longest first, so that `<<-` is not read as `<<`.
const OPERATORS: [&str; 17] = ["<<-", "&&", "||", ";;", "<<", ">>", "<&", ">&", "<>", ">|", "|", "&", ";", "(", ")", "<", ">"];

/// A here-document whose body has not been read yet.
pub(super) struct PendingHere {
    /// The line that ends it.
    pub delimiter: String,
    /// Some part of the delimiter was quoted: nothing is expanded in the body.
    pub verbatim: bool,
    /// `<<-`: tabs at the start of its lines are removed.
    pub strip_tabs: bool,
    /// Where the body goes.
    pub body: HereBody,
}

/// Collects the pieces of a word, joining neighbouring text.
#[derive(Default)]
struct WordBuilder {
    pieces: Vec<Piece>,
}

impl WordBuilder {
    fn push(&mut self, c: char, quoted: bool) {
        match self.pieces.last_mut() {
            Some(Piece::Text { text, quoted: q }) if *q == quoted => text.push(c),
            _ => self.pieces.push(Piece::Text { text: c.to_string(), quoted }),
        }
    }

    /// Quotes make a field even if there is nothing between them.
    fn open_quote(&mut self) {
        if !matches!(self.pieces.last(), Some(Piece::Text { quoted: true, .. })) {
            self.pieces.push(Piece::Text { text: String::new(), quoted: true });
        }
    }
}

impl Parser {
    pub(super) fn ahead(&self, n: usize) -> Option<char> {
        self.text.get(self.at + n).copied()
    }

    fn take(&mut self) -> Option<char> {
        let c = self.ahead(0)?;
        self.at += 1;
        self.line += usize::from(c == '\n');
        Some(c)
    }

    fn starts_with(&self, what: &str) -> bool {
        what.chars().enumerate().all(|(i, c)| self.ahead(i) == Some(c))
    }

    /// The next token.
    pub(super) fn lex(&mut self) -> Result<Token, Fault> {
        self.skip_blanks();
        let Some(c) = self.ahead(0) else {
            return self.lex_end();
        };
        if c == '\n' {
            self.take();
            self.read_here_documents()?;
            return Ok(Token::Newline);
        }
        if let Some(op) = OPERATORS.into_iter().find(|op| self.starts_with(op)) {
            self.at += op.len();
            return Ok(Token::Op(op));
        }
        if c.is_ascii_digit() && matches!(self.ahead(1), Some('<' | '>')) {
            self.at += 1;
            return Ok(Token::Number(c as u8 - b'0'));
        }
        Ok(Token::Word(self.word()?))
    }

    fn lex_end(&mut self) -> Result<Token, Fault> {
        if self.continued {
            return Err(self.incomplete("", "end of file unexpected"));
        }
        if !self.here.is_empty() {
            self.read_here_documents()?;
        }
        Ok(Token::Eof)
    }

    fn skip_blanks(&mut self) {
        loop {
            match self.ahead(0) {
                Some(' ' | '\t' | '\r') => self.at += 1,
                Some('\\') if self.ahead(1) == Some('\n') => self.join_line(),
                Some('#') => {
                    while self.ahead(0).is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                _ => return,
            }
        }
    }

    /// Skips a backslash and the newline after it; the text must then go on.
    fn join_line(&mut self) {
        self.take();
        self.take();
        self.continued = self.ahead(0).is_none() && !self.at_end;
    }

    fn word(&mut self) -> Result<Word, Fault> {
        let mut word = WordBuilder::default();
        while let Some(c) = self.ahead(0) {
            match c {
                ' ' | '\t' | '\r' | '\n' | '|' | '&' | ';' | '(' | ')' | '<' | '>' => break,
                '\\' if self.ahead(1) == Some('\n') => self.join_line(),
                '\\' => {
                    self.take();
                    word.push(self.take().unwrap_or('\\'), true);
                }
                '\'' => self.single_quoted(&mut word)?,
                '"' => self.double_quoted(&mut word)?,
                '$' | '`' => self.expansion(&mut word, false)?,
                _ => {
                    self.take();
                    word.push(c, false);
                }
            }
        }
        Ok(Word { pieces: word.pieces })
    }

    fn single_quoted(&mut self, word: &mut WordBuilder) -> Result<(), Fault> {
        self.take();
        word.open_quote();
        loop {
            match self.take() {
                None => return Err(self.incomplete("'", "Unterminated quoted string")),
                Some('\'') => return Ok(()),
                Some(c) => word.push(c, true),
            }
        }
    }

    fn double_quoted(&mut self, word: &mut WordBuilder) -> Result<(), Fault> {
        self.take();
        word.open_quote();
        loop {
            match self.ahead(0) {
                None => return Err(self.incomplete("\"", "Unterminated quoted string")),
                Some('"') => {
                    self.take();
                    return Ok(());
                }
                Some(_) => self.inside_quotes(word, true)?,
            }
        }
    }

    /// One step inside double quotes or a here-document, where only `$`, backquote and some backslashes are special.
    fn inside_quotes(&mut self, word: &mut WordBuilder, in_quotes: bool) -> Result<(), Fault> {
        match (self.ahead(0), self.ahead(1)) {
            (Some('\\'), Some('\n')) => self.join_line(),
            (Some('\\'), Some(c @ ('$' | '`' | '\\'))) => {
                self.at += 2;
                word.push(c, true);
            }
            (Some('\\'), Some('"')) if in_quotes => {
                self.at += 2;
                word.push('"', true);
            }
            (Some('$' | '`'), _) => self.expansion(word, true)?,
            _ => {
                if let Some(c) = self.take() {
                    word.push(c, true);
                }
            }
        }
        Ok(())
    }

    /// `$...` or a backquote at the current place.
    fn expansion(&mut self, word: &mut WordBuilder, quoted: bool) -> Result<(), Fault> {
        if self.ahead(0) == Some('`') {
            let script = self.nested(Parser::backquoted)?;
            word.pieces.push(Piece::Substitution { script, quoted });
            return Ok(());
        }
        self.take();
        match self.ahead(0) {
            Some('(') if self.ahead(1) == Some('(') => {
                self.at += 2;
                let expression = self.nested(Parser::arithmetic)?;
                word.pieces.push(Piece::Arithmetic { expression, quoted });
            }
            Some('(') => {
                self.take();
                let script = self.nested(Parser::substitution)?;
                word.pieces.push(Piece::Substitution { script, quoted });
            }
            Some('{') => {
                self.take();
                let piece = self.nested(|p| p.braced(quoted))?;
                word.pieces.push(piece);
            }
            Some(c) if c == '_' || c.is_ascii_alphabetic() => {
                let name = self.name();
                word.pieces.push(Piece::Parameter { name, rule: Rule::Value, quoted });
            }
            Some(c) if c.is_ascii_digit() || "?#@*$!-".contains(c) => {
                self.take();
                word.pieces.push(Piece::Parameter { name: c.to_string(), rule: Rule::Value, quoted });
            }
            _ => word.push('$', true),
        }
        Ok(())
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(c) = self.ahead(0).filter(|c| *c == '_' || c.is_ascii_alphanumeric()) {
            name.push(c);
            self.at += 1;
        }
        name
    }

    fn substitution(&mut self) -> Result<Script, Fault> {
        let script = self.script(&[")"])?;
        self.next()?;
        Ok(script)
    }

    fn backquoted(&mut self) -> Result<Script, Fault> {
        let line = self.line;
        self.take();
        let mut inner = Vec::new();
        loop {
            match (self.take(), self.ahead(0)) {
                (None, _) => return Err(self.incomplete("`", "EOF in backquote substitution")),
                (Some('`'), _) => break,
                (Some('\\'), Some(c @ ('`' | '\\' | '$'))) => {
                    self.take();
                    inner.push(c);
                }
                (Some(c), _) => inner.push(c),
            }
        }
        let mut parser = Parser { line, depth: self.depth, at_end: true, ..Parser::new(inner) };
        parser.whole().map_err(Fault::final_)
    }

    fn arithmetic(&mut self) -> Result<Word, Fault> {
        let mut word = WordBuilder::default();
        let mut open = 0_usize;
        loop {
            match self.ahead(0) {
                None => return Err(self.incomplete("))", "Missing '))'")),
                Some(')') if open == 0 && self.ahead(1) == Some(')') => {
                    self.at += 2;
                    return Ok(Word { pieces: word.pieces });
                }
                Some(')') if open == 0 => return Err(self.syntax("Missing '))'")),
                Some('$' | '`') => self.expansion(&mut word, true)?,
                Some(c) => {
                    open = if c == '(' { open + 1 } else { open - usize::from(c == ')') };
                    self.take();
                    word.push(c, true);
                }
            }
        }
    }

    /// The inside of `${...}`.
    fn braced(&mut self, quoted: bool) -> Result<Piece, Fault> {
        let length = self.ahead(0) == Some('#') && self.ahead(1).is_some_and(|c| c != '}' && !":-+=?#%".contains(c));
        if length {
            self.take();
        }
        let mut name = self.name();
        if name.is_empty() {
            match self.take() {
                None => return Err(self.incomplete("}", "Missing '}'")),
                Some(c) if "?#@*$!-".contains(c) => name.push(c),
                Some(_) => return Err(self.syntax("Bad substitution")),
            }
        }
        let rule = if length { Rule::Length } else { self.rule(quoted)? };
        match self.take() {
            Some('}') => Ok(Piece::Parameter { name, rule, quoted }),
            None => Err(self.incomplete("}", "Missing '}'")),
            Some(_) => Err(self.syntax("Bad substitution")),
        }
    }

    fn rule(&mut self, quoted: bool) -> Result<Rule, Fault> {
        let colon = self.ahead(0) == Some(':');
        let Some(sign) = self.ahead(usize::from(colon)) else {
            return Err(self.incomplete("}", "Missing '}'"));
        };
        if sign == '}' && !colon {
            return Ok(Rule::Value);
        }
        self.at += usize::from(colon) + 1;
        let longest = !colon && matches!(sign, '#' | '%') && self.ahead(0) == Some(sign);
        self.at += usize::from(longest);
        let word = self.brace_word(quoted && !matches!(sign, '#' | '%'))?;
        Ok(match sign {
            '-' => Rule::Default { colon, word },
            '=' => Rule::Assign { colon, word },
            '+' => Rule::Alternative { colon, word },
            '?' => Rule::Required { colon, word },
            '#' if !colon => Rule::CutPrefix { longest, pattern: word },
            '%' if !colon => Rule::CutSuffix { longest, pattern: word },
            _ => return Err(self.syntax("Bad substitution")),
        })
    }

    /// The word in `${NAME:-word}`: up to the brace that closes it, which is left.
    fn brace_word(&mut self, quoted: bool) -> Result<Word, Fault> {
        let mut word = WordBuilder::default();
        loop {
            match self.ahead(0) {
                None => return Err(self.incomplete("}", "Missing '}'")),
                Some('}') => return Ok(Word { pieces: word.pieces }),
                Some('\'') if !quoted => self.single_quoted(&mut word)?,
                Some('"') => self.double_quoted(&mut word)?,
                Some('\\') if !quoted || self.ahead(1) == Some('}') => {
                    self.take();
                    word.push(self.take().unwrap_or('\\'), true);
                }
                Some(_) if quoted => self.inside_quotes(&mut word, true)?,
                Some('$' | '`') => self.expansion(&mut word, false)?,
                Some(c) => {
                    self.take();
                    word.push(c, false);
                }
            }
        }
    }

    /// The text at the start of a line up to its end, without the newline; `None` at the end of the text.
    fn take_line(&mut self) -> Option<Vec<char>> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = rest.iter().position(|c| *c == '\n').unwrap_or(rest.len());
        let line = rest[..length].to_vec();
        self.at = (self.at + length + 1).min(self.text.len());
        self.line += 1;
        Some(line)
    }

    fn read_here_documents(&mut self) -> Result<(), Fault> {
        for here in std::mem::take(&mut self.here) {
            let line = self.line;
            let mut body: Vec<char> = Vec::new();
            loop {
                let Some(mut text) = self.take_line() else {
                    if self.at_end {
                        break;
                    }
                    return Err(self.incomplete(&here.delimiter, "end of file unexpected"));
                };
                if here.strip_tabs {
                    let tabs = text.iter().take_while(|c| **c == '\t').count();
                    text.drain(..tabs);
                }
                if text.iter().copied().eq(here.delimiter.chars()) {
                    break;
                }
                body.append(&mut text);
                body.push('\n');
            }
            let word = if here.verbatim { Word { pieces: vec![verbatim(body)] } } else { self.here_word(body, line)? };
            // Set once: every here-document is pending once and read once.
            let _ = here.body.set(word);
        }
        Ok(())
    }

    fn here_word(&mut self, body: Vec<char>, line: usize) -> Result<Word, Fault> {
        let mut parser = Parser { line, depth: self.depth, at_end: true, ..Parser::new(body) };
        let mut word = WordBuilder::default();
        while parser.ahead(0).is_some() {
            parser.inside_quotes(&mut word, false).map_err(Fault::final_)?;
        }
        Ok(Word { pieces: word.pieces })
    }

    /// Asks for the body of a here-document; it stands below the current line.
    pub(super) fn expect_here_document(&mut self, delimiter: &Word, strip_tabs: bool) -> HereBody {
        let (mut text, mut verbatim) = (String::new(), false);
        for piece in &delimiter.pieces {
            if let Piece::Text { text: part, quoted } = piece {
                text.push_str(part);
                verbatim |= quoted;
            }
        }
        let body: HereBody = Arc::default();
        self.here.push(PendingHere { delimiter: text, verbatim, strip_tabs, body: Arc::clone(&body) });
        body
    }
}

fn verbatim(text: Vec<char>) -> Piece {
    Piece::Text { text: text.into_iter().collect(), quoted: true }
}
