//! `kubectl replace -f`: whole objects in place of those of the same name.

use serde_json::{Value, json};

use super::apply::{LAST_APPLIED, remembering};
use crate::api::request::{Options, Verb};
use crate::api::table::document::{pairs, text};
use crate::console::kubectl::changes::{Change, DryRun};
use crate::console::kubectl::client::Client;
use crate::console::kubectl::failure::Failure;
use crate::console::kubectl::flags::{Args, Flag, optional, switch, value};
use crate::console::kubectl::targets::{Query, Target};
use crate::console::kubectl::{manifest, waiting};

/// Flags of the verb.
pub const FLAGS: &[Flag] = &[
    switch("force"),
    optional("cascade", "background"),
    value("grace-period"),
    value("timeout"),
    switch("wait"),
    value("subresource"),
    value("raw"),
];

/// Runs the verb.
pub async fn run(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let query = Query::of(args);
    if query.files.is_empty() {
        return Err("must specify one of -f and -k".into());
    }
    let change = Change::of(client, args, "kubectl-replace").await?;
    let (targets, mut failures) =
        manifest::read(client, &query.files, query.recursive).await.map_err(|failure| match failure {
            Failure::Error(text) if text == "no objects passed to" => Failure::Error("no objects passed to replace".into()),
            other => other,
        })?;
    for target in &targets {
        let done = if args.on("force") { anew(client, &change, target).await } else { in_place(client, &change, target).await };
        failures.extend(done.err());
    }
    Failure::gather(failures)
}

async fn in_place(client: &mut Client<'_>, change: &Change, target: &Target) -> Result<(), Failure> {
    let in_file = |status| Failure::from(status).in_file("replacing", &target.source);
    let current = client.get(&target.resource, &target.namespace, &target.name).await.map_err(in_file)?;
    let mut body = target.object.clone();
    if pairs(&current, "metadata.annotations").contains_key(LAST_APPLIED) {
        body = remembering(&body);
    }
    if text(&body, "metadata.resourceVersion").is_empty() {
        body["metadata"]["resourceVersion"] = json!(text(&current, "metadata.resourceVersion"));
    }
    if change.dry_run != DryRun::Client {
        let place = (target.namespace.as_str(), target.name.as_str());
        body = client.write(Verb::Update, &target.resource, place, body, change.options()).await.map_err(in_file)?;
    }
    change.tell(client, target, &body, "replaced").await
}

/// `--force`: deletes the object first, and waits until it is gone.
async fn anew(client: &mut Client<'_>, change: &Change, target: &Target) -> Result<(), Failure> {
    let place = (target.namespace.as_str(), target.name.as_str());
    match client.write(Verb::Delete, &target.resource, place, Value::Null, Options::default()).await {
        Ok(_) => {
            client.say(format!("{} {:?} deleted", target.resource.label(), target.name));
            waiting::gone(client, target, "", waiting::FOREVER).await?;
        }
        Err(status) if status.reason == "NotFound" => {}
        Err(status) => return Err(status.into()),
    }
    let body = target.object.clone();
    let object = client.write(Verb::Create, &target.resource, (&target.namespace, ""), body, change.options()).await?;
    change.tell(client, target, &object, "replaced").await
}
