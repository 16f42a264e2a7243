//! `kubectl describe`: objects as pages for people.
//!
//! The client makes these pages: it asks for the object, for what belongs to it (endpoints of a service, ReplicaSets of a
//! Deployment) and for the events about it. We model the pages of the kinds that the simulator knows; every other kind gets
//! upstream's generic page.
//! The real thing: `k8s.io/kubectl/pkg/describe/describe.go` at 1.32. Left out: HorizontalPodAutoscalers, storage and RBAC
//! pages of their own.

mod config;
mod container;
mod events;
mod generic;
mod node;
mod pod;
mod policy;
mod quantities;
mod service;
mod volumes;
mod workload;
mod writer;

pub use events::interval as event_interval;
pub use pod_template::text as template_text;
pub use writer::controller;

use super::client::{Client, Filter};
use super::failure::Failure;
use super::flags::{Args, Flag, switch, value};
use super::resource::Resource;
use super::targets::{Query, Target};
use crate::api::table::document::name;

/// Flags of the verb.
pub const FLAGS: &[Flag] = &[value("chunk-size"), switch("show-events")];

/// Runs the verb.
pub async fn run(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let query = Query::listing(args);
    if query.words.is_empty() && query.files.is_empty() {
        return Err("You must specify the type of resource to describe. Use \"kubectl api-resources\" for a complete list of \
                    supported resources."
            .into());
    }
    let show_events = args.is_true("show-events", true);
    let found = query.find(client).await?;
    if let ([failure], [], [_, prefix]) = (&found.failures[..], &found.groups[..], &query.words[..])
        && failure.is_not_found()
    {
        let failure = failure.clone();
        return by_prefix(client, &query, prefix, show_events, failure).await;
    }
    let failures = found.failures.clone();
    let targets = found.targets();
    for (at, target) in targets.iter().enumerate() {
        if at > 0 {
            client.out.push_str("\n\n");
        }
        let page = page(client, target, show_events).await;
        client.out.push_str(&page);
    }
    if targets.is_empty() && failures.is_empty() {
        if query.everywhere {
            client.warn("No resources found");
        } else {
            client.warn(format!("No resources found in {} namespace.", client.namespace.clone()));
        }
    }
    Failure::gather(failures)
}

/// A name that is not found may be the beginning of names that are.
async fn by_prefix(
    client: &mut Client<'_>,
    query: &Query,
    prefix: &str,
    show_events: bool,
    failure: Failure,
) -> Result<(), Failure> {
    let resource = Resource::find(client, &query.words[0]).await?;
    let space = client.namespace.clone();
    let objects = client.list(&resource, &space, &Filter::default()).await?;
    let mut any = false;
    for object in objects.into_iter().filter(|object| name(object).starts_with(prefix)) {
        any = true;
        let target = Target {
            resource: resource.clone(),
            namespace: space.clone(),
            name: name(&object).into(),
            object,
            source: String::new(),
        };
        let page = page(client, &target, show_events).await;
        client.say(page);
    }
    if any { Ok(()) } else { Err(failure) }
}

/// The page of one object.
async fn page(client: &mut Client<'_>, target: &Target, show_events: bool) -> String {
    let object = &target.object;
    match (target.resource.group.as_str(), target.resource.kind.as_str()) {
        ("", "Pod") => pod::describe(client, object, show_events).await,
        ("", "Service") => service::service(client, object, show_events).await,
        ("", "Endpoints") => service::endpoints(client, object, show_events).await,
        ("discovery.k8s.io", "EndpointSlice") => service::endpoint_slice(client, object, show_events).await,
        ("networking.k8s.io", "Ingress") => service::ingress(client, object, show_events).await,
        ("networking.k8s.io", "NetworkPolicy") => policy::describe(object),
        ("apps", "Deployment") => workload::deployment(client, object, show_events).await,
        ("apps", "ReplicaSet") => workload::replica_set(client, object, show_events).await,
        ("", "ReplicationController") => workload::replication_controller(client, object, show_events).await,
        ("apps", "StatefulSet") => workload::stateful_set(client, object, show_events).await,
        ("apps", "DaemonSet") => workload::daemon_set(client, object, show_events).await,
        ("batch", "Job") => workload::job(client, object, show_events).await,
        ("batch", "CronJob") => workload::cron_job(client, object, show_events).await,
        ("", "Node") => node::describe(client, object, show_events).await,
        ("", "Namespace") => config::namespace_page(client, object).await,
        ("", "ResourceQuota") => config::quota(object),
        ("", "LimitRange") => config::limit_range(object),
        ("", "ConfigMap") => config::config_map(client, object, show_events).await,
        ("", "Secret") => config::secret(object),
        ("", "ServiceAccount") => config::service_account(client, object, show_events).await,
        _ => generic::describe(client, object, show_events).await,
    }
}

mod pod_template {
    use serde_json::Value;

    use super::pod;
    use super::writer::Page;

    /// A pod template alone, as `rollout history --revision` shows it: with bare tabs.
    pub fn text(template: &Value) -> String {
        let mut page = Page::default();
        pod::template(&mut page, template);
        page.unaligned()
    }
}
