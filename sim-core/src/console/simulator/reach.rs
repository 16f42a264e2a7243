//! `reach`: who reaches what, all pairs at once.

use super::super::host::{Host, Outcome};
use super::asking::{self, Asked, POD, SERVICE, named};
use super::words::Words;
use crate::ask::Question;
use crate::ask::reach::{ReachQuestion, Sources, Targets};
use crate::network::wire::Source;

pub(super) const USAGE: &str = "reach [--from LIST]... [--to LIST]... [-o json]\n  \
    LIST, separated by commas: pods, nodes, external, services, ns/NAME, pod/NAMESPACE/NAME, node/NAME, svc/NAMESPACE/NAME\n  \
    without --from: external, all nodes and all pods but the system's; without --to: all Service ports but the system's";

/// `reach`.
pub fn reach(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    asking::run(host, argv, ("reach", USAGE), parse)
}

/// Reads the words of a `reach`, the command's name first.
pub fn parse(argv: &[String]) -> Result<Asked, String> {
    let words = Words::read(argv, &["from", "to"])?;
    if let Some(word) = words.plain.first() {
        return Err(format!("`{word}` stands alone; write --from or --to before it"));
    }
    let from = each(words.values("from"), "--from finds nobody that could send", sources)?;
    let to = each(words.values("to"), "--to finds nothing that could be asked", targets)?;
    Ok(Asked { question: Question::Reach(ReachQuestion { from, to }), json: words.json })
}

/// Reads lists; none at all means the usual ones.
fn each<T>(lists: &[String], nobody: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    let words = lists.iter().flat_map(|list| list.split(',')).map(str::trim).filter(|w| !w.is_empty());
    let all: Vec<T> = words.map(read).collect::<Result<_, _>>()?;
    match all.is_empty() && !lists.is_empty() {
        true => Err(format!("{nobody}: the list is empty")),
        false => Ok(all),
    }
}

fn sources(word: &str) -> Result<Sources, String> {
    Ok(match word.split('/').collect::<Vec<_>>()[..] {
        ["pods"] => Sources::Pods,
        ["nodes"] => Sources::Nodes,
        ["ns" | "namespace", namespace] => Sources::Namespace(namespace.into()),
        ["external" | "outside"] => Sources::One(Source::Outside),
        ["pod" | "pods" | "node" | "nodes", ..] => Sources::One(asking::from(word, None)?),
        _ => {
            return Err(format!(
                "`{word}` is no source; there are pods, nodes, external, ns/NAME, pod/NAMESPACE/NAME and node/NAME"
            ));
        }
    })
}

fn targets(word: &str) -> Result<Targets, String> {
    let service = named(word, SERVICE).map(|(namespace, name)| Targets::Service(namespace, name));
    let pod = named(word, POD).map(|(namespace, name)| Targets::Pod(namespace, name));
    if let Some(one) = service.or(pod) {
        return Ok(one);
    }
    match word.split('/').collect::<Vec<_>>()[..] {
        ["services"] => Ok(Targets::Services),
        ["pods"] => Ok(Targets::Pods),
        ["ns" | "namespace", namespace] => Ok(Targets::Namespace(namespace.into())),
        ["node" | "nodes", node] => Ok(Targets::NodePorts(node.into())),
        _ => Err(format!(
            "`{word}` is no target; there are services, pods, ns/NAME, svc/NAMESPACE/NAME, pod/NAMESPACE/NAME and node/NAME (its node ports)"
        )),
    }
}
