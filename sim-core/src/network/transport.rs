//! Connections as their two ends have them: opened, used, closed.
//!
//! In a real cluster a connection is two sockets, and notes about it in the kernels between. A program opens one ([`open`]), sends
//! requests over it ([`send`]), sees whether the other end is still there ([`lives`]), and closes it. Here too the path is walked
//! for every packet, so a connection meets each fault as it then is; but the rules decided once, for its first packet.
//! Who closes first, what is lost: when a process ends its kernel says so to the other end (FIN, or RST to what still comes), if
//! there is a way; a node without power says nothing, and the client's kernel sends again for a quarter of an hour
//! ([`RETRANSMITS`]). Left out: windows, segments, delayed answers of TCP; a FIN that is lost counts as heard once the way is whole.
//! The real thing: `tcp_timer.c`, `tcp_input.c` of Linux; `Documentation/networking/ip-sysctl.rst`.

use std::net::SocketAddr;

use super::Ground;
use super::conntrack::{State, Tuple};
use super::graph::OUTSIDE;
use super::kernel::Footprint;
use super::path::{self, Asked, Sending};
use super::wire::Source;
use crate::engine::random::Draws;
use crate::engine::time::{Duration, Instant};
use crate::explain::{Outcome, Place, Trace};
use crate::kubelet::Sandbox;
use crate::objects::Name;
use crate::objects::pod_spec::Protocol;

/// Waits before the SYN is sent again (`tcp_syn_retries` = 6, the first after one second); after the last the kernel gives up,
/// 127 s after the first SYN.
pub const SYN_WAITS: [Duration; 7] = {
    let s = Duration::from_secs;
    [s(1), s(2), s(4), s(8), s(16), s(32), s(64)]
};

/// How long data that nobody acknowledges is sent again before the connection fails with ETIMEDOUT.
pub const RETRANSMITS: Duration = Duration::from_millis(924_600);

/// Waits before data is sent again, and after the last before the kernel gives up: `tcp_retries2` = 15 times again, after 200 ms
/// (the round trips of a cluster are far below that), doubling up to 120 s each.
pub fn retransmissions() -> impl Iterator<Item = Duration> {
    (0..=15).map(|n| Duration::from_millis((200_u64 << n).min(120_000)))
}

/// What a client measures beyond the kernel's 127 s until it reports (curl is seen to say 129 to 131 s): the retry timers of
/// Linux fire late by up to a few hundred milliseconds each.
pub const SYN_SLACK: Duration = Duration::from_millis(2_261);

/// While an answer is awaited the other end is looked at after this long, and later each time a hundredth of the time has passed:
/// the error of the moment at which its end is noticed.
const LOOK_AFTER: Duration = Duration::from_millis(10);

/// Keep-alive probes: curl asks for one after 60 s of silence and one each 60 s from then on.
const PROBE_EVERY: Duration = Duration::from_secs(60);

/// Linux gives up after nine probes without an answer (`net.ipv4.tcp_keepalive_probes`).
const PROBES: u64 = 9;

/// Who has no limit at all waits for a day.
pub const NO_LIMIT: Duration = Duration::from_secs(86_400);

/// Until the other end is looked at again, when an answer has been awaited for so long.
pub fn next_look(spent: Duration) -> Duration {
    LOOK_AFTER.max(Duration::from_nanos(spent.as_nanos() / 100))
}

/// When the last probe was due of those sent in the time that an answer has been awaited.
pub fn last_probe(spent: Duration) -> Duration {
    PROBE_EVERY.times(spent.as_nanos() / PROBE_EVERY.as_nanos())
}

/// So long after the last acknowledged probe the kernel gives up.
pub fn probes_give_up() -> Duration {
    PROBE_EVERY.times(PROBES + 1)
}

/// The first packet of a connection, to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Opening {
    /// Where the client is.
    pub from: Source,
    /// What it connects to.
    pub to: SocketAddr,
    /// Protocol.
    pub protocol: Protocol,
    /// The client's port, if this packet was sent before; a retry belongs to the same flow.
    pub port: Option<u16>,
}

/// An established connection, as the client's end knows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Connection {
    /// Where the client is.
    pub from: Source,
    /// The client's address and port.
    pub client: SocketAddr,
    /// What it connected to.
    pub to: SocketAddr,
    /// Protocol.
    pub protocol: Protocol,
    /// Who accepted.
    pub server: Server,
    /// The client as the server sees it.
    pub seen_source: SocketAddr,
    /// There and back.
    pub round_trip: Duration,
    /// The nodes that know it, and under which addresses.
    pub known_at: Vec<(Name, Tuple)>,
}

/// The other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Server {
    /// Its address and port.
    pub address: SocketAddr,
    /// Whose socket it is.
    pub end: End,
}

/// Whose socket accepted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// A process in a pod.
    Pod {
        /// Namespace of the pod.
        namespace: Name,
        /// Its name.
        name: Name,
        /// The node on which it runs.
        node: Name,
        /// Which sandbox with that address.
        sandbox: u32,
        /// Which process; `None` where no kubelet runs.
        process: Option<u32>,
    },
    /// A process on a node's own network.
    Node(Name),
    /// A host outside the cluster.
    Outside,
}

/// What came of a first packet.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Its way.
    pub trace: Trace,
    /// The connection, if the server accepted.
    pub connection: Option<Connection>,
    /// What it leaves behind, and in which state.
    pub footprint: (Footprint, State),
}

/// What became of a packet over a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The process that accepted has it.
    Arrived,
    /// The other end said that it is gone (FIN, or RST), or somebody else's kernel says that it knows no such connection (RST).
    Reset,
    /// Nothing comes back.
    Lost,
}

/// Sends the first packet of a connection.
pub fn open(ground: &dyn Ground, draws: Draws, opening: &Opening, port: u16, now: Instant) -> Opened {
    let (from, to, protocol) = (&opening.from, opening.to, opening.protocol);
    let asked = Asked { from, to, protocol, now, sending: Sending::First(port) };
    let (trace, footprint) = path::follow(ground, draws, &asked);
    let state = match trace.outcome {
        Outcome::Refused => {
            if protocol == Protocol::Udp {
                State::Unreplied
            } else {
                State::Close
            }
        }
        outcome => State::after_first(protocol, outcome == Outcome::Delivered),
    };
    let connection = (trace.outcome == Outcome::Delivered).then(|| established(ground, opening, &trace, &footprint));
    Opened { trace, connection: connection.flatten(), footprint: (footprint, state) }
}

fn established(ground: &dyn Ground, opening: &Opening, trace: &Trace, footprint: &Footprint) -> Option<Connection> {
    let last = trace.hops.last()?;
    let address = last.before.1;
    let end = match &last.place {
        Place::Pod { namespace, name } => {
            let sandbox = sandbox_at(ground, (namespace, name), address);
            let process = sandbox.as_ref().and_then(|s| s.processes.iter().find(|p| p.listens.contains(&address.port())));
            End::Pod {
                namespace: namespace.clone(),
                name: name.clone(),
                node: sandbox.as_ref().map_or_else(Name::default, |s| s.node.clone()),
                sandbox: sandbox.as_ref().map_or(0, |s| s.id),
                process: process.map(|p| p.number),
            }
        }
        Place::Node(node) => End::Node(node.clone()),
        Place::Client | Place::Balancer | Place::Outside => End::Outside,
    };
    let tuple = |(source, destination)| Tuple { protocol: opening.protocol, source, destination };
    Some(Connection {
        from: opening.from.clone(),
        client: trace.asked.0,
        to: opening.to,
        protocol: opening.protocol,
        server: Server { address, end },
        seen_source: trace.seen_source?,
        round_trip: trace.round_trip,
        known_at: footprint.iter().map(|s| (s.node.clone(), tuple(s.before))).collect(),
    })
}

/// Sends a packet over an established connection.
pub fn send(ground: &dyn Ground, draws: Draws, connection: &Connection, now: Instant) -> (Sent, Footprint) {
    let (from, to, protocol) = (&connection.from, connection.to, connection.protocol);
    let asked = Asked { from, to, protocol, now, sending: Sending::Later(connection.client.port()) };
    let (trace, footprint) = path::follow(ground, draws, &asked);
    let sent = match trace.outcome {
        _ if !lives(ground, connection) => {
            if says_goodbye(ground, connection) {
                Sent::Reset
            } else {
                Sent::Lost
            }
        }
        Outcome::Delivered if trace.hops.last().is_some_and(|hop| hop.before.1 == connection.server.address) => Sent::Arrived,
        Outcome::Delivered => Sent::Reset,
        // The network is silent. An ICMP error does not end a connection that stands: the kernel sends again (`tcp_v4_err`).
        _ => Sent::Lost,
    };
    (sent, footprint)
}

/// Whether the end of a server's process reaches the client: its node has power, and the nodes that know the connection pass on
/// what its kernel says. The addresses of the pod may be gone by then; that comes after.
fn says_goodbye(ground: &dyn Ground, connection: &Connection) -> bool {
    let server = match &connection.server.end {
        End::Pod { node, .. } | End::Node(node) => node,
        End::Outside => return true,
    };
    let client = match &connection.from {
        Source::Outside => None,
        Source::Node(node) | Source::Address { at_node: node, .. } => Some(node.clone()),
        Source::Pod { namespace, name } => match ground.pod(namespace, name) {
            Some((node, _)) => Some(node),
            None => return false,
        },
    };
    let nodes: Vec<&Name> =
        [server].into_iter().chain(connection.known_at.iter().rev().map(|(node, _)| node)).chain(&client).collect();
    let open = |from: &str, to: &str| from == to || ground.way(from, to).is_ok();
    nodes.iter().all(|node| ground.node_up(node))
        && nodes.windows(2).all(|pair| open(pair[0], pair[1]))
        && (client.is_some() || nodes.last().is_some_and(|last| open(last, OUTSIDE)))
}

/// Whether the process that accepted a connection still runs.
pub fn lives(ground: &dyn Ground, connection: &Connection) -> bool {
    match &connection.server.end {
        End::Pod { process, .. } => sandbox(ground, connection)
            .is_some_and(|s| process.is_none_or(|number| s.processes.iter().any(|p| p.number == number))),
        End::Node(node) => {
            let port = connection.server.address.port();
            ground.node_up(node) && ground.host_sockets(node).iter().any(|(socket, _)| socket.port == port)
        }
        End::Outside => true,
    }
}

/// The sandbox at the other end, if the one that accepted is still there.
pub fn sandbox(ground: &dyn Ground, connection: &Connection) -> Option<Sandbox> {
    let End::Pod { namespace, name, sandbox, .. } = &connection.server.end else { return None };
    sandbox_at(ground, (namespace, name), connection.server.address).filter(|s| s.id == *sandbox)
}

/// The sandbox with an address. A pod that calls itself by loopback is found by its own.
fn sandbox_at(ground: &dyn Ground, (namespace, name): (&str, &str), address: SocketAddr) -> Option<Sandbox> {
    let ip = match address.ip() {
        ip if ip.is_loopback() => ground.pod(namespace, name).and_then(|(_, ips)| ips.first().copied())?,
        ip => ip,
    };
    ground.sandbox(ip)
}

#[cfg(test)]
mod tests;
