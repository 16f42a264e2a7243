//! Reading and writing places of a JSON document.
//!
//! In a real server a request body is decoded into Go structs, where an absent string is `""` and an absent list is empty. The
//! document half of our server works on the JSON tree itself, so that what the user wrote stays what is stored; these functions
//! give it Go's view of absence. Places are JSON pointers (`/spec/ports/0/name`).

use serde_json::{Map, Value};

/// The string at `place`; `""` when absent or not a string.
pub fn text<'a>(doc: &'a Value, place: &str) -> &'a str {
    doc.pointer(place).and_then(Value::as_str).unwrap_or("")
}

/// The integer at `place`.
pub fn number(doc: &Value, place: &str) -> Option<i64> {
    doc.pointer(place).and_then(Value::as_i64)
}

/// The boolean at `place`.
pub fn flag(doc: &Value, place: &str) -> Option<bool> {
    doc.pointer(place).and_then(Value::as_bool)
}

/// The list at `place`; empty when absent.
pub fn items<'a>(doc: &'a Value, place: &str) -> &'a [Value] {
    doc.pointer(place).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The list at `place`, to change its items in place; empty when absent.
pub fn items_mut<'a>(doc: &'a mut Value, place: &str) -> &'a mut [Value] {
    doc.pointer_mut(place).and_then(Value::as_array_mut).map_or(&mut [], Vec::as_mut_slice)
}

/// The strings of the list at `place`.
pub fn strings<'a>(doc: &'a Value, place: &str) -> Vec<&'a str> {
    items(doc, place).iter().filter_map(Value::as_str).collect()
}

/// The object at `place`; `None` when absent.
pub fn object<'a>(doc: &'a Value, place: &str) -> Option<&'a Map<String, Value>> {
    doc.pointer(place).and_then(Value::as_object)
}

/// The entries of the map of strings at `place`; values of other types are left out.
pub fn entries<'a>(doc: &'a Value, place: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    object(doc, place).into_iter().flatten().filter_map(|(k, v)| Some((k.as_str(), v.as_str()?)))
}

/// Writes `value` at `place`, making the objects on the way. Lists on the way must exist; a place that cannot be is left alone.
pub fn put(doc: &mut Value, place: &str, value: impl Into<Value>) {
    let mut at = doc;
    for step in place.split('/').skip(1) {
        if at.is_null() {
            *at = Value::Object(Map::new());
        }
        let next = match at {
            Value::Object(map) => Some(map.entry(unescape(step)).or_insert(Value::Null)),
            Value::Array(list) => step.parse::<usize>().ok().and_then(|i| list.get_mut(i)),
            _ => None,
        };
        match next {
            Some(inner) => at = inner,
            None => return,
        }
    }
    *at = value.into();
}

/// Writes `value` at `place` if nothing is there; null and `""` count as nothing, as in Go.
pub fn put_default(doc: &mut Value, place: &str, value: impl Into<Value>) {
    if is_unset(doc, place) {
        put(doc, place, value);
    }
}

/// Nothing, null or the empty string is at `place`.
pub fn is_unset(doc: &Value, place: &str) -> bool {
    match doc.pointer(place) {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(_) => false,
    }
}

/// Takes the value at `place` out of its object.
pub fn remove(doc: &mut Value, place: &str) -> Option<Value> {
    let (parent, key) = place.rsplit_once('/')?;
    doc.pointer_mut(parent)?.as_object_mut()?.remove(&unescape(key))
}

/// Writes `value` at `place`, or removes what is there when it is `None`.
pub fn put_or_remove(doc: &mut Value, place: &str, value: Option<Value>) {
    match value {
        Some(value) => put(doc, place, value),
        None => drop(remove(doc, place)),
    }
}

fn unescape(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn places_are_read_as_go_reads_them() {
        let doc = json!({"spec": {"type": null, "ports": [{"port": 80}], "ips": ["a", 1, "b"], "sel": {"k": "v", "n": 1}}});
        assert_eq!((text(&doc, "/spec/type"), text(&doc, "/none"), number(&doc, "/spec/ports/0/port")), ("", "", Some(80)));
        assert_eq!(strings(&doc, "/spec/ips"), ["a", "b"]);
        assert_eq!(entries(&doc, "/spec/sel").collect::<Vec<_>>(), [("k", "v")]);
        assert!(is_unset(&doc, "/spec/type") && !is_unset(&doc, "/spec/ports"));
    }

    #[test]
    fn places_are_made_and_taken() {
        let mut doc = json!({"list": [1, 2]});
        put(&mut doc, "/a/b~1c", "x");
        put(&mut doc, "/list/1", 3);
        put(&mut doc, "/list/7", 3);
        put(&mut doc, "/list/1/deeper", 3);
        put_default(&mut doc, "/a/b~1c", "y");
        assert_eq!(doc, json!({"a": {"b/c": "x"}, "list": [1, 3]}));
        assert_eq!(remove(&mut doc, "/a/b~1c"), Some(json!("x")));
        assert_eq!(remove(&mut doc, "/a/b~1c"), None);
    }
}
