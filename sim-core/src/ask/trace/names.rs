//! Why a name was not resolved: who was asked, what the cluster has under that name and how far that is from what was typed, and,
//! where no answer came, how the way to each server ends.
//!
//! In a real cluster this is spread over a pod's resolver file, the Services of several namespaces and what DNS servers know of
//! them. What we say of a Service is what the API has now; the server that answered may have an older view.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use super::because::{because, dns, node_down};
use super::{Asked, Resolved, matches};
use crate::ask::cause::{Asker, Because, Cause, NameCause};
use crate::ask::facts;
use crate::ask::hints::{HINTS_MAX, Hint};
use crate::ask::moment::Moment;
use crate::dns::resolver::{Sent, SentOutcome};
use crate::explain::origin::FileLine;
use crate::explain::{ObjectName, Outcome, Reason};
use crate::network::wire::Source;
use crate::objects::Name;
use crate::objects::nearest::alike;
use crate::objects::pod::Pod;
use crate::objects::pod_spec::Protocol;
use crate::objects::service::{Service, ServiceType};
use crate::store::View;

/// Servers whose ways are looked at.
const SERVERS_MAX: usize = 2;

/// A name that was asked for in vain.
#[derive(Clone, Debug)]
pub(super) struct InVain<'a> {
    /// As it was typed.
    name: &'a str,
    /// Who asked.
    client: Client<'a>,
    /// The cluster domain.
    domain: &'a str,
    /// What the resolver did.
    resolved: &'a Resolved,
    /// Whether one of the servers is the cluster's.
    of_cluster: bool,
}

/// Who asked for a name.
#[derive(Clone, Copy, Debug)]
enum Client<'a> {
    Pod(&'a Pod),
    Node(&'a Name),
    Outside,
}

/// A name as the cluster could have meant it: the Service part and the namespace part.
struct Meant<'n> {
    service: &'n str,
    namespace: &'n str,
    /// The name in full, without final dot.
    full: String,
}

/// The question that got no address; `None` if there was none.
pub(super) fn in_vain<'a>(moment: &Moment<'a>, asked: &Asked<'a>) -> Option<InVain<'a>> {
    let (resolved, name) = (asked.target.resolver.as_ref()?, asked.target.name.as_ref()?);
    let client = match asked.from {
        Source::Outside => Client::Outside,
        Source::Node(node) | Source::Address { at_node: node, .. } => Client::Node(node),
        Source::Pod { namespace, name } => Client::Pod(moment.view().pods.get(namespace, name)?),
    };
    let config = &moment.cluster.config;
    let is_cluster_dns = |ip: IpAddr| config.dns.service_ip == Some(ip) || config.dns.kubelet.contains(&ip);
    let of_cluster = resolved.queries.iter().any(|sent| !sent.by.is_empty() || is_cluster_dns(sent.server.ip()));
    Some(InVain { name, client, domain: &config.cluster_domain, resolved, of_cluster })
}

/// Causes and hints.
pub(super) fn explained(moment: &Moment<'_>, asked: &Asked<'_>, in_vain: &InVain<'_>) -> (Vec<Because>, Vec<Hint>) {
    match &in_vain.resolved.hop.reason {
        Reason::NameServersSilent { .. } => (silence(moment, asked.from, &in_vain.resolved.queries), Vec::new()),
        Reason::NodeDown { node } => (node_down(moment, node, &[]), Vec::new()),
        _ => (in_vain.because(moment).into_iter().collect(), in_vain.hints(moment.view())),
    }
}

/// Why no server gave a usable answer: how the way to each ends, or what it said.
fn silence(moment: &Moment<'_>, from: &Source, queries: &[Sent]) -> Vec<Because> {
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
            causes.push(Because::fact(Cause::Name(NameCause::ServerAnswers(server.ip(), rcode))));
            continue;
        }
        let way = moment.way(from, server, Protocol::Udp);
        if way.outcome == Outcome::Delivered {
            causes.push(Because::fact(Cause::Name(NameCause::ServerSilent(server))));
            causes.extend(dns(moment));
        } else {
            let why = because(moment, &way, &matches(moment, &way));
            causes.push(Because::fact(Cause::Name(NameCause::WayToServer(server, Box::new(way)))));
            causes.extend(why);
        }
    }
    causes
}

impl InVain<'_> {
    /// The Service that the name could be of, read from the left: `NAME`, `NAME.NAMESPACE`, and so on up to the whole.
    fn meant(&self) -> Option<Meant<'_>> {
        let mut labels = self.name.trim_end_matches('.').split('.');
        let service = labels.next()?;
        let own = if let Client::Pod(pod) = self.client { &*pod.meta.namespace } else { "default" };
        let namespace = labels.next().unwrap_or(own);
        let (rest, whole) = (labels.collect::<Vec<_>>().join("."), format!("svc.{}", self.domain));
        let fits = rest.is_empty() || whole == rest || whole.strip_prefix(&rest).is_some_and(|tail| tail.starts_with('.'));
        fits.then(|| Meant { service, namespace, full: format!("{service}.{namespace}.{whole}") })
    }

    /// Whether a name, without final dot, was sent.
    fn sent(&self, full: &str) -> bool {
        self.resolved.queries.iter().any(|sent| sent.name.trim_end_matches('.') == full)
    }

    /// Whom the client asks and why them, if that is not the cluster.
    fn elsewhere(&self, full: String) -> Because {
        let servers: BTreeSet<IpAddr> = self.resolved.queries.iter().map(|sent| sent.server.ip()).collect();
        let (about, asker) = match self.client {
            Client::Outside => (None, Asker::Outside),
            Client::Node(node) => (Some(ObjectName::new("Node", "", node.clone())), Asker::Node),
            Client::Pod(pod) => (
                Some(ObjectName::new("Pod", pod.meta.namespace.clone(), pod.meta.name.clone())),
                Asker::Pod(pod.spec.dns_policy.clone(), pod.spec.host_network),
            ),
        };
        let cause = NameCause::AsksElsewhere { asker, servers: servers.into_iter().collect(), full };
        Because { about, place: None, cause: Cause::Name(cause) }
    }

    /// What the cluster has under the name, and why that did not help.
    fn because(&self, moment: &Moment<'_>) -> Option<Because> {
        let meant = self.meant()?;
        let service = moment.view().services.get(meant.namespace, meant.service)?;
        if !self.of_cluster {
            return Some(self.elsewhere(meant.full));
        }
        let place = |path: &str, value: &str| -> Option<FileLine> {
            moment.origins.place("Service", &service.meta.namespace, &service.meta.name, path, value)
        };
        let (cause, place) = match &service.external_name {
            _ if !self.sent(&meant.full) => (NameCause::NotSearched(meant.full), None),
            Some(other) => (NameCause::AliasWithoutAddress(other.clone()), place("spec.externalName", other)),
            None if service.headless => {
                (NameCause::HeadlessWithout(facts::ready(moment.view(), service)), place("spec.clusterIP", "None"))
            }
            None => (NameCause::NotTold, None),
        };
        Some(Because::of(facts::object(service), Cause::Name(cause)).at(place))
    }

    /// What was perhaps meant: the same Service by a name that works, or another that is nearly called so.
    fn hints(&self, view: &View) -> Vec<Hint> {
        let Some(meant) = self.meant() else { return Vec::new() };
        let found = view.services.get(meant.namespace, meant.service);
        let mut hints = match found {
            Some(service) if !self.of_cluster => {
                by_address(service, matches!(self.client, Client::Outside)).into_iter().collect()
            }
            Some(_) if !self.sent(&meant.full) => vec![Hint::WithDot(meant.full)],
            Some(_) => Vec::new(),
            None if self.of_cluster => others(view, &meant),
            None => Vec::new(),
        };
        hints.truncate(HINTS_MAX);
        hints
    }
}

/// How a client that does not ask cluster DNS reaches a Service.
fn by_address(service: &Service, outside: bool) -> Option<Hint> {
    let full = facts::full_name(service);
    let balancer = service.ingress.iter().find_map(|i| i.ip);
    let node_port = service.ports.iter().find_map(|p| p.node_port);
    match (balancer, node_port, service.cluster_ips.first()) {
        (_, _, Some(ip)) if !outside => Some(Hint::ClusterIpOf(*ip, full)),
        (Some(ip), ..) => Some(Hint::BalancerOf(ip, full)),
        (None, Some(port), _) => Some(Hint::NodePortOf(port, full)),
        (None, None, Some(_)) if service.kind == ServiceType::ClusterIp => Some(Hint::InsideOnly(full)),
        _ => None,
    }
}

/// Services of that name in other namespaces, else of nearly that name in the namespace.
fn others(view: &View, meant: &Meant<'_>) -> Vec<Hint> {
    let short: Name = meant.service.into();
    let same = view.services.iter().filter(|s| s.meta.name == short).map(|s| s.meta.namespace.clone());
    let same: Vec<Hint> = same.take(HINTS_MAX).map(|namespace| Hint::OtherNamespace(short.clone(), namespace)).collect();
    if !same.is_empty() {
        return same;
    }
    let near = view.services.in_namespace(meant.namespace).map(|s| s.meta.name.clone()).filter(|n| alike(n, &short));
    near.take(HINTS_MAX).map(|name| Hint::SimilarService(name, meant.namespace.into())).collect()
}
