//! Why a name was not found, where one would have expected it to be: who was asked, what the cluster has under that name, and how
//! far that is from what was typed.
//!
//! In a real cluster this is spread over a pod's resolver file, the Services of several namespaces and what DNS servers know of
//! them. What we say of a Service is what the API has now; the server that answered may have an older view.

use std::net::IpAddr;

use super::answer::Cause;
use super::because::{Ground, count, object, some};
use super::facts;
use super::hints::alike;
use crate::objects::Name;
use crate::objects::pod::Pod;
use crate::objects::service::{Service, ServiceType};
use crate::store::View;

/// Most hints of one answer.
const HINTS_MAX: usize = 4;

/// A name that was asked for in vain.
#[derive(Clone, Debug)]
pub struct Vain<'a> {
    /// As it was typed.
    pub name: &'a str,
    /// Who asked.
    pub client: Client<'a>,
    /// The cluster domain.
    pub domain: &'a str,
    /// Whom it asked.
    pub servers: Vec<IpAddr>,
    /// The names that it sent, without final dots.
    pub sent: Vec<&'a str>,
    /// Whether one of those servers is the cluster's.
    pub of_cluster: bool,
}

/// Who asked for a name.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub enum Client<'a> {
    Pod(&'a Pod),
    Node(&'a str),
    Outside,
}

/// A name as the cluster could have meant it: the Service part and the namespace part.
struct Meant<'n> {
    service: &'n str,
    namespace: &'n str,
    /// The name in full, without final dot.
    full: String,
}

impl Vain<'_> {
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

    /// Whom the client asks and why them, if that is not the cluster.
    fn elsewhere(&self, full: &str) -> Cause {
        let servers: Vec<String> = self.servers.iter().map(IpAddr::to_string).collect();
        let whom = if servers.is_empty() { "nobody".to_string() } else { some(&servers) };
        let text = format!("asks {whom}, which is not cluster DNS; only that knows {full}");
        match self.client {
            Client::Outside => Cause::fact(format!("a machine outside {text}")),
            Client::Node(node) => Cause { object: format!("Node {node}"), place: None, text },
            Client::Pod(pod) => {
                let network = if pod.spec.host_network { "hostNetwork: true, " } else { "" };
                let text = format!("{network}dnsPolicy: {}, so it {text}", pod.spec.dns_policy);
                Cause { object: format!("Pod {}/{}", pod.meta.namespace, pod.meta.name), place: None, text }
            }
        }
    }
}

/// What the cluster has under the name, and why that did not help.
pub fn because(ground: Ground<'_>, vain: &Vain<'_>) -> Vec<Cause> {
    let Some(meant) = vain.meant() else { return Vec::new() };
    let Some(service) = ground.view.services.get(meant.namespace, meant.service) else { return Vec::new() };
    if !vain.of_cluster {
        return vec![vain.elsewhere(&meant.full)];
    }
    let cause = |place, text| vec![Cause { object: object(service), place, text }];
    if !vain.sent.contains(&&*meant.full) {
        return cause(None, format!("is {} in full; the client's search list does not lead there", meant.full));
    }
    if let Some(other) = &service.external_name {
        let why = match other.parse::<IpAddr>() {
            Ok(_) => "which is an address, not a name".to_string(),
            Err(_) => format!("and no server that cluster DNS asks gives {other} an address"),
        };
        let text = format!("externalName: {other}, {why}");
        return cause(ground.place(service, "spec.externalName", other), text);
    }
    if service.headless {
        let ready = facts::ready(ground.view, service);
        let have = if ready == 0 { "it has none".to_string() } else { format!("it has {} by now", count(ready, "address")) };
        let text = format!("clusterIP: None, so its name stands for the addresses of its ready pods, and {have}");
        return cause(ground.place(service, "spec.clusterIP", "None"), text);
    }
    cause(None, "exists; the server that answered does not tell of it, by an older view or by its Corefile".to_string())
}

/// What was perhaps meant: the same Service by a name that works, or another that is nearly called so.
pub fn hints(view: &View, vain: &Vain<'_>) -> Vec<String> {
    let Some(meant) = vain.meant() else { return Vec::new() };
    let found = view.services.get(meant.namespace, meant.service);
    let mut hints = match found {
        Some(service) if !vain.of_cluster => by_address(service, matches!(vain.client, Client::Outside)),
        Some(_) if !vain.sent.contains(&&*meant.full) => vec![format!("{}. (with the dot)", meant.full)],
        Some(_) => Vec::new(),
        None if vain.of_cluster => others(view, &meant),
        None => Vec::new(),
    };
    hints.truncate(HINTS_MAX);
    hints
}

/// How a client that does not ask cluster DNS reaches a Service.
fn by_address(service: &Service, outside: bool) -> Vec<String> {
    let full = facts::full_name(service);
    let balancer = service.ingress.iter().find_map(|i| i.ip);
    let node_port = service.ports.iter().find_map(|p| p.node_port);
    let cluster_ip = service.cluster_ips.first();
    let text = match (balancer, node_port, cluster_ip) {
        (_, _, Some(ip)) if !outside => format!("{ip}, the cluster IP of Service {full}"),
        (Some(ip), ..) => format!("{ip}, the load balancer's address of Service {full}"),
        (None, Some(port), _) => format!("node port {port} of Service {full}, at any node's address"),
        (None, None, Some(_)) if service.kind == ServiceType::ClusterIp => {
            format!("Service {full} is of type ClusterIP: from outside it needs type NodePort or LoadBalancer")
        }
        _ => return Vec::new(),
    };
    vec![text]
}

/// Services of that name in other namespaces, else of nearly that name in the namespace.
fn others(view: &View, meant: &Meant<'_>) -> Vec<String> {
    let short = meant.service;
    let same = view.services.iter().filter(|s| &*s.meta.name == short).map(|s| &s.meta.namespace);
    let same: Vec<String> =
        same.take(HINTS_MAX).map(|ns| format!("Service {short} is in namespace {ns}: ask for {short}.{ns}")).collect();
    if !same.is_empty() {
        return same;
    }
    let near = view.services.in_namespace(meant.namespace).map(|s| s.meta.name.clone()).filter(|n: &Name| alike(n, short));
    near.take(HINTS_MAX).map(|n| format!("there is a Service {n} in namespace {}", meant.namespace)).collect()
}
