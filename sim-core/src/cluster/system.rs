//! The objects of the system itself: namespaces, the control plane's static pods with their flags, CoreDNS, kube-proxy.
//!
//! Left out: RBAC objects, kubeadm's own ConfigMaps, the CNI plugin's pods (the network is there, whoever made it).
//! The real thing: manifests of `cmd/kubeadm/app/phases/{controlplane,addons}`.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::config::Config;
use crate::objects::time::Timestamp;

/// ReplicaSet of the CoreDNS Deployment, named as kubeadm 1.32's is.
const COREDNS_SET: &str = "coredns-668d6bf9bc";
const COREDNS_HASH: &str = "668d6bf9bc";
const COREDNS_PODS: [&str; 2] = ["coredns-668d6bf9bc-7xk2p", "coredns-668d6bf9bc-q8rtz"];
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// All of them, owners before dependents.
pub fn objects(config: &Config, born: Timestamp) -> Vec<Value> {
    let mut list = Vec::new();
    for namespace in ["default", "kube-node-lease", "kube-public", "kube-system"] {
        list.push(json!({"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": namespace, "labels": {"kubernetes.io/metadata.name": namespace}},
            "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}));
        list.push(json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": namespace}}));
        list.push(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kube-root-ca.crt", "namespace": namespace},
            "data": {"ca.crt": ""}}),
        );
    }
    list.extend(api_service(config));
    if let Some(first) = config.nodes.first() {
        let ip = first.node_ips().next().map(|ip| ip.to_string()).unwrap_or_default();
        list.extend(control_plane(config, &ip).into_iter().map(|(name, image, flags)| {
            static_pod(&format!("{name}-{}", first.name), &first.name, &ip, (name, &image, flags), born)
        }));
    }
    list.extend(kube_proxy(config, born));
    if config.dns.enabled {
        list.extend(dns(config, born));
    }
    list
}

/// The Service `kubernetes`, with the endpoints that the API server itself keeps.
fn api_service(config: &Config) -> Vec<Value> {
    let Some(cluster_ip) = config.first_service_ip() else { return Vec::new() };
    let api = config.nodes.first().and_then(|n| n.node_ips().next());
    let address = api.map_or_else(|| "192.0.2.1".to_string(), |ip| ip.to_string());
    vec![
        json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "kubernetes", "namespace": "default", "labels": {"component": "apiserver", "provider": "kubernetes"}},
            "spec": {"clusterIP": cluster_ip, "clusterIPs": [cluster_ip], "type": "ClusterIP",
                "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}]}, "status": {"loadBalancer": {}}}),
        json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "kubernetes", "namespace": "default",
                "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}},
            "subsets": [{"addresses": [{"ip": address}], "ports": [{"name": "https", "port": 6443, "protocol": "TCP"}]}]}),
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": family(&address),
            "metadata": {"name": "kubernetes", "namespace": "default", "labels": {"kubernetes.io/service-name": "kubernetes"}},
            "endpoints": [{"addresses": [address], "conditions": {"ready": true}}],
            "ports": [{"name": "https", "port": 6443, "protocol": "TCP"}]}),
    ]
}

/// A managing owner by name; the bring-up fills in its uid.
fn owner(api_version: &str, kind: &str, name: &str) -> Value {
    json!({"apiVersion": api_version, "kind": kind, "name": name, "controller": true, "blockOwnerDeletion": true})
}

fn family(address: &str) -> &'static str {
    if address.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv6()) { "IPv6" } else { "IPv4" }
}

/// Name, image and flags of the control plane's static pods.
fn control_plane(config: &Config, ip: &str) -> Vec<(&'static str, String, Vec<String>)> {
    let version = config.version();
    let image = |name: &str| format!("registry.k8s.io/{name}:{version}");
    let cidrs = config.service_cidrs.join(",");
    let cluster_cidr = config.pod_cidrs.iter().flatten().map(|c| format!("--cluster-cidr={c}"));
    let flags = |list: &[&str]| list.iter().map(|f| (*f).to_string()).collect::<Vec<_>>();
    let mut apiserver = vec![format!("--advertise-address={ip}")];
    apiserver.extend(flags(&[
        "--allow-privileged=true",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
    ]));
    apiserver.extend(flags(&["--etcd-servers=https://127.0.0.1:2379", "--secure-port=6443"]));
    apiserver.push(format!("--service-cluster-ip-range={cidrs}"));
    if (config.node_ports.0, config.node_ports.1) != (30_000, 32_767) {
        apiserver.push(format!("--service-node-port-range={}-{}", config.node_ports.0, config.node_ports.1));
    }
    let mut manager = flags(&["--allocate-node-cidrs=true", "--bind-address=127.0.0.1"]);
    manager.extend(cluster_cidr);
    manager.push("--controllers=*,bootstrapsigner,tokencleaner".to_string());
    manager.push(format!("--service-cluster-ip-range={cidrs}"));
    vec![
        ("etcd", "registry.k8s.io/etcd:3.5.16-0".to_string(), flags(&["--data-dir=/var/lib/etcd", "--snapshot-count=10000"])),
        ("kube-apiserver", image("kube-apiserver"), apiserver),
        ("kube-controller-manager", image("kube-controller-manager"), manager),
        ("kube-scheduler", image("kube-scheduler"), flags(&["--bind-address=127.0.0.1", "--leader-elect=true"])),
    ]
}

fn static_pod(pod: &str, node: &str, ip: &str, (name, image, flags): (&str, &str, Vec<String>), born: Timestamp) -> Value {
    let command: Vec<String> = std::iter::once(name.to_string()).chain(flags).collect();
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": pod, "namespace": "kube-system", "labels": {"component": name, "tier": "control-plane"},
            "annotations": {"kubernetes.io/config.source": "file", "kubernetes.io/config.mirror": "static"},
            "ownerReferences": [owner("v1", "Node", node)]},
        "spec": {"containers": [{"name": name, "image": image, "command": command}], "hostNetwork": true, "nodeName": node,
            "priority": 2_000_001_000, "priorityClassName": "system-node-critical",
            "tolerations": [{"effect": "NoExecute", "operator": "Exists"}]},
        "status": running(ip, ip, &[(name, image)], born)})
}

/// One host-network pod on every node, under a DaemonSet that nothing reconciles.
fn kube_proxy(config: &Config, born: Timestamp) -> Vec<Value> {
    let image = format!("registry.k8s.io/kube-proxy:{}", config.version());
    let labels = json!({"k8s-app": "kube-proxy"});
    let container = json!({"name": "kube-proxy", "image": image,
        "command": ["/usr/local/bin/kube-proxy", "--config=/var/lib/kube-proxy/config.conf"]});
    let spec = json!({"containers": [container], "hostNetwork": true, "priority": 2_000_001_000,
        "priorityClassName": "system-node-critical", "tolerations": [{"operator": "Exists"}]});
    let count = config.nodes.len();
    let mut list = vec![json!({"apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": {"name": "kube-proxy", "namespace": "kube-system", "labels": labels},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}},
        "status": {"currentNumberScheduled": count, "desiredNumberScheduled": count, "numberAvailable": count,
            "numberMisscheduled": 0, "numberReady": count, "observedGeneration": 1, "updatedNumberScheduled": count}})];
    for (index, node) in config.nodes.iter().enumerate() {
        let ip = node.node_ips().next().map(|ip| ip.to_string()).unwrap_or_default();
        let mut spec = spec.clone();
        spec["nodeName"] = json!(node.name);
        list.push(json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": format!("kube-proxy-{}", five_letters(index)), "namespace": "kube-system", "labels": labels,
                "generateName": "kube-proxy-", "ownerReferences": [owner("apps/v1", "DaemonSet", "kube-proxy")]},
            "spec": spec, "status": running(&ip, &ip, &[("kube-proxy", &image)], born)}));
    }
    list
}

/// Five letters for the `index`-th pod: distinct, and without the look of a counter.
fn five_letters(index: usize) -> String {
    let mut n = (index + 1).wrapping_mul(7_654_321) % 27usize.pow(5);
    (0..5)
        .map(|_| {
            let letter = char::from(LETTERS[n % 27]);
            n /= 27;
            letter
        })
        .collect()
}

/// The status of a pod that has been running since `born`.
fn running(pod_ip: &str, host_ip: &str, containers: &[(&str, &str)], born: Timestamp) -> Value {
    let born = born.rfc3339();
    let condition = |kind: &str| json!({"type": kind, "status": "True", "lastProbeTime": null, "lastTransitionTime": born});
    let status = |(name, image): &(&str, &str)| {
        json!({"name": name, "image": image, "imageID": "", "ready": true, "started": true, "restartCount": 0,
            "containerID": format!("containerd://{name}"), "state": {"running": {"startedAt": born}}, "lastState": {}})
    };
    json!({"phase": "Running", "podIP": pod_ip, "podIPs": [{"ip": pod_ip}], "hostIP": host_ip, "hostIPs": [{"ip": host_ip}],
        "startTime": born, "qosClass": "BestEffort",
        "conditions": [condition("PodReadyToStartContainers"), condition("Initialized"), condition("Ready"),
            condition("ContainersReady"), condition("PodScheduled")],
        "containerStatuses": containers.iter().map(status).collect::<Value>()})
}

/// CoreDNS: its configuration, Service, Deployment, set, two pods and their endpoints.
fn dns(config: &Config, born: Timestamp) -> Vec<Value> {
    let labels = json!({"k8s-app": "kube-dns"});
    let hashed = json!({"k8s-app": "kube-dns", "pod-template-hash": COREDNS_HASH});
    let spec = json!({"containers": [{"name": "coredns", "image": "registry.k8s.io/coredns/coredns:v1.11.3",
            "args": ["-conf", "/etc/coredns/Corefile"],
            "ports": [{"name": "dns", "containerPort": 53, "protocol": "UDP"}, {"name": "dns-tcp", "containerPort": 53, "protocol": "TCP"},
                {"name": "metrics", "containerPort": 9153, "protocol": "TCP"}],
            "resources": {"limits": {"memory": "170Mi"}, "requests": {"cpu": "100m", "memory": "70Mi"}},
            "volumeMounts": [{"mountPath": "/etc/coredns", "name": "config-volume", "readOnly": true}]}],
        "volumes": [{"name": "config-volume", "configMap": {"name": "coredns", "items": [{"key": "Corefile", "path": "Corefile"}]}}],
        "dnsPolicy": "Default", "priority": 2_000_000_000, "priorityClassName": "system-cluster-critical", "serviceAccountName": "coredns",
        "tolerations": [{"key": "CriticalAddonsOnly", "operator": "Exists"}, {"effect": "NoSchedule", "key": "node-role.kubernetes.io/control-plane"}]});
    let meta = |name: &str, labels: &Value| json!({"name": name, "namespace": "kube-system", "labels": labels});
    let mut list = vec![
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "coredns", "namespace": "kube-system"},
            "data": {"Corefile": crate::dns::corefile::stock(&config.dns.server)}}),
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "coredns", "namespace": "kube-system"}}),
    ];
    let mut deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta("coredns", &labels),
        "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": "25%"}},
            "template": {"metadata": {"labels": labels}, "spec": spec}},
        "status": {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2,
            "conditions": [
                {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable", "message": "Deployment has minimum availability.",
                    "lastTransitionTime": born.rfc3339(), "lastUpdateTime": born.rfc3339()},
                {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable",
                    "message": format!("ReplicaSet \"{COREDNS_SET}\" has successfully progressed."),
                    "lastTransitionTime": born.rfc3339(), "lastUpdateTime": born.rfc3339()}]}});
    deployment["metadata"]["generation"] = json!(1);
    deployment["metadata"]["annotations"] = json!({"deployment.kubernetes.io/revision": "1"});
    list.push(deployment);
    if let Some(ip) = &config.dns.service_ip {
        list.push(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "kube-dns", "namespace": "kube-system",
                "annotations": {"prometheus.io/port": "9153", "prometheus.io/scrape": "true"},
                "labels": {"k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS"}},
            "spec": {"clusterIP": ip.to_string(), "clusterIPs": [ip.to_string()], "selector": labels, "type": "ClusterIP",
                "ports": [{"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 53},
                    {"name": "dns-tcp", "port": 53, "protocol": "TCP", "targetPort": 53},
                    {"name": "metrics", "port": 9153, "protocol": "TCP", "targetPort": 9153}]},
            "status": {"loadBalancer": {}}}));
    }
    list.push(json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": COREDNS_SET, "namespace": "kube-system", "labels": hashed, "generation": 1,
            "ownerReferences": [owner("apps/v1", "Deployment", "coredns")],
            "annotations": {"deployment.kubernetes.io/desired-replicas": "2", "deployment.kubernetes.io/max-replicas": "3",
                "deployment.kubernetes.io/revision": "1"}},
        "spec": {"replicas": 2, "selector": {"matchLabels": hashed}, "template": {"metadata": {"labels": hashed}, "spec": spec}},
        "status": {"availableReplicas": 2, "fullyLabeledReplicas": 2, "observedGeneration": 1, "readyReplicas": 2, "replicas": 2}}));
    list.extend(dns_pods(config, &hashed, &spec, born));
    list
}

/// The two CoreDNS pods, on the first nodes that have pod addresses.
fn dns_pods(config: &Config, labels: &Value, spec: &Value, born: Timestamp) -> Vec<Value> {
    let homes: Vec<_> = config.nodes.iter().filter_map(|n| Some((n, n.pod_address(1)?))).collect();
    let mut list = Vec::new();
    for (index, name) in COREDNS_PODS.iter().enumerate() {
        let Some((node, first)) = homes.get(index % homes.len().max(1)) else { break };
        let address = if index < homes.len() { *first } else { node.pod_address(2).unwrap_or(*first) };
        let host = node.node_ips().next().map(|ip| ip.to_string()).unwrap_or_default();
        let mut spec = spec.clone();
        spec["nodeName"] = json!(node.name);
        list.push(json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "kube-system", "labels": labels, "generateName": format!("{COREDNS_SET}-"),
                "ownerReferences": [owner("apps/v1", "ReplicaSet", COREDNS_SET)]},
            "spec": spec,
            "status": running(&address.to_string(), &host, &[("coredns", "registry.k8s.io/coredns/coredns:v1.11.3")], born)}));
    }
    list
}
