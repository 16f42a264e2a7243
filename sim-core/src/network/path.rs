//! The ordered list of stations that the first packet of a connection visits.
//!
//! client -> (balancer) -> rules of the first node -> policies out -> (another node's rules) -> fabric -> policies in -> socket.
//! Every station leaves a hop. The pick among backends is a draw keyed by the moment and the flow, so that looking does not change
//! what happens. What a packet would leave behind in the kernels it passes is handed back as a footprint.

mod balancer;
mod policies;
mod rules;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use super::Ground;
use super::choice::Chooser;
use super::graph::OUTSIDE;
use super::kernel::{Footprint, LOOKED_AT};
use super::share::Share;
use super::wire::Source;
use crate::engine::random::Draws;
use crate::engine::time::{Duration, Instant};
use crate::explain::{Branch, Component, Decision, Hop, Outcome, Place, Reason, Step, Trace};
use crate::kubelet::Sandbox;
use crate::kubelet::images::{Behaviour, Listener};
use crate::objects::Name;
use crate::objects::pod::Pod;
use crate::objects::pod_spec::Protocol;
use crate::proxy::rules::Verdict;

/// One way between two pods of one node.
const SAME_NODE: Duration = Duration::from_micros(50);
/// From the user's machine to another one outside.
const BETWEEN_OUTSIDERS: Duration = Duration::from_millis(1);

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
    /// Which packet it is.
    pub sending: Sending,
}

/// Which packet of a connection is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sending {
    /// The first one of a new connection, imagined: known connections are not asked for.
    Imagined,
    /// The first one, from this port of the client; or the same one sent again.
    First(u16),
    /// One of an established connection.
    Later(u16),
}

/// More ways than this are not walked one by one.
const WAYS_MAX: usize = 1_000;

/// Through more nodes than this no packet goes: in by one, to the pod's by way of another's address.
const NODES_MAX: u8 = 3;

/// The packet on its way.
struct Walk<'g> {
    ground: &'g dyn Ground,
    chooser: Chooser,
    protocol: Protocol,
    now: Instant,
    asked: (SocketAddr, SocketAddr),
    source: SocketAddr,
    destination: SocketAddr,
    hops: Vec<Hop>,
    one_way: Duration,
    /// What the first node decided.
    first: Option<Verdict>,
    /// The node a balancer chose.
    by_balancer: Option<Name>,
    chosen: Option<SocketAddr>,
    /// The pod that sends it, unless that is on the host's network.
    sender: Option<Arc<Pod>>,
    /// The node whose own process sends it.
    sending_node: Option<Name>,
    footprint: Footprint,
    /// The last node that rewrote the packet, and whether answers come by it on their way to the client.
    rewritten_by: Option<(Name, bool)>,
    sending: Sending,
    /// The node on which its sender is; `None` if it comes from outside, or from a balancer.
    home: Option<Name>,
}

/// Follows one packet, and looks where every other choice would have led.
pub fn trace(ground: &dyn Ground, draws: Draws, asked: &Asked<'_>) -> Trace {
    let (mut trace, _) = follow(ground, draws, asked);
    trace.branches = branches(ground, asked);
    trace
}

/// Follows one packet only; also what it would leave behind.
pub fn follow(ground: &dyn Ground, draws: Draws, asked: &Asked<'_>) -> (Trace, Footprint) {
    let mut walk = Walk::new(ground, Chooser::Drawn(draws), asked);
    let outcome = walk.run(asked);
    let footprint = std::mem::take(&mut walk.footprint);
    (walk.finish(outcome), footprint)
}

/// Every way with its share. What is left after [`WAYS_MAX`] ways is one branch whose end is unknown.
fn branches(ground: &dyn Ground, asked: &Asked<'_>) -> Vec<Branch> {
    let (mut branches, mut rest, mut picks) = (Vec::new(), Share::ALL, Some(Vec::new()));
    while let Some(set) = picks.take() {
        if branches.len() == WAYS_MAX {
            branches.push(Branch { share: rest.parts(), node: None, backend: None, outcome: Outcome::Unknown, end: None });
            break;
        }
        let mut walk = Walk::new(ground, Chooser::set(&set), asked);
        let outcome = walk.run(asked);
        let (next, ways) = walk.chooser.next();
        let share = Share::one_of(ways);
        rest = rest.without(share);
        let end = walk.hops.pop().map(|hop| hop.reason);
        branches.push(Branch { share: share.parts(), node: walk.by_balancer, backend: walk.chosen, outcome, end });
        picks = next;
    }
    branches
}

impl<'g> Walk<'g> {
    fn new(ground: &'g dyn Ground, chooser: Chooser, asked: &Asked<'_>) -> Walk<'g> {
        let port = match asked.sending {
            Sending::Imagined => LOOKED_AT,
            Sending::First(port) | Sending::Later(port) => port,
        };
        let source = SocketAddr::new(ground.outside(asked.to.is_ipv6()), port);
        // Linux takes "no address" for its own.
        let to = match asked.to.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        Walk {
            ground,
            chooser,
            protocol: asked.protocol,
            now: asked.now,
            asked: (source, asked.to),
            source,
            destination: SocketAddr::new(to, asked.to.port()),
            hops: Vec::new(),
            one_way: Duration::ZERO,
            first: None,
            by_balancer: None,
            chosen: None,
            sender: None,
            sending_node: None,
            footprint: Vec::new(),
            rewritten_by: None,
            sending: asked.sending,
            home: None,
        }
    }

    /// The stations, in order: the client, then whoever its packet meets first.
    fn run(&mut self, asked: &Asked<'_>) -> Outcome {
        let to = self.destination.ip();
        let (ips, node) = match asked.from {
            Source::Outside => return self.enter(),
            Source::Address { ip, at_node } => (vec![*ip], at_node.clone()),
            Source::Node(node) if to.is_loopback() => (vec![to], node.clone()),
            Source::Node(node) => (self.own_addresses(node, to), node.clone()),
            Source::Pod { namespace, name } => match self.ground.pod(namespace, name) {
                Some((node, ips)) => (ips, node),
                None => (Vec::new(), Name::default()),
            },
        };
        // A pod's loopback is its own, and no rule of the node sees it.
        if let (Source::Pod { .. }, true, Some(sandbox)) =
            (asked.from, to.is_loopback(), ips.first().and_then(|ip| self.ground.sandbox(*ip)))
        {
            self.source.set_ip(to);
            self.asked.0 = self.source;
            return self.at_pod(&sandbox);
        }
        let Some(own) = ips.into_iter().find(|ip| ip.is_ipv6() == to.is_ipv6()) else {
            self.hop(Place::Client, Component::Network, Step::Lost, Reason::NoAddressOfFamily { ip: to });
            return Outcome::Unreachable;
        };
        self.source.set_ip(own);
        self.asked.0 = self.source;
        self.home = Some(node.clone());
        self.sender = self.pod_at(&node, own);
        self.sending_node = (self.sender.is_none() && self.ground.node_addresses(&node).contains(&own)).then(|| node.clone());
        if !self.ground.node_up(&node) {
            self.hop(Place::Client, Component::Network, Step::Lost, Reason::NodeDown { node });
            return Outcome::TimedOut;
        }
        self.at_node(&node, 0)
    }

    fn hop(&mut self, place: Place, component: Component, step: Step, reason: Reason) {
        let (before, after) = ((self.source, self.destination), (self.source, self.destination));
        self.hops.push(Hop {
            place,
            component,
            step,
            reason,
            before,
            after,
            not_eligible: Vec::new(),
            view_age: None,
            guessed: false,
        });
    }

    /// From the outside machine: to a node by its address, or to a balancer, which chooses a node.
    fn enter(&mut self) -> Outcome {
        let ip = self.destination.ip();
        if ip.is_loopback() || ip == self.source.ip() {
            self.source.set_ip(ip);
            self.asked.0 = self.source;
            return self.at_socket(Place::Client, &[], false);
        }
        if let Some(node) = self.ground.node_at(ip) {
            if !self.travels(Place::Outside, OUTSIDE, &node) {
                return Outcome::TimedOut;
            }
            if self.ground.node_up(&node) {
                self.hop(Place::Node(node.clone()), Component::Network, Step::Arrive, Reason::OwnsAddress { ip });
            }
            return self.at_node(&node, 0);
        }
        if self.ground.is_balancer(ip) {
            return self.at_balancer(Place::Outside, OUTSIDE);
        }
        if self.ground.is_internal(ip) {
            self.hop(Place::Outside, Component::Network, Step::Lost, Reason::NotRoutedFromOutside { ip });
            return Outcome::TimedOut;
        }
        self.one_way = self.one_way + BETWEEN_OUTSIDERS;
        self.elsewhere()
    }

    /// Goes through the wires. `false`: the packet is lost on the way, which leaves a hop.
    fn travels(&mut self, place: Place, from: &str, to: &str) -> bool {
        let way = match self.ground.way(from, to) {
            Ok(way) => way,
            Err((a, b)) => {
                self.hop(place, Component::Network, Step::Lost, Reason::LinkDown { a, b });
                return false;
            }
        };
        self.one_way = self.one_way + way.latency;
        let flow = (self.now.as_nanos(), self.source, self.destination);
        let lost = way.losses.into_iter().find(|(link, ppm)| self.chooser.loses(*ppm, (flow, link)));
        if let Some(((a, b), _)) = &lost {
            let reason = Reason::PacketLost { a: a.clone(), b: b.clone() };
            self.hop(place, Component::Network, Step::Lost, reason);
        }
        lost.is_none()
    }

    /// From a node to whoever has the destination: the node itself, a pod, another node, or the outside.
    fn onward(&mut self, node: &Name, depth: u8) -> Outcome {
        let ip = self.destination.ip();
        if depth == 0 && !self.may_leave(node) {
            // A node notes a flow when its first packet leaves.
            self.footprint.pop();
            return Outcome::TimedOut;
        }
        if ip.is_loopback() || self.ground.node_addresses(node).contains(&ip) {
            return self.at_host(node);
        }
        // Before pods: those on a node's own network share its address.
        let may_be_node = depth < NODES_MAX && !self.ground.is_internal(ip);
        let other = may_be_node.then(|| self.ground.node_at(ip)).flatten();
        // An address of this node is none of another's: it was looked for above.
        if let Some(other) = other {
            if !self.travels(Place::Node(node.clone()), node, &other) {
                return Outcome::TimedOut;
            }
            return self.at_node(&other, depth + 1);
        }
        if let Some(sandbox) = self.ground.sandbox(ip) {
            if sandbox.node == *node {
                self.one_way = self.one_way + SAME_NODE;
            } else if !self.travels(Place::Node(node.clone()), node, &sandbox.node) {
                return Outcome::TimedOut;
            }
            return self.at_pod(&sandbox);
        }
        if self.ground.is_internal(ip) {
            if self.ground.certain() {
                self.hop(Place::Node(node.clone()), Component::Network, Step::Lost, Reason::NobodyHasAddress { ip });
                return Outcome::TimedOut;
            }
            self.hop(Place::Node(node.clone()), Component::Network, Step::Forward, Reason::NotModelled { ip });
            return Outcome::Unknown;
        }
        if self.ground.is_balancer(ip) {
            return self.back_to_balancer(node);
        }
        if !self.travels(Place::Node(node.clone()), node, OUTSIDE) {
            return Outcome::TimedOut;
        }
        self.elsewhere()
    }

    /// To a balancer from a node. What a balancer has sent to a node, and no rule there takes, is routed back to it, and so on until
    /// its TTL is used up.
    fn back_to_balancer(&mut self, node: &Name) -> Outcome {
        let place = Place::Node(node.clone());
        if self.by_balancer.is_none() {
            return self.at_balancer(place, node);
        }
        self.hop(place, Component::Network, Step::Lost, Reason::NobodyHasAddress { ip: self.destination.ip() });
        Outcome::TimedOut
    }

    /// A host outside: nobody here knows what it does; that it answers is assumed. Not of a Service's external address, which is
    /// routed to some node or to nobody, and of what is no single host's address.
    fn elsewhere(&mut self) -> Outcome {
        let ip = self.destination.ip();
        let is_broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
        if self.is_external_ip(ip) || ip.is_multicast() || is_broadcast {
            self.hop(Place::Outside, Component::Network, Step::Forward, Reason::NotModelled { ip });
            return Outcome::Unknown;
        }
        self.hop(Place::Outside, Component::Server, Step::Accept, Reason::AssumedOutside { ip });
        if self.ground.certain() { Outcome::Delivered } else { Outcome::Unknown }
    }

    /// Whether some Service has the address, as the first node sees it.
    fn is_external_ip(&self, ip: IpAddr) -> bool {
        let node = self.home.clone().or_else(|| self.ground.nodes().into_iter().next());
        let table = node.and_then(|node| self.ground.programmed(&node));
        table.is_some_and(|(table, _)| table.lookup().is_service_ip(ip))
    }

    fn at_pod(&mut self, sandbox: &Sandbox) -> Outcome {
        if !self.ground.node_up(&sandbox.node) {
            let reason = Reason::NodeDown { node: sandbox.node.clone() };
            self.hop(Place::Node(sandbox.node.clone()), Component::Network, Step::Lost, reason);
            return Outcome::TimedOut;
        }
        if !self.destination.ip().is_loopback() && !self.may_enter(sandbox) {
            return Outcome::TimedOut;
        }
        let place = Place::Pod { namespace: sandbox.namespace.clone(), name: sandbox.pod.clone() };
        let is_guess = sandbox.processes.iter().any(|p| p.behaviour.guessed);
        let outcome = self.at_socket(place, &sandbox.sockets, is_guess);
        match &self.rewritten_by {
            Some((node, false)) if *node != sandbox.node => {
                let reason = Reason::AnswerNotRestored { node: node.clone() };
                self.hop(Place::Node(sandbox.node.clone()), Component::Network, Step::Lost, reason);
                Outcome::TimedOut
            }
            _ => outcome,
        }
    }

    fn at_host(&mut self, node: &Name) -> Outcome {
        let sockets = self.ground.host_sockets(node);
        self.at_socket(Place::Node(node.clone()), &sockets, false)
    }

    /// The socket: open, bound to the loopback only, or not there. Where what some program does is a guess, so is it that nothing
    /// listens.
    fn at_socket(&mut self, place: Place, sockets: &[(Listener, Arc<Behaviour>)], is_guess: bool) -> Outcome {
        let (port, protocol) = (self.destination.port(), self.protocol);
        let on_port = || sockets.iter().filter(|(s, _)| s.port == port && s.protocol == protocol);
        let ip = self.destination.ip();
        let takes = |bind: IpAddr| bind.is_unspecified() || bind == ip || bind.is_loopback() && ip.is_loopback();
        // Whether the socket of an established connection is still there is for its two ends to say.
        let open = on_port().find(|(s, _)| s.bind.is_none_or(takes));
        if open.is_some() || matches!(self.sending, Sending::Later(_)) {
            self.hop(place, Component::Server, Step::Accept, Reason::Delivered);
            self.guessed(open.is_some_and(|(_, behaviour)| behaviour.guessed));
            return Outcome::Delivered;
        }
        let shy = on_port().next().is_some();
        let reason = if shy { Reason::BoundToLoopback { port, protocol } } else { Reason::NothingListens { port, protocol } };
        self.hop(place, Component::Server, Step::Refuse, reason);
        self.guessed(is_guess && !shy);
        Outcome::Refused
    }

    /// Marks the last station as one that rests on a guess.
    fn guessed(&mut self, guessed: bool) {
        if let Some(hop) = self.hops.last_mut() {
            hop.guessed = guessed;
        }
    }

    fn finish(self, outcome: Outcome) -> Trace {
        let first = self.first.as_ref();
        let candidates = first.map(|v| v.candidates().to_vec()).unwrap_or_default();
        let masquerades = |c: &SocketAddr| first.is_some_and(|v| v.masquerades(self.asked.0.ip(), *c));
        let masquerade_for: Vec<SocketAddr> = candidates.iter().copied().filter(masquerades).collect();
        let answered = matches!(outcome, Outcome::Delivered | Outcome::Refused);
        Trace {
            asked: self.asked,
            protocol: self.protocol,
            decision: first.map_or(Decision::Pass, |v| v.decision),
            masquerade: self.chosen.is_some_and(|c| masquerade_for.contains(&c)),
            candidates,
            chosen: self.chosen,
            masquerade_for,
            outcome,
            round_trip: self.one_way.times(2),
            seen_source: (outcome == Outcome::Delivered).then_some(self.source),
            branches: Vec::new(),
            return_hops: if answered { way_back(&self.hops) } else { Vec::new() },
            hops: self.hops,
        }
    }
}

/// Each station that rewrote addresses turns those of the answer back.
fn way_back(hops: &[Hop]) -> Vec<Hop> {
    let turned = |(source, destination): (SocketAddr, SocketAddr)| (destination, source);
    let back = |hop: &Hop| Hop {
        step: Step::Restore,
        reason: Reason::AnswerRestored,
        before: turned(hop.after),
        after: turned(hop.before),
        not_eligible: Vec::new(),
        view_age: None,
        guessed: false,
        ..hop.clone()
    };
    hops.iter().rev().filter(|h| h.before != h.after).map(back).collect()
}

#[cfg(test)]
mod tests;
