//! Which endpoints of a Service port may be used from a node.
//!
//! Two lists, as upstream makes them: the Cluster list (ready ones, filtered by topology hints; terminating ones that still
//! serve if no ready one is left) and the Local list (the same on this node, hints ignored). Left out: nothing.
//! The real thing: `pkg/proxy/topology.go`, `endpointslicecache.go`.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::explain::NotEligible;
use crate::objects::endpoint_slice::{AddressType, Endpoint, EndpointSlice, SlicePort};
use crate::objects::json::parse_ip_sloppy;
use crate::objects::labels::Labels;
use crate::objects::service::{Service, ServicePort, ServiceType};
use crate::store::View;

/// Objects with one of these labels are never listed by kube-proxy.
const OTHER_PROXY: [&str; 2] = ["service.kubernetes.io/service-proxy-name", "service.kubernetes.io/headless"];

/// Whether kube-proxy lists a Service or slice with these labels.
pub(super) fn is_listed(labels: &Labels) -> bool {
    OTHER_PROXY.iter().all(|label| labels.get(label).is_none())
}

/// The node that chooses.
#[derive(Clone, Copy, Debug)]
pub struct Here<'a> {
    /// Its name.
    pub node: &'a str,
    /// Its zone label.
    pub zone: Option<&'a str>,
}

/// Whether `externalTrafficPolicy: Local` means anything for this Service.
pub fn external_local(service: &Service) -> bool {
    let counts = matches!(service.kind, ServiceType::NodePort | ServiceType::LoadBalancer)
        || service.kind == ServiceType::ClusterIp && !service.external_ips.is_empty();
    service.external_local && counts
}

/// One endpoint as kube-proxy sees it.
#[derive(Clone, Debug)]
struct Seen<'v> {
    ready: bool,
    serving: bool,
    terminating: bool,
    local: bool,
    endpoint: &'v Endpoint,
}

impl Seen<'_> {
    /// Good enough when nothing is ready.
    fn last_resort(&self) -> bool {
        self.serving && self.terminating
    }

    fn why_not(&self, if_ready: NotEligible) -> NotEligible {
        match (self.ready, self.terminating) {
            (true, _) => if_ready,
            (false, true) => NotEligible::Terminating,
            (false, false) => NotEligible::NotReady,
        }
    }
}

/// What may be used. Lists are in kube-proxy's order: by the text of the address.
#[derive(Clone, Debug, Default)]
pub struct Usable {
    /// From anywhere.
    pub cluster: Vec<SocketAddr>,
    /// On this node.
    pub local: Vec<SocketAddr>,
}

impl Usable {
    /// Some endpoint could be used by some node: decides between reject and drop.
    pub fn any(&self) -> bool {
        !self.cluster.is_empty()
    }
}

/// The endpoints of one port of a Service, for one address family.
pub fn usable(view: &View, service: &Service, port: &ServicePort, v6: bool, here: Here<'_>) -> Usable {
    let all = seen(view, service, port, v6, here);
    let pick = |fits: &dyn Fn(&Seen<'_>) -> bool| sorted(all.iter().filter(|(_, s)| fits(s)).map(|(a, _)| *a));
    let (mut cluster, _) = by_topology(&all, here);
    if cluster.is_empty() {
        cluster = pick(&|s| s.last_resort());
    }
    let mut local = pick(&|s| s.local && s.ready);
    if local.is_empty() {
        local = pick(&|s| s.local && s.last_resort());
    }
    Usable { cluster, local }
}

/// What is not in a list (the Local one or the Cluster one), and why.
pub fn left_out(
    view: &View,
    (service, port): (&Service, &ServicePort),
    v6: bool,
    here: Here<'_>,
    (list, only_local): (&[SocketAddr], bool),
) -> Vec<(SocketAddr, NotEligible)> {
    let all = seen(view, service, port, v6, here);
    let (_, by_topology) = by_topology(&all, here);
    let why = |s: &Seen<'_>| match only_local {
        true if !s.local => NotEligible::OtherNode,
        true => s.why_not(NotEligible::OtherNode),
        false => s.why_not(by_topology),
    };
    all.iter().filter(|(a, _)| !list.contains(a)).map(|(a, s)| (*a, why(s))).collect()
}

/// The serving endpoints of a port, whatever else is true of them; `None` if no slice lists any endpoint. What decides whether a
/// UDP flow may go on.
pub fn serving(view: &View, service: &Service, port: &ServicePort, v6: bool) -> Option<Vec<SocketAddr>> {
    let all = seen(view, service, port, v6, Here { node: "", zone: None });
    (!all.is_empty()).then(|| all.iter().filter(|(_, s)| s.serving).map(|(a, _)| *a).collect())
}

fn sorted(addresses: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut list: Vec<SocketAddr> = addresses.collect();
    list.sort_by_cached_key(ToString::to_string);
    list
}

/// All endpoints of slices of the family, whose port has the name and protocol of the Service's; one that is listed twice is
/// the one that is not terminating.
fn seen<'v>(view: &'v View, service: &Service, port: &ServicePort, v6: bool, here: Here<'_>) -> BTreeMap<SocketAddr, Seen<'v>> {
    let mut all: BTreeMap<SocketAddr, Seen<'v>> = BTreeMap::new();
    let family = if v6 { AddressType::V6 } else { AddressType::V4 };
    let named = |p: &&SlicePort| p.name.as_ref() == Some(&port.name) && p.protocol == port.protocol;
    let listed = |s: &&Arc<EndpointSlice>| s.family == family && is_listed(&s.meta.labels);
    for slice in view.slices_of(&service.meta.namespace, &service.meta.name).filter(listed) {
        let Some(number) = slice.ports.iter().find(named).and_then(|p| p.port) else { continue };
        for endpoint in &slice.endpoints {
            let first = endpoint.addresses.first().and_then(|a| parse_ip_sloppy(a));
            let Some(ip) = first.filter(|ip: &IpAddr| ip.is_ipv6() == v6) else { continue };
            let seen = Seen {
                ready: endpoint.ready != Some(false),
                serving: endpoint.serving != Some(false),
                terminating: endpoint.terminating == Some(true),
                local: endpoint.node.as_deref() == Some(here.node),
                endpoint,
            };
            let address = SocketAddr::new(ip, number);
            if !seen.terminating || !all.contains_key(&address) {
                all.insert(address, seen);
            }
        }
    }
    all
}

/// The ready endpoints that the hints allow here, and why the other ready ones are left out. Hints count only if every ready
/// endpoint has them and one of them means us.
fn by_topology(all: &BTreeMap<SocketAddr, Seen<'_>>, here: Here<'_>) -> (Vec<SocketAddr>, NotEligible) {
    let ready: Vec<(&SocketAddr, &Endpoint)> = all.iter().filter(|(_, s)| s.ready).map(|(a, s)| (a, s.endpoint)).collect();
    let for_node = |e: &Endpoint| e.node_hints.iter().any(|n| &**n == here.node);
    let zone = here.zone.filter(|z| !z.is_empty());
    let for_zone = |e: &Endpoint| zone.is_some_and(|zone| e.zone_hints.iter().any(|z| &**z == zone));
    let chosen = |fits: &dyn Fn(&Endpoint) -> bool| sorted(ready.iter().filter(|(_, e)| fits(e)).map(|(a, _)| **a));
    if ready.iter().all(|(_, e)| !e.node_hints.is_empty()) && ready.iter().any(|(_, e)| for_node(e)) {
        return (chosen(&for_node), NotEligible::OtherNode);
    }
    if ready.iter().all(|(_, e)| !e.zone_hints.is_empty()) && ready.iter().any(|(_, e)| for_zone(e)) {
        return (chosen(&for_zone), NotEligible::OtherZone);
    }
    (chosen(&|_| true), NotEligible::OtherNode)
}

#[cfg(test)]
mod cases;
#[cfg(test)]
mod tests;
