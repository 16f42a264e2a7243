//! The deployment controller: which template, how many, and how to get from the old to the new.
//!
//! One sync does one thing, as upstream's does: make the new set, or resize in proportion, or grow the new set, or shrink the
//! old ones, or clean up; and writes the status. Left out: rollback requests of old API versions.
//! The real thing: `pkg/controller/deployment`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::controller::{Controller, Look};
use super::deployment_status::{self as status, Newest};
use super::rollout::{self, Size};
use super::work_queue::Retry;
use super::{Key, Plan, Step, Tail, meta_key, owner_key, said};
use crate::api::component::{Clock, Note, Write};
use crate::api::status::Status;
use crate::engine::digest::{Digestible, StateDigest};
use crate::engine::time::Duration;
use crate::objects::json::{At, set as set_json};
use crate::objects::labels::{Labels, Selector};
use crate::objects::meta::{Meta, Owner};
use crate::objects::workload::{Deployment, PodTemplate, ReplicaSet, Strategy};
use crate::objects::{Name, Object};
use crate::store::{Change, View};

/// The deployment controller.
#[derive(Clone, Debug, Default)]
pub struct DeploymentController;

impl Controller for DeploymentController {
    fn watches(&self, object: &Object, change: &Change) -> bool {
        match object {
            Object::Deployment(_) | Object::ReplicaSet(_) => true,
            // Recreate waits for the old pods to be gone.
            Object::Pod(_) => change.after.is_none(),
            _ => false,
        }
    }

    fn keys_of(&mut self, view: &View, change: &Change) -> Vec<Key> {
        let objects = [change.before.as_ref(), change.after.as_ref()];
        objects.into_iter().flatten().filter_map(|object| deployment_of(view, object)).collect()
    }

    fn all_keys(&mut self, view: &View) -> Vec<Key> {
        view.deployments.iter().map(|d| meta_key(&d.meta)).collect()
    }

    fn reconcile(&mut self, look: Look<'_>) -> Plan {
        reconcile(look.view, look.key, look.failure, look.clock)
    }

    fn retry(&self) -> Retry {
        Retry { tries_max: 15, ..Retry::USUAL }
    }
}

impl Digestible for DeploymentController {
    fn digest(&self, _: &mut StateDigest) {
        let DeploymentController = self;
    }
}

/// The deployment that an object belongs to: itself, the managing owner of a set or of a pod's set, or the one that selects a set
/// without an owner.
fn deployment_of(view: &View, object: &Object) -> Option<Key> {
    match object {
        Object::Deployment(deployment) => Some(meta_key(&deployment.meta)),
        Object::ReplicaSet(set) if set.meta.controller().is_none() => {
            let matching = |d: &&Arc<Deployment>| d.selector.matches(&set.meta.labels);
            view.deployments.in_namespace(&set.meta.namespace).find(matching).map(|d| meta_key(&d.meta))
        }
        Object::Pod(pod) => {
            let set = view.replica_sets.get(&pod.meta.namespace, &pod.meta.controller()?.name)?;
            Some((set.meta.namespace.clone(), set.meta.controller()?.name.clone()))
        }
        object => owner_key(object, "Deployment"),
    }
}

const HASH: &str = "pod-template-hash";
const REVISION: &str = "deployment.kubernetes.io/revision";
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
const MAXIMUM: &str = "deployment.kubernetes.io/max-replicas";
const SOURCE: &str = "deployment-controller";
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// Looks at one deployment; `failure` is what became of its last plan, if that failed.
pub fn reconcile(view: &View, (namespace, name): &Key, failure: Option<&Status>, clock: Clock) -> Plan {
    let Some(deployment) = view.deployments.get(namespace, name) else { return Plan::default() };
    let Some(uid) = deployment.meta.uid.as_deref() else { return Plan::default() };
    let mut sets: Vec<Arc<ReplicaSet>> = view
        .dependents(uid)
        .filter_map(|(_, o)| if let Object::ReplicaSet(set) = o { Some(set) } else { None })
        .filter(|set| set.meta.controlled_by(uid))
        .collect();
    sets.sort_by_key(|s| (s.meta.created, s.meta.name.clone()));
    let mut plan = Plan::default();
    if deployment.meta.deleting() {
        plan.then(status::report(deployment, &sets, None, failure, clock, &mut None));
        return plan;
    }
    let claims = claims(view, deployment, &sets);
    if !claims.is_empty() {
        plan.extend(claims);
        return plan;
    }
    let mut sync = Sync {
        view,
        deployment,
        sets,
        touched: BTreeMap::new(),
        created: None,
        revision: None,
        deleted: Vec::new(),
        collided: false,
    };
    sync.act();
    sync.into_plan(failure, clock)
}

/// One look at a deployment: what it does to its sets.
struct Sync<'v> {
    view: &'v View,
    deployment: &'v Arc<Deployment>,
    /// Its sets, oldest first, as they are to be.
    sets: Vec<Arc<ReplicaSet>>,
    /// The sets that change, each with what is said about it.
    touched: BTreeMap<usize, Option<Note>>,
    /// A new set.
    created: Option<Step>,
    /// The revision the deployment is to show.
    revision: Option<String>,
    /// Sets beyond the history limit.
    deleted: Vec<Write>,
    /// Another set has the name of the new one.
    collided: bool,
}

impl Sync<'_> {
    fn act(&mut self) {
        let new = self.new_set();
        if self.deployment.paused || self.is_scaling() {
            self.resize();
            return;
        }
        match self.deployment.strategy {
            Strategy::Recreate => self.recreate(new),
            Strategy::RollingUpdate { .. } => self.roll(new),
        }
    }

    /// The writes, in the order upstream makes them; each waits for the one before.
    fn into_plan(self, failure: Option<&Status>, clock: Clock) -> Plan {
        let mut plan = Plan::default();
        if self.collided {
            let mut counted = (**self.deployment).clone();
            counted.status.collisions = Some(counted.status.collisions.unwrap_or(0) + 1);
            plan.then([Write::Status { object: Object::Deployment(Arc::new(counted)), checked: false }]);
            return plan;
        }
        let name = self.created.as_ref().and_then(|step| match &step.write {
            Write::Create(object) => Some(object.meta().name.clone()),
            _ => None,
        });
        // A set that cannot be created: the deployment's status tells why before it is tried again.
        if failure.is_some() {
            plan.then(self.report(name.clone(), failure, clock, &mut None));
        }
        plan.then(self.created.clone());
        for (at, said) in &self.touched {
            let step = Step::from(Write::Update(Object::ReplicaSet(self.sets[*at].clone())));
            plan.then([said.clone().map_or(step.clone(), |said| step.done(said, Tail::Nothing))]);
        }
        if let Some(revision) = self.revision.as_deref().filter(|r| self.deployment.meta.annotations.get(REVISION) != Some(*r)) {
            let mut shown = (**self.deployment).clone();
            shown.meta.annotations = Arc::new(shown.meta.annotations.with(REVISION, revision));
            plan.then([Write::Update(Object::Deployment(Arc::new(shown)))]);
        }
        plan.then(self.deleted.clone());
        let mut again = None;
        let status = self.report(name, failure, clock, &mut again);
        if failure.is_none() {
            plan.then(status);
        }
        plan.again = again;
        plan
    }

    fn report(
        &self,
        created: Option<Name>,
        failure: Option<&Status>,
        clock: Clock,
        again: &mut Option<Duration>,
    ) -> Option<Step> {
        let newest = match created {
            Some(name) => Some(Newest::Created(name)),
            None => self.new_set().map(|at| Newest::Stands(self.sets[at].clone())),
        };
        status::report(self.deployment, &self.sets, newest, failure, clock, again)
    }

    /// The set with the deployment's template, apart from the hash label.
    fn new_set(&self) -> Option<usize> {
        self.sets.iter().position(|set| same_template(&set.template, &self.deployment.template))
    }

    fn old_sets(&self, new: Option<usize>) -> Vec<usize> {
        (0..self.sets.len()).filter(|i| Some(*i) != new).collect()
    }

    fn size(&self, at: usize) -> Size {
        let set = &self.sets[at];
        let annotated = set.meta.annotations.get(MAXIMUM).and_then(|t| t.parse().ok()).filter(|n| *n != 0);
        let annotated = annotated.unwrap_or(self.deployment.status.replicas);
        Size { wanted: set.replicas, available: set.status.available, annotated, age: at }
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
            self.create_set(rollout::target(self.deployment, 0, total));
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
        // What the old sets report counts as well as what is seen: either may be behind.
        let remains = |at: &usize| {
            let uid = self.sets[*at].meta.uid.clone().unwrap_or_default();
            self.sets[*at].status.replicas > 0 || self.view.pods_owned(&uid).any(|(_, p)| !p.finished())
        };
        if old.iter().any(remains) {
            return;
        }
        let total: i64 = self.sets.iter().map(|s| s.replicas).sum();
        match new {
            None => self.create_set(rollout::target(self.deployment, 0, total)),
            Some(at) => {
                self.mark_newest(at);
                self.set_size(at, rollout::target(self.deployment, self.sets[at].replicas, total));
                self.clean_up(at);
            }
        }
    }

    fn create_set(&mut self, size: i64) {
        let d = self.deployment;
        let hash = template_hash(&d.template, d.status.collisions);
        let latest = self.sets.iter().map(|s| revision(&s.meta)).max().unwrap_or(0);
        let revision = (latest + 1).to_string();
        let template = d.template.with_label(HASH, &hash);
        let mut meta = Meta::named(&d.meta.namespace, &format!("{}-{hash}", d.meta.name));
        // What upstream learns from a refusal is in the photograph: the next hash is made with a larger count.
        self.collided = self.view.replica_sets.get(&meta.namespace, &meta.name).is_some();
        if self.collided {
            return;
        }
        meta.labels = template.labels.clone();
        let annotations = Labels(copied(&d.meta.annotations).collect()).with(REVISION, &revision);
        meta.annotations = Arc::new(self.sized(&annotations));
        meta.owners = Arc::from([owner_of(d)]);
        let name = meta.name.clone();
        let mut set = ReplicaSet::from_parts(meta, size, Labels::default(), template, d.min_ready);
        let mut selector = At::top(&d.doc).at("spec").at("selector").0.cloned().unwrap_or_default();
        set_json(&mut selector, &["matchLabels", HASH], &*hash);
        set.selector = Selector::parse(At::top(&selector));
        set_json(Arc::make_mut(&mut set.doc), &["spec", "selector"], selector);
        let step = Step::from(Write::Create(Object::ReplicaSet(Arc::new(set))));
        let refused = format!("Failed to create new replica set \"{name}\": ");
        let step = step.failed(said(&Object::Deployment(d.clone()), true, "ReplicaSetCreateError", refused, SOURCE));
        let grown = self.grown(&name, 0, size);
        self.created = Some(if size > 0 { step.done(grown, Tail::Nothing) } else { step });
        self.revision = Some(revision);
    }

    /// A set that is used again becomes the newest revision; what the deployment is annotated with, its newest set is too.
    fn mark_newest(&mut self, at: usize) {
        let set = self.sets[at].clone();
        let others = self.sets.iter().enumerate().filter(|(i, _)| *i != at);
        let newest = others.map(|(_, s)| revision(&s.meta)).max().unwrap_or(0) + 1;
        let own = revision(&set.meta);
        let mut annotations = (*set.meta.annotations).clone();
        annotations.0.extend(copied(&self.deployment.meta.annotations));
        if own < newest {
            if own > 0 {
                let history = annotations.get(HISTORY).map_or_else(|| own.to_string(), |h| format!("{h},{own}"));
                annotations = annotations.with(HISTORY, &history);
            }
            annotations = annotations.with(REVISION, &newest.to_string());
        }
        self.revision = annotations.get(REVISION).map(str::to_string);
        if annotations != *set.meta.annotations || set.min_ready != self.deployment.min_ready {
            let mut marked = (*set).clone();
            marked.meta.annotations = Arc::new(annotations);
            if marked.min_ready != self.deployment.min_ready {
                marked.min_ready = self.deployment.min_ready;
                set_json(Arc::make_mut(&mut marked.doc), &["spec", "minReadySeconds"], marked.min_ready);
            }
            self.sets[at] = Arc::new(marked);
            self.touched.entry(at).or_default();
        }
    }

    /// Annotations with the deployment's size.
    fn sized(&self, from: &Labels) -> Labels {
        let d = self.deployment;
        let (surge, _) = rollout::bounds(d);
        from.with(DESIRED, &d.replicas.to_string()).with(MAXIMUM, &(d.replicas + surge).to_string())
    }

    fn set_size(&mut self, at: usize, size: i64) {
        let set = self.sets[at].clone();
        let annotations = self.sized(&set.meta.annotations);
        if set.replicas == size && (size == 0 || annotations == *set.meta.annotations) {
            return;
        }
        let mut sized = (*set).clone();
        sized.replicas = size;
        sized.meta.annotations = Arc::new(annotations);
        self.sets[at] = Arc::new(sized);
        let said = (size != set.replicas).then(|| self.grown(&set.meta.name, set.replicas, size));
        self.touched.insert(at, said);
    }

    fn grown(&self, set: &str, from: i64, to: i64) -> Note {
        let way = if to > from { "up" } else { "down" };
        let message = format!("Scaled {way} replica set {set} from {from} to {to}");
        said(&Object::Deployment(self.deployment.clone()), false, "ScalingReplicaSet", message, SOURCE)
    }

    /// After a complete rollout the oldest empty sets beyond the limit are deleted.
    fn clean_up(&mut self, new: usize) {
        if !status::complete(self.deployment, &self.deployment.status) {
            return;
        }
        let old: Vec<Arc<ReplicaSet>> = self.old_sets(Some(new)).into_iter().map(|at| self.sets[at].clone()).collect();
        for set in beyond_limit(old, self.deployment.history_limit) {
            self.deleted.push(Write::delete(&Object::ReplicaSet(set), None, None));
        }
    }
}

fn owner_of(deployment: &Deployment) -> Owner {
    Owner {
        api_version: "apps/v1".into(),
        kind: "Deployment".into(),
        name: deployment.meta.name.clone(),
        uid: deployment.meta.uid.clone().unwrap_or_default(),
        controller: Some(true),
        block: Some(true),
    }
}

/// Sets without owner that match are taken in; own ones whose labels no longer match are let go. Others are looked for only where
/// the spec is new or all is at rest, so that a rollout does not look through a namespace at each of its steps.
fn claims(view: &View, deployment: &Deployment, own: &[Arc<ReplicaSet>]) -> Vec<Write> {
    let matches = |set: &Arc<ReplicaSet>| deployment.selector.matches(&set.meta.labels);
    let update = |set: &Arc<ReplicaSet>, owners: Arc<[Owner]>| {
        let mut claimed = (**set).clone();
        claimed.meta.owners = owners;
        Write::Update(Object::ReplicaSet(Arc::new(claimed)))
    };
    let others =
        |set: &Arc<ReplicaSet>| set.meta.owners.iter().filter(|o| o.controller != Some(true)).cloned().collect::<Vec<_>>();
    let strays = own.iter().filter(|set| !matches(set) && !set.meta.deleting());
    let mut claims: Vec<Write> = strays.map(|set| update(set, others(set).into())).collect();
    let new_spec = deployment.status.observed < deployment.meta.generation.unwrap_or(0);
    if (new_spec || status::complete(deployment, &deployment.status)) && !deployment.selector.requirements.is_empty() {
        let orphan = |set: &&Arc<ReplicaSet>| set.meta.controller().is_none() && matches(set) && !set.meta.deleting();
        let mut orphans: Vec<&Arc<ReplicaSet>> = view.lone_sets(&deployment.meta.namespace).filter(orphan).collect();
        orphans.sort_unstable_by(|a, b| a.meta.name.cmp(&b.meta.name));
        claims
            .extend(orphans.into_iter().map(|set| update(set, others(set).into_iter().chain([owner_of(deployment)]).collect())));
    }
    claims
}

/// Of the old sets beyond the limit, by revision, those that are empty. Sets in use count against the limit, but stay.
pub(super) fn beyond_limit(mut old: Vec<Arc<ReplicaSet>>, limit: i64) -> impl Iterator<Item = Arc<ReplicaSet>> {
    old.retain(|s| !s.meta.deleting());
    old.sort_by_key(|s| revision(&s.meta));
    let surplus = old.len().saturating_sub(usize::try_from(limit).unwrap_or(usize::MAX));
    let empty =
        |s: &Arc<ReplicaSet>| s.replicas == 0 && s.status.replicas == 0 && s.status.observed >= s.meta.generation.unwrap_or(0);
    old.into_iter().take(surplus).filter(empty)
}

fn revision(meta: &Meta) -> i64 {
    meta.annotations.get(REVISION).and_then(|t| t.parse().ok()).unwrap_or(0)
}

/// What of a deployment's annotations its sets carry too.
fn copied(annotations: &Labels) -> impl Iterator<Item = (Name, Name)> + '_ {
    let own = [APPLIED, REVISION, HISTORY, DESIRED, MAXIMUM, "deprecated.deployment.rollback.to"];
    annotations.0.iter().filter(move |(k, _)| !own.contains(&&***k)).map(|(k, v)| (k.clone(), v.clone()))
}

/// Whether two templates are equal apart from the hash label.
fn same_template(a: &PodTemplate, b: &PodTemplate) -> bool {
    let labels = |t: &PodTemplate| {
        let mut labels = (*t.labels).clone();
        labels.0.remove(HASH);
        labels
    };
    (Arc::ptr_eq(&a.spec, &b.spec) || a.spec.doc == b.spec.doc) && a.annotations == b.annotations && labels(a) == labels(b)
}

/// The hash of a template: 32-bit FNV-1a, its decimal digits in the letters of generated names.
fn template_hash(template: &PodTemplate, collisions: Option<i64>) -> String {
    let text = format!("{}{}", template.doc, collisions.map(|n| n.to_string()).unwrap_or_default());
    let hash = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash.to_string().bytes().map(|b| char::from(LETTERS[usize::from(b) % LETTERS.len()])).collect()
}
