//! Template and data to results.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use super::{Block, Bound, Node};

type Found<'a> = Vec<Cow<'a, Value>>;

/// Most results of one template; `..` on a large cluster stays far below.
const RESULTS_MAX: usize = 4_000_000;

pub(super) fn blocks<'a>(blocks: &[Block], data: &'a Value, found: &mut Vec<Found<'a>>) -> Result<(), String> {
    for block in blocks {
        match block {
            Block::Path(path) => found.push(walk(path, vec![Cow::Borrowed(data)])?),
            Block::Range(path, body) => {
                for item in walk(path, vec![Cow::Borrowed(data)])? {
                    match item {
                        Cow::Borrowed(item) => self::blocks(body, item, found)?,
                        Cow::Owned(item) => {
                            let mut inner = Vec::new();
                            self::blocks(body, &item, &mut inner)?;
                            let owned = |group: Found<'_>| group.into_iter().map(|v| Cow::Owned(v.into_owned())).collect();
                            found.extend(inner.into_iter().map(owned));
                        }
                    }
                }
            }
        }
        if found.len() > RESULTS_MAX {
            return Err(format!("more than {RESULTS_MAX} results"));
        }
    }
    Ok(())
}

fn walk<'a>(path: &[Node], mut input: Found<'a>) -> Result<Found<'a>, String> {
    for node in path {
        input = step(node, input)?;
        if input.len() > RESULTS_MAX {
            return Err(format!("more than {RESULTS_MAX} results"));
        }
    }
    Ok(input)
}

fn step<'a>(node: &Node, input: Found<'a>) -> Result<Found<'a>, String> {
    match node {
        Node::Text(text) => Ok(vec![Cow::Owned(Value::String(text.clone()))]),
        Node::Literal(value) => Ok(vec![Cow::Owned(value.clone())]),
        Node::Identifier(word) => Err(match word.as_str() {
            "end" => "not in range, nothing to end".into(),
            _ => format!("unrecognized identifier {word}"),
        }),
        Node::Field(name) if name.is_empty() => Ok(input),
        Node::Field(name) => Ok(flat(input, |value| value.get(name.as_str()).into_iter().collect())),
        Node::Wildcard => Ok(flat(input, children)),
        Node::Recursive => Ok(flat(input, |value| {
            let mut all = Vec::new();
            descend(value, &mut all);
            all
        })),
        Node::Slice(bounds) => slices(input, bounds),
        Node::Filter { left, operator, right } => filtered(input, left, operator, right),
        Node::Union(paths) => {
            let mut all = Vec::new();
            for path in paths {
                all.extend(walk(path, input.clone())?);
            }
            Ok(all)
        }
    }
}

/// Applies `pick` to each value and keeps what is borrowed borrowed.
fn flat<'a>(input: Found<'a>, pick: impl Fn(&Value) -> Vec<&Value>) -> Found<'a> {
    let mut all = Vec::new();
    for value in input {
        match value {
            Cow::Borrowed(value) => all.extend(pick(value).into_iter().map(Cow::Borrowed)),
            Cow::Owned(value) => all.extend(pick(&value).into_iter().cloned().map(Cow::Owned)),
        }
    }
    all
}

fn children(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(map) => map.values().collect(),
        _ => Vec::new(),
    }
}

/// The value and everything below it that has something below it itself.
fn descend<'v>(value: &'v Value, all: &mut Vec<&'v Value>) {
    let below = children(value);
    if !below.is_empty() {
        all.push(value);
        for child in below {
            descend(child, all);
        }
    }
}

fn slices<'a>(input: Found<'a>, bounds: &[Bound; 3]) -> Result<Found<'a>, String> {
    let mut all = Vec::new();
    for value in input {
        if value.is_null() {
            continue;
        }
        let Some(items) = value.as_array() else {
            return Err(format!("{} is not array or slice", type_name(&value)));
        };
        let picked: Vec<usize> = indexes(items.len(), bounds)?;
        match &value {
            Cow::Borrowed(value) => {
                let items = value.as_array().map_or(&[][..], Vec::as_slice);
                all.extend(picked.into_iter().map(|at| Cow::Borrowed(&items[at])));
            }
            Cow::Owned(_) => all.extend(picked.into_iter().map(|at| Cow::Owned(items[at].clone()))),
        }
    }
    Ok(all)
}

fn indexes(length: usize, bounds: &[Bound; 3]) -> Result<Vec<usize>, String> {
    let length = length as i64;
    let from_end = |at: i64| if at < 0 { at + length } else { at };
    let start = match bounds[0] {
        Bound::At(at) | Bound::After(at) => from_end(at),
        Bound::Open => 0,
    };
    let end = match bounds[1] {
        Bound::Open => length,
        // The index -1 alone stands for the slice from -1 to 0, which means to the end.
        Bound::After(0) => length,
        Bound::At(at) | Bound::After(at) => from_end(at),
    };
    if start == end {
        return Ok(Vec::new());
    }
    for (bad, shown) in [(start >= length || start < 0, start), (end > length || end < 0, end - 1)] {
        if bad {
            return Err(format!("array index out of bounds: index {shown}, length {length}"));
        }
    }
    if start > end {
        return Err(format!("starting index {start} is greater than ending index {end}"));
    }
    let step = match bounds[2] {
        Bound::At(step) if step <= 0 => return Err("step must be > 0".into()),
        Bound::At(step) => step as usize,
        _ => 1,
    };
    Ok((start as usize..end as usize).step_by(step).collect())
}

fn filtered<'a>(input: Found<'a>, left: &[Node], operator: &str, right: &[Node]) -> Result<Found<'a>, String> {
    let mut all = Vec::new();
    for value in input {
        let Some(items) = value.as_array() else {
            return Err(format!("{} is not array or slice and cannot be filtered", super::shown(&value)));
        };
        let mut kept = Vec::new();
        for (at, item) in items.iter().enumerate() {
            if passes(item, left, operator, right)? {
                kept.push(at);
            }
        }
        match &value {
            Cow::Borrowed(value) => {
                let items = value.as_array().map_or(&[][..], Vec::as_slice);
                all.extend(kept.into_iter().map(|at| Cow::Borrowed(&items[at])));
            }
            Cow::Owned(_) => all.extend(kept.into_iter().map(|at| Cow::Owned(items[at].clone()))),
        }
    }
    Ok(all)
}

fn passes(item: &Value, left: &[Node], operator: &str, right: &[Node]) -> Result<bool, String> {
    let side = |path| walk(path, vec![Cow::Borrowed(item)]);
    let lefts = side(left)?;
    if operator == "exists" {
        return Ok(!lefts.is_empty());
    }
    let rights = side(right)?;
    let (left, right) = match (lefts.as_slice(), rights.as_slice()) {
        ([], _) | (_, []) => return Ok(false),
        ([left], [right]) => (left, right),
        _ => return Err("can only compare one element at a time".into()),
    };
    let order = compare(left, right).ok_or("incompatible types for comparison")?;
    Ok(match operator {
        "==" => order == Ordering::Equal,
        "!=" => order != Ordering::Equal,
        "<" => order == Ordering::Less,
        ">" => order == Ordering::Greater,
        "<=" => order != Ordering::Greater,
        ">=" => order != Ordering::Less,
        _ => return Err(format!("unrecognized filter operator {operator}")),
    })
}

fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        (Value::Number(left), Value::Number(right)) => match (left.as_i64(), right.as_i64()) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            _ => (left == right).then_some(Ordering::Equal),
        },
        _ => None,
    }
}

/// The Go type that a decoded JSON value has.
fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}
