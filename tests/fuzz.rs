//! A sample of one in a hundred of the inputs of `examples/fuzz.rs`: none of them makes the program panic.
//!
//! How long each takes is measured there, where the program is optimised. Here the events of a line are bounded.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sim_tests::fuzzing::case;
use sim_tests::fuzzing::corpus::Corpus;
use sim_tests::fuzzing::surface::{Bench, Surface};

const SEED: u64 = 1;
const COUNT: u64 = 1_000;

#[test]
fn made_up_inputs_are_taken_or_refused() {
    let (corpus, bench) = (Corpus::of_the_repository(), Bench::new());
    for number in 0..COUNT {
        let case = case(&corpus, SEED, number);
        let ended = catch_unwind(AssertUnwindSafe(|| bench.give(case.surface, &case.bytes)));
        assert!(ended.is_ok(), "play it again: cargo run -p sim-tests --example fuzz -- --seed {SEED} --only {number}");
    }
}

#[test]
fn the_inputs_are_many_and_the_same_each_time() {
    let corpus = Corpus::of_the_repository();
    for surface in Surface::ALL {
        assert!(corpus.texts(surface).len() >= 30, "{surface:?}: {}", corpus.texts(surface).len());
    }
    let bytes = |seed| (0..60).map(|number| case(&corpus, seed, number).bytes).collect::<Vec<_>>();
    assert_eq!(bytes(1), bytes(1));
    assert_ne!(bytes(1), bytes(2));
}
