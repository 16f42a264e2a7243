//! The budget of one line of the console: what its shell, filters and regular expressions may use up.
//!
//! In real life a program that runs away is stopped by its user, or by the kernel when memory runs out. Here the line ends by
//! itself, with exit status 124 and one sentence that names the limit. Everything is counted in units that are the same on every
//! machine, never in seconds: commands of the shell, bytes of output and expanded text, and steps. A step is about the work on one
//! byte, one value or one state of a regular expression. Whoever works asks while it works and not afterwards, so that what is too
//! much is never built. Events and simulated time have limits of their own, see `Simulation`.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

/// Most commands a line may run.
pub const COMMANDS_MAX: u64 = 100_000;
/// Most output and expanded text of a line, and most that a filter may have in hand, in bytes.
pub const BYTES_MAX: u64 = 64 << 20;
/// Most steps of a line: a few seconds of work.
pub const STEPS_MAX: u64 = 1_000_000_000;
/// Most memory that the values of a filter may take at one time, in bytes.
pub const VALUES_BYTES_MAX: u64 = 256 << 20;

/// The limit that a line has reached; prints as the diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// [`COMMANDS_MAX`]
    Commands,
    /// [`BYTES_MAX`]
    Bytes,
    /// [`STEPS_MAX`]
    Steps,
    /// [`VALUES_BYTES_MAX`]
    Values,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("kubewalk: stopped: ")?;
        match self {
            Limit::Commands => write!(f, "one line may run {COMMANDS_MAX} commands"),
            Limit::Bytes => write!(f, "the output of one line is limited to {BYTES_MAX} bytes"),
            Limit::Steps => write!(f, "the filters and regular expressions of one line may take {STEPS_MAX} steps"),
            Limit::Values => write!(f, "the values of one filter may take {VALUES_BYTES_MAX} bytes"),
        }
    }
}

/// The budget is used up: leave off, whatever is done is enough. The line ends where the meter is looked at next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsedUp;

/// What a line has used up so far. A clone is the same meter.
#[derive(Clone, Debug, Default)]
pub struct Meter(Rc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    commands: Cell<u64>,
    bytes: Cell<u64>,
    steps: Cell<u64>,
    reached: Cell<Option<Limit>>,
}

impl Meter {
    /// One command ran, or the shell went one round, and made so many bytes of output or text.
    pub fn command(&self, bytes: usize) -> Result<(), UsedUp> {
        self.add(&self.0.commands, 1, COMMANDS_MAX, Limit::Commands)?;
        self.add(&self.0.bytes, bytes as u64, BYTES_MAX, Limit::Bytes)
    }

    /// So many steps are about to be taken.
    pub fn steps(&self, steps: u64) -> Result<(), UsedUp> {
        self.add(&self.0.steps, steps, STEPS_MAX, Limit::Steps)
    }

    /// A filter is about to have a text of so many bytes in hand. It counts as output only when it is put out.
    pub fn text(&self, bytes: usize) -> Result<(), UsedUp> {
        self.within(bytes as u64, BYTES_MAX, Limit::Bytes)
    }

    /// A filter is about to have values of so many bytes in hand.
    pub fn values(&self, bytes: u64) -> Result<(), UsedUp> {
        self.within(bytes, VALUES_BYTES_MAX, Limit::Values)
    }

    /// The limit that was reached first.
    pub fn reached(&self) -> Option<Limit> {
        self.0.reached.get()
    }

    fn add(&self, counter: &Cell<u64>, more: u64, most: u64, limit: Limit) -> Result<(), UsedUp> {
        counter.set(counter.get().saturating_add(more));
        self.within(counter.get(), most, limit)
    }

    fn within(&self, used: u64, most: u64, limit: Limit) -> Result<(), UsedUp> {
        if used > most && self.reached().is_none() {
            self.0.reached.set(Some(limit));
        }
        if self.reached().is_some() { Err(UsedUp) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_limit_stays() {
        let (meter, steps) = (Meter::default(), STEPS_MAX);
        let same = meter.clone();
        assert_eq!((meter.steps(steps), meter.reached()), (Ok(()), None));
        assert_eq!(same.steps(1), Err(UsedUp), "a clone is the same meter");
        assert_eq!((meter.command(usize::MAX), meter.reached()), (Err(UsedUp), Some(Limit::Steps)));
        assert_eq!(Meter::default().text(usize::MAX), Err(UsedUp));
        assert_eq!(Meter::default().values(VALUES_BYTES_MAX), Ok(()));
    }
}
