//! Playing a scenario: its steps one by one, on one simulation, through one console session.
//!
//! A step is what a person would do next: say something, apply a manifest, type a line, wait. Each leaves a [`Played`] value with
//! what was shown and which expectations did not hold; [`crate::render::transcript`] writes it down.

use std::sync::Arc;

use super::expect::{self, Facts};
use super::format::{Action, Apply, Expectation, Step};
use super::load::Loaded;
use super::manifests::Manifest;
use crate::console::catalogue::Catalogue;
use crate::console::files::HostFiles;
use crate::console::host::{Outcome, World};
use crate::console::programs_of_kubewalk;
use crate::console::session::Session;
use crate::console::simulation::Simulation;
use crate::console::simulator::until::{self, Waited};
use crate::engine::queue::Ties;
use crate::engine::time::{Duration, Instant};
use crate::objects::time::Timestamp;

/// How long `until` and an expectation with no `within` wait.
const PATIENCE: Duration = Duration::from_secs(300);

/// How a scenario is to be played.
#[derive(Clone, Default)]
pub struct Options {
    /// Overrides the scenario's seed.
    pub seed: Option<u64>,
    /// Shuffles the order of events of one instant.
    pub shuffle_ties: Option<u64>,
    /// The user's own files, if the console may read them.
    pub host_files: Option<Arc<dyn HostFiles>>,
}

/// A scenario being played.
#[derive(Clone)]
pub struct Player {
    loaded: Arc<Loaded>,
    /// The world.
    pub sim: Simulation,
    /// The console.
    pub session: Session,
    next: usize,
    /// When the step before began.
    before: Instant,
}

/// What one step did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Played {
    /// Its number, from 1.
    pub number: usize,
    /// Its verb.
    pub verb: &'static str,
    /// What it was about: the text said, the line typed, the condition waited for.
    pub title: String,
    /// What a program printed.
    pub outcome: Outcome,
    /// Simulated time when it was done.
    pub elapsed: Instant,
    /// The same on the cluster's clock.
    pub at: Timestamp,
    /// What did not hold.
    pub failures: Vec<String>,
}

impl Player {
    /// Builds the cluster and the console; nothing is played yet.
    pub fn new(loaded: Arc<Loaded>, options: &Options) -> Player {
        let spec = &loaded.scenario.spec;
        let cluster = super::build::cluster(&loaded);
        let ties = options.shuffle_ties.map_or(Ties::Scheduled, Ties::Shuffled);
        let sim = Simulation::new(cluster, options.seed.unwrap_or(spec.seed), ties);
        let catalogue = programs_of_kubewalk(Catalogue::default());
        let session = Session::new(catalogue, options.host_files.clone());
        Player { loaded, sim, session, next: 0, before: Instant::START }
    }

    /// The scenario.
    pub fn loaded(&self) -> &Loaded {
        &self.loaded
    }

    /// How many steps have been played.
    pub fn done(&self) -> usize {
        self.next
    }

    /// Plays the next step; `None` after the last.
    pub fn step(&mut self) -> Option<Played> {
        let loaded = self.loaded.clone();
        let step = loaded.scenario.spec.steps.get(self.next)?;
        self.next += 1;
        self.sim.begin_command();
        let mut failures = Vec::new();
        if let Err(why) = self.pass_time(step) {
            failures.push(why);
        }
        self.before = self.sim.elapsed();
        let (title, outcome) = self.act(step, &mut failures);
        let verb = step.action().name();
        Some(Played { number: self.next, verb, title, outcome, elapsed: self.sim.elapsed(), at: self.sim.now(), failures })
    }

    /// Lets time pass until the step is due.
    fn pass_time(&mut self, step: &Step) -> Result<(), String> {
        let due = match (&step.after, &step.at) {
            (Some(after), _) => self.before + **after,
            (None, Some(at)) => Instant::START + **at,
            (None, None) => return Ok(()),
        };
        if due < self.sim.elapsed() {
            return Err(format!("the step was due {} after the start, which is past", due.since(Instant::START)));
        }
        let wait = due.since(self.sim.elapsed());
        self.sim.advance(wait).map_err(|s| s.why)
    }

    fn act(&mut self, step: &Step, failures: &mut Vec<String>) -> (String, Outcome) {
        let within = step.within.as_deref().copied();
        match step.action() {
            Action::Say(text) => (text.trim_end().to_string(), Outcome::default()),
            Action::Apply(apply) => self.apply(apply, step, failures),
            Action::Run(line) => self.line(line, step, failures),
            Action::Fail(target) => self.line(&format!("fail {target}"), step, failures),
            Action::Heal(target) => self.line(&format!("heal {target}"), step, failures),
            Action::Trace(trace) => {
                let node = trace.at_node.as_ref().map_or(String::new(), |n| format!(" --at-node {n}"));
                let line = format!("trace {} {} --protocol {}{node}", trace.from, trace.to, trace.protocol.text());
                self.line(&line, step, failures)
            }
            Action::Wait(time) => {
                let stopped = self.sim.advance(time).err();
                failures.extend(stopped.map(|s| s.why));
                (time.to_string(), Outcome::default())
            }
            Action::Until(condition) => {
                match until::wait_for(&mut self.sim, condition, within.unwrap_or(PATIENCE)) {
                    Ok(Waited::Held) => {}
                    Ok(Waited::Not(why)) => failures.push(format!("not within {}: {why}", within.unwrap_or(PATIENCE))),
                    Err(until::Failed::Stopped(stopped)) => failures.push(stopped.why),
                    Err(until::Failed::Condition(why)) => failures.push(why),
                }
                (condition.to_string(), Outcome::default())
            }
            Action::Expect(expectation) => {
                failures.extend(self.expect_object(expectation, within));
                (expect::title(expectation), Outcome::default())
            }
            Action::Traffic(traffic) => {
                failures.push("traffic is not simulated yet: take the step out, or send single requests with `run: curl ...`".to_string());
                (traffic.name.clone(), Outcome::default())
            }
        }
    }

    /// A console line, with its expectations.
    fn line(&mut self, line: &str, step: &Step, failures: &mut Vec<String>) -> (String, Outcome) {
        let mut outcome = Outcome::default();
        for text in feedable(line) {
            outcome = merge(outcome, self.session.run(&mut self.sim, &text));
        }
        self.judge(&outcome, step, failures);
        (line.trim_end().to_string(), outcome)
    }

    /// `kubectl apply -f -` of a document, a file, or the text itself.
    fn apply(&mut self, apply: &Apply, step: &Step, failures: &mut Vec<String>) -> (String, Outcome) {
        let (title, line) = match apply {
            Apply::Inline(text) => ("kubectl apply -f -".to_string(), here_document(text)),
            Apply::From(from) => match (&from.doc, &from.file) {
                (Some(reference), _) => {
                    let text = self.loaded.document(reference).map(Manifest::to_yaml).unwrap_or_default();
                    (format!("kubectl apply -f {}", reference.text()), here_document(&text))
                }
                (None, Some(file)) => (format!("kubectl apply -f {file}"), format!("kubectl apply -f '{file}'")),
                (None, None) => (String::new(), String::new()),
            },
        };
        let outcome = self.session.run(&mut self.sim, &line);
        self.judge(&outcome, step, failures);
        (title, outcome)
    }

    /// A program's outcome against the step's expectation. Without one, a failing exit is a failure.
    fn judge(&self, outcome: &Outcome, step: &Step, failures: &mut Vec<String>) {
        let facts = Facts::of_outcome(outcome);
        match &step.expect {
            Some(expectation) => failures.extend(expect::check(expectation, &facts)),
            None if outcome.exit != 0 => failures.push(format!("exit status {}, nothing else was expected", outcome.exit)),
            None => {}
        }
    }

    /// An expectation about an object, now or within a time.
    fn expect_object(&mut self, expectation: &Expectation, within: Option<Duration>) -> Vec<String> {
        let deadline = self.sim.elapsed() + within.unwrap_or(Duration::ZERO);
        loop {
            let failures = expect::check_object(expectation, &self.sim);
            if failures.is_empty() || self.sim.elapsed() >= deadline {
                return failures;
            }
            let seen = self.sim.revision();
            let left = deadline.since(self.sim.elapsed());
            if let Err(stopped) = self.sim.advance_until(left, &mut |world| world.revision() != seen) {
                return vec![stopped.why];
            }
        }
    }
}

/// The lines of a `run:` step, given to the session as a person would type them: all at once, so that here-documents hold
/// together. (A nested shell opened by one step takes the lines of the following ones.)
fn feedable(text: &str) -> [String; 1] {
    [text.trim_end().to_string()]
}

fn merge(before: Outcome, after: Outcome) -> Outcome {
    Outcome { stdout: before.stdout + &after.stdout, stderr: before.stderr + &after.stderr, exit: after.exit }
}

/// A line that applies `text` from standard input; the end mark is one that the text does not hold.
fn here_document(text: &str) -> String {
    let mut mark = "END_OF_MANIFEST".to_string();
    while text.lines().any(|line| line == mark) {
        mark.push('_');
    }
    format!("kubectl apply -f - <<'{mark}'\n{}\n{mark}", text.trim_end())
}
