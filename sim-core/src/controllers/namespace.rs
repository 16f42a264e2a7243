//! The namespace controller: a deleted namespace is emptied before it goes.
//!
//! Left out: the conditions that report what is left. The real thing: `pkg/controller/namespace`.

use std::sync::Arc;

use super::controller::{Controller, Look};
use super::work_queue::Retry;
use super::{Key, Plan, meta_key};
use crate::api::component::Write;
use crate::api::kinds::KINDS;
use crate::engine::digest::{Digestible, StateDigest};
use crate::objects::{KindName, Name, Object};
use crate::store::{Change, View};

/// The namespace controller.
#[derive(Clone, Debug, Default)]
pub struct NamespaceController;

impl Controller for NamespaceController {
    fn watches(&self, object: &Object, change: &Change) -> bool {
        change.after.is_none() || matches!(object, Object::Plain(plain) if &*plain.kind == "Namespace")
    }

    fn keys_of(&mut self, _: &View, change: &Change) -> Vec<Key> {
        keys_of(change)
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

impl Digestible for NamespaceController {
    fn digest(&self, _: &mut StateDigest) {
        let NamespaceController = self;
    }
}

/// The namespace itself, or that of something that went.
pub fn keys_of(change: &Change) -> Vec<Key> {
    match change.after.as_ref().or(change.before.as_ref()) {
        Some(Object::Plain(p)) if &*p.kind == "Namespace" => vec![meta_key(&p.meta)],
        Some(object) if !object.meta().namespace.is_empty() => vec![(Name::default(), object.meta().namespace.clone())],
        _ => Vec::new(),
    }
}

/// All namespaces.
pub fn all_keys(view: &View) -> Vec<Key> {
    let kind = KindName { group: Name::default(), kind: "Namespace".into() };
    view.list(&kind, "").iter().map(|o| meta_key(o.meta())).collect()
}

/// Looks at one namespace.
pub fn reconcile(view: &View, (_, name): &Key) -> Plan {
    let mut plan = Plan::default();
    let Some(namespace) = view.namespace(name).filter(|n| n.meta.deleting()) else { return plan };
    let known = KINDS.iter().filter(|k| k.namespaced).map(|k| KindName { group: k.group.into(), kind: k.kind.into() });
    let mut kinds: Vec<KindName> = known.chain(view.plain_kinds().cloned()).collect();
    kinds.sort();
    kinds.dedup();
    let content: Vec<Object> = kinds.iter().flat_map(|kind| view.list(kind, name)).collect();
    for object in content.iter().filter(|o| !o.meta().deleting()) {
        plan.push(Write::delete(object, None, None));
    }
    if content.is_empty() {
        let mut empty = (**namespace).clone();
        let mut doc = (*empty.doc).clone();
        crate::objects::json::remove(&mut doc, &["spec", "finalizers"]);
        empty.doc = Arc::new(doc);
        plan.push(Write::Update(Object::Plain(Arc::new(empty))));
    }
    plan
}
