//! The tree of a shell script.
//!
//! It follows the grammar of POSIX (list, and-or list, pipeline, command, word) with its names. A tree is built once by
//! [`super::parse`] and never changed; only the body of a here-document, which stands after the line that asks for it, is
//! filled in later ([`HereBody`]).

use std::sync::{Arc, OnceLock};

/// Commands one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    /// The and-or lists, in order.
    pub items: Vec<AndOr>,
}

/// Pipelines joined by `&&` and `||`.
#[derive(Clone, Debug, PartialEq)]
pub struct AndOr {
    /// The first pipeline.
    pub first: Pipeline,
    /// The others, each with the operator before it.
    pub rest: Vec<(Connector, Pipeline)>,
    /// Its text, if it ends in `&`: the shell goes on without waiting for it.
    pub background: Option<String>,
}

/// What joins two pipelines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connector {
    /// `&&`
    And,
    /// `||`
    Or,
}

/// Commands joined by `|`.
#[derive(Clone, Debug, PartialEq)]
pub struct Pipeline {
    /// Begins with `!`: the exit status is inverted.
    pub negate: bool,
    /// At least one command.
    pub commands: Vec<Command>,
}

/// One stage of a pipeline.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Assignments, a program's words and redirections.
    Simple(Simple),
    /// A compound command with redirections.
    Compound(Compound, Vec<Redirect>),
    /// `name() body`
    Function(String, Arc<Command>),
}

/// A simple command.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Simple {
    /// Line on which it begins, counted from 1.
    pub line: usize,
    /// `NAME=VALUE` before the first word.
    pub assignments: Vec<(String, Word)>,
    /// The program and its arguments.
    pub words: Vec<Word>,
    /// Redirections, in order.
    pub redirects: Vec<Redirect>,
}

/// A command made of scripts.
#[derive(Clone, Debug, PartialEq)]
pub enum Compound {
    /// `{ ...; }`
    Group(Script),
    /// `( ... )`
    Subshell(Script),
    /// Condition and body of `if` and each `elif`, then the body of `else`.
    If(Vec<(Script, Script)>, Option<Script>),
    /// `while` and `until` (then `until` is set).
    Loop {
        /// Runs as long as the condition fails.
        until: bool,
        /// Run before each round.
        condition: Script,
        /// Run in each round.
        body: Script,
    },
    /// `for`; without `in` it walks the positional parameters.
    For {
        /// The loop variable.
        name: String,
        /// The words after `in`.
        words: Option<Vec<Word>>,
        /// Run in each round.
        body: Script,
    },
    /// `case`: patterns and body of each arm.
    Case(Word, Vec<(Vec<Word>, Script)>),
}

/// A redirection.
#[derive(Clone, Debug, PartialEq)]
pub struct Redirect {
    /// The stream that is redirected: 0, 1 or 2.
    pub fd: u8,
    /// Where to.
    pub target: Target,
}

/// Where a stream is redirected to.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// `< file`
    Read(Word),
    /// `> file`
    Write(Word),
    /// `>> file`
    Append(Word),
    /// `>&1`, `<&0`
    Same(u8),
    /// `>&-`
    Closed,
    /// `<<`: the text that stands below the line.
    Here(HereBody),
}

/// Text of a here-document; empty until the lines below the command have been read.
pub type HereBody = Arc<OnceLock<Word>>;

/// A word before expansion.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Word {
    /// The pieces, joined without space.
    pub pieces: Vec<Piece>,
}

/// A piece of a word. `quoted` pieces are neither split into fields nor read as patterns.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// Plain text.
    Text {
        /// The text, quotes removed.
        text: String,
        /// Stood in quotes or after a backslash.
        quoted: bool,
    },
    /// `$NAME`, `${NAME}`, `${NAME:-word}`
    Parameter {
        /// A name, a digit, or one of `?#@*$!-`.
        name: String,
        /// What is done with the value.
        rule: Rule,
        /// Stood in double quotes.
        quoted: bool,
    },
    /// `$(...)` or backquotes.
    Substitution {
        /// What is run.
        script: Script,
        /// Stood in double quotes.
        quoted: bool,
    },
    /// `$((...))`
    Arithmetic {
        /// The expression, itself expanded before it is computed.
        expression: Word,
        /// Stood in double quotes.
        quoted: bool,
    },
}

/// What `${NAME...}` does with the value of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// `${NAME}`
    Value,
    /// `${#NAME}`
    Length,
    /// `${NAME-word}`; with `colon` an empty value counts as unset.
    Default {
        /// Written with a colon.
        colon: bool,
        /// The alternative.
        word: Word,
    },
    /// `${NAME=word}`
    Assign {
        /// Written with a colon.
        colon: bool,
        /// The alternative.
        word: Word,
    },
    /// `${NAME+word}`
    Alternative {
        /// Written with a colon.
        colon: bool,
        /// Used when the parameter is set.
        word: Word,
    },
    /// `${NAME?word}`
    Required {
        /// Written with a colon.
        colon: bool,
        /// The error text.
        word: Word,
    },
    /// `${NAME#pattern}`, and `##` with `longest`.
    CutPrefix {
        /// The longest match instead of the shortest.
        longest: bool,
        /// The pattern.
        pattern: Word,
    },
    /// `${NAME%pattern}`, and `%%` with `longest`.
    CutSuffix {
        /// The longest match instead of the shortest.
        longest: bool,
        /// The pattern.
        pattern: Word,
    },
}

impl Word {
    /// The text of a word without quotes and expansions, as reserved words and names are written.
    pub fn plain(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [Piece::Text { text, quoted: false }] => Some(text),
            _ => None,
        }
    }
}
