//! The commands that ask: words are parsed into a typed question, the question is asked of the moment, the answer is rendered.

use super::super::host::{Host, Outcome};
use super::{simulation, told, usage};
use crate::ask::target::port_number;
use crate::ask::{Question, Unanswerable, source};
use crate::lab::command::{Command, Output, act};
use crate::network::wire::Source;
use crate::objects::Name;
use crate::objects::pod_spec::Protocol;
use crate::render;

/// A question as it was typed, and the form in which its answer is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The question.
    pub question: Question,
    /// Whether JSON is wanted.
    pub json: bool,
}

/// Runs a command that asks: `parse` reads its words, the command's name first.
pub(super) fn run(
    host: &mut dyn Host,
    argv: &[String],
    (name, right): (&str, &str),
    parse: fn(&[String]) -> Result<Asked, String>,
) -> Outcome {
    let asked = match parse(argv) {
        Ok(asked) => asked,
        Err(wrong) => return usage(name, &wrong, right),
    };
    let mut sim = match simulation(host, name) {
        Ok(sim) => sim,
        Err(refusal) => return refusal,
    };
    match act(&mut sim, Command::Ask(Box::new(asked.question))) {
        Output::Answer(answer) => {
            Outcome::out(if asked.json { render::answer::json(&answer) } else { render::answer::text(&answer) })
        }
        Output::Unanswerable(why) => {
            let text = render::unanswerable::text(&why);
            let is_of_the_world = *why == Unanswerable::NoDns;
            if is_of_the_world { Outcome::err(1, format!("kubewalk: {name}: {text}")) } else { usage(name, &text, right) }
        }
        output => told(render::lab::text(&output).map_err(|why| usage(name, &why, right))),
    }
}

/// Reads a protocol.
pub(super) fn protocol(text: &str) -> Result<Protocol, String> {
    match text.to_uppercase().as_str() {
        "TCP" => Ok(Protocol::Tcp),
        "UDP" => Ok(Protocol::Udp),
        "SCTP" => Ok(Protocol::Sctp),
        _ => Err(format!("`{text}` is not a protocol; there are TCP, UDP and SCTP")),
    }
}

/// Reads a port.
pub(super) fn number(text: &str) -> Result<u16, String> {
    port_number(text).map_err(|_| render::unanswerable::bad_port(text))
}

/// Reads a source.
pub(super) fn from(text: &str, at_node: Option<&str>) -> Result<Source, String> {
    source::parse(text, at_node).map_err(|why| render::unanswerable::bad_source(text, why))
}

/// Namespace and name behind one of these words; the namespace is `default` unless it is written.
pub(super) fn named(text: &str, kinds: &[&str]) -> Option<(Name, Name)> {
    match text.split('/').collect::<Vec<_>>()[..] {
        [kind, namespace, name] if kinds.contains(&kind) => Some((namespace.into(), name.into())),
        [kind, name] if kinds.contains(&kind) => Some(("default".into(), name.into())),
        _ => None,
    }
}

/// The words for a Service.
pub(super) const SERVICE: &[&str] = &["svc", "service", "services"];
/// The words for a pod.
pub(super) const POD: &[&str] = &["pod", "pods"];
