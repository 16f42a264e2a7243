//! How users name the two ends of a connection: sources and targets of `trace` and `reach`.
//!
//! A name is resolved as a program at the source would resolve it, in a copy of the world, so that no time passes and no cache is
//! warmed. Every refusal says what there is instead.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::cluster::ground::GroundAt;
use crate::dns::resolver::{Family, LookupError, Sent, lookup};
use crate::engine::time::Duration;
use crate::explain::because::some;
use crate::explain::hints::alike;
use crate::explain::{Component, Hop, Place, Reason, Step};
use crate::lab::simulation::Simulation;
use crate::network::Ground;
use crate::network::wire::{Source, Wire};
use crate::objects::Name;
use crate::objects::json::parse_ip_sloppy;
use crate::objects::pod_spec::Protocol;
use crate::objects::service::Service;
use crate::scenario::notation::Notation;
use crate::scenario::target::TraceTarget;

/// The address of what has none.
const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Where a connection is to go.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// The address; the unspecified one if the name was not resolved.
    pub to: SocketAddr,
    /// The host as typed, if it was a name that had to be resolved.
    pub name: Option<String>,
    /// What the resolver did.
    pub resolver: Option<Resolved>,
    /// The client's port, if the question is about a connection that may be known already.
    pub client_port: Option<u16>,
}

/// What a resolver did for a name.
#[derive(Clone, Debug)]
pub(super) struct Resolved {
    /// As a station.
    pub hop: Hop,
    /// How long it took.
    pub spent: Duration,
    /// The questions it sent.
    pub queries: Vec<Sent>,
}

/// Reads a protocol.
pub(super) fn protocol(text: &str) -> Result<Protocol, String> {
    match text.to_uppercase().as_str() {
        "TCP" => Ok(Protocol::Tcp),
        "UDP" => Ok(Protocol::Udp),
        "SCTP" => Ok(Protocol::Sctp),
        _ => Err(format!("`{text}` is not a protocol; there are TCP, UDP and SCTP")),
    }
}

/// Whether a node exists; if not, which there are.
pub(super) fn known_node(sim: &Simulation, node: &str) -> Result<(), String> {
    let known = sim.cluster().config.node_names().iter().any(|n| **n == *node);
    if known { Ok(()) } else { Err(no_node(sim, node)) }
}

/// The refusal of a node that does not exist.
pub(super) fn no_node(sim: &Simulation, node: &str) -> String {
    format!("node `{node}` does not exist; the nodes are {}", some(&sim.cluster().config.node_names()))
}

/// Reads a source.
pub(super) fn source(sim: &Simulation, text: &str, at_node: Option<&str>) -> Result<Source, String> {
    if let Some(node) = at_node {
        known_node(sim, node)?;
        if parse_ip_sloppy(text).is_none() {
            return Err(format!("--at-node says where an IP address enters; `{text}` says by itself where it sends from"));
        }
    }
    let parts: Vec<&str> = text.split('/').collect();
    let (namespace, name) = match parts[..] {
        ["external" | "outside"] => return Ok(Source::Outside),
        ["node" | "nodes", node] => {
            known_node(sim, node)?;
            return Ok(Source::Node(node.into()));
        }
        ["pod" | "pods", namespace, name] => (namespace, name),
        ["pod" | "pods", name] => ("default", name),
        _ => {
            let Some(ip) = parse_ip_sloppy(text) else {
                return Err(format!("`{text}` is not a source; write pod/NAMESPACE/NAME, node/NAME, external, or an IP address"));
            };
            let node = at_node.ok_or_else(|| format!("`{text}` alone does not say where it enters; add --at-node NODE"))?;
            return Ok(Source::Address { ip, at_node: node.into() });
        }
    };
    match sim.cluster().store.head().pods.get(namespace, name) {
        None => Err(no_pod(sim, namespace, name)),
        Some(pod) if pod.node.is_none() => {
            Err(format!("pod {namespace}/{name} has no node yet, so it cannot send; `why pod/{namespace}/{name}` says why"))
        }
        Some(pod) if pod.status.ips.is_empty() && !pod.spec.host_network => {
            Err(format!("pod {namespace}/{name} has no address yet; let time pass: `advance to pod/{namespace}/{name} ready`"))
        }
        Some(_) => Ok(Source::Pod { namespace: namespace.into(), name: name.into() }),
    }
}

/// The refusal of a pod that does not exist, with those that are nearly called so.
pub(super) fn no_pod(sim: &Simulation, namespace: &str, name: &str) -> String {
    let pods = &sim.cluster().store.head().pods;
    let elsewhere = pods.iter().find(|p| &*p.meta.name == name).map(|p| format!("pod/{}/{name}", p.meta.namespace));
    let near: Vec<Name> =
        pods.in_namespace(namespace).map(|p| p.meta.name.clone()).filter(|n| n.starts_with(name) || alike(n, name)).collect();
    let all: Vec<Name> = pods.in_namespace(namespace).map(|p| p.meta.name.clone()).collect();
    let way_out = match (elsewhere, near.is_empty(), all.is_empty()) {
        (Some(there), ..) => format!("did you mean {there}?"),
        (None, false, _) => format!("did you mean {}?", some(&near)),
        (None, true, false) => format!("namespace {namespace} has {}", some(&all)),
        (None, true, true) => format!("namespace {namespace} has no pods"),
    };
    format!("pod {namespace}/{name} does not exist; {way_out}")
}

/// Reads a target and turns it into an address.
pub(super) fn target(sim: &Simulation, text: &str, from: &Source) -> Result<Target, String> {
    let at = |ip, port| Target { to: SocketAddr::new(ip, port), name: None, resolver: None, client_port: None };
    let (namespace, name, port) = match written(text)? {
        TraceTarget::Address(ip, port) => return Ok(at(ip, port)),
        TraceTarget::Name(host, port) => return by_name(sim, &host, port, from),
        TraceTarget::Service { namespace, name, port } => (namespace, name, port),
    };
    let service = service(sim, &namespace, &name)?;
    let Some(ip) = service.cluster_ips.first() else {
        return Err(match &service.external_name {
            Some(other) => format!("Service {namespace}/{name} is only an alias: it has no address; trace {other}"),
            None => format!(
                "Service {namespace}/{name} is headless: it has no address; trace its name from a pod, or a pod's address"
            ),
        });
    };
    let by_port_name = service.ports.iter().find(|p| *p.name == *port).map(|p| p.port);
    Ok(at(*ip, by_port_name.map_or_else(|| number(&port), Ok)?))
}

/// A target as it is written.
fn written(text: &str) -> Result<TraceTarget, String> {
    TraceTarget::parse(text).map_err(|mistake| format!("{}; {}", mistake.message, mistake.help))
}

/// A Service by name, or the refusal with what there is.
pub(super) fn service<'s>(sim: &'s Simulation, namespace: &str, name: &str) -> Result<&'s Service, String> {
    let services = &sim.cluster().store.head().services;
    if let Some(service) = services.get(namespace, name) {
        return Ok(service);
    }
    let elsewhere = services.iter().find(|s| &*s.meta.name == name).map(|s| &s.meta.namespace);
    let all: Vec<Name> = services.in_namespace(namespace).map(|s| s.meta.name.clone()).collect();
    let way_out = match (elsewhere, all.is_empty()) {
        (Some(there), _) => format!("did you mean svc/{there}/{name}?"),
        (None, false) => format!("namespace {namespace} has {}", some(&all)),
        (None, true) => format!("namespace {namespace} has no Services"),
    };
    Err(format!("Service {namespace}/{name} does not exist; {way_out}"))
}

/// A port.
pub(super) fn number(text: &str) -> Result<u16, String> {
    let port = text.parse().ok().filter(|n| *n > 0);
    port.ok_or_else(|| format!("`{text}` is not a port; ports are numbers from 1 to 65535"))
}

/// A name, resolved at the source. Where no kubelet runs no pod has a resolver: there a Service's name means its address.
fn by_name(sim: &Simulation, host: &str, port: u16, from: &Source) -> Result<Target, String> {
    let ground = GroundAt { cluster: sim.cluster(), now: sim.engine().now() };
    if !ground.certain() {
        let own = if let Source::Pod { namespace, .. } = from { namespace.to_string() } else { "default".to_string() };
        let mut labels = host.split('.');
        let name = labels.next().unwrap_or_default();
        let found = service(sim, labels.next().unwrap_or(&own), name)?;
        let ip = found.cluster_ips.first().ok_or_else(|| format!("Service {host} has no address"))?;
        return Ok(Target { to: SocketAddr::new(*ip, port), name: Some(host.to_string()), resolver: None, client_port: None });
    }
    let dead = client_node(&ground, from).filter(|node| !ground.node_up(node));
    let (to, resolved) = match dead {
        Some(node) => {
            let to = SocketAddr::new(NOWHERE, port);
            let hop = client_hop(&ground, from, to, (Component::Network, Step::Lost, Reason::NodeDown { node }));
            (to, Resolved { hop, spent: Duration::ZERO, queries: Vec::new() })
        }
        None => resolved(sim, &ground, host, port, from)?,
    };
    Ok(Target { to, name: Some(host.to_string()), resolver: Some(resolved), client_port: None })
}

/// What the resolver of a client finds, in a copy of the world.
fn resolved(
    sim: &Simulation,
    ground: &GroundAt<'_>,
    host: &str,
    port: u16,
    from: &Source,
) -> Result<(SocketAddr, Resolved), String> {
    let mut copy = sim.clone();
    let start = copy.engine().now();
    let found = lookup(&mut copy, from, host, Family::Any);
    let spent = Wire::now(&copy).since(start);
    let (name, questions): (Name, usize) = (host.into(), found.queries.len());
    let (ip, reason) = match (found.addresses.first(), found.error) {
        (Some(ip), _) => (*ip, Reason::NameResolved { name, ip: *ip, questions }),
        (None, Some(LookupError::Stopped(why))) => return Err(why),
        (None, Some(LookupError::TryAgain)) => (NOWHERE, Reason::NameServersSilent { name, questions }),
        (None, Some(LookupError::NoAddress)) => {
            let asked_for = |sent: &Sent| sent.name.eq_ignore_ascii_case(&found.canonical);
            let is_alias = !found.canonical.is_empty() && !found.queries.iter().any(asked_for);
            let alias = is_alias.then(|| found.canonical.as_str().into());
            (NOWHERE, Reason::NameWithoutAddress { name, alias, questions })
        }
        (None, _) => (NOWHERE, Reason::NameNotFound { name, questions }),
    };
    let to = SocketAddr::new(ip, port);
    let step = if ip.is_unspecified() { Step::Unresolved } else { Step::Resolve };
    let hop = client_hop(ground, from, to, (Component::Resolver, step, reason));
    Ok((to, Resolved { hop, spent, queries: found.queries }))
}

/// A station at the client itself.
fn client_hop(ground: &GroundAt<'_>, from: &Source, to: SocketAddr, what: (Component, Step, Reason)) -> Hop {
    let ends = (SocketAddr::new(own_address(ground, from, to.is_ipv6()), 0), to);
    let (component, step, reason) = what;
    Hop {
        place: Place::Client,
        component,
        step,
        reason,
        before: ends,
        after: ends,
        not_eligible: Vec::new(),
        view_age: None,
        guessed: false,
    }
}

/// The machine on which a client runs, if that is one of the cluster.
fn client_node(ground: &GroundAt<'_>, from: &Source) -> Option<Name> {
    match from {
        Source::Outside => None,
        Source::Node(node) | Source::Address { at_node: node, .. } => Some(node.clone()),
        Source::Pod { namespace, name } => ground.pod(namespace, name).map(|(node, _)| node),
    }
}

/// The address that a source sends from.
fn own_address(ground: &GroundAt<'_>, from: &Source, v6: bool) -> IpAddr {
    let ips = match from {
        Source::Outside => vec![ground.outside(v6)],
        Source::Node(node) => ground.node_ips(node),
        Source::Pod { namespace, name } => ground.pod(namespace, name).map(|(_, ips)| ips).unwrap_or_default(),
        Source::Address { ip, .. } => vec![*ip],
    };
    let own = ips.iter().find(|ip| ip.is_ipv6() == v6).or(ips.first());
    own.copied().unwrap_or(NOWHERE)
}
