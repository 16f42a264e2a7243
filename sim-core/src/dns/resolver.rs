//! The stub resolver: how a program's library turns one name into questions, and their replies into addresses or an error.
//!
//! In a real cluster each container brings its own: glibc or, in Alpine images, musl; programs written in Go bring Go's in
//! themselves. They differ in what ends the walk along the search list and in how they wait. Each question is sent when its turn comes, so that a retry meets the cluster as it
//! then is. Left out: `nsswitch.conf` (the order is always files, then DNS), nscd, sorting of addresses by RFC 6724.
//! The real things: glibc `resolv/res_query.c` and `res_send.c`; musl `src/network/lookup_name.c` and `res_msend.c`; Go
//! `src/net/dnsclient_unix.go`.

use std::net::{IpAddr, SocketAddr};

use super::message::{Question, Rcode, Reply};
use super::resolv_conf::{ResolvConf, dots, hosts_addresses};
use crate::engine::time::Duration;
use crate::network::wire::{Asked, ResolverConfig, Source, Wire};
use crate::objects::Name;
use crate::objects::pod_spec::Protocol;

mod glibc;
mod go;
mod musl;

/// Whose resolver it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Library {
    #[default]
    Glibc,
    Musl,
    Go,
}

/// Addresses of which family are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
    /// Both, each asked for.
    Any,
}

/// One question that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Name, without final dot.
    pub name: String,
    /// Type.
    pub kind: &'static str,
    /// To whom.
    pub server: SocketAddr,
    /// What came back.
    pub outcome: SentOutcome,
    /// Round trip; zero if nothing came back.
    pub after: Duration,
    /// The pod that answered; empty if none did, or if it was a server outside the cluster.
    pub by: Name,
    /// Whether that pod answered out of its cache.
    pub cached: bool,
}

/// What came of one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SentOutcome {
    /// A reply with records in its answer section.
    Answer,
    /// `NOERROR` without records.
    NoData,
    /// Another response code.
    Failed(Rcode),
    /// Nobody listens there.
    Refused,
    /// Nothing came back.
    Silence,
}

/// Why a name was not turned into addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookupError {
    /// No such name: `EAI_NONAME`.
    NotFound,
    /// The name exists and has no address of that family: `EAI_NODATA`.
    NoAddress,
    /// No server could tell: `EAI_AGAIN`.
    TryAgain,
    /// The time allowed for the command ran out; the text says which limit.
    Stopped(String),
}

/// What a lookup found, and by which questions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lookup {
    /// The name the addresses belong to in the end, without final dot: the end of the chain of CNAMEs.
    pub canonical: String,
    /// Addresses in the order of the replies.
    pub addresses: Vec<IpAddr>,
    /// Questions in the order they were sent.
    pub queries: Vec<Sent>,
    /// The error, if there is no address.
    pub error: Option<LookupError>,
}

/// Turns a name into addresses as `getaddrinfo` does at that place: literals, the hosts file, then DNS. Simulated time passes.
pub fn lookup(wire: &mut dyn Wire, from: &Source, name: &str, family: Family) -> Lookup {
    if let Ok(ip) = name.parse::<IpAddr>() {
        return found(name, vec![ip], family);
    }
    let config = wire.resolver(from);
    let addresses = hosts_addresses(&config.hosts, name);
    if addresses.iter().any(|ip| family.wants(*ip)) {
        return found(name, addresses, family);
    }
    let mut asker = Asker::new(wire, from);
    let outcome = asker.search(&config, name, family.kinds());
    let queries = asker.queries;
    match outcome {
        Ok(hit) if hit.addresses.is_empty() => {
            Lookup { canonical: hit.canonical, queries, error: Some(LookupError::NoAddress), ..Lookup::default() }
        }
        Ok(hit) => Lookup { canonical: hit.canonical, addresses: hit.addresses, queries, error: None },
        Err(error) => Lookup { queries, error: Some(error), ..Lookup::default() },
    }
}

/// A walk for records of any type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk {
    /// What was replied for the last name, if anything was; the answers of several types are put together.
    pub reply: Option<Reply>,
    /// Questions in the order they were sent.
    pub queries: Vec<Sent>,
    /// The error, if there is no record.
    pub error: Option<LookupError>,
}

/// Asks for records of these types along the search list: of one as `res_search` does at that place, of two as `getaddrinfo`
/// does. Simulated time passes.
pub fn walk(wire: &mut dyn Wire, from: &Source, name: &str, kinds: &[&'static str]) -> Walk {
    let config = wire.resolver(from);
    let mut asker = Asker::new(wire, from);
    let outcome = asker.search(&config, name, kinds);
    Walk { reply: together(asker.last), queries: asker.queries, error: outcome.err() }
}

/// One reply out of those for several types: the first with answers, and the answers of the others behind its own.
fn together(replies: Vec<(String, Reply)>) -> Option<Reply> {
    let mut replies: Vec<Reply> = replies.into_iter().map(|(_, reply)| reply).collect();
    let best = replies.iter().position(|r| !r.answers.is_empty()).unwrap_or(0);
    let mut reply = (best < replies.len()).then(|| replies.remove(best))?;
    for record in replies.into_iter().flat_map(|r| r.answers) {
        if !reply.answers.contains(&record) {
            reply.answers.push(record);
        }
    }
    Some(reply)
}

fn found(name: &str, mut addresses: Vec<IpAddr>, family: Family) -> Lookup {
    addresses.retain(|ip| family.wants(*ip));
    let error = addresses.is_empty().then_some(LookupError::NoAddress);
    Lookup { canonical: name.to_owned(), addresses, queries: vec![], error }
}

/// Whether a name can be sent at all: labels of 1 to 63 bytes, 253 in total (RFC 1035).
pub fn legal(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    (1..=253).contains(&name.len()) && name.split('.').all(|label| (1..=63).contains(&label.len()))
}

impl Family {
    /// The types asked for, in the order they are sent.
    pub fn kinds(self) -> &'static [&'static str] {
        match self {
            Family::V4 => &["A"],
            Family::V6 => &["AAAA"],
            Family::Any => &["A", "AAAA"],
        }
    }

    /// Whether an address is of that family.
    pub fn wants(self, ip: IpAddr) -> bool {
        match self {
            Family::V4 => ip.is_ipv4(),
            Family::V6 => ip.is_ipv6(),
            Family::Any => true,
        }
    }
}

impl LookupError {
    /// `gai_strerror` of glibc.
    pub fn glibc(&self) -> &str {
        match self {
            LookupError::NotFound => "Name or service not known",
            LookupError::NoAddress => "No address associated with hostname",
            LookupError::TryAgain => "Temporary failure in name resolution",
            LookupError::Stopped(why) => why,
        }
    }

    /// `gai_strerror` of musl.
    pub fn musl(&self) -> &str {
        match self {
            LookupError::NotFound => "Name does not resolve",
            LookupError::NoAddress => "Name has no usable address",
            LookupError::TryAgain => "Try again",
            LookupError::Stopped(why) => why,
        }
    }

    /// What a Go program says after `dial tcp: `; `server` is the one asked last.
    pub fn go(&self, name: &str, server: SocketAddr) -> String {
        let why = match self {
            LookupError::NotFound | LookupError::NoAddress => "no such host",
            LookupError::TryAgain => "i/o timeout",
            LookupError::Stopped(why) => why,
        };
        format!("lookup {name} on {server}: {why}")
    }
}

/// What a search ended with: records of any kind, possibly no address among them.
#[derive(Debug, PartialEq, Eq)]
struct Hit {
    canonical: String,
    addresses: Vec<IpAddr>,
}

impl Hit {
    /// Addresses of the replies, and the end of the first chain of CNAMEs among them.
    fn of(name: &str, replies: &[Reply]) -> Hit {
        let records = || replies.iter().flat_map(|r| &r.answers);
        let addresses =
            records().filter(|r| matches!(r.kind, "A" | "AAAA")).filter_map(|r| r.data.parse().ok()).collect::<Vec<_>>();
        let mut canonical = name.to_owned();
        // A chain has no more links than there are records, even if it is a ring.
        for _ in records() {
            let owner = |r: &&super::message::Record| r.name.trim_end_matches('.').eq_ignore_ascii_case(&canonical);
            match records().filter(owner).find(|r| r.kind == "CNAME") {
                Some(link) => canonical = link.data.trim_end_matches('.').to_owned(),
                None => break,
            }
        }
        Hit { canonical, addresses }
    }
}

/// The sending end, keeping a list of what was sent.
struct Asker<'a> {
    wire: &'a mut dyn Wire,
    from: &'a Source,
    queries: Vec<Sent>,
    /// The replies for the last name.
    last: Vec<(String, Reply)>,
    /// How many questions (or pairs of them) went out: with `rotate` each begins with the next server.
    turns: usize,
    /// Pairs are no longer sent at once: one of a pair got no answer.
    single: bool,
}

impl<'a> Asker<'a> {
    fn new(wire: &'a mut dyn Wire, from: &'a Source) -> Asker<'a> {
        Asker { wire, from, queries: Vec::new(), last: Vec::new(), turns: 0, single: false }
    }
    fn search(&mut self, config: &ResolverConfig, name: &str, kinds: &[&'static str]) -> Result<Hit, LookupError> {
        let conf = ResolvConf::parse(&config.resolv_conf);
        if !legal(name) {
            return Err(LookupError::NotFound);
        }
        match config.library {
            Library::Glibc => glibc::search(self, &conf, name, kinds),
            Library::Musl => musl::search(self, &conf, name, kinds),
            Library::Go => go::search(self, &conf, name, kinds),
        }
    }

    /// One question to one server over UDP, and over TCP again if the reply came cut. No time passes here.
    /// `beside` the question before it, or alone.
    fn ask(&mut self, name: &str, kind: &'static str, server: SocketAddr, beside: bool) -> (Asked, Duration) {
        let question = Question { beside, ..Question::new(format!("{name}."), kind) };
        let mut total = Duration::ZERO;
        let mut asked = self.wire.ask(self.from, server, Protocol::Udp, &question);
        self.note(name, kind, server, &asked);
        if let Asked::Reply { reply, after } = &asked
            && reply.truncated
        {
            total = *after;
            asked = self.wire.ask(self.from, server, Protocol::Tcp, &question);
            self.note(name, kind, server, &asked);
        }
        if let Asked::Reply { after, .. } | Asked::Refused { after } = &asked {
            total = Duration::from_nanos(total.as_nanos().saturating_add(after.as_nanos()));
        }
        (asked, total)
    }

    fn note(&mut self, name: &str, kind: &'static str, server: SocketAddr, asked: &Asked) {
        let name = name.to_owned();
        let unanswered =
            |outcome, after| Sent { name: name.clone(), kind, server, outcome, after, by: Name::default(), cached: false };
        let sent = match asked {
            Asked::Reply { reply, after } => {
                self.last.retain(|(of, _)| *of == name);
                self.last.push((name.clone(), reply.clone()));
                let (by, cached) = (reply.server.clone(), reply.cached);
                Sent { by, cached, ..unanswered(SentOutcome::of(reply), *after) }
            }
            Asked::Refused { after } => unanswered(SentOutcome::Refused, *after),
            Asked::Silence => unanswered(SentOutcome::Silence, Duration::ZERO),
        };
        self.queries.push(sent);
    }

    fn wait(&mut self, by: Duration) -> Result<(), LookupError> {
        self.wire.wait(by).map_err(LookupError::Stopped)
    }
}

impl SentOutcome {
    fn of(reply: &Reply) -> SentOutcome {
        match reply.rcode {
            Rcode::NoError if reply.answers.is_empty() => SentOutcome::NoData,
            Rcode::NoError => SentOutcome::Answer,
            rcode => SentOutcome::Failed(rcode),
        }
    }

    /// As the `queries` of `resolve -o json` name it: the response code, else what happened to the question.
    pub fn text(self) -> &'static str {
        match self {
            SentOutcome::Answer | SentOutcome::NoData => Rcode::NoError.text(),
            SentOutcome::Failed(rcode) => rcode.text(),
            SentOutcome::Refused => "connection refused",
            SentOutcome::Silence => "timed out",
        }
    }
}

#[cfg(test)]
mod tests;
