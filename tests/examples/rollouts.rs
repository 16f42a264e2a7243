//! A rolling update under 50 requests a second, with the seeds 1 to 200: how many requests are lost without and with a readiness
//! probe and a preStop hook.
//!
//! ```sh
//! cargo run --release -p sim-tests --example rollouts
//! ```

#![allow(clippy::print_stdout)]

use std::process::ExitCode;

use sim_tests::rolling::{With, play, scenario};

const SEEDS: u64 = 200;

fn main() -> ExitCode {
    let mut as_it_should_be = true;
    println!("readiness  preStop  seeds that lose  requests lost: least   median     most   of");
    for (readiness, pre_stop) in [(false, false), (true, false), (false, true), (true, true)] {
        let scenario = scenario(With { readiness, pre_stop });
        let runs: Vec<_> = (1..=SEEDS).map(|seed| play(&scenario, seed)).collect();
        let mut lost: Vec<u64> = runs.iter().map(|requests| requests.lost).collect();
        lost.sort_unstable();
        let losing = lost.iter().filter(|n| **n > 0).count() as u64;
        let (least, median, most) = (lost[0], lost[lost.len() / 2], lost[lost.len() - 1]);
        let ended = runs[0].ended;
        println!("{readiness:<9}  {pre_stop:<7}  {losing:>3} of {SEEDS}       {least:>20}  {median:>7}  {most:>7}   {ended}");
        as_it_should_be &= match (readiness, pre_stop) {
            (false, false) => losing == SEEDS,
            (true, true) => losing == 0,
            _ => true,
        };
    }
    if as_it_should_be { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
