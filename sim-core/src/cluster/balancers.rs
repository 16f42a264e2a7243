//! The cloud's balancers in the cluster: when they check, and what their packets meet.
//!
//! In a real cluster a balancer stands at the provider's, and sends its checks through the provider's network. Which targets it has
//! and what it makes of a check is in [`crate::cloud`]. Left out: the time that a check takes.

use std::net::SocketAddr;

use super::ground::GroundAt;
use super::{Cluster, Event};
use crate::api::component::Clock;
use crate::cloud::checks::Reach;
use crate::engine::model::Context;
use crate::engine::time::Duration;
use crate::explain::Outcome;
use crate::network::Ground;
use crate::network::graph::BALANCER;
use crate::network::path::{self, Asked, Sending};
use crate::network::wire::Source;
use crate::objects::Name;
use crate::objects::pod_spec::Protocol;
use crate::objects::service::Service;

impl Cluster {
    /// Sets the first check of balancers that were ordered just now; they do not all check in the same instant.
    pub(super) fn begin_checks(&mut self, cx: &mut Context<'_, Event>) {
        let interval = self.config.cloud.balancing.interval;
        for number in self.cloud.begin() {
            let first = cx.draws().keyed("balancer/check", number).duration(Duration::ZERO, interval);
            cx.schedule(first, Event::Balancer(number));
        }
    }

    /// A balancer checks all its targets, and will again.
    pub(super) fn check_balancer(&mut self, number: u32, clock: Clock, cx: &mut Context<'_, Event>) {
        let mut cloud = self.cloud.clone();
        let turned = cloud.check(number, self.store.head(), &Packets { cluster: self, clock }, clock.now);
        self.cloud = cloud;
        if let (Some(turned), Some(service)) = (turned, self.cloud.service(number).cloned()) {
            self.tell_targets(&service, turned, cx);
            cx.schedule(self.config.cloud.balancing.interval, Event::Balancer(number));
        }
    }
}

/// The packets of a balancer at a moment.
struct Packets<'c> {
    cluster: &'c Cluster,
    clock: Clock,
}

impl Packets<'_> {
    fn ground(&self) -> GroundAt<'_> {
        GroundAt { cluster: self.cluster, now: self.clock.now }
    }
}

impl Reach for Packets<'_> {
    fn node(&self, node: &str) -> bool {
        let ground = self.ground();
        ground.node_up(node) && ground.way(BALANCER, node).is_ok()
    }

    fn listener(&self, at: SocketAddr) -> Option<Name> {
        let sandbox = self.ground().sandbox(at.ip())?;
        sandbox.sockets.iter().any(|(socket, _)| socket.port == at.port()).then_some(sandbox.node)
    }

    fn proxy_answers(&self, node: &str) -> bool {
        self.cluster.config.nodes.number(node).is_some_and(|number| self.cluster.proxies.running(number))
    }

    fn has_local(&self, service: &Service, node: &str) -> bool {
        self.cluster.has_local(service, node)
    }

    fn node_port_answers(&self, node: &str, port: u16, protocol: Protocol) -> bool {
        let ground = self.ground();
        ground.node_ips(node).first().is_some_and(|ip| {
            let from = Source::Address { ip: ground.outside(ip.is_ipv6()), at_node: node.into() };
            let (to, now) = (SocketAddr::new(*ip, port), self.clock.now);
            let asked = Asked { from: &from, to, protocol, now, sending: Sending::Imagined };
            path::follow(&ground, self.clock.draws, &asked).0.outcome == Outcome::Delivered
        })
    }
}
