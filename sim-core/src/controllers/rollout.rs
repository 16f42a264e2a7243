//! The arithmetic of rolling updates and of scaling in the middle of one: numbers in, numbers out.
//!
//! The real thing: `pkg/controller/deployment/{rolling,sync}.go`, `util/deployment_util.go`.

use crate::objects::workload::{Deployment, Share, Strategy};

/// One replica set as the arithmetic sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// `spec.replicas`.
    pub wanted: i64,
    /// `status.availableReplicas`.
    pub available: i64,
    /// The `max-replicas` annotation: the deployment's size with surge when it was last sized.
    pub annotated: i64,
    /// Order of creation.
    pub age: usize,
}

/// Surge and unavailability in pods: surge rounds up, unavailability down; both zero makes unavailability one.
pub fn fence_posts(surge: Share, unavailable: Share, replicas: i64) -> (i64, i64) {
    let (surge, unavailable) = (surge.of(replicas, true), unavailable.of(replicas, false));
    if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable) }
}

/// Surge and unavailability of a deployment: no more can be unavailable than there are to be.
pub fn bounds(deployment: &Deployment) -> (i64, i64) {
    let Strategy::RollingUpdate { surge, unavailable } = deployment.strategy else { return (0, 0) };
    let (surge, unavailable) = fence_posts(surge, unavailable, deployment.replicas);
    (surge, unavailable.min(deployment.replicas))
}

/// How far the new set, now at `new` of `total` pods, may grow.
pub fn target(deployment: &Deployment, new: i64, total: i64) -> i64 {
    match deployment.strategy {
        Strategy::Recreate => deployment.replicas,
        Strategy::RollingUpdate { .. } => grown(deployment.replicas, bounds(deployment).0, new, total),
    }
}

fn grown(replicas: i64, surge: i64, new: i64, total: i64) -> i64 {
    let room = replicas + surge - total;
    if room <= 0 { new } else { new + room.min(replicas - new) }
}

/// How many replicas the new set is to have, given all sets.
pub fn new_size(replicas: i64, surge: i64, new: i64, total: i64) -> i64 {
    if new > replicas { replicas } else { grown(replicas, surge, new, total) }
}

/// The sizes of the old sets (oldest first) after one round of shrinking.
pub fn shrunk(replicas: i64, unavailable: i64, new: Size, old: &[Size]) -> Vec<i64> {
    let mut sizes: Vec<i64> = old.iter().map(|s| s.wanted).collect();
    let total: i64 = sizes.iter().sum::<i64>() + new.wanted;
    let minimum = replicas - unavailable;
    let budget = total - minimum - (new.wanted - new.available).max(0);
    if budget <= 0 {
        return sizes;
    }
    drop_broken(&mut sizes, old, budget);
    drop_surplus(&mut sizes, old.iter().map(|s| s.available).sum::<i64>() + new.available - minimum);
    sizes
}

/// First goes what does not work anyway, `budget` pods at most.
pub fn drop_broken(sizes: &mut [i64], old: &[Size], mut budget: i64) {
    for (size, set) in sizes.iter_mut().zip(old) {
        let broken = (set.wanted - set.available).clamp(0, budget.max(0));
        *size -= broken;
        budget -= broken;
    }
}

/// Then what is available beyond the minimum, the oldest sets first.
pub fn drop_surplus(sizes: &mut [i64], mut surplus: i64) {
    for size in sizes {
        let cut = (*size).min(surplus.max(0));
        *size -= cut;
        surplus -= cut;
    }
}

/// The sizes of all active sets when the deployment is resized to `replicas` in the middle of a rollout: in proportion.
pub fn proportional(replicas: i64, surge: i64, sets: &[Size]) -> Vec<i64> {
    let allowed = if replicas > 0 { replicas + surge } else { 0 };
    let total: i64 = sets.iter().map(|s| s.wanted).sum();
    let delta = allowed - total;
    let mut order: Vec<usize> = (0..sets.len()).collect();
    // Largest first; among equals the newer grows and the older shrinks first.
    order.sort_by_key(|i| (-sets[*i].wanted, if delta > 0 { usize::MAX - sets[*i].age } else { sets[*i].age }));
    let mut sizes: Vec<i64> = sets.iter().map(|s| s.wanted).collect();
    let mut left = delta;
    for at in &order {
        let set = sets[*at];
        let share = match set.annotated {
            _ if replicas == 0 => -set.wanted,
            // Nothing is known of its size before: it keeps it.
            ..=0 => 0,
            annotated => round(set.wanted * allowed, annotated) - set.wanted,
        };
        let share = if delta > 0 { share.clamp(0, left.max(0)) } else { share.clamp(left.min(0), 0) };
        sizes[*at] += share;
        left -= share;
    }
    if let Some(first) = order.first() {
        sizes[*first] = (sizes[*first] + left).max(0);
    }
    sizes
}

/// `a / b`, rounded to the nearest, halves up.
fn round(a: i64, b: i64) -> i64 {
    (2 * a + b).div_euclid(2 * b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaling_in_a_rollout_is_proportional() {
        let case = |from: i64, to: i64, surge: (i64, i64), sizes: &[i64]| {
            let sets: Vec<Size> = sizes
                .iter()
                .enumerate()
                .map(|(i, n)| Size { wanted: *n, available: *n, annotated: from + surge.0, age: sizes.len() - i })
                .collect();
            proportional(to, surge.1, &sets)
        };
        assert_eq!(case(5, 10, (0, 0), &[2, 3]), [4, 6]);
        assert_eq!(case(5, 3, (0, 0), &[2, 3]), [1, 2]);
        assert_eq!(case(9, 4, (0, 0), &[8, 1]), [4, 0]);
        assert_eq!(case(7, 10, (0, 0), &[2, 3, 2]), [3, 4, 3]);
        assert_eq!(case(13, 8, (0, 0), &[2, 8, 3]), [1, 5, 2]);
        assert_eq!(case(3, 4, (0, 0), &[1, 1, 1]), [2, 1, 1]);
        assert_eq!(case(3, 2, (0, 0), &[1, 1, 1]), [1, 1, 0]);
        assert_eq!(case(10, 20, (2, 2), &[6, 6]), [11, 11]);
        assert_eq!(case(10, 50, (3, 6), &[5, 8]), [22, 34]);
    }

    #[test]
    fn ten_replicas_roll_in_five_moves() {
        let size = |wanted: i64, available: i64| Size { wanted, available, ..Size::default() };
        assert_eq!(new_size(10, 3, 0, 10), 3);
        assert_eq!(shrunk(10, 2, size(3, 0), &[size(10, 10)]), [8]);
        assert_eq!(new_size(10, 3, 3, 11), 5);
        assert_eq!(shrunk(10, 2, size(5, 0), &[size(8, 8)]), [8], "unavailable new pods block");
        assert_eq!(shrunk(10, 2, size(5, 5), &[size(8, 8)]), [3]);
        assert_eq!(new_size(10, 3, 5, 8), 10);
        assert_eq!(shrunk(10, 2, size(10, 10), &[size(3, 3)]), [0]);
    }
}
