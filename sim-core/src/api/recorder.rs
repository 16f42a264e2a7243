//! What recorders of Events do before anything is written: ten similar messages become one, and who says too much is not heard.
//!
//! In a real cluster every component has its own recorder, with caches of 4096 entries; here one memory serves all, by who speaks.
//! The scheduler and kube-proxy write through the newer events API, which does neither. Of the messages that a recorder compares
//! with, it forgets an arbitrary one when there are ten; here that is the newest.
//! The real thing: client-go `tools/record/events_cache.go`, `EventAggregator` and `EventSourceObjectSpamFilter`.

use imbl::{OrdMap, OrdSet};

use super::component::Note;
use crate::engine::digest::{Digestible, StateDigest};
use crate::engine::random::Digest;
use crate::engine::time::{Duration, Instant};

/// What the message of many begins with.
pub(super) const COMBINED: &str = "(combined from similar events): ";
/// So many different messages about one thing are too many.
const SIMILAR_MAX: usize = 10;
/// Messages further apart than this are not compared.
const SIMILAR_FOR: Duration = Duration::from_secs(600);
/// So many Events of one component about one object are let through at once,
const BURST: u64 = 25;
/// and one more each time this has passed.
const REFILL: Duration = Duration::from_secs(300);
/// Most entries of each memory.
const REMEMBERED_MAX: usize = 4096;
/// Components that use the newer events API.
const NEWER: [&str; 2] = ["default-scheduler", "kube-proxy"];

/// The memory of all recorders.
#[derive(Clone, Debug, Default)]
pub(super) struct Recorder {
    /// By what they are about: the messages seen, and when the last one was.
    similar: OrdMap<u64, (OrdSet<u64>, Instant)>,
    /// By speaker and object: until when what was let through is paid for.
    paid: OrdMap<u64, Instant>,
}

impl Recorder {
    /// Turns the note into one that stands for many, if there are many like it. Returns what makes it the same as another one.
    pub(super) fn combine(&mut self, note: &mut Note, now: Instant) -> u64 {
        let thing = Digest::of(&(&note.about, note.reason, note.warning, note.source, &note.host));
        let said = Digest::of(&(thing, &note.message));
        if NEWER.contains(&note.source) {
            return said;
        }
        make_room(&mut self.similar);
        let (messages, last) = self.similar.entry(thing).or_insert_with(|| (OrdSet::new(), now));
        if now.since(*last) > SIMILAR_FOR {
            messages.clear();
        }
        *last = now;
        if messages.contains(&said) || messages.len() + 1 < SIMILAR_MAX {
            messages.insert(said);
            return said;
        }
        note.message.insert_str(0, COMBINED);
        thing
    }

    /// Whether the note is one too many of its speaker about its object.
    pub(super) fn swallows(&mut self, note: &Note, now: Instant) -> bool {
        if NEWER.contains(&note.source) {
            return false;
        }
        make_room(&mut self.paid);
        let about = &note.about;
        let object = (&about.api_version, &about.kind, &about.namespace, &about.name, &about.uid);
        let paid = self.paid.entry(Digest::of(&(object, note.source, &note.host))).or_insert(now);
        let from = (*paid).max(now);
        if from.since(now) + REFILL > REFILL.times(BURST) {
            return true;
        }
        *paid = from + REFILL;
        false
    }
}

fn make_room<V: Clone>(memory: &mut OrdMap<u64, V>) {
    if memory.len() >= REMEMBERED_MAX {
        memory.clear();
    }
}

impl Digestible for Recorder {
    fn digest(&self, into: &mut StateDigest) {
        let Recorder { similar, paid } = self;
        for (thing, (messages, last)) in similar {
            into.fold(&(thing, last));
            into.list(messages);
        }
        into.fold(&similar.len());
        into.list(paid);
    }
}
