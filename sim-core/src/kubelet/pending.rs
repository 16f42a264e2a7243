//! What a kubelet's timers are for, for those who ask what will happen next.

use super::{Event, Kubelets, What, probes};
use crate::objects::Name;

/// A timer of a kubelet that will do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The node.
    pub node: Name,
    /// The pod, by namespace and name; none where it is about the node.
    pub pod: Option<(Name, Name)>,
    /// The container, where it is about one.
    pub container: Option<Name>,
    /// What happens.
    pub purpose: Purpose,
}

/// What a timer of a kubelet does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// The node's lease is renewed.
    RenewLease,
    /// The pod's sandbox has its network.
    SandboxReady,
    /// The image is there, and the container starts.
    ContainerStarts,
    /// The container's process ends.
    ContainerEnds,
    /// The container is started again, after its back-off.
    ContainerRestarts,
    /// A probe is sent.
    Probe(probes::Kind),
    /// The pod's status is reported.
    ReportsStatus,
    /// The preStop hook is over: SIGTERM.
    Terminates,
    /// The grace period is over: SIGKILL for what is left.
    Kills,
    /// The object of a pod that has ended is removed.
    RemovesPod,
}

impl Kubelets {
    /// What a timer is for; `None` if it will find nothing to do, because its pod or container is gone.
    pub fn pending(&self, event: Event) -> Option<Pending> {
        let node = self.nodes.get(&event.node)?.config.name.clone();
        if event.what == What::Lease {
            return Some(Pending { node, pod: None, container: None, purpose: Purpose::RenewLease });
        }
        let worker = self.worker(event.node, event.pod)?;
        let run = worker.runs.get(usize::from(event.run));
        let of_container = |purpose| (purpose, run.map(|run| run.spec(&worker.pod).name.clone()));
        let of_pod = |purpose| (purpose, None);
        let (purpose, container) = match event.what {
            What::Lease => of_pod(Purpose::RenewLease),
            What::Sandbox => of_pod(Purpose::SandboxReady),
            What::Pulled => of_container(Purpose::ContainerStarts),
            What::Ended => of_container(Purpose::ContainerEnds),
            What::Restart => of_container(Purpose::ContainerRestarts),
            What::Probe(kind) => of_container(Purpose::Probe(kind)),
            What::Flush => of_pod(Purpose::ReportsStatus),
            What::Term => of_container(Purpose::Terminates),
            What::Kill => of_pod(Purpose::Kills),
            What::Remove => of_pod(Purpose::RemovesPod),
        };
        let of_instance = matches!(event.what, What::Pulled | What::Ended | What::Restart | What::Probe(_) | What::Term);
        let stale = of_instance && run.is_none_or(|run| run.instance != event.instance);
        let over = event.what == What::Kill && !worker.anything_runs();
        let pod = Some((worker.namespace.clone(), worker.name.clone()));
        (!stale && !over).then_some(Pending { node, pod, container, purpose })
    }
}
