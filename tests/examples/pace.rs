//! How long each scenario takes to play, in wall time: the fastest and the middle one of several runs, from the loaded file to the
//! checked end.
//!
//! ```sh
//! cargo run --release -p sim-tests --example pace [NAME...]
//! ```

// The wall clock is the instrument of this measurement.
#![allow(clippy::disallowed_methods, clippy::print_stdout)]

use std::time::Instant;

use sim_tests::{input, play, scenario_files};

/// Runs of each scenario.
const RUNS: usize = 21;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    println!("{:<22} {:>10} {:>10}", "scenario", "fastest ms", "middle ms");
    for (file, text) in scenario_files() {
        let name = file.trim_end_matches(".yaml");
        if !wanted.is_empty() && !wanted.iter().any(|w| w == name) {
            continue;
        }
        let scenario = input(&file, &text);
        let mut micros: Vec<u128> = (0..RUNS)
            .map(|_| {
                let start = Instant::now();
                let played = play(&scenario, None, None);
                assert!(played.failures.is_empty(), "{name}: {:?}", played.failures);
                start.elapsed().as_micros()
            })
            .collect();
        micros.sort_unstable();
        let shown = |us: u128| format!("{}.{}", us / 1_000, us % 1_000 / 100);
        println!("{name:<22} {:>10} {:>10}", shown(micros[0]), shown(micros[RUNS / 2]));
    }
}
