//! What one node has programmed: a photograph, and the maps by which the kernel would find a Service in it.
//!
//! In a real cluster the nftables mode keeps verdict maps by address, protocol and port; the iptables mode scans its rules in
//! order, with the same result. The maps hold Services only, never endpoints, so they are made anew only when a Service has
//! changed, and only when a packet first asks; nodes that programmed the same Services share them.
//! Left out: the cost of long chains. The real thing: `pkg/proxy/serviceport.go`, `pkg/proxy/nftables/proxier.go`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};

use crate::explain::AddressKind;
use crate::objects::pod_spec::Protocol;
use crate::objects::service::{Service, ServicePort, ServiceType};
use crate::store::View;

/// Services with one of these labels are never listed by kube-proxy.
const OTHER_PROXY: [&str; 2] = ["service.kubernetes.io/service-proxy-name", "service.kubernetes.io/headless"];

/// A programmed table. Cloning copies two pointers.
#[derive(Clone, Debug, Default)]
pub struct Programmed {
    view: Arc<View>,
    lookup: Arc<OnceLock<Lookup>>,
}

impl Programmed {
    /// The table of a photograph.
    pub fn new(view: Arc<View>) -> Programmed {
        Programmed { view, lookup: Arc::default() }
    }

    /// The table of another photograph; the maps are shared if no Service differs.
    pub fn with_view(&self, view: &Arc<View>) -> Programmed {
        let same = self.view.services.is_same(&view.services);
        Programmed { view: view.clone(), lookup: if same { self.lookup.clone() } else { Arc::default() } }
    }

    /// The photograph.
    pub fn view(&self) -> &Arc<View> {
        &self.view
    }

    /// The maps.
    pub fn lookup(&self) -> &Lookup {
        self.lookup.get_or_init(|| Lookup::of(&self.view))
    }
}

/// A port of a Service, and by which kind of address it was found.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The Service.
    pub service: Arc<Service>,
    /// The kind of address.
    pub kind: AddressKind,
    port: usize,
}

impl Entry {
    /// The port.
    pub fn port(&self) -> &ServicePort {
        &self.service.ports[self.port]
    }
}

/// The maps of one photograph. Where two Services claim one address and port the first in the API's order has it; upstream
/// leaves that order open.
#[derive(Clone, Debug, Default)]
pub struct Lookup {
    by_address: BTreeMap<(IpAddr, u16, Protocol), Entry>,
    by_node_port: BTreeMap<(bool, u16, Protocol), Entry>,
    by_health_port: BTreeMap<u16, Arc<Service>>,
    cluster_ips: BTreeSet<IpAddr>,
}

impl Lookup {
    /// The maps of a photograph.
    pub fn of(view: &View) -> Lookup {
        let mut lookup = Lookup::default();
        for service in view.services.iter().filter(|s| is_proxied(s)) {
            for v6 in [false, true] {
                lookup.add(service, v6);
            }
        }
        lookup
    }

    /// One family of a Service. A Service without a cluster IP of the family does not exist there, whatever else it has.
    fn add(&mut self, service: &Arc<Service>, v6: bool) {
        let of_family = |ip: &IpAddr| ip.is_ipv6() == v6;
        let cluster: Vec<IpAddr> = service.cluster_ips.iter().copied().filter(of_family).take(1).collect();
        if cluster.is_empty() {
            return;
        }
        let external = service.external_ips.iter().copied().filter(of_family);
        let balancer = balancer_ips(service).filter(of_family);
        let kinds = cluster.iter().map(|ip| (*ip, AddressKind::ClusterIp));
        let kinds = kinds.chain(external.map(|ip| (ip, AddressKind::ExternalIp)));
        let addresses: Vec<_> = kinds.chain(balancer.map(|ip| (ip, AddressKind::LoadBalancerIp))).collect();
        for (port, declared) in service.ports.iter().enumerate() {
            let entry = |kind| Entry { service: service.clone(), kind, port };
            for (ip, kind) in &addresses {
                self.by_address.entry((*ip, declared.port, declared.protocol)).or_insert_with(|| entry(*kind));
            }
            if let Some(number) = declared.node_port {
                let key = (v6, number, declared.protocol);
                self.by_node_port.entry(key).or_insert_with(|| entry(AddressKind::NodePort));
            }
        }
        self.cluster_ips.extend(cluster);
        let checked = service.kind == ServiceType::LoadBalancer && service.external_local;
        if let Some(port) = service.health_port.filter(|_| checked) {
            self.by_health_port.entry(port).or_insert_with(|| service.clone());
        }
    }

    /// Who has an address and port other than a node's.
    pub fn address(&self, to: SocketAddr, protocol: Protocol) -> Option<&Entry> {
        self.by_address.get(&(to.ip(), to.port(), protocol))
    }

    /// Who has a node port.
    pub fn node_port(&self, v6: bool, port: u16, protocol: Protocol) -> Option<&Entry> {
        self.by_node_port.get(&(v6, port, protocol))
    }

    /// Whose health check node port it is.
    pub fn health_port(&self, port: u16) -> Option<&Arc<Service>> {
        self.by_health_port.get(&port)
    }

    /// Whether an address is the cluster IP of some Service.
    pub fn is_cluster_ip(&self, ip: IpAddr) -> bool {
        self.cluster_ips.contains(&ip)
    }
}

/// The balancer's addresses that nodes catch: those with an address, unless `ipMode` is Proxy.
pub(super) fn balancer_ips(service: &Service) -> impl Iterator<Item = IpAddr> + '_ {
    service.ingress.iter().filter(|i| !i.proxy_mode).filter_map(|i| i.ip)
}

/// Whether kube-proxy deals with a Service at all.
fn is_proxied(service: &Service) -> bool {
    let elsewhere = OTHER_PROXY.iter().any(|label| service.meta.labels.get(label).is_some());
    !elsewhere && !service.headless && !service.is_external_name() && !service.cluster_ips.is_empty()
}
