//! One request over a connection, and what the client hears while it waits for the answer.
//!
//! In real life the program sleeps in `read`. It wakes when the answer is there, when the other end closes or resets, when its
//! own patience is over, or when its kernel gives up on a silent peer. Left out: requests that take more than one packet.

use crate::engine::time::Duration;
use crate::network::transport::{Connection, RETRANSMITS, Sent};
use crate::network::wire::{Connections, HttpReply, HttpRequest};

/// How often the other end is looked at while a slow answer is awaited: the error of the moment at which its end is noticed.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How long a connection on which nothing is outstanding lives on when the peer is dead: curl asks for keep-alive probes after
/// 60 s, every 60 s, and Linux gives up after nine (`net.ipv4.tcp_keepalive_probes`).
const KEEP_ALIVE: Duration = Duration::from_secs(60 + 9 * 60);

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

/// Sends a request and waits for what comes of it, `limit` at most.
pub fn exchange(
    wire: &mut dyn Connections,
    connection: &Connection,
    request: &HttpRequest,
    limit: Option<Duration>,
) -> Result<Ended, String> {
    let reply = wire.send(connection, request);
    let after = match &reply {
        HttpReply::Response { after, .. } | HttpReply::Empty { after } | HttpReply::Reset { after } => *after,
        HttpReply::Silence => return wait(wire, limit, None),
        HttpReply::Lost => return wait(wire, limit, Some(RETRANSMITS)),
    };
    let start = wire.now();
    loop {
        let spent = wire.now().since(start);
        let rest = after - spent;
        if let Some(limit) = limit.filter(|limit| *limit < after && *limit - spent <= LOOK_EVERY) {
            wire.wait(limit - spent)?;
            return Ok(Ended::Limit(limit));
        }
        if rest <= LOOK_EVERY {
            wire.wait(rest)?;
            return Ok(Ended::Reply(reply));
        }
        wire.wait(LOOK_EVERY)?;
        match wire.heard(connection) {
            Sent::Arrived => {}
            // The kernel closes the sockets of a process that ended.
            Sent::Reset => return Ok(Ended::Reply(HttpReply::Empty { after: Duration::ZERO })),
            Sent::Lost => {
                let spent = wire.now().since(start);
                return wait(wire, limit.map(|limit| limit - spent), Some(KEEP_ALIVE));
            }
        }
    }
}

/// Waits in vain: until the caller's limit, or until the kernel gives up. With neither, as long as a day.
fn wait(wire: &mut dyn Connections, limit: Option<Duration>, kernel: Option<Duration>) -> Result<Ended, String> {
    match (limit, kernel) {
        (Some(limit), kernel) if kernel.is_none_or(|kernel| limit < kernel) => {
            wire.wait(limit)?;
            Ok(Ended::Limit(limit))
        }
        (limit, kernel) => {
            let pause = kernel.or(limit).unwrap_or(Duration::from_secs(86_400));
            wire.wait(pause)?;
            Ok(if kernel.is_some() { Ended::KernelGaveUp } else { Ended::Limit(pause) })
        }
    }
}
