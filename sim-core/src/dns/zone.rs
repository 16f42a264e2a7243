//! The zone: one question to the kubernetes plugin, answered from a photograph of the API.
//!
//! In a real cluster CoreDNS watches Services, EndpointSlices, Namespaces (and pods, if it verifies them) and makes records up
//! as they are asked for; nothing is stored. We model every record of the DNS specification 1.1.0 with the plugin's rules and
//! quirks, CNAME chains through the forwarder, zone transfers, and what is left to the forwarder. Left out: DNSSEC, wildcards
//! (gone since CoreDNS 1.9). The real things: CoreDNS `plugin/kubernetes/handler.go`, `plugin/backend_lookup.go`.

mod find;
mod name;
pub mod transfer;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use self::find::{Found, Host, join};
use super::config::{ServerConfig, UpstreamAnswer, canonical, fqdn, matching_zone, within};
use super::message::{Question, Rcode, Record, Reply};
use crate::store::View;

/// Longest chain of CNAMEs that is followed inside the zone (CoreDNS `maxCnameChainLength`).
const CHAIN_MAX: usize = 10;
/// Highest TTL of a SOA record.
const SOA_TTL_MAX: u32 = 300;
/// Version of the DNS schema, and how long it may be kept.
const SCHEMA: (&str, u32) = ("1.1.0", 28_800);

/// There is no such name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct NameError;

/// Records found; whether the upstream's part of them was cut.
#[derive(Debug, Default)]
struct Section {
    answers: Vec<Record>,
    additional: Vec<Record>,
    truncated: bool,
}

struct Server<'a> {
    view: &'a View,
    config: &'a ServerConfig,
    next: RefCell<Next<'a>>,
}

/// Whoever answers what this plugin does not: the rest of the chain.
type Next<'a> = &'a mut dyn FnMut(&Question) -> Reply;

/// The question being answered, in the zone that holds it.
struct Asked<'a> {
    /// As asked, with final dot.
    name: &'a str,
    /// The zone, in the case of the question.
    zone: &'a str,
    kind: &'a str,
}

/// Answers one question as a server with this configuration would that knows the API as of `view` and has a forwarder behind.
///
/// `serial` is the number its SOA shows: the Unix time of the last change it has seen.
pub fn answer(view: &View, config: &ServerConfig, question: &Question, serial: u32) -> Reply {
    through(view, config, question, serial, &mut |question| outside(&config.upstream, question))
}

/// The plugin alone; what it leaves to others is asked of `next`.
pub fn through(view: &View, config: &ServerConfig, question: &Question, serial: u32, next: Next<'_>) -> Reply {
    let name = fqdn(&question.name);
    let Some(zone) = matching_zone(&config.zones, &name) else { return next(question) };
    let zone = &name[name.len() - fqdn(zone).len().min(name.len())..];
    let server = Server { view, config, next: RefCell::new(next) };
    let asked = Asked { name: &name, zone, kind: &question.kind };
    if matches!(asked.kind, "AXFR" | "IXFR") {
        return Reply::failure(Rcode::Refused);
    }
    let soa = soa(config, zone, serial);
    let found = match asked.kind {
        "SOA" if name == zone => Ok(Section { answers: vec![soa.clone()], ..Section::default() }),
        "SOA" => Ok(Section::default()),
        _ => server.section(&asked),
    };
    match found {
        Err(NameError) if config.fall_through.iter().any(|z| within(z, &name)) => server.ask_next(question),
        Err(NameError) => {
            let rcode = if config.synced { Rcode::NxDomain } else { Rcode::ServFail };
            Reply { authority: vec![soa], ..Reply::of(rcode) }
        }
        Ok(found) if found.answers.is_empty() => Reply { authority: vec![soa], ..Reply::of(Rcode::NoError) },
        Ok(found) => Reply {
            answers: found.answers,
            additional: found.additional,
            truncated: found.truncated,
            ..Reply::of(Rcode::NoError)
        },
    }
}

/// What the world outside says: what a scenario has listed for the name, else that there is no such name.
pub fn outside(listed: &[UpstreamAnswer], question: &Question) -> Reply {
    let named = || listed.iter().filter(|u| canonical(&u.name) == canonical(&question.name));
    let known = named().find(|u| u.kind.eq_ignore_ascii_case(&question.kind));
    Reply {
        authoritative: false,
        recursion_available: true,
        forwarded: true,
        truncated: known.is_some_and(|u| u.truncated),
        answers: known.map(|u| u.answers.clone()).unwrap_or_default(),
        ..Reply::of(if named().next().is_some() { Rcode::NoError } else { Rcode::NxDomain })
    }
}

fn soa(config: &ServerConfig, zone: &str, serial: u32) -> Record {
    let (server, mailbox) = (join(&["ns", "dns"], zone), join(&["hostmaster"], zone));
    let data = format!("{server} {mailbox} {serial} 7200 1800 86400 {}", config.ttl);
    Record { name: zone.to_owned(), kind: "SOA", ttl: config.ttl.min(SOA_TTL_MAX), data }
}

impl Server<'_> {
    fn ask_next(&self, question: &Question) -> Reply {
        (self.next.borrow_mut())(question)
    }

    fn section(&self, asked: &Asked<'_>) -> Result<Section, NameError> {
        match asked.kind {
            "A" | "AAAA" => self.addresses(asked, &mut Vec::new()),
            "SRV" => self.srv(asked),
            "CNAME" => self.cname(asked),
            "TXT" => self.txt(asked),
            "PTR" => self.ptr(asked),
            "NS" if asked.name.to_ascii_lowercase() == asked.zone => Ok(self.ns(asked)),
            // Any other type exists nowhere; whether the name does is what an A question would tell.
            _ => self.found(asked).map(|_| Section::default()),
        }
    }

    /// What the name stands for. The name of the server itself is found before the schema is looked at.
    fn found(&self, asked: &Asked<'_>) -> Result<Vec<Found>, NameError> {
        let name = asked.name.to_ascii_lowercase();
        if name.strip_prefix("ns.dns.").is_some_and(|rest| rest == asked.zone) {
            let own = self.name_servers(asked.zone).into_iter();
            return Ok(own.map(|(target, ip)| Found { host: Host::Ip(ip), target, port: None }).collect());
        }
        let base = name[..name.len() - asked.zone.len()].trim_end_matches('.');
        self.records(&name::parse(base).ok_or(NameError)?, asked.zone)
    }

    fn record(&self, name: &str, kind: &'static str, data: impl ToString) -> Record {
        Record { name: name.to_owned(), kind, ttl: self.config.ttl, data: data.to_string() }
    }

    /// A or AAAA, through CNAMEs; `chain` holds the targets on the way here.
    fn addresses(&self, asked: &Asked<'_>, chain: &mut Vec<String>) -> Result<Section, NameError> {
        let mut section = Section::default();
        let mut seen = BTreeSet::new();
        for found in self.found(asked)? {
            match found.host {
                Host::Ip(ip) if kind_of(ip) == asked.kind => {
                    if seen.insert(ip) {
                        section.answers.push(self.record(asked.name, kind_of(ip), ip));
                    }
                }
                Host::Ip(_) => {}
                Host::Name(target) => self.follow(asked, &fqdn(&target), chain, &mut section),
            }
        }
        Ok(section)
    }

    /// Adds a CNAME with what its target gives. Inside the zone a target without records withholds the CNAME.
    fn follow(&self, asked: &Asked<'_>, target: &str, chain: &mut Vec<String>, section: &mut Section) {
        let ring = within(asked.name, target) || chain.iter().any(|t| t == target);
        if ring || chain.len() > CHAIN_MAX {
            return;
        }
        let link = self.record(asked.name, "CNAME", target);
        let rest = if within(asked.zone, target) {
            chain.push(target.to_owned());
            let next = self.addresses(&Asked { name: target, zone: asked.zone, kind: asked.kind }, chain);
            chain.pop();
            match next {
                Ok(next) if !next.answers.is_empty() => next,
                _ => return,
            }
        } else {
            self.look_up(target, asked.kind, chain)
        };
        section.truncated |= rest.truncated;
        section.answers.push(link);
        section.answers.extend(rest.answers);
    }

    /// A target outside the zone asked in: another zone of this server, or the upstream's.
    fn look_up(&self, target: &str, kind: &str, chain: &mut Vec<String>) -> Section {
        let Some(zone) = matching_zone(&self.config.zones, target) else {
            let reply = self.ask_next(&Question::new(target, kind));
            return Section { answers: reply.answers, truncated: reply.truncated, ..Section::default() };
        };
        chain.push(target.to_owned());
        let section = self.addresses(&Asked { name: target, zone: &canonical(zone), kind }, chain);
        chain.pop();
        section.unwrap_or_default()
    }

    fn srv(&self, asked: &Asked<'_>) -> Result<Section, NameError> {
        let mut found = self.found(asked)?;
        found.retain(|f| matches!(f.host, Host::Ip(_)));
        // Shares are fixed before equal records merge, as in CoreDNS: two families of one port get half each.
        let weight = (100 / found.len().max(1)).max(1);
        let mut section = Section::default();
        let (mut ports, mut hosts) = (BTreeSet::new(), BTreeSet::new());
        for Found { host, target, port } in found {
            let (Host::Ip(ip), Some(port)) = (host, port) else { continue };
            if ports.insert((target.clone(), port)) {
                section.answers.push(self.record(asked.name, "SRV", format!("0 {weight} {port} {target}")));
            }
            if hosts.insert((target.clone(), ip)) {
                section.additional.push(self.record(&target, kind_of(ip), ip));
            }
        }
        Ok(section)
    }

    fn cname(&self, asked: &Asked<'_>) -> Result<Section, NameError> {
        let found = self.found(asked)?;
        let answers = match found.first() {
            Some(Found { host: Host::Name(target), .. }) => vec![self.record(asked.name, "CNAME", fqdn(target))],
            _ => vec![],
        };
        Ok(Section { answers, ..Section::default() })
    }

    /// The version of the schema. A name without records counts as absent here, unlike for other types.
    fn txt(&self, asked: &Asked<'_>) -> Result<Section, NameError> {
        let name = asked.name.to_ascii_lowercase();
        let base = name[..name.len() - asked.zone.len()].trim_end_matches('.');
        if base == "dns-version" {
            let (data, ttl) = (SCHEMA.0.to_owned(), SCHEMA.1);
            let version = Record { name: asked.name.to_owned(), kind: "TXT", ttl, data };
            return Ok(Section { answers: vec![version], ..Section::default() });
        }
        match self.records(&name::parse(base).ok_or(NameError)?, asked.zone) {
            Ok(found) if !found.is_empty() => Ok(Section::default()),
            _ => Err(NameError),
        }
    }

    fn ptr(&self, asked: &Asked<'_>) -> Result<Section, NameError> {
        let Some(ip) = reverse_address(asked.name) else {
            let name = asked.name.to_ascii_lowercase();
            let base = name[..name.len() - asked.zone.len()].trim_end_matches('.');
            self.records(&name::parse(base).ok_or(NameError)?, asked.zone)?;
            return Ok(Section::default());
        };
        let names = self.reverse(ip);
        if names.is_empty() {
            return Err(NameError);
        }
        let answers = names.into_iter().map(|n| self.record(asked.name, "PTR", n)).collect();
        Ok(Section { answers, ..Section::default() })
    }

    fn ns(&self, asked: &Asked<'_>) -> Section {
        let mut section = Section::default();
        let mut seen = BTreeSet::new();
        for (server, ip) in self.name_servers(asked.zone) {
            section.additional.push(self.record(&server, kind_of(ip), ip));
            if seen.insert(server.clone()) {
                section.answers.push(self.record(asked.name, "NS", server));
            }
        }
        section
    }
}

fn kind_of(ip: IpAddr) -> &'static str {
    if ip.is_ipv4() { "A" } else { "AAAA" }
}

/// Whether a name is below one of the two reverse trees; the trees themselves do not count, as in CoreDNS.
pub fn is_reverse(name: &str) -> bool {
    let name = canonical(name);
    name.ends_with(".in-addr.arpa.") || name.ends_with(".ip6.arpa.")
}

/// The address a reverse name spells: four numbers or thirty-two nibbles, last first.
///
/// ```
/// use sim_core::dns::zone::reverse_address;
/// assert_eq!(reverse_address("20.0.96.10.in-addr.arpa."), "10.96.0.20".parse().ok());
/// assert_eq!(reverse_address("0.96.10.in-addr.arpa."), None);
/// ```
pub fn reverse_address(name: &str) -> Option<IpAddr> {
    let name = canonical(name);
    if let Some(numbers) = name.strip_suffix(".in-addr.arpa.") {
        let numbers: Vec<&str> = numbers.rsplit('.').collect();
        return numbers.join(".").parse::<Ipv4Addr>().ok().map(IpAddr::V4);
    }
    let nibbles: Vec<&str> = name.strip_suffix(".ip6.arpa.")?.rsplit('.').collect();
    let groups: Vec<String> = nibbles.chunks_exact(4).map(|four| four.concat()).collect();
    groups.join(":").parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}

/// The name under which an address is looked up.
pub fn reverse_name(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa.")
        }
        IpAddr::V6(ip) => {
            let nibbles = ip.octets().into_iter().rev().flat_map(|byte| [byte & 15, byte >> 4]);
            nibbles.map(|n| format!("{n:x}.")).collect::<String>() + "ip6.arpa."
        }
    }
}

#[cfg(test)]
mod tests;
