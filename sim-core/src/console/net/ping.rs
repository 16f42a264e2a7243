//! ping, of iputils: does the machine answer at all?
//!
//! Service addresses do not: kube-proxy rewrites ports, and ICMP has none. In iptables mode the packets go astray; nftables mode
//! refuses them; so does ipvs mode, where the address is bound to every node (since 1.27; before, the node answered for it).
//! Left out: flags but `-c`, `-W` and `-w`; that a node refuses in the name of its own address.

use super::super::host::{Host, Outcome};
use super::{connections, source};
use crate::dns::resolver::{Family, lookup};
use crate::engine::time::Duration;
use crate::explain::{self, Component, Trace};

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
    let wire = match connections(host, "ping") {
        Ok(wire) => wire,
        Err(outcome) => return outcome,
    };
    let found = lookup(wire, &from, &name, Family::Any);
    let Some(ip) = found.addresses.first().copied() else {
        let why = found.error.map_or_else(String::new, |e| e.glibc().to_string());
        return Outcome::err(2, format!("ping: {name}: {why}"));
    };
    let mut out = format!("PING {name} ({ip}) 56(84) bytes of data.\n");
    let mut times: Vec<Duration> = Vec::new();
    let mut errors = 0_u32;
    let begin = wire.now();
    for number in 1..=packets {
        let trace = wire.ping(&from, ip);
        let answer = answer_of(&trace);
        match &answer {
            Answer::Echo => {
                times.push(trace.round_trip);
                let time = millis(trace.round_trip);
                out.push_str(&format!("64 bytes from {ip}: icmp_seq={number} ttl=64 time={time} ms\n"));
            }
            Answer::PortUnreachable => {
                errors += 1;
                out.push_str(&format!("From {ip} icmp_seq={number} Destination Port Unreachable\n"));
            }
            Answer::Nothing => {}
        }
        // After its last packet it waits for an answer only.
        let pause = if number == packets && answer != Answer::Nothing { trace.round_trip } else { Duration::from_secs(1) };
        if let Err(why) = wire.wait(pause) {
            return Outcome::err(124, format!("kubewalk: {why}"));
        }
    }
    let (spent, received) = (wire.now().since(begin).as_millis(), u32::try_from(times.len()).unwrap_or(packets));
    let loss = (packets - received) * 100 / packets;
    let errors = if errors > 0 { format!("+{errors} errors, ") } else { String::new() };
    out.push_str(&format!("\n--- {name} ping statistics ---\n{packets} packets transmitted, {received} received, {errors}"));
    out.push_str(&format!("{loss}% packet loss, time {spent}ms\n{}\n", round_trips(&times)));
    Outcome { stdout: out, stderr: String::new(), exit: i32::from(received == 0) }
}

/// What comes back for an echo request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Echo,
    PortUnreachable,
    Nothing,
}

/// A machine that has the address answers by itself, whatever listens there. Where rules refuse, they do so for ICMP too.
fn answer_of(trace: &Trace) -> Answer {
    let last = trace.hops.last().map(|hop| hop.component);
    match (trace.outcome, last) {
        (explain::Outcome::Refused | explain::Outcome::Delivered, Some(Component::Server)) => Answer::Echo,
        (explain::Outcome::Refused, Some(Component::KubeProxy)) => Answer::PortUnreachable,
        _ => Answer::Nothing,
    }
}

/// The last line: nothing if nothing came back. Without jitter here the mean deviation is that of the figures themselves.
fn round_trips(times: &[Duration]) -> String {
    let (Some(min), Some(max)) = (times.iter().min(), times.iter().max()) else { return String::new() };
    let count = times.len() as u64;
    let mean = times.iter().map(|t| t.as_nanos()).sum::<u64>() / count;
    let deviation = times.iter().map(|t| t.as_nanos().abs_diff(mean)).sum::<u64>() / count;
    let (mean, deviation) = (Duration::from_nanos(mean), Duration::from_nanos(deviation));
    format!("rtt min/avg/max/mdev = {}/{}/{}/{} ms", millis(*min), millis(mean), millis(*max), millis(deviation))
}

/// Milliseconds with three decimals.
fn millis(time: Duration) -> String {
    let micros = time.as_nanos() / 1000;
    format!("{}.{:03}", micros / 1000, micros % 1000)
}
