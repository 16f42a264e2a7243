//! The CoreDNS servers of a cluster, each with its Corefile and its caches.
//!
//! In a real cluster each CoreDNS pod reads the Corefile when it starts, looks again now and then, and keeps a cache of its own, so
//! that two questions in a row may meet two memories. Replies are cut to what a UDP packet holds. Left out: metrics, the hash of
//! the configuration in the log. The real things: CoreDNS `plugin/reload`, `core/dnsserver/server.go`, `coremain/run.go`.

use std::sync::Arc;

use imbl::OrdMap;

use super::cache::Cache;
use super::chain::{Forwarded, Incoming, Knowledge, Served, serve};
use super::corefile::{Corefile, Forward};
use super::log;
use super::message::{Question, Reply};
use super::size::{UDP_REPLY_MAX, cut};
use crate::engine::digest::{Digestible, StateDigest};
use crate::engine::random::Draws;
use crate::engine::time::{Duration, Instant};
use crate::objects::Name;
use crate::objects::pod_spec::Protocol;

/// How late a server's photograph of the API is, at least and at most (as for every watch).
const LAG: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(50));
/// The port that DNS is served at.
const PORT: u16 = 53;

/// The servers, by the uid of their pods. A clone costs a pointer.
#[derive(Clone, Debug, Default)]
pub struct DnsServers {
    replicas: OrdMap<Name, Replica>,
}

/// One server.
#[derive(Clone, Debug)]
struct Replica {
    /// The file it looked at last, used or not.
    seen: Arc<str>,
    /// The file it works by, as text, ...
    text: Arc<str>,
    /// ... and read.
    file: Arc<Corefile>,
    /// A cache for each block.
    caches: Vec<Cache>,
    /// Since when it looks again, and how often; `None` = never.
    ticks: Option<(Instant, Duration)>,
}

/// How a start went: what it prints, and whether it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// Lines of its log.
    pub log: String,
    /// It serves.
    pub serves: bool,
}

impl DnsServers {
    /// A server starts with that file, an empty memory, and `loops` to say whether what it forwards comes back to it.
    pub fn start(&mut self, server: &Name, text: &str, loops: bool, now: Instant, draws: Draws) -> Start {
        self.replicas.remove(server);
        match Corefile::read(text) {
            Ok(file) if loops && file.blocks.iter().any(|b| b.loop_check) => {
                let log = file.banner() + &log::version() + &log::fatal_loop(&file, server, draws);
                Start { log, serves: false }
            }
            Ok(file) => {
                let log = file.banner() + &log::version();
                self.replicas.insert(server.clone(), Replica::new(text, file, server, now, draws));
                Start { log, serves: true }
            }
            Err(why) => Start { log: why + "\n", serves: false },
        }
    }

    /// Its pod has ended: all it remembers is gone.
    pub fn forget(&mut self, server: &str) {
        self.replicas.remove(server);
    }

    /// The pods of all others have ended.
    pub fn keep_only(&mut self, lives: impl Fn(&Name) -> bool) {
        let ended: Vec<Name> = self.replicas.keys().filter(|server| !lives(server)).cloned().collect();
        ended.iter().for_each(|server| self.forget(server));
    }

    /// How many replies the server keeps.
    pub fn kept(&self, server: &str) -> usize {
        self.replicas.get(server).map_or(0, |r| r.caches.iter().map(Cache::len).sum())
    }

    /// The names for which the server keeps replies, each with the end of the reply's life.
    pub fn kept_until(&self, server: &str) -> Vec<(Name, Instant)> {
        self.replicas.get(server).map(|r| r.caches.iter().flat_map(Cache::kept_until).collect()).unwrap_or_default()
    }

    /// Plugins that some server's file has and that are not simulated.
    pub fn passed_over(&self) -> impl Iterator<Item = &str> {
        self.replicas.values().flat_map(|r| r.file.passed_over.iter().map(String::as_str))
    }

    /// After which time the server looks at its file again.
    pub fn next_look(&self, server: &str, now: Instant) -> Option<Duration> {
        let (since, every) = self.replicas.get(server)?.ticks?;
        let into = now.since(since).as_nanos() % every.as_nanos().max(1);
        Some(Duration::from_nanos(every.as_nanos() - into))
    }

    /// The server looks at its file: what it logs. A good one replaces what it had, with empty caches; a bad one changes nothing.
    pub fn look(&mut self, server: &Name, text: &str, now: Instant, draws: Draws) -> Vec<String> {
        let Some(replica) = self.replicas.get_mut(server).filter(|r| &*r.seen != text) else { return vec![] };
        if let Err(why) = Corefile::check_form(text) {
            return vec![format!("[WARNING] plugin/reload: Corefile parse failed: {why}")];
        }
        // The same broken file is not tried twice.
        replica.seen = text.into();
        let mut lines = vec!["[INFO] Reloading".to_owned()];
        match Corefile::read(text) {
            Ok(file) => {
                *replica = Replica::new(text, file, server, now, draws);
                lines.push("[INFO] Reloading complete".to_owned());
            }
            Err(why) => {
                lines.push(format!("[ERROR] Restart failed: {why}"));
                let whole = format!("starting with listener file descriptors: {why}");
                lines.push(format!("[ERROR] plugin/reload: Corefile changed but reload failed: {whole}"));
            }
        }
        lines
    }

    /// How late a server sees changes of the API.
    pub fn lag(server: &Name, draws: Draws) -> Duration {
        draws.keyed("dns/lag", &**server).duration(LAG.0, LAG.1)
    }

    /// The reply of a server; `None` if it does not listen. `upstream` is asked what it forwards, with all other servers at hand:
    /// one that waits for itself gets no answer.
    pub fn ask(
        &mut self,
        server: &Name,
        knows: Knowledge<'_>,
        incoming: Incoming<'_>,
        draws: Draws,
        upstream: &mut dyn FnMut(&mut DnsServers, &Forward, &Question) -> Forwarded,
    ) -> Option<Served> {
        let mut replica = self.replicas.remove(server).filter(|r| r.file.listens(PORT))?;
        let file = replica.file.clone();
        let question = incoming.question;
        let key = (&**server, &question.name, &question.kind, incoming.now);
        let mut served = match file.block(PORT, &question.name) {
            Some((at, block)) => {
                let mut shuffle = draws.keyed("dns/loadbalance", key);
                let forward = &mut |forward: &Forward, question: &Question| upstream(self, forward, question);
                let mut served = serve(block, &mut replica.caches[at], knows, incoming, forward, &mut shuffle);
                fit(&mut served.reply, incoming, block.buffer);
                served.log.extend(log::question(block, incoming, &served, draws.keyed("dns/log", key)));
                served
            }
            None => {
                let reply = Reply::failure(super::message::Rcode::Refused);
                Served { reply, waited: Duration::ZERO, log: vec![] }
            }
        };
        served.reply.server = server.clone();
        self.replicas.insert(server.clone(), replica);
        Some(served)
    }
}

impl Replica {
    fn new(text: &str, file: Corefile, server: &Name, now: Instant, draws: Draws) -> Replica {
        let ticks = file.reload.map(|reload| {
            let (mean, half) = (reload.interval.as_nanos(), reload.jitter.as_nanos() / 2);
            let drawn = draws.keyed("dns/reload", (&**server, now)).between(mean - half, mean + half);
            (now, Duration::from_nanos(drawn))
        });
        let (text, caches) = (Arc::from(text), vec![Cache::default(); file.blocks.len()]);
        Replica { seen: Arc::clone(&text), text, caches, file: Arc::new(file), ticks }
    }
}

/// Cuts a reply to what the client takes.
fn fit(reply: &mut Reply, incoming: Incoming<'_>, buffer: Option<usize>) {
    if incoming.protocol == Protocol::Udp {
        let asked = incoming.question.udp_size.map_or(UDP_REPLY_MAX, |size| usize::from(size).max(UDP_REPLY_MAX));
        cut(reply, incoming.question, asked.min(buffer.unwrap_or(usize::MAX)));
    }
}

impl Digestible for Replica {
    fn digest(&self, into: &mut StateDigest) {
        let Replica { seen, text, file: _, caches, ticks } = self;
        into.fold(&(seen, text, ticks));
        into.parts((0_usize..).zip(caches));
    }
}

impl Digestible for DnsServers {
    fn digest(&self, into: &mut StateDigest) {
        let DnsServers { replicas } = self;
        into.parts(replicas);
    }
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
