//! Rows of Services, Endpoints, EndpointSlices, Ingresses and NetworkPolicies.
//!
//! The real thing: `printService`, `formatEndpoints`, `printEndpointSlice`, `printIngress` in
//! `pkg/printers/internalversion/printers.go`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::document::{
    first_three, format_labels, format_selector, has, host_port, list, name, number, or_none, pairs, plain, text, texts,
};
use super::{Table, always, created, wide};
use crate::objects::time::Timestamp;

pub(super) const SERVICE: Table = Table {
    columns: &[
        always("Name"),
        always("Type"),
        always("Cluster-IP"),
        always("External-IP"),
        always("Port(s)"),
        always("Age"),
        wide("Selector"),
    ],
    row: service,
};

fn service(service: &Value, now: Timestamp) -> Vec<String> {
    // A headless service has the one address "None".
    let address = texts(service, "spec.clusterIPs").first().copied().unwrap_or("");
    vec![
        name(service).into(),
        text(service, "spec.type").into(),
        or_none(address),
        external_ip(service),
        or_none(ports(service)),
        created(service, now),
        format_labels(&pairs(service, "spec.selector")),
    ]
}

fn external_ip(service: &Value) -> String {
    let external = texts(service, "spec.externalIPs");
    match text(service, "spec.type") {
        "ClusterIP" | "NodePort" => or_none(external.join(",")),
        "LoadBalancer" => {
            let balancer = balancer_addresses(service);
            let all: Vec<&str> = balancer.into_iter().chain(external).collect();
            if all.is_empty() { "<pending>".into() } else { all.join(",") }
        }
        "ExternalName" => text(service, "spec.externalName").into(),
        _ => "<unknown>".into(),
    }
}

/// The addresses of `status.loadBalancer`, each once, sorted as text; an IP is preferred to a host name of the same entry.
fn balancer_addresses(object: &Value) -> BTreeSet<&str> {
    let entries = list(object, "status.loadBalancer.ingress").iter();
    let address = |entry| match text(entry, "ip") {
        "" => text(entry, "hostname"),
        ip => ip,
    };
    entries.map(address).filter(|address| !address.is_empty()).collect()
}

fn ports(service: &Value) -> String {
    let port = |port: &Value| {
        let (number_, protocol) = (number(port, "port"), text(port, "protocol"));
        match number(port, "nodePort") {
            0 => format!("{number_}/{protocol}"),
            node => format!("{number_}:{node}/{protocol}"),
        }
    };
    list(service, "spec.ports").iter().map(port).collect::<Vec<_>>().join(",")
}

pub(super) const ENDPOINTS: Table = Table {
    columns: &[always("Name"), always("Endpoints"), always("Age")],
    row: |endpoints, now| vec![name(endpoints).into(), ready_addresses(endpoints), created(endpoints, now)],
};

/// Only ready addresses count; without ports the bare addresses are shown.
fn ready_addresses(endpoints: &Value) -> String {
    let subsets = list(endpoints, "subsets");
    if subsets.is_empty() {
        return "<none>".into();
    }
    let mut all = Vec::new();
    for subset in subsets {
        let addresses: Vec<&str> = list(subset, "addresses").iter().map(|a| text(a, "ip")).collect();
        let ports = list(subset, "ports");
        if ports.is_empty() {
            all.extend(addresses.iter().map(|a| a.to_string()));
        }
        for port in ports {
            let number = number(port, "port").to_string();
            all.extend(addresses.iter().map(|address| host_port(address, &number)));
        }
    }
    first_three(&all).unwrap_or_default()
}

pub(super) const ENDPOINT_SLICE: Table = Table {
    columns: &[always("Name"), always("AddressType"), always("Ports"), always("Endpoints"), always("Age")],
    row: endpoint_slice,
};

fn endpoint_slice(slice: &Value, now: Timestamp) -> Vec<String> {
    let ports: Vec<String> = list(slice, "ports").iter().map(slice_port).collect();
    let addresses = list(slice, "endpoints").iter().flat_map(|endpoint| texts(endpoint, "addresses"));
    let addresses: Vec<String> = addresses.map(String::from).collect();
    let unset = || "<unset>".to_string();
    vec![
        name(slice).into(),
        text(slice, "addressType").into(),
        first_three(&ports).unwrap_or_else(unset),
        first_three(&addresses).unwrap_or_else(unset),
        created(slice, now),
    ]
}

/// The number of a port, its name for want of one, `*` for a port that stands for all.
fn slice_port(port: &Value) -> String {
    match (has(port, "port"), has(port, "name")) {
        (true, _) => number(port, "port").to_string(),
        (false, true) => text(port, "name").into(),
        (false, false) => "*".into(),
    }
}

pub(super) const INGRESS: Table = Table {
    columns: &[always("Name"), always("Class"), always("Hosts"), always("Address"), always("Ports"), always("Age")],
    row: ingress,
};

fn ingress(ingress: &Value, now: Timestamp) -> Vec<String> {
    let class = text(ingress, "spec.ingressClassName");
    let tls = if list(ingress, "spec.tls").is_empty() { "80" } else { "80, 443" };
    vec![
        name(ingress).into(),
        if has(ingress, "spec.ingressClassName") { class.into() } else { "<none>".into() },
        hosts(list(ingress, "spec.rules")),
        balancer_addresses(ingress).into_iter().collect::<Vec<_>>().join(","),
        tls.into(),
        created(ingress, now),
    ]
}

/// Upstream counts a rule without a host as "more" once three hosts are listed; so do we.
fn hosts(rules: &[Value]) -> String {
    let mut shown: Vec<&str> = Vec::new();
    let mut more = false;
    for rule in rules {
        more |= shown.len() == 3;
        let host = text(rule, "host");
        if !more && !host.is_empty() {
            shown.push(host);
        }
    }
    match (shown.is_empty(), more) {
        (true, _) => "*".into(),
        (false, true) => format!("{} + {} more...", shown.join(","), rules.len() - 3),
        (false, false) => shown.join(","),
    }
}

pub(super) const INGRESS_CLASS: Table = Table {
    columns: &[always("Name"), always("Controller"), always("Parameters"), always("Age")],
    row: |class, now| {
        let parameters = super::document::at(class, "spec.parameters");
        let shown = if parameters.is_null() {
            "<none>".into()
        } else {
            let group = match text(parameters, "apiGroup") {
                "" => String::new(),
                group => format!(".{group}"),
            };
            format!("{}{group}/{}", text(parameters, "kind"), text(parameters, "name"))
        };
        vec![name(class).into(), plain(super::document::at(class, "spec.controller")), shown, created(class, now)]
    },
};

pub(super) const NETWORK_POLICY: Table = Table {
    columns: &[always("Name"), always("Pod-Selector"), always("Age")],
    row: |policy, now| {
        let selector = format_selector(super::document::at(policy, "spec.podSelector"));
        vec![name(policy).into(), selector, created(policy, now)]
    },
};
