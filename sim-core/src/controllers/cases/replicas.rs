//! Kinds of the replica set controller: `slow-start`, `pod-deletion-order`, `adoption`.

use std::collections::BTreeSet;

use super::super::deletion_order::{doomed, place, ranked};
use super::super::replica_set;
use super::*;
use crate::objects::pod::Pod;

fn set(replicas: i64) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": "web", "namespace": "default", "uid": "rs", "generation": 1},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}}})
}

fn owner(uid: &str) -> Value {
    json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": uid, "controller": true}])
}

fn planned(store: &Store) -> Plan {
    replica_set::reconcile(store.head(), &key("web"), None, clock(Duration::ZERO))
}

/// Sends a plan, of whose calls so many succeed; calls and successes.
fn called(plan: Plan, succeed: i64) -> (i64, i64) {
    let mut queue = WorkQueue::default();
    let (mut calls, mut successes) = (0, 0);
    let mut sends = queue.start(&key("web"), plan, super::super::Trigger::default());
    while !sends.is_empty() {
        let wave = std::mem::take(&mut sends);
        for (tag, write) in wave.into_iter().filter(|(_, w)| matches!(w, Write::Create(_))) {
            let Write::Create(object) = write else { continue };
            calls += 1;
            let result = if calls <= succeed { Ok(object) } else { Err(Status::internal("no".to_string())) };
            successes += i64::from(result.is_ok());
            let answer = queue.answered(tag, &result, Retry::USUAL);
            sends.extend(answer.into_iter().flat_map(|(_, a)| a.sends));
        }
    }
    (calls, successes)
}

fn creations(plan: &Plan) -> usize {
    writes(plan).iter().filter(|w| matches!(w, Write::Create(_))).count()
}

/// How many pods each sync makes of so many that are missing.
fn bursts(missing: i64) -> Vec<usize> {
    let mut store = store_of([set(missing)]);
    let (mut bursts, mut made) = (Vec::new(), 0);
    while made < missing as usize {
        let burst = creations(&planned(&store));
        assert!(burst > 0, "it stops at {made}");
        for at in made..made + burst {
            let meta = json!({"name": format!("p{at}"), "namespace": "default", "uid": format!("p{at}"),
                "labels": {"app": "web"}, "ownerReferences": owner("rs")});
            store.insert(Object::parse(&json!({"apiVersion": "v1", "kind": "Pod", "metadata": meta})), Instant::START);
        }
        made += burst;
        bursts.push(burst);
    }
    bursts
}

#[test]
fn pods_are_made_in_growing_batches() {
    check(&rows("slow-start"), 9, |row| {
        if row.given["missing"].is_number() {
            return json!({"createdPerSync": bursts(row.number("missing"))});
        }
        let plan = planned(&store_of([set(row.number("count"))]));
        let batches: Vec<usize> = plan.waves.iter().map(Vec::len).collect();
        let batches = &batches[..batches.len() - usize::from(plan.waves.last().is_some_and(|w| is_status(&w[0].write)))];
        if row.expect.get("batches").is_some() {
            return json!({"batches": batches});
        }
        let (calls, successes) = called(plan.clone(), row.number("callsThatSucceed"));
        json!({"calls": calls, "successes": successes})
    });
}

fn is_status(write: &Write) -> bool {
    matches!(write, Write::Status { .. })
}

/// A pod as the rows describe it.
fn pod(given: &Value) -> Arc<Pod> {
    let ago = |text: &Value| {
        let text = text.as_str()?;
        let (number, unit) = text.split_at(text.len() - 1);
        let seconds = number.parse::<i64>().ok()? * if unit == "h" { 3600 } else { 1 };
        Some(Timestamp::from_unix_nanos(clock(Duration::ZERO).timestamp().unix_nanos() - seconds * 1_000_000_000).rfc3339())
    };
    let mut meta = json!({"name": given["name"], "namespace": "default", "uid": given["name"].as_str().unwrap_or("uid")});
    if let Some(created) = ago(&given["createdAgo"]) {
        meta["creationTimestamp"] = json!(created);
    }
    if given["deletionCost"].is_number() {
        meta["annotations"] = json!({"controller.kubernetes.io/pod-deletion-cost": given["deletionCost"].to_string()});
    }
    let mut ready = json!({"type": "Ready", "status": if given["ready"] == true { "True" } else { "False" }});
    if let Some(since) = ago(&given["readyFor"]) {
        ready["lastTransitionTime"] = json!(since);
    }
    let restarts = given["restarts"].as_i64().unwrap_or(0);
    Arc::new(Pod::parse(&json!({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"nodeName": given["node"]},
        "status": {"phase": given["phase"], "conditions": [ready], "containerStatuses": [{"name": "c", "restartCount": restarts}]}})))
}

fn now() -> Timestamp {
    clock(Duration::ZERO).timestamp()
}

/// `ready for a month, 2 restarts, created now` and its like.
fn described(text: &str) -> Arc<Pod> {
    let has = |part: &str| text.contains(part);
    let phase = if has("Pending") {
        "Pending"
    } else if has("Unknown") {
        "Unknown"
    } else {
        "Running"
    };
    let mut given = json!({"name": text, "phase": phase, "ready": text.starts_with("ready")});
    if !has("unscheduled") {
        given["node"] = json!("n1");
    }
    for (part, field, value) in [
        ("ready for a month", "readyFor", json!("720h")),
        ("ready since now", "readyFor", json!("0s")),
        ("created now", "createdAgo", json!("0s")),
        ("created a month ago", "createdAgo", json!("720h")),
        ("2 restarts", "restarts", json!(2)),
        ("3 restarts", "restarts", json!(3)),
    ] {
        if has(part) {
            given[field] = value;
        }
    }
    pod(&given)
}

fn names(pods: &[Arc<Pod>]) -> Vec<String> {
    pods.iter().map(|p| p.meta.name.to_string()).collect()
}

#[test]
fn the_least_useful_pods_go_first() {
    let of_op = |op: &str| rows_where("pod-deletion-order", "op", op);
    check(&of_op("choose"), 8, |row| {
        let pods: Vec<_> = row.list("pods").iter().map(pod).collect();
        let related: Vec<_> = row
            .list("relatedActivePodNodes")
            .iter()
            .map(|node| pod(&json!({"name": "r", "node": node, "phase": "Running"})))
            .collect();
        let chosen = names(&doomed(&pods, &related, row.number("delete") as usize, now()));
        let wanted: Vec<String> = serde_json::from_value(row.expect["deleted"].clone()).unwrap();
        let same_set = chosen.iter().collect::<BTreeSet<_>>() == wanted.iter().collect();
        let any_order = row.expect["ordered"] == false && same_set;
        json!({"deleted": if any_order { wanted } else { chosen }})
    });
    check(&of_op("sort"), 1, |row| {
        let pods: Vec<_> = row.list("pods").iter().map(|text| described(text.as_str().unwrap())).collect();
        json!({"firstDeletedFirst": names(&ranked(&pods, &[], now()))})
    });
    check(&of_op("less"), 12, |row| {
        let at = |which: &str| place(&pod(&row.given[which]), row.given[which]["rank"].as_i64().unwrap(), now());
        let (a, b) = (at("a"), at("b"));
        // Both have one uid here, which is what would decide next.
        if a == b { json!({"tie": true}) } else { json!({"aFirst": a < b}) }
    });
}

#[test]
fn pods_are_taken_in_and_let_go() {
    check(&rows("adoption"), 7, |row| {
        let mut doc = set(row.number("replicas"));
        if row.flag("setTerminating") {
            doc["metadata"]["deletionTimestamp"] = json!("2026-01-01T12:00:00Z");
        }
        let mut store = store_of([doc]);
        for (at, given) in row.list("pods").iter().enumerate() {
            let mut meta = json!({"name": format!("p{at}"), "namespace": "default", "uid": format!("p{at}")});
            meta["labels"] = json!({"app": if given["labelsMatch"] == true { "web" } else { "other" }});
            match given["owner"].as_str() {
                Some("self") => meta["ownerReferences"] = owner("rs"),
                Some(other) => meta["ownerReferences"] = owner(other),
                None => {}
            }
            if given["terminating"] == true {
                meta["deletionTimestamp"] = json!("2026-01-01T12:00:00Z");
            }
            let phase = given["phase"].as_str().unwrap_or("Running");
            let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "status": {"phase": phase}});
            store.insert(Object::parse(&pod), Instant::START);
        }
        let plan = planned(&store);
        let count = |test: &dyn Fn(&Write) -> bool| writes(&plan).into_iter().filter(|w| test(w)).count();
        let owned = |w: &Write| if let Write::Update(Object::Pod(p)) = w { Some(p.meta.controller().is_some()) } else { None };
        let all = json!({"adopted": count(&|w| owned(w) == Some(true)), "released": count(&|w| owned(w) == Some(false)),
            "created": creations(&plan), "deleted": count(&|w| matches!(w, Write::Delete { .. }))});
        told(row, all)
    });
}
