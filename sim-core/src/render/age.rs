//! How long ago something happened, as kubectl says it: `5m`, `3h12m`, `8d`.
//!
//! Real kubectl and API server use `k8s.io/apimachinery/pkg/util/duration` (`HumanDuration`); the steps below are its steps.

use crate::objects::time::Timestamp;

const SECOND: i64 = 1_000_000_000;
const DAYS_PER_YEAR: i64 = 365;

/// A length of `nanos` nanoseconds, rounded down with fewer digits the longer it is.
///
/// ```
/// use sim_core::render::age::human_duration;
/// assert_eq!(human_duration(75_000_000_000), "75s");
/// assert_eq!(human_duration(-2_000_000_000), "<invalid>");
/// ```
pub fn human_duration(nanos: i64) -> String {
    // Go truncates towards zero: -1.5 s counts as -1 s.
    let seconds = nanos / SECOND;
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let days = hours / 24;
    match seconds {
        s if s < -1 => "<invalid>".into(),
        s if s < 0 => "0s".into(),
        s if s < 120 => format!("{s}s"),
        s if minutes < 10 => two(minutes, "m", s % 60, "s"),
        _ if minutes < 180 => format!("{minutes}m"),
        _ if hours < 8 => two(hours, "h", minutes % 60, "m"),
        _ if hours < 48 => format!("{hours}h"),
        _ if hours < 24 * 8 => two(days, "d", hours % 24, "h"),
        _ if days < DAYS_PER_YEAR * 2 => format!("{days}d"),
        _ if days < DAYS_PER_YEAR * 8 => two(days / DAYS_PER_YEAR, "y", days % DAYS_PER_YEAR, "d"),
        _ => format!("{}y", days / DAYS_PER_YEAR),
    }
}

/// The age of something that happened at `then`, seen at `now`; `<unknown>` if it carries no time.
pub fn age(then: Option<Timestamp>, now: Timestamp) -> String {
    then.map_or_else(|| "<unknown>".into(), |then| human_duration(now.nanos_since(then)))
}

fn two(large: i64, unit: &str, small: i64, small_unit: &str) -> String {
    if small == 0 { format!("{large}{unit}") } else { format!("{large}{unit}{small}{small_unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_of_the_ladder() {
        let (minute, hour, day) = (60, 3600, 86_400);
        for (seconds, text) in [
            (-2, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (125, "2m5s"),
            (9 * minute + 59, "9m59s"),
            (10 * minute, "10m"),
            (180 * minute - 1, "179m"),
            (180 * minute, "3h"),
            (8 * hour - 1, "7h59m"),
            (8 * hour, "8h"),
            (48 * hour, "2d"),
            (8 * day - 1, "7d23h"),
            (8 * day, "8d"),
            (730 * day - 1, "729d"),
            (730 * day, "2y"),
            (8 * 365 * day - 1, "7y364d"),
            (8 * 365 * day, "8y"),
        ] {
            assert_eq!(human_duration(seconds * SECOND), text, "{seconds} s");
        }
        assert_eq!(human_duration(-SECOND * 3 / 2), "0s");
        assert_eq!(age(None, Timestamp::default()), "<unknown>");
    }
}
