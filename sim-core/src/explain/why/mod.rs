//! Why an object is as it is: a pod that waits, a Service without endpoints, a rollout that stands still, a node that is gone.
//!
//! In a real cluster the answer is spread over conditions, container states, events and other objects; `kubectl describe` shows a
//! part of each. Here they are read together and put in words, each with a way out. What the simulator broke is said, too, though no
//! API knows of it. Left out: kinds that nothing acts on say so.

mod leaving;
mod node;
mod pod;
mod policy;
mod service;
mod workload;

use std::sync::Arc;

use super::answer::Cause;
use super::origin::Origins;
use super::trouble::Trouble;
use crate::objects::event::Event;
use crate::objects::{Name, Object};
use crate::store::View;

/// What was found about one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// `Pod default/web`.
    pub object: String,
    /// The whole in half a sentence: it *is* `Pending: it has no node`.
    pub verdict: Verdict,
    /// What makes it so, the nearest cause first.
    pub findings: Vec<Finding>,
}

/// What is said of an object, with the verb between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The verb.
    pub verb: Verb,
    /// The rest of the sentence.
    pub text: String,
}

/// A verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Verb {
    Is,
    Has,
    BelongsTo,
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
    /// What is broken about a node.
    pub troubles: &'a dyn Fn(&str) -> Vec<Trouble>,
    /// Whether a machine with a kubelet stands behind a node.
    pub has_kubelet: &'a dyn Fn(&str) -> bool,
    /// The policies that a node enforces.
    pub enforced: &'a dyn Fn(&str) -> Option<Arc<View>>,
    /// Whether anybody watches over silent nodes.
    pub watches_nodes: bool,
    /// Whether the API server answers.
    pub api_up: bool,
    /// Whether anybody in this cluster gives balancers addresses.
    pub has_cloud: bool,
}

/// Why an object is as it is.
pub fn why(ground: Ground<'_>, object: &Object) -> Why {
    let (verdict, mut findings) = match object {
        Object::Pod(pod) => pod::why(&ground, pod),
        other if other.meta().deleting() => leaving::why(&ground, other),
        Object::Service(service) => service::why(&ground, service),
        Object::Endpoints(list) => behind(&ground, &list.meta.namespace, &list.meta.name),
        Object::EndpointSlice(slice) => {
            let service = slice.meta.labels.get(crate::objects::endpoint_slice::SERVICE_NAME).unwrap_or_default();
            behind(&ground, &slice.meta.namespace, service)
        }
        Object::Deployment(deployment) => workload::deployment(&ground, deployment),
        Object::ReplicaSet(set) => workload::replica_set(&ground, set),
        Object::Node(node) => node::why(&ground, node),
        Object::NetworkPolicy(policy) => policy::why(&ground, policy),
        other => plain(other),
    };
    if !ground.api_up {
        let text = "the API server does not answer: this is what was stored last, and nothing about it is decided";
        findings.insert(0, Finding::new("no-api-server", text, "heal apiserver"));
    }
    let kind = object.kind_name().kind;
    let meta = object.meta();
    let name = if meta.namespace.is_empty() { meta.name.to_string() } else { format!("{}/{}", meta.namespace, meta.name) };
    Why { object: format!("{kind} {name}"), verdict, findings }
}

/// The verdict and what makes it so.
type Found = (Verdict, Vec<Finding>);

/// Endpoints are as their Service is.
fn behind(ground: &Ground<'_>, namespace: &str, service: &str) -> Found {
    match ground.view.services.get(namespace, service) {
        Some(found) => {
            let (verdict, findings) = service::why(ground, found);
            (Verdict::belongs_to(format!("Service {namespace}/{service}, which {}", verdict.phrase())), findings)
        }
        None if service.is_empty() => {
            let text = "it has no label kubernetes.io/service-name, so nobody uses it";
            let way_out = "kubectl label endpointslice NAME kubernetes.io/service-name=SERVICE";
            (Verdict::belongs_to("no Service"), vec![Finding::new("no-service", text, way_out)])
        }
        None => {
            let text = format!("there is no Service {service} in namespace {namespace}");
            let way_out = format!("create Service {service}, or delete these endpoints");
            (Verdict::belongs_to("no Service"), vec![Finding::new("no-service", text, way_out)])
        }
    }
}

/// A kind that nothing acts on.
fn plain(object: &Object) -> Found {
    let kind = object.kind_name().kind;
    match &*kind {
        "Namespace" | "ConfigMap" | "Secret" | "ServiceAccount" | "Lease" | "Event" => {
            (Verdict::is("as it was written"), Vec::new())
        }
        "PersistentVolumeClaim" => {
            let text = "nothing in this cluster makes or binds volumes, so a claim stays as it was written".to_string();
            let way_out = "in a real cluster: a default StorageClass with a provisioner, or a PersistentVolume that fits size, access \
                           mode and class; here pods do not wait for it";
            (Verdict::is("Pending: nobody binds it"), vec![Finding::new("no-provisioner", text, way_out)])
        }
        _ => {
            let text = format!("nothing in this cluster acts on the kind {kind}: it is kept as it was written");
            (
                Verdict::is("inert here"),
                vec![Finding::new("not-simulated", text, "see the page Fidelity of the book for what is")],
            )
        }
    }
}

impl Verdict {
    fn is(text: impl Into<String>) -> Verdict {
        Verdict { verb: Verb::Is, text: text.into() }
    }

    fn has(text: impl Into<String>) -> Verdict {
        Verdict { verb: Verb::Has, text: text.into() }
    }

    fn belongs_to(text: impl Into<String>) -> Verdict {
        Verdict { verb: Verb::BelongsTo, text: text.into() }
    }

    /// Verb and rest: `is Ready`.
    pub fn phrase(&self) -> String {
        let verb = match self.verb {
            Verb::Is => "is",
            Verb::Has => "has",
            Verb::BelongsTo => "belongs to",
        };
        format!("{verb} {}", self.text)
    }
}

/// The line for those of a list that are not shown.
fn more(all: usize, shown: usize) -> Option<String> {
    (all > shown).then(|| format!("and {} more", all - shown))
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
