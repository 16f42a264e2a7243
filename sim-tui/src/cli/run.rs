//! `kubewalk run`: plays every step, prints a transcript, checks every expectation.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use sim_core::render::transcript;
use sim_core::scenario::load::Input;
use sim_core::scenario::play::{Options, Player};
use sim_core::scenario::save;
use sim_core::scenario::ties::{self, TieFinding, Verdict};

use super::{Common, FAILED, Format, UNUSABLE, complain, input, print, stats};
use crate::draw::escape::for_stream;

/// Plays an input.
pub fn run(name: &str, saved: Option<&str>, common: &Common) -> u8 {
    let loaded = match input::load(name, common) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    if let Err(code) = save_as(saved, &loaded) {
        return code;
    }
    report(&loaded, common);
    let options = input::play_options(common, input::folder_of(name));
    let mut player = match Player::new(loaded.clone(), &options) {
        Ok(player) => player,
        Err(why) => {
            complain(&format!("kubewalk: {name}: {why}"));
            return UNUSABLE;
        }
    };
    let Some(verdicts) = play(&mut player, common) else { return 0 };
    let findings = match options.shuffle_ties.map(|seed| depends_on_ties(&loaded, &options, seed, &verdicts)) {
        None => Vec::new(),
        Some(Ok(findings)) => findings,
        Some(Err(why)) => {
            complain(&format!("kubewalk: {name}: {why}"));
            return UNUSABLE;
        }
    };
    let failed = verdicts.iter().filter(|verdict| !verdict.failures.is_empty()).count();
    let elapsed = player.sim.engine().now();
    let assumptions = player.sim.assumptions();
    let last = match common.output {
        Format::Json => format!("{}\n", transcript::summary_json(verdicts.len(), failed, elapsed, &assumptions, &findings)),
        Format::Text => {
            let found: String = findings.iter().map(transcript::finding).collect();
            let assumed: String = assumptions.iter().map(|a| format!("assumed: {a}\n")).collect();
            format!("{found}{}{assumed}", transcript::summary(verdicts.len(), failed, elapsed))
        }
    };
    print(&last);
    if common.stats {
        complain(stats::text(&player.sim.engine().counts(), elapsed).trim_end());
    }
    // The process ends here: taking a large cluster apart, object by object, would take longer than the system needs.
    std::mem::forget(player);
    let assumed = common.no_assumptions && !assumptions.is_empty();
    if failed > 0 || !findings.is_empty() || assumed { FAILED } else { 0 }
}

/// Plays all steps and prints each; none if nobody reads our output any more.
fn play(player: &mut Player, common: &Common) -> Option<Vec<Verdict>> {
    let mut verdicts = Vec::new();
    let mut out = std::io::stdout().lock();
    while let Some(played) = player.step() {
        verdicts.push(Verdict::of(&played));
        let text = match common.output {
            Format::Text => transcript::step(&played),
            Format::Json => format!("{}\n", transcript::step_json(&played)),
        };
        out.write_all(for_stream(&text, out.is_terminal()).as_bytes()).ok()?;
    }
    Some(verdicts)
}

/// Plays the scenario once more as scheduled, and compares what held.
fn depends_on_ties(
    input: &Arc<Input>,
    options: &Options,
    shuffle_ties: u64,
    shuffled: &[Verdict],
) -> Result<Vec<TieFinding>, String> {
    let mut player = Player::new(input.clone(), &Options { shuffle_ties: None, ..options.clone() })?;
    let scheduled: Vec<Verdict> = std::iter::from_fn(|| player.step()).map(|played| Verdict::of(&played)).collect();
    Ok(ties::compare(&scheduled, shuffled, shuffle_ties))
}

/// For plain manifests: what was taken, and what was assumed.
pub fn report(input: &Input, common: &Common) {
    if let Some(report) = &input.report
        && common.output == Format::Text
    {
        complain(report.text().trim_end());
    }
}

/// Writes plain manifests as a scenario, if asked to.
pub fn save_as(file: Option<&str>, input: &Input) -> Result<(), u8> {
    let Some(file) = file else { return Ok(()) };
    std::fs::write(file, save::to_text(&input.scenario, &input.manifests)).map_err(|e| {
        complain(&format!("kubewalk: {file}: {e}"));
        UNUSABLE
    })
}
