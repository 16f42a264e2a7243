//! Pod addresses of one node, as the CNI plugin `host-local` hands them out.
//!
//! The next address after the last one handed out, skipping the network's own, the gateway's (`.1`) and, in IPv4, the broadcast
//! address; a freed address is used again only after the range has wrapped around.
//! The real thing: `containernetworking/plugins`, `plugins/ipam/host-local`.

use std::net::IpAddr;

use imbl::OrdSet;

use crate::engine::digest::{Digestible, StateDigest};

/// One range and what is taken of it.
#[derive(Clone, Debug)]
pub struct Range {
    v6: bool,
    first: u128,
    last: u128,
    previous: u128,
    taken: OrdSet<u128>,
}

impl Range {
    /// A range from `10.244.1.0/24` or its IPv6 like; `None` if the text is no range with room for a pod.
    pub fn new(cidr: &str) -> Option<Range> {
        let (base, bits) = cidr.split_once('/')?;
        let (base, bits): (IpAddr, u32) = (base.parse().ok()?, bits.parse().ok()?);
        let (width, base) = match base {
            IpAddr::V4(ip) => (32, u128::from(u32::from(ip))),
            IpAddr::V6(ip) => (128, u128::from(ip)),
        };
        let host_bits = u32::checked_sub(width, bits)?;
        let size = 1u128.checked_shl(host_bits)?;
        let base = base & !(size - 1);
        let v6 = width == 128;
        let last = base + size - if v6 { 1 } else { 2 };
        (size > 3).then(|| Range { v6, first: base + 2, last, previous: base + 1, taken: OrdSet::new() })
    }

    fn ip(&self, number: u128) -> IpAddr {
        if self.v6 { IpAddr::from(number.to_be_bytes()) } else { IpAddr::from((number as u32).to_be_bytes()) }
    }

    fn number(ip: IpAddr) -> u128 {
        match ip {
            IpAddr::V4(ip) => u128::from(u32::from(ip)),
            IpAddr::V6(ip) => u128::from(ip),
        }
    }

    /// The next free address.
    pub fn take(&mut self) -> Option<IpAddr> {
        let span = self.last - self.first + 1;
        if self.taken.len() as u128 >= span {
            return None;
        }
        let mut candidate = self.previous;
        loop {
            candidate = if candidate >= self.last || candidate < self.first { self.first } else { candidate + 1 };
            if !self.taken.contains(&candidate) {
                break;
            }
        }
        self.previous = candidate;
        self.taken.insert(candidate);
        Some(self.ip(candidate))
    }

    /// Marks an address as in use already.
    pub fn learn(&mut self, ip: IpAddr) {
        let number = Range::number(ip);
        if ip.is_ipv6() == self.v6 && (self.first..=self.last).contains(&number) {
            self.taken.insert(number);
            self.previous = self.previous.max(number);
        }
    }

    /// Gives an address back.
    pub fn release(&mut self, ip: IpAddr) {
        self.taken.remove(&Range::number(ip));
    }
}

impl Digestible for Range {
    fn digest(&self, into: &mut StateDigest) {
        let Range { v6, first, last, previous, taken } = self;
        into.fold(&(v6, first, last, previous));
        into.list(taken);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_24_has_253_addresses_and_reuses_late() {
        let mut range = Range::new("10.244.1.0/24").unwrap();
        let first = range.take().unwrap();
        assert_eq!(first.to_string(), "10.244.1.2");
        range.release(first);
        assert_eq!(range.take().unwrap().to_string(), "10.244.1.3");
        let rest = std::iter::from_fn(|| range.take()).count();
        assert_eq!(rest, 252);
        assert!(Range::new("10.0.0.0/31").is_none() && Range::new("x").is_none() && Range::new("10.0.0.0/33").is_none());
        assert_eq!(Range::new("fd00::/64").unwrap().take().unwrap().to_string(), "fd00::2");
    }
}
