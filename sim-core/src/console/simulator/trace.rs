//! `trace SOURCE TARGET`: one new connection explained, beside the world. And `rules`: what a node has programmed.

use std::net::{IpAddr, SocketAddr};

use super::super::host::{Host, Outcome};
use super::super::net::client_of;
use super::super::simulation::Simulation;
use super::{simulation, usage};
use crate::engine::time::Instant;
use crate::network::wire::Source;
use crate::objects::json::parse_ip_sloppy;
use crate::objects::pod_spec::Protocol;
use crate::render;

const USAGE: &str = "trace SOURCE TARGET [--protocol TCP|UDP|SCTP] [--at-node NODE] [-o json]\n  \
    SOURCE: pod/NAMESPACE/NAME, node/NAME, external, or an IP address (with --at-node)\n  \
    TARGET: IP:PORT, NAME:PORT, svc/NAMESPACE/NAME:PORT, or a URL";

/// `trace`.
pub fn trace(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    let (mut words, mut json, mut protocol, mut at_node) = (Vec::new(), false, Protocol::Tcp, None);
    let mut rest = argv[1..].iter();
    while let Some(word) = rest.next() {
        let (name, inline) = word.split_once('=').map_or((word.as_str(), None), |(n, v)| (n, Some(v.to_string())));
        let mut value = || inline.clone().or_else(|| rest.next().cloned()).unwrap_or_default();
        match name {
            "-o" | "--output" => json = value() == "json",
            "--protocol" => match value().to_uppercase().as_str() {
                "TCP" => protocol = Protocol::Tcp,
                "UDP" => protocol = Protocol::Udp,
                "SCTP" => protocol = Protocol::Sctp,
                other => return usage("trace", &format!("`{other}` is not a protocol"), USAGE),
            },
            "--at-node" => at_node = Some(value()),
            flag if flag.starts_with('-') => return usage("trace", &format!("`{flag}` is not a flag of it"), USAGE),
            _ => words.push(word.clone()),
        }
    }
    let [from, to] = &words[..] else { return usage("trace", "one source and one target are needed", USAGE) };
    let sim = match simulation(host, "trace") {
        Ok(sim) => sim,
        Err(outcome) => return outcome,
    };
    let asked = source(sim, from, at_node.as_deref()).and_then(|source| Ok((target(sim, to, &source)?, source)));
    let (to, from) = match asked {
        Ok(asked) => asked,
        Err(wrong) => return usage("trace", &wrong, USAGE),
    };
    let trace = sim.trace(&from, to, protocol);
    let client = client_of(&trace, to);
    Outcome::out(match json {
        true => format!("{}\n", render::trace::json(&trace, &client)),
        false => render::trace::text(&trace, &client),
    })
}

fn source(sim: &Simulation, text: &str, at_node: Option<&str>) -> Result<Source, String> {
    let config = &sim.cluster().config;
    let known = |node: &str| match config.nodes.iter().any(|n| n.name == node) {
        true => Ok(()),
        false => {
            let names: Vec<&str> = config.nodes.iter().map(|n| n.name.as_str()).collect();
            Err(format!("node `{node}` does not exist; the nodes are {}", names.join(", ")))
        }
    };
    if let Some(node) = at_node {
        known(node)?;
    }
    let parts: Vec<&str> = text.split('/').collect();
    let (namespace, name) = match parts[..] {
        ["external" | "outside"] => return Ok(Source::Outside),
        ["node", node] => {
            known(node)?;
            return Ok(Source::Node(node.into()));
        }
        ["pod", namespace, name] => (namespace, name),
        ["pod", name] => ("default", name),
        _ => {
            let ip = parse_ip_sloppy(text).ok_or_else(|| format!("`{text}` is not a source"))?;
            let node = at_node.ok_or("a bare address needs --at-node: the node that meets the packet first")?;
            return Ok(Source::Address { ip, at_node: node.into() });
        }
    };
    match sim.cluster().store.head().pods.get(namespace, name) {
        None => Err(format!("pod {namespace}/{name} does not exist")),
        Some(pod) if pod.node.is_none() => Err(format!("pod {namespace}/{name} has no node yet")),
        Some(_) => Ok(Source::Pod { namespace: namespace.into(), name: name.into() }),
    }
}

fn target(sim: &Simulation, text: &str, from: &Source) -> Result<SocketAddr, String> {
    let bare = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let scheme_port = if text.starts_with("https://") { 443 } else { 80 };
    let text = match bare {
        Some(rest) => {
            let authority = rest.split('/').next().unwrap_or(rest);
            let has_port = authority.rsplit_once(':').is_some_and(|(_, p)| p.bytes().all(|b| b.is_ascii_digit()))
                && !authority.ends_with(']');
            if has_port { authority.to_string() } else { format!("{authority}:{scheme_port}") }
        }
        None => text.to_string(),
    };
    let (host, port) = text.rsplit_once(':').ok_or_else(|| format!("`{text}` has no port"))?;
    let port: u16 = port.parse().map_err(|_| format!("`{port}` is not a port"))?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if let Some(ip) = parse_ip_sloppy(host) {
        return Ok(SocketAddr::new(ip, port));
    }
    let named = |namespace: &str, name: &str| -> Option<IpAddr> {
        let service = sim.cluster().store.head().services.get(namespace, name)?;
        service.cluster_ips.first().copied()
    };
    let parts: Vec<&str> = host.split('/').collect();
    let found = match parts[..] {
        ["svc" | "service", namespace, name] => named(namespace, name),
        ["svc" | "service", name] => named("default", name),
        [name] => {
            let own = match from {
                Source::Pod { namespace, .. } => namespace.to_string(),
                _ => "default".to_string(),
            };
            let mut labels = name.split('.');
            let service = labels.next().unwrap_or_default();
            named(labels.next().unwrap_or(&own), service)
        }
        _ => None,
    };
    found
        .map(|ip| SocketAddr::new(ip, port))
        .ok_or_else(|| format!("`{host}` is neither an address nor a Service with a cluster IP"))
}

/// `rules node/NAME`: how old a node's table is, and which Services it holds.
pub fn rules(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    const RULES: &str = "rules node/NAME";
    let Some(node) = argv.get(1).map(|w| w.strip_prefix("node/").unwrap_or(w).to_string()) else {
        return usage("rules", "a node is needed", RULES);
    };
    let sim = match simulation(host, "rules") {
        Ok(sim) => sim,
        Err(outcome) => return outcome,
    };
    let now: Instant = sim.engine().now();
    let Some((view, at)) = sim.cluster().proxies.programmed(&node) else {
        let names: Vec<&str> = sim.cluster().config.nodes.iter().map(|n| n.name.as_str()).collect();
        return usage("rules", &format!("node `{node}` does not exist; the nodes are {}", names.join(", ")), RULES);
    };
    let head = sim.cluster().store.revision();
    let mut text = format!("programmed {} ago: revision {} of {head}\n", now.since(at), view.revision);
    for service in view.services.iter().filter(|s| !s.cluster_ips.is_empty()) {
        for port in &service.ports {
            let endpoints: usize = view
                .slices_of(&service.meta.namespace, &service.meta.name)
                .map(|s| s.endpoints.iter().filter(|e| e.is_ready()).count())
                .sum();
            text.push_str(&format!(
                "{}/{}  {}:{}/{}  {endpoints} ready\n",
                service.meta.namespace,
                service.meta.name,
                service.cluster_ips[0],
                port.port,
                port.protocol.text()
            ));
        }
    }
    Outcome::out(text)
}
