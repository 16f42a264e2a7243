//! How an object stands, in half a sentence.

use crate::ask::why::{Census, Standing};
use crate::cluster::faults::{ActiveFault, Fault, NodeFault};
use crate::objects::pod::Phase;
use crate::render::words::count;

/// Verb and rest: `is Ready`.
pub(super) fn phrase(standing: &Standing) -> String {
    let (verb, rest) = verdict(standing);
    format!("{verb} {rest}")
}

/// The verb, and the rest of the sentence.
pub(super) fn verdict(standing: &Standing) -> (&'static str, String) {
    match standing {
        Standing::Terminating => ("is", "Terminating".to_string()),
        Standing::Ended(phase) => ("is", format!("{}: it has ended for good", phase.text())),
        Standing::NoNode => ("is", "Pending: it has no node".to_string()),
        Standing::Pod { ready, phase, silent } => ("is", pod(*ready, *phase, silent.as_ref())),
        Standing::Node { ready, silent } => ("is", node(*ready, silent.as_ref()).to_string()),
        Standing::Alias(other) => ("is", format!("an alias of {other}")),
        Standing::Service(census) => ("has", service(census)),
        Standing::Behind(service, standing) => ("belongs to", format!("{service}, which {}", phrase(standing))),
        Standing::BehindNone => ("belongs to", "no Service".to_string()),
        Standing::Deployment { available, wanted, old: 0 } if available >= wanted => {
            ("is", format!("complete: {available} of {} available", pods(*wanted)))
        }
        Standing::Deployment { available, wanted, old: 0 } => ("has", format!("{available} of {} available", pods(*wanted))),
        Standing::Deployment { available, wanted, old } => {
            ("is", format!("in a rollout: {available} of {} available, {old} still of an old template", pods(*wanted)))
        }
        Standing::ReplicaSet(ready, wanted) => ("has", format!("{ready} of {} ready", pods(*wanted))),
        Standing::Policy(0) => ("has", "no pod to act on".to_string()),
        Standing::Policy(n) => ("is", format!("in force for {}", count(*n, "pod"))),
        Standing::AsWritten => ("is", "as it was written".to_string()),
        Standing::Unbound => ("is", "Pending: nobody binds it".to_string()),
        Standing::Inert => ("is", "inert here".to_string()),
    }
}

fn pods(n: i64) -> String {
    count(usize::try_from(n).unwrap_or_default(), "pod")
}

fn is_down(active: &ActiveFault) -> bool {
    matches!(active.fault, Fault::Node(_, NodeFault::PowerOff))
}

fn pod(ready: bool, phase: Phase, silent: Option<&ActiveFault>) -> String {
    let phase = if phase.text().is_empty() { "Pending" } else { phase.text() };
    let state = if ready { "Ready".to_string() } else { format!("{phase}, not Ready") };
    match silent {
        None => state,
        Some(active) if is_down(active) => format!("called {state}, and its node is down"),
        Some(_) => format!("called {state}, and its node is silent"),
    }
}

fn node(ready: bool, silent: Option<&ActiveFault>) -> &'static str {
    match (ready, silent.map(|active| &active.fault)) {
        (false, _) => "NotReady",
        (true, Some(Fault::Node(_, NodeFault::PowerOff))) => "called Ready, but down",
        (true, Some(Fault::Node(_, NodeFault::Partition) | Fault::Link(..))) => "called Ready, but cut off",
        (true, Some(Fault::Node(_, NodeFault::KubeletStop))) => "called Ready, but its kubelet does not run",
        (true, Some(Fault::ApiServer | Fault::Proxy(_) | Fault::Dns | Fault::Pod(..)) | None) => "Ready",
    }
}

/// Who is behind a Service.
fn service(census: &Census) -> String {
    let at = census.port.as_ref().map_or(String::new(), |port| format!(" at port {port}"));
    match (census.ready, census.all) {
        _ if !census.has_ports => "no port: only its name leads to its pods".to_string(),
        (0, _) if census.has_address && census.serving > 0 => {
            let verb = if census.serving == 1 { "is still" } else { "are still" };
            format!("no ready endpoint{at}; {} terminating {verb} answering", count(census.serving, "endpoint"))
        }
        (0, _) if census.has_address => {
            format!("no endpoint{at} that may answer: pods that connect to it are refused at once")
        }
        (0, _) => format!("no endpoint{at} that may answer: its name has no address"),
        (1, 1) => format!("1 endpoint{at}, and it is ready"),
        (n, all) if n == all => format!("{}{at}, all ready", count(n, "endpoint")),
        (n, all) => format!("{n} of {} ready{at}", count(all, "endpoint")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::ObjectName;
    use crate::network::graph::pair;

    #[test]
    fn each_standing_is_told() {
        let down = || Some(ActiveFault { fault: Fault::Node("n".into(), NodeFault::PowerOff), link: None });
        let stopped = || Some(ActiveFault { fault: Fault::Node("n".into(), NodeFault::KubeletStop), link: None });
        let cut = || Some(ActiveFault { fault: Fault::Link(pair("a", "b"), 1), link: Some((pair("a", "b"), 1)) });
        let pod = |ready, silent| Standing::Pod { ready, phase: Phase::Running, silent };
        let node = |ready, silent| Standing::Node { ready, silent };
        let full = Census { has_ports: true, has_address: true, ..Census::default() };
        let census = |ready, all| Standing::Service(Census { ready, all, ..full.clone() });
        let web = ObjectName::new("Service", "a", "web");
        for (standing, want) in [
            (Standing::Terminating, "is Terminating"),
            (Standing::Ended(Phase::Failed), "is Failed: it has ended for good"),
            (Standing::NoNode, "is Pending: it has no node"),
            (pod(true, None), "is Ready"),
            (pod(false, None), "is Running, not Ready"),
            (Standing::Pod { ready: false, phase: Phase::Unset, silent: None }, "is Pending, not Ready"),
            (pod(true, down()), "is called Ready, and its node is down"),
            (pod(true, stopped()), "is called Ready, and its node is silent"),
            (node(true, None), "is Ready"),
            (node(false, down()), "is NotReady"),
            (node(true, down()), "is called Ready, but down"),
            (node(true, cut()), "is called Ready, but cut off"),
            (node(true, stopped()), "is called Ready, but its kubelet does not run"),
            (Standing::Alias("x.org".into()), "is an alias of x.org"),
            (Standing::Service(Census::default()), "has no port: only its name leads to its pods"),
            (census(0, 2), "has no endpoint that may answer: pods that connect to it are refused at once"),
            (
                Standing::Service(Census { serving: 1, all: 1, ..full.clone() }),
                "has no ready endpoint; 1 endpoint terminating is still answering",
            ),
            (
                Standing::Service(Census { has_ports: true, ..Census::default() }),
                "has no endpoint that may answer: its name has no address",
            ),
            (census(1, 1), "has 1 endpoint, and it is ready"),
            (census(2, 2), "has 2 endpoints, all ready"),
            (census(1, 2), "has 1 of 2 endpoints ready"),
            (
                Standing::Service(Census { port: Some("http".into()), ready: 1, all: 2, ..full.clone() }),
                "has 1 of 2 endpoints ready at port http",
            ),
            (Standing::Behind(web, Box::new(census(2, 2))), "belongs to Service a/web, which has 2 endpoints, all ready"),
            (Standing::BehindNone, "belongs to no Service"),
            (Standing::Deployment { available: 2, wanted: 2, old: 0 }, "is complete: 2 of 2 pods available"),
            (Standing::Deployment { available: 0, wanted: 1, old: 0 }, "has 0 of 1 pod available"),
            (
                Standing::Deployment { available: 1, wanted: 2, old: 1 },
                "is in a rollout: 1 of 2 pods available, 1 still of an old template",
            ),
            (Standing::ReplicaSet(1, 2), "has 1 of 2 pods ready"),
            (Standing::Policy(0), "has no pod to act on"),
            (Standing::Policy(2), "is in force for 2 pods"),
            (Standing::AsWritten, "is as it was written"),
            (Standing::Unbound, "is Pending: nobody binds it"),
            (Standing::Inert, "is inert here"),
        ] {
            assert_eq!(phrase(&standing), want);
        }
    }
}
