//! Any other kind: its fields as they are, with names made readable.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::service::finish;
use super::writer::Page;
use crate::console::kubectl::client::Client;
use crate::console::kubectl::go_text::sprint;

/// Fields that the head of the page has shown already, or that nobody wants to see.
const SHOWN: [&str; 5] =
    [".metadata.managedFields", ".metadata.name", ".metadata.namespace", ".metadata.labels", ".metadata.annotations"];

pub(super) async fn describe(client: &mut Client<'_>, object: &Value, show_events: bool) -> String {
    let mut page = Page::default();
    page.heading(object);
    if let Some(fields) = object.as_object() {
        content(&mut page, 0, fields, "");
    }
    finish(client, page, object, show_events).await
}

fn content(page: &mut Page, level: usize, fields: &Map<String, Value>, prefix: &str) {
    let sorted: BTreeMap<&String, &Value> = fields.iter().collect();
    for (field, value) in sorted {
        let path = format!("{prefix}.{field}");
        if SHOWN.contains(&path.as_str()) {
            continue;
        }
        let label = label(field);
        match value {
            Value::Object(inner) => {
                page.line(level, format!("{label}:"));
                content(page, level + 1, inner, &path);
            }
            Value::Array(items) => {
                page.line(level, format!("{label}:"));
                for item in items {
                    match item {
                        Value::Object(inner) => content(page, level + 1, inner, &path),
                        other => page.line(level + 1, sprint(other)),
                    }
                }
            }
            other => page.field(level, &label, sprint(other)),
        }
    }
}

/// `creationTimestamp` becomes `Creation Timestamp`, `apiVersion` becomes `API Version`; names with other signs stay.
fn label(field: &str) -> String {
    if field.chars().any(|c| !c.is_alphabetic() && c != '-') {
        return field.into();
    }
    let words = split_camel_case(field).into_iter().map(|word| {
        let upper = word.to_uppercase();
        if ["API", "URL", "UID", "OSB", "GUID"].contains(&upper.as_str()) {
            return upper;
        }
        let mut letters = word.chars();
        letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Runs of lower-case, upper-case and other signs; the last capital of a run belongs to the lower-case run after it.
fn split_camel_case(text: &str) -> Vec<String> {
    let class = |c: char| match c {
        c if c.is_lowercase() => 1,
        c if c.is_uppercase() => 2,
        _ => 3,
    };
    let mut runs: Vec<(u8, String)> = Vec::new();
    for letter in text.chars() {
        match runs.last_mut() {
            Some((last, run)) if *last == class(letter) => run.push(letter),
            _ => runs.push((class(letter), letter.into())),
        }
    }
    for at in 1..runs.len() {
        if runs[at - 1].0 == 2
            && runs[at].0 == 1
            && let Some(capital) = runs[at - 1].1.pop()
        {
            runs[at].1.insert(0, capital);
        }
    }
    runs.into_iter().map(|(_, run)| run).filter(|run| !run.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_names_become_labels() {
        for (field, shown) in [
            ("creationTimestamp", "Creation Timestamp"),
            ("apiVersion", "API Version"),
            ("uid", "UID"),
            ("podCIDR", "Pod CIDR"),
            ("clusterIPs", "Cluster I Ps"),
            ("app.kubernetes.io/name", "app.kubernetes.io/name"),
        ] {
            assert_eq!(label(field), shown);
        }
    }
}
