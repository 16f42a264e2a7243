//! Looking up what a question names; where it does not exist, what there is instead. And every other reason for no answer.
//!
//! `kubectl` says "not found" and leaves it at that.

use super::reach::LeftOut;
use crate::cluster::Cluster;
use crate::engine::run::Stop;
use crate::network::wire::Source;
use crate::objects::nearest::alike;
use crate::objects::service::Service;
use crate::objects::{KindName, Name};
use crate::store::View;

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unanswerable {
    /// There is no such node.
    NoNode {
        /// The one that was named.
        node: Name,
        /// Those that there are.
        known: Vec<Name>,
    },
    /// There is no such pod.
    NoPod(Absent),
    /// There is no such Service.
    NoService(Absent),
    /// There is no such object of some other kind.
    NoObject {
        /// The kind,
        kind: Name,
        /// and how one of it is called on a command line.
        singular: Name,
        /// What is absent.
        absent: Box<Absent>,
    },
    /// There is no such namespace.
    NoNamespace(Name),
    /// The pod has no node, so it cannot send.
    PodWithoutNode(Name, Name),
    /// The pod has no address yet.
    PodWithoutAddress(Name, Name),
    /// The Service is an alias of another name.
    ServiceIsAlias {
        /// Its namespace,
        namespace: Name,
        /// its name,
        name: Name,
        /// and the other.
        other: Name,
    },
    /// The Service is headless.
    ServiceIsHeadless(Name, Name),
    /// The Service of that name, as it was typed, has no address.
    NameWithoutAddress(String),
    /// The Service has no port of that name, and it is no number.
    NotAPort(String),
    /// A limit ended the look-up of a name.
    Stopped(Stop),
    /// The node runs no kube-proxy.
    NoProxy(Name),
    /// The node has more Service ports than are printed.
    TooManyPorts {
        /// The node.
        node: Name,
        /// How many it has.
        ports: usize,
    },
    /// Nobody that was named can send.
    NoSources(Vec<LeftOut>),
    /// Nothing that was named can be asked.
    NoTargets(Vec<LeftOut>),
    /// More pairs than are asked.
    TooManyPairs {
        /// How many send,
        sources: usize,
        /// and to how many.
        targets: usize,
    },
    /// The cluster has no DNS.
    NoDns,
}

/// A name that nothing has, and what there is instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absent {
    /// The namespace in which it was looked for; empty for kinds that have none.
    pub namespace: Name,
    /// The name.
    pub name: Name,
    /// Another namespace, in which there is one of that name.
    pub elsewhere: Option<Name>,
    /// Names in the namespace that are nearly the same.
    pub near: Vec<Name>,
    /// All names in the namespace.
    pub all: Vec<Name>,
}

impl Absent {
    /// From what there is: namespace and name of everything of the kind.
    pub(super) fn of<'o>(namespace: &str, name: &str, all: impl Iterator<Item = (&'o Name, &'o Name)>) -> Absent {
        let (mut here, mut elsewhere) = (Vec::new(), None);
        for (of, other) in all {
            if **of == *namespace {
                here.push(other.clone());
            } else if **other == *name && elsewhere.is_none() {
                elsewhere = Some(of.clone());
            }
        }
        let near = here.iter().filter(|n| n.starts_with(name) || alike(n, name)).cloned().collect();
        Absent { namespace: namespace.into(), name: name.into(), elsewhere, near, all: here }
    }
}

/// Whether a node exists.
pub fn node(cluster: &Cluster, node: &str) -> Result<(), Unanswerable> {
    if cluster.config.nodes.iter().any(|n| *n.name == *node) { Ok(()) } else { Err(no_node(cluster, node)) }
}

/// That there is no such node.
pub fn no_node(cluster: &Cluster, node: &str) -> Unanswerable {
    Unanswerable::NoNode { node: node.into(), known: cluster.config.node_names() }
}

/// That there is no such pod.
pub fn no_pod(view: &View, namespace: &str, name: &str) -> Unanswerable {
    Unanswerable::NoPod(Absent::of(namespace, name, view.pods.iter().map(|p| (&p.meta.namespace, &p.meta.name))))
}

/// A Service by its name.
pub fn service<'v>(view: &'v View, namespace: &str, name: &str) -> Result<&'v Service, Unanswerable> {
    let all = || view.services.iter().map(|s| (&s.meta.namespace, &s.meta.name));
    let found = view.services.get(namespace, name).map(|s| &**s);
    found.ok_or_else(|| Unanswerable::NoService(Absent::of(namespace, name, all())))
}

/// That there is no object of a kind with that name.
pub(super) fn no_object(view: &View, kind: &KindName, singular: &Name, namespace: &str, name: &str) -> Unanswerable {
    let all = view.list(kind, "");
    let absent = Absent::of(namespace, name, all.iter().map(|object| (&object.meta().namespace, &object.meta().name)));
    Unanswerable::NoObject { kind: kind.kind.clone(), singular: singular.clone(), absent: Box::new(absent) }
}

/// Whether a source exists and can send.
pub fn source(cluster: &Cluster, source: &Source) -> Result<(), Unanswerable> {
    let (namespace, name) = match source {
        Source::Outside => return Ok(()),
        Source::Node(at) | Source::Address { at_node: at, .. } => return node(cluster, at),
        Source::Pod { namespace, name } => (namespace, name),
    };
    let view = cluster.store.head();
    match view.pods.get(namespace, name) {
        None => Err(no_pod(view, namespace, name)),
        Some(pod) if pod.node.is_none() => Err(Unanswerable::PodWithoutNode(namespace.clone(), name.clone())),
        Some(pod) if pod.status.ips.is_empty() && !pod.spec.host_network => {
            Err(Unanswerable::PodWithoutAddress(namespace.clone(), name.clone()))
        }
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn absent(namespace: &str, name: &str) -> Absent {
        let all: Vec<(Name, Name)> =
            [("a", "web"), ("a", "webs"), ("a", "api"), ("b", "front")].map(|(ns, name)| (ns.into(), name.into())).to_vec();
        Absent::of(namespace, name, all.iter().map(|(namespace, name)| (namespace, name)))
    }

    #[test]
    fn what_is_absent_is_looked_for_nearby() {
        let (near, all): (Vec<Name>, Vec<Name>) = (absent("a", "wbe").near, absent("a", "wbe").all);
        assert_eq!(near, ["web"], "one slip apart");
        assert_eq!(all, ["web", "webs", "api"]);
        assert_eq!(absent("a", "we").near, ["web", "webs"], "what begins so");
        assert_eq!(absent("a", "front").elsewhere.as_deref(), Some("b"));
        assert_eq!(absent("b", "web").elsewhere.as_deref(), Some("a"));
        assert_eq!((absent("c", "x").elsewhere, absent("c", "x").all), (None, Vec::new()));
    }
}
