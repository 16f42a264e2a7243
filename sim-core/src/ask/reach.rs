//! `reach`: who reaches what, all pairs at once: pods, nodes and the outside against Service ports and pods.
//!
//! Every pair is a way of its own, beside the world. No real cluster has it; there one would run a client in every pod.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::facts::{endpoints, full_name, port_name};
use super::find::{self, Unanswerable};
use super::moment::Moment;
use super::trace::State;
use crate::explain::{Branch, Outcome, Reason, Trace};
use crate::network::wire::Source;
use crate::objects::Name;
use crate::objects::pod::Pod;
use crate::objects::pod_spec::Protocol;
use crate::objects::service::{Service, ServicePort};
use crate::store::View;

/// Most pairs of one answer.
pub const PAIRS_MAX: usize = 10_000;
/// The namespace that is left out unless it is asked for.
pub const SYSTEM: &str = "kube-system";

/// Who reaches what? An empty list means the usual ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReachQuestion {
    /// Who sends: without any the outside, all nodes, and all pods but the system's.
    pub from: Vec<Sources>,
    /// What is asked: without any all Services but the system's.
    pub to: Vec<Targets>,
}

/// Some that send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sources {
    /// All pods but the system's.
    Pods,
    /// All nodes.
    Nodes,
    /// The pods of a namespace.
    Namespace(Name),
    /// One.
    One(Source),
}

/// Some that can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Targets {
    /// All Services but the system's.
    Services,
    /// All pods but the system's.
    Pods,
    /// The Services of a namespace.
    Namespace(Name),
    /// A Service, by namespace and name.
    Service(Name, Name),
    /// A pod, by namespace and name.
    Pod(Name, Name),
    /// The node ports at a node's address.
    NodePorts(Name),
}

/// All pairs.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// Who asks.
    pub rows: Vec<Source>,
    /// What is asked.
    pub columns: Vec<Column>,
    /// How it ends, by row and column.
    pub cells: Vec<Vec<Cell>>,
    /// What was named and has no address that could be asked.
    pub left_out: Vec<LeftOut>,
}

/// One thing that is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// What it is.
    pub label: Label,
    /// Its address and port.
    pub to: SocketAddr,
    /// Transport protocol.
    pub protocol: Protocol,
}

/// What is behind an address that is asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Label {
    /// A port of a Service: its full name, and the port's.
    Service(Name, Name),
    /// The same of a headless one, at one of its pods.
    Endpoint(Name, Name, Behind),
    /// A port of a pod: its full name, and the number.
    Pod(Name, u16),
    /// A node port: the node, and the number.
    NodePort(Name, u16),
}

/// Who is behind an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Behind {
    /// A pod.
    Pod(Name),
    /// Somebody with this address.
    Address(IpAddr),
}

/// What was named and cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// No pod but the system's runs.
    NoPods,
    /// There is no Service but the system's.
    NoServices,
    /// No pod of a namespace runs.
    NoPodsIn(Name),
    /// A namespace has no Service.
    NoServicesIn(Name),
    /// No Service has a node port, so this node has none.
    NoNodePorts(Name),
    /// There is no node.
    NoNodes,
    /// A Service, in full, is an alias of a name.
    Alias(Name, Name),
    /// A Service has no port.
    NoPort(Name),
    /// A Service is headless, and no pod behind it is ready.
    Headless(Name),
    /// A pod, in full, has no address of its own.
    PodWithoutAddress(Name),
    /// A pod declares no port.
    PodWithoutPort(Name),
}

/// How one pair ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Of so many ways,
    pub ways: usize,
    /// so many are delivered.
    pub delivered: usize,
    /// How the others end, each kind once, in the order of the ways.
    pub ends: Vec<End>,
}

/// An end of ways that are not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// How.
    pub outcome: Outcome,
    /// The decision that it ended with; `None` where it was not followed.
    pub reason: Option<Reason>,
}

/// What was found for a list: ends, and what has no address to ask.
#[derive(Clone, Debug)]
struct Found<T> {
    ends: Vec<T>,
    left_out: Vec<LeftOut>,
}

/// All pairs of a question.
pub fn answer(moment: &Moment<'_>, question: &ReachQuestion) -> Result<Matrix, Unanswerable> {
    let usual = [Sources::One(Source::Outside), Sources::Nodes, Sources::Pods];
    let from = if question.from.is_empty() { &usual[..] } else { &question.from };
    let to = if question.to.is_empty() { &[Targets::Services][..] } else { &question.to };
    let from = each(from, |some| sources(moment, some), Clone::clone)?;
    let to = each(to, |some| targets(moment, some), |column| column.label.clone())?;
    if from.ends.is_empty() {
        return Err(Unanswerable::NoSources(from.left_out));
    }
    if to.ends.is_empty() {
        return Err(Unanswerable::NoTargets(to.left_out));
    }
    let (rows, columns) = (from.ends, to.ends);
    if rows.len().saturating_mul(columns.len()) > PAIRS_MAX {
        return Err(Unanswerable::TooManyPairs { sources: rows.len(), targets: columns.len() });
    }
    let cell = |source: &Source, to: &Column| Cell::of(&moment.way(source, to.to, to.protocol));
    let cells = rows.iter().map(|source| columns.iter().map(|to| cell(source, to)).collect()).collect();
    Ok(Matrix { rows, columns, cells, left_out: [from.left_out, to.left_out].concat() })
}

/// Looks up all of a list; what is named twice counts once.
fn each<L, T, K: Ord>(
    list: &[L],
    find: impl Fn(&L) -> Result<Found<T>, Unanswerable>,
    key: impl Fn(&T) -> K,
) -> Result<Found<T>, Unanswerable> {
    let mut all = Found { ends: Vec::new(), left_out: Vec::new() };
    let (mut known, mut told) = (BTreeSet::new(), BTreeSet::new());
    for some in list {
        let found = find(some)?;
        all.ends.extend(found.ends.into_iter().filter(|end| known.insert(key(end))));
        all.left_out.extend(found.left_out.into_iter().filter(|left_out| told.insert(left_out.clone())));
    }
    Ok(all)
}

fn sources(moment: &Moment<'_>, some: &Sources) -> Result<Found<Source>, Unanswerable> {
    let head = moment.view();
    let pod = |p: &Arc<Pod>| Source::Pod { namespace: p.meta.namespace.clone(), name: p.meta.name.clone() };
    Ok(match some {
        Sources::Pods => {
            let ends = head.pods.iter().filter(|p| runs(p) && &*p.meta.namespace != SYSTEM).map(pod);
            Found::or(ends.collect(), || LeftOut::NoPods)
        }
        Sources::Namespace(namespace) => {
            known_namespace(head, namespace)?;
            let ends = head.pods.in_namespace(namespace).filter(|p| runs(p)).map(pod);
            Found::or(ends.collect(), || LeftOut::NoPodsIn(namespace.clone()))
        }
        Sources::Nodes => {
            let ends = moment.cluster.config.node_names().into_iter().map(Source::Node);
            Found::or(ends.collect(), || LeftOut::NoNodes)
        }
        Sources::One(source) => {
            find::source(moment.cluster, source)?;
            Found { ends: vec![source.clone()], left_out: Vec::new() }
        }
    })
}

fn targets(moment: &Moment<'_>, some: &Targets) -> Result<Found<Column>, Unanswerable> {
    let head = moment.view();
    let of = |service: &Service| ports(head, service);
    Ok(match some {
        Targets::Services => {
            let found: Found<Column> = head.services.iter().filter(|s| &*s.meta.namespace != SYSTEM).map(|s| of(s)).collect();
            found.or_left_out(|| LeftOut::NoServices)
        }
        Targets::Namespace(namespace) => {
            known_namespace(head, namespace)?;
            let found: Found<Column> = head.services.in_namespace(namespace).map(|s| of(s)).collect();
            found.or_left_out(|| LeftOut::NoServicesIn(namespace.clone()))
        }
        Targets::Service(namespace, name) => of(find::service(head, namespace, name)?),
        Targets::Pods => {
            let pods = head.pods.iter().filter(|p| runs(p) && &*p.meta.namespace != SYSTEM);
            pods.map(|p| listeners(p)).collect::<Found<Column>>().or_left_out(|| LeftOut::NoPods)
        }
        Targets::Pod(namespace, name) => {
            find::source(moment.cluster, &Source::Pod { namespace: namespace.clone(), name: name.clone() })?;
            head.pods.get(namespace, name).map(|p| listeners(p)).into_iter().collect()
        }
        Targets::NodePorts(node) => {
            find::node(moment.cluster, node)?;
            Found::or(node_ports(moment, node), || LeftOut::NoNodePorts(node.clone()))
        }
    })
}

fn known_namespace(head: &View, name: &Name) -> Result<(), Unanswerable> {
    let used = || head.pods.in_namespace(name).next().is_some() || head.services.in_namespace(name).next().is_some();
    match head.namespace(name).is_some() || used() {
        true => Ok(()),
        false => Err(Unanswerable::NoNamespace(name.clone())),
    }
}

fn runs(pod: &Pod) -> bool {
    pod.node.is_some() && !pod.status.ips.is_empty() && !pod.finished() && !pod.spec.host_network
}

/// The ports of a Service at its cluster IP. The name of a headless one leads straight to its ready pods.
fn ports(head: &View, service: &Service) -> Found<Column> {
    let name = full_name(service);
    if let Some(other) = service.external_name.as_ref().filter(|_| service.is_external_name()) {
        return Found::nothing(LeftOut::Alias(name, other.clone()));
    }
    if service.ports.is_empty() {
        return Found::nothing(LeftOut::NoPort(name));
    }
    if let Some(ip) = service.cluster_ips.first() {
        let at = |p: &ServicePort| Column {
            label: Label::Service(name.clone(), port_name(p)),
            to: SocketAddr::new(*ip, p.port),
            protocol: p.protocol,
        };
        return Found { ends: service.ports.iter().map(at).collect(), left_out: Vec::new() };
    }
    let behind = |p: &ServicePort| {
        let all = [false, true].into_iter().flat_map(|v6| endpoints(head, service, p, v6));
        let one = |e: super::trace::Endpoint| {
            let behind = e.pod.map_or(Behind::Address(e.address.ip()), Behind::Pod);
            Column { label: Label::Endpoint(name.clone(), port_name(p), behind), to: e.address, protocol: p.protocol }
        };
        all.filter(|e| e.state == State::Ready).map(one).collect::<Vec<_>>()
    };
    let ends = service.ports.iter().flat_map(behind).collect();
    Found::or(ends, || LeftOut::Headless(name.clone()))
}

/// The ports that a pod's containers declare.
fn listeners(pod: &Pod) -> Found<Column> {
    let name: Name = format!("{}/{}", pod.meta.namespace, pod.meta.name).into();
    let Some(ip) = pod.status.ips.first() else { return Found::nothing(LeftOut::PodWithoutAddress(name)) };
    let declared = pod.spec.containers.iter().flat_map(|c| &c.ports);
    let ends = declared.map(|p| Column {
        label: Label::Pod(name.clone(), p.port),
        to: SocketAddr::new(*ip, p.port),
        protocol: p.protocol,
    });
    Found::or(ends.collect(), || LeftOut::PodWithoutPort(name.clone()))
}

/// The node ports of all Services at a node's first address, the external one if it has any.
fn node_ports(moment: &Moment<'_>, node: &Name) -> Vec<Column> {
    let config = moment.cluster.config.nodes.iter().find(|n| *n.name == **node);
    let Some(ip) = config.and_then(|n| n.external_ips.first().or(n.ips.first())) else { return Vec::new() };
    let ports = moment.view().services.iter().flat_map(|s| s.ports.iter().filter_map(|p| Some((p.node_port?, p.protocol))));
    let column =
        |(port, protocol)| Column { label: Label::NodePort(node.clone(), port), to: SocketAddr::new(*ip, port), protocol };
    ports.map(column).collect()
}

impl<T> Found<T> {
    fn nothing(left_out: LeftOut) -> Found<T> {
        Found { ends: Vec::new(), left_out: vec![left_out] }
    }

    /// These, or why there are none.
    fn or(ends: Vec<T>, left_out: impl Fn() -> LeftOut) -> Found<T> {
        Found { ends, left_out: Vec::new() }.or_left_out(left_out)
    }

    /// The same, or why nothing at all was found.
    fn or_left_out(self, left_out: impl Fn() -> LeftOut) -> Found<T> {
        if self.ends.is_empty() && self.left_out.is_empty() { Found::nothing(left_out()) } else { self }
    }
}

impl<T> FromIterator<Found<T>> for Found<T> {
    fn from_iter<I: IntoIterator<Item = Found<T>>>(parts: I) -> Self {
        let mut all = Found { ends: Vec::new(), left_out: Vec::new() };
        for part in parts {
            all.ends.extend(part.ends);
            all.left_out.extend(part.left_out);
        }
        all
    }
}

impl Cell {
    /// Sums up all ways of a connection, not only the one that was drawn.
    pub fn of(trace: &Trace) -> Cell {
        let mut ends: Vec<End> = Vec::new();
        for branch in trace.branches.iter().filter(|b| b.outcome != Outcome::Delivered) {
            let end = End::of(branch);
            if !ends.iter().any(|known| known.same_kind(&end)) {
                ends.push(end);
            }
        }
        let delivered = trace.branches.iter().filter(|b| b.outcome == Outcome::Delivered).count();
        Cell { ways: trace.branches.len(), delivered, ends }
    }

    /// The first end that is not a delivery; that of a cell where all is well is one.
    pub fn outcome(&self) -> Outcome {
        self.ends.first().map_or(Outcome::Delivered, |end| end.outcome)
    }
}

impl End {
    fn of(branch: &Branch) -> End {
        End { outcome: branch.outcome, reason: branch.end.clone() }
    }

    /// The code of the decision.
    pub fn code(&self) -> &'static str {
        self.reason.as_ref().map_or("not-followed", Reason::code)
    }

    /// Whether two ends are told as one.
    pub fn same_kind(&self, other: &End) -> bool {
        (self.outcome, self.code()) == (other.outcome, other.code())
    }
}
