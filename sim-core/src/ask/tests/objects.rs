//! `why`: how objects stand and what was found about them.

use super::*;
use crate::ask::why::finding::{Eviction, Kubelet, NoBalancer, NodeFinding, PodFinding, PolicyFinding, ServiceFinding};
use crate::ask::why::{Census, Detail, Finding, Standing};
use crate::cluster::faults::{Fault, NodeFault};
use crate::explain::Flow;

fn codes(why: &Why) -> Vec<&'static str> {
    why.findings.iter().map(|found| found.finding.code()).collect()
}

#[test]
fn pods_say_what_they_wait_for() {
    let player = world(&[]);
    let of = |name: &str| why_of(&player, "pod", name);
    assert!(matches!(of("web-1").standing, Standing::Pod { ready: true, silent: None, .. }));
    assert!(of("web-1").findings.is_empty());
    let huge = of("huge");
    assert_eq!((&huge.standing, codes(&huge)), (&Standing::NoNode, vec!["unschedulable"]));
    let refusals: Vec<_> = huge.findings[0].details.iter().filter(|d| matches!(d, Detail::Refusal(..))).collect();
    assert_eq!(refusals.len(), 3, "each node says why");
    let field = huge.findings[0].field.as_ref().expect("the nodeSelector");
    assert!(matches!(&field.cause, Cause::NodeSelector(key, _) if key == "disk") && field.place.is_some(), "{field:?}");
    for (name, code) in [("gated", "gated"), ("deaf", "probe-fails"), ("crash", "crash-loop"), ("unset", "config")] {
        assert_eq!(codes(&of(name)), [code], "{name}");
    }
}

#[test]
fn services_say_who_is_behind_them() {
    let player = world(&[]);
    let of = |name: &str| why_of(&player, "svc", name);
    let full = Census { ready: 2, all: 2, has_ports: true, has_address: true, ..Census::default() };
    assert_eq!((of("web").standing, codes(&of("web"))), (Standing::Service(full), vec![]));
    assert_eq!(of("alias").standing, Standing::Alias("example.invalid".into()));
    for (name, want) in [
        ("typo", "selector-matches-nothing"),
        ("misnamed", "target-port-name"),
        ("unready", "pods-not-ready"),
        ("byhand", "no-selector"),
        ("local", "local-policy"),
        ("cloudless", "no-cloud"),
    ] {
        assert_eq!(codes(&of(name)), [want], "{name}");
    }
    assert!(matches!(of("typo").findings[0].details[..], [Detail::Hint(Hint::PodHas { .. })]));
    let cloudless = &of("cloudless").findings[0].finding;
    assert_eq!(*cloudless, Finding::Service(ServiceFinding::NoBalancer(NoBalancer::NoCloud, vec![30_081])));
    let endpoints = why_of(&player, "ep", "typo");
    assert!(matches!(&endpoints.standing, Standing::Behind(service, _) if service.name == "typo"), "{:?}", endpoints.standing);
}

#[test]
fn workloads_name_the_pods_that_hold_them_up() {
    let player = world(&[]);
    let stuck = why_of(&player, "deploy", "stuck");
    assert_eq!(stuck.standing, Standing::Deployment { available: 0, wanted: 5, old: 0 });
    assert!(stuck.findings.iter().any(|f| matches!(f.finding, Finding::HeldUp(_, Standing::NoNode, Some(_)))), "{stuck:?}");
    let more = stuck.findings.last().and_then(|found| found.details.last());
    assert!(matches!(more, Some(Detail::More(2, Some(_)))), "{more:?}");
    assert_eq!(codes(&why_of(&player, "pvc", "disk")), ["no-provisioner"]);
}

#[test]
fn policies_say_what_they_leave() {
    let player = world(&[]);
    let guard = why_of(&player, "netpol", "guard");
    assert_eq!((&guard.standing, codes(&guard)), (&Standing::Policy(3), vec!["isolates", "rules", "rules"]));
    let isolates = Finding::Policy(PolicyFinding::Isolates(names(&["db-1", "db-2", "db-3"])));
    assert_eq!(guard.findings[0].finding, isolates);
    assert_eq!(guard.findings[0].details, names(&["more", "open"]).into_iter().map(Detail::AlsoSelects).collect::<Vec<_>>());
    assert_eq!(guard.findings[2].finding, Finding::Policy(PolicyFinding::Rules(Flow::Egress, 0, false)));
    assert_eq!(codes(&why_of(&player, "netpol", "idle")), ["selects-nobody", "rules"]);
}

#[test]
fn broken_nodes_are_told_by_their_fault() {
    let player = world(&["fail node/node-2 --mode partition", "advance 5s"]);
    let node = why_of(&player, "node", "node-2");
    let Standing::Node { ready: true, silent: Some(active) } = &node.standing else { panic!("{:?}", node.standing) };
    assert_eq!(active.fault, Fault::Node("node-2".into(), NodeFault::Partition));
    assert!(active.link.is_some(), "its link is named");
    assert_eq!(codes(&node), ["cut-off", "not-noticed"]);
    let pod = why_of(&player, "pod", "web-2");
    let silent = &pod.findings[0].finding;
    assert!(matches!(silent, Finding::Pod(PodFinding::NodeSilent { eviction: Eviction::After(300), .. })), "{silent:?}");
    let player = world(&["fail node/node-2", "advance 2m"]);
    let node = why_of(&player, "node", "node-2");
    let heard = node
        .findings
        .iter()
        .any(|found| matches!(&found.finding, Finding::Node(NodeFinding::NotReady { kubelet: Kubelet::Silent(_), .. })));
    assert!(heard && codes(&node).contains(&"taint"), "{node:?}");
    let player = world(&["fail apiserver"]);
    assert_eq!(codes(&why_of(&player, "svc", "web")), ["no-api-server"]);
}

#[test]
fn what_is_absent_has_no_answer() {
    let player = world(&[]);
    let kind = crate::objects::KindName { group: "".into(), kind: "Service".into() };
    let question = WhyQuestion { kind, singular: "service".into(), namespace: "default".into(), name: "wbe".into() };
    let refused = why::answer(&player.sim().moment(), &question).expect_err("there is none");
    assert!(matches!(refused, Unanswerable::NoObject { absent, .. } if absent.near == names(&["web"])));
}
