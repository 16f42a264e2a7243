//! The ordered list of stations that the first packet of a connection visits.
//!
//! client -> [balancer] -> rules of the first node -> [another node's rules] -> fabric -> socket. Every station leaves a hop. The
//! pick among backends is a draw keyed by the moment and the flow, so that looking does not change what happens.

use std::net::{IpAddr, SocketAddr};

use super::Ground;
use super::wire::Source;
use crate::engine::random::Draws;
use crate::engine::time::{Duration, Instant};
use crate::explain::{Branch, Component, Decision, Hop, Outcome, Place, Reason, Step, Trace};
use crate::objects::Name;
use crate::objects::pod_spec::Protocol;
use crate::proxy::rules::{NodeFacts, Packet, Verdict, decide};

/// One way between two pods of one node; of a cluster; between the outside and a node. Plain figures for a data centre.
const SAME_NODE: Duration = Duration::from_micros(50);
const ACROSS: Duration = Duration::from_micros(250);
const OUTSIDE: Duration = Duration::from_millis(1);
/// The first port that clients use as their own.
const CLIENT_PORT: u16 = 40_000;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// Where the packet starts.
    pub from: &'a Source,
    /// Where it is to go.
    pub to: SocketAddr,
    /// Protocol.
    pub protocol: Protocol,
    /// When.
    pub now: Instant,
}

/// The packet on its way.
struct Walk<'g> {
    ground: &'g dyn Ground,
    draws: Draws,
    protocol: Protocol,
    now: Instant,
    source: SocketAddr,
    destination: SocketAddr,
    hops: Vec<Hop>,
    one_way: Duration,
    decision: Option<(Decision, Verdict)>,
    chosen: Option<SocketAddr>,
    masquerade: bool,
    branches: Vec<Branch>,
}

/// Follows one packet.
pub fn trace(ground: &dyn Ground, draws: Draws, asked: &Asked<'_>) -> Trace {
    let v6 = asked.to.ip().is_ipv6();
    let of_family = |ips: &[IpAddr]| ips.iter().copied().find(|ip| ip.is_ipv6() == v6);
    let unspecified = ground.outside(v6);
    let (source, first) = match asked.from {
        Source::Outside => (unspecified, None),
        Source::Node(node) if asked.to.ip().is_loopback() => (asked.to.ip(), Some(node.clone())),
        Source::Node(node) => (of_family(&ground.node_ips(node)).unwrap_or(unspecified), Some(node.clone())),
        Source::Address { ip, at_node } => (*ip, Some(at_node.clone())),
        Source::Pod { namespace, name } => match ground.pod(namespace, name) {
            Some((node, ips)) => (of_family(&ips).unwrap_or(unspecified), Some(node)),
            None => (unspecified, None),
        },
    };
    let mut walk = Walk {
        ground,
        draws,
        protocol: asked.protocol,
        now: asked.now,
        source: SocketAddr::new(source, CLIENT_PORT),
        destination: asked.to,
        hops: Vec::new(),
        one_way: Duration::ZERO,
        decision: None,
        chosen: None,
        masquerade: false,
        branches: Vec::new(),
    };
    let outcome = match first {
        Some(node) => walk.at_node(&node, 0),
        None => walk.enter(),
    };
    walk.finish(outcome)
}

impl Walk<'_> {
    fn hop(&mut self, place: Place, component: Component, step: Step, reason: Reason) {
        let (before, after) = ((self.source, self.destination), (self.source, self.destination));
        self.hops.push(Hop { place, component, step, reason, before, after, not_eligible: Vec::new(), view_age: None });
    }

    /// From the outside machine: to a node by its address, or to a balancer, which chooses a node.
    fn enter(&mut self) -> Outcome {
        let ip = self.destination.ip();
        self.one_way = self.one_way + OUTSIDE;
        let nodes = self.ground.nodes();
        if let Some(node) = nodes.iter().find(|n| self.ground.node_addresses(n).contains(&ip)) {
            return self.at_node(node, 0);
        }
        if self.ground.is_balancer(ip) {
            // Health checks are not modelled yet: the balancer knows which nodes have power.
            let up: Vec<Name> = nodes.into_iter().filter(|n| self.ground.node_up(n)).collect();
            let mut draw = self.draws.keyed("balancer/node", (self.now.as_nanos(), self.destination));
            let Some(node) = draw.pick(&up).cloned() else {
                self.hop(Place::Balancer, Component::LoadBalancer, Step::Lost, Reason::NobodyHasAddress { ip });
                return Outcome::TimedOut;
            };
            self.hop(Place::Balancer, Component::LoadBalancer, Step::Forward, Reason::NoRule);
            self.one_way = self.one_way + ACROSS;
            return self.at_node(&node, 0);
        }
        if self.ground.is_internal(ip) {
            self.hop(Place::Outside, Component::Network, Step::Lost, Reason::NotRoutedFromOutside { ip });
            return Outcome::TimedOut;
        }
        self.elsewhere()
    }

    /// A node meets the packet: its rules decide.
    fn at_node(&mut self, node: &Name, depth: u8) -> Outcome {
        let place = Place::Node(node.clone());
        if !self.ground.node_up(node) {
            self.hop(place, Component::Network, Step::Lost, Reason::NodeDown { node: node.clone() });
            return Outcome::TimedOut;
        }
        let Some((view, age)) = self.ground.programmed(node) else { return self.onward(node, depth) };
        let zone = self.ground.zone(node);
        let facts = NodeFacts {
            name: node,
            zone: zone.as_deref(),
            node_ips: self.ground.node_ips(node),
            addresses: self.ground.node_addresses(node),
        };
        let packet = Packet { source: self.source.ip(), destination: self.destination, protocol: self.protocol };
        let verdict = decide(&view, self.ground.proxy_config(), &facts, packet);
        let first = self.decision.is_none() || matches!(self.decision, Some((Decision::Pass, _)));
        if first {
            self.decision = Some((verdict.decision, verdict.clone()));
        }
        let step = match verdict.decision {
            Decision::Dnat => Step::Dnat,
            Decision::Reject => Step::Reject,
            Decision::Drop => Step::Drop,
            Decision::Pass => Step::Pass,
        };
        self.hop(place, Component::KubeProxy, step, verdict.reason.clone());
        if let Some(hop) = self.hops.last_mut() {
            hop.not_eligible.clone_from(&verdict.not_eligible);
            hop.view_age = Some(age);
        }
        match verdict.decision {
            Decision::Reject => Outcome::Refused,
            Decision::Drop => Outcome::TimedOut,
            Decision::Pass if verdict.reason == Reason::ModeNotModelled => Outcome::Unknown,
            Decision::Pass => self.onward(node, depth),
            Decision::Dnat => self.rewrite(node, &verdict, depth, first),
        }
    }

    /// DNAT to one of the candidates, with the source rewritten if the rules say so.
    fn rewrite(&mut self, node: &Name, verdict: &Verdict, depth: u8, first: bool) -> Outcome {
        let flow = (self.now.as_nanos(), self.source.ip(), self.destination);
        let mut draw = self.draws.keyed("proxy/pick", (&**node, flow));
        let Some(pick) = draw.pick(&verdict.candidates).copied() else { return Outcome::Refused };
        let source = self.source;
        if first {
            self.branches = self.ends(node, verdict, depth);
            self.chosen = Some(pick);
            self.masquerade = verdict.masquerades(source.ip(), pick);
        }
        self.take(node, verdict, pick);
        self.onward(node, depth)
    }

    /// The packet as it leaves the rules for one pick.
    fn take(&mut self, node: &Name, verdict: &Verdict, pick: SocketAddr) {
        if verdict.masquerades(self.source.ip(), pick) {
            let v6 = pick.is_ipv6();
            if let Some(own) = self.ground.node_ips(node).into_iter().find(|ip| ip.is_ipv6() == v6) {
                self.source = SocketAddr::new(own, self.source.port());
            }
        }
        self.destination = pick;
        if let Some(hop) = self.hops.last_mut() {
            hop.after = (self.source, self.destination);
        }
    }

    /// Every pick with its end, walked on copies.
    fn ends(&self, node: &Name, verdict: &Verdict, depth: u8) -> Vec<Branch> {
        let total = verdict.candidates.len() as u64;
        let end = |pick: &SocketAddr| {
            let mut copy = Walk {
                ground: self.ground,
                draws: self.draws,
                hops: Vec::new(),
                branches: Vec::new(),
                decision: Some((Decision::Dnat, verdict.clone())),
                ..*self
            };
            copy.take(node, verdict, *pick);
            Branch { share: (1, total), backend: Some(*pick), outcome: copy.onward(node, depth) }
        };
        verdict.candidates.iter().map(end).collect()
    }

    /// From a node to whoever has the destination: the node itself, a pod, another node, or the outside.
    fn onward(&mut self, node: &Name, depth: u8) -> Outcome {
        let ip = self.destination.ip();
        if ip.is_loopback() || self.ground.node_addresses(node).contains(&ip) {
            return self.at_host(node);
        }
        if let Some(sandbox) = self.ground.sandbox(ip) {
            self.one_way = self.one_way + if sandbox.node == *node { SAME_NODE } else { ACROSS };
            let place = Place::Pod { namespace: sandbox.namespace.clone(), name: sandbox.pod.clone() };
            if !self.ground.node_up(&sandbox.node) {
                self.hop(
                    Place::Node(sandbox.node.clone()),
                    Component::Network,
                    Step::Lost,
                    Reason::NodeDown { node: sandbox.node },
                );
                return Outcome::TimedOut;
            }
            let sockets: Vec<_> = sandbox.sockets.iter().map(|(s, _)| *s).collect();
            return self.at_socket(place, &sockets);
        }
        let other = self.ground.nodes().into_iter().find(|n| n != node && self.ground.node_addresses(n).contains(&ip));
        if let Some(other) = other.filter(|_| depth == 0) {
            self.one_way = self.one_way + ACROSS;
            return self.at_node(&other, depth + 1);
        }
        if self.ground.is_internal(ip) {
            if self.ground.certain() {
                self.hop(Place::Node(node.clone()), Component::Network, Step::Lost, Reason::NobodyHasAddress { ip });
                return Outcome::TimedOut;
            }
            self.hop(Place::Node(node.clone()), Component::Network, Step::Forward, Reason::NotModelled { ip });
            return Outcome::Unknown;
        }
        self.one_way = self.one_way + OUTSIDE;
        self.elsewhere()
    }

    /// A host outside: nobody here knows what it does; that it answers is assumed.
    fn elsewhere(&mut self) -> Outcome {
        let ip = self.destination.ip();
        self.hop(Place::Outside, Component::Server, Step::Accept, Reason::AssumedOutside { ip });
        if self.ground.certain() { Outcome::Delivered } else { Outcome::Unknown }
    }

    fn at_host(&mut self, node: &Name) -> Outcome {
        let sockets: Vec<_> = self.ground.host_sockets(node).into_iter().map(|(s, _)| s).collect();
        self.at_socket(Place::Node(node.clone()), &sockets)
    }

    /// The socket: open, bound to the loopback only, or not there.
    fn at_socket(&mut self, place: Place, sockets: &[crate::kubelet::images::Listener]) -> Outcome {
        let port = self.destination.port();
        let on_port = || sockets.iter().filter(|s| s.port == port && s.protocol == self.protocol);
        let loopback = self.destination.ip().is_loopback();
        let answers = on_port()
            .any(|s| s.bind.is_none_or(|b| b.is_loopback() == loopback || b == self.destination.ip() || b.is_unspecified()));
        if answers {
            self.hop(place, Component::Server, Step::Accept, Reason::Delivered);
            return Outcome::Delivered;
        }
        let reason = if on_port().next().is_some() { Reason::BoundToLoopback { port } } else { Reason::NothingListens { port } };
        self.hop(place, Component::Server, Step::Refuse, reason);
        Outcome::Refused
    }

    fn finish(self, outcome: Outcome) -> Trace {
        let (decision, verdict) = match self.decision {
            Some((decision, verdict)) => (decision, Some(verdict)),
            None => (Decision::Pass, None),
        };
        let candidates = verdict.as_ref().map(|v| v.candidates.clone()).unwrap_or_default();
        let source = self.hops.first().map_or(self.source, |h| h.before.0).ip();
        let masquerade_for = verdict.map(|v| v.candidates.iter().filter(|c| v.masquerades(source, **c)).copied().collect());
        let branches = match self.branches.is_empty() {
            true => vec![Branch { share: (1, 1), backend: self.chosen, outcome }],
            false => self.branches,
        };
        Trace {
            hops: self.hops,
            decision,
            candidates,
            chosen: self.chosen,
            masquerade: self.masquerade,
            masquerade_for: masquerade_for.unwrap_or_default(),
            outcome,
            round_trip: self.one_way.times(2),
            seen_source: (outcome == Outcome::Delivered).then_some(self.source),
            branches,
        }
    }
}
