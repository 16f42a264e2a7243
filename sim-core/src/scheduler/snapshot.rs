//! The nodes as one scheduling cycle sees them: numbered, with what each has given away and the domains they lie in.
//!
//! In a real cluster the scheduler's cache hands every cycle a snapshot of its nodes, and plugins count the domains of topology
//! spread in it. Here the snapshot lasts as long as the photograph's nodes, so that a pod is placed without a look-up by name.
//! The real thing: `pkg/scheduler/backend/cache/snapshot.go`.

use std::sync::Arc;

use imbl::OrdMap;

use super::Used;
use crate::objects::Name;
use crate::objects::node::{HOSTNAME, Node, ZONE};
use crate::store::Table;

/// A node in a cycle. Most pods ask for no more than what stands here; the node itself is looked at for taints and labels.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The node.
    pub node: Arc<Node>,
    /// What its pods ask for.
    pub used: Used,
    /// CPU it can give away, in thousandths.
    pub cpu: i64,
    /// Memory it can give away, in bytes.
    pub memory: i64,
    /// Pods it can take.
    pub pods: i64,
    /// Neither taint nor cordon keeps any pod away.
    pub open: bool,
}

/// Where a pod is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Name of the node.
    pub node: Name,
    /// Its number in the snapshot of that time; most often still its number.
    number: usize,
}

impl Candidate {
    /// A node with what has been given away of it.
    pub fn new(node: Arc<Node>, used: Used) -> Candidate {
        let open = !node.unschedulable && node.taints.is_empty();
        Candidate { used, cpu: node.cpu, memory: node.memory, pods: node.pods, open, node }
    }
}

/// All nodes, in the order of their names.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The nodes; a node's number is its place here.
    pub nodes: Vec<Candidate>,
    hosts: Arc<Domains>,
    zones: Arc<Domains>,
}

/// The values that one label has on the nodes, numbered as they are met.
#[derive(Clone, Debug, Default)]
pub struct Domains {
    of_node: Vec<Option<usize>>,
    names: OrdMap<Name, usize>,
}

impl Snapshot {
    /// The nodes of a photograph.
    pub fn of(nodes: &Table<Node>, used: &OrdMap<Name, Used>) -> Snapshot {
        let used = |node: &Node| used.get(&node.meta.name).cloned().unwrap_or_default();
        let nodes: Vec<Candidate> = nodes.iter().map(|node| Candidate::new(node.clone(), used(node))).collect();
        let (hosts, zones) = (Arc::new(Domains::of(&nodes, HOSTNAME)), Arc::new(Domains::of(&nodes, ZONE)));
        Snapshot { nodes, hosts, zones }
    }

    /// The number of a node by name.
    pub fn number(&self, name: &str) -> Option<usize> {
        self.nodes.binary_search_by(|candidate| (*candidate.node.meta.name).cmp(name)).ok()
    }

    /// A node, to be found again without a search.
    pub fn place(&self, node: &Name) -> Place {
        Place { node: node.clone(), number: self.number(node).unwrap_or(usize::MAX) }
    }

    /// The number of the node that a pod is counted on.
    pub fn number_of(&self, place: &Place) -> Option<usize> {
        let still = self.nodes.get(place.number).is_some_and(|candidate| candidate.node.meta.name == place.node);
        if still { Some(place.number) } else { self.number(&place.node) }
    }

    /// The domains that a label divides the nodes into.
    pub fn domains(&self, key: &str) -> Arc<Domains> {
        match key {
            HOSTNAME => self.hosts.clone(),
            ZONE => self.zones.clone(),
            _ => Arc::new(Domains::of(&self.nodes, key)),
        }
    }
}

impl Domains {
    fn of(nodes: &[Candidate], key: &str) -> Domains {
        let mut domains = Domains::default();
        for Candidate { node, .. } in nodes {
            let number = node.meta.labels.0.get(key).map(|name| {
                let next = domains.names.len();
                *domains.names.entry(name.clone()).or_insert(next)
            });
            domains.of_node.push(number);
        }
        domains
    }

    /// The domain a node lies in; `None` if it lacks the label.
    pub fn of_node(&self, number: usize) -> Option<usize> {
        self.of_node.get(number).copied().flatten()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// How many of them these nodes lie in.
    pub fn among(&self, nodes: &[usize]) -> usize {
        let mut met = vec![false; self.len()];
        nodes.iter().filter_map(|node| self.of_node(*node)).for_each(|domain| met[domain] = true);
        met.into_iter().filter(|met| *met).count()
    }
}
