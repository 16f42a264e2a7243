//! Load from outside the crate: it meets what curl meets, goes back in time with everything else, stays within its bounds, and every
//! mistake is answered with a way out.

use serde_json::Value;
use sim_core::console::host::Outcome;
use sim_core::scenario::load::{File, Options, load};
use sim_core::scenario::play::{self, Player};
use sim_tests::input;

/// A client, and a server for each way in which a request can end.
const WORLD: &str = "
apiVersion: kubewalk/v1
kind: Scenario
metadata: {name: world}
spec:
  cluster: {nodes: 2}
  images:
    example.org/good: {listen: [{port: 80}], reply: {delay: 3ms}}
    example.org/slow: {listen: [{port: 80}], reply: {delay: 700ms}}
    example.org/ill: {listen: [{port: 80}], reply: {status: 503}}
    example.org/deaf: {listen: [{port: 81}]}
    example.org/hangs: {listen: [{port: 80}], reply: {fail: hang}}
    example.org/closes: {listen: [{port: 80}], reply: {fail: empty}}
    example.org/crashes: {listen: [{port: 80}], reply: {fail: reset}}
  steps:
    - apply: SERVERS
    - until: converged
      within: 2m
";
const SERVERS: [&str; 7] = ["good", "slow", "ill", "deaf", "hangs", "closes", "crashes"];

struct Bench(Player);

impl Bench {
    fn new() -> Bench {
        let server = |name: &str| {
            format!(
                "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, labels: {{app: {name}}}}}\nspec: {{containers: [{{name: c, image: example.org/{name}}}]}}\n---\n\
                 apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{selector: {{app: {name}}}, ports: [{{port: 80}}]}}\n---\n"
            )
        };
        let all: String = SERVERS.iter().map(|name| server(name)).collect();
        let rest = "apiVersion: v1\nkind: Service\nmetadata: {name: empty}\nspec: {selector: {app: nobody}, ports: [{port: 80}]}\n---\n\
            apiVersion: v1\nkind: Pod\nmetadata: {name: client, labels: {app: client}}\nspec: {containers: [{name: c, image: curlimages/curl, command: [sleep, infinity]}]}\n";
        let text = WORLD.replace("SERVERS", &format!("{:?}", all + rest));
        let mut player = Player::new(input("world.yaml", &text), &play::Options::default()).expect("the cluster can be built");
        while let Some(played) = player.step() {
            assert!(played.failures.is_empty(), "{:?} {}", played.failures, played.outcome.stderr);
        }
        Bench(player)
    }

    fn typed(&mut self, line: &str) -> Outcome {
        self.0.session.run(line)
    }

    fn well(&mut self, line: &str) -> String {
        let outcome = self.typed(line);
        assert_eq!((outcome.exit, outcome.stderr.as_str()), (0, ""), "{line}");
        outcome.stdout
    }

    fn shown(&mut self, name: &str) -> Value {
        serde_json::from_str(&self.well(&format!("traffic show {name} -o json"))).expect("JSON")
    }
}

/// Without the numbers that stand for milliseconds.
fn bare(text: &str) -> String {
    text.split(' ')
        .map(|word| if !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit()) { "N" } else { word })
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn a_request_of_a_load_meets_what_curl_meets() {
    let mut bench = Bench::new();
    let ends = [
        ("http://good", ""),
        ("http://slow", ""),
        ("http://ill", "curl: (22) The requested URL returned error: N"),
        ("http://empty", "curl: (7) Failed to connect to empty port N after N ms: Couldn't connect to server"),
        ("http://deaf", "curl: (7) Failed to connect to deaf port N after N ms: Couldn't connect to server"),
        ("http://good:99", "curl: (28) Connection timed out after N milliseconds"),
        ("http://10.96.99.99", "curl: (28) Connection timed out after N milliseconds"),
        ("http://hangs", "curl: (28) Operation timed out after N milliseconds with N bytes received"),
        ("http://closes", "curl: (52) Empty reply from server"),
        ("http://crashes", "curl: (56) Recv failure: Connection reset by peer"),
        ("http://nowhere", "curl: (6) Could not resolve host: nowhere"),
        ("https://good:80", "curl: (35) OpenSSL/3.0.15: error:0A00010B:SSL routines::wrong version number"),
    ];
    for (number, (url, want)) in ends.into_iter().enumerate() {
        let typed = bench.typed(&format!("kubectl exec client -- curl -s -S -f -o /dev/null -m 3 {url}"));
        assert_eq!(bare(typed.stderr.lines().next().unwrap_or_default()), want, "{url}");
        bench.well(&format!("traffic start l{number} --from pod/default/client --to {url} --rate 1/s --for 1s --timeout 3s"));
        bench.well("advance 5s");
        let shown = bench.shown(&format!("l{number}"));
        assert_eq!(shown["requests"]["started"], 1, "{url}");
        let error = &shown["errors"][0];
        assert_eq!(bare(error["first"].as_str().unwrap_or_default()), want, "{url}");
        assert_eq!(error["exit"].as_i64().unwrap_or(0), i64::from(typed.exit), "{url}");
    }
}

#[test]
fn the_kernel_of_a_patient_client_gives_up_after_its_last_syn() {
    let mut bench = Bench::new();
    bench.well("traffic start a --from pod/client --to 10.96.99.99 --rate 1/s --for 1s; advance 126s");
    assert_eq!(bench.shown("a")["requests"]["open"], 1);
    bench.well("advance 5s");
    assert_eq!(
        bench.shown("a")["errors"][0]["first"],
        "curl: (28) Failed to connect to 10.96.99.99 port 80 after 129261 ms: Couldn't connect to server"
    );
}

/// What is shown of the first failure is its own way, not that of another connection of the same moment.
#[test]
fn the_line_to_look_at_shows_the_way_of_the_request_that_failed() {
    let mut bench = Bench::new();
    let mixed = "kubectl label pod good deaf tier=mixed; kubectl create service clusterip mixed --tcp=80; \
        kubectl set selector service mixed tier=mixed; kubectl expose pod good --name=outer --port=80 --type=NodePort; advance 5s";
    assert_eq!(bench.typed(mixed).exit, 0);
    let port = bench.well("kubectl get svc outer -o jsonpath={.spec.ports[0].nodePort}");
    let ends = [
        ("pod/client", "http://mixed".to_string(), "", "REFUSED"),
        ("external", format!("http://203.0.113.2:{port}"), "fail proxy/node-1; fail node/$NODE", "TIMED OUT"),
        ("pod/client", "http://nowhere".to_string(), "", "NOT RESOLVED"),
    ];
    for (number, (from, to, then, want)) in ends.into_iter().enumerate() {
        let node = bench.well("kubectl get pod good -o jsonpath={.spec.nodeName}");
        for seed in ["a", "b", "c", "d"] {
            let name = format!("{seed}{number}");
            bench.well(&format!("traffic start {name} --from {from} --to {to} --rate 20/s --timeout 1s --for 3s; advance 1s"));
            bench.well(&then.replace("$NODE", &node));
            bench.well("advance 5s");
            let shown = bench.shown(&name);
            assert!(shown["requests"]["failed"].as_u64() > Some(0), "{shown}");
            let seen = bench.well(shown["look"].as_str().unwrap_or_default());
            assert!(seen.starts_with(want), "{}: {seen}", shown["look"]);
        }
        if !then.is_empty() {
            bench.well(&then.replace("fail", "heal").replace("$NODE", &node));
            bench.well("advance 1m");
        }
    }
}

#[test]
fn an_outage_in_which_nothing_ends_is_seen() {
    let mut bench = Bench::new();
    bench.well("traffic start a --from pod/client --to http://hangs --clients 3 --for 10s; advance 3m");
    let shown = bench.shown("a");
    assert_eq!((&shown["requests"]["open"], shown["timeline"]["counts"].as_array().map(Vec::len)), (&3.into(), Some(60)));
    let oldest = shown["requests"]["oldest_open_ns"].as_u64().map(|ns| ns / 1_000_000_000);
    assert!(oldest > Some(178), "{oldest:?}");
    let text = bench.well("traffic show a");
    assert!(text.contains(&".".repeat(60)) && text.contains("3 open (the oldest for "), "{text}");
}

#[test]
fn loads_go_back_in_time_and_come_again() {
    let mut bench = Bench::new();
    let start = bench.well("digest");
    bench.well("traffic start open --from external --to http://good --rate 20/s --arrivals poisson --timeout 1s");
    bench.well("traffic start closed --from pods/app=client --to http://good --clients 5 --pause 50ms --keep-alive");
    bench.well("advance 20s");
    let (digest, shown) = (bench.well("digest"), bench.well("traffic show -o json"));
    assert_ne!(digest, start);
    bench.well("rewind 10s");
    assert_ne!(bench.well("traffic show -o json"), shown);
    bench.well("advance 10s");
    assert_eq!((bench.well("digest"), bench.well("traffic show -o json")), (digest, shown));
}

#[test]
fn clients_in_pods_send_in_turn_and_end_with_their_pods() {
    let mut bench = Bench::new();
    bench.well("kubectl create deployment shop --image=example.org/good --replicas=3; advance 20s");
    bench.well("traffic start a --from deployment/shop --to http://slow --rate 30/s --timeout 5s; advance 10s");
    let shown = bench.shown("a");
    assert!(shown["requests"]["well"].as_u64() > Some(200), "{shown}");
    bench.well("kubectl delete deployment shop; advance 60s");
    let shown = bench.shown("a");
    // Who was waiting for an answer is gone, and nobody is there to ask.
    assert_eq!(shown["requests"]["open"], 0);
    assert!(shown["requests"]["not_started"].as_u64() > Some(1_000), "{shown}");
    assert_eq!(bench.well("traffic stop"), "stopped: a\n");
    assert_eq!(bench.well("traffic stop"), "nothing runs\n");
}

#[test]
fn what_is_open_is_bounded() {
    let mut bench = Bench::new();
    bench.well("traffic start a --from external --to http://192.0.2.1 --rate 10000/s; advance 100ms; traffic stop");
    bench.well("traffic start b --from pod/client --to http://hangs --rate 10000/s --for 1200ms; advance 2s");
    let shown = bench.shown("b");
    let count = |key: &str| shown["requests"][key].as_u64().expect("a number");
    assert_eq!((count("open"), count("started") + count("not_started")), (10_000, 12_000));
    for n in 0..98 {
        bench.well(&format!("traffic start n{n} --from external --to http://192.0.2.1 --rate 1/h --for 1s"));
    }
    let refused = bench.typed("traffic start more --from external --to http://192.0.2.1 --rate 1/h");
    assert!(refused.stderr.contains("there are 100 loads already"), "{}", refused.stderr);
    bench.well("advance 2s; traffic start n0 --from external --to http://192.0.2.1 --rate 1/h");
}

#[test]
fn mistakes_at_the_console_are_answered_with_a_way_out() {
    let mut bench = Bench::new();
    bench.well("traffic start shoppers --from external --to http://192.0.2.1 --rate 1/s");
    let lines = [
        "traffic",
        "traffic begin",
        "traffic start",
        "traffic start a",
        "traffic start a --from external --to http://good",
        "traffic start a --from external --to http://good --rate 1/s --clients 3",
        "traffic start a --from external --to http://good --rate 50",
        "traffic start a --from external --to http://good --rate 0/s",
        "traffic start a --from external --to http://good --rate 1000000/s",
        "traffic start a --from external --to ftp://good --rate 1/s",
        "traffic start a --from moon --to http://good --rate 1/s",
        "traffic start a --from pod/clent --to http://good --rate 1/s",
        "traffic start a --from deployment/web --to http://good --rate 1/s",
        "traffic start a --from pods/app=web --to http://good --rate 1/s",
        "traffic start a --from node/node-9 --to http://good --rate 1/s",
        "traffic start a --from external --to http://good --rate 1/s --for soon",
        "traffic start a --from external --to http://good --rate 1/s --timeout 0s",
        "traffic start a --from external --to http://good --rate 1/s --speed 5",
        "traffic start a --from external --to http://good --rate 1/s --keep-alive=perhaps",
        "traffic start A_b --from external --to http://good --rate 1/s",
        "traffic start shoppers --from external --to http://good --rate 1/s",
        "traffic show shopers",
        "traffic stop nobody",
    ];
    let mut said = String::new();
    for line in lines {
        let outcome = bench.typed(line);
        assert_eq!((outcome.exit, outcome.stdout.as_str()), (2, ""), "{line}");
        said.push_str(&format!("$ {line}\n{}\n", outcome.stderr.lines().next().unwrap_or_default()));
    }
    insta::assert_snapshot!("mistakes_at_the_console", said);
}

#[test]
fn mistakes_in_a_scenario_have_a_place_and_a_way_out() {
    let base = "traffic: {name: a, from: external, to: \"http://web\", rate: 5/s}";
    let steps = [
        "traffic: {from: external, to: \"http://web\", rate: 5/s}",
        "traffic: {name: a, from: external, to: \"http://web\"}",
        "traffic: {name: a, from: external, to: \"http://web\", rate: 5/s, clients: 2}",
        "traffic: {name: a, from: external, to: \"http://web\", rate: 0/s}",
        "traffic: {name: a, from: external, to: \"http://web\", rate: 5}",
        "traffic: {name: a, from: external, to: \"http://web\", rate: 20000/s}",
        "traffic: {name: a, from: external, to: \"http://web:port\", rate: 5/s}",
        "traffic: {name: a, from: someone, to: \"http://web\", rate: 5/s}",
        "traffic: {name: a, from: external, to: \"http://web\", rate: 5/s, timout: 2s}",
        "traffic: {name: a, from: external, to: \"http://web\", clients: 2, arrivals: even}",
        "traffic: {name: a, from: external, to: \"http://web\", rate: 5/s, for: 0s}",
        "expect: {traffic: b, success: \">= 99%\"}",
        "expect: {success: \">= 99%\"}",
        "expect: {traffic: a, success: \"most\"}",
        "expect: {traffic: a, success: \">= 99%\", over: 0s}",
    ];
    let mut said = String::new();
    for step in steps {
        let head = "apiVersion: kubewalk/v1\nkind: Scenario\nmetadata: {name: x}\nspec:\n  steps:\n";
        let text = format!("{head}    - {base}\n    - {step}\n");
        let options = Options { set: &[], is_modelled: |_| true };
        let refused = load(File { name: "x.yaml", bytes: text.as_bytes() }, &options).err().unwrap_or_else(|| panic!("{step}"));
        said.push_str(&format!("{step}\n"));
        for one in &refused.diagnostics {
            said.push_str(&format!("  {} {}\n  help: {}\n", one.place(&refused.sources), one.message, one.help));
        }
    }
    insta::assert_snapshot!("mistakes_in_a_scenario", said);
}
