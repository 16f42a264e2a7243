//! Create, update and patch: documents from clients on their way into the store.
//!
//! The order of checks is the order in which a real server refuses: decoding, namespace, what the write path of the kind says,
//! then the name. The real thing: `k8s.io/apiserver/pkg/registry/generic/registry/store.go`.

use serde_json::{Value, json};

use super::component::Clock;
use super::document::{number, put, remove, text};
use super::kinds;
use super::patch;
use super::request::{Answer, PatchKind, Request, Response};
use super::server::{ApiServer, Target, decoded, scale_of};
use super::status::{Cause, Status};
use super::{size, validate, write};
use crate::objects::meta::Version;
use crate::objects::{Name, Object};
use crate::store::{ObjectId, Store};

const STALE: &str = "the object has been modified; please apply your changes to the latest version and try again";

impl ApiServer {
    pub(super) fn create(
        &mut self,
        store: &mut Store,
        target: &Target,
        request: &Request,
        clock: Clock,
    ) -> Result<Answer, Status> {
        match request.subresource.as_str() {
            "" => {}
            "binding" => return self.bind_request(store, target, request, clock),
            "eviction" => return self.delete(store, target, request, clock).map(Answer::from),
            _ => return Err(Status::method_not_allowed()),
        }
        let (mut doc, mut warnings) = decoded(&request.body, &request.options)?;
        self.name_new(target, request, &mut doc, clock)?;
        self.check_namespace(store, target, text(&doc, "/metadata/namespace"), text(&doc, "/metadata/name"))?;
        let mut allocators = self.allocators.clone();
        if let Some(row) = target.row {
            let suffix = self.new_suffix(clock);
            let mut stream = clock.draws.keyed("api/allocate", self.serial);
            warnings.extend(write::on_create(row, &mut doc, &suffix, &mut allocators, &mut |n| stream.below(n))?);
        } else {
            validate::of_unknown_kind(&doc)?;
        }
        let object = stored_form(&doc);
        let (namespace, name) = (object.meta().namespace.clone(), object.meta().name.clone());
        if store.head().find(&target.name, &namespace, &name).is_some() {
            return Err(Status::already_exists(&target.plural, &target.name.group, &name));
        }
        if request.options.dry_run {
            return Ok(Answer { response: Response::Object(object.encode()), warnings });
        }
        size::check_object(&doc)?;
        self.allocators = allocators;
        let (_, stored) = store.insert(object, clock.now);
        Ok(Answer { response: Response::Object(stored.encode()), warnings })
    }

    /// Gives a new document its identity: name, namespace, uid, creation time.
    fn name_new(&mut self, target: &Target, request: &Request, doc: &mut Value, clock: Clock) -> Result<(), Status> {
        if target.namespaced {
            let asked = text(doc, "/metadata/namespace").to_string();
            if !asked.is_empty() && asked != request.namespace {
                return Err(Status::bad_request(
                    "the namespace of the provided object does not match the namespace sent on the request",
                ));
            }
            put(doc, "/metadata/namespace", request.namespace.as_str());
        } else {
            remove(doc, "/metadata/namespace");
        }
        let base = text(doc, "/metadata/generateName").to_string();
        if text(doc, "/metadata/name").is_empty() && !base.is_empty() {
            put(doc, "/metadata/name", &*self.generated_name(&base, clock));
        }
        put(doc, "/metadata/uid", &*self.new_uid(clock));
        put(doc, "/metadata/creationTimestamp", clock.timestamp().rfc3339());
        for field in ["resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "managedFields"] {
            remove(doc, &format!("/metadata/{field}"));
        }
        Ok(())
    }

    /// A namespace must be there, and not on its way out, before anything is created in it.
    pub(super) fn check_namespace(&self, store: &Store, target: &Target, namespace: &str, name: &str) -> Result<(), Status> {
        if !target.namespaced || namespace.is_empty() {
            return Ok(());
        }
        let Some(found) = store.head().namespace(namespace) else {
            return Err(Status::not_found("namespaces", "", namespace));
        };
        if found.meta.deleting() {
            let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
            return Err(Status::forbidden(&target.plural, &target.name.group, name, &why));
        }
        Ok(())
    }

    pub(super) fn update(
        &mut self,
        store: &mut Store,
        target: &Target,
        request: &Request,
        clock: Clock,
    ) -> Result<Answer, Status> {
        let (id, current) = target.find(store, &request.namespace, &request.name)?;
        let (doc, warnings) = decoded(&request.body, &request.options)?;
        let doc = match request.subresource.as_str() {
            "scale" => scaled(&current.encode(), &doc),
            _ => doc,
        };
        self.put_document(store, target, request, (id, current), doc, warnings, clock)
    }

    pub(super) fn patch(
        &mut self,
        store: &mut Store,
        target: &Target,
        request: &Request,
        how: PatchKind,
        clock: Clock,
    ) -> Result<Answer, Status> {
        let (id, current) = match target.find(store, &request.namespace, &request.name) {
            Err(_) if how == PatchKind::Apply => return self.create(store, target, request, clock),
            found => found?,
        };
        let whole = current.encode();
        let scale = request.subresource == "scale";
        let base = if scale { scale_of(&whole) } else { whole.clone() };
        let patched = patch::apply(how, target.row, &base, &request.body)?;
        let (doc, warnings) = decoded(&patched, &request.options)?;
        let doc = if scale { scaled(&whole, &doc) } else { doc };
        self.put_document(store, target, request, (id, current), doc, warnings, clock)
    }

    /// Replaces `current` by `doc`, after all checks.
    #[allow(clippy::too_many_arguments)]
    fn put_document(
        &mut self,
        store: &mut Store,
        target: &Target,
        request: &Request,
        (id, current): (ObjectId, Object),
        mut doc: Value,
        mut warnings: Vec<String>,
        clock: Clock,
    ) -> Result<Answer, Status> {
        let old = current.encode();
        same_identity(target, request, &doc)?;
        let revision = text(&doc, "/metadata/resourceVersion").to_string();
        if !revision.is_empty() && Some(revision) != current.meta().shown_version() {
            return Err(Status::conflict(&target.plural, &target.name.group, &request.name, STALE));
        }
        if target.namespaced {
            put(&mut doc, "/metadata/namespace", &*current.meta().namespace);
        }
        let mut allocators = self.allocators.clone();
        if let Some(row) = target.row {
            if request.subresource == "status" {
                write::on_status_update(row, &mut doc, &old)?;
            } else {
                self.serial += 1;
                let mut stream = clock.draws.keyed("api/allocate", self.serial);
                warnings.extend(write::on_update(row, &mut doc, &old, &mut allocators, &mut |n| stream.below(n))?);
            }
        } else {
            validate::of_unknown_kind(&doc)?;
        }
        let mut object = stored_form(&doc);
        object.meta_mut().revision = current.meta().revision;
        let answer = |response: Value| Ok(Answer { response: Response::Object(response), warnings });
        let shaped = if request.subresource == "scale" { scale_of } else { Value::clone };
        if unversioned(object.encode()) == unversioned(old.clone()) {
            return answer(shaped(&old));
        }
        if request.options.dry_run {
            return answer(shaped(&object.encode()));
        }
        size::check_object(&doc)?;
        self.allocators = allocators;
        let settled = self.settle(store, id, current, object, clock);
        answer(shaped(&settled.encode()))
    }

    /// Stores a changed object; one that waits only for its finalizers goes when the last of them is gone. Returns what is
    /// stored, or what went.
    pub(super) fn settle(&mut self, store: &mut Store, id: ObjectId, before: Object, after: Object, clock: Clock) -> Object {
        let meta = after.meta();
        let done =
            meta.deletion.is_some_and(|d| d.grace.unwrap_or(0) == 0) && meta.finalizers.is_empty() && !holds_namespace(&after);
        if done {
            self.forget(&before);
            store.remove(id, before, clock.now);
            after
        } else {
            store.replace(id, before, after, clock.now)
        }
    }

    fn bind_request(&mut self, store: &mut Store, target: &Target, request: &Request, clock: Clock) -> Result<Answer, Status> {
        let node: Name = text(&request.body, "/target/name").into();
        let (_, pod) = target.find(store, &request.namespace, &request.name)?;
        let uid = pod.meta().uid.clone();
        self.bind(store, &request.namespace, &request.name, uid.as_deref(), &node, clock)?;
        Ok(Response::Object(json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}))
            .into())
    }
}

/// Whether it is a namespace whose content is not cleared yet (`spec.finalizers`).
fn holds_namespace(object: &Object) -> bool {
    matches!(object, Object::Plain(p) if &*p.kind == "Namespace" && !super::document::items(&p.doc, "/spec/finalizers").is_empty())
}

/// The record of a checked document, to be stored under the store's own revision.
fn stored_form(doc: &Value) -> Object {
    let mut object = Object::parse(doc);
    object.meta_mut().version = Version::Store;
    object
}

fn unversioned(mut doc: Value) -> Value {
    remove(&mut doc, "/metadata/resourceVersion");
    doc
}

/// `doc` with the size that a Scale object asks for.
fn scaled(doc: &Value, scale: &Value) -> Value {
    let mut doc = doc.clone();
    put(&mut doc, "/spec/replicas", number(scale, "/spec/replicas").unwrap_or(0));
    put(&mut doc, "/metadata/resourceVersion", text(scale, "/metadata/resourceVersion"));
    doc
}

/// Name, namespace and kind of a body must be those of the URL.
fn same_identity(target: &Target, request: &Request, doc: &Value) -> Result<(), Status> {
    let (name, namespace) = (text(doc, "/metadata/name"), text(doc, "/metadata/namespace"));
    if !name.is_empty() && name != request.name {
        let message = format!("the name of the object ({name}) does not match the name on the URL ({})", request.name);
        return Err(Status::bad_request(message));
    }
    if target.namespaced && !namespace.is_empty() && namespace != request.namespace {
        return Err(Status::bad_request("the namespace of the provided object does not match the namespace sent on the request"));
    }
    let (api_version, kind) = (text(doc, "/apiVersion"), text(doc, "/kind"));
    if kind != &*target.name.kind || kinds::split_api_version(api_version).0 != &*target.name.group {
        let cause = Cause::invalid("kind", &json!(kind), "does not match the resource of the request");
        return Err(Status::invalid(&target.name.kind, &target.name.group, &request.name, vec![cause]));
    }
    Ok(())
}
