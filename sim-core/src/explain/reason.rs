//! Every reason a decision on a packet's way can have. Closed: a new one needs a sentence in [`crate::render::prose`].

use std::net::IpAddr;

use crate::objects::Name;

/// Why a station decided as it did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Reason {
    /// The destination is an address of this Service's port, which was programmed.
    ServiceMatched { service: Name, port: u16, via: AddressKind },
    /// No rule matches the destination.
    NoRule,
    /// The Service has no endpoint that may be used, anywhere.
    NoEndpoints { service: Name },
    /// The policy (the external one, or the internal one) is Local and no usable endpoint is on this node.
    NoLocalEndpoints { service: Name, external: bool },
    /// iptables: no endpoint anywhere, but the rule that rejects does not see what the node's own processes send out.
    NotRejectedOnOutput { service: Name },
    /// The source is in none of the Service's source ranges.
    SourceNotAllowed { service: Name },
    /// iptables: loopback addresses are not to be reached from elsewhere.
    LoopbackGuard,
    /// kube-proxy itself answers there: the health check port of a balancer.
    HealthCheckPort { service: Name },
    /// nftables: the address is a cluster IP, but has no such port.
    NoSuchServicePort,
    /// nftables: the address lies in the service range and belongs to nobody.
    UnallocatedServiceIp,
    /// The node that should handle the packet has no power.
    NodeDown { node: Name },
    /// No machine of this cluster has the address.
    NobodyHasAddress { ip: IpAddr },
    /// An address of the cluster's own network, which the outside has no way to.
    NotRoutedFromOutside { ip: IpAddr },
    /// The pod's sandbox is there and something listens.
    Delivered,
    /// The pod is there and nothing listens on the port.
    NothingListens { port: u16 },
    /// Something listens, but on the loopback address only.
    BoundToLoopback { port: u16 },
    /// The host lies outside the simulated cluster; that it answers is an assumption.
    AssumedOutside { ip: IpAddr },
    /// What is behind the address is not modelled.
    NotModelled { ip: IpAddr },
    /// kube-proxy's ipvs mode is not modelled yet.
    ModeNotModelled,
    /// The node has the address.
    OwnsAddress { ip: IpAddr },
    /// The balancer sends the connection to this node, one of so many that have power.
    BalancerPicked { node: Name, of: usize },
    /// No node has power, so the balancer has nowhere to send to.
    NoNodeBehindBalancer,
    /// The client has no address of the destination's family.
    NoAddressOfFamily { ip: IpAddr },
    /// The answer gets back the addresses that the client knows.
    AnswerRestored,
}

/// What a decision rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Basis {
    /// A test of upstream asserts it.
    UpstreamTest,
    /// It was read in upstream's sources.
    Source,
    /// It is a guess that the scenario could overrule.
    Assumed,
}

impl Basis {
    /// Its name in the contract.
    pub fn text(self) -> &'static str {
        match self {
            Basis::UpstreamTest => "upstream-test",
            Basis::Source => "source",
            Basis::Assumed => "assumed",
        }
    }
}

/// The kinds of addresses a Service has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum AddressKind {
    ClusterIp,
    ExternalIp,
    LoadBalancerIp,
    NodePort,
}

/// Why an endpoint may not be picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum NotEligible {
    NotReady,
    Terminating,
    OtherNode,
    OtherZone,
}

impl Reason {
    /// A stable code for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Reason::ServiceMatched { .. } => "service-matched",
            Reason::NoRule => "no-rule",
            Reason::NoEndpoints { .. } => "no-endpoints",
            Reason::NoLocalEndpoints { .. } => "no-local-endpoints",
            Reason::NotRejectedOnOutput { .. } => "not-rejected-on-output",
            Reason::SourceNotAllowed { .. } => "source-not-allowed",
            Reason::LoopbackGuard => "loopback-guard",
            Reason::HealthCheckPort { .. } => "health-check-port",
            Reason::NoSuchServicePort => "no-such-service-port",
            Reason::UnallocatedServiceIp => "unallocated-service-ip",
            Reason::NodeDown { .. } => "node-down",
            Reason::NobodyHasAddress { .. } => "nobody-has-address",
            Reason::NotRoutedFromOutside { .. } => "not-routed-from-outside",
            Reason::Delivered => "delivered",
            Reason::NothingListens { .. } => "nothing-listens",
            Reason::BoundToLoopback { .. } => "bound-to-loopback",
            Reason::AssumedOutside { .. } => "assumed-outside",
            Reason::NotModelled { .. } => "not-modelled",
            Reason::ModeNotModelled => "mode-not-modelled",
            Reason::OwnsAddress { .. } => "owns-address",
            Reason::BalancerPicked { .. } => "balancer-picked",
            Reason::NoNodeBehindBalancer => "no-node-behind-balancer",
            Reason::NoAddressOfFamily { .. } => "no-address-of-family",
            Reason::AnswerRestored => "answer-restored",
        }
    }

    /// What the decision rests on.
    pub fn basis(&self) -> Basis {
        match self {
            Reason::ServiceMatched { .. }
            | Reason::NoRule
            | Reason::NoEndpoints { .. }
            | Reason::NoLocalEndpoints { .. }
            | Reason::SourceNotAllowed { .. }
            | Reason::NoSuchServicePort
            | Reason::UnallocatedServiceIp
            | Reason::LoopbackGuard
            | Reason::HealthCheckPort { .. } => Basis::UpstreamTest,
            Reason::AssumedOutside { .. }
            | Reason::NotModelled { .. }
            | Reason::ModeNotModelled
            | Reason::BalancerPicked { .. }
            | Reason::NoNodeBehindBalancer => Basis::Assumed,
            _ => Basis::Source,
        }
    }

    /// The objects that caused it, as `Service default/web`.
    pub fn cause(&self) -> Vec<String> {
        match self {
            Reason::ServiceMatched { service, .. }
            | Reason::NoEndpoints { service }
            | Reason::NoLocalEndpoints { service, .. }
            | Reason::NotRejectedOnOutput { service }
            | Reason::HealthCheckPort { service }
            | Reason::SourceNotAllowed { service } => vec![format!("Service {service}")],
            Reason::NodeDown { node } => vec![format!("Node {node}")],
            _ => Vec::new(),
        }
    }
}

impl NotEligible {
    /// A stable code for scripts.
    pub fn code(self) -> &'static str {
        match self {
            NotEligible::NotReady => "not-ready",
            NotEligible::Terminating => "terminating",
            NotEligible::OtherNode => "other-node",
            NotEligible::OtherZone => "other-zone",
        }
    }
}
