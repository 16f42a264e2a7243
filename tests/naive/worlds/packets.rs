//! Packets: to the addresses of Services mostly, from everywhere.

use std::net::{IpAddr, SocketAddr};

use serde_json::Value;
use sim_core::engine::random::Stream;
use sim_core::objects::pod_spec::Protocol;
use sim_core::proxy::rules::Packet;

use super::{Families, PACKETS, World, ip, of, percent};

pub(super) fn packets(draw: &mut Stream, families: Families, world: &World) -> Vec<Packet> {
    (0..PACKETS).map(|_| packet(draw, families, world)).collect()
}

fn packet(draw: &mut Stream, families: Families, world: &World) -> Packet {
    let v6 = of(draw, &families.list());
    let services: Vec<&Value> = world.documents.iter().filter(|doc| doc["kind"] == "Service").collect();
    let mut service = of(draw, &services);
    if listed(&service["spec"]["clusterIPs"], v6).is_empty() && percent(draw, 80) {
        service = of(draw, &services);
    }
    let ports: Vec<&Value> = service["spec"]["ports"].as_array().into_iter().flatten().collect();
    let port = of(draw, &ports);
    let number = |key: &str| port[key].as_u64().and_then(|n| u16::try_from(n).ok());
    let (mut to, mut at) = (destination(draw, v6, service, world), number("port").unwrap_or(80));
    if percent(draw, if number("nodePort").is_some() { 35 } else { 4 }) {
        to = node_address(draw, v6, world);
        at = number("nodePort").unwrap_or(30_000);
    }
    if percent(draw, 8) {
        at = of(draw, &[81, 80, 443, 53, 30_000, 30_001, 30_010, 31_000, 31_001]);
    }
    let mut protocol = Protocol::parse(port["protocol"].as_str());
    if percent(draw, 5) {
        protocol = of(draw, &[Protocol::Tcp, Protocol::Udp, Protocol::Sctp]);
    }
    Packet { source: source(draw, (v6, to), world), destination: SocketAddr::new(to, at), protocol }
}

/// The addresses under a key of a Service, of one family.
fn listed(list: &Value, v6: bool) -> Vec<IpAddr> {
    let texts = list.as_array().into_iter().flatten().filter_map(|one| one.as_str().or(one["ip"].as_str()));
    texts.filter_map(|text| text.parse().ok()).filter(|ip: &IpAddr| ip.is_ipv6() == v6).collect()
}

fn destination(draw: &mut Stream, v6: bool, service: &Value, world: &World) -> IpAddr {
    let choices = match draw.below(20) {
        0..8 => listed(&service["spec"]["clusterIPs"], v6),
        8..11 => listed(&service["spec"]["externalIPs"], v6),
        11..17 => listed(&service["status"]["loadBalancer"]["ingress"], v6),
        17 => vec![node_address(draw, v6, world)],
        18 => vec![ip(if v6 { "fd00:10:96::ff" } else { "10.96.0.200" })],
        _ => vec![ip(if v6 { "fd00:10:244:1::2" } else { "10.244.1.2" }), ip(if v6 { "2600::9" } else { "8.8.8.8" })],
    };
    let fallback = listed(&service["spec"]["clusterIPs"], v6);
    let choices = if choices.is_empty() { fallback } else { choices };
    draw.pick(&choices).copied().unwrap_or_else(|| ip(if v6 { "2600::9" } else { "8.8.8.8" }))
}

fn node_address(draw: &mut Stream, v6: bool, world: &World) -> IpAddr {
    if percent(draw, 20) {
        return if v6 { ip("::1") } else { ip(of(draw, &["127.0.0.1", "127.0.0.1", "127.0.0.2"])) };
    }
    let own: Vec<IpAddr> = world.addresses.iter().copied().filter(|ip| ip.is_ipv6() == v6).collect();
    of(draw, &own)
}

fn source(draw: &mut Stream, (v6, to): (bool, IpAddr), world: &World) -> IpAddr {
    let host = 2 + draw.below(5);
    match draw.below(20) {
        // A pod here, perhaps the one that is picked.
        0..6 => ip(&if v6 { format!("fd00:10:244::{host}") } else { format!("10.244.0.{host}") }),
        6..9 => ip(&if v6 { format!("fd00:10:244:1::{host}") } else { format!("10.244.1.{host}") }),
        9..12 => {
            let own: Vec<IpAddr> = world.addresses.iter().copied().filter(|ip| ip.is_ipv6() == v6).collect();
            of(draw, &own)
        }
        12 => ip(if v6 { "::1" } else { "127.0.0.1" }),
        13..16 => ip(if v6 { "2600:5200::1" } else { "203.0.113.2" }),
        16 => ip(if v6 { "2001:db8::77" } else { "198.51.100.77" }),
        17 => ip(if v6 { "2001:db8:99::3" } else { "172.16.0.3" }),
        18 => ip(if v6 { "fd00:10:96::10" } else { "10.96.0.10" }),
        // An address that is called and is this machine's own comes back as the source.
        _ if !to.is_loopback() => to,
        _ => ip(if v6 { "::1" } else { "127.0.0.2" }),
    }
}
