//! Randomness: everything follows from a seed and a name, nothing from the order of asking.
//!
//! * A **stream** belongs to one component: `stream("proxy", 17)` is seeded by hash(seed, name, index). A new component, or
//!   one more draw in an old one, never shifts the numbers of another.
//! * A **keyed draw** belongs to one thing: `keyed("kubelet/start", uid)` is a pure function of seed, name and key. Leaving
//!   one fault out of a run does not reshuffle the rest.
//!
//! The generator is PCG XSL-RR 128/64 of `rand_pcg`. Turning its bits into choices is done here, with integers only,
//! because libraries reserve the right to change the values of their range helpers, and a change would alter every
//! recorded run.
//!
//! Hashing is done here as well: [`Digest`] must give the same number on every platform, debug or release.
//! It takes 64-bit words with a multiply and a shift each (FNV's shape, a word at a time) and finishes with SplitMix64.
//! Neither is meant to withstand an adversary.
//!
//! Sources: O'Neill, *PCG* (2014); Lemire, *Fast Random Integer Generation in an Interval* (2019); Steele, Lea, Flood,
//! *Fast Splittable Pseudorandom Number Generators* (2014).

use std::hash::{Hash, Hasher};

use rand::Rng as _;
use rand_pcg::Pcg64;

use super::time::Duration;

/// SplitMix64's finalizer: a bijection in which every input bit reaches every output bit.
#[inline]
pub(super) const fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// A running 64-bit hash, the same everywhere. Equal digests mean equal histories, or a chance of one in 2^64.
///
/// It is also a [`Hasher`], so a type that derives `Hash` can be folded in with `value.hash(&mut digest)`; machine-sized integers
/// count as 64-bit ones. What a derived `Hash` feeds it is the compiler's choice: the same on every machine for one version
/// of the program, which is as long as digests are compared.
///
/// ```
/// use sim_core::engine::random::Digest;
/// let mut digest = Digest::new();
/// digest.text("web");
/// digest.word(80);
/// assert_eq!(digest.value(), Digest::of(&("web", 80_u64)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(u64);

impl Digest {
    /// FNV's 64-bit offset basis: any number but zero will do.
    const START: u64 = 0xcbf2_9ce4_8422_2325;
    /// 2^64 divided by the golden ratio, made odd.
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

    /// Nothing folded in yet.
    pub const fn new() -> Self {
        Digest(Self::START)
    }

    /// The digest of one value.
    pub fn of<T: Hash + ?Sized>(value: &T) -> u64 {
        let mut digest = Digest::new();
        value.hash(&mut digest);
        digest.value()
    }

    /// Folds in a number.
    #[inline]
    pub const fn word(&mut self, word: u64) {
        let product = (self.0 ^ word).wrapping_mul(Self::FACTOR);
        self.0 = product ^ (product >> 32);
    }

    /// Folds in a text, its length included, so that neighbours never run together.
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
        self.word(0xff);
    }

    /// Folds in bytes, their number included.
    pub fn bytes(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.word(u64::from_le_bytes(last));
        self.word(bytes.len() as u64);
    }

    /// The digest so far.
    pub const fn value(&self) -> u64 {
        mix(self.0)
    }
}

impl Default for Digest {
    fn default() -> Self {
        Digest::new()
    }
}

impl Hasher for Digest {
    fn finish(&self) -> u64 {
        self.value()
    }
    fn write(&mut self, bytes: &[u8]) {
        self.bytes(bytes);
    }
    #[inline]
    fn write_u8(&mut self, n: u8) {
        self.word(u64::from(n));
    }
    #[inline]
    fn write_u16(&mut self, n: u16) {
        self.word(u64::from(n));
    }
    #[inline]
    fn write_u32(&mut self, n: u32) {
        self.word(u64::from(n));
    }
    #[inline]
    fn write_u64(&mut self, n: u64) {
        self.word(n);
    }
    #[inline]
    fn write_u128(&mut self, n: u128) {
        self.word(n as u64);
        self.word((n >> 64) as u64);
    }
    #[inline]
    fn write_usize(&mut self, n: usize) {
        self.word(n as u64);
    }
    #[inline]
    fn write_i8(&mut self, n: i8) {
        self.word(n as u64);
    }
    #[inline]
    fn write_i16(&mut self, n: i16) {
        self.word(n as u64);
    }
    #[inline]
    fn write_i32(&mut self, n: i32) {
        self.word(n as u64);
    }
    #[inline]
    fn write_i64(&mut self, n: i64) {
        self.word(n as u64);
    }
    #[inline]
    fn write_i128(&mut self, n: i128) {
        self.write_u128(n as u128);
    }
    /// Discriminants of enums come this way.
    #[inline]
    fn write_isize(&mut self, n: isize) {
        self.word(n as u64);
    }
}

/// What makes one run differ from another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Seed(pub u64);

/// The source of every random number of a run. `Copy`: any component may keep one, as it holds no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draws(Seed);

impl Draws {
    /// The draws that follow from a seed.
    pub const fn new(seed: Seed) -> Self {
        Draws(seed)
    }

    /// The seed.
    pub const fn seed(self) -> Seed {
        self.0
    }

    /// The beginning of a component's stream; the component keeps it and draws on.
    pub fn stream(self, name: &str, index: u64) -> Stream {
        self.named("stream", name, index)
    }

    /// The draws that belong to one thing: the same whenever, and in whatever order, they are asked for.
    ///
    /// ```
    /// use sim_core::engine::random::{Draws, Seed};
    /// let draws = Draws::new(Seed(7));
    /// let first = draws.keyed("start", ("default", "web-1")).below(100);
    /// draws.keyed("start", ("default", "web-2")).below(100);
    /// assert_eq!(draws.keyed("start", ("default", "web-1")).below(100), first);
    /// ```
    pub fn keyed(self, name: &str, key: impl Hash) -> Stream {
        self.named("keyed", name, key)
    }

    fn named(self, domain: &str, name: &str, key: impl Hash) -> Stream {
        let mut digest = Digest::new();
        digest.word(self.0.0);
        digest.text(domain);
        digest.text(name);
        key.hash(&mut digest);
        let low = digest.value();
        digest.word(low);
        Stream(Pcg64::new((u128::from(digest.value()) << 64) | u128::from(low), u128::from(mix(low ^ self.0.0))))
    }
}

/// A probability as a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ratio {
    numerator: u64,
    denominator: u64,
}

impl Ratio {
    /// `numerator` in `denominator`; none if that is no probability.
    pub const fn new(numerator: u64, denominator: u64) -> Option<Ratio> {
        if denominator == 0 || numerator > denominator { None } else { Some(Ratio { numerator, denominator }) }
    }

    /// So many in a hundred; more than a hundred is certainty.
    pub const fn percent(percent: u64) -> Ratio {
        Ratio { numerator: if percent > 100 { 100 } else { percent }, denominator: 100 }
    }
}

/// A sequence of random numbers. A clone continues with the same numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream(Pcg64);

impl Stream {
    /// 64 random bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `n`, each as likely as the other; 0 if `n` is 0.
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        // The high word of bits x n is the answer; the low word tells the few products that would favour some answers.
        let mut product = u128::from(self.bits()) * u128::from(n);
        if (product as u64) < n {
            let unfair = n.wrapping_neg() % n;
            while (product as u64) < unfair {
                product = u128::from(self.bits()) * u128::from(n);
            }
        }
        (product >> 64) as u64
    }

    /// A number from `low` to `high`, both included; `low` if the range is empty.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        match high.saturating_sub(low) {
            u64::MAX => self.bits(),
            span => low + self.below(span + 1),
        }
    }

    /// A length of time from `low` to `high`, both included; `low` if the range is empty.
    pub fn duration(&mut self, low: Duration, high: Duration) -> Duration {
        Duration::from_nanos(self.between(low.as_nanos(), high.as_nanos()))
    }

    /// True in `ratio` of all cases.
    pub fn chance(&mut self, ratio: Ratio) -> bool {
        self.below(ratio.denominator) < ratio.numerator
    }

    /// One of the items; none if there are none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len() as u64) as usize)
    }

    /// Puts the items in a random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }

    /// A waiting time without memory: exponential, with this mean.
    pub fn exponential(&mut self, mean: Duration) -> Duration {
        let nanos = (u128::from(mean.as_nanos()) * u128::from(minus_ln(self.bits()))) >> 32;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// Where a stream stands is part of a model's state: it decides what comes next.
impl Hash for Stream {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut ahead = self.clone();
        state.write_u64(ahead.bits());
        state.write_u64(ahead.bits());
    }
}

/// -ln(bits / 2^64) in units of 2^-32. The logarithm to base 2 is found bit by bit: squaring a number doubles its logarithm.
fn minus_ln(bits: u64) -> u64 {
    const LN_2: u128 = 0xb172_17f7; // ln 2 in units of 2^-32
    let u = bits.max(1);
    let whole = u.ilog2();
    let mut mantissa = u << (63 - whole); // in [1, 2), units of 2^-63
    let mut log = u64::from(whole);
    for _ in 0..32 {
        let square = (u128::from(mantissa) * u128::from(mantissa)) >> 63; // in [1, 4)
        let carry = (square >> 64) as u32; // 1 if it is 2 or more
        mantissa = (square >> carry) as u64;
        log = (log << 1) | u64::from(carry);
    }
    let minus_log_2 = (64_u64 << 32) - log;
    ((u128::from(minus_log_2) * LN_2) >> 32) as u64
}

#[cfg(test)]
#[path = "random_tests.rs"]
mod tests;
