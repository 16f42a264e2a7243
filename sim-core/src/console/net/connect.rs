//! Connecting as a Linux client does: SYN, retries with doubling waits, and what the program is told at the end.
//!
//! The kernel sends a SYN at 0, 1, 3, 7, 15, 31 and 63 s and gives up at 127 s (`net.ipv4.tcp_syn_retries` = 6); each retry meets
//! the world as it then is. A retry belongs to the same flow: where a node has noted the first SYN, the retry goes the same way,
//! even if that leads nowhere.

use std::net::SocketAddr;

use crate::engine::time::Duration;
use crate::explain::answer::Client;
use crate::explain::{Outcome, Trace};
use crate::network::transport::{Connection, Opening, SYN_SLACK, SYN_WAITS};
use crate::network::wire::{Connections, Source};
use crate::objects::pod_spec::Protocol;
use crate::render::prose;

/// How an attempt ended.
#[derive(Clone, Debug)]
pub enum Connected {
    /// Established.
    Yes(Box<Connection>),
    /// Refused, after this time; with the client's own address and port.
    Refused(Duration, SocketAddr),
    /// The client has no way to send there.
    Unreachable,
    /// Nobody answered until the kernel gave up; with the client's own address and port.
    TimedOut(Duration, SocketAddr),
    /// Nobody answered until the caller's own limit.
    Limit(Duration),
    /// The simulation stopped.
    Stopped(String),
}

/// Connects by TCP; `limit` is the caller's patience.
pub fn connect(wire: &mut dyn Connections, from: &Source, to: SocketAddr, limit: Option<Duration>) -> Connected {
    let start = wire.now();
    let mut waits = SYN_WAITS.iter();
    let mut opening = Opening { from: from.clone(), to, protocol: Protocol::Tcp, port: None };
    loop {
        let (trace, connection) = wire.open(&opening);
        opening.port = Some(trace.asked.0.port());
        match trace.outcome {
            Outcome::Delivered => {
                return match (wire.wait(trace.round_trip), connection) {
                    (Ok(()), Some(connection)) => Connected::Yes(Box::new(connection)),
                    (Ok(()), None) => Connected::Stopped("the log of this session is full".to_string()),
                    (Err(why), _) => Connected::Stopped(why),
                };
            }
            Outcome::Refused => {
                return match wire.wait(trace.round_trip) {
                    Ok(()) => Connected::Refused(wire.now().since(start), trace.asked.0),
                    Err(why) => Connected::Stopped(why),
                };
            }
            Outcome::Unreachable => return Connected::Unreachable,
            Outcome::Unknown => {
                let why = trace.hops.last().map(|hop| prose::reason(&hop.reason)).unwrap_or_default();
                return Connected::Stopped(format!("no answer can be given: {why}"));
            }
            Outcome::TimedOut | Outcome::Reset | Outcome::Unresolved => {}
        }
        // After the last wait nothing is sent any more.
        let wait = waits.next().copied().unwrap_or(Duration::ZERO);
        let gives_up = waits.as_slice().is_empty();
        let wait = if gives_up { wait + SYN_SLACK } else { wait };
        let rest = limit.map(|limit| limit - wire.now().since(start)).filter(|rest| *rest <= wait);
        if let Err(why) = wire.wait(rest.unwrap_or(wait)) {
            return Connected::Stopped(why);
        }
        let spent = wire.now().since(start);
        match rest {
            Some(_) => return Connected::Limit(spent),
            None if gives_up => return Connected::TimedOut(spent, trace.asked.0),
            None => {}
        }
    }
}

/// What curl would say of a way that was only looked at, not taken.
pub fn client_of(trace: &Trace, host: &str, port: u16) -> Client {
    let total = SYN_WAITS.iter().fold(Duration::ZERO, |sum, wait| sum + *wait);
    let line = |exit: i32, after: Duration| Client {
        text: format!(
            "curl: ({exit}) Failed to connect to {host} port {port} after {} ms: {}",
            after.as_millis(),
            super::curl::CANNOT
        ),
        exit,
        after_ns: after.as_nanos(),
    };
    match trace.outcome {
        Outcome::Delivered | Outcome::Unknown => Client { after_ns: trace.round_trip.as_nanos(), ..Client::default() },
        Outcome::Refused => line(7, trace.round_trip),
        Outcome::Unreachable => line(7, Duration::ZERO),
        _ => line(28, total + SYN_SLACK),
    }
}
