//! What a `trace` goes to, as it is written: `IP:PORT`, `NAME:PORT`, `svc/NAMESPACE/NAME:PORT` or a URL.
//!
//! The step and the console command share it, so that a slip is found before anything is played. Whether there is such a Service
//! is not asked here.

use std::net::IpAddr;

use super::notation::{Mistake, Notation};
use crate::objects::json::parse_ip_sloppy;

const WRITE: &str = "write IP:PORT, NAME:PORT, svc/NAMESPACE/NAME:PORT, or a URL";

/// Where a connection is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraceTarget {
    /// An address.
    Address(IpAddr, u16),
    /// A name that the client resolves.
    Name(String, u16),
    /// A Service, by its address.
    Service {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// A port of it, by number or by name.
        port: String,
    },
}

impl Notation for TraceTarget {
    const FORMAT: &'static str = "trace-target";
    fn parse(text: &str) -> Result<Self, Mistake> {
        let (host, port) = authority(text)?;
        if let Some(ip) = parse_ip_sloppy(host) {
            return Ok(TraceTarget::Address(ip, number(port)?));
        }
        let (namespace, name) = match host.split('/').collect::<Vec<_>>()[..] {
            ["svc" | "service" | "services", namespace, name] => (namespace, name),
            ["svc" | "service" | "services", name] => ("default", name),
            [_] => return Ok(TraceTarget::Name(host.to_string(), number(port)?)),
            _ => return Err(Mistake::new(format!("`{text}` is not a target"), WRITE)),
        };
        if port.bytes().all(|b| b.is_ascii_digit()) {
            number(port)?;
        }
        Ok(TraceTarget::Service { namespace: namespace.into(), name: name.into(), port: port.into() })
    }
}

/// The same for a step, whose line a shell reads: what it puts in for a variable is not known before.
pub(super) fn judge_step(text: &str) -> Result<(), Mistake> {
    if text.contains('$') { Ok(()) } else { TraceTarget::parse(text).map(drop) }
}

/// Host and port as typed: a URL's scheme gives the port if none is written.
fn authority(text: &str) -> Result<(&str, &str), Mistake> {
    let scheme = [("http://", "80"), ("https://", "443")].into_iter().find_map(|(s, port)| Some((text.strip_prefix(s)?, port)));
    if scheme.is_none() && text.contains("://") {
        return Err(Mistake::new(format!("`{text}` is neither http nor https"), WRITE));
    }
    let rest = scheme.map_or(text, |(rest, _)| rest.split(['/', '?', '#']).next().unwrap_or(rest));
    let v6 = rest.strip_prefix('[').and_then(|r| r.split_once(']'));
    let (host, port) = match v6 {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None if rest.matches(':').count() > 1 => {
            return Err(Mistake::new(
                format!("`{text}`: an IPv6 address stands in brackets"),
                "put it there, as in [fd00::1]:80",
            ));
        }
        None => rest.rsplit_once(':').map_or((rest, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() {
        return Err(Mistake::new(format!("`{text}` names no host"), WRITE));
    }
    match port.or(scheme.map(|(_, port)| port)) {
        Some(port) => Ok((host, port)),
        None => Err(Mistake::new(format!("`{text}` has no port"), format!("add one, as in {text}:80"))),
    }
}

fn number(text: &str) -> Result<u16, Mistake> {
    let port = text.parse().ok().filter(|n| *n > 0);
    port.ok_or_else(|| Mistake::new(format!("`{text}` is not a port"), "ports are numbers from 1 to 65535"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read() {
        let name = |host: &str, port| Ok(TraceTarget::Name(host.into(), port));
        let service = |namespace: &str, name: &str, port: &str| {
            Ok(TraceTarget::Service { namespace: namespace.into(), name: name.into(), port: port.into() })
        };
        let address = |ip: [u8; 4], port| Ok(TraceTarget::Address(ip.into(), port));
        for (text, want) in [
            ("web:80", name("web", 80)),
            ("http://web/x:y", name("web", 80)),
            ("https://web.default:8443", name("web.default", 8443)),
            ("10.0.0.1:53", address([10, 0, 0, 1], 53)),
            ("svc/shop/web:http", service("shop", "web", "http")),
            ("svc/web:80", service("default", "web", "80")),
            ("[fd00::1]:80", Ok(TraceTarget::Address("fd00::1".parse().expect("an address"), 80))),
            ("web", Err("`web` has no port")),
            ("web:99999", Err("`99999` is not a port")),
            ("web:http", Err("`http` is not a port")),
            ("svc/shop/web:0", Err("`0` is not a port")),
            (":80", Err("`:80` names no host")),
            ("pod/a/b:80", Err("`pod/a/b:80` is not a target")),
            ("ftp://web", Err("`ftp://web` is neither http nor https")),
            ("fd00::1:80", Err("`fd00::1:80`: an IPv6 address stands in brackets")),
        ] {
            assert_eq!(TraceTarget::parse(text).map_err(|mistake| mistake.message), want.map_err(String::from), "{text}");
        }
        assert_eq!(judge_step("$IP:80"), Ok(()));
        assert!(judge_step("web").is_err());
    }
}
