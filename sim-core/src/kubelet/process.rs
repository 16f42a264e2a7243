//! What the first process of a container does: run for ever, or end by itself.
//!
//! In a real cluster the image decides. Here the image's model decides, unless the pod gives a command; of commands a few shell
//! forms are recognised (`sleep`, `exit`, `echo`, `true`, `false`, sequences of them). Any other runs for ever: that is an
//! assumption, and the user is told.

use crate::engine::time::Duration;
use crate::objects::Name;

/// What a process does once started.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Process {
    /// Ends after this time with that exit status; `None` = runs until it is told to stop.
    pub ends: Option<(Duration, i32)>,
    /// What it prints at once.
    pub prints: String,
    /// Heeds SIGTERM. (A shell or `sleep` as process 1 does not: it has no handler.)
    pub heeds_term: bool,
    /// The command was not recognised; it is assumed to run for ever.
    pub guessed: bool,
    /// It is known to listen nowhere, whatever the image's own server does.
    pub opens_none: bool,
}

impl Process {
    /// A server that runs until it is told to stop.
    pub fn server() -> Process {
        Process { ends: None, prints: String::new(), heeds_term: true, guessed: false, opens_none: false }
    }

    /// What an init container is assumed to do where its command is not recognised: end well, after a second. One that did not
    /// would hold its pod for ever.
    pub fn end_as_init(&mut self) {
        (self.ends, self.guessed) = (Some((Duration::from_secs(1), 0)), true);
    }

    /// The process that `command` and `args` start.
    pub fn of(command: &[Name], args: &[Name]) -> Process {
        let words: Vec<&str> = command.iter().chain(args).map(|w| &**w).collect();
        match words[..] {
            ["sh" | "/bin/sh" | "bash" | "/bin/bash" | "ash", "-c", script, ..] => of_script(script),
            _ => of_script(&words.join(" ")),
        }
    }
}

/// Tools that a user runs in a container made for it.
const TOOLS: [&str; 11] = ["nslookup", "dig", "host", "getent", "curl", "wget", "ping", "nc", "sh", "bash", "/bin/sh"];

/// Walks a sequence of simple commands.
fn of_script(script: &str) -> Process {
    let mut process = Process { ends: None, prints: String::new(), heeds_term: false, guessed: false, opens_none: true };
    let (mut time, mut status) = (Duration::ZERO, 0);
    for command in script.split([';', '\n', '&']).map(str::trim).filter(|c| !c.is_empty()) {
        let words: Vec<&str> = command.split_whitespace().collect();
        match words[..] {
            // Who waits like this may well have started something before.
            ["while" | "until", ..] | ["tail", "-f", ..] => return Process { opens_none: false, ..process },
            // Typed by `kubectl run -it -- ...`: the console runs it; the container stays until it is deleted.
            [tool, ..] if TOOLS.contains(&tool) => return process,
            ["sleep", "infinity" | "inf"] => return process,
            ["sleep" | "/bin/sleep", text] => match seconds(text) {
                Some(nap) => time = time + nap,
                None => status = 1,
            },
            ["exit", code] => return Process { ends: Some((time, code.parse().unwrap_or(2) & 0xff)), ..process },
            ["exit"] => break,
            ["true" | "/bin/true" | ":"] => status = 0,
            ["false" | "/bin/false"] => status = 1,
            ["echo", ref rest @ ..] => {
                let line = rest.join(" ");
                process.prints.push_str(line.trim_matches(['"', '\'']));
                process.prints.push('\n');
                status = 0;
            }
            ["date" | "touch" | "rm" | "mkdir" | "cat" | "ls" | "env" | "printenv" | "cp" | "chmod", ..] => status = 0,
            ["trap", ..] => process.heeds_term = true,
            _ => return Process { guessed: true, heeds_term: true, opens_none: false, ..process },
        }
    }
    Process { ends: Some((time, status)), ..process }
}

/// `5`, `0.5`, `5s`, `2m`, `1h`, `1d`.
fn seconds(text: &str) -> Option<Duration> {
    let with_unit = if text.ends_with(|c: char| c.is_ascii_digit()) { format!("{text}s") } else { text.to_string() };
    match with_unit.strip_suffix('d') {
        Some(days) => Duration::parse(&format!("{days}h")).map(|h| h.times(24)),
        None => Duration::parse(&with_unit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_recognised() {
        let secs = Duration::from_secs;
        type Ends = Option<(Duration, i32)>;
        let cases: [(&[&str], Ends); 9] = [
            (&["sleep", "3600"], Some((secs(3600), 0))),
            (&["sleep", "infinity"], None),
            (&["sh", "-c", "echo hello; sleep 5; exit 3"], Some((secs(5), 3))),
            (&["/bin/sh", "-c", "sleep 1 && false"], Some((secs(1), 1))),
            (&["true"], Some((secs(0), 0))),
            (&["sh", "-c", "while true; do echo x; sleep 1; done"], None),
            (&["sleep", "2m"], Some((secs(120), 0))),
            (&["/app/server", "--port=80"], None),
            (&["sleep", "1d"], Some((secs(86_400), 0))),
        ];
        for (words, want) in cases {
            let names: Vec<Name> = words.iter().map(|w| Name::from(*w)).collect();
            assert_eq!(Process::of(&names, &[]).ends, want, "{words:?}");
        }
        assert!(Process::of(&["/app/server".into()], &[]).guessed);
        assert_eq!(Process::of(&["sh".into(), "-c".into(), "echo 'a b'".into()], &[]).prints, "a b\n");
    }
}
