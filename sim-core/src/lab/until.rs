//! Waiting for a condition: what `advance to` and a scenario's `until` do.

use super::simulation::Simulation;
use super::tasks::Clock;
use super::world::Stopped;
use crate::api::kinds;
use crate::engine::time::Duration;
use crate::objects::condition::Condition as Fact;
use crate::objects::{KindName, Object};
use crate::scenario::condition::{Condition, State};
use crate::store::ObjectId;

/// How often the slow question "is everything at rest" is asked.
const GLANCE: Duration = Duration::from_millis(100);

/// How waiting ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waited {
    /// The condition holds.
    Held,
    /// Time is up; what was still missing.
    Not(String),
}

/// Why waiting could not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failed {
    /// A budget ran out.
    Stopped(Stopped),
    /// The condition cannot be asked.
    Condition(String),
}

/// Lets time pass until `condition` holds, at most `patience`. In a world without a cluster nothing holds.
pub async fn wait_for(clock: &Clock, condition: &Condition, patience: Duration) -> Result<Waited, Failed> {
    let deadline = clock.now() + patience;
    let mut straggler = None;
    loop {
        let now = clock.now();
        match looked(clock, condition, &mut straggler, now >= deadline).map_err(Failed::Condition)? {
            None => return Ok(Waited::Held),
            Some(missing) if now >= deadline => return Ok(Waited::Not(missing)),
            Some(_) => {}
        }
        let progress = match condition {
            Condition::Converged => clock.until(deadline.min(now + GLANCE)),
            Condition::Object { .. } => clock.change(deadline),
        };
        progress.await.map_err(Failed::Stopped)?;
    }
}

/// What is missing, if anything is; in words only if `told`, since looking for them takes longer.
fn looked(clock: &Clock, condition: &Condition, straggler: &mut Option<ObjectId>, told: bool) -> Result<Option<String>, String> {
    let mut world = clock.borrow();
    let Some(sim) = world.simulation() else { return Err("there is no simulation here".to_string()) };
    match condition {
        Condition::Converged if sim.cluster().at_rest(straggler) => Ok(None),
        Condition::Converged if !told => Ok(Some(String::new())),
        _ => missing(sim, condition),
    }
}

/// What is missing for `condition` to hold now; `None` if it holds.
pub fn missing(sim: &Simulation, condition: &Condition) -> Result<Option<String>, String> {
    let (kind, namespace, name, state) = match condition {
        Condition::Converged => return Ok(sim.cluster().unsettled()),
        Condition::Object { kind, namespace, name, state } => (kind, namespace, name, *state),
    };
    let row = kinds::find(kind).ok_or_else(|| format!("`{kind}` is not a kind this cluster knows"))?;
    let namespace = if row.namespaced { namespace.as_deref().unwrap_or("default") } else { "" };
    let kind_name = KindName { group: row.group.into(), kind: row.kind.into() };
    let found = sim.cluster().store.head().find(&kind_name, namespace, name).map(|(_, object)| object);
    let label = format!("{}/{name}", row.label());
    Ok(match (state, found) {
        (State::Gone, None) => None,
        (State::Gone, Some(_)) => Some(format!("{label} is still there")),
        (_, None) => Some(format!("{label} does not exist")),
        (State::Exists, Some(_)) => None,
        (State::Ready, Some(object)) => (!ready(&object)).then(|| format!("{label} is not ready")),
        (State::Available, Some(object)) => (!available(&object)).then(|| format!("{label} is not available")),
    })
}

fn ready(object: &Object) -> bool {
    match object {
        Object::Pod(pod) => pod.ready(),
        Object::Node(node) => node.ready(),
        Object::Deployment(d) => d.status.ready >= d.replicas && seen(d.status.observed, d.meta.generation),
        Object::ReplicaSet(r) => r.status.ready >= r.replicas && seen(r.status.observed, r.meta.generation),
        other => condition_true(&other.encode(), "Ready"),
    }
}

/// For a Deployment all replicas wanted are up to date and available, as `kubectl rollout status` means it.
fn available(object: &Object) -> bool {
    match object {
        Object::Deployment(d) => {
            let s = &d.status;
            let complete = s.updated >= d.replicas && s.replicas == s.updated && s.available >= s.updated;
            complete
                && seen(s.observed, d.meta.generation)
                && s.conditions.iter().any(|c| &*c.kind == "Available" && Fact::is_true(c))
        }
        Object::ReplicaSet(r) => r.status.available >= r.replicas && seen(r.status.observed, r.meta.generation),
        other => condition_true(&other.encode(), "Available"),
    }
}

/// Whether the controller has seen the latest wish.
fn seen(observed: i64, generation: Option<i64>) -> bool {
    observed >= generation.unwrap_or(0)
}

fn condition_true(doc: &serde_json::Value, kind: &str) -> bool {
    let conditions = crate::api::document::items(doc, "/status/conditions");
    conditions.iter().any(|c| c["type"] == kind && c["status"] == "True")
}
