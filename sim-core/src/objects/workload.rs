//! Deployment and ReplicaSet: how many pods of which template there should be.
//!
//! In a real cluster the deployment controller steers replica sets, and each replica set its pods. The template is parsed once
//! and shared. Left out: nothing. The real thing: `k8s.io/api/apps/v1/types.go`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::condition::Condition;
use super::json::{At, remove, set, set_or_remove};
use super::labels::{Labels, Selector};
use super::meta::Meta;
use super::pod_spec::PodSpec;

/// A pod template: what a new pod starts from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PodTemplate {
    /// The template as JSON (`metadata` and `spec`).
    pub doc: Arc<Value>,
    /// Labels of its pods.
    pub labels: Arc<Labels>,
    /// Annotations of its pods.
    pub annotations: Arc<Labels>,
    /// Spec of its pods.
    pub spec: Arc<PodSpec>,
}

impl PodTemplate {
    /// Reads a template document.
    pub fn parse(doc: Arc<Value>) -> PodTemplate {
        let at = At::top(&doc);
        let spec = at.at("spec").0.cloned().unwrap_or(Value::Null);
        PodTemplate {
            labels: Arc::new(Labels::parse(at.at("metadata").at("labels"))),
            annotations: Arc::new(Labels::parse(at.at("metadata").at("annotations"))),
            spec: Arc::new(PodSpec::parse(Arc::new(spec))),
            doc: doc.clone(),
        }
    }

    /// The template with one more label.
    pub fn with_label(&self, key: &str, value: &str) -> PodTemplate {
        let mut doc = (*self.doc).clone();
        set(&mut doc, &["metadata", "labels", key], value);
        PodTemplate { doc: Arc::new(doc), labels: Arc::new(self.labels.with(key, value)), ..self.clone() }
    }
}

/// One Deployment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Deployment {
    /// Metadata.
    pub meta: Meta,
    /// Spec and given status as JSON, without metadata.
    pub doc: Arc<Value>,
    /// `spec.replicas`; absent reads as 1.
    pub replicas: i64,
    /// `spec.selector`.
    pub selector: Selector,
    /// `spec.template`.
    pub template: Arc<PodTemplate>,
    /// `spec.strategy`.
    pub strategy: Strategy,
    /// `spec.minReadySeconds`.
    pub min_ready: i64,
    /// `spec.revisionHistoryLimit`; absent reads as 10.
    pub history_limit: i64,
    /// `spec.progressDeadlineSeconds`; absent reads as 600.
    pub deadline: i64,
    /// `spec.paused`.
    pub paused: bool,
    /// `status`.
    pub status: WorkloadStatus,
}

/// `spec.strategy`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// All old pods go before new ones come.
    Recreate,
    /// Step by step.
    RollingUpdate {
        /// `maxSurge`.
        surge: Share,
        /// `maxUnavailable`.
        unavailable: Share,
    },
}

/// A number or a percentage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Share {
    /// So many.
    Count(i64),
    /// So many of a hundred.
    Percent(i64),
}

/// One ReplicaSet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReplicaSet {
    /// Metadata.
    pub meta: Meta,
    /// Spec and given status as JSON, without metadata.
    pub doc: Arc<Value>,
    /// `spec.replicas`; absent reads as 1.
    pub replicas: i64,
    /// `spec.selector`.
    pub selector: Selector,
    /// `spec.template`.
    pub template: Arc<PodTemplate>,
    /// `spec.minReadySeconds`.
    pub min_ready: i64,
    /// `status`.
    pub status: WorkloadStatus,
}

/// The counters of a workload's status; each kind shows the ones it has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct WorkloadStatus {
    /// `observedGeneration`.
    pub observed: i64,
    /// `replicas`.
    pub replicas: i64,
    /// `updatedReplicas` of deployments, `fullyLabeledReplicas` of replica sets.
    pub updated: i64,
    /// `readyReplicas`.
    pub ready: i64,
    /// `availableReplicas`.
    pub available: i64,
    /// `unavailableReplicas`.
    pub unavailable: i64,
    /// `collisionCount`.
    pub collisions: Option<i64>,
    /// Conditions.
    pub conditions: Vec<Condition>,
}

impl Deployment {
    /// Reads a document, as it stands.
    pub fn parse(doc: &Value) -> Deployment {
        let spec = At::top(doc).at("spec");
        Deployment {
            meta: Meta::parse(doc),
            replicas: spec.at("replicas").int().unwrap_or(1),
            selector: Selector::parse(spec.at("selector")),
            template: Arc::new(PodTemplate::parse(Arc::new(spec.at("template").0.cloned().unwrap_or(Value::Null)))),
            strategy: Strategy::parse(spec.at("strategy")),
            min_ready: spec.at("minReadySeconds").int().unwrap_or_default(),
            history_limit: spec.at("revisionHistoryLimit").int().unwrap_or(10),
            deadline: spec.at("progressDeadlineSeconds").int().unwrap_or(600),
            paused: spec.at("paused").flag().unwrap_or_default(),
            status: WorkloadStatus::parse(At::top(doc).at("status"), "updatedReplicas"),
            doc: Arc::new(without_metadata(doc)),
        }
    }

    /// The whole object as the API shows it.
    pub fn encode(&self) -> Value {
        let mut doc = (*self.doc).clone();
        self.meta.write(&mut doc);
        self.status.lay_over(&mut doc, "updatedReplicas");
        doc
    }
}

impl ReplicaSet {
    /// Reads a document, as it stands.
    pub fn parse(doc: &Value) -> ReplicaSet {
        let spec = At::top(doc).at("spec");
        ReplicaSet {
            meta: Meta::parse(doc),
            replicas: spec.at("replicas").int().unwrap_or(1),
            selector: Selector::parse(spec.at("selector")),
            template: Arc::new(PodTemplate::parse(Arc::new(spec.at("template").0.cloned().unwrap_or(Value::Null)))),
            min_ready: spec.at("minReadySeconds").int().unwrap_or_default(),
            status: WorkloadStatus::parse(At::top(doc).at("status"), "fullyLabeledReplicas"),
            doc: Arc::new(without_metadata(doc)),
        }
    }

    /// The whole object as the API shows it.
    pub fn encode(&self) -> Value {
        let mut doc = (*self.doc).clone();
        self.meta.write(&mut doc);
        if At::top(&doc).at("spec").at("replicas").int().unwrap_or(1) != self.replicas {
            set(&mut doc, &["spec", "replicas"], self.replicas);
        }
        self.status.lay_over(&mut doc, "fullyLabeledReplicas");
        doc
    }

    /// A new set as the deployment controller writes it: spec from parts, no status.
    pub fn from_parts(meta: Meta, replicas: i64, selector: Labels, template: PodTemplate, min_ready: i64) -> ReplicaSet {
        let mut doc = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "spec": {"replicas": replicas,
            "selector": {"matchLabels": selector.to_json()}, "template": (*template.doc).clone()}});
        if min_ready > 0 {
            set(&mut doc, &["spec", "minReadySeconds"], min_ready);
        }
        let selector = Selector::from_labels(&selector);
        let status = WorkloadStatus::default();
        ReplicaSet { meta, doc: Arc::new(doc), replicas, selector, template: Arc::new(template), min_ready, status }
    }
}

fn without_metadata(doc: &Value) -> Value {
    let mut kept = doc.clone();
    remove(&mut kept, &["metadata"]);
    kept
}

impl Strategy {
    fn parse(at: At<'_>) -> Strategy {
        if at.at("type").text() == Some("Recreate") {
            return Strategy::Recreate;
        }
        let rolling = at.at("rollingUpdate");
        let share = |key: &str| Share::parse(rolling.at(key)).unwrap_or(Share::Percent(25));
        Strategy::RollingUpdate { surge: share("maxSurge"), unavailable: share("maxUnavailable") }
    }
}

impl Share {
    /// Reads a number or `N%`.
    pub fn parse(at: At<'_>) -> Option<Share> {
        let percent = |t: &str| t.strip_suffix('%').and_then(|n| n.parse().ok()).map(Share::Percent);
        at.int().map(Share::Count).or_else(|| at.text().and_then(percent))
    }

    /// Its part of `total`, rounded up or down.
    pub fn of(self, total: i64, up: bool) -> i64 {
        match self {
            Share::Count(n) => n,
            Share::Percent(p) => (p.saturating_mul(total) + if up { 99 } else { 0 }) / 100,
        }
    }
}

impl WorkloadStatus {
    fn parse(at: At<'_>, updated: &str) -> WorkloadStatus {
        let count = |key: &str| at.at(key).int().unwrap_or_default();
        WorkloadStatus {
            observed: count("observedGeneration"),
            replicas: count("replicas"),
            updated: count(updated),
            ready: count("readyReplicas"),
            available: count("availableReplicas"),
            unavailable: count("unavailableReplicas"),
            collisions: at.at("collisionCount").int(),
            conditions: Condition::parse_list(at.at("conditions"), "lastUpdateTime"),
        }
    }

    /// Lays it over `status` of a document unless that says the same already. Zero counters are left out, as Go's omitempty does,
    /// but for a replica set's `replicas`, which is always there.
    fn lay_over(&self, doc: &mut Value, updated: &'static str) {
        if WorkloadStatus::parse(At::top(doc).at("status"), updated) == *self {
            return;
        }
        let counters = [
            ("observedGeneration", self.observed),
            (updated, self.updated),
            ("readyReplicas", self.ready),
            ("availableReplicas", self.available),
            ("unavailableReplicas", self.unavailable),
        ];
        for (key, n) in counters {
            set_or_remove(doc, &["status", key], (n != 0).then_some(n));
        }
        let always = updated == "fullyLabeledReplicas";
        set_or_remove(doc, &["status", "replicas"], (always || self.replicas != 0).then_some(self.replicas));
        set_or_remove(doc, &["status", "collisionCount"], self.collisions);
        let conditions = || self.conditions.iter().map(|c| c.to_json("lastUpdateTime")).collect::<Value>();
        set_or_remove(doc, &["status", "conditions"], (!self.conditions.is_empty()).then(conditions));
    }
}
