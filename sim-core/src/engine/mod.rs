//! Generic discrete-event simulation. It knows nothing of what is simulated.
//!
//! The loop is four lines, in [`run`]: take the next event from the [`queue`], set the clock to its time, write it into the
//! [`journal`], let the [`model`] handle it. What the model schedules meanwhile goes into the queue.
//!
//! | file | holds |
//! | --- | --- |
//! | [`time`] | [`time::Instant`] and [`time::Duration`]: nanoseconds |
//! | [`queue`] | [`queue::EventQueue`]: what happens next, by (time, tie, sequence) |
//! | [`random`] | [`random::Draws`]: numbers that follow from a seed and a name; [`random::Digest`] |
//! | [`digest`] | [`digest::StateDigest`]: the digest of a model's state, part by part |
//! | [`model`] | [`model::Model`], and the [`model::Context`] in which it handles an event |
//! | [`run`] | [`run::Engine`]: the loop, and the [`run::Budget`] that ends it |
//! | [`journal`] | [`journal::Journal`]: the last steps and their causes, the digest of all |
//! | [`pages`] | [`pages::Pages`]: the last records of anything, in pages that clones share |
//! | [`timeline`] | [`timeline::Timeline`]: checkpoints, the input log, `seek` |
//!
//! Same seed and same inputs give the same run, on every machine: nothing here reads a clock, hashes by address or
//! depends on the order in which random numbers are asked for. Every table has a bound but one: the queue holds what
//! the model schedules.
//!
//! # A queue at a counter
//!
//! Customers arrive at random, ten a second on average; one clerk serves twelve a second, first come, first served. Theory
//! (M/M/1) says that on average five are present.
//!
//! ```
//! use std::collections::VecDeque;
//! use std::hash::Hash;
//!
//! use sim_core::engine::model::{Context, Model};
//! use sim_core::engine::queue::Ties;
//! use sim_core::engine::random::{Digest, Draws, Seed, Stream};
//! use sim_core::engine::run::{Budget, Engine, Stop};
//! use sim_core::engine::time::{Duration, Instant};
//! use sim_core::engine::timeline::{Spacing, Timeline};
//!
//! /// Each has its own stream: a change in how long service takes moves no arrival.
//! #[derive(Clone, Hash)]
//! struct Counter {
//!     arrivals: Stream,
//!     services: Stream,
//!     present: VecDeque<Instant>,
//!     served: u64,
//!     spent: Duration,
//! }
//!
//! #[derive(Clone, Hash)]
//! enum Event { Arrival, Departure }
//!
//! /// What somebody outside can do: open the door, or send a coach party.
//! #[derive(Clone, Hash)]
//! enum Input { Open, Party(u64) }
//!
//! impl Counter {
//!     fn enter(&mut self, cx: &mut Context<'_, Event>) {
//!         self.present.push_back(cx.now());
//!         if self.present.len() == 1 {
//!             self.serve(cx);
//!         }
//!     }
//!
//!     fn serve(&mut self, cx: &mut Context<'_, Event>) {
//!         let service = self.services.exponential(Duration::from_nanos(1_000_000_000 / 12));
//!         cx.schedule(service, Event::Departure);
//!     }
//! }
//!
//! impl Model for Counter {
//!     type Event = Event;
//!     type Input = Input;
//!     type Reply = usize;
//!
//!     fn handle(&mut self, event: Event, cx: &mut Context<'_, Event>) {
//!         match event {
//!             Event::Arrival => {
//!                 self.enter(cx);
//!                 let next = self.arrivals.exponential(Duration::from_millis(100));
//!                 cx.schedule(next, Event::Arrival);
//!             }
//!             Event::Departure => {
//!                 let since = self.present.pop_front().expect("someone is being served");
//!                 self.served += 1;
//!                 self.spent = self.spent + cx.now().since(since);
//!                 if !self.present.is_empty() {
//!                     self.serve(cx);
//!                 }
//!             }
//!         }
//!     }
//!
//!     fn accept(&mut self, input: Input, cx: &mut Context<'_, Event>) -> usize {
//!         match input {
//!             Input::Open => drop(cx.schedule(Duration::ZERO, Event::Arrival)),
//!             Input::Party(n) => (0..n).for_each(|_| self.enter(cx)),
//!         }
//!         self.present.len()
//!     }
//!
//!     fn event_kind(event: &Event) -> &'static str {
//!         match event { Event::Arrival => "arrival", Event::Departure => "departure" }
//!     }
//!
//!     fn input_kind(input: &Input) -> &'static str {
//!         match input { Input::Open => "open", Input::Party(_) => "party" }
//!     }
//!
//!     fn digest_state(&self, digest: &mut Digest) {
//!         self.hash(digest);
//!     }
//! }
//!
//! let seed = Seed(7);
//! let draws = Draws::new(seed);
//! let counter = Counter {
//!     arrivals: draws.stream("arrivals", 0),
//!     services: draws.stream("services", 0),
//!     present: VecDeque::new(),
//!     served: 0,
//!     spent: Duration::ZERO,
//! };
//! let second = |n: u64| Instant::START + Duration::from_secs(n);
//! let mut day = Timeline::new(Engine::new(counter, seed, Ties::Scheduled), Spacing { events: 1_000, kept: 16, bytes: 1 << 20 });
//! day.input(Input::Open)?;
//!
//! // By Little's law, customers present = arrivals a second x seconds spent by each: about 5, so half a second each.
//! assert_eq!(day.run_until(second(8_000), &mut Budget::new(1_000_000, Duration::from_secs(9_000))), Stop::Reached);
//! let each = day.model().spent.as_millis() / day.model().served;
//! assert!((430..570).contains(&each), "{each} ms");
//!
//! // A party arrives; a thousand seconds later nobody could tell where the run has been, but for the digests.
//! day.input(Input::Party(30))?;
//! day.run_until(second(9_000), &mut Budget::unlimited());
//! let (there, digests) = (day.position(), day.digests());
//!
//! // Going to a time is running to it, from either side, digest for digest.
//! day.seek(second(5), &mut Budget::unlimited());
//! assert!(day.model().served < 100);
//! day.seek(second(9_000), &mut Budget::unlimited());
//! assert_eq!((day.position(), day.digests()), (there, digests));
//!
//! // Another party instead of the first is another history.
//! day.seek(second(7_000), &mut Budget::unlimited());
//! day.input(Input::Party(1))?;
//! day.run_until(second(9_000), &mut Budget::unlimited());
//! assert_ne!(day.digests().history, digests.history);
//! # Ok::<(), sim_core::engine::timeline::LogFull>(())
//! ```

pub mod digest;
pub mod journal;
pub mod model;
pub mod pages;
pub mod queue;
pub mod random;
pub mod run;
pub mod time;
pub mod timeline;
