//! `kubewalk run`: plays every step, prints a transcript, checks every expectation.

use std::io::Write;

use sim_core::engine::time::Instant;
use sim_core::render::transcript;
use sim_core::scenario::load::Input;
use sim_core::scenario::play::Player;
use sim_core::scenario::save;

use super::{Common, FAILED, Format, UNUSABLE, complain, input, stats};

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
    let (mut steps, mut failed) = (0, 0);
    let mut out = std::io::stdout().lock();
    while let Some(played) = player.step() {
        steps += 1;
        failed += usize::from(!played.failures.is_empty());
        let text = match common.output {
            Format::Text => transcript::step(&played),
            Format::Json => format!("{}\n", transcript::step_json(&played)),
        };
        // A reader that has gone away ends the run quietly.
        if out.write_all(text.as_bytes()).is_err() {
            return 0;
        }
    }
    let elapsed = player.sim.engine().now();
    let assumptions = player.sim.cluster().assumptions();
    let _ = out.write_all(summary(common, steps, failed, elapsed, &assumptions).as_bytes());
    if common.stats {
        complain(stats::text(&player.sim.engine().counts(), elapsed).trim_end());
    }
    let assumed = common.no_assumptions && !assumptions.is_empty();
    if failed > 0 || assumed { FAILED } else { 0 }
}

fn summary(common: &Common, steps: usize, failed: usize, elapsed: Instant, assumptions: &[String]) -> String {
    match common.output {
        Format::Json => format!("{}\n", transcript::summary_json(steps, failed, elapsed, assumptions)),
        Format::Text => {
            let lines: String = assumptions.iter().map(|a| format!("assumed: {a}\n")).collect();
            format!("{}{lines}", transcript::summary(steps, failed, elapsed))
        }
    }
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
