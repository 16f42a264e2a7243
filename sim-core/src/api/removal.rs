//! Deletion: at once, or begun with a grace period, or held up by finalizers.
//!
//! In a real cluster DELETE on a pod only starts its end (the kubelet finishes it with a second DELETE of grace 0); on a namespace
//! it starts the clearing of its content; finalizers hold any object until their owners let go.
//! The real thing: `k8s.io/apiserver/pkg/registry/rest/delete.go`, `pkg/registry/core/pod/strategy.go`.

use serde_json::{Value, json};

use super::component::Clock;
use super::document::{number, put, text};
use super::request::{Propagation, Request, Response};
use super::server::{ApiServer, Target, select};
use super::status::Status;
use super::write;
use crate::engine::time::Duration;
use crate::objects::meta::Deletion;
use crate::objects::pod::Pod;
use crate::objects::{KindName, Name, Object};
use crate::store::{ObjectId, Store};

/// What a client asks of a deletion.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wish<'a> {
    pub grace: Option<i64>,
    pub propagation: Option<Propagation>,
    pub uid: Option<&'a str>,
}

impl ApiServer {
    pub(super) fn delete(
        &mut self,
        store: &mut Store,
        target: &Target,
        request: &Request,
        clock: Clock,
    ) -> Result<Response, Status> {
        let (id, object) = target.find(store, &request.namespace, &request.name)?;
        let wish = wish_of(request);
        if request.options.dry_run {
            return Ok(Response::Object(object.encode()));
        }
        self.end(store, id, object, wish, clock)?;
        Ok(match store.head().object(id) {
            Some(left) => Response::Object(left.encode()),
            None => Response::Object(success(target, &request.name)),
        })
    }

    pub(super) fn delete_all(
        &mut self,
        store: &mut Store,
        target: &Target,
        request: &Request,
        clock: Clock,
    ) -> Result<Response, Status> {
        let doomed = select(store, target, &request.namespace, &request.options)?;
        for object in &doomed {
            let (namespace, name) = (&object.meta().namespace, &object.meta().name);
            if let Some((id, object)) = store.head().find(&target.name, namespace, name) {
                self.end(store, id, object, wish_of(request), clock)?;
            }
        }
        Ok(Response::List { items: doomed.iter().map(Object::encode).collect(), revision: store.revision() })
    }

    /// Deletes an object, or begins to.
    pub(super) fn end(
        &mut self,
        store: &mut Store,
        id: ObjectId,
        object: Object,
        wish: Wish<'_>,
        clock: Clock,
    ) -> Result<(), Status> {
        let meta = object.meta();
        if let (Some(wanted), Some(have)) = (wish.uid, meta.uid.as_deref())
            && wanted != have
        {
            let KindName { group, kind } = object.kind_name();
            let plural = super::kinds::of(&object.api_version(), &kind).map_or(&*kind, |row| row.plural);
            let why = format!("Precondition failed: UID in precondition: {wanted}, UID in object meta: {have}");
            return Err(Status::conflict(plural, &group, &meta.name, &why));
        }
        let grace = grace_of(&object, wish.grace);
        let mut after = object.clone();
        if let Some(finalizer) = finalizer_of(wish.propagation) {
            add_finalizer(&mut after, finalizer);
        }
        begin(&mut after, grace, clock);
        if let Object::Plain(namespace) = &mut after
            && &*namespace.kind == "Namespace"
        {
            let doc = std::sync::Arc::make_mut(&mut std::sync::Arc::make_mut(namespace).doc);
            put(doc, "/status/phase", "Terminating");
        }
        if after != object || grace == 0 {
            self.settle(store, id, object, after, clock);
        }
        Ok(())
    }

    /// Gives back what a removed object held.
    pub(super) fn forget(&mut self, object: &Object) {
        if let Object::Service(service) = object
            && let Some(row) = super::kinds::of("v1", "Service")
        {
            write::on_delete(row, &service.encode(), &mut self.allocators);
        }
        if let Some(uid) = &object.meta().uid {
            self.admitted.remove(uid);
        }
    }
}

fn wish_of(request: &Request) -> Wish<'_> {
    let body = |place: &str| Some(text(&request.body, place)).filter(|t| !t.is_empty());
    let propagation = match body("/propagationPolicy") {
        Some("Foreground") => Some(Propagation::Foreground),
        Some("Orphan") => Some(Propagation::Orphan),
        Some("Background") => Some(Propagation::Background),
        _ => None,
    };
    Wish {
        grace: request.options.grace_period.or_else(|| number(&request.body, "/gracePeriodSeconds")),
        propagation: request.options.propagation.or(propagation),
        uid: request.options.uid.as_deref().or_else(|| body("/preconditions/uid")),
    }
}

/// The grace period that applies: only pods have one, and only while a kubelet may still have to act.
fn grace_of(object: &Object, asked: Option<i64>) -> i64 {
    let Object::Pod(pod) = object else { return 0 };
    if needs_no_kubelet(pod) {
        return 0;
    }
    let grace = asked.unwrap_or_else(|| pod.grace()).max(0);
    // A deletion that has begun may only be hastened.
    pod.meta.deletion.and_then(|d| d.grace).map_or(grace, |begun| begun.min(grace))
}

fn needs_no_kubelet(pod: &Pod) -> bool {
    pod.node.is_none() || pod.finished()
}

fn begin(object: &mut Object, grace: i64, clock: Clock) {
    let counts = matches!(object, Object::Deployment(_) | Object::ReplicaSet(_) | Object::Pod(_));
    let meta = object.meta_mut();
    let hastened = meta.deletion.is_none_or(|d| d.grace.unwrap_or(0) > grace);
    if !hastened {
        return;
    }
    if meta.deletion.is_none() && counts {
        meta.generation = meta.generation.map(|g| g + 1);
    }
    let seconds = u64::try_from(grace).unwrap_or(0);
    let at = clock.timestamp().whole_seconds().plus(Duration::from_secs(seconds));
    meta.deletion = Some(Deletion { at, grace: Some(grace) });
}

fn finalizer_of(propagation: Option<Propagation>) -> Option<&'static str> {
    match propagation {
        Some(Propagation::Foreground) => Some("foregroundDeletion"),
        Some(Propagation::Orphan) => Some("orphan"),
        Some(Propagation::Background) | None => None,
    }
}

fn add_finalizer(object: &mut Object, finalizer: &str) {
    let meta = object.meta_mut();
    if !meta.finalizers.iter().any(|f| &**f == finalizer) {
        meta.finalizers = meta.finalizers.iter().cloned().chain([Name::from(finalizer)]).collect();
    }
}

fn success(target: &Target, name: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
        "details": {"name": name, "group": &*target.name.group, "kind": target.plural}})
}
