//! What does not change while a cluster runs: sizes, ranges, modes, and the version profile.
//!
//! In a real cluster these are flags of the components. A scenario's `spec.cluster` becomes this value.

use std::net::IpAddr;
use std::sync::Arc;

use serde_json::Value;

use super::machines::Machines;
use crate::controllers::Which;
use crate::dns::config::ServerConfig;
use crate::kubelet::images::ImageTable;
use crate::objects::Name;
use crate::objects::time::Timestamp;
use crate::proxy::ProxyConfig;
use crate::{cloud, kubelet};

/// The configuration of a cluster.
#[derive(Clone, Debug, Hash)]
pub struct Config {
    /// What the clock shows when the simulation starts.
    pub start: Timestamp,
    /// Minor version of the profile, for example 32.
    pub minor: u32,
    /// `cluster.local`; empty = none.
    pub cluster_domain: String,
    /// `--service-cluster-ip-range`.
    pub service_cidrs: Vec<String>,
    /// `--cluster-cidr`; `None` = pod traffic is not detected.
    pub pod_cidrs: Option<Vec<String>>,
    /// `--service-node-port-range`, both ends included.
    pub node_ports: (u16, u16),
    /// The nodes.
    pub nodes: Machines,
    /// The controllers that run.
    pub controllers: Vec<Which>,
    /// Whether kubelets run.
    pub kubelet: bool,
    /// Whether the scheduler runs.
    pub scheduler: bool,
    /// Whether the system's objects are installed.
    pub system: bool,
    /// kube-proxy.
    pub proxy: ProxyConfig,
    /// DNS.
    pub dns: DnsConfig,
    /// The cloud.
    pub cloud: cloud::Config,
    /// How container images behave.
    pub images: Arc<ImageTable>,
}

/// One machine.
#[derive(Clone, Debug, Default, Hash)]
pub struct NodeConfig {
    /// Its name.
    pub name: String,
    /// Its addresses: the first of each family is the node IP, the rest are further interface addresses.
    pub ips: Vec<IpAddr>,
    /// Addresses reachable from outside the cluster.
    pub external_ips: Vec<IpAddr>,
    /// Zone label.
    pub zone: Option<String>,
    /// Pod ranges.
    pub pod_cidrs: Vec<String>,
    /// Capacity: CPU, memory and number of pods, as quantities.
    pub cpu: String,
    /// Memory.
    pub memory: String,
    /// Number of pods.
    pub pods: String,
    /// `/etc/resolv.conf` of the machine; `None` = the kubelet is told to use none.
    pub resolv_conf: Option<String>,
    /// Further labels.
    pub labels: Vec<(String, String)>,
    /// Taints, as in `spec.taints`.
    pub taints: Vec<Value>,
}

/// Cluster DNS.
#[derive(Clone, Debug, Hash)]
pub struct DnsConfig {
    /// Whether there is one.
    pub enabled: bool,
    /// Address of the kube-dns Service; `None` = no such Service.
    pub service_ip: Option<IpAddr>,
    /// How its servers answer.
    pub server: ServerConfig,
    /// The addresses that kubelets write into pods.
    pub kubelet: Vec<IpAddr>,
    /// Of a hundred pairs of questions sent at once from one socket, how many lose their second in the node's connection table.
    pub race_percent: u8,
}

impl NodeConfig {
    /// The node IPs: the first address of each family.
    pub fn node_ips(&self) -> impl Iterator<Item = IpAddr> {
        let first = |v6: bool| self.ips.iter().copied().find(move |ip| ip.is_ipv6() == v6);
        let v6_first = self.ips.first().is_some_and(IpAddr::is_ipv6);
        [first(v6_first), first(!v6_first)].into_iter().flatten()
    }

    /// The `n`-th pod address of its first range, counted from 1; `.1` is the gateway, so the first is `.2`.
    pub fn pod_address(&self, n: u8) -> Option<IpAddr> {
        nth(self.pod_cidrs.first()?, n)
    }

    /// The same of its first range of a family.
    pub fn pod_address_of(&self, v6: bool, n: u8) -> Option<IpAddr> {
        self.pod_cidrs.iter().filter_map(|range| nth(range, n)).find(|ip| ip.is_ipv6() == v6)
    }

    /// The node as its kubelet is configured.
    pub fn for_kubelet(&self) -> kubelet::NodeConfig {
        kubelet::NodeConfig {
            name: Name::from(self.name.as_str()),
            ips: self.node_ips().collect(),
            pod_cidrs: self.pod_cidrs.clone(),
            resolv_conf: self.resolv_conf.clone(),
        }
    }
}

fn nth(range: &str, n: u8) -> Option<IpAddr> {
    let (base, _) = range.split_once('/')?;
    match base.parse().ok()? {
        IpAddr::V4(ip) => Some(IpAddr::from((u32::from(ip) + 1 + u32::from(n)).to_be_bytes())),
        IpAddr::V6(ip) => Some(IpAddr::from((u128::from(ip) + 1 + u128::from(n)).to_be_bytes())),
    }
}

impl Config {
    /// `v1.32.0`.
    pub fn version(&self) -> String {
        format!("v1.{}.0", self.minor)
    }

    /// The names of the nodes, as configured.
    pub fn node_names(&self) -> Vec<Name> {
        self.nodes.iter().map(|n| Name::from(n.name.as_str())).collect()
    }

    /// The first address of the first service range, which the Service `kubernetes` has.
    pub fn first_service_ip(&self) -> Option<String> {
        let (base, _) = self.service_cidrs.first()?.split_once('/')?;
        match base.parse().ok()? {
            IpAddr::V4(ip) => Some(IpAddr::from((u32::from(ip) + 1).to_be_bytes()).to_string()),
            IpAddr::V6(ip) => Some(IpAddr::from((u128::from(ip) + 1).to_be_bytes()).to_string()),
        }
    }
}
