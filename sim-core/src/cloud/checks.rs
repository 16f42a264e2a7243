//! The balancers' checks: what a balancer finds when it asks a target how it is.
//!
//! In a real cluster the check is a packet like any other: it needs the wires, the node's power, and somebody who answers. For a
//! Service with policy Local that is kube-proxy on the health check port, which answers 200 as long as the node has a ready pod of
//! the Service by the rules it has programmed. So a balancer notices a lost pod before Kubernetes does, or long after.
//! The real thing: `pkg/proxy/healthcheck`, and the node selection of `k8s.io/cloud-provider/controllers/service`.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use super::{Balancers, Target};
use crate::engine::time::Instant;
use crate::objects::Name;
use crate::objects::endpoint_slice::Endpoint;
use crate::objects::node::{Node, TO_BE_DELETED};
use crate::objects::pod_spec::Protocol;
use crate::objects::service::Service;
use crate::store::View;

/// Nodes with this label are nobody's target. (Nor are those that the autoscaler is about to delete.)
const EXCLUDED: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

/// What a balancer's packets meet.
pub trait Reach {
    /// Whether a node has power and the way to it is whole.
    fn node(&self, node: &str) -> bool;
    /// The node of the pod that listens at an address.
    fn listener(&self, at: SocketAddr) -> Option<Name>;
    /// Whether kube-proxy of a node runs, so that its own health port, 10256, and those of Services are open.
    fn proxy_answers(&self, node: &str) -> bool;
    /// Whether kube-proxy of a node says at a Service's health check port that the node has a ready pod of it.
    fn has_local(&self, service: &Service, node: &str) -> bool;
    /// Whether a connection to a node port of a node is accepted.
    fn node_port_answers(&self, node: &str, port: u16, protocol: Protocol) -> bool;
}

impl Balancers {
    /// A balancer checks all its targets; which of them turned healthy by that, or unhealthy. `None`: it is not there any more.
    pub fn check(&mut self, number: u32, view: &View, reach: &dyn Reach, now: Instant) -> Option<Vec<(Target, bool)>> {
        let key = self.service(number)?.clone();
        let mut turned = Vec::new();
        if let Some(service) = view.services.get(&key.0, &key.1) {
            let targets = if self.config().balancing.to_pods { pods(view, service) } else { nodes(view) };
            let passes = |target: Target| {
                let passed = self.passes(service, &target, reach);
                (target, passed)
            };
            let results: Vec<(Target, bool)> = targets.into_iter().map(passes).collect();
            turned = self.observe(&key, &results, now);
        }
        Some(turned)
    }

    /// Whether a target passes one check.
    fn passes(&self, service: &Service, target: &Target, reach: &dyn Reach) -> bool {
        match target {
            Target::Pod(at) => reach.listener(*at).is_some_and(|node| reach.node(&node)),
            Target::Node(node) if !reach.node(node) => false,
            Target::Node(node) if service.external_local && service.health_port.is_some() => reach.has_local(service, node),
            Target::Node(node) if self.config().balancing.checks_node_port => {
                let protocol = service.ports.first().map(|p| p.protocol).unwrap_or_default();
                let port = service.ports.iter().find_map(|p| p.node_port);
                port.is_some_and(|port| reach.node_port_answers(node, port, protocol))
            }
            Target::Node(node) => reach.proxy_answers(node),
        }
    }
}

/// Every node that is a member, ready or not: a balancer finds out by itself.
fn nodes(view: &View) -> Vec<Target> {
    view.nodes.iter().filter(|node| is_member(node)).map(|node| Target::Node(node.meta.name.clone())).collect()
}

/// Whether a node belongs to a balancer. (Upstream asks for a provider's ID as well, which nodes here do not have.)
fn is_member(node: &Node) -> bool {
    let tainted = node.tainted(TO_BE_DELETED.0, TO_BE_DELETED.1);
    !node.meta.deleting() && node.meta.labels.get(EXCLUDED).is_none() && !tainted
}

/// The ready endpoints of a Service, at each of its ports.
fn pods(view: &View, service: &Service) -> Vec<Target> {
    let slices = view.slices_of(&service.meta.namespace, &service.meta.name);
    let targets = slices.flat_map(|slice| {
        let ready =
            slice.endpoints.iter().filter(|e| Endpoint::is_ready(e)).filter_map(|e| e.addresses.first()?.parse::<IpAddr>().ok());
        let at = |ip: IpAddr| slice.ports.iter().filter_map(move |p| Some(SocketAddr::new(ip, p.port?)));
        ready.flat_map(at).map(Target::Pod).collect::<Vec<_>>()
    });
    targets.collect::<BTreeSet<Target>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::objects::cases::{Row, check, rows};

    fn node(labels: Value, taints: Value, ready: bool, unschedulable: bool) -> Node {
        Node::parse(&json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "labels": labels},
            "spec": {"taints": taints, "unschedulable": unschedulable},
            "status": {"conditions": [{"type": "Ready", "status": if ready { "True" } else { "False" }}]}}))
    }

    fn taint(key: &str) -> Value {
        json!([{"key": key, "effect": "NoSchedule"}])
    }

    fn label(key: &str, value: &str) -> Value {
        let mut labels = json!({});
        if !key.is_empty() {
            labels[key] = json!(value);
        }
        labels
    }

    /// Rows about the provider's ID of a node are left out: nodes here have none.
    #[test]
    fn members_are_chosen_as_upstream() {
        let members: Vec<Row> = rows("lb-node-set").into_iter().filter(|r| r.given["providerID"] != "").collect();
        check(&members, 5, |row| {
            let text = |list: &[Value]| list.first().and_then(Value::as_str).unwrap_or_default().to_string();
            let labels = label(&text(row.list("labels")), "");
            let taints =
                row.list("taints").iter().flat_map(|t| taint(t.as_str().unwrap()).as_array().cloned().unwrap()).collect();
            json!({"member": is_member(&node(labels, taints, row.flag("ready"), row.flag("unschedulable")))})
        });
        // A balancer looks at its members at each check, so that a sync is one that finds another set.
        let changes: Vec<Row> = rows("lb-node-sync").into_iter().filter(|r| r.given["providerIDAdded"].is_null()).collect();
        check(&changes, 6, |row| {
            let (added, removed, turned) = (row.text("labelAdded"), row.text("labelRemoved"), row.text("labelValueChanged"));
            let both = |key: &str, value: &str| label(if key.is_empty() { turned } else { key }, value);
            let ready = |key: &str| row.given[key] != false;
            let before = node(both(removed, "true"), json!([]), ready("readyFrom"), false);
            let after = node(
                both(added, "false"),
                if row.text("taintAdded").is_empty() { json!([]) } else { taint(row.text("taintAdded")) },
                ready("readyTo"),
                false,
            );
            json!({"sync": is_member(&before) != is_member(&after)})
        });
    }
}
