//! "Did you mean": what is nearly what was asked for. A label that differs, a port known under another number, a name in another
//! namespace.
//!
//! A hint is a fact of the cluster, never a guess about the user. No real cluster gives them.

use std::net::IpAddr;

use super::facts;
use crate::explain::{Reason, Trace};
use crate::objects::Name;
use crate::objects::labels::Labels;
use crate::objects::nearest::alike;
use crate::objects::pod::Pod;
use crate::objects::pod_spec::Protocol;
use crate::objects::service::{Service, ServiceType, Target};
use crate::store::View;

/// Most hints of one answer.
pub(super) const HINTS_MAX: usize = 4;
/// Most pods that are compared with a selector.
const PODS_COMPARED_MAX: usize = 2_000;

/// What was perhaps meant. Services are named in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// A pod nearly has the labels that a selector asks for.
    PodHas {
        /// The pod, in full.
        pod: Name,
        /// The pair that it has instead.
        has: (Name, Name),
        /// The selector.
        wanted: Labels,
    },
    /// Pods with the labels are in this namespace.
    PodsElsewhere(Labels, Name),
    /// No pod names a port, and the Service asks for this name.
    PortsUnnamed(Name),
    /// The pods' ports have other names than the one that the Service asks for.
    PortsNamed {
        /// Name, number and protocol of each.
        known: Vec<(Name, u16, Protocol)>,
        /// What is asked for.
        wanted: (Name, Protocol),
    },
    /// The Service has this port, perhaps for another protocol than was asked for.
    PortOf(u16, Protocol, Name),
    /// The Service has no other port than this.
    OnlyPort(u16, Protocol, Name),
    /// The number that was asked for is another of a Service's numbers.
    OtherNumber {
        /// What was asked for.
        asked: u16,
        /// Whether it is the port on the nodes; else it is that of the pods.
        of_nodes: bool,
        /// The Service.
        service: Name,
        /// Its port.
        port: u16,
    },
    /// The number is the node port of a Service's port.
    IsNodePort(u16, Name, u16),
    /// The Service has this node port, for those outside.
    AskNodePort(u16, Name),
    /// The Service can be reached from inside only.
    InsideOnly(Name),
    /// The containers of a pod declare other ports than the last one.
    Declared(Name, Vec<u16>, u16),
    /// The name in full, with its final dot.
    WithDot(String),
    /// The cluster IP of a Service.
    ClusterIpOf(IpAddr, Name),
    /// The balancer's address of a Service.
    BalancerOf(IpAddr, Name),
    /// The node port of a Service.
    NodePortOf(u16, Name),
    /// A Service of that name is in this namespace.
    OtherNamespace(Name, Name),
    /// A Service of nearly that name is in this namespace.
    SimilarService(Name, Name),
}

/// The hints for a way that did not end well.
pub(super) fn of_trace(view: &View, trace: &Trace) -> Vec<Hint> {
    let Some(last) = trace.hops.last() else { return Vec::new() };
    let service = facts::service_of(view, &last.reason);
    let mut hints = match (&last.reason, service) {
        (Reason::NoEndpoints { .. } | Reason::NotRejectedOnOutput { .. }, Some(service)) => selector(view, service),
        (Reason::NobodyHasAddress { .. }, _) if trace.chosen.is_some() => Vec::new(),
        (Reason::NoRule | Reason::NoSuchServicePort | Reason::NoSuchBalancerPort { .. } | Reason::NobodyHasAddress { .. }, _) => {
            port(view, trace)
        }
        (Reason::NotRoutedFromOutside { .. }, _) => from_outside(view, trace),
        (Reason::NothingListens { .. }, _) => target_port(view, trace).into_iter().collect(),
        _ => Vec::new(),
    };
    hints.truncate(HINTS_MAX);
    hints
}

/// The selector of a Service that finds nobody: which pods it nearly matches, or matches elsewhere; which port name is missing.
pub(super) fn selector(view: &View, service: &Service) -> Vec<Hint> {
    let Some(wanted) = &service.selector else { return Vec::new() };
    let namespace = &service.meta.namespace;
    let alive = |p: &&Pod| !p.finished();
    let own: Vec<&Pod> = view.pods.in_namespace(namespace).map(|p| &**p).filter(alive).take(PODS_COMPARED_MAX).collect();
    let matching: Vec<&Pod> = own.iter().copied().filter(|p| wanted.contained_in(&p.meta.labels)).collect();
    if !matching.is_empty() {
        return port_names(service, &matching);
    }
    let mut hints = Vec::new();
    if let Some((pod, has)) = own.iter().filter_map(|p| Some((p, near(wanted, &p.meta.labels)?))).next() {
        let pod = format!("{namespace}/{}", pod.meta.name).into();
        hints.push(Hint::PodHas { pod, has, wanted: wanted.clone() });
    }
    let elsewhere = view.pods.iter().take(PODS_COMPARED_MAX);
    let other = elsewhere.filter(|p| p.meta.namespace != *namespace).find(|p| wanted.contained_in(&p.meta.labels));
    hints.extend(other.map(|pod| Hint::PodsElsewhere(wanted.clone(), pod.meta.namespace.clone())));
    hints
}

/// The pair of some labels that differs from a selector, if they do so in one pair only and are alike in that.
fn near(wanted: &Labels, have: &Labels) -> Option<(Name, Name)> {
    let mut off = wanted.0.iter().filter(|(k, v)| have.get(k) != Some(v));
    let (key, value) = off.next()?;
    if off.next().is_some() {
        return None;
    }
    if let Some(other) = have.get(key) {
        // With one pair only, any pod with the key would be "near": the value must be alike too.
        return (wanted.0.len() > 1 || alike(value, other)).then(|| (key.clone(), other.into()));
    }
    let same_value = have.0.iter().find(|(_, v)| *v == value);
    let same_value = same_value.or_else(|| have.0.iter().find(|(k, _)| alike(k, key)));
    same_value.map(|(k, v)| (k.clone(), v.clone()))
}

/// A `targetPort` by name that no matching pod has.
fn port_names(service: &Service, pods: &[&Pod]) -> Vec<Hint> {
    let mut hints = Vec::new();
    for port in &service.ports {
        let Some(Target::Name(name)) = &port.target else { continue };
        let all = || pods.iter().flat_map(|p| p.spec.containers.iter().flat_map(|c| c.ports.iter()));
        if all().any(|p| p.name == *name && p.protocol == port.protocol) {
            continue;
        }
        let mut known: Vec<(Name, u16, Protocol)> =
            all().filter(|p| !p.name.is_empty()).map(|p| (p.name.clone(), p.port, p.protocol)).collect();
        known.sort();
        known.dedup();
        hints.push(match known.len() {
            0 => Hint::PortsUnnamed(name.clone()),
            _ => Hint::PortsNamed { known, wanted: (name.clone(), port.protocol) },
        });
    }
    hints
}

/// A port that the Service has under another number, or for another protocol.
fn port(view: &View, trace: &Trace) -> Vec<Hint> {
    let (to, asked) = (trace.asked.1, trace.asked.1.port());
    let Some(service) = facts::owner_of(view, to.ip()) else { return node_port(view, trace).into_iter().collect() };
    let full = facts::full_name(service);
    if let Some(p) = service.ports.iter().find(|p| p.port == asked && p.protocol != trace.protocol) {
        return vec![Hint::PortOf(p.port, p.protocol, full)];
    }
    let others = service.ports.iter().filter(|p| p.protocol == trace.protocol && p.port != asked);
    let hints = others.filter_map(|p| {
        let of_pods = facts::target_text(p) == asked.to_string();
        let known = of_pods || p.node_port == Some(asked);
        known.then(|| Hint::OtherNumber { asked, of_nodes: !of_pods, service: full.clone(), port: p.port })
    });
    let hints: Vec<Hint> = hints.collect();
    match &service.ports[..] {
        [only] if hints.is_empty() && only.port != asked => vec![Hint::OnlyPort(only.port, only.protocol, full)],
        _ => hints,
    }
}

/// A node port asked of an address that is no Service's.
fn node_port(view: &View, trace: &Trace) -> Option<Hint> {
    let number = trace.asked.1.port();
    let mut all = view.services.iter().flat_map(|s| s.ports.iter().map(move |p| (s, p)));
    let (service, port) = all.find(|(_, p)| p.node_port == Some(number) && p.protocol == trace.protocol)?;
    Some(Hint::IsNodePort(number, facts::full_name(service), port.port))
}

/// A cluster address asked from outside: what the outside could ask instead.
fn from_outside(view: &View, trace: &Trace) -> Vec<Hint> {
    let asked = trace.asked.1;
    let Some(service) = facts::owner_of(view, asked.ip()) else { return Vec::new() };
    let full = facts::full_name(service);
    let Some(port) = service.ports.iter().find(|p| p.port == asked.port() && p.protocol == trace.protocol) else {
        return self::port(view, trace);
    };
    match (port.node_port, service.kind) {
        (Some(port), _) => vec![Hint::AskNodePort(port, full)],
        (None, ServiceType::ClusterIp) => vec![Hint::InsideOnly(full)],
        (None, _) => Vec::new(),
    }
}

/// Nothing listens where a Service leads: the port that a container declares.
fn target_port(view: &View, trace: &Trace) -> Option<Hint> {
    let chosen = trace.chosen.unwrap_or(trace.asked.1);
    let pod = view.pods.iter().find(|p| p.status.ips.contains(&chosen.ip()) && !p.spec.host_network)?;
    let declared = pod.spec.containers.iter().flat_map(|c| &c.ports).filter(|p| p.protocol == trace.protocol);
    let declared: Vec<u16> = declared.map(|p| p.port).filter(|p| *p != chosen.port()).collect();
    (!declared.is_empty()).then(|| Hint::Declared(pod.meta.name.clone(), declared, chosen.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_near_in_one_pair_only() {
        let wanted = Labels::of(&[("app", "web"), ("tier", "front")]);
        let near = |pairs: &[(&str, &str)]| near(&wanted, &Labels::of(pairs)).map(|(k, v)| format!("{k}={v}"));
        assert_eq!(near(&[("app", "web"), ("tier", "back")]).as_deref(), Some("tier=back"));
        assert_eq!(near(&[("run", "web"), ("tier", "front")]).as_deref(), Some("run=web"));
        assert_eq!(near(&[("app", "api"), ("tier", "back")]), None);
    }
}
