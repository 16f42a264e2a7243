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
    insta::assert_snapshot!(hint(&["Chart.yaml", "templates/web.yaml"]), @"");
    insta::assert_snapshot!(hint(&["kustomization.yaml", "web.yaml"]), @"");
    insta::assert_snapshot!(hint(&["README.md"]), @"");
    insta::assert_snapshot!(hint(&["a.yaml"]), @"");
}

#[test]
fn a_mistake_in_set_points_into_the_argument() {
    let text = b"apiVersion: kubewalk/v1\nkind: Scenario\nspec: {cluster: {nodes: 2}}\n";
    let hint = |argument: &str| {
        let set = [argument.to_string()];
        drawn(&load(File { name: "a.yaml", bytes: text }, &Options { set: &set, ..Options::default() }).unwrap_err())
    };
    insta::assert_snapshot!(hint("spec.cluster.proxy.mode=iptable"), @"");
    insta::assert_snapshot!(hint("spec.cluster.profile=1.32"), @"");
    insta::assert_snapshot!(hint("spec.cluster.nodes[0].zone=b"), @"");
}

#[test]
fn a_mark_far_inside_a_long_line_is_drawn() {
    let text = format!("{{\"kind\": \"List\", \"x\": \"{}\", \"x\": 1}}", "é".repeat(100_000));
    let refused = load(File { name: "long.json", bytes: text.as_bytes() }, &Options::default()).unwrap_err();
    let drawn = drawn(&refused);
    assert!(drawn.contains("the key `x` stands here a second time") && drawn.len() < 500_000, "{drawn}");
}
