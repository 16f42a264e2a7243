//! A console session: what lasts from one input line to the next.
//!
//! That is the shells one inside the other (outside, then perhaps a container, then a node), each with its variables, working
//! directory and jobs; the files of each place; and the text of a command that is not complete yet. A line runs as a task of the
//! world: [`Session::begin`] starts it and [`Session::go`] lets the world live until it ends or a moment has come, so that it can
//! be watched on the way; [`Session::feed`] and [`Session::run`] go to its end at once. [`Snapshot`] is what a walkthrough keeps
//! per step.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::catalogue::Catalogue;
use super::files::HostFiles;
use super::host::{Host, Outcome, Place, Stopped};
use super::machine::{AllFiles, Machine, Opened};
use super::process::{Depth, Process};
use super::shell::ast::Script;
use super::shell::eval::{Base, Done, Ending, run};
use super::shell::jobs::Jobs;
use super::shell::looks::{looks, words_look};
use super::shell::state::Shell;
use super::shell::{Parsed, parse};
use super::streams::{Chunk, Sink, Terminal, joined};
use crate::engine::time::Instant;
use crate::lab::tasks::{TaskId, Tasks};

/// Most bytes of one command that are read again because each line might complete it.
const READ_AGAIN_BYTES_MAX: usize = 32 << 20;
/// Most shells inside each other.
const NESTS_MAX: usize = 16;

/// What a line came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fed {
    /// A blank line or a comment: nothing was run and nothing is shown.
    Nothing,
    /// The command goes on: more lines are needed.
    NeedsMore,
    /// A complete command was run.
    Ran(LineResult),
}

/// What became of a line at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// A blank line or a comment.
    Nothing,
    /// The command goes on: more lines are needed.
    NeedsMore,
    /// The command is under way.
    Running,
    /// It came to nothing that takes time: it was refused.
    Ran(LineResult),
}

/// A complete command and what it left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineResult {
    /// Its whole text, without the last newline.
    pub command: String,
    /// Output and exit status.
    pub outcome: Outcome,
    /// The same output, each piece with its moment; what opening or leaving a shell printed is not in it.
    pub chunks: Vec<Chunk>,
}

/// A shell of the session.
#[derive(Clone, Debug)]
struct Nest {
    place: Place,
    shell: Shell,
    goodbye: Option<Vec<String>>,
    jobs: Rc<RefCell<Jobs>>,
}

/// A command whose end has not come yet.
#[derive(Clone, Debug, Default)]
struct Pending {
    text: String,
    /// What a line must contain so that reading again makes sense.
    needs: String,
    /// How much has been read in vain.
    read_again: usize,
}

/// A line under way.
struct Line {
    command: String,
    task: TaskId,
    /// Filled in when it has ended.
    done: Rc<RefCell<Option<Done>>>,
}

/// A session as it was between two lines. What ran in the background is not part of it.
#[derive(Clone)]
pub struct Snapshot {
    files: AllFiles,
    nests: Vec<Nest>,
    pending: Option<Pending>,
    ended: bool,
    status: i32,
}

/// A console session.
pub struct Session {
    tasks: Tasks,
    machine: Machine,
    catalogue: Arc<Catalogue>,
    host_files: Option<Arc<dyn HostFiles>>,
    terminal: Rc<RefCell<Terminal>>,
    /// Empty before the first command, and after the outermost shell was left.
    nests: Vec<Nest>,
    pending: Option<Pending>,
    line: Option<Line>,
    ended: bool,
    status: i32,
}

impl Session {
    /// A session in the world of those tasks, with these programs; `host_files` are what the user's own machine shows of its
    /// files.
    pub fn new(tasks: Tasks, catalogue: Catalogue, host_files: Option<Arc<dyn HostFiles>>) -> Session {
        let catalogue = Arc::new(catalogue);
        let machine = Machine::new(tasks.clock().clone(), catalogue.clone(), host_files.clone(), AllFiles::new());
        Session {
            tasks,
            machine,
            catalogue,
            host_files,
            terminal: Rc::default(),
            nests: Vec::new(),
            pending: None,
            line: None,
            ended: false,
            status: 0,
        }
    }

    /// The session as it is, to come back to.
    pub fn snapshot(&self) -> Snapshot {
        let mut nests = self.nests.clone();
        nests.iter_mut().for_each(|nest| nest.jobs = Rc::default());
        let (pending, ended, status) = (self.pending.clone(), self.ended, self.status);
        Snapshot { files: self.machine.all_files(), nests, pending, ended, status }
    }

    /// A session in another world that stands where this one does. What runs stays here.
    pub fn fork(&self, tasks: Tasks) -> Session {
        let mut fork = Session::new(tasks, (*self.catalogue).clone(), self.host_files.clone());
        fork.restore(&self.snapshot());
        fork
    }

    /// Makes the session what it was. Whatever ran is ended.
    pub fn restore(&mut self, snapshot: &Snapshot) {
        self.tasks.clear();
        self.line = None;
        self.terminal.take();
        let Snapshot { files, nests, pending, ended, status } = snapshot.clone();
        (self.nests, self.pending, self.ended, self.status) = (nests, pending, ended, status);
        let clock = self.tasks.clock().clone();
        self.machine = Machine::new(clock, self.catalogue.clone(), self.host_files.clone(), files);
    }

    /// From now on these are the user's own files.
    pub fn reads(&mut self, host_files: Option<Arc<dyn HostFiles>>) {
        self.host_files = host_files.clone();
        let (clock, files) = (self.tasks.clock().clone(), self.machine.all_files());
        self.machine = Machine::new(clock, self.catalogue.clone(), host_files, files);
    }

    /// Gives the session one line of input, without its newline, and runs the command to its end if it is complete.
    pub fn feed(&mut self, line: &str) -> Fed {
        match self.begin(line) {
            Begun::Nothing => Fed::Nothing,
            Begun::NeedsMore => Fed::NeedsMore,
            Begun::Ran(result) => Fed::Ran(result),
            Begun::Running => Fed::Ran(self.finish_line()),
        }
    }

    /// Gives the session one line of input, without its newline, and starts the command if it is complete.
    pub fn begin(&mut self, line: &str) -> Begun {
        let mut pending = match self.pending.take() {
            None if blank(line) => return Begun::Nothing,
            None => Pending::default(),
            Some(pending) => pending,
        };
        let hopeful = line.contains(&pending.needs);
        pending.text.push_str(line);
        pending.text.push('\n');
        let too_long = pending.text.len() > super::shell::SCRIPT_BYTES_MAX;
        if !hopeful && !too_long {
            self.pending = Some(pending);
            return Begun::NeedsMore;
        }
        match parse(&pending.text, pending.read_again >= READ_AGAIN_BYTES_MAX) {
            Parsed::Complete(script) => self.start(&pending.text, script),
            Parsed::Incomplete { needs, .. } => {
                self.pending = Some(Pending { needs, read_again: pending.read_again + pending.text.len(), ..pending });
                Begun::NeedsMore
            }
            Parsed::Error(error) => Begun::Ran(self.refused(&pending.text, &error.to_string())),
        }
    }

    /// The end of the input: an unfinished command is run if it can be, else refused; then nested shells are left, innermost
    /// first, with their goodbyes. One result for each thing that was done. What runs in the background ends.
    pub fn finish(&mut self) -> Vec<LineResult> {
        let mut results = Vec::new();
        if let Some(pending) = self.pending.take() {
            let begun = match parse(&pending.text, true) {
                Parsed::Complete(script) => self.start(&pending.text, script),
                Parsed::Incomplete { error, .. } | Parsed::Error(error) => {
                    Begun::Ran(self.refused(&pending.text, &error.to_string()))
                }
            };
            match begun {
                Begun::Ran(result) => results.push(result),
                Begun::Running => results.push(self.finish_line()),
                Begun::Nothing | Begun::NeedsMore => {}
            }
        }
        while self.nests.len() > 1 {
            let mut outcome = Outcome { exit: self.status, ..Outcome::default() };
            let spoke = self.leave(&mut outcome);
            if spoke {
                results.push(LineResult { command: "exit".to_string(), outcome, chunks: Vec::new() });
            }
        }
        self.tasks.clear();
        results
    }

    /// Runs a text that is known to be whole (a scenario's `run:`, `sh -c`), of one line or more.
    pub fn run(&mut self, text: &str) -> Outcome {
        match parse(text, true) {
            Parsed::Complete(script) => match self.start(text, script) {
                Begun::Ran(result) => result.outcome,
                Begun::Running => self.finish_line().outcome,
                Begun::Nothing | Begun::NeedsMore => Outcome::default(),
            },
            Parsed::Incomplete { error, .. } | Parsed::Error(error) => self.refuse(&error.to_string()),
        }
    }

    /// Runs one program on the user's own machine, whatever shell is open: its words and its input are what they are, and no
    /// shell reads them.
    pub fn call(&mut self, argv: Vec<String>, stdin: String) -> Outcome {
        self.begin_command();
        if self.nests.is_empty() {
            self.prepare();
        }
        if !words_look(&argv.iter().map(String::as_str).collect::<Vec<_>>()) {
            self.machine.clock().borrow().about_to_act();
        }
        let Some(outer) = self.nests.first() else { return Outcome::default() };
        let (base, shell) = (Base::new(&self.machine, &outer.place, Depth::default(), outer.jobs.clone()), outer.shell.clone());
        let (out, err) = (self.stream(false), self.stream(true));
        let ran = self.tasks.block_on(async move {
            let mut process = Process::of_shell(&base, &shell, (out, err), 0);
            let outcome = process.program(&argv, &stdin).await;
            process.finish(&outcome);
            outcome.exit
        });
        let exit = ran.unwrap_or_else(|stopped| self.say_stopped(&stopped));
        self.machine.take_opened();
        let chunks = self.terminal.borrow_mut().take();
        Outcome { stdout: joined(&chunks, false), stderr: joined(&chunks, true), exit }
    }

    /// Lets the world live until the line under way has ended, or until that moment.
    pub fn go(&mut self, until: Instant) -> Option<LineResult> {
        let task = self.line.as_ref()?.task;
        let stopped = match self.tasks.drive(task, until) {
            Ok(false) => return None,
            Ok(true) => None,
            Err(stopped) => Some(stopped),
        };
        let line = self.line.take()?;
        Some(self.ended_line(line, stopped))
    }

    /// What the line under way has printed so far.
    pub fn printed(&self) -> Vec<Chunk> {
        self.terminal.borrow().chunks().to_vec()
    }

    /// Whether a line is under way.
    pub fn is_running(&self) -> bool {
        self.line.is_some()
    }

    /// How many commands run in the background.
    pub fn jobs(&self) -> usize {
        self.nests.iter().map(|nest| nest.jobs.borrow().running()).sum()
    }

    /// The tasks of the session's world.
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Where the next line runs.
    pub fn place(&self) -> Place {
        self.nests.last().map_or(Place::Outside, |nest| nest.place.clone())
    }

    /// What a terminal shows before the next line.
    pub fn prompt(&self) -> String {
        if self.pending.is_some() {
            return "> ".to_string();
        }
        let cwd = self.nests.last().map_or("/", |nest| &nest.shell.cwd);
        match self.place() {
            Place::Outside => "$ ".to_string(),
            Place::Node(node) => format!("root@{node}:{}# ", if cwd == "/root" { "~" } else { cwd }),
            Place::Pod { .. } => format!("{cwd} # "),
        }
    }

    /// Whether `exit` left the outermost shell.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Exit status of the last command.
    pub fn status(&self) -> i32 {
        self.status
    }

    /// Forgets an unfinished command, as Ctrl-C does.
    pub fn cancel(&mut self) {
        self.pending = None;
    }

    fn begin_command(&mut self) {
        self.machine.begin_line();
        self.machine.clock().borrow().begin_command();
    }

    fn stream(&self, is_error: bool) -> Sink {
        Sink::Terminal(self.terminal.clone(), is_error)
    }

    /// Starts a script in the innermost shell.
    fn start(&mut self, text: &str, script: Script) -> Begun {
        if script.items.is_empty() {
            return Begun::Nothing;
        }
        self.begin_command();
        let command = text.trim_end_matches('\n').to_string();
        if let Some(outcome) = self.prepare() {
            return Begun::Ran(LineResult { command, outcome, chunks: Vec::new() });
        }
        if !looks(&script) {
            self.machine.clock().borrow().about_to_act();
        }
        let Some(nest) = self.nests.last() else { return Begun::Nothing };
        let base = Base::new(&self.machine, &nest.place, Depth::default(), nest.jobs.clone());
        let (shell, streams) = (nest.shell.clone(), (self.stream(false), self.stream(true)));
        let done = Rc::new(RefCell::new(None));
        let result = done.clone();
        let running = Box::pin(async move {
            let ended = run(&base, shell, &script, "", streams).await;
            *result.borrow_mut() = Some(ended);
        });
        match self.tasks.clock().start(running) {
            Some(task) => {
                self.line = Some(Line { command, task, done });
                Begun::Running
            }
            None => Begun::Ran(self.refused(text, "kubewalk: too many commands run in the background; `kill` some of them")),
        }
    }

    fn finish_line(&mut self) -> LineResult {
        self.go(Instant::FAR_FUTURE).unwrap_or_default()
    }

    /// A line has ended: its shell is taken back, shells that it opened are opened, and a shell that it left is left.
    fn ended_line(&mut self, line: Line, stopped: Option<Stopped>) -> LineResult {
        let done = line.done.take();
        let (mut exit, mut left) = (stopped.as_ref().map_or(self.status, Stopped::exit), false);
        if let (Some(done), Some(nest)) = (done, self.nests.last_mut()) {
            left = done.ending == Ending::Exited;
            exit = if stopped.is_some() { exit } else { done.exit };
            nest.shell = done.shell;
        }
        if let Some(stopped) = &stopped {
            self.say_stopped(stopped);
        }
        if let Some(limit) = self.machine.exhausted() {
            let at = self.tasks.clock().now();
            self.terminal.borrow_mut().print(at, true, &format!("{limit}\n"));
            exit = 124;
        }
        if let Some(nest) = self.nests.last_mut() {
            nest.shell.status = exit;
        }
        let chunks = self.terminal.borrow_mut().take();
        let mut outcome = Outcome { stdout: joined(&chunks, false), stderr: joined(&chunks, true), exit };
        let opened = self.machine.take_opened();
        self.status = exit;
        if left {
            self.leave(&mut outcome);
        }
        for shell in opened {
            self.open(shell, &mut outcome);
        }
        self.status = outcome.exit;
        LineResult { command: line.command, outcome, chunks }
    }

    /// Says why the world stopped; gives the exit status.
    fn say_stopped(&mut self, stopped: &Stopped) -> i32 {
        let at = self.tasks.clock().now();
        self.terminal.borrow_mut().print(at, true, &format!("kubewalk: {stopped}\n"));
        stopped.exit()
    }

    /// Runs a program at a place to its end, beside any shell.
    fn run_at(&mut self, place: Place, argv: Vec<String>) -> Outcome {
        let mut process = Process::first(&self.machine, self.place(), Sink::Null, Sink::Null);
        let ran = self.tasks.block_on(async move { process.run_in(&place, &argv, "").await });
        ran.unwrap_or_else(|stopped| Outcome::err(stopped.exit(), format!("kubewalk: {stopped}")))
    }

    fn refused(&mut self, text: &str, message: &str) -> LineResult {
        let outcome = self.refuse(message);
        LineResult { command: text.trim_end_matches('\n').to_string(), outcome, chunks: Vec::new() }
    }

    fn refuse(&mut self, message: &str) -> Outcome {
        self.status = 2;
        if let Some(nest) = self.nests.last_mut() {
            nest.shell.status = 2;
        }
        Outcome::err(2, message)
    }

    /// Opens the outermost shell if none is open; ends a nested one whose container is gone.
    fn prepare(&mut self) -> Option<Outcome> {
        if self.nests.is_empty() {
            self.ended = false;
            let mut nothing = Outcome::default();
            self.open(Opened { place: Place::Outside, goodbye: None }, &mut nothing);
        }
        let Some(Place::Pod { namespace, pod, container }) = self.nests.last().map(|nest| &nest.place) else { return None };
        if self.machine.clock().borrow().container(namespace, pod, container).is_ok() {
            return None;
        }
        // The shell was killed with its container: the kubectl that opened it says how.
        let mut outcome = Outcome { exit: 137, ..Outcome::default() };
        self.leave(&mut outcome);
        self.status = 137;
        Some(outcome)
    }

    fn open(&mut self, opened: Opened, outcome: &mut Outcome) {
        if self.nests.len() == NESTS_MAX {
            *outcome = Outcome::err(126, format!("kubewalk: shells may nest {NESTS_MAX} deep here; leave one with `exit`"));
            return;
        }
        // An image without a shell has nothing to open: the runtime says so.
        let shell = self.run_at(opened.place.clone(), vec!["sh".to_string()]);
        if shell.exit != 0 {
            outcome.stderr.push_str(&shell.stderr);
            if shell.exit == 126 {
                outcome.stderr.push_str("command terminated with exit code 126\n");
            }
            outcome.exit = shell.exit;
            return;
        }
        match self.machine.login(&opened.place) {
            Ok((environment, cwd)) => {
                let shell = Shell::new(&cwd, environment);
                self.nests.push(Nest { place: opened.place, shell, goodbye: opened.goodbye, jobs: Rc::default() });
            }
            Err(why) => {
                outcome.stderr.push_str(&format!("{why}\n"));
                outcome.exit = 1;
            }
        }
    }

    /// Leaves the innermost shell; what its end prints is added to `outcome`. Tells whether anything was.
    fn leave(&mut self, outcome: &mut Outcome) -> bool {
        let Some(nest) = self.nests.pop() else { return false };
        if self.nests.is_empty() {
            self.ended = true;
            return false;
        }
        let before = (outcome.stdout.len(), outcome.stderr.len());
        if matches!(nest.place, Place::Pod { .. }) && outcome.exit != 0 {
            outcome.stderr.push_str(&format!("command terminated with exit code {}\n", outcome.exit));
        }
        if let Some(goodbye) = nest.goodbye {
            let said = self.run_at(self.place(), goodbye);
            outcome.stdout.push_str(&said.stdout);
            outcome.stderr.push_str(&said.stderr);
        }
        if let Some(outer) = self.nests.last_mut() {
            outer.shell.status = outcome.exit;
        }
        before != (outcome.stdout.len(), outcome.stderr.len())
    }
}

fn blank(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#')
}
