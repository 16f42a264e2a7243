//! `kubewalk run`: plays every step, prints a transcript, checks every expectation.

use std::sync::Arc;

use sim_core::render::{assumption, transcript};
use sim_core::scenario::load::Input;
use sim_core::scenario::play::{Options, Played, Player};
use sim_core::scenario::save::of_input;
use sim_core::scenario::taken::Taken;
use sim_core::scenario::ties::{self, TieFinding, Verdict};

use super::out::Out;
use super::save::{self, Saving};
use super::{Common, FAILED, Format, UNUSABLE, complain, input, stats};

/// Plays an input.
pub fn run(name: &str, saving: Saving<'_>, common: &Common) -> u8 {
    let loaded = match input::load(name, common) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    if let Err(code) = save::save(saving, Some(name), || of_input(&loaded)) {
        return code;
    }
    let options = input::play_options(common, input::folder_of(name));
    let mut player = match Player::new(loaded.clone(), &options) {
        Ok(player) => player,
        Err(why) => {
            complain(&format!("kubewalk: {name}: {why}"));
            return UNUSABLE;
        }
    };
    let mut out = if saving.is_standard_output() { Out::beside() } else { Out::default() };
    let verdicts = play(&mut player, &mut out, common);
    let findings = match options.shuffle_ties.map(|seed| depends_on_ties(&loaded, &options, seed, &verdicts)) {
        None => Vec::new(),
        Some(Ok(findings)) => findings,
        Some(Err(why)) => {
            complain(&format!("kubewalk: {name}: {why}"));
            return UNUSABLE;
        }
    };
    let failed = verdicts.iter().filter(|verdict| !verdict.failures.is_empty()).count();
    let elapsed = player.sim().engine().now();
    let assumptions = assumption::sentences(&player.sim().assumptions());
    out.write(&match common.output {
        Format::Json => format!("{}\n", transcript::summary_json(verdicts.len(), failed, elapsed, &assumptions, &findings)),
        Format::Text => {
            let found: String = findings.iter().map(transcript::finding).collect();
            let assumed: String = assumptions.iter().map(|a| format!("assumed: {a}\n")).collect();
            format!("{found}{}{assumed}", transcript::summary(verdicts.len(), failed, elapsed))
        }
    });
    if common.stats {
        complain(stats::text(&player.sim().engine().counts(), elapsed).trim_end());
    }
    // The process ends here: taking a large cluster apart, object by object, would take longer than the system needs.
    std::mem::forget(player);
    let assumed = common.no_assumptions && !assumptions.is_empty();
    out.status(if failed > 0 || !findings.is_empty() || assumed { FAILED } else { 0 })
}

/// Plays all steps and prints each. Objects that are refused are told beside the transcript.
fn play(player: &mut Player, out: &mut Out, common: &Common) -> Vec<Verdict> {
    let (mut verdicts, mut taken) = (Vec::new(), Taken::default());
    let mut told = false;
    loop {
        // Plain manifests are applied first; what was taken of them is known when that is done.
        if !told && !player.next_applies_or(false) {
            told = true;
            report(&taken, player.input(), common);
        }
        let Some(played) = player.step() else { return verdicts };
        verdicts.push(Verdict::of(&played));
        out.write(&match common.output {
            Format::Text => transcript::step(&played),
            Format::Json => format!("{}\n", transcript::step_json(&played)),
        });
        refusals(&mut taken, player, &played, common);
    }
}

/// Tells on standard error which objects a step could not apply. True if there are any.
pub fn refusals(taken: &mut Taken, player: &Player, played: &Played, common: &Common) -> bool {
    taken.note(player.input(), played);
    let complaints = taken.complaints();
    input::show_all(&complaints, &player.input().sources, common);
    !complaints.is_empty()
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
pub fn report(taken: &Taken, input: &Input, common: &Common) {
    if let Some(report) = taken.report(input)
        && common.output == Format::Text
    {
        complain(report.text().trim_end());
    }
}
