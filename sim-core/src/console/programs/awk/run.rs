//! Running the rules of an awk program over the lines of a text.

use std::collections::BTreeMap;

use super::super::lines;
use super::super::printf::Formatted;
use super::super::regex::{Syntax, compile};
use super::parse::{Expr, Rule, Statement, When};
use super::value::{MAX, ONE, Value};
use crate::console::meter::{Meter, UsedUp};

/// Most elements of all arrays.
const ELEMENTS_MAX: usize = 100_000;
/// Longest text that is put together, in bytes.
const TEXT_BYTES_MAX: usize = 8 << 20;
/// Most fields of a line.
const FIELDS_MAX: usize = 100_000;

/// Why the usual order is left.
enum Jump {
    Next,
    Exit(i32),
    Refused(String),
    /// The budget of the line is used up; what was put out stays.
    UsedUp,
}

impl From<UsedUp> for Jump {
    fn from(_: UsedUp) -> Jump {
        Jump::UsedUp
    }
}

struct Awk {
    fields: Vec<String>,
    line: String,
    variables: BTreeMap<String, Value>,
    arrays: BTreeMap<String, BTreeMap<String, Value>>,
    out: String,
    meter: Meter,
}

/// The output and the exit status, or why the program is refused.
pub(super) fn run(rules: &[Rule], variables: &[(&str, String)], input: &str, meter: &Meter) -> Result<(String, i32), String> {
    let mut awk = Awk {
        fields: Vec::new(),
        line: String::new(),
        variables: BTreeMap::new(),
        arrays: BTreeMap::new(),
        out: String::new(),
        meter: meter.clone(),
    };
    for (name, value) in [("FS", " "), ("OFS", " "), ("ORS", "\n"), ("SUBSEP", "\u{1c}")] {
        awk.variables.insert(name.to_string(), Value::Text(value.to_string()));
    }
    for (name, value) in variables {
        awk.variables.insert((*name).to_string(), Value::Input(value.clone()));
    }
    let mut exit = 0;
    let main = awk.begin_and_lines(rules, input);
    match main {
        Err(Jump::Refused(why)) => return Err(why),
        Err(Jump::Exit(status)) => exit = status,
        Err(Jump::UsedUp) => return Ok((awk.out, 124)),
        _ => {}
    }
    for rule in rules.iter().filter(|rule| matches!(rule.when, When::End)) {
        match awk.block(rule.block.as_deref()) {
            Err(Jump::Refused(why)) => return Err(why),
            Err(Jump::Exit(status)) => return Ok((awk.out, status)),
            Err(Jump::UsedUp) => return Ok((awk.out, 124)),
            _ => {}
        }
    }
    Ok((awk.out, exit))
}

impl Awk {
    fn begin_and_lines(&mut self, rules: &[Rule], input: &str) -> Result<(), Jump> {
        for rule in rules.iter().filter(|rule| matches!(rule.when, When::Begin)) {
            self.block(rule.block.as_deref())?;
        }
        if rules.iter().all(|rule| matches!(rule.when, When::Begin)) {
            return Ok(());
        }
        let mut open = vec![false; rules.len()];
        for (i, line) in lines(input).enumerate() {
            self.set_line(line)?;
            self.variables.insert("NR".to_string(), Value::Number((i as i128 + 1) * ONE));
            for (rule, open) in rules.iter().zip(&mut open) {
                if !self.selects(&rule.when, open)? {
                    continue;
                }
                match self.block(rule.block.as_deref()) {
                    Err(Jump::Next) => break,
                    other => other?,
                }
            }
        }
        Ok(())
    }

    fn selects(&mut self, when: &When, open: &mut bool) -> Result<bool, Jump> {
        Ok(match when {
            When::Begin | When::End => false,
            When::Always => true,
            When::If(condition) => self.value(condition)?.truth(),
            When::Range(from, to) => {
                let inside = *open || self.value(from)?.truth();
                *open = inside && !self.value(to)?.truth();
                inside
            }
        })
    }

    fn variable(&self, name: &str) -> Value {
        match name {
            "NF" => Value::Number(self.fields.len() as i128 * ONE),
            _ => self.variables.get(name).cloned().unwrap_or(Value::Unset),
        }
    }

    fn set_line(&mut self, line: &str) -> Result<(), Jump> {
        let separator = self.variable("FS").text();
        self.meter.steps(line.len() as u64)?;
        self.line = line.to_string();
        self.fields = split(line, &separator, &self.meter).map_err(Jump::Refused)?;
        Ok(())
    }

    fn emit(&mut self, text: &str) -> Result<(), Jump> {
        self.meter.text(self.out.len() + text.len())?;
        self.out.push_str(text);
        Ok(())
    }

    fn block(&mut self, block: Option<&[Statement]>) -> Result<(), Jump> {
        match block {
            Some(statements) => statements.iter().try_for_each(|statement| self.statement(statement)),
            None => self.statement(&Statement::Print(Vec::new())),
        }
    }

    fn statement(&mut self, statement: &Statement) -> Result<(), Jump> {
        self.meter.steps(1)?;
        match statement {
            Statement::Print(items) => {
                let mut texts = Vec::new();
                for item in items {
                    texts.push(self.value(item)?.text());
                }
                let text = if items.is_empty() { self.line.clone() } else { texts.join(&self.variable("OFS").text()) };
                self.emit(&(text + &self.variable("ORS").text()))
            }
            Statement::Printf(items) => {
                let text = self.formatted(items)?;
                self.emit(&text)
            }
            Statement::Do(expression) => self.value(expression).map(|_| ()),
            Statement::If(condition, then, otherwise) => {
                let branch = if self.value(condition)?.truth() { then } else { otherwise };
                self.block(Some(branch))
            }
            Statement::ForIn(key, array, body) => {
                let keys: Vec<String> = self.arrays.get(array).map(|a| a.keys().cloned().collect()).unwrap_or_default();
                keys.into_iter().try_for_each(|value| {
                    self.variables.insert(key.clone(), Value::Input(value));
                    self.block(Some(body))
                })
            }
            Statement::Next => Err(Jump::Next),
            Statement::Exit(status) => {
                let status = status.as_ref().map_or(Ok(0), |s| self.value(s).map(|v| (v.number() / ONE) as i32 & 255))?;
                Err(Jump::Exit(status))
            }
        }
    }

    fn formatted(&mut self, items: &[Expr]) -> Result<String, Jump> {
        let mut texts = Vec::new();
        for item in items {
            // Decimals are cut for %d by their text having no fraction.
            texts.push(self.value(item)?);
        }
        let Some((format, arguments)) = texts.split_first() else {
            return Err(Jump::Refused("printf needs a format".to_string()));
        };
        let format = format.text();
        let kinds: Vec<char> = conversions(&format);
        let spelled: Vec<String> = arguments
            .iter()
            .enumerate()
            .map(|(i, v)| match kinds.get(i) {
                Some('d' | 'i' | 'x' | 'o' | 'u') => (v.number() / ONE).to_string(),
                _ => v.text(),
            })
            .collect();
        let mut formatted = Formatted::default();
        formatted.once(&format.replace('\\', "\\\\"), &spelled);
        match formatted.errors.lines().next() {
            Some(error) => Err(Jump::Refused(error.rsplit(": ").next().unwrap_or_default().to_string())),
            None => Ok(formatted.text),
        }
    }

    fn value(&mut self, expression: &Expr) -> Result<Value, Jump> {
        self.meter.steps(1)?;
        let value = match expression {
            Expr::Literal(value) => value.clone(),
            Expr::Match(pattern) => truth(pattern.is_match(&self.line)),
            Expr::Field(index) => {
                let index = self.value(index)?.number() / ONE;
                match usize::try_from(index) {
                    Ok(0) => Value::Input(self.line.clone()),
                    Ok(n) => self.fields.get(n - 1).map_or(Value::Unset, |f| Value::Input(f.clone())),
                    Err(_) => return Err(Jump::Refused(format!("there is no field {index}"))),
                }
            }
            Expr::Variable(name) => self.variable(name),
            Expr::Element(array, index) => {
                let index = self.value(index)?.text();
                self.arrays.get(array).and_then(|a| a.get(&index)).cloned().unwrap_or(Value::Unset)
            }
            Expr::Assign(target, op, value) => {
                let mut value = self.value(value)?;
                if !op.is_empty() {
                    let before = self.value(target)?;
                    value = binary(op, &before, &value).map_err(Jump::Refused)?;
                }
                self.assign(target, value.clone())?;
                value
            }
            Expr::Step(target, by, old) => {
                let before = self.value(target)?.number();
                let after = (before + by * ONE).clamp(-MAX, MAX);
                self.assign(target, Value::Number(after))?;
                Value::Number(if *old { before } else { after })
            }
            Expr::Binary("&&", left, right) => truth(self.value(left)?.truth() && self.value(right)?.truth()),
            Expr::Binary("||", left, right) => truth(self.value(left)?.truth() || self.value(right)?.truth()),
            Expr::Binary(op @ ("~" | "!~"), left, right) => {
                let text = self.value(left)?.text();
                truth(self.matches(&text, right)? == (*op == "~"))
            }
            Expr::Binary(op, left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                binary(op, &left, &right).map_err(Jump::Refused)?
            }
            Expr::Not(value) => truth(!self.value(value)?.truth()),
            Expr::Negative(value) => Value::Number(-self.value(value)?.number()),
            Expr::Choice(condition, yes, no) => {
                let branch = if self.value(condition)?.truth() { yes } else { no };
                self.value(branch)?
            }
            Expr::In(key, array) => {
                let key = self.value(key)?.text();
                truth(self.arrays.get(array).is_some_and(|a| a.contains_key(&key)))
            }
            Expr::Call(name, arguments) => self.call(name, arguments)?,
        };
        if let Value::Text(text) | Value::Input(text) = &value {
            // Texts are copied: one that grows line by line costs its length each time.
            self.meter.steps(text.len() as u64 / 4)?;
        }
        Ok(value)
    }

    fn matches(&mut self, text: &str, pattern: &Expr) -> Result<bool, Jump> {
        if let Expr::Match(pattern) = pattern {
            return Ok(pattern.is_match(text));
        }
        let pattern = self.value(pattern)?.text();
        compile(&pattern, Syntax::Extended, false, &self.meter).map(|p| p.is_match(text)).map_err(Jump::Refused)
    }

    fn assign(&mut self, target: &Expr, value: Value) -> Result<(), Jump> {
        match target {
            Expr::Variable(name) if name == "NF" => return Err(Jump::Refused("NF can not be set here".to_string())),
            Expr::Variable(name) => {
                self.variables.insert(name.clone(), value);
            }
            Expr::Element(array, index) => {
                let index = self.value(index)?.text();
                if self.arrays.values().map(BTreeMap::len).sum::<usize>() >= ELEMENTS_MAX {
                    return Err(Jump::Refused(format!("arrays are limited to {ELEMENTS_MAX} elements")));
                }
                self.arrays.entry(array.clone()).or_default().insert(index, value);
            }
            Expr::Field(index) => match usize::try_from(self.value(index)?.number() / ONE) {
                Ok(0) => self.set_line(&value.text())?,
                Ok(n) if n <= FIELDS_MAX => {
                    if self.fields.len() < n {
                        self.fields.resize(n, String::new());
                    }
                    self.fields[n - 1] = value.text();
                    self.line = self.fields.join(&self.variable("OFS").text());
                }
                _ => return Err(Jump::Refused("there is no such field".to_string())),
            },
            _ => return Err(Jump::Refused("only variables, elements and fields can be set".to_string())),
        }
        Ok(())
    }

    fn call(&mut self, name: &str, arguments: &[Expr]) -> Result<Value, Jump> {
        if name == "sprintf" {
            return self.formatted(arguments).map(Value::Text);
        }
        if name == "sub" || name == "gsub" {
            return self.replace(name == "gsub", arguments);
        }
        if name == "split" {
            return self.split_into(arguments);
        }
        let mut values = Vec::new();
        for argument in arguments {
            values.push(self.value(argument)?);
        }
        let text = values.first().map_or_else(|| self.line.clone(), Value::text);
        Ok(match name {
            "tolower" => Value::Text(text.to_lowercase()),
            "toupper" => Value::Text(text.to_uppercase()),
            "int" => Value::Number(values[0].number() / ONE * ONE),
            "index" => {
                let at = text.find(&values[1].text()).map_or(0, |at| text[..at].chars().count() + 1);
                Value::Number(at as i128 * ONE)
            }
            "substr" => {
                let start = values[1].number() / ONE;
                let end = values.get(2).map_or(MAX, |n| start + n.number() / ONE);
                let inside = |(i, _): &(usize, char)| (start..end).contains(&(*i as i128 + 1));
                Value::Text(text.chars().enumerate().filter(inside).map(|(_, c)| c).collect())
            }
            _ => Value::Number(text.chars().count() as i128 * ONE),
        })
    }

    fn split_into(&mut self, arguments: &[Expr]) -> Result<Value, Jump> {
        let text = self.value(&arguments[0])?.text();
        let Expr::Variable(array) = &arguments[1] else { return Err(Jump::Refused("split needs an array".to_string())) };
        let separator = match arguments.get(2) {
            Some(separator) => self.value(separator)?.text(),
            None => self.variable("FS").text(),
        };
        let parts = split(&text, &separator, &self.meter).map_err(Jump::Refused)?;
        let count = parts.len() as i128;
        let elements = parts.into_iter().enumerate().map(|(i, part)| ((i + 1).to_string(), Value::Input(part))).collect();
        self.arrays.insert(array.clone(), elements);
        Ok(Value::Number(count * ONE))
    }

    fn replace(&mut self, all: bool, arguments: &[Expr]) -> Result<Value, Jump> {
        let pattern = match &arguments[0] {
            Expr::Match(pattern) => pattern.clone(),
            other => compile(&self.value(other)?.text(), Syntax::Extended, false, &self.meter).map_err(Jump::Refused)?,
        };
        let with = self.value(&arguments[1])?.text();
        let line = Expr::Field(Box::new(Expr::Literal(Value::Number(0))));
        let target = arguments.get(2).unwrap_or(&line);
        let text = self.value(target)?.text();
        let (mut out, mut at, mut count) = (String::new(), 0, 0);
        for found in pattern.find_iter(&text).take(if all { usize::MAX } else { 1 }) {
            out.push_str(&text[at..found.start()]);
            out.push_str(&with.replace('&', found.as_str()));
            at = found.end();
            count += 1;
            self.meter.text(out.len())?;
        }
        out.push_str(&text[at..]);
        if count > 0 {
            self.assign(target, Value::Text(out))?;
        }
        Ok(Value::Number(count * ONE))
    }
}

fn truth(holds: bool) -> Value {
    Value::Number(if holds { ONE } else { 0 })
}

/// The letters of the conversions in a format, in order.
fn conversions(format: &str) -> Vec<char> {
    let mut letters = Vec::new();
    for part in format.replace("%%", "").split('%').skip(1) {
        letters.extend(part.chars().find(char::is_ascii_alphabetic));
    }
    letters
}

/// Fields of a line: blanks for a single space, the character itself, or a regular expression.
fn split(line: &str, separator: &str, meter: &Meter) -> Result<Vec<String>, String> {
    let fields: Vec<String> = match separator {
        " " => line.split_whitespace().map(str::to_string).collect(),
        _ if line.is_empty() => Vec::new(),
        "" => line.chars().map(String::from).collect(),
        s if s.chars().count() == 1 => line.split(s).map(str::to_string).collect(),
        s => {
            let pattern = compile(s, Syntax::Extended, false, meter)?;
            let mut fields = Vec::new();
            let mut at = 0;
            for found in pattern.find_iter(line).filter(|found| !found.is_empty()) {
                fields.push(line[at..found.start()].to_string());
                at = found.end();
            }
            fields.push(line[at..].to_string());
            fields
        }
    };
    if fields.len() > FIELDS_MAX { Err(format!("a line is limited to {FIELDS_MAX} fields")) } else { Ok(fields) }
}

fn binary(op: &str, left: &Value, right: &Value) -> Result<Value, String> {
    if op == " " {
        let (left, right) = (left.text(), right.text());
        if left.len() + right.len() > TEXT_BYTES_MAX {
            return Err(format!("texts are limited to {TEXT_BYTES_MAX} bytes"));
        }
        return Ok(Value::Text(left + &right));
    }
    if let Some(holds) = comparison(op, left, right) {
        return Ok(truth(holds));
    }
    let (a, b) = (left.number(), right.number());
    if matches!(op, "/" | "%") && b == 0 {
        return Err("division by zero".to_string());
    }
    Ok(Value::Number(match op {
        "+" => (a + b).clamp(-MAX, MAX),
        "-" => (a - b).clamp(-MAX, MAX),
        "*" => a.checked_mul(b).map_or(MAX, |n| (n / ONE).clamp(-MAX, MAX)),
        "/" => a.checked_mul(ONE).map_or(MAX, |n| n / b),
        _ => a % b,
    }))
}

fn comparison(op: &str, left: &Value, right: &Value) -> Option<bool> {
    let order = match (left.comparable(), right.comparable()) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => left.text().cmp(&right.text()),
    };
    Some(match op {
        "==" => order.is_eq(),
        "!=" => order.is_ne(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        ">=" => order.is_ge(),
        _ => return None,
    })
}
