//! Lease: the sign of life a kubelet renews. The real thing: `k8s.io/api/coordination/v1/types.go`.
//!
//! Left out: leader election leases of the control plane (there is one of each component).

use std::sync::Arc;

use serde_json::{Value, json};

use super::Name;
use super::json::{At, remove, set};
use super::meta::Meta;
use super::time::Timestamp;

/// One Lease.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// Metadata.
    pub meta: Meta,
    /// Spec as JSON, without metadata.
    pub doc: Arc<Value>,
    /// `spec.holderIdentity`.
    pub holder: Name,
    /// `spec.renewTime`.
    pub renewed: Option<Timestamp>,
}

impl Lease {
    /// Reads a document, as it stands.
    pub fn parse(doc: &Value) -> Lease {
        let spec = At::top(doc).at("spec");
        let mut kept = doc.clone();
        remove(&mut kept, &["metadata"]);
        Lease {
            meta: Meta::parse(doc),
            holder: spec.at("holderIdentity").text().unwrap_or_default().into(),
            renewed: spec.at("renewTime").time(),
            doc: Arc::new(kept),
        }
    }

    /// A kubelet's lease: 40 s long, held by the node.
    pub fn of_node(meta: Meta, node: &Name, at: Timestamp) -> Lease {
        let doc = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "spec": {"holderIdentity": &**node, "leaseDurationSeconds": 40}});
        Lease { meta, doc: Arc::new(doc), holder: node.clone(), renewed: Some(at) }
    }

    /// The whole object as the API shows it.
    pub fn encode(&self) -> Value {
        let mut doc = (*self.doc).clone();
        self.meta.write(&mut doc);
        if let Some(t) = self.renewed
            && At::top(&doc).at("spec").at("renewTime").time() != Some(t)
        {
            set(&mut doc, &["spec", "renewTime"], t.rfc3339_micro());
        }
        doc
    }
}
