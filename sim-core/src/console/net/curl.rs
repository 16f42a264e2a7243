//! curl, with the flags that tutorials use and the words of curl 8.
//!
//! A connection over which an answer came is kept until the command ends, and the next transfer to the same host and port goes
//! over it: no name is looked up, no packet opens anything. So a command with several URLs shows what connection pools do.
//! Left out: TLS (a plain server behind https gives curl's own error), uploads, cookies, further addresses of a name, most of `-w`.
//! The real thing: curl `src/tool_operate.c`, `lib/url.c`, `lib/connect.c`.

mod options;
mod verbose;

use std::net::{IpAddr, SocketAddr};

use self::options::{Command, Wanted};
use self::verbose::Verbose;
use super::super::host::{Host, Outcome, Stopped, elapsed, sleep};
use super::connect::{Connected, close, connect, exchange, resolve, unknown};
use super::url::Url;
use super::{connections, lent, source, stopped};
use crate::dns::resolver::Family;
use crate::engine::time::{Duration, Instant};
use crate::network::client::exchange::Ended;
use crate::network::transport::{Connection, NO_LIMIT, Sent};
use crate::network::wire::{HttpReply, HttpRequest, Source};
use crate::render::curl::CANNOT;

/// How long curl itself remembers the addresses of a name (`CURLOPT_DNS_CACHE_TIMEOUT`).
const REMEMBERS: Duration = Duration::from_secs(60);

/// What one command keeps from transfer to transfer: open connections, each with its number, and names with their addresses. No
/// more of either than there are URLs.
#[derive(Default)]
struct Pool {
    open: Vec<(u32, Url, Connection)>,
    names: Vec<(String, Instant, Vec<IpAddr>)>,
    made: u32,
}

/// A transfer under way.
struct Transfer<'t> {
    host: &'t mut dyn Host,
    from: &'t Source,
    pool: &'t mut Pool,
    wanted: &'t Wanted,
    url: Url,
    start: Instant,
    verbose: Verbose,
}

/// What became of a transfer.
struct Done {
    outcome: Outcome,
    /// For `-w`.
    facts: Facts,
}

/// What `-w` can print.
#[derive(Default)]
struct Facts {
    status: u16,
    connects: u32,
    ends: Option<(SocketAddr, SocketAddr)>,
    took: Duration,
}

/// The program.
pub async fn curl(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    let command = match Command::parse(&argv[1..]) {
        Ok(command) => command,
        Err(outcome) => return outcome,
    };
    if command.groups.iter().any(|wanted| wanted.urls.is_empty()) {
        return Outcome {
            stderr: "curl: (2) no URL specified\ncurl: try 'curl --help' for more information\n".into(),
            exit: 2,
            ..Outcome::default()
        };
    }
    if let Err(outcome) = connections(host, "curl") {
        return outcome;
    }
    let (mut exit, mut pool, mut last_start) = (0, Pool::default(), None);
    let all = command.groups.iter().flat_map(|wanted| wanted.urls.iter().enumerate().map(move |url| (wanted, url)));
    for (wanted, (number, url)) in all {
        let mut one = match one_of(host, &command, (wanted, url), &mut pool, &mut last_start).await {
            Ok(one) => one,
            Err(why) => return stopped(&why),
        };
        if let Some(file) = wanted.outputs.get(number).filter(|file| file.as_str() != "-") {
            let body = std::mem::take(&mut one.outcome.stdout);
            if file != "/dev/null" && host.write_file(file, &body).is_err() {
                one.outcome = Outcome::err(23, "curl: (23) Failure writing output to destination");
            }
        }
        let written = wanted.write_out.as_deref().map(|format| one.facts.fill(format)).unwrap_or_default();
        host.print_error(&one.outcome.stderr);
        host.print(&(one.outcome.stdout + &written));
        exit = one.outcome.exit;
        if exit == 124 {
            break;
        }
    }
    pool.open.iter().for_each(|(_, _, connection)| close(host, connection));
    Outcome { exit, ..Outcome::default() }
}

/// One transfer, at its time, with what is told of it on standard error.
async fn one_of(
    host: &mut dyn Host,
    command: &Command,
    (wanted, text): (&Wanted, &String),
    pool: &mut Pool,
    last_start: &mut Option<Instant>,
) -> Result<Done, Stopped> {
    let from = source(host.place());
    let now = elapsed(host);
    let pause = last_start.map_or(Duration::ZERO, |last| command.every - now.since(last));
    if pause > Duration::ZERO {
        sleep(host, pause).await?;
    }
    let start = elapsed(host);
    *last_start = Some(start);
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(rejected) => {
            let (exit, said) = rejected.said_by_curl(text);
            let silent = command.silent && !command.show_errors;
            let outcome = if silent { Outcome { exit, ..Outcome::default() } } else { failed(exit, &said) };
            return Ok(Done { outcome, facts: Facts::default() });
        }
    };
    let verbose = Verbose::new(command.verbose);
    let mut transfer = Transfer { host, from: &from, pool, wanted, url, start, verbose };
    let mut done = transfer.run().await;
    done.facts.took = elapsed(transfer.host).since(start);
    if command.silent && !command.show_errors && done.outcome.exit != 124 {
        done.outcome.stderr.clear();
    }
    done.outcome.stderr.insert_str(0, &transfer.verbose.into_lines());
    Ok(done)
}

fn failed(exit: i32, text: &str) -> Outcome {
    Outcome::err(exit, format!("curl: ({exit}) {text}"))
}

impl Transfer<'_> {
    /// Over a connection that is there, else over a new one. Of a kept one that dies before a word came back curl knows that it
    /// was too old, and tries once more.
    async fn run(&mut self) -> Done {
        if let Some((number, connection)) = self.kept() {
            self.verbose.info(format!("Re-using existing connection with host {}", self.url.host));
            let (ended, facts) = (self.ask(&connection).await, Facts { ends: Some(ends(&connection)), ..Facts::default() });
            if !matches!(ended, Ok(Some(Ended::Reply(HttpReply::Empty { .. } | HttpReply::Reset { .. })))) {
                return self.finish(ended, number, connection, facts);
            }
            close(self.host, &connection);
            self.verbose.info("Connection died, retrying a fresh connect (retry count: 1)");
            self.verbose.info("Closing connection");
        }
        match self.connect().await {
            Ok(connection) => {
                let number = self.pool.made;
                self.pool.made += 1;
                let facts = Facts { connects: 1, ends: Some(ends(&connection)), ..Facts::default() };
                let ended = self.ask(&connection).await;
                self.finish(ended, number, connection, facts)
            }
            Err(outcome) => Done { outcome, facts: Facts::default() },
        }
    }

    /// A kept connection to that host and port. Those of which it was heard that their other end is gone are closed first.
    fn kept(&mut self) -> Option<(u32, Connection)> {
        let same = |url: &Url| (url.tls, &url.host, url.port) == (self.url.tls, &self.url.host, self.url.port);
        while let Some(at) = self.pool.open.iter().position(|(_, url, _)| same(url)) {
            let (number, _, connection) = self.pool.open.remove(at);
            if !lent(self.host).is_ok_and(|mut wire| wire.heard(&connection) == Sent::Reset) {
                return Some((number, connection));
            }
            self.verbose.info(format!("Connection {number} seems to be dead"));
            self.verbose.info("Closing connection");
            close(self.host, &connection);
        }
        None
    }

    /// Looks the name up, unless that was done just now, and connects.
    async fn connect(&mut self) -> Result<Connection, Outcome> {
        let ip = self.address().await?;
        let to = SocketAddr::new(ip, self.url.port);
        self.verbose.trying(to);
        let until = self.until(self.connect_limit());
        let (host, port) = (self.url.host.clone(), self.url.port);
        let connected = connect(self.host, self.from, to, until).await;
        // Of what came before, too: curl counts from the start of the transfer.
        let after = self.spent().as_millis();
        let mut cannot = |exit: i32, why: String| {
            let text = format!("Failed to connect to {host} port {port} after {after} ms: {CANNOT}");
            self.verbose.info(why);
            self.verbose.info(&text);
            self.verbose.info("Closing connection");
            Err(failed(exit, &text))
        };
        let attempt = |own: SocketAddr, why: &str| {
            format!("connect to {ip} port {port} from {} port {} failed: {why}", own.ip(), own.port())
        };
        match connected {
            Connected::Yes(connection) => {
                self.verbose.info(format!("Connected to {host} ({ip}) port {port}"));
                Ok(*connection)
            }
            Connected::Refused(own) => cannot(7, attempt(own, "Connection refused")),
            Connected::TimedOut(own) => cannot(28, attempt(own, "Connection timed out")),
            Connected::Unreachable => cannot(7, format!("Immediate connect fail for {ip}: Network is unreachable")),
            Connected::Limit => {
                let text = format!("Connection timed out after {} milliseconds", after + 1);
                self.verbose.info(&text);
                self.verbose.info("Closing connection");
                Err(failed(28, &text))
            }
            Connected::Stopped(why) => Err(stopped(&why)),
            Connected::Unknown(why) => Err(unknown(&why)),
        }
    }

    /// The address of the host.
    async fn address(&mut self) -> Result<IpAddr, Outcome> {
        let (host, port, now) = (self.url.host.clone(), self.url.port, elapsed(self.host));
        let fresh = |(name, at, _): &&(String, Instant, Vec<IpAddr>)| *name == host && now.since(*at) < REMEMBERS;
        if let Some(ip) = self.pool.names.iter().find(fresh).and_then(|(_, _, addresses)| addresses.first()) {
            self.verbose.info(format!("Hostname {host} was found in DNS cache"));
            return Ok(*ip);
        }
        let (family, until) = (self.wanted.family.unwrap_or(Family::Any), self.until(self.connect_limit()));
        let found = resolve(self.host, (self.from, &host, family), until).await.map_err(|why| stopped(&why))?;
        let is_late = found.is_none();
        let addresses = found.unwrap_or_default().addresses;
        let Some(ip) = addresses.first().copied() else {
            let (exit, text) = if is_late {
                (28, format!("Resolving timed out after {} milliseconds", self.spent().as_millis()))
            } else {
                (6, format!("Could not resolve host: {host}"))
            };
            self.verbose.info(&text);
            self.verbose.info("Closing connection");
            return Err(failed(exit, &text));
        };
        if host.parse::<IpAddr>().is_err() {
            self.verbose.resolved(&host, port, &addresses);
            self.pool.names.retain(|(name, ..)| *name != host);
            self.pool.names.push((host, elapsed(self.host), addresses));
        }
        Ok(ip)
    }

    /// Sends the request and waits for what comes of it, within what is left of `--max-time`.
    async fn ask(&mut self, connection: &Connection) -> Result<Option<Ended>, Stopped> {
        let wanted = self.wanted;
        let method = wanted.method.clone().unwrap_or_else(|| if wanted.head { "HEAD" } else { "GET" }.to_string());
        let request = HttpRequest { method, path: self.url.path.clone(), host: self.url.authority.clone() };
        self.verbose.sent(&request);
        let until = self.until(wanted.max_time);
        exchange(self.host, (connection, &request), true, until).await
    }

    /// How long it has taken so far.
    fn spent(&mut self) -> Duration {
        elapsed(self.host).since(self.start)
    }

    /// `--connect-timeout` is for the name, too, and no longer than `--max-time`.
    fn connect_limit(&self) -> Option<Duration> {
        [self.wanted.connect_timeout, self.wanted.max_time].into_iter().flatten().min()
    }

    fn until(&self, limit: Option<Duration>) -> Instant {
        self.start + limit.unwrap_or(NO_LIMIT)
    }

    /// Prints what came back; keeps the connection if it can be used again.
    fn finish(&mut self, ended: Result<Option<Ended>, Stopped>, number: u32, connection: Connection, facts: Facts) -> Done {
        let error = match ended {
            Err(why) => return Done { outcome: stopped(&why), facts },
            // A server that speaks plain HTTP answers a TLS hello with text.
            Ok(Some(Ended::Reply(HttpReply::Response { .. }))) if self.url.tls => {
                (35, "OpenSSL/3.0.15: error:0A00010B:SSL routines::wrong version number".to_string())
            }
            Ok(Some(Ended::Reply(HttpReply::Response { status, content_type, server, body, .. }))) => {
                let headers = headers(status, &content_type, &server, body.len());
                self.verbose.heard(&headers);
                if self.wanted.closes {
                    self.verbose.info("Closing connection");
                    close(self.host, &connection);
                } else {
                    self.verbose.info(format!("Connection #{number} to host {} left intact", self.url.host));
                    self.pool.open.push((number, self.url.clone(), connection));
                }
                return Done { outcome: page(self.wanted, status, &headers, &body), facts: Facts { status, ..facts } };
            }
            Ok(Some(Ended::Reply(HttpReply::Empty { .. }))) => (52, "Empty reply from server".to_string()),
            Ok(Some(Ended::Reply(_))) => (56, "Recv failure: Connection reset by peer".to_string()),
            Ok(Some(Ended::KernelGaveUp)) => (56, "Recv failure: Connection timed out".to_string()),
            Ok(None) => {
                let after = self.spent().as_millis();
                (28, format!("Operation timed out after {after} milliseconds with 0 bytes received"))
            }
        };
        close(self.host, &connection);
        self.verbose.info(&error.1);
        self.verbose.info("Closing connection");
        Done { outcome: failed(error.0, &error.1), facts }
    }
}

/// Own and other end of a connection.
fn ends(connection: &Connection) -> (SocketAddr, SocketAddr) {
    (connection.client, connection.to)
}

impl Facts {
    /// The text of `-w` filled in; the status of a transfer that did not come about is 000.
    fn fill(&self, format: &str) -> String {
        let code = if self.status == 0 { "000".to_string() } else { self.status.to_string() };
        let (own, other) = (self.ends.map(|e| e.0), self.ends.map(|e| e.1));
        let ip = |end: Option<SocketAddr>| end.map(|e| e.ip().to_string()).unwrap_or_default();
        let port = |end: Option<SocketAddr>| end.map_or(0, |e| e.port()).to_string();
        let took = self.took.as_nanos() / 1_000;
        let known = [
            ("%{http_code}", code.clone()),
            ("%{response_code}", code),
            ("%{num_connects}", self.connects.to_string()),
            ("%{remote_ip}", ip(other)),
            ("%{remote_port}", port(other)),
            ("%{local_ip}", ip(own)),
            ("%{local_port}", port(own)),
            ("%{time_total}", format!("{}.{:06}", took / 1_000_000, took % 1_000_000)),
            ("\\n", "\n".to_string()),
            ("\\t", "\t".to_string()),
        ];
        known.iter().fold(format.to_string(), |text, (name, value)| text.replace(name, value))
    }
}

/// What is printed of a response.
fn page(wanted: &Wanted, status: u16, headers: &str, body: &str) -> Outcome {
    if wanted.fail && status >= 400 {
        return failed(22, &format!("The requested URL returned error: {status}"));
    }
    let head = if wanted.head || wanted.include { headers } else { "" };
    Outcome::out(format!("{head}{}", if wanted.head { "" } else { body }))
}

pub(super) fn headers(status: u16, content_type: &str, server: &str, length: usize) -> String {
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
