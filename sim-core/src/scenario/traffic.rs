//! What a user writes about a load: who sends, where to, how often. The `traffic` step and the console command share it.
//!
//! The same words as a load generator takes, `hey -z 2m -q 50 URL`, as fields. Every mistake is found before anything is sent.

use std::net::IpAddr;

use super::format::{Arrivals, Traffic};
use super::notation::{Mistake, Notation, Rate, Written};
use crate::api::selectors::LabelSelector;
use crate::api::validate::names::dns_label;
use crate::cluster::traffic::plan::{CLIENTS_MAX, PAUSE_MIN, Pace, Plan, RATE_MAX, Sender};
use crate::engine::time::Duration;
use crate::network::client::Target;
use crate::network::wire::{HttpRequest, Source};

/// How long a client of a closed loop pauses, unless it is said.
const PAUSE: Duration = Duration::from_secs(1);

impl Notation for Sender {
    const FORMAT: &'static str = "sender";
    fn parse(text: &str) -> Result<Self, Mistake> {
        let parts: Vec<&str> = text.split('/').collect();
        if parts.iter().any(|part| part.is_empty()) {
            return Err(nobody(text));
        }
        let pod = |namespace: &str, name: &str| Sender::One(Source::Pod { namespace: namespace.into(), name: name.into() });
        match parts[..] {
            ["external"] => Ok(Sender::One(Source::Outside)),
            ["node", name] => Ok(Sender::One(Source::Node(name.into()))),
            ["pod", name] => Ok(pod("default", name)),
            ["pod", namespace, name] => Ok(pod(namespace, name)),
            ["deployment" | "deploy", name] => Ok(Sender::Deployment("default".into(), name.into())),
            ["deployment" | "deploy", namespace, name] => Ok(Sender::Deployment(namespace.into(), name.into())),
            // A key of a label may have a prefix with a slash: all that follows the namespace is the selector.
            ["pods", namespace, _, ..] if !namespace.contains('=') => {
                selected(namespace, &text["pods/".len() + namespace.len() + 1..])
            }
            ["pods", _, ..] => selected("default", &text["pods/".len()..]),
            _ => Err(nobody(text)),
        }
    }
}

fn nobody(text: &str) -> Mistake {
    let help = "write external, pod/NAMESPACE/NAME, node/NAME, deployment/NAMESPACE/NAME or pods/NAMESPACE/app=web";
    Mistake::new(format!("`{text}` names nobody who sends"), help)
}

fn selected(namespace: &str, text: &str) -> Result<Sender, Mistake> {
    let selector = LabelSelector::parse(text).map_err(|why| {
        Mistake::new(format!("`{text}` is not a selector: {why}"), "write labels as after `kubectl get -l`: app=web,tier!=db")
    })?;
    Ok(Sender::Pods(namespace.into(), selector, text.into()))
}

/// The URL that a load asks for.
impl Notation for Target {
    const FORMAT: &'static str = "http-url";
    fn parse(text: &str) -> Result<Self, Mistake> {
        let wrong =
            |why: &str| Mistake::new(format!("`{text}` cannot be asked for: {why}"), "write a URL: http://web.default:8080/path");
        let (tls, rest) = match text.split_once("://") {
            Some(("http", rest)) => (false, rest),
            Some(("https", rest)) => (true, rest),
            Some((scheme, _)) => return Err(wrong(&format!("`{scheme}` is neither http nor https"))),
            None => (false, text),
        };
        if let ["svc" | "service" | "services", namespace, named] = text.split('/').collect::<Vec<_>>()[..]
            && let Some((name, port)) = named.split_once(':')
        {
            let help = format!("a load asks for a URL, as a program does: write http://{name}.{namespace}:{port}");
            return Err(Mistake::new(format!("`{text}` is how a trace names a Service"), help));
        }
        if text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\'') {
            return Err(wrong("a URL has no spaces and no quotes"));
        }
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let bare = authority.rsplit('@').next().unwrap_or_default();
        let (host, port) = match bare.strip_prefix('[') {
            Some(inner) => {
                let (host, tail) = inner.split_once(']').ok_or_else(|| wrong("the `]` behind the IPv6 address is missing"))?;
                host.parse::<std::net::Ipv6Addr>().map_err(|_| wrong("what stands in brackets is no IPv6 address"))?;
                (host, tail.strip_prefix(':'))
            }
            None if bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv6()) => {
                return Err(Mistake::new(
                    format!("`{text}`: an IPv6 address stands in brackets"),
                    format!("write http://[{bare}]:80"),
                ));
            }
            None => bare.split_once(':').map_or((bare, None), |(host, port)| (host, Some(port))),
        };
        let legal = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
        if host.is_empty() || !host.chars().all(legal) {
            return Err(wrong(if host.is_empty() { "the host is missing" } else { "the host is no name and no address" }));
        }
        let number = |port: &str| port.parse::<u16>().ok().filter(|port| *port > 0);
        let port = match port {
            Some(port) => number(port).ok_or_else(|| wrong("its port is no number from 1 to 65535"))?,
            None if tls => 443,
            None => 80,
        };
        let path = path.split('#').next().unwrap_or_default();
        let path = if path.starts_with('/') { path.to_string() } else { format!("/{path}") };
        let request = HttpRequest { method: "GET".into(), path, host: bare.into() };
        Ok(Target { host: host.into(), port, tls, request })
    }
}

/// What of a load makes no sense: the field, what is wrong, and the way out.
pub type Wrong = (&'static str, String, String);

/// How the parts of a load are spelt where it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// As fields of a step: `rate: 50/s`.
    Field,
    /// As flags of the command: `--rate 50/s`.
    Flag,
}

impl Spelling {
    /// A part with a value, or alone.
    fn of(self, name: &str, value: &str) -> String {
        match (self, value) {
            (Spelling::Field, "") => format!("`{name}`"),
            (Spelling::Field, value) => format!("`{name}: {value}`"),
            (Spelling::Flag, "") => format!("`--{name}`"),
            (Spelling::Flag, value) => format!("`--{name} {value}`"),
        }
    }
}

/// The first thing of a load that makes no sense.
pub fn judge(traffic: &Traffic, spelling: Spelling) -> Option<Wrong> {
    let [rate, clients, pause, arrivals] = ["rate", "clients", "pause", "arrivals"].map(|name| spelling.of(name, ""));
    let wrong = |field, message: &str, help: &str| Some((field, message.to_string(), help.to_string()));
    let name = &traffic.name;
    if !dns_label(name).is_empty() {
        let message = format!("`{name}` cannot be the name of a load");
        return wrong(
            "name",
            &message,
            "use lower case letters, digits and `-`, 63 at most; begin and end with a letter or digit",
        );
    }
    match (&traffic.rate, traffic.clients) {
        (None, None) => {
            return wrong(
                "rate",
                "how often are requests sent?",
                &format!(
                    "add {}, or {} for clients that wait for their answers",
                    spelling.of("rate", "50/s"),
                    spelling.of("clients", "10")
                ),
            );
        }
        (Some(_), Some(_)) => {
            return wrong(
                "clients",
                &format!("{rate} and {clients} together"),
                &format!("keep {rate} for a load that does not wait for answers, {clients} for one that does"),
            );
        }
        (Some(often), None) if too_often(often) => {
            let message = format!("{often} is more than {RATE_MAX} requests a second");
            return wrong("rate", &message, "lower the rate; 50/s shows all that can be shown");
        }
        (None, Some(number)) if !(1..=CLIENTS_MAX).contains(&number) => {
            return wrong("clients", &format!("{number} clients"), &format!("let there be 1 to {CLIENTS_MAX}"));
        }
        (Some(_), None) if traffic.pause.is_some() => {
            let help = format!("remove {pause}, or write {clients} instead of {rate}");
            return wrong("pause", &format!("a load with a {rate} does not pause"), &help);
        }
        (None, Some(_)) if traffic.arrivals.is_some() => {
            return wrong(
                "arrivals",
                "clients that wait for answers decide themselves when they ask",
                &format!("remove {arrivals}, or write {rate} instead of {clients}"),
            );
        }
        _ => {}
    }
    times(traffic, spelling)
}

/// The first time of a load that makes no sense.
fn times(traffic: &Traffic, spelling: Spelling) -> Option<Wrong> {
    let wrong = |field, message: &str, help: &str| Some((field, message.to_string(), help.to_string()));
    if traffic.pause.as_deref().is_some_and(|pause| *pause < PAUSE_MIN) {
        return wrong("pause", "the pause is too short", &format!("let a client pause for {PAUSE_MIN} at least"));
    }
    let zero = |time: &Option<Written<Duration>>| time.as_deref() == Some(&Duration::ZERO);
    if zero(&traffic.duration) {
        return wrong(
            "for",
            "a load for no time sends nothing",
            &format!("give it a time such as 2m, or leave {} out: then it goes on", spelling.of("for", "")),
        );
    }
    if zero(&traffic.timeout) {
        return wrong(
            "timeout",
            "nothing is answered in no time",
            &format!("give each request a time such as 2s, or leave {} out: then curl's own hold", spelling.of("timeout", "")),
        );
    }
    None
}

fn too_often(rate: &Rate) -> bool {
    let second = u128::from(Duration::from_secs(1).as_nanos());
    u128::from(rate.count) * second > u128::from(RATE_MAX) * u128::from(rate.per.as_nanos())
}

/// The load as the world carries it out. It must have been judged.
pub fn plan(traffic: &Traffic) -> Plan {
    let pace = match (&traffic.rate, traffic.clients) {
        (Some(rate), _) => Pace::Open { count: rate.count, per: rate.per, random: traffic.arrivals == Some(Arrivals::Poisson) },
        (None, clients) => {
            Pace::Closed { clients: clients.unwrap_or(1), pause: traffic.pause.as_deref().copied().unwrap_or(PAUSE) }
        }
    };
    Plan {
        name: traffic.name.as_str().into(),
        from: Sender::clone(&traffic.from),
        to: Target::clone(&traffic.to),
        url: traffic.to.text().to_string(),
        pace,
        keep_alive: traffic.keep_alive,
        lasting: traffic.duration.as_deref().copied(),
        timeout: traffic.timeout.as_deref().copied(),
    }
}

/// The load as it is typed.
pub fn line(traffic: &Traffic) -> String {
    let mut line =
        format!("traffic start {} --from {} --to {}", traffic.name, quoted(traffic.from.text()), quoted(traffic.to.text()));
    let mut flag = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            line.push_str(&format!(" --{name} {value}"));
        }
    };
    let written = |time: &Option<Written<Duration>>| time.as_ref().map(|t| t.text().to_string());
    flag("rate", traffic.rate.as_ref().map(|r| r.text().to_string()));
    flag("arrivals", traffic.arrivals.map(|a| a.text().to_string()));
    flag("clients", traffic.clients.map(|n| n.to_string()));
    flag("pause", written(&traffic.pause));
    flag("for", written(&traffic.duration));
    flag("timeout", written(&traffic.timeout));
    if traffic.keep_alive {
        line.push_str(" --keep-alive");
    }
    line
}

/// In quotes, if the shell would not leave it alone.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/:.-_=,".contains(c);
    if text.chars().all(plain) { text.to_string() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn senders() {
        for (text, want) in [
            ("external", "external"),
            ("pod/a/b", "pod/a/b"),
            ("pod/b", "pod/default/b"),
            ("node/n1", "node/n1"),
            ("deploy/web", "deployment/default/web"),
            ("deployment/prod/web", "deployment/prod/web"),
            ("pods/app=web", "pods/default/app=web"),
            ("pods/prod/app.kubernetes.io/name=web,x", "pods/prod/app.kubernetes.io/name=web,x"),
            ("pods/app.kubernetes.io/name=web", "pods/app.kubernetes.io/name=web"),
        ] {
            assert_eq!(Sender::parse(text).map(|s| s.to_string()), Ok(want.to_string()), "{text}");
        }
        for text in ["", "web", "pod/", "node/a/b", "1.2.3.4", "pods/", "pods/a==b==c", "deployment/a/b/c"] {
            assert!(Sender::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn urls() {
        let read = |text: &str| Target::parse(text).map(|t| (t.host, t.port, t.request.path, t.request.host));
        let got = |host: &str, port, path: &str, authority: &str| Ok((host.into(), port, path.into(), authority.into()));
        assert_eq!(read("http://web"), got("web", 80, "/", "web"));
        assert_eq!(read("web:8080/x?y#z"), got("web", 8080, "/x?y", "web:8080"));
        assert_eq!(read("https://[fd00::1]/"), got("fd00::1", 443, "/", "[fd00::1]"));
        let why = |text: &str| Target::parse(text).expect_err(text).message;
        assert_eq!(why("ftp://x"), "`ftp://x` cannot be asked for: `ftp` is neither http nor https");
        assert_eq!(why("http://"), "`http://` cannot be asked for: the host is missing");
        assert_eq!(why("http://web:0"), "`http://web:0` cannot be asked for: its port is no number from 1 to 65535");
        assert_eq!(why("http://a b"), "`http://a b` cannot be asked for: a URL has no spaces and no quotes");
        assert_eq!(why("http://a$b"), "`http://a$b` cannot be asked for: the host is no name and no address");
        assert_eq!(why("svc/default/web:80"), "`svc/default/web:80` is how a trace names a Service");
        assert_eq!(Target::parse("http://fd00::1").expect_err("brackets").help, "write http://[fd00::1]:80");
        assert_eq!(why("http://[fd00::1"), "`http://[fd00::1` cannot be asked for: the `]` behind the IPv6 address is missing");
    }

    #[test]
    fn what_makes_no_sense_is_named_with_its_field() {
        let base = json!({"name": "a", "from": "external", "to": "http://web"});
        let judged = |more: serde_json::Value| {
            let mut all = base.clone();
            all.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
            judge(&serde_json::from_value(all).expect("well-formed"), Spelling::Field).map(|(field, ..)| field)
        };
        assert_eq!(judged(json!({"rate": "50/s"})), None);
        assert_eq!(judged(json!({"clients": 5, "pause": "10ms", "keepAlive": true})), None);
        assert_eq!(judged(json!({})), Some("rate"));
        assert_eq!(judged(json!({"name": "A b", "rate": "1/s"})), Some("name"));
        assert_eq!(judged(json!({"rate": "1/s", "clients": 1})), Some("clients"));
        assert_eq!(judged(json!({"rate": "10000/s"})), None);
        assert_eq!(judged(json!({"rate": "10001/s"})), Some("rate"));
        assert_eq!(judged(json!({"rate": "11/ms"})), Some("rate"));
        assert_eq!(judged(json!({"clients": 0})), Some("clients"));
        assert_eq!(judged(json!({"clients": 10_001})), Some("clients"));
        assert_eq!(judged(json!({"clients": 1, "pause": "1us"})), Some("pause"));
        assert_eq!(judged(json!({"rate": "1/s", "pause": "1s"})), Some("pause"));
        assert_eq!(judged(json!({"clients": 1, "arrivals": "poisson"})), Some("arrivals"));
        assert_eq!(judged(json!({"rate": "1/s", "for": "0s"})), Some("for"));
        assert_eq!(judged(json!({"rate": "1/s", "timeout": "0"})), Some("timeout"));
    }

    #[test]
    fn a_step_is_a_line_that_can_be_typed() {
        let all = json!({"name": "a", "from": "pods/app=web,tier in (a)", "to": "http://web/?a&b", "rate": "5/s", "arrivals": "poisson",
            "for": "1m", "timeout": "2s", "keepAlive": true});
        let traffic: Traffic = serde_json::from_value(all).expect("well-formed");
        insta::assert_snapshot!(line(&traffic), @"traffic start a --from 'pods/app=web,tier in (a)' --to 'http://web/?a&b' --rate 5/s --arrivals poisson --for 1m --timeout 2s --keep-alive");
    }
}
