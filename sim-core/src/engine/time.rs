//! Simulated time: unsigned 64-bit nanoseconds, exact to print and to parse.
//!
//! There is no clock here. Time is a number that only [`crate::engine`]'s run loop moves forward; 584 years fit.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

/// A point in simulated time: nanoseconds since the start of the simulation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

/// A length of simulated time in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(u64);

impl Instant {
    /// The start of the simulation.
    pub const START: Instant = Instant(0);
    /// The last representable instant.
    pub const FAR_FUTURE: Instant = Instant(u64::MAX);

    /// The instant `nanos` nanoseconds after the start.
    pub const fn from_nanos(nanos: u64) -> Self {
        Instant(nanos)
    }

    /// Nanoseconds since the start.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Time since `earlier`; zero if `earlier` is in fact later.
    pub const fn since(self, earlier: Instant) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }
}

impl Duration {
    /// No time at all.
    pub const ZERO: Duration = Duration(0);

    /// Rounded down, for people: `2m09s`, `12s`, `0.4s`, `77ms`, `1.2ms`, `50us`.
    pub fn brief(self) -> String {
        let (secs, millis) = (self.as_secs(), self.as_millis());
        match secs {
            3600.. => format!("{}h{:02}m", secs / 3600, secs % 3600 / 60),
            60.. => format!("{}m{:02}s", secs / 60, secs % 60),
            10.. => format!("{secs}s"),
            _ if millis >= 100 => format!("{}.{}s", secs, millis % 1000 / 100),
            _ if millis >= 10 => format!("{millis}ms"),
            _ if millis > 0 => Duration::from_micros(self.as_nanos() / 100_000 * 100).to_string(),
            _ => Duration::from_micros(self.as_nanos() / 1_000).to_string(),
        }
    }

    /// `n` nanoseconds.
    pub const fn from_nanos(n: u64) -> Self {
        Duration(n)
    }
    /// `n` microseconds.
    pub const fn from_micros(n: u64) -> Self {
        Duration(n.saturating_mul(1_000))
    }
    /// `n` milliseconds.
    pub const fn from_millis(n: u64) -> Self {
        Duration(n.saturating_mul(1_000_000))
    }
    /// `n` seconds.
    pub const fn from_secs(n: u64) -> Self {
        Duration(n.saturating_mul(1_000_000_000))
    }
    /// The length in nanoseconds.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }
    /// The length in whole milliseconds, rounded down.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000_000
    }
    /// The length in whole seconds, rounded down.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000_000_000
    }
    /// `self * n`, saturating.
    pub const fn times(self, n: u64) -> Self {
        Duration(self.0.saturating_mul(n))
    }

    /// Reads `1h2m3.5s`, `250ms`, `10us`, `7ns`, or a bare `0`: the forms of Go's `time.ParseDuration` without a sign.
    ///
    /// ```
    /// use sim_core::engine::time::Duration;
    /// assert_eq!(Duration::parse("1m30s"), Some(Duration::from_secs(90)));
    /// assert_eq!(Duration::parse("1.5s"), Some(Duration::from_millis(1500)));
    /// assert_eq!(Duration::parse("5"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Duration> {
        Duration::read(text).ok()
    }

    /// The same, with what is wrong.
    pub fn read(text: &str) -> Result<Duration, Unread> {
        if text == "0" {
            return Ok(Duration::ZERO);
        }
        let mut rest = text;
        let mut total: u64 = 0;
        while !rest.is_empty() || total == 0 && rest.len() == text.len() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or(Unread::NotATime)?;
            let (number, tail) = rest.split_at(digits);
            let letters = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(letters);
            let part = scaled(number, unit_nanos(unit).ok_or(Unread::NotATime)?)?;
            total = total.checked_add(part).ok_or(Unread::TooLong)?;
            rest = tail;
        }
        Ok(Duration(total))
    }
}

/// Why a text is no length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// It is written wrongly.
    NotATime,
    /// It is longer than can be counted.
    TooLong,
}

fn unit_nanos(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// `number` (digits with at most one point) times `unit`, exactly, without floats.
fn scaled(number: &str, unit: u64) -> Result<u64, Unread> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return Err(Unread::NotATime);
    }
    // Digits that are no number are too many.
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| Unread::TooLong)? };
    let mut nanos = whole.checked_mul(unit).ok_or(Unread::TooLong)?;
    let mut place = unit;
    for digit in fraction.bytes() {
        place /= 10;
        nanos = nanos.checked_add(u64::from(digit - b'0') * place).ok_or(Unread::TooLong)?;
    }
    Ok(nanos)
}

impl Add<Duration> for Instant {
    type Output = Instant;
    fn add(self, d: Duration) -> Instant {
        Instant(self.0.saturating_add(d.0))
    }
}
impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, d: Duration) {
        *self = *self + d;
    }
}
impl Sub<Duration> for Instant {
    type Output = Instant;
    fn sub(self, d: Duration) -> Instant {
        Instant(self.0.saturating_sub(d.0))
    }
}
impl Add for Duration {
    type Output = Duration;
    fn add(self, d: Duration) -> Duration {
        Duration(self.0.saturating_add(d.0))
    }
}
impl Sub for Duration {
    type Output = Duration;
    fn sub(self, d: Duration) -> Duration {
        Duration(self.0.saturating_sub(d.0))
    }
}

impl fmt::Display for Duration {
    /// Prints the shortest exact form: `0s`, `1m30s`, `1.5s`, `250ms`, `2h0m1s` is written `2h1s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut rest, mut wrote) = (self.0, false);
        for (unit, nanos) in [("h", 3_600_000_000_000), ("m", 60_000_000_000)] {
            if rest >= nanos {
                write!(f, "{}{unit}", rest / nanos)?;
                rest %= nanos;
                wrote = true;
            }
        }
        let (unit, nanos) = match rest {
            0 if wrote => return Ok(()),
            0 => ("s", 1_000_000_000),
            r if r >= 1_000_000_000 || wrote => ("s", 1_000_000_000),
            r if r >= 1_000_000 => ("ms", 1_000_000),
            r if r >= 1_000 => ("us", 1_000),
            _ => ("ns", 1),
        };
        let (whole, part) = (rest / nanos, rest % nanos);
        if part == 0 {
            return write!(f, "{whole}{unit}");
        }
        let width = nanos.ilog10() as usize;
        let digits = format!("{part:0width$}");
        write!(f, "{whole}.{}{unit}", digits.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        let cases = [
            (129_261_000_000, "2m09s"),
            (12_900_000_000, "12s"),
            (5_000_000_000, "5.0s"),
            (432_000_000, "0.4s"),
            (77_190_947, "77ms"),
            (2_149_000, "2.1ms"),
            (100_000, "100us"),
            (7_500_000_000_000, "2h05m"),
        ];
        for (nanos, text) in cases {
            assert_eq!(Duration::from_nanos(nanos).brief(), text);
        }
    }

    #[test]
    fn durations_print_and_parse_back() {
        for (text, nanos) in [
            ("0s", 0),
            ("7ns", 7),
            ("1.5us", 1_500),
            ("250ms", 250_000_000),
            ("1.5s", 1_500_000_000),
            ("1m", 60_000_000_000),
            ("1m30s", 90_000_000_000),
            ("2h0.25s", 7_200_250_000_000),
        ] {
            assert_eq!(Duration(nanos).to_string(), text);
            assert_eq!(Duration::parse(text), Some(Duration(nanos)), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_duration_is_refused() {
        for text in ["", "5", "s", "1x", "1.2.3s", "-1s", "1s 2s", "99999999999999999999s", ".s"] {
            assert_eq!(Duration::parse(text), None, "{text:?}");
        }
    }
}
