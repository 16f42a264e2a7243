//! What the client of a way would say, if it were curl: of a way that was only looked at, not taken.
//!
//! The real thing: curl's `lib/connect.c`; Linux' `tcp_syn_retries`.

use super::answer::{Client, Said};
use crate::engine::time::Duration;
use crate::explain::{Hop, Outcome, Place, Reason, Trace};
use crate::network::client::End;
use crate::network::transport::{SYN_SLACK, SYN_WAITS};
use crate::objects::pod_spec::Protocol;

/// What curl would say of a way to this host and port, and after which time.
pub fn client(trace: &Trace, host: &str, port: u16) -> Client {
    let (said, connecting) = said(trace);
    Client { host: host.to_string(), port, said, connecting, resolving: Duration::ZERO }
}

fn said(trace: &Trace) -> (Said, Duration) {
    let patience = SYN_WAITS.iter().fold(SYN_SLACK, |sum, wait| sum + *wait);
    // A client whose own machine is down says nothing.
    let dead = |hop: &Hop| hop.place == Place::Client && matches!(hop.reason, Reason::NodeDown { .. });
    let by_chance = trace.hops.last().is_some_and(|hop| matches!(hop.reason, Reason::PacketLost { .. }));
    match trace.outcome {
        // The kernel sends it again, and that one may get through.
        Outcome::TimedOut if by_chance => (Said::Unknown, Duration::ZERO),
        _ if trace.hops.iter().any(dead) => (Said::Unknown, Duration::ZERO),
        Outcome::Delivered | Outcome::Unknown => (Said::AllWell, trace.round_trip),
        Outcome::Unresolved => (Said::Fails(End::Unresolved), Duration::ZERO),
        Outcome::Refused if trace.protocol != Protocol::Tcp => (Said::Unknown, trace.round_trip),
        _ if trace.protocol != Protocol::Tcp => (Said::Unknown, Duration::ZERO),
        Outcome::Refused => (Said::Fails(End::Refused), trace.round_trip),
        Outcome::Unreachable => (Said::Fails(End::Unreachable), Duration::ZERO),
        Outcome::TimedOut | Outcome::Reset => (Said::Fails(End::ConnectTimedOut), patience),
    }
}
