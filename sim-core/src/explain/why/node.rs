//! A node: whether it is heard of, what is broken about it, and what keeps pods away from it.

use super::{Finding, Found, Ground, Verdict};
use crate::explain::trouble::{Kind, Trouble};
use crate::objects::condition;
use crate::objects::node::{Node, Taint};

/// Why a node is as it is.
pub(super) fn why(ground: &Ground<'_>, node: &Node) -> Found {
    let name = &node.meta.name;
    let troubles = (ground.troubles)(name);
    let silent = troubles.iter().find(|t| t.silences_kubelet() && t.kind != Kind::NoApiServer);
    let mut findings: Vec<Finding> = troubles.iter().filter(|t| t.kind != Kind::NoApiServer).map(|t| broken(t, name)).collect();
    let heard = (ground.has_kubelet)(name);
    match condition::find(&node.conditions, "Ready") {
        Some(ready) if ready.is_true() => findings.extend(silent.map(|trouble| not_noticed(ground, trouble))),
        Some(ready) => {
            let text = format!("Ready={}: {}", ready.status, ready.message);
            let way_out = match silent {
                Some(trouble) => trouble.heal.clone(),
                None if heard => "its kubelet reports again: let time pass: `advance 10s`".to_string(),
                None => "no kubelet reports for it here: the status is as it was written".to_string(),
            };
            findings.push(Finding::new("not-ready", text, way_out));
        }
        None if heard => {
            let text = "its kubelet has not reported yet";
            findings.push(Finding::new("no-status", text, "let time pass: `advance 10s`"));
        }
        None => {
            let text = "no kubelet reports for it";
            findings.push(Finding::new(
                "no-status",
                text,
                "a machine of that name (spec.cluster.nodes), in a cluster with kubelets",
            ));
        }
    }
    if node.unschedulable {
        let text = "spec.unschedulable: no new pod is placed on it";
        findings.push(Finding::new("cordoned", text, format!("kubectl uncordon {name}")));
    }
    findings.extend(node.taints.iter().map(|t| taint(name, t)));
    let verdict = match (node.ready(), silent.map(|t| &t.kind)) {
        (false, _) => "NotReady",
        (true, Some(Kind::NoPower)) => "called Ready, but down",
        (true, Some(Kind::CutOff(..))) => "called Ready, but cut off",
        (true, Some(Kind::KubeletStopped)) => "called Ready, but its kubelet does not run",
        (true, Some(Kind::NoApiServer | Kind::ProxyStopped) | None) => "Ready",
    };
    (Verdict::is(verdict), findings)
}

/// What is broken, and what goes on in spite of it.
fn broken(trouble: &Trouble, node: &str) -> Finding {
    let (code, but) = match trouble.kind {
        Kind::NoPower => ("no-power", "nothing on it runs"),
        Kind::CutOff(..) => ("cut-off", "what runs on it goes on, and nobody hears of it"),
        Kind::NoApiServer => ("no-api-server", "nothing is decided"),
        Kind::KubeletStopped => ("kubelet-stopped", "its containers and rules go on, and nobody hears of them"),
        Kind::ProxyStopped => ("proxy-stopped", "its rules stay as they are"),
    };
    Finding::new(code, format!("{}: {but}", trouble.text(node)), trouble.heal.clone())
}

/// The API still calls it Ready.
fn not_noticed(ground: &Ground<'_>, trouble: &Trouble) -> Finding {
    let (text, way_out) = match ground.watches_nodes {
        true => (
            "nobody has noticed yet: the control plane waits for 50 s of silence (40 s before 1.32)",
            format!("let time pass, or {}", trouble.heal),
        ),
        false => ("nobody will notice: the node lifecycle controller does not run in this cluster", trouble.heal.clone()),
    };
    Finding::new("not-noticed", text, way_out)
}

fn taint(node: &str, taint: &Taint) -> Finding {
    let (key, effect) = (&taint.key, &taint.effect);
    let value = if taint.value.is_empty() { String::new() } else { format!("={}", taint.value) };
    let way_out = match (key.starts_with("node.kubernetes.io/"), &**effect) {
        (true, "NoExecute") => {
            "the control plane sets and removes it; pods stay for the tolerationSeconds they have for it".to_string()
        }
        (true, _) => "the control plane sets and removes it".to_string(),
        (false, _) => format!("kubectl taint nodes {node} {key}:{effect}-"),
    };
    Finding::new("taint", format!("taint {key}{value}:{effect}"), way_out)
}
