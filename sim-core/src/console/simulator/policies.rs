//! `policies pod/NAMESPACE/NAME` and `policies netpol/NAMESPACE/NAME`: which policies select a pod, and which pods a policy.

use super::super::host::{Host, Outcome};
use super::asking::{self, Asked, POD, named};
use super::words::Words;
use crate::ask::Question;
use crate::ask::policies::PoliciesQuestion;

pub(super) const USAGE: &str = "policies pod/NAMESPACE/NAME [-o json], or policies netpol/NAMESPACE/NAME [-o json]";

/// The words for a policy.
const POLICY: &[&str] = &["netpol", "networkpolicy", "networkpolicies"];

/// `policies`.
pub fn policies(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    asking::run(host, argv, ("policies", USAGE), parse)
}

/// Reads the words of a `policies`, the command's name first.
pub fn parse(argv: &[String]) -> Result<Asked, String> {
    let words = Words::read(argv, &[])?;
    let [word] = &words.plain[..] else {
        return Err(format!("one pod or one policy is needed, and {} were given", words.plain.len()));
    };
    let pod = named(word, POD).map(|(namespace, name)| PoliciesQuestion::Pod(namespace, name));
    let policy = || named(word, POLICY).map(|(namespace, name)| PoliciesQuestion::Policy(namespace, name));
    let wrong = || format!("`{word}` is neither a pod nor a policy; write pod/NAMESPACE/NAME or netpol/NAMESPACE/NAME");
    Ok(Asked { question: Question::Policies(pod.or_else(policy).ok_or_else(wrong)?), json: words.json })
}
