//! The endpoint slice controller: the addresses behind each Service with a selector.
//!
//! Left out: topology hints but for `trafficDistribution: PreferClose`, the trigger-time annotation.
//! The real thing: `pkg/controller/endpointslice`, `staging/src/k8s.io/endpointslice`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use super::controller::{Controller, Look};
use super::packing::{self, Shape};
use super::work_queue::Retry;
use super::{Key, Plan, meta_key};
use crate::engine::digest::{Digestible, StateDigest};
use crate::engine::time::Duration;
use crate::objects::endpoint_slice::{AddressType, Endpoint, SlicePort, TargetRef};
use crate::objects::labels::Labels;
use crate::objects::pod::Pod;
use crate::objects::service::{Service, ServicePort, Target};
use crate::objects::{Name, Object};
use crate::store::{Change, View};

/// Which Services may select a pod: by namespace and the first pair of their selector, so that a pod's change does not meet
/// every Service.
#[derive(Clone, Debug, Default)]
pub struct Selectors(OrdMap<(Name, Name, Name), OrdSet<(Name, Labels)>>);

impl Selectors {
    /// Forgets everything and learns all Services of a photograph, which it lists.
    pub fn relist(&mut self, view: &View) -> Vec<Key> {
        self.0.clear();
        view.services.iter().for_each(|s| self.learn(s, true));
        view.services.iter().map(|s| meta_key(&s.meta)).collect()
    }

    fn learn(&mut self, service: &Service, add: bool) {
        let Some(selector) = &service.selector else { return };
        let Some((key, value)) = selector.0.first_key_value() else { return };
        let entry = self.0.entry((service.meta.namespace.clone(), key.clone(), value.clone())).or_default();
        let item = (service.meta.name.clone(), selector.clone());
        if add {
            entry.insert(item);
        } else {
            entry.remove(&item);
        }
    }

    fn of_pod(&self, pod: &Pod) -> Vec<Key> {
        let namespace = &pod.meta.namespace;
        let candidates = pod.meta.labels.0.iter().filter_map(|(k, v)| self.0.get(&(namespace.clone(), k.clone(), v.clone())));
        let matching = candidates.flatten().filter(|(_, selector)| selector.contained_in(&pod.meta.labels));
        matching.map(|(name, _)| (namespace.clone(), name.clone())).collect()
    }

    /// The Services a change concerns.
    pub fn keys_of(&mut self, change: &Change) -> Vec<Key> {
        let mut keys = Vec::new();
        if let (Some(Object::Pod(before)), Some(Object::Pod(after))) = (&change.before, &change.after)
            && shown(before) == shown(after)
        {
            return keys;
        }
        for (object, after) in [(change.before.as_ref(), false), (change.after.as_ref(), true)] {
            match object {
                Some(Object::Service(service)) => {
                    self.learn(service, after);
                    keys.push(meta_key(&service.meta));
                }
                Some(Object::Pod(pod)) => keys.extend(self.of_pod(pod)),
                Some(Object::EndpointSlice(slice)) => {
                    keys.extend(slice.service().map(|s| (slice.meta.namespace.clone(), Name::from(s))));
                }
                // Of Endpoints only the end is watched.
                Some(Object::Endpoints(endpoints)) if change.after.is_none() => keys.push(meta_key(&endpoints.meta)),
                _ => {}
            }
        }
        keys
    }
}

/// What of a pod a Service's endpoints can show: most reports of a kubelet change none of it, and wake nobody here. (Upstream:
/// `podEndpointsChanged`.)
#[derive(PartialEq)]
struct Shown<'p> {
    ips: &'p [IpAddr],
    labels: &'p Labels,
    node: Option<&'p Name>,
    ready: bool,
    deleting: bool,
    finished: bool,
}

/// A pod without address is not seen at all.
fn shown(pod: &Pod) -> Option<Shown<'_>> {
    let ips = Some(&pod.status.ips[..]).filter(|ips| !ips.is_empty())?;
    let (labels, node) = (&*pod.meta.labels, pod.node.as_ref());
    Some(Shown { ips, labels, node, ready: pod.ready(), deleting: pod.meta.deleting(), finished: pod.finished() })
}

/// Looks at one Service.
pub fn reconcile(view: &View, (namespace, name): &Key) -> Plan {
    let Some(service) = view.services.get(namespace, name) else { return Plan::default() };
    if service.selector.is_none() || service.is_external_name() || service.meta.deleting() {
        return Plan::default();
    }
    let mut wanted: BTreeMap<Shape, Vec<Endpoint>> = BTreeMap::new();
    let families = families(service);
    for pod in selected(view, service) {
        for family in &families {
            if let Some(endpoint) = endpoint(view, service, &pod, *family) {
                wanted.entry((*family, ports(service, &pod))).or_default().push(endpoint);
            }
        }
    }
    // A selector without pods still has one slice, empty and without ports.
    if wanted.is_empty()
        && let Some(family) = families.first()
    {
        wanted.insert((*family, Vec::new()), Vec::new());
    }
    let mut plan = Plan::default();
    plan.extend(packing::pack(view, service, wanted, packing::FULL));
    plan
}

/// The pods a Service selects that have an address and have not ended.
pub fn selected(view: &View, service: &Service) -> Vec<Arc<Pod>> {
    let Some(selector) = &service.selector else { return Vec::new() };
    let usable = |p: &&Arc<Pod>| !p.finished() && !p.status.ips.is_empty() && selector.contained_in(&p.meta.labels);
    view.pods_matching(&service.meta.namespace, selector).filter(usable).cloned().collect()
}

/// The address families of a Service, its first one first.
fn families(service: &Service) -> Vec<AddressType> {
    let of = |ip: &IpAddr| if ip.is_ipv6() { AddressType::V6 } else { AddressType::V4 };
    let written = crate::objects::json::At::top(&service.doc).at("spec").at("ipFamilies").names();
    let mut list: Vec<AddressType> = if written.is_empty() {
        service.cluster_ips.iter().map(of).collect()
    } else {
        written.iter().map(|f| if &**f == "IPv6" { AddressType::V6 } else { AddressType::V4 }).collect()
    };
    list.dedup();
    if list.is_empty() { vec![AddressType::V4] } else { list }
}

fn endpoint(view: &View, service: &Service, pod: &Arc<Pod>, family: AddressType) -> Option<Endpoint> {
    let node_name = pod.node.clone();
    let node = node_name.as_ref().and_then(|n| view.nodes.get("", n));
    // A pod whose node is not known is left for later, unless readiness does not matter.
    if node.is_none() && !service.publish_not_ready {
        return None;
    }
    let address = pod.status.ips.iter().find(|ip| ip.is_ipv6() == (family == AddressType::V6))?;
    let (serving, terminating) = (pod.ready(), pod.meta.deleting());
    let zone = node.and_then(|n| n.zone()).map(Name::from);
    let named = pod.spec.subdomain.as_deref() == Some(&*service.meta.name);
    let close = matches!(service.traffic_distribution.as_deref(), Some("PreferClose" | "PreferSameZone"));
    let ready = service.publish_not_ready || serving && !terminating;
    Some(Endpoint {
        addresses: vec![address.to_string().into()],
        ready: Some(ready),
        serving: Some(serving),
        terminating: Some(terminating),
        hostname: pod.spec.hostname.clone().filter(|_| named),
        node: node_name,
        zone_hints: zone.clone().filter(|_| close && ready).into_iter().collect(),
        zone,
        target: Some(TargetRef {
            kind: "Pod".into(),
            namespace: pod.meta.namespace.clone(),
            name: pod.meta.name.clone(),
            uid: pod.meta.uid.clone().unwrap_or_default(),
        }),
        node_hints: Vec::new(),
    })
}

/// The ports of a Service as this pod resolves them, sorted; a name the pod does not have leaves that port out.
fn ports(service: &Service, pod: &Pod) -> Vec<SlicePort> {
    let mut list: Vec<SlicePort> = service
        .ports
        .iter()
        .filter_map(|port| {
            Some(SlicePort {
                name: Some(port.name.clone()),
                protocol: port.protocol,
                port: Some(target_port(port, pod)?),
                app_protocol: port.app_protocol.clone(),
            })
        })
        .collect();
    list.sort();
    list
}

/// The number behind `targetPort` for one pod.
pub fn target_port(port: &ServicePort, pod: &Pod) -> Option<u16> {
    match &port.target {
        None => Some(port.port),
        Some(Target::Number(n)) => Some(*n),
        Some(Target::Name(name)) => pod.spec.named_port(name, port.protocol),
    }
}

impl Digestible for Selectors {
    fn digest(&self, into: &mut StateDigest) {
        let Selectors(by_pair) = self;
        for (pair, services) in by_pair {
            into.fold(pair);
            into.list(services);
        }
        into.fold(&by_pair.len());
    }
}

/// The endpoint slice controller, with the Services it has seen.
#[derive(Clone, Debug, Default)]
pub struct EndpointSliceController(Selectors);

impl Controller for EndpointSliceController {
    fn watches(&self, object: &Object, _: &Change) -> bool {
        matches!(object, Object::Service(_) | Object::Pod(_) | Object::EndpointSlice(_))
    }

    fn keys_of(&mut self, _: &View, change: &Change) -> Vec<Key> {
        self.0.keys_of(change)
    }

    fn all_keys(&mut self, view: &View) -> Vec<Key> {
        self.0.relist(view)
    }

    fn reconcile(&mut self, look: Look<'_>) -> Plan {
        reconcile(look.view, look.key)
    }

    fn retry(&self) -> Retry {
        Retry { base: Duration::from_secs(1), tries_max: 15, ..Retry::USUAL }
    }

    fn ignores_its_writes(&self) -> bool {
        true
    }
}

impl Digestible for EndpointSliceController {
    fn digest(&self, into: &mut StateDigest) {
        let EndpointSliceController(selectors) = self;
        selectors.digest(into);
    }
}
