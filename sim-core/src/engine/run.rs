//! The run loop: take the next event, move the clock, hand it over, write it down.
//!
//! This is the only place in which simulated time moves. Every run has a [`Budget`], so that a model which keeps itself busy
//! for ever ends with an answer instead of a hang.

use std::fmt;
use std::hash::Hash;

use super::journal::{Entry, Journal};
use super::model::{Context, Model};
use super::queue::{EventQueue, Scheduled, Sequence, Ties};
use super::random::{Digest, Draws, Seed};
use super::time::{Duration, Instant};

/// The caller's wish to stop is asked for once in so many events.
const ASK_EVERY: u64 = 1024;

/// What one command may use up. It can serve several runs; what one of them used is gone for the next.
pub struct Budget<'a> {
    events: u64,
    time: Duration,
    deadline: Option<Instant>,
    stop: Option<&'a dyn Fn() -> bool>,
}

impl<'a> Budget<'a> {
    /// At most `events` events and `time` of simulated time, counted from the first run it is used for.
    pub const fn new(events: u64, time: Duration) -> Self {
        Budget { events, time, deadline: None, stop: None }
    }

    /// No limit at all: for tests and measurements of models known to end.
    pub const fn unlimited() -> Self {
        Budget::new(u64::MAX, Duration::from_nanos(u64::MAX))
    }

    /// Stops also when `stop` answers true; asked every thousand events or so.
    pub fn or_when(self, stop: &'a dyn Fn() -> bool) -> Self {
        Budget { stop: Some(stop), ..self }
    }

    /// Events that may still be handled.
    pub const fn events_left(&self) -> u64 {
        self.events
    }

    /// The instant at which the time is used up, for a run that begins at `now`.
    pub(super) fn deadline(&mut self, now: Instant) -> Instant {
        *self.deadline.get_or_insert(now + self.time)
    }

    fn interrupted(&self) -> bool {
        self.stop.is_some_and(|stop| stop())
    }
}

impl fmt::Debug for Budget<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("events", &self.events)
            .field("time", &self.time)
            .field("deadline", &self.deadline)
            .finish()
    }
}

/// Why a run came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The time asked for; everything due by then has happened.
    Reached,
    /// Nothing is pending, and no time was asked for. The clock stands at the last event.
    Idle,
    /// The caller's condition holds.
    Satisfied,
    /// The budget's events are used up, and another event is due.
    OutOfEvents,
    /// The budget's time is used up. The clock stands at that limit.
    OutOfTime,
    /// The caller wished to stop.
    Interrupted,
}

/// A point in a history: a time, and how many steps were taken by then. One instant may hold many steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// What the clock shows.
    pub at: Instant,
    /// Events and inputs handled since the start.
    pub steps: u64,
}

/// Two numbers by which runs are compared. They print as 16 hexadecimal digits each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digests {
    /// What is: the time, the model's state, everything pending, and the seed.
    pub state: u64,
    /// How it came about: every step since the start.
    pub history: u64,
}

impl fmt::Display for Digests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "state {:016x} history {:016x}", self.state, self.history)
    }
}

/// A model, its pending events, its clock and its journal. A clone goes its own way from here.
#[derive(Clone, Debug)]
pub struct Engine<M: Model> {
    model: M,
    queue: EventQueue<M::Event>,
    now: Instant,
    steps: u64,
    draws: Draws,
    journal: Journal,
    counts: Counts,
}

impl<M: Model> Engine<M> {
    /// A model at the start of time, with nothing pending: the first input sets it going.
    pub fn new(model: M, seed: Seed, ties: Ties) -> Self {
        Engine {
            model,
            queue: EventQueue::new(ties),
            now: Instant::START,
            steps: 0,
            draws: Draws::new(seed),
            journal: Journal::default(),
            counts: Counts::default(),
        }
    }

    /// The model, to look at.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// The time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Where this run stands in its history.
    pub fn position(&self) -> Position {
        Position { at: self.now, steps: self.steps }
    }

    /// The random numbers of this run, for what looks on from beside it.
    pub fn draws(&self) -> Draws {
        self.draws
    }

    /// What happened.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// How many events and inputs of each kind were handled, by name.
    pub fn counts(&self) -> Vec<(&'static str, u64)> {
        self.counts.by_name()
    }

    /// Everything pending, in the order in which it will happen. Sorts: for display, not for the loop.
    pub fn pending(&self) -> Vec<&Scheduled<M::Event>> {
        self.queue.pending()
    }

    /// How many events are pending.
    pub fn pending_len(&self) -> usize {
        self.queue.len()
    }

    /// When the next event is due.
    pub fn next_at(&mut self) -> Option<Instant> {
        self.queue.next_at()
    }

    /// Both digests. Walks the whole state: for checkpoints and questions, not for the loop.
    pub fn digests(&self) -> Digests {
        // Numbers of steps, the journal and the counts say how it came about.
        let Engine { model, queue, now, steps: _, draws, journal, counts: _ } = self;
        let mut state = Digest::new();
        state.word(now.as_nanos());
        draws.seed().hash(&mut state);
        model.digest_state(&mut state);
        for scheduled in queue.pending() {
            state.word(scheduled.at.as_nanos());
            scheduled.event.hash(&mut state);
        }
        Digests { state: state.value(), history: journal.history() }
    }

    /// Does something to the world, now.
    pub fn input(&mut self, input: M::Input) -> M::Reply {
        let sequence = self.queue.take_sequence();
        let kind = M::input_kind(&input);
        self.begin(Entry { at: self.now, sequence, cause: None, kind }, &input);
        let (model, mut cx) = self.context(sequence);
        model.accept(input, &mut cx)
    }

    /// Handles the next event, whenever it is due. False if nothing is pending.
    pub fn step(&mut self) -> bool {
        let next = self.queue.pop();
        let some = next.is_some();
        next.into_iter().for_each(|scheduled| self.handle(scheduled));
        some
    }

    /// Handles everything due by `until`, then sets the clock to it.
    pub fn run_until(&mut self, until: Instant, budget: &mut Budget<'_>) -> Stop {
        self.run(until, budget, |_| false)
    }

    /// Like [`Engine::run_until`], but stops as soon as `done` holds, which is asked after each event.
    /// With [`Instant::FAR_FUTURE`] it runs until nothing is pending.
    pub fn run(&mut self, until: Instant, budget: &mut Budget<'_>, mut done: impl FnMut(&Self) -> bool) -> Stop {
        let deadline = budget.deadline(self.now);
        let limit = until.min(deadline);
        loop {
            if budget.events == 0 && self.queue.next_at().is_some_and(|at| at <= limit) {
                return Stop::OutOfEvents;
            }
            let Some(scheduled) = self.queue.pop_until(limit) else { break };
            budget.events -= 1;
            self.handle(scheduled);
            if done(self) {
                return Stop::Satisfied;
            }
            if self.steps.is_multiple_of(ASK_EVERY) && budget.interrupted() {
                return Stop::Interrupted;
            }
        }
        if self.queue.is_empty() && until == Instant::FAR_FUTURE {
            return Stop::Idle;
        }
        self.pass_to(limit);
        if deadline < until { Stop::OutOfTime } else { Stop::Reached }
    }

    /// Lets time pass up to `at` without an event. Nothing that is pending may be due before.
    pub(super) fn pass_to(&mut self, at: Instant) {
        self.now = self.now.max(at);
    }

    fn handle(&mut self, scheduled: Scheduled<M::Event>) {
        let Scheduled { at, sequence, cause, event } = scheduled;
        self.now = at;
        self.begin(Entry { at, sequence, cause, kind: M::event_kind(&event) }, &event);
        let (model, mut cx) = self.context(sequence);
        model.handle(event, &mut cx);
    }

    #[inline]
    fn begin(&mut self, entry: Entry, content: &impl Hash) {
        self.steps += 1;
        self.counts.add(entry.kind);
        self.journal.record(entry, |digest| content.hash(digest));
    }

    #[inline]
    fn context(&mut self, step: Sequence) -> (&mut M, Context<'_, M::Event>) {
        (&mut self.model, Context::new(self.now, step, self.draws, &mut self.queue, self.journal.notes()))
    }
}

/// A counter for each kind; there are as many as the model has names.
#[derive(Clone, Debug, Default)]
struct Counts(Vec<(&'static str, u64)>);

impl Counts {
    /// Names are string literals, so that comparing addresses nearly always decides; frequent ones move to the front.
    #[inline]
    fn add(&mut self, kind: &'static str) {
        match self.0.iter().position(|&(name, _)| std::ptr::eq(name, kind)) {
            Some(0) => self.0[0].1 += 1,
            Some(place) => {
                self.0[place].1 += 1;
                if self.0[place].1 > self.0[place - 1].1 {
                    self.0.swap(place, place - 1);
                }
            }
            None => self.add_by_text(kind),
        }
    }

    /// The compiler may keep one literal at two addresses.
    fn add_by_text(&mut self, kind: &'static str) {
        match self.0.iter_mut().find(|(name, _)| *name == kind) {
            Some((_, count)) => *count += 1,
            None => self.0.push((kind, 1)),
        }
    }

    fn by_name(&self) -> Vec<(&'static str, u64)> {
        let mut counts = self.0.clone();
        counts.sort_unstable();
        counts
    }
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
