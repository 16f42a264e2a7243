//! The event queue: what happens next, in the order (time, tie, sequence).
//!
//! Nothing in a real cluster corresponds to it; it stands for the fact that things take time.
//!
//! **Order.** Earlier times first. Events of one instant run in the order in which they were scheduled
//! ([`Ties::Scheduled`]), or in an order drawn from a seed ([`Ties::Shuffled`]): an outcome that depends on that order
//! hangs on an accident, and shuffling finds it out. The tie of an event is a hash of its sequence number, so it
//! is recomputed where it matters and never stored.
//!
//! **Structure.** A ladder of buckets, after the radix heap (Ahuja, Mehlhorn, Orlin, Tarjan 1990) and the ladder queue
//! (Tang, Goh, Thng 2005). Write times in base 64. An event lies at the level of the highest digit in which its time
//! differs from `base`, in the bucket of that digit: 11 levels of 64 buckets, one bitmap word a level. When the sorted
//! `run` at the front is used up, the first bucket that holds anything is either sorted into the run (few events, or
//! one instant only) or spread over the levels below it. An event is moved a handful of times in its life, always in
//! sequence through memory.
//!
//! Events scheduled at or before `base` come too late for the buckets and go to a small heap beside the run. A burst
//! of them moves `base` back to the present, so the heap stays small unless a single instant is itself large.
//!
//! **Left out**: cancelling. A stale timer finds nothing to do; a time-out that is usually refreshed keeps its
//! deadline in its owner and is scheduled again when it fires early.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::mem;
use std::num::NonZeroU64;

use super::random::mix;
use super::time::Instant;

/// The number of a step: events and inputs are counted together, from 1, in the order in which they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(NonZeroU64);

impl Sequence {
    /// The number of the first step.
    pub const FIRST: Sequence = Sequence(NonZeroU64::MIN);

    /// The number itself.
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    fn next(self) -> Sequence {
        Sequence(self.0.checked_add(1).expect("invariant: fewer than 2^64 steps"))
    }
}

/// Who comes first among the events of one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ties {
    /// First scheduled, first run.
    #[default]
    Scheduled,
    /// An order drawn from this number.
    Shuffled(u64),
}

impl Ties {
    #[inline]
    fn of(self, sequence: Sequence) -> u64 {
        match self {
            Ties::Scheduled => 0,
            Ties::Shuffled(salt) => mix(salt ^ mix(sequence.get())),
        }
    }
}

/// An event with its place in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheduled<E> {
    /// When it happens.
    pub at: Instant,
    /// Its number.
    pub sequence: Sequence,
    /// The step during which it was scheduled; none for what was there from the start.
    pub cause: Option<Sequence>,
    /// What happens.
    pub event: E,
}

impl<E> Scheduled<E> {
    #[inline]
    fn key(&self, ties: Ties) -> Key {
        (self.at, ties.of(self.sequence), self.sequence)
    }

    /// The same order as that of [`Scheduled::key`] without ties, compared in one go.
    #[inline]
    fn key_as_scheduled(&self) -> u128 {
        (u128::from(self.at.as_nanos()) << 64) | u128::from(self.sequence.get())
    }
}

type Key = (Instant, u64, Sequence);

/// Bits in one digit of a time.
const DIGIT: u32 = 6;
/// Buckets in a level: one for each value of a digit.
const WIDTH: usize = 1 << DIGIT;
/// Digits in a 64-bit time.
const LEVELS: usize = 64_usize.div_ceil(DIGIT as usize);
/// A bucket with at most so many events is sorted, a fuller one is spread.
const SORTED_MAX: usize = 32;
/// So many latecomers move `base` back to the present.
const LATE_MAX: usize = 64;
/// Emptied buckets whose memory is kept for the next one, and the largest that is worth keeping.
const SPARE_MAX: usize = 64;
const SPARE_CAPACITY_MAX: usize = 256;

/// Pending events. Grows with what the model schedules; a clone costs one copy of the pending events.
#[derive(Clone, Debug)]
pub struct EventQueue<E> {
    ties: Ties,
    len: usize,
    next: Sequence,
    /// The front, latest first, so that the next event is popped off the end.
    run: Vec<Scheduled<E>>,
    /// Events at or before `base` that were scheduled after the run was made.
    late: BinaryHeap<Latecomer<E>>,
    /// How many were scheduled too late since `base` last moved.
    too_late: usize,
    /// Run and latecomers are at or before it, every bucket is after it. Digits are compared with its.
    base: u64,
    /// Time of the latest event popped so far.
    present: u64,
    /// `LEVELS` x `WIDTH`, each in the order of scheduling; an empty bucket owns no memory.
    buckets: Vec<Vec<Scheduled<E>>>,
    /// For each level, which of its buckets hold anything.
    occupied: [u64; LEVELS],
    spare: Vec<Vec<Scheduled<E>>>,
}

impl<E> EventQueue<E> {
    /// An empty queue.
    pub fn new(ties: Ties) -> Self {
        EventQueue {
            ties,
            len: 0,
            next: Sequence::FIRST,
            run: Vec::new(),
            late: BinaryHeap::new(),
            too_late: 0,
            base: 0,
            present: 0,
            buckets: (0..LEVELS * WIDTH).map(|_| Vec::new()).collect(),
            occupied: [0; LEVELS],
            spare: Vec::new(),
        }
    }

    /// How many events are pending.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is pending.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The next number, taken for a step that is not a scheduled event (an input).
    pub(super) fn take_sequence(&mut self) -> Sequence {
        let sequence = self.next;
        self.next = sequence.next();
        sequence
    }

    /// Adds an event; returns its number.
    #[inline]
    pub fn push(&mut self, at: Instant, cause: Option<Sequence>, event: E) -> Sequence {
        let sequence = self.take_sequence();
        let scheduled = Scheduled { at, sequence, cause, event };
        self.len += 1;
        if self.len == 1 {
            self.base = at.as_nanos();
            self.run.push(scheduled);
            return sequence;
        }
        self.place(scheduled);
        if at.as_nanos() <= self.base {
            self.too_late += 1;
            if self.too_late > LATE_MAX && self.base > self.present {
                self.reopen();
            }
        }
        sequence
    }

    /// When the next event happens.
    pub fn next_at(&mut self) -> Option<Instant> {
        self.fill();
        let run = self.run.last().map(|s| s.at);
        let late = self.late.peek().map(|l| l.key.0.0);
        run.into_iter().chain(late).min()
    }

    /// Takes the next event.
    #[inline]
    pub fn pop(&mut self) -> Option<Scheduled<E>> {
        self.pop_until(Instant::FAR_FUTURE)
    }

    /// Takes the next event unless it happens after `limit`.
    #[inline]
    pub fn pop_until(&mut self, limit: Instant) -> Option<Scheduled<E>> {
        self.fill();
        let from_late = match (self.run.last(), self.late.peek()) {
            (Some(run), Some(late)) => late.key.0 < run.key(self.ties),
            (None, Some(_)) => true,
            (_, None) => false,
        };
        let at = if from_late { self.late.peek()?.key.0.0 } else { self.run.last()?.at };
        if at > limit {
            return None;
        }
        self.len -= 1;
        self.present = self.present.max(at.as_nanos());
        if from_late { self.late.pop().map(|l| l.scheduled) } else { self.run.pop() }
    }

    /// Every pending event, in the order in which they will happen. For digests and for display; sorts, so not for the loop.
    pub fn pending(&self) -> Vec<&Scheduled<E>> {
        let late = self.late.iter().map(|l| &l.scheduled);
        let mut all: Vec<_> = self.run.iter().chain(late).chain(self.buckets.iter().flatten()).collect();
        all.sort_unstable_by_key(|s| s.key(self.ties));
        all
    }

    #[inline]
    fn place(&mut self, scheduled: Scheduled<E>) {
        let time = scheduled.at.as_nanos();
        if time <= self.base {
            let key = Reverse(scheduled.key(self.ties));
            self.late.push(Latecomer { key, scheduled });
            return;
        }
        let level = (time ^ self.base).ilog2() / DIGIT;
        let digit = (time >> (level * DIGIT)) as usize % WIDTH;
        self.occupied[level as usize] |= 1 << digit;
        let bucket = &mut self.buckets[level as usize * WIDTH + digit];
        if bucket.capacity() == 0
            && let Some(memory) = self.spare.pop()
        {
            *bucket = memory;
        }
        bucket.push(scheduled);
    }

    /// Makes sure that the next event, if there is one, is in the run or among the latecomers.
    #[inline]
    fn fill(&mut self) {
        while self.run.is_empty() && self.late.is_empty() {
            let Some(level) = self.occupied.iter().position(|&word| word != 0) else { return };
            let digit = self.occupied[level].trailing_zeros() as usize;
            let bucket = self.take_bucket(level, digit);
            if level == 0 || bucket.len() <= SORTED_MAX {
                self.promote(bucket);
            } else {
                self.spread(bucket, level as u32);
            }
        }
    }

    fn take_bucket(&mut self, level: usize, digit: usize) -> Vec<Scheduled<E>> {
        self.occupied[level] &= !(1 << digit);
        mem::take(&mut self.buckets[level * WIDTH + digit])
    }

    /// Makes a bucket the run. `base` moves to its last event: the digits above the bucket's level are those of the old base,
    /// and the levels below are empty, so every other event keeps its place.
    fn promote(&mut self, mut bucket: Vec<Scheduled<E>>) {
        if bucket.len() > 1 {
            match self.ties {
                Ties::Scheduled => bucket.sort_unstable_by_key(|s| Reverse(s.key_as_scheduled())),
                ties => bucket.sort_unstable_by_key(|s| Reverse(s.key(ties))),
            }
        }
        self.base = bucket.first().map_or(self.base, |latest| latest.at.as_nanos());
        self.too_late = 0;
        mem::swap(&mut self.run, &mut bucket);
        self.retire(bucket);
    }

    /// Deals a bucket out over the levels below its own. `base` moves to the bucket's first instant.
    fn spread(&mut self, mut bucket: Vec<Scheduled<E>>, level: u32) {
        if let Some(any) = bucket.first() {
            let below = (1 << (level * DIGIT)) - 1;
            self.base = any.at.as_nanos() & !below;
        }
        for scheduled in bucket.drain(..) {
            self.place(scheduled);
        }
        self.retire(bucket);
    }

    /// Moves `base` back to the present, so that what is scheduled next finds buckets again.
    ///
    /// Buckets below the level at which the two bases differ are lifted to that level first; then run and latecomers are dealt
    /// out. Each call is paid for by `LATE_MAX` pushes, and lifts an event at most once a level before time reaches it.
    fn reopen(&mut self) {
        let levels = ((self.base ^ self.present).ilog2() / DIGIT) as usize;
        self.base = self.present;
        self.too_late = 0;
        for level in 0..levels {
            while self.occupied[level] != 0 {
                let digit = self.occupied[level].trailing_zeros() as usize;
                let mut bucket = self.take_bucket(level, digit);
                bucket.drain(..).for_each(|scheduled| self.place(scheduled));
                self.retire(bucket);
            }
        }
        let run = mem::take(&mut self.run);
        let late = mem::take(&mut self.late).into_vec();
        for scheduled in run.into_iter().chain(late.into_iter().map(|l| l.scheduled)) {
            self.place(scheduled);
        }
    }

    fn retire(&mut self, empty: Vec<Scheduled<E>>) {
        if (1..=SPARE_CAPACITY_MAX).contains(&empty.capacity()) && self.spare.len() < SPARE_MAX {
            self.spare.push(empty);
        }
    }
}

/// A heap entry, smallest key first; compared by key alone.
#[derive(Clone, Debug)]
struct Latecomer<E> {
    key: Reverse<Key>,
    scheduled: Scheduled<E>,
}

impl<E> Ord for Latecomer<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}
impl<E> PartialOrd for Latecomer<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<E> PartialEq for Latecomer<E> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}
impl<E> Eq for Latecomer<E> {}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
