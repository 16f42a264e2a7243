//! The readers: each takes bytes as the program would take them from a file or a terminal, as far as they lead.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use sim_core::scenario::load::{File, Input, Options, Refused, load};
use sim_core::scenario::play::{self, Player};
use sim_core::scenario::save;
use sim_tui::draw::diagnostic::draw;

/// Who reads an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// The loader of scenario files, manifests inside them included.
    Scenario,
    /// The loader of plain manifests.
    Manifests,
    /// The console, in front of a small running cluster.
    Console,
}

impl Surface {
    /// All of them.
    pub const ALL: [Surface; 3] = [Surface::Scenario, Surface::Manifests, Surface::Console];
}

/// How often a line may ask whether to go on, which it does once in a thousand events: a line that only lets time pass ends
/// after so many thousand events, instead of the ten million that a user is given.
const ASKS_MAX: u32 = 64;

const CLUSTER: &str = include_str!("cluster.yaml");

/// What inputs are given to: it is made once and stays as it is.
pub struct Bench {
    live: Player,
    asks: Rc<Cell<u32>>,
}

impl Bench {
    /// A bench with a small cluster that is at rest.
    pub fn new() -> Bench {
        let input = crate::input("cluster.yaml", CLUSTER);
        let mut live = Player::new(input, &play::Options::default()).expect("the cluster can be built");
        while let Some(played) = live.step() {
            assert_eq!(played.failures, Vec::<String>::new());
        }
        let asks = Rc::new(Cell::new(0));
        let counted = asks.clone();
        live.sim_mut().interrupted_by(Rc::new(move || {
            counted.set(counted.get() + 1);
            counted.get() > ASKS_MAX
        }));
        Bench { live, asks }
    }

    /// The cluster, to be used up.
    pub fn player(&self) -> Player {
        self.live.fork()
    }

    /// Gives an input to its reader. That it comes back is the whole claim.
    pub fn give(&self, surface: Surface, bytes: &[u8]) {
        match surface {
            Surface::Scenario | Surface::Manifests => read(bytes),
            Surface::Console => self.type_in(bytes),
        }
    }

    /// Lines, as `kubewalk sh` takes them from its standard input.
    fn type_in(&self, bytes: &[u8]) {
        let mut player = self.player();
        for line in String::from_utf8_lossy(bytes).lines() {
            self.asks.set(0);
            let _ = player.session.feed(line);
        }
        let _ = player.session.prompt();
        let _ = player.session.finish();
    }
}

impl Default for Bench {
    fn default() -> Self {
        Bench::new()
    }
}

/// What `kubewalk lint`, `run` and `--save` do with a file before time starts.
fn read(bytes: &[u8]) {
    match load(File { name: "input.yaml", bytes }, &Options::default()) {
        Ok(input) => used(Arc::new(input)),
        Err(Refused { diagnostics, sources }) => {
            assert!(!diagnostics.is_empty(), "a refusal without a reason");
            let _ = draw(&diagnostics, &sources, false);
            diagnostics.iter().for_each(|d| drop(d.to_json(&sources)));
        }
    }
}

fn used(input: Arc<Input>) {
    if let Some(report) = &input.report {
        let _ = report.text();
    }
    let saved = save::to_text(&input.scenario, &input.manifests);
    let again = load(File { name: "saved.yaml", bytes: saved.as_bytes() }, &Options::default());
    if let Err(refused) = again {
        panic!("what was saved cannot be read: {:?}\n{saved}", refused.diagnostics);
    }
    let _ = Player::new(input, &play::Options::default());
}
