//! Breaking and mending: `fail TARGET`, `heal TARGET`.

use super::super::host::{Host, Outcome};
use super::words::Words;
use super::{alone, simulation, told, usage};
use crate::ask::find;
use crate::cluster::faults::{Fault, NodeFault};
use crate::lab::command::{Command, Output, Refusal, act};
use crate::lab::simulation::Simulation;
use crate::network::graph::{CUT, pair};
use crate::objects::Name;
use crate::render::words::some;
use crate::render::{self, unanswerable};

pub(super) const TARGETS: &str = "fail|heal TARGET\n  \
    node/NAME [--mode power-off|partition|kubelet-stop]\n  \
    pod/NAMESPACE/NAME, proxy/NODE, dns, apiserver\n  \
    link/A/B [--loss 10%], between nodes, switch (switch-ZONE), core, gateway,\n  \
      apiserver, balancer and outside";

/// `fail TARGET`.
pub fn fail(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    change(host, argv, true)
}

/// `heal TARGET`.
pub fn heal(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    change(host, argv, false)
}

/// `wires`: the machines and the links between them, for Graphviz; links that are cut are dashed.
pub fn wires(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    let sim = alone("wires", argv).and_then(|()| simulation(host, "wires"));
    told(sim.map(|sim| sim.cluster().wires.dot(sim.cluster().faults.links())))
}

fn change(host: &mut dyn Host, argv: &[String], broken: bool) -> Outcome {
    let name = if broken { "fail" } else { "heal" };
    let fault = match parse(argv) {
        Ok(fault) => fault,
        Err(wrong) => return usage(name, &wrong, TARGETS),
    };
    let mut sim = match simulation(host, name) {
        Ok(sim) => sim,
        Err(outcome) => return outcome,
    };
    let command = if broken { Command::Fail(fault) } else { Command::Heal(fault) };
    match act(&mut sim, command) {
        Output::Refused(Refusal::NoSuchTarget(fault)) => usage(name, &absent(&sim, &fault), TARGETS),
        output => told(render::lab::text(&output).map_err(|why| Outcome::err(1, format!("kubewalk: {name}: {why}")))),
    }
}

/// That there is no such target, with what there is instead.
fn absent(sim: &Simulation, fault: &Fault) -> String {
    match fault {
        Fault::Node(node, _) | Fault::Proxy(node) => unanswerable::text(&find::no_node(sim.cluster(), node)),
        Fault::Pod(namespace, name) => unanswerable::text(&find::no_pod(sim.cluster().store.head(), namespace, name)),
        Fault::Link((a, b), _) if a == b => format!("a link has two ends, and both are {a}"),
        Fault::Link((a, b), _) => {
            let wires = &sim.cluster().wires;
            let unknown = if wires.has(a) { b } else { a };
            let all: Vec<Name> = wires.names().cloned().collect();
            format!("no link ends at `{unknown}`; there are {}", some(&all))
        }
        Fault::Dns | Fault::ApiServer => "it cannot break here".to_string(),
    }
}

/// Reads the arguments of `fail` and `heal`, the command's name first.
pub fn parse(argv: &[String]) -> Result<Fault, String> {
    let words = Words::read_silent(argv, &["mode", "loss"])?;
    let target = match &words.plain[..] {
        [] => return Err("a target is needed".to_string()),
        [target] => target,
        [_, word, ..] => return Err(format!("`{word}` is one target too many")),
    };
    let parts: Vec<&str> = target.split('/').collect();
    if parts.iter().any(|part| part.is_empty()) {
        return Err(format!("`{target}` is not something that can break"));
    }
    match (&parts[..], words.value("mode"), words.value("loss")) {
        (["node", node], mode, None) => Ok(Fault::Node((*node).into(), mode.map_or(Ok(NodeFault::PowerOff), way)?)),
        (["link", a, b], None, loss) => Ok(Fault::Link(pair(a, b), loss.map_or(Ok(CUT), per_million)?)),
        (_, Some(_), _) => Err("--mode is for nodes".to_string()),
        (_, _, Some(_)) => Err("--loss is for links".to_string()),
        (["proxy", node], ..) => Ok(Fault::Proxy((*node).into())),
        (["pod", namespace, name], ..) => Ok(Fault::Pod((*namespace).into(), (*name).into())),
        (["pod", name], ..) => Ok(Fault::Pod("default".into(), (*name).into())),
        (["dns"], ..) => Ok(Fault::Dns),
        (["apiserver"], ..) => Ok(Fault::ApiServer),
        _ => Err(format!("`{target}` is not something that can break")),
    }
}

/// A way for a node to fail.
fn way(mode: &str) -> Result<NodeFault, String> {
    match mode {
        "power-off" => Ok(NodeFault::PowerOff),
        "kubelet-stop" => Ok(NodeFault::KubeletStop),
        "partition" => Ok(NodeFault::Partition),
        _ => Err(format!("`{mode}` is not a way for a node to fail; there are power-off, partition and kubelet-stop")),
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
        let words = |text: &str| parse(&format!("fail {text}").split(' ').map(String::from).collect::<Vec<_>>());
        assert_eq!(words("node/a"), Ok(Fault::Node("a".into(), NodeFault::PowerOff)));
        assert_eq!(words("node/a --mode=kubelet-stop"), Ok(Fault::Node("a".into(), NodeFault::KubeletStop)));
        assert_eq!(words("--mode kubelet-stop node/a"), Ok(Fault::Node("a".into(), NodeFault::KubeletStop)));
        assert_eq!(words("pod/web-1"), Ok(Fault::Pod("default".into(), "web-1".into())));
        assert_eq!(words("node/a --mode partition"), Ok(Fault::Node("a".into(), NodeFault::Partition)));
        assert_eq!(words("link/b/a"), Ok(Fault::Link(pair("a", "b"), CUT)));
        assert_eq!(words("link/a/b --loss 2.5%"), Ok(Fault::Link(pair("a", "b"), 25_000)));
        assert_eq!(words("link/a/b --loss=100%"), Ok(Fault::Link(pair("a", "b"), CUT)));
        let refused = |text: &str| words(text).expect_err(text);
        assert_eq!(refused("--foo dns"), "`--foo` is not a flag of it; there are --mode, --loss");
        assert_eq!(refused("node/a --mode"), "`--mode` needs a value");
        assert_eq!(
            refused("node/a --mode sulk"),
            "`sulk` is not a way for a node to fail; there are power-off, partition and kubelet-stop"
        );
        assert_eq!(refused("node/a --mode partition --mode partition"), "`--mode` is given twice; keep one");
        assert_eq!(refused("dns dns"), "`dns` is one target too many");
        for wrong in ["node/", "pod//a", "link/a/", "link/a", "link/a/b --mode partition", "node/a --loss 1%", "dns --loss 1%"] {
            assert!(words(wrong).is_err(), "{wrong}");
        }
        for loss in ["", "5", "101%", "-1%", "1.23456%", "x%", "99999999%", "1.x%"] {
            assert!(words(&format!("link/a/b --loss={loss}")).is_err(), "{loss}");
        }
        for named in ["node/a", "node/a --mode partition", "proxy/a", "pod/x/y", "dns", "apiserver", "link/a/b"] {
            assert_eq!(words(named).map(|fault| fault.target()).as_deref(), Ok(named), "a fault names itself");
        }
        assert_eq!(words("apiserver"), Ok(Fault::ApiServer));
        assert!(words("moon").is_err());
    }
}
