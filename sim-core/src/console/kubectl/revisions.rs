//! The ReplicaSets of a Deployment: its revisions, newest and older.
//!
//! The real thing: `k8s.io/kubectl/pkg/util/deployment/deployment.go`.

use serde_json::Value;

use super::client::{Client, Filter};
use super::describe::controller;
use super::resource::Resource;
use crate::api::table::document::{at, name, namespace, pairs, selector_text, text, time};

/// The label that tells the pods of one ReplicaSet from those of another.
pub const HASH_LABEL: &str = "pod-template-hash";
/// The annotation that numbers the revisions.
pub const REVISION: &str = "deployment.kubernetes.io/revision";
/// The annotation that says why a revision was made.
pub const CHANGE_CAUSE: &str = "kubernetes.io/change-cause";

/// The ReplicaSets that a Deployment controls, oldest first.
pub async fn replica_sets(client: &mut Client<'_>, deployment: &Value) -> Vec<Value> {
    let filter = Filter { labels: selector_text(at(deployment, "spec.selector")), ..Filter::default() };
    let mut sets = client.list(&Resource::named("replicasets"), namespace(deployment), &filter).await.unwrap_or_default();
    let uid = text(deployment, "metadata.uid");
    sets.retain(|set| controller(set).is_some_and(|owner| text(owner, "uid") == uid));
    sets.sort_by_key(|set| (time(set, "metadata.creationTimestamp"), name(set).to_string()));
    sets
}

/// The ReplicaSet whose template is the Deployment's, apart from the hash label.
pub fn newest<'a>(deployment: &Value, sets: &'a [Value]) -> Option<&'a Value> {
    let wanted = without_hash(at(deployment, "spec.template"));
    sets.iter().find(|set| without_hash(at(set, "spec.template")) == wanted)
}

/// A template without the hash label.
pub fn without_hash(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove(HASH_LABEL);
    }
    template
}

/// The number of a revision.
pub fn revision(set: &Value) -> i64 {
    pairs(set, "metadata.annotations").get(REVISION).and_then(|text| text.parse().ok()).unwrap_or(0)
}
