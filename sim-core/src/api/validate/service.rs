//! Validation of Services.
//!
//! It runs after allocation, so addresses and ports are there. The real thing: `ValidateService` and `ValidateServiceUpdate` in
//! `pkg/apis/core/validation/validation.go` (as of 1.32).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::meta::labels;
use super::{names, service_ips};
use crate::api::document::{is_unset, items, number, object, strings, text};
use crate::api::service::fields::{
    ServiceType, cluster_ips, health_check_port, ip_families, ip_family_policy, is_externally_accessible, is_headless,
    needs_health_check, node_port, service_type,
};
use crate::api::status::Cause;

/// Longest ClientIP affinity: one day.
const AFFINITY_MAX_SECONDS: i64 = 86_400;
/// The annotation that carried source ranges before the field did.
const SOURCE_RANGES: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";
const TOPOLOGY_MODE: &str = "service.kubernetes.io/topology-mode";
const TOPOLOGY_HINTS: &str = "service.kubernetes.io/topology-aware-hints";
const ONLY_LOAD_BALANCER: &str = "may only be used when `type` is 'LoadBalancer'";
const NOT_FOR_ALIASES: &str = "may not be set for ExternalName services";
pub(super) const FIXED: &str = "may not change once set";

/// What is wrong with the Service itself.
pub fn spec(doc: &Value) -> Vec<Cause> {
    let mut causes = topology_annotations(doc);
    if items(doc, "/spec/ports").is_empty() && !is_headless(doc) && service_type(doc) != ServiceType::ExternalName {
        causes.push(Cause::required("spec.ports", ""));
    }
    causes.extend(type_rules(doc));
    causes.extend(ports(doc));
    causes.extend(labels(doc, "/spec/selector", "spec.selector"));
    causes.extend(session_affinity(doc));
    causes.extend(service_ips::fields(doc));
    causes.extend(external_ips(doc));
    causes.extend(supported_type(doc));
    causes.extend(node_port_rules(doc));
    causes.extend(duplicate_ports(doc));
    causes.extend(source_ranges(doc));
    causes.extend(load_balancer_fields(doc));
    causes.extend(load_balancer_class(doc));
    causes.extend(external_traffic(doc));
    causes.extend(internal_traffic(doc));
    causes.extend(traffic_distribution(doc));
    causes
}

/// What is wrong with the change from `old` to `doc`.
pub fn change(doc: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = service_ips::cluster_ips_change(doc, old);
    causes.extend(service_ips::ip_families_change(doc, old));
    let both_balanced = [doc, old].iter().all(|d| service_type(d) == ServiceType::LoadBalancer);
    let class = doc.pointer("/spec/loadBalancerClass");
    if both_balanced && class != old.pointer("/spec/loadBalancerClass") {
        causes.push(Cause::invalid("spec.loadBalancerClass", class.unwrap_or(&json!("null")), FIXED));
    }
    causes.extend(load_balancer_class(doc));
    if needs_health_check(doc) && needs_health_check(old) && health_check_port(doc) != health_check_port(old) {
        causes.push(Cause::forbidden("spec.healthCheckNodePort", "field is immutable"));
    }
    causes
}

fn topology_annotations(doc: &Value) -> Vec<Cause> {
    let annotation = |key| object(doc, "/metadata/annotations").and_then(|all| all.get(key));
    match (annotation(TOPOLOGY_MODE), annotation(TOPOLOGY_HINTS)) {
        (Some(mode), Some(hints)) if mode != hints => {
            let why = format!("must match annotations[{TOPOLOGY_HINTS}] when both are specified");
            vec![Cause::invalid(format!("metadata.annotations[{TOPOLOGY_MODE}]"), mode, &why)]
        }
        _ => Vec::new(),
    }
}

fn type_rules(doc: &Value) -> Vec<Cause> {
    match service_type(doc) {
        ServiceType::LoadBalancer | ServiceType::NodePort if is_headless(doc) => {
            let why = format!("may not be set to 'None' for {} services", text(doc, "/spec/type"));
            vec![Cause::invalid("spec.clusterIPs[0]", &json!("None"), &why)]
        }
        ServiceType::ExternalName => external_name(doc),
        _ => Vec::new(),
    }
}

fn external_name(doc: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    for (present, field) in [
        (!cluster_ips(doc).is_empty(), "spec.clusterIPs"),
        (!ip_families(doc).is_empty(), "spec.ipFamilies"),
        (!ip_family_policy(doc).is_empty(), "spec.ipFamilyPolicy"),
    ] {
        if present {
            causes.push(Cause::forbidden(field, NOT_FOR_ALIASES));
        }
    }
    // A trailing dot marks the name as fully qualified.
    let name = text(doc, "/spec/externalName");
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() {
        causes.push(Cause::required("spec.externalName", ""));
    } else {
        causes.extend(names::dns_subdomain(name).iter().map(|wrong| Cause::invalid("spec.externalName", &json!(name), wrong)));
    }
    causes
}

fn ports(doc: &Value) -> Vec<Cause> {
    let (mut causes, mut seen) = (Vec::new(), BTreeSet::new());
    let ports = items(doc, "/spec/ports");
    for (i, port) in ports.iter().enumerate() {
        let field = format!("spec.ports[{i}]");
        let name = text(port, "/name");
        if !name.is_empty() {
            let wrong = names::dns_label(name);
            causes.extend(wrong.iter().map(|wrong| Cause::invalid(format!("{field}.name"), &json!(name), wrong)));
            if !seen.insert(name) {
                causes.push(Cause::duplicate(format!("{field}.name"), &json!(name)));
            }
        } else if ports.len() > 1 {
            causes.push(Cause::required(format!("{field}.name"), ""));
        }
        let number = number(port, "/port").unwrap_or(0);
        let wrong = names::port_number(number);
        causes.extend(wrong.iter().map(|wrong| Cause::invalid(format!("{field}.port"), &json!(number), wrong)));
        causes.extend(protocol(port, &field));
        causes.extend(port_or_name(port, "/targetPort", &format!("{field}.targetPort")));
        if let Some(app) = port.get("appProtocol").and_then(Value::as_str) {
            let wrong = names::qualified_name(app);
            causes.extend(wrong.iter().map(|wrong| Cause::invalid(format!("{field}.appProtocol"), &json!(app), wrong)));
        }
    }
    causes
}

/// `protocol` of a port entry, required and one of three.
pub(super) fn protocol(port: &Value, field: &str) -> Vec<Cause> {
    match text(port, "/protocol") {
        "" => vec![Cause::required(format!("{field}.protocol"), "")],
        "TCP" | "UDP" | "SCTP" => Vec::new(),
        other => vec![Cause::not_supported(format!("{field}.protocol"), &json!(other), &["TCP", "UDP", "SCTP"])],
    }
}

/// A port given as a number or as the name of a container port; absent is 0.
pub(super) fn port_or_name(doc: &Value, place: &str, field: &str) -> Vec<Cause> {
    let zero = json!(0);
    let value = doc.pointer(place).unwrap_or(&zero);
    let wrong = match value {
        Value::String(name) => names::port_name(name),
        number => names::port_number(number.as_i64().unwrap_or(0)),
    };
    wrong.iter().map(|wrong| Cause::invalid(field, value, wrong)).collect()
}

fn session_affinity(doc: &Value) -> Vec<Cause> {
    const CONFIG: &str = "spec.sessionAffinityConfig";
    const WHEN: &str = "when session affinity type is ClientIP";
    let config = doc.pointer("/spec/sessionAffinityConfig").filter(|c| !c.is_null());
    match text(doc, "/spec/sessionAffinity") {
        "" => vec![Cause::required("spec.sessionAffinity", "")],
        "None" if config.is_some() => vec![Cause::forbidden(CONFIG, "must not be set when session affinity is None")],
        "None" => Vec::new(),
        "ClientIP" => match config.map(|c| c.pointer("/clientIP").map(|client| number(client, "/timeoutSeconds"))) {
            None => vec![Cause::required(CONFIG, WHEN)],
            Some(None) => vec![Cause::required(format!("{CONFIG}.clientIP"), WHEN)],
            Some(Some(None)) => vec![Cause::required(format!("{CONFIG}.clientIP.timeoutSeconds"), WHEN)],
            Some(Some(Some(seconds))) if !(1..=AFFINITY_MAX_SECONDS).contains(&seconds) => {
                let why = format!("must be greater than 0 and less than {AFFINITY_MAX_SECONDS}");
                vec![Cause::invalid(format!("{CONFIG}.clientIP.timeoutSeconds"), &json!(seconds), &why)]
            }
            _ => Vec::new(),
        },
        other => vec![Cause::not_supported("spec.sessionAffinity", &json!(other), &["ClientIP", "None"])],
    }
}

fn external_ips(doc: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    for (i, ip) in strings(doc, "/spec/externalIPs").into_iter().enumerate() {
        let wrong = names::non_special_ip(ip);
        causes.extend(wrong.iter().map(|wrong| Cause::invalid(format!("spec.externalIPs[{i}]"), &json!(ip), wrong)));
    }
    causes
}

fn supported_type(doc: &Value) -> Vec<Cause> {
    let name = text(doc, "/spec/type");
    match service_type(doc) {
        ServiceType::Unknown if name.is_empty() => vec![Cause::required("spec.type", "")],
        ServiceType::Unknown => {
            let supported = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
            vec![Cause::not_supported("spec.type", &json!(name), &supported)]
        }
        _ => Vec::new(),
    }
}

fn node_port_rules(doc: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let ports = items(doc, "/spec/ports");
    if service_type(doc) == ServiceType::ClusterIp {
        for i in (0..ports.len()).filter(|i| node_port(&ports[*i]) != 0) {
            causes.push(Cause::forbidden(format!("spec.ports[{i}].nodePort"), "may not be used when `type` is 'ClusterIP'"));
        }
    }
    let mut seen = BTreeSet::new();
    for (i, port) in ports.iter().enumerate().filter(|(_, port)| node_port(port) != 0) {
        if !seen.insert((text(port, "/protocol"), node_port(port))) {
            causes.push(Cause::duplicate(format!("spec.ports[{i}].nodePort"), &json!(node_port(port))));
        }
    }
    causes
}

fn duplicate_ports(doc: &Value) -> Vec<Cause> {
    let (mut causes, mut seen) = (Vec::new(), BTreeSet::new());
    for (i, port) in items(doc, "/spec/ports").iter().enumerate() {
        let (protocol, number) = (text(port, "/protocol"), number(port, "/port").unwrap_or(0));
        if !seen.insert((protocol, number)) {
            // The server prints the Go struct that it compared.
            let message = format!(
                "Duplicate value: core.ServicePort{{Name:\"\", Protocol:{protocol:?}, AppProtocol:(*string)(nil), Port:{number}, \
                 TargetPort:intstr.IntOrString{{Type:0, IntVal:0, StrVal:\"\"}}, NodePort:0}}"
            );
            causes.push(Cause { reason: "FieldValueDuplicate", message, field: format!("spec.ports[{i}]") });
        }
    }
    causes
}

fn source_ranges(doc: &Value) -> Vec<Cause> {
    let ranges = strings(doc, "/spec/loadBalancerSourceRanges");
    let annotation = object(doc, "/metadata/annotations").and_then(|all| all.get(SOURCE_RANGES)).and_then(Value::as_str);
    let mut causes = Vec::new();
    let balanced = service_type(doc) == ServiceType::LoadBalancer;
    let mut judge = |field: String, range: &str| {
        let range = range.trim();
        causes.extend(names::cidr(range).iter().map(|wrong| Cause::invalid(field.as_str(), &json!(range), wrong)));
    };
    if !ranges.is_empty() {
        // The capital letter is the server's.
        ranges.iter().enumerate().for_each(|(i, range)| judge(format!("spec.LoadBalancerSourceRanges[{i}]"), range));
        if !balanced {
            causes.insert(0, Cause::forbidden("spec.LoadBalancerSourceRanges", ONLY_LOAD_BALANCER));
        }
    } else if let Some(list) = annotation {
        let field = format!("metadata.annotations[{SOURCE_RANGES}]");
        if !list.trim().is_empty() {
            list.split(',').for_each(|range| judge(field.clone(), range));
        }
        if !balanced {
            causes.insert(0, Cause::forbidden(field, ONLY_LOAD_BALANCER));
        }
    }
    causes
}

fn load_balancer_fields(doc: &Value) -> Vec<Cause> {
    let balanced = service_type(doc) == ServiceType::LoadBalancer;
    match (is_unset(doc, "/spec/allocateLoadBalancerNodePorts"), balanced) {
        (false, false) => vec![Cause::forbidden("spec.allocateLoadBalancerNodePorts", ONLY_LOAD_BALANCER)],
        // The path without `spec` is the server's.
        (true, true) => vec![Cause::required("allocateLoadBalancerNodePorts", "")],
        _ => Vec::new(),
    }
}

fn load_balancer_class(doc: &Value) -> Vec<Cause> {
    const FIELD: &str = "spec.loadBalancerClass";
    let Some(class) = doc.pointer("/spec/loadBalancerClass").and_then(Value::as_str) else { return Vec::new() };
    if service_type(doc) != ServiceType::LoadBalancer {
        return vec![Cause::forbidden(FIELD, ONLY_LOAD_BALANCER)];
    }
    names::qualified_name(class).iter().map(|wrong| Cause::invalid(FIELD, &json!(class), wrong)).collect()
}

fn external_traffic(doc: &Value) -> Vec<Cause> {
    const POLICY: &str = "spec.externalTrafficPolicy";
    const HEALTH: &str = "spec.healthCheckNodePort";
    let mut causes = Vec::new();
    let policy = text(doc, "/spec/externalTrafficPolicy");
    match (is_externally_accessible(doc), policy) {
        (false, "") | (true, "Cluster" | "Local") => {}
        (false, _) => {
            causes.push(Cause::invalid(POLICY, &json!(policy), "may only be set for externally-accessible services"));
        }
        (true, "") => causes.push(Cause::required(POLICY, "")),
        (true, _) => causes.push(Cause::not_supported(POLICY, &json!(policy), &["Cluster", "Local"])),
    }
    let port = health_check_port(doc);
    match (needs_health_check(doc), port) {
        (false, 0) => {}
        (false, _) => {
            let why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
            causes.push(Cause::invalid(HEALTH, &json!(port), why));
        }
        (true, 0) => causes.push(Cause::required(HEALTH, "")),
        (true, _) => causes.extend(names::port_number(port).iter().map(|wrong| Cause::invalid(HEALTH, &json!(port), wrong))),
    }
    causes
}

fn internal_traffic(doc: &Value) -> Vec<Cause> {
    const POLICY: &str = "spec.internalTrafficPolicy";
    let kinds = [ServiceType::NodePort, ServiceType::LoadBalancer, ServiceType::ClusterIp];
    match text(doc, "/spec/internalTrafficPolicy") {
        "" if kinds.contains(&service_type(doc)) => vec![Cause::required(POLICY, "")],
        "" | "Cluster" | "Local" => Vec::new(),
        other => vec![Cause::not_supported(POLICY, &json!(other), &["Cluster", "Local"])],
    }
}

fn traffic_distribution(doc: &Value) -> Vec<Cause> {
    let Some(value) = doc.pointer("/spec/trafficDistribution").and_then(Value::as_str) else { return Vec::new() };
    // PreferSameZone and PreferSameNode came later, behind a gate.
    match value {
        "PreferClose" => Vec::new(),
        other => vec![Cause::not_supported("spec.trafficDistribution", &json!(other), &["PreferClose"])],
    }
}
