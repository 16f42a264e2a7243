//! Helpers of the black-box tests: the one place that knows the public API.

pub mod branching;
pub mod fuzzing;
pub mod naive;
pub mod rolling;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use sim_core::engine::run::Digests;
use sim_core::explain::Reason;
use sim_core::kubelet::images::ImageTable;
use sim_core::render::transcript;
use sim_core::scenario::load::{File, Input, Options, load};
use sim_core::scenario::play::{self, Player};

/// Name and text of every file in `scenarios/`.
pub fn scenario_files() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let entries = fs::read_dir(folder).expect("the folder is there").filter_map(Result::ok);
    let scenarios = entries.filter(|e| e.path().extension().is_some_and(|x| x == "yaml"));
    let mut files: Vec<(String, String)> = scenarios
        .map(|e| (e.file_name().to_string_lossy().into_owned(), fs::read_to_string(e.path()).expect("it can be read")))
        .collect();
    files.sort();
    assert!(files.len() >= 2, "the scenarios are found");
    files
}

/// What playing a scenario came to.
pub struct Played {
    /// The transcript, as `kubewalk run` prints it.
    pub transcript: String,
    /// What did not hold: step number and text.
    pub failures: Vec<String>,
    /// Both digests at the end.
    pub digests: Digests,
}

/// Loads a scenario or manifests; panics with the complaints if it cannot be used.
pub fn input(name: &str, text: &str) -> Arc<Input> {
    let is_modelled = |image: &str| !ImageTable::default().behaviour(image).guessed;
    let options = Options { set: &[], is_modelled };
    match load(File { name, bytes: text.as_bytes() }, &options) {
        Ok(input) => Arc::new(input),
        Err(refused) => panic!("{name}: {:?}", refused.diagnostics),
    }
}

/// The reasons that the `trace` steps of a scenario give: code and sentence. Also those whose code a command prints alone on a line.
pub fn reasons(input: &Arc<Input>) -> Vec<(String, String)> {
    let mut player = Player::new(input.clone(), &play::Options::default()).expect("the cluster can be built");
    let mut given = Vec::new();
    while let Some(played) = player.step() {
        let printed = played.outcome.stdout.clone();
        given.extend(printed.lines().filter(|l| Reason::CODES.contains(l)).map(|code| (code.to_string(), printed.clone())));
        let trace = played.trace.unwrap_or_default();
        for hop in ["hops", "return_hops"].iter().flat_map(|key| trace[*key].as_array().cloned().unwrap_or_default()) {
            let text = |key: &str| hop["reason"][key].as_str().unwrap_or_default().to_string();
            given.push((text("code"), text("text")));
        }
    }
    given
}

/// Plays all steps.
pub fn play(input: &Arc<Input>, seed: Option<u64>, shuffle_ties: Option<u64>) -> Played {
    let options = play::Options { seed, shuffle_ties, host_files: None };
    let mut player = Player::new(input.clone(), &options).expect("the cluster can be built");
    let (mut transcript, mut failures, mut steps) = (String::new(), Vec::new(), 0);
    while let Some(played) = player.step() {
        steps += 1;
        transcript.push_str(&transcript::step(&played));
        failures.extend(played.failures.iter().map(|f| format!("step {}: {f}", played.number)));
    }
    let failed = failures.len();
    transcript.push_str(&transcript::summary(steps, failed, player.sim().engine().now()));
    Played { transcript, failures, digests: player.sim().digests() }
}

/// Runs console lines on a scenario; each with its output, as a person would see it.
pub fn console(input: &Arc<Input>, lines: &[&str]) -> Vec<sim_core::console::host::Outcome> {
    let mut player = Player::new(input.clone(), &play::Options::default()).expect("the cluster can be built");
    lines.iter().map(|line| player.session.run(line)).collect()
}
