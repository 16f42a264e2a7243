//! The API objects, twice: the *manifest*, what a user or component asked for, kept whole as a JSON document; and the *record*,
//! what the boxes reason with: small, parsed, total.
//!
//! In a real cluster there are only the typed objects of `k8s.io/api`, with a pointer for each optional field. We read a document
//! once, into a record whose fields are always legal ([`json::At`] never fails); encoding lays what the cluster changed over the
//! document. So every field a user wrote comes back, known to us or not. Left out: `managedFields`.

#[cfg(test)]
pub mod cases;
pub mod condition;
pub mod endpoint_slice;
pub mod endpoints;
pub mod event;
pub mod json;
pub mod labels;
pub mod lease;
pub mod meta;
pub mod nearest;
pub mod net;
pub mod network_policy;
pub mod node;
pub mod plain;
pub mod pod;
pub mod pod_spec;
pub mod quantity;
pub mod resolv_conf;
pub mod service;
pub mod time;
pub mod workload;

use std::sync::Arc;

use serde_json::Value;

use self::endpoint_slice::EndpointSlice;
use self::endpoints::Endpoints;
use self::event::Event;
use self::lease::Lease;
use self::meta::Meta;
use self::network_policy::NetworkPolicy;
use self::node::Node;
use self::plain::Plain;
use self::pod::Pod;
use self::service::Service;
use self::workload::{Deployment, ReplicaSet};
use crate::engine::digest::{Digestible, StateDigest};

/// A short text: names, namespaces, uids, label values. Up to 23 bytes lie in place, so that keys are compared without a detour
/// through memory; longer ones are shared. A copy never allocates.
pub type Name = smol_str::SmolStr;

/// One stored object of any kind. Cloning copies a pointer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Object {
    Pod(Arc<Pod>),
    Service(Arc<Service>),
    EndpointSlice(Arc<EndpointSlice>),
    Endpoints(Arc<Endpoints>),
    Node(Arc<Node>),
    Deployment(Arc<Deployment>),
    ReplicaSet(Arc<ReplicaSet>),
    Lease(Arc<Lease>),
    Event(Arc<Event>),
    NetworkPolicy(Arc<NetworkPolicy>),
    /// Namespaces, and every kind without a record of its own.
    Plain(Arc<Plain>),
}

/// The name of a stored kind: API group and kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindName {
    /// API group; empty for the core group.
    pub group: Name,
    /// Kind, for example `Pod`.
    pub kind: Name,
}

macro_rules! each {
    ($object:expr, $x:ident => $body:expr) => {
        match $object {
            Object::Pod($x) => $body,
            Object::Service($x) => $body,
            Object::EndpointSlice($x) => $body,
            Object::Endpoints($x) => $body,
            Object::Node($x) => $body,
            Object::Deployment($x) => $body,
            Object::ReplicaSet($x) => $body,
            Object::Lease($x) => $body,
            Object::Event($x) => $body,
            Object::NetworkPolicy($x) => $body,
            Object::Plain($x) => $body,
        }
    };
}

impl Object {
    /// Reads a document as the record of its kind, as it stands.
    pub fn parse(doc: &Value) -> Object {
        let text = |key: &str| doc.get(key).and_then(Value::as_str).unwrap_or_default();
        let (group, _) = text("apiVersion").split_once('/').unwrap_or(("", ""));
        match (group, text("kind")) {
            ("", "Pod") => Object::Pod(Arc::new(Pod::parse(doc))),
            ("", "Service") => Object::Service(Arc::new(Service::parse(doc))),
            ("discovery.k8s.io", "EndpointSlice") => Object::EndpointSlice(Arc::new(EndpointSlice::parse(doc))),
            ("", "Endpoints") => Object::Endpoints(Arc::new(Endpoints::parse(doc))),
            ("", "Node") => Object::Node(Arc::new(Node::parse(doc))),
            ("apps", "Deployment") => Object::Deployment(Arc::new(Deployment::parse(doc))),
            ("apps", "ReplicaSet") => Object::ReplicaSet(Arc::new(ReplicaSet::parse(doc))),
            ("coordination.k8s.io", "Lease") => Object::Lease(Arc::new(Lease::parse(doc))),
            ("" | "events.k8s.io", "Event") => Object::Event(Arc::new(Event::parse(doc))),
            ("networking.k8s.io", "NetworkPolicy") => Object::NetworkPolicy(Arc::new(NetworkPolicy::parse(doc))),
            _ => Object::Plain(Arc::new(Plain::parse(doc))),
        }
    }

    /// The whole object as the API shows it.
    pub fn encode(&self) -> Value {
        each!(self, x => x.encode())
    }

    /// Its metadata.
    pub fn meta(&self) -> &Meta {
        each!(self, x => &x.meta)
    }

    /// Its metadata, to be changed; the object is copied if it is shared.
    pub fn meta_mut(&mut self) -> &mut Meta {
        each!(self, x => &mut Arc::make_mut(x).meta)
    }

    /// Its kind.
    pub fn kind_name(&self) -> KindName {
        let (group, kind) = match self {
            Object::Pod(_) => ("", "Pod"),
            Object::Service(_) => ("", "Service"),
            Object::EndpointSlice(_) => ("discovery.k8s.io", "EndpointSlice"),
            Object::Endpoints(_) => ("", "Endpoints"),
            Object::Node(_) => ("", "Node"),
            Object::Deployment(_) => ("apps", "Deployment"),
            Object::ReplicaSet(_) => ("apps", "ReplicaSet"),
            Object::Lease(_) => ("coordination.k8s.io", "Lease"),
            Object::Event(_) => ("", "Event"),
            Object::NetworkPolicy(_) => ("networking.k8s.io", "NetworkPolicy"),
            Object::Plain(p) => (p.group(), &*p.kind),
        };
        KindName { group: group.into(), kind: kind.into() }
    }

    /// `apiVersion` of the kind.
    pub fn api_version(&self) -> Name {
        match self {
            Object::Pod(_) | Object::Service(_) | Object::Endpoints(_) | Object::Node(_) | Object::Event(_) => "v1".into(),
            Object::EndpointSlice(_) => "discovery.k8s.io/v1".into(),
            Object::Deployment(_) | Object::ReplicaSet(_) => "apps/v1".into(),
            Object::Lease(_) => "coordination.k8s.io/v1".into(),
            Object::NetworkPolicy(_) => "networking.k8s.io/v1".into(),
            Object::Plain(p) => p.api_version.clone(),
        }
    }

    /// A reference to it, as events carry it.
    pub fn reference(&self) -> event::Reference {
        let meta = self.meta();
        event::Reference {
            api_version: self.api_version(),
            kind: self.kind_name().kind,
            namespace: meta.namespace.clone(),
            name: meta.name.clone(),
            uid: meta.uid.clone().unwrap_or_default(),
            field: Name::default(),
        }
    }
}

impl Digestible for Object {
    fn digest(&self, into: &mut StateDigest) {
        into.fold(&std::mem::discriminant(self));
        each!(self, object => into.shared(object));
    }
}

#[cfg(test)]
mod tests;
