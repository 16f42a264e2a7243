//! kubectl in process, against a world that is nothing but documents.

mod conformance;
mod reading;
mod waiting;
mod world;
mod writing;

use serde_json::{Value, json};

/// A running pod of the app `web`.
fn pod(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": "web"}, "uid": format!("u-{name}"),
            "creationTimestamp": "2026-01-01T11:55:00Z", "resourceVersion": "1"},
        "spec": {"containers": [{"name": "c", "image": "nginx", "ports": [{"containerPort": 80, "protocol": "TCP"}]}],
            "nodeName": "node-1"},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": [
            {"name": "c", "ready": true, "restartCount": 0, "state": {"running": {}}}]},
    })
}

/// A Deployment of two replicas, rolled out.
fn deployment(name: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": name}, "uid": format!("u-{name}"),
            "annotations": {"deployment.kubernetes.io/revision": "2"},
            "creationTimestamp": "2026-01-01T11:50:00Z", "generation": 2, "resourceVersion": "1"},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "nginx", "image": "nginx:1.25"}]}}},
        "status": {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2,
            "conditions": [{"type": "Available", "status": "True"}]},
    })
}

/// Revision `number` of the Deployment `owner`, running `image`.
fn replica_set(owner: &str, number: i64, image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": format!("{owner}-{number}"), "namespace": "default", "labels": {"app": owner},
            "annotations": {"deployment.kubernetes.io/revision": number.to_string()},
            "creationTimestamp": format!("2026-01-01T11:5{number}:00Z"),
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": owner, "uid": format!("u-{owner}"),
                "controller": true}]},
        "spec": {"replicas": 0, "template": {
            "metadata": {"labels": {"app": owner, "pod-template-hash": number.to_string()}},
            "spec": {"containers": [{"name": "nginx", "image": image}]}}},
        "status": {"replicas": 0},
    })
}

fn service(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": name, "namespace": "default", "creationTimestamp": "2026-01-01T11:55:00Z"},
        "spec": {"type": "ClusterIP", "clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9"], "selector": {"app": name},
            "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}]},
        "status": {"loadBalancer": {}},
    })
}

/// Runs the lines one after the other in one world; each is shown with what it printed.
fn transcript(objects: Vec<Value>, lines: &[&str]) -> String {
    run_all(&mut world::FakeHost::new(objects, "2026-01-01T12:00:00Z"), lines)
}

fn run_all(host: &mut world::FakeHost, lines: &[&str]) -> String {
    lines.iter().map(|line| format!("$ {line}\n{}", host.show(line))).collect()
}
