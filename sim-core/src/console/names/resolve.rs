//! `resolve NAME [TYPE]`: one question to cluster DNS as it is, or through a pod's resolver. A command of the simulator.
//!
//! It runs beside the world: the walk of a pod's resolver is followed without waiting, so no time passes.

use std::net::SocketAddr;

use serde::Serialize;

use super::wire;
use crate::console::host::{Host, Outcome};
use crate::dns::message::{Question, Record, Reply, kind_named};
use crate::dns::resolver::{Family, Sent, SentOutcome, legal, walk};
use crate::engine::time::{Duration, Instant};
use crate::network::wire::{Asked, ResolverConfig, Source, Wire};
use crate::objects::pod_spec::Protocol;

const USAGE: &str = "usage: resolve NAME [TYPE] [--from pod/NS/NAME] [-o json]";

/// What `-o json` prints.
#[derive(Serialize)]
struct Answer<'a> {
    rcode: &'a str,
    authoritative: bool,
    truncated: bool,
    answers: Vec<Line<'a>>,
    authority: Vec<Line<'a>>,
    additional: Vec<Line<'a>>,
    queries: Vec<Query<'a>>,
    forwarded: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    ttl: u32,
    rdata: &'a str,
}

#[derive(Serialize)]
struct Query<'a> {
    name: String,
    #[serde(rename = "type")]
    kind: &'a str,
    server: String,
    rcode: &'a str,
    /// Round trip; absent if nothing came back.
    #[serde(skip_serializing_if = "Option::is_none")]
    after_ns: Option<u64>,
    /// The pod that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    cached: bool,
}

struct Request {
    name: String,
    /// Absent, it is A; with `--from` A and AAAA, as programs ask.
    kind: Option<&'static str>,
    from: Option<Source>,
    json: bool,
}

pub(super) fn resolve(host: &mut dyn Host, argv: &[String], _stdin: &str) -> Outcome {
    let request = match parse(argv) {
        Ok(request) => request,
        Err(why) => return Outcome::err(2, format!("kubewalk: resolve: {why}\n{USAGE}")),
    };
    let mut wire = match wire(host, "kubewalk: resolve") {
        Ok(wire) => wire,
        Err(refusal) => return refusal,
    };
    let (reply, queries) = match &request.from {
        Some(from) => {
            let kinds = request.kind.map_or_else(|| Family::Any.kinds().to_vec(), |kind| vec![kind]);
            let walk = walk(&mut Beside(&mut *wire), from, &request.name, &kinds);
            (walk.reply, walk.queries)
        }
        None => {
            let question = Question::new(request.name.clone(), request.kind.unwrap_or("A"));
            match wire.cluster_dns(&question) {
                None => return Outcome::err(1, "kubewalk: resolve: this cluster has no DNS (cluster.dns.enabled is false)"),
                reply => (reply, vec![]),
            }
        }
    };
    Outcome::out(if request.json { json(reply.as_ref(), &queries) } else { text(reply.as_ref(), &queries) })
}

fn parse(argv: &[String]) -> Result<Request, String> {
    let mut request = Request { name: String::new(), kind: None, from: None, json: false };
    let mut words = Vec::new();
    let mut args = argv.iter().skip(1);
    while let Some(arg) = args.next() {
        let (key, given) = arg.split_once('=').map_or((arg.as_str(), None), |(k, v)| (k, Some(v)));
        let mut value = || given.or_else(|| args.next().map(String::as_str)).ok_or(format!("{key} needs a value"));
        match key {
            "--from" => request.from = Some(pod(value()?)?),
            "-o" | "--output" => match value()? {
                "json" => request.json = true,
                other => return Err(format!("unknown output format {other:?}; there is json")),
            },
            "-ojson" => request.json = true,
            _ if key.starts_with('-') => return Err(format!("unknown option {key}")),
            _ => words.push(arg.as_str()),
        }
    }
    match words[..] {
        [name] => request.name = name.to_owned(),
        [name, kind] => {
            request.name = name.to_owned();
            request.kind = Some(kind_named(kind).ok_or(format!("unknown record type {kind:?}"))?);
        }
        _ => return Err("one name and at most one type are needed".to_owned()),
    }
    if request.name == "." || legal(&request.name) {
        return Ok(request);
    }
    Err(format!("{:?} is no domain name: labels have 1 to 63 bytes, the whole at most 253", request.name))
}

fn pod(text: &str) -> Result<Source, String> {
    match text.split('/').collect::<Vec<_>>()[..] {
        ["pod", namespace, name] if !namespace.is_empty() && !name.is_empty() => {
            Ok(Source::Pod { namespace: namespace.into(), name: name.into() })
        }
        ["node", name] if !name.is_empty() => Ok(Source::Node(name.into())),
        ["external"] => Ok(Source::Outside),
        _ => Err(format!("{text:?} is no source; write pod/NAMESPACE/NAME")),
    }
}

fn json(reply: Option<&Reply>, queries: &[Sent]) -> String {
    let lines = |records: fn(&Reply) -> &Vec<Record>| {
        let records = reply.into_iter().flat_map(records);
        records.map(|r| Line { name: &r.name, kind: r.kind, ttl: r.ttl, rdata: &r.data }).collect()
    };
    let answer = Answer {
        rcode: rcode(reply, queries),
        authoritative: reply.is_some_and(|r| r.authoritative),
        truncated: reply.is_some_and(|r| r.truncated),
        answers: lines(|r| &r.answers),
        authority: lines(|r| &r.authority),
        additional: lines(|r| &r.additional),
        queries: queries.iter().map(Query::of).collect(),
        forwarded: reply.is_some_and(|r| r.forwarded),
    };
    serde_json::to_string(&answer).unwrap_or_default() + "\n"
}

/// The code of the reply, or what became of the last question if none came.
fn rcode<'a>(reply: Option<&'a Reply>, queries: &[Sent]) -> &'a str {
    match reply {
        Some(reply) => reply.rcode.text(),
        None => queries.last().map_or("no question sent", |sent| sent.outcome.text()),
    }
}

impl Query<'_> {
    fn of(sent: &Sent) -> Query<'static> {
        let server: SocketAddr = sent.server;
        let (name, server) = (format!("{}.", sent.name), server.to_string());
        let after_ns = (sent.after != Duration::ZERO).then_some(sent.after.as_nanos());
        let by = (!sent.by.is_empty()).then(|| sent.by.to_string());
        Query { name, kind: sent.kind, server, rcode: sent.outcome.text(), after_ns, by, cached: sent.cached }
    }
}

/// One question: who was asked for what, what came of it, after how long, and who said so.
fn line(sent: &Sent) -> String {
    let Sent { name, kind, server, outcome, after, by, cached } = sent;
    let empty = if *outcome == SentOutcome::NoData { " (no such record)" } else { "" };
    let took = if *after == Duration::ZERO { String::new() } else { format!(", {after}") };
    let by = if by.is_empty() { String::new() } else { format!(", {by}") };
    let cached = if *cached { ", cached" } else { "" };
    format!("asked {server} for {name}. {kind}: {}{empty}{took}{by}{cached}\n", outcome.text())
}

fn text(reply: Option<&Reply>, queries: &[Sent]) -> String {
    let mut text = String::new();
    for sent in queries {
        text.push_str(&line(sent));
    }
    text.push_str(rcode(reply, queries));
    let Some(reply) = reply else { return text + "\n" };
    let marks = [(reply.authoritative, "authoritative"), (reply.truncated, "truncated"), (reply.forwarded, "forwarded upstream")];
    let marks: Vec<&str> = marks.into_iter().filter(|(on, _)| *on).map(|(_, word)| word).collect();
    text.push_str(&if marks.is_empty() { "\n".to_owned() } else { format!(" ({})\n", marks.join(", ")) });
    for record in reply.answers.iter().chain(&reply.authority).chain(&reply.additional) {
        text.push_str(&format!("{}  {}  {}  {}\n", record.name, record.ttl, record.kind, record.data));
    }
    text
}

/// A wire on which waiting takes no time.
struct Beside<'a>(&'a mut dyn Wire);

impl Wire for Beside<'_> {
    fn now(&self) -> Instant {
        self.0.now()
    }
    fn wait(&mut self, _by: Duration) -> Result<(), String> {
        Ok(())
    }
    fn ask(&mut self, from: &Source, server: SocketAddr, protocol: Protocol, question: &Question) -> Asked {
        self.0.look(from, server, protocol, question)
    }
    fn resolver(&mut self, from: &Source) -> ResolverConfig {
        self.0.resolver(from)
    }
}
