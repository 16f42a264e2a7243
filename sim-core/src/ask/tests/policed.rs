//! `policies`, both ways.

use super::*;
use crate::ask::policies::{Change, PodPolicies, PolicyPods};
use crate::explain::Flow;

fn of_pod(player: &Player, name: &str) -> PodPolicies {
    let question = PoliciesQuestion::Pod("default".into(), name.into());
    match policies::answer(&player.sim().moment(), &question) {
        Ok(PoliciesAnswer::Pod(answer)) => answer,
        other => panic!("{name}: {other:?}"),
    }
}

fn of_policy(player: &Player, name: &str) -> PolicyPods {
    let question = PoliciesQuestion::Policy("default".into(), name.into());
    match policies::answer(&player.sim().moment(), &question) {
        Ok(PoliciesAnswer::Policy(answer)) => answer,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn a_pod_knows_its_policies() {
    let player = world(&[]);
    let db = of_pod(&player, "db-2");
    let policies: Vec<&str> = db.ingress.iter().map(|p| &*p.policy).collect();
    assert_eq!(policies, ["guard", "more"]);
    assert_eq!(db.egress.iter().map(|p| (&*p.policy, p.rules.len())).collect::<Vec<_>>(), [("guard", 0)]);
    assert!(db.ingress.iter().all(|p| p.enforced), "a minute is enough");
    let (guard, more) = (&db.ingress[0].rules[0], &db.ingress[1].rules[0]);
    assert_eq!((&guard.named, guard.fitting), (&names(&["default/client"]), 1));
    assert_eq!((&more.named, more.fitting), (&names(&["default/web-1", "default/web-2"]), 2));
    let web = of_pod(&player, "web-1");
    assert!(web.ingress.is_empty() && web.egress.is_empty());
    let host = of_pod(&player, "host");
    assert!(host.host_network && host.ingress.is_empty());
}

#[test]
fn a_policy_knows_its_pods_and_what_it_changes() {
    let player = world(&[]);
    let guard = of_policy(&player, "guard");
    let changes: Vec<(&str, Vec<(Flow, Change)>)> = guard.pods.iter().map(|p| (&*p.pod, p.changes.clone())).collect();
    let closes = (Flow::Egress, Change::Closes);
    assert_eq!(
        changes,
        [
            ("db-1", vec![(Flow::Ingress, Change::Closes), closes]),
            ("db-2", vec![(Flow::Ingress, Change::Adds), closes]),
            ("db-3", vec![(Flow::Ingress, Change::NothingOpenAnyway), closes]),
        ]
    );
    assert_eq!(
        guard.sides.iter().map(|(flow, rules)| (*flow, rules.len())).collect::<Vec<_>>(),
        [(Flow::Ingress, 1), (Flow::Egress, 0)]
    );
    let open = of_policy(&player, "open");
    assert_eq!(open.pods[0].changes, [(Flow::Ingress, Change::Adds)], "guard closes it otherwise");
    assert!(of_policy(&player, "idle").pods.is_empty());
}

/// A policy that no node has programmed yet says so, and one that is the only one may leave everything open.
#[test]
fn what_is_not_enforced_yet_is_told() {
    let policy = "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: young}, \
        spec: {podSelector: {matchLabels: {app: web}}, ingress: [{}]}}";
    let player = world(&[&format!("kubectl apply -f - <<'END'\n{policy}\nEND")]);
    let young = of_policy(&player, "young");
    assert_eq!(young.pods.len(), 2);
    assert!(young.pods.iter().all(|p| p.changes == [(Flow::Ingress, Change::LeavesOpen)]), "{:?}", young.pods);
    assert!(young.pods.iter().all(|p| !p.enforced), "no time has passed");
    assert!(!of_pod(&player, "web-1").ingress[0].enforced);
    let refused = policies::answer(&player.sim().moment(), &PoliciesQuestion::Policy("default".into(), "gard".into()));
    assert!(matches!(refused, Err(Unanswerable::NoObject { absent, .. }) if absent.near == names(&["guard"])));
}

/// What the answer says of a pair is what a packet meets.
#[test]
fn the_answer_agrees_with_packets() {
    use crate::explain::Outcome;
    let player = world(&[]);
    let ip = |name: &str| player.sim().cluster().store.head().pods.get("default", name).expect("it is there").status.ips[0];
    for db in ["db-1", "db-2", "db-3"] {
        let answer = of_pod(&player, db);
        for from in ["client", "web-1"] {
            let full = Name::from(format!("default/{from}"));
            let fits = |left: &policies::Left| left.rule.peers.is_empty() || left.named.contains(&full);
            let allowed = answer.ingress.iter().flat_map(|p| &p.rules).any(fits);
            let met = traced(&player, pod(from), &format!("{}:80", ip(db))).outcome() == Outcome::Delivered;
            assert_eq!(allowed, met, "{from} to {db}");
        }
    }
}
