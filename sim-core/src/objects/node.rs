//! Node: a machine that runs pods.
//!
//! In a real cluster the kubelet registers it and reports its status; the node lifecycle controller taints it when reports stop.
//! Left out of the record (kept in the document): images, volumes in use, config. The real thing: `k8s.io/api/core/v1/types.go`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use serde_json::{Value, json};

use super::Name;
use super::condition::{self, Condition};
use super::json::{At, remove, set, set_or_remove};
use super::meta::Meta;
use super::quantity;
use super::time::Timestamp;

/// Nodes with this taint are about to be deleted by the autoscaler.
pub const TO_BE_DELETED: (&str, &str) = ("ToBeDeletedByClusterAutoscaler", "NoSchedule");

/// The label that names a node's zone.
pub const ZONE: &str = "topology.kubernetes.io/zone";
/// The label that names a node's host name.
pub const HOSTNAME: &str = "kubernetes.io/hostname";

/// One node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// Metadata.
    pub meta: Meta,
    /// Spec and given status as JSON, without metadata.
    pub doc: Arc<Value>,
    /// `spec.podCIDRs`, as written.
    pub pod_cidrs: Vec<Name>,
    /// `spec.taints`.
    pub taints: Vec<Taint>,
    /// `spec.unschedulable`.
    pub unschedulable: bool,
    /// `spec.providerID`.
    pub provider_id: Option<Name>,
    /// `status.addresses` that are IP addresses or names: (type, text).
    pub addresses: Vec<(Name, Name)>,
    /// `status.allocatable` (else capacity): CPU in thousandths.
    pub cpu: i64,
    /// Memory in bytes.
    pub memory: i64,
    /// Number of pods.
    pub pods: i64,
    /// Other allocatable resources, in units.
    pub extended: BTreeMap<Name, i64>,
    /// `status.conditions`.
    pub conditions: Vec<Condition>,
}

/// One taint.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Taint {
    /// Key.
    pub key: Name,
    /// Value; may be empty.
    pub value: Name,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub effect: Name,
    /// `timeAdded`.
    pub added: Option<Timestamp>,
}

impl Node {
    /// Reads a document, as it stands.
    pub fn parse(doc: &Value) -> Node {
        let at = At::top(doc);
        let (spec, status) = (at.at("spec"), at.at("status"));
        let mut kept = doc.clone();
        remove(&mut kept, &["metadata"]);
        let cidrs = spec.at("podCIDRs").names();
        let allocatable = if status.at("allocatable").exists() { status.at("allocatable") } else { status.at("capacity") };
        let amount = |key: &str, read: fn(&str) -> Option<i64>| allocatable.at(key).text().and_then(read).unwrap_or_default();
        let known = ["cpu", "memory", "pods", "ephemeral-storage"];
        let extended = allocatable.entries().filter(|(k, _)| !known.contains(k));
        let address = |a: At<'_>| Some((a.at("type").name()?, a.at("address").name()?));
        Node {
            meta: Meta::parse(doc),
            pod_cidrs: if cidrs.is_empty() { spec.at("podCIDR").name().into_iter().collect() } else { cidrs },
            taints: spec.at("taints").items().map(Taint::parse).collect(),
            unschedulable: spec.at("unschedulable").flag().unwrap_or_default(),
            provider_id: spec.at("providerID").name(),
            addresses: status.at("addresses").items().filter_map(address).collect(),
            cpu: amount("cpu", quantity::milli),
            memory: amount("memory", quantity::units),
            pods: amount("pods", quantity::units),
            extended: extended.filter_map(|(k, v)| Some((k.into(), quantity::units(v.text()?)?))).collect(),
            conditions: Condition::parse_list(status.at("conditions"), "lastHeartbeatTime"),
            doc: Arc::new(kept),
        }
    }

    /// The whole object as the API shows it.
    pub fn encode(&self) -> Value {
        let mut doc = (*self.doc).clone();
        self.meta.write(&mut doc);
        let at = At::top(&doc);
        if at.at("spec").at("taints").items().map(Taint::parse).collect::<Vec<_>>() != self.taints {
            let taints = || self.taints.iter().map(Taint::to_json).collect::<Value>();
            set_or_remove(&mut doc, &["spec", "taints"], (!self.taints.is_empty()).then(taints));
        }
        let given = Condition::parse_list(At::top(&doc).at("status").at("conditions"), "lastHeartbeatTime");
        if given != self.conditions {
            let conditions = self.conditions.iter().map(|c| c.to_json("lastHeartbeatTime"));
            set(&mut doc, &["status", "conditions"], conditions.collect::<Value>());
        }
        doc
    }

    /// Whether the condition `Ready` is true.
    pub fn ready(&self) -> bool {
        condition::find(&self.conditions, "Ready").is_some_and(Condition::is_true)
    }

    /// The zone label.
    pub fn zone(&self) -> Option<&str> {
        self.meta.labels.get(ZONE)
    }

    /// The addresses of one type (`InternalIP`, `ExternalIP`) that are IP addresses.
    pub fn ips(&self, kind: &str) -> Vec<IpAddr> {
        self.addresses.iter().filter(|(k, _)| &**k == kind).filter_map(|(_, a)| a.parse().ok()).collect()
    }

    /// Whether a taint of that key and effect is there.
    pub fn tainted(&self, key: &str, effect: &str) -> bool {
        self.taints.iter().any(|t| &*t.key == key && &*t.effect == effect)
    }
}

impl Taint {
    fn parse(at: At<'_>) -> Taint {
        let name = |key: &str| Name::from(at.at(key).text().unwrap_or_default());
        Taint { key: name("key"), value: name("value"), effect: name("effect"), added: at.at("timeAdded").time() }
    }

    fn to_json(&self) -> Value {
        let mut doc = json!({"key": &*self.key, "effect": &*self.effect});
        if !self.value.is_empty() {
            doc["value"] = json!(&*self.value);
        }
        if let Some(t) = self.added {
            doc["timeAdded"] = json!(t.rfc3339());
        }
        doc
    }
}
