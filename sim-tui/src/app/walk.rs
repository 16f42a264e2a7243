//! A walkthrough: a player, and what it and the console have shown. Each thing done can be taken back, newest first.

use sim_core::console::session::Fed;
use sim_core::render::transcript;
use sim_core::scenario::play::{Mark, Played, Player};

/// Things done that can be taken back; older ones are forgotten with what they showed.
const DONE_MAX: usize = 1_000;

/// A scenario being walked through.
pub struct Walk {
    player: Player,
    done: Vec<Done>,
    /// Lines that the output is scrolled up from its end.
    pub scrolled: usize,
    /// The pane shown where only one fits.
    pub pane: Pane,
}

/// What can be shown where only one thing fits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    /// What programs printed.
    #[default]
    Output,
    /// The cluster.
    Map,
    /// The last packet.
    Packet,
}

/// One thing done, with the way back.
struct Done {
    before: Mark,
    what: What,
}

/// A step, or a line of the user.
enum What {
    Step(Played),
    Line { command: String, text: String },
}

impl Walk {
    /// Nothing is played yet.
    pub fn new(player: Player) -> Walk {
        Walk { player, done: Vec::new(), scrolled: 0, pane: Pane::default() }
    }

    /// The player, to look at.
    pub fn player(&self) -> &Player {
        &self.player
    }

    /// Plays the next step; `false` after the last.
    pub fn forward(&mut self) -> bool {
        let before = self.player.mark();
        let Some(played) = self.player.step() else { return false };
        self.remember(Done { before, what: What::Step(played) });
        true
    }

    /// Takes the last thing back; `false` if there is none.
    pub fn back(&mut self) -> Result<bool, String> {
        let Some(done) = self.done.pop() else { return Ok(false) };
        self.scrolled = 0;
        self.player.rewind_to(&done.before).map(|()| true)
    }

    /// Types a line into the console.
    pub fn line(&mut self, line: &str) {
        let before = self.player.mark();
        let prompt = self.player.session.prompt();
        let mut text = format!("{prompt}{line}\n");
        let mut command = String::new();
        if let Fed::Ran(result) = self.player.session.feed(line) {
            for output in [&result.outcome.stdout, &result.outcome.stderr] {
                text.push_str(output);
                text.push_str(if output.is_empty() || output.ends_with('\n') { "" } else { "\n" });
            }
            command = result.command;
        }
        self.remember(Done { before, what: What::Line { command, text } });
    }

    fn remember(&mut self, done: Done) {
        if self.done.len() == DONE_MAX {
            self.done.remove(0);
        }
        self.done.push(done);
        self.scrolled = 0;
    }

    /// The step played last.
    pub fn last_step(&self) -> Option<&Played> {
        self.done.iter().rev().find_map(|d| match &d.what {
            What::Step(played) => Some(played),
            What::Line { .. } => None,
        })
    }

    /// The texts shown, newest first.
    pub fn shown(&self) -> impl Iterator<Item = String> + '_ {
        self.done.iter().rev().map(|d| match &d.what {
            What::Step(played) => transcript::step(played),
            What::Line { text, .. } => text.clone(),
        })
    }

    /// The last command that sent a packet, and what it printed; traces tell more than the programs themselves.
    pub fn packet(&self) -> Option<(&str, &str)> {
        self.done.iter().rev().find_map(|d| {
            let (command, text) = match &d.what {
                What::Step(played) => (played.title.as_str(), played.outcome.stdout.as_str()),
                What::Line { command, text } => (command.as_str(), text.split_once('\n').map_or("", |(_, rest)| rest)),
            };
            sends(command).then_some((command, text))
        })
    }
}

/// Whether a command line holds a program that sends packets for the user to see.
fn sends(command: &str) -> bool {
    command
        .split(|c: char| c.is_whitespace() || ";|&()".contains(c))
        .any(|word| ["trace", "curl", "wget", "ping", "nc"].contains(&word))
}
