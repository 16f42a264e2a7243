//! A console session: what lasts from one input line to the next.
//!
//! That is the shells one inside the other (outside, then perhaps a container, then a node), each with its variables and
//! working directory; the files of each place; and the text of a command that is not complete yet. A session is a value:
//! the terminal UI keeps a copy per step, so that rewinding takes the console back as well.

use std::sync::Arc;

use super::catalogue::Catalogue;
use super::files::HostFiles;
use super::host::{Host, Outcome, Place, World};
use super::machine::{AllFiles, Machine, Opened, run_line};
use super::shell::ast::Script;
use super::shell::eval::Ending;
use super::shell::state::Shell;
use super::shell::{Parsed, parse};

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

/// A complete command and what it left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineResult {
    /// Its whole text, without the last newline.
    pub command: String,
    /// Output and exit status.
    pub outcome: Outcome,
}

/// A shell of the session.
#[derive(Clone, Debug)]
struct Nest {
    place: Place,
    shell: Shell,
    goodbye: Option<Vec<String>>,
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

/// A console session.
#[derive(Clone)]
pub struct Session {
    catalogue: Arc<Catalogue>,
    host_files: Option<Arc<dyn HostFiles>>,
    files: AllFiles,
    /// Empty before the first command, and after the outermost shell was left.
    nests: Vec<Nest>,
    pending: Option<Pending>,
    ended: bool,
    status: i32,
}

impl Session {
    /// A session with these programs; `host_files` are what the user's own machine shows of its files.
    pub fn new(catalogue: Catalogue, host_files: Option<Arc<dyn HostFiles>>) -> Session {
        Session {
            catalogue: Arc::new(catalogue),
            host_files,
            files: AllFiles::new(),
            nests: Vec::new(),
            pending: None,
            ended: false,
            status: 0,
        }
    }

    /// Gives the session one line of input, without its newline.
    pub fn feed(&mut self, world: &mut dyn World, line: &str) -> Fed {
        let mut pending = match self.pending.take() {
            None if blank(line) => return Fed::Nothing,
            None => Pending::default(),
            Some(pending) => pending,
        };
        let hopeful = line.contains(&pending.needs);
        pending.text.push_str(line);
        pending.text.push('\n');
        let too_long = pending.text.len() > super::shell::SCRIPT_BYTES_MAX;
        if !hopeful && !too_long {
            self.pending = Some(pending);
            return Fed::NeedsMore;
        }
        match parse(&pending.text, pending.read_again >= READ_AGAIN_BYTES_MAX) {
            Parsed::Complete(script) => self.ran(world, &pending.text, &script),
            Parsed::Incomplete { needs, .. } => {
                self.pending = Some(Pending { needs, read_again: pending.read_again + pending.text.len(), ..pending });
                Fed::NeedsMore
            }
            Parsed::Error(error) => self.refused(&pending.text, &error.to_string()),
        }
    }

    /// The end of the input: an unfinished command is run if it can be, else refused; then nested shells are left, innermost
    /// first, with their goodbyes. One result for each thing that was done.
    pub fn finish(&mut self, world: &mut dyn World) -> Vec<LineResult> {
        let mut results = Vec::new();
        if let Some(pending) = self.pending.take() {
            let fed = match parse(&pending.text, true) {
                Parsed::Complete(script) => self.ran(world, &pending.text, &script),
                Parsed::Incomplete { error, .. } | Parsed::Error(error) => self.refused(&pending.text, &error.to_string()),
            };
            if let Fed::Ran(result) = fed {
                results.push(result);
            }
        }
        while self.nests.len() > 1 {
            let mut outcome = Outcome { exit: self.status, ..Outcome::default() };
            let spoke = self.leave(world, &mut outcome);
            if spoke {
                results.push(LineResult { command: "exit".to_string(), outcome });
            }
        }
        results
    }

    /// Runs a text that is known to be whole (a scenario's `run:`, `sh -c`), of one line or more.
    pub fn run(&mut self, world: &mut dyn World, text: &str) -> Outcome {
        match parse(text, true) {
            Parsed::Complete(script) => self.execute(world, &script),
            Parsed::Incomplete { error, .. } | Parsed::Error(error) => self.refuse(&error.to_string()),
        }
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

    fn ran(&mut self, world: &mut dyn World, text: &str, script: &Script) -> Fed {
        if script.items.is_empty() {
            return Fed::Nothing;
        }
        let outcome = self.execute(world, script);
        Fed::Ran(LineResult { command: text.trim_end_matches('\n').to_string(), outcome })
    }

    fn refused(&mut self, text: &str, message: &str) -> Fed {
        let outcome = self.refuse(message);
        Fed::Ran(LineResult { command: text.trim_end_matches('\n').to_string(), outcome })
    }

    fn refuse(&mut self, message: &str) -> Outcome {
        self.status = 2;
        if let Some(nest) = self.nests.last_mut() {
            nest.shell.status = 2;
        }
        Outcome::err(2, message)
    }

    fn execute(&mut self, world: &mut dyn World, script: &Script) -> Outcome {
        if let Some(gone) = self.prepare(world) {
            return gone;
        }
        let Some(mut nest) = self.nests.pop() else { return Outcome::default() };
        let mut machine = Machine::new(world, &self.catalogue, &mut self.files, self.host_files.clone(), nest.place.clone());
        let (mut outcome, ending) = run_line(&mut machine, &mut nest.shell, script);
        let opened = std::mem::take(&mut machine.opened);
        nest.shell.status = outcome.exit;
        self.nests.push(nest);
        self.status = outcome.exit;
        if ending == Ending::Exited {
            self.leave(world, &mut outcome);
        }
        for shell in opened {
            self.open(world, shell, &mut outcome);
        }
        self.status = outcome.exit;
        outcome
    }

    /// Opens the outermost shell if none is open; ends a nested one whose container is gone.
    fn prepare(&mut self, world: &mut dyn World) -> Option<Outcome> {
        if self.nests.is_empty() {
            self.ended = false;
            let mut nothing = Outcome::default();
            self.open(world, Opened { place: Place::Outside, goodbye: None }, &mut nothing);
        }
        let Some(Place::Pod { namespace, pod, container }) = self.nests.last().map(|nest| &nest.place) else { return None };
        if world.container(namespace, pod, container).is_ok() {
            return None;
        }
        // The shell was killed with its container: the kubectl that opened it says how.
        let mut outcome = Outcome { exit: 137, ..Outcome::default() };
        self.leave(world, &mut outcome);
        self.status = 137;
        Some(outcome)
    }

    fn open(&mut self, world: &mut dyn World, opened: Opened, outcome: &mut Outcome) {
        if self.nests.len() == NESTS_MAX {
            *outcome = Outcome::err(126, format!("kubewalk: shells may nest {NESTS_MAX} deep here; leave one with `exit`"));
            return;
        }
        let here = self.place();
        let mut machine = Machine::new(world, &self.catalogue, &mut self.files, self.host_files.clone(), here);
        // An image without a shell has nothing to open: the runtime says so.
        let shell = machine.run_in(&opened.place, &["sh".to_string()], "");
        if shell.exit != 0 {
            outcome.stderr.push_str(&shell.stderr);
            if shell.exit == 126 {
                outcome.stderr.push_str("command terminated with exit code 126\n");
            }
            outcome.exit = shell.exit;
            return;
        }
        match machine.login(&opened.place) {
            Ok((environment, cwd)) => {
                let shell = Shell::new(&cwd, environment);
                self.nests.push(Nest { place: opened.place, shell, goodbye: opened.goodbye });
            }
            Err(why) => {
                outcome.stderr.push_str(&format!("{why}\n"));
                outcome.exit = 1;
            }
        }
    }

    /// Leaves the innermost shell; what its end prints is added to `outcome`. Tells whether anything was.
    fn leave(&mut self, world: &mut dyn World, outcome: &mut Outcome) -> bool {
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
            let place = self.place();
            let mut machine = Machine::new(world, &self.catalogue, &mut self.files, self.host_files.clone(), place.clone());
            let said = machine.run_in(&place, &goodbye, "");
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
