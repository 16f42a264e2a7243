//! Rolling updates under steady load, with and without what keeps them from losing requests.

use std::sync::Arc;

use sim_core::scenario::load::Input;
use sim_core::scenario::play::{Options, Player};

use crate::input;

/// The scenario in which nothing is lost.
const CLEAN: &str = include_str!("../scenarios/rolling-update-clean.yaml");
/// A run has more requests than the transcript.
const RATE: &str = "rate: 20/s";
const PROBE: &str = "        readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}\n";
const HOOK: &str = "        lifecycle: {preStop: {sleep: {seconds: 5}}}\n";

/// What the Deployment of a run has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct With {
    /// A readiness probe.
    pub readiness: bool,
    /// A preStop hook.
    pub pre_stop: bool,
}

/// How many requests of a run ended, and how many of them badly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requests {
    /// All.
    pub ended: u64,
    /// Lost.
    pub lost: u64,
}

/// The scenario of a rolling update, with or without the two fields.
pub fn scenario(with: With) -> Arc<Input> {
    assert!(CLEAN.contains(RATE), "the rate is where it is expected");
    let mut text = CLEAN.replace(RATE, "rate: 50/s");
    for (wanted, field) in [(with.readiness, PROBE), (with.pre_stop, HOOK)] {
        assert!(text.contains(field), "the field is where it is expected");
        if !wanted {
            text = text.replace(field, "");
        }
    }
    input("rolling-update.yaml", &text)
}

/// Plays it with a seed.
pub fn play(scenario: &Arc<Input>, seed: u64) -> Requests {
    let options = Options { seed: Some(seed), ..Options::default() };
    let mut player = Player::new(scenario.clone(), &options).expect("the cluster can be built");
    while player.step().is_some() {}
    let sim = player.sim();
    let load = sim.cluster().loads.get("customers").expect("the load is there");
    assert_eq!(load.open(), 0, "every request has ended");
    Requests { ended: load.tally.ended.all(), lost: load.tally.ended.bad }
}
