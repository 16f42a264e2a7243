//! What a deployment says of itself: its counters and the conditions Available, Progressing and ReplicaFailure.
//!
//! The deadline only reports; nothing is ever rolled back. The real thing: `pkg/controller/deployment/{sync,progress}.go`.

use std::sync::Arc;

use super::{Step, rollout};
use crate::api::component::{Clock, Write};
use crate::api::status::Status;
use crate::engine::time::Duration;
use crate::objects::condition::{self, Condition};
use crate::objects::time::Timestamp;
use crate::objects::workload::{Deployment, ReplicaSet, WorkloadStatus};
use crate::objects::{Name, Object};

/// `progressDeadlineSeconds` of this size means no deadline.
const NO_DEADLINE: i64 = i32::MAX as i64;
/// A deadline that is about to end is looked at again after this.
const AT_ONCE: Duration = Duration::from_millis(5);

/// The set of the newest template.
#[derive(Clone, Debug)]
pub enum Newest {
    /// Being created in this look.
    Created(Name),
    /// There already.
    Stands(Arc<ReplicaSet>),
}

/// The status write, if the status differs; `again` tells when the progress deadline is to be checked.
pub fn report(
    deployment: &Arc<Deployment>,
    sets: &[Arc<ReplicaSet>],
    newest: Option<Newest>,
    failure: Option<&Status>,
    clock: Clock,
    again: &mut Option<Duration>,
) -> Option<Step> {
    let now = clock.timestamp();
    let mut status = count(deployment, sets, newest.as_ref());
    judge_availability(&mut status, deployment, now);
    match failure.filter(|f| f.reason != "Conflict") {
        Some(failure) => judge_failure(&mut status, newest.as_ref(), failure, now),
        None if deployment.paused => judge_pause(&mut status, deployment, now),
        None => *again = judge_progress(&mut status, deployment, newest.as_ref(), now),
    }
    copy_failure(&mut status, sets);
    (status != deployment.status).then(|| {
        let mut shown = (**deployment).clone();
        shown.status = status;
        // The annotation may be on its way as well; a status write does not collide with it.
        Step::from(Write::Status { object: Object::Deployment(Arc::new(shown)), checked: false })
    })
}

fn count(deployment: &Deployment, sets: &[Arc<ReplicaSet>], newest: Option<&Newest>) -> WorkloadStatus {
    let sum = |of: fn(&ReplicaSet) -> i64| sets.iter().map(|s| of(s)).sum::<i64>();
    let available = sum(|s| s.status.available);
    WorkloadStatus {
        observed: deployment.meta.generation.unwrap_or(0),
        replicas: sum(|s| s.status.replicas),
        updated: if let Some(Newest::Stands(set)) = newest { set.status.replicas } else { 0 },
        ready: sum(|s| s.status.ready),
        available,
        unavailable: (sum(|s| s.replicas) - available).max(0),
        collisions: deployment.status.collisions,
        conditions: deployment.status.conditions.clone(),
    }
}

/// Whether everything is as wanted, by the counters in `status`.
pub fn complete(deployment: &Deployment, status: &WorkloadStatus) -> bool {
    let wanted = deployment.replicas;
    (status.updated, status.replicas, status.available) == (wanted, wanted, wanted)
        && status.observed >= deployment.meta.generation.unwrap_or(0)
}

fn judge_availability(status: &mut WorkloadStatus, deployment: &Deployment, now: Timestamp) {
    let (_, unavailable) = rollout::bounds(deployment);
    let (truth, reason, text) = if status.available >= deployment.replicas - unavailable {
        ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    put(status, "Available", truth, reason, text, now);
}

fn judge_failure(status: &mut WorkloadStatus, newest: Option<&Newest>, failure: &Status, now: Timestamp) {
    if let Some(Newest::Created(name)) = newest {
        let text = format!("Failed to create new replica set \"{name}\": {}", failure.message);
        put(status, "Progressing", "False", "ReplicaSetCreateError", &text, now);
    }
}

fn judge_pause(status: &mut WorkloadStatus, deployment: &Deployment, now: Timestamp) {
    let known = condition::find(&status.conditions, "Progressing").map(|c| &*c.reason);
    let settled = matches!(known, Some("NewReplicaSetAvailable" | "ProgressDeadlineExceeded" | "DeploymentPaused"));
    if deployment.deadline < NO_DEADLINE && !settled {
        put(status, "Progressing", "Unknown", "DeploymentPaused", "Deployment is paused", now);
    }
}

/// Progress, completion, or the deadline; tells when to look at the deadline again.
fn judge_progress(
    status: &mut WorkloadStatus,
    deployment: &Deployment,
    newest: Option<&Newest>,
    now: Timestamp,
) -> Option<Duration> {
    if deployment.deadline >= NO_DEADLINE {
        status.conditions.retain(|c| &*c.kind != "Progressing");
        return None;
    }
    let known = condition::find(&status.conditions, "Progressing").cloned();
    let reason = known.as_ref().map(|c| c.reason.to_string()).unwrap_or_default();
    match newest {
        Some(Newest::Created(name)) => {
            put(status, "Progressing", "True", "NewReplicaSetCreated", &format!("Created new replica set \"{name}\""), now);
            return None;
        }
        Some(Newest::Stands(set)) if known.is_none() => {
            let text = format!("Found new replica set \"{}\"", set.meta.name);
            put(status, "Progressing", "True", "FoundNewReplicaSet", &text, now);
        }
        _ if reason == "DeploymentPaused" => {
            put(status, "Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed", now);
        }
        _ => {}
    }
    if status.replicas == status.updated && reason == "NewReplicaSetAvailable" {
        return None;
    }
    let who = match newest {
        Some(Newest::Stands(set)) => format!("ReplicaSet \"{}\"", set.meta.name),
        _ => format!("Deployment \"{}\"", deployment.meta.name),
    };
    if complete(deployment, status) {
        put(status, "Progressing", "True", "NewReplicaSetAvailable", &format!("{who} has successfully progressed."), now);
        return None;
    }
    if moved(&deployment.status, status) {
        // Every bit of progress starts the deadline anew: the stamp moves even if the words stay.
        let text = format!("{who} is progressing.");
        let mut fresh = Condition::new("Progressing", "True", "ReplicaSetUpdated", &text, now);
        fresh.touched = fresh.transition;
        condition::upsert(&mut status.conditions, fresh);
    }
    if timed_out(deployment, status, now) {
        put(status, "Progressing", "False", "ProgressDeadlineExceeded", &format!("{who} has timed out progressing."), now);
        return None;
    }
    // A second later than computed, as stamps have whole seconds.
    time_left(deployment, status, now).map(|left| if left == Duration::ZERO { AT_ONCE } else { left + Duration::from_secs(1) })
}

/// Whether a status shows progress over the one before.
pub(super) fn moved(old: &WorkloadStatus, new: &WorkloadStatus) -> bool {
    new.updated > old.updated
        || new.replicas - new.updated < old.replicas - old.updated
        || new.ready > old.ready
        || new.available > old.available
}

/// Whether the last sign of progress is older than the deadline. What is complete never times out.
pub(super) fn timed_out(deployment: &Deployment, status: &WorkloadStatus, now: Timestamp) -> bool {
    let Some(progress) = condition::find(&status.conditions, "Progressing") else { return false };
    match &*progress.reason {
        "NewReplicaSetAvailable" => false,
        "ProgressDeadlineExceeded" => true,
        _ => end(deployment, progress).is_some_and(|end| end.nanos_since(now) < 0),
    }
}

/// The time left until the deadline is to be checked, zero if less than a second; none if there is nothing to wait for.
pub(super) fn time_left(deployment: &Deployment, status: &WorkloadStatus, now: Timestamp) -> Option<Duration> {
    let progress = condition::find(&status.conditions, "Progressing")?;
    if complete(deployment, status) || &*progress.reason == "ProgressDeadlineExceeded" {
        return None;
    }
    let left = end(deployment, progress)?.nanos_since(now);
    let left = Duration::from_nanos(u64::try_from(left).unwrap_or(0));
    Some(if left < Duration::from_secs(1) { Duration::ZERO } else { left })
}

/// When the deadline ends; none if there is no deadline.
fn end(deployment: &Deployment, progress: &Condition) -> Option<Timestamp> {
    let since = progress.touched.or(progress.transition)?;
    let deadline = u64::try_from(deployment.deadline).ok().filter(|_| deployment.deadline < NO_DEADLINE)?;
    Some(since.plus(Duration::from_secs(deadline)))
}

/// ReplicaFailure is copied from a set.
fn copy_failure(status: &mut WorkloadStatus, sets: &[Arc<ReplicaSet>]) {
    let failed = sets.iter().rev().find_map(|s| condition::find(&s.status.conditions, "ReplicaFailure"));
    match failed {
        Some(c) => {
            let at = c.transition.unwrap_or_default();
            put(status, "ReplicaFailure", &c.status, &c.reason, &c.message, at);
        }
        None => status.conditions.retain(|c| &*c.kind != "ReplicaFailure"),
    }
}

/// Puts a condition; one with the same status and reason stays as it is.
fn put(status: &mut WorkloadStatus, kind: &str, truth: &str, reason: &str, text: &str, now: Timestamp) {
    let known = condition::find(&status.conditions, kind);
    if known.is_some_and(|c| (&*c.status, &*c.reason) == (truth, reason)) {
        return;
    }
    let mut fresh = Condition::new(kind, truth, reason, text, now);
    fresh.touched = fresh.transition;
    condition::upsert(&mut status.conditions, fresh);
}
