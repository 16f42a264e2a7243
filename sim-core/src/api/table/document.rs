//! Reading JSON documents without ceremony: an absent field reads as the empty value, as Go's zero values do.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::objects::time::Timestamp;

/// The value at a dotted path of field names (`spec.clusterIP`); `Null` when any part is absent.
pub fn at<'a>(document: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(document, |value, field| value.get(field).unwrap_or(&Value::Null))
}

/// Whether the field is there and not null: what a set pointer is in Go.
pub fn has(document: &Value, path: &str) -> bool {
    !at(document, path).is_null()
}

/// The string at `path`, or `""`.
pub fn text<'a>(document: &'a Value, path: &str) -> &'a str {
    at(document, path).as_str().unwrap_or("")
}

/// The integer at `path`, or 0.
pub fn number(document: &Value, path: &str) -> i64 {
    at(document, path).as_i64().unwrap_or(0)
}

/// The truth value at `path`, or false.
pub fn flag(document: &Value, path: &str) -> bool {
    at(document, path).as_bool().unwrap_or(false)
}

/// The list at `path`, or an empty one.
pub fn list<'a>(document: &'a Value, path: &str) -> &'a [Value] {
    at(document, path).as_array().map_or(&[], Vec::as_slice)
}

/// The strings of the list at `path`.
pub fn texts<'a>(document: &'a Value, path: &str) -> Vec<&'a str> {
    list(document, path).iter().filter_map(Value::as_str).collect()
}

/// The object at `path`, if it is one.
pub fn object<'a>(document: &'a Value, path: &str) -> Option<&'a Map<String, Value>> {
    at(document, path).as_object()
}

/// The entries of the object at `path`, sorted by key.
pub fn entries<'a>(document: &'a Value, path: &str) -> BTreeMap<&'a str, &'a Value> {
    object(document, path).into_iter().flatten().map(|(key, value)| (key.as_str(), value)).collect()
}

/// The string-to-string map at `path` (labels, annotations, selectors), sorted by key.
pub fn pairs<'a>(document: &'a Value, path: &str) -> BTreeMap<&'a str, &'a str> {
    let entries = object(document, path).into_iter().flatten();
    entries.map(|(key, value)| (key.as_str(), value.as_str().unwrap_or(""))).collect()
}

/// The moment at `path`, if there is a readable one.
pub fn time(document: &Value, path: &str) -> Option<Timestamp> {
    at(document, path).as_str().and_then(Timestamp::parse)
}

/// A scalar as it would print with Go's `%v`; used for the int-or-string fields.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The field `metadata.name`.
pub fn name(document: &Value) -> &str {
    text(document, "metadata.name")
}

/// The field `metadata.namespace`.
pub fn namespace(document: &Value) -> &str {
    text(document, "metadata.namespace")
}

/// `a=1,b=2` sorted by key, `<none>` when empty (`labels.FormatLabels`).
pub fn format_labels(labels: &BTreeMap<&str, &str>) -> String {
    let joined: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    or_none(joined.join(","))
}

/// A `LabelSelector` in the notation of `-l` (`metav1.FormatLabelSelector`): `<none>` for an absent one and for one that
/// selects everything.
pub fn format_selector(selector: &Value) -> String {
    if selector.is_null() {
        return "<none>".into();
    }
    or_none(selector_text(selector))
}

/// A `LabelSelector` in the notation of `-l`; empty for one that selects everything. Terms are sorted by key.
pub fn selector_text(selector: &Value) -> String {
    let mut terms: Vec<(String, String)> = Vec::new();
    for (key, value) in pairs(selector, "matchLabels") {
        terms.push((key.into(), format!("{key}={value}")));
    }
    for expression in list(selector, "matchExpressions") {
        let key = text(expression, "key");
        let mut values = texts(expression, "values");
        values.sort_unstable();
        let values = values.join(",");
        let term = match text(expression, "operator") {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_string(),
        };
        terms.push((key.into(), term));
    }
    terms.sort_by(|a, b| a.0.cmp(&b.0));
    terms.into_iter().map(|(_, term)| term).collect::<Vec<_>>().join(",")
}

/// The text, or `<none>` when it is empty.
pub fn or_none(text: impl Into<String>) -> String {
    let text = text.into();
    if text.is_empty() { "<none>".into() } else { text }
}

/// At most three items joined by `,`, then ` + N more...`; `None` when there are none.
pub fn first_three(items: &[String]) -> Option<String> {
    const MAX: usize = 3;
    match items.len() {
        0 => None,
        n if n > MAX => Some(format!("{} + {} more...", items[..MAX].join(","), n - MAX)),
        _ => Some(items.join(",")),
    }
}

/// `host:port`, with brackets around an IPv6 address (`net.JoinHostPort`).
pub fn host_port(host: &str, port: &str) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}
