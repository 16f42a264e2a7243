//! The same question asked elsewhere: at every node that could have been meant, and from the other side of the cluster's edge.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::answer::{Difference, Elsewhere, Match, Vantage};
use super::{Asked, resolver};
use crate::ask::moment::Moment;
use crate::ask::target::TraceTarget;
use crate::cluster::config::NodeConfig;
use crate::explain::{AddressKind, Outcome, Reason, Trace};
use crate::network::Ground;
use crate::network::wire::Source;
use crate::objects::Name;
use crate::objects::pod::Pod;

/// In clusters of more nodes the others are not asked.
const NODES_ASKED_MAX: usize = 12;

/// The same asked of every node: by its address, if a node port was asked; from its pods, if a cluster IP was and they differ.
pub(super) fn nodes(moment: &Moment<'_>, from: &Source, trace: &Trace, matches: &[Option<Match>]) -> Vec<Elsewhere> {
    let config = &moment.cluster.config;
    let Some(kind) = matches.iter().flatten().next().map(|m| m.kind) else { return Vec::new() };
    let (to, v6) = (trace.asked.1, trace.asked.1.is_ipv6());
    // The node port behind a balancer is not what was asked for.
    if !(2..=NODES_ASKED_MAX).contains(&config.nodes.len()) || moment.ground().is_balancer(to.ip()) {
        return Vec::new();
    }
    let external = config.nodes.iter().any(|n| n.external_ips.contains(&to.ip()));
    let ask = |node: &NodeConfig| {
        let name = Name::from(node.name.as_str());
        let ends = match kind {
            AddressKind::NodePort => {
                let list = if external { &node.external_ips } else { &node.ips };
                (from.clone(), *list.iter().find(|ip| ip.is_ipv6() == v6)?)
            }
            AddressKind::ClusterIp => {
                let ip = node.pod_address_of(v6, u8::MAX)?;
                (Source::Address { ip, at_node: name.clone() }, to.ip())
            }
            AddressKind::ExternalIp | AddressKind::LoadBalancerIp => return None,
        };
        let other = moment.way(&ends.0, SocketAddr::new(ends.1, to.port()), trace.protocol);
        Some(Elsewhere::of(Vantage::Node(name), &other, None))
    };
    let list: Vec<Elsewhere> = config.nodes.iter().filter_map(ask).collect();
    let differ =
        list.windows(2).any(|w| (w[0].delivered, w[0].outcome, w[0].dropped) != (w[1].delivered, w[1].outcome, w[1].dropped));
    if kind == AddressKind::NodePort || differ { list } else { Vec::new() }
}

/// The other vantage point, if the same question ends differently there. Everybody's loopback is another.
pub(super) fn not_seen_by(moment: &Moment<'_>, from: &Source, trace: &Trace, matches: &[Option<Match>]) -> Option<Elsewhere> {
    if trace.hops.first().is_some_and(|hop| hop.before.1.ip().is_loopback()) {
        return None;
    }
    let matched = matches.iter().flatten().next();
    let (vantage, other, why) = match from {
        Source::Outside => {
            let why = match trace.hops.last().map(|h| &h.reason) {
                Some(Reason::NoLocalEndpoints { external: true, .. }) => Some(Difference::LocalSkipped),
                Some(Reason::NotRoutedFromOutside { .. }) => Some(Difference::InsideOnly),
                Some(Reason::SourceNotAllowed { .. }) => Some(Difference::SourceRanges),
                _ => None,
            };
            match pod_there(moment, trace.asked.1.ip()) {
                Some((node, source)) => (Vantage::PodOn(node), source, why),
                None => (Vantage::Pod, some_pod(moment, matched, trace.asked.1.is_ipv6(), |_| true)?, why),
            }
        }
        _ if matched.is_some_and(|m| m.kind != AddressKind::ClusterIp) => (Vantage::Outside, Source::Outside, None),
        _ => return None,
    };
    let other = moment.way(&other, trace.asked.1, trace.protocol);
    let (here, there) = (Elsewhere::of(Vantage::Pod, trace, None), Elsewhere::of(vantage, &other, why));
    let differs = (here.delivered > 0) != (there.delivered > 0) || here.outcome != there.outcome;
    (differs && other.outcome != Outcome::Unknown).then_some(there)
}

/// A pod as there may be one on the node that has an address. A pod on another node may end otherwise: it hears the backend answer,
/// which it never called.
fn pod_there(moment: &Moment<'_>, ip: IpAddr) -> Option<(Name, Source)> {
    let nodes = &moment.cluster.config.nodes;
    let node = nodes.iter().find(|node| node.ips.contains(&ip) || node.external_ips.contains(&ip))?;
    let own = node.pod_address(u8::MAX).filter(|own| own.is_ipv6() == ip.is_ipv6())?;
    let name = Name::from(node.name.as_str());
    Some((name.clone(), Source::Address { ip: own, at_node: name }))
}

/// The same name asked by a pod, if that is answered and leads somewhere.
pub(super) fn name_not_seen_by(moment: &Moment<'_>, asked: &Asked<'_>) -> Option<Elsewhere> {
    let name = asked.target.name.as_ref().filter(|_| *asked.from == Source::Outside)?;
    let pod = some_pod(moment, None, false, |pod| matches!(&*pod.spec.dns_policy, "" | "ClusterFirst"))?;
    let found = resolver::target(moment, &TraceTarget::Name(name.clone(), asked.target.to.port()), &pod).ok()?;
    let there = (!found.to.ip().is_unspecified()).then(|| moment.way(&pod, found.to, asked.protocol))?;
    let end = Elsewhere::of(Vantage::Pod, &there, Some(Difference::ClusterDns));
    (end.delivered > 0 && there.outcome != Outcome::Unknown).then_some(end)
}

/// A running pod that is no endpoint of the Service; of the namespace `default` if it has one.
fn some_pod(moment: &Moment<'_>, matched: Option<&Match>, v6: bool, wanted: impl Fn(&Pod) -> bool) -> Option<Source> {
    let head = moment.view();
    let is_endpoint = |ip: IpAddr| matched.is_some_and(|m| m.endpoints.iter().any(|e| e.address.ip() == ip));
    let fits = |p: &&Arc<Pod>| {
        let ip = p.status.ips.iter().copied().find(|ip| ip.is_ipv6() == v6);
        let up = p.node.as_ref().is_some_and(|n| moment.cluster.faults.node_up(n));
        up && wanted(p) && p.ready() && !p.spec.host_network && ip.is_some_and(|ip| !is_endpoint(ip))
    };
    let pod = head.pods.in_namespace("default").find(fits).or_else(|| head.pods.iter().find(fits))?;
    Some(Source::Pod { namespace: pod.meta.namespace.clone(), name: pod.meta.name.clone() })
}
