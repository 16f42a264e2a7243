//! The journal: what happened, why, and one number that stands for all of it.
//!
//! The last [`KEPT_MAX`](super::pages::KEPT_MAX) steps are kept with the step that caused each; older ones are forgotten. The
//! history digest covers every step since the start: time, number, content, and what the model noted. Two runs with equal digests
//! took the same steps; the first difference between two runs is found by bisection over their positions.
//!
//! What a step meant is the model's to tell: it can keep records of its own in [`Pages`].

use super::pages::Pages;
use super::queue::Sequence;
use super::random::Digest;
use super::time::Instant;

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Instant,
    /// Its number.
    pub sequence: Sequence,
    /// The step that scheduled it; none for inputs and for what was there from the start.
    pub cause: Option<Sequence>,
    /// The model's name for such a step.
    pub kind: &'static str,
}

/// The last steps, and the digest of all.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    steps: Pages<Entry>,
    history: Digest,
}

impl Journal {
    /// The running digest, for a model to add its notes to.
    #[inline]
    pub(super) fn notes(&mut self) -> &mut Digest {
        &mut self.history
    }

    /// Writes a step down. Its content is folded in by `content`.
    #[inline]
    pub(super) fn record(&mut self, entry: Entry, content: impl FnOnce(&mut Digest)) {
        self.history.word(entry.at.as_nanos());
        self.history.word(entry.sequence.get());
        content(&mut self.history);
        self.steps.push(entry);
    }

    /// The digest of every step so far.
    pub fn history(&self) -> u64 {
        self.history.value()
    }

    /// The step just taken.
    pub fn last(&self) -> Option<&Entry> {
        self.steps.last()
    }

    /// The steps that are kept, oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.steps.iter()
    }

    /// The step with this number and what led to it, latest first; ends where the journal does.
    pub fn causes(&self, sequence: Sequence) -> Vec<Entry> {
        let mut sought = Some(sequence);
        let mut chain = Vec::new();
        // A cause is handled before its effects, so one walk backwards meets them all.
        for entry in self.entries().rev() {
            if Some(entry.sequence) == sought {
                chain.push(*entry);
                sought = entry.cause;
            }
        }
        chain
    }
}
