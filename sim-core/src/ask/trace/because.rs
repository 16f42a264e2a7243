//! Which fields of which objects made a packet's way end as it did, and what they meet in the cluster.
//!
//! A field is named as the user wrote it, with its place in the user's file where that is known. Left out: the history of a field.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::answer::{Endpoint, LocalPolicy, Match};
use crate::ask::cause::{Because, Cause, Closed, Nobody, NotProgrammed, NotTaken, OTHER_PROXY};
use crate::ask::facts;
use crate::ask::moment::Moment;
use crate::cluster::faults::{ActiveFault, Fault, NodeFault};
use crate::explain::origin::FileLine;
use crate::explain::{AddressKind, Component, Hop, ObjectName, Outcome, Place, Reason, Trace};
use crate::kubelet::images::Listener;
use crate::network::Ground;
use crate::objects::Name;
use crate::objects::labels::Labels;
use crate::objects::meta::Owner;
use crate::objects::pod::Pod;
use crate::objects::pod_spec::Protocol;
use crate::objects::service::{Service, ServicePort};
use crate::proxy::Mode;
use crate::proxy::rules::{NodeFacts, takes_node_ports};

/// Nodes without power that are named.
const DARK_MAX: usize = 3;

/// The causes of the last decision on a way.
pub(super) fn because(moment: &Moment<'_>, trace: &Trace, matches: &[Option<Match>]) -> Vec<Because> {
    let unrejected = |hop: &&Hop| matches!(hop.reason, Reason::NotRejectedOnOutput { .. });
    let Some(last) = trace.hops.iter().find(unrejected).or(trace.hops.last()) else { return Vec::new() };
    let matched = matches.iter().flatten().next();
    let view = moment.view();
    let service = matched.and_then(|m| m.service.split_once('/')).and_then(|(ns, name)| view.services.get(ns, name));
    let service = service.or_else(|| facts::service_of(view, &last.reason)).map(|s| &**s);
    let way = Way { moment, trace, endpoints: matched.map(|m| m.endpoints.as_slice()).unwrap_or_default() };
    match (&last.reason, service) {
        (Reason::NoLocalEndpoints { external, .. }, Some(service)) => {
            let policy = if *external { LocalPolicy::External } else { LocalPolicy::Internal };
            way.kept_local(service, policy)
        }
        (Reason::NoEndpoints { .. } | Reason::NotRejectedOnOutput { .. }, Some(service)) => vec![way.nobody(service)],
        (Reason::SourceNotAllowed { .. }, Some(service)) => {
            let at = way.place(service, "spec.loadBalancerSourceRanges", "");
            vec![Because::of(facts::object(service), Cause::SourceRanges(service.source_ranges.clone())).at(at)]
        }
        (Reason::NothingListens { port, .. }, service) => way.nothing_listens(service, *port),
        (Reason::BoundToLoopback { port, .. }, _) => vec![Because::fact(Cause::BindsLoopback(*port))],
        (Reason::PolicyDenied { .. }, _) => last.reason.objects().into_iter().map(|policy| way.policy(policy)).collect(),
        (Reason::NodeDown { node }, _) => node_down(moment, node, way.endpoints),
        (Reason::AnswerNotRestored { node }, service) => {
            way.not_restored(service.filter(|_| matched.is_some_and(|m| m.local == Some(LocalPolicy::External))), node)
        }
        (Reason::LinkDown { a, b } | Reason::PacketLost { a, b }, _) => way.link(a, b),
        (Reason::NoNodeBehindBalancer, _) => way.no_power(),
        (Reason::NobodyHasAddress { .. }, _) if trace.chosen.is_some() => way.gone(),
        (
            Reason::NoRule
            | Reason::NobodyHasAddress { .. }
            | Reason::NoSuchServicePort
            | Reason::UnallocatedServiceIp
            | Reason::NoSuchBalancerPort { .. },
            _,
        ) => vec![way.no_such()],
        (_, Some(service)) if trace.outcome == Outcome::Delivered && trace.chosen.is_some() => way.chosen(service),
        _ => last.reason.objects().into_iter().map(|object| Because::fact(Cause::Concerns(object))).collect(),
    }
}

/// The power of a node is off; what the API still says of it and its pods.
pub(super) fn node_down(moment: &Moment<'_>, node: &Name, endpoints: &[Endpoint]) -> Vec<Because> {
    let ready = moment.view().nodes.get("", node).map(|n| n.ready());
    let fault = moment.cluster.active_faults().into_iter().find(|active| is_power_off(active, node));
    let mut causes = vec![Because::of(ObjectName::new("Node", "", node.clone()), Cause::NodeDown { fault, ready })];
    let listed = endpoints.iter().filter(|e| e.node.as_ref() == Some(node) && e.why_not.is_none()).count();
    causes.extend((listed > 0).then(|| Because::fact(Cause::StillReady(listed))));
    causes
}

/// Cluster DNS, if that is broken.
pub(super) fn dns(moment: &Moment<'_>) -> Option<Because> {
    broken(moment, |active| active.fault == Fault::Dns).next()
}

fn broken(moment: &Moment<'_>, is_meant: impl Fn(&ActiveFault) -> bool) -> impl Iterator<Item = Because> {
    moment.cluster.active_faults().into_iter().filter(is_meant).map(|active| Because::fact(Cause::Broken(active)))
}

fn is_power_off(active: &ActiveFault, node: &str) -> bool {
    matches!(&active.fault, Fault::Node(n, NodeFault::PowerOff) if **n == *node)
}

/// A way, with what was behind the Service that it met.
struct Way<'a> {
    moment: &'a Moment<'a>,
    trace: &'a Trace,
    endpoints: &'a [Endpoint],
}

impl Way<'_> {
    fn place(&self, service: &Service, path: &str, value: &str) -> Option<FileLine> {
        self.moment.origins.place("Service", &service.meta.namespace, &service.meta.name, path, value)
    }

    fn field(&self, service: &Service, key: &'static str, value: &str) -> Because {
        let place = self.place(service, &format!("spec.{key}"), value);
        Because::of(facts::object(service), Cause::Field(key, value.into())).at(place)
    }

    /// Where the selector was written: its first pair.
    fn selector_place(&self, service: &Service, labels: &Labels) -> Option<FileLine> {
        labels.0.iter().next().and_then(|(k, v)| self.place(service, &format!("spec.selector.{k}"), v))
    }

    /// A policy that selects a pod.
    fn policy(&self, policy: ObjectName) -> Because {
        let place = self.moment.origins.place(&policy.kind, &policy.namespace, &policy.name, "spec.podSelector", "");
        Because::of(policy, Cause::PolicySelectsPod).at(place)
    }

    /// The field that keeps traffic on the node, and where the pods are.
    fn kept_local(&self, service: &Service, policy: LocalPolicy) -> Vec<Because> {
        [self.field(service, policy.field(), "Local")].into_iter().chain(self.placement(service)).collect()
    }

    /// The field that a connection which went well rests on.
    fn chosen(&self, service: &Service) -> Vec<Because> {
        let able = self.endpoints.iter().filter(|e| e.why_not.is_none()).count();
        let now = self.now(service);
        let endpoints = now.as_ref().map_or(self.endpoints.len(), Vec::len);
        let behind = now.map(|now| self.behind(&now)).unwrap_or_default();
        let place = service.selector.as_ref().and_then(|labels| self.selector_place(service, labels));
        let (selector, able) = (service.selector.clone(), behind.is_empty().then_some(able));
        let finds = Because::of(facts::object(service), Cause::Finds { selector, endpoints, able }).at(place);
        let remembered = self.trace.hops.iter().any(|hop| matches!(hop.reason, Reason::SessionAffinity { .. }));
        let affinity = remembered.then(|| self.field(service, "sessionAffinity", "ClientIP"));
        [finds].into_iter().chain(affinity).chain(behind).collect()
    }

    /// The endpoints of the port that was asked for, as the API has them now.
    fn now(&self, service: &Service) -> Option<Vec<Endpoint>> {
        let port = &service.ports[port_index(service, self.trace)?];
        Some(facts::endpoints(self.moment.view(), service, port, self.trace.asked.1.is_ipv6()))
    }

    /// In what the rules that decided differ from the API as it is now, and why they do.
    fn behind(&self, now: &[Endpoint]) -> Vec<Because> {
        let known = self.endpoints;
        let Some((node, age)) = self.trace.hops.iter().find_map(|hop| Some((node_of(&hop.place)?, hop.view_age?))) else {
            return Vec::new();
        };
        let at = |list: &[Endpoint], e: &Endpoint| list.iter().find(|other| other.address == e.address).map(|other| other.state);
        let number = |list: &[Endpoint], fits: &dyn Fn(&Endpoint) -> bool| list.iter().filter(|e| fits(e)).count();
        let lack = number(now, &|e| at(known, e).is_none());
        let gone = number(known, &|e| at(now, e).is_none());
        let changed = number(known, &|e| at(now, e).is_some_and(|state| state != e.state));
        if lack + gone + changed == 0 {
            return Vec::new();
        }
        let old = Because::of(ObjectName::new("Node", "", node.clone()), Cause::OldRules { age, lack, gone, changed });
        let stopped = broken(self.moment, |active| active.fault == Fault::Proxy(node.clone())).next();
        [old].into_iter().chain(stopped).collect()
    }

    /// Nobody is behind the Service, or nobody who may be used.
    fn nobody(&self, service: &Service) -> Because {
        let about = facts::object(service);
        let Some(labels) = &service.selector else { return Because::of(about, Cause::NoSelector) };
        let pods = self.pods(service, labels);
        let unready: Vec<Name> = pods.iter().filter(|p| !p.ready()).map(|p| p.meta.name.clone()).collect();
        let why = match pods.len() {
            0 => Nobody::NoPod(service.meta.namespace.clone()),
            all if !unready.is_empty() => Nobody::NotReady(all, unready),
            all if self.endpoints.is_empty() => Nobody::NoPortNumber(all),
            all => Nobody::NotSeenReady(all),
        };
        Because::of(about, Cause::FindsNobody(labels.clone(), why)).at(self.selector_place(service, labels))
    }

    fn pods(&self, service: &Service, labels: &Labels) -> Vec<&Pod> {
        let all = self.moment.view().pods_matching(&service.meta.namespace, labels);
        all.map(|p| &**p).filter(|p| labels.contained_in(&p.meta.labels) && !p.finished()).collect()
    }

    /// Where the pods of a Local Service are, and what put them there.
    fn placement(&self, service: &Service) -> Option<Because> {
        let mut by_node: BTreeMap<Option<Name>, usize> = BTreeMap::new();
        for endpoint in self.endpoints {
            *by_node.entry(endpoint.node.clone()).or_default() += 1;
        }
        let deployment = self.endpoints.iter().filter_map(|e| e.pod.as_ref()).find_map(|pod| self.deployment(service, pod));
        let unspread = deployment.filter(|(_, spread)| !spread).map(|(name, _)| name);
        let by_node: Vec<_> = by_node.into_iter().collect();
        (!by_node.is_empty()).then(|| Because::fact(Cause::Placement { unspread, by_node }))
    }

    /// The Deployment above a pod, and whether it asks for its pods to be spread.
    fn deployment(&self, service: &Service, pod: &str) -> Option<(Name, bool)> {
        let (view, namespace) = (self.moment.view(), &service.meta.namespace);
        let owner = |owners: &[Owner]| owners.iter().find(|o| o.controller == Some(true)).cloned();
        let pod = view.pods.get(namespace, pod)?;
        let set = view.replica_sets.get(namespace, &owner(&pod.meta.owners)?.name)?;
        let deployment = view.deployments.get(namespace, &owner(&set.meta.owners)?.name)?;
        let spec = &deployment.template.spec;
        let apart = spec.doc.pointer("/affinity/podAntiAffinity").is_some();
        Some((deployment.meta.name.clone(), apart || !spec.spread.is_empty()))
    }

    /// The connection reached the machine, and no program has the port.
    fn nothing_listens(&self, service: Option<&Service>, port: u16) -> Vec<Because> {
        let mut causes = Vec::new();
        if let Some((service, index)) = service.and_then(|s| Some((s, port_index(s, self.trace)?))) {
            let text = facts::target_text(&service.ports[index]);
            let place = self.place(service, &format!("spec.ports[{index}].targetPort"), &text);
            let place = place.or_else(|| self.place(service, &format!("spec.ports[{index}].port"), &text));
            causes.push(Because::of(facts::object(service), Cause::Field("targetPort", text.into())).at(place));
        }
        causes.extend(self.node_port(port));
        causes.push(Because::fact(Cause::Listening { asked: port, open: self.sockets() }));
        causes
    }

    /// What listens where the way ended; on the loopback only if it has the port that was asked for.
    fn sockets(&self) -> Vec<(u16, Protocol)> {
        let ground = self.moment.ground();
        let Some(last) = self.trace.hops.last().filter(|h| h.component == Component::Server) else { return Vec::new() };
        let found = match &last.place {
            Place::Node(node) => ground.host_sockets(node),
            // By the pod's own address: a pod that called itself by a loopback address is none of the network's.
            Place::Pod { namespace, name } => {
                let own = ground.pod(namespace, name).and_then(|(_, ips)| ips.first().copied());
                own.and_then(|ip| ground.sandbox(ip)).map(|s| s.sockets).unwrap_or_default()
            }
            Place::Client | Place::Balancer | Place::Outside => Vec::new(),
        };
        let hidden = |l: &Listener| l.bind.is_some_and(|ip| ip.is_loopback());
        let mut list: Vec<(u16, Protocol, bool)> = found.iter().map(|(l, _)| (l.port, l.protocol, hidden(l))).collect();
        list.retain(|(port, _, hidden)| !hidden || *port == last.after.1.port());
        list.sort_unstable();
        list.dedup();
        list.into_iter().map(|(port, protocol, _)| (port, protocol)).collect()
    }

    /// The port is a Service's node port, and kube-proxy did not take the packet.
    fn node_port(&self, port: u16) -> Option<Because> {
        let Some(Place::Node(node)) = self.trace.hops.last().map(|hop| &hop.place) else { return None };
        let ports = self.moment.view().services.iter().flat_map(|s| s.ports.iter().map(move |p| (s, p)));
        let mut ports: Vec<_> = ports.filter(|(_, p)| p.node_port == Some(port)).collect();
        ports.sort_by_key(|(_, p)| p.protocol != self.trace.protocol);
        let (service, found) = ports.first()?;
        let why = match self.closed(node) {
            _ if found.protocol != self.trace.protocol => NotTaken::Protocol(found.protocol, self.trace.protocol),
            Some((closed, open)) => NotTaken::Closed(closed, open),
            None => return Some(self.not_programmed(service)),
        };
        Some(Because::of(facts::object(service), Cause::NodePortNotTaken { port, node: node.clone(), why }))
    }

    /// Why the address of the last station is one on which its node takes no node ports, and those on which it does.
    fn closed(&self, node: &Name) -> Option<(Closed, Vec<IpAddr>)> {
        let last = self.trace.hops.last()?;
        let ground = self.moment.ground();
        let (node_ips, addresses) = (ground.node_ips(node), ground.node_addresses(node));
        let facts = NodeFacts { name: node, zone: None, node_ips, addresses };
        let (config, ip) = (ground.proxy_config(), last.before.1.ip());
        let takes = |ip: &IpAddr| takes_node_ports(config, &facts, *ip);
        let why = match config.mode {
            _ if takes(&ip) => return None,
            _ if ip.is_loopback() => Closed::Loopback,
            Mode::Nftables if config.node_port_addresses.is_empty() => Closed::FirstAddressOnly,
            Mode::Iptables | Mode::Nftables | Mode::Ipvs => Closed::LeftOut(ip),
        };
        let open = facts.addresses.iter().copied().filter(|other| other.is_ipv6() == ip.is_ipv6() && takes(other)).collect();
        Some((why, open))
    }

    /// The backend answers the client directly, since the source was left as it was. `local`: the Service, if that is because it
    /// keeps traffic on the node.
    fn not_restored(&self, local: Option<&Service>, node: &Name) -> Vec<Because> {
        let mut causes = local.map(|service| self.kept_local(service, LocalPolicy::External)).unwrap_or_default();
        let rewritten = self.trace.hops.iter().rev().find(|hop| hop.before.1 != hop.after.1);
        causes.extend(rewritten.map(|hop| Because::fact(Cause::SourceKept(node.clone(), hop.after.0.ip()))));
        causes
    }

    /// Whatever breaks the link between two stations.
    fn link(&self, a: &Name, b: &Name) -> Vec<Because> {
        broken(self.moment, |active| matches!(&active.link, Some(((x, y), _)) if (x, y) == (a, b))).collect()
    }

    /// The nodes without power.
    fn no_power(&self) -> Vec<Because> {
        broken(self.moment, |active| matches!(active.fault, Fault::Node(_, NodeFault::PowerOff))).take(DARK_MAX).collect()
    }

    /// An endpoint was picked, and nobody has its address any more.
    fn gone(&self) -> Vec<Because> {
        let picked = self.endpoints.iter().find(|e| Some(e.address) == self.trace.chosen);
        let dark = |node: &&Name| !self.moment.cluster.faults.node_up(node);
        if let Some(node) = picked.and_then(|e| e.node.as_ref()).filter(dark) {
            return node_down(self.moment, node, self.endpoints);
        }
        let now = facts::service_of_trace(self.moment.view(), self.trace).and_then(|service| self.now(service));
        let behind = now.map(|now| self.behind(&now)).unwrap_or_default();
        [Because::fact(Cause::PodGone)].into_iter().chain(behind).collect()
    }

    /// The Service has the port, and the node that handled the packet has no rule for it.
    fn not_programmed(&self, service: &Service) -> Because {
        let seen = self.trace.hops.iter().rev().find_map(|hop| Some((node_of(&hop.place)?, hop.view_age?)));
        let why = match (service.meta.labels.get(OTHER_PROXY), seen) {
            (Some(_), _) => NotProgrammed::OtherProxy,
            (None, Some((node, age))) => NotProgrammed::OldRules(node.clone(), age),
            (None, None) => NotProgrammed::NotMet,
        };
        Because::of(facts::object(service), Cause::NotProgrammed(why))
    }

    /// No rule, or no such port, or nobody has the address.
    fn no_such(&self) -> Because {
        let (to, asked) = (self.trace.asked.1.ip(), (self.trace.asked.1.port(), self.trace.protocol));
        let Some(service) = facts::owner_of(self.moment.view(), to) else { return Because::fact(Cause::NobodyHas(to)) };
        let ports: Vec<(u16, Protocol)> = service.ports.iter().map(|p| (p.port, p.protocol)).collect();
        if ports.contains(&asked) {
            return self.not_programmed(service);
        }
        Because::of(facts::object(service), Cause::Ports { ports, asked }).at(self.place(service, "spec.ports", ""))
    }
}

/// The index of the port of a Service that a way was asked for.
fn port_index(service: &Service, trace: &Trace) -> Option<usize> {
    let to: SocketAddr = trace.asked.1;
    let kind = facts::kind_of(service, to.ip());
    let number = |p: &ServicePort| match kind {
        AddressKind::NodePort => p.node_port,
        AddressKind::ClusterIp | AddressKind::ExternalIp | AddressKind::LoadBalancerIp => Some(p.port),
    };
    service.ports.iter().position(|p| number(p) == Some(to.port()) && p.protocol == trace.protocol)
}

/// The node at which a station is, if it is one.
fn node_of(place: &Place) -> Option<&Name> {
    if let Place::Node(node) = place { Some(node) } else { None }
}
