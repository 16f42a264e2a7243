//! The garbage collector: dependents follow their owners.
//!
//! Background: the owner is gone, its dependents are deleted. Foreground: the owner waits, with a finalizer, for dependents that
//! block it. Orphan: dependents lose the reference and stay. Keys are uids of owners. Left out: cross-namespace references.
//! The real thing: `pkg/controller/garbagecollector`.

use std::collections::BTreeSet;

use super::{Key, Plan};
use crate::api::component::Write;
use crate::api::request::Propagation;
use crate::objects::{Name, Object};
use crate::store::{Change, View};

/// Owners that a change may have taken away, or that wait for their dependents.
pub fn keys_of(change: &Change) -> Vec<Key> {
    let Some(object) = change.after.as_ref().or(change.before.as_ref()) else { return Vec::new() };
    let own = object.meta().uid.clone();
    let owners = object.meta().owners.iter().map(|o| o.uid.clone());
    own.into_iter().chain(owners).map(|uid| (uid, Name::default())).collect()
}

/// All owners that dependents name.
pub fn all_keys(view: &View) -> Vec<Key> {
    let pods = view.pods.iter().flat_map(|p| p.meta.owners.iter());
    let sets = view.replica_sets.iter().flat_map(|s| s.meta.owners.iter());
    let uids: BTreeSet<Name> = pods.chain(sets).map(|o| o.uid.clone()).collect();
    uids.into_iter().map(|uid| (uid, Name::default())).collect()
}

/// Looks at one owner.
pub fn reconcile(view: &View, (uid, _): &Key) -> Plan {
    let mut plan = Plan::default();
    let dependents: Vec<Object> = view.dependents(uid).map(|(_, object)| object).collect();
    let Some(owner) = owner(view, uid, &dependents) else {
        let orphaned = dependents.iter().filter(|d| d.meta().owners.iter().all(|o| !exists(view, d, &o.uid, &o.kind, &o.name)));
        plan.extend(orphaned.filter(|d| !d.meta().deleting()).map(|d| delete(d, Propagation::Background)));
        return plan;
    };
    let has = |finalizer: &str| owner.meta().finalizers.iter().any(|f| &**f == finalizer);
    if !owner.meta().deleting() {
        return plan;
    }
    if has("orphan") {
        for dependent in &dependents {
            let mut freed = dependent.clone();
            freed.meta_mut().owners = dependent.meta().owners.iter().filter(|o| o.uid != *uid).cloned().collect();
            plan.push(Write::Update(freed));
        }
        if dependents.is_empty() {
            plan.push(without(&owner, "orphan"));
        }
    } else if has("foregroundDeletion") {
        let doomed = dependents.iter().filter(|d| !d.meta().deleting());
        plan.extend(doomed.map(|d| delete(d, Propagation::Foreground)));
        let blocking = |d: &Object| d.meta().owners.iter().any(|o| o.uid == *uid && o.block == Some(true));
        if !dependents.iter().any(blocking) {
            plan.push(without(&owner, "foregroundDeletion"));
        }
    }
    plan
}

/// The owner with that uid: found by what its dependents, or itself, say of it.
fn owner(view: &View, uid: &Name, dependents: &[Object]) -> Option<Object> {
    let named = dependents.iter().flat_map(|d| d.meta().owners.iter().map(move |o| (d, o))).find(|(_, o)| o.uid == *uid);
    if let Some((dependent, reference)) = named {
        return find(view, dependent, &reference.api_version, &reference.kind, &reference.name)
            .filter(|o| o.meta().uid.as_ref() == Some(uid));
    }
    // Without dependents it only matters if it waits for them.
    let waits = |o: &Object| o.meta().uid.as_ref() == Some(uid) && o.meta().deleting();
    let deployments = view.deployments.iter().cloned().map(Object::Deployment);
    deployments.chain(view.replica_sets.iter().cloned().map(Object::ReplicaSet)).find(waits)
}

fn find(view: &View, dependent: &Object, api_version: &str, kind: &str, name: &str) -> Option<Object> {
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let kind = crate::objects::KindName { group: group.into(), kind: kind.into() };
    let namespace = &dependent.meta().namespace;
    view.find(&kind, namespace, name).or_else(|| view.find(&kind, "", name)).map(|(_, object)| object)
}

fn exists(view: &View, dependent: &Object, uid: &Name, kind: &str, name: &str) -> bool {
    let reference = dependent.meta().owners.iter().find(|o| o.uid == *uid && &*o.kind == kind && &*o.name == name);
    let found = reference.and_then(|o| find(view, dependent, &o.api_version, &o.kind, &o.name));
    found.is_some_and(|object| object.meta().uid.as_ref() == Some(uid))
}

fn delete(object: &Object, propagation: Propagation) -> Write {
    Write::Delete {
        kind: object.kind_name(),
        namespace: object.meta().namespace.clone(),
        name: object.meta().name.clone(),
        uid: object.meta().uid.clone(),
        grace: None,
        propagation: Some(propagation),
    }
}

fn without(object: &Object, finalizer: &str) -> Write {
    let mut freed = object.clone();
    let meta = freed.meta_mut();
    meta.finalizers = meta.finalizers.iter().filter(|f| &***f != finalizer).cloned().collect();
    Write::Update(freed)
}
