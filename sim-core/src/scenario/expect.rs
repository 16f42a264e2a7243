//! Whether what came out is what was expected: pure comparison. Whoever plays a step gathers what came out.

use std::fmt;

use super::format::{Decision, Expectation, OneOrMany, TextCheck, TraceOutcome};
use super::notation::{Comparison, ObjectRef, Pattern, Share, Written};
use crate::console::host::Outcome;
use crate::console::meter::Limit;
use crate::explain;

/// What a step brought, as far as it has it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Observed<'a> {
    /// Exit status of the command.
    pub exit: Option<i32>,
    /// Its standard output.
    pub stdout: &'a str,
    /// Its standard error.
    pub stderr: &'a str,
    /// kube-proxy's decision in the trace.
    pub decision: Option<Decision>,
    /// The end of the traced connection.
    pub outcome: Option<TraceOutcome>,
    /// The object: `None` if it is not stored.
    pub object: Option<ObservedObject<'a>>,
    /// Requests of the load: how many ended, how many of them well.
    pub traffic: Option<Requests>,
}

impl<'a> Observed<'a> {
    /// What a console line brought.
    pub fn of_outcome(outcome: &'a Outcome) -> Self {
        Observed { exit: Some(outcome.exit), stdout: &outcome.stdout, stderr: &outcome.stderr, ..Observed::default() }
    }
}

impl From<explain::Decision> for Decision {
    fn from(decision: explain::Decision) -> Decision {
        match decision {
            explain::Decision::Dnat => Decision::Dnat,
            explain::Decision::Reject => Decision::Reject,
            explain::Decision::Drop => Decision::Drop,
            explain::Decision::Pass => Decision::Pass,
        }
    }
}

impl From<explain::Outcome> for TraceOutcome {
    fn from(outcome: explain::Outcome) -> TraceOutcome {
        match outcome {
            explain::Outcome::Delivered => TraceOutcome::Delivered,
            explain::Outcome::Refused => TraceOutcome::Refused,
            explain::Outcome::TimedOut => TraceOutcome::TimedOut,
            explain::Outcome::Unreachable => TraceOutcome::Unreachable,
            explain::Outcome::Reset => TraceOutcome::Reset,
            explain::Outcome::Unresolved => TraceOutcome::Unresolved,
            explain::Outcome::Unknown => TraceOutcome::Unknown,
        }
    }
}

/// An object that an expectation looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObservedObject<'a> {
    /// What jsonpath prints for the expectation's `path`; the whole object as JSON without a path.
    pub text: &'a str,
}

/// Requests of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requests {
    /// How many ended.
    pub ended: u64,
    /// How many of them ended well.
    pub good: u64,
}

/// One thing that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which part of the expectation: `stdout.contains`.
    pub part: String,
    /// What was wanted.
    pub wanted: String,
    /// What came.
    pub found: String,
}

/// Most lines of a found text that are shown.
const FOUND_LINES_MAX: usize = 20;

/// `exit: expected 0, got 1`; a found text of several lines stands below, indented.
impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Broken { part, wanted, found } = self;
        let relations =
            [(".equals", ""), (".contains", "to contain "), (".matches", "to match "), (".absent", "not to contain ")];
        match relations.iter().find_map(|(ending, words)| Some((part.strip_suffix(ending)?, words))) {
            None => return write!(f, "{part}: expected {wanted}, got {found}"),
            Some((part, words)) => write!(f, "{part}: expected {words}{wanted:?}, got")?,
        }
        if found.trim_end().lines().count() <= 1 {
            return write!(f, " {found:?}");
        }
        f.write_str(":")?;
        for line in found.lines().take(FOUND_LINES_MAX) {
            write!(f, "\n    {line}")?;
        }
        let more = found.lines().count().saturating_sub(FOUND_LINES_MAX);
        if more > 0 { write!(f, "\n    ({more} more lines)") } else { Ok(()) }
    }
}

/// Every part of an expectation that does not hold, in words; empty when all do.
pub fn check(expectation: &Expectation, observed: &Observed<'_>) -> Vec<String> {
    compare(expectation, observed).iter().map(Broken::to_string).collect()
}

/// What an expectation that stands alone is about: `service/web {.spec.type}`, or `traffic shoppers`.
pub fn title(expectation: &Expectation) -> String {
    match (&expectation.object, &expectation.path, &expectation.traffic) {
        (Some(object), Some(path), _) => format!("{object} {path}"),
        (Some(object), None, _) => object.to_string(),
        (None, _, Some(traffic)) => {
            let share = expectation.success.as_ref().map_or(String::new(), |share| format!(" {share}"));
            let over = expectation.over.as_ref().map_or(String::new(), |over| format!(" over {over}"));
            format!("traffic {traffic}{share}{over}")
        }
        (None, _, None) => String::new(),
    }
}

/// Every part of an expectation that does not hold; empty when all do.
pub fn compare(expectation: &Expectation, observed: &Observed<'_>) -> Vec<Broken> {
    let mut broken = Vec::new();
    let mut differ = |part: &str, wanted: String, found: String| {
        if wanted != found {
            broken.push(Broken { part: part.to_string(), wanted, found });
        }
    };
    if let Some(wanted) = expectation.exit {
        differ("exit", wanted.to_string(), observed.exit.map_or("no command ran".into(), |e| e.to_string()));
    }
    if let Some(wanted) = expectation.decision {
        differ("decision", word(&wanted), observed.decision.map_or("none".into(), |d| word(&d)));
    }
    if let Some(wanted) = expectation.outcome {
        differ("outcome", word(&wanted), observed.outcome.map_or("none".into(), |o| word(&o)));
    }
    for (name, check, text) in
        [("stdout", &expectation.stdout, observed.stdout), ("stderr", &expectation.stderr, observed.stderr)]
    {
        if let Some(check) = check {
            broken.extend(compare_text(name, check, text));
        }
    }
    if let Some(object) = &expectation.object {
        broken.extend(compare_object(expectation, object, observed.object));
    }
    if let Some(name) = &expectation.traffic {
        broken.extend(compare_traffic(expectation.success.as_ref(), name, observed.traffic));
    }
    broken
}

fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_string)).unwrap_or_default()
}

fn compare_text(name: &str, check: &TextCheck, text: &str) -> Vec<Broken> {
    let mut broken = Vec::new();
    if let Some(wanted) = &check.equals
        && wanted != text
    {
        broken.push(Broken { part: format!("{name}.equals"), wanted: wanted.clone(), found: text.to_string() });
    }
    broken.extend(compare_parts(name, check.contains.as_ref(), check.matches.as_ref(), check.absent.as_ref(), text));
    broken
}

fn compare_parts(
    name: &str,
    contains: Option<&OneOrMany<String>>,
    matches: Option<&OneOrMany<Written<Pattern>>>,
    absent: Option<&OneOrMany<String>>,
    text: &str,
) -> Vec<Broken> {
    let broken =
        |part: &str, wanted: &str| Broken { part: format!("{name}.{part}"), wanted: wanted.to_string(), found: text.to_string() };
    let contained =
        contains.into_iter().flat_map(OneOrMany::all).filter(|w| !text.contains(w.as_str())).map(|w| broken("contains", w));
    let dear = |w: &Written<Pattern>| {
        let found = format!("{}, and this pattern needs more for a text of {} bytes", Limit::Steps, text.len());
        Broken { part: format!("{name}.matches"), wanted: w.text().to_string(), found }
    };
    let matched = matches.into_iter().flat_map(OneOrMany::all).filter(|w| !w.is_match(text));
    let matched = matched.map(|w| if w.affordable(text) { broken("matches", w.text()) } else { dear(w) });
    let missing = absent.into_iter().flat_map(OneOrMany::all).filter(|w| text.contains(w.as_str())).map(|w| broken("absent", w));
    contained.chain(matched).chain(missing).collect()
}

fn compare_object(expectation: &Expectation, name: &Written<ObjectRef>, observed: Option<ObservedObject<'_>>) -> Vec<Broken> {
    let Some(ObservedObject { text }) = observed else {
        return vec![Broken { part: "object".into(), wanted: name.to_string(), found: "no such object".into() }];
    };
    let part = expectation.path.clone().unwrap_or_else(|| name.to_string());
    let mut broken = Vec::new();
    if let Some(wanted) = &expectation.equals
        && wanted.text() != text
    {
        broken.push(Broken { part: format!("{part}.equals"), wanted: wanted.text().into_owned(), found: text.to_string() });
    }
    let Expectation { contains, matches, absent, .. } = expectation;
    broken.extend(compare_parts(&part, contains.as_ref(), matches.as_ref(), absent.as_ref(), text));
    broken
}

fn compare_traffic(share: Option<&Written<Share>>, name: &str, requests: Option<Requests>) -> Option<Broken> {
    let broken =
        |wanted: &str, found: String| Some(Broken { part: format!("traffic {name}"), wanted: wanted.to_string(), found });
    match (share, requests) {
        (_, None) => broken("a load", "no such load".into()),
        (Some(share), Some(requests)) if !share.holds(requests) => {
            broken(share.text(), format!("{} of {} requests succeeded", requests.good, requests.ended))
        }
        _ => None,
    }
}

impl Share {
    /// Compares exactly, without rounding; no request at all fulfils no bound.
    pub fn holds(&self, requests: Requests) -> bool {
        if requests.ended == 0 {
            return false;
        }
        let found = u128::from(requests.good) * 1_000_000;
        let bound = u128::from(self.millionths) * u128::from(requests.ended);
        match self.comparison {
            Comparison::AtLeast => found >= bound,
            Comparison::Above => found > bound,
            Comparison::AtMost => found <= bound,
            Comparison::Below => found < bound,
            Comparison::Equal => found == bound,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn broken(expectation: serde_json::Value, observed: Observed<'_>) -> Vec<String> {
        let expectation: Expectation = serde_json::from_value(expectation).expect("an expectation");
        compare(&expectation, &observed).into_iter().map(|b| format!("{}: {} / {}", b.part, b.wanted, b.found)).collect()
    }

    #[test]
    fn what_does_not_hold_is_said_in_words() {
        let said = |expectation: serde_json::Value, stdout: &str| {
            let outcome = Outcome { stdout: stdout.into(), stderr: String::new(), exit: 1 };
            let expectation: Expectation = serde_json::from_value(expectation).expect("an expectation");
            check(&expectation, &Observed::of_outcome(&outcome)).join("\n")
        };
        assert_eq!(said(json!({"exit": 1, "stdout": {"contains": "a"}}), "a\n"), "");
        insta::assert_snapshot!(said(json!({"exit": 0, "stdout": {"contains": "b", "absent": "a"}}), "a\n"), @r#"
        exit: expected 0, got 1
        stdout: expected to contain "b", got "a\n"
        stdout: expected not to contain "a", got "a\n"
        "#);
        insta::assert_snapshot!(said(json!({"stdout": {"equals": "b"}}), "a\nc\n"), @r#"
        stdout: expected "b", got:
            a
            c
        "#);
        assert_eq!(said(json!({"stdout": {"matches": "z"}}), &"x\n".repeat(30)).lines().count(), 22);
    }

    #[test]
    fn commands() {
        let observed = Observed { exit: Some(1), stdout: "a Running\nb Pending\n", stderr: "Error: x\n", ..Observed::default() };
        assert_eq!(broken(json!({"exit": 1, "stdout": {"contains": ["a", "Pending"], "matches": "^b +P"}}), observed), [""; 0]);
        assert_eq!(
            broken(
                json!({"exit": 0, "stdout": {"contains": ["a", "z"], "absent": "Running"}, "stderr": {"equals": "", "matches": "^x"}}),
                observed
            ),
            [
                "exit: 0 / 1",
                "stdout.contains: z / a Running\nb Pending\n",
                "stdout.absent: Running / a Running\nb Pending\n",
                "stderr.equals:  / Error: x\n",
                "stderr.matches: ^x / Error: x\n",
            ]
        );
    }

    #[test]
    fn traces_and_objects() {
        let trace = Observed { decision: Some(Decision::Dnat), outcome: Some(TraceOutcome::TimedOut), ..Observed::default() };
        assert_eq!(broken(json!({"decision": "dnat", "outcome": "delivered"}), trace), ["outcome: delivered / timed-out"]);
        let object = Observed { object: Some(ObservedObject { text: "3" }), ..Observed::default() };
        assert_eq!(broken(json!({"object": "deploy/web", "path": "{.spec.replicas}", "equals": 3}), object), [""; 0]);
        assert_eq!(broken(json!({"object": "deploy/web", "path": "{.x}", "equals": "4"}), object), ["{.x}.equals: 4 / 3"]);
        assert_eq!(broken(json!({"object": "deploy/web"}), Observed::default()), ["object: deploy/web / no such object"]);
    }

    #[test]
    fn shares_are_compared_exactly() {
        let observed = |good, ended| Observed { traffic: Some(Requests { ended, good }), ..Observed::default() };
        let wanted = json!({"traffic": "t", "success": ">= 99%"});
        assert_eq!(broken(wanted.clone(), observed(99, 100)), [""; 0]);
        assert_eq!(broken(wanted.clone(), observed(9899, 10_000)), ["traffic t: >= 99% / 9899 of 10000 requests succeeded"]);
        assert_eq!(broken(wanted, observed(0, 0)), ["traffic t: >= 99% / 0 of 0 requests succeeded"]);
    }
}
