//! ping, of iputils: does the machine answer at all?
//!
//! Service addresses do not: kube-proxy rewrites ports, and ICMP has none. Left out: flags but `-c`, `-W` and `-w`.

use std::net::SocketAddr;

use super::super::host::{Host, Outcome};
use super::{source, wire};
use crate::dns::resolver::{Family, lookup};
use crate::engine::time::Duration;
use crate::explain;
use crate::objects::pod_spec::Protocol;

/// How many packets are sent unless `-c` says so; a terminal would go on for ever.
const PACKETS: u32 = 4;

/// The program.
pub fn ping(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    let (mut name, mut packets) = (None, PACKETS);
    let mut words = argv[1..].iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-c" => packets = words.next().and_then(|n| n.parse().ok()).unwrap_or(PACKETS).clamp(1, 1000),
            "-W" | "-w" | "-i" => drop(words.next()),
            w if w.starts_with('-') => {}
            _ => name = Some(word.clone()),
        }
    }
    let Some(name) = name else { return Outcome::err(2, "ping: usage error: Destination address required") };
    let from = source(host.place());
    let wire = match wire(host, "ping") {
        Ok(wire) => wire,
        Err(outcome) => return outcome,
    };
    let found = lookup(wire, &from, &name, Family::Any);
    let Some(ip) = found.addresses.first().copied() else {
        let why = found.error.map_or_else(String::new, |e| e.glibc().to_string());
        return Outcome::err(2, format!("ping: {name}: {why}"));
    };
    let mut out = format!("PING {name} ({ip}) 56(84) bytes of data.\n");
    let mut received = 0;
    let begin = wire.now();
    for number in 1..=packets {
        // ICMP has no port: no rule matches, and any machine that has the address answers.
        let trace = wire.connect(&from, SocketAddr::new(ip, 0), Protocol::Sctp);
        let answers = matches!(trace.outcome, explain::Outcome::Refused | explain::Outcome::Delivered) && trace.chosen.is_none();
        if answers {
            received += 1;
            let micros = trace.round_trip.as_nanos() / 1000;
            out.push_str(&format!(
                "64 bytes from {ip}: icmp_seq={number} ttl=64 time={}.{:03} ms\n",
                micros / 1000,
                micros % 1000
            ));
        }
        if let Err(why) = wire.wait(Duration::from_secs(1)) {
            return Outcome::err(124, format!("kubewalk: {why}"));
        }
    }
    let spent = wire.now().since(begin).as_millis();
    let loss = (packets - received) * 100 / packets;
    out.push_str(&format!("\n--- {name} ping statistics ---\n{packets} packets transmitted, {received} received, {loss}% packet loss, time {spent}ms\n"));
    Outcome { stdout: out, stderr: String::new(), exit: i32::from(received == 0) }
}
