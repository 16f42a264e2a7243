//! The small HTTP servers of a node's own programs: how they are, and whether this node may get connections of a Service.
//!
//! In a real cluster each kube-proxy opens the `healthCheckNodePort` of every Service with `externalTrafficPolicy: Local`. A cloud's
//! balancer asks there; 200 means that the node has a ready pod of the Service, by what this kube-proxy has programmed. A person
//! can ask, too, as a person can ask on the node itself for the mode (port 10249), or the kubelet how it is (10248). A program
//! that is stopped answers nobody: its ports are closed.
//! Left out: what the kubelet tells on port 10250, by TLS; metrics; a kube-proxy that runs and is late with its rules.
//! The real things: `pkg/proxy/healthcheck`, `service_health.go` and `proxy_health.go`; `cmd/kube-proxy/app/server.go`.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::Cluster;
use super::faults::{Fault, NodeFault};
use crate::engine::time::Instant;
use crate::kubelet::images::{Behaviour, ImageTable, Listener};
use crate::objects::endpoint_slice::Endpoint;
use crate::objects::node::TO_BE_DELETED;
use crate::objects::pod_spec::Protocol;
use crate::objects::service::Service;
use crate::objects::time::Timestamp;
use crate::proxy::rules::{NodeFacts, health_addresses};
use crate::store::View;

/// kube-proxy's `--healthz-bind-address`.
const HEALTHZ: u16 = 10_256;
/// Its `--metrics-bind-address`, on the loopback.
const METRICS: u16 = 10_249;
/// The kubelet's API, and its `healthzPort` on the loopback.
const KUBELET: u16 = 10_250;
const KUBELET_HEALTHZ: u16 = 10_248;
/// A page: status, content type, body.
pub(super) type Page = (u16, &'static str, String);

impl Cluster {
    /// What kube-proxy and the kubelet of a node listen on.
    pub(super) fn health_sockets(&self, node: &str) -> Vec<(Listener, Arc<Behaviour>)> {
        let mut sockets = Vec::new();
        let mut open = |port, bind| sockets.push(Listener { port, bind, protocol: Protocol::Tcp });
        let local = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
        if self.kubelet_runs(node) {
            open(KUBELET, None);
            open(KUBELET_HEALTHZ, local);
        }
        if let Some(view) = self.programmed_by_running(node) {
            open(HEALTHZ, None);
            open(METRICS, local);
            let addresses = self.health_addresses(node);
            for port in view.services.iter().filter(|s| s.external_local).filter_map(|s| s.health_port) {
                match &addresses {
                    None => open(port, None),
                    Some(list) => list.iter().for_each(|ip| open(port, Some(*ip))),
                }
            }
        }
        let behaviour = Arc::new(ImageTable::default().behaviour("kube-proxy"));
        sockets.into_iter().map(|socket| (socket, behaviour.clone())).collect()
    }

    /// The addresses of a node on which kube-proxy opens the ports of Services.
    fn health_addresses(&self, node: &str) -> Option<Vec<IpAddr>> {
        let config = self.config.nodes.named(node)?;
        let (node_ips, addresses) =
            (config.node_ips().collect(), config.ips.iter().chain(&config.external_ips).copied().collect());
        health_addresses(&self.config.proxy, &NodeFacts { name: node, zone: None, node_ips, addresses })
    }

    /// What a node's own programs answer at one of those ports; `None` at any other.
    pub(super) fn health_page(&self, node: &str, port: u16, path: &str, now: Instant) -> Option<Page> {
        if port == KUBELET_HEALTHZ && self.kubelet_runs(node) {
            return Some(if path == "/healthz" { plain("ok") } else { not_found() });
        }
        let view = self.programmed_by_running(node)?;
        match (port, path) {
            (HEALTHZ, _) => return Some(self.healthz(node, path, now)),
            (METRICS, "/proxyMode") => return Some(plain(self.config.proxy.mode.text())),
            (METRICS, "/healthz") => return Some(plain("ok")),
            (METRICS, _) => return Some(not_found()),
            _ => {}
        }
        let service = view.services.iter().find(|s| s.external_local && s.health_port == Some(port))?;
        let local = local_endpoints(view, service, node);
        let (namespace, name) = (&service.meta.namespace, &service.meta.name);
        let body = format!(
            "{{\n\t\"service\": {{\n\t\t\"namespace\": \"{namespace}\",\n\t\t\"name\": \"{name}\"\n\t}},\n\t\"localEndpoints\": \
             {local},\n\t\"serviceProxyHealthy\": true\n}}"
        );
        Some((if local > 0 { 200 } else { 503 }, "application/json", body))
    }

    /// Whether a balancer that asks at the health check port of a Service is told to send.
    pub(super) fn has_local(&self, service: &Service, node: &str) -> bool {
        self.programmed_by_running(node).is_some_and(|view| local_endpoints(view, service, node) > 0)
    }

    fn healthz(&self, node: &str, path: &str, now: Instant) -> Page {
        let leaving = |n: &crate::objects::node::Node| n.meta.deleting() || n.tainted(TO_BE_DELETED.0, TO_BE_DELETED.1);
        let eligible = !self.store.head().nodes.get("", node).is_some_and(|n| leaving(n));
        let time = go_time(Timestamp::at(self.config.start, now), now);
        match path.split('?').next().unwrap_or_default() {
            "/healthz" => {
                let body = format!("{{\"lastUpdated\": \"{time}\",\"currentTime\": \"{time}\", \"nodeEligible\": {eligible}}}");
                (if eligible { 200 } else { 503 }, "application/json", body)
            }
            "/livez" => (200, "application/json", format!("{{\"lastUpdated\": \"{time}\",\"currentTime\": \"{time}\"}}")),
            _ => not_found(),
        }
    }

    fn kubelet_runs(&self, node: &str) -> bool {
        let stopped = Fault::Node(node.into(), NodeFault::KubeletStop);
        self.config.kubelet && self.faults.node_up(node) && self.faults.iter().all(|fault| *fault != stopped)
    }

    /// What a kube-proxy that runs has programmed.
    fn programmed_by_running(&self, node: &str) -> Option<&Arc<View>> {
        let number = self.config.nodes.number(node)?;
        let (view, _) = self.proxies.programmed(node)?;
        (self.proxies.running(number) && self.faults.node_up(node)).then_some(view)
    }
}

fn plain(text: &str) -> Page {
    (200, "text/plain; charset=utf-8", text.to_string())
}

fn not_found() -> Page {
    (404, "text/plain; charset=utf-8", "404 page not found\n".to_string())
}

/// How many ready endpoints of a Service a node has; terminating ones do not count.
fn local_endpoints(view: &View, service: &Service, node: &str) -> usize {
    let slices = view.slices_of(&service.meta.namespace, &service.meta.name);
    let local = |e: &&Endpoint| e.is_ready() && e.node.as_deref() == Some(node);
    let addresses = slices.flat_map(|slice| slice.endpoints.iter().filter(local).filter_map(|e| e.addresses.first()));
    addresses.collect::<BTreeSet<_>>().len()
}

/// A time as Go prints one that it has read from the clock: with the seconds since the process started, which is the start of time.
fn go_time(at: Timestamp, since: Instant) -> String {
    let micro = at.rfc3339_micro();
    let (date, time) = micro.trim_end_matches('Z').split_once('T').unwrap_or_default();
    let time = if time.contains('.') { time.trim_end_matches('0').trim_end_matches('.') } else { time };
    let nanos = since.as_nanos();
    format!("{date} {time} +0000 UTC m=+{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)
}
