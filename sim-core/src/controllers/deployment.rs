//! The deployment controller: which template, how many, and how to get from the old to the new.
//!
//! One sync does one thing, as upstream's does: make the new set, or resize in proportion, or grow the new set, or shrink the
//! old ones, or clean up; and writes the status. Left out: rollback requests of old API versions.
//! The real thing: `pkg/controller/deployment`.

use std::sync::Arc;

use super::rollout::{self, Size};
use super::{Key, Plan, note};
use crate::api::component::{Clock, Write};
use crate::engine::random::Digest;
use crate::engine::time::Duration;
use crate::objects::condition::{self, Condition};
use crate::objects::labels::Labels;
use crate::objects::meta::{Meta, Owner};
use crate::objects::workload::{Deployment, PodTemplate, ReplicaSet, Strategy, WorkloadStatus};
use crate::objects::{KindName, Name, Object};
use crate::store::View;

const HASH: &str = "pod-template-hash";
const REVISION: &str = "deployment.kubernetes.io/revision";
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAXIMUM: &str = "deployment.kubernetes.io/max-replicas";
const SOURCE: &str = "deployment-controller";
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// Looks at one deployment.
pub fn reconcile(view: &View, (namespace, name): &Key, clock: Clock) -> Plan {
    let Some(deployment) = view.deployments.get(namespace, name) else { return Plan::default() };
    let Some(uid) = deployment.meta.uid.as_deref() else { return Plan::default() };
    let mut sets: Vec<Arc<ReplicaSet>> = view
        .dependents(uid)
        .filter_map(|(_, o)| if let Object::ReplicaSet(set) = o { Some(set) } else { None })
        .filter(|set| set.meta.controlled_by(uid))
        .collect();
    sets.sort_by_key(|s| (s.meta.created, s.meta.name.clone()));
    let mut sync = Sync { view, deployment, sets, plan: Plan::default(), clock };
    if !deployment.meta.deleting() {
        sync.act();
    }
    sync.report();
    sync.plan
}

struct Sync<'v> {
    view: &'v View,
    deployment: &'v Arc<Deployment>,
    /// Its sets, oldest first.
    sets: Vec<Arc<ReplicaSet>>,
    plan: Plan,
    clock: Clock,
}

impl Sync<'_> {
    fn act(&mut self) {
        let d = self.deployment;
        let new = self.new_set();
        if d.paused {
            self.resize();
            return;
        }
        if self.is_scaling() {
            self.resize();
            return;
        }
        match d.strategy {
            Strategy::Recreate => self.recreate(new),
            Strategy::RollingUpdate { .. } => self.roll(new),
        }
    }

    /// The set with the deployment's template, apart from the hash label.
    fn new_set(&self) -> Option<usize> {
        let same = |set: &Arc<ReplicaSet>| {
            let mut labels = (*set.template.labels).clone();
            labels.0.remove(HASH);
            labels == *self.deployment.template.labels
                && set.template.annotations == self.deployment.template.annotations
                && set.template.spec.doc == self.deployment.template.spec.doc
        };
        self.sets.iter().position(same)
    }

    fn old_sets(&self, new: Option<usize>) -> Vec<usize> {
        (0..self.sets.len()).filter(|i| Some(*i) != new).collect()
    }

    fn size(&self, at: usize) -> Size {
        let set = &self.sets[at];
        let annotated = set.meta.annotations.get(MAXIMUM).and_then(|t| t.parse().ok()).unwrap_or(0);
        Size { wanted: set.replicas, available: set.status.available, annotated, age: self.sets.len() - at }
    }

    /// Whether the deployment was resized since an active set was last sized.
    fn is_scaling(&self) -> bool {
        self.sets.iter().filter(|s| s.replicas > 0).any(|s| {
            let desired = s.meta.annotations.get(DESIRED).and_then(|t| t.parse::<i64>().ok());
            desired.is_some_and(|n| n != self.deployment.replicas)
        })
    }

    /// Scales all active sets in proportion (or the only one, or none but the newest, straight to size).
    fn resize(&mut self) {
        let active: Vec<usize> = (0..self.sets.len()).filter(|i| self.sets[*i].replicas > 0).collect();
        let replicas = self.deployment.replicas;
        let new = self.new_set();
        if active.len() <= 1 {
            if let Some(at) = active.first().copied().or(new).or(self.sets.len().checked_sub(1)) {
                self.set_size(at, replicas);
            }
            return;
        }
        let saturated = new.is_some_and(|at| self.size(at).wanted == replicas && self.size(at).available == replicas);
        if saturated {
            self.old_sets(new).into_iter().for_each(|at| self.set_size(at, 0));
            return;
        }
        let (surge, _) = rollout::bounds(self.deployment);
        let sizes: Vec<Size> = active.iter().map(|at| self.size(*at)).collect();
        let wanted = rollout::proportional(replicas, surge, &sizes);
        active.into_iter().zip(wanted).for_each(|(at, n)| self.set_size(at, n));
    }

    fn roll(&mut self, new: Option<usize>) {
        let (surge, unavailable) = rollout::bounds(self.deployment);
        let replicas = self.deployment.replicas;
        let total: i64 = self.sets.iter().map(|s| s.replicas).sum();
        let Some(at) = new else {
            self.create_set(rollout::new_size(replicas, surge, 0, total));
            return;
        };
        self.mark_newest(at);
        let wanted = rollout::new_size(replicas, surge, self.sets[at].replicas, total);
        if wanted != self.sets[at].replicas {
            self.set_size(at, wanted);
            return;
        }
        let old = self.old_sets(new);
        let sizes: Vec<Size> = old.iter().map(|i| self.size(*i)).collect();
        let shrunk = rollout::shrunk(replicas, unavailable, self.size(at), &sizes);
        old.iter().zip(shrunk).for_each(|(i, n)| self.set_size(*i, n));
        self.clean_up(at);
    }

    fn recreate(&mut self, new: Option<usize>) {
        let old = self.old_sets(new);
        if old.iter().any(|at| self.sets[*at].replicas > 0) {
            old.into_iter().for_each(|at| self.set_size(at, 0));
            return;
        }
        let remains = |at: &usize| {
            let uid = self.sets[*at].meta.uid.clone().unwrap_or_default();
            self.view.pods_owned(&uid).any(|(_, p)| !p.finished())
        };
        if old.iter().any(remains) {
            return;
        }
        match new {
            None => self.create_set(self.deployment.replicas),
            Some(at) => {
                self.mark_newest(at);
                self.set_size(at, self.deployment.replicas);
                self.clean_up(at);
            }
        }
    }

    fn latest_revision(&self) -> i64 {
        self.sets.iter().map(|s| revision(&s.meta)).max().unwrap_or(0)
    }

    fn create_set(&mut self, size: i64) {
        let d = self.deployment;
        let hash = template_hash(&d.template, d.status.collisions.unwrap_or(0));
        let revision = (self.latest_revision() + 1).to_string();
        let template = d.template.with_label(HASH, &hash);
        let mut meta = Meta::named(&d.meta.namespace, &format!("{}-{hash}", d.meta.name));
        meta.labels = template.labels.clone();
        meta.annotations = Arc::new(self.sized(&d.meta.annotations, &[(REVISION, &revision)]));
        meta.owners = Arc::from([Owner {
            api_version: "apps/v1".into(),
            kind: "Deployment".into(),
            name: d.meta.name.clone(),
            uid: d.meta.uid.clone().unwrap_or_default(),
            controller: Some(true),
            block: Some(true),
        }]);
        let name = meta.name.clone();
        let selector = selector_labels(d).with(HASH, &hash);
        let set = ReplicaSet::from_parts(meta, size, selector, template, d.min_ready);
        self.plan.writes.push(Write::Create(Object::ReplicaSet(Arc::new(set))));
        if size > 0 {
            self.say(format!("Scaled up replica set {name} from 0 to {size}"));
        }
        self.show_revision(&revision);
    }

    /// The deployment carries the revision of its newest set.
    fn show_revision(&mut self, revision: &str) {
        let d = self.deployment;
        if d.meta.annotations.get(REVISION) == Some(revision) {
            return;
        }
        let mut shown = (**d).clone();
        shown.meta.annotations = Arc::new(d.meta.annotations.with(REVISION, revision));
        self.plan.writes.push(Write::Update(Object::Deployment(Arc::new(shown))));
    }

    /// A set that is used again becomes the newest revision.
    fn mark_newest(&mut self, at: usize) {
        let set = self.sets[at].clone();
        let latest = self.latest_revision();
        let own = revision(&set.meta);
        if own < latest {
            let history = set.meta.annotations.get(HISTORY).map_or_else(|| own.to_string(), |h| format!("{h},{own}"));
            let newest = (latest + 1).to_string();
            let mut marked = (*set).clone();
            marked.meta.annotations = Arc::new(set.meta.annotations.with(REVISION, &newest).with(HISTORY, &history));
            self.sets[at] = Arc::new(marked.clone());
            self.plan.writes.push(Write::Update(Object::ReplicaSet(Arc::new(marked))));
            self.show_revision(&newest);
        } else {
            self.show_revision(&own.to_string());
        }
    }

    /// Annotations with the deployment's size; what kubectl keeps on the deployment is not copied.
    fn sized(&self, from: &Labels, more: &[(&str, &str)]) -> Labels {
        let d = self.deployment;
        let (surge, _) = rollout::bounds(d);
        let mut labels = from.clone();
        labels.0.remove("kubectl.kubernetes.io/last-applied-configuration");
        let mut labels = labels.with(DESIRED, &d.replicas.to_string()).with(MAXIMUM, &(d.replicas + surge).to_string());
        for (key, value) in more {
            labels = labels.with(key, value);
        }
        labels
    }

    fn set_size(&mut self, at: usize, size: i64) {
        let set = self.sets[at].clone();
        let own_revision = set.meta.annotations.get(REVISION).unwrap_or("1").to_string();
        let annotations = self.sized(&set.meta.annotations, &[(REVISION, &own_revision)]);
        if set.replicas == size && (size == 0 || annotations == *set.meta.annotations) {
            return;
        }
        let mut sized = (*set).clone();
        sized.replicas = size;
        sized.meta.annotations = Arc::new(annotations);
        // A set that was just marked in this sync is written once.
        self.plan.writes.retain(|w| !matches!(w, Write::Update(Object::ReplicaSet(s)) if s.meta.uid == set.meta.uid));
        self.plan.writes.push(Write::Update(Object::ReplicaSet(Arc::new(sized))));
        if size != set.replicas {
            let way = if size > set.replicas { "up" } else { "down" };
            self.say(format!("Scaled {way} replica set {} from {} to {size}", set.meta.name, set.replicas));
        }
    }

    fn say(&mut self, message: String) {
        let about = Object::Deployment(self.deployment.clone());
        self.plan.writes.push(note(&about, false, "ScalingReplicaSet", message, SOURCE));
    }

    /// After a complete rollout the oldest empty sets beyond the limit are deleted.
    fn clean_up(&mut self, new: usize) {
        if !complete(self.deployment) {
            return;
        }
        let empty = |s: &Arc<ReplicaSet>| s.replicas == 0 && s.status.replicas == 0 && !s.meta.deleting();
        let old: Vec<Arc<ReplicaSet>> =
            self.old_sets(Some(new)).into_iter().map(|at| self.sets[at].clone()).filter(empty).collect();
        let limit = usize::try_from(self.deployment.history_limit).unwrap_or(usize::MAX);
        for set in old.iter().take(old.len().saturating_sub(limit)) {
            self.plan.writes.push(Write::Delete {
                kind: KindName { group: "apps".into(), kind: "ReplicaSet".into() },
                namespace: set.meta.namespace.clone(),
                name: set.meta.name.clone(),
                uid: set.meta.uid.clone(),
                grace: None,
                propagation: None,
            });
        }
    }

    fn report(&mut self) {
        let d = self.deployment;
        let new = self.new_set();
        let sum = |of: fn(&WorkloadStatus) -> i64| self.sets.iter().map(|s| of(&s.status)).sum::<i64>();
        let (replicas, available) = (sum(|s| s.replicas), sum(|s| s.available));
        let mut status = WorkloadStatus {
            observed: d.meta.generation.unwrap_or(0),
            replicas,
            updated: new.map_or(0, |at| self.sets[at].status.replicas),
            ready: sum(|s| s.ready),
            available,
            unavailable: (self.sets.iter().map(|s| s.replicas).sum::<i64>() - available).max(0),
            collisions: d.status.collisions,
            conditions: d.status.conditions.clone(),
        };
        self.judge(&mut status, new);
        if status != d.status {
            let mut shown = (**d).clone();
            shown.status = status;
            // The annotation may be on its way as well; a status write does not collide with it.
            self.plan.writes.push(Write::Status { object: Object::Deployment(Arc::new(shown)), checked: false });
        }
    }

    /// The conditions Available and Progressing.
    fn judge(&mut self, status: &mut WorkloadStatus, new: Option<usize>) {
        let d = self.deployment;
        let now = self.clock.timestamp();
        let (_, unavailable) = rollout::bounds(d);
        let enough = status.available >= d.replicas - unavailable;
        let (truth, reason, text) = match enough {
            true => ("True", "MinimumReplicasAvailable", "Deployment has minimum availability."),
            false => ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability."),
        };
        put(status, Condition::new("Available", truth, reason, text, now));
        let set = new.map(|at| self.sets[at].meta.name.clone());
        let known = condition::find(&d.status.conditions, "Progressing").cloned();
        let done = known.as_ref().is_some_and(|c| &*c.reason == "NewReplicaSetAvailable");
        let finished = status.updated == d.replicas && status.replicas == d.replicas && status.available == d.replicas;
        let old = &d.status;
        let moved = status.updated > old.updated
            || status.replicas - status.updated < old.replicas - old.updated
            || status.ready > old.ready
            || status.available > old.available;
        match set {
            _ if d.paused => {
                put(status, Condition::new("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused", now))
            }
            Some(set) if finished => {
                let text = format!("ReplicaSet \"{set}\" has successfully progressed.");
                put(status, Condition::new("Progressing", "True", "NewReplicaSetAvailable", &text, now));
            }
            Some(_) if done && d.meta.generation == Some(old.observed) => {}
            Some(set) if moved || known.is_none() || done => {
                let text = format!("ReplicaSet \"{set}\" is progressing.");
                put(status, Condition::new("Progressing", "True", "ReplicaSetUpdated", &text, now));
            }
            Some(set) => self.check_deadline(status, &set),
            None => {
                let hash = template_hash(&d.template, d.status.collisions.unwrap_or(0));
                let text = format!("Created new replica set \"{}-{hash}\"", d.meta.name);
                put(status, Condition::new("Progressing", "True", "NewReplicaSetCreated", &text, now));
            }
        }
    }

    /// No progress for the deadline: reported, and that is all.
    fn check_deadline(&mut self, status: &mut WorkloadStatus, set: &Name) {
        let Some(progress) = condition::find(&status.conditions, "Progressing").filter(|c| c.is_true()) else { return };
        let since = progress.touched.or(progress.transition).unwrap_or_default();
        let deadline = Duration::from_secs(u64::try_from(self.deployment.deadline).unwrap_or(u64::MAX));
        let age = Duration::from_nanos(u64::try_from(self.clock.timestamp().nanos_since(since)).unwrap_or(0));
        if age > deadline {
            let text = format!("ReplicaSet \"{set}\" has timed out progressing.");
            put(status, Condition::new("Progressing", "False", "ProgressDeadlineExceeded", &text, self.clock.timestamp()));
        } else {
            self.plan.again = Some(deadline - age + Duration::from_secs(1));
        }
    }
}

/// Puts a condition with its `lastUpdateTime`; one that says the same keeps its stamps, unless it is progress.
fn put(status: &mut WorkloadStatus, mut condition: Condition) {
    let old = condition::find(&status.conditions, &condition.kind);
    let same =
        old.is_some_and(|o| (&o.status, &o.reason, &o.message) == (&condition.status, &condition.reason, &condition.message));
    if same && &*condition.reason != "ReplicaSetUpdated" {
        return;
    }
    condition.touched = condition.transition;
    condition::upsert(&mut status.conditions, condition);
}

fn complete(d: &Deployment) -> bool {
    let s = &d.status;
    s.updated == d.replicas
        && s.replicas == d.replicas
        && s.available == d.replicas
        && s.observed >= d.meta.generation.unwrap_or(0)
}

fn revision(meta: &Meta) -> i64 {
    meta.annotations.get(REVISION).and_then(|t| t.parse().ok()).unwrap_or(0)
}

/// The labels of `spec.selector.matchLabels`.
fn selector_labels(d: &Deployment) -> Labels {
    Labels::parse(crate::objects::json::At::top(&d.doc).at("spec").at("selector").at("matchLabels"))
}

/// The hash of a template, in the letters of generated names: ten at most.
fn template_hash(template: &PodTemplate, collisions: i64) -> String {
    let digest = Digest::of(&(template.doc.to_string(), collisions));
    let number = (digest >> 32) as u32 ^ digest as u32;
    number.to_string().bytes().map(|b| char::from(LETTERS[usize::from(b) % LETTERS.len()])).collect()
}
