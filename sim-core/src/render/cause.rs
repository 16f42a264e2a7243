//! One sentence, or half of one, for each cause.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::words::{self, count, pairs, some, some_of};
use super::{fault, prose};
use crate::ask::cause::{Asker, Because, Cause, Closed, NameCause, Nobody, NotProgrammed, NotTaken, OTHER_PROXY};
use crate::explain::ObjectName;
use crate::objects::Name;
use crate::objects::labels::Labels;

/// `svc.yaml:14 externalTrafficPolicy: Local`, or the object instead of the place.
pub fn text(because: &Because) -> String {
    let text = sentence(&because.cause);
    match (&because.place, object(because)) {
        (Some(place), _) => format!("{place} {text}"),
        (None, object) if object.is_empty() => text,
        (None, object) => format!("{object} {text}"),
    }
}

/// The JSON form.
pub fn json(because: &Because) -> Value {
    let place = because.place.as_ref().map(ToString::to_string);
    json!({"object": object(because), "place": place, "text": sentence(&because.cause)})
}

/// What it is about; empty for a plain fact.
fn object(because: &Because) -> String {
    match &because.cause {
        Cause::Broken(active) => fault::thing(active),
        _ => because.about.as_ref().map(ObjectName::to_string).unwrap_or_default(),
    }
}

/// The cause itself.
pub fn sentence(cause: &Cause) -> String {
    match cause {
        Cause::Field(key, value) => format!("{key}: {value}"),
        Cause::SourceRanges(ranges) => format!("loadBalancerSourceRanges: [{}]", ranges.join(", ")),
        Cause::Selector(labels) => format!("selector {}", pairs(labels)),
        Cause::NodeSelector(key, value) => format!("nodeSelector {key}={value}"),
        Cause::PodSelector(selector) => format!("podSelector {}", words::selector(selector)),
        Cause::PolicySelectsPod => "podSelector selects the pod".to_string(),
        Cause::BindsLoopback(port) => format!(
            "the program binds port {port} to 127.0.0.1; a listener for others binds 0.0.0.0 (a container's port list opens nothing)"
        ),
        Cause::Concerns(object) => object.to_string(),
        Cause::Finds { selector, endpoints, able } => finds(selector.as_ref(), *endpoints, *able),
        Cause::FindsNobody(labels, why) => format!("selector {} {}", pairs(labels), nobody(why)),
        Cause::NoSelector => {
            "no selector, so nobody fills its endpoints but you: an EndpointSlice with the label kubernetes.io/service-name, \
             whose port has the same name"
                .to_string()
        }
        Cause::OldRules { age, lack, gone, changed } => {
            format!("has rules that are {} old: they {}", age.brief(), differences(*lack, *gone, *changed))
        }
        Cause::Placement { unspread, by_node } => placement(unspread.as_ref(), by_node),
        Cause::Listening { asked, open } if open.is_empty() => {
            format!("no program there listens at all, so not on {asked} either")
        }
        Cause::Listening { open, .. } => format!("the programs there listen on {}", words::ports(open)),
        Cause::NodePortNotTaken { port, node, why } => {
            format!("has {port} as a node port of {node}, {}", not_taken(node, why))
        }
        Cause::NotProgrammed(why) => not_programmed(why),
        Cause::SourceKept(node, source) => format!("{node} leaves the source {source} as it is"),
        Cause::NodeDown { fault, ready } => {
            let state = fault.as_ref().map_or_else(|| "has no power".to_string(), fault::state);
            let seen = ready.map_or("nothing of it", |ready| if ready { "Ready" } else { "NotReady" });
            format!("{state}; kubectl get nodes says {seen}")
        }
        Cause::StillReady(1) => "its endpoint still counts as ready".to_string(),
        Cause::StillReady(n) => format!("its {n} endpoints still count as ready"),
        Cause::PodGone => "the pod that had this address is gone, and the rules of the node still name it".to_string(),
        Cause::NobodyHas(ip) => format!("no Service and no pod has {ip}"),
        Cause::Ports { ports, asked: (port, protocol) } => {
            let taken: Vec<&str> = ports.iter().filter(|(p, _)| p == port).map(|(_, protocol)| protocol.text()).collect();
            let why = match taken.is_empty() {
                true => format!("{port} is none of them"),
                false => format!("{port} is {} only, and {} was asked for", taken.join(" and "), protocol.text()),
            };
            format!("ports: {}; {why}", words::ports(ports))
        }
        Cause::Broken(active) => fault::state(active),
        Cause::Name(cause) => of_name(cause),
    }
}

/// Why a name was not resolved.
fn of_name(cause: &NameCause) -> String {
    match cause {
        NameCause::AsksElsewhere { asker, servers, full } => asks_elsewhere(asker, servers, full),
        NameCause::NotSearched(full) => format!("is {full} in full; the client's search list does not lead there"),
        NameCause::AliasWithoutAddress(other) => {
            let why = match other.parse::<IpAddr>() {
                Ok(_) => "which is an address, not a name".to_string(),
                Err(_) => format!("and no server that cluster DNS asks gives {other} an address"),
            };
            format!("externalName: {other}, {why}")
        }
        NameCause::HeadlessWithout(ready) => {
            let have =
                if *ready == 0 { "it has none".to_string() } else { format!("it has {} by now", count(*ready, "address")) };
            format!("clusterIP: None, so its name stands for the addresses of its ready pods, and {have}")
        }
        NameCause::NotTold => {
            "exists; the server that answered does not tell of it, by an older view or by its Corefile".to_string()
        }
        NameCause::ServerAnswers(ip, rcode) => format!("{ip} answers {}", rcode.text()),
        NameCause::ServerSilent(server) => format!("a way to {server}/UDP is open, but no answer comes"),
        NameCause::WayToServer(server, way) => format!("to {server}/UDP: {}", prose::ending(way).trim_end_matches('.')),
    }
}

fn finds(selector: Option<&Labels>, endpoints: usize, able: Option<usize>) -> String {
    let able = able.map_or(String::new(), |able| format!(", of which {able} may answer here"));
    match selector {
        Some(labels) => format!("selector {} finds {}{able}", pairs(labels), count(endpoints, "endpoint")),
        None => format!("endpoints made by hand: {endpoints}{able}"),
    }
}

/// Why a selector finds nobody who may be used.
fn nobody(why: &Nobody) -> String {
    match why {
        Nobody::NoPod(namespace) => format!("matches no pod of namespace {namespace}"),
        Nobody::NotReady(all, unready) => {
            format!("matches {}, {} not ready: {}", count(*all, "pod"), unready.len(), some(unready))
        }
        Nobody::NoPortNumber(all) => format!("matches {}, but none gives this port a number", count(*all, "pod")),
        Nobody::NotSeenReady(all) => {
            format!("matches {}, whose endpoints are not ready as this node last saw them", count(*all, "pod"))
        }
    }
}

/// In what rules differ from the API.
fn differences(lack: usize, gone: usize, changed: usize) -> String {
    let parts = [("lack", lack, ""), ("name", gone, " that is gone by now"), ("hold", changed, " in a state that has changed")];
    let parts = parts.iter().filter(|(_, n, _)| *n > 0);
    let parts: Vec<String> = parts.map(|(verb, n, what)| format!("{verb} {}{what}", count(*n, "endpoint"))).collect();
    parts.join(", ")
}

/// Where the pods of a Service are.
fn placement(unspread: Option<&Name>, by_node: &[(Option<Name>, usize)]) -> String {
    let name = |node: &Option<Name>| node.as_deref().unwrap_or("no node").to_string();
    let place = match by_node {
        [(node, 1)] => format!("its one pod is on {}", name(node)),
        [(node, 2)] => format!("both pods are on {}", name(node)),
        [(node, n)] => format!("all {n} pods are on {}", name(node)),
        all => {
            let listed = all.iter().take(words::LISTED_MAX + 1).map(|(node, n)| format!("{n} on {}", name(node)));
            format!("its pods: {}", listed.collect::<Vec<_>>().join(", "))
        }
    };
    unspread.map_or(place.clone(), |deployment| format!("Deployment {deployment} has no spread, {place}"))
}

/// Why kube-proxy takes no packet at a node port.
fn not_taken(node: &str, why: &NotTaken) -> String {
    match why {
        NotTaken::Protocol(has, asked) => format!("for {} only, and {} was asked for", has.text(), asked.text()),
        NotTaken::Closed(closed, open) => {
            let open = if open.is_empty() { "nowhere".to_string() } else { format!("at {}", some_of(open)) };
            format!("and {}; {node} takes them {open}", self::closed(*closed))
        }
    }
}

fn closed(closed: Closed) -> String {
    match closed {
        Closed::Loopback => "kube-proxy takes none on that loopback address, as this cluster is set".to_string(),
        Closed::FirstAddressOnly => "nftables mode takes node ports on a node's first address of a family only".to_string(),
        Closed::LeftOut(ip) => format!("nodePortAddresses leaves {ip} out"),
    }
}

fn not_programmed(why: &NotProgrammed) -> String {
    match why {
        NotProgrammed::OtherProxy => format!("the label {OTHER_PROXY} leaves it to another proxy than kube-proxy"),
        NotProgrammed::OldRules(node, age) => {
            format!("has this port, and {node} has no rule for it: its rules are {} old", age.brief())
        }
        NotProgrammed::NotMet => "has this port, and no rule for it was met".to_string(),
    }
}

/// Whom a client asks and why them, if that is not the cluster.
fn asks_elsewhere(asker: &Asker, servers: &[IpAddr], full: &str) -> String {
    let whom = if servers.is_empty() { "nobody".to_string() } else { some_of(servers) };
    let text = format!("asks {whom}, which is not cluster DNS; only that knows {full}");
    match asker {
        Asker::Outside => format!("a machine outside {text}"),
        Asker::Node => text,
        Asker::Pod(policy, host_network) => {
            let network = if *host_network { "hostNetwork: true, " } else { "" };
            format!("{network}dnsPolicy: {policy}, so it {text}")
        }
    }
}

#[cfg(test)]
#[path = "cause_tests.rs"]
mod tests;
