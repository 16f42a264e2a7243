//! What the kernels of the nodes remember of the packets that went through them.
//!
//! In a real cluster each node's kernel has its own connection tracking, its own memory of clients with session affinity, its
//! own turn of ipvs' round robin; each client has its ephemeral ports. All of it is gone when a node loses power.
//! A packet's walk only reads this; what it would leave behind is a [`Footprint`], which real traffic applies and `trace` drops.

use std::net::{IpAddr, SocketAddr};

use imbl::OrdMap;

use super::conntrack::{Conntrack, State, Tuple};
use crate::engine::digest::{Digestible, StateDigest};
use crate::engine::time::Instant;
use crate::objects::Name;
use crate::objects::pod_spec::Protocol;
use crate::proxy::memory::{Memory, Sticky, VirtualServer};
use crate::proxy::{Here, Mode, Programmed};

/// The port of a client whose packet is only looked at; real ones are above it.
pub const LOOKED_AT: u16 = 40_000;
/// The last ephemeral port of Linux (`net.ipv4.ip_local_port_range`).
const PORT_MAX: u16 = 60_999;
/// Most clients whose last port is remembered; the others begin again.
const CLIENTS_MAX: usize = 65_536;

/// One node's kernel.
#[derive(Clone, Debug, Default)]
pub struct Kernel {
    /// Its connection tracking.
    pub conntrack: Conntrack,
    /// What it remembers for kube-proxy.
    pub memory: Memory,
}

/// A node that let a packet through, and what it would remember of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Station {
    /// The node.
    pub node: Name,
    /// Source and destination as the packet came.
    pub before: (SocketAddr, SocketAddr),
    /// Source and destination as it left.
    pub after: (SocketAddr, SocketAddr),
    /// The endpoint picked for a new flow; `None` where nothing was picked.
    pub picked: Option<Picked>,
    /// The flow was known.
    pub known: bool,
}

/// A pick, and who remembers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picked {
    /// The endpoint.
    pub endpoint: SocketAddr,
    /// It remembers its clients.
    pub sticky: Option<Sticky>,
    /// It was its turn.
    pub turns: Option<VirtualServer>,
}

/// All stations of a walk.
pub type Footprint = Vec<Station>;

/// The kernels of all nodes, and the clients' ports.
#[derive(Clone, Debug, Default)]
pub struct Kernels {
    by_node: OrdMap<Name, Kernel>,
    ports: OrdMap<IpAddr, u16>,
}

impl Kernels {
    /// The kernel of a node; `None` if nothing went through it yet.
    pub fn get(&self, node: &str) -> Option<&Kernel> {
        self.by_node.get(node)
    }

    /// How many flows all of them have noted.
    pub fn flows(&self) -> usize {
        self.by_node.values().map(|kernel| kernel.conntrack.len()).sum()
    }

    /// The next ephemeral port of a client.
    pub fn next_port(&mut self, client: IpAddr) -> u16 {
        let last = self.ports.get(&client).copied().unwrap_or(LOOKED_AT);
        let port = if last >= PORT_MAX { LOOKED_AT + 1 } else { last + 1 };
        if self.ports.len() < CLIENTS_MAX || self.ports.contains_key(&client) {
            self.ports.insert(client, port);
        }
        port
    }

    /// A packet went through: flows are noted, or go on in `state`; picks are remembered.
    pub fn passed(&mut self, footprint: &Footprint, protocol: Protocol, state: State, mode: Mode, now: Instant) {
        for station in footprint {
            let kernel = self.by_node.entry(station.node.clone()).or_default();
            let tuple = Tuple { protocol, source: station.before.0, destination: station.before.1 };
            if station.known {
                kernel.conntrack.touch(&tuple, state, now);
            } else {
                kernel.conntrack.add(tuple, (station.after.1, station.after.0), state, now);
            }
            let Some(picked) = &station.picked else { continue };
            if let Some(sticky) = &picked.sticky {
                kernel.memory.remember(sticky, station.before.0.ip(), picked.endpoint, mode, now);
            }
            if let Some(server) = picked.turns {
                kernel.memory.took_turn(server, picked.endpoint);
            }
        }
    }

    /// A flow goes into another state at every node that knows it under these addresses.
    pub fn moved(&mut self, tuples: &[(Name, Tuple)], state: State, now: Instant) {
        for (node, tuple) in tuples {
            if let Some(kernel) = self.by_node.get_mut(node) {
                kernel.conntrack.touch(tuple, state, now);
            }
        }
    }

    /// A node's kube-proxy wrote its rules anew.
    pub fn synced(&mut self, here: Here<'_>, before: &Programmed, after: &Programmed) {
        if let Some(kernel) = self.by_node.get_mut(here.node) {
            kernel.memory.synced(after, here);
            kernel.conntrack.clear_stale_udp(before, after);
        }
    }

    /// A node lost power.
    pub fn forget(&mut self, node: &str) {
        self.by_node.remove(node);
    }
}

impl Digestible for Kernel {
    fn digest(&self, into: &mut StateDigest) {
        let Kernel { conntrack, memory } = self;
        conntrack.digest(into);
        memory.digest(into);
    }
}

impl Digestible for Kernels {
    fn digest(&self, into: &mut StateDigest) {
        let Kernels { by_node, ports } = self;
        into.parts(by_node);
        into.list(ports);
    }
}
