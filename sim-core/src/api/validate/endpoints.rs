//! Validation of Endpoints and EndpointSlices.
//!
//! The real thing: `ValidateEndpoints` in `pkg/apis/core/validation/validation.go`, `pkg/apis/discovery/validation/validation.go`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::names;
use super::service::protocol;
use crate::api::document::{items, number, strings, text};
use crate::api::service::fields::Family;
use crate::api::status::Cause;

/// Most addresses of one endpoint, endpoints of a slice, and ports of a slice.
const ADDRESSES_MAX: usize = 100;
const ENDPOINTS_MAX: usize = 1000;
const PORTS_MAX: usize = 20_000;

/// The subsets of Endpoints.
pub fn endpoints(doc: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    for (i, subset) in items(doc, "/subsets").iter().enumerate() {
        let field = format!("subsets[{i}]");
        if items(subset, "/addresses").is_empty() && items(subset, "/notReadyAddresses").is_empty() {
            causes.push(Cause::required(field.as_str(), "must specify `addresses` or `notReadyAddresses`"));
        }
        for list in ["addresses", "notReadyAddresses"] {
            for (a, address) in items(subset, &format!("/{list}")).iter().enumerate() {
                let field = format!("{field}.{list}[{a}]");
                let ip = text(address, "/ip");
                let wrong = names::non_special_ip(ip);
                causes.extend(wrong.iter().map(|wrong| Cause::invalid(format!("{field}.ip"), &json!(ip), wrong)));
                causes.extend(hostname(address, &field));
            }
        }
        let ports = items(subset, "/ports");
        for (p, port) in ports.iter().enumerate() {
            let field = format!("{field}.ports[{p}]");
            match text(port, "/name") {
                "" if ports.len() > 1 => causes.push(Cause::required(format!("{field}.name"), "")),
                "" => {}
                name => causes.extend(label(name, format!("{field}.name"))),
            }
            let number = number(port, "/port").unwrap_or(0);
            let wrong = names::port_number(number);
            causes.extend(wrong.iter().map(|wrong| Cause::invalid(format!("{field}.port"), &json!(number), wrong)));
            causes.extend(protocol(port, &field));
        }
    }
    causes
}

/// An EndpointSlice.
pub fn slice(doc: &Value) -> Vec<Cause> {
    let types = ["FQDN", "IPv4", "IPv6"];
    let address_type = text(doc, "/addressType");
    let mut causes = match address_type {
        "" => vec![Cause::required("addressType", "")],
        known if types.contains(&known) => Vec::new(),
        other => vec![Cause::not_supported("addressType", &json!(other), &types)],
    };
    let endpoints = items(doc, "/endpoints");
    if endpoints.len() > ENDPOINTS_MAX {
        causes.push(Cause::too_many("endpoints", endpoints.len(), ENDPOINTS_MAX));
    }
    for (i, endpoint) in endpoints.iter().take(ENDPOINTS_MAX).enumerate() {
        let field = format!("endpoints[{i}]");
        let addresses = strings(endpoint, "/addresses");
        if addresses.is_empty() {
            causes.push(Cause::required(format!("{field}.addresses"), "must contain at least 1 address"));
        } else if addresses.len() > ADDRESSES_MAX {
            causes.push(Cause::too_many(format!("{field}.addresses"), addresses.len(), ADDRESSES_MAX));
        }
        for (a, address) in addresses.iter().enumerate() {
            let wrong = address_rule(address_type, address);
            causes.extend(wrong.iter().map(|wrong| Cause::invalid(format!("{field}.addresses[{a}]"), &json!(address), wrong)));
        }
        causes.extend(hostname(endpoint, &field));
    }
    causes.extend(slice_ports(doc));
    causes
}

/// The address type of a slice never changes.
pub fn slice_change(doc: &Value, old: &Value) -> Vec<Cause> {
    if text(doc, "/addressType") == text(old, "/addressType") {
        return Vec::new();
    }
    vec![Cause::invalid("addressType", &json!(text(doc, "/addressType")), "field is immutable")]
}

fn slice_ports(doc: &Value) -> Vec<Cause> {
    let (mut causes, mut seen) = (Vec::new(), BTreeSet::new());
    let ports = items(doc, "/ports");
    if ports.len() > PORTS_MAX {
        return vec![Cause::too_many("ports", ports.len(), PORTS_MAX)];
    }
    for (i, port) in ports.iter().enumerate() {
        let field = format!("ports[{i}]");
        let name = text(port, "/name");
        if !name.is_empty() {
            causes.extend(label(name, format!("{field}.name")));
        }
        if !seen.insert(name) {
            causes.push(Cause::duplicate(format!("{field}.name"), &json!(name)));
        }
        causes.extend(protocol(port, &field));
    }
    causes
}

fn address_rule(address_type: &str, address: &str) -> Vec<String> {
    match (address_type, Family::parse(address_type)) {
        (_, Some(family)) if Family::of_text(address) != Some(family) => {
            vec![format!("must be a valid {} address", family.text())]
        }
        (_, Some(_)) => names::non_special_ip(address),
        ("FQDN", _) => names::dns_subdomain(address.strip_suffix('.').unwrap_or(address)),
        _ => Vec::new(),
    }
}

fn hostname(endpoint: &Value, field: &str) -> Vec<Cause> {
    match text(endpoint, "/hostname") {
        "" => Vec::new(),
        name => label(name, format!("{field}.hostname")),
    }
}

fn label(name: &str, field: String) -> Vec<Cause> {
    names::dns_label(name).iter().map(|wrong| Cause::invalid(field.as_str(), &json!(name), wrong)).collect()
}
