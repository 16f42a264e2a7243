//! One pod on one node, as the kubelet and the runtime have it: the truth behind the status.
//!
//! In a real cluster a pod worker brings a pod from "bound" to "running", keeps it there, and ends it. Stages and times are
//! upstream's; the numbers drawn are the ranges of `control-plane` facts. Left out: volumes, security, resource limits,
//! ephemeral containers.

use std::net::IpAddr;
use std::sync::Arc;

use super::env::Environment;
use super::images::{Behaviour, Listener};
use super::probes::{self, Kind, Probe};
use super::process::Process;
use crate::engine::digest::{Digestible, StateDigest};
use crate::engine::time::{Duration, Instant};
use crate::objects::Name;
use crate::objects::pod::{ContainerState, ContainerStatus, Pod, PodStatus};
use crate::objects::pod_spec::{Container, RestartPolicy};
use crate::objects::time::Timestamp;

/// Restart back-off: 10 s, doubling, at most 300 s.
const BACK_OFF_FIRST: Duration = Duration::from_secs(10);
const BACK_OFF_MAX: Duration = Duration::from_secs(300);
/// A run longer than this clears the back-off.
const BACK_OFF_CLEARED: Duration = Duration::from_secs(600);

/// A pod on a node.
#[derive(Clone, Debug)]
pub struct Worker {
    /// Namespace and name.
    pub namespace: Name,
    /// Name.
    pub name: Name,
    /// The API object as last seen: spec, labels, deletion.
    pub pod: Arc<Pod>,
    /// Addresses, once the sandbox has a network.
    pub ips: Vec<IpAddr>,
    /// When the kubelet took it on.
    pub accepted: Timestamp,
    /// The sandbox exists.
    pub sandbox: bool,
    /// Init containers first, then containers, in order of the spec.
    pub runs: Vec<Run>,
    /// The status as last sent.
    pub sent: Arc<PodStatus>,
    /// A status write is due or on its way.
    pub flushing: bool,
    /// Set while the pod is being ended: when SIGKILL comes.
    pub kill_at: Option<Instant>,
    /// All containers have been told to end.
    pub over: bool,
}

/// One container's runtime state.
#[derive(Clone, Debug)]
pub struct Run {
    /// Index in the spec's list, and whether of the init list.
    pub init: bool,
    /// Position in its list.
    pub index: usize,
    /// What the image does.
    pub behaviour: Arc<Behaviour>,
    /// What its process does.
    pub process: Process,
    /// State, as the status shows it.
    pub state: ContainerState,
    /// State of the instance before.
    pub last: ContainerState,
    /// How often it was restarted.
    pub restarts: u32,
    /// How often in a row it had to wait before a restart.
    pub backed_off: u32,
    /// Counts instances: events of an earlier one are stale.
    pub instance: u16,
    /// When this instance's process started, and when it listens.
    pub since: Option<Instant>,
    /// Sockets while it runs and has not been told to end.
    pub sockets: Vec<Listener>,
    /// It was told to end, and heeds that.
    pub ending: bool,
    /// Environment of this instance.
    pub env: Arc<Environment>,
    /// Passed its startup probe (or has none).
    pub started: bool,
    /// Passes its readiness probe (or has none).
    pub ready: bool,
    /// Consecutive results per probe kind: successes, failures.
    pub results: [(u32, u32); 3],
    /// What it printed: this instance, the one before.
    pub logs: [Vec<(Timestamp, String)>; 2],
}

impl Worker {
    /// A pod just taken on.
    pub fn new(pod: &Arc<Pod>, now: Timestamp, behave: impl Fn(&str) -> Behaviour) -> Worker {
        let lists = [(true, &pod.spec.init_containers), (false, &pod.spec.containers)];
        let runs = lists.into_iter().flat_map(|(init, list)| list.iter().enumerate().map(move |(index, c)| (init, index, c)));
        let runs = runs.map(|(init, index, container)| {
            let behaviour = behave(&container.image);
            let mut process = process_of(container, &behaviour);
            if init && !container.sidecar && process.ends.is_none() {
                process.end_as_init();
            }
            Run::new(init, index, process, behaviour)
        });
        Worker {
            namespace: pod.meta.namespace.clone(),
            name: pod.meta.name.clone(),
            ips: Vec::new(),
            accepted: now.whole_seconds(),
            sandbox: false,
            runs: runs.collect(),
            sent: pod.status.clone(),
            pod: pod.clone(),
            flushing: false,
            kill_at: None,
            over: false,
        }
    }

    /// A pod that runs already when the simulation starts (restored as running): everything is as its status says.
    pub fn adopted(pod: &Arc<Pod>, behave: impl Fn(&str) -> Behaviour) -> Worker {
        let started = pod.status.started.or(pod.meta.created).unwrap_or_default();
        let mut worker = Worker::new(pod, started, behave);
        worker.sandbox = true;
        worker.ips = pod.status.ips.to_vec();
        for run in &mut worker.runs {
            let list = if run.init { &pod.status.init_containers } else { &pod.status.containers };
            let container = run.spec(pod);
            let status = list.iter().find(|s| s.name == container.name).cloned().unwrap_or_default();
            (run.state, run.last, run.restarts) = (status.state, status.last, status.restarts);
            if matches!(run.state, ContainerState::Running { .. }) {
                run.since = Some(Instant::START);
                run.sockets = sockets_of(container, &run.behaviour);
                (run.started, run.ready) = (true, status.ready);
                run.process.ends = None;
            }
        }
        worker
    }

    /// The next init container that has to be started, or all ordinary ones once init is done.
    pub fn due(&self) -> Vec<usize> {
        for (at, run) in self.runs.iter().enumerate().filter(|(_, r)| r.init) {
            let sidecar = run.spec(&self.pod).sidecar;
            match &run.state {
                ContainerState::Terminated { exit: 0, .. } => continue,
                ContainerState::Running { .. } if sidecar && run.started => continue,
                _ if run.instance == 0 => return vec![at],
                _ => return Vec::new(),
            }
        }
        let fresh = |(_, r): &(usize, &Run)| !r.init && r.instance == 0;
        self.runs.iter().enumerate().filter(fresh).map(|(at, _)| at).collect()
    }

    /// Whether all init containers have done their work.
    pub fn initialized(&self) -> bool {
        self.runs.iter().filter(|r| r.init).all(|r| {
            let sidecar = r.spec(&self.pod).sidecar;
            matches!(r.state, ContainerState::Terminated { exit: 0, .. }) || sidecar && r.started && r.running()
        })
    }

    /// The sockets that answer now.
    pub fn sockets(&self, now: Instant) -> impl Iterator<Item = (&Run, Listener)> {
        let awake =
            move |run: &&Run| run.running() && run.since.is_some_and(|s| s + run.behaviour.start <= now || s == Instant::START);
        self.runs.iter().filter(awake).flat_map(|run| run.sockets.iter().map(move |s| (run, *s)))
    }

    /// Statuses of all containers of one list.
    pub fn statuses(&self, init: bool) -> Vec<ContainerStatus> {
        self.runs.iter().filter(|r| r.init == init).map(|r| r.status(&self.pod)).collect()
    }

    /// Whether anything of it still runs.
    pub fn anything_runs(&self) -> bool {
        self.runs.iter().any(Run::running)
    }
}

/// The sockets of a container: the image's, unless another command takes the place of its server.
pub fn sockets_of(container: &Container, behaviour: &Behaviour) -> Vec<Listener> {
    if process_of(container, behaviour).opens_none { Vec::new() } else { behaviour.sockets(container) }
}

/// The process of a container: the image's own, unless a command is given.
fn process_of(container: &Container, behaviour: &Behaviour) -> Process {
    let server = behaviour.serves();
    if container.command.is_empty() && (container.args.is_empty() || server) {
        let interactive =
            ["stdin", "tty"].iter().any(|k| container.doc.get(*k).and_then(serde_json::Value::as_bool) == Some(true));
        let mut process = Process::server();
        if behaviour.shell {
            // A shell with a terminal waits for its user; without one it meets the end of its input at once.
            process.heeds_term = false;
            process.ends = (!interactive).then_some((Duration::ZERO, 0));
        }
        return process;
    }
    let process = Process::of(&container.command, &container.args);
    // The command of a known server starts that server, whatever its flags.
    if process.guessed && !behaviour.guessed && !behaviour.shell { Process::server() } else { process }
}

impl Run {
    fn new(init: bool, index: usize, process: Process, behaviour: Behaviour) -> Run {
        Run {
            init,
            index,
            behaviour: Arc::new(behaviour),
            process,
            state: ContainerState::None,
            last: ContainerState::None,
            restarts: 0,
            backed_off: 0,
            instance: 0,
            since: None,
            sockets: Vec::new(),
            ending: false,
            env: Arc::default(),
            started: false,
            ready: false,
            results: [(0, 0); 3],
            logs: [Vec::new(), Vec::new()],
        }
    }

    /// Its part of the spec.
    pub fn spec<'p>(&self, pod: &'p Pod) -> &'p Container {
        let list = if self.init { &pod.spec.init_containers } else { &pod.spec.containers };
        &list[self.index]
    }

    /// Whether its process runs.
    pub fn running(&self) -> bool {
        matches!(self.state, ContainerState::Running { .. })
    }

    /// The process starts.
    pub fn start(&mut self, pod: &Pod, env: Environment, now: Instant, clock: Timestamp) {
        let container = self.spec(pod).clone();
        self.since = Some(now);
        self.state = ContainerState::Running { since: Some(clock.whole_seconds()) };
        self.sockets = sockets_of(&container, &self.behaviour);
        self.ending = false;
        self.env = Arc::new(env);
        self.results = [(0, 0); 3];
        self.started = probes::of(&container, Kind::Startup).is_none();
        self.ready = self.started && probes::of(&container, Kind::Readiness).is_none();
        if !self.process.prints.is_empty() {
            self.logs[0] = self.process.prints.lines().map(|line| (clock, line.to_string())).collect();
        }
    }

    /// The process ends.
    pub fn end(&mut self, exit: i32, clock: Timestamp) {
        let started = match self.state {
            ContainerState::Running { since } => since,
            _ => None,
        };
        let reason = if exit == 0 { "Completed" } else { "Error" };
        self.state = ContainerState::Terminated { exit, reason: reason.into(), started, finished: Some(clock.whole_seconds()) };
        self.sockets.clear();
        (self.started, self.ready) = (false, false);
    }

    /// Whether the pod's policy wants it again after it ended like that.
    pub fn wanted_again(&self, policy: RestartPolicy, sidecar: bool) -> bool {
        let ContainerState::Terminated { exit, .. } = self.state else { return false };
        match policy {
            _ if sidecar => true,
            _ if self.init && policy != RestartPolicy::Never => exit != 0,
            RestartPolicy::Always => !self.init,
            RestartPolicy::OnFailure => exit != 0,
            RestartPolicy::Never => false,
        }
    }

    /// Counts one answer to a probe: the verdict, once so many in a row agree.
    pub fn count(&mut self, kind: Kind, good: bool, probe: &Probe) -> Option<bool> {
        let (passes, failures) = &mut self.results[kind as usize];
        let (counted, other) = if good { (passes, failures) } else { (failures, passes) };
        (*counted, *other) = (counted.saturating_add(1), 0);
        let enough = *counted >= if good { probe.successes } else { probe.failures };
        enough.then_some(good)
    }

    /// How long its next start is held back: the first restart is immediate, then 10 s doubling to 300 s.
    pub fn back_off(&mut self, now: Instant) -> Duration {
        if self.since.is_some_and(|since| now.since(since) > BACK_OFF_CLEARED) {
            self.backed_off = 0;
        }
        let wait = match self.backed_off {
            0 => Duration::ZERO,
            n => BACK_OFF_FIRST.times(1 << (n - 1).min(10)).min(BACK_OFF_MAX),
        };
        self.backed_off += 1;
        wait
    }

    /// Prepares the next instance; the ended one becomes the last.
    pub fn next_instance(&mut self) {
        self.instance = self.instance.wrapping_add(1).max(1);
        if matches!(self.state, ContainerState::Terminated { .. }) {
            self.last = std::mem::take(&mut self.state);
            self.restarts += 1;
            self.logs.swap(0, 1);
            self.logs[0].clear();
        }
    }

    fn status(&self, pod: &Pod) -> ContainerStatus {
        let container = self.spec(pod);
        let waiting = |reason: &str| ContainerState::Waiting { reason: reason.into(), message: Name::default() };
        let state = match &self.state {
            ContainerState::None => {
                waiting(if self.init || pod.spec.init_containers.is_empty() { "ContainerCreating" } else { "PodInitializing" })
            }
            state => state.clone(),
        };
        let id = if self.instance == 0 { Name::default() } else { container_id(pod, &container.name, self.instance) };
        // An init container counts as ready once it is done.
        let done = self.init && matches!(self.state, ContainerState::Terminated { exit: 0, .. });
        ContainerStatus {
            name: container.name.clone(),
            image: container.image.clone(),
            ready: self.ready || done,
            started: Some(self.started && self.running()),
            restarts: self.restarts,
            state,
            last: self.last.clone(),
            id,
        }
    }
}

/// A runtime id: 64 hexadecimal digits, made from what the container is.
fn container_id(pod: &Pod, name: &str, instance: u16) -> Name {
    use crate::engine::random::Digest;
    let uid = pod.meta.uid.as_deref().unwrap_or_default();
    let part = |n: u8| Digest::of(&(uid, &*pod.meta.name, name, instance, n));
    format!("containerd://{:016x}{:016x}{:016x}{:016x}", part(0), part(1), part(2), part(3)).into()
}

impl Digestible for Worker {
    fn digest(&self, into: &mut StateDigest) {
        let Worker { namespace, name, pod, ips, accepted, sandbox, runs, sent, flushing, kill_at, over } = self;
        into.shared(pod);
        into.shared(sent);
        into.fold(&(namespace, name, ips, accepted, sandbox, flushing, kill_at, over));
        into.parts((0_usize..).zip(runs));
    }
}

impl Digestible for Run {
    fn digest(&self, into: &mut StateDigest) {
        let Run {
            init,
            index,
            behaviour,
            process,
            state,
            last,
            restarts,
            backed_off,
            instance,
            since,
            sockets,
            ending,
            env,
            started,
            ready,
            results,
            logs,
        } = self;
        into.fold(&(init, index, behaviour, process, state, last));
        into.fold(&(restarts, backed_off, instance, since));
        into.fold(&(sockets, ending, started, ready, results, logs));
        env.digest(into);
    }
}
