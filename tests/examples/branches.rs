//! Back and forth in time, with branches: every moment that is visited twice has the digests it had.
//!
//! ```sh
//! cargo run --release -p sim-tests --example branches            # 10,000 moves
//! cargo run --release -p sim-tests --example branches -- 500 3   # so many, with another seed
//! ```

#![allow(clippy::print_stdout)]

use sim_tests::branching::back_and_forth;

fn main() {
    let mut numbers = std::env::args().skip(1).map(|word| word.parse::<u64>().expect("a number"));
    let (rounds, seed) = (numbers.next().unwrap_or(10_000), numbers.next().unwrap_or(1));
    let again = back_and_forth(rounds, seed);
    println!("{rounds} moves of seed {seed}: {again} moments visited again, each with the digests it had");
}
