//! One request of an HTTP client, step by step: resolve, connect, send, wait.
//!
//! In real life it is a program asleep in system calls, woken by answers and timers. Here it is a value that is asked to go on
//! ([`Transfer::go`]) and says when to ask again, so that thousands of requests can be open in one world, and each can be copied
//! with it. It says what curl says when a user types the same URL, at the same time: SYNs are sent again by [`SYN_WAITS`], the
//! program's own patience counts from the start, a connection kept from before that turns out to be closed is replaced by a new
//! one, once, as long as nothing was received. Left out: redirects, bodies of requests, a second address of the name ("happy
//! eyeballs"). The real things: curl `lib/connect.c`, `lib/transfer.c` (`Curl_retry_request`); `tcp_timer.c` of Linux.

use std::net::{IpAddr, SocketAddr};

use super::transport::{
    Connection, NO_LIMIT, Opening, SYN_SLACK, SYN_WAITS, Sent, last_probe, next_look, probes_give_up, retransmissions,
};
use super::wire::{Asked, Connections, HttpReply, HttpRequest, ResolverConfig, Source, Wire};
use crate::dns::message::{Question, Reply};
use crate::dns::resolver::{Family, LookupError, lookup};
use crate::engine::time::{Duration, Instant};
use crate::explain::{Outcome, Place, Reason, Trace};
use crate::objects::Name;
use crate::objects::pod_spec::Protocol;

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
}

/// What the client does next.
#[derive(Clone, Debug)]
pub enum Next {
    /// Nothing before this moment.
    At(Instant),
    /// It is done; the connection, if it can serve another request.
    Ended(End, Option<Box<Connection>>),
}

/// A request under way.
#[derive(Clone, Debug)]
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
}

/// How far it has come.
#[derive(Clone, Debug)]
enum Stage {
    /// The name is being resolved.
    Resolve(Questions),
    /// A SYN is due, after so many.
    Syn { to: SocketAddr, port: Option<u16>, sent: usize, due: Instant },
    /// How it ends is known, and on its way to the client.
    Told { end: End, due: Instant },
    /// The connection stands when the answer to the SYN is there.
    Shake { connection: Box<Connection>, due: Instant },
    /// The server has the request.
    Await(Awaited),
    /// The request was sent so often, and nobody acknowledges it.
    Lost { connection: Box<Connection>, sent: usize, due: Instant },
}

/// An answer that is to come.
#[derive(Clone, Debug)]
struct Awaited {
    connection: Box<Connection>,
    /// What comes of the request if the server lives that long; `None`: nothing.
    end: Option<End>,
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

/// What one stage leads to.
enum Turn {
    Go(Stage),
    Wait(Stage, Instant),
    End(End, Option<Box<Connection>>),
}

impl Transfer {
    /// A request that begins now, over a kept connection or over one of its own.
    pub fn new(from: Source, now: Instant, limit: Option<Duration>, kept: Option<Box<Connection>>) -> Transfer {
        let reused = kept.is_some();
        let backend = kept.as_deref().map(served_by);
        let stage = match kept {
            Some(connection) => Stage::Shake { connection, due: now },
            None => Stage::Resolve(Questions::new(now)),
        };
        Transfer { from, began: now, limit, stage, reused, backend, met: None }
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
        use End::{ConnectLimit, ConnectTimedOut, Refused, Unknown, Unreachable};
        let unconnected = matches!(end, Refused | Unreachable | ConnectTimedOut | ConnectLimit | Unknown);
        self.met.as_ref().filter(|_| unconnected)
    }

    /// Goes on as far as it can now.
    pub fn go(&mut self, wire: &mut dyn Connections, target: &Target) -> Next {
        let now = wire.now();
        loop {
            if let Some(end) = self.out_of_patience(now) {
                if let Stage::Await(Awaited { connection, .. }) | Stage::Lost { connection, .. } = &self.stage {
                    wire.close(connection);
                }
                return Next::Ended(end, None);
            }
            let idle = Stage::Told { end: End::Unknown, due: now };
            let stage = std::mem::replace(&mut self.stage, idle);
            match self.turn(stage, wire, target, now) {
                Turn::Go(stage) => self.stage = stage,
                Turn::Wait(stage, due) => {
                    self.stage = stage;
                    return Next::At(due.min(self.began + self.limit.unwrap_or(NO_LIMIT)));
                }
                // Nothing came over a connection that had served before: the server may have closed it just then.
                Turn::End(End::Empty | End::Reset, _) if self.reused => {
                    self.reused = false;
                    self.stage = Stage::Resolve(Questions::new(now));
                }
                Turn::End(end, connection) => return Next::Ended(end, connection),
            }
        }
    }

    /// How it ends if the client's own limit is reached. What arrives at that very moment still counts.
    fn out_of_patience(&self, now: Instant) -> Option<End> {
        let deadline = self.began + self.limit.unwrap_or(NO_LIMIT);
        if now < deadline {
            return None;
        }
        let late = |due: Instant| due > now;
        match &self.stage {
            Stage::Resolve(_) => Some(End::ResolvingLimit),
            Stage::Syn { .. } => Some(End::ConnectLimit),
            Stage::Told { due, .. } | Stage::Shake { due, .. } => late(*due).then_some(End::ConnectLimit),
            Stage::Await(awaited) => (awaited.end.is_none() || late(awaited.comes)).then_some(End::Limit),
            Stage::Lost { .. } => Some(End::Limit),
        }
    }

    fn turn(&mut self, stage: Stage, wire: &mut dyn Connections, target: &Target, now: Instant) -> Turn {
        match stage {
            Stage::Resolve(questions) => self.resolve(questions, wire, target, now),
            Stage::Syn { due, .. } | Stage::Shake { due, .. } | Stage::Told { due, .. } | Stage::Lost { due, .. }
                if due > now =>
            {
                Turn::Wait(stage, due)
            }
            Stage::Syn { to, port, sent, .. } => self.syn(to, port, sent, wire, now),
            Stage::Told { end, .. } => Turn::End(end, None),
            Stage::Shake { connection, .. } => send(connection, 0, wire, target, now),
            Stage::Lost { connection, sent, .. } if sent > retransmissions().count() => {
                wire.close(&connection);
                Turn::End(End::KernelGaveUp, None)
            }
            Stage::Lost { connection, sent, .. } => send(connection, sent, wire, target, now),
            Stage::Await(awaited) => wait(awaited, wire, now),
        }
    }

    fn resolve(&self, mut questions: Questions, wire: &mut dyn Connections, target: &Target, now: Instant) -> Turn {
        match questions.ask(wire, &self.from, &target.host) {
            Found::Address(ip) => {
                let to = SocketAddr::new(ip, target.port);
                Turn::Go(Stage::Syn { to, port: None, sent: 0, due: now })
            }
            Found::Nothing => Turn::End(End::Unresolved, None),
            Found::Later(at) => Turn::Wait(Stage::Resolve(questions), at),
        }
    }

    /// Sends a SYN, or sends it again.
    fn syn(&mut self, to: SocketAddr, port: Option<u16>, sent: usize, wire: &mut dyn Connections, now: Instant) -> Turn {
        let Some(wait) = SYN_WAITS.get(sent) else {
            return match sent {
                n if n == SYN_WAITS.len() => {
                    Turn::Wait(Stage::Syn { to, port, sent: sent + 1, due: now + SYN_SLACK }, now + SYN_SLACK)
                }
                _ => Turn::End(End::ConnectTimedOut, None),
            };
        };
        let opening = Opening { from: self.from.clone(), to, protocol: Protocol::Tcp, port };
        let (trace, connection) = wire.open(&opening);
        self.backend = served(&trace);
        self.met = trace.hops.last().map(|hop| hop.reason.clone());
        let due = now + trace.round_trip;
        match (trace.outcome, connection) {
            (Outcome::Delivered, Some(connection)) => Turn::Go(Stage::Shake { connection: Box::new(connection), due }),
            (Outcome::Refused, _) => Turn::Go(Stage::Told { end: End::Refused, due }),
            (Outcome::Unreachable, _) => Turn::End(End::Unreachable, None),
            (Outcome::Unknown | Outcome::Delivered, _) => Turn::End(End::Unknown, None),
            (Outcome::TimedOut | Outcome::Reset | Outcome::Unresolved, _) => {
                let port = Some(trace.asked.0.port());
                Turn::Go(Stage::Syn { to, port, sent: sent + 1, due: now + *wait })
            }
        }
    }
}

/// The connection stands: the request goes out, after it went out so often in vain.
fn send(connection: Box<Connection>, sent: usize, wire: &mut dyn Connections, target: &Target, now: Instant) -> Turn {
    // After the last wait nothing is sent any more.
    let Some(patience) = retransmissions().nth(sent) else {
        return Turn::Go(Stage::Lost { connection, sent: sent + 1, due: now });
    };
    let (end, after) = match wire.send(&connection, &target.request) {
        HttpReply::Response { after, .. } if target.tls => (Some(End::NoTls), after),
        HttpReply::Response { status, after, .. } => (Some(End::Status(status)), after),
        HttpReply::Empty { after } => (Some(End::Empty), after),
        HttpReply::Reset { after } => (Some(End::Reset), after),
        HttpReply::Silence => (None, NO_LIMIT),
        HttpReply::Lost => return Turn::Go(Stage::Lost { connection, sent: sent + 1, due: now + patience }),
    };
    let (comes, look) = (now + after, now + next_look(Duration::ZERO));
    Turn::Go(Stage::Await(Awaited { connection, end, since: now, comes, again: 0, heard: now, look }))
}

/// Waits for the answer, and hears of the end of the server meanwhile.
fn wait(mut awaited: Awaited, wire: &mut dyn Connections, now: Instant) -> Turn {
    let gives_up = awaited.heard + probes_give_up();
    let next = awaited.comes.min(awaited.look).min(gives_up);
    if now < next {
        return Turn::Wait(Stage::Await(awaited), next);
    }
    let there = awaited.end.filter(|_| now >= awaited.comes);
    let end = match (there, wire.heard(&awaited.connection)) {
        (Some(End::Reset), _) => End::Reset,
        (Some(end), Sent::Arrived) => end,
        // The kernel closes the sockets of a process that ended.
        (_, Sent::Reset) => End::Empty,
        (_, Sent::Lost) if now >= gives_up => End::KernelGaveUp,
        (there, sent) => {
            let spent = now.since(awaited.since);
            if sent == Sent::Arrived {
                awaited.heard = awaited.since + last_probe(spent);
            } else if there.is_some() {
                // The server sends again what is not acknowledged.
                awaited.comes = retransmissions().nth(awaited.again).map_or(Instant::FAR_FUTURE, |wait| now + wait);
                awaited.again += 1;
            }
            awaited.look = now + next_look(spent);
            return Turn::Go(Stage::Await(awaited));
        }
    };
    match end {
        End::Status(_) => Turn::End(end, Some(awaited.connection)),
        end => {
            wire.close(&awaited.connection);
            Turn::End(end, None)
        }
    }
}

/// The backend of a first packet: whose socket it met, or which endpoint was picked for it.
fn served(trace: &Trace) -> Option<(SocketAddr, Name)> {
    let last = trace.hops.last();
    match last.map(|hop| (&hop.place, hop.before.1)) {
        Some((Place::Pod { name, .. }, address)) => Some((address, name.clone())),
        _ => trace.chosen.map(|address| (address, Name::default())),
    }
}

fn served_by(connection: &Connection) -> (SocketAddr, Name) {
    use super::transport::End::Pod;
    let pod = if let Pod { name, .. } = &connection.server.end { name.clone() } else { Name::default() };
    (connection.server.address, pod)
}

/// A name on its way to an address. The resolver is a function of what was answered so far: it is run again from the start each time,
/// hears the same answers, and is stopped where it has to wait.
#[derive(Clone, Debug)]
struct Questions {
    since: Instant,
    config: Option<ResolverConfig>,
    heard: Vec<Asked>,
}

/// What a resolver has found.
enum Found {
    Address(IpAddr),
    Nothing,
    Later(Instant),
}

impl Questions {
    fn new(since: Instant) -> Questions {
        Questions { since, config: None, heard: Vec::new() }
    }

    fn ask(&mut self, wire: &mut dyn Connections, from: &Source, host: &str) -> Found {
        let (now, clock) = (wire.now(), self.since);
        let mut again = Again { wire, questions: self, next: 0, clock, world: now };
        let found = lookup(&mut again, from, host, Family::Any);
        let clock = again.clock;
        match (found.addresses.first(), found.error) {
            (Some(ip), _) => Found::Address(*ip),
            (None, Some(LookupError::Stopped(_))) => Found::Later(clock),
            (None, _) => Found::Nothing,
        }
    }
}

/// The wire of a resolver that is run again: what was answered before is answered from the list.
struct Again<'w> {
    wire: &'w mut dyn Connections,
    questions: &'w mut Questions,
    next: usize,
    /// The resolver's own time, behind the world's while it hears old answers.
    clock: Instant,
    /// What the world's clock shows.
    world: Instant,
}

impl Wire for Again<'_> {
    fn now(&self) -> Instant {
        self.clock
    }

    fn wait(&mut self, by: Duration) -> Result<(), String> {
        self.clock += by;
        if self.clock <= self.world { Ok(()) } else { Err("later".to_string()) }
    }

    fn ask(&mut self, from: &Source, server: SocketAddr, protocol: Protocol, question: &Question) -> Asked {
        self.next += 1;
        if let Some(heard) = self.questions.heard.get(self.next - 1) {
            return heard.clone();
        }
        let asked = self.wire.ask(from, server, protocol, question);
        self.questions.heard.push(asked.clone());
        asked
    }

    fn cluster_dns(&mut self, question: &Question) -> Option<Reply> {
        self.wire.cluster_dns(question)
    }

    fn resolver(&mut self, from: &Source) -> ResolverConfig {
        let wire = &mut self.wire;
        self.questions.config.get_or_insert_with(|| wire.resolver(from)).clone()
    }
}
