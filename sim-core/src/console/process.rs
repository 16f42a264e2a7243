//! A running program: its place, its environment, where it prints, and the programs that it runs in turn.
//!
//! In real life this is a process. The shell as a program (`sh -c`, `sh FILE`) and `timeout` are here, since they are about
//! processes. Left out: process ids that mean something, signals that a program could catch, users and permissions.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::catalogue::SHELLS;
use super::host::{Doing, FileError, Host, Outcome, Place, WorldRef};
use super::machine::{Machine, Opened, bare_name};
use super::meter::Meter;
use super::shell::eval::{Base, run};
use super::shell::state::{Options, Shell};
use super::shell::{Parsed, parse};
use super::streams::Sink;
use crate::engine::time::{Duration, Instant};
use crate::lab::tasks::{Clock, First, Waiting, first};

/// Deepest nesting of programs that run programs.
const PROGRAMS_MAX: usize = 12;

/// One running program.
pub struct Process {
    machine: Machine,
    place: Place,
    environment: BTreeMap<String, String>,
    cwd: String,
    out: Sink,
    err: Sink,
    depth: Depth,
}

/// How deep programs and scripts are nested.
#[derive(Clone, Copy, Debug, Default)]
pub struct Depth {
    /// Programs run by programs.
    pub programs: usize,
    /// Scripts and functions run by those, over all shells.
    pub scripts: usize,
}

impl Process {
    /// A program of a shell.
    pub fn of_shell(base: &Base, shell: &Shell, (out, err): (Sink, Sink), scripts: usize) -> Process {
        Process {
            machine: base.machine.clone(),
            place: base.place.clone(),
            environment: shell.environment(),
            cwd: shell.cwd.clone(),
            out,
            err,
            depth: Depth { scripts, ..base.depth },
        }
    }

    /// The first program at a place, with nothing in its environment.
    pub fn first(machine: &Machine, place: Place, out: Sink, err: Sink) -> Process {
        let depth = Depth::default();
        Process { machine: machine.clone(), place, environment: BTreeMap::new(), cwd: "/".to_string(), out, err, depth }
    }

    /// Runs a program of this place; what it leaves is still to be printed.
    pub async fn program(&mut self, argv: &[String], stdin: &str) -> Outcome {
        let Some(name) = argv.first() else { return Outcome::default() };
        let name = bare_name(name);
        if self.depth.programs == PROGRAMS_MAX {
            return Outcome::err(126, format!("kubewalk: programs may run programs {PROGRAMS_MAX} deep here"));
        }
        if self.machine.meter().reached().is_some() {
            return Outcome { exit: 124, ..Outcome::default() };
        }
        if !self.machine.has(&self.place, name) {
            return Outcome::err(127, format!("sh: {}: not found", argv[0]));
        }
        self.depth.programs += 1;
        let outcome = if SHELLS.contains(&name) {
            self.shell(argv, stdin).await
        } else if name == "timeout" {
            self.timeout(argv, stdin).await
        } else {
            match self.machine.catalogue().program(name) {
                Some(program) => program.run(self, argv, stdin).await,
                None => Outcome::default(),
            }
        };
        self.depth.programs -= 1;
        outcome
    }

    /// Prints what a program left. A file that cannot be written is complained about.
    pub fn finish(&mut self, outcome: &Outcome) {
        self.print(&outcome.stdout);
        self.print_error(&outcome.stderr);
    }

    /// `sh`: a script from `-c`, a file or standard input.
    async fn shell(&mut self, argv: &[String], stdin: &str) -> Outcome {
        let mut rest = argv[1..].iter();
        let (mut text, mut inline, mut options) = (None, false, Options::default());
        for argument in rest.by_ref() {
            match argument.strip_prefix('-').filter(|letters| !letters.is_empty()) {
                Some(letters) => {
                    inline |= letters.contains('c');
                    options.errexit |= letters.contains('e');
                    options.nounset |= letters.contains('u');
                    options.xtrace |= letters.contains('x');
                }
                None => {
                    text = Some(argument);
                    break;
                }
            }
        }
        let (script, stdin) = match text {
            Some(text) if inline => (text.clone(), stdin),
            None if inline => return Outcome::err(2, format!("{}: 0: -c requires an argument", argv[0])),
            Some(path) => match self.read_file(path) {
                Ok(script) => (script, stdin),
                Err(_) => return Outcome::err(2, format!("{}: 0: cannot open {path}: No such file", argv[0])),
            },
            None => (stdin.to_string(), ""),
        };
        let mut shell = Shell::new(&self.cwd, self.environment.clone());
        // `sh -c TEXT NAME ARGUMENTS`: the first word after the text is $0; `sh FILE ARGUMENTS`: the file is.
        if let Some(name) = if inline { rest.next() } else { text } {
            shell.name = name.clone();
        }
        shell.positional = rest.cloned().collect();
        shell.options = options;
        match parse(&script, true) {
            Parsed::Complete(script) => {
                let base = Base::new(&self.machine, &self.place, self.depth, Rc::default());
                let done = run(&base, shell, &script, stdin, (self.out.clone(), self.err.clone())).await;
                Outcome { exit: done.exit, ..Outcome::default() }
            }
            Parsed::Incomplete { error, .. } | Parsed::Error(error) => Outcome::err(2, error.to_string()),
        }
    }

    /// `timeout [-s SIGNAL] [-k TIME] TIME COMMAND`: the command is ended where it stands when the time is over.
    async fn timeout(&mut self, argv: &[String], stdin: &str) -> Outcome {
        let mut at = 1;
        let mut kill = false;
        while let Some(option) = argv.get(at).filter(|a| a.starts_with('-')) {
            let value = argv.get(at + 1).map(String::as_str).unwrap_or_default();
            at += match option.as_str() {
                "-s" | "--signal" => {
                    kill = matches!(value, "KILL" | "SIGKILL" | "9");
                    2
                }
                "-k" | "--kill-after" => 2,
                _ => 1,
            };
        }
        let (Some(limit), true) = (argv.get(at), argv.len() > at + 1) else {
            return Outcome::err(125, "timeout: missing operand\nTry 'timeout --help' for more information.");
        };
        let Some(limit) = super::programs::sleep::interval(limit) else {
            return Outcome::err(
                125,
                format!("timeout: invalid time interval '{limit}'\nTry 'timeout --help' for more information."),
            );
        };
        let command = &argv[at + 1..];
        if !self.machine.has(&self.place, &command[0]) {
            return Outcome::err(127, format!("timeout: failed to run command '{}': No such file or directory", command[0]));
        }
        let limit = if limit == Duration::ZERO { Instant::FAR_FUTURE } else { self.machine.clock().now() + limit };
        let (deadline, place) = (self.machine.clock().until(limit), self.place.clone());
        let exit = match first(self.run_through(&place, command, stdin), deadline).await {
            First::A(exit) => exit,
            First::B(Ok(())) => {
                if kill {
                    137
                } else {
                    124
                }
            }
            First::B(Err(stopped)) => stopped.exit(),
        };
        Outcome { exit, ..Outcome::default() }
    }

    /// A program that this one runs at a place, or why it cannot be run there.
    fn child(&self, place: &Place, argv: &[String], (out, err): (Sink, Sink)) -> Result<Process, Outcome> {
        let is_same = *place == self.place;
        let (environment, cwd) = if is_same {
            (self.environment.clone(), self.cwd.clone())
        } else {
            self.machine.login(place).map_err(|why| Outcome::err(1, why))?
        };
        let name = argv.first().map(String::as_str).unwrap_or_default();
        if !is_same && matches!(place, Place::Pod { .. }) && !name.is_empty() && !self.machine.has(place, name) {
            let what = if name.contains('/') {
                format!("stat {name}: no such file or directory: unknown")
            } else {
                "executable file not found in $PATH: unknown".to_string()
            };
            let said = "OCI runtime exec failed: exec failed: unable to start container process: exec:";
            return Err(Outcome::err(126, format!("{said} \"{name}\": {what}")));
        }
        Ok(Process { machine: self.machine.clone(), place: place.clone(), environment, cwd, out, err, depth: self.depth })
    }
}

impl Host for Process {
    fn world(&mut self) -> WorldRef<'_> {
        self.machine.clock().world()
    }
    fn meter(&self) -> Meter {
        self.machine.meter()
    }
    fn place(&self) -> Place {
        self.place.clone()
    }
    fn env(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned()
    }
    fn environment(&self) -> BTreeMap<String, String> {
        self.environment.clone()
    }
    fn read_file(&mut self, path: &str) -> Result<String, FileError> {
        self.machine.read(&self.place, &self.cwd, path)
    }
    fn list_dir(&mut self, path: &str) -> Result<Vec<String>, FileError> {
        self.machine.list(&self.place, &self.cwd, path)
    }
    fn write_file(&mut self, path: &str, text: &str) -> Result<(), FileError> {
        self.machine.write(&self.place, &self.cwd, path, text, false)
    }
    fn remove_file(&mut self, path: &str, recursive: bool) -> Result<(), FileError> {
        self.machine.remove(&self.place, &self.cwd, path, recursive)
    }
    fn make_dir(&mut self, path: &str, parents: bool) -> Result<(), FileError> {
        self.machine.make_folder(&self.place, &self.cwd, path, parents)
    }
    fn clock(&self) -> Option<Clock> {
        Some(self.machine.clock().clone())
    }
    fn until(&mut self, at: Instant) -> Waiting {
        self.machine.clock().until(at)
    }
    fn change(&mut self, at: Instant) -> Waiting {
        self.machine.clock().change(at)
    }
    fn print(&mut self, text: &str) {
        if let Err(FileError(why)) = self.machine.print(&self.out, text) {
            self.print_error(&format!("kubewalk: write error: {why}\n"));
        }
    }
    fn print_error(&mut self, text: &str) {
        // Nobody is left to be told.
        let _ = self.machine.print(&self.err, text);
    }
    fn run_in<'h>(&'h mut self, place: &'h Place, argv: &'h [String], stdin: &'h str) -> Doing<'h, Outcome> {
        Box::pin(async move {
            let ((out, to_out), (err, to_err)) = (Sink::buffer(), Sink::buffer());
            let mut child = match self.child(place, argv, (to_out, to_err)) {
                Ok(child) => child,
                Err(outcome) => return outcome,
            };
            let left = child.program(argv, stdin).await;
            let all = |printed: &RefCell<String>, rest: &str| printed.take() + rest;
            Outcome { stdout: all(&out, &left.stdout), stderr: all(&err, &left.stderr), exit: left.exit }
        })
    }
    fn run_through<'h>(&'h mut self, place: &'h Place, argv: &'h [String], stdin: &'h str) -> Doing<'h, i32> {
        Box::pin(async move {
            match self.child(place, argv, (self.out.clone(), self.err.clone())) {
                Ok(mut child) => {
                    let left = child.program(argv, stdin).await;
                    child.finish(&left);
                    left.exit
                }
                Err(outcome) => {
                    self.finish(&outcome);
                    outcome.exit
                }
            }
        })
    }
    fn enter(&mut self, place: Place, goodbye: Option<Vec<String>>) {
        self.machine.open(Opened { place, goodbye });
    }
}
