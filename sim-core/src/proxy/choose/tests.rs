//! The cases of `tests/cases/endpoint-categories.yaml`: what upstream's unit tests assert about endpoint lists.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::objects::Object;
use crate::proxy::lookup::balancer_ips;
use crate::store::Store;

fn cases() -> Vec<Value> {
    serde_yaml::from_str(include_str!("../../../../tests/cases/endpoint-categories.yaml")).unwrap()
}

/// The objects of a case as manifests.
fn store(case: &Value) -> Store {
    let given = &case["service"];
    let mut port = json!({"name": "p", "port": 80});
    port["nodePort"] = given["nodePort"].clone();
    let mut spec = json!({"clusterIP": "10.96.0.20", "ports": [port]});
    for key in ["type", "internalTrafficPolicy", "externalTrafficPolicy", "trafficDistribution"] {
        spec[key] = given[key].clone();
    }
    let hint = |list: &Value| list.as_array().into_iter().flatten().map(|n| json!({"name": n})).collect::<Vec<_>>();
    let endpoint = |e: &Value| {
        json!({"addresses": [e["ip"]], "nodeName": e["nodeName"],
            "conditions": {"ready": e["ready"], "serving": e["serving"], "terminating": e["terminating"]},
            "hints": {"forZones": hint(&e["hints"]["zones"]), "forNodes": hint(&e["hints"]["nodes"])}})
    };
    let endpoints: Vec<Value> = case["endpoints"].as_array().unwrap().iter().map(endpoint).collect();
    let docs = [
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "n"}, "spec": spec}),
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": "s-1", "namespace": "n", "labels": {"kubernetes.io/service-name": "s"}},
            "ports": [{"name": "p", "port": 80, "protocol": "TCP"}], "endpoints": endpoints}),
    ];
    Store::holding(docs.iter().map(Object::parse))
}

/// Whether anybody outside could reach the port.
fn externally_accessible(service: &Service, port: &ServicePort) -> bool {
    port.node_port.is_some() || !service.external_ips.is_empty() || balancer_ips(service).next().is_some()
}

/// Whether upstream computes the Cluster list; ours is there whenever somebody asks.
fn uses_cluster(service: &Service, port: &ServicePort) -> bool {
    !service.internal_local || externally_accessible(service, port)
}

/// Whether upstream computes the Local list.
fn uses_local(service: &Service, port: &ServicePort) -> bool {
    service.internal_local || external_local(service) && externally_accessible(service, port)
}

type Ips = Option<BTreeSet<String>>;

fn wanted(list: &Value) -> Ips {
    list.as_array().map(|l| l.iter().map(|ip| ip.as_str().unwrap().to_string()).collect())
}

fn got(used: bool, list: &[SocketAddr]) -> Ips {
    used.then(|| list.iter().map(|a| a.ip().to_string()).collect())
}

#[test]
fn lists_are_those_upstream_asserts() {
    let cases = cases();
    assert_eq!(cases.len(), 44);
    for case in &cases {
        let (store, expect) = (store(case), &case["expect"]);
        let view = store.head();
        let service = view.services.get("n", "s").unwrap();
        let port = &service.ports[0];
        let here = Here { node: case["node"]["name"].as_str().unwrap(), zone: case["node"]["zone"].as_str() };
        let usable = usable(view, service, port, false, here);
        let cluster = got(uses_cluster(service, port), &usable.cluster);
        let local = got(uses_local(service, port), &usable.local);
        let all = cluster.iter().chain(&local).flatten().cloned().collect();
        let all: Ips = Some(all);
        let want = (wanted(&expect["cluster"]), wanted(&expect["local"]), wanted(&expect["all"]), expect["hasAny"].as_bool());
        assert_eq!((cluster, local, all, Some(usable.any())), want, "{}", case["name"]);
    }
}

/// kube-proxy lists neither Services nor slices with these labels.
#[test]
fn labels_that_are_for_others() {
    let case = &cases()[0];
    for (label, read) in
        [("app", true), ("service.kubernetes.io/headless", false), ("service.kubernetes.io/service-proxy-name", false)]
    {
        let labels = json!({"kubernetes.io/service-name": "s", label: ""});
        let slice = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": "s-1", "namespace": "n", "labels": labels},
            "ports": [{"name": "p", "port": 80, "protocol": "TCP"}], "endpoints": [{"addresses": ["10.0.0.1"]}]});
        let service = store(case).head().services.get("n", "s").unwrap().clone();
        let store = Store::holding([Object::Service(service.clone()), Object::parse(&slice)]);
        let usable = usable(store.head(), &service, &service.ports[0], false, Here { node: "a", zone: None });
        assert_eq!(usable.any(), read, "{label}");
    }
}
