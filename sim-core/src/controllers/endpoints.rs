//! The endpoints controller: the older, single-object list, kept beside the slices.
//!
//! Terminating pods are left out of it; at most 1,000 addresses are listed. Left out: nothing.
//! The real thing: `pkg/controller/endpoint/endpoints_controller.go`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::controller::{Controller, Look};
use super::endpoint_slice::{Selectors, selected, target_port};
use super::work_queue::Retry;
use super::{Key, Plan};
use crate::api::component::Write;
use crate::engine::digest::{Digestible, StateDigest};
use crate::engine::time::Duration;
use crate::objects::endpoints::{Address, Endpoints, Subset};
use crate::objects::labels::Labels;
use crate::objects::meta::Meta;
use crate::objects::pod::Pod;
use crate::objects::pod_spec::Protocol;
use crate::objects::service::Service;
use crate::objects::{KindName, Name, Object};
use crate::store::{Change, View};

/// Most addresses of one object.
const CAPACITY: usize = 1000;
const OVER_CAPACITY: &str = "endpoints.kubernetes.io/over-capacity";

type Ports = Vec<(Name, u16, Protocol)>;

/// Looks at one Service.
pub fn reconcile(view: &View, (namespace, name): &Key) -> Plan {
    let mut plan = Plan::default();
    let stored = view.endpoints.get(namespace, name);
    let Some(service) = view.services.get(namespace, name) else {
        // What this controller keeps goes with the Service; what somebody made by hand before the Service is there stays.
        if stored.is_some_and(|e| ours(e)) {
            let kind = KindName { group: Name::default(), kind: "Endpoints".into() };
            let (namespace, name) = (namespace.clone(), name.clone());
            plan.push(Write::Delete { kind, namespace, name, uid: None, grace: None, propagation: None });
        }
        return plan;
    };
    if service.selector.is_none() || service.is_external_name() {
        return plan;
    }
    let (subsets, over) = subsets(view, service);
    let mut labels = (*service.meta.labels).clone();
    if service.headless {
        labels = labels.with("service.kubernetes.io/headless", "");
    }
    labels = labels.with("endpoints.kubernetes.io/managed-by", "endpoint-controller");
    match stored {
        None => {
            let mut meta = Meta::named(namespace, name);
            meta.labels = Arc::new(labels);
            mark(&mut meta, over);
            plan.push(Write::Create(Object::Endpoints(Arc::new(Endpoints { meta, subsets, given: None }))));
        }
        Some(old) => {
            let mut new = (**old).clone();
            (new.subsets, new.meta.labels, new.given) = (subsets, Arc::new(labels), None);
            mark(&mut new.meta, over);
            if new.subsets != old.subsets || new.meta != old.meta {
                plan.push(Write::Update(Object::Endpoints(Arc::new(new))));
            }
        }
    }
    plan
}

fn ours(stored: &Endpoints) -> bool {
    stored.meta.labels.get("endpoints.kubernetes.io/managed-by") == Some("endpoint-controller")
}

fn mark(meta: &mut Meta, over: bool) {
    let mut annotations: Labels = (*meta.annotations).clone();
    annotations.0.remove(OVER_CAPACITY);
    meta.annotations = Arc::new(if over { annotations.with(OVER_CAPACITY, "truncated") } else { annotations });
}

/// The addresses grouped by the ports they serve, and whether some were left out.
fn subsets(view: &View, service: &Service) -> (Vec<Subset>, bool) {
    let mut groups: BTreeMap<Ports, (Vec<Address>, Vec<Address>)> = BTreeMap::new();
    let wanted = |p: &Arc<Pod>| service.publish_not_ready || !p.meta.deleting();
    for pod in selected(view, service).into_iter().filter(wanted) {
        let ports = ports(service, &pod);
        let group = groups.entry(ports).or_default();
        let list = if service.publish_not_ready || pod.ready() { &mut group.0 } else { &mut group.1 };
        list.push(address(service, &pod));
    }
    let subset = |(ports, (mut ready, mut not_ready)): (Ports, (Vec<Address>, Vec<Address>))| {
        ready.sort_by(by_address);
        not_ready.sort_by(by_address);
        Subset { ready, not_ready, ports }
    };
    let mut subsets: Vec<Subset> = groups.into_iter().map(subset).collect();
    let over = truncate(&mut subsets);
    (subsets, over)
}

/// Cuts the lists to the capacity, each in proportion to its length; whether there was something to cut. Addresses that are not
/// ready go first.
pub(super) fn truncate(subsets: &mut [Subset]) -> bool {
    let ready: usize = subsets.iter().map(|s| s.ready.len()).sum();
    let not_ready: usize = subsets.iter().map(|s| s.not_ready.len()).sum();
    if ready + not_ready <= CAPACITY {
        return false;
    }
    let cuts_ready = ready > CAPACITY;
    let (room, total) = if cuts_ready { (CAPACITY, ready) } else { (CAPACITY - ready, not_ready) };
    let mut left = room;
    for subset in subsets {
        if cuts_ready {
            subset.not_ready.clear();
        }
        let list = if cuts_ready { &mut subset.ready } else { &mut subset.not_ready };
        // Rounded up, so that the last one may get less than its part.
        let kept = (list.len() * room).div_ceil(total).min(left);
        list.truncate(kept);
        left -= kept;
    }
    true
}

/// Sorted as upstream sorts: by the bytes of the address.
fn by_address(a: &Address, b: &Address) -> std::cmp::Ordering {
    let bytes = |address: &Address| address.ip.parse::<std::net::IpAddr>().ok();
    bytes(a).cmp(&bytes(b))
}

fn ports(service: &Service, pod: &Pod) -> Ports {
    let resolved = |p: &crate::objects::service::ServicePort| Some((p.name.clone(), target_port(p, pod)?, p.protocol));
    let mut ports: Ports = service.ports.iter().filter_map(resolved).collect();
    ports.sort();
    ports
}

fn address(service: &Service, pod: &Pod) -> Address {
    let named = pod.spec.subdomain.as_deref() == Some(&*service.meta.name);
    let first = service.cluster_ips.first().is_some_and(std::net::IpAddr::is_ipv6);
    let ip = pod.status.ips.iter().find(|ip| ip.is_ipv6() == first).or(pod.status.ips.first());
    Address {
        ip: ip.map(ToString::to_string).unwrap_or_default().into(),
        hostname: pod.spec.hostname.clone().filter(|_| named),
        node: pod.node.clone(),
        pod: Some((pod.meta.namespace.clone(), pod.meta.name.clone(), pod.meta.uid.clone().unwrap_or_default())),
    }
}

/// The endpoints controller, with the Services it has seen.
#[derive(Clone, Debug, Default)]
pub struct EndpointsController(Selectors);

impl Controller for EndpointsController {
    fn watches(&self, object: &Object, _: &Change) -> bool {
        matches!(object, Object::Service(_) | Object::Pod(_) | Object::Endpoints(_))
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
}

impl Digestible for EndpointsController {
    fn digest(&self, into: &mut StateDigest) {
        let EndpointsController(selectors) = self;
        selectors.digest(into);
    }
}
