//! A name that was not resolved, explained: who was asked, and, where no answer came, how the way to each of them ends.
//!
//! Everything here looks; nothing is changed, and no time passes. What the cluster has under the name is judged in
//! [`crate::explain::names`].

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use super::answer::matches;
use super::question::Target;
use crate::dns::resolver::{Sent, SentOutcome};
use crate::explain::answer::Cause;
use crate::explain::because::{Ground, because};
use crate::explain::names::{self, Client, Vain};
use crate::explain::{Outcome, Reason};
use crate::lab::simulation::Simulation;
use crate::network::wire::Source;
use crate::objects::pod_spec::Protocol;
use crate::render::prose;

/// Servers whose ways are looked at.
const SERVERS_MAX: usize = 2;

/// The question that got no address; `None` if there was none.
pub(super) fn vain<'a>(sim: &'a Simulation, from: &'a Source, target: &'a Target) -> Option<Vain<'a>> {
    let (resolved, name) = (target.resolver.as_ref()?, target.name.as_ref()?);
    let head = sim.cluster().store.head();
    let client = match from {
        Source::Outside => Client::Outside,
        Source::Node(node) | Source::Address { at_node: node, .. } => Client::Node(node),
        Source::Pod { namespace, name } => Client::Pod(head.pods.get(namespace, name)?),
    };
    let servers: BTreeSet<IpAddr> = resolved.queries.iter().map(|sent| sent.server.ip()).collect();
    let of_cluster = |sent: &Sent| !sent.by.is_empty() || is_cluster_dns(sim, sent.server.ip());
    Some(Vain {
        name,
        client,
        domain: &sim.cluster().config.cluster_domain,
        of_cluster: resolved.queries.iter().any(of_cluster),
        servers: servers.into_iter().collect(),
        sent: resolved.queries.iter().map(|sent| sent.name.trim_end_matches('.')).collect(),
    })
}

/// Whether an address is that of the cluster's DNS: what kubelets write into pods, or the Service itself.
fn is_cluster_dns(sim: &Simulation, ip: IpAddr) -> bool {
    let dns = &sim.cluster().config.dns;
    dns.service_ip == Some(ip) || dns.kubelet.contains(&ip)
}

/// Causes and hints.
pub(super) fn explained(
    sim: &Simulation,
    ground: Ground<'_>,
    from: &Source,
    target: &Target,
    vain: &Vain<'_>,
) -> (Vec<Cause>, Vec<String>) {
    let Some(resolved) = &target.resolver else { return (Vec::new(), Vec::new()) };
    match &resolved.hop.reason {
        Reason::NameServersSilent { .. } => (silence(sim, ground, from, &resolved.queries), Vec::new()),
        Reason::NodeDown { node } => (ground.node_down(node, &[]), Vec::new()),
        _ => (names::because(ground, vain), names::hints(ground.view, vain)),
    }
}

/// Why no server gave a usable answer: how the way to each ends, or what it said.
fn silence(sim: &Simulation, ground: Ground<'_>, from: &Source, queries: &[Sent]) -> Vec<Cause> {
    let mut servers: Vec<SocketAddr> = Vec::new();
    for sent in queries {
        if !servers.contains(&sent.server) {
            servers.push(sent.server);
        }
    }
    let mut causes = Vec::new();
    for server in servers.into_iter().take(SERVERS_MAX) {
        let said = queries.iter().rev().find(|sent| sent.server == server).map(|sent| sent.outcome);
        if let Some(SentOutcome::Failed(rcode)) = said {
            causes.push(Cause::fact(format!("{} answers {}", server.ip(), rcode.text())));
            continue;
        }
        let way = sim.trace(from, server, Protocol::Udp);
        if way.outcome == Outcome::Delivered {
            causes.push(Cause::fact(format!("a way to {server}/UDP is open, but no answer comes")));
            causes.extend(ground.dns());
        } else {
            causes.push(Cause::fact(format!("to {server}/UDP: {}", prose::ending(&way).trim_end_matches('.'))));
            causes.extend(because(ground, &way, &matches(sim, &way)));
        }
    }
    causes
}
