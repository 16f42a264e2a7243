//! The balancers' checks: what a balancer finds when it asks a target how it is.
//!
//! In a real cluster the check is a packet like any other: it needs the wires, the node's power, and somebody who answers. For a
//! Service with policy Local that is kube-proxy on the health check port, which answers 200 as long as the node has a ready pod of
//! the Service by the rules it has programmed. So a balancer notices a lost pod before Kubernetes does, or long after.
//! The real thing: `pkg/proxy/healthcheck`, and the node selection of `k8s.io/cloud-provider/controllers/service`.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use super::ground::GroundAt;
use super::health::TO_BE_DELETED;
use super::{Cluster, Event};
use crate::api::component::Clock;
use crate::cloud::Target;
use crate::engine::model::Context;
use crate::engine::time::Duration;
use crate::explain::Outcome;
use crate::network::Ground;
use crate::network::graph::BALANCER;
use crate::network::path::{self, Asked, Sending};
use crate::network::wire::Source;
use crate::objects::endpoint_slice::Endpoint;
use crate::objects::node::Node;
use crate::objects::service::Service;
use crate::store::View;

/// Nodes with this label are nobody's target. (Nor are those that the autoscaler is about to delete.)
const EXCLUDED: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

impl Cluster {
    /// Sets the first check of balancers that were ordered just now; they do not all check in the same instant.
    pub(super) fn begin_checks(&mut self, cx: &mut Context<'_, Event>) {
        let interval = self.config.cloud.balancing.interval;
        for number in self.controllers.cloud_mut().begin() {
            let first = cx.draws().keyed("balancer/check", number).duration(Duration::ZERO, interval);
            cx.schedule(first, Event::Balancer(number));
        }
    }

    /// A balancer checks all its targets.
    pub(super) fn check_balancer(&mut self, number: u32, clock: Clock, cx: &mut Context<'_, Event>) {
        let Some(key) = self.controllers.cloud().service(number).cloned() else { return };
        let head = self.store.head().clone();
        if let Some(service) = head.services.get(&key.0, &key.1) {
            let targets = if self.config.cloud.balancing.to_pods { pods(&head, service) } else { nodes(&head) };
            let results: Vec<(Target, bool)> =
                targets.into_iter().map(|t| (t.clone(), self.passes(service, &t, clock))).collect();
            self.controllers.cloud_mut().observe(&key, &results, clock.now);
        }
        cx.schedule(self.config.cloud.balancing.interval, Event::Balancer(number));
    }

    /// Whether a target passes one check.
    fn passes(&self, service: &Service, target: &Target, clock: Clock) -> bool {
        let ground = GroundAt { cluster: self, now: clock.now };
        let reached = |node: &str| ground.node_up(node) && ground.way(BALANCER, node).is_ok();
        match target {
            Target::Pod(at) => ground.sandbox(at.ip()).is_some_and(|sandbox| {
                let listens = sandbox.sockets.iter().any(|(socket, _)| socket.port == at.port());
                listens && reached(&sandbox.node)
            }),
            Target::Node(node) if !reached(node) => false,
            Target::Node(node) if service.external_local && service.health_port.is_some() => self.has_local(service, node),
            Target::Node(node) if self.config.cloud.balancing.checks_node_port => {
                let port = service.ports.iter().find_map(|p| p.node_port);
                let ip = ground.node_ips(node).first().copied();
                port.zip(ip).is_some_and(|(port, ip)| {
                    let from = Source::Address { ip: ground.outside(ip.is_ipv6()), at_node: node.clone() };
                    let protocol = service.ports.first().map(|p| p.protocol).unwrap_or_default();
                    let asked = Asked {
                        from: &from,
                        to: SocketAddr::new(ip, port),
                        protocol,
                        now: clock.now,
                        sending: Sending::Imagined,
                    };
                    path::follow(&ground, clock.draws, &asked).0.outcome == Outcome::Delivered
                })
            }
            Target::Node(node) => self.proxy_answers(node),
        }
    }

    /// Whether kube-proxy of a node runs, so that its own health port, 10256, and those of Services are open.
    fn proxy_answers(&self, node: &str) -> bool {
        self.config.nodes.number(node).is_some_and(|number| self.proxies.running(number))
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
