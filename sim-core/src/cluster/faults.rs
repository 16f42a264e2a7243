//! What is broken at the moment, as data.
//!
//! Left out: links, packet loss, partitions between nodes (they come with the network graph).

use imbl::OrdSet;

use super::{Cluster, Event, Reply};
use crate::engine::model::Context;
use crate::objects::Name;

/// One thing that can break.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// A node, in one of several ways.
    Node(Name, NodeFault),
    /// kube-proxy of a node stops: its rules stay as they are.
    Proxy(Name),
    /// The containers of a pod die.
    Pod(Name, Name),
    /// All CoreDNS servers stop answering.
    Dns,
}

/// How a node fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeFault {
    /// The power is cut: everything on it is gone at once.
    #[default]
    PowerOff,
    /// Only the kubelet stops: containers and rules go on.
    KubeletStop,
}

/// Everything that is broken now.
#[derive(Clone, Debug, Default)]
pub struct Faults(OrdSet<Fault>);

impl Faults {
    /// Whether a node has power.
    pub fn node_up(&self, node: &str) -> bool {
        !self.0.contains(&Fault::Node(node.into(), NodeFault::PowerOff))
    }

    /// Whether DNS servers answer.
    pub fn dns_up(&self) -> bool {
        !self.0.contains(&Fault::Dns)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }
}

impl Cluster {
    /// Breaks something, or mends it.
    pub(super) fn break_or_mend(&mut self, fault: &Fault, broken: bool, cx: &mut Context<'_, Event>) -> Reply {
        let clock = self.clock(cx);
        let reaction = match fault {
            Fault::Node(node, how) => {
                if !self.config.nodes.iter().any(|n| *n.name == **node) {
                    return Reply::NoSuchTarget;
                }
                let mode = match how {
                    NodeFault::PowerOff => crate::kubelet::Failure::PowerOff,
                    NodeFault::KubeletStop => crate::kubelet::Failure::KubeletStop,
                };
                if *how == NodeFault::PowerOff {
                    self.proxies.set_running(node, !broken);
                    self.kernels.forget(node);
                }
                if broken { self.kubelets.fail(node, mode, clock) } else { self.kubelets.heal(node, clock) }
            }
            Fault::Proxy(node) => {
                if !self.config.nodes.iter().any(|n| *n.name == **node) {
                    return Reply::NoSuchTarget;
                }
                self.proxies.set_running(node, !broken);
                crate::api::component::Reaction::default()
            }
            Fault::Pod(namespace, name) => match self.store.head().pods.id(namespace, name) {
                Some(id) if broken => self.kubelets.kill(id, clock),
                Some(_) => crate::api::component::Reaction::default(),
                None => return Reply::NoSuchTarget,
            },
            Fault::Dns => crate::api::component::Reaction::default(),
        };
        if broken && !matches!(fault, Fault::Pod(..)) {
            self.faults.0.insert(fault.clone());
        } else {
            self.faults.0.remove(fault);
        }
        self.react(super::Sender::Kubelets, reaction.map(Event::Kubelet), cx);
        Reply::Done
    }
}
