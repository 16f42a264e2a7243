//! A node: whether it is heard of, what is broken about it, and what keeps pods away from it.

use super::finding::{Found, Kubelet, NodeFinding, Standing};
use super::{Judged, has_kubelet, silence, watches_nodes};
use crate::ask::moment::Moment;
use crate::cluster::faults::Fault;
use crate::objects::condition;
use crate::objects::node::Node;

/// Why a node is as it is.
pub(super) fn why(moment: &Moment<'_>, node: &Node) -> Judged {
    let name = &node.meta.name;
    let troubles = moment.cluster.troubles(name);
    let silent = silence(&troubles);
    let own = troubles.iter().filter(|active| active.fault != Fault::ApiServer);
    let mut findings: Vec<NodeFinding> = own.map(|active| NodeFinding::Broken(name.clone(), active.clone())).collect();
    let heard = has_kubelet(moment, name);
    match condition::find(&node.conditions, "Ready") {
        Some(ready) if ready.is_true() => {
            findings.extend(silent.map(|active| NodeFinding::NotNoticed(active.clone(), watches_nodes(moment))));
        }
        Some(ready) => {
            let kubelet = match silent {
                Some(active) => Kubelet::Silent(active.clone()),
                None if heard => Kubelet::Reports,
                None => Kubelet::Absent,
            };
            let (status, message) = (ready.status.clone(), ready.message.clone());
            findings.push(NodeFinding::NotReady { status, message, kubelet });
        }
        None => findings.push(NodeFinding::NoStatus(heard)),
    }
    findings.extend(node.unschedulable.then(|| NodeFinding::Cordoned(name.clone())));
    findings.extend(node.taints.iter().map(|taint| NodeFinding::Taint(name.clone(), taint.clone())));
    let standing = Standing::Node { ready: node.ready(), silent: silent.cloned() };
    (standing, findings.into_iter().map(Found::new).collect())
}
