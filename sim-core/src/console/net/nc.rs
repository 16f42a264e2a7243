//! nc: is the port open? (`nc -zv HOST PORT`.) And a request of HTTP typed by hand, piped into it.
//!
//! In real life machines have OpenBSD's netcat in Debian's version, and small images busybox's, with other words and other ideas
//! of what is worth a word. Left out: listening, data other than HTTP, names of ports (`/etc/services`, which images rarely
//! have), and that a connection without input stays open until somebody closes it.
//! The real things: Debian's `netcat-openbsd`, busybox `networking/nc_bloaty.c`.

use std::net::{IpAddr, SocketAddr};

use super::super::host::{Host, Outcome, Stopped};
use super::super::names::make_at;
use super::super::programs::not_modelled;
use super::connect::{Connected, close, connect, deadline, exchange, look_up, unknown};
use super::curl::headers;
use super::{connections, source, stopped};
use crate::dns::resolver::Family;
use crate::engine::time::Duration;
use crate::explain;
use crate::network::client::exchange::Ended;
use crate::network::transport::{Connection, Opening};
use crate::network::wire::{HttpReply, HttpRequest};
use crate::objects::pod_spec::Protocol;

const USAGE: &str = "usage: nc [-nuvz] [-w timeout] [destination] [port]";

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    host: String,
    port: u16,
    udp: bool,
    /// Nothing is carried.
    scan: bool,
    /// How often `-v` was said.
    verbosity: usize,
    numeric: bool,
    limit: Option<Duration>,
}

/// Why there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Error {
    Refused,
    Unreachable,
    /// The kernel gave up.
    TimedOut,
    /// `-w` did.
    Limit,
}

/// The program.
pub async fn nc(host: &mut dyn Host, argv: &[String], stdin: &str) -> Outcome {
    let wanted = match Wanted::parse(&argv[1..]) {
        Ok(wanted) => wanted,
        Err(outcome) => return outcome,
    };
    let request = match (wanted.scan || wanted.udp || stdin.is_empty(), request(stdin)) {
        (true, _) => None,
        (false, Some(request)) => Some(request),
        (false, None) => {
            return not_modelled("nc", "of what it could carry only requests of HTTP are modelled; -z carries nothing");
        }
    };
    let (from, busybox) = (source(host.place()), make_at(host).is_busybox());
    if let Err(outcome) = connections(host, "nc") {
        return outcome;
    }
    let found = match look_up(host, (&from, &wanted.host, Family::Any)).await {
        Ok(found) => found,
        Err(why) => return stopped(&why),
    };
    let Some(ip) = found.addresses.first().copied() else {
        let (host, port) = (&wanted.host, wanted.port);
        let why = found.error.map_or_else(String::new, |e| e.glibc().to_string());
        return Outcome::err(
            1,
            match busybox {
                true => format!("nc: bad address '{host}'"),
                false => format!("nc: getaddrinfo for host \"{host}\" port {port}: {why}"),
            },
        );
    };
    let to = SocketAddr::new(ip, wanted.port);
    let report = |result: Result<(), Error>| match busybox {
        true => wanted.busybox(to, result),
        false => wanted.openbsd(ip, result),
    };
    if wanted.udp {
        let opening = Opening { from, to, protocol: Protocol::Udp, port: None };
        let (trace, _) = match connections(host, "nc") {
            Ok(mut wire) => wire.open(&opening),
            Err(outcome) => return outcome,
        };
        return report(if trace.outcome == explain::Outcome::Refused { Err(Error::Refused) } else { Ok(()) });
    }
    let until = deadline(host, wanted.limit);
    let connection = match connect(host, &from, to, until).await {
        Connected::Yes(connection) => connection,
        Connected::Refused(_) => return report(Err(Error::Refused)),
        Connected::Unreachable => return report(Err(Error::Unreachable)),
        Connected::TimedOut(_) => return report(Err(Error::TimedOut)),
        Connected::Limit => return report(Err(Error::Limit)),
        Connected::Stopped(why) => return stopped(&why),
        Connected::Unknown(why) => return unknown(&why),
    };
    let carried = match request {
        Some(request) => carry(host, &connection, &request, wanted.limit).await.map(Some),
        None => Ok(None),
    };
    close(host, &connection);
    match carried {
        Ok(stdout) => Outcome { stdout: stdout.unwrap_or_default(), ..report(Ok(())) },
        Err(why) => stopped(&why),
    }
}

/// Sends a request and gives what comes back; silence and a reset look the same.
async fn carry(
    host: &mut dyn Host,
    connection: &Connection,
    request: &HttpRequest,
    limit: Option<Duration>,
) -> Result<String, Stopped> {
    let until = deadline(host, limit);
    let ended = exchange(host, (connection, request), false, until).await?;
    Ok(match ended {
        Some(Ended::Reply(HttpReply::Response { status, content_type, server, body, .. })) => {
            let head = headers(status, &content_type, &server, body.len());
            if request.method == "HEAD" { head } else { head + &body }
        }
        _ => String::new(),
    })
}

/// A request of HTTP, as somebody types it.
fn request(text: &str) -> Option<HttpRequest> {
    let mut lines = text.lines();
    let mut words = lines.next()?.split_whitespace();
    let (method, path, version) = (words.next()?, words.next()?, words.next()?);
    let host = lines.find_map(|line| line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("host")));
    let host = host.map(|(_, host)| host.trim().to_string()).unwrap_or_default();
    version.starts_with("HTTP/1.").then(|| HttpRequest { method: method.into(), path: path.into(), host })
}

impl Wanted {
    fn parse(words: &[String]) -> Result<Wanted, Outcome> {
        let (mut wanted, mut plain) = (Wanted::default(), Vec::new());
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let Some(flags) = word.strip_prefix('-').filter(|flags| !flags.is_empty()) else {
                plain.push(word.as_str());
                continue;
            };
            for (at, flag) in flags.char_indices() {
                match flag {
                    'n' => wanted.numeric = true,
                    'u' => wanted.udp = true,
                    'v' => wanted.verbosity += 1,
                    'z' => wanted.scan = true,
                    'w' => {
                        let tail = &flags[at + 1..];
                        let text = if tail.is_empty() { words.next().map_or("", String::as_str) } else { tail };
                        let seconds = text.parse().ok().filter(|seconds| *seconds > 0);
                        let invalid = || Outcome::err(1, format!("nc: timeout invalid: {text}"));
                        wanted.limit = Some(Duration::from_secs(seconds.ok_or_else(invalid)?));
                        break;
                    }
                    other => return Err(not_modelled("nc", &format!("-{other} is not modelled; -n, -u, -v, -w and -z are"))),
                }
            }
        }
        let [host, port] = plain[..] else { return Err(Outcome::err(1, USAGE)) };
        let port = port.parse().ok().filter(|port| *port > 0);
        wanted.port = port.ok_or_else(|| Outcome::err(1, format!("nc: port number invalid: {}", plain[1])))?;
        wanted.host = host.to_string();
        Ok(wanted)
    }

    /// OpenBSD's words, which are said with `-v` only.
    fn openbsd(&self, ip: IpAddr, result: Result<(), Error>) -> Outcome {
        let Wanted { host, port, .. } = self;
        let protocol = if self.udp { "udp" } else { "tcp" };
        // The address is told where it says something new.
        let whom = if self.numeric || *host == ip.to_string() { host.clone() } else { format!("{host} ({ip})") };
        let line = match result {
            Ok(()) => format!("Connection to {whom} {port} port [{protocol}/*] succeeded!"),
            Err(error) => {
                let (how, why) = match error {
                    Error::Refused => ("failed", "Connection refused"),
                    Error::Unreachable => ("failed", "Network is unreachable"),
                    Error::TimedOut => ("failed", "Connection timed out"),
                    Error::Limit => ("timed out", "Operation now in progress"),
                };
                format!("nc: connect to {whom} port {port} ({protocol}) {how}: {why}")
            }
        };
        said(line, result, self.verbosity > 0)
    }

    /// busybox's words; of a refusal it speaks when asked twice.
    fn busybox(&self, to: SocketAddr, result: Result<(), Error>) -> Outcome {
        let host = &self.host;
        let line = match result {
            Ok(()) => format!("{host} ({to}) open"),
            Err(Error::Refused) => format!("nc: {host} ({to}): Connection refused"),
            Err(Error::Unreachable) => format!("nc: {host} ({to}): Network is unreachable"),
            Err(Error::TimedOut | Error::Limit) => format!("nc: {host} ({to}): Connection timed out"),
        };
        let worth = if result == Err(Error::Refused) { 2 } else { 1 };
        said(line, result, self.verbosity >= worth)
    }
}

fn said(line: String, result: Result<(), Error>, aloud: bool) -> Outcome {
    let stderr = if aloud { line + "\n" } else { String::new() };
    Outcome { stderr, exit: i32::from(result.is_err()), ..Outcome::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Wanted, String> {
        let words: Vec<String> = line.split(' ').map(String::from).collect();
        Wanted::parse(&words).map_err(|outcome| outcome.stderr)
    }

    #[test]
    fn flags_stand_alone_or_together() {
        let wanted = Wanted {
            host: "web".into(),
            port: 80,
            scan: true,
            verbosity: 2,
            limit: Some(Duration::from_secs(3)),
            ..Wanted::default()
        };
        for line in ["-zvvw3 web 80", "-z -v -v -w 3 web 80", "web 80 -vzvw 3"] {
            assert_eq!(parse(line).as_ref(), Ok(&wanted), "{line}");
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (line, why) in [
            ("web", "usage: nc [-nuvz] [-w timeout] [destination] [port]\n"),
            ("web 0", "nc: port number invalid: 0\n"),
            ("web 70000", "nc: port number invalid: 70000\n"),
            ("-w soon web 80", "nc: timeout invalid: soon\n"),
            ("-l 80", "kubewalk: nc: -l is not modelled; -n, -u, -v, -w and -z are\n"),
        ] {
            assert_eq!(parse(line), Err(why.to_string()), "{line}");
        }
    }

    #[test]
    fn each_has_its_words_and_its_idea_of_what_is_worth_one() {
        let to: SocketAddr = "10.96.0.1:80".parse().unwrap();
        let both = |line: &str, result| {
            let wanted = parse(line).unwrap();
            [wanted.openbsd(to.ip(), result).stderr, wanted.busybox(to, result).stderr]
        };
        let (refused, late) = (Err(Error::Refused), Err(Error::Limit));
        let cases = [
            ("-zv web 80", Ok(()), "Connection to web (10.96.0.1) 80 port [tcp/*] succeeded!\n", "web (10.96.0.1:80) open\n"),
            ("-z web 80", Ok(()), "", ""),
            ("-zv 10.96.0.1 80", refused, "nc: connect to 10.96.0.1 port 80 (tcp) failed: Connection refused\n", ""),
            (
                "-zvv web 80",
                refused,
                "nc: connect to web (10.96.0.1) port 80 (tcp) failed: Connection refused\n",
                "nc: web (10.96.0.1:80): Connection refused\n",
            ),
            (
                "-zv -w 1 web 80",
                late,
                "nc: connect to web (10.96.0.1) port 80 (tcp) timed out: Operation now in progress\n",
                "nc: web (10.96.0.1:80): Connection timed out\n",
            ),
        ];
        for (line, result, openbsd, busybox) in cases {
            assert_eq!(both(line, result), [openbsd, busybox], "{line} {result:?}");
        }
    }

    #[test]
    fn a_request_typed_by_hand_is_read() {
        let read = request("GET /status HTTP/1.1\r\nAccept: */*\r\nHost: web\r\n\r\n");
        let want = HttpRequest { method: "GET".into(), path: "/status".into(), host: "web".into() };
        assert_eq!(read, Some(want));
        assert_eq!(request("GET /"), None);
        assert_eq!(request("hello there HTTP"), None);
    }
}
