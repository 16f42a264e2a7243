//! Policies by the rules that upstream's own suite tries network plugins with: three namespaces x, y, z, each with pods a, b, c.

use serde_json::{Value, json};

use super::*;
use crate::objects::Object;
use crate::store::Store;

const PODS: [(&str, &str, &str); 9] = [
    ("x", "a", "10.244.0.1"),
    ("x", "b", "10.244.0.2"),
    ("x", "c", "10.244.0.3"),
    ("y", "a", "10.244.1.1"),
    ("y", "b", "10.244.1.2"),
    ("y", "c", "10.244.1.3"),
    ("z", "a", "10.244.2.1"),
    ("z", "b", "10.244.2.2"),
    ("z", "c", "10.244.2.3"),
];

/// The nine pods, with these policies in namespace `x`.
fn view(policies: &[Value]) -> Arc<View> {
    let mut store = Store::default();
    let mut put = |doc: Value| store.insert(Object::parse(&doc), Instant::START);
    for ns in ["x", "y", "z"] {
        put(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ns, "labels": {"ns": ns}}}));
    }
    for (ns, name, ip) in PODS {
        let ports = json!([{"name": "serve-80", "containerPort": 80}, {"name": "serve-81", "containerPort": 81}]);
        put(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": ns, "labels": {"pod": name}},
            "spec": {"containers": [{"name": "c", "image": "agnhost", "ports": ports}]}, "status": {"podIPs": [{"ip": ip}]}}));
    }
    for (n, spec) in policies.iter().enumerate() {
        put(
            json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": format!("p{n}"), "namespace": "x"},
            "spec": spec}),
        );
    }
    store.head().clone()
}

fn ask(view: &View, flow: Flow, subject: &str, peer: &str, to: &str) -> Verdict {
    let find = |at: &str| {
        let (ns, name) = at.split_once('/')?;
        view.pods.get(ns, name).map(|pod| &**pod)
    };
    let peer_pod = find(peer);
    let ip = |at: &str| match find(at) {
        Some(pod) => pod.status.ips[0],
        None => at.parse().unwrap(),
    };
    let (protocol, port) = to.split_once(' ').unwrap();
    let protocol = Protocol::parse(Some(protocol));
    let receiver = if flow == Flow::Ingress { ip(subject) } else { ip(peer) };
    let to = SocketAddr::new(receiver, port.parse().unwrap());
    judge(view, &Attempt { flow, pod: find(subject).unwrap(), peer_ip: ip(peer), peer: peer_pod, to, protocol })
}

/// `open`, `pN` of the policy that allows, or `denied` with the near miss.
fn short(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Open => "open".into(),
        Verdict::Allowed(policy) => policy.trim_start_matches("x/").into(),
        Verdict::Denied { near: None, .. } => "denied".into(),
        Verdict::Denied { near: Some(near), .. } => format!("denied {near:?}"),
    }
}

#[test]
fn rules_of_one_direction() {
    let from = |peers: Value| json!({"podSelector": {}, "ingress": [{"from": peers}]});
    let ports = |ports: Value| json!({"podSelector": {}, "ingress": [{"ports": ports}]});
    let pods = |labels: Value| json!({"podSelector": {"matchLabels": labels}});
    let ns = |labels: Value| json!({"namespaceSelector": {"matchLabels": labels}});
    let both = json!({"podSelector": {"matchLabels": {"pod": "b"}}, "namespaceSelector": {"matchLabels": {"ns": "y"}}});
    let block = |cidr: &str, except: &[&str]| json!({"ipBlock": {"cidr": cidr, "except": except}});
    let cases = [
        // Isolation: by selection, by direction.
        (json!({"podSelector": {}}), "x/a", "x/b", "TCP 80", "denied"),
        (json!({"podSelector": {}}), "y/a", "x/b", "TCP 80", "open"),
        (json!({"podSelector": {"matchLabels": {"pod": "b"}}}), "x/a", "x/b", "TCP 80", "open"),
        (json!({"podSelector": {}, "policyTypes": ["Egress"]}), "x/a", "x/b", "TCP 80", "open"),
        (json!({"podSelector": {}, "ingress": [{}]}), "x/a", "z/b", "UDP 53", "p0"),
        (json!({"podSelector": {}, "ingress": [{}]}), "x/a", "192.0.2.1", "SCTP 9", "p0"),
        // Peers.
        (from(json!([pods(json!({"pod": "b"}))])), "x/a", "x/b", "TCP 80", "p0"),
        (from(json!([pods(json!({"pod": "b"}))])), "x/a", "y/b", "TCP 80", "denied OtherNamespace"),
        (from(json!([pods(json!({"pod": "b"}))])), "x/a", "x/c", "TCP 80", "denied OtherPeer"),
        (from(json!([ns(json!({"ns": "y"}))])), "x/a", "y/c", "TCP 80", "p0"),
        (from(json!([ns(json!({"ns": "y"}))])), "x/a", "x/c", "TCP 80", "denied OtherPeer"),
        (from(json!([ns(json!({}))])), "x/a", "z/c", "TCP 80", "p0"),
        (from(json!([ns(json!({}))])), "x/a", "192.0.2.1", "TCP 80", "denied OtherPeer"),
        (from(json!([both])), "x/a", "y/b", "TCP 80", "p0"),
        (from(json!([both])), "x/a", "y/a", "TCP 80", "denied OtherPeer"),
        (from(json!([both])), "x/a", "x/b", "TCP 80", "denied OtherPeer"),
        // Two entries are an "or".
        (from(json!([pods(json!({"pod": "b"})), ns(json!({"ns": "y"}))])), "x/a", "y/a", "TCP 80", "p0"),
        (
            from(json!([{"namespaceSelector": {"matchExpressions": [{"key": "ns", "operator": "NotIn", "values": ["x"]}]}}])),
            "x/a",
            "x/b",
            "TCP 80",
            "denied OtherPeer",
        ),
        (from(json!([])), "x/a", "z/a", "TCP 80", "p0"),
        (from(json!([{}])), "x/a", "z/a", "TCP 80", "denied OtherPeer"),
        // Addresses.
        (from(json!([block("10.244.0.0/16", &[])])), "x/a", "y/a", "TCP 80", "p0"),
        (from(json!([block("10.244.0.0/16", &["10.244.1.0/24"])])), "x/a", "y/a", "TCP 80", "denied OtherPeer"),
        (from(json!([block("10.244.0.0/16", &["10.244.1.0/24"])])), "x/a", "z/a", "TCP 80", "p0"),
        (from(json!([block("0.0.0.0/0", &["10.0.0.0/8"])])), "x/a", "198.51.100.7", "TCP 80", "p0"),
        (from(json!([block("::/0", &[])])), "x/a", "198.51.100.7", "TCP 80", "denied OtherPeer"),
        // Ports.
        (ports(json!([{"port": 80}])), "x/a", "x/b", "TCP 80", "p0"),
        (ports(json!([{"port": 80}])), "x/a", "x/b", "UDP 80", "denied OtherPort"),
        (ports(json!([{"port": "serve-81"}])), "x/a", "x/b", "TCP 81", "p0"),
        (ports(json!([{"port": "serve-81"}])), "x/a", "x/b", "TCP 80", "denied OtherPort"),
        (ports(json!([{"port": "serve-81", "protocol": "UDP"}])), "x/a", "x/b", "UDP 81", "denied OtherPort"),
        (ports(json!([{"port": 79, "endPort": 81}])), "x/a", "x/b", "TCP 81", "p0"),
        (ports(json!([{"port": 79, "endPort": 80}])), "x/a", "x/b", "TCP 81", "denied OtherPort"),
        (ports(json!([{"protocol": "UDP"}])), "x/a", "x/b", "UDP 4711", "p0"),
        (ports(json!([{"protocol": "UDP"}])), "x/a", "x/b", "TCP 4711", "denied OtherPort"),
    ];
    for (policy, subject, peer, to, want) in cases {
        assert_eq!(
            short(&ask(&view(std::slice::from_ref(&policy)), Flow::Ingress, subject, peer, to)),
            want,
            "{subject} <- {peer} {to}: {policy}"
        );
    }
}

#[test]
fn egress_takes_named_ports_of_the_receiver() {
    let policy = json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"ports": [{"port": "serve-80"}]}]});
    let view = view(&[policy]);
    let cases = [("y/a", "TCP 80", "p0"), ("y/a", "TCP 81", "denied OtherPort"), ("192.0.2.1", "TCP 80", "denied OtherPort")];
    for (peer, to, want) in cases {
        assert_eq!(short(&ask(&view, Flow::Egress, "x/a", peer, to)), want, "{peer} {to}");
    }
    assert_eq!(ask(&view, Flow::Ingress, "x/a", "y/a", "TCP 81"), Verdict::Open);
}

#[test]
fn policies_only_add() {
    let deny = json!({"podSelector": {}});
    let allow = json!({"podSelector": {"matchLabels": {"pod": "a"}}, "ingress": [{"from": [{"namespaceSelector": {"matchLabels": {"ns": "y"}}}]}]});
    let view = view(&[deny, allow]);
    assert_eq!(short(&ask(&view, Flow::Ingress, "x/a", "y/a", "TCP 80")), "p1");
    assert_eq!(short(&ask(&view, Flow::Ingress, "x/b", "y/a", "TCP 80")), "denied");
    let refused = ask(&view, Flow::Ingress, "x/a", "z/a", "TCP 80");
    assert_eq!(refused, Verdict::Denied { policies: vec!["x/p0".into(), "x/p1".into()], near: Some(NearMiss::OtherPeer) });
}

#[test]
fn agents_look_only_where_there_are_policies() {
    let pod =
        |labels: Value| Object::parse(&json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "labels": labels}}));
    let change = |before: Option<Object>, after: Option<Object>| Change {
        revision: 1,
        at: Instant::START,
        id: crate::store::ObjectId(1),
        before,
        after,
    };
    let policy =
        Object::parse(&json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "p"}}));
    let (none, some) = (view(&[]), view(&[json!({"podSelector": {}})]));
    let relabelled = change(Some(pod(json!({}))), Some(pod(json!({"a": "b"}))));
    let untouched = change(Some(pod(json!({}))), Some(pod(json!({}))));
    assert!(!Agents::interested(&none, &relabelled));
    assert!(Agents::interested(&some, &relabelled));
    assert!(!Agents::interested(&some, &untouched));
    assert!(Agents::interested(&some, &change(None, Some(pod(json!({}))))));
    assert!(Agents::interested(&none, &change(None, Some(policy.clone()))));
    assert!(Agents::interested(&none, &change(Some(policy), None)));
}
