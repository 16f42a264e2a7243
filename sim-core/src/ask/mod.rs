//! Pure questions to a cluster at a moment: where a packet goes, who reaches whom, what a node has programmed, what a name
//! resolves to, why an object is as it is, which policies concern it, what happened and what is pending. Questions and answers are closed types; words are
//! [`crate::render`]'s.
//!
//! In a real cluster each answer is put together by hand, from `kubectl describe`, rule dumps of nodes and test clients. Here
//! nothing is changed by asking: no time passes, no cache is warmed and no connection is left behind. Left out: what a load
//! measures.

pub mod cause;
pub mod facts;
pub mod find;
pub mod hints;
pub mod moment;
pub mod policies;
pub mod reach;
pub mod resolve;
pub mod rules;
pub mod source;
pub mod story;
pub mod target;
pub mod timers;
pub mod trace;
pub mod why;

pub use self::cause::{Because, Cause};
pub use self::find::Unanswerable;
pub use self::hints::Hint;
pub use self::moment::Moment;
use self::policies::{PoliciesAnswer, PoliciesQuestion};
use self::reach::{Matrix, ReachQuestion};
use self::resolve::{ResolveAnswer, ResolveQuestion};
use self::rules::{Rules, RulesQuestion};
use self::trace::{TraceAnswer, TraceQuestion};
use self::why::{Why, WhyQuestion};

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Where does a connection go?
    Trace(TraceQuestion),
    /// Who reaches whom?
    Reach(ReachQuestion),
    /// What has a node's kube-proxy programmed?
    Rules(RulesQuestion),
    /// What does DNS answer?
    Resolve(ResolveQuestion),
    /// Why is an object as it is?
    Why(WhyQuestion),
    /// Which policies concern a pod, or which pods a policy?
    Policies(PoliciesQuestion),
}

/// Its answer.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The way of a packet.
    Trace(Box<TraceAnswer>),
    /// All pairs.
    Reach(Matrix),
    /// The rules of a node.
    Rules(Rules),
    /// A reply, and the questions that led to it.
    Resolve(ResolveAnswer),
    /// What was found about an object.
    Why(Why),
    /// Policies of a pod, or pods of a policy.
    Policies(PoliciesAnswer),
}

/// Answers a question.
pub fn ask(moment: &Moment<'_>, question: &Question) -> Result<Answer, Unanswerable> {
    Ok(match question {
        Question::Trace(question) => Answer::Trace(Box::new(trace::answer(moment, question)?)),
        Question::Reach(question) => Answer::Reach(reach::answer(moment, question)?),
        Question::Rules(question) => Answer::Rules(rules::answer(moment, question)?),
        Question::Resolve(question) => Answer::Resolve(resolve::answer(moment, question)?),
        Question::Why(question) => Answer::Why(why::answer(moment, question)?),
        Question::Policies(question) => Answer::Policies(policies::answer(moment, question)?),
    })
}

#[cfg(test)]
mod tests;
