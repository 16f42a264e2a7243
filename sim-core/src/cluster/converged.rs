//! Whether a cluster has come to rest: everything wanted is there, and every node knows it.
//!
//! In a real cluster nobody can tell; one waits and looks. Here the question has an exact answer, from the store and from what
//! each kube-proxy has programmed. What cannot make progress (a pod that fits nowhere, a container that crashes) does not count
//! against it.

use super::Cluster;
use crate::controllers::{ENDPOINT_SLICE_MANAGER as MANAGER, Which};
use crate::objects::Object;
use crate::objects::endpoint_slice::{Endpoint, MANAGED_BY, TargetRef};
use crate::objects::pod::{ContainerState, Pod};
use crate::objects::service::Service;
use crate::objects::workload::ReplicaSet;
use crate::proxy::Proxies;
use crate::store::{Change, ObjectId, View};

/// Waiting reasons under which a container is still on its way up.
const STARTING: [&str; 2] = ["ContainerCreating", "PodInitializing"];

impl Cluster {
    /// `None` if the cluster is at rest; otherwise the first thing that is not, in words.
    pub fn unsettled(&self) -> Option<String> {
        let head = self.store.head();
        if self.config.controllers.is_empty() && !self.config.kubelet && !self.config.scheduler {
            return self.stale_proxy();
        }
        let workloads = self.runs(Which::ReplicaSet);
        let sets = || head.replica_sets.iter().filter(|_| workloads).find_map(|set| unsettled_set(head, set));
        let deployments = || {
            let behind = |d: &&std::sync::Arc<crate::objects::workload::Deployment>| {
                d.status.observed < d.meta.generation.unwrap_or(0) || !d.paused && d.status.replicas != d.replicas
            };
            let running = self.runs(Which::Deployment);
            head.deployments.iter().filter(|_| running).find(behind).map(|d| format!("deployment {} is rolling out", d.meta.name))
        };
        deployments()
            .or_else(sets)
            .or_else(|| head.pods.entries().find_map(|(id, pod)| self.unsettled_pod(id, pod)))
            .or_else(|| {
                let slices = self.runs(Which::EndpointSlice);
                head.services.iter().filter(|_| slices).find_map(|service| unsettled_service(head, service))
            })
            .or_else(|| self.stale_proxy())
    }

    /// Whether the cluster is at rest, asked again and again: `straggler` is a pod that was on its way when last asked, and the
    /// rest is not looked at before it has arrived. The youngest pods are placed last.
    pub fn at_rest(&self, straggler: &mut Option<ObjectId>) -> bool {
        let pods = &self.store.head().pods;
        let on_its_way = |id: ObjectId| pods.by_id(id).is_some_and(|pod| self.unsettled_pod(id, pod).is_some());
        if !straggler.is_some_and(on_its_way) {
            let moving = self.config.kubelet || self.config.scheduler;
            let found = pods.youngest().filter(|_| moving).find(|(id, pod)| self.unsettled_pod(*id, pod).is_some());
            *straggler = found.map(|(id, _)| id);
        }
        // Whether the proxies are up to date is asked first: it costs less than to look at every object.
        straggler.is_none() && self.stale_proxy().is_none() && self.unsettled().is_none()
    }

    fn unsettled_pod(&self, id: ObjectId, pod: &Pod) -> Option<String> {
        let name = &pod.meta.name;
        let Some(node) = &pod.node else {
            let refused = pod.condition("PodScheduled").is_some_and(|c| &*c.reason == "Unschedulable");
            let waits = self.config.scheduler && !refused && pod.spec.gates.is_empty();
            return waits.then(|| format!("pod {name} is waiting for a node"));
        };
        let heard = self.faults.node_up(node) && !self.is_cut_off(node);
        if !self.config.kubelet || !heard || !self.kubelets.has_node(node) {
            return None;
        }
        if pod.meta.deleting() {
            return Some(format!("pod {name} is terminating"));
        }
        let starting = |state: &ContainerState| match state {
            ContainerState::None => true,
            ContainerState::Waiting { reason, .. } => STARTING.contains(&&**reason),
            _ => false,
        };
        let begun = !pod.status.containers.is_empty();
        let coming = !pod.finished() && (!begun || pod.status.containers.iter().any(|c| starting(&c.state)));
        if coming {
            return Some(format!("pod {name} is starting"));
        }
        (!pod.ready() && self.kubelets.is_becoming_ready(id)).then(|| format!("pod {name} is becoming ready"))
    }

    /// How many changes that a node's rules depend on came after what its kube-proxy has programmed: Services, their slices, and the
    /// labels and addresses of the node itself. `None`: some, but the log of changes no longer reaches back so far.
    pub fn rules_behind(&self, node: &str) -> Option<u64> {
        let programmed = self.proxies.programmed(node).map_or(0, |(view, _)| view.revision);
        if self.bus.services_changed <= programmed {
            return Some(0);
        }
        let own = |change: &&Change| match change.after.as_ref().or(change.before.as_ref()) {
            Some(Object::Node(changed)) => *changed.meta.name == *node,
            _ => true,
        };
        let changes = self.store.changes(programmed, self.store.revision()).ok()?;
        Some(changes.filter(|change| Proxies::interested(change)).filter(own).count() as u64)
    }

    fn stale_proxy(&self) -> Option<String> {
        self.stale_kube_proxy().or_else(|| self.stale_agent())
    }

    fn stale_agent(&self) -> Option<String> {
        let nodes = 0..u32::try_from(self.config.nodes.len()).unwrap_or(u32::MAX);
        let stale = |node: &u32| !self.bus.is_cut_off(*node) && self.policies.revision(*node) < self.bus.policies_changed;
        let node = nodes.into_iter().find(stale)?;
        Some(format!("the network plugin on {} does not enforce the latest", self.config.nodes[node as usize].name))
    }

    fn stale_kube_proxy(&self) -> Option<String> {
        let due = self.bus.services_changed;
        let heeds = |node: &u32| self.proxies.running(*node) && !self.bus.is_cut_off(*node);
        let stale = |node: &u32| heeds(node) && self.proxies.programmed_revision(*node).is_some_and(|r| r < due);
        let nodes = 0..u32::try_from(self.config.nodes.len()).unwrap_or(u32::MAX);
        nodes
            .into_iter()
            .find(stale)
            .map(|node| format!("kube-proxy on {} has not programmed the latest", self.config.nodes[node as usize].name))
    }
}

fn unsettled_set(view: &View, set: &ReplicaSet) -> Option<String> {
    let uid = set.meta.uid.as_deref()?;
    let live = view.pods_owned(uid).filter(|(_, p)| !p.finished() && !p.meta.deleting()).count();
    let settled = i64::try_from(live).is_ok_and(|n| n == set.replicas && set.status.replicas == n);
    (!settled).then(|| format!("replica set {} has {live} of {} pods", set.meta.name, set.replicas))
}

/// A Service with a selector lists exactly its ready pods as ready, and nobody who is gone.
fn unsettled_service(view: &View, service: &Service) -> Option<String> {
    let selector = service.selector.as_ref()?;
    if service.is_external_name() {
        return None;
    }
    let slices: Vec<_> = view.slices_of(&service.meta.namespace, &service.meta.name).collect();
    if slices.is_empty() {
        return Some(format!("service {} has no endpoint slice yet", service.meta.name));
    }
    // What somebody listed by hand is theirs to mend.
    let kept = slices.iter().filter(|slice| slice.meta.labels.get(MANAGED_BY) == Some(MANAGER));
    let gone = |target: &&TargetRef| {
        let pod = view.pods.get(&target.namespace, &target.name);
        pod.is_none_or(|pod| pod.meta.uid.as_ref() != Some(&target.uid))
    };
    if let Some(target) = kept.flat_map(|slice| &slice.endpoints).filter_map(|e| e.target.as_ref()).find(gone) {
        return Some(format!("service {} still lists pod {}, which is gone", service.meta.name, target.name));
    }
    let listed: std::collections::BTreeSet<&str> = slices
        .iter()
        .flat_map(|slice| &slice.endpoints)
        .filter(|e| Endpoint::is_ready(e))
        .filter_map(|e| e.target.as_ref().map(|t| &*t.name))
        .collect();
    let ready = |p: &&std::sync::Arc<Pod>| {
        let usable = service.publish_not_ready || p.ready() && !p.meta.deleting();
        selector.contained_in(&p.meta.labels) && !p.finished() && !p.status.ips.is_empty() && usable
    };
    let mut known = 0;
    for pod in view.pods_matching(&service.meta.namespace, selector).filter(ready) {
        if !listed.contains(&*pod.meta.name) {
            return Some(format!("service {} does not list pod {} yet", service.meta.name, pod.meta.name));
        }
        known += 1;
    }
    (known != listed.len()).then(|| format!("service {} lists a pod that is not ready", service.meta.name))
}
