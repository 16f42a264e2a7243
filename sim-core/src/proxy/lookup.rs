//! What one node has programmed: a photograph, and the maps by which the kernel would find a Service in it.
//!
//! In a real cluster the nftables mode keeps verdict maps by address, protocol and port; the iptables mode scans its rules in
//! order, with the same result. The maps hold Services only, never endpoints, so they are made anew only when a Service has
//! changed, and only when a packet first asks; nodes that programmed the same Services share them. Which endpoints may be used
//! depends on the node, and is kept beside them, port by port.
//! Left out: the cost of long chains. The real thing: `pkg/proxy/serviceport.go`, `pkg/proxy/nftables/proxier.go`.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};

use super::Net;
use super::choose::{Here, Usable, external_local, is_listed, serving, usable};
use super::hash_table::HashTable;
use crate::engine::digest::{Digestible, StateDigest};
use crate::explain::AddressKind;
use crate::objects::Name;
use crate::objects::pod_spec::Protocol;
use crate::objects::service::{Service, ServicePort, ServiceType};
use crate::store::View;

/// A programmed table. Cloning copies a few pointers.
#[derive(Clone, Debug, Default)]
pub struct Programmed {
    view: Arc<View>,
    lookup: Arc<OnceLock<Lookup>>,
    lists: Arc<OnceLock<Lists>>,
}

impl Programmed {
    /// The table of a photograph.
    pub fn new(view: Arc<View>) -> Programmed {
        Programmed { view, ..Programmed::default() }
    }

    /// The table of another photograph; the maps are shared if no Service differs.
    pub fn with_view(&self, view: &Arc<View>) -> Programmed {
        let same = self.view.services.is_same(&view.services);
        let lookup = if same { self.lookup.clone() } else { Arc::default() };
        Programmed { view: view.clone(), lookup, lists: Arc::default() }
    }

    /// The same table for another node: the maps are shared, what depends on the node is not.
    pub fn for_node(&self) -> Programmed {
        Programmed { lists: Arc::default(), ..self.clone() }
    }

    /// The photograph.
    pub fn view(&self) -> &Arc<View> {
        &self.view
    }

    /// The maps.
    pub fn lookup(&self) -> &Lookup {
        self.lookup.get_or_init(|| Lookup::of(&self.view))
    }

    /// The endpoints of a port that may be used from a node. They are worked out when a packet first asks and kept until the
    /// next sync; a table serves one node, and a caller who stands elsewhere gets an answer that is not kept.
    pub fn usable(&self, port: &PortFacts, here: Here<'_>) -> Arc<Usable> {
        let lists = self.lists.get_or_init(|| Lists::new(here, self.lookup().ports.len()));
        let work_out = || Arc::new(usable(&self.view, &port.service, port.port(), port.v6, here));
        if &*lists.node != here.node || lists.zone.as_deref() != here.zone {
            return work_out();
        }
        match lists.cell(port.number) {
            Some(cell) => cell.get_or_init(work_out).clone(),
            None => work_out(),
        }
    }
}

impl Programmed {
    /// The serving endpoints of a port; `None` if it has no endpoint of any kind.
    pub fn serving(&self, port: &PortFacts) -> Option<Vec<SocketAddr>> {
        serving(&self.view, &port.service, port.port(), port.v6)
    }
}

/// So many lists come into being together.
const PAGE: usize = 64;

/// The usable endpoints of the ports that packets asked for at one node: at most one list for each port of the photograph.
#[derive(Debug)]
struct Lists {
    node: Name,
    zone: Option<Name>,
    pages: Vec<OnceLock<Vec<OnceLock<Arc<Usable>>>>>,
}

impl Lists {
    fn new(here: Here<'_>, ports: usize) -> Lists {
        let pages = (0..ports.div_ceil(PAGE)).map(|_| OnceLock::new()).collect();
        Lists { node: here.node.into(), zone: here.zone.map(Name::from), pages }
    }

    fn cell(&self, number: usize) -> Option<&OnceLock<Arc<Usable>>> {
        let page = self.pages.get(number / PAGE)?.get_or_init(|| (0..PAGE).map(|_| OnceLock::new()).collect());
        page.get(number % PAGE)
    }
}

/// A port of a Service in one address family: what kube-proxy calls a service port. What a packet asks is here itself, side by
/// side: in a large cluster each pointer that has to be followed is a wait for memory.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub struct PortFacts {
    /// The Service.
    pub service: Arc<Service>,
    /// `namespace/name`.
    pub name: Name,
    /// `externalTrafficPolicy: Local` counts.
    pub external_local: bool,
    /// `internalTrafficPolicy: Local`.
    pub internal_local: bool,
    /// Seconds of client affinity.
    pub affinity: Option<i64>,
    /// The number of the port, as packets have it.
    pub declared: u16,
    /// The source ranges of the family that let some in and others not; empty = everybody.
    pub ranges: Vec<Net>,
    /// The family.
    pub v6: bool,
    port: usize,
    number: usize,
}

impl PortFacts {
    /// The port.
    pub fn port(&self) -> &ServicePort {
        &self.service.ports[self.port]
    }

    /// Its number among the ports of the photograph.
    pub fn number(&self) -> usize {
        self.number
    }
}

/// A port of a Service, and by which kind of address it was found.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'t> {
    /// The port.
    pub facts: &'t PortFacts,
    /// The kind of address.
    pub kind: AddressKind,
}

/// The maps of one photograph. Where two Services claim one address and port the first in the API's order has it; upstream
/// leaves that order open.
#[derive(Debug, Default)]
pub struct Lookup {
    ports: Vec<PortFacts>,
    by_address: HashTable<(IpAddr, u16, Protocol), (u32, AddressKind)>,
    by_node_port: HashTable<(bool, u16, Protocol), u32>,
    by_health_port: HashTable<(bool, u16, Protocol), Name>,
    cluster_ips: HashTable<IpAddr, ()>,
    bound: HashTable<IpAddr, ()>,
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
        let name: Name = format!("{}/{}", service.meta.namespace, service.meta.name).into();
        for (port, declared) in service.ports.iter().enumerate() {
            let number = self.ports.len();
            // Short numbers: more of the tables is near.
            let short = u32::try_from(number).unwrap_or(u32::MAX);
            for (ip, kind) in &addresses {
                self.by_address.insert((*ip, declared.port, declared.protocol), (short, *kind));
            }
            if let Some(node_port) = declared.node_port {
                self.by_node_port.insert((v6, node_port, declared.protocol), short);
            }
            let (service, name) = (service.clone(), name.clone());
            self.ports.push(PortFacts {
                name,
                external_local: external_local(&service),
                internal_local: service.internal_local,
                affinity: service.affinity,
                declared: declared.port,
                ranges: ranges(&service, v6),
                v6,
                port,
                number,
                service,
            });
        }
        addresses.iter().for_each(|(ip, _)| self.bound.insert(*ip, ()));
        cluster.iter().for_each(|ip| self.cluster_ips.insert(*ip, ()));
        let checked = service.kind == ServiceType::LoadBalancer && service.external_local;
        if let Some(port) = service.health_port.filter(|_| checked) {
            self.by_health_port.insert((v6, port, Protocol::Tcp), name);
        }
    }

    /// Who has an address and port other than a node's.
    pub fn address(&self, to: SocketAddr, protocol: Protocol) -> Option<Entry<'_>> {
        let (number, kind) = self.by_address.get(&(to.ip(), to.port(), protocol))?;
        Some(Entry { facts: self.ports.get(*number as usize)?, kind: *kind })
    }

    /// Who has a node port.
    pub fn node_port(&self, v6: bool, port: u16, protocol: Protocol) -> Option<Entry<'_>> {
        let number = self.by_node_port.get(&(v6, port, protocol))?;
        Some(Entry { facts: self.ports.get(*number as usize)?, kind: AddressKind::NodePort })
    }

    /// The Service, as `namespace/name`, whose health check node port it is.
    pub fn health_port(&self, v6: bool, port: u16) -> Option<&Name> {
        self.by_health_port.get(&(v6, port, Protocol::Tcp))
    }

    /// Whether an address is the cluster IP of some Service.
    pub fn is_cluster_ip(&self, ip: IpAddr) -> bool {
        self.cluster_ips.get(&ip).is_some()
    }

    /// Every cluster, external and balancer IP, some of them more than once.
    pub fn service_ips(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.ports.iter().flat_map(|facts| {
            let service = &facts.service;
            let own = service.cluster_ips.iter().chain(&service.external_ips).copied();
            own.chain(balancer_ips(service)).filter(|ip| ip.is_ipv6() == facts.v6)
        })
    }

    /// Whether an address is a cluster, external or balancer IP of some Service. ipvs mode binds those to every node.
    pub fn is_service_ip(&self, ip: IpAddr) -> bool {
        self.bound.get(&ip).is_some()
    }

    /// All ports, as the API lists their Services.
    pub fn ports(&self) -> &[PortFacts] {
        &self.ports
    }
}

/// The source ranges of a family. One that takes all addresses makes the others void.
fn ranges(service: &Service, v6: bool) -> Vec<Net> {
    let ranges = service.source_ranges.iter().filter_map(|r| Net::parse(r)).filter(|n| n.address.is_ipv6() == v6);
    let ranges: Vec<Net> = ranges.collect();
    if ranges.iter().any(|n| n.prefix == 0) { Vec::new() } else { ranges }
}

/// The balancer's addresses that nodes catch: those with an address, unless `ipMode` is Proxy.
pub(super) fn balancer_ips(service: &Service) -> impl Iterator<Item = IpAddr> + '_ {
    service.ingress.iter().filter(|i| !i.proxy_mode).filter_map(|i| i.ip)
}

/// Whether kube-proxy deals with a Service at all.
fn is_proxied(service: &Service) -> bool {
    is_listed(&service.meta.labels) && !service.headless && !service.is_external_name()
}

impl Digestible for Programmed {
    fn digest(&self, into: &mut StateDigest) {
        // The maps are made of the photograph when they are first looked into.
        let Programmed { view, lookup: _, lists: _ } = self;
        view.digest(into);
    }
}
