//! A scenario back to a file: the script with what differs from the defaults, then the manifests.

use serde_json::{Map, Value};

use super::format::{API_VERSION, KIND, Scenario, Spec};
use super::manifests::Manifest;
use crate::yaml::to_yaml;

/// The text of a scenario file. Reading it gives the same scenario.
pub fn to_text(scenario: &Scenario, manifests: &[Manifest]) -> String {
    let mut spec = serde_json::to_value(&scenario.spec).unwrap_or_default();
    let defaults = serde_json::to_value(Spec::default()).unwrap_or_default();
    prune(&mut spec, &defaults);
    let metadata = serde_json::to_value(&scenario.metadata).unwrap_or_default();
    let mut text = format!("apiVersion: {API_VERSION}\nkind: {KIND}\n");
    for (key, value) in [("metadata", metadata), ("spec", spec)] {
        text.push_str(&to_yaml(&Value::Object(Map::from_iter([(key.to_string(), value)]))));
    }
    for manifest in manifests {
        text.push_str("---\n");
        text.push_str(&to_yaml(&manifest.value));
    }
    text
}

/// Removes the fields that say what is so without them.
fn prune(value: &mut Value, default: &Value) {
    let (Value::Object(fields), Value::Object(defaults)) = (value, default) else { return };
    fields.retain(|key, value| defaults.get(key) != Some(value));
    for (key, value) in fields.iter_mut() {
        if let Some(default) = defaults.get(key) {
            prune(value, default);
        }
    }
}
