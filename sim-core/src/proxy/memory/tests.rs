//! Who is remembered, for how long, and whose turn it is.

use super::*;

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn client(n: u32) -> IpAddr {
    IpAddr::V4((0x0af4_0000 + n).into())
}

fn after(seconds: u64) -> Instant {
    Instant::START + Duration::from_secs(seconds)
}

fn sticky() -> Sticky {
    let owner = Owner::Port { service: "default/web".into(), port: "http".into(), protocol: Protocol::Tcp };
    Sticky { owner, timeout: Duration::from_secs(10) }
}

const MODES: [Mode; 3] = [Mode::Iptables, Mode::Nftables, Mode::Ipvs];

fn candidates() -> Vec<SocketAddr> {
    vec![at("10.244.1.1:80"), at("10.244.1.2:80"), at("10.244.1.3:80")]
}

#[test]
fn a_client_is_remembered_until_its_time_is_up() {
    for mode in MODES {
        let mut memory = Memory::default();
        let look = |memory: &Memory, who: u32, now| memory.remembered(&sticky(), client(who), &candidates(), mode, now);
        assert_eq!(look(&memory, 1, after(0)), None);
        memory.remember(&sticky(), client(1), at("10.244.1.2:80"), mode, after(0));
        assert_eq!((look(&memory, 1, after(9)), look(&memory, 2, after(9))), (Some(1), None));
        // `recent` still matches at the very end.
        assert_eq!(look(&memory, 1, after(10)), (mode == Mode::Iptables).then_some(1), "{mode:?}");
        assert_eq!(look(&memory, 1, after(11)), None);
        // Each new connection starts the time anew.
        memory.remember(&sticky(), client(1), at("10.244.1.2:80"), mode, after(8));
        assert_eq!(look(&memory, 1, after(17)), Some(1));
        assert_eq!(
            memory.remembered(&sticky(), client(1), &candidates()[..1], mode, after(17)),
            None,
            "not among the candidates"
        );
    }
}

#[test]
fn two_endpoints_may_remember_one_client_except_in_ipvs() {
    for (mode, want) in [(Mode::Iptables, 0), (Mode::Nftables, 0), (Mode::Ipvs, 2)] {
        let mut memory = Memory::default();
        memory.remember(&sticky(), client(1), candidates()[0], mode, after(0));
        memory.remember(&sticky(), client(1), candidates()[2], mode, after(1));
        assert_eq!(memory.remembered(&sticky(), client(1), &candidates(), mode, after(2)), Some(want), "{mode:?}");
    }
}

#[test]
fn memories_of_different_ports_are_apart() {
    let mut memory = Memory::default();
    let server = |port| Sticky { owner: Owner::Virtual((at(port), Protocol::Tcp)), ..sticky() };
    memory.remember(&server("10.96.0.1:80"), client(1), candidates()[1], Mode::Ipvs, after(0));
    let look = |port| memory.remembered(&server(port), client(1), &candidates(), Mode::Ipvs, after(1));
    assert_eq!((look("10.96.0.1:80"), look("10.96.0.1:81")), (Some(1), None));
}

#[test]
fn a_full_recent_list_forgets_the_oldest_client() {
    let mut memory = Memory::default();
    for n in 0..=100 {
        memory.remember(&sticky(), client(n), candidates()[0], Mode::Iptables, after(0) + Duration::from_millis(u64::from(n)));
    }
    let knows = |n| memory.remembered(&sticky(), client(n), &candidates(), Mode::Iptables, after(1)).is_some();
    assert_eq!((knows(0), knows(1), knows(100)), (false, true, true));
}

#[test]
fn a_full_set_takes_nobody_until_entries_time_out() {
    let mut memory = Memory::default();
    let most = u32::try_from(SET_MAX).unwrap();
    (0..most).for_each(|n| memory.remember(&sticky(), client(n), candidates()[0], Mode::Nftables, after(0)));
    let knows = |memory: &Memory, n, now| memory.remembered(&sticky(), client(n), &candidates(), Mode::Nftables, now).is_some();
    memory.remember(&sticky(), client(most), candidates()[0], Mode::Nftables, after(1));
    assert_eq!((knows(&memory, 0, after(1)), knows(&memory, most, after(1))), (true, false));
    memory.remember(&sticky(), client(most), candidates()[0], Mode::Nftables, after(10));
    assert!(knows(&memory, most, after(10)));
    assert_eq!(memory.clients.values().map(OrdMap::len).sum::<usize>(), 1);
}

#[test]
fn turns_go_round_and_survive_changes() {
    let server = (at("10.96.0.1:80"), Protocol::Tcp);
    let mut memory = Memory::default();
    let mut take = |candidates: &[SocketAddr]| {
        let turn = memory.turn(&server, candidates);
        memory.took_turn(server, candidates[turn]);
        candidates[turn].to_string()
    };
    let all = candidates();
    let six: Vec<String> = (0..6).map(|_| take(&all)).collect();
    assert_eq!(six, ["10.244.1.1:80", "10.244.1.2:80", "10.244.1.3:80", "10.244.1.1:80", "10.244.1.2:80", "10.244.1.3:80"]);
    assert_eq!(take(&all), "10.244.1.1:80");
    // The one that had its turn goes: its successor is next. Then the last one goes: the first is next.
    assert_eq!(take(&all[1..]), "10.244.1.2:80");
    assert_eq!(take(&all[1..]), "10.244.1.3:80");
    assert_eq!(take(&all[..2]), "10.244.1.1:80");
}

#[test]
fn the_digest_sees_clients_and_turns() {
    let value = |memory: &Memory| {
        let mut digest = crate::engine::random::Digest::new();
        memory.digest(&mut digest);
        digest.value()
    };
    let (mut clients, mut turns, empty) = (Memory::default(), Memory::default(), Memory::default());
    clients.remember(&sticky(), client(1), candidates()[0], Mode::Iptables, after(0));
    turns.took_turn((at("10.96.0.1:80"), Protocol::Tcp), candidates()[0]);
    let later = {
        let mut later = Memory::default();
        later.remember(&sticky(), client(1), candidates()[0], Mode::Iptables, after(1));
        later
    };
    let values = [&empty, &clients, &later, &turns].map(value);
    assert_eq!(values.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
}
