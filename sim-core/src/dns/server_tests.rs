use std::collections::BTreeSet;

use super::*;
use crate::dns::message::Rcode;
use crate::engine::random::Seed;
use crate::objects::Object;
use crate::store::Store;
use serde_json::json;

const PLAIN: &str = ".:53 {\n    kubernetes cluster.local\n    loadbalance\n}\n";

fn headless(endpoints: usize) -> Store {
    let mut store = Store::default();
    let addresses = (0..endpoints).map(|n| json!({"addresses": [format!("10.0.{}.{}", n / 250, n % 250 + 1)]}));
    for doc in [
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "db", "namespace": "default"},
               "spec": {"clusterIP": "None", "ports": [{"port": 80}]}}),
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
               "metadata": {"name": "db-1", "namespace": "default", "labels": {"kubernetes.io/service-name": "db"}},
               "endpoints": addresses.collect::<Vec<_>>(), "ports": [{"name": "", "port": 80}]}),
    ] {
        store.insert(Object::parse(&doc), Instant::START);
    }
    store
}

fn at(seconds: u64) -> Instant {
    Instant::START + Duration::from_secs(seconds)
}

fn draws() -> Draws {
    Draws::new(Seed(1))
}

fn started(text: &str) -> DnsServers {
    let mut servers = DnsServers::default();
    assert!(servers.start(&"a".into(), text, false, at(0), draws()).serves);
    servers
}

fn ask_as(servers: &mut DnsServers, store: &Store, question: &Question, seconds: u64, protocol: Protocol) -> Reply {
    let incoming = Incoming { question, protocol, now: at(seconds), client: None };
    let knows = Knowledge { view: store.head(), serial: 1, synced: true, local_ips: &[] };
    let mut nobody = |_: &mut DnsServers, _: &Forward, _: &Question| (Err("nobody".to_owned()), Duration::ZERO);
    servers.ask(&"a".into(), knows, incoming, draws(), &mut nobody).expect("listens").reply
}

fn ask(servers: &mut DnsServers, store: &Store, seconds: u64, protocol: Protocol) -> Reply {
    ask_as(servers, store, &Question::new("db.default.svc.cluster.local.", "A"), seconds, protocol)
}

#[test]
fn addresses_come_shuffled_and_all_of_them() {
    let (store, mut servers) = (headless(4), started(PLAIN));
    let mut firsts = BTreeSet::new();
    for second in 0..50 {
        let mut reply = ask(&mut servers, &store, second, Protocol::Udp);
        firsts.insert(reply.answers[0].data.clone());
        reply.answers.sort();
        let data: Vec<&str> = reply.answers.iter().map(|r| &*r.data).collect();
        assert_eq!(data, ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"]);
    }
    assert_eq!(firsts.len(), 4);
}

/// Header 12, question 34, and 16 bytes for each record; an OPT record takes 11.
#[test]
fn udp_replies_are_cut_at_what_the_client_takes() {
    let (store, mut servers) = (headless(60), started(PLAIN));
    let question = Question::new("db.default.svc.cluster.local.", "A");
    for (udp_size, protocol, answers) in [
        (None, Protocol::Udp, 29),
        (Some(100), Protocol::Udp, 28),
        (Some(800), Protocol::Udp, 46),
        (Some(1232), Protocol::Udp, 60),
        (None, Protocol::Tcp, 60),
    ] {
        let reply = ask_as(&mut servers, &store, &Question { udp_size, ..question.clone() }, 0, protocol);
        assert_eq!((reply.answers.len(), reply.truncated), (answers, answers < 60), "{udp_size:?} {protocol:?}");
    }
    let mut small = started(".:53 {\n kubernetes cluster.local\n bufsize 800\n}\n");
    let reply = ask_as(&mut small, &store, &Question { udp_size: Some(4096), ..question }, 0, Protocol::Udp);
    assert_eq!(reply.answers.len(), 46);
}

/// With the cache over the cluster's zone (older kubeadm) a denial outlives the fact; without, it does not.
#[test]
fn a_cached_denial_outlives_the_fact() {
    for (disable, answers) in [("", 0), ("{\n disable success cluster.local\n disable denial cluster.local\n }", 1)] {
        let mut servers = started(&format!(".:53 {{\n kubernetes cluster.local {{\n ttl 30\n }}\n cache 30 {disable}\n}}\n"));
        assert_eq!(ask(&mut servers, &headless(0), 0, Protocol::Udp).answers.len(), 0);
        let later = ask(&mut servers, &headless(1), 29, Protocol::Udp);
        assert_eq!((later.answers.len(), later.cached), (answers, answers == 0));
        assert_eq!(ask(&mut servers, &headless(1), 31, Protocol::Udp).answers.len(), 1);
    }
}

/// A server looks at its file every 30 s, give or take half the jitter; what it finds replaces its memory, or is refused.
#[test]
fn a_changed_file_is_taken_up_at_the_next_look() {
    let stock = ".:53 {\n kubernetes cluster.local\n cache 30\n reload\n}\n";
    let name: Name = "a".into();
    let mut servers = started(stock);
    let every = servers.next_look("a", at(0)).unwrap();
    assert!((22_500..=37_500).contains(&every.as_millis()), "{every}");
    assert_eq!(servers.next_look("a", at(0) + every).unwrap(), every);
    ask(&mut servers, &headless(1), 1, Protocol::Udp);
    assert_eq!((servers.kept("a"), servers.look(&name, stock, at(30), draws()).len()), (1, 0));

    let broken = stock.replace("cache 30", "cahce 30");
    insta::assert_snapshot!(servers.look(&name, &broken, at(60), draws()).join("\n"), @r"
    [INFO] Reloading
    [ERROR] Restart failed: /etc/coredns/Corefile:3 - Error during parsing: Unknown directive 'cahce'
    [ERROR] plugin/reload: Corefile changed but reload failed: starting with listener file descriptors: /etc/coredns/Corefile:3 - Error during parsing: Unknown directive 'cahce'
    ");
    assert_eq!((servers.kept("a"), servers.look(&name, &broken, at(90), draws()).len()), (1, 0));
    let open = stock.replace("\n}", "");
    insta::assert_snapshot!(servers.look(&name, &open, at(120), draws()).join("\n"), @"[WARNING] plugin/reload: Corefile parse failed: /etc/coredns/Corefile:4 - Syntax error: Unexpected token 'reload', expecting '}'");

    let good = stock.replace("cluster.local", "other.local");
    assert_eq!(servers.look(&name, &good, at(150), draws()), ["[INFO] Reloading", "[INFO] Reloading complete"]);
    assert_eq!(servers.kept("a"), 0);
    assert_eq!(ask(&mut servers, &headless(1), 151, Protocol::Udp).rcode, Rcode::ServFail);
    assert_eq!(started(".:53 {\n whoami\n}\n").next_look("a", at(0)), None);
}

#[test]
fn what_a_start_prints() {
    let mut servers = DnsServers::default();
    let looping = ".:53 {\n loop\n forward . /etc/resolv.conf\n}\n";
    let mut start = |text: &str, loops| servers.start(&"a".into(), text, loops, at(0), draws());
    insta::assert_snapshot!(start("b.c a:54 .:53 {\n whoami\n}", false).log, @r"
    .:53
    a.:54
    b.c.:53
    CoreDNS-1.11.3
    linux/amd64, go1.21.11, a6338e9
    ");
    insta::assert_snapshot!(start(".:53 {\n x\n}", false).log, @"/etc/coredns/Corefile:2 - Error during parsing: Unknown directive 'x'");
    let end = start(looping, true);
    assert!(
        !end.serves
            && end.log.contains("[FATAL] plugin/loop: Loop (127.0.0.1:")
            && end.log.contains("-> :53) detected for zone \".\"")
    );
}

/// The line of the log plugin: client, id, question, code, flags, size, time.
#[test]
fn questions_are_logged_where_the_file_says_so() {
    let question = Question::new("DB.default.svc.cluster.local.", "A");
    let mut servers = started(".:53 {\n kubernetes cluster.local\n log\n}\n");
    let store = headless(1);
    let incoming = Incoming { question: &question, protocol: Protocol::Udp, now: at(0), client: "10.244.1.5".parse().ok() };
    let knows = Knowledge { view: store.head(), serial: 1, synced: true, local_ips: &[] };
    let mut nobody = |_: &mut DnsServers, _: &Forward, _: &Question| (Err("nobody".to_owned()), Duration::ZERO);
    let served = servers.ask(&"a".into(), knows, incoming, draws(), &mut nobody).unwrap();
    let line = &served.log[0];
    assert!(
        line.starts_with("[INFO] 10.244.1.5:")
            && line.contains("\"A IN db.default.svc.cluster.local. udp 46 false 512\" NOERROR qr,aa,rd 62 0.000"),
        "{line}"
    );
}
