//! Fields of a Service that hang together: what a client left out is restored, `clusterIP` and `clusterIPs` are kept in step,
//! and what a changed type no longer needs is wiped, as long as the client did not touch it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::fields::{
    ServiceType, cluster_ip, cluster_ips, health_check_port, ip_families, ip_family_policy, is_externally_accessible,
    needs_cluster_ip, needs_health_check, needs_node_ports, node_port, node_ports, service_type,
};
use crate::api::document::{items, items_mut, put, remove, text};

/// Lets a client send its manifest again without the values it was given: addresses, node ports (by port name), health port.
pub(super) fn restore_allocated(doc: &mut Value, old: &Value) {
    if needs_cluster_ip(old) && needs_cluster_ip(doc) {
        if cluster_ip(doc).is_empty() && !cluster_ip(old).is_empty() {
            put(doc, "/spec/clusterIP", cluster_ip(old));
        }
        if cluster_ips(doc).is_empty() && !cluster_ips(old).is_empty() {
            put(doc, "/spec/clusterIPs", json!(cluster_ips(old)));
        }
    }
    if needs_node_ports(old) && needs_node_ports(doc) {
        let wanted: BTreeSet<i64> = node_ports(doc).into_iter().collect();
        let by_name: BTreeMap<&str, i64> = items(old, "/spec/ports").iter().map(|p| (text(p, "/name"), node_port(p))).collect();
        for port in items_mut(doc, "/spec/ports") {
            let known = by_name.get(text(port, "/name")).copied().unwrap_or(0);
            if node_port(port) == 0 && known != 0 && !wanted.contains(&known) {
                put(port, "/nodePort", known);
            }
        }
    }
    if needs_health_check(old) && needs_health_check(doc) && health_check_port(doc) == 0 {
        put(doc, "/spec/healthCheckNodePort", health_check_port(old));
    }
}

/// Clients that know only `clusterIP`, and clients that know both fields, are understood alike.
pub(super) fn sync_cluster_ips(doc: &mut Value, old: Option<&Value>) {
    let single = cluster_ip(doc).to_string();
    let Some(old) = old else {
        if !single.is_empty() && cluster_ips(doc).is_empty() {
            put(doc, "/spec/clusterIPs", json!([single]));
        }
        return;
    };
    if !cluster_ips(old).is_empty() && cluster_ips(doc).is_empty() && cluster_ip(old) == single {
        put(doc, "/spec/clusterIPs", json!(cluster_ips(old)));
    }
    if cluster_ip(old) != single && cluster_ips(doc) == cluster_ips(old) {
        if single.is_empty() {
            remove(doc, "/spec/clusterIPs");
        } else {
            put(doc, "/spec/clusterIPs", json!([single]));
        }
    }
}

/// Removes what the new type has no use for, unless the client changed it in the same breath: then validation will refuse it.
/// `loadBalancerSourceRanges` is deliberately not among these fields upstream.
pub(super) fn wipe_type_dependent(doc: &mut Value, old: &Value) {
    if needs_cluster_ip(old) && !needs_cluster_ip(doc) {
        let same_ips = cluster_ip(doc) == cluster_ip(old) && cluster_ips(doc) == cluster_ips(old);
        let same_families = ip_families(doc) == ip_families(old);
        let same_policy = ip_family_policy(doc) == ip_family_policy(old);
        for (same, place) in [
            (same_ips, "/spec/clusterIP"),
            (same_ips, "/spec/clusterIPs"),
            (same_families, "/spec/ipFamilies"),
            (same_policy, "/spec/ipFamilyPolicy"),
        ] {
            if same {
                remove(doc, place);
            }
        }
    }
    if needs_node_ports(old) && !needs_node_ports(doc) && node_ports(doc).iter().all(|p| node_ports(old).contains(p)) {
        for port in items_mut(doc, "/spec/ports") {
            remove(port, "/nodePort");
        }
    }
    if needs_health_check(old) && !needs_health_check(doc) && health_check_port(doc) == health_check_port(old) {
        remove(doc, "/spec/healthCheckNodePort");
    }
    if service_type(old) == ServiceType::LoadBalancer && service_type(doc) != ServiceType::LoadBalancer {
        for place in ["/spec/allocateLoadBalancerNodePorts", "/spec/loadBalancerClass"] {
            remove_if_same(doc, old, place);
        }
    }
    if is_externally_accessible(old) && !is_externally_accessible(doc) {
        remove_if_same(doc, old, "/spec/externalTrafficPolicy");
    }
    if service_type(doc) != ServiceType::LoadBalancer {
        // The balancer is taken down later; users see it gone at once.
        put(doc, "/status/loadBalancer", json!({}));
    }
}

fn remove_if_same(doc: &mut Value, old: &Value, place: &str) {
    if doc.pointer(place) == old.pointer(place) {
        remove(doc, place);
    }
}
