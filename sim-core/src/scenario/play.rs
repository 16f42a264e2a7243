//! Playing a scenario: its steps one by one, on one simulation, through one console session.
//!
//! A step is what a person would do next: say something, apply a manifest, type a line, wait. Each leaves a [`Played`] value with
//! what was shown and which expectations did not hold; [`crate::render::transcript`] writes it down.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::expect::{self, Observed, ObservedObject, Requests};
use super::format::{Action, Apply, Decision, Expectation, Step, TraceOutcome};
use super::load::Input;
use super::notation::DocRef;
use super::traffic;
use crate::console::all_programs;
use crate::console::files::HostFiles;
use crate::console::host::{Outcome, Place, World};
use crate::console::session::{Fed, LineResult, Session};
use crate::console::simulation::Simulation;
use crate::console::simulator::traffic::unknown;
use crate::console::simulator::until::{self, Waited};
use crate::console::written::{Lines, origin};
use crate::engine::queue::Ties;
use crate::engine::random::{Draws, Seed};
use crate::engine::run::Position;
use crate::engine::time::{Duration, Instant};
use crate::objects::time::Timestamp;

/// How long `until` and an expectation with no `within` wait.
const PATIENCE: Duration = Duration::from_secs(300);
/// How often a load is looked at that is expected to succeed within a time.
const LOOK_EVERY: Duration = Duration::from_millis(100);

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
    input: Arc<Input>,
    /// The world.
    pub sim: Simulation,
    /// The console.
    pub session: Session,
    next: usize,
    /// When the step before began.
    before: Instant,
    /// The lines of the input's files, for those who quote them.
    lines: Arc<BTreeMap<String, Lines>>,
}

/// A point of a walkthrough.
#[derive(Clone)]
pub struct Mark {
    position: Position,
    session: Session,
    next: usize,
    before: Instant,
}

/// What one step did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Played {
    /// Its number, from 1.
    pub number: usize,
    /// File and line where it is written; `None` in a scenario made from manifests.
    pub place: Option<(String, u32)>,
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
    /// The answer of a `trace` step, as its JSON.
    pub trace: Option<Value>,
    /// What did not hold.
    pub failures: Vec<String>,
}

impl Player {
    /// Builds the cluster and the console; nothing is played yet.
    pub fn new(input: Arc<Input>, options: &Options) -> Result<Player, String> {
        let seed = options.seed.unwrap_or(input.scenario.spec.seed);
        let cluster = super::build::cluster(&input, Draws::new(Seed(seed)))?;
        let ties = options.shuffle_ties.map_or(Ties::Scheduled, Ties::Shuffled);
        let sim = Simulation::new(cluster, seed, ties);
        let session = Session::new(all_programs(), options.host_files.clone());
        let lines = Arc::new(lines(&input));
        let mut player = Player { input, sim, session, next: 0, before: Instant::START, lines };
        player.quote_objects();
        Ok(player)
    }

    /// The scenario with its documents.
    pub fn input(&self) -> &Input {
        &self.input
    }

    /// Where the player stands, to come back to.
    pub fn mark(&self) -> Mark {
        Mark { position: self.sim.position(), session: self.session.clone(), next: self.next, before: self.before }
    }

    /// Goes back to a mark: the world is sought there, the console is as it was.
    pub fn rewind_to(&mut self, mark: &Mark) -> Result<(), String> {
        self.sim.begin_command();
        self.sim.seek_position(mark.position).map_err(|stopped| stopped.why)?;
        (self.session, self.next, self.before) = (mark.session.clone(), mark.next, mark.before);
        Ok(())
    }

    /// Whether there is a next step, and it applies something (or any step will do).
    pub fn next_applies_or(&self, any: bool) -> bool {
        let next = self.input.scenario.spec.steps.get(self.next);
        next.is_some_and(|step| any || matches!(step.action(), Action::Apply(_)))
    }

    /// How many steps have been played.
    pub fn done(&self) -> usize {
        self.next
    }

    /// Plays the next step; `None` after the last.
    pub fn step(&mut self) -> Option<Played> {
        let input = self.input.clone();
        let step = input.scenario.spec.steps.get(self.next)?;
        self.next += 1;
        self.sim.begin_command();
        let mut failures = Vec::new();
        if let Err(why) = self.pass_time(step) {
            failures.push(why);
        }
        self.before = self.sim.elapsed();
        let trace = if let Action::Trace(trace) = step.action() { self.explained(trace) } else { None };
        let (title, outcome) = self.act(step, trace.as_ref(), &mut failures);
        let (number, place, verb) = (self.next, self.place(self.next - 1), step.action().name());
        Some(Played { number, place, verb, title, outcome, elapsed: self.sim.elapsed(), at: self.sim.now(), trace, failures })
    }

    /// Where a step is written.
    fn place(&self, index: usize) -> Option<(String, u32)> {
        let range = self.input.step_range(index)?;
        Some((self.input.file.clone(), self.lines.get(&self.input.file)?.line(range.start)))
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

    fn act(&mut self, step: &Step, told: Option<&Value>, failures: &mut Vec<String>) -> (String, Outcome) {
        let within = step.within.as_deref().copied();
        match step.action() {
            Action::Say(text) => (text.trim_end().to_string(), Outcome::default()),
            Action::Apply(apply) => self.apply(apply, step, failures),
            Action::Run(line) => self.line(line, step, failures),
            Action::Fail(target) => self.line(&format!("fail {target}"), step, failures),
            Action::Heal(target) => self.line(&format!("heal {target}"), step, failures),
            Action::Trace(trace) => self.trace(trace, told, step, failures),
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
                (step.until.as_ref().map(|c| c.text().to_string()).unwrap_or_default(), Outcome::default())
            }
            Action::Expect(expectation) => {
                failures.extend(self.expect_fact(expectation, within));
                (expect::title(expectation), Outcome::default())
            }
            Action::Traffic(load) => {
                let line = traffic::line(load);
                let outcome = self.session.run(&mut self.sim, &line);
                self.judge(&outcome, None, step, failures);
                (line, outcome)
            }
        }
    }

    /// A console line, with its expectations. In a nested shell that an earlier step opened, it runs there.
    fn line(&mut self, line: &str, step: &Step, failures: &mut Vec<String>) -> (String, Outcome) {
        let outcome = self.typed(line);
        self.judge(&outcome, None, step, failures);
        (line.trim_end().to_string(), outcome)
    }

    /// Types a text into the console: whole, unless a nested shell is open, whose lines end one by one.
    fn typed(&mut self, text: &str) -> Outcome {
        if self.session.place() == Place::Outside {
            return self.session.run(&mut self.sim, text.trim_end());
        }
        let mut outcome = Outcome::default();
        for line in text.trim_end().lines() {
            if let Fed::Ran(result) = self.session.feed(&mut self.sim, line) {
                let LineResult { outcome: one, .. } = result;
                outcome = Outcome { stdout: outcome.stdout + &one.stdout, stderr: outcome.stderr + &one.stderr, exit: one.exit };
            }
        }
        outcome
    }

    /// The JSON of a `trace` step's answer.
    fn explained(&mut self, trace: &super::format::Trace) -> Option<Value> {
        let json = self.session.run(&mut self.sim, &format!("{} -o json", trace_line(trace)));
        serde_json::from_str(&json.stdout).ok()
    }

    fn trace(
        &mut self,
        trace: &super::format::Trace,
        told: Option<&Value>,
        step: &Step,
        failures: &mut Vec<String>,
    ) -> (String, Outcome) {
        let line = trace_line(trace);
        let outcome = self.session.run(&mut self.sim, &line);
        self.judge(&outcome, told, step, failures);
        (line, outcome)
    }

    /// `kubectl apply -f -` of a document, a file, or the text itself.
    fn apply(&mut self, apply: &Apply, step: &Step, failures: &mut Vec<String>) -> (String, Outcome) {
        let (title, line) = match apply {
            Apply::Inline(text) => ("kubectl apply -f -".to_string(), here_document(text)),
            Apply::From(from) => match (&from.doc, &from.file) {
                (Some(reference), _) => {
                    let text = self.input.document(reference).map(|m| m.to_yaml()).unwrap_or_default();
                    (format!("kubectl apply -f {}", reference.text()), here_document(&text))
                }
                (None, Some(file)) => (format!("kubectl apply -f {file}"), format!("kubectl apply -f '{file}'")),
                (None, None) => (String::new(), String::new()),
            },
        };
        let outcome = self.session.run(&mut self.sim, &line);
        if let Apply::From(from) = apply {
            self.quote(from.doc.as_deref());
        }
        self.judge(&outcome, None, step, failures);
        (title, outcome)
    }

    /// Tells the world where an applied document stands in the user's file.
    fn quote(&mut self, reference: Option<&DocRef>) {
        let Some(manifest) = reference.and_then(|r| self.input.document(r)) else { return };
        let Some(lines) = self.lines.get(&manifest.file) else { return };
        let origin = origin(&manifest.file, lines, &manifest.value, &manifest.spans);
        self.sim.written(manifest.kind(), manifest.namespace().unwrap_or("default"), manifest.name(), origin);
    }

    /// The same for the objects that were there from the start.
    fn quote_objects(&mut self) {
        let input = self.input.clone();
        let Some(lines) = self.lines.get(&input.file).cloned() else { return };
        for (index, object) in input.scenario.spec.objects.iter().enumerate() {
            let Some(spans) = input.object_spans(index) else { continue };
            let text = |pointer: &str| object.0.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let origin = origin(&input.file, &lines, &object.0, spans);
            self.sim.written(text("/kind"), text("/metadata/namespace"), text("/metadata/name"), origin);
        }
    }

    /// A program's outcome against the step's expectation. Without one, a failing exit is a failure.
    fn judge(&self, outcome: &Outcome, trace: Option<&Value>, step: &Step, failures: &mut Vec<String>) {
        let Some(expectation) = &step.expect else {
            if outcome.exit != 0 {
                failures.push(format!("exit status {}, and no expectation allows it", outcome.exit));
            }
            return;
        };
        let word = |key: &str| trace.and_then(|t| t.get(key)).cloned().unwrap_or_default();
        let observed = Observed {
            exit: Some(outcome.exit),
            stdout: &outcome.stdout,
            stderr: &outcome.stderr,
            decision: serde_json::from_value::<Decision>(word("decision")).ok(),
            outcome: serde_json::from_value::<TraceOutcome>(word("outcome")).ok(),
            ..Observed::default()
        };
        failures.extend(expect::check(expectation, &observed));
    }

    /// An expectation about an object or a load, now or within a time.
    fn expect_fact(&mut self, expectation: &Expectation, within: Option<Duration>) -> Vec<String> {
        let deadline = self.sim.elapsed() + within.unwrap_or(Duration::ZERO);
        loop {
            let failures = self.look(expectation);
            if failures.is_empty() || self.sim.elapsed() >= deadline {
                return failures;
            }
            let seen = self.sim.revision();
            let left = deadline.since(self.sim.elapsed());
            // A load changes no object.
            let left = if expectation.traffic.is_some() { left.min(LOOK_EVERY) } else { left };
            if let Err(stopped) = self.sim.advance_until(left, &mut |world| world.revision() != seen) {
                return vec![stopped.why];
            }
        }
    }

    /// What is there, against the expectation.
    fn look(&mut self, expectation: &Expectation) -> Vec<String> {
        let traffic = match &expectation.traffic {
            Some(name) if self.sim.cluster().loads.get(name).is_none() => return vec![unknown(&self.sim, name)],
            Some(name) => self.requests(name, expectation.over.as_deref().copied()),
            None => None,
        };
        let text = expectation.object.is_some().then(|| self.object(expectation)).flatten();
        let object = text.as_ref().map(|text| ObservedObject { text });
        expect::check(expectation, &Observed { object, traffic, ..Observed::default() })
    }

    /// The requests of a load that ended within the last time, or all.
    fn requests(&self, name: &str, over: Option<Duration>) -> Option<Requests> {
        let load = self.sim.cluster().loads.get(name)?;
        let age = self.sim.elapsed().since(load.begun);
        let count = load.tally.timeline.since(over.map_or(Duration::ZERO, |over| age - over));
        Some(Requests { ended: count.all(), good: count.good })
    }

    /// The expectation's object as kubectl's jsonpath prints it; `None` if it is not stored.
    fn object(&mut self, expectation: &Expectation) -> Option<String> {
        let object = expectation.object.as_ref()?;
        let namespace = object.namespace.as_deref().unwrap_or("default");
        let output = expectation.path.as_ref().map_or("json".to_string(), |path| format!("jsonpath={path}"));
        let words = ["kubectl", "get", &object.kind, &object.name, "-n", namespace, "-o", &output]
            .map(|w| format!("'{}'", w.replace('\'', "'\\''")));
        let got = self.session.clone().run(&mut self.sim, &words.join(" "));
        (got.exit == 0).then_some(got.stdout)
    }
}

/// A `trace` step as it is typed.
fn trace_line(trace: &super::format::Trace) -> String {
    let node = trace.at_node.as_ref().map_or(String::new(), |n| format!(" --at-node {n}"));
    let protocol = serde_json::to_value(trace.protocol).ok().and_then(|v| v.as_str().map(str::to_string)).unwrap_or_default();
    format!("trace {} {} --protocol {protocol}{node}", trace.from, trace.to)
}

/// The lines of each file that holds a part of the input.
fn lines(input: &Input) -> BTreeMap<String, Lines> {
    // A file of thousands of documents has one table of lines.
    let files: BTreeSet<&String> = input.manifests.iter().map(|m| &m.file).chain([&input.file]).collect();
    files.into_iter().filter_map(|file| Some((file.clone(), Lines::of(input.sources.text(file)?)))).collect()
}

/// A line that applies `text` from standard input; the end mark is one that the text does not hold.
fn here_document(text: &str) -> String {
    let mut mark = "END_OF_MANIFEST".to_string();
    while text.lines().any(|line| line == mark) {
        mark.push('_');
    }
    format!("kubectl apply -f - <<'{mark}'\n{}\n{mark}", text.trim_end())
}
