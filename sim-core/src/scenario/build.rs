//! From a scenario's `spec` to a cluster.
//!
//! Words of the file become settings of the boxes; nothing is decided here but the defaults that depend on other fields.

use std::net::IpAddr;
use std::sync::Arc;

use serde_json::Value;

use super::format::{self, Controllers, ObjectsFrom, Preset, Setting, Spec};
use super::load::Input;
use super::machines::{Machine, machines};
use super::notation::{Cidr, CidrOrPrimary};
use crate::cloud::{self, Balancing};
use crate::cluster::Cluster;
use crate::cluster::config::{Config, DnsConfig, NodeConfig};
use crate::controllers::{NAMES, Which};
use crate::dns::config::{PodsMode, ServerConfig, UpstreamAnswer};
use crate::dns::message::{Record, kind_named};
use crate::engine::random::Draws;
use crate::engine::time::Duration;
use crate::kubelet::images::{Failure, ImageTable, Listener, Override};
use crate::objects::pod_spec::Protocol;
use crate::proxy::{Mode, Net, NodePortAddress, ProxyConfig};

/// Balancers that check more often would do little else.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);

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
        nodes: machines(c).into_iter().map(node).collect::<Vec<_>>().into(),
        controllers: controllers(&c.controllers),
        kubelet: runs(format::Controller::Kubelet),
        scheduler: runs(format::Controller::Scheduler),
        system: c.system,
        proxy: proxy(c, pod_cidrs.as_deref()),
        dns: dns(c),
        cloud: cloud(&c.cloud),
        images: Arc::new(ImageTable::new(
            spec.images.iter().map(|(name, image)| (name.clone(), image_override(image))).collect(),
        )),
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
    DnsConfig { enabled: d.enabled, service_ip, server, kubelet, race_percent: d.conntrack_race }
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
    let mut config = cloud::Config::of(match c.provider {
        format::Provider::None => cloud::Provider::None,
        format::Provider::Generic => cloud::Provider::Generic,
        format::Provider::AwsLike => cloud::Provider::AwsLike,
    });
    config.balancing = balancing(&c.load_balancer, config.balancing);
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

/// The preset of the provider, as far as nothing else is written.
fn balancing(written: &format::LoadBalancer, preset: Balancing) -> Balancing {
    let check = &written.check;
    Balancing {
        to_pods: written.targets.map_or(preset.to_pods, |targets| targets == format::Targets::Pods),
        interval: check.interval.as_deref().copied().unwrap_or(preset.interval).max(SHORTEST_INTERVAL),
        fail: check.fail.unwrap_or(preset.fail),
        pass: check.pass.unwrap_or(preset.pass),
        fails_open: written.all_unhealthy.map_or(preset.fails_open, |what| what == format::AllUnhealthy::All),
        draining: written.draining.as_deref().copied().unwrap_or(preset.draining),
        keeps_source: written.keep_source.unwrap_or(preset.keeps_source),
        proxies: written.ip_mode.map_or(preset.proxies, |mode| mode == format::IpMode::Proxy),
        ..preset
    }
}

/// A protocol as the rest of the simulator calls it.
pub(super) fn protocol(written: format::Protocol) -> Protocol {
    match written {
        format::Protocol::Tcp => Protocol::Tcp,
        format::Protocol::Udp => Protocol::Udp,
        format::Protocol::Sctp => Protocol::Sctp,
    }
}

fn image_override(image: &format::Image) -> Override {
    let listener =
        |l: &format::Listen| Listener { port: l.port, bind: l.bind.as_deref().copied(), protocol: protocol(l.protocol) };
    let reply = image.reply.clone().unwrap_or_default();
    Override {
        listeners: image.listen.as_ref().map(|list| list.iter().map(listener).collect()),
        start: image.start.as_deref().copied(),
        pull: image.pull.as_deref().copied(),
        status: reply.status,
        body: reply.body,
        delay: reply.delay.as_deref().copied(),
        fail: reply.fail.map(|fail| match fail {
            format::Fail::Empty => Failure::Empty,
            format::Fail::Hang => Failure::Hang,
            format::Fail::Reset => Failure::Reset,
        }),
        drains: image.on_term.map(|t| t == format::OnTerm::Drain),
        musl: image.resolver.map(|r| r == format::Resolver::Musl),
    }
}

/// A machine as its cluster is configured with it.
fn node(machine: Machine) -> NodeConfig {
    let amount = |key: &str| machine.capacity.get(key).cloned().unwrap_or_default();
    NodeConfig {
        cpu: amount("cpu"),
        memory: amount("memory"),
        pods: amount("pods"),
        name: machine.name,
        ips: machine.ips,
        external_ips: machine.external_ips,
        zone: machine.zone,
        pod_cidrs: machine.pod_cidrs.iter().map(Cidr::to_string).collect(),
        resolv_conf: machine.resolv_conf,
        labels: machine.labels.into_iter().collect(),
        taints: machine.taints.iter().filter_map(|t| serde_json::to_value(t).ok()).collect(),
    }
}
