//! `kubewalk sh`: the console, line by line, on a terminal or from a pipe.

use std::io::{BufRead, IsTerminal, Read, Write};

use serde_json::json;
use sim_core::console::host::{Outcome, World};
use sim_core::console::session::{Fed, LineResult};
use sim_core::scenario::play::Player;

use super::{Common, FAILED, Format, LIMIT, UNUSABLE, complain, input, run, stats};
use crate::draw::escape::for_stream;

/// Longest input line.
const LINE_BYTES_MAX: u64 = 16 << 20;
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
    /// Write plain manifests as a scenario.
    pub save: Option<&'a str>,
}

/// Runs the console; exits with the status of the last command.
pub fn sh(asked: &Asked<'_>, common: &Common) -> u8 {
    let mut player = match player(asked, common) {
        Ok(player) => player,
        Err(code) => return code,
    };
    let mut shell = Shell { common, last: 0 };
    let end = if asked.commands.is_empty() { shell.read(&mut player) } else { shell.each(&mut player, asked.commands) };
    if end == End::OfInput {
        for result in player.session.finish(&mut player.sim) {
            shell.show(&player, &result);
        }
    }
    if common.stats {
        complain(stats::text(&player.sim.engine().counts(), player.sim.elapsed()).trim_end());
    }
    let assumed = common.no_assumptions && !player.sim.assumptions().is_empty();
    if shell.last == 0 && assumed { FAILED } else { shell.last }
}

/// The cluster of an input, its steps played if that is asked for.
pub(super) fn player(asked: &Asked<'_>, common: &Common) -> Result<Player, u8> {
    let loaded = match asked.input {
        Some(name) => input::load(name, common)?,
        None => input::load_text("empty", EMPTY, common)?,
    };
    run::save_as(asked.save, &loaded)?;
    run::report(&loaded, common);
    // Paths typed here are relative to where the user stands.
    let options = input::play_options(common, None);
    let plain = loaded.report.is_some();
    let mut player = Player::new(loaded, &options).map_err(|why| {
        complain(&format!("kubewalk: {why}"));
        UNUSABLE
    })?;
    // Plain manifests are applied, as their user would apply them; whether they converge is for the user to see.
    while (asked.play || plain) && player.next_applies_or(asked.play) {
        let Some(played) = player.step() else { break };
        for failure in &played.failures {
            complain(&format!("kubewalk: step {}: {failure}", played.number));
        }
    }
    Ok(player)
}

struct Shell<'a> {
    common: &'a Common,
    last: u8,
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

    /// Feeds one line, which may be the last one.
    fn line(&mut self, player: &mut Player, line: &str) -> Option<End> {
        player.sim.begin_command();
        let Fed::Ran(result) = player.session.feed(&mut player.sim, line) else { return None };
        if !self.show(player, &result) {
            return Some(End::OfOutput);
        }
        player.session.ended().then_some(End::Exit)
    }

    /// Prints a result; false if nobody reads our output any more.
    fn show(&mut self, player: &Player, result: &LineResult) -> bool {
        let outcome = &result.outcome;
        self.last = u8::try_from(outcome.exit).unwrap_or(LIMIT);
        let mut out = std::io::stdout().lock();
        let written = match self.common.output {
            Format::Json => writeln!(out, "{}", as_json(player, result)),
            Format::Text => out.write_all(for_stream(&outcome.stdout, out.is_terminal()).as_bytes()).and_then(|()| {
                let _ = out.flush();
                let mut err = std::io::stderr();
                err.write_all(for_stream(&outcome.stderr, err.is_terminal()).as_bytes())
            }),
        };
        written.and_then(|()| out.flush()).is_ok()
    }
}

/// One result as the contract prints it.
fn as_json(player: &Player, result: &LineResult) -> serde_json::Value {
    let Outcome { stdout, stderr, exit } = &result.outcome;
    json!({"command": result.command, "at": player.sim.cluster_time(), "elapsed_ns": player.sim.elapsed().as_nanos(),
        "exit": exit, "stdout": stdout, "stderr": stderr})
}
