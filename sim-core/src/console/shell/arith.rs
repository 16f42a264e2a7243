//! Integer arithmetic of `$((...))`: the operators of C on signed 64-bit numbers, wrapping as C compilers make them.
//!
//! Left out: `++`, `--` and the comma, which POSIX does not ask for.

use super::parse::is_name;

/// The variables an expression reads and sets.
pub trait Variables {
    /// The value of a variable, if set.
    fn get(&self, name: &str) -> Option<String>;
    /// Sets a variable.
    fn set(&mut self, name: &str, value: i64);
}

/// Deepest nesting of parentheses and unary operators.
const NESTING_MAX: usize = 40;

/// Binary operators by rank, loosest first. Longer ones come before their beginnings.
const RANKS: [&[&str]; 10] = [
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<=", ">=", "<", ">"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];
const OPERATORS: [&str; 35] = [
    "<<=", ">>=", "||", "&&", "==", "!=", "<=", ">=", "<<", ">>", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "|", "^", "&",
    "<", ">", "+", "-", "*", "/", "%", "!", "~", "(", ")", "?", ":", "=",
];

/// The value of an expression whose `$` expansions have been done, or what is wrong with it in dash's words.
pub fn evaluate(text: &str, variables: &mut dyn Variables) -> Result<i64, String> {
    let tokens = tokens(text).ok_or_else(|| format!("arithmetic expression: expecting primary: \"{text}\""))?;
    if tokens.is_empty() {
        return Ok(0);
    }
    let mut reader = Reader { text, tokens, at: 0, depth: 0, idle: false, variables };
    let value = reader.assignment()?;
    if reader.at < reader.tokens.len() {
        return Err(format!("arithmetic expression: expecting EOF: \"{text}\""));
    }
    Ok(value)
}

fn tokens(text: &str) -> Option<Vec<&str>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(c) = rest.chars().next() {
        let length = if c == '_' || c.is_ascii_alphanumeric() {
            rest.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(rest.len())
        } else {
            OPERATORS.iter().find(|op| rest.starts_with(**op))?.len()
        };
        let (token, tail) = rest.split_at(length);
        tokens.push(token);
        rest = tail.trim_start();
    }
    Some(tokens)
}

struct Reader<'a> {
    text: &'a str,
    tokens: Vec<&'a str>,
    at: usize,
    depth: usize,
    /// In the branch that is not taken: nothing is assigned and division by zero is no error.
    idle: bool,
    variables: &'a mut dyn Variables,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.tokens.get(self.at).copied()
    }

    fn take_if(&mut self, token: &str) -> bool {
        let found = self.peek() == Some(token);
        self.at += usize::from(found);
        found
    }

    fn expecting<T>(&self, what: &str) -> Result<T, String> {
        Err(format!("arithmetic expression: expecting {what}: \"{}\"", self.text))
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        if self.depth == NESTING_MAX {
            return Err(format!("kubewalk: arithmetic may nest {NESTING_MAX} deep here"));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// Reads without effect if `idle` is set.
    fn idly<T>(&mut self, idle: bool, read: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        let before = self.idle;
        self.idle |= idle;
        let result = read(self);
        self.idle = before;
        result
    }

    fn assignment(&mut self) -> Result<i64, String> {
        let (name, op) = (self.peek(), self.tokens.get(self.at + 1).copied());
        let (Some(name), Some(op)) = (name, op) else { return self.choice() };
        let Some(binary) = op.strip_suffix('=').filter(|b| is_name(name) && !["=", "!", "<", ">"].contains(b)) else {
            return self.choice();
        };
        self.at += 2;
        let mut value = self.deeper(Self::assignment)?;
        if !binary.is_empty() {
            let before = self.variable(name)?;
            value = self.apply(binary, before, value)?;
        }
        if !self.idle {
            self.variables.set(name, value);
        }
        Ok(value)
    }

    fn choice(&mut self) -> Result<i64, String> {
        let condition = self.binary(0)?;
        if !self.take_if("?") {
            return Ok(condition);
        }
        let yes = self.deeper(|r| r.idly(condition == 0, Self::assignment))?;
        if !self.take_if(":") {
            return self.expecting("':'");
        }
        let no = self.deeper(|r| r.idly(condition != 0, Self::choice))?;
        Ok(if condition != 0 { yes } else { no })
    }

    fn binary(&mut self, rank: usize) -> Result<i64, String> {
        let Some(operators) = RANKS.get(rank) else { return self.unary() };
        let mut left = self.binary(rank + 1)?;
        while let Some(op) = self.peek().filter(|t| operators.contains(t)) {
            self.at += 1;
            let decided = op == "&&" && left == 0 || op == "||" && left != 0;
            let right = self.idly(decided, |r| r.binary(rank + 1))?;
            left = self.apply(op, left, right)?;
        }
        Ok(left)
    }

    fn apply(&self, op: &str, left: i64, right: i64) -> Result<i64, String> {
        Ok(match op {
            "||" => i64::from(left != 0 || right != 0),
            "&&" => i64::from(left != 0 && right != 0),
            "|" => left | right,
            "^" => left ^ right,
            "&" => left & right,
            "==" => i64::from(left == right),
            "!=" => i64::from(left != right),
            "<=" => i64::from(left <= right),
            ">=" => i64::from(left >= right),
            "<" => i64::from(left < right),
            ">" => i64::from(left > right),
            "<<" => left.wrapping_shl(right as u32),
            ">>" => left.wrapping_shr(right as u32),
            "+" => left.wrapping_add(right),
            "-" => left.wrapping_sub(right),
            "*" => left.wrapping_mul(right),
            _ if right == 0 && self.idle => 0,
            _ if right == 0 => return Err(format!("arithmetic expression: division by zero: \"{}\"", self.text)),
            "/" => left.wrapping_div(right),
            _ => left.wrapping_rem(right),
        })
    }

    fn unary(&mut self) -> Result<i64, String> {
        let Some(token) = self.peek() else { return self.expecting("primary") };
        self.at += 1;
        match token {
            "-" => Ok(self.deeper(Self::unary)?.wrapping_neg()),
            "+" => self.deeper(Self::unary),
            "!" => Ok(i64::from(self.deeper(Self::unary)? == 0)),
            "~" => Ok(!self.deeper(Self::unary)?),
            "(" => {
                let value = self.deeper(Self::assignment)?;
                if self.take_if(")") { Ok(value) } else { self.expecting("')'") }
            }
            name if is_name(name) => self.variable(name),
            number => integer(number).map_or_else(|| self.expecting("primary"), Ok),
        }
    }

    fn variable(&self, name: &str) -> Result<i64, String> {
        let value = self.variables.get(name).unwrap_or_default();
        let value = value.trim();
        if value.is_empty() {
            return Ok(0);
        }
        let (sign, digits) = value.strip_prefix('-').map_or((1, value), |digits| (-1, digits));
        integer(digits).map(|n| n.wrapping_mul(sign)).ok_or_else(|| format!("Illegal number: {value}"))
    }
}

/// A decimal, octal (`017`) or hexadecimal (`0x1f`) number; too large ones stop at the greatest.
fn integer(text: &str) -> Option<i64> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None if text.len() > 1 && text.starts_with('0') => (&text[1..], 8),
        None => (text, 10),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    Some(i64::from_str_radix(digits, radix).unwrap_or(i64::MAX))
}
