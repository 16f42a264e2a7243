//! `ip addr`: which addresses does this machine have?
//!
//! In real life it comes with iproute2, and with busybox in small images, which says a little less. Each machine and pod has a
//! loopback and one Ethernet interface here; in ipvs mode a node also has the dummy device that holds the Services' addresses.
//! Left out: everything but addresses; link-local ones; the bridge and the pods' ends on a node; the length of networks outside
//! pods, of which the simulator knows nothing (`/24`, or `/64`).
//! The real things: iproute2 `ip/ipaddress.c`, busybox `networking/libiproute/ipaddress.c`.

use std::net::IpAddr;

use super::super::host::{Host, Outcome, Place, simulation};
use super::super::names::make_at;
use super::super::programs::not_modelled;
use super::source;
use crate::cluster::ground::GroundAt;
use crate::lab::simulation::Simulation;
use crate::network::Ground;
use crate::network::wire::Source;
use crate::proxy::{Mode, Net};

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    /// Of IPv6 only, or of IPv4 only.
    v6: Option<bool>,
    device: Option<String>,
}

/// One interface.
struct Device {
    number: u32,
    name: &'static str,
    /// Flags, MTU and queue, as both makes print them.
    about: &'static str,
    /// What iproute2 adds.
    more: &'static str,
    link: String,
    /// Addresses, with the length of their networks.
    addresses: Vec<(IpAddr, u8)>,
}

/// The program.
pub fn ip(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    let wanted = match parse(&argv[1..]) {
        Ok(wanted) => wanted,
        Err(outcome) => return outcome,
    };
    let (place, busybox) = (host.place(), make_at(host).is_busybox());
    let Some(sim) = simulation(host) else { return super::no_network("ip") };
    let devices = devices(&sim, &place);
    let chosen: Vec<&Device> = devices.iter().filter(|d| wanted.device.as_deref().is_none_or(|name| name == d.name)).collect();
    if let (Some(name), true) = (&wanted.device, chosen.is_empty()) {
        return match busybox {
            true => Outcome::err(1, format!("ip: can't find device '{name}'")),
            false => Outcome::err(1, format!("Device \"{name}\" does not exist.")),
        };
    }
    Outcome::out(chosen.into_iter().map(|device| device.text(wanted.v6, busybox)).collect::<String>())
}

fn parse(words: &[String]) -> Result<Wanted, Outcome> {
    let mut wanted = Wanted::default();
    let mut words = words.iter().map(String::as_str).skip_while(|word| match *word {
        "-4" => wanted.v6.replace(false).is_none(),
        "-6" => wanted.v6.replace(true).is_none(),
        _ => false,
    });
    match words.next() {
        Some("a" | "addr" | "address") => {}
        _ => return Err(not_modelled("ip", "of its commands `ip addr` is modelled, with -4, -6 and `show [dev] DEVICE`")),
    }
    let mut words = words.skip_while(|word| matches!(*word, "show" | "list" | "ls" | "dev")).map(String::from);
    wanted.device = words.next();
    match words.next() {
        None => Ok(wanted),
        Some(word) => Err(not_modelled("ip", &format!("`{word}` is one word too many; `ip addr show DEVICE` shows one device"))),
    }
}

fn devices(sim: &Simulation, place: &Place) -> Vec<Device> {
    let ground = GroundAt { cluster: sim.cluster(), now: sim.engine().now() };
    let local = [("127.0.0.1", 8), ("::1", 128)];
    let local = local.into_iter().filter_map(|(ip, length)| Some((ip.parse().ok()?, length)));
    let mut devices = vec![Device {
        number: 1,
        name: "lo",
        about: "<LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue",
        more: "state UNKNOWN group default qlen 1000",
        link: "link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00".to_string(),
        addresses: local.collect(),
    }];
    let (of_pod, ips, node) = match source(place.clone()) {
        Source::Pod { namespace, name } => {
            let (node, ips) = ground.pod(&namespace, &name).unwrap_or_default();
            let of_node = ground.node_addresses(&node);
            let shared = ips.iter().any(|ip| of_node.contains(ip));
            (!shared, if shared { of_node } else { ips }, Some(node))
        }
        Source::Node(node) => (false, ground.node_addresses(&node), Some(node)),
        Source::Outside | Source::Address { .. } => (false, vec![ground.outside(false), ground.outside(true)], None),
    };
    let ranges: Vec<Net> = node.iter().flat_map(|node| pod_ranges(sim, node)).filter(|_| of_pod).collect();
    let length = |ip: &IpAddr| {
        let range = ranges.iter().find(|range| range.contains(*ip)).map(|range| range.prefix);
        range.unwrap_or(if ip.is_ipv6() { 64 } else { 24 })
    };
    devices.push(Device {
        number: if of_pod { 3 } else { 2 },
        name: "eth0",
        about: "<BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue",
        more: "state UP group default",
        link: format!("link/ether {} brd ff:ff:ff:ff:ff:ff", hardware(&ips)),
        addresses: ips.iter().map(|ip| (*ip, length(ip))).collect(),
    });
    if sim.cluster().config.proxy.mode == Mode::Ipvs && !of_pod {
        devices.extend(node.and_then(|node| dummy(&ground, &node)));
    }
    devices
}

fn pod_ranges(sim: &Simulation, node: &str) -> Vec<Net> {
    let config = sim.cluster().config.nodes.iter().find(|n| n.name == node);
    config.map(|n| n.pod_cidrs.iter().filter_map(|text| Net::parse(text)).collect()).unwrap_or_default()
}

/// The device to which ipvs mode binds the addresses of Services.
fn dummy(ground: &GroundAt<'_>, node: &str) -> Option<Device> {
    let (table, _) = ground.programmed(node)?;
    let mut addresses: Vec<(IpAddr, u8)> =
        table.lookup().service_ips().map(|ip| (ip, if ip.is_ipv6() { 128 } else { 32 })).collect();
    addresses.sort_unstable();
    addresses.dedup();
    Some(Device {
        number: 4,
        name: "kube-ipvs0",
        about: "<BROADCAST,NOARP> mtu 1500 qdisc noop",
        more: "state DOWN group default",
        link: "link/ether 0a:58:00:00:00:04 brd ff:ff:ff:ff:ff:ff".to_string(),
        addresses,
    })
}

/// A hardware address, made of the first IPv4 address as network plugins make it.
fn hardware(ips: &[IpAddr]) -> String {
    let octets = ips.iter().find_map(|ip| if let IpAddr::V4(ip) = ip { Some(ip.octets()) } else { None });
    let [a, b, c, d] = octets.unwrap_or_default();
    format!("0a:58:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
}

impl Device {
    fn text(&self, v6: Option<bool>, busybox: bool) -> String {
        let more = if busybox { String::new() } else { format!(" {}", self.more) };
        let mut lines = vec![format!("{}: {}: {}{more}", self.number, self.name, self.about)];
        if v6.is_none() {
            lines.push(format!("    {}", self.link));
        }
        for (ip, length) in self.addresses.iter().filter(|(ip, _)| v6.is_none_or(|v6| ip.is_ipv6() == v6)) {
            let family = if ip.is_ipv6() { "inet6" } else { "inet" };
            let scope = match (self.name, ip.is_ipv6()) {
                ("lo", true) => "host".to_string(),
                ("lo", false) => "host lo".to_string(),
                (_, true) => "global".to_string(),
                (name, false) => format!("global {name}"),
            };
            lines.push(format!("    {family} {ip}/{length} scope {scope}"));
            lines.push("       valid_lft forever preferred_lft forever".to_string());
        }
        lines.join("\n") + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_asked_for_in_many_ways() {
        let eth0 = || Wanted { device: Some("eth0".into()), v6: None };
        let cases = [
            ("a", Ok(Wanted::default())),
            ("addr show", Ok(Wanted::default())),
            ("-4 address", Ok(Wanted { v6: Some(false), device: None })),
            ("addr show dev eth0", Ok(eth0())),
            ("a ls eth0", Ok(eth0())),
            ("route", Err(())),
            ("addr show eth0 up", Err(())),
            ("", Err(())),
        ];
        for (line, want) in cases {
            let words: Vec<String> = line.split_whitespace().map(String::from).collect();
            assert_eq!(parse(&words).map_err(|_| ()), want, "{line}");
        }
    }
}
