//! `trace`: how ways end, what made them end so, and what was perhaps meant.

use super::*;
use crate::ask::cause::{Nobody, NotTaken};
use crate::ask::trace::{Difference, LocalPolicy, Pick, Said, State, Vantage};
use crate::explain::{Decision, Outcome, Reason};
use crate::network::client::End;

fn hints(answer: &TraceAnswer) -> &[Hint] {
    &answer.did_you_mean
}

#[test]
fn a_service_that_works_names_its_endpoints() {
    let player = world(&[]);
    let answer = traced(&player, pod("client"), "svc/default/web:http");
    assert_eq!((answer.decision(), answer.outcome()), (Decision::Dnat, Outcome::Delivered));
    assert_eq!(answer.client.said, Said::AllWell);
    let matched = answer.matches.iter().flatten().next().expect("a Service was met");
    assert_eq!((matched.service.as_str(), matched.port.as_str(), matched.pick), ("default/web", "http", Pick::Drawn));
    let pods: Vec<_> = matched.endpoints.iter().map(|e| (e.pod.as_deref(), e.state, e.why_not)).collect();
    assert_eq!(pods, [(Some("web-1"), State::Ready, None), (Some("web-2"), State::Ready, None)]);
    let finds = causes(&answer);
    assert!(matches!(finds[..], [Cause::Finds { selector: Some(_), endpoints: 2, able: Some(2) }]), "{finds:?}");
    assert!(answer.did_you_mean.is_empty() && answer.not_seen_by.is_none());
}

#[test]
fn a_selector_that_finds_nobody_says_who_is_near() {
    let player = world(&[]);
    let answer = traced(&player, pod("client"), "typo:80");
    assert_eq!((answer.decision(), answer.outcome()), (Decision::Reject, Outcome::Refused));
    assert_eq!(answer.client.said, Said::Fails(End::Refused));
    let found = causes(&answer);
    assert!(matches!(found[..], [Cause::FindsNobody(_, Nobody::NoPod(_))]), "{found:?}");
    assert!(answer.because[0].place.is_some(), "the selector was written on a line");
    assert!(matches!(hints(&answer), [Hint::PodHas { has, .. }] if has.1 == "web"), "{:?}", hints(&answer));
    let answer = traced(&player, pod("client"), "misnamed:80");
    assert!(matches!(causes(&answer)[..], [Cause::FindsNobody(_, Nobody::NoPortNumber(2))]), "{:?}", answer.because);
    assert!(matches!(hints(&answer), [Hint::PortsNamed { .. }]), "{:?}", hints(&answer));
    let answer = traced(&player, pod("client"), "unready:80");
    assert!(matches!(causes(&answer)[..], [Cause::FindsNobody(_, Nobody::NotReady(1, _))]), "{:?}", answer.because);
    assert!(matches!(causes(&traced(&player, pod("client"), "byhand:80"))[..], [Cause::NoSelector]));
}

#[test]
fn ports_that_are_none_are_told_from_those_nobody_listens_on() {
    let player = world(&[]);
    let answer = traced(&player, pod("client"), "svc/web:81");
    assert!(matches!(causes(&answer)[..], [Cause::Ports { asked: (81, Protocol::Tcp), .. }]), "{:?}", answer.because);
    assert!(matches!(hints(&answer), [Hint::OnlyPort(80, Protocol::Tcp, _)]), "{:?}", hints(&answer));
    let answer = traced(&player, pod("client"), "offport:80");
    assert_eq!(answer.outcome(), Outcome::Refused);
    let found = causes(&answer);
    assert!(matches!(found[..], [Cause::Field("targetPort", _), Cause::Listening { asked: 81, .. }]), "{found:?}");
    assert!(matches!(hints(&answer), [Hint::Declared(_, ports, 81)] if *ports == [80]), "{:?}", hints(&answer));
    let datagram =
        TraceQuestion { from: Source::Outside, to: to("192.168.0.2:30080"), protocol: Protocol::Udp, client_port: None };
    let answer = trace::answer(&player.sim().moment(), &datagram).expect("an answer");
    let taken = causes(&answer)
        .iter()
        .any(|cause| matches!(cause, Cause::NodePortNotTaken { why: NotTaken::Protocol(Protocol::Tcp, Protocol::Udp), .. }));
    assert!(taken, "{:?}", answer.because);
}

#[test]
fn what_is_kept_on_a_node_ends_otherwise_elsewhere() {
    let player = world(&[]);
    let answer = traced(&player, pod("client"), "local:80");
    assert_eq!((answer.decision(), answer.outcome()), (Decision::Drop, Outcome::TimedOut));
    let found = causes(&answer);
    assert!(matches!(found[..], [Cause::Field("internalTrafficPolicy", _), Cause::Placement { .. }]), "{found:?}");
    let local = answer.matches.iter().flatten().next().and_then(|m| m.local);
    assert_eq!(local, Some(LocalPolicy::Internal));
    let nodes: Vec<_> = answer.nodes.iter().map(|n| (n.vantage.clone(), n.delivered > 0)).collect();
    let on = |node: &str| Vantage::Node(node.into());
    assert_eq!(nodes, [(on("node-1"), true), (on("node-2"), true), (on("node-3"), false)]);
    let ip = player.sim().cluster().store.head().services.get("default", "web").expect("it is there").cluster_ips[0];
    let answer = traced(&player, Source::Outside, &format!("{ip}:80"));
    let other = answer.not_seen_by.expect("pods see it");
    assert_eq!((other.vantage, other.why), (Vantage::Pod, Some(Difference::InsideOnly)));
    assert!(matches!(answer.did_you_mean[..], [Hint::AskNodePort(30_080, _)]), "{:?}", answer.did_you_mean);
}

#[test]
fn what_is_broken_is_named_by_its_fault() {
    use crate::cluster::faults::{Fault, NodeFault};
    let player = world(&["fail node/node-1"]);
    let ip = player.sim().cluster().store.head().pods.get("default", "web-1").expect("it is there").status.ips[0];
    let answer = traced(&player, pod("client"), &format!("{ip}:80"));
    assert_eq!((answer.outcome(), &answer.client.said), (Outcome::TimedOut, &Said::Fails(End::ConnectTimedOut)));
    let found = causes(&answer);
    let Cause::NodeDown { fault: Some(active), ready: Some(true) } = found[0] else { panic!("{found:?}") };
    assert_eq!(active.fault, Fault::Node("node-1".into(), NodeFault::PowerOff));
    let player = world(&["fail link/node-1/node-3"]);
    let answer = traced(&player, pod("client"), &format!("{ip}:80"));
    assert!(matches!(answer.trace.hops.last().map(|h| &h.reason), Some(Reason::LinkDown { .. })));
    assert!(matches!(causes(&answer)[..], [Cause::Broken(active)] if active.link.is_some()), "{:?}", answer.because);
    let answer = traced(&player, Source::Node("node-1".into()), &format!("{ip}:80"));
    assert_eq!(answer.outcome(), Outcome::Delivered);
}

/// Rules that have not followed yet say in what they differ, and why they do not.
#[test]
fn old_rules_say_what_they_lack() {
    let player = world(&["fail proxy/node-3", "kubectl delete pod web-2 --wait=false", "advance 40s"]);
    let answers = [(); 8].map(|()| traced(&player, pod("client"), "svc/web:80"));
    let found = causes(&answers[0]);
    let old = found.iter().any(|cause| matches!(cause, Cause::OldRules { gone: 1, lack: 0, .. }));
    assert!(old && found.iter().any(|cause| matches!(cause, Cause::Broken(_))), "{found:?}");
}

#[test]
fn targets_and_sources_that_do_not_exist_have_no_answer() {
    let player = world(&[]);
    let refused = |from: Source, target: &str| {
        let question = TraceQuestion { from, to: to(target), protocol: Protocol::Tcp, client_port: None };
        trace::answer(&player.sim().moment(), &question).expect_err(target)
    };
    assert!(matches!(refused(pod("clint"), "web:80"), Unanswerable::NoPod(absent) if absent.near == names(&["client"])));
    assert!(matches!(refused(pod("huge"), "web:80"), Unanswerable::PodWithoutNode(..)));
    assert!(matches!(refused(Source::Node("node-9".into()), "web:80"), Unanswerable::NoNode { known, .. } if known.len() == 3));
    assert!(
        matches!(refused(pod("client"), "svc/api:80"), Unanswerable::NoService(absent) if absent.elsewhere.as_deref() == Some("prod"))
    );
    assert!(matches!(refused(pod("client"), "svc/bare:80"), Unanswerable::ServiceIsHeadless(..)));
    assert!(
        matches!(refused(pod("client"), "svc/alias:80"), Unanswerable::ServiceIsAlias { other, .. } if other == "example.invalid")
    );
    assert_eq!(refused(pod("client"), "svc/web:https"), Unanswerable::NotAPort("https".into()));
}
