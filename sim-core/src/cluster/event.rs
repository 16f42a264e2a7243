//! Everything that can happen: one variant for each box, and the only big match.
//!
//! A closed enum, so that a forgotten case is a compile error, and events can be cloned, compared and counted.

use super::traffic;
use super::watch::Watcher;
use crate::network::policy;
use crate::store::ObjectId;
use crate::{controllers, kubelet, proxy, scheduler};

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A watcher learns that something changed.
    Watch(Watcher),
    /// A write on its way reaches the API server.
    Arrive(u32),
    /// A timer of a controller.
    Controllers(controllers::Event),
    /// A timer of the scheduler.
    Scheduler(scheduler::Event),
    /// A timer of a kubelet.
    Kubelet(kubelet::Event),
    /// A timer of kube-proxy.
    Proxy(proxy::Event),
    /// A cloud balancer checks its targets.
    Balancer(u32),
    /// A timer of a load.
    Traffic(traffic::Event),
    /// A timer of a network plugin's agent.
    Policy(policy::Event),
    /// A CoreDNS pod looks at its Corefile.
    Dns(ObjectId),
}

/// Every kind of event, by name.
pub const KINDS: [&str; 15] = [
    "api/write",
    "balancer/check",
    "controllers/timer",
    "dns/reload",
    "kubelet/timer",
    "policy/timer",
    "proxy/timer",
    "scheduler/timer",
    "traffic/request",
    "traffic/step",
    "watch/controller",
    "watch/kubelet",
    "watch/policy",
    "watch/proxy",
    "watch/scheduler",
];

impl Event {
    /// Its name, one of [`KINDS`], in statistics and in the journal.
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Watch(Watcher::Controller(_)) => "watch/controller",
            Event::Watch(Watcher::Scheduler) => "watch/scheduler",
            Event::Watch(Watcher::Kubelet(_)) => "watch/kubelet",
            Event::Watch(Watcher::Proxy(_)) => "watch/proxy",
            Event::Watch(Watcher::Policy(_)) => "watch/policy",
            Event::Arrive(_) => "api/write",
            Event::Controllers(_) => "controllers/timer",
            Event::Scheduler(_) => "scheduler/timer",
            Event::Kubelet(_) => "kubelet/timer",
            Event::Proxy(_) => "proxy/timer",
            Event::Traffic(event) => event.kind(),
            Event::Balancer(_) => "balancer/check",
            Event::Policy(_) => "policy/timer",
            Event::Dns(_) => "dns/reload",
        }
    }
}
