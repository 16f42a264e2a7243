//! `rules`: what kube-proxy of a node has programmed, how old it is, and what it does with packets from inside and out.
//!
//! In a real cluster one reads `iptables-save`, `nft list table ip kube-proxy` or `ipvsadm -Ln` on the node. Here each address of
//! each Service is tried with a packet from a pod, from the node and from outside; the answers are those of the rules themselves.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::facts::{endpoints, full_name, port_name};
use super::find::{self, Unanswerable};
use super::moment::Moment;
use super::trace::Endpoint;
use crate::cluster::Cluster;
use crate::cluster::config::NodeConfig;
use crate::cluster::faults::ActiveFault;
use crate::cluster::ground::GroundAt;
use crate::engine::random::{Draws, Seed};
use crate::engine::time::{Duration, Instant};
use crate::explain::{AddressKind, Component, Decision};
use crate::network::wire::Source;
use crate::network::{Ground, path};
use crate::objects::Name;
use crate::objects::pod_spec::Protocol;
use crate::objects::service::{Service, ServicePort};
use crate::proxy::Mode;
use crate::store::View;

/// More ports than this are not told at once.
pub const PORTS_MAX: usize = 500;

/// What has a node's kube-proxy programmed?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulesQuestion {
    /// The node.
    pub node: Name,
    /// One Service alone, by namespace and name.
    pub service: Option<(Name, Name)>,
    /// The mode to suppose, if it is another than the node's own.
    pub mode: Option<Mode>,
}

/// The programmed table of one node.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The node.
    pub node: Name,
    /// The mode it is shown in,
    pub mode: Mode,
    /// and the one that the node runs.
    pub own_mode: Mode,
    /// How long ago it was programmed.
    pub age: Duration,
    /// The revision it shows,
    pub revision: u64,
    /// and that of the store, to which every write counts.
    pub head: u64,
    /// How many changes the rules have still to follow; `None` = more than are remembered.
    pub behind: Option<u64>,
    /// What keeps kube-proxy from following them.
    pub troubles: Vec<ActiveFault>,
    /// What there is to say of the one Service that was asked for.
    pub remark: Option<Remark>,
    /// The ports of Services.
    pub ports: Vec<Port>,
}

/// Why the one Service that was asked for has no rules, or has them still. Services are named in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// It has no address.
    Headless(Name),
    /// It is another name for this one.
    Alias(Name, Name),
    /// The node has not heard of it.
    NotYet(Name),
    /// It does not exist any more.
    Gone(Name),
}

/// One port of a Service.
#[derive(Clone, Debug)]
pub struct Port {
    /// `default/web`.
    pub service: Name,
    /// Its name or number.
    pub name: Name,
    /// Its number.
    pub number: u16,
    /// Protocol.
    pub protocol: Protocol,
    /// Client-IP affinity, in seconds.
    pub affinity: Option<i64>,
    /// The addresses it is met by.
    pub addresses: Vec<Address>,
    /// What is behind it.
    pub endpoints: Vec<Endpoint>,
}

/// One address.
#[derive(Clone, Debug)]
pub struct Address {
    /// Its kind.
    pub kind: AddressKind,
    /// The address with the port.
    pub to: SocketAddr,
    /// What becomes of packets, by where they come from.
    pub seen: Vec<Seen>,
}

/// What becomes of a packet from somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// From where.
    pub from: From,
    /// The decision.
    pub decision: Decision,
    /// The reason's code.
    pub code: &'static str,
    /// What may be picked, each as likely.
    pub candidates: Vec<SocketAddr>,
    /// For which the source is rewritten.
    pub masquerade_for: Vec<SocketAddr>,
}

/// Where a packet comes from that the rules are tried with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// A pod of the node.
    Pods,
    /// The node itself.
    Node,
    /// Outside the cluster.
    Outside,
}

/// Tries every address that the node has programmed.
pub fn answer(moment: &Moment<'_>, question: &RulesQuestion) -> Result<Rules, Unanswerable> {
    let name = &question.node;
    find::node(moment.cluster, name)?;
    let mut cluster = moment.cluster.clone();
    let own_mode = cluster.config.proxy.mode;
    if let Some(mode) = question.mode {
        Arc::make_mut(&mut cluster.config).proxy.mode = mode;
    }
    let (now, config) = (moment.now, cluster.config.clone());
    let no_proxy = || Unanswerable::NoProxy(name.clone());
    let node = config.nodes.iter().find(|n| *n.name == **name).ok_or_else(no_proxy)?;
    let (view, at) = cluster.proxies.programmed(name).ok_or_else(no_proxy)?;
    let only = question.service.as_ref();
    let remark = only.map(|only| remark(moment, view, only)).transpose()?.flatten();
    // Without power there are no rules: they are in the memory of the kernel.
    let up = cluster.faults.node_up(name);
    let has_rules = |s: &&Arc<Service>| up && !s.cluster_ips.is_empty() && !s.is_external_name();
    let wanted = |s: &&Arc<Service>| only.is_none_or(|(ns, name)| (ns, name) == (&s.meta.namespace, &s.meta.name));
    let services: Vec<Arc<Service>> = view.services.iter().filter(has_rules).filter(wanted).cloned().collect();
    let ports: usize = services.iter().map(|s| s.ports.len()).sum();
    if ports > PORTS_MAX {
        return Err(Unanswerable::TooManyPorts { node: name.clone(), ports });
    }
    let tried = Tried { cluster: &cluster, node, now };
    let ports = services.iter().flat_map(|s| s.ports.iter().map(move |p| (s, p)));
    Ok(Rules {
        node: name.clone(),
        mode: config.proxy.mode,
        own_mode,
        age: now.since(at),
        revision: view.revision,
        head: cluster.store.revision(),
        behind: cluster.rules_behind(name),
        troubles: cluster.troubles(name).into_iter().filter(ActiveFault::holds_rules).collect(),
        remark,
        ports: ports.map(|(service, port)| tried.port(view, service, port)).collect(),
    })
}

/// What there is to say of a Service that is asked for alone, besides its rules. One that neither the rules nor the API know is
/// refused.
fn remark(moment: &Moment<'_>, view: &View, (namespace, name): &(Name, Name)) -> Result<Option<Remark>, Unanswerable> {
    let full: Name = format!("{namespace}/{name}").into();
    let now = find::service(moment.view(), namespace, name);
    let Some(known) = view.services.get(namespace, name) else { return now.map(|_| Some(Remark::NotYet(full))) };
    Ok(match &known.external_name {
        Some(other) if known.is_external_name() => Some(Remark::Alias(full, other.clone())),
        _ if known.cluster_ips.is_empty() => Some(Remark::Headless(full)),
        _ if now.is_err() => Some(Remark::Gone(full)),
        _ => None,
    })
}

/// A node whose rules are tried.
struct Tried<'c> {
    cluster: &'c Cluster,
    node: &'c NodeConfig,
    now: Instant,
}

impl Tried<'_> {
    fn port(&self, view: &View, service: &Service, port: &ServicePort) -> Port {
        let cluster = service.cluster_ips.iter().map(|ip| (AddressKind::ClusterIp, *ip, port.port));
        let external = service.external_ips.iter().map(|ip| (AddressKind::ExternalIp, *ip, port.port));
        let balancer = service.ingress.iter().filter_map(|i| i.ip).map(|ip| (AddressKind::LoadBalancerIp, ip, port.port));
        let mut addresses: Vec<Address> = Vec::new();
        for (kind, ip, number) in cluster.chain(external).chain(balancer) {
            addresses.push(self.address(kind, SocketAddr::new(ip, number), port.protocol));
        }
        if let Some(number) = port.node_port {
            let own = self.node.ips.iter().chain(&self.node.external_ips);
            addresses.extend(own.map(|ip| self.address(AddressKind::NodePort, SocketAddr::new(*ip, number), port.protocol)));
        }
        let v6 = service.cluster_ips.first().is_some_and(IpAddr::is_ipv6);
        let families = if service.cluster_ips.len() > 1 { vec![v6, !v6] } else { vec![v6] };
        Port {
            service: full_name(service),
            name: port_name(port),
            number: port.port,
            protocol: port.protocol,
            affinity: service.affinity,
            addresses,
            endpoints: families.into_iter().flat_map(|v6| endpoints(view, service, port, v6)).collect(),
        }
    }

    fn address(&self, kind: AddressKind, to: SocketAddr, protocol: Protocol) -> Address {
        let ground = GroundAt { cluster: self.cluster, now: self.now };
        let v6 = to.is_ipv6();
        let pods = self.node.pod_address_of(v6, u8::MAX);
        let own = self.node.node_ips().find(|ip| ip.is_ipv6() == v6);
        let senders = [(From::Pods, pods), (From::Node, own), (From::Outside, Some(ground.outside(v6)))];
        let seen = senders.into_iter().filter_map(|(from, ip)| self.try_one(&ground, (from, ip?), to, protocol));
        Address { kind, to, seen: seen.collect() }
    }

    /// What the node's rules do with one packet.
    fn try_one(&self, ground: &GroundAt<'_>, (from, ip): (From, IpAddr), to: SocketAddr, protocol: Protocol) -> Option<Seen> {
        let source = Source::Address { ip, at_node: self.node.name.as_str().into() };
        let asked = path::Asked { from: &source, to, protocol, now: self.now, sending: path::Sending::Imagined };
        let (trace, _) = path::follow(ground, Draws::new(Seed(0)), &asked);
        let hop = trace.hops.iter().find(|h| h.component == Component::KubeProxy)?;
        Some(Seen {
            from,
            decision: trace.decision,
            code: hop.reason.code(),
            candidates: trace.candidates.clone(),
            masquerade_for: trace.masquerade_for.clone(),
        })
    }
}
