//! A table by address, port and protocol that does not slow down as it grows.
//!
//! In a real cluster the nftables mode has verdict maps, and ipvs a hash table of virtual servers. Ours hashes by a fixed
//! multiplier and is never iterated, so that the same input gives the same bytes. Linear probing, at most half full.

use std::net::IpAddr;

use crate::objects::pod_spec::Protocol;

/// What a packet is looked up by.
pub type Key = (IpAddr, u16, Protocol);

/// 2^64 divided by the golden ratio: spreads consecutive addresses over the whole table (Knuth, *The Art of Computer
/// Programming*, 6.4).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// The smallest table.
const SLOTS_MIN: usize = 16;

/// A table of values; the first one of a key stays.
#[derive(Debug)]
pub struct HashTable<V> {
    slots: Vec<Option<(Key, V)>>,
    used: usize,
}

impl<V> Default for HashTable<V> {
    fn default() -> Self {
        HashTable { slots: Vec::new(), used: 0 }
    }
}

impl<V> HashTable<V> {
    /// The value of a key.
    pub fn get(&self, key: &Key) -> Option<&V> {
        if self.slots.is_empty() {
            return None;
        }
        self.slots[self.place(key)].as_ref().map(|(_, value)| value)
    }

    /// Puts a value in, unless the key has one.
    pub fn insert(&mut self, key: Key, value: V) {
        if self.slots.len() / 2 <= self.used {
            self.grow();
        }
        let place = self.place(&key);
        if self.slots[place].is_none() {
            self.slots[place] = Some((key, value));
            self.used += 1;
        }
    }

    /// Where a key is, or would go. There is always a free slot.
    fn place(&self, key: &Key) -> usize {
        let mask = self.slots.len() - 1;
        let mut place = usize::try_from(hash(key) >> 32).unwrap_or(0) & mask;
        while self.slots[place].as_ref().is_some_and(|(there, _)| there != key) {
            place = (place + 1) & mask;
        }
        place
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(SLOTS_MIN);
        let old = std::mem::replace(&mut self.slots, std::iter::repeat_with(|| None).take(size).collect());
        for (key, value) in old.into_iter().flatten() {
            let place = self.place(&key);
            self.slots[place] = Some((key, value));
        }
    }
}

fn hash((ip, port, protocol): &Key) -> u64 {
    let (high, low) = match ip {
        IpAddr::V4(ip) => (0, u64::from(u32::from(*ip))),
        IpAddr::V6(ip) => {
            let bits = u128::from(*ip);
            (u64::try_from(bits >> 64).unwrap_or(0), u64::try_from(bits & u128::from(u64::MAX)).unwrap_or(0))
        }
    };
    let rest = u64::from(*port) << 8 | *protocol as u64;
    let word = (high.wrapping_mul(SPREAD).rotate_left(23) ^ low).wrapping_mul(SPREAD) ^ rest;
    word.wrapping_mul(SPREAD)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u32) -> Key {
        let protocol = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp][n as usize % 3];
        let ip =
            if n.is_multiple_of(2) { IpAddr::V4((0x0a60_0000 + n / 6).into()) } else { IpAddr::V6(u128::from(n / 6).into()) };
        (ip, u16::try_from(80 + n % 7).unwrap(), protocol)
    }

    #[test]
    fn what_goes_in_is_found_again_and_nothing_else() {
        let mut table = HashTable::default();
        assert_eq!(table.get(&key(0)), None);
        let mut first = std::collections::BTreeMap::new();
        for n in 0..5_000 {
            table.insert(key(n), n);
            first.entry(key(n)).or_insert(n);
        }
        assert_eq!((table.used, table.slots.len()), (first.len(), 8192.max((first.len() * 2).next_power_of_two())));
        for n in 0..10_000 {
            assert_eq!(table.get(&key(n)), first.get(&key(n)), "{n}");
        }
    }

    #[test]
    fn neighbours_do_not_crowd() {
        let mut table = HashTable::default();
        (0..10_000_u32).for_each(|n| table.insert((IpAddr::V4((0x0a60_0000 + n).into()), 80, Protocol::Tcp), n));
        let mask = table.slots.len() - 1;
        let home = |key: &Key| usize::try_from(hash(key) >> 32).unwrap() & mask;
        let far = |(at, slot): (usize, &Option<(Key, u32)>)| slot.as_ref().map(|(key, _)| at.wrapping_sub(home(key)) & mask);
        assert!(table.slots.iter().enumerate().filter_map(far).all(|steps| steps < 16));
    }
}
