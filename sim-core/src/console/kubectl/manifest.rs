//! Files of manifests: `-f FILE`, `-f FOLDER`, `-f -`, several documents and Lists in one.
//!
//! The real thing: `k8s.io/cli-runtime/pkg/resource` (builder and visitors). Left out: URLs and kustomizations.

use serde_json::Value;

use super::client::Client;
use super::failure::Failure;
use super::resource::Resource;
use super::targets::Target;
use crate::api::table::document::{list, name, namespace, text};
use crate::console::written::{Lines, origin};
use crate::yaml::{self, Path, SpanTree};

const EXTENSIONS: [&str; 3] = [".json", ".yaml", ".yml"];
/// Most objects of one command.
const OBJECTS_MAX: usize = 100_000;
/// Deepest folder below a `-f FOLDER -R`.
const FOLDERS_DEEP_MAX: usize = 16;

/// Reads the manifests of all `paths`, in order. What is wrong with one document does not hide the others.
pub async fn read(client: &mut Client<'_>, paths: &[String], recursive: bool) -> Result<(Vec<Target>, Vec<Failure>), Failure> {
    let (mut targets, mut failures) = (Vec::new(), Vec::new());
    for path in paths {
        if path.starts_with("http://") || path.starts_with("https://") {
            return Err(Failure::Error(format!(
                "unable to read URL {path:?}: the simulator reaches no network; save the file and name its path"
            )));
        }
        for file in files(client, path, recursive, 0)? {
            let text = if file == "-" { client.stdin.to_string() } else { client.file(&file)? };
            let source = if file == "-" { "STDIN" } else { &file };
            let lines = Lines::of(&text);
            for (document, spans) in placed(&text, source)? {
                match target(client, document, source) {
                    Ok(target) => {
                        let origin = origin(source, &lines, &target.object, &spans);
                        client.host.world().written(&target.resource.kind, &target.namespace, &target.name, origin);
                        targets.push(target);
                    }
                    Err(failure) => failures.push(failure),
                }
            }
            if targets.len() > OBJECTS_MAX {
                return Err(Failure::Error(format!("more than {OBJECTS_MAX} objects in one command")));
            }
        }
    }
    if targets.is_empty() && failures.is_empty() {
        return Err("no objects passed to".into());
    }
    Ok((targets, failures))
}

/// The files that a path stands for: itself, or what a folder holds.
fn files(client: &mut Client<'_>, path: &str, recursive: bool, depth: usize) -> Result<Vec<String>, Failure> {
    if path == "-" || client.host.read_file(path).is_ok() {
        return Ok(vec![path.into()]);
    }
    let Ok(names) = client.host.list_dir(path) else {
        return Err(Failure::Error(format!("the path {path:?} does not exist")));
    };
    let mut found = Vec::new();
    for entry in names {
        let full = format!("{}/{entry}", path.trim_end_matches('/'));
        if entry.ends_with('/') {
            if recursive && depth < FOLDERS_DEEP_MAX {
                found.extend(files(client, &full, recursive, depth + 1).unwrap_or_default());
            }
        } else if EXTENSIONS.iter().any(|extension| entry.ends_with(extension)) {
            found.push(full);
        }
    }
    if found.is_empty() && depth == 0 {
        return Err(Failure::Error(format!("error reading [{path}]: recognized file extensions are [.json .yaml .yml]")));
    }
    Ok(found)
}

/// The documents of a text, Lists taken apart.
pub fn documents(text: &str, source: &str) -> Result<Vec<Value>, Failure> {
    Ok(placed(text, source)?.into_iter().map(|(value, _)| value).collect())
}

/// The documents with the places of their fields.
fn placed(text: &str, source: &str) -> Result<Vec<(Value, SpanTree)>, Failure> {
    let read = yaml::read(text, yaml::Profile::Kube).map_err(|errors| {
        let why = errors.first().map_or(String::new(), |error| {
            let line = text.as_bytes().iter().take(error.range.start).filter(|byte| **byte == b'\n').count() + 1;
            format!("yaml: line {line}: {}", error.message)
        });
        Failure::Error(format!("error parsing {source}: error converting YAML to JSON: {why}"))
    })?;
    let mut all = Vec::new();
    for document in read {
        let (value, spans) = (document.value, document.spans);
        if value.is_null() {
            continue;
        }
        if text_of(&value, "kind").is_empty() {
            return Err(Failure::Error(format!("unable to decode {source:?}: Object 'Kind' is missing in '{value}'")));
        }
        if text_of(&value, "apiVersion").is_empty() {
            return Err(Failure::Error(format!("unable to decode {source:?}: Object 'apiVersion' is missing in '{value}'")));
        }
        if text_of(&value, "kind").ends_with("List") && value.get("items").is_some_and(Value::is_array) {
            let place = |index: usize| spans.get(&Path::root().field("items").index(index)).cloned().unwrap_or_default();
            all.extend(list(&value, "items").iter().enumerate().map(|(index, item)| (item.clone(), place(index))));
        } else {
            all.push((value, spans));
        }
    }
    Ok(all)
}

fn text_of<'a>(value: &'a Value, path: &str) -> &'a str {
    text(value, path)
}

/// A document with its kind looked up and its namespace settled.
fn target(client: &Client<'_>, mut object: Value, source: &str) -> Result<Target, Failure> {
    let resource = Resource::of(&object, source)?;
    let mut place = String::new();
    if resource.namespaced {
        let own = namespace(&object).to_string();
        if !own.is_empty() && client.namespace_given && own != client.namespace {
            return Err(Failure::Error(format!(
                "the namespace from the provided object {own:?} does not match the namespace {:?}. You must pass \
                 '--namespace={own}' to perform this operation.",
                client.namespace
            )));
        }
        place = if own.is_empty() { client.namespace.clone() } else { own };
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("namespace".into(), place.clone().into());
        }
    }
    Ok(Target { name: name(&object).into(), namespace: place, resource, object, source: source.into() })
}
