//! Which objects a command is about: `TYPE`, `TYPE NAME…`, `TYPE/NAME…`, `-f FILE`, with `-l` and `-A`.
//!
//! The real thing: `Builder.ResourceTypeOrNameArgs` in `k8s.io/cli-runtime/pkg/resource/builder.go`.

use serde_json::Value;

use super::client::{Client, Filter};
use super::failure::Failure;
use super::flags::Args;
use super::manifest;
use super::resource::Resource;
use crate::api::kinds;
use crate::api::table::document::{name, namespace};

/// One object that a command is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Its kind.
    pub resource: Resource,
    /// Its namespace; empty for cluster-scoped kinds.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The object: as stored, or as the file has it.
    pub object: Value,
    /// The file it came from, or empty.
    pub source: String,
}

/// Objects of one kind that were asked for together; may be empty.
#[derive(Clone, Debug)]
pub struct Group {
    /// The kind.
    pub resource: Resource,
    /// The objects found.
    pub targets: Vec<Target>,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// In the order asked for.
    pub groups: Vec<Group>,
    /// What could not be found or read.
    pub failures: Vec<Failure>,
    /// Exactly one object was named, so it is shown as itself and not as a list.
    pub single: bool,
}

impl Found {
    /// All objects.
    pub fn targets(self) -> Vec<Target> {
        self.groups.into_iter().flat_map(|group| group.targets).collect()
    }
}

impl Target {
    /// `pod/web`, `deployment.apps/web`.
    pub fn label(&self) -> String {
        format!("{}/{}", self.resource.label(), self.name)
    }

    fn of(resource: &Resource, object: Value) -> Target {
        Target {
            resource: resource.clone(),
            namespace: namespace(&object).into(),
            name: name(&object).into(),
            object,
            source: String::new(),
        }
    }
}

/// What the words and flags of a command select.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Types and names.
    pub words: Vec<String>,
    /// `-f`.
    pub files: Vec<String>,
    /// `-R`.
    pub recursive: bool,
    /// `-l`, `--field-selector`.
    pub filter: Filter,
    /// `-A`.
    pub everywhere: bool,
    /// Whether a type alone means all its objects, without `--all`.
    pub type_is_enough: bool,
}

impl Query {
    /// The query of a command line with the usual flags.
    pub fn of(args: &Args) -> Query {
        Query {
            words: args.words.clone(),
            files: args.listed("filename"),
            recursive: args.on("recursive"),
            filter: Filter { labels: args.or("selector", "").into(), fields: args.or("field-selector", "").into() },
            everywhere: args.on("all-namespaces"),
            type_is_enough: args.on("all"),
        }
    }

    /// The same, for commands that take a type alone as all its objects.
    pub fn listing(args: &Args) -> Query {
        Query { type_is_enough: true, ..Query::of(args) }
    }

    /// The kinds named and, for each, the names; files left aside.
    pub async fn named(&self, client: &mut Client<'_>) -> Result<Vec<(Resource, Vec<String>)>, Failure> {
        let slashed = self.words.iter().filter(|word| word.contains('/')).count();
        if slashed > 0 {
            if slashed < self.words.len() {
                return Err("there is no need to specify a resource type as a separate argument when passing arguments in \
                            resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get \
                            resource resource/<resource_name>'"
                    .into());
            }
            let mut all = Vec::new();
            for word in &self.words {
                all.push(pair(client, word).await?);
            }
            return Ok(all);
        }
        let Some((types, names)) = self.words.split_first() else { return Ok(Vec::new()) };
        let mut all = Vec::new();
        for typed in types.split(',').filter(|typed| !typed.is_empty()) {
            let category = kinds::category(typed);
            if category.is_empty() {
                all.push((Resource::find(client, typed).await?, names.to_vec()));
            } else {
                all.extend(category.into_iter().map(|kind| (kind.into(), names.to_vec())));
            }
        }
        Ok(all)
    }

    /// Finds the objects. Missing ones are failures beside those found.
    pub async fn find(&self, client: &mut Client<'_>) -> Result<Found, Failure> {
        if !self.files.is_empty() {
            return self.find_files(client).await;
        }
        let named = self.named(client).await?;
        let wants_names = named.iter().any(|(_, names)| !names.is_empty());
        if wants_names && !(self.filter.labels.is_empty() && self.filter.fields.is_empty()) {
            return Err("name cannot be provided when a selector is specified".into());
        }
        if wants_names && self.everywhere {
            return Err("a resource cannot be retrieved by name across all namespaces".into());
        }
        if named.is_empty() {
            return Err(NOTHING_NAMED.into());
        }
        let mut found = Found { single: named.len() == 1 && named[0].1.len() == 1, ..Found::default() };
        for (resource, names) in named {
            let space = if self.everywhere { String::new() } else { client.namespace.clone() };
            if names.is_empty() {
                if !self.type_is_enough && self.filter.labels.is_empty() && self.filter.fields.is_empty() {
                    return Err("resource(s) were provided, but no name was specified".into());
                }
                match client.list(&resource, &space, &self.filter).await {
                    Ok(items) => {
                        let targets = items.into_iter().map(|item| Target::of(&resource, item)).collect();
                        found.groups.push(Group { resource, targets });
                    }
                    Err(status) => found.failures.push(status.into()),
                }
                continue;
            }
            for name in names {
                match client.get(&resource, &space, &name).await {
                    Ok(object) => add(&mut found.groups, Target::of(&resource, object)),
                    Err(status) => found.failures.push(status.into()),
                }
            }
        }
        Ok(found)
    }

    async fn find_files(&self, client: &mut Client<'_>) -> Result<Found, Failure> {
        if !self.words.is_empty() {
            return Err("when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well".into());
        }
        let (targets, failures) = manifest::read(client, &self.files, self.recursive).await?;
        let mut found = Found { single: targets.len() == 1, failures, ..Found::default() };
        for target in targets {
            match client.get(&target.resource, &target.namespace, &target.name).await {
                Ok(object) => add(&mut found.groups, Target { object, ..target }),
                Err(status) => found.failures.push(status.into()),
            }
        }
        Ok(found)
    }
}

const NOTHING_NAMED: &str = "You must provide one or more resources by argument or filename.\n\
                             Example resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'\n   \
                             '<resource> <name>'\n   '<resource>'";

/// Neighbours of one kind share a table.
fn add(groups: &mut Vec<Group>, target: Target) {
    match groups.last_mut() {
        Some(group) if group.resource == target.resource => group.targets.push(target),
        _ => groups.push(Group { resource: target.resource.clone(), targets: vec![target] }),
    }
}

async fn pair(client: &mut Client<'_>, word: &str) -> Result<(Resource, Vec<String>), Failure> {
    let (typed, name) = word.split_once('/').unwrap_or((word, ""));
    if name.contains('/') {
        return Err("arguments in resource/name form may not have more than one slash".into());
    }
    if typed.is_empty() || name.is_empty() {
        return Err("arguments in resource/name form must have a single resource and name".into());
    }
    Ok((Resource::find(client, typed).await?, vec![name.into()]))
}
