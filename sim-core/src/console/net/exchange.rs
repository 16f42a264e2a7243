//! One request over a connection, and what the client hears while it waits for the answer.
//!
//! In real life the program sleeps in `read`. It wakes when the answer is there, when the other end closes or resets, when its
//! own patience is over, or when its kernel gives up on a silent peer. Each end sends again what the other does not acknowledge,
//! so that a short interruption costs time only. Left out: requests that take more than one packet.

use crate::engine::time::Duration;
use crate::network::transport::{Connection, NO_LIMIT, Sent, last_probe, next_look, probes_give_up, retransmissions};
use crate::network::wire::{Connections, HttpReply, HttpRequest};

/// How long a program waits.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Its own limit.
    pub limit: Option<Duration>,
    /// Whether it asks for keep-alive probes (`SO_KEEPALIVE`); without, a peer that falls silent is never noticed.
    pub probes: bool,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With a response, an end of the stream or a reset.
    Reply(HttpReply),
    /// The kernel gave up: ETIMEDOUT.
    KernelGaveUp,
    /// The caller's patience was over, after this time.
    Limit(Duration),
}

/// Sends a request and waits for what comes of it.
pub fn exchange(
    wire: &mut dyn Connections,
    connection: &Connection,
    request: &HttpRequest,
    patience: Patience,
) -> Result<Ended, String> {
    let mut deadline = Deadline { left: patience.limit.unwrap_or(NO_LIMIT), whole: patience.limit.unwrap_or(NO_LIMIT) };
    let mut waits = retransmissions().peekable();
    let mut reply = wire.send(connection, request);
    while let (HttpReply::Lost, Some(wait)) = (&reply, waits.next()) {
        if deadline.pause(wire, wait)? {
            return Ok(Ended::Limit(deadline.whole));
        }
        if waits.peek().is_none() {
            return Ok(Ended::KernelGaveUp);
        }
        reply = wire.send(connection, request);
    }
    answer(wire, connection, reply, deadline, patience.probes)
}

/// Waits for the answer to a request that the server has.
fn answer(
    wire: &mut dyn Connections,
    connection: &Connection,
    reply: HttpReply,
    mut deadline: Deadline,
    probes: bool,
) -> Result<Ended, String> {
    let sent = wire.now();
    let mut comes = match &reply {
        HttpReply::Response { after, .. } | HttpReply::Empty { after } | HttpReply::Reset { after } => Some(*after),
        HttpReply::Silence | HttpReply::Lost => None,
    };
    let mut sent_again = retransmissions();
    // When the other end last acknowledged a probe.
    let mut heard_at = Duration::ZERO;
    loop {
        let spent = wire.now().since(sent);
        let is_there = comes.is_some_and(|at| spent >= at);
        if is_there && matches!(reply, HttpReply::Reset { .. }) {
            return Ok(Ended::Reply(reply));
        }
        let gives_up = heard_at + probes_give_up();
        match wire.heard(connection) {
            Sent::Arrived if is_there => return Ok(Ended::Reply(reply)),
            Sent::Arrived => heard_at = last_probe(spent),
            // The kernel closes the sockets of a process that ended.
            Sent::Reset => return Ok(Ended::Reply(HttpReply::Empty { after: Duration::ZERO })),
            Sent::Lost if probes && spent >= gives_up => return Ok(Ended::KernelGaveUp),
            // The server sends again what is not acknowledged.
            Sent::Lost if is_there => comes = sent_again.next().map(|wait| spent + wait),
            Sent::Lost => {}
        }
        let look = next_look(spent);
        let next = [comes.map(|at| at - spent), (probes && spent < gives_up).then(|| gives_up - spent)];
        let by = next.into_iter().flatten().fold(look, Duration::min);
        if deadline.pause(wire, by)? {
            return Ok(Ended::Limit(deadline.whole));
        }
    }
}

/// What is left of a limit.
struct Deadline {
    left: Duration,
    whole: Duration,
}

impl Deadline {
    /// Lets time pass, no more than is left. Tells whether nothing is left.
    fn pause(&mut self, wire: &mut dyn Connections, by: Duration) -> Result<bool, String> {
        let by = by.min(self.left);
        wire.wait(by)?;
        self.left = self.left - by;
        Ok(self.left == Duration::ZERO)
    }
}
