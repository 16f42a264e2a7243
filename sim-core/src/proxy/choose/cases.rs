//! The cases `proxy-endpoints` of `tests/cases/controllers.yaml`: which endpoints a node uses.

use serde_json::{Value, json};

use super::*;
use crate::engine::time::Instant;
use crate::objects::Object;
use crate::objects::cases::{Row, check, rows};
use crate::store::Store;

fn used(row: &Row) -> Value {
    let endpoint = |e: &Value| {
        let hints: Vec<Value> = e["hints"].as_array().into_iter().flatten().map(|zone| json!({"name": zone})).collect();
        json!({"addresses": [format!("10.0.0.{}", e["name"].as_str().unwrap())],
            "nodeName": if e["local"] == true { "here" } else { "there" }, "hints": {"forZones": hints},
            "conditions": {"ready": e["ready"], "serving": e["serving"], "terminating": e["terminating"]}})
    };
    let endpoints: Vec<Value> = row.list("endpoints").iter().map(endpoint).collect();
    let mut store = Store::default();
    for doc in [
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "n"},
            "spec": {"clusterIP": "10.96.0.20", "ports": [{"name": "p", "port": 80}]}}),
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": "s-1", "namespace": "n", "labels": {"kubernetes.io/service-name": "s"}},
            "ports": [{"name": "p", "port": 80, "protocol": "TCP"}], "endpoints": endpoints}),
    ] {
        store.insert(Object::parse(&doc), Instant::START);
    }
    let service = store.head().services.get("n", "s").unwrap();
    let here = Here { node: "here", zone: row.given["nodeZone"].as_str() };
    let usable = usable(store.head(), service, &service.ports[0], false, here);
    let list = if row.text("policy") == "Local" { usable.local } else { usable.cluster };
    let name = |at: &SocketAddr| at.ip().to_string().trim_start_matches("10.0.0.").to_string();
    json!({"used": list.iter().map(name).collect::<Vec<_>>()})
}

#[test]
fn nodes_pick_as_upstream() {
    check(&rows("proxy-endpoints"), 9, used);
}
