//! `test` and `[`: conditions on texts, numbers and files.

use crate::console::host::{Host, Outcome};

/// Deepest nesting of parentheses and negations.
const NESTING_MAX: usize = 40;

/// `test CONDITION`, `[ CONDITION ]`
pub(super) fn test(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    let program = argv[0].as_str();
    let complain = |why: String| Outcome::err(2, format!("sh: 1: {program}: {why}"));
    let mut words: Vec<&str> = argv[1..].iter().map(String::as_str).collect();
    if program == "[" && words.pop() != Some("]") {
        return complain("missing ]".to_string());
    }
    if words.is_empty() {
        return Outcome { exit: 1, ..Outcome::default() };
    }
    let mut condition = Condition { host, words, at: 0, depth: 0 };
    let holds = condition.either();
    let left = condition.words.get(condition.at).copied();
    match (holds, left) {
        (Ok(holds), None) => Outcome { exit: i32::from(!holds), ..Outcome::default() },
        (Ok(_), Some(word)) => complain(format!("{word}: unexpected operator")),
        (Err(why), _) => complain(why),
    }
}

struct Condition<'c> {
    host: &'c mut dyn Host,
    words: Vec<&'c str>,
    at: usize,
    depth: usize,
}

const BINARY: [&str; 11] = ["=", "==", "!=", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge"];

impl<'c> Condition<'c> {
    fn peek(&self, ahead: usize) -> Option<&'c str> {
        self.words.get(self.at + ahead).copied()
    }

    fn take_if(&mut self, word: &str) -> bool {
        let found = self.peek(0) == Some(word);
        self.at += usize::from(found);
        found
    }

    fn either(&mut self) -> Result<bool, String> {
        let mut holds = self.both()?;
        while self.take_if("-o") {
            holds |= self.both()?;
        }
        Ok(holds)
    }

    fn both(&mut self) -> Result<bool, String> {
        let mut holds = self.one()?;
        while self.take_if("-a") {
            holds &= self.one()?;
        }
        Ok(holds)
    }

    fn one(&mut self) -> Result<bool, String> {
        let binary = self.peek(1).is_some_and(|op| BINARY.contains(&op)) && self.peek(2).is_some();
        let word = self.peek(0).ok_or("argument expected")?;
        if binary {
            return self.compare(word);
        }
        if self.depth == NESTING_MAX {
            return Err("kubewalk: conditions may nest 40 deep here".to_string());
        }
        let alone = self.words.len() - self.at == 1;
        match word {
            "!" if !alone => self.deeper(|c| c.one().map(|holds| !holds)),
            "(" if !alone => self.deeper(|c| {
                let holds = c.either()?;
                if c.take_if(")") { Ok(holds) } else { Err("closing paren expected".to_string()) }
            }),
            _ if word.len() == 2 && word.starts_with('-') && "znefdsrwxLh".contains(&word[1..]) && !alone => {
                self.at += 2;
                let operand = self.words[self.at - 1];
                Ok(self.unary(word, operand))
            }
            _ => {
                self.at += 1;
                Ok(!word.is_empty())
            }
        }
    }

    fn deeper(&mut self, read: impl FnOnce(&mut Self) -> Result<bool, String>) -> Result<bool, String> {
        self.at += 1;
        self.depth += 1;
        let holds = read(self);
        self.depth -= 1;
        holds
    }

    fn unary(&mut self, op: &str, operand: &str) -> bool {
        match op {
            "-z" => operand.is_empty(),
            "-n" => !operand.is_empty(),
            "-d" => self.host.list_dir(operand).is_ok(),
            "-s" => self.host.read_file(operand).is_ok_and(|text| !text.is_empty()),
            "-f" => self.host.read_file(operand).is_ok(),
            // There are no links and nothing is executable.
            "-x" | "-L" | "-h" => self.host.list_dir(operand).is_ok() && op == "-x",
            _ => self.host.read_file(operand).is_ok() || self.host.list_dir(operand).is_ok(),
        }
    }

    fn compare(&mut self, left: &str) -> Result<bool, String> {
        let (op, right) = (self.words[self.at + 1], self.words[self.at + 2]);
        self.at += 3;
        let number = |text: &str| text.trim().parse::<i64>().map_err(|_| format!("Illegal number: {text}"));
        Ok(match op {
            "=" | "==" => left == right,
            "!=" => left != right,
            "<" => left < right,
            ">" => left > right,
            "-eq" => number(left)? == number(right)?,
            "-ne" => number(left)? != number(right)?,
            "-lt" => number(left)? < number(right)?,
            "-le" => number(left)? <= number(right)?,
            "-gt" => number(left)? > number(right)?,
            _ => number(left)? >= number(right)?,
        })
    }
}
