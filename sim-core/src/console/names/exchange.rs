//! How BIND's tools ask: each server in turn, some tries, over TCP if the reply came cut.
//!
//! The real thing: BIND `bin/dig/dighost.c`.

use std::net::SocketAddr;

use crate::dns::message::{Question, Rcode, Reply};
use crate::engine::time::Duration;
use crate::network::wire::{Asked, Source, Wire};
use crate::objects::pod_spec::Protocol;

/// How long one try waits.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// How to ask.
#[derive(Clone, Debug)]
pub(super) struct Manner {
    pub(super) servers: Vec<SocketAddr>,
    pub(super) tries: u32,
    pub(super) timeout: Duration,
    pub(super) tcp: bool,
    /// How large a UDP reply may be: dig says so, the others do not.
    pub(super) udp_size: Option<u16>,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Exchange {
    /// The reply, from whom, after how long.
    pub(super) reply: Option<(Reply, SocketAddr, Duration)>,
    /// What went wrong at each try before: the server and a word for it.
    pub(super) failures: Vec<(SocketAddr, &'static str)>,
    /// A limit ended the waiting.
    pub(super) stopped: Option<String>,
    /// The reply came over TCP.
    pub(super) tcp: bool,
}

/// Asks until a reply comes. A server that fails gives way to the next, if there is one.
pub(super) fn exchange(wire: &mut dyn Wire, from: &Source, manner: &Manner, name: &str, kind: &str) -> Exchange {
    let question = Question::new(name.to_owned(), kind);
    let mut exchange = Exchange { reply: None, failures: vec![], stopped: None, tcp: manner.tcp };
    for _ in 0..manner.tries {
        for server in &manner.servers {
            let protocol = if exchange.tcp { Protocol::Tcp } else { Protocol::Udp };
            let mut asked = wire.ask(from, *server, protocol, &question);
            if matches!(&asked, Asked::Reply { reply, .. } if reply.truncated) && !exchange.tcp {
                exchange.tcp = true;
                asked = wire.ask(from, *server, Protocol::Tcp, &question);
            }
            let spent = match &asked {
                Asked::Reply { after, .. } | Asked::Refused { after } => *after,
                Asked::Silence => manner.timeout,
            };
            if let Err(why) = wire.wait(spent) {
                exchange.stopped = Some(why);
                return exchange;
            }
            match asked {
                Asked::Reply { reply, after } => {
                    let next = reply.rcode == Rcode::ServFail && manner.servers.last() != Some(server);
                    exchange.reply = Some((reply, *server, after));
                    if !next {
                        return exchange;
                    }
                }
                Asked::Refused { .. } => exchange.failures.push((*server, "connection refused")),
                Asked::Silence => exchange.failures.push((*server, "timed out")),
            }
        }
        if exchange.reply.is_some() {
            return exchange;
        }
    }
    exchange
}

impl Exchange {
    /// The lines BIND 9.18 prints for the tries that failed.
    pub(super) fn failure_lines(&self) -> String {
        let line = |(server, why): &(SocketAddr, &str)| format!(";; communications error to {}: {why}\n", hash(*server));
        self.failures.iter().map(line).collect()
    }
}

/// An address with its port as BIND writes it.
pub(super) fn hash(server: SocketAddr) -> String {
    format!("{}#{}", server.ip(), server.port())
}
