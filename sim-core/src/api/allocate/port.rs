//! The pool of node ports.

use imbl::OrdSet;

use super::{Draw, Refused};
use crate::engine::digest::{Digestible, StateDigest};

/// Bounds of the static band: one thirty-second of the range, at least 16 and at most 128 ports.
const BAND: (u32, u32, u32) = (32, 16, 128);

/// The node port range, and which ports of it are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortPool {
    first: u16,
    last: u16,
    taken: OrdSet<u16>,
}

impl PortPool {
    /// The ports from `first` to `last`, both included.
    pub fn new(first: u16, last: u16) -> Self {
        PortPool { first, last: last.max(first), taken: OrdSet::new() }
    }

    /// Takes one port on request.
    pub fn take(&mut self, port: i64) -> Result<(), Refused> {
        let port = u16::try_from(port).ok().filter(|p| (self.first..=self.last).contains(p));
        let port = port.ok_or(Refused::PortOutOfRange(self.first, self.last))?;
        match self.taken.insert(port) {
            Some(_) => Err(Refused::PortTaken),
            None => Ok(()),
        }
    }

    /// Takes any free port: upper band first, from a drawn start upwards and around, then the static band likewise.
    pub fn take_any(&mut self, draw: Draw<'_>) -> Result<u16, Refused> {
        let (first, last) = (u32::from(self.first), u32::from(self.last));
        let split = first + self.band();
        let upper = (split <= last).then_some((split, last));
        let lower = (split > first).then(|| (first, split - 1));
        for (from, to) in upper.into_iter().chain(lower) {
            let span = to - from + 1;
            let start = draw(u64::from(span)) as u32 % span;
            let around = (0..span).map(|step| (from + (start + step) % span) as u16);
            if let Some(port) = around.into_iter().find(|port| !self.taken.contains(port)) {
                self.taken.insert(port);
                return Ok(port);
            }
        }
        Err(Refused::Full)
    }

    /// Gives a port back; a free or foreign one is ignored.
    pub fn release(&mut self, port: i64) {
        if let Ok(port) = u16::try_from(port) {
            self.taken.remove(&port);
        }
    }

    fn band(&self) -> u32 {
        let (step, least, most) = BAND;
        let size = u32::from(self.last - self.first) + 1;
        if size <= least { 0 } else { (size / step).clamp(least, most) }
    }
}

impl Digestible for PortPool {
    fn digest(&self, into: &mut StateDigest) {
        let PortPool { first, last, taken } = self;
        into.fold(&(first, last));
        into.list(taken);
    }
}
