use std::collections::BTreeMap;

use insta::assert_snapshot;

use super::nslookup::{Make, make_of};
use super::*;
use crate::api::request::{Answer, Request};
use crate::console::host::{ContainerView, Doing, FileError, Host, Lent, Outcome, Place, Stopped, World, WorldRef};
use crate::dns::resolver::Library;
use crate::dns::testing::{Mood, Names};
use crate::engine::time::{Duration, Instant};
use crate::lab::tasks::{Waiting, at_once};
use crate::network::wire::Wire;
use crate::objects::time::Timestamp;

/// A pod with that image, and nothing in its world but name servers.
struct Shell {
    names: Names,
    image: &'static str,
}

impl World for Shell {
    fn now(&self) -> Timestamp {
        Timestamp::at(Timestamp::parse("2026-01-01T12:00:00Z").unwrap(), self.names.clock)
    }
    fn elapsed(&self) -> Instant {
        self.names.clock
    }
    fn request(&mut self, _: Request) -> Answer {
        unreachable!("no API is asked")
    }
    fn revision(&self) -> u64 {
        0
    }
    fn advance(&mut self, _: Duration) -> Result<(), Stopped> {
        unreachable!("time passes on the wire")
    }
    fn advance_until(&mut self, _: Duration, _: &mut dyn FnMut(&mut dyn World) -> bool) -> Result<bool, Stopped> {
        unreachable!("time passes on the wire")
    }
    fn container(&mut self, _: &str, _: &str, _: &str) -> Result<ContainerView, String> {
        Ok(ContainerView { image: self.image.to_owned(), ..ContainerView::default() })
    }
    fn logs(&mut self, _: &str, _: &str, _: &str, _: bool) -> Result<Vec<(Timestamp, String)>, String> {
        Ok(vec![])
    }
    fn wire(&mut self) -> Option<&mut (dyn Wire + 'static)> {
        Some(&mut self.names)
    }
}

impl Host for Shell {
    fn world(&mut self) -> WorldRef<'_> {
        Lent::Owned(self)
    }
    fn until(&mut self, at: Instant) -> Waiting {
        self.names.clock = at;
        Waiting::Over(Ok(()))
    }
    fn change(&mut self, at: Instant) -> Waiting {
        self.until(at)
    }
    fn print(&mut self, _: &str) {
        unreachable!("it prints when it ends")
    }
    fn print_error(&mut self, _: &str) {
        unreachable!("it prints when it ends")
    }
    fn place(&self) -> Place {
        Place::Pod { namespace: "default".into(), pod: "curl".into(), container: "curl".into() }
    }
    fn env(&self, _: &str) -> Option<String> {
        None
    }
    fn environment(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }
    fn read_file(&mut self, _: &str) -> Result<String, FileError> {
        unreachable!("no file is read")
    }
    fn list_dir(&mut self, _: &str) -> Result<Vec<String>, FileError> {
        unreachable!("no folder is read")
    }
    fn write_file(&mut self, _: &str, _: &str) -> Result<(), FileError> {
        unreachable!("no file is written")
    }
    fn run_in<'h>(&'h mut self, _: &'h Place, _: &'h [String], _: &'h str) -> Doing<'h, Outcome> {
        unreachable!("no other program is run")
    }
    fn run_through<'h>(&'h mut self, _: &'h Place, _: &'h [String], _: &'h str) -> Doing<'h, i32> {
        unreachable!("no other program is run")
    }
    fn enter(&mut self, _: Place, _: Option<Vec<String>>) {}
}

/// The output of a command line in a pod of that image; standard error after `stderr:`; the exit status if it is not 0, and
/// the seconds it took if they are not 0.
fn run_in(image: &'static str, mood: Mood, line: &str) -> String {
    let mut shell =
        Shell { names: Names { mood, ..Names::new(if image == "alpine" { Library::Musl } else { Library::Glibc }) }, image };
    let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
    let program = PROGRAMS.iter().find(|(name, _)| *name == argv[0]).unwrap().1;
    let outcome = at_once(program.run(&mut shell, &argv, ""));
    let mut text = outcome.stdout;
    if !outcome.stderr.is_empty() {
        text.push_str(&format!("stderr: {}", outcome.stderr));
    }
    if outcome.exit != 0 {
        text.push_str(&format!("exit {}\n", outcome.exit));
    }
    match shell.names.clock.since(Instant::START).as_secs() {
        0 => {}
        seconds => text.push_str(&format!("{seconds} s\n")),
    }
    // Snapshots lose blank lines at their ends; this keeps them.
    text + "."
}

fn run(line: &str) -> String {
    run_in("registry.k8s.io/e2e-test-images/agnhost:2.39", Mood::Answering, line)
}

#[test]
fn the_make_follows_from_the_image() {
    for (image, make) in [
        ("radial/busyboxplus:curl", Make::LibcBusybox),
        ("busybox:1.28", Make::LibcBusybox),
        ("busybox:1.28.4-glibc", Make::LibcBusybox),
        ("docker.io/library/busybox:1.30", Make::PlainBusybox),
        ("busybox:1.36", Make::Busybox),
        ("busybox", Make::Busybox),
        ("busybox:latest@sha256:00", Make::Busybox),
        ("localhost:5000/alpine", Make::Busybox),
        ("registry.k8s.io/e2e-test-images/jessie-dnsutils:1.3", Make::OldBind),
        ("nicolaka/netshoot", Make::Bind),
    ] {
        assert_eq!(make_of(image), make, "{image}");
    }
}

#[test]
fn nslookup_of_bind() {
    assert_snapshot!(run("nslookup my-nginx"), @r"
    Server:		10.96.0.10
    Address:	10.96.0.10#53

    Name:	my-nginx.default.svc.cluster.local
    Address: 10.0.162.149

    .
    ");
    assert_snapshot!(run("nslookup nope"), @r"
    Server:		10.96.0.10
    Address:	10.96.0.10#53

    ** server can't find nope: NXDOMAIN

    exit 1
    .
    ");
    assert_snapshot!(run("nslookup -type=SRV _sql._tcp.db"), @r"
    Server:		10.96.0.10
    Address:	10.96.0.10#53

    _sql._tcp.db.default.svc.cluster.local	service = 0 50 5432 db-0.db.default.svc.cluster.local.
    _sql._tcp.db.default.svc.cluster.local	service = 0 50 5432 10-244-2-8.db.default.svc.cluster.local.

    .
    ");
    assert_snapshot!(run("nslookup 10.0.162.149"), @r"
    149.162.0.10.in-addr.arpa	name = my-nginx.default.svc.cluster.local.

    .
    ");
    assert_snapshot!(run("nslookup ext"), @r"
    Server:		10.96.0.10
    Address:	10.96.0.10#53

    ext.default.svc.cluster.local	canonical name = example.com.
    Name:	example.com
    Address: 203.0.113.7

    .
    ");
    assert_snapshot!(run("nslookup example.com"), @r"
    Server:		10.96.0.10
    Address:	10.96.0.10#53

    Non-authoritative answer:
    Name:	example.com
    Address: 203.0.113.7

    .
    ");
    assert_snapshot!(run("nslookup svc.cluster.local"), @r"
    Server:		10.96.0.10
    Address:	10.96.0.10#53

    *** Can't find svc.cluster.local: No answer

    .
    ");
}

#[test]
fn nslookup_of_bind_without_a_server() {
    let in_image = |image, mood| run_in(image, mood, "nslookup my-nginx");
    assert_snapshot!(in_image("agnhost", Mood::Silent), @r"
    ;; communications error to 10.96.0.10#53: timed out
    ;; communications error to 10.96.0.10#53: timed out
    ;; communications error to 10.96.0.10#53: timed out
    ;; no servers could be reached

    exit 1
    15 s
    .
    ");
    assert_snapshot!(in_image("agnhost", Mood::Refusing), @r"
    ;; communications error to 10.96.0.10#53: connection refused
    ;; communications error to 10.96.0.10#53: connection refused
    ;; communications error to 10.96.0.10#53: connection refused
    ;; no servers could be reached

    exit 1
    .
    ");
    assert_snapshot!(in_image("jessie-dnsutils", Mood::Silent), @r"
    ;; connection timed out; no servers could be reached

    exit 1
    15 s
    .
    ");
    assert_snapshot!(in_image("agnhost", Mood::Failing), @r"
    Server:		10.96.0.10
    Address:	10.96.0.10#53

    ** server can't find my-nginx: SERVFAIL

    exit 1
    .
    ");
}

#[test]
fn nslookup_of_old_busybox() {
    let line = |line| run_in("radial/busyboxplus:curl", Mood::Answering, line);
    assert_snapshot!(line("nslookup my-nginx"), @r"
    Server:    10.96.0.10
    Address 1: 10.96.0.10 kube-dns.kube-system.svc.cluster.local

    Name:      my-nginx
    Address 1: 10.0.162.149 my-nginx.default.svc.cluster.local
    .
    ");
    assert_snapshot!(line("nslookup nope"), @r"
    Server:    10.96.0.10
    Address 1: 10.96.0.10 kube-dns.kube-system.svc.cluster.local

    stderr: nslookup: can't resolve 'nope'
    exit 1
    .
    ");
    assert_snapshot!(line("nslookup db"), @r"
    Server:    10.96.0.10
    Address 1: 10.96.0.10 kube-dns.kube-system.svc.cluster.local

    Name:      db
    Address 1: 10.244.1.7 db-0.db.default.svc.cluster.local
    Address 2: 10.244.2.8 10-244-2-8.db.default.svc.cluster.local
    .
    ");
}

#[test]
fn nslookup_of_busybox() {
    assert_snapshot!(run_in("busybox", Mood::Answering, "nslookup my-nginx"), @r"
    Server:		10.96.0.10
    Address:	10.96.0.10:53

    Name:	my-nginx.default.svc.cluster.local
    Address: 10.0.162.149

    ** server can't find my-nginx.svc.cluster.local: NXDOMAIN

    ** server can't find my-nginx.cluster.local: NXDOMAIN


    ** server can't find my-nginx.svc.cluster.local: NXDOMAIN

    ** server can't find my-nginx.cluster.local: NXDOMAIN

    exit 1
    .
    ");
    assert_snapshot!(run_in("busybox", Mood::Answering, "nslookup my-nginx.default.svc.cluster.local"), @r"
    Server:		10.96.0.10
    Address:	10.96.0.10:53

    Name:	my-nginx.default.svc.cluster.local
    Address: 10.0.162.149


    .
    ");
    assert_snapshot!(run_in("busybox:1.30", Mood::Answering, "nslookup kubernetes.default"), @r"
    Server:		10.96.0.10
    Address:	10.96.0.10:53

    ** server can't find kubernetes.default: NXDOMAIN

    ** server can't find kubernetes.default: NXDOMAIN

    *** Can't find kubernetes.default: No answer

    exit 1
    .
    ");
    assert_snapshot!(run_in("busybox", Mood::Silent, "nslookup my-nginx"), @r"
    ;; connection timed out; no servers could be reached
    exit 1
    5 s
    .
    ");
    assert_snapshot!(run_in("busybox", Mood::Refusing, "nslookup my-nginx"), @r"
    ;; connection timed out; no servers could be reached
    stderr: nslookup: read: Connection refused
    exit 1
    .
    ");
}

#[test]
fn dig_shows_the_reply() {
    assert_snapshot!(run("dig my-nginx.default.svc.cluster.local"), @r"
    ; <<>> DiG 9.18.33 <<>> my-nginx.default.svc.cluster.local
    ;; global options: +cmd
    ;; Got answer:
    ;; WARNING: .local is reserved for Multicast DNS
    ;; You are currently testing what happens when an mDNS query is leaked to DNS
    ;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 29242
    ;; flags: qr aa rd; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1
    ;; WARNING: recursion requested but not available

    ;; OPT PSEUDOSECTION:
    ; EDNS: version: 0, flags:; udp: 1232
    ;; QUESTION SECTION:
    ;my-nginx.default.svc.cluster.local. IN	A

    ;; ANSWER SECTION:
    my-nginx.default.svc.cluster.local. 30 IN A	10.0.162.149

    ;; Query time: 1 msec
    ;; SERVER: 10.96.0.10#53(10.96.0.10) (UDP)
    ;; WHEN: Thu Jan 01 12:00:00 UTC 2026
    ;; MSG SIZE  rcvd: 79

    .
    ");
    assert_snapshot!(run("dig +short +search db SRV"), @r"
    0 50 5432 db-0.db.default.svc.cluster.local.
    0 50 5432 10-244-2-8.db.default.svc.cluster.local.
    .
    ");
    assert_snapshot!(run("dig +noall +answer +search my-nginx A"), @r"
    my-nginx.default.svc.cluster.local. 30 IN A	10.0.162.149
    .
    ");
    assert_snapshot!(run("dig +noall +comments +authority nope.default.svc.cluster.local"), @r"
    ;; Got answer:
    ;; WARNING: .local is reserved for Multicast DNS
    ;; You are currently testing what happens when an mDNS query is leaked to DNS
    ;; ->>HEADER<<- opcode: QUERY, status: NXDOMAIN, id: 2445
    ;; flags: qr aa rd; QUERY: 1, ANSWER: 0, AUTHORITY: 1, ADDITIONAL: 1
    ;; WARNING: recursion requested but not available

    ;; OPT PSEUDOSECTION:
    ; EDNS: version: 0, flags:; udp: 1232
    ;; AUTHORITY SECTION:
    cluster.local.		30	IN	SOA	ns.dns.cluster.local. hostmaster.cluster.local. 1767268800 7200 1800 86400 30

    .
    ");
    assert_snapshot!(run("dig @10.96.0.10 -x 10.96.0.1 +short"), @r"
    kubernetes.default.svc.cluster.local.
    .
    ");
    assert_snapshot!(run("dig +short dns-version.cluster.local TXT"), @r#"
    "1.1.0"
    .
    "#);
    assert_snapshot!(run_in("agnhost", Mood::Silent, "dig my-nginx"), @r"
    ;; communications error to 10.96.0.10#53: timed out
    ;; communications error to 10.96.0.10#53: timed out
    ;; communications error to 10.96.0.10#53: timed out

    ; <<>> DiG 9.18.33 <<>> my-nginx
    ;; global options: +cmd
    ;; no servers could be reached
    exit 9
    15 s
    .
    ");
}

#[test]
fn host_speaks_in_sentences() {
    assert_snapshot!(run("host my-nginx"), @r"
    my-nginx.default.svc.cluster.local has address 10.0.162.149
    .
    ");
    assert_snapshot!(run("host nope"), @r"
    Host nope not found: 3(NXDOMAIN)
    exit 1
    .
    ");
    assert_snapshot!(run("host 10.96.0.1"), @r"
    1.0.96.10.in-addr.arpa domain name pointer kubernetes.default.svc.cluster.local.
    .
    ");
    assert_snapshot!(run("host -t SRV db"), @r"
    db.default.svc.cluster.local has SRV record 0 50 5432 db-0.db.default.svc.cluster.local.
    db.default.svc.cluster.local has SRV record 0 50 5432 10-244-2-8.db.default.svc.cluster.local.
    .
    ");
}

#[test]
fn getent_prints_what_the_library_found() {
    assert_snapshot!(run("getent hosts my-nginx"), @r"
    10.0.162.149    my-nginx.default.svc.cluster.local
    .
    ");
    assert_snapshot!(run("getent hosts nope"), @r"
    exit 2
    .
    ");
    assert_snapshot!(run("getent ahosts ext"), @r"
    203.0.113.7     STREAM example.com
    203.0.113.7     DGRAM  
    203.0.113.7     RAW    
    .
    ");
    assert_snapshot!(run_in("agnhost", Mood::Silent, "getent ahosts my-nginx"), @r"
    exit 2
    20 s
    .
    ");
}

/// Read off BIND 9.18 and busybox 1.35, asked the same of the same cluster through `kubewalk serve-dns`.
#[test]
fn layouts_are_those_of_the_real_tools() {
    let busybox = |line| run_in("busybox:1.36", Mood::Answering, line);
    assert_snapshot!(busybox("nslookup -type=cname ext.default.svc.cluster.local"), @r"
    Server:		10.96.0.10
    Address:	10.96.0.10:53

    ext.default.svc.cluster.local	canonical name = example.com

    .
    ");
    assert_snapshot!(busybox("nslookup 10.0.162.149"), @r"
    Server:		10.96.0.10
    Address:	10.96.0.10:53

    149.162.0.10.in-addr.arpa	name = my-nginx.default.svc.cluster.local

    .
    ");
    assert_snapshot!(run("host nope.default.svc.cluster.local 10.96.0.10"), @r"
    Using domain server:
    Name: 10.96.0.10
    Address: 10.96.0.10#53
    Aliases: 

    Host nope.default.svc.cluster.local not found: 3(NXDOMAIN)
    exit 1
    .
    ");
    assert_snapshot!(run("host -t AAAA my-nginx.default.svc.cluster.local"), @r"
    my-nginx.default.svc.cluster.local has no AAAA record
    .
    ");
    assert_snapshot!(run("dig @10.96.0.10 +noedns +noquestion +nostats my-nginx.default.svc.cluster.local"), @r"
    ; <<>> DiG 9.18.33 <<>> @10.96.0.10 +noedns +noquestion +nostats my-nginx.default.svc.cluster.local
    ; (1 server found)
    ;; global options: +cmd
    ;; Got answer:
    ;; WARNING: .local is reserved for Multicast DNS
    ;; You are currently testing what happens when an mDNS query is leaked to DNS
    ;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 29242
    ;; flags: qr aa rd; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 0
    ;; WARNING: recursion requested but not available

    ;; ANSWER SECTION:
    my-nginx.default.svc.cluster.local. 30 IN A	10.0.162.149

    .
    ");
    assert_snapshot!(run("dig @10.96.0.10 cluster.local axfr"), @r"
    ; <<>> DiG 9.18.33 <<>> @10.96.0.10 cluster.local axfr
    ; (1 server found)
    ;; global options: +cmd
    ; Transfer failed.
    .
    ");
}
