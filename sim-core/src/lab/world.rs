//! The running cluster as programs use it: an API server, a clock, containers, a network.
//!
//! In real life these are the machines that a program reaches. [`crate::lab::simulation::Simulation`] is the one that is shipped; the
//! tests of programs have small ones without a cluster. Time is moved by [`super::tasks::Tasks`] only: a program asks to wait.

use std::cell::RefMut;
use std::fmt;
use std::ops::{Deref, DerefMut};

use crate::api::request::{Answer, Request};
use crate::engine::time::{Duration, Instant};
use crate::explain::origin::Origin;
pub use crate::kubelet::ContainerView;
use crate::lab::simulation::Simulation;
use crate::network::wire::{Connections, Wire};
use crate::objects::time::Timestamp;

/// A budget ran out, or the caller asked to stop, before a command was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// One sentence: which limit, and where the clock stands.
    pub why: String,
    /// The user asked for it (Ctrl-C), no limit did.
    pub interrupted: bool,
}

impl Stopped {
    /// A limit was reached.
    pub fn limit(why: impl Into<String>) -> Stopped {
        Stopped { why: why.into(), interrupted: false }
    }

    /// The exit status of a command that ends so: 124 as `timeout` gives it, 130 as a shell does after Ctrl-C.
    pub fn exit(&self) -> i32 {
        if self.interrupted { 130 } else { 124 }
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

/// The running cluster as programs use it.
pub trait World {
    /// The cluster's clock.
    fn now(&self) -> Timestamp;
    /// Simulated time since the start.
    fn elapsed(&self) -> Instant;
    /// One request to the API server, answered at once; simulated time does not move.
    fn request(&mut self, request: Request) -> Answer;
    /// Whether the API server runs. If not, a client's requests are refused before they are any; see `kubectl`.
    fn api_answers(&self) -> bool {
        true
    }
    /// Revision of the store: changes exactly when an object changed.
    fn revision(&self) -> u64;
    /// A new command begins: its budget is full again.
    fn begin_command(&mut self) {}
    /// Somebody is about to change something: where something is known to lie ahead, that is another history from here on.
    fn about_to_act(&mut self) {}
    /// Moves simulated time by `by`.
    fn advance(&mut self, by: Duration) -> Result<(), Stopped>;
    /// Runs events until `done` says so (asked before the first event and after each one that changed the store), or until
    /// `limit` has passed (the clock then stands at the limit). Tells whether `done` held.
    fn advance_until(&mut self, limit: Duration, done: &mut dyn FnMut(&mut dyn World) -> bool) -> Result<bool, Stopped>;
    /// The container as its runtime shows it; an error text of the kubelet if it is not running.
    fn container(&mut self, namespace: &str, pod: &str, container: &str) -> Result<ContainerView, String>;
    /// What the container has printed, with the moment of each line; `previous` asks for the instance before the last restart.
    fn logs(&mut self, namespace: &str, pod: &str, container: &str, previous: bool) -> Result<Vec<(Timestamp, String)>, String>;
    /// The custom kinds of which objects are stored: `apiVersion` and `kind` of each.
    fn custom_kinds(&self) -> Vec<(String, String)> {
        Vec::new()
    }
    /// The simulation itself, for the simulator's own commands; `None` in a world that is none.
    fn simulation(&mut self) -> Option<&mut Simulation> {
        None
    }
    /// A file says what an object should be; told so that explanations can point there.
    fn written(&mut self, kind: &str, namespace: &str, name: &str, origin: Origin) {
        let _ = (kind, namespace, name, origin);
    }
    /// The network, if this world has one.
    fn wire(&mut self) -> Option<&mut (dyn Wire + 'static)> {
        None
    }
    /// The network as connections go over it, if this world has one.
    fn connections(&mut self) -> Option<&mut (dyn Connections + 'static)> {
        None
    }
}

/// Something of the world, lent for a moment: it has to be given back before the program waits.
pub enum Lent<'w, T: ?Sized> {
    /// By a world with one program in it.
    Owned(&'w mut T),
    /// By a world that several programs share.
    Shared(RefMut<'w, T>),
}

impl<T: ?Sized> Deref for Lent<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        match self {
            Lent::Owned(it) => it,
            Lent::Shared(it) => it,
        }
    }
}

impl<T: ?Sized> DerefMut for Lent<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        match self {
            Lent::Owned(it) => it,
            Lent::Shared(it) => it,
        }
    }
}

impl<'w, T: ?Sized> Lent<'w, T> {
    /// A part of what was lent, if there is one.
    pub fn part<U: ?Sized>(self, of: impl FnOnce(&mut T) -> Option<&mut U>) -> Option<Lent<'w, U>> {
        match self {
            Lent::Owned(it) => of(it).map(Lent::Owned),
            Lent::Shared(it) => RefMut::filter_map(it, of).ok().map(Lent::Shared),
        }
    }
}

/// The cluster, lent to a program.
pub type WorldRef<'w> = Lent<'w, dyn World>;
