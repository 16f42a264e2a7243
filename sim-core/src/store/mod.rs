//! etcd and the watch cache: one revisioned, persistent map, its photographs, and a bounded log of changes.
//!
//! In a real cluster etcd keeps every object under one counter of revisions, and the API server tells watchers what changed
//! since a revision they know. We model the counter, the log with its end ("410 Gone" when a revision has left it), and
//! photographs: what a client whose watch is `L` late sees at `t` is the store as it was at `t - L`. Nothing is written here
//! but through [`crate::api`]. Left out: etcd's own quorum, compaction by time, bookmarks.
//! The real thing: etcd's MVCC store and `k8s.io/apiserver/pkg/storage/cacher`.

mod owned;
mod table;
mod view;

use std::sync::Arc;

use imbl::Vector;

pub use self::owned::{Tally, is_live};
pub use self::table::{ObjectId, Table};
pub use self::view::View;
use crate::engine::digest::{Digestible, StateDigest};
use crate::engine::time::{Duration, Instant};
use crate::objects::Object;
use crate::objects::meta::Version;

/// How many changes the log keeps; a watcher further behind must relist. (A real server's watch cache keeps 100 to 102,400 for
/// each kind, by how many come in 75 s.)
pub const LOG_MAX: usize = 20_000;
/// Photographs older than this are dropped (the youngest of them stays): no watch is later than that, unless it is cut off and
/// keeps its own pointer.
pub const PHOTOGRAPHS_KEPT: Duration = Duration::from_millis(500);

/// What is written within this time is on one photograph, dated by the first of it: a watch may be that much faster than drawn,
/// and a busy cluster keeps a thousand photographs a second, not one for each write.
const EXPOSURE: Duration = Duration::from_millis(1);

/// One write, as the change log remembers it.
#[derive(Clone, Debug)]
pub struct Change {
    /// The revision it made.
    pub revision: u64,
    /// When.
    pub at: Instant,
    /// What it is about.
    pub id: ObjectId,
    /// The object before; `None` if it was created.
    pub before: Option<Object>,
    /// The object after; `None` if it was removed.
    pub after: Option<Object>,
}

/// The log does not reach back to the revision asked for: relist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

/// The store.
#[derive(Clone, Debug, Default)]
pub struct Store {
    head: Arc<View>,
    next_id: u32,
    /// In order of revision; without Events, which no component watches.
    log: Vector<Change>,
    /// The revision of the last change that has left the log.
    forgotten: u64,
    photographs: Vector<(Instant, Arc<View>)>,
}

impl Store {
    /// A store that holds these objects as they are, each a revision of its own, all from the start. Nobody has judged them as
    /// the API would; their names have to differ. For those who look at one photograph and need no cluster around it.
    pub fn holding(objects: impl IntoIterator<Item = Object>) -> Store {
        let mut store = Store::default();
        objects.into_iter().for_each(|object| {
            store.insert(object, Instant::START);
        });
        store
    }

    /// The store as it is now.
    pub fn head(&self) -> &Arc<View> {
        &self.head
    }

    /// The revision of the last write; 0 before the first.
    pub fn revision(&self) -> u64 {
        self.head.revision
    }

    /// The store as it was at `at`, Events aside: the youngest photograph not younger than that, or the oldest there is.
    pub fn view_at(&self, at: Instant) -> &Arc<View> {
        let index = match self.photographs.binary_search_by(|(taken, _)| taken.cmp(&at)) {
            Ok(index) => index,
            Err(index) => index.saturating_sub(1),
        };
        self.photographs.get(index).map_or(&self.head, |(_, view)| view)
    }

    /// The changes after revision `after` up to and including `upto`, oldest first. Events are not among them.
    pub fn changes(&self, after: u64, upto: u64) -> Result<impl Iterator<Item = &Change>, Gone> {
        if after < self.forgotten {
            return Err(Gone);
        }
        let behind = |revision: u64| match self.log.binary_search_by(|change| change.revision.cmp(&revision)) {
            Ok(index) => index + 1,
            Err(index) => index,
        };
        let (from, to) = (behind(after), behind(upto));
        Ok(self.log.focus().narrow(from..to.max(from)).into_iter())
    }

    /// Stores a new object; returns its id and what is stored, with its revision. The caller has made sure that the name is free.
    pub(crate) fn insert(&mut self, object: Object, at: Instant) -> (ObjectId, Object) {
        let id = ObjectId(self.next_id);
        self.next_id += 1;
        // A restored object keeps the version it was given until the first write after that.
        let restored = !matches!(object.meta().version, Version::Store);
        let stored = self.stamped(id, object, restored);
        self.commit(id, None, Some(stored.clone()), at);
        (id, stored)
    }

    /// Replaces an object; returns what is stored, with its revision.
    pub(crate) fn replace(&mut self, id: ObjectId, before: Object, after: Object, at: Instant) -> Object {
        let stored = self.stamped(id, after, false);
        self.commit(id, Some(before), Some(stored.clone()), at);
        stored
    }

    /// Removes an object.
    pub(crate) fn remove(&mut self, id: ObjectId, before: Object, at: Instant) {
        self.commit(id, Some(before), None, at);
    }

    /// An object with its place and the revision that the next write makes. One that nobody else holds is not copied for it.
    fn stamped(&self, id: ObjectId, mut object: Object, keep_version: bool) -> Object {
        let meta = object.meta_mut();
        (meta.slot, meta.revision) = (id.0, self.head.revision + 1);
        if !keep_version {
            meta.version = Version::Store;
        }
        object
    }

    fn commit(&mut self, id: ObjectId, before: Option<Object>, after: Option<Object>, at: Instant) {
        let head = Arc::make_mut(&mut self.head);
        head.apply(id, before.as_ref(), after.as_ref());
        head.revision += 1;
        let revision = head.revision;
        if matches!(before.as_ref().or(after.as_ref()), Some(Object::Event(_))) {
            return;
        }
        self.publish(at);
        self.log.push_back(Change { revision, at, id, before, after });
        if self.log.len() > LOG_MAX
            && let Some(oldest) = self.log.pop_front()
        {
            self.forgotten = oldest.revision;
        }
    }

    fn publish(&mut self, at: Instant) {
        let photograph = Arc::new(self.head.without_events());
        match self.photographs.back_mut() {
            Some((taken, view)) if at.since(*taken) < EXPOSURE => *view = photograph,
            _ => self.photographs.push_back((at, photograph)),
        }
        let horizon = at - PHOTOGRAPHS_KEPT;
        while self.photographs.get(1).is_some_and(|(taken, _)| *taken <= horizon) {
            self.photographs.pop_front();
        }
    }
}

/// Comes first in a digest: photographs that the log reaches back to are known by their revision after it.
impl Digestible for Store {
    fn digest(&self, into: &mut StateDigest) {
        let Store { head, next_id, log, forgotten, photographs } = self;
        head.digest_objects(into);
        into.fold(&(next_id, forgotten));
        for Change { revision, at, id, before, after } in log {
            into.fold(&(revision, at, id));
            for object in [before, after] {
                into.fold(&object.is_some());
                object.iter().for_each(|object| object.digest(into));
            }
        }
        into.fold(&log.len());
        into.versions_known_from(*forgotten);
        into.parts(photographs.iter().map(|(taken, view)| (taken, view)));
    }
}

#[cfg(test)]
mod tests;
