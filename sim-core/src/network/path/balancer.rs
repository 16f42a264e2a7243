//! The station of a cloud's load balancer: it picks a target by what its own checks say, and by nothing else.
//!
//! In a real cluster packets of a passthrough balancer keep the client's address and are sent to a node with the balancer's address
//! as destination (`ipMode: VIP`); one that proxies opens a connection of its own to a node port, or to a pod.

use std::net::SocketAddr;

use super::{Sending, Walk};
use crate::cloud::Target;
use crate::explain::{Component, NotEligible, Outcome, Place, Reason, Step};
use crate::network::conntrack::Tuple;
use crate::network::graph::BALANCER;
use crate::network::{Balanced, Held};
use crate::objects::Name;

impl Walk<'_> {
    /// A packet reaches a balancer, from outside or from a node that has sent it out. The policies of a pod that sent it end here.
    pub(super) fn at_balancer(&mut self, place: Place, from: &str) -> Outcome {
        if !self.travels(place, from, BALANCER) {
            return Outcome::TimedOut;
        }
        (self.sender, self.sending_node, self.home) = (None, None, None);
        let Some(mut balancer) = self.ground.balancer(self.destination.ip()) else { return self.at_some_balancer() };
        let (to, protocol) = (self.destination, self.protocol);
        let Some(port) = balancer.ports.iter().find(|p| (p.port, p.protocol) == (to.port(), protocol)).cloned() else {
            let reason = Reason::NoSuchBalancerPort { service: balancer.service, port: to.port(), protocol };
            self.hop(Place::Balancer, Component::LoadBalancer, Step::Lost, reason);
            return Outcome::TimedOut;
        };
        balancer.targets.retain(|held| match &held.target {
            Target::Pod(at) => port.pod_ports.contains(&at.port()),
            Target::Node(_) => true,
        });
        let (open, reason) = open_to_new(&balancer);
        let port = if balancer.proxies { port.node_port.unwrap_or(to.port()) } else { to.port() };
        let holds = |held: &&Held| self.knows(&balancer, &held.target, port);
        let picked = match balancer.targets.iter().find(holds) {
            Some(held) => Some(held),
            None => self.any_of("balancer/node", open.len()).map(|i| open[i]),
        };
        let step = if picked.is_some() { Step::Forward } else { Step::Lost };
        self.hop(Place::Balancer, Component::LoadBalancer, step, reason(picked));
        let left_out: Vec<_> = balancer.targets.iter().filter(|held| !open.contains(held)).collect();
        let left_out = left_out.into_iter().filter_map(|held| Some((self.address(&held.target, port)?, left_out_for(held))));
        let left_out = left_out.collect();
        if let Some(hop) = self.hops.last_mut() {
            hop.not_eligible = left_out;
        }
        match picked {
            None => Outcome::TimedOut,
            Some(held) => self.sent_on(&balancer, &held.target, port),
        }
    }

    /// To the node or pod that was picked.
    fn sent_on(&mut self, balancer: &Balanced, target: &Target, port: u16) -> Outcome {
        (self.source, self.destination) = self.as_sent_on(balancer, target, port);
        if let Some(hop) = self.hops.last_mut() {
            hop.after = (self.source, self.destination);
        }
        match target {
            Target::Node(node) => {
                self.by_balancer = Some(node.clone());
                if self.travels(Place::Balancer, BALANCER, node) { self.at_node(node, 0) } else { Outcome::TimedOut }
            }
            Target::Pod(at) => {
                self.chosen = Some(*at);
                let Some(sandbox) = self.ground.sandbox(at.ip()) else {
                    let reason = Reason::NobodyHasAddress { ip: at.ip() };
                    self.hop(Place::Balancer, Component::Network, Step::Lost, reason);
                    return Outcome::TimedOut;
                };
                // No rule is asked at the pod's node, but its kernel notes the connection like any other.
                let (ends, known) =
                    ((self.source, self.destination), self.has_noted(&sandbox.node, (self.source, self.destination)));
                self.leave(&sandbox.node, ends, None, known);
                if self.travels(Place::Balancer, BALANCER, &sandbox.node) { self.at_pod(&sandbox) } else { Outcome::TimedOut }
            }
        }
    }

    /// Source and destination as they are on the way to a target.
    fn as_sent_on(&self, balancer: &Balanced, target: &Target, port: u16) -> (SocketAddr, SocketAddr) {
        let rewrites = balancer.proxies || matches!(target, Target::Pod(_));
        let destination = self.address(target, port).filter(|_| rewrites).unwrap_or(self.destination);
        let source = if balancer.keeps_source { self.source.ip() } else { self.destination.ip() };
        (SocketAddr::new(source, self.source.port()), destination)
    }

    /// Whether a connection went to a target before: the balancer sends it there again.
    fn knows(&self, balancer: &Balanced, target: &Target, port: u16) -> bool {
        let node = match target {
            Target::Node(node) => Some(node.clone()),
            Target::Pod(at) => self.ground.sandbox(at.ip()).map(|sandbox| sandbox.node),
        };
        node.is_some_and(|node| self.has_noted(&node, self.as_sent_on(balancer, target, port)))
    }

    /// Whether a node's kernel has a note of a connection between these ends.
    fn has_noted(&self, node: &Name, (source, destination): (SocketAddr, SocketAddr)) -> bool {
        let tuple = Tuple { protocol: self.protocol, source, destination };
        self.flow(node, &tuple).is_some()
    }

    /// One of so many, drawn anew for each connection.
    fn any_of(&mut self, what: &str, of: usize) -> Option<usize> {
        let port = Some(self.source.port()).filter(|_| self.sending != Sending::Imagined);
        self.chooser.choose(what, (self.now.as_nanos(), self.destination, port), of)
    }

    fn address(&self, target: &Target, port: u16) -> Option<SocketAddr> {
        match target {
            Target::Pod(at) => Some(*at),
            Target::Node(node) => {
                let v6 = self.destination.is_ipv6();
                let ip = self.ground.node_ips(node).into_iter().find(|ip| ip.is_ipv6() == v6)?;
                Some(SocketAddr::new(ip, port))
            }
        }
    }

    /// A balancer of somebody else's making: all that is assumed of it is that it knows which nodes have power.
    fn at_some_balancer(&mut self) -> Outcome {
        let up: Vec<Name> = self.ground.nodes().into_iter().filter(|n| self.ground.node_up(n)).collect();
        let before = up.iter().find(|node| self.has_noted(node, (self.source, self.destination))).cloned();
        let Some(node) = before.or_else(|| self.any_of("balancer/node", up.len()).map(|i| up[i].clone())) else {
            self.hop(Place::Balancer, Component::LoadBalancer, Step::Lost, Reason::NoNodeBehindBalancer);
            return Outcome::TimedOut;
        };
        let reason = Reason::BalancerPicked { node: node.clone(), of: up.len() };
        self.hop(Place::Balancer, Component::LoadBalancer, Step::Forward, reason);
        self.by_balancer = Some(node.clone());
        if self.travels(Place::Balancer, BALANCER, &node) { self.at_node(&node, 0) } else { Outcome::TimedOut }
    }
}

/// The targets that new connections may go to, and how the choice is explained.
fn open_to_new(balancer: &Balanced) -> (Vec<&Held>, impl Fn(Option<&Held>) -> Reason) {
    let staying = || balancer.targets.iter().filter(|held| !held.leaving);
    let healthy: Vec<&Held> = staying().filter(|held| held.healthy).collect();
    let last_resort = healthy.is_empty() && balancer.fails_open;
    let open: Vec<&Held> = if last_resort { staying().collect() } else { healthy };
    let (of, service) = (open.len(), balancer.service.clone());
    let reason = move |picked: Option<&Held>| match picked {
        None => Reason::NoHealthyTarget { service: service.clone() },
        Some(held) => {
            let target = match &held.target {
                Target::Node(node) => node.clone(),
                Target::Pod(at) => at.to_string().into(),
            };
            let service = service.clone();
            if last_resort {
                Reason::AllUnhealthy { service, target, of }
            } else {
                Reason::HealthyTarget { service, target, of, since: held.since }
            }
        }
    };
    (open, reason)
}

fn left_out_for(held: &Held) -> NotEligible {
    if held.leaving { NotEligible::Draining } else { NotEligible::Unhealthy { since: held.since } }
}
