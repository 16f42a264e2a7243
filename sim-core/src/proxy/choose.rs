//! Which endpoints of a Service port may be used from a node.
//!
//! Two lists, as upstream makes them: the Cluster list (ready ones, filtered by topology hints; terminating ones that still
//! serve if no ready one is left) and the Local list (the same on this node, hints ignored).
//! The real thing: `pkg/proxy/topology.go`, `endpointslicecache.go`.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::explain::NotEligible;
use crate::objects::endpoint_slice::{AddressType, Endpoint};
use crate::objects::json::parse_ip_sloppy;
use crate::objects::service::{Service, ServicePort};
use crate::store::View;

/// The node that chooses.
#[derive(Clone, Copy, Debug)]
pub struct Here<'a> {
    /// Its name.
    pub node: &'a str,
    /// Its zone label.
    pub zone: Option<&'a str>,
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

/// What may be used.
#[derive(Clone, Debug, Default)]
pub struct Usable {
    /// From anywhere.
    pub cluster: Vec<SocketAddr>,
    /// On this node.
    pub local: Vec<SocketAddr>,
    /// There is something in the cluster that could be used somewhere.
    pub any: bool,
    /// What is not in the Cluster list, and why.
    pub left_out: Vec<(SocketAddr, NotEligible)>,
    /// What is in the Cluster list but not on this node.
    pub remote: Vec<SocketAddr>,
}

/// The endpoints of one port of a Service, for one address family.
pub fn usable(view: &View, service: &Service, port: &ServicePort, v6: bool, here: Here<'_>) -> Usable {
    let all = seen(view, service, port, v6, here);
    let ready: Vec<SocketAddr> = all.iter().filter(|(_, s)| s.ready).map(|(a, _)| *a).collect();
    let (hinted, why) = by_topology(&all, here);
    let dying = |s: &Seen<'_>| s.serving && s.terminating;
    let mut cluster: Vec<SocketAddr> = hinted.clone();
    if cluster.is_empty() {
        cluster = all.iter().filter(|(_, s)| dying(s)).map(|(a, _)| *a).collect();
    }
    let mut local: Vec<SocketAddr> = all.iter().filter(|(_, s)| s.local && s.ready).map(|(a, _)| *a).collect();
    if local.is_empty() {
        local = all.iter().filter(|(_, s)| s.local && dying(s)).map(|(a, _)| *a).collect();
    }
    let left_out = all.iter().filter(|(a, _)| !cluster.contains(a)).map(|(a, s)| {
        let reason = match s {
            s if s.ready => why,
            s if s.terminating => NotEligible::Terminating,
            _ => NotEligible::NotReady,
        };
        (*a, reason)
    });
    let left_out: Vec<(SocketAddr, NotEligible)> = left_out.collect();
    let any = !ready.is_empty() || all.iter().any(|(_, s)| s.ready || dying(s));
    let remote = cluster.iter().filter(|a| !local.contains(a)).copied().collect();
    cluster.sort_by_key(text);
    local.sort_by_key(text);
    Usable { cluster, local, any, left_out, remote }
}

/// kube-proxy sorts endpoints by their text.
fn text(address: &SocketAddr) -> String {
    address.to_string()
}

/// All endpoints of slices of the family, whose port has the name and protocol of the Service's; one that is listed twice is
/// the one that is not terminating.
fn seen<'v>(view: &'v View, service: &Service, port: &ServicePort, v6: bool, here: Here<'_>) -> BTreeMap<SocketAddr, Seen<'v>> {
    let mut all: BTreeMap<SocketAddr, Seen<'v>> = BTreeMap::new();
    let family = if v6 { AddressType::V6 } else { AddressType::V4 };
    for slice in view.slices_of(&service.meta.namespace, &service.meta.name).filter(|s| s.family == family) {
        let named =
            |p: &&crate::objects::endpoint_slice::SlicePort| p.name.as_ref() == Some(&port.name) && p.protocol == port.protocol;
        let Some(number) = slice.ports.iter().find(named).and_then(|p| p.port) else { continue };
        for endpoint in &slice.endpoints {
            let Some(ip) = endpoint.addresses.first().and_then(|a| parse_ip_sloppy(a)).filter(|ip: &IpAddr| ip.is_ipv6() == v6)
            else {
                continue;
            };
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

/// The ready endpoints that the hints allow here, and why the others are left out.
fn by_topology(all: &BTreeMap<SocketAddr, Seen<'_>>, here: Here<'_>) -> (Vec<SocketAddr>, NotEligible) {
    let ready: Vec<(&SocketAddr, &Endpoint)> = all.iter().filter(|(_, s)| s.ready).map(|(a, s)| (a, s.endpoint)).collect();
    let for_node = |e: &Endpoint| e.node_hints.iter().any(|n| &**n == here.node);
    let for_zone = |e: &Endpoint| here.zone.is_some_and(|zone| e.zone_hints.iter().any(|z| &**z == zone));
    let chosen = |fits: &dyn Fn(&Endpoint) -> bool| ready.iter().filter(|(_, e)| fits(e)).map(|(a, _)| **a).collect::<Vec<_>>();
    if ready.iter().all(|(_, e)| !e.node_hints.is_empty()) && ready.iter().any(|(_, e)| for_node(e)) {
        return (chosen(&for_node), NotEligible::OtherNode);
    }
    if ready.iter().all(|(_, e)| !e.zone_hints.is_empty()) && ready.iter().any(|(_, e)| for_zone(e)) {
        return (chosen(&for_zone), NotEligible::OtherZone);
    }
    (ready.iter().map(|(a, _)| **a).collect(), NotEligible::NotReady)
}
