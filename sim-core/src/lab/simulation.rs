//! The world behind a console: a timeline of one cluster, with the budget of one command.
//!
//! Everything that changes the cluster goes in as an input of the timeline, so that any moment can be visited again; questions
//! are asked of the model beside it. Nothing like it exists in a real cluster: there, time cannot be held.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use super::branches::{Branch, BranchSeen, Branches, NoBranch};
use super::packets::{self, Packet};
use super::world::{ContainerView, Stopped, World};
use crate::api::component::Clock;
use crate::api::kinds::{self, Served};
use crate::api::request::{Answer, Request, Verb};
use crate::api::server::ApiServer;
use crate::api::status::Status;
use crate::api::table::document::text;
use crate::ask::Moment;
use crate::cluster::faults::Fault;
use crate::cluster::servers::Asking;
use crate::cluster::{Cluster, Input, Reply};
use crate::dns::message::{Question, Reply as DnsReply};
use crate::engine::queue::Ties;
use crate::engine::random::{Draws, Seed};
use crate::engine::run::{Budget, Digests, Engine, Stop};
use crate::engine::time::{Duration, Instant};
use crate::engine::timeline::{LogFull, Spacing, Timeline};
use crate::explain::Trace;
use crate::explain::assumed::{Assumed, Assumption};
use crate::explain::origin::{Origin, Origins};
use crate::network::transport::{Connection, Opening, Sent};
use crate::network::wire::{Asked, Connections, HttpReply, HttpRequest, ResolverConfig, Source, Wire};
use crate::objects::Object;
use crate::objects::pod_spec::Protocol;
use crate::objects::time::Timestamp;

/// Most events that one command may bring about.
pub const EVENTS_MAX: u64 = 10_000_000;
/// Most time that one command may take: ten years.
pub const TIME_MAX: Duration = Duration::from_secs(10 * 365 * 86_400);

/// A simulated cluster with its history.
#[derive(Clone)]
pub struct Simulation {
    /// The history on which the world stands.
    branch: Branch,
    branches: Branches,
    events_left: u64,
    time_left: Duration,
    stop: Option<Rc<dyn Fn() -> bool>>,
    origins: Origins,
    assumed: Assumed,
}

impl Simulation {
    /// A cluster at the start of time, running.
    pub fn new(cluster: Cluster, seed: u64, ties: Ties) -> Simulation {
        let engine = Engine::new(cluster, Seed(seed), ties);
        let mut timeline = Timeline::new(engine, Spacing::default());
        // A fresh log takes an input.
        let _ = timeline.input(Input::Start);
        Simulation {
            branch: Branch::first(timeline),
            branches: Branches::new(),
            events_left: EVENTS_MAX,
            time_left: TIME_MAX,
            stop: None,
            origins: Origins::default(),
            assumed: Assumed::default(),
        }
    }

    /// Asks `stop` now and then whether the user wants to interrupt.
    pub fn interrupted_by(&mut self, stop: Rc<dyn Fn() -> bool>) {
        self.stop = Some(stop);
    }

    /// Where the user wrote the objects.
    pub fn origins(&self) -> &Origins {
        &self.origins
    }

    /// The moment at which it stands, to ask questions of.
    pub fn moment(&self) -> Moment<'_> {
        Moment::new(self.engine(), &self.origins)
    }

    /// What had to be assumed so far: by the world, and by answers that were given beside it. These stay given,
    /// whatever moment of its history the world is at.
    pub fn assumptions(&self) -> Vec<Assumption> {
        let mut all = self.cluster().assumptions();
        let beside: Vec<Assumption> = self.assumed.iter().filter(|assumption| !all.contains(assumption)).cloned().collect();
        all.extend(beside);
        all
    }

    /// An answer is given that rests on this way.
    pub fn answered(&mut self, trace: &Trace) {
        self.assumed.note(trace);
        self.sent(packets::Sent::Looked(Box::new(trace.clone())));
    }

    /// The cluster, to look at.
    pub fn cluster(&self) -> &Cluster {
        self.branch.timeline.model()
    }

    /// What the cluster's clock shows, as it is printed.
    pub fn cluster_time(&self) -> String {
        World::now(self).rfc3339()
    }

    /// The engine, to look at.
    pub fn engine(&self) -> &Engine<Cluster> {
        self.branch.timeline.engine()
    }

    /// The random numbers of this run.
    pub fn draws(&self) -> Draws {
        self.branch.timeline.engine().draws()
    }

    /// Both digests.
    pub fn digests(&self) -> Digests {
        self.branch.timeline.digests()
    }

    /// Breaks something, or mends it. `false` if there is no such target.
    pub fn fault(&mut self, fault: Fault, broken: bool) -> Result<bool, LogFull> {
        let input = if broken { Input::Fail(fault) } else { Input::Heal(fault) };
        Ok(!matches!(self.put(input)?, Reply::NoSuchTarget))
    }

    /// Starts or stops load. `false`: the log of inputs is full.
    pub fn traffic(&mut self, order: crate::cluster::traffic::Order) -> bool {
        self.put(Input::Traffic(order)).is_ok()
    }

    /// The name of the branch on which the world stands.
    pub fn branch(&self) -> &str {
        &self.branches.current
    }

    /// All branches, in the order in which they were made.
    pub fn branches(&self) -> Vec<BranchSeen> {
        self.branches.seen(&self.branch)
    }

    /// Starts a branch of that name here, and goes on on it.
    pub fn start_branch(&mut self, name: &str) -> Result<(), NoBranch> {
        self.branches.start(&mut self.branch, name)
    }

    /// Goes to another branch, where it stands.
    pub fn switch(&mut self, name: &str) -> Result<(), NoBranch> {
        self.branches.switch(&mut self.branch, name)
    }

    /// A simulation beside this one that stands on another branch: to look at it, and go on in it, without leaving anything here.
    pub fn beside(&self, name: &str) -> Result<Simulation, NoBranch> {
        let mut beside = self.clone();
        beside.switch(name)?;
        Ok(beside)
    }

    /// The packets that commands have sent on this branch up to now, oldest first.
    pub fn packets(&self) -> impl DoubleEndedIterator<Item = &Packet> {
        self.branch.packets.iter(self.branch.timeline.position())
    }

    fn sent(&mut self, sent: packets::Sent) {
        let position = self.branch.timeline.position();
        self.branch.packets.add(position, sent);
    }

    /// Goes to a moment of this history; forward beyond its end it runs on.
    pub fn seek(&mut self, to: Instant) -> Result<(), Stopped> {
        self.run(|timeline, budget| timeline.seek(to, budget)).map(|_| ())
    }

    /// Goes to an exact position of this history.
    pub fn seek_position(&mut self, to: crate::engine::run::Position) -> Result<(), Stopped> {
        self.run(|timeline, budget| timeline.seek_position(to, budget)).map(|_| ())
    }

    /// Where in its history the simulation stands.
    pub fn position(&self) -> crate::engine::run::Position {
        self.branch.timeline.position()
    }

    /// Runs `n` events, or until nothing is pending.
    pub fn step(&mut self, n: u64) -> Result<u64, Stopped> {
        let mut done = 0;
        self.run(|timeline, budget| {
            timeline.run(Instant::FAR_FUTURE, budget, |_| {
                done += 1;
                done >= n
            })
        })?;
        Ok(done)
    }

    /// Runs until an event of that kind has happened. Tells whether one did.
    pub fn step_to(&mut self, wanted: &str) -> Result<bool, Stopped> {
        let is_wanted = |e: &Engine<Cluster>| e.journal().last().is_some_and(|entry| entry.kind == wanted);
        self.run(|timeline, budget| timeline.run(Instant::FAR_FUTURE, budget, is_wanted)).map(|stop| stop == Stop::Satisfied)
    }

    /// Runs under the command's budget, and charges it.
    fn run(&mut self, go: impl FnOnce(&mut Timeline<Cluster>, &mut Budget<'_>) -> Stop) -> Result<Stop, Stopped> {
        let start = self.branch.timeline.now();
        let stop_flag = self.stop.clone();
        let asked = || stop_flag.as_ref().is_some_and(|f| f());
        let mut budget = Budget::new(self.events_left, self.time_left).or_when(&asked);
        let stop = go(&mut self.branch.timeline, &mut budget);
        self.branch.furthest = self.branch.furthest.max(self.branch.timeline.position());
        self.events_left = budget.events_left();
        self.time_left = self.time_left - self.branch.timeline.now().since(start);
        let at = Timestamp::at(self.cluster().config.start, self.branch.timeline.now()).rfc3339();
        let limit = match stop {
            Stop::OutOfEvents => format!("one command may bring about at most {EVENTS_MAX} events"),
            Stop::OutOfTime => "one command may take at most 10 simulated years".to_string(),
            Stop::Interrupted => {
                return Err(Stopped { why: format!("interrupted; the clock stands at {at}"), interrupted: true });
            }
            Stop::Reached | Stop::Idle | Stop::Satisfied => return Ok(stop),
        };
        Err(Stopped::limit(format!("{limit}; the clock stands at {at}")))
    }

    /// The step just taken: its time, number, kind and cause.
    pub fn last_step_text(&self) -> String {
        let Some(entry) = self.engine().journal().last() else { return String::new() };
        let cause = entry.cause.map_or(String::new(), |c| format!("  because of #{}", c.get()));
        let at = Timestamp::at(self.cluster().config.start, entry.at).rfc3339_micro();
        format!("{at}  #{:<7} {}{cause}\n", entry.sequence.get(), entry.kind)
    }
}

impl Simulation {
    fn clock(&self) -> Clock {
        Clock { now: self.branch.timeline.now(), start: self.cluster().config.start, draws: self.draws() }
    }

    /// Does something to the world. Where something is known to lie ahead, that is another branch.
    fn put(&mut self, input: Input) -> Result<Reply, LogFull> {
        self.about_to_act();
        let reply = self.branch.timeline.input(input);
        self.branch.furthest = self.branch.furthest.max(self.branch.timeline.position());
        reply
    }

    /// What cluster DNS answers a program on the first node: through the kube-dns Service if there is one, else as it is.
    pub fn ask_cluster_dns(&mut self, protocol: Protocol, question: &Question) -> Option<DnsReply> {
        let config = &self.cluster().config;
        let (service, node) = (config.dns.service_ip.filter(|_| config.system), config.node_names().into_iter().next());
        let (Some(ip), Some(node)) = (service, node) else { return self.cluster_dns(question) };
        match self.ask(&Source::Node(node), SocketAddr::new(ip, 53), protocol, question) {
            Asked::Reply { reply, .. } => Some(reply),
            Asked::Refused { .. } | Asked::Silence => None,
        }
    }

    /// Lets time pass; an error tells which limit ended it.
    pub fn pass(&mut self, by: Duration) -> Result<(), String> {
        World::advance(self, by).map_err(|stopped| stopped.why)
    }

    /// The way of the first packet of a new connection, looked at beside the world: nothing is left behind.
    pub fn trace(&self, from: &Source, to: SocketAddr, protocol: Protocol) -> Trace {
        self.moment().way(from, to, protocol)
    }
}

impl Wire for Simulation {
    fn now(&self) -> Instant {
        self.branch.timeline.now()
    }

    fn wait(&mut self, by: Duration) -> Result<(), String> {
        self.pass(by)
    }

    fn ask(&mut self, from: &Source, server: SocketAddr, protocol: Protocol, question: &Question) -> Asked {
        let asking = Asking { from: from.clone(), server, protocol, question: question.clone() };
        match self.put(Input::Ask(Box::new(asking))) {
            Ok(Reply::Asked(asked)) => {
                let (from, question, answer) = (from.clone(), question.clone(), asked.clone());
                self.sent(packets::Sent::Question { from, server, protocol, question, answer });
                *asked
            }
            _ => Asked::Silence,
        }
    }

    fn look(&mut self, from: &Source, server: SocketAddr, protocol: Protocol, question: &Question) -> Asked {
        let asking = Asking { from: from.clone(), server, protocol, question: question.clone() };
        self.cluster().look_up(&asking, self.clock())
    }

    fn cluster_dns(&mut self, question: &Question) -> Option<DnsReply> {
        self.cluster().cluster_dns(question, self.clock())
    }

    fn resolver(&mut self, from: &Source) -> ResolverConfig {
        self.cluster().resolver(from)
    }
}

impl Connections for Simulation {
    fn open(&mut self, opening: &Opening) -> (Trace, Option<Connection>) {
        match self.put(Input::Open(Box::new(opening.clone()))) {
            Ok(Reply::Opened(opened)) => {
                self.sent(packets::Sent::Opening(Box::new(opened.0.clone())));
                *opened
            }
            _ => (self.trace(&opening.from, opening.to, opening.protocol), None),
        }
    }

    fn send(&mut self, connection: &Connection, request: &HttpRequest) -> HttpReply {
        match self.put(Input::Send(Box::new((connection.clone(), request.clone())))) {
            Ok(Reply::Sent(reply)) => *reply,
            _ => HttpReply::Lost,
        }
    }

    fn heard(&mut self, connection: &Connection) -> Sent {
        self.cluster().heard(connection, self.clock())
    }

    fn close(&mut self, connection: &Connection) {
        // A full log leaves the connection open; its note expires.
        let _ = self.put(Input::Close(Box::new(connection.clone())));
    }

    fn ping(&mut self, from: &Source, to: IpAddr) -> Trace {
        // ICMP has no port, and no Service has port 0: no rule rewrites it.
        let trace = self.trace(from, SocketAddr::new(to, 0), Protocol::Sctp);
        self.assumed.note(&trace);
        self.sent(packets::Sent::Ping(Box::new(trace.clone())));
        trace
    }
}

impl World for Simulation {
    fn now(&self) -> Timestamp {
        Timestamp::at(self.cluster().config.start, self.branch.timeline.now())
    }

    fn elapsed(&self) -> Instant {
        self.branch.timeline.now()
    }

    fn request(&mut self, request: Request) -> Answer {
        if matches!(request.verb, Verb::Get | Verb::List) {
            return ApiServer::read(&self.cluster().store, &request);
        }
        match self.put(Input::Request(Box::new(request))) {
            Ok(Reply::Answer(answer)) => *answer,
            _ => Status::internal("the log of this session is full").into(),
        }
    }

    fn api_answers(&self) -> bool {
        self.cluster().faults.api_up()
    }

    fn revision(&self) -> u64 {
        self.cluster().store.revision()
    }

    fn about_to_act(&mut self) {
        if self.branch.is_in_the_past() {
            self.branches.start_by_itself(&mut self.branch);
        }
    }

    fn begin_command(&mut self) {
        (self.events_left, self.time_left) = (EVENTS_MAX, TIME_MAX);
    }

    fn advance(&mut self, by: Duration) -> Result<(), Stopped> {
        let until = self.branch.timeline.now() + by;
        self.run(|timeline, budget| timeline.run_until(until, budget)).map(|_| ())
    }

    fn advance_until(&mut self, limit: Duration, done: &mut dyn FnMut(&mut dyn World) -> bool) -> Result<bool, Stopped> {
        let until = self.branch.timeline.now() + limit;
        loop {
            if done(self) {
                return Ok(true);
            }
            let seen = self.revision();
            let changed = |e: &Engine<Cluster>| e.model().store.revision() != seen;
            if self.run(|timeline, budget| timeline.run(until, budget, changed))? != Stop::Satisfied {
                return Ok(done(self));
            }
        }
    }

    fn container(&mut self, namespace: &str, pod: &str, container: &str) -> Result<ContainerView, String> {
        self.cluster().container(namespace, pod, container)
    }

    fn logs(&mut self, namespace: &str, pod: &str, container: &str, previous: bool) -> Result<Vec<(Timestamp, String)>, String> {
        self.cluster().kubelets.logs(namespace, pod, container, previous)
    }

    fn custom_kinds(&self) -> Vec<(String, String)> {
        let view = self.cluster().store.head();
        let names = view.plain_kinds().filter_map(|name| view.list(name, "").first().map(Object::encode));
        let named = |object: serde_json::Value| (text(&object, "apiVersion").to_string(), text(&object, "kind").to_string());
        names.map(named).filter(|(version, kind)| matches!(kinds::served(version, kind), Served::Foreign(_))).collect()
    }

    fn wire(&mut self) -> Option<&mut (dyn Wire + 'static)> {
        Some(self)
    }

    fn written(&mut self, kind: &str, namespace: &str, name: &str, origin: Origin) {
        self.origins.note(kind, namespace, name, origin);
    }

    fn connections(&mut self) -> Option<&mut (dyn Connections + 'static)> {
        Some(self)
    }

    fn simulation(&mut self) -> Option<&mut Simulation> {
        Some(self)
    }
}
