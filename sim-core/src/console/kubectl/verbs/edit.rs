//! `kubectl edit`: an object in an editor, and what was changed sent as a patch.
//!
//! Only editors that need no terminal can run here: `KUBE_EDITOR="sed -i s/a/b/"`.

use serde_json::{Value, json};

use crate::api::patch::apply_patch;
use crate::api::request::{PatchKind, Verb};
use crate::console::host::Place;
use crate::console::kubectl::changes::Change;
use crate::console::kubectl::client::Client;
use crate::console::kubectl::failure::Failure;
use crate::console::kubectl::flags::{Args, Flag, switch, value};
use crate::console::kubectl::output::{as_list, without_managed_fields};
use crate::console::kubectl::targets::Query;
use crate::yaml;

/// Flags of the verb.
pub const FLAGS: &[Flag] = &[switch("output-patch"), switch("windows-line-endings"), value("subresource")];

const HEADER: &str = "# Please edit the object below. Lines beginning with a '#' will be ignored,\n\
                      # and an empty file will abort the edit. If an error occurs while saving this file will be\n\
                      # reopened with the relevant failures.\n#\n";
const FILE: &str = "/tmp/kubectl-edit.yaml";

/// Runs the verb.
pub async fn run(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let change = Change::of(client, args, "kubectl-edit").await?;
    let found = Query::listing(args).find(client).await?;
    Failure::gather(found.failures.clone())?;
    let targets: Vec<_> = found.targets();
    if targets.is_empty() {
        return Err(Failure::Text("edit cancelled, no objects found".into()));
    }
    let before: Vec<Value> = targets.iter().map(|target| without_managed_fields(target.object.clone())).collect();
    let shown = if let [only] = before.as_slice() { only.clone() } else { as_list(before.clone()) };
    let original = format!("{HEADER}{}", yaml::to_yaml(&shown));
    let edited = in_editor(client, &original).await?;
    let body: String = edited.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    if edited == original {
        client.warn("Edit cancelled, no changes made.");
        return Ok(());
    }
    if body.trim().is_empty() {
        client.warn("Edit cancelled, saved file was empty.");
        return Ok(());
    }
    let after = crate::console::kubectl::manifest::documents(&body, FILE)?;
    for (target, (before, after)) in targets.iter().zip(before.iter().zip(&after)) {
        let patch = apply_patch(target.resource.known, Some(before), after, before);
        if patch == json!({}) {
            client.warn("Edit cancelled, no changes made.");
            continue;
        }
        let how = if target.resource.known.is_some() { PatchKind::Strategic } else { PatchKind::Merge };
        let place = (target.namespace.as_str(), target.name.as_str());
        match client.write(Verb::Patch(how), &target.resource, place, patch, change.options()).await {
            Ok(object) => change.tell(client, target, &object, "edited").await?,
            Err(status) if status.reason == "Invalid" => {
                let (resource, name) = (target.resource.resource(), &target.name);
                client.warn(format!("error: {resource} {name:?} is invalid"));
                client.warn(format!("A copy of your changes has been stored to {FILE:?}"));
                return Err(Failure::Error("Edit cancelled, no valid changes were saved.".into()));
            }
            Err(status) => return Err(status.into()),
        }
    }
    Ok(())
}

/// Writes the text to a file, runs the editor on it, and reads it back.
async fn in_editor(client: &mut Client<'_>, text: &str) -> Result<String, Failure> {
    let editor = client.host.env("KUBE_EDITOR").or_else(|| client.host.env("EDITOR")).filter(|editor| !editor.is_empty());
    let Some(editor) = editor else {
        return Err("unable to launch the editor \"vi\"".into());
    };
    client.host.write_file(FILE, text).map_err(|error| Failure::Error(error.0))?;
    let words: Vec<String> = editor.split_whitespace().map(String::from).chain([FILE.to_string()]).collect();
    let outcome = client.host.run_in(&Place::Outside, &words, "").await;
    client.err.push_str(&outcome.stderr);
    match outcome.exit {
        0 => client.file(FILE),
        127 => Err(Failure::Error(format!("unable to launch the editor {editor:?}"))),
        _ => Err(Failure::Error(format!("there was a problem with the editor {editor:?}"))),
    }
}
