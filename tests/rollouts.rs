//! A rolling update loses requests without readiness probe and preStop hook, and none with both. `examples/rollouts.rs` plays more
//! seeds.

use sim_tests::rolling::{With, play, scenario};

const SEEDS: u64 = 3;

#[test]
fn both_fields_together_lose_nothing_and_without_them_requests_are_lost() {
    let run = |readiness, pre_stop| {
        let scenario = scenario(With { readiness, pre_stop });
        (1..=SEEDS).map(|seed| (seed, play(&scenario, seed))).collect::<Vec<_>>()
    };
    for (seed, requests) in run(true, true) {
        assert_eq!((requests.ended, requests.lost), (4_500, 0), "seed {seed}");
    }
    for (seed, requests) in run(false, false) {
        assert!(requests.ended == 4_500 && requests.lost > 0, "seed {seed}: {requests:?}");
    }
}
