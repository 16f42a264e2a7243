//! Validation of containers: names, images, ports, environment, mounts, resources, probes.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::names;
use super::service::{port_or_name, protocol};
use crate::api::document::{entries, is_unset, items, number, object, text};
use crate::api::status::Cause;
use crate::objects::quantity;

/// The containers of a list: `spec.containers` or `spec.initContainers`. `seen` holds the names used so far in the pod.
pub(super) fn list<'a>(
    spec: &'a Value,
    name: &str,
    field: &str,
    volumes: &BTreeSet<&str>,
    seen: &mut BTreeSet<&'a str>,
) -> Vec<Cause> {
    let mut causes = Vec::new();
    for (i, container) in items(spec, &format!("/{name}")).iter().enumerate() {
        let field = format!("{field}.{name}[{i}]");
        causes.extend(common(container, &field, volumes));
        let own = text(container, "/name");
        if !own.is_empty() && !seen.insert(own) {
            causes.push(Cause::duplicate(format!("{field}.name"), &json!(own)));
        }
        if name == "containers" {
            causes.extend(probes(container, &field));
        }
    }
    causes
}

fn common(container: &Value, field: &str, volumes: &BTreeSet<&str>) -> Vec<Cause> {
    let mut causes = Vec::new();
    let name = text(container, "/name");
    if name.is_empty() {
        causes.push(Cause::required(format!("{field}.name"), ""));
    } else {
        causes.extend(names::dns_label(name).iter().map(|wrong| Cause::invalid(format!("{field}.name"), &json!(name), wrong)));
    }
    if text(container, "/image").is_empty() {
        causes.push(Cause::required(format!("{field}.image"), ""));
    }
    causes.extend(ports(container, field));
    causes.extend(environment(container, field));
    causes.extend(mounts(container, field, volumes));
    let policy = text(container, "/imagePullPolicy");
    if !policy.is_empty() && !["Always", "IfNotPresent", "Never"].contains(&policy) {
        let supported = ["Always", "IfNotPresent", "Never"];
        causes.push(Cause::not_supported(format!("{field}.imagePullPolicy"), &json!(policy), &supported));
    }
    causes.extend(resources(container, field));
    causes
}

fn ports(container: &Value, field: &str) -> Vec<Cause> {
    let (mut causes, mut seen) = (Vec::new(), BTreeSet::new());
    for (i, port) in items(container, "/ports").iter().enumerate() {
        let field = format!("{field}.ports[{i}]");
        let name = text(port, "/name");
        if !name.is_empty() {
            let wrong = names::port_name(name);
            causes.extend(wrong.iter().map(|wrong| Cause::invalid(format!("{field}.name"), &json!(name), wrong)));
            if wrong.is_empty() && !seen.insert(name) {
                causes.push(Cause::duplicate(format!("{field}.name"), &json!(name)));
            }
        }
        match number(port, "/containerPort").unwrap_or(0) {
            0 => causes.push(Cause::required(format!("{field}.containerPort"), "")),
            n => causes.extend(in_range(n, format!("{field}.containerPort"))),
        }
        let host_port = number(port, "/hostPort").unwrap_or(0);
        if host_port != 0 {
            causes.extend(in_range(host_port, format!("{field}.hostPort")));
        }
        causes.extend(protocol(port, &field));
    }
    causes
}

fn in_range(port: i64, field: String) -> Vec<Cause> {
    names::port_number(port).iter().map(|wrong| Cause::invalid(field.as_str(), &json!(port), wrong)).collect()
}

fn environment(container: &Value, field: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    for (i, variable) in items(container, "/env").iter().enumerate() {
        let field = format!("{field}.env[{i}]");
        let name = text(variable, "/name");
        if name.is_empty() {
            causes.push(Cause::required(format!("{field}.name"), ""));
        } else {
            causes.extend(
                names::env_var_name(name).iter().map(|wrong| Cause::invalid(format!("{field}.name"), &json!(name), wrong)),
            );
        }
        let Some(from) = object(variable, "/valueFrom") else { continue };
        if !text(variable, "/value").is_empty() {
            causes.push(Cause::invalid(
                format!("{field}.valueFrom"),
                &json!(""),
                "may not be specified when `value` is not empty",
            ));
        } else if from.is_empty() {
            let why = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`";
            causes.push(Cause::invalid(format!("{field}.valueFrom"), &json!(""), why));
        } else if from.len() > 1 {
            let why = "may not have more than one field specified at a time";
            causes.push(Cause::invalid(format!("{field}.valueFrom"), &json!(""), why));
        }
    }
    causes
}

fn mounts(container: &Value, field: &str, volumes: &BTreeSet<&str>) -> Vec<Cause> {
    let (mut causes, mut seen) = (Vec::new(), BTreeSet::new());
    for (i, mount) in items(container, "/volumeMounts").iter().enumerate() {
        let field = format!("{field}.volumeMounts[{i}]");
        let (name, path) = (text(mount, "/name"), text(mount, "/mountPath"));
        if name.is_empty() {
            causes.push(Cause::required(format!("{field}.name"), ""));
        } else if !volumes.contains(name) {
            causes.push(Cause::not_found(format!("{field}.name"), &json!(name)));
        }
        if path.is_empty() {
            causes.push(Cause::required(format!("{field}.mountPath"), ""));
        } else if !seen.insert(path) {
            causes.push(Cause::invalid(format!("{field}.mountPath"), &json!(path), "must be unique"));
        }
    }
    causes
}

fn resources(container: &Value, field: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    for part in ["limits", "requests"] {
        for (name, amount) in entries(container, &format!("/resources/{part}")) {
            if quantity::nanos(amount).is_some_and(|n| n < 0) {
                let field = format!("{field}.resources.{part}[{name}]");
                causes.push(Cause::invalid(field, &json!(amount), "must be greater than or equal to 0"));
            }
        }
    }
    for (name, request) in entries(container, "/resources/requests") {
        let limit = object(container, "/resources/limits").and_then(|limits| limits.get(name)).and_then(Value::as_str);
        if let Some(limit) = limit
            && quantity::nanos(request) > quantity::nanos(limit)
        {
            let why = format!("must be less than or equal to {name} limit of {limit}");
            causes.push(Cause::invalid(format!("{field}.resources.requests"), &json!(request), &why));
        }
    }
    causes
}

fn probes(container: &Value, field: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(probe) = container.get(name).filter(|probe| !probe.is_null()) else { continue };
        let field = format!("{field}.{name}");
        causes.extend(handler(probe, &field));
        for setting in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"] {
            let value = number(probe, &format!("/{setting}")).unwrap_or(0);
            if value < 0 {
                causes.push(Cause::invalid(format!("{field}.{setting}"), &json!(value), "must be greater than or equal to 0"));
            }
        }
        let successes = number(probe, "/successThreshold").unwrap_or(1);
        if name != "readinessProbe" && successes != 1 {
            causes.push(Cause::invalid(format!("{field}.successThreshold"), &json!(successes), "must be 1"));
        }
    }
    causes
}

fn handler(probe: &Value, field: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    let given: Vec<&str> =
        ["exec", "httpGet", "tcpSocket", "grpc"].into_iter().filter(|how| !is_unset(probe, &format!("/{how}"))).collect();
    for (at, how) in given.iter().enumerate() {
        if at > 0 {
            causes.push(Cause::forbidden(format!("{field}.{how}"), "may not specify more than 1 handler type"));
            continue;
        }
        let field = format!("{field}.{how}");
        match *how {
            "exec" if items(probe, "/exec/command").is_empty() => causes.push(Cause::required(format!("{field}.command"), "")),
            "httpGet" => {
                if text(probe, "/httpGet/path").is_empty() {
                    causes.push(Cause::required(format!("{field}.path"), ""));
                }
                causes.extend(port_or_name(probe, "/httpGet/port", &format!("{field}.port")));
                let scheme = text(probe, "/httpGet/scheme");
                if !["HTTP", "HTTPS"].contains(&scheme) {
                    causes.push(Cause::not_supported(format!("{field}.scheme"), &json!(scheme), &["HTTP", "HTTPS"]));
                }
            }
            "tcpSocket" => causes.extend(port_or_name(probe, "/tcpSocket/port", &format!("{field}.port"))),
            "grpc" => causes.extend(in_range(number(probe, "/grpc/port").unwrap_or(0), format!("{field}.port"))),
            _ => {}
        }
    }
    if given.is_empty() {
        causes.push(Cause::required(field, "must specify a handler type"));
    }
    causes
}
