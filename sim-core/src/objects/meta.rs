//! Metadata: what every object has.
//!
//! In a real cluster `metadata` carries identity (namespace, name, uid), bookkeeping (resourceVersion, generation, timestamps)
//! and the links the garbage collector follows. We model all of it but `managedFields` and `selfLink`, which are dropped.
//! The real thing: `k8s.io/apimachinery/pkg/apis/meta/v1/types.go`.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Name;
use super::json::{At, set};
use super::labels::Labels;
use super::time::Timestamp;

/// Metadata of one object. Lists and maps are shared between the objects of one template.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Meta {
    /// Namespace; empty for cluster-scoped kinds.
    pub namespace: Name,
    /// Name.
    pub name: Name,
    /// `generateName`, kept as a record of how the name came to be.
    pub generate_name: Option<Name>,
    /// Unique in the life of the cluster; absent only on objects restored without one.
    pub uid: Option<Name>,
    /// Where the store keeps this object; 0 before it is stored.
    pub slot: u32,
    /// Store revision of the last write to this object.
    pub revision: u64,
    /// What `resourceVersion` shows.
    pub version: Version,
    /// Counts changes of the spec; absent for kinds that do not count.
    pub generation: Option<i64>,
    /// `creationTimestamp`; absent only on objects restored without one.
    pub created: Option<Timestamp>,
    /// Set once deletion has been asked for.
    pub deletion: Option<Deletion>,
    /// Labels.
    pub labels: Arc<Labels>,
    /// Annotations.
    pub annotations: Arc<Labels>,
    /// Owners.
    pub owners: Arc<[Owner]>,
    /// Finalizers.
    pub finalizers: Arc<[Name]>,
}

/// What an object shows as its `resourceVersion`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// The store's revision: the object was written through the API server.
    Store,
    /// Restored with this text, not written since.
    Given(Name),
    /// Restored without one, not written since.
    Absent,
}

/// A deletion that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Deletion {
    /// `deletionTimestamp`: when the grace period ends.
    pub at: Timestamp,
    /// `deletionGracePeriodSeconds`.
    pub grace: Option<i64>,
}

/// One owner of an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Owner {
    /// `apiVersion` of the owner.
    pub api_version: Name,
    /// Kind of the owner.
    pub kind: Name,
    /// Name of the owner.
    pub name: Name,
    /// Uid of the owner: its identity.
    pub uid: Name,
    /// Whether it is the managing controller; at most one owner is.
    pub controller: Option<bool>,
    /// Whether foreground deletion of the owner waits for this object.
    pub block: Option<bool>,
}

impl Meta {
    /// Fresh metadata with a name and nothing else.
    pub fn named(namespace: &str, name: &str) -> Meta {
        Meta {
            namespace: namespace.into(),
            name: name.into(),
            generate_name: None,
            uid: None,
            slot: 0,
            revision: 0,
            version: Version::Store,
            generation: None,
            created: None,
            deletion: None,
            labels: Arc::default(),
            annotations: Arc::default(),
            owners: Arc::from([]),
            finalizers: Arc::from([]),
        }
    }

    /// Reads `metadata` of a document, as it stands.
    pub fn parse(doc: &Value) -> Meta {
        let at = At::top(doc).at("metadata");
        let deletion = at.at("deletionTimestamp").time();
        let text = |key: &str| at.at(key).text().unwrap_or_default();
        Meta {
            generate_name: at.at("generateName").name(),
            uid: at.at("uid").name(),
            version: at.at("resourceVersion").name().map_or(Version::Absent, Version::Given),
            generation: at.at("generation").int(),
            created: at.at("creationTimestamp").time(),
            deletion: deletion.map(|at_time| Deletion { at: at_time, grace: at.at("deletionGracePeriodSeconds").int() }),
            labels: Arc::new(Labels::parse(at.at("labels"))),
            annotations: Arc::new(Labels::parse(at.at("annotations"))),
            owners: at.at("ownerReferences").items().map(Owner::parse).collect(),
            finalizers: at.at("finalizers").names().into(),
            ..Meta::named(text("namespace"), text("name"))
        }
    }

    /// Writes it as `metadata` of a document.
    pub fn write(&self, doc: &mut Value) {
        let mut map = Map::new();
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                map.insert(key.to_string(), value);
            }
        };
        let text = |name: &Name| (!name.is_empty()).then(|| json!(&**name));
        put("name", text(&self.name));
        put("namespace", text(&self.namespace));
        put("generateName", self.generate_name.as_ref().and_then(text));
        put("uid", self.uid.as_ref().and_then(text));
        put("resourceVersion", self.shown_version().map(Value::from));
        put("generation", self.generation.map(Value::from));
        put("creationTimestamp", self.created.map(|t| json!(t.rfc3339())));
        put("deletionTimestamp", self.deletion.map(|d| json!(d.at.rfc3339())));
        put("deletionGracePeriodSeconds", self.deletion.and_then(|d| d.grace).map(Value::from));
        put("labels", (!self.labels.is_empty()).then(|| self.labels.to_json()));
        put("annotations", (!self.annotations.is_empty()).then(|| self.annotations.to_json()));
        put("ownerReferences", (!self.owners.is_empty()).then(|| self.owners.iter().map(Owner::to_json).collect()));
        put("finalizers", (!self.finalizers.is_empty()).then(|| self.finalizers.iter().map(|f| json!(&**f)).collect()));
        set(doc, &["metadata"], map);
    }

    /// The `resourceVersion` a client sees.
    pub fn shown_version(&self) -> Option<String> {
        match &self.version {
            Version::Store => Some(self.revision.to_string()),
            Version::Given(text) => Some(text.to_string()),
            Version::Absent => None,
        }
    }

    /// The owner that manages this object.
    pub fn controller(&self) -> Option<&Owner> {
        self.owners.iter().find(|o| o.controller == Some(true))
    }

    /// Whether `owner_uid` manages this object.
    pub fn controlled_by(&self, owner_uid: &str) -> bool {
        self.controller().is_some_and(|o| &*o.uid == owner_uid)
    }

    /// Whether deletion has been asked for.
    pub fn deleting(&self) -> bool {
        self.deletion.is_some()
    }
}

impl Owner {
    fn parse(at: At<'_>) -> Owner {
        let text = |key: &str| Name::from(at.at(key).text().unwrap_or_default());
        Owner {
            api_version: text("apiVersion"),
            kind: text("kind"),
            name: text("name"),
            uid: text("uid"),
            controller: at.at("controller").flag(),
            block: at.at("blockOwnerDeletion").flag(),
        }
    }

    fn to_json(&self) -> Value {
        let mut doc = json!({"apiVersion": &*self.api_version, "kind": &*self.kind, "name": &*self.name, "uid": &*self.uid});
        for (key, flag) in [("controller", self.controller), ("blockOwnerDeletion", self.block)] {
            if let Some(flag) = flag {
                doc[key] = flag.into();
            }
        }
        doc
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_reads_and_writes_back() {
        let doc = json!({"metadata": {
            "name": "web-1", "namespace": "default", "generateName": "web-", "uid": "u1", "resourceVersion": "17", "generation": 2,
            "creationTimestamp": "2026-01-01T12:00:00Z", "deletionTimestamp": "2026-01-01T12:00:30Z", "deletionGracePeriodSeconds": 30,
            "labels": {"app": "web"}, "annotations": {"a": "b"}, "finalizers": ["x/y"],
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "r1", "controller": true, "blockOwnerDeletion": true}],
        }});
        let mut out = json!({});
        Meta::parse(&doc).write(&mut out);
        assert_eq!(out, doc);
        let mut empty = json!({});
        Meta::parse(&json!({"metadata": {"name": "x"}})).write(&mut empty);
        assert_eq!(empty, json!({"metadata": {"name": "x"}}));
    }
}
