//! Connections of programs through the cluster's network: each packet meets the world as it is, and leaves its marks in the
//! kernels it passes.
//!
//! In a real cluster this is what sockets do. The walk and its rules are in [`crate::network::transport`]; here they meet the
//! cluster's state.

use std::net::IpAddr;
use std::sync::Arc;

use super::ground::GroundAt;
use super::story::Agent;
use super::{Cluster, Event};
use crate::api::component::Clock;
use crate::engine::model::Context;
use crate::engine::time::Instant;
use crate::explain::{Outcome, Trace};
use crate::network::Ground;
use crate::network::conntrack::{State, Tuple};
use crate::network::kernel::{Footprint, LOOKED_AT};
use crate::network::path::{self, Asked, Sending};
use crate::network::transport::{self, Connection, Opening, Sent};
use crate::network::wire::{HttpReply, HttpRequest, Source};
use crate::objects::Name;
use crate::objects::pod_spec::Protocol;
use crate::proxy::{Here, Programmed};

impl Cluster {
    /// Sends the first packet of a connection, or sends it again.
    pub(super) fn open(&mut self, opening: &Opening, clock: Clock) -> (Trace, Option<Connection>) {
        let port = self.port_of(&opening.from, opening.to.ip(), opening.port);
        let ground = GroundAt { cluster: self, now: clock.now };
        let opened = transport::open(&ground, clock.draws, opening, port, clock.now);
        let (footprint, state) = opened.footprint;
        self.kernels.passed(&footprint, opening.protocol, state, self.config.proxy.mode, clock.now);
        self.assumed.note(&opened.trace);
        (opened.trace, opened.connection)
    }

    /// One packet that belongs to nothing longer: a question over UDP, or the only one over its TCP connection.
    pub(super) fn datagram(&mut self, opening: &Opening, clock: Clock) -> Trace {
        let port = self.port_of(&opening.from, opening.to.ip(), opening.port);
        let ground = GroundAt { cluster: self, now: clock.now };
        let sending = Sending::First(port);
        let asked = Asked { from: &opening.from, to: opening.to, protocol: opening.protocol, now: clock.now, sending };
        let (trace, footprint) = path::follow(&ground, clock.draws, &asked);
        let state = match (opening.protocol, trace.outcome == Outcome::Delivered) {
            (Protocol::Tcp | Protocol::Sctp, true) => State::TimeWait,
            (protocol, answered) => State::after_first(protocol, answered),
        };
        self.kernels.passed(&footprint, opening.protocol, state, self.config.proxy.mode, clock.now);
        trace
    }

    /// The client's port: the one of a packet that is sent again, or its next one.
    fn port_of(&mut self, from: &Source, to: IpAddr, given: Option<u16>) -> u16 {
        let ground = GroundAt { cluster: self, now: Instant::START };
        let own = match from {
            Source::Outside => vec![ground.outside(to.is_ipv6())],
            Source::Node(node) => ground.node_ips(node),
            Source::Pod { namespace, name } => ground.pod(namespace, name).map(|(_, ips)| ips).unwrap_or_default(),
            Source::Address { ip, .. } => vec![*ip],
        };
        let own = own.into_iter().find(|ip| ip.is_ipv6() == to.is_ipv6());
        given.or_else(|| own.map(|ip| self.kernels.next_port(ip))).unwrap_or(LOOKED_AT)
    }

    /// Sends a request over a connection. What comes back is the server's answer as it would be if nothing happens meanwhile.
    pub(super) fn request(&mut self, connection: &Connection, request: &HttpRequest, clock: Clock) -> HttpReply {
        let (sent, footprint) = self.later(connection, clock);
        let (reply, state) = match sent {
            Sent::Lost => (HttpReply::Lost, State::Established),
            Sent::Reset => (HttpReply::Reset { after: connection.round_trip }, State::Close),
            Sent::Arrived => match self.http(connection, request, clock.now) {
                reply @ HttpReply::Reset { .. } => (reply, State::Close),
                reply @ HttpReply::Empty { .. } => (reply, State::CloseWait),
                reply => (reply, State::Established),
            },
        };
        match footprint {
            Some(footprint) => self.kernels.passed(&footprint, connection.protocol, state, self.config.proxy.mode, clock.now),
            None => self.kernels.moved(&connection.known_at, state, clock.now),
        }
        reply
    }

    /// What the client hears of the other end while it waits: the server's process may have ended, or its node.
    pub fn heard(&self, connection: &Connection, clock: Clock) -> Sent {
        self.later(connection, clock).0
    }

    /// A packet of an established connection. Where nothing is broken or forbidden and every node still has its note of it, the
    /// packet goes the way of the first, and need not be followed.
    fn later(&self, connection: &Connection, clock: Clock) -> (Sent, Option<Footprint>) {
        let ground = GroundAt { cluster: self, now: clock.now };
        let noted = |(node, tuple): &(Name, Tuple)| {
            self.kernels.get(node).is_some_and(|kernel| kernel.conntrack.get(tuple, clock.now).is_some())
        };
        let whole = self.faults.iter().next().is_none() && self.store.head().policies.is_empty();
        if whole && connection.known_at.iter().all(noted) && transport::lives(&ground, connection) {
            return (Sent::Arrived, None);
        }
        let (sent, footprint) = transport::send(&ground, clock.draws, connection, clock.now);
        (sent, Some(footprint))
    }

    /// The client closes. The server closes too when it hears of it.
    pub(super) fn close(&mut self, connection: &Connection, clock: Clock) {
        self.kernels.moved(&connection.known_at, State::TimeWait, clock.now);
    }

    /// What a node has programmed, by the node's number.
    pub(super) fn table_of(&self, node: u32) -> Option<Programmed> {
        let name = &self.config.nodes.get(node as usize)?.name;
        self.proxies.table(name).map(|(table, _)| table.clone())
    }

    /// A node's kube-proxy may have written its rules anew: what its kernel remembers of endpoints that went goes too.
    pub(super) fn proxy_ran(&mut self, node: u32, before: Option<Programmed>, cx: &Context<'_, Event>) {
        let revision = before.as_ref().map(|table| table.view().revision);
        self.tell_programmed((Agent::Proxy, node), revision, cx);
        let Some(name) = self.config.nodes.get(node as usize).map(|n| n.name.clone()) else { return };
        let (Some(before), Some(after)) = (before, self.table_of(node)) else { return };
        if Arc::ptr_eq(before.view(), after.view()) || self.kernels.get(&name).is_none() {
            return;
        }
        let zone = GroundAt { cluster: self, now: Instant::START }.zone(&name);
        let here = Here { node: &name, zone: zone.as_deref() };
        self.kernels.synced(here, &before, &after);
    }
}
