//! Events: stored, counted up when they repeat, and dropped after an hour.
//!
//! In a real cluster each component's recorder correlates before it writes, and etcd expires what is older than the server's
//! `--event-ttl`. Left out: aggregation of ten similar messages into one, the spam filter of 25 a source.
//! The real thing: client-go `tools/record/events_cache.go`.

use super::component::{Clock, Note};
use super::server::ApiServer;
use crate::engine::time::Duration;
use crate::objects::event::{Event, Reference};
use crate::objects::meta::Meta;
use crate::objects::{KindName, Name, Object};
use crate::store::Store;

/// What makes two notes the same: object, reason, text and speaker.
pub(super) type Said = (Reference, Name, Name, Name);

/// Most events that may still be counted up (the recorder's cache).
const COUNTED_MAX: usize = 4096;
/// Most events stored; the oldest go first.
const STORED_MAX: usize = 20_000;
/// How long an event is kept.
const TIME_TO_LIVE: Duration = Duration::from_secs(3600);

impl ApiServer {
    /// Stores a note as an Event, or counts the Event that says the same.
    pub(super) fn note(&mut self, store: &mut Store, note: Note, clock: Clock) -> Object {
        self.expire(store, clock);
        let said = (note.about.clone(), Name::from(note.reason), Name::from(note.message.as_str()), Name::from(note.source));
        let known = self.notes.get(&said).and_then(|(ns, name)| store.head().find(&event_kind(), ns, name));
        if let Some((id, Object::Event(old))) = known {
            let mut event = (*old).clone();
            (event.count, event.last) = (event.count + 1, Some(clock.timestamp().whole_seconds()));
            return store.replace(id, Object::Event(old), Object::Event(event.into()), clock.now);
        }
        let event = self.new_event(note, clock);
        if self.notes.len() >= COUNTED_MAX {
            self.notes.clear();
        }
        let key = (event.meta.namespace.clone(), event.meta.name.clone());
        self.notes.insert(said, key.clone());
        self.event_order.push_back(key);
        store.insert(Object::Event(event.into()), clock.now).1
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
        while let Some((namespace, name)) = self.event_order.front().cloned() {
            let found = store.head().find(&event_kind(), &namespace, &name);
            let Some((id, Object::Event(event))) = found else {
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

fn event_kind() -> KindName {
    KindName { group: "".into(), kind: "Event".into() }
}
