//! The work queue: which objects need a look, which are being worked on, and when a failed one is tried again.
//!
//! In a real cluster a queue holds each key once, hands a key to one worker at a time (changes meanwhile mark it dirty), and
//! delays a failed key: 5 ms, doubling. A controller that acts on its own writes before its watch has shown them would act
//! twice; real ones guard themselves with expectations (replica sets), resource versions (deployments) or trackers (slices).
//! We model one guard for all: a key is looked at again when all its writes are answered *and* the controller's photograph
//! shows them. Left out: the overall bucket of 10 retries a second, the number of workers.
//! The real thing: `k8s.io/client-go/util/workqueue`, `pkg/controller/controller_utils.go`.

use imbl::{OrdMap, OrdSet};

use super::Key;
use super::plan::{Plan, Said, Step, Tail};
use crate::api::component::{Note, Tag, Write};
use crate::api::status::Status;
use crate::engine::time::{Duration, Instant};
use crate::objects::Object;
use crate::store::View;

/// How a controller tries failed keys again.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// First wait; doubles.
    pub base: Duration,
    /// Longest wait.
    pub max: Duration,
    /// A key that failed so often is left alone until something about it changes; 0 = never given up.
    pub tries_max: u32,
}

/// The state of one key that is being worked on or has failed.
#[derive(Clone, Debug, Default)]
struct Work {
    /// Looked for again meanwhile.
    dirty: bool,
    /// Writes on their way.
    outstanding: u32,
    /// The photograph must show this revision before the next look.
    needs: u64,
    /// Waves still to be sent.
    rest: Vec<Vec<Step>>,
    /// The first failure of the plan under way.
    failure: Option<Status>,
    /// Failures in a row.
    tries: u32,
}

/// What is to be said of a write when it is answered.
#[derive(Clone, Debug)]
struct Awaited {
    key: Key,
    deletes: bool,
    done: Option<Said>,
    failed: Option<Said>,
}

/// A write on its way, or part of one.
pub type Sent = (Tag, Write);

/// The queue of one controller. Bounded by the number of objects: a key is in it once.
#[derive(Clone, Debug, Default)]
pub struct WorkQueue {
    ready: OrdSet<Key>,
    /// Keys that are wanted and wait for a photograph of this revision: they are not looked at again before it is there.
    blocked: OrdSet<(u64, Key)>,
    later: OrdSet<(Instant, Key)>,
    later_at: OrdMap<Key, Instant>,
    works: OrdMap<Key, Work>,
    sent: OrdMap<Tag, Awaited>,
    next_tag: Tag,
    /// Revisions of its own writes that the photograph does not show yet.
    wrote: OrdSet<u64>,
}

/// What became of an answer.
#[derive(Debug, Default)]
pub struct Answered {
    /// The next wave.
    pub sends: Vec<Sent>,
    /// Events to leave.
    pub notes: Vec<Note>,
    /// The key comes back after this time.
    pub retry: Option<Duration>,
}

impl WorkQueue {
    /// Asks for a look at a key.
    pub fn add(&mut self, key: Key) {
        match self.works.get_mut(&key) {
            Some(work) if work.outstanding > 0 => work.dirty = true,
            _ => {
                self.ready.insert(key);
            }
        }
    }

    /// Asks for a look at a key after `wait`; tells whether a timer is needed.
    pub fn add_after(&mut self, key: Key, now: Instant, wait: Duration) -> bool {
        let due = now + wait;
        if let Some(known) = self.later_at.get(&key).copied() {
            if known <= due && known > now {
                return false;
            }
            self.later.remove(&(known, key.clone()));
        }
        self.later_at.insert(key.clone(), due);
        self.later.insert((due, key)).is_none()
    }

    /// Takes the keys to look at now, in the order of their names, given what the controller sees.
    pub fn take(&mut self, now: Instant, view: &View) -> Vec<Key> {
        while let Some((due, key)) = self.later.get_min().cloned() {
            if due > now {
                break;
            }
            self.later.remove(&(due, key.clone()));
            self.later_at.remove(&key);
            self.add(key);
        }
        while let Some((needs, key)) = self.blocked.get_min().cloned().filter(|(needs, _)| *needs <= view.revision) {
            self.blocked.remove(&(needs, key.clone()));
            self.ready.insert(key);
        }
        let wanted: Vec<Key> = std::mem::take(&mut self.ready).into_iter().collect();
        wanted.into_iter().filter(|key| self.free(key, view)).collect()
    }

    /// Whether a key may be looked at. One that may not stays wanted: for its last answer, or for a younger photograph.
    fn free(&mut self, key: &Key, view: &View) -> bool {
        let Some(work) = self.works.get_mut(key) else { return true };
        if work.outstanding > 0 {
            work.dirty = true;
        } else if work.needs > view.revision {
            self.blocked.insert((work.needs, key.clone()));
        }
        work.outstanding == 0 && work.needs <= view.revision
    }

    /// Whether a revision is a write of its own that was not shown before.
    pub fn wrote(&self, revision: u64) -> bool {
        self.wrote.contains(&revision)
    }

    /// The photograph now shows everything up to `revision`.
    pub fn shown(&mut self, revision: u64) {
        while self.wrote.get_min().is_some_and(|first| *first <= revision) {
            self.wrote.remove_min();
        }
    }

    /// The failure of the last plan for this key, if it failed.
    pub fn failure(&self, key: &Key) -> Option<&Status> {
        self.works.get(key).and_then(|w| w.failure.as_ref())
    }

    /// Starts a plan; returns its first wave.
    pub fn start(&mut self, key: &Key, plan: Plan) -> Vec<Sent> {
        let mut waves = plan.waves;
        if waves.is_empty() {
            if let Some(work) = self.works.get_mut(key) {
                work.failure = None;
                work.tries = 0;
            }
            self.forget_if_idle(key);
            return Vec::new();
        }
        let first = waves.remove(0);
        let mut work = self.works.get(key).cloned().unwrap_or_default();
        work.rest = waves;
        work.failure = None;
        self.works.insert(key.clone(), work);
        self.send(key, first)
    }

    fn send(&mut self, key: &Key, wave: Vec<Step>) -> Vec<Sent> {
        let mut sends = Vec::with_capacity(wave.len());
        let mut outstanding = 0;
        for step in wave {
            // Nobody waits for an Event.
            if matches!(step.write, Write::Note(_)) {
                sends.push((0, step.write));
                continue;
            }
            outstanding += 1;
            self.next_tag += 1;
            let deletes = matches!(step.write, Write::Delete { .. });
            let awaited = Awaited { key: key.clone(), deletes, done: step.done, failed: step.failed };
            self.sent.insert(self.next_tag, awaited);
            sends.push((self.next_tag, step.write));
        }
        if let Some(work) = self.works.get_mut(key) {
            work.outstanding += outstanding;
        }
        if outstanding == 0 {
            sends.extend(self.next_wave(key));
        }
        sends
    }

    fn next_wave(&mut self, key: &Key) -> Vec<Sent> {
        let Some(work) = self.works.get_mut(key).filter(|w| !w.rest.is_empty()) else { return Vec::new() };
        let wave = work.rest.remove(0);
        self.send(key, wave)
    }

    /// Takes note of the answer to a write.
    pub fn answered(&mut self, tag: Tag, result: &Result<Object, Status>, retry: Retry) -> Option<(Key, Answered)> {
        let Awaited { key, deletes, done, failed } = self.sent.remove(&tag)?;
        let mut answer = Answered::default();
        let work = self.works.get_mut(&key)?;
        work.outstanding -= 1;
        match result {
            Ok(object) => {
                work.needs = work.needs.max(object.meta().revision);
                self.wrote.insert(object.meta().revision);
                answer.notes.extend(done.map(|said| said.about(&object.meta().name, "")));
            }
            // What is gone already is as good as deleted.
            Err(status) if deletes && status.reason == "NotFound" => {}
            Err(status) => {
                if status.reason != "Conflict" {
                    answer.notes.extend(failed.map(|said| said.about("", &status.message)));
                }
                work.failure.get_or_insert_with(|| status.clone());
                work.rest.clear();
            }
        }
        if work.outstanding > 0 {
            return Some((key, answer));
        }
        if !work.rest.is_empty() {
            answer.sends = self.next_wave(&key);
            return Some((key, answer));
        }
        if work.failure.is_some() {
            work.tries += 1;
            if retry.tries_max == 0 || work.tries <= retry.tries_max {
                answer.retry = Some(retry.wait(work.tries));
            }
        } else {
            work.tries = 0;
        }
        if std::mem::take(&mut work.dirty) {
            self.ready.insert(key.clone());
        }
        Some((key, answer))
    }

    fn forget_if_idle(&mut self, key: &Key) {
        let idle = |w: &Work| w.outstanding == 0 && w.failure.is_none() && w.tries == 0 && !w.dirty;
        if self.works.get(key).is_some_and(idle) {
            self.works.remove(key);
        }
    }
}

impl Retry {
    /// The wait before try number `tries + 1`.
    pub fn wait(self, tries: u32) -> Duration {
        let doubled = self.base.times(1 << tries.saturating_sub(1).min(40));
        doubled.min(self.max)
    }
}

impl Said {
    fn about(self, name: &str, error: &str) -> Note {
        let mut note = self.note;
        match self.tail {
            Tail::Nothing => {}
            Tail::Name => note.message.push_str(name),
            Tail::Error => note.message.push_str(error),
        }
        note
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::Name;

    #[test]
    fn waits_double_up_to_the_longest() {
        let retry = Retry { base: Duration::from_millis(5), max: Duration::from_secs(1000), tries_max: 15 };
        let waits: Vec<u64> = [1, 2, 3, 15, 60].map(|n| retry.wait(n).as_millis()).into();
        assert_eq!(waits, [5, 10, 20, 81_920, 1_000_000]);
    }

    #[test]
    fn a_key_waits_once_and_for_the_earliest_time() {
        let key = (Name::from("a"), Name::from("b"));
        let (mut queue, view) = (WorkQueue::default(), View::default());
        let at = |s: u64| Instant::START + Duration::from_secs(s);
        assert!(queue.add_after(key.clone(), at(0), Duration::from_secs(5)));
        assert!(!queue.add_after(key.clone(), at(0), Duration::from_secs(9)));
        assert!(queue.add_after(key.clone(), at(0), Duration::from_secs(2)));
        assert!(queue.take(at(1), &view).is_empty());
        assert_eq!(queue.take(at(2), &view), [key]);
        assert!(queue.take(at(9), &view).is_empty());
    }

    #[test]
    fn keys_that_wait_for_a_photograph_are_not_tested_at_each_answer() {
        let key = |n: usize| (Name::from("d"), Name::from(format!("k{n}").as_str()));
        let mut queue = WorkQueue::default();
        for n in 0..1_000 {
            queue.works.insert(key(n), Work { needs: 10 + n as u64, ..Work::default() });
            queue.add(key(n));
        }
        let mut view = View { revision: 5, ..View::default() };
        assert!(queue.take(Instant::START, &view).is_empty());
        assert!(queue.ready.is_empty() && queue.blocked.len() == 1_000, "the next take has none of them to test");
        view.revision = 12;
        assert_eq!(queue.take(Instant::START, &view), [key(0), key(1), key(2)]);
        assert_eq!(queue.blocked.len(), 997);
    }
}
