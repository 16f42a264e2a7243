//! `resolve NAME [TYPE]`: one question to cluster DNS as it is, or through a pod's resolver, beside the world.

use super::super::host::{Host, Outcome};
use super::asking::{self, Asked};
use crate::ask::Question;
use crate::ask::resolve::ResolveQuestion;
use crate::dns::message::kind_named;
use crate::dns::resolver::legal;
use crate::network::wire::Source;

pub(super) const USAGE: &str = "resolve NAME [TYPE] [--from pod/NS/NAME] [-o json]";

/// `resolve`.
pub fn resolve(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    asking::run(host, argv, ("resolve", USAGE), parse)
}

/// Reads the words of a `resolve`, the command's name first.
pub fn parse(argv: &[String]) -> Result<Asked, String> {
    let (mut from, mut json, mut words) = (None, false, Vec::new());
    let mut args = argv.iter().skip(1);
    while let Some(arg) = args.next() {
        let (key, given) = arg.split_once('=').map_or((arg.as_str(), None), |(k, v)| (k, Some(v)));
        let mut value = || given.or_else(|| args.next().map(String::as_str)).ok_or(format!("{key} needs a value"));
        match key {
            "--from" => from = Some(source(value()?)?),
            "-o" | "--output" => match value()? {
                "json" => json = true,
                other => return Err(format!("unknown output format {other:?}; there is json")),
            },
            "-ojson" => json = true,
            _ if key.starts_with('-') => return Err(format!("unknown option {key}")),
            _ => words.push(arg.as_str()),
        }
    }
    let (name, kind) = match words[..] {
        [name] => (name.to_owned(), None),
        [name, kind] => (name.to_owned(), Some(kind_named(kind).ok_or(format!("unknown record type {kind:?}"))?)),
        _ => return Err("one name and at most one type are needed".to_owned()),
    };
    if name != "." && !legal(&name) {
        return Err(format!("{name:?} is no domain name: labels have 1 to 63 bytes, the whole at most 253"));
    }
    Ok(Asked { question: Question::Resolve(ResolveQuestion { name, kind, from }), json })
}

fn source(text: &str) -> Result<Source, String> {
    match text.split('/').collect::<Vec<_>>()[..] {
        ["pod", namespace, name] if !namespace.is_empty() && !name.is_empty() => {
            Ok(Source::Pod { namespace: namespace.into(), name: name.into() })
        }
        ["node", name] if !name.is_empty() => Ok(Source::Node(name.into())),
        ["external"] => Ok(Source::Outside),
        _ => Err(format!("{text:?} is no source; write pod/NAMESPACE/NAME")),
    }
}
