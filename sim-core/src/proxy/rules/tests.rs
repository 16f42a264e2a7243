//! The cases of `tests/cases/proxy.yaml`: what upstream's packet tracer says of kube-proxy's rules; and laws of the walk.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::objects::Object;
use crate::objects::json::parse_ip_sloppy;
use crate::proxy::Net;
use crate::store::Store;

fn cases() -> Vec<Value> {
    serde_yaml::from_str(include_str!("../../../../tests/cases/proxy.yaml")).unwrap()
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn table(objects: &Value) -> Programmed {
    let objects = objects.as_array().into_iter().flatten().map(Object::parse);
    Programmed::new(Store::holding(objects).head().clone())
}

/// The settings of a case, as the contract's `cluster` would give them.
fn config(case: &Value, mode: &str) -> ProxyConfig {
    let given = &case["proxyConfig"];
    let cidr = case["node"]["clusterCIDR"].as_str().filter(|_| given["detectLocal"] != "none");
    let entry = |text: &str| match text {
        "primary" => NodePortAddress::Primary,
        _ => NodePortAddress::Net(Net::parse(text).unwrap()),
    };
    ProxyConfig {
        mode: if mode == "nftables" { Mode::Nftables } else { Mode::Iptables },
        masquerade_all: given["masqueradeAll"] == true,
        node_port_addresses: texts(&given["nodePortAddresses"]).into_iter().map(entry).collect(),
        localhost_node_ports: given["localhostNodePorts"] != false,
        pod_cidrs: cidr.map(|c| c.split(',').map(|c| Net::parse(c).unwrap()).collect()),
        service_cidrs: texts(&given["serviceCIDRs"]).into_iter().map(|c| Net::parse(c).unwrap()).collect(),
    }
}

fn facts(case: &Value) -> NodeFacts<'_> {
    let node = &case["node"];
    let addresses: Vec<IpAddr> = texts(&node["ips"]).into_iter().filter_map(parse_ip_sloppy).collect();
    let first = |v6: bool| addresses.iter().copied().find(|ip| ip.is_ipv6() == v6);
    let node_ips = [first(false), first(true)].into_iter().flatten().collect();
    NodeFacts { name: node["name"].as_str().unwrap(), zone: node["zone"].as_str(), node_ips, addresses }
}

/// What differs from the expectation of a flow; empty if nothing does.
fn differences(verdict: &Verdict, source: IpAddr, expect: &Value) -> String {
    let mut wrong = Vec::new();
    if verdict.decision.text() != expect["verdict"] {
        wrong.push(format!("decision {:?} ({:?})", verdict.decision, verdict.reason));
    }
    let addresses = |list: Vec<SocketAddr>| {
        let mut list: Vec<String> = list.iter().map(ToString::to_string).collect();
        list.sort();
        list
    };
    let listed = |key: &str| {
        let mut list = texts(&expect[key]);
        list.sort_unstable();
        list
    };
    if expect["verdict"] == "dnat" && addresses(verdict.candidates().to_vec()) != listed("backends") {
        wrong.push(format!("candidates {:?}", verdict.candidates()));
    }
    let hairpin = |c: &SocketAddr| verdict.masquerades(source, *c);
    let only: Vec<SocketAddr> = verdict.candidates().iter().copied().filter(hairpin).collect();
    if !expect["masqueradeOnlyFor"].is_null() {
        if addresses(only) != listed("masqueradeOnlyFor") {
            wrong.push("masquerade for others".to_string());
        }
    } else if let Some(want) = expect["masquerade"].as_bool() {
        let all = !verdict.candidates().is_empty() && only.len() == verdict.candidates().len();
        if all != want || !all && !only.is_empty() {
            wrong.push(format!("masquerade for {only:?}"));
        }
    }
    let accepted = matches!(verdict.reason, Reason::HealthCheckPort { .. });
    if accepted != (expect["filterAccept"] == true) {
        wrong.push(format!("filter accepts: {accepted}"));
    }
    wrong.join("; ")
}

#[test]
fn verdicts_are_those_of_upstreams_rules() {
    let (mut flows, mut failures) = (0, Vec::new());
    for case in &cases() {
        let (table, node) = (table(&case["objects"]), facts(case));
        for mode in texts(&case["modes"]) {
            let config = config(case, mode);
            for flow in case["flows"].as_array().unwrap() {
                flows += 1;
                let ip = |key: &str| parse_ip_sloppy(flow[key].as_str().unwrap()).unwrap();
                let port = u16::try_from(flow["port"].as_u64().unwrap()).unwrap();
                let protocol = Protocol::parse(flow["protocol"].as_str());
                let packet = Packet { source: ip("from"), destination: SocketAddr::new(ip("to"), port), protocol };
                let wrong = differences(&decide(&table, &config, &node, packet), packet.source, &flow["expect"]);
                if !wrong.is_empty() {
                    failures.push(format!("{}/{mode}/{}: {wrong}", case["name"], flow["name"]));
                }
            }
        }
    }
    assert_eq!(flows, 348);
    assert!(failures.is_empty(), "{} of {flows} differ:\n{}", failures.len(), failures.join("\n"));
}

/// `default/web` on `node-1` (192.168.0.1, and the pods' bridge 10.244.0.1), with what is given changed.
struct Web {
    mode: Mode,
    spec: Value,
    endpoints: Value,
    node_port_addresses: Vec<&'static str>,
    pods: &'static str,
}

fn web() -> Web {
    let endpoints =
        json!([{"addresses": ["10.244.0.7"], "nodeName": "node-1"}, {"addresses": ["10.244.1.8"], "nodeName": "node-2"}]);
    Web { mode: Mode::Iptables, spec: json!({}), endpoints, node_port_addresses: Vec::new(), pods: "10.244.0.0/16" }
}

impl Web {
    /// Decision and code; of a DNAT the last numbers of the candidates, `+` for each that is masqueraded.
    fn told(&self, from: &str, to: &str) -> String {
        let (verdict, _) = self.verdict(from, to);
        let source: IpAddr = from.parse().unwrap();
        let pick = |pick: &SocketAddr| {
            let last = pick.ip().to_string().rsplit('.').next().unwrap().to_string();
            if verdict.masquerades(source, *pick) { last + "+" } else { last }
        };
        match verdict.decision {
            Decision::Dnat => format!("dnat {}", verdict.candidates().iter().map(pick).collect::<Vec<String>>().join(" ")),
            decision => format!("{} {}", decision.text(), verdict.reason.code()),
        }
    }

    /// The verdict, and what may not be picked.
    fn verdict(&self, from: &str, to: &str) -> (Verdict, Vec<(SocketAddr, NotEligible)>) {
        let mut spec = json!({"type": "LoadBalancer", "clusterIP": "10.96.0.20", "externalIPs": ["203.0.113.80", "198.18.0.3"],
            "ports": [{"port": 80, "nodePort": 30080}], "healthCheckNodePort": 32000});
        for (key, value) in self.spec.as_object().unwrap() {
            spec[key] = value.clone();
        }
        let ingress = json!([{"ip": "198.18.0.1"}, {"ip": "198.18.0.2"}, {"ip": "198.18.0.3"}]);
        let objects = json!([
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "before", "namespace": "default"},
                "spec": {"clusterIP": "10.96.0.10", "ports": [{"name": "a", "port": 80}, {"name": "b", "port": 81}]}},
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "default"}, "spec": spec,
                "status": {"loadBalancer": {"ingress": ingress}}},
            {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                "metadata": {"name": "web-1", "namespace": "default", "labels": {"kubernetes.io/service-name": "web"}},
                "ports": [{"name": "", "port": 8080, "protocol": "TCP"}], "endpoints": self.endpoints}]);
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let (node_ip, v6) = (ip("192.168.0.1"), ip("2001:db8::1"));
        let addresses = vec![node_ip, ip("10.244.0.1"), v6];
        let node = NodeFacts { name: "node-1", zone: None, node_ips: vec![node_ip, v6], addresses };
        let packet = Packet { source: ip(from), destination: to.parse().unwrap(), protocol: Protocol::Tcp };
        let table = table(&objects);
        let verdict = decide(&table, &self.config(), &node, packet);
        let not_eligible = verdict.not_eligible(&table, &node);
        (verdict, not_eligible)
    }

    fn config(&self) -> ProxyConfig {
        let net = |text: &str| Net::parse(text).unwrap();
        ProxyConfig {
            mode: self.mode,
            masquerade_all: false,
            node_port_addresses: self.node_port_addresses.iter().map(|text| NodePortAddress::Net(net(text))).collect(),
            localhost_node_ports: true,
            pod_cidrs: Some(vec![net(self.pods)]),
            service_cidrs: vec![net("10.96.0.0/12")],
        }
    }
}

const POD: &str = "10.244.0.5";
const BRIDGE: &str = "10.244.0.1";
const FAR: &str = "198.51.100.7";

#[test]
fn filter_rules_of_iptables_look_where_nat_does_not() {
    let local = || json!({"externalTrafficPolicy": "Local"});
    let far_only = || json!([{"addresses": ["10.244.1.8"], "nodeName": "node-2"}]);
    let elsewhere = || vec!["172.16.0.0/16"];
    // A node port on an address that is not listed.
    let unlisted = |spec: Value, endpoints: Value| Web { spec, endpoints, node_port_addresses: elsewhere(), ..web() };
    let node = "192.168.0.1:30080";
    for (what, web, from, to, want) in [
        ("somebody to send to", unlisted(local(), web().endpoints), FAR, node, "pass no-rule"),
        ("nobody", unlisted(json!({}), json!([])), FAR, node, "reject no-endpoints"),
        ("nobody here", unlisted(local(), far_only()), FAR, node, "drop no-local-endpoints"),
        ("nobody here: no short circuit for pods", unlisted(local(), far_only()), POD, node, "drop no-local-endpoints"),
        ("nobody here, which does not matter", unlisted(json!({}), far_only()), FAR, node, "pass no-rule"),
        // The guard of 127.0.0.0/8 comes first.
        ("nobody on loopback", Web { endpoints: json!([]), ..web() }, "127.0.0.1", "127.0.0.1:30080", "reject no-endpoints"),
        ("nobody on loopback, from a pod", Web { endpoints: json!([]), ..web() }, POD, "127.0.0.1:30080", "drop loopback-guard"),
        // KUBE-EXTERNAL-SERVICES does not hang off OUTPUT, whatever address a process of the node has.
        (
            "dead, from the bridge",
            Web { endpoints: json!([]), ..web() },
            BRIDGE,
            "203.0.113.80:80",
            "pass not-rejected-on-output",
        ),
        ("dead, from a pod", Web { endpoints: json!([]), ..web() }, POD, "203.0.113.80:80", "reject no-endpoints"),
        (
            "dead cluster IP, from the bridge",
            Web { endpoints: json!([]), ..web() },
            BRIDGE,
            "10.96.0.20:80",
            "reject no-endpoints",
        ),
    ] {
        assert_eq!(web.told(from, to), want, "{what}");
    }
}

#[test]
fn listed_node_port_addresses_are_those_of_interfaces() {
    let listing = |mode: Mode, list: &[&'static str]| Web { mode, node_port_addresses: list.to_vec(), ..web() };
    let home = "127.0.0.1";
    for (what, web, to, want) in [
        ("all of loopback without a list", listing(Mode::Iptables, &[]), "127.0.0.2:30080", "dnat 7+ 8+"),
        ("and with the range of everything", listing(Mode::Iptables, &["0.0.0.0/0"]), "127.0.0.2:30080", "dnat 7+ 8+"),
        ("the loopback interface has one address", listing(Mode::Iptables, &["127.0.0.0/8"]), "127.0.0.1:30080", "dnat 7+ 8+"),
        ("and no other", listing(Mode::Iptables, &["127.0.0.0/8"]), "127.0.0.2:30080", "pass no-rule"),
        ("a list of the other family says nothing", listing(Mode::Iptables, &["2001:db8::/64"]), "127.0.0.2:30080", "dnat 7+ 8+"),
        ("loopback is not for nftables", listing(Mode::Nftables, &["127.0.0.0/8"]), "127.0.0.1:30080", "pass no-rule"),
        ("the bridge is no node IP", listing(Mode::Nftables, &[]), "10.244.0.1:30080", "pass no-rule"),
    ] {
        assert_eq!(web.told(home, to), want, "{what}");
    }
}

#[test]
fn who_may_call_the_balancer() {
    let ranges = |list: Value| Web { spec: json!({"loadBalancerSourceRanges": list}), ..web() };
    let nftables = |list: Value| Web { mode: Mode::Nftables, ..ranges(list) };
    let node = || json!(["192.168.0.0/24"]);
    let (first, second, both) = ("198.18.0.1:80", "198.18.0.2:80", "198.18.0.3:80");
    for (what, web, from, to, want) in [
        ("from the address that is called", ranges(node()), "198.18.0.1", first, "dnat 7+ 8+"),
        ("from another address of the balancer", ranges(node()), "198.18.0.1", second, "dnat 7+ 8+"),
        ("in nftables mode", nftables(node()), "198.18.0.1", second, "dnat 7+ 8+"),
        ("not if the node may not call", ranges(json!(["192.0.2.0/24"])), "198.18.0.1", second, "drop source-not-allowed"),
        ("an external IP is nobody's source", ranges(node()), "203.0.113.80", first, "drop source-not-allowed"),
        ("external and balancer's", ranges(node()), FAR, both, "dnat 7+ 8+"),
        ("external and balancer's in nftables mode", nftables(node()), FAR, both, "drop source-not-allowed"),
    ] {
        assert_eq!(web.told(from, to), want, "{what}");
    }
}

#[test]
fn each_family_is_a_proxy_of_its_own() {
    let other_detector = Web { pods: "fd00::/8", ..web() };
    assert_eq!(other_detector.told(FAR, "10.96.0.20:80"), "dnat 7 8", "nothing is known to be foreign");
    assert_eq!(web().told(FAR, "10.96.0.20:80"), "dnat 7+ 8+");
    let local = Web { spec: json!({"externalTrafficPolicy": "Local"}), ..web() };
    assert_eq!(local.told(FAR, "192.168.0.1:32000"), "pass health-check-port");
    assert_eq!(local.told("2600::1", "[2001:db8::1]:32000"), "pass no-rule");
    assert_eq!(local.told("2600::1", "[2001:db8::1]:30080"), "pass no-rule");
}

/// A Service has a node's address as its external IP and nobody to answer there; another one's node port is of the same number.
#[test]
fn the_scan_goes_on_to_node_ports() {
    let objects = |claims: Value, port: u16| {
        let mut spec = json!({"clusterIP": "10.96.0.1", "ports": [{"port": 30080}], "type": "LoadBalancer"});
        spec.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        let slice = |name: &str, at: &str| {
            json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                "metadata": {"name": name, "namespace": "default", "labels": {"kubernetes.io/service-name": name}},
                "ports": [{"name": "", "port": 80}], "endpoints": [{"addresses": [at], "nodeName": "node-2"}]})
        };
        let ingress = json!({"loadBalancer": {"ingress": [{"ip": "192.168.0.1"}]}});
        let claimant = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "claims", "namespace": "default"}, "spec": spec, "status": ingress});
        let live = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "live", "namespace": "default"},
            "spec": {"type": "NodePort", "clusterIP": "10.96.0.2", "ports": [{"port": 80, "nodePort": port}]}});
        let mut list = vec![claimant, live];
        if claims["lifeless"] != true {
            list.push(slice("live", "10.244.0.8"));
        }
        if claims["dead"] != true {
            list.push(slice("claims", "10.244.1.7"));
        }
        table(&Value::Array(list))
    };
    let dead = || json!({"dead": true});
    let lifeless = || json!({"externalTrafficPolicy": "Local", "lifeless": true});
    let barred = || json!({"loadBalancerSourceRanges": ["10.0.0.0/8"]});
    let (ours, other) = (30080, 30081);
    for (what, mode, claims, port, want) in [
        ("no endpoint there", Mode::Iptables, dead(), ours, "Dnat default/live"),
        ("no endpoint there", Mode::Nftables, dead(), ours, "Dnat default/live"),
        ("none of this node", Mode::Iptables, json!({"externalTrafficPolicy": "Local"}), ours, "Dnat default/live"),
        ("but not nftables'", Mode::Nftables, json!({"externalTrafficPolicy": "Local"}), ours, "Drop"),
        ("node ports without endpoints are refused first", Mode::Nftables, lifeless(), ours, "Reject"),
        ("the first Service keeps it out", Mode::Iptables, lifeless(), ours, "Drop"),
        ("out of the ranges", Mode::Iptables, barred(), ours, "Dnat default/live"),
        ("nftables asks about ranges first", Mode::Nftables, barred(), ours, "Drop"),
        ("somebody answers there", Mode::Iptables, json!({}), ours, "Dnat default/claims"),
        ("no such node port", Mode::Iptables, dead(), other, "Reject"),
    ] {
        let config = Web { mode, ..web() }.config();
        let own: IpAddr = "192.168.0.1".parse().unwrap();
        let node = NodeFacts { name: "node-1", zone: None, node_ips: vec![own], addresses: vec![own] };
        let packet = Packet { source: FAR.parse().unwrap(), destination: SocketAddr::new(own, 30080), protocol: Protocol::Tcp };
        let verdict = decide(&objects(claims, port), &config, &node, packet);
        let service = match &verdict.reason {
            Reason::ServiceMatched { service, .. } => format!(" {service}"),
            _ => String::new(),
        };
        assert_eq!(format!("{:?}{service}", verdict.decision), want, "{what} {mode:?}");
    }
}

#[test]
fn health_check_ports_are_open_where_node_ports_are() {
    let node = ["192.168.0.1", "10.244.0.1"].map(|ip| ip.parse::<IpAddr>().unwrap());
    let facts = NodeFacts { name: "node-1", zone: None, node_ips: vec![node[0]], addresses: node.to_vec() };
    for (mode, list, want) in [
        (Mode::Iptables, vec![], None),
        (Mode::Iptables, vec!["0.0.0.0/0"], None),
        (Mode::Iptables, vec!["10.244.0.0/16"], Some(vec![node[1]])),
        (Mode::Nftables, vec![], Some(vec![node[0]])),
        (Mode::Nftables, vec!["0.0.0.0/0"], None),
    ] {
        let config = Web { mode, node_port_addresses: list.clone(), ..web() }.config();
        assert_eq!(health_addresses(&config, &facts), want, "{mode:?} {list:?}");
    }
}

#[test]
fn health_check_ports_are_local_ones() {
    let local = Web { spec: json!({"externalTrafficPolicy": "Local"}), ..web() };
    assert_eq!(local.told(FAR, "192.168.0.1:32000"), "pass health-check-port");
    assert_eq!(local.told(FAR, "203.0.113.80:32000"), "pass no-rule", "the address is not the node's");
    assert_eq!(web().told(FAR, "192.168.0.1:32000"), "pass no-rule", "only the policy Local is checked");
}

#[test]
fn a_verdict_tells_what_it_left_out() {
    let local = || json!({"externalTrafficPolicy": "Local"});
    let there: SocketAddr = "10.244.1.8:8080".parse().unwrap();
    let far_only = json!([{"addresses": ["10.244.1.8"], "nodeName": "node-2"}]);
    let ill = json!([{"addresses": ["10.244.1.8"], "nodeName": "node-2", "conditions": {"ready": false, "serving": false}}]);
    for (what, web, to, want) in [
        ("sent on, with some left out", Web { spec: local(), ..web() }, "203.0.113.80:80", vec![(there, NotEligible::OtherNode)]),
        (
            "dropped",
            Web { spec: local(), endpoints: far_only, ..web() },
            "203.0.113.80:80",
            vec![(there, NotEligible::OtherNode)],
        ),
        ("refused", Web { endpoints: ill, ..web() }, "10.96.0.20:80", vec![(there, NotEligible::NotReady)]),
        ("nothing was asked", web(), "192.168.0.1:81", vec![]),
    ] {
        assert_eq!(web.verdict(FAR, to).1, want, "{what}");
    }
}

fn addresses() -> impl Strategy<Value = IpAddr> {
    let known = ["10.0.0.2", "127.0.0.1", "192.168.0.2", "192.168.1.2", "203.0.113.2", "1.2.3.4", "172.30.0.41", "::1"];
    let known: Vec<IpAddr> = known.iter().map(|t| t.parse().unwrap()).collect();
    prop_oneof![proptest::sample::select(known), any::<u32>().prop_map(|n| IpAddr::V4(n.into()))]
}

proptest! {
    /// Only DNAT has candidates, and it has some; nothing is both a candidate and not eligible.
    #[test]
    fn verdicts_hang_together(
        at in 0_usize..59, source in addresses(), to in addresses(), port in prop_oneof![Just(80), Just(3001), any::<u16>()],
        nftables: bool,
    ) {
        thread_local!(static CASES: Arc<Vec<Value>> = Arc::new(cases()));
        let cases = CASES.with(Arc::clone);
        let case = &cases[at];
        let config = config(case, if nftables { "nftables" } else { "iptables" });
        let packet = Packet { source, destination: SocketAddr::new(to, port), protocol: Protocol::Tcp };
        let table = table(&case["objects"]);
        let verdict = decide(&table, &config, &facts(case), packet);
        prop_assert_eq!(verdict.candidates().is_empty(), verdict.decision != Decision::Dnat);
        let not_eligible = verdict.not_eligible(&table, &facts(case));
        prop_assert!(not_eligible.iter().all(|(a, _)| !verdict.candidates().contains(a)));
        prop_assert!(verdict.candidates().iter().all(|c| c.is_ipv6() == to.is_ipv6()));
    }
}
