//! `kubewalk serve-dns`: the DNS of the simulated cluster for real clients, over UDP and TCP.
//!
//! Questions are answered as if a program on the first node had asked: through the kube-dns Service, by one of the CoreDNS pods,
//! out of its cache, or not at all. Simulated time follows the clock on the wall, so that TTLs count down.
//! Sockets have threads of their own; the cluster belongs to one, which answers in the order of arrival.

mod listen;
pub mod message;

use std::io::Write;
use std::net::SocketAddr;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration as WallDuration, Instant as WallInstant};

use sim_core::console::host::World;
use sim_core::dns::message::Question;
use sim_core::engine::random::{Draws, Seed};
use sim_core::engine::time::Duration;
use sim_core::objects::pod_spec::Protocol;
use sim_core::scenario::play::Player;

use self::listen::Arrived;
use super::save::Saving;
use super::{Common, UNUSABLE, complain, sh};

/// How often time moves on while nobody asks.
const TICK: WallDuration = WallDuration::from_millis(200);

/// How long a cluster has been running when the first question comes: kube-dns has its endpoints by then.
const WARM: WallDuration = WallDuration::from_secs(10);

/// What the command line asks for.
pub struct Asked<'a> {
    /// The input.
    pub input: &'a str,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Simulated seconds for each second on the wall.
    pub speed: u32,
    /// Play the scenario's steps first.
    pub play: bool,
}

/// Serves until it is ended from outside.
#[expect(clippy::disallowed_methods, reason = "simulated time follows the clock on the wall here")]
pub fn serve(asked: &Asked<'_>, common: &Common) -> u8 {
    let shell = sh::Asked { input: Some(asked.input), commands: &[], play: asked.play, save: Saving::default() };
    let mut player = match sh::player(&shell, common) {
        Ok((player, _)) => player,
        Err(code) => return code,
    };
    pass(&mut player, WARM, 1);
    let (address, inbox) = match listen::start(asked.listen) {
        Ok(started) => started,
        Err(why) => {
            complain(&format!("kubewalk: serve-dns: cannot listen at {}: {why}; take another --listen", asked.listen));
            return UNUSABLE;
        }
    };
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "serving DNS of {} at {address}, UDP and TCP", asked.input).and_then(|()| out.flush());
    let mut last = WallInstant::now();
    loop {
        let arrived = match inbox.recv_timeout(TICK) {
            Ok(arrived) => Some(arrived),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return 0,
        };
        let now = WallInstant::now();
        pass(&mut player, now - last, asked.speed);
        last = now;
        if let Some(arrived) = arrived {
            answer(&mut player, arrived);
        }
    }
}

/// Moves simulated time on.
fn pass(player: &mut Player, by: WallDuration, speed: u32) {
    let nanos = by.as_nanos().saturating_mul(u128::from(speed));
    player.sim_mut().begin_command();
    if let Err(stopped) = player.sim_mut().pass(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))) {
        complain(&format!("kubewalk: serve-dns: {stopped}"));
    }
}

fn answer(player: &mut Player, arrived: Arrived) {
    let messages = match message::decode(&arrived.bytes) {
        Ok(asked) => match player.sim_mut().ask_cluster_dns(arrived.protocol, &asked.question) {
            Some(reply) => asked.encode(&reply),
            // Nobody answers, so nothing comes back.
            None => vec![],
        },
        Err(refusal) => refusal.into_iter().collect(),
    };
    arrived.back.send(messages);
}

/// Throws random names and random bytes at a cluster's DNS, so many of each in turn; returns how many were questions.
pub fn fuzz(player: &mut Player, rounds: u64) -> u64 {
    let kinds = ["A", "AAAA", "SRV", "PTR", "TXT", "SOA", "NS", "ANY", "AXFR", "MX"];
    let words = ["svc", "pod", "default", "cluster.local", "in-addr.arpa", "web", "_tcp", "10", "ns", "dns", "*", "ip6.arpa"];
    pass(player, WARM, 1);
    let mut draw = Draws::new(Seed(1)).stream("serve-dns/fuzz", rounds);
    let mut asked = 0;
    for round in 0..rounds {
        let mut bytes: Vec<u8> = if round % 2 == 0 {
            let labels = (0..draw.below(8)).map(|_| match draw.below(2) {
                0 => (*draw.pick(&words).unwrap_or(&"x")).to_owned(),
                _ => format!("{:x}", draw.bits() >> draw.below(64)),
            });
            let name = labels.collect::<Vec<_>>().join(".") + ".";
            message::ask(round as u16, &Question::new(name, *draw.pick(&kinds).unwrap_or(&"A"))).unwrap_or_default()
        } else {
            (0..draw.below(80)).map(|_| draw.bits() as u8).collect()
        };
        // Every third message is damaged in one place.
        if round % 3 == 0 && !bytes.is_empty() {
            let at = draw.below(bytes.len() as u64) as usize;
            bytes[at] = draw.bits() as u8;
        }
        if let Ok(query) = message::decode(&bytes) {
            asked += 1;
            let reply = player.sim_mut().ask_cluster_dns(Protocol::Udp, &query.question);
            let messages = reply.map(|r| query.encode(&r)).unwrap_or_default();
            messages.iter().for_each(|m| drop(message::read(m)));
        }
        if round % 100 == 0 {
            pass(player, WallDuration::from_millis(10), 1);
        }
    }
    asked
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
