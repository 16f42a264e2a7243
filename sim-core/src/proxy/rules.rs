//! The rules of one node, walked for one packet: Service addresses in evaluation order, then policies, source ranges and
//! masquerading, for the iptables and nftables modes.
//!
//! In a real cluster these are chains and maps in the kernel, evaluated for the first packet of a connection; conntrack carries
//! the rest. Both modes give the same answer but where the text says so. Left out: the ipvs mode (its verdict says so), the
//! memory of session affinity, what other programs put into the tables.
//! The real thing: `pkg/proxy/iptables/proxier.go`, `pkg/proxy/nftables/proxier.go`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::choose::{Here, Usable, external_local, usable};
use super::lookup::{Entry, balancer_ips};
use super::{Mode, Net, NodePortAddress, Programmed, ProxyConfig};
use crate::explain::{AddressKind, Decision, NotEligible, Reason};
use crate::objects::Name;
use crate::objects::pod_spec::Protocol;
use crate::objects::service::Service;

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
    fn owns(&self, ip: IpAddr) -> bool {
        ip.is_loopback() || self.addresses.contains(&ip)
    }
}

/// What the rules do.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Decision.
    pub decision: Decision,
    /// Why.
    pub reason: Reason,
    /// What may be picked, in kube-proxy's order, each as likely as the other.
    pub candidates: Vec<SocketAddr>,
    /// Masquerade whatever is picked.
    pub masquerade: bool,
    /// What may not be picked, and why.
    pub not_eligible: Vec<(SocketAddr, NotEligible)>,
}

impl Verdict {
    /// Whether a pick is masqueraded: by rule, or because it is the sender itself (hairpin).
    pub fn masquerades(&self, source: IpAddr, pick: SocketAddr) -> bool {
        self.masquerade || pick.ip() == source
    }

    fn plain(decision: Decision, reason: Reason) -> Verdict {
        Verdict { decision, reason, candidates: Vec::new(), masquerade: false, not_eligible: Vec::new() }
    }
}

/// Where a packet comes from, as the chains ask it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// Local pod traffic, as the detector sees it.
    Pod,
    /// A process of the node.
    Host,
    /// Anybody else.
    Outside,
}

/// One packet before one node's rules.
#[derive(Clone, Copy)]
struct Walk<'a> {
    table: &'a Programmed,
    config: &'a ProxyConfig,
    node: &'a NodeFacts<'a>,
    packet: Packet,
    origin: Origin,
}

/// Walks the rules.
pub fn decide(table: &Programmed, config: &ProxyConfig, node: &NodeFacts<'_>, packet: Packet) -> Verdict {
    if config.mode == Mode::Ipvs {
        return Verdict::plain(Decision::Pass, Reason::ModeNotModelled);
    }
    let walk = Walk { table, config, node, packet, origin: origin(config, node, packet.source) };
    let (to, protocol) = (packet.destination, packet.protocol);
    // Cluster, external and balancer addresses come before node ports.
    if let Some(entry) = table.lookup().address(to, protocol) {
        return walk.service(entry);
    }
    let by_node_port = table.lookup().node_port(to.is_ipv6(), to.port(), protocol).filter(|_| node.owns(to.ip()));
    match by_node_port.and_then(|entry| walk.node_port(entry)) {
        Some(verdict) => verdict,
        None => walk.unmatched(),
    }
}

fn origin(config: &ProxyConfig, node: &NodeFacts<'_>, source: IpAddr) -> Origin {
    let is_pod = config.pod_cidrs.iter().flatten().any(|c| c.contains(source));
    match (is_pod, node.owns(source)) {
        (true, _) => Origin::Pod,
        (false, true) => Origin::Host,
        (false, false) => Origin::Outside,
    }
}

/// Whether node ports are taken on this address of the node: `--nodeport-addresses`.
fn takes_node_ports(config: &ProxyConfig, node: &NodeFacts<'_>, ip: IpAddr) -> bool {
    let entries = &config.node_port_addresses;
    let is_primary = node.node_ips.contains(&ip);
    if ip.is_loopback() && (config.mode != Mode::Iptables || ip.is_ipv6() || !config.localhost_node_ports) {
        return false;
    }
    if entries.is_empty() {
        // Unset: all addresses in iptables mode, the node IPs in nftables mode.
        return is_primary || config.mode == Mode::Iptables;
    }
    let nets = || entries.iter().filter_map(NodePortAddress::net).filter(|n| n.address.is_ipv6() == ip.is_ipv6());
    if entries.contains(&NodePortAddress::Primary) {
        return is_primary || nets().any(|n| n.contains(ip));
    }
    // A family that the list does not speak of takes every address.
    nets().next().is_none() || nets().any(|n| n.contains(ip))
}

impl Walk<'_> {
    fn here(&self) -> Here<'_> {
        Here { node: self.node.name, zone: self.node.zone }
    }

    fn usable(&self, entry: &Entry) -> Usable {
        usable(self.table.view(), &entry.service, entry.port(), self.packet.destination.is_ipv6(), self.here())
    }

    /// A local address and the port of a Service's node port; `None` if the node leaves it alone.
    fn node_port(&self, entry: &Entry) -> Option<Verdict> {
        let verdict = self.service(entry);
        let taken = takes_node_ports(self.config, self.node, self.packet.destination.ip());
        // The filter rules of iptables mode look at local addresses, whatever the list says.
        let filtered = self.config.mode == Mode::Iptables && matches!(verdict.decision, Decision::Reject | Decision::Drop);
        (taken || filtered).then_some(verdict)
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
            _ => match self.table.lookup().health_port(port).filter(|_| local && self.packet.protocol == Protocol::Tcp) {
                Some(service) => Verdict::plain(Decision::Pass, Reason::HealthCheckPort { service: name(service) }),
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
    fn service(&self, entry: &Entry) -> Verdict {
        let service = name(&entry.service);
        let usable = self.usable(entry);
        let local = self.stays_local(entry);
        let (list, left_out) = match local {
            true => (&usable.local, &usable.not_in_local),
            false => (&usable.cluster, &usable.not_in_cluster),
        };
        // iptables has no firewall chain where there is no endpoint; nftables filters first.
        if self.is_barred(entry) && (self.config.mode == Mode::Nftables || usable.any) {
            return Verdict::plain(Decision::Drop, Reason::SourceNotAllowed { service });
        }
        if !usable.any {
            return Verdict { not_eligible: left_out.clone(), ..self.no_endpoints(entry, service) };
        }
        if list.is_empty() {
            let reason = Reason::NoLocalEndpoints { service, external: entry.kind != AddressKind::ClusterIp };
            return Verdict { not_eligible: left_out.clone(), ..Verdict::plain(Decision::Drop, reason) };
        }
        Verdict {
            decision: Decision::Dnat,
            reason: Reason::ServiceMatched { service, port: entry.port().port, via: entry.kind },
            candidates: list.clone(),
            masquerade: self.masquerades(entry),
            not_eligible: left_out.clone(),
        }
    }

    /// Whether only endpoints of this node may be picked. Pods and the node itself, calling an address meant for the outside,
    /// are sent on as in-cluster traffic ("short circuit").
    fn stays_local(&self, entry: &Entry) -> bool {
        match entry.kind {
            AddressKind::ClusterIp => entry.service.internal_local,
            _ => external_local(&entry.service) && self.origin == Origin::Outside,
        }
    }

    /// iptables mode rejects external and balancer addresses where packets are forwarded or come in, not where the node's own
    /// processes send them out.
    fn no_endpoints(&self, entry: &Entry, service: Name) -> Verdict {
        let sent_out = self.origin == Origin::Host && !self.node.owns(self.packet.destination.ip());
        let foreign = matches!(entry.kind, AddressKind::ExternalIp | AddressKind::LoadBalancerIp);
        if self.config.mode == Mode::Iptables && sent_out && foreign {
            return Verdict::plain(Decision::Pass, Reason::NotRejectedOnOutput { service });
        }
        Verdict::plain(Decision::Reject, Reason::NoEndpoints { service })
    }

    /// Whether the source is rewritten whatever is picked.
    fn masquerades(&self, entry: &Entry) -> bool {
        match entry.kind {
            // Without a detector nothing is known to be foreign.
            AddressKind::ClusterIp => self.config.masquerade_all || self.config.pod_cidrs.is_some() && self.origin != Origin::Pod,
            _ if external_local(&entry.service) => self.origin == Origin::Host,
            _ => true,
        }
    }

    /// Whether the balancer's source ranges keep the packet out.
    fn is_barred(&self, entry: &Entry) -> bool {
        let (from, to) = (self.packet.source, self.packet.destination.ip());
        // In nftables the firewall comes before the match, so an address that is both kinds is filtered.
        let filtered = match entry.kind {
            AddressKind::LoadBalancerIp => true,
            AddressKind::ExternalIp => self.config.mode == Mode::Nftables && balancer_ips(&entry.service).any(|ip| ip == to),
            _ => false,
        };
        let ranges: Vec<Net> = entry.service.source_ranges.iter().filter_map(|r| Net::parse(r)).collect();
        let ranges: Vec<Net> = ranges.into_iter().filter(|n| n.address.is_ipv6() == to.is_ipv6()).collect();
        if !filtered || ranges.is_empty() || ranges.iter().any(|n| n.prefix == 0 || n.contains(from)) {
            return false;
        }
        // A node may dial an address bound to itself, if it may dial the balancer at all.
        let node_allowed = self.node.node_ips.iter().any(|own| ranges.iter().any(|n| n.contains(*own)));
        !(from == to && node_allowed)
    }
}

fn name(service: &Service) -> Name {
    format!("{}/{}", service.meta.namespace, service.meta.name).into()
}

#[cfg(test)]
mod tests;
