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

#[test]
fn a_lost_packet_names_what_is_broken() {
    let gateway =
        &["TIMED OUT after 2m09s. Nothing gets through between gateway and outside.", "`heal link/gateway/outside` mends it"];
    let partition = &["Nothing gets through between node-2 and switch.", "`heal node/node-2 --mode partition` mends it"];
    let down = &["node-1 is down", "Node node-1 has no power (`heal node/node-1` mends it); kubectl get nodes says Ready"];
    let nobody = &["Nobody has the address"];
    check(
        "",
        &[
            ("fail link/outside/gateway", "trace external 203.0.113.2:30080", gateway, nobody),
            ("fail node/node-2 --mode partition", "trace external 203.0.113.3:30080", partition, nobody),
            ("fail node/node-1", "trace external 203.0.113.2:30080", down, nobody),
            ("fail node/node-1", "trace external 203.0.113.2:30080 -o json", &[r#""object":"Node node-1""#], &[]),
            ("true", "trace pod/default/client 10.244.0.200:80", nobody, &["heal"]),
        ],
    );
}

#[test]
fn a_client_on_a_dead_machine_asks_nothing() {
    let says = &["node-3 is down, and the client with it", "`heal node/node-3` mends it"];
    let not = &["curl", "SYN", "name server", "Did you mean", "2m09s"];
    check(
        "",
        &[
            ("fail node/node-3", "trace pod/default/client web:80", says, not),
            ("fail node/node-3", "trace pod/default/client 10.96.0.1:443", says, not),
            ("fail node/node-3", "trace node/node-3 203.0.113.2:30080", says, not),
        ],
    );
}

#[test]
fn a_name_without_address_says_who_was_asked() {
    let shop = "Service shop/api";
    let not_cluster_dns = "which is not cluster DNS; only that knows api.shop.svc.cluster.local";
    let outside = &[not_cluster_dns, "a machine outside asks", shop, "a test from a pod: delivered 1/1"];
    let hosted =
        &[not_cluster_dns, "Pod default/hosted hostNetwork: true, dnsPolicy: ClusterFirst", "the cluster IP of Service shop/api"];
    let vain = &["Did you mean", "lost, silent"];
    check(
        "",
        &[
            (
                "true",
                "trace pod/default/client head:80",
                &["clusterIP: None", "its ready pods, and it has none", "not resolved"],
                vain,
            ),
            (
                "true",
                "trace pod/default/client ext:80",
                &["The name exists, but has no address", "ext is an alias of example.com", "externalName: example.com"],
                vain,
            ),
            ("true", "trace external api.shop:80", outside, &["ask for api.shop", "lost, silent"]),
            (
                "true",
                "trace node/node-1 api.shop:80",
                &[not_cluster_dns, "Node node-1 asks"],
                &["ask for api.shop", "Not seen by"],
            ),
            ("true", "trace pod/default/hosted api.shop:80", hosted, &["ask for api.shop"]),
            (
                "true",
                "trace pod/default/aloof api.shop:80",
                &["Pod default/aloof dnsPolicy: Default, so it asks"],
                &["hostNetwork"],
            ),
            (
                "true",
                "trace external nonsense.invalid:80",
                &["do not know the name"],
                &["Not seen by", "Did you mean", "Because"],
            ),
            ("true", "trace pod/default/client api:80", &["Service api is in namespace shop: ask for api.shop"], &["Because"]),
            ("true", "trace pod/default/client wbe:80", &["there is a Service web in namespace default"], &["Because"]),
            ("fail dns", "trace pod/default/client web:80", &["dns does not answer (`heal dns` mends it)"], vain),
            (
                "fail node/node-1; fail node/node-2",
                "trace pod/default/client web:80",
                &["to 10.96.0.10:53/UDP: node-", "has no power (`heal node/node-"],
                vain,
            ),
            ("true", "trace pod/default/client ext:80 -o json", &[r#""dst":"ext:80""#], &["0.0.0.0"]),
        ],
    );
}

#[test]
fn an_answer_says_what_the_rules_of_a_node_do_not_know() {
    let more = "kubectl delete pod web-2 --wait=false; kubectl run web-3 --image=nginx -l app=web; advance 60s";
    let stopped = format!("fail proxy/node-3; {more}");
    let cut_off = format!("fail link/node-3/apiserver; {more}");
    check(
        "",
        &[
            (
                "true",
                "trace pod/default/client web:80",
                &["selector app=web finds 2 endpoints, of which 2 may answer here"],
                &["behind", "heal"],
            ),
            (
                &stopped,
                "trace pod/default/client web:80",
                &["lack 1 endpoint, name 1 endpoint that is gone by now", "`heal proxy/node-3` mends it"],
                &["2 may answer here"],
            ),
            (
                &cut_off,
                "trace pod/default/client web:80",
                &["Node node-3 has rules that are 1m", "name 1 endpoint that is gone by now"],
                &["proxy/node-3"],
            ),
        ],
    );
}

#[test]
fn affinity_and_turns_are_no_draw() {
    let called = "kubectl exec client -- wget -q -O - sticky";
    let ask = "trace pod/default/client sticky:80";
    let told = &["session affinity: this client goes where it went before", "remembered", "not now", "sessionAffinity: ClientIP"];
    check(
        "",
        &[(called, ask, told, &["1/2", "draws", "All ways"]), ("true", ask, &["draws one of 2 endpoints"], &["remembered"])],
    );
    check(
        "proxy: {mode: ipvs}, ",
        &[("true", "trace pod/default/client web:80", &["each in its turn", "1/2, its turn"], &["draws"])],
    );
}

#[test]
fn what_an_unknown_image_does_is_assumed() {
    let ask = "trace pod/default/client own:80";
    let told = &["answers is assumed", "a process listens there and accepts (assumed: its image is not known here)"];
    check(
        "",
        &[
            ("true", ask, told, &["Answered by"]),
            ("true", "trace pod/default/client own:80 -o json", &[r#""basis":"assumed""#], &[]),
            ("true", "trace pod/default/client web:80 -o json", &[r#""basis":"source""#], &[r#""basis":"assumed""#]),
        ],
    );
}

#[test]
fn a_node_port_is_open_where_the_mode_says() {
    let open = &["nftables mode takes node ports on a node's first address of a family only; node-1 takes them at 192.168.0.2"];
    let nft = "proxy: {mode: nftables}, ";
    check(
        nft,
        &[
            ("true", "trace external 203.0.113.2:30080", open, &[]),
            ("true", "trace external 192.168.0.2:30080", &["DELIVERED"], open),
        ],
    );
    let listed = "proxy: {nodePortAddresses: [192.168.0.0/24]}, ";
    check(listed, &[("true", "trace external 203.0.113.2:30080", &["nodePortAddresses leaves 203.0.113.2 out"], &[])]);
    check(
        "",
        &[("true", "trace external 203.0.113.2:30080 --protocol UDP", &["for TCP only, and UDP was asked for"], &["curl"])],
    );
    let local = r#"kubectl patch svc web -p '{"spec":{"externalTrafficPolicy":"Local"}}'; advance 5s"#;
    let ipvs =
        &["externalTrafficPolicy: Local; its pods: 1 on node-1, 1 on node-2", "no pod on node-3 may answer", "source kept"];
    check("proxy: {mode: ipvs}, ", &[(local, "trace external 203.0.113.4:30080", ipvs, &["so only pods on node-3"])]);
}
