//! `date`: the simulated clock, in UTC.

use super::not_modelled;
use crate::console::host::{Host, Outcome};
use crate::objects::time::{MONTHS, Timestamp, WEEKDAYS};

const WEEKDAYS_LONG: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS_LONG: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/// `date [-u] [-R] [-I[seconds]] [+FORMAT]`
pub(super) fn date(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    let now = host.world().now();
    let mut pattern = "%a %b %e %H:%M:%S %Z %Y";
    for argument in &argv[1..] {
        match argument.as_str() {
            "-u" | "--utc" | "--universal" => {}
            "-R" | "--rfc-email" => pattern = "%a, %d %b %Y %H:%M:%S %z",
            "-I" | "--iso-8601" | "-Idate" => pattern = "%F",
            "-Iseconds" | "--iso-8601=seconds" => pattern = "%FT%T+00:00",
            "-Ins" | "--iso-8601=ns" => pattern = "%FT%T,%N+00:00",
            other => match other.strip_prefix('+') {
                Some(given) => pattern = given,
                None => return not_modelled("date", &format!("'{other}' is not modelled; the clock is the simulation's")),
            },
        }
    }
    Outcome::out(format(now, pattern) + "\n")
}

/// A moment by the conversions of strftime; unknown ones stay as they are.
pub(super) fn format(at: Timestamp, pattern: &str) -> String {
    let c = at.civil();
    let mut out = String::new();
    let mut chars = pattern.chars();
    while let Some(letter) = chars.next() {
        if letter != '%' {
            out.push(letter);
            continue;
        }
        let twelve = match c.hour % 12 {
            0 => 12,
            hour => hour,
        };
        match chars.next() {
            Some('Y') => out.push_str(&c.year.to_string()),
            Some('y') => out.push_str(&format!("{:02}", c.year.rem_euclid(100))),
            Some('m') => out.push_str(&format!("{:02}", c.month)),
            Some('d') => out.push_str(&format!("{:02}", c.day)),
            Some('e') => out.push_str(&format!("{:2}", c.day)),
            Some('H') => out.push_str(&format!("{:02}", c.hour)),
            Some('I') => out.push_str(&format!("{twelve:02}")),
            Some('M') => out.push_str(&format!("{:02}", c.minute)),
            Some('S') => out.push_str(&format!("{:02}", c.second)),
            Some('p') => out.push_str(if c.hour < 12 { "AM" } else { "PM" }),
            Some('s') => out.push_str(&at.unix_seconds().to_string()),
            Some('N') => out.push_str(&format!("{:09}", at.unix_nanos().rem_euclid(1_000_000_000))),
            Some('a') => out.push_str(WEEKDAYS[c.weekday]),
            Some('A') => out.push_str(WEEKDAYS_LONG[c.weekday]),
            Some('b' | 'h') => out.push_str(MONTHS[c.month as usize - 1]),
            Some('B') => out.push_str(MONTHS_LONG[c.month as usize - 1]),
            Some('u') => out.push_str(&(if c.weekday == 0 { 7 } else { c.weekday }).to_string()),
            Some('w') => out.push_str(&c.weekday.to_string()),
            Some('F') => out.push_str(&format(at, "%Y-%m-%d")),
            Some('T' | 'X') => out.push_str(&format(at, "%H:%M:%S")),
            Some('R') => out.push_str(&format(at, "%H:%M")),
            Some('D' | 'x') => out.push_str(&format(at, "%m/%d/%y")),
            Some('c') => out.push_str(&format(at, "%a %b %e %H:%M:%S %Y")),
            Some('Z') => out.push_str("UTC"),
            Some('z') => out.push_str("+0000"),
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('%') => out.push('%'),
            Some(other) => out.extend(['%', other]),
            None => out.push('%'),
        }
    }
    out
}
