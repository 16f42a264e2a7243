//! From what is true of a pod to what its status says.
//!
//! The real thing: `pkg/kubelet/kubelet_pods.go` (phase), `pkg/kubelet/status/generate.go` (conditions).

use std::net::IpAddr;

use super::worker::Worker;
use crate::objects::condition::{self, Condition};
use crate::objects::pod::{ContainerState, Phase, PodStatus};
use crate::objects::pod_spec::RestartPolicy;
use crate::objects::time::Timestamp;

/// The status of a pod, built upon the one last sent (conditions keep their transition times).
pub fn of(worker: &Worker, host_ip: Option<IpAddr>, now: Timestamp) -> PodStatus {
    let mut status = (*worker.sent).clone();
    status.phase = phase(worker);
    status.started = Some(worker.accepted);
    status.host_ip = host_ip;
    status.ips = worker.ips.iter().copied().collect();
    (status.init_containers, status.containers) = (worker.statuses(true), worker.statuses(false));
    let unready = names(worker, |r| !r.init && !r.ready);
    let incomplete = names(worker, |r| r.init && !matches!(r.state, ContainerState::Terminated { exit: 0, .. }) && !r.running());
    let ended = matches!(status.phase, Phase::Succeeded | Phase::Failed);
    let initialized = worker.initialized();
    let mut put = |kind: &str, holds: bool, reason: &str, message: String| {
        let truth = if holds { "True" } else { "False" };
        let (reason, message) = if holds && reason != "PodCompleted" { ("", String::new()) } else { (reason, message) };
        condition::upsert(&mut status.conditions, Condition::new(kind, truth, reason, &message, now));
    };
    let torn_down = worker.over && !worker.anything_runs();
    put("PodReadyToStartContainers", worker.sandbox && !torn_down, "", String::new());
    put("Initialized", initialized, "ContainersNotInitialized", format!("containers with incomplete status: [{incomplete}]"));
    let (reason, message) = match status.phase {
        Phase::Succeeded => ("PodCompleted", String::new()),
        Phase::Failed => ("PodFailed", String::new()),
        _ => ("ContainersNotReady", format!("containers with unready status: [{unready}]")),
    };
    let ready = unready.is_empty() && initialized && !ended;
    put("Ready", ready && gates_open(worker), reason, message.clone());
    put("ContainersReady", ready, reason, message);
    put("PodScheduled", true, "", String::new());
    status
}

/// Readiness gates: each names a condition that must be true.
fn gates_open(worker: &Worker) -> bool {
    let conditions = &worker.pod.status.conditions;
    worker.pod.spec.readiness_gates.iter().all(|gate| condition::find(conditions, gate).is_some_and(Condition::is_true))
}

fn names(worker: &Worker, which: impl Fn(&super::worker::Run) -> bool) -> String {
    let names: Vec<&str> = worker.runs.iter().filter(|r| which(r)).map(|r| &*r.spec(&worker.pod).name).collect();
    names.join(" ")
}

fn phase(worker: &Worker) -> Phase {
    let policy = worker.pod.spec.restart;
    let mut ordinary = worker.runs.iter().filter(|r| !r.init).peekable();
    if policy == RestartPolicy::Never && worker.runs.iter().any(|r| r.init && failed(&r.state)) {
        return Phase::Failed;
    }
    if !worker.initialized() && !worker.over || ordinary.peek().is_none() {
        return Phase::Pending;
    }
    let (mut running, mut ended, mut broken, mut fresh) = (0, 0, 0, 0);
    for run in ordinary {
        match &run.state {
            ContainerState::Running { .. } => running += 1,
            ContainerState::Terminated { exit: 0, .. } => ended += 1,
            ContainerState::Terminated { .. } => (ended, broken) = (ended + 1, broken + 1),
            // A container that has run before and waits to run again counts as running.
            _ if run.last != ContainerState::None => running += 1,
            _ => fresh += 1,
        }
    }
    match (fresh, running, policy) {
        _ if worker.over && running == 0 && ended > 0 => {
            if broken > 0 {
                Phase::Failed
            } else {
                Phase::Succeeded
            }
        }
        (1.., _, _) => Phase::Pending,
        (_, 1.., _) => Phase::Running,
        (_, _, RestartPolicy::Always) => Phase::Running,
        (_, _, RestartPolicy::OnFailure) if broken > 0 => Phase::Running,
        _ if broken > 0 => Phase::Failed,
        _ if ended > 0 => Phase::Succeeded,
        _ => Phase::Pending,
    }
}

fn failed(state: &ContainerState) -> bool {
    matches!(state, ContainerState::Terminated { exit, .. } if *exit != 0)
}
