//! The station of a node's kernel: a connection that it knows keeps its translation, a new one meets kube-proxy's rules.
//!
//! In a real cluster conntrack is asked before the nat table is. What the packet would leave behind here is noted, not done: a
//! trace only looks. The rules themselves are in [`crate::proxy::rules`].

use std::net::{IpAddr, SocketAddr};

use super::{Sending, Walk};
use crate::explain::{Component, Decision, Outcome, Place, Reason, Step};
use crate::network::choice::Chooser;
use crate::network::conntrack::{Flow, Tuple};
use crate::network::kernel::{Picked, Station};
use crate::objects::Name;
use crate::proxy::Mode;
use crate::proxy::rules::{NodeFacts, Packet, Verdict, decide};

impl Walk<'_> {
    /// A node meets the packet: its rules decide.
    pub(super) fn at_node(&mut self, node: &Name, depth: u8) -> Outcome {
        let place = Place::Node(node.clone());
        if !self.ground.node_up(node) {
            self.hop(place, Component::Network, Step::Lost, Reason::NodeDown { node: node.clone() });
            return Outcome::TimedOut;
        }
        if self.known(node) {
            return self.onward(node, depth);
        }
        let Some((table, age)) = self.ground.programmed(node) else { return self.onward(node, depth) };
        let zone = self.ground.zone(node);
        let facts = NodeFacts {
            name: node,
            zone: zone.as_deref(),
            node_ips: self.ground.node_ips(node),
            addresses: self.ground.node_addresses(node),
        };
        let packet = Packet { source: self.source.ip(), destination: self.destination, protocol: self.protocol };
        let mut verdict = decide(&table, self.ground.proxy_config(), &facts, packet);
        let remembered = self.remembered(node, &verdict);
        if let (Some(_), Reason::ServiceMatched { service, port, via }) = (remembered, &verdict.reason) {
            verdict.reason = Reason::SessionAffinity { service: service.clone(), port: *port, via: *via };
        }
        self.first.get_or_insert_with(|| verdict.clone());
        let step = match verdict.decision {
            Decision::Dnat => Step::Dnat,
            Decision::Reject => Step::Reject,
            Decision::Drop => Step::Drop,
            Decision::Pass => Step::Pass,
        };
        self.hop(place, Component::KubeProxy, step, verdict.reason.clone());
        if let Some(hop) = self.hops.last_mut() {
            hop.not_eligible = verdict.not_eligible(&table, &facts);
            hop.view_age = Some(age);
        }
        match verdict.decision {
            Decision::Reject => Outcome::Refused,
            Decision::Drop => Outcome::TimedOut,
            Decision::Pass => {
                self.leave(node, (self.source, self.destination), None, false);
                self.onward(node, depth)
            }
            Decision::Dnat => self.rewrite(node, &verdict, remembered, depth),
        }
    }

    /// A connection that the node knows keeps its translation; no rule is asked.
    fn known(&mut self, node: &Name) -> bool {
        let before = (self.source, self.destination);
        let tuple = Tuple { protocol: self.protocol, source: before.0, destination: before.1 };
        let Some(flow) = self.flow(node, &tuple) else { return false };
        let rewritten = flow.reply_source != before.1;
        let (decision, step) = if rewritten { (Decision::Dnat, Step::Dnat) } else { (Decision::Pass, Step::Pass) };
        self.hop(Place::Node(node.clone()), Component::Network, step, Reason::KnownConnection);
        self.first.get_or_insert_with(|| Verdict::known(decision));
        (self.source, self.destination) = (flow.reply_destination, flow.reply_source);
        if let Some(hop) = self.hops.last_mut() {
            hop.after = (self.source, self.destination);
        }
        if rewritten {
            self.chosen = Some(self.destination);
            self.note_rewriting(node);
        }
        self.leave(node, before, None, true);
        true
    }

    /// The node's note of the connection that this packet belongs to.
    pub(super) fn flow(&self, node: &Name, tuple: &Tuple) -> Option<Flow> {
        let flow = self.ground.kernel(node)?.conntrack.get(tuple, self.now).copied()?;
        let anew = matches!(self.sending, Sending::First(_)) && flow.is_over();
        Some(flow).filter(|_| self.sending != Sending::Imagined && !anew)
    }

    /// The candidate that session affinity asks for.
    fn remembered(&self, node: &Name, verdict: &Verdict) -> Option<usize> {
        let memory = &self.ground.kernel(node)?.memory;
        let mode = self.ground.proxy_config().mode;
        memory.remembered(verdict.sticky.as_ref()?, self.source.ip(), verdict.candidates(), mode, self.now)
    }

    /// DNAT to one of the candidates, with the source rewritten if the rules say so.
    fn rewrite(&mut self, node: &Name, verdict: &Verdict, remembered: Option<usize>, depth: u8) -> Outcome {
        let (before, candidates) = ((self.source, self.destination), verdict.candidates());
        // Two connections of one moment differ in the client's port.
        let port = Some(self.source.port()).filter(|_| self.sending != Sending::Imagined);
        let flow = (self.now.as_nanos(), self.source.ip(), self.destination, port);
        let number = match (remembered, &verdict.turns, &self.chooser) {
            (Some(number), ..) => Some(number),
            (None, Some(server), Chooser::Drawn(_)) => {
                Some(self.ground.kernel(node).map_or(0, |kernel| kernel.memory.turn(server, candidates)))
            }
            _ => self.chooser.choose("proxy/pick", (&**node, flow), candidates.len()),
        };
        let Some(pick) = number.and_then(|i| candidates.get(i)).copied() else { return Outcome::Refused };
        self.chosen = Some(pick);
        self.take(node, verdict, pick);
        self.note_rewriting(node);
        let turns = verdict.turns.filter(|_| remembered.is_none());
        self.leave(node, before, Some(Picked { endpoint: pick, sticky: verdict.sticky.clone(), turns }), false);
        self.onward(node, depth)
    }

    /// Notes what the node's kernel would remember.
    pub(super) fn leave(&mut self, node: &Name, before: (SocketAddr, SocketAddr), picked: Option<Picked>, known: bool) {
        let after = (self.source, self.destination);
        self.footprint.push(Station { node: node.clone(), before, after, picked, known });
    }

    /// Answers come back by the node that rewrote the packet if it is the sender now, or the sender's own node. A pod that was sent
    /// on by another node hears the backend itself answer, which it never called.
    fn note_rewriting(&mut self, node: &Name) {
        let source = self.source.ip();
        let is_home = self.home.as_ref() == Some(node);
        let returns = is_home || source.is_loopback() || self.ground.node_addresses(node).contains(&source);
        self.rewritten_by = Some((node.clone(), returns));
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

    /// The addresses that a node's own processes call from. In ipvs mode Service addresses are bound to the node, and the kernel
    /// calls an address of its own from that address.
    pub(super) fn own_addresses(&self, node: &Name, to: IpAddr) -> Vec<IpAddr> {
        let bound = self.ground.proxy_config().mode == Mode::Ipvs
            && self.ground.programmed(node).is_some_and(|(table, _)| table.lookup().is_service_ip(to));
        if bound { vec![to] } else { self.ground.node_ips(node) }
    }
}
