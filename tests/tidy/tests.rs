//! Each rule is fed a bad snippet and must refuse it, at the right line; and a good one, which must pass.

use super::check_rust;
use super::source::blank;
use super::words::check_text;

/// Findings as `line: problem`, for a file with a proper introduction on line 1.
fn refused(path: &str, code: &str) -> Vec<String> {
    let text = format!("//! A box.\n{code}");
    check_rust(path, &text).into_iter().map(|finding| format!("{}: {}", finding.line, finding.problem)).collect()
}

fn check(path: &str, code: &str, expect: &[&str]) {
    assert_eq!(refused(path, code), expect, "in {path}:\n{code}");
}

#[test]
fn a_forbidden_direction_is_refused() {
    let boxes = "api, engine, explain, objects, store";
    check(
        "sim-core/src/engine/run.rs",
        "use crate::store::Store;",
        &["2: `engine` names `store::Store`, but may only know itself"],
    );
    check(
        "sim-core/src/kubelet/mod.rs",
        "fn f() {\n    crate::proxy::sync();\n}",
        &[&format!("3: `kubelet` names `proxy::sync`, but may only know {boxes}")],
    );
    check(
        "sim-core/src/scheduler/filter.rs",
        "use crate::{\n    objects::pod::Pod,\n    kubelet::{Kubelet},\n};",
        &[&format!("4: `scheduler` names `kubelet::Kubelet`, but may only know {boxes}")],
    );
    check(
        "sim-core/src/proxy/mod.rs",
        "use super::cluster::Cluster;",
        &[&format!("2: `proxy` names `cluster::Cluster`, but may only know {boxes}")],
    );
    check(
        "sim-core/src/api/table/pods.rs",
        "use crate::render::{age, table};",
        &["2: `api` names `render::table`, but may only know engine, objects, render::age, store"],
    );
    check("sim-core/src/cache/mod.rs", "", &["1: the module `cache` has no place in the floor plan"]);
    let ask = "api, cloud, cluster, controllers, dns, engine, explain, kubelet, network, objects, proxy, scheduler, store";
    for above in ["render", "console", "scenario"] {
        let refused = format!("2: `ask` names `{above}::x`, but may only know {ask}");
        check("sim-core/src/ask/mod.rs", &format!("use crate::{above}::x;"), &[&refused]);
    }
}

#[test]
fn an_allowed_direction_passes() {
    check("sim-core/src/cluster/mod.rs", "use crate::{cloud, kubelet::Kubelet, proxy};\nuse super::api::Request;", &[]);
    check("sim-core/src/dns/resolver.rs", "use crate::network::wire::{Asked, Wire};", &[]);
    check("sim-core/src/api/mod.rs", "mod server;\npub use self::server::Server;\nuse crate::api::request;", &[]);
    // In a file of a folder, `super` is the folder and not the root.
    check("sim-core/src/api/server.rs", "use super::kubelet::Port;", &[]);
    check("sim-core/src/engine/run.rs", "/// See [`crate::store`].\n// crate::api\nconst A: &str = \"crate::api::x\";", &[]);
    check("sim-tui/src/main.rs", "use sim_core::console::Session;\nuse std::collections::HashMap;", &[]);
}

#[test]
fn a_crate_outside_its_home_is_refused() {
    check(
        "sim-core/src/objects/pod.rs",
        "use k8s_openapi::api::core::v1::Pod;",
        &["2: the crate `k8s_openapi` lives in `api` only, not in `objects`"],
    );
    check(
        "sim-core/src/scenario/load.rs",
        "let value = serde_saphyr::from_str(text);",
        &["2: the crate `serde_saphyr` lives in `yaml` only, not in `scenario`"],
    );
    check("sim-core/src/yaml/mod.rs", "let value = serde_saphyr::from_str(text);", &[]);
}

#[test]
fn an_idea_outside_its_home_is_refused() {
    let distance = |name: &str| format!("2: `{name}` does again what `objects::nearest` is there for");
    check("sim-core/src/console/kubectl/verbs/mod.rs", "fn distance(a: &str) -> usize {}", &[&distance("distance")]);
    check("sim-core/src/ask/hints.rs", "pub(super) const fn levenshtein(a: &str) {}", &[&distance("levenshtein")]);
    let paths = |name: &str| format!("2: `{name}` does again what `jsonpath` is there for");
    check("sim-core/src/console/kubectl/mod.rs", "pub mod jsonpath;", &["2: `jsonpath` does again what `jsonpath` is there for"]);
    check("sim-core/src/scenario/expect.rs", "struct JsonPath;", &[&paths("JsonPath")]);
    check("sim-core/src/objects/nearest.rs", "pub fn distance(a: &str) {}", &[]);
    check("sim-core/src/jsonpath/mod.rs", "pub struct JsonPath;", &[]);
    check("sim-core/src/engine/timeline.rs", "let distance = |i: usize| i;", &[]);
}

#[test]
fn a_sentence_outside_render_is_refused() {
    let told = |line: usize, text: &str, module: &str| format!("{line}: the sentence \"{text}\" in `{module}`");
    check("sim-core/src/ask/why/pod.rs", "let text = \"it has no node\";", &[&told(2, "it has no node", "ask")]);
    check("sim-core/src/ask/rules.rs", "let s = format!(\"node {n} is down\");", &[&told(2, "node {n} is down", "ask")]);
    check("sim-core/src/explain/assumed.rs", "let s = r#\"it is so\"#;", &[&told(2, "it is so", "explain")]);
    check(
        "sim-core/src/ask/mod.rs",
        "fn f() {\n    g(\"one\", \"this is a longer sentence than thirty letters\");\n}",
        &[&told(3, "this is a longer sentence than...", "ask")],
    );
    // Names, paths and formats are no sentences; comments and tests may say what they like.
    check(
        "sim-core/src/ask/mod.rs",
        "let a = (\"externalTrafficPolicy\", \"{} {}\", \"no-such-code\", \"Service {x}\", ' ');",
        &[],
    );
    check("sim-core/src/ask/mod.rs", "/// It is \"a sentence of words\".\n// \"another one of these\"\nfn f() {}", &[]);
    check("sim-core/src/ask/mod.rs", "#[cfg(test)]\nmod tests {\n    const A: &str = \"it has no node\";\n}", &[]);
    check("sim-core/src/render/why/mod.rs", "let text = \"it has no node\";", &[]);
}

#[test]
fn what_makes_two_runs_differ_is_refused_in_the_core() {
    let cases = [
        ("use std::collections::HashMap;", "HashMap"),
        ("use std::collections::{BTreeMap, HashSet};", "HashSet"),
        ("fn share(part: f64) {}", "f64"),
        ("const A: f32 = 0.0;", "f32"),
        ("let t = Instant::now();", "Instant::now"),
        ("let t: SystemTime;", "SystemTime"),
        ("use std::time::Duration;", "std::time"),
        ("std::thread::spawn(work);", "std::thread"),
        ("use std::{env, fmt};", "std::env"),
        ("let text = std::fs::read(path);", "std::fs"),
        ("use std::process::Command;", "std::process"),
        ("use std::net::{IpAddr, TcpStream};", "TcpStream"),
        ("println!(\"hello\");", "println!"),
        ("unsafe { read() }", "unsafe"),
    ];
    for (code, word) in cases {
        check("sim-core/src/proxy/choose.rs", code, &[&format!("2: `{word}` in sim-core")]);
        check("sim-tui/src/app.rs", code, &[]);
    }
}

#[test]
fn names_that_only_look_alike_pass() {
    check("sim-core/src/network/packet.rs", "use std::net::{IpAddr, Ipv4Addr, SocketAddr};", &[]);
    check(
        "sim-core/src/api/mod.rs",
        "let n = value.as_f64();\nlet s = \"unsafe\"; // HashMap\nlet c = '\"'; let d = \"f64\";",
        &[],
    );
    check("sim-core/src/api/mod.rs", "/* std::fs::read */\nlet r = r#\"a \" println!()\"#;\nfn f<'a>(x: &'a str) {}", &[]);
    assert_eq!(blank("a\"\\\"b\"c'\\''d"), "a     c    d");
}

#[test]
fn test_code_may_use_what_it_likes() {
    let module = "fn f() {}\n\n#[cfg(test)]\nmod tests {\n    use std::collections::HashMap;\n}\n";
    check("sim-core/src/store/view.rs", module, &[]);
    check("sim-core/src/store/view.rs", &format!("{module}\nfn g(a: f64) {{}}"), &["9: `f64` in sim-core"]);
    check("sim-core/src/store/view.rs", "#[cfg(test)]\nmod tests;\nfn g(a: f64) {}", &["4: `f64` in sim-core"]);
    for path in ["engine/queue_tests.rs", "store/tests.rs", "console/kubectl/tests/world.rs"] {
        check(&format!("sim-core/src/{path}"), "use std::collections::HashMap;\nuse crate::cluster::Cluster;", &[]);
    }
    check("sim-core/benches/engine.rs", "use std::time::Instant;", &[]);
}

#[test]
fn long_files_and_functions_are_refused() {
    let body =
        |lines: usize| format!("pub(crate) const fn long<T>(\n    a: T,\n) -> u8 {{\n{}}}\n", "    step();\n".repeat(lines));
    check("sim-core/src/api/mod.rs", &body(66), &[]);
    check("sim-core/src/api/mod.rs", &body(67), &["2: `long` has 71 lines; a function has at most 70"]);
    check("sim-tui/src/app.rs", &body(67), &["2: `long` has 71 lines; a function has at most 70"]);
    check("sim-core/src/api/mod.rs", &format!("trait T {{\n    fn short(&self);\n{}}}", "    const A: u8;\n".repeat(80)), &[]);
    check("sim-core/src/api/mod.rs", &"\n".repeat(599), &[]);
    check("sim-core/src/api/mod.rs", &"\n".repeat(600), &["601: 601 lines; a file has at most 600"]);
}

#[test]
fn a_file_that_does_not_introduce_itself_is_refused() {
    let problems = |path: &str| check_rust(path, "fn f() {}\n").len();
    assert_eq!(problems("sim-core/src/api/mod.rs"), 1);
    assert_eq!(problems("tests/cli.rs"), 1);
    assert_eq!(problems("sim-core/src/api/patch/tests.rs"), 0, "tests beside a module are introduced by the module");
}

#[test]
fn unfinished_notes_and_paths_of_one_machine_are_refused() {
    for word in ["TO DO", "FIX ME", "to do!(", "/wo rk/x"].map(|word| word.replace(' ', "")) {
        let findings = check_text("README.md", &format!("fine\nnot {word} fine"));
        assert_eq!(findings.len(), 1, "{word}");
        assert!(findings[0].to_string().starts_with("README.md:2: `"), "{}", findings[0]);
    }
    assert!(check_text("book/src/x.md", "a todo list, several TODOS").is_empty());
}
