//! Breaking and mending: `fail TARGET`, `heal TARGET`.

use super::super::host::{Host, Outcome};
use super::{simulation, usage};
use crate::cluster::faults::{Fault, NodeFault};
use crate::network::graph::{CUT, pair};

const TARGETS: &str = "fail|heal node/NODE [--mode power-off|partition|kubelet-stop], proxy/NODE, pod/NAMESPACE/NAME, dns, apiserver, \
    or link/A/B [--loss 10%], between nodes, switch (switch-ZONE), core, gateway, apiserver, balancer, outside";

/// `fail TARGET`.
pub fn fail(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    change(host, argv, true)
}

/// `heal TARGET`.
pub fn heal(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    change(host, argv, false)
}

/// `wires`: the machines and the links between them, for Graphviz; links that are cut are dashed.
pub fn wires(host: &mut dyn Host, _: &[String], _: &str) -> Outcome {
    match simulation(host, "wires") {
        Ok(sim) => Outcome::out(sim.cluster().wires.dot(sim.cluster().faults.links())),
        Err(outcome) => outcome,
    }
}

fn change(host: &mut dyn Host, argv: &[String], broken: bool) -> Outcome {
    let name = if broken { "fail" } else { "heal" };
    let fault = match parse(&argv[1..]) {
        Ok(fault) => fault,
        Err(wrong) => return usage(name, &wrong, TARGETS),
    };
    match simulation(host, name) {
        Err(outcome) => outcome,
        Ok(sim) => {
            if sim.fault(fault, broken) {
                return Outcome::default();
            }
            let nodes: Vec<&str> = sim.cluster().config.nodes.iter().map(|n| n.name.as_str()).collect();
            let there = format!("`{}` does not exist; the nodes are {}", argv[1], nodes.join(", "));
            usage(name, &there, TARGETS)
        }
    }
}

fn parse(words: &[String]) -> Result<Fault, String> {
    let (mut target, mut options) = (None, [None, None]);
    let mut rest = words.iter().map(String::as_str);
    while let Some(word) = rest.next() {
        let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        match ["--mode", "--loss"].iter().position(|option| *option == name) {
            Some(option) => options[option] = value.or_else(|| rest.next()).or(Some("")),
            None if target.is_none() => target = Some(word),
            None => return Err(format!("`{word}` is one target too many")),
        }
    }
    let target = target.ok_or("a target is needed")?;
    let parts: Vec<&str> = target.split('/').collect();
    match (&parts[..], options) {
        (["node", node], [None | Some("power-off"), None]) => Ok(Fault::Node((*node).into(), NodeFault::PowerOff)),
        (["node", node], [Some("kubelet-stop"), None]) => Ok(Fault::Node((*node).into(), NodeFault::KubeletStop)),
        (["node", node], [Some("partition"), None]) => Ok(Fault::Node((*node).into(), NodeFault::Partition)),
        (["node", _], [Some(other), None]) => Err(format!("`{other}` is not a way for a node to fail")),
        (["link", a, b], [None, loss]) => Ok(Fault::Link(pair(a, b), loss.map_or(Ok(CUT), per_million)?)),
        (_, [Some(_), _]) => Err("--mode is for nodes".to_string()),
        (_, [_, Some(_)]) => Err("--loss is for links".to_string()),
        (["proxy", node], _) => Ok(Fault::Proxy((*node).into())),
        (["pod", namespace, name], _) => Ok(Fault::Pod((*namespace).into(), (*name).into())),
        (["pod", name], _) => Ok(Fault::Pod("default".into(), (*name).into())),
        (["dns"], _) => Ok(Fault::Dns),
        (["apiserver"], _) => Ok(Fault::ApiServer),
        _ => Err(format!("`{target}` is not something that can break")),
    }
}

/// `2.5%` as 25,000 of a million.
fn per_million(text: &str) -> Result<u32, String> {
    let wrong = || format!("`{text}` is not a share such as 10% or 0.5%");
    let (whole, part) = text.strip_suffix('%').ok_or_else(wrong)?.split_once('.').unwrap_or((text.trim_end_matches('%'), ""));
    if part.len() > 4 || !part.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    let number = |text: &str| text.parse::<u32>().map_err(|_| wrong());
    let ppm = number(whole)?.checked_mul(10_000).ok_or_else(wrong)? + number(&format!("{part:0<4}"))?;
    if ppm > CUT { Err(wrong()) } else { Ok(ppm) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read() {
        let words = |text: &str| parse(&text.split(' ').map(String::from).collect::<Vec<_>>());
        assert_eq!(words("node/a"), Ok(Fault::Node("a".into(), NodeFault::PowerOff)));
        assert_eq!(words("node/a --mode=kubelet-stop"), Ok(Fault::Node("a".into(), NodeFault::KubeletStop)));
        assert_eq!(words("--mode kubelet-stop node/a"), Ok(Fault::Node("a".into(), NodeFault::KubeletStop)));
        assert_eq!(words("pod/web-1"), Ok(Fault::Pod("default".into(), "web-1".into())));
        assert_eq!(words("node/a --mode partition"), Ok(Fault::Node("a".into(), NodeFault::Partition)));
        assert_eq!(words("link/b/a"), Ok(Fault::Link(pair("a", "b"), CUT)));
        assert_eq!(words("link/a/b --loss 2.5%"), Ok(Fault::Link(pair("a", "b"), 25_000)));
        assert_eq!(words("link/a/b --loss=100%"), Ok(Fault::Link(pair("a", "b"), CUT)));
        for wrong in ["link/a", "link/a/b --mode partition", "node/a --loss 1%", "dns --loss 1%"] {
            assert!(words(wrong).is_err(), "{wrong}");
        }
        for loss in ["", "5", "101%", "-1%", "1.23456%", "x%", "99999999%", "1.x%"] {
            assert!(words(&format!("link/a/b --loss={loss}")).is_err(), "{loss}");
        }
        assert_eq!(words("apiserver"), Ok(Fault::ApiServer));
        assert!(words("node/a --mode sulk").is_err());
        assert!(words("dns dns").is_err());
        assert!(words("moon").is_err());
    }
}
