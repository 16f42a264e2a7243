//! Running a jq filter on a value.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::parse::{Filter, Step};
use crate::console::meter::{Meter, UsedUp};

/// Most values one filter gives, and the deepest recursion of `..`.
const VALUES_MAX: usize = 200_000;
/// About what one value takes in memory, in bytes.
const VALUE_BYTES: u64 = 72;

/// The results, or an error in jq's words; an empty one where the budget of the line is used up.
pub(super) fn run(filter: &Filter, input: &Value, meter: &Meter) -> Result<Vec<Value>, String> {
    let results = match filter {
        Filter::Identity => vec![input.clone()],
        Filter::Recurse => {
            let mut all = Vec::new();
            recurse(input, &mut all);
            all
        }
        Filter::Literal(value) => vec![value.clone()],
        Filter::Text(parts) => text(parts, input, meter)?,
        Filter::Step(base, step, optional) => {
            let mut results = Vec::new();
            for value in run(base, input, meter)? {
                match take(&value, step, input, meter) {
                    Ok(found) => results.extend(found),
                    Err(_) if *optional => {}
                    Err(why) => return Err(why),
                }
            }
            results
        }
        Filter::Pipe(first, second) => each(run(first, input, meter)?, |value| run(second, value, meter))?,
        Filter::Both(first, second) => {
            let mut results = run(first, input, meter)?;
            results.extend(run(second, input, meter)?);
            results
        }
        Filter::Binary("//", left, right) => {
            let found: Vec<Value> = run(left, input, meter).unwrap_or_default().into_iter().filter(truth).collect();
            if found.is_empty() { run(right, input, meter)? } else { found }
        }
        Filter::Binary(op, left, right) => {
            let rights = run(right, input, meter)?;
            let lefts = run(left, input, meter)?;
            each(rights, |right| {
                lefts.iter().map(|left| affordable(meter, op, left, right).and_then(|()| binary(op, left, right))).collect()
            })?
        }
        Filter::Array(None) => vec![Value::Array(Vec::new())],
        Filter::Array(Some(inner)) => vec![Value::Array(run(inner, input, meter)?)],
        Filter::Object(fields) => object(fields, input, meter)?,
        Filter::Call(name, arguments) => call(name, arguments, input, meter)?,
        Filter::If(condition, yes, no) => {
            each(run(condition, input, meter)?, |holds| run(if truth(holds) { yes } else { no }, input, meter))?
        }
    };
    if results.len() > VALUES_MAX {
        return Err(format!("kubewalk: a filter may give {VALUES_MAX} values"));
    }
    charge(results.iter(), meter)?;
    Ok(results)
}

/// Values were made: each part is a step, and all are held in memory at once.
fn charge<'v>(values: impl Iterator<Item = &'v Value>, meter: &Meter) -> Result<(), String> {
    let (parts, bytes) = values.map(size).fold((0, 0), |(p, b), (parts, bytes)| (p + parts, b + bytes));
    meter.steps(1 + parts).and_then(|()| meter.values(bytes)).map_err(|UsedUp| String::new())
}

/// How many parts a value has, itself among them, and about how many bytes it takes.
fn size(value: &Value) -> (u64, u64) {
    let of = |(parts, bytes): (u64, u64), value: &Value| {
        let (more, heavier) = size(value);
        (parts + more, bytes + heavier)
    };
    match value {
        Value::String(text) => (1 + text.len() as u64 / 64, VALUE_BYTES + text.len() as u64),
        Value::Array(items) => items.iter().fold((1, VALUE_BYTES), of),
        Value::Object(fields) => {
            let keys: usize = fields.keys().map(String::len).sum();
            fields.values().fold((1, VALUE_BYTES + keys as u64), of)
        }
        _ => (1, VALUE_BYTES),
    }
}

/// Whether an operation of two values can be paid for: what joins them makes a value as large as both, and what looks for the parts
/// of one in the other compares each with each.
fn affordable(meter: &Meter, op: &str, left: &Value, right: &Value) -> Result<(), String> {
    let ((a, left_bytes), (b, right_bytes)) = (size(left), size(right));
    let steps = match (op, left, right) {
        ("-" | "contains", Value::Array(_) | Value::Object(_), Value::Array(_) | Value::Object(_)) => a.saturating_mul(b),
        _ => a + b,
    };
    meter.steps(steps).and_then(|()| meter.values(left_bytes + right_bytes)).map_err(|UsedUp| String::new())
}

fn each(values: Vec<Value>, mut run: impl FnMut(&Value) -> Result<Vec<Value>, String>) -> Result<Vec<Value>, String> {
    let mut results = Vec::new();
    for value in &values {
        results.extend(run(value)?);
        if results.len() > VALUES_MAX {
            return Err(format!("kubewalk: a filter may give {VALUES_MAX} values"));
        }
    }
    Ok(results)
}

fn recurse(value: &Value, all: &mut Vec<Value>) {
    if all.len() > VALUES_MAX {
        return;
    }
    all.push(value.clone());
    match value {
        Value::Array(items) => items.iter().for_each(|item| recurse(item, all)),
        Value::Object(fields) => fields.values().for_each(|field| recurse(field, all)),
        _ => {}
    }
}

fn text(parts: &[(String, Option<Filter>)], input: &Value, meter: &Meter) -> Result<Vec<Value>, String> {
    let mut text = String::new();
    for (plain, filter) in parts {
        text.push_str(plain);
        if let Some(filter) = filter {
            run(filter, input, meter)?.first().into_iter().for_each(|value| text.push_str(&plain_text(value)));
        }
    }
    Ok(vec![Value::String(text)])
}

fn plain_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn object(fields: &[(Filter, Filter)], input: &Value, meter: &Meter) -> Result<Vec<Value>, String> {
    let mut objects = vec![Map::new()];
    for (key, value) in fields {
        let (keys, values) = (run(key, input, meter)?, run(value, input, meter)?);
        let mut next = Vec::new();
        for object in &objects {
            for (key, value) in keys.iter().flat_map(|key| values.iter().map(move |value| (key, value))) {
                let Value::String(key) = key else {
                    return Err(format!("Object keys must be strings, not {}", type_of(key)));
                };
                let mut object = object.clone();
                object.insert(key.clone(), value.clone());
                next.push(object);
            }
            if next.len() > VALUES_MAX {
                return Err(format!("kubewalk: a filter may give {VALUES_MAX} values"));
            }
        }
        objects = next;
    }
    Ok(objects.into_iter().map(Value::Object).collect())
}

fn take(value: &Value, step: &Step, input: &Value, meter: &Meter) -> Result<Vec<Value>, String> {
    match (step, value) {
        (Step::All, Value::Array(items)) => Ok(items.clone()),
        (Step::All, Value::Object(fields)) => Ok(fields.values().cloned().collect()),
        (Step::All, Value::Null) => Err("Cannot iterate over null (null)".to_string()),
        (Step::All, other) => Err(format!("Cannot iterate over {} ({other})", type_of(other))),
        (Step::Slice(..), Value::Null) => Ok(vec![Value::Null]),
        (Step::Slice(from, to), Value::Array(items)) => {
            let (from, to) = bounds(*from, *to, items.len());
            Ok(vec![Value::Array(items[from..to].to_vec())])
        }
        (Step::Slice(from, to), Value::String(text)) => {
            let chars: Vec<char> = text.chars().collect();
            let (from, to) = bounds(*from, *to, chars.len());
            Ok(vec![Value::String(chars[from..to].iter().collect())])
        }
        (Step::Slice(..), other) => Err(format!("Cannot index {} with object", type_of(other))),
        (Step::Index(index), value) => run(index, input, meter)?.iter().map(|index| element(value, index)).collect(),
    }
}

fn bounds(from: Option<i64>, to: Option<i64>, length: usize) -> (usize, usize) {
    let place = |at: i64| if at < 0 { length.saturating_sub(at.unsigned_abs() as usize) } else { (at as usize).min(length) };
    let (from, to) = (from.map_or(0, place), to.map_or(length, place));
    (from.min(to), to)
}

fn element(value: &Value, index: &Value) -> Result<Value, String> {
    match (value, index) {
        (Value::Object(fields), Value::String(key)) => Ok(fields.get(key).cloned().unwrap_or(Value::Null)),
        (Value::Null, Value::String(_) | Value::Number(_)) => Ok(Value::Null),
        (Value::Array(items), Value::Number(n)) => {
            let at = n.as_i64().unwrap_or(i64::MAX);
            let at = if at < 0 { at.checked_add_unsigned(items.len() as u64).filter(|at| *at >= 0) } else { Some(at) };
            Ok(at.and_then(|at| items.get(at as usize)).cloned().unwrap_or(Value::Null))
        }
        (value, Value::String(key)) => Err(format!("Cannot index {} with \"{key}\"", type_of(value))),
        (value, index) => Err(format!("Cannot index {} with {}", type_of(value), type_of(index))),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn truth(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false))
}

/// jq's order: null, booleans, numbers, texts, arrays, objects.
fn order(a: &Value, b: &Value) -> Ordering {
    let rank = |v: &Value| match v {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    };
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a.to_string().cmp(&b.to_string()),
        },
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Array(a), Value::Array(b)) => {
            let first = a.iter().zip(b).map(|(a, b)| order(a, b)).find(|o| o.is_ne());
            first.unwrap_or(a.len().cmp(&b.len()))
        }
        (Value::Object(a), Value::Object(b)) => a
            .keys()
            .cmp(b.keys())
            .then_with(|| a.values().zip(b.values()).map(|(a, b)| order(a, b)).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)),
        _ => rank(a).cmp(&rank(b)),
    }
}

fn binary(op: &str, left: &Value, right: &Value) -> Result<Value, String> {
    let compared = order(left, right);
    Ok(match (op, left, right) {
        ("==", ..) => Value::Bool(left == right),
        ("!=", ..) => Value::Bool(left != right),
        ("<", ..) => Value::Bool(compared.is_lt()),
        ("<=", ..) => Value::Bool(compared.is_le()),
        (">", ..) => Value::Bool(compared.is_gt()),
        (">=", ..) => Value::Bool(compared.is_ge()),
        ("and", ..) => Value::Bool(truth(left) && truth(right)),
        ("or", ..) => Value::Bool(truth(left) || truth(right)),
        ("+", Value::Null, other) | ("+", other, Value::Null) => other.clone(),
        ("+", Value::String(a), Value::String(b)) => Value::String(format!("{a}{b}")),
        ("+", Value::Array(a), Value::Array(b)) => Value::Array(a.iter().chain(b).cloned().collect()),
        ("+", Value::Object(a), Value::Object(b)) => {
            Value::Object(a.iter().chain(b).map(|(k, v)| (k.clone(), v.clone())).collect())
        }
        ("-", Value::Array(a), Value::Array(b)) => Value::Array(a.iter().filter(|v| !b.contains(v)).cloned().collect()),
        (_, Value::Number(a), Value::Number(b)) => arithmetic(op, a.as_i64(), b.as_i64())?,
        _ => {
            let verb = match op {
                "+" => "added",
                "-" => "subtracted",
                "*" => "multiplied",
                _ => "divided",
            };
            let (a, b) = (type_of(left), type_of(right));
            return Err(format!("{a} ({left}) and {b} ({right}) cannot be {verb}"));
        }
    })
}

fn arithmetic(op: &str, left: Option<i64>, right: Option<i64>) -> Result<Value, String> {
    let (Some(a), Some(b)) = (left, right) else {
        return Err("kubewalk: only whole numbers are computed with".to_string());
    };
    if matches!(op, "/" | "%") && b == 0 {
        return Err(format!("number ({a}) and number ({b}) cannot be divided because the divisor is zero"));
    }
    if op == "/" && a.checked_rem(b) != Some(0) {
        return Err("kubewalk: only whole numbers are computed with".to_string());
    }
    Ok(Value::from(match op {
        "+" => a.saturating_add(b),
        "-" => a.saturating_sub(b),
        "*" => a.saturating_mul(b),
        "/" => a.saturating_div(b),
        _ => a.wrapping_rem(b),
    }))
}

fn call(name: &str, arguments: &[Filter], input: &Value, meter: &Meter) -> Result<Vec<Value>, String> {
    match (name, arguments) {
        ("empty", []) => Ok(Vec::new()),
        ("values", []) => Ok(if input.is_null() { Vec::new() } else { vec![input.clone()] }),
        ("select", [condition]) => {
            let holds = run(condition, input, meter)?;
            Ok(holds.iter().filter(|v| truth(v)).map(|_| input.clone()).collect())
        }
        ("map", [filter]) => Ok(vec![Value::Array(each(take(input, &Step::All, input, meter)?, |v| run(filter, v, meter))?)]),
        ("first", [filter]) => Ok(run(filter, input, meter)?.into_iter().take(1).collect()),
        ("any" | "all", [condition]) => {
            let holds = each(take(input, &Step::All, input, meter)?, |v| run(condition, v, meter))?;
            Ok(vec![Value::Bool(if name == "any" { holds.iter().any(truth) } else { holds.iter().all(truth) })])
        }
        ("with_entries", [filter]) => {
            let entries = items(&plain("to_entries", input)?)?.to_vec();
            let changed = Value::Array(each(entries, |entry| run(filter, entry, meter))?);
            Ok(vec![plain("from_entries", &changed)?])
        }
        ("sort_by" | "group_by" | "unique_by", [key]) => keyed(name, key, input, meter),
        (_, [argument]) => {
            let with = |argument: &Value| affordable(meter, name, input, argument).and_then(|()| with(name, input, argument));
            run(argument, input, meter)?.iter().map(with).collect()
        }
        _ => Ok(vec![plain(name, input)?]),
    }
}

fn items(value: &Value) -> Result<&[Value], String> {
    match value {
        Value::Array(items) => Ok(items),
        other => Err(format!("Cannot iterate over {} ({other})", type_of(other))),
    }
}

fn keyed(name: &str, key: &Filter, input: &Value, meter: &Meter) -> Result<Vec<Value>, String> {
    let mut rows = Vec::new();
    for item in items(input)? {
        rows.push((Value::Array(run(key, item, meter)?), item.clone()));
    }
    rows.sort_by(|a, b| order(&a.0, &b.0));
    if name == "sort_by" {
        return Ok(vec![Value::Array(rows.into_iter().map(|(_, item)| item).collect())]);
    }
    let mut groups: Vec<(Value, Vec<Value>)> = Vec::new();
    for (key, item) in rows {
        match groups.last_mut() {
            Some((last, group)) if *last == key => group.push(item),
            _ => groups.push((key, vec![item])),
        }
    }
    let unique = name == "unique_by";
    let shown = |(_, mut group): (Value, Vec<Value>)| if unique { group.swap_remove(0) } else { Value::Array(group) };
    Ok(vec![Value::Array(groups.into_iter().map(shown).collect())])
}

/// Functions of one argument that is a value.
fn with(name: &str, input: &Value, argument: &Value) -> Result<Value, String> {
    Ok(match (name, input, argument) {
        ("has", Value::Object(fields), Value::String(key)) => Value::Bool(fields.contains_key(key)),
        ("has", Value::Array(items), Value::Number(n)) => Value::Bool(n.as_u64().is_some_and(|n| n < items.len() as u64)),
        ("join", Value::Array(items), Value::String(glue)) => {
            let texts: Vec<String> = items.iter().map(|v| if v.is_null() { String::new() } else { plain_text(v) }).collect();
            Value::String(texts.join(glue))
        }
        ("split", Value::String(text), Value::String(by)) => Value::from(text.split(by.as_str()).collect::<Vec<_>>()),
        ("startswith", Value::String(text), Value::String(part)) => Value::Bool(text.starts_with(part.as_str())),
        ("endswith", Value::String(text), Value::String(part)) => Value::Bool(text.ends_with(part.as_str())),
        ("contains", ..) => Value::Bool(contains(input, argument)),
        ("startswith" | "endswith", ..) => return Err(format!("{name}() requires string inputs")),
        _ => return Err(format!("Cannot use {name} on {} with {}", type_of(input), type_of(argument))),
    })
}

fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::String(whole), Value::String(part)) => whole.contains(part.as_str()),
        (Value::Array(whole), Value::Array(part)) => part.iter().all(|p| whole.iter().any(|w| contains(w, p))),
        (Value::Object(whole), Value::Object(part)) => part.iter().all(|(key, p)| whole.get(key).is_some_and(|w| contains(w, p))),
        (whole, part) => whole == part,
    }
}

/// Functions without arguments that give one value.
fn plain(name: &str, input: &Value) -> Result<Value, String> {
    Ok(match (name, input) {
        ("length", Value::Null) => Value::from(0),
        ("length", Value::String(text)) => Value::from(text.chars().count()),
        ("length", Value::Array(items)) => Value::from(items.len()),
        ("length", Value::Object(fields)) => Value::from(fields.len()),
        ("length", Value::Number(_)) => input.clone(),
        ("keys", Value::Object(fields)) => Value::from(fields.keys().cloned().collect::<Vec<_>>()),
        ("keys", Value::Array(items)) => Value::from((0..items.len()).collect::<Vec<_>>()),
        ("length" | "keys", other) => return Err(format!("{} ({other}) has no {name}", type_of(other))),
        ("not", value) => Value::Bool(!truth(value)),
        ("type", value) => Value::from(type_of(value)),
        ("tostring", value) => Value::String(plain_text(value)),
        ("tojson", value) => Value::String(value.to_string()),
        ("fromjson", value) => {
            let text = plain_text(value);
            serde_json::from_str(&text).map_err(|_| format!("{text} (while parsing '{text}')"))?
        }
        ("tonumber", Value::Number(_)) => input.clone(),
        ("tonumber", Value::String(text)) => {
            text.parse::<serde_json::Number>().map(Value::Number).map_err(|_| format!("Cannot be parsed as a number: {text}"))?
        }
        ("ascii_downcase", Value::String(text)) => Value::String(text.to_ascii_lowercase()),
        ("ascii_upcase", Value::String(text)) => Value::String(text.to_ascii_uppercase()),
        ("to_entries", Value::Object(fields)) => {
            fields.iter().map(|(key, value)| serde_json::json!({"key": key, "value": value})).collect()
        }
        ("from_entries", list) => entries(list)?,
        ("first", list) => element(list, &Value::from(0))?,
        ("last", list) => element(list, &Value::from(-1))?,
        ("add", Value::Object(fields)) => sum(fields.values())?,
        ("add", list) => sum(items(list)?.iter())?,
        ("any", list) => Value::Bool(items(list)?.iter().any(truth)),
        ("all", list) => Value::Bool(items(list)?.iter().all(truth)),
        ("min", list) => items(list)?.iter().min_by(|a, b| order(a, b)).cloned().unwrap_or(Value::Null),
        ("max", list) => items(list)?.iter().max_by(|a, b| order(a, b)).cloned().unwrap_or(Value::Null),
        ("reverse", list) => Value::Array(items(list)?.iter().rev().cloned().collect()),
        ("sort" | "unique", list) => {
            let mut sorted = items(list)?.to_vec();
            sorted.sort_by(order);
            if name == "unique" {
                sorted.dedup();
            }
            Value::Array(sorted)
        }
        ("flatten", list) => {
            let mut flat = Vec::new();
            flatten(items(list)?, &mut flat);
            Value::Array(flat)
        }
        (_, other) => return Err(format!("Cannot use {name} on {}", type_of(other))),
    })
}

fn sum<'v>(values: impl Iterator<Item = &'v Value>) -> Result<Value, String> {
    values.into_iter().try_fold(Value::Null, |total, value| match (total, value) {
        // In place: a sum that is copied for each of its parts takes the square of its length.
        (Value::String(mut text), Value::String(more)) => {
            text.push_str(more);
            Ok(Value::String(text))
        }
        (Value::Array(mut items), Value::Array(more)) => {
            items.extend(more.iter().cloned());
            Ok(Value::Array(items))
        }
        (total, value) => binary("+", &total, value),
    })
}

fn entries(list: &Value) -> Result<Value, String> {
    let mut fields = Map::new();
    for entry in items(list)? {
        let key = entry.get("key").or_else(|| entry.get("name")).map(plain_text).unwrap_or_default();
        fields.insert(key, entry.get("value").cloned().unwrap_or(Value::Null));
    }
    Ok(Value::Object(fields))
}

fn flatten(items: &[Value], flat: &mut Vec<Value>) {
    for item in items {
        match item {
            Value::Array(inner) => flatten(inner, flat),
            other => flat.push(other.clone()),
        }
    }
}
