//! The `Status` object: every refusal of the API server, complete, in the server's own words.
//!
//! In a real cluster each failed request is answered with `kind: Status`; clients build their messages from its `reason`,
//! `message` and `details`. We model the failures that the simulated verbs can produce. Left out: `retryAfterSeconds`.
//! The real thing: `k8s.io/apimachinery/pkg/api/errors/errors.go` and `pkg/util/validation/field/errors.go`.

use serde_json::{Value, json};

/// One refusal: HTTP code, machine-readable reason, message, and what it is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Status {
    /// HTTP status code, for example 404.
    pub code: u16,
    /// `NotFound`, `AlreadyExists`, `Conflict`, `Invalid`, `BadRequest`, `Forbidden`, `Expired`, `InternalError`, ...
    pub reason: &'static str,
    /// The sentence a client shows.
    pub message: String,
    /// What the refusal is about: for `Invalid` the kind (`Service`), otherwise the resource (`services`).
    pub kind: String,
    /// API group of `kind`; empty for the core group.
    pub group: String,
    /// Name of the object.
    pub name: String,
    /// The single causes of an `Invalid`.
    pub causes: Vec<Cause>,
}

/// One field that is wrong, as `field.Error` renders it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cause {
    /// `FieldValueRequired`, `FieldValueInvalid`, `FieldValueNotSupported`, `FieldValueForbidden`, `FieldValueDuplicate`, ...
    pub reason: &'static str,
    /// The text after the field path, for example `Required value`.
    pub message: String,
    /// Path of the field, for example `spec.ports[0].port`.
    pub field: String,
}

impl Status {
    fn new(code: u16, reason: &'static str, message: String) -> Self {
        Status { code, reason, message, kind: String::new(), group: String::new(), name: String::new(), causes: Vec::new() }
    }

    fn about(mut self, kind: &str, group: &str, name: &str) -> Self {
        (self.kind, self.group, self.name) = (kind.into(), group.into(), name.into());
        self
    }

    /// No answer at all: nobody listens at the server's address. Made by the client; no server says so of itself.
    pub fn unreachable(message: impl Into<String>) -> Self {
        Status::new(0, Status::UNREACHABLE, message.into())
    }

    /// The reason of [`Status::unreachable`].
    pub const UNREACHABLE: &str = "Unreachable";

    /// No answer: the client was ended while it waited, with this exit status. Made by the client.
    pub fn stopped(why: impl Into<String>, exit: i32) -> Self {
        Status::new(u16::try_from(exit).unwrap_or(124), Status::STOPPED, why.into())
    }

    /// The reason of [`Status::stopped`].
    pub const STOPPED: &str = "Stopped";

    /// 404 for `plural` of `group`.
    pub fn not_found(plural: &str, group: &str, name: &str) -> Self {
        let text = format!("{} \"{name}\" not found", qualified(plural, group));
        Status::new(404, "NotFound", text).about(plural, group, name)
    }

    /// 409: an object of that name is there.
    pub fn already_exists(plural: &str, group: &str, name: &str) -> Self {
        let text = format!("{} \"{name}\" already exists", qualified(plural, group));
        Status::new(409, "AlreadyExists", text).about(plural, group, name)
    }

    /// 409: the resourceVersion sent is not the current one (or another precondition fails, told by `why`).
    pub fn conflict(plural: &str, group: &str, name: &str, why: &str) -> Self {
        let text = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", qualified(plural, group));
        Status::new(409, "Conflict", text).about(plural, group, name)
    }

    /// 422: one or more fields are wrong. `kind` is the kind's name, as in `Service "x" is invalid: ...`.
    pub fn invalid(kind: &str, group: &str, name: &str, causes: Vec<Cause>) -> Self {
        let parts: Vec<String> = causes.iter().map(Cause::text).collect();
        let list = if parts.len() == 1 { parts[0].clone() } else { format!("[{}]", parts.join(", ")) };
        let mut status = Status::new(422, "Invalid", format!("{} \"{name}\" is invalid: {list}", qualified(kind, group)));
        status.causes = causes;
        status.about(kind, group, name)
    }

    /// 400.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Status::new(400, "BadRequest", message.into())
    }

    /// 403 about one object.
    pub fn forbidden(plural: &str, group: &str, name: &str, why: &str) -> Self {
        let text = format!("{} \"{name}\" is forbidden: {why}", qualified(plural, group));
        Status::new(403, "Forbidden", text).about(plural, group, name)
    }

    /// 405: the resource has no such verb.
    pub fn method_not_allowed() -> Self {
        Status::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource".into())
    }

    /// 410: the change log no longer reaches back that far.
    pub fn expired(message: impl Into<String>) -> Self {
        Status::new(410, "Expired", message.into())
    }

    /// 413: the body of the request is longer than the server reads.
    pub fn too_large(limit: usize) -> Self {
        Status::new(413, "RequestEntityTooLarge", format!("Request entity too large: limit is {limit}"))
    }

    /// 500 without a reason: what the storage said, as the server hands it on.
    pub fn storage(message: &str) -> Self {
        Status::new(500, "", message.into())
    }

    /// 500.
    pub fn internal(message: impl std::fmt::Display) -> Self {
        Status::new(500, "InternalError", format!("Internal error occurred: {message}"))
    }

    /// The wire form.
    pub fn to_json(&self) -> Value {
        let mut status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code});
        let mut details = serde_json::Map::new();
        for (key, text) in [("name", &self.name), ("group", &self.group), ("kind", &self.kind)] {
            if !text.is_empty() {
                details.insert(key.into(), json!(text));
            }
        }
        if !self.causes.is_empty() {
            let causes = self.causes.iter();
            let causes = causes.map(|c| json!({"reason": c.reason, "message": c.message, "field": c.field}));
            details.insert("causes".into(), causes.collect());
        }
        if !details.is_empty() {
            status["details"] = Value::Object(details);
        }
        status
    }
}

impl Cause {
    /// `spec.ports: Required value`, or the message alone where no field is named.
    pub fn text(&self) -> String {
        if self.field.is_empty() { self.message.clone() } else { format!("{}: {}", self.field, self.message) }
    }

    /// `path: Required value` with an optional detail.
    pub fn required(field: impl Into<String>, detail: &str) -> Self {
        Cause { reason: "FieldValueRequired", message: with_detail("Required value".into(), detail), field: field.into() }
    }

    /// `path: Invalid value: VALUE: detail`.
    pub fn invalid(field: impl Into<String>, value: &Value, detail: &str) -> Self {
        let message = with_detail(format!("Invalid value: {}", go_value(value)), detail);
        Cause { reason: "FieldValueInvalid", message, field: field.into() }
    }

    /// `path: Unsupported value: VALUE: supported values: "A", "B"`; the values are sorted.
    pub fn not_supported(field: impl Into<String>, value: &Value, supported: &[&str]) -> Self {
        let mut names: Vec<String> = supported.iter().map(|s| format!("{s:?}")).collect();
        names.sort();
        let message = format!("Unsupported value: {}: supported values: {}", go_value(value), names.join(", "));
        Cause { reason: "FieldValueNotSupported", message, field: field.into() }
    }

    /// `path: Forbidden: detail`.
    pub fn forbidden(field: impl Into<String>, detail: &str) -> Self {
        Cause { reason: "FieldValueForbidden", message: with_detail("Forbidden".into(), detail), field: field.into() }
    }

    /// `path: Duplicate value: VALUE`.
    pub fn duplicate(field: impl Into<String>, value: &Value) -> Self {
        Cause { reason: "FieldValueDuplicate", message: format!("Duplicate value: {}", go_value(value)), field: field.into() }
    }

    /// `path: Not found: VALUE`.
    pub fn not_found(field: impl Into<String>, value: &Value) -> Self {
        Cause { reason: "FieldValueNotFound", message: format!("Not found: {}", go_value(value)), field: field.into() }
    }

    /// `path: Too many: N: must have at most MAX items`.
    pub fn too_many(field: impl Into<String>, actual: usize, most: usize) -> Self {
        let message = format!("Too many: {actual}: must have at most {most} items");
        Cause { reason: "FieldValueTooMany", message, field: field.into() }
    }
}

fn with_detail(text: String, detail: &str) -> String {
    if detail.is_empty() { text } else { format!("{text}: {detail}") }
}

/// `services`, or `deployments.apps` outside the core group.
pub fn qualified(name: &str, group: &str) -> String {
    if group.is_empty() { name.to_string() } else { format!("{name}.{group}") }
}

/// A value as Go prints it in field errors: strings quoted, string lists as `[]string{"a", "b"}`, the rest as JSON.
fn go_value(value: &Value) -> String {
    match value {
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let items: Vec<String> = items.iter().map(Value::to_string).collect();
            format!("[]string{{{}}}", items.join(", "))
        }
        other => other.to_string(),
    }
}
