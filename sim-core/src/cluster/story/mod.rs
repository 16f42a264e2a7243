//! The story of a cluster: who did what to which object, what changed by that, and because of what.
//!
//! A real cluster keeps no such record; one pieces it together from logs, Events and the times in objects. Here each commit to the
//! store becomes an [`Entry`] at the one place that knows the object before and after (`tell`); beside those there are entries for
//! what is no commit: a container that starts, a fault, a connection of the user's. What nodes program (kube-proxy's rules, network
//! policies) is kept apart as [`Programming`], because a large cluster does it thousands of times for one change. Renewed leases are
//! left out: an entry each ten seconds and node would push out everything else.
//!
//! **Causes.** An entry names the entry that led to it, and so back to an input of the user. For a controller's write that is the
//! change for which it looked at the object ([`crate::controllers::Controllers::because`]); for a kubelet's or the scheduler's it is
//! what last happened to the pod; for the node lifecycle's look at all nodes it is what last happened to the node. The chain ends at
//! an input, at what was there from the start, or where the record ends.
//!
//! The story is history and no state: no component reads it, and it is no part of the digest of the state.

pub mod delta;
mod tell;

use std::net::IpAddr;

use imbl::OrdMap;

use self::delta::Delta;
pub(super) use self::tell::Writer;
use super::traffic;
use crate::controllers::Which;
use crate::engine::pages::Pages;
use crate::engine::queue::Sequence;
use crate::engine::time::Instant;
use crate::objects::{KindName, Name, Object};
use crate::store::ObjectId;

/// The number of an entry: from 0, in the order in which things happened.
pub type Number = u64;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Instant,
    /// The engine's step in which it happened.
    pub step: Sequence,
    /// The store's revision then; for a commit the one that it made.
    pub revision: u64,
    /// Who did it.
    pub who: Who,
    /// What it was done to.
    pub subject: Subject,
    /// What was done.
    pub verb: Verb,
    /// What is different now, as far as it is worth a word.
    pub changes: Box<[Delta]>,
    /// The entry that led to it; `None` for inputs, and where it is not known.
    pub cause: Option<Number>,
}

/// Who does things.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// The user, with what the tool calls itself (`kubectl-scale`); empty where it does not say.
    You(Name),
    /// A controller.
    Controller(Which),
    /// The part of the node lifecycle that evicts pods, which is a controller of its own in a real cluster.
    TaintEviction,
    /// kube-scheduler.
    Scheduler,
    /// The kubelet of that node.
    Kubelet(Name),
    /// kube-proxy of that node.
    Proxy(Name),
    /// The network plugin's agent of that node.
    Policy(Name),
    /// A CoreDNS pod.
    Dns,
    /// The cloud's balancer.
    Balancer,
}

/// What something is done to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// An object of the API.
    Object {
        /// Its kind.
        kind: KindName,
        /// Its namespace; empty for cluster-scoped kinds.
        namespace: Name,
        /// Its name.
        name: Name,
    },
    /// kube-proxy of a node.
    Proxy(Name),
    /// All CoreDNS servers.
    Dns,
    /// The API server.
    ApiServer,
    /// The link between two stations.
    Link(Name, Name),
    /// A load; without a name all of them.
    Load(Option<Name>),
    /// A client outside the cluster, with its address if one was given.
    Client(Option<IpAddr>),
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// An object is new.
    Created,
    /// An object is another, in a way that no other verb says.
    Changed,
    /// Another number of replicas is wanted.
    Scaled,
    /// A pod has a node.
    Bound,
    /// The scheduler finds no node for a pod.
    Unplaced,
    /// A container runs, or a load begins.
    Started,
    /// A container has ended, or a load was stopped.
    Ended,
    /// The condition Ready became True, or a balancer's target healthy.
    BecameReady,
    /// The condition Ready is no longer True, or a target no longer healthy.
    BecameNotReady,
    /// Deletion was asked for; the object is still there.
    Marked,
    /// A pod was asked to go, because of its node.
    Evicted,
    /// An object is gone.
    Deleted,
    /// Something broke.
    Failed,
    /// It works again.
    Healed,
    /// A connection was tried.
    Connected,
    /// A server has read its configuration again.
    Reloaded,
}

/// A node's agent has programmed its kernel by another photograph of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Programming {
    /// When.
    pub at: Instant,
    /// The engine's step.
    pub step: Sequence,
    /// The number of the node.
    pub node: u32,
    /// Whose rules they are.
    pub agent: Agent,
    /// The revision that was programmed before.
    pub from: u64,
    /// The revision that is programmed now.
    pub to: u64,
}

/// Who programs a node's kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Agent {
    /// kube-proxy: Services.
    Proxy,
    /// The network plugin: policies.
    Policy,
}

/// The last entries, and what new ones are to be linked with. Bounded by [`crate::engine::pages::KEPT_MAX`] entries and as many
/// programmings, a page of each more, and one number for each stored object.
#[derive(Clone, Debug, Default)]
pub struct Story {
    entries: Pages<Entry>,
    programmed: Pages<Programming>,
    /// What last happened to each stored object; mere changes of it aside.
    latest: OrdMap<ObjectId, Number>,
    /// Who makes the commits of the step under way.
    writer: Writer,
}

impl Story {
    /// The entries that are kept with their numbers, oldest first.
    pub fn entries(&self) -> impl Iterator<Item = (Number, &Entry)> {
        self.entries.numbered()
    }

    /// An entry by its number, if it is kept.
    pub fn entry(&self, number: Number) -> Option<&Entry> {
        self.entries.get(number)
    }

    /// How many entries were written since the start; the last have the numbers before this.
    pub fn written(&self) -> Number {
        self.entries.next_number()
    }

    /// What nodes have programmed, oldest first.
    pub fn programmed(&self) -> impl DoubleEndedIterator<Item = &Programming> {
        self.programmed.iter()
    }

    /// The numbers of the entries from the first whose revision is at least `revision`.
    pub fn since_revision(&self, revision: u64) -> std::ops::Range<Number> {
        self.entries.partition_point(|entry| entry.revision >= revision)..self.entries.next_number()
    }

    /// The entry of the commit that made a revision, if it is kept (and was worth one).
    pub fn of_revision(&self, revision: u64) -> Option<Number> {
        let first = self.since_revision(revision).start;
        let is_it = |entry: &Entry| entry.revision == revision && entry.is_commit();
        self.entries.get(first).is_some_and(is_it).then_some(first)
    }

    /// An entry and what led to it, latest first; ends at an input or where the record does.
    pub fn causes(&self, number: Number) -> impl Iterator<Item = (Number, &Entry)> {
        let mut next = Some(number);
        std::iter::from_fn(move || {
            let number = next?;
            let entry = self.entries.get(number)?;
            next = entry.cause;
            Some((number, entry))
        })
    }

    fn push(&mut self, entry: Entry) -> Number {
        let number = self.entries.next_number();
        self.entries.push(entry);
        number
    }
}

impl Entry {
    /// Whether it tells of a commit to the store.
    pub fn is_commit(&self) -> bool {
        use Verb::{BecameNotReady, BecameReady, Connected, Failed, Healed, Reloaded, Started};
        let of_balancer = self.who == Who::Balancer && matches!(self.verb, BecameReady | BecameNotReady);
        !of_balancer && !matches!(self.verb, Failed | Healed | Connected | Reloaded | Started) && self.subject.kind().is_some()
    }
}

impl Subject {
    /// An object.
    pub fn of(object: &Object) -> Subject {
        let meta = object.meta();
        Subject::Object { kind: object.kind_name(), namespace: meta.namespace.clone(), name: meta.name.clone() }
    }

    /// An object of the core group.
    pub fn core(kind: &str, namespace: &Name, name: &Name) -> Subject {
        let kind = KindName { group: Name::default(), kind: kind.into() };
        Subject::Object { kind, namespace: namespace.clone(), name: name.clone() }
    }

    /// The kind of an object.
    pub fn kind(&self) -> Option<&KindName> {
        match self {
            Subject::Object { kind, .. } => Some(kind),
            Subject::Proxy(_) | Subject::Dns | Subject::ApiServer | Subject::Link(..) | Subject::Load(_) | Subject::Client(_) => {
                None
            }
        }
    }

    /// The load that an order is about.
    fn of_order(order: &traffic::Order) -> Subject {
        match order {
            traffic::Order::Start(plan) => Subject::Load(Some(plan.name.clone())),
            traffic::Order::Stop(name) => Subject::Load(name.clone()),
        }
    }
}
