//! From a manifest's text to the places of its fields, as explanations quote them.
//!
//! In real life this is the user, searching a file for the line. Left out: files that only a URL names.

use serde_json::Value;

use crate::explain::origin::Origin;
use crate::yaml::{Path, Segment, SpanTree};

/// Deepest field whose place is kept.
const DEPTH_MAX: usize = 10;

/// The starts of the lines of a text, for many questions.
#[derive(Clone, Debug, Default)]
pub struct Lines(Vec<usize>);

impl Lines {
    /// The lines of a text.
    pub fn of(text: &str) -> Lines {
        Lines(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1).collect())
    }

    /// The line of a byte, counted from 1.
    pub fn line(&self, offset: usize) -> u32 {
        u32::try_from(self.0.partition_point(|start| *start <= offset) + 1).unwrap_or(u32::MAX)
    }
}

/// The places of an object's spec.
pub fn origin(file: &str, lines: &Lines, value: &Value, spans: &SpanTree) -> Origin {
    let mut fields = Vec::new();
    let spec = (value.get("spec"), spans.child(&Segment::Field("spec".into())));
    if let (Some(value), Some(spans)) = spec {
        walk(&mut fields, lines, "spec".to_string(), value, spans, 0);
    }
    Origin::new(file, fields.into_iter())
}

fn walk(out: &mut Vec<(String, u32, String)>, lines: &Lines, path: String, value: &Value, spans: &SpanTree, depth: usize) {
    if depth == DEPTH_MAX {
        return;
    }
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let Some(below) = spans.child(&Segment::Field(key.clone())) else { continue };
                let at = spans.key_range(&Path::root().field(key)).unwrap_or(below.range.clone());
                let path = format!("{path}.{key}");
                out.push((path.clone(), lines.line(at.start), scalar(value)));
                walk(out, lines, path, value, below, depth + 1);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                let Some(below) = spans.child(&Segment::Index(index)) else { continue };
                walk(out, lines, format!("{path}[{index}]"), value, below, depth + 1);
            }
        }
        _ => {}
    }
}

/// A single value as text; empty for a list or map.
fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Object(_) | Value::Array(_) => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Profile, read};

    #[test]
    fn fields_are_found_on_their_lines() {
        let text =
            "kind: Service\nspec:\n  type: NodePort\n  selector: {app: web}\n  ports:\n  - port: 80\n    targetPort: http\n";
        let documents = read(text, Profile::Kube).expect("it is YAML");
        let origin = origin("svc.yaml", &Lines::of(text), &documents[0].value, &documents[0].spans);
        let place = |path, value| origin.place(path, value);
        assert_eq!(place("spec.type", "NodePort").map(|at| at.to_string()), Some("svc.yaml:3".to_string()));
        assert_eq!(place("spec.selector.app", "web").map(|at| at.to_string()), Some("svc.yaml:4".to_string()));
        assert_eq!(place("spec.ports[0].targetPort", "http").map(|at| at.to_string()), Some("svc.yaml:7".to_string()));
        assert_eq!(place("spec.ports[0].port", "80").map(|at| at.to_string()), Some("svc.yaml:6".to_string()));
        assert_eq!(place("spec.ports", "").map(|at| at.to_string()), Some("svc.yaml:5".to_string()));
    }
}
