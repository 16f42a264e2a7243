//! From a configuration to a cluster that has been up for a while.
//!
//! In a real cluster kubeadm installs the control plane as static pods, CoreDNS and kube-proxy as add-ons, and kubelets register
//! their nodes. Here those objects are put into the store as they look ten minutes later, so that a lesson starts with a cluster
//! that is ready. The first node carries the control plane and, unlike kubeadm's default, takes ordinary pods as well.
//! The real thing: `cmd/kubeadm/app/phases` of kubernetes/kubernetes; `docs` of the flags.

use serde_json::{Value, json};

use super::config::Config;
use super::system;
use crate::api::server::ApiServer;
use crate::api::{defaults, document, kinds};
use crate::engine::time::Duration;
use crate::objects::KindName;
use crate::objects::json::set;
use crate::objects::time::Timestamp;
use crate::store::Store;

/// How long the cluster has been up when the simulation starts.
pub const AGE: Duration = Duration::from_secs(600);

/// Fills the store: nodes, the system's objects if wanted, then the scenario's own.
pub fn fill(api: &mut ApiServer, store: &mut Store, config: &Config, objects: &[Value]) {
    let born = Timestamp::from_unix_nanos(config.start.unix_nanos().saturating_sub_unsigned(AGE.as_nanos()));
    let mut serial = 0;
    let mut install = |store: &mut Store, mut doc: Value| {
        serial += 1;
        complete(&mut doc, born, serial);
        name_owners(store, &mut doc);
        api.restore(store, &doc);
    };
    for index in 0..config.nodes.len() {
        install(store, node(config, index, born));
    }
    if config.system {
        for doc in system::objects(config, born) {
            install(store, doc);
        }
    }
    for doc in objects {
        api.restore(store, doc);
    }
}

/// What every stored object has, and the defaults of its kind.
fn complete(doc: &mut Value, born: Timestamp, serial: u64) {
    set(doc, &["metadata", "creationTimestamp"], born.rfc3339());
    // Recognisable as the bring-up's own, and equal in every run.
    set(doc, &["metadata", "uid"], format!("00000000-0000-4000-8000-{serial:012x}"));
    let (api_version, kind) = (document::text(doc, "/apiVersion").to_string(), document::text(doc, "/kind").to_string());
    if let Some(row) = kinds::of(&api_version, &kind) {
        defaults::set(row, doc);
    }
}

/// Fills in the uids of owners, which are in the store already.
fn name_owners(store: &Store, doc: &mut Value) {
    let namespace = document::text(doc, "/metadata/namespace").to_string();
    for owner in document::items_mut(doc, "/metadata/ownerReferences") {
        let (group, _) = kinds::split_api_version(document::text(owner, "/apiVersion"));
        let kind = KindName { group: group.into(), kind: document::text(owner, "/kind").into() };
        let name = document::text(owner, "/name");
        let found = store.head().find(&kind, &namespace, name).or_else(|| store.head().find(&kind, "", name));
        if let Some(uid) = found.and_then(|(_, object)| object.meta().uid.clone()) {
            owner["uid"] = json!(&*uid);
        }
    }
}

/// A node as its kubelet has registered it.
fn node(config: &Config, index: usize, born: Timestamp) -> Value {
    let node = &config.nodes[index];
    let mut labels = json!({
        "beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": node.name, "kubernetes.io/os": "linux",
    });
    if index == 0 && config.system {
        labels["node-role.kubernetes.io/control-plane"] = json!("");
    }
    if let Some(zone) = &node.zone {
        labels["topology.kubernetes.io/zone"] = json!(zone);
    }
    for (key, value) in &node.labels {
        labels[key.as_str()] = json!(value);
    }
    let mut addresses: Vec<Value> = Vec::new();
    addresses.extend(node.node_ips().map(|ip| json!({"type": "InternalIP", "address": ip.to_string()})));
    addresses.extend(node.external_ips.iter().map(|ip| json!({"type": "ExternalIP", "address": ip.to_string()})));
    addresses.push(json!({"type": "Hostname", "address": node.name}));
    let resources = json!({"cpu": node.cpu, "memory": node.memory, "pods": node.pods, "ephemeral-storage": "100Gi"});
    let mut spec = json!({});
    if let Some(first) = node.pod_cidrs.first() {
        spec = json!({"podCIDR": first, "podCIDRs": node.pod_cidrs});
    }
    if !node.taints.is_empty() {
        spec["taints"] = Value::Array(node.taints.clone());
    }
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": node.name, "labels": labels},
        "spec": spec,
        "status": {"addresses": addresses, "capacity": resources, "allocatable": resources,
            "conditions": conditions(born), "nodeInfo": node_info(config)}})
}

fn conditions(born: Timestamp) -> Value {
    let condition = |kind: &str, status: &str, reason: &str, message: &str| {
        json!({"type": kind, "status": status, "reason": reason, "message": message,
            "lastHeartbeatTime": born.rfc3339(), "lastTransitionTime": born.rfc3339()})
    };
    json!([
        condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ])
}

fn node_info(config: &Config) -> Value {
    json!({"architecture": "amd64", "operatingSystem": "linux", "osImage": "Debian GNU/Linux 12 (bookworm)",
        "kernelVersion": "6.1.0-28-amd64", "containerRuntimeVersion": "containerd://1.7.24",
        "kubeletVersion": config.version(), "kubeProxyVersion": config.version(),
        "bootID": "", "machineID": "", "systemUUID": ""})
}
