use std::collections::BTreeSet;

use serde_json::json;

use super::*;

fn pool(cidr: &str) -> IpPool {
    IpPool::new(cidr).expect("a pool")
}

#[test]
fn automatic_addresses_come_from_the_upper_band_first() {
    for (cidr, first, last, after_full) in [
        ("10.0.0.0/24", "10.0.0.17", "10.0.0.254", "10.0.0.1"),
        ("10.0.0.0/22", "10.0.0.65", "10.0.3.254", "10.0.0.1"),
        ("10.96.0.0/20", "10.96.1.1", "10.96.15.254", "10.96.0.1"),
        ("fd00::/120", "fd00::11", "fd00::ff", "fd00::1"),
    ] {
        let mut all = pool(cidr);
        let lowest = all.clone().take_any(&mut |_| 0).map(|ip| ip.to_string());
        let highest = all.clone().take_any(&mut |n| n - 1).map(|ip| ip.to_string());
        assert_eq!((lowest.as_deref(), highest.as_deref()), (Ok(first), Ok(last)), "{cidr}");
        let mut given = all.take_any(&mut |_| 0);
        while given.as_ref().is_ok_and(|ip| ip.to_string() != last) {
            given = all.take_any(&mut |_| 0);
        }
        assert_eq!(all.take_any(&mut |_| 0).map(|ip| ip.to_string()).as_deref(), Ok(after_full), "{cidr}");
    }
}

#[test]
fn a_pool_gives_each_usable_address_once_and_then_is_full() {
    for (cidr, usable) in [("10.0.0.0/24", 254), ("10.0.0.0/28", 14), ("10.0.0.0/30", 2), ("fd00::/124", 15)] {
        let mut all = pool(cidr);
        let mut seen = BTreeSet::new();
        let mut salt = 7u64;
        while let Ok(ip) = all.take_any(&mut |n| {
            salt = salt.wrapping_mul(6364136223846793005).wrapping_add(1);
            salt % n
        }) {
            assert!(seen.insert(ip), "{ip} twice");
        }
        assert_eq!(seen.len(), usable, "{cidr}");
        assert_eq!(all.take_any(&mut |_| 0), Err(Refused::Full));
    }
}

#[test]
fn explicit_addresses_are_refused_in_the_servers_words() {
    let mut all = pool("10.96.0.7/12");
    let mut take = |ip: &str| all.take(ip.parse().expect("an address")).map_err(|e| e.to_string());
    assert_eq!(take("10.96.0.50"), Ok(()));
    assert_eq!(take("10.96.0.50"), Err("provided IP is already allocated".into()));
    let outside = "is not in the valid range. The range of valid IPs is 10.96.0.0/12";
    for ip in ["10.96.0.0", "10.111.255.255", "192.168.0.1", "fd00::1"] {
        assert_eq!(take(ip), Err(format!("the provided IP ({ip}) {outside}")));
    }
}

#[test]
fn node_ports_have_bands_too() {
    let mut ports = PortPool::new(30000, 32767);
    assert_eq!(ports.clone().take_any(&mut |_| 0), Ok(30086));
    assert_eq!(ports.take(30080), Ok(()));
    assert_eq!(ports.take(30080).map_err(|e| e.to_string()), Err("provided port is already allocated".into()));
    let outside = "provided port is not in the valid range. The range of valid ports is 30000-32767";
    for port in [80, 70000, -1, 0] {
        assert_eq!(ports.take(port).map_err(|e| e.to_string()), Err(outside.into()));
    }
    let mut wide = PortPool::new(1, 65535);
    assert_eq!(wide.take_any(&mut |n| n - 1), Ok(65535));
    let mut tiny = PortPool::new(30000, 30001);
    assert_eq!((tiny.take_any(&mut |_| 1), tiny.take_any(&mut |_| 1)), (Ok(30001), Ok(30000)));
    assert_eq!(tiny.take_any(&mut |_| 0), Err(Refused::Full));
}

#[test]
fn stored_services_are_learnt_and_bad_ranges_refused() {
    let mut all = Allocators::new(&["10.0.0.0/24".into(), "fd00::/112".into()], (30000, 32767)).expect("pools");
    all.learn(&json!({"spec": {"clusterIPs": ["10.0.0.9", "fd00::9", "1.2.3.4"], "ports": [{"nodePort": 30001}]}}));
    assert_eq!(all.pool_mut(Family::V6).expect("v6").take("fd00::9".parse().expect("ip")), Err(Refused::IpTaken));
    assert_eq!(all.ports.take(30001), Err(Refused::PortTaken));
    all.release_ip("10.0.0.9");
    assert_eq!(all.pool_mut(Family::V4).expect("v4").take("10.0.0.9".parse().expect("ip")), Ok(()));
    for cidrs in [vec![], vec!["10.0.0.0/24", "10.1.0.0/24"], vec!["10.0.0.0"], vec!["fd00::/48"], vec!["10.0.0.1/32"]] {
        let cidrs: Vec<String> = cidrs.into_iter().map(String::from).collect();
        assert!(Allocators::new(&cidrs, (1, 2)).is_err(), "{cidrs:?}");
    }
}
