//! What nslookup and host of BIND share: the walk along the search list, and whom they ask.

use std::net::{IpAddr, SocketAddr};

use super::exchange::{Exchange, Manner, PATIENCE, exchange};
use crate::dns::message::Rcode;
use crate::dns::resolv_conf::ResolvConf;
use crate::dns::resolver::{Family, lookup};
use crate::network::wire::{Source, Wire};

/// The result of a walk: the name asked last and what came of it.
pub(super) struct Walked {
    pub(super) name: String,
    pub(super) exchange: Exchange,
}

/// Asks along the search list until a name exists, with or without records; silence ends the walk.
pub(super) fn walk(wire: &mut dyn Wire, from: &Source, manner: &Manner, names: &[String], kind: &str) -> Walked {
    let mut lines = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let mut exchange = exchange(wire, from, manner, name, kind);
        lines.append(&mut exchange.failures);
        let missing = exchange.reply.as_ref().is_some_and(|(reply, ..)| reply.rcode != Rcode::NoError);
        if !missing || index + 1 == names.len() {
            exchange.failures = lines;
            return Walked { name: name.clone(), exchange };
        }
    }
    Walked { name: String::new(), exchange: Exchange { reply: None, failures: lines, stopped: None, tcp: false } }
}

/// Whom to ask: the server named on the command line, else those of the configuration.
pub(super) fn servers(
    wire: &mut dyn Wire,
    from: &Source,
    conf: &ResolvConf,
    named: Option<&str>,
) -> Result<Vec<SocketAddr>, String> {
    let Some(named) = named else { return Ok(conf.servers.clone()) };
    if let Ok(ip) = named.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, 53)]);
    }
    let found = lookup(wire, from, named, Family::Any);
    match found.addresses.is_empty() {
        false => Ok(found.addresses.into_iter().map(|ip| SocketAddr::new(ip, 53)).collect()),
        true => Err(format!("couldn't get address for '{named}': not found")),
    }
}

/// The usual manner: three tries of five seconds over UDP.
pub(super) fn manner(servers: Vec<SocketAddr>) -> Manner {
    Manner { servers, tries: 3, timeout: PATIENCE, tcp: false, udp_size: None }
}
