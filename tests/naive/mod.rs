//! A second kube-proxy, deliberately naive: the rules that it would write, scanned one after the other.
//!
//! It was written from the same facts as `sim_core::proxy` and without looking at that, to be compared with it over made-up
//! clusters and packets ([`worlds`], [`compare`]). It shares the words of the question and of the answer (objects, packet,
//! reasons), and nothing of how one comes from the other: no maps, no memory of earlier questions, and for each mode the chains
//! of the real thing (`iptables`, `nftables`, `ipvs`). What the kernel remembers of clients is a list (`affinity`).
//!
//! What a packet meets, after `pkg/proxy` of Kubernetes: one that arrives goes through nat PREROUTING and then filter INPUT or
//! FORWARD; one that a process of the node sends goes through nat OUTPUT and filter OUTPUT, and filter INPUT if it stays.
//! Left out: what two Services with one address, port and protocol do to each other, which upstream leaves open.

pub mod affinity;
pub mod compare;
mod iptables;
mod ipvs;
mod nftables;
pub mod ports;
pub mod rules;
mod shrink;
pub mod worlds;

use std::net::{IpAddr, SocketAddr};

use sim_core::explain::{AddressKind, Decision, Reason};
use sim_core::objects::Object;
use sim_core::objects::net::Net;
use sim_core::objects::pod_spec::Protocol;
use sim_core::proxy::rules::{NodeFacts, Packet};
use sim_core::proxy::{Mode, NodePortAddress, ProxyConfig};

use self::ports::Port;
use self::rules::{End, Machine, Rule, Walk, When, only};

/// What the naive kube-proxy says of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Decision.
    pub decision: Decision,
    /// Why.
    pub reason: Reason,
    /// What may be picked, each as likely as the other, and whether the source is rewritten then.
    pub picks: Vec<(SocketAddr, bool)>,
    /// Seconds of client affinity, if there is any.
    pub affinity: Option<i64>,
}

/// kube-proxy of one address family on one node.
#[derive(Debug)]
pub struct Proxier<'a> {
    /// How it is set up.
    pub config: &'a ProxyConfig,
    /// The node.
    pub node: &'a NodeFacts<'a>,
    /// The family.
    pub v6: bool,
    /// All ports of Services.
    pub ports: Vec<Port>,
    machine: Machine,
    rules: Vec<Rule>,
}

impl<'a> Proxier<'a> {
    /// Writes all rules.
    pub fn new(objects: &[Object], config: &'a ProxyConfig, node: &'a NodeFacts<'a>, v6: bool) -> Proxier<'a> {
        let ports = ports::ports(objects, v6, node.name, node.zone);
        let machine = Machine { addresses: node.addresses.clone() };
        let mut proxier = Proxier { config, node, v6, ports, machine, rules: Vec::new() };
        match config.mode {
            Mode::Iptables => proxier.write_iptables(),
            Mode::Nftables => proxier.write_nftables(),
            Mode::Ipvs => proxier.write_ipvs(),
        }
        proxier
    }

    /// What becomes of the first packet of a connection.
    pub fn decide(&self, packet: Packet) -> Answer {
        if self.config.mode == Mode::Ipvs {
            return self.decide_ipvs(packet);
        }
        let mut walk = self.walk(packet);
        let sent_here = self.machine.has(packet.source);
        let stays = self.machine.has(packet.destination.ip());
        let hooks: &[&str] = match (sent_here, stays) {
            (true, true) => &["firewall OUTPUT", "nat OUTPUT", "filter OUTPUT", "filter INPUT"],
            (true, false) => &["firewall OUTPUT", "nat OUTPUT", "filter OUTPUT"],
            (false, true) => &["firewall PREROUTING", "nat PREROUTING", "filter INPUT"],
            (false, false) => &["firewall PREROUTING", "nat PREROUTING", "filter FORWARD"],
        };
        let end = hooks.iter().find_map(|hook| walk.through(hook));
        // A pod that is sent to itself would not know its own answer.
        let hairpin = |pick: &SocketAddr| pick.ip() == packet.source;
        self.answer(end, &walk, hairpin)
    }

    fn walk(&self, packet: Packet) -> Walk<'_> {
        Walk { rules: &self.rules, machine: &self.machine, packet, marked: false, why: Reason::NoRule }
    }

    fn answer(&self, end: Option<End>, walk: &Walk<'_>, hairpin: impl Fn(&SocketAddr) -> bool) -> Answer {
        let (decision, picks) = match end {
            Some(End::Sent(list)) => (Decision::Dnat, list),
            Some(End::Dropped) => (Decision::Drop, Vec::new()),
            Some(End::Rejected) => (Decision::Reject, Vec::new()),
            Some(End::Accepted) | None => (Decision::Pass, Vec::new()),
        };
        let affinity = match &walk.why {
            Reason::ServiceMatched { service, port, .. } => self.affinity(service, *port, walk.packet.protocol),
            _ => None,
        };
        let picks = picks.into_iter().map(|pick| (pick, walk.marked || hairpin(&pick))).collect();
        Answer { decision, reason: walk.why.clone(), picks, affinity }
    }

    fn affinity(&self, service: &str, number: u16, protocol: Protocol) -> Option<i64> {
        let matched = |port: &&Port| port.service == service && port.number == number && port.protocol == protocol;
        self.ports.iter().find(matched).and_then(|port| port.affinity)
    }

    /// The ranges of `--cluster-cidr` in this family: none = nobody can tell a pod.
    fn pods(&self) -> Option<Vec<Net>> {
        let nets = self.config.pod_cidrs.clone().unwrap_or_default();
        let ours: Vec<Net> = nets.into_iter().filter(|net| net.address.is_ipv6() == self.v6).collect();
        (!ours.is_empty()).then_some(ours)
    }

    /// `--nodeport-addresses` in this family; nothing said = all addresses.
    fn node_port_ranges(&self) -> Vec<Net> {
        let mut said = self.config.node_port_addresses.clone();
        if said.is_empty() && self.config.mode == Mode::Nftables {
            said = vec![NodePortAddress::Primary];
        }
        let mut nets = Vec::new();
        for one in said {
            match one {
                NodePortAddress::Net(net) => nets.push(net),
                NodePortAddress::Primary => nets.extend(self.node.node_ips.iter().copied().map(only)),
            }
        }
        nets.retain(|net| net.address.is_ipv6() == self.v6);
        if nets.is_empty() {
            let zero = if self.v6 { IpAddr::from([0_u16; 8]) } else { IpAddr::from([0_u8; 4]) };
            nets.push(Net { address: zero, prefix: 0 });
        }
        nets
    }

    /// Whether node ports are taken on all addresses of the machine.
    fn node_ports_everywhere(&self) -> bool {
        self.node_port_ranges().iter().any(|net| net.prefix == 0)
    }

    /// The addresses on interfaces that `--nodeport-addresses` names, the loopback interface's own among them.
    fn node_port_addresses(&self) -> Vec<IpAddr> {
        let loopback = if self.v6 { IpAddr::from(std::net::Ipv6Addr::LOCALHOST) } else { IpAddr::from([127, 0, 0, 1]) };
        let mut addresses = self.node.addresses.clone();
        addresses.push(loopback);
        addresses.retain(|ip| self.node_port_ranges().iter().any(|net| net.contains(*ip)));
        addresses
    }

    /// Whom the balancer's source ranges let in: if the node is in them, also those who call from the balancer's own addresses,
    /// which a node may have on an interface.
    fn let_in(&self, port: &Port) -> Vec<Net> {
        let mut nets = port.ranges.clone();
        if self.node_in_ranges(port) {
            nets.extend(port.balancer_ips.iter().copied().map(only));
        }
        nets
    }

    fn node_in_ranges(&self, port: &Port) -> bool {
        let node_ip = self.node.node_ips.iter().find(|ip| ip.is_ipv6() == self.v6);
        node_ip.is_some_and(|ip| port.ranges.iter().any(|net| net.contains(*ip)))
    }

    fn rule(&mut self, chain: &str, when: Vec<When>, then: rules::Then) {
        self.rules.push(Rule { chain: chain.to_string(), when, then, why: None });
    }

    fn telling(&mut self, chain: &str, when: Vec<When>, then: rules::Then, why: Reason) {
        self.rules.push(Rule { chain: chain.to_string(), when, then, why: Some(why) });
    }
}

fn matched(port: &Port, via: AddressKind) -> Reason {
    Reason::ServiceMatched { service: (&*port.service).into(), port: port.number, via }
}

/// Why a port without endpoints for a caller has none, and what it does about it.
fn nobody(port: &Port, external: bool) -> (rules::Then, Reason) {
    let service = (&*port.service).into();
    if port.any {
        (rules::Then::Drop, Reason::NoLocalEndpoints { service, external })
    } else {
        (rules::Then::Reject, Reason::NoEndpoints { service })
    }
}
