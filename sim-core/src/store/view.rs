//! The photograph: every object as of one revision, with the indexes that components look things up by.
//!
//! In a real cluster each client keeps its own copy ("informer cache") and its own indexes. Here a copy is a few pointers, so
//! the photograph a component works from *is* an old version of the store. Left out: paging of long lists.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use super::owned::{Owned, Tally};
use super::table::{ObjectId, Table};
use crate::engine::digest::{Digestible, StateDigest};
use crate::objects::endpoint_slice::EndpointSlice;
use crate::objects::endpoints::Endpoints;
use crate::objects::event::Event;
use crate::objects::labels::Labels;
use crate::objects::lease::Lease;
use crate::objects::network_policy::NetworkPolicy;
use crate::objects::node::Node;
use crate::objects::plain::Plain;
use crate::objects::pod::Pod;
use crate::objects::service::Service;
use crate::objects::workload::{Deployment, ReplicaSet};
use crate::objects::{KindName, Name, Object};

/// All objects as of one revision.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The revision it shows.
    pub revision: u64,
    /// Pods.
    pub pods: Table<Pod>,
    /// Services.
    pub services: Table<Service>,
    /// Endpoint slices.
    pub slices: Table<EndpointSlice>,
    /// Endpoints objects.
    pub endpoints: Table<Endpoints>,
    /// Nodes.
    pub nodes: Table<Node>,
    /// Deployments.
    pub deployments: Table<Deployment>,
    /// Replica sets.
    pub replica_sets: Table<ReplicaSet>,
    /// Leases.
    pub leases: Table<Lease>,
    /// Events.
    pub events: Table<Event>,
    /// Network policies.
    pub policies: Table<NetworkPolicy>,
    plain: OrdMap<KindName, Table<Plain>>,
    pods_by_node: Index,
    pods_by_label: OrdMap<(Name, Name, Name), OrdSet<ObjectId>>,
    slices_by_service: OrdMap<(Name, Name), OrdSet<ObjectId>>,
    dependents: Index,
    owned: Owned,
    /// Pods that nobody manages, by namespace and each of their labels.
    lone_pods: OrdMap<(Name, Name, Name), OrdSet<ObjectId>>,
    /// Replica sets that nobody manages, by namespace.
    lone_sets: Index,
}

type Index = OrdMap<Name, OrdSet<ObjectId>>;

impl View {
    /// The object with that id, of whatever kind (given by an object of the kind or by look-up order).
    pub fn object(&self, id: ObjectId) -> Option<Object> {
        let pod = self.pods.by_id(id).map(|o| Object::Pod(o.clone()));
        pod.or_else(|| self.services.by_id(id).map(|o| Object::Service(o.clone())))
            .or_else(|| self.slices.by_id(id).map(|o| Object::EndpointSlice(o.clone())))
            .or_else(|| self.endpoints.by_id(id).map(|o| Object::Endpoints(o.clone())))
            .or_else(|| self.nodes.by_id(id).map(|o| Object::Node(o.clone())))
            .or_else(|| self.deployments.by_id(id).map(|o| Object::Deployment(o.clone())))
            .or_else(|| self.replica_sets.by_id(id).map(|o| Object::ReplicaSet(o.clone())))
            .or_else(|| self.leases.by_id(id).map(|o| Object::Lease(o.clone())))
            .or_else(|| self.events.by_id(id).map(|o| Object::Event(o.clone())))
            .or_else(|| self.policies.by_id(id).map(|o| Object::NetworkPolicy(o.clone())))
            .or_else(|| self.plain.values().find_map(|t| t.by_id(id)).map(|o| Object::Plain(o.clone())))
    }

    /// The objects of one kind in the API's order; of one namespace, unless it is empty.
    pub fn list(&self, kind: &KindName, namespace: &str) -> Vec<Object> {
        match (&*kind.group, &*kind.kind) {
            ("", "Pod") => wrap(&self.pods, namespace, Object::Pod),
            ("", "Service") => wrap(&self.services, namespace, Object::Service),
            ("discovery.k8s.io", "EndpointSlice") => wrap(&self.slices, namespace, Object::EndpointSlice),
            ("", "Endpoints") => wrap(&self.endpoints, namespace, Object::Endpoints),
            ("", "Node") => wrap(&self.nodes, namespace, Object::Node),
            ("apps", "Deployment") => wrap(&self.deployments, namespace, Object::Deployment),
            ("apps", "ReplicaSet") => wrap(&self.replica_sets, namespace, Object::ReplicaSet),
            ("coordination.k8s.io", "Lease") => wrap(&self.leases, namespace, Object::Lease),
            ("" | "events.k8s.io", "Event") => wrap(&self.events, namespace, Object::Event),
            ("networking.k8s.io", "NetworkPolicy") => wrap(&self.policies, namespace, Object::NetworkPolicy),
            _ => self.plain.get(kind).map_or_else(Vec::new, |table| wrap(table, namespace, Object::Plain)),
        }
    }

    /// One object by kind and name; the namespace is empty for cluster-scoped kinds.
    pub fn find(&self, kind: &KindName, namespace: &str, name: &str) -> Option<(ObjectId, Object)> {
        match (&*kind.group, &*kind.kind) {
            ("", "Pod") => found(&self.pods, namespace, name, Object::Pod),
            ("", "Service") => found(&self.services, namespace, name, Object::Service),
            ("discovery.k8s.io", "EndpointSlice") => found(&self.slices, namespace, name, Object::EndpointSlice),
            ("", "Endpoints") => found(&self.endpoints, namespace, name, Object::Endpoints),
            ("", "Node") => found(&self.nodes, namespace, name, Object::Node),
            ("apps", "Deployment") => found(&self.deployments, namespace, name, Object::Deployment),
            ("apps", "ReplicaSet") => found(&self.replica_sets, namespace, name, Object::ReplicaSet),
            ("coordination.k8s.io", "Lease") => found(&self.leases, namespace, name, Object::Lease),
            ("" | "events.k8s.io", "Event") => found(&self.events, namespace, name, Object::Event),
            ("networking.k8s.io", "NetworkPolicy") => found(&self.policies, namespace, name, Object::NetworkPolicy),
            _ => found(self.plain.get(kind)?, namespace, name, Object::Plain),
        }
    }

    /// The stored version of an object that was read from here before, by its place: the same object by uid.
    pub fn current(&self, object: &Object) -> Option<(ObjectId, Object)> {
        let id = ObjectId(object.meta().slot);
        let current = match object {
            Object::Pod(_) => Object::Pod(self.pods.by_id(id)?.clone()),
            Object::Service(_) => Object::Service(self.services.by_id(id)?.clone()),
            Object::EndpointSlice(_) => Object::EndpointSlice(self.slices.by_id(id)?.clone()),
            Object::Endpoints(_) => Object::Endpoints(self.endpoints.by_id(id)?.clone()),
            Object::Node(_) => Object::Node(self.nodes.by_id(id)?.clone()),
            Object::Deployment(_) => Object::Deployment(self.deployments.by_id(id)?.clone()),
            Object::ReplicaSet(_) => Object::ReplicaSet(self.replica_sets.by_id(id)?.clone()),
            Object::Lease(_) => Object::Lease(self.leases.by_id(id)?.clone()),
            Object::Event(_) => Object::Event(self.events.by_id(id)?.clone()),
            Object::NetworkPolicy(_) => Object::NetworkPolicy(self.policies.by_id(id)?.clone()),
            Object::Plain(_) => Object::Plain(self.plain.get(&object.kind_name())?.by_id(id)?.clone()),
        };
        (current.meta().uid == object.meta().uid && current.meta().name == object.meta().name).then_some((id, current))
    }

    /// A plain object (a kind without a record) by name.
    pub fn plain(&self, group: &str, kind: &str, namespace: &str, name: &str) -> Option<&Arc<Plain>> {
        self.plain.get(&KindName { group: group.into(), kind: kind.into() })?.get(namespace, name)
    }

    /// The plain kinds of which objects are stored.
    pub fn plain_kinds(&self) -> impl Iterator<Item = &KindName> {
        self.plain.iter().filter(|(_, t)| !t.is_empty()).map(|(k, _)| k)
    }

    /// Whether a namespace is stored.
    pub fn namespace(&self, name: &str) -> Option<&Arc<Plain>> {
        self.plain("", "Namespace", "", name)
    }

    /// The pods bound to a node, by id.
    pub fn pods_on(&self, node: &str) -> impl Iterator<Item = (ObjectId, &Arc<Pod>)> {
        let ids = self.pods_by_node.get(node);
        ids.into_iter().flatten().filter_map(|id| Some((*id, self.pods.by_id(*id)?)))
    }

    /// The pods of a namespace that may carry these labels: those with the rarest pair of them, by id; all if there is none.
    pub fn pods_matching<'v>(&'v self, namespace: &str, labels: &Labels) -> Box<dyn Iterator<Item = &'v Arc<Pod>> + 'v> {
        if labels.is_empty() {
            return Box::new(self.pods.in_namespace(namespace));
        }
        let ids = rarest(&self.pods_by_label, namespace, labels);
        Box::new(ids.into_iter().flatten().filter_map(|id| self.pods.by_id(*id)))
    }

    /// The same of the pods that no controller manages.
    pub fn lone_pods<'v>(&'v self, namespace: &str, labels: &Labels) -> Box<dyn Iterator<Item = &'v Arc<Pod>> + 'v> {
        if labels.is_empty() {
            return Box::new(self.pods.in_namespace(namespace).filter(|pod| pod.meta.controller().is_none()));
        }
        let ids = rarest(&self.lone_pods, namespace, labels);
        Box::new(ids.into_iter().flatten().filter_map(|id| self.pods.by_id(*id)))
    }

    /// The replica sets of a namespace that no controller manages, by id.
    pub fn lone_sets(&self, namespace: &str) -> impl Iterator<Item = &Arc<ReplicaSet>> {
        self.lone_sets.get(namespace).into_iter().flatten().filter_map(|id| self.replica_sets.by_id(*id))
    }

    /// How many live pods `uid` manages, by their labels.
    pub fn tallies(&self, uid: &str) -> impl Iterator<Item = (&Labels, Tally)> {
        self.owned.of(uid)
    }

    /// The slices labelled as belonging to a Service, by id.
    pub fn slices_of(&self, namespace: &str, service: &str) -> impl Iterator<Item = &Arc<EndpointSlice>> {
        let ids = self.slices_by_service.get(&(Name::from(namespace), Name::from(service)));
        ids.into_iter().flatten().filter_map(|id| self.slices.by_id(*id))
    }

    /// The objects that name `uid` among their owners, by id.
    pub fn dependents(&self, uid: &str) -> impl Iterator<Item = (ObjectId, Object)> + '_ {
        self.dependents.get(uid).into_iter().flatten().filter_map(|id| Some((*id, self.object(*id)?)))
    }

    /// The pods managed by `uid`, by id.
    pub fn pods_owned(&self, uid: &str) -> impl Iterator<Item = (ObjectId, &Arc<Pod>)> {
        let ids = self.dependents.get(uid);
        ids.into_iter().flatten().filter_map(|id| Some((*id, self.pods.by_id(*id)?)))
    }

    /// The same without Events: no component watches them, and so their maps need not be copied on write.
    pub(super) fn without_events(&self) -> View {
        View { events: Table::default(), ..self.clone() }
    }

    /// Replaces `before` by `after` under `id`, indexes included.
    pub(super) fn apply(&mut self, id: ObjectId, before: Option<&Object>, after: Option<&Object>) {
        let moved = match (before, after) {
            (Some(before), Some(after)) => !indexed_alike(before, after),
            _ => true,
        };
        self.owned.note(before, after);
        if let Some(before) = before.filter(|_| moved) {
            self.index(id, before, false);
            if after.is_none() {
                self.remove(id, before);
            }
        }
        if let Some(after) = after {
            self.put(id, after);
            if moved {
                self.index(id, after, true);
            }
        }
    }

    fn put(&mut self, id: ObjectId, object: &Object) {
        let (namespace, name) = (&object.meta().namespace.clone(), &object.meta().name.clone());
        match object {
            Object::Pod(o) => self.pods.put(id, namespace, name, o.clone()),
            Object::Service(o) => self.services.put(id, namespace, name, o.clone()),
            Object::EndpointSlice(o) => self.slices.put(id, namespace, name, o.clone()),
            Object::Endpoints(o) => self.endpoints.put(id, namespace, name, o.clone()),
            Object::Node(o) => self.nodes.put(id, namespace, name, o.clone()),
            Object::Deployment(o) => self.deployments.put(id, namespace, name, o.clone()),
            Object::ReplicaSet(o) => self.replica_sets.put(id, namespace, name, o.clone()),
            Object::Lease(o) => self.leases.put(id, namespace, name, o.clone()),
            Object::Event(o) => self.events.put(id, namespace, name, o.clone()),
            Object::NetworkPolicy(o) => self.policies.put(id, namespace, name, o.clone()),
            Object::Plain(o) => self.plain.entry(object.kind_name()).or_default().put(id, namespace, name, o.clone()),
        }
    }

    fn remove(&mut self, id: ObjectId, object: &Object) {
        let (namespace, name) = (&object.meta().namespace, &object.meta().name);
        match object {
            Object::Pod(_) => self.pods.remove(id, namespace, name),
            Object::Service(_) => self.services.remove(id, namespace, name),
            Object::EndpointSlice(_) => self.slices.remove(id, namespace, name),
            Object::Endpoints(_) => self.endpoints.remove(id, namespace, name),
            Object::Node(_) => self.nodes.remove(id, namespace, name),
            Object::Deployment(_) => self.deployments.remove(id, namespace, name),
            Object::ReplicaSet(_) => self.replica_sets.remove(id, namespace, name),
            Object::Lease(_) => self.leases.remove(id, namespace, name),
            Object::Event(_) => self.events.remove(id, namespace, name),
            Object::NetworkPolicy(_) => self.policies.remove(id, namespace, name),
            Object::Plain(_) => {
                if let Some(table) = self.plain.get_mut(&object.kind_name()) {
                    table.remove(id, namespace, name);
                }
            }
        }
    }

    /// Adds or removes the index entries of one object.
    fn index(&mut self, id: ObjectId, object: &Object, add: bool) {
        for owner in object.meta().owners.iter() {
            change(&mut self.dependents, owner.uid.clone(), id, add);
        }
        match object {
            Object::Pod(pod) => {
                if let Some(node) = &pod.node {
                    change(&mut self.pods_by_node, node.clone(), id, add);
                }
                for (key, value) in &pod.meta.labels.0 {
                    let place = (pod.meta.namespace.clone(), key.clone(), value.clone());
                    if pod.meta.controller().is_none() {
                        change(&mut self.lone_pods, place.clone(), id, add);
                    }
                    change(&mut self.pods_by_label, place, id, add);
                }
            }
            Object::ReplicaSet(set) if set.meta.controller().is_none() => {
                change(&mut self.lone_sets, set.meta.namespace.clone(), id, add);
            }
            Object::EndpointSlice(slice) => {
                if let Some(service) = slice.service() {
                    let key = (slice.meta.namespace.clone(), Name::from(service));
                    change(&mut self.slices_by_service, key, id, add);
                }
            }
            _ => {}
        }
    }
}

/// Whether two versions of one object stand under the same keys in every index: most writes are reports of a status.
fn indexed_alike(before: &Object, after: &Object) -> bool {
    let same = match (before, after) {
        (Object::Pod(a), Object::Pod(b)) => a.node == b.node && a.meta.labels == b.meta.labels,
        (Object::EndpointSlice(a), Object::EndpointSlice(b)) => a.service() == b.service(),
        _ => true,
    };
    same && before.meta().owners == after.meta().owners
}

fn found<T: Clone>(table: &Table<T>, namespace: &str, name: &str, object: fn(Arc<T>) -> Object) -> Option<(ObjectId, Object)> {
    table.find(namespace, name).map(|(id, found)| (id, object(found.clone())))
}

fn wrap<T: Clone>(table: &Table<T>, namespace: &str, object: fn(Arc<T>) -> Object) -> Vec<Object> {
    if namespace.is_empty() {
        table.iter().cloned().map(object).collect()
    } else {
        table.in_namespace(namespace).cloned().map(object).collect()
    }
}

/// The objects with the rarest of some pairs of labels: the fewest to look at. A pair that none has leaves none.
fn rarest<'v>(
    index: &'v OrdMap<(Name, Name, Name), OrdSet<ObjectId>>,
    namespace: &str,
    labels: &Labels,
) -> Option<&'v OrdSet<ObjectId>> {
    let namespace = Name::from(namespace);
    let of_pair = |(key, value): (&Name, &Name)| index.get(&(namespace.clone(), key.clone(), value.clone()));
    labels.0.iter().map(of_pair).min_by_key(|ids| ids.map_or(0, OrdSet::len)).flatten()
}

fn change<K: Ord + Clone>(index: &mut OrdMap<K, OrdSet<ObjectId>>, key: K, id: ObjectId, add: bool) {
    if add {
        index.entry(key).or_default().insert(id);
    } else if let Some(ids) = index.get_mut(&key) {
        ids.remove(&id);
        if ids.is_empty() {
            index.remove(&key);
        }
    }
}

impl View {
    /// Folds in all objects.
    pub(super) fn digest_objects(&self, into: &mut StateDigest) {
        let View {
            revision,
            pods,
            services,
            slices,
            endpoints,
            nodes,
            deployments,
            replica_sets,
            leases,
            events,
            policies,
            plain,
            // The indexes follow from the objects.
            pods_by_node: _,
            pods_by_label: _,
            slices_by_service: _,
            dependents: _,
            owned: _,
            lone_pods: _,
            lone_sets: _,
        } = self;
        into.fold(revision);
        pods.digest(into);
        services.digest(into);
        slices.digest(into);
        endpoints.digest(into);
        nodes.digest(into);
        deployments.digest(into);
        replica_sets.digest(into);
        leases.digest(into);
        events.digest(into);
        policies.digest(into);
        into.parts(plain.iter().filter(|(_, table)| !table.is_empty()));
    }
}

/// A photograph is known by its revision, as long as the log of changes reaches back to it from the present.
impl Digestible for View {
    fn digest(&self, into: &mut StateDigest) {
        into.version("view", self.revision, |into| self.digest_objects(into));
    }
}
