//! Every scenario in `scenarios/` holds, with its own seed and others, and prints the same each time.

use sim_tests::{input, play, scenario_files};
use sim_tui::builtin;

/// Asked for by name, as `kubewalk run NAME` does.
#[test]
fn every_scenario_holds_and_repeats_to_the_byte() {
    for (name, text) in scenario_files() {
        let known = builtin::find(name.trim_end_matches(".yaml")).unwrap_or_else(|| panic!("{name} is not built in"));
        assert_eq!((known.file, known.text), (&*name, &*text));
        let scenario = input(known.file, known.text);
        let (first, second) = (play(&scenario, None, None), play(&scenario, None, None));
        assert_eq!(first.failures, Vec::<String>::new(), "{name}");
        assert_eq!(first.transcript, second.transcript, "{name}: the same bytes");
        assert_eq!(first.digests.to_string(), second.digests.to_string(), "{name}: the same history");
        insta::assert_snapshot!(name.trim_end_matches(".yaml"), first.transcript);
    }
}

/// A sample: `examples/seeds.rs` plays 200 seeds and 50 orders.
#[test]
fn every_scenario_holds_with_other_seeds_and_orders() {
    for (name, text) in scenario_files() {
        let scenario = input(&name, &text);
        for n in 1..=20 {
            assert_eq!(play(&scenario, Some(n), None).failures, Vec::<String>::new(), "{name}, seed {n}");
        }
        for n in 1..=10 {
            assert_eq!(play(&scenario, None, Some(n)).failures, Vec::<String>::new(), "{name}, ties shuffled by {n}");
        }
    }
}
