//! Objects that nothing acts on come back from the server as they were sent: kinds it only keeps, and kinds it does not know.
//!
//! `cases/made-up` is the application of a made-up team, which no author of the simulator has looked at when writing it.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use sim_core::scenario::report::{Standing, standing};
use sim_core::yaml::{Profile, read};
use sim_tests::fuzzing::surface::Bench;

/// What the server adds to the metadata of an object.
const SERVER_SET: [&str; 6] = ["creationTimestamp", "generation", "managedFields", "namespace", "resourceVersion", "uid"];

/// The objects of the made-up application.
static APPLICATION: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/made-up");
    let mut paths: Vec<_> = fs::read_dir(folder).expect("it is there").map(|e| e.expect("it can be read").path()).collect();
    paths.sort();
    let texts = paths.iter().map(|path| fs::read_to_string(path).expect("it can be read"));
    texts.flat_map(|text| read(&text, Profile::Kube).expect("it is YAML")).map(|document| document.value).collect()
});

fn text<'v>(object: &'v Value, pointer: &str) -> &'v str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Creates an object and reads it again, as YAML and as JSON; both must agree.
fn there_and_back(bench: &Bench, object: &Value) -> Value {
    let mut player = bench.player();
    let mut line = |line: String| player.session.run(&line);
    line("kubectl create namespace harbour".to_string());
    let sent = line(format!("kubectl create -f - <<'END_OF_OBJECT'\n{object}\nEND_OF_OBJECT"));
    assert_eq!(sent.exit, 0, "{}\n{object}", sent.stderr);
    let get = format!("kubectl get {} {} -n harbour -o ", text(object, "/kind"), text(object, "/metadata/name"));
    let as_json = line(format!("{get}json"));
    assert_eq!(as_json.exit, 0, "{}", as_json.stderr);
    let value: Value = serde_json::from_str(&as_json.stdout).expect("it is JSON");
    let as_yaml = line(format!("{get}yaml")).stdout;
    let again = read(&as_yaml, Profile::Kube).expect("it is YAML").remove(0).value;
    assert_eq!(again, value, "YAML and JSON say the same");
    value
}

/// The object without what the server has set, where the original has not.
fn plain(mut object: Value, original: &Value) -> Value {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.retain(|key, _| !SERVER_SET.contains(&key.as_str()) || original["metadata"].get(key).is_some());
    }
    object
}

/// Whether all of `part` is in `whole`: fields may have been added, nothing may be lost or changed.
fn holds(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(key, inner)| whole.get(key).is_some_and(|found| holds(found, inner)))
        }
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(found, inner)| holds(found, inner))
        }
        (whole, part) => whole == part,
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1_000_000_i32..1_000_000).prop_map(|n| json!(f64::from(n) / 64.0 + 0.001)),
        "[ -~]{0,12}".prop_map(Value::from),
        "(yes|no|on|0777|1e3|~|null|- a|a: b|é\n ü|  x|x  |#x|\\|)".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Z0-9 ./:-]{1,8}", inner, 0..4)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

fn fields() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::btree_map("[a-z]{3,9}", any_json(), 0..5).prop_map(|m| m.into_iter().collect())
}

/// At least one: an empty map in the metadata is not kept by a real server either.
fn annotations() -> impl Strategy<Value = Value> {
    prop::collection::btree_map("[a-z]{1,8}", "[ -~é\n]{0,20}", 1..4).prop_map(|m| json!(m))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn an_object_of_unknown_kind_comes_back_unchanged(fields in fields(), annotations in annotations(), kind in "[A-Z][a-z]{2,8}") {
        let mut object = Value::Object(fields);
        object["apiVersion"] = json!("coast.example.org/v1");
        object["kind"] = json!(format!("{kind}ling"));
        object["metadata"] = json!({"name": "one", "namespace": "harbour", "annotations": annotations, "labels": {"a": "b"}});
        let back = BENCH.with(|bench| there_and_back(bench, &object));
        prop_assert_eq!(plain(back, &object), object);
    }

    #[test]
    fn an_inert_object_keeps_all_it_came_with(annotations in annotations(), at in any::<prop::sample::Index>()) {
        let inert: Vec<&Value> = APPLICATION
            .iter()
            .filter(|o| standing(text(o, "/apiVersion"), text(o, "/kind")) == Standing::Inert && o.get("stringData").is_none())
            .collect();
        let mut object = (*at.get(&inert)).clone();
        object["metadata"]["annotations"] = annotations;
        let back = BENCH.with(|bench| there_and_back(bench, &object));
        prop_assert!(holds(&back, &object), "{back:#}\n{object:#}");
    }
}

thread_local! {
    static BENCH: Bench = Bench::new();
}

#[test]
fn the_unknown_kinds_of_the_application_come_back_unchanged() {
    let unknown: Vec<&Value> =
        APPLICATION.iter().filter(|o| standing(text(o, "/apiVersion"), text(o, "/kind")) == Standing::Unknown).collect();
    assert_eq!(unknown.len(), 2);
    for object in unknown {
        let back = BENCH.with(|bench| there_and_back(bench, object));
        assert_eq!(plain(back, object), *object);
    }
}
