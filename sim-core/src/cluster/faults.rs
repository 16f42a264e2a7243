//! What is broken at the moment, as data.
//!
//! In a real cluster cables are pulled, machines lose power, processes hang. A machine that is cut off goes on as before: its pods
//! run, and its components keep the photograph that they had; nothing they write arrives. When the link is whole again their
//! watches start anew with a fresh list. Without the API server that is so on every node, and controllers and scheduler stand
//! still: what they would do waits, as their tries again do, and the leader that comes back has no memory of who was silent.
//! Left out: disks, clocks.

use imbl::OrdSet;

use super::watch::Watcher;
use super::{Cluster, Event, Reply, story};
use crate::api::component::{Clock, Reaction};
use crate::engine::digest::{Digestible, StateDigest};
use crate::engine::model::Context;
use crate::engine::time::Duration;
use crate::network::graph::{API_SERVER, Broken, CUT, Pair};
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
    /// The API server does not run.
    ApiServer,
    /// A link, or everything between two stations, loses this many of a million packets; all of them: it is cut.
    Link(Pair, u32),
}

impl Fault {
    /// As it is written after `fail` and `heal`.
    pub fn target(&self) -> String {
        match self {
            Fault::Node(node, NodeFault::PowerOff) => format!("node/{node}"),
            Fault::Node(node, NodeFault::KubeletStop) => format!("node/{node} --mode kubelet-stop"),
            Fault::Node(node, NodeFault::Partition) => format!("node/{node} --mode partition"),
            Fault::Proxy(node) => format!("proxy/{node}"),
            Fault::Pod(namespace, name) => format!("pod/{namespace}/{name}"),
            Fault::Dns => "dns".to_string(),
            Fault::ApiServer => "apiserver".to_string(),
            Fault::Link((a, b), _) => format!("link/{a}/{b}"),
        }
    }

    /// Whether it is one of the link between two stations.
    fn is_link(&self, a: &str, b: &str) -> bool {
        matches!(self, Fault::Link((x, y), _) if (&**x, &**y) == (a, b))
    }
}

/// How a node fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeFault {
    /// The power is cut: everything on it is gone at once.
    #[default]
    PowerOff,
    /// Only the kubelet stops: containers and rules go on.
    KubeletStop,
    /// Its only link is cut; everything on it goes on.
    Partition,
}

/// Something that is broken now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveFault {
    /// What.
    pub fault: Fault,
    /// The link that it breaks, if it is one, and how many of a million packets are lost there.
    pub link: Option<(Pair, u32)>,
}

impl ActiveFault {
    /// Whether what the kubelet of a node that suffers from it has to say does not arrive.
    pub fn silences_kubelet(&self) -> bool {
        !matches!(self.fault, Fault::Proxy(_))
    }

    /// Whether the rules of a node that suffers from it do not follow what is changed.
    pub fn holds_rules(&self) -> bool {
        !matches!(self.fault, Fault::Node(_, NodeFault::KubeletStop))
    }

    /// The worst comes first.
    fn rank(&self) -> u8 {
        match self.fault {
            Fault::Node(_, NodeFault::PowerOff) => 0,
            Fault::Node(_, NodeFault::Partition) | Fault::Link(..) => 1,
            Fault::ApiServer => 2,
            Fault::Node(_, NodeFault::KubeletStop) => 3,
            Fault::Proxy(_) => 4,
            Fault::Dns | Fault::Pod(..) => 5,
        }
    }
}

/// Everything that is broken now.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    all: OrdSet<Fault>,
    links: Broken,
}

impl Faults {
    /// Whether a node has power.
    pub fn node_up(&self, node: &str) -> bool {
        self.all.is_empty() || !self.all.contains(&Fault::Node(node.into(), NodeFault::PowerOff))
    }

    /// Whether DNS servers answer.
    pub fn dns_up(&self) -> bool {
        !self.all.contains(&Fault::Dns)
    }

    /// Whether the API server answers.
    pub fn api_up(&self) -> bool {
        !self.all.contains(&Fault::ApiServer)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.all.iter()
    }

    /// The links that are broken.
    pub fn links(&self) -> &Broken {
        &self.links
    }
}

impl Cluster {
    /// Breaks something, or mends it.
    pub(super) fn break_or_mend(&mut self, fault: &Fault, broken: bool, cx: &mut Context<'_, Event>) -> Reply {
        let clock = self.clock(cx);
        let Some(reaction) = self.act_on(fault, broken, clock) else { return Reply::NoSuchTarget };
        let told = self.tell_fault(fault, broken, cx);
        if broken && !matches!(fault, Fault::Pod(..)) {
            self.faults.all.insert(fault.clone());
        } else {
            self.faults.all.remove(fault);
        }
        self.react(super::bus::Sender::Kubelets, reaction.map(Event::Kubelet), cx);
        self.run_proxy(fault, cx);
        self.rewire(told, cx);
        if *fault == Fault::ApiServer && !broken {
            self.controllers.begin_anew(cx.now());
            for event in std::mem::take(&mut self.bus.waiting) {
                cx.schedule(Duration::ZERO, event);
            }
        }
        Reply::Done
    }

    /// Whether something cannot be done now because the API server does not answer; it is done once that is back. No more waits
    /// than timers were set and writes were sent before.
    pub(super) fn waits(&mut self, event: &Event) -> bool {
        let needs_api = match event {
            Event::Arrive(_) | Event::Controllers(_) | Event::Scheduler(_) => true,
            Event::Watch(watcher) => watcher.node().is_none(),
            Event::Kubelet(_) | Event::Proxy(_) | Event::Balancer(_) | Event::Policy(_) | Event::Dns(_) | Event::Traffic(_) => {
                false
            }
        };
        let waits = needs_api && !self.faults.api_up();
        if waits {
            self.bus.waiting.push(event.clone());
        }
        waits
    }

    /// What the boxes notice of it by themselves; `None` if there is no such target.
    fn act_on(&mut self, fault: &Fault, broken: bool, clock: Clock) -> Option<Reaction<crate::kubelet::Event>> {
        match fault {
            Fault::Node(node, how) => {
                self.config.nodes.named(node)?;
                let mode = match how {
                    NodeFault::PowerOff => crate::kubelet::Failure::PowerOff,
                    NodeFault::KubeletStop => crate::kubelet::Failure::KubeletStop,
                    NodeFault::Partition => return Some(Reaction::default()),
                };
                if *how == NodeFault::PowerOff {
                    self.kernels.forget(node);
                }
                Some(if broken { self.kubelets.fail(node, mode, clock) } else { self.kubelets.heal(node, clock) })
            }
            Fault::Proxy(node) => self.config.nodes.named(node).map(|_| Reaction::default()),
            Fault::Pod(namespace, name) => {
                let id = self.store.head().pods.id(namespace, name)?;
                Some(if broken { self.kubelets.kill(id, clock) } else { Reaction::default() })
            }
            Fault::Dns | Fault::ApiServer => Some(Reaction::default()),
            Fault::Link((a, b), _) => {
                let known = a != b && self.wires.has(a) && self.wires.has(b);
                if known && !broken {
                    self.faults.all = self.faults.all.iter().filter(|f| !f.is_link(a, b)).cloned().collect();
                }
                known.then(Reaction::default)
            }
        }
    }

    /// kube-proxy of a node runs while the node has power and nobody stopped it. One that starts lists and programs anew.
    fn run_proxy(&mut self, fault: &Fault, cx: &mut Context<'_, Event>) {
        let (Fault::Node(node, NodeFault::PowerOff) | Fault::Proxy(node)) = fault else { return };
        let running = self.faults.node_up(node) && !self.faults.all.contains(&Fault::Proxy(node.clone()));
        self.proxies.set_running(node, running);
        if let Some(number) = self.config.nodes.number(node).filter(|_| running) {
            self.wake(Watcher::Proxy(number), cx);
        }
    }

    /// Everything that is broken now.
    pub fn active_faults(&self) -> Vec<ActiveFault> {
        let one = |fault: &Fault| ActiveFault { fault: fault.clone(), link: self.broken_link(fault) };
        self.faults.iter().map(one).collect()
    }

    /// What a node suffers from, the worst first: its own faults, the API server's, and the link that cuts it off from that.
    pub fn troubles(&self, node: &str) -> Vec<ActiveFault> {
        let cut = if self.wires.has(node) { self.wires.way(node, API_SERVER, self.faults.links()).err() } else { None };
        let concerns = |active: &ActiveFault| match &active.fault {
            Fault::Node(n, NodeFault::PowerOff | NodeFault::KubeletStop) | Fault::Proxy(n) => **n == *node,
            Fault::ApiServer => true,
            _ => cut.as_ref().is_some_and(|cut| active.link == Some((cut.clone(), CUT))),
        };
        let mut troubles: Vec<ActiveFault> = self.active_faults().into_iter().filter(concerns).collect();
        troubles.sort_by_key(|active| (active.rank(), active.link.clone(), active.fault.target()));
        troubles
    }

    /// Whether a node does not reach the API server.
    pub fn is_cut_off(&self, node: &str) -> bool {
        !self.bus.cut_off.is_empty() && self.faults.api_up() && self.wires.way(node, API_SERVER, self.faults.links()).is_err()
    }

    /// Works out which links are broken now, and which nodes are cut off from the API server. Those that come back list anew.
    /// `told` is the entry of the story that tells of the fault.
    fn rewire(&mut self, told: story::Number, cx: &mut Context<'_, Event>) {
        self.faults.links = self.faults.all.iter().filter_map(|fault| self.broken_link(fault)).collect();
        let clock = self.clock(cx);
        let (wires, links) = (self.wires.clone(), self.faults.links.clone());
        for (number, node) in (0_u32..).zip(self.config.node_names()) {
            let reaches = self.faults.api_up() && wires.way(&node, API_SERVER, &links).is_ok();
            if !reaches && !self.bus.is_cut_off(number) {
                let view = self.photograph(Watcher::Kubelet(number), clock);
                self.bus.cut_off.insert(number, view);
                self.touched_by(told, &node);
            } else if reaches && self.bus.cut_off.remove(&number).is_some() {
                self.touched_by(told, &node);
                let reaction = self.kubelets.reconnect(&node, clock);
                self.react(super::bus::Sender::Kubelets, reaction.map(Event::Kubelet), cx);
                for watcher in [Watcher::Kubelet(number), Watcher::Proxy(number), Watcher::Policy(number)] {
                    self.wake(watcher, cx);
                }
            }
        }
    }

    /// The link that a fault breaks, and how many of a million packets it loses there.
    pub fn broken_link(&self, fault: &Fault) -> Option<(Pair, u32)> {
        match fault {
            Fault::Link(link, ppm) => Some((link.clone(), *ppm)),
            Fault::Node(node, NodeFault::Partition) => {
                let switch = self.wires.neighbour(node)?;
                Some((crate::network::graph::pair(node, &switch), CUT))
            }
            _ => None,
        }
    }
}

impl Digestible for Faults {
    fn digest(&self, into: &mut StateDigest) {
        // The broken links follow from the faults.
        let Faults { all, links: _ } = self;
        into.list(all);
    }
}
