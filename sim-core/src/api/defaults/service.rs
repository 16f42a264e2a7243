//! Defaults of Services. IP families and addresses are not defaults: see [`crate::api::service`].

use serde_json::{Value, json};

use crate::api::document::{is_unset, items, items_mut, number, object, put, put_default, remove, text};
use crate::api::service::fields::{ServiceType, is_externally_accessible, service_type};

/// Affinity to a client lasts three hours unless said otherwise.
const AFFINITY_SECONDS: i64 = 10_800;
/// Fields that Go leaves out when they are empty, so that `clusterIP: ""` and no `clusterIP` are stored alike.
const OMITTED_WHEN_EMPTY: [&str; 12] = [
    "clusterIP",
    "clusterIPs",
    "externalIPs",
    "externalName",
    "externalTrafficPolicy",
    "healthCheckNodePort",
    "ipFamilies",
    "loadBalancerIP",
    "loadBalancerSourceRanges",
    "ports",
    "selector",
    "sessionAffinity",
];

/// Fills in a Service.
pub fn set(doc: &mut Value) {
    for field in OMITTED_WHEN_EMPTY {
        remove_if_empty(doc, &format!("/spec/{field}"));
    }
    put_default(doc, "/spec/type", "ClusterIP");
    put_default(doc, "/spec/sessionAffinity", "None");
    match text(doc, "/spec/sessionAffinity") {
        "None" => drop(remove(doc, "/spec/sessionAffinityConfig")),
        "ClientIP" => put_default(doc, "/spec/sessionAffinityConfig/clientIP/timeoutSeconds", AFFINITY_SECONDS),
        _ => {}
    }
    for port in items_mut(doc, "/spec/ports") {
        remove_if_empty(port, "/name");
        remove_if_empty(port, "/nodePort");
        put_default(port, "/protocol", "TCP");
        if is_unset(port, "/targetPort") || number(port, "/targetPort") == Some(0) {
            let same = number(port, "/port").unwrap_or(0);
            put(port, "/targetPort", same);
        }
    }
    if is_externally_accessible(doc) {
        put_default(doc, "/spec/externalTrafficPolicy", "Cluster");
    }
    match service_type(doc) {
        ServiceType::ExternalName => drop(remove(doc, "/spec/internalTrafficPolicy")),
        ServiceType::Unknown => {}
        _ => put_default(doc, "/spec/internalTrafficPolicy", "Cluster"),
    }
    if service_type(doc) == ServiceType::LoadBalancer {
        put_default(doc, "/spec/allocateLoadBalancerNodePorts", true);
        for ingress in items_mut(doc, "/status/loadBalancer/ingress") {
            if !is_unset(ingress, "/ip") {
                put_default(ingress, "/ipMode", "VIP");
            }
        }
    }
}

fn remove_if_empty(doc: &mut Value, place: &str) {
    let empty = is_unset(doc, place)
        || number(doc, place) == Some(0)
        || object(doc, place).is_some_and(|map| map.is_empty())
        || doc.pointer(place) == Some(&json!([])) && items(doc, place).is_empty();
    if empty {
        remove(doc, place);
    }
}
