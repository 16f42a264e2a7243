//! "Did you mean": what is nearly what was asked for. A label that differs, a port known under another number, a name in another
//! namespace.
//!
//! A hint is a fact of the cluster, never a guess about the user. No real cluster gives them.

use super::because::{pairs, some};
use super::facts;
use super::{Reason, Trace};
use crate::objects::labels::Labels;
use crate::objects::pod::Pod;
use crate::objects::service::{Service, ServicePort, ServiceType, Target};
use crate::store::View;

/// Most hints of one answer.
const HINTS_MAX: usize = 4;
/// Most pods that are compared with a selector.
const PODS_COMPARED_MAX: usize = 2_000;

/// The hints for a way that did not end well.
pub fn of_trace(view: &View, trace: &Trace) -> Vec<String> {
    let Some(last) = trace.hops.last() else { return Vec::new() };
    let service = facts::service_of(view, &last.reason);
    let mut hints = match (&last.reason, service) {
        (Reason::NoEndpoints { .. } | Reason::NotRejectedOnOutput { .. }, Some(service)) => selector(view, service),
        (Reason::NobodyHasAddress { .. }, _) if trace.chosen.is_some() => Vec::new(),
        (Reason::NoRule | Reason::NoSuchServicePort | Reason::NoSuchBalancerPort { .. } | Reason::NobodyHasAddress { .. }, _) => {
            port(view, trace)
        }
        (Reason::NotRoutedFromOutside { .. }, _) => from_outside(view, trace),
        (Reason::NothingListens { .. }, _) => target_port(view, trace),
        _ => Vec::new(),
    };
    hints.truncate(HINTS_MAX);
    hints
}

/// The selector of a Service that finds nobody: which pods it nearly matches, or matches elsewhere; which port name is missing.
pub fn selector(view: &View, service: &Service) -> Vec<String> {
    let Some(wanted) = &service.selector else { return Vec::new() };
    let namespace = &service.meta.namespace;
    let alive = |p: &&Pod| !p.finished();
    let own: Vec<&Pod> = view.pods.in_namespace(namespace).map(|p| &**p).filter(alive).take(PODS_COMPARED_MAX).collect();
    let matching: Vec<&Pod> = own.iter().copied().filter(|p| wanted.contained_in(&p.meta.labels)).collect();
    if !matching.is_empty() {
        return port_names(service, &matching);
    }
    let mut hints = Vec::new();
    if let Some((pod, have)) = own.iter().filter_map(|p| Some((p, near(wanted, &p.meta.labels)?))).next() {
        hints.push(format!("pod {namespace}/{} has {have}; the selector asks for {}", pod.meta.name, pairs(wanted)));
    }
    let elsewhere = view.pods.iter().take(PODS_COMPARED_MAX);
    let other = elsewhere.filter(|p| p.meta.namespace != *namespace).find(|p| wanted.contained_in(&p.meta.labels));
    if let Some(pod) = other {
        let there = &pod.meta.namespace;
        hints.push(format!("pods with {} are in namespace {there}; a selector finds only its own namespace", pairs(wanted)));
    }
    hints
}

/// How labels differ from a selector, if they do so in one pair only and are alike in that.
fn near(wanted: &Labels, have: &Labels) -> Option<String> {
    let mut off = wanted.0.iter().filter(|(k, v)| have.get(k) != Some(v));
    let (key, value) = off.next()?;
    if off.next().is_some() {
        return None;
    }
    if let Some(other) = have.get(key) {
        // With one pair only, any pod with the key would be "near": the value must be alike too.
        return (wanted.0.len() > 1 || alike(value, other)).then(|| format!("{key}={other}"));
    }
    let same_value = have.0.iter().find(|(_, v)| *v == value);
    let same_value = same_value.or_else(|| have.0.iter().find(|(k, _)| alike(k, key)));
    same_value.map(|(k, v)| format!("{k}={v}"))
}

/// Whether two words differ by one letter put in, left out, changed or swapped, or by case, or one begins the other.
pub fn alike(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.to_lowercase().chars().collect(), b.to_lowercase().chars().collect());
    let (short, long) = if a.len() <= b.len() { (&a, &b) } else { (&b, &a) };
    let head = short.iter().zip(long).take_while(|(x, y)| x == y).count();
    let tail = short.iter().rev().zip(long.iter().rev()).take_while(|(x, y)| x == y).count();
    let left = |list: &[char]| list.len().saturating_sub(head + tail);
    let swapped = left(short) == 2 && left(long) == 2 && short[head] == long[head + 1] && short[head + 1] == long[head];
    !short.is_empty() && (left(short).max(left(long)) <= 1 && long.len() - short.len() <= 1 || swapped || head == short.len())
}

/// A `targetPort` by name that no matching pod has.
fn port_names(service: &Service, pods: &[&Pod]) -> Vec<String> {
    let mut hints = Vec::new();
    for port in &service.ports {
        let Some(Target::Name(name)) = &port.target else { continue };
        let all = || pods.iter().flat_map(|p| p.spec.containers.iter().flat_map(|c| c.ports.iter()));
        if all().any(|p| p.name == *name && p.protocol == port.protocol) {
            continue;
        }
        let mut known: Vec<String> =
            all().filter(|p| !p.name.is_empty()).map(|p| format!("{} ({}/{})", p.name, p.port, p.protocol.text())).collect();
        known.sort();
        known.dedup();
        hints.push(match known.len() {
            0 => format!("no pod names a port; targetPort: {name} needs a containerPort with name: {name}"),
            _ => format!("the pods' ports are named {}; targetPort asks for {name}/{}", some(&known), port.protocol.text()),
        });
    }
    hints
}

/// A port that the Service has under another number, or for another protocol.
fn port(view: &View, trace: &Trace) -> Vec<String> {
    let (asked, number) = (trace.asked.1, trace.asked.1.port());
    let Some(service) = facts::owner_of(view, asked.ip()) else { return node_port(view, trace) };
    let full = facts::full_name(service);
    let other_protocol = service.ports.iter().find(|p| p.port == number && p.protocol != trace.protocol);
    if let Some(p) = other_protocol {
        return vec![format!("{} of Service {full}", port_text(p))];
    }
    let hints = service.ports.iter().filter(|p| p.protocol == trace.protocol && p.port != number).filter_map(|p| {
        let role = match () {
            () if facts::target_text(p) == number.to_string() => "the pods' port",
            () if p.node_port == Some(number) => "the port on the nodes",
            () => return None,
        };
        Some(format!("{number} is {role} of Service {full}; on its own address that port is {}", p.port))
    });
    let hints: Vec<String> = hints.collect();
    match &service.ports[..] {
        [only] if hints.is_empty() && only.port != number => vec![format!("Service {full} has port {}", port_text(only))],
        _ => hints,
    }
}

/// `80/TCP`.
fn port_text(port: &ServicePort) -> String {
    format!("{}/{}", port.port, port.protocol.text())
}

/// A node port asked of an address that is no Service's.
fn node_port(view: &View, trace: &Trace) -> Vec<String> {
    let number = trace.asked.1.port();
    let fits = |p: &&ServicePort| p.node_port == Some(number) && p.protocol == trace.protocol;
    let with = view.services.iter().find_map(|s| s.ports.iter().find(fits).map(|p| (s, p)));
    with.map(|(s, p)| {
        format!("{number} is the node port of Service {}, port {}; nodes answer on it", facts::full_name(s), p.port)
    })
    .into_iter()
    .collect()
}

/// A cluster address asked from outside: what the outside could ask instead.
fn from_outside(view: &View, trace: &Trace) -> Vec<String> {
    let asked = trace.asked.1;
    let Some(service) = facts::owner_of(view, asked.ip()) else { return Vec::new() };
    let full = facts::full_name(service);
    let Some(port) = service.ports.iter().find(|p| p.port == asked.port() && p.protocol == trace.protocol) else {
        return self::port(view, trace);
    };
    match (port.node_port, service.kind) {
        (Some(port), _) => vec![format!("Service {full} has node port {port}: ask a node's address for it")],
        (None, ServiceType::ClusterIp) => {
            vec![format!("Service {full} is of type ClusterIP: from outside it needs type NodePort or LoadBalancer")]
        }
        (None, _) => Vec::new(),
    }
}

/// Nothing listens where a Service leads: the port that a container declares.
fn target_port(view: &View, trace: &Trace) -> Vec<String> {
    let Some(chosen) = trace.chosen.or(Some(trace.asked.1)) else { return Vec::new() };
    let Some(pod) = view.pods.iter().find(|p| p.status.ips.contains(&chosen.ip()) && !p.spec.host_network) else {
        return Vec::new();
    };
    let declared = pod.spec.containers.iter().flat_map(|c| &c.ports).filter(|p| p.protocol == trace.protocol);
    let declared: Vec<String> = declared.map(|p| p.port.to_string()).filter(|p| *p != chosen.port().to_string()).collect();
    if declared.is_empty() {
        return Vec::new();
    }
    vec![format!("the containers of {} declare port {}, not {}", pod.meta.name, some(&declared), chosen.port())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_alike_when_one_slip_apart() {
        let yes =
            [("web", "wbe"), ("web", "webs"), ("web", "wep"), ("Web", "web"), ("my-nginx", "my-ngnix"), ("web", "webserver")];
        let no = [("web", "api"), ("web", "bew2"), ("", "x"), ("front", "backs")];
        assert!(yes.iter().all(|(a, b)| alike(a, b)), "alike");
        assert!(!no.iter().any(|(a, b)| alike(a, b)), "not alike");
    }

    #[test]
    fn labels_are_near_in_one_pair_only() {
        let wanted = Labels::of(&[("app", "web"), ("tier", "front")]);
        let near = |pairs: &[(&str, &str)]| near(&wanted, &Labels::of(pairs));
        assert_eq!(near(&[("app", "web"), ("tier", "back")]).as_deref(), Some("tier=back"));
        assert_eq!(near(&[("run", "web"), ("tier", "front")]).as_deref(), Some("run=web"));
        assert_eq!(near(&[("app", "api"), ("tier", "back")]), None);
    }
}
