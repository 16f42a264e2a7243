//! One server block at work: a question goes down its chain of plugins, and the reply comes back up.
//!
//! The order is that of the stock binary, whatever the order of lines: log, errors, loadbalance, cache, rewrite, transfer, hosts,
//! kubernetes, forward. What happens beyond the block (upstream servers) is given by the caller.
//! The real things: CoreDNS `plugin.cfg`, `core/dnsserver/server.go`, `plugin/hosts`, `plugin/loadbalance`.

use std::net::IpAddr;

use super::cache::Cache;
use super::config::{ServerConfig, canonical, fqdn, matching_zone, within};
use super::corefile::{Block, Forward, Hosts};
use super::message::{Question, Rcode, Record, Reply};
use super::rewrite::rewritten;
use super::zone;
use crate::engine::random::Stream;
use crate::engine::time::{Duration, Instant};
use crate::objects::pod_spec::Protocol;
use crate::store::View;

/// What a server knows when a question comes.
#[derive(Clone, Copy, Debug)]
pub struct Knowledge<'a> {
    /// Its photograph of the API.
    pub view: &'a View,
    /// The number its SOA shows.
    pub serial: u32,
    /// Whether it has read the API at all.
    pub synced: bool,
    /// Its own addresses.
    pub local_ips: &'a [IpAddr],
}

/// One question on its way into a server.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// The question.
    pub question: &'a Question,
    /// How it came.
    pub protocol: Protocol,
    /// When.
    pub now: Instant,
    /// From where, as the server sees it.
    pub client: Option<IpAddr>,
}

/// What an upstream server made of a question: its reply, or what the `errors` plugin will say; and how long it took.
pub type Forwarded = (Result<Reply, String>, Duration);

/// Asks upstream servers.
pub type Upstream<'a> = &'a mut dyn FnMut(&Forward, &Question) -> Forwarded;

/// What comes out of a server.
#[derive(Clone, Debug)]
pub struct Served {
    /// The reply.
    pub reply: Reply,
    /// Time spent waiting for others.
    pub waited: Duration,
    /// What the server logs.
    pub log: Vec<String>,
}

/// A question in one block.
struct Chain<'a, 'u> {
    block: &'a Block,
    knows: Knowledge<'a>,
    incoming: Incoming<'a>,
    upstream: Upstream<'u>,
    waited: Duration,
    error: Option<String>,
}

/// Answers a question.
pub fn serve(
    block: &Block,
    cache: &mut Cache,
    knows: Knowledge<'_>,
    incoming: Incoming<'_>,
    upstream: Upstream<'_>,
    shuffle: &mut Stream,
) -> Served {
    if !block.answers {
        return Served { reply: Reply::failure(Rcode::Refused), waited: Duration::ZERO, log: vec![] };
    }
    let mut chain = Chain { block, knows, incoming, upstream, waited: Duration::ZERO, error: None };
    let mut reply = chain.through_cache(cache);
    if block.loadbalance {
        shuffled(&mut reply, shuffle);
    }
    let Chain { waited, error, .. } = chain;
    let mut log = Vec::new();
    let question = incoming.question;
    if let Some(why) = error.filter(|_| block.errors) {
        let (name, kind) = (canonical(&question.name), &question.kind);
        log.push(format!("[ERROR] plugin/errors: {} {name} {kind}: {why}", reply.rcode.number()));
    }
    Served { reply, waited, log }
}

/// Addresses in any order, behind everything else but after CNAMEs: those come first.
fn shuffled(reply: &mut Reply, draw: &mut Stream) {
    for section in reply.sections() {
        let (mut addresses, mut out): (Vec<_>, Vec<_>) = section.drain(..).partition(|r| matches!(r.kind, "A" | "AAAA" | "MX"));
        out.sort_by_key(|r| r.kind != "CNAME");
        draw.shuffle(&mut addresses);
        out.append(&mut addresses);
        *section = out;
    }
}

impl Chain<'_, '_> {
    fn through_cache(&mut self, cache: &mut Cache) -> Reply {
        let (question, now) = (self.incoming.question, self.incoming.now);
        let options = self.block.cache.as_ref().filter(|o| matching_zone(&o.zones, &question.name).is_some());
        let Some(options) = options else { return self.through_rewrite() };
        if let Some(reply) = cache.get(options, question, now) {
            return reply;
        }
        let mut reply = self.through_rewrite();
        // A failure that no plugin put into words never passes the cache on its way out.
        if self.error.is_none() {
            cache.put(options, question, &mut reply, now);
        }
        reply
    }

    fn through_rewrite(&mut self) -> Reply {
        match rewritten(&self.block.rewrite, self.incoming.question) {
            Ok((question, reverter)) => {
                let mut reply = self.transfer_or_on(&question);
                reverter.revert(&mut reply);
                reply
            }
            Err(why) => self.failed(why),
        }
    }

    fn failed(&mut self, why: String) -> Reply {
        self.error = Some(why);
        Reply::failure(Rcode::ServFail)
    }

    fn transfer_or_on(&mut self, question: &Question) -> Reply {
        if !matches!(&*question.kind, "AXFR" | "IXFR") || self.block.transfer.is_empty() {
            return self.hosts_or_on(question);
        }
        if self.incoming.protocol != Protocol::Tcp {
            return Reply::failure(Rcode::Refused);
        }
        let matching = self.block.transfer.iter().filter_map(|t| Some((matching_zone(&t.zones, &question.name)?.len(), t)));
        let Some((_, transfer)) = matching.max_by_key(|(long, _)| *long) else { return self.hosts_or_on(question) };
        let allowed = transfer.to.is_empty() || self.incoming.client.is_some_and(|c| transfer.to.contains(&c));
        if !allowed {
            return Reply::failure(Rcode::Refused);
        }
        let own = self.kubernetes();
        match own.and_then(|own| zone::transfer::records(self.knows.view, &own, &question.name, self.knows.serial)) {
            Some(answers) => Reply { answers, ..Reply::of(Rcode::NoError) },
            None => self.hosts_or_on(question),
        }
    }

    fn hosts_or_on(&mut self, question: &Question) -> Reply {
        let own = self.block.hosts.as_ref().map(|hosts| answered(hosts, question));
        match own {
            None | Some(Own::Other) => self.kubernetes_or_on(question),
            Some(Own::Answer(reply)) => reply,
        }
    }

    /// The kubernetes plugin's options, with what this server knows of itself.
    fn kubernetes(&self) -> Option<ServerConfig> {
        let knows = self.knows;
        let options = self.block.kubernetes.clone()?;
        Some(ServerConfig { synced: knows.synced, local_ips: knows.local_ips.to_vec(), ..options })
    }

    fn kubernetes_or_on(&mut self, question: &Question) -> Reply {
        let Some(options) = self.kubernetes() else { return self.forward(question) };
        let (view, serial) = (self.knows.view, self.knows.serial);
        zone::through(view, &options, question, serial, &mut |question| self.forward(question))
    }

    fn forward(&mut self, question: &Question) -> Reply {
        let takes = |f: &&Forward| {
            let from = within(&f.from, &question.name);
            from && (canonical(&question.name) == f.from || !f.except.iter().any(|z| within(z, &question.name)))
        };
        let Some(forward) = self.block.forward.iter().find(takes) else {
            let last = if self.block.kubernetes.is_some() { "kubernetes" } else { "forward" };
            return self.failed(format!("plugin/{last}: no next plugin found"));
        };
        let (outcome, took) = (self.upstream)(forward, question);
        self.waited = self.waited + took;
        match outcome {
            Ok(reply) => Reply { forwarded: true, cached: false, ..reply },
            Err(why) => self.failed(why),
        }
    }
}

/// What the hosts plugin has to say.
enum Own {
    Answer(Reply),
    /// It is for the next plugin.
    Other,
}

/// A name of which there is no line is a failure, not a denial, unless it may go on: a hosts file has no SOA to deny with.
fn answered(hosts: &Hosts, question: &Question) -> Own {
    let name = canonical(&question.name);
    let record = |kind, data| Record { name: fqdn(&question.name), kind, ttl: hosts.ttl, data };
    let answer = |answers| Own::Answer(Reply { answers, ..Reply::of(Rcode::NoError) });
    if question.kind == "PTR" {
        let ip = zone::reverse_address(&name).filter(|_| hosts.reverse);
        let names = hosts.entries.iter().filter(|(at, _)| Some(*at) == ip).map(|(_, n)| record("PTR", n.clone()));
        let names: Vec<Record> = names.collect();
        return if names.is_empty() { Own::Other } else { answer(names) };
    }
    if matching_zone(&hosts.zones, &name).is_none() {
        return Own::Other;
    }
    let here: Vec<IpAddr> = hosts.entries.iter().filter(|(_, n)| *n == name).map(|(ip, _)| *ip).collect();
    if here.is_empty() {
        let on = hosts.fall_through.iter().any(|z| within(z, &name));
        return if on { Own::Other } else { Own::Answer(Reply::failure(Rcode::ServFail)) };
    }
    let kind = |ip: &IpAddr| if ip.is_ipv4() { "A" } else { "AAAA" };
    answer(here.iter().filter(|ip| kind(ip) == question.kind).map(|ip| record(kind(ip), ip.to_string())).collect())
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
