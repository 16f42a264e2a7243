//! The laboratory: one cluster with its history, and everything that acts in it while simulated time passes.
//!
//! Nothing like it exists in a real cluster: there, time cannot be held. It stands between the cluster and everybody who speaks
//! to it: the console, a scenario's steps, the terminal UI.
//!
//! | file | holds |
//! | --- | --- |
//! | [`world`] | [`world::World`]: the running cluster as programs use it |
//! | [`simulation`] | [`simulation::Simulation`]: the world that is a simulated cluster with a timeline and a budget |
//! | [`command`] | what it can be told to do, and what it answers |
//! | [`branches`] | histories that share their past |
//! | [`packets`] | what commands have sent, with its whole way |
//! | [`until`] | waiting for a condition |
//! | [`tasks`] | [`tasks::Tasks`]: programs that wait inside simulated time, and the executor that polls them |

pub mod branches;
pub mod command;
pub mod packets;
pub mod simulation;
pub mod tasks;
pub mod until;
pub mod world;

use std::cell::{Ref, RefCell, RefMut};
use std::rc::Rc;

use self::command::{Command, Output};
use self::simulation::Simulation;
use self::tasks::Tasks;
use self::world::World;
use crate::cluster::Cluster;
use crate::engine::queue::Ties;

/// A cluster with its history, and the programs that run in it.
pub struct Lab {
    sim: Rc<RefCell<Simulation>>,
    tasks: Tasks,
}

impl Lab {
    /// A cluster at the start of time, running, with nobody in it.
    pub fn new(cluster: Cluster, seed: u64, ties: Ties) -> Lab {
        Lab::of(Simulation::new(cluster, seed, ties))
    }

    fn of(sim: Simulation) -> Lab {
        let sim = Rc::new(RefCell::new(sim));
        let world: Rc<RefCell<dyn World>> = sim.clone();
        Lab { sim, tasks: Tasks::new(world) }
    }

    /// The simulation, to look at.
    pub fn sim(&self) -> Ref<'_, Simulation> {
        self.sim.borrow()
    }

    /// The simulation, to act on. It must be given back before time moves.
    pub fn sim_mut(&self) -> RefMut<'_, Simulation> {
        self.sim.borrow_mut()
    }

    /// The programs that run.
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Carries out a command while the world lives.
    pub fn run(&self, command: Command) -> Output {
        let clock = self.tasks.clock().clone();
        self.tasks.block_on(async move { command::execute(&clock, command).await }).unwrap_or_else(Output::Stopped)
    }

    /// Another laboratory with the same history. Programs that run stay here.
    pub fn fork(&self) -> Lab {
        Lab::of(self.sim.borrow().clone())
    }
}
