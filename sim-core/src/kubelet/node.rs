//! The node itself: its lease, and what happens when it fails and comes back.
//!
//! In a real cluster the kubelet renews a Lease every ten seconds and sends the node's status when it changes, at least every
//! five minutes. The status sent here is the Ready condition. The real thing: `pkg/kubelet/nodestatus`, `component-helpers/lease`.

use std::sync::Arc;

use super::resolv_conf::check_node_file;
use super::worker::Worker;
use super::{Event, Kubelets, What};
use crate::api::component::{Clock, Note, Reaction, Write};
use crate::engine::time::Duration;
use crate::objects::condition::{self, Condition};
use crate::objects::event::Reference;
use crate::objects::lease::Lease;
use crate::objects::meta::Meta;
use crate::objects::node::Node;
use crate::objects::{Name, Object};
use crate::store::{ObjectId, View};

/// A quarter of the lease's 40 seconds.
const RENEW: Duration = Duration::from_secs(10);
const WRITE: Duration = Duration::from_millis(10);
/// Conditions that the kubelet reports, with the words of a healthy node.
const HEALTHY: [(&str, &str, &str, &str); 4] = [
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
];

/// How a node fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Everything on it is gone at once; when power is back, its containers start again.
    PowerOff,
    /// Only the kubelet stops: containers go on, nobody reports.
    KubeletStop,
}

impl Kubelets {
    /// A kubelet starts: it takes on the pods bound to it and begins to renew its lease.
    pub fn start(&mut self, node: &Name, view: &Arc<View>, clock: Clock) -> Reaction<Event> {
        let mut reaction = Reaction::default();
        let Some(number) = self.numbers.get(node).copied() else { return reaction };
        self.look_at_pods(number, view, clock, &mut reaction);
        let config = &self.nodes[&number].config;
        let checked = config.resolv_conf.as_deref().and_then(|file| check_node_file(file, &self.config.cluster_domain));
        if let Some(warning) = checked {
            // A kubelet refers to its node by the name, for the uid too.
            let about = Reference { kind: "Node".into(), name: node.clone(), uid: node.clone(), ..Reference::default() };
            let (reason, message, host) = (warning.reason, warning.message, node.clone());
            reaction.write(WRITE, Write::Note(Note { about, warning: true, reason, message, source: "kubelet", host }));
        }
        // Kubelets of a cluster did not start in the same instant.
        let mut draw = clock.draws.keyed("kubelet/lease", number);
        let first = draw.duration(Duration::ZERO, RENEW);
        reaction.timer(first, Event { node: number, pod: ObjectId::default(), instance: 0, run: 0, what: What::Lease });
        reaction
    }

    /// Renews the lease, and reports the node if it is not shown as healthy.
    pub(super) fn renew_lease(&mut self, number: u32, view: &Arc<View>, clock: Clock, reaction: &mut Reaction<Event>) {
        reaction.timer(RENEW, Event { node: number, pod: ObjectId::default(), instance: 0, run: 0, what: What::Lease });
        let Some(kubelet) = self.nodes.get(&number).filter(|k| k.power && k.running) else { return };
        let name = kubelet.config.name.clone();
        let Some(node) = view.nodes.get("", &name) else { return };
        let write = match view.leases.get("kube-node-lease", &name) {
            Some(lease) => {
                let mut lease = (**lease).clone();
                lease.renewed = Some(clock.timestamp());
                Some(Write::Update(Object::Lease(Arc::new(lease))))
            }
            // Without its namespace there is no lease; the status alone tells that the node lives.
            None if view.namespace("kube-node-lease").is_none() => None,
            None => {
                let lease = Lease::of_node(Meta::named("kube-node-lease", &name), &name, clock.timestamp());
                Some(Write::Create(Object::Lease(Arc::new(lease))))
            }
        };
        if let Some(write) = write {
            reaction.write(WRITE, write);
        }
        if let Some(node) = healthy(node, clock) {
            reaction.write(WRITE, Write::Status { object: Object::Node(Arc::new(node)), checked: false });
        }
    }

    /// A node fails.
    pub fn fail(&mut self, node: &Name, how: Failure, clock: Clock) -> Reaction<Event> {
        let Some(number) = self.numbers.get(node).copied() else { return Reaction::default() };
        let Some(kubelet) = self.nodes.get_mut(&number) else { return Reaction::default() };
        let kubelet = Arc::make_mut(kubelet);
        kubelet.running = false;
        if how == Failure::PowerOff {
            kubelet.power = false;
            let ids: Vec<ObjectId> = kubelet.pods.keys().copied().collect();
            for id in ids {
                self.with(number, id, |worker| power_cut(worker, clock));
            }
        }
        Reaction::default()
    }

    /// A node that was cut off reaches the API server again: everything is reported.
    pub fn reconnect(&mut self, node: &Name, clock: Clock) -> Reaction<Event> {
        let mut reaction = Reaction::default();
        let Some(number) = self.numbers.get(node).copied() else { return reaction };
        let Some(kubelet) = self.nodes.get(&number).filter(|k| k.power && k.running) else { return reaction };
        let ids: Vec<ObjectId> = kubelet.pods.keys().copied().collect();
        for id in ids {
            self.with(number, id, |worker| worker.flushing = false);
            self.report(number, id, clock, &mut reaction);
        }
        reaction
    }

    /// A node comes back: containers that died are started again, pods deleted meanwhile are ended, everything is reported.
    pub fn heal(&mut self, node: &Name, clock: Clock) -> Reaction<Event> {
        let mut reaction = Reaction::default();
        let Some(number) = self.numbers.get(node).copied() else { return reaction };
        let Some(kubelet) = self.nodes.get_mut(&number) else { return reaction };
        let kubelet = Arc::make_mut(kubelet);
        (kubelet.running, kubelet.power) = (true, true);
        kubelet.pulls_until = clock.now;
        let workers: Vec<(ObjectId, Arc<Worker>)> = kubelet.pods.iter().map(|(id, w)| (*id, w.clone())).collect();
        for (id, worker) in workers {
            self.with(number, id, |w| w.flushing = false);
            if !worker.sandbox {
                reaction.timer(Duration::from_millis(500), self.event(number, id, 0, What::Sandbox));
            }
            for at in (0..worker.runs.len()).filter(|at| !worker.runs[*at].running() && worker.runs[*at].instance > 0) {
                reaction.timer(Duration::from_millis(500), self.event(number, id, at, What::Restart));
            }
            self.arm_probes(number, id, clock, &mut reaction);
            self.report(number, id, clock, &mut reaction);
        }
        reaction
    }
}

/// Everything that ran is gone with the power; exit status 255, as containerd reports after a reboot.
fn power_cut(worker: &mut Worker, clock: Clock) {
    for run in worker.runs.iter_mut().filter(|r| r.running()) {
        run.end(255, clock.timestamp());
        run.instance = run.instance.max(1);
    }
}

/// The node as a healthy kubelet reports it, if it is shown otherwise.
fn healthy(node: &Node, clock: Clock) -> Option<Node> {
    let shown = |(kind, status, ..): &(&str, &str, &str, &str)| {
        condition::find(&node.conditions, kind).is_some_and(|c| &*c.status == *status)
    };
    if HEALTHY.iter().all(shown) {
        return None;
    }
    let mut node = node.clone();
    for (kind, status, reason, message) in HEALTHY {
        let mut condition = Condition::new(kind, status, reason, message, clock.timestamp());
        condition.touched = Some(clock.timestamp().whole_seconds());
        condition::upsert(&mut node.conditions, condition);
    }
    Some(node)
}
