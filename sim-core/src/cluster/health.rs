//! kube-proxy's own small HTTP servers: how it is (port 10256), and whether this node may get connections of a Service.
//!
//! In a real cluster each kube-proxy opens the `healthCheckNodePort` of every Service with `externalTrafficPolicy: Local`. A cloud's
//! balancer asks there; 200 means that the node has a ready pod of the Service, by what this kube-proxy has programmed. A person
//! can ask, too. A kube-proxy that is stopped answers nobody: the ports are closed.
//! Left out: an address to which `--nodeport-addresses` binds the ports; a kube-proxy that runs and is late with its rules.
//! The real thing: `pkg/proxy/healthcheck`, `service_health.go` and `proxy_health.go`.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Cluster;
use crate::engine::time::Instant;
use crate::kubelet::images::{Behaviour, ImageTable, Listener};
use crate::objects::endpoint_slice::Endpoint;
use crate::objects::pod_spec::Protocol;
use crate::objects::service::Service;
use crate::objects::time::Timestamp;
use crate::store::View;

/// `--healthz-bind-address`.
const HEALTHZ: u16 = 10_256;
/// Nodes with this taint are about to be deleted by the autoscaler.
pub(super) const TO_BE_DELETED: (&str, &str) = ("ToBeDeletedByClusterAutoscaler", "NoSchedule");

/// A page: status, content type, body.
pub(super) type Page = (u16, &'static str, String);

impl Cluster {
    /// What kube-proxy of a node listens on for questions about health.
    pub(super) fn health_sockets(&self, node: &str) -> Vec<(Listener, Arc<Behaviour>)> {
        let Some(view) = self.programmed_by_running(node) else { return Vec::new() };
        let ports = view.services.iter().filter(|s| s.external_local).filter_map(|s| s.health_port);
        let behaviour = Arc::new(ImageTable::default().behaviour("kube-proxy"));
        let socket = |port| (Listener { port, bind: None, protocol: Protocol::Tcp }, behaviour.clone());
        ports.chain([HEALTHZ]).map(socket).collect()
    }

    /// What kube-proxy of a node answers at one of those ports; `None` at any other.
    pub(super) fn health_page(&self, node: &str, port: u16, path: &str, now: Instant) -> Option<Page> {
        let view = self.programmed_by_running(node)?;
        if port == HEALTHZ {
            return Some(self.healthz(node, path, now));
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
            _ => (404, "text/plain; charset=utf-8", "404 page not found\n".to_string()),
        }
    }

    /// What a kube-proxy that runs has programmed.
    fn programmed_by_running(&self, node: &str) -> Option<&Arc<View>> {
        let (number, _) = (0_u32..).zip(&self.config.nodes).find(|(_, n)| n.name == node)?;
        let (view, _) = self.proxies.programmed(node)?;
        (self.proxies.running(number) && self.faults.node_up(node)).then_some(view)
    }
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
