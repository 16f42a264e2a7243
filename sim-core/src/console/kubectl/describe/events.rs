//! The events section at the foot of a page.

use serde_json::Value;

use super::writer::Page;
use crate::api::table::document::{has, list, name, namespace, number, text, time};
use crate::console::kubectl::client::{Client, Filter};
use crate::console::kubectl::resource::Resource;
use crate::objects::time::Timestamp;
use crate::render::age::age;

/// Whom events are about.
pub struct About<'a> {
    /// Name of the object.
    pub name: &'a str,
    /// Its namespace, empty for cluster-scoped kinds.
    pub namespace: &'a str,
    /// Its kind; empty = any.
    pub kind: &'a str,
    /// Its uid; empty = any.
    pub uid: &'a str,
}

impl<'a> About<'a> {
    /// The events about a whole object.
    pub fn object(object: &'a Value) -> About<'a> {
        About { name: name(object), namespace: namespace(object), kind: text(object, "kind"), uid: text(object, "metadata.uid") }
    }
}

/// Asks the server for the events about an object.
pub async fn search(client: &mut Client<'_>, about: &About<'_>) -> Vec<Value> {
    let mut terms = vec![format!("involvedObject.name={}", about.name), format!("involvedObject.namespace={}", about.namespace)];
    for (field, value) in [("kind", about.kind), ("uid", about.uid)] {
        if !value.is_empty() {
            terms.push(format!("involvedObject.{field}={value}"));
        }
    }
    let filter = Filter { fields: terms.join(","), ..Filter::default() };
    client.list(&Resource::named("events"), about.namespace, &filter).await.unwrap_or_default()
}

/// Writes the section, oldest first.
pub fn describe(page: &mut Page, events: &[Value], now: Timestamp) {
    if events.is_empty() {
        page.line(0, "Events:\t<none>");
        return;
    }
    page.flush();
    let mut events: Vec<&Value> = events.iter().collect();
    events.sort_by_key(|event| time(event, "lastTimestamp"));
    page.line(0, "Events:");
    page.line(1, "Type\tReason\tAge\tFrom\tMessage");
    page.line(1, "----\t------\t----\t----\t-------");
    for event in events {
        let from = match text(event, "source.component") {
            "" => text(event, "reportingComponent"),
            component => component,
        };
        let (kind, reason, message) = (text(event, "type"), text(event, "reason"), text(event, "message").trim());
        page.line(1, format!("{kind}\t{reason}\t{}\t{from}\t{message}", interval(event, now)));
    }
}

/// `25s`, or `20s (x4 over 3m20s)` for an event that was seen several times.
pub fn interval(event: &Value, now: Timestamp) -> String {
    let first = age(time(event, "eventTime").or(time(event, "firstTimestamp")), now);
    if has(event, "series") {
        let last = age(time(event, "series.lastObservedTime"), now);
        return format!("{last} (x{} over {first})", number(event, "series.count"));
    }
    match number(event, "count") {
        count if count > 1 => format!("{} (x{count} over {first})", age(time(event, "lastTimestamp"), now)),
        _ => first,
    }
}

/// The conditions of a workload, above its events.
pub fn conditions(page: &mut Page, object: &Value) {
    let conditions = list(object, "status.conditions");
    if conditions.is_empty() {
        return;
    }
    page.line(0, "Conditions:");
    page.line(1, "Type\tStatus\tReason");
    page.line(1, "----\t------\t------");
    for c in conditions {
        page.line(1, format!("{} \t{}\t{}", text(c, "type"), text(c, "status"), text(c, "reason")));
    }
}
