//! The cloud's service controller: a Service of type LoadBalancer gets a balancer, and its address into its status.
//!
//! In a real cluster this loop runs in the cloud-controller-manager, on the same frame as the others. A finalizer holds a deleted
//! Service until its balancer is gone. Left out: `UpdatedLoadBalancer` when nodes come and go, the retries of a failing cloud.
//! The real thing: `k8s.io/cloud-provider/controllers/service`.

use std::sync::Arc;

use super::controller::{Controller, Look};
use super::plan::{Plan, note};
use super::work_queue::Retry;
use super::{Key, meta_key};
use crate::api::component::{Clock, Write};
use crate::cloud::{Balancers, Provider};
use crate::engine::digest::{Digestible, StateDigest};
use crate::engine::time::Duration;
use crate::objects::service::Service;
use crate::objects::{Name, Object};
use crate::store::{Change, View};

/// The cloud's controller of load balancers.
#[derive(Clone, Debug, Default)]
pub struct ServiceLbController;

impl Controller for ServiceLbController {
    fn watches(&self, object: &Object, _: &Change) -> bool {
        matches!(object, Object::Service(_))
    }

    fn keys_of(&mut self, _: &View, change: &Change) -> Vec<Key> {
        [change.before.as_ref(), change.after.as_ref()].into_iter().flatten().map(|o| meta_key(o.meta())).collect()
    }

    fn all_keys(&mut self, view: &View) -> Vec<Key> {
        view.services.iter().map(|s| meta_key(&s.meta)).collect()
    }

    fn reconcile(&mut self, look: Look<'_>) -> Plan {
        reconcile(look.cloud, look.view, look.key, look.clock)
    }

    fn retry(&self) -> Retry {
        Retry { base: Duration::from_secs(5), max: Duration::from_secs(300), tries_max: 0 }
    }
}

impl Digestible for ServiceLbController {
    fn digest(&self, _: &mut StateDigest) {
        let ServiceLbController = self;
    }
}

const FINALIZER: &str = "service.kubernetes.io/load-balancer-cleanup";
const SOURCE: &str = "service-controller";

/// Looks at one Service.
pub fn reconcile(cloud: &mut Balancers, view: &View, key: &Key, clock: Clock) -> Plan {
    let mut plan = Plan::default();
    if cloud.config().provider == Provider::None {
        return plan;
    }
    match view.services.get(&key.0, &key.1) {
        None => {
            cloud.remove(key);
        }
        Some(service) if cloud.is_for(service) => ensure(cloud, service, key, clock, &mut plan),
        Some(service) => remove(cloud, service, key, &mut plan),
    }
    plan
}

fn ensure(cloud: &mut Balancers, service: &Arc<Service>, key: &Key, clock: Clock, plan: &mut Plan) {
    let object = Object::Service(service.clone());
    if !service.meta.finalizers.iter().any(|f| &**f == FINALIZER) {
        let mut held = (**service).clone();
        held.meta.finalizers = service.meta.finalizers.iter().cloned().chain([Name::from(FINALIZER)]).collect();
        plan.push(Write::Update(Object::Service(Arc::new(held))));
    }
    let Some(balancer) = cloud.ensure(service, key, clock.now) else {
        let text = "Error syncing load balancer: failed to ensure load balancer: no address is free";
        plan.push(note(&object, true, "SyncLoadBalancerFailed", text, SOURCE));
        return;
    };
    if balancer.ready_at > clock.now {
        let begun = balancer.ready_at == clock.now + cloud.config().delay;
        if begun {
            plan.push(note(&object, false, "EnsuringLoadBalancer", "Ensuring load balancer", SOURCE));
        }
        plan.again = Some(balancer.ready_at.since(clock.now));
    } else if service.ingress != [balancer.ingress.clone()] && plan.is_empty() {
        let mut shown = (**service).clone();
        shown.ingress = vec![balancer.ingress];
        plan.push(Write::Status { object: Object::Service(Arc::new(shown)), checked: true });
        plan.push(note(&object, false, "EnsuredLoadBalancer", "Ensured load balancer", SOURCE));
    }
}

/// The balancer goes; then the Service may.
fn remove(cloud: &mut Balancers, service: &Arc<Service>, key: &Key, plan: &mut Plan) {
    let object = Object::Service(service.clone());
    if cloud.remove(key) {
        for (reason, text) in
            [("DeletingLoadBalancer", "Deleting load balancer"), ("DeletedLoadBalancer", "Deleted load balancer")]
        {
            plan.push(note(&object, false, reason, text, SOURCE));
        }
    }
    if service.meta.finalizers.iter().any(|f| &**f == FINALIZER) {
        let mut freed = (**service).clone();
        freed.meta.finalizers = service.meta.finalizers.iter().filter(|f| &***f != FINALIZER).cloned().collect();
        plan.push(Write::Update(Object::Service(Arc::new(freed))));
    }
}
