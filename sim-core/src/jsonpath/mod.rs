//! kubectl's own dialect of JSONPath: `{.items[*].metadata.name}`, `{range}…{end}`, filters, slices, unions, `..`.
//!
//! It differs from the standard ones: text outside braces is printed, a missing field gives nothing, results of one pair of
//! braces are joined by blanks. Its error texts are kept, because learners meet them.
//! The only reader of such paths: `-o jsonpath`, `--sort-by`, `wait`, and the `path` of an expectation.
//! The real thing: `k8s.io/client-go/util/jsonpath`. Left out: Go struct fields (everything here is JSON).

mod eval;
mod parse;

use std::borrow::Cow;

use serde_json::Value;

/// A parsed template.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    blocks: Vec<Block>,
}

/// A part of a template.
#[derive(Clone, Debug, PartialEq)]
enum Block {
    /// One pair of braces, or the text between two.
    Path(Vec<Node>),
    /// `{range PATH}…{end}`.
    Range(Vec<Node>, Vec<Block>),
}

/// A step of a path.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    Text(String),
    Field(String),
    Wildcard,
    Recursive,
    Slice([Bound; 3]),
    Filter { left: Vec<Node>, operator: String, right: Vec<Node> },
    Union(Vec<Vec<Node>>),
    Literal(Value),
    Identifier(String),
}

/// A number of a slice: given, left open, or following from a single index.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Bound {
    Open,
    At(i64),
    /// The end of the slice that one index stands for.
    After(i64),
}

impl Template {
    /// Reads a template; the error is kubectl's text without the template in it.
    pub fn parse(text: &str) -> Result<Template, String> {
        parse::template(text)
    }

    /// Reads a path that may lack its braces or its first dot, as `--sort-by` and custom columns take it.
    pub fn parse_relaxed(text: &str) -> Result<Template, String> {
        let inner = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(text);
        if inner.is_empty() || inner.contains(['{', '}']) {
            return Err("unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or \
                        '{.name1.name2}'"
                .into());
        }
        parse::template(&format!("{{.{}}}", inner.strip_prefix('.').unwrap_or(inner)))
    }

    /// What each pair of braces (and each text) finds in `data`, in order.
    pub fn find<'a>(&self, data: &'a Value) -> Result<Vec<Vec<Cow<'a, Value>>>, String> {
        let mut found = Vec::new();
        eval::blocks(&self.blocks, data, &mut found)?;
        Ok(found)
    }

    /// All results of the template in one list.
    pub fn values<'a>(&self, data: &'a Value) -> Result<Vec<Cow<'a, Value>>, String> {
        Ok(self.find(data)?.into_iter().flatten().collect())
    }

    /// The text that the template makes of `data`.
    pub fn render(&self, data: &Value) -> Result<String, String> {
        let groups = self.find(data)?;
        let text = |group: &Vec<Cow<'_, Value>>| group.iter().map(|value| shown(value)).collect::<Vec<_>>().join(" ");
        Ok(groups.iter().map(text).collect())
    }
}

/// A result as it is printed: text bare, lists and objects as compact JSON.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => escape_html(&other.to_string()),
    }
}

/// Go's JSON encoder writes `<`, `>` and `&` as escapes, also where kubectl prints JSON.
pub fn escape_html(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod() -> Value {
        json!({"metadata": {"labels": {"a": "b", "x.y": "z"}, "name": "p"}, "spec": {"containers": [
            {"env": [{"name": "A"}], "image": "i", "name": "c", "ports": [{"containerPort": 80}]},
            {"image": "j", "name": "d"}]}})
    }

    /// The right sides were printed by kubectl 1.32 (`kubectl label --local -o jsonpath=…`).
    #[test]
    fn paths_find_what_kubectl_finds() {
        for (template, text) in [
            (r#"{.metadata.name}{"\n"}{.spec.containers[*].name}"#, "p\nc d"),
            ("{.spec.containers[1]}", r#"{"image":"j","name":"d"}"#),
            (r#"{range .spec.containers[*]}{.name}{"\t"}{end}"#, "c\td\t"),
            (r#"{.spec.containers[?(@.name=="d")].image}"#, "j"),
            ("{.spec.containers[?(@.ports[0].containerPort>79)].name}", "c"),
            ("{.spec.containers[?(@.env)].name}", "c"),
            ("{.spec.containers[0:1].name} {.spec.containers[-1:].name} {.spec.containers[0,1].name}", "c d c d"),
            ("{.nope}|{.metadata.name.x}|{.spec.containers.name}", "||"),
            (".metadata.name", ".metadata.name"),
            ("{.metadata['name','labels']}", r#"p {"a":"b","x.y":"z"}"#),
            (r"{.metadata.labels.x\.y}", "z"),
            ("{range .spec.containers[*]}{.name}", "cd"),
            ("{.a}}", "}"),
            ("{@.metadata.name}{$.metadata.name}", "pp"),
            ("{range .spec.containers[?(@.name=='c')]}{.name}{','}{end}", "c,"),
            ("{..containerPort}", "80"),
            ("{range .none[*]}{.x}{end}after", "after"),
        ] {
            assert_eq!(Template::parse(template).and_then(|t| t.render(&pod())), Ok(text.into()), "{template}");
        }
    }

    #[test]
    fn mistakes_in_kubectls_words() {
        for (template, text) in [
            ("{.spec.containers[9].name}", "array index out of bounds: index 9, length 2"),
            ("{.spec.containers[0:10:2].name}", "array index out of bounds: index 9, length 2"),
            ("{.spec.containers[*}", "unterminated array"),
            ("{.x[?(@.a==\"d\" || @.b==\"c\")]}", "unrecognized character in action: U+007C '|'"),
            (r#"{"a""#, "unclosed action"),
            ("{.metadata.name", "unclosed action"),
            ("{[0].x}", "map[string]interface {} is not array or slice"),
            ("{.metadata[name]}", "invalid array index name"),
            ("{len .metadata}", "unrecognized identifier len"),
            ("{end}", "not in range, nothing to end"),
        ] {
            assert_eq!(Template::parse(template).and_then(|t| t.render(&pod())), Err(text.into()), "{template}");
        }
    }

    #[test]
    fn relaxed_paths_need_no_braces() {
        for path in ["metadata.name", ".metadata.name", "{metadata.name}", "{.metadata.name}"] {
            assert_eq!(Template::parse_relaxed(path).and_then(|t| t.render(&pod())), Ok("p".into()), "{path}");
        }
        assert!(Template::parse_relaxed("{.a}{.b}").is_err());
    }
}
