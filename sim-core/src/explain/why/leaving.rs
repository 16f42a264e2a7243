//! An object whose deletion was asked for and that is still there: what it waits for.
//!
//! In a real cluster the API server removes an object when its last finalizer is gone, and a namespace when nothing is in it.
//! Pods, which wait for their kubelet besides, are in [`super::pod`].

use super::{Finding, Found, Ground, Verdict};
use crate::explain::because::{count, some};
use crate::objects::Object;
use crate::objects::meta::Meta;

/// Pods of a namespace that are named before the rest is only counted.
const PODS_MAX: usize = 3;

/// Why it is still there.
pub(super) fn why(ground: &Ground<'_>, object: &Object) -> Found {
    let (kind, meta) = (object.kind_name().kind, object.meta());
    let mut findings = Vec::new();
    if &*kind == "Namespace" {
        findings.push(emptied(ground, &meta.name));
    }
    findings.extend(meta.finalizers.iter().map(|finalizer| finalizer_of(&kind, meta, finalizer)));
    if findings.is_empty() {
        findings.push(Finding::new("leaving", "its deletion was asked for, and nothing holds it", "let time pass: `advance 1s`"));
    }
    (Verdict::is("Terminating"), findings)
}

fn finalizer_of(kind: &str, meta: &Meta, finalizer: &str) -> Finding {
    let (text, way_out) = match finalizer {
        "foregroundDeletion" => ("what it owns is deleted first".to_string(), "let time pass: `advance 10s`".to_string()),
        "orphan" => ("what it owns is let go first".to_string(), "let time pass: `advance 10s`".to_string()),
        "service.kubernetes.io/load-balancer-cleanup" => {
            ("the cloud takes its balancer down first".to_string(), "let time pass: `advance 1m`".to_string())
        }
        other => {
            let namespace = if meta.namespace.is_empty() { String::new() } else { format!(" -n {}", meta.namespace) };
            let patch = format!(
                "kubectl patch {} {}{namespace} --type=merge -p '{{\"metadata\":{{\"finalizers\":null}}}}'",
                kind.to_lowercase(),
                meta.name
            );
            (format!("it waits for whoever set the finalizer {other}"), format!("let them remove it; by force: {patch}"))
        }
    };
    Finding::new("finalizers", text, way_out)
}

/// What is still in a namespace.
fn emptied(ground: &Ground<'_>, name: &str) -> Finding {
    let view = ground.view;
    let mut rest: Vec<String> = Vec::new();
    let mut add = |n: usize, what: &str| rest.extend((n > 0).then(|| count(n, what)));
    let pods: Vec<_> = view.pods.in_namespace(name).collect();
    add(pods.len(), "Pod");
    add(view.deployments.in_namespace(name).count(), "Deployment");
    add(view.replica_sets.in_namespace(name).count(), "ReplicaSet");
    add(view.services.in_namespace(name).count(), "Service");
    add(view.slices.in_namespace(name).count(), "EndpointSlice");
    for kind in view.plain_kinds() {
        add(view.list(kind, name).len(), &kind.kind);
    }
    let text = match rest.is_empty() {
        true => "everything in it is deleted first; nothing of weight is left".to_string(),
        false => format!("everything in it is deleted first; still there: {}", some(&rest)),
    };
    let detail = |pod: &&std::sync::Arc<crate::objects::pod::Pod>| {
        let (verdict, findings) = super::pod::why(ground, pod);
        let first = findings.first().map_or(String::new(), |f| format!(": {}", f.text));
        format!("{}  {}{first}", pod.meta.name, verdict.text)
    };
    let mut details: Vec<String> = pods.iter().take(PODS_MAX).map(detail).collect();
    details.extend(super::more(pods.len(), PODS_MAX));
    let way_out = match pods.first() {
        Some(pod) => format!("let time pass: `advance 30s`; or why pod/{name}/{}", pod.meta.name),
        None => "let time pass: `advance 1s`; or the namespace controller does not run in this cluster".to_string(),
    };
    Finding::new("not-empty", text, way_out).with(details)
}
