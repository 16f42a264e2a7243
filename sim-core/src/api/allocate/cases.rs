//! The cases `ip-band` of `tests/cases/controllers.yaml`: which addresses and ports are kept for those who ask for them.

use std::net::IpAddr;

use serde_json::json;

use super::*;
use crate::objects::cases::{Row, check, rows};

fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(u32::from(ip)),
        IpAddr::V6(ip) => u128::from(ip),
    }
}

/// How many addresses a pool gives, never the same one twice.
fn usable(cidr: &str) -> usize {
    let Ok(mut pool) = IpPool::new(cidr) else { return 0 };
    let mut drawn = 0;
    std::iter::from_fn(|| {
        drawn += 1;
        pool.take_any(&mut |n| drawn % n).ok()
    })
    .count()
}

/// The lowest and the highest address that is given without being asked for, while there are such.
fn dynamic(cidr: &str) -> Option<(IpAddr, IpAddr)> {
    let pool = IpPool::new(cidr).ok()?;
    Some((pool.clone().take_any(&mut |_| 0).ok()?, pool.clone().take_any(&mut |n| n - 1).ok()?))
}

/// The addresses below the dynamic ones, the network's own left out.
fn static_band(base: &str, bits: i64) -> u128 {
    let lowest = dynamic(&format!("{base}/{bits}")).map(|(lowest, _)| lowest);
    lowest.map_or(0, |lowest| number(lowest) - number(base.parse().unwrap()) - 1)
}

fn layout(cidr: &str) -> Value {
    let (lowest, highest) = dynamic(cidr).unwrap();
    let base = number(cidr.split_once('/').unwrap().0.parse().unwrap());
    let text = |n: u128| IpAddr::from((n as u32).to_be_bytes()).to_string();
    let first = text(base + 1);
    let mut all = IpPool::new(cidr).unwrap();
    assert!(all.take(first.parse().unwrap()).is_ok() && all.take(text(base).parse().unwrap()).is_err());
    json!({"first": first, "staticBand": [first, text(number(lowest) - 1)],
        "dynamicBand": [lowest.to_string(), highest.to_string()], "usable": usable(cidr)})
}

/// The order in which addresses without a static band are given from a drawn start: by their last part, in a range of that size.
fn scan(row: &Row) -> Value {
    let last = |key: &str| row.text(key).rsplit_once('.').unwrap().1.parse::<u64>().unwrap();
    let prefix = row.text("first").rsplit_once('.').unwrap().0;
    // A range that ends before a broadcast address is of family IPv4, one that ends at the last address of family IPv6.
    let cidr = if (last("last") + 2).is_power_of_two() {
        format!("{prefix}.0/{}", 32 - (last("last") + 2).ilog2())
    } else {
        format!("fd00::/{}", 128 - (last("last") + 1).ilog2())
    };
    let mut pool = IpPool::new(&cidr).unwrap();
    let offset = row.number("offset") as u64;
    let given = std::iter::from_fn(|| pool.take_any(&mut |n| offset % n).ok());
    json!({"order": given.map(|ip| format!("{prefix}.{}", number(ip) & 0xff)).collect::<Vec<_>>()})
}

fn ports(row: &Row) -> Value {
    let (first, last) = match row.text("range").split_once('-') {
        Some((first, last)) => (first.parse().unwrap(), last.parse().unwrap()),
        None => (30000u16, 30000 + row.number("nodePortRangeSize") as u16 - 1),
    };
    let pool = PortPool::new(first, last);
    let lowest = pool.clone().take_any(&mut |_| 0).unwrap();
    let highest = pool.clone().take_any(&mut |n| n - 1).unwrap();
    if row.text("range").is_empty() {
        return json!({"staticBand": lowest - first});
    }
    json!({"staticBand": [first, lowest - 1], "dynamicBand": [lowest, highest], "total": last - first + 1})
}

#[test]
fn bands_are_as_large_as_upstreams() {
    check(&rows("ip-band"), 33, |row| {
        let cidr = row.text("cidr");
        match cidr.split_once('/') {
            _ if row.given["nodePortRangeSize"].is_number() || row.given["range"].is_string() => ports(row),
            Some(("", bits)) => json!({"usable": usable(&format!("10.0.0.0/{bits}"))}),
            Some(("v6", bits)) => json!({"usable": usable(&format!("fd00::/{bits}"))}),
            Some(_) => layout(cidr),
            None if row.given["offset"].is_number() => scan(row),
            None => {
                let base = if row.number("family") == 6 { "fd00::" } else { "10.0.0.0" };
                json!({"staticBand": static_band(base, row.number("prefix")) as u64})
            }
        }
    });
}
