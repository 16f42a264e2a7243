//! The cases of `tests/cases/controllers.yaml` that the kubelet is about: `pod-phase`, `pod-ip`, `probe`, and its `backoff`.
//!
//! Left out, as the boxes do not exist: pulls that fail (`image-pull`; every image is there), and client-go's general back-off
//! (`reset`, and the row by ticks), of which the kubelet's own rule is what is modelled.

use std::sync::Arc;

use serde_json::{Value, json};

use super::address::Range;
use super::probes::{self, Kind, Probe};
use super::status;
use super::worker::Worker;
use crate::engine::time::{Duration, Instant};
use crate::objects::cases::{Row, check, rows, rows_where};
use crate::objects::pod::{ContainerState, Pod};
use crate::objects::time::Timestamp;

fn worker(policy: &str, containers: Value) -> Worker {
    let pod = Pod::parse(&json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "d", "uid": "p"},
        "spec": {"restartPolicy": policy, "containers": containers}}));
    Worker::new(&Arc::new(pod), Timestamp::default(), |image| super::images::ImageTable::default().behaviour(image))
}

/// `waiting`, `running`, `exit 1`, `waiting after termination`.
fn state(text: &str) -> (ContainerState, ContainerState) {
    let waiting = || ContainerState::Waiting { reason: "Waiting".into(), message: "".into() };
    let ended = |exit| ContainerState::Terminated { exit, reason: "".into(), started: None, finished: None };
    match text {
        "waiting" => (waiting(), ContainerState::None),
        "running" => (ContainerState::Running { since: None }, ContainerState::None),
        "waiting after termination" => (waiting(), ended(1)),
        exit => (ended(exit.trim_start_matches("exit ").parse().unwrap()), ContainerState::None),
    }
}

#[test]
fn a_phase_sums_up_the_containers() {
    check(&rows("pod-phase"), 10, |row| {
        let names = row.list("containers");
        let containers = (0..names.len()).map(|n| json!({"name": format!("c{n}"), "image": "nginx"})).collect();
        let mut worker = worker(row.text("restartPolicy"), containers);
        for (run, text) in worker.runs.iter_mut().zip(names) {
            (run.state, run.last) = state(text.as_str().unwrap());
        }
        json!({"phase": format!("{:?}", status::of(&worker, None, Timestamp::default()).phase)})
    });
}

#[test]
fn addresses_are_used_again_late() {
    check(&rows("pod-ip"), 1, |row| {
        let range = || Range::new(row.text("podCIDR")).unwrap();
        let (mut pool, mut first, mut ips) = (range(), None, Vec::new());
        for op in row.list("ops") {
            let ip = match op.as_str().unwrap() {
                "add" => pool.take(),
                _ => {
                    pool.release(first.unwrap());
                    None
                }
            };
            first = first.or(ip);
            ips.push(ip.map(|ip| ip.to_string()));
        }
        let mut whole = range();
        json!({"ips": ips, "usable": std::iter::from_fn(|| whole.take()).count()})
    });
}

#[test]
fn containers_that_crash_wait() {
    check(&rows_where("backoff", "op", "crash-loop"), 2, |row| {
        let mut worker = worker("Always", json!([{"name": "c", "image": "nginx"}]));
        let run = &mut worker.runs[0];
        let runs_for = Duration::from_secs(row.number("containerRunsSeconds") as u64);
        let mut now = Instant::START;
        let mut crash = |lasting: Duration| {
            run.since = Some(now);
            now += lasting;
            let wait = run.back_off(now);
            now += wait;
            wait.as_secs()
        };
        // Until the wait that the row begins with.
        while row.number("previousWait") as u64 != 0 && crash(Duration::ZERO) < row.number("previousWait") as u64 {}
        let crashes = row.given["crashes"].as_u64().unwrap_or(1);
        json!({"waitBeforeRestart": (0..crashes).map(|_| crash(runs_for)).collect::<Vec<_>>()})
    });
}

/// Asks as often as the row says, from the first probe on; when the verdict turns.
fn turns(row: &Row, kind: Kind, good: impl Fn(i64) -> bool) -> Option<i64> {
    let mut container = json!({"name": "c", "image": "nginx"});
    let mut given = json!({"tcpSocket": {"port": 80}});
    for field in ["initialDelaySeconds", "periodSeconds", "failureThreshold", "successThreshold"] {
        if row.given[field].is_number() {
            given[field] = row.given[field].clone();
        }
    }
    container[kind.field()] = given;
    let mut worker = worker("Always", json!([container]));
    let probe: Probe = probes::of(&worker.pod.spec.containers[0].clone(), kind).unwrap();
    let period = probe.period.as_secs() as i64;
    let first = row.number("firstProbeAt") + probe.initial_delay.as_secs() as i64;
    let turned = kind == Kind::Readiness;
    (0..100).map(|n| first + n * period).find(|at| worker.runs[0].count(kind, good(*at), &probe) == Some(turned))
}

#[test]
fn probes_turn_after_so_many_answers() {
    check(&rows("probe"), 4, |row| match row.text("type") {
        "liveness" => json!({"killedAt": turns(row, Kind::Liveness, |_| false)}),
        "readiness" if row.given["applicationUpAt"].is_number() => {
            json!({"readyAt": turns(row, Kind::Readiness, |at| at >= row.number("applicationUpAt"))})
        }
        "readiness" => json!({"notReadyAt": turns_bad(row)}),
        _ => json!({"readyAt": ready_without_probe(row)}),
    });
}

/// A container that was ready, and is asked on.
fn turns_bad(row: &Row) -> Option<i64> {
    let container = json!({"name": "c", "image": "nginx",
        "readinessProbe": {"tcpSocket": {"port": 80}, "periodSeconds": row.given["periodSeconds"], "failureThreshold": row.given["failureThreshold"]}});
    let mut worker = worker("Always", json!([container]));
    let probe = probes::of(&worker.pod.spec.containers[0].clone(), Kind::Readiness).unwrap();
    let down = row.number("applicationDownAt");
    let mut times = row.numbers("probesAt").into_iter();
    times.find(|at| worker.runs[0].count(Kind::Readiness, *at < down, &probe) == Some(false))
}

fn ready_without_probe(row: &Row) -> Option<i64> {
    let mut worker = worker("Always", json!([{"name": "c", "image": "nginx"}]));
    let pod = worker.pod.clone();
    let at = row.number("containerStartedAt");
    worker.runs[0].start(&pod, Default::default(), Instant::START + Duration::from_secs(at as u64), Timestamp::default());
    worker.runs[0].ready.then_some(at)
}
