//! The stations of a way as rows. What kube-proxy does is told in two: which Service the address stands for, then what the
//! Service's policy and endpoints make of it.

use crate::ask::trace::{Endpoint, Match, Pick, TraceAnswer};
use crate::explain::{Component, Hop, Place, Step};
use crate::objects::pod_spec::Protocol;
use crate::render::prose;

/// Endpoints that are listed before the rest is only counted; the picked one is always listed.
const ENDPOINTS_LISTED: usize = 8;
/// How far details stand to the right of what they belong to.
const DETAIL: usize = 2;

/// One line of the table: a numbered station, or a detail of the one above.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub number: Option<usize>,
    pub place: String,
    pub text: String,
    pub decision: String,
    pub indent: usize,
}

/// All rows, the way back included.
pub(super) fn rows(answer: &TraceAnswer) -> Vec<Row> {
    let mut table = Table { protocol: answer.trace.protocol, ..Table::default() };
    for (index, hop) in answer.trace.hops.iter().enumerate() {
        match answer.matches.get(index).and_then(Option::as_ref) {
            Some(matched) => table.service(hop, matched),
            None => table.station(hop),
        }
    }
    for hop in &answer.trace.return_hops {
        let shown = format!("answer of {} goes to {} as from {}", hop.before.0, hop.after.1.ip(), hop.after.0);
        table.rows.push(Row {
            place: prose::place(&hop.place),
            text: shown,
            decision: prose::step(hop.step, table.protocol).into(),
            ..Row::default()
        });
    }
    table.rows
}

#[derive(Default)]
struct Table {
    protocol: Protocol,
    rows: Vec<Row>,
    number: usize,
}

impl Table {
    fn push(&mut self, hop: &Hop, text: String, decision: &str) {
        self.number += 1;
        // A pod's name is long and moves to the text, so that the column of places stays narrow.
        let (place, text) = match &hop.place {
            Place::Pod { name, .. } => ("pod".to_string(), format!("{name}: {text}")),
            other => (prose::place(other), text),
        };
        self.rows.push(Row { number: Some(self.number), place, text, decision: decision.into(), indent: 0 });
    }

    fn detail(&mut self, text: String, decision: &str) {
        self.rows.push(Row { text, decision: decision.into(), indent: DETAIL, ..Row::default() });
    }

    /// A station where no Service is in play.
    fn station(&mut self, hop: &Hop) {
        let age = hop.view_age.map_or(String::new(), |age| format!(" (view {})", age.brief()));
        let component = match hop.component {
            Component::Network | Component::Server => String::new(),
            other => format!("{}: ", other.text()),
        };
        self.push(hop, format!("{component}{}{age}", prose::hop(hop)), prose::step(hop.step, self.protocol));
        self.rewrites(hop);
        for (endpoint, why) in &hop.not_eligible {
            self.detail(format!("{endpoint}  {}", prose::not_eligible(*why)), "not eligible");
        }
    }

    /// kube-proxy meets an address of a Service.
    fn service(&mut self, hop: &Hop, matched: &Match) {
        let age = hop.view_age.map_or(String::new(), |age| format!(" (view {})", age.brief()));
        let (kind, to) = (prose::address_kind(matched.kind), hop.before.1);
        let address = match matched.kind {
            crate::explain::AddressKind::NodePort => to.port().to_string(),
            _ => to.to_string(),
        };
        self.push(hop, format!("kube-proxy: {kind} {address} = Service {}:{}{age}", matched.service, matched.port), "matched");
        let decision = prose::step(hop.step, self.protocol);
        let told = prose::choice(&hop.reason, matched, &prose::place(&hop.place));
        if matched.endpoints.is_empty() && hop.step != Step::Dnat {
            self.push(hop, told, decision);
            return;
        }
        self.push(hop, told, "");
        self.endpoints(matched);
        let able = matched.endpoints.iter().filter(|e| e.why_not.is_none()).count();
        self.detail(format!("eligible {able} of {}", matched.endpoints.len()), decision);
        self.rewrites(hop);
    }

    /// The endpoints, the picked one first where not all are listed.
    fn endpoints(&mut self, matched: &Match) {
        let endpoints = &matched.endpoints;
        let able = endpoints.iter().filter(|e| e.why_not.is_none()).count();
        let listed = |e: &&Endpoint| endpoints.len() <= ENDPOINTS_LISTED || e.picked;
        let mut list: Vec<&Endpoint> = endpoints.iter().filter(listed).collect();
        let room = ENDPOINTS_LISTED.saturating_sub(list.len());
        if endpoints.len() > ENDPOINTS_LISTED {
            list.extend(endpoints.iter().filter(|e| !e.picked).take(room));
        }
        let width = list.iter().map(|e| name(e).chars().count()).max().unwrap_or_default();
        for endpoint in &list {
            let node = endpoint.node.as_ref().map_or_else(|| "on no node of the cluster".to_string(), |n| format!("on {n}"));
            let decision = match (endpoint.why_not, endpoint.picked, matched.pick) {
                (Some(_), ..) => "not eligible".to_string(),
                (None, true, Pick::Remembered) => "remembered".to_string(),
                (None, false, Pick::Remembered) => "not now".to_string(),
                (None, true, Pick::InTurn) if able > 1 => format!("1/{able}, its turn"),
                (None, true, _) => format!("1/{able}, picked"),
                (None, false, _) => format!("1/{able}"),
            };
            let why = match endpoint.why_not {
                Some(why) if prose::adds(why, endpoint.state) => format!(", {}", prose::not_eligible(why)),
                _ => String::new(),
            };
            self.detail(format!("{:<width$}  {}, {node}{why}", name(endpoint), prose::state(endpoint.state)), &decision);
        }
        if list.len() < endpoints.len() {
            self.detail(format!("and {} more", endpoints.len() - list.len()), "");
        }
    }

    /// What a station wrote into the packet.
    fn rewrites(&mut self, hop: &Hop) {
        let (before, after) = (hop.before, hop.after);
        if before.1 != after.1 {
            self.detail(format!("destination {} becomes {}", before.1, after.1), "");
        }
        if before.0 != after.0 {
            self.detail(format!("source {} becomes {} (masquerade)", before.0.ip(), after.0.ip()), "");
        }
    }
}

/// Pod and address of an endpoint.
fn name(endpoint: &Endpoint) -> String {
    endpoint.pod.as_ref().map_or_else(|| endpoint.address.to_string(), |pod| format!("{pod} {}", endpoint.address))
}
