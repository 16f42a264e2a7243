//! The JSON Schema of the scenario document: printed by `kubewalk schema`, used by editors, and by [`super::check`].

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::format::Scenario;

/// The schema.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Scenario).to_value();
    schema["title"] = json!("Kubewalk scenario, version 1");
    schema
}

/// The schema as text, keys sorted, two spaces an indent.
pub fn text() -> String {
    serde_json::to_string_pretty(&sorted(schema())).unwrap_or_default()
}

/// The same with sorted keys, also where another crate makes serde_json keep the order of insertion.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let fields: BTreeMap<String, Value> = map.into_iter().map(|(key, inner)| (key, sorted(inner))).collect();
            Value::Object(fields.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}
