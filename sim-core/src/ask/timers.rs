//! What will happen by itself, and when: `timers`.
//!
//! No real cluster answers this: there the timers are in the memory of a dozen programs. Here each is an event in one queue, and its
//! owner knows what for. What happens again and again (renewed leases, probes, checks) is counted and not listed. A lease that nobody
//! renews has no event of its own, since a real node controller finds it out at one of its looks; when that will be follows.

use std::collections::{BTreeMap, BTreeSet};

use super::story::About;
use crate::api::component::Write;
use crate::cluster::story::{Subject, Who};
use crate::cluster::watch::Watcher;
use crate::cluster::{Cluster, Event};
use crate::controllers::{self, Which};
use crate::engine::run::Engine;
use crate::engine::time::{Duration, Instant};
use crate::kubelet::pending::{Pending, Purpose};
use crate::objects::{Name, Object};
use crate::store::Change;

/// A lease that is this old was not renewed when it should have been: ten seconds, and the way to the API server and back.
const OVERDUE: Duration = Duration::from_millis(10_200);

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// Only what has to do with this object.
    pub about: Option<About>,
    /// At most so many, the next.
    pub most: usize,
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timers {
    /// What happens once, next first.
    pub next: Vec<Timer>,
    /// How many more of these there are.
    pub more: usize,
    /// What happens again and again: how many timers of each kind, and the next.
    pub recurring: Vec<(Housekeeping, usize, Instant)>,
    /// How much waits for the API server to come back.
    pub waiting: usize,
}

/// One or several timers that do the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    /// When the first is due.
    pub at: Instant,
    /// What happens.
    pub due: Due,
    /// To whom; none where `due` says it.
    pub subjects: Vec<Subject>,
}

/// What a timer does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// A watch tells a component of changes.
    Watch(Component),
    /// A write reaches the API server: a component's, of that kind.
    Write(Component, WriteKind),
    /// A controller looks at the subjects again.
    Reconcile(Which),
    /// The scheduler tries the pods that wait.
    Schedule,
    /// The lease of a node runs out, and Ready becomes Unknown.
    LeaseRunsOut,
    /// A pod's time on this node, which is not ready, is over.
    Evict(Name),
    /// A kubelet does something to a pod, or to the named container of it.
    Kubelet(Purpose, Option<Name>),
    /// kube-proxy of the subject programs so many changed Services.
    ProgramServices(usize),
    /// The policy agent of the subject programs its rules.
    ProgramPolicies,
    /// A CoreDNS pod looks at its Corefile.
    ReadCorefile,
    /// What a CoreDNS pod keeps for a name is no longer valid.
    CacheEnds(Name),
}

/// Who is told something, or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Component {
    Controller(Which),
    Scheduler,
    Kubelet,
    Proxy,
    Policy,
}

/// What a write does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum WriteKind {
    Create,
    Update,
    Status,
    Bind,
    Delete,
}

/// What happens again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Housekeeping {
    /// Kubelets renew their node's lease.
    Leases,
    /// The node lifecycle controller looks at all nodes.
    NodeMonitor,
    /// Kubelets probe containers.
    Probes,
    /// Balancers check their targets.
    BalancerChecks,
    /// Loads send requests, and their requests go on.
    Loads,
    /// Events are left, or counted up.
    Events,
}

/// What one event comes to.
enum Meaning {
    Once(Due, Vec<Subject>),
    Again(Housekeeping),
    Nothing,
}

/// Answers the question.
pub fn timers(engine: &Engine<Cluster>, question: &Question) -> Timers {
    let cluster = engine.model();
    let mut once: BTreeMap<(Instant, Due), Vec<Subject>> = BTreeMap::new();
    let mut first: BTreeMap<Due, Instant> = BTreeMap::new();
    let mut recurring: BTreeMap<Housekeeping, (usize, Instant)> = BTreeMap::new();
    let (mut monitor, mut changed) = (None, BTreeMap::new());
    for scheduled in engine.pending() {
        match meaning(cluster, &scheduled.event, &mut changed) {
            Meaning::Nothing => {}
            Meaning::Again(what) => {
                recurring.entry(what).or_insert((0, scheduled.at)).0 += 1;
                if what == Housekeeping::NodeMonitor {
                    monitor.get_or_insert(scheduled.at);
                }
            }
            Meaning::Once(due, subjects) => {
                // What many nodes do alike stands together with the first of them.
                let at = if shared(&due) { *first.entry(due.clone()).or_insert(scheduled.at) } else { scheduled.at };
                once.entry((at, due)).or_default().extend(subjects);
            }
        }
    }
    for (at, due, subject) in expected(cluster, engine.now(), monitor, question) {
        once.entry((at, due)).or_default().push(subject);
    }
    let mut next: Vec<Timer> = once.into_iter().map(|((at, due), subjects)| Timer { at, due, subjects }).collect();
    if let Some(about) = &question.about {
        let concerns = |subject: &Subject| super::story::concerns(cluster, subject, about);
        let of_node = |due: &Due| matches!(due, Due::Evict(node) if concerns(&node_subject(node)));
        next.retain(|timer| of_node(&timer.due) || timer.subjects.iter().any(concerns));
        recurring.clear();
    }
    let more = next.len().saturating_sub(question.most);
    next.truncate(question.most);
    let recurring = recurring.into_iter().map(|(what, (count, at))| (what, count, at)).collect();
    Timers { next, more, recurring, waiting: cluster.waiting() }
}

/// Whether such timers of several nodes are told in one line.
fn shared(due: &Due) -> bool {
    match due {
        Due::Watch(_) | Due::ProgramServices(_) | Due::ProgramPolicies => true,
        Due::Write(..)
        | Due::Reconcile(_)
        | Due::Schedule
        | Due::LeaseRunsOut
        | Due::Evict(_)
        | Due::Kubelet(..)
        | Due::ReadCorefile
        | Due::CacheEnds(_) => false,
    }
}

fn meaning(cluster: &Cluster, event: &Event, changed: &mut BTreeMap<u64, usize>) -> Meaning {
    let node = |number: u32| cluster.config.nodes.get(number as usize).map(|n| node_subject(&n.name)).into_iter().collect();
    match event {
        Event::Watch(watcher) => {
            let (component, number) = match watcher {
                Watcher::Controller(which) => (Component::Controller(*which), None),
                Watcher::Scheduler => (Component::Scheduler, None),
                Watcher::Kubelet(number) => (Component::Kubelet, Some(*number)),
                Watcher::Proxy(number) => (Component::Proxy, Some(*number)),
                Watcher::Policy(number) => (Component::Policy, Some(*number)),
            };
            Meaning::Once(Due::Watch(component), number.map(node).unwrap_or_default())
        }
        Event::Arrive(id) => arriving(cluster, *id),
        Event::Controllers(controllers::Event::Pass(_)) => Meaning::Again(Housekeeping::NodeMonitor),
        // What a controller will look at again is told by key, and its evictions pod by pod.
        Event::Controllers(controllers::Event::Due(_)) => Meaning::Nothing,
        Event::Scheduler(_) => Meaning::Once(Due::Schedule, Vec::new()),
        Event::Kubelet(event) => match cluster.kubelets.pending(*event) {
            None => Meaning::Nothing,
            Some(Pending { purpose: Purpose::RenewLease, .. }) => Meaning::Again(Housekeeping::Leases),
            Some(Pending { purpose: Purpose::Probe(_), .. }) => Meaning::Again(Housekeeping::Probes),
            Some(Pending { node, pod, container, purpose }) => {
                let subject = pod.map_or(node_subject(&node), |(namespace, name)| Subject::core("Pod", &namespace, &name));
                Meaning::Once(Due::Kubelet(purpose, container), vec![subject])
            }
        },
        Event::Proxy(event) => {
            let from = cluster.proxies.programmed_revision(event.node()).unwrap_or(0);
            // Many nodes have programmed the same.
            let count = *changed.entry(from).or_insert_with(|| changed_services(cluster, from));
            Meaning::Once(Due::ProgramServices(count), node(event.node()))
        }
        Event::Policy(event) => Meaning::Once(Due::ProgramPolicies, node(event.node())),
        Event::Balancer(_) => Meaning::Again(Housekeeping::BalancerChecks),
        Event::Traffic(_) => Meaning::Again(Housekeeping::Loads),
        Event::Dns(id) => {
            let pod = cluster.store.head().pods.by_id(*id);
            pod.map_or(Meaning::Nothing, |pod| {
                Meaning::Once(Due::ReadCorefile, vec![Subject::core("Pod", &pod.meta.namespace, &pod.meta.name)])
            })
        }
    }
}

/// A write on its way.
fn arriving(cluster: &Cluster, id: u32) -> Meaning {
    let Some((who, write)) = cluster.travelling(id) else { return Meaning::Nothing };
    let component = match who {
        Who::Controller(which) => Component::Controller(which),
        Who::TaintEviction => Component::Controller(Which::NodeLifecycle),
        Who::Scheduler => Component::Scheduler,
        Who::Kubelet(_) => Component::Kubelet,
        Who::Proxy(_) => Component::Proxy,
        Who::Policy(_) => Component::Policy,
        Who::You(_) | Who::Dns | Who::Balancer => return Meaning::Nothing,
    };
    let (kind, subject) = match write {
        Write::Note(_) => return Meaning::Again(Housekeeping::Events),
        Write::Update(Object::Lease(_)) => return Meaning::Again(Housekeeping::Leases),
        Write::Create(object) => (WriteKind::Create, new_subject(object)),
        Write::Update(object) => (WriteKind::Update, Subject::of(object)),
        Write::Status { object, .. } => (WriteKind::Status, Subject::of(object)),
        Write::Bind { namespace, name, .. } => (WriteKind::Bind, Subject::core("Pod", namespace, name)),
        Write::Delete { kind, namespace, name, .. } => {
            (WriteKind::Delete, Subject::Object { kind: kind.clone(), namespace: namespace.clone(), name: name.clone() })
        }
    };
    Meaning::Once(Due::Write(component, kind), vec![subject])
}

/// An object whose name the server is to make up is known by its beginning.
fn new_subject(object: &Object) -> Subject {
    let meta = object.meta();
    let name = if meta.name.is_empty() { meta.generate_name.clone().unwrap_or_default() } else { meta.name.clone() };
    Subject::Object { kind: object.kind_name(), namespace: meta.namespace.clone(), name }
}

fn node_subject(name: &str) -> Subject {
    Subject::core("Node", &Name::default(), &name.into())
}

/// The kind of object that a controller's keys name.
fn kind_of_keys(which: Which) -> &'static str {
    match which {
        Which::Deployment => "Deployment",
        Which::ReplicaSet => "ReplicaSet",
        Which::EndpointSlice | Which::Endpoints | Which::ServiceLb => "Service",
        Which::EndpointSliceMirroring => "Endpoints",
        Which::NodeLifecycle => "Node",
        Which::Garbage => "Object",
        Which::Namespace => "Namespace",
        Which::PodGc => "Pod",
    }
}

/// How many Services have changed since a revision, themselves or by their endpoints.
fn changed_services(cluster: &Cluster, from: u64) -> usize {
    let Ok(changes) = cluster.store.changes(from, cluster.store.revision()) else { return 0 };
    let of = |change: &Change| match change.after.as_ref().or(change.before.as_ref()) {
        Some(Object::Service(service)) => Some((service.meta.namespace.clone(), service.meta.name.clone())),
        Some(Object::EndpointSlice(slice)) => Some((slice.meta.namespace.clone(), slice.service()?.into())),
        _ => None,
    };
    changes.filter_map(of).collect::<BTreeSet<_>>().len()
}

/// What follows from the state without an event of its own: leases that run out, pods that are evicted, answers that grow old.
fn expected(cluster: &Cluster, now: Instant, monitor: Option<Instant>, question: &Question) -> Vec<(Instant, Due, Subject)> {
    let mut list = Vec::new();
    if let Some(monitor) = monitor.filter(|_| cluster.faults.api_up()) {
        for node in cluster.store.head().nodes.iter() {
            let name = &node.meta.name;
            let asked = question.about.as_ref().is_some_and(|about| &*about.kind.kind == "Node" && about.name == *name);
            let unknown = node.conditions.iter().any(|c| &*c.kind == "Ready" && &*c.status == "Unknown");
            let Some(heard) = cluster.controllers.heard_of(name).filter(|_| !unknown) else { continue };
            if asked || now.since(heard) > OVERDUE {
                list.push((controllers::found_silent_at(heard, monitor), Due::LeaseRunsOut, node_subject(name)));
            }
        }
    }
    // The node lifecycle looks at a node again when a pod is to go.
    for which in cluster.controllers.enabled().filter(|which| *which != Which::NodeLifecycle) {
        let kind = kind_of_keys(which);
        let keys = cluster.controllers.later(which);
        list.extend(keys.map(|((namespace, name), at)| (at, Due::Reconcile(which), Subject::core(kind, namespace, name))));
    }
    for ((namespace, name), at) in cluster.controllers.evictions() {
        let node = cluster.store.head().pods.get(namespace, name).and_then(|pod| pod.node.clone());
        list.push((at, Due::Evict(node.unwrap_or_default()), Subject::core("Pod", namespace, name)));
    }
    for (namespace, pod, name, at) in cluster.dns_caches(now) {
        list.push((at, Due::CacheEnds(name), Subject::core("Pod", &namespace, &pod)));
    }
    list
}
