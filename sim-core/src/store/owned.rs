//! How many live and ready pods each owner has, kept as pods come, change and go.
//!
//! In a real cluster a controller counts the pods of its cache at every sync, and its informer keeps indexes so that it need not
//! look at all of them. Counting a hundred thousand replicas at each of their reports would take longer than anything else here.
//! The counts are apart by the labels of the pods, so that a change of a template or of a label is seen without looking at pods.
//! The plain form, which counts one by one, is in the tests, which compare the two.

use std::sync::Arc;

use imbl::OrdMap;

use crate::objects::labels::Labels;
use crate::objects::pod::Pod;
use crate::objects::{Name, Object};

/// Pods of one owner that have equal labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Not ended, and not being deleted.
    pub live: usize,
    /// Of these, ready.
    pub ready: usize,
}

/// The counts by owner: the uid of a managing owner, and the labels.
#[derive(Clone, Debug, Default)]
pub(super) struct Owned(OrdMap<Name, OrdMap<Arc<Labels>, Tally>>);

impl Owned {
    /// The live pods that `uid` manages, by their labels; groups without any are left out.
    pub(super) fn of(&self, uid: &str) -> impl Iterator<Item = (&Labels, Tally)> {
        self.0.get(uid).into_iter().flatten().map(|(labels, tally)| (&**labels, *tally))
    }

    /// A pod came, changed or went.
    pub(super) fn note(&mut self, before: Option<&Object>, after: Option<&Object>) {
        let (before, after) = (before.and_then(counted), after.and_then(counted));
        if before == after {
            return;
        }
        if let Some((uid, labels, ready)) = before
            && let Some(groups) = self.0.get_mut(uid)
        {
            if let Some(tally) = groups.get_mut(labels) {
                tally.live = tally.live.saturating_sub(1);
                tally.ready = tally.ready.saturating_sub(usize::from(ready));
                if tally.live == 0 {
                    groups.remove(labels);
                }
            }
            if groups.is_empty() {
                self.0.remove(uid);
            }
        }
        if let Some((uid, labels, ready)) = after {
            let tally = self.0.entry(uid.clone()).or_default().entry(labels.clone()).or_default();
            tally.live += 1;
            tally.ready += usize::from(ready);
        }
    }
}

/// Under what a pod counts, and whether as ready; `None` for one that has ended, is being deleted, or is nobody's.
fn counted(object: &Object) -> Option<(&Name, &Arc<Labels>, bool)> {
    let Object::Pod(pod) = object else { return None };
    let owner = pod.meta.controller().filter(|_| is_live(pod))?;
    Some((&owner.uid, &pod.meta.labels, pod.ready()))
}

/// Whether a pod counts for its owner.
pub fn is_live(pod: &Pod) -> bool {
    !pod.finished() && !pod.meta.deleting()
}
