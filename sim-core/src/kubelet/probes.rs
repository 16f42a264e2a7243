//! Probes: the questions a kubelet asks a container.
//!
//! In a real cluster they run on a ticker, with a timeout, and count consecutive results. We model period, thresholds, initial
//! delay, and success by what the container listens on; an exec probe is assumed to succeed unless its command is known to fail.
//! Left out: jitter after a kubelet restart, gRPC health details. The real thing: `pkg/kubelet/prober`.

use serde_json::Value;

use super::images::Listener;
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// What is asked.
    pub check: Check,
    /// From container start to the first question.
    pub initial_delay: Duration,
    /// Between questions.
    pub period: Duration,
    /// Consecutive failures that count as failed.
    pub failures: u32,
    /// Consecutive successes that count as succeeded.
    pub successes: u32,
}

/// What a probe asks.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// The answer to a probe of a running container: success, or the kubelet's words for the failure.
pub fn ask(probe: &Probe, pod_ip: &str, sockets: &[Listener], status: u16) -> Result<(), String> {
    // A probe comes from the node, so a socket bound to the container's loopback does not answer it.
    let open = |port: u16| {
        sockets.iter().any(|s| s.port == port && s.protocol == Protocol::Tcp && s.bind.is_none_or(|ip| !ip.is_loopback()))
    };
    match &probe.check {
        Check::Http(port, path) if !open(*port) => {
            Err(format!("Get \"http://{pod_ip}:{port}{path}\": dial tcp {pod_ip}:{port}: connect: connection refused"))
        }
        Check::Http(..) if !(200..400).contains(&status) => Err(format!("HTTP probe failed with statuscode: {status}")),
        Check::Tcp(port) if !open(*port) => Err(format!("dial tcp {pod_ip}:{port}: connect: connection refused")),
        Check::Exec(true) => Err(String::new()),
        Check::Broken => Err("invalid port number".to_string()),
        Check::Http(..) | Check::Tcp(_) | Check::Exec(false) => Ok(()),
    }
}

/// How long a preStop hook keeps SIGTERM back.
pub fn pre_stop(container: &Value) -> Duration {
    let hook = At::top(container).at("lifecycle").at("preStop");
    let sleep = hook.at("sleep").at("seconds").int().and_then(|n| u64::try_from(n).ok());
    let exec = || Process::of(&hook.at("exec").at("command").names(), &[]).ends.map(|(time, _)| time);
    sleep.map(Duration::from_secs).or_else(exec).unwrap_or(Duration::ZERO)
}
