//! Services, Endpoints, EndpointSlices and Ingresses.

use std::collections::BTreeSet;

use serde_json::Value;

use super::events::{self, About};
use super::writer::Page;
use crate::api::table::document::{
    at, flag, format_labels, has, host_port, list, name, namespace, number, or_none, pairs, plain, text, texts,
};
use crate::console::kubectl::client::{Client, Filter};
use crate::console::kubectl::resource::Resource;

pub(super) async fn service(client: &mut Client<'_>, service: &Value, show_events: bool) -> String {
    let slices = slices_of(client, namespace(service), name(service)).await;
    let mut page = Page::default();
    page.heading(service);
    page.field(0, "Selector", format_labels(&pairs(service, "spec.selector")));
    page.field(0, "Type", text(service, "spec.type"));
    if has(service, "spec.ipFamilyPolicy") {
        page.field(0, "IP Family Policy", text(service, "spec.ipFamilyPolicy"));
    }
    page.field(0, "IP Families", or_none(texts(service, "spec.ipFamilies").join(",")));
    page.field(0, "IP", text(service, "spec.clusterIP"));
    page.field(0, "IPs", or_none(texts(service, "spec.clusterIPs").join(",")));
    let external = texts(service, "spec.externalIPs");
    if !external.is_empty() {
        page.field(0, "External IPs", external.join(","));
    }
    page.optional(service, "spec.loadBalancerIP", "Desired LoadBalancer IP");
    page.optional(service, "spec.externalName", "External Name");
    let balancers = list(service, "status.loadBalancer.ingress");
    if !balancers.is_empty() {
        page.field(0, "LoadBalancer Ingress", balancers.iter().map(balancer).collect::<Vec<_>>().join(", "));
    }
    for port in list(service, "spec.ports") {
        port_lines(&mut page, port, &slices);
    }
    page.field(0, "Session Affinity", text(service, "spec.sessionAffinity"));
    page.optional(service, "spec.externalTrafficPolicy", "External Traffic Policy");
    if has(service, "spec.internalTrafficPolicy") {
        page.field(0, "Internal Traffic Policy", text(service, "spec.internalTrafficPolicy"));
    }
    if number(service, "spec.healthCheckNodePort") != 0 {
        page.field(0, "HealthCheck NodePort", number(service, "spec.healthCheckNodePort"));
    }
    let ranges = texts(service, "spec.loadBalancerSourceRanges");
    if !ranges.is_empty() {
        page.field(0, "LoadBalancer Source Ranges", ranges.join(","));
    }
    finish(client, page, service, show_events).await
}

/// Appends the events about an object and ends the page.
pub(super) async fn finish(client: &mut Client<'_>, mut page: Page, object: &Value, show_events: bool) -> String {
    if show_events {
        let found = events::search(client, &About::object(object)).await;
        let now = client.now();
        events::describe(&mut page, &found, now);
    }
    page.finish()
}

async fn slices_of(client: &mut Client<'_>, namespace: &str, service: &str) -> Vec<Value> {
    let filter = Filter { labels: format!("kubernetes.io/service-name={service}"), ..Filter::default() };
    client.list(&Resource::named("endpointslices"), namespace, &filter).await.unwrap_or_default()
}

fn balancer(entry: &Value) -> String {
    match (text(entry, "ip"), text(entry, "ipMode")) {
        ("", _) => text(entry, "hostname").into(),
        (ip, "") => ip.into(),
        (ip, mode) => format!("{ip} ({mode})"),
    }
}

fn port_lines(page: &mut Page, port: &Value, slices: &[Value]) {
    let protocol = text(port, "protocol");
    let port_name = match text(port, "name") {
        "" => "<unset>",
        name => name,
    };
    page.line(0, format!("Port:\t{port_name}\t{}/{protocol}", number(port, "port")));
    let target = match at(port, "targetPort") {
        Value::Null => "0".into(),
        target => plain(target),
    };
    page.field(0, "TargetPort", format!("{target}/{protocol}"));
    if number(port, "nodePort") != 0 {
        page.line(0, format!("NodePort:\t{port_name}\t{}/{protocol}", number(port, "nodePort")));
    }
    page.field(0, "Endpoints", ready_endpoints(slices, text(port, "name")));
}

/// The ready addresses behind a port name, at most three. Upstream notices "more" before it looks at readiness, so an
/// unready endpoint after three ready ones gives ` + 0 more...`; so do we.
fn ready_endpoints(slices: &[Value], port_name: &str) -> String {
    if slices.is_empty() {
        return "<none>".into();
    }
    let (mut shown, mut more, mut count) = (Vec::new(), false, 0);
    let mut add = |endpoint: &Value, port: Option<String>| {
        more |= shown.len() == 3;
        if at(endpoint, "conditions.ready") == &Value::Bool(false) {
            return;
        }
        if !more {
            let address = texts(endpoint, "addresses").first().copied().unwrap_or("");
            shown.push(port.map_or(address.to_string(), |port| host_port(address, &port)));
        }
        count += 1;
    };
    for slice in slices {
        let (ports, endpoints) = (list(slice, "ports"), list(slice, "endpoints"));
        if ports.is_empty() {
            endpoints.iter().for_each(|endpoint| add(endpoint, None));
        }
        for port in ports.iter().filter(|port| text(port, "name") == port_name) {
            endpoints.iter().for_each(|endpoint| add(endpoint, Some(number(port, "port").to_string())));
        }
    }
    let list = shown.join(",");
    if more { format!("{list} + {} more...", count - 3) } else { list }
}

pub(super) async fn endpoints(client: &mut Client<'_>, endpoints: &Value, show_events: bool) -> String {
    let mut page = Page::default();
    page.heading(endpoints);
    page.line(0, "Subsets:");
    for subset in list(endpoints, "subsets") {
        for (title, field) in [("Addresses", "addresses"), ("NotReadyAddresses", "notReadyAddresses")] {
            let addresses: Vec<&str> = list(subset, field).iter().map(|address| text(address, "ip")).collect();
            page.field(1, title, or_none(addresses.join(",")));
        }
        let ports = list(subset, "ports");
        if !ports.is_empty() {
            page.line(1, "Ports:");
            page.line(2, "Name\tPort\tProtocol");
            page.line(2, "----\t----\t--------");
        }
        for port in ports {
            page.line(2, format!("{}\t{}\t{}", or_unset(text(port, "name")), number(port, "port"), text(port, "protocol")));
        }
        page.line(0, "");
    }
    finish(client, page, endpoints, show_events).await
}

fn or_unset(text: &str) -> &str {
    if text.is_empty() { "<unset>" } else { text }
}

pub(super) async fn endpoint_slice(client: &mut Client<'_>, slice: &Value, show_events: bool) -> String {
    let mut page = Page::default();
    page.heading(slice);
    page.field(0, "AddressType", text(slice, "addressType"));
    let ports = list(slice, "ports");
    if ports.is_empty() {
        page.line(0, "Ports: <unset>");
    } else {
        page.line(0, "Ports:");
        page.line(1, "Name\tPort\tProtocol");
        page.line(1, "----\t----\t--------");
    }
    for port in ports {
        let number = if has(port, "port") { number(port, "port").to_string() } else { "<unset>".into() };
        page.line(1, format!("{}\t{number}\t{}", or_unset(text(port, "name")), text(port, "protocol")));
    }
    let endpoints = list(slice, "endpoints");
    page.line(0, if endpoints.is_empty() { "Endpoints: <none>" } else { "Endpoints:" });
    for endpoint in endpoints {
        page.line(1, format!("- Addresses:\t{}", or_none(texts(endpoint, "addresses").join(", "))));
        page.line(2, "Conditions:");
        let ready =
            if has(endpoint, "conditions.ready") { flag(endpoint, "conditions.ready").to_string() } else { "<unset>".into() };
        page.field(3, "Ready", ready);
        let unset = |field: &str| if has(endpoint, field) { text(endpoint, field).to_string() } else { "<unset>".into() };
        page.field(2, "Hostname", unset("hostname"));
        if has(endpoint, "targetRef") {
            let target = at(endpoint, "targetRef");
            page.field(2, "TargetRef", format!("{}/{}", text(target, "kind"), text(target, "name")));
        }
        page.field(2, "NodeName", unset("nodeName"));
        page.field(2, "Zone", unset("zone"));
    }
    finish(client, page, slice, show_events).await
}

pub(super) async fn ingress(client: &mut Client<'_>, ingress: &Value, show_events: bool) -> String {
    let space = namespace(ingress).to_string();
    let mut page = Page::default();
    page.field(0, "Name", name(ingress));
    page.labels("Labels", &pairs(ingress, "metadata.labels"));
    page.field(0, "Namespace", &space);
    let entries = list(ingress, "status.loadBalancer.ingress").iter();
    let addresses: BTreeSet<&str> =
        entries.map(|e| if text(e, "ip").is_empty() { text(e, "hostname") } else { text(e, "ip") }).collect();
    page.field(0, "Address", addresses.into_iter().filter(|a| !a.is_empty()).collect::<Vec<_>>().join(","));
    let class = if has(ingress, "spec.ingressClassName") { text(ingress, "spec.ingressClassName") } else { "<none>" };
    page.field(0, "Ingress Class", class);
    let default = match at(ingress, "spec.defaultBackend") {
        Value::Null => "<default>".to_string(),
        backend => backend_text(client, &space, backend).await,
    };
    page.field(0, "Default backend", &default);
    let tls = list(ingress, "spec.tls");
    if !tls.is_empty() {
        page.line(0, "TLS:");
    }
    for entry in tls {
        let hosts = texts(entry, "hosts").join(",");
        match text(entry, "secretName") {
            "" => page.line(1, format!("SNI routes {hosts}")),
            secret => page.line(1, format!("{secret} terminates {hosts}")),
        }
    }
    page.line(0, "Rules:");
    page.line(1, "Host\tPath\tBackends");
    page.line(1, "----\t----\t--------");
    let rules: Vec<&Value> = list(ingress, "spec.rules").iter().filter(|rule| has(rule, "http")).collect();
    for rule in &rules {
        let host = if text(rule, "host").is_empty() { "*" } else { text(rule, "host") };
        page.line(1, format!("{host}\t"));
        for path in list(rule, "http.paths") {
            let backend = backend_text(client, &space, at(path, "backend")).await;
            page.line(2, format!("\t{} \t{backend}", text(path, "path")));
        }
    }
    if rules.is_empty() {
        page.line(1, format!("*\t*\t{default}"));
    }
    page.annotations("Annotations", &pairs(ingress, "metadata.annotations"));
    finish(client, page, ingress, show_events).await
}

/// `web:80 (10.244.0.5:8080)`.
async fn backend_text(client: &mut Client<'_>, namespace: &str, backend: &Value) -> String {
    let wanted = at(backend, "service");
    if wanted.is_null() {
        let resource = at(backend, "resource");
        let group = if has(resource, "apiGroup") { text(resource, "apiGroup") } else { "<none>" };
        return format!("APIGroup: {group}, Kind: {}, Name: {}", text(resource, "kind"), text(resource, "name"));
    }
    let service_name = text(wanted, "name");
    let port = match number(wanted, "port.number") {
        0 => text(wanted, "port.name").to_string(),
        number => number.to_string(),
    };
    let slices = slices_of(client, namespace, service_name).await;
    match client.get(&Resource::named("services"), namespace, service_name).await {
        Err(status) => format!("{service_name}:{port} (<error: {}>)", status.message),
        Ok(service) => {
            let matching = list(&service, "spec.ports").iter().rev().find(|candidate| {
                let by_number = number(wanted, "port.number") != 0 && number(wanted, "port.number") == number(candidate, "port");
                by_number || !text(wanted, "port.name").is_empty() && text(wanted, "port.name") == text(candidate, "name")
            });
            let port_name = matching.map_or("", |port| text(port, "name"));
            format!("{service_name}:{port} ({})", ready_endpoints(&slices, port_name))
        }
    }
}
