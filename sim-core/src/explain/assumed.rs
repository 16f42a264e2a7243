//! What the answers of a run rested on although nobody said it: noted where an answer is given, for those who allow no assumption.
//!
//! No real cluster has it: there, a host answers or it does not. What containers are assumed to do their kubelet notes when it
//! starts them.

use std::net::IpAddr;

use super::{Basis, Reason, Trace};
use crate::objects::Name;

/// Most assumptions that are kept; further ones are counted by nobody, since one is as bad as many.
const ASSUMED_MAX: usize = 100;

/// What an answer rests on although nobody said it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Assumption {
    /// A container's command is not known: an init container ends well, any other runs on.
    Command {
        /// The container.
        container: Name,
        /// Its image.
        image: Name,
        /// The first line of its command and arguments.
        command: String,
        /// Whether it is an init container.
        init: bool,
    },
    /// A container of an image that is not known does what its manifest says.
    Image(Name),
    /// A plugin of a Corefile that is not simulated changes no answer.
    CorefilePlugin(String),
    /// A host outside the cluster answers.
    OutsideAnswers(IpAddr),
    /// What is behind an address is not modelled, and no answer is given.
    NotModelled(IpAddr),
    /// A balancer that is not of this cluster's cloud sends to any node that has power.
    ForeignBalancer,
    /// A decision that is a guess, by its code.
    Decision(&'static str),
}

/// Assumptions, each once, in the order in which they were made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Assumed(Vec<Assumption>);

impl Assumed {
    /// Notes what an answer rests on.
    pub fn note(&mut self, trace: &Trace) {
        for assumption in trace.hops.iter().filter_map(|hop| Assumption::behind(&hop.reason)) {
            if self.0.len() < ASSUMED_MAX && !self.0.contains(&assumption) {
                self.0.push(assumption);
            }
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Assumption> {
        self.0.iter()
    }
}

impl Assumption {
    /// The assumption behind a decision, if it is one.
    fn behind(reason: &Reason) -> Option<Assumption> {
        match reason {
            Reason::AssumedOutside { ip } => Some(Assumption::OutsideAnswers(*ip)),
            Reason::NotModelled { ip } => Some(Assumption::NotModelled(*ip)),
            Reason::BalancerPicked { .. } | Reason::NoNodeBehindBalancer => Some(Assumption::ForeignBalancer),
            other => (other.basis() == Basis::Assumed).then(|| Assumption::Decision(other.code())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::{Component, Decision, Hop, Outcome, Place, Step};

    fn trace(reason: Reason) -> Trace {
        let end = std::net::SocketAddr::from(([192, 0, 2, 1], 80));
        let (before, after) = ((end, end), (end, end));
        let (place, component, step) = (Place::Outside, Component::Server, Step::Accept);
        let hop = Hop { place, component, step, reason, before, after, not_eligible: Vec::new(), view_age: None, guessed: false };
        Trace {
            asked: before,
            protocol: crate::objects::pod_spec::Protocol::Tcp,
            hops: vec![hop],
            decision: Decision::Pass,
            candidates: Vec::new(),
            chosen: None,
            masquerade: false,
            masquerade_for: Vec::new(),
            outcome: Outcome::Delivered,
            round_trip: crate::engine::time::Duration::ZERO,
            seen_source: None,
            branches: Vec::new(),
            return_hops: Vec::new(),
        }
    }

    #[test]
    fn each_assumption_is_noted_once_and_their_number_is_bounded() {
        let mut assumed = Assumed::default();
        assumed.note(&trace(Reason::Delivered));
        assert_eq!(assumed, Assumed::default());
        let outside = |n: u8| trace(Reason::AssumedOutside { ip: [192, 0, 2, n].into() });
        (0..2).for_each(|_| assumed.note(&outside(9)));
        assumed.note(&trace(Reason::BalancerPicked { node: "node-1".into(), of: 2 }));
        assumed.note(&trace(Reason::BalancerPicked { node: "node-2".into(), of: 2 }));
        let noted: Vec<&Assumption> = assumed.iter().collect();
        assert_eq!(noted, [&Assumption::OutsideAnswers([192, 0, 2, 9].into()), &Assumption::ForeignBalancer]);
        (0..200).for_each(|n| assumed.note(&outside(n)));
        assert_eq!(assumed.iter().count(), ASSUMED_MAX);
    }
}
