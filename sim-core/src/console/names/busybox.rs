//! busybox's nslookup: up to 1.28 on top of the C library, later with questions of its own.
//!
//! The newer one asks a name without a dot under every search entry, all at once, and one with a dot only as it is: so a working
//! `nslookup web` shows misses and exits 1. The real thing: busybox `networking/nslookup.c`.

use std::net::{IpAddr, SocketAddr};

use super::nslookup::{Request, records};
use crate::console::host::Outcome;
use crate::dns::message::{Question, Rcode, Record};
use crate::dns::resolv_conf::{ResolvConf, hosts_name};
use crate::dns::resolver::{Family, lookup, walk};
use crate::dns::zone::reverse_name;
use crate::engine::time::Duration;
use crate::network::wire::{Asked, Source, Wire};
use crate::objects::pod_spec::Protocol;

const UNREACHED: &str = ";; connection timed out; no servers could be reached\n";
const PATIENCE: Duration = Duration::from_secs(5);

/// busybox up to 1.28.
pub(super) fn libc(wire: &mut dyn Wire, from: &Source, request: &Request) -> Outcome {
    let config = wire.resolver(from);
    let conf = ResolvConf::parse(&config.resolv_conf);
    let named = request.server.as_deref().and_then(|s| s.parse::<IpAddr>().ok());
    let server = named.unwrap_or(conf.servers[0].ip());
    let mut stdout = format!("Server:    {server}\n{}\n", address(wire, from, 1, server));
    if let Ok(ip) = request.name.parse::<IpAddr>() {
        stdout.push_str(&format!("Name:      {ip}\n{}", address(wire, from, 1, ip)));
        return Outcome::out(stdout);
    }
    let found = lookup(wire, from, &request.name, Family::Any);
    if found.addresses.is_empty() {
        return Outcome { stdout, stderr: format!("nslookup: can't resolve '{}'\n", request.name), exit: 1 };
    }
    stdout.push_str(&format!("Name:      {}\n", request.name));
    for (index, ip) in found.addresses.into_iter().enumerate() {
        stdout.push_str(&address(wire, from, index + 1, ip));
    }
    Outcome::out(stdout)
}

/// One address with the name it leads back to, if it does.
fn address(wire: &mut dyn Wire, from: &Source, number: usize, ip: IpAddr) -> String {
    let hosts = wire.resolver(from).hosts;
    let name = hosts_name(&hosts, ip).map(str::to_owned).or_else(|| {
        let reply = walk(wire, from, &reverse_name(ip), &["PTR"]).reply?;
        Some(reply.answers.first()?.data.trim_end_matches('.').to_owned())
    });
    match name {
        Some(name) => format!("Address {number}: {ip} {name}\n"),
        None => format!("Address {number}: {ip}\n"),
    }
}

/// busybox since 1.29; `search` since about 1.32.
pub(super) fn own(wire: &mut dyn Wire, from: &Source, request: &Request, search: bool) -> Outcome {
    let conf = ResolvConf::parse(&wire.resolver(from).resolv_conf);
    let server = match request.server.as_deref() {
        None => conf.servers[0],
        Some(named) => {
            match named.parse::<IpAddr>().ok().or_else(|| lookup(wire, from, named, Family::Any).addresses.first().copied()) {
                Some(ip) => SocketAddr::new(ip, 53),
                None => return Outcome::err(1, format!("nslookup: can't resolve '{named}'")),
            }
        }
    };
    let questions = questions(request, &conf, search);
    let mut slowest = Duration::ZERO;
    let mut asked = Vec::new();
    for question in questions {
        let outcome = wire.ask(from, server, Protocol::Udp, &question);
        slowest = match &outcome {
            Asked::Reply { after, .. } | Asked::Refused { after } => slowest.max(*after),
            Asked::Silence => PATIENCE,
        };
        asked.push((question, outcome));
    }
    if let Err(why) = wire.wait(slowest) {
        return Outcome::err(124, why);
    }
    if !asked.iter().any(|(_, a)| matches!(a, Asked::Reply { .. })) {
        let refused = asked.iter().any(|(_, a)| matches!(a, Asked::Refused { .. }));
        let stderr = if refused { "nslookup: read: Connection refused\n" } else { "" };
        return Outcome { stdout: UNREACHED.to_owned(), stderr: stderr.to_owned(), exit: 1 };
    }
    report(request, server, asked, search)
}

fn report(request: &Request, server: SocketAddr, asked: Vec<(Question, Asked)>, search: bool) -> Outcome {
    let mut stdout = format!("Server:\t\t{}\nAddress:\t{server}\n\n", server.ip());
    let (mut exit, mut answered) = (0, false);
    for (question, outcome) in asked {
        let name = question.name.trim_end_matches('.');
        match outcome {
            Asked::Reply { reply, .. } if reply.rcode != Rcode::NoError => {
                exit = 1;
                stdout.push_str(&format!("** server can't find {name}: {}\n\n", reply.rcode.text()));
            }
            Asked::Reply { reply, .. } => {
                answered |= !reply.answers.is_empty();
                if !reply.authoritative {
                    stdout.push_str("Non-authoritative answer:\n");
                }
                let answers = reply.answers.into_iter().map(without_dot).collect::<Vec<_>>();
                stdout.push_str(&records(&answers));
                stdout.push('\n');
            }
            Asked::Refused { .. } | Asked::Silence => {
                exit = 1;
                stdout.push_str(&format!("*** Can't find {name}: No answer\n\n"));
            }
        }
    }
    if !search && !answered {
        exit = 1;
        stdout.push_str(&format!("*** Can't find {}: No answer\n\n", request.name));
    }
    Outcome { stdout, stderr: String::new(), exit }
}

/// Names are shown without their final dots.
fn without_dot(record: Record) -> Record {
    let data = record.data.strip_suffix('.').filter(|_| record.kind != "TXT").map(str::to_owned);
    Record { data: data.unwrap_or(record.data), ..record }
}

/// All questions, in the order they are sent: A under every name, then AAAA.
fn questions(request: &Request, conf: &ResolvConf, search: bool) -> Vec<Question> {
    if let Ok(ip) = request.name.parse::<IpAddr>() {
        return vec![Question::new(reverse_name(ip), "PTR")];
    }
    let names: Vec<String> = if search && !request.name.contains('.') && !conf.search.is_empty() {
        conf.search.iter().map(|domain| format!("{}.{domain}", request.name)).collect()
    } else {
        vec![request.name.clone()]
    };
    let kinds = request.kind.map_or(vec!["A", "AAAA"], |kind| vec![kind]);
    let each = kinds.into_iter().flat_map(|kind| names.iter().map(move |n| (n, kind)));
    each.map(|(name, kind)| Question::new(name.clone(), kind)).collect()
}
