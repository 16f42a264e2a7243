//! A pool of cluster IPs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use imbl::OrdSet;

use super::{Draw, Refused};
use crate::api::service::fields::Family;
use crate::api::validate::names::parse_cidr;
use crate::engine::digest::{Digestible, StateDigest};

/// Bounds of the static band: one sixteenth of the range, at least 16 and at most 256 addresses.
const BAND: (u128, u128, u128) = (16, 16, 256);
/// Shortest IPv6 prefix the server accepts.
const V6_BITS_MIN: u8 = 64;

/// The addresses of one service CIDR, and which of them are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpPool {
    cidr: String,
    family: Family,
    /// First and last address that can be given.
    first: u128,
    last: u128,
    /// How many addresses from `first` on are the static band.
    band: u128,
    taken: OrdSet<u128>,
}

/// A service CIDR that no pool can be made of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cidr:?} cannot be a service CIDR: {why}")]
pub struct NotAPool {
    /// What was given.
    pub cidr: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl IpPool {
    /// The pool of a CIDR such as `10.96.0.0/12`.
    pub fn new(cidr: &str) -> Result<Self, NotAPool> {
        let fail = |why| NotAPool { cidr: cidr.into(), why };
        let (address, bits) = parse_cidr(cidr).ok_or(fail("it is not an address, a slash and a prefix length"))?;
        let family = Family::of(address);
        let width = if family == Family::V4 { 32 } else { 128 };
        if family == Family::V6 && bits < V6_BITS_MIN {
            return Err(fail("the shortest allowed prefix length of IPv6 is 64"));
        }
        let size = 1u128 << (width - u32::from(bits));
        let network = to_number(address) & !(size - 1);
        // The network address is never given; the last one is IPv4's broadcast address, but usable in IPv6.
        let usable = if family == Family::V4 { size.saturating_sub(2) } else { size - 1 };
        if usable == 0 {
            return Err(fail("it holds no usable address"));
        }
        let (step, least, most) = BAND;
        let band = if size <= least { 0 } else { (size / step).clamp(least, most).min(usable) };
        let cidr = format!("{}/{bits}", to_address(family, network));
        Ok(IpPool { cidr, family, first: network + 1, last: network + usable, band, taken: OrdSet::new() })
    }

    /// The family of its addresses.
    pub fn family(&self) -> Family {
        self.family
    }

    /// Takes one address on request.
    pub fn take(&mut self, address: IpAddr) -> Result<(), Refused> {
        let number = to_number(address);
        if Family::of(address) != self.family || !(self.first..=self.last).contains(&number) {
            return Err(Refused::IpOutOfRange(address.to_string(), self.cidr.clone()));
        }
        match self.taken.insert(number) {
            Some(_) => Err(Refused::IpTaken),
            None => Ok(()),
        }
    }

    /// Takes any free address: upper band first, from a drawn start upwards and around, then the static band likewise.
    pub fn take_any(&mut self, draw: Draw<'_>) -> Result<IpAddr, Refused> {
        let split = self.first + self.band;
        let upper = (split <= self.last).then_some((split, self.last));
        let lower = (self.band > 0).then(|| (self.first, split - 1));
        for (from, to) in upper.into_iter().chain(lower) {
            let span = u64::try_from(to - from + 1).unwrap_or(u64::MAX);
            let start = from + u128::from(draw(span));
            let free = self.first_free(start, to).or_else(|| if start > from { self.first_free(from, start - 1) } else { None });
            if let Some(number) = free {
                self.taken.insert(number);
                return Ok(to_address(self.family, number));
            }
        }
        Err(Refused::Full)
    }

    /// Gives an address back; a free or foreign one is ignored.
    pub fn release(&mut self, address: IpAddr) {
        self.taken.remove(&to_number(address));
    }

    fn first_free(&self, from: u128, to: u128) -> Option<u128> {
        let mut candidate = from;
        for taken in self.taken.range(from..=to) {
            if *taken > candidate {
                break;
            }
            candidate = taken + 1;
        }
        (candidate <= to).then_some(candidate)
    }
}

fn to_number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

fn to_address(family: Family, number: u128) -> IpAddr {
    match family {
        Family::V4 => IpAddr::V4(Ipv4Addr::from(number as u32)),
        Family::V6 => IpAddr::V6(Ipv6Addr::from(number)),
    }
}

impl Digestible for IpPool {
    fn digest(&self, into: &mut StateDigest) {
        let IpPool { cidr, family, first, last, band, taken } = self;
        into.fold(&(cidr, family, first, last, band));
        into.list(taken);
    }
}
