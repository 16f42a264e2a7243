use std::cell::Cell;

use insta::assert_snapshot;

use super::*;

/// A clock that ticks for ever, and a fuse that sets off a number of sparks at one instant.
#[derive(Clone, Debug, Default)]
struct Toy {
    ticks: u64,
    sparks: u64,
}

#[derive(Clone, Debug, Hash)]
enum Event {
    Tick,
    Fuse(u64),
    Spark,
}

#[derive(Clone, Debug, Hash)]
enum Input {
    Start,
    Light(u64),
}

impl Model for Toy {
    type Event = Event;
    type Input = Input;
    type Reply = u64;

    fn handle(&mut self, event: Event, cx: &mut Context<'_, Event>) {
        match event {
            Event::Tick => {
                self.ticks += 1;
                cx.note(self.ticks);
                cx.schedule(Duration::from_secs(1), Event::Tick);
            }
            Event::Fuse(n) => {
                (0..n).for_each(|_| {
                    cx.schedule(Duration::ZERO, Event::Spark);
                });
            }
            Event::Spark => self.sparks += 1,
        }
    }

    fn accept(&mut self, input: Input, cx: &mut Context<'_, Event>) -> u64 {
        match input {
            Input::Start => cx.schedule(Duration::ZERO, Event::Tick),
            Input::Light(n) => cx.schedule(Duration::from_millis(500), Event::Fuse(n)),
        };
        self.ticks
    }

    fn event_kind(event: &Event) -> &'static str {
        match event {
            Event::Tick => "tick",
            Event::Fuse(_) => "fuse",
            Event::Spark => "spark",
        }
    }

    fn input_kind(_: &Input) -> &'static str {
        "input"
    }

    fn digest_state(&self, digest: &mut Digest) {
        digest.word(self.ticks);
        digest.word(self.sparks);
    }
}

fn ticking() -> Engine<Toy> {
    let mut engine = Engine::new(Toy::default(), Seed(1), Ties::Scheduled);
    engine.input(Input::Start);
    engine
}

const fn at(seconds: u64) -> Instant {
    Instant::from_nanos(seconds * 1_000_000_000)
}

#[test]
fn running_to_a_time_handles_what_is_due_then_and_no_more() {
    let mut engine = ticking();
    assert_eq!(engine.run_until(at(10), &mut Budget::unlimited()), Stop::Reached);
    assert_eq!((engine.model().ticks, engine.now()), (11, at(10)));
    assert_eq!(engine.run_until(at(3), &mut Budget::unlimited()), Stop::Reached);
    assert_eq!(engine.now(), at(10), "the clock never goes back");
    assert_eq!(engine.input(Input::Light(0)), 11, "an input is answered at once");
}

#[test]
fn budgets_end_every_run() {
    let mut engine = ticking();
    let mut budget = Budget::new(5, Duration::from_secs(100));
    assert_eq!(engine.run_until(Instant::FAR_FUTURE, &mut budget), Stop::OutOfEvents);
    assert_eq!((engine.model().ticks, engine.now(), budget.events_left()), (5, at(4), 0));
    assert_eq!(engine.run_until(at(4), &mut budget), Stop::Reached, "nothing is due, so nothing is missing");

    let mut budget = Budget::new(1_000, Duration::from_millis(2_500));
    assert_eq!(engine.run_until(at(60), &mut budget), Stop::OutOfTime);
    assert_eq!(engine.now(), at(4) + Duration::from_millis(2_500));
    assert_eq!(engine.run_until(at(60), &mut budget), Stop::OutOfTime, "what is used up stays used up");
    assert_eq!(engine.now(), at(4) + Duration::from_millis(2_500));

    let asked = Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        asked.get() == 3
    };
    let mut budget = Budget::unlimited().or_when(&stop);
    assert_eq!(engine.run_until(Instant::FAR_FUTURE, &mut budget), Stop::Interrupted);
    assert!((2_048..=3_072).contains(&engine.position().steps));
}

#[test]
fn a_run_ends_when_its_condition_holds_or_nothing_is_left() {
    let mut engine = ticking();
    let done = |e: &Engine<Toy>| e.model().ticks == 7;
    assert_eq!(engine.run(at(60), &mut Budget::unlimited(), done), Stop::Satisfied);
    assert_eq!(engine.now(), at(6));

    let mut quiet = Engine::new(Toy::default(), Seed(1), Ties::Scheduled);
    quiet.input(Input::Light(3));
    assert_eq!(quiet.run_until(Instant::FAR_FUTURE, &mut Budget::unlimited()), Stop::Idle);
    assert_eq!((quiet.model().sparks, quiet.now()), (3, Instant::from_nanos(500_000_000)));
    assert!(!quiet.step());
}

#[test]
fn the_journal_tells_what_led_to_what() {
    let mut engine = ticking();
    engine.input(Input::Light(2));
    engine.run_until(at(1), &mut Budget::unlimited());
    let lines: Vec<String> = engine.journal().entries().map(line).collect();
    assert_snapshot!(lines.join("\n"), @r"
    0s #1 input <- -
    0s #3 input <- -
    0s #2 tick <- 1
    500ms #4 fuse <- 3
    500ms #6 spark <- 4
    500ms #7 spark <- 4
    1s #5 tick <- 2
    ");
    let last_spark = engine.journal().entries().rev().find(|e| e.kind == "spark").expect("a spark").sequence;
    let chain: Vec<String> = engine.journal().causes(last_spark).iter().map(line).collect();
    assert_snapshot!(chain.join("\n"), @r"
    500ms #7 spark <- 4
    500ms #4 fuse <- 3
    0s #3 input <- -
    ");
    assert_eq!(engine.counts(), [("fuse", 1), ("input", 2), ("spark", 2), ("tick", 2)]);
}

fn line(entry: &Entry) -> String {
    let cause = entry.cause.map_or("-".to_owned(), |c| c.get().to_string());
    format!("{} #{} {} <- {cause}", entry.at.since(Instant::START), entry.sequence.get(), entry.kind)
}

#[test]
fn the_journal_forgets_but_the_digest_does_not() {
    let mut engine = ticking();
    let mut other = ticking();
    other.input(Input::Light(1));
    for engine in [&mut engine, &mut other] {
        engine.run_until(at(70_000), &mut Budget::unlimited());
        let kept = engine.journal().entries().count();
        assert!((super::super::pages::KEPT_MAX..70_000).contains(&kept), "{kept}");
    }
    assert!(engine.journal().entries().zip(other.journal().entries()).all(|(a, b)| a.kind == b.kind));
    assert_ne!(engine.digests().history, other.digests().history);
}

#[test]
fn state_is_what_is_and_history_is_how_it_came_about() {
    let (mut one, mut other) = (ticking(), ticking());
    one.input(Input::Light(2));
    other.input(Input::Light(1));
    other.input(Input::Light(1));
    assert_ne!(one.digests().state, other.digests().state, "pending events are part of the state");
    for engine in [&mut one, &mut other] {
        engine.run_until(at(2), &mut Budget::unlimited());
    }
    assert_eq!(one.digests().state, other.digests().state);
    assert_ne!(one.digests().history, other.digests().history);
}
