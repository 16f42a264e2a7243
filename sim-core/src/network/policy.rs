//! NetworkPolicy verdicts, and the agent on each node that carries them out.
//!
//! In a real cluster the network plugin runs an agent on every node, which watches policies, pods and namespaces and programs the
//! node's kernel. The plugin modelled here keeps to the letter of the API: policies only add, a pod that none selects is open in
//! that direction, answers on an open connection pass, a pod always reaches itself, and its own node always reaches it (kubelet
//! probes). Packets are judged after the Service's address has become a pod's, and with the source that is then in them: the API
//! leaves open whether rewriting comes before or after. What is refused is dropped in silence, as most plugins do. Left out:
//! policies of the plugins' own kinds, and pods on the host network (which the API leaves undefined: they are the node).
//! The real thing: `k8s.io/api/networking/v1`; the judge of plugins is `test/e2e/network/netpol` of kubernetes/kubernetes.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use imbl::OrdMap;

use crate::api::component::{Clock, Reaction};
use crate::engine::digest::{Digestible, StateDigest};
use crate::engine::time::{Duration, Instant};
use crate::explain::{Flow, NearMiss};
use crate::objects::network_policy::{NetworkPolicy, Peer, PolicyPort, Ports, Rule};
use crate::objects::pod::Pod;
use crate::objects::pod_spec::Protocol;
use crate::objects::{Name, Object};
use crate::store::{Change, View};

/// From a change that an agent has seen to rules in the kernel: plugins need some hundred milliseconds.
const PROGRAM: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(300));

/// What a packet is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// Out of the selected pod, or into it.
    pub flow: Flow,
    /// The selected pod.
    pub pod: &'a Pod,
    /// The address at the other end, as it stands in the packet.
    pub peer_ip: IpAddr,
    /// The pod that has that address, if the agent knows one.
    pub peer: Option<&'a Pod>,
    /// Where the packet goes, as it stands in it.
    pub to: SocketAddr,
    /// Protocol.
    pub protocol: Protocol,
}

/// What the policies of a pod say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No policy selects the pod in this direction.
    Open,
    /// A rule of this policy allows it.
    Allowed(Name),
    /// These policies select the pod, and none has a rule for this packet.
    Denied {
        /// The policies, as `namespace/name`.
        policies: Vec<Name>,
        /// The rule that comes closest.
        near: Option<NearMiss>,
    },
}

/// Judges one packet by the policies of a photograph.
pub fn judge(view: &View, attempt: &Attempt<'_>) -> Verdict {
    let mut isolating: Vec<&NetworkPolicy> = Vec::new();
    for policy in view.policies.in_namespace(&attempt.pod.meta.namespace) {
        let Some(rules) = rules(policy, attempt.flow) else { continue };
        if !policy.pods.matches(&attempt.pod.meta.labels) {
            continue;
        }
        if rules.iter().any(|rule| takes_port(rule, attempt) && takes_peer(view, policy, rule, attempt)) {
            return Verdict::Allowed(full_name(policy));
        }
        isolating.push(policy);
    }
    if isolating.is_empty() {
        return Verdict::Open;
    }
    let near = isolating.iter().find_map(|policy| near_miss(view, policy, attempt));
    Verdict::Denied { policies: isolating.into_iter().map(full_name).collect(), near }
}

fn rules(policy: &NetworkPolicy, flow: Flow) -> Option<&[Rule]> {
    match flow {
        Flow::Ingress => policy.ingress.as_deref(),
        Flow::Egress => policy.egress.as_deref(),
    }
}

fn full_name(policy: &NetworkPolicy) -> Name {
    format!("{}/{}", policy.meta.namespace, policy.meta.name).into()
}

fn takes_port(rule: &Rule, attempt: &Attempt<'_>) -> bool {
    rule.ports.is_empty() || rule.ports.iter().any(|port| is_port(port, attempt))
}

/// A named port is the container port of the pod that receives, in each direction; addresses that are no pod's have none.
fn is_port(port: &PolicyPort, attempt: &Attempt<'_>) -> bool {
    let receiver = match attempt.flow {
        Flow::Ingress => Some(attempt.pod),
        Flow::Egress => attempt.peer,
    };
    let number = attempt.to.port();
    port.protocol == attempt.protocol
        && match &port.ports {
            Ports::All => true,
            Ports::Range(first, last) => (*first..=*last).contains(&number),
            Ports::Named(name) => receiver.and_then(|pod| pod.spec.named_port(name, port.protocol)) == Some(number),
        }
}

fn takes_peer(view: &View, policy: &NetworkPolicy, rule: &Rule, attempt: &Attempt<'_>) -> bool {
    let fits = |peer: &Peer| fits_peer(view, policy, peer, attempt.peer_ip, attempt.peer);
    rule.peers.is_empty() || rule.peers.iter().any(fits)
}

/// Whether an entry of a policy's rule means this address, or the pod that has it.
pub fn fits_peer(view: &View, policy: &NetworkPolicy, peer: &Peer, ip: IpAddr, pod: Option<&Pod>) -> bool {
    match peer {
        Peer::Nobody => false,
        Peer::Block { cidr, except } => cidr.contains(ip) && !except.iter().any(|part| part.contains(ip)),
        Peer::Pods { namespaces, pods } => pod.is_some_and(|pod| {
            let home = &pod.meta.namespace;
            let of_namespace = match namespaces {
                None => *home == policy.meta.namespace,
                Some(selector) => view.namespace(home).is_some_and(|ns| selector.matches(&ns.meta.labels)),
            };
            of_namespace && pods.matches(&pod.meta.labels)
        }),
    }
}

/// The rule of a policy that fails in one thing only.
fn near_miss(view: &View, policy: &NetworkPolicy, attempt: &Attempt<'_>) -> Option<NearMiss> {
    let rules = rules(policy, attempt.flow)?;
    let other_port = rules.iter().find(|rule| takes_peer(view, policy, rule, attempt)).map(|_| NearMiss::OtherPort);
    let elsewhere = |peer: &Peer| match (peer, attempt.peer) {
        (Peer::Pods { namespaces: None, pods }, Some(pod)) => pods.matches(&pod.meta.labels),
        _ => false,
    };
    let of_port = || rules.iter().filter(|rule| takes_port(rule, attempt));
    let other_namespace = of_port().any(|rule| rule.peers.iter().any(elsewhere)).then_some(NearMiss::OtherNamespace);
    let other_peer = of_port().next().map(|_| NearMiss::OtherPeer);
    other_port.or(other_namespace).or(other_peer)
}

/// An agent's rules are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Event(u32);

impl Event {
    /// The number of its node.
    pub fn node(&self) -> u32 {
        self.0
    }
}

/// What one node enforces.
#[derive(Clone, Debug, Default)]
struct Agent {
    enforced: Arc<View>,
    programmed_at: Instant,
    waiting: bool,
}

/// The agents of all nodes, by number.
#[derive(Clone, Debug)]
pub struct Agents {
    by_node: OrdMap<u32, Agent>,
    numbers: OrdMap<Name, u32>,
}

impl Agents {
    /// An agent on each node; nothing is enforced yet.
    pub fn new(nodes: &[Name]) -> Agents {
        let numbers: OrdMap<Name, u32> = nodes.iter().cloned().zip(0_u32..).collect();
        Agents { by_node: numbers.values().map(|n| (*n, Agent::default())).collect(), numbers }
    }

    /// Whether a change can alter what is enforced. Without any policy nothing can but the first.
    pub fn interested(view: &View, change: &Change) -> bool {
        let objects = (change.before.as_ref(), change.after.as_ref());
        match objects {
            (Some(Object::NetworkPolicy(_)), _) | (_, Some(Object::NetworkPolicy(_))) => true,
            _ if view.policies.is_empty() => false,
            (Some(Object::Pod(a)), Some(Object::Pod(b))) => a.meta.labels != b.meta.labels || a.status.ips != b.status.ips,
            (Some(Object::Pod(_)), None) | (None, Some(Object::Pod(_))) => true,
            (before, Some(after)) if &*after.kind_name().kind == "Namespace" => {
                before.is_none_or(|before| before.meta().labels != after.meta().labels)
            }
            _ => false,
        }
    }

    /// Something changed: it will be programmed.
    pub fn woken(&mut self, node: u32, clock: Clock) -> Reaction<Event> {
        let mut reaction = Reaction::default();
        if let Some(agent) = self.by_node.get_mut(&node).filter(|agent| !agent.waiting) {
            agent.waiting = true;
            let delay = clock.draws.keyed("policy/program", (node, clock.now)).duration(PROGRAM.0, PROGRAM.1);
            reaction.timer(delay, Event(node));
        }
        reaction
    }

    /// The rules are in the kernel.
    pub fn program(&mut self, node: u32, view: &Arc<View>, now: Instant) {
        if let Some(agent) = self.by_node.get_mut(&node) {
            *agent = Agent { enforced: view.clone(), programmed_at: now, waiting: false };
        }
    }

    /// Those that have to be woken by a change: they are not at work anyway.
    pub fn idle(&self) -> impl Iterator<Item = u32> + '_ {
        self.by_node.iter().filter(|(_, agent)| !agent.waiting).map(|(node, _)| *node)
    }

    /// The revision that a node enforces.
    pub fn revision(&self, node: u32) -> u64 {
        self.by_node.get(&node).map_or(0, |agent| agent.enforced.revision)
    }

    /// What a node enforces, and since when.
    pub fn enforced(&self, node: &str) -> Option<(&Arc<View>, Instant)> {
        let agent = self.by_node.get(self.numbers.get(node)?)?;
        Some((&agent.enforced, agent.programmed_at))
    }
}

impl Digestible for Agent {
    fn digest(&self, into: &mut StateDigest) {
        let Agent { enforced, programmed_at, waiting } = self;
        enforced.digest(into);
        into.fold(&(programmed_at, waiting));
    }
}

impl Digestible for Agents {
    fn digest(&self, into: &mut StateDigest) {
        // Numbers by name are the configuration's.
        let Agents { by_node, numbers: _ } = self;
        into.parts(by_node);
    }
}

#[cfg(test)]
mod tests;
