//! Why a packet went where it went: the trace, as data.
//!
//! Stations record as they decide; nobody reconstructs afterwards. The picking station also records what it left out and why,
//! for that is where learners err. Words are made in [`crate::render`]. No real cluster has this.

pub mod assumed;
pub mod origin;
mod reason;

use std::fmt;
use std::net::SocketAddr;

pub use self::reason::{AddressKind, Basis, Flow, NearMiss, NotEligible, Reason};
use crate::engine::time::Duration;
use crate::objects::Name;
use crate::objects::pod_spec::Protocol;

/// An object that a reason or an answer names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectName {
    /// Its kind, as in a manifest.
    pub kind: Name,
    /// Its namespace; empty for kinds that have none.
    pub namespace: Name,
    /// Its name.
    pub name: Name,
}

impl ObjectName {
    /// From its parts.
    pub fn new(kind: impl Into<Name>, namespace: impl Into<Name>, name: impl Into<Name>) -> ObjectName {
        ObjectName { kind: kind.into(), namespace: namespace.into(), name: name.into() }
    }

    /// From `namespace/name`, as stations note it; a name alone is of a kind without namespaces.
    pub fn of_full_name(kind: &'static str, full: &str) -> ObjectName {
        let (namespace, name) = full.split_once('/').unwrap_or(("", full));
        ObjectName::new(kind, namespace, name)
    }

    /// `default/web`; the name alone where there is no namespace.
    pub fn full_name(&self) -> Name {
        if self.namespace.is_empty() { self.name.clone() } else { format!("{}/{}", self.namespace, self.name).into() }
    }
}

/// `Service default/web`.
impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.full_name())
    }
}

/// The way of the first packet of one new connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The client's address and port, and what it connects to.
    pub asked: (SocketAddr, SocketAddr),
    /// Transport protocol.
    pub protocol: Protocol,
    /// The stations, in order.
    pub hops: Vec<Hop>,
    /// What kube-proxy on the first node that handled the packet decided.
    pub decision: Decision,
    /// All backends it may pick, sorted, affinity ignored.
    pub candidates: Vec<SocketAddr>,
    /// The one it picked.
    pub chosen: Option<SocketAddr>,
    /// Whether the source is rewritten for the one it picked.
    pub masquerade: bool,
    /// The candidates for which it would be.
    pub masquerade_for: Vec<SocketAddr>,
    /// How it ended.
    pub outcome: Outcome,
    /// Time there and back, where there is an answer.
    pub round_trip: Duration,
    /// Source as the server sees it.
    pub seen_source: Option<SocketAddr>,
    /// Every possible pick with its end; the shares add up to one. Empty where only one way was followed.
    pub branches: Vec<Branch>,
    /// The stations that turn the answer's addresses back, in the order it meets them.
    pub return_hops: Vec<Hop>,
}

/// One possible pick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// Its exact share, as a reduced fraction.
    pub share: (u64, u64),
    /// The node that a balancer sends the packet to; `None` where none chooses.
    pub node: Option<Name>,
    /// Where it leads; `None` if nothing is picked.
    pub backend: Option<SocketAddr>,
    /// How it ends.
    pub outcome: Outcome,
    /// The decision it ends with; `None` if it was not followed.
    pub end: Option<Reason>,
}

/// One station on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// Where.
    pub place: Place,
    /// Which part of it decided.
    pub component: Component,
    /// What it decided.
    pub step: Step,
    /// Why.
    pub reason: Reason,
    /// Source and destination as the packet came.
    pub before: (SocketAddr, SocketAddr),
    /// Source and destination as it left.
    pub after: (SocketAddr, SocketAddr),
    /// What may not be picked here.
    pub not_eligible: Vec<(SocketAddr, NotEligible)>,
    /// How old the view was that the decision rests on.
    pub view_age: Option<Duration>,
    /// Whether it rests on what an unknown image was assumed to do.
    pub guessed: bool,
}

impl Hop {
    /// What the decision rests on.
    pub fn basis(&self) -> Basis {
        if self.guessed { Basis::Assumed } else { self.reason.basis() }
    }
}

/// Where a station is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Place {
    Client,
    Node(Name),
    Pod { namespace: Name, name: Name },
    Balancer,
    Outside,
}

/// What decides at a station.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Component {
    Network,
    KubeProxy,
    LoadBalancer,
    NetworkPolicy,
    Server,
    Resolver,
}

/// What a station did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Step {
    Dnat,
    Pass,
    Reject,
    Drop,
    Forward,
    Accept,
    Refuse,
    Lost,
    Arrive,
    Restore,
    Resolve,
    Unresolved,
}

/// What kube-proxy decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Decision {
    Dnat,
    Reject,
    Drop,
    Pass,
}

/// How a connection attempt ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Outcome {
    Delivered,
    Refused,
    TimedOut,
    Unreachable,
    Reset,
    Unresolved,
    Unknown,
}

impl Decision {
    /// Its name in the contract.
    pub fn text(self) -> &'static str {
        match self {
            Decision::Dnat => "dnat",
            Decision::Reject => "reject",
            Decision::Drop => "drop",
            Decision::Pass => "pass",
        }
    }
}

impl Outcome {
    /// Its name in the contract.
    pub fn text(self) -> &'static str {
        match self {
            Outcome::Delivered => "delivered",
            Outcome::Refused => "refused",
            Outcome::TimedOut => "timed-out",
            Outcome::Unreachable => "unreachable",
            Outcome::Reset => "reset",
            Outcome::Unresolved => "unresolved",
            Outcome::Unknown => "unknown",
        }
    }
}

impl Step {
    /// Its name in the contract.
    pub fn text(self) -> &'static str {
        match self {
            Step::Dnat => "dnat",
            Step::Pass => "pass",
            Step::Reject => "reject",
            Step::Drop => "drop",
            Step::Forward => "forward",
            Step::Accept => "accept",
            Step::Refuse => "refuse",
            Step::Lost => "lost",
            Step::Arrive => "arrive",
            Step::Restore => "restore",
            Step::Resolve => "resolve",
            Step::Unresolved => "unresolved",
        }
    }
}

impl Component {
    /// Its name in the contract.
    pub fn text(self) -> &'static str {
        match self {
            Component::Network => "network",
            Component::KubeProxy => "kube-proxy",
            Component::LoadBalancer => "load-balancer",
            Component::NetworkPolicy => "network-policy",
            Component::Server => "server",
            Component::Resolver => "resolver",
        }
    }
}

impl Place {
    /// `node/node-1`, `pod/default/web`, `client`, `balancer`, `outside`.
    pub fn text(&self) -> String {
        match self {
            Place::Client => "client".to_string(),
            Place::Node(node) => format!("node/{node}"),
            Place::Pod { namespace, name } => format!("pod/{namespace}/{name}"),
            Place::Balancer => "balancer".to_string(),
            Place::Outside => "outside".to_string(),
        }
    }
}
