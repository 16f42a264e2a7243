//! The stations at which NetworkPolicies are looked at: where a packet leaves its pod's node, and where it enters a pod.
//!
//! In a real cluster both are rules of the network plugin on the pod's own node, behind kube-proxy's rewriting on the way out.

use std::net::IpAddr;
use std::sync::Arc;

use super::{Sending, Walk};
use crate::explain::{Component, Flow, Place, Reason, Step};
use crate::kubelet::Sandbox;
use crate::network::policy::{self, Attempt, Verdict};
use crate::objects::Name;
use crate::objects::pod::Pod;

impl Walk<'_> {
    /// The pod of a node that has an address of its own.
    pub(super) fn pod_at(&self, node: &Name, ip: IpAddr) -> Option<Arc<Pod>> {
        let sandbox = self.ground.sandbox(ip).filter(|s| s.node == *node)?;
        self.ground.record(&sandbox.namespace, &sandbox.pod).filter(|pod| !pod.spec.host_network)
    }

    /// The policies of a pod, as its node enforces them. `false`: the packet is dropped. A connection that stands was let through once.
    fn passes(&mut self, node: &Name, flow: Flow, pod: &Arc<Pod>) -> bool {
        if matches!(self.sending, Sending::Later(_)) {
            return true;
        }
        let Some((view, age)) = self.ground.enforced(node).filter(|(view, _)| !view.policies.is_empty()) else { return true };
        let peer_ip = if flow == Flow::Egress { self.destination.ip() } else { self.source.ip() };
        let peer =
            self.ground.sandbox(peer_ip).and_then(|s| view.pods.get(&s.namespace, &s.pod)).filter(|p| !p.spec.host_network);
        let peer = peer.map(|pod| &**pod);
        let attempt = Attempt { flow, pod, peer_ip, peer, to: self.destination, protocol: self.protocol };
        let name: Name = format!("{}/{}", pod.meta.namespace, pod.meta.name).into();
        let (step, reason) = match policy::judge(&view, &attempt) {
            Verdict::Open => return true,
            Verdict::Allowed(policy) => (Step::Pass, Reason::PolicyAllowed { flow, pod: name, policy }),
            Verdict::Denied { policies, near } => (Step::Drop, Reason::PolicyDenied { flow, pod: name, policies, near }),
        };
        self.hop(Place::Node(node.clone()), Component::NetworkPolicy, step, reason);
        if let Some(hop) = self.hops.last_mut() {
            hop.view_age = Some(age);
        }
        step == Step::Pass
    }

    /// What the sender's own policies say of where the packet goes now. Its own node is always open to it.
    pub(super) fn may_leave(&mut self, node: &Name) -> bool {
        let Some(pod) = self.sender.clone() else { return true };
        let ip = self.destination.ip();
        let own = pod.status.ips.contains(&ip) || self.ground.node_addresses(node).contains(&ip);
        own || self.passes(node, Flow::Egress, &pod)
    }

    /// What the policies of the pod that owns the destination say. It is open to itself and to its own node's processes.
    pub(super) fn may_enter(&mut self, sandbox: &Sandbox) -> bool {
        let Some(pod) = self.ground.record(&sandbox.namespace, &sandbox.pod) else { return true };
        let itself =
            self.sender.as_ref().is_some_and(|sender| sender.meta.uid == pod.meta.uid && sender.meta.name == pod.meta.name);
        itself || self.sending_node.as_ref() == Some(&sandbox.node) || self.passes(&sandbox.node, Flow::Ingress, &pod)
    }
}
