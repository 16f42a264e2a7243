//! Names that lead nowhere, and what `resolve` finds.

use super::*;
use crate::ask::cause::{Asker, NameCause};
use crate::ask::trace::{Difference, Said, Vantage};
use crate::dns::message::Rcode;
use crate::explain::{Outcome, Reason};
use crate::network::client::End;

fn name_cause(answer: &TraceAnswer) -> Option<&NameCause> {
    match causes(answer)[..] {
        [Cause::Name(cause), ..] => Some(cause),
        _ => None,
    }
}

#[test]
fn a_name_is_resolved_beside_the_world() {
    let player = world(&[]);
    let answer = traced(&player, pod("client"), "web:80");
    assert_eq!(answer.name.as_deref(), Some("web"));
    assert!(matches!(answer.trace.hops[0].reason, Reason::NameResolved { questions: 2, .. }), "{:?}", answer.trace.hops[0]);
    assert!(answer.client.after() > answer.client.connecting, "the name took time");
}

#[test]
fn names_that_lead_nowhere_say_what_the_cluster_has() {
    let player = world(&[]);
    let asked = |from: Source, target: &str| {
        let answer = traced(&player, from, target);
        assert_eq!((answer.outcome(), answer.client.said), (Outcome::Unresolved, Said::Fails(End::Unresolved)), "{target}");
        answer
    };
    let answer = asked(pod("client"), "wbe:80");
    assert!(matches!(answer.did_you_mean[..], [Hint::SimilarService(ref name, _)] if name == "web"), "{:?}", answer.did_you_mean);
    let answer = asked(pod("client"), "api:80");
    assert!(matches!(answer.did_you_mean[..], [Hint::OtherNamespace(_, ref ns)] if ns == "prod"), "{:?}", answer.did_you_mean);
    let answer = asked(pod("client"), "hollow:80");
    assert_eq!(name_cause(&answer), Some(&NameCause::HeadlessWithout(0)));
    let answer = asked(pod("client"), "alias:80");
    assert_eq!(name_cause(&answer), Some(&NameCause::AliasWithoutAddress("example.invalid".into())));
    let answer = asked(pod("host"), "web:80");
    assert!(matches!(name_cause(&answer), Some(NameCause::AsksElsewhere { asker: Asker::Pod(_, true), .. })), "{answer:?}");
    assert!(matches!(answer.did_you_mean[..], [Hint::ClusterIpOf(..)]), "{:?}", answer.did_you_mean);
    let answer = asked(Source::Outside, "web:80");
    assert!(matches!(name_cause(&answer), Some(NameCause::AsksElsewhere { asker: Asker::Outside, .. })), "{answer:?}");
    let other = answer.not_seen_by.expect("pods know the name");
    assert_eq!((other.vantage, other.why), (Vantage::Pod, Some(Difference::ClusterDns)));
    assert!(matches!(answer.did_you_mean[..], [Hint::NodePortOf(30_080, _)]), "{:?}", answer.did_you_mean);
}

#[test]
fn silent_servers_are_looked_at() {
    let player = world(&["fail dns"]);
    let answer = traced(&player, pod("client"), "web:80");
    assert_eq!(answer.outcome(), Outcome::Unresolved);
    let found = causes(&answer);
    assert!(matches!(found[..], [Cause::Name(NameCause::ServerSilent(_)), Cause::Broken(_)]), "{found:?}");
    let player = world(&["fail node/node-3"]);
    let answer = traced(&player, pod("client"), "web:80");
    assert!(matches!(causes(&answer)[..], [Cause::NodeDown { .. }]), "{:?}", answer.because);
    assert_eq!(answer.client.said, Said::Unknown, "a dead client says nothing");
}

#[test]
fn resolve_lists_every_question() {
    let player = world(&[]);
    let asked =
        |name: &str, kind, from| resolve::answer(&player.sim().moment(), &ResolveQuestion { name: name.into(), kind, from });
    let answer = asked("web.default.svc.cluster.local", None, None).expect("there is DNS");
    let reply = answer.reply.expect("a reply");
    assert_eq!((reply.rcode, reply.answers.len(), answer.queries.len()), (Rcode::NoError, 1, 0));
    let answer = asked("web.default", None, Some(pod("client"))).expect("an answer");
    let sent: Vec<(&str, &str)> = answer.queries.iter().map(|sent| (sent.name.as_str(), sent.kind)).collect();
    let (first, second) = ("web.default.default.svc.cluster.local", "web.default.svc.cluster.local");
    assert_eq!(sent, [(first, "A"), (first, "AAAA"), (second, "A"), (second, "AAAA")]);
    let answer = asked("web", Some("SRV"), Some(pod("client"))).expect("an answer");
    assert_eq!(answer.reply.map(|reply| reply.answers[0].kind), Some("SRV"));
    assert!(matches!(asked("web", None, Some(pod("nobody"))), Err(Unanswerable::NoPod(_))));
    assert!(asked("web", None, Some(pod("huge"))).is_ok(), "a pod that cannot send finds no server, and that is an answer");
}
