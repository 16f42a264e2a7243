//! Nodes: what they are, how they feel, what runs on them and how much of them is promised.

use serde_json::Value;

use super::events::{self, About};
use super::quantities::{self, Amount, Amounts};
use super::writer::{Page, date, date_or_unset};
use crate::api::table::document::{at, entries, has, list, name, namespace, or_none, text, texts, time};
use crate::api::table::node_roles;
use crate::console::kubectl::client::{Client, Filter};
use crate::console::kubectl::resource::Resource;
use crate::objects::time::Timestamp;
use crate::render::age::age;

pub(super) async fn describe(client: &mut Client<'_>, node: &Value, show_events: bool) -> String {
    let node_name = name(node);
    let now = client.now();
    let mut page = Page::default();
    page.field(0, "Name", node_name);
    page.field(0, "Roles", or_none(node_roles(node).join(",")));
    page.metadata(node);
    page.field(0, "CreationTimestamp", date(node, "metadata.creationTimestamp"));
    let mut taints: Vec<&Value> = list(node, "spec.taints").iter().collect();
    taints.sort_by_key(|taint| format!("{},{}", text(taint, "effect"), text(taint, "key")));
    page.below("Taints", taints.into_iter().map(taint));
    page.field(0, "Unschedulable", crate::api::table::document::flag(node, "spec.unschedulable"));
    match client.get(&Resource::named("leases"), "kube-node-lease", node_name).await {
        Ok(lease) => {
            let holder = if has(&lease, "spec.holderIdentity") { text(&lease, "spec.holderIdentity") } else { "<unset>" };
            page.line(0, "Lease:");
            page.field(1, "HolderIdentity", holder);
            page.field(1, "AcquireTime", date_or_unset(&lease, "spec.acquireTime"));
            page.field(1, "RenewTime", date_or_unset(&lease, "spec.renewTime"));
        }
        Err(status) => page.field(0, "Lease", format!("Failed to get lease: {}", status.message)),
    }
    conditions(&mut page, node);
    page.line(0, "Addresses:");
    for address in list(node, "status.addresses") {
        page.field(1, text(address, "type"), text(address, "address"));
    }
    for (title, path) in [("Capacity", "status.capacity"), ("Allocatable", "status.allocatable")] {
        let amounts = entries(node, path);
        if !amounts.is_empty() {
            page.line(0, format!("{title}:"));
        }
        for (resource, amount) in amounts {
            page.field(1, resource, quantities::canonical(amount));
        }
    }
    system_info(&mut page, node);
    page.optional(node, "spec.podCIDR", "PodCIDR");
    let ranges = texts(node, "spec.podCIDRs");
    if !ranges.is_empty() {
        page.field(0, "PodCIDRs", ranges.join(","));
    }
    page.optional(node, "spec.providerID", "ProviderID");
    let fields = format!("spec.nodeName={node_name},status.phase!=Succeeded,status.phase!=Failed");
    let filter = Filter { fields, ..Filter::default() };
    let pods = client.list(&Resource::named("pods"), "", &filter).await.unwrap_or_default();
    resources(&mut page, node, &pods, now);
    if show_events {
        // Controllers report a node under its uid, the kubelet under its name.
        let mut found = events::search(client, &About::object(node)).await;
        found.extend(events::search(client, &About { uid: node_name, ..About::object(node) }).await);
        found.dedup();
        events::describe(&mut page, &found, now);
    }
    page.finish()
}

/// `key=value:Effect`, without the parts that are empty.
fn taint(taint: &Value) -> String {
    let mut shown = text(taint, "key").to_string();
    if !text(taint, "value").is_empty() {
        shown = format!("{shown}={}", text(taint, "value"));
    }
    if text(taint, "effect").is_empty() { shown } else { format!("{shown}:{}", text(taint, "effect")) }
}

fn conditions(page: &mut Page, node: &Value) {
    let conditions = list(node, "status.conditions");
    if conditions.is_empty() {
        return;
    }
    page.line(0, "Conditions:");
    page.line(1, "Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage");
    page.line(1, "----\t------\t-----------------\t------------------\t------\t-------");
    for c in conditions {
        let (heartbeat, transition) = (date(c, "lastHeartbeatTime"), date(c, "lastTransitionTime"));
        let (kind, status, reason, message) = (text(c, "type"), text(c, "status"), text(c, "reason"), text(c, "message"));
        page.line(1, format!("{kind} \t{status} \t{heartbeat} \t{transition} \t{reason} \t{message}"));
    }
}

fn system_info(page: &mut Page, node: &Value) {
    page.line(0, "System Info:");
    for (title, field) in [
        ("Machine ID", "machineID"),
        ("System UUID", "systemUUID"),
        ("Boot ID", "bootID"),
        ("Kernel Version", "kernelVersion"),
        ("OS Image", "osImage"),
        ("Operating System", "operatingSystem"),
        ("Architecture", "architecture"),
        ("Container Runtime Version", "containerRuntimeVersion"),
        ("Kubelet Version", "kubeletVersion"),
        ("Kube-Proxy Version", "kubeProxyVersion"),
    ] {
        page.field(1, title, text(at(node, "status.nodeInfo"), field));
    }
}

fn resources(page: &mut Page, node: &Value, pods: &[Value], now: Timestamp) {
    let path = if entries(node, "status.allocatable").is_empty() { "capacity" } else { "allocatable" };
    let whole = |resource: &str| Amount::read(at(at(node, "status"), path).get(resource).unwrap_or(&Value::Null));
    let of = |amounts: &Amounts, resource: &str| amounts.get(resource).copied().unwrap_or_default();
    page.line(0, format!("Non-terminated Pods:\t({} in total)", pods.len()));
    page.line(1, "Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge");
    page.line(1, "---------\t----\t\t------------\t----------\t---------------\t-------------\t---");
    let (mut requests, mut limits) = (Amounts::new(), Amounts::new());
    for pod in pods {
        let (asked, limited) = (quantities::of_pod(pod, "requests"), quantities::of_pod(pod, "limits"));
        let cell = |amounts: &Amounts, resource: &str| {
            let amount = of(amounts, resource);
            format!("{amount} ({}%)", amount.percent_of(whole(resource), false))
        };
        page.line(
            1,
            format!(
                "{}\t{}\t\t{}\t{}\t{}\t{}\t{}",
                namespace(pod),
                name(pod),
                cell(&asked, "cpu"),
                cell(&limited, "cpu"),
                cell(&asked, "memory"),
                cell(&limited, "memory"),
                age(time(pod, "metadata.creationTimestamp"), now)
            ),
        );
        quantities::add_all(&mut requests, &asked);
        quantities::add_all(&mut limits, &limited);
    }
    page.line(0, "Allocated resources:");
    page.line(1, "(Total limits may be over 100 percent, i.e., overcommitted.)");
    page.line(1, "Resource\tRequests\tLimits");
    page.line(1, "--------\t--------\t------");
    let names: Vec<&str> = entries(at(node, "status"), path).into_keys().collect();
    let huge = names.iter().copied().filter(|name| name.starts_with("hugepages-"));
    for resource in ["cpu", "memory", "ephemeral-storage"].into_iter().chain(huge) {
        let share = |amount: Amount| format!("{amount} ({}%)", amount.percent_of(whole(resource), true));
        page.line(1, format!("{resource}\t{}\t{}", share(of(&requests, resource)), share(of(&limits, resource))));
    }
    let standard = ["cpu", "memory", "ephemeral-storage", "pods", "storage"];
    for resource in names.iter().filter(|name| !standard.contains(name) && !name.starts_with("hugepages-")) {
        page.line(1, format!("{resource}\t{}\t{}", of(&requests, resource), of(&limits, resource)));
    }
}
