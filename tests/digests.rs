//! The digest of a state: whatever differs between two worlds shows in it, and nothing else does.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sim_core::api::component::Clock;
use sim_core::cloud::Target;
use sim_core::cluster::Cluster;
use sim_core::engine::digest::StateDigest;
use sim_core::engine::time::{Duration, Instant};
use sim_core::kubelet::Failure;
use sim_core::network::conntrack::State;
use sim_core::objects::{KindName, Name, Object};
use sim_core::scenario::play::{self, Player};
use sim_core::store::Store;
use sim_tests::{console, input, scenario_files};

/// Two nodes, a cloud, and one object of each kind that no cluster has by itself.
const WORLD: &str = r#"
apiVersion: kubewalk/v1
kind: Scenario
metadata: {name: world}
spec:
  cluster:
    nodes: 2
    cloud: {provider: generic, delay: 5s}
    dns:
      upstream:
        - {qname: a.test, qtype: A, answers: [{name: a.test., type: A, ttl: 60, rdata: 203.0.113.5}]}
        - {qname: b.test, qtype: A, answers: [{name: b.test., type: A, ttl: 60, rdata: 203.0.113.5}]}
  steps:
    - apply: {doc: configmap/page}
    - apply: {doc: networkpolicy/few}
    - apply: {doc: service/web}
    - apply: {doc: deployment/web}
    - until: converged
      within: 2m
    - run: traffic start shoppers --from node/node-1 --to http://10.96.7.7 --rate 3/s
    - wait: 20s
---
apiVersion: v1
kind: ConfigMap
metadata: {name: page, labels: {app: web}, annotations: {note: "1"}}
data: {index.html: hello, empty: ""}
binaryData: {icon: AAAA}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: few}
spec:
  podSelector: {matchLabels: {app: other}, matchExpressions: [{key: tier, operator: In, values: [back, front]}]}
  policyTypes: [Ingress, Egress]
  ingress:
    - from:
        - namespaceSelector: {matchLabels: {team: a}}
          podSelector: {matchLabels: {app: web}}
        - ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}
      ports: [{protocol: TCP, port: 80, endPort: 90}, {protocol: UDP, port: dns}]
  egress: [{to: [{podSelector: {}}]}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  clusterIP: 10.96.7.7
  selector: {app: web}
  sessionAffinity: ClientIP
  externalTrafficPolicy: Local
  loadBalancerSourceRanges: [10.0.0.0/8]
  ports: [{name: http, port: 80, targetPort: http}, {name: alt, port: 8080, targetPort: 8080}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: nginx
          image: nginx
          env: [{name: COLOUR, value: blue}]
          ports: [{name: http, containerPort: 80}]
          readinessProbe: {httpGet: {path: /, port: http}, periodSeconds: 5}
          resources: {requests: {cpu: 100m, memory: 64Mi}}
"#;

/// The world at its end.
fn world() -> Player {
    let mut player = Player::new(input("world.yaml", WORLD), &play::Options::default()).expect("the cluster can be built");
    while let Some(played) = player.step() {
        assert!(played.failures.is_empty(), "{:?}", played.failures);
    }
    player
}

/// The kinds of a cluster's objects.
fn kinds(cluster: &Cluster) -> Vec<KindName> {
    let named = sim_core::api::kinds::KINDS.iter().map(|k| KindName { group: k.group.into(), kind: k.kind.into() });
    named.chain(cluster.store.head().plain_kinds().cloned()).collect()
}

fn digest_of(doc: &Value) -> u64 {
    StateDigest::of(&Store::holding([Object::parse(doc)]))
}

/// The places of all leaves of a document, as JSON pointers.
fn leaves(doc: &Value, place: &str, found: &mut Vec<String>) {
    match doc {
        Value::Object(map) if !map.is_empty() => {
            map.iter()
                .for_each(|(key, value)| leaves(value, &format!("{place}/{}", key.replace('~', "~0").replace('/', "~1")), found));
        }
        Value::Array(list) if !list.is_empty() => {
            list.iter().enumerate().for_each(|(at, value)| leaves(value, &format!("{place}/{at}"), found));
        }
        _ => found.push(place.to_owned()),
    }
}

/// What else a leaf could be: of the same type, and so that an address, a time or a port stays one.
fn changed(leaf: &Value) -> Vec<Value> {
    match leaf {
        Value::Null => vec![json!("x")],
        Value::Bool(flag) => vec![json!(!flag), Value::Null],
        Value::Number(number) => vec![json!(number.as_i64().unwrap_or_default() + 1), Value::Null],
        Value::String(text) => {
            let turned: String = text
                .chars()
                .rev()
                .map(|c| if c.is_ascii_digit() { char::from(b'0' + (c as u8 - b'0' + 1) % 10) } else { c })
                .collect();
            vec![json!(format!("{text}x")), json!(turned.chars().rev().collect::<String>()), Value::Null]
        }
        Value::Array(_) => vec![json!(["x"])],
        Value::Object(_) => vec![json!({"x": "y"})],
    }
}

/// Each leaf of each kind of object is changed in turn. Where the object that comes of it is another one, so is the digest.
#[test]
fn every_field_of_every_kind_of_object_counts() {
    let player = world();
    let sim = player.sim();
    let cluster = sim.cluster();
    let mut tried: BTreeMap<Name, (usize, usize)> = BTreeMap::new();
    for kind in kinds(cluster) {
        for object in cluster.store.head().list(&kind, "").into_iter().rev().take(4) {
            let doc = object.encode();
            let (parsed, before) = (Object::parse(&doc).encode(), digest_of(&doc));
            assert_eq!(before, digest_of(&parsed), "{kind:?}: what reads the same is the same");
            let mut places = Vec::new();
            leaves(&doc, "", &mut places);
            for place in places {
                for value in changed(&doc.pointer(&place).cloned().unwrap_or_default()) {
                    let mut other = doc.clone();
                    *other.pointer_mut(&place).expect("the place is there") = value.clone();
                    let counts = tried.entry(kind.kind.clone()).or_default();
                    if Object::parse(&other).encode() == parsed {
                        counts.1 += 1;
                    } else {
                        counts.0 += 1;
                        assert_ne!(digest_of(&other), before, "{kind:?}: {place} as {value}");
                    }
                }
            }
        }
    }
    let records = [
        "ConfigMap",
        "DaemonSet",
        "Deployment",
        "EndpointSlice",
        "Endpoints",
        "Event",
        "Lease",
        "Namespace",
        "NetworkPolicy",
        "Node",
        "Pod",
        "ReplicaSet",
        "Service",
    ];
    for kind in records {
        let (seen, unseen) = tried.get(kind).copied().unwrap_or_default();
        assert!(seen >= 15 && unseen * 3 <= seen, "{kind}: {seen} changes of an object, {unseen} that no reader sees");
    }
}

/// Each change is made to one copy of the world, as the box itself would make it.
#[test]
fn what_a_box_has_done_or_remembers_counts() {
    let player = world();
    let sim = player.sim();
    let cluster = sim.cluster();
    let now = player.sim().engine().now();
    let clock = Clock { now, start: cluster.config.start, draws: player.sim().draws() };
    let node: Name = "node-1".into();
    let (pod, on) = {
        let pods = &cluster.store.head().pods;
        let web = pods.entries().find(|(_, p)| p.meta.name.starts_with("web-")).expect("there is a web pod");
        (web.0, web.1.node.clone().unwrap_or_default())
    };
    let old = cluster.store.view_at(now - Duration::from_secs(9)).clone();
    type Change<'a> = (&'a str, Box<dyn Fn(&mut Cluster) + 'a>);
    let changes: Vec<Change<'_>> = vec![
        ("rules are written anew", Box::new(|c| c.proxies.program_now(&node, &c.store.head().clone(), clock))),
        ("rules are older", Box::new(|c| c.proxies.program_now(&node, &old, clock))),
        ("kube-proxy is stopped", Box::new(|c| c.proxies.set_running(&node, false))),
        ("policies are older", Box::new(|c| c.policies.program(0, &old, now))),
        ("policies are programmed anew", Box::new(|c| c.policies.program(0, &c.store.head().clone(), now))),
        ("an agent waits", Box::new(|c| drop(c.policies.woken(0, clock)))),
        ("a line is printed", Box::new(|c| c.kubelets.print(pod, "hello", clock.timestamp()))),
        ("another line is printed", Box::new(|c| c.kubelets.print(pod, "hullo", clock.timestamp()))),
        ("a container has ended", Box::new(|c| drop(c.kubelets.exit(pod, 0, clock)))),
        ("it has ended otherwise", Box::new(|c| drop(c.kubelets.exit(pod, 1, clock)))),
        ("a kubelet is stopped", Box::new(|c| drop(c.kubelets.fail(&on, Failure::KubeletStop, clock)))),
        ("a node has no power", Box::new(|c| drop(c.kubelets.fail(&on, Failure::PowerOff, clock)))),
        (
            "a port was used",
            Box::new(|c| {
                c.kernels.next_port([198, 51, 100, 7].into());
            }),
        ),
        (
            "a connection went on",
            Box::new(|c| {
                let flows =
                    c.kernels.get("node-1").or(c.kernels.get("node-2")).map(|k| k.conntrack.flows(now).next().map(|(t, _)| *t));
                let known = flows.flatten().expect("the load has left a flow");
                c.kernels.moved(&[("node-1".into(), known), ("node-2".into(), known)], State::Close, now);
            }),
        ),
        ("a kernel lost its memory", Box::new(|c| ["node-1", "node-2"].iter().for_each(|n| c.kernels.forget(n)))),
        (
            "a server is gone",
            Box::new(|c| {
                let server =
                    c.store.head().pods.iter().find(|p| p.meta.name.starts_with("coredns")).and_then(|p| p.meta.uid.clone());
                c.dns.forget(&server.expect("it has a uid"));
            }),
        ),
        (
            "a server has seen another file",
            Box::new(|c| {
                let server =
                    c.store.head().pods.iter().find(|p| p.meta.name.starts_with("coredns")).and_then(|p| p.meta.uid.clone());
                c.dns.look(&server.expect("it has a uid"), ".:53 {\n  errors\n}\n", now, clock.draws);
            }),
        ),
        (
            "a balancer has checked",
            Box::new(|c| {
                let targets = [(Target::Node("node-1".into()), false)];
                c.cloud.observe(&("default".into(), "web".into()), &targets, now);
            }),
        ),
        ("a controller forgives silence", Box::new(|c| c.controllers.begin_anew(now))),
    ];
    let mut digests = BTreeMap::from([(StateDigest::of(cluster), "nothing is changed")]);
    for (what, change) in &changes {
        let mut other = cluster.clone();
        change(&mut other);
        if let Some(same) = digests.insert(StateDigest::of(&other), what) {
            panic!("the digest does not tell \"{what}\" from \"{same}\"");
        }
    }
}

fn states(lines: &[&str]) -> Vec<String> {
    let outcomes = console(&input("world.yaml", WORLD), lines);
    let digests = lines.iter().zip(&outcomes).filter(|(line, _)| **line == "digest");
    digests.map(|(_, outcome)| outcome.stdout.split(" history").next().unwrap_or_default().to_owned()).collect()
}

/// What a user may do in two ways that differ in one word.
#[test]
fn worlds_that_differ_in_one_word_differ() {
    let pairs = [
        ["kubectl create service clusterip a --tcp=80:80", "kubectl create service clusterip a --tcp=81:80"],
        ["kubectl create service clusterip a --tcp=80:80", "kubectl create service clusterip a --tcp=80:81"],
        ["kubectl create configmap a --from-literal=k=1", "kubectl create configmap a --from-literal=k=2"],
        ["kubectl run a --image=nginx --labels=app=a", "kubectl run a --image=nginx --labels=app=b"],
        ["kubectl create deployment a --image=nginx --replicas=1", "kubectl create deployment a --image=nginx --replicas=2"],
        ["kubectl label node node-1 a=1", "kubectl label node node-1 a=2"],
        ["fail node/node-1", "fail node/node-2"],
        ["fail link/node-1/switch --loss 10%", "fail link/node-1/switch --loss 20%"],
        ["ssh node-1 nslookup a.test 10.96.0.10", "ssh node-1 nslookup b.test 10.96.0.10"],
        [
            "traffic start a --from node/node-1 --to http://10.96.7.7 --rate 1/s",
            "traffic start a --from node/node-1 --to http://10.96.7.7 --rate 2/s",
        ],
    ];
    for pair in pairs {
        for wait in ["0s", "10s"] {
            let advance = format!("advance {wait}");
            let [one, other] = pair.map(|line| states(&["advance 1s", line, &advance, "digest"]));
            assert_ne!(one, other, "{pair:?} and {wait}");
        }
    }
    // The past of an object counts as long as somebody may still ask for it.
    let made = |port: &str| {
        let create = format!("kubectl create service clusterip a --tcp={port}");
        let patch =
            "kubectl patch service a --type=json -p '[{\"op\":\"replace\",\"path\":\"/spec/ports\",\"value\":[{\"port\":9}]}]'";
        states(&["advance 1s", &create, patch, "digest"])
    };
    assert_ne!(made("80:80"), made("81:80"));
}

/// The same world, come to in other ways.
#[test]
fn a_world_is_the_same_whatever_the_way_to_it() {
    let ways: [&[&str]; 5] = [
        &["advance 1s", "kubectl create deployment a --image=nginx", "seek 10s", "digest"],
        // Time passes in more steps, and somebody looks on.
        &[
            "advance 500ms",
            "digest",
            "advance 500ms",
            "kubectl create deployment a --image=nginx",
            "advance 4s",
            "kubectl get pods -o wide",
            "seek 10s",
            "digest",
        ],
        &["advance 1s", "kubectl create deployment a --image=nginx", "step 40", "rules node/node-1", "seek 10s", "digest"],
        // Back and forth.
        &[
            "advance 1s",
            "kubectl create deployment a --image=nginx",
            "advance 20s",
            "rewind 20s",
            "digest",
            "advance 20s",
            "seek 10s",
            "digest",
        ],
        // Something else was done and undone.
        &[
            "advance 3s",
            "kubectl create configmap x",
            "seek 1s",
            "kubectl create deployment a --image=nginx",
            "seek 10s",
            "digest",
        ],
    ];
    let ends: Vec<String> = ways.iter().map(|lines| states(lines).pop().unwrap_or_default()).collect();
    assert!(ends[0].starts_with("state "), "{ends:?}");
    for (way, end) in ways.iter().zip(&ends) {
        assert_eq!(end, &ends[0], "{way:?}");
    }
}

/// Every scenario, gone through once more after a way back to its beginning.
#[test]
fn each_scenario_comes_to_the_same_state_after_going_back() {
    for (name, text) in scenario_files() {
        let mut player = Player::new(input(&name, &text), &play::Options::default()).expect("the cluster can be built");
        while player.step().is_some() {}
        let (end, digests) = (player.sim().position(), player.sim().digests());
        let half = Instant::from_nanos(end.at.as_nanos() / 2);
        player.sim_mut().seek(half).expect("within the budget");
        let middle = player.sim().digests();
        player.sim_mut().seek(Instant::START).expect("within the budget");
        player.sim_mut().seek(half).expect("within the budget");
        assert_eq!(player.sim().digests(), middle, "{name}: half way");
        player.sim_mut().seek_position(end).expect("within the budget");
        assert_eq!(player.sim().digests(), digests, "{name}: at the end");
    }
}
