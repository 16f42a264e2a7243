//! The parts of a network client, driven by a command that waits for them: name, connection, request.
//!
//! In real life a command sleeps in a system call until there is something for it, or its own limit is reached. The parts
//! themselves are [`crate::network::client`]'s; here simulated time passes while they wait.

use std::net::SocketAddr;

use crate::dns::resolver::{Family, Lookup};
use crate::engine::time::{Duration, Instant};
use crate::explain::answer::Client;
use crate::explain::{Hop, Outcome, Place, Reason, Trace};
use crate::network::client::Step;
use crate::network::client::dial::{Dial, Dialed};
use crate::network::client::exchange::{Ended, Exchange};
use crate::network::client::resolve::Resolve;
use crate::network::transport::{Connection, NO_LIMIT, SYN_SLACK, SYN_WAITS};
use crate::network::wire::{Connections, HttpRequest, Source};
use crate::objects::pod_spec::Protocol;
use crate::render::prose;

/// How an attempt to connect ended.
#[derive(Clone, Debug)]
pub enum Connected {
    /// Established.
    Yes(Box<Connection>),
    /// Refused; with the client's own address and port.
    Refused(SocketAddr),
    /// The client has no way to send there.
    Unreachable,
    /// Nobody answered until the kernel gave up; with the client's own address and port.
    TimedOut(SocketAddr),
    /// Nobody answered until the caller's own limit.
    Limit,
    /// The simulation stopped.
    Stopped(String),
}

/// When the patience of a caller is over that waits so long from now on.
pub fn deadline(wire: &dyn Connections, limit: Option<Duration>) -> Instant {
    wire.now() + limit.unwrap_or(NO_LIMIT)
}

/// Looks up a name as the C library does; `None` if the limit was reached first. An error is the simulation's, not the resolver's.
pub fn resolve(wire: &mut dyn Connections, asked: (&Source, &str, Family), until: Instant) -> Result<Option<Lookup>, String> {
    let resolve = Resolve::new(wire.now());
    resolve_by(wire, resolve, asked, until)
}

/// The same without a limit.
pub fn look_up(wire: &mut dyn Connections, asked: (&Source, &str, Family)) -> Result<Lookup, String> {
    let until = deadline(wire, None);
    Ok(resolve(wire, asked, until)?.unwrap_or_default())
}

/// The same as some resolver does.
pub fn resolve_by(
    wire: &mut dyn Connections,
    mut resolve: Resolve,
    asked: (&Source, &str, Family),
    until: Instant,
) -> Result<Option<Lookup>, String> {
    drive(wire, |wire| resolve.go(wire, asked, until))
}

/// Connects by TCP.
pub fn connect(wire: &mut dyn Connections, from: &Source, to: SocketAddr, until: Instant) -> Connected {
    let mut dial = Dial::new(from.clone(), to, wire.now());
    let dialed = match drive(wire, |wire| dial.go(wire, until)) {
        Ok(Some(dialed)) => dialed,
        Ok(None) => return Connected::Limit,
        Err(why) => return Connected::Stopped(why),
    };
    let own = dial.met().map_or(to, |met| met.own);
    match dialed {
        Dialed::Connected(connection) => Connected::Yes(connection),
        Dialed::Refused => Connected::Refused(own),
        Dialed::Unreachable => Connected::Unreachable,
        Dialed::TimedOut => Connected::TimedOut(own),
        Dialed::Unknown => {
            let why = dial.met().and_then(|met| met.reason.as_ref()).map(prose::reason).unwrap_or_default();
            Connected::Stopped(format!("no answer can be given: {why}"))
        }
    }
}

/// Sends a request and waits for what comes of it; `None` if the limit was reached first. Whether the program asks for
/// keep-alive probes: see [`Exchange`].
pub fn exchange(
    wire: &mut dyn Connections,
    asked: (&Connection, &HttpRequest),
    probes: bool,
    until: Instant,
) -> Result<Option<Ended>, String> {
    let mut exchange = Exchange::new(probes, wire.now());
    drive(wire, |wire| exchange.go(wire, asked, until))
}

/// Lets time pass until a part is done.
fn drive<T>(wire: &mut dyn Connections, mut go: impl FnMut(&mut dyn Connections) -> Step<T>) -> Result<Option<T>, String> {
    loop {
        match go(wire) {
            Step::At(at) => wire.wait(at.since(wire.now()))?,
            Step::Done(done) => return Ok(Some(done)),
            Step::Limit => return Ok(None),
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
        exit: Some(exit),
        after_ns: after.as_nanos(),
    };
    // A client whose own machine is down says nothing.
    let dead = |hop: &Hop| hop.place == Place::Client && matches!(hop.reason, Reason::NodeDown { .. });
    let by_chance = trace.hops.last().is_some_and(|hop| matches!(hop.reason, Reason::PacketLost { .. }));
    match trace.outcome {
        // The kernel sends it again, and that one may get through.
        Outcome::TimedOut if by_chance => Client::silent(Duration::ZERO),
        _ if trace.hops.iter().any(dead) => Client::silent(Duration::ZERO),
        Outcome::Delivered | Outcome::Unknown => Client::content(trace.round_trip),
        Outcome::Unresolved => Client { text: format!("curl: (6) Could not resolve host: {host}"), exit: Some(6), after_ns: 0 },
        Outcome::Refused if trace.protocol != Protocol::Tcp => Client::silent(trace.round_trip),
        _ if trace.protocol != Protocol::Tcp => Client::silent(Duration::ZERO),
        Outcome::Refused => line(7, trace.round_trip),
        Outcome::Unreachable => line(7, Duration::ZERO),
        _ => line(28, total + SYN_SLACK),
    }
}
