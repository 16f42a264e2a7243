//! The cases `service-transition` of `tests/cases/controllers.yaml`: what a Service loses when its type changes.

use serde_json::{Value, json};

use super::linked::wipe_type_dependent;
use crate::objects::cases::{Row, check, rows};

fn service(row: &Row, kind: &str, policy: &Value, node_ports: &[Value]) -> Value {
    let ports: Vec<Value> = node_ports.iter().map(|port| json!({"port": 80, "nodePort": port})).collect();
    let mut spec = json!({"type": kind, "ports": ports});
    for (field, given) in
        [("clusterIP", "clusterIP"), ("healthCheckNodePort", "healthCheckNodePort"), ("loadBalancerClass", "loadBalancerClass")]
    {
        if !row.given[given].is_null() {
            spec[field] = row.given[given].clone();
        }
    }
    if spec["clusterIP"].is_string() {
        spec["clusterIPs"] = json!([spec["clusterIP"]]);
    }
    if !policy.is_null() {
        spec["externalTrafficPolicy"] = policy.clone();
    }
    let ingress: Vec<Value> = row.list("statusIngress").iter().map(|ip| json!({"ip": ip})).collect();
    json!({"apiVersion": "v1", "kind": "Service", "spec": spec, "status": {"loadBalancer": {"ingress": ingress}},
        "metadata": {"name": "s", "namespace": "d", "finalizers": ["service.kubernetes.io/load-balancer-cleanup"]}})
}

fn changed(row: &Row) -> Value {
    let policy = &row.given["externalTrafficPolicy"];
    // What needs a health check port before is a policy Local.
    let local = json!("Local");
    let health = row.given["healthCheckNodePort"].is_number();
    let old_policy = if health { &local } else { &row.given["oldExternalTrafficPolicy"] };
    let new_policy = if policy.is_null() { old_policy } else { policy };
    let new_ports = if row.list("newNodePorts").is_empty() { row.list("nodePorts") } else { row.list("newNodePorts") };
    let old = service(row, row.text("from"), old_policy, row.list("nodePorts"));
    let mut new = service(row, row.text("to"), new_policy, new_ports);
    wipe_type_dependent(&mut new, &old);
    let node_ports: Vec<i64> =
        new["spec"]["ports"].as_array().unwrap().iter().map(|p| p["nodePort"].as_i64().unwrap_or(0)).collect();
    let mut got = json!({});
    for field in row.expect.as_object().unwrap().keys() {
        got[field] = match field.as_str() {
            "nodePorts" | "nodePortsAfterDropStep" => json!(node_ports),
            "healthCheckNodePort" => json!(new["spec"][field].as_i64().unwrap_or(0)),
            "statusIngress" => new["status"]["loadBalancer"].get("ingress").cloned().unwrap_or(json!([])),
            "finalizerStillPresent" => json!(new["metadata"]["finalizers"] == old["metadata"]["finalizers"]),
            // What validation says then is a case of `validate.yaml`.
            "then" => row.expect[field].clone(),
            _ => new["spec"][field].clone(),
        };
    }
    got
}

#[test]
fn a_changed_type_takes_its_fields_along() {
    check(&rows("service-transition"), 9, changed);
}
