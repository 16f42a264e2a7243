//! A DNS question arrives at an address: which server answers it, if any.
//!
//! In a real cluster the question is a packet to the kube-dns Service, rewritten to a CoreDNS pod, which answers from its own
//! view of the API. So it takes the ordinary way through the network first.

use std::net::SocketAddr;

use super::Cluster;
use super::ground::GroundAt;
use crate::api::component::Clock;
use crate::dns::message::{Question, Reply};
use crate::dns::server::Incoming;
use crate::engine::time::Duration;
use crate::explain::{Outcome, Place, Reason};
use crate::network::path;
use crate::network::wire::{Asked, Source};
use crate::objects::Name;
use crate::objects::pod_spec::Protocol;

/// How late a CoreDNS server's view of the API is.
const VIEW_AGE: Duration = Duration::from_millis(20);
/// Time a server takes to answer.
const SERVICE_TIME: Duration = Duration::from_micros(200);

/// One question on its way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Asking {
    /// Where it starts.
    pub from: Source,
    /// Where it is sent.
    pub server: SocketAddr,
    /// How.
    pub protocol: Protocol,
    /// The question.
    pub question: Question,
}

impl Cluster {
    /// What comes back for a question.
    pub(super) fn ask(&mut self, asking: &Asking, clock: Clock) -> Asked {
        let trace = {
            let ground = GroundAt { cluster: self, now: clock.now };
            let asked = path::Asked { from: &asking.from, to: asking.server, protocol: asking.protocol, now: clock.now };
            path::follow(&ground, clock.draws, &asked)
        };
        let after = trace.round_trip + SERVICE_TIME;
        match trace.outcome {
            Outcome::Refused => return Asked::Refused { after: trace.round_trip },
            Outcome::Delivered => {}
            _ => return Asked::Silence,
        }
        let last = trace.hops.last();
        if let Some(Place::Pod { namespace, name }) = last.map(|h| &h.place) {
            return match self.answer_of_pod(namespace, name, asking, clock) {
                Some(reply) => Asked::Reply { reply, after },
                None => Asked::Silence,
            };
        }
        // A resolver outside the cluster: it knows nothing of cluster names.
        let outside = last.is_some_and(|h| matches!(h.reason, Reason::AssumedOutside { .. }));
        if !outside {
            return Asked::Silence;
        }
        Asked::Reply { reply: self.upstream(&asking.question), after }
    }

    /// The answer of a CoreDNS pod; `None` if the pod is no DNS server, or all of them are broken.
    fn answer_of_pod(&mut self, namespace: &Name, name: &Name, asking: &Asking, clock: Clock) -> Option<Reply> {
        if !self.faults.dns_up() {
            return None;
        }
        let pod = self.store.head().pods.get(namespace, name)?.clone();
        if !pod.spec.containers.iter().any(|c| crate::kubelet::images::repository(&c.image) == "coredns") {
            return None;
        }
        let view = self.store.view_at(clock.now - VIEW_AGE).clone();
        let mut config = self.config.dns.server.clone();
        config.local_ips = pod.status.ips.to_vec();
        let incoming = Incoming { question: &asking.question, protocol: asking.protocol, now: clock.now };
        let server = pod.meta.uid.clone().unwrap_or_else(|| name.clone());
        let serial = self.serial(clock);
        Some(self.dns.ask(&server, &view, &config, incoming, serial, clock.draws))
    }

    /// The zone's serial: the time at which the cluster's clock stands.
    fn serial(&self, clock: Clock) -> u32 {
        u32::try_from(clock.timestamp().unix_seconds()).unwrap_or(0)
    }

    /// Cluster DNS asked as it is, beside the world: no network, no cache.
    pub fn cluster_dns(&self, question: &Question, clock: Clock) -> Option<Reply> {
        self.config.dns.enabled.then(|| {
            let mut config = self.config.dns.server.clone();
            config.cache = None;
            crate::dns::zone::answer(self.store.head(), &config, question, self.serial(clock))
        })
    }

    /// What a resolver of the outside world answers: the scenario's upstream records, else that the name does not exist.
    fn upstream(&self, question: &Question) -> Reply {
        let config = crate::dns::config::ServerConfig {
            zones: Vec::new(),
            upstream: self.config.dns.server.upstream.clone(),
            ..crate::dns::config::ServerConfig::default()
        };
        crate::dns::zone::answer(self.store.head(), &config, question, 0)
    }
}
