//! The rules of one node, walked for one packet: Service addresses in evaluation order, then policies, source ranges and
//! masquerading, for the iptables and nftables modes.
//!
//! The real thing: `pkg/proxy/iptables/proxier.go`, `pkg/proxy/nftables/proxier.go`.

use std::net::{IpAddr, SocketAddr};

use super::choose::{Here, Usable, usable};
use super::{Mode, Net, NodePortAddress, ProxyConfig};
use crate::explain::{AddressKind, Decision, NotEligible, Reason};
use crate::objects::Name;
use crate::objects::pod_spec::Protocol;
use crate::objects::service::{Service, ServicePort, ServiceType};
use crate::store::View;

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

/// What the rules do.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Decision.
    pub decision: Decision,
    /// Why.
    pub reason: Reason,
    /// What may be picked, sorted.
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

/// A Service port that a destination belongs to.
struct Match<'v> {
    service: &'v Service,
    port: &'v ServicePort,
    kind: AddressKind,
}

/// Walks the rules.
pub fn decide(view: &View, config: &ProxyConfig, node: &NodeFacts<'_>, packet: Packet) -> Verdict {
    if config.mode == Mode::Ipvs {
        return Verdict::plain(Decision::Pass, Reason::ModeNotModelled);
    }
    match find(view, config, node, packet) {
        Some(found) => of_service(view, config, node, packet, &found),
        None => unmatched(view, config, packet),
    }
}

/// Whether kube-proxy lists a Service at all.
fn is_proxied(service: &Service) -> bool {
    let labels = &service.meta.labels;
    let skipped = labels.get("service.kubernetes.io/service-proxy-name").is_some()
        || labels.get("service.kubernetes.io/headless").is_some();
    !service.headless && !service.cluster_ips.is_empty() && !service.is_external_name() && !skipped
}

/// The Service port behind a destination: cluster, external and balancer addresses come before node ports.
fn find<'v>(view: &'v View, config: &ProxyConfig, node: &NodeFacts<'_>, packet: Packet) -> Option<Match<'v>> {
    let (ip, number) = (packet.destination.ip(), packet.destination.port());
    let of_family = |list: &[IpAddr]| list.iter().any(|a| a.is_ipv6() == ip.is_ipv6());
    let mut by_node_port = None;
    for service in view.services.iter().filter(|s| is_proxied(s) && of_family(&s.cluster_ips)) {
        let kind = if service.cluster_ips.contains(&ip) {
            Some(AddressKind::ClusterIp)
        } else if service.external_ips.contains(&ip) {
            Some(AddressKind::ExternalIp)
        } else if service.ingress.iter().any(|i| i.ip == Some(ip) && !i.proxy_mode) {
            Some(AddressKind::LoadBalancerIp)
        } else {
            None
        };
        for port in service.ports.iter().filter(|p| p.protocol == packet.protocol) {
            if let Some(kind) = kind.filter(|_| port.port == number) {
                return Some(Match { service, port, kind });
            }
            if port.node_port == Some(number) && by_node_port.is_none() {
                by_node_port = Some(Match { service, port, kind: AddressKind::NodePort });
            }
        }
    }
    by_node_port.filter(|found| takes_node_ports(view, config, node, packet, found))
}

/// Whether the destination is an address on which this node takes node ports.
fn takes_node_ports(view: &View, config: &ProxyConfig, node: &NodeFacts<'_>, packet: Packet, found: &Match<'_>) -> bool {
    let ip = packet.destination.ip();
    if ip.is_loopback() {
        let listed = config.node_port_addresses.is_empty()
            || nets(config, ip).next().is_none()
            || nets(config, ip).any(|n| n.contains(ip));
        return config.mode == Mode::Iptables && ip.is_ipv4() && config.localhost_node_ports && listed;
    }
    if !node.addresses.contains(&ip) {
        return false;
    }
    if listed(config, node, ip) {
        return true;
    }
    // iptables rejects and drops a dead node port on every local address.
    let dead = || {
        let usable = of_port(view, node, found, ip);
        choice(found, &usable, Origin::Outside).is_err()
    };
    config.mode == Mode::Iptables && dead()
}

fn listed(config: &ProxyConfig, node: &NodeFacts<'_>, ip: IpAddr) -> bool {
    let primary = node.node_ips.contains(&ip);
    let named_primary = config.node_port_addresses.contains(&NodePortAddress::Primary);
    match (config.node_port_addresses.is_empty(), config.mode) {
        (true, Mode::Nftables) => primary,
        (true, _) => true,
        (false, _) if named_primary => primary || nets(config, ip).any(|n| n.contains(ip)),
        // A family that the list does not speak of takes every address.
        (false, _) => nets(config, ip).next().is_none() || nets(config, ip).any(|n| n.contains(ip)),
    }
}

fn nets(config: &ProxyConfig, ip: IpAddr) -> impl Iterator<Item = Net> + '_ {
    let same = move |n: &Net| n.address.is_ipv6() == ip.is_ipv6();
    let net = |a: &NodePortAddress| if let NodePortAddress::Net(net) = a { Some(*net) } else { None };
    config.node_port_addresses.iter().filter_map(net).filter(same)
}

fn unmatched(view: &View, config: &ProxyConfig, packet: Packet) -> Verdict {
    let ip = packet.destination.ip();
    if config.mode == Mode::Nftables {
        if view.services.iter().any(|s| is_proxied(s) && s.cluster_ips.contains(&ip)) {
            return Verdict::plain(Decision::Reject, Reason::NoSuchServicePort);
        }
        if config.service_cidrs.iter().any(|n| n.contains(ip)) {
            return Verdict::plain(Decision::Drop, Reason::UnallocatedServiceIp);
        }
    }
    Verdict::plain(Decision::Pass, Reason::NoRule)
}

/// Where a packet comes from, as the external chain asks it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Pod,
    Host,
    Outside,
}

fn origin(config: &ProxyConfig, node: &NodeFacts<'_>, source: IpAddr) -> Origin {
    let pod = config.pod_cidrs.as_ref().is_some_and(|cidrs| cidrs.iter().any(|c| c.contains(source)));
    if pod {
        Origin::Pod
    } else if source.is_loopback() || node.addresses.contains(&source) {
        Origin::Host
    } else {
        Origin::Outside
    }
}

fn of_port(view: &View, node: &NodeFacts<'_>, found: &Match<'_>, ip: IpAddr) -> Usable {
    usable(view, found.service, found.port, ip.is_ipv6(), Here { node: node.name, zone: node.zone })
}

/// Whether external traffic is kept on the node.
fn external_local(service: &Service) -> bool {
    let counts = matches!(service.kind, ServiceType::NodePort | ServiceType::LoadBalancer) || !service.external_ips.is_empty();
    service.external_local && counts
}

/// The list to pick from, and whether it came by the Local chain; or the verdict where there is nothing to pick.
fn choice<'u>(found: &Match<'_>, usable: &'u Usable, origin: Origin) -> Result<(&'u Vec<SocketAddr>, bool), Decision> {
    let internal = found.kind == AddressKind::ClusterIp;
    let wants_local = if internal { found.service.internal_local } else { external_local(found.service) };
    let either_local = found.service.internal_local || external_local(found.service);
    let any = !usable.cluster.is_empty() || either_local && usable.any;
    if !any {
        return Err(Decision::Reject);
    }
    // Pods and the node itself are sent on as in-cluster traffic.
    let short_circuit = !internal && origin != Origin::Outside;
    match (wants_local && !short_circuit, &usable.local, &usable.cluster) {
        (true, local, _) if local.is_empty() => Err(Decision::Drop),
        (true, local, _) => Ok((local, true)),
        (false, _, cluster) if cluster.is_empty() => Err(Decision::Drop),
        (false, _, cluster) => Ok((cluster, false)),
    }
}

fn of_service(view: &View, config: &ProxyConfig, node: &NodeFacts<'_>, packet: Packet, found: &Match<'_>) -> Verdict {
    let name: Name = format!("{}/{}", found.service.meta.namespace, found.service.meta.name).into();
    let usable = of_port(view, node, found, packet.destination.ip());
    let origin = origin(config, node, packet.source);
    let choice = choice(found, &usable, origin);
    let barred = barred(config, node, packet, found);
    // iptables has no firewall chain where there is no endpoint; nftables filters first.
    if barred && (config.mode == Mode::Nftables || choice != Err(Decision::Reject)) {
        return Verdict::plain(Decision::Drop, Reason::SourceNotAllowed { service: name });
    }
    match choice {
        // iptables: the rules for dead external addresses do not hang off OUTPUT, so the node's own processes miss them.
        Err(Decision::Reject) if config.mode == Mode::Iptables && origin == Origin::Host && is_remote(node, packet, found) => {
            Verdict::plain(Decision::Pass, Reason::NoRule)
        }
        Err(decision) => {
            let reason = match decision {
                Decision::Reject => Reason::NoEndpoints { service: name },
                _ => Reason::NoLocalEndpoints { service: name },
            };
            let mut left_out = usable.left_out.clone();
            if decision == Decision::Drop {
                left_out.extend(usable.remote.iter().map(|a| (*a, NotEligible::OtherNode)));
            }
            Verdict { not_eligible: left_out, ..Verdict::plain(decision, reason) }
        }
        Ok((list, by_local)) => {
            let mut left_out = usable.left_out.clone();
            if by_local {
                left_out.extend(usable.remote.iter().filter(|a| !list.contains(a)).map(|a| (*a, NotEligible::OtherNode)));
            }
            Verdict {
                decision: Decision::Dnat,
                reason: Reason::ServiceMatched { service: name, port: found.port.port, via: found.kind },
                candidates: list.clone(),
                masquerade: masquerade(config, found, origin),
                not_eligible: left_out,
            }
        }
    }
}

/// Whether it is an external or balancer address that this node does not have itself.
fn is_remote(node: &NodeFacts<'_>, packet: Packet, found: &Match<'_>) -> bool {
    let external = matches!(found.kind, AddressKind::ExternalIp | AddressKind::LoadBalancerIp);
    external && !node.addresses.contains(&packet.destination.ip())
}

/// Whether the source is rewritten whatever is picked.
fn masquerade(config: &ProxyConfig, found: &Match<'_>, origin: Origin) -> bool {
    if found.kind == AddressKind::ClusterIp {
        // Without detection nothing is known to be foreign.
        return config.masquerade_all || config.pod_cidrs.is_some() && origin != Origin::Pod;
    }
    match external_local(found.service) {
        false => true,
        true => origin == Origin::Host,
    }
}

/// Whether the balancer's source ranges keep the packet out.
fn barred(config: &ProxyConfig, node: &NodeFacts<'_>, packet: Packet, found: &Match<'_>) -> bool {
    let ip = packet.destination.ip();
    let is_balancer_ip = found.service.ingress.iter().any(|i| i.ip == Some(ip) && !i.proxy_mode);
    // In nftables the firewall comes before the match, so an address that is both is filtered.
    let filtered = found.kind == AddressKind::LoadBalancerIp
        || config.mode == Mode::Nftables && is_balancer_ip && found.kind == AddressKind::ExternalIp;
    if !filtered {
        return false;
    }
    let ranges: Vec<Net> = found
        .service
        .source_ranges
        .iter()
        .filter_map(|r| Net::parse(r))
        .filter(|n| n.address.is_ipv6() == ip.is_ipv6())
        .collect();
    if ranges.is_empty() || ranges.iter().any(|n| n.prefix == 0) || ranges.iter().any(|n| n.contains(packet.source)) {
        return false;
    }
    // A node may dial an address bound to itself, if it may dial the balancer at all.
    let node_allowed = node.node_ips.iter().any(|own| ranges.iter().any(|n| n.contains(*own)));
    !(packet.source == ip && node_allowed)
}
