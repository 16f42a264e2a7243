//! Packets that leave their marks: who is picked how often, who is picked again, and what a connection keeps.

use super::*;
use crate::network::conntrack::State;

const FIVE: [(&str, Option<&str>); 5] =
    [("10.244.1.7", None), ("10.244.2.7", None), ("10.244.1.8", None), ("10.244.1.9", None), ("10.244.9.9", None)];

/// Sends the first packet of a connection from `web-b` to the cluster IP, and leaves its marks.
fn send(world: &mut World, sending: Sending, now: Instant) -> Trace {
    let from = pod("web-b");
    let asked = Asked { from: &from, to: "10.96.0.20:80".parse().unwrap(), protocol: Protocol::Tcp, now, sending };
    let (trace, footprint) = follow(world, Draws::new(Seed(7)), &asked);
    let state = State::after_first(Protocol::Tcp, trace.outcome == Outcome::Delivered);
    world.kernels.passed(&footprint, Protocol::Tcp, state, world.config.mode, now);
    trace
}

fn chosen(trace: &Trace) -> String {
    trace.chosen.unwrap().ip().to_string()
}

fn seconds(n: u64) -> Instant {
    Instant::START + Duration::from_secs(n)
}

#[test]
fn picks_are_uniform_and_as_often_as_the_branches_say() {
    for mode in [Mode::Iptables, Mode::Nftables] {
        let mut world = world(&json!({}), &FIVE);
        world.config.mode = mode;
        let branches = look(&world, &pod("web-b"), "10.96.0.20:80").branches;
        assert!(branches.iter().all(|b| b.share == (1, 5)) && branches.len() == 5);
        let mut counts = std::collections::BTreeMap::<String, u64>::new();
        let draws = 100_000_u64;
        for n in 0..draws {
            let (from, now) = (pod("web-b"), Instant::START + Duration::from_millis(n / 3));
            let port = 40_001 + u16::try_from(n % 3).unwrap();
            let to = "10.96.0.20:80".parse().unwrap();
            let asked = Asked { from: &from, to, protocol: Protocol::Tcp, now, sending: Sending::First(port) };
            *counts.entry(chosen(&follow(&world, Draws::new(Seed(7)), &asked).0)).or_default() += 1;
        }
        let expected = draws / 5;
        let chi_square: u64 = counts.values().map(|seen| seen.abs_diff(expected).pow(2)).sum::<u64>() / expected;
        // Four degrees of freedom: 18.5 is passed once in a thousand.
        assert!(counts.len() == 5 && chi_square <= 18, "{mode:?}: {counts:?}");
    }
}

#[test]
fn ipvs_takes_turns_exactly_and_looking_takes_none() {
    let mut world = world(&json!({}), &FIVE);
    world.config.mode = Mode::Ipvs;
    let mut order = Vec::new();
    for n in 0..10 {
        let looked = chosen(&look(&world, &pod("web-b"), "10.96.0.20:80"));
        order.push(chosen(&send(&mut world, Sending::First(41_000 + n), seconds(0))));
        assert_eq!(Some(&looked), order.last());
    }
    let once = ["10.244.1.7", "10.244.1.8", "10.244.1.9", "10.244.2.7", "10.244.9.9"];
    assert_eq!(order, [once, once].concat());
    assert!(look(&world, &pod("web-b"), "10.96.0.20:80").branches.iter().all(|b| b.share == (1, 5)));
}

#[test]
fn a_client_with_affinity_comes_back_to_the_same_endpoint() {
    let spec = json!({"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 100}}});
    for mode in [Mode::Iptables, Mode::Nftables, Mode::Ipvs] {
        let mut world = world(&spec, &FIVE);
        world.config.mode = mode;
        look(&world, &pod("web-b"), "10.96.0.20:80");
        assert!(world.kernels.get("node-2").is_none(), "looking leaves nothing behind");
        let first = chosen(&send(&mut world, Sending::First(41_000), seconds(0)));
        for n in 1..20 {
            let again = send(&mut world, Sending::First(41_000 + n), seconds(u64::from(n) * 90));
            assert_eq!((chosen(&again), again.hops[0].reason.code()), (first.clone(), "session-affinity"), "{mode:?}");
        }
        let later = send(&mut world, Sending::First(42_000), seconds(19 * 90 + 101));
        assert_eq!(later.hops[0].reason.code(), "service-matched", "its time is up");
    }
}

#[test]
fn a_retry_and_an_established_connection_keep_their_way() {
    let mut world = world(&json!({}), &FIVE);
    let first = chosen(&send(&mut world, Sending::First(41_000), seconds(0)));
    let again = send(&mut world, Sending::First(41_000), seconds(1));
    assert_eq!((chosen(&again), again.hops[0].reason.code()), (first.clone(), "known-connection"));
    // The rules lead elsewhere by now, the connection does not.
    let other = super::world(&json!({}), &[("10.244.2.7", None)]);
    world.table = other.table;
    let kept = send(&mut world, Sending::Later(41_000), seconds(2));
    assert_eq!(chosen(&kept), first);
    assert_eq!(chosen(&send(&mut world, Sending::First(41_001), seconds(2))), "10.244.2.7");
}

#[test]
fn nobody_restores_an_answer_that_does_not_come_by() {
    let mut world = world(&json!({"externalTrafficPolicy": "Local"}), &[("10.244.2.7", Some("node-2"))]);
    world.config.mode = Mode::Ipvs;
    let trace = look(&world, &Source::Outside, "203.0.113.1:30080");
    let last = trace.hops.last().unwrap().reason.code();
    assert_eq!((trace.decision.text(), trace.outcome.text(), last), ("dnat", "timed-out", "answer-not-restored"));
    let local = look(&world, &Source::Outside, "203.0.113.2:30080");
    assert_eq!((local.outcome.text(), local.seen_source.unwrap().ip()), ("delivered", ip("198.51.100.7")));
}
