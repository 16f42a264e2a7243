//! What happened, folded to what a person wants to know: `timeline`, and the origin of an object for `why`.
//!
//! No real cluster answers this. The entries of [`crate::cluster::story`] are filtered (bookkeeping goes), linked with the cause that
//! explains them (what the control plane merely passes on is skipped, back to an input, a fault, or something that happened to a pod
//! or node), and neighbours that say the same of several objects become one.

use std::collections::{BTreeMap, BTreeSet};

use crate::cluster::Cluster;
use crate::cluster::story::delta::{Counter, Delta, EndpointChange};
use crate::cluster::story::{Agent, Entry, Number, Programming, Story, Subject, Verb, Who};
use crate::controllers::Which;
use crate::engine::time::{Duration, Instant};
use crate::objects::{KindName, Name};

/// What is put together happens within this time.
const WINDOW: Duration = Duration::from_secs(2);
/// Most entries on the way back to a cause.
const CAUSES_MAX: usize = 64;
/// How many steps the consequences of a node's failure are followed; of any other object's it is one.
const STEPS_OF_NODE: usize = 3;

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// Only what has to do with this object.
    pub about: Option<About>,
    /// Only what this component did, by its name or the beginning of it.
    pub component: Option<String>,
    /// Only what happened since.
    pub since: Option<Instant>,
    /// At most so many, the latest.
    pub most: usize,
    /// Every entry by itself, bookkeeping too.
    pub all: bool,
}

/// An object that is asked about. It may be gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Its kind.
    pub kind: KindName,
    /// Its namespace; empty for cluster-scoped kinds.
    pub namespace: Name,
    /// Its name.
    pub name: Name,
}

/// What happened, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// The events.
    pub told: Vec<Told>,
    /// When the record begins: what was before is forgotten. `None`: it reaches back to the start.
    pub begins: Option<Instant>,
}

/// One line of the story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// The same was done to one or several subjects, for one reason.
    Done {
        /// Each with who did it; at least one.
        members: Vec<(Number, Entry)>,
        /// What explains it.
        because: Option<(Number, Entry)>,
    },
    /// Agents of one or several nodes programmed their rules, for one reason.
    Programmed {
        /// Whose rules.
        agent: Agent,
        /// The nodes, each with the time; at least one.
        nodes: Vec<(Name, Instant)>,
        /// The change that was programmed.
        because: Option<(Number, Entry)>,
    },
}

impl Told {
    /// When it began.
    pub fn at(&self) -> Instant {
        match self {
            Told::Done { members, .. } => members.first().map_or(Instant::START, |(_, entry)| entry.at),
            Told::Programmed { nodes, .. } => nodes.first().map_or(Instant::START, |(_, at)| *at),
        }
    }
}

/// Answers the question.
pub fn timeline(cluster: &Cluster, question: &Question) -> Timeline {
    let story = &cluster.story;
    let chosen = question.about.as_ref().map(|about| concerning(cluster, about));
    let is_chosen = |number: Number| chosen.as_ref().is_none_or(|set| set.contains(&number));
    let after = |at: Instant| question.since.is_none_or(|since| at >= since);
    let of_component = |who: &Who| question.component.as_ref().is_none_or(|name| component(who).starts_with(name.as_str()));
    let mut told: Vec<Told> = Vec::new();
    for (number, entry) in story.entries() {
        let shown = question.all || !is_bookkeeping(entry);
        if shown && after(entry.at) && of_component(&entry.who) && is_chosen(number) {
            let because = explanation(story, number).and_then(|n| Some((n, story.entry(n)?.clone())));
            told.push(Told::Done { members: vec![(number, entry.clone())], because });
        }
    }
    for programming in story.programmed().filter(|p| after(p.at)) {
        let Some(name) = cluster.config.nodes.get(programming.node as usize).map(|n| Name::from(n.name.as_str())) else {
            continue;
        };
        let who = who_programs(programming.agent, &name);
        let changes = changes_programmed(story, programming);
        let because = changes.iter().rev().find(|n| is_chosen(**n)).copied();
        let news = |n: &Number| story.entry(*n).is_some_and(|entry| !is_bookkeeping(entry));
        let matters = question.all || changes.is_empty() || changes.iter().any(news);
        if matters && of_component(&who) && (because.is_some() || chosen.is_none()) {
            let because = because.and_then(|n| Some((n, story.entry(n)?.clone())));
            told.push(Told::Programmed { agent: programming.agent, nodes: vec![(name, programming.at)], because });
        }
    }
    told.sort_by_key(Told::at);
    let mut told = if question.all { told } else { folded(told) };
    told.drain(..told.len().saturating_sub(question.most));
    let forgotten = story.entries().next().filter(|(number, _)| *number > 0);
    Timeline { told, begins: forgotten.map(|(_, entry)| entry.at) }
}

/// How an object came to be, and what happened to it last: each with what explains it, oldest first; back to the input.
pub fn origin(cluster: &Cluster, about: &About) -> Vec<Told> {
    let story = &cluster.story;
    let own: Vec<Number> =
        story.entries().filter(|(_, e)| is_about(&e.subject, about) && !is_bookkeeping(e)).map(|(n, _)| n).collect();
    let created = own.iter().copied().find(|n| story.entry(*n).is_some_and(|e| e.verb == Verb::Created));
    let mut wanted: BTreeSet<Number> = created.into_iter().chain(own.last().copied()).collect();
    for number in wanted.clone() {
        wanted.extend(explanations(story, number));
    }
    let line = |number: Number| {
        let because = explanation(story, number).and_then(|n| Some((n, story.entry(n)?.clone())));
        Some(Told::Done { members: vec![(number, story.entry(number)?.clone())], because })
    };
    wanted.into_iter().filter_map(line).collect()
}

/// The name of a component, as `--component` takes it and as sentences have it.
pub fn component(who: &Who) -> &'static str {
    match who {
        Who::You(_) => "you",
        Who::Controller(which) => controller(*which),
        Who::TaintEviction => "taint-eviction-controller",
        Who::Scheduler => "scheduler",
        Who::Kubelet(_) => "kubelet",
        Who::Proxy(_) => "kube-proxy",
        Who::Policy(_) => "network-policy-agent",
        Who::Dns => "coredns",
        Who::Balancer => "load-balancer",
    }
}

/// The name of a controller in a real controller manager.
pub fn controller(which: Which) -> &'static str {
    match which {
        Which::Deployment => "deployment-controller",
        Which::ReplicaSet => "replicaset-controller",
        Which::EndpointSlice => "endpointslice-controller",
        Which::Endpoints => "endpoints-controller",
        Which::EndpointSliceMirroring => "endpointslice-mirroring-controller",
        Which::NodeLifecycle => "node-lifecycle-controller",
        Which::Garbage => "garbage-collector-controller",
        Which::Namespace => "namespace-controller",
        Which::ServiceLb => "service-lb-controller",
        Which::PodGc => "pod-garbage-collector-controller",
    }
}

/// Every name that [`component`] gives.
pub const COMPONENTS: [&str; 18] = [
    "you",
    "deployment-controller",
    "replicaset-controller",
    "endpointslice-controller",
    "endpoints-controller",
    "endpointslice-mirroring-controller",
    "node-lifecycle-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "service-lb-controller",
    "pod-garbage-collector-controller",
    "taint-eviction-controller",
    "scheduler",
    "kubelet",
    "kube-proxy",
    "network-policy-agent",
    "coredns",
    "load-balancer",
];

fn who_programs(agent: Agent, node: &Name) -> Who {
    match agent {
        Agent::Proxy => Who::Proxy(node.clone()),
        Agent::Policy => Who::Policy(node.clone()),
    }
}

/// Whether an entry tells only that a status caught up with what other entries tell.
pub fn is_bookkeeping(entry: &Entry) -> bool {
    // The older form of the slices, written for every change of these.
    if entry.subject.kind().is_some_and(|kind| &*kind.kind == "Endpoints") && !matches!(entry.who, Who::You(_)) {
        return true;
    }
    let is_lease = entry.subject.kind().is_some_and(|kind| &*kind.kind == "Lease");
    is_lease || entry.verb == Verb::Changed && entry.changes.iter().all(|change| is_status(change, entry))
}

fn is_status(change: &Delta, entry: &Entry) -> bool {
    let of_pod = entry.subject.kind().is_some_and(|kind| &*kind.kind == "Pod");
    let of_workload = matches!(entry.who, Who::Controller(Which::Deployment | Which::ReplicaSet));
    match change {
        Delta::Count { of: Counter::Replicas | Counter::Ready | Counter::Updated | Counter::Available, .. } => true,
        Delta::Condition { kind, to, .. } => of_pod || of_workload && !(kind == "Progressing" && to == "False"),
        Delta::Waiting { reason, .. } => matches!(&**reason, "ContainerCreating" | "PodInitializing"),
        // A pod that is not ready gets no packets.
        Delta::Endpoint(_, change) | Delta::Endpoints(change, _) => *change == EndpointChange::AddedNotReady,
        Delta::Part(part) => part.is_bookkeeping() || entry.who == Who::Controller(Which::EndpointSlice),
        Delta::Replicas { .. }
        | Delta::Node(_)
        | Delta::Address(_)
        | Delta::Ingress(_)
        | Delta::Phase(..)
        | Delta::Running(_)
        | Delta::Ended { .. }
        | Delta::Taint { .. }
        | Delta::Unschedulable(_)
        | Delta::Grace(_)
        | Delta::Image { .. }
        | Delta::Type(..)
        | Delta::Fault(_)
        | Delta::Connection(..)
        | Delta::Target(_) => false,
    }
}

/// The entry that explains this one: the nearest cause that is more than something passed on.
pub fn explanation(story: &Story, number: Number) -> Option<Number> {
    let mut farthest = None;
    for (number, entry) in story.causes(number).skip(1).take(CAUSES_MAX) {
        farthest = Some(number);
        if !passes_on(story, entry) {
            break;
        }
    }
    farthest
}

/// The entry's explanation, that one's, and so on to the input.
fn explanations(story: &Story, number: Number) -> impl Iterator<Item = Number> + '_ {
    std::iter::successors(explanation(story, number), |n| explanation(story, *n)).take(CAUSES_MAX)
}

/// Whether the doer had no choice: it did what an object's spec asks for.
fn passes_on(story: &Story, entry: &Entry) -> bool {
    let asked_to_end = || {
        let cause = entry.cause.and_then(|number| story.entry(number));
        cause.is_some_and(|cause| matches!(cause.verb, Verb::Marked | Verb::Evicted))
    };
    match entry.who {
        Who::Controller(Which::NodeLifecycle) | Who::TaintEviction | Who::You(_) | Who::Balancer => false,
        // That a pod is to go has more than one consequence.
        Who::Controller(_) => entry.verb != Verb::Marked,
        Who::Scheduler => true,
        Who::Kubelet(_) if entry.verb == Verb::Ended => asked_to_end(),
        Who::Kubelet(_) => matches!(entry.verb, Verb::Started | Verb::Changed | Verb::Deleted),
        Who::Proxy(_) | Who::Policy(_) | Who::Dns => true,
    }
}

/// The entries that have to do with an object: what was done to it and to what belongs to it, what that led to, and what explains
/// all of this.
fn concerning(cluster: &Cluster, about: &About) -> BTreeSet<Number> {
    let story = &cluster.story;
    let family = Family::of(cluster, about);
    let mut set: BTreeSet<Number> = story.entries().filter(|(_, e)| family.has(e)).map(|(n, _)| n).collect();
    let steps = if &*about.kind.kind == "Node" { STEPS_OF_NODE } else { 1 };
    for _ in 0..steps {
        let led_to = |(number, entry): (Number, &Entry)| {
            let leads = !is_bookkeeping(entry) && explanation(story, number).is_some_and(|cause| set.contains(&cause));
            leads.then_some(number)
        };
        let more: Vec<Number> = story.entries().filter_map(led_to).collect();
        set.extend(more);
    }
    let explained: Vec<Number> = set.iter().flat_map(|number| explanations(story, *number)).collect();
    set.extend(explained);
    set
}

/// An object and what belongs to it.
struct Family<'a> {
    about: &'a About,
    /// The slices of a Service that exist.
    slices: BTreeSet<Name>,
}

impl Family<'_> {
    fn of<'a>(cluster: &Cluster, about: &'a About) -> Family<'a> {
        let head = cluster.store.head();
        let slices = match &*about.kind.kind {
            "Service" => head.slices_of(&about.namespace, &about.name).map(|slice| slice.meta.name.clone()).collect(),
            _ => BTreeSet::new(),
        };
        Family { about, slices }
    }

    fn has(&self, entry: &Entry) -> bool {
        is_about(&entry.subject, self.about) || self.has_by_name(&entry.subject) || self.is_bound_to(entry)
    }

    /// A pod that is given to the node.
    fn is_bound_to(&self, entry: &Entry) -> bool {
        let to_it = |change: &Delta| matches!(change, Delta::Node(node) if *node == self.about.name);
        &*self.about.kind.kind == "Node" && entry.changes.iter().any(to_it)
    }

    /// What the object's controllers made of it. Objects that are gone are known by their generated names only.
    fn has_by_name(&self, subject: &Subject) -> bool {
        let Subject::Object { kind, namespace, name } = subject else { return false };
        if *namespace != self.about.namespace {
            return false;
        }
        let rest = name.strip_prefix(&*self.about.name).and_then(|rest| rest.strip_prefix('-'));
        let parts: Vec<&str> = rest.map(|rest| rest.split('-').collect()).unwrap_or_default();
        match (&*self.about.kind.kind, &*kind.kind, &parts[..]) {
            ("Service", "Endpoints", _) => *name == self.about.name,
            ("Service", "EndpointSlice", [suffix]) => self.slices.contains(name) || is_suffix(suffix),
            ("Service", "EndpointSlice", _) => self.slices.contains(name),
            ("Deployment", "ReplicaSet", [hash]) => is_hash(hash),
            ("Deployment", "Pod", [hash, suffix]) => is_hash(hash) && is_suffix(suffix),
            ("ReplicaSet", "Pod", [suffix]) => is_suffix(suffix),
            _ => false,
        }
    }
}

/// The five letters at the end of a generated name.
fn is_suffix(text: &str) -> bool {
    text.len() == 5
}

/// A `pod-template-hash`.
fn is_hash(text: &str) -> bool {
    (6..=10).contains(&text.len())
}

/// Whether a subject is the object, or belongs to it.
pub fn concerns(cluster: &Cluster, subject: &Subject, about: &About) -> bool {
    is_about(subject, about) || Family::of(cluster, about).has_by_name(subject)
}

fn is_about(subject: &Subject, about: &About) -> bool {
    match subject {
        Subject::Object { kind, namespace, name } => (kind, namespace, name) == (&about.kind, &about.namespace, &about.name),
        Subject::Proxy(node) => &*about.kind.kind == "Node" && *node == about.name,
        Subject::Link(a, b) => &*about.kind.kind == "Node" && (*a == about.name || *b == about.name),
        Subject::Dns | Subject::ApiServer | Subject::Load(_) | Subject::Client(_) => false,
    }
}

/// The changes that a node programmed at one time: those of Services, slices and nodes, or those that policies rest on.
fn changes_programmed(story: &Story, programming: &Programming) -> Vec<Number> {
    let first = story.since_revision(programming.from + 1).start;
    let end = story.since_revision(programming.to + 1).start;
    let matters = |number: &Number| {
        story.entry(*number).is_some_and(|entry| {
            let kind = entry.subject.kind().map_or("", |kind| &kind.kind);
            let kinds: &[&str] = match programming.agent {
                Agent::Proxy => &["Service", "EndpointSlice"],
                Agent::Policy => &["NetworkPolicy", "Pod", "Namespace"],
            };
            entry.is_commit() && kinds.contains(&kind)
        })
    };
    (first..end).filter(matters).collect()
}

/// What makes two lines one.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    Done { who: &'static str, verb: Verb, family: (Name, Name, Name), because: Option<Number> },
    Programmed { agent: Agent, because: Option<Number> },
}

fn likeness(told: &Told) -> Option<Likeness> {
    match told {
        Told::Done { members, because } => {
            let (_, entry) = members.first()?;
            let family = match &entry.subject {
                Subject::Object { kind, namespace, name } => {
                    // The pods of one set, and any number of nodes.
                    let stem = match &*kind.kind {
                        "Pod" => name.rsplit_once('-').map_or("", |(stem, _)| stem),
                        "Node" => "",
                        _ => name,
                    };
                    (kind.kind.clone(), namespace.clone(), Name::from(stem))
                }
                // The user's inputs stand for themselves.
                Subject::Proxy(_)
                | Subject::Dns
                | Subject::ApiServer
                | Subject::Link(..)
                | Subject::Load(_)
                | Subject::Client(_) => return None,
            };
            // What the user does is one line each, unless it is the same again and again: connections.
            if matches!(entry.who, Who::You(_)) && entry.verb != Verb::Connected {
                return None;
            }
            let because = because.as_ref().map(|(n, _)| *n);
            Some(Likeness::Done { who: component(&entry.who), verb: entry.verb, family, because })
        }
        Told::Programmed { agent, because, .. } => {
            Some(Likeness::Programmed { agent: *agent, because: because.as_ref().map(|(n, _)| *n) })
        }
    }
}

/// Puts together what says the same of several objects at about the same time.
fn folded(told: Vec<Told>) -> Vec<Told> {
    let mut lines: Vec<Told> = Vec::new();
    let mut open: BTreeMap<Likeness, usize> = BTreeMap::new();
    for line in told {
        let Some(like) = likeness(&line) else {
            lines.push(line);
            continue;
        };
        let known = open.get(&like).and_then(|index| lines.get_mut(*index));
        match (known.filter(|known| line.at().since(known.at()) <= WINDOW), &line) {
            (Some(Told::Done { members, .. }), Told::Done { members: more, .. }) => members.extend(more.iter().cloned()),
            (Some(Told::Programmed { nodes, .. }), Told::Programmed { nodes: more, .. }) => nodes.extend(more.iter().cloned()),
            _ => {
                open.insert(like, lines.len());
                lines.push(line);
            }
        }
    }
    lines
}
