//! The text form of label selectors.

use super::{Requirement, Test, checked};

const OPERATORS: &str = "in, notin, =, ==, !=, gt, lt";

#[derive(Clone, Copy, Debug, PartialEq, Hash)]
struct Lexer<'a> {
    rest: &'a str,
}

impl<'a> Lexer<'a> {
    /// The next token: a word, one of `= == != ! ( ) , > <`, or `""` at the end.
    fn next(&mut self) -> &'a str {
        self.rest = self.rest.trim_start();
        let special = |c: char| matches!(c, '=' | '!' | '(' | ')' | ',' | '>' | '<');
        let length = match self.rest.chars().next() {
            None => 0,
            Some('=' | '!') if self.rest[1..].starts_with('=') => 2,
            Some(c) if special(c) => 1,
            Some(_) => self.rest.find(|c: char| special(c) || c.is_whitespace()).unwrap_or(self.rest.len()),
        };
        let (token, rest) = self.rest.split_at(length);
        self.rest = rest;
        token
    }

    fn peek(&self) -> &'a str {
        self.clone().next()
    }
}

fn is_word(token: &str) -> bool {
    !token.is_empty() && !matches!(token, "=" | "==" | "!=" | "!" | "(" | ")" | "," | ">" | "<")
}

pub(super) fn requirements(text: &str) -> Result<Vec<Requirement>, String> {
    let mut lexer = Lexer { rest: text };
    let mut all = Vec::new();
    if lexer.peek().is_empty() {
        return Ok(all);
    }
    loop {
        let token = lexer.peek();
        if !is_word(token) && token != "!" {
            return Err(format!("found '{token}', expected: !, identifier, or 'end of string'"));
        }
        all.push(requirement(&mut lexer)?);
        match lexer.next() {
            "" => return Ok(all),
            "," if is_word(lexer.peek()) || lexer.peek() == "!" => {}
            "," => return Err(format!("found '{}', expected: identifier after ','", lexer.peek())),
            other => return Err(format!("found '{other}', expected: ',' or 'end of string'")),
        }
    }
}

fn requirement(lexer: &mut Lexer<'_>) -> Result<Requirement, String> {
    let first = lexer.next();
    if first == "!" {
        let key = lexer.next();
        return checked(if is_word(key) { key } else { "" }, Test::DoesNotExist);
    }
    if matches!(lexer.peek(), "" | ",") {
        return checked(first, Test::Exists);
    }
    let test = match lexer.next() {
        "=" | "==" => Test::In(vec![exact(lexer)?]),
        "!=" => Test::NotIn(vec![exact(lexer)?]),
        ">" => Test::Greater(integer(lexer)?),
        "<" => Test::Less(integer(lexer)?),
        "in" => Test::In(set(lexer)?),
        "notin" => Test::NotIn(set(lexer)?),
        other => return Err(format!("found '{other}', expected: {OPERATORS}")),
    };
    checked(first, test)
}

fn exact(lexer: &mut Lexer<'_>) -> Result<String, String> {
    match lexer.peek() {
        "" | "," => Ok(String::new()),
        word if is_word(word) => Ok(lexer.next().into()),
        other => Err(format!("found '{other}', expected: identifier")),
    }
}

fn integer(lexer: &mut Lexer<'_>) -> Result<i64, String> {
    let text = exact(lexer)?;
    text.parse()
        .map_err(|_| format!("values[0]: Invalid value: {text:?}: for 'Gt', 'Lt' operators, the value must be an integer"))
}

fn set(lexer: &mut Lexer<'_>) -> Result<Vec<String>, String> {
    match lexer.next() {
        "(" => {}
        other => return Err(format!("found '{other}' expected: '('")),
    }
    let mut values = Vec::new();
    loop {
        match lexer.next() {
            word if is_word(word) => {
                values.push(word.to_string());
                match lexer.next() {
                    "," if lexer.peek() == ")" => values.push(String::new()),
                    "," => {}
                    ")" => break,
                    other => return Err(format!("found '{other}', expected: ',' or ')'")),
                }
            }
            "," => values.push(String::new()),
            ")" => {
                if values.is_empty() {
                    values.push(String::new());
                }
                break;
            }
            other => return Err(format!("found '{other}', expected: ',', ')' or identifier")),
        }
    }
    values.sort();
    values.dedup();
    Ok(values)
}
