//! Kinds that nothing simulates, and Namespace: kept whole, given back unchanged, listed and deleted like any etcd row.
//!
//! In a real cluster each of them has a controller or a consumer; here ConfigMaps and Secrets are read by the kubelet, the rest
//! is inert. The real thing: any API type.

use std::sync::Arc;

use serde_json::Value;

use super::Name;
use super::json::{At, remove};
use super::meta::Meta;

/// An object kept as its document.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Plain {
    /// Metadata.
    pub meta: Meta,
    /// `apiVersion` as stored.
    pub api_version: Name,
    /// `kind`.
    pub kind: Name,
    /// The document without metadata.
    pub doc: Arc<Value>,
}

impl Plain {
    /// Reads a document, as it stands.
    pub fn parse(doc: &Value) -> Plain {
        let at = At::top(doc);
        let mut kept = doc.clone();
        remove(&mut kept, &["metadata"]);
        let text = |key: &str| Name::from(at.at(key).text().unwrap_or_default());
        Plain { meta: Meta::parse(doc), api_version: text("apiVersion"), kind: text("kind"), doc: Arc::new(kept) }
    }

    /// The whole object as the API shows it.
    pub fn encode(&self) -> Value {
        let mut doc = (*self.doc).clone();
        self.meta.write(&mut doc);
        doc
    }

    /// API group: the part of `apiVersion` before the slash, empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }
}
