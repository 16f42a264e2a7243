//! Pod: the unit that is scheduled, started, addressed and lost together.
//!
//! In a real cluster a Pod object has a spec written by its creator, a node written by the scheduler, and a status written by
//! the kubelet (and, when a node is lost, by the node lifecycle controller). We keep the spec once per template, shared by all
//! its pods, and per pod only what differs. Left out of the record (kept in the document): volumes, security, resources beyond
//! requests, ephemeral containers. The real thing: `k8s.io/api/core/v1/types.go`.

use std::net::IpAddr;
use std::sync::Arc;

use serde_json::{Value, json};
use smallvec::SmallVec;

use super::Name;
use super::condition::{self, Condition};
use super::json::{At, set, set_or_remove};
use super::meta::Meta;
use super::pod_spec::PodSpec;
use super::time::Timestamp;

/// One pod.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pod {
    /// Metadata.
    pub meta: Meta,
    /// The spec, shared by the pods of one template.
    pub spec: Arc<PodSpec>,
    /// `spec.nodeName`.
    pub node: Option<Name>,
    /// `status`, as far as components reason with it.
    pub status: Arc<PodStatus>,
    /// The status as it was given by a user or restored; modelled fields are laid over it. `Null` for most pods.
    pub given_status: Arc<Value>,
}

/// `status.phase`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Phase {
    /// Absent or empty.
    #[default]
    Unset,
    Pending,
    Running,
    Succeeded,
    Failed,
    Unknown,
}

/// What is true of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PodStatus {
    /// Phase.
    pub phase: Phase,
    /// Short reason such as `Evicted`.
    pub reason: Option<Name>,
    /// Sentence for `reason`.
    pub message: Option<Name>,
    /// Pod addresses, first family first. Empty until the sandbox has a network.
    pub ips: SmallVec<[IpAddr; 1]>,
    /// Address of the node.
    pub host_ip: Option<IpAddr>,
    /// When the kubelet acknowledged the pod.
    pub started: Option<Timestamp>,
    /// Conditions.
    pub conditions: Vec<Condition>,
    /// Init containers, in order of the spec.
    pub init_containers: Vec<ContainerStatus>,
    /// Containers, in order of the spec.
    pub containers: Vec<ContainerStatus>,
    /// `qosClass`.
    pub qos: Option<Name>,
}

/// What is true of one container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ContainerStatus {
    /// Its name.
    pub name: Name,
    /// Its image as written.
    pub image: Name,
    /// Passes its readiness probe.
    pub ready: bool,
    /// Passed its startup probe.
    pub started: Option<bool>,
    /// How often it was restarted.
    pub restarts: u32,
    /// Now.
    pub state: ContainerState,
    /// The instance before.
    pub last: ContainerState,
    /// Runtime id, `containerd://...`; empty before the first start.
    pub id: Name,
}

/// State of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum ContainerState {
    /// Nothing reported.
    #[default]
    None,
    /// Not started, with a reason such as `ContainerCreating` or `CrashLoopBackOff` and a message.
    Waiting {
        /// Reason.
        reason: Name,
        /// Sentence; may be empty.
        message: Name,
    },
    /// Running since.
    Running {
        /// Start.
        since: Option<Timestamp>,
    },
    /// Ended.
    Terminated {
        /// Exit status.
        exit: i32,
        /// `Completed`, `Error`, `OOMKilled`, ...
        reason: Name,
        /// Start.
        started: Option<Timestamp>,
        /// End.
        finished: Option<Timestamp>,
    },
}

impl Pod {
    /// Reads a document, as it stands.
    pub fn parse(doc: &Value) -> Pod {
        let at = At::top(doc);
        let mut spec = at.at("spec").0.cloned().unwrap_or(Value::Null);
        super::json::remove(&mut spec, &["nodeName"]);
        Pod {
            meta: Meta::parse(doc),
            spec: Arc::new(PodSpec::parse(Arc::new(spec))),
            node: at.at("spec").at("nodeName").name(),
            status: Arc::new(PodStatus::parse(at.at("status"))),
            given_status: Arc::new(at.at("status").0.cloned().unwrap_or(Value::Null)),
        }
    }

    /// The whole object as the API shows it.
    pub fn encode(&self) -> Value {
        let mut doc = json!({"apiVersion": "v1", "kind": "Pod"});
        self.meta.write(&mut doc);
        if !self.spec.doc.is_null() {
            doc["spec"] = (*self.spec.doc).clone();
        }
        if let Some(node) = &self.node {
            set(&mut doc, &["spec", "nodeName"], &**node);
        }
        let mut status = (*self.given_status).clone();
        if status.is_null() || PodStatus::parse(At::top(&status)) != *self.status {
            self.status.write(&mut status);
        }
        if !status.is_null() {
            doc["status"] = status;
        }
        doc
    }

    /// Whether the condition `Ready` is true.
    pub fn ready(&self) -> bool {
        self.condition("Ready").is_some_and(Condition::is_true)
    }

    /// The condition of that type.
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        condition::find(&self.status.conditions, kind)
    }

    /// Whether the pod has ended for good.
    pub fn finished(&self) -> bool {
        matches!(self.status.phase, Phase::Succeeded | Phase::Failed)
    }

    /// The time its grace period gives it, in seconds.
    pub fn grace(&self) -> i64 {
        self.spec.grace.unwrap_or(30)
    }
}

impl Phase {
    /// Reads the text of `status.phase`.
    pub fn parse(text: Option<&str>) -> Phase {
        match text {
            Some("Pending") => Phase::Pending,
            Some("Running") => Phase::Running,
            Some("Succeeded") => Phase::Succeeded,
            Some("Failed") => Phase::Failed,
            Some("Unknown") => Phase::Unknown,
            _ => Phase::Unset,
        }
    }

    /// Its text; empty if unset.
    pub fn text(self) -> &'static str {
        match self {
            Phase::Unset => "",
            Phase::Pending => "Pending",
            Phase::Running => "Running",
            Phase::Succeeded => "Succeeded",
            Phase::Failed => "Failed",
            Phase::Unknown => "Unknown",
        }
    }
}

impl PodStatus {
    /// Reads `status`, as it stands.
    pub fn parse(at: At<'_>) -> PodStatus {
        let ips: SmallVec<[IpAddr; 1]> = at.at("podIPs").items().filter_map(|i| i.at("ip").ip()).collect();
        PodStatus {
            phase: Phase::parse(at.at("phase").text()),
            reason: at.at("reason").name(),
            message: at.at("message").name(),
            ips: if ips.is_empty() { at.at("podIP").ip().into_iter().collect() } else { ips },
            host_ip: at.at("hostIP").ip(),
            started: at.at("startTime").time(),
            conditions: Condition::parse_list(at.at("conditions"), "lastProbeTime"),
            init_containers: at.at("initContainerStatuses").items().map(ContainerStatus::parse).collect(),
            containers: at.at("containerStatuses").items().map(ContainerStatus::parse).collect(),
            qos: at.at("qosClass").name(),
        }
    }

    /// Lays it over a status document.
    pub fn write(&self, doc: &mut Value) {
        let text = |name: &Option<Name>| name.as_ref().map(|n| json!(&**n));
        set_or_remove(doc, &["phase"], Some(self.phase.text()).filter(|t| !t.is_empty()));
        set_or_remove(doc, &["reason"], text(&self.reason));
        set_or_remove(doc, &["message"], text(&self.message));
        set_or_remove(doc, &["podIP"], self.ips.first().map(IpAddr::to_string));
        let ips = (!self.ips.is_empty()).then(|| self.ips.iter().map(|ip| json!({"ip": ip.to_string()})).collect::<Value>());
        set_or_remove(doc, &["podIPs"], ips);
        set_or_remove(doc, &["hostIP"], self.host_ip.map(|ip| ip.to_string()));
        set_or_remove(doc, &["hostIPs"], self.host_ip.map(|ip| json!([{"ip": ip.to_string()}])));
        set_or_remove(doc, &["startTime"], self.started.map(Timestamp::rfc3339));
        let conditions = || self.conditions.iter().map(|c| c.to_json("lastProbeTime")).collect::<Value>();
        set_or_remove(doc, &["conditions"], (!self.conditions.is_empty()).then(conditions));
        for (key, list) in [("initContainerStatuses", &self.init_containers), ("containerStatuses", &self.containers)] {
            let statuses = || list.iter().map(ContainerStatus::to_json).collect::<Value>();
            set_or_remove(doc, &[key], (!list.is_empty()).then(statuses));
        }
        set_or_remove(doc, &["qosClass"], text(&self.qos));
    }
}

impl ContainerStatus {
    fn parse(at: At<'_>) -> ContainerStatus {
        let name = |key: &str| Name::from(at.at(key).text().unwrap_or_default());
        ContainerStatus {
            name: name("name"),
            image: name("image"),
            ready: at.at("ready").flag().unwrap_or_default(),
            started: at.at("started").flag(),
            restarts: at.at("restartCount").int().and_then(|n| u32::try_from(n).ok()).unwrap_or_default(),
            state: ContainerState::parse(at.at("state")),
            last: ContainerState::parse(at.at("lastState")),
            id: name("containerID"),
        }
    }

    fn to_json(&self) -> Value {
        let mut doc = json!({"name": &*self.name, "image": &*self.image, "imageID": "", "ready": self.ready,
            "restartCount": self.restarts, "state": self.state.to_json(), "lastState": self.last.to_json()});
        if let Some(started) = self.started {
            doc["started"] = started.into();
        }
        if !self.id.is_empty() {
            doc["containerID"] = json!(&*self.id);
        }
        doc
    }

    /// Whether it runs.
    pub fn running(&self) -> bool {
        matches!(self.state, ContainerState::Running { .. })
    }
}

impl ContainerState {
    fn parse(at: At<'_>) -> ContainerState {
        let text = |at: At<'_>, key: &str| Name::from(at.at(key).text().unwrap_or_default());
        let (waiting, running, terminated) = (at.at("waiting"), at.at("running"), at.at("terminated"));
        if running.exists() {
            ContainerState::Running { since: running.at("startedAt").time() }
        } else if terminated.exists() {
            ContainerState::Terminated {
                exit: terminated.at("exitCode").int().and_then(|n| i32::try_from(n).ok()).unwrap_or_default(),
                reason: text(terminated, "reason"),
                started: terminated.at("startedAt").time(),
                finished: terminated.at("finishedAt").time(),
            }
        } else if waiting.exists() {
            ContainerState::Waiting { reason: text(waiting, "reason"), message: text(waiting, "message") }
        } else {
            ContainerState::None
        }
    }

    fn to_json(&self) -> Value {
        let time = |t: &Option<Timestamp>| t.map_or(Value::Null, |t| json!(t.rfc3339()));
        match self {
            ContainerState::None => json!({}),
            ContainerState::Waiting { reason, message } if message.is_empty() => json!({"waiting": {"reason": &**reason}}),
            ContainerState::Waiting { reason, message } => json!({"waiting": {"reason": &**reason, "message": &**message}}),
            ContainerState::Running { since } => json!({"running": {"startedAt": time(since)}}),
            ContainerState::Terminated { exit, reason, started, finished } => json!({"terminated": {
                "exitCode": exit, "reason": &**reason, "startedAt": time(started), "finishedAt": time(finished)}}),
        }
    }
}
