//! The architecture test: reads the sources of the workspace and refuses what the floor plan forbids.
//!
//! Each finding names a file and a line, the problem, and a way out. The rules, one file each:
//!
//! | file | refuses |
//! | --- | --- |
//! | `tidy/directions.rs` | a box that names another box; a crate or an idea outside its one home |
//! | `tidy/words.rs` | in `sim-core`: hash tables, floats, clocks, threads, sockets, files, `unsafe`; anywhere: unfinished notes |
//! | `tidy/sentences.rs` | in `ask` and `explain`: texts that read like a sentence |
//! | `tidy/shape.rs` | long files, long functions, files without an introduction |
//!
//! `tidy/tests.rs` feeds each rule a bad snippet, so that a rule that has gone blind is noticed.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

#[path = "tidy/directions.rs"]
mod directions;
#[path = "tidy/paths.rs"]
mod paths;
#[path = "tidy/sentences.rs"]
mod sentences;
#[path = "tidy/shape.rs"]
mod shape;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/tests.rs"]
mod tests;
#[path = "tidy/words.rs"]
mod words;

use source::Source;

/// What is wrong, where, and what to do about it.
struct Finding {
    path: String,
    line: usize,
    problem: String,
    way_out: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}\n    way out: {}", self.path, self.line, self.problem, self.way_out)
    }
}

impl Source {
    fn finding(&self, line: usize, problem: String, way_out: &'static str) -> Finding {
        Finding { path: self.path.clone(), line, problem, way_out }
    }
}

/// All rules for one Rust file.
fn check_rust(path: &str, text: &str) -> Vec<Finding> {
    let source = Source::new(path, text);
    let rules = [directions::check, words::check_core, sentences::check, shape::check];
    rules.iter().flat_map(|rule| rule(&source)).chain(words::check_text(path, text)).collect()
}

fn check_file(root: &Path, path: &Path) -> Vec<Finding> {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    // Lossy, because some inputs of tests are deliberately not UTF-8.
    let text = String::from_utf8_lossy(&bytes);
    let inside = path.strip_prefix(root).expect("found below the root");
    let name = inside.to_string_lossy().replace('\\', "/");
    if name.ends_with(".rs") { check_rust(&name, &text) } else { words::check_text(&name, &text) }
}

/// Files of the project that people write, sorted: build output and hidden folders other than the checks' are left out.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable folder entry").path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let hidden = name.starts_with('.') && !matches!(name, ".ci" | ".github");
        let written = ["rs", "md", "toml", "yaml", "yml"].into_iter().any(|end| path.extension().is_some_and(|e| e == end));
        if path.is_dir() && !hidden && name != "target" {
            files(&path, found);
        } else if written || path.ends_with(".ci/run") {
            found.push(path);
        }
    }
}

/// Asked when the test runs and not when it is compiled: the sources may have moved in between.
fn workspace() -> PathBuf {
    let package = std::env::var("CARGO_MANIFEST_DIR").expect("cargo test says where the package is");
    Path::new(&package).parent().expect("the package is a member of the workspace").to_owned()
}

#[test]
fn the_workspace_is_tidy() {
    let root = workspace();
    let mut paths = Vec::new();
    files(&root, &mut paths);
    assert!(paths.iter().any(|path| path.ends_with("sim-core/src/lib.rs")), "no sources found below {}", root.display());
    let findings: Vec<String> =
        paths.iter().flat_map(|path| check_file(&root, path)).map(|finding| finding.to_string()).collect();
    assert!(findings.is_empty(), "\n{}\n\n{} findings\n", findings.join("\n"), findings.len());
}

#[test]
fn the_tables_name_what_exists() {
    let core = workspace().join("sim-core/src");
    for (module, _) in directions::ALLOWED {
        let exists = core.join(module).is_dir() || core.join(format!("{module}.rs")).is_file();
        assert!(exists, "tests/tidy/directions.rs gives arrows to `{module}`, which is no module of sim-core: delete its line");
    }
    for (file, word, _) in words::ALLOWED_WORDS {
        let text = fs::read_to_string(workspace().join(file)).unwrap_or_default();
        assert!(text.contains(word), "tests/tidy/words.rs lets {file} use `{word}`, which it does not: delete its line");
    }
    for (file, name, _) in shape::LONG_FUNCTIONS {
        let text = fs::read_to_string(workspace().join(file)).unwrap_or_default();
        assert!(
            text.contains(&format!("fn {name}")),
            "tests/tidy/shape.rs exempts `{name}`, which is not in {file}: delete its line"
        );
    }
}
