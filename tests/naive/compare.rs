//! Both kube-proxies before the same packets.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;

use sim_core::engine::random::{Draws, Seed, Stream};
use sim_core::engine::time::{Duration, Instant};
use sim_core::explain::{Decision, Reason};
use sim_core::objects::pod_spec::Protocol;
use sim_core::proxy::memory::Memory;
use sim_core::proxy::rules::{NodeFacts, Packet, Verdict, decide};
use sim_core::proxy::{Mode, Programmed};
use sim_core::store::Store;

use super::affinity::{Owner, Past};
use super::worlds::World;
use super::{Answer, Proxier, shrink};

/// How often each kind of answer was given, by mode.
#[derive(Clone, Debug, Default)]
pub struct Counts(BTreeMap<(String, &'static str, &'static str), u64>);

/// What two kube-proxies do not agree on.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The packet, by its place in the world's list.
    pub packet: usize,
    /// In what they differ.
    pub what: String,
}

/// Gives all packets of a world to both; the first difference.
pub fn compare(world: &World, counts: &mut Counts) -> Option<Difference> {
    let (objects, node) = (world.objects(), world.node());
    let table = Programmed::new(Store::holding(objects.clone()).head().clone());
    let families = [false, true].map(|v6| Proxier::new(&objects, &world.config, &node, v6));
    let mut kernels = Kernels { first: Memory::default(), naive: Past::default(), draw: Draws::new(Seed(1)).stream("picks", 0) };
    for (number, packet) in world.packets.iter().enumerate() {
        let verdict = decide(&table, &world.config, &node, *packet);
        let answer = families[usize::from(packet.destination.is_ipv6())].decide(*packet);
        counts.note(world.config.mode, &answer);
        let mode = world.config.mode;
        let what = differs(mode, &verdict, &answer, packet).or_else(|| kernels.differ(mode, &verdict, &answer, (number, packet)));
        if let Some(what) = what {
            return Some(Difference { packet: number, what });
        }
    }
    None
}

/// In what two answers to one packet differ.
fn differs(mode: Mode, verdict: &Verdict, answer: &Answer, packet: &Packet) -> Option<String> {
    if verdict.decision != answer.decision {
        return Some(format!("decision {} ({:?})", verdict.decision.text(), verdict.reason));
    }
    // No rule is no rule. Why it is missing on that hook, or that kube-proxy itself listens there, is for people.
    let told = match verdict.reason {
        Reason::NotRejectedOnOutput { .. } => true,
        Reason::HealthCheckPort { .. } => mode == Mode::Nftables && packet.protocol == Protocol::Tcp,
        _ => false,
    };
    let quiet = told && answer.reason == Reason::NoRule;
    if verdict.reason != answer.reason && !quiet {
        return Some(format!("reason {:?}", verdict.reason));
    }
    let picks: Vec<(SocketAddr, bool)> =
        verdict.candidates().iter().map(|pick| (*pick, verdict.masquerades(packet.source, *pick))).collect();
    if picks != answer.picks {
        return Some(format!("picks {picks:?}"));
    }
    let timeout = answer.affinity.map(|seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or(0)));
    let sticky = verdict.sticky.as_ref().map(|sticky| sticky.timeout);
    if sticky != timeout {
        return Some(format!("affinity {sticky:?}"));
    }
    let turns = (mode == Mode::Ipvs && answer.decision == Decision::Dnat).then_some((packet.destination, packet.protocol));
    (verdict.turns != turns).then(|| format!("turns {:?}", verdict.turns))
}

/// What two kernels remember of the same connections.
struct Kernels {
    first: Memory,
    naive: Past,
    draw: Stream,
}

impl Kernels {
    /// Lets the packet open a connection on both, a while after the one before, and asks both whom they remember.
    fn differ(&mut self, mode: Mode, verdict: &Verdict, answer: &Answer, (number, packet): (usize, &Packet)) -> Option<String> {
        let list: Vec<SocketAddr> = answer.picks.iter().map(|(pick, _)| *pick).collect();
        let Reason::ServiceMatched { service, port, .. } = &answer.reason else { return None };
        let owner: Owner = match mode {
            Mode::Ipvs => (packet.destination.to_string(), packet.protocol, 0),
            Mode::Iptables | Mode::Nftables => (service.to_string(), packet.protocol, *port),
        };
        // No gap is a whole number of seconds: what happens at the very end of a timeout is not the question.
        let now = Instant::START + Duration::from_millis(700 * u64::try_from(number).unwrap_or(0));
        let (mut first, mut naive) = (None, None);
        if let (Some(sticky), Some(seconds)) = (&verdict.sticky, answer.affinity) {
            let timeout = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
            first = self.first.remembered(sticky, packet.source, &list, mode, now);
            naive = self.naive.remembered(&owner, packet.source, &list, mode, (timeout, now));
        }
        if first != naive {
            return Some(format!("remembers {first:?}, the naive one {naive:?}"));
        }
        let drawn = first.is_none();
        let pick = match (first, &verdict.turns) {
            (Some(pick), _) => pick,
            (None, Some(server)) => {
                let turns = (self.first.turn(server, &list), self.naive.turn(&owner, &list));
                if turns.0 != turns.1 {
                    return Some(format!("turn {}, the naive one {}", turns.0, turns.1));
                }
                self.first.took_turn(*server, list[turns.0]);
                turns.0
            }
            (None, None) => usize::try_from(self.draw.below(list.len() as u64)).unwrap_or(0),
        };
        if let Some(sticky) = &verdict.sticky {
            self.first.remember(sticky, packet.source, list[pick], mode, now);
        }
        self.naive.went(owner, packet.source, list[pick], now, drawn);
        None
    }
}

/// What differs, the packet, and the smallest world that still shows it.
pub fn report(seed: u64, number: u64, world: &World, difference: &Difference) -> String {
    let (world, what) = shrink::smallest(world, difference);
    let (node, packet) = (world.node(), world.packets[world.packets.len() - 1]);
    let naive = Proxier::new(&world.objects(), &world.config, &node, packet.destination.is_ipv6()).decide(packet);
    let mut text = format!("seed {seed}, world {number}, packet {}\n", difference.packet);
    let _ = writeln!(text, "naive  {naive:?}\nfirst  {what}\n{:?}\n{:?}", world.config, place(&node));
    world.packets.iter().for_each(|packet| {
        let _ = writeln!(text, "{packet:?}");
    });
    world.documents.iter().for_each(|document| {
        let _ = writeln!(text, "{document}");
    });
    text
}

fn place<'a>(node: &'a NodeFacts<'_>) -> (&'a str, Option<&'a str>, &'a [std::net::IpAddr]) {
    (node.name, node.zone, &node.addresses)
}

impl Counts {
    fn note(&mut self, mode: Mode, answer: &Answer) {
        *self.0.entry((format!("{mode:?}"), answer.decision.text(), answer.reason.code())).or_default() += 1;
        let masqueraded = answer.picks.iter().filter(|(_, masqueraded)| *masqueraded).count();
        let kind = match masqueraded {
            _ if answer.picks.is_empty() => return,
            0 => "source kept",
            n if n == answer.picks.len() => "source rewritten",
            _ => "source rewritten for some picks",
        };
        *self.0.entry((format!("{mode:?}"), answer.decision.text(), kind)).or_default() += 1;
    }

    /// Adds the counts of others.
    pub fn add(&mut self, others: &Counts) {
        others.0.iter().for_each(|(key, n)| *self.0.entry(key.clone()).or_default() += n);
    }

    /// How often an answer was given, in all modes.
    pub fn of(&self, code: &str) -> u64 {
        self.0.iter().filter(|((_, _, c), _)| *c == code).map(|(_, n)| n).sum()
    }

    /// A table.
    pub fn table(&self) -> String {
        let mut text = String::new();
        for ((mode, decision, code), n) in &self.0 {
            let _ = writeln!(text, "{mode:<9} {decision:<7} {code:<32} {n:>8}");
        }
        text
    }
}
