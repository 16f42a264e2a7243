//! What kubectl reads and writes, and what it refuses to read.
//!
//! `oracle/kubectl.json` and `oracle/kubectl.yaml` are the output of kubectl 1.32 for `oracle/given.yaml`
//! (`kubectl annotate --local -f given.yaml -o json zz=b`, the same with `-o yaml`); `oracle/keys.*` likewise, of one object
//! with keys that are long or have several lines.

use serde_json::{Value, json};

use super::*;

fn one(text: &str, profile: Profile) -> Value {
    let mut documents = read(text, profile).expect("readable");
    assert_eq!(documents.len(), 1);
    documents.remove(0).value
}

#[test]
fn kubectl_reads_it_the_same() {
    let mut ours = one(include_str!("oracle/given.yaml"), Profile::Kube);
    ours["metadata"]["annotations"]["zz"] = json!("b");
    let theirs: Value = serde_json::from_str(include_str!("oracle/kubectl.json")).unwrap();
    assert_eq!(to_yaml(&ours), to_yaml(&theirs));
}

#[test]
fn kubectl_writes_it_the_same() {
    let value: Value = serde_json::from_str(include_str!("oracle/kubectl.json")).unwrap();
    assert_eq!(to_yaml(&value), include_str!("oracle/kubectl.yaml"));
    let keys: Value = serde_json::from_str(include_str!("oracle/keys.json")).unwrap();
    assert_eq!(to_yaml(&keys), include_str!("oracle/keys.yaml"));
    assert_eq!(one(&to_yaml(&keys), Profile::Kube), keys);
}

/// Each mistake with the words of its message and the text it points at.
#[test]
fn mistakes_are_named_and_placed() {
    let check = |text: &str, fault: Fault, words: &str, at: &str| {
        let errors = read(text, Profile::Kube).expect_err(text);
        let error = &errors[0];
        assert_eq!((error.fault, &text[error.range.clone()]), (fault, at), "{text:?}: {}", error.message);
        assert!(error.message.contains(words), "{text:?}: {}", error.message);
        assert!(!error.help.is_empty());
    };
    check("a: 1\nb: 2\na: 3\n", Fault::DuplicateKey, "`a` stands here a second time", "a");
    check("{\"a\": 1, \"b\": {\"c\": 1, \"c\": 2}}", Fault::DuplicateKey, "`c` stands here a second time", "\"c\"");
    check("a:\n\tb: 1\n", Fault::Syntax, "tab", "\t");
    check("a: &x\n  b: *x\n", Fault::NotJson, "would never end", "*x");
    check("a: *x\n", Fault::Syntax, "no anchor", "*");
    check("a: .inf\n", Fault::NotJson, "JSON", ".inf");
    check("? [a]\n: b\n", Fault::NotJson, "key must be text", "[a]");
    check("a: b: c\n", Fault::Syntax, "cannot start here", ":");
    check("a: \"b\n", Fault::Syntax, "never closed", "\"");
    check("a: \u{0}\n", Fault::Encoding, "0x00", "\u{0}");
    check("a: !!int x\n", Fault::NotJson, "tag `!!int`", "x");
    check("a: {{ .Values.x }}\n", Fault::NotJson, "template", "{ .Values.x }");
}

#[test]
fn other_encodings_are_told_apart() {
    let words = |bytes: &[u8]| decode(bytes).unwrap_err().message;
    assert!(words(b"\xff\xfea\0:\0").contains("UTF-16"));
    assert!(words(b"\0a\0:").contains("UTF-16"));
    let latin1 = decode(b"name: Jos\xe9\n").unwrap_err();
    assert!(latin1.message.contains("byte 0xe9") && latin1.range.start == 9, "{latin1:?}");
    assert_eq!(decode(b"\xef\xbb\xbfa: 1").unwrap(), "a: 1");
}

/// Texts made to exhaust the reader; each must end at once with the limit it hit.
#[test]
fn budgets_hold() {
    let laughs: String = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_string()
        + &(1..30).map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(", "))).collect::<String>();
    let long_alias = format!("a: &a \"{}\"\nb: [{}]\n", "x".repeat(1 << 20), vec!["*a"; 1000].join(", "));
    for (text, words) in [
        (laughs, "aliases"),
        (long_alias, "aliases"),
        ("[".repeat(200_000), "nested"),
        ("a: ".to_string() + &"{b: ".repeat(150), "nested"),
        ("- ".repeat(150) + "x", "nested"),
        (format!("{}1{}", "[".repeat(101), "]".repeat(101)), "nested"),
        (" ".repeat(TEXT_BYTES_MAX + 1), "at most"),
        ("- 1\n".repeat(NODES_MAX + 1), "values"),
    ] {
        let errors = read(&text, Profile::Kube).unwrap_err();
        assert!(errors.iter().any(|e| e.message.contains(words)), "{}", errors[0].message);
    }
    // What is read can be written and read again, from JSON as from YAML.
    let deepest = format!("{}1{}", "[".repeat(DEPTH_MAX), "]".repeat(DEPTH_MAX));
    let value = one(&deepest, Profile::Kube);
    assert_eq!(one(&to_yaml(&value), Profile::Kube), value);
}

#[test]
fn booleans_follow_the_profile() {
    let text = "a: yes\nspec: {objects: [{data: no}], other: no}\n---\nb: off\n";
    let documents = read(text, Profile::Scenario).unwrap();
    assert_eq!(documents[0].value, json!({"a": "yes", "spec": {"objects": [{"data": false}], "other": "no"}}));
    assert_eq!(documents[1].value, json!({"b": false}));
}

#[test]
fn documents_and_json_streams() {
    let count = |text: &str| read(text, Profile::Kube).unwrap().len();
    assert_eq!(count(""), 0);
    assert_eq!(count("---\n# nothing\n---\n---\na: 1\n...\n---\nb: 2\n"), 2);
    assert_eq!(count("{\"a\": 1}\n{\"b\": 2}\n"), 2);
    assert_eq!(one("{\"a\": \"\\ud83d\\ude00\"}", Profile::Kube), json!({"a": "😀"}));
}

#[test]
fn paths_lead_to_places() {
    let check = |text: &str, path: &str, key: &str, value: &str| {
        let document = read(text, Profile::Kube).unwrap().remove(0);
        let path = Path::parse(path).unwrap();
        assert_eq!(document.spans.key_range(&path).map(|r| &text[r]), Some(key));
        assert_eq!(document.spans.value_range(&path).map(|r| &text[r]), Some(value));
    };
    let yaml = "spec:\n  ports:\n  - port: 80\n    name: \"web\"\n  labels: {a.b/c: d}\n";
    check(yaml, "spec.ports[0].port", "port", "80");
    check(yaml, "spec.ports[0].name", "name", "\"web\"");
    check(yaml, "spec.labels[\"a.b/c\"]", "a.b/c", "d");
    check(yaml, "spec.ports", "ports", "port: 80\n    name: \"web\"");
    let json = "{\"spec\": {\"ports\": [{\"port\": 80 , \"x\": [1, [2]]}]}}";
    check(json, "spec.ports[0].port", "\"port\"", "80");
    check(json, "spec.ports[0].x", "\"x\"", "[1, [2]]");
    assert_eq!(line_and_column(yaml, yaml.find("80").unwrap()), (3, 11));
}

proptest::proptest! {
    #[test]
    fn what_is_written_reads_back(text in "[ -~\n\té😀]{0,120}", key in "[a-zA-Z0-9_./: -]{0,12}|[a-z \n-]{0,9}|[a-d ]{100,2000}") {
        let value = json!({ "a": text, "list": [[key.clone()], {}], key: text });
        proptest::prop_assert_eq!(one(&to_yaml(&value), Profile::Kube), value);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        if let Ok(text) = decode(&bytes) {
            let _ = read(text, Profile::Scenario);
        }
    }

    #[test]
    fn no_yaml_like_text_panics(text in "([a-c]|: |- |\n|  |\\[|\\]|\\{|\\}|&a |\\*a|<<|\"|'|\\|| #|!!int |---\n|, |\t|\\?){0,60}") {
        if let Ok(documents) = read(&text, Profile::Kube) {
            for document in documents {
                every_path_resolves(&document.value, &document.spans, &text);
            }
        }
    }
}

fn every_path_resolves(value: &Value, spans: &SpanTree, text: &str) {
    assert!(text.get(spans.range.clone()).is_some(), "{:?} of {text:?}", spans.range);
    match value {
        Value::Object(map) => {
            for (key, item) in map {
                let path = Path::root().field(key);
                assert!(spans.key_range(&path).is_some_and(|r| text.get(r).is_some()), "{key} in {text:?}");
                every_path_resolves(item, spans.get(&path).expect("a tree for each field"), text);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                every_path_resolves(item, spans.child(&Segment::Index(index)).expect("a tree for each item"), text);
            }
        }
        _ => {}
    }
}
