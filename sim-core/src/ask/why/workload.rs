//! Deployments and ReplicaSets: how far they are, and which pods hold them up.

use std::sync::Arc;

use super::finding::{Detail, Finding, Found, Standing};
use super::{Judged, more, pod};
use crate::ask::moment::Moment;
use crate::objects::condition;
use crate::objects::pod::Pod;
use crate::objects::workload::{Deployment, ReplicaSet};

/// Pods that are looked into.
const PODS_MAX: usize = 3;
/// Findings about one Deployment.
const FINDINGS_MAX: usize = 8;

/// Why a Deployment is as it is.
pub(super) fn deployment(moment: &Moment<'_>, deployment: &Deployment) -> Judged {
    let status = &deployment.status;
    let mut findings = Vec::new();
    if deployment.meta.generation.is_some_and(|g| g > status.observed) {
        findings.push(Found::new(Finding::NotObserved));
    }
    if deployment.paused {
        findings.push(Found::new(Finding::Paused));
    }
    for (kind, bad) in [("ReplicaFailure", "True"), ("Progressing", "False")] {
        let found = condition::find(&status.conditions, kind).filter(|c| &*c.status == bad && &*c.reason != "DeploymentPaused");
        findings.extend(found.map(|c| Found::new(of_condition(c, true))));
    }
    let owned = |set: &&Arc<ReplicaSet>| set.meta.owners.iter().any(|o| Some(&o.uid) == deployment.meta.uid.as_ref());
    for set in moment.view().replica_sets.in_namespace(&deployment.meta.namespace).filter(owned) {
        findings.extend(pods(moment, set));
    }
    findings.truncate(FINDINGS_MAX);
    let (available, wanted, old) = (status.available, deployment.replicas, status.replicas - status.updated);
    (Standing::Deployment { available, wanted, old }, findings)
}

/// Why a ReplicaSet is as it is.
pub(super) fn replica_set(moment: &Moment<'_>, set: &ReplicaSet) -> Judged {
    let failure = condition::find(&set.status.conditions, "ReplicaFailure").filter(|c| c.is_true());
    let failure = failure.map(|c| Found::new(of_condition(c, false)));
    let findings = failure.into_iter().chain(pods(moment, set)).collect();
    (Standing::ReplicaSet(set.status.ready, set.replicas), findings)
}

fn of_condition(condition: &condition::Condition, of_rollout: bool) -> Finding {
    Finding::Condition { reason: condition.reason.clone(), message: condition.message.clone(), of_rollout }
}

/// The first pods of a set that are not ready, each with its nearest cause.
fn pods(moment: &Moment<'_>, set: &ReplicaSet) -> Vec<Found> {
    let Some(uid) = &set.meta.uid else { return Vec::new() };
    let mut waiting: Vec<&Arc<Pod>> =
        moment.view().pods_owned(uid).map(|(_, p)| p).filter(|p| !p.ready() && !p.finished()).collect();
    waiting.sort_by_key(|p| p.meta.name.clone());
    let one = |pod: &&Arc<Pod>| {
        let (standing, findings) = pod::why(moment, pod);
        let first = findings.into_iter().next().map(|found| Box::new(found.finding));
        let detail = first.as_deref().cloned().map(Detail::Finding);
        Found::new(Finding::HeldUp(pod.meta.name.clone(), standing, first)).with(detail.into_iter().collect())
    };
    let mut findings: Vec<Found> = waiting.iter().take(PODS_MAX).map(one).collect();
    if let Some(last) = findings.last_mut() {
        last.details.extend(more(waiting.len(), PODS_MAX, Some(&set.meta.name)));
    }
    findings
}
