//! 100,000 made-up inputs for the scenario loader, the manifest reader and the console, under a memory limit.
//!
//! ```sh
//! cargo run --release -p sim-tests --example fuzz                        # all of them
//! cargo run --release -p sim-tests --example fuzz -- --seed 7 --only 93  # one again, and what it was
//! ```
//!
//! The inputs are tried in a second process of this program, so that even one that ends it (a stack that overflows, memory that
//! runs out, a loop without end) is reported with its number; the rest goes on behind it. Exit 1 if anything was found.

// The wall clock, a thread and a process are the instruments of this measurement; nothing of it is simulated.
#![allow(clippy::disallowed_methods, clippy::print_stdout)]

use std::alloc::System;
use std::io::{BufRead, BufReader, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

use cap::Cap;
use sim_tests::fuzzing::corpus::Corpus;
use sim_tests::fuzzing::surface::Bench;
use sim_tests::fuzzing::{Case, case};

/// All memory that the trying process may have, the seeds and the cluster included.
const MEMORY_BYTES_MAX: usize = 512 << 20;
/// No input may take longer to compute.
const TIME_MAX: Duration = Duration::from_secs(1);
/// After this long an input is taken to have no end.
const PATIENCE: Duration = Duration::from_secs(20);
/// A slow input is tried again as often: caches may have been cold.
const TRIES_MAX: u32 = 3;

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, MEMORY_BYTES_MAX);

/// What the last panic said, and where.
static PANIC: Mutex<String> = Mutex::new(String::new());

/// What the command line asks for.
struct Asked {
    seed: u64,
    from: u64,
    count: u64,
    only: Option<u64>,
    worker: bool,
}

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let mut asked = Asked { seed: 1, from: 0, count: 100_000, only: None, worker: false };
    while let Some(word) = words.next() {
        let mut number = || words.next().and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("{word} wants a number"));
        match word.as_str() {
            "--seed" => asked.seed = number(),
            "--from" => asked.from = number(),
            "--count" => asked.count = number(),
            "--only" => asked.only = Some(number()),
            "--worker" => asked.worker = true,
            _ => panic!("{word} is not known; there are --seed N, --from N, --count N, --only N"),
        }
    }
    match asked.only {
        Some(number) => only(&asked, number),
        None if asked.worker => work(&asked),
        None => watch(&asked),
    }
}

/// One input, shown.
fn only(asked: &Asked, number: u64) -> ExitCode {
    let case = case(&Corpus::of_the_repository(), asked.seed, number);
    println!("{:?}, {} bytes:\n{}", case.surface, case.bytes.len(), String::from_utf8_lossy(&case.bytes));
    let bench = Bench::new();
    let began = Instant::now();
    bench.give(case.surface, &case.bytes);
    println!("\ntook {:?}", began.elapsed());
    ExitCode::SUCCESS
}

/// Tries one input after the other; says which before, and what was found after it.
fn work(asked: &Asked) -> ExitCode {
    let (corpus, bench) = (Corpus::of_the_repository(), Bench::new());
    std::panic::set_hook(Box::new(|info| {
        let _ = PANIC.lock().map(|mut last| *last = info.to_string());
    }));
    for number in asked.from..asked.from + asked.count {
        println!("try {number}");
        let case = case(&corpus, asked.seed, number);
        if let Some(found) = tried(&bench, &case) {
            println!("found {number} {:?}: {found}", case.surface);
        }
    }
    ExitCode::SUCCESS
}

fn tried(bench: &Bench, case: &Case) -> Option<String> {
    let mut best = Duration::MAX;
    for _ in 0..TRIES_MAX {
        let began = spent();
        if catch_unwind(AssertUnwindSafe(|| bench.give(case.surface, &case.bytes))).is_err() {
            return PANIC.lock().ok().map(|text| text.replace('\n', " "));
        }
        best = best.min(spent().saturating_sub(began));
        if best <= TIME_MAX {
            return None;
        }
    }
    Some(format!("took {best:?}"))
}

/// The time this process has computed, by which a busy machine does not count; where that is not known, the time that passed.
fn spent() -> Duration {
    static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);
    // Linux counts user and system time in hundredths of a second, in fields 14 and 15.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split(' ');
    let ticks: Vec<u64> = fields.skip(11).take(2).filter_map(|ticks| ticks.parse().ok()).collect();
    if ticks.len() == 2 { Duration::from_millis(ticks.iter().sum::<u64>() * 10) } else { STARTED.elapsed() }
}

/// Watches workers until all numbers have been tried.
fn watch(asked: &Asked) -> ExitCode {
    let began = Instant::now();
    let end = asked.from + asked.count;
    let (mut next, mut found) = (asked.from, 0_u64);
    while next < end {
        let (mut child, lines) = worker(asked, next, end - next);
        let mut trying = None;
        let why = loop {
            match lines.recv_timeout(PATIENCE) {
                Ok(line) => match line.strip_prefix("try ").and_then(|n| n.parse().ok()) {
                    Some(number) => trying = Some(number),
                    None => {
                        println!("{line}");
                        found += 1;
                    }
                },
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => break Some("no end".to_string()),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break None,
            }
        };
        let _ = why.as_ref().map(|_| child.kill());
        let status = child.wait().expect("the worker is ours");
        next = trying.map_or(end, |number: u64| number + 1);
        if why.is_some() || !status.success() {
            found += 1;
            println!(
                "found {}: {}, {status}",
                next - 1,
                why.unwrap_or_else(|| format!("the process ended: {}", said(&mut child)))
            );
        }
    }
    println!("{} inputs of seed {}: {found} found, {:.0?}", asked.count, asked.seed, began.elapsed());
    if found == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A worker and what it says, line by line.
fn worker(asked: &Asked, from: u64, count: u64) -> (Child, Receiver<String>) {
    let program = std::env::current_exe().expect("this program has a path");
    let numbers = [("--seed", asked.seed), ("--from", from), ("--count", count)];
    let mut command = Command::new(program);
    command.arg("--worker").stdout(Stdio::piped()).stderr(Stdio::piped());
    command.args(numbers.iter().flat_map(|(flag, number)| [flag.to_string(), number.to_string()]));
    let mut child = command.spawn().expect("this program starts");
    let out = child.stdout.take().expect("it is a pipe");
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        BufReader::new(out).lines().map_while(Result::ok).all(|line| sender.send(line).is_ok());
    });
    (child, lines)
}

/// The last that a worker said on standard error.
fn said(child: &mut Child) -> String {
    let mut text = String::new();
    let _ = child.stderr.take().map(|mut pipe| pipe.read_to_string(&mut text));
    text.lines().rev().find(|line| !line.is_empty()).unwrap_or_default().to_string()
}
