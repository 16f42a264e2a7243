//! The garbage collector: dependents follow their owners.
//!
//! Background: the owner is gone, its dependents are deleted. Foreground: the owner waits, with a finalizer, for dependents that
//! block it. Orphan: dependents lose the reference and stay. Keys are uids of owners. Left out: cross-namespace references.
//! The real thing: `pkg/controller/garbagecollector`.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::controller::{Controller, Look};
use super::work_queue::Retry;
use super::{Key, Plan};
use crate::api::component::Write;
use crate::api::kinds::KINDS;
use crate::api::request::Propagation;
use crate::engine::digest::{Digestible, StateDigest};
use crate::objects::meta::Owner;
use crate::objects::{KindName, Name, Object};
use crate::store::{Change, View};

/// The garbage collector.
#[derive(Clone, Debug, Default)]
pub struct GarbageController;

impl Controller for GarbageController {
    fn watches(&self, object: &Object, change: &Change) -> bool {
        let owners = |o: &Option<Object>| o.as_ref().map_or_else(|| Arc::from([]), |o| o.meta().owners.clone());
        change.after.is_none() || object.meta().deleting() || owners(&change.before) != owners(&change.after)
    }

    fn keys_of(&mut self, view: &View, change: &Change) -> Vec<Key> {
        keys_of(view, change)
    }

    fn all_keys(&mut self, view: &View) -> Vec<Key> {
        all_keys(view)
    }

    fn reconcile(&mut self, look: Look<'_>) -> Plan {
        reconcile(look.view, look.key)
    }

    fn retry(&self) -> Retry {
        Retry::USUAL
    }
}

impl Digestible for GarbageController {
    fn digest(&self, _: &mut StateDigest) {
        let GarbageController = self;
    }
}

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

/// Owners that a change may have taken away, that wait for their dependents, or that a new dependent names in vain.
pub fn keys_of(view: &View, change: &Change) -> Vec<Key> {
    let mut keys = Vec::new();
    let ending = |o: &Object| change.after.is_none() || o.meta().deleting();
    for object in [change.before.as_ref(), change.after.as_ref()].into_iter().flatten() {
        let meta = object.meta();
        let depended = |uid: &Name| view.dependents(uid).next().is_some();
        let waits = meta.finalizers.iter().any(|f| matches!(&**f, ORPHAN | FOREGROUND));
        keys.extend(meta.uid.iter().filter(|uid| ending(object) && (waits || depended(uid))).map(|uid| key_of(object, uid)));
        for owner in meta.owners.iter() {
            match find(view, object, owner).filter(|found| found.meta().uid.as_ref() == Some(&owner.uid)) {
                // An owner that stands and stays has nothing to do with what becomes of its dependents.
                Some(found) if !found.meta().deleting() => {}
                // One that waits may have lost its last dependent just now.
                Some(found) => keys.push(key_of(&found, &owner.uid)),
                None => keys.push((owner.uid.clone(), Name::default())),
            }
        }
    }
    keys
}

/// An owner by its uid; one that waits for its dependents also by kind and name, as it may have none left to tell.
fn key_of(object: &Object, uid: &Name) -> Key {
    let (kind, meta) = (object.kind_name(), object.meta());
    let waits = meta.finalizers.iter().any(|f| matches!(&**f, ORPHAN | FOREGROUND));
    let place = || format!("{}/{}/{}/{}", kind.group, kind.kind, meta.namespace, meta.name).into();
    (uid.clone(), if waits { place() } else { Name::default() })
}

/// Owners that are missing or on their way out.
pub fn all_keys(view: &View) -> Vec<Key> {
    let mut keys = BTreeSet::new();
    let kinds = KINDS.iter().map(|k| KindName { group: k.group.into(), kind: k.kind.into() });
    let kinds: BTreeSet<KindName> = kinds.chain(view.plain_kinds().cloned()).collect();
    for object in kinds.iter().flat_map(|kind| view.list(kind, "")) {
        keys.extend(object.meta().owners.iter().map(|o| (o.uid.clone(), Name::default())));
        keys.extend(object.meta().uid.iter().filter(|_| object.meta().deleting()).map(|uid| key_of(&object, uid)));
    }
    keys.into_iter().collect()
}

/// Looks at one owner.
pub fn reconcile(view: &View, (uid, place): &Key) -> Plan {
    let mut plan = Plan::default();
    let dependents: Vec<Object> = view.dependents(uid).map(|(_, object)| object).collect();
    let Some(owner) = owner(view, uid, place, &dependents) else {
        let orphaned = dependents.iter().filter(|d| d.meta().owners.iter().all(|o| !exists(view, d, o)));
        plan.extend(orphaned.filter(|d| !d.meta().deleting()).map(|d| delete(d, Propagation::Background)));
        return plan;
    };
    let has = |finalizer: &str| owner.meta().finalizers.iter().any(|f| &**f == finalizer);
    if !owner.meta().deleting() {
        return plan;
    }
    if has(ORPHAN) {
        for dependent in &dependents {
            let mut freed = dependent.clone();
            freed.meta_mut().owners = dependent.meta().owners.iter().filter(|o| o.uid != *uid).cloned().collect();
            plan.push(Write::Update(freed));
        }
        if dependents.is_empty() {
            plan.push(without(&owner, ORPHAN));
        }
    } else if has(FOREGROUND) {
        let doomed = dependents.iter().filter(|d| !d.meta().deleting());
        plan.extend(doomed.map(|d| delete(d, Propagation::Foreground)));
        let blocking = |d: &Object| d.meta().owners.iter().any(|o| o.uid == *uid && o.block == Some(true));
        if !dependents.iter().any(blocking) {
            plan.push(without(&owner, FOREGROUND));
        }
    }
    plan
}

/// The owner with that uid: found by what its dependents, or its own key, say of it.
fn owner(view: &View, uid: &Name, place: &str, dependents: &[Object]) -> Option<Object> {
    let named = dependents.iter().flat_map(|d| d.meta().owners.iter().map(move |o| (d, o))).find(|(_, o)| o.uid == *uid);
    let found = match named {
        Some((dependent, reference)) => find(view, dependent, reference),
        None => {
            let mut parts = place.split('/');
            let mut part = || parts.next().unwrap_or_default();
            let kind = KindName { group: part().into(), kind: part().into() };
            let (namespace, name) = (part(), part());
            view.find(&kind, namespace, name).map(|(_, object)| object)
        }
    };
    found.filter(|o| o.meta().uid.as_ref() == Some(uid))
}

/// What an owner reference points to by name, in the dependent's namespace or in none.
fn find(view: &View, dependent: &Object, owner: &Owner) -> Option<Object> {
    let group = owner.api_version.split_once('/').map_or("", |(group, _)| group);
    let kind = KindName { group: group.into(), kind: owner.kind.clone() };
    let namespaced = view.find(&kind, &dependent.meta().namespace, &owner.name);
    namespaced.or_else(|| view.find(&kind, "", &owner.name)).map(|(_, object)| object)
}

fn exists(view: &View, dependent: &Object, owner: &Owner) -> bool {
    find(view, dependent, owner).is_some_and(|object| object.meta().uid.as_ref() == Some(&owner.uid))
}

fn delete(object: &Object, propagation: Propagation) -> Write {
    Write::delete(object, None, Some(propagation))
}

fn without(object: &Object, finalizer: &str) -> Write {
    let mut freed = object.clone();
    let meta = freed.meta_mut();
    meta.finalizers = meta.finalizers.iter().filter(|f| &***f != finalizer).cloned().collect();
    Write::Update(freed)
}
