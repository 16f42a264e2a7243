//! Why an object is as it is: a pod that waits, a Service without endpoints, a rollout that stands still, a node that is gone.
//!
//! In a real cluster the answer is spread over conditions, container states, events and other objects; `kubectl describe` shows a
//! part of each. Here they are read together and put in words, each with a way out. Left out: kinds that nothing acts on say so.

mod node;
mod pod;
mod service;
mod workload;

use super::answer::Cause;
use super::origin::Origins;
use crate::objects::event::Event;
use crate::objects::{Name, Object};
use crate::store::View;

/// What was found about one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// `Pod default/web`.
    pub object: String,
    /// The whole in half a sentence: `Pending: it fits on no node`.
    pub verdict: String,
    /// What makes it so, the nearest cause first.
    pub findings: Vec<Finding>,
}

/// One thing that makes an object what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// A stable code for scripts.
    pub code: &'static str,
    /// The fact.
    pub text: String,
    /// What it consists of, one line each.
    pub details: Vec<String>,
    /// The field behind it.
    pub field: Option<Cause>,
    /// What would change it.
    pub way_out: String,
}

/// What is looked at.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// The store as it is.
    pub view: &'a View,
    /// Where the user wrote things.
    pub origins: &'a Origins,
    /// For a pod without a node: what each node says against it, as the scheduler puts it.
    pub refusals: &'a [(Name, Vec<String>)],
    /// Whether a node has power.
    pub has_power: &'a dyn Fn(&str) -> bool,
    /// Whether anybody in this cluster gives balancers addresses.
    pub has_cloud: bool,
}

/// Why an object is as it is.
pub fn why(ground: Ground<'_>, object: &Object) -> Why {
    let (verdict, findings) = match object {
        Object::Pod(pod) => pod::why(&ground, pod),
        Object::Service(service) => service::why(&ground, service),
        Object::Endpoints(list) => behind(&ground, &list.meta.namespace, &list.meta.name),
        Object::EndpointSlice(slice) => {
            let service = slice.meta.labels.get(crate::objects::endpoint_slice::SERVICE_NAME).unwrap_or_default();
            behind(&ground, &slice.meta.namespace, service)
        }
        Object::Deployment(deployment) => workload::deployment(&ground, deployment),
        Object::ReplicaSet(set) => workload::replica_set(&ground, set),
        Object::Node(node) => node::why(&ground, node),
        other => plain(other),
    };
    let kind = object.kind_name().kind;
    let meta = object.meta();
    let name = if meta.namespace.is_empty() { meta.name.to_string() } else { format!("{}/{}", meta.namespace, meta.name) };
    Why { object: format!("{kind} {name}"), verdict, findings }
}

/// The verdict and what makes it so.
type Found = (String, Vec<Finding>);

/// Endpoints are as their Service is.
fn behind(ground: &Ground<'_>, namespace: &str, service: &str) -> Found {
    match ground.view.services.get(namespace, service) {
        Some(service) => service::why(ground, service),
        None => {
            let text = format!("there is no Service {service} in namespace {namespace}");
            let way_out = format!("create Service {service}, or delete these endpoints");
            ("no Service uses it".to_string(), vec![Finding::new("no-service", text, way_out)])
        }
    }
}

/// A kind that nothing acts on.
fn plain(object: &Object) -> Found {
    let kind = object.kind_name().kind;
    match &*kind {
        "Namespace" | "ConfigMap" | "Secret" | "ServiceAccount" | "Lease" | "Event" => {
            ("as it was written".to_string(), Vec::new())
        }
        "PersistentVolumeClaim" => {
            let text = "nothing in this cluster makes or binds volumes, so a claim stays as it was written".to_string();
            let way_out = "in a real cluster: a default StorageClass with a provisioner, or a PersistentVolume that fits size, access \
                           mode and class; here pods do not wait for it";
            ("Pending: nobody binds it".to_string(), vec![Finding::new("no-provisioner", text, way_out)])
        }
        _ => {
            let text = format!("nothing in this cluster acts on the kind {kind}: it is kept as it was written");
            ("inert here".to_string(), vec![Finding::new("not-simulated", text, "see the page Fidelity of the book for what is")])
        }
    }
}

impl Finding {
    fn new(code: &'static str, text: impl Into<String>, way_out: impl Into<String>) -> Finding {
        Finding { code, text: text.into(), details: Vec::new(), field: None, way_out: way_out.into() }
    }

    fn with(mut self, details: Vec<String>) -> Finding {
        self.details = details;
        self
    }

    fn field(mut self, field: Option<Cause>) -> Finding {
        self.field = field;
        self
    }
}

impl Ground<'_> {
    /// The last event with that reason about an object.
    fn event(&self, kind: &str, namespace: &str, name: &str, reason: &str) -> Option<&Event> {
        let about = |e: &&Event| {
            *e.about.kind == *kind && *e.about.namespace == *namespace && *e.about.name == *name && *e.reason == *reason
        };
        self.view.events.iter().map(|e| &**e).filter(about).max_by_key(|e| e.last)
    }

    /// A field of an object with its place in the user's file.
    fn cause(&self, kind: &str, owner: (&str, &str), path: &str, value: &str, text: String) -> Cause {
        let place = self.origins.place(kind, owner.0, owner.1, path, value);
        Cause { object: format!("{kind} {}/{}", owner.0, owner.1), place, text }
    }
}
