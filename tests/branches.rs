//! Branches of time: whoever goes back and does something else starts another history, and every moment stays what it was.

use sim_core::cluster::faults::{Fault, NodeFault};
use sim_core::console::host::World;
use sim_core::engine::time::Duration;
use sim_core::lab::command::Command;
use sim_tests::branching::{back_and_forth, die, done, here, player, run};

#[test]
fn acting_in_the_past_starts_a_branch_and_loses_nothing() {
    let player = player();
    let before = player.sim().elapsed();
    done(&player, die());
    done(&player, Command::Advance(Duration::from_secs(60)));
    let dead = here(&player);
    // Looking at the past is no act, and neither is living through it again.
    done(&player, Command::Seek(before));
    done(&player, Command::Advance(Duration::from_secs(60)));
    assert_eq!(here(&player), dead);
    // Something else is done where the node died.
    done(&player, Command::Rewind(Duration::from_secs(30)));
    done(&player, Command::Heal(Fault::Node("node-2".into(), NodeFault::PowerOff)));
    assert_eq!(player.sim().branch(), "main~1");
    done(&player, Command::Advance(Duration::from_secs(30)));
    assert_ne!(here(&player).2, dead.2);
    // The first history is still there, to its end.
    assert!(run(&player, Command::Switch("main".into())).is_ok_and(|said| said.starts_with("on branch main, ")));
    assert_eq!(player.sim().elapsed(), dead.1.at - Duration::from_secs(30), "it stands where it was left");
    done(&player, Command::Seek(dead.1.at));
    assert_eq!(here(&player), dead);
}

#[test]
fn a_branch_with_a_name_begins_here_with_nothing_ahead() {
    let player = player();
    let start = player.sim().elapsed();
    done(&player, Command::Advance(Duration::from_secs(1)));
    done(&player, die());
    done(&player, Command::Advance(Duration::from_secs(10)));
    done(&player, Command::Seek(start));
    assert!(run(&player, Command::Branch("calm".into())).is_ok());
    done(&player, Command::Advance(Duration::from_secs(10)));
    assert!(player.sim().cluster().faults.node_up("node-2"), "the node dies on main only");
    let all = player.sim().branches();
    let shown: Vec<(&str, bool, u64)> =
        all.iter().map(|b| (b.name.as_str(), b.is_current, b.at.since(start).as_secs())).collect();
    assert_eq!(shown, [("main", false, 0), ("calm", true, 10)]);
    let refused = |command: Command| run(&player, command).expect_err("it is refused");
    assert_eq!(refused(Command::Branch("main".into())), "there is a branch `main` already; `switch main` goes there");
    assert_eq!(refused(Command::Switch("noise".into())), "there is no branch `noise`; there are main, calm");
    assert!(refused(Command::Branch("a b".into())).starts_with("`a b` is no name for a branch"));
}

#[test]
fn every_visited_moment_stays_what_it_was() {
    let again = back_and_forth(300, 7);
    assert!(again > 30, "moments are visited again: {again}");
}
