//! What is known of ipvs mode, as packets that one node meets: `node-1`, 192.168.0.1, pods in 10.244.1.0/24.

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::explain::{Decision, Reason};
use crate::objects::Object;
use crate::objects::pod_spec::Protocol;
use crate::proxy::rules::{NodeFacts, Packet, Verdict, decide};
use crate::proxy::{Mode, Net, NodePortAddress, Programmed, ProxyConfig};
use crate::store::Store;

/// `default/web` in front of these endpoints (address, node), and `default/empty` without any.
fn table(spec: &Value, endpoints: &[(&str, Option<&str>)]) -> Programmed {
    let mut web = json!({"type": "LoadBalancer", "clusterIP": "10.96.0.20", "externalIPs": ["203.0.113.80", "198.18.0.2"],
        "ports": [{"name": "http", "port": 80, "nodePort": 30080}], "healthCheckNodePort": 32000});
    for (key, value) in spec.as_object().unwrap() {
        web[key] = value.clone();
    }
    let empty = json!({"clusterIP": "10.96.0.30", "ports": [{"port": 80}]});
    let endpoints: Vec<Value> = endpoints.iter().map(|(ip, node)| json!({"addresses": [ip], "nodeName": node})).collect();
    let docs = [
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "default"}, "spec": web,
            "status": {"loadBalancer": {"ingress": [{"ip": "198.18.0.1"}, {"ip": "198.18.0.2"}]}}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "empty", "namespace": "default"}, "spec": empty}),
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": "web-1", "namespace": "default", "labels": {"kubernetes.io/service-name": "web"}},
            "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}], "endpoints": endpoints}),
    ];
    Programmed::new(Store::holding(docs.iter().map(Object::parse)).head().clone())
}

fn config() -> ProxyConfig {
    ProxyConfig {
        mode: Mode::Ipvs,
        masquerade_all: false,
        node_port_addresses: Vec::new(),
        localhost_node_ports: true,
        pod_cidrs: Some(vec![Net::parse("10.244.0.0/16").unwrap()]),
        service_cidrs: vec![Net::parse("10.96.0.0/12").unwrap()],
    }
}

fn verdict_of(protocol: Protocol, table: &Programmed, config: &ProxyConfig, from: &str, to: &str) -> Verdict {
    let ip = |text: &str| text.parse::<IpAddr>().unwrap();
    let own = ip("192.168.0.1");
    let addresses = vec![own, ip("172.16.0.1"), ip(BRIDGE)];
    let node = NodeFacts { name: "node-1", zone: None, node_ips: vec![own], addresses };
    decide(table, config, &node, Packet { source: ip(from), destination: to.parse().unwrap(), protocol })
}

fn verdict(table: &Programmed, config: &ProxyConfig, from: &str, to: &str) -> Verdict {
    verdict_of(Protocol::Tcp, table, config, from, to)
}

/// `dnat` with the last numbers of the candidates, `+masq` if all are masqueraded, `+self` if only the sender; or decision and code.
fn told(verdict: &Verdict, from: &str) -> String {
    if verdict.decision != Decision::Dnat {
        return format!("{} {}", verdict.decision.text(), verdict.reason.code());
    }
    let source: IpAddr = from.parse().unwrap();
    let picks: Vec<String> = verdict.candidates().iter().map(|c| c.ip().to_string().rsplit('.').next().unwrap().into()).collect();
    let masked = verdict.candidates().iter().filter(|c| verdict.masquerades(source, **c)).count();
    let how = if verdict.masquerade {
        "+masq"
    } else if masked > 0 {
        "+self"
    } else {
        ""
    };
    format!("dnat {}{how}", picks.join(","))
}

const POD: &str = "10.244.1.5";
const NODE: &str = "192.168.0.1";
const BRIDGE: &str = "10.244.1.1";
const FAR: &str = "198.51.100.7";

#[test]
fn every_kind_of_address() {
    let (here, there) = (("10.244.1.7", Some("node-1")), ("10.244.2.8", Some("node-2")));
    let both: &[(&str, Option<&str>)] = &[here, there];
    let far_only: &[(&str, Option<&str>)] = &[there];
    let plain = || json!({});
    let external = || json!({"externalTrafficPolicy": "Local"});
    let internal = || json!({"internalTrafficPolicy": "Local"});
    let ranges = |list: Value| json!({"loadBalancerSourceRanges": list});
    let cases = [
        ("cluster IP, from a pod", plain(), both, POD, "10.96.0.20:80", "dnat 7,8"),
        ("cluster IP, from the node", plain(), both, NODE, "10.96.0.20:80", "dnat 7,8+masq"),
        ("the node calls a bound address from that address", plain(), both, "10.96.0.20", "10.96.0.20:80", "dnat 7,8+masq"),
        ("the node calls from the bridge of its pods", plain(), both, BRIDGE, "10.96.0.20:80", "dnat 7,8+masq"),
        ("cluster IP, from outside", plain(), both, FAR, "10.96.0.20:80", "dnat 7,8+masq"),
        ("packets from loopback leave the chain", plain(), both, "127.0.0.1", "10.96.0.20:80", "dnat 7,8"),
        ("hairpin to a pod of this node", plain(), both, "10.244.1.7", "10.96.0.20:80", "dnat 7,8+self"),
        ("no hairpin rule for a pod of another node", plain(), both, "10.244.2.8", "10.96.0.20:80", "dnat 7,8"),
        ("wrong port of a bound address", plain(), both, POD, "10.96.0.20:81", "reject no-such-service-port"),
        ("wrong port of an external IP", plain(), both, FAR, "203.0.113.80:81", "reject no-such-service-port"),
        ("wrong port of a balancer IP", plain(), both, FAR, "198.18.0.1:81", "reject no-such-service-port"),
        ("nobody's address in the range", plain(), both, POD, "10.96.9.9:80", "pass no-rule"),
        ("no real server", plain(), both, POD, "10.96.0.30:80", "reject no-endpoints"),
        ("no real server, from outside", plain(), &[][..], FAR, "203.0.113.80:80", "reject no-endpoints"),
        ("no real server, from the node to a foreign address", plain(), &[][..], NODE, "198.18.0.1:80", "reject no-endpoints"),
        ("external IP", plain(), both, POD, "203.0.113.80:80", "dnat 7,8+masq"),
        ("balancer IP", plain(), both, FAR, "198.18.0.1:80", "dnat 7,8+masq"),
        ("node port", plain(), both, FAR, "192.168.0.1:30080", "dnat 7,8+masq"),
        ("node port on another interface", plain(), both, FAR, "172.16.0.1:30080", "dnat 7,8+masq"),
        ("no node port on loopback", plain(), both, "127.0.0.1", "127.0.0.1:30080", "pass no-rule"),
        ("node port of a cluster IP", plain(), both, POD, "10.96.0.20:30080", "reject no-such-service-port"),
        ("Local: the source stays", external(), both, FAR, "192.168.0.1:30080", "dnat 7"),
        ("Local: pods get local ones only", external(), both, POD, "192.168.0.1:30080", "dnat 7"),
        ("Local: the node gets local ones only", external(), both, NODE, "198.18.0.1:80", "dnat 7"),
        ("Local without local ones takes all", external(), far_only, FAR, "192.168.0.1:30080", "dnat 8"),
        ("Local does not touch the cluster IP", external(), both, POD, "10.96.0.20:80", "dnat 7,8"),
        ("internal Local", internal(), both, POD, "10.96.0.20:80", "dnat 7"),
        ("internal Local without local ones", internal(), far_only, POD, "10.96.0.20:80", "dnat 8"),
        ("internal Local does not touch the node port", internal(), both, FAR, "192.168.0.1:30080", "dnat 7,8+masq"),
        ("health check port on the node", external(), both, FAR, "192.168.0.1:32000", "pass health-check-port"),
        ("health check port on a bound address", external(), both, FAR, "198.18.0.1:32000", "pass health-check-port"),
        ("range covers", ranges(json!(["198.51.100.0/24"])), both, FAR, "198.18.0.1:80", "dnat 7,8+masq"),
        ("range does not cover", ranges(json!(["192.0.2.0/24"])), both, FAR, "198.18.0.1:80", "drop source-not-allowed"),
        ("not covered, no endpoint", ranges(json!(["192.0.2.0/24"])), &[][..], FAR, "198.18.0.1:80", "drop source-not-allowed"),
        ("ranges are for balancer IPs only", ranges(json!(["192.0.2.0/24"])), both, FAR, "203.0.113.80:80", "dnat 7,8+masq"),
        ("the node is not covered", ranges(json!(["198.51.100.0/24"])), both, NODE, "198.18.0.1:80", "drop source-not-allowed"),
        ("the node is covered", ranges(json!(["192.168.0.0/24"])), both, NODE, "198.18.0.1:80", "dnat 7,8+masq"),
        (
            "for the node the virtual server comes first",
            ranges(json!(["192.0.2.0/24"])),
            &[][..],
            NODE,
            "198.18.0.1:80",
            "reject no-endpoints",
        ),
        (
            "the node is not covered, though the balancer is",
            ranges(json!(["198.18.0.0/24"])),
            both,
            NODE,
            "198.18.0.1:80",
            "drop source-not-allowed",
        ),
        (
            "the rule for the node asks for the balancer's address",
            ranges(json!(["192.0.2.0/24"])),
            both,
            "127.0.0.1",
            "198.18.0.1:80",
            "dnat 7,8",
        ),
        ("external and balancer's", ranges(json!(["192.0.2.0/24"])), both, FAR, "198.18.0.2:80", "drop source-not-allowed"),
        ("everybody's range", ranges(json!(["0.0.0.0/0", "192.0.2.0/24"])), both, FAR, "198.18.0.1:80", "dnat 7,8+masq"),
    ];
    for (what, spec, endpoints, from, to, want) in cases {
        let verdict = verdict(&table(&spec, endpoints), &config(), from, to);
        assert_eq!(told(&verdict, from), want, "{what}");
    }
}

#[test]
fn settings() {
    let table = table(&json!({}), &[("10.244.1.7", Some("node-1"))]);
    let no_detector = || ProxyConfig { pod_cidrs: None, ..config() };
    let other_detector = ProxyConfig { pod_cidrs: Some(vec![Net::parse("fd00::/8").unwrap()]), ..config() };
    let addresses = |list: &[NodePortAddress]| ProxyConfig { node_port_addresses: list.to_vec(), ..config() };
    let net = NodePortAddress::Net(Net::parse("172.16.0.0/16").unwrap());
    let cases = [
        ("masquerade all", ProxyConfig { masquerade_all: true, ..config() }, POD, "10.96.0.20:80", "dnat 7+masq"),
        ("no detector", no_detector(), FAR, "10.96.0.20:80", "dnat 7"),
        ("no detector, from a cluster IP with that port", no_detector(), "10.96.0.20", "10.96.0.20:80", "dnat 7+masq"),
        ("no detector, from another cluster IP", no_detector(), "10.96.0.30", "10.96.0.20:80", "dnat 7+masq"),
        ("no detector, from an external IP", no_detector(), "203.0.113.80", "10.96.0.20:80", "dnat 7"),
        ("no detector, from the node", no_detector(), NODE, "10.96.0.20:80", "dnat 7+masq"),
        ("a detector of the other family", other_detector, FAR, "10.96.0.20:80", "dnat 7"),
        ("primary", addresses(&[NodePortAddress::Primary]), FAR, "172.16.0.1:30080", "pass no-rule"),
        ("a range, outside it", addresses(&[net]), FAR, "192.168.0.1:30080", "pass no-rule"),
        ("a range, inside it", addresses(&[net]), FAR, "172.16.0.1:30080", "dnat 7+masq"),
    ];
    for (what, config, from, to, want) in cases {
        assert_eq!(told(&verdict(&table, &config, from, to), from), want, "{what}");
    }
}

/// The sets of node ports and health check ports hold numbers, not addresses.
#[test]
fn numbers_that_are_ports_elsewhere() {
    let on = |number: u16, external: &str| {
        let spec = json!({"externalTrafficPolicy": external, "ports": [{"name": "http", "port": number, "nodePort": 30080}]});
        table(&spec, &[("10.244.1.7", Some("node-1"))])
    };
    let told = |table: &Programmed, to| told(&verdict(table, &config(), POD, to), POD);
    assert_eq!(told(&on(80, "Cluster"), "10.96.0.20:80"), "dnat 7");
    assert_eq!(told(&on(30080, "Cluster"), "10.96.0.20:30080"), "dnat 7+masq", "marked as if it were for the node port");
    assert_eq!(told(&on(30080, "Local"), "10.96.0.20:30080"), "dnat 7");
    assert_eq!(told(&on(30080, "Local"), "203.0.113.80:30080"), "dnat 7");
    let by_udp = |to| verdict_of(Protocol::Udp, &on(80, "Local"), &config(), FAR, to).decision;
    assert_eq!(by_udp("10.96.0.20:32000"), Decision::Pass, "the number of a health check port");
    assert_eq!(by_udp("10.96.0.20:32001"), Decision::Reject);
}

#[test]
fn each_virtual_server_has_its_own_memory_and_turn() {
    let table = table(&json!({"sessionAffinity": "ClientIP"}), &[("10.244.1.7", Some("node-1"))]);
    let of = |to| verdict(&table, &config(), POD, to);
    let (cluster, port) = (of("10.96.0.20:80"), of("192.168.0.1:30080"));
    assert_ne!(cluster.sticky, port.sticky);
    assert_eq!(cluster.turns, Some(("10.96.0.20:80".parse().unwrap(), Protocol::Tcp)));
    assert_eq!(port.turns, Some(("192.168.0.1:30080".parse().unwrap(), Protocol::Tcp)));
    assert!(matches!(cluster.reason, Reason::ServiceMatched { .. }));
}
