//! Rows of the kinds that run pods: Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs, CronJobs.
//!
//! The real thing: the print functions of these names in `pkg/printers/internalversion/printers.go`.

use serde_json::Value;

use super::document::{at, format_labels, format_selector, has, list, name, number, or_none, pairs, plain, text, time};
use super::{Table, always, created, wide};
use crate::objects::time::Timestamp;
use crate::render::age;

/// The CONTAINERS and IMAGES cells of a pod template.
fn containers(template: &Value) -> [String; 2] {
    let of = |field| list(template, "spec.containers").iter().map(|c| text(c, field)).collect::<Vec<_>>().join(",");
    [of("name"), of("image")]
}

fn count(object: &Value, path: &str) -> String {
    number(object, path).to_string()
}

fn selector(object: &Value) -> String {
    format_selector(at(object, "spec.selector"))
}

pub(super) const DEPLOYMENT: Table = Table {
    columns: &[
        always("Name"),
        always("Ready"),
        always("Up-to-date"),
        always("Available"),
        always("Age"),
        wide("Containers"),
        wide("Images"),
        wide("Selector"),
    ],
    row: |deployment, now| {
        let [names, images] = containers(at(deployment, "spec.template"));
        vec![
            name(deployment).into(),
            format!("{}/{}", number(deployment, "status.readyReplicas"), number(deployment, "spec.replicas")),
            count(deployment, "status.updatedReplicas"),
            count(deployment, "status.availableReplicas"),
            created(deployment, now),
            names,
            images,
            // Upstream prints an invalid or absent selector here as the empty selector's text.
            super::document::selector_text(at(deployment, "spec.selector")),
        ]
    },
};

pub(super) const REPLICA_SET: Table = Table {
    columns: &[
        always("Name"),
        always("Desired"),
        always("Current"),
        always("Ready"),
        always("Age"),
        wide("Containers"),
        wide("Images"),
        wide("Selector"),
    ],
    row: |set, now| {
        let [names, images] = containers(at(set, "spec.template"));
        let [desired, current, ready] = replica_counts(set);
        vec![name(set).into(), desired, current, ready, created(set, now), names, images, selector(set)]
    },
};

pub(super) const REPLICATION_CONTROLLER: Table = Table {
    columns: REPLICA_SET.columns,
    row: |controller, now| {
        let [names, images] = containers(at(controller, "spec.template"));
        let [desired, current, ready] = replica_counts(controller);
        let selector = format_labels(&pairs(controller, "spec.selector"));
        vec![name(controller).into(), desired, current, ready, created(controller, now), names, images, selector]
    },
};

fn replica_counts(set: &Value) -> [String; 3] {
    [count(set, "spec.replicas"), count(set, "status.replicas"), count(set, "status.readyReplicas")]
}

pub(super) const STATEFUL_SET: Table = Table {
    columns: &[always("Name"), always("Ready"), always("Age"), wide("Containers"), wide("Images")],
    row: |set, now| {
        let [names, images] = containers(at(set, "spec.template"));
        let ready = format!("{}/{}", number(set, "status.readyReplicas"), number(set, "spec.replicas"));
        vec![name(set).into(), ready, created(set, now), names, images]
    },
};

pub(super) const DAEMON_SET: Table = Table {
    columns: &[
        always("Name"),
        always("Desired"),
        always("Current"),
        always("Ready"),
        always("Up-to-date"),
        always("Available"),
        always("Node Selector"),
        always("Age"),
        wide("Containers"),
        wide("Images"),
        wide("Selector"),
    ],
    row: |set, now| {
        let [names, images] = containers(at(set, "spec.template"));
        vec![
            name(set).into(),
            count(set, "status.desiredNumberScheduled"),
            count(set, "status.currentNumberScheduled"),
            count(set, "status.numberReady"),
            count(set, "status.updatedNumberScheduled"),
            count(set, "status.numberAvailable"),
            format_labels(&pairs(set, "spec.template.spec.nodeSelector")),
            created(set, now),
            names,
            images,
            selector(set),
        ]
    },
};

pub(super) const JOB: Table = Table {
    columns: &[
        always("Name"),
        always("Status"),
        always("Completions"),
        always("Duration"),
        always("Age"),
        wide("Containers"),
        wide("Images"),
        wide("Selector"),
    ],
    row: |job, now| {
        let [names, images] = containers(at(job, "spec.template"));
        vec![
            name(job).into(),
            job_status(job).into(),
            job_completions(job),
            job_duration(job, now),
            created(job, now),
            names,
            images,
            selector(job),
        ]
    },
};

fn job_status(job: &Value) -> &'static str {
    let holds =
        |kind: &str| list(job, "status.conditions").iter().any(|c| text(c, "type") == kind && text(c, "status") == "True");
    match () {
        () if holds("Complete") => "Complete",
        () if holds("Failed") => "Failed",
        () if has(job, "metadata.deletionTimestamp") => "Terminating",
        () if holds("Suspended") => "Suspended",
        () if holds("FailureTarget") => "FailureTarget",
        () if holds("SuccessCriteriaMet") => "SuccessCriteriaMet",
        () => "Running",
    }
}

fn job_completions(job: &Value) -> String {
    let succeeded = number(job, "status.succeeded");
    if has(job, "spec.completions") {
        return format!("{succeeded}/{}", number(job, "spec.completions"));
    }
    // Without a wanted number one success is enough; with parallelism it is a work queue.
    match number(job, "spec.parallelism") {
        parallel if parallel > 1 => format!("{succeeded}/1 of {parallel}"),
        _ => format!("{succeeded}/1"),
    }
}

fn job_duration(job: &Value, now: Timestamp) -> String {
    match (time(job, "status.startTime"), time(job, "status.completionTime")) {
        (None, _) => String::new(),
        (Some(start), end) => age::human_duration(end.unwrap_or(now).nanos_since(start)),
    }
}

pub(super) const CRON_JOB: Table = Table {
    columns: &[
        always("Name"),
        always("Schedule"),
        always("Timezone"),
        always("Suspend"),
        always("Active"),
        always("Last Schedule"),
        always("Age"),
        wide("Containers"),
        wide("Images"),
        wide("Selector"),
    ],
    row: |job, now| {
        let [names, images] = containers(at(job, "spec.jobTemplate.spec.template"));
        let suspend = match at(job, "spec.suspend").as_bool() {
            None => "<unset>",
            Some(true) => "True",
            Some(false) => "False",
        };
        let last = time(job, "status.lastScheduleTime").map_or("<none>".into(), |then| age::age(Some(then), now));
        vec![
            name(job).into(),
            text(job, "spec.schedule").into(),
            or_none(text(job, "spec.timeZone")),
            suspend.into(),
            list(job, "status.active").len().to_string(),
            last,
            created(job, now),
            names,
            images,
            format_selector(at(job, "spec.jobTemplate.spec.selector")),
        ]
    },
};

pub(super) const CONTROLLER_REVISION: Table = Table {
    columns: &[always("Name"), always("Controller"), always("Revision"), always("Age")],
    row: |revision, now| {
        let owner = list(revision, "metadata.ownerReferences").iter().find(|o| super::document::flag(o, "controller"));
        let controller = owner.map_or("<none>".into(), |owner| {
            let group = text(owner, "apiVersion").split_once('/').map_or("", |(group, _)| group);
            let kind = crate::api::status::qualified(&text(owner, "kind").to_lowercase(), group);
            format!("{kind}/{}", text(owner, "name"))
        });
        vec![name(revision).into(), controller, count(revision, "revision"), created(revision, now)]
    },
};

pub(super) const DISRUPTION_BUDGET: Table = Table {
    columns: &[always("Name"), always("Min Available"), always("Max Unavailable"), always("Allowed Disruptions"), always("Age")],
    row: |budget, now| {
        let limit = |path| {
            let value = at(budget, path);
            if value.is_null() { "N/A".to_string() } else { plain(value) }
        };
        vec![
            name(budget).into(),
            limit("spec.minAvailable"),
            limit("spec.maxUnavailable"),
            count(budget, "status.disruptionsAllowed"),
            created(budget, now),
        ]
    },
};

pub(super) const AUTOSCALER: Table = Table {
    columns: &[
        always("Name"),
        always("Reference"),
        always("Targets"),
        always("MinPods"),
        always("MaxPods"),
        always("Replicas"),
        always("Age"),
    ],
    row: |scaler, now| {
        let least = at(scaler, "spec.minReplicas");
        vec![
            name(scaler).into(),
            format!("{}/{}", text(scaler, "spec.scaleTargetRef.kind"), text(scaler, "spec.scaleTargetRef.name")),
            scaler_targets(scaler),
            if least.is_null() { "<unset>".into() } else { plain(least) },
            count(scaler, "spec.maxReplicas"),
            count(scaler, "status.currentReplicas"),
            created(scaler, now),
        ]
    },
};

/// `cpu: 12%/80%` for each resource metric; a metric the cluster has not measured is `<unknown>`.
fn scaler_targets(scaler: &Value) -> String {
    let measured = list(scaler, "status.currentMetrics");
    let metric = |(index, wanted): (usize, &Value)| {
        let target = number(wanted, "resource.target.averageUtilization");
        let now = measured.get(index).map(|m| at(m, "resource.current.averageUtilization"));
        let now = now.and_then(Value::as_i64).map_or("<unknown>".to_string(), |percent| format!("{percent}%"));
        format!("{}: {now}/{target}%", text(wanted, "resource.name"))
    };
    let shown: Vec<String> = list(scaler, "spec.metrics").iter().enumerate().map(metric).collect();
    match shown.len() {
        0 => "<none>".into(),
        n if n > 2 => format!("{} + {} more...", shown[..2].join(", "), n - 2),
        _ => shown.join(", "),
    }
}

pub(super) const POD_TEMPLATE: Table = Table {
    columns: &[always("Name"), always("Containers"), always("Images"), always("Pod Labels")],
    row: |template, _| {
        let [names, images] = containers(at(template, "template"));
        vec![name(template).into(), names, images, format_labels(&pairs(template, "template.metadata.labels"))]
    },
};
