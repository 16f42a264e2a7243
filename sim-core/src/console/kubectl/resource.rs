//! A kind as the client uses it: one row of discovery, or a custom kind of which only the manifest tells.
//!
//! The real thing: `k8s.io/client-go/restmapper` and `meta.RESTMapping`.

use serde_json::Value;

use super::client::{Client, Filter};
use super::failure::Failure;
use crate::api::kinds::{self, Dynamic, Kind, Served};
use crate::api::status::qualified;
use crate::api::table::document::{list, name, namespace, text};

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

impl From<Dynamic> for Resource {
    fn from(custom: Dynamic) -> Self {
        Resource {
            singular: custom.kind.to_lowercase(),
            group: custom.group,
            version: custom.version,
            kind: custom.kind,
            plural: custom.plural,
            namespaced: true,
            known: None,
        }
    }
}

impl Resource {
    /// The resource that the user means by `po`, `pods`, `deployments.apps`.
    pub async fn find(client: &mut Client<'_>, typed: &str) -> Result<Resource, Failure> {
        match kinds::find(typed) {
            Some(kind) => Ok(kind.into()),
            None => Resource::custom(client, &typed.to_lowercase())
                .await
                .ok_or_else(|| Failure::Error(format!("the server doesn't have a resource type {typed:?}"))),
        }
    }

    /// A custom kind: one that a stored definition names, or, as this server takes objects of kinds that nothing defines,
    /// one of which an object is stored.
    async fn custom(client: &mut Client<'_>, typed: &str) -> Option<Resource> {
        let (word, group) = typed.split_once('.').unwrap_or((typed, ""));
        let definitions =
            client.list(&Resource::named("customresourcedefinitions"), "", &Filter::default()).await.unwrap_or_default();
        let defined = definitions.iter().filter_map(|definition| {
            let names = definition.pointer("/spec/names")?;
            let short = list(names, "shortNames").iter().any(|short| short == word);
            let meant = short || text(names, "plural") == word || text(names, "singular") == word;
            let version = list(definition, "spec.versions").first().map_or("", |version| text(version, "name"));
            let api_version = format!("{}/{version}", text(definition, "spec.group"));
            meant.then(|| (api_version, text(names, "kind").to_string()))
        });
        let stored = client.world().custom_kinds().into_iter().filter(|(_, kind)| {
            let singular = kind.to_lowercase();
            singular == word || kinds::guess_plural(kind) == word
        });
        let resources = defined.chain(stored).filter_map(|(api_version, kind)| match kinds::served(&api_version, &kind) {
            Served::Foreign(custom) => Some(Resource::from(custom)),
            Served::Known(_) | Served::NoMatch => None,
        });
        resources.into_iter().find(|resource| resource.group.starts_with(group))
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
            Served::Foreign(custom) => Ok(custom.into()),
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
