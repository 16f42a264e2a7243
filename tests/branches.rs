//! Branches of time: whoever goes back and does something else starts another history, and every moment stays what it was.

use sim_core::cluster::faults::{Fault, NodeFault};
use sim_core::console::host::World;
use sim_core::engine::time::Duration;
use sim_core::lab::command::{Command, Output, Refusal};
use sim_tests::branching::{back_and_forth, die, here, player, run};

#[test]
fn acting_in_the_past_starts_a_branch_and_loses_nothing() {
    let player = player();
    let before = player.sim().elapsed();
    assert_eq!(run(&player, die()), Output::Done);
    assert_eq!(run(&player, Command::Advance(Duration::from_secs(60))), Output::Done);
    let dead = here(&player);
    // Looking at the past is no act, and neither is living through it again.
    assert_eq!(run(&player, Command::Seek(before)), Output::Done);
    assert_eq!(run(&player, Command::Advance(Duration::from_secs(60))), Output::Done);
    assert_eq!(here(&player), dead);
    // Something else is done where the node died.
    assert_eq!(run(&player, Command::Rewind(Duration::from_secs(30))), Output::Done);
    assert_eq!(run(&player, Command::Heal(Fault::Node("node-2".into(), NodeFault::PowerOff))), Output::Done);
    assert_eq!(player.sim().branch(), "main~1");
    assert_eq!(run(&player, Command::Advance(Duration::from_secs(30))), Output::Done);
    assert_ne!(here(&player).2, dead.2);
    // The first history is still there, to its end.
    assert_eq!(
        run(&player, Command::Switch("main".into())),
        Output::Standing("main".into(), dead.1.at - Duration::from_secs(30))
    );
    assert_eq!(run(&player, Command::Seek(dead.1.at)), Output::Done);
    assert_eq!(here(&player), dead);
}

#[test]
fn a_branch_with_a_name_begins_here_with_nothing_ahead() {
    let player = player();
    let start = player.sim().elapsed();
    run(&player, Command::Advance(Duration::from_secs(1)));
    run(&player, die());
    run(&player, Command::Advance(Duration::from_secs(10)));
    run(&player, Command::Seek(start));
    assert_eq!(run(&player, Command::Branch("calm".into())), Output::Standing("calm".into(), start));
    run(&player, Command::Advance(Duration::from_secs(10)));
    assert!(player.sim().cluster().faults.node_up("node-2"), "the node dies on main only");
    let Output::Branches(all) = run(&player, Command::Branches) else { panic!("the branches are listed") };
    let shown: Vec<(&str, bool, u64)> =
        all.iter().map(|b| (b.name.as_str(), b.is_current, b.at.since(start).as_secs())).collect();
    assert_eq!(shown, [("main", false, 0), ("calm", true, 10)]);
    let refused = |command: Command| match run(&player, command) {
        Output::Refused(Refusal::Branch(why)) => why.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(Command::Branch("main".into())), "there is a branch `main` already; `switch main` goes there");
    assert_eq!(refused(Command::Switch("noise".into())), "there is no branch `noise`; there are main, calm");
    assert!(refused(Command::Branch("a b".into())).starts_with("`a b` is no name for a branch"));
}

#[test]
fn every_visited_moment_stays_what_it_was() {
    let again = back_and_forth(300, 7);
    assert!(again > 30, "moments are visited again: {again}");
}
