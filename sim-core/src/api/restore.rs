//! The other door into the store: objects put there as they are, before time starts.
//!
//! A scenario's `objects` bypass admission, validation, allocation and defaulting; an absent field stays absent. (A real server
//! would default on read; this is deliberate: one fact in isolation.) The allocators learn what the objects hold.

use serde_json::Value;

use super::kinds;
use super::server::ApiServer;
use crate::engine::time::Instant;
use crate::objects::Object;
use crate::store::Store;

impl ApiServer {
    /// Stores a document as it is. A namespaced object without namespace goes to `default`. A second object of the same kind and
    /// name replaces the first.
    pub fn restore(&mut self, store: &mut Store, doc: &Value) {
        let mut object = Object::parse(doc);
        let kind = object.kind_name();
        let namespaced = match kinds::of(&object.api_version(), &kind.kind) {
            Some(row) => row.namespaced,
            None => !object.meta().namespace.is_empty(),
        };
        let meta = object.meta_mut();
        if !namespaced {
            meta.namespace = "".into();
        } else if meta.namespace.is_empty() {
            meta.namespace = "default".into();
        }
        if let Object::Service(service) = &object {
            self.allocators.learn(&service.encode());
        }
        let (namespace, name) = (object.meta().namespace.clone(), object.meta().name.clone());
        match store.head().find(&kind, &namespace, &name) {
            Some((id, before)) => store.replace(id, before, object, Instant::START),
            None => store.insert(object, Instant::START).1,
        };
    }
}
