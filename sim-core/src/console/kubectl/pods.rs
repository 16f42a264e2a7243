//! Pods behind what the user names: `POD`, `deployment/NAME`, `svc/NAME`; and their containers.
//!
//! The real thing: `k8s.io/kubectl/pkg/polymorphichelpers` and `pkg/cmd/util/podcmd`.

use serde_json::Value;

use super::client::{Client, Filter};
use super::failure::Failure;
use super::resource::Resource;
use super::targets::Target;
use crate::api::table::document::{at, format_labels, list, name, namespace, pairs, selector_text, text, time};

const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";

/// The labels by which a workload or service knows its pods.
pub fn selector(target: &Target) -> Option<String> {
    let object = &target.object;
    match target.resource.kind.as_str() {
        "Service" | "ReplicationController" => {
            let labels = pairs(object, "spec.selector");
            (!labels.is_empty()).then(|| format_labels(&labels))
        }
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job" => Some(selector_text(at(object, "spec.selector"))),
        _ => None,
    }
}

/// The pods of a target: itself, or those it selects, best first (running and ready, then by age).
pub async fn of(client: &mut Client<'_>, target: &Target) -> Result<Vec<Value>, Failure> {
    if target.resource.is("", "Pod") {
        return Ok(vec![target.object.clone()]);
    }
    let Some(labels) = selector(target) else {
        let resource = target.resource.resource();
        return Err(Failure::Error(format!("cannot attach to {resource}: no pods belong to this kind of object")));
    };
    let mut pods =
        client.list(&Resource::named("pods"), namespace(&target.object), &Filter { labels, ..Filter::default() }).await?;
    let is_ready =
        |pod: &Value| list(pod, "status.conditions").iter().any(|c| text(c, "type") == "Ready" && text(c, "status") == "True");
    pods.sort_by_key(|pod| {
        (
            text(pod, "spec.nodeName").is_empty(),
            text(pod, "status.phase") != "Running",
            !is_ready(pod),
            time(pod, "metadata.creationTimestamp"),
        )
    });
    Ok(pods)
}

/// The container that is meant: the one named, else the annotated one, else the first, with a note if there was a choice.
pub async fn container(client: &mut Client<'_>, pod: &Value, wanted: Option<&str>, quiet: bool) -> String {
    if let Some(wanted) = wanted {
        return wanted.into();
    }
    let names = container_names(pod);
    if let Some(annotated) = pairs(pod, "metadata.annotations").get(DEFAULT_CONTAINER)
        && names.iter().any(|(known, _)| known == annotated)
    {
        return annotated.to_string();
    }
    let first = names.first().map_or("", |(first, _)| first).to_string();
    if names.len() > 1 && !quiet {
        let shown: Vec<String> = names.iter().map(|(name, mark)| format!("{name}{mark}")).collect();
        client.warn(format!("Defaulted container {first:?} out of: {}", shown.join(", ")));
    }
    first
}

/// All containers of a pod, each with the mark that tells ephemeral and init containers.
pub fn container_names(pod: &Value) -> Vec<(&str, &'static str)> {
    [("spec.containers", ""), ("spec.ephemeralContainers", " (ephem)"), ("spec.initContainers", " (init)")]
        .iter()
        .flat_map(|(path, mark)| list(pod, path).iter().map(|container| (text(container, "name"), *mark)))
        .collect()
}

/// Whether the words run an interactive shell.
pub fn is_shell(words: &[String]) -> bool {
    let [program] = words else { return false };
    matches!(program.rsplit('/').next(), Some("sh" | "bash" | "ash" | "dash" | "zsh"))
}

/// `namespace/name` of a pod.
pub fn place(pod: &Value) -> (String, String) {
    (namespace(pod).into(), name(pod).into())
}
