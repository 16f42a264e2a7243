//! The cluster as the network and the console meet it: what is physically there at a moment.

use std::net::IpAddr;
use std::sync::Arc;

use super::Cluster;
use crate::cloud::{Health, Target};
use crate::dns::resolver::Library;
use crate::engine::time::{Duration, Instant};
use crate::explain::assumed::Assumption;
use crate::kubelet::images::{Behaviour, Listener};
use crate::kubelet::worker::sockets_of;
use crate::kubelet::{ContainerView, Sandbox};
use crate::network::graph::{Pair, Way};
use crate::network::kernel::Kernel;
use crate::network::wire::{ResolverConfig, Source};
use crate::network::{Balanced, BalancedPort, Ground, Held};
use crate::objects::Name;
use crate::objects::pod::{Phase, Pod};
use crate::objects::service::ServicePort;
use crate::proxy::{Programmed, ProxyConfig};
use crate::store::View;

/// What each machine's `/etc/hosts` begins with.
const LOCALHOST: &str = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n";

/// The address of the machine outside the cluster on which the user types (TEST-NET-2), and its IPv6 like.
const OUTSIDE: (IpAddr, IpAddr) = (
    IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 7)),
    IpAddr::V6(std::net::Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 7)),
);

/// The port of the API server on its own machine.
const API_PORT: u16 = 6443;

/// A cluster at a moment.
#[derive(Clone, Copy)]
pub struct GroundAt<'c> {
    /// The cluster.
    pub cluster: &'c Cluster,
    /// The moment.
    pub now: Instant,
}

impl GroundAt<'_> {
    fn node(&self, name: &str) -> Option<&super::config::NodeConfig> {
        self.cluster.config.nodes.named(name)
    }

    /// The pod that has an address, by what the API says: used where no kubelet runs.
    fn pod_by_address(&self, ip: IpAddr) -> Option<&Arc<Pod>> {
        let there = |p: &&Arc<Pod>| p.status.ips.contains(&ip) && !p.spec.host_network && p.status.phase == Phase::Running;
        self.cluster.store.head().pods.iter().find(there)
    }
}

impl Ground for GroundAt<'_> {
    fn programmed(&self, node: &str) -> Option<(Programmed, Duration)> {
        let (table, at) = self.cluster.proxies.table(node)?;
        Some((table.clone(), self.now.since(at)))
    }

    fn enforced(&self, node: &str) -> Option<(Arc<View>, Duration)> {
        let (view, at) = self.cluster.policies.enforced(node)?;
        Some((view.clone(), self.now.since(at)))
    }

    fn record(&self, namespace: &str, name: &str) -> Option<Arc<Pod>> {
        self.cluster.store.head().pods.get(namespace, name).cloned()
    }

    fn kernel(&self, node: &str) -> Option<&Kernel> {
        self.cluster.kernels.get(node)
    }

    fn node_up(&self, node: &str) -> bool {
        self.cluster.faults.node_up(node)
    }

    fn way(&self, from: &str, to: &str) -> Result<Way, Pair> {
        self.cluster.wires.way(from, to, self.cluster.faults.links())
    }

    fn nodes(&self) -> Vec<Name> {
        self.cluster.config.node_names()
    }

    fn node_at(&self, ip: IpAddr) -> Option<Name> {
        self.cluster.config.nodes.at_address(ip).map(|n| Name::from(n.name.as_str()))
    }

    fn zone(&self, node: &str) -> Option<Name> {
        let stored = self.cluster.store.head().nodes.get("", node).and_then(|n| n.zone()).map(Name::from);
        stored.or_else(|| self.node(node).and_then(|n| n.zone.as_deref()).map(Name::from))
    }

    fn node_ips(&self, node: &str) -> Vec<IpAddr> {
        self.node(node).map(|n| n.node_ips().collect()).unwrap_or_default()
    }

    fn node_addresses(&self, node: &str) -> Vec<IpAddr> {
        self.node(node).map(|n| n.ips.iter().chain(&n.external_ips).copied().collect()).unwrap_or_default()
    }

    fn pod(&self, namespace: &str, name: &str) -> Option<(Name, Vec<IpAddr>)> {
        let pod = self.cluster.store.head().pods.get(namespace, name)?;
        let node = pod.node.clone()?;
        let ips = if pod.spec.host_network { self.node_ips(&node) } else { pod.status.ips.to_vec() };
        Some((node, ips))
    }

    fn sandbox(&self, ip: IpAddr) -> Option<Sandbox> {
        if self.cluster.config.kubelet {
            return self.cluster.kubelets.sandbox(ip, self.now);
        }
        let pod = self.pod_by_address(ip)?;
        let sockets = pod.spec.containers.iter().flat_map(|container| {
            let behaviour = Arc::new(self.cluster.config.images.behaviour(&container.image));
            sockets_of(container, &behaviour).into_iter().map(move |s| (s, behaviour.clone())).collect::<Vec<_>>()
        });
        Some(Sandbox {
            namespace: pod.meta.namespace.clone(),
            pod: pod.meta.name.clone(),
            node: pod.node.clone().unwrap_or_default(),
            sockets: sockets.collect(),
            id: 0,
            processes: Vec::new(),
        })
    }

    fn host_sockets(&self, node: &str) -> Vec<(Listener, Arc<Behaviour>)> {
        let mut sockets = self.cluster.kubelets.host_sockets(node, self.now);
        if !self.cluster.faults.api_up() {
            sockets.retain(|(socket, _)| socket.port != API_PORT);
        }
        sockets.extend(self.cluster.health_sockets(node));
        sockets
    }

    fn certain(&self) -> bool {
        self.cluster.config.kubelet
    }

    fn is_balancer(&self, ip: IpAddr) -> bool {
        let shown = self.cluster.store.head().services.iter().any(|s| s.ingress.iter().any(|i| i.ip == Some(ip)));
        shown || self.cluster.cloud.at(ip).is_some()
    }

    fn balancer(&self, ip: IpAddr) -> Option<Balanced> {
        let (key, balancer) = self.cluster.cloud.at(ip)?;
        let head = self.cluster.store.head();
        let service = head.services.get(&key.0, &key.1)?;
        let rules = self.cluster.config.cloud.balancing;
        let pod_ports = |name: &Name| {
            let ports = head.slices_of(&key.0, &key.1).flat_map(|slice| &slice.ports);
            ports.filter(|p| p.name.as_ref() == Some(name)).filter_map(|p| p.port).collect()
        };
        let port = |p: &ServicePort| BalancedPort {
            port: p.port,
            protocol: p.protocol,
            node_port: p.node_port,
            pod_ports: pod_ports(&p.name),
        };
        let held = |(target, health): (&Target, &Health)| Held {
            target: target.clone(),
            healthy: health.healthy,
            since: self.now.since(health.since),
            leaving: health.leaving.is_some(),
        };
        Some(Balanced {
            service: format!("{}/{}", key.0, key.1).into(),
            ports: service.ports.iter().map(port).collect(),
            targets: balancer.targets.iter().map(held).collect(),
            fails_open: rules.fails_open,
            keeps_source: rules.keeps_source,
            proxies: rules.proxies,
        })
    }

    fn is_internal(&self, ip: IpAddr) -> bool {
        let config = &self.cluster.config.proxy;
        let pods = config.pod_cidrs.iter().flatten();
        pods.chain(&config.service_cidrs).any(|n| n.contains(ip))
    }

    fn proxy_config(&self) -> &ProxyConfig {
        &self.cluster.config.proxy
    }

    fn outside(&self, v6: bool) -> IpAddr {
        if v6 { OUTSIDE.1 } else { OUTSIDE.0 }
    }
}

impl Cluster {
    /// A running container, as its runtime shows it.
    pub fn container(&self, namespace: &str, pod: &str, container: &str) -> Result<ContainerView, String> {
        let node = self.store.head().pods.get(namespace, pod).and_then(|pod| pod.node.clone());
        if let Some(node) = node.and_then(|node| self.config.nodes.named(&node))
            && self.is_cut_off(&node.name)
        {
            let ip = node.ips.first().map(IpAddr::to_string).unwrap_or_default();
            return Err(format!("error dialing backend: dial tcp {ip}:10250: i/o timeout"));
        }
        let found = self.kubelets.container(namespace, pod, container)?;
        Ok(ContainerView { image: found.image.to_string(), hostname: found.hostname, env: found.env, files: found.files })
    }

    /// How names are resolved at a place.
    pub fn resolver(&self, from: &Source) -> ResolverConfig {
        let of_node = |name: &str| {
            let node = self.config.nodes.named(name);
            let resolv_conf = node.and_then(|n| n.resolv_conf.clone()).unwrap_or_default();
            let own: String = node.iter().flat_map(|n| &n.ips).map(|ip| format!("{ip}\t{name}\n")).collect();
            ResolverConfig { resolv_conf, hosts: format!("{LOCALHOST}{own}"), ..ResolverConfig::default() }
        };
        match from {
            Source::Pod { namespace, name } => match self.kubelets.resolver_files(namespace, name) {
                Some(found) => ResolverConfig {
                    resolv_conf: found.resolv_conf,
                    hosts: found.hosts,
                    library: if found.musl { Library::Musl } else { Library::Glibc },
                },
                None => ResolverConfig::default(),
            },
            Source::Node(name) | Source::Address { at_node: name, .. } => of_node(name),
            Source::Outside => ResolverConfig {
                resolv_conf: "nameserver 192.0.2.53\n".to_string(),
                hosts: LOCALHOST.to_string(),
                ..ResolverConfig::default()
            },
        }
    }

    /// What had to be assumed so far.
    pub fn assumptions(&self) -> Vec<Assumption> {
        let plugin = |name: &str| Assumption::CorefilePlugin(name.to_string());
        let mut list = self.kubelets.assumptions();
        list.extend(self.assumed.iter().cloned());
        list.extend(self.dns.passed_over().map(plugin).collect::<std::collections::BTreeSet<_>>());
        list
    }
}
