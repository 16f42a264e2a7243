//! A table that does not slow down as it grows.
//!
//! In a real cluster the nftables mode has verdict maps and sets, and ipvs a hash table of virtual servers. Ours hashes by a
//! fixed multiplier and is never iterated, so that the same input gives the same bytes. Linear probing, at most half full.

use std::net::IpAddr;

use crate::objects::pod_spec::Protocol;

/// What can be looked up by.
pub trait Key: Eq {
    /// A word that differs between keys; it need not be spread.
    fn word(&self) -> u64;
}

impl Key for IpAddr {
    fn word(&self) -> u64 {
        match self {
            IpAddr::V4(ip) => u64::from(u32::from(*ip)),
            IpAddr::V6(ip) => {
                let bits = u128::from(*ip);
                let half = |bits: u128| u64::try_from(bits & u128::from(u64::MAX)).unwrap_or(0);
                half(bits >> 64).wrapping_mul(SPREAD).rotate_left(23) ^ half(bits)
            }
        }
    }
}

/// An address and port.
impl Key for (IpAddr, u16, Protocol) {
    fn word(&self) -> u64 {
        let (ip, port, protocol) = self;
        ip.word().wrapping_mul(SPREAD) ^ (false, *port, *protocol).word()
    }
}

/// A port on all addresses of a family: of IPv6, or not.
impl Key for (bool, u16, Protocol) {
    fn word(&self) -> u64 {
        let (v6, port, protocol) = self;
        let [high, low] = port.to_be_bytes();
        u64::from_be_bytes([0, 0, 0, 0, high, low, u8::from(*v6), *protocol as u8])
    }
}

/// 2^64 divided by the golden ratio: spreads consecutive addresses over the whole table (Knuth, *The Art of Computer
/// Programming*, 6.4).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// The smallest table.
const SLOTS_MIN: usize = 16;

/// A table of values; the first one of a key stays.
#[derive(Debug)]
pub struct HashTable<K, V> {
    slots: Vec<Option<(K, V)>>,
    used: usize,
}

impl<K, V> Default for HashTable<K, V> {
    fn default() -> Self {
        HashTable { slots: Vec::new(), used: 0 }
    }
}

impl<K: Key, V> HashTable<K, V> {
    /// The value of a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        if self.slots.is_empty() {
            return None;
        }
        self.slots[self.place(key)].as_ref().map(|(_, value)| value)
    }

    /// Puts a value in, unless the key has one.
    pub fn insert(&mut self, key: K, value: V) {
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
    fn place(&self, key: &K) -> usize {
        let mask = self.slots.len() - 1;
        let mut place = home(key) & mask;
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

/// Where a key would be in a table without end.
fn home(key: &impl Key) -> usize {
    usize::try_from(key.word().wrapping_mul(SPREAD) >> 32).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u32) -> (IpAddr, u16, Protocol) {
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
        assert!(steps(&table).all(|steps| steps < 16));
    }

    #[test]
    fn nor_do_ports() {
        let mut table = HashTable::default();
        (30_000..32_768_u16).for_each(|port| {
            table.insert((false, port, Protocol::Tcp), port);
            table.insert((true, port, Protocol::Udp), port);
        });
        assert!(steps(&table).all(|steps| steps < 16));
        assert_eq!(table.get(&(true, 30_000, Protocol::Udp)), Some(&30_000));
        assert_eq!(table.get(&(true, 30_000, Protocol::Tcp)), None);
    }

    #[test]
    fn the_halves_of_an_address_do_not_cancel_out() {
        let mut table = HashTable::default();
        let pair = |n: u32| IpAddr::V6((u128::from(n % 100) << 64 | u128::from(n / 100)).into());
        (0..10_000).for_each(|n| table.insert(pair(n), n));
        assert!(steps(&table).all(|steps| steps < 32));
        assert!((0..10_000).all(|n| table.get(&pair(n)) == Some(&n)));
    }

    /// How far each key is from where it would be alone.
    fn steps<K: Key, V>(table: &HashTable<K, V>) -> impl Iterator<Item = usize> + '_ {
        let mask = table.slots.len() - 1;
        let far = move |(at, slot): (usize, &Option<(K, V)>)| slot.as_ref().map(|(key, _)| at.wrapping_sub(home(key)) & mask);
        table.slots.iter().enumerate().filter_map(far)
    }
}
