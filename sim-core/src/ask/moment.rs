//! A cluster at a moment: what every question is asked of.
//!
//! No real cluster can be held still. Here a moment is an engine that is only looked at; where a question needs time to pass, as
//! a resolver that waits for its servers does, it passes in a copy.

use std::net::SocketAddr;

use crate::api::component::Clock;
use crate::cluster::ground::GroundAt;
use crate::cluster::servers::Asking;
use crate::cluster::{Cluster, Input, Reply};
use crate::dns::message::Question;
use crate::engine::random::Draws;
use crate::engine::run::{Budget, Engine, Stop};
use crate::engine::time::{Duration, Instant};
use crate::explain::origin::Origins;
use crate::explain::{Reason, Trace};
use crate::network::conntrack::{Flow, State};
use crate::network::path;
use crate::network::wire::{Asked, ResolverConfig, Source, Wire};
use crate::objects::pod_spec::Protocol;
use crate::store::View;

/// Most events that may happen while a copy of the world waits for a resolver,
pub const EVENTS_MAX: u64 = 10_000_000;
/// and the longest that it waits: ten years.
const WAIT_MAX: Duration = Duration::from_secs(10 * 365 * 86_400);

/// A cluster at a moment.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    engine: &'a Engine<Cluster>,
    /// The cluster.
    pub cluster: &'a Cluster,
    /// What the clock shows.
    pub now: Instant,
    /// The random numbers of the run.
    pub draws: Draws,
    /// Where the user wrote the objects.
    pub origins: &'a Origins,
}

impl<'a> Moment<'a> {
    /// The moment at which a run stands.
    pub fn new(engine: &'a Engine<Cluster>, origins: &'a Origins) -> Moment<'a> {
        Moment { engine, cluster: engine.model(), now: engine.now(), draws: engine.draws(), origins }
    }

    /// The objects as they are stored.
    pub fn view(&self) -> &'a View {
        self.cluster.store.head()
    }

    /// What is physically there.
    pub fn ground(&self) -> GroundAt<'a> {
        GroundAt { cluster: self.cluster, now: self.now }
    }

    /// The clock of the cluster.
    fn clock(&self) -> Clock {
        Clock { now: self.now, start: self.cluster.config.start, draws: self.draws }
    }

    /// The way of the first packet of a new connection; nothing is left behind.
    pub fn way(&self, from: &Source, to: SocketAddr, protocol: Protocol) -> Trace {
        self.look(from, to, protocol, path::Sending::Imagined)
    }

    /// The way of a packet with this port of the client: where its connection stands, the rules are not asked; where it never came
    /// about, its SYN goes once more.
    pub fn way_of_port(&self, from: &Source, to: SocketAddr, protocol: Protocol, port: u16) -> Trace {
        let known = self.look(from, to, protocol, path::Sending::Later(port));
        let is_known = known.hops.iter().any(|hop| hop.reason == Reason::KnownConnection);
        // A SYN would not do: where the connection is over, it begins another.
        if is_known && self.came_about(protocol, known.asked.0) {
            return known;
        }
        self.look(from, to, protocol, path::Sending::First(port))
    }

    /// Whether the connection of this client that a kernel has a note of was answered once. One that is over at the moment at which
    /// it began was refused.
    fn came_about(&self, protocol: Protocol, client: SocketAddr) -> bool {
        let (cluster, now) = (self.cluster, self.now);
        let answered = |flow: &Flow| flow.state != State::SynSent && !(flow.is_over() && flow.since == now);
        let kernels = cluster.config.nodes.iter().filter_map(|node| cluster.kernels.get(&node.name));
        let flows = kernels.flat_map(|kernel| kernel.conntrack.flows(now));
        let its = flows.filter(|(tuple, _)| (tuple.protocol, tuple.source) == (protocol, client));
        its.map(|(_, flow)| flow).any(answered)
    }

    fn look(&self, from: &Source, to: SocketAddr, protocol: Protocol, sending: path::Sending) -> Trace {
        path::trace(&self.ground(), self.draws, &path::Asked { from, to, protocol, now: self.now, sending })
    }

    /// A copy of the world, in which time passes while a resolver waits.
    pub(super) fn copy(&self) -> WorldCopy {
        WorldCopy { engine: self.engine.clone(), budget: Budget::new(EVENTS_MAX, WAIT_MAX), stopped: None }
    }

    /// The network as it stands at the moment, on which waiting takes no time.
    pub(super) fn frozen(&self) -> FrozenNetwork<'a> {
        FrozenNetwork(*self)
    }
}

/// A copy of the world that goes its own way.
pub(super) struct WorldCopy {
    engine: Engine<Cluster>,
    budget: Budget<'static>,
    /// Which limit ended the wait, if one did.
    pub stopped: Option<Stop>,
}

impl Wire for WorldCopy {
    fn now(&self) -> Instant {
        self.engine.now()
    }

    fn wait(&mut self, by: Duration) -> Result<(), String> {
        match self.engine.run_until(self.engine.now() + by, &mut self.budget) {
            Stop::Reached | Stop::Idle | Stop::Satisfied => Ok(()),
            stop => {
                self.stopped = Some(stop);
                Err(String::new())
            }
        }
    }

    fn ask(&mut self, from: &Source, server: SocketAddr, protocol: Protocol, question: &Question) -> Asked {
        let asking = Asking { from: from.clone(), server, protocol, question: question.clone() };
        match self.engine.input(Input::Ask(Box::new(asking))) {
            Reply::Asked(asked) => *asked,
            _ => Asked::Silence,
        }
    }

    fn resolver(&mut self, from: &Source) -> ResolverConfig {
        self.engine.model().resolver(from)
    }
}

/// A moment as a network: no server remembers that it was asked, and waiting takes no time.
pub(super) struct FrozenNetwork<'a>(Moment<'a>);

impl Wire for FrozenNetwork<'_> {
    fn now(&self) -> Instant {
        self.0.now
    }

    fn wait(&mut self, _: Duration) -> Result<(), String> {
        Ok(())
    }

    fn ask(&mut self, from: &Source, server: SocketAddr, protocol: Protocol, question: &Question) -> Asked {
        let asking = Asking { from: from.clone(), server, protocol, question: question.clone() };
        self.0.cluster.look_up(&asking, self.0.clock())
    }

    fn resolver(&mut self, from: &Source) -> ResolverConfig {
        self.0.cluster.resolver(from)
    }
}

impl FrozenNetwork<'_> {
    /// What cluster DNS answers as it is; `None` if the cluster has none.
    pub fn cluster_dns(&self, question: &Question) -> Option<crate::dns::message::Reply> {
        self.0.cluster.cluster_dns(question, self.0.clock())
    }
}
