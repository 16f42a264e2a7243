//! From a scenario's `spec` to a cluster.
//!
//! Words of the file become settings of the boxes; nothing is decided here but the defaults that depend on other fields.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use serde_json::Value;

use super::format::{self, Controllers, Nodes, ObjectsFrom, Preset, Setting, Spec};
use super::load::Input;
use super::notation::{Cidr, CidrOrPrimary};
use crate::cloud;
use crate::cluster::Cluster;
use crate::cluster::config::{Config, DnsConfig, NodeConfig};
use crate::controllers::{NAMES, Which};
use crate::dns::config::{PodsMode, ServerConfig, UpstreamAnswer};
use crate::dns::message::{Record, kind_named};
use crate::engine::random::Draws;
use crate::kubelet::images::{Failure, ImageTable, Listener, Override};
use crate::objects::pod_spec::Protocol;
use crate::proxy::{Mode, Net, NodePortAddress, ProxyConfig};

/// What a node resolves with unless the file says otherwise.
const NODE_RESOLVER: &str = "nameserver 192.0.2.53\n";

/// The cluster that an input describes, ready to be started.
pub fn cluster(input: &Input, draws: Draws) -> Result<Cluster, String> {
    let spec = &input.scenario.spec;
    let mut objects: Vec<Value> = spec.objects.iter().map(|m| m.0.clone()).collect();
    if spec.objects_from == Some(ObjectsFrom::Docs) {
        objects.extend(input.manifests.iter().map(|m| m.value.clone()));
    }
    Cluster::new(config(spec), &objects, draws).map_err(|e| format!("spec.cluster.serviceCIDRs: {}: {}", e.cidr, e.why))
}

fn config(spec: &Spec) -> Config {
    let c = &spec.cluster;
    let pod_networks: Vec<String> = c.pod_networks().iter().map(ToString::to_string).collect();
    let pod_cidrs = (c.pod_cidrs != Setting::Off).then_some(pod_networks);
    let runs = |controller| c.controllers.runs(controller);
    Config {
        start: *spec.clock.start,
        minor: 32,
        cluster_domain: c.cluster_domain.trim_end_matches('.').to_string(),
        service_cidrs: c.service_cidrs.iter().map(|c| c.text().to_string()).collect(),
        node_ports: (c.node_port_range.first, c.node_port_range.last),
        nodes: nodes(&c.nodes, pod_cidrs.as_deref().unwrap_or_default()),
        controllers: controllers(&c.controllers),
        kubelet: runs(format::Controller::Kubelet),
        scheduler: runs(format::Controller::Scheduler),
        system: c.system,
        proxy: proxy(c, pod_cidrs.as_deref()),
        dns: dns(c),
        cloud: cloud(&c.cloud),
        images: Arc::new(ImageTable::new(spec.images.iter().map(|(name, image)| (name.clone(), image_override(image))).collect())),
        pod_cidrs,
    }
}

fn controllers(wanted: &Controllers) -> Vec<Which> {
    match wanted {
        Controllers::Preset(Preset::All) => NAMES.iter().map(|(_, which)| *which).collect(),
        Controllers::Preset(Preset::None) => Vec::new(),
        Controllers::List(list) => {
            let named = |c: &format::Controller| {
                let name = serde_json::to_value(c).ok()?;
                NAMES.iter().find(|(known, _)| name.as_str() == Some(known)).map(|(_, which)| *which)
            };
            let mut which: Vec<Which> = list.iter().filter_map(named).collect();
            which.sort();
            which.dedup();
            which
        }
    }
}

fn net(cidr: &Cidr) -> Net {
    Net { address: cidr.address, prefix: cidr.prefix }
}

fn proxy(c: &format::Cluster, pod_cidrs: Option<&[String]>) -> ProxyConfig {
    let entry = |entry: &CidrOrPrimary| match entry {
        CidrOrPrimary::Primary => NodePortAddress::Primary,
        CidrOrPrimary::Cidr(cidr) => NodePortAddress::Net(net(cidr)),
    };
    ProxyConfig {
        mode: match c.proxy.mode {
            format::ProxyMode::Iptables => Mode::Iptables,
            format::ProxyMode::Nftables => Mode::Nftables,
            format::ProxyMode::Ipvs => Mode::Ipvs,
        },
        masquerade_all: c.proxy.masquerade_all,
        node_port_addresses: c.proxy.node_port_addresses.iter().map(|e| entry(e)).collect(),
        localhost_node_ports: c.proxy.localhost_node_ports,
        pod_cidrs: pod_cidrs.map(|list| list.iter().filter_map(|t| Net::parse(t)).collect()),
        service_cidrs: c.service_cidrs.iter().map(|c| net(c)).collect(),
    }
}

fn dns(c: &format::Cluster) -> DnsConfig {
    let d = &c.dns;
    let service_ip = match &d.service_ip {
        Setting::Set(ip) => Some(**ip),
        Setting::Off => None,
        Setting::Default => tenth_address(c),
    };
    let service_ip = service_ip.filter(|_| d.enabled);
    let domain = c.cluster_domain.trim_end_matches('.');
    let reverse = ["in-addr.arpa".to_string(), "ip6.arpa".to_string()];
    let default_zones = || Some(domain.to_string()).filter(|z| !z.is_empty()).into_iter().chain(reverse.clone()).collect();
    let cache = match &d.cache {
        Setting::Set(n) => Some(*n),
        Setting::Off => None,
        Setting::Default => Some(30),
    };
    let server = ServerConfig {
        zones: d.zones.clone().unwrap_or_else(default_zones),
        pods: match d.pods_mode {
            format::PodsMode::Disabled => PodsMode::Disabled,
            format::PodsMode::Insecure => PodsMode::Insecure,
            format::PodsMode::Verified => PodsMode::Verified,
        },
        ttl: d.ttl,
        namespaces: d.namespaces.clone().unwrap_or_default(),
        ignore_empty_service: d.ignore_empty_service,
        endpoint_pod_names: d.endpoint_pod_names,
        no_endpoints: d.noendpoints,
        synced: d.synced,
        local_ips: d.local_ips.iter().flatten().map(|ip| **ip).collect(),
        fall_through: d.fallthrough.clone().unwrap_or_else(|| if d.zones.is_none() { reverse.to_vec() } else { Vec::new() }),
        upstream: d.upstream.iter().map(upstream).collect(),
        cache,
        // The stock Corefile keeps no names of the cluster.
        cache_except: Some(domain.to_string()).filter(|z| !z.is_empty()).into_iter().collect(),
    };
    let kubelet = match &d.kubelet_cluster_dns {
        Some(list) => list.iter().map(|ip| **ip).collect(),
        None => service_ip.into_iter().collect(),
    };
    DnsConfig { enabled: d.enabled, service_ip, server, kubelet }
}

/// kubeadm gives DNS the tenth address of the first service range.
fn tenth_address(c: &format::Cluster) -> Option<IpAddr> {
    let cidr = c.service_cidrs.first()?;
    Some(match cidr.address {
        IpAddr::V4(ip) => IpAddr::from((u32::from(ip) + 10).to_be_bytes()),
        IpAddr::V6(ip) => IpAddr::from((u128::from(ip) + 10).to_be_bytes()),
    })
}

fn upstream(answer: &format::Upstream) -> UpstreamAnswer {
    let record = |r: &format::Record| {
        let kind = kind_named(&r.rtype)?;
        Some(Record { name: r.name.clone(), kind, ttl: r.ttl, data: r.rdata.clone() })
    };
    UpstreamAnswer {
        name: answer.qname.clone(),
        kind: answer.qtype.clone(),
        answers: answer.answers.iter().filter_map(record).collect(),
        truncated: answer.truncated,
    }
}

fn cloud(c: &format::Cloud) -> cloud::Config {
    let mut config = cloud::Config {
        provider: match c.provider {
            format::Provider::None => cloud::Provider::None,
            format::Provider::Generic => cloud::Provider::Generic,
            format::Provider::AwsLike => cloud::Provider::AwsLike,
        },
        ..cloud::Config::default()
    };
    config.delay = c.delay.as_deref().copied().unwrap_or(config.delay);
    if let Some(pool) = c.pool.as_deref()
        && let IpAddr::V4(base) = pool.address
    {
        let size = 1u32.checked_shl(32 - u32::from(pool.prefix.min(32))).unwrap_or(u32::MAX);
        let base = u32::from(base) & !(size.wrapping_sub(1));
        // Network and broadcast address are left out of a range that has room for it.
        let edge = u32::from(size > 3);
        config.pool = (base + edge, base + (size - 1) - edge);
    }
    config
}

fn image_override(image: &format::Image) -> Override {
    let listener = |l: &format::Listen| Listener {
        port: l.port,
        bind: l.bind.as_deref().copied(),
        protocol: match l.protocol {
            format::Protocol::Tcp => Protocol::Tcp,
            format::Protocol::Udp => Protocol::Udp,
            format::Protocol::Sctp => Protocol::Sctp,
        },
    };
    let reply = image.reply.clone().unwrap_or_default();
    Override {
        listeners: image.listen.as_ref().map(|list| list.iter().map(listener).collect()),
        start: image.start.as_deref().copied(),
        pull: image.pull.as_deref().copied(),
        status: reply.status,
        body: reply.body,
        delay: reply.delay.as_deref().copied(),
        fail: reply.fail.as_deref().map(|word| match word {
            "empty" => Failure::Empty,
            "hang" => Failure::Hang,
            _ => Failure::Reset,
        }),
        drains: image.on_term.map(|t| t == format::OnTerm::Drain),
        musl: image.resolver.map(|r| r == format::Resolver::Musl),
    }
}

/// The nodes of a list, or so many of them with addresses dealt out.
fn nodes(wanted: &Nodes, pod_networks: &[String]) -> Vec<NodeConfig> {
    let plain = |index: usize| format::Node {
        name: format!("node-{}", index + 1),
        ips: Vec::new(),
        external_ips: Vec::new(),
        zone: None,
        pod_cidrs: None,
        capacity: BTreeMap::new(),
        resolv_conf: Setting::Default,
        labels: BTreeMap::new(),
        taints: Vec::new(),
    };
    let counted: Vec<format::Node>;
    let (list, dealt) = match wanted {
        Nodes::List(list) => (list, false),
        Nodes::Count(n) => {
            counted = (0..*n as usize).map(plain).collect();
            (&counted, true)
        }
    };
    list.iter().enumerate().map(|(index, node)| one_node(index, node, dealt, pod_networks)).collect()
}

fn one_node(index: usize, node: &format::Node, dealt: bool, pod_networks: &[String]) -> NodeConfig {
    // 192.168.0.2 is the first; 250 nodes to each /24.
    let number = index as u32;
    let own = IpAddr::from([192, 168, (number / 250) as u8, (2 + number % 250) as u8]);
    let public = (number < 120).then(|| IpAddr::from([203, 0, 113, (2 + number) as u8]));
    let ips: Vec<IpAddr> = if node.ips.is_empty() { vec![own] } else { node.ips.iter().map(|ip| **ip).collect() };
    let external = if dealt { public.into_iter().collect() } else { node.external_ips.iter().map(|ip| **ip).collect() };
    let amount = |key: &str, otherwise: &str| node.capacity.get(key).map_or_else(|| otherwise.to_string(), |q| q.0.clone());
    let pod_cidrs = match &node.pod_cidrs {
        Some(list) => list.iter().map(|c| c.text().to_string()).collect(),
        None => pod_networks.iter().filter_map(|network| share(network, index)).collect(),
    };
    NodeConfig {
        name: node.name.clone(),
        ips,
        external_ips: external,
        zone: node.zone.clone(),
        pod_cidrs,
        cpu: amount("cpu", "4"),
        memory: amount("memory", "16Gi"),
        pods: amount("pods", "110"),
        resolv_conf: match &node.resolv_conf {
            Setting::Default => Some(NODE_RESOLVER.to_string()),
            Setting::Off => None,
            Setting::Set(text) => Some(text.clone()),
        },
        labels: node.labels.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
        taints: node.taints.iter().filter_map(|t| serde_json::to_value(t).ok()).collect(),
    }
}

/// The node's part of the cluster's pod range: the next /24, or /64. A range with room for fewer nodes than there are wraps
/// into the range beside it, as a larger cluster CIDR would have been chosen.
fn share(network: &str, index: usize) -> Option<String> {
    let (base, prefix) = network.split_once('/')?;
    let prefix: u32 = prefix.parse().ok()?;
    let index = index as u128;
    Some(match base.parse().ok()? {
        IpAddr::V4(ip) if prefix >= 24 => format!("{}/{prefix}", IpAddr::V4(ip)),
        IpAddr::V4(ip) => {
            let start = u128::from(u32::from(ip)) + (index << 8);
            format!("{}/24", IpAddr::from((start as u32).to_be_bytes()))
        }
        IpAddr::V6(ip) if prefix >= 64 => format!("{}/{prefix}", IpAddr::V6(ip)),
        IpAddr::V6(ip) => format!("{}/64", IpAddr::from((u128::from(ip) + (index << 64)).to_be_bytes())),
    })
}
