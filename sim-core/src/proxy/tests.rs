//! When a node's rules are written, and what nodes share of them.

use serde_json::{Value, json};

use super::*;
use crate::engine::random::{Draws, Seed};
use crate::objects::pod_spec::Protocol;
use crate::objects::time::Timestamp;
use crate::store::{ObjectId, Store};

fn service(name: &str, port: u16) -> Object {
    Object::parse(&json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"},
        "spec": {"clusterIP": "10.96.0.20", "ports": [{"port": port}]}}))
}

fn slice(ips: &[&str]) -> Object {
    // Each on the node of its last number.
    let node = |ip: &str| format!("node-{}", ip.rsplit('.').next().unwrap_or_default());
    let endpoints: Vec<Value> = ips.iter().map(|ip| json!({"addresses": [ip], "nodeName": node(ip)})).collect();
    Object::parse(&json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "web-1", "namespace": "default", "labels": {"kubernetes.io/service-name": "web"}},
        "ports": [{"name": "", "port": 8080, "protocol": "TCP"}], "endpoints": endpoints}))
}

fn view(objects: &[Object]) -> Arc<View> {
    Store::holding(objects.to_vec()).head().clone()
}

/// Photographs of revision 1, 2, 3.
fn views() -> [Arc<View>; 3] {
    let objects = [service("a", 80), service("b", 81), service("c", 82)];
    [1, 2, 3].map(|n| view(&objects[..n]))
}

fn clock(millis: u64) -> Clock {
    let now = Instant::START + Duration::from_millis(millis);
    Clock { now, start: Timestamp::from_unix_nanos(0), draws: Draws::new(Seed(1)) }
}

fn proxies() -> (Proxies, [Name; 2]) {
    let names = ["node-a", "node-b"].map(Name::from);
    (Proxies::new(&names), names)
}

#[test]
fn a_node_syncs_at_once_but_at_most_once_a_second() {
    let ((mut proxies, [a, _]), [one, two, three]) = (proxies(), views());
    proxies.program_now(&a, &one, clock(0));
    assert_eq!((proxies.programmed_revision(0), proxies.programmed_revision(1)), (Some(1), Some(0)));
    // The sync before is long ago.
    assert!(proxies.woken(0, &two, clock(5_000)).timers.is_empty());
    assert_eq!(proxies.programmed(&a).map(|(view, at)| (view.revision, at)), Some((2, clock(5_000).now)));
    // It was just now: the rest of the second is waited out, however often it is woken.
    assert_eq!(proxies.woken(0, &three, clock(5_200)).timers, [(Duration::from_millis(800), Event(0))]);
    assert!(proxies.woken(0, &three, clock(5_900)).timers.is_empty());
    assert_eq!((proxies.programmed_revision(0), proxies.idle().collect::<Vec<u32>>()), (Some(2), vec![1]));
    // What is then programmed is what is known by then.
    assert!(proxies.handle(Event(0), &three, clock(6_000)).timers.is_empty());
    assert_eq!((proxies.programmed_revision(0), proxies.idle().collect::<Vec<u32>>()), (Some(3), vec![0, 1]));
    // A second after that one it may sync again.
    assert!(proxies.woken(0, &one, clock(7_000)).timers.is_empty());
    assert_eq!((proxies.programmed_revision(0), Event(7).node()), (Some(1), 7));
}

#[test]
fn the_rules_of_a_stopped_proxy_stay() {
    let ((mut proxies, [a, _]), [one, two, three]) = (proxies(), views());
    proxies.program_now(&a, &one, clock(0));
    proxies.woken(0, &two, clock(100));
    proxies.set_running(&a, false);
    assert_eq!((proxies.running(0), proxies.running(1), proxies.running(2)), (false, true, false));
    // The sync that was due does not happen.
    proxies.handle(Event(0), &two, clock(1_000));
    assert!(proxies.woken(0, &three, clock(9_000)).timers.is_empty());
    assert_eq!((proxies.programmed_revision(0), proxies.idle().collect::<Vec<u32>>()), (Some(1), vec![1]));
    proxies.set_running(&a, true);
    proxies.woken(0, &three, clock(10_000));
    assert_eq!((proxies.running(0), proxies.programmed_revision(0)), (true, Some(3)));
}

#[test]
fn what_a_proxy_wants_to_hear_of() {
    let node = |zone: &str, ip: &str, ready: &str| {
        Object::parse(&json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a", "labels": {"zone": zone}},
            "status": {"addresses": [{"type": "InternalIP", "address": ip}], "conditions": [{"type": "Ready", "status": ready}]}}))
    };
    let pod = Object::parse(&json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "b"}}));
    let (web, endpoints, here) = (service("web", 80), slice(&[]), node("x", "10.0.0.1", "True"));
    for (what, before, after, want) in [
        ("a new Service", None, Some(web.clone()), true),
        ("a changed Service", Some(web.clone()), Some(service("web", 81)), true),
        ("a Service that goes", Some(web), None, true),
        ("a new slice", None, Some(endpoints.clone()), true),
        ("a slice that goes", Some(endpoints), None, true),
        ("a new node", None, Some(here.clone()), true),
        ("a node in another zone", Some(here.clone()), Some(node("y", "10.0.0.1", "True")), true),
        ("a node with another address", Some(here.clone()), Some(node("x", "10.0.0.2", "True")), true),
        ("a node that is ill", Some(here.clone()), Some(node("x", "10.0.0.1", "False")), false),
        ("a node that goes", Some(here), None, false),
        ("a pod", None, Some(pod), false),
    ] {
        let change = Change { revision: 1, at: Instant::START, id: ObjectId(0), before, after };
        assert_eq!(Proxies::interested(&change), want, "{what}");
    }
}

#[test]
fn maps_are_shared_while_no_service_differs() {
    let mut store = Store::holding([service("web", 80), slice(&["10.244.0.1"])]);
    let first = Programmed::new(store.head().clone());
    let at_8080 = |table: &Programmed| {
        let to = "10.96.0.20:80".parse().unwrap();
        let entry = table.lookup().address(to, Protocol::Tcp).unwrap();
        table.usable(entry.facts, Here { node: "node-1", zone: None }).cluster.len()
    };
    assert_eq!(at_8080(&first), 1);
    let (id, before) = store.head().find(&slice(&[]).kind_name(), "default", "web-1").unwrap();
    store.replace(id, before, slice(&["10.244.0.1", "10.244.0.2"]), Instant::START);
    let second = first.with_view(store.head());
    assert!(std::ptr::eq(first.lookup(), second.lookup()), "only a slice differs");
    assert_eq!((at_8080(&first), at_8080(&second)), (1, 2));
    let third = second.with_view(&view(&[service("web", 81)]));
    assert!(!std::ptr::eq(second.lookup(), third.lookup()), "another Service");
    // Another node has lists of its own.
    let usable = |table: &Programmed, node| {
        let port = &table.lookup().ports()[0];
        table.usable(port, Here { node, zone: None }).local.len()
    };
    let nodes = ["node-1", "node-2", "node-3", "node-1"];
    assert_eq!(nodes.map(|node| usable(&second, node)), [1, 1, 0, 1], "who asks first is not who is answered later");
    assert_eq!(nodes.map(|node| usable(&second.for_node(), node)), [1, 1, 0, 1]);
    let port = &second.lookup().ports()[0];
    assert_eq!(second.serving(port).map(|list| list.len()), Some(2));
    assert_eq!(third.serving(&third.lookup().ports()[0]), None, "no endpoint of any kind");
}
