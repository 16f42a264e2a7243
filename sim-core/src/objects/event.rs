//! Event: a note a component leaves about an object, counted when it repeats.
//!
//! Left out: the series form of events.k8s.io (the scheduler's events are stored in the core form).
//! The real thing: `k8s.io/api/core/v1/types.go` and client-go `tools/record/events_cache.go`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Name;
use super::json::{At, remove, set};
use super::meta::Meta;
use super::time::Timestamp;

/// One Event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// Metadata.
    pub meta: Meta,
    /// The object it is about.
    pub about: Reference,
    /// `Warning`, else `Normal`.
    pub warning: bool,
    /// Machine-readable reason.
    pub reason: Name,
    /// Sentence.
    pub message: Name,
    /// Component that says it.
    pub source: Name,
    /// Node of that component; may be empty.
    pub host: Name,
    /// When first said.
    pub first: Option<Timestamp>,
    /// When last said.
    pub last: Option<Timestamp>,
    /// How often.
    pub count: i64,
    /// The document without metadata, where a user wrote or restored it.
    pub given: Option<Arc<Value>>,
}

/// A reference to an object, as events carry it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub struct Reference {
    pub api_version: Name,
    pub kind: Name,
    pub namespace: Name,
    pub name: Name,
    pub uid: Name,
    /// `fieldPath`, for example `spec.containers{web}`; may be empty.
    pub field: Name,
}

impl Event {
    /// Reads a document, as it stands. (An object of events.k8s.io/v1 calls the same things by other names.)
    pub fn parse(doc: &Value) -> Event {
        let at = At::top(doc);
        let (old, new) = (at.at("involvedObject"), at.at("regarding"));
        let about = if old.exists() { old } else { new };
        let text = |at: At<'_>, key: &str| Name::from(at.at(key).text().unwrap_or_default());
        let either = |a: &str, b: &str| if at.at(a).exists() { text(at, a) } else { text(at, b) };
        let mut kept = doc.clone();
        remove(&mut kept, &["metadata"]);
        Event {
            meta: Meta::parse(doc),
            about: Reference {
                api_version: text(about, "apiVersion"),
                kind: text(about, "kind"),
                namespace: text(about, "namespace"),
                name: text(about, "name"),
                uid: text(about, "uid"),
                field: text(about, "fieldPath"),
            },
            warning: at.at("type").text() == Some("Warning"),
            reason: text(at, "reason"),
            message: either("message", "note"),
            source: if at.at("source").at("component").exists() {
                text(at.at("source"), "component")
            } else {
                text(at, "reportingController")
            },
            host: text(at.at("source"), "host"),
            first: at.at("firstTimestamp").time(),
            last: at.at("lastTimestamp").time().or(at.at("eventTime").time()),
            count: at.at("count").int().unwrap_or(1),
            given: Some(Arc::new(kept)),
        }
    }

    /// The whole object as the API shows it.
    pub fn encode(&self) -> Value {
        let mut doc = match &self.given {
            Some(given) => (**given).clone(),
            None => self.to_json(),
        };
        self.meta.write(&mut doc);
        doc
    }

    fn to_json(&self) -> Value {
        let mut doc = json!({"apiVersion": "v1", "kind": "Event", "involvedObject": self.about.to_json(),
            "type": if self.warning { "Warning" } else { "Normal" }, "reason": &*self.reason, "message": &*self.message,
            "source": {"component": &*self.source}, "reportingComponent": &*self.source, "reportingInstance": &*self.host,
            "eventTime": null, "count": self.count});
        if !self.host.is_empty() {
            set(&mut doc, &["source", "host"], &*self.host);
        }
        for (key, time) in [("firstTimestamp", self.first), ("lastTimestamp", self.last)] {
            if let Some(t) = time {
                doc[key] = json!(t.rfc3339());
            }
        }
        doc
    }
}

impl Reference {
    fn to_json(&self) -> Value {
        let parts = [
            ("apiVersion", &self.api_version),
            ("kind", &self.kind),
            ("namespace", &self.namespace),
            ("name", &self.name),
            ("uid", &self.uid),
            ("fieldPath", &self.field),
        ];
        let shown = parts.iter().filter(|(_, v)| !v.is_empty());
        Value::Object(shown.map(|(k, v)| ((*k).to_string(), json!(&***v))).collect())
    }
}
