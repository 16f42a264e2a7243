//! Running a script: the tree is walked, words are expanded, programs are called as [`Process`]es.
//!
//! Walking waits where a program waits, so everything here is `async`. The stages of a pipeline run one after the other, each on
//! the whole output of the one before. So a program that would be ended early by a closed pipe (`yes | head`) runs to its own
//! end or to the limits, which [`Machine::spend`] enforces. Every stage runs in a copy of the shell, as in dash.

use std::cell::RefCell;
use std::rc::Rc;

use super::ast::{AndOr, Command, Compound, Connector, Pipeline, Script, Simple, Word};
use super::builtins;
use super::jobs::Jobs;
use super::parse::all_parameters;
use super::state::Shell;
use crate::console::host::{Doing, FileError, Place};
use crate::console::machine::Machine;
use crate::console::process::{Depth, Process};
use crate::console::streams::Sink;

/// Deepest nesting of running scripts: function calls, substitutions, compound commands.
const DEPTH_MAX: usize = 60;

/// A limit was reached: everything that still runs ends. The machine knows which limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Halt;

/// Why the walk leaves the usual order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jump {
    /// `break N`
    Break(usize),
    /// `continue N`
    Continue(usize),
    /// `return`
    Return,
    /// `exit`, or `set -e` and a failure.
    Exit,
    /// An error that ends the command line but not an interactive shell.
    Abort,
    /// A limit was reached.
    Halt,
}

/// How a script ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// At its end, or by an error of the command line.
    Done,
    /// By `exit`: the shell is gone.
    Exited,
    /// By a limit.
    Halted,
}

/// The three streams of a command.
#[derive(Clone, Debug)]
pub(super) struct Io {
    /// Index of the input.
    pub stdin: usize,
    /// Standard output.
    pub out: Sink,
    /// Standard error.
    pub err: Sink,
}

/// A stream that is read from its start.
pub(super) struct Input {
    pub(super) text: Rc<str>,
    pub(super) at: usize,
}

/// Where a shell runs, and what it shares with those around it.
#[derive(Clone)]
pub struct Base {
    /// Files, programs, clock.
    pub machine: Machine,
    /// Where.
    pub place: Place,
    /// How deep in others it runs.
    pub depth: Depth,
    /// What it has running in the background.
    pub jobs: Rc<RefCell<Jobs>>,
}

impl Base {
    /// The base of a shell.
    pub fn new(machine: &Machine, place: &Place, depth: Depth, jobs: Rc<RefCell<Jobs>>) -> Base {
        Base { machine: machine.clone(), place: place.clone(), depth, jobs }
    }
}

/// What a script left.
#[derive(Debug)]
pub struct Done {
    /// The shell, with what the script changed in it.
    pub shell: Shell,
    /// Exit status.
    pub exit: i32,
    /// How it ended.
    pub ending: Ending,
}

/// One running script.
pub struct Interpreter {
    pub(super) base: Base,
    pub(super) shell: Shell,
    pub(super) inputs: Vec<Input>,
    /// Within a condition or before `&&`, where `set -e` does not act.
    tested: usize,
    /// Loops around the current command.
    pub(super) loops: usize,
    /// Status of the last command substitution.
    substituted: Option<i32>,
    line: usize,
    /// Standard error of the whole script.
    err: Sink,
}

/// Where the exit status of a job is written; a job that is dropped was terminated.
struct EndStatus(Rc<std::cell::Cell<Option<i32>>>);

impl Drop for EndStatus {
    fn drop(&mut self) {
        if self.0.get().is_none() {
            self.0.set(Some(super::jobs::TERMINATED));
        }
    }
}

/// What a loop does before each round.
enum Rounds<'s> {
    /// Asks its condition.
    While { until: bool, condition: &'s Script },
    /// Sets its variable to the next value.
    For { name: &'s str, values: std::vec::IntoIter<String> },
}

/// Runs a script in `shell`; it prints to `out` and `err`. The exit status is also left in the shell.
pub async fn run(base: &Base, shell: Shell, script: &Script, stdin: &str, (out, err): (Sink, Sink)) -> Done {
    let mut interpreter = Interpreter {
        base: base.clone(),
        shell,
        inputs: vec![Input { text: Rc::from(stdin), at: 0 }],
        tested: 0,
        loops: 0,
        substituted: None,
        line: 1,
        err: err.clone(),
    };
    let io = Io { stdin: 0, out, err };
    let ending = match interpreter.script(script, &io).await {
        Err(Jump::Exit) => Ending::Exited,
        Err(Jump::Halt) => Ending::Halted,
        Ok(()) | Err(_) => Ending::Done,
    };
    let stopped = base.machine.clock().stopped().map_or(124, |stopped| stopped.exit());
    let exit = if ending == Ending::Halted { stopped } else { interpreter.shell.status };
    Done { shell: interpreter.shell, exit, ending }
}

impl Interpreter {
    /// Runs the commands of a script in order.
    pub(super) fn script<'s>(&'s mut self, script: &'s Script, io: &'s Io) -> Doing<'s, Result<(), Jump>> {
        Box::pin(async move {
            if self.base.depth.scripts == DEPTH_MAX {
                return self.fail(io, &format!("kubewalk: sh: commands may nest {DEPTH_MAX} deep while they run"));
            }
            self.base.depth.scripts += 1;
            let mut result = Ok(());
            for item in &script.items {
                result = match &item.background {
                    Some(text) => self.start_job(item, text, io),
                    None => self.and_or(item, io).await,
                };
                if result.is_err() {
                    break;
                }
            }
            self.base.depth.scripts -= 1;
            result
        })
    }

    /// Starts an and-or list beside this shell, in a copy of it; its input is empty.
    fn start_job(&mut self, list: &AndOr, text: &str, io: &Io) -> Result<(), Jump> {
        self.spend(0)?;
        let script = Script { items: vec![AndOr { background: None, ..list.clone() }] };
        let base = Base { jobs: Rc::default(), ..self.base.clone() };
        let (shell, streams) = (self.shell.clone(), (io.out.clone(), io.err.clone()));
        let (jobs, ended) = (self.base.jobs.clone(), Rc::new(std::cell::Cell::new(None)));
        let status = EndStatus(ended.clone());
        let running = Box::pin(async move {
            let exit = run(&base, shell, &script, "", streams).await.exit;
            status.0.set(Some(exit));
        });
        let Some(task) = self.base.machine.clock().start(running) else {
            return self.fail(io, "kubewalk: sh: too many commands run in the background here; `wait` for some, or `kill` them");
        };
        self.shell.last_job = Some(jobs.borrow_mut().add(task, text, ended));
        self.shell.status = 0;
        Ok(())
    }

    async fn and_or(&mut self, list: &AndOr, io: &Io) -> Result<(), Jump> {
        let mut pipeline = &list.first;
        let mut rest = list.rest.iter();
        loop {
            let last = rest.len() == 0;
            self.tested += usize::from(!last);
            let result = self.pipeline(pipeline, io).await;
            self.tested -= usize::from(!last);
            result?;
            let failed = self.shell.status != 0;
            if last && failed && !pipeline.negate && self.tested == 0 && self.shell.options.errexit {
                return Err(Jump::Exit);
            }
            let follows = |connector: &Connector| (*connector == Connector::Or) == failed;
            match rest.find(|(connector, _)| follows(connector)) {
                Some((_, next)) => pipeline = next,
                None => return Ok(()),
            }
        }
    }

    async fn pipeline(&mut self, pipeline: &Pipeline, io: &Io) -> Result<(), Jump> {
        self.tested += usize::from(pipeline.negate);
        let result = match pipeline.commands.as_slice() {
            [command] => self.command(command, io).await,
            stages => self.stages(stages, io).await,
        };
        self.tested -= usize::from(pipeline.negate);
        result?;
        if pipeline.negate {
            self.shell.status = i32::from(self.shell.status == 0);
        }
        Ok(())
    }

    async fn stages(&mut self, stages: &[Command], io: &Io) -> Result<(), Jump> {
        let inputs = self.inputs.len();
        let mut stdin = io.stdin;
        let mut failed = 0;
        for (i, stage) in stages.iter().enumerate() {
            let last = i + 1 == stages.len();
            let (buffer, to_buffer) = Sink::buffer();
            let out = if last { io.out.clone() } else { to_buffer };
            let outer = self.enter_subshell();
            let result = self.command(stage, &Io { stdin, out, err: io.err.clone() }).await;
            self.leave_subshell(outer, result)?;
            let text = buffer.take();
            if self.shell.status != 0 {
                failed = self.shell.status;
            }
            self.inputs.truncate(inputs);
            stdin = inputs;
            self.inputs.push(Input { text: Rc::from(text), at: 0 });
        }
        self.inputs.truncate(inputs);
        if self.shell.options.pipefail {
            self.shell.status = failed;
        }
        Ok(())
    }

    /// What follows runs in a copy of the shell.
    fn enter_subshell(&mut self) -> (Shell, usize, Rc<RefCell<Jobs>>) {
        (self.shell.clone(), std::mem::take(&mut self.loops), std::mem::take(&mut self.base.jobs))
    }

    /// Of the copy only the exit status is kept.
    fn leave_subshell(&mut self, outer: (Shell, usize, Rc<RefCell<Jobs>>), result: Result<(), Jump>) -> Result<(), Jump> {
        let status = self.shell.status;
        (self.shell, self.loops, self.base.jobs) = outer;
        self.shell.status = status;
        match result {
            Err(Jump::Halt) => Err(Jump::Halt),
            _ => Ok(()),
        }
    }

    /// The output of a script, without the newlines at its end.
    pub(super) async fn substitute(&mut self, script: &Script, io: &Io) -> Result<String, Jump> {
        let (buffer, out) = Sink::buffer();
        let inner = Io { out, ..io.clone() };
        let before = self.shell.status;
        let outer = self.enter_subshell();
        let result = self.script(script, &inner).await;
        let result = self.leave_subshell(outer, result);
        let mut text = buffer.take();
        self.substituted = Some(std::mem::replace(&mut self.shell.status, before));
        result?;
        text.truncate(text.trim_end_matches('\n').len());
        Ok(text)
    }

    fn command<'s>(&'s mut self, command: &'s Command, io: &'s Io) -> Doing<'s, Result<(), Jump>> {
        Box::pin(async move {
            match command {
                Command::Simple(simple) => self.simple(simple, io).await,
                Command::Function(name, body) => {
                    self.shell.functions.insert(name.clone(), body.clone());
                    self.shell.status = 0;
                    Ok(())
                }
                Command::Compound(compound, redirects) => {
                    let inputs = self.inputs.len();
                    let result = match self.redirected(redirects, io).await? {
                        Some(io) => self.compound(compound, &io).await,
                        None => Ok(()),
                    };
                    self.inputs.truncate(inputs);
                    result
                }
            }
        })
    }

    async fn compound(&mut self, compound: &Compound, io: &Io) -> Result<(), Jump> {
        match compound {
            Compound::Group(script) => self.script(script, io).await,
            Compound::Subshell(script) => {
                let outer = self.enter_subshell();
                let result = self.script(script, io).await;
                self.leave_subshell(outer, result)
            }
            Compound::If(arms, otherwise) => {
                for (condition, body) in arms {
                    if self.condition(condition, io).await? {
                        return self.script(body, io).await;
                    }
                }
                self.shell.status = 0;
                match otherwise {
                    Some(body) => self.script(body, io).await,
                    None => Ok(()),
                }
            }
            Compound::Loop { until, condition, body } => self.looping(Rounds::While { until: *until, condition }, body, io).await,
            Compound::For { name, words, body } => {
                let all = [all_parameters()];
                let values = self.fields(words.as_deref().unwrap_or(&all), io).await?.into_iter();
                self.looping(Rounds::For { name, values }, body, io).await
            }
            Compound::Case(subject, arms) => self.case(subject, arms, io).await,
        }
    }

    async fn condition(&mut self, condition: &Script, io: &Io) -> Result<bool, Jump> {
        self.tested += 1;
        let result = self.script(condition, io).await;
        self.tested -= 1;
        result.map(|()| self.shell.status == 0)
    }

    /// Whether another round begins.
    async fn next_round(&mut self, rounds: &mut Rounds<'_>, io: &Io) -> Result<bool, Jump> {
        self.spend(0)?;
        match rounds {
            Rounds::While { until, condition } => Ok(self.condition(condition, io).await? != *until),
            Rounds::For { name, values } => {
                let value = values.next();
                value.iter().for_each(|value| self.shell.set(name, value));
                Ok(value.is_some())
            }
        }
    }

    /// Runs the body in each round.
    async fn looping(&mut self, mut rounds: Rounds<'_>, body: &Script, io: &Io) -> Result<(), Jump> {
        self.loops += 1;
        let mut status = 0;
        let result = loop {
            let round = match self.next_round(&mut rounds, io).await {
                Ok(true) => self.script(body, io).await,
                Ok(false) => break Ok(()),
                Err(jump) => Err(jump),
            };
            status = self.shell.status;
            match round {
                Ok(()) | Err(Jump::Continue(1)) => {}
                Err(Jump::Break(1)) => break Ok(()),
                Err(Jump::Break(n)) => break Err(Jump::Break(n - 1)),
                Err(Jump::Continue(n)) => break Err(Jump::Continue(n - 1)),
                Err(jump) => break Err(jump),
            }
        };
        self.loops -= 1;
        if result.is_ok() {
            self.shell.status = status;
        }
        result
    }

    async fn case(&mut self, subject: &Word, arms: &[(Vec<Word>, Script)], io: &Io) -> Result<(), Jump> {
        let subject = self.text(subject, io).await?;
        self.shell.status = 0;
        for (patterns, body) in arms {
            for pattern in patterns {
                let pattern = self.pattern(pattern, io).await?;
                self.spend(pattern.cost(subject.len()) / 8)?;
                if pattern.matches(&subject) {
                    return self.script(body, io).await;
                }
            }
        }
        Ok(())
    }

    async fn simple(&mut self, simple: &Simple, io: &Io) -> Result<(), Jump> {
        self.spend(0)?;
        self.line = simple.line;
        self.substituted = None;
        let inputs = self.inputs.len();
        let argv = self.fields(&simple.words, io).await?;
        let result = match self.redirected(&simple.redirects, io).await? {
            Some(io) => self.assigned(simple, &argv, &io).await,
            None => Ok(()),
        };
        self.inputs.truncate(inputs);
        result
    }

    async fn assigned(&mut self, simple: &Simple, argv: &[String], io: &Io) -> Result<(), Jump> {
        let before = (!simple.assignments.is_empty() && !argv.is_empty()).then(|| self.shell.clone());
        for (name, word) in &simple.assignments {
            let value = self.text(word, io).await?;
            self.trace(io, || format!("{name}={value}"));
            self.shell.set(name, &value);
            if before.is_some() {
                self.shell.export(name);
            }
        }
        let Some(name) = argv.first() else {
            self.shell.status = self.substituted.take().unwrap_or(0);
            return Ok(());
        };
        self.trace(io, || argv.join(" "));
        let result = self.invoke(name, argv, io).await;
        if let Some(before) = before.filter(|_| !builtins::is_special(name)) {
            simple.assignments.iter().for_each(|(name, _)| self.shell.restore(name, &before));
        }
        result
    }

    fn trace(&mut self, io: &Io, line: impl FnOnce() -> String) {
        if self.shell.options.xtrace {
            let line = format!("+ {}\n", line());
            // The limits act at the next command.
            let _ = self.emit(&io.err, &line);
        }
    }

    /// Calls a function, a builtin or a program.
    pub(super) fn invoke<'s>(&'s mut self, name: &'s str, argv: &'s [String], io: &'s Io) -> Doing<'s, Result<(), Jump>> {
        Box::pin(async move {
            if let Some(body) = self.shell.functions.get(name).cloned() {
                return self.function(&body, argv, io).await;
            }
            if let Some(builtin) = builtins::find(name).filter(|_| !builtins::is_older_advance(argv)) {
                self.shell.status = builtin.run(self, argv, io).await?;
                return Ok(());
            }
            let stdin = self.remaining(io);
            let streams = (io.out.clone(), io.err.clone());
            let mut process = Process::of_shell(&self.base, &self.shell, streams, self.base.depth.scripts);
            let outcome = process.program(argv, &stdin).await;
            self.shell.status = outcome.exit;
            // What the program said before it ran into a limit is kept; the limit then ends the script as well.
            process.finish(&outcome);
            self.spend(outcome.stdout.len() + outcome.stderr.len())
        })
    }

    async fn function(&mut self, body: &Command, argv: &[String], io: &Io) -> Result<(), Jump> {
        if self.base.depth.scripts == DEPTH_MAX {
            return self.fail(io, &format!("kubewalk: sh: functions may nest {DEPTH_MAX} deep while they run"));
        }
        let positional = std::mem::replace(&mut self.shell.positional, argv[1..].to_vec());
        let loops = std::mem::take(&mut self.loops);
        self.base.depth.scripts += 1;
        let result = self.command(body, io).await;
        self.base.depth.scripts -= 1;
        self.loops = loops;
        self.shell.positional = positional;
        match result {
            Err(Jump::Return) => Ok(()),
            other => other,
        }
    }

    /// Writes to a stream. A file that cannot be written is complained about where the shell itself complains.
    pub(super) fn emit(&mut self, sink: &Sink, text: &str) -> Result<(), Jump> {
        if let (Err(FileError(why)), Sink::File { path, .. }) = (self.base.machine.print(sink, text), sink) {
            let line = format!("kubewalk: sh: {path}: {why}\n");
            // Nobody is left to be told if this one fails, too.
            let _ = self.base.machine.print(&self.err, &line);
            self.shell.status = 2;
        }
        self.spend(text.len())
    }

    pub(super) fn spend(&mut self, bytes: usize) -> Result<(), Jump> {
        self.base.machine.spend(bytes).map_err(|Halt| Jump::Halt)
    }

    /// A line in the name of the shell; messages of the sandbox bear its own name.
    pub(super) fn said(&self, message: &str) -> String {
        if message.starts_with("kubewalk: ") { format!("{message}\n") } else { format!("sh: {}: {message}\n", self.line) }
    }

    /// An error that ends the command line.
    pub(super) fn fail<T>(&mut self, io: &Io, message: &str) -> Result<T, Jump> {
        let line = self.said(message);
        self.emit(&io.err, &line)?;
        self.shell.status = 2;
        Err(Jump::Abort)
    }
}
