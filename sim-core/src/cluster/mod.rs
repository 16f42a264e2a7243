//! The machine room: the boxes of a cluster, wired together as one model of the engine.
//!
//! Boxes do not know each other. They are woken with a photograph and leave writes and timers behind; here the writes travel to
//! the API server, commits wake those who watch, and results go back to the sender. `Cluster::on_event` is the whole wiring.

mod balancers;
pub mod bringup;
mod bus;
pub mod config;
mod connections;
mod converged;
pub mod event;
pub mod faults;
pub mod ground;
mod health;
pub mod machines;
pub mod servers;
pub mod story;
mod system;
pub mod traffic;
pub mod watch;
mod web;

use std::hash::Hash;
use std::sync::Arc;

use self::bus::{Bus, Sender};
use self::config::Config;
pub use self::event::Event;
use self::faults::{Fault, Faults};
use self::story::{Agent, Story, Writer};
use self::watch::{Watcher, Watchers};
use crate::api::allocate::{Allocators, NotAPool};
use crate::api::component::{Clock, Reaction, Write};
use crate::api::request::{Answer, Request};
use crate::api::server::ApiServer;
use crate::cloud::Balancers;
use crate::controllers::{Controllers, Which};
use crate::dns::server::DnsServers;
use crate::engine::digest::{Digestible, StateDigest};
use crate::engine::model::{Context, Model};
use crate::engine::random::{Digest, Draws};
use crate::explain::Trace;
use crate::explain::assumed::Assumed;
use crate::kubelet::Kubelets;
use crate::network::graph::Underlay;
use crate::network::kernel::Kernels;
use crate::network::policy::Agents;
use crate::network::transport::{Connection, Opening};
use crate::network::wire::{HttpReply, HttpRequest};
use crate::proxy::Proxies;
use crate::scheduler::Scheduler;
use crate::store::{Store, View};

/// A cluster and everything around it.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// What does not change.
    pub config: Arc<Config>,
    /// etcd.
    pub store: Store,
    /// kube-apiserver.
    pub api: ApiServer,
    /// kube-controller-manager, and the cloud's controller.
    pub controllers: Controllers,
    /// The cloud's load balancers.
    pub cloud: Balancers,
    /// kube-scheduler.
    pub scheduler: Scheduler,
    /// The kubelets, with the containers they run.
    pub kubelets: Kubelets,
    /// kube-proxy of each node.
    pub proxies: Proxies,
    /// The network plugin of each node.
    pub policies: Agents,
    /// The CoreDNS servers: what they read and what they remember.
    pub dns: DnsServers,
    /// The links between the machines.
    pub wires: Arc<Underlay>,
    /// What is broken.
    pub faults: Faults,
    /// What the nodes' kernels remember of the traffic that went through.
    pub kernels: Kernels,
    /// The loads that run beside everything else.
    pub loads: traffic::Loads,
    /// Who did what because of what. No component reads it.
    pub story: Story,
    /// What connections rested on that nobody said.
    assumed: Assumed,
    /// What is between the components and the API server.
    bus: Bus,
}

/// What a checkpoint may hold of its own, in bytes: round figures, which only decide how many checkpoints are kept. With a pod
/// goes what its kubelet and its endpoints know of it.
const POD: u64 = 4 << 10;
const NODE: u64 = 4 << 10;
const EVENT: u64 = 1 << 10;
/// A connection that a kernel has noted, with its answer's direction and its place in the order of expiry.
const FLOW: u64 = 512;

/// What comes from outside: the user, a scenario's step.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Input {
    /// Everything starts: timers are set. Given once, at time zero.
    Start,
    /// A request of a client.
    Request(Box<Request>),
    /// A question reaches a DNS server.
    Ask(Box<servers::Asking>),
    /// A program sends the first packet of a new connection, or sends it again.
    Open(Box<Opening>),
    /// A program sends a request over a connection, and waits for the answer.
    Send(Box<(Connection, HttpRequest)>),
    /// A program closes a connection.
    Close(Box<Connection>),
    /// A load begins, or is stopped.
    Traffic(traffic::Order),
    /// Something breaks.
    Fail(Fault),
    /// Something is mended.
    Heal(Fault),
}

/// What an input is answered with.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// The API server's answer.
    Answer(Box<Answer>),
    /// The way of a first packet, and the connection if it was accepted.
    Opened(Box<(Trace, Option<Connection>)>),
    /// What a server answers.
    Sent(Box<HttpReply>),
    /// A DNS server's answer.
    Asked(Box<crate::network::wire::Asked>),
    /// Done.
    Done,
    /// The target of a fault does not exist.
    NoSuchTarget,
}

impl Model for Cluster {
    type Event = Event;
    type Input = Input;
    type Reply = Reply;

    fn handle(&mut self, event: Event, cx: &mut Context<'_, Event>) {
        self.on_event(event, cx);
        self.announce(cx);
    }

    fn accept(&mut self, input: Input, cx: &mut Context<'_, Event>) -> Reply {
        let clock = self.clock(cx);
        self.written_by(Writer::of_input(&input));
        let reply = match input {
            Input::Start => {
                self.start(cx);
                Reply::Done
            }
            Input::Request(request) => Reply::Answer(Box::new(self.api.handle(&mut self.store, &request, clock))),
            Input::Ask(asking) => Reply::Asked(Box::new(self.ask(&asking, clock))),
            Input::Open(opening) => {
                let opened = self.open(&opening, clock);
                self.tell_connection(&opening, &opened.0, cx);
                Reply::Opened(Box::new(opened))
            }
            Input::Send(sending) => Reply::Sent(Box::new(self.request(&sending.0, &sending.1, clock))),
            Input::Close(connection) => {
                self.close(&connection, clock);
                Reply::Done
            }
            Input::Traffic(order) => {
                self.tell_load(&order, cx);
                self.order(order, cx);
                Reply::Done
            }
            Input::Fail(fault) => self.break_or_mend(&fault, true, cx),
            Input::Heal(fault) => self.break_or_mend(&fault, false, cx),
        };
        self.announce(cx);
        reply
    }

    fn event_kind(event: &Event) -> &'static str {
        event.kind()
    }

    fn input_kind(input: &Input) -> &'static str {
        match input {
            Input::Start => "input/start",
            Input::Request(_) => "input/request",
            Input::Ask(_) => "input/dns",
            Input::Open(_) => "input/open",
            Input::Send(_) => "input/send",
            Input::Close(_) => "input/close",
            Input::Traffic(_) => "input/traffic",
            Input::Fail(_) => "input/fail",
            Input::Heal(_) => "input/heal",
        }
    }

    fn digest_state(&self, digest: &mut Digest) {
        digest.word(StateDigest::of(self));
    }

    fn weight(&self) -> u64 {
        let head = self.store.head();
        head.pods.len() as u64 * POD
            + head.nodes.len() as u64 * NODE
            + head.events.len() as u64 * EVENT
            + self.kernels.flows() as u64 * FLOW
    }
}

impl Cluster {
    /// A cluster of this configuration, with the scenario's own objects in its store.
    pub fn new(config: Config, objects: &[serde_json::Value], draws: Draws) -> Result<Cluster, NotAPool> {
        let mut api = ApiServer::new(Allocators::new(&config.service_cidrs, config.node_ports)?);
        let mut store = Store::default();
        bringup::fill(&mut api, &mut store, &config, objects);
        let nodes = config.node_names();
        let numbers = 0..u32::try_from(nodes.len()).unwrap_or(u32::MAX);
        let controllers = config.controllers.iter().copied().map(Watcher::Controller);
        let scheduler = config.scheduler.then_some(Watcher::Scheduler).into_iter();
        let kubelets = numbers.clone().filter(|_| config.kubelet).map(Watcher::Kubelet);
        let watchers = Watchers::new(
            controllers
                .chain(scheduler)
                .chain(kubelets)
                .chain(numbers.clone().map(Watcher::Proxy))
                .chain(numbers.map(Watcher::Policy)),
            draws,
        );
        let kubelet_config =
            crate::kubelet::Config { cluster_domain: config.cluster_domain.clone(), cluster_dns: config.dns.kubelet.clone() };
        let machines = config.nodes.iter().map(config::NodeConfig::for_kubelet).collect();
        let announced = store.revision();
        Ok(Cluster {
            api,
            store,
            controllers: Controllers::new(&config.controllers),
            cloud: Balancers::new(config.cloud.clone()),
            scheduler: Scheduler::default(),
            kubelets: Kubelets::new(machines, config.images.clone(), kubelet_config),
            proxies: Proxies::new(&nodes),
            policies: Agents::new(&nodes),
            dns: DnsServers::default(),
            wires: Arc::new(Underlay::new(config.nodes.iter().map(|n| (n.name.as_str(), n.zone.as_deref())))),
            faults: Faults::default(),
            kernels: Kernels::default(),
            loads: traffic::Loads::default(),
            story: Story::default(),
            assumed: Assumed::default(),
            bus: Bus::new(watchers, announced),
            config: Arc::new(config),
        })
    }

    /// Whether a controller of that name runs.
    pub fn runs(&self, which: Which) -> bool {
        self.config.controllers.contains(&which)
    }

    /// A write on its way: who sent it, and what it is.
    pub fn travelling(&self, id: u32) -> Option<(story::Who, &Write)> {
        let (sender, tag, write) = self.bus.travelling(id)?;
        Some((self.sender_of(*sender, *tag), write))
    }

    /// How much waits for the API server to come back.
    pub fn waiting(&self) -> usize {
        self.bus.waiting.len()
    }

    fn clock(&self, cx: &Context<'_, Event>) -> Clock {
        Clock { now: cx.now(), start: self.config.start, draws: cx.draws() }
    }

    /// Sets the first timers of everything that lives.
    fn start(&mut self, cx: &mut Context<'_, Event>) {
        let clock = self.clock(cx);
        let head = self.store.head().clone();
        for (number, node) in (0..).zip(self.config.node_names()) {
            self.proxies.program_now(&node, &head, clock);
            self.policies.program(number, &head, clock.now);
            if self.config.kubelet {
                let reaction = self.kubelets.start(&node, &head, clock);
                self.react(Sender::Kubelets, reaction.map(Event::Kubelet), cx);
            }
        }
        let all: Vec<Watcher> = self.bus.watchers.all().collect();
        for watcher in all {
            self.wake(watcher, cx);
        }
        self.start_dns(clock);
        let reaction = self.controllers.start(clock);
        self.react(Sender::Controllers, reaction.map(Event::Controllers), cx);
        self.bus.announced = self.store.revision();
    }

    fn on_event(&mut self, event: Event, cx: &mut Context<'_, Event>) {
        let clock = self.clock(cx);
        if self.waits(&event) {
            return;
        }
        match event {
            Event::Watch(watcher) => self.woken(watcher, clock, cx),
            Event::Arrive(id) => self.arrive(id, clock, cx),
            Event::Controllers(event) => {
                let view = self.photograph(Watcher::Controller(event.which()), clock);
                let reaction = self.controllers.handle(event, &view, &mut self.cloud, clock);
                self.react(Sender::Controllers, reaction.map(Event::Controllers), cx);
            }
            Event::Scheduler(event) => {
                let view = self.photograph(Watcher::Scheduler, clock);
                let reaction = self.scheduler.handle(event, &self.store, &view, clock);
                self.react(Sender::Scheduler, reaction.map(Event::Scheduler), cx);
            }
            Event::Kubelet(event) => {
                let view = self.photograph(Watcher::Kubelet(event.node()), clock);
                let mut reaction = self.kubelets.handle(event, &self.store, &view, clock);
                if self.bus.is_cut_off(event.node()) {
                    reaction.writes.clear();
                }
                self.react(Sender::Kubelets, reaction.map(Event::Kubelet), cx);
                if let Some((pod, container)) = self.kubelets.started_by(event, clock.now) {
                    self.tell_started(pod, container, cx);
                    self.container_started(pod, clock, cx);
                }
            }
            Event::Dns(pod) => self.dns_looks(pod, clock, cx),
            Event::Proxy(event) => {
                let watcher = Watcher::Proxy(event.node());
                let view = self.photograph(watcher, clock);
                let before = self.table_of(event.node());
                let reaction = self.proxies.handle(event, &view, clock);
                self.proxy_ran(event.node(), before, cx);
                self.react(Sender::Proxies, reaction.map(Event::Proxy), cx);
                // It was not woken while this sync was due; what changed within its latency is still news to it.
                if self.bus.services_changed > view.revision {
                    self.wake(watcher, cx);
                }
            }
            Event::Traffic(event) => self.traffic(event, clock, cx),
            Event::Balancer(number) => self.check_balancer(number, clock, cx),
            Event::Policy(event) => {
                let watcher = Watcher::Policy(event.node());
                let view = self.photograph(watcher, clock);
                let before = self.programmed_revision(Agent::Policy, event.node());
                self.policies.program(event.node(), &view, clock.now);
                self.tell_programmed((Agent::Policy, event.node()), before, cx);
                if self.bus.policies_changed > view.revision {
                    self.wake(watcher, cx);
                }
            }
        }
    }

    /// A watcher wakes: it sees the store as it was one latency ago.
    fn woken(&mut self, watcher: Watcher, clock: Clock, cx: &mut Context<'_, Event>) {
        if let Some(after) = self.bus.watchers.woken(watcher, clock.now) {
            cx.schedule(after, Event::Watch(watcher));
        }
        if watcher.node().is_some_and(|node| self.bus.is_cut_off(node)) {
            return;
        }
        let view = self.photograph(watcher, clock);
        match watcher {
            Watcher::Controller(which) => {
                let reaction = self.controllers.woken(which, &self.store, &view, &mut self.cloud, clock);
                self.react(Sender::Controllers, reaction.map(Event::Controllers), cx);
            }
            Watcher::Scheduler => {
                let reaction = self.scheduler.woken(&self.store, &view, clock);
                self.react(Sender::Scheduler, reaction.map(Event::Scheduler), cx);
            }
            Watcher::Kubelet(node) => {
                let reaction = self.kubelets.woken(node, &self.store, &view, clock);
                self.react(Sender::Kubelets, reaction.map(Event::Kubelet), cx);
            }
            Watcher::Proxy(node) => {
                let before = self.table_of(node);
                let reaction = self.proxies.woken(node, &view, clock);
                self.proxy_ran(node, before, cx);
                self.react(Sender::Proxies, reaction.map(Event::Proxy), cx);
            }
            Watcher::Policy(node) => {
                let reaction = self.policies.woken(node, clock);
                self.react(Sender::Policies, reaction.map(Event::Policy), cx);
            }
        }
    }

    fn photograph(&self, watcher: Watcher, clock: Clock) -> Arc<View> {
        self.bus.photograph(&self.store, watcher, clock.now)
    }

    /// Sends the writes and sets the timers that a box left behind.
    fn react(&mut self, sender: Sender, reaction: Reaction<Event>, cx: &mut Context<'_, Event>) {
        for (after, tag, write) in reaction.writes {
            let number = self.bus.send(sender, tag, write);
            cx.schedule(after, Event::Arrive(number));
        }
        for (after, event) in reaction.timers {
            cx.schedule(after, event);
        }
        if sender == Sender::Controllers {
            self.begin_checks(cx);
        }
    }

    /// A write reaches the API server; its sender hears the result.
    fn arrive(&mut self, id: u32, clock: Clock, cx: &mut Context<'_, Event>) {
        let Some((sender, tag, write)) = self.bus.arrived(id) else { return };
        let writer = self.writer_of(sender, tag, &write);
        self.written_by(writer);
        let result = self.api.write(&mut self.store, write, clock);
        if tag == 0 {
            return;
        }
        let reaction = match sender {
            Sender::Controllers => self.controllers.answered(tag, &result, &mut self.cloud, clock).map(Event::Controllers),
            Sender::Scheduler => self.scheduler.answered(tag, &result, clock).map(Event::Scheduler),
            Sender::Kubelets => self.kubelets.answered(tag, &result, clock).map(Event::Kubelet),
            Sender::Proxies | Sender::Policies => Reaction::default(),
        };
        self.react(sender, reaction, cx);
    }

    /// Tells those who watch of what was committed since the last time.
    fn announce(&mut self, cx: &mut Context<'_, Event>) {
        let head = self.store.revision();
        if head == self.bus.announced {
            return;
        }
        cx.note(head);
        let Ok(changes) = self.store.changes(self.bus.announced, head) else {
            self.announce_anew(head, cx);
            return;
        };
        let changes: Vec<crate::store::Change> = changes.cloned().collect();
        self.bus.announced = head;
        for change in &changes {
            self.tell(change, cx);
            self.dns_changed(change, cx);
            if Proxies::interested(change) {
                self.bus.services_changed = change.revision;
            }
            if Agents::interested(self.store.head(), change) {
                self.bus.policies_changed = change.revision;
            }
            for watcher in self.interested(change) {
                self.wake(watcher, cx);
            }
        }
    }

    /// More was committed at once than the log keeps, as when a collection of tens of thousands is deleted: everybody who watches is
    /// told, and lists anew.
    fn announce_anew(&mut self, head: u64, cx: &mut Context<'_, Event>) {
        (self.bus.announced, self.bus.services_changed, self.bus.policies_changed) = (head, head, head);
        let (proxies, agents): (Vec<u32>, Vec<u32>) = (self.proxies.idle().collect(), self.policies.idle().collect());
        let busy = |watcher: &Watcher| match watcher {
            Watcher::Proxy(node) => !proxies.contains(node),
            Watcher::Policy(node) => !agents.contains(node),
            _ => false,
        };
        let idle: Vec<Watcher> = self.bus.watchers.all().filter(|watcher| !busy(watcher)).collect();
        idle.into_iter().for_each(|watcher| self.wake(watcher, cx));
        self.dns_changed_anyhow(cx);
    }

    fn interested(&self, change: &crate::store::Change) -> Vec<Watcher> {
        let mut list = Vec::new();
        list.extend(self.controllers.interested(change).map(Watcher::Controller));
        if self.config.scheduler && Scheduler::interested(change) {
            list.push(Watcher::Scheduler);
        }
        if self.config.kubelet {
            list.extend(self.kubelets.interested(change).into_iter().map(Watcher::Kubelet));
        }
        if Proxies::interested(change) {
            list.extend(self.proxies.idle().map(Watcher::Proxy));
        }
        if Agents::interested(self.store.head(), change) {
            list.extend(self.policies.idle().map(Watcher::Policy));
        }
        list
    }

    fn wake(&mut self, watcher: Watcher, cx: &mut Context<'_, Event>) {
        if let Some(after) = self.bus.watchers.changed(watcher, cx.now()) {
            cx.schedule(after, Event::Watch(watcher));
        }
    }
}

/// Everything that can influence what happens next.
impl Digestible for Cluster {
    fn digest(&self, into: &mut StateDigest) {
        let Cluster {
            config,
            store,
            api,
            controllers,
            cloud,
            scheduler,
            kubelets,
            proxies,
            policies,
            dns,
            // The wires follow from the configuration.
            wires: _,
            faults,
            kernels,
            loads,
            assumed,
            bus,
            // What happened before influences nothing; the history digest covers it.
            story: _,
        } = self;
        into.fold(config);
        store.digest(into);
        api.digest(into);
        controllers.digest(into);
        cloud.digest(into);
        scheduler.digest(into);
        kubelets.digest(into);
        proxies.digest(into);
        policies.digest(into);
        dns.digest(into);
        faults.digest(into);
        kernels.digest(into);
        loads.digest(into);
        bus.digest(into);
        into.fold(assumed);
    }
}
