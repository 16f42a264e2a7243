//! Why a question has no answer, with what there is instead; and what is wrong with the way its ends are written.

use super::words::some;
use super::{limit, reach};
use crate::ask::find::{Absent, Unanswerable};
use crate::ask::reach::PAIRS_MAX;
use crate::ask::rules::PORTS_MAX;
use crate::ask::source::BadSource;
use crate::ask::target::BadTarget;

/// The refusal.
pub fn text(why: &Unanswerable) -> String {
    match why {
        Unanswerable::NoNode { node, known } => format!("node `{node}` does not exist; the nodes are {}", some(known)),
        Unanswerable::NoPod(absent) => {
            absent_of(absent, "pod", absent.elsewhere.as_ref().map(|ns| format!("pod/{ns}/{}", absent.name)), "no pods")
        }
        Unanswerable::NoService(absent) => {
            let elsewhere = absent.elsewhere.as_ref().map(|ns| format!("svc/{ns}/{}", absent.name));
            absent_of(&Absent { near: Vec::new(), ..absent.clone() }, "Service", elsewhere, "no Services")
        }
        Unanswerable::NoObject { kind, singular, absent } => no_object(kind, singular, absent),
        Unanswerable::NoNamespace(name) => {
            format!("namespace `{name}` does not exist; `kubectl get namespaces` lists them")
        }
        Unanswerable::PodWithoutNode(namespace, name) => {
            format!("pod {namespace}/{name} has no node yet, so it cannot send; `why pod/{namespace}/{name}` says why")
        }
        Unanswerable::PodWithoutAddress(namespace, name) => {
            format!("pod {namespace}/{name} has no address yet; let time pass: `advance to pod/{namespace}/{name} ready`")
        }
        Unanswerable::ServiceIsAlias { namespace, name, other } => {
            format!("Service {namespace}/{name} is only an alias: it has no address; trace {other}")
        }
        Unanswerable::ServiceIsHeadless(namespace, name) => {
            format!("Service {namespace}/{name} is headless: it has no address; trace its name from a pod, or a pod's address")
        }
        Unanswerable::NameWithoutAddress(host) => format!("Service {host} has no address"),
        Unanswerable::NotAPort(text) => bad_port(text),
        Unanswerable::Stopped(stop) => limit::text(*stop),
        Unanswerable::NoProxy(node) => format!("node `{node}` runs no kube-proxy"),
        Unanswerable::TooManyPorts { node, ports } => format!(
            "{node} has {ports} Service ports, and {PORTS_MAX} are printed at most; name one: rules node/{node} svc/NAMESPACE/NAME"
        ),
        Unanswerable::NoSources(left_out) => format!("--from finds nobody that could send: {}", reach::all_left_out(left_out)),
        Unanswerable::NoTargets(left_out) => format!("--to finds nothing that could be asked: {}", reach::all_left_out(left_out)),
        Unanswerable::TooManyPairs { sources, targets } => format!(
            "{sources} sources times {targets} targets are {} pairs, and {PAIRS_MAX} are asked at most; narrow it: --from external,ns/NAME --to svc/NAMESPACE/NAME",
            sources.saturating_mul(*targets)
        ),
        Unanswerable::NoDns => "this cluster has no DNS (cluster.dns.enabled is false)".to_string(),
    }
}

/// A thing that does not exist in its namespace.
fn absent_of(absent: &Absent, what: &str, elsewhere: Option<String>, none: &str) -> String {
    let Absent { namespace, name, near, all, .. } = absent;
    let way_out = match (elsewhere, near.is_empty(), all.is_empty()) {
        (Some(there), ..) => format!("did you mean {there}?"),
        (None, false, _) => format!("did you mean {}?", some(near)),
        (None, true, false) => format!("namespace {namespace} has {}", some(all)),
        (None, true, true) => format!("namespace {namespace} has {none}"),
    };
    format!("{what} {namespace}/{name} does not exist; {way_out}")
}

fn no_object(kind: &str, singular: &str, absent: &Absent) -> String {
    let Absent { namespace, name, elsewhere, near, all } = absent;
    let place = if namespace.is_empty() { String::new() } else { format!("{namespace}/") };
    let way_out = match (elsewhere, near.is_empty(), all.is_empty()) {
        (Some(there), ..) => format!("did you mean {singular}/{there}/{name}?"),
        (None, false, _) => format!("did you mean {}?", some(near)),
        (None, true, false) => format!("there are {}", some(all)),
        (None, true, true) => format!("there is no {kind} at all here"),
    };
    format!("{kind} {place}{name} does not exist; {way_out}")
}

/// What is wrong with a source.
pub fn bad_source(text: &str, why: BadSource) -> String {
    match why {
        BadSource::Unknown => {
            format!("`{text}` is not a source; write pod/NAMESPACE/NAME, node/NAME, external, or an IP address")
        }
        BadSource::EntersNowhere => format!("`{text}` alone does not say where it enters; add --at-node NODE"),
        BadSource::EntersByItself => {
            format!("--at-node says where an IP address enters; `{text}` says by itself where it sends from")
        }
    }
}

/// The forms of a target.
const TARGETS: &str = "write IP:PORT, NAME:PORT, svc/NAMESPACE/NAME:PORT, or a URL";

/// What is wrong with a target, and what to write.
pub fn bad_target(text: &str, why: &BadTarget) -> (String, String) {
    match why {
        BadTarget::Unknown => (format!("`{text}` is not a target"), TARGETS.to_string()),
        BadTarget::Scheme => (format!("`{text}` is neither http nor https"), TARGETS.to_string()),
        BadTarget::Brackets => {
            (format!("`{text}`: an IPv6 address stands in brackets"), "put it there, as in [fd00::1]:80".to_string())
        }
        BadTarget::NoHost => (format!("`{text}` names no host"), TARGETS.to_string()),
        BadTarget::NoPort => (format!("`{text}` has no port"), format!("add one, as in {text}:80")),
        BadTarget::NotAPort(port) => (format!("`{port}` is not a port"), "ports are numbers from 1 to 65535".to_string()),
    }
}

/// What is wrong with a port.
pub fn bad_port(text: &str) -> String {
    format!("`{text}` is not a port; ports are numbers from 1 to 65535")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ask::reach::LeftOut;
    use crate::engine::run::Stop;
    use crate::objects::Name;

    fn absent(elsewhere: Option<&str>, near: &[&str], all: &[&str]) -> Absent {
        let names = |list: &[&str]| list.iter().map(|n| Name::from(*n)).collect();
        Absent {
            namespace: "a".into(),
            name: "web".into(),
            elsewhere: elsewhere.map(Name::from),
            near: names(near),
            all: names(all),
        }
    }

    #[test]
    fn what_is_absent_comes_with_what_there_is() {
        let pod = |absent| text(&Unanswerable::NoPod(absent));
        assert_eq!(pod(absent(Some("b"), &["wbe"], &["wbe"])), "pod a/web does not exist; did you mean pod/b/web?");
        assert_eq!(pod(absent(None, &["wbe"], &["wbe", "x"])), "pod a/web does not exist; did you mean wbe?");
        assert_eq!(pod(absent(None, &[], &["x", "y"])), "pod a/web does not exist; namespace a has x, y");
        assert_eq!(pod(absent(None, &[], &[])), "pod a/web does not exist; namespace a has no pods");
        let service = |absent| text(&Unanswerable::NoService(absent));
        assert_eq!(service(absent(Some("b"), &[], &[])), "Service a/web does not exist; did you mean svc/b/web?");
        assert_eq!(service(absent(None, &["wbe"], &["wbe"])), "Service a/web does not exist; namespace a has wbe");
        assert_eq!(service(absent(None, &[], &[])), "Service a/web does not exist; namespace a has no Services");
        let object =
            |absent| text(&Unanswerable::NoObject { kind: "Job".into(), singular: "job".into(), absent: Box::new(absent) });
        assert_eq!(object(absent(Some("b"), &[], &[])), "Job a/web does not exist; did you mean job/b/web?");
        assert_eq!(object(absent(None, &[], &["x"])), "Job a/web does not exist; there are x");
        assert_eq!(object(absent(None, &[], &[])), "Job a/web does not exist; there is no Job at all here");
    }

    #[test]
    fn each_refusal_is_told() {
        let (a, b): (Name, Name) = ("a".into(), "b".into());
        let known = vec!["n1".into(), "n2".into()];
        for (why, want) in [
            (Unanswerable::NoNode { node: "x".into(), known }, "node `x` does not exist; the nodes are n1, n2"),
            (Unanswerable::NoNamespace(a.clone()), "namespace `a` does not exist; `kubectl get namespaces` lists them"),
            (
                Unanswerable::PodWithoutNode(a.clone(), b.clone()),
                "pod a/b has no node yet, so it cannot send; `why pod/a/b` says why",
            ),
            (
                Unanswerable::PodWithoutAddress(a.clone(), b.clone()),
                "pod a/b has no address yet; let time pass: `advance to pod/a/b ready`",
            ),
            (
                Unanswerable::ServiceIsAlias { namespace: a.clone(), name: b.clone(), other: "x.org".into() },
                "Service a/b is only an alias: it has no address; trace x.org",
            ),
            (
                Unanswerable::ServiceIsHeadless(a.clone(), b.clone()),
                "Service a/b is headless: it has no address; trace its name from a pod, or a pod's address",
            ),
            (Unanswerable::NameWithoutAddress("web".into()), "Service web has no address"),
            (Unanswerable::NotAPort("x".into()), "`x` is not a port; ports are numbers from 1 to 65535"),
            (Unanswerable::Stopped(Stop::OutOfEvents), "one command may bring about at most 10000000 events"),
            (Unanswerable::NoProxy(a.clone()), "node `a` runs no kube-proxy"),
            (
                Unanswerable::TooManyPorts { node: a.clone(), ports: 900 },
                "a has 900 Service ports, and 500 are printed at most; name one: rules node/a svc/NAMESPACE/NAME",
            ),
            (
                Unanswerable::NoSources(vec![LeftOut::NoPodsIn(a.clone())]),
                "--from finds nobody that could send: no pod of ns/a runs",
            ),
            (Unanswerable::NoTargets(vec![LeftOut::NoPort(a)]), "--to finds nothing that could be asked: svc/a has no port"),
            (
                Unanswerable::TooManyPairs { sources: 200, targets: 100 },
                "200 sources times 100 targets are 20000 pairs, and 10000 are asked at most; narrow it: \
                 --from external,ns/NAME --to svc/NAMESPACE/NAME",
            ),
            (Unanswerable::NoDns, "this cluster has no DNS (cluster.dns.enabled is false)"),
        ] {
            assert_eq!(text(&why), want);
        }
    }

    #[test]
    fn what_is_written_wrongly_is_told() {
        for (why, want) in [
            (BadSource::Unknown, "`x` is not a source; write pod/NAMESPACE/NAME, node/NAME, external, or an IP address"),
            (BadSource::EntersNowhere, "`x` alone does not say where it enters; add --at-node NODE"),
            (BadSource::EntersByItself, "--at-node says where an IP address enters; `x` says by itself where it sends from"),
        ] {
            assert_eq!(bad_source("x", why), want);
        }
        for (why, message, help) in [
            (BadTarget::Unknown, "`x` is not a target", TARGETS),
            (BadTarget::Scheme, "`x` is neither http nor https", TARGETS),
            (BadTarget::Brackets, "`x`: an IPv6 address stands in brackets", "put it there, as in [fd00::1]:80"),
            (BadTarget::NoHost, "`x` names no host", TARGETS),
            (BadTarget::NoPort, "`x` has no port", "add one, as in x:80"),
            (BadTarget::NotAPort("y".into()), "`y` is not a port", "ports are numbers from 1 to 65535"),
        ] {
            assert_eq!(bad_target("x", &why), (message.to_string(), help.to_string()));
        }
    }
}
