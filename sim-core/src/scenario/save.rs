//! A scenario back to a file: the script with what differs from the defaults, then the manifests.

use serde_json::{Map, Value};

use super::format::{API_VERSION, KIND, Scenario, Spec};
use super::load::{Input, steps_for};
use super::manifests::Manifest;
use crate::yaml::to_yaml;

/// The scenario file of an input. Objects of plain manifests that cannot be decoded are left out: in a scenario they are errors.
pub fn of_input(input: &Input) -> String {
    let decodes = |manifest: &&Manifest| manifest.field_errors().is_empty();
    let kept: Vec<Manifest> = input.manifests.iter().filter(decodes).cloned().collect();
    if input.report.is_none() || kept.len() == input.manifests.len() {
        return to_text(&input.scenario, &input.manifests);
    }
    let mut scenario = input.scenario.clone();
    scenario.spec.steps = steps_for(&kept);
    to_text(&scenario, &kept)
}

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
