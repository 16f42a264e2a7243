//! Where chance has a say on a packet's way: drawn for a real packet, or set in advance to walk every possible way once.
//!
//! In a real cluster the kernel draws (`statistic` in iptables, `numgen` in nftables), and so does a balancer.

use std::hash::Hash;

use crate::engine::random::Draws;

/// Who chooses.
#[derive(Clone, Debug)]
pub(super) enum Chooser {
    /// The dice of the run.
    Drawn(Draws),
    /// The first choices as given, later ones the first of each list; what there was to choose from is noted.
    Set {
        /// The choices.
        picks: Vec<usize>,
        /// The length of each list so far.
        lists: Vec<usize>,
    },
}

impl Chooser {
    /// The way that takes these choices.
    pub(super) fn set(picks: &[usize]) -> Chooser {
        Chooser::Set { picks: picks.to_vec(), lists: Vec::new() }
    }

    /// The index of one of `of` things, all as likely; `None` of nothing.
    pub(super) fn choose(&mut self, what: &str, key: impl Hash, of: usize) -> Option<usize> {
        if of == 0 {
            return None;
        }
        match self {
            Chooser::Drawn(draws) => usize::try_from(draws.keyed(what, key).below(of as u64)).ok(),
            Chooser::Set { picks, lists } => {
                lists.push(of);
                Some(picks.get(lists.len() - 1).copied().unwrap_or(0).min(of - 1))
            }
        }
    }

    /// Whether a link that loses so many of a million packets loses this one. Ways that are walked in thought lose nothing.
    pub(super) fn loses(&self, ppm: u32, key: impl Hash) -> bool {
        match self {
            Chooser::Drawn(draws) => draws.keyed("network/loss", key).below(1_000_000) < u64::from(ppm),
            Chooser::Set { .. } => false,
        }
    }

    /// The choices of the next way, and one over the number of equally likely ways this one is of; `None` after the last.
    pub(super) fn next(&self) -> (Option<Vec<usize>>, u64) {
        let Chooser::Set { picks, lists } = self else { return (None, 1) };
        let ways = lists.iter().fold(1_u64, |n, list| n.saturating_mul(*list as u64));
        let mut next: Vec<usize> = (0..lists.len()).map(|i| picks.get(i).copied().unwrap_or(0)).collect();
        while let Some(last) = next.pop() {
            if last + 1 < lists[next.len()] {
                next.push(last + 1);
                return (Some(next), ways);
            }
        }
        (None, ways)
    }
}
