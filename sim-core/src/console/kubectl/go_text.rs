//! Go's own ways of writing a value, where they shine through in what kubectl prints.

use serde_json::Value;

/// `map[a:b c:[1 2]]`: what `fmt.Sprint` makes of a value; custom columns show it.
pub fn sprint(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".into(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(sprint).collect::<Vec<_>>().join(" ")),
        Value::Object(map) => {
            let entries = map.iter().map(|(key, value)| format!("{key}:{}", sprint(value)));
            format!("map[{}]", entries.collect::<Vec<_>>().join(" "))
        }
        other => other.to_string(),
    }
}

/// `map[string]interface {}{"a":"b"}`: what `%#v` makes of a value; a failed template shows its data so.
pub fn syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".into(),
        Value::Array(items) => format!("[]interface {{}}{{{}}}", items.iter().map(syntax).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let entries = map.iter().map(|(key, value)| format!("{}:{}", Value::String(key.clone()), syntax(value)));
            format!("map[string]interface {{}}{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}
