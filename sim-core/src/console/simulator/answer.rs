//! Puts an answer together: the way of one packet, then the same question asked elsewhere, and what all of it rested on.
//!
//! Everything here looks; nothing is changed, and no time passes.

use std::net::{IpAddr, SocketAddr};

use super::names;
use super::question::Target;
use crate::cluster::faults::{Fault, NodeFault};
use crate::cluster::ground::GroundAt;
use crate::console::net::client_of;
use crate::engine::time::Duration;
use crate::explain::answer::{Answer, Elsewhere, Match, Pick};
use crate::explain::because::{self, Broken, Closed, Part, Socket};
use crate::explain::{AddressKind, Component, Decision, Outcome, Place, Reason, Trace, facts, hints};
use crate::lab::simulation::Simulation;
use crate::network::Ground;
use crate::network::wire::Source;
use crate::objects::pod::Pod;
use crate::objects::pod_spec::Protocol;
use crate::proxy::Mode;
use crate::proxy::rules::{NodeFacts, takes_node_ports};

/// In clusters of more nodes the others are not asked.
const NODES_ASKED_MAX: usize = 12;

/// The answer to one question.
pub(super) fn answer(sim: &Simulation, from: &Source, target: &Target, protocol: Protocol) -> Answer {
    let spent = target.resolver.as_ref().map_or(Duration::ZERO, |resolved| resolved.spent);
    let mut trace = match target.client_port {
        _ if target.resolver.is_some() && target.to.ip().is_unspecified() => unresolved(target, protocol),
        Some(port) => sim.trace_flow(from, target.to, protocol, port),
        None => sim.trace(from, target.to, protocol),
    };
    if let Some(resolved) = target.resolver.as_ref().filter(|_| trace.outcome != Outcome::Unresolved) {
        trace.hops.insert(0, resolved.hop.clone());
    }
    let host = target.name.clone().unwrap_or_else(|| target.to.ip().to_string());
    let mut client = client_of(&trace, &host, target.to.port());
    client.after_ns += spent.as_nanos();
    let matches = matches(sim, &trace);
    let sockets = sockets(sim, &trace);
    let head = sim.cluster().store.head();
    let broken = broken(sim);
    let closed = closed(sim, &trace);
    let closed = closed.as_ref();
    let ground = because::Ground { view: head, origins: sim.origins(), sockets: &sockets, broken: &broken, closed };
    let vain = names::vain(sim, from, target);
    let (because, did_you_mean) = match (trace.outcome, &vain) {
        (Outcome::Unresolved, Some(vain)) => names::explained(sim, ground, from, target, vain),
        (Outcome::Delivered, _) => (because::because(ground, &trace, &matches), Vec::new()),
        _ => (because::because(ground, &trace, &matches), hints::of_trace(head, &trace)),
    };
    let not_seen_by = match trace.outcome {
        Outcome::Unresolved => name_not_seen_by(sim, from, target, protocol),
        _ => not_seen_by(sim, from, &trace, &matches),
    };
    Answer {
        because,
        nodes: nodes(sim, from, &trace, &matches),
        not_seen_by,
        name: target.name.clone(),
        client,
        matches,
        did_you_mean,
        trace,
    }
}

/// What is broken on purpose, as far as packets and questions meet it.
fn broken(sim: &Simulation) -> Vec<Broken> {
    let cluster = sim.cluster();
    let part = |fault: &Fault| {
        if let Some(((a, b), ppm)) = cluster.broken_link(fault) {
            return Some(Part::Wire { a, b, ppm });
        }
        match fault {
            Fault::Node(node, NodeFault::PowerOff) => Some(Part::Power(node.clone())),
            Fault::Proxy(node) => Some(Part::Proxy(node.clone())),
            Fault::Dns => Some(Part::Dns),
            _ => None,
        }
    };
    cluster.faults.iter().filter_map(|fault| Some(Broken { target: fault.target(), part: part(fault)? })).collect()
}

/// Whether the last station is an address on which its node takes no node ports.
fn closed(sim: &Simulation, trace: &Trace) -> Option<Closed> {
    let last = trace.hops.last().filter(|hop| matches!(hop.reason, Reason::NothingListens { .. }))?;
    let Place::Node(node) = &last.place else { return None };
    let ground = GroundAt { cluster: sim.cluster(), now: sim.engine().now() };
    let (node_ips, addresses) = (ground.node_ips(node), ground.node_addresses(node));
    let facts = NodeFacts { name: node, zone: None, node_ips, addresses };
    let (config, ip) = (ground.proxy_config(), last.before.1.ip());
    let takes = |ip: &IpAddr| takes_node_ports(config, &facts, *ip);
    let why = match config.mode {
        _ if takes(&ip) => return None,
        _ if ip.is_loopback() => "kube-proxy takes none on that loopback address, as this cluster is set".to_string(),
        Mode::Nftables if config.node_port_addresses.is_empty() => {
            "nftables mode takes node ports on a node's first address of a family only".to_string()
        }
        _ => format!("nodePortAddresses leaves {ip} out"),
    };
    let open = facts.addresses.iter().copied().filter(|other| other.is_ipv6() == ip.is_ipv6() && takes(other)).collect();
    Some(Closed { node: node.clone(), open, why })
}

/// The way of a packet that was never sent, because its name has no address.
fn unresolved(target: &Target, protocol: Protocol) -> Trace {
    let hop = target.resolver.as_ref().map(|resolved| resolved.hop.clone());
    Trace {
        asked: (hop.as_ref().map_or(target.to, |h| h.before.0), target.to),
        protocol,
        hops: hop.into_iter().collect(),
        decision: Decision::Pass,
        candidates: Vec::new(),
        chosen: None,
        masquerade: false,
        masquerade_for: Vec::new(),
        outcome: Outcome::Unresolved,
        round_trip: Duration::ZERO,
        seen_source: None,
        branches: Vec::new(),
        return_hops: Vec::new(),
    }
}

/// For each hop of kube-proxy the Service and endpoints, as that node had them programmed.
pub(super) fn matches(sim: &Simulation, trace: &Trace) -> Vec<Option<Match>> {
    let pick = if sim.cluster().config.proxy.mode == Mode::Ipvs { Pick::InTurn } else { Pick::Drawn };
    let of = |hop: &crate::explain::Hop| {
        let Place::Node(node) = &hop.place else { return None };
        let (view, _) = sim.cluster().proxies.programmed(node)?;
        facts::matched(view, trace, hop, pick).or_else(|| facts::matched(sim.cluster().store.head(), trace, hop, pick))
    };
    trace.hops.iter().map(of).collect()
}

/// What listens where the way ended; on the loopback only if it has the port that was asked for.
fn sockets(sim: &Simulation, trace: &Trace) -> Vec<Socket> {
    let ground = GroundAt { cluster: sim.cluster(), now: sim.engine().now() };
    let Some(last) = trace.hops.last().filter(|h| h.component == Component::Server) else { return Vec::new() };
    let found = match &last.place {
        Place::Node(node) => ground.host_sockets(node),
        // By the pod's own address: a pod that called itself by a loopback address is none of the network's.
        Place::Pod { namespace, name } => {
            let own = ground.pod(namespace, name).and_then(|(_, ips)| ips.first().copied());
            own.and_then(|ip| ground.sandbox(ip)).map(|s| s.sockets).unwrap_or_default()
        }
        _ => Vec::new(),
    };
    let socket = |l: crate::kubelet::images::Listener| (l.port, l.protocol, l.bind.is_some_and(|ip| ip.is_loopback()));
    let mut list: Vec<Socket> = found.into_iter().map(|(listener, _)| socket(listener)).collect();
    list.retain(|(port, _, hidden)| !hidden || *port == last.after.1.port());
    list.sort_unstable();
    list.dedup();
    list
}

/// The same asked of every node: by its address, if a node port was asked; from its pods, if a cluster IP was and they differ.
fn nodes(sim: &Simulation, from: &Source, trace: &Trace, matches: &[Option<Match>]) -> Vec<Elsewhere> {
    let config = &sim.cluster().config;
    let Some(kind) = matches.iter().flatten().next().map(|m| m.kind) else { return Vec::new() };
    if !(2..=NODES_ASKED_MAX).contains(&config.nodes.len()) {
        return Vec::new();
    }
    let (to, v6) = (trace.asked.1, trace.asked.1.is_ipv6());
    // The node port behind a balancer is not what was asked for.
    if (GroundAt { cluster: sim.cluster(), now: sim.engine().now() }).is_balancer(to.ip()) {
        return Vec::new();
    }
    let external = config.nodes.iter().any(|n| n.external_ips.contains(&to.ip()));
    let ask = |node: &crate::cluster::config::NodeConfig| {
        let ends = match kind {
            AddressKind::NodePort => {
                let list = if external { &node.external_ips } else { &node.ips };
                (from.clone(), *list.iter().find(|ip| ip.is_ipv6() == v6)?)
            }
            AddressKind::ClusterIp => {
                let ip = node.pod_address_of(v6, u8::MAX)?;
                (Source::Address { ip, at_node: node.name.as_str().into() }, to.ip())
            }
            _ => return None,
        };
        let other = sim.trace(&ends.0, SocketAddr::new(ends.1, to.port()), trace.protocol);
        Some(Elsewhere::of(node.name.as_str(), &other, ""))
    };
    let list: Vec<Elsewhere> = config.nodes.iter().filter_map(ask).collect();
    let differ =
        list.windows(2).any(|w| (w[0].delivered, w[0].outcome, w[0].dropped) != (w[1].delivered, w[1].outcome, w[1].dropped));
    if kind == AddressKind::NodePort || differ { list } else { Vec::new() }
}

/// The other vantage point, if the same question ends differently there. Everybody's loopback is another.
fn not_seen_by(sim: &Simulation, from: &Source, trace: &Trace, matches: &[Option<Match>]) -> Option<Elsewhere> {
    if trace.hops.first().is_some_and(|hop| hop.before.1.ip().is_loopback()) {
        return None;
    }
    let matched = matches.iter().flatten().next();
    let (who, other, why) = match from {
        Source::Outside => {
            let why = match trace.hops.last().map(|h| &h.reason) {
                Some(Reason::NoLocalEndpoints { external: true, .. }) => "in-cluster traffic skips Local",
                Some(Reason::NotRoutedFromOutside { .. }) => "the address works inside only",
                Some(Reason::SourceNotAllowed { .. }) => "the source ranges are checked on the way in",
                _ => "",
            };
            match pod_there(sim, trace.asked.1.ip()) {
                Some((node, source)) => (format!("a test from a pod on {node}"), source, why),
                None => ("a test from a pod".to_string(), some_pod(sim, matched, trace.asked.1.is_ipv6(), |_| true)?, why),
            }
        }
        _ if matched.is_some_and(|m| m.kind != AddressKind::ClusterIp) => {
            ("a test from outside".to_string(), Source::Outside, "")
        }
        _ => return None,
    };
    let other = sim.trace(&other, trace.asked.1, trace.protocol);
    let (here, there) = (Elsewhere::of("", trace, ""), Elsewhere::of(&who, &other, why));
    let differs = (here.delivered > 0) != (there.delivered > 0) || here.outcome != there.outcome;
    (differs && other.outcome != Outcome::Unknown).then_some(there)
}

/// A pod as there may be one on the node that has an address. A pod on another node may end otherwise: it hears the backend answer,
/// which it never called.
fn pod_there(sim: &Simulation, ip: IpAddr) -> Option<(String, Source)> {
    let nodes = &sim.cluster().config.nodes;
    let node = nodes.iter().find(|node| node.ips.contains(&ip) || node.external_ips.contains(&ip))?;
    let own = node.pod_address(u8::MAX).filter(|own| own.is_ipv6() == ip.is_ipv6())?;
    Some((node.name.clone(), Source::Address { ip: own, at_node: node.name.as_str().into() }))
}

/// The same name asked by a pod, if that is answered and leads somewhere.
fn name_not_seen_by(sim: &Simulation, from: &Source, target: &Target, protocol: Protocol) -> Option<Elsewhere> {
    let name = target.name.as_ref().filter(|_| *from == Source::Outside)?;
    let pod = some_pod(sim, None, false, |pod| matches!(&*pod.spec.dns_policy, "" | "ClusterFirst"))?;
    let found = super::question::target(sim, &format!("{name}:{}", target.to.port()), &pod).ok()?;
    let there = (!found.to.ip().is_unspecified()).then(|| sim.trace(&pod, found.to, protocol))?;
    let end = Elsewhere::of("a test from a pod", &there, "pods ask cluster DNS");
    (end.delivered > 0 && there.outcome != Outcome::Unknown).then_some(end)
}

/// A running pod that is no endpoint of the Service; of the namespace `default` if it has one.
fn some_pod(sim: &Simulation, matched: Option<&Match>, v6: bool, wanted: impl Fn(&Pod) -> bool) -> Option<Source> {
    let head = sim.cluster().store.head();
    let is_endpoint = |ip: IpAddr| matched.is_some_and(|m| m.endpoints.iter().any(|e| e.address.ip() == ip));
    let fits = |p: &&std::sync::Arc<Pod>| {
        let ip = p.status.ips.iter().copied().find(|ip| ip.is_ipv6() == v6);
        let up = p.node.as_ref().is_some_and(|n| sim.cluster().faults.node_up(n));
        up && wanted(p) && p.ready() && !p.spec.host_network && ip.is_some_and(|ip| !is_endpoint(ip))
    };
    let pod = head.pods.in_namespace("default").find(fits).or_else(|| head.pods.iter().find(fits))?;
    Some(Source::Pod { namespace: pod.meta.namespace.clone(), name: pod.meta.name.clone() })
}
