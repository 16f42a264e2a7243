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

use super::choose::is_local;
use super::lookup::Entry;
use super::rules::{Origin, Verdict, Walk, takes_node_ports};
use crate::explain::{AddressKind, Decision, Reason};
use crate::objects::pod_spec::Protocol;

impl Walk<'_> {
    /// Walks the rules of ipvs mode.
    pub(super) fn ipvs(&self) -> Verdict {
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
        match lookup.health_port(to.port()).filter(|_| checked) {
            Some(service) => Verdict::plain(Decision::Pass, Reason::HealthCheckPort { service: service.clone() }),
            // The node's own sockets must not be reached by an address of a Service.
            None if bound && !self.node.owns(to.ip()) => Verdict::plain(Decision::Reject, Reason::NoSuchServicePort),
            None => Verdict::plain(Decision::Pass, Reason::NoRule),
        }
    }

    fn virtual_server(&self, entry: Entry<'_>) -> Verdict {
        let facts = entry.facts;
        let local_policy = match entry.kind {
            AddressKind::ClusterIp => facts.service.internal_local,
            _ => facts.external_local,
        };
        let usable = self.usable(entry);
        let only_local = local_policy && !usable.local.is_empty();
        let barred = entry.kind == AddressKind::LoadBalancerIp && self.is_barred_by_set(entry);
        let service = facts.name.clone();
        // What the node's own processes send meets the virtual server first and the filter behind it.
        if barred && (self.origin != Origin::Host || usable.any()) {
            return Verdict::plain(Decision::Drop, Reason::SourceNotAllowed { service });
        }
        if !usable.any() && !only_local {
            let none = Verdict::plain(Decision::Reject, Reason::NoEndpoints { service });
            return Verdict::none_of(entry, false, none);
        }
        let mut verdict = Verdict {
            masquerade: self.marks(entry),
            sticky: facts.service.affinity.map(|seconds| self.sticky(entry, seconds)),
            turns: Some((self.packet.destination, self.packet.protocol)),
            ..Verdict::dnat(entry, only_local, usable)
        };
        verdict.hairpin = self.loops_back(entry, verdict.candidates());
        verdict
    }

    /// The sets of source ranges. Packets of the node itself carry the balancer's address as their source, because it is bound
    /// here; they are let out if some range has the node's address.
    fn is_barred_by_set(&self, entry: Entry<'_>) -> bool {
        let to = self.packet.destination.ip();
        let from = if self.origin == Origin::Host { to } else { self.packet.source };
        !self.in_ranges(entry, from, to)
    }

    /// The sets of what is masqueraded. Packets from a loopback address leave the chain first.
    fn marks(&self, entry: Entry<'_>) -> bool {
        let source = self.packet.source;
        if source.is_loopback() {
            return false;
        }
        match (entry.kind, &self.config.pod_cidrs) {
            (AddressKind::ClusterIp, _) if self.config.masquerade_all => true,
            (AddressKind::ClusterIp, Some(_)) => self.origin != Origin::Pod,
            (AddressKind::ClusterIp, None) => {
                let from = SocketAddr::new(source, self.packet.destination.port());
                let server = self.table.lookup().address(from, self.packet.protocol);
                server.is_some_and(|e| e.kind == AddressKind::ClusterIp)
            }
            _ => !entry.facts.external_local,
        }
    }

    /// Whether a pod that is sent to itself is masqueraded: the set holds the endpoints of this node only.
    fn loops_back(&self, entry: Entry<'_>, candidates: &[SocketAddr]) -> bool {
        let facts = entry.facts;
        let own = candidates.iter().find(|c| c.ip() == self.packet.source);
        own.is_some_and(|c| is_local(self.table.view(), (&facts.service, facts.port()), self.node.here(), *c))
    }
}

#[cfg(test)]
mod tests;
