//! The cases of `tests/cases/controllers.yaml` that the scheduler is about: `schedule-filter`, `schedule-score`,
//! `schedule-sample`, `schedule-message`, and the scheduler's `backoff`.
//!
//! Left out, as the boxes do not exist: the scores of ImageLocality (images have no sizes here), and messages of a filter that
//! rejects all nodes beforehand (none of ours does).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::filter::{self, Refusal};
use super::score;
use super::snapshot::Candidate;
use super::*;
use crate::engine::random::{Draws, Seed};
use crate::objects::cases::{Row, check, rows, rows_where};
use crate::objects::node::Node;
use crate::objects::time::Timestamp;

fn clock() -> Clock {
    Clock { now: Instant::START, start: Timestamp::parse("2026-01-01T12:00:00Z").unwrap(), draws: Draws::new(Seed(1)) }
}

/// Amounts of a row as a resource list: CPU in thousandths, the rest as it is.
fn amounts(given: &Value) -> Value {
    let one = |(name, n): (&String, &Value)| (name.clone(), json!(if name == "cpu" { format!("{n}m") } else { n.to_string() }));
    Value::Object(given.as_object().into_iter().flatten().map(one).collect())
}

fn pod(spec: Value) -> Pod {
    Pod::parse(&json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "d", "uid": "p"}, "spec": spec}))
}

fn containers(list: &[Value]) -> Value {
    list.iter().map(|c| json!({"name": "c", "resources": {"requests": amounts(c)}})).collect()
}

fn candidate(allocatable: Value, taints: &Value, used: Used) -> Candidate {
    let doc = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "spec": {"taints": taints},
        "status": {"allocatable": allocatable}});
    Candidate::new(Arc::new(Node::parse(&doc)), used)
}

#[test]
fn pods_fit_where_there_is_room() {
    check(&rows_where("schedule-filter", "plugin", "NodeResourcesFit"), 17, |row| {
        let mut used = Used::default();
        used.add(&pod(json!({"containers": containers(&[row.given["used"].clone()])})), 1);
        used.pods = row.number("podsOnNode");
        let node = candidate(amounts(&row.given["nodeAllocatable"]), &Value::Null, used);
        let asked =
            json!({"containers": containers(row.list("containers")), "initContainers": containers(row.list("initContainers"))});
        let reasons = filter::check(&pod(asked), &node, &Ok(())).err().map(|refusal| refusal.0).unwrap_or_default();
        json!({"fits": reasons.is_empty(), "reasons": reasons})
    });
}

#[test]
fn taints_keep_pods_away() {
    check(&rows_where("schedule-filter", "plugin", "TaintToleration"), 7, |row| {
        let node = candidate(json!({"pods": "110"}), &row.given["taints"], Used::default());
        match filter::check(&pod(json!({"tolerations": row.given["tolerations"]})), &node, &Ok(())) {
            Ok(()) => json!({"fits": true}),
            Err(Refusal(reasons)) => json!({"fits": false, "reason": reasons.join(", ")}),
        }
    });
}

/// Pods that match, on nodes by name.
fn spread_pods(counts: &Value, terminating: bool) -> Vec<Value> {
    let mut docs = Vec::new();
    for (node, count) in counts.as_object().into_iter().flatten() {
        for n in 0..count.as_u64().unwrap() {
            let name = format!("{node}-{n}-{terminating}");
            let mut doc = json!({"apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": name, "namespace": "d", "uid": name, "labels": {"app": "web"}}, "spec": {"nodeName": node}});
            if terminating {
                doc["metadata"]["deletionTimestamp"] = json!("2026-01-01T12:00:00Z");
            }
            docs.push(doc);
        }
    }
    docs
}

fn spread(row: &Row) -> Value {
    let key = row.text("topologyKey");
    let mut store = Store::default();
    let nodes = row.given["nodes"].as_object().unwrap();
    let labels = |name: &str, domain: &Value| {
        let mut labels = json!({"name": name});
        if !domain.is_null() {
            labels[key] = domain.clone();
        }
        labels
    };
    let node = |(name, domain): (&String, &Value)| {
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels(name, domain)},
            "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"}}})
    };
    let pods = spread_pods(&row.given["matching"], false).into_iter().chain(spread_pods(&row.given["terminating"], true));
    for doc in nodes.iter().map(node).chain(pods) {
        store.insert(Object::parse(&doc), Instant::START);
    }
    let mut scheduler = Scheduler::default();
    let view = Arc::new(View::clone(store.head()));
    scheduler.woken(&store, &view, clock());
    let constraint = json!({"maxSkew": row.given["maxSkew"], "topologyKey": key, "whenUnsatisfiable": row.given["whenUnsatisfiable"],
        "labelSelector": {"matchLabels": {"app": "web"}}});
    let mut spec = json!({"topologySpreadConstraints": [constraint]});
    let allowed = row.list("nodeAffinityAllows");
    if !allowed.is_empty() {
        let term = json!({"matchExpressions": [{"key": "name", "operator": "In", "values": allowed}]});
        spec["affinity"] =
            json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}});
    }
    let label = if row.given["selfMatch"] == false { "other" } else { "web" };
    let pod = Pod::parse(&json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "new", "namespace": "d", "labels": {"app": label}}, "spec": spec}));
    let fits = |(node, reasons): (Name, Vec<String>)| {
        let verdict = match reasons.first() {
            None => json!(true),
            Some(reason) if reason.ends_with("(missing required label)") => json!("never"),
            Some(_) => json!(false),
        };
        (node.to_string(), verdict)
    };
    let told = |(node, _): &(String, Value)| allowed.is_empty() || allowed.iter().any(|a| a == node.as_str());
    let fits: serde_json::Map<String, Value> = scheduler.refusals(&pod).into_iter().map(fits).filter(told).collect();
    json!({"nodeFits": fits})
}

#[test]
fn pods_are_kept_apart() {
    check(&rows_where("schedule-filter", "plugin", "PodTopologySpread"), 10, spread);
}

#[test]
fn soft_taints_and_crowds_cost_points() {
    check(
        &rows_where("schedule-score", "plugin", "TaintToleration"),
        3,
        |row| json!({"scores": score::tolerance(&row.numbers("untoleratedPreferNoScheduleTaints"))}),
    );
    check(&rows_where("schedule-score", "plugin", "PodTopologySpread"), 13, |row| {
        let mut crowds: BTreeMap<String, i64> = BTreeMap::new();
        for constraint in row.list("constraints") {
            let number = |key: &str| constraint[key].as_i64().unwrap();
            let weight = score::weight(number("domains") as usize);
            for (node, pods) in constraint["matchingInDomainOfNode"].as_object().unwrap() {
                *crowds.entry(node.clone()).or_default() += score::crowd(pods.as_i64().unwrap(), number("maxSkew"), weight);
            }
        }
        let scores = score::apart(&crowds.values().copied().collect::<Vec<_>>());
        json!({"scores": crowds.into_keys().zip(scores).collect::<BTreeMap<_, _>>()})
    });
}

/// What a pod that asks for nothing counts as, or what the row says that it asks for.
fn requested(row: &Row) -> (i64, i64) {
    match row.given["containersWithoutRequests"].as_u64() {
        Some(count) => {
            let pod = pod(json!({"containers": vec![json!({"name": "c"}); count as usize]}));
            (pod.spec.scored_cpu, pod.spec.scored_memory)
        }
        None => (row.given["request"]["cpu"].as_i64().unwrap(), row.given["request"]["memory"].as_i64().unwrap()),
    }
}

#[test]
fn room_earns_points() {
    let node = |node: &Value| {
        let number = |key: &str| node[key].as_i64();
        let memory = number("memory").or(number("memoryMi").map(|mi| mi << 20)).unwrap();
        let cpu = number("cpu").or(number("cpuMilli")).unwrap();
        (cpu, memory, number("usedCpu").unwrap_or(0), number("usedMemory").unwrap_or(0))
    };
    check(&rows_where("schedule-score", "plugin", "NodeResourcesFit/LeastAllocated"), 9, |row| {
        let (cpu, memory) = requested(row);
        let weight = |key: &str| row.given["weights"][key].as_i64().unwrap();
        let score = |given: &Value| {
            let (has_cpu, has_memory, used_cpu, used_memory) = node(given);
            score::least([(has_cpu, used_cpu + cpu, weight("cpu")), (has_memory, used_memory + memory, weight("memory"))])
        };
        json!({"scores": row.list("nodes").iter().map(score).collect::<Vec<_>>()})
    });
    check(&rows_where("schedule-score", "plugin", "NodeResourcesBalancedAllocation"), 4, |row| {
        let (cpu, memory) = requested(row);
        let score = |given: &Value| {
            let (has_cpu, has_memory, used_cpu, used_memory) = node(given);
            score::balanced([(has_cpu, used_cpu + cpu), (has_memory, used_memory + memory)])
        };
        json!({"scores": row.list("nodes").iter().map(score).collect::<Vec<_>>()})
    });
}

#[test]
fn large_clusters_are_sampled() {
    check(
        &rows("schedule-sample"),
        10,
        |row| json!({"feasibleNodesWanted": nodes_wanted(row.number("nodes") as usize, row.number("percentageOfNodesToScore") as usize)}),
    );
}

#[test]
fn messages_count_reasons() {
    let rows: Vec<Row> = rows("schedule-message").into_iter().filter(|r| r.given["preFilter"].is_null()).collect();
    check(&rows, 5, |row| {
        let reasons = row.given["reasons"].as_object().into_iter().flatten();
        let refusals: Vec<Refusal> =
            reasons.flat_map(|(text, n)| vec![Refusal(vec![text.clone()]); n.as_u64().unwrap() as usize]).collect();
        json!({"message": filter::unfit(row.number("nodes") as usize, &refusals, row.text("postFilter"))})
    });
}

#[test]
fn pods_wait_between_attempts() {
    check(
        &rows_where("backoff", "op", "scheduler-pod"),
        1,
        |row| json!({"waitAfterAttempt": (1..=row.number("attempts")).map(|n| back_off(n as u32).as_secs()).collect::<Vec<_>>()}),
    );
}
