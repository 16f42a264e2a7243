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
    // One in the middle goes: nobody before it gets another turn.
    assert_eq!(take(&all), "10.244.1.2:80");
    assert_eq!(take(&[all[0], all[2]]), "10.244.1.3:80");
}

#[test]
fn the_digest_sees_clients_and_turns() {
    let (mut clients, mut turns, empty) = (Memory::default(), Memory::default(), Memory::default());
    clients.remember(&sticky(), client(1), candidates()[0], Mode::Iptables, after(0));
    turns.took_turn((at("10.96.0.1:80"), Protocol::Tcp), candidates()[0]);
    let later = {
        let mut later = Memory::default();
        later.remember(&sticky(), client(1), candidates()[0], Mode::Iptables, after(1));
        later
    };
    let values = [&empty, &clients, &later, &turns].map(StateDigest::of);
    assert_eq!(values.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
}

/// `default/web`, port `http`, on 10.96.0.1:80 and node port 30080, in front of these pods of `node-1`; the last one is leaving.
fn table(affinity: &str, last_numbers: &[u8], leaving: u8) -> Programmed {
    let endpoint = |n: &u8| {
        let gone = *n == leaving;
        serde_json::json!({"addresses": [format!("10.244.1.{n}")], "nodeName": if gone { "node-1" } else { "node-2" },
            "conditions": {"ready": !gone, "serving": true, "terminating": gone}})
    };
    let docs = [
        serde_json::json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "default"},
            "spec": {"type": "NodePort", "clusterIP": "10.96.0.1", "sessionAffinity": affinity, "internalTrafficPolicy": "Local",
                "ports": [{"name": "http", "port": 80, "nodePort": 30080}]}}),
        serde_json::json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": "web-1", "namespace": "default", "labels": {"kubernetes.io/service-name": "web"}},
            "ports": [{"name": "http", "port": 80, "protocol": "TCP"}],
            "endpoints": last_numbers.iter().map(endpoint).collect::<serde_json::Value>()}),
    ];
    let objects = docs.iter().map(crate::objects::Object::parse);
    Programmed::new(crate::store::Store::holding(objects).head().clone())
}

const HERE: crate::proxy::Here<'_> = crate::proxy::Here { node: "node-1", zone: None };

#[test]
fn what_an_endpoint_remembers_goes_with_it() {
    let by_address = |to: &str| Sticky { owner: Owner::Virtual((at(to), Protocol::Tcp)), ..sticky() };
    let owners = [sticky(), by_address("10.96.0.1:80"), by_address("192.168.0.1:30080"), by_address("10.96.0.9:80")];
    let after_sync = |table: &Programmed| {
        let mut memory = Memory::default();
        for (n, sticky) in (0_u32..).zip(&owners) {
            for (m, endpoint) in (0_u32..).zip(&candidates()) {
                // Another client at each endpoint: none of them takes another's place.
                memory.remember(sticky, client(10 * n + m), *endpoint, Mode::Ipvs, after(0));
            }
        }
        memory.synced(table, HERE);
        let knows = |n: u32, sticky: &Sticky| {
            let kept =
                (0..3).filter(|m| memory.remembered(sticky, client(10 * n + m), &candidates(), Mode::Ipvs, after(1)).is_some());
            kept.map(|m| m + 1).collect::<Vec<u32>>()
        };
        (0_u32..).zip(&owners).map(|(n, sticky)| knows(n, sticky)).collect::<Vec<Vec<u32>>>()
    };
    let none = Vec::<u32>::new;
    // The last one counts as long as some list has it, though nobody would be sent there by the Cluster list.
    assert_eq!(after_sync(&table("ClientIP", &[1, 2, 3], 3)), [vec![1, 2, 3], vec![1, 2, 3], vec![1, 2, 3], none()]);
    assert_eq!(after_sync(&table("ClientIP", &[1, 3], 3)), [vec![1, 3], vec![1, 3], vec![1, 3], none()]);
    assert_eq!(after_sync(&table("None", &[1, 2, 3], 3)), [none(), none(), none(), none()], "no affinity any more");
}

#[test]
fn turns_go_with_their_virtual_server() {
    let servers = ["10.96.0.1:80", "192.168.0.1:30080", "10.96.0.9:80", "192.168.0.1:30081"].map(|to| (at(to), Protocol::Tcp));
    let mut memory = Memory::default();
    servers.iter().for_each(|server| memory.took_turn(*server, candidates()[0]));
    memory.synced(&table("None", &[1, 2], 0), HERE);
    assert_eq!(servers.map(|server| memory.turn(&server, &candidates())), [1, 1, 0, 0]);
}

#[test]
fn only_so_many_lists_are_kept() {
    let mut memory = Memory::default();
    let endpoint = |n: usize| SocketAddr::new(client(u32::try_from(n).unwrap()), 80);
    let knows = |memory: &Memory, n| memory.remembered(&sticky(), client(1), &[endpoint(n)], Mode::Nftables, after(1)).is_some();
    (0..=LISTS_MAX).for_each(|n| memory.remember(&sticky(), client(1), endpoint(n), Mode::Nftables, after(0)));
    assert_eq!((knows(&memory, 0), knows(&memory, LISTS_MAX - 1), knows(&memory, LISTS_MAX)), (true, true, false));
    // Those there are go on.
    memory.remember(&sticky(), client(2), endpoint(0), Mode::Nftables, after(0));
    assert!(memory.remembered(&sticky(), client(2), &[endpoint(0)], Mode::Nftables, after(1)).is_some());
}
