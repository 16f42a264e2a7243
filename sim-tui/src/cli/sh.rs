//! `kubewalk sh`: the console, line by line, on a terminal or from a pipe.

use std::io::{BufRead, IsTerminal, Read, Write};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use sim_core::console::host::{Outcome, World};
use sim_core::console::session::{Begun, LineResult};
use sim_core::console::streams::joined;
use sim_core::engine::time::{Duration, Instant};
use sim_core::scenario::play::Player;
use sim_core::scenario::save::of_input;
use sim_core::scenario::taken::Taken;

use super::out::Out;
use super::save::{self, Saving};
use super::{Common, FAILED, Format, LIMIT, UNUSABLE, complain, input, run, stats};
use crate::draw::escape::for_stream;

/// Longest input line.
const LINE_BYTES_MAX: u64 = 16 << 20;
/// How often a running command is looked at, in simulated time: at first, and at least.
const SLICE: Duration = Duration::from_millis(100);
const SLICE_MAX: Duration = Duration::from_secs(3_600);
/// The cluster when no input is named: three nodes and nothing else.
const EMPTY: &str = "apiVersion: kubewalk/v1\nkind: Scenario\nmetadata: {name: empty}\n";

/// What the command line asks for.
pub struct Asked<'a> {
    /// The input; none = an empty cluster.
    pub input: Option<&'a str>,
    /// Commands instead of standard input.
    pub commands: &'a [String],
    /// Play the steps first.
    pub play: bool,
    /// Write the input as a scenario.
    pub save: Saving<'a>,
}

/// Runs the console; exits with the status of the last command.
pub fn sh(asked: &Asked<'_>, common: &Common) -> u8 {
    let (mut player, refused) = match player(asked, common) {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let mut shell = Shell { common, last: 0, out: Out::default(), shown: (0, 0), pressed: Arc::default() };
    let end = if asked.commands.is_empty() { shell.read(&mut player) } else { shell.each(&mut player, asked.commands) };
    if end == End::OfInput {
        for result in player.session.finish() {
            shell.show(&player, &result);
        }
    }
    if common.stats {
        complain(stats::text(&player.sim().engine().counts(), player.sim().elapsed()).trim_end());
    }
    let assumed = common.no_assumptions && !player.sim().assumptions().is_empty();
    shell.out.status(if shell.last == 0 && (assumed || refused) { FAILED } else { shell.last })
}

/// The cluster of an input, its steps played if that is asked for; and whether an object of the input was refused.
pub(super) fn player(asked: &Asked<'_>, common: &Common) -> Result<(Player, bool), u8> {
    let loaded = match asked.input {
        Some(name) => input::load(name, common)?,
        None => input::load_text("empty", EMPTY, common)?,
    };
    save::save(asked.save, asked.input, || of_input(&loaded))?;
    let options = input::play_options(common, asked.input.and_then(input::folder_of));
    let plain = loaded.report.is_some();
    let mut player = Player::new(loaded, &options).map_err(|why| {
        complain(&format!("kubewalk: {why}"));
        UNUSABLE
    })?;
    let (mut taken, mut refused) = (Taken::default(), false);
    // Plain manifests are applied, as their user would apply them; whether they converge is for the user to see.
    while (asked.play || plain) && player.next_applies_or(asked.play) {
        let Some(played) = player.step() else { break };
        let told = run::refusals(&mut taken, &player, &played, common);
        refused |= told;
        for failure in played.failures.iter().filter(|_| !told) {
            complain(&format!("kubewalk: step {}: {failure}", played.number));
        }
    }
    run::report(&taken, player.input(), common);
    // Paths typed here are relative to where the user stands.
    player.session.reads(input::typed_files(common));
    Ok((player, refused))
}

struct Shell<'a> {
    common: &'a Common,
    last: u8,
    out: Out,
    /// How many bytes of the running command's streams have been printed.
    shown: (usize, usize),
    /// Ctrl-C was pressed.
    pressed: Arc<AtomicBool>,
}

/// Why no more lines are taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// There are none.
    OfInput,
    /// `exit` left the outermost shell.
    Exit,
    /// Nobody reads our output any more.
    OfOutput,
}

impl Shell<'_> {
    fn each(&mut self, player: &mut Player, commands: &[String]) -> End {
        commands.iter().flat_map(|c| c.lines()).find_map(|line| self.line(player, line)).unwrap_or(End::OfInput)
    }

    fn read(&mut self, player: &mut Player) -> End {
        let (stdin, stdout) = (std::io::stdin(), std::io::stdout());
        let interactive = stdin.is_terminal() && stdout.is_terminal();
        if interactive {
            self.heed_interrupts(player);
        }
        let mut reader = stdin.lock();
        loop {
            if interactive {
                let mut out = stdout.lock();
                let _ = write!(out, "{}", player.session.prompt()).and_then(|()| out.flush());
            }
            let mut bytes = Vec::new();
            match reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes) {
                Ok(0) | Err(_) => return End::OfInput,
                Ok(_) => {}
            }
            let line = String::from_utf8_lossy(&bytes);
            if let Some(end) = self.line(player, line.trim_end_matches(['\n', '\r'])) {
                return end;
            }
        }
    }

    /// From now on Ctrl-C ends the command, not the program. Where no handler can be set it ends the program, as it did.
    fn heed_interrupts(&self, player: &Player) {
        let pressed = self.pressed.clone();
        if signal_hook::flag::register(signal_hook::consts::SIGINT, pressed.clone()).is_ok() {
            player.sim_mut().interrupted_by(Rc::new(move || pressed.swap(false, Ordering::Relaxed)));
        }
    }

    /// Feeds one line, which may be the last one.
    fn line(&mut self, player: &mut Player, line: &str) -> Option<End> {
        // Pressed at the prompt it is about no command.
        self.pressed.store(false, Ordering::Relaxed);
        let result = match player.session.begin(line) {
            Begun::Nothing | Begun::NeedsMore => return None,
            Begun::Ran(result) => result,
            Begun::Running => match self.watch(player) {
                Some(result) => result,
                None => return Some(End::OfOutput),
            },
        };
        if !self.show(player, &result) {
            return Some(End::OfOutput);
        }
        player.session.ended().then_some(End::Exit)
    }

    /// Lets the command run to its end, and prints on the way what it has printed so far; none if nobody reads it any more.
    fn watch(&mut self, player: &mut Player) -> Option<LineResult> {
        self.shown = (0, 0);
        let mut slice = SLICE;
        loop {
            let until = if self.common.output == Format::Json { Instant::FAR_FUTURE } else { player.sim().elapsed() + slice };
            if let Some(result) = player.session.go(until) {
                return Some(result);
            }
            let chunks = player.session.printed();
            let (out, err) = (joined(&chunks, false), joined(&chunks, true));
            // A command that is silent for long is looked at less often.
            slice = if (out.len(), err.len()) == self.shown { slice.times(2).min(SLICE_MAX) } else { SLICE };
            if !self.print(&out, &err) {
                return None;
            }
        }
    }

    /// Prints what has not been printed yet of the two streams of a command; false if nobody reads our output any more.
    fn print(&mut self, stdout: &str, stderr: &str) -> bool {
        let new = |text: &str, shown: &mut usize| {
            let new = text.get(*shown..).unwrap_or_default().to_string();
            *shown = text.len();
            new
        };
        let (stdout, stderr) = (new(stdout, &mut self.shown.0), new(stderr, &mut self.shown.1));
        let read = self.out.write(&stdout);
        // What nobody hears on standard error is lost, as in any shell.
        let mut err = std::io::stderr();
        let _ = err.write_all(for_stream(&stderr, err.is_terminal()).as_bytes());
        read
    }

    /// Prints a result; false if nobody reads our output any more.
    fn show(&mut self, player: &Player, result: &LineResult) -> bool {
        let outcome = &result.outcome;
        self.last = u8::try_from(outcome.exit).unwrap_or(LIMIT);
        let printed = match self.common.output {
            Format::Json => self.out.write(&format!("{}\n", as_json(player, result))),
            Format::Text => self.print(&outcome.stdout, &outcome.stderr),
        };
        self.shown = (0, 0);
        printed
    }
}

/// One result as the contract prints it.
fn as_json(player: &Player, result: &LineResult) -> serde_json::Value {
    let Outcome { stdout, stderr, exit } = &result.outcome;
    json!({"command": result.command, "at": player.sim().cluster_time(), "elapsed_ns": player.sim().elapsed().as_nanos(),
        "exit": exit, "stdout": stdout, "stderr": stderr})
}
