//! host of BIND: a name's addresses, or an address's name, one sentence each.
//!
//! The real thing: BIND `bin/dig/host.c`.

use std::net::IpAddr;

use super::bind::{Walked, manner, servers, walk};
use super::exchange::{Manner, exchange, hash};
use super::nslookup::end_of_chain;
use super::pace::at_its_pace;
use super::source;
use crate::console::host::{Host, Outcome};
use crate::dns::message::{Rcode, Record, kind_named};
use crate::dns::resolv_conf::ResolvConf;
use crate::dns::zone::reverse_name;
use crate::network::wire::{Source, Wire};

pub(super) async fn host(host: &mut dyn Host, argv: &[String], _stdin: &str) -> Outcome {
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
            _ => words.push(arg.as_str()),
        }
    }
    if words.is_empty() {
        return Outcome::err(1, "Usage: host [-t type] name [server]");
    }
    let from = source(host.place());
    let ran = at_its_pace(host, "host", |wire| ask(wire, &from, &words, kind));
    ran.await.unwrap_or_else(|refusal| refusal)
}

/// Asks about the first word, of the server that the second names.
fn ask(wire: &mut dyn Wire, from: &Source, words: &[&str], kind: Option<&'static str>) -> Outcome {
    let name = words[0];
    let conf = ResolvConf::parse(&wire.resolver(from).resolv_conf);
    let manner = match servers(wire, from, &conf, words.get(1).copied()) {
        Ok(servers) => Manner { tries: 2, ..manner(servers) },
        Err(why) => return Outcome::err(1, format!("host: {why}")),
    };
    let (names, first) = match name.parse::<IpAddr>() {
        Ok(ip) => (vec![reverse_name(ip)], "PTR"),
        Err(_) => (conf.candidates(name), kind.unwrap_or("A")),
    };
    let Walked { name: found, exchange: first_exchange } = walk(wire, from, &manner, &names, first);
    if let Some(why) = first_exchange.stopped {
        return Outcome::err(124, why);
    }
    let Some((reply, server, _)) = &first_exchange.reply else {
        let text = first_exchange.failure_lines() + ";; no servers could be reached\n";
        return Outcome { stdout: text, exit: 1, ..Outcome::default() };
    };
    let head = match words.get(1) {
        Some(named) => format!("Using domain server:\nName: {named}\nAddress: {}\nAliases: \n\n", hash(*server)),
        None => String::new(),
    };
    if reply.rcode != Rcode::NoError {
        let asked = if first == "PTR" { names[0].as_str() } else { name };
        return Outcome { stdout: head + &not_found(asked, reply.rcode), exit: 1, ..Outcome::default() };
    }
    let (mut text, mut exit) = (head + &sentences(&reply.answers), 0);
    if kind.is_none() && first == "A" {
        let end = end_of_chain(&reply.answers, &found);
        for more in ["AAAA", "MX"] {
            match exchange(wire, from, &manner, &end, more).reply {
                Some((reply, ..)) if reply.rcode != Rcode::NoError => {
                    text.push_str(&not_found(end.trim_end_matches('.'), reply.rcode));
                    exit = 1;
                }
                Some((reply, ..)) => {
                    text.push_str(&sentences(&reply.answers.into_iter().filter(|r| r.kind == more).collect::<Vec<_>>()));
                }
                None => {}
            }
        }
    } else if reply.answers.is_empty() {
        text.push_str(&format!("{} has no {first} record\n", found.trim_end_matches('.')));
    }
    Outcome { stdout: text, exit, ..Outcome::default() }
}

fn not_found(name: &str, rcode: Rcode) -> String {
    format!("Host {name} not found: {}({})\n", rcode.number(), rcode.text())
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
