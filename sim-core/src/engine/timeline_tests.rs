use std::hash::Hash;

use proptest::prelude::*;

use super::super::model::Context;
use super::super::queue::Ties;
use super::super::random::{Digest, Draws, Ratio, Seed, Stream};
use super::*;

/// Balls that bounce among cups at random; every input throws one in. Many events share an instant.
#[derive(Clone, Debug, Hash)]
struct Cups {
    hands: Stream,
    bounces: Vec<u64>,
    thrown: u64,
}

impl Model for Cups {
    type Event = u8;
    type Input = u8;
    type Reply = u64;

    fn handle(&mut self, cup: u8, cx: &mut Context<'_, u8>) {
        let cup = usize::from(cup) % self.bounces.len();
        self.bounces[cup] = self.bounces[cup].wrapping_mul(31).wrapping_add(cx.now().as_nanos());
        cx.note(self.bounces[cup]);
        let lost = cx.draws().keyed("lost", cx.step().get()).chance(Ratio::percent(2));
        if !lost {
            let delay = self.hands.pick(&[0, 1, 1, 2, 10]).copied().unwrap_or_default();
            cx.schedule(Duration::from_nanos(delay), self.hands.below(4) as u8);
        }
    }

    fn accept(&mut self, cup: u8, cx: &mut Context<'_, u8>) -> u64 {
        self.thrown += 1;
        cx.schedule(Duration::from_nanos(u64::from(cup % 3)), cup);
        self.thrown
    }

    fn event_kind(_: &u8) -> &'static str {
        "bounce"
    }

    fn input_kind(_: &u8) -> &'static str {
        "throw"
    }

    fn digest_state(&self, digest: &mut Digest) {
        self.hash(digest);
    }
}

const SPARSE: Spacing = Spacing { events: u64::MAX, kept: 2, bytes: u64::MAX };

fn cups(seed: u64, ties: Ties, spacing: Spacing) -> Timeline<Cups> {
    let hands = Draws::new(Seed(seed)).stream("hands", 0);
    Timeline::new(Engine::new(Cups { hands, bounces: vec![0; 4], thrown: 0 }, Seed(seed), ties), spacing)
}

fn free() -> Budget<'static> {
    Budget::unlimited()
}

const fn at(nanos: u64) -> Instant {
    Instant::from_nanos(nanos)
}

/// Something a session may do on its way forward.
#[derive(Clone, Debug)]
enum Act {
    Throw(u8),
    Advance(u64),
    Steps(u64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![any::<u8>().prop_map(Act::Throw), (0..40_u64).prop_map(Act::Advance), (1..30_u64).prop_map(Act::Steps)]
}

fn play(timeline: &mut Timeline<Cups>, act: &Act) {
    match *act {
        Act::Throw(cup) => {
            timeline.input(cup).expect("the log has room");
        }
        Act::Advance(by) => {
            timeline.run_until(timeline.now() + Duration::from_nanos(by), &mut free());
        }
        Act::Steps(n) => {
            timeline.run(Instant::FAR_FUTURE, &mut Budget::new(n, Duration::from_secs(1)), |_| false);
        }
    }
}

fn ties() -> impl Strategy<Value = Ties> {
    prop_oneof![Just(Ties::Scheduled), any::<u64>().prop_map(Ties::Shuffled)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Every position a session has stood at is found again, in any order, digest for digest.
    #[test]
    fn seeking_is_running(
        seed: u64,
        ties in ties(),
        spacing in (1..40_u64, 2..8_usize).prop_map(|(events, kept)| Spacing { events, kept, bytes: u64::MAX }),
        acts in prop::collection::vec(act(), 1..30),
        visits in prop::collection::vec(any::<prop::sample::Index>(), 1..30),
    ) {
        let mut timeline = cups(seed, ties, spacing);
        let mut seen = vec![(timeline.position(), timeline.digests())];
        for act in &acts {
            play(&mut timeline, act);
            seen.push((timeline.position(), timeline.digests()));
            prop_assert!(timeline.checkpoints().count() <= spacing.kept + 1);
        }
        for visit in visits {
            let (position, digests) = *visit.get(&seen);
            prop_assert_eq!(timeline.seek_position(position, &mut free()), Stop::Reached);
            prop_assert_eq!(timeline.position(), position);
            prop_assert_eq!(timeline.digests(), digests);
        }
    }

    /// Seeking to a time is the same as a run, never interrupted and without checkpoints, to that time.
    #[test]
    fn seeking_a_time_is_running_to_it(
        seed: u64,
        ties in ties(),
        throws in prop::collection::vec((0..20_u64, any::<u8>()), 1..20),
        times in prop::collection::vec(0..400_u64, 1..20),
    ) {
        let mut timeline = cups(seed, ties, Spacing { events: 7, kept: 4, bytes: u64::MAX });
        for (wait, cup) in &throws {
            timeline.run_until(timeline.now() + Duration::from_nanos(*wait), &mut free());
            timeline.input(*cup).expect("the log has room");
        }
        for time in times {
            timeline.seek(at(time), &mut free());
            let mut plain = cups(seed, ties, SPARSE).engine;
            for logged in timeline.inputs().iter().filter(|logged| logged.position.at <= at(time)) {
                plain.run_until(logged.position.at, &mut free());
                plain.input(logged.input);
            }
            plain.run_until(at(time), &mut free());
            prop_assert_eq!(timeline.now(), at(time));
            prop_assert_eq!(timeline.digests(), plain.digests());
        }
    }
}

#[test]
fn the_future_stays_until_something_else_is_done() {
    let mut timeline = cups(1, Ties::Scheduled, Spacing { events: 5, kept: 4, bytes: u64::MAX });
    timeline.input(0).expect("room");
    timeline.run_until(at(50), &mut free());
    timeline.input(1).expect("room");
    timeline.run_until(at(100), &mut free());
    let first = timeline.digests();

    timeline.rewind(Duration::from_nanos(70), &mut free());
    assert_eq!((timeline.now(), timeline.model().thrown, timeline.ahead().len()), (at(30), 1, 1));
    let mut kept = timeline.fork();
    timeline.run_until(at(100), &mut free());
    assert_eq!((timeline.digests(), timeline.ahead().len()), (first, 0), "running forward meets the input again");

    timeline.seek(at(30), &mut free());
    assert_eq!(timeline.input(2), Ok(2));
    assert!(timeline.checkpoints().all(|p| p <= timeline.position()), "what was ahead is gone");
    timeline.run_until(at(100), &mut free());
    assert_ne!(timeline.digests(), first);

    kept.seek(at(100), &mut free());
    assert_eq!(kept.digests(), first, "the fork still has it");
    kept.seek(Instant::START, &mut free());
    assert_eq!(kept.position().at, Instant::START);
}

#[test]
fn a_seek_has_a_budget_too() {
    let mut timeline = cups(2, Ties::Scheduled, SPARSE);
    for cup in 0..200 {
        timeline.input(cup).expect("room");
    }
    assert_eq!(timeline.seek(at(1_000), &mut Budget::new(50, Duration::from_secs(1))), Stop::OutOfEvents);
    assert_eq!(timeline.seek(at(1_000), &mut Budget::new(u64::MAX, Duration::from_nanos(9))), Stop::OutOfTime);
    assert_eq!(timeline.now(), at(9));
    timeline.seek(at(500), &mut free());
    assert_eq!(timeline.seek(at(400), &mut Budget::new(u64::MAX, Duration::ZERO)), Stop::Reached, "back takes no time");
}

#[test]
fn inputs_beyond_the_budget_wait() {
    let mut timeline = cups(2, Ties::Scheduled, SPARSE);
    timeline.run_until(at(1_000), &mut free());
    timeline.input(1).expect("room");
    timeline.seek(Instant::START, &mut free());
    let mut short = Budget::new(u64::MAX, Duration::from_nanos(10));
    assert_eq!(timeline.run_until(Instant::FAR_FUTURE, &mut short), Stop::OutOfTime);
    assert_eq!((timeline.now(), timeline.ahead().len()), (at(10), 1));
    assert_eq!(timeline.run_until(Instant::FAR_FUTURE, &mut free()), Stop::Idle);
    assert_eq!(timeline.ahead().len(), 0);
}

#[test]
fn a_full_log_refuses() {
    let mut timeline = cups(2, Ties::Scheduled, SPARSE);
    timeline.log = vec![Logged { position: timeline.position(), input: 0 }; INPUTS_MAX];
    timeline.done = INPUTS_MAX;
    assert_eq!(timeline.input(0), Err(LogFull));
}

#[test]
fn checkpoints_are_dense_near_the_present_and_sparse_far_away() {
    let mut timeline = cups(4, Ties::Scheduled, Spacing { events: 10, kept: 12, bytes: u64::MAX });
    for throw in 0..4_000_u64 {
        timeline.input(throw as u8).expect("room");
        timeline.run_until(at(throw), &mut free());
    }
    let here = timeline.position().steps;
    let steps: Vec<u64> = timeline.checkpoints().map(|p| p.steps).collect();
    assert_eq!((steps.len(), steps[0]), (13, 0));
    for pair in steps[1..].windows(2) {
        let (hole, distance) = (pair[1] - pair[0], here - pair[0]);
        assert!(hole <= 100.max(distance * 4 / 5), "{hole} at {distance}: {steps:?} {here}");
    }
}

/// Cups of a weight that a test chooses; a copy is counted.
#[derive(Clone, Debug)]
struct Heavy {
    weight: u64,
    copies: std::rc::Rc<std::cell::Cell<u64>>,
    mark: Mark,
}

#[derive(Debug)]
struct Mark(std::rc::Rc<std::cell::Cell<u64>>);

impl Clone for Mark {
    fn clone(&self) -> Mark {
        self.0.set(self.0.get() + 1);
        Mark(self.0.clone())
    }
}

impl Model for Heavy {
    type Event = ();
    type Input = ();
    type Reply = ();

    fn handle(&mut self, (): (), cx: &mut Context<'_, ()>) {
        cx.schedule(Duration::from_nanos(1), ());
    }

    fn accept(&mut self, (): (), cx: &mut Context<'_, ()>) {
        cx.schedule(Duration::ZERO, ());
    }

    fn event_kind((): &()) -> &'static str {
        "tick"
    }

    fn input_kind((): &()) -> &'static str {
        "start"
    }

    fn digest_state(&self, _: &mut Digest) {}

    fn weight(&self) -> u64 {
        self.weight
    }
}

/// A run of a world of this weight, and the count of its copies.
fn ticking(weight: u64, events: u64) -> (Timeline<Heavy>, std::rc::Rc<std::cell::Cell<u64>>) {
    let copies = std::rc::Rc::default();
    let heavy = Heavy { weight, copies: std::rc::Rc::clone(&copies), mark: Mark(std::rc::Rc::clone(&copies)) };
    let mut timeline = Timeline::new(Engine::new(heavy, Seed(1), Ties::Scheduled), Spacing::default());
    timeline.input(()).expect("room");
    timeline.run_until(at(events), &mut free());
    assert!(timeline.model().mark.0.get() > 0 && std::rc::Rc::ptr_eq(&timeline.model().copies, &copies));
    (timeline, copies)
}

#[test]
fn a_step_back_in_a_small_world_runs_at_most_a_thousand_events_again() {
    let (mut timeline, _) = ticking(100 << 10, 60_000);
    for back in 1..3_000 {
        let to = Position { steps: timeline.position().steps - 1, ..timeline.position() };
        let nearest = timeline.checkpoints().filter(|p| p.steps <= to.steps).last().expect("the start at least");
        assert!(to.steps - nearest.steps <= 1_500, "step back {back}: {} from {}", to.steps, nearest.steps);
        // The input is the first step, and a tick follows in each nanosecond from the start on.
        timeline.seek_position(Position { at: at(to.steps - 2), steps: to.steps }, &mut free());
        assert_eq!(timeline.position().steps, to.steps);
    }
}

#[test]
fn going_back_in_a_heavy_world_copies_it_now_and_then_and_not_at_each_event() {
    let (mut timeline, copies) = ticking(100 << 20, 300_000);
    assert!(timeline.checkpoints().count() <= 3, "it has no room for more");
    for target in [250_000, 150_000, 40_000, 200_000, 10_000, 299_000] {
        let before = copies.get();
        timeline.seek(at(target), &mut free());
        let made = copies.get() - before;
        assert!(made <= 8, "{made} copies on the way to {target}");
    }
}
