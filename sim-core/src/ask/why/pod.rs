//! A pod: waiting for a node, starting, crashing, running but not ready, or on its way out.

use super::finding::{Detail, Eviction, Found, NotReady, PodFinding, Standing, Unscheduled, Waiting};
use super::{Judged, event, has_kubelet, place, silence, watches_nodes};
use crate::ask::cause::{Because, Cause};
use crate::ask::moment::Moment;
use crate::cluster::faults::ActiveFault;
use crate::explain::ObjectName;
use crate::objects::Name;
use crate::objects::condition::Condition;
use crate::objects::meta::Owner;
use crate::objects::pod::{ContainerState, ContainerStatus, Phase, Pod};
use crate::objects::pod_spec::Toleration;

/// Why a pod is as it is.
pub(super) fn why(moment: &Moment<'_>, pod: &Pod) -> Judged {
    let mut findings = Vec::new();
    let troubles = pod.node.as_ref().map(|node| moment.cluster.troubles(node)).unwrap_or_default();
    let silent = silence(&troubles);
    if pod.meta.deleting() {
        return (Standing::Terminating, vec![Found::new(leaving(pod, silent))]);
    }
    let phase = pod.status.phase;
    if matches!(phase, Phase::Succeeded | Phase::Failed) {
        let ended = pod.status.containers.iter().filter_map(ended_with);
        return (Standing::Ended(phase), ended.map(Found::new).collect());
    }
    let Some(node) = &pod.node else { return (Standing::NoNode, vec![unscheduled(moment, pod)]) };
    findings.extend(silent.map(|active| Found::new(unheard(moment, pod, node, active))));
    if !pod.ready() {
        let all = pod.status.init_containers.iter().chain(&pod.status.containers);
        let told = findings.len();
        findings.extend(all.filter_map(|c| container(moment, pod, c)));
        let closed = pod.spec.readiness_gates.iter().filter(|g| !pod.condition(g).is_some_and(Condition::is_true));
        findings.extend(closed.map(|gate| Found::new(PodFinding::GateClosed(gate.clone()))));
        // What a silent node would say of it nobody knows.
        if findings.len() == told && silent.is_none() {
            findings.push(Found::new(unsaid(moment, pod, node)));
        }
    }
    (Standing::Pod { ready: pod.ready(), phase, silent: silent.cloned() }, findings)
}

/// The pod in one line.
pub(super) fn detail(moment: &Moment<'_>, pod: &Pod) -> Detail {
    let (standing, findings) = why(moment, pod);
    Detail::Pod(pod.meta.name.clone(), standing, findings.into_iter().next().map(|found| Box::new(found.finding)))
}

fn name_of(pod: &Pod) -> ObjectName {
    ObjectName::new("Pod", pod.meta.namespace.clone(), pod.meta.name.clone())
}

/// What the API says of the pod is old.
fn unheard(moment: &Moment<'_>, pod: &Pod, node: &Name, active: &ActiveFault) -> PodFinding {
    let covers = |t: &&Toleration| t.covers("node.kubernetes.io/unreachable", "", "NoExecute");
    let covering: Vec<&Toleration> = pod.spec.tolerations.iter().filter(covers).collect();
    let stay = covering.iter().filter_map(|t| t.seconds).min();
    let eviction = match (watches_nodes(moment), covering.is_empty(), stay) {
        (false, ..) | (true, false, None) => Eviction::Never,
        (true, true, _) => Eviction::AtOnce,
        (true, false, Some(seconds)) => Eviction::After(seconds.max(0)),
    };
    PodFinding::NodeSilent { node: node.clone(), fault: active.clone(), eviction }
}

/// The pod is to be deleted.
fn leaving(pod: &Pod, silent: Option<&ActiveFault>) -> PodFinding {
    match (silent, &pod.node) {
        (Some(active), Some(node)) => PodFinding::LeavingWithNode(node.clone(), active.clone()),
        _ if !pod.meta.finalizers.is_empty() => PodFinding::Finalizers(pod.meta.finalizers.to_vec()),
        _ => PodFinding::Ending(pod.meta.deletion.and_then(|d| d.grace).unwrap_or_default()),
    }
}

/// No node takes it.
fn unscheduled(moment: &Moment<'_>, pod: &Pod) -> Found {
    if !pod.spec.gates.is_empty() {
        return Found::new(PodFinding::Gated(pod.spec.gates.to_vec()));
    }
    let said = pod.condition("PodScheduled").filter(|c| !c.is_true()).map(|c| c.message.clone());
    let others = !pod.spec.scheduler.is_empty() && &*pod.spec.scheduler != "default-scheduler";
    let said = match said {
        Some(message) if !message.is_empty() => Unscheduled::Message(message),
        _ if others => Unscheduled::OtherScheduler(pod.spec.scheduler.clone()),
        _ => Unscheduled::NotLookedAt,
    };
    let refusals = moment.cluster.scheduler.refusals(pod);
    let first = refusals.iter().flat_map(|(_, why)| why).next().cloned();
    let details = refusals.into_iter().map(|(node, why)| Detail::Refusal(node, why)).collect();
    Found::new(PodFinding::Unschedulable(said, first)).with(details).field(selector(moment, pod))
}

/// The nodeSelector, with its place in the manifest of the pod or of the Deployment that made it.
fn selector(moment: &Moment<'_>, pod: &Pod) -> Option<Because> {
    let (key, value) = pod.spec.node_selector.0.iter().next()?;
    let cause = Cause::NodeSelector(key.clone(), value.clone());
    let namespace = &pod.meta.namespace;
    let owner = |owners: &[Owner]| owners.iter().find(|o| o.controller == Some(true)).map(|o| o.name.clone());
    let set = owner(&pod.meta.owners).and_then(|set| moment.view().replica_sets.get(namespace, &set));
    let (about, path) = match set.and_then(|s| owner(&s.meta.owners)) {
        Some(deployment) => {
            (ObjectName::new("Deployment", namespace.clone(), deployment), format!("spec.template.spec.nodeSelector.{key}"))
        }
        None => (name_of(pod), format!("spec.nodeSelector.{key}")),
    };
    let at = place(moment, &about, &path, value);
    Some(Because::of(about, cause).at(at))
}

/// One container that does not do what it should.
fn container(moment: &Moment<'_>, pod: &Pod, status: &ContainerStatus) -> Option<Found> {
    let name = status.name.clone();
    match &status.state {
        ContainerState::Waiting { reason, message } => {
            Some(waiting(pod, status, Waiting { container: name, reason: reason.clone(), message: message.clone() }))
        }
        ContainerState::Terminated { exit, reason, .. } if *exit != 0 => {
            let (exit, reason, log) = (*exit, reason.clone(), Some(name_of(pod)));
            Some(Found::new(PodFinding::ContainerEnded { container: name, exit, reason, log }))
        }
        ContainerState::Running { .. } if !status.ready => {
            let said = event(moment, &name_of(pod), "Unhealthy").map(|e| Name::from(&*e.message));
            let spec = pod.spec.containers.iter().find(|c| c.name == *name);
            let probes = ["startupProbe", "readinessProbe"].into_iter();
            let probes = probes.filter_map(|p| spec.and_then(|c| c.doc.get(p)).map(|doc| Detail::Probe(p, doc.to_string())));
            let probes = probes.collect();
            Some(match said {
                Some(message) => Found::new(PodFinding::ProbeFails(name, message)).with(probes),
                None => Found::new(PodFinding::ProbeWaits(name)).with(probes),
            })
        }
        _ => None,
    }
}

/// A container that is not started.
fn waiting(pod: &Pod, status: &ContainerStatus, waiting: Waiting) -> Found {
    match &*waiting.reason {
        "CrashLoopBackOff" => {
            let last = ended_with(status).map(|ended| Detail::Finding(ended.into())).into_iter().collect();
            let restarts = i64::from(status.restarts);
            Found::new(PodFinding::CrashLoop { pod: name_of(pod), container: waiting, restarts }).with(last)
        }
        "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" => {
            Found::new(PodFinding::NoImage(waiting, status.image.clone()))
        }
        "CreateContainerConfigError" => Found::new(PodFinding::BadConfig(waiting)),
        _ => Found::new(PodFinding::Starting(waiting)),
    }
}

/// How a container ended last.
fn ended_with(status: &ContainerStatus) -> Option<PodFinding> {
    let last = [&status.state, &status.last].into_iter().find_map(|s| match s {
        ContainerState::Terminated { exit, reason, .. } => Some((*exit, reason.clone())),
        _ => None,
    });
    let (exit, reason) = last?;
    Some(PodFinding::ContainerEnded { container: status.name.clone(), exit, reason, log: None })
}

/// Bound to a node, and nothing is wrong with any container that has been heard of.
fn unsaid(moment: &Moment<'_>, pod: &Pod, node: &Name) -> PodFinding {
    let ready = pod.condition("Ready").filter(|c| !c.is_true());
    let why = match ready {
        Some(condition) if !condition.message.is_empty() => NotReady::Message(condition.message.clone()),
        Some(condition) if !pod.status.containers.is_empty() => NotReady::Status(condition.status.clone()),
        _ => NotReady::Unsaid(node.clone()),
    };
    PodFinding::NotReady(why, has_kubelet(moment, node))
}
