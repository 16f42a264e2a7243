//! One request of an HTTP client, step by step: resolve, connect, send, wait.
//!
//! In real life it is a program asleep in system calls, woken by answers and timers. Here each part of it ([`resolve`], [`dial`],
//! [`exchange`]) is a value that is asked to go on and says when to ask again ([`Step`]), so that thousands of requests can be
//! open in one world, and each can be copied with it. A command that a user types is made of the same parts, and lets the time
//! pass that they ask for. [`Transfer`] is what curl does for one URL: the program's own patience counts from the start, and a
//! connection kept from before that turns out to be closed is replaced by a new one, once, as long as nothing was received.
//! Left out: redirects, bodies of requests. The real thing: curl `lib/transfer.c` (`Curl_retry_request`).

pub mod dial;
pub mod exchange;
pub mod resolve;

use std::net::SocketAddr;

use self::dial::{Dial, Dialed};
use self::exchange::{Ended, Exchange};
use self::resolve::Resolve;
use super::transport::{self, Connection, NO_LIMIT};
use super::wire::{Connections, HttpReply, HttpRequest, Source};
use crate::dns::resolver::Family;
use crate::engine::time::{Duration, Instant};
use crate::explain::Reason;
use crate::objects::Name;

/// What a client says that was asked to go on.
#[derive(Clone, Debug)]
pub enum Step<T> {
    /// Nothing before this moment.
    At(Instant),
    /// It is done.
    Done(T),
    /// The program's patience was over first.
    Limit,
}

/// What is asked of whom.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// Host as written: a name or an address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// The scheme is https.
    pub tls: bool,
    /// The request.
    pub request: HttpRequest,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    /// With a response of that status.
    Status(u16),
    /// The name was not resolved.
    Unresolved,
    /// The client's patience was over before it was.
    ResolvingLimit,
    /// RST or an ICMP answer to the SYN.
    Refused,
    /// The client has no way to send there.
    Unreachable,
    /// Nobody answered until the kernel gave up.
    ConnectTimedOut,
    /// The client's patience was over before a connection came about.
    ConnectLimit,
    /// The server closed without a word.
    Empty,
    /// The connection was reset.
    Reset,
    /// The kernel gave up on a silent peer.
    KernelGaveUp,
    /// The client's patience was over before the answer came.
    Limit,
    /// The server does not speak TLS.
    NoTls,
    /// What happens there is not modelled.
    Unknown,
}

impl End {
    /// Whether `curl --fail` would exit with 0.
    pub fn is_good(self) -> bool {
        matches!(self, End::Status(status) if status < 400)
    }

    /// Whether no connection came about.
    fn is_unconnected(self) -> bool {
        use End::{ConnectLimit, ConnectTimedOut, Refused, Unknown, Unreachable};
        matches!(self, Refused | Unreachable | ConnectTimedOut | ConnectLimit | Unknown)
    }
}

/// What a transfer does next.
#[derive(Clone, Debug)]
pub enum Next {
    /// Nothing before this moment.
    At(Instant),
    /// It is done; the connection, if it can serve another request.
    Ended(End, Option<Box<Connection>>),
}

/// A request under way.
#[derive(Clone, Debug, Hash)]
pub struct Transfer {
    from: Source,
    began: Instant,
    limit: Option<Duration>,
    stage: Stage,
    /// It goes over a connection that served others before.
    reused: bool,
    /// Who serves it, or should have.
    backend: Option<(SocketAddr, Name)>,
    /// What its last SYN met in the end.
    met: Option<Reason>,
    /// The port of its connection, and when the last SYN was sent for it; a kept one needed none.
    port: Option<(u16, Option<Instant>)>,
}

/// How far it has come.
#[derive(Clone, Debug, Hash)]
enum Stage {
    Resolve(Resolve),
    Dial(Dial),
    Exchange(Box<Connection>, Exchange),
    Ended(End, Option<Box<Connection>>),
}

impl Transfer {
    /// A request that begins now, over a kept connection or over one of its own.
    pub fn new(from: Source, now: Instant, limit: Option<Duration>, kept: Option<Box<Connection>>) -> Transfer {
        let reused = kept.is_some();
        let backend = kept.as_deref().map(served_by);
        let port = kept.as_deref().map(|connection| (connection.client.port(), None));
        let stage = match kept {
            Some(connection) => Stage::Exchange(connection, Exchange::new(true, now)),
            None => Stage::Resolve(Resolve::new(now)),
        };
        Transfer { from, began: now, limit, stage, reused, backend, met: None, port }
    }

    /// Where it starts.
    pub fn from(&self) -> &Source {
        &self.from
    }

    /// When it began.
    pub fn began(&self) -> Instant {
        self.began
    }

    /// Who serves it, or should have: address and, where there is one, pod.
    pub fn backend(&self) -> Option<&(SocketAddr, Name)> {
        self.backend.as_ref()
    }

    /// Why no connection came about, if its end is of that kind.
    pub fn why(&self, end: End) -> Option<&Reason> {
        self.met.as_ref().filter(|_| end.is_unconnected())
    }

    /// The packet in which its end is seen: the client's port, and the moment. Where no connection came about that is the last SYN,
    /// else whatever the client sends `now`. `None`: nothing was sent.
    pub fn seen_in(&self, end: End, now: Instant) -> Option<(u16, Instant)> {
        self.port.map(|(port, syn)| (port, syn.filter(|_| end.is_unconnected()).unwrap_or(now)))
    }

    /// Goes on as far as it can now.
    pub fn go(&mut self, wire: &mut dyn Connections, target: &Target) -> Next {
        let until = self.began + self.limit.unwrap_or(NO_LIMIT);
        loop {
            let next = match &mut self.stage {
                Stage::Resolve(resolve) => {
                    let step = resolve.go(wire, (&self.from, &target.host, Family::Any), until);
                    step.then(End::ResolvingLimit, |found| match found.addresses.first() {
                        Some(ip) => Stage::Dial(Dial::new(self.from.clone(), SocketAddr::new(*ip, target.port), wire.now())),
                        None => Stage::Ended(End::Unresolved, None),
                    })
                }
                Stage::Dial(dial) => {
                    let step = dial.go(wire, until);
                    if let Some(met) = dial.met() {
                        (self.backend, self.met) = (met.backend.clone(), met.reason.clone());
                        self.port = Some((met.own.port(), Some(met.at)));
                    }
                    step.then(End::ConnectLimit, |dialed| connected(dialed, wire.now()))
                }
                Stage::Exchange(connection, exchange) => {
                    let step = exchange.go(wire, (connection, &target.request), until);
                    step.then(End::Limit, |ended| {
                        let end = end_of(&ended, target.tls);
                        Stage::Ended(end, matches!(end, End::Status(_)).then(|| connection.clone()))
                    })
                }
                Stage::Ended(end, connection) => return Next::Ended(*end, connection.take()),
            };
            let stage = match next {
                Ok(stage) => stage,
                Err(at) => return Next::At(at),
            };
            let before = std::mem::replace(&mut self.stage, stage);
            if let (Stage::Exchange(connection, _), Stage::Ended(end, None)) = (before, &self.stage) {
                wire.close(&connection);
                // Nothing came over a connection that had served before: the server may have closed it just then.
                if self.reused && matches!(end, End::Empty | End::Reset) {
                    self.reused = false;
                    self.stage = Stage::Resolve(Resolve::new(wire.now()));
                }
            }
        }
    }
}

impl<T> Step<T> {
    /// The next stage, or when to go on.
    fn then(self, limit: End, done: impl FnOnce(T) -> Stage) -> Result<Stage, Instant> {
        match self {
            Step::At(at) => Err(at),
            Step::Done(with) => Ok(done(with)),
            Step::Limit => Ok(Stage::Ended(limit, None)),
        }
    }
}

fn connected(dialed: Dialed, now: Instant) -> Stage {
    let end = match dialed {
        Dialed::Connected(connection) => return Stage::Exchange(connection, Exchange::new(true, now)),
        Dialed::Refused => End::Refused,
        Dialed::Unreachable => End::Unreachable,
        Dialed::TimedOut => End::ConnectTimedOut,
        Dialed::Unknown => End::Unknown,
    };
    Stage::Ended(end, None)
}

fn end_of(ended: &Ended, tls: bool) -> End {
    match ended {
        Ended::Reply(HttpReply::Response { .. }) if tls => End::NoTls,
        Ended::Reply(HttpReply::Response { status, .. }) => End::Status(*status),
        Ended::Reply(HttpReply::Empty { .. }) => End::Empty,
        Ended::Reply(_) => End::Reset,
        Ended::KernelGaveUp => End::KernelGaveUp,
    }
}

fn served_by(connection: &Connection) -> (SocketAddr, Name) {
    let pod = if let transport::End::Pod { name, .. } = &connection.server.end { name.clone() } else { Name::default() };
    (connection.server.address, pod)
}
