//! agnhost: the Go program of Kubernetes' own end-to-end tests, which tells kinds of network errors apart.
//!
//! `agnhost connect HOST:PORT [--timeout 5s] [--protocol tcp|udp|sctp]` opens a connection as Go's `net.Dial` does and says in one
//! word what came of it: nothing and status 0, or REFUSED, TIMEOUT, DNS, OTHER, UNKNOWN and status 1; after DNS and OTHER stands Go's
//! own sentence, as in the logs of every Go program. Left out: its other commands, further addresses of a name.
//! The real thing: `test/images/agnhost/connect` of Kubernetes; Go's `net/dial.go`, `net/dnsclient_unix.go`.

use std::net::SocketAddr;

use super::super::host::{Host, Outcome, Stopped, elapsed, sleep};
use super::connect::{Connected, close, connect, deadline, resolve_by};
use super::{connections, lent, source, stopped};
use crate::dns::message::Rcode;
use crate::dns::resolver::{Family, Library, Lookup, LookupError, SentOutcome};
use crate::engine::time::Duration;
use crate::explain;
use crate::network::client::resolve::Resolve;
use crate::network::transport::{NO_LIMIT, Opening};
use crate::network::wire::Source;
use crate::objects::pod_spec::Protocol;

/// The program.
pub async fn agnhost(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    match argv.get(1).map(String::as_str) {
        Some("connect") => {}
        Some(other) => return Outcome::err(1, format!("Error: unknown command \"{other}\" for \"app\"")),
        None => return Outcome::err(1, "kubewalk: agnhost: of its commands `connect HOST:PORT` is modelled"),
    }
    let asked = match Asked::parse(&argv[2..]) {
        Ok(asked) => asked,
        Err(why) => return Outcome::err(1, why),
    };
    let from = source(host.place());
    if let Err(outcome) = connections(host, "agnhost") {
        return outcome;
    }
    match dial(host, &from, &asked).await {
        Ok(()) => Outcome::default(),
        Err(Failed::Said(line)) => Outcome::err(1, line),
        Err(Failed::Stopped(why)) => stopped(&why),
    }
}

/// What was asked for.
struct Asked {
    to: String,
    timeout: Option<Duration>,
    protocol: Protocol,
}

/// Why there is no connection.
enum Failed {
    /// In the program's words.
    Said(String),
    /// The simulation stopped.
    Stopped(Stopped),
}

impl From<Stopped> for Failed {
    fn from(stopped: Stopped) -> Failed {
        Failed::Stopped(stopped)
    }
}

impl Asked {
    fn parse(words: &[String]) -> Result<Asked, String> {
        let (mut plain, mut timeout, mut protocol) = (Vec::new(), None, Protocol::Tcp);
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            let (name, inline) = word.split_once('=').map_or((word.as_str(), None), |(name, value)| (name, Some(value)));
            let mut value = || inline.or_else(|| rest.next().map(String::as_str));
            match name {
                "--timeout" => {
                    let text = value().ok_or("Error: flag needs an argument: --timeout")?;
                    let wrong = || {
                        format!("Error: invalid argument \"{text}\" for \"--timeout\" flag: time: invalid duration \"{text}\"")
                    };
                    timeout = Some(Duration::parse(text).ok_or_else(wrong)?).filter(|t| *t > Duration::ZERO);
                }
                "--protocol" => {
                    protocol = match value().ok_or("Error: flag needs an argument: --protocol")? {
                        "" | "tcp" => Protocol::Tcp,
                        "udp" => Protocol::Udp,
                        "sctp" => Protocol::Sctp,
                        _ => return Err("Unsupported protocol".to_string()),
                    }
                }
                "--udp-data" | "--sctp-data" => drop(value()),
                _ if name.starts_with("--") => return Err(format!("Error: unknown flag: {name}")),
                _ => plain.push(word.clone()),
            }
        }
        match <[String; 1]>::try_from(plain) {
            Ok([to]) => Ok(Asked { to, timeout, protocol }),
            Err(plain) => Err(format!("Error: accepts 1 arg(s), received {}", plain.len())),
        }
    }
}

/// Resolves, then connects.
async fn dial(caller: &mut dyn Host, from: &Source, asked: &Asked) -> Result<(), Failed> {
    let said = |text: String| Failed::Said(text);
    let (host, port) = host_and_port(&asked.to).map_err(|why| said(format!("UNKNOWN: address {}: {why}", asked.to)))?;
    let until = deadline(caller, None);
    let resolver = Resolve::by(Library::Go, elapsed(caller));
    let found = resolve_by(caller, resolver, (from, host, Family::Any), until).await?.unwrap_or_default();
    let Some(ip) = found.addresses.first().copied() else {
        let own = match found.queries.last() {
            Some(last) => Some(lent(caller)?.ping(from, last.server.ip()).asked.0),
            None => None,
        };
        return Err(said(format!("DNS: {}", not_resolved(host, &found, own))));
    };
    let to = SocketAddr::new(ip, port);
    match asked.protocol {
        Protocol::Tcp => tcp(caller, from, to, asked.timeout).await,
        protocol => one_packet(caller, from, to, protocol, asked.timeout).await,
    }
}

/// Go's `net.SplitHostPort`, for ports that are numbers.
fn host_and_port(text: &str) -> Result<(&str, u16), &'static str> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, tail)) => (host, tail.strip_prefix(':').ok_or("missing port in address")?),
        None if text.matches(':').count() > 1 => return Err("too many colons in address"),
        None => text.split_once(':').ok_or("missing port in address")?,
    };
    Ok((host, port.parse().map_err(|_| "invalid port")?))
}

/// Go's sentence for a name without address: with the server that was asked last, and the own socket if that heard nothing of it.
fn not_resolved(name: &str, found: &Lookup, own: Option<SocketAddr>) -> String {
    // Of an error it is the question that met it, else the last one.
    let try_again = found.error == Some(LookupError::TryAgain);
    let met_it = |outcome| match outcome {
        SentOutcome::Failed(rcode) => rcode != Rcode::NxDomain,
        SentOutcome::Silence | SentOutcome::Refused => true,
        SentOutcome::Answer | SentOutcome::NoData => false,
    };
    let last = found.queries.iter().rev().find(|query| !try_again || met_it(query.outcome));
    let (Some(last), Some(own)) = (last, own) else { return format!("lookup {name}: no such host") };
    let server = last.server;
    let why = match (&found.error, last.outcome) {
        (Some(LookupError::TryAgain), SentOutcome::Silence) => format!("read udp {own}->{server}: i/o timeout"),
        (Some(LookupError::TryAgain), SentOutcome::Refused) => format!("read udp {own}->{server}: read: connection refused"),
        (Some(LookupError::TryAgain), _) => "server misbehaving".to_string(),
        _ => "no such host".to_string(),
    };
    format!("lookup {name} on {server}: {why}")
}

async fn tcp(host: &mut dyn Host, from: &Source, to: SocketAddr, timeout: Option<Duration>) -> Result<(), Failed> {
    let said = |text: &str| Err(Failed::Said(text.to_string()));
    let until = deadline(host, timeout);
    match connect(host, from, to, until).await {
        Connected::Yes(connection) => {
            close(host, &connection);
            Ok(())
        }
        Connected::Refused(..) => said("REFUSED"),
        // `syscall.ETIMEDOUT` counts as a timeout, too.
        Connected::TimedOut(..) | Connected::Limit => said("TIMEOUT"),
        Connected::Unreachable => said(&format!("OTHER: dial tcp {to}: connect: network is unreachable")),
        Connected::Stopped(why) => Err(Failed::Stopped(why)),
        Connected::Unknown(why) => said(&format!("kubewalk: no answer can be given: {why}")),
    }
}

/// A question over UDP, or an association of SCTP: what listens there answers.
async fn one_packet(
    host: &mut dyn Host,
    from: &Source,
    to: SocketAddr,
    protocol: Protocol,
    timeout: Option<Duration>,
) -> Result<(), Failed> {
    let (trace, _) = lent(host)?.open(&Opening { from: from.clone(), to, protocol, port: None });
    let own = trace.asked.0;
    let udp = protocol == Protocol::Udp;
    let (pause, ended) = match trace.outcome {
        explain::Outcome::Delivered => (trace.round_trip, Ok(())),
        explain::Outcome::Refused if udp => {
            (trace.round_trip, Err(format!("REFUSED: read udp {own}->{to}: read: connection refused")))
        }
        explain::Outcome::Refused => (trace.round_trip, Err("OTHER: connection refused".to_string())),
        _ if udp => (timeout.unwrap_or(NO_LIMIT), Err(format!("TIMEOUT: read udp {own}->{to}: i/o timeout"))),
        _ => (timeout.unwrap_or(Duration::ZERO), Err("TIMEOUT".to_string())),
    };
    sleep(host, pause).await?;
    ended.map_err(Failed::Said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_go_reads_them() {
        let cases = [
            ("web:80", Ok(("web", 80))),
            ("[fd00::1]:80", Ok(("fd00::1", 80))),
            ("web", Err("missing port in address")),
            ("fd00::1", Err("too many colons in address")),
            ("[fd00::1]", Err("missing port in address")),
        ];
        for (text, want) in cases {
            assert_eq!(host_and_port(text), want, "{text}");
        }
    }

    #[test]
    fn flags_are_read() {
        let parse = |line: &str| Asked::parse(&line.split(' ').map(String::from).collect::<Vec<_>>());
        let asked = parse("--timeout=5s web:80 --protocol udp").ok().unwrap();
        assert_eq!((asked.timeout, asked.protocol), (Some(Duration::from_secs(5)), Protocol::Udp));
        assert_eq!(parse("a:1 b:2").err().unwrap(), "Error: accepts 1 arg(s), received 2");
        assert_eq!(parse("--fast").err().unwrap(), "Error: unknown flag: --fast");
        assert!(
            parse("--timeout soon a:1").err().unwrap().starts_with("Error: invalid argument \"soon\" for \"--timeout\" flag")
        );
    }
}
