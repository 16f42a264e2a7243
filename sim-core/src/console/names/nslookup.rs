//! nslookup, as the image has it.
//!
//! BIND's honours the search list and `ndots`; busybox's does not, which makes working names look broken. Which one runs follows
//! from the image's name. The real things: BIND `bin/dig/nslookup.c`; busybox `networking/nslookup.c`.

use std::net::IpAddr;

use super::bind::{Walked, manner, servers, walk};
use super::busybox;
use super::pace::at_its_pace;
use super::source;
use crate::console::host::{Host, Outcome, Place};
use crate::dns::message::{Rcode, Record, kind_named};
use crate::dns::resolv_conf::ResolvConf;
use crate::dns::zone::reverse_name;
use crate::network::wire::{Source, Wire};

/// Whose network programs an image brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::console) enum Make {
    /// BIND 9.18 and later.
    Bind,
    /// BIND before 9.18: fewer words about failures.
    OldBind,
    /// busybox up to 1.28, which uses the C library.
    LibcBusybox,
    /// busybox 1.29 to 1.31: no search list.
    PlainBusybox,
    /// busybox since then.
    Busybox,
}

/// What was asked on the command line.
pub(super) struct Request {
    pub(super) name: String,
    /// A type, unless addresses are wanted.
    pub(super) kind: Option<&'static str>,
    pub(super) server: Option<String>,
}

pub(super) async fn nslookup(host: &mut dyn Host, argv: &[String], _stdin: &str) -> Outcome {
    let place = host.place();
    let make = make_at(host);
    let request = match parse(argv) {
        Ok(request) => request,
        Err(refusal) => return refusal,
    };
    let from = source(place);
    let ran = at_its_pace(host, "nslookup", |wire| match make {
        Make::Bind | Make::OldBind => bind(wire, &from, &request, make == Make::OldBind),
        Make::LibcBusybox => busybox::libc(wire, &from, &request),
        Make::PlainBusybox => busybox::own(wire, &from, &request, false),
        Make::Busybox => busybox::own(wire, &from, &request, true),
    });
    ran.await.unwrap_or_else(|refusal| refusal)
}

/// Whose programs run at a place.
pub(in crate::console) fn make_at(host: &mut dyn Host) -> Make {
    match host.place() {
        Place::Pod { namespace, pod, container } => {
            host.world().container(&namespace, &pod, &container).map_or(Make::Bind, |view| make_of(&view.image))
        }
        Place::Outside | Place::Node(_) => Make::Bind,
    }
}

impl Make {
    /// busybox of any age.
    pub(in crate::console) fn is_busybox(self) -> bool {
        matches!(self, Make::LibcBusybox | Make::PlainBusybox | Make::Busybox)
    }
}

/// Which make an image of that name brings.
pub(super) fn make_of(image: &str) -> Make {
    let image = image.split('@').next().unwrap_or_default();
    let (path, tag) = match image.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => (path, tag),
        _ => (image, "latest"),
    };
    let base = path.rsplit('/').next().unwrap_or_default();
    match base {
        "busyboxplus" => Make::LibcBusybox,
        "busybox" => {
            let minor = tag
                .strip_prefix("1.")
                .and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next().and_then(|n| n.parse::<u32>().ok()));
            match minor {
                Some(..=28) => Make::LibcBusybox,
                Some(29..=31) => Make::PlainBusybox,
                _ => Make::Busybox,
            }
        }
        "alpine" => Make::Busybox,
        "jessie-dnsutils" => Make::OldBind,
        _ => Make::Bind,
    }
}

fn parse(argv: &[String]) -> Result<Request, Outcome> {
    let mut words = Vec::new();
    let mut kind = None;
    for word in argv.iter().skip(1) {
        let Some(option) = word.strip_prefix('-') else {
            words.push(word.clone());
            continue;
        };
        let (key, value) = option.split_once('=').unwrap_or((option, ""));
        match key {
            "type" | "query" | "querytype" | "q" | "ty" => {
                let known = kind_named(value).ok_or_else(|| Outcome::out(format!("unknown query type: {value}\n")))?;
                kind = Some(known).filter(|k| *k != "ANY");
            }
            "debug" | "timeout" | "retry" | "port" | "vc" | "novc" | "recurse" | "norecurse" => {}
            _ => return Err(Outcome::out(format!("*** Invalid option: {option}\n"))),
        }
    }
    let mut words = words.into_iter();
    let name = words.next().ok_or_else(|| {
        Outcome::err(1, "nslookup: the interactive mode is not part of this simulator; give a name: nslookup NAME [SERVER]")
    })?;
    Ok(Request { name, kind, server: words.next() })
}

fn bind(wire: &mut dyn Wire, from: &Source, request: &Request, old: bool) -> Outcome {
    let conf = ResolvConf::parse(&wire.resolver(from).resolv_conf);
    let manner = match servers(wire, from, &conf, request.server.as_deref()) {
        Ok(servers) => manner(servers),
        Err(why) => return Outcome { stdout: format!("nslookup: {why}\n"), exit: 1, ..Outcome::default() },
    };
    let (names, kind) = match request.name.parse::<IpAddr>() {
        Ok(ip) => (vec![reverse_name(ip).trim_end_matches('.').to_owned()], "PTR"),
        Err(_) => (conf.candidates(&request.name), request.kind.unwrap_or("A")),
    };
    let both = request.kind.is_none() && kind == "A";
    let Walked { name, exchange } = walk(wire, from, &manner, &names, kind);
    if let Some(why) = exchange.stopped {
        return Outcome::err(124, why);
    }
    let mut text = if old { String::new() } else { exchange.failure_lines() };
    let Some((reply, server, _)) = exchange.reply else {
        text.push_str(if old {
            ";; connection timed out; no servers could be reached\n\n"
        } else {
            ";; no servers could be reached\n\n"
        });
        return Outcome { stdout: text, exit: 1, ..Outcome::default() };
    };
    // An address is looked up without a word about the server.
    if request.name.parse::<IpAddr>().is_err() {
        text.push_str(&format!("Server:\t\t{}\nAddress:\t{}\n\n", server.ip(), super::exchange::hash(server)));
    }
    if reply.rcode != Rcode::NoError {
        text.push_str(&format!("** server can't find {name}: {}\n\n", reply.rcode.text()));
        return Outcome { stdout: text, exit: 1, ..Outcome::default() };
    }
    let mut body = records(&reply.answers);
    if both {
        let target = end_of_chain(&reply.answers, &name);
        let more = super::exchange::exchange(wire, from, &manner, &target, "AAAA");
        let more = more.reply.map(|(more, ..)| more);
        if let Some(failed) = more.as_ref().filter(|m| m.rcode != Rcode::NoError) {
            text.push_str(&format!("{body}** server can't find {target}: {}\n\n", failed.rcode.text()));
            return Outcome { stdout: text, exit: 1, ..Outcome::default() };
        }
        if let Some(more) = more {
            body.push_str(&records(&more.answers.into_iter().filter(|r| r.kind == "AAAA").collect::<Vec<_>>()));
        }
    }
    if body.is_empty() {
        body = format!("*** Can't find {}: No answer\n", request.name);
    } else if !reply.authoritative {
        text.push_str("Non-authoritative answer:\n");
        if !both {
            body.push_str("\nAuthoritative answers can be found from:\n");
        }
    }
    Outcome::out(text + &body + "\n")
}

/// The name at the end of a chain of CNAMEs.
pub(super) fn end_of_chain(answers: &[Record], name: &str) -> String {
    let last = answers.iter().rev().find(|r| r.kind == "CNAME");
    last.map_or_else(|| name.to_owned(), |link| link.data.trim_end_matches('.').to_owned())
}

/// Records as nslookup of BIND prints them; busybox's leaves out the final dots of names.
pub(super) fn records(answers: &[Record]) -> String {
    let mut text = String::new();
    for record in answers {
        let owner = record.name.trim_end_matches('.');
        let data = &record.data;
        text.push_str(&match record.kind {
            "A" | "AAAA" => format!("Name:\t{owner}\nAddress: {data}\n"),
            "CNAME" => format!("{owner}\tcanonical name = {data}\n"),
            "SRV" => format!("{owner}\tservice = {data}\n"),
            "PTR" => format!("{owner}\tname = {data}\n"),
            "TXT" => format!("{owner}\ttext = \"{data}\"\n"),
            "NS" => format!("{owner}\tnameserver = {data}\n"),
            "SOA" => start_of_authority(owner, data),
            other => format!("{owner}\t{other} {data}\n"),
        });
    }
    text
}

fn start_of_authority(owner: &str, data: &str) -> String {
    let words: Vec<&str> = data.split(' ').collect();
    let [server, mailbox, serial, refresh, retry, expire, minimum] = words[..] else { return String::new() };
    let (server, mailbox) = (server.trim_end_matches('.'), mailbox.trim_end_matches('.'));
    format!(
        "{owner}\n\torigin = {server}\n\tmail addr = {mailbox}\n\tserial = {serial}\n\trefresh = {refresh}\n\tretry = {retry}\n\
         \texpire = {expire}\n\tminimum = {minimum}\n"
    )
}
