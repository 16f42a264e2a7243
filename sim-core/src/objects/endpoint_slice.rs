//! EndpointSlice: a piece of the list of addresses behind a Service.
//!
//! In a real cluster the endpoint slice controller writes them from Services and pods (people may write their own for Services
//! without selector), and kube-proxy and CoreDNS read them. Left out: nothing. The real thing: `k8s.io/api/discovery/v1/types.go`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Name;
use super::json::{At, remove};
use super::meta::Meta;
use super::pod_spec::Protocol;

/// The label that ties a slice to its Service.
pub const SERVICE_NAME: &str = "kubernetes.io/service-name";
/// The label that tells who keeps a slice.
pub const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";

/// One slice.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EndpointSlice {
    /// Metadata.
    pub meta: Meta,
    /// Shared by all endpoints of the slice.
    pub family: AddressType,
    /// Ports.
    pub ports: Vec<SlicePort>,
    /// Endpoints.
    pub endpoints: Vec<Endpoint>,
    /// The document without metadata, where a user wrote or restored it.
    pub given: Option<Arc<Value>>,
}

/// `addressType`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum AddressType {
    #[default]
    V4,
    V6,
    Fqdn,
}

/// One port of a slice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlicePort {
    /// Name; `None` if null, which kube-proxy passes over; the unnamed port of a Service is the empty text.
    pub name: Option<Name>,
    /// Protocol.
    pub protocol: Protocol,
    /// Number; `None` = all ports, which kube-proxy passes over.
    pub port: Option<u16>,
    /// `appProtocol`.
    pub app_protocol: Option<Name>,
}

/// One endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Its addresses, as written; components use the first.
    pub addresses: Vec<Name>,
    /// `conditions.ready`; absent reads as true.
    pub ready: Option<bool>,
    /// `conditions.serving`; absent reads as true.
    pub serving: Option<bool>,
    /// `conditions.terminating`; absent reads as false.
    pub terminating: Option<bool>,
    /// `hostname`.
    pub hostname: Option<Name>,
    /// `nodeName`.
    pub node: Option<Name>,
    /// `zone`.
    pub zone: Option<Name>,
    /// The pod behind it.
    pub target: Option<TargetRef>,
    /// `hints.forZones`.
    pub zone_hints: Vec<Name>,
    /// `hints.forNodes`.
    pub node_hints: Vec<Name>,
}

/// `targetRef`: the object behind an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TargetRef {
    /// Kind, `Pod` as a rule.
    pub kind: Name,
    /// Namespace.
    pub namespace: Name,
    /// Name.
    pub name: Name,
    /// Uid; may be empty.
    pub uid: Name,
}

impl EndpointSlice {
    /// Reads a document, as it stands.
    pub fn parse(doc: &Value) -> EndpointSlice {
        let at = At::top(doc);
        let mut kept = doc.clone();
        remove(&mut kept, &["metadata"]);
        EndpointSlice {
            meta: Meta::parse(doc),
            family: match at.at("addressType").text() {
                Some("IPv6") => AddressType::V6,
                Some("FQDN") => AddressType::Fqdn,
                _ => AddressType::V4,
            },
            ports: at.at("ports").items().map(SlicePort::parse).collect(),
            endpoints: at.at("endpoints").items().map(Endpoint::parse).collect(),
            given: Some(Arc::new(kept)),
        }
    }

    /// The whole object as the API shows it.
    pub fn encode(&self) -> Value {
        let mut doc = match &self.given {
            Some(given) => (**given).clone(),
            None => json!({
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": self.family.text(),
                "ports": self.ports.iter().map(SlicePort::to_json).collect::<Value>(),
                "endpoints": self.endpoints.iter().map(Endpoint::to_json).collect::<Value>()}),
        };
        self.meta.write(&mut doc);
        doc
    }

    /// The Service it belongs to, by its label.
    pub fn service(&self) -> Option<&str> {
        self.meta.labels.get(SERVICE_NAME)
    }
}

impl AddressType {
    /// `IPv4`, `IPv6` or `FQDN`.
    pub fn text(self) -> &'static str {
        match self {
            AddressType::V4 => "IPv4",
            AddressType::V6 => "IPv6",
            AddressType::Fqdn => "FQDN",
        }
    }
}

impl SlicePort {
    fn parse(at: At<'_>) -> SlicePort {
        SlicePort {
            name: at.at("name").text().map(Name::from),
            protocol: Protocol::parse(at.at("protocol").text()),
            port: at.at("port").port(),
            app_protocol: at.at("appProtocol").name(),
        }
    }

    fn to_json(&self) -> Value {
        let mut doc = json!({"protocol": self.protocol.text()});
        if let Some(name) = &self.name {
            doc["name"] = json!(&**name);
        }
        if let Some(port) = self.port {
            doc["port"] = port.into();
        }
        if let Some(name) = &self.app_protocol {
            doc["appProtocol"] = json!(&**name);
        }
        doc
    }
}

impl Endpoint {
    fn parse(at: At<'_>) -> Endpoint {
        let conditions = at.at("conditions");
        let hints = |list: &str| at.at("hints").at(list).items().filter_map(|h| h.at("name").name()).collect();
        Endpoint {
            addresses: at.at("addresses").names(),
            ready: conditions.at("ready").flag(),
            serving: conditions.at("serving").flag(),
            terminating: conditions.at("terminating").flag(),
            hostname: at.at("hostname").name(),
            node: at.at("nodeName").name(),
            zone: at.at("zone").name(),
            target: at.at("targetRef").0.map(|t| TargetRef::parse(At::top(t))),
            zone_hints: hints("forZones"),
            node_hints: hints("forNodes"),
        }
    }

    fn to_json(&self) -> Value {
        let mut conditions = json!({});
        for (key, flag) in [("ready", self.ready), ("serving", self.serving), ("terminating", self.terminating)] {
            if let Some(flag) = flag {
                conditions[key] = flag.into();
            }
        }
        let mut doc =
            json!({"addresses": self.addresses.iter().map(|a| json!(&**a)).collect::<Value>(), "conditions": conditions});
        for (key, text) in [("hostname", &self.hostname), ("nodeName", &self.node), ("zone", &self.zone)] {
            if let Some(text) = text {
                doc[key] = json!(&**text);
            }
        }
        if let Some(target) = &self.target {
            doc["targetRef"] = target.to_json();
        }
        for (key, list) in [("forZones", &self.zone_hints), ("forNodes", &self.node_hints)] {
            if !list.is_empty() {
                doc["hints"][key] = list.iter().map(|n| json!({"name": &**n})).collect();
            }
        }
        doc
    }

    /// Whether it is ready; an absent condition counts as ready.
    pub fn is_ready(&self) -> bool {
        self.ready != Some(false)
    }
}

impl TargetRef {
    /// Reads an object reference.
    pub fn parse(at: At<'_>) -> TargetRef {
        let name = |key: &str| Name::from(at.at(key).text().unwrap_or_default());
        TargetRef { kind: name("kind"), namespace: name("namespace"), name: name("name"), uid: name("uid") }
    }

    /// As JSON; empty texts are left out.
    pub fn to_json(&self) -> Value {
        let mut doc = json!({});
        for (key, text) in [("kind", &self.kind), ("namespace", &self.namespace), ("name", &self.name), ("uid", &self.uid)] {
            if !text.is_empty() {
                doc[key] = json!(&**text);
            }
        }
        doc
    }
}
