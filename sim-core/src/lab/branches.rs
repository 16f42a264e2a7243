//! The branches of time: histories that share their past.
//!
//! A real cluster has one history. Here whoever goes back and does something else starts another one, and the first stays as it
//! was: nothing is lost by trying. A branch that nobody stands on keeps its checkpoints and its log, not a present of its own; the
//! checkpoints are shared with the branch that it left.

use std::collections::BTreeMap;

use super::packets::Packets;
use crate::cluster::Cluster;
use crate::engine::run::Position;
use crate::engine::time::Instant;
use crate::engine::timeline::Timeline;

/// The name of the first branch.
pub const MAIN: &str = "main";
/// Most branches. Beyond that the oldest that was started by itself is forgotten; one with a given name is refused.
pub const BRANCHES_MAX: usize = 1_000;
/// Longest name of a branch, in bytes.
const NAME_BYTES_MAX: usize = 63;

/// One history.
#[derive(Clone)]
pub(super) struct Branch {
    pub timeline: Timeline<Cluster>,
    /// The end of what is known of it.
    pub furthest: Position,
    pub packets: Packets,
    /// From which branch it left, and when; nothing for the first.
    pub left: Option<(String, Instant)>,
    /// It was started by somebody who acted in the past, not by `branch`.
    pub is_automatic: bool,
    /// Its place in the order in which branches were made.
    number: u64,
}

/// A branch as `branches` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BranchSeen {
    /// Its name.
    pub name: String,
    /// Whether the world stands on it.
    pub is_current: bool,
    /// Where it stands.
    pub at: Instant,
    /// The end of what is known of it.
    pub end: Instant,
    /// From which branch it left, and when.
    pub left: Option<(String, Instant)>,
}

/// Why a branch cannot be made or switched to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoBranch {
    /// The name is not one.
    #[error("`{0}` is no name for a branch; use letters, digits, `-`, `_`, `.` and `~`, at most 63 of them")]
    BadName(String),
    /// There is one of that name.
    #[error("there is a branch `{0}` already; `switch {0}` goes there")]
    Exists(String),
    /// There is none of that name.
    #[error("there is no branch `{name}`; there are {known}")]
    Unknown {
        /// The name.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// There are too many.
    #[error("there are {BRANCHES_MAX} branches, and no more are kept; go on with one that there is")]
    TooMany,
}

/// All branches but the one on which the world stands.
#[derive(Clone)]
pub(super) struct Branches {
    pub current: String,
    others: BTreeMap<String, Branch>,
    made: u64,
}

impl Branch {
    /// The first history.
    pub fn first(timeline: Timeline<Cluster>) -> Branch {
        let furthest = timeline.position();
        Branch { timeline, furthest, packets: Packets::default(), left: None, is_automatic: false, number: 0 }
    }

    /// Another history that begins here, with nothing ahead.
    fn leave(&self, from: &str, number: u64, is_automatic: bool) -> Branch {
        let mut timeline = self.timeline.fork();
        timeline.cut();
        let here = timeline.position();
        let packets = self.packets.until(here);
        Branch { timeline, furthest: here, packets, left: Some((from.to_string(), here.at)), is_automatic, number }
    }

    /// Something is known that lies ahead.
    pub fn is_in_the_past(&self) -> bool {
        self.timeline.position() < self.furthest
    }

    fn seen(&self, name: &str, is_current: bool) -> BranchSeen {
        let (at, end) = (self.timeline.now(), self.furthest.at);
        BranchSeen { name: name.to_string(), is_current, at, end, left: self.left.clone() }
    }
}

impl Branches {
    /// Only the first branch, which is the current one.
    pub fn new() -> Branches {
        Branches { current: MAIN.to_string(), others: BTreeMap::new(), made: 0 }
    }

    /// All of them, in the order in which they were made.
    pub fn seen(&self, current: &Branch) -> Vec<BranchSeen> {
        let mut all: Vec<(u64, BranchSeen)> = self.others.iter().map(|(name, b)| (b.number, b.seen(name, false))).collect();
        all.push((current.number, current.seen(&self.current, true)));
        all.sort_by_key(|(number, _)| *number);
        all.into_iter().map(|(_, seen)| seen).collect()
    }

    /// Starts a branch of that name here; it becomes the current one.
    pub fn start(&mut self, current: &mut Branch, name: &str) -> Result<(), NoBranch> {
        let is_letter = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
        if name.is_empty() || name.len() > NAME_BYTES_MAX || name.starts_with('-') || !name.chars().all(is_letter) {
            return Err(NoBranch::BadName(name.to_string()));
        }
        if name == self.current || self.others.contains_key(name) {
            return Err(NoBranch::Exists(name.to_string()));
        }
        if self.others.len() + 1 >= BRANCHES_MAX {
            return Err(NoBranch::TooMany);
        }
        self.leave(current, name.to_string(), false);
        Ok(())
    }

    /// Starts a branch because somebody acts where something is known to lie ahead: `main~1`, `main~2`.
    pub fn start_by_itself(&mut self, current: &mut Branch) {
        if self.others.len() + 1 >= BRANCHES_MAX {
            let automatic = self.others.iter().filter(|(_, branch)| branch.is_automatic);
            let oldest = automatic.min_by_key(|(_, branch)| branch.number).map(|(name, _)| name.clone());
            oldest.map(|name| self.others.remove(&name));
        }
        let base = self.current.split('~').next().unwrap_or(MAIN).to_string();
        let number = |name: &String| name.strip_prefix(&base)?.strip_prefix('~')?.parse::<u64>().ok();
        let last = self.others.keys().chain([&self.current]).filter_map(number).max().unwrap_or(0);
        self.leave(current, format!("{base}~{}", last + 1), true);
    }

    fn leave(&mut self, current: &mut Branch, name: String, is_automatic: bool) {
        self.made += 1;
        let next = current.leave(&self.current, self.made, is_automatic);
        let left = std::mem::replace(current, next);
        self.others.insert(std::mem::replace(&mut self.current, name), left);
    }

    /// Goes to another branch, where it stands.
    pub fn switch(&mut self, current: &mut Branch, name: &str) -> Result<(), NoBranch> {
        if name == self.current {
            return Ok(());
        }
        let Some(next) = self.others.remove(name) else {
            let known: Vec<String> = self.seen(current).into_iter().take(20).map(|seen| seen.name).collect();
            return Err(NoBranch::Unknown { name: name.to_string(), known: known.join(", ") });
        };
        let left = std::mem::replace(current, next);
        self.others.insert(std::mem::replace(&mut self.current, name.to_string()), left);
        Ok(())
    }
}
