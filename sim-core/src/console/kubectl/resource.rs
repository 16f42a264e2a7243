//! A kind as the client uses it: one row of discovery, or a custom kind of which only the manifest tells.
//!
//! The real thing: `k8s.io/client-go/restmapper` and `meta.RESTMapping`.

use serde_json::Value;

use super::failure::Failure;
use crate::api::kinds::{self, Kind, Served};
use crate::api::status::qualified;
use crate::api::table::document::{name, namespace, text};

/// What requests and messages need to know of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// API group, empty for core.
    pub group: String,
    /// API version.
    pub version: String,
    /// `Deployment`.
    pub kind: String,
    /// `deployments`.
    pub plural: String,
    /// `deployment`.
    pub singular: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// The row of discovery, if it has one.
    pub known: Option<&'static Kind>,
}

impl From<&'static Kind> for Resource {
    fn from(kind: &'static Kind) -> Self {
        Resource {
            group: kind.group.into(),
            version: kind.version.into(),
            kind: kind.kind.into(),
            plural: kind.plural.into(),
            singular: kind.singular.into(),
            namespaced: kind.namespaced,
            known: Some(kind),
        }
    }
}

impl Resource {
    /// The resource that the user means by `po`, `pods`, `deployments.apps`.
    pub fn find(typed: &str) -> Result<Resource, Failure> {
        match kinds::find(typed) {
            Some(kind) => Ok(kind.into()),
            None => Err(Failure::Error(format!("the server doesn't have a resource type {typed:?}"))),
        }
    }

    /// The resource of a kind that the code itself names.
    pub fn named(typed: &str) -> Resource {
        kinds::find(typed).expect("invariant: kinds named in the code are served").into()
    }

    /// The resource of a manifest from `source`.
    pub fn of(document: &Value, source: &str) -> Result<Resource, Failure> {
        let (api_version, kind) = (text(document, "apiVersion"), text(document, "kind"));
        match kinds::served(api_version, kind) {
            Served::Known(known) => Ok(known.into()),
            Served::NoMatch => Err(kinds::no_match_text(name(document), namespace(document), source, api_version, kind).into()),
            Served::Foreign(custom) => Ok(Resource {
                singular: custom.kind.to_lowercase(),
                group: custom.group,
                version: custom.version,
                kind: custom.kind,
                plural: custom.plural,
                namespaced: true,
                known: None,
            }),
        }
    }

    /// `pod`, `deployment.apps`: how a kind is shown before a name.
    pub fn label(&self) -> String {
        qualified(&self.singular, &self.group)
    }

    /// `pods`, `deployments.apps`.
    pub fn resource(&self) -> String {
        qualified(&self.plural, &self.group)
    }

    /// Whether it is this kind of this group.
    pub fn is(&self, group: &str, kind: &str) -> bool {
        self.group == group && self.kind == kind
    }
}
