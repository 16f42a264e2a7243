//! What is broken on purpose, in words, with the command that mends it.
//!
//! In a real cluster nobody is told: a dead machine, a cut cable and a kubelet that hangs look alike from the API server.

use crate::cluster::faults::{ActiveFault, Fault, NodeFault};
use crate::network::graph::CUT;

/// `heal node/node-2`.
pub fn heal(active: &ActiveFault) -> String {
    format!("heal {}", active.fault.target())
}

/// The thing itself: `node/node-2`, `link/node-2/switch`.
pub fn thing(active: &ActiveFault) -> String {
    let target = active.fault.target();
    target.split(' ').next().unwrap_or_default().to_string()
}

/// What is wrong with it and what mends it, as the end of a sentence about the thing itself.
pub fn state(active: &ActiveFault) -> String {
    let state = match (&active.fault, &active.link) {
        (Fault::Node(_, NodeFault::PowerOff), _) => "has no power".to_string(),
        (Fault::Node(_, NodeFault::KubeletStop), _) => "has a kubelet that does not run".to_string(),
        (Fault::Node(_, NodeFault::Partition), _) => "is cut off".to_string(),
        (Fault::Link(_, CUT), _) => "is cut".to_string(),
        (Fault::Link(_, ppm), _) => format!("loses {}% of all packets", percent(*ppm)),
        (Fault::Proxy(_), _) => "is stopped".to_string(),
        (Fault::Dns | Fault::ApiServer, _) => "does not answer".to_string(),
        (Fault::Pod(..), _) => "has lost its containers".to_string(),
    };
    format!("{state} (`{}` mends it)", heal(active))
}

/// What a node suffers from, in half a sentence.
pub fn of_node(active: &ActiveFault, node: &str) -> String {
    match (&active.fault, &active.link) {
        (Fault::Node(_, NodeFault::PowerOff), _) => format!("{node} has no power"),
        (Fault::Node(_, NodeFault::KubeletStop), _) => format!("the kubelet of {node} does not run"),
        (Fault::Proxy(_), _) => format!("kube-proxy of {node} does not run"),
        (_, Some(((a, b), _))) => {
            format!("{node} does not reach the API server (nothing gets through between {a} and {b})")
        }
        (Fault::ApiServer, None) => "the API server does not answer".to_string(),
        (Fault::Dns, None) => "cluster DNS does not answer".to_string(),
        (Fault::Node(..) | Fault::Link(..), None) => format!("{node} is cut off"),
        (Fault::Pod(..), None) => format!("a pod of {node} has lost its containers"),
    }
}

/// `2.5` for 25,000 of a million.
fn percent(ppm: u32) -> String {
    let text = format!("{}.{:04}", ppm / 10_000, ppm % 10_000);
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::graph::pair;

    #[test]
    fn each_fault_is_told_and_mended() {
        let node = |how| Fault::Node("n".into(), how);
        let link = |ppm| Fault::Link(pair("n", "switch"), ppm);
        let wire = Some((pair("n", "switch"), CUT));
        for (fault, link, states, suffers) in [
            (node(NodeFault::PowerOff), None, "has no power (`heal node/n` mends it)", "n has no power"),
            (
                node(NodeFault::KubeletStop),
                None,
                "has a kubelet that does not run (`heal node/n --mode kubelet-stop` mends it)",
                "the kubelet of n does not run",
            ),
            (
                node(NodeFault::Partition),
                wire.clone(),
                "is cut off (`heal node/n --mode partition` mends it)",
                "n does not reach the API server (nothing gets through between n and switch)",
            ),
            (
                link(CUT),
                wire.clone(),
                "is cut (`heal link/n/switch` mends it)",
                "n does not reach the API server (nothing gets through between n and switch)",
            ),
            (
                link(25_000),
                Some((pair("n", "switch"), 25_000)),
                "loses 2.5% of all packets (`heal link/n/switch` mends it)",
                "n does not reach the API server (nothing gets through between n and switch)",
            ),
            (Fault::Proxy("n".into()), None, "is stopped (`heal proxy/n` mends it)", "kube-proxy of n does not run"),
            (Fault::Dns, None, "does not answer (`heal dns` mends it)", "cluster DNS does not answer"),
            (Fault::ApiServer, None, "does not answer (`heal apiserver` mends it)", "the API server does not answer"),
            (
                Fault::Pod("a".into(), "b".into()),
                None,
                "has lost its containers (`heal pod/a/b` mends it)",
                "a pod of n has lost its containers",
            ),
        ] {
            let active = ActiveFault { fault, link };
            assert_eq!((state(&active), of_node(&active, "n")), (states.to_string(), suffers.to_string()));
            assert!(!thing(&active).contains(' '));
        }
    }
}
