//! What goes between the components and the API server: who watches, writes on their way, and who is cut off.
//!
//! In a real cluster these are HTTP connections: each component holds watches, and sends its writes as requests. Here a write has a
//! number and arrives after a time; what a watcher sees is a photograph of the store. A node that is cut off keeps the last one it
//! had, and while the API server is away, what needs it waits here. Left out: connections themselves, and their time-outs.

use std::sync::Arc;

use imbl::OrdMap;

use super::Event;
use super::watch::{Watcher, Watchers};
use crate::api::component::{Tag, Write};
use crate::engine::digest::{Digestible, StateDigest};
use crate::engine::time::Instant;
use crate::store::{Store, View};

/// Who sent a write and wants to hear of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Sender {
    Controllers,
    Scheduler,
    Kubelets,
    Proxies,
    Policies,
}

/// Everything that is under way.
#[derive(Clone, Debug)]
pub(super) struct Bus {
    pub watchers: Watchers,
    /// The nodes that do not reach the API server, each with the photograph that its components had when they last did.
    pub cut_off: OrdMap<u32, Arc<View>>,
    /// What waits for the API server to come back. No more than timers were set and writes were sent before.
    pub waiting: Vec<Event>,
    /// Writes on their way, by number.
    travelling: OrdMap<u32, (Sender, Tag, Write)>,
    sent: u32,
    /// The revision up to which watchers have been told.
    pub announced: u64,
    /// The last revision that kube-proxies have to know.
    pub services_changed: u64,
    /// The last revision that network plugins have to know.
    pub policies_changed: u64,
}

impl Bus {
    /// Nothing is under way; all watchers know what is stored up to `announced`.
    pub fn new(watchers: Watchers, announced: u64) -> Bus {
        Bus {
            watchers,
            cut_off: OrdMap::new(),
            waiting: Vec::new(),
            travelling: OrdMap::new(),
            sent: 0,
            announced,
            services_changed: 0,
            policies_changed: 0,
        }
    }

    /// Sends a write; the number under which it will arrive.
    pub fn send(&mut self, sender: Sender, tag: Tag, write: Write) -> u32 {
        self.sent = self.sent.wrapping_add(1);
        self.travelling.insert(self.sent, (sender, tag, write));
        self.sent
    }

    /// A write that is on its way, and whose it is.
    pub fn travelling(&self, number: u32) -> Option<&(Sender, Tag, Write)> {
        self.travelling.get(&number)
    }

    /// A write arrives.
    pub fn arrived(&mut self, number: u32) -> Option<(Sender, Tag, Write)> {
        self.travelling.remove(&number)
    }

    /// Whether a node, by its number, does not reach the API server.
    pub fn is_cut_off(&self, node: u32) -> bool {
        self.cut_off.contains_key(&node)
    }

    /// What a watcher sees: the store as it was one latency ago, or what it last saw before its node was cut off.
    pub fn photograph(&self, store: &Store, watcher: Watcher, now: Instant) -> Arc<View> {
        let last = watcher.node().and_then(|node| self.cut_off.get(&node));
        last.unwrap_or_else(|| store.view_at(now - self.watchers.latency(watcher))).clone()
    }
}

impl Digestible for Bus {
    fn digest(&self, into: &mut StateDigest) {
        let Bus { watchers, cut_off, waiting, travelling, sent, announced, services_changed, policies_changed } = self;
        watchers.digest(into);
        into.parts(cut_off);
        into.list(travelling);
        into.fold(&(waiting, sent, announced, services_changed, policies_changed));
    }
}
