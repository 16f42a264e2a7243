//! `trace SOURCE TARGET`: one connection explained, beside the world: a new one, or with `--client-port` one that may be known.

use super::super::host::{Host, Outcome};
use super::asking::{self, Asked};
use super::words::Words;
use crate::ask::Question;
use crate::ask::target::TraceTarget;
use crate::ask::trace::TraceQuestion;
use crate::objects::pod_spec::Protocol;
use crate::render;

pub(super) const USAGE: &str = "trace SOURCE TARGET [--protocol TCP|UDP|SCTP] [--at-node NODE] [--client-port PORT] [-o json]\n  \
    SOURCE: pod/NAMESPACE/NAME, node/NAME, external, or an IP address (with --at-node)\n  \
    TARGET: IP:PORT, NAME:PORT, svc/NAMESPACE/NAME:PORT, or a URL";

/// `trace`.
pub fn trace(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    asking::run(host, argv, ("trace", USAGE), parse)
}

/// Reads the words of a `trace`, the command's name first.
pub fn parse(argv: &[String]) -> Result<Asked, String> {
    let words = Words::read(argv, &["protocol", "at-node", "client-port"]).and_then(Words::once)?;
    let [from, to] = &words.plain[..] else {
        return Err(format!("one source and one target are needed, and {} were given", words.plain.len()));
    };
    let protocol = words.value("protocol").map_or(Ok(Protocol::Tcp), asking::protocol)?;
    let from = asking::from(from, words.value("at-node"))?;
    let to = TraceTarget::parse(to).map_err(|why| {
        let (wrong, right) = render::unanswerable::bad_target(to, &why);
        format!("{wrong}; {right}")
    })?;
    let client_port = words.value("client-port").map(asking::number).transpose()?;
    Ok(Asked { question: Question::Trace(TraceQuestion { from, to, protocol, client_port }), json: words.json })
}
