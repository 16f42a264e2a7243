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
use crate::engine::digest::{Digestible, StateDigest};
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

/// The change that a key is looked at for. Among several that were not looked at before, the newest one that asks for something (a
/// spec changed, a key's own object came or is to go) counts, else the newest. The default stands for "no change in particular".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Trigger {
    /// It asks for something: it is no mere report.
    pub asks: bool,
    /// The revision that it made.
    pub revision: u64,
}

impl Retry {
    /// 5 ms, doubling, and never given up: client-go's `DefaultTypedControllerRateLimiter`.
    pub const USUAL: Retry = Retry { base: Duration::from_millis(5), max: Duration::from_secs(1000), tries_max: 0 };
}

/// The state of one key that is being worked on or has failed.
#[derive(Clone, Debug, Default, Hash)]
struct Work {
    /// What the plan under way was made for.
    because: Trigger,
    /// Looked for again meanwhile, and for what.
    dirty: Option<Trigger>,
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
#[derive(Clone, Debug, Hash)]
struct Awaited {
    key: Key,
    because: Trigger,
    deletes: bool,
    done: Option<Said>,
    failed: Option<Said>,
}

/// A write on its way, or part of one.
pub type Sent = (Tag, Write);

/// The queue of one controller. Bounded by the number of objects: a key is in it once.
#[derive(Clone, Debug, Default)]
pub struct WorkQueue {
    ready: OrdMap<Key, Trigger>,
    /// Keys that are wanted and wait for a photograph of this revision: they are not looked at again before it is there.
    blocked: OrdMap<(u64, Key), Trigger>,
    later: OrdSet<(Instant, Key)>,
    later_at: OrdMap<Key, (Instant, Trigger)>,
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
    /// The key comes back after this time, for the reason it had.
    pub retry: Option<(Duration, Trigger)>,
}

impl WorkQueue {
    /// Asks for a look at a key.
    pub fn add(&mut self, key: Key, because: Trigger) {
        match self.works.get_mut(&key) {
            Some(work) if work.outstanding > 0 => work.dirty = work.dirty.max(Some(because)),
            _ => {
                let known = self.ready.entry(key).or_default();
                *known = because.max(*known);
            }
        }
    }

    /// Asks for a look at a key after `wait`; tells whether a timer is needed.
    pub fn add_after(&mut self, key: Key, because: Trigger, now: Instant, wait: Duration) -> bool {
        let due = now + wait;
        if let Some((known, _)) = self.later_at.get(&key).copied() {
            if known <= due && known > now {
                return false;
            }
            self.later.remove(&(known, key.clone()));
        }
        self.later_at.insert(key.clone(), (due, because));
        self.later.insert((due, key)).is_none()
    }

    /// The keys that are to be looked at later, each with the time.
    pub fn later(&self) -> impl Iterator<Item = (&Key, Instant)> {
        self.later_at.iter().map(|(key, (due, _))| (key, *due))
    }

    /// Takes the keys to look at now, in the order of their names, given what the controller sees; each with the reason.
    pub fn take(&mut self, now: Instant, view: &View) -> Vec<(Key, Trigger)> {
        while let Some((due, key)) = self.later.get_min().cloned() {
            if due > now {
                break;
            }
            self.later.remove(&(due, key.clone()));
            let because = self.later_at.remove(&key).map(|(_, because)| because);
            self.add(key, because.unwrap_or_default());
        }
        while let Some((place, because)) = self.blocked.get_min().cloned().filter(|((needs, _), _)| *needs <= view.revision) {
            self.blocked.remove(&place);
            self.add(place.1, because);
        }
        let wanted: Vec<(Key, Trigger)> = std::mem::take(&mut self.ready).into_iter().collect();
        wanted.into_iter().filter(|(key, because)| self.free(key, *because, view)).collect()
    }

    /// Whether a key may be looked at. One that may not stays wanted: for its last answer, or for a younger photograph.
    fn free(&mut self, key: &Key, because: Trigger, view: &View) -> bool {
        let Some(work) = self.works.get_mut(key) else { return true };
        if work.outstanding > 0 {
            work.dirty = work.dirty.max(Some(because));
        } else if work.needs > view.revision {
            let place = (work.needs, key.clone());
            let known = self.blocked.get(&place).copied();
            self.blocked.insert(place, because.max(known.unwrap_or_default()));
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

    /// The change that a write on its way was decided for; 0 where none in particular was.
    pub fn because(&self, tag: Tag) -> Option<u64> {
        self.sent.get(&tag).map(|awaited| awaited.because.revision)
    }

    /// Starts a plan; returns its first wave.
    pub fn start(&mut self, key: &Key, plan: Plan, because: Trigger) -> Vec<Sent> {
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
        (work.failure, work.because) = (None, because);
        self.works.insert(key.clone(), work);
        self.send(key, first)
    }

    fn send(&mut self, key: &Key, wave: Vec<Step>) -> Vec<Sent> {
        let mut sends = Vec::with_capacity(wave.len());
        let mut outstanding = 0;
        let because = self.works.get(key).map(|work| work.because).unwrap_or_default();
        for step in wave {
            // Nobody waits for an Event.
            if matches!(step.write, Write::Note(_)) {
                sends.push((0, step.write));
                continue;
            }
            outstanding += 1;
            self.next_tag += 1;
            let deletes = matches!(step.write, Write::Delete { .. });
            let awaited = Awaited { key: key.clone(), because, deletes, done: step.done, failed: step.failed };
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
        let Awaited { key, because: _, deletes, done, failed } = self.sent.remove(&tag)?;
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
                answer.retry = Some((retry.wait(work.tries), work.because));
            }
        } else {
            work.tries = 0;
        }
        if let Some(because) = work.dirty.take() {
            self.ready.insert(key.clone(), because);
        }
        Some((key, answer))
    }

    fn forget_if_idle(&mut self, key: &Key) {
        let idle = |w: &Work| w.outstanding == 0 && w.failure.is_none() && w.tries == 0 && w.dirty.is_none();
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

impl Digestible for WorkQueue {
    fn digest(&self, into: &mut StateDigest) {
        // When each key is due stands in `later`.
        let WorkQueue { ready, blocked, later, later_at: _, works, sent, next_tag, wrote } = self;
        into.list(ready);
        into.list(blocked);
        into.list(later);
        into.list(works);
        into.list(sent);
        into.fold(next_tag);
        into.list(wrote);
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
        let because = |revision| Trigger { asks: false, revision };
        assert!(queue.add_after(key.clone(), because(1), at(0), Duration::from_secs(5)));
        assert!(!queue.add_after(key.clone(), because(2), at(0), Duration::from_secs(9)));
        assert!(queue.add_after(key.clone(), because(3), at(0), Duration::from_secs(2)));
        assert!(queue.take(at(1), &view).is_empty());
        assert_eq!(queue.take(at(2), &view), [(key, because(3))]);
        assert!(queue.take(at(9), &view).is_empty());
    }

    #[test]
    fn a_change_of_what_is_wanted_counts_more_than_later_reports() {
        let key = (Name::from("a"), Name::from("b"));
        let (mut queue, view) = (WorkQueue::default(), View::default());
        for (asks, revision) in [(false, 4), (true, 5), (false, 6)] {
            queue.add(key.clone(), Trigger { asks, revision });
        }
        assert_eq!(queue.take(Instant::START, &view), [(key, Trigger { asks: true, revision: 5 })]);
    }

    #[test]
    fn the_digest_tells_when_keys_are_due_and_what_is_on_its_way() {
        let key = (Name::from("a"), Name::from("b"));
        let queue = |change: &dyn Fn(&mut WorkQueue)| {
            let mut queue = WorkQueue::default();
            change(&mut queue);
            StateDigest::of(&queue)
        };
        let write = |kind: &str| {
            let object = Object::parse(&serde_json::json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": "a"}}));
            Plan { waves: vec![vec![Write::Create(object).into()]], ..Plan::default() }
        };
        let digests = [
            queue(&|_| {}),
            queue(&|q| q.add(key.clone(), Trigger::default())),
            queue(&|q| assert!(q.add_after(key.clone(), Trigger::default(), Instant::START, Duration::from_secs(1)))),
            queue(&|q| assert!(q.add_after(key.clone(), Trigger::default(), Instant::START, Duration::from_secs(2)))),
            queue(&|q| drop(q.start(&key, write("Pod"), Trigger::default()))),
            queue(&|q| {
                q.start(&key, write("Pod"), Trigger::default());
                q.add(key.clone(), Trigger::default());
            }),
        ];
        assert_eq!(digests.iter().collect::<std::collections::BTreeSet<_>>().len(), digests.len());
    }

    #[test]
    #[allow(clippy::field_reassign_with_default)]
    fn keys_that_wait_for_a_photograph_are_not_tested_at_each_answer() {
        let key = |n: usize| (Name::from("d"), Name::from(format!("k{n}").as_str()));
        let mut queue = WorkQueue::default();
        for n in 0..1_000 {
            queue.works.insert(key(n), Work { needs: 10 + n as u64, ..Work::default() });
            queue.add(key(n), Trigger::default());
        }
        let mut view = View::default();
        view.revision = 5;
        assert!(queue.take(Instant::START, &view).is_empty());
        assert!(queue.ready.is_empty() && queue.blocked.len() == 1_000, "the next take has none of them to test");
        view.revision = 12;
        let taken: Vec<Key> = queue.take(Instant::START, &view).into_iter().map(|(key, _)| key).collect();
        assert_eq!(taken, [key(0), key(1), key(2)]);
        assert_eq!(queue.blocked.len(), 997);
    }
}
