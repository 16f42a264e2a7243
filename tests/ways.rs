//! What `trace` says of connections in broken, stale and odd worlds: the headline, the cause, the way out, and what it must not say.

use std::sync::Arc;

use sim_core::scenario::load::Input;
use sim_tests::{console, input};

/// A Service of each kind, clients that ask DNS in different ways, and pods whose programs are known and guessed.
const CLUSTER: &str = r#"
apiVersion: kubewalk/v1
kind: Scenario
metadata: {name: ways}
spec: {seed: 7, cluster: {cloud: {provider: generic}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: v1, kind: Service, metadata: {name: api, namespace: shop}, spec: {type: LoadBalancer, selector: {app: api}, ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: api, namespace: shop, labels: {app: api}}, spec: {nodeName: node-1, containers: [{name: c, image: nginx}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {type: NodePort, selector: {app: web}, ports: [{port: 80, nodePort: 30080}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web-1, labels: {app: web}}, spec: {nodeName: node-1, containers: [{name: c, image: nginx}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web-2, labels: {app: web}}, spec: {nodeName: node-2, containers: [{name: c, image: nginx}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: head}, spec: {clusterIP: None, selector: {app: nobody}, ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: ext}, spec: {type: ExternalName, externalName: example.com}}
---
{apiVersion: v1, kind: Service, metadata: {name: udp}, spec: {selector: {app: udp}, ports: [{port: 8081, protocol: UDP}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: udp, labels: {app: udp}}, spec: {nodeName: node-2, containers: [{name: c, image: nginx}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: own}, spec: {selector: {app: own}, ports: [{port: 80, targetPort: 9000}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: own, labels: {app: own}}, spec: {nodeName: node-1, containers: [{name: c, image: example.org/own, ports: [{containerPort: 9000}]}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: sticky}, spec: {selector: {app: web}, sessionAffinity: ClientIP, ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: client}, spec: {nodeName: node-3, containers: [{name: c, image: busybox, command: [sleep, "100000"]}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: hosted}, spec: {nodeName: node-3, hostNetwork: true, containers: [{name: c, image: busybox, command: [sleep, "100000"]}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: aloof}, spec: {nodeName: node-3, dnsPolicy: Default, containers: [{name: c, image: busybox, command: [sleep, "100000"]}]}}
"#;

/// What is done first, the question, what the answer says, and what it does not.
type Case<'a> = (&'a str, &'a str, &'a [&'a str], &'a [&'a str]);

fn cluster(spec: &str) -> Arc<Input> {
    input("ways.yaml", &CLUSTER.replace("seed: 7, cluster: {", &format!("seed: 7, cluster: {{{spec}")))
}

/// Asks each question in a world of its own. Lines of an answer are joined, so that a sentence is found however it is wrapped.
fn check(spec: &str, cases: &[Case<'_>]) {
    let documents: Vec<&str> = CLUSTER.split("\n---\n").skip(1).collect();
    let apply = format!("kubectl apply -f - <<'END'\n{}\nEND", documents.join("\n---\n"));
    let input = cluster(spec);
    for (first, question, says, not) in cases {
        let outcomes = console(&input, &[&apply, "advance 60s", first, question]);
        let [applied, .., before, answer] = &outcomes[..] else { panic!("four lines, four outcomes") };
        assert_eq!((applied.exit, before.exit, answer.exit), (0, 0, 0), "{question}: {}{}", before.stderr, answer.stderr);
        let told = answer.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        for text in *says {
            assert!(told.contains(text), "{first}; {question} should say `{text}`\n{}", answer.stdout);
        }
        for text in *not {
            assert!(!told.contains(text), "{first}; {question} should not say `{text}`\n{}", answer.stdout);
        }
    }
}

#[test]
fn a_port_belongs_to_its_protocol() {
    let udp = "trace pod/default/client web:80 --protocol UDP";
    let sctp = "trace pod/default/client web:80 --protocol SCTP";
    check(
        "",
        &[
            (
                "true",
                udp,
                &["TIMED OUT. ", "80 is TCP only, and UDP was asked for", "80/TCP of Service default/web"],
                &["curl", "SYN"],
            ),
            ("true", udp, &["one datagram, no answer"], &["2m09s", "none of them", "the pods' port"]),
            ("true", sctp, &["TIMED OUT. ", "80 is TCP only, and SCTP was asked for"], &["curl", "SYN"]),
            (
                "true",
                "trace pod/default/client udp:8081",
                &["8081 is UDP only, and TCP was asked for", "curl: (28)"],
                &["none of them"],
            ),
            (
                "true",
                "trace pod/default/client udp:8081 --protocol UDP",
                &["REFUSED", "nothing listens on port 8081/UDP", "ICMP, refused", "listen on 80/TCP"],
                &["curl", "RST"],
            ),
            (
                "true",
                "trace pod/default/udp 127.0.0.1:9 --protocol UDP",
                &["the programs there listen on 80/TCP"],
                &["listens at all"],
            ),
            (
                "true",
                "trace pod/default/client web:81",
                &["81 is none of them", "Service default/web has port 80/TCP"],
                &["only"],
            ),
        ],
    );
}
