//! Service ports and their endpoints, as kube-proxy of one address family sees them. Nothing is looked up: everybody asks
//! everybody.

use std::net::{IpAddr, SocketAddr};

use sim_core::objects::Object;
use sim_core::objects::endpoint_slice::{AddressType, Endpoint, EndpointSlice, SERVICE_NAME, SlicePort};
use sim_core::objects::json::parse_ip_sloppy;
use sim_core::objects::labels::Labels;
use sim_core::objects::net::Net;
use sim_core::objects::pod_spec::Protocol;
use sim_core::objects::service::{Service, ServicePort, ServiceType};

/// Objects with one of these labels are not kube-proxy's.
const NOT_OURS: [&str; 2] = ["service.kubernetes.io/service-proxy-name", "service.kubernetes.io/headless"];

/// One port of a Service.
#[derive(Clone, Debug)]
pub struct Port {
    /// `namespace/name` of the Service.
    pub service: String,
    /// The name of the port.
    pub name: String,
    /// Its protocol.
    pub protocol: Protocol,
    /// Its number.
    pub number: u16,
    /// The cluster IP.
    pub cluster_ip: IpAddr,
    /// External IPs.
    pub external_ips: Vec<IpAddr>,
    /// Addresses of the balancer that nodes catch.
    pub balancer_ips: Vec<IpAddr>,
    /// Who may call those; nobody said = everybody.
    pub ranges: Vec<Net>,
    /// The node port.
    pub node_port: Option<u16>,
    /// The health check port.
    pub health_port: Option<u16>,
    /// `internalTrafficPolicy: Local`.
    pub internal_local: bool,
    /// `externalTrafficPolicy: Local`.
    pub external_local: bool,
    /// Seconds of client affinity.
    pub affinity: Option<i64>,
    /// All its endpoints.
    pub endpoints: Vec<Ready>,
    /// Those that may be used with policy Cluster.
    pub cluster: Vec<SocketAddr>,
    /// Those that may be used with policy Local.
    pub local: Vec<SocketAddr>,
    /// Whether there is a usable one anywhere.
    pub any: bool,
}

/// One endpoint.
#[derive(Clone, Debug)]
pub struct Ready {
    /// Where.
    pub at: SocketAddr,
    /// On this node.
    pub here: bool,
    ready: bool,
    serving: bool,
    terminating: bool,
    zones: Vec<String>,
    nodes: Vec<String>,
}

/// The ports of one family, in the order of the API.
pub fn ports(objects: &[Object], v6: bool, node: &str, zone: Option<&str>) -> Vec<Port> {
    let mut services: Vec<&Service> = Vec::new();
    let mut slices: Vec<&EndpointSlice> = Vec::new();
    for object in objects {
        match object {
            Object::Service(service) if ours(&service.meta.labels) => services.push(service),
            Object::EndpointSlice(slice) if ours(&slice.meta.labels) => slices.push(slice),
            _ => {}
        }
    }
    services.sort_by_key(|service| (service.meta.namespace.clone(), service.meta.name.clone()));
    let mut ports = Vec::new();
    for service in services {
        let Some(cluster_ip) = service.cluster_ips.iter().copied().find(|ip| ip.is_ipv6() == v6) else { continue };
        if service.headless || service.kind == ServiceType::ExternalName {
            continue;
        }
        for port in &service.ports {
            let mut entry = entry(service, port, cluster_ip);
            entry.endpoints = endpoints(&slices, service, port, v6, node);
            choose(&mut entry, node, zone);
            ports.push(entry);
        }
    }
    ports
}

fn ours(labels: &Labels) -> bool {
    NOT_OURS.iter().all(|label| labels.get(label).is_none())
}

fn entry(service: &Service, port: &ServicePort, cluster_ip: IpAddr) -> Port {
    let same = |ip: &IpAddr| ip.is_ipv6() == cluster_ip.is_ipv6();
    let caught = service.ingress.iter().filter(|ingress| !ingress.proxy_mode).filter_map(|ingress| ingress.ip);
    let mut ranges: Vec<Net> = service.source_ranges.iter().filter_map(|text| Net::parse(text)).collect();
    ranges.retain(|net| same(&net.address));
    if ranges.iter().any(|net| net.prefix == 0) {
        ranges.clear();
    }
    let outward = match service.kind {
        ServiceType::NodePort | ServiceType::LoadBalancer => true,
        ServiceType::ClusterIp => !service.external_ips.is_empty(),
        ServiceType::ExternalName => false,
    };
    let external_local = outward && service.external_local;
    let checked = service.kind == ServiceType::LoadBalancer && external_local;
    Port {
        service: format!("{}/{}", service.meta.namespace, service.meta.name),
        name: port.name.to_string(),
        protocol: port.protocol,
        number: port.port,
        cluster_ip,
        external_ips: service.external_ips.iter().copied().filter(same).collect(),
        balancer_ips: caught.filter(same).collect(),
        ranges,
        node_port: port.node_port,
        health_port: service.health_port.filter(|_| checked),
        internal_local: service.internal_local,
        external_local,
        affinity: service.affinity,
        endpoints: Vec::new(),
        cluster: Vec::new(),
        local: Vec::new(),
        any: false,
    }
}

fn endpoints(slices: &[&EndpointSlice], service: &Service, port: &ServicePort, v6: bool, node: &str) -> Vec<Ready> {
    let family = if v6 { AddressType::V6 } else { AddressType::V4 };
    let mut found: Vec<Ready> = Vec::new();
    for slice in slices {
        let theirs = slice.meta.labels.get(SERVICE_NAME) == Some(&*service.meta.name);
        if !theirs || slice.meta.namespace != service.meta.namespace || slice.family != family {
            continue;
        }
        for (slice_port, endpoint) in slice.ports.iter().flat_map(|port| slice.endpoints.iter().map(move |e| (port, e))) {
            let Some(one) = endpoint_at(slice_port, endpoint, port, node) else { continue };
            match found.iter_mut().find(|other| other.at == one.at) {
                // Listed twice: the one that stays counts.
                Some(other) if other.terminating && !one.terminating => *other = one,
                Some(_) => {}
                None => found.push(one),
            }
        }
    }
    found.sort_by_key(|endpoint| endpoint.at.to_string());
    found
}

fn endpoint_at(slice_port: &SlicePort, endpoint: &Endpoint, port: &ServicePort, node: &str) -> Option<Ready> {
    let number = slice_port.port.filter(|number| *number != 0)?;
    if slice_port.name.as_ref()? != &port.name || slice_port.protocol != port.protocol {
        return None;
    }
    let texts = |list: &[sim_core::objects::Name]| list.iter().map(ToString::to_string).collect();
    Some(Ready {
        at: SocketAddr::new(parse_ip_sloppy(endpoint.addresses.first()?)?, number),
        here: endpoint.node.as_deref() == Some(node),
        ready: endpoint.ready.unwrap_or(true),
        serving: endpoint.serving.unwrap_or(true),
        terminating: endpoint.terminating.unwrap_or(false),
        zones: texts(&endpoint.zone_hints),
        nodes: texts(&endpoint.node_hints),
    })
}

/// Fills in which endpoints may be used.
fn choose(port: &mut Port, node: &str, zone: Option<&str>) {
    let at = |list: Vec<&Ready>| list.iter().map(|endpoint| endpoint.at).collect::<Vec<SocketAddr>>();
    let all = &port.endpoints;
    let ready: Vec<&Ready> = all.iter().filter(|e| e.ready).collect();
    let leaving: Vec<&Ready> = all.iter().filter(|e| e.serving && e.terminating).collect();
    let for_us = |e: &Ready| e.nodes.iter().any(|name| name == node);
    let for_zone = |e: &Ready| e.zones.iter().any(|name| Some(&**name) == zone);
    let by_node = ready.iter().all(|e| !e.nodes.is_empty()) && ready.iter().any(|e| for_us(e));
    let by_zone = ready.iter().all(|e| !e.zones.is_empty()) && ready.iter().any(|e| for_zone(e));
    let near: Vec<&Ready> = ready.iter().copied().filter(|e| if by_node { for_us(e) } else { !by_zone || for_zone(e) }).collect();

    let cluster = if near.is_empty() { leaving.clone() } else { near };
    let local = if ready.iter().any(|e| e.here) { &ready } else { &leaving };
    let local: Vec<&Ready> = local.iter().copied().filter(|e| e.here).collect();
    let (cluster, local, any) = (at(cluster), at(local), !ready.is_empty() || !leaving.is_empty());
    (port.cluster, port.local, port.any) = (cluster, local, any);
}

impl Port {
    /// A name for the rules of this port.
    pub fn label(&self) -> String {
        format!("{}:{} {}", self.service, self.name, self.protocol.text())
    }

    /// Whether anything but the cluster IP leads here.
    pub fn outward(&self) -> bool {
        self.node_port.is_some() || !self.external_ips.is_empty() || !self.balancer_ips.is_empty()
    }

    /// What calls to the cluster IP may use.
    pub fn internal(&self) -> &[SocketAddr] {
        if self.internal_local { &self.local } else { &self.cluster }
    }

    /// What calls to any other address may use, if they come from outside.
    pub fn external(&self) -> &[SocketAddr] {
        if self.external_local { &self.local } else { &self.cluster }
    }
}
