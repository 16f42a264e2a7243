//! The text of an awk program to its rules.

use super::super::regex::{Matcher, Syntax, compile};
use super::value::{Value, leading_number};
use crate::console::meter::Meter;

/// Deepest nesting of expressions and blocks.
const NESTING_MAX: usize = 40;
/// Most operators in one rule's pattern or one statement: they make a tree that leans to one side.
const OPERATORS_MAX: usize = 150;

/// When a rule acts.
#[derive(Clone, Debug)]
pub(super) enum When {
    /// `BEGIN`
    Begin,
    /// `END`
    End,
    /// On each line.
    Always,
    /// On lines for which the expression is true.
    If(Expr),
    /// From one line to another.
    Range(Expr, Expr),
}

/// A rule.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub when: When,
    /// Without a block the line is printed.
    pub block: Option<Vec<Statement>>,
}

/// A statement.
#[derive(Clone, Debug)]
pub(super) enum Statement {
    Print(Vec<Expr>),
    Printf(Vec<Expr>),
    Do(Expr),
    If(Expr, Vec<Statement>, Vec<Statement>),
    ForIn(String, String, Vec<Statement>),
    Next,
    Exit(Option<Expr>),
}

/// An expression.
#[derive(Clone, Debug)]
pub(super) enum Expr {
    Literal(Value),
    Match(Matcher),
    Field(Box<Expr>),
    Variable(String),
    Element(String, Box<Expr>),
    /// The operator is empty for a plain assignment.
    Assign(Box<Expr>, &'static str, Box<Expr>),
    /// `x++`, `--x`: by how much, and whether the old value is the result.
    Step(Box<Expr>, i128, bool),
    Binary(&'static str, Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    Negative(Box<Expr>),
    Choice(Box<Expr>, Box<Expr>, Box<Expr>),
    In(Box<Expr>, String),
    Call(String, Vec<Expr>),
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(i128),
    Text(String),
    Regex(String),
    Name(String),
    /// A name with `(` directly after it.
    Op(&'static str),
    Newline,
}

const OPERATORS: [&str; 40] = [
    "&&", "||", "==", "!=", "<=", ">=", "+=", "-=", "*=", "/=", "%=", "++", "--", "!~", "{", "}", "(", ")", "[", "]", ";", ",",
    "+", "-", "*", "/", "%", "<", ">", "=", "!", "~", "$", "?", ":", "|", "&", "^", "\\", "@",
];
/// Functions with the number of arguments they take.
const FUNCTIONS: [(&str, usize, usize); 10] = [
    ("length", 0, 1),
    ("substr", 2, 3),
    ("tolower", 1, 1),
    ("toupper", 1, 1),
    ("index", 2, 2),
    ("int", 1, 1),
    ("sub", 2, 3),
    ("gsub", 2, 3),
    ("split", 2, 3),
    ("sprintf", 1, 20),
];

/// Reads a program; the error is a sentence.
pub(super) fn program(text: &str, meter: &Meter) -> Result<Vec<Rule>, String> {
    let mut reader = Reader { tokens: tokens(text)?, at: 0, depth: 0, operators: 0, meter };
    let mut rules = Vec::new();
    loop {
        reader.skip(&[Token::Newline, Token::Op(";")]);
        reader.operators = 0;
        if reader.peek().is_none() {
            return Ok(rules);
        }
        let when = match reader.peek() {
            Some(Token::Op("{")) => When::Always,
            Some(Token::Name(name)) if name == "BEGIN" || name == "END" => {
                let begin = name == "BEGIN";
                reader.at += 1;
                if begin { When::Begin } else { When::End }
            }
            _ => {
                let from = reader.expression()?;
                if reader.take_if(",") { When::Range(from, reader.expression()?) } else { When::If(from) }
            }
        };
        let block = if reader.peek() == Some(&Token::Op("{")) { Some(reader.block()?) } else { None };
        rules.push(Rule { when, block });
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        // After a value a slash divides; elsewhere it opens a regular expression.
        let after_value = matches!(
            tokens.last(),
            Some(Token::Number(_) | Token::Text(_) | Token::Name(_) | Token::Op(")" | "]" | "++" | "--"))
        );
        if c == '\n' {
            tokens.push(Token::Newline);
            rest = &rest[1..];
        } else if c.is_whitespace() {
            rest = &rest[c.len_utf8()..];
        } else if c == '#' {
            rest = rest.find('\n').map_or("", |at| &rest[at..]);
        } else if c == '"' || c == '/' && !after_value {
            let (inner, tail) = quoted(&rest[1..], c)?;
            tokens.push(if c == '"' { Token::Text(inner) } else { Token::Regex(inner) });
            rest = tail;
        } else if c.is_ascii_digit() || c == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit()) {
            let (number, tail) = leading_number(rest).ok_or("a number can not be read")?;
            tokens.push(Token::Number(number));
            rest = tail;
        } else if c == '_' || c.is_ascii_alphabetic() {
            let end = rest.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
            tokens.push(Token::Name(rest[..end].to_string()));
            rest = &rest[end..];
        } else {
            let op = OPERATORS.iter().find(|op| rest.starts_with(**op)).ok_or(format!("'{c}' is not modelled"))?;
            tokens.push(Token::Op(op));
            rest = &rest[op.len()..];
        }
    }
    Ok(tokens)
}

fn quoted(text: &str, end: char) -> Result<(String, &str), String> {
    let mut inner = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == end => {
                let inner = if end == '"' { super::super::echo::unescape(&inner).0 } else { inner };
                return Ok((inner, &text[at + 1..]));
            }
            '\\' => match chars.next() {
                Some((_, c)) if c == end => inner.push(c),
                Some((_, c)) => inner.extend(['\\', c]),
                None => break,
            },
            c => inner.push(c),
        }
    }
    Err(format!("a closing {end} is missing"))
}

struct Reader<'m> {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    /// Operators read since the last statement began.
    operators: usize,
    /// What its regular expressions draw on.
    meter: &'m Meter,
}

impl Reader<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn skip(&mut self, what: &[Token]) {
        while self.peek().is_some_and(|t| what.contains(t)) {
            self.at += 1;
        }
    }

    fn take_if(&mut self, op: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Op(o)) if *o == op);
        self.at += usize::from(found);
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Name(name)) if name == word);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, op: &str) -> Result<(), String> {
        if self.take_if(op) { Ok(()) } else { Err(self.unexpected(&format!("'{op}'"))) }
    }

    fn unexpected(&self, wanted: &str) -> String {
        let found = match self.peek() {
            None => "the end of the program".to_string(),
            Some(Token::Op(op)) => format!("'{op}'"),
            Some(Token::Name(name)) => format!("'{name}'"),
            Some(Token::Newline) => "a new line".to_string(),
            Some(_) => "a value".to_string(),
        };
        format!("only simple programs are modelled: {wanted} was expected, not {found}")
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        if self.operators > OPERATORS_MAX {
            return Err(format!("an expression may have {OPERATORS_MAX} operators here"));
        }
        if self.depth == NESTING_MAX {
            return Err(format!("expressions may nest {NESTING_MAX} deep here"));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn block(&mut self) -> Result<Vec<Statement>, String> {
        self.expect("{")?;
        let mut statements = Vec::new();
        loop {
            self.skip(&[Token::Newline, Token::Op(";")]);
            if self.take_if("}") {
                return Ok(statements);
            }
            statements.push(self.deeper(Self::statement)?);
            let ended = matches!(self.peek(), Some(Token::Newline | Token::Op(";" | "}")));
            let was_block = matches!(self.tokens.get(self.at - 1), Some(Token::Op("}" | ";")));
            if !ended && !was_block {
                return Err(self.unexpected("';' or '}'"));
            }
        }
    }

    fn body(&mut self) -> Result<Vec<Statement>, String> {
        self.skip(&[Token::Newline]);
        if self.peek() == Some(&Token::Op("{")) { self.block() } else { Ok(vec![self.deeper(Self::statement)?]) }
    }

    fn statement(&mut self) -> Result<Statement, String> {
        self.operators = 0;
        let Some(Token::Name(name)) = self.peek().cloned() else { return Ok(Statement::Do(self.expression()?)) };
        match name.as_str() {
            "print" | "printf" => {
                self.at += 1;
                let items = self.items()?;
                if matches!(self.peek(), Some(Token::Op(">" | "|"))) {
                    return Err("redirection of output is not modelled; use the shell's".to_string());
                }
                Ok(if name == "print" { Statement::Print(items) } else { Statement::Printf(items) })
            }
            "next" => {
                self.at += 1;
                Ok(Statement::Next)
            }
            "exit" => {
                self.at += 1;
                let end = matches!(self.peek(), None | Some(Token::Newline | Token::Op(";" | "}")));
                Ok(Statement::Exit(if end { None } else { Some(self.expression()?) }))
            }
            "if" => {
                self.at += 1;
                self.expect("(")?;
                let condition = self.expression()?;
                self.expect(")")?;
                let then = self.body()?;
                let before = self.at;
                self.skip(&[Token::Newline, Token::Op(";")]);
                if self.take_word("else") {
                    return Ok(Statement::If(condition, then, self.body()?));
                }
                self.at = before;
                Ok(Statement::If(condition, then, Vec::new()))
            }
            "for" => self.for_in(),
            "while" | "do" | "function" | "getline" | "delete" | "break" | "continue" | "return" => {
                Err(format!("'{name}' is not modelled"))
            }
            _ => Ok(Statement::Do(self.expression()?)),
        }
    }

    fn for_in(&mut self) -> Result<Statement, String> {
        self.at += 1;
        self.expect("(")?;
        let (Some(Token::Name(key)), Some(Token::Name(word)), Some(Token::Name(array))) =
            (self.peek().cloned(), self.tokens.get(self.at + 1).cloned(), self.tokens.get(self.at + 2).cloned())
        else {
            return Err("of the loops only 'for (KEY in ARRAY)' is modelled".to_string());
        };
        if word != "in" {
            return Err("of the loops only 'for (KEY in ARRAY)' is modelled".to_string());
        }
        self.at += 3;
        self.expect(")")?;
        Ok(Statement::ForIn(key, array, self.body()?))
    }

    /// What `print` prints; parentheses around all of it change nothing.
    fn items(&mut self) -> Result<Vec<Expr>, String> {
        let mut items = Vec::new();
        if matches!(self.peek(), None | Some(Token::Newline | Token::Op(";" | "}"))) {
            return Ok(items);
        }
        if self.peek() == Some(&Token::Op("(")) {
            let before = self.at;
            self.at += 1;
            let list = self.list(")");
            let whole = matches!(self.peek(), None | Some(Token::Newline | Token::Op(";" | "}")));
            match list {
                Ok(list) if whole => return Ok(list),
                _ => self.at = before,
            }
        }
        loop {
            items.push(self.printed()?);
            if !self.take_if(",") {
                return Ok(items);
            }
        }
    }

    /// An expression in which a bare `>` would redirect.
    fn printed(&mut self) -> Result<Expr, String> {
        self.deeper(|r| r.choice(true))
    }

    fn list(&mut self, end: &str) -> Result<Vec<Expr>, String> {
        let mut list = Vec::new();
        if self.take_if(end) {
            return Ok(list);
        }
        loop {
            list.push(self.expression()?);
            if !self.take_if(",") {
                self.expect(end)?;
                return Ok(list);
            }
        }
    }

    fn expression(&mut self) -> Result<Expr, String> {
        self.deeper(|r| r.choice(false))
    }

    fn choice(&mut self, printed: bool) -> Result<Expr, String> {
        let left = self.binary(0, printed)?;
        for op in ["=", "+=", "-=", "*=", "/=", "%="] {
            if matches!(left, Expr::Variable(_) | Expr::Element(..) | Expr::Field(_)) && self.take_if(op) {
                let right = self.deeper(|r| r.choice(printed))?;
                return Ok(Expr::Assign(Box::new(left), op.trim_end_matches('='), Box::new(right)));
            }
        }
        if !self.take_if("?") {
            return Ok(left);
        }
        let yes = self.expression()?;
        self.expect(":")?;
        let no = self.deeper(|r| r.choice(printed))?;
        Ok(Expr::Choice(Box::new(left), Box::new(yes), Box::new(no)))
    }

    /// Binary operators by rank; between comparison and addition stands concatenation, which has no sign.
    fn binary(&mut self, rank: usize, printed: bool) -> Result<Expr, String> {
        const RANKS: [&[&str]; 7] =
            [&["||"], &["&&"], &["~", "!~"], &["<=", ">=", "==", "!=", "<", ">"], &[], &["+", "-"], &["*", "/", "%"]];
        let Some(operators) = RANKS.get(rank) else { return self.unary() };
        let mut left = self.binary(rank + 1, printed)?;
        loop {
            let op = match self.peek() {
                Some(Token::Op(">")) if printed => return Ok(left),
                Some(Token::Op(op)) if operators.contains(op) => *op,
                Some(Token::Name(name)) if name == "in" && rank == 2 => {
                    self.at += 1;
                    let Some(Token::Name(array)) = self.peek().cloned() else { return Err(self.unexpected("an array")) };
                    self.at += 1;
                    self.operators += 1;
                    left = Expr::In(Box::new(left), array);
                    continue;
                }
                Some(Token::Number(_) | Token::Text(_) | Token::Name(_) | Token::Op("$" | "(" | "!")) if rank == 4 => {
                    if matches!(self.peek(), Some(Token::Name(name)) if name == "in") {
                        return Ok(left);
                    }
                    let right = self.operand(rank + 1, printed)?;
                    left = Expr::Binary(" ", Box::new(left), Box::new(right));
                    continue;
                }
                _ => return Ok(left),
            };
            self.at += 1;
            let right = self.operand(rank + 1, printed)?;
            left = Expr::Binary(op, Box::new(left), Box::new(right));
        }
    }

    /// The right side of an operator.
    fn operand(&mut self, rank: usize, printed: bool) -> Result<Expr, String> {
        self.operators += 1;
        self.deeper(|r| r.binary(rank, printed))
    }

    fn unary(&mut self) -> Result<Expr, String> {
        if self.take_if("!") {
            return Ok(Expr::Not(Box::new(self.deeper(Self::unary)?)));
        }
        if self.take_if("-") {
            return Ok(Expr::Negative(Box::new(self.deeper(Self::unary)?)));
        }
        if self.take_if("+") {
            let zero = Expr::Literal(Value::Number(0));
            return Ok(Expr::Binary("+", Box::new(zero), Box::new(self.deeper(Self::unary)?)));
        }
        for (op, by) in [("++", 1), ("--", -1)] {
            if self.take_if(op) {
                return Ok(Expr::Step(Box::new(self.deeper(Self::primary)?), by, false));
            }
        }
        let value = self.primary()?;
        for (op, by) in [("++", 1), ("--", -1)] {
            if matches!(value, Expr::Variable(_) | Expr::Element(..) | Expr::Field(_)) && self.take_if(op) {
                return Ok(Expr::Step(Box::new(value), by, true));
            }
        }
        Ok(value)
    }

    fn primary(&mut self) -> Result<Expr, String> {
        let Some(token) = self.peek().cloned() else { return Err(self.unexpected("a value")) };
        self.at += 1;
        match token {
            Token::Number(n) => Ok(Expr::Literal(Value::Number(n))),
            Token::Text(text) => Ok(Expr::Literal(Value::Text(text))),
            Token::Regex(text) => Ok(Expr::Match(compile(&text, Syntax::Extended, false, self.meter)?)),
            Token::Op("$") => Ok(Expr::Field(Box::new(self.deeper(Self::primary)?))),
            Token::Op("(") => {
                let inner = self.expression()?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Name(name) => self.named(name),
            _ => {
                self.at -= 1;
                Err(self.unexpected("a value"))
            }
        }
    }

    fn named(&mut self, name: String) -> Result<Expr, String> {
        if let Some((_, least, most)) = FUNCTIONS.iter().find(|(f, ..)| *f == name) {
            let arguments = if self.take_if("(") { self.list(")")? } else { Vec::new() };
            if !(*least..=*most).contains(&arguments.len()) {
                return Err(format!("{name} takes {least} to {most} arguments"));
            }
            return Ok(Expr::Call(name, arguments));
        }
        if self.take_if("[") {
            let index = self.expression()?;
            self.expect("]")?;
            return Ok(Expr::Element(name, Box::new(index)));
        }
        if self.peek() == Some(&Token::Op("(")) && !["print", "in"].contains(&name.as_str()) {
            return Err(format!("the function '{name}' is not modelled"));
        }
        Ok(Expr::Variable(name))
    }
}
