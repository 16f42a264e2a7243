//! host of BIND: a name's addresses, or an address's name, one sentence each.
//!
//! The real thing: BIND `bin/dig/host.c`.

use std::net::IpAddr;

use super::bind::{Walked, manner, servers, walk};
use super::exchange::{Manner, exchange};
use super::{source, wire};
use crate::console::host::{Host, Outcome};
use crate::dns::message::{Rcode, Record, kind_named};
use crate::dns::resolv_conf::ResolvConf;
use crate::dns::zone::reverse_name;

pub(super) fn host(host: &mut dyn Host, argv: &[String], _stdin: &str) -> Outcome {
    let (mut words, mut kind) = (Vec::new(), None);
    let mut args = argv.iter().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-t" => match args.next().and_then(|t| kind_named(t)) {
                Some(known) => kind = Some(known),
                None => return Outcome::err(2, "host: invalid type"),
            },
            "-W" | "-R" => drop(args.next()),
            option if option.starts_with('-') => {}
            word => words.push(word),
        }
    }
    let Some(name) = words.first() else { return Outcome::err(1, "Usage: host [-t type] name [server]") };
    let from = source(host.place());
    let wire = match wire(host, "host") {
        Ok(wire) => wire,
        Err(refusal) => return refusal,
    };
    let conf = ResolvConf::parse(&wire.resolver(&from).resolv_conf);
    let manner = match servers(wire, &from, &conf, words.get(1).copied()) {
        Ok(servers) => Manner { tries: 2, ..manner(servers) },
        Err(why) => return Outcome::err(1, format!("host: {why}")),
    };
    let (names, first) = match name.parse::<IpAddr>() {
        Ok(ip) => (vec![reverse_name(ip)], "PTR"),
        Err(_) => (conf.candidates(name), kind.unwrap_or("A")),
    };
    let Walked { name: found, exchange: first_exchange } = walk(wire, &from, &manner, &names, first);
    if let Some(why) = first_exchange.stopped {
        return Outcome::err(124, why);
    }
    let Some((reply, ..)) = &first_exchange.reply else {
        let text = first_exchange.failure_lines() + ";; no servers could be reached\n";
        return Outcome { stdout: text, exit: 1, ..Outcome::default() };
    };
    if reply.rcode != Rcode::NoError {
        let asked = if first == "PTR" { names[0].as_str() } else { name };
        let text = format!("Host {asked} not found: {}({})\n", reply.rcode.number(), reply.rcode.text());
        return Outcome { stdout: text, exit: 1, ..Outcome::default() };
    }
    let mut text = sentences(&reply.answers);
    if kind.is_none() && first == "A" {
        for more in ["AAAA", "MX"] {
            if let Some((reply, ..)) = exchange(wire, &from, &manner, &found, more).reply {
                text.push_str(&sentences(&reply.answers.into_iter().filter(|r| r.kind == more).collect::<Vec<_>>()));
            }
        }
    } else if text.is_empty() {
        let text = format!("{} has no {first} record\n", found.trim_end_matches('.'));
        return Outcome { stdout: text, exit: 1, ..Outcome::default() };
    }
    Outcome::out(text)
}

fn sentences(answers: &[Record]) -> String {
    let sentence = |r: &Record| {
        let verb = match r.kind {
            "A" => "has address",
            "AAAA" => "has IPv6 address",
            "CNAME" => "is an alias for",
            "PTR" => "domain name pointer",
            "NS" => "name server",
            "SRV" => "has SRV record",
            "SOA" => "has SOA record",
            "TXT" => "descriptive text",
            _ => "mail is handled by",
        };
        let quote = if r.kind == "TXT" { "\"" } else { "" };
        format!("{} {verb} {quote}{}{quote}\n", r.name.trim_end_matches('.'), r.data)
    };
    answers.iter().map(sentence).collect()
}
