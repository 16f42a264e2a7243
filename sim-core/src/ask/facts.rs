//! What a decision of kube-proxy rested on, looked up in the photograph that it was made from.
//!
//! The packet's destination names a Service port; behind the port are endpoints, of which the station said which may not be
//! picked. Here each gets its pod, its node and its conditions. No real cluster keeps this together: it is spread over a Service,
//! its slices and the rules of one node.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::trace::{Endpoint, LocalPolicy, Match, Pick, State};
use crate::explain::{AddressKind, Component, Hop, ObjectName, Reason, Step, Trace};
use crate::objects::Name;
use crate::objects::endpoint_slice::{self, AddressType};
use crate::objects::pod_spec::Protocol;
use crate::objects::service::{Service, ServicePort, Target};
use crate::store::View;

/// What a hop's decision rested on, in a mode that picks so; `None` if it is not about a Service.
pub fn matched(view: &View, trace: &Trace, hop: &Hop, pick: Pick) -> Option<Match> {
    let service = service_of(view, &hop.reason)?;
    if hop.component != Component::KubeProxy {
        return None;
    }
    let to = hop.before.1;
    let kind = kind_of(service, to.ip());
    let port = port_of(service, kind, to.port(), trace.protocol)?;
    let picked = (hop.step == Step::Dnat).then_some(hop.after.1);
    let shown = hop.step == Step::Dnat || !hop.not_eligible.is_empty() || matches!(hop.reason, Reason::NoEndpoints { .. });
    let mut endpoints = if shown { endpoints(view, service, port, to.is_ipv6()) } else { Vec::new() };
    for endpoint in &mut endpoints {
        endpoint.why_not = hop.not_eligible.iter().find(|(a, _)| *a == endpoint.address).map(|(_, why)| *why);
        endpoint.picked = picked == Some(endpoint.address);
    }
    let local = match hop.reason {
        Reason::NoLocalEndpoints { external: true, .. } => Some(LocalPolicy::External),
        Reason::NoLocalEndpoints { external: false, .. } => Some(LocalPolicy::Internal),
        Reason::ServiceMatched { via: AddressKind::ClusterIp, .. } if service.internal_local => Some(LocalPolicy::Internal),
        // Pods and nodes that call an address meant for the outside are not bound by the policy.
        Reason::ServiceMatched { via: AddressKind::ClusterIp, .. } => None,
        Reason::ServiceMatched { .. } if service.external_local && !is_inside(view, hop.before.0.ip()) => {
            Some(LocalPolicy::External)
        }
        _ => None,
    };
    let pick = if matches!(hop.reason, Reason::SessionAffinity { .. }) { Pick::Remembered } else { pick };
    Some(Match { service: full_name(service), port: port_name(port), kind, local, endpoints, pick })
}

/// Whether an address is that of a pod or node.
fn is_inside(view: &View, ip: IpAddr) -> bool {
    let text = ip.to_string();
    let of_node = |n: &Arc<crate::objects::node::Node>| n.addresses.iter().any(|(_, a)| **a == *text);
    view.pods.iter().any(|p| p.status.ips.contains(&ip)) || view.nodes.iter().any(of_node)
}

/// The Service that a reason is about.
pub fn service_of<'v>(view: &'v View, reason: &Reason) -> Option<&'v Arc<Service>> {
    let (namespace, name) = reason.service()?.split_once('/')?;
    view.services.get(namespace, name)
}

/// The Service that the first station on a way which knows one is about.
pub fn service_of_trace<'v>(view: &'v View, trace: &Trace) -> Option<&'v Arc<Service>> {
    trace.hops.iter().find_map(|hop| service_of(view, &hop.reason))
}

/// The Service that has an address: cluster, external or balancer IP.
pub fn owner_of(view: &View, ip: IpAddr) -> Option<&Arc<Service>> {
    let has = |s: &&Arc<Service>| {
        s.cluster_ips.contains(&ip) || s.external_ips.contains(&ip) || s.ingress.iter().any(|i| i.ip == Some(ip))
    };
    view.services.iter().find(has)
}

/// `default/web`.
pub fn full_name(service: &Service) -> Name {
    format!("{}/{}", service.meta.namespace, service.meta.name).into()
}

/// A Service, named.
pub fn object(service: &Service) -> ObjectName {
    ObjectName::new("Service", service.meta.namespace.clone(), service.meta.name.clone())
}

/// How many addresses of a Service count as ready.
pub fn ready(view: &View, service: &Service) -> usize {
    let written = view.slices_of(&service.meta.namespace, &service.meta.name).flat_map(|slice| &slice.endpoints);
    written.filter(|e| e.ready != Some(false)).count()
}

/// The kind of address that a Service is met by; what is none of its own addresses is a node's.
pub fn kind_of(service: &Service, ip: IpAddr) -> AddressKind {
    if service.cluster_ips.contains(&ip) {
        AddressKind::ClusterIp
    } else if service.external_ips.contains(&ip) {
        AddressKind::ExternalIp
    } else if service.ingress.iter().any(|i| i.ip == Some(ip)) {
        AddressKind::LoadBalancerIp
    } else {
        AddressKind::NodePort
    }
}

fn port_of(service: &Service, kind: AddressKind, number: u16, protocol: Protocol) -> Option<&ServicePort> {
    let fits = |p: &&ServicePort| match kind {
        AddressKind::NodePort => p.node_port == Some(number),
        _ => p.port == number,
    };
    service.ports.iter().filter(fits).find(|p| p.protocol == protocol)
}

/// A port's name, or its number if it has none.
pub fn port_name(port: &ServicePort) -> Name {
    if port.name.is_empty() { port.port.to_string().into() } else { port.name.clone() }
}

/// Where a port leads on the pods: a number or a name.
pub fn target_text(port: &ServicePort) -> String {
    match &port.target {
        Some(Target::Number(n)) => n.to_string(),
        Some(Target::Name(name)) => name.to_string(),
        None => port.port.to_string(),
    }
}

/// The endpoints of a Service port in one family, by address; of two with one address the one that is not terminating.
pub fn endpoints(view: &View, service: &Service, port: &ServicePort, v6: bool) -> Vec<Endpoint> {
    let family = if v6 { AddressType::V6 } else { AddressType::V4 };
    let mut all: Vec<Endpoint> = Vec::new();
    for slice in view.slices_of(&service.meta.namespace, &service.meta.name).filter(|s| s.family == family) {
        let fits = |p: &&endpoint_slice::SlicePort| p.name.as_ref() == Some(&port.name) && p.protocol == port.protocol;
        let Some(number) = slice.ports.iter().find(fits).and_then(|p| p.port) else { continue };
        for written in &slice.endpoints {
            let Some(ip) = written.addresses.first().and_then(|a| a.parse::<IpAddr>().ok()) else { continue };
            all.push(Endpoint {
                address: SocketAddr::new(ip, number),
                pod: written.target.as_ref().map(|t| t.name.clone()),
                state: state(written),
                node: written.node.clone(),
                why_not: None,
                picked: false,
            });
        }
    }
    all.sort_by_key(|e| (e.address, e.state as u8));
    all.dedup_by_key(|e| e.address);
    all
}

fn state(endpoint: &endpoint_slice::Endpoint) -> State {
    let terminating = endpoint.terminating == Some(true);
    match (endpoint.ready != Some(false), terminating, endpoint.serving != Some(false)) {
        (true, _, _) => State::Ready,
        (false, true, true) => State::TerminatingServing,
        (false, true, false) => State::Terminating,
        (false, false, _) => State::NotReady,
    }
}
