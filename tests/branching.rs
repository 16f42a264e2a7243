//! Going back and forth in time, at random: what the test and the longer example of branches share.

use std::collections::BTreeMap;

use sim_core::cluster::faults::{Fault, NodeFault};
use sim_core::console::host::World;
use sim_core::engine::run::{Digests, Position};
use sim_core::engine::time::{Duration, Instant};
use sim_core::lab::command::Command;
use sim_core::render;
use sim_core::scenario::play::{self, Player};

use crate::input;

const CLUSTER: &str = "
apiVersion: kubewalk/v1
kind: Scenario
metadata: {name: branches}
spec:
  cluster: {nodes: 3}
  steps:
    - run: kubectl create deployment web --image=nginx --replicas=3
    - run: kubectl expose deployment web --port=80
    - until: deployment/web available
    - until: converged
";

/// A small cluster that is at rest.
pub fn player() -> Player {
    let mut player = Player::new(input("branches.yaml", CLUSTER), &play::Options::default()).expect("the cluster can be built");
    while let Some(played) = player.step() {
        assert_eq!(played.failures, Vec::<String>::new());
    }
    player
}

/// Carries out a command; what is said of it, or why it is refused.
pub fn run(player: &Player, command: Command) -> Result<String, String> {
    render::lab::text(&player.lab().run(command))
}

/// Carries out a command of which nothing is said.
pub fn done(player: &Player, command: Command) {
    assert_eq!(run(player, command.clone()), Ok(String::new()), "{command:?}");
}

/// Where the world stands, and its digests.
pub fn here(player: &Player) -> (String, Position, Digests) {
    let sim = player.sim();
    (sim.branch().to_string(), sim.position(), sim.digests())
}

/// A node loses its power.
pub fn die() -> Command {
    Command::Fail(Fault::Node("node-2".into(), NodeFault::PowerOff))
}

/// A small generator of numbers: the tests must not depend on the one that is tested.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Goes back and forth, acts, branches and switches. Every moment that is visited twice has the digests it had.
pub fn back_and_forth(rounds: u64, seed: u64) -> usize {
    let player = player();
    let mut dice = Dice(seed);
    let mut known: BTreeMap<(String, Position), Digests> = BTreeMap::new();
    let mut again = 0;
    for round in 0..rounds {
        match dice.roll(10) {
            0..4 => {
                let end = player.sim().elapsed().since(Instant::START).as_millis() + 2_000;
                let to = Instant::START + Duration::from_millis(dice.roll(end));
                // Now and then exactly where the world has stood before.
                let branch = player.sim().branch().to_string();
                let places: Vec<Position> = known.keys().filter(|(b, _)| *b == branch).map(|(_, place)| *place).collect();
                match places.get(usize::try_from(dice.roll(places.len() as u64 * 2 + 1)).expect("small")) {
                    Some(place) => player.sim_mut().seek_position(*place).expect("no limit is near"),
                    None => done(&player, Command::Seek(to)),
                }
            }
            4..6 => done(&player, Command::Advance(Duration::from_millis(dice.roll(1_500)))),
            6 => drop(run(&player, die())),
            7 => drop(run(&player, Command::Heal(Fault::Node("node-2".into(), NodeFault::PowerOff)))),
            8 => drop(run(&player, Command::Branch(format!("b{}", round % 40)))),
            _ => {
                let names: Vec<String> = player.sim().branches().into_iter().map(|branch| branch.name).collect();
                let name = names[usize::try_from(dice.roll(names.len() as u64)).expect("small")].clone();
                assert!(run(&player, Command::Switch(name)).is_ok());
            }
        }
        let (branch, position, digests) = here(&player);
        if let Some(before) = known.insert((branch.clone(), position), digests) {
            again += 1;
            assert_eq!(before, digests, "round {round}: {branch} at {position:?}");
        }
    }
    again
}
