//! One request over a connection, and what the client hears while it waits for the answer.
//!
//! In real life the program sleeps in `read`. It wakes when the answer is there, when the other end closes or resets, when its
//! own patience is over, or when its kernel gives up on a silent peer. Each end sends again what the other does not acknowledge,
//! so that a short interruption costs time only. Left out: requests that take more than one packet.
//! The real thing: `tcp_timer.c` of Linux; curl `lib/transfer.c`.

use std::sync::Arc;

use super::Step;
use crate::engine::time::{Duration, Instant};
use crate::network::transport::{Connection, Sent, last_probe, next_look, probes_give_up, retransmissions};
use crate::network::wire::{Connections, HttpReply, HttpRequest};

/// A request under way. It takes the connection anew each time it goes on, and never closes it.
#[derive(Clone, Debug, Hash)]
pub struct Exchange {
    /// Whether the program asks for keep-alive probes (`SO_KEEPALIVE`); without, a peer that falls silent is never noticed.
    probes: bool,
    stage: Stage,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With a response, an end of the stream or a reset.
    Reply(HttpReply),
    /// The kernel gave up: ETIMEDOUT.
    KernelGaveUp,
}

#[derive(Clone, Debug, Hash)]
enum Stage {
    /// The request is due, after it went out so often in vain.
    Send { sent: usize, due: Instant },
    /// The server has it.
    Await(Awaited),
}

/// An answer that is to come.
#[derive(Clone, Debug, Hash)]
struct Awaited {
    /// What comes of the request if the server lives that long.
    reply: Arc<HttpReply>,
    /// When the request was sent.
    since: Instant,
    /// When the answer is there.
    comes: Instant,
    /// How often the server has sent it again.
    again: usize,
    /// When the other end last acknowledged a probe.
    heard: Instant,
    /// When the other end is looked at next.
    look: Instant,
}

impl Exchange {
    /// The request is due now.
    pub fn new(probes: bool, now: Instant) -> Exchange {
        Exchange { probes, stage: Stage::Send { sent: 0, due: now } }
    }

    /// Goes on as far as it can now. What arrives at the very moment `until` still counts.
    pub fn go(
        &mut self,
        wire: &mut dyn Connections,
        (connection, request): (&Connection, &HttpRequest),
        until: Instant,
    ) -> Step<Ended> {
        let now = wire.now();
        loop {
            let due = self.due();
            if until <= now && !self.arrives(now) {
                return Step::Limit;
            } else if due > now {
                return Step::At(due.min(until));
            }
            let ended = match &mut self.stage {
                Stage::Send { sent, .. } => {
                    let Some(wait) = retransmissions().nth(*sent) else { return Step::Done(Ended::KernelGaveUp) };
                    self.stage = match wire.send(connection, request) {
                        // After the last wait nothing is sent any more.
                        HttpReply::Lost => Stage::Send { sent: *sent + 1, due: now + wait },
                        reply => Stage::Await(Awaited::new(reply, now)),
                    };
                    None
                }
                Stage::Await(awaited) => awaited.look(wire.heard(connection), self.probes, now),
            };
            if let Some(ended) = ended {
                return Step::Done(ended);
            }
        }
    }

    /// When it has to go on.
    fn due(&self) -> Instant {
        match &self.stage {
            Stage::Send { due, .. } => *due,
            Stage::Await(awaited) => awaited.comes.min(awaited.look).min(awaited.gives_up(self.probes)),
        }
    }

    fn arrives(&self, now: Instant) -> bool {
        matches!(&self.stage, Stage::Await(awaited) if awaited.comes <= now)
    }
}

impl Awaited {
    fn new(reply: HttpReply, now: Instant) -> Awaited {
        let comes = match &reply {
            HttpReply::Response { after, .. } | HttpReply::Empty { after } | HttpReply::Reset { after } => now + *after,
            HttpReply::Silence | HttpReply::Lost => Instant::FAR_FUTURE,
        };
        Awaited { reply: Arc::new(reply), since: now, comes, again: 0, heard: now, look: now + next_look(Duration::ZERO) }
    }

    /// When the kernel gives up on a peer that acknowledges no probe.
    fn gives_up(&self, probes: bool) -> Instant {
        if probes { self.heard + probes_give_up() } else { Instant::FAR_FUTURE }
    }

    /// Whether the answer is there, or the other end is gone.
    fn look(&mut self, sent: Sent, probes: bool, now: Instant) -> Option<Ended> {
        let is_there = self.comes <= now;
        let reply = || Some(Ended::Reply((*self.reply).clone()));
        let spent = now.since(self.since);
        match sent {
            _ if is_there && matches!(*self.reply, HttpReply::Reset { .. }) => return reply(),
            Sent::Arrived if is_there => return reply(),
            Sent::Arrived => self.heard = self.since + last_probe(spent),
            // The kernel closes the sockets of a process that ended.
            Sent::Reset => return Some(Ended::Reply(HttpReply::Empty { after: Duration::ZERO })),
            Sent::Lost if self.gives_up(probes) <= now => return Some(Ended::KernelGaveUp),
            // The server sends again what is not acknowledged.
            Sent::Lost if is_there => {
                self.comes = retransmissions().nth(self.again).map_or(Instant::FAR_FUTURE, |wait| now + wait);
                self.again += 1;
            }
            Sent::Lost => {}
        }
        self.look = now + next_look(spent);
        None
    }
}
