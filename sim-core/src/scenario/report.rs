//! What was taken from plain manifests, and what had to be assumed: the two or three lines a user sees first.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::manifests::Manifest;
use crate::api::kinds::{Class, Served, served};

/// What a kind means to the simulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Some box acts on it.
    Simulated,
    /// Validated and kept; nothing acts on it.
    Inert,
    /// Not known; kept whole.
    Unknown,
    /// The API server did not take it.
    Refused,
}

/// How this server stands to a kind.
pub fn standing(api_version: &str, kind: &str) -> Standing {
    match served(api_version, kind) {
        Served::Known(row) if row.class == Class::Simulated => Standing::Simulated,
        Served::Known(_) => Standing::Inert,
        Served::NoMatch | Served::Foreign(_) => Standing::Unknown,
    }
}

/// Most images that the report names.
const IMAGES_NAMED_MAX: usize = 5;

/// What was taken from plain manifests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Objects by standing and kind.
    pub objects: BTreeMap<Standing, BTreeMap<String, usize>>,
    /// What was assumed, each with how to change it.
    pub assumptions: Vec<Assumption>,
}

/// Something the simulator had to guess.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assumption {
    /// What.
    pub what: String,
    /// How to say otherwise.
    pub change: String,
}

impl Report {
    /// Counts manifests. `classify` says how the simulator stands to a kind, `is_modelled` whether an image has a built-in model.
    pub fn of(manifests: &[Manifest], classify: impl Fn(&str, &str) -> Standing, is_modelled: impl Fn(&str) -> bool) -> Report {
        let mut report = Report::default();
        let mut images = BTreeSet::new();
        let mut balancers = false;
        for manifest in manifests {
            let standing = classify(manifest.api_version(), manifest.kind());
            *report.objects.entry(standing).or_default().entry(manifest.kind().to_string()).or_default() += 1;
            collect_images(&manifest.value, &mut images);
            balancers |= manifest.value.pointer("/spec/type").is_some_and(|t| t == "LoadBalancer");
        }
        report.assume("3 nodes of 4 CPUs and 16 GiB, Kubernetes 1.32", "--set spec.cluster.nodes=5");
        report.assume(
            "a network plugin that connects all pods and enforces NetworkPolicies (not all do)",
            "nothing to set: without policies nothing is refused",
        );
        if balancers {
            report.assume("no cloud: load balancers stay <pending>", "--set spec.cluster.cloud.provider=generic");
        }
        let guessed: Vec<&str> = images.iter().map(String::as_str).filter(|image| !is_modelled(image)).collect();
        if !guessed.is_empty() {
            let named = guessed.iter().take(IMAGES_NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
            let more = match guessed.len().saturating_sub(IMAGES_NAMED_MAX) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let what = format!("images that listen on their declared ports and pass their probes: {named}{more}");
            report.assume(what, format!("--set 'spec.images[\"{}\"]={{listen: [{{port: 80}}]}}'", guessed[0]));
        }
        report
    }

    /// Counts a manifest as refused.
    pub fn refuse(&mut self, manifest: &Manifest) {
        let kinds = self.objects.entry(standing(manifest.api_version(), manifest.kind())).or_default();
        if let Some(count) = kinds.get_mut(manifest.kind()) {
            *count -= 1;
        }
        kinds.retain(|_, count| *count > 0);
        *self.objects.entry(Standing::Refused).or_default().entry(manifest.kind().to_string()).or_default() += 1;
        self.objects.retain(|_, kinds| !kinds.is_empty());
    }

    fn assume(&mut self, what: impl Into<String>, change: impl Into<String>) {
        self.assumptions.push(Assumption { what: what.into(), change: change.into() });
    }

    /// The report in lines.
    pub fn text(&self) -> String {
        let list = |standing: Standing| {
            let kinds = self.objects.get(&standing)?;
            let parts: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
            Some(parts.join(", "))
        };
        let objects = [
            list(Standing::Simulated).map(|l| format!("simulated: {l}")),
            list(Standing::Inert).map(|l| format!("kept, nothing acts on them: {l}")),
            list(Standing::Unknown).map(|l| format!("of unknown kind, kept whole: {l}")),
            list(Standing::Refused).map(|l| format!("refused: {l}")),
        ];
        let mut text = objects.into_iter().flatten().collect::<Vec<_>>().join("; ");
        text.push('\n');
        for Assumption { what, change } in &self.assumptions {
            text.push_str(&format!("assumed: {what} (change: {change})\n"));
        }
        text
    }
}

/// Values of `image` fields of containers, wherever a pod template stands.
fn collect_images(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                if key == "containers" || key == "initContainers" {
                    let images = inner.as_array().into_iter().flatten().filter_map(|c| c.get("image")?.as_str());
                    into.extend(images.map(str::to_string));
                } else {
                    collect_images(inner, into);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_images(item, into)),
        _ => {}
    }
}
