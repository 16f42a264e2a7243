//! Applying a strategic merge patch.

use serde_json::{Map, Value};

use super::lists::{ListRule, list_rule};
use crate::api::kinds::Kind;
use crate::api::status::Status;

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const SET_ORDER: &str = "$setElementOrder/";
const DELETE_VALUES: &str = "$deleteFromPrimitiveList/";

/// The object that comes out; directives of the patch are obeyed and never stored.
pub(super) fn merge(kind: &Kind, current: &Value, patch: &Value) -> Result<Value, Status> {
    let (Value::Object(current), Value::Object(patch)) = (current, patch) else {
        return Err(Status::bad_request("invalid JSON document"));
    };
    merge_object(kind, &mut Vec::new(), current, patch).map(Value::Object)
}

type Object = Map<String, Value>;

fn merge_object<'p>(kind: &Kind, path: &mut Vec<&'p str>, current: &Object, patch: &'p Object) -> Result<Object, Status> {
    match patch.get(DIRECTIVE).and_then(Value::as_str) {
        Some("replace") => return Ok(without_directives(patch)),
        Some("delete") => return Ok(Object::new()),
        Some("merge") | None => {}
        Some(other) => return Err(Status::bad_request(format!("Unknown patch type: {other}"))),
    }
    let mut result = current.clone();
    if let Some(keys) = patch.get(RETAIN_KEYS).and_then(Value::as_array) {
        result.retain(|key, _| keys.iter().any(|kept| kept == key));
    }
    for (key, value) in patch {
        if let Some(field) = key.strip_prefix(DELETE_VALUES) {
            if let (Some(Value::Array(list)), Some(gone)) = (result.get_mut(field), value.as_array()) {
                list.retain(|item| !gone.contains(item));
            }
        } else if let Some(field) = key.strip_prefix(SET_ORDER) {
            // Without items beside it, it only orders what is there.
            if !patch.contains_key(field) && matches!(result.get(field), Some(Value::Array(_))) {
                path.push(field);
                let merged = merge_list(kind, path, result.get(field), &[], Some(value))?;
                path.pop();
                result.insert(field.into(), merged);
            }
        } else if !key.starts_with('$') {
            path.push(key);
            let merged = merge_value(kind, path, result.get(key), value, patch.get(&format!("{SET_ORDER}{key}")))?;
            path.pop();
            match merged {
                Some(merged) => drop(result.insert(key.clone(), merged)),
                None => drop(result.remove(key)),
            }
        }
    }
    Ok(result)
}

fn merge_value<'p>(
    kind: &Kind,
    path: &mut Vec<&'p str>,
    current: Option<&Value>,
    patch: &'p Value,
    order: Option<&'p Value>,
) -> Result<Option<Value>, Status> {
    Ok(Some(match (current, patch) {
        (_, Value::Null) => return Ok(None),
        (Some(Value::Object(current)), Value::Object(patch)) => Value::Object(merge_object(kind, path, current, patch)?),
        (_, Value::Object(patch)) => Value::Object(merge_object(kind, path, &Object::new(), patch)?),
        (_, Value::Array(patch)) => merge_list(kind, path, current, patch, order)?,
        (_, plain) => plain.clone(),
    }))
}

fn merge_list<'p>(
    kind: &Kind,
    path: &mut Vec<&'p str>,
    current: Option<&Value>,
    patch: &'p [Value],
    order: Option<&'p Value>,
) -> Result<Value, Status> {
    let current = current.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let order = order.and_then(Value::as_array);
    let key = match list_rule(kind, path) {
        ListRule::Atomic => return Ok(Value::Array(patch.iter().map(clean).collect())),
        ListRule::Values => {
            let mut merged = current.to_vec();
            merged.extend(patch.iter().filter(|value| !current.contains(value)).cloned());
            return Ok(Value::Array(arrange(merged, order.map_or(patch, Vec::as_slice), current, |item| Some(item))));
        }
        ListRule::ByKey(key) => key,
    };
    if patch.iter().any(|item| item.get(DIRECTIVE).and_then(Value::as_str) == Some("replace")) {
        let kept = patch.iter().filter(|item| item.get(DIRECTIVE).is_none());
        return Ok(Value::Array(kept.map(clean).collect()));
    }
    let mut merged = current.to_vec();
    for item in patch {
        let (Some(fields), Some(name)) = (item.as_object(), item.get(key)) else {
            return Err(Status::internal(format!("map: {item} does not contain declared merge key: {key}")));
        };
        let at = merged.iter().position(|other| other.get(key) == Some(name));
        match (fields.get(DIRECTIVE).and_then(Value::as_str), at) {
            (Some("delete"), _) => merged.retain(|other| other.get(key) != Some(name)),
            (_, at) => {
                let empty = Object::new();
                let before = at.and_then(|at| merged[at].as_object()).unwrap_or(&empty);
                let after = Value::Object(merge_object(kind, path, before, fields)?);
                match at {
                    Some(at) => merged[at] = after,
                    None => merged.push(after),
                }
            }
        }
    }
    Ok(Value::Array(arrange(merged, order.map_or(patch, Vec::as_slice), current, |item| item.get(key))))
}

/// Items named by the patch stand in the patch's order; the others keep their place before a later item of the old order, as
/// far as that is possible. A new item therefore comes first.
fn arrange<'a>(merged: Vec<Value>, order: &'a [Value], old: &'a [Value], name: impl Fn(&Value) -> Option<&Value>) -> Vec<Value> {
    let place = |list: &[Value], item: &Value| list.iter().position(|other| name(other).is_some() && name(other) == name(item));
    let (mut named, others): (Vec<Value>, Vec<Value>) = merged.into_iter().partition(|item| place(order, item).is_some());
    named.sort_by_key(|item| place(order, item));
    let (mut named, mut others) = (named.into_iter().peekable(), others.into_iter().peekable());
    let mut result = Vec::new();
    while let (Some(other), Some(next)) = (others.peek(), named.peek()) {
        let other_first = matches!((place(old, other), place(old, next)), (Some(a), Some(b)) if a < b);
        result.extend(if other_first { others.next() } else { named.next() });
    }
    result.extend(named);
    result.extend(others);
    result
}

fn without_directives(patch: &Object) -> Object {
    let kept = patch.iter().filter(|(key, value)| !key.starts_with('$') && !value.is_null());
    kept.map(|(key, value)| (key.clone(), clean(value))).collect()
}

fn clean(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(without_directives(map)),
        Value::Array(list) => Value::Array(list.iter().map(clean).collect()),
        plain => plain.clone(),
    }
}
