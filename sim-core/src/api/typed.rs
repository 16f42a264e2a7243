//! Writes of components: typed changes to records, without a document in between.
//!
//! The refusals are those of the document path. A pod made from a template is admitted once per template, so that all its pods
//! share one spec. The real thing: the same server; its clients encode and decode.

use std::sync::Arc;

use super::component::{Clock, Write};
use super::document::put;
use super::kinds;
use super::removal::Wish;
use super::server::{ApiServer, Target};
use super::status::Status;
use super::{admit, defaults};
use crate::engine::digest::{Digestible, StateDigest};
use crate::objects::condition::{self, Condition};
use crate::objects::pod::{Phase, Pod};
use crate::objects::pod_spec::PodSpec;
use crate::objects::{KindName, Name, Object};
use crate::store::{ObjectId, Store};

/// How many templates' completed specs are remembered.
const ADMITTED_MAX: usize = 20_000;
const STALE: &str = "the object has been modified; please apply your changes to the latest version and try again";

/// A template's spec before and after admission.
#[derive(Clone, Debug)]
pub(super) struct Admitted {
    before: Arc<PodSpec>,
    after: Arc<PodSpec>,
    qos: Name,
}

impl ApiServer {
    /// Carries out one write of a component. What comes back is the object as stored, or as it was when it was removed.
    pub fn write(&mut self, store: &mut Store, write: Write, clock: Clock) -> Result<Object, Status> {
        match write {
            Write::Create(object) => self.create_record(store, object, clock),
            Write::Update(object) => self.update_record(store, object, clock),
            Write::Status { object, checked } => self.status_record(store, object, checked, clock),
            Write::Bind { namespace, name, uid, node } => self.bind(store, &namespace, &name, uid.as_deref(), &node, clock),
            Write::Delete { kind, namespace, name, uid, grace, propagation } => {
                let (id, mut object) = find(store, &kind, &namespace, &name)?;
                self.end(store, id, object.clone(), Wish { grace, propagation, uid: uid.as_deref() }, clock)?;
                // The sender wants to know from which revision on its view shows the deletion.
                object.meta_mut().revision = store.revision();
                Ok(store.head().object(id).unwrap_or(object))
            }
            Write::Note(note) => Ok(self.note(store, note, clock)),
        }
    }

    fn create_record(&mut self, store: &mut Store, mut object: Object, clock: Clock) -> Result<Object, Status> {
        let kind = object.kind_name();
        if object.meta().name.is_empty() {
            let base = object.meta().generate_name.clone().unwrap_or_default();
            object.meta_mut().name = self.generated_name(&base, clock);
        }
        let (namespace, name) = (object.meta().namespace.clone(), object.meta().name.clone());
        let target = target(&kind);
        self.check_namespace(store, &target, &namespace, &name)?;
        if store.head().find(&kind, &namespace, &name).is_some() {
            return Err(Status::already_exists(&target.plural, &kind.group, &name));
        }
        let uid = self.new_uid(clock);
        let counts = matches!(object, Object::Deployment(_) | Object::ReplicaSet(_) | Object::EndpointSlice(_));
        let meta = object.meta_mut();
        meta.uid = Some(uid);
        meta.created = Some(clock.timestamp().whole_seconds());
        meta.generation = counts.then_some(1);
        if let Object::Pod(pod) = &mut object {
            self.admit(Arc::make_mut(pod), clock);
        }
        Ok(store.insert(object, clock.now).1)
    }

    /// Completes a pod made from a template, and begins its status.
    fn admit(&mut self, pod: &mut Pod, clock: Clock) {
        let owner = pod.meta.controller().map(|o| o.uid.clone()).unwrap_or_default();
        let known = self.admitted.get(&owner).filter(|a| Arc::ptr_eq(&a.before, &pod.spec)).cloned();
        let admitted = known.unwrap_or_else(|| {
            let mut doc = serde_json::json!({"spec": (*pod.spec.doc).clone(), "metadata": {}});
            if !pod.meta.annotations.is_empty() {
                put(&mut doc, "/metadata/annotations", pod.meta.annotations.to_json());
            }
            let suffix = self.new_suffix(clock);
            // A template lacks the defaults that only pods have.
            if let Some(row) = kinds::of("v1", "Pod") {
                defaults::set(row, &mut doc);
            }
            admit::admit_pod(&mut doc, &suffix);
            let qos = super::strategy::qos_class(&doc).into();
            let after = Arc::new(PodSpec::parse(Arc::new(doc["spec"].take())));
            let admitted = Admitted { before: pod.spec.clone(), after, qos };
            if self.admitted.len() >= ADMITTED_MAX {
                self.admitted.clear();
            }
            self.admitted.insert(owner, admitted.clone());
            admitted
        });
        pod.spec = admitted.after;
        let status = Arc::make_mut(&mut pod.status);
        (status.phase, status.qos) = (Phase::Pending, Some(admitted.qos));
    }

    fn update_record(&mut self, store: &mut Store, mut object: Object, clock: Clock) -> Result<Object, Status> {
        let (id, current) = find_same(store, &object)?;
        check_revision(&object, &current)?;
        if object == current {
            return Ok(current);
        }
        if spec_changed(&current, &object) {
            let meta = object.meta_mut();
            meta.generation = meta.generation.map(|g| g + 1);
        }
        Ok(self.settle(store, id, current, object, clock))
    }

    fn status_record(&mut self, store: &mut Store, object: Object, checked: bool, clock: Clock) -> Result<Object, Status> {
        let (id, current) = find_same(store, &object)?;
        if checked {
            check_revision(&object, &current)?;
        }
        let mut after = current.clone();
        lay_status(&mut after, object);
        Ok(if after == current { current } else { self.settle(store, id, current, after, clock) })
    }

    /// Gives a pod its node.
    pub(super) fn bind(
        &mut self,
        store: &mut Store,
        namespace: &str,
        name: &str,
        uid: Option<&str>,
        node: &Name,
        clock: Clock,
    ) -> Result<Object, Status> {
        let kind = KindName { group: "".into(), kind: "Pod".into() };
        let (id, object) = find(store, &kind, namespace, name)?;
        let Object::Pod(pod) = &object else { return Err(Status::not_found("pods", "", name)) };
        if uid.is_some() && uid != pod.meta.uid.as_deref() {
            return Err(Status::not_found("pods", "", name));
        }
        if let Some(bound) = &pod.node {
            let why = format!("pod {name} is already assigned to node \"{bound}\"");
            return Err(Status::conflict("pods/binding", "", name, &why));
        }
        if pod.meta.deleting() {
            return Err(Status::conflict(
                "pods/binding",
                "",
                name,
                &format!("pod {name} is being deleted, cannot be assigned to a host"),
            ));
        }
        let mut bound = (**pod).clone();
        bound.node = Some(node.clone());
        let scheduled = Condition::new("PodScheduled", "True", "", "", clock.timestamp());
        condition::upsert(&mut Arc::make_mut(&mut bound.status).conditions, scheduled);
        let after = Object::Pod(Arc::new(bound));
        Ok(store.replace(id, object, after, clock.now))
    }
}

/// Whether the spec differs, as far as components change specs.
fn spec_changed(before: &Object, after: &Object) -> bool {
    match (before, after) {
        (Object::Deployment(a), Object::Deployment(b)) => a.doc != b.doc || a.replicas != b.replicas,
        (Object::ReplicaSet(a), Object::ReplicaSet(b)) => a.replicas != b.replicas,
        (Object::EndpointSlice(a), Object::EndpointSlice(b)) => (&a.ports, &a.endpoints) != (&b.ports, &b.endpoints),
        _ => false,
    }
}

/// Puts the status of `from` into `object`.
fn lay_status(object: &mut Object, from: Object) {
    match (object, from) {
        (Object::Pod(object), Object::Pod(from)) => Arc::make_mut(object).status = from.status.clone(),
        (Object::Deployment(object), Object::Deployment(from)) => Arc::make_mut(object).status = from.status.clone(),
        (Object::ReplicaSet(object), Object::ReplicaSet(from)) => Arc::make_mut(object).status = from.status.clone(),
        (Object::Service(object), Object::Service(from)) => Arc::make_mut(object).ingress = from.ingress.clone(),
        (Object::Node(object), Object::Node(from)) => {
            let node = Arc::make_mut(object);
            (node.conditions, node.addresses) = (from.conditions.clone(), from.addresses.clone());
        }
        _ => {}
    }
}

fn target(kind: &KindName) -> Target {
    let row = kinds::KINDS.iter().find(|k| *k.group == *kind.group && *k.kind == *kind.kind);
    Target {
        row,
        name: kind.clone(),
        plural: row.map_or_else(|| kinds::guess_plural(&kind.kind), |k| k.plural.into()),
        namespaced: row.is_none_or(|k| k.namespaced),
    }
}

fn find(store: &Store, kind: &KindName, namespace: &str, name: &str) -> Result<(ObjectId, Object), Status> {
    store.head().find(kind, namespace, name).ok_or_else(|| target(kind).not_found(name))
}

/// The stored object of that name, if it is the same one by uid.
fn find_same(store: &Store, object: &Object) -> Result<(ObjectId, Object), Status> {
    if let Some(found) = store.head().current(object) {
        return Ok(found);
    }
    let kind = object.kind_name();
    let (id, current) = find(store, &kind, &object.meta().namespace, &object.meta().name)?;
    if current.meta().uid == object.meta().uid { Ok((id, current)) } else { Err(target(&kind).not_found(&object.meta().name)) }
}

fn check_revision(object: &Object, current: &Object) -> Result<(), Status> {
    if object.meta().revision == current.meta().revision {
        return Ok(());
    }
    let kind = object.kind_name();
    Err(Status::conflict(&target(&kind).plural, &kind.group, &object.meta().name, STALE))
}

impl Digestible for Admitted {
    fn digest(&self, into: &mut StateDigest) {
        let Admitted { before, after, qos } = self;
        into.shared(before);
        into.shared(after);
        into.fold(qos);
    }
}
