//! Wires and what happens on them.
//!
//! In a real cluster a packet goes through the client's resolver and socket, the rules of its node, the fabric, perhaps another
//! node's rules, and the socket of a pod. [`path`] is the ordered list of those stations, [`graph`] the wires between the machines;
//! [`conntrack`] and [`kernel`] are what nodes remember of it, and [`transport`] the connections that programs hold.

mod choice;
pub mod client;
pub mod conntrack;
pub mod graph;
pub mod kernel;
pub mod path;
pub mod policy;
mod share;
pub mod transport;
pub mod wire;

use std::net::IpAddr;
use std::sync::Arc;

use self::graph::{Pair, Way};
use self::kernel::Kernel;
use crate::cloud::Target;
use crate::engine::time::Duration;
use crate::kubelet::Sandbox;
use crate::kubelet::images::{Behaviour, Listener};
use crate::objects::Name;
use crate::objects::pod::Pod;
use crate::objects::pod_spec::Protocol;
use crate::proxy::{Programmed, ProxyConfig};
use crate::store::View;

/// A balancer as a packet finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balanced {
    /// The Service it is for, as `namespace/name`.
    pub service: Name,
    /// Its ports.
    pub ports: Vec<BalancedPort>,
    /// What it can send to, with what it holds of each.
    pub targets: Vec<Held>,
    /// Whether all targets get connections when none is healthy.
    pub fails_open: bool,
    /// Whether the client's address stays in the packets.
    pub keeps_source: bool,
    /// Whether it sends to node ports; otherwise packets keep its address.
    pub proxies: bool,
}

/// One port of a balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalancedPort {
    /// Its number.
    pub port: u16,
    /// Protocol.
    pub protocol: Protocol,
    /// The node port that stands for it.
    pub node_port: Option<u16>,
    /// The pods' ports that stand for it.
    pub pod_ports: Vec<u16>,
}

/// What a balancer holds of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The target.
    pub target: Target,
    /// Whether it is healthy by the balancer's own checks.
    pub healthy: bool,
    /// For how long that has been so.
    pub since: Duration,
    /// Whether it was taken out and only keeps open connections.
    pub leaving: bool,
}

/// What is physically true, as the network asks it.
pub trait Ground {
    /// What kube-proxy of a node has programmed, and how long ago.
    fn programmed(&self, node: &str) -> Option<(Programmed, Duration)>;
    /// What the network plugin of a node enforces, and how long ago it was programmed.
    fn enforced(&self, node: &str) -> Option<(Arc<View>, Duration)>;
    /// A pod as its own node knows it.
    fn record(&self, namespace: &str, name: &str) -> Option<Arc<Pod>>;
    /// What the kernel of a node remembers; `None` if nothing went through it.
    fn kernel(&self, node: &str) -> Option<&Kernel>;
    /// Whether a node has power.
    fn node_up(&self, node: &str) -> bool;
    /// The way through the wires from one station to another, or the cut in it.
    fn way(&self, from: &str, to: &str) -> Result<Way, Pair>;
    /// All nodes, in order.
    fn nodes(&self) -> Vec<Name>;
    /// The node that has an address on one of its interfaces, those seen from outside included; the first of several.
    fn node_at(&self, ip: IpAddr) -> Option<Name>;
    /// The zone of a node.
    fn zone(&self, node: &str) -> Option<Name>;
    /// The node IPs of a node: first of each family.
    fn node_ips(&self, node: &str) -> Vec<IpAddr>;
    /// All addresses of a node's interfaces, those seen from outside included.
    fn node_addresses(&self, node: &str) -> Vec<IpAddr>;
    /// Node and addresses of a pod.
    fn pod(&self, namespace: &str, name: &str) -> Option<(Name, Vec<IpAddr>)>;
    /// The sandbox behind an address.
    fn sandbox(&self, ip: IpAddr) -> Option<Sandbox>;
    /// What listens on a node's own network.
    fn host_sockets(&self, node: &str) -> Vec<(Listener, Arc<Behaviour>)>;
    /// Whether sandboxes are known for certain (kubelets run), or only what the API says.
    fn certain(&self) -> bool;
    /// Whether a cloud balancer has the address.
    fn is_balancer(&self, ip: IpAddr) -> bool;
    /// The balancer of this cluster's cloud that has the address.
    fn balancer(&self, ip: IpAddr) -> Option<Balanced>;
    /// Whether an address belongs to the pod or service ranges.
    fn is_internal(&self, ip: IpAddr) -> bool;
    /// kube-proxy's settings.
    fn proxy_config(&self) -> &ProxyConfig;
    /// The address of the machine outside the cluster, of a family.
    fn outside(&self, v6: bool) -> IpAddr;
}
