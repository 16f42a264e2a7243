//! The answer to a DNS question: the questions that were sent, the reply and its records, as text and as the JSON of the contract.

use serde::Serialize;

use crate::ask::resolve::ResolveAnswer;
use crate::dns::message::{Record, Reply};
use crate::dns::resolver::{Sent, SentOutcome};
use crate::engine::time::Duration;

/// What `-o json` prints.
#[derive(Serialize)]
struct Document<'a> {
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

/// The JSON form, with its line end.
pub fn json(answer: &ResolveAnswer) -> String {
    let reply = answer.reply.as_ref();
    let lines = |records: fn(&Reply) -> &Vec<Record>| {
        let records = reply.into_iter().flat_map(records);
        records.map(|r| Line { name: &r.name, kind: r.kind, ttl: r.ttl, rdata: &r.data }).collect()
    };
    let document = Document {
        rcode: rcode(answer),
        authoritative: reply.is_some_and(|r| r.authoritative),
        truncated: reply.is_some_and(|r| r.truncated),
        answers: lines(|r| &r.answers),
        authority: lines(|r| &r.authority),
        additional: lines(|r| &r.additional),
        queries: answer.queries.iter().map(Query::of).collect(),
        forwarded: reply.is_some_and(|r| r.forwarded),
    };
    serde_json::to_string(&document).unwrap_or_default() + "\n"
}

/// The code of the reply, or what became of the last question if none came.
fn rcode(answer: &ResolveAnswer) -> &str {
    match &answer.reply {
        Some(reply) => reply.rcode.text(),
        None => answer.queries.last().map_or("no question sent", |sent| sent.outcome.text()),
    }
}

impl Query<'_> {
    fn of(sent: &Sent) -> Query<'static> {
        let (name, server) = (format!("{}.", sent.name), sent.server.to_string());
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

/// The text form.
pub fn text(answer: &ResolveAnswer) -> String {
    let mut text: String = answer.queries.iter().map(line).collect();
    text.push_str(rcode(answer));
    let Some(reply) = &answer.reply else { return text + "\n" };
    let marks = [(reply.authoritative, "authoritative"), (reply.truncated, "truncated"), (reply.forwarded, "forwarded upstream")];
    let marks: Vec<&str> = marks.into_iter().filter(|(on, _)| *on).map(|(_, word)| word).collect();
    text.push_str(&if marks.is_empty() { "\n".to_owned() } else { format!(" ({})\n", marks.join(", ")) });
    for record in reply.answers.iter().chain(&reply.authority).chain(&reply.additional) {
        text.push_str(&format!("{}  {}  {}  {}\n", record.name, record.ttl, record.kind, record.data));
    }
    text
}
