//! Notes of flows: how long they last, how many there are, which of UDP are cleared.

use serde_json::json;

use super::*;
use crate::objects::Object;
use crate::store::Store;

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn after(seconds: u64) -> Instant {
    Instant::START + Duration::from_secs(seconds)
}

fn tuple(protocol: Protocol, port: u16, to: &str) -> Tuple {
    Tuple { protocol, source: SocketAddr::new([10, 244, 1, 5].into(), port), destination: at(to) }
}

#[test]
fn a_flow_lasts_as_long_as_its_state_says() {
    let cases = [
        (State::SynSent, 120),
        (State::Established, 86_400),
        (State::CloseWait, 3_600),
        (State::LastAck, 30),
        (State::TimeWait, 120),
        (State::Close, 10),
        (State::Unreplied, 30),
        (State::Replied, 30),
        (State::Stream, 120),
    ];
    for (state, seconds) in cases {
        let mut table = Conntrack::default();
        let flow = tuple(Protocol::Tcp, 1, "10.96.0.1:80");
        assert!(table.add(flow, (at("10.244.1.1:80"), flow.source), state, after(5)));
        let lasts = |second: u64| table.get(&flow, after(second)).is_some();
        assert_eq!((lasts(5 + seconds - 1), lasts(5 + seconds)), (true, false), "{state:?}");
        assert_eq!(table.flows(after(5 + seconds)).count(), 0);
    }
}

#[test]
fn packets_keep_a_flow_alive_and_make_udp_a_stream() {
    let mut table = Conntrack::default();
    let flow = tuple(Protocol::Udp, 1, "10.96.0.10:53");
    table.add(flow, (at("10.244.1.1:53"), flow.source), State::Unreplied, after(0));
    table.touch(&flow, State::Replied, after(1));
    assert_eq!(table.get(&flow, after(2)).map(|f| f.state), Some(State::Replied));
    table.touch(&flow, State::Replied, after(20));
    assert_eq!(table.get(&flow, after(139)).map(|f| f.state), Some(State::Stream));
    table.touch(&flow, State::Replied, after(140));
    assert!(table.get(&flow, after(140)).is_none(), "what is over does not come back");
}

#[test]
fn states_after_the_first_packet() {
    let cases = [
        (Protocol::Tcp, true, State::Established),
        (Protocol::Tcp, false, State::SynSent),
        (Protocol::Sctp, true, State::Established),
        (Protocol::Udp, true, State::Replied),
        (Protocol::Udp, false, State::Unreplied),
    ];
    for (protocol, answered, want) in cases {
        assert_eq!(State::after_first(protocol, answered), want);
    }
}

#[test]
fn a_full_table_drops_what_nobody_answered_or_the_packet() {
    let numbered = |n: usize| {
        let port = u16::try_from(n % 60_000).unwrap();
        tuple(Protocol::Tcp, port, &format!("10.96.0.{}:80", 1 + n / 60_000))
    };
    let mut table = Conntrack::default();
    let reply = (at("10.244.1.1:80"), at("10.244.1.5:1"));
    table.add(numbered(0), reply, State::SynSent, after(0));
    (1..FLOWS_MAX).for_each(|n| assert!(table.add(numbered(n), reply, State::Established, after(0))));
    assert!(table.add(numbered(FLOWS_MAX), reply, State::Established, after(1)), "the unanswered one makes room");
    assert!(table.get(&numbered(0), after(1)).is_none());
    assert!(!table.add(numbered(FLOWS_MAX + 1), reply, State::Established, after(1)));
    assert!(table.add(numbered(1), reply, State::Established, after(1)), "a known one needs no room");
    assert!(table.add(numbered(FLOWS_MAX + 1), reply, State::Established, after(86_400)), "others are over by now");
    assert_eq!(table.flows.len(), table.by_expiry.len());
}

/// A DNS-like Service `default/dns` (10.96.0.10:53/UDP, node port 30053), with endpoints (address, serving).
fn world(endpoints: &[(&str, bool)]) -> Programmed {
    let spec = json!({"type": "NodePort", "clusterIP": "10.96.0.10", "externalIPs": ["203.0.113.9"],
        "ports": [{"name": "dns", "port": 53, "protocol": "UDP", "nodePort": 30053}]});
    let endpoints: Vec<_> = endpoints
        .iter()
        .map(|(ip, serving)| json!({"addresses": [ip], "conditions": {"ready": false, "serving": serving, "terminating": true}}))
        .collect();
    let mut store = Store::default();
    for doc in [
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "dns", "namespace": "default"}, "spec": spec}),
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": "dns-1", "namespace": "default", "labels": {"kubernetes.io/service-name": "dns"}},
            "ports": [{"name": "dns", "port": 53, "protocol": "UDP"}], "endpoints": endpoints}),
    ] {
        store.insert(Object::parse(&doc), Instant::START);
    }
    Programmed::new(store.head().clone())
}

#[test]
fn stale_udp_flows_are_cleared_and_no_others() {
    let a = "10.244.1.1:53";
    let flows = [
        // (protocol, what was called, where answers come from)
        (Protocol::Udp, "10.96.0.10:53", a),
        (Protocol::Udp, "203.0.113.9:53", a),
        (Protocol::Udp, "192.168.0.2:30053", a),
        (Protocol::Udp, "10.96.0.10:53", "10.244.1.2:53"),
        (Protocol::Udp, "10.96.0.10:53", "10.96.0.10:53"),
        (Protocol::Udp, "10.96.0.10:54", a),
        (Protocol::Udp, "10.244.1.1:53", a),
        (Protocol::Tcp, "10.96.0.10:53", a),
    ];
    type Given<'a> = &'a [(&'a str, bool)];
    let (one, two): ((&str, bool), (&str, bool)) = (("10.244.1.1", true), ("10.244.1.2", true));
    let cases: [(&str, Given<'_>, Given<'_>, &[usize]); 5] = [
        ("nothing changed: nothing is looked at", &[two], &[two], &[0, 1, 2, 3, 4, 5, 6, 7]),
        ("the first one went", &[one, two], &[two], &[3, 5, 6, 7]),
        ("it does not serve any more", &[one, two], &[("10.244.1.1", false), two], &[3, 5, 6, 7]),
        ("one came: what was never rewritten goes", &[], &[one, two], &[0, 1, 2, 3, 5, 6, 7]),
        ("none is left: all stay", &[one], &[], &[0, 1, 2, 3, 4, 5, 6, 7]),
    ];
    for (what, before, now, stay) in cases {
        let mut table = Conntrack::default();
        let tuples: Vec<Tuple> = (1..).zip(&flows).map(|(port, (protocol, to, _))| tuple(*protocol, port, to)).collect();
        for (tuple, (_, _, from)) in tuples.iter().zip(&flows) {
            table.add(*tuple, (at(from), tuple.source), State::Unreplied, after(0));
        }
        table.clear_stale_udp(&world(before), &world(now));
        let left: Vec<usize> = (0..flows.len()).filter(|i| table.get(&tuples[*i], after(1)).is_some()).collect();
        assert_eq!(left, stay, "{what}");
        assert_eq!(table.flows.len(), table.by_expiry.len());
    }
}
