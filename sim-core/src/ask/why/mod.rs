//! `why`: why an object is as it is: a pod that waits, a Service without endpoints, a rollout that stands still, a node that is
//! gone.
//!
//! In a real cluster the answer is spread over conditions, container states, events and other objects; `kubectl describe` shows a
//! part of each. Here they are read together. What the simulator broke is found, too, though no API knows of it. Left out: kinds
//! that nothing acts on say so.

pub mod finding;
mod leaving;
mod node;
mod pod;
mod policy;
mod service;
mod workload;

use self::finding::ServiceFinding;
pub use self::finding::{Census, Detail, Finding, Found, Standing, Why};
use super::find::{Unanswerable, no_object};
use super::moment::Moment;
use crate::cluster::faults::{ActiveFault, Fault};
use crate::controllers::Which;
use crate::explain::ObjectName;
use crate::explain::origin::FileLine;
use crate::objects::endpoint_slice::SERVICE_NAME;
use crate::objects::event::Event;
use crate::objects::{KindName, Name, Object};

/// Why is this object as it is?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhyQuestion {
    /// Its kind.
    pub kind: KindName,
    /// How one of the kind is called on a command line.
    pub singular: Name,
    /// Its namespace; empty for kinds that have none.
    pub namespace: Name,
    /// Its name.
    pub name: Name,
}

/// The answer.
pub fn answer(moment: &Moment<'_>, question: &WhyQuestion) -> Result<Why, Unanswerable> {
    let WhyQuestion { kind, singular, namespace, name } = question;
    let found = moment.view().find(kind, namespace, name).map(|(_, object)| object);
    let object = found.ok_or_else(|| no_object(moment.view(), kind, singular, namespace, name))?;
    let (standing, mut findings) = judge(moment, &object);
    if !moment.cluster.faults.api_up() {
        findings.insert(0, Found::new(Finding::NoApiServer));
    }
    Ok(Why { object: name_of(&object), standing, findings })
}

/// How an object stands, and what makes it so.
type Judged = (Standing, Vec<Found>);

fn judge(moment: &Moment<'_>, object: &Object) -> Judged {
    match object {
        Object::Pod(pod) => pod::why(moment, pod),
        other if other.meta().deleting() => leaving::why(moment, other),
        Object::Service(service) => service::why(moment, service),
        Object::Endpoints(list) => behind(moment, &list.meta.namespace, &list.meta.name),
        Object::EndpointSlice(slice) => {
            behind(moment, &slice.meta.namespace, slice.meta.labels.get(SERVICE_NAME).unwrap_or_default())
        }
        Object::Deployment(deployment) => workload::deployment(moment, deployment),
        Object::ReplicaSet(set) => workload::replica_set(moment, set),
        Object::Node(node) => node::why(moment, node),
        Object::NetworkPolicy(policy) => policy::why(moment, object, policy),
        Object::Lease(_) | Object::Event(_) | Object::Plain(_) => plain(object),
    }
}

/// Endpoints are as their Service is.
fn behind(moment: &Moment<'_>, namespace: &str, service: &str) -> Judged {
    if let Some(found) = moment.view().services.get(namespace, service) {
        let (standing, findings) = service::why(moment, found);
        return (Standing::Behind(super::facts::object(found), Box::new(standing)), findings);
    }
    let finding = match service.is_empty() {
        true => ServiceFinding::NoServiceLabel,
        false => ServiceFinding::NoService(namespace.into(), service.into()),
    };
    (Standing::BehindNone, vec![Found::new(finding)])
}

/// A kind that nothing acts on.
fn plain(object: &Object) -> Judged {
    let kind = object.kind_name().kind;
    match &*kind {
        "Namespace" | "ConfigMap" | "Secret" | "ServiceAccount" | "Lease" | "Event" => (Standing::AsWritten, Vec::new()),
        "PersistentVolumeClaim" => (Standing::Unbound, vec![Found::new(Finding::NoProvisioner)]),
        _ => (Standing::Inert, vec![Found::new(Finding::NotSimulated(kind))]),
    }
}

fn name_of(object: &Object) -> ObjectName {
    let meta = object.meta();
    ObjectName::new(object.kind_name().kind, meta.namespace.clone(), meta.name.clone())
}

/// The line for those of a list that are not shown.
fn more(all: usize, shown: usize, of: Option<&Name>) -> Option<Detail> {
    (all > shown).then(|| Detail::More(all - shown, of.cloned()))
}

/// The last event with that reason about an object.
fn event<'a>(moment: &Moment<'a>, about: &ObjectName, reason: &str) -> Option<&'a Event> {
    let is_about = |e: &&Event| {
        let of = &e.about;
        (&of.kind, &of.namespace, &of.name) == (&about.kind, &about.namespace, &about.name) && *e.reason == *reason
    };
    moment.view().events.iter().map(|e| &**e).filter(is_about).max_by_key(|e| e.last)
}

/// Where a field of an object was written.
fn place(moment: &Moment<'_>, about: &ObjectName, path: &str, value: &str) -> Option<FileLine> {
    moment.origins.place(&about.kind, &about.namespace, &about.name, path, value)
}

/// What keeps a node's kubelet from being heard, the API server aside.
fn silence(troubles: &[ActiveFault]) -> Option<&ActiveFault> {
    troubles.iter().find(|active| active.silences_kubelet() && active.fault != Fault::ApiServer)
}

/// Whether a machine with a kubelet stands behind a node.
fn has_kubelet(moment: &Moment<'_>, node: &str) -> bool {
    moment.cluster.config.kubelet && moment.cluster.kubelets.has_node(node)
}

/// Whether anybody watches over silent nodes.
fn watches_nodes(moment: &Moment<'_>) -> bool {
    moment.cluster.runs(Which::NodeLifecycle)
}
