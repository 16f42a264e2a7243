//! `rules node/NAME`: what kube-proxy of a node has programmed, how old it is, and what it does with packets from inside and out.
//!
//! In a real cluster one reads `iptables-save`, `nft list table ip kube-proxy` or `ipvsadm -Ln` on the node. Here each address of
//! each Service is tried with a packet from a pod, from the node and from outside; the answers are those of the rules themselves.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::super::host::{Host, Outcome};
use super::question::{known_node, service};
use super::words::Words;
use super::{simulation, told, usage};
use crate::cluster::Cluster;
use crate::cluster::config::NodeConfig;
use crate::cluster::ground::GroundAt;
use crate::engine::time::Instant;
use crate::explain::facts::{endpoints, full_name, port_name};
use crate::explain::trouble::Trouble;
use crate::explain::{AddressKind, Component};
use crate::lab::simulation::Simulation;
use crate::network::wire::Source;
use crate::network::{Ground, path};
use crate::objects::Name;
use crate::objects::pod_spec::Protocol;
use crate::objects::service::{Service, ServicePort};
use crate::proxy::Mode;
use crate::render::rules::{Address, Port, Remark, Rules, Seen, json, text};
use crate::store::View;

pub(super) const USAGE: &str = "rules node/NAME [svc/NAMESPACE/NAME] [--mode iptables|nftables|ipvs] [-o json]";
/// More ports than this are not printed at once.
const PORTS_MAX: usize = 500;

/// `rules`.
pub fn rules(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    told(asked(host, argv))
}

fn asked(host: &mut dyn Host, argv: &[String]) -> Result<String, Outcome> {
    let wrong = |why: String| usage("rules", &why, USAGE);
    let words = Words::read(argv, &["mode"]).and_then(Words::once).map_err(wrong)?;
    let mode = words.value("mode").map(mode).transpose().map_err(wrong)?;
    let mut sim = simulation(host, "rules")?;
    let sim = &mut *sim;
    let (node, only) = match &words.plain[..] {
        [node] => (node, None),
        [node, only] => (node, Some(only)),
        [] => return Err(wrong("a node is needed".to_string())),
        [_, _, word, ..] => return Err(wrong(format!("`{word}` is too much: one node and one Service are enough"))),
    };
    let node = node.split_once('/').map_or(node.as_str(), |(_, name)| name);
    known_node(sim, node).map_err(wrong)?;
    let only = only.map(|only| the_service(only)).transpose().map_err(wrong)?;
    let rules = read(sim, node, mode, only).map_err(wrong)?;
    Ok(if words.json { format!("{}\n", json(&rules)) } else { text(&rules) })
}

fn mode(text: &str) -> Result<Mode, String> {
    match text {
        "iptables" => Ok(Mode::Iptables),
        "nftables" => Ok(Mode::Nftables),
        "ipvs" => Ok(Mode::Ipvs),
        _ => Err(format!("`{text}` is not a mode; there are iptables, nftables and ipvs")),
    }
}

/// Namespace and name of a Service that is asked for alone.
fn the_service(text: &str) -> Result<(&str, &str), String> {
    match text.split('/').collect::<Vec<_>>()[..] {
        ["svc" | "service" | "services", namespace, name] => Ok((namespace, name)),
        ["svc" | "service" | "services", name] => Ok(("default", name)),
        _ => Err(format!("`{text}` is not a Service; write svc/NAMESPACE/NAME")),
    }
}

/// What there is to say of a Service that is asked for alone, besides its rules. One that neither the rules nor the API know is
/// refused.
fn remark(sim: &Simulation, view: &View, (namespace, name): (&str, &str)) -> Result<Option<Remark>, String> {
    let full: Name = format!("{namespace}/{name}").into();
    let Some(known) = view.services.get(namespace, name) else {
        return service(sim, namespace, name).map(|_| Some(Remark::NotYet(full)));
    };
    Ok(match &known.external_name {
        Some(other) if known.is_external_name() => Some(Remark::Alias(full, other.clone())),
        _ if known.cluster_ips.is_empty() => Some(Remark::Headless(full)),
        _ if service(sim, namespace, name).is_err() => Some(Remark::Gone(full)),
        _ => None,
    })
}

/// Tries every address that the node has programmed.
fn read(sim: &Simulation, name: &str, mode: Option<Mode>, only: Option<(&str, &str)>) -> Result<Rules, String> {
    let mut cluster = sim.cluster().clone();
    let own_mode = cluster.config.proxy.mode;
    if let Some(mode) = mode {
        Arc::make_mut(&mut cluster.config).proxy.mode = mode;
    }
    let now = sim.engine().now();
    let config = cluster.config.clone();
    let node = config.nodes.iter().find(|n| n.name == name).ok_or_else(|| format!("node `{name}` does not exist"))?;
    let (view, at) = cluster.proxies.programmed(name).ok_or_else(|| format!("node `{name}` runs no kube-proxy"))?;
    let remark = only.map(|only| remark(sim, view, only)).transpose()?.flatten();
    // Without power there are no rules: they are in the memory of the kernel.
    let up = cluster.faults.node_up(name);
    let has_rules = |s: &&Arc<Service>| up && !s.cluster_ips.is_empty() && !s.is_external_name();
    let wanted = |s: &&Arc<Service>| only.is_none_or(|only| only == (&*s.meta.namespace, &*s.meta.name));
    let services: Vec<Arc<Service>> = view.services.iter().filter(has_rules).filter(wanted).cloned().collect();
    let ports: usize = services.iter().map(|s| s.ports.len()).sum();
    if ports > PORTS_MAX {
        return Err(format!(
            "{name} has {ports} Service ports, and {PORTS_MAX} are printed at most; name one: rules node/{name} svc/NAMESPACE/NAME"
        ));
    }
    let tried = Tried { cluster: &cluster, node, now };
    let ports = services.iter().flat_map(|s| s.ports.iter().map(move |p| (s, p)));
    Ok(Rules {
        node: name.into(),
        mode: config.proxy.mode,
        own_mode,
        age: now.since(at),
        revision: view.revision,
        head: cluster.store.revision(),
        behind: cluster.rules_behind(name),
        troubles: cluster.troubles(name).into_iter().filter(Trouble::holds_rules).collect(),
        remark,
        ports: ports.map(|(service, port)| tried.port(view, service, port)).collect(),
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
        let senders = [("pods", pods), ("the node", own), ("outside", Some(ground.outside(v6)))];
        let seen = senders.into_iter().filter_map(|(who, ip)| self.try_one(&ground, who, ip?, to, protocol));
        Address { kind, to, seen: seen.collect() }
    }

    /// What the node's rules do with one packet.
    fn try_one(&self, ground: &GroundAt<'_>, who: &'static str, ip: IpAddr, to: SocketAddr, protocol: Protocol) -> Option<Seen> {
        let from = Source::Address { ip, at_node: self.node.name.as_str().into() };
        let asked = path::Asked { from: &from, to, protocol, now: self.now, sending: path::Sending::Imagined };
        let draws = crate::engine::random::Draws::new(crate::engine::random::Seed(0));
        let (trace, _) = path::follow(ground, draws, &asked);
        let hop = trace.hops.iter().find(|h| h.component == Component::KubeProxy)?;
        Some(Seen {
            who,
            decision: trace.decision,
            code: hop.reason.code(),
            candidates: trace.candidates.clone(),
            masquerade_for: trace.masquerade_for.clone(),
        })
    }
}
