//! The rules of one node, walked for one packet: Service addresses in evaluation order, then policies, source ranges and
//! masquerading, for the iptables and nftables modes. The ipvs mode is in `ipvs.rs`.
//!
//! In a real cluster these are chains and maps in the kernel, evaluated for the first packet of a connection; conntrack carries
//! the rest. Both modes give the same answer but where the text says so. Whom a client was sent to before is in
//! [`super::memory`]. Left out: what other programs put into the tables.
//! The real thing: `pkg/proxy/iptables/proxier.go`, `pkg/proxy/nftables/proxier.go`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use super::choose::{Here, Usable, left_out};
use super::lookup::{Entry, balancer_ips};
use super::memory::{Owner, Sticky, VirtualServer};
use super::{Mode, NodePortAddress, Programmed, ProxyConfig};
use crate::engine::time::Duration;
use crate::explain::{AddressKind, Decision, NotEligible, Reason};
use crate::objects::pod_spec::Protocol;

/// The first packet of a new connection, as a node meets it.
#[derive(Clone, Copy, Debug)]
pub struct Packet {
    /// Source address.
    pub source: IpAddr,
    /// Destination.
    pub destination: SocketAddr,
    /// Protocol.
    pub protocol: Protocol,
}

/// The node that walks its rules.
#[derive(Clone, Debug)]
pub struct NodeFacts<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its zone.
    pub zone: Option<&'a str>,
    /// Its node IPs: first of each family.
    pub node_ips: Vec<IpAddr>,
    /// All its interface addresses, loopback aside.
    pub addresses: Vec<IpAddr>,
}

impl NodeFacts<'_> {
    pub(super) fn owns(&self, ip: IpAddr) -> bool {
        ip.is_loopback() || self.addresses.contains(&ip)
    }

    /// The node as it chooses endpoints.
    pub fn here(&self) -> Here<'_> {
        Here { node: self.name, zone: self.zone }
    }
}

/// Whether a pick that is the sender itself is masqueraded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hairpin {
    /// Nothing is picked.
    Never,
    /// Wherever it is.
    Anywhere,
    /// If it is on this node: one that may be picked and is here is in the Local list.
    Here,
}

/// What the rules do.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Decision.
    pub decision: Decision,
    /// Why.
    pub reason: Reason,
    /// Masquerade whatever is picked.
    pub masquerade: bool,
    /// Whoever may be picked remembers its clients.
    pub sticky: Option<Sticky>,
    /// Real servers take turns here; else each candidate is as likely as the other.
    pub turns: Option<VirtualServer>,
    pub(super) hairpin: Hairpin,
    /// The number of the port, and whether only endpoints of this node were asked for.
    pub(super) asked: Option<(usize, bool)>,
    pub(super) usable: Option<Arc<Usable>>,
}

impl Verdict {
    /// What may be picked, in kube-proxy's order.
    pub fn candidates(&self) -> &[SocketAddr] {
        match (&self.usable, self.asked) {
            (Some(usable), Some((_, true))) => &usable.local,
            (Some(usable), _) => &usable.cluster,
            (None, _) => &[],
        }
    }

    /// What may not be picked, and why.
    pub fn not_eligible(&self, table: &Programmed, node: &NodeFacts<'_>) -> Vec<(SocketAddr, NotEligible)> {
        let Some((number, only_local)) = self.asked else { return Vec::new() };
        let Some(facts) = table.lookup().ports().get(number) else { return Vec::new() };
        left_out(table.view(), (&facts.service, facts.port()), facts.v6, node.here(), (self.candidates(), only_local))
    }

    /// Whether a pick is masqueraded: by rule, or because it is the sender itself (hairpin).
    pub fn masquerades(&self, source: IpAddr, pick: SocketAddr) -> bool {
        let is_here = || self.usable.as_ref().is_some_and(|usable| usable.local.contains(&pick));
        let hairpin = || match self.hairpin {
            Hairpin::Never => false,
            Hairpin::Anywhere => true,
            Hairpin::Here => is_here(),
        };
        self.masquerade || pick.ip() == source && hairpin()
    }

    /// Of a connection that is known: no rule was asked.
    pub fn known(decision: Decision) -> Verdict {
        Verdict::plain(decision, Reason::KnownConnection)
    }

    pub(super) fn plain(decision: Decision, reason: Reason) -> Verdict {
        let (sticky, turns, asked, usable) = (None, None, None, None);
        Verdict { decision, reason, masquerade: false, sticky, turns, hairpin: Hairpin::Never, asked, usable }
    }

    /// Nothing may be picked, and what there is was left out.
    pub(super) fn none_of(entry: Entry<'_>, only_local: bool, verdict: Verdict) -> Verdict {
        Verdict { asked: Some((entry.facts.number(), only_local)), ..verdict }
    }

    /// Rewritten to one of a list.
    pub(super) fn dnat(entry: Entry<'_>, only_local: bool, usable: Arc<Usable>) -> Verdict {
        let facts = entry.facts;
        let reason = Reason::ServiceMatched { service: facts.name.clone(), port: facts.declared, via: entry.kind };
        let (asked, usable) = (Some((facts.number(), only_local)), Some(usable));
        Verdict { asked, usable, hairpin: Hairpin::Anywhere, ..Verdict::plain(Decision::Dnat, reason) }
    }
}

/// Where a packet comes from, as the chains ask it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Local pod traffic, as the detector sees it.
    Pod,
    /// A process of the node.
    Host,
    /// Anybody else.
    Outside,
}

/// One packet before one node's rules.
#[derive(Clone, Copy)]
pub(super) struct Walk<'a> {
    pub(super) table: &'a Programmed,
    pub(super) config: &'a ProxyConfig,
    pub(super) node: &'a NodeFacts<'a>,
    pub(super) packet: Packet,
    pub(super) origin: Origin,
}

/// Walks the rules.
pub fn decide(table: &Programmed, config: &ProxyConfig, node: &NodeFacts<'_>, packet: Packet) -> Verdict {
    let walk = Walk { table, config, node, packet, origin: origin(table, config, node, packet.source) };
    if config.mode == Mode::Ipvs {
        return walk.ipvs();
    }
    let (to, protocol) = (packet.destination, packet.protocol);
    let node_port = || table.lookup().node_port(to.is_ipv6(), to.port(), protocol).filter(|_| node.owns(to.ip()));
    // Cluster, external and balancer addresses come before node ports.
    if let Some(entry) = table.lookup().address(to, protocol) {
        let verdict = walk.service(entry);
        let other = (verdict.decision != Decision::Dnat).then(node_port).flatten();
        return other.and_then(|other| walk.instead(entry, &verdict, other)).unwrap_or(verdict);
    }
    let by_node_port = node_port();
    match by_node_port.and_then(|entry| walk.node_port(entry)) {
        Some(verdict) => verdict,
        None => walk.unmatched(),
    }
}

fn origin(table: &Programmed, config: &ProxyConfig, node: &NodeFacts<'_>, source: IpAddr) -> Origin {
    // In ipvs mode Service addresses are the node's own, and its processes call them from them.
    let is_bound = || config.mode == Mode::Ipvs && table.lookup().is_service_ip(source);
    if config.pod_cidrs.iter().flatten().any(|c| c.contains(source)) {
        Origin::Pod
    } else if node.owns(source) || is_bound() {
        Origin::Host
    } else {
        Origin::Outside
    }
}

/// The addresses on which kube-proxy opens the health check ports of Services: those of node ports; `None` = all.
pub fn health_addresses(config: &ProxyConfig, node: &NodeFacts<'_>) -> Option<Vec<IpAddr>> {
    let entries = &config.node_port_addresses;
    let unset = entries.is_empty() && config.mode != Mode::Nftables;
    let everywhere = unset || entries.iter().filter_map(NodePortAddress::net).any(|net| net.prefix == 0);
    let takes = |ip: &IpAddr| takes_node_ports(config, node, *ip);
    (!everywhere).then(|| node.addresses.iter().copied().filter(takes).collect())
}

/// Whether node ports are taken on this address of the node: `--nodeport-addresses`.
pub fn takes_node_ports(config: &ProxyConfig, node: &NodeFacts<'_>, ip: IpAddr) -> bool {
    let entries = &config.node_port_addresses;
    let is_primary = node.node_ips.contains(&ip);
    if ip.is_loopback() && (config.mode != Mode::Iptables || ip.is_ipv6() || !config.localhost_node_ports) {
        return false;
    }
    if entries.is_empty() {
        // Unset: the node IPs in nftables mode, else all addresses.
        return is_primary || config.mode != Mode::Nftables;
    }
    let nets = || entries.iter().filter_map(NodePortAddress::net).filter(|n| n.address.is_ipv6() == ip.is_ipv6());
    if entries.contains(&NodePortAddress::Primary) {
        return is_primary || nets().any(|n| n.contains(ip));
    }
    // A family that the list does not speak of takes every address. Otherwise it is about addresses of interfaces, of which the
    // loopback has one.
    let everywhere = nets().next().is_none() || nets().any(|n| n.prefix == 0);
    let on_interface = !ip.is_loopback() || ip == Ipv4Addr::LOCALHOST;
    everywhere || on_interface && nets().any(|n| n.contains(ip))
}

impl Walk<'_> {
    pub(super) fn usable(&self, entry: Entry<'_>) -> Arc<Usable> {
        self.table.usable(entry.facts, self.node.here())
    }

    /// What another Service's node port makes of a packet that an address keeps out. The scan of the nat rules goes on to the node
    /// ports where nothing was rewritten; what keeps packets out looks at their destination later, when a node port may have changed
    /// that. In nftables mode an address with endpoints is left for good.
    fn instead(&self, entry: Entry<'_>, kept_out: &Verdict, other: Entry<'_>) -> Option<Verdict> {
        let taken = takes_node_ports(self.config, self.node, self.packet.destination.ip());
        let verdict = if taken { self.service(other) } else { self.filtered(other)? };
        let nftables = self.config.mode == Mode::Nftables;
        if verdict.decision == Decision::Dnat {
            let scanned = !nftables || matches!(kept_out.reason, Reason::NoEndpoints { .. });
            return scanned.then_some(verdict);
        }
        // iptables has the filter rules in the order of the Services. nftables has those of node ports first, but not for what the
        // node itself sends. Source ranges come before both.
        let is_first = if nftables { !self.node.owns(self.packet.source) } else { other.facts.number() < entry.facts.number() };
        (is_first && !self.is_barred(entry)).then_some(verdict)
    }

    /// A local address and the port of a Service's node port; `None` if the node leaves it alone.
    fn node_port(&self, entry: Entry<'_>) -> Option<Verdict> {
        let taken = takes_node_ports(self.config, self.node, self.packet.destination.ip());
        let verdict = if taken { self.service(entry) } else { self.filtered(entry)? };
        // The guard of the loopback addresses is the first rule that a packet meets which was not sent on.
        let guarded = self.config.mode == Mode::Iptables && verdict.decision != Decision::Dnat && self.guards_loopback();
        (!guarded).then_some(verdict)
    }

    /// The filter rules of iptables mode look at all local addresses, whatever the list of node port addresses says, and know of
    /// no short circuit.
    fn filtered(&self, entry: Entry<'_>) -> Option<Verdict> {
        let iptables = self.config.mode == Mode::Iptables;
        iptables.then(|| self.nobody(entry, entry.facts.external_local, &self.usable(entry)))?
    }

    /// Nothing of kube-proxy's tables for new connections to Services matches.
    fn unmatched(&self) -> Verdict {
        let (ip, port) = (self.packet.destination.ip(), self.packet.destination.port());
        let local = self.node.owns(ip);
        match self.config.mode {
            Mode::Nftables if self.table.lookup().is_cluster_ip(ip) => {
                Verdict::plain(Decision::Reject, Reason::NoSuchServicePort)
            }
            Mode::Nftables if self.config.service_cidrs.iter().any(|n| n.contains(ip)) => {
                Verdict::plain(Decision::Drop, Reason::UnallocatedServiceIp)
            }
            Mode::Iptables if self.guards_loopback() => Verdict::plain(Decision::Drop, Reason::LoopbackGuard),
            _ => match self
                .table
                .lookup()
                .health_port(ip.is_ipv6(), port)
                .filter(|_| local && self.packet.protocol == Protocol::Tcp)
            {
                Some(service) => Verdict::plain(Decision::Pass, Reason::HealthCheckPort { service: service.clone() }),
                None => Verdict::plain(Decision::Pass, Reason::NoRule),
            },
        }
    }

    /// Loopback node ports need `route_localnet`, which would let others on the wire reach 127.0.0.0/8: a rule forbids that.
    fn guards_loopback(&self) -> bool {
        let (from, to) = (self.packet.source, self.packet.destination.ip());
        let enabled = takes_node_ports(self.config, self.node, IpAddr::V4(Ipv4Addr::LOCALHOST));
        enabled && to.is_ipv4() && to.is_loopback() && !from.is_loopback()
    }

    /// A packet to an address of a Service.
    fn service(&self, entry: Entry<'_>) -> Verdict {
        let facts = entry.facts;
        let usable = self.usable(entry);
        let only_local = self.stays_local(entry);
        // iptables has no firewall chain where there is no endpoint; nftables filters first.
        if self.is_barred(entry) && (self.config.mode == Mode::Nftables || usable.any()) {
            return Verdict::plain(Decision::Drop, Reason::SourceNotAllowed { service: facts.name.clone() });
        }
        if let Some(verdict) = self.nobody(entry, only_local, &usable) {
            return verdict;
        }
        let sticky = facts.affinity.map(|seconds| self.sticky(entry, seconds));
        Verdict { masquerade: self.masquerades(entry), sticky, ..Verdict::dnat(entry, only_local, usable) }
    }

    /// What happens where no endpoint may be picked; `None` if one may.
    fn nobody(&self, entry: Entry<'_>, only_local: bool, usable: &Usable) -> Option<Verdict> {
        let none = if !usable.any() {
            self.no_endpoints(entry)
        } else if only_local && usable.local.is_empty() {
            let external = entry.kind != AddressKind::ClusterIp;
            Verdict::plain(Decision::Drop, Reason::NoLocalEndpoints { service: entry.facts.name.clone(), external })
        } else {
            return None;
        };
        Some(Verdict::none_of(entry, only_local, none))
    }

    /// The memory is the port's, whichever address it was reached by; ipvs has one for each virtual server.
    pub(super) fn sticky(&self, entry: Entry<'_>, seconds: i64) -> Sticky {
        let owner = match self.config.mode {
            Mode::Ipvs => Owner::Virtual((self.packet.destination, self.packet.protocol)),
            Mode::Iptables | Mode::Nftables => Owner::Port {
                service: entry.facts.name.clone(),
                port: entry.facts.port().name.clone(),
                protocol: self.packet.protocol,
            },
        };
        Sticky { owner, timeout: Duration::from_secs(u64::try_from(seconds).unwrap_or(0)) }
    }

    /// Whether only endpoints of this node may be picked. Pods and the node itself, calling an address meant for the outside,
    /// are sent on as in-cluster traffic ("short circuit").
    fn stays_local(&self, entry: Entry<'_>) -> bool {
        match entry.kind {
            AddressKind::ClusterIp => entry.facts.internal_local,
            _ => entry.facts.external_local && self.origin == Origin::Outside,
        }
    }

    /// iptables mode rejects external and balancer addresses where packets are forwarded or come in, not where the node's own
    /// processes send them out.
    fn no_endpoints(&self, entry: Entry<'_>) -> Verdict {
        let service = entry.facts.name.clone();
        let sent_out = self.node.owns(self.packet.source) && !self.node.owns(self.packet.destination.ip());
        let foreign = matches!(entry.kind, AddressKind::ExternalIp | AddressKind::LoadBalancerIp);
        if self.config.mode == Mode::Iptables && sent_out && foreign {
            return Verdict::plain(Decision::Pass, Reason::NotRejectedOnOutput { service });
        }
        Verdict::plain(Decision::Reject, Reason::NoEndpoints { service })
    }

    /// Whether the source is rewritten whatever is picked.
    fn masquerades(&self, entry: Entry<'_>) -> bool {
        match entry.kind {
            // Without a detector nothing is known to be foreign.
            AddressKind::ClusterIp => {
                self.config.masquerade_all || self.config.detects_pods(entry.facts.v6) && self.origin != Origin::Pod
            }
            _ if entry.facts.external_local => self.origin == Origin::Host,
            _ => true,
        }
    }

    /// Whether the balancer's source ranges keep the packet out.
    fn is_barred(&self, entry: Entry<'_>) -> bool {
        let (from, to) = (self.packet.source, self.packet.destination.ip());
        self.is_balancers(entry) && !self.in_ranges(entry, from, to)
    }

    /// Whether the source ranges are asked about. Only iptables mode finds an address that is external and the balancer's as an
    /// external one and does not ask.
    pub(super) fn is_balancers(&self, entry: Entry<'_>) -> bool {
        let to = self.packet.destination.ip();
        match entry.kind {
            AddressKind::LoadBalancerIp => true,
            AddressKind::ExternalIp => {
                self.config.mode != Mode::Iptables && balancer_ips(&entry.facts.service).any(|ip| ip == to)
            }
            AddressKind::ClusterIp | AddressKind::NodePort => false,
        }
    }

    /// Whether the source ranges let a source in. A node may have the balancer's addresses on an interface and then calls from
    /// them: it may, if it may call the balancer at all.
    pub(super) fn in_ranges(&self, entry: Entry<'_>, from: IpAddr, to: IpAddr) -> bool {
        let ranges = &entry.facts.ranges;
        let from_balancer = || match self.config.mode {
            Mode::Ipvs => from == to,
            Mode::Iptables | Mode::Nftables => balancer_ips(&entry.facts.service).any(|ip| ip == from),
        };
        ranges.is_empty() || ranges.iter().any(|n| n.contains(from)) || self.node_in_ranges(entry) && from_balancer()
    }

    /// Whether the source ranges let the node in.
    pub(super) fn node_in_ranges(&self, entry: Entry<'_>) -> bool {
        let ranges = &entry.facts.ranges;
        ranges.is_empty() || self.node.node_ips.iter().any(|own| ranges.iter().any(|n| n.contains(*own)))
    }
}

#[cfg(test)]
mod tests;
