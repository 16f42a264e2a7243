//! Where entries are made: at each commit, and at what happens without one.

use super::delta::{self, Delta};
use super::{Agent, Entry, Number, Programming, Subject, Verb, Who};
use crate::api::component::{Tag, Write};
use crate::cloud::Target;
use crate::cluster::faults::{Fault, NodeFault};
use crate::cluster::{Cluster, Event, Input, Sender, traffic};
use crate::controllers::Which;
use crate::engine::model::Context;
use crate::explain::Trace;
use crate::network::transport::Opening;
use crate::network::wire::Source;
use crate::objects::{Name, Object};
use crate::store::{Change, ObjectId};

/// How far back it is looked for what made room for a pod.
const ROOM_SOUGHT: u64 = 1_024;

/// Who makes the commits of a step, and for which change.
#[derive(Clone, Debug, Default)]
pub(in crate::cluster) enum Writer {
    /// A step without writes.
    #[default]
    Nobody,
    /// The user, and what the tool calls itself.
    You(Name),
    /// A controller, for the change that made this revision (0: for none in particular).
    Controller(Which, u64),
    /// The node lifecycle's look at all nodes.
    Monitor,
    /// The scheduler.
    Scheduler,
    /// The kubelet of the node that the object is about.
    Kubelet,
}

impl Writer {
    /// The sender of an input.
    pub(in crate::cluster) fn of_input(input: &Input) -> Writer {
        match input {
            Input::Request(request) => Writer::You(request.options.field_manager.as_str().into()),
            Input::Fail(_)
            | Input::Heal(_)
            | Input::Traffic(_)
            | Input::Open(_)
            | Input::Send(_)
            | Input::Close(_)
            | Input::Ask(_) => Writer::You(Name::default()),
            Input::Start => Writer::Nobody,
        }
    }
}

impl Cluster {
    /// A write arrives: who sent it, and for which change.
    pub(in crate::cluster) fn writer_of(&self, sender: Sender, tag: Tag, write: &Write) -> Writer {
        match sender {
            // Events are no part of the story.
            _ if matches!(write, Write::Note(_)) => Writer::Nobody,
            Sender::Controllers => match self.controllers.because(tag) {
                Some((which, revision)) => Writer::Controller(which, revision),
                None => Writer::Monitor,
            },
            Sender::Scheduler => Writer::Scheduler,
            Sender::Kubelets => Writer::Kubelet,
            Sender::Proxies | Sender::Policies => Writer::Nobody,
        }
    }

    /// Who sent a write that is on its way; the node of a kubelet is not said.
    pub(in crate::cluster) fn sender_of(&self, sender: Sender, tag: Tag) -> Who {
        match sender {
            Sender::Controllers => {
                Who::Controller(self.controllers.because(tag).map_or(Which::NodeLifecycle, |(which, _)| which))
            }
            Sender::Scheduler => Who::Scheduler,
            Sender::Kubelets => Who::Kubelet(Name::default()),
            Sender::Proxies => Who::Proxy(Name::default()),
            Sender::Policies => Who::Policy(Name::default()),
        }
    }

    /// The commits of the step under way are made by this one.
    pub(in crate::cluster) fn written_by(&mut self, writer: Writer) {
        self.story.writer = writer;
    }

    /// Tells of a commit.
    pub(in crate::cluster) fn tell(&mut self, change: &Change, cx: &Context<'_, Event>) {
        let Some(object) = change.after.as_ref().or(change.before.as_ref()) else { return };
        // A renewed lease is a heartbeat.
        if matches!(object, Object::Lease(_)) && change.before.is_some() {
            return;
        }
        let (mut verb, changes) = match (&change.before, &change.after) {
            (Some(before), Some(after)) => delta::between(before, after),
            (None, Some(after)) => (Verb::Created, delta::of_new(after)),
            (_, None) => (Verb::Deleted, Vec::new()),
        };
        let (mut who, cause) = self.author(change.id, object);
        let evicts = matches!(who, Who::Controller(Which::NodeLifecycle)) && matches!(object, Object::Pod(_));
        if evicts && matches!(verb, Verb::Marked | Verb::Deleted) {
            (who, verb) = (Who::TaintEviction, if verb == Verb::Marked { Verb::Evicted } else { verb });
        }
        let (at, step, revision) = (change.at, cx.step(), change.revision);
        let entry =
            Entry { at, step, revision, who, subject: Subject::of(object), verb, changes: changes.into_boxed_slice(), cause };
        let number = self.story.push(entry);
        if change.after.is_none() {
            self.story.latest.remove(&change.id);
        } else if verb != Verb::Changed {
            self.story.latest.insert(change.id, number);
        }
    }

    /// Who made a commit to an object, and the entry that led to it.
    fn author(&self, id: ObjectId, object: &Object) -> (Who, Option<Number>) {
        let latest = |id: ObjectId| self.story.latest.get(&id).copied();
        let node_of = |object: &Object| match object {
            Object::Pod(pod) => pod.node.clone(),
            Object::Node(_) | Object::Lease(_) => Some(object.meta().name.clone()),
            Object::Service(_)
            | Object::EndpointSlice(_)
            | Object::Endpoints(_)
            | Object::Deployment(_)
            | Object::ReplicaSet(_)
            | Object::Event(_)
            | Object::NetworkPolicy(_)
            | Object::Plain(_) => None,
        };
        let node = node_of(object);
        let of_node = || self.last_of_node(node.as_deref()?);
        match &self.story.writer {
            Writer::You(tool) => (Who::You(tool.clone()), None),
            Writer::Controller(which, revision) => {
                let cause = self.story.of_revision(*revision).filter(|_| *revision > 0);
                (Who::Controller(*which), cause.or_else(|| latest(id)))
            }
            Writer::Monitor | Writer::Nobody => (Who::Controller(Which::NodeLifecycle), of_node().or_else(|| latest(id))),
            Writer::Scheduler => (Who::Scheduler, self.room_for(latest(id))),
            Writer::Kubelet => {
                let cause = self.kubelets_reason(id, node.as_deref().unwrap_or_default());
                (Who::Kubelet(node.clone().unwrap_or_default()), cause)
            }
        }
    }

    /// What last happened to a node.
    fn last_of_node(&self, node: &str) -> Option<Number> {
        self.story.latest.get(&self.store.head().nodes.id("", node)?).copied()
    }

    /// Why a kubelet does something: because of what last happened to the pod (or node), or because its node has come back since.
    fn kubelets_reason(&self, id: ObjectId, node: &str) -> Option<Number> {
        let healed = |number: &Number| self.story.entry(*number).is_some_and(|entry| entry.verb == Verb::Healed);
        self.story.latest.get(&id).copied().max(self.last_of_node(node).filter(healed))
    }

    /// Why a pod is placed now, given what happened to it last: if it found no node before, because of what made room since.
    fn room_for(&self, pod: Option<Number>) -> Option<Number> {
        let last = pod?;
        if self.story.entry(last)?.verb != Verb::Unplaced {
            return pod;
        }
        let next = self.story.written();
        let makes_room = |number: &Number| {
            self.story.entry(*number).is_some_and(|entry| {
                let kind = entry.subject.kind().map_or("", |kind| &kind.kind);
                kind == "Node" || kind == "Pod" && entry.verb == Verb::Deleted
            })
        };
        let since = (last + 1).max(next.saturating_sub(ROOM_SOUGHT));
        (since..next).rev().find(makes_room).or(pod)
    }

    /// Tells of something that is no commit. It may be what happened last to a stored object.
    fn tell_beside(
        &mut self,
        cx: &Context<'_, Event>,
        (who, verb, subject): (Who, Verb, Subject),
        changes: Vec<Delta>,
        cause: Option<Number>,
    ) -> Number {
        let (at, step, revision) = (cx.now(), cx.step(), self.store.revision());
        self.story.push(Entry { at, step, revision, who, subject, verb, changes: changes.into_boxed_slice(), cause })
    }

    /// A fault begins or ends.
    pub(in crate::cluster) fn tell_fault(&mut self, fault: &Fault, broken: bool, cx: &Context<'_, Event>) -> Number {
        let head = self.store.head();
        let (subject, id) = match fault {
            Fault::Node(node, _) => (Subject::core("Node", &Name::default(), node), head.nodes.id("", node)),
            Fault::Pod(namespace, name) => (Subject::core("Pod", namespace, name), head.pods.id(namespace, name)),
            Fault::Proxy(node) => (Subject::Proxy(node.clone()), None),
            Fault::Dns => (Subject::Dns, None),
            Fault::ApiServer => (Subject::ApiServer, None),
            Fault::Link((a, b), _) => (Subject::Link(a.clone(), b.clone()), None),
        };
        let verb = if broken { Verb::Failed } else { Verb::Healed };
        let who = Who::You(Name::default());
        let number = self.tell_beside(cx, (who, verb, subject), vec![Delta::Fault(fault.clone())], None);
        // A node whose kubelet only stops, or that is only cut off, is as affected as one without power.
        if let Some(id) = id.filter(|_| !matches!(fault, Fault::Node(_, NodeFault::Partition))) {
            self.story.latest.insert(id, number);
        }
        number
    }

    /// A node is cut off from the API server, or reaches it again, by what an entry tells of.
    pub(in crate::cluster) fn touched_by(&mut self, number: Number, node: &str) {
        if let Some(id) = self.store.head().nodes.id("", node) {
            self.story.latest.insert(id, number);
        }
    }

    /// A load begins or is stopped.
    pub(in crate::cluster) fn tell_load(&mut self, order: &traffic::Order, cx: &Context<'_, Event>) {
        let verb = match order {
            traffic::Order::Start(_) => Verb::Started,
            traffic::Order::Stop(_) => Verb::Ended,
        };
        self.tell_beside(cx, (Who::You(Name::default()), verb, Subject::of_order(order)), Vec::new(), None);
    }

    /// A program has opened a connection, or tried to.
    pub(in crate::cluster) fn tell_connection(&mut self, opening: &Opening, trace: &Trace, cx: &Context<'_, Event>) {
        let subject = match &opening.from {
            Source::Pod { namespace, name } => Subject::core("Pod", namespace, name),
            Source::Node(node) => Subject::core("Node", &Name::default(), node),
            Source::Outside => Subject::Client(None),
            Source::Address { ip, .. } => Subject::Client(Some(*ip)),
        };
        let how = Delta::Connection(opening.to, trace.chosen, trace.outcome);
        self.tell_beside(cx, (Who::You(Name::default()), Verb::Connected, subject), vec![how], None);
    }

    /// A container has started.
    pub(in crate::cluster) fn tell_started(&mut self, pod: ObjectId, container: Name, cx: &Context<'_, Event>) {
        let Some(stored) = self.store.head().pods.by_id(pod).cloned() else { return };
        let node = stored.node.clone().unwrap_or_default();
        let subject = Subject::core("Pod", &stored.meta.namespace, &stored.meta.name);
        let cause = self.kubelets_reason(pod, &node);
        let who = Who::Kubelet(node);
        let number = self.tell_beside(cx, (who, Verb::Started, subject), vec![Delta::Running(container)], cause);
        self.story.latest.insert(pod, number);
    }

    /// A CoreDNS pod has read its configuration again; the entry that changed it is the cause.
    pub(in crate::cluster) fn tell_reloaded(&mut self, pod: ObjectId, cx: &Context<'_, Event>) {
        let Some(stored) = self.store.head().pods.by_id(pod).cloned() else { return };
        let is_file = |entry: &Entry| entry.subject.kind().is_some_and(|kind| &*kind.kind == "ConfigMap");
        let cause = (self.story.entries.first_number()..self.story.written())
            .rev()
            .find(|number| self.story.entry(*number).is_some_and(is_file));
        let server = Subject::core("Pod", &stored.meta.namespace, &stored.meta.name);
        self.tell_beside(cx, (Who::Dns, Verb::Reloaded, server), Vec::new(), cause);
    }

    /// Targets of a Service's balancer turned healthy, or no longer are.
    pub(in crate::cluster) fn tell_targets(
        &mut self,
        service: &(Name, Name),
        turned: Vec<(Target, bool)>,
        cx: &Context<'_, Event>,
    ) {
        for (target, healthy) in turned {
            let verb = if healthy { Verb::BecameReady } else { Verb::BecameNotReady };
            let (text, node) = match &target {
                Target::Node(node) => (node.clone(), Some(node)),
                Target::Pod(at) => (at.to_string().into(), None),
            };
            let cause = node.and_then(|node| self.last_of_node(node));
            let subject = Subject::core("Service", &service.0, &service.1);
            self.tell_beside(cx, (Who::Balancer, verb, subject), vec![Delta::Target(text)], cause);
        }
    }

    /// A node's agent has programmed another photograph than before.
    pub(in crate::cluster) fn tell_programmed(
        &mut self,
        (agent, node): (Agent, u32),
        from: Option<u64>,
        cx: &Context<'_, Event>,
    ) {
        // Without policies an agent has nothing to do.
        if agent == Agent::Policy && self.store.head().policies.is_empty() {
            return;
        }
        let to = self.programmed_revision(agent, node);
        if let (Some(from), Some(to)) = (from, to)
            && from != to
        {
            self.story.programmed.push(Programming { at: cx.now(), step: cx.step(), node, agent, from, to });
        }
    }

    /// The revision that a node's agent has programmed.
    pub(in crate::cluster) fn programmed_revision(&self, agent: Agent, node: u32) -> Option<u64> {
        match agent {
            Agent::Proxy => self.proxies.programmed_revision(node),
            Agent::Policy => {
                let name = &self.config.nodes.get(node as usize)?.name;
                self.policies.enforced(name).map(|(view, _)| view.revision)
            }
        }
    }
}
