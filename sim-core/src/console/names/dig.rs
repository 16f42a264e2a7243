//! dig of BIND: one question, and the whole reply as it came.
//!
//! The search list is used only with `+search`; a name that does not exist is no failure. The real thing: BIND `bin/dig/dig.c`.

use std::net::{IpAddr, SocketAddr};

use super::bind::{Walked, manner, servers, walk};
use super::exchange::{Exchange, Manner, hash};
use super::pace::at_its_pace;
use super::source;
use crate::console::host::{Host, Outcome};
use crate::dns::config::fqdn;
use crate::dns::message::{Question, Rcode, Record, Reply, kind_named};
use crate::dns::resolv_conf::ResolvConf;
use crate::dns::size::reply_bytes;
use crate::dns::zone::reverse_name;
use crate::engine::random::Digest;
use crate::engine::time::Duration;
use crate::network::wire::{Source, Wire};
use crate::objects::time::Timestamp;

/// The version that the banner names.
const VERSION: &str = "9.18.33";
/// How large a reply it says it takes, and what its cookie adds to one.
const UDP_SIZE: u16 = 1232;
const COOKIE_BYTES: usize = 12;

/// What of the reply is printed.
#[derive(Clone, Copy)]
struct Shown {
    comments: bool,
    question: bool,
    answer: bool,
    authority: bool,
    additional: bool,
    stats: bool,
    banner: bool,
}

struct Request {
    name: String,
    kind: &'static str,
    server: Option<String>,
    shown: Shown,
    short: bool,
    search: bool,
    tcp: bool,
    /// The question has an OPT record, with a cookie in it.
    edns: bool,
    cookie: bool,
    tries: u32,
    timeout: Duration,
}

impl Shown {
    const fn all(on: bool) -> Shown {
        Shown { comments: on, question: on, answer: on, authority: on, additional: on, stats: on, banner: on }
    }
}

pub(super) async fn dig(host: &mut dyn Host, argv: &[String], _stdin: &str) -> Outcome {
    let request = match parse(argv) {
        Ok(request) => request,
        Err(refusal) => return refusal,
    };
    let from = source(host.place());
    let asked = at_its_pace(host, "dig", |wire| request.ask(wire, &from)).await;
    let (manner, walked) = match asked {
        Ok(Ok(asked)) => asked,
        Ok(Err(why)) => return Outcome::err(10, format!("dig: {why}")),
        Err(refusal) => return refusal,
    };
    let mut text = walked.exchange.failure_lines();
    if request.shown.banner && !request.short {
        let arguments = argv.get(1..).unwrap_or_default().join(" ");
        text.push_str(&format!("\n; <<>> DiG {VERSION} <<>> {arguments}\n"));
        if request.server.is_some() {
            let (count, s) = (manner.servers.len(), if manner.servers.len() == 1 { "" } else { "s" });
            text.push_str(&format!("; ({count} server{s} found)\n"));
        }
        text.push_str(";; global options: +cmd\n");
    }
    let Exchange { reply: Some((reply, server, after)), tcp, .. } = walked.exchange else {
        text.push_str(";; no servers could be reached\n");
        return Outcome { stdout: text, exit: 9, ..Outcome::default() };
    };
    let transfer = matches!(request.kind, "AXFR" | "IXFR");
    if transfer && reply.answers.is_empty() {
        return Outcome::out(text + "; Transfer failed.\n");
    }
    if request.short {
        text.extend(reply.answers.iter().map(|r| format!("{}\n", data(r))));
        return Outcome::out(text);
    }
    // CoreDNS sends the cookie back as it came.
    let cookie = request.edns && request.cookie && !reply.server.is_empty();
    let question = Question { udp_size: manner.udp_size, ..Question::new(fqdn(&walked.name), request.kind) };
    let size = reply_bytes(&reply, &question) + if cookie { COOKIE_BYTES } else { 0 };
    let last = if transfer {
        reply.answers.iter().for_each(|r| text.push_str(&line(r)));
        format!(";; XFR size: {} records (messages 1, bytes {size})", reply.answers.len())
    } else {
        text.push_str(&sections(&question, &reply, request.shown, cookie));
        format!(";; MSG SIZE  rcvd: {size}")
    };
    if request.shown.stats {
        text.push_str(&footer(server, after, tcp, host.world().now()));
        text.push_str(&format!("{last}\n\n"));
    }
    Outcome::out(text)
}

fn parse(argv: &[String]) -> Result<Request, Outcome> {
    let mut request = Request {
        name: String::new(),
        kind: "A",
        server: None,
        shown: Shown::all(true),
        short: false,
        search: false,
        tcp: false,
        edns: true,
        cookie: true,
        tries: 3,
        timeout: super::exchange::PATIENCE,
    };
    let mut args = argv.iter().skip(1);
    while let Some(arg) = args.next() {
        if let Some(option) = arg.strip_prefix('+') {
            request.option(option)?;
        } else if let Some(server) = arg.strip_prefix('@') {
            request.server = Some(server.to_owned());
        } else if arg == "-x" {
            let ip = args.next().and_then(|a| a.parse::<IpAddr>().ok());
            let ip = ip.ok_or_else(|| Outcome::err(1, "dig: -x needs an IP address"))?;
            (request.name, request.kind) = (reverse_name(ip), "PTR");
        } else if arg == "-t" {
            let kind = args.next().and_then(|t| kind_named(t));
            request.kind = kind.ok_or_else(|| Outcome::err(1, ";; Warning, ignoring invalid type"))?;
        } else if arg == "-q" {
            request.name = args.next().cloned().unwrap_or_default();
        } else if matches!(arg.as_str(), "-4" | "-6" | "IN" | "in") {
        } else if arg.starts_with('-') {
            return Err(Outcome::err(
                1,
                format!("Invalid option: {arg}\nUsage:  dig [@server] [-x address] name [type] [+option]"),
            ));
        } else if let Some(kind) = kind_named(arg) {
            request.kind = kind;
        } else {
            request.name.clone_from(arg);
        }
    }
    if request.name.is_empty() {
        (request.name, request.kind) = (".".to_owned(), "NS");
    }
    Ok(request)
}

impl Request {
    /// A zone comes over TCP only.
    /// Asks the question; with how it was asked.
    fn ask(&self, wire: &mut dyn Wire, from: &Source) -> Result<(Manner, Walked), String> {
        let conf = ResolvConf::parse(&wire.resolver(from).resolv_conf);
        let servers = servers(wire, from, &conf, self.server.as_deref())?;
        let manner = Manner { udp_size: self.edns.then_some(UDP_SIZE), ..self.manner(servers) };
        let names = if self.search { conf.candidates(&self.name) } else { vec![self.name.clone()] };
        let walked = walk(wire, from, &manner, &names, self.kind);
        Ok((manner, walked))
    }

    fn manner(&self, servers: Vec<SocketAddr>) -> Manner {
        let tcp = self.tcp || self.kind == "AXFR";
        Manner { tries: self.tries, timeout: self.timeout, tcp, ..manner(servers) }
    }

    fn option(&mut self, option: &str) -> Result<(), Outcome> {
        let (key, value) = option.split_once('=').unwrap_or((option, ""));
        let (on, key) = key.strip_prefix("no").map_or((true, key), |rest| (false, rest));
        let number = |least: u32| value.parse::<u32>().map_or(least, |n| n.clamp(least, 60));
        match key {
            "ignore" => {}
            "short" => self.short = on,
            "search" => self.search = on,
            "tcp" | "vc" => self.tcp = on,
            "all" => self.shown = Shown::all(on),
            "answer" => self.shown.answer = on,
            "authority" => self.shown.authority = on,
            "additional" => self.shown.additional = on,
            "question" => self.shown.question = on,
            "comments" => self.shown.comments = on,
            "stats" => self.shown.stats = on,
            "cmd" => self.shown.banner = on,
            "time" | "timeout" => self.timeout = Duration::from_secs(u64::from(number(1))),
            "tries" => self.tries = number(1),
            "retry" => self.tries = number(0) + 1,
            "edns" => self.edns = on,
            "cookie" => self.cookie = on,
            "recurse" | "rec" | "dnssec" | "multiline" | "identify" | "trace" | "domain" | "ttlid" | "class" => {}
            _ => {
                let text = format!("Invalid option: +{option}\nUsage:  dig [@server] [-x address] name [type] [+option]");
                return Err(Outcome::err(1, text));
            }
        }
        Ok(())
    }
}

/// The header and the sections that are shown.
fn sections(question: &Question, reply: &Reply, shown: Shown, cookie: bool) -> String {
    let mut text = String::new();
    if shown.comments {
        text.push_str(&header(question, reply, cookie));
    }
    if shown.question {
        let title = if shown.comments { ";; QUESTION SECTION:\n" } else { "" };
        text.push_str(&format!("{title};{}\n\n", columns(&[(&question.name, 0), ("IN", 32), (&question.kind, 40)])));
    }
    let lists = [
        ("ANSWER", shown.answer, &reply.answers),
        ("AUTHORITY", shown.authority, &reply.authority),
        ("ADDITIONAL", shown.additional, &reply.additional),
    ];
    for (title, _, records) in lists.into_iter().filter(|(_, shown, records)| *shown && !records.is_empty()) {
        if shown.comments {
            text.push_str(&format!(";; {title} SECTION:\n"));
        }
        records.iter().for_each(|r| text.push_str(&line(r)));
        if shown.comments {
            text.push('\n');
        }
    }
    text
}

fn header(question: &Question, reply: &Reply, cookie: bool) -> String {
    let mut text = ";; Got answer:\n".to_owned();
    let end = question.name.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    if end.eq_ignore_ascii_case("local") {
        text.push_str(";; WARNING: .local is reserved for Multicast DNS\n;; You are currently testing what happens when an mDNS query is leaked to DNS\n");
    }
    let id = Digest::of(&(&question.name, &question.kind)) % 65_536;
    let flag = |on: bool, text: &'static str| if on { text } else { "" };
    let flags = [flag(reply.authoritative, " aa"), flag(reply.truncated, " tc"), " rd", flag(reply.recursion_available, " ra")];
    text.push_str(&format!(
        ";; ->>HEADER<<- opcode: QUERY, status: {}, id: {id}\n;; flags: qr{}; QUERY: 1, ANSWER: {}, AUTHORITY: {}, ADDITIONAL: {}\n",
        reply.rcode.text(),
        flags.concat(),
        reply.answers.len(),
        reply.authority.len(),
        reply.additional.len() + usize::from(question.udp_size.is_some()),
    ));
    if !reply.recursion_available && reply.rcode != Rcode::Refused {
        text.push_str(";; WARNING: recursion requested but not available\n");
    }
    text.push('\n');
    if let Some(size) = question.udp_size {
        text.push_str(&format!(";; OPT PSEUDOSECTION:\n; EDNS: version: 0, flags:; udp: {size}\n"));
    }
    if cookie {
        text.push_str(&format!("; COOKIE: {:016x} (echoed)\n", Digest::of(&(&question.name, &question.kind, "cookie"))));
    }
    text
}

fn line(record: &Record) -> String {
    let ttl = record.ttl.to_string();
    columns(&[(&record.name, 0), (&ttl, 24), ("IN", 32), (record.kind, 40), (&data(record), 48)]) + "\n"
}

/// Words at columns, with tabs as far as they lead and blanks for the rest; a word that is late stands one blank further.
fn columns(words: &[(&str, usize)]) -> String {
    let (mut text, mut at) = (String::new(), 0);
    for (word, column) in words {
        if at > 0 {
            let to = (*column).max(at + 1);
            let tabs = to / 8 - at / 8;
            let from = if tabs > 0 { to / 8 * 8 } else { at };
            text.push_str(&"\t".repeat(tabs));
            text.push_str(&" ".repeat(to - from));
            at = to;
        }
        text.push_str(word);
        at += word.len();
    }
    text
}

fn data(record: &Record) -> String {
    if record.kind == "TXT" { format!("\"{}\"", record.data) } else { record.data.clone() }
}

fn footer(server: SocketAddr, after: Duration, tcp: bool, now: Timestamp) -> String {
    let protocol = if tcp { "TCP" } else { "UDP" };
    // `Thu, 01 Jan 2026 12:00:00 +0000` has the words of dig's date in another order.
    let date = now.rfc1123z();
    let words: Vec<&str> = date.split([' ', ',']).filter(|w| !w.is_empty()).collect();
    let when = match words[..] {
        [weekday, day, month, year, time, _] => format!("{weekday} {month} {day} {time} UTC {year}"),
        _ => date.clone(),
    };
    format!(
        ";; Query time: {} msec\n;; SERVER: {}({}) ({protocol})\n;; WHEN: {when}\n",
        after.as_millis(),
        hash(server),
        server.ip(),
    )
}
