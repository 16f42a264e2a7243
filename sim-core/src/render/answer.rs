//! An answer to any question, as text and as JSON, from one value.

use serde_json::Value;

use super::{policies, reach, resolve, rules, trace, why};
use crate::ask::Answer;

/// The text form.
pub fn text(answer: &Answer) -> String {
    match answer {
        Answer::Trace(answer) => trace::text(answer),
        Answer::Reach(matrix) => reach::text(matrix),
        Answer::Rules(answer) => rules::text(answer),
        Answer::Resolve(answer) => resolve::text(answer),
        Answer::Why(answer) => why::text(answer),
        Answer::Policies(answer) => policies::text(answer),
    }
}

/// The JSON form: one line.
pub fn json(answer: &Answer) -> String {
    let line = |value: Value| format!("{value}\n");
    match answer {
        Answer::Trace(answer) => line(trace::json(answer)),
        Answer::Reach(matrix) => line(reach::json(matrix)),
        Answer::Rules(answer) => line(rules::json(answer)),
        // Its fields stand in the order of the contract.
        Answer::Resolve(answer) => resolve::json(answer),
        Answer::Why(answer) => line(why::json(answer)),
        Answer::Policies(answer) => line(policies::json(answer)),
    }
}
