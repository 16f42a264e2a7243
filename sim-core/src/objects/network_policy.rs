//! NetworkPolicy: which connections the selected pods may open, and which they may be reached by.
//!
//! In a real cluster the API server only keeps it; the network plugin's agent on each node enforces it. A policy isolates the
//! pods it selects in the directions it names, and its rules then allow; policies only ever add to what is allowed. The record
//! is what [`crate::network::policy`] reasons with. The real thing: `k8s.io/api/networking/v1/types.go`, `NetworkPolicySpec`.

use std::sync::Arc;

use serde_json::Value;

use super::Name;
use super::json::{At, remove};
use super::labels::Selector;
use super::meta::Meta;
use super::net::Net;
use super::pod_spec::Protocol;

/// One NetworkPolicy.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NetworkPolicy {
    /// Metadata.
    pub meta: Meta,
    /// The document without metadata.
    pub doc: Arc<Value>,
    /// `spec.podSelector`: the pods of its namespace that it is about; the empty one selects all.
    pub pods: Selector,
    /// What may reach them; `None` = the policy does not speak of that direction.
    pub ingress: Option<Vec<Rule>>,
    /// What they may reach; `None` = the policy does not speak of that direction.
    pub egress: Option<Vec<Rule>>,
}

/// One rule: it allows these peers on these ports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rule {
    /// `from` or `to`; none = everybody.
    pub peers: Vec<Peer>,
    /// `ports`; none = every port of every protocol.
    pub ports: Vec<PolicyPort>,
}

/// One entry of `from` or `to`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Peer {
    /// Pods.
    Pods {
        /// Labels of their namespace; `None` = the policy's own namespace.
        namespaces: Option<Selector>,
        /// Their labels; the empty selector takes all.
        pods: Selector,
    },
    /// Addresses.
    Block {
        /// All of these,
        cidr: Net,
        /// but none of these.
        except: Vec<Net>,
    },
    /// An entry that names nothing, or no readable range: it allows nobody.
    Nobody,
}

/// One entry of `ports`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PolicyPort {
    /// Protocol; absent reads as TCP.
    pub protocol: Protocol,
    /// Which ports.
    pub ports: Ports,
}

/// The ports of one entry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Ports {
    /// `port` is absent: all of the protocol.
    All,
    /// From the first to the last, both included.
    Range(u16, u16),
    /// The container port of that name, of the pod at the receiving end.
    Named(Name),
}

impl NetworkPolicy {
    /// Reads a document, as it stands. Absent `policyTypes` read as the API would default them.
    pub fn parse(doc: &Value) -> NetworkPolicy {
        let spec = At::top(doc).at("spec");
        let mut kept = doc.clone();
        remove(&mut kept, &["metadata"]);
        let types = spec.at("policyTypes").names();
        let rules = |field: &str, peers: &str| spec.at(field).items().map(|rule| Rule::parse(rule, peers)).collect::<Vec<_>>();
        let (ingress, egress) = (rules("ingress", "from"), rules("egress", "to"));
        let named = |direction: &str| types.iter().any(|t| &**t == direction);
        NetworkPolicy {
            meta: Meta::parse(doc),
            pods: Selector::parse(spec.at("podSelector")),
            ingress: (types.is_empty() || named("Ingress")).then_some(ingress),
            egress: if types.is_empty() { !egress.is_empty() } else { named("Egress") }.then_some(egress),
            doc: Arc::new(kept),
        }
    }

    /// The whole object as the API shows it.
    pub fn encode(&self) -> Value {
        let mut doc = (*self.doc).clone();
        self.meta.write(&mut doc);
        doc
    }
}

impl Rule {
    fn parse(at: At<'_>, peers: &str) -> Rule {
        Rule {
            peers: at.at(peers).items().map(Peer::parse).collect(),
            ports: at.at("ports").items().map(PolicyPort::parse).collect(),
        }
    }
}

impl Peer {
    fn parse(at: At<'_>) -> Peer {
        let net = |at: At<'_>| at.text().and_then(Net::parse);
        let (namespaces, pods, block) = (at.at("namespaceSelector"), at.at("podSelector"), at.at("ipBlock"));
        if block.exists() {
            let except = block.at("except").items().filter_map(net).collect();
            return net(block.at("cidr")).map_or(Peer::Nobody, |cidr| Peer::Block { cidr, except });
        }
        if !namespaces.exists() && !pods.exists() {
            return Peer::Nobody;
        }
        Peer::Pods { namespaces: namespaces.exists().then(|| Selector::parse(namespaces)), pods: Selector::parse(pods) }
    }
}

impl PolicyPort {
    fn parse(at: At<'_>) -> PolicyPort {
        let (first, last) = (at.at("port"), at.at("endPort").port());
        let ports = match (first.port(), first.name()) {
            (Some(first), _) => Ports::Range(first, last.unwrap_or(first)),
            (None, Some(name)) => Ports::Named(name),
            (None, None) => Ports::All,
        };
        PolicyPort { protocol: Protocol::parse(at.at("protocol").text()), ports }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn absent_policy_types_are_read_as_defaulted() {
        let directions = |spec: Value| {
            let policy = NetworkPolicy::parse(&json!({"spec": spec}));
            (policy.ingress.map(|rules| rules.len()), policy.egress.map(|rules| rules.len()))
        };
        let cases = [
            (json!({}), (Some(0), None)),
            (json!({"egress": [{}]}), (Some(0), Some(1))),
            (json!({"policyTypes": ["Egress"], "ingress": [{}]}), (None, Some(0))),
            (json!({"policyTypes": ["Ingress", "Egress"], "ingress": [{}, {}]}), (Some(2), Some(0))),
        ];
        for (spec, want) in cases {
            assert_eq!(directions(spec.clone()), want, "{spec}");
        }
    }

    #[test]
    fn a_document_comes_back_whole() {
        let doc = json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "a", "namespace": "b"},
            "spec": {"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}],
                "ports": [{"port": 80, "endPort": 90, "protocol": "UDP"}, {"port": "web"}, {}]}]}});
        let policy = NetworkPolicy::parse(&doc);
        assert_eq!(policy.encode(), doc);
        let ports: Vec<Ports> = policy.ingress.unwrap()[0].ports.iter().map(|p| p.ports.clone()).collect();
        assert_eq!(ports, [Ports::Range(80, 90), Ports::Named("web".into()), Ports::All]);
    }
}
