//! The namespace controller: a deleted namespace is emptied before it goes.
//!
//! Left out: the conditions that report what is left. The real thing: `pkg/controller/namespace`.

use std::sync::Arc;

use super::{Key, Plan, meta_key};
use crate::api::component::Write;
use crate::api::kinds::KINDS;
use crate::objects::{KindName, Name, Object};
use crate::store::{Change, View};

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
