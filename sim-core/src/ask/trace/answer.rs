//! The answer to one `trace`: the packet's way, and beside it what a person needs to believe it and to change it.
//!
//! The way itself is recorded by the stations ([`crate::explain::Trace`]). What is gathered here is looked up afterwards in the
//! photograph that the deciding station had: it adds names and places to a decision and never decides anything. Text and JSON are
//! made from this one value. No real cluster has it.

use std::net::SocketAddr;

use crate::ask::cause::Because;
use crate::ask::hints::Hint;
use crate::engine::time::Duration;
use crate::explain::{AddressKind, Decision, NotEligible, Outcome, Trace};
use crate::network::client::End;
use crate::objects::Name;

/// A way explained.
#[derive(Clone, Debug)]
pub struct TraceAnswer {
    /// The way.
    pub trace: Trace,
    /// What was typed as the target, if it was a name.
    pub name: Option<String>,
    /// What the client says, and when.
    pub client: Client,
    /// For each hop of the way, what its decision rested on; `None` where no Service was in play.
    pub matches: Vec<Option<Match>>,
    /// The fields and facts that made it end so.
    pub because: Vec<Because>,
    /// The same asked of every node that could have been meant.
    pub nodes: Vec<Elsewhere>,
    /// The same asked from somewhere else, if that ends differently.
    pub not_seen_by: Option<Elsewhere>,
    /// What was perhaps meant.
    pub did_you_mean: Vec<Hint>,
}

/// What the client of a connection says and when, if it is curl. curl speaks TCP only: of other protocols there is no text, and
/// no status but that of success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The host it calls, as typed,
    pub host: String,
    /// and the port.
    pub port: u16,
    /// What it says.
    pub said: Said,
    /// How long the connection took, or the wait for one.
    pub connecting: Duration,
    /// How long the name took before.
    pub resolving: Duration,
}

/// What a client says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// Nothing: all went well.
    AllWell,
    /// It is not known.
    Unknown,
    /// That the connection ended so.
    Fails(End),
}

/// The Service port that a packet's destination stood for, and what is behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// `default/web`.
    pub service: Name,
    /// Name of the port; its number if it has none.
    pub port: Name,
    /// The kind of address.
    pub kind: AddressKind,
    /// The policy that keeps traffic on the node, if it applies to this packet.
    pub local: Option<LocalPolicy>,
    /// Every endpoint of the port, by address.
    pub endpoints: Vec<Endpoint>,
    /// How one of them was picked.
    pub pick: Pick,
}

/// A field of a Service whose value `Local` keeps traffic on the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalPolicy {
    /// `externalTrafficPolicy`
    External,
    /// `internalTrafficPolicy`
    Internal,
}

/// How one is picked of the endpoints that may answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// By a draw, each as likely.
    Drawn,
    /// Each in its turn (ipvs).
    InTurn,
    /// The one that the client was sent to before (session affinity).
    Remembered,
}

/// One endpoint as the deciding node saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its address.
    pub address: SocketAddr,
    /// The pod behind it.
    pub pod: Option<Name>,
    /// Its conditions.
    pub state: State,
    /// Its node.
    pub node: Option<Name>,
    /// Why it may not be picked; `None` if it may.
    pub why_not: Option<NotEligible>,
    /// Whether it was.
    pub picked: bool,
}

/// The conditions of an endpoint, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum State {
    Ready,
    NotReady,
    TerminatingServing,
    Terminating,
}

/// How the same question ends elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// Where.
    pub vantage: Vantage,
    /// Of so many ways,
    pub ways: usize,
    /// so many are delivered.
    pub delivered: usize,
    /// How the others end, or all.
    pub outcome: Outcome,
    /// Whether the rules dropped it on purpose.
    pub dropped: bool,
    /// Whether the server sees the client's own address.
    pub source_kept: bool,
    /// Why it is different, if that is known.
    pub why: Option<Difference>,
}

/// Another place to ask from, or to ask at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Vantage {
    /// A node.
    Node(Name),
    /// A pod on this node.
    PodOn(Name),
    /// A pod.
    Pod,
    /// A machine outside.
    Outside,
}

/// Why a question ends differently elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Traffic of the cluster itself is not bound by `externalTrafficPolicy: Local`.
    LocalSkipped,
    /// The address works inside the cluster only.
    InsideOnly,
    /// Source ranges are checked for traffic from outside only.
    SourceRanges,
    /// Pods ask cluster DNS.
    ClusterDns,
}

impl TraceAnswer {
    /// A way and nothing around it.
    pub fn bare(trace: Trace, client: Client) -> TraceAnswer {
        let matches = vec![None; trace.hops.len()];
        let (because, nodes, did_you_mean) = (Vec::new(), Vec::new(), Vec::new());
        TraceAnswer { trace, name: None, client, matches, because, nodes, not_seen_by: None, did_you_mean }
    }

    /// What kube-proxy on the first node decided.
    pub fn decision(&self) -> Decision {
        self.trace.decision
    }

    /// How it ended.
    pub fn outcome(&self) -> Outcome {
        self.trace.outcome
    }
}

impl Client {
    /// From when the name was asked for.
    pub fn after(&self) -> Duration {
        Duration::from_nanos(self.connecting.as_nanos().saturating_add(self.resolving.as_nanos()))
    }
}

impl LocalPolicy {
    /// The name of the field.
    pub fn field(self) -> &'static str {
        match self {
            LocalPolicy::External => "externalTrafficPolicy",
            LocalPolicy::Internal => "internalTrafficPolicy",
        }
    }
}

impl Pick {
    /// A stable code for scripts.
    pub fn code(self) -> &'static str {
        match self {
            Pick::Drawn => "drawn",
            Pick::InTurn => "in-turn",
            Pick::Remembered => "remembered",
        }
    }
}

impl Elsewhere {
    /// Sums up a way asked elsewhere.
    pub fn of(vantage: Vantage, trace: &Trace, why: Option<Difference>) -> Elsewhere {
        let ways = trace.branches.len();
        let delivered = trace.branches.iter().filter(|b| b.outcome == Outcome::Delivered).count();
        let bad = trace.branches.iter().map(|b| b.outcome).find(|o| *o != Outcome::Delivered);
        Elsewhere {
            vantage,
            ways,
            delivered,
            outcome: bad.unwrap_or(trace.outcome),
            dropped: trace.decision == Decision::Drop,
            source_kept: trace.masquerade_for.is_empty(),
            why,
        }
    }
}
