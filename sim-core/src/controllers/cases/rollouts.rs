//! Kinds of the deployment controller: `rolling-update`, `proportional-scale`, `deployment-progress`, `revision-cleanup`, `recreate`.

use super::super::deployment;
use super::super::deployment_status as status;
use super::super::rollout::{self, Size};
use super::super::tests::{DEPLOYMENT, deployment as manifest, rolled_out};
use super::*;
use crate::objects::json::At;
use crate::objects::workload::{Deployment, ReplicaSet, Share};

fn steps(op: &str) -> Vec<Row> {
    rows_where("rolling-update", "op", op)
}

fn strategy(row: &Row) -> Value {
    let mut rolling = json!({});
    for key in ["maxSurge", "maxUnavailable"] {
        if !row.given[key].is_null() {
            rolling[key] = row.given[key].clone();
        }
    }
    let kind = if row.text("strategy") == "Recreate" { "Recreate" } else { "RollingUpdate" };
    json!({"type": kind, "rollingUpdate": rolling})
}

fn of(row: &Row) -> Deployment {
    Deployment::parse(&manifest(row.number("replicas"), &strategy(row)))
}

#[test]
fn bounds_round_as_upstream() {
    check(&steps("resolve-fenceposts"), 13, |row| {
        let share = |key: &str| Share::parse(At::top(&row.given[key]));
        let (Some(surge), Some(unavailable)) = (share("maxSurge"), share("maxUnavailable")) else {
            return json!({"error": true});
        };
        let (surge, unavailable) = rollout::fence_posts(surge, unavailable, row.number("replicas"));
        json!({"surge": surge, "unavailable": unavailable})
    });
    check(&steps("max-unavailable"), 8, |row| json!({"maxUnavailable": rollout::bounds(&of(row)).1}));
}

#[test]
fn the_new_set_grows_as_upstream() {
    let number = |row: &Row, key: &str| row.number(key);
    check(
        &steps("new-rs-target"),
        3,
        |row| json!({"newRS": rollout::target(&of(row), number(row, "newRS"), number(row, "allRSTotal"))}),
    );
    check(&steps("reconcile-new"), 5, |row| {
        let (old, new) = (number(row, "oldRS"), number(row, "newRS"));
        let got = rollout::new_size(number(row, "replicas"), rollout::bounds(&of(row)).0, new, old + new);
        json!({"newRS": got, "scaled": got != new})
    });
}

#[test]
fn the_old_sets_shrink_as_upstream() {
    let size = |wanted, available| Size { wanted, available, ..Size::default() };
    check(&steps("reconcile-old"), 4, |row| {
        let old = size(row.number("oldRS"), row.number("oldAvailable"));
        let new = size(row.number("newRS"), row.number("newAvailable"));
        let got = rollout::shrunk(row.number("replicas"), rollout::bounds(&of(row)).1, new, &[old])[0];
        json!({"oldRS": got, "scaled": got != old.wanted})
    });
    check(&steps("cleanup-unhealthy"), 4, |row| {
        let old = size(row.number("oldRS"), row.number("oldAvailable"));
        let mut sizes = [old.wanted];
        rollout::drop_broken(&mut sizes, &[old], row.number("maxCleanup"));
        json!({"removed": old.wanted - sizes[0]})
    });
    check(&steps("scale-down-old"), 5, |row| {
        let mut sizes = [row.number("oldRS")];
        let minimum = row.number("replicas") - rollout::bounds(&of(row)).1;
        rollout::drop_surplus(&mut sizes, row.number("available") - minimum);
        json!({"oldRS": sizes[0], "scaled": sizes[0] != row.number("oldRS")})
    });
}

/// The sizes of the old and the new set after each step of a rollout.
#[test]
fn rollouts_step_as_upstream() {
    check(&steps("rollout"), 13, |row| {
        let replicas = row.number("replicas");
        let mut stage = rolled_out(replicas, &row.given["maxSurge"], &row.given["maxUnavailable"]);
        let stalls = row.text("newPodsBecomeAvailable") == "never";
        stage.ready_after = (!stalls).then_some(Duration::from_secs(5));
        stage.sizes.clear();
        stage.change(DEPLOYMENT, "default", "web", |doc| {
            doc["spec"]["template"]["spec"]["containers"][0]["image"] = json!("nginx:2");
        });
        stage.run(Duration::from_secs(50));
        let before = [replicas, 0];
        let steps: Vec<&Vec<i64>> = stage.sizes.iter().filter(|s| s.len() == 2 && **s != before).collect();
        let mut got = json!({"steps": steps});
        if stalls {
            got["stalledAt"] = json!(steps.last());
        }
        got
    });
}

/// A replica set of the deployment `web`, number `age` from the oldest.
fn set(age: usize, image: &str, replicas: i64, reported: i64) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": format!("web-{age}"), "namespace": "default", "uid": format!("rs{age}"), "generation": 1,
            "labels": {"app": "web"}, "creationTimestamp": format!("2026-01-01T10:00:{age:02}Z"),
            "annotations": {"deployment.kubernetes.io/revision": age.to_string()},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "d1", "controller": true}]},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": image}]}}},
        "status": {"observedGeneration": 1, "replicas": reported, "availableReplicas": reported}})
}

fn scaled(row: &Row) -> Value {
    let sizes = row.numbers("replicaSetsNewestFirst");
    let old_surge = row.given["oldMaxSurge"].as_i64().unwrap_or(row.number("maxSurge"));
    let mut store = store_of([manifest(row.number("newReplicas"), &strategy(row))]);
    for (at, size) in sizes.iter().enumerate() {
        let desired = row.numbers("desiredAnnotations").get(at).copied().unwrap_or(row.number("oldReplicas"));
        let available = row.numbers("available").get(at).copied().unwrap_or(*size);
        let newest = at == 0 && row.flag("newestIsCurrentTemplate");
        let image = if newest { "nginx:1".to_string() } else { format!("old:{at}") };
        let mut doc = set(sizes.len() - at, &image, *size, available);
        doc["metadata"]["annotations"]["deployment.kubernetes.io/desired-replicas"] = json!(desired.to_string());
        doc["metadata"]["annotations"]["deployment.kubernetes.io/max-replicas"] = json!((desired + old_surge).to_string());
        store.insert(Object::parse(&doc), Instant::START);
    }
    let plan = deployment::reconcile(store.head(), &key("web"), None, clock(Duration::ZERO));
    let written = |name: &str| {
        let mut sets =
            writes(&plan).into_iter().filter_map(|w| if let Write::Update(Object::ReplicaSet(s)) = w { Some(s) } else { None });
        sets.rfind(|s| &*s.meta.name == name).map(|s| s.replicas)
    };
    let after = |(at, size): (usize, &i64)| written(&format!("web-{}", sizes.len() - at)).unwrap_or(*size);
    json!({"replicaSetsNewestFirst": sizes.iter().enumerate().map(after).collect::<Vec<_>>()})
}

#[test]
fn scaling_in_a_rollout_is_proportional() {
    check(&rows("proportional-scale"), 17, scaled);
}

/// A deployment of 5 with these counters, and a condition Progressing of some seconds ago.
fn progressing(row: &Row) -> Deployment {
    let deadline = row.given["deadline"].as_i64().unwrap_or(i64::from(i32::MAX));
    let mut doc = with(manifest(5, &json!({})), &["spec", "progressDeadlineSeconds"], deadline.into());
    let complete = row.flag("complete");
    doc["status"] =
        json!({"observedGeneration": 1, "replicas": 5, "updatedReplicas": 5, "availableReplicas": if complete { 5 } else { 4 }});
    if row.given.get("reason") != Some(&Value::Null) {
        let reason = row.given["reason"].as_str().unwrap_or("ReplicaSetUpdated");
        let since = "2026-01-01T12:00:00Z";
        doc["status"]["conditions"] = json!([{"type": "Progressing", "status": "True", "reason": reason,
            "lastUpdateTime": since, "lastTransitionTime": since}]);
    }
    Deployment::parse(&doc)
}

fn after(row: &Row, field: &str) -> Timestamp {
    let seconds = row.given[field].as_f64().unwrap_or(0.0);
    clock(Duration::from_nanos((seconds * 1e9).round() as u64)).timestamp()
}

#[test]
fn progress_is_judged_as_upstream() {
    let of_op = |op: &str| rows_where("deployment-progress", "op", op);
    check(&of_op("complete"), 6, |row| {
        let counters = json!({"observedGeneration": i64::from(row.flag("observed")), "replicas": row.given["replicas"],
            "updatedReplicas": row.given["updated"], "availableReplicas": row.given["available"]});
        let d = Deployment::parse(&with(manifest(row.number("desired"), &json!({})), &["status"], counters));
        json!({"complete": status::complete(&d, &d.status)})
    });
    check(&of_op("progressing"), 7, |row| {
        let at = |when: &str| {
            let given = &row.given[when];
            let counters = json!({"replicas": given["replicas"], "updatedReplicas": given["updated"],
                "readyReplicas": given["ready"], "availableReplicas": given["available"]});
            Deployment::parse(&with(manifest(10, &json!({})), &["status"], counters)).status
        };
        json!({"progressing": status::moved(&at("before"), &at("after"))})
    });
    check(&of_op("timed-out"), 4, |row| {
        let d = progressing(row);
        json!({"timedOut": status::timed_out(&d, &d.status, after(row, "elapsed"))})
    });
    check(&of_op("requeue-after"), 10, |row| {
        let d = progressing(row);
        let left = status::time_left(&d, &d.status, after(row, "elapsedSinceLastUpdate"));
        json!({"afterSeconds": left.map_or(-1, |left| left.as_secs() as i64)})
    });
}

#[test]
fn old_sets_go_beyond_the_limit() {
    check(&rows("revision-cleanup"), 6, |row| {
        let parsed = |(at, given): (usize, &Value)| {
            let mut doc = set(at + 1, "old", given["spec"].as_i64().unwrap(), given["status"].as_i64().unwrap());
            if given["deletionTimestamp"] == true {
                doc["metadata"]["deletionTimestamp"] = json!("2026-01-01T12:00:00Z");
            }
            Arc::new(ReplicaSet::parse(&doc))
        };
        let sets = row.list("oldReplicaSetsOldestFirst").iter().enumerate().map(parsed).collect();
        json!({"deleted": deployment::beyond_limit(sets, row.number("revisionHistoryLimit")).count()})
    });
}

#[test]
fn recreate_waits_for_the_old_to_be_gone() {
    check(&rows("recreate"), 9, |row| {
        let mut store = store_of([manifest(3, &json!({"type": "Recreate"}))]);
        if row.given["oldStatusReplicas"].is_number() {
            store.insert(Object::parse(&set(1, "old", 0, row.number("oldStatusReplicas"))), Instant::START);
        }
        for (at, phase) in row.list("oldPodPhases").iter().enumerate() {
            let owner =
                json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1", "uid": "rs1", "controller": true}]);
            let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": format!("p{at}"), "namespace": "default",
                "uid": format!("p{at}"), "ownerReferences": owner}, "status": {"phase": phase}});
            store.insert(Object::parse(&pod), Instant::START);
        }
        let plan = deployment::reconcile(store.head(), &key("web"), None, clock(Duration::ZERO));
        json!({"mustWait": !writes(&plan).iter().any(|w| matches!(w, Write::Create(_)))})
    });
}
