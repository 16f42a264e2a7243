//! A pod: waiting for a node, starting, crashing, running but not ready, or on its way out.

use super::{Finding, Found, Ground, Verdict};
use crate::explain::answer::Cause;
use crate::explain::trouble::{Kind, Trouble};
use crate::objects::Name;
use crate::objects::condition::Condition;
use crate::objects::pod::{ContainerState, ContainerStatus, Phase, Pod};

/// Why a pod is as it is.
pub(super) fn why(ground: &Ground<'_>, pod: &Pod) -> Found {
    let mut findings = Vec::new();
    let troubles = pod.node.as_ref().map(|node| (ground.troubles)(node)).unwrap_or_default();
    let silent = troubles.iter().find(|t| t.silences_kubelet() && t.kind != Kind::NoApiServer);
    if pod.meta.deleting() {
        return (Verdict::is("Terminating"), vec![leaving(pod, silent)]);
    }
    let ended = matches!(pod.status.phase, Phase::Succeeded | Phase::Failed);
    findings.extend(silent.filter(|_| !ended).map(|trouble| unheard(ground, pod, trouble)));
    let state = match &pod.node {
        _ if ended => {
            findings.extend(pod.status.containers.iter().filter_map(ended_with));
            return (Verdict::is(format!("{}: it has ended for good", pod.status.phase.text())), findings);
        }
        None => {
            findings.push(unscheduled(ground, pod));
            return (Verdict::is("Pending: it has no node"), findings);
        }
        Some(_) if pod.ready() => "Ready".to_string(),
        Some(node) => {
            let all = pod.status.init_containers.iter().chain(&pod.status.containers);
            let told = findings.len();
            findings.extend(all.filter_map(|c| container(ground, pod, c)));
            findings.extend(gates(pod));
            // What a silent node would say of it nobody knows.
            if findings.len() == told && silent.is_none() {
                findings.push(unsaid(ground, pod, node));
            }
            let phase = if pod.status.phase.text().is_empty() { "Pending" } else { pod.status.phase.text() };
            format!("{phase}, not Ready")
        }
    };
    let verdict = match silent.map(|t| &t.kind) {
        None => state,
        Some(Kind::NoPower) => format!("called {state}, and its node is down"),
        Some(_) => format!("called {state}, and its node is silent"),
    };
    (Verdict::is(verdict), findings)
}

/// What the API says of the pod is old.
fn unheard(ground: &Ground<'_>, pod: &Pod, trouble: &Trouble) -> Finding {
    let node = pod.node.as_deref().unwrap_or_default();
    let (code, truth) = match trouble.kind {
        Kind::NoPower => ("node-down", "it does not run"),
        _ => ("node-silent", "it may run on"),
    };
    let text = format!("{}: the API says of the pod what the node said last; {truth}", trouble.text(node));
    let taint = |t: &&crate::objects::pod_spec::Toleration| t.covers("node.kubernetes.io/unreachable", "", "NoExecute");
    let covering: Vec<_> = pod.spec.tolerations.iter().filter(taint).collect();
    let stay = covering.iter().filter_map(|t| t.seconds).min();
    let later = match (ground.watches_nodes, covering.is_empty(), stay) {
        (false, ..) | (true, false, None) => "; it is not evicted".to_string(),
        (true, true, _) => ", or wait: it is deleted when the node is found unreachable".to_string(),
        (true, false, Some(seconds)) => {
            format!(", or wait: it is deleted {} s after the node is found unreachable", seconds.max(0))
        }
    };
    Finding::new(code, text, format!("{}{later}", trouble.heal))
}

/// The pod is to be deleted.
fn leaving(pod: &Pod, silent: Option<&Trouble>) -> Finding {
    let grace = pod.meta.deletion.and_then(|d| d.grace).unwrap_or_default();
    match (silent, &pod.node) {
        (Some(trouble), Some(node)) => Finding::new(
            "leaving-with-node",
            format!("it was asked to end, and its kubelet has to confirm that: {}", trouble.text(node)),
            format!("{}; or delete the Node object, or kubectl delete pod --force if the machine is surely off", trouble.heal),
        ),
        _ if !pod.meta.finalizers.is_empty() => Finding::new(
            "finalizers",
            format!("it waits for its finalizers: {}", pod.meta.finalizers.join(", ")),
            "whoever set them has to remove them",
        ),
        _ => Finding::new("leaving", format!("its containers have {grace} s to end after SIGTERM (preStop included)"), "wait"),
    }
}

/// No node takes it.
fn unscheduled(ground: &Ground<'_>, pod: &Pod) -> Finding {
    if !pod.spec.gates.is_empty() {
        let text = format!("its scheduling gates hold it back: {}", pod.spec.gates.join(", "));
        return Finding::new("gated", text, "remove spec.schedulingGates");
    }
    let said = pod.condition("PodScheduled").filter(|c| !c.is_true()).map(|c| c.message.to_string());
    let others = !pod.spec.scheduler.is_empty() && &*pod.spec.scheduler != "default-scheduler";
    let text = match said {
        Some(message) if !message.is_empty() => message,
        _ if others => format!("it asks for the scheduler {}, which does not run here", pod.spec.scheduler),
        _ => "no scheduler has looked at it yet".to_string(),
    };
    let details = ground.refusals.iter().map(|(node, why)| {
        let why = if why.is_empty() { "would take it".to_string() } else { why.join(", ") };
        format!("{node}  {why}")
    });
    let way_out = ground.refusals.iter().flat_map(|(_, why)| why).map(|w| way_out(w)).next().unwrap_or_else(|| way_out(&text));
    Finding::new("unschedulable", text, way_out).with(details.collect()).field(selector(ground, pod))
}

/// What helps against one refusal of the scheduler.
fn way_out(refusal: &str) -> &'static str {
    match refusal {
        r if r.contains("Insufficient") => "ask for less in resources.requests, free some, or add a node",
        r if r.contains("Too many pods") => "add a node, or remove pods",
        r if r.contains("untolerated taint") => "add a toleration, or remove the taint: kubectl taint nodes NODE KEY-",
        r if r.contains("unschedulable") => "kubectl uncordon NODE",
        r if r.contains("affinity/selector") => "label a node so that nodeSelector or affinity finds it, or change them",
        r if r.contains("topology spread") => "let whenUnsatisfiable be ScheduleAnyway, or add nodes in the missing domain",
        _ => "let time pass: `advance 10s`",
    }
}

/// The nodeSelector, with its place in the manifest of the pod or of the Deployment that made it.
fn selector(ground: &Ground<'_>, pod: &Pod) -> Option<Cause> {
    let (key, value) = pod.spec.node_selector.0.iter().next()?;
    let text = format!("nodeSelector {key}={value}");
    let namespace = &pod.meta.namespace;
    let set = pod.meta.owners.iter().find(|o| o.controller == Some(true));
    let set = set.and_then(|o| ground.view.replica_sets.get(namespace, &o.name));
    match set.and_then(|s| s.meta.owners.iter().find(|o| o.controller == Some(true))) {
        Some(owner) => {
            let path = format!("spec.template.spec.nodeSelector.{key}");
            Some(ground.cause("Deployment", (namespace, &owner.name), &path, value, text))
        }
        None => Some(ground.cause("Pod", (namespace, &pod.meta.name), &format!("spec.nodeSelector.{key}"), value, text)),
    }
}

/// One container that does not do what it should.
fn container(ground: &Ground<'_>, pod: &Pod, status: &ContainerStatus) -> Option<Finding> {
    let name = &status.name;
    match &status.state {
        ContainerState::Waiting { reason, message } => Some(waiting(pod, status, reason, message)),
        ContainerState::Terminated { exit, reason, .. } if *exit != 0 => Some(Finding::new(
            "container-ended",
            format!("container {name} ended with status {exit} ({reason})"),
            format!("kubectl logs {} -n {} -c {name}", pod.meta.name, pod.meta.namespace),
        )),
        ContainerState::Running { .. } if !status.ready => {
            let said = ground.event("Pod", &pod.meta.namespace, &pod.meta.name, "Unhealthy").map(|e| e.message.to_string());
            let spec = pod.spec.containers.iter().find(|c| c.name == *name);
            let probes = ["startupProbe", "readinessProbe"].into_iter();
            let probe = probes.filter_map(|p| spec.and_then(|c| c.doc.get(p)).map(|doc| format!("{p} {doc}"))).collect();
            Some(match said {
                Some(message) => Finding::new(
                    "probe-fails",
                    format!("container {name} runs and is not ready: {message}"),
                    "probe the port and path that the program serves; it must listen on the pod's address, not on 127.0.0.1",
                )
                .with(probe),
                None => Finding::new(
                    "probe-waits",
                    format!("container {name} runs; no probe has passed yet"),
                    "let time pass: `advance 10s`",
                )
                .with(probe),
            })
        }
        _ => None,
    }
}

/// A container that is not started.
fn waiting(pod: &Pod, status: &ContainerStatus, reason: &str, message: &str) -> Finding {
    let (name, image) = (&status.name, &status.image);
    let said = if message.is_empty() { reason.to_string() } else { format!("{reason}: {message}") };
    match reason {
        "CrashLoopBackOff" => {
            let last = ended_with(status).map(|f| f.text).into_iter().collect();
            let way_out = format!(
                "kubectl logs {} -n {} -c {name} --previous; then repair command, arguments or environment",
                pod.meta.name, pod.meta.namespace
            );
            let text = format!("container {name} ends again and again, {} restarts so far: {said}", status.restarts);
            Finding::new("crash-loop", text, way_out).with(last)
        }
        "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" => {
            Finding::new("image", format!("container {name} has no image {image}: {said}"), "correct the image's name or tag")
        }
        "CreateContainerConfigError" => Finding::new(
            "config",
            format!("container {name} refers to something that is not there: {said}"),
            "create the ConfigMap or Secret, or the key in it",
        ),
        _ => Finding::new("starting", format!("container {name} is not started yet: {said}"), "let time pass: `advance 10s`"),
    }
}

/// How a container ended last.
fn ended_with(status: &ContainerStatus) -> Option<Finding> {
    let last = [&status.state, &status.last].into_iter().find_map(|s| match s {
        ContainerState::Terminated { exit, reason, .. } => Some((*exit, reason.clone())),
        _ => None,
    });
    let (exit, reason) = last?;
    let text = format!("container {} ended with status {exit} ({reason})", status.name);
    Some(Finding::new("container-ended", text, "restartPolicy decides whether it is started again"))
}

/// Readiness gates that nobody has opened.
fn gates(pod: &Pod) -> Vec<Finding> {
    let closed = pod.spec.readiness_gates.iter().filter(|g| !pod.condition(g).is_some_and(Condition::is_true));
    let one = |gate: &Name| {
        Finding::new(
            "readiness-gate",
            format!("readiness gate {gate} is not open"),
            format!("whoever keeps the condition {gate} has to set it to True"),
        )
    };
    closed.map(one).collect()
}

/// Bound to a node, and nothing is wrong with any container that has been heard of.
fn unsaid(ground: &Ground<'_>, pod: &Pod, node: &str) -> Finding {
    let later = match (ground.has_kubelet)(node) {
        true => "let time pass: `advance 10s`",
        false => "no kubelet runs there: the status is as it was written",
    };
    let ready = pod.condition("Ready").filter(|c| !c.is_true());
    match ready {
        Some(condition) if !condition.message.is_empty() => Finding::new("not-ready", condition.message.to_string(), later),
        Some(condition) if !pod.status.containers.is_empty() => {
            let text = format!("its containers are ready, and its condition Ready still says {}", condition.status);
            Finding::new("not-ready", text, later)
        }
        _ => Finding::new("node-silent", format!("the kubelet of {node} has not said anything of it yet"), later),
    }
}
