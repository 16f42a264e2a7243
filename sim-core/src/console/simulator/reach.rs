//! `reach`: who reaches what, all pairs at once: pods, nodes and the outside against Service ports and pods.
//!
//! Every pair is a `trace` of its own, beside the world. No real cluster has it; there one would run a client in every pod.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use super::super::host::{Host, Outcome};
use super::question::{known_node, service, source};
use super::words::Words;
use super::{simulation, told, usage};
use crate::explain::answer::{Endpoint, State};
use crate::explain::facts::{endpoints, full_name, port_name};
use crate::lab::simulation::Simulation;
use crate::network::wire::Source;
use crate::objects::pod::Pod;
use crate::objects::pod_spec::Protocol;
use crate::objects::service::{Service, ServicePort};
use crate::render::reach::{Cell, Matrix, json, text};
use crate::store::View;

pub(super) const USAGE: &str = "reach [--from LIST]... [--to LIST]... [-o json]\n  \
    LIST, separated by commas: pods, nodes, external, services, ns/NAME, pod/NAMESPACE/NAME, node/NAME, svc/NAMESPACE/NAME\n  \
    without --from: external, all nodes and all pods but the system's; without --to: all Service ports but the system's";
/// Most pairs of one answer.
const PAIRS_MAX: usize = 10_000;
/// The namespace that is left out unless it is asked for.
const SYSTEM: &str = "kube-system";

/// What was found for a list: ends with their labels, each once, and what has no address to ask, with why.
#[derive(Clone, Debug)]
struct Found<T> {
    ends: Vec<(String, T)>,
    left_out: Vec<String>,
}

/// Where packets go.
type To = (SocketAddr, Protocol);

/// `reach`.
pub fn reach(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    told(asked(host, argv))
}

fn asked(host: &mut dyn Host, argv: &[String]) -> Result<String, Outcome> {
    let wrong = |why: String| usage("reach", &why, USAGE);
    let words = Words::read(argv, &["from", "to"]).map_err(wrong)?;
    if let Some(word) = words.plain.first() {
        return Err(wrong(format!("`{word}` stands alone; write --from or --to before it")));
    }
    let mut sim = simulation(host, "reach")?;
    let sim = &mut *sim;
    let from = each(words.values("from"), "external,nodes,pods", |word| sources(sim, word)).map_err(wrong)?;
    let to = each(words.values("to"), "services", |word| targets(sim, word)).map_err(wrong)?;
    for (found, what) in [
        (from.ends.is_empty().then_some(&from.left_out), "--from finds nobody that could send"),
        (to.ends.is_empty().then_some(&to.left_out), "--to finds nothing that could be asked"),
    ] {
        if let Some(left_out) = found {
            return Err(wrong(format!("{what}: {}", left_out.join("; "))));
        }
    }
    let (from, to, left_out) = (from.ends, to.ends, [from.left_out, to.left_out].concat());
    let pairs = from.len().saturating_mul(to.len());
    if pairs > PAIRS_MAX {
        let (n, m) = (from.len(), to.len());
        return Err(wrong(format!(
            "{n} sources times {m} targets are {pairs} pairs, and {PAIRS_MAX} are asked at most; narrow it: --from external,ns/NAME --to svc/NAMESPACE/NAME"
        )));
    }
    let matrix = Matrix {
        rows: from.iter().map(|(label, _)| label.clone()).collect(),
        columns: to.iter().map(|(label, (to, protocol))| (label.clone(), format!("{to}/{}", protocol.text()))).collect(),
        cells: from
            .iter()
            .map(|(_, source)| to.iter().map(|(_, (to, protocol))| Cell::of(&sim.trace(source, *to, *protocol))).collect())
            .collect(),
        left_out,
    };
    Ok(if words.json { format!("{}\n", json(&matrix)) } else { text(&matrix) })
}

/// Reads lists, or the usual one if none is given; what is named twice counts once.
fn each<T>(lists: &[String], usual: &str, read: impl Fn(&str) -> Result<Found<T>, String>) -> Result<Found<T>, String> {
    let mut all = Found { ends: Vec::new(), left_out: Vec::new() };
    let mut known: BTreeSet<String> = BTreeSet::new();
    let lists = if lists.is_empty() { vec![usual] } else { lists.iter().map(String::as_str).collect() };
    for word in lists.iter().flat_map(|list| list.split(',')).map(str::trim).filter(|w| !w.is_empty()) {
        let found = read(word)?;
        if found.ends.is_empty() && found.left_out.is_empty() {
            all.left_out.push(nobody(word));
        }
        all.ends.extend(found.ends.into_iter().filter(|(label, _)| known.insert(label.clone())));
        all.left_out.extend(found.left_out.into_iter().filter(|text| known.insert(text.clone())));
    }
    Ok(all)
}

/// Why a word stands for nobody at all.
fn nobody(word: &str) -> String {
    match word.split_once('/') {
        None if word == "pods" => format!("no pod outside {SYSTEM} runs; let time pass: `advance to converged`"),
        None if word == "services" => format!("there is no Service outside {SYSTEM}"),
        Some(("ns" | "namespace", name)) => format!("namespace {name} has no Service"),
        Some(("node" | "nodes", _)) => format!("no Service has a node port, so {word} has none"),
        _ => format!("nothing of {word} has an address yet"),
    }
}

impl<T> From<Vec<(String, T)>> for Found<T> {
    fn from(ends: Vec<(String, T)>) -> Self {
        Found { ends, left_out: Vec::new() }
    }
}

impl<T> FromIterator<Found<T>> for Found<T> {
    fn from_iter<I: IntoIterator<Item = Found<T>>>(parts: I) -> Self {
        let mut all = Found { ends: Vec::new(), left_out: Vec::new() };
        for part in parts {
            all.ends.extend(part.ends);
            all.left_out.extend(part.left_out);
        }
        all
    }
}

fn sources(sim: &Simulation, word: &str) -> Result<Found<Source>, String> {
    let head = sim.cluster().store.head();
    let pod = |p: &Arc<Pod>| {
        let (namespace, name) = (p.meta.namespace.clone(), p.meta.name.clone());
        (format!("pod/{namespace}/{name}"), Source::Pod { namespace, name })
    };
    let ends: Vec<(String, Source)> = match word.split('/').collect::<Vec<_>>()[..] {
        ["pods"] => head.pods.iter().filter(|p| runs(p) && &*p.meta.namespace != SYSTEM).map(pod).collect(),
        ["ns" | "namespace", namespace] => {
            known_namespace(sim, namespace)?;
            let pods: Vec<_> = head.pods.in_namespace(namespace).filter(|p| runs(p)).map(pod).collect();
            if pods.is_empty() {
                return Ok(Found { ends: pods, left_out: vec![format!("no pod of {word} runs")] });
            }
            pods
        }
        ["nodes"] => sim.cluster().config.node_names().into_iter().map(|n| (format!("node/{n}"), Source::Node(n))).collect(),
        ["external" | "outside"] => vec![("external".to_string(), Source::Outside)],
        ["pod" | "pods" | "node" | "nodes", ..] => {
            let from = source(sim, word, None)?;
            vec![(label(&from).unwrap_or_else(|| word.to_string()), from)]
        }
        _ => {
            return Err(format!(
                "`{word}` is no source; there are pods, nodes, external, ns/NAME, pod/NAMESPACE/NAME and node/NAME"
            ));
        }
    };
    Ok(ends.into())
}

/// A source as it is listed, however it was written.
fn label(source: &Source) -> Option<String> {
    match source {
        Source::Pod { namespace, name } => Some(format!("pod/{namespace}/{name}")),
        Source::Node(node) => Some(format!("node/{node}")),
        Source::Outside | Source::Address { .. } => None,
    }
}

fn targets(sim: &Simulation, word: &str) -> Result<Found<To>, String> {
    let head = sim.cluster().store.head();
    let of = |service: &Service| ports(head, service);
    Ok(match word.split('/').collect::<Vec<_>>()[..] {
        ["services"] => head.services.iter().filter(|s| &*s.meta.namespace != SYSTEM).map(|s| of(s)).collect(),
        ["ns" | "namespace", namespace] => {
            known_namespace(sim, namespace)?;
            head.services.in_namespace(namespace).map(|s| of(s)).collect()
        }
        ["svc" | "service" | "services", namespace, name] => of(service(sim, namespace, name)?),
        ["svc" | "service" | "services", name] => of(service(sim, "default", name)?),
        ["pods"] => head.pods.iter().filter(|p| runs(p) && &*p.meta.namespace != SYSTEM).map(|p| listeners(p)).collect(),
        ["pod" | "pods", ref name @ ..] => {
            let Source::Pod { namespace, name } = source(sim, &format!("pod/{}", name.join("/")), None)? else {
                return Ok(Vec::new().into());
            };
            head.pods.get(&namespace, &name).map(|p| listeners(p)).into_iter().collect()
        }
        ["node" | "nodes", node] => {
            known_node(sim, node)?;
            node_ports(sim, node).into()
        }
        _ => {
            return Err(format!(
                "`{word}` is no target; there are services, pods, ns/NAME, svc/NAMESPACE/NAME, pod/NAMESPACE/NAME and node/NAME (its node ports)"
            ));
        }
    })
}

fn known_namespace(sim: &Simulation, name: &str) -> Result<(), String> {
    let head = sim.cluster().store.head();
    let used = || head.pods.in_namespace(name).next().is_some() || head.services.in_namespace(name).next().is_some();
    match head.namespace(name).is_some() || used() {
        true => Ok(()),
        false => Err(format!("namespace `{name}` does not exist; `kubectl get namespaces` lists them")),
    }
}

fn runs(pod: &Pod) -> bool {
    pod.node.is_some() && !pod.status.ips.is_empty() && !pod.finished() && !pod.spec.host_network
}

/// The ports of a Service at its cluster IP. The name of a headless one leads straight to its ready pods.
fn ports(head: &View, service: &Service) -> Found<To> {
    let name = full_name(service);
    let left_out = |why: String| Found { ends: Vec::new(), left_out: vec![format!("svc/{name} {why}")] };
    if let Some(other) = service.external_name.as_ref().filter(|_| service.is_external_name()) {
        return left_out(format!("is only an alias of {other}: it has no address here"));
    }
    if service.ports.is_empty() {
        return left_out("has no port".to_string());
    }
    let label = |p: &ServicePort| format!("svc/{name}:{}", port_name(p));
    if let Some(ip) = service.cluster_ips.first() {
        let ends = service.ports.iter().map(|p| (label(p), (SocketAddr::new(*ip, p.port), p.protocol)));
        return ends.collect::<Vec<_>>().into();
    }
    let behind = |p: &ServicePort| {
        let all = [false, true].into_iter().flat_map(|v6| endpoints(head, service, p, v6));
        let ready = all.filter(|e| e.state == State::Ready);
        let one = |e: Endpoint| {
            let pod = e.pod.map_or_else(|| e.address.ip().to_string(), |pod| pod.to_string());
            (format!("{} at {pod}", label(p)), (e.address, p.protocol))
        };
        ready.map(one).collect::<Vec<_>>()
    };
    let ends: Vec<_> = service.ports.iter().flat_map(behind).collect();
    if ends.is_empty() { left_out("is headless and no pod behind it is ready".to_string()) } else { ends.into() }
}

/// The ports that a pod's containers declare.
fn listeners(pod: &Pod) -> Found<To> {
    let name = format!("pod/{}/{}", pod.meta.namespace, pod.meta.name);
    let left_out = |why: &str| Found { ends: Vec::new(), left_out: vec![format!("{name} {why}")] };
    let Some(ip) = pod.status.ips.first() else { return left_out("has no address of its own yet") };
    let declared = pod.spec.containers.iter().flat_map(|c| &c.ports);
    let ends: Vec<_> = declared.map(|p| (format!("{name}:{}", p.port), (SocketAddr::new(*ip, p.port), p.protocol))).collect();
    if ends.is_empty() { left_out("declares no port, so there is none to ask for; trace asks for any") } else { ends.into() }
}

/// The node ports of all Services at a node's first address, the external one if it has any.
fn node_ports(sim: &Simulation, node: &str) -> Vec<(String, To)> {
    let config = sim.cluster().config.nodes.iter().find(|n| n.name == node);
    let Some(ip) = config.and_then(|n| n.external_ips.first().or(n.ips.first())) else { return Vec::new() };
    let services = sim.cluster().store.head().services.iter();
    let each = services.flat_map(|s| s.ports.iter().filter_map(|p| Some((p.node_port?, p.protocol))).collect::<Vec<_>>());
    each.map(|(port, protocol)| (format!("node/{node}:{port}"), (SocketAddr::new(*ip, port), protocol))).collect()
}
