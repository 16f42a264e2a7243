//! The packets that somebody sent to look at: each with its whole way, as a value.
//!
//! In a real cluster one would have to capture on every node. Whatever a command sends (curl, wget, nc, ping, a DNS tool, `trace`)
//! leaves its way here; loads and probes do not, they have counts of their own.

use std::net::SocketAddr;

use imbl::Vector;

use crate::dns::message::Question;
use crate::engine::run::Position;
use crate::explain::Trace;
use crate::network::wire::{Asked, Source};
use crate::objects::pod_spec::Protocol;

/// So many are kept; older ones are forgotten.
pub const PACKETS_MAX: usize = 1_000;

/// What was sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Sent {
    /// The first packet of a connection, or a datagram.
    Opening(Box<Trace>),
    /// An echo request.
    Ping(Box<Trace>),
    /// A packet that was only looked at.
    Looked(Box<Trace>),
    /// A DNS question, and what came back.
    Question {
        /// Who asked.
        from: Source,
        /// Whom.
        server: SocketAddr,
        /// How.
        protocol: Protocol,
        /// What.
        question: Question,
        /// What came back.
        answer: Box<Asked>,
    },
}

/// One of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Packet {
    /// Where in the history it was sent.
    pub position: Position,
    /// What.
    pub sent: Sent,
}

/// The packets of a branch, oldest first.
#[derive(Clone, Default)]
pub struct Packets(Vector<Packet>);

impl Packets {
    /// Adds one.
    pub(super) fn add(&mut self, position: Position, sent: Sent) {
        if self.0.len() == PACKETS_MAX {
            self.0.pop_front();
        }
        self.0.push_back(Packet { position, sent });
    }

    /// Those that were sent up to that position.
    pub(super) fn until(&self, end: Position) -> Packets {
        Packets(self.0.iter().filter(|packet| packet.position <= end).cloned().collect())
    }

    /// Those that were sent up to that position, oldest first.
    pub fn iter(&self, end: Position) -> impl DoubleEndedIterator<Item = &Packet> {
        self.0.iter().filter(move |packet| packet.position <= end)
    }
}
