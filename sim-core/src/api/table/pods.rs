//! The pod row: the STATUS word, READY, and RESTARTS.
//!
//! The STATUS of a pod is no field of it. The server derives the word from phase, reason, container states and deletion
//! time; the order of these rules is what learners stumble over, so it is kept step by step.
//! The real thing: `printPod` in `pkg/printers/internalversion/printers.go`.

use serde_json::Value;

use super::document::{at, flag, has, list, name, number, or_none, text, time};
use super::{Table, always, created, wide};
use crate::objects::time::Timestamp;
use crate::render::age;

pub(super) const POD: Table = Table {
    columns: &[
        always("Name"),
        always("Ready"),
        always("Status"),
        always("Restarts"),
        always("Age"),
        wide("IP"),
        wide("Node"),
        wide("Nominated Node"),
        wide("Readiness Gates"),
    ],
    row,
};

fn row(pod: &Value, now: Timestamp) -> Vec<String> {
    let summary = summarize(pod);
    let total = list(pod, "spec.containers").len() + list(pod, "spec.initContainers").iter().filter(|c| restartable(c)).count();
    let restarts = match summary.last_restart {
        Some(then) if summary.restarts != 0 => {
            format!("{} ({} ago)", summary.restarts, age::human_duration(now.nanos_since(then)))
        }
        _ => summary.restarts.to_string(),
    };
    let ip = list(pod, "status.podIPs").first().map_or("", |entry| text(entry, "ip"));
    vec![
        name(pod).into(),
        format!("{}/{total}", summary.ready),
        summary.status,
        restarts,
        created(pod, now),
        or_none(ip),
        or_none(text(pod, "spec.nodeName")),
        or_none(text(pod, "status.nominatedNodeName")),
        readiness_gates(pod),
    ]
}

struct Summary {
    status: String,
    ready: usize,
    restarts: i64,
    last_restart: Option<Timestamp>,
}

/// Restart counts seen while walking container statuses.
#[derive(Default)]
struct Restarts {
    count: i64,
    last: Option<Timestamp>,
}

impl Restarts {
    fn add(&mut self, status: &Value) {
        self.count += number(status, "restartCount");
        self.last = self.last.max(time(status, "lastState.terminated.finishedAt"));
    }
}

fn summarize(pod: &Value) -> Summary {
    let mut status = text(pod, "status.phase").to_string();
    let reason = text(pod, "status.reason");
    if !reason.is_empty() {
        status = reason.into();
    }
    let conditions = list(pod, "status.conditions");
    if conditions.iter().any(|c| text(c, "type") == "PodScheduled" && text(c, "reason") == "SchedulingGated") {
        status = "SchedulingGated".into();
    }
    let init = walk_init_containers(pod);
    let (mut ready, mut restarts) = (init.ready, init.all);
    let initialized = conditions.iter().any(|c| text(c, "type") == "Initialized" && text(c, "status") == "True");
    let initializing = init.status.is_some();
    if let Some(word) = init.status {
        status = word;
    }
    if !initializing || initialized {
        restarts = init.sidecars;
        let running = walk_containers(pod, &mut status, &mut ready, &mut restarts);
        if status == "Completed" && running {
            let is_ready = conditions.iter().any(|c| text(c, "type") == "Ready" && text(c, "status") == "True");
            status = if is_ready { "Running" } else { "NotReady" }.into();
        }
    }
    if has(pod, "metadata.deletionTimestamp") {
        if reason == "NodeLost" {
            status = "Unknown".into();
        } else if !matches!(text(pod, "status.phase"), "Succeeded" | "Failed") {
            status = "Terminating".into();
        }
    }
    Summary { status, ready, restarts: restarts.count, last_restart: restarts.last }
}

struct InitWalk {
    /// The word, if initialisation is not over.
    status: Option<String>,
    ready: usize,
    all: Restarts,
    sidecars: Restarts,
}

fn walk_init_containers(pod: &Value) -> InitWalk {
    let specs = list(pod, "spec.initContainers");
    let mut walk = InitWalk { status: None, ready: 0, all: Restarts::default(), sidecars: Restarts::default() };
    for (index, container) in list(pod, "status.initContainerStatuses").iter().enumerate() {
        let spec = specs.iter().find(|spec| text(spec, "name") == text(container, "name"));
        let sidecar = spec.is_some_and(restartable);
        walk.all.add(container);
        if sidecar {
            walk.sidecars.add(container);
        }
        let terminated = at(container, "state.terminated");
        let waiting = text(container, "state.waiting.reason");
        if !terminated.is_null() && number(terminated, "exitCode") == 0 {
            continue;
        }
        if sidecar && flag(container, "started") {
            walk.ready += usize::from(flag(container, "ready"));
            continue;
        }
        walk.status = Some(if !terminated.is_null() {
            format!("Init:{}", ended(terminated))
        } else if !waiting.is_empty() && waiting != "PodInitializing" {
            format!("Init:{waiting}")
        } else {
            format!("Init:{index}/{}", specs.len())
        });
        break;
    }
    walk
}

/// Walks the containers backwards, so that the first one has the last word. Tells whether one of them runs and is ready.
fn walk_containers(pod: &Value, status: &mut String, ready: &mut usize, restarts: &mut Restarts) -> bool {
    let mut running = false;
    for container in list(pod, "status.containerStatuses").iter().rev() {
        restarts.add(container);
        let waiting = text(container, "state.waiting.reason");
        let terminated = at(container, "state.terminated");
        if !waiting.is_empty() {
            *status = waiting.into();
        } else if !terminated.is_null() {
            *status = ended(terminated);
        } else if flag(container, "ready") && has(container, "state.running") {
            running = true;
            *ready += 1;
        }
    }
    running
}

/// How a container ended: its reason, else the signal, else the exit code.
fn ended(terminated: &Value) -> String {
    match (text(terminated, "reason"), number(terminated, "signal")) {
        ("", 0) => format!("ExitCode:{}", number(terminated, "exitCode")),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.into(),
    }
}

/// An init container with `restartPolicy: Always` keeps running beside the others: a sidecar.
fn restartable(container: &Value) -> bool {
    text(container, "restartPolicy") == "Always"
}

fn readiness_gates(pod: &Value) -> String {
    let gates = list(pod, "spec.readinessGates");
    if gates.is_empty() {
        return "<none>".into();
    }
    let conditions = list(pod, "status.conditions");
    let holds = |gate: &&Value| {
        let wanted = text(gate, "conditionType");
        conditions.iter().find(|c| text(c, "type") == wanted).is_some_and(|c| text(c, "status") == "True")
    };
    format!("{}/{}", gates.iter().filter(holds).count(), gates.len())
}
