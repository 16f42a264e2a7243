//! What the rules cost for one packet: 100 and 10,000 Services of 15 endpoints each, beside a `HashMap` from the standard library
//! with the same keys and a draw among as many values, in the same run. No trace is recorded, no connection tracked.
//!
//! `cargo run --release -p sim-core --example packet_verdict`

#![allow(clippy::print_stdout, clippy::disallowed_types, clippy::disallowed_methods)]

use std::collections::HashMap;
use std::hint::black_box;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant as Clock;

use serde_json::json;
use sim_core::engine::random::{Draws, Seed};
use sim_core::engine::time::Instant;
use sim_core::objects::Object;
use sim_core::objects::pod_spec::Protocol;
use sim_core::proxy::rules::{NodeFacts, Packet, decide};
use sim_core::proxy::{Mode, Net, Programmed, ProxyConfig};
use sim_core::store::Store;

const ENDPOINTS: u32 = 15;
const PACKETS: u32 = 1_000_000;
const ROUNDS: usize = 7;

fn cluster_ip(service: u32) -> IpAddr {
    IpAddr::V4((0x0a60_0100 + service).into())
}

fn endpoint(service: u32, n: u32) -> IpAddr {
    IpAddr::V4((0x0b00_0000 + service * ENDPOINTS + n).into())
}

fn table(services: u32) -> Programmed {
    let mut store = Store::default();
    for service in 0..services {
        let name = format!("s{service:05}");
        let endpoints: Vec<_> = (0..ENDPOINTS)
            .map(|n| json!({"addresses": [endpoint(service, n)], "nodeName": format!("node-{}", n % 3 + 1)}))
            .collect();
        for doc in [
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"},
                "spec": {"clusterIP": cluster_ip(service), "ports": [{"port": 80}]}}),
            json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                "metadata": {"name": format!("{name}-x"), "namespace": "default", "labels": {"kubernetes.io/service-name": name}},
                "ports": [{"name": "", "port": 8080, "protocol": "TCP"}], "endpoints": endpoints}),
        ] {
            store.insert(Object::parse(&doc), Instant::START);
        }
    }
    Programmed::new(store.head().clone())
}

/// Nanoseconds for one packet: the best of some rounds, after one to warm up.
fn cost(mut one: impl FnMut(u32, u64) -> Option<SocketAddr>, services: u32) -> f64 {
    let mut stream = Draws::new(Seed(7)).stream("bench", u64::from(services));
    let mut best = f64::INFINITY;
    for round in 0..=ROUNDS {
        let start = Clock::now();
        for _ in 0..PACKETS {
            let service = u32::try_from(stream.below(u64::from(services))).unwrap_or(0);
            let draw = stream.below(u64::from(ENDPOINTS));
            black_box(one(black_box(service), draw));
        }
        let spent = start.elapsed().as_secs_f64() * 1e9 / f64::from(PACKETS);
        if round > 0 {
            best = best.min(spent);
        }
    }
    best
}

fn main() {
    let net = |text| Net::parse(text).into_iter().collect::<Vec<_>>();
    let mut config = ProxyConfig {
        mode: Mode::Iptables,
        masquerade_all: false,
        node_port_addresses: Vec::new(),
        localhost_node_ports: true,
        pod_cidrs: Some(net("10.244.0.0/16")),
        service_cidrs: net("10.96.0.0/12"),
    };
    let addresses: Vec<IpAddr> = vec![IpAddr::from([192, 168, 0, 1])];
    let node = NodeFacts { name: "node-1", zone: None, node_ips: addresses.clone(), addresses };
    let pick = |list: &[SocketAddr], draw: u64| list.get(usize::try_from(draw).unwrap_or(0)).copied();
    for mode in [Mode::Iptables, Mode::Nftables, Mode::Ipvs] {
        config.mode = mode;
        let mut costs = Vec::new();
        for services in [100, 10_000] {
            let table = table(services);
            let mut map: HashMap<(IpAddr, u16, Protocol), Vec<SocketAddr>> = HashMap::new();
            for service in 0..services {
                let list = (0..ENDPOINTS).map(|n| SocketAddr::new(endpoint(service, n), 8080)).collect();
                map.insert((cluster_ip(service), 80, Protocol::Tcp), list);
            }
            let by_map = |service, draw| pick(map.get(&(cluster_ip(service), 80, Protocol::Tcp))?, draw);
            let by_rules = |service, draw| {
                let destination = SocketAddr::new(cluster_ip(service), 80);
                let packet = Packet { source: IpAddr::from([10, 244, 1, 5]), destination, protocol: Protocol::Tcp };
                pick(decide(&table, &config, &node, packet).candidates(), draw)
            };
            costs.push((cost(by_map, services), cost(by_rules, services)));
        }
        let [(map_small, rules_small), (map_large, rules_large)] = costs[..] else { return };
        let (map_ratio, rules_ratio) = (map_large / map_small, rules_large / rules_small);
        println!("{mode:?}");
        println!("  HashMap + draw   100: {map_small:6.1} ns   10,000: {map_large:6.1} ns   ratio {map_ratio:.2}");
        println!("  verdict + draw   100: {rules_small:6.1} ns   10,000: {rules_large:6.1} ns   ratio {rules_ratio:.2}");
        println!(
            "  verdict / HashMap at 10,000: {:.2}   ratio of ratios: {:.2}",
            rules_large / map_large,
            rules_ratio / map_ratio
        );
    }
}
