//! What is physically there: sandboxes by address, containers by name. The network and the console ask; the API is not asked.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::images::{Behaviour, Listener};
use super::probes::{self, Kind};
use super::resolv_conf::{self, ResolvConf, Settings, Warning};
use super::worker::{Run, Worker};
use super::{Kubelets, env::Variables};
use crate::engine::time::Instant;
use crate::objects::Name;
use crate::objects::pod::{ContainerState, Pod};
use crate::objects::time::Timestamp;
use crate::store::ObjectId;

/// Most lines of a container's log that are kept.
const LINES_MAX: usize = 2_000;

/// A pod's network namespace, with what listens in it.
#[derive(Clone, Debug)]
pub struct Sandbox {
    /// Namespace of the pod.
    pub namespace: Name,
    /// Name of the pod.
    pub pod: Name,
    /// Its node.
    pub node: Name,
    /// Open sockets, with the behaviour of the container behind each.
    pub sockets: Vec<(Listener, Arc<Behaviour>)>,
    /// Tells it from another sandbox that has the same address at another time.
    pub id: u32,
    /// What runs in it, those included that were told to end and serve open connections only.
    pub processes: Vec<SandboxProcess>,
}

/// A process in a sandbox.
#[derive(Clone, Debug)]
pub struct SandboxProcess {
    /// Tells it from the process before a restart.
    pub number: u32,
    /// Ports on which it listens.
    pub listens: Vec<u16>,
    /// What it does.
    pub behaviour: Arc<Behaviour>,
    /// It was told to end: it takes no new connection, and closes those on which nothing is asked.
    pub ending: bool,
}

impl SandboxProcess {
    fn of((position, run): (usize, &Run)) -> SandboxProcess {
        let number = u32::try_from(position).unwrap_or(u32::MAX) << 16 | u32::from(run.instance);
        let listens = run.sockets.iter().map(|s| s.port).collect();
        SandboxProcess { number, listens, behaviour: run.behaviour.clone(), ending: run.ending }
    }
}

/// What the runtime shows of one running container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerView {
    /// Image as written in the pod.
    pub image: String,
    /// Host name of the pod.
    pub hostname: String,
    /// Environment as taken when the container started, sorted by name.
    pub env: BTreeMap<String, String>,
    /// Files the kubelet wrote, by absolute path (`/etc/resolv.conf`, `/etc/hosts`, `/etc/hostname`).
    pub files: BTreeMap<String, String>,
}

/// A running container.
#[derive(Clone, Debug)]
pub struct RunningContainer {
    /// Image as written.
    pub image: Name,
    /// Host name.
    pub hostname: String,
    /// Environment.
    pub env: Variables,
    /// Files the kubelet wrote.
    pub files: BTreeMap<String, String>,
    /// The image's behaviour.
    pub behaviour: Arc<Behaviour>,
}

/// What a container resolves names by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolverFiles {
    /// Text of `/etc/resolv.conf`.
    pub resolv_conf: String,
    /// Text of `/etc/hosts`.
    pub hosts: String,
    /// The image's C library is musl.
    pub musl: bool,
}

impl Kubelets {
    /// The sandbox behind an address; of a node without power too, so that a packet is told why nobody answers.
    pub fn sandbox(&self, ip: IpAddr, now: Instant) -> Option<Sandbox> {
        let (node, id) = *self.by_ip.get(&ip)?;
        let kubelet = self.nodes.get(&node)?;
        let worker = kubelet.pods.get(&id)?;
        Some(Sandbox {
            namespace: worker.namespace.clone(),
            pod: worker.name.clone(),
            node: kubelet.config.name.clone(),
            sockets: worker.sockets(now).map(|(run, socket)| (socket, run.behaviour.clone())).collect(),
            id: id.0,
            processes: worker.runs.iter().enumerate().filter(|(_, run)| run.running()).map(SandboxProcess::of).collect(),
        })
    }

    /// What listens on a node's own network: the containers of its host-network pods.
    pub fn host_sockets(&self, node: &str, now: Instant) -> Vec<(Listener, Arc<Behaviour>)> {
        let Some(kubelet) = self.numbers.get(node).and_then(|n| self.nodes.get(n)).filter(|k| k.power) else { return Vec::new() };
        let hosted = kubelet.pods.values().filter(|w| w.pod.spec.host_network);
        hosted.flat_map(|w| w.sockets(now).map(|(run, socket)| (socket, run.behaviour.clone())).collect::<Vec<_>>()).collect()
    }

    /// A container by name (the first one if the name is empty), or the kubelet's words for why there is none to enter.
    pub fn container(&self, namespace: &str, pod: &str, container: &str) -> Result<RunningContainer, String> {
        let (node, worker) = self.find(namespace, pod).ok_or_else(|| format!("pods \"{pod}\" not found"))?;
        let run = self.enterable(node, worker, container)?;
        Ok(self.running_container(node, worker, run))
    }

    /// The files by which the first container of a pod resolves names, and whether its C library is musl; `None` if there is none
    /// to enter. The environment of the container is left alone: it may hold seven variables for each of ten thousand Services.
    pub fn resolver_files(&self, namespace: &str, pod: &str) -> Option<ResolverFiles> {
        let (node, worker) = self.find(namespace, pod)?;
        let run = self.enterable(node, worker, "").ok()?;
        let hostname = self.hostname(node, worker);
        let (resolv_conf, hosts) = self.name_files(node, worker, &hostname);
        Some(ResolverFiles { resolv_conf, hosts, musl: run.behaviour.musl })
    }

    /// The container of that name, if a program can be run in it.
    fn enterable<'w>(&self, node: u32, worker: &'w Worker, container: &str) -> Result<&'w Run, String> {
        let kubelet = &self.nodes[&node];
        if !kubelet.power || !kubelet.running {
            let ip = kubelet.config.ips.first().map(IpAddr::to_string).unwrap_or_default();
            return Err(format!("error dialing backend: dial tcp {ip}:10250: connect: no route to host"));
        }
        let pod = &worker.name;
        let run = pick(worker, container).ok_or_else(|| format!("container {container} is not valid for pod {pod}"))?;
        let name = &run.spec(&worker.pod).name;
        if !run.running() {
            return Err(match run.instance {
                0 => format!("container not found (\"{name}\")"),
                _ => format!("unable to upgrade connection: container not found (\"{name}\")"),
            });
        }
        Ok(run)
    }

    fn hostname(&self, node: u32, worker: &Worker) -> String {
        if worker.pod.spec.host_network {
            return self.nodes[&node].config.name.to_string();
        }
        worker.pod.spec.hostname.as_deref().unwrap_or(&worker.name).chars().take(63).collect()
    }

    /// `/etc/resolv.conf` and `/etc/hosts` of a pod.
    fn name_files(&self, node: u32, worker: &Worker, hostname: &str) -> (String, String) {
        let (conf, _) = self.resolver_of(node, &worker.pod);
        let ip = worker.ips.first().copied();
        (conf.text(), resolv_conf::hosts_file(&worker.pod, ip, hostname, &self.config.cluster_domain))
    }

    fn running_container(&self, node: u32, worker: &Worker, run: &Run) -> RunningContainer {
        let pod = &worker.pod;
        let hostname = self.hostname(node, worker);
        let mut env = run.env.variables();
        env.insert("HOSTNAME".to_string(), hostname.clone());
        env.entry("PATH".to_string())
            .or_insert_with(|| "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_string());
        env.entry("HOME".to_string()).or_insert_with(|| "/root".to_string());
        let (resolv_conf, hosts) = self.name_files(node, worker, &hostname);
        let files = [("/etc/resolv.conf", resolv_conf), ("/etc/hosts", hosts), ("/etc/hostname", format!("{hostname}\n"))];
        RunningContainer {
            image: run.spec(pod).image.clone(),
            hostname,
            env,
            files: files.map(|(path, text)| (path.to_string(), text)).into(),
            behaviour: run.behaviour.clone(),
        }
    }

    /// The resolver configuration of a pod on a node.
    pub(super) fn resolver_of(&self, node: u32, pod: &Pod) -> (ResolvConf, Vec<Warning>) {
        let kubelet = &self.nodes[&node].config;
        resolv_conf::of_pod(
            pod,
            &Settings {
                cluster_dns: &self.config.cluster_dns,
                cluster_domain: &self.config.cluster_domain,
                node_file: kubelet.resolv_conf.as_deref(),
                node_ips: &kubelet.ips,
            },
        )
    }

    /// Whether it is the kubelet of one of the cluster's machines.
    pub fn has_node(&self, node: &str) -> bool {
        self.numbers.contains_key(node)
    }

    /// Whether a pod that is not shown as ready may become so by itself: a probe of a running container has neither succeeded nor
    /// failed often enough yet, or all have succeeded and the status is on its way.
    pub fn is_becoming_ready(&self, id: ObjectId) -> bool {
        let Some(node) = self.homes.get(&id).filter(|node| self.nodes.get(*node).is_some_and(|k| k.running)) else {
            return false;
        };
        let Some(worker) = self.worker(*node, id) else { return false };
        let gated = !worker.pod.spec.readiness_gates.is_empty();
        let shown_soon = !gated && worker.initialized() && worker.runs.iter().all(|r| r.init || r.ready);
        let open = |run: &Run| {
            let kind = if run.started { Kind::Readiness } else { Kind::Startup };
            let probe = probes::of(run.spec(&worker.pod), kind);
            run.running() && !run.ready && probe.is_some_and(|p| run.results[kind as usize].1 < p.failures)
        };
        shown_soon || worker.runs.iter().any(open)
    }

    /// What a container has printed; `previous` asks for the instance before.
    pub fn logs(&self, namespace: &str, pod: &str, container: &str, previous: bool) -> Result<Vec<(Timestamp, String)>, String> {
        let (_, worker) = self.find(namespace, pod).ok_or_else(|| format!("pods \"{pod}\" not found"))?;
        let run = pick(worker, container).ok_or_else(|| format!("container {container} is not valid for pod {pod}"))?;
        let name = &run.spec(&worker.pod).name;
        if run.instance == 0 && run.state == ContainerState::None {
            return Err(format!("container \"{name}\" in pod \"{pod}\" is waiting to start: ContainerCreating"));
        }
        if previous && run.last == ContainerState::None {
            return Err(format!("previous terminated container \"{name}\" in pod \"{pod}\" not found"));
        }
        // While it is held back before a restart there is no newer instance to speak of than the last.
        let held_back = matches!(run.state, ContainerState::Waiting { .. }) && run.last != ContainerState::None;
        Ok(run.logs[usize::from(previous || held_back)].clone())
    }

    /// A line that the first container of a pod prints. Of many lines the last ones are kept.
    pub fn print(&mut self, id: ObjectId, line: &str, at: Timestamp) {
        let Some(node) = self.homes.get(&id).copied() else { return };
        self.with(node, id, |worker| {
            if let Some(run) = worker.runs.iter_mut().find(|r| !r.init) {
                if run.logs[0].len() >= LINES_MAX {
                    run.logs[0].drain(..LINES_MAX / 2);
                }
                run.logs[0].push((at, line.to_owned()));
            }
        });
    }

    /// The pod and the name of the container that an event has just started.
    pub fn started_by(&self, event: super::Event, now: Instant) -> Option<(ObjectId, Name)> {
        let worker = self.worker(event.node, event.pod)?;
        let run = worker.runs.get(usize::from(event.run))?;
        let started = event.what == super::What::Pulled && run.running() && run.since == Some(now);
        started.then(|| (event.pod, run.spec(&worker.pod).name.clone()))
    }

    /// The pod of that name; of the first node where several have one.
    fn find(&self, namespace: &str, pod: &str) -> Option<(u32, &Worker)> {
        let (node, id) = *self.by_name.get(namespace)?.get(pod)?.get_min()?;
        Some((node, self.worker(node, id)?))
    }
}

fn pick<'w>(worker: &'w Worker, container: &str) -> Option<&'w Run> {
    let named = |r: &&Run| if container.is_empty() { !r.init } else { &*r.spec(&worker.pod).name == container };
    worker.runs.iter().find(named)
}
