//! What a simulation is made of: a model that handles events, and the context in which it does.
//!
//! The engine knows nothing of the model but this trait. The model moves no clock and keeps no queue: while it handles
//! an event it may look at the time, schedule further events and draw random numbers, all through [`Context`].

use std::hash::Hash;

use super::queue::{EventQueue, Sequence};
use super::random::{Digest, Draws};
use super::time::{Duration, Instant};

/// A simulated world.
///
/// It must be a pure function of its seed, its events and its inputs: no clock, no hash order, no address of
/// memory. `Clone` is how checkpoints are made, so large parts are best kept in structures that share.
pub trait Model: Clone {
    /// What can happen inside the world. `Hash` feeds the history digest. Keep it small (24 bytes); put bulk behind an id.
    type Event: Clone + Hash;
    /// What can be done to the world from outside. Kept in the input log.
    type Input: Clone + Hash;
    /// What the outside is told at once.
    type Reply;

    /// An event happens.
    fn handle(&mut self, event: Self::Event, cx: &mut Context<'_, Self::Event>);

    /// Somebody outside does something.
    fn accept(&mut self, input: Self::Input, cx: &mut Context<'_, Self::Event>) -> Self::Reply;

    /// The name under which such events are counted and listed.
    fn event_kind(event: &Self::Event) -> &'static str;

    /// The name under which such inputs are counted and listed.
    fn input_kind(input: &Self::Input) -> &'static str;

    /// Folds in everything that can influence what happens next, pending events excepted: the engine adds those.
    fn digest_state(&self, digest: &mut Digest);

    /// About how many bytes a copy keeps alive once the world has moved on: what a checkpoint costs.
    fn weight(&self) -> u64 {
        0
    }
}

/// What a model may use while it handles an event or an input.
#[derive(Debug)]
pub struct Context<'a, E> {
    now: Instant,
    step: Sequence,
    draws: Draws,
    queue: &'a mut EventQueue<E>,
    notes: &'a mut Digest,
}

impl<'a, E> Context<'a, E> {
    /// A context for one step. The engine makes these; a test may, to try a component alone.
    pub fn new(now: Instant, step: Sequence, draws: Draws, queue: &'a mut EventQueue<E>, notes: &'a mut Digest) -> Self {
        Context { now, step, draws, queue, notes }
    }

    /// The time.
    #[inline]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The number of the event or input being handled: the cause of whatever is scheduled now.
    #[inline]
    pub fn step(&self) -> Sequence {
        self.step
    }

    /// The run's random numbers.
    #[inline]
    pub fn draws(&self) -> Draws {
        self.draws
    }

    /// Lets `event` happen after `delay`. A delay of zero means later in this instant.
    #[inline]
    pub fn schedule(&mut self, delay: Duration, event: E) -> Sequence {
        self.schedule_at(self.now + delay, event)
    }

    /// Lets `event` happen at `at`, or later in this instant if that has passed.
    #[inline]
    pub fn schedule_at(&mut self, at: Instant, event: E) -> Sequence {
        self.queue.push(at.max(self.now), Some(self.step), event)
    }

    /// Folds a number into the history digest, such as the revision that this step committed.
    #[inline]
    pub fn note(&mut self, number: u64) {
        self.notes.word(number);
    }
}
