use super::*;
use crate::dns::corefile::Corefile;
use crate::dns::resolver::Library;
use crate::dns::testing::Names;
use crate::engine::random::{Draws, Seed};

/// What a server with that Corefile answers: code, records, log.
struct Asker {
    names: Names,
    file: Corefile,
    cache: Cache,
    upstream: Result<Reply, String>,
}

impl Asker {
    fn new(plugins: &str) -> Asker {
        let file = Corefile::read(&format!(". {{\n errors\n {plugins}\n}}\n")).unwrap();
        let answer = Record { name: "example.com.".into(), kind: "A", ttl: 300, data: "203.0.113.7".into() };
        let upstream = Ok(Reply { answers: vec![answer], ..Reply::failure(Rcode::NoError) });
        Asker { names: Names::new(Library::Glibc), file, cache: Cache::default(), upstream }
    }

    fn ask(&mut self, name: &str, kind: &str, protocol: Protocol) -> Served {
        let question = Question::new(name, kind);
        let knows =
            Knowledge { view: self.names.store.head(), serial: 7, synced: true, local_ips: &["10.244.0.2".parse().unwrap()] };
        let incoming = Incoming { question: &question, protocol, now: Instant::START, client: None };
        let upstream = self.upstream.clone();
        let mut forward = |_: &Forward, _: &Question| (upstream.clone(), Duration::from_millis(3));
        let mut draw = Draws::new(Seed(1)).keyed("test", 0);
        serve(&self.file.blocks[0], &mut self.cache, knows, incoming, &mut forward, &mut draw)
    }

    fn told(&mut self, name: &str, kind: &str) -> String {
        let served = self.ask(name, kind, Protocol::Udp);
        let records: Vec<String> = served.reply.answers.iter().map(|r| format!("{} {}", r.kind, r.data)).collect();
        format!("{} {}{}", served.reply.rcode.text(), records.join(" "), served.log.concat())
    }
}

#[test]
fn plugins_answer_in_their_order() {
    let kubernetes = "kubernetes cluster.local in-addr.arpa {\n fallthrough in-addr.arpa\n }";
    let hosts = "hosts {\n 10.1.1.1 extra.example my-nginx.default.svc.cluster.local\n fallthrough\n }";
    for (plugins, name, kind, told) in [
        (format!("forward . 1.1.1.1\n {kubernetes}"), "my-nginx.default.svc.cluster.local", "A", "NOERROR A 10.0.162.149"),
        (format!("forward . 1.1.1.1\n {kubernetes}"), "example.com", "A", "NOERROR A 203.0.113.7"),
        (format!("forward . 1.1.1.1\n {kubernetes}"), "1.1.1.1.in-addr.arpa", "PTR", "NOERROR A 203.0.113.7"),
        (format!("forward . 1.1.1.1\n {kubernetes}"), "nope.default.svc.cluster.local", "A", "NXDOMAIN "),
        (
            kubernetes.to_owned(),
            "Example.com",
            "A",
            "SERVFAIL [ERROR] plugin/errors: 2 example.com. A: plugin/kubernetes: no next plugin found",
        ),
        // Hosts stands before kubernetes.
        (format!("{kubernetes}\n {hosts}"), "my-nginx.default.svc.cluster.local", "A", "NOERROR A 10.1.1.1"),
        (format!("{kubernetes}\n {hosts}"), "extra.example", "AAAA", "NOERROR "),
        (
            format!("{kubernetes}\n {hosts}"),
            "1.1.1.10.in-addr.arpa",
            "PTR",
            "NOERROR PTR extra.example. PTR my-nginx.default.svc.cluster.local.",
        ),
        ("hosts {\n 10.1.1.1 extra.example\n }".to_owned(), "other.example", "A", "SERVFAIL "),
        (
            format!("rewrite name web.example my-nginx.default.svc.cluster.local\n {kubernetes}"),
            "WEB.example",
            "A",
            "NOERROR A 10.0.162.149",
        ),
        (format!("forward cluster.example 1.1.1.1\n {kubernetes}"), "a.cluster.example", "A", "NOERROR A 203.0.113.7"),
        (
            "forward . 1.1.1.1 {\n except corp.example\n }".to_owned(),
            "a.corp.example",
            "A",
            "SERVFAIL [ERROR] plugin/errors: 2 a.corp.example. A: plugin/forward: no next plugin found",
        ),
        // An ExternalName leads outside.
        (
            format!("forward . 1.1.1.1\n {kubernetes}"),
            "ext.default.svc.cluster.local",
            "A",
            "NOERROR CNAME example.com. A 203.0.113.7",
        ),
    ] {
        assert_eq!(Asker::new(&plugins).told(name, kind), told, "{plugins}");
    }
}

#[test]
fn a_failing_upstream_is_logged_and_not_kept() {
    let mut asker = Asker::new("cache 30\n forward . 192.0.2.1");
    asker.upstream = Err("read udp 10.244.0.2:40000->192.0.2.1:53: i/o timeout".to_owned());
    let told = "SERVFAIL [ERROR] plugin/errors: 2 example.com. A: read udp 10.244.0.2:40000->192.0.2.1:53: i/o timeout";
    assert_eq!(asker.told("example.com", "A"), told);
    assert!(asker.cache.is_empty());
    // One that says so itself is kept.
    asker.upstream = Ok(Reply::failure(Rcode::ServFail));
    assert_eq!(asker.told("example.com", "A"), "SERVFAIL ");
    assert_eq!(asker.cache.len(), 1);
}

/// Only over TCP, only with `transfer`; then everything, between two SOAs.
#[test]
fn a_zone_is_transferred() {
    let kubernetes = "kubernetes cluster.local";
    let refused = Asker::new(kubernetes).ask("cluster.local", "AXFR", Protocol::Tcp).reply;
    assert_eq!((refused.rcode, refused.authoritative), (Rcode::Refused, false));
    let mut asker = Asker::new(&format!("{kubernetes}\n transfer {{\n to *\n }}"));
    assert_eq!(asker.ask("cluster.local", "AXFR", Protocol::Udp).reply.rcode, Rcode::Refused);
    let zone = asker.ask("cluster.local.", "AXFR", Protocol::Tcp).reply;
    let lines: Vec<String> = zone.answers.iter().map(|r| format!("{} {} {}\n", r.name, r.kind, r.data)).collect();
    insta::assert_snapshot!(lines.concat(), @r"
    cluster.local. SOA ns.dns.cluster.local. hostmaster.cluster.local. 7 7200 1800 86400 5
    cluster.local. NS ns.dns.cluster.local.
    ns.dns.cluster.local. A 10.244.0.2
    db.default.svc.cluster.local. A 10.244.1.7
    db-0.db.default.svc.cluster.local. A 10.244.1.7
    _sql._tcp.db.default.svc.cluster.local. SRV 0 50 5432 db-0.db.default.svc.cluster.local.
    db.default.svc.cluster.local. A 10.244.2.8
    10-244-2-8.db.default.svc.cluster.local. A 10.244.2.8
    _sql._tcp.db.default.svc.cluster.local. SRV 0 50 5432 10-244-2-8.db.default.svc.cluster.local.
    ext.default.svc.cluster.local. CNAME example.com.
    kube-dns.kube-system.svc.cluster.local. A 10.96.0.10
    kube-dns.kube-system.svc.cluster.local. SRV 0 100 53 kube-dns.kube-system.svc.cluster.local.
    _dns._tcp.kube-dns.kube-system.svc.cluster.local. SRV 0 100 53 kube-dns.kube-system.svc.cluster.local.
    kubernetes.default.svc.cluster.local. A 10.96.0.1
    kubernetes.default.svc.cluster.local. SRV 0 100 443 kubernetes.default.svc.cluster.local.
    _https._tcp.kubernetes.default.svc.cluster.local. SRV 0 100 443 kubernetes.default.svc.cluster.local.
    my-nginx.default.svc.cluster.local. A 10.0.162.149
    my-nginx.default.svc.cluster.local. SRV 0 100 80 my-nginx.default.svc.cluster.local.
    _http._tcp.my-nginx.default.svc.cluster.local. SRV 0 100 80 my-nginx.default.svc.cluster.local.
    cluster.local. SOA ns.dns.cluster.local. hostmaster.cluster.local. 7 7200 1800 86400 5
    ");
    let other = Asker::new(&format!("{kubernetes}\n transfer {{\n to 10.9.9.9\n }}")).ask("cluster.local", "AXFR", Protocol::Tcp);
    assert_eq!(other.reply.rcode, Rcode::Refused);
}
