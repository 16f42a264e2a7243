use std::collections::BTreeSet;

use super::*;
use crate::network::graph::pair;
use crate::objects::labels::{Labels, Selector};
use crate::objects::pod_spec::Protocol;

fn off() -> ActiveFault {
    ActiveFault { fault: Fault::Node("n".into(), NodeFault::PowerOff), link: None }
}

fn cut() -> ActiveFault {
    ActiveFault { fault: Fault::Link(pair("n", "s"), 1_000_000), link: Some((pair("n", "s"), 1_000_000)) }
}

fn pod() -> ObjectName {
    ObjectName::new("Pod", "a", "p")
}

fn waits(reason: &str) -> Waiting {
    Waiting { container: "c".into(), reason: reason.into(), message: "m".into() }
}

fn names() -> Vec<Name> {
    vec!["x".into()]
}

fn taint(key: &str, effect: &str) -> Taint {
    Taint { key: key.into(), value: "v".into(), effect: effect.into(), added: None }
}

/// One of each kind of finding, most of them in each of their forms.
fn findings() -> Vec<Finding> {
    let kept = |name: &str| Finding::Finalizer(ObjectName::new("Namespace", "", "a"), name.into());
    let node = [
        NodeFinding::NotReady { status: "Unknown".into(), message: "m".into(), kubelet: Kubelet::Silent(off()) },
        NodeFinding::NotReady { status: "False".into(), message: "m".into(), kubelet: Kubelet::Reports },
        NodeFinding::NotReady { status: "False".into(), message: "m".into(), kubelet: Kubelet::Absent },
        NodeFinding::NoStatus(true),
        NodeFinding::NoStatus(false),
        NodeFinding::Cordoned("n".into()),
        NodeFinding::Broken("n".into(), off()),
        NodeFinding::Broken("n".into(), cut()),
        NodeFinding::NotNoticed(off(), true),
        NodeFinding::NotNoticed(off(), false),
        NodeFinding::Taint("n".into(), taint("k", "NoSchedule")),
        NodeFinding::Taint("n".into(), taint("node.kubernetes.io/x", "NoExecute")),
    ];
    let ended = |log| PodFinding::ContainerEnded { container: "c".into(), exit: 1, reason: "Error".into(), log };
    let silent = |fault, eviction| PodFinding::NodeSilent { node: "n".into(), fault, eviction };
    let of_pod = [
        silent(off(), Eviction::AtOnce),
        silent(cut(), Eviction::After(300)),
        silent(cut(), Eviction::Never),
        PodFinding::LeavingWithNode("n".into(), off()),
        PodFinding::Finalizers(names()),
        PodFinding::Ending(30),
        PodFinding::Gated(names()),
        PodFinding::Unschedulable(Unscheduled::Message("0/1 nodes".into()), Some("Insufficient cpu".into())),
        PodFinding::Unschedulable(Unscheduled::OtherScheduler("mine".into()), None),
        PodFinding::Unschedulable(Unscheduled::NotLookedAt, None),
        ended(None),
        ended(Some(pod())),
        PodFinding::ProbeFails("c".into(), "m".into()),
        PodFinding::ProbeWaits("c".into()),
        PodFinding::CrashLoop { pod: pod(), container: waits("CrashLoopBackOff"), restarts: 3 },
        PodFinding::NoImage(waits("ErrImagePull"), "i".into()),
        PodFinding::BadConfig(waits("CreateContainerConfigError")),
        PodFinding::Starting(waits("ContainerCreating")),
        PodFinding::GateClosed("g".into()),
        PodFinding::NotReady(NotReady::Message("m".into()), true),
        PodFinding::NotReady(NotReady::Status("False".into()), false),
        PodFinding::NotReady(NotReady::Unsaid("n".into()), true),
    ];
    let policy = [
        PolicyFinding::SelectsNobody(Selector::default(), "a".into()),
        PolicyFinding::Isolates(names()),
        PolicyFinding::Rules(Flow::Ingress, 0, false),
        PolicyFinding::Rules(Flow::Egress, 1, false),
        PolicyFinding::Rules(Flow::Egress, 2, false),
        PolicyFinding::Rules(Flow::Ingress, 1, true),
        PolicyFinding::HostNetwork(names()),
        PolicyFinding::NotEnforced(names(), None),
        PolicyFinding::NotEnforced(names(), Some(off())),
    ];
    let balancer = |why, ports: &[u16]| ServiceFinding::NoBalancer(why, ports.to_vec());
    let service = [
        ServiceFinding::Alias("x.org".into()),
        ServiceFinding::NoSelector("web".into(), 1),
        ServiceFinding::MatchesNothing(Labels::of(&[("app", "web")]), "a".into()),
        ServiceFinding::PodsNotReady(1, 2, pod()),
        ServiceFinding::PodsNotReady(2, 2, pod()),
        ServiceFinding::SlicesBehind,
        ServiceFinding::TargetPortName { name: "http".into(), protocol: Protocol::Tcp, pods: names(), port: "80".into() },
        balancer(NoBalancer::OtherClass("x".into()), &[]),
        balancer(NoBalancer::NoCloud, &[30_080]),
        balancer(NoBalancer::Coming, &[]),
        ServiceFinding::KeptLocal(LocalPolicy::External, names()),
        ServiceFinding::KeptLocal(LocalPolicy::Internal, names()),
        ServiceFinding::NoServiceLabel,
        ServiceFinding::NoService("a".into(), "web".into()),
    ];
    let first = || Some(Box::new(Finding::from(PodFinding::Gated(names()))));
    let condition = |of_rollout| Finding::Condition { reason: "R".into(), message: "m".into(), of_rollout };
    let others = [
        Finding::NoApiServer,
        Finding::Leaving,
        kept("foregroundDeletion"),
        kept("orphan"),
        kept("service.kubernetes.io/load-balancer-cleanup"),
        kept("example.org/keep"),
        Finding::NotEmpty { namespace: "a".into(), left: vec![(1, "Pod".into())], pod: Some("p".into()) },
        Finding::NotEmpty { namespace: "a".into(), left: vec![], pod: None },
        Finding::NotObserved,
        Finding::Paused,
        condition(true),
        condition(false),
        Finding::HeldUp("p".into(), Standing::NoNode, first()),
        Finding::HeldUp("p".into(), Standing::NoNode, None),
        Finding::NoProvisioner,
        Finding::NotSimulated("Job".into()),
    ];
    let parts = [
        node.map(Finding::from).to_vec(),
        of_pod.map(Finding::from).to_vec(),
        policy.map(Finding::from).to_vec(),
        service.map(Finding::from).to_vec(),
        others.to_vec(),
    ];
    parts.concat()
}

/// Read once by a person; a change of a sentence shows here.
#[test]
fn each_finding_has_a_sentence_and_a_way_out() {
    let told: String = findings().iter().map(|f| format!("{}: {}\n    {}\n", f.code(), text(f), way_out(f))).collect();
    insta::assert_snapshot!(told);
}

#[test]
fn no_two_findings_read_alike() {
    let all = findings();
    let texts: BTreeSet<String> = all.iter().map(|f| format!("{} {}", text(f), way_out(f))).collect();
    assert_eq!(texts.len(), all.len());
    assert!(all.iter().all(|f| !text(f).is_empty() && !way_out(f).is_empty()));
}

#[test]
fn details_are_lines() {
    for (line, want) in [
        (Detail::Pod("p".into(), Standing::NoNode, None), "p  Pending: it has no node"),
        (
            Detail::Pod("p".into(), Standing::NoNode, Some(Box::new(PodFinding::Gated(names()).into()))),
            "p  Pending: it has no node: its scheduling gates hold it back: x",
        ),
        (Detail::Finding(Finding::Paused), "spec.paused: changes of the template are not rolled out"),
        (Detail::Refusal("n".into(), vec![]), "n  would take it"),
        (Detail::Refusal("n".into(), vec!["a".into(), "b".into()]), "n  a, b"),
        (Detail::Probe("readinessProbe", "{}".into()), "readinessProbe {}"),
        (Detail::AlsoSelects("x".into()), "NetworkPolicy x selects some of them, too"),
        (Detail::Rule(Flow::Ingress, crate::objects::network_policy::Rule::default()), "from everybody: every port"),
        (Detail::Hint(crate::ask::Hint::WithDot("web.x".into())), "web.x. (with the dot)"),
        (Detail::More(2, None), "and 2 more"),
        (Detail::More(2, Some("web-1".into())), "and 2 more of replica set web-1"),
    ] {
        assert_eq!(detail(&line), want);
    }
}
