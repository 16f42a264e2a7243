//! What is broken about a node, in words, with the command that mends it.
//!
//! In a real cluster nobody is told: a dead machine, a cut cable and a kubelet that hangs look alike from the API server. Here the
//! simulator broke them and knows. Left out: pods and DNS, which are no part of a node.

/// Something broken that a node suffers from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trouble {
    /// What.
    pub kind: Kind,
    /// The command that mends it: `heal node/node-2`.
    pub heal: String,
}

/// What can be broken, the worst first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The machine is off: nothing on it runs.
    NoPower,
    /// The machine runs and does not reach the API server, because nothing gets through between these two stations.
    CutOff(String, String),
    /// The API server answers nobody.
    NoApiServer,
    /// The kubelet does not run; containers and rules go on.
    KubeletStopped,
    /// kube-proxy does not run; the rules stay as they were.
    ProxyStopped,
}

impl Trouble {
    /// The fact in half a sentence.
    pub fn text(&self, node: &str) -> String {
        match &self.kind {
            Kind::NoPower => format!("{node} has no power"),
            Kind::CutOff(a, b) => {
                format!("{node} does not reach the API server (nothing gets through between {a} and {b})")
            }
            Kind::NoApiServer => "the API server does not answer".to_string(),
            Kind::KubeletStopped => format!("the kubelet of {node} does not run"),
            Kind::ProxyStopped => format!("kube-proxy of {node} does not run"),
        }
    }

    /// Whether what the kubelet has to say does not arrive.
    pub fn silences_kubelet(&self) -> bool {
        self.kind != Kind::ProxyStopped
    }

    /// Whether the node's rules do not follow what is changed.
    pub fn holds_rules(&self) -> bool {
        self.kind != Kind::KubeletStopped
    }
}
