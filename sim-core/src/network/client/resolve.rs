//! A name on its way to an address.
//!
//! In real life the library's resolver sleeps between its questions. Here the resolver ([`lookup`]) is a function of what was
//! answered so far: each time it may go on it is run again from the start, hears the same answers, and is stopped where it has
//! to wait. Left out: nothing that the resolver does.

use std::net::SocketAddr;

use super::Step;
use crate::dns::message::{Question, Reply};
use crate::dns::resolver::{Family, Library, Lookup, LookupError, lookup};
use crate::engine::time::{Duration, Instant};
use crate::network::wire::{Asked, Connections, ResolverConfig, Source, Wire};
use crate::objects::pod_spec::Protocol;

/// A lookup under way.
#[derive(Clone, Debug, Hash)]
pub struct Resolve {
    since: Instant,
    /// The program has a resolver of its own.
    library: Option<Library>,
    config: Option<ResolverConfig>,
    heard: Vec<Asked>,
}

impl Resolve {
    /// A lookup that begins now.
    pub fn new(now: Instant) -> Resolve {
        Resolve { since: now, library: None, config: None, heard: Vec::new() }
    }

    /// The same by a resolver that the program itself brings.
    pub fn by(library: Library, now: Instant) -> Resolve {
        Resolve { library: Some(library), ..Resolve::new(now) }
    }

    /// Goes on as far as it can now. It is for one name from one place, which are given anew each time.
    pub fn go(
        &mut self,
        wire: &mut dyn Connections,
        (from, host, family): (&Source, &str, Family),
        until: Instant,
    ) -> Step<Lookup> {
        let (now, clock) = (wire.now(), self.since);
        let mut again = Again { wire, so_far: self, next: 0, clock, world: now };
        let found = lookup(&mut again, from, host, family);
        match found.error {
            Some(LookupError::Stopped(_)) if until <= now => Step::Limit,
            Some(LookupError::Stopped(_)) => Step::At(again.clock.min(until)),
            _ => Step::Done(found),
        }
    }
}

/// The wire of a resolver that is run again: what was answered before is answered from the list.
struct Again<'w> {
    wire: &'w mut dyn Connections,
    so_far: &'w mut Resolve,
    next: usize,
    /// The resolver's own time, behind the world's while it hears old answers.
    clock: Instant,
    /// What the world's clock shows.
    world: Instant,
}

impl Wire for Again<'_> {
    fn now(&self) -> Instant {
        self.clock
    }

    fn wait(&mut self, by: Duration) -> Result<(), String> {
        self.clock += by;
        if self.clock <= self.world { Ok(()) } else { Err("later".to_string()) }
    }

    fn ask(&mut self, from: &Source, server: SocketAddr, protocol: Protocol, question: &Question) -> Asked {
        self.next += 1;
        if let Some(heard) = self.so_far.heard.get(self.next - 1) {
            return heard.clone();
        }
        let asked = self.wire.ask(from, server, protocol, question);
        self.so_far.heard.push(asked.clone());
        asked
    }

    fn cluster_dns(&mut self, question: &Question) -> Option<Reply> {
        self.wire.cluster_dns(question)
    }

    fn resolver(&mut self, from: &Source) -> ResolverConfig {
        let Resolve { library, config, .. } = &mut *self.so_far;
        let theirs = config.get_or_insert_with(|| self.wire.resolver(from)).clone();
        ResolverConfig { library: library.unwrap_or(theirs.library), ..theirs }
    }
}
