//! A document against the schema: unknown fields, wrong types, words and notations that mean nothing. All findings at once.
//!
//! The schema is the one that [`super::schema`] prints, so that editor and program say the same. Understood are the keywords
//! that it uses: `$ref`, `anyOf`, `oneOf`, `enum`, `const`, `type`, `properties`, `required`, `additionalProperties`, `items`,
//! `minimum`, `maximum`, `minItems`, `maxItems` and `format` (see [`super::notation`]; [`LATER`] marks what must be empty).

use serde_json::{Map, Value};

use super::diagnostic::{code, suggestion};
use super::finding::Finding;
use super::format::LATER;
use super::notation::judge;
use crate::objects::nearest::nearest;
use crate::yaml::Path;

/// Most findings of one check.
const FINDINGS_MAX: usize = 20;

/// How the help begins where a number or a boolean was meant to be text.
pub(super) const QUOTE_IT: &str = "put it in quotes";

/// Everything in which `value` does not fit `schema`.
pub fn check(schema: &Value, value: &Value) -> Vec<Finding> {
    let mut checker = Checker { root: schema, findings: Vec::new() };
    checker.visit(schema, value, &Path::root());
    checker.findings
}

struct Checker<'a> {
    root: &'a Value,
    findings: Vec<Finding>,
}

impl<'a> Checker<'a> {
    fn report(&mut self, finding: Finding) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        }
    }

    fn visit(&mut self, schema: &'a Value, value: &Value, path: &Path) {
        let Some(schema) = self.choose(schema, value) else {
            return self.wrong_type(schema, value, path);
        };
        if schema.get("format").and_then(Value::as_str) == Some(LATER) && !is_empty(value) {
            return self.not_acted_on(path);
        }
        match value {
            Value::Object(map) => self.object(schema, map, path),
            Value::Array(items) => self.array(schema, items, path),
            Value::String(text) => self.string(schema, text, path),
            Value::Number(number) => self.number(schema, number, path),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn resolve(&self, schema: &'a Value) -> &'a Value {
        let name = schema.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix("#/$defs/"));
        name.and_then(|name| self.root.get("$defs")?.get(name)).map_or(schema, |target| self.resolve(target))
    }

    /// The branch of a schema that speaks of values of this type; `None` if there is none.
    fn choose(&self, schema: &'a Value, value: &Value) -> Option<&'a Value> {
        let schema = self.resolve(schema);
        match schema.get("anyOf").and_then(Value::as_array) {
            Some(branches) => branches.iter().find_map(|branch| self.choose(branch, value)),
            None => {
                let types = self.types(schema);
                (types.is_empty() || types.iter().any(|t| has_type(value, t))).then_some(schema)
            }
        }
    }

    /// The JSON types that a schema allows; empty for any.
    fn types(&self, schema: &'a Value) -> Vec<&'a str> {
        let schema = self.resolve(schema);
        if let Some(branches) = schema.get("anyOf").or(schema.get("oneOf")).and_then(Value::as_array) {
            let mut types: Vec<_> = branches.iter().flat_map(|branch| self.types(branch)).collect();
            types.dedup();
            return types;
        }
        match schema.get("type") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ if schema.get("const").or(schema.get("enum")).is_some() => vec!["string"],
            _ => Vec::new(),
        }
    }

    /// The notation that a schema names.
    fn format(&self, schema: &'a Value) -> Option<&'a str> {
        let schema = self.resolve(schema);
        let branches = schema.get("anyOf").and_then(Value::as_array).into_iter().flatten();
        schema.get("format").and_then(Value::as_str).or_else(|| branches.into_iter().find_map(|branch| self.format(branch)))
    }

    /// The words that a schema of an enumeration allows.
    fn words(&self, schema: &'a Value) -> Vec<&'a str> {
        let schema = self.resolve(schema);
        let listed = schema.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let alone = schema.get("const").and_then(Value::as_str);
        let branches = schema.get("oneOf").and_then(Value::as_array).into_iter().flatten();
        listed.chain(alone).chain(branches.flat_map(|branch| self.words(branch))).collect()
    }

    fn object(&mut self, schema: &'a Value, map: &Map<String, Value>, path: &Path) {
        let none = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object);
        let mut known: Vec<&str> = properties.unwrap_or(&none).keys().map(String::as_str).collect();
        known.sort_unstable();
        for (key, value) in map {
            let at = path.field(key);
            match (properties.and_then(|p| p.get(key)), schema.get("additionalProperties")) {
                (Some(property), _) => self.visit(property, value, &at),
                (None, Some(Value::Bool(false))) => self.unknown_field(key, &known, at),
                (None, Some(other)) => self.visit(other, value, &at),
                (None, None) => {}
            }
        }
        for required in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            if !map.contains_key(required) {
                let message = format!("{} has no `{required}`", named(path));
                self.report(Finding::key(code::MISSING_FIELD, path.clone(), message, format!("add `{required}:` and its value")));
            }
        }
    }

    /// A field whose name is kept for a later version.
    fn not_acted_on(&mut self, path: &Path) {
        let message = format!("nothing acts on {} in this version", named(path));
        let help = "remove it; what must hold can be said in a step, with `expect`, and what breaks, with `fail`";
        self.report(Finding::key(code::NOT_ACTED_ON, path.clone(), message, help));
    }

    fn unknown_field(&mut self, key: &str, known: &[&str], at: Path) {
        let elsewhere = if nearest(key, known.iter().copied()).is_none() { self.place_of(key) } else { None };
        let help = match elsewhere {
            Some(place) => format!("did you mean `{place}`? Known here: {}", known.join(", ")),
            None => suggestion(key, known),
        };
        self.report(Finding::key(code::UNKNOWN_FIELD, at.clone(), format!("unknown field `{at}`"), help));
    }

    /// Where else near the root a field of this name, or nearly this name, exists.
    fn place_of(&self, key: &str) -> Option<Path> {
        let mut places: Vec<(&str, Path)> = Vec::new();
        let mut level = vec![(Path::root(), self.root)];
        for _ in 0..4 {
            let mut next = Vec::new();
            for (path, schema) in level {
                for (name, property) in self.resolve(schema).get("properties").and_then(Value::as_object).into_iter().flatten() {
                    places.push((name, path.field(name)));
                    next.push((path.field(name), property));
                }
            }
            level = next;
        }
        let name = nearest(key, places.iter().map(|(name, _)| *name))?;
        places.into_iter().find(|(found, _)| *found == name).map(|(_, path)| path)
    }

    fn array(&mut self, schema: &'a Value, items: &[Value], path: &Path) {
        let bound = |name: &str| schema.get(name).and_then(Value::as_u64).map(|n| n as usize);
        let (low, high) = (bound("minItems").unwrap_or(0), bound("maxItems").unwrap_or(usize::MAX));
        if !(low..=high).contains(&items.len()) {
            let limit = if high == usize::MAX { format!("at least {low}") } else { format!("{low} to {high}") };
            let message = format!("{} has {} entries", named(path), items.len());
            self.report(Finding::value(code::BAD_VALUE, path.clone(), message, format!("write {limit}")));
        }
        if let Some(item) = schema.get("items") {
            for (index, value) in items.iter().enumerate() {
                self.visit(item, value, &path.index(index));
            }
        }
    }

    fn string(&mut self, schema: &'a Value, text: &str, path: &Path) {
        let words = self.words(schema);
        if !words.is_empty() && !words.contains(&text) {
            let message = format!("{} cannot be `{text}`", named(path));
            self.report(Finding::value(code::BAD_VALUE, path.clone(), message, suggestion(text, &words)));
        }
        if let Some(Err(mistake)) = schema.get("format").and_then(Value::as_str).map(|format| judge(format, text)) {
            self.report(Finding::value(code::BAD_VALUE, path.clone(), mistake.message, mistake.help));
        }
    }

    fn number(&mut self, schema: &'a Value, number: &serde_json::Number, path: &Path) {
        let Some(n) = number.as_i128() else { return };
        // Schemas write bounds as 1 or 1.0.
        let bound = |name: &str| {
            let text = schema.get(name)?.to_string();
            text.strip_suffix(".0").unwrap_or(&text).parse::<i128>().ok()
        };
        let low = bound("minimum").unwrap_or(i128::MIN);
        let high = bound("maximum").unwrap_or_else(|| widest(schema.get("format").and_then(Value::as_str)));
        if !(low..=high).contains(&n) {
            let help = if low == i128::MIN {
                format!("write a number up to {high}")
            } else {
                format!("write a number from {low} to {high}")
            };
            let message = format!("{} cannot be {n}", named(path));
            self.report(Finding::value(code::BAD_VALUE, path.clone(), message, help));
        }
    }

    fn wrong_type(&mut self, schema: &'a Value, value: &Value, path: &Path) {
        let types = self.types(schema);
        let wanted = types.iter().filter(|t| **t != "null").map(|t| spoken(t)).collect::<Vec<_>>().join(" or ");
        let (message, help) = match value {
            Value::Null => (format!("{} has no value", named(path)), format!("write {wanted}, or remove the line")),
            Value::Bool(_) | Value::Number(_) if types.contains(&"string") => {
                match self.format(schema).map(|format| judge(format, &value.to_string())) {
                    Some(Err(mistake)) => (mistake.message, mistake.help),
                    _ => (
                        format!("{} must be text, and this is {}", named(path), described(value)),
                        format!("{QUOTE_IT}: \"{value}\""),
                    ),
                }
            }
            _ => (format!("{} must be {wanted}, and this is {}", named(path), described(value)), example(&types, value)),
        };
        self.report(Finding::value(code::WRONG_TYPE, path.clone(), message, help));
    }
}

fn has_type(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        _ => value.is_null(),
    }
}

/// The largest number of an integer format that states no maximum.
fn widest(format: Option<&str>) -> i128 {
    match format {
        Some("uint32") => i128::from(u32::MAX),
        Some("int32") => i128::from(i32::MAX),
        Some("uint16") => i128::from(u16::MAX),
        _ => i128::from(u64::MAX),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn spoken(name: &str) -> &'static str {
    match name {
        "object" => "a mapping",
        "array" => "a list",
        "string" => "text",
        "boolean" => "true or false",
        "integer" => "a whole number",
        _ => "a number",
    }
}

fn described(value: &Value) -> &'static str {
    match value {
        Value::Object(_) => "a mapping",
        Value::Array(_) => "a list",
        Value::String(_) => "text",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::Null => "nothing",
    }
}

fn example(types: &[&str], found: &Value) -> String {
    match (types.first().copied().unwrap_or_default(), found) {
        ("array", Value::Object(_)) => "begin each entry with `- `".into(),
        ("array", _) => "write a list: [a, b], or one entry a line, each beginning with `- `".into(),
        ("object", _) => "write `key: value` lines below it, indented, or {key: value}".into(),
        ("boolean", Value::String(_)) => "write true or false, without quotes".into(),
        ("boolean", _) => "write true or false".into(),
        ("integer" | "number", Value::String(_)) => "write the number without quotes and unit".into(),
        ("string", _) => "write one text; a text over several lines needs `|` after its key".into(),
        _ => "write a whole number".into(),
    }
}

fn named(path: &Path) -> String {
    if path.0.is_empty() { "the document".to_string() } else { format!("`{path}`") }
}
