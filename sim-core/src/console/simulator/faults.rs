//! Breaking and mending: `fail TARGET`, `heal TARGET`.

use super::super::host::{Host, Outcome};
use super::{simulation, usage};
use crate::cluster::faults::{Fault, NodeFault};

const TARGETS: &str = "fail|heal node/NODE [--mode power-off|kubelet-stop], proxy/NODE, pod/NAMESPACE/NAME, or dns";

/// `fail TARGET`.
pub fn fail(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    change(host, argv, true)
}

/// `heal TARGET`.
pub fn heal(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    change(host, argv, false)
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
    let (mut target, mut mode) = (None, None);
    let mut rest = words.iter().map(String::as_str);
    while let Some(word) = rest.next() {
        match word.strip_prefix("--mode") {
            Some("") => mode = Some(rest.next().unwrap_or_default()),
            Some(value) => mode = Some(value.trim_start_matches('=')),
            None if target.is_none() => target = Some(word),
            None => return Err(format!("`{word}` is one target too many")),
        }
    }
    let target = target.ok_or("a target is needed")?;
    let parts: Vec<&str> = target.split('/').collect();
    match (&parts[..], mode) {
        (["node", node], None | Some("power-off")) => Ok(Fault::Node((*node).into(), NodeFault::PowerOff)),
        (["node", node], Some("kubelet-stop")) => Ok(Fault::Node((*node).into(), NodeFault::KubeletStop)),
        (["node", _], Some(other)) => Err(format!("`{other}` is not a way for a node to fail")),
        (_, Some(_)) => Err("--mode is for nodes".to_string()),
        (["proxy", node], None) => Ok(Fault::Proxy((*node).into())),
        (["pod", namespace, name], None) => Ok(Fault::Pod((*namespace).into(), (*name).into())),
        (["pod", name], None) => Ok(Fault::Pod("default".into(), (*name).into())),
        (["dns"], None) => Ok(Fault::Dns),
        _ => Err(format!("`{target}` is not something that can break")),
    }
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
        assert!(words("node/a --mode sulk").is_err());
        assert!(words("dns dns").is_err());
        assert!(words("moon").is_err());
    }
}
