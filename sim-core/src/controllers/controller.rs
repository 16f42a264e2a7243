//! What every controller says of itself: which changes wake which keys, and what it does about one key.
//!
//! In a real cluster a controller sets up informers with event handlers that put keys into its queue, and workers that sync one key
//! at a time. [`super::Controllers`] is the loop; an implementation of [`Controller`] is all that differs.
//! The real thing: any `NewController` below `pkg/controller`, such as `replicaset.NewReplicaSetController`.

use super::work_queue::Retry;
use super::{Key, Plan};
use crate::api::component::{Clock, Write};
use crate::api::status::Status;
use crate::cloud::Balancers;
use crate::engine::digest::Digestible;
use crate::engine::time::{Duration, Instant};
use crate::objects::Object;
use crate::store::{Change, View};

/// What a controller is given when it looks at one key.
pub struct Look<'a> {
    /// Its photograph.
    pub view: &'a View,
    /// The key.
    pub key: &'a Key,
    /// What became of its last plan for this key, if that failed.
    pub failure: Option<&'a Status>,
    /// The moment.
    pub clock: Clock,
    /// The cloud behind it.
    pub cloud: &'a mut Balancers,
}

/// A controller. It writes through its plans only, and knows of the cluster what its photographs show and it remembers of them.
pub trait Controller: Digestible {
    /// Whether a change wakes it; `object` is the object after the change, or before it if it is gone. Events wake nobody.
    fn watches(&self, object: &Object, change: &Change) -> bool;

    /// The keys that a change concerns. `view` shows the change, and perhaps later ones.
    fn keys_of(&mut self, view: &View, change: &Change) -> Vec<Key>;

    /// Every key there is: after the first list, and after each that follows a gap in its watch.
    fn all_keys(&mut self, view: &View) -> Vec<Key>;

    /// What is to be written for one key.
    fn reconcile(&mut self, look: Look<'_>) -> Plan;

    /// How failed keys are tried again.
    fn retry(&self) -> Retry;

    /// Whether what it wrote itself is no reason for it to look again (upstream's slice tracker).
    fn ignores_its_writes(&self) -> bool {
        false
    }

    /// How often it looks at everything beside its keys; `None` = never.
    fn period(&self) -> Option<Duration> {
        None
    }

    /// One such look: the writes, each with the time it takes to reach the server.
    fn pass(&mut self, _view: &View, _clock: Clock) -> Vec<(Duration, Write)> {
        Vec::new()
    }

    /// The API server is back after it was away.
    fn server_is_back(&mut self, _now: Instant) {}
}
