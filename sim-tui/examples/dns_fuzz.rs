//! Throws random names and message bytes at a simulated cluster's DNS: `cargo run --release --example dns_fuzz [ROUNDS]`.
//!
//! A hundredth of it runs with the tests. It ends with a line of figures, or with a panic that is a bug.

#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a measurement, told to its user")]

use std::sync::Arc;
use std::time::Instant;

use sim_core::dns::cache::Cache;
use sim_core::dns::corefile::Corefile;
use sim_core::dns::message::{Question, Rcode, Record, Reply};
use sim_core::scenario::load::{self, File};
use sim_core::scenario::play::{Options, Player};
use sim_tui::cli::serve_dns::fuzz;

fn main() {
    let rounds = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let (start, text) = (Instant::now(), include_str!("../src/cli/serve_dns/cluster.yaml"));
    let file = File { name: "cluster.yaml", bytes: text.as_bytes() };
    let loaded = load::load(file, &load::Options::default()).expect("the cluster loads");
    let mut player = Player::new(Arc::new(loaded), &Options::default()).expect("the cluster starts");
    let asked = fuzz(&mut player, rounds);
    println!("{rounds} messages, {asked} of them questions, in {:.1} s", start.elapsed().as_secs_f32());
    million_names();
}

/// A cache that hears a million different names stays within its bound.
fn million_names() {
    let (start, mut cache) = (Instant::now(), Cache::default());
    let file = Corefile::read(". {\n cache 30\n}").expect("a Corefile");
    let options = file.blocks[0].cache.clone().expect("a cache");
    let record = Record { name: "a.".into(), kind: "A", ttl: 30, data: "10.0.0.1".into() };
    let (mut most, reply) = (0, Reply { answers: vec![record], ..Reply::of(Rcode::NoError) });
    for n in 0..1_000_000 {
        let now = sim_core::engine::time::Instant::from_nanos(n * 1_000);
        cache.put(&options, &Question::new(format!("n{n}.example."), "A"), &mut reply.clone(), now);
        most = most.max(cache.len());
    }
    println!("1000000 names through a cache: {most} kept at most, in {:.1} s", start.elapsed().as_secs_f32());
    assert!(most <= 9_984, "the cache has grown beyond its bound");
}
