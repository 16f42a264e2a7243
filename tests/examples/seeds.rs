//! Every scenario with the seeds 1 to 200 and the orders of ties 1 to 50: what does not hold, and how many runs that were.
//!
//! ```sh
//! cargo run --release -p sim-tests --example seeds
//! ```

#![allow(clippy::print_stdout)]

use std::process::ExitCode;

use sim_tests::{input, play, scenario_files};

const SEEDS: u64 = 200;
const ORDERS: u64 = 50;

fn main() -> ExitCode {
    let (mut runs, mut failed) = (0, 0);
    for (name, text) in scenario_files() {
        let scenario = input(&name, &text);
        let seeds = (1..=SEEDS).map(|n| (Some(n), None));
        let orders = (1..=ORDERS).map(|n| (None, Some(n)));
        for (seed, order) in seeds.chain(orders) {
            runs += 1;
            for failure in play(&scenario, seed, order).failures {
                failed += 1;
                println!("{name}, seed {seed:?}, ties {order:?}: {failure}");
            }
        }
    }
    println!("{runs} runs: {failed} expectations did not hold");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
