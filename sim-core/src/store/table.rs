//! One kind's objects inside a photograph: by id, and by namespace and name.
//!
//! In a real cluster this is a prefix of etcd's key space. Two persistent maps, so that a copy costs two pointers: the names
//! change only when objects come and go, the ids map on every write.

use std::hash::Hash;
use std::sync::Arc;

use imbl::OrdMap;

use crate::engine::digest::{Digestible, StateDigest};
use crate::objects::Name;

/// Identifies an object for as long as it exists; never used twice in one store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub u32);

/// The objects of one kind.
#[derive(Clone, Debug)]
pub struct Table<T> {
    by_id: OrdMap<ObjectId, Arc<T>>,
    by_name: OrdMap<Name, OrdMap<Name, ObjectId>>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Table { by_id: OrdMap::new(), by_name: OrdMap::new() }
    }
}

impl<T: Clone> Table<T> {
    /// The object with that id.
    pub fn by_id(&self, id: ObjectId) -> Option<&Arc<T>> {
        self.by_id.get(&id)
    }

    /// The id of an object by name; the namespace is empty for cluster-scoped kinds.
    pub fn id(&self, namespace: &str, name: &str) -> Option<ObjectId> {
        self.by_name.get(namespace)?.get(name).copied()
    }

    /// An object by name.
    pub fn get(&self, namespace: &str, name: &str) -> Option<&Arc<T>> {
        self.by_id(self.id(namespace, name)?)
    }

    /// An object by name, with its id.
    pub fn find(&self, namespace: &str, name: &str) -> Option<(ObjectId, &Arc<T>)> {
        let id = self.id(namespace, name)?;
        Some((id, self.by_id(id)?))
    }

    /// All objects in the API's order: namespace, then name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<T>> {
        self.by_name.values().flat_map(OrdMap::values).filter_map(|id| self.by_id.get(id))
    }

    /// All objects with their ids, in the API's order.
    pub fn entries(&self) -> impl Iterator<Item = (ObjectId, &Arc<T>)> {
        self.by_name.values().flat_map(OrdMap::values).filter_map(|id| Some((*id, self.by_id.get(id)?)))
    }

    /// All objects with their ids, the youngest first.
    pub fn youngest(&self) -> impl Iterator<Item = (ObjectId, &Arc<T>)> {
        self.by_id.iter().rev().map(|(id, object)| (*id, object))
    }

    /// The objects of one namespace, by name.
    pub fn in_namespace<'a>(&'a self, namespace: &str) -> impl Iterator<Item = &'a Arc<T>> + use<'a, T> {
        self.by_name.get(namespace).into_iter().flat_map(OrdMap::values).filter_map(|id| self.by_id.get(id))
    }

    /// Whether both are one version of the table: nothing was written between them. Compares pointers, so a copy that was
    /// written to and back counts as another.
    pub fn is_same(&self, other: &Table<T>) -> bool {
        self.by_id.ptr_eq(&other.by_id) && self.by_name.ptr_eq(&other.by_name)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    pub(super) fn put(&mut self, id: ObjectId, namespace: &Name, name: &Name, object: Arc<T>) {
        if self.by_id.insert(id, object).is_none() {
            self.by_name.entry(namespace.clone()).or_default().insert(name.clone(), id);
        }
    }

    pub(super) fn remove(&mut self, id: ObjectId, namespace: &Name, name: &Name) {
        self.by_id.remove(&id);
        if let Some(names) = self.by_name.get_mut(namespace) {
            names.remove(name);
            if names.is_empty() {
                self.by_name.remove(namespace);
            }
        }
    }
}

impl<T: Hash> Digestible for Table<T> {
    fn digest(&self, into: &mut StateDigest) {
        // The names are in the objects.
        let Table { by_id, by_name: _ } = self;
        for (id, object) in by_id {
            into.fold(id);
            into.shared(object);
        }
        into.fold(&by_id.len());
    }
}
