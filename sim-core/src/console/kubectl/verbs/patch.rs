//! `kubectl patch`: a change to an object, in one of three notations.

use serde_json::Value;

use crate::api::patch;
use crate::api::request::{PatchKind, Verb};
use crate::console::kubectl::changes::{Change, DryRun};
use crate::console::kubectl::client::Client;
use crate::console::kubectl::failure::Failure;
use crate::console::kubectl::flags::{Args, Flag, switch, value};
use crate::console::kubectl::targets::Query;
use crate::yaml;

/// Flags of the verb.
pub const FLAGS: &[Flag] =
    &[value("patch").short('p'), value("patch-file"), value("type"), value("subresource"), switch("local")];

/// Runs the verb.
pub async fn run(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let text = match (args.get("patch"), args.get("patch-file")) {
        (Some(_), Some(_)) => return Err("cannot specify --patch and --patch-file together".into()),
        (Some(text), None) => text.to_string(),
        (None, Some(path)) => client.file(path)?,
        (None, None) => return Err("must specify --patch or --patch-file containing the contents of the patch".into()),
    };
    let how = match args.or("type", "strategic") {
        "json" => PatchKind::Json,
        "merge" => PatchKind::Merge,
        "strategic" => PatchKind::Strategic,
        other => return Err(Failure::Error(format!("--type must be one of [json merge strategic], not {other:?}"))),
    };
    let body = body(&text)?;
    let change = Change::of(client, args, "kubectl-patch").await?;
    let found = Query::of(args).find(client).await?;
    let mut failures = found.failures.clone();
    for target in found.targets() {
        let patched = if change.dry_run == DryRun::Client {
            patch::apply(how, target.resource.known, &target.object, &body).map_err(Failure::from)
        } else {
            let mut request = Client::request(Verb::Patch(how), &target.resource, &target.namespace, &target.name);
            request.subresource = args.or("subresource", "").into();
            request.body = body.clone();
            request.options = change.options();
            client.send_for_object(request).await.map_err(Failure::from)
        };
        match patched {
            Ok(object) => {
                let done = if object == target.object { "patched (no change)" } else { "patched" };
                change.tell(client, &target, &object, done).await?;
            }
            Err(failure) => failures.push(failure),
        }
    }
    Failure::gather(failures)
}

/// The patch, written in JSON or YAML.
fn body(text: &str) -> Result<Value, Failure> {
    let read = yaml::read(text, yaml::Profile::Kube).map_err(|errors| {
        let why = errors.first().map_or(String::new(), |error| error.message.clone());
        Failure::Error(format!("unable to parse {text:?}: yaml: {why}"))
    })?;
    Ok(read.into_iter().next().map_or(Value::Null, |document| document.value))
}
