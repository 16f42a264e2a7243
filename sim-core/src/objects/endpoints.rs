//! Endpoints: the older, single-object list of addresses behind a Service, deprecated since Kubernetes 1.33 but still kept.
//!
//! In a real cluster the endpoints controller writes it; kube-proxy no longer reads it. Left out: nothing.
//! The real thing: `k8s.io/api/core/v1/types.go`, `Endpoints`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Name;
use super::endpoint_slice::TargetRef;
use super::json::{At, remove};
use super::meta::Meta;
use super::pod_spec::Protocol;

/// One Endpoints object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoints {
    /// Metadata.
    pub meta: Meta,
    /// Groups of addresses that share ports.
    pub subsets: Vec<Subset>,
    /// The document without metadata, where a user wrote or restored it.
    pub given: Option<Arc<Value>>,
}

/// Addresses with the ports they all serve.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Subset {
    /// Ready addresses.
    pub ready: Vec<Address>,
    /// Addresses that are not ready.
    pub not_ready: Vec<Address>,
    /// Ports: name (may be empty), number, protocol.
    pub ports: Vec<(Name, u16, Protocol)>,
}

/// One address.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The address as text.
    pub ip: Name,
    /// `hostname`.
    pub hostname: Option<Name>,
    /// `nodeName`.
    pub node: Option<Name>,
    /// Namespace, name and uid of the pod behind it.
    pub pod: Option<(Name, Name, Name)>,
}

impl Endpoints {
    /// Reads a document, as it stands.
    pub fn parse(doc: &Value) -> Endpoints {
        let mut kept = doc.clone();
        remove(&mut kept, &["metadata"]);
        let subsets = At::top(doc).at("subsets").items().map(Subset::parse).collect();
        Endpoints { meta: Meta::parse(doc), subsets, given: Some(Arc::new(kept)) }
    }

    /// The whole object as the API shows it.
    pub fn encode(&self) -> Value {
        let mut doc = match &self.given {
            Some(given) => (**given).clone(),
            None => json!({"apiVersion": "v1", "kind": "Endpoints"}),
        };
        if self.given.is_none() && !self.subsets.is_empty() {
            doc["subsets"] = self.subsets.iter().map(Subset::to_json).collect();
        }
        self.meta.write(&mut doc);
        doc
    }
}

impl Subset {
    fn parse(at: At<'_>) -> Subset {
        let port = |p: At<'_>| {
            let name = Name::from(p.at("name").text().unwrap_or_default());
            Some((name, p.at("port").port()?, Protocol::parse(p.at("protocol").text())))
        };
        Subset {
            ready: at.at("addresses").items().map(Address::parse).collect(),
            not_ready: at.at("notReadyAddresses").items().map(Address::parse).collect(),
            ports: at.at("ports").items().filter_map(port).collect(),
        }
    }

    fn to_json(&self) -> Value {
        let mut doc = json!({});
        for (key, list) in [("addresses", &self.ready), ("notReadyAddresses", &self.not_ready)] {
            if !list.is_empty() {
                doc[key] = list.iter().map(Address::to_json).collect();
            }
        }
        let port = |(name, port, protocol): &(Name, u16, Protocol)| {
            let mut doc = json!({"port": port, "protocol": protocol.text()});
            if !name.is_empty() {
                doc["name"] = json!(&**name);
            }
            doc
        };
        if !self.ports.is_empty() {
            doc["ports"] = self.ports.iter().map(port).collect();
        }
        doc
    }
}

impl Address {
    fn parse(at: At<'_>) -> Address {
        let target = at.at("targetRef").0.map(|t| TargetRef::parse(At::top(t)));
        Address {
            ip: at.at("ip").text().unwrap_or_default().into(),
            hostname: at.at("hostname").name(),
            node: at.at("nodeName").name(),
            pod: target.map(|t| (t.namespace, t.name, t.uid)),
        }
    }

    fn to_json(&self) -> Value {
        let mut doc = json!({"ip": &*self.ip});
        for (key, text) in [("hostname", &self.hostname), ("nodeName", &self.node)] {
            if let Some(text) = text {
                doc[key] = json!(&**text);
            }
        }
        if let Some((namespace, name, uid)) = self.pod.clone() {
            doc["targetRef"] = TargetRef { kind: "Pod".into(), namespace, name, uid }.to_json();
        }
        doc
    }
}
