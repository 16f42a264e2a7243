//! Which fields of which objects made a packet's way end as it did, and what they meet in the cluster.
//!
//! A field is named as the user wrote it, with its place in the user's file where that is known. Left out: the history of a field.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::answer::{Cause, Endpoint, Match};
use super::facts;
use super::origin::Origins;
use super::{Outcome, Place, Reason, Trace};
use crate::objects::Name;
use crate::objects::labels::Labels;
use crate::objects::pod::Pod;
use crate::objects::pod_spec::Protocol;
use crate::objects::service::Service;
use crate::store::View;

/// A socket at the end of the way: its port, and whether only the loopback address reaches it.
pub type Socket = (u16, Protocol, bool);

/// What causes are looked up in.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// The store as it is.
    pub view: &'a View,
    /// Where the user wrote things.
    pub origins: &'a Origins,
    /// What listens where the way ended.
    pub sockets: &'a [Socket],
    /// What is broken on purpose.
    pub broken: &'a [Broken],
    /// Why the last station's kube-proxy leaves the address alone to which it takes node ports elsewhere.
    pub closed: Option<&'a Closed>,
}

/// An address of a node on which kube-proxy takes no node ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The node.
    pub node: Name,
    /// Where it takes them instead.
    pub open: Vec<IpAddr>,
    /// The setting that says so.
    pub why: String,
}

/// Something that is broken on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// As the console names it behind `heal`.
    pub target: String,
    /// What does not work.
    pub part: Part,
}

/// A part that can be broken, as far as a packet or a question meets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A node has no power.
    Power(Name),
    /// Between two stations so many of a million packets are lost.
    Wire {
        /// The one.
        a: Name,
        /// The other.
        b: Name,
        /// Of a million.
        ppm: u32,
    },
    /// kube-proxy of a node does not run.
    Proxy(Name),
    /// No DNS server of the cluster answers.
    Dns,
}

impl Broken {
    /// What is wrong and what mends it, as the end of a sentence about the thing itself.
    fn told(&self) -> String {
        let state = match &self.part {
            Part::Power(_) => "has no power".to_string(),
            Part::Wire { ppm: 1_000_000, .. } if self.target.starts_with("node/") => "is cut off".to_string(),
            Part::Wire { ppm: 1_000_000, .. } => "is cut".to_string(),
            Part::Wire { ppm, .. } => format!("loses {}% of all packets", percent(*ppm)),
            Part::Proxy(_) => "is stopped".to_string(),
            Part::Dns => "does not answer".to_string(),
        };
        format!("{state} (`heal {}` mends it)", self.target)
    }

    fn cause(&self) -> Cause {
        Cause { object: self.thing().to_string(), place: None, text: self.told() }
    }

    /// The thing itself: `node/node-2`, `link/node-2/switch`.
    fn thing(&self) -> &str {
        self.target.split(' ').next().unwrap_or_default()
    }
}

/// `2.5` for 25,000 of a million.
fn percent(ppm: u32) -> String {
    let text = format!("{}.{:04}", ppm / 10_000, ppm % 10_000);
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

/// kube-proxy leaves Services with this label alone.
const OTHER_PROXY: &str = "service.kubernetes.io/service-proxy-name";
/// Names that are listed before the rest is only counted.
const LISTED_MAX: usize = 3;

/// The causes of the last decision on a way.
pub fn because(ground: Ground<'_>, trace: &Trace, matches: &[Option<Match>]) -> Vec<Cause> {
    let unrejected = |hop: &&super::Hop| matches!(hop.reason, Reason::NotRejectedOnOutput { .. });
    let Some(last) = trace.hops.iter().find(unrejected).or(trace.hops.last()) else { return Vec::new() };
    let matched = matches.iter().flatten().next();
    let service = matched.and_then(|m| m.service.split_once('/')).and_then(|(ns, name)| ground.view.services.get(ns, name));
    let service = service.or_else(|| facts::service_of(ground.view, &last.reason)).map(|s| &**s);
    let endpoints = matched.map(|m| m.endpoints.as_slice()).unwrap_or_default();
    match (&last.reason, service) {
        (Reason::NoLocalEndpoints { external, .. }, Some(service)) => {
            let field = if *external { "externalTrafficPolicy" } else { "internalTrafficPolicy" };
            let mut causes = vec![ground.field(service, field, "Local")];
            causes.extend(ground.placement(service, endpoints));
            causes
        }
        (Reason::NoEndpoints { .. } | Reason::NotRejectedOnOutput { .. }, Some(service)) => ground.nobody(service, endpoints),
        (Reason::SourceNotAllowed { .. }, Some(service)) => {
            let list: Vec<&str> = service.source_ranges.iter().map(|r| &**r).collect();
            let at = ground.place(service, "spec.loadBalancerSourceRanges", "");
            let text = format!("loadBalancerSourceRanges: [{}]", list.join(", "));
            vec![Cause { object: object(service), place: at, text }]
        }
        (Reason::NothingListens { port, .. }, service) => ground.nothing_listens(service, trace, *port),
        (Reason::BoundToLoopback { port, .. }, _) => vec![Cause::fact(format!(
            "the program binds port {port} to 127.0.0.1; a listener for others binds 0.0.0.0 (a container's port list opens nothing)"
        ))],
        (Reason::PolicyDenied { policies, .. }, _) => policies.iter().map(|p| ground.policy(p)).collect(),
        (Reason::NodeDown { node }, _) => ground.node_down(node, endpoints),
        (Reason::AnswerNotRestored { node }, service) => ground.not_restored(service, trace, matched, node),
        (Reason::LinkDown { a, b } | Reason::PacketLost { a, b }, _) => ground.wire(a, b),
        (Reason::NoNodeBehindBalancer, _) => ground.no_power(),
        (Reason::NobodyHasAddress { .. }, _) if trace.chosen.is_some() => ground.gone(trace, endpoints),
        (
            Reason::NoRule
            | Reason::NobodyHasAddress { .. }
            | Reason::NoSuchServicePort
            | Reason::UnallocatedServiceIp
            | Reason::NoSuchBalancerPort { .. },
            _,
        ) => ground.no_such(trace),
        (_, Some(service)) if trace.outcome == Outcome::Delivered && trace.chosen.is_some() => {
            ground.chosen(service, trace, endpoints)
        }
        _ => last.reason.cause().into_iter().map(Cause::fact).collect(),
    }
}

/// `Service default/web`.
pub(super) fn object(service: &Service) -> String {
    format!("Service {}", facts::full_name(service))
}

impl Ground<'_> {
    pub(super) fn place(&self, service: &Service, path: &str, value: &str) -> Option<String> {
        self.origins.place("Service", &service.meta.namespace, &service.meta.name, path, value)
    }

    fn field(&self, service: &Service, key: &str, value: &str) -> Cause {
        let place = self.place(service, &format!("spec.{key}"), value);
        Cause { object: object(service), place, text: format!("{key}: {value}") }
    }

    fn selector(&self, service: &Service, labels: &Labels) -> Cause {
        let place = labels.0.iter().next().and_then(|(k, v)| self.place(service, &format!("spec.selector.{k}"), v));
        Cause { object: object(service), place, text: format!("selector {}", pairs(labels)) }
    }

    /// A policy that selects a pod, by its full name.
    fn policy(&self, full: &str) -> Cause {
        let name = full.rsplit(' ').next().unwrap_or(full);
        let (namespace, name) = name.split_once('/').unwrap_or(("default", name));
        let place = self.origins.place("NetworkPolicy", namespace, name, "spec.podSelector", "");
        Cause { object: format!("NetworkPolicy {namespace}/{name}"), place, text: "podSelector selects the pod".to_string() }
    }

    /// The field that a connection which went well rests on.
    fn chosen(&self, service: &Service, trace: &Trace, endpoints: &[Endpoint]) -> Vec<Cause> {
        let able = endpoints.iter().filter(|e| e.why_not.is_none()).count();
        let now = self.now(service, trace);
        let all = now.as_ref().map_or(endpoints.len(), Vec::len);
        let mut cause = match &service.selector {
            Some(labels) => self.selector(service, labels),
            None => Cause { object: object(service), place: None, text: format!("endpoints made by hand: {all}") },
        };
        if service.selector.is_some() {
            cause.text = format!("{} finds {}", cause.text, count(all, "endpoint"));
        }
        let behind = now.map(|now| self.behind(trace, endpoints, &now)).unwrap_or_default();
        if behind.is_empty() {
            cause.text += &format!(", of which {able} may answer here");
        }
        let remembered = trace.hops.iter().any(|hop| matches!(hop.reason, Reason::SessionAffinity { .. }));
        let affinity = remembered.then(|| self.field(service, "sessionAffinity", "ClientIP"));
        [cause].into_iter().chain(affinity).chain(behind).collect()
    }

    /// The endpoints of the port that was asked for, as the API has them now.
    fn now(&self, service: &Service, trace: &Trace) -> Option<Vec<Endpoint>> {
        let port = &service.ports[port_index(service, trace)?];
        Some(facts::endpoints(self.view, service, port, trace.asked.1.is_ipv6()))
    }

    /// In what the rules that decided differ from the API as it is now, and why they do.
    fn behind(&self, trace: &Trace, known: &[Endpoint], now: &[Endpoint]) -> Vec<Cause> {
        let Some((node, age)) = trace.hops.iter().find_map(|hop| Some((node_of(&hop.place)?, hop.view_age?))) else {
            return Vec::new();
        };
        let at = |list: &[Endpoint], e: &Endpoint| list.iter().find(|other| other.address == e.address).map(|other| other.state);
        let number = |list: &[Endpoint], fits: &dyn Fn(&Endpoint) -> bool| list.iter().filter(|e| fits(e)).count();
        let parts = [
            ("lack", number(now, &|e| at(known, e).is_none()), ""),
            ("name", number(known, &|e| at(now, e).is_none()), " that is gone by now"),
            ("hold", number(known, &|e| at(now, e).is_some_and(|state| state != e.state)), " in a state that has changed"),
        ];
        let parts = parts.iter().filter(|(_, n, _)| *n > 0);
        let parts: Vec<String> = parts.map(|(verb, n, what)| format!("{verb} {}{what}", count(*n, "endpoint"))).collect();
        if parts.is_empty() {
            return Vec::new();
        }
        let text = format!("has rules that are {} old: they {}", age.brief(), parts.join(", "));
        let stopped = self.broken.iter().find(|b| b.part == Part::Proxy(node.clone())).map(Broken::cause);
        [Cause { object: format!("Node {node}"), place: None, text }].into_iter().chain(stopped).collect()
    }

    /// Nobody is behind the Service, or nobody who may be used.
    fn nobody(&self, service: &Service, endpoints: &[Endpoint]) -> Vec<Cause> {
        let Some(labels) = &service.selector else {
            let text = "no selector, so nobody fills its endpoints but you: an EndpointSlice with the label \
                        kubernetes.io/service-name, whose port has the same name";
            return vec![Cause { object: object(service), place: None, text: text.to_string() }];
        };
        let mut cause = self.selector(service, labels);
        let pods: Vec<_> = self.pods(service, labels);
        let unready: Vec<&Name> = pods.iter().filter(|p| !p.ready()).map(|p| &p.meta.name).collect();
        cause.text += &match (pods.len(), unready.len()) {
            (0, _) => format!(" matches no pod of namespace {}", service.meta.namespace),
            (all, n) if n > 0 => format!(" matches {}, {n} not ready: {}", count(all, "pod"), some(&unready)),
            (all, _) if endpoints.is_empty() => {
                format!(" matches {}, but none gives this port a number", count(all, "pod"))
            }
            (all, _) => format!(" matches {}, whose endpoints are not ready as this node last saw them", count(all, "pod")),
        };
        vec![cause]
    }

    fn pods(&self, service: &Service, labels: &Labels) -> Vec<&Pod> {
        let all = self.view.pods_matching(&service.meta.namespace, labels);
        all.map(|p| &**p).filter(|p| labels.contained_in(&p.meta.labels) && !p.finished()).collect()
    }

    /// Where the pods of a Local Service are, and what put them there.
    fn placement(&self, service: &Service, endpoints: &[Endpoint]) -> Option<Cause> {
        let mut by_node: BTreeMap<&str, usize> = BTreeMap::new();
        for endpoint in endpoints {
            *by_node.entry(endpoint.node.as_deref().unwrap_or("no node")).or_default() += 1;
        }
        let where_ = match by_node.iter().collect::<Vec<_>>()[..] {
            [] => return None,
            [(node, 1)] => format!("its one pod is on {node}"),
            [(node, 2)] => format!("both pods are on {node}"),
            [(node, n)] => format!("all {n} pods are on {node}"),
            _ => {
                let parts: Vec<String> = by_node.iter().take(LISTED_MAX + 1).map(|(node, n)| format!("{n} on {node}")).collect();
                format!("its pods: {}", parts.join(", "))
            }
        };
        let deployment = endpoints.iter().filter_map(|e| e.pod.as_ref()).find_map(|pod| self.deployment(service, pod));
        let text = match deployment {
            Some((name, false)) => format!("Deployment {name} has no spread, {where_}"),
            _ => where_,
        };
        Some(Cause::fact(text))
    }

    /// The Deployment above a pod, and whether it asks for its pods to be spread.
    fn deployment(&self, service: &Service, pod: &str) -> Option<(Name, bool)> {
        let namespace = &service.meta.namespace;
        let owner = |owners: &[crate::objects::meta::Owner]| owners.iter().find(|o| o.controller == Some(true)).cloned();
        let pod = self.view.pods.get(namespace, pod)?;
        let set = self.view.replica_sets.get(namespace, &owner(&pod.meta.owners)?.name)?;
        let deployment = self.view.deployments.get(namespace, &owner(&set.meta.owners)?.name)?;
        let spec = &deployment.template.spec;
        let apart = spec.doc.pointer("/affinity/podAntiAffinity").is_some();
        Some((deployment.meta.name.clone(), apart || !spec.spread.is_empty()))
    }

    /// The connection reached the machine, and no program has the port.
    fn nothing_listens(&self, service: Option<&Service>, trace: &Trace, port: u16) -> Vec<Cause> {
        let mut causes = Vec::new();
        if let Some((service, index)) = service.and_then(|s| Some((s, port_index(s, trace)?))) {
            let text = facts::target_text(&service.ports[index]);
            let place = self.place(service, &format!("spec.ports[{index}].targetPort"), &text);
            let place = place.or_else(|| self.place(service, &format!("spec.ports[{index}].port"), &text));
            causes.push(Cause { object: object(service), place, text: format!("targetPort: {text}") });
        }
        causes.extend(self.node_port(trace, port));
        let open: Vec<String> = self.sockets.iter().map(|(port, protocol, _)| format!("{port}/{}", protocol.text())).collect();
        causes.push(Cause::fact(match open.len() {
            0 => format!("no program there listens at all, so not on {port} either"),
            _ => format!("the programs there listen on {}", some(&open)),
        }));
        causes
    }

    /// The port is a Service's node port, and kube-proxy did not take the packet.
    fn node_port(&self, trace: &Trace, port: u16) -> Option<Cause> {
        let Some(Place::Node(node)) = trace.hops.last().map(|hop| &hop.place) else { return None };
        let ports = || self.view.services.iter().flat_map(|s| s.ports.iter().map(move |p| (s, p)));
        let mut ports: Vec<_> = ports().filter(|(_, p)| p.node_port == Some(port)).collect();
        ports.sort_by_key(|(_, p)| p.protocol != trace.protocol);
        let (service, found) = ports.first()?;
        let why = match self.closed {
            _ if found.protocol != trace.protocol => {
                format!("for {} only, and {} was asked for", found.protocol.text(), trace.protocol.text())
            }
            Some(closed) => {
                let open: Vec<String> = closed.open.iter().map(IpAddr::to_string).collect();
                let open = if open.is_empty() { "nowhere".to_string() } else { format!("at {}", some(&open)) };
                format!("and {}; {} takes them {open}", closed.why, closed.node)
            }
            None => return Some(self.not_programmed(service, trace)),
        };
        Some(Cause { object: object(service), place: None, text: format!("has {port} as a node port of {node}, {why}") })
    }

    /// The backend answers the client directly, since the source was left as it was.
    fn not_restored(&self, service: Option<&Service>, trace: &Trace, matched: Option<&Match>, node: &Name) -> Vec<Cause> {
        let local = service.filter(|_| matched.is_some_and(|m| m.local == Some("externalTrafficPolicy")));
        let mut causes = match (local, matched) {
            (Some(service), Some(matched)) => {
                let mut causes = vec![self.field(service, "externalTrafficPolicy", "Local")];
                causes.extend(self.placement(service, &matched.endpoints));
                causes
            }
            _ => Vec::new(),
        };
        if let Some(hop) = trace.hops.iter().rev().find(|hop| hop.before.1 != hop.after.1) {
            causes.push(Cause::fact(format!("{node} leaves the source {} as it is", hop.after.0.ip())));
        }
        causes
    }

    /// The power is off; what the API still says of the node and its pods.
    pub fn node_down(&self, node: &Name, endpoints: &[Endpoint]) -> Vec<Cause> {
        let seen = self.view.nodes.get("", node).map(|n| if n.ready() { "Ready" } else { "NotReady" });
        let mend = self.broken.iter().find(|b| b.part == Part::Power(node.clone()));
        let state = mend.map_or_else(|| "has no power".to_string(), Broken::told);
        let text = format!("{state}; kubectl get nodes says {}", seen.unwrap_or("nothing of it"));
        let mut causes = vec![Cause { object: format!("Node {node}"), place: None, text }];
        let listed = endpoints.iter().filter(|e| e.node.as_ref() == Some(node) && e.why_not.is_none()).count();
        if listed > 0 {
            causes.push(Cause::fact(match listed {
                1 => "its endpoint still counts as ready".to_string(),
                n => format!("its {n} endpoints still count as ready"),
            }));
        }
        causes
    }

    fn dark(&self, node: &Name) -> bool {
        self.broken.iter().any(|b| b.part == Part::Power(node.clone()))
    }

    /// Whatever breaks the wire between two stations.
    fn wire(&self, a: &Name, b: &Name) -> Vec<Cause> {
        let here = |broken: &&Broken| matches!(&broken.part, Part::Wire { a: x, b: y, .. } if (x, y) == (a, b));
        self.broken.iter().filter(here).map(Broken::cause).collect()
    }

    /// Cluster DNS, if that is broken.
    pub fn dns(&self) -> Option<Cause> {
        self.broken.iter().find(|b| b.part == Part::Dns).map(Broken::cause)
    }

    /// The nodes without power.
    fn no_power(&self) -> Vec<Cause> {
        let dark = self.broken.iter().filter(|b| matches!(b.part, Part::Power(_)));
        dark.take(LISTED_MAX).map(Broken::cause).collect()
    }

    /// An endpoint was picked, and nobody has its address any more.
    fn gone(&self, trace: &Trace, endpoints: &[Endpoint]) -> Vec<Cause> {
        let picked = endpoints.iter().find(|e| Some(e.address) == trace.chosen);
        match picked.and_then(|e| e.node.as_ref()).filter(|node| self.dark(node)) {
            Some(node) => self.node_down(node, endpoints),
            None => {
                let mut causes =
                    vec![Cause::fact("the pod that had this address is gone, and the rules of the node still name it")];
                let now = facts::service_of_trace(self.view, trace).and_then(|service| self.now(service, trace));
                causes.extend(now.map(|now| self.behind(trace, endpoints, &now)).unwrap_or_default());
                causes
            }
        }
    }

    /// The Service has the port, and the node that handled the packet has no rule for it.
    fn not_programmed(&self, service: &Service, trace: &Trace) -> Cause {
        let other = service.meta.labels.get(OTHER_PROXY);
        let seen = trace.hops.iter().rev().find_map(|hop| Some((node_of(&hop.place)?, hop.view_age?)));
        let text = match (other, seen) {
            (Some(_), _) => format!("the label {OTHER_PROXY} leaves it to another proxy than kube-proxy"),
            (None, Some((node, age))) => {
                format!("has this port, and {node} has no rule for it: its rules are {} old", age.brief())
            }
            (None, None) => "has this port, and no rule for it was met".to_string(),
        };
        Cause { object: object(service), place: None, text }
    }

    /// No rule, or no such port, or nobody has the address.
    fn no_such(&self, trace: &Trace) -> Vec<Cause> {
        let (to, port, protocol) = (trace.asked.1.ip(), trace.asked.1.port(), trace.protocol.text());
        let Some(service) = facts::owner_of(self.view, to) else {
            return vec![Cause::fact(format!("no Service and no pod has {to}"))];
        };
        let ports: Vec<String> = service.ports.iter().map(|p| format!("{}/{}", p.port, p.protocol.text())).collect();
        let place = self.place(service, "spec.ports", "");
        let taken: Vec<&str> = service.ports.iter().filter(|p| p.port == port).map(|p| p.protocol.text()).collect();
        let why = match taken.len() {
            0 => format!("{port} is none of them"),
            _ if taken.contains(&protocol) => return vec![self.not_programmed(service, trace)],
            _ => format!("{port} is {} only, and {protocol} was asked for", taken.join(" and ")),
        };
        vec![Cause { object: object(service), place, text: format!("ports: {}; {why}", some(&ports)) }]
    }
}

/// The index of the port of a Service that a way was asked for.
fn port_index(service: &Service, trace: &Trace) -> Option<usize> {
    let to: SocketAddr = trace.asked.1;
    let kind = facts::kind_of(service, to.ip());
    let number = |p: &crate::objects::service::ServicePort| match kind {
        super::AddressKind::NodePort => p.node_port,
        _ => Some(p.port),
    };
    service.ports.iter().position(|p| number(p) == Some(to.port()) && p.protocol == trace.protocol)
}

/// The node at which a station is, if it is one.
fn node_of(place: &Place) -> Option<&Name> {
    if let Place::Node(node) = place { Some(node) } else { None }
}

/// `app=web,tier=3`.
pub fn pairs(labels: &Labels) -> String {
    labels.0.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(",")
}

/// `1 pod`, `2 pods`.
pub fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// The first of a list, and how many more there are.
pub fn some<T: AsRef<str>>(list: &[T]) -> String {
    let first: Vec<&str> = list.iter().take(LISTED_MAX).map(AsRef::as_ref).collect();
    let more = list.len().saturating_sub(LISTED_MAX);
    if more == 0 { first.join(", ") } else { format!("{} and {more} more", first.join(", ")) }
}
