//! Connecting as a Linux client does: SYN, SYN again after doubling waits, and what the program is told at the end.
//!
//! The kernel sends a SYN at 0, 1, 3, 7, 15, 31 and 63 s and gives up at 127 s (`net.ipv4.tcp_syn_retries` = 6); each retry meets
//! the world as it then is. A retry belongs to the same flow: where a node has noted the first SYN, the retry goes the same way,
//! even if that leads nowhere. Left out: a second address of the name ("happy eyeballs").
//! The real thing: `tcp_timer.c` of Linux.

use std::net::SocketAddr;

use super::Step;
use crate::engine::time::{Duration, Instant};
use crate::explain::{Outcome, Place, Reason, Trace};
use crate::network::transport::{Connection, Opening, SYN_SLACK, SYN_WAITS};
use crate::network::wire::{Connections, Source};
use crate::objects::Name;
use crate::objects::pod_spec::Protocol;

/// A connection that is being opened.
#[derive(Clone, Debug, Hash)]
pub struct Dial {
    opening: Opening,
    stage: Stage,
    met: Option<Met>,
}

/// What the last SYN met.
#[derive(Clone, Debug, Hash)]
pub struct Met {
    /// When it was sent.
    pub at: Instant,
    /// The client's own address and port.
    pub own: SocketAddr,
    /// Whose socket it reached, or which endpoint was picked for it; a name only where it is a pod's.
    pub backend: Option<(SocketAddr, Name)>,
    /// The last decision on its way.
    pub reason: Option<Reason>,
}

/// How it ends.
#[derive(Clone, Debug, Hash)]
pub enum Dialed {
    /// Established.
    Connected(Box<Connection>),
    /// RST or an ICMP answer.
    Refused,
    /// The client has no way to send there.
    Unreachable,
    /// Nobody answered until the kernel gave up.
    TimedOut,
    /// What happens there is not modelled.
    Unknown,
}

#[derive(Clone, Debug, Hash)]
enum Stage {
    /// A SYN is due, after so many.
    Syn { sent: usize, due: Instant },
    /// How it ends is known, and on its way to the client.
    Told { end: Dialed, due: Instant },
}

impl Dial {
    /// The first SYN is due now.
    pub fn new(from: Source, to: SocketAddr, now: Instant) -> Dial {
        let opening = Opening { from, to, protocol: Protocol::Tcp, port: None };
        Dial { opening, stage: Stage::Syn { sent: 0, due: now }, met: None }
    }

    /// What the last SYN met; `None` before the first.
    pub fn met(&self) -> Option<&Met> {
        self.met.as_ref()
    }

    /// Goes on as far as it can now. What arrives at the very moment `until` still counts.
    pub fn go(&mut self, wire: &mut dyn Connections, until: Instant) -> Step<Dialed> {
        let now = wire.now();
        loop {
            match &self.stage {
                Stage::Told { end, due } if *due <= now => return Step::Done(end.clone()),
                stage if until <= now => {
                    if let Stage::Told { end: Dialed::Connected(connection), .. } = stage {
                        wire.close(connection);
                    }
                    return Step::Limit;
                }
                Stage::Syn { sent, due } if *due <= now => self.stage = self.syn(*sent, wire, now),
                Stage::Syn { due, .. } | Stage::Told { due, .. } => return Step::At((*due).min(until)),
            }
        }
    }

    /// Sends the SYN, or sends it again; after the last wait nothing is sent any more.
    fn syn(&mut self, sent: usize, wire: &mut dyn Connections, now: Instant) -> Stage {
        let told = |end, after| Stage::Told { end, due: now + after };
        let Some(wait) = SYN_WAITS.get(sent) else { return told(Dialed::TimedOut, SYN_SLACK) };
        let (trace, connection) = wire.open(&self.opening);
        self.opening.port = Some(trace.asked.0.port());
        let reason = trace.hops.last().map(|hop| hop.reason.clone());
        self.met = Some(Met { at: now, own: trace.asked.0, backend: backend(&trace), reason });
        match (trace.outcome, connection) {
            (Outcome::Delivered, Some(connection)) => told(Dialed::Connected(Box::new(connection)), trace.round_trip),
            (Outcome::Refused, _) => told(Dialed::Refused, trace.round_trip),
            (Outcome::Unreachable, _) => told(Dialed::Unreachable, Duration::ZERO),
            (Outcome::Unknown | Outcome::Delivered, _) => told(Dialed::Unknown, Duration::ZERO),
            (Outcome::TimedOut | Outcome::Reset | Outcome::Unresolved, _) => Stage::Syn { sent: sent + 1, due: now + *wait },
        }
    }
}

fn backend(trace: &Trace) -> Option<(SocketAddr, Name)> {
    let last = trace.hops.last();
    match last.map(|hop| (&hop.place, hop.before.1)) {
        Some((Place::Pod { name, .. }, address)) => Some((address, name.clone())),
        _ => trace.chosen.map(|address| (address, Name::default())),
    }
}
