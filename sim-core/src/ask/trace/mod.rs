//! `trace`: where a connection goes, a new one or one that may be known, and why.
//!
//! First the way of the one packet that was asked for, then the same question asked elsewhere, and what all of it rested on.

mod answer;
mod because;
mod client;
mod elsewhere;
mod names;
mod resolver;

use std::net::SocketAddr;

pub use self::answer::{Client, Difference, Elsewhere, Endpoint, LocalPolicy, Match, Pick, Said, State, TraceAnswer, Vantage};
pub use self::client::client;
use self::resolver::Resolved;
use super::cause::Because;
use super::find::{self, Unanswerable};
use super::hints::{self, Hint};
use super::moment::Moment;
use super::target::TraceTarget;
use crate::ask::facts;
use crate::engine::time::Duration;
use crate::explain::{Decision, Hop, Outcome, Place, Trace};
use crate::network::wire::Source;
use crate::objects::pod_spec::Protocol;
use crate::proxy::Mode;

/// Where a connection goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceQuestion {
    /// Where it begins; an address says at which node it enters.
    pub from: Source,
    /// Where it is to go.
    pub to: TraceTarget,
    /// Transport protocol.
    pub protocol: Protocol,
    /// The client's port, if the question is about a connection that may be known already.
    pub client_port: Option<u16>,
}

/// A target that was looked up.
#[derive(Clone, Debug)]
struct Target {
    /// The address; the unspecified one if the name was not resolved.
    to: SocketAddr,
    /// The host as typed, if it was a name that had to be resolved.
    name: Option<String>,
    /// What the resolver did.
    resolver: Option<Resolved>,
}

/// A question whose ends are known.
struct Asked<'a> {
    from: &'a Source,
    target: &'a Target,
    protocol: Protocol,
}

/// The answer to a question.
pub fn answer(moment: &Moment<'_>, question: &TraceQuestion) -> Result<TraceAnswer, Unanswerable> {
    find::source(moment.cluster, &question.from)?;
    let target = resolver::target(moment, &question.to, &question.from)?;
    Ok(explained(moment, &Asked { from: &question.from, target: &target, protocol: question.protocol }, question.client_port))
}

fn explained(moment: &Moment<'_>, asked: &Asked<'_>, client_port: Option<u16>) -> TraceAnswer {
    let target = asked.target;
    let mut trace = match client_port {
        _ if target.is_unresolved() => unresolved(asked),
        Some(port) => moment.way_of_port(asked.from, target.to, asked.protocol, port),
        None => moment.way(asked.from, target.to, asked.protocol),
    };
    if let Some(resolved) = target.resolver.as_ref().filter(|_| trace.outcome != Outcome::Unresolved) {
        trace.hops.insert(0, resolved.hop.clone());
    }
    let host = target.name.clone().unwrap_or_else(|| target.to.ip().to_string());
    let mut client = client(&trace, &host, target.to.port());
    client.resolving = target.resolver.as_ref().map_or(Duration::ZERO, |resolved| resolved.spent);
    let matches = matches(moment, &trace);
    let (because, did_you_mean) = causes(moment, asked, &trace, &matches);
    let not_seen_by = match trace.outcome {
        Outcome::Unresolved => elsewhere::name_not_seen_by(moment, asked),
        _ => elsewhere::not_seen_by(moment, asked.from, &trace, &matches),
    };
    let nodes = elsewhere::nodes(moment, asked.from, &trace, &matches);
    TraceAnswer { because, nodes, not_seen_by, name: target.name.clone(), client, matches, did_you_mean, trace }
}

/// Why it ended so, and what was perhaps meant.
fn causes(moment: &Moment<'_>, asked: &Asked<'_>, trace: &Trace, matches: &[Option<Match>]) -> (Vec<Because>, Vec<Hint>) {
    match (trace.outcome, names::in_vain(moment, asked)) {
        (Outcome::Unresolved, Some(in_vain)) => names::explained(moment, asked, &in_vain),
        (Outcome::Delivered, _) => (because::because(moment, trace, matches), Vec::new()),
        _ => (because::because(moment, trace, matches), hints::of_trace(moment.view(), trace)),
    }
}

/// The way of a packet that was never sent, because its name has no address.
fn unresolved(asked: &Asked<'_>) -> Trace {
    let hop = asked.target.resolver.as_ref().map(|resolved| resolved.hop.clone());
    let to = asked.target.to;
    Trace {
        asked: (hop.as_ref().map_or(to, |h| h.before.0), to),
        protocol: asked.protocol,
        hops: hop.into_iter().collect(),
        decision: Decision::Pass,
        candidates: Vec::new(),
        chosen: None,
        masquerade: false,
        masquerade_for: Vec::new(),
        outcome: Outcome::Unresolved,
        round_trip: Duration::ZERO,
        seen_source: None,
        branches: Vec::new(),
        return_hops: Vec::new(),
    }
}

/// For each hop of kube-proxy the Service and endpoints, as that node had them programmed.
fn matches(moment: &Moment<'_>, trace: &Trace) -> Vec<Option<Match>> {
    let cluster = moment.cluster;
    let pick = if cluster.config.proxy.mode == Mode::Ipvs { Pick::InTurn } else { Pick::Drawn };
    let of = |hop: &Hop| {
        let Place::Node(node) = &hop.place else { return None };
        let (view, _) = cluster.proxies.programmed(node)?;
        facts::matched(view, trace, hop, pick).or_else(|| facts::matched(moment.view(), trace, hop, pick))
    };
    trace.hops.iter().map(of).collect()
}

impl Target {
    /// Whether its name has no address, or none that was found.
    fn is_unresolved(&self) -> bool {
        self.resolver.is_some() && self.to.ip().is_unspecified()
    }
}
