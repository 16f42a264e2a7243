//! Packets through a small made-up cluster: three nodes, a Service `web` in front of pods, every kind of end.

use std::cell::RefCell;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::ask::trace::{TraceAnswer, client};
use crate::cloud::Target;
use crate::engine::random::Seed;
use crate::kubelet::images::{Behaviour, ImageTable};
use crate::network::graph::{Broken, CUT, Pair, Underlay, Way, pair};
use crate::network::{Balanced, BalancedPort, Held};
use crate::objects::Object;
use crate::proxy::{Mode, Net, Programmed, ProxyConfig};
use crate::render;
use crate::store::{Store, View};

/// A world in which every node has programmed what is stored.
struct World {
    table: Programmed,
    config: ProxyConfig,
    /// Address, pod, node, port on which it listens.
    pods: Vec<(IpAddr, &'static str, &'static str, Listener)>,
    dark: RefCell<Vec<&'static str>>,
    broken: Broken,
    balancer: Option<Balanced>,
    certain: bool,
    kernels: super::super::kernel::Kernels,
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn number(node: &str) -> u8 {
    node.rsplit('-').next().unwrap().parse().unwrap()
}

impl Ground for World {
    fn programmed(&self, _: &str) -> Option<(Programmed, Duration)> {
        Some((self.table.clone(), Duration::from_millis(400)))
    }
    fn enforced(&self, _: &str) -> Option<(Arc<View>, Duration)> {
        Some((self.table.view().clone(), Duration::from_millis(100)))
    }
    fn record(&self, namespace: &str, name: &str) -> Option<Arc<Pod>> {
        self.table.view().pods.get(namespace, name).cloned()
    }
    fn kernel(&self, node: &str) -> Option<&super::super::kernel::Kernel> {
        self.kernels.get(node)
    }
    fn node_up(&self, node: &str) -> bool {
        !self.dark.borrow().contains(&node)
    }
    fn way(&self, from: &str, to: &str) -> Result<Way, Pair> {
        let wires = Underlay::new(["node-1", "node-2", "node-3"].map(|node| (node, None)));
        wires.way(from, to, &self.broken)
    }
    fn nodes(&self) -> Vec<Name> {
        ["node-1", "node-2", "node-3"].map(Name::from).to_vec()
    }
    fn node_at(&self, ip: IpAddr) -> Option<Name> {
        self.nodes().into_iter().find(|node| self.node_addresses(node).contains(&ip))
    }
    fn zone(&self, _: &str) -> Option<Name> {
        None
    }
    fn node_ips(&self, node: &str) -> Vec<IpAddr> {
        vec![IpAddr::from([192, 168, 0, number(node)])]
    }
    fn node_addresses(&self, node: &str) -> Vec<IpAddr> {
        vec![IpAddr::from([192, 168, 0, number(node)]), IpAddr::from([203, 0, 113, number(node)])]
    }
    fn pod(&self, _: &str, name: &str) -> Option<(Name, Vec<IpAddr>)> {
        self.pods.iter().find(|p| p.1 == name).map(|p| (p.2.into(), vec![p.0]))
    }
    fn sandbox(&self, ip: IpAddr) -> Option<Sandbox> {
        let pod = self.pods.iter().find(|p| p.0 == ip)?;
        let sockets = vec![(pod.3, Arc::new(ImageTable::default().behaviour("nginx")))];
        Some(Sandbox {
            namespace: "default".into(),
            pod: pod.1.into(),
            node: pod.2.into(),
            sockets,
            id: 0,
            processes: Vec::new(),
        })
    }
    fn host_sockets(&self, _: &str) -> Vec<(Listener, Arc<Behaviour>)> {
        Vec::new()
    }
    fn certain(&self) -> bool {
        self.certain
    }
    fn is_balancer(&self, to: IpAddr) -> bool {
        to == ip("198.18.0.1")
    }
    fn balancer(&self, to: IpAddr) -> Option<Balanced> {
        self.balancer.clone().filter(|_| self.is_balancer(to))
    }
    fn is_internal(&self, ip: IpAddr) -> bool {
        ["10.244.0.0/16", "10.96.0.0/12"].iter().any(|n| Net::parse(n).unwrap().contains(ip))
    }
    fn proxy_config(&self) -> &ProxyConfig {
        &self.config
    }
    fn outside(&self, v6: bool) -> IpAddr {
        ip(if v6 { "2001:db8:ffff::7" } else { "198.51.100.7" })
    }
}

/// `web` with these fields of its spec over the default ones, and endpoints at these addresses and nodes.
fn world(spec: &Value, endpoints: &[(&str, Option<&str>)]) -> World {
    policed(spec, endpoints, &[])
}

/// The same with policies, by their specs, in the pods' namespace.
fn policed(spec: &Value, endpoints: &[(&str, Option<&str>)], policies: &[Value]) -> World {
    let mut whole = json!({"type": "LoadBalancer", "clusterIP": "10.96.0.20",
        "ports": [{"name": "http", "port": 80, "nodePort": 30080}]});
    for (key, value) in spec.as_object().unwrap() {
        whole[key] = value.clone();
    }
    let endpoints: Vec<Value> = endpoints.iter().map(|(a, node)| json!({"addresses": [a], "nodeName": node})).collect();
    let mut store = Store::default();
    for doc in [
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "default"}, "spec": whole,
            "status": {"loadBalancer": {"ingress": [{"ip": "198.18.0.1"}]}}}),
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": "web-1", "namespace": "default", "labels": {"kubernetes.io/service-name": "web"}},
            "ports": [{"name": "http", "port": 80, "protocol": "TCP"}], "endpoints": endpoints}),
    ] {
        store.insert(Object::parse(&doc), Instant::START);
    }
    for (name, ip) in [("web-a", "10.244.1.7"), ("web-b", "10.244.2.7")] {
        let doc = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default", "labels": {"pod": name}},
            "spec": {"containers": [{"name": "c", "image": "nginx"}]}, "status": {"podIPs": [{"ip": ip}]}});
        store.insert(Object::parse(&doc), Instant::START);
    }
    for (n, spec) in policies.iter().enumerate() {
        let doc = json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"name": format!("p{n}"), "namespace": "default"}, "spec": spec});
        store.insert(Object::parse(&doc), Instant::START);
    }
    let listener = |port, bind: Option<&str>| Listener { port, bind: bind.map(ip), protocol: Protocol::Tcp };
    World {
        table: Programmed::new(store.head().clone()),
        config: ProxyConfig {
            mode: Mode::Iptables,
            masquerade_all: false,
            node_port_addresses: Vec::new(),
            localhost_node_ports: true,
            pod_cidrs: Some(vec![Net::parse("10.244.0.0/16").unwrap()]),
            service_cidrs: vec![Net::parse("10.96.0.0/12").unwrap()],
        },
        pods: vec![
            (ip("10.244.1.7"), "web-a", "node-1", listener(80, None)),
            (ip("10.244.2.7"), "web-b", "node-2", listener(80, None)),
            (ip("10.244.1.8"), "other-port", "node-1", listener(8080, None)),
            (ip("10.244.1.9"), "shy", "node-1", listener(80, Some("127.0.0.1"))),
        ],
        dark: RefCell::default(),
        broken: Broken::new(),
        balancer: None,
        certain: true,
        kernels: super::super::kernel::Kernels::default(),
    }
}

fn look(world: &World, from: &Source, to: &str) -> Trace {
    let asked = Asked { from, to: to.parse().unwrap(), protocol: Protocol::Tcp, now: Instant::START, sending: Sending::Imagined };
    trace(world, Draws::new(Seed(7)), &asked)
}

fn pod(name: &str) -> Source {
    Source::Pod { namespace: "default".into(), name: name.into() }
}

/// The text as the command prints it.
fn told(world: &World, from: &Source, to: &str) -> String {
    let trace = look(world, from, to);
    let to: SocketAddr = to.parse().unwrap();
    let client = client(&trace, &to.ip().to_string(), to.port());
    render::trace::text(&TraceAnswer::bare(trace, client))
}

#[test]
fn ends_of_connections() {
    let plain = |endpoints: &[(&str, Option<&str>)]| world(&json!({}), endpoints);
    let (a, b) = (("10.244.1.7", Some("node-1")), ("10.244.2.7", Some("node-2")));
    let local = world(&json!({"externalTrafficPolicy": "Local"}), &[a]);
    let dark = plain(&[b]);
    dark.dark.borrow_mut().push("node-2");
    let frozen = World { certain: false, ..plain(&[("10.244.9.9", None)]) };
    let cases = [
        (plain(&[a]), pod("web-b"), "10.96.0.20:80", "dnat", "delivered", "delivered"),
        (plain(&[a]), Source::Outside, "203.0.113.3:30080", "dnat", "delivered", "delivered"),
        (plain(&[]), pod("web-b"), "10.96.0.20:80", "reject", "refused", "no-endpoints"),
        (plain(&[a]), pod("web-b"), "10.96.0.20:81", "pass", "timed-out", "nobody-has-address"),
        (plain(&[("10.244.1.8", None)]), pod("web-b"), "10.96.0.20:80", "dnat", "refused", "nothing-listens"),
        (plain(&[("10.244.1.9", None)]), pod("web-b"), "10.96.0.20:80", "dnat", "refused", "bound-to-loopback"),
        (plain(&[a]), pod("shy"), "127.0.0.1:80", "pass", "delivered", "delivered"),
        (plain(&[("10.244.9.9", None)]), pod("web-b"), "10.96.0.20:80", "dnat", "timed-out", "nobody-has-address"),
        (frozen, pod("web-b"), "10.96.0.20:80", "dnat", "unknown", "not-modelled"),
        (plain(&[("192.0.2.9", None)]), pod("web-b"), "10.96.0.20:80", "dnat", "delivered", "assumed-outside"),
        (dark, pod("web-a"), "10.96.0.20:80", "dnat", "timed-out", "node-down"),
        (local, Source::Outside, "203.0.113.2:30080", "drop", "timed-out", "no-local-endpoints"),
        (plain(&[a]), Source::Outside, "10.96.0.20:80", "pass", "timed-out", "not-routed-from-outside"),
        (plain(&[a]), pod("web-b"), "[fd00::1]:80", "pass", "unreachable", "no-address-of-family"),
        // The client's node has no rule for another node's port; that node has.
        (plain(&[a]), pod("web-b"), "192.168.0.3:30080", "pass", "delivered", "delivered"),
    ];
    for (world, from, to, decision, outcome, code) in cases {
        let trace = look(&world, &from, to);
        let got = (trace.decision.text(), trace.outcome.text(), trace.hops.last().unwrap().reason.code());
        assert_eq!(got, (decision, outcome, code), "{from:?} to {to}");
    }
}

#[test]
fn policies_judge_what_the_rules_have_made_of_a_packet() {
    let (a, b) = (("10.244.1.7", Some("node-1")), ("10.244.2.7", Some("node-2")));
    let select = |pod: &str| json!({"matchLabels": {"pod": pod}});
    let to = |port: u16| {
        json!([{"podSelector": select("web-b"), "policyTypes": ["Egress"],
        "egress": [{"to": [{"podSelector": select("web-a")}], "ports": [{"port": port}]}]}])
    };
    let from = |cidr: &str| json!([{"podSelector": select("web-a"), "ingress": [{"from": [{"ipBlock": {"cidr": cidr}}]}]}]);
    let deny = json!([{"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}]);
    let local = json!({"externalTrafficPolicy": "Local"});
    let cases = [
        // The Service's port and address mean nothing to a policy: those of the pod count.
        (json!({"ports": [{"name": "http", "port": 8000}]}), a, to(80), pod("web-b"), "10.96.0.20:8000", "delivered"),
        (json!({"ports": [{"name": "http", "port": 8000}]}), a, to(8000), pod("web-b"), "10.96.0.20:8000", "policy-denied"),
        // From outside through another node: the pod sees that node, unless the source is kept.
        (json!({}), a, from("198.51.100.0/24"), Source::Outside, "203.0.113.2:30080", "policy-denied"),
        (json!({}), a, from("192.168.0.2/32"), Source::Outside, "203.0.113.2:30080", "delivered"),
        (local, a, from("198.51.100.0/24"), Source::Outside, "203.0.113.1:30080", "delivered"),
        // A pod reaches itself, and its own node reaches it; another node does not.
        (json!({}), a, deny.clone(), pod("web-a"), "10.96.0.20:80", "delivered"),
        (json!({}), a, deny.clone(), pod("web-a"), "127.0.0.1:80", "delivered"),
        (json!({}), a, deny.clone(), Source::Node("node-1".into()), "10.244.1.7:80", "delivered"),
        (json!({}), a, deny.clone(), Source::Node("node-2".into()), "10.244.1.7:80", "policy-denied"),
        (json!({}), b, deny, pod("web-a"), "10.96.0.20:80", "policy-denied"),
    ];
    for (spec, endpoint, policies, from, to, code) in cases {
        let world = policed(&spec, &[endpoint], policies.as_array().unwrap());
        let trace = look(&world, &from, to);
        assert_eq!(trace.hops.last().unwrap().reason.code(), code, "{from:?} to {to}: {policies}");
    }
}

#[test]
fn a_denial_is_told() {
    let policies = [json!({"podSelector": {"matchLabels": {"pod": "web-a"}}, "ingress": [{"ports": [{"port": 8080}]}]})];
    let world = policed(&json!({}), &[("10.244.1.7", Some("node-1"))], &policies);
    insta::assert_snapshot!(told(&world, &pod("web-b"), "10.96.0.20:80"), @r"
    TIMED OUT after 2m09s. Dropped by a NetworkPolicy on node-1; nothing is down.
        client   10.244.2.7 -> 10.96.0.20:80/TCP
     1  node-2   kube-proxy: cluster IP = Service default/web, port 80 (view 0.4s)   rewritten
                   destination 10.96.0.20:80 becomes 10.244.1.7:80
     2  node-1   network-policy: no rule of default/p0 allows it into default/web-a
                   (one allows this peer, on other ports) (view 0.1s)                DROP, silent
        client   SYN at 0 1 3 7 15 31 63 s, no answer
        client   curl: (28) Failed to connect to 10.96.0.20 port 80 after 129261 ms: Couldn't connect to server
    Not this     no ready pod anywhere = refused at once; a policy Local without local pods = dropped too,
                 by the first node
    ");
}

#[test]
fn a_hairpin_is_masqueraded_and_restored() {
    let trace = look(&world(&json!({}), &[("10.244.1.7", Some("node-1"))]), &pod("web-a"), "10.96.0.20:80");
    let backend: SocketAddr = "10.244.1.7:80".parse().unwrap();
    assert_eq!((trace.masquerade, &trace.masquerade_for[..]), (true, &[backend][..]));
    assert_eq!(trace.seen_source.map(|s| s.ip()), Some(ip("192.168.0.1")));
    let [back] = &trace.return_hops[..] else { panic!("one station restores: {:?}", trace.return_hops) };
    assert_eq!((back.before.0, back.after.0, back.after.1.ip()), (backend, trace.asked.1, ip("10.244.1.7")));
}

#[test]
fn a_balancer_reaches_every_node_with_power() {
    let spec = json!({"externalTrafficPolicy": "Local"});
    let world = world(&spec, &[("10.244.1.7", Some("node-1")), ("10.244.2.7", Some("node-2"))]);
    let ways = |trace: &Trace| {
        let way = |b: &Branch| format!("{}/{} {} {}", b.share.0, b.share.1, b.node.as_deref().unwrap(), b.outcome.text());
        trace.branches.iter().map(way).collect::<Vec<_>>()
    };
    let all = look(&world, &Source::Outside, "198.18.0.1:80");
    assert_eq!(ways(&all), ["1/3 node-1 delivered", "1/3 node-2 delivered", "1/3 node-3 timed-out"]);
    world.dark.borrow_mut().push("node-3");
    let rest = look(&world, &Source::Outside, "198.18.0.1:80");
    assert_eq!(ways(&rest), ["1/2 node-1 delivered", "1/2 node-2 delivered"]);
}

/// In iptables mode nothing refuses it on OUTPUT, so it leaves for the balancer, which sends it to a node again.
#[test]
fn a_nodes_own_packet_to_a_balancer_without_endpoints_comes_to_an_end() {
    let trace = look(&world(&json!({}), &[]), &Source::Node("node-1".into()), "198.18.0.1:80");
    let ends: Vec<&str> = trace.branches.iter().map(|b| b.outcome.text()).collect();
    assert_eq!(ends, ["timed-out", "refused", "refused"], "from node-1 itself, from the others");
}

/// `web`'s balancer with these nodes, `+` healthy, `-` unhealthy, `~` draining.
fn balanced(nodes: &[(&str, char)]) -> Balanced {
    let held = |(node, state): &(&str, char)| Held {
        target: Target::Node((*node).into()),
        healthy: *state == '+',
        since: Duration::from_secs(12),
        leaving: *state == '~',
    };
    Balanced {
        service: "default/web".into(),
        ports: vec![BalancedPort { port: 80, protocol: Protocol::Tcp, node_port: Some(30080), pod_ports: vec![80] }],
        targets: nodes.iter().map(held).collect(),
        fails_open: false,
        keeps_source: true,
        proxies: false,
    }
}

#[test]
fn a_balancer_picks_by_what_it_holds() {
    let spec = json!({"externalTrafficPolicy": "Local"});
    let endpoints = [("10.244.1.7", Some("node-1")), ("10.244.2.7", Some("node-2"))];
    let ways = |balancer: Balanced, to: &str| {
        let world = World { balancer: Some(balancer), ..world(&spec, &endpoints) };
        let trace = look(&world, &Source::Outside, to);
        let way = |b: &Branch| format!("{} {}", b.node.as_deref().unwrap_or("nobody"), b.outcome.text());
        (trace.branches.iter().map(way).collect::<Vec<_>>().join(", "), trace)
    };
    let code = |trace: &Trace| trace.hops[0].reason.code();
    let mixed = balanced(&[("node-1", '+'), ("node-2", '-'), ("node-3", '~')]);
    let (all, trace) = ways(mixed.clone(), "198.18.0.1:80");
    assert_eq!((&*all, code(&trace)), ("node-1 delivered", "healthy-target"));
    let left_out: Vec<_> = trace.hops[0].not_eligible.iter().map(|(at, why)| format!("{at} {}", why.code())).collect();
    assert_eq!(left_out, ["192.168.0.2:80 unhealthy", "192.168.0.3:80 draining"]);
    assert_eq!(trace.seen_source.map(|s| s.ip()), Some(ip("198.51.100.7")), "kept by balancer and policy");
    // It does not know what Kubernetes knows: node-3 has no pod, and nothing answers there.
    let stale = balanced(&[("node-1", '+'), ("node-3", '+')]);
    assert_eq!(ways(stale, "198.18.0.1:80").0, "node-1 delivered, node-3 timed-out");
    let dead = balanced(&[("node-1", '-'), ("node-2", '-')]);
    let (none, trace) = ways(dead.clone(), "198.18.0.1:80");
    assert_eq!((&*none, code(&trace)), ("nobody timed-out", "no-healthy-target"));
    let (open, trace) = ways(Balanced { fails_open: true, ..dead }, "198.18.0.1:80");
    assert_eq!((&*open, code(&trace)), ("node-1 delivered, node-2 delivered", "all-unhealthy"));
    assert_eq!(code(&ways(mixed.clone(), "198.18.0.1:443").1), "no-such-balancer-port");
    // One that proxies goes to a node port with an address of its own.
    let (_, trace) = ways(Balanced { proxies: true, keeps_source: false, ..mixed.clone() }, "198.18.0.1:80");
    assert_eq!(trace.hops[0].after.1, "192.168.0.1:30080".parse().unwrap());
    assert_eq!((trace.outcome, trace.seen_source.map(|s| s.ip())), (Outcome::Delivered, Some(ip("198.18.0.1"))));
    // To pods: no node's rules are asked.
    let at = "10.244.2.7:80".parse().unwrap();
    let pods = vec![Held { target: Target::Pod(at), healthy: true, since: Duration::ZERO, leaving: false }];
    let (_, trace) = ways(Balanced { targets: pods, ..mixed }, "198.18.0.1:80");
    assert_eq!((trace.outcome, trace.chosen, trace.decision), (Outcome::Delivered, Some(at), Decision::Pass));
}

#[test]
fn links_lose_packets_and_are_cut() {
    let spec = json!({});
    let b = ("10.244.2.7", Some("node-2"));
    let ends = |cut: (&str, &str), ppm: u32, from: &Source, to: &str| {
        let world = World { broken: Broken::unit(pair(cut.0, cut.1), ppm), ..world(&spec, &[b]) };
        let trace = look(&world, from, to);
        (trace.outcome.text(), trace.hops.last().unwrap().reason.code())
    };
    let (delivered, down) = (("delivered", "delivered"), ("timed-out", "link-down"));
    let cases = [
        (("node-2", "switch"), pod("web-a"), "10.96.0.20:80", down),
        (("node-2", "switch"), pod("web-b"), "10.96.0.20:80", delivered),
        (("node-1", "node-2"), pod("web-a"), "10.96.0.20:80", down),
        (("node-1", "node-2"), Source::Outside, "203.0.113.3:30080", delivered),
        (("node-2", "apiserver"), pod("web-a"), "10.96.0.20:80", delivered),
        (("core", "gateway"), Source::Outside, "203.0.113.3:30080", down),
        (("outside", "balancer"), Source::Outside, "198.18.0.1:80", down),
    ];
    for (cut, from, to, want) in cases {
        assert_eq!(ends(cut, CUT, &from, to), want, "{from:?} to {to} without {cut:?}");
    }
    assert_eq!(ends(("node-1", "switch"), CUT - 1, &pod("web-a"), "10.96.0.20:80"), ("timed-out", "packet-lost"));
    assert_eq!(ends(("node-1", "switch"), 1, &pod("web-a"), "10.96.0.20:80"), delivered);
}

#[test]
fn a_silent_drop_is_told() {
    let world = world(&json!({"externalTrafficPolicy": "Local"}), &[("10.244.1.7", Some("node-1"))]);
    insta::assert_snapshot!(told(&world, &Source::Outside, "203.0.113.3:30080"), @r"
    TIMED OUT after 2m09s. Dropped on purpose by node-3; nothing is down.
        client   198.51.100.7 -> 203.0.113.3:30080/TCP
     1  node-3   owns 203.0.113.3                                                    arrived
     2  node-3   kube-proxy: externalTrafficPolicy: Local, so only pods on this node
                   may answer; none could (view 0.4s)                                DROP, silent
                   10.244.1.7:80  on another node                                    not eligible
        client   SYN at 0 1 3 7 15 31 63 s, no answer
        client   curl: (28) Failed to connect to 203.0.113.3 port 30080 after 129261 ms: Couldn't connect to server
    Not this     no ready pod anywhere = refused at once; app not listening = refused after one round trip
    ");
}

#[test]
fn a_delivery_is_told() {
    let world = world(&json!({}), &[("10.244.1.7", Some("node-1")), ("10.244.2.7", Some("node-2"))]);
    insta::assert_snapshot!(told(&world, &pod("web-b"), "10.96.0.20:80"), @r"
    DELIVERED after 100us. Answered by web-b.
        client   10.244.2.7 -> 10.96.0.20:80/TCP
     1  node-2   kube-proxy: cluster IP = Service default/web, port 80 (view 0.4s)   rewritten
                   destination 10.96.0.20:80 becomes 10.244.2.7:80
                   source 10.244.2.7 becomes 192.168.0.2 (masquerade)
     2  pod      web-b: a process listens there and accepts                          accepted
        node-2   answer of 10.244.2.7:80 goes to 10.244.2.7 as from 10.96.0.20:80    restored
    All ways     of 2 ways: 1/2 10.244.1.7:80 delivered | 1/2 10.244.2.7:80 delivered
    ");
}

proptest! {
    /// Whatever the endpoints, the walk ends and the shares of its branches add up to one.
    #[test]
    fn shares_add_up(hosts in proptest::collection::btree_set(0_u8..40, 0..12), local: bool, from_outside: bool, to in 0_usize..4) {
        let addresses: Vec<String> = hosts.iter().map(|h| format!("10.244.{}.{h}", h % 3 + 1)).collect();
        let node = |h: &u8| ["node-1", "node-2", "node-3"][usize::from(h % 3)];
        let endpoints: Vec<(&str, Option<&str>)> =
            addresses.iter().zip(&hosts).map(|(a, h)| (a.as_str(), Some(node(h)))).collect();
        let world = world(&json!({"externalTrafficPolicy": if local { "Local" } else { "Cluster" }}), &endpoints);
        let to = ["10.96.0.20:80", "203.0.113.2:30080", "198.18.0.1:80", "10.244.1.7:80"][to];
        let trace = look(&world, &if from_outside { Source::Outside } else { pod("web-a") }, to);
        let gcd = |a: u64, b: u64| (1..=a.min(b)).rev().find(|n| a.is_multiple_of(*n) && b.is_multiple_of(*n)).unwrap();
        let common = trace.branches.iter().fold(1, |n, b| n / gcd(n, b.share.1) * b.share.1);
        prop_assert_eq!(trace.branches.iter().map(|b| common / b.share.1 * b.share.0).sum::<u64>(), common);
        prop_assert!(trace.branches.iter().any(|b| b.backend == trace.chosen && b.outcome == trace.outcome));
    }
}

mod traffic;
