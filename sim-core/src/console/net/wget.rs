//! busybox wget: the small one that images bring.
//!
//! Left out: TLS, recursion, files other than standard output. The real thing: busybox `networking/wget.c`.

use std::net::SocketAddr;

use super::super::host::{Host, Outcome};
use super::connect::{Connected, close, connect, deadline, exchange, look_up, unknown};
use super::url::Url;
use super::{connections, source, stopped};
use crate::dns::resolver::Family;
use crate::engine::time::Duration;
use crate::network::client::exchange::Ended;
use crate::network::wire::{HttpReply, HttpRequest};

/// busybox's own limit (`-T`, 900 s unless said otherwise).
const PATIENCE: Duration = Duration::from_secs(900);

/// What was asked for.
struct Wanted {
    url: Url,
    quiet: bool,
    to_stdout: bool,
    spider: bool,
    patience: Duration,
}

fn parse(argv: &[String]) -> Result<Wanted, Outcome> {
    let (mut text, mut quiet, mut to_stdout, mut spider, mut patience) = (None, false, false, false, PATIENCE);
    let seconds = |text: &str| {
        let limit = Duration::parse(&format!("{text}s"));
        limit.ok_or_else(|| Outcome::err(1, format!("wget: invalid number '{text}'")))
    };
    let mut words = argv[1..].iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-q" => quiet = true,
            "--spider" => spider = true,
            "-qO" => (quiet, to_stdout) = (true, words.next().is_some_and(|f| f == "-")),
            "-O" => to_stdout = words.next().is_some_and(|f| f == "-"),
            "-T" | "--timeout" => patience = seconds(words.next().map_or("", String::as_str))?,
            w if w.starts_with("-O") || w == "-qO-" => (quiet, to_stdout) = (quiet || w.starts_with("-q"), w.ends_with('-')),
            w if w.starts_with("--timeout=") => patience = seconds(&w["--timeout=".len()..])?,
            w if w.starts_with("-T") => patience = seconds(&w[2..])?,
            w if w.starts_with('-') => return Err(Outcome::err(1, format!("wget: unrecognized option '{w}'"))),
            _ => text = Some(word.clone()),
        }
    }
    let text = text.ok_or_else(|| Outcome::err(1, "wget: missing URL"))?;
    let url = Url::parse(&text).map_err(|_| Outcome::err(1, format!("wget: not an http or ftp url: {text}")))?;
    Ok(Wanted { url, quiet, to_stdout, spider, patience })
}

/// The program.
pub async fn wget(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    let Wanted { url, quiet, to_stdout, spider, patience } = match parse(argv) {
        Ok(wanted) => wanted,
        Err(outcome) => return outcome,
    };
    let from = source(host.place());
    if let Err(outcome) = connections(host, "wget") {
        return outcome;
    }
    // The limit is one for each wait on the network; names are the C library's affair.
    let found = match look_up(host, (&from, &url.host, Family::Any)).await {
        Ok(found) => found,
        Err(why) => return stopped(&why),
    };
    let Some(ip) = found.addresses.first().copied() else { return Outcome::err(1, format!("wget: bad address '{}'", url.host)) };
    let address = SocketAddr::new(ip, url.port);
    let mut outcome = Outcome::default();
    if !quiet {
        outcome.stderr = format!("Connecting to {} ({address})\n", url.authority);
    }
    let fail = |mut outcome: Outcome, line: String| {
        outcome.stderr.push_str(&format!("wget: {line}\n"));
        Outcome { exit: 1, ..outcome }
    };
    let until = deadline(host, Some(patience));
    let connection = match connect(host, &from, address, until).await {
        Connected::Yes(connection) => connection,
        Connected::Refused(..) => return fail(outcome, format!("can't connect to remote host ({ip}): Connection refused")),
        Connected::Unreachable => return fail(outcome, format!("can't connect to remote host ({ip}): Network is unreachable")),
        Connected::TimedOut(..) => return fail(outcome, format!("can't connect to remote host ({ip}): Connection timed out")),
        Connected::Limit => return fail(outcome, "download timed out".to_string()),
        Connected::Stopped(why) => return stopped(&why),
        Connected::Unknown(why) => return unknown(&why),
    };
    let request = HttpRequest { method: "GET".into(), path: url.path.clone(), host: url.authority.clone() };
    let until = deadline(host, Some(patience));
    let ended = exchange(host, (&connection, &request), false, until).await;
    close(host, &connection);
    let ended = match ended {
        Ok(ended) => ended,
        Err(why) => return stopped(&why),
    };
    let Some(Ended::Reply(reply)) = ended else { return fail(outcome, "download timed out".to_string()) };
    match reply {
        HttpReply::Response { status, .. } if status >= 400 => fail(outcome, format!("server returned error: HTTP/1.1 {status}")),
        HttpReply::Response { body, .. } => {
            if to_stdout && !spider {
                outcome.stdout = body;
            } else if !spider {
                let name = url.path.rsplit('/').next().filter(|n| !n.is_empty()).unwrap_or("index.html").to_string();
                if host.write_file(&name, &body).is_ok() && !quiet {
                    outcome.stderr.push_str(&format!("saving to '{name}'\n'{name}' saved\n"));
                }
            }
            outcome
        }
        HttpReply::Empty { .. } => fail(outcome, "error getting response".to_string()),
        _ => fail(outcome, "error getting response: Connection reset by peer".to_string()),
    }
}
