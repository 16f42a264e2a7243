//! The nodes of a scenario with every default filled in: addresses, pod networks, capacity.
//!
//! In a real cluster a machine brings its addresses and its size, and the node IPAM controller hands it a pod network: the next
//! free /24 (IPv6: /64) of each cluster CIDR, stepping over networks that a node already has. A node that comes when none is
//! left stays without one. Left out: other mask sizes (`--node-cidr-mask-size`), more than one network a family.
//! The real thing: `pkg/controller/nodeipam/ipam/range_allocator.go` of kubernetes/kubernetes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::format::{Cluster, Node, Nodes, Setting, Taint};
use super::notation::Cidr;

/// Machines a third octet holds: `.2` to `.251`.
const MACHINES_AN_OCTET: u32 = 250;
/// Machines that the outside world reaches at 203.0.113.2 and up; the upper half of that network is the cloud's for its balancers.
const EXTERNAL_MAX: u32 = 126;
/// The resolv.conf of a machine that says nothing else: a name server outside the cluster (TEST-NET-1).
const RESOLV_CONF: &str = "nameserver 192.0.2.53\n";

/// One node of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Its name.
    pub name: String,
    /// Its addresses; the first of each family is the node IP.
    pub ips: Vec<IpAddr>,
    /// Addresses of the outside world that reach it.
    pub external_ips: Vec<IpAddr>,
    /// Its zone.
    pub zone: Option<String>,
    /// The networks of its pods; empty: it gives no pod addresses.
    pub pod_cidrs: Vec<Cidr>,
    /// What it has to give; `cpu`, `memory` and `pods` are always there.
    pub capacity: BTreeMap<String, String>,
    /// Its resolv.conf; `None`: the kubelet is told to use none.
    pub resolv_conf: Option<String>,
    /// Labels beside the usual ones.
    pub labels: BTreeMap<String, String>,
    /// Taints.
    pub taints: Vec<Taint>,
}

/// The nodes of a cluster, in order.
///
/// ```
/// use sim_core::scenario::format::Cluster;
/// use sim_core::scenario::machines::machines;
/// let nodes = machines(&Cluster::default());
/// assert_eq!(nodes[0].name, "node-1");
/// assert_eq!(nodes[0].ips[0].to_string(), "192.168.0.2");
/// assert_eq!(nodes[2].pod_cidrs[0].to_string(), "10.244.2.0/24");
/// ```
pub fn machines(cluster: &Cluster) -> Vec<Machine> {
    let mut networks = Networks::of(cluster);
    match &cluster.nodes {
        Nodes::Count(count) => (1..=*count).map(|number| counted(number, cluster, networks.next())).collect(),
        Nodes::List(nodes) => {
            let taken: BTreeSet<IpAddr> = nodes.iter().flat_map(|n| n.ips.iter().map(|ip| **ip)).collect();
            let mut free =
                (1u32..).map(|number| addresses(number, cluster)).filter(|ips| ips.iter().all(|ip| !taken.contains(ip)));
            nodes.iter().map(|node| listed(node, &mut free, &mut networks)).collect()
        }
    }
}

/// The `number`-th node of a cluster that is given as a count, from 1.
fn counted(number: u32, cluster: &Cluster, pod_cidrs: Vec<Cidr>) -> Machine {
    let host = u8::try_from(number + 1).ok().filter(|_| number <= EXTERNAL_MAX);
    Machine {
        name: format!("node-{number}"),
        ips: addresses(number, cluster),
        external_ips: host.map(|host| IpAddr::V4(Ipv4Addr::new(203, 0, 113, host))).into_iter().collect(),
        zone: None,
        pod_cidrs,
        capacity: capacity(&BTreeMap::new()),
        resolv_conf: Some(RESOLV_CONF.into()),
        labels: BTreeMap::new(),
        taints: Vec::new(),
    }
}

fn listed(node: &Node, free: &mut impl Iterator<Item = Vec<IpAddr>>, networks: &mut Networks) -> Machine {
    let ips: Vec<IpAddr> = node.ips.iter().map(|ip| **ip).collect();
    let capacity_written = node.capacity.iter().map(|(name, quantity)| (name.clone(), quantity.0.clone())).collect();
    Machine {
        name: node.name.clone(),
        ips: if ips.is_empty() { free.next().unwrap_or_default() } else { ips },
        external_ips: node.external_ips.iter().map(|ip| **ip).collect(),
        zone: node.zone.clone(),
        pod_cidrs: match &node.pod_cidrs {
            Some(own) => own.iter().map(|cidr| **cidr).collect(),
            None => networks.next(),
        },
        capacity: capacity(&capacity_written),
        resolv_conf: match &node.resolv_conf {
            Setting::Default => Some(RESOLV_CONF.into()),
            Setting::Off => None,
            Setting::Set(text) => Some(text.clone()),
        },
        labels: node.labels.clone(),
        taints: node.taints.clone(),
    }
}

/// The addresses of the `number`-th machine, from 1: one of each family that Services have.
fn addresses(number: u32, cluster: &Cluster) -> Vec<IpAddr> {
    let (octet, rest) = ((number - 1) / MACHINES_AN_OCTET, (number - 1) % MACHINES_AN_OCTET);
    let v4 = IpAddr::V4((Ipv4Addr::new(192, 168, 0, 2).to_bits() + (octet << 8) + rest).into());
    let v6 = IpAddr::V6((Ipv6Addr::new(0xfd00, 0x192, 0x168, 0, 0, 0, 0, 1).to_bits() + u128::from(number)).into());
    let mut families: Vec<bool> = cluster.service_cidrs.iter().map(|cidr| cidr.address.is_ipv6()).collect();
    families.dedup();
    families.into_iter().map(|is_v6| if is_v6 { v6 } else { v4 }).collect()
}

/// What a machine has to give where nothing else is written.
fn capacity(written: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let usual = [("cpu", "4"), ("memory", "16Gi"), ("pods", "110")].map(|(name, size)| (name.to_string(), size.to_string()));
    let mut capacity = BTreeMap::from(usual);
    capacity.extend(written.iter().map(|(name, size)| (name.clone(), size.clone())));
    capacity
}

/// The pod networks that are still free.
struct Networks {
    /// By cluster CIDR: the CIDR, and the number of the next node network in it.
    next: Vec<(Cidr, u128)>,
    /// Networks that nodes bring themselves.
    taken: Vec<Cidr>,
}

impl Networks {
    fn of(cluster: &Cluster) -> Networks {
        let taken = match &cluster.nodes {
            Nodes::Count(_) => Vec::new(),
            Nodes::List(nodes) => nodes.iter().flat_map(|n| n.pod_cidrs.iter().flatten()).map(|cidr| **cidr).collect(),
        };
        Networks { next: cluster.pod_networks().into_iter().map(|cidr| (cidr, 0)).collect(), taken }
    }

    /// One network of each family, as far as there is one left.
    fn next(&mut self) -> Vec<Cidr> {
        let Networks { next, taken } = self;
        next.iter_mut().filter_map(|(cidr, number)| take(*cidr, number, taken)).collect()
    }
}

/// The next node network of a cluster CIDR that overlaps no network of `taken`.
fn take(cidr: Cidr, number: &mut u128, taken: &[Cidr]) -> Option<Cidr> {
    let mask: u8 = if cidr.address.is_ipv4() { 24 } else { 64 };
    let bits = mask.checked_sub(cidr.prefix)?;
    while *number < 1 << bits {
        let address = match cidr.address {
            IpAddr::V4(first) => IpAddr::V4((first.to_bits() + ((*number as u32) << 8)).into()),
            IpAddr::V6(first) => IpAddr::V6((first.to_bits() + (*number << 64)).into()),
        };
        *number += 1;
        let network = Cidr { address, prefix: mask };
        if !taken.iter().any(|other| other.contains(network.address) || network.contains(other.address)) {
            return Some(network);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn of(cluster: Value) -> Vec<Machine> {
        machines(&serde_json::from_value(cluster).expect("a cluster"))
    }

    /// `NAME ADDRESSES POD-NETWORKS`, a node a line.
    fn lines(cluster: Value) -> Vec<String> {
        let join = |texts: Vec<String>| texts.join(",");
        let line = |m: &Machine| {
            let ips = m.ips.iter().map(IpAddr::to_string).collect();
            let pods = m.pod_cidrs.iter().map(Cidr::to_string).collect();
            format!("{} {} {}", m.name, join(ips), join(pods))
        };
        of(cluster).iter().map(line).collect()
    }

    #[test]
    fn a_count() {
        let nodes = of(json!({"nodes": 2}));
        assert_eq!(nodes.len(), 2);
        let second = &nodes[1];
        assert_eq!((second.name.as_str(), second.ips.clone()), ("node-2", vec!["192.168.0.3".parse().unwrap()]));
        assert_eq!(second.external_ips, ["203.0.113.3".parse::<IpAddr>().unwrap()]);
        assert_eq!((second.capacity["cpu"].as_str(), second.capacity["pods"].as_str()), ("4", "110"));
        assert_eq!(second.resolv_conf.as_deref(), Some("nameserver 192.0.2.53\n"));
        assert_eq!(of(json!({"nodes": 0})), []);
    }

    #[test]
    fn large_clusters_have_distinct_addresses_and_networks() {
        let nodes = of(json!({"nodes": 5000}));
        let ips: BTreeSet<_> = nodes.iter().map(|n| n.ips.clone()).collect();
        let pods: BTreeSet<_> = nodes.iter().map(|n| n.pod_cidrs.clone()).collect();
        assert_eq!((ips.len(), pods.len()), (5000, 5000));
        assert_eq!(nodes[125].external_ips[0].to_string(), "203.0.113.127");
        assert_eq!((nodes[126].external_ips.len(), nodes[250].ips[0].to_string()), (0, "192.168.1.2".into()));
        assert_eq!(nodes[4999].ips[0].to_string(), "192.168.19.251");
        assert_eq!(nodes[4999].pod_cidrs[0].to_string(), "10.243.135.0/24");
    }

    #[test]
    fn pod_networks_are_the_next_free_ones() {
        let listed = json!({"podCIDRs": ["10.1.0.0/23"], "nodes": [
            {"name": "a", "ips": ["192.168.0.2"]}, {"name": "b", "podCIDRs": ["10.1.0.0/24"]}, {"name": "c"}]});
        assert_eq!(lines(listed), ["a 192.168.0.2 10.1.1.0/24", "b 192.168.0.3 10.1.0.0/24", "c 192.168.0.4 "]);
        assert_eq!(lines(json!({"podCIDRs": null, "nodes": 1})), ["node-1 192.168.0.2 "]);
        assert_eq!(lines(json!({"podCIDRs": ["10.1.0.0/26"], "nodes": 1})), ["node-1 192.168.0.2 "]);
        let dual = json!({"serviceCIDRs": ["10.96.0.0/12", "fd00:10:96::/112"], "podCIDRs": ["10.244.0.0/16", "fd00:10::/56"], "nodes": 2});
        assert_eq!(
            lines(dual),
            [
                "node-1 192.168.0.2,fd00:192:168::2 10.244.0.0/24,fd00:10::/64",
                "node-2 192.168.0.3,fd00:192:168::3 10.244.1.0/24,fd00:10:0:1::/64",
            ]
        );
    }

    #[test]
    fn what_a_node_says_is_kept() {
        let nodes = of(json!({"nodes": [{"name": "a", "zone": "z", "capacity": {"cpu": 2, "gpu": "1"}, "resolvConf": null,
            "taints": [{"key": "k", "effect": "NoSchedule"}], "labels": {"disk": "ssd"}}]}));
        let node = &nodes[0];
        let capacity: Vec<_> = node.capacity.iter().map(|(name, size)| format!("{name}={size}")).collect();
        assert_eq!(capacity, ["cpu=2", "gpu=1", "memory=16Gi", "pods=110"]);
        assert_eq!((node.zone.as_deref(), &node.resolv_conf, node.taints.len()), (Some("z"), &None, 1));
    }
}
