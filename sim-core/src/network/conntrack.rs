//! Connection tracking of one node: what was decided for the first packet of a flow holds for the rest of it.
//!
//! In a real cluster the kernel notes each flow with the addresses of its first packet and those that answers carry, and
//! translates every later packet by that note, without asking the rules. So a change of rules moves new connections only. The
//! note is dropped some time after the last packet; how long depends on the state of the connection. kube-proxy sets two of
//! these times itself, and clears notes of UDP flows whose endpoint no longer serves.
//! Left out: expectations, zones, accounting, the notes of nodes that no rule was asked at.
//! The real thing: `nf_conntrack_proto_tcp.c`, `nf_conntrack_proto_udp.c` of Linux; `pkg/proxy/conntrack/cleanup.go`.

use std::net::SocketAddr;

use imbl::{OrdMap, OrdSet};

use crate::engine::digest::{Digestible, StateDigest};
use crate::engine::time::{Duration, Instant};
use crate::objects::pod_spec::Protocol;
use crate::proxy::Programmed;

/// Most flows of one node: kube-proxy's `--conntrack-min` (four CPUs give the same).
pub const FLOWS_MAX: usize = 131_072;
/// A UDP flow that goes on for longer than this in both directions is a stream.
const STREAM_AFTER: Duration = Duration::from_secs(2);

/// The addresses of a flow's first packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tuple {
    /// Protocol.
    pub protocol: Protocol,
    /// Source.
    pub source: SocketAddr,
    /// Destination.
    pub destination: SocketAddr,
}

/// How far a flow has come. TCP's states as conntrack has them; the others know only whether an answer was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum State {
    SynSent,
    Established,
    CloseWait,
    LastAck,
    TimeWait,
    Close,
    Unreplied,
    Replied,
    Stream,
}

impl State {
    /// How long a flow in this state is kept after its last packet, with kube-proxy's defaults
    /// (`--conntrack-tcp-timeout-established` 24 h instead of Linux' 432,000 s, `--conntrack-tcp-timeout-close-wait` 1 h instead
    /// of 60 s).
    pub fn timeout(self) -> Duration {
        Duration::from_secs(match self {
            State::SynSent => 120,
            State::Established => 86_400,
            State::CloseWait => 3_600,
            State::LastAck | State::Unreplied | State::Replied => 30,
            State::TimeWait | State::Stream => 120,
            State::Close => 10,
        })
    }

    /// The state of a flow after its first packet.
    pub fn after_first(protocol: Protocol, answered: bool) -> State {
        match (protocol, answered) {
            (Protocol::Udp, true) => State::Replied,
            (Protocol::Udp, false) => State::Unreplied,
            (_, true) => State::Established,
            (_, false) => State::SynSent,
        }
    }
}

impl Flow {
    /// Whether a SYN of the same addresses begins another connection, with a note and a pick of its own: of a connection that is
    /// over the kernel forgets the note then (`nf_conntrack_tcp_packet`).
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::TimeWait | State::Close)
    }
}

/// The note of one flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flow {
    /// Where answers come from: the endpoint, after DNAT.
    pub reply_source: SocketAddr,
    /// Where answers go to: the client, or the node that masqueraded it.
    pub reply_destination: SocketAddr,
    /// State.
    pub state: State,
    /// When its first packet came.
    pub since: Instant,
    /// When it is dropped unless another packet comes.
    pub expires: Instant,
}

/// The flows of one node.
#[derive(Clone, Debug, Default)]
pub struct Conntrack {
    flows: OrdMap<Tuple, Flow>,
    by_expiry: OrdSet<(Instant, Tuple)>,
}

impl Conntrack {
    /// The flow a packet belongs to.
    pub fn get(&self, tuple: &Tuple, now: Instant) -> Option<&Flow> {
        self.flows.get(tuple).filter(|flow| now < flow.expires)
    }

    /// Notes a new flow. With a full table the oldest flow that nothing came back for makes room; is there none, the packet is
    /// dropped ("table full, dropping packet"), and the answer is `false`.
    pub fn add(&mut self, tuple: Tuple, reply: (SocketAddr, SocketAddr), state: State, now: Instant) -> bool {
        self.expire(now);
        if self.flows.len() >= FLOWS_MAX && !self.flows.contains_key(&tuple) && !self.drop_one_unanswered() {
            return false;
        }
        let expires = now + state.timeout();
        self.put(tuple, Flow { reply_source: reply.0, reply_destination: reply.1, state, since: now, expires });
        true
    }

    /// Another packet of a flow: it is in `state` now and kept from now on.
    pub fn touch(&mut self, tuple: &Tuple, state: State, now: Instant) {
        let Some(flow) = self.get(tuple, now).copied() else { return };
        let stream = state == State::Replied && now.since(flow.since) > STREAM_AFTER;
        let state = if stream { State::Stream } else { state };
        self.put(*tuple, Flow { state, expires: now + state.timeout(), ..flow });
    }

    fn put(&mut self, tuple: Tuple, flow: Flow) {
        self.remove(&tuple);
        self.by_expiry.insert((flow.expires, tuple));
        self.flows.insert(tuple, flow);
    }

    fn remove(&mut self, tuple: &Tuple) {
        if let Some(flow) = self.flows.remove(tuple) {
            self.by_expiry.remove(&(flow.expires, *tuple));
        }
    }

    fn expire(&mut self, now: Instant) {
        while let Some((at, tuple)) = self.by_expiry.get_min().copied().filter(|(at, _)| *at <= now) {
            self.by_expiry.remove(&(at, tuple));
            self.flows.remove(&tuple);
        }
    }

    fn drop_one_unanswered(&mut self) -> bool {
        let unanswered = |state| matches!(state, State::SynSent | State::Unreplied | State::Close);
        let victim = self.by_expiry.iter().map(|(_, tuple)| *tuple).find(|t| unanswered(self.flows[t].state));
        victim.map(|tuple| self.remove(&tuple)).is_some()
    }

    /// Flows that are not over, in order.
    pub fn flows(&self, now: Instant) -> impl Iterator<Item = (&Tuple, &Flow)> {
        self.flows.iter().filter(move |(_, flow)| now < flow.expires)
    }

    /// How many flows are noted, those included that are over and not yet removed.
    pub fn len(&self) -> usize {
        self.flows.len()
    }

    /// Whether no flow is noted.
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    /// kube-proxy's clean-up after a sync: UDP flows to a port of a Service that answers come to from an address which is no
    /// serving endpoint of it. A port without any endpoint is left alone; so are flows to ports that no Service has.
    pub fn clear_stale_udp(&mut self, before: &Programmed, after: &Programmed) {
        let udp: Vec<(Tuple, Flow)> =
            self.flows.iter().filter(|(t, _)| t.protocol == Protocol::Udp).map(|(t, f)| (*t, *f)).collect();
        if udp.is_empty() || !udp_endpoints_changed(before, after) {
            return;
        }
        for (tuple, flow) in udp {
            let to = tuple.destination;
            let by_port = || after.lookup().node_port(to.is_ipv6(), to.port(), Protocol::Udp);
            let Some(entry) = after.lookup().address(to, Protocol::Udp).or_else(by_port) else { continue };
            let Some(serving) = after.serving(entry.facts) else { continue };
            if !serving.iter().any(|endpoint| endpoint.ip() == flow.reply_source.ip()) {
                self.remove(&tuple);
            }
        }
    }
}

impl Digestible for Conntrack {
    fn digest(&self, into: &mut StateDigest) {
        // When each flow expires stands in the flow.
        let Conntrack { flows, by_expiry: _ } = self;
        into.list(flows);
    }
}

/// Whether any UDP port has other serving endpoints than before.
fn udp_endpoints_changed(before: &Programmed, after: &Programmed) -> bool {
    let endpoints = |table: &Programmed| {
        let udp = table.lookup().ports().iter().filter(|p| p.port().protocol == Protocol::Udp);
        udp.map(|p| ((p.name.clone(), p.port().name.clone(), p.v6), table.serving(p))).collect::<Vec<_>>()
    };
    endpoints(before) != endpoints(after)
}

#[cfg(test)]
mod tests;
