//! The way of a pod from "bound" to "running", and what keeps it there.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::env::{self, Around};
use super::probes::{self, Kind};
use super::{Event, Kubelets, What, status};
use crate::api::component::{Clock, Reaction, Write};
use crate::engine::time::Duration;
use crate::objects::pod::ContainerState;
use crate::objects::{Name, Object};
use crate::store::{ObjectId, View};

/// How long an image is pulled at most, unless it is described otherwise.
const PULL: (Duration, Duration) = (Duration::from_millis(800), Duration::from_millis(4_500));
/// How often a container that cannot be created is tried again.
const RETRY: Duration = Duration::from_secs(10);
/// A write of a kubelet reaches the server after this.
const WRITE: Duration = Duration::from_millis(10);

impl Kubelets {
    pub(super) fn on_pod_event(&mut self, event: Event, view: &Arc<View>, clock: Clock, reaction: &mut Reaction<Event>) {
        let (node, id, at) = (event.node, event.pod, usize::from(event.run));
        let current = self.worker(node, id).and_then(|w| w.runs.get(at)).map_or(0, |r| r.instance);
        let stale = event.instance != current;
        match event.what {
            What::Lease => {}
            What::Sandbox => self.on_sandbox(node, id, clock, reaction),
            What::Flush => self.flush(node, id, clock, reaction),
            What::Term => self.on_term(node, id, at, reaction),
            What::Kill => self.on_kill(node, id, clock, reaction),
            What::Remove => self.on_remove(node, id, reaction),
            _ if stale => {}
            What::Pulled => self.on_pulled(node, id, at, view, clock, reaction),
            What::Ended => {
                let code = self.worker(node, id).and_then(|w| w.runs[at].process.ends).map_or(0, |(_, code)| code);
                self.on_ended(node, id, at, code, clock, reaction);
            }
            What::Restart => self.prepare(node, id, at, clock, reaction),
            What::Probe(kind) => self.on_probe(node, id, at, kind, clock, reaction),
        }
    }

    /// The sandbox is up: the pod has its address, and its containers can come.
    fn on_sandbox(&mut self, node: u32, id: ObjectId, clock: Clock, reaction: &mut Reaction<Event>) {
        let Some(kubelet) = self.nodes.get_mut(&node) else { return };
        let kubelet = Arc::make_mut(kubelet);
        let Some(worker) = kubelet.pods.get_mut(&id) else { return };
        if worker.sandbox || worker.over {
            return;
        }
        let worker = Arc::make_mut(worker);
        worker.sandbox = true;
        worker.ips = if worker.pod.spec.host_network {
            kubelet.config.ips.clone()
        } else {
            kubelet.ranges.iter_mut().filter_map(super::Range::take).collect()
        };
        let ips = if worker.pod.spec.host_network { Vec::new() } else { worker.ips.clone() };
        for ip in ips {
            self.by_ip.insert(ip, (node, id));
        }
        self.warn_of_resolver(node, id, reaction);
        self.start_due(node, id, clock, reaction);
        self.report(node, id, clock, reaction);
    }

    fn warn_of_resolver(&self, node: u32, id: ObjectId, reaction: &mut Reaction<Event>) {
        let Some(worker) = self.worker(node, id) else { return };
        let (_, warnings) = self.resolver_of(node, &worker.pod);
        for warning in warnings {
            if let Some(note) = self.note(node, id, None, true, warning.reason, warning.message) {
                reaction.write(WRITE, note);
            }
        }
    }

    /// Starts whatever is next: one init container, or all ordinary ones.
    fn start_due(&mut self, node: u32, id: ObjectId, clock: Clock, reaction: &mut Reaction<Event>) {
        let due = self.worker(node, id).filter(|w| w.sandbox && !w.over && w.kill_at.is_none()).map(|w| w.due());
        for at in due.unwrap_or_default() {
            self.prepare(node, id, at, clock, reaction);
        }
    }

    /// Pulls the image if it has to be pulled.
    fn prepare(&mut self, node: u32, id: ObjectId, at: usize, clock: Clock, reaction: &mut Reaction<Event>) {
        if self.worker(node, id).is_none_or(|w| w.over || w.kill_at.is_some()) {
            return;
        }
        self.with(node, id, |worker| worker.runs[at].next_instance());
        let Some(worker) = self.worker(node, id).cloned() else { return };
        let container = worker.runs[at].spec(&worker.pod);
        let image = container.image.clone();
        let always = match container.doc.get("imagePullPolicy").and_then(serde_json::Value::as_str) {
            Some(policy) => policy == "Always",
            None => super::images::is_latest(&image),
        };
        let mut stream = clock.draws.keyed("kubelet/pull", (node, &*image));
        let drawn = stream.duration(PULL.0, PULL.1);
        let Some(kubelet) = self.nodes.get_mut(&node) else { return };
        let kubelet = Arc::make_mut(kubelet);
        let there = kubelet.pulled.contains(&image);
        let took = match (there, always) {
            (true, false) => Duration::ZERO,
            // Only the manifest is asked for again.
            (true, true) => Duration::from_millis(400),
            (false, _) => worker.runs[at].behaviour.pull.unwrap_or(drawn),
        };
        let ready = kubelet.pulls_until.max(clock.now) + took;
        if took > Duration::ZERO {
            kubelet.pulls_until = ready;
        }
        let wait = if took > Duration::ZERO { ready.since(clock.now) } else { Duration::ZERO };
        kubelet.pulled.insert(image.clone());
        let text = if took > Duration::ZERO {
            let pulling = self.note(node, id, Some(at), false, "Pulling", format!("Pulling image \"{image}\""));
            reaction.writes.extend(pulling.map(|w| (WRITE, 0, w)));
            pulled_text(&image, took, wait)
        } else {
            format!("Container image \"{image}\" already present on machine")
        };
        let done = self.note(node, id, Some(at), false, "Pulled", text);
        reaction.writes.extend(done.map(|w| (wait + WRITE, 0, w)));
        // Create and start: 100 to 400 ms.
        let create = clock.draws.keyed("kubelet/create", (id, at, worker.runs[at].instance));
        let create = create.clone().duration(Duration::from_millis(100), Duration::from_millis(400));
        reaction.timer(wait + create, self.event(node, id, at, What::Pulled));
    }

    /// The image is there and the container is created: its environment is taken now.
    fn on_pulled(&mut self, node: u32, id: ObjectId, at: usize, view: &Arc<View>, clock: Clock, reaction: &mut Reaction<Event>) {
        let Some(worker) = self.worker(node, id).cloned() else { return };
        if worker.over || worker.kill_at.is_some() {
            return;
        }
        let container = worker.runs[at].spec(&worker.pod);
        let around = Around { pod_ips: worker.ips.clone(), host_ips: self.nodes[&node].config.ips.clone() };
        match env::of_container(view, &worker.pod, &container.doc, &around) {
            Ok(environment) => {
                self.with(node, id, |w| {
                    let pod = w.pod.clone();
                    w.runs[at].start(&pod, environment, clock.now, clock.timestamp());
                });
                let name = &container.name;
                for (reason, text) in
                    [("Created", format!("Created container: {name}")), ("Started", format!("Started container {name}"))]
                {
                    let note = self.note(node, id, Some(at), false, reason, text);
                    reaction.writes.extend(note.map(|w| (WRITE, 0, w)));
                }
                self.on_started(node, id, at, clock, reaction);
            }
            Err(why) => {
                let state = ContainerState::Waiting { reason: "CreateContainerConfigError".into(), message: why.as_str().into() };
                self.with(node, id, |w| w.runs[at].state = state);
                let note = self.note(node, id, Some(at), true, "Failed", format!("Error: {why}"));
                reaction.writes.extend(note.map(|w| (WRITE, 0, w)));
                reaction.timer(RETRY, self.event(node, id, at, What::Restart));
                self.report(node, id, clock, reaction);
            }
        }
    }

    /// A process runs: its end is armed if it has one, its probes too.
    fn on_started(&mut self, node: u32, id: ObjectId, at: usize, clock: Clock, reaction: &mut Reaction<Event>) {
        let Some(worker) = self.worker(node, id).cloned() else { return };
        if let Some((after, _)) = worker.runs[at].process.ends {
            reaction.timer(after, self.event(node, id, at, What::Ended));
        }
        self.arm_probes_of(node, id, at, clock, reaction);
        self.start_due(node, id, clock, reaction);
        self.report(node, id, clock, reaction);
    }

    /// A process has ended: the next one is due, or it is started again, or that was it.
    pub(super) fn on_ended(
        &mut self,
        node: u32,
        id: ObjectId,
        at: usize,
        code: i32,
        clock: Clock,
        reaction: &mut Reaction<Event>,
    ) {
        let Some(worker) = self.worker(node, id) else { return };
        if !worker.runs[at].running() {
            return;
        }
        let (policy, ending) = (worker.pod.spec.restart, worker.kill_at.is_some() || worker.over);
        let sidecar = worker.runs[at].spec(&worker.pod).sidecar;
        let wait = self.with(node, id, |w| {
            let run = &mut w.runs[at];
            run.end(code, clock.timestamp());
            (!ending && run.wanted_again(policy, sidecar)).then(|| run.back_off(clock.now))
        });
        match wait.flatten() {
            Some(wait) => {
                if wait > Duration::ZERO {
                    self.hold_back(node, id, at, wait, reaction);
                }
                reaction.timer(wait, self.event(node, id, at, What::Restart));
            }
            None if !ending => self.start_due(node, id, clock, reaction),
            None => {
                self.begin_stop(node, id, Some(at), reaction);
                self.finish_if_quiet(node, id, clock, reaction);
            }
        }
        self.report(node, id, clock, reaction);
    }

    /// CrashLoopBackOff: the ended instance becomes the last, and the container waits.
    fn hold_back(&mut self, node: u32, id: ObjectId, at: usize, wait: Duration, reaction: &mut Reaction<Event>) {
        let Some(worker) = self.worker(node, id).cloned() else { return };
        let (name, uid) = (&worker.runs[at].spec(&worker.pod).name, worker.pod.meta.uid.as_deref().unwrap_or_default());
        let pod = format!("{}_{}({uid})", worker.name, worker.namespace);
        let message: Name = format!("back-off {wait} restarting failed container={name} pod={pod}").into();
        self.with(node, id, |w| {
            let run = &mut w.runs[at];
            run.last = std::mem::replace(&mut run.state, ContainerState::Waiting { reason: "CrashLoopBackOff".into(), message });
            run.restarts += 1;
            run.logs.swap(0, 1);
            run.logs[0].clear();
        });
        let text = format!("Back-off restarting failed container {name} in pod {pod}");
        let note = self.note(node, id, Some(at), true, "BackOff", text);
        reaction.writes.extend(note.map(|w| (WRITE, 0, w)));
    }

    /// Arms the probes of everything that runs.
    pub(super) fn arm_probes(&mut self, node: u32, id: ObjectId, clock: Clock, reaction: &mut Reaction<Event>) {
        let count = self.worker(node, id).map_or(0, |w| w.runs.len());
        for at in 0..count {
            self.arm_probes_of(node, id, at, clock, reaction);
        }
    }

    /// Arms the startup probe, or, once that has succeeded (or if there is none), the others.
    fn arm_probes_of(&self, node: u32, id: ObjectId, at: usize, clock: Clock, reaction: &mut Reaction<Event>) {
        let Some(worker) = self.worker(node, id) else { return };
        let (run, container) = (&worker.runs[at], worker.runs[at].spec(&worker.pod));
        if !run.running() {
            return;
        }
        let kinds: &[Kind] = if run.started { &[Kind::Liveness, Kind::Readiness] } else { &[Kind::Startup] };
        for kind in kinds {
            if let Some(probe) = probes::of(container, *kind) {
                let due = run.since.unwrap_or(clock.now) + probe.initial_delay;
                reaction.timer(due.since(clock.now), self.event(node, id, at, What::Probe(*kind)));
            }
        }
    }

    /// One question and its consequences.
    fn on_probe(&mut self, node: u32, id: ObjectId, at: usize, kind: Kind, clock: Clock, reaction: &mut Reaction<Event>) {
        let Some(worker) = self.worker(node, id).cloned() else { return };
        let (run, container) = (&worker.runs[at], worker.runs[at].spec(&worker.pod));
        let ending = worker.kill_at.is_some();
        let Some(probe) = probes::of(container, kind).filter(|_| run.running() && !(ending && kind != Kind::Readiness)) else {
            return;
        };
        let ip = worker.ips.first().map(ToString::to_string).unwrap_or_default();
        let sockets: Vec<_> = worker.sockets(clock.now).map(|(_, s)| s).collect();
        let mut port = clock.draws.keyed("kubelet/probe-port", (id, at, clock.now));
        let port = 32_768 + u16::try_from(port.below(28_232)).unwrap_or_default();
        let own_ip = self.nodes.get(&node).and_then(|k| k.config.ips.first()).copied().unwrap_or(IpAddr::from([0, 0, 0, 0]));
        let answer = probes::ask(&probe, (SocketAddr::new(own_ip, port), &ip), &sockets, &run.behaviour.reply);
        if let Err(why) = &answer {
            let note = self.note(node, id, Some(at), true, "Unhealthy", format!("{} probe failed: {why}", kind.title()));
            reaction.writes.extend(note.map(|w| (WRITE, 0, w)));
        }
        let verdict = self.with(node, id, |w| w.runs[at].count(kind, answer.is_ok(), &probe)).flatten();
        let (passed, failed) = (verdict == Some(true), verdict == Some(false));
        match kind {
            Kind::Readiness if passed && !run.ready || failed && run.ready && kind == Kind::Readiness => {
                self.with(node, id, |w| w.runs[at].ready = passed);
                self.report(node, id, clock, reaction);
            }
            Kind::Startup if passed => {
                self.with(node, id, |w| {
                    w.runs[at].started = true;
                    let none = probes::of(w.runs[at].spec(&w.pod), Kind::Readiness).is_none();
                    w.runs[at].ready = none;
                });
                self.arm_probes_of(node, id, at, clock, reaction);
                self.start_due(node, id, clock, reaction);
                self.report(node, id, clock, reaction);
                return;
            }
            Kind::Startup | Kind::Liveness if failed => {
                self.restart_unhealthy(node, id, at, kind, clock, reaction);
                return;
            }
            _ => {}
        }
        reaction.timer(probe.period, self.event(node, id, at, What::Probe(kind)));
    }

    fn restart_unhealthy(
        &mut self,
        node: u32,
        id: ObjectId,
        at: usize,
        kind: Kind,
        clock: Clock,
        reaction: &mut Reaction<Event>,
    ) {
        let Some(worker) = self.worker(node, id) else { return };
        let name = worker.runs[at].spec(&worker.pod).name.clone();
        let text = format!("Container {name} failed {} probe, will be restarted", kind.title().to_lowercase());
        let note = self.note(node, id, Some(at), false, "Killing", text);
        reaction.writes.extend(note.map(|w| (WRITE, 0, w)));
        // SIGTERM, and SIGKILL for what does not heed it: the exit status tells which.
        let code = if worker.runs[at].process.heeds_term { 143 } else { 137 };
        self.on_ended(node, id, at, code, clock, reaction);
    }

    /// Arranges that the status is written soon: the runtime is looked at once a second at most.
    pub(super) fn report(&mut self, node: u32, id: ObjectId, clock: Clock, reaction: &mut Reaction<Event>) {
        let already = self.with(node, id, |w| std::mem::replace(&mut w.flushing, true));
        if already == Some(false) {
            let mut draw = clock.draws.keyed("kubelet/relist", (id, clock.now.as_nanos()));
            let delay = draw.duration(Duration::from_millis(50), Duration::from_millis(1_000));
            reaction.timer(delay, self.event(node, id, 0, What::Flush));
        }
    }

    /// Writes the status if it says something new.
    pub(super) fn flush(&mut self, node: u32, id: ObjectId, clock: Clock, reaction: &mut Reaction<Event>) {
        let Some(kubelet) = self.nodes.get(&node) else { return };
        let (running, host_ip) = (kubelet.running, kubelet.config.ips.first().copied());
        let write = self.with(node, id, |w| {
            w.flushing = false;
            let status = status::of(w, host_ip, clock.timestamp());
            if !running || status == *w.sent && *w.pod.status == status {
                return None;
            }
            w.sent = Arc::new(status);
            let mut pod = (*w.pod).clone();
            pod.status = w.sent.clone();
            Some(Write::Status { object: Object::Pod(Arc::new(pod)), checked: false })
        });
        if let Some(write) = write.flatten() {
            reaction.write(WRITE, write);
        }
    }
}

/// The kubelet's sentence about a finished pull. Sizes are not modelled: a plausible constant would be an invention, so the
/// sentence ends where older kubelets ended it.
fn pulled_text(image: &str, took: Duration, waited: Duration) -> String {
    let short = |d: Duration| Duration::from_millis(d.as_millis());
    format!("Successfully pulled image \"{image}\" in {} ({} including waiting)", short(took), short(waited))
}
