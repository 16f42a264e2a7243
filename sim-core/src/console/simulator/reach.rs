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
use crate::console::simulation::Simulation;
use crate::explain::facts::{full_name, port_name};
use crate::network::wire::Source;
use crate::objects::pod::Pod;
use crate::objects::pod_spec::Protocol;
use crate::objects::service::Service;
use crate::render::reach::{Cell, Matrix, json, text};

const USAGE: &str = "reach [--from LIST] [--to LIST] [-o json]\n  \
    LIST, separated by commas: pods, nodes, external, services, ns/NAME, pod/NAMESPACE/NAME, node/NAME, svc/NAMESPACE/NAME\n  \
    without --from: external, all nodes and all pods but the system's; without --to: all Service ports but the system's";
/// Most pairs of one answer.
const PAIRS_MAX: usize = 10_000;
/// The namespace that is left out unless it is asked for.
const SYSTEM: &str = "kube-system";

/// An end with its label.
type From = (String, Source);
type To = (String, (SocketAddr, Protocol));

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
    let sim = simulation(host, "reach")?;
    let from = each(words.value("from").unwrap_or("external,nodes,pods"), |word| sources(sim, word)).map_err(wrong)?;
    let to = each(words.value("to").unwrap_or("services"), |word| targets(sim, word)).map_err(wrong)?;
    if from.is_empty() || to.is_empty() {
        let which =
            if from.is_empty() { "--from finds nobody that could send" } else { "--to finds nothing that could be asked" };
        return Err(wrong(format!("{which}; let pods start (`advance to converged`), or name other ends")));
    }
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
    };
    Ok(if words.json { format!("{}\n", json(&matrix)) } else { text(&matrix) })
}

/// Reads a list; what is named twice counts once.
fn each<T>(list: &str, read: impl Fn(&str) -> Result<Vec<(String, T)>, String>) -> Result<Vec<(String, T)>, String> {
    let mut all: Vec<(String, T)> = Vec::new();
    let mut known: BTreeSet<String> = BTreeSet::new();
    for word in list.split(',').map(str::trim).filter(|w| !w.is_empty()) {
        all.extend(read(word)?.into_iter().filter(|(label, _)| known.insert(label.clone())));
    }
    Ok(all)
}

fn sources(sim: &Simulation, word: &str) -> Result<Vec<From>, String> {
    let head = sim.cluster().store.head();
    let pod = |p: &Arc<Pod>| {
        let (namespace, name) = (p.meta.namespace.clone(), p.meta.name.clone());
        (format!("pod/{namespace}/{name}"), Source::Pod { namespace, name })
    };
    Ok(match word.split('/').collect::<Vec<_>>()[..] {
        ["pods"] => head.pods.iter().filter(|p| runs(p) && &*p.meta.namespace != SYSTEM).map(pod).collect(),
        ["ns" | "namespace", namespace] => {
            known_namespace(sim, namespace)?;
            head.pods.in_namespace(namespace).filter(|p| runs(p)).map(pod).collect()
        }
        ["nodes"] => sim.cluster().config.node_names().into_iter().map(|n| (format!("node/{n}"), Source::Node(n))).collect(),
        ["external" | "outside"] => vec![("external".to_string(), Source::Outside)],
        ["pod" | "pods" | "node" | "nodes", ..] => vec![(word.to_string(), source(sim, word, None)?)],
        _ => {
            return Err(format!(
                "`{word}` is no source; there are pods, nodes, external, ns/NAME, pod/NAMESPACE/NAME and node/NAME"
            ));
        }
    })
}

fn targets(sim: &Simulation, word: &str) -> Result<Vec<To>, String> {
    let head = sim.cluster().store.head();
    Ok(match word.split('/').collect::<Vec<_>>()[..] {
        ["services"] => head.services.iter().filter(|s| &*s.meta.namespace != SYSTEM).flat_map(|s| ports(s)).collect(),
        ["ns" | "namespace", namespace] => {
            known_namespace(sim, namespace)?;
            head.services.in_namespace(namespace).flat_map(|s| ports(s)).collect()
        }
        ["svc" | "service", namespace, name] => ports(service(sim, namespace, name)?),
        ["svc" | "service", name] => ports(service(sim, "default", name)?),
        ["pods"] => head.pods.iter().filter(|p| runs(p) && &*p.meta.namespace != SYSTEM).flat_map(|p| listeners(p)).collect(),
        ["pod" | "pods", namespace, name] => {
            source(sim, word, None)?;
            head.pods.get(namespace, name).map(|p| listeners(p)).unwrap_or_default()
        }
        ["node" | "nodes", node] => {
            known_node(sim, node)?;
            node_ports(sim, node)
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

/// The ports of a Service at its cluster IP.
fn ports(service: &Service) -> Vec<To> {
    let Some(ip) = service.cluster_ips.first() else { return Vec::new() };
    let label = |p: &crate::objects::service::ServicePort| format!("svc/{}:{}", full_name(service), port_name(p));
    service.ports.iter().map(|p| (label(p), (SocketAddr::new(*ip, p.port), p.protocol))).collect()
}

/// The ports that a pod's containers declare.
fn listeners(pod: &Pod) -> Vec<To> {
    let Some(ip) = pod.status.ips.first() else { return Vec::new() };
    let label = |port: u16| format!("pod/{}/{}:{port}", pod.meta.namespace, pod.meta.name);
    let declared = pod.spec.containers.iter().flat_map(|c| &c.ports);
    declared.map(|p| (label(p.port), (SocketAddr::new(*ip, p.port), p.protocol))).collect()
}

/// The node ports of all Services at a node's first address, the external one if it has any.
fn node_ports(sim: &Simulation, node: &str) -> Vec<To> {
    let config = sim.cluster().config.nodes.iter().find(|n| n.name == node);
    let Some(ip) = config.and_then(|n| n.external_ips.first().or(n.ips.first())) else { return Vec::new() };
    let services = sim.cluster().store.head().services.iter();
    let each = services.flat_map(|s| s.ports.iter().filter_map(|p| Some((p.node_port?, p.protocol))).collect::<Vec<_>>());
    each.map(|(port, protocol)| (format!("node/{node}:{port}"), (SocketAddr::new(*ip, port), protocol))).collect()
}
