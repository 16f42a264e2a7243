//! `kubectl set image`, `set env`, `set selector`, `set resources`: small changes without a file.

use serde_json::{Value, json};

use crate::api::request::{PatchKind, Verb};
use crate::api::table::document::{list, text};
use crate::console::kubectl::changes::{Change, DryRun};
use crate::console::kubectl::client::Client;
use crate::console::kubectl::failure::Failure;
use crate::console::kubectl::flags::{Args, Flag, switch, value};
use crate::console::kubectl::manifest;
use crate::console::kubectl::targets::{Query, Target};

/// Flags of all of them.
pub const FLAGS: &[Flag] = &[
    switch("local"),
    switch("list"),
    switch("resolve"),
    switch("overwrite"),
    value("containers").short('c'),
    value("env").short('e'),
    value("from"),
    value("keys"),
    value("limits"),
    value("requests"),
    value("resource-version"),
];

/// `kubectl set image`.
pub async fn image(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let (objects, pairs) = split(args, |word| word.contains('='));
    if objects.is_empty() && !args.has("filename") {
        return Err("one or more resources must be specified as <resource> <name> or <resource>/<name>".into());
    }
    if pairs.is_empty() {
        return Err("at least one image update is required".into());
    }
    each(client, args, objects, "image updated", |target| {
        let mut changes = Vec::new();
        for pair in pairs {
            let (wanted, image) = pair.split_once('=').unwrap_or((pair, ""));
            let names = containers(target);
            let chosen: Vec<&String> = names.iter().filter(|name| wanted == "*" || wanted == name.as_str()).collect();
            if chosen.is_empty() {
                return Err(Failure::Error(format!("unable to find container named {wanted:?}")));
            }
            changes.extend(chosen.into_iter().map(|name| json!({"name": name, "image": image})));
        }
        Ok(in_template(target, changes))
    })
    .await
}

/// `kubectl set env`.
pub async fn env(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let (objects, words) = split(args, |word| word.contains('=') || word.ends_with('-'));
    let words: Vec<String> = words.iter().cloned().chain(args.listed("env")).collect();
    if args.on("list") {
        return list_env(client, args, objects).await;
    }
    if words.is_empty() {
        return Err("at least one environment variable must be provided".into());
    }
    each(client, args, objects, "env updated", |target| {
        let only = args.or("containers", "*");
        let entries: Vec<Value> = words
            .iter()
            .map(|word| match (word.split_once('='), word.strip_suffix('-')) {
                (Some((name, value)), _) => json!({"name": name, "value": value, "valueFrom": null}),
                (None, name) => json!({"name": name.unwrap_or(word), "$patch": "delete"}),
            })
            .collect();
        let chosen = containers(target).into_iter().filter(|name| only == "*" || only == name);
        Ok(in_template(target, chosen.map(|name| json!({"name": name, "env": entries})).collect()))
    })
    .await
}

async fn list_env(client: &mut Client<'_>, args: &Args, objects: &[String]) -> Result<(), Failure> {
    let found = Query { words: objects.to_vec(), ..Query::of(args) }.find(client).await?;
    Failure::gather(found.failures.clone())?;
    for target in found.targets() {
        let spec = pod_spec(&target);
        for container in list(spec, "containers") {
            client.say(format!("# {} {}, container {}", target.resource.plural, target.name, text(container, "name")));
            for variable in list(container, "env") {
                let (name, value) = (text(variable, "name"), text(variable, "value"));
                client.say(match variable.get("valueFrom") {
                    None => format!("{name}={value}"),
                    Some(from) => format!("# {name} from {}", from.as_object().and_then(|f| f.keys().next()).map_or("", |k| k)),
                });
            }
        }
    }
    Ok(())
}

/// `kubectl set resources`.
pub async fn resources(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    if !args.has("limits") && !args.has("requests") {
        return Err("you must specify an update to requests or limits (in the form of --requests/--limits)".into());
    }
    let mut wanted = json!({});
    for field in ["limits", "requests"] {
        if args.has(field) {
            wanted[field] = super::label::map(&args.listed(field))?;
        }
    }
    each(client, args, &args.words, "resource requirements updated", |target| {
        let only = args.or("containers", "*");
        let chosen = containers(target).into_iter().filter(|name| only == "*" || only == name);
        Ok(in_template(target, chosen.map(|name| json!({"name": name, "resources": wanted})).collect()))
    })
    .await
}

/// `kubectl set selector`.
pub async fn selector(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let (objects, words) = split(args, |word| word.contains('='));
    let Some(selector) = words.first() else {
        return Err("one or more resources must be specified as <resource> <name> or <resource>/<name>".into());
    };
    let labels = super::label::map(&selector.split(',').map(String::from).collect::<Vec<_>>())?;
    each(client, args, objects, "selector updated", |target| {
        if !target.resource.is("", "Service") {
            return Err(Failure::Error("setting a selector is only supported for Services".into()));
        }
        let mut whole = labels.clone();
        whole["$patch"] = "replace".into();
        Ok(json!({"spec": {"selector": whole}}))
    })
    .await
}

/// The words that name objects, and those that name changes.
fn split(args: &Args, is_change: impl Fn(&str) -> bool) -> (&[String], &[String]) {
    let first = args.words.iter().position(|word| is_change(word)).unwrap_or(args.words.len());
    args.words.split_at(first)
}

fn pod_spec(target: &Target) -> &Value {
    let path = match target.resource.kind.as_str() {
        "Pod" => "/spec",
        "CronJob" => "/spec/jobTemplate/spec/template/spec",
        _ => "/spec/template/spec",
    };
    target.object.pointer(path).unwrap_or(&Value::Null)
}

fn containers(target: &Target) -> Vec<String> {
    list(pod_spec(target), "containers").iter().map(|container| text(container, "name").to_string()).collect()
}

/// A strategic patch of the containers in an object's pod template.
fn in_template(target: &Target, containers: Vec<Value>) -> Value {
    let spec = json!({"containers": containers});
    match target.resource.kind.as_str() {
        "Pod" => json!({"spec": spec}),
        "CronJob" => json!({"spec": {"jobTemplate": {"spec": {"template": {"spec": spec}}}}}),
        _ => json!({"spec": {"template": {"spec": spec}}}),
    }
}

/// Sends the patch that `make` gives for each object; what would change nothing is not sent.
async fn each(
    client: &mut Client<'_>,
    args: &Args,
    objects: &[String],
    done: &str,
    make: impl Fn(&Target) -> Result<Value, Failure>,
) -> Result<(), Failure> {
    let change = Change::of(client, args, "kubectl-set").await?;
    let query = Query { words: objects.to_vec(), ..Query::of(args) };
    let (targets, mut failures) = if args.on("local") {
        manifest::read(client, &query.files, query.recursive).await?
    } else {
        let found = query.find(client).await?;
        let failures = found.failures.clone();
        (found.targets(), failures)
    };
    for target in &targets {
        let result = match make(target) {
            Ok(patch) => one(client, args, &change, target, patch, done).await,
            Err(failure) => Err(failure),
        };
        failures.extend(result.err());
    }
    Failure::gather(failures)
}

async fn one(
    client: &mut Client<'_>,
    args: &Args,
    change: &Change,
    target: &Target,
    patch: Value,
    done: &str,
) -> Result<(), Failure> {
    let mut object = crate::api::patch::apply(PatchKind::Strategic, target.resource.known, &target.object, &patch)?;
    if object == target.object && matches!(change.format, crate::console::kubectl::output::Format::Plain) {
        return Ok(());
    }
    if !args.on("local") && change.dry_run != DryRun::Client {
        let place = (target.namespace.as_str(), target.name.as_str());
        object = client.write(Verb::Patch(PatchKind::Strategic), &target.resource, place, patch, change.options()).await?;
    }
    change.tell(client, target, &object, done).await
}
