//! The cache plugin: replies kept for a while, their TTLs counting down.
//!
//! In a real cluster `cache 30` stands before the kubernetes and forward plugins; recent kubeadm excludes the cluster's own zone.
//! We model lifetimes, what is never kept, and the flags of replies served from the cache. Left out: prefetch, serving stale
//! replies. The real thing: CoreDNS `plugin/cache`.

use imbl::OrdMap;

use super::config::canonical;
use super::message::{Question, Rcode, Record, Reply};
use crate::engine::time::{Duration, Instant};

/// Replies kept per server (CoreDNS `defaultCap`, positive and negative ones each; here together).
pub const REPLIES_MAX: usize = 10_000;
/// Nothing is kept for less than this; server failures for exactly this. In seconds.
const TTL_MIN: u32 = 5;

/// The cache of one server. A clone shares what it holds.
#[derive(Clone, Debug, Default)]
pub struct Cache {
    replies: OrdMap<(String, String), Kept>,
}

#[derive(Clone, Debug)]
struct Kept {
    reply: Reply,
    ttl: u32,
    at: Instant,
}

impl Cache {
    /// The kept reply, with the TTLs it has left; always marked as authoritative, as CoreDNS does for the sake of old resolvers.
    pub fn get(&self, question: &Question, now: Instant) -> Option<Reply> {
        let kept = self.replies.get(&key(question))?;
        let age = u32::try_from(now.since(kept.at).as_secs()).unwrap_or(u32::MAX);
        let left = kept.ttl.checked_sub(age).filter(|left| *left > 0)?;
        let mut reply = Reply { authoritative: true, ..kept.reply.clone() };
        level(&mut reply, left);
        Some(reply)
    }

    /// Caps the TTLs of a fresh reply, and keeps it unless it may not be kept.
    pub fn put(&mut self, question: &Question, reply: &mut Reply, ttl_max: u32, keep: bool, now: Instant) {
        let ttl = match reply.rcode {
            Rcode::ServFail => TTL_MIN,
            _ => records(reply).map(|r| r.ttl).min().unwrap_or(TTL_MIN).max(TTL_MIN).min(ttl_max),
        };
        level(reply, ttl);
        let denial_without_end = reply.rcode == Rcode::NxDomain && reply.authority.is_empty();
        let known = matches!(reply.rcode, Rcode::NoError | Rcode::NxDomain | Rcode::ServFail);
        if !keep || !known || reply.truncated || denial_without_end || dangling(reply, question) {
            return;
        }
        self.make_room(now);
        self.replies.insert(key(question), Kept { reply: reply.clone(), ttl, at: now });
    }

    fn make_room(&mut self, now: Instant) {
        if self.replies.len() < REPLIES_MAX {
            return;
        }
        let live = |kept: &Kept| now.since(kept.at) < Duration::from_secs(u64::from(kept.ttl));
        self.replies = self.replies.iter().filter(|(_, kept)| live(kept)).map(|(k, v)| (k.clone(), v.clone())).collect();
        if self.replies.len() >= REPLIES_MAX {
            self.replies = self.replies.without_min().1;
        }
    }
}

/// A chain of CNAMEs that ends without a record of the type asked for is no answer, and not kept.
fn dangling(reply: &Reply, question: &Question) -> bool {
    let answered = |r: &Record| r.kind == question.kind;
    reply.authority.is_empty() && !reply.answers.is_empty() && !reply.answers.iter().any(answered)
}

fn records(reply: &Reply) -> impl Iterator<Item = &Record> {
    reply.answers.iter().chain(&reply.authority).chain(&reply.additional)
}

/// All records of a reply show the same TTL.
fn level(reply: &mut Reply, ttl: u32) {
    for section in [&mut reply.answers, &mut reply.authority, &mut reply.additional] {
        section.iter_mut().for_each(|r| r.ttl = ttl);
    }
}

fn key(question: &Question) -> (String, String) {
    (canonical(&question.name), question.kind.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(rcode: Rcode, ttl: u32) -> Reply {
        let record = Record { name: "a.test.".into(), kind: "A", ttl, data: "1.2.3.4".into() };
        Reply {
            rcode,
            authoritative: false,
            truncated: false,
            recursion_available: true,
            answers: vec![record],
            authority: vec![],
            additional: vec![],
            forwarded: true,
        }
    }

    fn at(seconds: u64) -> Instant {
        Instant::START + Duration::from_secs(seconds)
    }

    /// (TTL of the reply, age, TTL served or none)
    #[test]
    fn ttls_are_capped_and_count_down() {
        let question = Question { name: "A.test".into(), kind: "A".into() };
        for (ttl, age, served) in [(300, 0, Some(30)), (300, 29, Some(1)), (300, 30, None), (1, 4, Some(1)), (1, 5, None)] {
            let mut cache = Cache::default();
            cache.put(&question, &mut reply(Rcode::NoError, ttl), 30, true, at(10));
            let got = cache.get(&Question { name: "a.test.".into(), kind: "A".into() }, at(10 + age));
            assert_eq!(got.as_ref().map(|r| r.answers[0].ttl), served, "{ttl} after {age}");
            assert!(got.is_none_or(|r| r.authoritative));
        }
    }

    #[test]
    fn what_may_not_be_kept_is_not() {
        let question = Question { name: "a.test".into(), kind: "A".into() };
        let cut = Reply { truncated: true, ..reply(Rcode::NoError, 60) };
        let denial = Reply { answers: vec![], ..reply(Rcode::NxDomain, 60) };
        for mut reply in [cut, denial, reply(Rcode::Refused, 60)] {
            let mut cache = Cache::default();
            cache.put(&question, &mut reply, 30, true, at(0));
            assert_eq!(cache.get(&question, at(0)), None, "{reply:?}");
        }
    }

    #[test]
    fn the_cache_has_a_bound() {
        let mut cache = Cache::default();
        for n in 0..REPLIES_MAX + 100 {
            let question = Question { name: format!("n{n}.test"), kind: "A".into() };
            cache.put(&question, &mut reply(Rcode::NoError, 60), 30, true, at(n as u64 / 1_000));
        }
        assert_eq!(cache.replies.len(), REPLIES_MAX);
    }
}
