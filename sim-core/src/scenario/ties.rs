//! Expectations that depend on luck: they hold in one order of the events of one instant, and not in another.
//!
//! A real cluster does not promise which of two things that happen at once comes first. A scenario is therefore played twice,
//! once as scheduled and once with its ties shuffled, and the verdicts are laid side by side, step by step.
//! Left out: which tie it was. The journals of both runs tell, from the first entry in which they differ.

use super::play::Played;

/// What one step's expectations came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The number of the step, from 1.
    pub step: usize,
    /// Its verb.
    pub verb: &'static str,
    /// What it was about.
    pub title: String,
    /// What did not hold.
    pub failures: Vec<String>,
}

impl Verdict {
    /// The verdict on a step that was played.
    pub fn of(played: &Played) -> Verdict {
        Verdict { step: played.number, verb: played.verb, title: played.title.clone(), failures: played.failures.clone() }
    }
}

/// A step whose expectations hold in one of two runs only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TieFinding {
    /// The verdict of the run in which they do not hold.
    pub failed: Verdict,
    /// The seed of the shuffled run.
    pub shuffle_ties: u64,
    /// Whether it is the shuffled run in which they do not hold.
    pub fails_shuffled: bool,
}

/// Lays the verdicts of a run as scheduled beside those of a run with ties shuffled by that seed.
pub fn compare(scheduled: &[Verdict], shuffled: &[Verdict], shuffle_ties: u64) -> Vec<TieFinding> {
    let pairs = scheduled.iter().zip(shuffled);
    let differing = pairs.filter(|(a, b)| a.failures.is_empty() != b.failures.is_empty());
    differing
        .map(|(as_scheduled, as_shuffled)| {
            let fails_shuffled = !as_shuffled.failures.is_empty();
            let failed = if fails_shuffled { as_shuffled } else { as_scheduled };
            TieFinding { failed: failed.clone(), shuffle_ties, fails_shuffled }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(failures: [&[&str]; 3]) -> Vec<Verdict> {
        let verdict = |(i, failures): (usize, &&[&str])| Verdict {
            step: i + 1,
            verb: "run",
            title: "date".to_string(),
            failures: failures.iter().map(|f| f.to_string()).collect(),
        };
        failures.iter().enumerate().map(verdict).collect()
    }

    #[test]
    fn what_holds_in_one_order_only_is_found() {
        let found = |scheduled, shuffled| {
            let findings = compare(&verdicts(scheduled), &verdicts(shuffled), 7);
            findings.iter().map(|f| (f.failed.step, f.failed.failures[0].clone(), f.fails_shuffled)).collect::<Vec<_>>()
        };
        assert_eq!(found([&[], &[], &[]], [&[], &[], &[]]), []);
        assert_eq!(found([&[], &["a"], &[]], [&[], &["b"], &[]]), [], "what never holds is no matter of luck");
        assert_eq!(found([&[], &[], &["a"]], [&["b"], &[], &[]]), [(1, "b".to_string(), true), (3, "a".to_string(), false)]);
    }
}
