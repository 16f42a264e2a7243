//! `kubewalk lint`: checks scenario files and manifests without running them.
//!
//! What can be judged before playing is judged by the code that plays: plain manifests are applied to a cluster of their own, as
//! `run` would; of a scenario's manifests the API server's rules are asked.

use std::path::Path;
use std::sync::Arc;

use sim_core::scenario::Input;
use sim_core::scenario::format::{Action, Apply};
use sim_core::scenario::taken;

use super::host::HostFolder;
use super::{Common, FAILED, Format, UNUSABLE, complain, input, print};

/// Checks each file; exit 2 if one of them cannot be used, 1 if something in one would be refused.
pub fn lint(files: &[String], common: &Common) -> u8 {
    files.iter().map(|file| one(file, common)).max().unwrap_or(0)
}

fn one(file: &str, common: &Common) -> u8 {
    let loaded = match input::load(file, common) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    let (refused, verdict) = match judged(file, &loaded, common) {
        Ok(judged) => judged,
        Err(why) => {
            complain(&format!("kubewalk: {file}: {why}"));
            return UNUSABLE;
        }
    };
    let printed = if common.output == Format::Text { print(&format!("{file}: {verdict}\n")) } else { 0 };
    if refused > 0 { FAILED } else { printed }
}

/// How many objects would be refused, and the line that says so. The complaints have been printed.
fn judged(file: &str, loaded: &Arc<Input>, common: &Common) -> Result<(usize, String), String> {
    let documents = loaded.manifests.len();
    if loaded.report.is_some() {
        let mut taken = taken::rehearse(loaded)?;
        input::show_all(&taken.complaints(), &loaded.sources, common);
        let refused = taken.refused();
        let verdict =
            if refused == 0 { format!("ok, {documents} objects") } else { format!("{refused} of {documents} objects refused") };
        return Ok((refused, verdict));
    }
    let complaints = taken::foresee(loaded);
    input::show_all(&complaints, &loaded.sources, common);
    let absent = absent_files(file, loaded, common);
    let steps = loaded.scenario.spec.steps.len();
    let verdict = match complaints.len() + absent {
        0 => format!("ok, {steps} steps, {documents} documents"),
        1 => "1 step would fail".to_string(),
        several => format!("{several} things would fail"),
    };
    Ok((complaints.len() + absent, verdict))
}

/// How many files that steps apply cannot be read.
fn absent_files(file: &str, loaded: &Input, common: &Common) -> usize {
    if common.no_host_files {
        return 0;
    }
    let folder = HostFolder::of_scenario(input::folder_of(file), &common.host_files).shared();
    let mut absent = 0;
    for (index, step) in loaded.scenario.spec.steps.iter().enumerate() {
        let (Action::Apply(Apply::From(from)), None) = (step.action(), &step.expect) else { continue };
        let Some(path) = from.file.as_deref().filter(|path| !Path::new(path).is_absolute()) else { continue };
        let why = match folder.read(path) {
            Some(Ok(_)) => continue,
            Some(Err(_)) if folder.list(path).is_some() => continue,
            Some(Err(refused)) => refused.0,
            None => "no such file beside the scenario".to_string(),
        };
        let complaint = loaded.step_complaint(index, "apply", format!("{path}: {why}"));
        input::show_all(complaint.as_slice(), &loaded.sources, common);
        absent += 1;
    }
    absent
}
