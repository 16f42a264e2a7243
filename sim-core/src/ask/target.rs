//! What a `trace` goes to, as it is written: `IP:PORT`, `NAME:PORT`, `svc/NAMESPACE/NAME:PORT` or a URL.
//!
//! A scenario's step and the console command share it, so that a slip is found before anything is played. Whether there is such
//! a Service is not asked here.

use std::net::IpAddr;

use crate::objects::Name;
use crate::objects::json::parse_ip_sloppy;

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
        namespace: Name,
        /// Its name.
        name: Name,
        /// A port of it, by number or by name.
        port: Name,
    },
}

/// Why a text names no target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadTarget {
    /// It is none of the forms.
    Unknown,
    /// A URL of another scheme than http and https.
    Scheme,
    /// An IPv6 address without brackets.
    Brackets,
    /// It names no host.
    NoHost,
    /// It has no port.
    NoPort,
    /// What stands there is no port.
    NotAPort(String),
}

impl TraceTarget {
    /// Reads a target.
    pub fn parse(text: &str) -> Result<TraceTarget, BadTarget> {
        let (host, port) = authority(text)?;
        if let Some(ip) = parse_ip_sloppy(host) {
            return Ok(TraceTarget::Address(ip, port_number(port)?));
        }
        let (namespace, name) = match host.split('/').collect::<Vec<_>>()[..] {
            ["svc" | "service" | "services", namespace, name] => (namespace, name),
            ["svc" | "service" | "services", name] => ("default", name),
            [_] => return Ok(TraceTarget::Name(host.to_string(), port_number(port)?)),
            _ => return Err(BadTarget::Unknown),
        };
        if port.bytes().all(|b| b.is_ascii_digit()) {
            port_number(port)?;
        }
        Ok(TraceTarget::Service { namespace: namespace.into(), name: name.into(), port: port.into() })
    }
}

/// Host and port as typed: a URL's scheme gives the port if none is written.
fn authority(text: &str) -> Result<(&str, &str), BadTarget> {
    let scheme = [("http://", "80"), ("https://", "443")].into_iter().find_map(|(s, port)| Some((text.strip_prefix(s)?, port)));
    if scheme.is_none() && text.contains("://") {
        return Err(BadTarget::Scheme);
    }
    let rest = scheme.map_or(text, |(rest, _)| rest.split(['/', '?', '#']).next().unwrap_or(rest));
    let v6 = rest.strip_prefix('[').and_then(|r| r.split_once(']'));
    let (host, port) = match v6 {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None if rest.matches(':').count() > 1 => return Err(BadTarget::Brackets),
        None => rest.rsplit_once(':').map_or((rest, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() {
        return Err(BadTarget::NoHost);
    }
    port.or(scheme.map(|(_, port)| port)).map(|port| (host, port)).ok_or(BadTarget::NoPort)
}

/// A port, from 1 to 65535.
pub fn port_number(text: &str) -> Result<u16, BadTarget> {
    text.parse().ok().filter(|n| *n > 0).ok_or_else(|| BadTarget::NotAPort(text.to_string()))
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
        let no_port = |text: &str| Err(BadTarget::NotAPort(text.to_string()));
        for (text, want) in [
            ("web:80", name("web", 80)),
            ("http://web/x:y", name("web", 80)),
            ("http://a/?x=1&y=2", name("a", 80)),
            ("https://web.default:8443", name("web.default", 8443)),
            ("10.0.0.1:53", address([10, 0, 0, 1], 53)),
            ("svc/shop/web:http", service("shop", "web", "http")),
            ("svc/web:80", service("default", "web", "80")),
            ("[fd00::1]:80", Ok(TraceTarget::Address("fd00::1".parse().expect("an address"), 80))),
            ("web", Err(BadTarget::NoPort)),
            ("web:99999", no_port("99999")),
            ("web:http", no_port("http")),
            ("svc/shop/web:0", no_port("0")),
            (":80", Err(BadTarget::NoHost)),
            ("pod/a/b:80", Err(BadTarget::Unknown)),
            ("ftp://web", Err(BadTarget::Scheme)),
            ("fd00::1:80", Err(BadTarget::Brackets)),
        ] {
            assert_eq!(TraceTarget::parse(text), want, "{text}");
        }
    }
}
