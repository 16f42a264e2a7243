//! kube-proxy of each node: what it has seen, what it has programmed, and what that does with a packet.
//!
//! In a real cluster each kube-proxy watches Services and slices and rewrites the kernel's rules, at most once a second. Rules
//! are a function of the view, so a programmed table is a pointer to an old photograph here. We model the iptables and nftables
//! modes ([`rules`]), ipvs mode, and what the kernel remembers of clients and turns ([`memory`]). Left out: health check ports.
//! The real thing: `pkg/proxy`.

mod choose;
mod hash_table;
mod ipvs;
mod lookup;
pub mod memory;
pub mod rules;

use std::sync::Arc;

use imbl::OrdMap;

pub use self::choose::Here;
pub use self::lookup::{Entry, Lookup, PortFacts, Programmed};
use crate::api::component::{Clock, Reaction};
use crate::engine::digest::{Digestible, StateDigest};
use crate::engine::time::{Duration, Instant};
pub use crate::objects::net::Net;
use crate::objects::{Name, Object};
use crate::store::{Change, View};

/// At most one sync in this time.
const MIN_SYNC: Duration = Duration::from_secs(1);

/// Modes of kube-proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Mode {
    #[default]
    Iptables,
    Nftables,
    Ipvs,
}

impl Mode {
    /// As `--proxy-mode` has it.
    pub fn text(self) -> &'static str {
        match self {
            Mode::Iptables => "iptables",
            Mode::Nftables => "nftables",
            Mode::Ipvs => "ipvs",
        }
    }
}

/// How kube-proxy is set up; the same on all nodes.
#[derive(Clone, Debug, Hash)]
pub struct ProxyConfig {
    /// Mode.
    pub mode: Mode,
    /// `--masquerade-all`.
    pub masquerade_all: bool,
    /// `--nodeport-addresses`; empty = unset.
    pub node_port_addresses: Vec<NodePortAddress>,
    /// `--iptables-localhost-nodeports`.
    pub localhost_node_ports: bool,
    /// `--cluster-cidr`: what counts as pod traffic; `None` = no detection.
    pub pod_cidrs: Option<Vec<Net>>,
    /// Service ranges, as nftables knows them.
    pub service_cidrs: Vec<Net>,
}

impl ProxyConfig {
    /// Whether pods can be told from others in a family: each has a detector of its own, which needs a range of that family.
    pub fn detects_pods(&self, v6: bool) -> bool {
        self.pod_cidrs.iter().flatten().any(|net| net.address.is_ipv6() == v6)
    }
}

/// One entry of `--nodeport-addresses`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodePortAddress {
    /// Interface addresses within this range.
    Net(Net),
    /// The node IPs.
    Primary,
}

impl NodePortAddress {
    fn net(&self) -> Option<Net> {
        match self {
            NodePortAddress::Net(net) => Some(*net),
            NodePortAddress::Primary => None,
        }
    }
}

/// A sync is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Event(u32);

impl Event {
    /// The number of its node.
    pub fn node(&self) -> u32 {
        self.0
    }
}

/// One kube-proxy.
#[derive(Clone, Debug, Default)]
struct Proxy {
    programmed: Programmed,
    synced_at: Instant,
    waiting: bool,
    stopped: bool,
}

/// All of them, by the number of their node.
#[derive(Clone, Debug)]
pub struct Proxies {
    by_node: OrdMap<u32, Proxy>,
    numbers: OrdMap<Name, u32>,
    /// What was programmed last, anywhere: others who program the same Services share its maps.
    latest: Programmed,
}

impl Proxies {
    /// A proxy on each node; nothing is programmed yet.
    pub fn new(nodes: &[Name]) -> Self {
        let numbers: OrdMap<Name, u32> = nodes.iter().cloned().zip(0_u32..).collect();
        let by_node = numbers.values().map(|n| (*n, Proxy::default())).collect();
        Proxies { by_node, numbers, latest: Programmed::default() }
    }

    /// Whether a change is about Services, their slices, or a node's labels.
    pub fn interested(change: &Change) -> bool {
        match (change.before.as_ref(), change.after.as_ref()) {
            (Some(Object::Service(_) | Object::EndpointSlice(_)), _)
            | (_, Some(Object::Service(_) | Object::EndpointSlice(_))) => true,
            (Some(Object::Node(a)), Some(Object::Node(b))) => a.meta.labels != b.meta.labels || a.addresses != b.addresses,
            (None, Some(Object::Node(_))) => true,
            _ => false,
        }
    }

    /// Something changed: it is programmed now, or a second after the sync before.
    pub fn woken(&mut self, node: u32, view: &Arc<View>, clock: Clock) -> Reaction<Event> {
        let mut reaction = Reaction::default();
        let Some(proxy) = self.by_node.get_mut(&node).filter(|p| !p.stopped && !p.waiting) else { return reaction };
        let due = proxy.synced_at + MIN_SYNC;
        if due <= clock.now {
            self.program(node, view, clock.now);
        } else {
            proxy.waiting = true;
            reaction.timer(due.since(clock.now), Event(node));
        }
        reaction
    }

    /// A sync is due.
    pub fn handle(&mut self, event: Event, view: &Arc<View>, clock: Clock) -> Reaction<Event> {
        if let Some(proxy) = self.by_node.get_mut(&event.0) {
            proxy.waiting = false;
            if !proxy.stopped {
                self.program(event.0, view, clock.now);
            }
        }
        Reaction::default()
    }

    fn program(&mut self, node: u32, view: &Arc<View>, now: Instant) {
        if !Arc::ptr_eq(self.latest.view(), view) {
            self.latest = self.latest.with_view(view);
        }
        if let Some(proxy) = self.by_node.get_mut(&node) {
            (proxy.programmed, proxy.synced_at) = (self.latest.for_node(), now);
        }
    }

    /// Programs a view at once: what a node has at the start.
    pub fn program_now(&mut self, node: &Name, view: &Arc<View>, clock: Clock) {
        if let Some(number) = self.numbers.get(node).copied() {
            self.program(number, view, clock.now);
        }
    }

    /// What a node has programmed, and when.
    pub fn programmed(&self, node: &str) -> Option<(&Arc<View>, Instant)> {
        let (table, at) = self.table(node)?;
        Some((table.view(), at))
    }

    /// The same with the maps that packets are looked up by.
    pub fn table(&self, node: &str) -> Option<(&Programmed, Instant)> {
        let proxy = self.by_node.get(self.numbers.get(node)?)?;
        Some((&proxy.programmed, proxy.synced_at))
    }

    /// The revision a node has programmed.
    pub fn programmed_revision(&self, node: u32) -> Option<u64> {
        self.by_node.get(&node).map(|p| p.programmed.view().revision)
    }

    /// Those that have to be woken by a change: they run, and no sync is due anyway.
    pub fn idle(&self) -> impl Iterator<Item = u32> + '_ {
        self.by_node.iter().filter(|(_, p)| !p.waiting && !p.stopped).map(|(node, _)| *node)
    }

    /// Whether it runs.
    pub fn running(&self, node: u32) -> bool {
        self.by_node.get(&node).is_some_and(|p| !p.stopped)
    }

    /// Stops it (its rules stay) or starts it again.
    pub fn set_running(&mut self, node: &Name, running: bool) {
        if let Some(proxy) = self.numbers.get(node).and_then(|n| self.by_node.get_mut(n)) {
            proxy.stopped = !running;
        }
    }
}

impl Digestible for Proxy {
    fn digest(&self, into: &mut StateDigest) {
        let Proxy { programmed, synced_at, waiting, stopped } = self;
        programmed.digest(into);
        into.fold(&(synced_at, waiting, stopped));
    }
}

impl Digestible for Proxies {
    fn digest(&self, into: &mut StateDigest) {
        // Numbers by name are the configuration's; `latest` only saves making the same maps again.
        let Proxies { by_node, numbers: _, latest: _ } = self;
        into.parts(by_node);
    }
}

#[cfg(test)]
mod tests;
