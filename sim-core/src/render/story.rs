//! The story of a cluster as sentences and as JSON: one line for what several objects have in common.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json as value};

use crate::ask::story::{Timeline, Told, component};
use crate::cluster::faults::{Fault, NodeFault};
use crate::cluster::story::delta::{Counter, Delta, EndpointChange, Part};
use crate::cluster::story::{Agent, Entry, Subject, Verb, Who};
use crate::controllers::Which;
use crate::engine::time::Instant;
use crate::explain::Outcome;
use crate::network::graph::CUT;
use crate::objects::Name;
use crate::objects::service::ServiceType;
use crate::objects::time::Timestamp;

/// So many names of a list are written out.
const NAMED: usize = 4;

/// The text form: one line each, with the time of the cluster's clock.
pub fn text(timeline: &Timeline, start: Timestamp) -> String {
    let mut lines: Vec<String> =
        timeline.told.iter().map(|told| format!("{}  {}\n", clock(told.at(), start), sentence(told))).collect();
    if timeline.told.is_empty() {
        lines.push("nothing of that kind is in the record\n".to_string());
    }
    if let Some(begins) = timeline.begins {
        lines.insert(0, format!("{}  the record begins here; what was before is forgotten\n", clock(begins, start)));
    }
    lines.concat()
}

/// Lines for the end of another answer: without the heading, and nothing if there is nothing.
pub fn part(told: &[Told], start: Timestamp) -> String {
    if told.is_empty() {
        return String::new();
    }
    let lines = told.iter().map(|told| format!("    {}  {}\n", clock(told.at(), start), sentence(told)));
    format!("Story\n{}", lines.collect::<String>())
}

/// `12:00:36.058`.
fn clock(at: Instant, start: Timestamp) -> String {
    Timestamp::at(start, at).rfc3339_micro().get(11..23).unwrap_or_default().to_string()
}

/// What happened and why, without the time.
pub fn sentence(told: &Told) -> String {
    match told {
        Told::Done { members, because } => {
            let done = done(members);
            // What happened to the subject itself need not name it again.
            let is_it = |cause: &Entry| members.iter().all(|(_, entry)| entry.subject == cause.subject);
            because.as_ref().map_or(done.clone(), |(_, cause)| format!("{done} because {}", passive(cause, is_it(cause))))
        }
        Told::Programmed { agent, nodes, because } => {
            let names = listed(&nodes.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>());
            let done = match agent {
                Agent::Proxy => format!("kube-proxy of {names} programmed its rules"),
                Agent::Policy => format!("the policy agent of {names} programmed its rules"),
            };
            because.as_ref().map_or(done.clone(), |(_, cause)| format!("{done} because {}", passive(cause, false)))
        }
    }
}

fn done(members: &[(u64, Entry)]) -> String {
    let Some((_, entry)) = members.first() else { return String::new() };
    let mut subjects: Vec<&Subject> = members.iter().map(|(_, e)| &e.subject).collect();
    subjects.dedup();
    let who = actors(members);
    let what = if subjects.len() == 1 { named(&entry.subject) } else { several(members) };
    let changes = changes_of(members);
    let brackets = |facts: &[String]| if facts.is_empty() { String::new() } else { format!(" ({})", facts.join(", ")) };
    match (entry.verb, &entry.subject) {
        (Verb::Created, _) => format!("{who} created {what}{}", brackets(&changes)),
        (Verb::Changed, _) => {
            let does = if matches!(entry.who, Who::Kubelet(_)) { "reported" } else { "changed" };
            let facts = if changes.is_empty() { String::new() } else { format!(": {}", changes.join(", ")) };
            format!("{who} {does} {what}{facts}")
        }
        (Verb::Scaled, _) => format!("{who} scaled {what}{}", scale(members)),
        (Verb::Bound, _) if subjects.len() > 1 => format!("{who} bound {what}"),
        (Verb::Bound, _) => format!("{who} bound {what} to {}", changes.join(", ")),
        (Verb::Unplaced, _) => format!("{who} found no node for {what}"),
        (Verb::Started, Subject::Load(_)) => format!("{who} started {what}"),
        (Verb::Started, _) => format!("{who} started {} of {what}", containers(members)),
        (Verb::Ended, Subject::Load(_)) => format!("{who} stopped {what}"),
        (Verb::Ended, _) => format!("{who} reported for {what}: {}", changes.join(", ")),
        (Verb::BecameReady, _) if entry.who == Who::Balancer => format!("{who} of {what} found {} healthy", changes.join(", ")),
        (Verb::BecameNotReady, _) if entry.who == Who::Balancer => {
            format!("{who} of {what} found {} unhealthy", changes.join(", "))
        }
        (Verb::BecameReady, _) => format!("{who} reported {what} ready{}", brackets(&changes)),
        (Verb::BecameNotReady, _) => format!("{who} marked {what} not ready{}", brackets(&changes)),
        (Verb::Marked, _) => format!("{who} marked {what} for deletion{}", brackets(&changes)),
        (Verb::Evicted, _) => format!("{who} evicted {what}{}", brackets(&changes)),
        (Verb::Deleted, _) => format!("{who} removed {what}"),
        (Verb::Failed | Verb::Healed, _) => format!("{who} {}", fault(entry, true)),
        (Verb::Connected, _) => {
            let times = if members.len() > 1 { format!(" {} times", members.len()) } else { String::new() };
            format!("{what} connected{times} to {}", changes.join(", "))
        }
        (Verb::Reloaded, _) => format!("{who} of {what} read its Corefile again"),
    }
}

/// `you (kubectl scale)`, `kubelet of node-1 and node-2`.
fn actors(members: &[(u64, Entry)]) -> String {
    let nodes: Vec<String> = members.iter().filter_map(|(_, e)| node_of(&e.who)).map(|n| n.to_string()).collect();
    let Some((_, entry)) = members.first() else { return String::new() };
    match &entry.who {
        Who::You(tool) if !tool.is_empty() => format!("you ({})", tool.replacen('-', " ", 1).replace("client-side-", "")),
        who if nodes.is_empty() => component(who).to_string(),
        who => format!("{} of {}", component(who), listed(&nodes)),
    }
}

fn node_of(who: &Who) -> Option<&Name> {
    match who {
        Who::Kubelet(node) | Who::Proxy(node) | Who::Policy(node) => Some(node),
        Who::You(_) | Who::Controller(_) | Who::TaintEviction | Who::Scheduler | Who::Dns | Who::Balancer => None,
    }
}

/// `Pods web-a to node-1, web-b to node-2 and 3 more`.
fn several(members: &[(u64, Entry)]) -> String {
    let kind = members.first().and_then(|(_, e)| e.subject.kind()).map(|k| k.kind.to_string()).unwrap_or_default();
    let detail = |entry: &Entry| {
        entry.changes.iter().find_map(|change| match (entry.verb, change) {
            (Verb::Bound, Delta::Node(node)) => Some(format!(" to {node}")),
            (_, Delta::Address(ip)) => Some(format!(" ({ip})")),
            _ => None,
        })
    };
    let mut details: BTreeMap<String, Option<String>> = BTreeMap::new();
    for (_, entry) in members {
        let full = named(&entry.subject);
        let name = full.split_once(' ').map_or(full.as_str(), |(_, name)| name).to_string();
        let known = details.entry(name).or_default();
        *known = known.take().or_else(|| detail(entry));
    }
    let names: Vec<String> = details.into_iter().map(|(name, detail)| name + &detail.unwrap_or_default()).collect();
    format!("{kind}s {}", listed(&names))
}

fn scale(members: &[(u64, Entry)]) -> String {
    let steps = members.iter().flat_map(|(_, e)| e.changes.iter()).filter_map(|change| match change {
        Delta::Replicas { from, to } => Some((*from, *to)),
        _ => None,
    });
    let steps: Vec<(i64, i64)> = steps.collect();
    let first = steps.first().map_or(String::new(), |(from, _)| format!(" from {from}"));
    format!("{first}{}", steps.iter().map(|(_, to)| format!(" to {to}")).collect::<String>())
}

fn containers(members: &[(u64, Entry)]) -> String {
    let running = |change: &Delta| match change {
        Delta::Running(container) => Some(container.to_string()),
        _ => None,
    };
    let names: BTreeSet<String> = members.iter().flat_map(|(_, e)| e.changes.iter()).filter_map(running).collect();
    let word = if names.len() > 1 { "containers" } else { "container" };
    format!("{word} {}", listed(&names.into_iter().collect::<Vec<_>>()))
}

/// The changes that the sentence does not tell otherwise; of several subjects those that all have.
fn changes_of(members: &[(u64, Entry)]) -> Vec<String> {
    let told = |entry: &Entry| {
        let facts = entry.changes.iter().filter(|change| !is_told(entry, change)).map(|c| fact(entry.verb, c));
        facts.collect::<Vec<_>>()
    };
    let Some((_, first)) = members.first() else { return Vec::new() };
    let mut facts = told(first);
    let one_subject = members.iter().all(|(_, e)| e.subject == first.subject);
    for (_, entry) in members.iter().skip(1) {
        let others = told(entry);
        if one_subject {
            facts.extend(others.into_iter().filter(|f| !facts.contains(f)).collect::<Vec<_>>());
        } else {
            facts.retain(|fact| others.contains(fact));
        }
    }
    facts
}

/// Whether the verb says it already, or it is of no weight beside it.
fn is_told(entry: &Entry, change: &Delta) -> bool {
    let of_pod = entry.subject.kind().is_some_and(|kind| &*kind.kind == "Pod");
    match (entry.verb, change) {
        (Verb::BecameReady | Verb::BecameNotReady, Delta::Condition { to, .. }) => of_pod || to == "True",
        (Verb::BecameReady, Delta::Phase(..) | Delta::Running(_) | Delta::Part(_)) => true,
        (Verb::Ended, Delta::Condition { .. } | Delta::Phase(..) | Delta::Part(_)) => true,
        (Verb::Changed, Delta::Condition { .. }) if of_pod => true,
        (Verb::Changed, Delta::Running(_)) => entry.changes.len() > 1,
        (Verb::Changed, Delta::Waiting { reason, .. }) => matches!(&**reason, "ContainerCreating" | "PodInitializing"),
        (Verb::Changed, Delta::Part(_)) if entry.who == Who::Controller(Which::EndpointSlice) => entry.changes.len() > 1,
        (Verb::Scaled, Delta::Replicas { .. } | Delta::Count { .. } | Delta::Condition { .. } | Delta::Part(_)) => true,
        (Verb::Bound, Delta::Node(_)) => false,
        (Verb::Bound | Verb::Marked | Verb::Evicted, Delta::Condition { .. } | Delta::Part(_)) => true,
        (Verb::Changed, Delta::Part(part)) => part.is_bookkeeping() && entry.changes.len() > 1,
        _ => false,
    }
}

/// One change in words.
fn fact(verb: Verb, change: &Delta) -> String {
    let or_none = |text: &Name| if text.is_empty() { "none".to_string() } else { text.to_string() };
    match change {
        Delta::Replicas { from: 0, to } if verb == Verb::Created => format!("replicas {to}"),
        Delta::Replicas { from, to } => format!("replicas {from} -> {to}"),
        Delta::Count { of, from, to } => format!("{} {from} -> {to}", counter(*of)),
        Delta::Node(node) => node.to_string(),
        Delta::Address(ip) => ip.to_string(),
        Delta::Ingress(Some(at)) => format!("balancer at {at}"),
        Delta::Ingress(None) => "no balancer any more".to_string(),
        Delta::Phase(from, to) => format!("phase {} -> {}", from.text(), to.text()),
        Delta::Condition { kind, from, to, reason } => {
            let reason = if reason.is_empty() { String::new() } else { format!(", {reason}") };
            format!("{kind} {} -> {}{reason}", or_none(from), or_none(to))
        }
        Delta::Running(container) => format!("container {container} runs"),
        Delta::Ended { container, exit, reason } => format!("container {container} ended with status {exit} ({reason})"),
        Delta::Waiting { container, reason } => format!("container {container} waits ({reason})"),
        Delta::Endpoint(address, change) => endpoint(address, *change),
        Delta::Endpoints(change, count) => endpoint(&format!("{count} more"), *change),
        Delta::Taint { key, effect, added: true } => format!("taint {key}:{effect} added"),
        Delta::Taint { key, effect, added: false } => format!("taint {key}:{effect} removed"),
        Delta::Unschedulable(true) => "cordoned".to_string(),
        Delta::Unschedulable(false) => "uncordoned".to_string(),
        Delta::Grace(0) => "at once".to_string(),
        Delta::Grace(seconds) => format!("{seconds} s to end"),
        Delta::Image { container, from, to } => format!("image of {container} {} -> {to}", or_none(from)),
        Delta::Type(from, to) => format!("type {} -> {}", service_type(*from), service_type(*to)),
        Delta::Part(part) => part_name(*part).to_string(),
        Delta::Fault(fault) => fault.target(),
        Delta::Connection(to, reached, how) => {
            let reached = reached.filter(|at| at != to).map(|at| format!(" (backend {at})")).unwrap_or_default();
            format!("{to}{reached}: {}", outcome(*how))
        }
        Delta::Target(target) => target.to_string(),
    }
}

fn service_type(of: ServiceType) -> &'static str {
    match of {
        ServiceType::ClusterIp => "ClusterIP",
        ServiceType::NodePort => "NodePort",
        ServiceType::LoadBalancer => "LoadBalancer",
        ServiceType::ExternalName => "ExternalName",
    }
}

fn counter(of: Counter) -> &'static str {
    match of {
        Counter::Replicas => "status.replicas",
        Counter::Ready => "readyReplicas",
        Counter::Updated => "updatedReplicas",
        Counter::Available => "availableReplicas",
    }
}

fn endpoint(which: &str, change: EndpointChange) -> String {
    match change {
        EndpointChange::Added => format!("{which} added"),
        EndpointChange::AddedNotReady => format!("{which} added but not ready"),
        EndpointChange::Ready => format!("{which} ready"),
        EndpointChange::NotReady => format!("{which} not ready"),
        EndpointChange::Terminating => format!("{which} terminating"),
        EndpointChange::Removed => format!("{which} removed"),
    }
}

fn part_name(part: Part) -> &'static str {
    match part {
        Part::Labels => "labels",
        Part::Annotations => "annotations",
        Part::Owners => "owners",
        Part::Finalizers => "finalizers",
        Part::Selector => "selector",
        Part::Ports => "ports",
        Part::Template => "pod template",
        Part::Addresses => "addresses",
        Part::Spec => "spec",
        Part::Status => "status",
        Part::Content => "content",
    }
}

fn outcome(how: Outcome) -> &'static str {
    match how {
        Outcome::Delivered => "connected",
        Outcome::Refused => "refused",
        Outcome::TimedOut => "no answer",
        Outcome::Unreachable => "unreachable",
        Outcome::Reset => "reset",
        Outcome::Unresolved => "not resolved",
        Outcome::Unknown => "unknown",
    }
}

/// A cause, as it stands after "because"; `it`: its subject is that of the sentence.
fn passive(cause: &Entry, it: bool) -> String {
    let what = if it { "it".to_string() } else { named(&cause.subject) };
    let by = match &cause.who {
        Who::You(_) => " by you".to_string(),
        Who::Kubelet(_) => String::new(),
        who if cause.verb == Verb::Marked => format!(" by {}", component(who)),
        _ => String::new(),
    };
    let members = [(0, cause.clone())];
    match cause.verb {
        Verb::Created => format!("{what} was created{by}"),
        Verb::Changed if by.is_empty() => format!("{what} changed ({})", changes_of(&members).join(", ")),
        Verb::Changed => format!("{what} was changed{by}"),
        Verb::Scaled => format!("{what} was scaled{}{by}", scale(&members)),
        Verb::Bound => format!("{what} was bound to {}", changes_of(&members).join(", ")),
        Verb::Unplaced => format!("no node was found for {what}"),
        Verb::Started => format!("{} of {what} started", containers(&members)),
        Verb::Ended => format!("a container of {what} ended"),
        Verb::BecameReady => format!("{what} became ready"),
        Verb::BecameNotReady => format!("{what} became not ready"),
        Verb::Marked => format!("{what} was marked for deletion{by}"),
        Verb::Evicted => format!("{what} was evicted"),
        Verb::Deleted => format!("{what} was removed{by}"),
        Verb::Failed | Verb::Healed => fault(cause, false),
        Verb::Connected => format!("{what} connected"),
        Verb::Reloaded => format!("{what} read its Corefile again"),
    }
}

/// What was done to break or mend something: after "you", or as a clause of its own.
fn fault(entry: &Entry, active: bool) -> String {
    let broken = entry.verb == Verb::Failed;
    let Some(Delta::Fault(fault)) = entry.changes.first() else { return String::new() };
    let say = |active_text: &str, passive_text: String| if active { active_text.to_string() } else { passive_text };
    match (fault, broken) {
        (Fault::Node(node, NodeFault::PowerOff), true) => {
            say(&format!("cut the power of {node}"), format!("the power of {node} was cut by you"))
        }
        (Fault::Node(node, NodeFault::PowerOff), false) => {
            say(&format!("gave {node} its power back"), format!("{node} got its power back from you"))
        }
        (Fault::Node(node, NodeFault::KubeletStop), true) => {
            say(&format!("stopped the kubelet of {node}"), format!("the kubelet of {node} was stopped by you"))
        }
        (Fault::Node(node, NodeFault::KubeletStop), false) => {
            say(&format!("started the kubelet of {node} again"), format!("the kubelet of {node} was started again by you"))
        }
        (Fault::Node(node, NodeFault::Partition), true) => {
            say(&format!("cut {node} off the network"), format!("{node} was cut off the network by you"))
        }
        (Fault::Node(node, NodeFault::Partition), false) => {
            say(&format!("connected {node} to the network again"), format!("{node} was connected to the network again by you"))
        }
        (Fault::Proxy(node), true) => {
            say(&format!("stopped kube-proxy of {node}"), format!("kube-proxy of {node} was stopped by you"))
        }
        (Fault::Proxy(node), false) => {
            say(&format!("started kube-proxy of {node} again"), format!("kube-proxy of {node} was started again by you"))
        }
        (Fault::Pod(..), true) => {
            let pod = named(&entry.subject);
            say(&format!("killed the containers of {pod}"), format!("the containers of {pod} were killed by you"))
        }
        (Fault::Pod(..), false) => {
            let pod = named(&entry.subject);
            say(&format!("mended {pod}"), format!("{pod} was mended by you"))
        }
        (Fault::Dns, true) => say("stopped the DNS servers", "the DNS servers were stopped by you".to_string()),
        (Fault::Dns, false) => say("started the DNS servers again", "the DNS servers were started again by you".to_string()),
        (Fault::ApiServer, true) => say("stopped the API server", "the API server was stopped by you".to_string()),
        (Fault::ApiServer, false) => say("started the API server again", "the API server was started again by you".to_string()),
        (Fault::Link((a, b), loss), true) if *loss < CUT => {
            let share = format!("{}.{:04}", loss / 10_000, loss % 10_000);
            let share = share.trim_end_matches('0').trim_end_matches('.');
            let link = format!("the link between {a} and {b}");
            say(
                &format!("made {link} lose {share}% of its packets"),
                format!("{link} was made to lose {share}% of its packets by you"),
            )
        }
        (Fault::Link((a, b), _), true) => {
            say(&format!("cut the link between {a} and {b}"), format!("the link between {a} and {b} was cut by you"))
        }
        (Fault::Link((a, b), _), false) => {
            say(&format!("mended the link between {a} and {b}"), format!("the link between {a} and {b} was mended by you"))
        }
    }
}

/// `Pod web-1`, `Service shop/web`: the namespace `default` is not said.
pub fn named(subject: &Subject) -> String {
    match subject {
        Subject::Object { kind, namespace, name } if namespace.is_empty() || namespace == "default" => {
            format!("{} {name}", kind.kind)
        }
        Subject::Object { kind, namespace, name } => format!("{} {namespace}/{name}", kind.kind),
        Subject::Proxy(node) => format!("kube-proxy of {node}"),
        Subject::Dns => "the DNS servers".to_string(),
        Subject::ApiServer => "the API server".to_string(),
        Subject::Link(a, b) => format!("the link between {a} and {b}"),
        Subject::Load(Some(name)) => format!("load {name}"),
        Subject::Load(None) => "all loads".to_string(),
        Subject::Client(None) => "a client outside".to_string(),
        Subject::Client(Some(ip)) => format!("the client {ip}"),
    }
}

/// `a`, `a and b`, `a, b, c, d and 7 more`: each once, `node-2` before `node-10`.
pub fn listed(names: &[String]) -> String {
    let by_length: BTreeSet<(usize, &str)> = names.iter().map(|name| (name.len(), name.as_str())).collect();
    let names: Vec<&str> = by_length.into_iter().map(|(_, name)| name).collect();
    match &names[..] {
        [] => String::new(),
        [one] => (*one).to_string(),
        [first @ .., last] if names.len() <= NAMED => format!("{} and {last}", first.join(", ")),
        [..] => format!("{} and {} more", names[..NAMED].join(", "), names.len() - NAMED),
    }
}

/// The JSON form.
pub fn json(timeline: &Timeline, start: Timestamp) -> Value {
    let told: Vec<Value> = timeline.told.iter().map(|told| told_json(told, start)).collect();
    value!({"begins": timeline.begins.map(|at| Timestamp::at(start, at).rfc3339_micro()), "timeline": told})
}

fn told_json(told: &Told, start: Timestamp) -> Value {
    let time = |at: Instant| Timestamp::at(start, at).rfc3339_micro();
    let because = |because: &Option<(u64, Entry)>| because.as_ref().map(|(number, e)| entry_json(*number, e, start));
    let text = sentence(told);
    match told {
        Told::Done { members, because: cause } => {
            let entries: Vec<Value> = members.iter().map(|(number, entry)| entry_json(*number, entry, start)).collect();
            value!({"at": time(told.at()), "text": text, "entries": entries, "because": because(cause)})
        }
        Told::Programmed { agent, nodes, because: cause } => {
            let who = match agent {
                Agent::Proxy => "kube-proxy",
                Agent::Policy => "network-policy-agent",
            };
            let nodes: Vec<Value> = nodes.iter().map(|(node, at)| value!({"node": &**node, "at": time(*at)})).collect();
            value!({"at": time(told.at()), "text": text, "component": who, "programmed": nodes, "because": because(cause)})
        }
    }
}

/// One entry with all its parts.
fn entry_json(number: u64, entry: &Entry, start: Timestamp) -> Value {
    let subject = match &entry.subject {
        Subject::Object { kind, namespace, name } => value!({"kind": &*kind.kind, "namespace": &**namespace, "name": &**name}),
        other => value!({"name": named(other)}),
    };
    value!({
        "number": number,
        "at": Timestamp::at(start, entry.at).rfc3339_micro(),
        "step": entry.step.get(),
        "revision": entry.revision,
        "component": component(&entry.who),
        "node": node_of(&entry.who).map(|node| &**node),
        "verb": verb(entry.verb),
        "subject": subject,
        "changes": entry.changes.iter().map(|change| fact(entry.verb, change)).collect::<Vec<_>>(),
        "cause": entry.cause,
    })
}

fn verb(verb: Verb) -> &'static str {
    match verb {
        Verb::Created => "created",
        Verb::Changed => "changed",
        Verb::Scaled => "scaled",
        Verb::Bound => "bound",
        Verb::Unplaced => "unplaced",
        Verb::Started => "started",
        Verb::Ended => "ended",
        Verb::BecameReady => "became-ready",
        Verb::BecameNotReady => "became-not-ready",
        Verb::Marked => "marked-for-deletion",
        Verb::Evicted => "evicted",
        Verb::Deleted => "removed",
        Verb::Failed => "failed",
        Verb::Healed => "healed",
        Verb::Connected => "connected",
        Verb::Reloaded => "reloaded",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::queue::Sequence;

    fn entry(who: Who, verb: Verb, name: &str, changes: Vec<Delta>) -> (u64, Entry) {
        let subject = Subject::core(if name.starts_with("node") { "Node" } else { "Pod" }, &"default".into(), &name.into());
        let changes = changes.into_boxed_slice();
        let (at, step) = (Instant::START, Sequence::FIRST);
        (0, Entry { at, step, revision: 1, who, subject, verb, changes, cause: None })
    }

    #[test]
    fn several_subjects_are_one_sentence() {
        let bound = |name: &str, node: &str| entry(Who::Scheduler, Verb::Bound, name, vec![Delta::Node(node.into())]);
        let because =
            Some(entry(Who::You("kubectl-scale".into()), Verb::Scaled, "web", vec![Delta::Replicas { from: 1, to: 3 }]));
        let members = vec![bound("web-b", "node-2"), bound("web-a", "node-1")];
        let told = Told::Done { members, because };
        let text = "scheduler bound Pods web-a to node-1 and web-b to node-2 because Pod web was scaled from 1 to 3 by you";
        assert_eq!(sentence(&told), text);
    }

    #[test]
    fn names_are_listed_once_and_in_order() {
        let listed = |names: &[&str]| listed(&names.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(listed(&["node-10", "node-2", "node-2"]), "node-2 and node-10");
        assert_eq!(listed(&["a", "b", "c", "d", "e", "f"]), "a, b, c, d and 2 more");
    }

    #[test]
    fn a_fault_reads_well_on_both_sides_of_because() {
        let fault = Delta::Fault(Fault::Node("node-3".into(), NodeFault::PowerOff));
        let failed = entry(Who::You(Name::default()), Verb::Failed, "node-3", vec![fault]);
        let unknown = Delta::Condition {
            kind: "Ready".into(),
            from: "True".into(),
            to: "Unknown".into(),
            reason: "NodeStatusUnknown".into(),
        };
        let marked = entry(Who::Controller(Which::NodeLifecycle), Verb::BecameNotReady, "node-3", vec![unknown]);
        let told = Told::Done { members: vec![failed.clone()], because: None };
        assert_eq!(sentence(&told), "you cut the power of node-3");
        let text = "node-lifecycle-controller marked Node node-3 not ready (Ready True -> Unknown, NodeStatusUnknown) because the \
                    power of node-3 was cut by you";
        assert_eq!(sentence(&Told::Done { members: vec![marked], because: Some(failed) }), text);
    }
}
