//! The JSON Schema of the scenario document: printed by `kubewalk schema`, used by editors, and by [`super::check`].

use serde_json::{Value, json};

use super::format::Scenario;

/// The schema.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Scenario).to_value();
    schema["title"] = json!("Kubewalk scenario, version 1");
    schema
}

/// The schema as text, two spaces an indent.
pub fn text() -> String {
    serde_json::to_string_pretty(&schema()).unwrap_or_default()
}
