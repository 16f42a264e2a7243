//! The cloud: load balancers for Services that ask for one.
//!
//! In a real cluster the cloud-controller-manager's service controller asks the provider for a balancer, which takes from a
//! second to minutes, and writes its address into the Service's status; a finalizer holds a deleted Service until the balancer is
//! gone. We model three providers: none (nothing ever happens, which is what a bare cluster does), generic (an address), and one
//! like AWS (a host name). Left out: health checks and targets of balancers, loadBalancerClass implementations.
//! The real thing: `k8s.io/cloud-provider/controllers/service`.

use std::net::IpAddr;
use std::sync::Arc;

use imbl::OrdMap;

use crate::api::component::{Clock, Write};
use crate::controllers::{Key, Plan, note};
use crate::engine::random::Digest;
use crate::engine::time::{Duration, Instant};
use crate::objects::service::{Ingress, Service, ServiceType};
use crate::objects::{Name, Object};
use crate::store::View;

const FINALIZER: &str = "service.kubernetes.io/load-balancer-cleanup";
const SOURCE: &str = "service-controller";

/// Who provides balancers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Provider {
    /// Nobody.
    #[default]
    None,
    /// A cloud that gives addresses.
    Generic,
    /// A cloud that gives host names.
    AwsLike,
}

/// How the cloud is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who.
    pub provider: Provider,
    /// From the request to the address.
    pub delay: Duration,
    /// First and last address of the pool.
    pub pool: (u32, u32),
}

impl Default for Config {
    /// Half a minute, and the upper half of TEST-NET-3, whose lower half the nodes' external addresses come from.
    fn default() -> Self {
        let first = u32::from_be_bytes([203, 0, 113, 128]);
        Config { provider: Provider::None, delay: Duration::from_secs(30), pool: (first, first + 126) }
    }
}

/// One balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Balancer {
    ready_at: Instant,
    ingress: Ingress,
}

/// All balancers of the cloud, by the Service they are for.
#[derive(Clone, Debug)]
pub struct Balancers {
    config: Arc<Config>,
    by_service: OrdMap<Key, Balancer>,
}

impl Balancers {
    /// A cloud without balancers.
    pub fn new(config: Config) -> Self {
        Balancers { config: Arc::new(config), by_service: OrdMap::new() }
    }

    /// Looks at one Service.
    pub fn reconcile(&mut self, view: &View, key: &Key, clock: Clock) -> Plan {
        let mut plan = Plan::default();
        let Some(service) = view.services.get(&key.0, &key.1) else {
            self.by_service.remove(key);
            return plan;
        };
        if self.config.provider == Provider::None {
            return plan;
        }
        let wanted =
            service.kind == ServiceType::LoadBalancer && service.load_balancer_class.is_none() && !service.meta.deleting();
        if wanted {
            self.ensure(service, key, clock, &mut plan)
        } else {
            self.remove(service, key, &mut plan)
        }
        plan
    }

    fn ensure(&mut self, service: &Arc<Service>, key: &Key, clock: Clock, plan: &mut Plan) {
        let object = Object::Service(service.clone());
        if !service.meta.finalizers.iter().any(|f| &**f == FINALIZER) {
            let mut held = (**service).clone();
            held.meta.finalizers = service.meta.finalizers.iter().cloned().chain([Name::from(FINALIZER)]).collect();
            plan.push(Write::Update(Object::Service(Arc::new(held))));
        }
        let known = self.by_service.get(key).cloned();
        let Some(balancer) = known.or_else(|| self.order(service, key, clock)) else {
            let text = "Error syncing load balancer: failed to ensure load balancer: no address is free".to_string();
            plan.push(note(&object, true, "SyncLoadBalancerFailed", text, SOURCE));
            return;
        };
        if balancer.ready_at > clock.now {
            let begun = balancer.ready_at == clock.now + self.config.delay;
            if begun {
                plan.push(note(&object, false, "EnsuringLoadBalancer", "Ensuring load balancer".to_string(), SOURCE));
            }
            plan.again = Some(balancer.ready_at.since(clock.now));
        } else if service.ingress != [balancer.ingress.clone()] && plan.is_empty() {
            let mut shown = (**service).clone();
            shown.ingress = vec![balancer.ingress];
            plan.push(Write::Status { object: Object::Service(Arc::new(shown)), checked: true });
            plan.push(note(&object, false, "EnsuredLoadBalancer", "Ensured load balancer".to_string(), SOURCE));
        }
    }

    /// Orders a balancer; `None` if the pool is empty.
    fn order(&mut self, service: &Service, key: &Key, clock: Clock) -> Option<Balancer> {
        let ingress = match self.config.provider {
            Provider::AwsLike => Ingress { hostname: Some(aws_name(service)), ..Ingress::default() },
            _ => Ingress { ip: Some(self.address(service)?), ..Ingress::default() },
        };
        let balancer = Balancer { ready_at: clock.now + self.config.delay, ingress };
        self.by_service.insert(key.clone(), balancer.clone());
        Some(balancer)
    }

    /// The address asked for, if it is free, else the first free one of the pool.
    fn address(&self, service: &Service) -> Option<IpAddr> {
        let taken = |ip: &IpAddr| self.by_service.values().any(|b| b.ingress.ip == Some(*ip));
        let asked = service.load_balancer_ip.as_ref().and_then(|text| text.parse().ok());
        let (first, last) = self.config.pool;
        let pool = (first..=last).map(|n| IpAddr::from(n.to_be_bytes()));
        asked.into_iter().chain(pool).find(|ip| !taken(ip))
    }

    /// The balancer goes; then the Service may.
    fn remove(&mut self, service: &Arc<Service>, key: &Key, plan: &mut Plan) {
        let had = self.by_service.remove(key).is_some();
        let held = service.meta.finalizers.iter().any(|f| &**f == FINALIZER);
        let object = Object::Service(service.clone());
        if had {
            for (reason, text) in
                [("DeletingLoadBalancer", "Deleting load balancer"), ("DeletedLoadBalancer", "Deleted load balancer")]
            {
                plan.push(note(&object, false, reason, text.to_string(), SOURCE));
            }
        }
        if held {
            let mut freed = (**service).clone();
            freed.meta.finalizers = service.meta.finalizers.iter().filter(|f| &***f != FINALIZER).cloned().collect();
            plan.push(Write::Update(Object::Service(Arc::new(freed))));
        }
    }
}

/// A host name in the form that classic AWS balancers have.
fn aws_name(service: &Service) -> Name {
    let uid: String = service.meta.uid.as_deref().unwrap_or_default().chars().filter(char::is_ascii_hexdigit).take(31).collect();
    let number = Digest::of(&(&*service.meta.name, &uid)) % 9_000_000_000 / 10 + 100_000_000;
    format!("a{uid}-{number}.us-east-1.elb.amazonaws.com").into()
}
