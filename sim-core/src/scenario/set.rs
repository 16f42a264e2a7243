//! `--set spec.cluster.nodes[0].zone=b`: one value of the tree replaced before it is judged.

use serde_json::{Map, Value};

use super::notation::Mistake;
use crate::yaml::{Path, Profile, Segment, read};

/// An assignment taken apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// What is replaced.
    pub path: Path,
    /// By what.
    pub value: Value,
}

impl Assignment {
    /// Reads `PATH=VALUE`, the value as YAML; nothing after the `=` is the empty text.
    pub fn parse(text: &str) -> Result<Assignment, Mistake> {
        let help = "write the path from the root, `=`, and the value: --set spec.cluster.nodes[0].zone=b";
        let (path, value) = text.split_once('=').ok_or_else(|| Mistake::new("there is no `=` in it", help))?;
        let path = Path::parse(path.trim()).filter(|p| !p.0.is_empty());
        let path = path.ok_or_else(|| Mistake::new("what stands before the `=` is no path", help))?;
        Ok(Assignment { path, value: value_of(value)? })
    }
}

fn value_of(text: &str) -> Result<Value, Mistake> {
    match text.trim() {
        "" => return Ok(Value::String(String::new())),
        "null" | "~" => return Ok(Value::Null),
        _ => {}
    }
    // As the value of a key, so that scalars are read as they are in a file.
    let wrapped = format!("{{v: {text}\n}}");
    let flow = read(&wrapped, Profile::Scenario).ok().filter(|documents| documents.len() == 1);
    let found = flow.and_then(|documents| match &documents[0].value {
        Value::Object(map) if map.len() == 1 => map.get("v").cloned(),
        _ => None,
    });
    found.ok_or_else(|| {
        Mistake::new(
            format!("`{text}` is not a YAML value"),
            "quote it for YAML, inside the quotes of the shell: --set 'path=\"value\"'",
        )
    })
}

/// Replaces the value at a path. Mappings on the way are made where they are missing; an index may be at most one past the end.
///
/// ```
/// use sim_core::scenario::set::{Assignment, set};
/// let mut tree = serde_json::json!({"spec": {"nodes": [{"name": "a"}]}});
/// set(&mut tree, &Assignment::parse("spec.nodes[0].zone=b").unwrap()).unwrap();
/// assert_eq!(tree, serde_json::json!({"spec": {"nodes": [{"name": "a", "zone": "b"}]}}));
/// ```
pub fn set(tree: &mut Value, assignment: &Assignment) -> Result<(), Mistake> {
    let mut at = tree;
    let mut walked = Path::root();
    for segment in &assignment.path.0 {
        at = step(at, segment, &walked)?;
        walked.0.push(segment.clone());
    }
    *at = assignment.value.clone();
    Ok(())
}

fn step<'v>(at: &'v mut Value, segment: &Segment, walked: &Path) -> Result<&'v mut Value, Mistake> {
    if at.is_null() {
        *at = match segment {
            Segment::Field(_) => Value::Object(Map::new()),
            Segment::Index(_) => Value::Array(Vec::new()),
        };
    }
    if let Some(mistake) = blocked(at, segment, walked) {
        return Err(mistake);
    }
    let missing = || Mistake::new(format!("`{walked}` cannot be followed"), "check the path");
    match segment {
        Segment::Field(key) => at.as_object_mut().map(|map| map.entry(key.clone()).or_insert(Value::Null)).ok_or_else(missing),
        Segment::Index(index) => {
            let items = at.as_array_mut().ok_or_else(missing)?;
            if *index == items.len() {
                items.push(Value::Null);
            }
            items.get_mut(*index).ok_or_else(missing)
        }
    }
}

/// Why a path cannot go on from here.
fn blocked(at: &Value, segment: &Segment, walked: &Path) -> Option<Mistake> {
    let (message, help) = match (at, segment) {
        (Value::Object(_), Segment::Field(_)) => return None,
        (Value::Array(items), Segment::Index(index)) if *index <= items.len() => return None,
        (Value::Array(items), Segment::Index(index)) => (
            format!("there is no entry {index} in `{walked}`"),
            format!("it has {} entries, counted from 0; the next free one is [{}]", items.len(), items.len()),
        ),
        (Value::Array(_), Segment::Field(_)) => (format!("`{walked}` is a list"), format!("say which entry: {walked}[0]")),
        (Value::Object(_), Segment::Index(_)) => {
            (format!("`{walked}` is a mapping"), "name a key instead of an index".to_string())
        }
        (Value::Number(_), _) if walked.to_string() == "spec.cluster.nodes" => (
            format!("`{walked}` has no parts"),
            "it is a count here; write a list first: --set 'spec.cluster.nodes=[{name: node-1}]'".to_string(),
        ),
        _ => (format!("`{walked}` has no parts"), "the path goes deeper than the tree does: shorten it".to_string()),
    };
    Some(Mistake::new(message, help))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_yaml() {
        let value = |text: &str| Assignment::parse(text).unwrap().value;
        assert_eq!(value("a=3"), json!(3));
        assert_eq!(value("a=b=c"), json!("b=c"));
        assert_eq!(value("a="), json!(""));
        assert_eq!(value("a=null"), json!(null));
        assert_eq!(value("a=\"1.32\""), json!("1.32"));
        assert_eq!(value("a=[10.0.0.0/8, {b: true}]"), json!(["10.0.0.0/8", {"b": true}]));
        assert_eq!(value("a=2026-01-01T12:00:00Z"), json!("2026-01-01T12:00:00Z"));
    }

    #[test]
    fn mistakes() {
        let refused = |text: &str| {
            let mut tree = json!({"spec": {"nodes": 3, "steps": [1]}});
            Assignment::parse(text).and_then(|a| set(&mut tree, &a)).expect_err(text).message
        };
        assert_eq!(refused("spec.seed"), "there is no `=` in it");
        assert_eq!(refused("=1"), "what stands before the `=` is no path");
        assert_eq!(refused("a=}"), "`}` is not a YAML value");
        assert_eq!(refused("a=1}, {v: 2"), "`1}, {v: 2` is not a YAML value");
        assert_eq!(refused("spec.steps[2]=1"), "there is no entry 2 in `spec.steps`");
        assert_eq!(refused("spec.steps.x=1"), "`spec.steps` is a list");
        assert_eq!(refused("spec.nodes[0].zone=b"), "`spec.nodes` has no parts");
    }
}
