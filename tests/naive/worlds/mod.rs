//! Made-up clusters, and packets that are worth asking about: most meet a Service, and often one of the rarer rules.
//!
//! A world is a number: from the seed and the number come the same objects and packets on every machine. Addresses, ports and
//! names are few, so that they meet. Two Services never share an address, port and protocol: upstream leaves open what happens.

mod packets;
mod services;
mod slices;

use std::net::IpAddr;

use serde_json::Value;
use sim_core::engine::random::{Draws, Seed, Stream};
use sim_core::objects::Object;
use sim_core::objects::net::Net;
use sim_core::proxy::rules::{NodeFacts, Packet};
use sim_core::proxy::{Mode, NodePortAddress, ProxyConfig};

/// The node that is asked.
pub const HERE: &str = "node-a";
/// All nodes.
const NODES: [&str; 3] = [HERE, "node-b", "node-c"];
/// All zones.
const ZONES: [&str; 2] = ["east", "west"];
/// How many packets a world has.
pub const PACKETS: usize = 40;

/// A cluster as one kube-proxy sees it, and what it is asked.
#[derive(Clone, Debug)]
pub struct World {
    /// Services and slices, as the API has them.
    pub documents: Vec<Value>,
    /// How kube-proxy is set up.
    pub config: ProxyConfig,
    /// The zone of the node.
    pub zone: Option<&'static str>,
    /// Addresses of the node.
    pub addresses: Vec<IpAddr>,
    /// Packets it meets.
    pub packets: Vec<Packet>,
}

/// Which address families a world has.
#[derive(Clone, Copy, Debug)]
struct Families {
    v4: bool,
    v6: bool,
}

impl Families {
    fn list(self) -> Vec<bool> {
        [(self.v4, false), (self.v6, true)].into_iter().filter(|(there, _)| *there).map(|(_, v6)| v6).collect()
    }
}

impl World {
    /// The world of a number; the mode of kube-proxy goes round with the numbers.
    pub fn of(seed: u64, number: u64) -> World {
        let mut draw = Draws::new(Seed(seed)).stream("naive", number);
        let mode = [Mode::Iptables, Mode::Nftables, Mode::Ipvs][usize::try_from(number % 3).unwrap_or(0)];
        let families = match draw.below(10) {
            0..6 => Families { v4: true, v6: true },
            6..9 => Families { v4: true, v6: false },
            _ => Families { v4: false, v6: true },
        };
        let addresses = addresses(&mut draw, families);
        let config = config(&mut draw, mode);
        let zone = if percent(&mut draw, 75) { Some(of(&mut draw, &ZONES)) } else { None };
        let services = services::services(&mut draw, families, &addresses, mode != Mode::Ipvs);
        let slices = slices::slices(&mut draw, families, &services, &addresses);
        let mut world = World { documents: [services, slices].concat(), config, zone, addresses, packets: Vec::new() };
        world.packets = packets::packets(&mut draw, families, &world);
        world
    }

    /// The objects that kube-proxy reads.
    pub fn objects(&self) -> Vec<Object> {
        self.documents.iter().map(Object::parse).collect()
    }

    /// The node as kube-proxy knows it.
    pub fn node(&self) -> NodeFacts<'_> {
        let first = |v6: bool| self.addresses.iter().copied().find(|ip| ip.is_ipv6() == v6);
        let node_ips = [first(false), first(true)].into_iter().flatten().collect();
        NodeFacts { name: HERE, zone: self.zone, node_ips, addresses: self.addresses.clone() }
    }
}

fn addresses(draw: &mut Stream, families: Families) -> Vec<IpAddr> {
    let mut texts = Vec::new();
    if families.v4 {
        texts.extend(["192.168.0.2", "192.168.1.2"]);
        // The bridge of the pods.
        texts.extend(percent(draw, 30).then_some("10.244.0.1"));
    }
    if families.v6 {
        texts.extend(["2001:db8::2", "2001:db8:1::2"]);
        texts.extend(percent(draw, 30).then_some("fd00:10:244::1"));
    }
    texts.into_iter().map(ip).collect()
}

fn config(draw: &mut Stream, mode: Mode) -> ProxyConfig {
    let nets = |list: &[&str]| list.iter().copied().map(net).collect::<Vec<Net>>();
    let listed = |list: &[&str]| list.iter().copied().map(net).map(NodePortAddress::Net).collect::<Vec<NodePortAddress>>();
    ProxyConfig {
        mode,
        masquerade_all: percent(draw, 15),
        node_port_addresses: match draw.below(20) {
            0..10 => Vec::new(),
            10 => vec![NodePortAddress::Primary],
            11 | 12 => listed(&["127.0.0.0/8"]),
            13 => listed(&["127.0.0.0/8", "192.168.1.0/24", "2001:db8:1::/64"]),
            14 => listed(&["192.168.0.0/24"]),
            15 => listed(&["192.168.0.2/32", "::1/128"]),
            16 => listed(&["2001:db8:1::/64"]),
            17 => listed(&["0.0.0.0/0", "198.51.100.0/24"]),
            18 => listed(&["198.51.100.0/24", "fd00:99::/64"]),
            _ => listed(&["::/0"]),
        },
        localhost_node_ports: percent(draw, 70),
        pod_cidrs: match draw.below(8) {
            0 => None,
            1 => Some(nets(&["10.244.0.0/16"])),
            2 => Some(nets(&["fd00:10:244::/48"])),
            _ => Some(nets(&["10.244.0.0/16", "fd00:10:244::/48"])),
        },
        service_cidrs: match draw.below(4) {
            0 => Vec::new(),
            1 => nets(&["10.96.0.0/16"]),
            _ => nets(&["10.96.0.0/16", "fd00:10:96::/112"]),
        },
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap_or_else(|_| panic!("{text} is an address"))
}

fn net(text: &str) -> Net {
    Net::parse(text).unwrap_or_else(|| panic!("{text} is a range"))
}

fn percent(draw: &mut Stream, n: u64) -> bool {
    draw.below(100) < n
}

fn of<T: Copy>(draw: &mut Stream, items: &[T]) -> T {
    *draw.pick(items).expect("there is something to pick from")
}
