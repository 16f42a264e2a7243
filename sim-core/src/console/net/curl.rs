//! curl, with the flags that tutorials use and the words of curl 8.
//!
//! Left out: TLS (a plain server behind https gives curl's own error), uploads, cookies, most of `-w`.
//! The real thing: curl `src/tool_operate.c`, `lib/connect.c`.

use std::net::SocketAddr;

use super::super::host::{Host, Outcome};
use super::connect::{Connected, connect};
use super::exchange::{Ended, exchange};
use super::url::Url;
use super::{connections, source};
use crate::dns::resolver::{Family, LookupError, lookup};
use crate::engine::time::Duration;
use crate::network::transport::Connection;
use crate::network::wire::{Connections, HttpReply, HttpRequest, Source};

/// What curl says after the colon when no connection came about.
pub const CANNOT: &str = "Couldn't connect to server";

/// What was asked for.
#[derive(Default)]
struct Wanted {
    urls: Vec<String>,
    silent: bool,
    show_errors: bool,
    head: bool,
    include: bool,
    fail: bool,
    discard: bool,
    write_out: Option<String>,
    method: Option<String>,
    connect_timeout: Option<Duration>,
    max_time: Option<Duration>,
    family: Option<Family>,
}

/// The program.
pub fn curl(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    let wanted = match parse(&argv[1..]) {
        Ok(wanted) => wanted,
        Err(outcome) => return outcome,
    };
    if wanted.urls.is_empty() {
        return Outcome {
            stderr: "curl: (2) no URL specified\ncurl: try 'curl --help' for more information\n".into(),
            exit: 2,
            ..Outcome::default()
        };
    }
    let from = source(host.place());
    let wire = match connections(host, "curl") {
        Ok(wire) => wire,
        Err(outcome) => return outcome,
    };
    let mut total = Outcome::default();
    for url in &wanted.urls {
        let mut one = transfer(wire, &from, url, &wanted);
        if wanted.silent && !wanted.show_errors && one.exit != 124 {
            one.stderr.clear();
        }
        total = Outcome { stdout: total.stdout + &one.stdout, stderr: total.stderr + &one.stderr, exit: one.exit };
    }
    total
}

fn parse(words: &[String]) -> Result<Wanted, Outcome> {
    let mut wanted = Wanted::default();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if let Some(long) = word.strip_prefix("--") {
            let (name, inline) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_string())),
                None => (long, None),
            };
            flag(&mut wanted, name, &mut || inline.clone().or_else(|| rest.next().cloned()), word)?;
        } else if word.len() > 1 && word.starts_with('-') {
            let letters: Vec<char> = word[1..].chars().collect();
            for (at, letter) in letters.iter().enumerate() {
                let tail: String = letters[at + 1..].iter().collect();
                let name = long_name(*letter).ok_or_else(|| unknown(&format!("-{letter}")))?;
                let takes = takes_value(name);
                flag(&mut wanted, name, &mut || if tail.is_empty() { rest.next().cloned() } else { Some(tail.clone()) }, word)?;
                if takes {
                    break;
                }
            }
        } else {
            wanted.urls.push(word.clone());
        }
    }
    Ok(wanted)
}

fn long_name(letter: char) -> Option<&'static str> {
    Some(match letter {
        's' => "silent",
        'S' => "show-error",
        'I' => "head",
        'i' => "include",
        'f' => "fail",
        'o' => "output",
        'w' => "write-out",
        'X' => "request",
        'm' => "max-time",
        'k' => "insecure",
        'L' => "location",
        'v' => "verbose",
        'H' => "header",
        'd' => "data",
        'A' => "user-agent",
        '4' => "ipv4",
        '6' => "ipv6",
        _ => return None,
    })
}

fn takes_value(name: &str) -> bool {
    matches!(
        name,
        "output" | "write-out" | "request" | "max-time" | "connect-timeout" | "header" | "data" | "user-agent" | "url" | "retry"
    )
}

fn flag(wanted: &mut Wanted, name: &str, value: &mut dyn FnMut() -> Option<String>, word: &str) -> Result<(), Outcome> {
    let mut needed = || {
        let text = format!("curl: option {word}: requires parameter\ncurl: try 'curl --help' for more information");
        value().ok_or_else(|| Outcome::err(2, text))
    };
    match name {
        "silent" => wanted.silent = true,
        "show-error" => wanted.show_errors = true,
        "head" => wanted.head = true,
        "include" => wanted.include = true,
        "fail" => wanted.fail = true,
        "output" => wanted.discard = !needed()?.is_empty(),
        "write-out" => wanted.write_out = Some(needed()?),
        "request" => wanted.method = Some(needed()?),
        "max-time" => wanted.max_time = Some(seconds(&needed()?, word)?),
        "connect-timeout" => wanted.connect_timeout = Some(seconds(&needed()?, word)?),
        "ipv4" => wanted.family = Some(Family::V4),
        "ipv6" => wanted.family = Some(Family::V6),
        "url" => wanted.urls.push(needed()?),
        "header" | "user-agent" | "retry" => drop(needed()?),
        "data" => {
            needed()?;
            wanted.method.get_or_insert_with(|| "POST".to_string());
        }
        "insecure" | "location" | "verbose" | "no-progress-meter" | "http1.1" | "compressed" => {}
        _ => return Err(unknown(word)),
    }
    Ok(())
}

fn unknown(word: &str) -> Outcome {
    Outcome::err(2, format!("curl: option {word}: is unknown\ncurl: try 'curl --help' for more information"))
}

/// Seconds with an optional fraction.
fn seconds(text: &str, word: &str) -> Result<Duration, Outcome> {
    Duration::parse(&format!("{text}s"))
        .ok_or_else(|| Outcome::err(2, format!("curl: option {word}: expected a proper numerical parameter")))
}

fn transfer(wire: &mut dyn Connections, from: &Source, text: &str, wanted: &Wanted) -> Outcome {
    let start = wire.now();
    let Some(url) = Url::parse(text) else {
        return match text.split_once("://") {
            Some((scheme, _)) if scheme != "http" && scheme != "https" => {
                Outcome::err(1, format!("curl: (1) Protocol \"{scheme}\" not supported"))
            }
            _ => Outcome::err(3, "curl: (3) URL rejected: Malformed input to a URL function"),
        };
    };
    let found = lookup(wire, from, &url.host, wanted.family.unwrap_or(Family::Any));
    if let Some(LookupError::Stopped(why)) = &found.error {
        return Outcome::err(124, format!("kubewalk: {why}"));
    }
    let Some(ip) = found.addresses.first().copied() else {
        let spent = wire.now().since(start);
        return match wanted.max_time.or(wanted.connect_timeout).filter(|limit| spent >= *limit) {
            Some(limit) => Outcome::err(28, format!("curl: (28) Resolving timed out after {} milliseconds", limit.as_millis())),
            None => Outcome::err(6, format!("curl: (6) Could not resolve host: {}", url.host)),
        };
    };
    let limit = [wanted.connect_timeout, wanted.max_time].into_iter().flatten().min();
    let failed = |exit: i32, after: Duration| {
        Outcome::err(
            exit,
            format!(
                "curl: ({exit}) Failed to connect to {} port {} after {} ms: {CANNOT}",
                url.host,
                url.port,
                after.as_millis()
            ),
        )
    };
    let outcome = match connect(wire, from, SocketAddr::new(ip, url.port), limit) {
        Connected::Yes(connection) => {
            let rest = wanted.max_time.map(|limit| limit - wire.now().since(start));
            let outcome = request(wire, &connection, &url, wanted, rest);
            wire.close(&connection);
            outcome
        }
        Connected::Refused(after) => failed(7, after),
        Connected::Unreachable => failed(7, Duration::ZERO),
        Connected::TimedOut(after) => failed(28, after),
        Connected::Limit(after) => {
            Outcome::err(28, format!("curl: (28) Connection timed out after {} milliseconds", after.as_millis() + 1))
        }
        Connected::Stopped(why) => Outcome::err(124, format!("kubewalk: {why}")),
    };
    written_out(outcome, wanted)
}

/// `-w` of a transfer that did not come about says 000.
fn written_out(mut outcome: Outcome, wanted: &Wanted) -> Outcome {
    if outcome.exit != 0 && outcome.exit != 22 {
        outcome.stdout.push_str(&wanted.write_out.as_deref().map(|w| filled(w, 0)).unwrap_or_default());
    }
    outcome
}

fn filled(format: &str, status: u16) -> String {
    let code = if status == 0 { "000".to_string() } else { status.to_string() };
    format.replace("%{http_code}", &code).replace("%{response_code}", &code).replace("\\n", "\n").replace("\\t", "\t")
}

/// Sends the request and prints what comes back, within what is left of `--max-time`.
fn request(wire: &mut dyn Connections, connection: &Connection, url: &Url, wanted: &Wanted, rest: Option<Duration>) -> Outcome {
    let method = wanted.method.clone().unwrap_or_else(|| if wanted.head { "HEAD" } else { "GET" }.to_string());
    let request = HttpRequest { method, path: url.path.clone(), host: url.authority.clone() };
    let ended = match exchange(wire, connection, &request, rest) {
        Ok(ended) => ended,
        Err(why) => return Outcome::err(124, format!("kubewalk: {why}")),
    };
    match ended {
        // A server that speaks plain HTTP answers a TLS hello with text.
        Ended::Reply(HttpReply::Response { .. }) if url.tls => {
            Outcome::err(35, "curl: (35) OpenSSL/3.0.15: error:0A00010B:SSL routines::wrong version number")
        }
        Ended::Reply(HttpReply::Response { status, content_type, server, body, .. }) => {
            page(wanted, status, &headers(status, &content_type, &server, body.len()), &body)
        }
        Ended::Reply(HttpReply::Empty { .. }) => Outcome::err(52, "curl: (52) Empty reply from server"),
        Ended::Reply(_) => Outcome::err(56, "curl: (56) Recv failure: Connection reset by peer"),
        Ended::KernelGaveUp => Outcome::err(56, "curl: (56) Recv failure: Connection timed out"),
        Ended::Limit(after) => {
            let after = wanted.max_time.unwrap_or(after).as_millis();
            Outcome::err(28, format!("curl: (28) Operation timed out after {after} milliseconds with 0 bytes received"))
        }
    }
}

/// What is printed of a response.
fn page(wanted: &Wanted, status: u16, headers: &str, body: &str) -> Outcome {
    let written = wanted.write_out.as_deref().map(|w| filled(w, status)).unwrap_or_default();
    if wanted.fail && status >= 400 {
        let mut outcome = Outcome::err(22, format!("curl: (22) The requested URL returned error: {status}"));
        outcome.stdout = written;
        return outcome;
    }
    let mut out = String::new();
    if !wanted.discard {
        if wanted.head || wanted.include {
            out.push_str(headers);
        }
        if !wanted.head {
            out.push_str(body);
        }
    }
    Outcome::out(out + &written)
}

fn headers(status: u16, content_type: &str, server: &str, length: usize) -> String {
    let reason = match status {
        200 => "OK",
        404 => "Not Found",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "",
    };
    let mut text = format!("HTTP/1.1 {status} {reason}\r\n");
    if !server.is_empty() {
        text.push_str(&format!("Server: {server}\r\n"));
    }
    text.push_str(&format!("Content-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n"));
    text
}
