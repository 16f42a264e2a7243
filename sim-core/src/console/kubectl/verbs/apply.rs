//! `kubectl apply`: makes the server's objects what the files say, and remembers what the files said.
//!
//! Client-side apply compares three things: the manifest, the manifest of the last apply (kept in an annotation), and the
//! object as it is now. The real thing: `k8s.io/kubectl/pkg/cmd/apply`. Left out: pruning and apply sets.

use serde_json::{Value, json};

use crate::api::patch::apply_patch;
use crate::api::request::{PatchKind, Verb};
use crate::api::table::document::{has, pairs};
use crate::console::kubectl::changes::{Change, DryRun};
use crate::console::kubectl::client::Client;
use crate::console::kubectl::failure::Failure;
use crate::console::kubectl::flags::{Args, Flag, optional, switch, value};
use crate::console::kubectl::manifest;
use crate::console::kubectl::output::Format;
use crate::console::kubectl::targets::{Query, Target};
use crate::jsonpath::escape_html;

/// The annotation that holds the manifest of the last apply.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Flags of the verb.
pub const FLAGS: &[Flag] = &[
    value("selector").short('l'),
    switch("server-side"),
    switch("force-conflicts"),
    switch("force"),
    switch("overwrite"),
    switch("prune"),
    switch("all"),
    switch("wait"),
    value("timeout"),
    value("grace-period"),
    optional("cascade", "background"),
    switch("openapi-patch"),
];

/// Runs the verb.
pub async fn run(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let query = Query::of(args);
    if !query.words.is_empty() {
        return Err(Failure::Usage { why: format!("Unexpected args: [{}]", query.words.join(" ")), command: "apply".into() });
    }
    if query.files.is_empty() {
        return Err("must specify one of -f and -k".into());
    }
    let server_side = args.on("server-side");
    let change = Change::of(client, args, if server_side { "kubectl" } else { "kubectl-client-side-apply" }).await?;
    if server_side && change.dry_run == DryRun::Client {
        return Err("--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)".into());
    }
    if args.on("force-conflicts") && !server_side {
        return Err("--force-conflicts only works with --server-side".into());
    }
    if args.on("prune") {
        return Err("--prune is not modelled here; delete what is no longer wanted by name or label".into());
    }
    let (targets, mut failures) =
        manifest::read(client, &query.files, query.recursive).await.map_err(|failure| match failure {
            Failure::Error(text) if text == "no objects passed to" => Failure::Error("no objects passed to apply".into()),
            other => other,
        })?;
    for target in &targets {
        let done =
            if server_side { server_apply(client, &change, target).await } else { client_apply(client, &change, target).await };
        failures.extend(done.err());
    }
    Failure::gather(failures)
}

async fn server_apply(client: &mut Client<'_>, change: &Change, target: &Target) -> Result<(), Failure> {
    let place = (target.namespace.as_str(), target.name.as_str());
    let verb = Verb::Patch(PatchKind::Apply);
    let object = client.write(verb, &target.resource, place, target.object.clone(), change.options()).await?;
    change.tell(client, target, &object, "serverside-applied").await
}

async fn client_apply(client: &mut Client<'_>, change: &Change, target: &Target) -> Result<(), Failure> {
    let resource = &target.resource;
    let modified = remembering(&target.object);
    let current = match client.get(resource, &target.namespace, &target.name).await {
        Ok(current) => current,
        Err(status) if status.reason == "NotFound" => {
            let object = if change.dry_run == DryRun::Client {
                modified
            } else {
                let created = client.write(Verb::Create, resource, (&target.namespace, ""), modified, change.options()).await;
                created.map_err(|status| Failure::from(status).in_file("creating", &target.source))?
            };
            return change.tell(client, target, &object, "created").await;
        }
        Err(status) => {
            let verb = format!("retrieving current configuration of:\n{}\nfrom server for:", described(target));
            return Err(Failure::from(status).in_file(&verb, &target.source));
        }
    };
    if change.dry_run == DryRun::Client {
        return change.tell(client, target, &current, "configured").await;
    }
    let last = pairs(&current, "metadata.annotations").get(LAST_APPLIED).map(|text| text.to_string());
    if last.is_none() {
        client.warn(format!(
            "Warning: resource {}/{} is missing the {LAST_APPLIED} annotation which is required by kubectl apply. kubectl apply \
             should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. \
             The missing annotation will be patched automatically.",
            resource.plural, target.name
        ));
    }
    let last: Option<Value> = last.and_then(|text| serde_json::from_str(&text).ok());
    let patch = apply_patch(resource.known, last.as_ref(), &modified, &current);
    if patch == json!({}) {
        return change
            .tell(client, target, &current, if change.format == Format::Plain { "unchanged" } else { "configured" })
            .await;
    }
    let how = if resource.known.is_some() { PatchKind::Strategic } else { PatchKind::Merge };
    let place = (target.namespace.as_str(), target.name.as_str());
    let object = client.write(Verb::Patch(how), resource, place, patch.clone(), change.options()).await.map_err(|status| {
        let verb = format!("applying patch:\n{patch}\nto:\n{}\nfor:", described(target));
        Failure::from(status).in_file(&verb, &target.source)
    })?;
    if has(&current, "metadata.deletionTimestamp") {
        let name = &target.name;
        client.warn(format!("Warning: Detected changes to resource {name} which is currently being deleted."));
    }
    change.tell(client, target, &object, "configured").await
}

/// How an object is named in the long form of apply's errors.
fn described(target: &Target) -> String {
    let r = &target.resource;
    format!(
        "Resource: \"{0}/{1}, Resource={2}\", GroupVersionKind: \"{0}/{1}, Kind={3}\"\nName: {4:?}, Namespace: {5:?}",
        r.group, r.version, r.plural, r.kind, target.name, target.namespace
    )
}

/// The manifest with itself in an annotation.
pub fn remembering(manifest: &Value) -> Value {
    let mut object = manifest.clone();
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return object };
    if !metadata.get("annotations").is_some_and(Value::is_object) {
        metadata.insert("annotations".into(), json!({}));
    }
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.remove(LAST_APPLIED);
    }
    let text = escape_html(&object.to_string()) + "\n";
    object["metadata"]["annotations"][LAST_APPLIED] = text.into();
    object
}
