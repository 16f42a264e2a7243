//! The sentence of each finding, and its way out.

use super::standing::{phrase, verdict};
use crate::ask::trace::LocalPolicy;
use crate::ask::why::finding::{
    Eviction, Kubelet, NoBalancer, NodeFinding, NotReady, PodFinding, PolicyFinding, ServiceFinding, Unscheduled, Waiting,
};
use crate::ask::why::{Detail, Finding, Standing};
use crate::cluster::faults::{ActiveFault, Fault, NodeFault};
use crate::explain::{Flow, ObjectName};
use crate::objects::Name;
use crate::objects::node::Taint;
use crate::render::words::{self, count, direction, pairs, some, some_of};
use crate::render::{fault, hint};

/// Lets time pass.
const WAIT: &str = "let time pass: `advance 10s`";

/// The sentence of a finding.
pub(super) fn text(finding: &Finding) -> String {
    match finding {
        Finding::NoApiServer => {
            "the API server does not answer: this is what was stored last, and nothing about it is decided".to_string()
        }
        Finding::Leaving => "its deletion was asked for, and nothing holds it".to_string(),
        Finding::Finalizer(_, finalizer) => match &**finalizer {
            "foregroundDeletion" => "what it owns is deleted first".to_string(),
            "orphan" => "what it owns is let go first".to_string(),
            "service.kubernetes.io/load-balancer-cleanup" => "the cloud takes its balancer down first".to_string(),
            other => format!("it waits for whoever set the finalizer {other}"),
        },
        Finding::NotEmpty { left, .. } if left.is_empty() => {
            "everything in it is deleted first; nothing of weight is left".to_string()
        }
        Finding::NotEmpty { left, .. } => {
            let left: Vec<String> = left.iter().map(|(n, kind)| count(*n, kind)).collect();
            format!("everything in it is deleted first; still there: {}", some(&left))
        }
        Finding::Node(finding) => of_node(finding),
        Finding::Pod(finding) => of_pod(finding),
        Finding::Policy(finding) => of_policy(finding),
        Finding::Service(finding) => of_service(finding),
        Finding::NotObserved => "the deployment controller has not looked at the newest spec yet".to_string(),
        Finding::Paused => "spec.paused: changes of the template are not rolled out".to_string(),
        Finding::Condition { reason, message, .. } => format!("{reason}: {message}"),
        Finding::HeldUp(name, standing, _) => format!("pod {name} {}", phrase(standing)),
        Finding::NoProvisioner => {
            "nothing in this cluster makes or binds volumes, so a claim stays as it was written".to_string()
        }
        Finding::NotSimulated(kind) => format!("nothing in this cluster acts on the kind {kind}: it is kept as it was written"),
    }
}

fn of_node(finding: &NodeFinding) -> String {
    match finding {
        NodeFinding::NotReady { status, message, .. } => format!("Ready={status}: {message}"),
        NodeFinding::NoStatus(true) => "its kubelet has not reported yet".to_string(),
        NodeFinding::NoStatus(false) => "no kubelet reports for it".to_string(),
        NodeFinding::Broken(node, active) => format!("{}: {}", fault::of_node(active, node), in_spite_of(active)),
        NodeFinding::NotNoticed(_, true) => {
            "nobody has noticed yet: the control plane waits for 50 s of silence (40 s before 1.32)".to_string()
        }
        NodeFinding::NotNoticed(_, false) => {
            "nobody will notice: the node lifecycle controller does not run in this cluster".to_string()
        }
        NodeFinding::Taint(_, taint) => format!("taint {}", taint_text(taint)),
        NodeFinding::Cordoned(_) => "spec.unschedulable: no new pod is placed on it".to_string(),
    }
}

/// `key=value:effect`.
fn taint_text(taint: &Taint) -> String {
    let value = if taint.value.is_empty() { String::new() } else { format!("={}", taint.value) };
    format!("{}{value}:{}", taint.key, taint.effect)
}

/// What goes on in spite of a fault.
fn in_spite_of(active: &ActiveFault) -> &'static str {
    match active.fault {
        Fault::Node(_, NodeFault::PowerOff) => "nothing on it runs",
        Fault::Node(_, NodeFault::KubeletStop) => "its containers and rules go on, and nobody hears of them",
        Fault::Node(_, NodeFault::Partition) | Fault::Link(..) => "what runs on it goes on, and nobody hears of it",
        Fault::ApiServer => "nothing is decided",
        Fault::Proxy(_) => "its rules stay as they are",
        Fault::Dns => "no name is resolved",
        Fault::Pod(..) => "its kubelet starts them again",
    }
}

fn of_pod(finding: &PodFinding) -> String {
    match finding {
        PodFinding::NodeSilent { node, fault: active, .. } => {
            let truth = match active.fault {
                Fault::Node(_, NodeFault::PowerOff) => "it does not run",
                _ => "it may run on",
            };
            format!("{}: the API says of the pod what the node said last; {truth}", fault::of_node(active, node))
        }
        PodFinding::LeavingWithNode(node, active) => {
            format!("it was asked to end, and its kubelet has to confirm that: {}", fault::of_node(active, node))
        }
        PodFinding::Finalizers(finalizers) => format!("it waits for its finalizers: {}", finalizers.join(", ")),
        PodFinding::Ending(grace) => format!("its containers have {grace} s to end after SIGTERM (preStop included)"),
        PodFinding::Gated(gates) => format!("its scheduling gates hold it back: {}", gates.join(", ")),
        PodFinding::Unschedulable(said, _) => unscheduled(said),
        PodFinding::ContainerEnded { container, exit, reason, .. } => {
            format!("container {container} ended with status {exit} ({reason})")
        }
        PodFinding::ProbeFails(container, message) => format!("container {container} runs and is not ready: {message}"),
        PodFinding::ProbeWaits(container) => format!("container {container} runs; no probe has passed yet"),
        PodFinding::CrashLoop { container, restarts, .. } => {
            format!("container {} ends again and again, {restarts} restarts so far: {}", container.container, waiting(container))
        }
        PodFinding::NoImage(container, image) => {
            format!("container {} has no image {image}: {}", container.container, waiting(container))
        }
        PodFinding::BadConfig(container) => {
            format!("container {} refers to something that is not there: {}", container.container, waiting(container))
        }
        PodFinding::Starting(container) => {
            format!("container {} is not started yet: {}", container.container, waiting(container))
        }
        PodFinding::GateClosed(gate) => format!("readiness gate {gate} is not open"),
        PodFinding::NotReady(NotReady::Message(message), _) => message.to_string(),
        PodFinding::NotReady(NotReady::Status(status), _) => {
            format!("its containers are ready, and its condition Ready still says {status}")
        }
        PodFinding::NotReady(NotReady::Unsaid(node), _) => format!("the kubelet of {node} has not said anything of it yet"),
    }
}

fn unscheduled(said: &Unscheduled) -> String {
    match said {
        Unscheduled::Message(message) => message.to_string(),
        Unscheduled::OtherScheduler(name) => format!("it asks for the scheduler {name}, which does not run here"),
        Unscheduled::NotLookedAt => "no scheduler has looked at it yet".to_string(),
    }
}

/// What the kubelet says of a container that waits.
fn waiting(waiting: &Waiting) -> String {
    match waiting.message.is_empty() {
        true => waiting.reason.to_string(),
        false => format!("{}: {}", waiting.reason, waiting.message),
    }
}

fn of_policy(finding: &PolicyFinding) -> String {
    match finding {
        PolicyFinding::SelectsNobody(selector, namespace) => format!(
            "the podSelector ({}) matches no pod of namespace {namespace} that has an address of its own",
            words::selector(selector)
        ),
        PolicyFinding::Isolates(pods) => format!("it isolates {}", some(pods)),
        PolicyFinding::Rules(flow, rules, open) => {
            let verb = match flow {
                Flow::Ingress => "reach them",
                Flow::Egress => "be reached by them",
            };
            let side = direction(*flow);
            match rules {
                _ if *open => format!("{side}: everybody may {verb}, for a rule names neither peers nor ports"),
                0 => format!("{side}: nobody may {verb}, for there is no rule"),
                1 => format!("{side}: only who fits its rule may {verb}"),
                n => format!("{side}: only who fits one of its {n} rules may {verb}"),
            }
        }
        PolicyFinding::HostNetwork(pods) => {
            format!("{} matched, and on the network of the node, which policies do not bind", some(pods))
        }
        PolicyFinding::NotEnforced(nodes, _) => {
            let verb = if nodes.len() == 1 { "does" } else { "do" };
            format!("{} {verb} not enforce it as it is now yet", some(nodes))
        }
    }
}

fn of_service(finding: &ServiceFinding) -> String {
    match finding {
        ServiceFinding::Alias(other) => {
            format!("type ExternalName: its name leads to {other} by DNS; it has no address and no endpoints")
        }
        ServiceFinding::NoSelector(_, slices) => {
            format!("no selector, so its endpoints are made by hand: {}", count(*slices, "slice"))
        }
        ServiceFinding::MatchesNothing(labels, namespace) => {
            format!("the selector {} matches no pod of namespace {namespace}", pairs(labels))
        }
        ServiceFinding::PodsNotReady(unready, all, _) => {
            let verb = if *unready == 1 { "is" } else { "are" };
            format!("{unready} of {} that the selector finds {verb} not ready", count(*all, "pod"))
        }
        ServiceFinding::TargetPortName { name, protocol, pods, port } => {
            format!("no container port named {name}/{} in {}; port {port} skips them", protocol.text(), some(pods))
        }
        ServiceFinding::NoBalancer(NoBalancer::OtherClass(class), _) => {
            format!("EXTERNAL-IP <pending>: loadBalancerClass {class} leaves it to another controller, which is not here")
        }
        ServiceFinding::NoBalancer(NoBalancer::NoCloud, _) => {
            "EXTERNAL-IP <pending>: nothing in this cluster gives balancers addresses, and nothing will say so".to_string()
        }
        ServiceFinding::NoBalancer(NoBalancer::Coming, _) => {
            "EXTERNAL-IP <pending>: the cloud has not finished it yet".to_string()
        }
        ServiceFinding::KeptLocal(policy, nodes) => {
            let silence = match policy {
                LocalPolicy::External => "connections from outside that come in there",
                LocalPolicy::Internal => "connections that begin there",
            };
            format!("{}: Local, and no ready pod on {}: {silence} get no answer", policy.field(), some(nodes))
        }
        ServiceFinding::NoServiceLabel => "it has no label kubernetes.io/service-name, so nobody uses it".to_string(),
        ServiceFinding::NoService(namespace, service) => format!("there is no Service {service} in namespace {namespace}"),
        ServiceFinding::SlicesBehind => "ready pods match, and their addresses are not in its slices yet".to_string(),
    }
}

/// What would change it.
pub(super) fn way_out(finding: &Finding) -> String {
    let fixed = match finding {
        Finding::Node(finding) => return node_way_out(finding),
        Finding::Pod(finding) => return pod_way_out(finding),
        Finding::Policy(finding) => return policy_way_out(finding),
        Finding::Service(finding) => return service_way_out(finding),
        Finding::Finalizer(object, finalizer) => return finalizer_removed(object, finalizer),
        Finding::NotEmpty { namespace, pod: Some(pod), .. } => {
            return format!("let time pass: `advance 30s`; or why pod/{namespace}/{pod}");
        }
        Finding::HeldUp(_, _, Some(first)) => return way_out(first),
        Finding::NoApiServer => "heal apiserver",
        Finding::Leaving => "let time pass: `advance 1s`",
        Finding::NotEmpty { .. } => "let time pass: `advance 1s`; or the namespace controller does not run in this cluster",
        Finding::NotObserved => "let time pass: `advance 1s`; or the controller does not run in this cluster",
        Finding::Paused => "kubectl rollout resume",
        Finding::Condition { of_rollout: true, .. } => "repair what holds the new pods up; then the rollout goes on by itself",
        Finding::Condition { of_rollout: false, .. } => "change what the API server refuses",
        Finding::HeldUp(_, _, None) => "let time pass",
        Finding::NoProvisioner => {
            "in a real cluster: a default StorageClass with a provisioner, or a PersistentVolume that fits size, access mode \
             and class; here pods do not wait for it"
        }
        Finding::NotSimulated(_) => "see the page Fidelity of the book for what is",
    };
    fixed.to_string()
}

fn node_way_out(finding: &NodeFinding) -> String {
    match finding {
        NodeFinding::NotReady { kubelet, .. } => match kubelet {
            Kubelet::Silent(active) => fault::heal(active),
            Kubelet::Reports => format!("its kubelet reports again: {WAIT}"),
            Kubelet::Absent => "no kubelet reports for it here: the status is as it was written".to_string(),
        },
        NodeFinding::NoStatus(true) => WAIT.to_string(),
        NodeFinding::NoStatus(false) => "a machine of that name (spec.cluster.nodes), in a cluster with kubelets".to_string(),
        NodeFinding::Cordoned(node) => format!("kubectl uncordon {node}"),
        NodeFinding::Broken(_, active) | NodeFinding::NotNoticed(active, false) => fault::heal(active),
        NodeFinding::NotNoticed(active, true) => format!("let time pass, or {}", fault::heal(active)),
        NodeFinding::Taint(node, taint) => taint_removed(node, taint),
    }
}

fn pod_way_out(finding: &PodFinding) -> String {
    let fixed = match finding {
        PodFinding::NodeSilent { fault: active, eviction, .. } => {
            return format!("{}{}", fault::heal(active), evicted(*eviction));
        }
        PodFinding::LeavingWithNode(_, active) => {
            let heal = fault::heal(active);
            return format!("{heal}; or delete the Node object, or kubectl delete pod --force if the machine is surely off");
        }
        PodFinding::Unschedulable(_, Some(refusal)) => against_refusal(refusal),
        PodFinding::Unschedulable(said, None) => against_refusal(&unscheduled(said)),
        PodFinding::ContainerEnded { container, log: Some(pod), .. } => {
            return format!("kubectl logs {} -n {} -c {container}", pod.name, pod.namespace);
        }
        PodFinding::CrashLoop { pod, container, .. } => {
            let log = format!("kubectl logs {} -n {} -c {} --previous", pod.name, pod.namespace, container.container);
            return format!("{log}; then repair command, arguments or environment");
        }
        PodFinding::GateClosed(gate) => return format!("whoever keeps the condition {gate} has to set it to True"),
        PodFinding::Finalizers(_) => "whoever set them has to remove them",
        PodFinding::Ending(_) => "wait",
        PodFinding::Gated(_) => "remove spec.schedulingGates",
        PodFinding::ContainerEnded { log: None, .. } => "restartPolicy decides whether it is started again",
        PodFinding::ProbeFails(..) => {
            "probe the port and path that the program serves; it must listen on the pod's address, not on 127.0.0.1"
        }
        PodFinding::NoImage(..) => "correct the image's name or tag",
        PodFinding::BadConfig(_) => "create the ConfigMap or Secret, or the key in it",
        PodFinding::ProbeWaits(_) | PodFinding::Starting(_) | PodFinding::NotReady(_, true) => WAIT,
        PodFinding::NotReady(_, false) => "no kubelet runs there: the status is as it was written",
    };
    fixed.to_string()
}

fn policy_way_out(finding: &PolicyFinding) -> String {
    let fixed = match finding {
        PolicyFinding::Rules(flow, _, open) => return rules_changed(*flow, *open),
        PolicyFinding::NotEnforced(nodes, active) => return not_enforced(nodes, active.as_ref()),
        PolicyFinding::SelectsNobody(..) => {
            "let the podSelector and the labels of the pods say the same: kubectl get pods --show-labels"
        }
        PolicyFinding::Isolates(_) => {
            "policies only add up: another one that selects the same pods may allow more, and none can forbid"
        }
        PolicyFinding::HostNetwork(_) => "none: to the network these pods are their node",
    };
    fixed.to_string()
}

fn service_way_out(finding: &ServiceFinding) -> String {
    let fixed = match finding {
        ServiceFinding::NoSelector(service, _) => {
            return format!("an EndpointSlice with the label kubernetes.io/service-name={service} and a port of the same name");
        }
        ServiceFinding::PodsNotReady(_, _, first) => return format!("why pod/{}/{}", first.namespace, first.name),
        ServiceFinding::TargetPortName { name, .. } => {
            return format!("name the container's port {name}, or write its number as targetPort");
        }
        ServiceFinding::NoBalancer(why, ports) => return balancer(why, ports),
        ServiceFinding::NoService(_, service) => return format!("create Service {service}, or delete these endpoints"),
        ServiceFinding::KeptLocal(LocalPolicy::External, _) => {
            "spread the pods over all nodes (topologySpreadConstraints, or a DaemonSet), let a balancer check health, or use Cluster"
        }
        ServiceFinding::KeptLocal(LocalPolicy::Internal, _) => {
            "spread the pods over all nodes (topologySpreadConstraints, or a DaemonSet), or use Cluster"
        }
        ServiceFinding::Alias(_) => {
            "to reach addresses, use a Service without selector and an EndpointSlice; HTTP and TLS see the name that was asked for"
        }
        ServiceFinding::MatchesNothing(..) => {
            "let the selector and the labels of the pod template say the same: kubectl get pods --show-labels"
        }
        ServiceFinding::SlicesBehind => "let time pass: `advance to converged`; or the endpoint slice controller does not run",
        ServiceFinding::NoServiceLabel => "kubectl label endpointslice NAME kubernetes.io/service-name=SERVICE",
    };
    fixed.to_string()
}

fn finalizer_removed(object: &ObjectName, finalizer: &str) -> String {
    match finalizer {
        "foregroundDeletion" | "orphan" => WAIT.to_string(),
        "service.kubernetes.io/load-balancer-cleanup" => "let time pass: `advance 1m`".to_string(),
        _ => {
            let namespace = if object.namespace.is_empty() { String::new() } else { format!(" -n {}", object.namespace) };
            let (kind, name) = (object.kind.to_lowercase(), &object.name);
            let patch =
                format!("kubectl patch {kind} {name}{namespace} --type=merge -p '{{\"metadata\":{{\"finalizers\":null}}}}'");
            format!("let them remove it; by force: {patch}")
        }
    }
}

fn taint_removed(node: &str, taint: &Taint) -> String {
    match (taint.key.starts_with("node.kubernetes.io/"), &*taint.effect) {
        (true, "NoExecute") => {
            "the control plane sets and removes it; pods stay for the tolerationSeconds they have for it".to_string()
        }
        (true, _) => "the control plane sets and removes it".to_string(),
        (false, _) => format!("kubectl taint nodes {node} {}:{}-", taint.key, taint.effect),
    }
}

fn evicted(eviction: Eviction) -> String {
    match eviction {
        Eviction::Never => "; it is not evicted".to_string(),
        Eviction::AtOnce => ", or wait: it is deleted when the node is found unreachable".to_string(),
        Eviction::After(seconds) => format!(", or wait: it is deleted {seconds} s after the node is found unreachable"),
    }
}

/// What helps against one refusal of the scheduler, which is told in Kubernetes' words.
fn against_refusal(refusal: &str) -> &'static str {
    match refusal {
        r if r.contains("Insufficient") => "ask for less in resources.requests, free some, or add a node",
        r if r.contains("Too many pods") => "add a node, or remove pods",
        r if r.contains("untolerated taint") => "add a toleration, or remove the taint: kubectl taint nodes NODE KEY-",
        r if r.contains("unschedulable") => "kubectl uncordon NODE",
        r if r.contains("affinity/selector") => "label a node so that nodeSelector or affinity finds it, or change them",
        r if r.contains("topology spread") => "let whenUnsatisfiable be ScheduleAnyway, or add nodes in the missing domain",
        _ => WAIT,
    }
}

fn rules_changed(flow: Flow, open: bool) -> String {
    let side = direction(flow).to_lowercase();
    match open {
        true => format!("to close it, take that rule out of spec.{side}"),
        false => format!(
            "a rule under spec.{side} for whoever is meant; others are dropped in silence. A pod always reaches itself, and its node it"
        ),
    }
}

fn not_enforced(nodes: &[Name], active: Option<&ActiveFault>) -> String {
    let first = nodes.first().map(|node| &**node).unwrap_or_default();
    active.map_or_else(
        || "let time pass: `advance 1s`".to_string(),
        |active| format!("{}: {}", fault::of_node(active, first), fault::heal(active)),
    )
}

fn balancer(why: &NoBalancer, ports: &[u16]) -> String {
    let meanwhile = match ports.is_empty() {
        true => String::new(),
        false => format!("; until then nodes answer on port {}", some_of(ports)),
    };
    let way_out = match why {
        NoBalancer::OtherClass(_) => "leave loadBalancerClass out",
        NoBalancer::NoCloud => "a cloud (spec.cluster.cloud.provider: generic), or an add-on that acts as one",
        NoBalancer::Coming => "let time pass",
    };
    format!("{way_out}{meanwhile}")
}

/// A line below a finding.
pub(super) fn detail(detail: &Detail) -> String {
    match detail {
        Detail::Pod(name, standing, first) => pod(name, standing, first.as_deref()),
        Detail::Finding(finding) => text(finding),
        Detail::Refusal(node, why) if why.is_empty() => format!("{node}  would take it"),
        Detail::Refusal(node, why) => format!("{node}  {}", why.join(", ")),
        Detail::Probe(probe, doc) => format!("{probe} {doc}"),
        Detail::AlsoSelects(policy) => format!("NetworkPolicy {policy} selects some of them, too"),
        Detail::Rule(flow, rule) => words::rule(*flow, rule),
        Detail::Hint(one) => hint::text(one),
        Detail::More(n, None) => format!("and {n} more"),
        Detail::More(n, Some(set)) => format!("and {n} more of replica set {set}"),
    }
}

fn pod(name: &str, standing: &Standing, first: Option<&Finding>) -> String {
    let first = first.map_or(String::new(), |finding| format!(": {}", text(finding)));
    format!("{name}  {}{first}", verdict(standing).1)
}

#[cfg(test)]
#[path = "finding_tests.rs"]
mod tests;
