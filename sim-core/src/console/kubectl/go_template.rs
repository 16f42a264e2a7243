//! The part of Go's template language that kubectl one-liners use: fields, `range`, `if`, `index`, text, variables left out.
//!
//! The real thing: Go's `text/template`.

use serde_json::Value;

use super::failure::Failure;
use super::go_text;

/// A parsed template.
#[derive(Clone, Debug, PartialEq)]
pub struct GoTemplate {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    Show(Expression),
    Range(Expression, Vec<Part>, Vec<Part>),
    If(Expression, Vec<Part>, Vec<Part>),
}

#[derive(Clone, Debug, PartialEq)]
enum Expression {
    Literal(Value),
    /// Fields below the dot, or below a value in parentheses.
    Path(Option<Box<Expression>>, Vec<String>),
    Index(Vec<Expression>),
    Len(Box<Expression>),
}

/// How a block ended.
#[derive(PartialEq)]
enum End {
    Text,
    Closed,
    Else,
}

/// Deepest nesting of blocks and parentheses.
const DEPTH_MAX: usize = 32;

impl GoTemplate {
    /// Reads a template.
    pub fn parse(text: &str) -> Result<GoTemplate, Failure> {
        let mut rest = text;
        let failed = |why: String| Failure::Error(format!("error parsing template {text}, template: output:1: {why}"));
        match block(&mut rest, 0) {
            Ok((parts, End::Text)) => Ok(GoTemplate { parts }),
            Ok((_, End::Closed)) => Err(failed("unexpected {{end}}".into())),
            Ok((_, End::Else)) => Err(failed("unexpected {{else}}".into())),
            Err(why) => Err(failed(why)),
        }
    }

    /// The text that the template makes of `data`.
    pub fn render(&self, data: &Value) -> Result<String, String> {
        let mut out = String::new();
        show(&self.parts, data, &mut out)?;
        Ok(out)
    }
}

fn block(rest: &mut &str, depth: usize) -> Result<(Vec<Part>, End), String> {
    let mut parts = Vec::new();
    loop {
        let Some((before, after)) = rest.split_once("{{") else {
            parts.push(Part::Text(std::mem::take(rest).into()));
            return if depth == 0 { Ok((parts, End::Text)) } else { Err("unexpected EOF".into()) };
        };
        let (action, after) = after.split_once("}}").ok_or("unclosed action")?;
        let trimmed = |action: &str| action.strip_prefix("- ").map(String::from);
        parts.push(Part::Text(if trimmed(action).is_some() { before.trim_end().into() } else { before.into() }));
        let action = trimmed(action).unwrap_or(action.into());
        *rest = if action.ends_with(" -") { after.trim_start() } else { after };
        let action = action.trim_end_matches(" -").trim();
        let (word, tail) = action.split_once(' ').unwrap_or((action, ""));
        match word {
            "end" => return Ok((parts, End::Closed)),
            "else" => return Ok((parts, End::Else)),
            "range" | "if" => {
                if depth == DEPTH_MAX {
                    return Err(format!("more than {DEPTH_MAX} nested blocks"));
                }
                let condition = expression(tail)?;
                let (body, end) = block(rest, depth + 1)?;
                let otherwise = if end == End::Else { block(rest, depth + 1)?.0 } else { Vec::new() };
                let make = if word == "if" { Part::If } else { Part::Range };
                parts.push(make(condition, body, otherwise));
            }
            _ if action.starts_with("/*") => {}
            _ => parts.push(Part::Show(expression(action)?)),
        }
    }
}

/// Words of a pipeline without pipes: operands, or a function and its operands.
fn expression(text: &str) -> Result<Expression, String> {
    let mut operands = operands(text.trim(), 0)?;
    match (operands.len(), text.trim().split([' ', '(']).next()) {
        (0, _) => Err("missing value for command".into()),
        (_, Some("index")) => Ok(Expression::Index(operands)),
        (1, Some("len")) => Ok(Expression::Len(Box::new(operands.remove(0)))),
        (1, _) => Ok(operands.remove(0)),
        _ => Err(format!("unexpected <{text}> in operand")),
    }
}

fn operands(text: &str, depth: usize) -> Result<Vec<Expression>, String> {
    if depth == DEPTH_MAX {
        return Err(format!("more than {DEPTH_MAX} nested parentheses"));
    }
    let mut rest = text;
    let mut all = Vec::new();
    if let Some(tail) = rest.strip_prefix("index ").or_else(|| rest.strip_prefix("len ")) {
        rest = tail;
    }
    while !rest.trim_start().is_empty() {
        rest = rest.trim_start();
        if let Some(inside) = rest.strip_prefix('(') {
            let end = closing(inside).ok_or("unclosed left paren")?;
            let inner = expression(&inside[..end])?;
            let (fields, tail) = fields(&inside[end + 1..]);
            all.push(Expression::Path(Some(Box::new(inner)), fields));
            rest = tail;
        } else if rest.starts_with(['.', '$']) {
            let (fields, tail) = fields(rest.strip_prefix('$').unwrap_or(rest));
            all.push(Expression::Path(None, fields));
            rest = tail;
        } else {
            let end = literal_end(rest).ok_or("unterminated quoted string")?;
            let word = &rest[..end];
            let value = match word.strip_prefix('`') {
                Some(raw) => Value::String(raw.trim_end_matches('`').into()),
                None => serde_json::from_str(word).map_err(|_| format!("function {word:?} not defined"))?,
            };
            all.push(Expression::Literal(value));
            rest = &rest[end..];
        }
    }
    Ok(all)
}

/// Where the parenthesis closes that was opened before `text`.
fn closing(text: &str) -> Option<usize> {
    let mut open = 1;
    for (at, letter) in text.char_indices() {
        open += match letter {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        if open == 0 {
            return Some(at);
        }
    }
    None
}

fn literal_end(text: &str) -> Option<usize> {
    let quote = text.chars().next().filter(|first| matches!(first, '"' | '`'));
    match quote {
        Some(quote) => text[1..].find(quote).map(|at| at + 2),
        None => Some(text.find([' ', ')']).unwrap_or(text.len())),
    }
}

/// `.a.b rest` to its fields and the rest.
fn fields(text: &str) -> (Vec<String>, &str) {
    let end = text.find([' ', ')', '(']).unwrap_or(text.len());
    let fields = text[..end].split('.').filter(|field| !field.is_empty()).map(String::from).collect();
    (fields, &text[end..])
}

fn show(parts: &[Part], dot: &Value, out: &mut String) -> Result<(), String> {
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Show(expression) => match eval(expression, dot)? {
                Value::Null => out.push_str("<no value>"),
                value => out.push_str(&go_text::sprint(&value)),
            },
            Part::If(condition, then, otherwise) => {
                show(if is_true(&eval(condition, dot)?) { then } else { otherwise }, dot, out)?;
            }
            Part::Range(list, body, otherwise) => {
                let items: Vec<Value> = match eval(list, dot)? {
                    Value::Array(items) => items,
                    Value::Object(map) => map.into_iter().map(|(_, value)| value).collect(),
                    _ => Vec::new(),
                };
                for item in &items {
                    show(body, item, out)?;
                }
                if items.is_empty() {
                    show(otherwise, dot, out)?;
                }
            }
        }
    }
    Ok(())
}

fn eval(expression: &Expression, dot: &Value) -> Result<Value, String> {
    match expression {
        Expression::Literal(value) => Ok(value.clone()),
        Expression::Path(base, fields) => {
            let start = base.as_ref().map_or_else(|| Ok(dot.clone()), |base| eval(base, dot))?;
            Ok(fields.iter().fold(start, |value, field| value.get(field.as_str()).cloned().unwrap_or(Value::Null)))
        }
        Expression::Len(of) => match eval(of, dot)? {
            Value::Array(items) => Ok(items.len().into()),
            Value::Object(map) => Ok(map.len().into()),
            Value::String(text) => Ok(text.len().into()),
            _ => Err("error calling len: len of nil pointer".into()),
        },
        Expression::Index(operands) => {
            let mut operands = operands.iter();
            let mut value = operands.next().map_or(Ok(Value::Null), |first| eval(first, dot))?;
            for key in operands {
                value = match (eval(key, dot)?, &value) {
                    (Value::Number(at), Value::Array(items)) => {
                        let at = at.as_u64().and_then(|at| usize::try_from(at).ok()).unwrap_or(usize::MAX);
                        items.get(at).cloned().ok_or("error calling index: reflect: slice index out of range")?
                    }
                    (Value::String(key), Value::Object(map)) => map.get(&key).cloned().unwrap_or(Value::Null),
                    _ => return Err("error calling index: index of untyped nil".into()),
                };
            }
            Ok(value)
        }
    }
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_i64() != Some(0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_one_liners_of_tutorials() {
        let service = json!({"spec": {"ports": [{"nodePort": 30080}], "type": "NodePort"}, "items": [{"n": "a"}, {"n": "b"}]});
        for (template, text) in [
            ("{{(index .spec.ports 0).nodePort}}", "30080"),
            ("{{range .items}}{{.n}}{{\"\\n\"}}{{end}}", "a\nb\n"),
            ("{{.spec.type}} {{.nope}}", "NodePort <no value>"),
            ("{{if .nope}}x{{else}}y{{end}}", "y"),
            ("{{len .items}}", "2"),
        ] {
            let template = GoTemplate::parse(template).unwrap();
            assert_eq!(template.render(&service), Ok(text.into()));
        }
        assert!(GoTemplate::parse("{{.x").is_err());
        assert!(GoTemplate::parse("{{range .x}}").is_err());
    }
}
