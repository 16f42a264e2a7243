//! What became of the requests of a load: counts, a timeline, latencies, backends and errors, in bounded memory.
//!
//! In real life a load generator writes this at the end; here it can be looked at at any time. All numbers are integers. The
//! timeline has buckets of a tenth of a second; when they are too many, neighbours are put together, so an old load is seen with a
//! grain of about a thousandth of its age. Latencies are kept in buckets that grow with them, 32 to each power of two, as HDR
//! histograms do: a percentile is at most 3 % too high.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::engine::time::{Duration, Instant};
use crate::explain::Reason;
use crate::network::client::{End, Transfer};
use crate::network::wire::Source;
use crate::objects::Name;

/// The width of a young timeline's buckets.
const GRAIN: Duration = Duration::from_millis(100);
/// Most buckets of a timeline.
const BUCKETS_MAX: usize = 2_048;
/// Most backends that are counted one by one.
const BACKENDS_MAX: usize = 1_000;
/// Buckets of latencies to each power of two, as a power of two.
const STEPS: u32 = 5;

/// How many requests ended well, and how many did not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Count {
    /// Well.
    pub good: u64,
    /// Not.
    pub bad: u64,
}

/// Everything known of the requests of a load.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tally {
    /// How many were started.
    pub started: u64,
    /// How many could not be started, because too many were open or nobody was there to send.
    pub not_started: u64,
    /// How many ended with their client: its pod is gone.
    pub abandoned: u64,
    /// All that ended otherwise.
    pub ended: Count,
    /// By the time of their end.
    pub timeline: Timeline,
    /// How long those took that ended well.
    pub latencies: Latencies,
    /// By who served them, or should have.
    pub backends: BTreeMap<(SocketAddr, Name), Count>,
    /// Those of backends that are not counted one by one, and of none.
    pub elsewhere: Count,
    /// Those that did not end well, by how they ended.
    pub errors: BTreeMap<End, Failed>,
}

/// Requests that ended in one bad way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Failed {
    /// How many.
    pub count: u64,
    /// When the first began.
    pub began: Instant,
    /// When it ended.
    pub ended: Instant,
    /// Who sent it.
    pub from: Source,
    /// The packet in which that end is seen, if it sent one: the client's port, and when.
    pub seen_in: Option<(u16, Instant)>,
    /// Why it got no connection, if it got none.
    pub why: Option<Reason>,
}

impl Tally {
    /// A request ended. `since` is the time since the start of the load.
    pub fn end(&mut self, end: End, transfer: &Transfer, now: Instant, since: Duration) {
        let (from, began, backend) = (transfer.from(), transfer.began(), transfer.backend());
        let good = end.is_good();
        self.ended.add(good);
        self.timeline.add(since, good);
        self.count_backend(backend, good);
        if good {
            self.latencies.add(now.since(began));
        } else {
            let (from, seen_in, why) = (from.clone(), transfer.seen_in(end, now), transfer.why(end).cloned());
            let first = || Failed { count: 0, began, ended: now, from, seen_in, why };
            self.errors.entry(end).or_insert_with(first).count += 1;
        }
    }

    /// An address at which nobody is any more stands for the pod that had it.
    fn count_backend(&mut self, backend: Option<&(SocketAddr, Name)>, good: bool) {
        let of_address = |at: SocketAddr| self.backends.keys().rev().find(|(address, _)| *address == at).cloned();
        let backend = match backend {
            Some((address, pod)) if pod.is_empty() => of_address(*address).or_else(|| backend.cloned()),
            backend => backend.cloned(),
        };
        match backend.filter(|b| self.backends.len() < BACKENDS_MAX || self.backends.contains_key(b)) {
            Some(backend) => self.backends.entry(backend).or_default().add(good),
            None => self.elsewhere.add(good),
        }
    }

    /// The bad end that was met first.
    pub fn first_failure(&self) -> Option<&Failed> {
        self.errors.values().min_by_key(|failed| failed.ended)
    }
}

impl Count {
    fn add(&mut self, good: bool) {
        if good {
            self.good += 1;
        } else {
            self.bad += 1;
        }
    }

    /// Both together.
    pub fn all(self) -> u64 {
        self.good + self.bad
    }

    fn plus(self, other: Count) -> Count {
        Count { good: self.good + other.good, bad: self.bad + other.bad }
    }
}

/// Counts by time since the start of the load.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Timeline {
    width: Duration,
    buckets: Vec<Count>,
}

impl Default for Timeline {
    fn default() -> Timeline {
        Timeline { width: GRAIN, buckets: Vec::new() }
    }
}

impl Timeline {
    fn add(&mut self, at: Duration, good: bool) {
        while at.as_nanos() / self.width.as_nanos() >= BUCKETS_MAX as u64 {
            self.buckets = together(&self.buckets, 2);
            self.width = self.width.times(2);
        }
        let bucket = usize::try_from(at.as_nanos() / self.width.as_nanos()).unwrap_or(BUCKETS_MAX - 1);
        if bucket >= self.buckets.len() {
            self.buckets.resize(bucket + 1, Count::default());
        }
        self.buckets[bucket].add(good);
    }

    /// What ended at `from` or later, the bucket that holds `from` included.
    pub fn since(&self, from: Duration) -> Count {
        let first = usize::try_from(from.as_nanos() / self.width.as_nanos()).unwrap_or(usize::MAX);
        self.buckets.iter().skip(first).fold(Count::default(), |sum, count| sum.plus(*count))
    }

    /// The first `lasted`, and all that ended later, in at most `columns` pieces of a second or a multiple of it each. Pieces in which
    /// nothing ended are there, too: a time without an answer is part of the picture.
    pub fn pieces(&self, columns: u64, lasted: Duration) -> (Duration, Vec<Count>) {
        let second = (Duration::from_secs(1).as_nanos() / self.width.as_nanos()).max(1);
        let buckets = (self.buckets.len() as u64).max(lasted.as_nanos().div_ceil(self.width.as_nanos()));
        let at_once = second * buckets.div_ceil(second).div_ceil(columns.max(1)).max(1);
        let mut pieces = together(&self.buckets, usize::try_from(at_once).unwrap_or(usize::MAX));
        pieces.resize(usize::try_from(buckets.div_ceil(at_once)).unwrap_or(pieces.len()), Count::default());
        (self.width.times(at_once), pieces)
    }
}

fn together(buckets: &[Count], at_once: usize) -> Vec<Count> {
    buckets.chunks(at_once).map(|some| some.iter().fold(Count::default(), |sum, count| sum.plus(*count))).collect()
}

/// Times in buckets that grow with them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Latencies {
    buckets: BTreeMap<u16, u64>,
    count: u64,
    max: Duration,
}

impl Latencies {
    fn add(&mut self, time: Duration) {
        *self.buckets.entry(bucket(time.as_nanos())).or_default() += 1;
        self.count += 1;
        self.max = self.max.max(time);
    }

    /// The time within which so many in a thousand were done; `None` of nothing.
    pub fn per_mille(&self, share: u64) -> Option<Duration> {
        let wanted = (self.count * share).div_ceil(1_000).max(1);
        let mut seen = 0;
        let found = self.buckets.iter().find(|(_, n)| {
            seen += **n;
            seen >= wanted
        });
        found.map(|(bucket, _)| Duration::from_nanos(last_of(*bucket)).min(self.max))
    }

    /// The longest.
    pub fn max(&self) -> Option<Duration> {
        (self.count > 0).then_some(self.max)
    }
}

/// The bucket of a number: its highest bit and the five below it.
fn bucket(number: u64) -> u16 {
    let exponent = number.max(1).ilog2().saturating_sub(STEPS);
    u16::try_from((u64::from(exponent) << STEPS) + (number >> exponent)).unwrap_or(u16::MAX)
}

/// The highest number of a bucket.
fn last_of(bucket: u16) -> u64 {
    let exponent = (u32::from(bucket) >> STEPS).saturating_sub(1);
    let head = u64::from(bucket) - (u64::from(exponent) << STEPS);
    ((u128::from(head) + 1) << exponent).saturating_sub(1).min(u128::from(u64::MAX)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_each_other_without_a_gap() {
        for bit in 0..63 {
            for number in [1_u64 << bit, (1 << bit) + 1, (1 << (bit + 1)) - 1] {
                let found = bucket(number);
                assert!(number <= last_of(found), "{number}");
                assert!(found == 0 || last_of(found - 1) < number, "{number}");
                assert!(last_of(found) - number <= number / 32, "{number}: at most 3 % too high");
            }
        }
        assert!(bucket(u64::MAX) < u16::MAX && last_of(bucket(u64::MAX)) == u64::MAX);
    }

    #[test]
    fn percentiles() {
        let mut latencies = Latencies::default();
        assert_eq!((latencies.per_mille(500), latencies.max()), (None, None));
        (1..=1000).for_each(|n| latencies.add(Duration::from_micros(n)));
        let near = |share, want: u64| {
            let got = latencies.per_mille(share).expect("some").as_nanos() / 1_000;
            assert!(got >= want && got <= want + want / 32 + 1, "{share}: {got}");
        };
        near(500, 500);
        near(900, 900);
        near(990, 990);
        assert_eq!(latencies.per_mille(1_000), Some(Duration::from_millis(1)));
        assert_eq!(latencies.max(), Some(Duration::from_millis(1)));
    }

    #[test]
    fn a_long_timeline_grows_coarse_and_loses_nothing() {
        let mut timeline = Timeline::default();
        let secs = Duration::from_secs;
        timeline.add(secs(59), false);
        (0..7_200).for_each(|s| timeline.add(secs(s), true));
        assert!(timeline.buckets.len() <= BUCKETS_MAX);
        assert_eq!(timeline.since(Duration::ZERO), Count { good: 7_200, bad: 1 });
        // To the bucket, which is 6.4 s wide by now.
        assert!((60..67).contains(&timeline.since(secs(7_140)).good));
        let (width, pieces) = timeline.pieces(60, Duration::ZERO);
        assert!(pieces.len() <= 60 && width >= secs(120), "{width}");
        assert_eq!(pieces.iter().map(|c| c.all()).sum::<u64>(), 7_201);
        assert_eq!(pieces[0].bad, 1);
    }

    #[test]
    fn a_time_in_which_nothing_ends_is_shown() {
        let secs = Duration::from_secs;
        let mut timeline = Timeline::default();
        assert_eq!(timeline.pieces(60, Duration::ZERO).1, []);
        assert_eq!(timeline.pieces(60, secs(3)), (secs(1), vec![Count::default(); 3]));
        timeline.add(secs(9), true);
        for (lasted, width, columns) in
            [(3, 1, 10), (10, 1, 10), (60, 1, 60), (61, 2, 31), (180, 3, 60), (315_360_000, 5_256_000, 60)]
        {
            let (each, pieces) = timeline.pieces(60, secs(lasted));
            assert_eq!((each, pieces.len()), (secs(width), columns), "{lasted}");
            assert_eq!(pieces.iter().map(|count| count.all()).sum::<u64>(), 1, "{lasted}");
        }
    }

    #[test]
    fn backends_are_counted_by_pod_up_to_a_limit() {
        let mut tally = Tally::default();
        let mut end =
            |port: u16, pod: &str, good| tally.count_backend(Some(&(SocketAddr::from(([10, 0, 0, 1], port)), pod.into())), good);
        (1..=1_000).for_each(|port| end(port, "web", true));
        end(7, "", false);
        end(2_000, "web", true);
        end(2_000, "", false);
        tally.count_backend(None, false);
        assert_eq!((tally.backends.len(), tally.elsewhere), (BACKENDS_MAX, Count { good: 1, bad: 2 }));
        assert_eq!(tally.backends[&(SocketAddr::from(([10, 0, 0, 1], 7)), "web".into())], Count { good: 1, bad: 1 });
    }
}
