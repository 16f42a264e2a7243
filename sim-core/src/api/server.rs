//! The API server itself: a request in, an answer out, against the store.
//!
//! In a real cluster kube-apiserver authenticates, decodes, admits, validates, stores, and answers. Here one call does all of it
//! in no time; what latency a client has is the client's business. Left out: authentication, quotas, admission webhooks, paging.
//! The real thing: `k8s.io/apiserver/pkg/endpoints/handlers`.

use imbl::{OrdMap, Vector};
use serde_json::{Value, json};

use super::allocate::Allocators;
use super::component::Clock;
use super::decode::decode;
use super::kinds::{self, Kind};
use super::request::{Answer, Options, Request, Response, Verb};
use super::selectors::{FieldSelector, LabelSelector};
use super::size;
use super::status::Status;
use crate::engine::digest::{Digestible, StateDigest};
use crate::objects::{KindName, Name, Object};
use crate::store::{ObjectId, Store};

/// The letters of generated names: no vowels, no digits that look like letters (`apimachinery/pkg/util/rand`).
const SAFE_LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// The API server's own memory: what it has handed out.
#[derive(Clone, Debug)]
pub struct ApiServer {
    pub(super) allocators: Allocators,
    /// Counts everything that needs a fresh draw: uids and names.
    pub(super) serial: u64,
    /// Events that may still be counted up, by a digest of what they say: where they are stored, if at all, and how often they were said.
    pub(super) notes: OrdMap<u64, (Option<ObjectId>, i64)>,
    /// What recorders remember.
    pub(super) recorder: super::recorder::Recorder,
    /// Stored events in the order in which they were first said, for expiry.
    pub(super) event_order: Vector<ObjectId>,
    /// Pod specs as admission completed them, by the uid of the owner whose template they come from.
    pub(super) admitted: OrdMap<Name, super::typed::Admitted>,
}

/// The kind a request is about.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// Its row, unless it is a kind this server only keeps.
    pub row: Option<&'static Kind>,
    pub name: KindName,
    pub plural: String,
    pub namespaced: bool,
}

impl ApiServer {
    /// A server with empty pools behind it.
    pub fn new(allocators: Allocators) -> Self {
        let (notes, event_order, admitted) = (OrdMap::new(), Vector::new(), OrdMap::new());
        let recorder = super::recorder::Recorder::default();
        ApiServer { allocators, serial: 0, notes, recorder, event_order, admitted }
    }

    /// Answers one request.
    pub fn handle(&mut self, store: &mut Store, request: &Request, clock: Clock) -> Answer {
        let target = match target_of(store, request) {
            Ok(target) => target,
            Err(status) => return status.into(),
        };
        if let Err(status) = size::check_body(&request.body) {
            return status.into();
        }
        let result = match request.verb {
            Verb::Get | Verb::List => return Self::read(store, request),
            Verb::Create => self.create(store, &target, request, clock),
            Verb::Update => self.update(store, &target, request, clock),
            Verb::Patch(how) => self.patch(store, &target, request, how, clock),
            Verb::Delete => self.delete(store, &target, request, clock).map(Answer::from),
            Verb::DeleteCollection => self.delete_all(store, &target, request, clock).map(Answer::from),
        };
        result.unwrap_or_else(Answer::from)
    }

    /// Answers a request that only reads.
    pub fn read(store: &Store, request: &Request) -> Answer {
        let answer = target_of(store, request).and_then(|target| match request.verb {
            Verb::Get => get(store, &target, request),
            _ => list(store, &target, request),
        });
        answer.map_or_else(Answer::from, Answer::from)
    }

    /// A fresh uid: random, version 4 in form, never given twice.
    pub(super) fn new_uid(&mut self, clock: Clock) -> Name {
        self.serial += 1;
        let mut draw = clock.draws.keyed("api/uid", self.serial);
        let (high, low) = (draw.bits(), draw.bits());
        let high = high & 0xffff_ffff_ffff_0fff | 0x4000;
        let low = low & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000;
        let text = format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff
        );
        text.into()
    }

    /// Five random letters, as they end generated names.
    pub(super) fn new_suffix(&mut self, clock: Clock) -> String {
        self.serial += 1;
        let mut draw = clock.draws.keyed("api/name", self.serial);
        let letters = SAFE_LETTERS.len() as u64;
        (0..5).map(|_| char::from(SAFE_LETTERS[draw.below(letters) as usize])).collect()
    }

    /// The name for an object that asked for one: base and five letters, at most 63 characters.
    pub(super) fn generated_name(&mut self, base: &str, clock: Clock) -> Name {
        let base: String = base.chars().take(58).collect();
        format!("{base}{}", self.new_suffix(clock)).into()
    }
}

/// Finds the kind that a request's resource names.
fn target_of(store: &Store, request: &Request) -> Result<Target, Status> {
    if let Some(row) = kinds::of_resource(&request.group, &request.version, &request.resource) {
        return Ok(Target {
            row: Some(row),
            name: KindName { group: row.group.into(), kind: row.kind.into() },
            plural: row.plural.into(),
            namespaced: row.namespaced,
        });
    }
    let kind_of_body = request.body.get("kind").and_then(Value::as_str);
    let stored =
        store.head().plain_kinds().find(|k| *k.group == *request.group && kinds::guess_plural(&k.kind) == request.resource);
    let kind = stored.map(|k| k.kind.clone()).or_else(|| kind_of_body.map(Name::from));
    let kind = kind.ok_or_else(|| Status::not_found(&request.resource, &request.group, &request.name))?;
    let namespaced = !request.namespace.is_empty();
    let plural = request.resource.clone();
    Ok(Target { row: None, name: KindName { group: request.group.as_str().into(), kind }, plural, namespaced })
}

impl Target {
    /// The refusal for a name that is not there.
    pub fn not_found(&self, name: &str) -> Status {
        Status::not_found(&self.plural, &self.name.group, name)
    }

    /// The stored object of that name.
    pub fn find(&self, store: &Store, namespace: &str, name: &str) -> Result<(ObjectId, Object), Status> {
        let namespace = if self.namespaced { namespace } else { "" };
        store.head().find(&self.name, namespace, name).ok_or_else(|| self.not_found(name))
    }
}

fn get(store: &Store, target: &Target, request: &Request) -> Result<Response, Status> {
    let (_, object) = target.find(store, &request.namespace, &request.name)?;
    let doc = object.encode();
    match request.subresource.as_str() {
        "" | "status" => Ok(Response::Object(doc)),
        "scale" => Ok(Response::Object(scale_of(&doc))),
        _ => Err(Status::not_found(&target.plural, &target.name.group, &request.name)),
    }
}

/// The scale subresource of a workload (`autoscaling/v1`).
pub(super) fn scale_of(doc: &Value) -> Value {
    let meta = |key: &str| doc["metadata"].get(key).cloned().unwrap_or(Value::Null);
    json!({"apiVersion": "autoscaling/v1", "kind": "Scale",
        "metadata": {"name": meta("name"), "namespace": meta("namespace"), "uid": meta("uid"),
            "resourceVersion": meta("resourceVersion"), "creationTimestamp": meta("creationTimestamp")},
        "spec": {"replicas": doc["spec"].get("replicas").cloned().unwrap_or(json!(1))},
        "status": {"replicas": doc["status"].get("replicas").cloned().unwrap_or(json!(0))}})
}

fn list(store: &Store, target: &Target, request: &Request) -> Result<Response, Status> {
    let items = select(store, target, &request.namespace, &request.options)?;
    Ok(Response::List { items: items.iter().map(Object::encode).collect(), revision: store.revision() })
}

/// The objects that a list with these options shows.
pub(super) fn select(store: &Store, target: &Target, namespace: &str, options: &Options) -> Result<Vec<Object>, Status> {
    let labels = LabelSelector::parse(&options.label_selector).map_err(|e| Status::bad_request(e.to_string()))?;
    let fields = FieldSelector::parse(&options.field_selector).map_err(|e| Status::bad_request(e.to_string()))?;
    if let Some(row) = target.row {
        fields.check(row).map_err(|e| Status::bad_request(e.to_string()))?;
    }
    let all = store.head().list(&target.name, namespace);
    let by_label = |object: &Object| {
        let labels_of = &object.meta().labels;
        options.label_selector.is_empty() || labels.matches(|key| labels_of.get(key))
    };
    let by_field =
        |object: &Object| options.field_selector.is_empty() || may_match(object, &fields) && fields.matches(&object.encode());
    Ok(all.into_iter().filter(|o| by_label(o) && by_field(o)).collect())
}

/// Whether an Event can be the one looked for, without its document: `kubectl describe` asks for the events of each of thousands of
/// objects. One that was written as a document is judged by that.
fn may_match(object: &Object, fields: &FieldSelector) -> bool {
    let Object::Event(event) = object else { return true };
    let about = [("involvedObject.name", &*event.about.name), ("involvedObject.namespace", &*event.about.namespace)];
    event.given.is_some() || about.iter().all(|(path, is)| fields.wanted(path).is_none_or(|wanted| wanted == *is))
}

/// Decodes a body strictly, as the options ask; warnings beside it.
pub(super) fn decoded(body: &Value, options: &Options) -> Result<(Value, Vec<String>), Status> {
    let decoded = decode(body, options.field_validation).map_err(Status::from)?;
    Ok((decoded.doc, decoded.warnings))
}

impl Digestible for ApiServer {
    fn digest(&self, into: &mut StateDigest) {
        let ApiServer { allocators, serial, notes, recorder, event_order, admitted } = self;
        allocators.digest(into);
        into.fold(serial);
        into.list(notes);
        recorder.digest(into);
        into.list(event_order);
        into.parts(admitted);
    }
}
