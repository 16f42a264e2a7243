//! `trace SOURCE TARGET`: one connection explained, beside the world: a new one, or with `--client-port` one that may be known.

use super::super::host::{Host, Outcome};
use super::answer::answer;
use super::words::Words;
use super::{question, simulation, told, usage};
use crate::objects::pod_spec::Protocol;
use crate::render;

pub(super) const USAGE: &str = "trace SOURCE TARGET [--protocol TCP|UDP|SCTP] [--at-node NODE] [--client-port PORT] [-o json]\n  \
    SOURCE: pod/NAMESPACE/NAME, node/NAME, external, or an IP address (with --at-node)\n  \
    TARGET: IP:PORT, NAME:PORT, svc/NAMESPACE/NAME:PORT, or a URL";

/// `trace`.
pub fn trace(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    told(asked(host, argv))
}

fn asked(host: &mut dyn Host, argv: &[String]) -> Result<String, Outcome> {
    let wrong = |why: String| usage("trace", &why, USAGE);
    let words = Words::read(argv, &["protocol", "at-node", "client-port"]).and_then(Words::once).map_err(wrong)?;
    let [from, to] = &words.plain[..] else {
        return Err(wrong(format!("one source and one target are needed, and {} were given", words.plain.len())));
    };
    let protocol = words.value("protocol").map_or(Ok(Protocol::Tcp), question::protocol).map_err(wrong)?;
    let mut sim = simulation(host, "trace")?;
    let sim = &mut *sim;
    let source = question::source(sim, from, words.value("at-node")).map_err(wrong)?;
    let mut target = question::target(sim, to, &source).map_err(wrong)?;
    target.client_port = words.value("client-port").map(question::number).transpose().map_err(wrong)?;
    let answer = answer(sim, &source, &target, protocol);
    sim.answered(&answer.trace);
    Ok(if words.json { format!("{}\n", render::trace::json(&answer)) } else { render::trace::text(&answer) })
}
