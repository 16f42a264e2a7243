//! ping: does the machine answer at all?
//!
//! Service addresses do not: kube-proxy rewrites ports, and ICMP has none. In iptables mode the packets go astray; nftables mode
//! refuses them; so does ipvs mode, where the address is bound to every node (since 1.27; before, the node answered for it).
//! Machines have ping of iputils, small images busybox's. Left out: flags but `-c`, `-i`, `-W`, `-w`, `-q`, `-n`, `-4` and `-6`;
//! that a node refuses in the name of its own address; that without `-c` it goes on until somebody stops it.
//! The real things: iputils `ping/ping_common.c`, busybox `networking/ping.c`.

use std::net::IpAddr;

use super::super::host::{Host, Outcome, Stopped, elapsed, sleep};
use super::super::names::make_at;
use super::super::programs::not_modelled;
use super::connect::look_up;
use super::{connections, lent, source, stopped};
use crate::dns::resolver::Family;
use crate::engine::time::{Duration, Instant};
use crate::explain::{self, Component, Trace};
use crate::network::wire::Source;

/// How many packets are sent unless `-c` says so; a terminal would go on for ever.
const PACKETS: u32 = 4;
/// Most packets.
const PACKETS_MAX: u32 = 1000;

/// What was asked for.
#[derive(Debug)]
struct Wanted {
    name: String,
    family: Family,
    packets: u32,
    interval: Duration,
    /// How long it waits after the last packet if nothing came back so far (`-W`).
    linger: Duration,
    /// When it ends, whatever is missing (`-w`).
    limit: Option<Duration>,
    quiet: bool,
}

/// What came of the packets.
struct Report {
    sent: u32,
    errors: u32,
    times: Vec<Duration>,
    /// From the first packet to the last that was sent or came back.
    took: Duration,
}

/// What comes back for an echo request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Echo,
    PortUnreachable,
    Nothing,
}

/// The program.
pub async fn ping(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    let wanted = match Wanted::parse(&argv[1..]) {
        Ok(wanted) => wanted,
        Err(outcome) => return outcome,
    };
    let (from, busybox) = (source(host.place()), make_at(host).is_busybox());
    if let Err(outcome) = connections(host, "ping") {
        return outcome;
    }
    let name = &wanted.name;
    let found = match look_up(host, (&from, name, wanted.family)).await {
        Ok(found) => found,
        Err(why) => return stopped(&why),
    };
    let Some(ip) = found.addresses.first().copied() else {
        let why = found.error.map_or_else(String::new, |e| e.glibc().to_string());
        return match busybox {
            true => Outcome::err(1, format!("ping: bad address '{name}'")),
            false => Outcome::err(2, format!("ping: {name}: {why}")),
        };
    };
    host.print(&match busybox {
        true => format!("PING {name} ({ip}): 56 data bytes\n"),
        false => format!("PING {name} ({ip}) 56(84) bytes of data.\n"),
    });
    let report = match wanted.send(host, &from, ip, busybox).await {
        Ok(report) => report,
        Err(why) => return stopped(&why),
    };
    let text = if busybox { report.busybox(name) } else { report.iputils(name) };
    Outcome { stdout: text, exit: i32::from(report.times.is_empty()), ..Outcome::default() }
}

impl Wanted {
    fn parse(words: &[String]) -> Result<Wanted, Outcome> {
        let (second, linger) = (Duration::from_secs(1), Duration::from_secs(10));
        let mut wanted = Wanted {
            name: String::new(),
            family: Family::Any,
            packets: PACKETS,
            interval: second,
            linger,
            limit: None,
            quiet: false,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let Some(flag) = word.strip_prefix('-') else {
                wanted.name.clone_from(word);
                continue;
            };
            let (flag, tail) = flag.split_at(flag.len().min(1));
            let mut value = || if tail.is_empty() { words.next().map_or("", String::as_str) } else { tail };
            let invalid = |text: &str| Outcome::err(1, format!("ping: invalid argument: '{text}'"));
            let duration = |text: &str| Duration::parse(&format!("{text}s")).ok_or_else(|| invalid(text));
            match flag {
                "c" => {
                    let text = value();
                    let count: u32 = text.parse().ok().filter(|n| *n > 0).ok_or_else(|| invalid(text))?;
                    if count > PACKETS_MAX {
                        return Err(not_modelled("ping", &format!("no more than {PACKETS_MAX} packets at a time")));
                    }
                    wanted.packets = count;
                }
                "i" => wanted.interval = duration(value())?,
                "W" => wanted.linger = duration(value())?,
                "w" => wanted.limit = Some(duration(value())?),
                "q" if tail.is_empty() => wanted.quiet = true,
                "n" if tail.is_empty() => {}
                "4" if tail.is_empty() => wanted.family = Family::V4,
                "6" if tail.is_empty() => wanted.family = Family::V6,
                _ => return Err(not_modelled("ping", &format!("{word} is not modelled; -c, -i, -W, -w, -q, -n, -4 and -6 are"))),
            }
        }
        if wanted.name.is_empty() {
            return Err(Outcome::err(2, "ping: usage error: Destination address required"));
        }
        Ok(wanted)
    }

    async fn send(&self, host: &mut dyn Host, from: &Source, ip: IpAddr, busybox: bool) -> Result<Report, Stopped> {
        let start = elapsed(host);
        let end = self.limit.map_or(Instant::FAR_FUTURE, |limit| start + limit);
        let mut report = Report { sent: 0, errors: 0, times: Vec::new(), took: Duration::ZERO };
        while report.sent < self.packets && elapsed(host) < end {
            let trace = lent(host)?.ping(from, ip);
            let sent_at = elapsed(host);
            report.sent += 1;
            report.took = sent_at.since(start);
            let answer = answer_of(&trace);
            if answer != Answer::Nothing {
                sleep(host, trace.round_trip).await?;
                report.took = elapsed(host).since(start);
            }
            let line = report.note(answer, trace.round_trip, (ip, busybox));
            if !self.quiet {
                host.print(&line);
            }
            let heard = report.received() + if busybox { 0 } else { report.errors };
            let pause = if report.sent < self.packets {
                (sent_at + self.interval).since(elapsed(host))
            } else if heard == self.packets {
                Duration::ZERO
            } else if busybox || report.times.is_empty() {
                self.linger
            } else {
                self.interval
            };
            let pause = pause.min(end.since(elapsed(host)));
            sleep(host, pause).await?;
        }
        Ok(report)
    }
}

impl Report {
    /// Counts an answer; gives its line.
    fn note(&mut self, answer: Answer, round_trip: Duration, (ip, busybox): (IpAddr, bool)) -> String {
        let (number, time) = (self.sent, millis(round_trip));
        let line = match (answer, busybox) {
            (Answer::Nothing, _) => return String::new(),
            (Answer::Echo, false) => format!("64 bytes from {ip}: icmp_seq={number} ttl=64 time={time} ms\n"),
            (Answer::Echo, true) => format!("64 bytes from {ip}: seq={} ttl=64 time={time} ms\n", number - 1),
            (Answer::PortUnreachable, false) => format!("From {ip} icmp_seq={number} Destination Port Unreachable\n"),
            // An error does not bear the number by which it knows its own answers.
            (Answer::PortUnreachable, true) => String::new(),
        };
        match answer {
            Answer::Echo => self.times.push(round_trip),
            _ => self.errors += 1,
        }
        line
    }

    fn loss(&self) -> u32 {
        (self.sent - self.received()) * 100 / self.sent.max(1)
    }

    fn received(&self) -> u32 {
        u32::try_from(self.times.len()).unwrap_or(self.sent)
    }

    /// Least, mean and most.
    fn round_trips(&self) -> Option<[Duration; 3]> {
        let (min, max) = (self.times.iter().min()?, self.times.iter().max()?);
        let sum = self.times.iter().map(|t| t.as_nanos()).sum::<u64>();
        Some([*min, Duration::from_nanos(sum / self.times.len() as u64), *max])
    }

    fn iputils(&self, name: &str) -> String {
        let errors = if self.errors > 0 { format!("+{} errors, ", self.errors) } else { String::new() };
        let last = self.round_trips().map(|[min, mean, max]| {
            // Without jitter here the mean deviation is that of the figures themselves.
            let off = self.times.iter().map(|t| t.as_nanos().abs_diff(mean.as_nanos())).sum::<u64>();
            let deviation = Duration::from_nanos(off / self.times.len() as u64);
            format!("rtt min/avg/max/mdev = {}/{}/{}/{} ms", millis(min), millis(mean), millis(max), millis(deviation))
        });
        format!(
            "\n--- {name} ping statistics ---\n\
             {} packets transmitted, {} received, {errors}{}% packet loss, time {}ms\n{}\n",
            self.sent,
            self.received(),
            self.loss(),
            self.took.as_millis(),
            last.unwrap_or_default()
        )
    }

    fn busybox(&self, name: &str) -> String {
        let last = self.round_trips().map(|times| times.map(millis).join("/"));
        format!(
            "\n--- {name} ping statistics ---\n\
             {} packets transmitted, {} packets received, {}% packet loss\n{}",
            self.sent,
            self.received(),
            self.loss(),
            last.map(|times| format!("round-trip min/avg/max = {times} ms\n")).unwrap_or_default()
        )
    }
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

/// Milliseconds with three decimals.
fn millis(time: Duration) -> String {
    let micros = time.as_nanos() / 1000;
    format!("{}.{:03}", micros / 1000, micros % 1000)
}
