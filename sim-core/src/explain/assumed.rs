//! What the answers of a run rested on although nobody said it: noted where an answer is given, for those who allow no assumption.
//!
//! No real cluster has it: there, a host answers or it does not. Left out: what containers are assumed to do, which their kubelet
//! notes when it starts them.

use std::net::IpAddr;

use super::{Basis, Reason, Trace};

/// Most assumptions that are kept; further ones are counted by nobody, since one is as bad as many.
const ASSUMED_MAX: usize = 100;

/// Assumptions, each once, in the order in which they were made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Assumed(Vec<String>);

impl Assumed {
    /// Notes what an answer rests on.
    pub fn note(&mut self, trace: &Trace) {
        for text in trace.hops.iter().filter_map(|hop| sentence(&hop.reason)) {
            if self.0.len() < ASSUMED_MAX && !self.0.contains(&text) {
                self.0.push(text);
            }
        }
    }

    /// One sentence for each.
    pub fn sentences(&self) -> impl Iterator<Item = &String> {
        self.0.iter()
    }
}

/// The assumption behind a decision, if it is one.
fn sentence(reason: &Reason) -> Option<String> {
    let of_address = |ip: &IpAddr, what: &str| format!("address {ip}: {what}");
    match reason {
        Reason::AssumedOutside { ip } => Some(of_address(ip, "outside the cluster; assumed that it answers")),
        Reason::NotModelled { ip } => Some(of_address(ip, "what is behind it is not modelled; no answer is given")),
        Reason::BalancerPicked { .. } | Reason::NoNodeBehindBalancer => {
            Some("load balancer: not one of this cluster's; assumed that it sends to any node that has power".to_string())
        }
        other => (other.basis() == Basis::Assumed).then(|| format!("{}: assumed", other.code())),
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
        let said: Vec<&String> = assumed.sentences().collect();
        assert_eq!(said.len(), 2, "{said:?}");
        assert_eq!(said[0], "address 192.0.2.9: outside the cluster; assumed that it answers");
        (0..200).for_each(|n| assumed.note(&outside(n)));
        assert_eq!(assumed.sentences().count(), ASSUMED_MAX);
    }
}
