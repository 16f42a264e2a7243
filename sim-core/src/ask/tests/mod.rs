//! Questions to small clusters whose answers are known, as values: no word of an answer is looked at here.

use std::sync::Arc;

use super::*;
use crate::network::wire::Source;
use crate::objects::Name;
use crate::objects::pod_spec::Protocol;
use crate::scenario::load::{File, Options, load};
use crate::scenario::play::{self, Player};

mod names;
mod objects;
mod pairs;
mod policed;
mod ways;

/// What is applied to a cluster of three nodes: some of everything that works, and of everything that does not.
const OBJECTS: &str = include_str!("cluster.yaml");

/// That cluster a minute later, and after these lines.
fn world(lines: &[&str]) -> Player {
    let scenario = "{apiVersion: kubewalk/v1, kind: Scenario, metadata: {name: cluster}, spec: {seed: 7}}";
    let input = load(File { name: "cluster.yaml", bytes: scenario.as_bytes() }, &Options::default());
    let input = input.unwrap_or_else(|refused| panic!("{:#?}", refused.diagnostics));
    let mut player = Player::new(Arc::new(input), &play::Options::default()).expect("the cluster can be built");
    let apply = format!("kubectl apply -f - <<'END'\n{OBJECTS}\nEND");
    for line in [apply.as_str(), "advance 60s"].iter().chain(lines) {
        let ran = player.session.run(line);
        assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{line}");
    }
    player
}

fn pod(name: &str) -> Source {
    Source::Pod { namespace: "default".into(), name: name.into() }
}

fn to(text: &str) -> target::TraceTarget {
    target::TraceTarget::parse(text).unwrap_or_else(|why| panic!("{text}: {why:?}"))
}

fn traced(player: &Player, from: Source, target: &str) -> TraceAnswer {
    let question = TraceQuestion { from, to: to(target), protocol: Protocol::Tcp, client_port: None };
    trace::answer(&player.sim().moment(), &question).unwrap_or_else(|why| panic!("{target}: {why:?}"))
}

/// The causes of an answer.
fn causes(answer: &TraceAnswer) -> Vec<&Cause> {
    answer.because.iter().map(|because| &because.cause).collect()
}

/// A question about an object, asked by its kind.
fn why_of(player: &Player, kind: &str, name: &str) -> Why {
    let row = crate::api::kinds::find(kind).unwrap_or_else(|| panic!("{kind} is a kind"));
    let question = WhyQuestion {
        kind: crate::objects::KindName { group: row.group.into(), kind: row.kind.into() },
        singular: row.singular.into(),
        namespace: if row.namespaced { "default".into() } else { "".into() },
        name: name.into(),
    };
    why::answer(&player.sim().moment(), &question).unwrap_or_else(|why| panic!("{kind}/{name}: {why:?}"))
}

fn names(list: &[&str]) -> Vec<Name> {
    list.iter().map(|name| Name::from(*name)).collect()
}

/// Asking leaves nothing behind, and asking twice gives one answer.
#[test]
fn questions_change_nothing() {
    let player = world(&[]);
    let before = player.sim().digests();
    let node: Name = "node-1".into();
    let questions = [
        Question::Trace(TraceQuestion { from: pod("client"), to: to("web:80"), protocol: Protocol::Tcp, client_port: None }),
        Question::Reach(ReachQuestion::default()),
        Question::Rules(RulesQuestion { node, service: None, mode: Some(crate::proxy::Mode::Ipvs) }),
        Question::Resolve(ResolveQuestion { name: "web".into(), kind: None, from: Some(pod("client")) }),
        Question::Policies(PoliciesQuestion::Pod("default".into(), "db-1".into())),
    ];
    for question in questions {
        let answers = [(); 2].map(|()| ask(&player.sim().moment(), &question).map(|answer| format!("{answer:?}")));
        assert!(answers[0].is_ok(), "{question:?}: {:?}", answers[0]);
        assert_eq!(answers[0], answers[1], "{question:?}");
        assert_eq!(player.sim().digests(), before, "{question:?}");
    }
}
