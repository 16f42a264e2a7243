//! The patch of `kubectl apply`: what the manifest adds or changes compared with the live object, and what it no longer has
//! compared with the manifest applied before.

use serde_json::{Map, Value, json};

use super::lists::{ListRule, list_rule, retains_keys};
use crate::api::kinds::Kind;

type Object = Map<String, Value>;

/// The patch that turns `current` into what `modified` asks for, dropping what only `last_applied` had. An empty object means
/// that nothing is to be sent. The result is a strategic merge patch; for a kind outside the table a JSON merge patch.
pub fn apply_patch(kind: Option<&Kind>, last_applied: Option<&Value>, modified: &Value, current: &Value) -> Value {
    let (Some(modified), Some(current)) = (modified.as_object(), current.as_object()) else { return json!({}) };
    Value::Object(object_patch(kind, &mut Vec::new(), last_applied.and_then(Value::as_object), modified, current))
}

fn object_patch<'a>(
    kind: Option<&Kind>,
    path: &mut Vec<&'a str>,
    last: Option<&'a Object>,
    modified: &'a Object,
    current: &Object,
) -> Object {
    let mut patch = Object::new();
    for (key, wanted) in modified {
        path.push(key);
        let before = last.and_then(|last| last.get(key));
        match (current.get(key), wanted) {
            (None, Value::Null) => {}
            (Some(Value::Object(live)), Value::Object(wanted)) => {
                let mut inner = object_patch(kind, path, before.and_then(Value::as_object), wanted, live);
                if !inner.is_empty() && kind.is_some_and(|kind| retains_keys(kind, path)) {
                    inner.insert("$retainKeys".into(), keys_of(wanted));
                }
                if !inner.is_empty() {
                    patch.insert(key.clone(), Value::Object(inner));
                }
            }
            (Some(Value::Array(live)), Value::Array(wanted)) => {
                let before = before.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                list_patch(kind, path, key, before, wanted, live, &mut patch);
            }
            (Some(live), wanted) if live == wanted => {}
            (_, wanted) => drop(patch.insert(key.clone(), wanted.clone())),
        }
        path.pop();
    }
    for key in last.into_iter().flat_map(Object::keys).filter(|key| !modified.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    patch
}

/// Writes the entries that change the list `field`, directives included.
fn list_patch<'a>(
    kind: Option<&Kind>,
    path: &mut Vec<&'a str>,
    field: &str,
    last: &'a [Value],
    modified: &'a [Value],
    current: &[Value],
    patch: &mut Object,
) {
    let key = match kind.map_or(ListRule::Atomic, |kind| list_rule(kind, path)) {
        ListRule::Atomic => {
            if modified != current {
                patch.insert(field.into(), json!(modified));
            }
            return;
        }
        ListRule::Values => return values_patch(field, last, modified, current, patch),
        ListRule::ByKey(key) => key,
    };
    let find =
        |list: &'a [Value], item: &Value| list.iter().find(|other| other.get(key).is_some() && other.get(key) == item.get(key));
    let mut items = Vec::new();
    for item in modified {
        let live = current.iter().find(|other| other.get(key).is_some() && other.get(key) == item.get(key));
        let (Some(wanted), Some(live)) = (item.as_object(), live.and_then(Value::as_object)) else {
            items.push(item.clone());
            continue;
        };
        let mut inner = object_patch(kind, path, find(last, item).and_then(Value::as_object), wanted, live);
        if !inner.is_empty() {
            if kind.is_some_and(|kind| retains_keys(kind, path)) {
                inner.insert("$retainKeys".into(), keys_of(wanted));
            }
            inner.insert(key.into(), item[key].clone());
            items.push(Value::Object(inner));
        }
    }
    for gone in last.iter().filter(|item| find(modified, item).is_none()) {
        items.push(json!({"$patch": "delete", key: gone.get(key)}));
    }
    let position = |item: &Value| current.iter().position(|other| other.get(key) == item.get(key));
    let out_of_order = !modified.iter().map(position).is_sorted();
    if !items.is_empty() || out_of_order {
        let order: Vec<Value> = modified.iter().map(|item| json!({key: item.get(key)})).collect();
        patch.insert(format!("$setElementOrder/{field}"), json!(order));
    }
    if !items.is_empty() {
        patch.insert(field.into(), json!(items));
    }
}

fn values_patch(field: &str, last: &[Value], modified: &[Value], current: &[Value], patch: &mut Object) {
    let added: Vec<&Value> = modified.iter().filter(|value| !current.contains(value)).collect();
    let gone: Vec<&Value> = last.iter().filter(|value| !modified.contains(value)).collect();
    if !added.is_empty() || !gone.is_empty() {
        patch.insert(format!("$setElementOrder/{field}"), json!(modified));
    }
    if !gone.is_empty() {
        patch.insert(format!("$deleteFromPrimitiveList/{field}"), json!(gone));
    }
    if !added.is_empty() {
        patch.insert(field.into(), json!(added));
    }
}

fn keys_of(object: &Object) -> Value {
    let mut keys: Vec<&String> = object.keys().collect();
    keys.sort();
    json!(keys)
}
