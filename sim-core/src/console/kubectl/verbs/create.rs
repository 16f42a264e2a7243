//! `kubectl create -f`: new objects from files.

use serde_json::Value;

use super::apply::remembering;
use crate::api::request::Verb;
use crate::api::table::document::name;
use crate::console::kubectl::changes::{Change, DryRun};
use crate::console::kubectl::client::Client;
use crate::console::kubectl::failure::Failure;
use crate::console::kubectl::flags::{Args, Flag, switch, value};
use crate::console::kubectl::manifest;
use crate::console::kubectl::targets::{Query, Target};

/// Flags of the verb.
pub const FLAGS: &[Flag] = &[value("selector").short('l'), value("raw"), switch("edit"), switch("windows-line-endings")];

/// Runs the verb.
pub async fn run(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let query = Query::of(args);
    if !query.words.is_empty() {
        return Err(Failure::Usage { why: format!("Unexpected args: [{}]", query.words.join(" ")), command: "create".into() });
    }
    if query.files.is_empty() {
        return Err("must specify one of -f and -k".into());
    }
    let change = Change::of(client, args, "kubectl-create").await?;
    let (targets, mut failures) =
        manifest::read(client, &query.files, query.recursive).await.map_err(|failure| match failure {
            Failure::Error(text) if text == "no objects passed to" => Failure::Error("no objects passed to create".into()),
            other => other,
        })?;
    for mut target in targets {
        if args.on("save-config") {
            target.object = remembering(&target.object);
        }
        failures.extend(store(client, &change, target).await.err());
    }
    Failure::gather(failures)
}

async fn store(client: &mut Client<'_>, change: &Change, mut target: Target) -> Result<(), Failure> {
    let mut object = std::mem::take(&mut target.object);
    if change.dry_run != DryRun::Client {
        let created = client.write(Verb::Create, &target.resource, (&target.namespace, ""), object, change.options()).await;
        object = created.map_err(|status| Failure::from(status).in_file("creating", &target.source))?;
        // The server may have chosen the name.
        target.name = name(&object).into();
    }
    change.tell(client, &target, &object, "created").await
}

/// Stores an object that a generator made, and tells so. `failed` is what a refusal is introduced with.
pub async fn generated(client: &mut Client<'_>, args: &Args, object: Value, failed: Option<&str>) -> Result<(), Failure> {
    sent(client, args, object, failed, "created").await
}

/// The same with another word for what was done.
pub async fn sent(client: &mut Client<'_>, args: &Args, object: Value, failed: Option<&str>, done: &str) -> Result<(), Failure> {
    let change = Change::of(client, args, "kubectl-create").await?;
    let resource = crate::console::kubectl::resource::Resource::of(&object, "")?;
    let namespace = if resource.namespaced { client.namespace.clone() } else { String::new() };
    let mut object = object;
    if resource.namespaced && client.namespace_given {
        object["metadata"]["namespace"] = namespace.clone().into();
    }
    let mut object = if args.on("save-config") { remembering(&object) } else { object };
    let target = Target { name: name(&object).into(), namespace, resource, object: Value::Null, source: String::new() };
    if change.dry_run != DryRun::Client {
        let body = without_nulls(object);
        object = client.write(Verb::Create, &target.resource, (&target.namespace, ""), body, change.options()).await.map_err(
            |status| match failed {
                Some(failed) if status.reason != "Invalid" => Failure::Error(format!("{failed} {}", status.message)),
                _ => status.into(),
            },
        )?;
    }
    change.tell(client, &target, &object, done).await
}

/// The object without the empty marks that Go's encoder leaves in a generated one.
pub fn without_nulls(mut value: Value) -> Value {
    match &mut value {
        Value::Object(map) => {
            map.retain(|_, inner| !inner.is_null());
            map.values_mut().for_each(|inner| *inner = without_nulls(std::mem::take(inner)));
        }
        Value::Array(items) => items.iter_mut().for_each(|inner| *inner = without_nulls(std::mem::take(inner))),
        _ => {}
    }
    value
}
