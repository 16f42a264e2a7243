//! The ipvs mode: what a node does with a packet when virtual servers in the kernel do the balancing.
//!
//! In a real cluster kube-proxy binds every Service address to the dummy device `kube-ipvs0`, so that it is a local address of
//! every node, and makes one virtual server of each address, port and protocol. The scheduler is `rr`: real servers take turns.
//! A few iptables rules with address sets mark what is to be masqueraded, refuse other ports of bound addresses, and keep out
//! sources. Policies Local do not drop: without a local endpoint all endpoints serve, and nobody is sent past the local ones.
//! A real server that goes away gets weight 0: no new connection, and those it has go on (connection tracking carries them).
//! Left out: other schedulers, `--ipvs-exclude-cidrs`, strict ARP.
//! The real thing: `pkg/proxy/ipvs/proxier.go`.

use std::net::SocketAddr;

use super::lookup::Entry;
use super::rules::{Hairpin, Origin, Packet, Verdict, Walk, takes_node_ports};
use crate::explain::{AddressKind, Decision, Reason};
use crate::objects::pod_spec::Protocol;

impl Walk<'_> {
    /// Walks the rules of ipvs mode.
    pub(super) fn ipvs(&self) -> Verdict {
        // A walk that is copied costs more than all that follows.
        match self.called_from_itself() {
            Some(itself) => itself.virtual_servers(),
            None => self.virtual_servers(),
        }
    }

    /// Whether a process of the node sends the packet: it comes from an address of the node, the dummy device's among them.
    fn is_sent_here(&self) -> bool {
        self.node.owns(self.packet.source) || self.table.lookup().is_service_ip(self.packet.source)
    }

    /// The kernel lets a process that calls a local address call it from that address, and the addresses on the dummy device are
    /// local. One that has bound itself to such an address keeps it.
    fn called_from_itself(&self) -> Option<Self> {
        let to = self.packet.destination.ip();
        let itself =
            self.node.addresses.contains(&self.packet.source) && !self.node.owns(to) && self.table.lookup().is_service_ip(to);
        let packet = Packet { source: to, ..self.packet };
        itself.then_some(Walk { packet, origin: Origin::Host, ..*self })
    }

    fn virtual_servers(&self) -> Verdict {
        let (to, lookup) = (self.packet.destination, self.table.lookup());
        if let Some(entry) = lookup.address(to, self.packet.protocol) {
            return self.virtual_server(entry);
        }
        let taken = self.node.owns(to.ip()) && takes_node_ports(self.config, self.node, to.ip());
        if let Some(entry) = lookup.node_port(to.is_ipv6(), to.port(), self.packet.protocol).filter(|_| taken) {
            return self.virtual_server(entry);
        }
        let bound = lookup.is_service_ip(to.ip());
        let checked = (bound || self.node.owns(to.ip())) && self.packet.protocol == Protocol::Tcp;
        let health_port = lookup.health_port(to.is_ipv6(), to.port());
        match health_port.filter(|_| checked) {
            Some(service) => Verdict::plain(Decision::Pass, Reason::HealthCheckPort { service: service.clone() }),
            // The node's own sockets must not be reached by an address of a Service, but for health checks, whatever the protocol.
            None if bound && !self.node.owns(to.ip()) && health_port.is_none() => {
                Verdict::plain(Decision::Reject, Reason::NoSuchServicePort)
            }
            None => Verdict::plain(Decision::Pass, Reason::NoRule),
        }
    }

    fn virtual_server(&self, entry: Entry<'_>) -> Verdict {
        let (facts, to) = (entry.facts, self.packet.destination.ip());
        let local_policy = match entry.kind {
            AddressKind::ClusterIp => facts.internal_local,
            _ => facts.external_local,
        };
        let usable = self.usable(entry);
        let only_local = local_policy && !usable.local.is_empty();
        let barred = self.is_balancers(entry) && self.is_barred_by_set(entry);
        let service = facts.name.clone();
        // What the node's own processes send meets the virtual server first and the filter behind it.
        if barred && (!self.is_sent_here() || usable.any()) {
            return Verdict::plain(Decision::Drop, Reason::SourceNotAllowed { service });
        }
        if !usable.any() && !only_local {
            let none = Verdict::plain(Decision::Reject, Reason::NoEndpoints { service });
            return Verdict::none_of(entry, false, none);
        }
        Verdict {
            masquerade: self.marks(entry),
            sticky: facts.affinity.map(|seconds| self.sticky(entry, seconds)),
            turns: Some((self.packet.destination, self.packet.protocol)),
            // The set of what may loop back holds the endpoints of this node only; what comes from the address it calls does not.
            hairpin: if self.packet.source == to && !self.node.owns(to) { Hairpin::Never } else { Hairpin::Here },
            ..Verdict::dnat(entry, only_local, usable)
        }
    }

    /// The sets of source ranges; what the node itself sends meets a rule of its own, which asks for its node IP only.
    fn is_barred_by_set(&self, entry: Entry<'_>) -> bool {
        let (from, to) = (self.packet.source, self.packet.destination.ip());
        if self.is_sent_here() {
            return from == to && !self.node_in_ranges(entry);
        }
        !self.in_ranges(entry, from, to)
    }

    /// The sets of what is masqueraded. Packets from a loopback address leave the chain first.
    fn marks(&self, entry: Entry<'_>) -> bool {
        let source = self.packet.source;
        if source.is_loopback() {
            return false;
        }
        if self.marked_as_node_port(entry) {
            return true;
        }
        let internal = entry.kind == AddressKind::ClusterIp;
        if self.config.masquerade_all {
            internal || !entry.facts.external_local
        } else if self.config.detects_pods(entry.facts.v6) {
            if internal { self.origin != Origin::Pod } else { !entry.facts.external_local }
        } else {
            !internal && !entry.facts.external_local || self.is_from_cluster_ip()
        }
    }

    /// Without a detector, what comes from a cluster IP is masqueraded if the Service there has the port that is called.
    fn is_from_cluster_ip(&self) -> bool {
        let from = SocketAddr::new(self.packet.source, self.packet.destination.port());
        let server = self.table.lookup().address(from, self.packet.protocol);
        server.is_some_and(|e| e.kind == AddressKind::ClusterIp)
    }

    /// The sets of node ports hold numbers only, so they mark what goes to a Service's own port of that number too. External IPs
    /// have left the chain before.
    fn marked_as_node_port(&self, entry: Entry<'_>) -> bool {
        let (to, protocol) = (self.packet.destination, self.packet.protocol);
        if entry.kind == AddressKind::ExternalIp || protocol == Protocol::Sctp {
            return false;
        }
        self.table.lookup().node_port(to.is_ipv6(), to.port(), protocol).is_some_and(|e| !e.facts.external_local)
    }
}

#[cfg(test)]
mod tests;
