//! What programs see of connections that something happens to: a server that ends, a node that goes dark, a wire that is cut, a
//! Service that moves on. Each case types a command, lets other commands happen while it runs, and knows text, status and time.

use sim_core::console::host::Outcome;
use sim_core::engine::time::Duration;
use sim_core::scenario::play::{self, Player};
use sim_tests::input;

/// Two machines; a client on the first, servers of several kinds on the second.
const CLUSTER: &str = r#"
apiVersion: kubewalk/v1
kind: Scenario
metadata: {name: clients}
spec:
  cluster: {nodes: 2}
  images:
    example.org/blue: {listen: [{port: 80}], reply: {body: "blue\n"}}
    example.org/green: {listen: [{port: 80}], reply: {body: "green\n"}}
    example.org/slow: {listen: [{port: 80}], reply: {delay: 20s, body: "late\n"}}
    example.org/hangs: {listen: [{port: 80}], reply: {fail: hang}}
  steps:
    - apply: {doc: pod/client}
    - apply: {doc: pod/blue}
    - apply: {doc: pod/green}
    - apply: {doc: pod/slow}
    - apply: {doc: pod/hangs}
    - apply: {doc: service/web}
    - apply: {doc: service/slow}
    - apply: {doc: service/hangs}
    - apply: {doc: pod/go}
    - apply: {doc: pod/box}
    - apply: {doc: service/nobody}
    - apply: {doc: service/elsewhere}
    - apply: {doc: service/deaf}
    - until: converged
      within: 2m
---
{apiVersion: v1, kind: Pod, metadata: {name: client}, spec: {nodeName: node-1, terminationGracePeriodSeconds: 1, containers: [{name: c, image: curlimages/curl, command: [sleep, infinity]}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: blue, labels: {app: blue}}, spec: {nodeName: node-2, containers: [{name: c, image: example.org/blue}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: green, labels: {app: green}}, spec: {nodeName: node-2, containers: [{name: c, image: example.org/green}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: slow, labels: {app: slow}}, spec: {nodeName: node-2, containers: [{name: c, image: example.org/slow}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: hangs, labels: {app: hangs}}, spec: {nodeName: node-2, containers: [{name: c, image: example.org/hangs}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: blue}, ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: slow}, spec: {selector: {app: slow}, ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: go}, spec: {nodeName: node-1, containers: [{name: c, image: registry.k8s.io/e2e-test-images/agnhost:2.47, command: [sleep, infinity]}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: box}, spec: {nodeName: node-1, containers: [{name: c, image: "busybox:1.36", command: [sleep, infinity]}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: nobody}, spec: {selector: {app: nobody}, ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: elsewhere}, spec: {internalTrafficPolicy: Local, selector: {app: blue}, ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: deaf}, spec: {selector: {app: blue}, ports: [{port: 80, targetPort: 8080}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: hangs}, spec: {selector: {app: hangs}, ports: [{port: 80}]}}
"#;

/// The cluster, everything in it running.
fn player() -> Player {
    let mut player = Player::new(input("clients.yaml", CLUSTER), &play::Options::default()).expect("the cluster can be built");
    while let Some(step) = player.step() {
        assert_eq!(step.failures, Vec::<String>::new());
    }
    player
}

/// Runs `line` in the client's container; `during` happens so many seconds after it began. Its outcome, and how long it took.
fn run(player: &Player, line: &str, during: &[(u64, &'static str)]) -> (Outcome, Duration) {
    let meanwhile = during.iter().map(|(after, line)| match after {
        0 => format!("{line}\n"),
        _ => format!("(sleep {after}; {line}) > /dev/null &\n"),
    });
    let mut player = player.fork();
    let before: String = meanwhile.collect();
    let start = player.sim().engine().now();
    let outcome = player.session.run(&format!("{before}kubectl exec client -- {line}"));
    let end = player.sim().engine().now();
    (outcome, end.since(start))
}

/// Runs lines, the last of which is looked at: its outcome, and how long it took.
fn run_in(player: &Player, before: &[&str], line: &str) -> (Outcome, Duration) {
    let mut player = player.fork();
    for line in before {
        assert_eq!(player.session.run(line).exit, 0, "{line}");
    }
    let start = player.sim().engine().now();
    let outcome = player.session.run(line);
    let end = player.sim().engine().now();
    (outcome, end.since(start))
}

/// A case: what happens, the command, what happens meanwhile, a part of its output, its exit status, and the seconds it takes, at
/// least and less than the next one.
type Case = (&'static str, &'static str, &'static [(u64, &'static str)], &'static str, i32, u64);

fn check(cases: &[Case]) {
    let player = player();
    for (what, line, during, text, exit, seconds) in cases {
        let (outcome, took) = run(&player, line, during);
        let all = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(all.contains(text), "{what}: {text}\n{all}");
        assert_eq!((outcome.exit, took.as_secs()), (*exit, *seconds), "{what}, after {took}: {all}");
    }
}

const CUT: (u64, &str) = (0, "fail link/node-1/node-2");
const HEALED: &str = "heal link/node-1/node-2";
const MOVE_ON: &str = "kubectl patch service web -p '{\"spec\":{\"selector\":{\"app\":\"green\"}}}' > /dev/null";

#[test]
fn a_connection_that_does_not_come_about() {
    let line = "curl -sS http://$(kubectl get service web -o jsonpath='{.spec.clusterIP}')";
    check(&[
        ("no SYN gets through", line, &[CUT], "after 129261 ms: Couldn't connect to server", 28, 129),
        // SYNs leave at 0, 1, 3, 7, 15, 31 and 63 s.
        ("the third retry gets through", line, &[CUT, (5, HEALED)], "blue", 0, 7),
        ("the last one does not", line, &[CUT, (64, HEALED)], "curl: (28) Failed to connect", 28, 129),
    ]);
}

#[test]
fn a_server_that_ends_while_it_works() {
    check(&[
        ("it answers, late", "curl -sS http://slow", &[], "late\n", 0, 20),
        (
            "its process is killed",
            "curl -sS http://slow",
            &[(3, "fail pod/default/slow")],
            "curl: (52) Empty reply from server",
            52,
            3,
        ),
        (
            "its pod is deleted",
            "curl -sS http://slow",
            &[(3, "kubectl delete pod slow --wait=false > /dev/null")],
            "curl: (52) Empty reply from server",
            52,
            3,
        ),
        (
            "it hangs, and is killed",
            "curl -sS http://hangs",
            &[(30, "fail pod/default/hangs")],
            "curl: (52) Empty reply from server",
            52,
            30,
        ),
        ("wget hears the same", "wget -qO- http://slow", &[(3, "fail pod/default/slow")], "wget: error getting response", 1, 3),
    ]);
}

#[test]
fn a_server_that_falls_silent() {
    check(&[
        (
            "its node dies; curl's probes find out",
            "curl -sS http://slow",
            &[(3, "fail node/node-2")],
            "curl: (56) Recv failure: Connection timed out",
            56,
            600,
        ),
        (
            "after the probe of the first minute",
            "curl -sS http://hangs",
            &[(100, "fail node/node-2")],
            "curl: (56) Recv failure: Connection timed out",
            56,
            660,
        ),
        (
            "wget asks for no probes; its own limit ends it",
            "wget -qO- http://slow",
            &[(3, "fail node/node-2")],
            "wget: download timed out",
            1,
            900,
        ),
        (
            "the caller's limit",
            "curl -sS -m 5 http://slow",
            &[(3, "fail node/node-2")],
            "curl: (28) Operation timed out after 5000 milliseconds with 0 bytes received",
            28,
            5,
        ),
        // Sent again 0.2, 0.6, 1.4, 3, 6.2 and 12.6 s after the answer was due.
        ("the answer is sent again", "curl -sS http://slow", &[(3, "fail link/node-1/node-2"), (30, HEALED)], "late", 0, 32),
    ]);
}

#[test]
fn a_kept_connection() {
    let twice = "curl -sS --rate 1/m -w '%{num_connects}\\n' http://web http://web";
    check(&[
        ("two URLs, one connection", twice, &[], "blue\n1\nblue\n0\n", 0, 60),
        ("the Service moves on; the connection does not", twice, &[(30, MOVE_ON)], "blue\n1\nblue\n0\n", 0, 60),
        ("the Service is deleted", twice, &[(30, "kubectl delete service web > /dev/null")], "blue\n1\nblue\n0\n", 0, 60),
        ("its server was restarted", twice, &[(30, "fail pod/default/blue")], "blue\n1\nblue\n1\n", 0, 60),
        (
            "its pod is gone, and another takes over",
            twice,
            &[(20, MOVE_ON), (30, "kubectl delete pod blue --wait=false > /dev/null")],
            "blue\n1\ngreen\n1\n",
            0,
            60,
        ),
        (
            "its pod is gone, and nobody takes over",
            twice,
            &[(30, "kubectl delete pod blue --wait=false > /dev/null")],
            "curl: (7) Failed to connect to web port 80",
            7,
            60,
        ),
        // The second request is sent again for 924.6 s.
        ("its node is dead", twice, &[(30, "fail node/node-2")], "curl: (56) Recv failure: Connection timed out", 56, 984),
        // 0.2, 0.6, 1.4, 3, 6.2, 12.6 s after the second request.
        (
            "the wire is cut, and whole again in time",
            twice,
            &[(30, "fail link/node-1/node-2"), (70, HEALED)],
            "blue\n1\nblue\n0\n",
            0,
            72,
        ),
    ]);
}

#[test]
fn what_verbose_curl_says() {
    let player = player();
    let line = "curl -sv -o /dev/null -o /dev/null --rate 1/m http://web http://web";
    let told = |line: &str, during| run(&player, line, during).0.stderr;
    insta::assert_snapshot!(
        "verbose",
        [
            told(line, &[]),
            told(line, &[(30, "fail pod/default/blue")]),
            told("curl -sv http://web:81 -m 5", &[]),
            told("curl -v http://slow", &[(3, "fail pod/default/slow")])
        ]
        .join("\n")
    );
}

/// A row of the table of errors: what is wrong, how it comes about, whom the clients call, what curl, wget and a Go client say of it,
/// and the seconds after which they do.
type Row = (&'static str, &'static [&'static str], &'static str, &'static str, &'static str, &'static str, u64);

const DENY: &str = "kubectl apply -f - <<'END' > /dev/null
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny}, spec: {podSelector: {matchLabels: {app: blue}}}}
END";
const SLOW: &str = "curl: (28) Connection timed out after 5001 milliseconds";

/// `IP` stands for the address of the Service `web`.
const ROWS: &[Row] = &[
    (
        "no such name",
        &[],
        "nosuch:80",
        "curl: (6) Could not resolve host: nosuch",
        "wget: bad address 'nosuch'",
        "DNS: lookup nosuch on 10.96.0.10:53: no such host",
        0,
    ),
    (
        "DNS is silent",
        &["fail dns"],
        "web:80",
        "curl: (28) Resolving timed out after 5000 milliseconds",
        "wget: bad address 'web'",
        "->10.96.0.10:53: i/o timeout",
        20,
    ),
    (
        "no endpoint anywhere",
        &[],
        "nobody:80",
        "curl: (7) Failed to connect to nobody port 80 after 0 ms: Couldn't connect to server",
        "): Connection refused",
        "REFUSED",
        0,
    ),
    ("endpoints, none here", &[], "elsewhere:80", SLOW, "wget: download timed out", "TIMEOUT", 5),
    (
        "nobody listens",
        &[],
        "deaf:80",
        "curl: (7) Failed to connect to deaf port 80 after",
        "): Connection refused",
        "REFUSED",
        0,
    ),
    ("the node is gone", &["fail node/node-2"], "IP:80", SLOW, "wget: download timed out", "TIMEOUT", 5),
    ("a policy denies", &[DENY, "advance 5s"], "web:80", SLOW, "wget: download timed out", "TIMEOUT", 5),
    ("a port that the Service has not", &[], "web:81", SLOW, "wget: download timed out", "TIMEOUT", 5),
    ("an address that no Service has", &[], "10.96.99.99:80", SLOW, "wget: download timed out", "TIMEOUT", 5),
    ("all is well", &[], "web:80", "blue", "blue", "", 0),
];

#[test]
fn the_table_of_errors_in_the_words_of_three_clients() {
    let player = player();
    let ip = run_in(&player, &[], "kubectl get service web -o jsonpath='{.spec.clusterIP}'").0.stdout;
    for (what, before, target, curl, wget, go, seconds) in ROWS {
        let target = target.replace("IP", &ip);
        let clients = [
            // Only curl's limit counts for the resolver, too; and Go's resolver tries every candidate.
            (format!("kubectl exec go -- curl -sS --connect-timeout 5 http://{target}"), curl, *seconds.min(&5)),
            (format!("kubectl exec go -- wget -T 5 -qO- http://{target}"), wget, *seconds),
            (
                format!("kubectl exec go -- /agnhost connect --timeout=5s {target}"),
                go,
                if *what == "DNS is silent" { 40 } else { *seconds },
            ),
        ];
        for (line, text, seconds) in clients {
            let (outcome, took) = run_in(&player, before, &line);
            let all = format!("{}{}", outcome.stdout, outcome.stderr);
            assert!(all.contains(*text), "{what}, {line}: {text}\n{all}");
            assert_eq!(took.as_secs(), seconds, "{what}, {line}: {took}");
            assert_eq!(outcome.exit == 0, *what == "all is well", "{what}, {line}: {all}");
        }
    }
}

#[test]
fn what_the_go_client_says_of_its_own_use() {
    let cases = [
        ("connect web", "UNKNOWN: address web: missing port in address"),
        ("connect", "Error: accepts 1 arg(s), received 0"),
        ("connect --fast web:80", "Error: unknown flag: --fast"),
        ("connect --protocol=icmp web:80", "Unsupported protocol"),
        ("connect --protocol udp --timeout 2s web:80", "TIMEOUT: read udp 10.244."),
        ("connect --protocol udp nobody:53", "TIMEOUT: read udp 10.244."),
        ("connect --timeout 300s 10.96.99.99:80", "TIMEOUT"),
    ];
    let player = player();
    for (words, text) in cases {
        let (outcome, _) = run_in(&player, &[], &format!("kubectl exec go -- agnhost {words}"));
        assert!(outcome.exit == 1 && outcome.stderr.contains(text), "{words}: {}", outcome.stderr);
    }
    let elsewhere = run_in(&player, &[], "kubectl exec client -- agnhost connect web:80").0;
    assert_eq!(elsewhere.exit, 126, "other images do not have it");
}

/// A command, what it prints (`IP` stands for the address of the Service `web`, `BLUE` for that of its pod, `BOX` for that of the pod with the small image), and the seconds it takes.
#[test]
fn nc_and_ping_in_the_words_of_machines_and_of_small_images() {
    let in_box = |line: &str| format!("kubectl exec box -- {line}");
    let end = |code: i32| format!("command terminated with exit code {code}\n");
    let lost = "PING IP (IP): 56 data bytes\n\n--- IP ping statistics ---\n2 packets transmitted, 0 packets received, 100% packet loss\n";
    let cases = [
        (in_box("nc -zv web 80"), "web (IP:80) open\n".to_string(), 0),
        (in_box("nc -zv deaf 80"), end(1), 0),
        (in_box("nc -zv -w 2 10.96.99.99 80"), format!("nc: 10.96.99.99 (10.96.99.99:80): Connection timed out\n{}", end(1)), 2),
        (in_box("nc -zv nosuch 80"), format!("nc: bad address 'nosuch'\n{}", end(1)), 0),
        (in_box("sh -c \"printf 'HEAD / HTTP/1.0\\r\\n\\r\\n' | nc web 80 | head -1\""), "HTTP/1.1 200 OK\r\n".into(), 0),
        (in_box("ping -c 2 IP"), format!("{lost}{}", end(1)), 11),
        (
            in_box("ping -q -c 1 BLUE"),
            "PING BLUE (BLUE): 56 data bytes\n\n--- BLUE ping statistics ---\n1 packets transmitted, 1 packets received, \
             0% packet loss\nround-trip min/avg/max = 0.500/0.500/0.500 ms\n"
                .into(),
            0,
        ),
        (
            "kubectl exec go -- nc -vz -w 2 10.96.99.99 80".into(),
            format!("nc: connect to 10.96.99.99 port 80 (tcp) timed out: Operation now in progress\n{}", end(1)),
            2,
        ),
        (
            "kubectl exec go -- ping -c 2 -W 3 IP".into(),
            format!(
                "PING IP (IP) 56(84) bytes of data.\n\n--- IP ping statistics ---\n2 packets transmitted, 0 received, 100% packet \
                 loss, time 1000ms\n\n{}",
                end(1)
            ),
            4,
        ),
        (
            in_box("ip -4 addr show eth0"),
            "3: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue\n    inet BOX/24 scope global eth0\n       valid_lft \
             forever preferred_lft forever\n"
                .into(),
            0,
        ),
        (in_box("ip addr show eth1"), format!("ip: can't find device 'eth1'\n{}", end(1)), 0),
        ("ip route".into(), "kubewalk: ip: of its commands `ip addr` is modelled, with -4, -6 and `show [dev] DEVICE`\n".into(), 0),
        ("ping -f web".into(), "kubewalk: ping: -f is not modelled; -c, -i, -W, -w, -q, -n, -4 and -6 are\n".into(), 0),
        ("ping -c no web".into(), "ping: invalid argument: 'no'\n".into(), 0),
    ];
    let player = player();
    let ask = |line: &str| run_in(&player, &[], line).0.stdout;
    let service = ask("kubectl get service web -o jsonpath='{.spec.clusterIP}'");
    let pod = ask("kubectl get pod blue -o jsonpath='{.status.podIP}'");
    let own = ask("kubectl get pod box -o jsonpath='{.status.podIP}'");
    let fill = |text: &str| text.replace("BOX", &own).replace("BLUE", &pod).replace("IP", &service);
    for (line, text, seconds) in cases {
        let (outcome, took) = run_in(&player, &[], &fill(&line));
        assert_eq!(format!("{}{}", outcome.stdout, outcome.stderr), fill(&text), "{line}");
        assert_eq!(took.as_secs(), seconds, "{line}: {took}");
    }
}
