use std::collections::BTreeMap;

use insta::assert_snapshot;

use super::nslookup::{Make, make_of};
use super::*;
use crate::api::request::{Answer, Request};
use crate::console::host::{ContainerView, FileError, Stopped, World};
use crate::dns::testing::{Mood, Names};
use crate::engine::time::{Duration, Instant};
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
    fn wire(&mut self) -> Option<&mut dyn Wire> {
        Some(&mut self.names)
    }
}

impl Host for Shell {
    fn world(&mut self) -> &mut dyn World {
        self
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
    fn run_in(&mut self, _: &Place, _: &[String], _: &str) -> Outcome {
        unreachable!("no other program is run")
    }
    fn enter(&mut self, _: Place, _: Option<Vec<String>>) {}
}

/// The output of a command line in a pod of that image; standard error after `stderr:`; the exit status if it is not 0, and
/// the seconds it took if they are not 0.
fn run_in(image: &'static str, mood: Mood, line: &str) -> String {
    let mut shell = Shell { names: Names { mood, ..Names::new(image == "alpine") }, image };
    let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
    let program = PROGRAMS.iter().find(|(name, _)| *name == argv[0]).unwrap().1;
    let outcome = program(&mut shell, &argv, "");
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
    assert_snapshot!(run("nslookup my-nginx"), @"0");
    assert_snapshot!(run("nslookup nope"), @"1");
    assert_snapshot!(run("nslookup -type=SRV _sql._tcp.db"), @"2");
    assert_snapshot!(run("nslookup 10.0.162.149"), @"3");
    assert_snapshot!(run("nslookup ext"), @"4");
    assert_snapshot!(run("nslookup example.com"), @"5");
    assert_snapshot!(run("nslookup svc.cluster.local"), @"6");
}

#[test]
fn nslookup_of_bind_without_a_server() {
    let in_image = |image, mood| run_in(image, mood, "nslookup my-nginx");
    assert_snapshot!(in_image("agnhost", Mood::Silent), @"7");
    assert_snapshot!(in_image("agnhost", Mood::Refusing), @"8");
    assert_snapshot!(in_image("jessie-dnsutils", Mood::Silent), @"9");
    assert_snapshot!(in_image("agnhost", Mood::Failing), @"10");
}

#[test]
fn nslookup_of_old_busybox() {
    let line = |line| run_in("radial/busyboxplus:curl", Mood::Answering, line);
    assert_snapshot!(line("nslookup my-nginx"), @"11");
    assert_snapshot!(line("nslookup nope"), @"12");
    assert_snapshot!(line("nslookup db"), @"13");
}

#[test]
fn nslookup_of_busybox() {
    assert_snapshot!(run_in("busybox", Mood::Answering, "nslookup my-nginx"), @"14");
    assert_snapshot!(run_in("busybox", Mood::Answering, "nslookup my-nginx.default.svc.cluster.local"), @"15");
    assert_snapshot!(run_in("busybox:1.30", Mood::Answering, "nslookup kubernetes.default"), @"16");
    assert_snapshot!(run_in("busybox", Mood::Silent, "nslookup my-nginx"), @"17");
    assert_snapshot!(run_in("busybox", Mood::Refusing, "nslookup my-nginx"), @"18");
}

#[test]
fn dig_shows_the_reply() {
    assert_snapshot!(run("dig my-nginx.default.svc.cluster.local"), @"19");
    assert_snapshot!(run("dig +short +search db SRV"), @"20");
    assert_snapshot!(run("dig +noall +answer +search my-nginx A"), @"21");
    assert_snapshot!(run("dig +noall +comments +authority nope.default.svc.cluster.local"), @"22");
    assert_snapshot!(run("dig @10.96.0.10 -x 10.96.0.1 +short"), @"23");
    assert_snapshot!(run("dig +short dns-version.cluster.local TXT"), @"24");
    assert_snapshot!(run_in("agnhost", Mood::Silent, "dig my-nginx"), @"25");
}

#[test]
fn host_speaks_in_sentences() {
    assert_snapshot!(run("host my-nginx"), @"26");
    assert_snapshot!(run("host nope"), @"27");
    assert_snapshot!(run("host 10.96.0.1"), @"28");
    assert_snapshot!(run("host -t SRV db"), @"29");
}

#[test]
fn getent_prints_what_the_library_found() {
    assert_snapshot!(run("getent hosts my-nginx"), @"30");
    assert_snapshot!(run("getent hosts nope"), @"31");
    assert_snapshot!(run("getent ahosts ext"), @"32");
    assert_snapshot!(run_in("agnhost", Mood::Silent, "getent ahosts my-nginx"), @"33");
}

#[test]
fn resolve_asks_beside_the_world() {
    assert_snapshot!(run("resolve my-nginx.default.svc.cluster.local"), @"34");
    assert_snapshot!(run("resolve my-nginx.default.svc.cluster.local A -o json"), @"35");
    assert_snapshot!(run("resolve my-nginx.default --from pod/default/curl -o json"), @"36");
    assert_snapshot!(run_in("agnhost", Mood::Silent, "resolve nope --from pod/default/curl"), @"37");
    assert_snapshot!(run("resolve a b c"), @"38");
    assert_snapshot!(run("resolve web A6"), @"39");
    assert_snapshot!(run("resolve web --from curl"), @"40");
}
