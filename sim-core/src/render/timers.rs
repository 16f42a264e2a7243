//! What will happen by itself, as sentences and as JSON.

use serde_json::{Value, json as value};

use super::story::{listed, named};
use crate::ask::story::controller;
use crate::ask::timers::{Component, Due, Housekeeping, Timer, Timers, WriteKind};
use crate::cluster::story::Subject;
use crate::controllers::Which;
use crate::engine::time::Instant;
use crate::kubelet::pending::Purpose;
use crate::kubelet::probes;
use crate::objects::time::Timestamp;

/// The text form: one line each, with the time until then.
pub fn text(timers: &Timers, now: Instant) -> String {
    let line = |at: Instant, text: String| format!("in {:<7} {text}\n", at.since(now).brief());
    let mut lines: Vec<String> = timers.next.iter().map(|timer| line(timer.at, sentence(timer))).collect();
    if timers.more > 0 {
        lines.push(format!("           and {} more; `timers {}` shows them\n", timers.more, timers.next.len() + timers.more));
    }
    lines.extend(timers.recurring.iter().map(|(what, count, at)| line(*at, recurring(*what, *count))));
    if timers.waiting > 0 {
        lines.push(format!("           {} more wait for the API server to come back\n", timers.waiting));
    }
    if lines.is_empty() {
        return "nothing is due\n".to_string();
    }
    lines.concat()
}

fn sentence(timer: &Timer) -> String {
    let of = subjects(&timer.subjects);
    match &timer.due {
        Due::Watch(component) if timer.subjects.is_empty() => format!("{} hears of changes", component_name(*component)),
        Due::Watch(component) => format!("{} of {} hears of changes", component_name(*component), names(&timer.subjects)),
        Due::Write(component, kind) => {
            let does = match kind {
                WriteKind::Create => "creates",
                WriteKind::Update => "updates",
                WriteKind::Status => "reports the status of",
                WriteKind::Bind => "binds",
                WriteKind::Delete => "deletes",
            };
            format!("{} {does} {of}", component_name(*component))
        }
        Due::Reconcile(Which::Deployment) => format!("deployment-controller checks the progress of {of}"),
        Due::Reconcile(which) => format!("{} looks at {of} again", controller(*which)),
        Due::Schedule => "the scheduler tries the pods that wait".to_string(),
        Due::LeaseRunsOut => format!("the lease of {} runs out: Ready becomes Unknown", names(&timer.subjects)),
        Due::Evict(node) => format!("{of} is evicted, unless {node} is ready by then"),
        Due::Kubelet(purpose, container) => kubelet(*purpose, container.as_deref().unwrap_or_default(), &of),
        Due::ProgramServices(0) => format!("kube-proxy of {} programs its rules", names(&timer.subjects)),
        Due::ProgramServices(count) => {
            let services = if *count == 1 { "Service" } else { "Services" };
            format!("kube-proxy of {} programs its rules for {count} changed {services}", names(&timer.subjects))
        }
        Due::ProgramPolicies => format!("the policy agent of {} programs its rules", names(&timer.subjects)),
        Due::ReadCorefile => format!("{of} looks at its Corefile"),
        Due::CacheEnds(name) => format!("the answer for {name} that {of} keeps is no longer valid"),
    }
}

fn kubelet(purpose: Purpose, container: &str, pod: &str) -> String {
    match purpose {
        Purpose::RenewLease => format!("the kubelet renews the lease of {pod}"),
        Purpose::SandboxReady => format!("the sandbox of {pod} has its network"),
        Purpose::ContainerStarts => format!("container {container} of {pod} starts"),
        Purpose::ContainerEnds => format!("container {container} of {pod} ends"),
        Purpose::ContainerRestarts => format!("container {container} of {pod} is started again"),
        Purpose::Probe(kind) => format!("the {} probe of container {container} of {pod}", probe(kind)),
        Purpose::ReportsStatus => format!("the kubelet reports the status of {pod}"),
        Purpose::Terminates => format!("container {container} of {pod} gets SIGTERM"),
        Purpose::Kills => format!("the grace period of {pod} ends: SIGKILL for what still runs"),
        Purpose::RemovesPod => format!("the kubelet removes {pod}"),
    }
}

fn probe(kind: probes::Kind) -> &'static str {
    match kind {
        probes::Kind::Startup => "startup",
        probes::Kind::Liveness => "liveness",
        probes::Kind::Readiness => "readiness",
    }
}

fn recurring(what: Housekeeping, count: usize) -> String {
    let what = match what {
        Housekeeping::Leases => "a kubelet renews its node's lease",
        Housekeeping::NodeMonitor => return "the node lifecycle controller looks at all nodes; every 5 s".to_string(),
        Housekeeping::Probes => "a container is probed",
        Housekeeping::BalancerChecks => "a balancer checks its targets",
        Housekeeping::Loads => "a load sends or waits",
        Housekeeping::Events => "an Event is left",
    };
    format!("{what}; {count} of these are due")
}

fn component_name(component: Component) -> &'static str {
    match component {
        Component::Controller(which) => controller(which),
        Component::Scheduler => "scheduler",
        Component::Kubelet => "kubelet",
        Component::Proxy => "kube-proxy",
        Component::Policy => "the policy agent",
    }
}

fn subjects(list: &[Subject]) -> String {
    listed(&list.iter().map(named).collect::<Vec<_>>())
}

/// The subjects' names alone: what they are is said already.
fn names(list: &[Subject]) -> String {
    let name = |subject: &Subject| named(subject).rsplit(' ').next().unwrap_or_default().to_string();
    listed(&list.iter().map(name).collect::<Vec<_>>())
}

/// The JSON form.
pub fn json(timers: &Timers, now: Instant, start: Timestamp) -> Value {
    let one = |timer: &Timer| {
        let names: Vec<String> = timer.subjects.iter().map(named).collect();
        value!({"at": Timestamp::at(start, timer.at).rfc3339_micro(), "in_ns": timer.at.since(now).as_nanos(),
            "text": sentence(timer), "subjects": names})
    };
    let again = |(what, count, at): &(Housekeeping, usize, Instant)| value!({"text": recurring(*what, *count), "count": count, "in_ns": at.since(now).as_nanos()});
    value!({
        "timers": timers.next.iter().map(one).collect::<Vec<_>>(),
        "more": timers.more,
        "recurring": timers.recurring.iter().map(again).collect::<Vec<_>>(),
        "waiting_for_api_server": timers.waiting,
    })
}
