//! Probes: the questions a kubelet asks a container.
//!
//! In a real cluster they run on a ticker, with a timeout, and count consecutive results. We model period, thresholds, initial
//! delay, and success by what the container listens on and answers, in the words of Go's HTTP client; an exec probe is assumed to
//! succeed unless its command is known to fail. A result counts at once, also one that comes late or never.
//! Left out: jitter after a kubelet restart, gRPC health details. The real thing: `pkg/kubelet/prober`, `pkg/probe/http`.

use std::net::SocketAddr;

use serde_json::Value;

use super::images::{Failure, Listener, Reply};
use super::process::Process;
use crate::engine::time::Duration;
use crate::objects::Name;
use crate::objects::json::At;
use crate::objects::pod_spec::{Container, Protocol};

/// The kinds of probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Holds the others back until it has succeeded once.
    Startup,
    /// Restarts the container when it fails.
    Liveness,
    /// Decides whether the pod gets traffic.
    Readiness,
}

/// One probe, with its timing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Probe {
    /// What is asked.
    pub check: Check,
    /// From container start to the first question.
    pub initial_delay: Duration,
    /// Between questions.
    pub period: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
    /// Consecutive failures that count as failed.
    pub failures: u32,
    /// Consecutive successes that count as succeeded.
    pub successes: u32,
}

/// What a probe asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Check {
    /// `httpGet` with its path.
    Http(u16, Name),
    /// `tcpSocket` or `grpc`.
    Tcp(u16),
    /// `exec`; whether the command is known to fail.
    Exec(bool),
    /// A port that has no number.
    Broken,
}

impl Kind {
    /// Its field in a container.
    pub fn field(self) -> &'static str {
        match self {
            Kind::Startup => "startupProbe",
            Kind::Liveness => "livenessProbe",
            Kind::Readiness => "readinessProbe",
        }
    }

    /// Its name at the start of the kubelet's messages.
    pub fn title(self) -> &'static str {
        match self {
            Kind::Startup => "Startup",
            Kind::Liveness => "Liveness",
            Kind::Readiness => "Readiness",
        }
    }
}

/// A container's probe of that kind.
pub fn of(container: &Container, kind: Kind) -> Option<Probe> {
    let at = At::top(&container.doc).at(kind.field());
    at.exists().then(|| parse(at, container))
}

fn parse(at: At<'_>, container: &Container) -> Probe {
    let secs = |key: &str, otherwise: u64| {
        Duration::from_secs(at.at(key).int().and_then(|n| u64::try_from(n).ok()).unwrap_or(otherwise))
    };
    let count =
        |key: &str, otherwise: u32| at.at(key).int().and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0).unwrap_or(otherwise);
    let period = secs("periodSeconds", 10);
    Probe {
        check: check(at, container),
        initial_delay: secs("initialDelaySeconds", 0),
        period: if period == Duration::ZERO { Duration::from_secs(10) } else { period },
        timeout: secs("timeoutSeconds", 1).max(Duration::from_secs(1)),
        failures: count("failureThreshold", 3),
        successes: count("successThreshold", 1),
    }
}

fn check(at: At<'_>, container: &Container) -> Check {
    let number = |port: At<'_>| {
        let named = || port.text().and_then(|name| container.ports.iter().find(|p| &*p.name == name)).map(|p| p.port);
        port.port().or_else(named)
    };
    if at.at("httpGet").exists() {
        let path = at.at("httpGet").at("path").text().unwrap_or("/").into();
        return number(at.at("httpGet").at("port")).map_or(Check::Broken, |port| Check::Http(port, path));
    }
    if at.at("exec").exists() {
        let process = Process::of(&at.at("exec").at("command").names(), &[]);
        return Check::Exec(process.ends.is_some_and(|(_, code)| code != 0) && !process.guessed);
    }
    let port = if at.at("tcpSocket").exists() { at.at("tcpSocket").at("port") } else { at.at("grpc").at("port") };
    number(port).map_or(Check::Broken, Check::Tcp)
}

/// The ports that a container's probes ask.
pub fn ports(container: &Container) -> Vec<u16> {
    let kinds = [Kind::Startup, Kind::Liveness, Kind::Readiness];
    let asked = |kind| match of(container, kind)?.check {
        Check::Http(port, _) | Check::Tcp(port) => Some(port),
        Check::Exec(_) | Check::Broken => None,
    };
    kinds.into_iter().filter_map(asked).collect()
}

/// The answer to a probe of a running container: success, or the kubelet's words for the failure. `own` is the socket from which
/// the kubelet asks.
pub fn ask(probe: &Probe, (own, pod_ip): (SocketAddr, &str), sockets: &[Listener], reply: &Reply) -> Result<(), String> {
    // A probe comes from the node, so a socket bound to the container's loopback does not answer it.
    let open = |port: u16| {
        sockets.iter().any(|s| s.port == port && s.protocol == Protocol::Tcp && s.bind.is_none_or(|ip| !ip.is_loopback()))
    };
    match &probe.check {
        Check::Http(port, path) => {
            let to = match pod_ip.contains(':') {
                true => format!("[{pod_ip}]:{port}"),
                false => format!("{pod_ip}:{port}"),
            };
            let failed = |why: String| Err(format!("Get \"http://{to}{path}\": {why}"));
            let late = reply.delay >= probe.timeout || reply.fail == Some(Failure::Hang);
            match reply.fail {
                _ if !open(*port) => failed(format!("dial tcp {to}: connect: connection refused")),
                _ if late => failed("context deadline exceeded (Client.Timeout exceeded while awaiting headers)".to_string()),
                Some(Failure::Empty) => failed("EOF".to_string()),
                Some(Failure::Reset) => failed(format!("read tcp {own}->{to}: read: connection reset by peer")),
                _ if !(200..400).contains(&reply.status) => Err(format!("HTTP probe failed with statuscode: {}", reply.status)),
                _ => Ok(()),
            }
        }
        Check::Tcp(port) if !open(*port) => Err(format!("dial tcp {pod_ip}:{port}: connect: connection refused")),
        Check::Exec(true) => Err(String::new()),
        Check::Broken => Err("invalid port number".to_string()),
        Check::Tcp(_) | Check::Exec(false) => Ok(()),
    }
}

/// How long a preStop hook keeps SIGTERM back.
pub fn pre_stop(container: &Value) -> Duration {
    let hook = At::top(container).at("lifecycle").at("preStop");
    let sleep = hook.at("sleep").at("seconds").int().and_then(|n| u64::try_from(n).ok());
    let exec = || Process::of(&hook.at("exec").at("command").names(), &[]).ends.map(|(time, _)| time);
    sleep.map(Duration::from_secs).or_else(exec).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubelet::images::Body;

    /// What a probe of port 80 makes of a server that answers so.
    fn told(fail: Option<Failure>, delay_ms: u64, status: u16, listens: &[u16], check: Check) -> String {
        let second = Duration::from_secs(1);
        let (failures, successes) = (3, 1);
        let probe = Probe { check, initial_delay: second, period: second, timeout: second, failures, successes };
        let reply = Reply { status, body: Body::Hostname, server: "", delay: Duration::from_millis(delay_ms), fail };
        let sockets: Vec<Listener> =
            listens.iter().map(|port| Listener { port: *port, bind: None, protocol: Protocol::Tcp }).collect();
        let own = "192.168.0.2:41234".parse().unwrap();
        ask(&probe, (own, "10.244.1.7"), &sockets, &reply).err().unwrap_or_default()
    }

    #[test]
    fn failures_are_told_as_go_tells_them() {
        let http = || Check::Http(80, "/ready".into());
        let get = |why: &str| format!("Get \"http://10.244.1.7:80/ready\": {why}");
        let late = get("context deadline exceeded (Client.Timeout exceeded while awaiting headers)");
        let reset = get("read tcp 192.168.0.2:41234->10.244.1.7:80: read: connection reset by peer");
        let refused = "dial tcp 10.244.1.7:80: connect: connection refused";
        let cases = [
            (told(None, 0, 200, &[80], http()), String::new()),
            (told(None, 0, 204, &[80], http()), String::new()),
            (told(None, 999, 200, &[80], http()), String::new()),
            (told(None, 1000, 200, &[80], http()), late.clone()),
            (told(Some(Failure::Hang), 0, 200, &[80], http()), late),
            (told(Some(Failure::Empty), 0, 200, &[80], http()), get("EOF")),
            (told(Some(Failure::Reset), 0, 200, &[80], http()), reset),
            (told(None, 0, 200, &[81], http()), get(refused)),
            (told(None, 0, 404, &[80], http()), "HTTP probe failed with statuscode: 404".to_string()),
            (told(Some(Failure::Hang), 0, 200, &[80], Check::Tcp(80)), String::new()),
            (told(None, 0, 200, &[], Check::Tcp(80)), refused.to_string()),
        ];
        for (got, want) in cases {
            assert_eq!(got, want);
        }
    }
}
