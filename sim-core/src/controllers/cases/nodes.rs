//! Kinds of the node lifecycle and of the pod garbage collector: `taint-eviction`, `zone-state`, `node-failure`, `pod-gc`.

use std::collections::BTreeMap;

use super::super::node_lifecycle::{self, Memory, Stay, Zone};
use super::super::pod_gc;
use super::*;
use crate::objects::condition;
use crate::objects::node::{Node, Taint};
use crate::objects::pod::Pod;

const UNREACHABLE: &str = "node.kubernetes.io/unreachable";

fn tolerations(list: &[Value]) -> Value {
    let one = |t: &Value| {
        let mut toleration = json!({"key": t["key"], "operator": "Exists", "effect": "NoExecute"});
        if t["seconds"].is_number() {
            toleration["tolerationSeconds"] = t["seconds"].clone();
        }
        toleration
    };
    list.iter().map(one).collect()
}

/// A node that is silent (so that nobody takes the taint `unreachable` away from it), with these taints.
fn node(taints: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "uid": "n"}, "spec": {"taints": taints},
        "status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}})
}

fn pod(number: usize, given: &Value) -> Value {
    let mut list = tolerations(given["tolerations"].as_array().map_or(&[], Vec::as_slice));
    if given["admission"] == "DefaultTolerationSeconds" {
        // As the API server adds them.
        list = tolerations(&[json!({"key": UNREACHABLE, "seconds": 300})]);
    }
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": format!("p{number}"), "namespace": "default", "uid": format!("p{number}")},
        "spec": {"nodeName": given["node"], "tolerations": list}})
}

fn replace(store: &mut Store, kind: &str, namespace: &str, name: &str, change: impl Fn(&mut Value)) {
    let kind = crate::objects::KindName { group: "".into(), kind: kind.into() };
    let (id, before) = store.head().find(&kind, namespace, name).unwrap();
    let mut doc = before.encode();
    change(&mut doc);
    store.replace(id, before, Object::parse(&doc), Instant::START);
}

/// When each pod is deleted, in milliseconds after the taint.
fn evictions(row: &Row) -> BTreeMap<String, u64> {
    let given = if row.given["pods"].is_array() { row.list("pods").to_vec() } else { vec![row.given["pod"].clone()] };
    let mut store = store_of(given.iter().enumerate().map(|(n, p)| pod(n, p)).chain([node(&row.given["nodeTaints"])]));
    let mut memory = Memory::default();
    let mut deleted = BTreeMap::new();
    let mut events: Vec<(u64, Value)> =
        row.list("events").iter().map(|e| ((e["at"].as_f64().unwrap() * 1000.0) as u64, e.clone())).collect();
    let mut now = 0;
    loop {
        while events.first().is_some_and(|(at, _)| *at <= now) {
            let event = events.remove(0).1;
            if event["removeTaints"] == true {
                replace(&mut store, "Node", "", "n", |doc| doc["spec"]["taints"] = json!([]));
            }
            if event["removeTolerations"] == true {
                replace(&mut store, "Pod", "default", "p0", |doc| doc["spec"]["tolerations"] = json!([]));
            }
            if let Some(list) = event["setTolerations"].as_array() {
                replace(&mut store, "Pod", "default", "p0", |doc| doc["spec"]["tolerations"] = tolerations(list));
            }
        }
        let plan =
            node_lifecycle::reconcile(&mut memory, store.head(), &("".into(), "n".into()), clock(Duration::from_millis(now)));
        for write in writes(&plan) {
            if let Write::Delete { name, .. } = write {
                deleted.entry(name.to_string()).or_insert(now);
                replace(&mut store, "Pod", "default", name, |doc| {
                    doc["metadata"]["deletionTimestamp"] = json!("2026-01-01T12:00:00Z")
                });
            }
        }
        let again = plan.again.map(|wait| now + wait.as_millis());
        let Some(next) = again.into_iter().chain(events.first().map(|e| e.0)).min() else { return deleted };
        now = next;
    }
}

#[test]
fn pods_leave_tainted_nodes_in_time() {
    let rows: Vec<Row> = rows("taint-eviction").into_iter().filter(|r| r.given["op"].is_null()).collect();
    check(&rows, 13, |row| {
        let deleted = evictions(row);
        let at = |n: usize| deleted.get(&format!("p{n}")).map(|ms| ms / 1000);
        let pods = row.list("pods").len();
        if pods > 0 { json!({"evictAt": (0..pods).map(at).collect::<Vec<_>>()}) } else { json!({"evictAt": at(0)}) }
    });
    check(&rows_where("taint-eviction", "op", "min-toleration"), 5, |row| {
        let list: Vec<Value> = row.list("tolerationSeconds").iter().map(|s| json!({"key": "t1", "seconds": s})).collect();
        let taint = Taint { key: "t1".into(), value: Name::default(), effect: "NoExecute".into(), added: None };
        let pod = Pod::parse(&with(pod(0, &json!({})), &["spec", "tolerations"], tolerations(&list)));
        match node_lifecycle::stay(&pod, &[&taint]) {
            Stay::Not => json!({"seconds": 0, "endless": false}),
            Stay::For(time) => json!({"seconds": time.as_secs(), "endless": false}),
            Stay::Endless => json!({"seconds": null, "endless": true}),
        }
    });
}

#[test]
fn zones_are_judged_as_upstream() {
    let (states, rates): (Vec<Row>, Vec<Row>) = rows("zone-state").into_iter().partition(|r| r.given["state"].is_null());
    check(&states, 8, |row| {
        let state = match Zone::of(row.number("ready") as usize, row.number("notReady") as usize) {
            Zone::Normal => "Normal",
            Zone::Partial => "PartialDisruption",
            Zone::Full => "FullDisruption",
        };
        json!({"state": state})
    });
    check(&rates, 5, |row| {
        let zone = match row.text("state") {
            "PartialDisruption" => Zone::Partial,
            "FullDisruption" => Zone::Full,
            _ => Zone::Normal,
        };
        let alone = row.text("otherZones") == "FullDisruption";
        let rates: Vec<Value> =
            zone.period(row.number("zoneNodes") as usize, alone).map(|p| json!(1.0 / p.as_secs() as f64)).into_iter().collect();
        json!({"taintsPerSecond": rates.first().cloned().unwrap_or(json!(0))})
    });
}

/// A cluster of nodes of which some are dead from the start, with one tolerant pod on each dead node and on one that lives.
struct Failure {
    stage: Stage,
    nodes: usize,
    dead: usize,
}

const LEASE: (&str, &str) = ("coordination.k8s.io", "Lease");

impl Failure {
    fn new(nodes: usize, dead: usize) -> Failure {
        let mut stage = Stage::new(&[Which::NodeLifecycle, Which::EndpointSlice], cloud::Config::default());
        stage
            .add(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "default", "uid": "s1"},
            "spec": {"clusterIP": "10.96.0.9", "selector": {"app": "web"}, "ports": [{"port": 80}]}}));
        stage.ready_after = None;
        for n in 1..=nodes {
            if n > 1 {
                stage.add(
                    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": format!("n{n}"), "uid": format!("n{n}")},
                    "status": {"conditions": [{"type": "Ready", "status": "True"}]}}),
                );
            }
            stage.add(json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                "metadata": {"name": format!("n{n}"), "namespace": "kube-node-lease", "uid": format!("l{n}")}, "spec": {}}));
            let tolerant = json!([{"key": UNREACHABLE, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}]);
            stage.add(json!({"apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": format!("p{n}"), "namespace": "default", "uid": format!("p{n}"), "labels": {"app": "web"}},
                "spec": {"nodeName": format!("n{n}"), "tolerations": tolerant},
                "status": {"phase": "Running", "podIPs": [{"ip": format!("10.244.0.{n}")}], "conditions": [{"type": "Ready", "status": "True"}]}}));
        }
        Failure { stage, nodes, dead }
    }

    /// One second, in which those that live renew their leases if it is time.
    fn second(&mut self, now: u64) {
        if now.is_multiple_of(10) {
            for n in self.dead + 1..=self.nodes {
                self.stage.change(LEASE, "kube-node-lease", &format!("n{n}"), |doc| doc["spec"]["leaseTransitions"] = json!(now));
            }
        }
        self.stage.run(Duration::from_secs(1));
    }

    fn node(&self, n: usize) -> Arc<Node> {
        self.stage.store.head().nodes.get("", &format!("n{n}")).unwrap().clone()
    }

    fn pod(&self, n: usize) -> Arc<Pod> {
        self.stage.store.head().pods.get("default", &format!("p{n}")).unwrap().clone()
    }

    fn taints(&self, effect: &str) -> usize {
        (1..=self.nodes).filter(|n| self.node(*n).tainted(UNREACHABLE, effect)).count()
    }

    fn given_up(&self) -> usize {
        (1..=self.nodes).filter(|n| self.pod(*n).meta.deleting()).count()
    }

    fn unready(&self) -> bool {
        (1..=self.dead).all(|n| !self.pod(n).ready())
    }

    fn in_slice(&self) -> bool {
        let head = self.stage.store.head();
        let mut endpoints = head.slices_of("default", "web").flat_map(|s| &s.endpoints);
        endpoints.any(|e| &*e.addresses[0] == "10.244.0.1" && e.ready == Some(true))
    }
}

/// What happens first when, on a node that dies; `None` = never.
fn timeline() -> BTreeMap<&'static str, u64> {
    let mut cluster = Failure::new(3, 1);
    let mut first = BTreeMap::new();
    for now in 0..400 {
        cluster.second(now);
        let unknown = condition::find(&cluster.node(1).conditions, "Ready").is_some_and(|c| &*c.status == "Unknown");
        let milestones = [
            ("readyUnknownAbout", unknown),
            ("unreachableNoScheduleTaintAbout", cluster.taints("NoSchedule") == 1),
            ("podsReadyFalseAbout", cluster.unready()),
            ("podsLeaveReadyEndpointsAbout", now > 1 && !cluster.in_slice()),
            ("unreachableNoExecuteTaintAbout", cluster.taints("NoExecute") == 1),
            ("podDeletionRequestedAbout", cluster.given_up() == 1),
        ];
        for (name, _) in milestones.into_iter().filter(|(_, reached)| *reached) {
            first.entry(name).or_insert(now);
        }
    }
    assert!(cluster.pod(1).meta.deleting(), "its object stays");
    first
}

/// The row allows a pass of no length, which makes everything one pass (5 s) later.
fn about(row: &Row) -> Value {
    let first = timeline();
    let shown = |(name, wanted): (&String, &Value)| {
        let wanted = wanted.as_u64()?;
        let got = first.get(name.as_str()).copied();
        let near = got.is_some_and(|got| (wanted..=wanted + 6).contains(&got));
        Some((name.clone(), if near { json!(wanted) } else { json!(got) }))
    };
    Value::Object(row.expect.as_object().unwrap().iter().filter_map(shown).collect())
}

/// Many nodes die, or one that comes back.
fn outcome(row: &Row) -> Value {
    let (nodes, dead) = (row.number("nodes") as usize, row.number("nodesDead") as usize);
    let back = row.given["returnsAfterSeconds"].as_u64();
    let mut cluster = Failure::new(nodes, dead);
    let (mut tainted_at, mut taints_gone) = (Vec::new(), None);
    let mut most = 0;
    for now in 0..420 {
        if back == Some(now) {
            cluster.dead = 0;
            cluster
                .stage
                .change(("", "Node"), "", "n1", |doc| doc["status"]["conditions"] = json!([{"type": "Ready", "status": "True"}]));
        }
        cluster.second(now);
        let taints = cluster.taints("NoExecute");
        tainted_at.extend((most < taints).then_some(now));
        most = most.max(taints);
        if back.is_some_and(|back| now >= back) && taints + cluster.taints("NoSchedule") == 0 {
            taints_gone.get_or_insert(now);
        }
    }
    cluster.dead = dead;
    let spacing = (tainted_at.len() > 1).then(|| tainted_at[1] - tainted_at[0]);
    let cancelled = cluster.stage.events().iter().any(|e| e == "TaintManagerEviction Cancelling deletion of Pod default/p1");
    let in_time = taints_gone.zip(back).is_some_and(|(gone, back)| gone <= back + 5);
    let zone = match Zone::of(nodes - dead, dead) {
        Zone::Normal => "Normal",
        Zone::Partial => "PartialDisruption",
        Zone::Full => "FullDisruption",
    };
    told(
        row,
        json!({"podsReadyFalse": cluster.unready(), "noExecuteTaints": most, "podsDeleted": cluster.given_up(),
        "zoneState": zone, "noExecuteTaintSpacingSeconds": spacing,
        "cancelEventOnPods": cancelled.then_some("TaintManagerEviction"), "taintsRemovedWithinSeconds": in_time.then_some(5)}),
    )
}

#[test]
fn dead_nodes_are_given_up_in_time() {
    check(
        &rows("node-failure"),
        5,
        |row| if row.given["lastLeaseSeenByMonitorPass"].is_null() { outcome(row) } else { about(row) },
    );
}

fn collected(row: &Row) -> Value {
    let given = &row.given["node"];
    let taints: Vec<Value> =
        given["taints"].as_array().into_iter().flatten().map(|key| json!({"key": key, "effect": "NoExecute"})).collect();
    let ready = if given["ready"] == false { "False" } else { "True" };
    let mut store = store_of([json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "uid": "n"},
        "spec": {"taints": taints}, "status": {"conditions": [{"type": "Ready", "status": ready}]}})]);
    for (at, given) in row.list("podsOldestFirst").iter().enumerate() {
        let mut doc = json!({"apiVersion": "v1", "kind": "Pod", "spec": {"nodeName": given["node"]}, "status": {"phase": given["phase"]},
            "metadata": {"name": given["name"], "namespace": "default", "uid": given["name"],
                "creationTimestamp": format!("2026-01-01T11:00:{at:02}Z")}});
        if given["terminating"] == true {
            doc["metadata"]["deletionTimestamp"] = json!("2026-01-01T12:00:00Z");
        }
        store.insert(Object::parse(&doc), Instant::START);
    }
    let passed = row.flag("quarantinePassed");
    let gone = |node: &Name| passed && &**node == "gone";
    let plan = pod_gc::sweep(store.head(), row.number("threshold") as usize, &gone, clock(Duration::ZERO).timestamp());
    let (mut deleted, mut graces, mut marked) = (Vec::new(), Vec::new(), 0);
    for write in writes(&plan) {
        match write {
            Write::Delete { name, grace, .. } => {
                deleted.push(name.to_string());
                graces.push(*grace);
            }
            Write::Status { .. } if deleted.is_empty() => marked += 1,
            _ => panic!("{write:?}"),
        }
    }
    told(row, json!({"deleted": deleted, "markedFailedFirst": marked == graces.len(), "grace": graces.first()}))
}

#[test]
fn pods_that_nobody_wants_are_collected() {
    check(&rows("pod-gc"), 9, collected);
}

/// A node is deleted: its pod follows at the third look, and the last one leaves nothing to look at.
#[test]
fn pods_of_a_deleted_node_go_after_a_while() {
    let mut stage = Stage::new(&[Which::PodGc], cloud::Config::default());
    stage.ready_after = None;
    stage.add(with(pod(0, &json!({})), &["spec", "nodeName"], json!("n1")));
    stage.run(Duration::from_secs(25));
    let kind = crate::objects::KindName { group: "".into(), kind: "Node".into() };
    stage
        .write(Write::Delete { kind, namespace: "".into(), name: "n1".into(), uid: None, grace: None, propagation: None })
        .unwrap();
    stage.run(Duration::from_secs(54));
    assert_eq!(stage.store.head().pods.len(), 1, "79 s: first missed at 40 s");
    stage.run(Duration::from_secs(2));
    assert_eq!(stage.store.head().pods.len(), 0);
}
