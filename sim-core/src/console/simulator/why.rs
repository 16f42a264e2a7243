//! `why KIND/NAMESPACE/NAME`: why an object is as it is.

use super::super::host::{Host, Outcome};
use super::asking::{self, Asked};
use super::words::Words;
use crate::api::kinds;
use crate::ask::Question;
use crate::ask::why::WhyQuestion;
use crate::objects::KindName;
use crate::objects::nearest::alike;

pub(super) const USAGE: &str =
    "why KIND/NAMESPACE/NAME [-o json]\n  for example: why pod/default/web, why svc/web (namespace default), why node/node-1";

/// `why`.
pub fn why(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    asking::run(host, argv, ("why", USAGE), parse)
}

/// Reads the words of a `why`, the command's name first.
pub fn parse(argv: &[String]) -> Result<Asked, String> {
    let words = Words::read(argv, &[])?;
    let [word] = &words.plain[..] else {
        return Err(format!("one object is needed, and {} were given", words.plain.len()));
    };
    Ok(Asked { question: Question::Why(object(word)?), json: words.json })
}

/// The object that is meant.
fn object(word: &str) -> Result<WhyQuestion, String> {
    let parts: Vec<&str> = word.split('/').collect();
    let (kind, namespace, name) = match parts[..] {
        [kind, namespace, name] => (kind, namespace, name),
        [kind, name] => (kind, "default", name),
        _ => return Err(format!("`{word}` names no object; write KIND/NAMESPACE/NAME")),
    };
    let Some(row) = kinds::find(kind) else {
        let known = kinds::KINDS.iter().find(|k| alike(k.singular, kind)).map(|k| format!("did you mean {}?", k.singular));
        return Err(format!("`{kind}` is no kind; {}", known.unwrap_or("`kubectl api-resources` lists them".to_string())));
    };
    if !row.namespaced && parts.len() == 3 {
        return Err(format!("a {} is in no namespace; write {kind}/{name}", row.kind));
    }
    Ok(WhyQuestion {
        kind: KindName { group: row.group.into(), kind: row.kind.into() },
        singular: row.singular.into(),
        namespace: if row.namespaced { namespace.into() } else { "".into() },
        name: name.into(),
    })
}
