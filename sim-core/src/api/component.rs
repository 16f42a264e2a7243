//! What the components of a cluster send to the API server, and what they leave behind each time they are woken.
//!
//! In a real cluster every component is a client of the API server: it watches, thinks, and writes, and a write may be refused
//! because its view was old. Here a component is woken with a photograph ([`crate::store::View`]), returns a [`Reaction`], and
//! is told later how its writes went. Inside the process a write is a typed change to a record, never an encode and decode.
//! Left out: clients' rate limits (20 requests a second of the controller manager).

use crate::engine::random::Draws;
use crate::engine::time::{Duration, Instant};
use crate::objects::event::Reference;
use crate::objects::time::Timestamp;
use crate::objects::{KindName, Name, Object};

use super::request::Propagation;

/// A change a component asks for.
#[derive(Clone, Debug, Hash)]
pub enum Write {
    /// Store a new object. The server fills in uid, creation time and, from `generateName`, the name.
    Create(Object),
    /// Replace an object whole, status aside; refused with a conflict unless its `meta.revision` is the current one.
    Update(Object),
    /// Replace the status of an object; metadata and spec stay as stored.
    Status {
        /// The object with its new status.
        object: Object,
        /// Refuse with a conflict unless `meta.revision` is the current one; otherwise only the uid must agree.
        checked: bool,
    },
    /// Give a pod its node.
    Bind {
        /// Namespace of the pod.
        namespace: Name,
        /// Name of the pod.
        name: Name,
        /// Uid it must have.
        uid: Option<Name>,
        /// The node.
        node: Name,
    },
    /// Begin or finish a deletion.
    Delete {
        /// Kind of the object.
        kind: KindName,
        /// Its namespace; empty for cluster-scoped kinds.
        namespace: Name,
        /// Its name.
        name: Name,
        /// Uid it must have.
        uid: Option<Name>,
        /// Grace period in seconds; `None` = the object's own.
        grace: Option<i64>,
        /// What happens to its dependents; `None` = Background.
        propagation: Option<Propagation>,
    },
    /// Leave an Event about an object, or count it once more.
    Note(Note),
}

impl Write {
    /// Deletes this very object; see [`Write::Delete`] for `grace` and `propagation`.
    pub fn delete(object: &Object, grace: Option<i64>, propagation: Option<Propagation>) -> Write {
        let meta = object.meta();
        let (namespace, name, uid) = (meta.namespace.clone(), meta.name.clone(), meta.uid.clone());
        Write::Delete { kind: object.kind_name(), namespace, name, uid, grace, propagation }
    }
}

/// An Event to be left.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Note {
    /// The object it is about.
    pub about: Reference,
    /// `Warning`, else `Normal`.
    pub warning: bool,
    /// Machine-readable reason.
    pub reason: &'static str,
    /// Sentence, in the component's own words.
    pub message: String,
    /// The component.
    pub source: &'static str,
    /// Its node; empty for the control plane.
    pub host: Name,
}

/// The moment at which a component is woken, and its dice.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// Simulated time.
    pub now: Instant,
    /// What the cluster's clock showed at the start of the simulation.
    pub start: Timestamp,
    /// Random draws, by name.
    pub draws: Draws,
}

impl Clock {
    /// What the cluster's clock shows.
    pub fn timestamp(&self) -> Timestamp {
        Timestamp::at(self.start, self.now)
    }
}

/// What a component leaves behind: writes on their way to the API server, and timers of its own.
#[derive(Clone, Debug)]
pub struct Reaction<E> {
    /// Writes, each with the time it takes to reach the server and a tag under which the component will be told the result.
    pub writes: Vec<(Duration, Tag, Write)>,
    /// Events of its own, each due after a time.
    pub timers: Vec<(Duration, E)>,
}

/// Names a write to the component that sent it; the meaning is the component's own. 0 = it does not want to hear.
pub type Tag = u64;

impl<E> Default for Reaction<E> {
    fn default() -> Self {
        Reaction { writes: Vec::new(), timers: Vec::new() }
    }
}

impl<E> Reaction<E> {
    /// Adds a write whose result nobody waits for.
    pub fn write(&mut self, after: Duration, write: Write) {
        self.writes.push((after, 0, write));
    }

    /// Adds a timer.
    pub fn timer(&mut self, after: Duration, event: E) {
        self.timers.push((after, event));
    }

    /// The same with its events renamed.
    pub fn map<F>(self, rename: impl Fn(E) -> F) -> Reaction<F> {
        let timers = self.timers.into_iter().map(|(after, event)| (after, rename(event))).collect();
        Reaction { writes: self.writes, timers }
    }
}
