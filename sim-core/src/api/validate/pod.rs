//! Validation of pods and of the pod specs inside templates.
//!
//! The real thing: `ValidatePodSpec` and `ValidatePodUpdate` in `pkg/apis/core/validation/validation.go`. Left out: affinity,
//! security contexts, the inner rules of volume sources, and the difference listing after a refused update.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::meta::labels;
use super::{container, names};
use crate::api::document::{flag, items, number, object, remove, strings, text};
use crate::api::status::Cause;

/// Most nameservers, search paths and characters of them, as the resolvers of common C libraries take.
const NAMESERVERS_MAX: usize = 3;
const SEARCHES_MAX: usize = 32;
const SEARCHES_MAX_CHARS: usize = 2048;

const RESTART_POLICIES: [&str; 3] = ["Always", "Never", "OnFailure"];
const DNS_POLICIES: [&str; 4] = ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"];

/// A pod spec; `field` is its path, for example `spec` or `spec.template.spec`.
pub fn spec(spec: &Value, field: &str) -> Vec<Cause> {
    let (mut causes, volume_names) = volumes(spec, field);
    let mut seen = BTreeSet::new();
    if items(spec, "/containers").is_empty() {
        causes.push(Cause::required(format!("{field}.containers"), ""));
    }
    for list in ["containers", "initContainers"] {
        causes.extend(container::list(spec, list, field, &volume_names, &mut seen));
    }
    causes.extend(one_of(spec, "restartPolicy", field, &RESTART_POLICIES));
    causes.extend(one_of(spec, "dnsPolicy", field, &DNS_POLICIES));
    causes.extend(labels(spec, "/nodeSelector", &format!("{field}.nodeSelector")));
    causes.extend(host_ports(spec, field));
    causes.extend(dns_config(spec, field));
    for (name, rule) in [
        ("serviceAccountName", names::dns_subdomain as fn(&str) -> Vec<String>),
        ("nodeName", names::dns_subdomain),
        ("hostname", names::dns_label),
        ("subdomain", names::dns_label),
    ] {
        let value = text(spec, &format!("/{name}"));
        let wrong = if value.is_empty() { Vec::new() } else { rule(value) };
        causes.extend(wrong.iter().map(|wrong| Cause::invalid(format!("{field}.{name}"), &json!(value), wrong)));
    }
    if let Some(seconds) = number(spec, "/activeDeadlineSeconds").filter(|s| !(1..=i64::from(i32::MAX)).contains(s)) {
        let why = "must be between 1 and 2147483647, inclusive";
        causes.push(Cause::invalid(format!("{field}.activeDeadlineSeconds"), &json!(seconds), why));
    }
    causes.extend(tolerations(spec, field));
    causes.extend(host_aliases(spec, field));
    causes
}

/// What may change in a stored pod: images, the deadline, and added tolerations.
pub fn change(doc: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    for list in ["containers", "initContainers"] {
        let place = format!("/spec/{list}");
        if items(doc, &place).len() != items(old, &place).len() {
            return vec![Cause::forbidden(format!("spec.{list}"), "pod updates may not add or remove containers")];
        }
        for (i, container) in items(doc, &place).iter().enumerate() {
            if text(container, "/image").is_empty() {
                causes.push(Cause::required(format!("spec.{list}[{i}].image"), ""));
            }
        }
    }
    let kept = items(old, "/spec/tolerations").iter().all(|toleration| items(doc, "/spec/tolerations").contains(toleration));
    if !kept || fixed_part(doc) != fixed_part(old) {
        let why = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,\
            `spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),\
            `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
        causes.push(Cause::forbidden("spec", why));
    }
    causes
}

/// The spec without what may change.
fn fixed_part(doc: &Value) -> Value {
    let mut spec = doc.get("spec").cloned().unwrap_or_default();
    for list in ["containers", "initContainers"] {
        for container in crate::api::document::items_mut(&mut spec, &format!("/{list}")) {
            remove(container, "/image");
        }
    }
    for field in ["activeDeadlineSeconds", "tolerations", "schedulingGates"] {
        remove(&mut spec, &format!("/{field}"));
    }
    spec
}

fn volumes<'a>(spec: &'a Value, field: &str) -> (Vec<Cause>, BTreeSet<&'a str>) {
    let (mut causes, mut seen) = (Vec::new(), BTreeSet::new());
    for (i, volume) in items(spec, "/volumes").iter().enumerate() {
        let field = format!("{field}.volumes[{i}]");
        let name = text(volume, "/name");
        let sources: Vec<&String> =
            object(volume, "").into_iter().flat_map(|fields| fields.keys()).filter(|k| *k != "name").collect();
        for extra in sources.iter().skip(1) {
            causes.push(Cause::forbidden(format!("{field}.{extra}"), "may not specify more than 1 volume type"));
        }
        if sources.is_empty() {
            causes.push(Cause::required(field.as_str(), "must specify a volume type"));
        }
        if name.is_empty() {
            causes.push(Cause::required(format!("{field}.name"), ""));
            continue;
        }
        causes.extend(names::dns_label(name).iter().map(|wrong| Cause::invalid(format!("{field}.name"), &json!(name), wrong)));
        if !seen.insert(name) {
            causes.push(Cause::duplicate(format!("{field}.name"), &json!(name)));
        }
    }
    (causes, seen)
}

fn one_of(spec: &Value, name: &str, field: &str, supported: &[&str]) -> Vec<Cause> {
    match text(spec, &format!("/{name}")) {
        "" => vec![Cause::required(format!("{field}.{name}"), "")],
        value if supported.contains(&value) => Vec::new(),
        value => vec![Cause::not_supported(format!("{field}.{name}"), &json!(value), supported)],
    }
}

fn host_ports(spec: &Value, field: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    if flag(spec, "/hostNetwork") != Some(true) {
        return causes;
    }
    for (c, container) in items(spec, "/containers").iter().enumerate() {
        for (p, port) in items(container, "/ports").iter().enumerate() {
            let (host, own) = (number(port, "/hostPort"), number(port, "/containerPort"));
            if host.is_some() && host != own {
                let field = format!("{field}.containers[{c}].ports[{p}].containerPort");
                causes.push(Cause::invalid(field, &json!(own), "must match `hostPort` when `hostNetwork` is true"));
            }
        }
    }
    causes
}

fn dns_config(spec: &Value, field: &str) -> Vec<Cause> {
    let field = format!("{field}.dnsConfig");
    let by_hand = text(spec, "/dnsPolicy") == "None";
    if object(spec, "/dnsConfig").is_none() {
        return if by_hand {
            vec![Cause::required(field, "must provide `dnsConfig` when `dnsPolicy` is None")]
        } else {
            Vec::new()
        };
    }
    let mut causes = Vec::new();
    let (servers, searches) = (strings(spec, "/dnsConfig/nameservers"), strings(spec, "/dnsConfig/searches"));
    if by_hand && servers.is_empty() {
        let why = "must provide at least one DNS nameserver when `dnsPolicy` is None";
        causes.push(Cause::required(format!("{field}.nameservers"), why));
    }
    if servers.len() > NAMESERVERS_MAX {
        let why = format!("must not have more than {NAMESERVERS_MAX} nameservers");
        causes.push(Cause::invalid(format!("{field}.nameservers"), &json!(servers), &why));
    }
    for (i, server) in servers.iter().enumerate() {
        let wrong = names::ip(server);
        causes.extend(wrong.iter().map(|wrong| Cause::invalid(format!("{field}.nameservers[{i}]"), &json!(server), wrong)));
    }
    let chars = searches.join(" ").len();
    for (over, why) in [
        (searches.len() > SEARCHES_MAX, format!("must not have more than {SEARCHES_MAX} search paths")),
        (
            chars > SEARCHES_MAX_CHARS,
            format!("must not have more than {SEARCHES_MAX_CHARS} characters (including spaces) in the search list"),
        ),
    ] {
        if over {
            causes.push(Cause::invalid(format!("{field}.searches"), &json!(searches), &why));
        }
    }
    for (i, search) in searches.iter().enumerate() {
        // A trailing dot is the root; a dot alone is fine.
        let name = if *search == "." { "root" } else { search.strip_suffix('.').unwrap_or(search) };
        let wrong = names::dns_subdomain(name);
        causes.extend(wrong.iter().map(|wrong| Cause::invalid(format!("{field}.searches[{i}]"), &json!(name), wrong)));
    }
    for (i, option) in items(spec, "/dnsConfig/options").iter().enumerate() {
        if text(option, "/name").is_empty() {
            causes.push(Cause::required(format!("{field}.options[{i}]"), "must not be empty"));
        }
    }
    causes
}

fn tolerations(spec: &Value, field: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    for (i, toleration) in items(spec, "/tolerations").iter().enumerate() {
        let field = format!("{field}.tolerations[{i}]");
        let (key, operator, effect) = (text(toleration, "/key"), text(toleration, "/operator"), text(toleration, "/effect"));
        if !key.is_empty() {
            let wrong = names::qualified_name(key);
            causes.extend(wrong.iter().map(|wrong| Cause::invalid(format!("{field}.key"), &json!(key), wrong)));
        } else if operator != "Exists" {
            let why = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
            causes.push(Cause::invalid(format!("{field}.operator"), &json!(operator), why));
        }
        if toleration.get("tolerationSeconds").is_some() && effect != "NoExecute" {
            let why = "effect must be 'NoExecute' when `tolerationSeconds` is set";
            causes.push(Cause::invalid(format!("{field}.effect"), &json!(effect), why));
        }
        match operator {
            "" | "Equal" => {
                let value = text(toleration, "/value");
                let wrong = names::label_value(value);
                causes.extend(wrong.iter().map(|wrong| Cause::invalid(format!("{field}.operator"), &json!(value), wrong)));
            }
            "Exists" if !text(toleration, "/value").is_empty() => {
                let why = "value must be empty when `operator` is 'Exists'";
                causes.push(Cause::invalid(format!("{field}.operator"), &toleration["value"], why));
            }
            "Exists" => {}
            other => causes.push(Cause::not_supported(format!("{field}.operator"), &json!(other), &["Equal", "Exists"])),
        }
        let effects = ["NoExecute", "NoSchedule", "PreferNoSchedule"];
        if !effect.is_empty() && !effects.contains(&effect) {
            causes.push(Cause::not_supported(format!("{field}.effect"), &json!(effect), &effects));
        }
    }
    causes
}

fn host_aliases(spec: &Value, field: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    for (i, alias) in items(spec, "/hostAliases").iter().enumerate() {
        let field = format!("{field}.hostAliases[{i}]");
        let ip = text(alias, "/ip");
        causes.extend(names::ip(ip).iter().map(|wrong| Cause::invalid(format!("{field}.ip"), &json!(ip), wrong)));
        for (h, host) in strings(alias, "/hostnames").into_iter().enumerate() {
            let wrong = names::dns_subdomain(host);
            causes.extend(wrong.iter().map(|wrong| Cause::invalid(format!("{field}.hostnames[{h}]"), &json!(host), wrong)));
        }
    }
    causes
}
