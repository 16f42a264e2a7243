//! What kube-proxy's rules cost for one packet, beside a `HashMap` of the standard library with the same keys and a draw among as
//! many values, in one process.
//!
//! 100 and 10,000 Services of 15 endpoints each, in each mode; packets go to their cluster IPs in random order. No trace is
//! recorded and no connection is tracked. One iteration is one packet: what its Service is, and a draw among the endpoints. The
//! last lines compare the best samples: how much dearer a verdict is, and how much less well it grows. `cargo bench --bench
//! packet_verdict` in `tests/peers`.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "a benchmark measures wall time, and a hash table")]

use std::collections::HashMap;
use std::hint::black_box;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::json;
use sim_core::engine::random::{Draws, Seed, Stream};
use sim_core::objects::Object;
use sim_core::objects::net::Net;
use sim_core::objects::pod_spec::Protocol;
use sim_core::proxy::rules::{NodeFacts, Packet, decide};
use sim_core::proxy::{Mode, Programmed, ProxyConfig};
use sim_core::store::Store;

const ENDPOINTS: u32 = 15;
const FEW: u32 = 100;
const MANY: u32 = 10_000;
/// So many packets, then the same again.
const PACKETS: usize = 1 << 16;

fn cluster_ip(service: u32) -> IpAddr {
    IpAddr::V4((0x0a60_0100 + service).into())
}

fn endpoint(service: u32, n: u32) -> SocketAddr {
    SocketAddr::new(IpAddr::V4((0x0b00_0000 + service * ENDPOINTS + n).into()), 8080)
}

/// What a node has programmed.
fn programmed(services: u32) -> Programmed {
    let documents = (0..services).flat_map(|service| {
        let name = format!("s{service:05}");
        let one = |n| json!({"addresses": [endpoint(service, n).ip()], "nodeName": format!("node-{}", n % 3 + 1)});
        [
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"},
                "spec": {"clusterIP": cluster_ip(service), "ports": [{"port": 80}]}}),
            json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                "metadata": {"name": format!("{name}-x"), "namespace": "default", "labels": {"kubernetes.io/service-name": name}},
                "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
                "endpoints": (0..ENDPOINTS).map(one).collect::<Vec<_>>()}),
        ]
    });
    Programmed::new(Store::holding(documents.map(|document| Object::parse(&document))).head().clone())
}

fn packets(services: u32) -> Vec<Packet> {
    let mut stream = Draws::new(Seed(7)).stream("packets", u64::from(services));
    let to = |service: u64| SocketAddr::new(cluster_ip(u32::try_from(service).unwrap_or(0)), 80);
    let source = IpAddr::from([10, 244, 1, 5]);
    (0..PACKETS).map(|_| Packet { source, destination: to(stream.below(u64::from(services))), protocol: Protocol::Tcp }).collect()
}

fn draw(stream: &mut Stream, list: &[SocketAddr]) -> Option<SocketAddr> {
    list.get(usize::try_from(stream.below(list.len() as u64)).ok()?).copied()
}

/// Runs one of the two over the packets, and keeps the least time that a packet took in any sample.
fn measure(
    criterion: &mut Criterion,
    name: &str,
    packets: &[Packet],
    pick: impl Fn(&mut Stream, Packet) -> Option<SocketAddr>,
) -> f64 {
    let mut best = f64::INFINITY;
    let mut stream = Draws::new(Seed(7)).stream("draws", 0);
    let mut group = criterion.benchmark_group("packet-verdict");
    group.throughput(Throughput::Elements(1)).sample_size(20).measurement_time(Duration::from_secs(2));
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|iterations| {
            let started = Instant::now();
            for packet in packets.iter().cycle().take(usize::try_from(iterations).unwrap_or(usize::MAX)) {
                assert!(black_box(pick(&mut stream, black_box(*packet))).is_some(), "every packet has a backend");
            }
            let spent = started.elapsed();
            if iterations >= PACKETS as u64 {
                best = best.min(spent.as_secs_f64() * 1e9 / iterations as f64);
            }
            spent
        })
    });
    group.finish();
    best
}

fn verdicts(criterion: &mut Criterion) {
    let net = |text: &str| Net::parse(text).expect("a range");
    let own = IpAddr::from([192, 168, 0, 1]);
    let node = NodeFacts { name: "node-1", zone: None, node_ips: vec![own], addresses: vec![own] };
    let mut lines = Vec::new();
    let tables = [FEW, MANY].map(|services| (services, programmed(services), packets(services)));
    let maps = tables.each_ref().map(|(services, _, packets)| {
        let list = |service| (0..ENDPOINTS).map(|n| endpoint(service, n)).collect::<Vec<SocketAddr>>();
        let map: HashMap<(IpAddr, u16, Protocol), Vec<SocketAddr>> =
            (0..*services).map(|service| ((cluster_ip(service), 80, Protocol::Tcp), list(service))).collect();
        measure(criterion, &format!("HashMap/{services}"), packets, |stream, packet| {
            draw(stream, map.get(&(packet.destination.ip(), packet.destination.port(), packet.protocol))?)
        })
    });
    for mode in [Mode::Iptables, Mode::Nftables, Mode::Ipvs] {
        let config = ProxyConfig {
            mode,
            masquerade_all: false,
            node_port_addresses: Vec::new(),
            localhost_node_ports: true,
            pod_cidrs: Some(vec![net("10.244.0.0/16")]),
            service_cidrs: vec![net("10.96.0.0/12")],
        };
        let costs = tables.each_ref().map(|(services, table, packets)| {
            measure(criterion, &format!("{mode:?}/{services}"), packets, |stream, packet| {
                draw(stream, decide(table, &config, &node, packet).candidates())
            })
        });
        let dearer = [costs[0] / maps[0], costs[1] / maps[1]];
        let growth = [costs[1] / costs[0], maps[1] / maps[0]];
        lines.push(format!(
            "{mode:?}: {:.1} and {:.1} ns, HashMap {:.1} and {:.1} ns; {:.2} and {:.2} times as dear; grows {:.2} to its {:.2} = {:.2}",
            costs[0], costs[1], maps[0], maps[1], dearer[0], dearer[1], growth[0], growth[1], growth[0] / growth[1]
        ));
    }
    println!("{FEW} and {MANY} Services of {ENDPOINTS} endpoints");
    lines.iter().for_each(|line| println!("{line}"));
}

criterion_group!(benches, verdicts);
criterion_main!(benches);
