//! The page that `kubectl describe` writes: indented lines whose tabs become columns.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::api::table::document::{has, list, pairs, text};
use crate::objects::time::Timestamp;
use crate::render::table::elastic;

/// Blanks between the columns of a page.
const PADDING: usize = 2;
/// Key and value of an annotation longer than this go below each other, and are cut.
const ANNOTATION_MAX: usize = 140;
/// kubectl's own bookkeeping, which describe never shows.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// What a missing time prints: Go's zero time.
const NO_TIME: &str = "Mon, 01 Jan 0001 00:00:00 +0000";

/// A page under construction.
#[derive(Default)]
pub struct Page {
    done: String,
    open: String,
}

impl Page {
    /// A line at an indent of two blanks per level.
    pub fn line(&mut self, level: usize, text: impl AsRef<str>) {
        self.raw(level, text);
        self.open.push('\n');
    }

    /// Text at an indent, without a line break.
    pub fn raw(&mut self, level: usize, text: impl AsRef<str>) {
        for _ in 0..level {
            self.open.push_str("  ");
        }
        self.open.push_str(text.as_ref());
    }

    /// `Key:  value`.
    pub fn field(&mut self, level: usize, key: &str, value: impl std::fmt::Display) {
        self.line(level, format!("{key}:\t{value}"));
    }

    /// Ends all columns, so that what follows is aligned on its own.
    pub fn flush(&mut self) {
        self.done.push_str(&elastic(&self.open, PADDING));
        self.open.clear();
    }

    /// The text with its tabs as they are; `rollout history` prints it so.
    pub fn unaligned(self) -> String {
        self.done + &self.open
    }

    /// The finished text.
    pub fn finish(mut self) -> String {
        self.flush();
        self.done
    }

    /// `key=value` pairs below each other under one title.
    pub fn labels(&mut self, title: &str, labels: &BTreeMap<&str, &str>) {
        self.below(title, labels.iter().map(|(key, value)| format!("{key}={value}")));
    }

    /// Lines below each other under one title, `<none>` if there are none.
    pub fn below(&mut self, title: &str, lines: impl IntoIterator<Item = String>) {
        let mut prefix = format!("{title}:\t");
        let mut any = false;
        for line in lines {
            self.line(0, format!("{prefix}{line}"));
            prefix = "\t".into();
            any = true;
        }
        if !any {
            self.line(0, format!("{prefix}<none>"));
        }
    }

    /// Annotations under one title.
    pub fn annotations(&mut self, title: &str, annotations: &BTreeMap<&str, &str>) {
        let mut lines = Vec::new();
        for (key, value) in annotations.iter().filter(|(key, _)| **key != LAST_APPLIED) {
            let value = value.strip_suffix('\n').unwrap_or(value);
            if value.len() + key.len() + 2 > ANNOTATION_MAX || value.contains('\n') {
                lines.push(format!("{key}:"));
                lines.extend(value.split('\n').map(|part| format!("  {}", shorten(part))));
            } else {
                lines.push(format!("{key}: {value}"));
            }
        }
        self.below(title, lines);
    }

    /// Name, namespace, labels and annotations, as most pages begin.
    pub fn heading(&mut self, object: &Value) {
        self.field(0, "Name", text(object, "metadata.name"));
        self.field(0, "Namespace", text(object, "metadata.namespace"));
        self.metadata(object);
    }

    /// Labels and annotations.
    pub fn metadata(&mut self, object: &Value) {
        self.labels("Labels", &pairs(object, "metadata.labels"));
        self.annotations("Annotations", &pairs(object, "metadata.annotations"));
    }

    /// A field that is shown only if it is not empty.
    pub fn optional(&mut self, object: &Value, path: &str, key: &str) {
        self.optional_at(0, object, path, key);
    }

    /// The same at an indent.
    pub fn optional_at(&mut self, level: usize, object: &Value, path: &str, key: &str) {
        let value = text(object, path);
        if !value.is_empty() {
            self.field(level, key, value);
        }
    }

    /// The owner that controls the object, if one does.
    pub fn controlled_by(&mut self, object: &Value) {
        if let Some(owner) = controller(object) {
            self.field(0, "Controlled By", format!("{}/{}", text(owner, "kind"), text(owner, "name")));
        }
    }
}

/// The owner reference of the controller.
pub fn controller(object: &Value) -> Option<&Value> {
    list(object, "metadata.ownerReferences").iter().find(|owner| owner.get("controller") == Some(&Value::Bool(true)))
}

/// A time as describe writes it.
pub fn date(object: &Value, path: &str) -> String {
    crate::api::table::document::time(object, path).map_or(NO_TIME.into(), Timestamp::rfc1123z)
}

/// A time, or `<unset>`.
pub fn date_or_unset(object: &Value, path: &str) -> String {
    if has(object, path) { date(object, path) } else { "<unset>".into() }
}

fn shorten(text: &str) -> String {
    let most = ANNOTATION_MAX - 2;
    if text.len() <= most {
        return text.into();
    }
    let cut = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}...", &text[..cut])
}
