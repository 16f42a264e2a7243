//! Commands that run beside the shell: `&`, `jobs`, `wait`, `kill`.
//!
//! In real life each is a process group. Here each is a task of the world, started in a copy of the shell. Left out: `fg`, `bg`,
//! `disown`, stopping a job, and signals other than by their effect: TERM and KILL end the job. The texts are bash's.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::builtins::complain;
use super::eval::{Interpreter, Io, Jump};
use crate::lab::tasks::TaskId;

/// Most jobs that a shell remembers; the oldest that ended are forgotten first.
const JOBS_MAX: usize = 1_000;
/// Exit status of a command that was ended by SIGTERM, and by SIGKILL.
pub(super) const TERMINATED: i32 = 143;
const KILLED: i32 = 137;

/// One command in the background.
#[derive(Clone, Debug)]
struct Job {
    /// Its number in the shell: `%1`.
    number: u64,
    task: TaskId,
    /// As it was typed, without the `&`.
    text: String,
    /// Exit status, once it has ended.
    ended: Rc<Cell<Option<i32>>>,
}

/// What a shell has running beside it.
#[derive(Clone, Debug, Default)]
pub struct Jobs {
    jobs: Vec<Job>,
}

impl Jobs {
    /// Remembers a job; gives what `$!` shows.
    pub fn add(&mut self, task: TaskId, text: &str, ended: Rc<Cell<Option<i32>>>) -> u64 {
        let number = self.jobs.last().map_or(1, |job| job.number + 1);
        if self.jobs.len() >= JOBS_MAX {
            let oldest = self.jobs.iter().position(|job| job.ended.get().is_some()).unwrap_or(0);
            self.jobs.remove(oldest);
        }
        self.jobs.push(Job { number, task, text: text.to_string(), ended });
        pid(task)
    }

    /// How many have not ended.
    pub fn running(&self) -> usize {
        self.jobs.iter().filter(|job| job.ended.get().is_none()).count()
    }

    /// The job that a word names: `%1`, `%%`, or a process id.
    fn find(&self, word: &str) -> Option<&Job> {
        match word.strip_prefix('%') {
            Some("" | "%" | "+") => self.jobs.last(),
            Some("-") => self.jobs.iter().rev().nth(1).or(self.jobs.last()),
            Some(number) => self.jobs.iter().find(|job| number.parse() == Ok(job.number)),
            None => self.jobs.iter().find(|job| word.parse() == Ok(pid(job.task))),
        }
    }
}

/// A process id for a task. The shell itself is 1.
fn pid(task: TaskId) -> u64 {
    task.0 + 100
}

/// `jobs`: what runs, and once more what has ended since.
pub(super) fn list(it: &mut Interpreter, argv: &[String], io: &Io) -> Result<i32, Jump> {
    if let Some(option) = argv.get(1) {
        return complain(it, io, &format!("jobs: {option}: not modelled; jobs takes no arguments here"), 2);
    }
    let mut lines = String::new();
    {
        let mut jobs = it.base.jobs.borrow_mut();
        let last = jobs.jobs.len();
        for (place, job) in jobs.jobs.iter().enumerate() {
            let mark = match last - place {
                1 => '+',
                2 => '-',
                _ => ' ',
            };
            let (state, tail) = match job.ended.get() {
                None => ("Running".to_string(), " &"),
                Some(0) => ("Done".to_string(), ""),
                Some(TERMINATED) => ("Terminated".to_string(), ""),
                Some(KILLED) => ("Killed".to_string(), ""),
                Some(status) => (format!("Exit {status}"), ""),
            };
            lines.push_str(&format!("[{}]{mark}  {state:<24}{}{tail}\n", job.number, job.text));
        }
        jobs.jobs.retain(|job| job.ended.get().is_none());
    }
    it.emit(&io.out, &lines).map(|()| 0)
}

/// `kill [-SIGNAL] %JOB|PID...`
pub(super) fn kill(it: &mut Interpreter, argv: &[String], io: &Io) -> Result<i32, Jump> {
    let mut words = argv[1..].iter().peekable();
    let mut status = TERMINATED;
    if let Some(signal) = words.next_if(|word| word.starts_with('-')) {
        let name = if signal == "-s" { words.next().map(String::as_str).unwrap_or_default() } else { &signal[1..] };
        status = match name.trim_start_matches("SIG") {
            "9" | "KILL" => KILLED,
            "15" | "TERM" => TERMINATED,
            "2" | "INT" => 130,
            "1" | "HUP" => 129,
            other => return complain(it, io, &format!("kill: {other}: not modelled; there are TERM, KILL, INT and HUP"), 2),
        };
    }
    if words.peek().is_none() {
        return complain(it, io, "kill: usage: kill [-SIGNAL] %JOB|PID...", 2);
    }
    let mut exit = 0;
    for word in words {
        let job = it.base.jobs.borrow().find(word).cloned();
        match job {
            Some(job) if job.ended.get().is_none() => {
                job.ended.set(Some(status));
                it.base.machine.clock().kill(job.task);
            }
            _ if word.starts_with('%') => exit = complain(it, io, &format!("kill: {word}: no such job"), 1)?,
            _ => exit = complain(it, io, &format!("kill: ({word}) - No such process"), 1)?,
        }
    }
    Ok(exit)
}

/// `wait [%JOB|PID...]`: until they have ended; without arguments until all have.
pub(super) async fn wait(it: &mut Interpreter, argv: &[String], io: &Io) -> Result<i32, Jump> {
    let all = argv.len() == 1;
    let wanted: Vec<Option<Job>> = if all {
        it.base.jobs.borrow().jobs.iter().cloned().map(Some).collect()
    } else {
        argv[1..].iter().map(|word| it.base.jobs.borrow().find(word).cloned()).collect()
    };
    let mut exit = 0;
    for (place, job) in wanted.iter().enumerate() {
        let Some(job) = job else {
            let word = &argv[place + 1];
            let said = if word.starts_with('%') { "no such job" } else { "is not a child of this shell" };
            exit = complain(it, io, &format!("wait: {word}: {said}"), 127)?;
            continue;
        };
        let (clock, ended) = (it.base.machine.clock().clone(), job.ended.clone());
        if let Err(stopped) = clock.progress(move || ended.get().is_some()).await {
            it.shell.status = stopped.exit();
            return Err(Jump::Halt);
        }
        exit = if all { 0 } else { job.ended.get().unwrap_or_default() };
        forget(&it.base.jobs, job.task);
    }
    Ok(exit)
}

fn forget(jobs: &RefCell<Jobs>, task: TaskId) {
    jobs.borrow_mut().jobs.retain(|job| job.task != task);
}
