use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;

fn draws(seed: u64) -> Draws {
    Draws::new(Seed(seed))
}

/// These numbers are part of every recorded run: a change here changes them all.
#[test]
fn the_numbers_never_change() {
    let mut stream = draws(7).stream("proxy", 17);
    let mut digest = Digest::new();
    digest.text("abc");
    digest.bytes(b"0123456789");
    digest.word(5);
    let shown = format!(
        "{:016x} {:016x} {} {} {:016x} {:016x}",
        stream.bits(),
        draws(7).keyed("start", 17_u64).bits(),
        stream.below(1_000_000),
        stream.exponential(Duration::from_secs(1)),
        digest.value(),
        Digest::of(&(Some(3_u8), "web", -1_i32, [1_usize, 2].as_slice())),
    );
    assert_snapshot!(shown, @"7dfe71db7f02c36c 31bbc4e17cf61d29 950920 831.159669ms 17f18e469daf3450 bbf57ce799e6527c");
}

#[test]
fn names_and_indexes_and_seeds_all_matter() {
    let streams = [
        draws(1).stream("a", 0),
        draws(2).stream("a", 0),
        draws(1).stream("b", 0),
        draws(1).stream("a", 1),
        draws(1).keyed("a", 0_u64),
    ];
    let mut firsts = streams.map(|mut s| s.bits());
    firsts.sort_unstable();
    assert!(firsts.windows(2).all(|pair| pair[0] != pair[1]), "{firsts:x?}");
}

#[test]
fn neighbours_in_a_digest_do_not_run_together() {
    for (one, other) in [(["ab", "c"], ["a", "bc"]), (["", "a"], ["a", ""]), (["a\0", ""], ["a", "\0"])] {
        let digest = |parts: [&str; 2]| {
            let mut digest = Digest::new();
            parts.into_iter().for_each(|part| digest.text(part));
            digest.value()
        };
        assert_ne!(digest(one), digest(other), "{one:?} {other:?}");
    }
}

#[test]
fn an_exponential_wait_has_its_mean() {
    let mut stream = draws(3).stream("wait", 0);
    let (n, mean) = (20_000, Duration::from_millis(40));
    let waits: Vec<u64> = (0..n).map(|_| stream.exponential(mean).as_nanos()).collect();
    let average = waits.iter().sum::<u64>() / n;
    assert!((39_000_000..41_000_000).contains(&average), "{average}");
    // One in e^2 = 7.39 waits more than twice the mean.
    let long = waits.iter().filter(|&&w| w > 80_000_000).count();
    assert!((2_550..2_870).contains(&long), "{long}");
}

#[test]
fn logarithms_are_exact_to_nine_digits() {
    for bits in [1, 2, 3, 1_000_003, 1 << 40, u64::MAX / 3, u64::MAX / 2, u64::MAX - 1, u64::MAX] {
        let exact = -((bits as f64) / 2f64.powi(64)).ln();
        let ours = minus_ln(bits) as f64 / 2f64.powi(32);
        assert!((exact - ours).abs() < 2e-8, "{bits}: {exact} {ours}");
    }
}

#[test]
fn chances_come_true_as_often_as_they_say() {
    let mut stream = draws(5).stream("chance", 0);
    let mut hits = |ratio| (0..10_000).filter(|_| stream.chance(ratio)).count();
    assert_eq!(hits(Ratio::percent(0)), 0);
    assert_eq!(hits(Ratio::percent(300)), 10_000);
    assert!((2_350..2_650).contains(&hits(Ratio::percent(25))));
    assert_eq!((Ratio::new(1, 0), Ratio::new(3, 2)), (None, None));
    assert_eq!(stream.pick::<u8>(&[]), None);
}

proptest! {
    #[test]
    fn below_is_below(seed: u64, n in prop_oneof![1..20_u64, any::<u64>()]) {
        let mut stream = draws(seed).stream("x", 0);
        for _ in 0..20 {
            prop_assert!(stream.below(n) < n.max(1));
        }
    }

    #[test]
    fn between_stays_between(seed: u64, a: u64, b: u64) {
        let drawn = draws(seed).stream("x", 0).between(a, b);
        prop_assert!(drawn == a || (a <= drawn && drawn <= b));
    }

    #[test]
    fn keyed_draws_do_not_depend_on_order(seed: u64, keys in prop::collection::vec(any::<u32>(), 1..20)) {
        let ask = |key: &u32| draws(seed).keyed("start", key).below(1_000_000);
        let forward: Vec<u64> = keys.iter().map(ask).collect();
        let mut backward: Vec<u64> = keys.iter().rev().map(ask).collect();
        backward.reverse();
        prop_assert_eq!(forward, backward);
    }

    #[test]
    fn shuffling_loses_nothing(seed: u64, mut items in prop::collection::vec(any::<u8>(), 0..30)) {
        let mut shuffled = items.clone();
        draws(seed).stream("x", 0).shuffle(&mut shuffled);
        items.sort_unstable();
        shuffled.sort_unstable();
        prop_assert_eq!(items, shuffled);
    }
}

/// The smallest `n` for which an unfair draw would show: each of three answers comes up a third of the time.
#[test]
fn below_is_fair() {
    let mut stream = draws(11).stream("x", 0);
    let mut counts = [0_u32; 3];
    (0..30_000).for_each(|_| counts[stream.below(3) as usize] += 1);
    assert!(counts.iter().all(|c| (9_700..10_300).contains(c)), "{counts:?}");
}
