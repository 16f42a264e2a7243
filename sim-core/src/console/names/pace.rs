//! How a program that asks for names lives in time: what it does is run again from its start after each wait.
//!
//! In real life a resolver sleeps in `poll` until a reply comes or its patience is over. The resolvers of [`crate::dns`] are plain
//! functions over a [`Wire`]; where one waits beyond the present, the function ends, and when that moment has come it is run
//! again, with the answers that were heard before. So a reply is what the cluster gives at the moment at which it is asked.

use std::net::SocketAddr;

use super::super::net::{stopped, wire};
use crate::console::host::{Host, Outcome, elapsed};
use crate::dns::message::{Question, Reply};
use crate::engine::time::{Duration, Instant};
use crate::network::wire::{Asked, ResolverConfig, Source, Wire};
use crate::objects::pod_spec::Protocol;

/// Runs `go` until it no longer waits for anything. An error is what the program ends with.
pub(super) async fn at_its_pace<T>(
    host: &mut dyn Host,
    program: &str,
    mut go: impl FnMut(&mut dyn Wire) -> T,
) -> Result<T, Outcome> {
    let start = elapsed(host);
    let mut heard = Heard::default();
    loop {
        let world = elapsed(host);
        let (done, late) = {
            let mut wire = wire(host, program)?;
            let mut again = Again { wire: &mut *wire, heard: &mut heard, next: 0, clock: start, world, late: None };
            (go(&mut again), again.late)
        };
        match late {
            None => return Ok(done),
            Some(at) => host.until(at).await.map_err(|why| stopped(&why))?,
        }
    }
}

/// What a run has heard so far.
#[derive(Default)]
struct Heard {
    config: Option<ResolverConfig>,
    asked: Vec<Asked>,
}

/// The wire of a function that is run again.
struct Again<'w> {
    wire: &'w mut dyn Wire,
    heard: &'w mut Heard,
    next: usize,
    /// The function's own time, behind the world's while it hears old answers.
    clock: Instant,
    /// What the world's clock shows.
    world: Instant,
    /// The moment for which it has to wait.
    late: Option<Instant>,
}

impl Wire for Again<'_> {
    fn now(&self) -> Instant {
        self.clock
    }

    fn wait(&mut self, by: Duration) -> Result<(), String> {
        self.clock += by;
        if self.late.is_none() && self.clock > self.world {
            self.late = Some(self.clock);
        }
        if self.late.is_none() { Ok(()) } else { Err("later".to_string()) }
    }

    fn ask(&mut self, from: &Source, server: SocketAddr, protocol: Protocol, question: &Question) -> Asked {
        if self.late.is_some() {
            return Asked::Silence;
        }
        self.next += 1;
        if let Some(heard) = self.heard.asked.get(self.next - 1) {
            return heard.clone();
        }
        let asked = self.wire.ask(from, server, protocol, question);
        self.heard.asked.push(asked.clone());
        asked
    }

    fn cluster_dns(&mut self, question: &Question) -> Option<Reply> {
        self.wire.cluster_dns(question)
    }

    fn resolver(&mut self, from: &Source) -> ResolverConfig {
        self.heard.config.get_or_insert_with(|| self.wire.resolver(from)).clone()
    }
}
