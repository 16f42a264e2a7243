//! Address ranges, as Services, nodes and NetworkPolicies name them.
//!
//! In a real cluster they are CIDR texts that each component parses for itself. The real thing: Go's `net.IPNet`.

use std::net::IpAddr;

use super::json::parse_ip_sloppy;

/// An address range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Net {
    /// Any address of it.
    pub address: IpAddr,
    /// Length of the prefix.
    pub prefix: u8,
}

impl Net {
    /// Reads `10.0.0.0/8`, blanks around it and leading zeros allowed, as kube-proxy reads it.
    pub fn parse(text: &str) -> Option<Net> {
        let (address, prefix) = text.trim().split_once('/')?;
        let address = parse_ip_sloppy(address)?;
        let prefix: u8 = prefix.parse().ok()?;
        (prefix <= if address.is_ipv6() { 128 } else { 32 }).then_some(Net { address, prefix })
    }

    /// Whether an address lies in it.
    pub fn contains(&self, ip: IpAddr) -> bool {
        let cut = |n: u128, width: u32| n.checked_shr(width - u32::from(self.prefix)).unwrap_or(0);
        match (self.address, ip) {
            (IpAddr::V4(a), IpAddr::V4(b)) => cut(u128::from(u32::from(a)), 32) == cut(u128::from(u32::from(b)), 32),
            (IpAddr::V6(a), IpAddr::V6(b)) => cut(u128::from(a), 128) == cut(u128::from(b), 128),
            _ => false,
        }
    }
}
