//! Balancers, their targets, and what they hold of each.
//!
//! In a real cluster each balancer (or each of its machines) checks every target by itself; here one check of all targets is made
//! at a time. A target that is new has to prove itself first; one that is taken out keeps open connections until it is drained.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use imbl::OrdMap;

use super::{Balancing, Config, Provider};
use crate::engine::digest::{Digestible, StateDigest};
use crate::engine::random::Digest;
use crate::engine::time::Instant;
use crate::objects::Name;
use crate::objects::service::{Ingress, Service, ServiceType};

/// Namespace and name of a Service.
type Key = (Name, Name);

/// Where a balancer can send a connection.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// A node.
    Node(Name),
    /// A pod, by its address and port.
    Pod(SocketAddr),
}

/// What a balancer holds of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Health {
    /// Whether it gets connections.
    pub healthy: bool,
    /// Since when that is so.
    pub since: Instant,
    /// Until when it keeps its open connections, if it was taken out.
    pub leaving: Option<Instant>,
    /// Checks in a row that said the opposite.
    contrary: u32,
}

impl Health {
    fn new(now: Instant) -> Health {
        Health { healthy: false, since: now, leaving: None, contrary: 0 }
    }

    /// One more result.
    fn observe(&mut self, passed: bool, rules: &Balancing, now: Instant) {
        self.leaving = None;
        self.contrary = if passed == self.healthy { 0 } else { self.contrary + 1 };
        let needed = if self.healthy { rules.fail } else { rules.pass };
        if self.contrary >= needed {
            (self.healthy, self.since, self.contrary) = (passed, now, 0);
        }
    }
}

/// One balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balancer {
    /// When it begins to work.
    pub ready_at: Instant,
    /// What the Service shows of it.
    pub ingress: Ingress,
    /// Its address, which a host name in `ingress` stands for; `None` if the pool was empty.
    pub address: Option<IpAddr>,
    /// Its targets.
    pub targets: OrdMap<Target, Health>,
    number: u32,
}

/// All balancers of the cluster, by the Service they are for. At most as many as the pool has addresses, or Services ask.
#[derive(Clone, Debug)]
pub struct Balancers {
    config: Arc<Config>,
    by_service: OrdMap<Key, Balancer>,
    made: u32,
    /// How many of them have begun to check.
    begun: u32,
}

impl Balancers {
    /// A cloud without balancers.
    pub fn new(config: Config) -> Self {
        Balancers { config: Arc::new(config), by_service: OrdMap::new(), made: 0, begun: 0 }
    }

    /// How the cloud is set up.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Whether this cloud is asked for a balancer.
    pub fn is_for(&self, service: &Service) -> bool {
        let asked = service.kind == ServiceType::LoadBalancer && service.load_balancer_class.is_none();
        self.config.provider != Provider::None && asked && !service.meta.deleting()
    }

    /// The balancer of a Service, which is ordered if there is none; `None` if the pool is empty.
    pub fn ensure(&mut self, service: &Service, key: &Key, now: Instant) -> Option<Balancer> {
        if let Some(known) = self.by_service.get(key) {
            return Some(known.clone());
        }
        let named = self.config.provider == Provider::AwsLike;
        let address = self.address(service.load_balancer_ip.as_ref().filter(|_| !named));
        let ingress = match named {
            true => Ingress { hostname: Some(aws_name(service)), ..Ingress::default() },
            false => Ingress { ip: Some(address?), proxy_mode: self.config.balancing.proxies, ..Ingress::default() },
        };
        self.made += 1;
        let (ready_at, targets) = (now + self.config.delay, OrdMap::new());
        let balancer = Balancer { ready_at, ingress, address, targets, number: self.made };
        self.by_service.insert(key.clone(), balancer.clone());
        Some(balancer)
    }

    /// The address asked for, if it is free, else the first free one of the pool.
    fn address(&self, asked: Option<&Name>) -> Option<IpAddr> {
        let taken = |ip: &IpAddr| self.by_service.values().any(|b| b.address == Some(*ip));
        let asked = asked.and_then(|text| text.parse().ok());
        let (first, last) = self.config.pool;
        let pool = (first..=last).map(|n| IpAddr::from(n.to_be_bytes()));
        asked.into_iter().chain(pool).find(|ip| !taken(ip))
    }

    /// Takes a balancer down; whether there was one.
    pub fn remove(&mut self, key: &Key) -> bool {
        self.by_service.remove(key).is_some()
    }

    /// Those that have not begun to check yet, by number. They begin now.
    pub fn begin(&mut self) -> impl Iterator<Item = u32> + use<> {
        let new = self.begun + 1..=self.made;
        self.begun = self.made;
        new
    }

    /// The Service of a balancer; `None` once it is gone.
    pub fn service(&self, number: u32) -> Option<&Key> {
        self.by_service.iter().find(|(_, b)| b.number == number).map(|(key, _)| key)
    }

    /// The balancer that has an address, with its Service.
    pub fn at(&self, ip: IpAddr) -> Option<(&Key, &Balancer)> {
        self.by_service.iter().find(|(_, b)| b.address == Some(ip))
    }

    /// The address that a balancer's host name stands for in the cloud's DNS, once the balancer works. Names differ in more than case.
    pub fn named(&self, host: &str, now: Instant) -> Option<IpAddr> {
        let is_it = |b: &&Balancer| b.ingress.hostname.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(host));
        self.by_service.values().find(is_it).filter(|b| b.ready_at <= now)?.address
    }

    /// The results of one check of all targets; those that are not among them are no targets any more. Tells which turned
    /// healthy by that, or unhealthy.
    pub fn observe(&mut self, key: &Key, results: &[(Target, bool)], now: Instant) -> Vec<(Target, bool)> {
        let (rules, mut turned) = (self.config.balancing, Vec::new());
        let Some(balancer) = self.by_service.get_mut(key) else { return turned };
        for (target, passed) in results {
            let health = balancer.targets.entry(target.clone()).or_insert_with(|| Health::new(now));
            let before = health.healthy;
            health.observe(*passed, &rules, now);
            turned.extend((health.healthy != before).then(|| (target.clone(), health.healthy)));
        }
        let listed = |target: &Target| results.iter().any(|(t, _)| t == target);
        let gone: Vec<Target> = balancer.targets.keys().filter(|t| !listed(t)).cloned().collect();
        for target in gone {
            let until = balancer.targets.get_mut(&target).map(|health| *health.leaving.get_or_insert(now + rules.draining));
            if until.is_some_and(|until| until <= now) {
                balancer.targets.remove(&target);
            }
        }
        turned
    }
}

impl Digestible for Balancer {
    fn digest(&self, into: &mut StateDigest) {
        let Balancer { ready_at, ingress, address, targets, number } = self;
        into.fold(&(ready_at, ingress, address, number));
        into.list(targets);
    }
}

impl Digestible for Balancers {
    fn digest(&self, into: &mut StateDigest) {
        let Balancers { config, by_service, made, begun } = self;
        into.fold(&(config, made, begun));
        into.parts(by_service);
    }
}

/// A host name in the form that classic AWS balancers have.
fn aws_name(service: &Service) -> Name {
    let uid: String = service.meta.uid.as_deref().unwrap_or_default().chars().filter(char::is_ascii_hexdigit).take(31).collect();
    let number = Digest::of(&(&*service.meta.name, &uid)) % 9_000_000_000 / 10 + 100_000_000;
    format!("a{uid}-{number}.us-east-1.elb.amazonaws.com").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::time::Duration;

    /// `H` healthy, `u` unhealthy, `d` draining, `-` gone, after each check; `x` = the target is not listed.
    fn after_each(rules: Balancing, results: &str) -> String {
        let mut cloud = Balancers::new(Config { balancing: rules, ..Config::of(Provider::Generic) });
        let key: Key = ("default".into(), "web".into());
        let service = Service::parse(&serde_json::json!({"metadata": {"name": "web"}}));
        cloud.ensure(&service, &key, Instant::START);
        let target = Target::Node("node-1".into());
        let mut now = Instant::START;
        let mut shown = String::new();
        for result in results.chars() {
            let listed: Vec<_> = (result != 'x').then(|| (target.clone(), result == '+')).into_iter().collect();
            cloud.observe(&key, &listed, now);
            shown.push(match cloud.by_service[&key].targets.get(&target) {
                None => '-',
                Some(Health { leaving: Some(_), .. }) => 'd',
                Some(health) => {
                    if health.healthy {
                        'H'
                    } else {
                        'u'
                    }
                }
            });
            now += rules.interval;
        }
        shown
    }

    #[test]
    fn targets_prove_themselves_and_fail_by_counted_checks() {
        let google = Balancing::preset(Provider::Generic);
        let aws = Balancing::preset(Provider::AwsLike);
        let drained = Balancing { draining: Duration::from_secs(20), ..google };
        let cases = [
            (google, "-+----+", "uHHHuuH"),
            (google, "+--+--+---", "HHHHHHHHHu"),
            (aws, "++-------++", "uHHHHHHuuuH"),
            (google, "+xx+", "H--H"),
            (drained, "+xxxx+", "Hddd-H"),
            (drained, "+x+", "HdH"),
        ];
        for (rules, results, want) in cases {
            assert_eq!(after_each(rules, results), want, "{results}");
        }
    }
}
