//! One sentence for each reason. What we say here is ours: no text a user could take for Kubernetes' own.

use crate::ask::trace::{Match, Pick, State};
use crate::explain::{AddressKind, Component, Flow, Hop, NearMiss, NotEligible, Outcome, Place, Reason, Step, Trace};
use crate::objects::pod_spec::Protocol;

/// The sentence of a station.
pub fn hop(hop: &Hop) -> String {
    let guess = if hop.guessed { " (assumed: its image is not known here)" } else { "" };
    format!("{}{guess}", reason(&hop.reason))
}

/// The sentence.
pub fn reason(reason: &Reason) -> String {
    match reason {
        Reason::ServiceMatched { service, port, via } => format!("{} = Service {service}, port {port}", address_kind(*via)),
        Reason::NoRule => "no rule matches; the packet goes on as it is".to_string(),
        Reason::NoEndpoints { service } => format!("Service {service} has no endpoint that could be used anywhere"),
        Reason::NoLocalEndpoints { external, .. } => none_local(*external),
        Reason::NotRejectedOnOutput { service } => {
            format!("Service {service} has no endpoint, but iptables mode does not reject what the node's own processes send out")
        }
        Reason::LoopbackGuard => "loopback addresses of a node are closed to everybody but the node itself".to_string(),
        Reason::HealthCheckPort { service } => format!("health check port of Service {service}; kube-proxy itself answers there"),
        Reason::SourceNotAllowed { service } => {
            format!("the source is in none of the loadBalancerSourceRanges of Service {service}")
        }
        Reason::NoSuchServicePort => {
            "the address is a cluster IP, but has no such port; nftables and ipvs mode refuse".to_string()
        }
        Reason::UnallocatedServiceIp => {
            "the address lies in the service range and belongs to no Service; nftables mode drops".to_string()
        }
        Reason::NodeDown { node } => format!("{node} has no power; nothing answers"),
        Reason::NobodyHasAddress { ip } => format!("no pod or machine of the cluster has {ip}; nothing answers"),
        Reason::NotRoutedFromOutside { ip } => format!("{ip} exists only inside the cluster; no route leads there from outside"),
        Reason::Delivered => "a process listens there and accepts".to_string(),
        Reason::NothingListens { port, protocol } => {
            format!("the machine answers, but nothing listens on port {port}/{}", protocol.text())
        }
        Reason::BoundToLoopback { port, protocol } => {
            format!("port {port}/{} is open on the loopback address only", protocol.text())
        }
        Reason::AssumedOutside { ip } => format!("{ip} is outside the cluster; that it answers is assumed"),
        Reason::NotModelled { ip } => format!("what is behind {ip} is not known here"),
        Reason::SessionAffinity { service, port, via } => remembered(service, *port, *via),
        Reason::KnownConnection => "a connection that is known here keeps the way of its first packet".to_string(),
        Reason::AnswerNotRestored { node } => {
            format!(
                "the answer does not come back by {node}, which rewrote the address; the client does not know the sender and drops it"
            )
        }
        Reason::OwnsAddress { ip } => format!("owns {ip}"),
        Reason::BalancerPicked { node, of } => format!("the balancer sends it to {node}, one of {of} nodes with power"),
        Reason::NoNodeBehindBalancer => "no node behind the balancer has power".to_string(),
        Reason::HealthyTarget { target, of, since, .. } => {
            format!("the balancer picks {target}, one of {of} that its checks find healthy (for {since})")
        }
        Reason::AllUnhealthy { target, of, .. } => {
            format!("no target passes the balancer's checks; as a last resort it picks {target}, any of {of}")
        }
        Reason::NoHealthyTarget { .. } => "no target passes the balancer's checks, so it sends to none".to_string(),
        Reason::NoSuchBalancerPort { service, port, protocol } => {
            format!("the balancer of Service {service} has no port {port}/{}", protocol.text())
        }
        Reason::NoAddressOfFamily { ip } => {
            format!("the client has no IPv{} address, so it cannot send to {ip}", if ip.is_ipv6() { 6 } else { 4 })
        }
        Reason::NameResolved { .. }
        | Reason::NameNotFound { .. }
        | Reason::NameWithoutAddress { .. }
        | Reason::NameServersSilent { .. } => name(reason),
        Reason::AnswerRestored => "the answer gets back the addresses that the client knows".to_string(),
        Reason::LinkDown { a, b } => format!("nothing gets through between {a} and {b}"),
        Reason::PacketLost { a, b } => format!("lost between {a} and {b}, where some packets are"),
        Reason::PolicyAllowed { flow, pod, policy } => format!("{policy} allows it {} {pod}", way(*flow)),
        Reason::PolicyDenied { flow, pod, policies, near } => {
            format!("no rule of {} allows it {} {pod}{}", policies.join(" or "), way(*flow), near.map_or("", near_miss))
        }
    }
}

fn remembered(service: &str, port: u16, via: AddressKind) -> String {
    let address = address_kind(via);
    format!("{address} = Service {service}, port {port}; session affinity sends this client where it was sent before")
}

/// What a client's resolver made of a name.
fn name(reason: &Reason) -> String {
    match reason {
        Reason::NameResolved { name, ip, questions } => {
            format!("name {name} is {ip}, found by {}", asked(*questions))
        }
        Reason::NameNotFound { name, questions } => {
            format!("the servers know no name {name}: {}, and none was answered with an address", asked(*questions))
        }
        Reason::NameWithoutAddress { name, alias: None, questions } => {
            format!("{name} exists, but has no address: {} asked", asked(*questions))
        }
        Reason::NameWithoutAddress { name, alias: Some(alias), questions } => {
            format!("{name} is an alias of {alias}, for which no address came: {} asked", asked(*questions))
        }
        Reason::NameServersSilent { name, questions } => {
            format!("nobody could tell what {name} is: of {} the last got no usable answer", asked(*questions))
        }
        _ => String::new(),
    }
}

fn none_local(external: bool) -> String {
    let policy = if external { "externalTrafficPolicy" } else { "internalTrafficPolicy" };
    format!("{policy}: Local, so only pods on this node may answer; none could")
}

/// `1 question`, `3 questions`.
fn asked(questions: usize) -> String {
    format!("{questions} question{}", if questions == 1 { "" } else { "s" })
}

fn way(flow: Flow) -> &'static str {
    match flow {
        Flow::Ingress => "into",
        Flow::Egress => "out of",
    }
}

/// The rule that comes closest, as the end of a sentence.
fn near_miss(near: NearMiss) -> &'static str {
    match near {
        NearMiss::OtherPort => " (one allows this peer, on other ports)",
        NearMiss::OtherNamespace => " (one allows such labels, in the policy's own namespace only)",
        NearMiss::OtherPeer => " (one opens this port, for others)",
    }
}

/// What kube-proxy makes of a Service port whose address a packet has, in a clause.
pub fn choice(reason: &Reason, matched: &Match, here: &str) -> String {
    let able = matched.endpoints.iter().filter(|e| e.why_not.is_none()).count();
    let elsewhere = matched.endpoints.iter().any(|e| e.why_not.is_none() && e.node.as_deref() != Some(here));
    match (reason, matched.local) {
        (Reason::SessionAffinity { .. }, _) => "session affinity: this client goes where it went before".to_string(),
        (_, Some(policy)) if elsewhere => {
            let policy = policy.field();
            format!("{policy}: Local, but no pod on {here} may answer: in ipvs mode any may, and the source is kept")
        }
        (_, Some(policy)) => format!("{}: Local, so only pods on {here} may answer", policy.field()),
        (Reason::ServiceMatched { .. }, None) if able == 1 => "one endpoint may answer".to_string(),
        (Reason::ServiceMatched { .. }, None) if matched.pick == Pick::InTurn => {
            format!("{able} endpoints may answer, each in its turn")
        }
        (Reason::ServiceMatched { .. }, None) => format!("draws one of {able} endpoints, each as likely"),
        (Reason::NoEndpoints { .. }, None) if matched.endpoints.is_empty() => {
            format!("Service {} has no endpoint at all", matched.service)
        }
        (Reason::NoEndpoints { .. }, None) => "no endpoint may be used, here or on any node".to_string(),
        (other, None) => self::reason(other),
    }
}

/// Whether the reason that an endpoint is left out says more than its state and node already do.
pub fn adds(why: NotEligible, state: State) -> bool {
    match why {
        NotEligible::NotReady => state != State::NotReady,
        NotEligible::Terminating => !matches!(state, State::Terminating | State::TerminatingServing),
        NotEligible::OtherNode => false,
        NotEligible::OtherZone | NotEligible::Unhealthy { .. } | NotEligible::Draining => true,
    }
}

/// What a station did, in a word or two.
pub fn step(step: Step, protocol: Protocol) -> &'static str {
    match step {
        Step::Dnat => "rewritten",
        Step::Pass => "let through",
        Step::Reject => "REJECT, answered at once",
        Step::Drop => "DROP, silent",
        Step::Forward => "sent on",
        Step::Accept => "accepted",
        Step::Refuse => refusal(protocol),
        Step::Lost => "lost, silent",
        Step::Arrive => "arrived",
        Step::Restore => "restored",
        Step::Resolve => "resolved",
        Step::Unresolved => "not resolved",
    }
}

/// How a kernel says that nobody has a port.
fn refusal(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "RST, refused",
        Protocol::Udp => "ICMP, refused",
        Protocol::Sctp => "ABORT, refused",
    }
}

/// The end of a packet's way in one sentence, after how it ended and where.
pub fn ending(trace: &Trace) -> String {
    let Some(last) = trace.hops.last() else { return String::new() };
    let place = place(&last.place);
    match (trace.outcome, &last.reason) {
        (Outcome::Delivered, Reason::AssumedOutside { ip }) => format!("That {ip} answers is assumed."),
        (Outcome::Delivered, _) if last.guessed => format!("That {place} answers is assumed."),
        (Outcome::Delivered, _) if trace.protocol == Protocol::Udp => {
            format!("It reaches {place}; whether an answer comes is the program's affair.")
        }
        (Outcome::Delivered, _) => format!("Answered by {place}."),
        (Outcome::TimedOut, Reason::NodeDown { node }) if last.place == Place::Client => {
            format!("{node} is down, and the client with it: nothing is sent.")
        }
        (Outcome::TimedOut, reason) => silence(last.component, reason, &place),
        (Outcome::Refused, _) if last.component == Component::KubeProxy => {
            format!("Refused by the rules of {place}; no pod was asked.")
        }
        (Outcome::Refused, _) if last.guessed => format!("{place} is up; that it answers no is assumed."),
        (Outcome::Refused, _) => format!("{place} is up and answered no."),
        (Outcome::Unreachable, _) => "The packet never left the client.".to_string(),
        (Outcome::Unknown, _) => "What answers there is not modelled.".to_string(),
        (Outcome::Unresolved, Reason::NameNotFound { .. }) => {
            "The servers that were asked do not know the name; no packet was sent to any Service.".to_string()
        }
        (Outcome::Unresolved, Reason::NameWithoutAddress { .. }) => {
            "The name exists, but has no address; no packet was sent to any Service.".to_string()
        }
        (Outcome::Unresolved, Reason::NodeDown { node }) => format!("{node} is down, and the client with it: nothing is asked."),
        (Outcome::Unresolved, _) => "No name server gave an answer that helps; no packet was sent to any Service.".to_string(),
        (Outcome::Reset, _) => format!("{place} broke the connection off."),
    }
}

/// Why nothing comes back.
fn silence(component: Component, reason: &Reason, place: &str) -> String {
    match (component, reason) {
        (Component::KubeProxy, _) => format!("Dropped on purpose by {place}; nothing is down."),
        (Component::NetworkPolicy, _) => format!("Dropped by a NetworkPolicy on {place}; nothing is down."),
        (_, Reason::NodeDown { node }) => format!("{node} is down, and the packet was lost there."),
        (_, Reason::LinkDown { a, b }) => format!("Nothing gets through between {a} and {b}."),
        (_, Reason::PacketLost { a, b }) => format!("Lost by chance between {a} and {b}; what is sent again may get through."),
        (_, Reason::NotRoutedFromOutside { .. }) => "The address means nothing outside the cluster.".to_string(),
        (_, Reason::AnswerNotRestored { .. }) => "The pod answers, but the client does not recognise the answer.".to_string(),
        (_, Reason::NoNodeBehindBalancer) => "The balancer has nowhere to send it: no node has power.".to_string(),
        (_, Reason::NoHealthyTarget { .. }) => "The balancer has nowhere to send it: no target passes its checks.".to_string(),
        (_, Reason::NoSuchBalancerPort { port, protocol, .. }) => {
            format!("The balancer does not listen on {port}/{}.", protocol.text())
        }
        (_, Reason::NobodyHasAddress { .. }) => "Nobody has the address, so nobody answers.".to_string(),
        _ => "Nobody answers.".to_string(),
    }
}

/// The short name of a place: that of the node or pod.
pub fn place(place: &Place) -> String {
    match place {
        Place::Node(name) | Place::Pod { name, .. } => name.to_string(),
        other => other.text(),
    }
}

/// What the same symptom does not mean: the ends that learners confuse with this one.
pub fn not_this(outcome: Outcome, reason: &Reason) -> Option<&'static str> {
    Some(match (outcome, reason) {
        (Outcome::TimedOut, Reason::NodeDown { .. }) => {
            "no ready pod anywhere = refused at once; a policy that drops looks the same, but nothing is down"
        }
        (Outcome::TimedOut, Reason::PolicyDenied { .. }) => {
            "no ready pod anywhere = refused at once; a policy Local without local pods = dropped too, by the first node"
        }
        (Outcome::TimedOut, _) => "no ready pod anywhere = refused at once; app not listening = refused after one round trip",
        (Outcome::Refused, Reason::NothingListens { .. } | Reason::BoundToLoopback { .. }) => {
            "no endpoint = refused too, but by the rules, at once; a dead node or a Local policy = no answer at all"
        }
        (Outcome::Refused, _) => {
            "app not listening = refused too, but by the pod, one round trip later; a dead node or a Local policy = no answer at all"
        }
        (Outcome::Unresolved, Reason::NameNotFound { .. }) => {
            "a Service with a cluster IP has a name even without pods; silent name servers = seconds a try, not at once"
        }
        (Outcome::Unresolved, Reason::NodeDown { .. }) => return None,
        (Outcome::Unresolved, Reason::NameWithoutAddress { .. }) => "an unknown name = NXDOMAIN; here the name is known",
        (Outcome::Unresolved, _) => "an unknown name = an answer at once; here none came that could be used",
        (Outcome::Unreachable, _) => "a Service or pod that is down = refused or timed out; here nothing was sent",
        _ => return None,
    })
}

/// The conditions of an endpoint, in a word or two.
pub fn state(state: State) -> &'static str {
    match state {
        State::Ready => "Ready",
        State::NotReady => "not ready",
        State::TerminatingServing => "terminating, still serving",
        State::Terminating => "terminating",
    }
}

/// The kind of an address, as a noun.
pub fn address_kind(kind: AddressKind) -> &'static str {
    match kind {
        AddressKind::ClusterIp => "cluster IP",
        AddressKind::ExternalIp => "external IP",
        AddressKind::LoadBalancerIp => "load balancer IP",
        AddressKind::NodePort => "node port",
    }
}

/// Why an endpoint may not be picked.
pub fn not_eligible(why: NotEligible) -> String {
    match why {
        NotEligible::NotReady => "not ready".to_string(),
        NotEligible::Terminating => "terminating".to_string(),
        NotEligible::OtherNode => "on another node".to_string(),
        NotEligible::OtherZone => "hinted for another zone".to_string(),
        NotEligible::Unhealthy { since } => format!("unhealthy by the balancer's checks (for {since})"),
        NotEligible::Draining => "taken out, draining".to_string(),
    }
}
