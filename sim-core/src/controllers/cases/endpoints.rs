//! Kinds of the endpoint controllers: `endpoint-conditions`, `endpoints-object`, `endpoints-truncate`, `endpointslice`,
//! `named-port`, and of `topology-hints` those of mode PreferClose.

use std::collections::BTreeMap;

use super::super::endpoint_slice::{self, target_port};
use super::super::endpoints;
use super::super::packing::{self, Shape};
use super::*;
use crate::objects::endpoint_slice::{AddressType, Endpoint, EndpointSlice, SlicePort};
use crate::objects::endpoints::{Address, Subset};
use crate::objects::pod::Pod;
use crate::objects::pod_spec::Protocol;
use crate::objects::service::Service;

fn service(publish: bool) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "default", "uid": "s1"},
        "spec": {"clusterIP": "10.96.0.9", "selector": {"app": "web"}, "publishNotReadyAddresses": publish, "ports": [{"port": 80}]}})
}

fn node(zone: &Value) -> Value {
    let labels = if zone.is_null() { json!({}) } else { json!({"topology.kubernetes.io/zone": zone}) };
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "labels": labels}})
}

/// Pod number `n` of the Service.
fn pod(n: usize, ready: bool, terminating: bool, phase: &str) -> Value {
    let mut doc = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": format!("p{n}"), "namespace": "default", "uid": format!("p{n}"), "labels": {"app": "web"}},
        "spec": {"nodeName": "n1"},
        "status": {"phase": phase, "podIPs": [{"ip": format!("10.244.{}.{}", n / 250, n % 250)}],
            "conditions": [{"type": "Ready", "status": if ready { "True" } else { "False" }}]}});
    if terminating {
        doc["metadata"]["deletionTimestamp"] = json!("2026-01-01T12:00:00Z");
    }
    doc
}

/// The slices that the controller makes of nothing.
fn fresh_slices(store: &Store) -> Vec<Arc<EndpointSlice>> {
    let plan = endpoint_slice::reconcile(store.head(), &key("web"));
    let of = |w: &Write| if let Write::Create(Object::EndpointSlice(slice)) = w { Some(slice.clone()) } else { None };
    writes(&plan).into_iter().filter_map(of).collect()
}

#[test]
fn endpoints_show_the_state_of_their_pods() {
    check(&rows("endpoint-conditions"), 7, |row| {
        let pod = pod(1, row.flag("podReady"), row.flag("podTerminating"), "Running");
        let store = store_of([service(row.flag("publishNotReadyAddresses")), node(&Value::Null), pod]);
        let endpoint = &fresh_slices(&store)[0].endpoints[0];
        json!({"ready": endpoint.ready, "serving": endpoint.serving, "terminating": endpoint.terminating})
    });
}

#[test]
fn ready_endpoints_hint_at_their_zone() {
    check(&rows_where("topology-hints", "mode", "PreferClose"), 3, |row| {
        let given = &row.given["endpoints"][0];
        let service = with(service(false), &["spec", "trafficDistribution"], json!("PreferClose"));
        let store = store_of([service, node(&given["zone"]), pod(1, given["ready"] == true, false, "Running")]);
        json!({"hints": [fresh_slices(&store)[0].endpoints[0].zone_hints.first().map(|z| z.to_string())]})
    });
}

#[test]
fn the_older_list_leaves_out_what_ends() {
    check(&rows("endpoints-object"), 16, |row| {
        let mut pod = pod(1, row.flag("podReady"), row.flag("podTerminating"), row.text("phase"));
        pod["spec"]["restartPolicy"] = row.given["restartPolicy"].clone();
        let store = store_of([service(row.flag("publishNotReadyAddresses")), node(&Value::Null), pod]);
        let plan = endpoints::reconcile(store.head(), &key("web"));
        let Write::Create(Object::Endpoints(made)) = writes(&plan)[0] else { panic!("{}", row.name) };
        let count = |of: fn(&Subset) -> usize| made.subsets.iter().map(of).sum::<usize>();
        json!({"addresses": count(|s| s.ready.len()), "notReadyAddresses": count(|s| s.not_ready.len())})
    });
}

#[test]
fn the_older_list_is_cut_in_proportion() {
    check(&rows("endpoints-truncate"), 3, |row| {
        assert_eq!(row.number("capacity"), 1000, "{}", row.name);
        let list = |n: i64| vec![Address::default(); n as usize];
        let sizes = row.numbers("readyPerSubset").into_iter().zip(row.numbers("notReadyPerSubset"));
        let mut subsets: Vec<Subset> =
            sizes.map(|(ready, not)| Subset { ready: list(ready), not_ready: list(not), ports: Vec::new() }).collect();
        let cut = endpoints::truncate(&mut subsets);
        let count = |of: fn(&Subset) -> usize| subsets.iter().map(of).collect::<Vec<_>>();
        json!({"readyPerSubset": count(|s| s.ready.len()), "notReadyPerSubset": count(|s| s.not_ready.len()), "annotationTruncated": cut})
    });
}

/// Endpoint number `n`; `turned` is one whose readiness has changed.
fn endpoint(n: usize, turned: bool) -> Endpoint {
    let address = format!("10.244.{}.{}", n / 250, n % 250);
    Endpoint { addresses: vec![address.into()], ready: Some(!turned), ..Endpoint::default() }
}

fn shape(port: u16) -> Shape {
    let port = SlicePort { name: Some("".into()), protocol: Protocol::Tcp, port: Some(port), app_protocol: None };
    (AddressType::V4, vec![port])
}

/// The slices that are there: full of the first endpoints, in turn.
fn existing(row: &Row) -> Vec<EndpointSlice> {
    let owner = if row.flag("existingOwnerUIDDiffers") { "s0" } else { "s1" };
    let mut next = 0;
    let one = |(at, size): (usize, i64)| {
        let mut slice = EndpointSlice::parse(&json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "addressType": if row.flag("addressTypeChanged") { "IPv6" } else { "IPv4" },
            "metadata": {"name": format!("web-{at}"), "namespace": "default", "uid": format!("e{at}"),
                "labels": {"kubernetes.io/service-name": "web", "endpointslice.kubernetes.io/managed-by": packing::MANAGER},
                "ownerReferences": [{"apiVersion": "v1", "kind": "Service", "name": "web", "uid": owner, "controller": true}]}}));
        slice.ports = shape(80).1;
        slice.endpoints = (next..next + size as usize).map(|n| endpoint(n, false)).collect();
        slice.given = None;
        next += size as usize;
        slice
    };
    row.numbers("existing").into_iter().enumerate().map(one).collect()
}

/// What the Service is to have in the end, by shape.
fn wanted(row: &Row, existing: &[EndpointSlice]) -> BTreeMap<Shape, Vec<Endpoint>> {
    let turned = row.flag("allExistingTouched");
    let held: usize = existing.iter().map(|s| s.endpoints.len()).sum();
    let sets = row.given["distinctPortSets"].as_u64().unwrap_or(1) as usize;
    let first = if row.flag("portsChanged") { 81 } else { 80 };
    let mut wanted: BTreeMap<Shape, Vec<Endpoint>> = BTreeMap::new();
    if let Some(removed) = row.given["removeFromEach"].as_u64() {
        let kept = existing.iter().flat_map(|s| s.endpoints.iter().skip(removed as usize).cloned());
        return BTreeMap::from([(shape(80), kept.collect())]);
    }
    for n in 0..row.number("desired") as usize {
        wanted.entry(shape(first + (n % sets) as u16)).or_default().push(endpoint(n, turned && n < held));
    }
    wanted
}

fn packed(row: &Row) -> Value {
    let before = existing(row);
    let mut store = store_of([service(false)]);
    for slice in &before {
        store.insert(Object::EndpointSlice(Arc::new(slice.clone())), Instant::START);
    }
    let service = store.head().services.get("default", "web").unwrap().clone();
    let full = row.number("maxEndpointsPerSlice") as usize;
    let writes = packing::pack(store.head(), &service, wanted(row, &before), full);
    let mut after: Vec<(String, usize)> = before.iter().map(|s| (s.meta.name.to_string(), s.endpoints.len())).collect();
    let (mut creates, mut updates, mut deletes) = (Vec::new(), 0, 0);
    for write in &writes {
        match write {
            Write::Create(Object::EndpointSlice(slice)) => creates.push(slice.endpoints.len()),
            Write::Update(Object::EndpointSlice(slice)) => {
                updates += 1;
                after.iter_mut().filter(|(name, _)| *name == *slice.meta.name).for_each(|(_, n)| *n = slice.endpoints.len());
            }
            Write::Delete { name, .. } => {
                deletes += 1;
                after.retain(|(known, _)| known != name.as_str());
            }
            _ => panic!("{write:?}"),
        }
    }
    let sizes: Vec<usize> = after.into_iter().map(|(_, n)| n).chain(creates.iter().copied()).collect();
    let mut got = json!({"slices": in_order(row, sizes), "creates": creates.len(), "updates": updates, "deletes": deletes});
    got["oldDeleted"] = json!(deletes == before.len());
    told(row, got)
}

/// The order of slices means nothing.
fn in_order(row: &Row, mut sizes: Vec<usize>) -> Value {
    let expected = row.expect["slices"].as_array().into_iter().flatten().filter_map(Value::as_u64);
    let mut wanted: Vec<usize> = expected.map(|n| n as usize).collect();
    let expected = json!(wanted);
    sizes.sort_unstable();
    wanted.sort_unstable();
    if sizes == wanted { expected } else { json!(sizes) }
}

/// Rows about the whole controller: pods in, slices out.
fn made_of_pods(row: &Row) -> Value {
    let mut store = store_of([service(row.flag("publishNotReadyAddresses")), node(&Value::Null)]);
    for n in 0..row.number("desired") as usize {
        store.insert(Object::parse(&pod(n, row.given["podsReady"] != false, false, "Running")), Instant::START);
    }
    let slices = fresh_slices(&store);
    let ports: Vec<u16> = slices.iter().flat_map(|s| &s.ports).filter_map(|p| p.port).collect();
    let got = json!({"slices": slices.iter().map(|s| s.endpoints.len()).collect::<Vec<_>>(),
        "placeholder": slices.len() == 1 && slices[0].endpoints.is_empty(), "ports": ports,
        "allReady": slices.iter().flat_map(|s| &s.endpoints).all(|e| e.ready == Some(true))});
    told(row, got)
}

#[test]
fn few_writes_matter_more_than_few_slices() {
    check(&rows("endpointslice"), 19, |row| {
        let whole = row.given["desired"] == 0 || row.given.get("podsReady").is_some();
        if whole { made_of_pods(row) } else { packed(row) }
    });
}

#[test]
fn target_ports_are_looked_up_in_the_pod() {
    check(&rows("named-port"), 6, |row| {
        let port = json!({"port": 80, "targetPort": row.given["targetPort"], "protocol": row.given["protocol"].as_str().unwrap_or("TCP")});
        let service = Service::parse(&with(service(false), &["spec", "ports"], json!([port])));
        let sidecar = |c: &Value| with(c.clone(), &["restartPolicy"], json!("Always"));
        let sidecars: Vec<Value> = row.list("restartableInitContainers").iter().map(sidecar).collect();
        let pod = Pod::parse(&json!({"metadata": {"name": "p"},
            "spec": {"containers": row.given["containers"], "initContainers": sidecars}}));
        json!({"port": target_port(&service.ports[0], &pod)})
    });
}
