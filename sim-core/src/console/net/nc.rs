//! nc: is the port open? (`nc -zv HOST PORT`, with `-w` and `-u`.)
//!
//! Left out: carrying data. The words are those of OpenBSD's netcat, which Debian-like machines have.

use std::net::SocketAddr;

use super::super::host::{Host, Outcome};
use super::connect::{Connected, connect, deadline, resolve};
use super::{connections, source};
use crate::dns::resolver::Family;
use crate::engine::time::Duration;
use crate::explain;
use crate::network::transport::Opening;
use crate::objects::pod_spec::Protocol;

/// The program.
pub fn nc(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    let (mut names, mut verbose, mut udp, mut limit) = (Vec::new(), false, false, None);
    let mut words = argv[1..].iter();
    while let Some(word) = words.next() {
        match word.strip_prefix('-') {
            Some(flags) if !flags.is_empty() => {
                verbose |= flags.contains('v');
                udp |= flags.contains('u');
                if let Some(tail) = flags.split_once('w').map(|(_, tail)| tail.to_string()) {
                    let text = if tail.is_empty() { words.next().cloned().unwrap_or_default() } else { tail };
                    limit = Duration::parse(&format!("{text}s"));
                }
            }
            _ => names.push(word.clone()),
        }
    }
    let [name, port] = &names[..] else { return Outcome::err(1, "usage: nc [-uvz] [-w timeout] [destination] [port]") };
    let Ok(port) = port.parse::<u16>() else { return Outcome::err(1, format!("nc: port number invalid: {port}")) };
    let from = source(host.place());
    let wire = match connections(host, "nc") {
        Ok(wire) => wire,
        Err(outcome) => return outcome,
    };
    let until = deadline(wire, None);
    let found = match resolve(wire, (&from, name, Family::Any), until) {
        Ok(found) => found.unwrap_or_default(),
        Err(why) => return Outcome::err(124, format!("kubewalk: {why}")),
    };
    let Some(ip) = found.addresses.first().copied() else {
        let why = found.error.map_or_else(String::new, |e| e.glibc().to_string());
        return Outcome::err(1, format!("nc: getaddrinfo for host \"{name}\" port {port}: {why}"));
    };
    let to = SocketAddr::new(ip, port);
    let protocol = if udp { "udp" } else { "tcp" };
    let open = || Outcome {
        stderr: if verbose {
            format!("Connection to {name} ({ip}) {port} port [{protocol}/*] succeeded!\n")
        } else {
            String::new()
        },
        ..Outcome::default()
    };
    if udp {
        let (trace, _) = wire.open(&Opening { from, to, protocol: Protocol::Udp, port: None });
        return if trace.outcome == explain::Outcome::Refused { Outcome { exit: 1, ..Outcome::default() } } else { open() };
    }
    let failed = |why: &str| Outcome::err(1, format!("nc: connect to {name} ({ip}) port {port} (tcp) failed: {why}"));
    let until = deadline(wire, limit);
    match connect(wire, &from, to, until) {
        Connected::Yes(connection) => {
            wire.close(&connection);
            open()
        }
        Connected::Refused(..) => failed("Connection refused"),
        Connected::Unreachable => failed("Network is unreachable"),
        Connected::TimedOut(..) => failed("Connection timed out"),
        Connected::Limit => failed("Operation now in progress"),
        Connected::Stopped(why) => Outcome::err(124, format!("kubewalk: {why}")),
    }
}
