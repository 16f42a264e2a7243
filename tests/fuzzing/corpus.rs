//! Real texts to begin with: everything in this repository that one of the readers is meant to read.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sim_core::yaml::{Profile, read, to_yaml};

use super::surface::Surface;

/// Where scenarios, manifests and console lines are found, below the workspace.
const FOLDERS: [&str; 3] = ["scenarios", "tests", "sim-core/src"];
/// Longest key or word that is worth using again.
const WORD_BYTES_MAX: usize = 40;

/// The seeds, by who reads them.
#[derive(Clone, Debug, Default)]
pub struct Corpus {
    scenarios: Vec<Vec<u8>>,
    manifests: Vec<Vec<u8>>,
    lines: Vec<Vec<u8>>,
    /// The trees of the scenarios' first documents.
    pub scenario_trees: Vec<Value>,
    /// Kubernetes objects.
    pub objects: Vec<Value>,
    /// Keys of mappings, sorted.
    pub keys: Vec<String>,
    /// Words of console lines, sorted.
    pub words: Vec<String>,
}

impl Corpus {
    /// Reads the repository that this package is part of.
    pub fn of_the_repository() -> Corpus {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut corpus = Corpus::default();
        let mut paths = Vec::new();
        FOLDERS.iter().for_each(|folder| files(&root.join(folder), &mut paths));
        let (mut keys, mut words) = (BTreeSet::new(), BTreeSet::new());
        for path in paths {
            let bytes = fs::read(&path).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            match path.extension().and_then(|e| e.to_str()) {
                Some("yaml" | "json") => corpus.yaml(bytes, &text, &mut keys),
                Some("txt") => corpus.console(&text),
                _ => {}
            }
        }
        for line in &corpus.lines {
            let text = String::from_utf8_lossy(line);
            words.extend(text.split_whitespace().filter(|w| w.len() <= WORD_BYTES_MAX).map(str::to_string));
        }
        corpus.keys = keys.into_iter().collect();
        corpus.words = words.into_iter().collect();
        corpus
    }

    /// The seeds of a reader.
    pub fn texts(&self, surface: Surface) -> &[Vec<u8>] {
        match surface {
            Surface::Scenario => &self.scenarios,
            Surface::Manifests => &self.manifests,
            Surface::Console => &self.lines,
        }
    }

    fn yaml(&mut self, bytes: Vec<u8>, text: &str, keys: &mut BTreeSet<String>) {
        let is_scenario = text.contains("kubewalk/v1");
        if bytes.len() <= super::BYTES_MAX / 8 {
            let all = if is_scenario { &mut self.scenarios } else { &mut self.manifests };
            all.push(bytes);
        }
        let profile = if is_scenario { Profile::Scenario } else { Profile::Kube };
        for document in read(text, profile).unwrap_or_default() {
            if document.value.pointer("/apiVersion").is_some_and(|v| v == "kubewalk/v1") {
                self.scenario_trees.push(document.value.clone());
            }
            self.tree(&document.value, keys);
        }
    }

    /// Objects, console lines and keys, wherever they stand in a tree.
    fn tree(&mut self, value: &Value, keys: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                if fields.contains_key("apiVersion") && fields.get("kind").is_some_and(|k| k != "Scenario") {
                    self.manifests.push(to_yaml(value).into_bytes());
                    self.objects.push(value.clone());
                }
                for (key, inner) in fields {
                    if key.len() <= WORD_BYTES_MAX {
                        keys.insert(key.clone());
                    }
                    if let ("run" | "command", Value::String(line)) = (key.as_str(), inner) {
                        self.lines.push(line.clone().into_bytes());
                    }
                    self.tree(inner, keys);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.tree(item, keys)),
            _ => {}
        }
    }

    /// Scripts of the console's tests: between a title and what is expected. Without titles, each line is one.
    fn console(&mut self, text: &str) {
        if !text.contains("\n=== ") {
            self.lines.extend(text.lines().filter(|l| !l.is_empty()).map(|line| line.as_bytes().to_vec()));
            return;
        }
        for section in text.split("\n=== ") {
            let script = section.split("\n--- ").next().unwrap_or_default();
            let script = script.split_once('\n').map_or("", |(_title, script)| script);
            self.lines.push(script.as_bytes().to_vec());
        }
    }
}

/// Files below a folder, in the order of their names.
fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        match path.is_dir() {
            true if path.ends_with("target") => {}
            true => files(&path, into),
            false => into.push(path),
        }
    }
}
