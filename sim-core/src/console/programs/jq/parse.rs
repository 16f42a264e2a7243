//! The text of a jq filter to its tree.

use serde_json::{Number, Value};

/// Deepest nesting of a filter.
const NESTING_MAX: usize = 40;
/// Most steps and operators of a filter: they make a tree that leans to one side.
const STEPS_MAX: usize = 200;

/// A filter: one value in, any number of values out.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Filter {
    Identity,
    /// `..`
    Recurse,
    Literal(Value),
    /// `"... \(filter) ..."`: texts and filters in turn.
    Text(Vec<(String, Option<Filter>)>),
    /// A path step applied to what a filter gives; the flag is `?`.
    Step(Box<Filter>, Step, bool),
    Pipe(Box<Filter>, Box<Filter>),
    Both(Box<Filter>, Box<Filter>),
    Binary(&'static str, Box<Filter>, Box<Filter>),
    Array(Option<Box<Filter>>),
    Object(Vec<(Filter, Filter)>),
    Call(String, Vec<Filter>),
    If(Box<Filter>, Box<Filter>, Box<Filter>),
}

/// A step of a path.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Index(Box<Filter>),
    Slice(Option<i64>, Option<i64>),
    All,
}

/// Functions with the number of arguments they take.
const FUNCTIONS: [(&str, usize); 40] = [
    ("length", 0),
    ("keys", 0),
    ("values", 0),
    ("not", 0),
    ("empty", 0),
    ("type", 0),
    ("tostring", 0),
    ("tonumber", 0),
    ("add", 0),
    ("first", 0),
    ("last", 0),
    ("sort", 0),
    ("unique", 0),
    ("reverse", 0),
    ("to_entries", 0),
    ("from_entries", 0),
    ("ascii_downcase", 0),
    ("ascii_upcase", 0),
    ("any", 0),
    ("all", 0),
    ("min", 0),
    ("max", 0),
    ("flatten", 0),
    ("tojson", 0),
    ("fromjson", 0),
    ("select", 1),
    ("map", 1),
    ("has", 1),
    ("sort_by", 1),
    ("group_by", 1),
    ("unique_by", 1),
    ("join", 1),
    ("split", 1),
    ("contains", 1),
    ("startswith", 1),
    ("endswith", 1),
    ("with_entries", 1),
    ("first", 1),
    ("any", 1),
    ("all", 1),
];

/// Reads a filter; the error is a sentence.
pub(super) fn filter(text: &str) -> Result<Filter, String> {
    let mut reader = Reader { text: text.chars().collect(), at: 0, depth: 0, steps: 0 };
    let filter = reader.pipe()?;
    reader.blanks();
    match reader.text.get(reader.at) {
        None => Ok(filter),
        Some(c) => Err(reader.refused(&format!("'{c}'"))),
    }
}

struct Reader {
    text: Vec<char>,
    at: usize,
    depth: usize,
    steps: usize,
}

impl Reader {
    fn blanks(&mut self) {
        while self.text.get(self.at).is_some_and(|c| c.is_whitespace()) {
            self.at += 1;
        }
    }

    fn refused(&self, what: &str) -> String {
        format!("only simple filters are modelled: {what} at character {} is not understood", self.at + 1)
    }

    fn peek(&mut self) -> Option<char> {
        self.blanks();
        self.text.get(self.at).copied()
    }

    fn take_if(&mut self, what: &str) -> bool {
        self.blanks();
        let length = what.chars().count();
        let found = self.text[self.at.min(self.text.len())..].iter().copied().take(length).eq(what.chars());
        // A word must end where it ends.
        let more = |c: &char| *c == '_' || c.is_alphanumeric();
        let word = what.starts_with(char::is_alphabetic) && self.text.get(self.at + length).is_some_and(more);
        if found && !word {
            self.at += length;
        }
        found && !word
    }

    fn expect(&mut self, what: &str) -> Result<(), String> {
        if self.take_if(what) {
            return Ok(());
        }
        Err(format!("'{what}' is missing at character {}", self.at + 1))
    }

    fn name(&mut self) -> String {
        self.blanks();
        let name: String = self.text[self.at..].iter().take_while(|c| **c == '_' || c.is_alphanumeric()).collect();
        self.at += name.chars().count();
        name
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        if self.depth == NESTING_MAX {
            return Err(format!("filters may nest {NESTING_MAX} deep here"));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// Accounts for a step or an operator.
    fn step(&mut self) -> Result<(), String> {
        self.steps += 1;
        if self.steps > STEPS_MAX { Err(format!("a filter may have {STEPS_MAX} steps here")) } else { Ok(()) }
    }

    fn pipe(&mut self) -> Result<Filter, String> {
        self.deeper(|r| {
            let left = r.comma()?;
            if !r.take_if("|") {
                return Ok(left);
            }
            Ok(Filter::Pipe(Box::new(left), Box::new(r.pipe()?)))
        })
    }

    fn comma(&mut self) -> Result<Filter, String> {
        let mut left = self.binary(0)?;
        while self.take_if(",") {
            self.step()?;
            left = Filter::Both(Box::new(left), Box::new(self.binary(0)?));
        }
        Ok(left)
    }

    fn binary(&mut self, rank: usize) -> Result<Filter, String> {
        const RANKS: [&[&str]; 6] =
            [&["//"], &["or"], &["and"], &["==", "!=", "<=", ">=", "<", ">"], &["+", "-"], &["*", "/", "%"]];
        let Some(operators) = RANKS.get(rank) else { return self.postfix() };
        let mut left = self.binary(rank + 1)?;
        loop {
            // A single slash must not take half of `//`.
            let alternative = self.peek() == Some('/') && self.text.get(self.at + 1) == Some(&'/');
            let op = operators.iter().find(|op| (!alternative || **op == "//") && self.take_if(op));
            let Some(op) = op else { return Ok(left) };
            self.step()?;
            left = Filter::Binary(op, Box::new(left), Box::new(self.binary(rank + 1)?));
        }
    }

    fn postfix(&mut self) -> Result<Filter, String> {
        let mut filter = self.term()?;
        loop {
            match self.text.get(self.at).copied() {
                Some('[') => {
                    self.step()?;
                    self.at += 1;
                    let step = self.bracket()?;
                    filter = Filter::Step(Box::new(filter), step, self.optional());
                }
                Some('.') if self.text.get(self.at + 1) != Some(&'.') => {
                    self.step()?;
                    self.at += 1;
                    if self.text.get(self.at) == Some(&'[') {
                        continue;
                    }
                    let key = self.key()?;
                    filter = Filter::Step(Box::new(filter), Step::Index(Box::new(key)), self.optional());
                }
                Some('?') => self.at += 1,
                _ => return Ok(filter),
            }
        }
    }

    fn optional(&mut self) -> bool {
        let found = self.text.get(self.at) == Some(&'?');
        self.at += usize::from(found);
        found
    }

    /// What follows a dot: a name or a quoted text.
    fn key(&mut self) -> Result<Filter, String> {
        if self.text.get(self.at) == Some(&'"') {
            self.at += 1;
            return self.quoted();
        }
        let name = if self.text.get(self.at).is_some_and(|c| c.is_whitespace()) { String::new() } else { self.name() };
        if name.is_empty() { Err(self.refused("the path")) } else { Ok(Filter::Literal(Value::String(name))) }
    }

    fn bracket(&mut self) -> Result<Step, String> {
        if self.take_if("]") {
            return Ok(Step::All);
        }
        let before = self.at;
        let from = self.integer();
        if self.take_if(":") {
            let to = self.integer();
            self.expect("]")?;
            return Ok(Step::Slice(from, to));
        }
        self.at = before;
        let index = self.pipe()?;
        self.expect("]")?;
        Ok(Step::Index(Box::new(index)))
    }

    fn integer(&mut self) -> Option<i64> {
        let before = self.at;
        let negative = self.take_if("-");
        let digits = self.name();
        match digits.parse::<i64>() {
            Ok(n) => Some(if negative { -n } else { n }),
            Err(_) => {
                self.at = before;
                None
            }
        }
    }

    fn term(&mut self) -> Result<Filter, String> {
        match self.peek() {
            Some('.') => {
                self.at += 1;
                match self.text.get(self.at) {
                    Some('.') => {
                        self.at += 1;
                        Ok(Filter::Recurse)
                    }
                    Some(c) if *c == '_' || *c == '"' || c.is_alphabetic() => {
                        let key = self.key()?;
                        Ok(Filter::Step(Box::new(Filter::Identity), Step::Index(Box::new(key)), self.optional()))
                    }
                    _ => Ok(Filter::Identity),
                }
            }
            Some('"') => {
                self.at += 1;
                self.quoted()
            }
            Some('(') => {
                self.at += 1;
                let inner = self.pipe()?;
                self.expect(")")?;
                Ok(inner)
            }
            Some('[') => {
                self.at += 1;
                if self.take_if("]") {
                    return Ok(Filter::Array(None));
                }
                let inner = self.pipe()?;
                self.expect("]")?;
                Ok(Filter::Array(Some(Box::new(inner))))
            }
            Some('{') => {
                self.at += 1;
                self.object()
            }
            Some('-') => {
                self.at += 1;
                let inner = self.deeper(Self::postfix)?;
                Ok(Filter::Binary("-", Box::new(Filter::Literal(Value::from(0))), Box::new(inner)))
            }
            Some(c) if c.is_ascii_digit() => self.number(),
            Some(c) if c.is_alphabetic() => self.word(),
            Some(c) => Err(self.refused(&format!("'{c}'"))),
            None => Err(self.refused("the end")),
        }
    }

    fn number(&mut self) -> Result<Filter, String> {
        let text: String = self.text[self.at..].iter().take_while(|c| c.is_ascii_digit() || **c == '.').collect();
        self.at += text.len();
        let number: Number = serde_json::from_str(&text).map_err(|_| self.refused("the number"))?;
        Ok(Filter::Literal(Value::Number(number)))
    }

    fn word(&mut self) -> Result<Filter, String> {
        let name = self.name();
        match name.as_str() {
            "true" | "false" => return Ok(Filter::Literal(Value::Bool(name == "true"))),
            "null" => return Ok(Filter::Literal(Value::Null)),
            "if" => return self.deeper(Self::condition),
            _ => {}
        }
        let mut arguments = Vec::new();
        if self.take_if("(") {
            arguments.push(self.pipe()?);
            while self.take_if(";") {
                arguments.push(self.pipe()?);
            }
            self.expect(")")?;
        }
        if !FUNCTIONS.contains(&(name.as_str(), arguments.len())) {
            return Err(format!("the function {name}/{} is not modelled", arguments.len()));
        }
        Ok(Filter::Call(name, arguments))
    }

    fn condition(&mut self) -> Result<Filter, String> {
        let condition = self.pipe()?;
        self.expect("then")?;
        let yes = self.pipe()?;
        let no = if self.take_if("elif") {
            return Ok(Filter::If(Box::new(condition), Box::new(yes), Box::new(self.deeper(Self::condition)?)));
        } else if self.take_if("else") {
            self.pipe()?
        } else {
            Filter::Identity
        };
        self.expect("end")?;
        Ok(Filter::If(Box::new(condition), Box::new(yes), Box::new(no)))
    }

    fn object(&mut self) -> Result<Filter, String> {
        let mut fields = Vec::new();
        if self.take_if("}") {
            return Ok(Filter::Object(fields));
        }
        loop {
            let key = match self.peek() {
                Some('(') => {
                    self.at += 1;
                    let key = self.pipe()?;
                    self.expect(")")?;
                    key
                }
                _ => self.key()?,
            };
            let value = if self.take_if(":") {
                self.deeper(|r| r.binary(0))?
            } else {
                Filter::Step(Box::new(Filter::Identity), Step::Index(Box::new(key.clone())), false)
            };
            fields.push((key, value));
            if !self.take_if(",") {
                self.expect("}")?;
                return Ok(Filter::Object(fields));
            }
        }
    }

    /// A text after its opening quote, with `\(filter)` in it.
    fn quoted(&mut self) -> Result<Filter, String> {
        let (mut parts, mut text) = (Vec::new(), String::new());
        loop {
            let c = self.text.get(self.at).copied().ok_or("a closing \" is missing")?;
            self.at += 1;
            match c {
                '"' if parts.is_empty() => return Ok(Filter::Literal(Value::String(text))),
                '"' => {
                    parts.push((text, None));
                    return Ok(Filter::Text(parts));
                }
                '\\' => {
                    let escaped = self.text.get(self.at).copied().ok_or("a closing \" is missing")?;
                    self.at += 1;
                    match escaped {
                        '(' => {
                            let inner = self.pipe()?;
                            self.expect(")")?;
                            parts.push((std::mem::take(&mut text), Some(inner)));
                        }
                        'n' => text.push('\n'),
                        't' => text.push('\t'),
                        'r' => text.push('\r'),
                        'u' => {
                            let digits: String = self.text[self.at..].iter().take(4).collect();
                            self.at += digits.chars().count();
                            let code = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                            text.push(code.ok_or("a \\u escape can not be read")?);
                        }
                        other => text.push(other),
                    }
                }
                c => text.push(c),
            }
        }
    }
}
