//! `reach` and `rules`.

use super::*;
use crate::ask::reach::{Label, LeftOut, Sources, Targets};
use crate::ask::rules::{From, Remark};
use crate::explain::{Decision, Outcome};
use crate::proxy::Mode;

fn matrix(player: &Player, from: &[Sources], to: &[Targets]) -> Result<Matrix, Unanswerable> {
    reach::answer(&player.sim().moment(), &ReachQuestion { from: from.to_vec(), to: to.to_vec() })
}

fn service(name: &str) -> Targets {
    Targets::Service("default".into(), name.into())
}

#[test]
fn all_pairs_are_asked_once() {
    let player = world(&[]);
    let client = Sources::One(pod("client"));
    let from = [Sources::One(Source::Outside), client.clone(), client];
    let all = matrix(&player, &from, &[service("web"), service("typo"), service("web"), service("alias")]).expect("pairs");
    assert_eq!(all.rows, [Source::Outside, pod("client")], "what is named twice counts once");
    let label = |name: &str, port: &str| Label::Service(format!("default/{name}").into(), port.into());
    let labels: Vec<&Label> = all.columns.iter().map(|column| &column.label).collect();
    assert_eq!(labels, [&label("web", "http"), &label("typo", "80")]);
    let outcomes: Vec<Vec<Outcome>> = all.cells.iter().map(|row| row.iter().map(reach::Cell::outcome).collect()).collect();
    assert_eq!(outcomes, [[Outcome::TimedOut; 2], [Outcome::Delivered, Outcome::Refused]]);
    assert_eq!(all.left_out, [LeftOut::Alias("default/alias".into(), "example.invalid".into())]);
    assert_eq!(all.cells[1][1].ends[0].code(), "no-endpoints");
}

#[test]
fn nobody_is_lost_who_was_named() {
    let player = world(&[]);
    let refused = |from: &[Sources], to: &[Targets]| matrix(&player, from, to).expect_err("no pair");
    assert_eq!(
        refused(&[Sources::Namespace("prod".into())], &[]),
        Unanswerable::NoSources(vec![LeftOut::NoPodsIn("prod".into())])
    );
    assert_eq!(refused(&[], &[service("hollow")]), Unanswerable::NoTargets(vec![LeftOut::Headless("default/hollow".into())]));
    assert_eq!(refused(&[], &[Targets::Namespace("nowhere".into())]), Unanswerable::NoNamespace("nowhere".into()));
    let client = Targets::Pod("default".into(), "client".into());
    assert_eq!(refused(&[], &[client]), Unanswerable::NoTargets(vec![LeftOut::PodWithoutPort("default/client".into())]));
    let ports = matrix(&player, &[Sources::One(Source::Outside)], &[Targets::NodePorts("node-1".into())]).expect("pairs");
    assert_eq!(ports.columns[0].label, Label::NodePort("node-1".into(), 30_081));
    let bare = matrix(&player, &[Sources::Nodes], &[service("bare")]).expect("pairs");
    assert_eq!((bare.rows.len(), bare.columns.len()), (3, 2), "a headless Service stands for its pods");
}

#[test]
fn rules_are_tried_from_three_sides() {
    let player = world(&[]);
    let asked = |name: &str, mode| {
        let service = Some(("default".into(), Name::from(name)));
        rules::answer(&player.sim().moment(), &RulesQuestion { node: "node-3".into(), service, mode })
    };
    let web = asked("web", None).expect("rules");
    assert_eq!((web.mode, web.own_mode, web.behind, web.ports.len()), (Mode::Iptables, Mode::Iptables, Some(0), 1));
    let port = &web.ports[0];
    let seen: Vec<(From, Decision)> = port.addresses[0].seen.iter().map(|seen| (seen.from, seen.decision)).collect();
    assert_eq!(seen, [(From::Pods, Decision::Dnat), (From::Node, Decision::Dnat), (From::Outside, Decision::Dnat)]);
    assert_eq!((port.endpoints.len(), port.addresses[0].seen[0].candidates.len()), (2, 2));
    assert_eq!(asked("web", Some(Mode::Ipvs)).map(|rules| rules.mode), Ok(Mode::Ipvs));
    assert_eq!(asked("bare", None).map(|rules| rules.remark), Ok(Some(Remark::Headless("default/bare".into()))));
    let alias = Remark::Alias("default/alias".into(), "example.invalid".into());
    assert_eq!(asked("alias", None).map(|rules| rules.remark), Ok(Some(alias)));
    assert!(matches!(asked("nope", None), Err(Unanswerable::NoService(_))));
    let nobody = rules::answer(&player.sim().moment(), &RulesQuestion { node: "node-9".into(), service: None, mode: None });
    assert!(matches!(nobody, Err(Unanswerable::NoNode { .. })));
}
