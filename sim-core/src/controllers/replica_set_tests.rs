use super::*;
use crate::controllers::deletion_order::ranked;
use crate::objects::time::Timestamp;
use serde_json::{Value, json};

fn pod(name: &str, spec: Value, status: Value) -> Arc<Pod> {
    let doc = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "d", "uid": name}, "spec": spec, "status": status});
    Arc::new(Pod::parse(&doc))
}

#[test]
fn the_least_useful_go_first() {
    let ready = |since: &str| json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": since}]});
    let pods = [
        pod("old", json!({"nodeName": "a"}), ready("2026-01-01T00:00:00Z")),
        pod("young", json!({"nodeName": "b"}), ready("2026-01-01T11:00:00Z")),
        pod("unready", json!({"nodeName": "c"}), json!({"phase": "Running"})),
        pod("pending", json!({"nodeName": "c"}), json!({"phase": "Pending"})),
        pod("unassigned", json!({}), json!({"phase": "Pending"})),
    ];
    let now = Timestamp::parse("2026-01-01T12:00:00Z").unwrap();
    let names: Vec<String> = ranked(&pods, &pods, now).iter().map(|p| p.meta.name.to_string()).collect();
    assert_eq!(names, ["unassigned", "pending", "unready", "young", "old"]);
}

/// A store with a set and pods of it that come, change and go at random; the set as it stands at the end.
fn random_history(seed: u64, steps: usize) -> (crate::store::Store, Arc<ReplicaSet>) {
    use crate::engine::random::{Draws, Seed};
    use crate::engine::time::Instant;
    let mut draws = Draws::new(Seed(seed)).stream("pods", 0);
    let set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "s", "namespace": "d", "uid": "s"},
        "spec": {"replicas": 20, "selector": {"matchLabels": {"app": "a"}}, "template": {"metadata": {"labels": {"app": "a", "v": "1"}}}}});
    let mut store = crate::store::Store::holding([Object::parse(&set)]);
    for step in 0..steps {
        let pods: Vec<_> = store.head().pods.entries().map(|(id, pod)| (id, pod.clone())).collect();
        let owner = json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "s", "uid": "s", "controller": true}]);
        let labels = [json!({"app": "a", "v": "1"}), json!({"app": "a", "v": "2"})][draws.below(2) as usize].clone();
        let phase = ["Pending", "Running", "Succeeded"][draws.below(3) as usize];
        let ready = ["True", "False"][draws.below(2) as usize];
        let mut doc = json!({"apiVersion": "v1", "kind": "Pod", "spec": {},
            "metadata": {"name": format!("p{step}"), "namespace": "d", "uid": format!("p{step}"), "labels": labels, "ownerReferences": owner},
            "status": {"phase": phase, "conditions": [{"type": "Ready", "status": ready}]}});
        match (draws.below(4), pods.get(draws.below(pods.len().max(1) as u64) as usize)) {
            (0, Some((id, pod))) => store.remove(*id, Object::Pod(pod.clone()), Instant::START),
            (1 | 2, Some((id, pod))) => {
                doc["metadata"]["name"] = pod.meta.name.to_string().into();
                doc["metadata"]["uid"] = pod.meta.name.to_string().into();
                if draws.below(3) == 0 {
                    doc["metadata"]["deletionTimestamp"] = "2026-01-01T12:00:00Z".into();
                }
                store.replace(*id, Object::Pod(pod.clone()), Object::parse(&doc), Instant::START);
            }
            _ => drop(store.insert(Object::parse(&doc), Instant::START)),
        }
    }
    let set = store.head().replica_sets.get("d", "s").expect("it is there").clone();
    (store, set)
}

#[test]
fn kept_counts_are_those_of_a_look_at_every_pod() {
    let clock = Clock {
        now: crate::engine::time::Instant::START,
        start: Timestamp::parse("2026-01-01T12:00:00Z").unwrap(),
        draws: crate::engine::random::Draws::new(crate::engine::random::Seed(1)),
    };
    let mut compared = 0;
    for seed in 0..60 {
        let (store, set) = random_history(seed, 5 + seed as usize);
        let live: Vec<Arc<Pod>> = store
            .head()
            .pods_owned("s")
            .filter(|(_, p)| p.meta.controlled_by("s") && is_live(p))
            .map(|(_, p)| p.clone())
            .collect();
        let plain = counts(&set, &live, clock, &mut Plan::default());
        match counted(store.head(), &set, "s") {
            Some(kept) => {
                assert_eq!(kept, plain, "seed {seed}");
                compared += 1;
            }
            None => assert!(plain.live > 20, "seed {seed}: nothing to do with a single pod"),
        }
    }
    assert!(compared > 40, "{compared}");
}
