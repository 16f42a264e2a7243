//! Plans: what a controller wants to be written, decided before anything is sent.
//!
//! In a real cluster a sync calls the API server in the middle of its reasoning. Here reasoning and writing are apart: a
//! reconcile is a pure look at a photograph and returns a [`Plan`]; [`super::work_queue`] sends it wave by wave.

use crate::api::component::{Note, Write};
use crate::engine::time::Duration;
use crate::objects::{Name, Object};

/// What one reconcile decided.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Waves of writes: a wave leaves when every write of the wave before has been answered and none has failed.
    pub waves: Vec<Vec<Step>>,
    /// Look at the key again after this time, whatever happens.
    pub again: Option<Duration>,
}

/// One write, and what is said about its result.
#[derive(Clone, Debug, Hash)]
pub struct Step {
    /// The write.
    pub write: Write,
    /// The Event left when it succeeded.
    pub done: Option<Said>,
    /// The Event left when it failed (a conflict or a vanished object is not worth one).
    pub failed: Option<Said>,
}

/// An Event about the result of a write.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Said {
    /// The Event, complete but for the tail of its message.
    pub note: Note,
    /// What the message ends with.
    pub tail: Tail,
}

/// What the message of a `Said` ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tail {
    /// Nothing: it is complete.
    Nothing,
    /// The name of the object written.
    Name,
    /// The server's refusal.
    Error,
}

impl Plan {
    /// Adds a step to the last wave: it does not wait for its neighbours.
    pub fn push(&mut self, step: impl Into<Step>) {
        match self.waves.last_mut() {
            Some(wave) => wave.push(step.into()),
            None => self.waves.push(vec![step.into()]),
        }
    }

    /// Adds steps to the last wave.
    pub fn extend(&mut self, steps: impl IntoIterator<Item = impl Into<Step>>) {
        steps.into_iter().for_each(|step| self.push(step));
    }

    /// Adds a wave, unless it is empty: it waits for the waves before.
    pub fn then(&mut self, steps: impl IntoIterator<Item = impl Into<Step>>) {
        let wave: Vec<Step> = steps.into_iter().map(Into::into).collect();
        if !wave.is_empty() {
            self.waves.push(wave);
        }
    }

    /// Asks for another look no later than after `wait`.
    pub fn look_again(&mut self, wait: Duration) {
        self.again = Some(self.again.map_or(wait, |earlier| earlier.min(wait)));
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.waves.is_empty()
    }
}

impl From<Write> for Step {
    /// A write about whose result nothing is said.
    fn from(write: Write) -> Step {
        Step { write, done: None, failed: None }
    }
}

impl Step {
    /// Leaves an Event when it has succeeded.
    pub fn done(self, note: Note, tail: Tail) -> Step {
        Step { done: Some(Said { note, tail }), ..self }
    }

    /// Leaves an Event when it has failed.
    pub fn failed(self, note: Note) -> Step {
        Step { failed: Some(Said { note, tail: Tail::Error }), ..self }
    }
}

/// An Event about an object.
pub fn said(about: &Object, warning: bool, reason: &'static str, message: impl Into<String>, source: &'static str) -> Note {
    Note { about: about.reference(), warning, reason, message: message.into(), source, host: Name::default() }
}

/// The same, to be left whatever else happens.
pub fn note(about: &Object, warning: bool, reason: &'static str, message: impl Into<String>, source: &'static str) -> Write {
    Write::Note(said(about, warning, reason, message, source))
}
