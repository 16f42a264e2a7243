//! The target of a `trace` step, judged before anything is played. How it is written: [`crate::ask::target`].

use super::notation::{Mistake, Notation};
use crate::ask::target::TraceTarget;
use crate::render::unanswerable::bad_target;

impl Notation for TraceTarget {
    const FORMAT: &'static str = "trace-target";
    fn parse(text: &str) -> Result<Self, Mistake> {
        TraceTarget::parse(text).map_err(|why| {
            let (message, help) = bad_target(text, &why);
            Mistake::new(message, help)
        })
    }
}

/// The same for a step, whose line a shell reads: what it puts in for a variable is not known before.
pub(super) fn judge_step(text: &str) -> Result<(), Mistake> {
    if text.contains('$') { Ok(()) } else { <TraceTarget as Notation>::parse(text).map(drop) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_judged_unless_a_variable_is_in_it() {
        assert_eq!(judge_step("$IP:80"), Ok(()));
        assert_eq!(judge_step("web:80"), Ok(()));
        let mistake = judge_step("web").expect_err("it has no port");
        assert_eq!((mistake.message.as_str(), mistake.help.as_str()), ("`web` has no port", "add one, as in web:80"));
    }
}
