//! The engine, with journal and digest on as the cluster runs it, beside the crate `simcore`, in one process.
//!
//! Three workloads, the same for both engines:
//!
//! * **ping-pong**: two actors send one message to and fro, one second each way;
//! * **hold 1k, hold 100k**: each of n actors has one timer, and arms it again with an exponential delay (mean 1 s) when it
//!   fires. The figures are for the steady state, after 2n events.
//!
//! Delays come from an integer table and a wyhash-style generator. Ours touches a 64-byte record of the actor at each event;
//! `simcore` is given the lighter work of a counter. One iteration is one event. `cargo bench -p sim-core --bench engine`

#![expect(clippy::disallowed_methods, reason = "a benchmark measures wall time")]

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration as WallTime;

use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime as Wall};
use serde::Serialize;
use sim_core::engine::model::{Context, Model};
use sim_core::engine::queue::Ties;
use sim_core::engine::random::{Digest, Seed};
use sim_core::engine::run::{Budget, Engine, Stop};
use sim_core::engine::time::{Duration, Instant};
use simcore::{Event, EventHandler, Id, Simulation, SimulationContext};

/// Delays of either workload, in nanoseconds.
#[derive(Clone)]
enum Delays {
    Fixed,
    Exponential { table: Rc<[u64]>, state: u64 },
}

impl Delays {
    fn exponential() -> Self {
        let entry = |i: u32| (-(1.0 - (f64::from(i) + 0.5) / 1024.0).ln() * 1e9) as u64;
        Delays::Exponential { table: (0..1024).map(entry).collect(), state: 42 }
    }

    fn next(&mut self) -> u64 {
        let Delays::Exponential { table, state } = self else { return 1_000_000_000 };
        *state = state.wrapping_add(0xa076_1d64_78bd_642f);
        let product = u128::from(*state) * u128::from(*state ^ 0xe703_7ed1_a0b4_28db);
        let draw = (product >> 64) as u64 ^ product as u64;
        table[(draw >> 54) as usize] + (draw & 0xffff)
    }
}

/// One cache line an actor.
#[derive(Clone, Default)]
#[repr(align(64))]
struct Actor {
    fired: u64,
    last: u64,
}

#[derive(Clone)]
struct Actors {
    actors: Vec<Actor>,
    delays: Delays,
    /// A timer belongs to the actor that fires, a message goes on to the next.
    hop: u32,
}

impl Model for Actors {
    type Event = u32;
    type Input = ();
    type Reply = ();

    fn handle(&mut self, target: u32, cx: &mut Context<'_, u32>) {
        let actor = &mut self.actors[target as usize];
        actor.fired += 1;
        actor.last = cx.now().as_nanos();
        let next = if self.hop == 0 { target } else { (target + self.hop) % self.actors.len() as u32 };
        let delay = Duration::from_nanos(self.delays.next());
        cx.schedule(delay, next);
    }

    fn accept(&mut self, (): (), cx: &mut Context<'_, u32>) {
        let timers = if self.hop == 0 { self.actors.len() as u32 } else { 1 };
        for target in 0..timers {
            let delay = Duration::from_nanos(self.delays.next());
            cx.schedule(delay, target);
        }
    }

    fn event_kind(_: &u32) -> &'static str {
        "timer"
    }

    fn input_kind((): &()) -> &'static str {
        "start"
    }

    fn digest_state(&self, digest: &mut Digest) {
        self.actors.iter().for_each(|actor| digest.word(actor.fired));
    }
}

fn ours(actors: usize, hop: u32, delays: Delays) -> Engine<Actors> {
    let model = Actors { actors: vec![Actor::default(); actors], delays, hop };
    let mut engine = Engine::new(model, Seed(1), Ties::Scheduled);
    engine.input(());
    engine
}

fn run_ours(engine: &mut Engine<Actors>, events: u64) {
    let mut budget = Budget::new(events, Duration::from_nanos(u64::MAX));
    assert_eq!(engine.run_until(Instant::FAR_FUTURE, &mut budget), Stop::OutOfEvents);
}

#[derive(Clone, Serialize)]
struct Timer;

struct Peer {
    context: SimulationContext,
    next: Id,
    delays: Rc<RefCell<Delays>>,
    fired: u64,
}

impl EventHandler for Peer {
    fn on(&mut self, _: Event) {
        self.fired += 1;
        self.context.emit(Timer, self.next, self.delays.borrow_mut().next() as f64 / 1e9);
    }
}

fn theirs(actors: u32, hop: u32, delays: Delays) -> Simulation {
    let mut simulation = Simulation::new(1);
    let delays = Rc::new(RefCell::new(delays));
    let contexts: Vec<_> = (0..actors).map(|i| simulation.create_context(format!("actor-{i}"))).collect();
    for (i, context) in (0..actors).zip(contexts) {
        let next = if hop == 0 { context.id() } else { (context.id() + hop) % actors };
        if hop == 0 || i == 0 {
            context.emit(Timer, next, delays.borrow_mut().next() as f64 / 1e9);
        }
        let peer = Peer { context, next, delays: Rc::clone(&delays), fired: 0 };
        simulation.add_handler(format!("actor-{i}"), Rc::new(RefCell::new(peer)));
    }
    simulation
}

fn compare(criterion: &mut Criterion, name: &str, actors: u32, hop: u32, delays: Delays) {
    let mut group: BenchmarkGroup<'_, Wall> = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(1)).sample_size(20).measurement_time(WallTime::from_secs(3));
    let warm_up = 2 * u64::from(actors);
    let mut engine = ours(actors as usize, hop, delays.clone());
    run_ours(&mut engine, warm_up);
    group.bench_function("kubewalk", |b| {
        b.iter_custom(|events| {
            let started = std::time::Instant::now();
            run_ours(&mut engine, events);
            started.elapsed()
        })
    });
    let mut simulation = theirs(actors, hop, delays);
    simulation.steps(warm_up);
    group.bench_function("simcore", |b| {
        b.iter_custom(|events| {
            let started = std::time::Instant::now();
            assert!(simulation.steps(events), "the actors never fall silent");
            started.elapsed()
        })
    });
    group.finish();
}

fn engines(criterion: &mut Criterion) {
    compare(criterion, "ping-pong", 2, 1, Delays::Fixed);
    compare(criterion, "hold-1k", 1_000, 0, Delays::exponential());
    compare(criterion, "hold-100k", 100_000, 0, Delays::exponential());
}

criterion_group!(benches, engines);
criterion_main!(benches);
