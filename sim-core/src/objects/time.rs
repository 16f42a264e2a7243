//! Timestamps of API objects: a calendar date on the wire, a number inside.
//!
//! In a real cluster each component stamps objects with its own wall clock. Here one clock exists: the scenario's
//! `clock.start` plus simulated time ([`crate::engine::time::Instant`]). Left out: clock skew between machines.
//! The real thing: `k8s.io/apimachinery/pkg/apis/meta/v1/time.go` (RFC 3339, whole seconds) and `micro_time.go`.

use crate::engine::time::{Duration, Instant};

/// Nanoseconds since 1970-01-01T00:00:00Z; may lie before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400;

impl Timestamp {
    /// The timestamp `nanos` nanoseconds after the Unix epoch.
    pub const fn from_unix_nanos(nanos: i64) -> Self {
        Timestamp(nanos)
    }

    /// Nanoseconds since the Unix epoch.
    pub const fn unix_nanos(self) -> i64 {
        self.0
    }

    /// Seconds since the Unix epoch, rounded down.
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(SECOND)
    }

    /// The timestamp of simulated instant `at` when the simulation started at `start`.
    pub fn at(start: Timestamp, at: Instant) -> Self {
        Timestamp(start.0.saturating_add_unsigned(at.as_nanos()))
    }

    /// This timestamp moved later by `d`.
    pub fn plus(self, d: Duration) -> Self {
        Timestamp(self.0.saturating_add_unsigned(d.as_nanos()))
    }

    /// Nanoseconds from `earlier` to `self`; negative if `earlier` is in fact later.
    pub const fn nanos_since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The same moment with the fraction of its second cut off, as `metav1.Time` is stored.
    pub const fn whole_seconds(self) -> Self {
        Timestamp(self.unix_seconds() * SECOND)
    }

    /// Year, month (1-12), day (1-31), hour, minute, second in UTC, and day of the week (0 = Sunday).
    pub fn civil(self) -> Civil {
        let seconds = self.unix_seconds();
        let (days, second_of_day) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
        let (year, month, day) = civil_from_days(days);
        Civil {
            year,
            month,
            day,
            hour: second_of_day / 3600,
            minute: second_of_day / 60 % 60,
            second: second_of_day % 60,
            weekday: (days + 4).rem_euclid(7) as usize,
        }
    }

    /// `2026-01-01T12:00:00Z`, the form of `metav1.Time`.
    pub fn rfc3339(self) -> String {
        let c = self.civil();
        format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", c.year, c.month, c.day, c.hour, c.minute, c.second)
    }

    /// `2026-01-01T12:00:00.000000Z`, the form of `metav1.MicroTime`.
    pub fn rfc3339_micro(self) -> String {
        let text = self.rfc3339();
        format!("{}.{:06}Z", text.trim_end_matches('Z'), self.0.rem_euclid(SECOND) / 1_000)
    }

    /// `Thu, 01 Jan 2026 12:00:00 +0000`, the form that `kubectl describe` prints (RFC 1123 with a numeric zone).
    pub fn rfc1123z(self) -> String {
        let c = self.civil();
        format!(
            "{}, {:02} {} {:04} {:02}:{:02}:{:02} +0000",
            WEEKDAYS[c.weekday],
            c.day,
            MONTHS[c.month as usize - 1],
            c.year,
            c.hour,
            c.minute,
            c.second
        )
    }

    /// Reads RFC 3339 with an optional fraction and a zone of `Z` or `±hh:mm`.
    ///
    /// ```
    /// use sim_core::objects::time::Timestamp;
    /// let t = Timestamp::parse("2026-01-01T13:00:00.5+01:00").unwrap();
    /// assert_eq!(t.rfc3339_micro(), "2026-01-01T12:00:00.500000Z");
    /// ```
    pub fn parse(text: &str) -> Option<Timestamp> {
        let (date, rest) = text.split_once(['T', 't', ' '])?;
        let [year, month, day] = fields(date, '-')?;
        let zone_at = rest.find(['Z', 'z', '+', '-'])?;
        let (clock, zone) = rest.split_at(zone_at);
        let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
        let [hour, minute, second] = fields(clock, ':')?;
        let in_range = (0..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in(year, month)).contains(&day)
            && (0..24).contains(&hour)
            && (0..60).contains(&minute)
            && (0..60).contains(&second);
        if !in_range {
            return None;
        }
        let seconds = days_from_civil(year, month, day) * DAY + hour * 3600 + minute * 60 + second - zone_seconds(zone)?;
        Some(Timestamp(seconds.checked_mul(SECOND)?.checked_add(nanos_of(fraction)?)?))
    }
}

/// A moment as a calendar shows it, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct Civil {
    pub year: i64,
    pub month: i64,
    pub day: i64,
    pub hour: i64,
    pub minute: i64,
    pub second: i64,
    pub weekday: usize,
}

/// English short names of the days, Sunday first.
pub const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
/// English short names of the months, January first.
pub const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn fields(text: &str, separator: char) -> Option<[i64; 3]> {
    let mut parts = text.split(separator);
    let mut next = || {
        let part = parts.next()?;
        if part.is_empty() || part.len() > 4 || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        part.parse().ok()
    };
    let three = [next()?, next()?, next()?];
    parts.next().is_none().then_some(three)
}

fn nanos_of(fraction: &str) -> Option<i64> {
    if fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    digits.parse().ok()
}

fn zone_seconds(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    ((0..24).contains(&hours) && (0..60).contains(&minutes)).then_some(sign * (hours * 3600 + minutes * 60))
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a proleptic Gregorian date. Years are counted from March, so that the leap day comes last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (y.div_euclid(400), y.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_print_and_parse_back() {
        for text in ["1970-01-01T00:00:00Z", "2026-01-01T12:00:00Z", "2024-02-29T23:59:59Z", "1999-12-31T00:00:00Z"] {
            assert_eq!(Timestamp::parse(text).unwrap().rfc3339(), text);
        }
        assert_eq!(Timestamp::parse("2026-01-01T11:55:01Z").unwrap().rfc1123z(), "Thu, 01 Jan 2026 11:55:01 +0000");
    }

    #[test]
    fn what_is_not_a_date_is_refused() {
        for text in ["", "2026-01-01", "2026-13-01T00:00:00Z", "2023-02-29T00:00:00Z", "2026-01-01T00:00:00", "x"] {
            assert_eq!(Timestamp::parse(text), None, "{text:?}");
        }
    }
}
