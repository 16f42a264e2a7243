//! The fields of a Service document that the write path reasons with.

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::api::document::{items, number, object, put, remove, strings, text};
use crate::api::validate::names::parse_ip;

/// `clusterIP` of a headless Service.
pub const HEADLESS: &str = "None";

/// `spec.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceType {
    /// Reachable inside the cluster.
    ClusterIp,
    /// Also on a port of every node.
    NodePort,
    /// Also through a load balancer.
    LoadBalancer,
    /// A DNS alias.
    ExternalName,
    /// Something validation refuses.
    Unknown,
}

/// An IP family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// `IPv4` or `IPv6`.
    pub fn text(self) -> &'static str {
        match self {
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        }
    }

    /// The reverse of [`Family::text`].
    pub fn parse(text: &str) -> Option<Family> {
        [Family::V4, Family::V6].into_iter().find(|f| f.text() == text)
    }

    /// The family of an address.
    pub fn of(ip: IpAddr) -> Family {
        if ip.is_ipv4() { Family::V4 } else { Family::V6 }
    }

    /// The family of an address in text form.
    pub fn of_text(ip: &str) -> Option<Family> {
        parse_ip(ip).map(Family::of)
    }

    /// The other one.
    pub fn other(self) -> Family {
        match self {
            Family::V4 => Family::V6,
            Family::V6 => Family::V4,
        }
    }
}

/// `spec.type` of a document.
pub fn service_type(doc: &Value) -> ServiceType {
    match text(doc, "/spec/type") {
        "ClusterIP" => ServiceType::ClusterIp,
        "NodePort" => ServiceType::NodePort,
        "LoadBalancer" => ServiceType::LoadBalancer,
        "ExternalName" => ServiceType::ExternalName,
        _ => ServiceType::Unknown,
    }
}

/// The type takes an address (`None` counts as one).
pub fn needs_cluster_ip(doc: &Value) -> bool {
    service_type(doc) != ServiceType::ExternalName
}

/// The type has node ports.
pub fn needs_node_ports(doc: &Value) -> bool {
    matches!(service_type(doc), ServiceType::NodePort | ServiceType::LoadBalancer)
}

/// Load balancers ask a health check port, but only under `externalTrafficPolicy: Local`.
pub fn needs_health_check(doc: &Value) -> bool {
    service_type(doc) == ServiceType::LoadBalancer && text(doc, "/spec/externalTrafficPolicy") == "Local"
}

/// Traffic from outside the cluster may arrive, so an external traffic policy makes sense.
pub fn is_externally_accessible(doc: &Value) -> bool {
    needs_node_ports(doc) || service_type(doc) == ServiceType::ClusterIp && !items(doc, "/spec/externalIPs").is_empty()
}

/// Exactly one cluster IP, and it is `None`.
pub fn is_headless(doc: &Value) -> bool {
    cluster_ips(doc) == [HEADLESS]
}

/// The selector is absent or empty.
pub fn is_selectorless(doc: &Value) -> bool {
    object(doc, "/spec/selector").is_none_or(|map| map.is_empty())
}

/// `spec.clusterIP`; `""` when absent.
pub fn cluster_ip(doc: &Value) -> &str {
    text(doc, "/spec/clusterIP")
}

/// `spec.clusterIPs`.
pub fn cluster_ips(doc: &Value) -> Vec<&str> {
    strings(doc, "/spec/clusterIPs")
}

/// `spec.ipFamilies`.
pub fn ip_families(doc: &Value) -> Vec<&str> {
    strings(doc, "/spec/ipFamilies")
}

/// `spec.ipFamilyPolicy`; `""` when absent.
pub fn ip_family_policy(doc: &Value) -> &str {
    text(doc, "/spec/ipFamilyPolicy")
}

/// `nodePort` of a port entry; 0 when absent.
pub fn node_port(port: &Value) -> i64 {
    number(port, "/nodePort").unwrap_or(0)
}

/// `spec.healthCheckNodePort`; 0 when absent.
pub fn health_check_port(doc: &Value) -> i64 {
    number(doc, "/spec/healthCheckNodePort").unwrap_or(0)
}

/// The node ports of all port entries that have one.
pub fn node_ports(doc: &Value) -> Vec<i64> {
    items(doc, "/spec/ports").iter().map(node_port).filter(|n| *n != 0).collect()
}

/// Writes a list of strings under `spec`, or removes the field when the list is empty.
pub fn set_strings(doc: &mut Value, field: &str, list: &[String]) {
    let place = format!("/spec/{field}");
    if list.is_empty() {
        remove(doc, &place);
    } else {
        put(doc, &place, json!(list));
    }
}
