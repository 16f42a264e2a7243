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
