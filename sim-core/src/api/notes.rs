//! Events: stored, counted up when they repeat, and dropped after an hour.
//!
//! In a real cluster each component's recorder correlates before it writes, and etcd expires what is older than the server's
//! `--event-ttl`. What recorders do before is in [`super::recorder`].
//! The real thing: client-go `tools/record/events_cache.go`.

use super::component::{Clock, Note};
use super::server::ApiServer;
use crate::engine::time::Duration;
use crate::objects::Object;
use crate::objects::event::Event;
use crate::objects::meta::Meta;
use crate::store::Store;

/// Most events that may still be counted up (the recorder's cache).
const COUNTED_MAX: usize = 4096;
/// Most events stored; the oldest go first.
const STORED_MAX: usize = 10_000;
/// How long an event is kept.
const TIME_TO_LIVE: Duration = Duration::from_secs(3600);

impl ApiServer {
    /// Stores a note as an Event, or counts the Event that says the same. What the recorder swallows is counted, but not stored.
    pub(super) fn note(&mut self, store: &mut Store, mut note: Note, clock: Clock) -> Object {
        self.expire(store, clock);
        let said = self.recorder.combine(&mut note, clock.now);
        let swallowed = self.recorder.swallows(&note, clock.now);
        if self.notes.len() >= COUNTED_MAX {
            self.notes.clear();
        }
        let (known, count) = self.notes.get(&said).copied().unwrap_or_default();
        let count = count + 1;
        if swallowed {
            self.notes.insert(said, (known, count));
            return Object::Event(self.new_event(note, clock).into());
        }
        let swallowed_before = known.is_none();
        let known = known.and_then(|id| Some((id, store.head().events.by_id(id)?.clone())));
        if let Some((id, old)) = known.filter(|(_, event)| event.about == note.about && *event.reason == *note.reason) {
            self.notes.insert(said, (Some(id), count));
            let mut event = (*old).clone();
            (event.count, event.last) = (count, Some(clock.timestamp().whole_seconds()));
            if *event.message != *note.message {
                event.message = note.message.into();
            }
            return store.replace(id, Object::Event(old), Object::Event(event.into()), clock.now);
        }
        // What was said before and stored nowhere was swallowed, and counts.
        let mut event = self.new_event(note, clock);
        let counted = if swallowed_before { count } else { 1 };
        event.count = counted;
        let (id, stored) = store.insert(Object::Event(event.into()), clock.now);
        self.notes.insert(said, (Some(id), counted));
        self.event_order.push_back(id);
        stored
    }

    fn new_event(&mut self, note: Note, clock: Clock) -> Event {
        let now = clock.timestamp();
        // Two events about one object in the same instant differ by the serial, as two nanoseconds would.
        self.serial += 1;
        let stamp = now.unix_nanos() as u64 + self.serial % 1000;
        let namespace = if note.about.namespace.is_empty() { "default" } else { &*note.about.namespace };
        let mut meta = Meta::named(namespace, &format!("{}.{stamp:x}", note.about.name));
        meta.uid = Some(self.new_uid(clock));
        meta.created = Some(now.whole_seconds());
        Event {
            meta,
            about: note.about,
            warning: note.warning,
            reason: note.reason.into(),
            message: note.message.into(),
            source: note.source.into(),
            host: note.host,
            first: Some(now.whole_seconds()),
            last: Some(now.whole_seconds()),
            count: 1,
            given: None,
        }
    }

    /// Removes what is older than an hour, or one too many.
    fn expire(&mut self, store: &mut Store, clock: Clock) {
        while let Some(id) = self.event_order.front().copied() {
            let Some(event) = store.head().events.by_id(id).cloned() else {
                self.event_order.pop_front();
                continue;
            };
            let age = event.last.map_or(0, |last| clock.timestamp().nanos_since(last));
            let old = age > TIME_TO_LIVE.as_nanos() as i64;
            if !old && self.event_order.len() <= STORED_MAX {
                return;
            }
            self.event_order.pop_front();
            store.remove(id, Object::Event(event), clock.now);
        }
    }
}
