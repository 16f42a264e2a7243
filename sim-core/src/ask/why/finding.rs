//! What can be found about an object: closed lists, without words. [`crate::render::why`] makes the sentence and the way out of
//! each.

use crate::ask::cause::Because;
use crate::ask::hints::Hint;
use crate::ask::trace::LocalPolicy;
use crate::cluster::faults::{ActiveFault, Fault, NodeFault};
use crate::explain::{Flow, ObjectName};
use crate::objects::Name;
use crate::objects::labels::{Labels, Selector};
use crate::objects::network_policy::Rule;
use crate::objects::node::Taint;
use crate::objects::pod::Phase;
use crate::objects::pod_spec::Protocol;

/// What was found about one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// The object.
    pub object: ObjectName,
    /// The whole in half a sentence.
    pub standing: Standing,
    /// What makes it so, the nearest cause first.
    pub findings: Vec<Found>,
}

/// One finding, what it consists of, and the field behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The fact.
    pub finding: Finding,
    /// What it consists of, one line each.
    pub details: Vec<Detail>,
    /// The field behind it.
    pub field: Option<Because>,
}

/// How an object stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its deletion was asked for.
    Terminating,
    /// A pod that has ended for good.
    Ended(Phase),
    /// A pod without a node.
    NoNode,
    /// A pod on a node.
    Pod {
        /// Whether it is ready, as far as the API knows.
        ready: bool,
        /// Its phase.
        phase: Phase,
        /// What keeps its node from being heard.
        silent: Option<ActiveFault>,
    },
    /// A node.
    Node {
        /// Whether it is ready, as far as the API knows.
        ready: bool,
        /// What keeps it from being heard.
        silent: Option<ActiveFault>,
    },
    /// A Service that is another name for this one.
    Alias(Name),
    /// A Service with its endpoints.
    Service(Census),
    /// The endpoints of a Service, which stands so.
    Behind(ObjectName, Box<Standing>),
    /// Endpoints of no Service.
    BehindNone,
    /// A Deployment: how many pods are available, how many are wanted, and how many are of an old template.
    Deployment {
        /// Available.
        available: i64,
        /// Wanted.
        wanted: i64,
        /// Of an old template.
        old: i64,
    },
    /// A ReplicaSet: how many pods are ready, of how many.
    ReplicaSet(i64, i64),
    /// A NetworkPolicy: how many pods it isolates.
    Policy(usize),
    /// Nothing acts on the kind, and nothing needs to.
    AsWritten,
    /// A volume claim that nobody binds.
    Unbound,
    /// Nothing in this cluster acts on the kind.
    Inert,
}

/// The endpoints of the port of a Service that has the fewest ready ones, in the first family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// The port, if others have more.
    pub port: Option<Name>,
    /// Ready endpoints.
    pub ready: usize,
    /// Terminating, and still serving: used where none is ready.
    pub serving: usize,
    /// All endpoints.
    pub all: usize,
    /// Whether the Service has a port at all.
    pub has_ports: bool,
    /// Whether it has an address.
    pub has_address: bool,
}

/// One thing that makes an object what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Of a node.
    Node(NodeFinding),
    /// Of a pod.
    Pod(PodFinding),
    /// Of a NetworkPolicy.
    Policy(PolicyFinding),
    /// Of a Service.
    Service(ServiceFinding),
    /// The API server does not answer.
    NoApiServer,
    /// Its deletion was asked for, and nothing holds it.
    Leaving,
    /// A finalizer holds it.
    Finalizer(ObjectName, Name),
    /// A namespace that is not empty yet.
    NotEmpty {
        /// The namespace.
        namespace: Name,
        /// How many of which kind are left.
        left: Vec<(usize, Name)>,
        /// One of its pods.
        pod: Option<Name>,
    },
    /// A Deployment whose newest spec was not looked at.
    NotObserved,
    /// A Deployment that is paused.
    Paused,
    /// A condition of a Deployment or ReplicaSet; whether it is a rollout's.
    Condition {
        /// Its reason,
        reason: Name,
        /// and its message.
        message: Name,
        /// Whether it is of a Deployment.
        of_rollout: bool,
    },
    /// It is held up by a pod that is not ready: how it stands, and what was found first about it.
    HeldUp(Name, Standing, Option<Box<Finding>>),
    /// A volume claim, where nothing makes volumes.
    NoProvisioner,
    /// A kind that nothing acts on.
    NotSimulated(Name),
}

/// What makes a node what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeFinding {
    /// A node whose condition Ready is not true.
    NotReady {
        /// The status of the condition,
        status: Name,
        /// and its message.
        message: Name,
        /// What is known of its kubelet.
        kubelet: Kubelet,
    },
    /// A node that has no condition Ready; whether it has a kubelet.
    NoStatus(bool),
    /// A node on which no new pod is placed.
    Cordoned(Name),
    /// A node that suffers from a fault.
    Broken(Name, ActiveFault),
    /// The API still calls the node Ready; whether anybody watches.
    NotNoticed(ActiveFault, bool),
    /// A taint of a node.
    Taint(Name, Taint),
}

/// What makes a pod what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PodFinding {
    /// What the API says of a pod is old.
    NodeSilent {
        /// Its node.
        node: Name,
        /// Why that is not heard.
        fault: ActiveFault,
        /// When the pod is evicted.
        eviction: Eviction,
    },
    /// A pod that was asked to end on a node that is not heard.
    LeavingWithNode(Name, ActiveFault),
    /// A pod that its finalizers hold.
    Finalizers(Vec<Name>),
    /// A pod whose containers have so many seconds to end.
    Ending(i64),
    /// A pod that its scheduling gates hold back.
    Gated(Vec<Name>),
    /// A pod that no node takes.
    Unschedulable(Unscheduled, Option<String>),
    /// A container that has ended, for good or for now.
    ContainerEnded {
        /// Its name.
        container: Name,
        /// Its exit status.
        exit: i32,
        /// The reason that the runtime gives.
        reason: Name,
        /// The pod whose log says more, if it is to be looked at.
        log: Option<ObjectName>,
    },
    /// A container whose probe fails, with the message.
    ProbeFails(Name, Name),
    /// A container of which no probe has passed yet.
    ProbeWaits(Name),
    /// A container that ends again and again.
    CrashLoop {
        /// Its pod.
        pod: ObjectName,
        /// Its name and what the kubelet says.
        container: Waiting,
        /// How often it was restarted.
        restarts: i64,
    },
    /// A container without its image.
    NoImage(Waiting, Name),
    /// A container that refers to something that is not there.
    BadConfig(Waiting),
    /// A container that is not started yet.
    Starting(Waiting),
    /// A readiness gate that nobody has opened.
    GateClosed(Name),
    /// A pod that is not ready, as its condition says; whether a kubelet runs there.
    NotReady(NotReady, bool),
}

/// What makes a NetworkPolicy what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyFinding {
    /// A policy that selects no pod of its namespace.
    SelectsNobody(Selector, Name),
    /// A policy that isolates these pods.
    Isolates(Vec<Name>),
    /// The rules of a policy in one direction: how many, and whether one of them lets everything through.
    Rules(Flow, usize, bool),
    /// Pods that a policy matches, and that are on the network of their node.
    HostNetwork(Vec<Name>),
    /// Nodes that do not enforce a policy as it is now, and what keeps the first from it.
    NotEnforced(Vec<Name>, Option<ActiveFault>),
}

/// What makes a Service, or endpoints, what they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceFinding {
    /// A Service that is another name for this one.
    Alias(Name),
    /// A Service without selector: its name, and how many slices it has.
    NoSelector(Name, usize),
    /// A selector that matches no pod of its namespace.
    MatchesNothing(Labels, Name),
    /// Of so many pods some are not ready; the first of them.
    PodsNotReady(usize, usize, ObjectName),
    /// Ready pods match, and are in no slice yet.
    SlicesBehind,
    /// A `targetPort` by name that pods do not have.
    TargetPortName {
        /// The name.
        name: Name,
        /// The protocol.
        protocol: Protocol,
        /// The pods.
        pods: Vec<Name>,
        /// The port of the Service.
        port: Name,
    },
    /// A balancer that has no address; the node ports that answer meanwhile.
    NoBalancer(NoBalancer, Vec<u16>),
    /// A Local policy, and the nodes without a pod that answers.
    KeptLocal(LocalPolicy, Vec<Name>),
    /// Endpoints without the label that names their Service.
    NoServiceLabel,
    /// Endpoints of a Service that does not exist: its namespace and name.
    NoService(Name, Name),
}

/// What is known of the kubelet of a node that is not ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kubelet {
    /// It is not heard, because of this.
    Silent(ActiveFault),
    /// It reports.
    Reports,
    /// There is none.
    Absent,
}

/// When a pod on a silent node is evicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eviction {
    /// Never.
    Never,
    /// When the node is found unreachable.
    AtOnce,
    /// So many seconds later.
    After(i64),
}

/// What is said of a pod that has no node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unscheduled {
    /// The scheduler's message.
    Message(Name),
    /// It asks for a scheduler that does not run.
    OtherScheduler(Name),
    /// No scheduler has looked at it.
    NotLookedAt,
}

/// A container that waits, and what the kubelet says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The container.
    pub container: Name,
    /// The reason,
    pub reason: Name,
    /// and a message, which may be empty.
    pub message: Name,
}

/// Why a pod whose containers are well is not ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotReady {
    /// The message of its condition.
    Message(Name),
    /// Its condition has this status still.
    Status(Name),
    /// The kubelet of its node has not said anything.
    Unsaid(Name),
}

/// Why a balancer has no address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoBalancer {
    /// Its class leaves it to another controller.
    OtherClass(Name),
    /// Nothing here gives balancers addresses.
    NoCloud,
    /// The cloud is at it.
    Coming,
}

/// A line below a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// A pod, how it stands, and what was found first about it.
    Pod(Name, Standing, Option<Box<Finding>>),
    /// Another finding.
    Finding(Finding),
    /// What a node says against a pod; nothing from one that would take it.
    Refusal(Name, Vec<String>),
    /// A probe, as it stands in the manifest.
    Probe(&'static str, String),
    /// Another policy that selects some of the pods.
    AlsoSelects(Name),
    /// A rule of a policy.
    Rule(Flow, Rule),
    /// What was perhaps meant.
    Hint(Hint),
    /// So many more that are not shown; of this ReplicaSet.
    More(usize, Option<Name>),
}

impl Found {
    /// A finding alone.
    pub(super) fn new(finding: impl Into<Finding>) -> Found {
        Found { finding: finding.into(), details: Vec::new(), field: None }
    }

    /// With what it consists of.
    pub(super) fn with(mut self, details: Vec<Detail>) -> Found {
        self.details = details;
        self
    }

    /// With the field behind it.
    pub(super) fn field(mut self, field: Option<Because>) -> Found {
        self.field = field;
        self
    }
}

impl Finding {
    /// A stable code for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Finding::Node(finding) => finding.code(),
            Finding::Pod(finding) => finding.code(),
            Finding::Policy(finding) => finding.code(),
            Finding::Service(finding) => finding.code(),
            Finding::NoApiServer => "no-api-server",
            Finding::Leaving => "leaving",
            Finding::Finalizer(..) => "finalizers",
            Finding::NotEmpty { .. } => "not-empty",
            Finding::NotObserved => "not-observed",
            Finding::Paused => "paused",
            Finding::Condition { .. } => "condition",
            Finding::HeldUp(..) => "pod",
            Finding::NoProvisioner => "no-provisioner",
            Finding::NotSimulated(_) => "not-simulated",
        }
    }
}

impl NodeFinding {
    fn code(&self) -> &'static str {
        match self {
            NodeFinding::NotReady { .. } => "not-ready",
            NodeFinding::NoStatus(_) => "no-status",
            NodeFinding::Cordoned(_) => "cordoned",
            NodeFinding::Broken(_, active) => broken_code(active),
            NodeFinding::NotNoticed(..) => "not-noticed",
            NodeFinding::Taint(..) => "taint",
        }
    }
}

impl PodFinding {
    fn code(&self) -> &'static str {
        match self {
            PodFinding::NodeSilent { fault, .. } if is_power_off(fault) => "node-down",
            PodFinding::NodeSilent { .. } | PodFinding::NotReady(NotReady::Unsaid(_), _) => "node-silent",
            PodFinding::LeavingWithNode(..) => "leaving-with-node",
            PodFinding::Finalizers(_) => "finalizers",
            PodFinding::Ending(_) => "leaving",
            PodFinding::Gated(_) => "gated",
            PodFinding::Unschedulable(..) => "unschedulable",
            PodFinding::ContainerEnded { .. } => "container-ended",
            PodFinding::ProbeFails(..) => "probe-fails",
            PodFinding::ProbeWaits(_) => "probe-waits",
            PodFinding::CrashLoop { .. } => "crash-loop",
            PodFinding::NoImage(..) => "image",
            PodFinding::BadConfig(_) => "config",
            PodFinding::Starting(_) => "starting",
            PodFinding::GateClosed(_) => "readiness-gate",
            PodFinding::NotReady(..) => "not-ready",
        }
    }
}

impl PolicyFinding {
    fn code(&self) -> &'static str {
        match self {
            PolicyFinding::SelectsNobody(..) => "selects-nobody",
            PolicyFinding::Isolates(_) => "isolates",
            PolicyFinding::Rules(..) => "rules",
            PolicyFinding::HostNetwork(_) => "host-network",
            PolicyFinding::NotEnforced(..) => "not-enforced",
        }
    }
}

impl ServiceFinding {
    fn code(&self) -> &'static str {
        match self {
            ServiceFinding::Alias(_) => "alias",
            ServiceFinding::NoSelector(..) => "no-selector",
            ServiceFinding::MatchesNothing(..) => "selector-matches-nothing",
            ServiceFinding::PodsNotReady(..) => "pods-not-ready",
            ServiceFinding::SlicesBehind => "slices-behind",
            ServiceFinding::TargetPortName { .. } => "target-port-name",
            ServiceFinding::NoBalancer(NoBalancer::OtherClass(_), _) => "balancer-class",
            ServiceFinding::NoBalancer(NoBalancer::NoCloud, _) => "no-cloud",
            ServiceFinding::NoBalancer(NoBalancer::Coming, _) => "balancer-coming",
            ServiceFinding::KeptLocal(..) => "local-policy",
            ServiceFinding::NoServiceLabel | ServiceFinding::NoService(..) => "no-service",
        }
    }
}

impl From<NodeFinding> for Finding {
    fn from(finding: NodeFinding) -> Finding {
        Finding::Node(finding)
    }
}

impl From<PodFinding> for Finding {
    fn from(finding: PodFinding) -> Finding {
        Finding::Pod(finding)
    }
}

impl From<PolicyFinding> for Finding {
    fn from(finding: PolicyFinding) -> Finding {
        Finding::Policy(finding)
    }
}

impl From<ServiceFinding> for Finding {
    fn from(finding: ServiceFinding) -> Finding {
        Finding::Service(finding)
    }
}

fn broken_code(active: &ActiveFault) -> &'static str {
    match active.fault {
        Fault::Node(_, NodeFault::PowerOff) => "no-power",
        Fault::Node(_, NodeFault::KubeletStop) => "kubelet-stopped",
        Fault::Node(_, NodeFault::Partition) | Fault::Link(..) => "cut-off",
        Fault::ApiServer => "no-api-server",
        Fault::Proxy(_) => "proxy-stopped",
        Fault::Dns => "no-dns",
        Fault::Pod(..) => "pod-killed",
    }
}

/// Whether a machine has no power.
fn is_power_off(active: &ActiveFault) -> bool {
    matches!(active.fault, Fault::Node(_, NodeFault::PowerOff))
}
