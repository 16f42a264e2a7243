//! How large a reply is on the wire, and how it is cut to what fits.
//!
//! CoreDNS compresses names only once a reply would not fit otherwise; here replies are always counted compressed.
//! The real things: RFC 1035 section 4.1.4, `miekg/dns` `msg_truncate.go`, CoreDNS `request.Scrub`.

use std::collections::BTreeSet;

use super::config::canonical;
use super::message::{Question, Record, Reply};

/// Bytes of a reply over UDP to a client that states no larger size.
pub const UDP_REPLY_MAX: usize = 512;
/// Bytes of the OPT record that answers the client's.
const OPT: usize = 11;

/// Cuts a reply to so many bytes: whole records from the end, the last section first.
pub fn cut(reply: &mut Reply, question: &Question, bytes_max: usize) {
    let mut seen = BTreeSet::new();
    // Header, then the question with type and class.
    let mut bytes = 12 + name_bytes(&question.name, &mut seen) + 4 + opt(question);
    let mut full = false;
    for section in reply.sections() {
        let fits = section.iter().take_while(|record| {
            bytes += record_bytes(record, &mut seen);
            full |= bytes > bytes_max;
            !full
        });
        let fits = fits.count();
        full |= fits < section.len();
        section.truncate(fits);
    }
    reply.truncated |= full;
}

/// The size of a reply on the wire.
pub fn reply_bytes(reply: &Reply, question: &Question) -> usize {
    let mut seen = BTreeSet::new();
    let head = 12 + name_bytes(&question.name, &mut seen) + 4 + opt(question);
    reply.records().fold(head, |bytes, record| bytes + record_bytes(record, &mut seen))
}

fn record_bytes(record: &Record, seen: &mut BTreeSet<String>) -> usize {
    let owner = name_bytes(&record.name, seen) + 10;
    let words: Vec<&str> = record.data.split(' ').collect();
    owner
        + match record.kind {
            "A" => 4,
            "AAAA" => 16,
            // The target of a SRV record is not compressed.
            "SRV" => 6 + words.last().map_or(0, |target| target.len() + 1),
            "SOA" => 20 + words.iter().take(2).map(|n| name_bytes(n, seen)).sum::<usize>(),
            "CNAME" | "PTR" | "NS" => name_bytes(&record.data, seen),
            _ => record.data.len() + 1,
        }
}

/// A name on the wire: its labels up to a suffix that was written before, to which two bytes point.
fn name_bytes(name: &str, seen: &mut BTreeSet<String>) -> usize {
    let name = canonical(name);
    let mut rest = name.trim_end_matches('.');
    let mut bytes = 0;
    while !rest.is_empty() {
        if !seen.insert(rest.to_owned()) {
            return bytes + 2;
        }
        let (label, tail) = rest.split_once('.').unwrap_or((rest, ""));
        bytes += label.len() + 1;
        rest = tail;
    }
    bytes + 1
}

/// The size of a question on the wire.
pub fn question_bytes(question: &Question) -> usize {
    12 + name_bytes(&question.name, &mut BTreeSet::new()) + 4 + opt(question)
}

/// A question with an OPT record is answered with one.
fn opt(question: &Question) -> usize {
    if question.udp_size.is_some() { OPT } else { 0 }
}
