//! The parts of a network client, driven by a command that waits for them: name, connection, request.
//!
//! In real life a command sleeps in a system call until there is something for it, or its own limit is reached. The parts
//! themselves are [`crate::network::client`]'s; here simulated time passes while they wait.

use std::net::SocketAddr;

use crate::console::host::Outcome;
use crate::console::host::{Host, Stopped, elapsed};
use crate::dns::resolver::{Family, Lookup};
use crate::engine::time::{Duration, Instant};
use crate::network::client::Step;
use crate::network::client::dial::{Dial, Dialed};
use crate::network::client::exchange::{Ended, Exchange};
use crate::network::client::resolve::Resolve;
use crate::network::transport::{Connection, NO_LIMIT};
use crate::network::wire::{Connections, HttpRequest, Source};
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
    Stopped(Stopped),
    /// Whether there is an answer is not known: it rests on something that is not modelled.
    Unknown(String),
}

/// When the patience of a caller is over that waits so long from now on.
pub fn deadline(host: &mut dyn Host, limit: Option<Duration>) -> Instant {
    elapsed(host) + limit.unwrap_or(NO_LIMIT)
}

/// Looks up a name as the C library does; `None` if the limit was reached first. An error is the simulation's, not the resolver's.
pub async fn resolve(host: &mut dyn Host, asked: (&Source, &str, Family), until: Instant) -> Result<Option<Lookup>, Stopped> {
    let resolve = Resolve::new(elapsed(host));
    resolve_by(host, resolve, asked, until).await
}

/// The same without a limit.
pub async fn look_up(host: &mut dyn Host, asked: (&Source, &str, Family)) -> Result<Lookup, Stopped> {
    let until = deadline(host, None);
    Ok(resolve(host, asked, until).await?.unwrap_or_default())
}

/// The same as some resolver does.
pub async fn resolve_by(
    host: &mut dyn Host,
    mut resolve: Resolve,
    asked: (&Source, &str, Family),
    until: Instant,
) -> Result<Option<Lookup>, Stopped> {
    drive(host, |wire| resolve.go(wire, asked, until)).await
}

/// Connects by TCP.
pub async fn connect(host: &mut dyn Host, from: &Source, to: SocketAddr, until: Instant) -> Connected {
    let mut dial = Dial::new(from.clone(), to, elapsed(host));
    let dialed = match drive(host, |wire| dial.go(wire, until)).await {
        Ok(Some(dialed)) => dialed,
        Ok(None) => return Connected::Limit,
        Err(stopped) => return Connected::Stopped(stopped),
    };
    let own = dial.met().map_or(to, |met| met.own);
    match dialed {
        Dialed::Connected(connection) => Connected::Yes(connection),
        Dialed::Refused => Connected::Refused(own),
        Dialed::Unreachable => Connected::Unreachable,
        Dialed::TimedOut => Connected::TimedOut(own),
        Dialed::Unknown => {
            let why = dial.met().and_then(|met| met.reason.as_ref()).map(prose::reason).unwrap_or_default();
            Connected::Unknown(why)
        }
    }
}

/// What a program ends with that cannot be told whether there is an answer.
pub fn unknown(why: &str) -> Outcome {
    Outcome::err(124, format!("kubewalk: no answer can be given: {why}"))
}

/// Sends a request and waits for what comes of it; `None` if the limit was reached first. Whether the program asks for
/// keep-alive probes: see [`Exchange`].
pub async fn exchange(
    host: &mut dyn Host,
    asked: (&Connection, &HttpRequest),
    probes: bool,
    until: Instant,
) -> Result<Option<Ended>, Stopped> {
    let mut exchange = Exchange::new(probes, elapsed(host));
    drive(host, |wire| exchange.go(wire, asked, until)).await
}

/// Closes a connection. A world without a network has none.
pub fn close(host: &mut dyn Host, connection: &Connection) {
    if let Ok(mut wire) = super::lent(host) {
        wire.close(connection);
    }
}

/// Lets time pass until a part is done.
async fn drive<T>(host: &mut dyn Host, mut go: impl FnMut(&mut dyn Connections) -> Step<T>) -> Result<Option<T>, Stopped> {
    loop {
        let step = go(&mut *super::lent(host)?);
        match step {
            Step::At(at) => host.until(at).await?,
            Step::Done(done) => return Ok(Some(done)),
            Step::Limit => return Ok(None),
        }
    }
}
