//! What the laboratory can be told to do, and what it answers: closed lists of values.
//!
//! No real cluster has these commands. A word typed at the console, a scenario's step and a key of the terminal UI all become a
//! [`Command`]; none of them is made of text for another to read. [`crate::render::lab`] makes the words of an [`Output`].

use std::sync::Arc;

use super::branches::{BranchSeen, NoBranch};
use super::simulation::Simulation;
use super::tasks::Clock;
use super::until::{self, Failed, Waited};
use super::world::{Stopped, World};
use crate::ask::{Answer, Question, Unanswerable, ask};
use crate::cluster::faults::Fault;
use crate::cluster::traffic::plan::Plan;
use crate::cluster::traffic::{LOADS_MAX, Order};
use crate::engine::time::{Duration, Instant};
use crate::objects::Name;
use crate::scenario::condition::Condition;

/// Something to do.
#[derive(Clone, Debug)]
pub enum Command {
    /// Lets time pass.
    Advance(Duration),
    /// Lets time pass until something holds, at most so long.
    AdvanceTo(Condition, Duration),
    /// Takes so many events.
    Step(u64),
    /// Takes events up to the next of that kind.
    StepTo(String),
    /// Goes to a moment of this branch.
    Seek(Instant),
    /// Goes back by an amount.
    Rewind(Duration),
    /// Starts a branch here.
    Branch(String),
    /// Goes to another branch.
    Switch(String),
    /// Lists the branches.
    Branches,
    /// Asks something of this moment.
    Ask(Box<Question>),
    /// Breaks something.
    Fail(Fault),
    /// Mends it.
    Heal(Fault),
    /// Starts a load.
    StartLoad(Arc<Plan>),
    /// Stops a load, or all.
    StopLoads(Option<Name>),
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum Output {
    /// Done, and there is nothing to tell.
    Done,
    /// Events were taken; whether one was there to take.
    Stepped(bool),
    /// All branches.
    Branches(Vec<BranchSeen>),
    /// The world stands on this branch now, at this moment.
    Standing(String, Instant),
    /// The answer to a question.
    Answer(Box<Answer>),
    /// A question that has none.
    Unanswerable(Box<Unanswerable>),
    /// The loads that were stopped.
    StoppedLoads(Vec<Name>),
    /// It could not be done.
    Refused(Refusal),
    /// A budget ran out, or the user interrupted.
    Stopped(Stopped),
}

/// Why something could not be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// There is no simulation behind this console.
    NoSimulation,
    /// The condition did not come to hold.
    NotWithin {
        /// How long was waited.
        patience: Duration,
        /// What was still missing.
        missing: String,
    },
    /// The condition cannot be asked.
    Condition(String),
    /// The simulation is not as old as that.
    BeforeTheStart {
        /// Its age.
        age: Duration,
    },
    /// A branch.
    Branch(NoBranch),
    /// There is no such part.
    NoSuchTarget(Fault),
    /// The load of that name still runs.
    LoadRuns(Name),
    /// There are as many loads as there can be.
    TooManyLoads(usize),
    /// The log of inputs takes no more.
    LogFull,
}

/// Carries out a command, in the world of that clock.
pub async fn execute(clock: &Clock, command: Command) -> Output {
    let waited = match command {
        Command::Advance(by) => clock.sleep(by).await,
        Command::AdvanceTo(condition, patience) => match until::wait_for(clock, &condition, patience).await {
            Ok(Waited::Held) => Ok(()),
            Ok(Waited::Not(missing)) => return Output::Refused(Refusal::NotWithin { patience, missing }),
            Err(Failed::Condition(why)) => return Output::Refused(Refusal::Condition(why)),
            Err(Failed::Stopped(stopped)) => Err(stopped),
        },
        other => {
            if matches!(other, Command::Seek(_) | Command::Rewind(_) | Command::Switch(_)) {
                // Whatever else runs belongs to the moment that is left.
                clock.end_others();
            }
            let mut world = clock.borrow();
            return world.simulation().map_or(Output::Refused(Refusal::NoSimulation), |sim| act(sim, other));
        }
    };
    waited.map_or_else(Output::Stopped, |()| Output::Done)
}

/// Carries out a command that does not wait for anything in the world. One that would is refused by doing nothing: see [`execute`].
pub fn act(sim: &mut Simulation, command: Command) -> Output {
    match command {
        Command::Step(n) => sim.step(n).map_or_else(Output::Stopped, |taken| Output::Stepped(taken > 0)),
        Command::StepTo(kind) => sim.step_to(&kind).map_or_else(Output::Stopped, Output::Stepped),
        Command::Seek(to) => sim.seek(to).map_or_else(Output::Stopped, |()| Output::Done),
        Command::Rewind(by) => {
            let age = sim.elapsed().since(Instant::START);
            match by > age {
                true => Output::Refused(Refusal::BeforeTheStart { age }),
                false => sim.seek(Instant::START + (age - by)).map_or_else(Output::Stopped, |()| Output::Done),
            }
        }
        Command::Branch(name) => sim.start_branch(&name).map_or_else(no_branch, |()| standing(sim)),
        Command::Switch(name) => sim.switch(&name).map_or_else(no_branch, |()| standing(sim)),
        Command::Branches => Output::Branches(sim.branches()),
        Command::Ask(question) => answer(sim, &question),
        Command::Fail(fault) => fault_of(sim, fault, true),
        Command::Heal(fault) => fault_of(sim, fault, false),
        Command::StartLoad(plan) => start(sim, plan),
        Command::StopLoads(name) => stop(sim, name),
        Command::Advance(_) | Command::AdvanceTo(..) => Output::Done,
    }
}

fn answer(sim: &mut Simulation, question: &Question) -> Output {
    match ask(&sim.moment(), question) {
        Ok(answer) => {
            if let Answer::Trace(answer) = &answer {
                sim.answered(&answer.trace);
            }
            Output::Answer(Box::new(answer))
        }
        Err(why) => Output::Unanswerable(Box::new(why)),
    }
}

fn no_branch(why: NoBranch) -> Output {
    Output::Refused(Refusal::Branch(why))
}

fn standing(sim: &Simulation) -> Output {
    Output::Standing(sim.branch().to_string(), sim.elapsed())
}

fn fault_of(sim: &mut Simulation, fault: Fault, is_broken: bool) -> Output {
    match sim.fault(fault.clone(), is_broken) {
        Ok(true) => Output::Done,
        Ok(false) => Output::Refused(Refusal::NoSuchTarget(fault)),
        Err(_) => Output::Refused(Refusal::LogFull),
    }
}

fn start(sim: &mut Simulation, plan: Arc<Plan>) -> Output {
    let loads = &sim.cluster().loads;
    match loads.get(&plan.name) {
        Some(known) if known.running(sim.elapsed()) => return Output::Refused(Refusal::LoadRuns(plan.name.clone())),
        None if loads.full() => return Output::Refused(Refusal::TooManyLoads(LOADS_MAX)),
        _ => {}
    }
    if sim.traffic(Order::Start(plan)) { Output::Done } else { Output::Refused(Refusal::LogFull) }
}

fn stop(sim: &mut Simulation, name: Option<Name>) -> Output {
    let now = sim.elapsed();
    let loads = sim.cluster().loads.iter().filter(|load| load.running(now)).map(|load| load.plan.name.clone());
    let stopped: Vec<Name> = loads.filter(|load| name.as_ref().is_none_or(|name| name == load)).collect();
    if !stopped.is_empty() && !sim.traffic(Order::Stop(name)) {
        return Output::Refused(Refusal::LogFull);
    }
    Output::StoppedLoads(stopped)
}
