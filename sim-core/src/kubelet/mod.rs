//! The kubelets, each with the runtime and the containers of its node.
//!
//! In a real cluster the kubelet watches the pods bound to its node, makes them run, probes them, reports their status, renews
//! the node's lease, and ends what is deleted. We model that with upstream's stages and times, environment and resolver files,
//! probes, restarts with back-off, and graceful termination. Left out: volumes, resource eviction, image garbage collection,
//! static pod files (mirror pods simply run). The real thing: `pkg/kubelet`.

pub mod address;
mod agnhost;
pub mod env;
pub mod images;
mod life;
mod node;
pub mod pending;
pub mod probes;
pub mod process;
pub mod resolv_conf;
mod runtime;
mod status;
mod termination;
pub mod worker;

#[cfg(test)]
mod cases;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use self::address::Range;
use self::images::ImageTable;
pub use self::node::Failure;
pub use self::runtime::{ContainerView, RunningContainer, Sandbox};
use self::worker::Worker;
use crate::api::component::{Clock, Note, Reaction, Tag, Write};
use crate::api::status::Status;
use crate::engine::digest::{Digestible, StateDigest};
use crate::engine::time::Duration;
use crate::explain::assumed::Assumption;
use crate::objects::pod::Pod;
use crate::objects::{Name, Object};
use crate::store::{Change, ObjectId, Store, View};

/// How a kubelet is set up.
#[derive(Clone, Debug, Default)]
pub struct NodeConfig {
    /// Name of its node.
    pub name: Name,
    /// Node addresses, first family first.
    pub ips: Vec<IpAddr>,
    /// Pod ranges of the node.
    pub pod_cidrs: Vec<String>,
    /// Text of the node's resolver file; `None` = told to use none.
    pub resolv_conf: Option<String>,
}

/// What all kubelets of a cluster have in common.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// `--cluster-domain`; empty = none.
    pub cluster_domain: String,
    /// `--cluster-dns`.
    pub cluster_dns: Vec<IpAddr>,
}

/// An event of a kubelet: 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    node: u32,
    pod: ObjectId,
    /// Instance of the container: an event of an earlier one is stale.
    instance: u16,
    /// Index of the container among all of the pod.
    run: u8,
    what: What,
}

/// What it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum What {
    Lease,
    Sandbox,
    Pulled,
    Ended,
    Restart,
    Probe(probes::Kind),
    Flush,
    Term,
    Kill,
    Remove,
}

/// All kubelets.
#[derive(Clone, Debug)]
pub struct Kubelets {
    nodes: OrdMap<u32, Arc<Kubelet>>,
    numbers: OrdMap<Name, u32>,
    by_ip: OrdMap<IpAddr, (u32, ObjectId)>,
    homes: OrdMap<ObjectId, u32>,
    /// The pods that kubelets have, by namespace and name: on several nodes where one of them has not heard of a deletion.
    by_name: PodsByName,
    images: Arc<ImageTable>,
    config: Arc<Config>,
    assumptions: OrdSet<Assumption>,
}

/// Pods by namespace and name, each with the number of the node whose kubelet has it.
type PodsByName = OrdMap<Name, OrdMap<Name, OrdSet<(u32, ObjectId)>>>;

/// One kubelet.
#[derive(Clone, Debug)]
struct Kubelet {
    config: Arc<NodeConfig>,
    /// The machine has power.
    power: bool,
    /// The kubelet's process runs.
    running: bool,
    ranges: Vec<Range>,
    pods: OrdMap<ObjectId, Arc<Worker>>,
    /// Images that are on the node.
    pulled: OrdSet<Name>,
    /// Pulls are one after the other: when the last of them is done.
    pulls_until: crate::engine::time::Instant,
}

impl Event {
    /// The number of its node.
    pub fn node(&self) -> u32 {
        self.node
    }
}

impl Kubelets {
    /// Kubelets of these nodes, numbered as given.
    pub fn new(nodes: Vec<NodeConfig>, images: Arc<ImageTable>, config: Config) -> Self {
        let mut kubelets = Kubelets {
            nodes: OrdMap::new(),
            numbers: OrdMap::new(),
            by_ip: OrdMap::new(),
            homes: OrdMap::new(),
            by_name: OrdMap::new(),
            images,
            config: Arc::new(config),
            assumptions: OrdSet::new(),
        };
        for (number, node) in (0u32..).zip(nodes) {
            kubelets.numbers.insert(node.name.clone(), number);
            let ranges = node.pod_cidrs.iter().filter_map(|c| Range::new(c)).collect();
            let (pods, pulled) = (OrdMap::new(), OrdSet::new());
            let pulls_until = crate::engine::time::Instant::START;
            let kubelet = Kubelet { config: Arc::new(node), power: true, running: true, ranges, pods, pulled, pulls_until };
            kubelets.nodes.insert(number, Arc::new(kubelet));
        }
        kubelets
    }

    /// The nodes whose kubelet a change concerns: pods bound to them, now or before.
    pub fn interested(&self, change: &Change) -> Vec<u32> {
        let node = |object: &Option<Object>| match object {
            Some(Object::Pod(pod)) => pod.node.as_ref().and_then(|n| self.numbers.get(n)).copied(),
            _ => None,
        };
        let (before, after) = (node(&change.before), node(&change.after));
        let mut nodes: Vec<u32> = after.or(before).into_iter().collect();
        nodes.extend(before.filter(|b| after.is_some_and(|a| a != *b)));
        nodes
    }

    /// A kubelet looks at the pods bound to its node: new ones are taken on, changed ones noted, deleted ones ended.
    pub fn woken(&mut self, node: u32, _store: &Store, view: &Arc<View>, clock: Clock) -> Reaction<Event> {
        let mut reaction = Reaction::default();
        let Some(kubelet) = self.nodes.get(&node) else { return reaction };
        if !kubelet.running || !kubelet.power {
            return reaction;
        }
        self.look_at_pods(node, view, clock, &mut reaction);
        reaction
    }

    /// Compares the pods bound to a node with those its kubelet has.
    fn look_at_pods(&mut self, node: u32, view: &View, clock: Clock, reaction: &mut Reaction<Event>) {
        let Some(kubelet) = self.nodes.get(&node) else { return };
        let (mut news, mut known) = (Vec::new(), 0);
        for (id, pod) in view.pods_on(&kubelet.config.name) {
            let worker = kubelet.pods.get(&id);
            known += usize::from(worker.is_some());
            match worker {
                Some(worker) if worker.pod.meta.revision == pod.meta.revision => {}
                None if pod.finished() => {}
                _ => news.push((id, pod.clone())),
            }
        }
        let mut gone: Vec<ObjectId> = Vec::new();
        if known < kubelet.pods.len() {
            let there: BTreeSet<ObjectId> = view.pods_on(&kubelet.config.name).map(|(id, _)| id).collect();
            gone.extend(kubelet.pods.keys().filter(|id| !there.contains(id)));
        }
        for (id, pod) in news {
            self.sync_pod(node, id, &pod, clock, reaction);
        }
        for id in gone {
            self.drop_pod(node, id);
        }
    }

    /// A pod that is new to the kubelet, or has changed.
    fn sync_pod(&mut self, node: u32, id: ObjectId, pod: &Arc<Pod>, clock: Clock, reaction: &mut Reaction<Event>) {
        if self.worker(node, id).is_none() {
            self.take_on(node, id, pod, clock, reaction);
            return;
        }
        self.with(node, id, |worker| worker.pod = pod.clone());
        if pod.meta.deleting() {
            self.begin_end(node, id, clock, reaction);
        }
    }

    /// A pod the kubelet has not seen before.
    fn take_on(&mut self, node: u32, id: ObjectId, pod: &Arc<Pod>, clock: Clock, reaction: &mut Reaction<Event>) {
        let images = self.images.clone();
        let behave = |image: &str| images.behaviour(image);
        let restored_running = pod.status.phase == crate::objects::pod::Phase::Running && !pod.status.containers.is_empty();
        let worker = if restored_running { Worker::adopted(pod, behave) } else { Worker::new(pod, clock.timestamp(), behave) };
        self.assume(pod, &worker);
        for ip in &worker.ips {
            self.by_ip.insert(*ip, (node, id));
        }
        self.homes.insert(id, node);
        let names = self.by_name.entry(worker.namespace.clone()).or_default();
        names.entry(worker.name.clone()).or_default().insert((node, id));
        if let Some(kubelet) = self.nodes.get_mut(&node) {
            let kubelet = Arc::make_mut(kubelet);
            for ip in &worker.ips {
                kubelet.ranges.iter_mut().for_each(|r| r.learn(*ip));
            }
            kubelet.pods.insert(id, Arc::new(worker));
        }
        if restored_running {
            self.arm_probes(node, id, clock, reaction);
        } else {
            // Sandbox and network: 200 to 800 ms.
            let delay = clock.draws.keyed("kubelet/sandbox", id).duration(Duration::from_millis(200), Duration::from_millis(800));
            reaction.timer(delay, self.event(node, id, 0, What::Sandbox));
        }
        if pod.meta.deleting() {
            self.begin_end(node, id, clock, reaction);
        }
    }

    fn assume(&mut self, pod: &Pod, worker: &Worker) {
        for run in &worker.runs {
            let container = run.spec(pod);
            if run.behaviour.guessed {
                self.assumptions.insert(Assumption::Image(container.image.clone()));
            }
            if run.process.guessed {
                let words: Vec<&str> = container.command.iter().chain(&container.args).map(|w| &**w).collect();
                let command = words.join(" ").lines().next().unwrap_or_default().to_string();
                let (container, image) = (container.name.clone(), container.image.clone());
                self.assumptions.insert(Assumption::Command { container, image, command, init: run.init });
            }
        }
    }

    /// What had to be guessed.
    pub fn assumptions(&self) -> Vec<Assumption> {
        self.assumptions.iter().cloned().collect()
    }

    /// A pod that is no longer in the store: whatever ran is gone.
    fn drop_pod(&mut self, node: u32, id: ObjectId) {
        let Some(kubelet) = self.nodes.get_mut(&node) else { return };
        let kubelet = Arc::make_mut(kubelet);
        self.homes.remove(&id);
        let Some(worker) = kubelet.pods.remove(&id) else { return };
        forget_name(&mut self.by_name, &worker, (node, id));
        if !worker.pod.spec.host_network {
            for ip in &worker.ips {
                kubelet.ranges.iter_mut().for_each(|r| r.release(*ip));
                if self.by_ip.get(ip) == Some(&(node, id)) {
                    self.by_ip.remove(ip);
                }
            }
        }
    }

    /// Handles one of its timers.
    pub fn handle(&mut self, event: Event, _store: &Store, view: &Arc<View>, clock: Clock) -> Reaction<Event> {
        let mut reaction = Reaction::default();
        let Some(kubelet) = self.nodes.get(&event.node) else { return reaction };
        if event.what == What::Lease {
            self.renew_lease(event.node, view, clock, &mut reaction);
            return reaction;
        }
        if !kubelet.power || !kubelet.pods.contains_key(&event.pod) {
            return reaction;
        }
        self.on_pod_event(event, view, clock, &mut reaction);
        reaction
    }

    /// Results of writes are not waited for: the next status says everything again.
    pub fn answered(&mut self, _tag: Tag, _result: &Result<Object, Status>, _clock: Clock) -> Reaction<Event> {
        Reaction::default()
    }

    fn worker(&self, node: u32, id: ObjectId) -> Option<&Arc<Worker>> {
        self.nodes.get(&node)?.pods.get(&id)
    }

    /// Changes one worker.
    fn with<T>(&mut self, node: u32, id: ObjectId, change: impl FnOnce(&mut Worker) -> T) -> Option<T> {
        let kubelet = Arc::make_mut(self.nodes.get_mut(&node)?);
        Some(change(Arc::make_mut(kubelet.pods.get_mut(&id)?)))
    }

    fn event(&self, node: u32, pod: ObjectId, run: usize, what: What) -> Event {
        let instance = self.worker(node, pod).and_then(|w| w.runs.get(run)).map_or(0, |r| r.instance);
        Event { node, pod, instance, run: u8::try_from(run).unwrap_or(u8::MAX), what }
    }

    /// An Event about a pod, or one of its containers.
    fn note(
        &self,
        node: u32,
        id: ObjectId,
        run: Option<usize>,
        warning: bool,
        reason: &'static str,
        message: String,
    ) -> Option<Write> {
        let worker = self.worker(node, id)?;
        let mut about = Object::Pod(worker.pod.clone()).reference();
        if let Some(run) = run.and_then(|at| worker.runs.get(at)) {
            let list = if run.init { "initContainers" } else { "containers" };
            about.field = format!("spec.{list}{{{}}}", run.spec(&worker.pod).name).into();
        }
        let host = self.nodes.get(&node)?.config.name.clone();
        Some(Write::Note(Note { about, warning, reason, message, source: "kubelet", host }))
    }
}

impl Digestible for Kubelets {
    fn digest(&self, into: &mut StateDigest) {
        // What is set up once, and numbers by name, are the configuration's; the pods by name follow from those of the nodes.
        let Kubelets { nodes, numbers: _, by_ip, homes, by_name: _, images: _, config: _, assumptions } = self;
        into.parts(nodes);
        into.list(by_ip);
        into.list(homes);
        into.list(assumptions);
    }
}

impl Digestible for Kubelet {
    fn digest(&self, into: &mut StateDigest) {
        let Kubelet { config: _, power, running, ranges, pods, pulled, pulls_until } = self;
        into.fold(&(power, running, pulls_until));
        into.parts((0_usize..).zip(ranges));
        into.parts(pods);
        into.list(pulled);
    }
}

/// Takes a pod out of the index by name; a name without pods is no longer kept.
fn forget_name(by_name: &mut PodsByName, worker: &Worker, pod: (u32, ObjectId)) {
    let Some(names) = by_name.get_mut(&worker.namespace) else { return };
    if let Some(pods) = names.get_mut(&worker.name) {
        pods.remove(&pod);
        if pods.is_empty() {
            names.remove(&worker.name);
        }
    }
    if names.is_empty() {
        by_name.remove(&worker.namespace);
    }
}
