//! Load: clients that send requests beside everything else, and what becomes of these.
//!
//! In real life load comes from the public, or from a load generator such as `hey`, `wrk` or `vegeta`. Here each request is one of
//! the requests that curl makes ([`crate::network::client`]): its name is resolved, its SYN takes the way that any packet takes, its
//! connection leaves its marks in the nodes' kernels. So what the load meets is what a user would meet who typed as often.
//! Modelled: open and closed loops ([`plan`]), connections kept or not, clients outside, on nodes and in pods. Left out: what load
//! does to servers; none grows slow here because it is asked often, and no wire is full.

pub mod plan;
pub mod tally;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use imbl::OrdMap;

use self::plan::{Pace, Plan, Sender};
use self::tally::Tally;
use super::ground::GroundAt;
use super::{Cluster, Event as ClusterEvent};
use crate::api::component::Clock;
use crate::dns::message::{Question, Reply};
use crate::engine::digest::{Digestible, StateDigest};
use crate::engine::model::Context;
use crate::engine::time::{Duration, Instant};
use crate::explain::Trace;
use crate::network::client::{Next, Transfer};
use crate::network::path::{self, Asked as Way, Sending};
use crate::network::transport::{self, Connection, End as Whose, Opening, Sent};
use crate::network::wire::{Asked, Connections, HttpReply, HttpRequest, ResolverConfig, Source, Wire};
use crate::objects::Name;
use crate::objects::pod::{Phase, Pod};
use crate::objects::pod_spec::Protocol;
use crate::store::View;

/// Most requests of a load that are open at one time; what is to be started then is not.
pub const OPEN_MAX: usize = 10_000;
/// Most loads that are kept, those included that are over.
pub const LOADS_MAX: usize = 100;
/// Most places of which a load keeps connections for later.
const KEPT_MAX: usize = 10_000;
/// How often it is looked up which pods send.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A timer of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    load: u32,
    what: What,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum What {
    /// A request of an open loop.
    Arrival,
    /// A request of a client of a closed loop.
    Client(u32),
    /// An open request goes on.
    Step(u32),
}

/// What is wanted of the loads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// A load begins.
    Start(Arc<Plan>),
    /// No further request of that load is started; without a name of none.
    Stop(Option<Name>),
}

/// All loads, by number, in the order in which they began.
#[derive(Clone, Debug, Default)]
pub struct Loads {
    by_number: OrdMap<u32, Arc<Load>>,
    begun: u32,
}

/// A load.
#[derive(Clone, Debug)]
pub struct Load {
    /// What it is to do.
    pub plan: Arc<Plan>,
    /// When it began.
    pub begun: Instant,
    /// When it was stopped.
    pub stopped: Option<Instant>,
    /// What has become of its requests.
    pub tally: Tally,
    /// Requests of an open loop that were due so far, and when the last was, after the beginning.
    arrived: (u64, Duration),
    open: BTreeMap<u32, Open>,
    next: u32,
    kept: BTreeMap<(Source, Option<u32>), Vec<Connection>>,
    senders: Option<(Instant, Arc<[Source]>)>,
}

/// A request that has not ended.
#[derive(Clone, Debug, Hash)]
struct Open {
    transfer: Transfer,
    due: Instant,
    client: Option<u32>,
}

impl Event {
    /// Its name in statistics and in the journal.
    pub fn kind(self) -> &'static str {
        match self.what {
            What::Arrival | What::Client(_) => "traffic/request",
            What::Step(_) => "traffic/step",
        }
    }
}

impl Loads {
    /// A load by name: the last of that name.
    pub fn get(&self, name: &str) -> Option<&Load> {
        self.iter().filter(|load| &*load.plan.name == name).last()
    }

    /// All loads.
    pub fn iter(&self) -> impl Iterator<Item = &Load> {
        self.by_number.values().map(|load| &**load)
    }

    /// Whether another load can be kept.
    pub fn full(&self) -> bool {
        self.by_number.len() >= LOADS_MAX
    }

    fn change(&mut self, number: u32, change: impl FnOnce(&mut Load)) {
        if let Some(load) = self.by_number.get_mut(&number) {
            change(Arc::make_mut(load));
        }
    }
}

impl Digestible for Load {
    fn digest(&self, into: &mut StateDigest) {
        let Load { plan, begun, stopped, tally, arrived, open, next, kept, senders } = self;
        into.fold(&(plan, begun, stopped, tally, arrived));
        into.fold(&(open, next, kept, senders));
    }
}

impl Digestible for Loads {
    fn digest(&self, into: &mut StateDigest) {
        let Loads { by_number, begun } = self;
        into.parts(by_number);
        into.fold(begun);
    }
}

impl Load {
    /// Whether it still starts requests.
    pub fn running(&self, now: Instant) -> bool {
        self.stopped.is_none() && self.plan.lasts(self.begun, now)
    }

    /// How many requests are open.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// When the oldest of these began.
    pub fn oldest_open(&self) -> Option<Instant> {
        self.open.values().map(|open| open.transfer.began()).min()
    }

    /// The time in which requests were started, or waited for.
    pub fn lasted(&self, now: Instant) -> Duration {
        let since = |at: Instant| at.since(self.begun);
        if !self.open.is_empty() {
            return since(now);
        }
        since(self.stopped.unwrap_or(now)).min(self.plan.lasting.unwrap_or(since(now))).min(since(now))
    }
}

impl Cluster {
    /// A load begins, or loads are stopped. A load takes the place of an earlier one of its name.
    pub(super) fn order(&mut self, order: Order, cx: &mut Context<'_, ClusterEvent>) {
        let now = cx.now();
        match order {
            Order::Stop(name) => {
                let meant = |load: &Load| load.running(now) && name.as_ref().is_none_or(|name| *name == load.plan.name);
                let meant: Vec<u32> = self.loads.by_number.iter().filter(|(_, load)| meant(load)).map(|(n, _)| *n).collect();
                meant.iter().for_each(|number| self.loads.change(*number, |load| load.stopped = Some(now)));
            }
            Order::Start(plan) => {
                let same = |(number, load): (&u32, &Arc<Load>)| (load.plan.name == plan.name).then_some(*number);
                let same: Vec<u32> = self.loads.by_number.iter().filter_map(same).collect();
                same.iter().for_each(|number| drop(self.loads.by_number.remove(number)));
                if self.loads.full() {
                    return;
                }
                self.loads.begun += 1;
                let number = self.loads.begun;
                let (stopped, open, kept, senders) = (None, BTreeMap::new(), BTreeMap::new(), None);
                let (tally, arrived, next) = (Tally::default(), (0, Duration::ZERO), 0);
                let load = Load { plan: plan.clone(), begun: now, stopped, tally, arrived, open, next, kept, senders };
                self.loads.by_number.insert(number, Arc::new(load));
                match plan.pace {
                    Pace::Open { .. } => self.await_arrival(number, cx),
                    Pace::Closed { clients, pause } => {
                        for client in 0..clients {
                            let first = cx.draws().keyed("traffic/client", (&plan.name, client)).duration(Duration::ZERO, pause);
                            cx.schedule(first, ClusterEvent::Traffic(Event { load: number, what: What::Client(client) }));
                        }
                    }
                }
            }
        }
    }

    /// A timer of a load is due.
    pub(super) fn traffic(&mut self, event: Event, clock: Clock, cx: &mut Context<'_, ClusterEvent>) {
        let number = event.load;
        let Some(load) = self.loads.by_number.get(&number) else { return };
        let running = load.running(clock.now);
        match event.what {
            What::Step(id) => self.go_on(number, id, clock, cx),
            What::Arrival | What::Client(_) if !running => {}
            What::Arrival => {
                self.loads.change(number, |load| load.arrived.0 += 1);
                self.await_arrival(number, cx);
                self.begin(number, None, clock, cx);
            }
            What::Client(client) => self.begin(number, Some(client), clock, cx),
        }
    }

    /// Sets the timer of the next request of an open loop.
    fn await_arrival(&mut self, number: u32, cx: &mut Context<'_, ClusterEvent>) {
        let draws = cx.draws();
        self.loads.change(number, |load| {
            let (arrived, before) = load.arrived;
            let Some(after) = load.plan.arrival(arrived, before, draws) else { return };
            load.arrived.1 = after;
            cx.schedule_at(load.begun + after, ClusterEvent::Traffic(Event { load: number, what: What::Arrival }));
        });
    }

    /// A request begins, of a client or of nobody in particular.
    fn begin(&mut self, number: u32, client: Option<u32>, clock: Clock, cx: &mut Context<'_, ClusterEvent>) {
        let turn = self.loads.by_number[&number].tally.started;
        let from = self.sender(number, client.map_or(turn, u64::from), clock.now);
        let Some(from) = from.filter(|_| self.loads.by_number[&number].open.len() < OPEN_MAX) else {
            self.loads.change(number, |load| load.tally.not_started += 1);
            self.pause(number, client, cx);
            return;
        };
        let kept = self.take_kept(number, &(from.clone(), client), clock);
        self.loads.change(number, |load| {
            load.tally.started += 1;
            load.next = load.next.wrapping_add(1);
            let transfer = Transfer::new(from, clock.now, load.plan.timeout, kept);
            load.open.insert(load.next, Open { transfer, due: clock.now, client });
        });
        let id = self.loads.by_number[&number].next;
        self.go_on(number, id, clock, cx);
    }

    /// An open request goes on as far as it can.
    fn go_on(&mut self, number: u32, id: u32, clock: Clock, cx: &mut Context<'_, ClusterEvent>) {
        let mut taken = None;
        self.loads.change(number, |load| taken = load.open.remove(&id).map(|open| (open, load.plan.clone())));
        let Some((mut open, plan)) = taken else { return };
        if self.is_gone(open.transfer.from()) {
            self.loads.change(number, |load| {
                load.tally.abandoned += 1;
                load.kept.remove(&(open.transfer.from().clone(), open.client));
            });
            self.pause(number, open.client, cx);
            return;
        }
        let mut sockets = Sockets { cluster: self, clock };
        match open.transfer.go(&mut sockets, &plan.to) {
            Next::At(due) => {
                open.due = due;
                cx.schedule_at(due, ClusterEvent::Traffic(Event { load: number, what: What::Step(id) }));
                self.loads.change(number, |load| drop(load.open.insert(id, open)));
            }
            Next::Ended(end, connection) => {
                let Open { transfer, client, .. } = open;
                match connection {
                    Some(connection) if plan.keep_alive && self.room(number, transfer.from(), client) => {
                        self.keep(number, transfer.from().clone(), client, *connection);
                    }
                    Some(connection) => self.close(&connection, clock),
                    None => {}
                }
                self.loads.change(number, |load| {
                    let since = clock.now.since(load.begun);
                    load.tally.end(end, &transfer, clock.now, since);
                });
                self.pause(number, client, cx);
            }
        }
    }

    /// A client pauses before its next request.
    fn pause(&mut self, number: u32, client: Option<u32>, cx: &mut Context<'_, ClusterEvent>) {
        if let (Some(client), Pace::Closed { pause, .. }) = (client, self.loads.by_number[&number].plan.pace) {
            cx.schedule(pause, ClusterEvent::Traffic(Event { load: number, what: What::Client(client) }));
        }
    }
}

/// Who sends.
impl Cluster {
    /// The place that the `turn`-th request comes from.
    fn sender(&mut self, number: u32, turn: u64, now: Instant) -> Option<Source> {
        let load = &self.loads.by_number[&number];
        if let Sender::One(source) = &load.plan.from {
            return Some(source.clone()).filter(|source| !self.is_gone(source));
        }
        let fresh = load.senders.as_ref().filter(|(at, _)| now.since(*at) < LOOK_EVERY);
        let senders = match fresh {
            Some((_, senders)) => senders.clone(),
            None => {
                let found: Arc<[Source]> = senders(self.store.head(), &load.plan.from).into();
                self.loads.change(number, |load| load.senders = Some((now, found.clone())));
                found
            }
        };
        let of = u64::try_from(senders.len()).unwrap_or(u64::MAX);
        senders.get(usize::try_from(turn.checked_rem(of)?).ok()?).cloned()
    }

    /// Whether a client is no longer there: its pod, or the machine under it.
    fn is_gone(&self, source: &Source) -> bool {
        match source {
            Source::Outside | Source::Address { .. } => false,
            Source::Node(node) => !self.faults.node_up(node),
            Source::Pod { namespace, name } => self
                .store
                .head()
                .pods
                .get(namespace, name)
                .is_none_or(|pod| pod.finished() || pod.node.as_ref().is_some_and(|node| !self.faults.node_up(node))),
        }
    }
}

/// The running pods that a load is sent from, by name. They are looked up by label: this is asked ten times a second.
pub fn senders(view: &View, from: &Sender) -> Vec<Source> {
    let runs = |pod: &&Arc<Pod>| pod.status.phase == Phase::Running && !pod.meta.deleting();
    match from {
        Sender::One(source) => vec![source.clone()],
        Sender::Deployment(namespace, name) => {
            let Some(deployment) = view.deployments.get(namespace, name) else { return Vec::new() };
            let of = |pod: &&Arc<Pod>| deployment.selector.matches(&pod.meta.labels);
            named(view.pods_matching(namespace, &deployment.selector.equalities()).filter(runs).filter(of))
        }
        Sender::Pods(namespace, selector, _) => {
            let of = |pod: &&Arc<Pod>| selector.matches(|key| pod.meta.labels.get(key));
            named(view.pods_matching(namespace, &selector.equalities()).filter(runs).filter(of))
        }
    }
}

fn named<'v>(pods: impl Iterator<Item = &'v Arc<Pod>>) -> Vec<Source> {
    let mut found: Vec<&Arc<Pod>> = pods.collect();
    found.sort_unstable_by(|a, b| a.meta.name.cmp(&b.meta.name));
    let source = |pod: &Arc<Pod>| Source::Pod { namespace: pod.meta.namespace.clone(), name: pod.meta.name.clone() };
    found.into_iter().map(source).collect()
}

/// Connections that are kept.
impl Cluster {
    /// Whether one more connection of that client can be kept. Of one place there are no more than requests can be open.
    fn room(&self, number: u32, from: &Source, client: Option<u32>) -> bool {
        let kept = &self.loads.by_number[&number].kept;
        kept.len() < KEPT_MAX || kept.contains_key(&(from.clone(), client))
    }

    fn keep(&mut self, number: u32, from: Source, client: Option<u32>, connection: Connection) {
        self.loads.change(number, |load| load.kept.entry((from, client)).or_default().push(connection));
    }

    /// The connection used last of those that the client does not know to be closed.
    fn take_kept(&mut self, number: u32, of: &(Source, Option<u32>), clock: Clock) -> Option<Box<Connection>> {
        loop {
            let mut kept = None;
            self.loads.change(number, |load| kept = load.kept.get_mut(of).and_then(Vec::pop));
            let kept = kept?;
            if !self.was_closed(&kept, clock) {
                return Some(Box::new(kept));
            }
            self.close(&kept, clock);
        }
    }

    /// Whether the client has heard that the server closed an idle connection: its process has ended, or is on its way out and has
    /// nothing to do for it.
    fn was_closed(&self, kept: &Connection, clock: Clock) -> bool {
        let ending = || {
            let sandbox = transport::sandbox(&GroundAt { cluster: self, now: clock.now }, kept);
            let Whose::Pod { process: Some(number), .. } = kept.server.end else { return false };
            sandbox.is_some_and(|s| s.processes.iter().any(|p| p.number == number && p.ending))
        };
        match self.heard(kept, clock) {
            Sent::Reset => true,
            Sent::Arrived => ending(),
            Sent::Lost => false,
        }
    }
}

/// The sockets of a program at one moment: it cannot wait, but be asked again later.
struct Sockets<'c> {
    cluster: &'c mut Cluster,
    clock: Clock,
}

impl Wire for Sockets<'_> {
    fn now(&self) -> Instant {
        self.clock.now
    }

    fn wait(&mut self, _: Duration) -> Result<(), String> {
        Err("later".to_string())
    }

    fn ask(&mut self, from: &Source, server: SocketAddr, protocol: Protocol, question: &Question) -> Asked {
        let asking = super::servers::Asking { from: from.clone(), server, protocol, question: question.clone() };
        self.cluster.ask(&asking, self.clock)
    }

    fn cluster_dns(&mut self, question: &Question) -> Option<Reply> {
        self.cluster.cluster_dns(question, self.clock)
    }

    fn resolver(&mut self, from: &Source) -> ResolverConfig {
        self.cluster.resolver(from)
    }
}

impl Connections for Sockets<'_> {
    fn open(&mut self, opening: &Opening) -> (Trace, Option<Connection>) {
        self.cluster.open(opening, self.clock)
    }

    fn send(&mut self, connection: &Connection, request: &HttpRequest) -> HttpReply {
        self.cluster.request(connection, request, self.clock)
    }

    fn heard(&mut self, connection: &Connection) -> Sent {
        self.cluster.heard(connection, self.clock)
    }

    fn close(&mut self, connection: &Connection) {
        self.cluster.close(connection, self.clock);
    }

    fn ping(&mut self, from: &Source, to: std::net::IpAddr) -> Trace {
        let ground = GroundAt { cluster: self.cluster, now: self.clock.now };
        let asked =
            Way { from, to: SocketAddr::new(to, 0), protocol: Protocol::Sctp, now: self.clock.now, sending: Sending::Imagined };
        path::follow(&ground, self.clock.draws, &asked).0
    }
}
