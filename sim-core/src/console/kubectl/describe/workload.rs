//! Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs and CronJobs.

use serde_json::Value;

use super::pod::template;
use super::service::finish;
use super::writer::{Page, controller, date};
use super::{events, quantities};
use crate::api::table::document::{
    at, flag, format_labels, format_selector, has, list, name, namespace, number, or_none, pairs, plain, selector_text, text,
    texts, time,
};
use crate::console::kubectl::client::{Client, Filter};
use crate::console::kubectl::resource::Resource;
use crate::console::kubectl::revisions;
use crate::render::age::human_duration;

pub(super) async fn deployment(client: &mut Client<'_>, deployment: &Value, show_events: bool) -> String {
    let mut page = Page::default();
    page.field(0, "Name", name(deployment));
    page.field(0, "Namespace", namespace(deployment));
    page.field(0, "CreationTimestamp", date(deployment, "metadata.creationTimestamp"));
    page.metadata(deployment);
    page.field(0, "Selector", selector_text(at(deployment, "spec.selector")));
    page.field(
        0,
        "Replicas",
        format!(
            "{} desired | {} updated | {} total | {} available | {} unavailable",
            number(deployment, "spec.replicas"),
            number(deployment, "status.updatedReplicas"),
            number(deployment, "status.replicas"),
            number(deployment, "status.availableReplicas"),
            number(deployment, "status.unavailableReplicas")
        ),
    );
    page.field(0, "StrategyType", text(deployment, "spec.strategy.type"));
    page.field(0, "MinReadySeconds", number(deployment, "spec.minReadySeconds"));
    if has(deployment, "spec.strategy.rollingUpdate") {
        let limit = |field: &str| match at(deployment, &format!("spec.strategy.rollingUpdate.{field}")) {
            Value::Null => "<nil>".into(),
            value => plain(value),
        };
        let text = format!("{} max unavailable, {} max surge", limit("maxUnavailable"), limit("maxSurge"));
        page.field(0, "RollingUpdateStrategy", text);
    }
    template(&mut page, at(deployment, "spec.template"));
    events::conditions(&mut page, deployment);
    let sets = revisions::replica_sets(client, deployment).await;
    let new = revisions::newest(deployment, &sets);
    let created = |set: &&Value| {
        format!("{} ({}/{} replicas created)", name(set), number(set, "status.replicas"), number(set, "spec.replicas"))
    };
    let old: Vec<String> = sets.iter().filter(|set| new != Some(*set)).map(|set| created(&set)).collect();
    if !sets.is_empty() {
        page.field(0, "OldReplicaSets", or_none(old.join(", ")));
        page.field(0, "NewReplicaSet", new.as_ref().map_or("<none>".into(), created));
    }
    finish(client, page, deployment, show_events).await
}

/// `1 Running / 0 Waiting / …` of the pods that the object controls.
async fn pods_status(client: &mut Client<'_>, object: &Value, selector: String) -> String {
    let filter = Filter { labels: selector, ..Filter::default() };
    let pods = match client.list(&Resource::named("pods"), namespace(object), &filter).await {
        Ok(pods) => pods,
        Err(status) => return format!("error in fetching pods: {}", status.message),
    };
    let uid = text(object, "metadata.uid");
    let own: Vec<&Value> = pods.iter().filter(|pod| controller(pod).is_some_and(|owner| text(owner, "uid") == uid)).collect();
    let count = |phase: &str| own.iter().filter(|pod| text(pod, "status.phase") == phase).count();
    format!(
        "{} Running / {} Waiting / {} Succeeded / {} Failed",
        count("Running"),
        count("Pending"),
        count("Succeeded"),
        count("Failed")
    )
}

pub(super) async fn replica_set(client: &mut Client<'_>, set: &Value, show_events: bool) -> String {
    let mut page = Page::default();
    page.field(0, "Name", name(set));
    page.field(0, "Namespace", namespace(set));
    page.field(0, "Selector", format_selector(at(set, "spec.selector")));
    page.metadata(set);
    page.controlled_by(set);
    replicas_and_pods(client, &mut page, set, selector_text(at(set, "spec.selector"))).await;
    finish(client, page, set, show_events).await
}

pub(super) async fn replication_controller(client: &mut Client<'_>, set: &Value, show_events: bool) -> String {
    let selector = format_labels(&pairs(set, "spec.selector"));
    let mut page = Page::default();
    page.field(0, "Name", name(set));
    page.field(0, "Namespace", namespace(set));
    page.field(0, "Selector", &selector);
    page.metadata(set);
    replicas_and_pods(client, &mut page, set, selector).await;
    finish(client, page, set, show_events).await
}

async fn replicas_and_pods(client: &mut Client<'_>, page: &mut Page, set: &Value, selector: String) {
    let (current, desired) = (number(set, "status.replicas"), number(set, "spec.replicas"));
    page.field(0, "Replicas", format!("{current} current / {desired} desired"));
    page.field(0, "Pods Status", pods_status(client, set, selector).await);
    template(page, at(set, "spec.template"));
    events::conditions(page, set);
}

pub(super) async fn stateful_set(client: &mut Client<'_>, set: &Value, show_events: bool) -> String {
    let selector = selector_text(at(set, "spec.selector"));
    let mut page = Page::default();
    page.field(0, "Name", name(set));
    page.field(0, "Namespace", namespace(set));
    page.field(0, "CreationTimestamp", date(set, "metadata.creationTimestamp"));
    page.field(0, "Selector", &selector);
    page.metadata(set);
    page.field(0, "Replicas", format!("{} desired | {} total", number(set, "spec.replicas"), number(set, "status.replicas")));
    page.field(0, "Update Strategy", text(set, "spec.updateStrategy.type"));
    let update = at(set, "spec.updateStrategy.rollingUpdate");
    if has(update, "partition") {
        page.field(1, "Partition", number(update, "partition"));
        if has(update, "maxUnavailable") {
            page.field(1, "MaxUnavailable", plain(at(update, "maxUnavailable")));
        }
    }
    page.field(0, "Pods Status", pods_status(client, set, selector).await);
    template(&mut page, at(set, "spec.template"));
    claim_templates(&mut page, list(set, "spec.volumeClaimTemplates"));
    finish(client, page, set, show_events).await
}

fn claim_templates(page: &mut Page, claims: &[Value]) {
    page.line(0, if claims.is_empty() { "Volume Claims:\t<none>" } else { "Volume Claims:" });
    for claim in claims {
        page.field(1, "Name", name(claim));
        page.field(1, "StorageClass", text(claim, "spec.storageClassName"));
        page.below("  Labels", pairs(claim, "metadata.labels").iter().map(|(key, value)| format!("{key}={value}")));
        page.below("  Annotations", pairs(claim, "metadata.annotations").iter().map(|(key, value)| format!("{key}={value}")));
        let capacity = match at(claim, "spec.resources.requests.storage") {
            Value::Null => "<default>".into(),
            value => quantities::canonical(value),
        };
        page.field(1, "Capacity", capacity);
        page.field(1, "Access Modes", format!("[{}]", texts(claim, "spec.accessModes").join(" ")));
    }
}

pub(super) async fn daemon_set(client: &mut Client<'_>, set: &Value, show_events: bool) -> String {
    let selector = selector_text(at(set, "spec.selector"));
    let mut page = Page::default();
    page.field(0, "Name", name(set));
    page.field(0, "Selector", &selector);
    page.field(0, "Node-Selector", format_labels(&pairs(set, "spec.template.spec.nodeSelector")));
    page.metadata(set);
    for (title, field) in [
        ("Desired Number of Nodes Scheduled", "desiredNumberScheduled"),
        ("Current Number of Nodes Scheduled", "currentNumberScheduled"),
        ("Number of Nodes Scheduled with Up-to-date Pods", "updatedNumberScheduled"),
        ("Number of Nodes Scheduled with Available Pods", "numberAvailable"),
        ("Number of Nodes Misscheduled", "numberMisscheduled"),
    ] {
        page.line(0, format!("{title}: {}", number(at(set, "status"), field)));
    }
    page.field(0, "Pods Status", pods_status(client, set, selector).await);
    template(&mut page, at(set, "spec.template"));
    finish(client, page, set, show_events).await
}

pub(super) async fn job(client: &mut Client<'_>, job: &Value, show_events: bool) -> String {
    let mut page = Page::default();
    page.field(0, "Name", name(job));
    page.field(0, "Namespace", namespace(job));
    page.field(0, "Selector", selector_text(at(job, "spec.selector")));
    page.metadata(job);
    page.controlled_by(job);
    job_spec(&mut page, job);
    for (title, field) in [("Start Time", "startTime"), ("Completed At", "completionTime")] {
        if has(at(job, "status"), field) {
            page.field(0, title, date(at(job, "status"), field));
        }
    }
    if let (Some(start), Some(end)) = (time(job, "status.startTime"), time(job, "status.completionTime")) {
        page.field(0, "Duration", human_duration(end.nanos_since(start)));
    }
    if has(job, "spec.activeDeadlineSeconds") {
        page.field(0, "Active Deadline Seconds", format!("{}s", number(job, "spec.activeDeadlineSeconds")));
    }
    let ready = if has(job, "status.ready") { format!(" ({} Ready)", number(job, "status.ready")) } else { String::new() };
    let count = |field: &str| number(at(job, "status"), field);
    let statuses = format!("{} Active{ready} / {} Succeeded / {} Failed", count("active"), count("succeeded"), count("failed"));
    page.field(0, "Pods Statuses", statuses);
    if text(job, "spec.completionMode") == "Indexed" {
        page.field(0, "Completed Indexes", or_none(text(job, "status.completedIndexes")));
    }
    template(&mut page, at(job, "spec.template"));
    finish(client, page, job, show_events).await
}

/// The lines about how a job is to run.
fn job_spec(page: &mut Page, job: &Value) {
    let spec = at(job, "spec");
    if has(spec, "parallelism") {
        page.field(0, "Parallelism", number(spec, "parallelism"));
    }
    let completions = if has(spec, "completions") { number(spec, "completions").to_string() } else { "<unset>".into() };
    page.field(0, "Completions", completions);
    if has(spec, "completionMode") {
        page.field(0, "Completion Mode", text(spec, "completionMode"));
    }
    if has(spec, "suspend") {
        page.field(0, "Suspend", flag(spec, "suspend"));
    }
    if has(spec, "backoffLimit") {
        page.field(0, "Backoff Limit", number(spec, "backoffLimit"));
    }
    if has(spec, "ttlSecondsAfterFinished") {
        page.field(0, "TTL Seconds After Finished", number(spec, "ttlSecondsAfterFinished"));
    }
}

pub(super) async fn cron_job(client: &mut Client<'_>, cron: &Value, show_events: bool) -> String {
    let mut page = Page::default();
    page.heading(cron);
    page.field(0, "Schedule", text(cron, "spec.schedule"));
    page.field(0, "Concurrency Policy", text(cron, "spec.concurrencyPolicy"));
    let suspend = match at(cron, "spec.suspend").as_bool() {
        None => "<unset>",
        Some(true) => "True",
        Some(false) => "False",
    };
    page.field(0, "Suspend", suspend);
    for (title, field, unit) in [
        ("Successful Job History Limit", "successfulJobsHistoryLimit", ""),
        ("Failed Job History Limit", "failedJobsHistoryLimit", ""),
        ("Starting Deadline Seconds", "startingDeadlineSeconds", "s"),
    ] {
        let spec = at(cron, "spec");
        let value = if has(spec, field) { format!("{}{unit}", number(spec, field)) } else { "<unset>".into() };
        page.field(0, title, value);
    }
    let job = at(cron, "spec.jobTemplate");
    if has(job, "spec.selector") {
        page.field(0, "Selector", selector_text(at(job, "spec.selector")));
    } else {
        page.field(0, "Selector", "<unset>");
    }
    let count = |field: &str| if has(job, field) { number(job, field).to_string() } else { "<unset>".into() };
    page.field(0, "Parallelism", count("spec.parallelism"));
    page.field(0, "Completions", count("spec.completions"));
    if has(job, "spec.activeDeadlineSeconds") {
        page.field(0, "Active Deadline Seconds", format!("{}s", number(job, "spec.activeDeadlineSeconds")));
    }
    template(&mut page, at(job, "spec.template"));
    let last = if has(cron, "status.lastScheduleTime") { date(cron, "status.lastScheduleTime") } else { "<unset>".into() };
    page.field(0, "Last Schedule Time", last);
    let active: Vec<&str> = list(cron, "status.active").iter().map(|job| text(job, "name")).collect();
    page.field(0, "Active Jobs", or_none(active.join(", ")));
    finish(client, page, cron, show_events).await
}
