//! The CoreDNS servers of a cluster: cache, zone and shuffle in the order of the stock Corefile.
//!
//! In a real cluster each CoreDNS pod has a cache of its own, so that two questions in a row may meet two caches. Records are
//! shuffled as they leave, and cut to what a UDP packet holds. Left out: metrics, the loop and errors plugins, EDNS.
//! The real things: CoreDNS `plugin/loadbalance`, `request.Scrub`.

use std::collections::BTreeSet;

use imbl::OrdMap;

use super::cache::Cache;
pub use super::config::ServerConfig;
use super::config::{canonical, within};
use super::message::{Question, Record, Reply};
use super::zone;
use crate::engine::random::Draws;
use crate::engine::time::Instant;
use crate::objects::Name;
use crate::objects::pod_spec::Protocol;
use crate::store::View;

/// Bytes of a reply over UDP to a client that states no larger size.
pub const UDP_REPLY_MAX: usize = 512;

/// What the servers remember between questions, by server. A clone costs a pointer.
#[derive(Clone, Debug, Default)]
pub struct DnsServers {
    caches: OrdMap<Name, Cache>,
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
}

impl DnsServers {
    /// The reply of the server named `server` (a pod's uid) which knows the API as of `view`.
    pub fn ask(
        &mut self,
        server: &Name,
        view: &View,
        config: &ServerConfig,
        incoming: Incoming<'_>,
        serial: u32,
        draws: Draws,
    ) -> Reply {
        let Incoming { question, now, .. } = incoming;
        let mut reply = match config.cache {
            None => zone::answer(view, config, question, serial),
            Some(ttl_max) => self.through_cache(server, question, now, ttl_max, || {
                let keep = !config.cache_except.iter().any(|z| within(z, &question.name));
                (zone::answer(view, config, question, serial), keep)
            }),
        };
        let mut draw = draws.keyed("dns/loadbalance", (&**server, &question.name, &question.kind, now));
        for section in [&mut reply.answers, &mut reply.authority, &mut reply.additional] {
            let (mut addresses, mut out): (Vec<_>, Vec<_>) =
                section.drain(..).partition(|r| matches!(r.kind, "A" | "AAAA" | "MX"));
            out.sort_by_key(|r| r.kind != "CNAME");
            draw.shuffle(&mut addresses);
            out.append(&mut addresses);
            *section = out;
        }
        if incoming.protocol == Protocol::Udp {
            cut(&mut reply, question, UDP_REPLY_MAX);
        }
        reply
    }

    fn through_cache(
        &mut self,
        server: &Name,
        question: &Question,
        now: Instant,
        ttl_max: u32,
        fresh: impl FnOnce() -> (Reply, bool),
    ) -> Reply {
        if let Some(reply) = self.caches.get(server).and_then(|cache| cache.get(question, now)) {
            return reply;
        }
        let (mut reply, keep) = fresh();
        self.caches.entry(server.clone()).or_default().put(question, &mut reply, ttl_max, keep, now);
        reply
    }

    /// A server has ended; a new one starts with an empty cache.
    pub fn forget(&mut self, server: &str) {
        self.caches.remove(server);
    }
}

/// Cuts a reply to so many bytes: whole records from the end, the last section first.
pub fn cut(reply: &mut Reply, question: &Question, bytes_max: usize) {
    let mut seen = BTreeSet::new();
    // Header, then the question with type and class.
    let mut bytes = 12 + name_bytes(&question.name, &mut seen) + 4;
    let mut full = false;
    for section in [&mut reply.answers, &mut reply.authority, &mut reply.additional] {
        let fits = section.iter().take_while(|record| {
            bytes += record_bytes(record, &mut seen);
            full |= bytes > bytes_max;
            !full
        });
        let fits = fits.count();
        full |= fits < section.len();
        section.truncate(fits);
    }
    reply.truncated |= full;
}

/// The size of a reply on the wire.
pub fn reply_bytes(reply: &Reply, question: &Question) -> usize {
    let mut seen = BTreeSet::new();
    let head = 12 + name_bytes(&question.name, &mut seen) + 4;
    let records = reply.answers.iter().chain(&reply.authority).chain(&reply.additional);
    records.fold(head, |bytes, record| bytes + record_bytes(record, &mut seen))
}

fn record_bytes(record: &Record, seen: &mut BTreeSet<String>) -> usize {
    let owner = name_bytes(&record.name, seen) + 10;
    let words: Vec<&str> = record.data.split(' ').collect();
    owner
        + match record.kind {
            "A" => 4,
            "AAAA" => 16,
            // The target of a SRV record is not compressed.
            "SRV" => 6 + words.last().map_or(0, |target| target.len() + 1),
            "SOA" => 20 + words.iter().take(2).map(|n| name_bytes(n, seen)).sum::<usize>(),
            "CNAME" | "PTR" | "NS" => name_bytes(&record.data, seen),
            _ => record.data.len() + 1,
        }
}

/// A name on the wire: its labels up to a suffix that was written before, to which two bytes point.
fn name_bytes(name: &str, seen: &mut BTreeSet<String>) -> usize {
    let name = canonical(name);
    let mut rest = name.trim_end_matches('.');
    let mut bytes = 0;
    while !rest.is_empty() {
        if !seen.insert(rest.to_owned()) {
            return bytes + 2;
        }
        let (label, tail) = rest.split_once('.').unwrap_or((rest, ""));
        bytes += label.len() + 1;
        rest = tail;
    }
    bytes + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::random::Seed;
    use crate::engine::time::Duration;
    use crate::objects::Object;
    use crate::store::Store;
    use serde_json::json;

    fn headless(endpoints: usize) -> Store {
        let mut store = Store::default();
        let addresses = (0..endpoints).map(|n| json!({"addresses": [format!("10.0.{}.{}", n / 250, n % 250 + 1)]}));
        for doc in [
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}),
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "db", "namespace": "default"},
                   "spec": {"clusterIP": "None", "ports": [{"port": 80}]}}),
            json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                   "metadata": {"name": "db-1", "namespace": "default", "labels": {"kubernetes.io/service-name": "db"}},
                   "endpoints": addresses.collect::<Vec<_>>(), "ports": [{"name": "", "port": 80}]}),
        ] {
            store.insert(Object::parse(&doc), Instant::START);
        }
        store
    }

    fn ask(servers: &mut DnsServers, store: &Store, config: &ServerConfig, at: u64, protocol: Protocol) -> Reply {
        let question = Question { name: "db.default.svc.cluster.local.".into(), kind: "A".into() };
        let now = Instant::START + Duration::from_secs(at);
        let incoming = Incoming { question: &question, protocol, now };
        servers.ask(&"a".into(), store.head(), config, incoming, 1, Draws::new(Seed(1)))
    }

    #[test]
    fn addresses_come_shuffled_and_all_of_them() {
        let (store, config) = (headless(4), ServerConfig::default());
        let mut firsts = BTreeSet::new();
        for at in 0..50 {
            let mut reply = ask(&mut DnsServers::default(), &store, &config, at, Protocol::Udp);
            firsts.insert(reply.answers[0].data.clone());
            reply.answers.sort();
            let data: Vec<&str> = reply.answers.iter().map(|r| &*r.data).collect();
            assert_eq!(data, ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"]);
        }
        assert_eq!(firsts.len(), 4);
    }

    /// Header 12, question 34, and 16 bytes for each record.
    #[test]
    fn udp_replies_are_cut_at_512_bytes() {
        let (store, config) = (headless(60), ServerConfig::default());
        let udp = ask(&mut DnsServers::default(), &store, &config, 0, Protocol::Udp);
        assert_eq!((udp.answers.len(), udp.truncated), (29, true));
        let tcp = ask(&mut DnsServers::default(), &store, &config, 0, Protocol::Tcp);
        assert_eq!((tcp.answers.len(), tcp.truncated), (60, false));
    }

    /// With the cache over the cluster's zone (older kubeadm) a denial outlives the fact; without, it does not.
    #[test]
    fn a_cached_denial_outlives_the_fact() {
        for (cache_except, answers) in [(vec![], 0), (vec!["cluster.local".to_owned()], 1)] {
            let config = ServerConfig { cache: Some(30), ttl: 30, cache_except, ..ServerConfig::default() };
            let mut servers = DnsServers::default();
            assert_eq!(ask(&mut servers, &headless(0), &config, 0, Protocol::Udp).answers.len(), 0);
            assert_eq!(ask(&mut servers, &headless(1), &config, 29, Protocol::Udp).answers.len(), answers);
            assert_eq!(ask(&mut servers, &headless(1), &config, 31, Protocol::Udp).answers.len(), 1);
        }
    }
}
