//! `rules node/NAME`: what kube-proxy of a node has programmed, how old it is, and what it does with packets from inside and out.

use super::super::host::{Host, Outcome};
use super::asking::{self, Asked, SERVICE, named};
use super::words::Words;
use crate::ask::Question;
use crate::ask::rules::RulesQuestion;
use crate::proxy::Mode;

pub(super) const USAGE: &str = "rules node/NAME [svc/NAMESPACE/NAME] [--mode iptables|nftables|ipvs] [-o json]";

/// `rules`.
pub fn rules(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    asking::run(host, argv, ("rules", USAGE), parse)
}

/// Reads the words of a `rules`, the command's name first.
pub fn parse(argv: &[String]) -> Result<Asked, String> {
    let words = Words::read(argv, &["mode"]).and_then(Words::once)?;
    let mode = words.value("mode").map(mode).transpose()?;
    let (node, only) = match &words.plain[..] {
        [node] => (node, None),
        [node, only] => (node, Some(only)),
        [] => return Err("a node is needed".to_string()),
        [_, _, word, ..] => return Err(format!("`{word}` is too much: one node and one Service are enough")),
    };
    let node = node.split_once('/').map_or(node.as_str(), |(_, name)| name).into();
    let alone = |text: &String| named(text, SERVICE).ok_or(format!("`{text}` is not a Service; write svc/NAMESPACE/NAME"));
    let service = only.map(alone).transpose()?;
    Ok(Asked { question: Question::Rules(RulesQuestion { node, service, mode }), json: words.json })
}

fn mode(text: &str) -> Result<Mode, String> {
    match text {
        "iptables" => Ok(Mode::Iptables),
        "nftables" => Ok(Mode::Nftables),
        "ipvs" => Ok(Mode::Ipvs),
        _ => Err(format!("`{text}` is not a mode; there are iptables, nftables and ipvs")),
    }
}
