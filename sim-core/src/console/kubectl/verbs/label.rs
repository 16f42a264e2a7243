//! `kubectl label` and `kubectl annotate`: words on objects.

use serde_json::{Map, Value, json};

use crate::api::request::{PatchKind, Verb};
use crate::api::table::document::pairs;
use crate::console::kubectl::changes::{Change, DryRun};
use crate::console::kubectl::client::Client;
use crate::console::kubectl::failure::Failure;
use crate::console::kubectl::flags::{Args, Flag, switch, value};
use crate::console::kubectl::manifest;
use crate::console::kubectl::targets::{Query, Target};

/// Flags of both verbs.
pub const FLAGS: &[Flag] = &[switch("overwrite"), switch("local"), switch("list"), value("resource-version")];

/// `kubectl label`.
pub async fn label(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    mark(client, args, "labels").await
}

/// `kubectl annotate`.
pub async fn annotate(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    mark(client, args, "annotations").await
}

/// `a=1,b=2` as a map.
pub fn map(parts: &[String]) -> Result<Value, Failure> {
    let mut all = Map::new();
    for part in parts {
        let (key, value) = part.split_once('=').ok_or_else(|| Failure::Error(format!("unexpected label spec: {part}")))?;
        all.insert(key.into(), value.into());
    }
    Ok(Value::Object(all))
}

async fn mark(client: &mut Client<'_>, args: &Args, field: &str) -> Result<(), Failure> {
    let is_word = |word: &String| word.contains('=') || word.ends_with('-') && !word.contains('/');
    let first = args.words.iter().position(is_word).unwrap_or(args.words.len());
    let (objects, words) = args.words.split_at(first);
    let singular = field.trim_end_matches('s');
    if words.is_empty() && !args.on("list") {
        return Err(Failure::Error(format!("at least one {singular} update is required")));
    }
    let (set, remove) = read(words)?;
    let change = Change::of(client, args, if field == "labels" { "kubectl-label" } else { "kubectl-annotate" }).await?;
    let query = Query { words: objects.to_vec(), ..Query::of(args) };
    let (targets, mut failures) = if args.on("local") {
        manifest::read(client, &query.files, query.recursive).await?
    } else {
        let found = query.find(client).await?;
        let failures = found.failures.clone();
        (found.targets(), failures)
    };
    for target in &targets {
        let marking = Marking { field, set: &set, remove: &remove, overwrite: args.on("overwrite"), local: args.on("local") };
        failures.extend(marking.apply(client, &change, target).await.err());
        if args.on("list") {
            pairs(&target.object, &format!("metadata.{field}"))
                .iter()
                .for_each(|(key, value)| client.say(format!("{key}={value}")));
        }
    }
    Failure::gather(failures)
}

/// What to set, and what to remove.
type Updates = (Vec<(String, String)>, Vec<String>);

fn read(words: &[String]) -> Result<Updates, Failure> {
    let (mut set, mut remove) = (Vec::new(), Vec::new());
    for word in words {
        match (word.split_once('='), word.strip_suffix('-')) {
            (Some((key, value)), _) => set.push((key.to_string(), value.to_string())),
            (None, Some(key)) => remove.push(key.to_string()),
            (None, None) => return Err(Failure::Error(format!("unknown label spec: {word}"))),
        }
    }
    match set.iter().find(|(key, _)| remove.contains(key)) {
        Some(_) => Err("can not both modify and remove a label in the same command".into()),
        None => Ok((set, remove)),
    }
}

struct Marking<'a> {
    field: &'a str,
    set: &'a [(String, String)],
    remove: &'a [String],
    overwrite: bool,
    local: bool,
}

impl Marking<'_> {
    async fn apply(&self, client: &mut Client<'_>, change: &Change, target: &Target) -> Result<(), Failure> {
        let path = format!("metadata.{}", self.field);
        let old = pairs(&target.object, &path);
        if !self.overwrite {
            self.check(&old)?;
        }
        let mut entries = Map::new();
        self.set.iter().for_each(|(key, value)| drop(entries.insert(key.clone(), value.clone().into())));
        for key in self.remove {
            if !old.contains_key(key.as_str()) && self.field == "labels" {
                client.say(format!("label {key:?} not found."));
            }
            entries.insert(key.clone(), Value::Null);
        }
        let added = self.set.iter().any(|(key, value)| old.get(key.as_str()) != Some(&value.as_str()));
        let removed = self.remove.iter().any(|key| old.contains_key(key.as_str()));
        let patch = json!({"metadata": {self.field: entries}});
        let local = self.local || change.dry_run == DryRun::Client;
        let object = if local {
            crate::api::patch::merge(&target.object, &patch)
        } else if added || removed {
            let place = (target.namespace.as_str(), target.name.as_str());
            client.write(Verb::Patch(PatchKind::Merge), &target.resource, place, patch, change.options()).await?
        } else {
            target.object.clone()
        };
        let done = match (self.field, added, removed) {
            ("annotations", ..) => "annotated",
            (_, true, _) => "labeled",
            (_, false, true) => "unlabeled",
            (_, false, false) => "not labeled",
        };
        change.tell(client, target, &object, done).await
    }

    fn check(&self, old: &std::collections::BTreeMap<&str, &str>) -> Result<(), Failure> {
        for (key, value) in self.set {
            let Some(there) = old.get(key.as_str()).filter(|there| *there != value) else { continue };
            return Err(Failure::Error(match self.field {
                "labels" => format!("'{key}' already has a value ({there}), and --overwrite is false"),
                _ => format!(
                    "--overwrite is false but found the following declared annotation(s): '{key}' already has a value ({there})"
                ),
            }));
        }
        Ok(())
    }
}
