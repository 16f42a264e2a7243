//! The end of a pod: preStop, SIGTERM, the grace period, SIGKILL, the last status, and the removal of the object.
//!
//! In a real cluster containers end side by side, each after its own hook, and sidecars after the others, in reverse order. A server
//! on SIGTERM closes its listeners: a SYN is refused from then on. One that exits at once (nginx) cuts off what it has; one that drains
//! answers what it was asked, and closes connections on which nothing is asked. Nothing coordinates this with the removal of the pod
//! from endpoints: both start when the deletion is seen. The real thing: `pkg/kubelet/kuberuntime/kuberuntime_container.go`.

use super::worker::Worker;
use super::{Event, Kubelets, What, probes};
use crate::api::component::{Clock, Reaction, Write};
use crate::engine::time::Duration;
use crate::objects::Object;
use crate::store::ObjectId;

/// SIGTERM has at least this long after a preStop hook that used up the grace period.
const TERM_LEAST: Duration = Duration::from_secs(2);
/// How long a process takes to end once it is told to.
const LAST_BREATH: Duration = Duration::from_millis(30);
/// How long a server that drains goes on with what it has, at least; no answer that it owes takes longer than its delay.
const DRAIN: Duration = Duration::from_secs(2);
const WRITE: Duration = Duration::from_millis(10);

impl Kubelets {
    /// The deletion is seen: the containers are told to end, after their preStop hooks.
    pub(super) fn begin_end(&mut self, node: u32, id: ObjectId, clock: Clock, reaction: &mut Reaction<Event>) {
        let Some(worker) = self.worker(node, id).cloned() else { return };
        let grace = grace(&worker);
        let kill_at = clock.now + grace;
        if worker.kill_at.is_some_and(|known| known <= kill_at) {
            return;
        }
        let first = worker.kill_at.is_none();
        self.with(node, id, |w| w.kill_at = Some(kill_at));
        if !worker.anything_runs() {
            self.finish_if_quiet(node, id, clock, reaction);
            return;
        }
        let hook = worker.runs.iter().filter(|r| r.running()).map(|r| probes::pre_stop(&r.spec(&worker.pod).doc)).max();
        let hook = hook.unwrap_or_default().min(grace);
        if first {
            for (at, run) in worker.runs.iter().enumerate().filter(|(_, r)| r.running()) {
                let text = format!("Stopping container {}", run.spec(&worker.pod).name);
                let note = self.note(node, id, Some(at), false, "Killing", text);
                reaction.writes.extend(note.map(|w| (WRITE, 0, w)));
            }
            self.begin_stop(node, id, None, reaction);
        }
        let kill_after = if hook > Duration::ZERO && hook + TERM_LEAST > grace { hook + TERM_LEAST } else { grace };
        reaction.timer(kill_after, self.event(node, id, 0, What::Kill));
    }

    /// Starts the preStop hooks of those whose turn it is, all at once; SIGTERM follows each. Sidecars serve the others to their
    /// end, and then stop one after the other, the last started first.
    pub(super) fn begin_stop(&self, node: u32, id: ObjectId, ended: Option<usize>, reaction: &mut Reaction<Event>) {
        let Some(worker) = self.worker(node, id) else { return };
        let running = worker.runs.iter().enumerate().filter(|(_, run)| run.running());
        let (sidecars, others): (Vec<_>, Vec<_>) = running.partition(|(_, run)| run.spec(&worker.pod).sidecar);
        let turn = match (ended, &others[..]) {
            (None, [_, ..]) => others,
            (Some(_), [_, ..]) => Vec::new(),
            (_, []) => sidecars.into_iter().next_back().into_iter().collect(),
        };
        for (at, run) in turn {
            let hook = probes::pre_stop(&run.spec(&worker.pod).doc).min(grace(worker));
            reaction.timer(hook, self.event(node, id, at, What::Term));
        }
    }

    /// SIGTERM: a server closes its listeners, and ends at once or drains; what does not heed it waits for SIGKILL.
    pub(super) fn on_term(&mut self, node: u32, id: ObjectId, at: usize, reaction: &mut Reaction<Event>) {
        let Some(run) = self.worker(node, id).and_then(|worker| worker.runs.get(at)) else { return };
        if !run.running() || !run.process.heeds_term || run.ending {
            return;
        }
        let after = if run.behaviour.drains { DRAIN.max(run.behaviour.reply.delay + LAST_BREATH) } else { LAST_BREATH };
        self.with(node, id, |w| {
            w.runs[at].sockets.clear();
            w.runs[at].ending = true;
            w.runs[at].process.ends = Some((Duration::ZERO, 0));
        });
        reaction.timer(after, self.event(node, id, at, What::Ended));
    }

    /// SIGKILL for whatever is left.
    pub(super) fn on_kill(&mut self, node: u32, id: ObjectId, clock: Clock, reaction: &mut Reaction<Event>) {
        let Some(worker) = self.worker(node, id).cloned() else { return };
        if worker.kill_at.is_none_or(|at| at > clock.now) {
            return;
        }
        for at in (0..worker.runs.len()).filter(|at| worker.runs[*at].running()) {
            self.on_ended(node, id, at, 137, clock, reaction);
        }
        self.finish_if_quiet(node, id, clock, reaction);
    }

    /// Once nothing runs any more, the last status is written and the object removed.
    pub(super) fn finish_if_quiet(&mut self, node: u32, id: ObjectId, clock: Clock, reaction: &mut Reaction<Event>) {
        let quiet = self.worker(node, id).is_some_and(|w| w.kill_at.is_some() && !w.over && !w.anything_runs());
        if !quiet {
            return;
        }
        self.with(node, id, |w| {
            w.over = true;
            w.flushing = true;
        });
        let mut draw = clock.draws.keyed("kubelet/finish", id);
        let delay = draw.duration(Duration::from_millis(100), Duration::from_millis(900));
        reaction.timer(delay, self.event(node, id, 0, What::Flush));
        reaction.timer(delay + Duration::from_millis(50), self.event(node, id, 0, What::Remove));
    }

    /// The second DELETE, with grace 0: the object may go.
    pub(super) fn on_remove(&mut self, node: u32, id: ObjectId, reaction: &mut Reaction<Event>) {
        let (Some(worker), Some(kubelet)) = (self.worker(node, id), self.nodes.get(&node)) else { return };
        if !kubelet.running {
            return;
        }
        reaction.write(WRITE, Write::delete(&Object::Pod(worker.pod.clone()), Some(0), None));
    }

    /// The containers of a pod end by themselves, with that status.
    pub fn exit(&mut self, id: ObjectId, code: i32, clock: Clock) -> Reaction<Event> {
        let mut reaction = Reaction::default();
        let Some(node) = self.homes.get(&id).copied() else { return reaction };
        let count = self.worker(node, id).map_or(0, |w| w.runs.len());
        for at in 0..count {
            self.on_ended(node, id, at, code, clock, &mut reaction);
        }
        reaction
    }

    /// The containers of a pod die at once, as after `kill -9` (a fault).
    pub fn kill(&mut self, id: ObjectId, clock: Clock) -> Reaction<Event> {
        self.exit(id, 137, clock)
    }
}

/// How long a deleted pod may take to end.
fn grace(worker: &Worker) -> Duration {
    let seconds = worker.pod.meta.deletion.and_then(|d| d.grace).unwrap_or(30);
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}
