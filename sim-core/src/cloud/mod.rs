//! The cloud: load balancers for Services that ask for one.
//!
//! In a real cluster a provider makes the balancer, which takes from a second to minutes, and from then on the balancer itself
//! decides who gets a connection: it checks its targets and knows nothing of pods or of what Kubernetes thinks of a node. We model
//! three providers: none (nothing ever happens, which is what a bare cluster does), generic (an address), and one like AWS (a host
//! name). The controller that orders balancers is [`crate::controllers`]' `service_lb`. Left out: loadBalancerClass
//! implementations, annotations, time-outs of checks (a check has its result at once), balancers' own failures.
//! The real thing: `k8s.io/cloud-provider`, `cloud-provider-gcp` and `cloud-provider-aws`.

mod balancer;
pub mod checks;

use crate::engine::time::Duration;

pub use self::balancer::{Balancer, Balancers, Health, Target};

/// Who provides balancers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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
#[derive(Clone, Debug, Hash)]
pub struct Config {
    /// Who.
    pub provider: Provider,
    /// From the request to the address.
    pub delay: Duration,
    /// First and last address of the pool.
    pub pool: (u32, u32),
    /// How its balancers work.
    pub balancing: Balancing,
}

/// How balancers work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Balancing {
    /// Whether they send to pods; otherwise to nodes.
    pub to_pods: bool,
    /// Whether nodes are checked by a connection to the node port; otherwise kube-proxy is asked how it is. A Service with policy
    /// Local is always checked by its health check port.
    pub checks_node_port: bool,
    /// Time between two checks.
    pub interval: Duration,
    /// Failures in a row that make a target unhealthy.
    pub fail: u32,
    /// Successes in a row that make it healthy.
    pub pass: u32,
    /// Whether all get connections when none is healthy; otherwise none does.
    pub fails_open: bool,
    /// How long a target that was taken out keeps its open connections.
    pub draining: Duration,
    /// Whether the client's address stays in the packets.
    pub keeps_source: bool,
    /// `ipMode: Proxy`: they send to node ports; otherwise packets keep the balancer's address, and nodes catch them.
    pub proxies: bool,
}

impl Balancing {
    /// The preset of a provider.
    ///
    /// Generic is Google's passthrough balancer: 8 s, 3 failures, 1 success, kube-proxy's health (`cloud-provider-gcp`,
    /// `gceHcCheckIntervalSeconds` and neighbours); everybody if nobody is healthy (Compute API,
    /// `BackendServiceFailoverPolicy.dropTrafficIfUnhealthy`, false unless set); no draining (Compute API,
    /// `ConnectionDraining.drainingTimeoutSec`: zero switches it off, and the cloud provider sets nothing).
    /// AWS-like is the classic one: a connection to the node port every 10 s, 6 failures, 2 successes (`cloud-provider-aws`,
    /// `defaultElbHC*`); nobody if nobody is healthy (its user guide, "Health checks for the instances": requests go to healthy
    /// instances only); no draining (`cloud-provider-aws`, `EnsureLoadBalancer` switches it off unless an annotation asks for it).
    pub fn preset(provider: Provider) -> Balancing {
        let google = Balancing {
            to_pods: false,
            checks_node_port: false,
            interval: Duration::from_secs(8),
            fail: 3,
            pass: 1,
            fails_open: true,
            draining: Duration::ZERO,
            keeps_source: true,
            proxies: false,
        };
        match provider {
            Provider::None | Provider::Generic => google,
            Provider::AwsLike => Balancing {
                checks_node_port: true,
                interval: Duration::from_secs(10),
                fail: 6,
                pass: 2,
                fails_open: false,
                keeps_source: false,
                proxies: true,
                ..google
            },
        }
    }
}

impl Config {
    /// The cloud of a provider: half a minute to an address, from the upper half of TEST-NET-3, whose lower half the nodes'
    /// external addresses come from.
    pub fn of(provider: Provider) -> Config {
        let first = u32::from_be_bytes([203, 0, 113, 128]);
        let balancing = Balancing::preset(provider);
        Config { provider, delay: Duration::from_secs(30), pool: (first, first + 126), balancing }
    }
}

impl Default for Config {
    fn default() -> Self {
        Config::of(Provider::None)
    }
}
