//! The answer to one `trace`: the packet's way, and beside it what a person needs to believe it and to change it.
//!
//! The way itself is recorded by the stations ([`super::Trace`]). What is gathered here is looked up afterwards in the photograph
//! that the deciding station had: it adds names and places to a decision and never decides anything. Text and JSON are made from
//! this one value. No real cluster has it.

use std::net::SocketAddr;

use super::{AddressKind, NotEligible, Outcome, Trace};
use crate::engine::time::Duration;
use crate::objects::Name;

/// A way explained.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The way.
    pub trace: Trace,
    /// What was typed as the target, if it was a name.
    pub name: Option<String>,
    /// What the client says, and when.
    pub client: Client,
    /// For each hop of the way, what its decision rested on; `None` where no Service was in play.
    pub matches: Vec<Option<Match>>,
    /// The fields and facts that made it end so.
    pub because: Vec<Cause>,
    /// The same asked of every node that could have been meant.
    pub nodes: Vec<Elsewhere>,
    /// The same asked from somewhere else, if that ends differently.
    pub not_seen_by: Option<Elsewhere>,
    /// What was perhaps meant.
    pub did_you_mean: Vec<String>,
}

/// What the client of a connection says and when: text, exit status of curl, time. curl speaks TCP only: of other protocols
/// there is no text, and no status but that of success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The line a user would read; empty if all went well.
    pub text: String,
    /// Exit status; `None` where none can be told.
    pub exit: Option<i32>,
    /// After this time, in nanoseconds.
    pub after_ns: u64,
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
    pub local: Option<&'static str>,
    /// Every endpoint of the port, by address.
    pub endpoints: Vec<Endpoint>,
    /// How one of them was picked.
    pub pick: Pick,
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

/// A field or fact that made a packet's way end as it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// `Service default/web`; empty for a plain fact.
    pub object: String,
    /// `svc.yaml:14`, where the user wrote the field.
    pub place: Option<String>,
    /// `externalTrafficPolicy: Local`, or a sentence.
    pub text: String,
}

/// How the same question ends elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// The node, or who asks.
    pub who: String,
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
    /// Why it is different; may be empty.
    pub why: &'static str,
}

impl Answer {
    /// A way and nothing around it.
    pub fn bare(trace: Trace, client: Client) -> Answer {
        let matches = vec![None; trace.hops.len()];
        let (because, nodes, did_you_mean) = (Vec::new(), Vec::new(), Vec::new());
        Answer { trace, name: None, client, matches, because, nodes, not_seen_by: None, did_you_mean }
    }
}

impl Client {
    /// All went well, after a time.
    pub fn content(after: Duration) -> Client {
        Client { text: String::new(), exit: Some(0), after_ns: after.as_nanos() }
    }

    /// A client whose words and status are not known.
    pub fn silent(after: Duration) -> Client {
        Client { exit: None, ..Client::content(after) }
    }
}

impl Cause {
    /// A fact without a field.
    pub fn fact(text: impl Into<String>) -> Cause {
        Cause { object: String::new(), place: None, text: text.into() }
    }
}

impl State {
    /// In a word or two.
    pub fn text(self) -> &'static str {
        match self {
            State::Ready => "Ready",
            State::NotReady => "not ready",
            State::TerminatingServing => "terminating, still serving",
            State::Terminating => "terminating",
        }
    }
}

impl Elsewhere {
    /// Sums up a way asked elsewhere.
    pub fn of(who: impl Into<String>, trace: &Trace, why: &'static str) -> Elsewhere {
        let ways = trace.branches.len();
        let delivered = trace.branches.iter().filter(|b| b.outcome == Outcome::Delivered).count();
        let bad = trace.branches.iter().map(|b| b.outcome).find(|o| *o != Outcome::Delivered);
        Elsewhere {
            who: who.into(),
            ways,
            delivered,
            outcome: bad.unwrap_or(trace.outcome),
            dropped: trace.decision == super::Decision::Drop,
            source_kept: trace.masquerade_for.is_empty(),
            why,
        }
    }
}
