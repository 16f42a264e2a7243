//! How many pods of each owner are on each node, for the scores that keep replicas apart.
//!
//! In a real cluster PodTopologySpread counts matching pods in its pre-score step, node by node, from the cache's list of pods of
//! each node. Counting all siblings anew for each pod of a hundred thousand would be quadratic; here the counts follow the pods
//! as they are placed, are told to end and go. Left out: nothing that the default constraints count.
//! The real thing: `pkg/scheduler/framework/plugins/podtopologyspread/scoring.go`.

use std::sync::Arc;

use imbl::OrdMap;

use crate::objects::Name;
use crate::objects::meta::Owner;
use crate::objects::pod::Pod;
use crate::store::ObjectId;

/// The counts. Bounded by the number of pods.
#[derive(Clone, Debug, Default)]
pub struct Crowds {
    by_owner: OrdMap<Name, OrdMap<Name, usize>>,
    /// Under what each pod is counted.
    counted: OrdMap<ObjectId, (Arc<[Owner]>, Name)>,
}

impl Crowds {
    /// The nodes that have pods of `owner`, each with how many.
    pub fn of(&self, owner: &str) -> impl Iterator<Item = (&Name, usize)> {
        self.by_owner.get(owner).into_iter().flatten().map(|(node, count)| (node, *count))
    }

    /// A pod counts for a node; one that is told to end does not.
    pub fn note(&mut self, id: ObjectId, pod: &Pod, node: &Name) {
        if self.counted.get(&id).is_some_and(|(owners, on)| on == node && *owners == pod.meta.owners && !pod.meta.deleting()) {
            return;
        }
        self.forget(id);
        if pod.meta.deleting() || pod.meta.owners.is_empty() {
            return;
        }
        for owner in pod.meta.owners.iter() {
            *self.by_owner.entry(owner.uid.clone()).or_default().entry(node.clone()).or_default() += 1;
        }
        self.counted.insert(id, (pod.meta.owners.clone(), node.clone()));
    }

    /// A pod counts no more.
    pub fn forget(&mut self, id: ObjectId) {
        let Some((owners, node)) = self.counted.remove(&id) else { return };
        for owner in owners.iter() {
            let Some(nodes) = self.by_owner.get_mut(&owner.uid) else { continue };
            if let Some(count) = nodes.get_mut(&node) {
                *count -= 1;
                if *count == 0 {
                    nodes.remove(&node);
                }
            }
            if nodes.is_empty() {
                self.by_owner.remove(&owner.uid);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn pod(owners: &[&str], deletion: Value) -> Pod {
        let owners: Vec<Value> = owners.iter().map(|uid| json!({"kind": "ReplicaSet", "name": uid, "uid": uid})).collect();
        Pod::parse(&json!({"metadata": {"name": "p", "ownerReferences": owners, "deletionTimestamp": deletion}, "spec": {}}))
    }

    #[test]
    fn counts_follow_the_pods() {
        let mut crowds = Crowds::default();
        let (live, ending) = (pod(&["a", "b"], Value::Null), pod(&["a", "b"], "2026-01-01T00:00:00Z".into()));
        let of = |crowds: &Crowds, owner: &str| crowds.of(owner).map(|(n, c)| (n.to_string(), c)).collect::<Vec<_>>();
        crowds.note(ObjectId(1), &live, &"n1".into());
        crowds.note(ObjectId(1), &live, &"n1".into());
        crowds.note(ObjectId(2), &live, &"n1".into());
        crowds.note(ObjectId(3), &pod(&["a"], Value::Null), &"n2".into());
        assert_eq!(of(&crowds, "a"), [("n1".to_string(), 2), ("n2".to_string(), 1)]);
        assert_eq!(of(&crowds, "b"), [("n1".to_string(), 2)]);
        crowds.note(ObjectId(2), &ending, &"n1".into());
        crowds.note(ObjectId(1), &live, &"n2".into());
        assert_eq!(of(&crowds, "a"), [("n2".to_string(), 2)]);
        (1..=3).for_each(|id| crowds.forget(ObjectId(id)));
        assert!(crowds.by_owner.is_empty() && crowds.counted.is_empty());
    }
}
