//! DNS messages: bytes to a question, a reply to bytes.
//!
//! What is refused before any plugin sees it is refused as CoreDNS's library does it: answers are ignored, operations other than
//! questions are not implemented, and a message with no question or several is malformed.
//! The real things: RFC 1035, RFC 6891; `miekg/dns` `acceptfunc.go`; CoreDNS `core/dnsserver/server.go`.

use std::net::IpAddr;
use std::str::FromStr;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, NS, PTR, SOA, SRV, TXT};
use hickory_proto::rr::{DNSClass, Name, RData, Record as WireRecord, RecordType};
use sim_core::dns::message::{Question, Rcode, Record, Reply, kind_named};

/// Bytes of records in one message of a zone transfer (CoreDNS `plugin/transfer`).
const TRANSFER_BYTES: usize = 63_000;
/// Bytes of a message's header.
const HEADER: usize = 12;

/// A question as it came, with what its reply repeats.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What is asked.
    pub question: Question,
    query: Query,
    id: u16,
    recursion_desired: bool,
    checking_disabled: bool,
    /// The OPT record of the reply: the client's size, and those of its options that go back as they came.
    edns: Option<Edns>,
}

/// NSID, EXPIRE, COOKIE, KEEPALIVE, PADDING (CoreDNS `request.supportedOptions`).
const ECHOED: [u16; 5] = [3, 9, 10, 11, 12];

/// Reads a message; an error is what goes back instead of a reply, if anything does.
pub fn decode(bytes: &[u8]) -> Result<Asked, Option<Vec<u8>>> {
    let Ok(message) = Message::from_vec(bytes) else { return Err(malformed(bytes)) };
    let head = &message.metadata;
    if head.message_type == MessageType::Response {
        return Err(None);
    }
    let refuse = |code| Err(Message::error_msg(head.id, head.op_code, code).to_vec().ok());
    if head.op_code != OpCode::Query {
        return refuse(ResponseCode::NotImp);
    }
    let [query] = &message.queries[..] else { return refuse(ResponseCode::FormErr) };
    let edns = message.edns.as_ref().map(echoed);
    let asked = Asked {
        question: Question {
            // What the options take is not there for records.
            udp_size: edns.as_ref().map(room),
            ..Question::new(text_of(&query.name), query.query_type.to_string())
        },
        query: query.clone(),
        id: head.id,
        recursion_desired: head.recursion_desired,
        checking_disabled: head.checking_disabled,
        edns,
    };
    if query.query_class != DNSClass::IN {
        return Err(asked.frame(ResponseCode::Refused).to_vec().ok());
    }
    if message.edns.as_ref().is_some_and(|e| e.version() != 0) {
        return Err(asked.frame(ResponseCode::BADVERS).to_vec().ok());
    }
    Ok(asked)
}

/// Bytes that the client takes, without those of the options.
fn room(edns: &Edns) -> u16 {
    let options: u16 = edns.options().as_ref().iter().map(|(_, option)| option.len().saturating_add(4)).sum();
    edns.max_payload().max(512).saturating_sub(options)
}

fn echoed(asked: &Edns) -> Edns {
    let mut edns = Edns::new();
    edns.set_max_payload(asked.max_payload());
    for (code, option) in asked.options().as_ref() {
        if ECHOED.contains(&u16::from(*code)) {
            edns.options_mut().insert(option.clone());
        }
    }
    edns
}

/// `FORMERR` to what has a header and is no answer.
fn malformed(bytes: &[u8]) -> Option<Vec<u8>> {
    let header = bytes.get(..HEADER).filter(|h| h[2] & 0x80 == 0)?;
    let id = u16::from_be_bytes([header[0], header[1]]);
    Message::error_msg(id, OpCode::from_u8((header[2] >> 3) & 0xf), ResponseCode::FormErr).to_vec().ok()
}

impl Asked {
    /// The reply without records.
    fn frame(&self, code: ResponseCode) -> Message {
        let mut message = Message::response(self.id, OpCode::Query);
        message.metadata.response_code = code;
        message.metadata.recursion_desired = self.recursion_desired;
        message.metadata.checking_disabled = self.checking_disabled;
        message.add_query(self.query.clone());
        if let Some(mut edns) = self.edns.clone() {
            // The high bits of the code travel in the OPT record.
            edns.set_rcode_high(code.high());
            message.set_edns(edns);
        }
        message
    }

    /// The messages that carry a reply: one, or several if a zone is transferred. A reply that cannot be written down (an object
    /// whose name is no domain name) is a server failure.
    pub fn encode(&self, reply: &Reply) -> Vec<Vec<u8>> {
        let zone = matches!(&*self.question.kind, "AXFR" | "IXFR") && reply.answers.len() > 1;
        let batches = if zone { batches(&reply.answers) } else { vec![&reply.answers[..]] };
        let written: Option<Vec<Vec<u8>>> = batches.into_iter().map(|answers| self.message(reply, answers)).collect();
        written.unwrap_or_else(|| self.frame(ResponseCode::ServFail).to_vec().into_iter().collect())
    }

    fn message(&self, reply: &Reply, answers: &[Record]) -> Option<Vec<u8>> {
        let mut message = self.frame(code_of(reply.rcode));
        message.metadata.authoritative = reply.authoritative;
        message.metadata.truncation = reply.truncated;
        message.metadata.recursion_available = reply.recursion_available;
        message.insert_answers(answers.iter().map(written).collect::<Option<_>>()?);
        message.insert_authorities(reply.authority.iter().map(written).collect::<Option<_>>()?);
        message.insert_additionals(reply.additional.iter().map(written).collect::<Option<_>>()?);
        message.to_vec().ok()
    }
}

/// Splits the records of a zone so that each part fits into a message.
fn batches(records: &[Record]) -> Vec<&[Record]> {
    let mut batches = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (at, record) in records.iter().enumerate() {
        // Uncompressed, and with the fixed part of a record.
        let size = record.name.len() + record.data.len() + 14;
        if bytes + size > TRANSFER_BYTES && at > start {
            batches.push(&records[start..at]);
            (start, bytes) = (at, 0);
        }
        bytes += size;
    }
    batches.push(&records[start..]);
    batches
}

fn code_of(rcode: Rcode) -> ResponseCode {
    match rcode {
        Rcode::NoError => ResponseCode::NoError,
        Rcode::FormErr => ResponseCode::FormErr,
        Rcode::ServFail => ResponseCode::ServFail,
        Rcode::NxDomain => ResponseCode::NXDomain,
        Rcode::NotImp => ResponseCode::NotImp,
        Rcode::Refused => ResponseCode::Refused,
    }
}

/// A record for the wire; `None` if its text is not of its type.
fn written(record: &Record) -> Option<WireRecord> {
    let words: Vec<&str> = record.data.split(' ').collect();
    let data = match (record.kind, &words[..]) {
        ("A", [ip]) => RData::A(A(ip.parse().ok()?)),
        ("AAAA", [ip]) => RData::AAAA(AAAA(ip.parse().ok()?)),
        ("CNAME", [target]) => RData::CNAME(CNAME(name_of(target)?)),
        ("PTR", [target]) => RData::PTR(PTR(name_of(target)?)),
        ("NS", [target]) => RData::NS(NS(name_of(target)?)),
        ("SRV", [priority, weight, port, target]) => {
            RData::SRV(SRV::new(priority.parse().ok()?, weight.parse().ok()?, port.parse().ok()?, name_of(target)?))
        }
        ("SOA", [server, mailbox, serial, refresh, retry, expire, minimum]) => RData::SOA(SOA::new(
            name_of(server)?,
            name_of(mailbox)?,
            serial.parse().ok()?,
            refresh.parse().ok()?,
            retry.parse().ok()?,
            expire.parse().ok()?,
            minimum.parse().ok()?,
        )),
        ("TXT", _) => RData::TXT(TXT::new(vec![record.data.clone()])),
        _ => return None,
    };
    Some(WireRecord::from_rdata(name_of(&record.name)?, record.ttl, data))
}

/// A name in presentation form: `\\.` and `\\\\` are a dot and a backslash in a label, `\\DDD` is any byte.
fn text_of(name: &Name) -> String {
    let mut text = String::new();
    for label in name.iter() {
        for byte in label {
            match byte {
                b'.' | b'\\' => text.extend(['\\', char::from(*byte)]),
                b'!'..=b'~' => text.push(char::from(*byte)),
                _ => text.push_str(&format!("\\{byte:03}")),
            }
        }
        text.push('.');
    }
    if text.is_empty() { ".".to_owned() } else { text }
}

/// The name of a text; `None` if it is too long, or a label is.
fn name_of(text: &str) -> Option<Name> {
    let (mut labels, mut label) = (Vec::new(), Vec::new());
    let mut bytes = text.strip_suffix('.').unwrap_or(text).bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'.' => labels.push(std::mem::take(&mut label)),
            b'\\' => match bytes.next()? {
                digit @ b'0'..=b'9' => {
                    let rest = [bytes.next()?, bytes.next()?];
                    let digits = [digit, rest[0], rest[1]];
                    label.push(std::str::from_utf8(&digits).ok()?.parse().ok()?);
                }
                escaped => label.push(escaped),
            },
            byte => label.push(byte),
        }
    }
    if !text.is_empty() && text != "." {
        labels.push(label);
    }
    let mut name = Name::from_labels(labels.iter().map(Vec::as_slice)).ok()?;
    name.set_fqdn(true);
    Some(name)
}

/// Writes a question, as a client does.
pub fn ask(id: u16, question: &Question) -> Option<Vec<u8>> {
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(name_of(&question.name)?, RecordType::from_str(&question.kind).ok()?));
    if let Some(size) = question.udp_size {
        let mut edns = Edns::new();
        edns.set_max_payload(size);
        message.set_edns(edns);
    }
    message.to_vec().ok()
}

/// Reads a reply, as a client does: the inverse of [`Asked::encode`].
pub fn read(bytes: &[u8]) -> Option<Reply> {
    let message = Message::from_vec(bytes).ok()?;
    let head = &message.metadata;
    let rcode = [Rcode::NoError, Rcode::FormErr, Rcode::ServFail, Rcode::NxDomain, Rcode::NotImp, Rcode::Refused];
    let rcode = rcode.into_iter().find(|r| code_of(*r) == head.response_code)?;
    let records = |list: &[WireRecord]| list.iter().map(told).collect::<Option<Vec<_>>>();
    Some(Reply {
        authoritative: head.authoritative,
        truncated: head.truncation,
        recursion_available: head.recursion_available,
        answers: records(&message.answers)?,
        authority: records(&message.authorities)?,
        additional: records(&message.additionals)?,
        ..Reply::of(rcode)
    })
}

fn told(record: &WireRecord) -> Option<Record> {
    let kind = kind_named(&record.record_type().to_string())?;
    let data = match &record.data {
        RData::A(ip) => IpAddr::V4(ip.0).to_string(),
        RData::AAAA(ip) => IpAddr::V6(ip.0).to_string(),
        RData::CNAME(CNAME(name)) | RData::PTR(PTR(name)) | RData::NS(NS(name)) => text_of(name),
        RData::SRV(srv) => format!("{} {} {} {}", srv.priority, srv.weight, srv.port, text_of(&srv.target)),
        RData::SOA(soa) => {
            let names = format!("{} {}", text_of(&soa.mname), text_of(&soa.rname));
            format!("{names} {} {} {} {} {}", soa.serial, soa.refresh, soa.retry, soa.expire, soa.minimum)
        }
        RData::TXT(text) => text.txt_data.iter().map(|part| String::from_utf8_lossy(part)).collect(),
        _ => return None,
    };
    Some(Record { name: text_of(&record.name), kind, ttl: record.ttl, data })
}
