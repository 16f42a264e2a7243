//! The story of a cluster: every entry tells of something, causes lead back to the input, and what is printed reads as what happened.

use std::sync::Arc;

use sim_core::ask::story::{About, Told, is_bookkeeping, origin};
use sim_core::cluster::story::{Subject, Verb, Who};
use sim_core::lab::simulation::Simulation;
use sim_core::lab::world::World;
use sim_core::objects::KindName;
use sim_core::objects::pod::Pod;
use sim_core::render;
use sim_core::scenario::load::Input;
use sim_core::scenario::play::{Options, Player};
use sim_tests::{input, scenario_files};

fn scenario(name: &str) -> Arc<Input> {
    let (file, text) = scenario_files().into_iter().find(|(file, _)| *file == format!("{name}.yaml")).expect("a scenario");
    input(&file, &text)
}

/// Plays steps up to the one that says `stop`; all of them without it.
fn played(name: &str, stop: Option<&str>) -> Player {
    let mut player = Player::new(scenario(name), &Options::default()).expect("the cluster can be built");
    while let Some(step) = player.step() {
        if stop.is_some_and(|stop| step.title.contains(stop)) {
            break;
        }
    }
    player
}

fn printed(player: &mut Player, line: &str) -> String {
    let outcome = player.session.run(line);
    assert_eq!((outcome.exit, &*outcome.stderr), (0, ""), "{line}");
    outcome.stdout
}

/// What must hold of each entry, whatever happened.
fn check(name: &str, sim: &Simulation) {
    let story = &sim.cluster().story;
    for (number, entry) in story.entries() {
        let said = render::story::sentence(&Told::Done { members: vec![(number, entry.clone())], because: None });
        assert!(!said.contains("  ") && !said.ends_with([' ', ':']), "{name}: {said}");
        if let Subject::Object { kind, name: object, .. } = &entry.subject {
            assert!(!kind.kind.is_empty() && !object.is_empty(), "{name}: an entry without a subject: {entry:?}");
        }
        if let Who::Kubelet(node) | Who::Proxy(node) | Who::Policy(node) = &entry.who {
            assert!(!node.is_empty(), "{name}: an entry without a node: {entry:?}");
        }
        assert!(entry.cause.is_none_or(|cause| cause < number), "{name}: a cause comes first: {entry:?}");
        let is_input = matches!(entry.who, Who::You(_));
        assert!(!is_input || entry.cause.is_none(), "{name}: nothing causes an input: {entry:?}");
    }
}

#[test]
fn every_entry_has_a_subject_and_a_cause_before_it() {
    for (name, _) in scenario_files() {
        let player = played(name.trim_end_matches(".yaml"), None);
        check(&name, &player.sim());
        let mut sim = player.sim().clone();
        sim.begin_command();
        sim.step(10_000).expect("it goes on");
        check(&name, &sim);
    }
}

/// What came to be because of what a user wants is led back to the user.
#[test]
fn causes_lead_back_to_the_input() {
    let player = played("rolling-update-clean", None);
    let sim = player.sim();
    let story = &sim.cluster().story;
    let mut seen = 0;
    for (number, entry) in story.entries() {
        let of_shop = matches!(&entry.subject, Subject::Object { name, .. } if name.starts_with("shop"));
        if of_shop
            && !is_bookkeeping(entry)
            && matches!(entry.verb, Verb::Created | Verb::Scaled | Verb::BecameReady | Verb::Marked)
        {
            let (_, first) = story.causes(number).last().expect("the entry itself");
            assert!(matches!(first.who, Who::You(_)), "{entry:?} goes back to {first:?}");
            seen += 1;
        }
    }
    assert!(seen > 30, "{seen}");
}

#[test]
fn a_service_whose_node_dies() {
    let mut player = played("node-gone", Some("The power comes back"));
    insta::assert_snapshot!("node_gone", printed(&mut player, "timeline --about svc/web 100"));
    let mut player = played("node-gone", Some("The pod is still there"));
    insta::assert_snapshot!(
        "node_gone_timers",
        printed(&mut player, "rewind 50s; timers; advance 50s; timers --about node/node-3")
    );
}

#[test]
fn a_first_service() {
    let mut player = played("first-service", None);
    insta::assert_snapshot!("first_service", printed(&mut player, "timeline --about svc/my-nginx 40"));
}

#[test]
fn a_rolling_update() {
    let mut player = played("rolling-update-clean", None);
    insta::assert_snapshot!("rolling_update", printed(&mut player, "timeline --about deploy/shop --since 15s 60"));
    let json: serde_json::Value =
        serde_json::from_str(&printed(&mut player, "timeline --about deploy/shop --component deployment 1 -o json"))
            .expect("JSON");
    assert_eq!(json["timeline"][0]["entries"][0]["verb"], "scaled", "{json}");
    assert!(json["timeline"][0]["because"]["number"].is_number(), "{json}");
}

/// What `why` can end with: how the pod came to be that replaced the one on the dead node.
#[test]
fn an_object_knows_where_it_comes_from() {
    let player = played("node-gone", Some("The power comes back"));
    let sim = player.sim();
    let cluster = sim.cluster();
    let born = |pod: &&Arc<Pod>| pod.meta.name.starts_with("web-") && !pod.meta.deleting();
    let newest = cluster.store.head().pods.iter().filter(born).max_by_key(|pod| pod.meta.created).expect("a replacement");
    let kind = KindName { group: "".into(), kind: "Pod".into() };
    let about = About { kind, namespace: newest.meta.namespace.clone(), name: newest.meta.name.clone() };
    insta::assert_snapshot!("origin_of_a_replacement", render::story::part(&origin(cluster, &about), cluster.config.start));
}
