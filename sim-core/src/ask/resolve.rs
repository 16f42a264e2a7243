//! `resolve`: one question to cluster DNS as it is, or through the resolver of some place.
//!
//! The walk of a resolver along its search list is followed without waiting, so no time passes and no server remembers it.

use super::find::{self, Unanswerable};
use super::moment::Moment;
use crate::dns::message::{Question, Reply};
use crate::dns::resolver::{Family, Sent, walk};
use crate::network::wire::{Source, Wire};

/// What does DNS answer?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolveQuestion {
    /// The name.
    pub name: String,
    /// The type. Absent, it is A; asked from a place, A and AAAA, as programs ask.
    pub kind: Option<&'static str>,
    /// From where; `None` asks cluster DNS as it is.
    pub from: Option<Source>,
}

/// A reply, and how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolveAnswer {
    /// The reply; `None` if none came.
    pub reply: Option<Reply>,
    /// Every question that was sent on the way, in order.
    pub queries: Vec<Sent>,
}

/// The answer.
pub fn answer(moment: &Moment<'_>, question: &ResolveQuestion) -> Result<ResolveAnswer, Unanswerable> {
    let mut network = moment.frozen();
    match &question.from {
        Some(from) => {
            // A pod that is there and cannot send finds no server, and that is an answer.
            match find::source(moment.cluster, from) {
                Err(absent @ (Unanswerable::NoNode { .. } | Unanswerable::NoPod(_))) => Err(absent),
                _ => Ok(walked(&mut network, question, from)),
            }
        }
        None => {
            let asked = Question::new(question.name.clone(), question.kind.unwrap_or("A"));
            let reply = Some(network.cluster_dns(&asked).ok_or(Unanswerable::NoDns)?);
            Ok(ResolveAnswer { reply, queries: Vec::new() })
        }
    }
}

/// What the resolver of a place finds on a network.
fn walked(network: &mut dyn Wire, question: &ResolveQuestion, from: &Source) -> ResolveAnswer {
    let kinds = question.kind.map_or_else(|| Family::Any.kinds().to_vec(), |kind| vec![kind]);
    let walk = walk(network, from, &question.name, &kinds);
    ResolveAnswer { reply: walk.reply, queries: walk.queries }
}
