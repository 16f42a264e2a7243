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

/// `n/s` in front of these endpoints: last number, node, ready, terminating (what does not serve is neither), hinted zone, hinted
/// node.
type Listed<'a> = (u8, &'a str, bool, bool, Option<&'a str>, Option<&'a str>);

fn listing(endpoints: &[Listed<'_>]) -> Store {
    let hint = |name: &Option<&str>| name.iter().map(|n| json!({"name": n})).collect::<Vec<_>>();
    let endpoint = |(n, node, ready, terminating, zone, hinted): &Listed<'_>| {
        json!({"addresses": [format!("10.0.0.{n}")], "nodeName": node,
            "conditions": {"ready": ready, "serving": *ready || *terminating, "terminating": terminating},
            "hints": {"forZones": hint(zone), "forNodes": hint(hinted)}})
    };
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "n"},
        "spec": {"clusterIP": "10.96.0.20", "ports": [{"name": "p", "port": 80}]}});
    let slice = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "s-1", "namespace": "n", "labels": {"kubernetes.io/service-name": "s"}},
        "ports": [{"name": "p", "port": 80, "protocol": "TCP"}], "endpoints": endpoints.iter().map(endpoint).collect::<Value>()});
    Store::holding([Object::parse(&service), Object::parse(&slice)])
}

const HERE: Here<'_> = Here { node: "a", zone: Some("east") };

/// Why each endpoint that a list does not have is not in it, by its last number.
fn reasons(endpoints: &[Listed<'_>], only_local: bool) -> Vec<(u8, NotEligible)> {
    let store = listing(endpoints);
    let service = store.head().services.get("n", "s").unwrap().clone();
    let usable = usable(store.head(), &service, &service.ports[0], false, HERE);
    let list = if only_local { &usable.local } else { &usable.cluster };
    let left = left_out(store.head(), (&service, &service.ports[0]), false, HERE, (list, only_local));
    let last = |ip: IpAddr| ip.to_string().rsplit('.').next().unwrap().parse().unwrap();
    left.into_iter().map(|(at, why)| (last(at.ip()), why)).collect()
}

#[test]
fn who_is_left_out_and_why() {
    use NotEligible::{NotReady, OtherNode, OtherZone, Terminating};
    let plain = [(1, "a", true, false, None, None), (2, "b", true, false, None, None)];
    let ill = [(3, "a", false, false, None, None), (4, "a", false, true, None, None), (5, "b", false, false, None, None)];
    let zones = [(1, "a", true, false, Some("east"), None), (2, "b", true, false, Some("west"), None)];
    let nodes = [(1, "a", true, false, Some("east"), Some("a")), (2, "b", true, false, Some("west"), Some("b"))];
    let leaving = [(1, "a", false, true, None, None), (2, "b", false, false, None, None)];
    for (what, endpoints, only_local, want) in [
        ("all are ready", plain.to_vec(), false, vec![]),
        ("the Local list has those of the node", plain.to_vec(), true, vec![(2, OtherNode)]),
        ("some are not ready", [&plain[..], &ill].concat(), false, vec![(3, NotReady), (4, Terminating), (5, NotReady)]),
        (
            "where it is comes first",
            [&plain[..], &ill].concat(),
            true,
            vec![(2, OtherNode), (3, NotReady), (4, Terminating), (5, OtherNode)],
        ),
        ("zones", zones.to_vec(), false, vec![(2, OtherZone)]),
        ("nodes before zones", nodes.to_vec(), false, vec![(2, OtherNode)]),
        ("those that leave are better than nobody", leaving.to_vec(), false, vec![(2, NotReady)]),
    ] {
        assert_eq!(reasons(&endpoints, only_local), want, "{what}");
    }
}

/// UDP flows may go on to what serves, ready or not; a Service that no slice speaks of leaves its flows alone.
#[test]
fn what_serves() {
    let serving = |endpoints: &[Listed<'_>]| {
        let store = listing(endpoints);
        let service = store.head().services.get("n", "s").unwrap().clone();
        serving(store.head(), &service, &service.ports[0], false).map(|list| list.len())
    };
    assert_eq!(serving(&[]), None);
    assert_eq!(serving(&[(1, "a", false, false, None, None)]), Some(0));
    assert_eq!(
        serving(&[(1, "a", true, false, None, None), (2, "b", false, true, None, None), (3, "a", false, false, None, None)]),
        Some(2)
    );
}
