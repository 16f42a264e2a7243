//! An object whose deletion was asked for and that is still there: what it waits for.
//!
//! In a real cluster the API server removes an object when its last finalizer is gone, and a namespace when nothing is in it.
//! Pods, which wait for their kubelet besides, are in [`super::pod`].

use super::finding::{Finding, Found, Standing};
use super::{Judged, name_of};
use crate::ask::moment::Moment;
use crate::objects::{Name, Object};

/// Pods of a namespace that are named before the rest is only counted.
const PODS_MAX: usize = 3;

/// Why it is still there.
pub(super) fn why(moment: &Moment<'_>, object: &Object) -> Judged {
    let meta = object.meta();
    let mut findings = Vec::new();
    if &*object.kind_name().kind == "Namespace" {
        findings.push(not_empty(moment, &meta.name));
    }
    findings.extend(meta.finalizers.iter().map(|f| Found::new(Finding::Finalizer(name_of(object), f.clone()))));
    if findings.is_empty() {
        findings.push(Found::new(Finding::Leaving));
    }
    (Standing::Terminating, findings)
}

/// What is still in a namespace.
fn not_empty(moment: &Moment<'_>, namespace: &Name) -> Found {
    let view = moment.view();
    let pods: Vec<_> = view.pods.in_namespace(namespace).collect();
    let mut left: Vec<(usize, Name)> = vec![
        (pods.len(), "Pod".into()),
        (view.deployments.in_namespace(namespace).count(), "Deployment".into()),
        (view.replica_sets.in_namespace(namespace).count(), "ReplicaSet".into()),
        (view.services.in_namespace(namespace).count(), "Service".into()),
        (view.slices.in_namespace(namespace).count(), "EndpointSlice".into()),
    ];
    left.extend(view.plain_kinds().map(|kind| (view.list(kind, namespace).len(), kind.kind.clone())));
    left.retain(|(n, _)| *n > 0);
    let mut details: Vec<_> = pods.iter().take(PODS_MAX).map(|pod| super::pod::detail(moment, pod)).collect();
    details.extend(super::more(pods.len(), PODS_MAX, None));
    let pod = pods.first().map(|pod| pod.meta.name.clone());
    Found::new(Finding::NotEmpty { namespace: namespace.clone(), left, pod }).with(details)
}
