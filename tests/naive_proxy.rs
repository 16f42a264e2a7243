//! kube-proxy beside a second, naive one that was written from the same facts without looking at it; and the naive one beside
//! what upstream's own tests say, so that it is a judge that was judged.

use std::net::IpAddr;

use serde_json::Value;
use sim_core::explain::{Decision, Reason};
use sim_core::objects::Object;
use sim_core::objects::net::Net;
use sim_core::objects::pod_spec::Protocol;
use sim_core::proxy::rules::{NodeFacts, Packet};
use sim_core::proxy::{Mode, NodePortAddress, ProxyConfig};
use sim_core::yaml::{Profile, read};
use sim_tests::naive::compare::{Counts, compare, report};
use sim_tests::naive::ports::ports;
use sim_tests::naive::worlds::{PACKETS, World};
use sim_tests::naive::{Answer, Proxier};

/// One per cent of what the release example does: `cargo run --release -p sim-tests --example proxies`.
#[test]
fn two_kube_proxies_agree_about_ten_thousand_packets() {
    let mut counts = Counts::default();
    for number in 0..(10_000 / PACKETS as u64) {
        let world = World::of(1, number);
        if let Some(difference) = compare(&world, &mut counts) {
            panic!("{}", report(1, number, &world, &difference));
        }
    }
    // The question is only as good as the packets: each kind of answer is there.
    for code in [
        "service-matched",
        "no-rule",
        "no-endpoints",
        "no-local-endpoints",
        "source-not-allowed",
        "loopback-guard",
        "health-check-port",
        "no-such-service-port",
        "unallocated-service-ip",
        "source kept",
        "source rewritten",
        "source rewritten for some picks",
    ] {
        assert!(counts.of(code) > 0, "no packet was answered by {code}\n{}", counts.table());
    }
}

/// A case of upstream's: the node, how kube-proxy is set up, and the objects.
struct Setting<'a> {
    node: NodeFacts<'a>,
    config: ProxyConfig,
    objects: Vec<Object>,
}

fn setting(case: &Value, mode: Mode) -> Setting<'_> {
    let (node, said) = (&case["node"], &case["proxyConfig"]);
    let addresses: Vec<IpAddr> = items(&node["ips"]).map(|ip| text(ip).parse().expect("an address")).collect();
    let first = |v6: bool| addresses.iter().copied().find(|ip| ip.is_ipv6() == v6);
    let nets = |texts: Vec<&str>| texts.into_iter().map(|text| Net::parse(text).expect("a range")).collect::<Vec<Net>>();
    let detects = said["detectLocal"] != "none";
    Setting {
        config: ProxyConfig {
            mode,
            masquerade_all: said["masqueradeAll"].as_bool().unwrap_or(false),
            node_port_addresses: nets(items(&said["nodePortAddresses"]).map(text).collect())
                .into_iter()
                .map(NodePortAddress::Net)
                .collect(),
            localhost_node_ports: said["localhostNodePorts"].as_bool().unwrap_or(true),
            pod_cidrs: node["clusterCIDR"].as_str().filter(|_| detects).map(|cidrs| nets(cidrs.split(',').collect())),
            service_cidrs: nets(items(&said["serviceCIDRs"]).map(text).collect()),
        },
        objects: items(&case["objects"]).map(Object::parse).collect(),
        node: NodeFacts {
            name: text(&node["name"]),
            zone: node["zone"].as_str(),
            node_ips: [first(false), first(true)].into_iter().flatten().collect(),
            addresses,
        },
    }
}

fn cases(text: &str) -> Vec<Value> {
    let documents = read(text, Profile::Kube).expect("the cases are YAML");
    documents.into_iter().flat_map(|document| items(&document.value).cloned().collect::<Vec<Value>>()).collect()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[test]
fn the_naive_one_says_what_upstreams_packet_tracer_says() {
    let mut flows = 0;
    for case in cases(include_str!("cases/proxy.yaml")) {
        for mode in items(&case["modes"]) {
            let mode = if text(mode) == "nftables" { Mode::Nftables } else { Mode::Iptables };
            let Setting { node, config, objects } = setting(&case, mode);
            for flow in items(&case["flows"]) {
                let packet = Packet {
                    source: text(&flow["from"]).parse().expect("an address"),
                    destination: format_address(text(&flow["to"]), &flow["port"]).parse().expect("an address and port"),
                    protocol: Protocol::parse(flow["protocol"].as_str()),
                };
                let answer = Proxier::new(&objects, &config, &node, packet.source.is_ipv6()).decide(packet);
                let what = format!("{} {mode:?}: {}", text(&case["name"]), text(&flow["name"]));
                check(&what, &flow["expect"], &answer);
                flows += 1;
            }
        }
    }
    assert_eq!(flows, 348);
}

fn format_address(ip: &str, port: &Value) -> String {
    if ip.contains(':') { format!("[{ip}]:{port}") } else { format!("{ip}:{port}") }
}

fn check(what: &str, expect: &Value, answer: &Answer) {
    assert_eq!(answer.decision.text(), text(&expect["verdict"]), "{what}: {answer:?}");
    if let Some(accepted) = expect["filterAccept"].as_bool() {
        assert_eq!(matches!(answer.reason, Reason::HealthCheckPort { .. }), accepted, "{what}: {answer:?}");
    }
    if answer.decision != Decision::Dnat {
        return;
    }
    let mut wanted: Vec<String> = items(&expect["backends"]).map(|backend| text(backend).to_string()).collect();
    wanted.sort();
    let picks: Vec<String> = answer.picks.iter().map(|(pick, _)| pick.to_string()).collect();
    assert_eq!(picks, wanted, "{what}");
    let some: Vec<&str> = items(&expect["masqueradeOnlyFor"]).map(text).collect();
    for (pick, masqueraded) in &answer.picks {
        let want = if some.is_empty() { expect["masquerade"] == true } else { some.contains(&&*pick.to_string()) };
        assert_eq!(*masqueraded, want, "{what}: {pick}");
    }
}

#[test]
fn the_naive_one_chooses_the_endpoints_that_upstream_chooses() {
    for case in cases(include_str!("cases/endpoint-categories.yaml")) {
        let (service, node) = (service_of(&case["service"]), &case["node"]);
        let objects = [service, slice_of(&case["endpoints"])];
        let [port] = &ports(&objects, false, text(&node["name"]), node["zone"].as_str())[..] else { panic!("{case}") };
        let what = text(&case["name"]);
        let uses_cluster = !port.internal_local || port.outward();
        let uses_local = port.internal_local || (port.external_local && port.outward());
        for (key, used, list) in [("cluster", uses_cluster, &port.cluster), ("local", uses_local, &port.local)] {
            let want = &case["expect"][key];
            assert_eq!(want.is_array(), used, "{what}: {key}");
            if used {
                let mut want: Vec<&str> = items(want).map(text).collect();
                want.sort_unstable();
                let have: Vec<String> = list.iter().map(|at| at.ip().to_string()).collect();
                assert_eq!(have, want, "{what}: {key}");
            }
        }
        assert_eq!(port.any, case["expect"]["hasAny"] == true, "{what}: any");
    }
}

fn service_of(said: &Value) -> Object {
    let mut spec = said.clone();
    spec["clusterIP"] = "10.96.0.10".into();
    spec["ports"] = serde_json::json!([{"port": 80, "nodePort": said["nodePort"]}]);
    Object::parse(&serde_json::json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "web", "namespace": "default"}, "spec": spec}))
}

fn slice_of(endpoints: &Value) -> Object {
    let names = |list: &Value| items(list).map(|name| serde_json::json!({"name": name})).collect::<Value>();
    let endpoints: Value = items(endpoints)
        .map(|said| {
            serde_json::json!({"addresses": [said["ip"]], "nodeName": said["nodeName"],
                "conditions": {"ready": said["ready"], "serving": said["serving"], "terminating": said["terminating"]},
                "hints": {"forZones": names(&said["hints"]["zones"]), "forNodes": names(&said["hints"]["nodes"])}})
        })
        .collect();
    Object::parse(&serde_json::json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "web-1", "namespace": "default", "labels": {"kubernetes.io/service-name": "web"}},
        "ports": [{"name": "", "port": 80, "protocol": "TCP"}], "endpoints": endpoints}))
}
