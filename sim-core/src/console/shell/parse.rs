//! Tokens to the tree: lists, pipelines, commands.
//!
//! One token is looked at before it is taken. Every nesting (compound commands, `$(...)`, `${...}`) passes through
//! [`Parser::nested`], which bounds the depth, so no input can exhaust the stack; every character is read a bounded number of
//! times, so no input can take more than linear time.

use std::sync::Arc;

use super::ast::{AndOr, Command, Compound, Connector, Pipeline, Redirect, Script, Simple, Target, Word};
use super::ast::{Piece, Rule};
use super::lex::{PendingHere, Token};

/// Deepest nesting of commands and expansions. Scripts people write stay below ten.
const NESTING_MAX: usize = 40;
/// Longest script, in bytes.
pub const SCRIPT_BYTES_MAX: usize = 1 << 20;

/// What reading a text came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Parsed {
    /// A whole script.
    Complete(Script),
    /// The text may go on.
    Incomplete {
        /// Text that one of the following lines must contain before reading again can succeed; may be empty.
        needs: String,
        /// What the shell says if no line follows.
        error: SyntaxError,
    },
    /// The text can not become a script.
    Error(SyntaxError),
}

/// Why a text is not a script.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxError {
    /// The shell's own complaint.
    #[error("sh: {line}: Syntax error: {message}")]
    Shell {
        /// Line, counted from 1.
        line: usize,
        /// What is wrong, in dash's words.
        message: String,
    },
    /// Something a shell would do and the sandbox does not.
    #[error("kubewalk: sh: line {line}: {message}")]
    Refused {
        /// Line, counted from 1.
        line: usize,
        /// What is not modelled, and the way out.
        message: String,
    },
}

/// Why reading stopped.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    /// Set when more text could help: text that must come.
    needs: Option<String>,
    error: SyntaxError,
}

impl Fault {
    /// Inside a text that is known to be whole, nothing can be added.
    pub(super) fn final_(self) -> Fault {
        Fault { needs: None, ..self }
    }
}

/// Reads a script. `at_end` says that no more text can follow: an open here-document then ends with the text.
pub fn parse(text: &str, at_end: bool) -> Parsed {
    if text.len() > SCRIPT_BYTES_MAX {
        let message = format!("a script is limited to {SCRIPT_BYTES_MAX} bytes; put the text into a file and name that");
        return Parsed::Error(SyntaxError::Refused { line: 1, message });
    }
    let mut parser = Parser { at_end, ..Parser::new(text.chars().collect()) };
    match parser.whole() {
        Ok(script) => Parsed::Complete(script),
        Err(Fault { needs: Some(needs), error }) if !at_end => Parsed::Incomplete { needs, error },
        Err(fault) => Parsed::Error(fault.error),
    }
}

/// The reader's place in the text.
pub(super) struct Parser {
    pub(super) text: Vec<char>,
    pub(super) at: usize,
    pub(super) line: usize,
    pub(super) depth: usize,
    /// No more text can follow.
    pub(super) at_end: bool,
    /// The text ended in backslash-newline.
    pub(super) continued: bool,
    /// Here-documents asked for on the current line.
    pub(super) here: Vec<PendingHere>,
    pub(super) peeked: Option<Token>,
    /// Where the token that was peeked at began, blanks included.
    pub(super) peeked_at: usize,
}

impl Parser {
    pub(super) fn new(text: Vec<char>) -> Self {
        Parser { text, at: 0, line: 1, depth: 0, at_end: false, continued: false, here: Vec::new(), peeked: None, peeked_at: 0 }
    }

    pub(super) fn syntax(&self, message: impl Into<String>) -> Fault {
        Fault { needs: None, error: SyntaxError::Shell { line: self.line, message: message.into() } }
    }

    pub(super) fn incomplete(&self, needs: &str, message: &str) -> Fault {
        Fault { needs: Some(needs.to_string()), ..self.syntax(message) }
    }

    fn refused(&self, message: impl Into<String>) -> Fault {
        Fault { needs: None, error: SyntaxError::Refused { line: self.line, message: message.into() } }
    }

    /// Runs `read` one level deeper.
    pub(super) fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.depth == NESTING_MAX {
            return Err(self.refused(format!("commands may nest {NESTING_MAX} deep here; split the script")));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn peek(&mut self) -> Result<&Token, Fault> {
        let token = match self.peeked.take() {
            Some(token) => token,
            None => {
                self.peeked_at = self.at;
                self.lex()?
            }
        };
        Ok(self.peeked.insert(token))
    }

    pub(super) fn next(&mut self) -> Result<Token, Fault> {
        match self.peeked.take() {
            Some(token) => Ok(token),
            None => self.lex(),
        }
    }

    fn peek_is(&mut self, op: &str) -> Result<bool, Fault> {
        Ok(matches!(self.peek()?, Token::Op(o) if *o == op))
    }

    /// The reserved word or operator that stands next, if it is plain.
    fn peek_plain(&mut self) -> Result<Option<&str>, Fault> {
        Ok(match self.peek()? {
            Token::Op(op) => Some(op),
            Token::Word(word) => word.plain(),
            _ => None,
        })
    }

    fn take_if(&mut self, what: &str) -> Result<bool, Fault> {
        let found = self.peek_plain()? == Some(what);
        if found {
            self.peeked = None;
        }
        Ok(found)
    }

    fn unexpected(&mut self, expecting: Option<&str>) -> Fault {
        let token = match self.peek() {
            Ok(token) => token.clone(),
            Err(fault) => return fault,
        };
        let hint = expecting.map(|e| format!(" (expecting \"{e}\")")).unwrap_or_default();
        let found = match &token {
            Token::Eof => return self.incomplete(expecting.unwrap_or(""), &format!("end of file unexpected{hint}")),
            // The newline has been taken: the error is on the line before.
            Token::Newline => {
                self.line -= 1;
                "newline".to_string()
            }
            Token::Op(op) => format!("\"{op}\""),
            Token::Word(word) => word.plain().filter(|w| RESERVED.contains(w)).map_or("word".to_string(), |w| format!("\"{w}\"")),
            Token::Number(_) => "word".to_string(),
        };
        self.syntax(format!("{found} unexpected{hint}"))
    }

    fn expect(&mut self, what: &str) -> Result<(), Fault> {
        if self.take_if(what)? { Ok(()) } else { Err(self.unexpected(Some(what))) }
    }

    fn skip_newlines(&mut self) -> Result<(), Fault> {
        while *self.peek()? == Token::Newline {
            self.peeked = None;
        }
        Ok(())
    }

    /// The script that is the whole text.
    pub(super) fn whole(&mut self) -> Result<Script, Fault> {
        let script = self.script(&[])?;
        match self.peek()? {
            Token::Eof => Ok(script),
            _ => Err(self.unexpected(None)),
        }
    }

    /// Commands up to one of `ends` (left in place), or to the end of the text if there are none.
    pub(super) fn script(&mut self, ends: &[&str]) -> Result<Script, Fault> {
        let mut script = Script::default();
        loop {
            self.skip_newlines()?;
            if self.at_end_of_script(ends)? {
                return Ok(script);
            }
            let closes = self.peek_plain()?.is_some_and(|word| CLOSING.contains(&word));
            if closes && !script.items.is_empty() {
                return Err(self.unexpected(hint(ends)));
            }
            let start = self.peeked_at;
            let mut item = self.and_or()?;
            let in_background = self.peek_is("&")?;
            if in_background {
                let text: String = self.text[start..self.at - 1].iter().collect();
                item.background = Some(text.trim().to_string());
            }
            script.items.push(item);
            let separator = matches!(self.peek()?, Token::Op(";" | "&") | Token::Newline);
            if separator {
                self.peeked = None;
            } else if self.at_end_of_script(ends)? {
                return Ok(script);
            } else {
                return Err(self.unexpected(hint(ends)));
            }
        }
    }

    fn at_end_of_script(&mut self, ends: &[&str]) -> Result<bool, Fault> {
        if *self.peek()? == Token::Eof {
            let Some(last) = ends.last() else { return Ok(true) };
            let hint = hint(ends).unwrap_or_default();
            return Err(self.incomplete(last, &format!("end of file unexpected (expecting \"{hint}\")")));
        }
        Ok(self.peek_plain()?.is_some_and(|plain| ends.contains(&plain)))
    }

    /// A script that may not be empty, and the word that ends it, which is taken.
    fn body(&mut self, ends: &[&str]) -> Result<(Script, String), Fault> {
        let script = self.script(ends)?;
        if script.items.is_empty() {
            return Err(self.unexpected(None));
        }
        let end = self.peek_plain()?.unwrap_or_default().to_string();
        self.peeked = None;
        Ok((script, end))
    }

    fn and_or(&mut self) -> Result<AndOr, Fault> {
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        loop {
            let connector = match self.peek()? {
                Token::Op("&&") => Connector::And,
                Token::Op("||") => Connector::Or,
                _ => return Ok(AndOr { first, rest, background: None }),
            };
            self.peeked = None;
            self.skip_newlines()?;
            rest.push((connector, self.pipeline()?));
        }
    }

    fn pipeline(&mut self) -> Result<Pipeline, Fault> {
        let mut negate = false;
        while self.take_if("!")? {
            negate = !negate;
        }
        let mut commands = vec![self.command()?];
        while self.peek_is("|")? {
            self.peeked = None;
            self.skip_newlines()?;
            commands.push(self.command()?);
        }
        Ok(Pipeline { negate, commands })
    }

    fn command(&mut self) -> Result<Command, Fault> {
        let compound = match self.peek_plain()? {
            Some("{") => self.opened(Parser::group)?,
            Some("(") => self.opened(Parser::subshell)?,
            Some("if") => self.opened(Parser::if_clause)?,
            Some("while") => self.opened(|p| p.loop_clause(false))?,
            Some("until") => self.opened(|p| p.loop_clause(true))?,
            Some("for") => self.opened(Parser::for_clause)?,
            Some("case") => self.opened(Parser::case_clause)?,
            Some(word) if RESERVED.contains(&word) => return Err(self.unexpected(None)),
            _ => return self.simple(),
        };
        let mut redirects = Vec::new();
        while let Some(redirect) = self.redirect()? {
            redirects.push(redirect);
        }
        Ok(Command::Compound(compound, redirects))
    }

    fn opened(&mut self, read: impl FnOnce(&mut Self) -> Result<Compound, Fault>) -> Result<Compound, Fault> {
        self.peeked = None;
        self.nested(read)
    }

    fn group(&mut self) -> Result<Compound, Fault> {
        Ok(Compound::Group(self.body(&["}"])?.0))
    }

    fn subshell(&mut self) -> Result<Compound, Fault> {
        Ok(Compound::Subshell(self.body(&[")"])?.0))
    }

    fn if_clause(&mut self) -> Result<Compound, Fault> {
        let mut arms = Vec::new();
        loop {
            let condition = self.body(&["then"])?.0;
            let (body, end) = self.body(&["elif", "else", "fi"])?;
            arms.push((condition, body));
            match end.as_str() {
                "elif" => {}
                "else" => return Ok(Compound::If(arms, Some(self.body(&["fi"])?.0))),
                _ => return Ok(Compound::If(arms, None)),
            }
        }
    }

    fn loop_clause(&mut self, until: bool) -> Result<Compound, Fault> {
        let condition = self.body(&["do"])?.0;
        let body = self.body(&["done"])?.0;
        Ok(Compound::Loop { until, condition, body })
    }

    fn for_clause(&mut self) -> Result<Compound, Fault> {
        let Token::Word(word) = self.peek()? else { return Err(self.unexpected(None)) };
        let Some(name) = word.plain().filter(|n| is_name(n)).map(str::to_string) else {
            return Err(self.syntax("Bad for loop variable"));
        };
        self.peeked = None;
        self.skip_newlines()?;
        let words = if self.take_if("in")? { Some(self.words()?) } else { None };
        self.take_if(";")?;
        self.skip_newlines()?;
        self.expect("do")?;
        let body = self.body(&["done"])?.0;
        Ok(Compound::For { name, words, body })
    }

    fn words(&mut self) -> Result<Vec<Word>, Fault> {
        let mut words = Vec::new();
        while let Token::Word(_) = self.peek()? {
            if let Token::Word(word) = self.next()? {
                words.push(word);
            }
        }
        Ok(words)
    }

    fn case_clause(&mut self) -> Result<Compound, Fault> {
        let Token::Word(_) = self.peek()? else { return Err(self.unexpected(None)) };
        let Token::Word(subject) = self.next()? else { return Err(self.unexpected(None)) };
        self.skip_newlines()?;
        self.expect("in")?;
        let mut arms = Vec::new();
        loop {
            self.skip_newlines()?;
            if self.take_if("esac")? {
                return Ok(Compound::Case(subject, arms));
            }
            self.take_if("(")?;
            let mut patterns = Vec::new();
            loop {
                let Token::Word(_) = self.peek()? else {
                    return Err(self.unexpected(Some(if patterns.is_empty() { "esac" } else { ")" })));
                };
                if let Token::Word(pattern) = self.next()? {
                    patterns.push(pattern);
                }
                if !self.take_if("|")? {
                    break;
                }
            }
            self.expect(")")?;
            let body = self.script(&[";;", "esac"])?;
            arms.push((patterns, body));
            self.take_if(";;")?;
        }
    }

    fn simple(&mut self) -> Result<Command, Fault> {
        let mut simple = Simple { line: self.line, ..Simple::default() };
        loop {
            if let Some(redirect) = self.redirect()? {
                simple.redirects.push(redirect);
                continue;
            }
            let Token::Word(word) = self.peek()? else { break };
            let assignment = if simple.words.is_empty() { assignment(word) } else { None };
            match (assignment, self.next()?) {
                (Some(assignment), _) => simple.assignments.push(assignment),
                (None, Token::Word(word)) => simple.words.push(word),
                (None, _) => break,
            }
            if simple.words.len() == 1 && self.peek_is("(")? {
                return self.function(&simple);
            }
        }
        if simple.words.is_empty() && simple.assignments.is_empty() && simple.redirects.is_empty() {
            return Err(self.unexpected(None));
        }
        Ok(Command::Simple(simple))
    }

    fn function(&mut self, simple: &Simple) -> Result<Command, Fault> {
        let name = simple.words.first().and_then(Word::plain).filter(|n| is_name(n)).map(str::to_string);
        let Some(name) = name else { return Err(self.unexpected(None)) };
        self.peeked = None;
        self.expect(")")?;
        self.skip_newlines()?;
        let body = self.nested(Parser::command)?;
        Ok(Command::Function(name, Arc::new(body)))
    }

    fn redirect(&mut self) -> Result<Option<Redirect>, Fault> {
        let number = match self.peek()? {
            Token::Number(n) => Some(*n),
            _ => None,
        };
        if number.is_some() {
            self.peeked = None;
        }
        let op = match self.peek()? {
            Token::Op(op @ ("<" | ">" | ">>" | "<<" | "<<-" | "<&" | ">&" | ">|")) => *op,
            Token::Op("<>") => return Err(self.refused("`<>` is not modelled; use `<` or `>`")),
            _ => return Ok(None),
        };
        self.peeked = None;
        let fd = number.unwrap_or(u8::from(op.starts_with('>')));
        if fd > 2 {
            return Err(self.refused(format!("only the streams 0, 1 and 2 can be redirected here, not {fd}")));
        }
        let Token::Word(_) = self.peek()? else { return Err(self.unexpected(None)) };
        let Token::Word(word) = self.next()? else { return Err(self.unexpected(None)) };
        let target = match op {
            "<" => Target::Read(word),
            ">" | ">|" => Target::Write(word),
            ">>" => Target::Append(word),
            "<<" => Target::Here(self.expect_here_document(&word, false)),
            "<<-" => Target::Here(self.expect_here_document(&word, true)),
            _ => match word.plain() {
                Some("-") => Target::Closed,
                Some("0") => Target::Same(0),
                Some("1") => Target::Same(1),
                Some("2") => Target::Same(2),
                _ => return Err(self.syntax("Bad fd number")),
            },
        };
        Ok(Some(Redirect { fd, target }))
    }
}

const RESERVED: [&str; 15] =
    ["if", "then", "elif", "else", "fi", "for", "while", "until", "do", "done", "case", "esac", "{", "}", "!"];

/// Words and operators that close what another opened.
const CLOSING: [&str; 10] = ["then", "elif", "else", "fi", "do", "done", "esac", "}", ")", ";;"];

/// Which of the possible ends of a script dash names when it finds something else.
fn hint<'e>(ends: &[&'e str]) -> Option<&'e str> {
    ends.iter().find(|end| **end == ";;").or(ends.last()).copied()
}

/// Whether `text` can name a variable.
pub fn is_name(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
        && text.chars().all(|c| c == '_' || c.is_ascii_alphanumeric())
}

/// `NAME=...` as a name and the word after the sign.
fn assignment(word: &Word) -> Option<(String, Word)> {
    let Piece::Text { text, quoted: false } = word.pieces.first()? else { return None };
    let (name, value) = text.split_once('=')?;
    if !is_name(name) {
        return None;
    }
    let mut pieces = word.pieces.clone();
    if value.is_empty() {
        pieces.remove(0);
    } else {
        pieces[0] = Piece::Text { text: value.to_string(), quoted: false };
    }
    Some((name.to_string(), Word { pieces }))
}

/// A word that is only `$@`, which `for` without `in` walks.
pub fn all_parameters() -> Word {
    Word { pieces: vec![Piece::Parameter { name: "@".to_string(), rule: Rule::Value, quoted: true }] }
}
