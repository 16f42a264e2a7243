//! Pods and pod templates.

use serde_json::Value;

use super::container::{self, Place};
use super::events::{self, About};
use super::writer::{Page, date};
use super::{quantities, volumes};
use crate::api::table::document::{at, format_selector, has, list, name, namespace, number, pairs, text, time};
use crate::console::kubectl::client::Client;
use crate::render::age::age;

const MIRROR: &str = "kubernetes.io/config.mirror";

pub(super) async fn describe(client: &mut Client<'_>, pod: &Value, show_events: bool) -> String {
    let now = client.now();
    let mut page = Page::default();
    page.field(0, "Name", name(pod));
    page.field(0, "Namespace", namespace(pod));
    if has(pod, "spec.priority") {
        page.field(0, "Priority", number(pod, "spec.priority"));
    }
    page.optional(pod, "spec.priorityClassName", "Priority Class Name");
    page.optional(pod, "spec.runtimeClassName", "Runtime Class Name");
    page.optional(pod, "spec.serviceAccountName", "Service Account");
    match text(pod, "spec.nodeName") {
        "" => page.field(0, "Node", "<none>"),
        node => page.field(0, "Node", format!("{node}/{}", text(pod, "status.hostIP"))),
    }
    if has(pod, "status.startTime") {
        page.field(0, "Start Time", date(pod, "status.startTime"));
    }
    page.metadata(pod);
    let phase = text(pod, "status.phase");
    if has(pod, "metadata.deletionTimestamp") && !matches!(phase, "Failed" | "Succeeded") {
        let since = age(time(pod, "metadata.deletionTimestamp"), now);
        page.field(0, "Status", format!("Terminating (lasts {since})"));
        page.field(0, "Termination Grace Period", format!("{}s", number(pod, "metadata.deletionGracePeriodSeconds")));
    } else {
        page.field(0, "Status", phase);
    }
    page.optional(pod, "status.reason", "Reason");
    page.optional(pod, "status.message", "Message");
    if has(pod, "spec.securityContext.seccompProfile") {
        page.field(0, "SeccompProfile", text(pod, "spec.securityContext.seccompProfile.type"));
        page.optional(pod, "spec.securityContext.seccompProfile.localhostProfile", "LocalhostProfile");
    }
    page.field(0, "IP", text(pod, "status.podIP"));
    addresses(&mut page, pod);
    page.controlled_by(pod);
    page.optional(pod, "status.nominatedNodeName", "NominatedNodeName");
    all_containers(&mut page, pod);
    conditions(&mut page, pod);
    volumes::describe(&mut page, list(pod, "spec.volumes"), "");
    let qos = match text(pod, "status.qosClass") {
        "" => quantities::qos_class(pod),
        class => class,
    };
    page.field(0, "QoS Class", qos);
    page.labels("Node-Selectors", &pairs(pod, "spec.nodeSelector"));
    tolerations(&mut page, "Tolerations", list(pod, "spec.tolerations"));
    spread(&mut page, list(pod, "spec.topologySpreadConstraints"), "");
    if show_events {
        // The kind is left out of the question; the kubelet's events about a static pod carry the uid of its file.
        let uid = pairs(pod, "metadata.annotations").get(MIRROR).copied().unwrap_or(text(pod, "metadata.uid"));
        let found = events::search(client, &About { kind: "", uid, ..About::object(pod) }).await;
        events::describe(&mut page, &found, now);
    }
    page.finish()
}

fn addresses(page: &mut Page, pod: &Value) {
    let addresses = list(pod, "status.podIPs");
    if addresses.is_empty() {
        page.field(0, "IPs", "<none>");
        return;
    }
    page.line(0, "IPs:");
    for address in addresses {
        page.field(1, "IP", text(address, "ip"));
    }
}

fn all_containers(page: &mut Page, pod: &Value) {
    let place = Place { space: "", pod: Some(pod) };
    for (title, spec, status, always) in [
        ("Init Containers", "spec.initContainers", "status.initContainerStatuses", false),
        ("Containers", "spec.containers", "status.containerStatuses", true),
        ("Ephemeral Containers", "spec.ephemeralContainers", "status.ephemeralContainerStatuses", false),
    ] {
        let containers = list(pod, spec);
        if always || !containers.is_empty() {
            container::describe(page, title, containers, list(pod, status), &place);
        }
    }
}

fn conditions(page: &mut Page, pod: &Value) {
    let conditions = list(pod, "status.conditions");
    let gates = list(pod, "spec.readinessGates");
    if !gates.is_empty() {
        page.line(0, "Readiness Gates:");
        page.line(1, "Type\tStatus");
        for gate in gates {
            let kind = text(gate, "conditionType");
            let status = conditions.iter().find(|c| text(c, "type") == kind).map_or("<none>", |c| text(c, "status"));
            page.line(1, format!("{kind} \t{status} "));
        }
    }
    if !conditions.is_empty() {
        page.line(0, "Conditions:");
        page.line(1, "Type\tStatus");
        for c in conditions {
            page.line(1, format!("{} \t{} ", text(c, "type"), text(c, "status")));
        }
    }
}

fn tolerations(page: &mut Page, title: &str, tolerations: &[Value]) {
    let mut sorted: Vec<&Value> = tolerations.iter().collect();
    sorted.sort_by_key(|toleration| text(toleration, "key"));
    page.below(title, sorted.into_iter().map(toleration));
}

fn toleration(toleration: &Value) -> String {
    let (key, value, effect) = (text(toleration, "key"), text(toleration, "value"), text(toleration, "effect"));
    let mut line = key.to_string();
    if !value.is_empty() {
        line.push_str(&format!("={value}"));
    }
    if !effect.is_empty() {
        line.push_str(&format!(":{effect}"));
    }
    if text(toleration, "operator") == "Exists" && value.is_empty() {
        line.push_str(if line.is_empty() { "op=Exists" } else { " op=Exists" });
    }
    if has(toleration, "tolerationSeconds") {
        line.push_str(&format!(" for {}s", number(toleration, "tolerationSeconds")));
    }
    line
}

fn spread(page: &mut Page, constraints: &[Value], space: &str) {
    if constraints.is_empty() {
        return;
    }
    let mut sorted: Vec<&Value> = constraints.iter().collect();
    sorted.sort_by_key(|constraint| text(constraint, "topologyKey"));
    let line = |c: &Value| {
        let selector = match at(c, "labelSelector") {
            Value::Null => String::new(),
            selector => format!(" for selector {}", format_selector(selector)),
        };
        let (key, action, skew) = (text(c, "topologyKey"), text(c, "whenUnsatisfiable"), number(c, "maxSkew"));
        format!("{key}:{action} when max skew {skew} is exceeded{selector}")
    };
    page.below(&format!("{space}Topology Spread Constraints"), sorted.into_iter().map(line));
}

/// The template of a workload's pods.
pub(super) fn template(page: &mut Page, template: &Value) {
    page.line(0, "Pod Template:");
    page.labels("  Labels", &pairs(template, "metadata.labels"));
    let annotations = pairs(template, "metadata.annotations");
    if !annotations.is_empty() {
        page.annotations("  Annotations", &annotations);
    }
    let account = text(template, "spec.serviceAccountName");
    if !account.is_empty() {
        page.field(1, "Service Account", account);
    }
    let place = Place { space: "  ", pod: None };
    let init = list(template, "spec.initContainers");
    if !init.is_empty() {
        container::describe(page, "Init Containers", init, &[], &place);
    }
    container::describe(page, "Containers", list(template, "spec.containers"), &[], &place);
    volumes::describe(page, list(template, "spec.volumes"), "  ");
    spread(page, list(template, "spec.topologySpreadConstraints"), "  ");
    let class = text(template, "spec.priorityClassName");
    if !class.is_empty() {
        page.field(1, "Priority Class Name", class);
    }
    page.labels("  Node-Selectors", &pairs(template, "spec.nodeSelector"));
    tolerations(page, "  Tolerations", list(template, "spec.tolerations"));
}
