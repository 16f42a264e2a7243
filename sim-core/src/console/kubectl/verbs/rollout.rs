//! `kubectl rollout`: how a change of a workload's template goes, went, and is taken back.
//!
//! The real thing: `k8s.io/kubectl/pkg/cmd/rollout` and `pkg/polymorphichelpers`.

use serde_json::{Value, json};

use crate::api::request::{PatchKind, Verb};
use crate::api::table::document::{at, flag, has, list, number, pairs, text};
use crate::console::kubectl::changes::{Change, DryRun};
use crate::console::kubectl::client::Client;
use crate::console::kubectl::describe;
use crate::console::kubectl::failure::Failure;
use crate::console::kubectl::flags::{Args, Flag, switch, value};
use crate::console::kubectl::revisions::{self, CHANGE_CAUSE};
use crate::console::kubectl::targets::{Query, Target};
use crate::console::kubectl::waiting;
use crate::engine::time::Duration;
use crate::render::table::elastic;

/// Flags of all of them.
pub const FLAGS: &[Flag] = &[value("revision"), value("to-revision"), value("timeout"), switch("watch").short('w')];

/// The objects that a rollout command names.
async fn targets(client: &mut Client<'_>, args: &Args) -> Result<Vec<Target>, Failure> {
    let query = Query::listing(args);
    if query.words.is_empty() && query.files.is_empty() {
        return Err("required resource not specified".into());
    }
    let found = query.find(client).await?;
    Failure::gather(found.failures.clone())?;
    Ok(found.targets())
}

/// `kubectl rollout status`.
pub async fn status(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let mut limit = waiting::timeout(args.get("timeout"), waiting::FOREVER)?;
    if limit == Duration::ZERO {
        limit = waiting::FOREVER;
    }
    let wanted = args.number("revision")?.unwrap_or(0);
    for target in targets(client, args).await? {
        let (mut lines, mut end) = (Vec::new(), Ok(()));
        let mut look = |object: Option<&Value>| match object.map(|object| progress(&target.resource.kind, object, wanted)) {
            None => {
                end = Err(Failure::Error("object has been deleted".into()));
                true
            }
            Some(Err(why)) => {
                end = Err(Failure::Error(why));
                true
            }
            Some(Ok((line, done))) => {
                if lines.last() != Some(&line) {
                    lines.push(line);
                }
                done
            }
        };
        let finished = if args.is_true("watch", true) {
            waiting::until(client, &target, limit, &mut look).await
        } else {
            look(Some(&target.object));
            Ok(true)
        };
        lines.iter().for_each(|line| client.say(line));
        end?;
        if !finished? {
            return Err("timed out waiting for the condition".into());
        }
    }
    Ok(())
}

/// One line about where the rollout stands, and whether it is over.
fn progress(kind: &str, object: &Value, wanted: i64) -> Result<(String, bool), String> {
    let name = text(object, "metadata.name");
    let status = |field: &str| number(at(object, "status"), field);
    let observed = number(object, "metadata.generation") <= status("observedGeneration");
    let replicas = number(object, "spec.replicas");
    match kind {
        "Deployment" => {
            if wanted > 0 && wanted != revisions::revision(object) {
                let running = revisions::revision(object);
                return Err(format!("desired revision ({wanted}) is different from the running revision ({running})"));
            }
            if !observed {
                return Ok(("Waiting for deployment spec update to be observed...".into(), false));
            }
            let progressing = list(object, "status.conditions").iter().find(|c| text(c, "type") == "Progressing");
            if progressing.is_some_and(|c| text(c, "reason") == "ProgressDeadlineExceeded") {
                return Err(format!("deployment {name:?} exceeded its progress deadline"));
            }
            let (updated, all, available) = (status("updatedReplicas"), status("replicas"), status("availableReplicas"));
            let waiting = if has(object, "spec.replicas") && updated < replicas {
                format!("{updated} out of {replicas} new replicas have been updated...")
            } else if all > updated {
                format!("{} old replicas are pending termination...", all - updated)
            } else if available < updated {
                format!("{available} of {updated} updated replicas are available...")
            } else {
                return Ok((format!("deployment {name:?} successfully rolled out"), true));
            };
            Ok((format!("Waiting for deployment {name:?} rollout to finish: {waiting}"), false))
        }
        "DaemonSet" => {
            if text(object, "spec.updateStrategy.type") != "RollingUpdate" {
                return Err("rollout status is only available for RollingUpdate strategy type".into());
            }
            if !observed {
                return Ok(("Waiting for daemon set spec update to be observed...".into(), false));
            }
            let wanted = status("desiredNumberScheduled");
            let (updated, available) = (status("updatedNumberScheduled"), status("numberAvailable"));
            let waiting = if updated < wanted {
                format!("{updated} out of {wanted} new pods have been updated...")
            } else if available < wanted {
                format!("{available} of {wanted} updated pods are available...")
            } else {
                return Ok((format!("daemon set {name:?} successfully rolled out"), true));
            };
            Ok((format!("Waiting for daemon set {name:?} rollout to finish: {waiting}"), false))
        }
        "StatefulSet" => stateful_progress(object, observed),
        other => Err(format!("no status viewer has been implemented for {other}")),
    }
}

fn stateful_progress(set: &Value, observed: bool) -> Result<(String, bool), String> {
    let status = |field: &str| number(at(set, "status"), field);
    let (replicas, updated) = (number(set, "spec.replicas"), status("updatedReplicas"));
    if text(set, "spec.updateStrategy.type") != "RollingUpdate" {
        return Err("rollout status is only available for RollingUpdate strategy type".into());
    }
    if status("observedGeneration") == 0 || !observed {
        return Ok(("Waiting for statefulset spec update to be observed...".into(), false));
    }
    if has(set, "spec.replicas") && status("readyReplicas") < replicas {
        return Ok((format!("Waiting for {} pods to be ready...", replicas - status("readyReplicas")), false));
    }
    if has(set, "spec.updateStrategy.rollingUpdate") {
        let partition = number(set, "spec.updateStrategy.rollingUpdate.partition");
        if updated < replicas - partition {
            let wanted = replicas - partition;
            let line =
                format!("Waiting for partitioned roll out to finish: {updated} out of {wanted} new pods have been updated...");
            return Ok((line, false));
        }
        return Ok((format!("partitioned roll out complete: {updated} new pods have been updated..."), true));
    }
    let (update, current) = (text(set, "status.updateRevision"), text(set, "status.currentRevision"));
    if update != current {
        let line = format!("waiting for statefulset rolling update to complete {updated} pods at revision {update}...");
        return Ok((line, false));
    }
    let pods = status("currentReplicas");
    Ok((format!("statefulset rolling update complete {pods} pods at revision {current}..."), true))
}

/// `kubectl rollout history`.
pub async fn history(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let wanted = args.number("revision")?.unwrap_or(0);
    if wanted < 0 {
        return Err(Failure::Error(format!("revision must be a positive integer: {wanted}")));
    }
    for target in targets(client, args).await? {
        only_deployments(&target, "history viewer")?;
        let mut sets = revisions::replica_sets(client, &target.object).await;
        sets.sort_by_key(revisions::revision);
        let with = if wanted > 0 { format!("with revision #{wanted}") } else { String::new() };
        let shown = if sets.is_empty() {
            "No rollout history found.".to_string()
        } else if wanted > 0 {
            let set = sets.iter().find(|set| revisions::revision(set) == wanted);
            let set = set.ok_or("unable to find the specified revision")?;
            describe::template_text(at(set, "spec.template"))
        } else {
            let rows = sets.iter().map(|set| {
                let cause = pairs(set, "metadata.annotations").get(CHANGE_CAUSE).copied().unwrap_or("<none>").to_string();
                format!("{}\t{cause}\n", revisions::revision(set))
            });
            elastic(&format!("REVISION\tCHANGE-CAUSE\n{}", rows.collect::<String>()), 2)
        };
        client.say(format!("{} {with}\n{shown}", target.label()));
    }
    Ok(())
}

fn only_deployments(target: &Target, what: &str) -> Result<(), Failure> {
    if target.resource.is("apps", "Deployment") {
        return Ok(());
    }
    Err(Failure::Error(format!("no {what} has been implemented for {:?}", target.resource.kind)))
}

/// `kubectl rollout undo`.
pub async fn undo(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let change = Change::of(client, args, "kubectl-rollout").await?;
    let wanted = args.number("to-revision")?.unwrap_or(0);
    for target in targets(client, args).await? {
        only_deployments(&target, "rollbacker")?;
        let mut sets = revisions::replica_sets(client, &target.object).await;
        sets.sort_by_key(revisions::revision);
        let chosen = match wanted {
            0 => sets.iter().rev().nth(1),
            wanted => sets.iter().find(|set| revisions::revision(set) == wanted),
        };
        let set = chosen.ok_or_else(|| match wanted {
            0 => format!("no rollout history found for deployment {:?}", target.name),
            wanted => format!("unable to find specified revision {wanted} in history"),
        })?;
        if flag(&target.object, "spec.paused") {
            let why = "you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again";
            return Err(why.into());
        }
        let template = revisions::without_hash(at(set, "spec.template"));
        let number = revisions::revision(set);
        if template == *at(&target.object, "spec.template") {
            let done = format!("skipped rollback (current template already matches revision {number})");
            change.tell(client, &target, &target.object, &done).await?;
            continue;
        }
        let patch = json!([
            {"op": "replace", "path": "/spec/template", "value": template},
            {"op": "replace", "path": "/metadata/annotations", "value": rolled_back(&target.object, set)},
        ]);
        send(client, &change, &target, PatchKind::Json, patch, "rolled back").await?;
    }
    Ok(())
}

/// The annotations after a rollback: those that rollouts write are the old revision's, the others stay.
fn rolled_back(deployment: &Value, set: &Value) -> Value {
    let own = [
        "kubectl.kubernetes.io/last-applied-configuration",
        revisions::REVISION,
        "deployment.kubernetes.io/revision-history",
        "deployment.kubernetes.io/desired-replicas",
        "deployment.kubernetes.io/max-replicas",
        "deprecated.deployment.rollback.to",
    ];
    let mut notes = serde_json::Map::new();
    for (key, value) in pairs(deployment, "metadata.annotations").into_iter().filter(|(key, _)| own.contains(key)) {
        notes.insert(key.into(), value.into());
    }
    for (key, value) in pairs(set, "metadata.annotations").into_iter().filter(|(key, _)| !own.contains(key)) {
        notes.insert(key.into(), value.into());
    }
    Value::Object(notes)
}

async fn send(
    client: &mut Client<'_>,
    change: &Change,
    target: &Target,
    how: PatchKind,
    patch: Value,
    done: &str,
) -> Result<(), Failure> {
    let mut object = target.object.clone();
    if change.dry_run != DryRun::Client {
        let place = (target.namespace.as_str(), target.name.as_str());
        object = client.write(Verb::Patch(how), &target.resource, place, patch, change.options()).await?;
    }
    change.tell(client, target, &object, done).await
}

/// `kubectl rollout restart`.
pub async fn restart(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let change = Change::of(client, args, "kubectl-rollout").await?;
    let mut failures = Vec::new();
    for target in targets(client, args).await? {
        let label = format!("{} {:?}", target.resource.resource(), target.name);
        if !matches!(target.resource.kind.as_str(), "Deployment" | "DaemonSet" | "StatefulSet") {
            failures.push(Failure::Error(format!("{label} restarting is not supported")));
            continue;
        }
        if flag(&target.object, "spec.paused") {
            let why = format!("{label} can't restart paused deployment (run rollout resume first)");
            failures.push(Failure::Error(why));
            continue;
        }
        let now = client.now().rfc3339();
        let note = json!({"kubectl.kubernetes.io/restartedAt": now});
        let patch = json!({"spec": {"template": {"metadata": {"annotations": note}}}});
        failures.extend(send(client, &change, &target, PatchKind::Strategic, patch, "restarted").await.err());
    }
    Failure::gather(failures)
}

/// `kubectl rollout pause`.
pub async fn pause(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    set_paused(client, args, true).await
}

/// `kubectl rollout resume`.
pub async fn resume(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    set_paused(client, args, false).await
}

async fn set_paused(client: &mut Client<'_>, args: &Args, paused: bool) -> Result<(), Failure> {
    let change = Change::of(client, args, "kubectl-rollout").await?;
    for target in targets(client, args).await? {
        let label = format!("{} {:?}", target.resource.resource(), target.name);
        if !target.resource.is("apps", "Deployment") {
            let what = if paused { "pausing" } else { "resuming" };
            return Err(Failure::Error(format!("{label} {what} is not supported")));
        }
        if flag(&target.object, "spec.paused") == paused {
            let state = if paused { "already" } else { "not" };
            return Err(Failure::Error(format!("{label} is {state} paused")));
        }
        let patch = json!({"spec": {"paused": if paused { json!(true) } else { Value::Null }}});
        send(client, &change, &target, PatchKind::Strategic, patch, if paused { "paused" } else { "resumed" }).await?;
    }
    Ok(())
}
