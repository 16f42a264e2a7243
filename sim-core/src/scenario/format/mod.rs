//! The scenario file, version 1, as types. The doc comments are the descriptions in the JSON Schema.
//!
//! In real life this is the cluster's configuration (kubeadm's file, flags of the components), the manifests at hand and the
//! shell history, in one file. The schema made from these types is also what checks a file ([`super::check`]), so a field
//! exists in exactly one place: here. Left out: `faults` and `invariants`, whose names are kept free and which must be empty.

mod cluster;
mod image;
mod step;

pub use cluster::*;
pub use image::*;
pub use step::*;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::notation::Written;
use crate::objects::time::Timestamp;

/// The only `apiVersion` of version 1.
pub const API_VERSION: &str = "kubewalk/v1";
/// The schema's `format` of a field that nothing acts on in this version.
pub const LATER: &str = "nothing-acts-on-it";
/// The only `kind` of version 1.
pub const KIND: &str = "Scenario";

/// A cluster, what happens to it, and what is expected: the first document of a scenario file.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scenario {
    /// Always `kubewalk/v1`.
    pub api_version: ApiVersion,
    /// Always `Scenario`.
    pub kind: Kind,
    /// Name and title.
    #[serde(default)]
    pub metadata: Metadata,
    /// Everything else.
    #[serde(default)]
    pub spec: Spec,
}

/// The versions of the format that this program reads.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub enum ApiVersion {
    #[serde(rename = "kubewalk/v1")]
    V1,
}

/// The kind of the first document.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub enum Kind {
    Scenario,
}

/// How a scenario is called.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Metadata {
    /// Short name, as in `kubewalk run NAME`.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// A paragraph for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// What a scenario consists of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Spec {
    /// Seed of every random draw.
    pub seed: u64,
    /// The calendar.
    pub clock: Clock,
    /// The cluster before the first step.
    pub cluster: Cluster,
    /// Kubernetes objects stored as they are before time starts, status included, without defaulting or validation.
    pub objects: Vec<Manifest>,
    /// `docs`: the further documents of the file are stored like `objects`, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objects_from: Option<ObjectsFrom>,
    /// How containers of an image behave, by image name.
    pub images: BTreeMap<String, Image>,
    /// What a search for faults may break. This version has no such search: leave it empty.
    #[schemars(extend("format" = LATER, "maxProperties" = 0))]
    pub faults: BTreeMap<String, Value>,
    /// What happens, in order.
    pub steps: Vec<Step>,
    /// Named properties that hold all the time. This version checks none: leave it empty, and use `expect` in steps.
    #[schemars(extend("format" = LATER), length(max = 0))]
    pub invariants: Vec<Value>,
}

/// The calendar of a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Clock {
    /// The moment of the start, from which `date`, AGE and timestamps are measured.
    pub start: Written<Timestamp>,
}

impl Default for Clock {
    fn default() -> Self {
        Clock { start: Written::known("2026-01-01T12:00:00Z") }
    }
}

/// A Kubernetes object as a tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Manifest(pub Value);

impl JsonSchema for Manifest {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Manifest".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "description": "A Kubernetes object.",
            "properties": {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}},
            "required": ["apiVersion", "kind"],
        })
    }
}

/// Where objects come from beside `objects`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ObjectsFrom {
    /// The documents after the first.
    Docs,
}
