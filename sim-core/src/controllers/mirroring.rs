//! The mirroring controller: hand-made Endpoints of a Service without selector become slices, which is what kube-proxy reads.
//!
//! Left out: the thousand-address cut per subset. The real thing: `pkg/controller/endpointslicemirroring`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::controller::{Controller, Look};
use super::work_queue::Retry;
use super::{Key, Plan, meta_key};
use crate::api::component::Write;
use crate::engine::digest::{Digestible, StateDigest};
use crate::engine::time::Duration;
use crate::objects::endpoint_slice::{AddressType, Endpoint, EndpointSlice, MANAGED_BY, SERVICE_NAME, SlicePort, TargetRef};
use crate::objects::endpoints::{Address, Endpoints, Subset};
use crate::objects::meta::{Meta, Owner};
use crate::objects::{Name, Object};
use crate::store::{Change, View};

/// The mirroring controller.
#[derive(Clone, Debug, Default)]
pub struct MirroringController;

impl Controller for MirroringController {
    fn watches(&self, object: &Object, _: &Change) -> bool {
        match object {
            Object::Service(_) | Object::Endpoints(_) => true,
            Object::EndpointSlice(slice) => ours(slice),
            _ => false,
        }
    }

    fn keys_of(&mut self, _: &View, change: &Change) -> Vec<Key> {
        [change.before.as_ref(), change.after.as_ref()].into_iter().flatten().map(key_of).collect()
    }

    fn all_keys(&mut self, view: &View) -> Vec<Key> {
        view.endpoints.iter().map(|e| meta_key(&e.meta)).collect()
    }

    fn reconcile(&mut self, look: Look<'_>) -> Plan {
        reconcile(look.view, look.key)
    }

    fn retry(&self) -> Retry {
        Retry { base: Duration::from_secs(1), max: Duration::from_secs(100), tries_max: 15 }
    }
}

impl Digestible for MirroringController {
    fn digest(&self, _: &mut StateDigest) {
        let MirroringController = self;
    }
}

const MANAGER: &str = "endpointslicemirroring-controller.k8s.io";
const SKIP: &str = "endpointslice.kubernetes.io/skip-mirror";
const ELECTION: &str = "control-plane.alpha.kubernetes.io/leader";

/// Whether this controller keeps a slice.
pub fn ours(slice: &EndpointSlice) -> bool {
    slice.meta.labels.get(MANAGED_BY) == Some(MANAGER)
}

/// The Endpoints that an object is about: those of its own name, or those that a slice mirrors.
pub fn key_of(object: &Object) -> Key {
    let meta = object.meta();
    let service = if let Object::EndpointSlice(slice) = object { slice.service().map(Name::from) } else { None };
    (meta.namespace.clone(), service.unwrap_or_else(|| meta.name.clone()))
}

/// Looks at one Endpoints object.
pub fn reconcile(view: &View, (namespace, name): &Key) -> Plan {
    let source = view.endpoints.get(namespace, name).filter(|e| wanted(view, e));
    let mut slices: BTreeMap<(AddressType, Vec<SlicePort>), Arc<EndpointSlice>> = BTreeMap::new();
    let mut plan = Plan::default();
    for slice in view.slices_of(namespace, name).filter(|s| ours(s)) {
        slices.insert((slice.family, slice.ports.clone()), slice.clone());
    }
    for (shape, endpoints) in source.map(|e| shapes(e)).unwrap_or_default() {
        match slices.remove(&shape) {
            Some(slice) if slice.endpoints == endpoints => {}
            Some(slice) => {
                let mut changed = (*slice).clone();
                (changed.endpoints, changed.given) = (endpoints, None);
                plan.push(Write::Update(Object::EndpointSlice(Arc::new(changed))));
            }
            None => plan.extend(source.map(|e| create(e, shape, endpoints))),
        }
    }
    for slice in slices.into_values() {
        plan.push(Write::delete(&Object::EndpointSlice(slice.clone()), None, None));
    }
    plan
}

fn wanted(view: &View, endpoints: &Endpoints) -> bool {
    let service = view.services.get(&endpoints.meta.namespace, &endpoints.meta.name);
    let skipped = endpoints.meta.labels.get(SKIP) == Some("true") || endpoints.meta.annotations.get(ELECTION).is_some();
    service.is_some_and(|s| s.selector.is_none()) && !skipped && !endpoints.meta.deleting()
}

fn shapes(endpoints: &Endpoints) -> BTreeMap<(AddressType, Vec<SlicePort>), Vec<Endpoint>> {
    let mut shapes: BTreeMap<(AddressType, Vec<SlicePort>), Vec<Endpoint>> = BTreeMap::new();
    for subset in &endpoints.subsets {
        let ports = ports(subset);
        for (ready, list) in [(true, &subset.ready), (false, &subset.not_ready)] {
            for address in list {
                if let Some(family) = family(address) {
                    shapes.entry((family, ports.clone())).or_default().push(mirror(address, ready));
                }
            }
        }
    }
    shapes
}

fn ports(subset: &Subset) -> Vec<SlicePort> {
    let one = |(name, port, protocol): &(Name, u16, _)| SlicePort {
        name: Some(name.clone()),
        protocol: *protocol,
        port: Some(*port),
        app_protocol: None,
    };
    let mut ports: Vec<SlicePort> = subset.ports.iter().map(one).collect();
    ports.sort();
    ports
}

fn family(address: &Address) -> Option<AddressType> {
    let ip: IpAddr = address.ip.parse().ok()?;
    Some(if ip.is_ipv6() { AddressType::V6 } else { AddressType::V4 })
}

/// Only `ready` is known of a hand-made address.
fn mirror(address: &Address, ready: bool) -> Endpoint {
    let target = address.pod.clone().map(|(namespace, name, uid)| TargetRef { kind: "Pod".into(), namespace, name, uid });
    Endpoint {
        addresses: vec![address.ip.clone()],
        ready: Some(ready),
        hostname: address.hostname.clone(),
        node: address.node.clone(),
        target,
        ..Endpoint::default()
    }
}

fn create(source: &Endpoints, (family, ports): (AddressType, Vec<SlicePort>), endpoints: Vec<Endpoint>) -> Write {
    let mut meta = Meta::named(&source.meta.namespace, "");
    meta.generate_name = Some(format!("{}-", source.meta.name).into());
    meta.labels = Arc::new(source.meta.labels.with(SERVICE_NAME, &source.meta.name).with(MANAGED_BY, MANAGER));
    meta.owners = Arc::from([Owner {
        api_version: "v1".into(),
        kind: "Endpoints".into(),
        name: source.meta.name.clone(),
        uid: source.meta.uid.clone().unwrap_or_default(),
        controller: Some(true),
        block: Some(true),
    }]);
    Write::Create(Object::EndpointSlice(Arc::new(EndpointSlice { meta, family, ports, endpoints, given: None })))
}
