//! `kubectl scale`: how many replicas a workload wants.

use serde_json::json;

use crate::api::request::{PatchKind, Verb};
use crate::api::table::document::{number, text};
use crate::console::kubectl::changes::{Change, DryRun};
use crate::console::kubectl::client::Client;
use crate::console::kubectl::failure::Failure;
use crate::console::kubectl::flags::{Args, Flag, value};
use crate::console::kubectl::targets::{Query, Target};
use crate::console::kubectl::waiting;
use crate::engine::time::Duration;

/// Flags of the verb.
pub const FLAGS: &[Flag] = &[value("replicas"), value("current-replicas"), value("resource-version"), value("timeout")];

/// Runs the verb.
pub async fn run(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let Some(replicas) = args.number("replicas")? else {
        return Err("required flag(s) \"replicas\" not set".into());
    };
    if replicas < 0 {
        return Err("The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0".into());
    }
    let change = Change::of(client, args, "kubectl-scale").await?;
    let found = Query::of(args).find(client).await?;
    if found.groups.is_empty() && !found.failures.is_empty() {
        let why = found.failures.iter().map(Failure::message).collect::<Vec<_>>().join("\n");
        let why = why.strip_prefix("Error from server (NotFound): ").unwrap_or(&why).to_string();
        return Err(Failure::Error(format!("no objects passed to scale {why}")));
    }
    let mut failures = found.failures.clone();
    for target in found.targets() {
        failures.extend(scale(client, args, &change, &target, replicas).await.err());
    }
    Failure::gather(failures)
}

async fn scale(client: &mut Client<'_>, args: &Args, change: &Change, target: &Target, replicas: i64) -> Result<(), Failure> {
    let now = number(&target.object, "spec.replicas");
    if let Some(wanted) = args.number("current-replicas")?.filter(|wanted| *wanted >= 0 && *wanted != now) {
        return Err(Failure::Error(format!("Expected replicas to be {wanted}, was {now}")));
    }
    let version = text(&target.object, "metadata.resourceVersion");
    if let Some(wanted) = args.get("resource-version").filter(|wanted| *wanted != version) {
        return Err(Failure::Error(format!("Expected resource version to be {wanted}, was {version}")));
    }
    if change.dry_run != DryRun::Client {
        let verb = Verb::Patch(PatchKind::Merge);
        let mut request = Client::request(verb, &target.resource, &target.namespace, &target.name);
        request.subresource = "scale".into();
        request.body = json!({"spec": {"replicas": replicas}});
        request.options = change.options();
        client.send_for_object(request).await?;
    }
    let limit = waiting::timeout(args.get("timeout"), Duration::ZERO)?;
    if limit > Duration::ZERO && change.dry_run == DryRun::No {
        let reached = waiting::until(client, target, limit, |object| {
            object.is_none_or(|object| number(object, "status.replicas") == replicas)
        })
        .await?;
        if !reached {
            return Err("timed out waiting for the condition".into());
        }
    }
    change.tell(client, target, &target.object, "scaled").await
}
