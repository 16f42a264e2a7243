//! Commands that the shell carries out itself, because they change or ask its state.
//!
//! `echo`, `printf`, `test` and the like are ordinary programs here (`console/programs`), present wherever a shell is.

use super::eval::{Interpreter, Io, Jump};
use super::jobs;
use super::parse::{Parsed, is_name, parse};
use crate::console::streams::Sink;
use crate::engine::time::Duration;

/// A builtin; its result is the exit status.
pub(super) enum Builtin {
    /// It acts at once.
    Now(fn(&mut Interpreter, &[String], &Io) -> Result<i32, Jump>),
    /// `eval`
    Eval,
    /// `.`
    Source,
    /// `command`
    Command,
    /// `wait`
    Wait,
}

impl Builtin {
    /// Runs it.
    pub(super) async fn run(&self, it: &mut Interpreter, argv: &[String], io: &Io) -> Result<i32, Jump> {
        match self {
            Builtin::Now(builtin) => builtin(it, argv, io),
            Builtin::Eval => run_text(it, &argv[1..].join(" "), io).await,
            Builtin::Source => source(it, argv, io).await,
            Builtin::Command => command(it, argv, io).await,
            Builtin::Wait => jobs::wait(it, argv, io).await,
        }
    }
}

/// Finds a builtin by name.
pub(super) fn find(name: &str) -> Option<Builtin> {
    Some(Builtin::Now(match name {
        "." | "source" => return Some(Builtin::Source),
        "command" => return Some(Builtin::Command),
        "eval" => return Some(Builtin::Eval),
        "wait" => return Some(Builtin::Wait),
        ":" => |_, _, _| Ok(0),
        "break" | "continue" => leave_loop,
        "cd" => cd,
        "exit" | "return" => leave,
        "export" | "readonly" | "local" => declare,
        "jobs" => jobs::list,
        "kill" => jobs::kill,
        "pwd" => |it, _, io| {
            let line = format!("{}\n", it.shell.cwd);
            it.emit(&io.out, &line).map(|()| 0)
        },
        "read" => read,
        "set" => set,
        "shift" => shift,
        "type" => |it, argv, io| describe(it, &argv[1..], io, true),
        "unset" => unset,
        _ => return None,
    }))
}

/// Whether it is the older name of `advance`: `wait 40s`, `wait to converged`. A job is named by `%1` or by a number alone.
pub(super) fn is_older_advance(argv: &[String]) -> bool {
    let is_time = |word: &String| word == "to" || word == "--help" || Duration::parse(word).is_some();
    argv.first().is_some_and(|name| name == "wait") && argv.get(1).is_some_and(is_time)
}

/// Whether assignments before this command stay after it.
pub(super) fn is_special(name: &str) -> bool {
    matches!(name, ":" | "." | "break" | "continue" | "eval" | "exit" | "export" | "return" | "set" | "shift" | "unset")
}

pub(super) fn complain(it: &mut Interpreter, io: &Io, message: &str, status: i32) -> Result<i32, Jump> {
    it.emit(&io.err, &format!("sh: {message}\n")).map(|()| status)
}

fn number(argv: &[String]) -> Option<usize> {
    argv.get(1).map_or(Some(1), |n| n.parse().ok())
}

fn leave_loop(it: &mut Interpreter, argv: &[String], io: &Io) -> Result<i32, Jump> {
    let Some(n) = number(argv).filter(|n| *n > 0) else {
        return complain(it, io, &format!("{}: Illegal number: {}", argv[0], argv[1]), 2);
    };
    it.shell.status = 0;
    match (it.loops, argv[0].as_str()) {
        (0, _) => Ok(0),
        (loops, "break") => Err(Jump::Break(n.min(loops))),
        (loops, _) => Err(Jump::Continue(n.min(loops))),
    }
}

fn leave(it: &mut Interpreter, argv: &[String], io: &Io) -> Result<i32, Jump> {
    if let Some(text) = argv.get(1) {
        match text.parse::<i32>().ok().filter(|n| *n >= 0) {
            Some(n) => it.shell.status = n & 255,
            None => {
                it.shell.status = complain(it, io, &format!("{}: Illegal number: {text}", argv[0]), 2)?;
            }
        }
    }
    Err(if argv[0] == "exit" { Jump::Exit } else { Jump::Return })
}

fn cd(it: &mut Interpreter, argv: &[String], io: &Io) -> Result<i32, Jump> {
    let home = it.shell.get("HOME").unwrap_or("/").to_string();
    let back = it.shell.get("OLDPWD").unwrap_or("/").to_string();
    let wanted = argv.get(1).map_or(home.as_str(), |path| if path == "-" { &back } else { path });
    let cwd = it.shell.cwd.clone();
    let Some(folder) = it.base.machine.folder(&it.base.place, &cwd, wanted) else {
        return complain(it, io, &format!("cd: can't cd to {wanted}"), 2);
    };
    it.shell.set("OLDPWD", &cwd);
    it.shell.set("PWD", &folder);
    it.shell.cwd = folder;
    if argv.get(1).is_some_and(|path| path == "-") {
        let line = format!("{}\n", it.shell.cwd);
        it.emit(&io.out, &line)?;
    }
    Ok(0)
}

/// `export`, and as far as the sandbox goes `readonly` and `local`: NAME or NAME=VALUE.
fn declare(it: &mut Interpreter, argv: &[String], io: &Io) -> Result<i32, Jump> {
    let names: Vec<&String> = argv[1..].iter().filter(|a| *a != "-p").collect();
    if names.is_empty() {
        let lines: String = it.shell.environment().iter().map(|(n, v)| format!("export {n}={}\n", quote(v))).collect();
        return it.emit(&io.out, &lines).map(|()| 0);
    }
    for argument in names {
        let (name, value) = argument.split_once('=').map_or((argument.as_str(), None), |(n, v)| (n, Some(v)));
        if !is_name(name) {
            return it.fail(io, &format!("{}: {name}: bad variable name", argv[0]));
        }
        if let Some(value) = value {
            it.shell.set(name, value);
        }
        if argv[0] == "export" {
            it.shell.export(name);
        }
    }
    Ok(0)
}

fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\'', "'\"'\"'"))
}

fn unset(it: &mut Interpreter, argv: &[String], _: &Io) -> Result<i32, Jump> {
    let functions = argv.get(1).is_some_and(|a| a == "-f");
    for name in argv[1..].iter().filter(|a| !a.starts_with('-')) {
        if functions {
            it.shell.functions.remove(name);
        } else {
            it.shell.unset(name);
        }
    }
    Ok(0)
}

fn set(it: &mut Interpreter, argv: &[String], io: &Io) -> Result<i32, Jump> {
    if argv.len() == 1 {
        let lines: String = it.shell.variables().map(|(n, v)| format!("{n}={}\n", quote(v))).collect();
        return it.emit(&io.out, &lines).map(|()| 0);
    }
    let mut rest = argv[1..].iter();
    while let Some(argument) = rest.next() {
        let on = argument.starts_with('-');
        let options = &mut it.shell.options;
        match argument.get(1..) {
            Some("-") if on => {
                it.shell.positional = rest.cloned().collect();
                return Ok(0);
            }
            Some("o") if on || argument.starts_with('+') => match rest.next().map(String::as_str) {
                Some("pipefail") => options.pipefail = on,
                Some("errexit") => options.errexit = on,
                Some("nounset") => options.nounset = on,
                Some("xtrace") => options.xtrace = on,
                Some(other) => return complain(it, io, &format!("set: illegal option -o {other}"), 2),
                None => {}
            },
            Some(letters) if (on || argument.starts_with('+')) && !letters.is_empty() => {
                for letter in letters.chars() {
                    match letter {
                        'e' => options.errexit = on,
                        'u' => options.nounset = on,
                        'x' => options.xtrace = on,
                        _ => return complain(it, io, &format!("set: illegal option -{letter}"), 2),
                    }
                }
            }
            _ => {
                it.shell.positional = std::iter::once(argument).chain(rest).cloned().collect();
                return Ok(0);
            }
        }
    }
    Ok(0)
}

fn shift(it: &mut Interpreter, argv: &[String], io: &Io) -> Result<i32, Jump> {
    match number(argv) {
        Some(n) if n <= it.shell.positional.len() => {
            it.shell.positional.drain(..n);
            Ok(0)
        }
        _ => complain(it, io, "shift: can't shift that many", 2),
    }
}

/// `read [-r] NAME...`: a line, split by IFS; the last name takes the rest.
fn read(it: &mut Interpreter, argv: &[String], io: &Io) -> Result<i32, Jump> {
    let raw = argv[1..].iter().any(|a| a == "-r");
    let names: Vec<&str> = argv[1..].iter().filter(|a| !a.starts_with('-')).map(String::as_str).collect();
    let names = if names.is_empty() { vec!["REPLY"] } else { names };
    let mut line = it.read_line(io).unwrap_or_default();
    let whole = line.ends_with('\n');
    line.truncate(line.trim_end_matches('\n').len());
    if !raw {
        line = line.replace('\\', "");
    }
    let ifs = it.shell.get("IFS").unwrap_or(" \t\n").to_string();
    let blank = |c: char| c.is_ascii_whitespace() && ifs.contains(c);
    let mut rest = line.trim_matches(blank);
    for (i, name) in names.iter().enumerate() {
        let end = if i + 1 == names.len() { None } else { rest.find(|c| ifs.contains(c)) };
        let value = &rest[..end.unwrap_or(rest.len())];
        it.shell.set(name, value);
        let tail = rest[value.len()..].trim_start_matches(blank);
        // One separator that is not white space ends the field, with the blanks around it.
        rest = match tail.chars().next() {
            Some(c) if ifs.contains(c) => tail[c.len_utf8()..].trim_start_matches(blank),
            _ => tail,
        };
    }
    Ok(i32::from(!whole))
}

async fn source(it: &mut Interpreter, argv: &[String], io: &Io) -> Result<i32, Jump> {
    let Some(path) = argv.get(1) else { return complain(it, io, ".: filename argument required", 2) };
    let cwd = it.shell.cwd.clone();
    match it.base.machine.read(&it.base.place, &cwd, path) {
        Ok(text) => run_text(it, &text, io).await,
        Err(_) => it.fail(io, &format!(".: cannot open {path}: No such file")),
    }
}

async fn run_text(it: &mut Interpreter, text: &str, io: &Io) -> Result<i32, Jump> {
    it.spend(text.len())?;
    match parse(text, true) {
        Parsed::Complete(script) => {
            it.shell.status = 0;
            it.script(&script, io).await?;
            Ok(it.shell.status)
        }
        Parsed::Incomplete { error, .. } | Parsed::Error(error) => {
            it.emit(&io.err, &format!("{error}\n"))?;
            it.shell.status = 2;
            Err(Jump::Abort)
        }
    }
}

async fn command(it: &mut Interpreter, argv: &[String], io: &Io) -> Result<i32, Jump> {
    match argv.get(1).map(String::as_str) {
        None => Ok(0),
        Some("-v") => describe(it, &argv[2..], io, false),
        Some("-V") => describe(it, &argv[2..], io, true),
        Some(name) => {
            it.invoke(name, &argv[1..], io).await?;
            Ok(it.shell.status)
        }
    }
}

/// What a name stands for: a path or the bare name (`command -v`), or a sentence (`type`).
fn describe(it: &mut Interpreter, names: &[String], io: &Io, wordy: bool) -> Result<i32, Jump> {
    let mut status = 0;
    for name in names {
        let (line, sink): (String, &Sink) = if find(name).is_some() {
            (if wordy { format!("{name} is a shell builtin\n") } else { format!("{name}\n") }, &io.out)
        } else if it.shell.functions.contains_key(name) {
            (if wordy { format!("{name} is a shell function\n") } else { format!("{name}\n") }, &io.out)
        } else if it.base.machine.has(&it.base.place, name) {
            (if wordy { format!("{name} is /usr/bin/{name}\n") } else { format!("/usr/bin/{name}\n") }, &io.out)
        } else {
            status = 127;
            (if wordy { format!("{name}: not found\n") } else { String::new() }, &io.err)
        };
        it.emit(sink, &line)?;
    }
    Ok(status)
}
