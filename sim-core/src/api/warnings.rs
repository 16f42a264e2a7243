//! Warnings: what the server accepts but thinks unwise. kubectl prints each as `Warning: TEXT`.
//!
//! In a real server they travel as HTTP headers beside a success. We model those that manifests for networking meet.
//! The real thing: `pkg/api/service/warnings.go`, `pkg/api/pod/warnings.go`.

use serde_json::Value;

use super::document::{items, number, object, strings, text};
use super::kinds::Kind;
use super::service::fields::is_headless;
use super::validate::names;

/// The warnings about a document that has just been accepted.
pub fn of(kind: &Kind, doc: &Value) -> Vec<String> {
    match (kind.group, kind.kind) {
        ("", "Service") => service(doc),
        ("", "Pod") => {
            let mut told = hostname(doc, "the Pod's hostname");
            told.extend(pod_spec(doc.get("spec").unwrap_or(&Value::Null), "spec"));
            told
        }
        ("apps", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet") | ("batch", "Job") => {
            let mut told = hostname(doc, "Pod names and hostnames");
            told.extend(pod_spec(doc.pointer("/spec/template/spec").unwrap_or(&Value::Null), "spec.template.spec"));
            told
        }
        _ => Vec::new(),
    }
}

fn service(doc: &Value) -> Vec<String> {
    const HINTS: &str = "service.kubernetes.io/topology-aware-hints";
    let mut told = Vec::new();
    if object(doc, "/metadata/annotations").is_some_and(|all| all.contains_key(HINTS)) {
        told.push(format!("annotation {HINTS} is deprecated, please use service.kubernetes.io/topology-mode instead"));
    }
    if is_headless(doc) {
        for (given, field) in [
            (!text(doc, "/spec/loadBalancerIP").is_empty(), "loadBalancerIP"),
            (!items(doc, "/spec/externalIPs").is_empty(), "externalIPs"),
            (text(doc, "/spec/sessionAffinity") != "None", "SessionAffinity"),
        ] {
            if given {
                told.push(format!("spec.{field} is ignored when spec.clusterIP is \"None\""));
            }
        }
    }
    for list in ["clusterIPs", "externalIPs"] {
        for (i, ip) in strings(doc, &format!("/spec/{list}")).into_iter().enumerate() {
            told.extend(canonical_ip(ip).map(|canonical| {
                format!(
                    "spec.{list}[{i}]: IPv6 address {ip:?} is not in RFC 5952 canonical format ({canonical:?}), which may cause \
                     controller apply-loops"
                )
            }));
        }
    }
    told
}

/// The canonical text of an IPv6 address that is written otherwise.
fn canonical_ip(ip: &str) -> Option<String> {
    let canonical = names::parse_ip(ip).filter(|address| address.is_ipv6())?.to_string();
    (canonical != ip).then_some(canonical)
}

fn hostname(doc: &Value, used_in: &str) -> Vec<String> {
    let name = text(doc, "/metadata/name");
    let mut wrong = Vec::new();
    if name.contains('.') {
        wrong.push("must not contain dots".to_string());
    }
    wrong.extend(names::dns_label(name).into_iter().filter(|why| why.starts_with("must be no more")));
    if wrong.is_empty() || name.is_empty() {
        return Vec::new();
    }
    let wrong = wrong.join(" ");
    vec![format!(
        "metadata.name: this is used in {used_in}, which can result in surprising behavior; a DNS label is recommended: [{wrong}]"
    )]
}

fn pod_spec(spec: &Value, field: &str) -> Vec<String> {
    let mut told = Vec::new();
    for list in ["containers", "initContainers"] {
        for (c, container) in items(spec, &format!("/{list}")).iter().enumerate() {
            let field = format!("{field}.{list}[{c}]");
            told.extend(duplicate_ports(container, &field));
            let variables = items(container, "/env");
            for (i, variable) in variables.iter().enumerate() {
                let name = text(variable, "/name");
                if variables[..i].iter().any(|earlier| text(earlier, "/name") == name) {
                    told.push(format!(
                        "{field}.env[{i}]: hides previous definition of {name:?}, which may be dropped when using apply"
                    ));
                }
            }
        }
    }
    told
}

fn duplicate_ports(container: &Value, field: &str) -> Vec<String> {
    let ports = items(container, "/ports");
    let identity =
        |port: &Value| (number(port, "/containerPort"), text(port, "/protocol").to_string(), number(port, "/hostPort"));
    let mut told = Vec::new();
    for (i, port) in ports.iter().enumerate() {
        if let Some(first) = ports[..i].iter().position(|earlier| identity(earlier) == identity(port)) {
            told.push(format!("{field}.ports[{i}]: duplicate port definition with {field}.ports[{first}]"));
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::kinds;
    use serde_json::json;

    #[test]
    fn unwise_manifests_are_warned_of() {
        let told = |api, kind, doc: Value| of(kinds::of(api, kind).expect("a kind"), &doc).join("\n");
        let containers =
            json!([{"ports": [{"containerPort": 80}, {"containerPort": 80}], "env": [{"name": "A"}, {"name": "A"}]}]);
        let all = [
            told(
                "v1",
                "Service",
                json!({"spec": {"clusterIPs": ["None"], "externalIPs": ["1.2.3.4"], "sessionAffinity": "ClientIP"}}),
            ),
            told("v1", "Service", json!({"spec": {"clusterIPs": ["fd00:0::1"], "sessionAffinity": "None"}})),
            told("v1", "Pod", json!({"metadata": {"name": "a.b"}, "spec": {"containers": containers}})),
            told("apps/v1", "Deployment", json!({"metadata": {"name": "a.b"}})),
        ];
        insta::assert_snapshot!(all.join("\n"), @r#"
        spec.externalIPs is ignored when spec.clusterIP is "None"
        spec.SessionAffinity is ignored when spec.clusterIP is "None"
        spec.clusterIPs[0]: IPv6 address "fd00:0::1" is not in RFC 5952 canonical format ("fd00::1"), which may cause controller apply-loops
        metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]
        spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]
        spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply
        metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]
        "#);
        assert_eq!(told("v1", "Service", json!({"spec": {"clusterIPs": ["10.0.0.1"], "sessionAffinity": "ClientIP"}})), "");
    }
}
