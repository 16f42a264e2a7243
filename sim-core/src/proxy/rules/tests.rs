//! The cases of `tests/cases/proxy.yaml`: what upstream's packet tracer says of kube-proxy's rules; and laws of the walk.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::engine::time::Instant;
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
    let mut store = Store::default();
    for object in objects.as_array().into_iter().flatten() {
        store.insert(Object::parse(object), Instant::START);
    }
    Programmed::new(store.head().clone())
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
