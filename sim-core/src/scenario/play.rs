//! Playing a scenario: its steps one by one, on one simulation, through one console session.
//!
//! A step is what a person would do next: say something, apply a manifest, type a line, wait. Each leaves a [`Played`] value with
//! what was shown and which expectations did not hold; [`crate::render::transcript`] writes it down.

use std::cell::{Ref, RefMut};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::condition::Condition;
use super::expect::{self, Observed, ObservedObject, Requests};
use super::format::{Action, Apply, Expectation, Step};
use super::load::Input;
use super::notation::DocRef;
use super::traffic;
use crate::api::kinds;
use crate::ask::target::TraceTarget;
use crate::ask::trace::{TraceAnswer, TraceQuestion};
use crate::ask::{self, Answer, Question};
use crate::console::all_programs;
use crate::console::files::HostFiles;
use crate::console::host::{Outcome, Place, Stopped, World};
use crate::console::kubectl::printed;
use crate::console::session::{Fed, LineResult, Session, Snapshot};
use crate::console::simulator::traffic::{self as loads, unknown};
use crate::console::written::{Lines, origin};
use crate::engine::queue::Ties;
use crate::engine::random::{Draws, Seed};
use crate::engine::run::Position;
use crate::engine::time::{Duration, Instant};
use crate::lab::Lab;
use crate::lab::command::{Command, Output};
use crate::lab::simulation::Simulation;
use crate::lab::until::{self, Waited};
use crate::objects::KindName;
use crate::objects::time::Timestamp;
use crate::render;

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
pub struct Player {
    input: Arc<Input>,
    /// The world.
    lab: Lab,
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
    session: Snapshot,
    next: usize,
    before: Instant,
}

/// What one step did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Played {
    /// Its number, from 1.
    pub number: usize,
    /// File and line where it is written, or where the manifest is that it applies.
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
        let lab = Lab::new(cluster, seed, ties);
        let session = Session::new(lab.tasks().clone(), all_programs(), options.host_files.clone());
        let lines = Arc::new(lines(&input));
        let mut player = Player { input, lab, session, next: 0, before: Instant::START, lines };
        player.quote_objects();
        Ok(player)
    }

    /// The world, to look at.
    pub fn sim(&self) -> Ref<'_, Simulation> {
        self.lab.sim()
    }

    /// The world, to act on. It must be given back before time moves.
    pub fn sim_mut(&self) -> RefMut<'_, Simulation> {
        self.lab.sim_mut()
    }

    /// The laboratory.
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// Another player that stands where this one does. What runs in the background stays with this one.
    pub fn fork(&self) -> Player {
        let lab = self.lab.fork();
        let session = self.session.fork(lab.tasks().clone());
        let (input, lines) = (self.input.clone(), self.lines.clone());
        Player { input, lab, session, next: self.next, before: self.before, lines }
    }

    /// The scenario with its documents.
    pub fn input(&self) -> &Input {
        &self.input
    }

    /// Where the player stands, to come back to.
    pub fn mark(&self) -> Mark {
        Mark { position: self.sim().position(), session: self.session.snapshot(), next: self.next, before: self.before }
    }

    /// Goes back to a mark: the world is sought there, the console is as it was.
    pub fn rewind_to(&mut self, mark: &Mark) -> Result<(), String> {
        self.session.restore(&mark.session);
        self.lab.sim_mut().begin_command();
        self.lab.sim_mut().seek_position(mark.position).map_err(|stopped| stopped.why)?;
        (self.next, self.before) = (mark.next, mark.before);
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
        self.lab.sim_mut().begin_command();
        let mut failures = Vec::new();
        if let Err(why) = self.pass_time(step) {
            failures.push(why);
        }
        self.before = self.elapsed();
        let mut trace = None;
        let (title, outcome) = self.act(step, &mut trace, &mut failures);
        let (number, place, verb) = (self.next, self.place(self.next - 1), step.action().name());
        let (elapsed, at) = (self.elapsed(), self.sim().now());
        Some(Played {
            number,
            place,
            verb,
            title,
            outcome,
            elapsed,
            at,
            trace: trace.map(|answer| render::trace::json(&answer)),
            failures,
        })
    }

    /// Where a step is written.
    fn place(&self, index: usize) -> Option<(String, u32)> {
        let (file, range) = self.input.step_place(index)?;
        Some((file.to_string(), self.lines.get(file)?.line(range.start)))
    }

    /// Lets time pass until the step is due.
    fn pass_time(&mut self, step: &Step) -> Result<(), String> {
        let due = match (&step.after, &step.at) {
            (Some(after), _) => self.before + **after,
            (None, Some(at)) => Instant::START + **at,
            (None, None) => return Ok(()),
        };
        if due < self.elapsed() {
            return Err(format!("the step was due {} after the start, which is past", due.since(Instant::START)));
        }
        self.lab.tasks().advance_to(due).map_err(|stopped| stopped.why)
    }

    fn act(&mut self, step: &Step, told: &mut Option<TraceAnswer>, failures: &mut Vec<String>) -> (String, Outcome) {
        let within = step.within.as_deref().copied();
        match step.action() {
            Action::Say(text) => (text.trim_end().to_string(), Outcome::default()),
            Action::Apply(apply) => self.apply(apply, step, failures),
            Action::Run(line) => self.line(line, step, failures),
            Action::Fail(target) => self.fault("fail", target, step, failures),
            Action::Heal(target) => self.fault("heal", target, step, failures),
            Action::Trace(trace) => self.trace(trace, told, step, failures),
            Action::Wait(time) => {
                let stopped = self.lab.tasks().advance_to(self.elapsed() + time).err();
                failures.extend(stopped.map(|s| s.why));
                (time.to_string(), Outcome::default())
            }
            Action::Until(condition) => {
                failures.extend(self.wait_for(condition, within.unwrap_or(PATIENCE)));
                (step.until.as_ref().map(|c| c.text().to_string()).unwrap_or_default(), Outcome::default())
            }
            Action::Expect(expectation) => {
                failures.extend(self.expect_fact(expectation, within));
                (expect::title(expectation), Outcome::default())
            }
            Action::Traffic(load) => {
                let outcome = loads::start(&mut self.lab.sim_mut(), load).map_or_else(|refusal| refusal, Outcome::out);
                self.judge(&outcome, None, step, failures);
                (traffic::line(load), outcome)
            }
        }
    }

    fn elapsed(&self) -> Instant {
        self.sim().elapsed()
    }

    /// Lets time pass until a condition holds; why it does not.
    fn wait_for(&self, condition: &Condition, patience: Duration) -> Option<String> {
        let (clock, condition) = (self.lab.tasks().clock().clone(), condition.clone());
        let waited = self.lab.tasks().block_on(async move { until::wait_for(&clock, &condition, patience).await });
        match waited {
            Ok(Ok(Waited::Held)) => None,
            Ok(Ok(Waited::Not(why))) => Some(format!("not within {patience}: {why}")),
            Ok(Err(until::Failed::Condition(why))) => Some(why),
            Ok(Err(until::Failed::Stopped(Stopped { why, .. }))) | Err(Stopped { why, .. }) => Some(why),
        }
    }

    /// Breaks or mends something, with its expectations.
    fn fault(&mut self, verb: &str, target: &str, step: &Step, failures: &mut Vec<String>) -> (String, Outcome) {
        let words: Vec<String> = [verb].into_iter().chain(target.split_whitespace()).map(str::to_string).collect();
        let outcome = self.session.call(words, String::new());
        self.judge(&outcome, None, step, failures);
        (format!("{verb} {target}"), outcome)
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
            return self.session.run(text.trim_end());
        }
        let mut outcome = Outcome::default();
        for line in text.trim_end().lines() {
            if let Fed::Ran(result) = self.session.feed(line) {
                let LineResult { outcome: one, .. } = result;
                outcome = Outcome { stdout: outcome.stdout + &one.stdout, stderr: outcome.stderr + &one.stderr, exit: one.exit };
            }
        }
        outcome
    }

    /// Asks where a connection goes; the answer is left in `told`.
    fn trace(
        &mut self,
        trace: &super::format::Trace,
        told: &mut Option<TraceAnswer>,
        step: &Step,
        failures: &mut Vec<String>,
    ) -> (String, Outcome) {
        let output = question(trace).map(|question| self.lab.run(Command::Ask(Box::new(Question::Trace(question)))));
        let refused = |why: String| Outcome::err(2, format!("kubewalk: trace: {why}"));
        let outcome = match output {
            Ok(Output::Answer(answer)) => {
                let text = render::answer::text(&answer);
                *told = if let Answer::Trace(answer) = *answer { Some(*answer) } else { None };
                Outcome::out(text)
            }
            Ok(output) => render::lab::text(&output).map_or_else(refused, Outcome::out),
            Err(why) => refused(why),
        };
        self.judge(&outcome, told.as_ref(), step, failures);
        (title(trace), outcome)
    }

    /// `kubectl apply -f -` of a document, a file, or the text itself.
    fn apply(&mut self, apply: &Apply, step: &Step, failures: &mut Vec<String>) -> (String, Outcome) {
        let (shown, file, text) = match apply {
            Apply::Inline(text) => ("-", "-", text.clone()),
            Apply::From(from) => match (&from.doc, &from.file) {
                (Some(reference), _) => {
                    let text = self.input.document(reference).map(|m| m.to_yaml()).unwrap_or_default();
                    (reference.text(), "-", text)
                }
                (None, Some(file)) => (file.as_str(), file.as_str(), String::new()),
                (None, None) => ("", "", String::new()),
            },
        };
        let title = format!("kubectl apply -f {shown}");
        let words = ["kubectl", "apply", "-f", file].map(str::to_string).to_vec();
        let outcome = self.session.call(words, text);
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
        self.lab.sim_mut().written(manifest.kind(), manifest.namespace().unwrap_or("default"), manifest.name(), origin);
    }

    /// The same for the objects that were there from the start.
    fn quote_objects(&mut self) {
        let input = self.input.clone();
        let Some(lines) = self.lines.get(&input.file).cloned() else { return };
        for (index, object) in input.scenario.spec.objects.iter().enumerate() {
            let Some(spans) = input.object_spans(index) else { continue };
            let text = |pointer: &str| object.0.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let origin = origin(&input.file, &lines, &object.0, spans);
            self.lab.sim_mut().written(text("/kind"), text("/metadata/namespace"), text("/metadata/name"), origin);
        }
    }

    /// A program's outcome against the step's expectation. Without one, a failing exit is a failure.
    fn judge(&self, outcome: &Outcome, trace: Option<&TraceAnswer>, step: &Step, failures: &mut Vec<String>) {
        let Some(expectation) = &step.expect else {
            if outcome.exit != 0 {
                failures.push(format!("exit status {}, and no expectation allows it", outcome.exit));
            }
            return;
        };
        let observed = Observed {
            exit: Some(outcome.exit),
            stdout: &outcome.stdout,
            stderr: &outcome.stderr,
            decision: trace.map(|answer| answer.trace.decision.into()),
            outcome: trace.map(|answer| answer.trace.outcome.into()),
            ..Observed::default()
        };
        failures.extend(expect::check(expectation, &observed));
    }

    /// An expectation about an object or a load, now or within a time.
    fn expect_fact(&mut self, expectation: &Expectation, within: Option<Duration>) -> Vec<String> {
        let deadline = self.elapsed() + within.unwrap_or(Duration::ZERO);
        loop {
            let failures = self.look(expectation);
            let now = self.elapsed();
            if failures.is_empty() || now >= deadline {
                return failures;
            }
            // A load changes no object.
            let is_load = expectation.traffic.is_some();
            let clock = self.lab.tasks().clock().clone();
            let until = if is_load { deadline.min(now + LOOK_EVERY) } else { deadline };
            let changed = self.lab.tasks().block_on(async move { clock.change(until).await });
            if let Err(stopped) | Ok(Err(stopped)) = changed {
                return vec![stopped.why];
            }
        }
    }

    /// What is there, against the expectation.
    fn look(&mut self, expectation: &Expectation) -> Vec<String> {
        let traffic = match &expectation.traffic {
            Some(name) if self.sim().cluster().loads.get(name).is_none() => return vec![unknown(&self.sim(), name)],
            Some(name) => self.requests(name, expectation.over.as_deref().copied()),
            None => None,
        };
        let text = expectation.object.is_some().then(|| self.object(expectation)).flatten();
        let object = text.as_ref().map(|text| ObservedObject { text });
        expect::check(expectation, &Observed { object, traffic, ..Observed::default() })
    }

    /// The requests of a load that ended within the last time, or all.
    fn requests(&self, name: &str, over: Option<Duration>) -> Option<Requests> {
        let sim = self.sim();
        let load = sim.cluster().loads.get(name)?;
        let age = sim.elapsed().since(load.begun);
        let count = load.tally.timeline.since(over.map_or(Duration::ZERO, |over| age - over));
        Some(Requests { ended: count.all(), good: count.good })
    }

    /// The expectation's object, or a part of it, as kubectl prints it; `None` if it is not stored. Looking takes no time.
    fn object(&self, expectation: &Expectation) -> Option<String> {
        let wanted = expectation.object.as_ref()?;
        let row = kinds::find(&wanted.kind)?;
        let namespace = if row.namespaced { wanted.namespace.as_deref().unwrap_or("default") } else { "" };
        let kind = KindName { group: row.group.into(), kind: row.kind.into() };
        let (_, object) = self.sim().cluster().store.head().find(&kind, namespace, &wanted.name)?;
        printed(&object.encode(), expectation.path.as_deref())
    }
}

/// A `trace` step as a question.
fn question(trace: &super::format::Trace) -> Result<TraceQuestion, String> {
    let bad_source = |why| render::unanswerable::bad_source(trace.from.text(), why);
    let from = ask::source::parse(trace.from.text(), trace.at_node.as_deref()).map_err(bad_source)?;
    let bad_target = |why| {
        let (wrong, right) = render::unanswerable::bad_target(&trace.to, &why);
        format!("{wrong}; {right}")
    };
    let to = TraceTarget::parse(&trace.to).map_err(bad_target)?;
    Ok(TraceQuestion { from, to, protocol: super::build::protocol(trace.protocol), client_port: None })
}

/// A `trace` step as the command that asks the same.
fn title(trace: &super::format::Trace) -> String {
    let protocol = serde_json::to_value(trace.protocol).ok().and_then(|v| v.as_str().map(str::to_string)).unwrap_or_default();
    let node = trace.at_node.as_ref().map_or(String::new(), |node| format!(" --at-node {node}"));
    format!("trace {} {} --protocol {protocol}{node}", trace.from.text(), trace.to)
}

/// The lines of each file that holds a part of the input.
fn lines(input: &Input) -> BTreeMap<String, Lines> {
    // A file of thousands of documents has one table of lines.
    let files: BTreeSet<&String> = input.manifests.iter().map(|m| &m.file).chain([&input.file]).collect();
    files.into_iter().filter_map(|file| Some((file.clone(), Lines::of(input.sources.text(file)?)))).collect()
}
