//! What of an input the cluster has taken, and what it has refused.
//!
//! In a real cluster this is the user, who reads what `kubectl apply -f FOLDER` printed and counts. Steps are played by
//! [`super::play`]; here it is kept which objects they could not apply, so that no refusal is lost among other lines.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::diagnostic::Diagnostic;
use super::format::{Action, Apply, Step};
use super::inline::Inline;
use super::load::Input;
use super::manifests::{self, Manifest};
use super::play::{self, Played, Player};
use super::refused::{self, identity};
use super::report::Report;
use crate::yaml::{Path, Profile, read};

/// The objects of an input that were refused so far.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// Positions in [`Input::manifests`]; only for plain manifests.
    refused: BTreeSet<usize>,
    diagnostics: Vec<Diagnostic>,
}

impl Taken {
    /// Takes in a step that was played. A refusal that the step expects is none.
    pub fn note(&mut self, input: &Input, played: &Played) {
        let index = played.number - 1;
        let Some(step) = input.scenario.spec.steps.get(index) else { return };
        let Action::Apply(apply) = step.action() else { return };
        if played.outcome.exit == 0 || played.failures.is_empty() {
            return;
        }
        let Some(pools) = refused::pools(&input.scenario) else { return };
        let stderr = &played.outcome.stderr;
        if input.report.is_some() {
            let Some(manifest) = input.manifests.get(index) else { return };
            self.refused.insert(index);
            self.diagnostics.extend(refused::refused(manifest, &pools, stderr));
            return;
        }
        let mut found: Vec<Diagnostic> = match source(input, index, apply) {
            Applied::Document(manifest) => return self.diagnostics.extend(refused::refused(manifest, &pools, stderr)),
            Applied::Inline(inline, manifests) => {
                let all = manifests.iter().flat_map(|manifest| refused::foreseen(manifest, &pools));
                all.map(|diagnostic| inline.placed(&input.file, diagnostic)).collect()
            }
            Applied::File => Vec::new(),
        };
        let untold: Vec<String> = untold(stderr, &found).into_iter().map(refused::words).collect();
        found.extend(untold.into_iter().filter_map(|words| input.step_complaint(index, "apply", words)));
        self.diagnostics.extend(found);
    }

    /// The complaints since this was last asked for.
    pub fn complaints(&mut self) -> Vec<Diagnostic> {
        std::mem::take(&mut self.diagnostics)
    }

    /// How many of plain manifests were refused.
    pub fn refused(&self) -> usize {
        self.refused.len()
    }

    /// For plain manifests: what was taken and what was not.
    pub fn report(&self, input: &Input) -> Option<Report> {
        let mut report = input.report.clone()?;
        for manifest in self.refused.iter().filter_map(|index| input.manifests.get(*index)) {
            report.refuse(manifest);
        }
        Some(report)
    }
}

/// What kubectl printed about objects that no complaint is about yet. Of several refusals it prints one a line.
fn untold<'a>(stderr: &'a str, found: &[Diagnostic]) -> Vec<&'a str> {
    let lines: Vec<&str> = stderr.lines().filter(|line| line.starts_with("Error from server")).collect();
    match (lines.len(), found) {
        (0 | 1, []) => vec![stderr],
        (0 | 1, _) => Vec::new(),
        _ => lines.into_iter().filter(|line| !found.iter().any(|diagnostic| line.contains(&diagnostic.message))).collect(),
    }
}

/// What a step applies.
enum Applied<'a> {
    Document(&'a Manifest),
    Inline(Inline, Vec<Manifest>),
    /// A file beside the scenario: kubectl's words name it.
    File,
}

fn source<'a>(input: &'a Input, index: usize, apply: &Apply) -> Applied<'a> {
    match apply {
        Apply::Inline(text) => {
            let path = Path::root().field("spec").field("steps").index(index).field("apply");
            let range = input.script_range(&path).unwrap_or_default();
            let inline = Inline::of(input.sources.text(&input.file).unwrap_or_default(), range, text);
            let documents = read(text, Profile::Kube).unwrap_or_default();
            Applied::Inline(inline, manifests::collect(&input.file, documents, &mut Vec::new()))
        }
        Apply::From(from) => match from.doc.as_ref().and_then(|doc| input.document(doc)) {
            Some(manifest) => Applied::Document(manifest),
            None => Applied::File,
        },
    }
}

/// Applies plain manifests to a cluster of their own, as `run` and `sh` do, and tells what became of them.
pub fn rehearse(input: &Arc<Input>) -> Result<Taken, String> {
    let mut player = Player::new(input.clone(), &play::Options::default())?;
    let mut taken = Taken::default();
    while player.next_applies_or(false) {
        let Some(played) = player.step() else { break };
        taken.note(input, &played);
    }
    Ok(taken)
}

/// What the server will refuse of a scenario's manifests, as far as they decide it by themselves: a step applies one, nothing of
/// its name can be there before, and the step does not expect a refusal.
pub fn foresee(input: &Input) -> Vec<Diagnostic> {
    let Some(pools) = refused::pools(&input.scenario) else { return Vec::new() };
    let mut seen: BTreeSet<(String, String, String)> = input.scenario.spec.objects.iter().map(|o| identity(&o.0)).collect();
    if input.scenario.spec.objects_from.is_some() {
        seen.extend(input.manifests.iter().map(|m| identity(&m.value)));
    }
    let (mut complaints, mut lines) = (Vec::new(), String::new());
    for (index, step) in input.scenario.spec.steps.iter().enumerate() {
        if let Action::Run(line) = step.action() {
            lines.push_str(line);
        }
        let Action::Apply(apply) = step.action() else { continue };
        let expected = fails_as_expected(step);
        let mut judge = |manifest: &Manifest| {
            let name = manifest.name();
            let may_be_there = !seen.insert(identity(&manifest.value)) || !name.is_empty() && lines.contains(name);
            if expected || may_be_there { Vec::new() } else { refused::foreseen(manifest, &pools) }
        };
        match source(input, index, apply) {
            Applied::Document(manifest) => complaints.extend(judge(manifest)),
            Applied::Inline(inline, manifests) => {
                let found = manifests.iter().flat_map(&mut judge);
                complaints.extend(found.map(|diagnostic| inline.placed(&input.file, diagnostic)));
            }
            Applied::File => {}
        }
    }
    complaints
}

/// Whether a step's expectation lets its command fail.
fn fails_as_expected(step: &Step) -> bool {
    step.expect.as_ref().is_some_and(|expectation| expectation.exit != Some(0))
}
