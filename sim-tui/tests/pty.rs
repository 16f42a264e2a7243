//! The program on a pseudo-terminal: a walkthrough is opened, stepped, stepped back, and left, as a person would.
//!
//! Waits are for what the screen shows, never for a time.

// A real program on a real terminal is outside the simulation: it is read in a thread, and given up on by the wall clock.
#![allow(clippy::disallowed_methods)]

use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// A screen that does not show what is awaited after this long never will.
const PATIENCE: Duration = Duration::from_secs(60);

const ROWS: NonZero<u16> = NonZero::new(24).unwrap();
const COLUMNS: NonZero<u16> = NonZero::new(80).unwrap();

struct Terminal {
    keys: Box<dyn Write + Send>,
    shown: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    /// How the terminal was set before the program took it.
    before: String,
}

/// How the terminal treats what is typed and printed, where the system tells.
fn modes(master: &dyn MasterPty) -> String {
    #[cfg(unix)]
    return format!("{:?}", master.get_termios());
    #[cfg(not(unix))]
    String::new()
}

impl Terminal {
    /// The program with these arguments.
    fn open(arguments: &[&str]) -> Terminal {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_kubewalk"));
        command.args(arguments);
        Terminal::run(command)
    }

    fn run(mut command: CommandBuilder) -> Terminal {
        let pair = native_pty_system()
            .openpty(PtySize { rows: ROWS.get(), cols: COLUMNS.get(), pixel_width: 0, pixel_height: 0 })
            .unwrap();
        command.cwd(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/cases"));
        command.env("TERM", "xterm-256color");
        let before = modes(&*pair.master);
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, shown) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(n @ 1..) = reader.read(&mut bytes) {
                if sender.send(bytes[..n].to_vec()).is_err() {
                    break;
                }
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Terminal { keys, shown, screen: vt100::Parser::new(ROWS, COLUMNS, 0), child, master: pair.master, before }
    }

    /// Presses keys and waits until the screen shows `text`.
    fn press(&mut self, keys: &str, text: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
        let began = Instant::now();
        while !self.screen.screen().contents().contains(text) {
            match self.shown.recv_timeout(PATIENCE.saturating_sub(began.elapsed())) {
                Ok(bytes) => self.screen.process(&bytes),
                Err(_) => panic!("no `{text}` after {keys:?}; the screen:\n{}", self.screen.screen().contents()),
            }
        }
    }

    /// Presses keys that end the program; its exit code, and whether the terminal is as it was: the main screen is shown, with
    /// its cursor, and keys are read and shown line by line again.
    fn end(mut self, keys: &str) -> (u32, bool) {
        let (code, restored, _) = self.ended(keys);
        (code, restored)
    }

    fn ended(&mut self, keys: &str) -> (u32, bool, String) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
        let code = self.child.wait().unwrap().exit_code();
        while let Ok(bytes) = self.shown.recv_timeout(Duration::from_millis(200)) {
            self.screen.process(&bytes);
        }
        let screen = self.screen.screen();
        let restored = !screen.alternate_screen() && !screen.hide_cursor() && modes(&*self.master) == self.before;
        (code, restored, screen.contents())
    }
}

#[test]
fn a_walkthrough_is_opened_stepped_and_left() {
    let mut terminal = Terminal::open(&[]);
    terminal.press("", "first-service");
    terminal.press("\r", "step 0/");
    terminal.press(" ", "step 1/");
    terminal.press(" ", "step 2/");
    terminal.press("\x1b[D", "step 1/");
    terminal.press("ikubectl get ns\r", "kube-public");
    terminal.press("\x1b", "? help");
    terminal.press("?", "take the last thing");
    assert_eq!(terminal.end(":q\r"), (0, true));
}

#[test]
fn ctrl_c_gives_the_terminal_back() {
    let mut terminal = Terminal::open(&["play", "first-service"]);
    terminal.press("", "step 0/");
    assert_eq!(terminal.end("\x03"), (0, true));
}

/// Ctrl-C ends the command and not the session; what it is pressed for at the prompt is nothing.
#[test]
fn ctrl_c_in_sh_ends_the_command() {
    let mut terminal = Terminal::open(&["sh"]);
    terminal.press("x=kept\n", "$ ");
    terminal.press("advance 80000h; echo not \"reached\"\n", "echo not");
    // Its line is taken when the terminal has shown it; a little later it runs, and not before that can it be interrupted.
    std::thread::sleep(Duration::from_millis(500));
    terminal.press("\x03", "kubewalk: interrupted; the clock stands at ");
    terminal.press("echo $? \"still $x\"\n", "130 still kept");
    assert_eq!(terminal.end("exit 0\n"), (0, true));
}

#[test]
fn a_panic_gives_the_terminal_back_and_says_what_happened() {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_kubewalk"));
    command.args(["play", "first-service"]);
    command.env("KUBEWALK_PANIC", "1");
    // A backtrace would push the message off the screen.
    command.env("RUST_BACKTRACE", "0");
    let (code, restored, screen) = Terminal::run(command).ended("");
    assert_eq!((code, restored), (101, true), "{screen}");
    assert!(screen.contains("asked to panic"), "{screen}");
}

#[test]
fn every_kind_of_input_can_be_played() {
    for input in
        ["aws-load-balancer", "ties/first-come.yaml", "made-up/20-app.yaml", "made-up/", "bad/../made-up/30-unknown.yaml"]
    {
        let mut terminal = Terminal::open(&["play", input]);
        terminal.press("", "step 0/");
        assert_eq!(terminal.end(":q\r"), (0, true), "{input}");
    }
    // The text comes through standard input, the keys from the terminal.
    let mut command = CommandBuilder::new("sh");
    command.args(["-c", &format!("cat made-up/10-platform.yaml | '{}' play -", env!("CARGO_BIN_EXE_kubewalk"))]);
    let mut terminal = Terminal::run(command);
    terminal.press("", "step 0/");
    terminal.press(" ", "step 1/");
    assert_eq!(terminal.end(":q\r"), (0, true));
}

#[test]
fn what_cannot_be_played_is_refused_before_the_screen_is_taken() {
    for (input, words) in
        [("bad/duplicate-key.yaml", "error[KW"), ("nowhere/", "no such file"), ("first-servce", "first-service")]
    {
        let mut terminal = Terminal::open(&["play", input]);
        let (code, restored, screen) = terminal.ended("");
        assert_eq!((code, restored), (2, true), "{input}: {screen}");
        assert!(screen.contains(words), "{input}: {screen}");
    }
}
