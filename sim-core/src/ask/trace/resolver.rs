//! The target of a question, turned into an address: a name is resolved as a program at the source would resolve it, in a copy
//! of the world, so that no time passes and no cache is warmed.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::Target;
use crate::ask::find::{self, Unanswerable};
use crate::ask::moment::Moment;
use crate::ask::target::{TraceTarget, port_number};
use crate::cluster::ground::GroundAt;
use crate::dns::resolver::{Family, LookupError, Sent, lookup};
use crate::engine::run::Stop;
use crate::engine::time::Duration;
use crate::explain::{Component, Hop, Place, Reason, Step};
use crate::network::Ground;
use crate::network::wire::{Source, Wire};
use crate::objects::Name;

/// The address of what has none.
const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

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

/// Turns a target into an address.
pub(super) fn target(moment: &Moment<'_>, target: &TraceTarget, from: &Source) -> Result<Target, Unanswerable> {
    let at = |ip, port| Target { to: SocketAddr::new(ip, port), name: None, resolver: None };
    let (namespace, name, port) = match target {
        TraceTarget::Address(ip, port) => return Ok(at(*ip, *port)),
        TraceTarget::Name(host, port) => return by_name(moment, host, *port, from),
        TraceTarget::Service { namespace, name, port } => (namespace, name, port),
    };
    let service = find::service(moment.view(), namespace, name)?;
    let Some(ip) = service.cluster_ips.first() else {
        let (namespace, name) = (namespace.clone(), name.clone());
        return Err(match &service.external_name {
            Some(other) => Unanswerable::ServiceIsAlias { namespace, name, other: other.clone() },
            None => Unanswerable::ServiceIsHeadless(namespace, name),
        });
    };
    let by_port_name = service.ports.iter().find(|p| p.name == *port).map(|p| p.port);
    let number = || port_number(port).map_err(|_| Unanswerable::NotAPort(port.to_string()));
    Ok(at(*ip, by_port_name.map_or_else(number, Ok)?))
}

/// A name, resolved at the source. Where no kubelet runs no pod has a resolver: there a Service's name means its address.
fn by_name(moment: &Moment<'_>, host: &str, port: u16, from: &Source) -> Result<Target, Unanswerable> {
    let ground = moment.ground();
    let name = Some(host.to_string());
    if !ground.certain() {
        let own = if let Source::Pod { namespace, .. } = from { namespace } else { "default" };
        let mut labels = host.split('.');
        let service = labels.next().unwrap_or_default();
        let found = find::service(moment.view(), labels.next().unwrap_or(own), service)?;
        let ip = found.cluster_ips.first().ok_or_else(|| Unanswerable::NameWithoutAddress(host.to_string()))?;
        return Ok(Target { to: SocketAddr::new(*ip, port), name, resolver: None });
    }
    let dead = client_node(&ground, from).filter(|node| !ground.node_up(node));
    let (to, resolved) = match dead {
        Some(node) => {
            let to = SocketAddr::new(NOWHERE, port);
            let hop = client_hop(&ground, from, to, (Component::Network, Step::Lost, Reason::NodeDown { node }));
            (to, Resolved { hop, spent: Duration::ZERO, queries: Vec::new() })
        }
        None => resolved(moment, host, port, from)?,
    };
    Ok(Target { to, name, resolver: Some(resolved) })
}

/// What the resolver of a client finds, in a copy of the world.
fn resolved(moment: &Moment<'_>, host: &str, port: u16, from: &Source) -> Result<(SocketAddr, Resolved), Unanswerable> {
    let mut copy = moment.copy();
    let found = lookup(&mut copy, from, host, Family::Any);
    let spent = copy.now().since(moment.now);
    let (name, questions): (Name, usize) = (host.into(), found.queries.len());
    let (ip, reason) = match (found.addresses.first(), found.error) {
        (Some(ip), _) => (*ip, Reason::NameResolved { name, ip: *ip, questions }),
        (None, Some(LookupError::Stopped(_))) => {
            return Err(Unanswerable::Stopped(copy.stopped.unwrap_or(Stop::OutOfEvents)));
        }
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
    let hop = client_hop(&moment.ground(), from, to, (Component::Resolver, step, reason));
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
