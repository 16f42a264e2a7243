//! Running a script: the tree is walked, words are expanded, programs are called through [`System`].
//!
//! All output of a command is collected in buffers; the stages of a pipeline run one after the other, each on the whole
//! output of the one before. So a program that would be ended early by a closed pipe (`yes | head`) runs to its own end or
//! to the limits, which [`System::spend`] enforces. Every stage runs in a copy of the shell, as in dash.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::ast::{AndOr, Command, Compound, Connector, Pipeline, Redirect, Script, Simple, Target, Word};
use super::builtins;
use super::parse::all_parameters;
use super::state::Shell;
use crate::console::host::{FileError, Outcome};

/// Deepest nesting of running scripts: function calls, substitutions, compound commands.
const DEPTH_MAX: usize = 60;

/// A program call.
#[derive(Clone, Debug)]
pub struct Call<'c> {
    /// The program's name and its arguments.
    pub argv: &'c [String],
    /// Exported variables.
    pub environment: BTreeMap<String, String>,
    /// Working directory.
    pub cwd: &'c str,
    /// Standard input.
    pub stdin: &'c str,
}

/// A limit was reached: everything that still runs ends. The system knows which limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Halt;

/// What a shell needs of the machine it runs on.
pub trait System {
    /// Runs a program; exit 127 with the shell's text if there is none of this name.
    fn call(&mut self, call: Call<'_>) -> Outcome;
    /// Whether a program of this name exists here.
    fn has_program(&mut self, name: &str) -> bool;
    /// Reads a file.
    fn read(&mut self, cwd: &str, path: &str) -> Result<String, FileError>;
    /// Writes a file, or adds to its end.
    fn write(&mut self, cwd: &str, path: &str, text: &str, append: bool) -> Result<(), FileError>;
    /// The absolute path of a folder, if it is one.
    fn folder(&mut self, cwd: &str, path: &str) -> Option<String>;
    /// Accounts for one command that made `bytes` of output or text.
    fn spend(&mut self, bytes: usize) -> Result<(), Halt>;
    /// How deep running scripts are nested, over all shells: a shell may run a shell.
    fn depth(&mut self) -> &mut usize;
}

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

/// Where output goes.
#[derive(Clone, Debug)]
pub(super) enum Sink {
    /// A buffer of the interpreter.
    Buffer(usize),
    /// A file, appended to (it was emptied when opened).
    File(Rc<str>),
    /// Nowhere.
    Null,
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
struct Input {
    text: Rc<str>,
    at: usize,
}

/// One running script.
pub struct Interpreter<'a> {
    pub(super) system: &'a mut dyn System,
    pub(super) shell: &'a mut Shell,
    buffers: Vec<String>,
    inputs: Vec<Input>,
    /// Within a condition or before `&&`, where `set -e` does not act.
    tested: usize,
    /// Loops around the current command.
    pub(super) loops: usize,
    /// Status of the last command substitution.
    substituted: Option<i32>,
    line: usize,
}

/// Runs a script in `shell` and collects its output. The exit status is also left in the shell.
pub fn run(system: &mut dyn System, shell: &mut Shell, script: &Script, stdin: &str) -> (Outcome, Ending) {
    let mut interpreter = Interpreter {
        system,
        shell,
        buffers: vec![String::new(), String::new()],
        inputs: vec![Input { text: Rc::from(stdin), at: 0 }],
        tested: 0,
        loops: 0,
        substituted: None,
        line: 1,
    };
    let io = Io { stdin: 0, out: Sink::Buffer(0), err: Sink::Buffer(1) };
    let ending = match interpreter.script(script, &io) {
        Err(Jump::Exit) => Ending::Exited,
        Err(Jump::Halt) => Ending::Halted,
        Ok(()) | Err(_) => Ending::Done,
    };
    let mut buffers = std::mem::take(&mut interpreter.buffers).into_iter();
    let (stdout, stderr) = (buffers.next().unwrap_or_default(), buffers.next().unwrap_or_default());
    let exit = if ending == Ending::Halted { 124 } else { shell.status };
    (Outcome { stdout, stderr, exit }, ending)
}

impl Interpreter<'_> {
    /// Runs the commands of a script in order.
    pub(super) fn script(&mut self, script: &Script, io: &Io) -> Result<(), Jump> {
        if *self.system.depth() == DEPTH_MAX {
            return self.fail(io, &format!("kubewalk: sh: commands may nest {DEPTH_MAX} deep while they run"));
        }
        *self.system.depth() += 1;
        let result = script.items.iter().try_for_each(|item| self.and_or(item, io));
        *self.system.depth() -= 1;
        result
    }

    fn and_or(&mut self, list: &AndOr, io: &Io) -> Result<(), Jump> {
        let mut pipeline = &list.first;
        let mut rest = list.rest.iter();
        loop {
            let last = rest.len() == 0;
            self.tested += usize::from(!last);
            let result = self.pipeline(pipeline, io);
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

    fn pipeline(&mut self, pipeline: &Pipeline, io: &Io) -> Result<(), Jump> {
        self.tested += usize::from(pipeline.negate);
        let result = match pipeline.commands.as_slice() {
            [command] => self.command(command, io),
            stages => self.stages(stages, io),
        };
        self.tested -= usize::from(pipeline.negate);
        result?;
        if pipeline.negate {
            self.shell.status = i32::from(self.shell.status == 0);
        }
        Ok(())
    }

    fn stages(&mut self, stages: &[Command], io: &Io) -> Result<(), Jump> {
        let inputs = self.inputs.len();
        let mut stdin = io.stdin;
        let mut failed = 0;
        for (i, stage) in stages.iter().enumerate() {
            let last = i + 1 == stages.len();
            let buffer = self.buffers.len();
            self.buffers.push(String::new());
            let out = if last { io.out.clone() } else { Sink::Buffer(buffer) };
            let result = self.subshell(&Io { stdin, out, err: io.err.clone() }, |it, io| it.command(stage, io));
            let text = self.buffers.pop().unwrap_or_default();
            result?;
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

    /// Runs in a copy of the shell, of which only the exit status is kept.
    fn subshell(&mut self, io: &Io, run: impl FnOnce(&mut Self, &Io) -> Result<(), Jump>) -> Result<(), Jump> {
        let saved = self.shell.clone();
        let loops = std::mem::take(&mut self.loops);
        let result = run(self, io);
        self.loops = loops;
        let status = self.shell.status;
        *self.shell = saved;
        self.shell.status = status;
        match result {
            Err(Jump::Halt) => Err(Jump::Halt),
            _ => Ok(()),
        }
    }

    /// The output of a script, without the newlines at its end.
    pub(super) fn substitute(&mut self, script: &Script, io: &Io) -> Result<String, Jump> {
        let buffer = self.buffers.len();
        self.buffers.push(String::new());
        let inner = Io { out: Sink::Buffer(buffer), ..io.clone() };
        let before = self.shell.status;
        let result = self.subshell(&inner, |it, io| it.script(script, io));
        let mut text = self.buffers.pop().unwrap_or_default();
        self.substituted = Some(std::mem::replace(&mut self.shell.status, before));
        result?;
        text.truncate(text.trim_end_matches('\n').len());
        Ok(text)
    }

    fn command(&mut self, command: &Command, io: &Io) -> Result<(), Jump> {
        match command {
            Command::Simple(simple) => self.simple(simple, io),
            Command::Function(name, body) => {
                self.shell.functions.insert(name.clone(), body.clone());
                self.shell.status = 0;
                Ok(())
            }
            Command::Compound(compound, redirects) => {
                let inputs = self.inputs.len();
                let result = match self.redirected(redirects, io)? {
                    Some(io) => self.compound(compound, &io),
                    None => Ok(()),
                };
                self.inputs.truncate(inputs);
                result
            }
        }
    }

    fn compound(&mut self, compound: &Compound, io: &Io) -> Result<(), Jump> {
        match compound {
            Compound::Group(script) => self.script(script, io),
            Compound::Subshell(script) => self.subshell(io, |it, io| it.script(script, io)),
            Compound::If(arms, otherwise) => {
                for (condition, body) in arms {
                    if self.condition(condition, io)? {
                        return self.script(body, io);
                    }
                }
                self.shell.status = 0;
                otherwise.as_ref().map_or(Ok(()), |body| self.script(body, io))
            }
            Compound::Loop { until, condition, body } => self.looping(io, |it, io| {
                let go = it.condition(condition, io)? != *until;
                Ok(go.then_some(body))
            }),
            Compound::For { name, words, body } => {
                let all = [all_parameters()];
                let mut values = self.fields(words.as_deref().unwrap_or(&all), io)?.into_iter();
                self.looping(io, |it, _| {
                    let Some(value) = values.next() else { return Ok(None) };
                    it.shell.set(name, &value);
                    Ok(Some(body))
                })
            }
            Compound::Case(subject, arms) => self.case(subject, arms, io),
        }
    }

    fn condition(&mut self, condition: &Script, io: &Io) -> Result<bool, Jump> {
        self.tested += 1;
        let result = self.script(condition, io);
        self.tested -= 1;
        result.map(|()| self.shell.status == 0)
    }

    /// Runs bodies as long as `next` gives one.
    fn looping<'s>(
        &mut self,
        io: &Io,
        mut next: impl FnMut(&mut Self, &Io) -> Result<Option<&'s Script>, Jump>,
    ) -> Result<(), Jump> {
        self.loops += 1;
        let mut status = 0;
        let result = loop {
            let round = match self.spend(0).and_then(|()| next(self, io)) {
                Ok(Some(body)) => self.script(body, io),
                Ok(None) => break Ok(()),
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

    fn case(&mut self, subject: &Word, arms: &[(Vec<Word>, Script)], io: &Io) -> Result<(), Jump> {
        let subject = self.text(subject, io)?;
        self.shell.status = 0;
        for (patterns, body) in arms {
            for pattern in patterns {
                let pattern = self.pattern(pattern, io)?;
                self.spend(pattern.cost(subject.len()) / 8)?;
                if pattern.matches(&subject) {
                    return self.script(body, io);
                }
            }
        }
        Ok(())
    }

    fn simple(&mut self, simple: &Simple, io: &Io) -> Result<(), Jump> {
        self.spend(0)?;
        self.line = simple.line;
        self.substituted = None;
        let inputs = self.inputs.len();
        let argv = self.fields(&simple.words, io)?;
        let result = match self.redirected(&simple.redirects, io)? {
            Some(io) => self.assigned(simple, &argv, &io),
            None => Ok(()),
        };
        self.inputs.truncate(inputs);
        result
    }

    fn assigned(&mut self, simple: &Simple, argv: &[String], io: &Io) -> Result<(), Jump> {
        let before = (!simple.assignments.is_empty() && !argv.is_empty()).then(|| self.shell.clone());
        for (name, word) in &simple.assignments {
            let value = self.text(word, io)?;
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
        let result = self.invoke(name, argv, io);
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
    pub(super) fn invoke(&mut self, name: &str, argv: &[String], io: &Io) -> Result<(), Jump> {
        if let Some(body) = self.shell.functions.get(name).cloned() {
            return self.function(&body, argv, io);
        }
        if let Some(builtin) = builtins::find(name) {
            self.shell.status = builtin(self, argv, io)?;
            return Ok(());
        }
        let stdin = self.remaining(io);
        let call = Call { argv, environment: self.shell.environment(), cwd: &self.shell.cwd, stdin: &stdin };
        let outcome = self.system.call(call);
        self.shell.status = outcome.exit;
        // What the program said before it ran into a limit is kept; the limit then ends the script as well.
        self.put(&io.out, &outcome.stdout);
        self.put(&io.err, &outcome.stderr);
        self.spend(outcome.stdout.len() + outcome.stderr.len())
    }

    fn function(&mut self, body: &Command, argv: &[String], io: &Io) -> Result<(), Jump> {
        if *self.system.depth() == DEPTH_MAX {
            return self.fail(io, &format!("kubewalk: sh: functions may nest {DEPTH_MAX} deep while they run"));
        }
        let positional = std::mem::replace(&mut self.shell.positional, argv[1..].to_vec());
        let loops = std::mem::take(&mut self.loops);
        *self.system.depth() += 1;
        let result = self.command(body, io);
        *self.system.depth() -= 1;
        self.loops = loops;
        self.shell.positional = positional;
        match result {
            Err(Jump::Return) => Ok(()),
            other => other,
        }
    }

    /// The streams after redirections; `None` if one of them failed, which has then been said.
    fn redirected(&mut self, redirects: &[Redirect], io: &Io) -> Result<Option<Io>, Jump> {
        let mut io = io.clone();
        for redirect in redirects {
            if let Err(message) = self.redirect(redirect, &mut io)? {
                let line = self.said(&message);
                self.emit(&io.err, &line)?;
                self.shell.status = 2;
                return Ok(None);
            }
        }
        Ok(Some(io))
    }

    fn redirect(&mut self, redirect: &Redirect, io: &mut Io) -> Result<Result<(), String>, Jump> {
        let sink = match &redirect.target {
            Target::Here(body) => {
                let text = body.get().map_or(Ok(String::new()), |word| self.text(word, io))?;
                self.open_input(io, text);
                return Ok(Ok(()));
            }
            Target::Read(word) => {
                let path = self.text(word, io)?;
                match self.system.read(&self.shell.cwd, &path) {
                    Ok(text) => self.open_input(io, text),
                    Err(FileError(why)) => return Ok(Err(format!("cannot open {path}: {}", opening(&why)))),
                }
                return Ok(Ok(()));
            }
            Target::Write(word) | Target::Append(word) => {
                let path = self.text(word, io)?;
                match self.open_output(&path, matches!(redirect.target, Target::Append(_)), io) {
                    Ok(sink) => sink,
                    Err(why) => return Ok(Err(format!("cannot create {path}: {why}"))),
                }
            }
            Target::Same(1) => io.out.clone(),
            Target::Same(2) => io.err.clone(),
            Target::Same(_) | Target::Closed => Sink::Null,
        };
        match redirect.fd {
            1 => io.out = sink,
            2 => io.err = sink,
            _ => self.open_input(io, String::new()),
        }
        Ok(Ok(()))
    }

    fn open_input(&mut self, io: &mut Io, text: String) {
        io.stdin = self.inputs.len();
        self.inputs.push(Input { text: Rc::from(text), at: 0 });
    }

    fn open_output(&mut self, path: &str, append: bool, io: &Io) -> Result<Sink, String> {
        match path {
            "/dev/null" => return Ok(Sink::Null),
            "/dev/stdout" => return Ok(io.out.clone()),
            "/dev/stderr" => return Ok(io.err.clone()),
            _ => {}
        }
        match self.system.write(&self.shell.cwd, path, "", append) {
            Ok(()) => Ok(Sink::File(Rc::from(path))),
            Err(FileError(why)) if why == "No such file or directory" => Err("Directory nonexistent".to_string()),
            Err(FileError(why)) => Err(why),
        }
    }

    /// What a command would still read.
    pub(super) fn remaining(&self, io: &Io) -> Rc<str> {
        match self.inputs.get(io.stdin) {
            Some(input) if input.at == 0 => Rc::clone(&input.text),
            Some(input) => Rc::from(&input.text[input.at..]),
            None => Rc::from(""),
        }
    }

    /// Takes a line from the input, with its newline if it has one.
    pub(super) fn read_line(&mut self, io: &Io) -> Option<String> {
        let input = self.inputs.get_mut(io.stdin)?;
        let rest = &input.text[input.at..];
        let length = rest.find('\n').map_or(rest.len(), |at| at + 1);
        let line = rest[..length].to_string();
        input.at += length;
        (length > 0).then_some(line)
    }

    /// Writes to a stream.
    pub(super) fn emit(&mut self, sink: &Sink, text: &str) -> Result<(), Jump> {
        self.put(sink, text);
        self.spend(text.len())
    }

    fn put(&mut self, sink: &Sink, text: &str) {
        match sink {
            _ if text.is_empty() => {}
            Sink::Buffer(i) => self.buffers[*i].push_str(text),
            Sink::File(path) => {
                if let Err(FileError(why)) = self.system.write(&self.shell.cwd, path, text, true) {
                    self.buffers[1].push_str(&format!("kubewalk: sh: {path}: {why}\n"));
                }
            }
            Sink::Null => {}
        }
    }

    pub(super) fn spend(&mut self, bytes: usize) -> Result<(), Jump> {
        self.system.spend(bytes).map_err(|Halt| Jump::Halt)
    }

    /// A line in the name of the shell; messages of the sandbox bear its own name.
    fn said(&self, message: &str) -> String {
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

/// A file error as dash words it when it opens a file.
fn opening(why: &str) -> &str {
    if why == "No such file or directory" { "No such file" } else { why }
}
