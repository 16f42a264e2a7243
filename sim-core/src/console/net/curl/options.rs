//! curl's command line: which transfers, with which options.
//!
//! Options belong to the URLs of their group; `--next` begins another group. A few are for the whole command (`-s`, `-S`, `-v`,
//! `--rate`). The real thing: curl `src/tool_getparam.c`.

use crate::console::host::Outcome;
use crate::dns::resolver::Family;
use crate::engine::time::Duration;

/// The whole command.
#[derive(Debug, Default)]
pub struct Command {
    /// `-s`.
    pub silent: bool,
    /// `-S`.
    pub show_errors: bool,
    /// `-v`.
    pub verbose: bool,
    /// `--rate`: from the start of one transfer to the start of the next, at least.
    pub every: Duration,
    /// Groups of transfers, parted by `--next`.
    pub groups: Vec<Wanted>,
}

/// What is wanted of the URLs of one group.
#[derive(Debug, Default)]
pub struct Wanted {
    /// URLs, in order.
    pub urls: Vec<String>,
    /// `-o`, the n-th for the n-th URL.
    pub outputs: Vec<String>,
    /// `-I`.
    pub head: bool,
    /// `-i`.
    pub include: bool,
    /// `-f`.
    pub fail: bool,
    /// `-0` or a header `Connection: close`: the connection is not used again.
    pub closes: bool,
    /// `-w`.
    pub write_out: Option<String>,
    /// `-X`.
    pub method: Option<String>,
    /// `--connect-timeout`.
    pub connect_timeout: Option<Duration>,
    /// `-m`.
    pub max_time: Option<Duration>,
    /// `-4` or `-6`.
    pub family: Option<Family>,
}

impl Command {
    /// Reads the words after the program's name.
    pub fn parse(words: &[String]) -> Result<Command, Outcome> {
        let mut command = Command { groups: vec![Wanted::default()], ..Command::default() };
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            if let Some(long) = word.strip_prefix("--") {
                let (name, inline) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_string())),
                    None => (long, None),
                };
                command.flag(name, &mut || inline.clone().or_else(|| rest.next().cloned()), word)?;
            } else if word.len() > 1 && word.starts_with('-') {
                let letters: Vec<char> = word[1..].chars().collect();
                for (at, letter) in letters.iter().enumerate() {
                    let tail: String = letters[at + 1..].iter().collect();
                    let name = long_name(*letter).ok_or_else(|| unknown(&format!("-{letter}")))?;
                    command.flag(name, &mut || if tail.is_empty() { rest.next().cloned() } else { Some(tail.clone()) }, word)?;
                    if takes_value(name) {
                        break;
                    }
                }
            } else {
                command.group().urls.push(word.clone());
            }
        }
        Ok(command)
    }

    /// The group that options are for.
    fn group(&mut self) -> &mut Wanted {
        if self.groups.is_empty() {
            self.groups.push(Wanted::default());
        }
        let last = self.groups.len() - 1;
        &mut self.groups[last]
    }

    fn flag(&mut self, name: &str, value: &mut dyn FnMut() -> Option<String>, word: &str) -> Result<(), Outcome> {
        let mut needed = || {
            let text = format!("curl: option {word}: requires parameter\ncurl: try 'curl --help' for more information");
            value().ok_or_else(|| Outcome::err(2, text))
        };
        match name {
            "silent" => self.silent = true,
            "show-error" => self.show_errors = true,
            "verbose" => self.verbose = true,
            "rate" => self.every = spacing(&needed()?, word)?,
            "next" => self.groups.push(Wanted::default()),
            "head" => self.group().head = true,
            "include" | "show-headers" => self.group().include = true,
            "fail" => self.group().fail = true,
            "output" => {
                let file = needed()?;
                self.group().outputs.push(file);
            }
            "write-out" => self.group().write_out = Some(needed()?),
            "request" => self.group().method = Some(needed()?),
            "max-time" => self.group().max_time = Some(seconds(&needed()?, word)?),
            "connect-timeout" => self.group().connect_timeout = Some(seconds(&needed()?, word)?),
            "ipv4" => self.group().family = Some(Family::V4),
            "ipv6" => self.group().family = Some(Family::V6),
            "url" => {
                let url = needed()?;
                self.group().urls.push(url);
            }
            "http1.0" => self.group().closes = true,
            "header" => self.group().closes |= says_close(&needed()?),
            "user-agent" | "retry" | "keepalive-time" => drop(needed()?),
            "data" => {
                needed()?;
                self.group().method.get_or_insert_with(|| "POST".to_string());
            }
            "insecure" | "location" | "no-progress-meter" | "http1.1" | "compressed" | "keepalive" | "no-keepalive" => {}
            _ => return Err(unknown(word)),
        }
        Ok(())
    }
}

fn long_name(letter: char) -> Option<&'static str> {
    Some(match letter {
        's' => "silent",
        'S' => "show-error",
        'I' => "head",
        'i' => "include",
        'f' => "fail",
        'o' => "output",
        'w' => "write-out",
        'X' => "request",
        'm' => "max-time",
        'k' => "insecure",
        'L' => "location",
        'v' => "verbose",
        'H' => "header",
        'd' => "data",
        'A' => "user-agent",
        '4' => "ipv4",
        '6' => "ipv6",
        '0' => "http1.0",
        ':' => "next",
        _ => return None,
    })
}

fn takes_value(name: &str) -> bool {
    let with_value = [
        "output",
        "write-out",
        "request",
        "max-time",
        "connect-timeout",
        "header",
        "data",
        "user-agent",
        "url",
        "retry",
        "rate",
        "keepalive-time",
    ];
    with_value.contains(&name)
}

/// Whether a header asks for the connection to be closed after the answer.
fn says_close(header: &str) -> bool {
    header
        .split_once(':')
        .is_some_and(|(name, value)| name.trim().eq_ignore_ascii_case("connection") && value.trim().eq_ignore_ascii_case("close"))
}

fn unknown(word: &str) -> Outcome {
    Outcome::err(2, format!("curl: option {word}: is unknown\ncurl: try 'curl --help' for more information"))
}

fn not_a_number(word: &str) -> Outcome {
    Outcome::err(2, format!("curl: option {word}: expected a proper numerical parameter"))
}

/// Seconds with an optional fraction.
fn seconds(text: &str, word: &str) -> Result<Duration, Outcome> {
    Duration::parse(&format!("{text}s")).ok_or_else(|| not_a_number(word))
}

/// `10/m` as six seconds from start to start; without a unit it is per hour.
fn spacing(text: &str, word: &str) -> Result<Duration, Outcome> {
    let (count, unit) = text.split_once('/').unwrap_or((text, "h"));
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(not_a_number(word)),
    };
    let count: u64 = count.parse().ok().filter(|n| *n > 0).ok_or_else(|| not_a_number(word))?;
    Ok(Duration::from_millis(unit * 1_000 / count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_for_their_group_or_for_all() {
        let parse = |line: &str| Command::parse(&line.split(' ').map(String::from).collect::<Vec<_>>());
        let command = parse("-sSo /dev/null http://a http://b --next -v -I http://c --rate 10/m").unwrap();
        assert_eq!((command.silent, command.verbose, command.every), (true, true, Duration::from_secs(6)));
        let groups: Vec<(usize, usize, bool)> = command.groups.iter().map(|g| (g.urls.len(), g.outputs.len(), g.head)).collect();
        assert_eq!(groups, [(2, 1, false), (1, 0, true)]);
        let closes = |line| parse(line).unwrap().groups[0].closes;
        assert!(closes("-0 a") && closes("-HConnection:close a") && !closes("-HHost:x a"));
        for wrong in ["--rate 0/s", "--rate x", "--rate 1/y", "-m soon", "-m", "-Z", "--fast"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
