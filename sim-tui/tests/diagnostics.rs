//! What a user reads who hands in something that cannot be used.
//!
//! Each file in `tests/cases/bad/` has its diagnostic beside it (`NAME.snap`). After a change: read them as a beginner would.

use std::path::Path;

use sim_core::scenario::{File, Options, Refused, load, load_folder};
use sim_tui::draw::diagnostic::draw;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases/bad")
}

fn drawn(refused: &Refused) -> String {
    draw(&refused.diagnostics, &refused.sources, false)
}

#[test]
fn each_bad_input_has_a_diagnostic_that_helps() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder());
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let entries = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = entries.filter(|p| p.extension().is_some_and(|e| e == "yaml" || e == "json")).collect();
    paths.sort();
    assert!(paths.len() >= 30);
    for path in paths {
        let bytes = std::fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let refused = load(File { name, bytes: &bytes }, &Options::default()).expect_err(name);
        let stem = path.file_stem().unwrap().to_str().unwrap();
        settings.bind(|| insta::assert_snapshot!(stem, drawn(&refused)));
        for diagnostic in &refused.diagnostics {
            let json = diagnostic.to_json(&refused.sources);
            assert!(json["help"].as_str().is_some_and(|help| !help.is_empty()), "{name}");
        }
    }
}

#[test]
fn folders_that_need_rendering_get_a_hint() {
    let hint = |files: &[&str]| {
        let files: Vec<File<'_>> = files.iter().map(|name| File { name, bytes: b"" }).collect();
        drawn(&load_folder("shop", &files, &Options::default()).unwrap_err())
    };
    insta::assert_snapshot!(hint(&["Chart.yaml", "templates/web.yaml"]), @r#"
    error[KW0302]: this folder is a Helm chart, not manifests
    --> shop
     = help: render it first: `helm template shop | kubewalk play -`
    "#);
    insta::assert_snapshot!(hint(&["kustomization.yaml", "web.yaml"]), @r#"
    error[KW0302]: this folder is a kustomization, not manifests
    --> shop
     = help: build it first: `kubectl kustomize shop | kubewalk play -`
    "#);
    insta::assert_snapshot!(hint(&["README.md"]), @r#"
    error[KW0301]: this folder has no manifests
    --> shop
     = help: give a folder with .yaml, .yml or .json files, or name one file
    "#);
    insta::assert_snapshot!(hint(&["a.yaml"]), @r#"
    error[KW0301]: there is nothing in this input
    --> shop
     = help: write a scenario or Kubernetes manifests; `kubewalk run first-service` plays a built-in one
    "#);
}

#[test]
fn a_mistake_in_set_points_into_the_argument() {
    let text = b"apiVersion: kubewalk/v1\nkind: Scenario\nspec: {cluster: {nodes: 2}}\n";
    let hint = |argument: &str| {
        let set = [argument.to_string()];
        drawn(&load(File { name: "a.yaml", bytes: text }, &Options { set: &set, ..Options::default() }).unwrap_err())
    };
    insta::assert_snapshot!(hint("spec.cluster.proxy.mode=iptable"), @r#"
    error[KW0204]: `spec.cluster.proxy.mode` cannot be `iptable`
     --> --set spec.cluster.proxy.mode=iptable:1:1
      |
    1 | spec.cluster.proxy.mode=iptable
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: did you mean `iptables`? Known here: iptables, nftables, ipvs
    "#);
    insta::assert_snapshot!(hint("spec.cluster.profile=1.32"), @r#"
    error[KW0202]: `spec.cluster.profile` must be text, and this is a number
     --> --set spec.cluster.profile=1.32:1:1
      |
    1 | spec.cluster.profile=1.32
      | ^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: put it in quotes for YAML, inside those of the shell: --set 'spec.cluster.profile="1.32"'
    "#);
    insta::assert_snapshot!(hint("spec.cluster.nodes[0].zone=b"), @r#"
    error[KW0401]: `spec.cluster.nodes` has no parts
     --> --set spec.cluster.nodes[0].zone=b:1:1
      |
    1 | spec.cluster.nodes[0].zone=b
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: it is a count here; write a list first: --set 'spec.cluster.nodes=[{name: node-1}]'
    "#);
}

#[test]
fn a_mark_far_inside_a_long_line_is_drawn() {
    let text = format!("{{\"kind\": \"List\", \"x\": \"{}\", \"x\": 1}}", "é".repeat(100_000));
    let refused = load(File { name: "long.json", bytes: text.as_bytes() }, &Options::default()).unwrap_err();
    let drawn = drawn(&refused);
    assert!(drawn.contains("the key `x` stands here a second time") && drawn.len() < 500_000, "{drawn}");
}
