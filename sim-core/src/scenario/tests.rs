//! Whole files in, whole inputs out.

use serde_json::{Value, json};

use super::format::{Controller, Nodes, Setting, TextCheck};
use super::*;
use crate::engine::time::Duration;
use crate::yaml::Path;

const HEAD: &str = "apiVersion: kubewalk/v1\nkind: Scenario\n";
const TUTORIAL: &str = include_str!("../../../scenarios/first-service.yaml");

fn loaded(text: &str) -> Input {
    load(File { name: "test.yaml", bytes: text.as_bytes() }, &Options::default())
        .unwrap_or_else(|r| panic!("{:#?}", r.diagnostics))
}

fn with_set(text: &str, set: &[&str]) -> Result<Input, Refused> {
    let set: Vec<String> = set.iter().map(|s| s.to_string()).collect();
    load(File { name: "test.yaml", bytes: text.as_bytes() }, &Options { set: &set, ..Options::default() })
}

#[test]
fn an_empty_scenario_is_all_defaults() {
    let scenario = loaded(HEAD).scenario;
    assert_eq!(scenario.spec, format::Spec::default());
    let cluster = &scenario.spec.cluster;
    assert_eq!(cluster.nodes, Nodes::Count(3));
    assert_eq!(cluster.pod_networks()[0].to_string(), "10.244.0.0/16");
    assert!(cluster.controllers.runs(Controller::Scheduler) && cluster.system && cluster.dns.enabled);
}

#[test]
fn absent_null_and_value_are_three_things() {
    let text = format!(
        "{HEAD}spec:\n  cluster:\n    podCIDRs: null\n    dns: {{serviceIP: null, cache: null}}\n    nodes:\n    - {{name: a, resolvConf: null}}\n    - {{name: b, resolvConf: \"\"}}\n    - {{name: c}}\n"
    );
    let cluster = loaded(&text).scenario.spec.cluster;
    assert_eq!((cluster.pod_cidrs, cluster.dns.service_ip, cluster.dns.cache), (Setting::Off, Setting::Off, Setting::Off));
    let Nodes::List(nodes) = cluster.nodes else { panic!("a list of nodes") };
    let resolv: Vec<_> = nodes.into_iter().map(|n| n.resolv_conf).collect();
    assert_eq!(resolv, [Setting::Off, Setting::Set(String::new()), Setting::Default]);
}

#[test]
fn the_tutorial_loads_and_saves() {
    let input = loaded(TUTORIAL);
    assert_eq!(input.manifests.len(), 12);
    let verbs: std::collections::BTreeSet<_> = input.scenario.spec.steps.iter().map(|s| s.action().name()).collect();
    assert_eq!(verbs.into_iter().collect::<Vec<_>>(), ["apply", "expect", "run", "say", "trace", "until", "wait"]);
    let again = loaded(&save::to_text(&input.scenario, &input.manifests));
    assert_eq!(again.scenario.spec, input.scenario.spec);
    let values = |i: &Input| i.manifests.iter().map(|m| m.value.clone()).collect::<Vec<_>>();
    assert_eq!(values(&again), values(&input));
}

#[test]
fn the_example_of_the_format_loads() {
    let text = include_str!("example.yaml");
    let input = loaded(text);
    let steps = &input.scenario.spec.steps;
    assert_eq!(steps.len(), 9);
    assert!(matches!(steps[3].action(), Action::Until(condition) if condition.to_string() == "deployment/my-nginx available"));
    assert_eq!(steps[3].within.as_deref(), Some(&Duration::from_secs(120)));
    let check: &TextCheck = steps[2].expect.as_ref().and_then(|e| e.stdout.as_ref()).unwrap();
    assert_eq!(check.contains.as_ref().unwrap().all(), ["Running"]);
    assert_eq!(&text[input.step_range(4).unwrap()], "wait: 30s");
    let again = loaded(&save::to_text(&input.scenario, &input.manifests));
    assert_eq!(again.scenario.spec, input.scenario.spec);
}

#[test]
fn documents_are_named_in_many_ways() {
    let text = format!(
        "{HEAD}spec: {{steps: [{{apply: {{doc: svc/web@2}}}}, {{apply: {{doc: Widget/w}}}}]}}\n---\n\
         apiVersion: v1\nkind: Service\nmetadata: {{name: web}}\n---\n{{apiVersion: v1, kind: Service, metadata: {{name: web, namespace: b}}}}\n---\n\
         {{apiVersion: x.example.com/v1, kind: Widget, metadata: {{name: w}}, anything: {{at: all}}}}\n"
    );
    let input = loaded(&text);
    let named = |reference: &str| {
        let reference = notation::Written::<notation::DocRef>::parse(reference).unwrap();
        input.document(&reference).and_then(|m| m.namespace().map(str::to_string).or(Some("-".into())))
    };
    assert_eq!(named("services/web").as_deref(), Some("-"));
    assert_eq!(named("service/web@2").as_deref(), Some("b"));
    assert_eq!(named("service/web@3"), None);
    assert_eq!(named("widget/w").as_deref(), Some("-"));
}

#[test]
fn plain_manifests_become_a_scenario() {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"type": "LoadBalancer"}}]},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "p-"}, "spec": {"containers": [{"name": "c", "image": "shop/cart:1"}]}},
    ]});
    let text = format!(
        "# Source: shop/templates/a.yaml\n{list}\n---\n# Source: empty\n---\n{{apiVersion: v1, kind: Service, metadata: {{name: a}}}}\n---\n{{apiVersion: v1, kind: ConfigMap, metadata: {{name: c}}}}\n---\n{{apiVersion: shop/v1, kind: Cart, metadata: {{name: c}}}}\n"
    );
    let input = loaded(&text);
    let verbs: Vec<String> = input
        .scenario
        .spec
        .steps
        .iter()
        .map(|s| match s.action() {
            Action::Apply(format::Apply::From(from)) => from.doc.as_ref().unwrap().to_string(),
            other => other.name().to_string(),
        })
        .collect();
    assert_eq!(verbs, ["service/a", "apply", "service/a@2", "configmap/c", "cart/c", "until"]);
    insta::assert_snapshot!(input.report.as_ref().unwrap().text(), @r#"
    simulated: 1 Pod, 2 Service; kept, nothing acts on them: 1 ConfigMap; of unknown kind, kept whole: 1 Cart
    assumed: 3 nodes of 4 CPUs and 16 GiB, Kubernetes 1.32 (change: --set spec.cluster.nodes=5)
    assumed: a network plugin that connects all pods and enforces NetworkPolicies (not all do) (change: nothing to set: without policies nothing is refused)
    assumed: no cloud: load balancers stay <pending> (change: --set spec.cluster.cloud.provider=generic)
    assumed: images that listen on their declared ports and pass their probes: shop/cart:1 (change: --set 'spec.images["shop/cart:1"]={listen: [{port: 80}]}')
    "#);
    let saved = loaded(&save::to_text(&input.scenario, &input.manifests));
    assert_eq!(saved.scenario.spec, input.scenario.spec);
}

#[test]
fn a_json_list_and_typed_lists_are_taken_apart() {
    let text = r#"{"kind": "PodList", "apiVersion": "v1", "items": [{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}]}"#;
    let names: Vec<_> = loaded(text).manifests.iter().map(Manifest::reference).collect();
    assert_eq!(names, ["pod/a", "pod/b"]);
}

#[test]
fn a_folder_is_read_in_order_of_names() {
    let service = |name: &str| format!("apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\n");
    let (a, b, c) = (service("one"), service("two"), service("three"));
    let files = [("b.yml", &b), ("a.yaml", &a), ("notes.txt", &b), ("sub/c.json", &c)]
        .map(|(name, text)| File { name, bytes: text.as_bytes() });
    let input = load_folder("shop", &files, &Options::default()).unwrap();
    let names: Vec<_> = input.manifests.iter().map(|m| (m.file.as_str(), m.name())).collect();
    assert_eq!(names, [("a.yaml", "one"), ("b.yml", "two"), ("sub/c.json", "three")]);
}

#[test]
fn set_changes_what_is_loaded() {
    let text = format!("{HEAD}spec: {{cluster: {{nodes: [{{name: a}}]}}}}\n");
    let input = with_set(&text, &["spec.cluster.nodes[0].zone=b", "spec.seed=9", "spec.cluster.podCIDRs=null"]).unwrap();
    let Nodes::List(nodes) = &input.scenario.spec.cluster.nodes else { panic!("a list of nodes") };
    assert_eq!(nodes[0].zone.as_deref(), Some("b"));
    assert_eq!((input.scenario.spec.seed, &input.scenario.spec.cluster.pod_cidrs), (9, &Setting::Off));
    let manifests = with_set("{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}", &["spec.cluster.nodes=5"]).unwrap();
    assert_eq!(manifests.scenario.spec.cluster.nodes, Nodes::Count(5));
}

/// A list of this length takes well under a second; with a search per entry it took minutes.
#[test]
fn long_lists_load_at_once() {
    let item = |n: usize| format!("- {{apiVersion: v1, kind: ConfigMap, metadata: {{name: c{n}}}}}\n");
    let text = format!("apiVersion: v1\nkind: List\nitems:\n{}", (0..5_000).map(item).collect::<String>());
    assert_eq!(loaded(&text).scenario.spec.steps.len(), 5_001);
}

#[test]
fn the_committed_schema_is_current() {
    let committed = include_str!("../../../scenarios/schema/scenario.schema.json");
    assert!(committed.trim_end() == schema::text(), "write it anew: kubewalk schema > scenarios/schema/scenario.schema.json");
}

/// What the schema accepts, the types read: every field of the schema, alone in its place.
#[test]
fn schema_and_types_agree_on_every_default() {
    let value = serde_json::to_value(format::Spec::default()).unwrap();
    let document = json!({"apiVersion": "kubewalk/v1", "kind": "Scenario", "spec": value});
    assert_eq!(check::check(&schema::schema(), &document), []);
}

proptest::proptest! {
    #[test]
    fn no_damaged_scenario_panics(at in 0..TUTORIAL.len(), length in 0..40usize, junk in "[ -~\\n\\t]{0,6}") {
        let bytes = TUTORIAL.as_bytes();
        let mut damaged = bytes[..at].to_vec();
        damaged.extend_from_slice(junk.as_bytes());
        damaged.extend_from_slice(&bytes[(at + length).min(bytes.len())..]);
        if let Err(refused) = load(File { name: "x", bytes: &damaged }, &Options::default()) {
            proptest::prop_assert!(!refused.diagnostics.is_empty());
            for diagnostic in refused.diagnostics {
                let _ = diagnostic.to_json(&refused.sources);
                let _ = diagnostic.one_line(&refused.sources);
            }
        }
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        if let Err(problems) = load(File { name: "x", bytes: &bytes }, &Options::default()) {
            proptest::prop_assert!(!problems.diagnostics.is_empty());
        }
    }

    #[test]
    fn no_wrong_value_panics(index in 0..400usize, wrong in 0..6usize) {
        let document = crate::yaml::read(include_str!("example.yaml"), crate::yaml::Profile::Scenario).unwrap().remove(0).value;
        let mut paths = Vec::new();
        collect_paths(&document, Path::root(), &mut paths);
        let path = paths[index % paths.len()].clone();
        let value = [Value::Null, json!(true), json!(-1), json!(1e300), json!("x"), json!([[]])][wrong].clone();
        let mut tree = document;
        set::set(&mut tree, &set::Assignment { path: path.clone(), value }).unwrap();
        let text = tree.to_string();
        let _ = load(File { name: "x", bytes: text.as_bytes() }, &Options::default());
    }
}

fn collect_paths(value: &Value, at: Path, into: &mut Vec<Path>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, inner)| collect_paths(inner, at.field(key), into)),
        Value::Array(items) => items.iter().enumerate().for_each(|(i, inner)| collect_paths(inner, at.index(i), into)),
        _ => {}
    }
    into.push(at);
}
