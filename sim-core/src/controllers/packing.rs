//! How endpoints are dealt out to slices: few writes matter more than few slices, and nothing is ever rebalanced.
//!
//! The real thing: `staging/src/k8s.io/endpointslice/reconciler.go`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::api::component::Write;
use crate::objects::endpoint_slice::{AddressType, Endpoint, EndpointSlice, MANAGED_BY, SERVICE_NAME, SlicePort};
use crate::objects::labels::Labels;
use crate::objects::meta::{Meta, Owner};
use crate::objects::service::Service;
use crate::objects::{Name, Object};
use crate::store::View;

/// Endpoints per slice, at most (`--max-endpoints-per-slice`).
pub const FULL: usize = 100;
/// Who keeps the slices.
pub const MANAGER: &str = "endpointslice-controller.k8s.io";
const HEADLESS: &str = "service.kubernetes.io/headless";

/// What the endpoints of one slice have in common.
pub type Shape = (AddressType, Vec<SlicePort>);

/// The writes that make a Service's slices hold exactly what is wanted, `full` endpoints in each at most.
pub fn pack(view: &View, service: &Arc<Service>, wanted: BTreeMap<Shape, Vec<Endpoint>>, full: usize) -> Vec<Write> {
    let labels = labels(service);
    let ours = |s: &&Arc<EndpointSlice>| s.meta.labels.get(MANAGED_BY) == Some(MANAGER) && !s.meta.deleting();
    let mut existing: BTreeMap<Shape, Vec<Arc<EndpointSlice>>> = BTreeMap::new();
    let mut foreign: Vec<Arc<EndpointSlice>> = Vec::new();
    for slice in view.slices_of(&service.meta.namespace, &service.meta.name).filter(ours) {
        if of_another(slice, service) {
            foreign.push(slice.clone());
            continue;
        }
        existing.entry((slice.family, slice.ports.clone())).or_default().push(slice.clone());
    }
    let mut writes = Vec::new();
    // Slices of shapes that are gone are used for new shapes of the same family, as upstream recycles them; the rest is deleted.
    let mut spare: Vec<Arc<EndpointSlice>> = Vec::new();
    let gone: Vec<Shape> = existing.keys().filter(|shape| !wanted.contains_key(*shape)).cloned().collect();
    gone.iter().for_each(|shape| spare.extend(existing.remove(shape).unwrap_or_default()));
    for (shape, endpoints) in wanted {
        let slices = existing.remove(&shape).unwrap_or_default();
        let mut packed = Packed::new(slices, endpoints, full);
        packed.deal_out();
        packed.write(service, &shape, &labels, &mut spare, &mut writes);
    }
    for slice in spare.into_iter().chain(foreign) {
        writes.push(Write::delete(&Object::EndpointSlice(slice), None, None));
    }
    writes
}

/// Whether a slice is left over from an older Service of the same name.
fn of_another(slice: &EndpointSlice, service: &Service) -> bool {
    let mut owners = slice.meta.owners.iter().filter(|o| &*o.kind == "Service").peekable();
    owners.peek().is_some() && owners.all(|o| service.meta.uid.as_ref() != Some(&o.uid))
}

/// The slices of one shape while they are being filled.
struct Packed {
    /// What stays in each existing slice, and whether it is written anyway.
    kept: Vec<(Arc<EndpointSlice>, Vec<Endpoint>, bool)>,
    /// What has no slice yet.
    rest: Vec<Endpoint>,
    fresh: Vec<Vec<Endpoint>>,
    /// What a slice holds at most.
    full: usize,
}

impl Packed {
    /// Updates in place: an endpoint stays in the slice it is in.
    fn new(slices: Vec<Arc<EndpointSlice>>, endpoints: Vec<Endpoint>, full: usize) -> Packed {
        let mut wanted: BTreeMap<(Vec<Name>, Name), Endpoint> = endpoints.into_iter().map(|e| (identity(&e), e)).collect();
        let kept = slices
            .into_iter()
            .map(|slice| {
                let kept: Vec<Endpoint> = slice.endpoints.iter().filter_map(|e| wanted.remove(&identity(e))).collect();
                let touched = kept != slice.endpoints;
                (slice, kept, touched)
            })
            .collect();
        Packed { kept, rest: wanted.into_values().collect(), fresh: Vec::new(), full }
    }

    fn deal_out(&mut self) {
        let full = self.full;
        // Slices that are written anyway, fullest first.
        let mut written: Vec<usize> = (0..self.kept.len()).filter(|i| self.kept[*i].2).collect();
        written.sort_by_key(|i| std::cmp::Reverse(self.kept[*i].1.len()));
        for at in written {
            let room = (full - self.kept[at].1.len().min(full)).min(self.rest.len());
            self.kept[at].1.extend(self.rest.drain(..room));
        }
        if self.rest.is_empty() {
            return;
        }
        // What is left over a multiple of a full slice goes into the untouched slice that it fills best.
        let over = self.rest.len() % full;
        let fits = |i: &usize| !self.kept[*i].2 && over > 0 && self.kept[*i].1.len() + over <= full;
        if let Some(at) = (0..self.kept.len()).filter(fits).max_by_key(|i| self.kept[*i].1.len()) {
            let tail = self.rest.split_off(self.rest.len() - over);
            self.kept[at].1.extend(tail);
            self.kept[at].2 = true;
        }
        while !self.rest.is_empty() {
            let take = self.rest.len().min(full);
            self.fresh.push(self.rest.drain(..take).collect());
        }
    }

    fn write(
        self,
        service: &Arc<Service>,
        shape: &Shape,
        labels: &Labels,
        spare: &mut Vec<Arc<EndpointSlice>>,
        writes: &mut Vec<Write>,
    ) {
        let everything_empty = self.fresh.is_empty() && self.kept.iter().all(|(_, kept, _)| kept.is_empty());
        let placeholder = everything_empty && shape.1.is_empty();
        let mut placed = false;
        for (slice, endpoints, touched) in self.kept {
            if endpoints.is_empty() && (placed || !placeholder) {
                spare.push(slice);
                continue;
            }
            placed = true;
            if touched || *slice.meta.labels != *labels {
                writes.push(update(&slice, shape, labels, endpoints));
            }
        }
        let mut fresh = self.fresh;
        if placeholder && !placed {
            fresh.push(Vec::new());
        }
        for endpoints in fresh {
            let recycled = spare.iter().position(|s| s.family == shape.0).map(|at| spare.remove(at));
            writes.push(match recycled {
                Some(slice) => update(&slice, shape, labels, endpoints),
                None => create(service, shape, labels, endpoints),
            });
        }
    }
}

/// What makes an endpoint the same one: its address and the object behind it.
fn identity(endpoint: &Endpoint) -> (Vec<Name>, Name) {
    let target = endpoint.target.as_ref().map(|t| t.uid.clone()).unwrap_or_default();
    (endpoint.addresses.clone(), target)
}

fn labels(service: &Service) -> Labels {
    let mut labels = (*service.meta.labels).clone();
    labels.0.remove(HEADLESS);
    let mut labels = labels.with(SERVICE_NAME, &service.meta.name).with(MANAGED_BY, MANAGER);
    if service.headless {
        labels = labels.with(HEADLESS, "");
    }
    labels
}

fn update(slice: &Arc<EndpointSlice>, shape: &Shape, labels: &Labels, endpoints: Vec<Endpoint>) -> Write {
    let mut changed = (**slice).clone();
    (changed.ports, changed.endpoints, changed.given) = (shape.1.clone(), endpoints, None);
    changed.meta.labels = Arc::new(labels.clone());
    Write::Update(Object::EndpointSlice(Arc::new(changed)))
}

fn create(service: &Arc<Service>, shape: &Shape, labels: &Labels, endpoints: Vec<Endpoint>) -> Write {
    let mut meta = Meta::named(&service.meta.namespace, "");
    meta.generate_name = Some(format!("{}-", service.meta.name).into());
    meta.labels = Arc::new(labels.clone());
    meta.owners = Arc::from([Owner {
        api_version: "v1".into(),
        kind: "Service".into(),
        name: service.meta.name.clone(),
        uid: service.meta.uid.clone().unwrap_or_default(),
        controller: Some(true),
        block: Some(true),
    }]);
    let slice = EndpointSlice { meta, family: shape.0, ports: shape.1.clone(), endpoints, given: None };
    Write::Create(Object::EndpointSlice(Arc::new(slice)))
}
