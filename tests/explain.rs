//! The questions `trace`, `rules`, `reach` and `why`: every reason has a section in the book and a scenario that gives it; each
//! bad question gets an answer with a way out; the good ones are asked of small clusters whose answer is known.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use sim_core::explain::Reason;
use sim_tests::{console, input, reasons, scenario_files};

#[test]
fn every_reason_has_a_section_in_the_book() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/src/reasons.md");
    let text = fs::read_to_string(page).expect("the page is there");
    let sections: Vec<&str> = text.split("\n## ").skip(1).collect();
    let headings: BTreeSet<&str> = sections.iter().filter_map(|s| s.lines().next()).collect();
    let codes: BTreeSet<&str> = Reason::CODES.iter().copied().collect();
    assert_eq!(headings, codes, "headings of book/src/reasons.md and codes of explain/reason.rs");
    assert!(sections.iter().all(|s| s.lines().count() > 2), "each section says something");
}

#[test]
fn every_reason_is_given_by_a_scenario() {
    let mut given: BTreeSet<String> = BTreeSet::new();
    for (name, text) in scenario_files() {
        for (code, sentence) in reasons(&input(&name, &text)) {
            assert!(sentence.len() > 5, "{code} in {name} has a sentence");
            given.insert(code);
        }
    }
    let missing: Vec<&str> = Reason::CODES.iter().copied().filter(|c| !given.contains(*c)).collect();
    assert_eq!(missing, Vec::<&str>::new(), "reasons that no `trace` of a scenario gives");
}

/// A cluster at rest: a Service `web` with two pods, one in another namespace, and one of everything that does not work.
const CLUSTER: &str = r#"
apiVersion: kubewalk/v1
kind: Scenario
metadata: {name: questions}
spec: {seed: 7}
---
{apiVersion: v1, kind: Namespace, metadata: {name: prod}}
---
{apiVersion: v1, kind: Service, metadata: {name: api, namespace: prod}, spec: {selector: {app: api}, ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{name: http, port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: bare}, spec: {clusterIP: None, selector: {app: web}, ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: hollow}, spec: {clusterIP: None, selector: {app: wbe}, ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: alias}, spec: {type: ExternalName, externalName: example.org}}
---
{apiVersion: v1, kind: Service, metadata: {name: typo}, spec: {selector: {app: wbe}, ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: misnamed}, spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: cloudless}, spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: local}, spec: {internalTrafficPolicy: Local, selector: {app: web}, ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web-1, labels: {app: web}}, spec: {nodeName: node-1, containers: [{name: c, image: nginx, ports: [{name: web, containerPort: 80}]}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web-2, labels: {app: web}}, spec: {nodeName: node-2, containers: [{name: c, image: nginx, ports: [{name: web, containerPort: 80}]}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: client}, spec: {nodeName: node-3, containers: [{name: c, image: busybox, command: [sleep, "100000"]}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: huge}, spec: {containers: [{name: c, image: nginx, resources: {requests: {cpu: "100"}}}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: picky}, spec: {nodeSelector: {disk: ssd}, containers: [{name: c, image: nginx}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: deaf}, spec: {containers: [{name: c, image: nginx, readinessProbe: {httpGet: {port: 81}, periodSeconds: 1}}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: crash}, spec: {containers: [{name: c, image: busybox, command: ["false"]}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: unset}, spec: {containers: [{name: c, image: nginx, env: [{name: A, valueFrom: {configMapKeyRef: {name: absent, key: a}}}]}]}}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: disk}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: guard}, spec: {podSelector: {matchLabels: {part: db}}, policyTypes: [Ingress, Egress],
  ingress: [{from: [{podSelector: {matchLabels: {role: client}}}, {ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}], ports: [{port: 80}, {port: web, protocol: UDP}]},
    {from: [{podSelector: {}, namespaceSelector: {matchLabels: {team: a}}}]}]}}
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: open}, spec: {podSelector: {matchExpressions: [{key: part, operator: Exists}]}, ingress: [{}]}}
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: idle}, spec: {podSelector: {matchLabels: {part: none}}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: db-1, labels: {part: db}}, spec: {containers: [{name: c, image: nginx}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: db-2, labels: {part: db}}, spec: {containers: [{name: c, image: nginx}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: crowd}
spec:
  replicas: 10
  selector: {matchLabels: {app: crowd}}
  template: {metadata: {labels: {app: crowd}}, spec: {nodeSelector: {disk: ssd}, containers: [{name: c, image: nginx}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: stuck}
spec:
  replicas: 1
  selector: {matchLabels: {app: stuck}}
  template: {metadata: {labels: {app: stuck}}, spec: {nodeSelector: {disk: ssd}, containers: [{name: c, image: nginx}]}}
"#;

/// Asks lines of the cluster after everything is applied and a minute has passed; exit, standard output and error of each.
fn ask(lines: &[&str]) -> Vec<(i32, String, String)> {
    let documents: Vec<&str> = CLUSTER.split("\n---\n").skip(1).collect();
    let apply = format!("kubectl apply -f - <<'END'\n{}\nEND", documents.join("\n---\n"));
    let mut all = vec![apply.as_str(), "advance 60s"];
    all.extend(lines);
    let outcomes = console(&input("questions.yaml", CLUSTER), &all);
    assert_eq!(outcomes[0].exit, 0, "{}", outcomes[0].stderr);
    outcomes.into_iter().skip(2).map(|o| (o.exit, o.stdout, o.stderr)).collect()
}

#[test]
fn bad_questions_get_a_way_out() {
    let cases = [
        ("trace", "one source and one target are needed, and 0 were given"),
        ("trace pod/default/client", "one source and one target are needed, and 1 were given"),
        ("trace pod/default/client web:80 more", "and 3 were given"),
        ("trace client web:80", "`client` is not a source; write pod/NAMESPACE/NAME"),
        ("trace pod/default/clint web:80", "pod default/clint does not exist; did you mean client?"),
        ("trace pod/prod/client web:80", "did you mean pod/default/client?"),
        ("trace pod/default/huge web:80", "has no node yet, so it cannot send; `why pod/default/huge` says why"),
        ("trace node/node-9 web:80", "node `node-9` does not exist; the nodes are node-1, node-2, node-3"),
        ("trace 10.0.0.1 web:80", "`10.0.0.1` alone does not say where it enters; add --at-node NODE"),
        ("trace 10.0.0.1 web:80 --at-node node-9", "node `node-9` does not exist"),
        ("trace external web", "`web` has no port; add one, as in web:80"),
        ("trace external web:http", "`http` is not a port; ports are numbers from 1 to 65535"),
        ("trace external web:0", "`0` is not a port"),
        ("trace external web:99999", "`99999` is not a port"),
        ("trace external fd00::1:80", "an IPv6 address stands in brackets; put it there, as in [fd00::1]:80"),
        ("trace external ftp://web", "is neither http nor https"),
        ("trace external :80", "names no host"),
        ("trace external svc/default/wbe:80", "Service default/wbe does not exist; namespace default has"),
        ("trace external svc/default/api:80", "Service default/api does not exist; did you mean svc/prod/api?"),
        ("trace external svc/default/bare:80", "is headless: it has no address"),
        ("trace external svc/default/alias:80", "is only an alias: it has no address; trace example.org"),
        ("trace external a/b/c/d:80", "is not a target; write IP:PORT"),
        ("trace external web:80 --protocol ICMP", "`ICMP` is not a protocol; there are TCP, UDP and SCTP"),
        ("trace external web:80 --protocol", "`--protocol` needs a value"),
        ("trace external web:80 --fast", "`--fast` is not a flag of it; there are --protocol, --at-node, --client-port, -o json"),
        ("trace external web:80 --client-port 0", "`0` is not a port; ports are numbers from 1 to 65535"),
        ("trace external web:80 -o yaml", "`yaml` is not a form of output; there are text and json"),
        ("rules", "a node is needed"),
        ("rules node/node-9", "node `node-9` does not exist; the nodes are node-1, node-2, node-3"),
        ("rules node/node-1 --mode ebpf", "`ebpf` is not a mode; there are iptables, nftables and ipvs"),
        ("rules node/node-1 svc/web2", "Service default/web2 does not exist"),
        ("rules node/node-1 svc/prod/web", "Service prod/web does not exist; did you mean svc/default/web?"),
        ("rules node/node-1 web", "`web` is not a Service; write svc/NAMESPACE/NAME"),
        ("reach pods", "`pods` stands alone; write --from or --to before it"),
        ("reach --from everybody", "`everybody` is no source; there are pods, nodes, external"),
        ("reach --to internet", "`internet` is no target; there are services, pods"),
        ("reach --to ns/nowhere", "namespace `nowhere` does not exist; `kubectl get namespaces` lists them"),
        ("reach --from ns/prod", "--from finds nobody that could send: no pod of ns/prod runs"),
        ("reach --to svc/alias", "svc/default/alias is only an alias of example.org: it has no address here"),
        ("reach --to svc/alias --to svc/hollow", "svc/default/hollow is headless and no pod behind it is ready"),
        ("reach --to pod/default/client", "pod/default/client declares no port"),
        ("reach -o json -o text --to=", "`--to` needs a value"),
        ("why", "one object is needed, and 0 were given"),
        ("why web", "`web` names no object; write KIND/NAMESPACE/NAME"),
        ("why pdo/web", "`pdo` is no kind; did you mean pod?"),
        ("why banana/web", "`banana` is no kind; `kubectl api-resources` lists them"),
        ("why svc/wbe", "Service default/wbe does not exist; did you mean web?"),
        ("why svc/default/api", "Service default/api does not exist; did you mean service/prod/api?"),
        ("why node/default/node-1", "a Node is in no namespace; write node/node-1"),
        ("why job/x", "there is no Job at all here"),
    ];
    let answers = ask(&cases.map(|(line, _)| line));
    for ((line, expected), (exit, out, err)) in cases.iter().zip(answers) {
        assert!(err.contains(expected) && err.contains("usage: "), "{line}\n{err}");
        assert!(err.starts_with(&format!("kubewalk: {}: ", line.split(' ').next().unwrap_or_default())), "{line}\n{err}");
        assert_eq!((exit, out.as_str()), (2, ""), "{line}");
    }
}

#[test]
fn some_addresses_are_nobodys_or_ones_own() {
    let cases = [
        (r#"kubectl patch service web -p '{"spec":{"externalIPs":["203.0.113.77"]}}'"#, "service/web patched\n"),
        ("advance 5s", ""),
        ("trace external 127.0.0.1:80", "REFUSED at once. client is up and answered no.\n"),
        ("trace external 198.51.100.7:80", "REFUSED at once."),
        (
            "trace pod/default/web-1 127.0.0.1:80",
            "DELIVERED at once. Answered by web-1.\n    client   127.0.0.1 -> 127.0.0.1:80/TCP",
        ),
        ("trace pod/default/web-1 [::1]:80", "DELIVERED at once. Answered by web-1.\n    client   ::1 -> [::1]:80/TCP"),
        ("trace pod/default/web-1 0.0.0.0:81", "REFUSED at once. web-1 is up and answered no."),
        // Whether somebody outside routes it to a node is not known here.
        ("trace external 203.0.113.77:80", "UNKNOWN"),
        ("trace pod/default/client 203.0.113.77:80", "DELIVERED"),
        ("trace pod/default/client 203.0.113.77:81", "UNKNOWN"),
        ("trace pod/default/client 224.0.0.1:80", "UNKNOWN"),
        ("trace pod/default/client 255.255.255.255:80 --protocol UDP", "UNKNOWN"),
        ("curl -s -S http://localhost:8080", "curl: (7) Failed to connect to localhost port 8080 after 0 ms"),
        ("ssh node-2 getent hosts node-2", "192.168.0.3     node-2"),
    ];
    let lines: Vec<&str> = cases.iter().map(|(line, _)| *line).collect();
    for ((line, want), (_, out, err)) in cases.iter().zip(ask(&lines)) {
        let all = format!("{out}{err}");
        assert!(all.starts_with(want), "{line}: {want}\n{all}");
    }
}

#[test]
fn objects_say_why_they_are_as_they_are() {
    let cases = [
        ("why pod/web-1", "Pod default/web-1 is Ready"),
        ("why pod/huge", "0/3 nodes are available: 3 Insufficient cpu"),
        ("why pod/huge", "node-1  Insufficient cpu"),
        ("why pod/picky", "node-2  node(s) didn't match Pod's node affinity/selector"),
        ("why pod/picky", "STDIN:"),
        ("why pod/deaf", "Readiness probe failed"),
        ("why pod/crash", "container c ends again and again"),
        ("why pod/unset", "refers to something that is not there"),
        ("why svc/web", "Service default/web has 2 endpoints, all ready"),
        ("why svc/typo", "the selector app=wbe matches no pod of namespace default"),
        ("why svc/typo", "has app=web; the selector asks for app=wbe"),
        ("why svc/misnamed", "no container port named http/TCP"),
        ("why svc/misnamed", "the pods' ports are named web (80/TCP)"),
        ("why svc/cloudless", "EXTERNAL-IP <pending>: nothing in this cluster gives balancers addresses"),
        ("why svc/alias", "Service default/alias is an alias of example.org"),
        ("why svc/local", "internalTrafficPolicy: Local, and no ready pod on node-3"),
        ("why svc/typo", "Service default/typo has no endpoint that may answer: pods that connect to it are refused at once"),
        ("why ep/typo", "Endpoints default/typo belongs to Service default/typo, which has no endpoint that may answer"),
        ("why svc/hollow", "has no endpoint that may answer: its name has no address"),
        ("why deploy/crowd", "and 7 more of replica set crowd-"),
        ("why svc/local", "or a DaemonSet), or use Cluster"),
        ("why deploy/stuck", "Deployment default/stuck has 0 of 1 pod available"),
        ("why netpol/guard", "NetworkPolicy default/guard is in force for 2 pods"),
        ("why netpol/guard", "Ingress: only who fits one of its 2 rules may reach them"),
        (
            "why netpol/guard",
            "from pods of its namespace (role=client), or addresses in 10.0.0.0/8 but in 10.1.0.0/16: 80/TCP, web/UDP",
        ),
        ("why netpol/guard", "from pods (all) of namespaces (team=a): every port"),
        ("why netpol/guard", "Egress: nobody may be reached by them, for there is no rule"),
        ("why netpol/guard", "NetworkPolicy open selects some of them, too"),
        ("why netpol/open", "Ingress: everybody may reach them"),
        ("why netpol/idle", "NetworkPolicy default/idle has no pod to act on"),
        ("why deploy/stuck", "label a node so that nodeSelector or affinity finds it"),
        ("why pvc/disk", "nothing in this cluster makes or binds volumes"),
        ("why node/node-1", "Node node-1 is Ready"),
    ];
    let answers = ask(&cases.map(|(line, _)| line));
    for ((line, expected), (exit, out, err)) in cases.iter().zip(answers) {
        assert!(exit == 0 && out.contains(expected), "{line}: {expected}\n{out}{err}");
    }
}

#[test]
fn json_and_text_come_from_one_value() {
    let lines =
        ["trace pod/default/client web:80", "rules node/node-3 svc/web", "reach --to svc/web,svc/typo,svc/local", "why svc/typo"];
    let with_json: Vec<String> = lines.iter().map(|line| format!("{line} -o json")).collect();
    let answers = ask(&with_json.iter().map(String::as_str).collect::<Vec<_>>());
    let json: Vec<serde_json::Value> = answers.iter().map(|(_, out, _)| serde_json::from_str(out).expect("it is JSON")).collect();
    assert_eq!(json[0]["outcome"], "delivered");
    assert_eq!(json[0]["branches"].as_array().map(Vec::len), Some(2));
    assert_eq!(json[0]["hops"][1]["service"]["endpoints"][0]["pod"], "web-1");
    assert_eq!(json[1]["ports"][0]["addresses"][0]["packets"][0]["share"], "1/2");
    assert_eq!(json[2]["to"].as_array().map(Vec::len), Some(3));
    assert_eq!(json[2]["left_out"].as_array().map(Vec::len), Some(0));
    assert_eq!(json[3]["findings"][0]["code"], "selector-matches-nothing");
}

#[test]
fn reach_shows_all_pairs() {
    let answers = ask(&["reach --from external,node/node-1,pod/default/client --to svc/web,svc/typo,svc/local"]);
    insta::assert_snapshot!("reach", answers[0].1);
}

#[test]
fn reach_tells_how_the_ways_end_that_were_not_drawn() {
    let asked = "reach --from pod/default/client --to svc/web,svc/local";
    let json = format!("{asked} -o json");
    let cut = "fail link/node-3/node-1";
    let answers = ask(&["fail node/node-2", asked, &json, "heal node/node-2", "advance 60s", cut, asked]);
    insta::assert_snapshot!("reach_node_down", answers[1].1);
    let cell: serde_json::Value = serde_json::from_str(&answers[2].1).expect("it is JSON");
    let cell = &cell["cells"][0][0];
    assert_eq!((&cell["outcome"], &cell["reason"]), (&"timed-out".into(), &"node-down".into()), "{cell}");
    insta::assert_snapshot!("reach_cut_link", answers[6].1);
}

#[test]
fn reach_loses_nobody_who_was_named() {
    let answers = ask(&[
        "reach --from pods --from nodes,external --to svc/web,svc/bare --to svc/alias,svc/hollow",
        "reach --from pod/default/client,pod/default/client --from pod/default/client --to services -o json",
    ]);
    insta::assert_snapshot!("reach_nobody_lost", answers[0].1);
    let json: serde_json::Value = serde_json::from_str(&answers[1].1).expect("it is JSON");
    assert_eq!(json["from"], serde_json::json!(["pod/default/client"]));
    assert_eq!(json["left_out"].as_array().map(Vec::len), Some(2), "{}", json["left_out"]);
}

#[test]
fn rules_say_whose_they_are_and_what_keeps_them_old() {
    let web = "rules node/node-1 svc/web";
    let json = format!("{web} -o json");
    let lines = [
        "advance 5m",
        web,
        "fail proxy/node-1; kubectl label node node-2 a=b; kubectl label pod client a=b; kubectl delete pod web-2 --wait=false; advance 40s",
        web,
        "kubectl create service clusterip young --tcp=80; kubectl delete service local; advance 1s",
        "rules node/node-1 svc/young",
        "rules node/node-1 svc/local",
        "heal proxy/node-1; advance 2s",
        "rules node/node-1 svc/young",
        "fail node/node-1 --mode partition; advance 1s",
        web,
        "heal node/node-1 --mode partition; fail node/node-1; advance 1s",
        web,
        &json,
        "heal node/node-1; fail apiserver; advance 2s",
        "rules node/node-1 svc/bare",
        "rules node/node-1 svc/alias --mode ipvs",
    ];
    let said = ask(&lines)
        .iter()
        .zip(lines)
        .filter(|(_, line)| line.starts_with("rules "))
        .fold(String::new(), |all, (said, line)| all + &format!("$ {line}\n{}{}\n", said.1, said.2));
    insta::assert_snapshot!("rules", said);
    assert!(said.lines().all(|line| line.chars().count() <= 80 || line.starts_with('{')), "{said}");
}

/// Two families: what becomes of an IPv6 packet depends on who sends it, as with IPv4.
#[test]
fn rules_of_both_families_know_pods() {
    let scenario = "{apiVersion: kubewalk/v1, kind: Scenario, metadata: {name: dual}, spec: {cluster: {
        serviceCIDRs: [10.96.0.0/12, 'fd00:10:96::/112'], podCIDRs: [10.244.0.0/16, 'fd00:10:244::/48'],
        nodes: [{name: node-1, ips: [192.168.0.2, 'fd00::2']}]}}}";
    let lines = [
        "kubectl run web --image=nginx --labels=app=web --port=80",
        "kubectl apply -f - <<'END'\n{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {ipFamilyPolicy: RequireDualStack, \
         selector: {app: web}, ports: [{port: 80}]}}\nEND",
        "advance 20s",
        "rules node/node-1 svc/web",
    ];
    let said = console(&input("dual.yaml", scenario), &lines).pop().map(|o| o.stdout + &o.stderr).unwrap_or_default();
    insta::assert_snapshot!("rules_dual_stack", said);
}

/// What the simulator broke is named, with the command that mends it, and nothing is advised that does not help.
#[test]
fn objects_of_a_broken_node_say_what_is_broken() {
    let lines = [
        "fail node/node-2 --mode partition; advance 5s",
        "why node/node-2",
        "why pod/web-2",
        "advance 2m",
        "why node/node-2",
        "why pod/web-2",
        "heal node/node-2 --mode partition; fail node/node-1 --mode kubelet-stop; fail proxy/node-1; advance 5s",
        "why node/node-2",
        "why node/node-1",
        "why pod/web-1",
        "kubectl delete pod web-1 --wait=false; advance 40s",
        "why pod/web-1",
        "heal node/node-1 --mode kubelet-stop; heal proxy/node-1; fail node/node-3; advance 2m",
        "why node/node-3",
        "why pod/client",
        "heal node/node-3; advance 1m; kubectl run slow --image=busybox -n prod -- sleep 1000; advance 20s; kubectl delete ns prod --wait=false; advance 1s",
        "why ns/prod",
        "kubectl patch cm kube-root-ca.crt --type=merge -p '{\"metadata\":{\"finalizers\":[\"example.org/keep\"]}}'; \
         kubectl delete cm kube-root-ca.crt --wait=false",
        "why cm/kube-root-ca.crt",
        "fail apiserver",
        "why svc/web",
    ];
    let answers = ask(&lines);
    let said = answers.iter().zip(lines).filter(|(_, line)| line.starts_with("why "));
    let said = said.fold(String::new(), |all, (said, line)| all + &format!("$ {line}\n{}{}\n", said.1, said.2));
    insta::assert_snapshot!("why_broken", said);
}

/// A kind that some box of the cluster reads or writes is not called inert.
#[test]
fn no_simulated_kind_is_called_inert() {
    use sim_core::api::kinds::{Class, KINDS};
    let kinds: Vec<_> = KINDS.iter().filter(|k| k.class == Class::Simulated).collect();
    let name = |k: &&sim_core::api::kinds::Kind| {
        let (plural, all) = (k.resource(), if k.namespaced { "-A" } else { "" });
        format!("kubectl get {plural} {all} -o jsonpath='{{.items[0].metadata.namespace}}/{{.items[0].metadata.name}}'")
    };
    let names: Vec<String> = kinds.iter().map(name).collect();
    let names = ask(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let asked: Vec<String> =
        kinds.iter().zip(&names).map(|(k, n)| format!("why {}/{}", k.plural, n.1.trim_start_matches('/'))).collect();
    let answers = ask(&asked.iter().map(String::as_str).collect::<Vec<_>>());
    for (line, (exit, out, err)) in asked.iter().zip(&answers) {
        assert!(*exit == 0 && !out.contains("is inert"), "{line}\n{out}{err}");
    }
}
