//! Every reason a decision on a packet's way can have. Closed: one line of the table below, its code, and what it rests on.
//!
//! A new reason also needs a sentence in [`crate::render::prose`], a section of its own in the book (`book/src/reasons.md`), and
//! a scenario that produces it; tests ask for all three.

use std::net::IpAddr;

use super::ObjectName;
use crate::engine::time::Duration;
use crate::objects::Name;
use crate::objects::pod_spec::Protocol;

/// Makes the enum, its codes and their bases from one table, so that no list of reasons can fall behind another.
macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident $({ $($field:ident: $kind:ty),* })? = $code:literal, $basis:ident;)*) => {
        /// Why a station decided as it did.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum Reason {
            $($(#[$doc])* $variant $({ $($field: $kind),* })?,)*
        }

        impl Reason {
            /// The codes of all reasons.
            pub const CODES: &[&str] = &[$($code),*];

            /// A stable code for scripts.
            pub fn code(&self) -> &'static str {
                match self { $(Reason::$variant { .. } => $code,)* }
            }

            /// What the decision rests on.
            pub fn basis(&self) -> Basis {
                match self { $(Reason::$variant { .. } => Basis::$basis,)* }
            }
        }
    };
}

reasons! {
    /// The destination is an address of this Service's port, which was programmed.
    ServiceMatched { service: Name, port: u16, via: AddressKind } = "service-matched", UpstreamTest;
    /// No rule matches the destination.
    NoRule = "no-rule", UpstreamTest;
    /// The Service has no endpoint that may be used, anywhere.
    NoEndpoints { service: Name } = "no-endpoints", UpstreamTest;
    /// The policy (the external one, or the internal one) is Local and no usable endpoint is on this node.
    NoLocalEndpoints { service: Name, external: bool } = "no-local-endpoints", UpstreamTest;
    /// iptables: no endpoint anywhere, but the rule that rejects does not see what the node's own processes send out.
    NotRejectedOnOutput { service: Name } = "not-rejected-on-output", Source;
    /// The source is in none of the Service's source ranges.
    SourceNotAllowed { service: Name } = "source-not-allowed", UpstreamTest;
    /// iptables: loopback addresses are not to be reached from elsewhere.
    LoopbackGuard = "loopback-guard", UpstreamTest;
    /// kube-proxy itself answers there: the health check port of a balancer.
    HealthCheckPort { service: Name } = "health-check-port", UpstreamTest;
    /// nftables and ipvs: the address is one of a Service, but has no such port.
    NoSuchServicePort = "no-such-service-port", UpstreamTest;
    /// nftables: the address lies in the service range and belongs to nobody.
    UnallocatedServiceIp = "unallocated-service-ip", UpstreamTest;
    /// The node that should handle the packet has no power.
    NodeDown { node: Name } = "node-down", Source;
    /// No machine of this cluster has the address.
    NobodyHasAddress { ip: IpAddr } = "nobody-has-address", Source;
    /// An address of the cluster's own network, which the outside has no way to.
    NotRoutedFromOutside { ip: IpAddr } = "not-routed-from-outside", Source;
    /// The pod's sandbox is there and something listens.
    Delivered = "delivered", Source;
    /// The pod is there and nothing listens on the port.
    NothingListens { port: u16, protocol: Protocol } = "nothing-listens", Source;
    /// Something listens, but on the loopback address only.
    BoundToLoopback { port: u16, protocol: Protocol } = "bound-to-loopback", Source;
    /// The host lies outside the simulated cluster; that it answers is an assumption.
    AssumedOutside { ip: IpAddr } = "assumed-outside", Assumed;
    /// What is behind the address is not modelled.
    NotModelled { ip: IpAddr } = "not-modelled", Assumed;
    /// Session affinity: this client was sent to the same endpoint before, and not too long ago.
    SessionAffinity { service: Name, port: u16, via: AddressKind } = "session-affinity", UpstreamTest;
    /// The connection is known here: it keeps the translation of its first packet, whatever the rules say by now.
    KnownConnection = "known-connection", Source;
    /// The pod's answer does not come by the node that rewrote the packet, so nobody gives it back the address that the client
    /// called.
    AnswerNotRestored { node: Name } = "answer-not-restored", Source;
    /// The node has the address.
    OwnsAddress { ip: IpAddr } = "owns-address", Source;
    /// The balancer sends the connection to this node, one of so many that have power.
    BalancerPicked { node: Name, of: usize } = "balancer-picked", Assumed;
    /// No node has power, so the balancer has nowhere to send to.
    NoNodeBehindBalancer = "no-node-behind-balancer", Assumed;
    /// The balancer sends the connection to this target, one of so many that its checks have found healthy.
    HealthyTarget { service: Name, target: Name, of: usize, since: Duration } = "healthy-target", Source;
    /// No target is healthy; as a last resort the balancer sends to any of them.
    AllUnhealthy { service: Name, target: Name, of: usize } = "all-unhealthy", Source;
    /// No target of the balancer is healthy, and it sends to none.
    NoHealthyTarget { service: Name } = "no-healthy-target", Source;
    /// The balancer has no such port.
    NoSuchBalancerPort { service: Name, port: u16, protocol: Protocol } = "no-such-balancer-port", Source;
    /// The client has no address of the destination's family.
    NoAddressOfFamily { ip: IpAddr } = "no-address-of-family", Source;
    /// The client's resolver found the address of the name.
    NameResolved { name: Name, ip: IpAddr, questions: usize } = "name-resolved", Source;
    /// The client's resolver was told that there is no such name.
    NameNotFound { name: Name, questions: usize } = "name-not-found", Source;
    /// The client's resolver was told that the name exists, perhaps as an alias, and got no address for it.
    NameWithoutAddress { name: Name, alias: Option<Name>, questions: usize } = "name-without-address", Source;
    /// The client's resolver got no usable answer from its servers.
    NameServersSilent { name: Name, questions: usize } = "name-servers-silent", Source;
    /// The answer gets back the addresses that the client knows.
    AnswerRestored = "answer-restored", Source;
    /// The link between these two is cut, or everything between them is lost.
    LinkDown { a: Name, b: Name } = "link-down", Source;
    /// The link between these two loses packets, this one among them.
    PacketLost { a: Name, b: Name } = "packet-lost", Source;
    /// A NetworkPolicy that selects the pod has a rule for the packet.
    PolicyAllowed { flow: Flow, pod: Name, policy: Name } = "policy-allowed", UpstreamTest;
    /// These NetworkPolicies select the pod, and none of them has a rule for the packet.
    PolicyDenied { flow: Flow, pod: Name, policies: Vec<Name>, near: Option<NearMiss> } = "policy-denied", UpstreamTest;
}

/// Which way a packet goes, seen from the pod that a policy selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Flow {
    Ingress,
    Egress,
}

/// In what the closest rule of a policy differs from a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NearMiss {
    /// The peer is allowed, on other ports.
    OtherPort,
    /// Pods with the peer's labels are allowed, in the policy's own namespace only.
    OtherNamespace,
    /// The port is open, for others.
    OtherPeer,
}

/// What a decision rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum AddressKind {
    ClusterIp,
    ExternalIp,
    LoadBalancerIp,
    NodePort,
}

/// Why an endpoint may not be picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum NotEligible {
    NotReady,
    Terminating,
    OtherNode,
    OtherZone,
    /// The balancer's checks have failed for this long, or have not yet succeeded.
    Unhealthy {
        since: Duration,
    },
    /// Taken out; it only keeps open connections.
    Draining,
}

impl Reason {
    /// Where the book says more.
    pub fn book(&self) -> String {
        format!("reasons.html#{}", self.code())
    }

    /// The objects that caused it.
    pub fn objects(&self) -> Vec<ObjectName> {
        match self {
            Reason::NodeDown { node } => vec![ObjectName::new("Node", "", node.clone())],
            Reason::PolicyAllowed { policy, .. } => vec![ObjectName::of_full_name("NetworkPolicy", policy)],
            Reason::PolicyDenied { policies, .. } => {
                policies.iter().map(|policy| ObjectName::of_full_name("NetworkPolicy", policy)).collect()
            }
            _ => self.service().map(|service| ObjectName::of_full_name("Service", service)).into_iter().collect(),
        }
    }

    /// The Service that it is about, as `namespace/name`.
    pub fn service(&self) -> Option<&Name> {
        match self {
            Reason::ServiceMatched { service, .. }
            | Reason::SessionAffinity { service, .. }
            | Reason::NoEndpoints { service }
            | Reason::NoLocalEndpoints { service, .. }
            | Reason::NotRejectedOnOutput { service }
            | Reason::HealthCheckPort { service }
            | Reason::HealthyTarget { service, .. }
            | Reason::AllUnhealthy { service, .. }
            | Reason::NoHealthyTarget { service }
            | Reason::NoSuchBalancerPort { service, .. }
            | Reason::SourceNotAllowed { service } => Some(service),
            _ => None,
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
            NotEligible::Unhealthy { .. } => "unhealthy",
            NotEligible::Draining => "draining",
        }
    }
}
