//! One sentence for each reason. What we say here is ours: no text a user could take for Kubernetes' own.

use crate::explain::{AddressKind, NotEligible, Reason};

/// The sentence.
pub fn reason(reason: &Reason) -> String {
    match reason {
        Reason::ServiceMatched { service, port, via } => format!("{} = Service {service}, port {port}", address_kind(*via)),
        Reason::NoRule => "no rule of kube-proxy matches; the packet goes on as it is".to_string(),
        Reason::NoEndpoints { service } => format!("Service {service} has no endpoint that could be used anywhere"),
        Reason::NoLocalEndpoints { service, external } => {
            let policy = if *external { "externalTrafficPolicy" } else { "internalTrafficPolicy" };
            format!("{policy} of Service {service} is Local, so only pods on this node may answer, and none could be used")
        }
        Reason::NotRejectedOnOutput { service } => {
            format!("Service {service} has no endpoint, but iptables mode does not reject what the node's own processes send out")
        }
        Reason::LoopbackGuard => "loopback addresses of a node are closed to everybody but the node itself".to_string(),
        Reason::HealthCheckPort { service } => format!("health check port of Service {service}; kube-proxy itself answers there"),
        Reason::SourceNotAllowed { service } => {
            format!("the source is in none of the loadBalancerSourceRanges of Service {service}")
        }
        Reason::NoSuchServicePort => "the address is a cluster IP, but has no such port; nftables mode refuses".to_string(),
        Reason::UnallocatedServiceIp => {
            "the address lies in the service range and belongs to no Service; nftables mode drops".to_string()
        }
        Reason::NodeDown { node } => format!("{node} has no power; nothing answers"),
        Reason::NobodyHasAddress { ip } => format!("no pod or machine of the cluster has {ip}; nothing answers"),
        Reason::NotRoutedFromOutside { ip } => format!("{ip} exists only inside the cluster; no route leads there from outside"),
        Reason::Delivered => "a process listens there and accepts".to_string(),
        Reason::NothingListens { port } => format!("the machine answers, but nothing listens on port {port}"),
        Reason::BoundToLoopback { port } => format!("port {port} is open on the loopback address only"),
        Reason::AssumedOutside { ip } => format!("{ip} is outside the cluster; that it answers is assumed"),
        Reason::NotModelled { ip } => format!("what is behind {ip} is not known here"),
        Reason::ModeNotModelled => "kube-proxy's ipvs mode is not simulated yet".to_string(),
    }
}

/// The kind of an address, as a noun.
pub fn address_kind(kind: AddressKind) -> &'static str {
    match kind {
        AddressKind::ClusterIp => "cluster IP",
        AddressKind::ExternalIp => "external IP",
        AddressKind::LoadBalancerIp => "load balancer IP",
        AddressKind::NodePort => "node port",
    }
}

/// Why an endpoint may not be picked.
pub fn not_eligible(why: NotEligible) -> &'static str {
    match why {
        NotEligible::NotReady => "not ready",
        NotEligible::Terminating => "terminating",
        NotEligible::OtherNode => "on another node",
        NotEligible::OtherZone => "hinted for another zone",
    }
}
