//! The cases of `tests/cases/controllers.yaml` that controllers are about, each kind judged by its box.
//!
//! Left out, as the box does not exist: the hints of mode Auto (`topology-hints`), which need the CPU of zones.

mod endpoints;
mod nodes;
mod replicas;
mod rollouts;

use serde_json::{Value, json};

use super::tests::Stage;
use super::work_queue::Retry;
use super::*;
use crate::cloud;
use crate::engine::random::{Draws, Seed};
use crate::engine::time::Instant;
use crate::objects::cases::{Row, check, rows, rows_where};
use crate::objects::time::Timestamp;

/// A clock at so long after noon.
fn clock(now: Duration) -> Clock {
    let start = Timestamp::parse("2026-01-01T12:00:00Z").unwrap();
    Clock { now: Instant::START + now, start, draws: Draws::new(Seed(7)) }
}

fn store_of(docs: impl IntoIterator<Item = Value>) -> Store {
    let mut store = Store::default();
    for doc in docs {
        store.insert(Object::parse(&doc), Instant::START);
    }
    store
}

fn key(name: &str) -> Key {
    ("default".into(), name.into())
}

/// The writes of a plan, in order.
fn writes(plan: &Plan) -> Vec<&Write> {
    plan.waves.iter().flatten().map(|step| &step.write).collect()
}

/// Merges what a row gives into a document.
fn with(mut doc: Value, place: &[&str], value: Value) -> Value {
    crate::objects::json::set(&mut doc, place, value);
    doc
}

/// Only what the row tells.
fn told(row: &Row, got: Value) -> Value {
    let told = |(field, _): &(&String, &Value)| row.expect.get(field.as_str()).is_some();
    Value::Object(got.as_object().unwrap().iter().filter(told).map(|(k, v)| (k.clone(), v.clone())).collect())
}

#[test]
fn failed_keys_wait_as_long_as_upstream() {
    let waits = |retry: Retry, count: i64| (1..=count).map(|n| retry.wait(n as u32).as_secs()).collect::<Vec<_>>();
    for (op, which, count) in [
        ("service-sync", Which::ServiceLb, 1),
        ("endpointslice-sync", Which::EndpointSlice, 1),
        ("mirroring-sync", Which::EndpointSliceMirroring, 1),
    ] {
        check(
            &rows_where("backoff", "op", op),
            count,
            |row| json!({"waitAfterFailure": waits(Running::new(which).get().retry(), row.number("failures"))}),
        );
    }
    // The queue's own rule, whatever the numbers. Nothing waits before it has failed.
    check(&rows_where("backoff", "op", "value before each failure"), 1, |row| {
        let secs = |key| Duration::from_secs(row.number(key) as u64);
        let retry = Retry { base: secs("initial"), max: secs("max"), tries_max: 0 };
        let values = [vec![0], waits(retry, 9)].concat();
        json!({"values": values})
    });
}

/// What becomes of an owner and its dependent at once, and after a while.
fn cascade(row: &Row) -> Value {
    let policy = match row.text("propagationPolicy") {
        "Foreground" => crate::api::request::Propagation::Foreground,
        "Orphan" => crate::api::request::Propagation::Orphan,
        _ => crate::api::request::Propagation::Background,
    };
    let map = |name: &str, owners: Value| {
        json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": "default", "uid": name, "ownerReferences": owners}})
    };
    let mut stage = Stage::new(&[Which::Garbage], cloud::Config::default());
    stage.add(map("owner", json!([])));
    let owner = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": "owner", "blockOwnerDeletion": true});
    stage.add(map("dependent", json!([owner])));
    stage.run(Duration::from_secs(1));
    let kind = crate::objects::KindName { group: "".into(), kind: "ConfigMap".into() };
    let delete = Write::Delete {
        kind: kind.clone(),
        namespace: "default".into(),
        name: "owner".into(),
        uid: None,
        grace: None,
        propagation: Some(policy),
    };
    stage.write(delete).unwrap();
    let find = |stage: &Stage, name: &str| stage.store.head().find(&kind, "default", name).map(|(_, object)| object);
    let (owner, dependent) = (find(&stage, "owner"), find(&stage, "dependent"));
    stage.run(Duration::from_secs(5));
    if find(&stage, "owner").is_some() || dependent.is_none() {
        return json!({"ownerGone": "never, or its dependent too early"});
    }
    let kept = find(&stage, "dependent");
    match (&owner, &kept) {
        (None, None) => json!({"ownerGone": "at once", "dependents": "deleted afterwards by the collector"}),
        (Some(owner), None) => json!({"ownerFinalizer": &*owner.meta().finalizers[0],
            "ownerGone": "after all dependents with blockOwnerDeletion=true are gone"}),
        (Some(owner), Some(kept)) if kept.meta().owners.is_empty() => json!({"ownerFinalizer": &*owner.meta().finalizers[0],
            "dependents": "kept", "ownerGone": "after dependents lose the owner reference"}),
        _ => json!({"ownerGone": "otherwise"}),
    }
}

#[test]
fn owners_and_dependents_go_as_asked() {
    check(&rows("gc"), 3, cascade);
}
