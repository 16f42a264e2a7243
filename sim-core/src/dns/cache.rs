//! The cache plugin: replies kept for a while, their TTLs counting down.
//!
//! In a real cluster `cache 30` stands before the kubernetes and forward plugins; recent kubeadm excludes the cluster's own zone.
//! We model the two stores (answers, denials) with their shards, lifetimes, what is never kept, and the flags of replies served
//! from the cache. Left out: prefetch, serving stale replies. A full shard gives up its first reply where upstream gives up any.
//! The real thing: CoreDNS `plugin/cache`, `plugin/pkg/cache`.

use imbl::OrdMap;

use super::config::{canonical, within};
use super::corefile::{CacheOptions, Keeping};
use super::message::{Question, Rcode, Record, Reply};
use crate::engine::digest::{Digestible, StateDigest};
use crate::engine::random::Digest;
use crate::engine::time::{Duration, Instant};
use crate::objects::Name;

/// Shards of a store: a reply belongs to one, and competes for room with those in it only.
const SHARDS: u64 = 256;
/// TTL of a reply without records, in seconds.
const TTL_OF_NOTHING: u32 = 5;

/// The cache of one server block. A clone shares what it holds.
#[derive(Clone, Debug, Default)]
pub struct Cache {
    answers: Store,
    denials: Store,
}

type Key = (u8, String, String);

/// Replies of one kind, with the number of them in each shard.
#[derive(Clone, Debug, Default)]
struct Store {
    replies: OrdMap<Key, Kept>,
    sizes: OrdMap<u8, usize>,
}

#[derive(Clone, Debug, Hash)]
struct Kept {
    reply: Reply,
    ttl: u32,
    at: Instant,
}

/// What a reply is to the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Answer,
    Denial,
    Failure,
    /// Not kept.
    Other,
}

impl Cache {
    /// The kept reply, with the TTLs it has left; always marked as authoritative, as CoreDNS does for the sake of old resolvers.
    pub fn get(&self, options: &CacheOptions, question: &Question, now: Instant) -> Option<Reply> {
        let key = key(question);
        let live = |store: &Store| {
            let kept = store.replies.get(&key)?;
            let left = kept.ttl.checked_sub(kept.age(now)).filter(|left| *left > 0)?;
            Some((kept.reply.clone(), if options.keep_ttl { kept.ttl } else { left }))
        };
        let denial = live(&self.denials);
        // A failure that was kept does not hide a good answer.
        let found = match denial {
            Some((ref reply, _)) if reply.rcode == Rcode::ServFail => live(&self.answers).or(denial),
            None => live(&self.answers),
            denial => denial,
        };
        let (mut reply, left) = found?;
        (reply.authoritative, reply.cached) = (true, true);
        level(&mut reply, left);
        Some(reply)
    }

    /// Caps the TTLs of a fresh reply, and keeps it unless it may not be kept.
    pub fn put(&mut self, options: &CacheOptions, question: &Question, reply: &mut Reply, now: Instant) {
        let sort = Sort::of(reply, question);
        let capped = |keeping: &Keeping| lowest(reply).max(keeping.ttl_min).min(keeping.ttl_max);
        let (store, keeping, ttl) = match sort {
            Sort::Answer | Sort::Other => (&mut self.answers, &options.success, capped(&options.success)),
            Sort::Denial => (&mut self.denials, &options.denial, capped(&options.denial)),
            Sort::Failure => (&mut self.denials, &options.denial, options.servfail),
        };
        level(reply, ttl);
        let denial_without_end = reply.rcode == Rcode::NxDomain && !has_soa(reply);
        let excepted = keeping.except.iter().any(|z| within(z, &question.name));
        if sort == Sort::Other || reply.truncated || denial_without_end || excepted || ttl == 0 {
            return;
        }
        let per_shard = (keeping.capacity / SHARDS as usize).max(4);
        store.insert(key(question), Kept { reply: reply.clone(), ttl, at: now }, per_shard);
        if sort == Sort::Answer {
            self.denials.remove(&key(question));
        }
    }

    /// The names for which it holds replies, each with the end of the reply's life.
    pub fn kept_until(&self) -> impl Iterator<Item = (Name, Instant)> {
        let all = self.answers.replies.iter().chain(&self.denials.replies);
        all.map(|((_, name, _), kept)| (name.as_str().into(), kept.at + Duration::from_secs(u64::from(kept.ttl))))
    }

    /// How many replies it holds.
    pub fn len(&self) -> usize {
        self.answers.replies.len() + self.denials.replies.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Store {
    fn insert(&mut self, key: Key, kept: Kept, per_shard: usize) {
        let shard = key.0;
        if !self.replies.contains_key(&key) {
            while self.sizes.get(&shard).copied().unwrap_or(0) >= per_shard {
                let first = (shard, String::new(), String::new());
                let Some(victim) = self.replies.range(first..).next().map(|(k, _)| k.clone()) else { break };
                self.remove(&victim);
            }
            *self.sizes.entry(shard).or_insert(0) += 1;
        }
        self.replies.insert(key, kept);
    }

    fn remove(&mut self, key: &Key) {
        if self.replies.remove(key).is_some() {
            *self.sizes.entry(key.0).or_insert(1) -= 1;
        }
    }
}

impl Kept {
    fn age(&self, now: Instant) -> u32 {
        u32::try_from(now.since(self.at).as_secs()).unwrap_or(u32::MAX)
    }
}

impl Sort {
    fn of(reply: &Reply, question: &Question) -> Sort {
        match reply.rcode {
            _ if matches!(&*question.kind, "AXFR" | "IXFR") => Sort::Other,
            Rcode::NoError if dangling(reply, question) => {
                if has_soa(reply) {
                    Sort::Denial
                } else {
                    Sort::Other
                }
            }
            Rcode::NoError if reply.answers.is_empty() && has_soa(reply) => Sort::Denial,
            Rcode::NoError => Sort::Answer,
            Rcode::NxDomain if reply.answers.is_empty() => Sort::Denial,
            Rcode::ServFail | Rcode::NotImp => Sort::Failure,
            _ => Sort::Other,
        }
    }
}

/// A chain of CNAMEs that ends without a record of the type asked for is no answer.
fn dangling(reply: &Reply, question: &Question) -> bool {
    let answered = |r: &Record| r.kind == question.kind || question.kind == "ANY";
    !reply.answers.is_empty() && !reply.answers.iter().any(answered)
}

fn has_soa(reply: &Reply) -> bool {
    reply.authority.iter().any(|r| r.kind == "SOA")
}

/// The lowest TTL of a reply.
fn lowest(reply: &Reply) -> u32 {
    reply.records().map(|r| r.ttl).min().unwrap_or(TTL_OF_NOTHING)
}

/// All records of a reply show the same TTL.
fn level(reply: &mut Reply, ttl: u32) {
    for section in reply.sections() {
        section.iter_mut().for_each(|r| r.ttl = ttl);
    }
}

fn key(question: &Question) -> Key {
    let name = canonical(&question.name);
    let shard = Digest::of(&(&*name, &*question.kind)) % SHARDS;
    (shard as u8, name, question.kind.clone())
}

impl Digestible for Cache {
    fn digest(&self, into: &mut StateDigest) {
        let Cache { answers, denials } = self;
        answers.digest(into);
        denials.digest(into);
    }
}

impl Digestible for Store {
    fn digest(&self, into: &mut StateDigest) {
        // The sizes of the shards are counted from the replies.
        let Store { replies, sizes: _ } = self;
        into.list(replies);
    }
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
