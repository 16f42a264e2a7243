//! The machines of a cluster, found by name and by address without a scan.
//!
//! In a real cluster nobody looks for a node in a list: names are keys of the API and addresses are entries of a route table.
//! The list never changes while the cluster runs, so that the two indexes are made once. Where two machines have one name or
//! address, the first in the list has it.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::ops::Deref;

use super::config::NodeConfig;

/// The machines in the order in which they were configured; a list for everything but look-ups.
#[derive(Clone, Debug, Default)]
pub struct Machines {
    list: Vec<NodeConfig>,
    by_name: BTreeMap<String, usize>,
    by_address: BTreeMap<IpAddr, usize>,
}

/// The indexes follow from the list.
impl Hash for Machines {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.list.hash(state);
    }
}

impl Machines {
    /// The machine of that name.
    pub fn named(&self, name: &str) -> Option<&NodeConfig> {
        self.by_name.get(name).map(|place| &self.list[*place])
    }

    /// The number by which components know the machine of that name: its place in the list.
    pub fn number(&self, name: &str) -> Option<u32> {
        self.by_name.get(name).and_then(|place| u32::try_from(*place).ok())
    }

    /// The machine that has an address on one of its interfaces, those seen from outside included.
    pub fn at_address(&self, ip: IpAddr) -> Option<&NodeConfig> {
        self.by_address.get(&ip).map(|place| &self.list[*place])
    }
}

impl From<Vec<NodeConfig>> for Machines {
    fn from(list: Vec<NodeConfig>) -> Machines {
        let (mut by_name, mut by_address) = (BTreeMap::new(), BTreeMap::new());
        for (place, machine) in list.iter().enumerate() {
            by_name.entry(machine.name.clone()).or_insert(place);
            for ip in machine.ips.iter().chain(&machine.external_ips) {
                by_address.entry(*ip).or_insert(place);
            }
        }
        Machines { list, by_name, by_address }
    }
}

impl Deref for Machines {
    type Target = [NodeConfig];

    fn deref(&self) -> &[NodeConfig] {
        &self.list
    }
}

impl<'a> IntoIterator for &'a Machines {
    type Item = &'a NodeConfig;
    type IntoIter = std::slice::Iter<'a, NodeConfig>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_with_a_name_or_an_address_has_it() {
        let ip = |last: u8| IpAddr::from([192, 168, 0, last]);
        let machine = |name: &str, ips: &[u8], external: &[u8]| NodeConfig {
            name: name.to_string(),
            ips: ips.iter().copied().map(ip).collect(),
            external_ips: external.iter().copied().map(ip).collect(),
            ..NodeConfig::default()
        };
        let machines = Machines::from(vec![machine("a", &[1], &[9]), machine("b", &[2, 1], &[]), machine("a", &[3], &[])]);
        let at = |last: u8| machines.at_address(ip(last)).and_then(|m| m.ips.first().copied());
        assert_eq!((at(1), at(2), at(3), at(9), at(4)), (Some(ip(1)), Some(ip(2)), Some(ip(3)), Some(ip(1)), None));
        assert_eq!((machines.number("a"), machines.number("b"), machines.number("c")), (Some(0), Some(1), None));
        assert_eq!(machines.named("b").map(|m| m.ips.len()), Some(2));
        assert_eq!(machines.iter().count(), 3);
    }
}
