//! `kubectl delete`: asks the server to delete, then waits until the objects are gone.

use serde_json::Value;

use crate::api::request::{Options, Propagation, Verb};
use crate::api::table::document::text;
use crate::console::kubectl::changes::DryRun;
use crate::console::kubectl::client::Client;
use crate::console::kubectl::failure::Failure;
use crate::console::kubectl::flags::{Args, Flag, optional, switch, value};
use crate::console::kubectl::targets::{Query, Target};
use crate::console::kubectl::{manifest, waiting};
use crate::engine::time::Duration;

/// Flags of the verb.
pub const FLAGS: &[Flag] = &[
    value("output").short('o'),
    optional("cascade", "background"),
    optional("dry-run", "unchanged"),
    value("grace-period"),
    value("timeout"),
    value("raw"),
    switch("force"),
    switch("now"),
    switch("wait"),
    switch("ignore-not-found"),
    switch("interactive").short('i'),
];

/// Runs the verb.
pub async fn run(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let deletion = Deletion::of(args)?;
    if deletion.grace == Some(0) {
        client.warn(
            "Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The \
             resource may continue to run on the cluster indefinitely.",
        );
    }
    let (targets, mut failures) = targets(client, args).await?;
    let mut waiting_for = Vec::new();
    let any = !targets.is_empty() || !failures.is_empty();
    for target in targets {
        match deletion.delete(client, &target).await {
            Ok(uid) => waiting_for.push((target, uid)),
            Err(failure) if failure.is_not_found() && args.on("ignore-not-found") => {}
            Err(failure) => failures.push(failure.in_file("deleting", &target.source)),
        }
    }
    Failure::gather(failures)?;
    if !any {
        client.say("No resources found");
    }
    if args.is_true("wait", true) && deletion.dry_run == DryRun::No {
        for (target, uid) in waiting_for {
            waiting::gone(client, &target, &uid, deletion.timeout).await?;
        }
    }
    Ok(())
}

struct Deletion {
    grace: Option<i64>,
    propagation: Propagation,
    dry_run: DryRun,
    timeout: Duration,
    names: bool,
}

impl Deletion {
    fn of(args: &Args) -> Result<Deletion, Failure> {
        let force = args.on("force");
        let mut grace = args.number("grace-period")?.filter(|seconds| *seconds >= 0);
        if args.on("now") {
            if grace.is_some() {
                return Err("--now and --grace-period cannot be specified together".into());
            }
            grace = Some(1);
        }
        // Without --force, zero is taken as one, so that nothing is lost by accident.
        match (force, grace) {
            (true, None) => grace = Some(0),
            (false, Some(0)) => grace = Some(1),
            (true, Some(seconds)) if seconds > 0 => {
                return Err("--force and --grace-period greater than 0 cannot be specified together".into());
            }
            _ => {}
        }
        let propagation = match args.or("cascade", "background") {
            "background" | "true" => Propagation::Background,
            "foreground" => Propagation::Foreground,
            "orphan" | "false" => Propagation::Orphan,
            other => {
                return Err(Failure::Error(format!(
                    "invalid cascade value ({other}). Must be \"background\", \"foreground\", or \"orphan\""
                )));
            }
        };
        let dry_run = match args.or("dry-run", "none") {
            "none" => DryRun::No,
            "client" | "unchanged" => DryRun::Client,
            "server" => DryRun::Server,
            other => {
                return Err(Failure::Error(format!(
                    "Invalid dry-run value ({other}). Must be \"none\", \"server\", or \"client\"."
                )));
            }
        };
        let names = match args.or("output", "") {
            "" => false,
            "name" => true,
            _ => return Err("unexpected -o output mode: expected 'name'".into()),
        };
        let timeout = waiting::timeout(args.get("timeout"), waiting::FOREVER)?;
        let timeout = if timeout == Duration::ZERO { waiting::FOREVER } else { timeout };
        Ok(Deletion { grace, propagation, dry_run, timeout, names })
    }

    /// Sends the request and tells so; gives the uid of what is being deleted.
    async fn delete(&self, client: &mut Client<'_>, target: &Target) -> Result<String, Failure> {
        let mut uid = String::new();
        if self.dry_run != DryRun::Client {
            let options = Options {
                dry_run: self.dry_run == DryRun::Server,
                propagation: Some(self.propagation),
                grace_period: self.grace,
                ..Options::default()
            };
            let place = (target.namespace.as_str(), target.name.as_str());
            let object = client.write(Verb::Delete, &target.resource, place, Value::Null, options).await?;
            uid = text(&object, "metadata.uid").into();
        }
        let done = if self.grace == Some(0) { "force deleted" } else { "deleted" };
        let suffix = match self.dry_run {
            DryRun::No => "",
            DryRun::Client => " (dry run)",
            DryRun::Server => " (server dry run)",
        };
        let kind = target.resource.label();
        client.say(match self.names {
            true => format!("{kind}/{}", target.name),
            false => format!("{kind} {:?} {done}{suffix}", target.name),
        });
        Ok(uid)
    }
}

/// What is to be deleted. Objects that are named are not looked up first.
async fn targets(client: &mut Client<'_>, args: &Args) -> Result<(Vec<Target>, Vec<Failure>), Failure> {
    let query = Query::of(args);
    if !query.files.is_empty() {
        return manifest::read(client, &query.files, query.recursive).await;
    }
    let named = query.named(client).await?;
    if named.iter().all(|(_, names)| names.is_empty()) {
        let found = query.find(client).await?;
        let failures = found.failures.clone();
        return Ok((found.targets(), failures));
    }
    if args.on("all") || !query.filter.labels.is_empty() || !query.filter.fields.is_empty() {
        return Err("name cannot be provided when a selector is specified".into());
    }
    let mut targets = Vec::new();
    for (resource, names) in named {
        for name in names {
            let namespace = if resource.namespaced { client.namespace.clone() } else { String::new() };
            let resource = resource.clone();
            targets.push(Target { resource, namespace, name, object: Value::Null, source: String::new() });
        }
    }
    Ok((targets, Vec::new()))
}
