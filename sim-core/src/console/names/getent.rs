//! getent: what the C library makes of a name; of its databases only hosts and ahosts.
//!
//! The real thing: glibc `nss/getent.c`.

use std::net::IpAddr;

use super::pace::at_its_pace;
use super::source;
use crate::console::host::{Host, Outcome};
use crate::dns::resolver::{Family, lookup, walk};
use crate::dns::zone::reverse_name;
use crate::network::wire::{Source, Wire};

pub(super) async fn getent(host: &mut dyn Host, argv: &[String], _stdin: &str) -> Outcome {
    let [database, keys @ ..] = argv.get(1..).unwrap_or_default() else {
        return Outcome::err(1, "getent: wrong number of arguments");
    };
    let families: &[Family] = match database.as_str() {
        // Like gethostbyname: IPv6 first, IPv4 only if there is none.
        "hosts" => &[Family::V6, Family::V4],
        "ahosts" => &[Family::Any],
        "ahostsv4" => &[Family::V4],
        "ahostsv6" => &[Family::V6],
        other => return Outcome::err(1, format!("Unknown database: {other}")),
    };
    let from = source(host.place());
    let ran = at_its_pace(host, "getent", |wire| look_up(wire, &from, (database, families), keys));
    ran.await.unwrap_or_else(|refusal| refusal)
}

fn look_up(wire: &mut dyn Wire, from: &Source, (database, families): (&str, &[Family]), keys: &[String]) -> Outcome {
    let mut stdout = String::new();
    let mut exit = 0;
    for key in keys {
        if let (Ok(ip), "hosts") = (key.parse::<IpAddr>(), database) {
            match walk(wire, from, &reverse_name(ip), &["PTR"]).reply.and_then(|r| r.answers.into_iter().next()) {
                Some(record) => stdout.push_str(&format!("{key:<15} {}\n", record.data.trim_end_matches('.'))),
                None => exit = 2,
            }
            continue;
        }
        let mut found = None;
        for family in families {
            let result = lookup(wire, from, key, *family);
            if !result.addresses.is_empty() {
                found = Some(result);
                break;
            }
        }
        match found {
            None => exit = 2,
            Some(found) if database == "hosts" => {
                found.addresses.iter().for_each(|ip| stdout.push_str(&format!("{:<15} {}\n", ip.to_string(), found.canonical)));
            }
            Some(found) => stdout.push_str(&socket_lines(&found.addresses, &found.canonical)),
        }
    }
    Outcome { stdout, stderr: String::new(), exit }
}

/// One line per address and socket type; the first carries the canonical name.
fn socket_lines(addresses: &[IpAddr], canonical: &str) -> String {
    let each = addresses.iter().flat_map(|ip| ["STREAM", "DGRAM", "RAW"].map(|kind| (ip, kind)));
    let line = |(n, (ip, kind)): (usize, (&IpAddr, &str))| {
        let name = if n == 0 { canonical } else { "" };
        format!("{:<15} {kind:<6} {name}\n", ip.to_string())
    };
    each.enumerate().map(line).collect()
}
