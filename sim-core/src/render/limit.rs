//! Which limit of a command was reached.

use crate::ask::moment::EVENTS_MAX;
use crate::engine::run::Stop;

/// The limit; nothing for a run that came to its end.
pub fn text(stop: Stop) -> String {
    match stop {
        Stop::OutOfEvents => format!("one command may bring about at most {EVENTS_MAX} events"),
        Stop::OutOfTime => "one command may take at most 10 simulated years".to_string(),
        Stop::Interrupted => "interrupted".to_string(),
        Stop::Reached | Stop::Idle | Stop::Satisfied => String::new(),
    }
}
