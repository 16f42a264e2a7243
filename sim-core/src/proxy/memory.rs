//! What the kernel of a node remembers for kube-proxy: whom clients with session affinity were sent to, and whose turn it is in
//! ipvs' round robin.
//!
//! In a real cluster iptables mode has one `recent` list for each endpoint of a service port, nftables mode a set with a timeout
//! for each, and ipvs mode persistence of each virtual server. Every new connection that goes through an endpoint writes the
//! client down anew. An endpoint's memory goes with the endpoint. Left out: that a persistent connection of ipvs which is still
//! open outlasts its timeout; other schedulers than `rr`.
//! The real thing: `xt_recent`, `nft_set_hash`, `ip_vs_rr.c` of Linux; `pkg/proxy/{iptables,nftables,ipvs}/proxier.go`.

use std::net::{IpAddr, SocketAddr};

use imbl::OrdMap;

use super::{Mode, Programmed};
use crate::engine::digest::{Digestible, StateDigest};
use crate::engine::time::{Duration, Instant};
use crate::objects::Name;
use crate::objects::pod_spec::Protocol;

/// Most clients in one `recent` list (`ip_list_tot` of `xt_recent`); the one seen longest ago makes room.
const RECENT_MAX: usize = 100;
/// Most clients in one set or virtual server (the default size of a dynamic set of nftables); later ones are not remembered.
const SET_MAX: usize = 65_535;
/// Most lists of a node: endpoints of ports with affinity that clients went through. Later ones are not kept.
const LISTS_MAX: usize = 65_536;

/// An address, port and protocol that ipvs balances.
pub type VirtualServer = (SocketAddr, Protocol);

/// What a memory of clients belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// A port of a Service, by whatever address it is reached.
    Port {
        /// `namespace/name`.
        service: Name,
        /// Name of the port.
        port: Name,
        /// Protocol.
        protocol: Protocol,
    },
    /// One virtual server.
    Virtual(VirtualServer),
}

/// A port with session affinity, as one packet meets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sticky {
    /// Whose memory it is.
    pub owner: Owner,
    /// How long a client is remembered after its last new connection.
    pub timeout: Duration,
}

/// The memory of one node.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    clients: OrdMap<(Owner, SocketAddr), OrdMap<IpAddr, Instant>>,
    /// The real server that had the last turn.
    turns: OrdMap<VirtualServer, SocketAddr>,
}

impl Memory {
    /// The candidate that a client was sent to before: the first in their order that remembers it.
    pub fn remembered(
        &self,
        sticky: &Sticky,
        client: IpAddr,
        candidates: &[SocketAddr],
        mode: Mode,
        now: Instant,
    ) -> Option<usize> {
        let knows = |candidate: &SocketAddr| {
            let seen = self.clients.get(&(sticky.owner.clone(), *candidate)).and_then(|list| list.get(&client));
            // `recent` compares for "not older than"; the others drop an entry when its time is up.
            seen.map(|at| now.since(*at)).is_some_and(|age| match mode {
                Mode::Iptables => age <= sticky.timeout,
                Mode::Nftables | Mode::Ipvs => age < sticky.timeout,
            })
        };
        candidates.iter().position(knows)
    }

    /// A new connection of a client went through an endpoint.
    pub fn remember(&mut self, sticky: &Sticky, client: IpAddr, endpoint: SocketAddr, mode: Mode, now: Instant) {
        if mode == Mode::Ipvs {
            // A virtual server has one template for each client.
            let others: Vec<_> = self.lists_of(&sticky.owner).filter(|e| *e != endpoint).collect();
            for other in others {
                if let Some(list) = self.clients.get_mut(&(sticky.owner.clone(), other)) {
                    list.remove(&client);
                }
            }
        }
        let key = (sticky.owner.clone(), endpoint);
        if self.clients.len() >= LISTS_MAX && !self.clients.contains_key(&key) {
            return;
        }
        let list = self.clients.entry(key).or_default();
        let known = list.contains_key(&client);
        if mode != Mode::Iptables && !known && list.len() >= SET_MAX {
            *list = list.iter().filter(|(_, at)| now.since(**at) < sticky.timeout).map(|(ip, at)| (*ip, *at)).collect();
        }
        if mode == Mode::Iptables && !known && list.len() >= RECENT_MAX {
            let oldest = list.iter().min_by_key(|(ip, at)| (**at, **ip)).map(|(ip, _)| *ip);
            oldest.map(|ip| list.remove(&ip));
        }
        if known || list.len() < SET_MAX {
            list.insert(client, now);
        }
    }

    fn lists_of(&self, owner: &Owner) -> impl Iterator<Item = SocketAddr> + '_ {
        let owner = owner.clone();
        let least = SocketAddr::new(IpAddr::from([0, 0, 0, 0]), 0);
        self.clients
            .range((owner.clone(), least)..)
            .map(|((o, e), _)| (o, e))
            .take_while(move |(o, _)| **o == owner)
            .map(|(_, e)| *e)
    }

    /// Whose turn it is among real servers in kube-proxy's order: the one after the last, or the first.
    pub fn turn(&self, server: &VirtualServer, candidates: &[SocketAddr]) -> usize {
        let Some(last) = self.turns.get(server) else { return 0 };
        let next = match candidates.iter().position(|c| c == last) {
            Some(at) => at + 1,
            // It is gone: go on with what came after it.
            None => candidates.iter().position(|c| c.to_string() > last.to_string()).unwrap_or(0),
        };
        if next < candidates.len() { next } else { 0 }
    }

    /// A real server had its turn.
    pub fn took_turn(&mut self, server: VirtualServer, endpoint: SocketAddr) {
        self.turns.insert(server, endpoint);
    }

    /// The node's rules were written anew: what belongs to endpoints or virtual servers that are no more goes with them.
    pub fn synced(&mut self, table: &Programmed, here: super::Here<'_>) {
        if self.clients.is_empty() && self.turns.is_empty() {
            return;
        }
        let mut kept: std::collections::BTreeSet<(Owner, SocketAddr)> = std::collections::BTreeSet::new();
        let lookup = table.lookup();
        let sticky = lookup.ports().iter().filter(|facts| facts.affinity.is_some());
        for facts in sticky {
            let (service, port, protocol) = (facts.name.clone(), facts.port().name.clone(), facts.port().protocol);
            let owner = Owner::Port { service, port, protocol };
            let usable = table.usable(facts, here);
            kept.extend(usable.cluster.iter().chain(&usable.local).map(|e| (owner.clone(), *e)));
        }
        let entry = |(to, protocol): &VirtualServer| {
            let by_port = || lookup.node_port(to.is_ipv6(), to.port(), *protocol);
            lookup.address(*to, *protocol).or_else(by_port)
        };
        let stays = |(owner, endpoint): &(Owner, SocketAddr)| match owner {
            Owner::Port { .. } => kept.contains(&(owner.clone(), *endpoint)),
            Owner::Virtual(server) => entry(server).filter(|e| e.facts.affinity.is_some()).is_some_and(|e| {
                let usable = table.usable(e.facts, here);
                usable.cluster.contains(endpoint) || usable.local.contains(endpoint)
            }),
        };
        let gone: Vec<_> = self.clients.keys().filter(|key| !stays(key)).cloned().collect();
        for key in gone {
            self.clients.remove(&key);
        }
        let gone: Vec<_> = self.turns.keys().filter(|server| entry(server).is_none()).copied().collect();
        for server in gone {
            self.turns.remove(&server);
        }
    }
}

impl Digestible for Memory {
    fn digest(&self, into: &mut StateDigest) {
        let Memory { clients, turns } = self;
        for (list, seen) in clients {
            into.fold(list);
            into.list(seen);
        }
        into.fold(&clients.len());
        into.list(turns);
    }
}

#[cfg(test)]
mod tests;
