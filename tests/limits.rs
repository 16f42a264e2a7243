//! What a hostile or a very large input may cost, and that nothing is lost where a table is full. No test here looks at a clock:
//! work is counted, or the diagnostic is read.

use serde_json::{Value, json};
use sim_core::api::request::{Request, Verb};
use sim_core::cluster::{Cluster, Input};
use sim_core::engine::queue::Ties;
use sim_core::engine::random::{Draws, Seed};
use sim_core::engine::run::{Budget, Engine};
use sim_core::engine::time::Duration;
use sim_core::scenario::play::{self, Player};
use sim_core::store::LOG_MAX;
use sim_tests::input;

const EMPTY: &str = "{apiVersion: kubewalk/v1, kind: Scenario, metadata: {name: limits}, spec: {cluster: {nodes: 2}}}";

/// An engine with a started cluster of two nodes that holds these objects.
fn engine(objects: &[Value]) -> Engine<Cluster> {
    let player = Player::new(input("limits.yaml", EMPTY), &play::Options::default()).expect("the cluster can be built");
    let config = (*player.sim().cluster().config).clone();
    let cluster = Cluster::new(config, objects, Draws::new(Seed(1))).expect("the ranges are fine");
    let mut engine = Engine::new(cluster, Seed(1), Ties::Scheduled);
    engine.input(Input::Start);
    run(&mut engine, 5);
    engine
}

fn run(engine: &mut Engine<Cluster>, seconds: u64) {
    engine.run_until(engine.now() + Duration::from_secs(seconds), &mut Budget::unlimited());
}

fn request(engine: &mut Engine<Cluster>, verb: Verb, (group, resource): (&str, &str), body: Value) {
    let name = if verb == Verb::Create { String::new() } else { text(&body, "/metadata/name").to_string() };
    let mut request = Request::new(verb, group, "v1", resource, "default", &name);
    request.body = body;
    engine.input(Input::Request(Box::new(request)));
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn deployment(name: &str, replicas: u64) -> Value {
    let labels = json!({"app": name});
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "default"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}}})
}

#[test]
fn more_commits_in_one_input_than_the_log_keeps_still_wake_everybody() {
    let map = |n: usize| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("c{n}"), "namespace": "default"}});
    let mut engine = engine(&(0..LOG_MAX + 100).map(map).collect::<Vec<_>>());
    request(&mut engine, Verb::DeleteCollection, ("", "configmaps"), Value::Null);
    request(&mut engine, Verb::Create, ("apps", "deployments"), deployment("web", 1));
    run(&mut engine, 10);
    let ready = engine.model().store.head().pods.in_namespace("default").filter(|pod| pod.ready()).count();
    assert_eq!(ready, 1, "deployment controller, scheduler and kubelet have heard of it");
}
