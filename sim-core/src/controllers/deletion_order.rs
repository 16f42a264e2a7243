//! Which pods a replica set gives up first.
//!
//! The first difference decides. Ages are compared by their binary logarithm, so that nearly equal ones count as equal.
//! The real thing: `ActivePodsWithRanks` in `pkg/controller/controller_utils.go`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::objects::Name;
use crate::objects::pod::{Phase, Pod};
use crate::objects::time::Timestamp;

const COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// A pod's place in the order; the smallest goes first.
pub(super) type Place = (bool, u8, bool, i32, i64, Ages, Option<Name>);
/// Logarithm of the time it is ready, restarts (the more the earlier), logarithm of its age.
type Ages = (i64, i64, i64);

/// The pods in the order in which they are given up. `related` are the live pods of all sets of the same owner.
pub fn ranked(live: &[Arc<Pod>], related: &[Arc<Pod>], now: Timestamp) -> Vec<Arc<Pod>> {
    let mut on_node: BTreeMap<&Name, i64> = BTreeMap::new();
    related.iter().filter_map(|p| p.node.as_ref()).for_each(|node| *on_node.entry(node).or_default() += 1);
    let crowd = |pod: &Pod| pod.node.as_ref().and_then(|n| on_node.get(n)).copied().unwrap_or(0);
    let mut pods = live.to_vec();
    pods.sort_by_cached_key(|pod| place(pod, crowd(pod), now));
    pods
}

/// The `count` pods to give up. If all have to go, their order does not matter and stays.
pub fn doomed(live: &[Arc<Pod>], related: &[Arc<Pod>], count: usize, now: Timestamp) -> Vec<Arc<Pod>> {
    if count >= live.len() {
        return live.to_vec();
    }
    ranked(live, related, now).into_iter().take(count).collect()
}

pub(super) fn place(pod: &Pod, crowd: i64, now: Timestamp) -> Place {
    let phase = match pod.status.phase {
        Phase::Pending => 0,
        Phase::Unknown => 1,
        Phase::Running => 2,
        // Upstream looks these up in a map that does not have them.
        Phase::Unset | Phase::Succeeded | Phase::Failed => 0,
    };
    let cost = pod.meta.annotations.get(COST).and_then(|t| t.parse().ok()).unwrap_or(0);
    let ready_since = pod.condition("Ready").filter(|c| c.is_true()).and_then(|c| c.transition);
    let restarts = pod.status.containers.iter().map(|c| i64::from(c.restarts)).max().unwrap_or(0);
    let ages = (magnitude(ready_since, now), -restarts, magnitude(pod.meta.created, now));
    (pod.node.is_some(), phase, pod.ready(), cost, -crowd, ages, pod.meta.uid.clone())
}

/// The binary logarithm of an age in nanoseconds; an unset time counts as the shortest.
fn magnitude(since: Option<Timestamp>, now: Timestamp) -> i64 {
    since.map_or(-1, |t| i64::from(now.nanos_since(t).max(1).ilog2()))
}
