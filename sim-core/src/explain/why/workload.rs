//! Deployments and ReplicaSets: how far they are, and which pods hold them up.

use std::sync::Arc;

use super::{Finding, Found, Ground, Verdict, pod};
use crate::explain::because::count;
use crate::objects::condition;
use crate::objects::pod::Pod;
use crate::objects::workload::{Deployment, ReplicaSet};

/// Pods that are looked into.
const PODS_MAX: usize = 3;

/// Why a Deployment is as it is.
pub(super) fn deployment(ground: &Ground<'_>, deployment: &Deployment) -> Found {
    let status = &deployment.status;
    let mut findings = Vec::new();
    if deployment.meta.generation.is_some_and(|g| g > status.observed) {
        let text = "the deployment controller has not looked at the newest spec yet";
        findings.push(Finding::new(
            "not-observed",
            text,
            "let time pass: `advance 1s`; or the controller does not run in this cluster",
        ));
    }
    if deployment.paused {
        findings.push(Finding::new(
            "paused",
            "spec.paused: changes of the template are not rolled out",
            "kubectl rollout resume",
        ));
    }
    for kind in ["ReplicaFailure", "Progressing"] {
        let bad = if kind == "Progressing" { "False" } else { "True" };
        let found = condition::find(&status.conditions, kind).filter(|c| &*c.status == bad && &*c.reason != "DeploymentPaused");
        if let Some(condition) = found {
            let text = format!("{}: {}", condition.reason, condition.message);
            findings.push(Finding::new(
                "condition",
                text,
                "repair what holds the new pods up; then the rollout goes on by itself",
            ));
        }
    }
    let owned = |set: &&Arc<ReplicaSet>| set.meta.owners.iter().any(|o| Some(&o.uid) == deployment.meta.uid.as_ref());
    let sets: Vec<&Arc<ReplicaSet>> = ground.view.replica_sets.in_namespace(&deployment.meta.namespace).filter(owned).collect();
    for set in &sets {
        findings.extend(pods(ground, set));
    }
    findings.truncate(8);
    let old = status.replicas - status.updated;
    let verdict = match (status.available, deployment.replicas, old) {
        (a, wanted, 0) if a >= wanted => Verdict::is(format!("complete: {a} of {} available", count_of(wanted))),
        (a, wanted, 0) => Verdict::has(format!("{a} of {} available", count_of(wanted))),
        (a, wanted, old) => {
            Verdict::is(format!("in a rollout: {a} of {} available, {old} still of an old template", count_of(wanted)))
        }
    };
    (verdict, findings)
}

/// Why a ReplicaSet is as it is.
pub(super) fn replica_set(ground: &Ground<'_>, set: &Arc<ReplicaSet>) -> Found {
    let mut findings = Vec::new();
    if let Some(failure) = condition::find(&set.status.conditions, "ReplicaFailure").filter(|c| c.is_true()) {
        let text = format!("{}: {}", failure.reason, failure.message);
        findings.push(Finding::new("condition", text, "change what the API server refuses"));
    }
    findings.extend(pods(ground, set));
    (Verdict::has(format!("{} of {} ready", set.status.ready, count_of(set.replicas))), findings)
}

fn count_of(n: i64) -> String {
    count(usize::try_from(n).unwrap_or_default(), "pod")
}

/// The first pods of a set that are not ready, each with its nearest cause.
fn pods(ground: &Ground<'_>, set: &ReplicaSet) -> Vec<Finding> {
    let Some(uid) = &set.meta.uid else { return Vec::new() };
    let mut waiting: Vec<&Arc<Pod>> =
        ground.view.pods_owned(uid).map(|(_, p)| p).filter(|p| !p.ready() && !p.finished()).collect();
    waiting.sort_by_key(|p| p.meta.name.clone());
    let one = |pod: &&Arc<Pod>| {
        let (verdict, findings) = pod::why(ground, pod);
        let first = findings.into_iter().next();
        let text = format!("pod {} {}", pod.meta.name, verdict.phrase());
        let detail = first.as_ref().map(|f| f.text.clone());
        let way_out = first.map_or_else(|| "let time pass".to_string(), |f| f.way_out);
        Finding::new("pod", text, way_out).with(detail.into_iter().collect())
    };
    let mut findings: Vec<Finding> = waiting.iter().take(PODS_MAX).map(one).collect();
    if let Some(last) = findings.last_mut() {
        last.details.extend(super::more(waiting.len(), PODS_MAX).map(|more| format!("{more} of replica set {}", set.meta.name)));
    }
    findings
}
