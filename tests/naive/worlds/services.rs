//! Services of all kinds.

use std::net::IpAddr;

use serde_json::{Value, json};
use sim_core::engine::random::Stream;

use super::{Families, of, percent};

/// Address, port and protocol.
type Key = (String, u64, String);

/// What no two Services may share.
struct Claimed {
    addresses: Vec<Key>,
    node_ports: Vec<Key>,
    /// One's external address may be another's node port. In ipvs mode they would be one virtual server.
    crossing: bool,
}

impl Claimed {
    fn has_address(&self, key: &Key) -> bool {
        self.addresses.contains(key) || !self.crossing && self.node_ports.contains(key)
    }

    fn has_node_port(&self, key: &Key) -> bool {
        self.node_ports.contains(key) || !self.crossing && self.addresses.contains(key)
    }
}

pub(super) fn services(draw: &mut Stream, families: Families, node: &[IpAddr], crossing: bool) -> Vec<Value> {
    let mut claimed = Claimed { addresses: Vec::new(), node_ports: Vec::new(), crossing };
    (0..1 + draw.below(5)).map(|n| service(draw, n, families, node, &mut claimed)).collect()
}

fn service(draw: &mut Stream, n: u64, families: Families, node: &[IpAddr], claimed: &mut Claimed) -> Value {
    let kind = match draw.below(40) {
        0..11 => "ClusterIP",
        11..22 => "NodePort",
        22..37 => "LoadBalancer",
        37 => "ExternalName",
        _ => "",
    };
    let mut spec = json!({});
    if !kind.is_empty() {
        spec["type"] = json!(kind);
    }
    if kind == "ExternalName" {
        spec["externalName"] = json!("example.com");
    }
    let mut ips: Vec<String> = families.list().into_iter().map(|v6| cluster_ip(n, v6)).collect();
    if percent(draw, 30) {
        ips.reverse();
    }
    if percent(draw, 25) {
        ips.truncate(1);
    }
    if percent(draw, 4) {
        ips = vec!["None".to_string()];
    }
    if kind != "ExternalName" || percent(draw, 50) {
        spec["clusterIP"] = json!(ips[0]);
        spec["clusterIPs"] = json!(ips);
    }
    spec["ports"] = ports(draw, n, kind, (node, claimed));
    policies(draw, n, kind, &mut spec);
    let external = external_ips(draw, n, families, node);
    let numbers: Vec<(u64, String)> = keys(&spec);
    let free = |claimed: &Claimed, ip: &str| {
        numbers.iter().all(|(port, protocol)| !claimed.has_address(&(ip.to_string(), *port, protocol.clone())))
    };
    let external: Vec<String> = external.into_iter().filter(|ip| free(claimed, ip)).collect();
    let mut ingress = ingress(draw, n, kind, families, node);
    // An address may be external and the balancer's.
    if percent(draw, 10) {
        ingress.extend(external.first().map(|ip| json!({"ip": ip})));
    }
    ingress.retain(|one| one["ip"].as_str().is_none_or(|ip| free(claimed, ip)));
    for ip in external.iter().map(String::as_str).chain(ingress.iter().filter_map(|one| one["ip"].as_str())) {
        claimed.addresses.extend(numbers.iter().map(|(port, protocol)| (ip.to_string(), *port, protocol.clone())));
    }
    if !external.is_empty() {
        spec["externalIPs"] = json!(external);
    }
    let mut labels = json!({"app": "web"});
    if percent(draw, 3) {
        labels[of(draw, &["service.kubernetes.io/service-proxy-name", "service.kubernetes.io/headless"])] = json!("");
    }
    json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": format!("svc-{n}"), "namespace": of(draw, &["default", "shop"]), "labels": labels},
        "spec": spec, "status": {"loadBalancer": {"ingress": ingress}}})
}

fn cluster_ip(n: u64, v6: bool) -> String {
    if v6 { format!("fd00:10:96::{}", 10 + n) } else { format!("10.96.0.{}", 10 + n) }
}

/// Port numbers and protocols of a Service.
fn keys(spec: &Value) -> Vec<(u64, String)> {
    let ports = spec["ports"].as_array().into_iter().flatten();
    ports.map(|port| (port["port"].as_u64().unwrap_or(0), port["protocol"].as_str().unwrap_or("TCP").to_string())).collect()
}

fn ports(draw: &mut Stream, n: u64, kind: &str, (node, claimed): (&[IpAddr], &mut Claimed)) -> Value {
    let names = if percent(draw, 40) { vec![""] } else { vec!["http", "dns", "metrics"] };
    let mut ports: Vec<Value> = Vec::new();
    for (at, name) in names.iter().take(1 + draw.below(3) as usize).enumerate() {
        // A node port's number is free for a Service's own port, though nobody does that.
        let number = of(draw, &[80, 80, 80, 443, 53, 8080, 30_001, 30_010]);
        let protocol = of(draw, &["TCP", "TCP", "TCP", "UDP", "SCTP"]);
        if ports.iter().any(|port| port["port"] == number && port["protocol"] == protocol) {
            continue;
        }
        let mut port = json!({"port": number, "protocol": protocol, "targetPort": 8080});
        if !name.is_empty() {
            port["name"] = json!(name);
        }
        let likely = match kind {
            "NodePort" => 100,
            "LoadBalancer" => 85,
            // Left over from another type.
            _ => 4,
        };
        let node_port = 30_000 + if percent(draw, 70) { n * 10 + at as u64 } else { draw.below(4) };
        let keys: Vec<Key> = node.iter().map(|ip| (ip.to_string(), node_port, protocol.to_string())).collect();
        if percent(draw, likely) && !keys.iter().any(|key| claimed.has_node_port(key)) {
            port["nodePort"] = json!(node_port);
            claimed.node_ports.extend(keys);
        }
        ports.push(port);
    }
    json!(ports)
}

fn policies(draw: &mut Stream, n: u64, kind: &str, spec: &mut Value) {
    let policy = |draw: &mut Stream, local: u64| match draw.below(100) {
        p if p < local => json!("Local"),
        p if p < 70 => json!("Cluster"),
        _ => Value::Null,
    };
    spec["externalTrafficPolicy"] = policy(draw, 45);
    spec["internalTrafficPolicy"] = policy(draw, 25);
    if percent(draw, 20) {
        spec["sessionAffinity"] = json!("ClientIP");
        if percent(draw, 80) {
            spec["sessionAffinityConfig"] = json!({"clientIP": {"timeoutSeconds": of(draw, &[1, 10, 100, 10_800])}});
        }
    }
    if percent(draw, 50) {
        spec["healthCheckNodePort"] = json!(31_000 + n);
    }
    if percent(draw, 10) {
        spec["publishNotReadyAddresses"] = json!(true);
    }
    if percent(draw, 10) {
        spec["trafficDistribution"] = json!(of(draw, &["PreferClose", "PreferSameNode"]));
    }
    if percent(draw, if kind == "LoadBalancer" { 50 } else { 5 }) {
        let ranges = [
            "203.0.113.0/24",
            "10.244.0.0/16",
            "192.168.0.0/24",
            "192.168.000.002/32",
            " 198.51.100.0/24 ",
            "10.96.0.0/16",
            "0.0.0.0/0",
            "2001:db8::/64",
            "2600::/16",
            "fd00::/8",
            "::/0",
        ];
        let chosen: Vec<&str> = (0..1 + draw.below(3)).map(|_| of(draw, &ranges)).collect();
        spec["loadBalancerSourceRanges"] = json!(chosen);
    }
}

fn external_ips(draw: &mut Stream, n: u64, families: Families, node: &[IpAddr]) -> Vec<String> {
    let mut ips = Vec::new();
    if percent(draw, 30) {
        for v6 in families.list() {
            ips.push(if v6 { format!("2001:db8:5::{}", n + 1) } else { format!("198.51.100.{}", n + 1) });
        }
        if percent(draw, 20) {
            ips.push(of(draw, node).to_string());
        }
        // Nobody says that it is outside the range of Services.
        if families.v4 && percent(draw, 5) {
            ips.push(format!("10.96.1.{n}"));
        }
    }
    ips
}

fn ingress(draw: &mut Stream, n: u64, kind: &str, families: Families, node: &[IpAddr]) -> Vec<Value> {
    let mut list = Vec::new();
    if percent(draw, if kind == "LoadBalancer" { 80 } else { 4 }) {
        for v6 in families.list() {
            let ip = if v6 { format!("2001:db8:7::{}", n + 1) } else { format!("203.0.113.{}", 100 + n) };
            list.push(json!({"ip": ip}));
        }
        if percent(draw, 10) {
            list.push(json!({"ip": of(draw, node).to_string()}));
        }
        if percent(draw, 10) {
            list.push(json!({"hostname": "lb.example.com"}));
        }
        for one in &mut list {
            match draw.below(6) {
                0 => one["ipMode"] = json!("Proxy"),
                1 | 2 => one["ipMode"] = json!("VIP"),
                _ => {}
            }
        }
    }
    list
}
