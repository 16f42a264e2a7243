//! The death of a node, by the clock: who marks what when, and what new connections meet meanwhile.

use sim_core::cluster::faults::{Fault, NodeFault};
use sim_core::console::host::World;
use sim_core::engine::time::Duration;
use sim_core::explain::Outcome;
use sim_core::lab::simulation::Simulation;
use sim_core::network::wire::Source;
use sim_core::objects::pod_spec::Protocol;
use sim_core::scenario::play::{self, Player};
use sim_tests::input;

/// Two looks at the cluster are this far apart, so a moment is known to lie within the step before it.
const STEP_MS: u64 = 250;

/// Four nodes, a web pod on each, and a client on the first.
const CLUSTER: &str = "
apiVersion: kubewalk/v1
kind: Scenario
metadata: {name: death}
spec:
  cluster: {nodes: 4}
  steps:
    - apply: {doc: deployment/web}
    - apply: {doc: service/web}
    - apply: {doc: pod/client}
    - until: converged
      within: 2m
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      topologySpreadConstraints:
        - {maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app: web}}}
      containers: [{name: nginx, image: nginx, ports: [{containerPort: 80}]}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec:
  nodeSelector: {kubernetes.io/hostname: node-1}
  containers: [{name: shell, image: curlimages/curl, command: [sleep, infinity]}]
";
const VICTIM: &str = "node-4";

/// When things were first seen, in milliseconds after the death.
#[derive(Debug, Default)]
struct Story {
    unknown: Option<u64>,
    no_schedule: Option<u64>,
    unready: Option<u64>,
    no_execute: Option<u64>,
    deleted: Option<u64>,
    /// The last moment at which a new connection could fail.
    last_error: Option<u64>,
    /// Shares of failing connections before the endpoints went, as fractions.
    shares: Vec<(u64, u64)>,
}

fn ready_to_die(seed: u64) -> Simulation {
    let options = play::Options { seed: Some(seed), shuffle_ties: None, host_files: None };
    let mut player = Player::new(input("death.yaml", CLUSTER), &options).expect("the cluster can be built");
    while let Some(played) = player.step() {
        assert!(played.failures.is_empty(), "{:?}", played.failures);
    }
    player.sim().clone()
}

/// Lets the node die and looks on for seven minutes.
fn story(seed: u64) -> Story {
    let mut sim = ready_to_die(seed);
    assert_eq!(sim.fault(Fault::Node(VICTIM.into(), NodeFault::PowerOff), true), Ok(true));
    let mut story = Story::default();
    for step in 0..7 * 60 * 1000 / STEP_MS {
        look(&sim, step * STEP_MS, &mut story);
        sim.begin_command();
        sim.advance(Duration::from_millis(STEP_MS)).expect("it goes on");
    }
    story
}

fn look(sim: &Simulation, at: u64, story: &mut Story) {
    let head = sim.cluster().store.head();
    let node = head.nodes.get("", VICTIM).expect("the node object stays");
    let taint = |effect| node.tainted("node.kubernetes.io/unreachable", effect);
    let on_victim = head.pods_on(VICTIM).filter(|(_, pod)| pod.meta.labels.get("app") == Some("web"));
    let mut endpoints = head.slices_of("default", "web").flat_map(|slice| &slice.endpoints);
    let first = |seen: bool, moment: &mut Option<u64>| {
        if seen {
            moment.get_or_insert(at);
        }
    };
    first(node.conditions.iter().any(|c| &*c.kind == "Ready" && &*c.status == "Unknown"), &mut story.unknown);
    first(taint("NoSchedule"), &mut story.no_schedule);
    first(taint("NoExecute"), &mut story.no_execute);
    first(!endpoints.any(|e| e.node.as_deref() == Some(VICTIM) && e.is_ready()), &mut story.unready);
    first(on_victim.into_iter().any(|(_, pod)| pod.meta.deleting()), &mut story.deleted);
    let service = head.services.get("default", "web").expect("the service is there");
    let client = Source::Pod { namespace: "default".into(), name: "client".into() };
    let trace = sim.trace(&client, (service.cluster_ips[0], 80).into(), Protocol::Tcp);
    let failing: Vec<_> = trace.branches.iter().filter(|b| b.outcome != Outcome::Delivered).map(|b| b.share).collect();
    if !failing.is_empty() {
        story.last_error = Some(at);
        story.shares.extend(failing);
    }
}

#[test]
fn a_dead_node_is_noticed_by_the_clock() {
    for seed in 1..=5 {
        let story = story(seed);
        let at = |moment: Option<u64>| moment.unwrap_or_else(|| panic!("seed {seed}: it never happened: {story:?}"));
        let within = |moment: u64, from: u64, to: u64| (from..=to + STEP_MS).contains(&moment);
        let unknown = at(story.unknown);
        assert!(within(unknown, 40_000, 55_000), "seed {seed}: {story:?}");
        assert!(within(at(story.no_schedule), unknown, unknown + 1_000), "seed {seed}: {story:?}");
        assert!(within(at(story.unready), unknown, unknown + 2_000), "seed {seed}: {story:?}");
        assert!(within(at(story.no_execute), unknown + 4_000, unknown + 6_000), "seed {seed}: {story:?}");
        let executed = at(story.no_execute);
        assert!(within(at(story.deleted), executed + 300_000 - STEP_MS, executed + 301_000), "seed {seed}: {story:?}");
        // One of four connections until the endpoints are gone and kube-proxy has heard of it, then none.
        assert!(story.shares.iter().all(|share| *share == (1, 4)), "seed {seed}: {:?}", story.shares);
        assert!(at(story.last_error) <= at(story.unready) + 2_000, "seed {seed}: {story:?}");
    }
}
