//! Who is told of changes, and how late.
//!
//! In a real cluster each component holds watches that deliver changes a few milliseconds after the commit. Here a commit wakes
//! each interested component once, after its latency; when it wakes it looks at a photograph exactly that old. Changes in the
//! meantime add nothing but one more waking (level-triggered). The latency of a watcher is drawn once, by name.
//! Left out: a watch that breaks and relists (a component that is cut off keeps its old photograph instead).

use crate::controllers::Which;
use crate::engine::digest::{Digestible, StateDigest};
use crate::engine::random::Draws;
use crate::engine::time::{Duration, Instant};

/// A component that watches the API server; nodes are numbered as configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Watcher {
    /// One controller of the controller manager (or the cloud's).
    Controller(Which),
    /// The scheduler.
    Scheduler,
    /// The kubelet of a node.
    Kubelet(u32),
    /// kube-proxy of a node.
    Proxy(u32),
    /// The network plugin's agent of a node.
    Policy(u32),
}

impl Watcher {
    /// The number of the node it runs on; `None` for the control plane.
    pub fn node(&self) -> Option<u32> {
        match self {
            Watcher::Kubelet(node) | Watcher::Proxy(node) | Watcher::Policy(node) => Some(*node),
            Watcher::Controller(_) | Watcher::Scheduler => None,
        }
    }
}

/// How late a watch is, at least and at most (facts: watch delivery 5-50 ms).
const LATENCY: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(50));

/// One watcher's state.
#[derive(Clone, Copy, Debug, Hash)]
struct State {
    watcher: Watcher,
    latency: Duration,
    /// A waking is scheduled.
    pending: bool,
    /// When something it watches last changed.
    changed: Instant,
}

/// All watchers of a cluster.
#[derive(Clone, Debug, Default)]
pub struct Watchers(Vec<State>);

impl Watchers {
    /// Watchers in a fixed order.
    pub fn new(watchers: impl Iterator<Item = Watcher>, draws: Draws) -> Self {
        let mut states: Vec<State> = watchers
            .map(|watcher| {
                let latency = draws.keyed("watch/latency", watcher).duration(LATENCY.0, LATENCY.1);
                State { watcher, latency, pending: false, changed: Instant::START }
            })
            .collect();
        states.sort_by_key(|s| s.watcher);
        Watchers(states)
    }

    fn state(&mut self, watcher: Watcher) -> Option<&mut State> {
        let at = self.0.binary_search_by_key(&watcher, |s| s.watcher).ok()?;
        self.0.get_mut(at)
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = Watcher> + '_ {
        self.0.iter().map(|s| s.watcher)
    }

    /// How late `watcher` sees things; zero for one that does not exist.
    pub fn latency(&self, watcher: Watcher) -> Duration {
        let at = self.0.binary_search_by_key(&watcher, |s| s.watcher).ok();
        at.map_or(Duration::ZERO, |at| self.0[at].latency)
    }

    /// Something `watcher` watches changed at `now`: after which time it is to be woken, unless that is arranged already.
    pub fn changed(&mut self, watcher: Watcher, now: Instant) -> Option<Duration> {
        let state = self.state(watcher)?;
        state.changed = now;
        if state.pending {
            return None;
        }
        state.pending = true;
        Some(state.latency)
    }

    /// `watcher` was woken at `now`: after which time it is to be woken again because more has changed since its photograph.
    pub fn woken(&mut self, watcher: Watcher, now: Instant) -> Option<Duration> {
        let state = self.state(watcher)?;
        state.pending = state.changed + state.latency > now;
        state.pending.then(|| (state.changed + state.latency).since(now))
    }
}

impl Digestible for Watchers {
    fn digest(&self, into: &mut StateDigest) {
        let Watchers(states) = self;
        into.list(states);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::random::Seed;

    #[test]
    fn a_change_wakes_once_and_a_later_one_once_more() {
        let mut watchers = Watchers::new([Watcher::Scheduler].into_iter(), Draws::new(Seed(1)));
        let latency = watchers.latency(Watcher::Scheduler);
        let at = |n: u64| Instant::START + Duration::from_millis(n);
        assert_eq!(watchers.changed(Watcher::Scheduler, at(100)), Some(latency));
        assert_eq!(watchers.changed(Watcher::Scheduler, at(102)), None);
        assert_eq!(watchers.woken(Watcher::Scheduler, at(100) + latency), Some(Duration::from_millis(2)));
        assert_eq!(watchers.woken(Watcher::Scheduler, at(102) + latency), None);
        assert_eq!(watchers.changed(Watcher::Kubelet(9), at(1)), None, "nobody of that name");
    }
}
