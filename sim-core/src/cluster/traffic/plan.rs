//! What a load is to do: who sends what to whom, how often, for how long.
//!
//! In real life these are the arguments of a load generator. An **open** loop starts requests at a rate, whether or not the earlier
//! ones were answered, as the public does; a **closed** loop has so many clients, each of which waits for its answer and pauses
//! before it asks again. What a closed loop sees of an outage is flattered: while it waits, it does not ask.

use crate::api::selectors::LabelSelector;
use crate::engine::random::Draws;
use crate::engine::time::{Duration, Instant};
use crate::network::client::Target;
use crate::network::wire::Source;
use crate::objects::Name;

/// Most requests that a load may start in a second.
pub const RATE_MAX: u64 = 10_000;
/// Most clients of a closed loop.
pub const CLIENTS_MAX: u32 = 10_000;
/// The shortest pause of a client between two requests.
pub const PAUSE_MIN: Duration = Duration::from_millis(1);

/// A load, as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Plan {
    /// Its name.
    pub name: Name,
    /// Who sends.
    pub from: Sender,
    /// What, and to whom.
    pub to: Target,
    /// The URL as written.
    pub url: String,
    /// When.
    pub pace: Pace,
    /// Whether connections are kept for further requests.
    pub keep_alive: bool,
    /// For how long requests are started; `None` = until it is stopped.
    pub lasting: Option<Duration>,
    /// How long a client waits for each.
    pub timeout: Option<Duration>,
}

/// Who sends.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Sender {
    /// One place.
    One(Source),
    /// The running pods of a Deployment.
    Deployment(Name, Name),
    /// The running pods of a namespace that a selector matches; with its text.
    Pods(Name, LabelSelector, String),
}

/// When requests start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pace {
    /// So many in each such time.
    Open {
        /// How many ...
        count: u64,
        /// ... in this time.
        per: Duration,
        /// One as likely as another at any moment (a Poisson process); else as far apart as can be.
        random: bool,
    },
    /// Each client starts one as soon as it has paused after the last.
    Closed {
        /// How many clients.
        clients: u32,
        /// How long each pauses.
        pause: Duration,
    },
}

impl Plan {
    /// The time from the start of the load to the start of its request `number`, for an open loop. The first is drawn within one
    /// gap, so that loads begun at one moment do not beat in time.
    pub fn arrival(&self, number: u64, before: Duration, draws: Draws) -> Option<Duration> {
        let Pace::Open { count, per, random } = self.pace else { return None };
        let gap = Duration::from_nanos(per.as_nanos() / count.max(1));
        if random {
            return Some(before + draws.keyed("traffic/arrival", (&self.name, number)).exponential(gap));
        }
        let first = draws.keyed("traffic/first", &self.name).duration(Duration::ZERO, gap);
        let nanos = u128::from(number) * u128::from(per.as_nanos()) / u128::from(count.max(1));
        Some(first + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }

    /// Whether requests are still started at `now`, if it began then.
    pub fn lasts(&self, begun: Instant, now: Instant) -> bool {
        self.lasting.is_none_or(|time| now < begun + time)
    }
}

/// As a user writes it.
impl std::fmt::Display for Sender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Sender::One(Source::Outside) => f.write_str("external"),
            Sender::One(Source::Node(node)) => write!(f, "node/{node}"),
            Sender::One(Source::Pod { namespace, name }) => write!(f, "pod/{namespace}/{name}"),
            Sender::One(Source::Address { ip, at_node }) => write!(f, "{ip} at node/{at_node}"),
            Sender::Deployment(namespace, name) => write!(f, "deployment/{namespace}/{name}"),
            Sender::Pods(namespace, _, selector) => write!(f, "pods/{namespace}/{selector}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::random::Seed;
    use crate::network::wire::HttpRequest;

    fn plan(pace: Pace) -> Plan {
        let request = HttpRequest { method: "GET".into(), path: "/".into(), host: "web".into() };
        Plan {
            name: "shoppers".into(),
            from: Sender::One(Source::Outside),
            to: Target { host: "web".into(), port: 80, tls: false, request },
            url: "http://web".into(),
            pace,
            keep_alive: false,
            lasting: Some(Duration::from_secs(10)),
            timeout: None,
        }
    }

    #[test]
    fn arrivals_keep_the_rate_to_the_nanosecond() {
        let draws = Draws::new(Seed(7));
        let open = |random| plan(Pace::Open { count: 3, per: Duration::from_secs(1), random });
        let even = open(false);
        let at = |number| even.arrival(number, Duration::ZERO, draws).expect("an open loop");
        assert!(at(0) <= Duration::from_nanos(333_333_333));
        // No rounding adds up: the three millionth comes a million seconds after the first.
        assert_eq!(at(3_000_000) - at(0), Duration::from_secs(1_000_000));
        let random = open(true);
        let mut now = Duration::ZERO;
        for number in 0..30_000 {
            now = random.arrival(number, now, draws).expect("an open loop");
        }
        assert!((9_700..10_300).contains(&now.as_secs()), "{now}");
        assert_eq!(plan(Pace::Closed { clients: 1, pause: PAUSE_MIN }).arrival(0, Duration::ZERO, draws), None);
        assert!(even.lasts(Instant::START, Instant::from_nanos(9_999_999_999)));
        assert!(!even.lasts(Instant::START, Instant::from_nanos(10_000_000_000)));
    }
}
