//! Time travel: checkpoints, the log of inputs, and running again from the nearest.
//!
//! A run is a function of its seed and of what was done to it, so the past need not be kept: a copy here and there,
//! and the inputs, are enough to be anywhere again, step for step and digest for digest. An input is logged with its
//! [`Position`], not only its time, since it happens between two events even where several share the instant.
//!
//! **The future stays.** After going back, the inputs that were given later still lie ahead, and running forward meets
//! them again. A new input chooses another future: what lay ahead is cut off. To keep both, [`Timeline::fork`] first.
//!
//! **Checkpoints** are clones that share what the model's structures share. They are spaced by work and by weight: one is taken
//! after [`Spacing::events`] events, so that a step back in a small world runs few of them again, and later in a heavy world, whose
//! copy costs as much as many events ([`Spacing::gap`]). At most [`Spacing::kept`] are kept, fewer of a heavy world, and they are
//! thinned so that the distance between neighbours grows with their age: the recent past is near, and the distant past costs a
//! proportional wait. The one just taken is never the one that is dropped, or a world that is run again from its past would take
//! one at each event.

use std::sync::Arc;

use super::model::Model;
use super::run::{Budget, Digests, Engine, Position, Stop};
use super::time::{Duration, Instant};

/// So many inputs are logged; the next is refused.
pub const INPUTS_MAX: usize = 1_000_000;

/// How densely checkpoints are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spacing {
    /// Fewest events between two checkpoints, at least 1.
    pub events: u64,
    /// How many are kept besides the start, at least 2.
    pub kept: usize,
    /// What they may weigh together; there are two at least, whatever they weigh.
    pub bytes: u64,
}

impl Default for Spacing {
    /// Going back a little costs a thousand events in a small world, some ten milliseconds, and at most as many as take about as
    /// long as a copy in a large one.
    fn default() -> Self {
        Spacing { events: 1_000, kept: 128, bytes: 128 << 20 }
    }
}

/// So many bytes of weight space checkpoints by one event more: what a copy of them costs, once the world has moved on, compares
/// with handling an event.
const BYTES_PER_EVENT: u64 = 1_600;

impl Spacing {
    /// Events between two checkpoints of a world of this weight.
    pub fn gap(&self, weight: u64) -> u64 {
        self.events.max(weight / BYTES_PER_EVENT)
    }
}

/// The input log is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this run has taken {INPUTS_MAX} inputs and keeps no more; start a new one")]
pub struct LogFull;

/// An input, and where in the history it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged<I> {
    /// The clock and the number of steps before it.
    pub position: Position,
    /// What was done.
    pub input: I,
}

/// An engine that remembers enough to be anywhere in its history.
#[derive(Clone)]
pub struct Timeline<M: Model> {
    engine: Engine<M>,
    spacing: Spacing,
    /// In order of position; the first is the start. At most `spacing.kept` + 1.
    checkpoints: Vec<Arc<Engine<M>>>,
    /// In order of position. At most [`INPUTS_MAX`].
    log: Vec<Logged<M::Input>>,
    /// Inputs before this index lie in the past.
    done: usize,
}

impl<M: Model> Timeline<M> {
    /// A history that begins with this engine as it is.
    pub fn new(engine: Engine<M>, spacing: Spacing) -> Self {
        let spacing = Spacing { events: spacing.events.max(1), kept: spacing.kept.max(2), ..spacing };
        Timeline { checkpoints: vec![Arc::new(engine.clone())], engine, spacing, log: Vec::new(), done: 0 }
    }

    /// The present.
    pub fn engine(&self) -> &Engine<M> {
        &self.engine
    }

    /// The model as it is now.
    pub fn model(&self) -> &M {
        self.engine.model()
    }

    /// The time.
    pub fn now(&self) -> Instant {
        self.engine.now()
    }

    /// Where in the history the present is.
    pub fn position(&self) -> Position {
        self.engine.position()
    }

    /// Both digests of the present.
    pub fn digests(&self) -> Digests {
        self.engine.digests()
    }

    /// Every input known, those that lie ahead included.
    pub fn inputs(&self) -> &[Logged<M::Input>] {
        &self.log
    }

    /// The inputs that lie ahead, after going back.
    pub fn ahead(&self) -> &[Logged<M::Input>] {
        &self.log[self.done..]
    }

    /// Positions of the checkpoints, oldest first.
    pub fn checkpoints(&self) -> impl Iterator<Item = Position> {
        self.checkpoints.iter().map(|c| c.position())
    }

    /// Does something to the world, now. Whatever lay ahead is cut off.
    pub fn input(&mut self, input: M::Input) -> Result<M::Reply, LogFull> {
        if self.done >= INPUTS_MAX {
            return Err(LogFull);
        }
        self.cut();
        self.log.push(Logged { position: self.position(), input: input.clone() });
        self.done += 1;
        Ok(self.engine.input(input))
    }

    /// Forgets what lies ahead.
    pub fn cut(&mut self) {
        let position = self.position();
        self.log.truncate(self.done);
        self.checkpoints.retain(|c| c.position() <= position);
    }

    /// Runs to `until`, and meets the inputs that lie ahead on the way.
    pub fn run_until(&mut self, until: Instant, budget: &mut Budget<'_>) -> Stop {
        self.run(until, budget, |_| false)
    }

    /// Like [`Engine::run`]: `done` is asked after each event, and [`Instant::FAR_FUTURE`] runs until nothing is pending.
    pub fn run(&mut self, until: Instant, budget: &mut Budget<'_>, done: impl FnMut(&Engine<M>) -> bool) -> Stop {
        self.run_to(Position { at: until, steps: u64::MAX }, budget, done)
    }

    /// Runs to the end of the instant `to`, back or forward: everything known to happen by then has happened.
    pub fn seek(&mut self, to: Instant, budget: &mut Budget<'_>) -> Stop {
        self.seek_position(Position { at: to, steps: u64::MAX }, budget)
    }

    /// Goes back by `by`, or to the start if there is not as much past.
    pub fn rewind(&mut self, by: Duration, budget: &mut Budget<'_>) -> Stop {
        self.seek(self.now() - by, budget)
    }

    /// Goes to where [`Timeline::position`] once was, which may lie within an instant. Of a position that never was,
    /// the time or the number of steps is reached, whichever comes first.
    pub fn seek_position(&mut self, to: Position, budget: &mut Budget<'_>) -> Stop {
        // Counted from here, so that going back costs no simulated time.
        budget.deadline(self.now());
        let after = self.checkpoints.partition_point(|c| c.position() <= to);
        // The first is the start; whoever asks for a time before it gets the start.
        let nearest = &self.checkpoints[after.saturating_sub(1)];
        let here = self.position();
        if to < here || here < nearest.position() {
            let steps = nearest.position().steps;
            self.engine = Engine::clone(nearest);
            self.done = self.log.partition_point(|logged| logged.position.steps < steps);
        }
        self.run_to(to, budget, |_| false)
    }

    /// Another history that begins with this one: the same past, the same inputs ahead. Checkpoints are shared.
    pub fn fork(&self) -> Timeline<M> {
        self.clone()
    }

    /// Forward: run the engine up to the next input or checkpoint, deal with that, and so on.
    fn run_to(&mut self, to: Position, budget: &mut Budget<'_>, mut done: impl FnMut(&Engine<M>) -> bool) -> Stop {
        let limit = to.at.min(budget.deadline(self.now()));
        loop {
            self.keep();
            if self.position().steps >= to.steps {
                self.pass_quietly_to(limit);
                return Stop::Reached;
            }
            if let Some(input) = self.due(limit) {
                self.engine.input(input);
                continue;
            }
            let mark = self.next_mark().min(to.steps);
            let mut satisfied = false;
            let stop = self.engine.run(to.at, budget, |engine| {
                satisfied = done(engine);
                satisfied || engine.position().steps >= mark
            });
            match stop {
                Stop::Satisfied if !satisfied => {}
                // The world is at rest, and the next input lies beyond the budget.
                Stop::Idle if !self.ahead().is_empty() => {
                    self.engine.pass_to(limit);
                    return Stop::OutOfTime;
                }
                stop => return stop,
            }
        }
    }

    /// The next input ahead, if its turn has come; the clock is then set to its time.
    fn due(&mut self, limit: Instant) -> Option<M::Input> {
        let next = self.log.get(self.done)?;
        if next.position.steps != self.engine.position().steps || next.position.at > limit {
            return None;
        }
        self.engine.pass_to(next.position.at);
        self.done += 1;
        Some(next.input.clone())
    }

    /// Lets time pass up to `limit`, but not beyond anything that is to happen.
    fn pass_quietly_to(&mut self, limit: Instant) {
        let event = self.engine.next_at().unwrap_or(limit);
        let input = self.ahead().first().map_or(limit, |next| next.position.at);
        self.engine.pass_to(limit.min(event).min(input));
    }

    /// The number of steps at which a run must pause: for the next input, or for the next checkpoint.
    fn next_mark(&self) -> u64 {
        let input = self.ahead().first().map_or(u64::MAX, |next| next.position.steps);
        input.min(self.checkpoint_due())
    }

    /// The number of steps at which the next checkpoint is to be taken. One that stands there already, from an earlier way through
    /// this stretch, serves as well.
    fn checkpoint_due(&self) -> u64 {
        let gap = self.spacing.gap(self.engine.model().weight());
        let due = self.checkpoint_before().steps.saturating_add(gap);
        let ahead = self.checkpoints.partition_point(|c| c.position() <= self.position());
        match self.checkpoints.get(ahead).map(|next| next.position().steps) {
            Some(next) if next <= due.saturating_add(gap / 2) => next.saturating_add(gap),
            _ => due,
        }
    }

    fn checkpoint_before(&self) -> Position {
        let here = self.position();
        let after = self.checkpoints.partition_point(|c| c.position() <= here);
        self.checkpoints[after.saturating_sub(1)].position()
    }

    /// Takes a checkpoint if one is due here, and drops another if there are too many.
    fn keep(&mut self) {
        let here = self.position();
        if here.steps < self.checkpoint_due() {
            return;
        }
        let place = self.checkpoints.partition_point(|c| c.position() <= here);
        self.checkpoints.insert(place, Arc::new(self.engine.clone()));
        let room = self.spacing.bytes / self.engine.model().weight().max(1);
        let kept = usize::try_from(room).unwrap_or(usize::MAX).clamp(2, self.spacing.kept);
        let mut place = place;
        while self.checkpoints.len() > kept + 1 {
            let steps: Vec<u64> = self.checkpoints.iter().map(|c| c.position().steps).collect();
            let dropped = least_missed(&steps, place, here.steps);
            self.checkpoints.remove(dropped);
            place -= usize::from(dropped < place);
        }
    }
}

/// The index whose removal leaves the smallest hole for its distance from `here`: neither the first, which is the start, nor that
/// of the one just `taken`. The last closes no hole; it is missed for the stretch back to its neighbour. Needs three of them.
fn least_missed(steps: &[u64], taken: usize, here: u64) -> usize {
    let after = |i: usize| steps.get(i + 1).copied().unwrap_or(steps[i]);
    let hole = |i: usize| u128::from(after(i) - steps[i - 1]);
    let distance = |i: usize| u128::from(steps[i - 1].abs_diff(here).min(after(i).abs_diff(here))) + 1;
    let candidates = (1..steps.len()).filter(|i| *i != taken);
    // hole / distance, compared without dividing.
    candidates.min_by(|&a, &b| (hole(a) * distance(b)).cmp(&(hole(b) * distance(a)))).unwrap_or(steps.len() - 1)
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
