//! Conditions: the named truths in a status, shared in shape by nodes, pods, deployments and replica sets.
//!
//! The real thing: each kind's own condition type; they differ in which time stamps they carry.

use serde_json::{Value, json};

use super::Name;
use super::json::At;
use super::time::Timestamp;

/// One condition of a status.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Condition {
    /// Its type, for example `Ready`.
    pub kind: Name,
    /// `True`, `False`, `Unknown`, or anything restored.
    pub status: Name,
    /// Machine-readable reason; may be empty.
    pub reason: Name,
    /// Sentence for people; may be empty.
    pub message: Name,
    /// `lastTransitionTime`: when `status` last changed.
    pub transition: Option<Timestamp>,
    /// `lastHeartbeatTime` of nodes, `lastUpdateTime` of deployments, `lastProbeTime` of pods.
    pub touched: Option<Timestamp>,
}

/// The key of the second time stamp, which differs by kind.
pub type TouchedKey = &'static str;

impl Condition {
    /// A condition that became `status` at `at`.
    pub fn new(kind: &str, status: &str, reason: &str, message: &str, at: Timestamp) -> Condition {
        let at = at.whole_seconds();
        let transition = Some(at);
        Condition {
            kind: kind.into(),
            status: status.into(),
            reason: reason.into(),
            message: message.into(),
            transition,
            touched: None,
        }
    }

    /// Whether it is true.
    pub fn is_true(&self) -> bool {
        &*self.status == "True"
    }

    /// Reads a list of conditions whose second stamp is called `touched`.
    pub fn parse_list(at: At<'_>, touched: TouchedKey) -> Vec<Condition> {
        let text = |at: At<'_>, key: &str| Name::from(at.at(key).text().unwrap_or_default());
        let one = |c: At<'_>| Condition {
            kind: text(c, "type"),
            status: text(c, "status"),
            reason: text(c, "reason"),
            message: text(c, "message"),
            transition: c.at("lastTransitionTime").time(),
            touched: c.at(touched).time(),
        };
        at.items().map(one).collect()
    }

    /// As JSON. Pods show `lastProbeTime: null`, as the real API does; other kinds leave an unset stamp out.
    pub fn to_json(&self, touched: TouchedKey) -> Value {
        let mut doc = json!({"type": &*self.kind, "status": &*self.status});
        for (key, text) in [("reason", &self.reason), ("message", &self.message)] {
            if !text.is_empty() {
                doc[key] = json!(&**text);
            }
        }
        if let Some(t) = self.transition {
            doc["lastTransitionTime"] = json!(t.rfc3339());
        }
        match self.touched {
            Some(t) => doc[touched] = json!(t.rfc3339()),
            None if touched == "lastProbeTime" => doc[touched] = Value::Null,
            None => {}
        }
        doc
    }
}

/// The condition of type `kind`.
pub fn find<'a>(list: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    list.iter().find(|c| &*c.kind == kind)
}

/// Puts `condition` into `list`: a new type is appended; a known one keeps its transition time unless its status changed.
/// Tells whether anything but time stamps changed.
pub fn upsert(list: &mut Vec<Condition>, condition: Condition) -> bool {
    let Some(old) = list.iter_mut().find(|c| c.kind == condition.kind) else {
        list.push(condition);
        return true;
    };
    let transition = if old.status == condition.status { old.transition } else { condition.transition };
    let changed = (&old.status, &old.reason, &old.message) != (&condition.status, &condition.reason, &condition.message);
    *old = Condition { transition, ..condition };
    changed
}
