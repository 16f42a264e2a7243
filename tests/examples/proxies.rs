//! kube-proxy beside the naive one, over 1,000,000 made-up packets in 25,000 made-up clusters, in all three modes.
//!
//! ```sh
//! cargo run --release -p sim-tests --example proxies                      # all of them
//! cargo run --release -p sim-tests --example proxies -- --seed 7          # others
//! cargo run --release -p sim-tests --example proxies -- --only 93         # one cluster again
//! ```
//!
//! Prints how often each kind of answer was given, and for each difference the smallest cluster that shows it. Exit 1 if there
//! was one.

#![allow(clippy::disallowed_methods, clippy::print_stdout)]

use std::process::ExitCode;
use std::time::Instant;

use sim_tests::naive::compare::{Counts, compare, report};
use sim_tests::naive::worlds::{PACKETS, World};

/// After so many there is enough to read.
const DIFFERENCES_MAX: u64 = 10;

fn main() -> ExitCode {
    let (mut seed, mut count, mut only) = (1, 1_000_000, None);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || words.next().and_then(|n| n.parse::<u64>().ok()).unwrap_or_else(|| panic!("{word} wants a number"));
        match word.as_str() {
            "--seed" => seed = number(),
            "--count" => count = number(),
            "--only" => only = Some(number()),
            _ => panic!("{word} is not known; there are --seed N, --count N, --only N"),
        }
    }
    let began = Instant::now();
    let (mut counts, mut found) = (Counts::default(), 0);
    let worlds = only.map_or(0..count.div_ceil(PACKETS as u64), |number| number..number + 1);
    for number in worlds.clone() {
        let world = World::of(seed, number);
        if let Some(difference) = compare(&world, &mut counts) {
            println!("{}", report(seed, number, &world, &difference));
            found += 1;
            if found == DIFFERENCES_MAX {
                break;
            }
        }
    }
    print!("{}", counts.table());
    let packets = (worlds.end - worlds.start) * PACKETS as u64;
    println!("{packets} packets of seed {seed}: {found} differences, {:.0?}", began.elapsed());
    if found == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
