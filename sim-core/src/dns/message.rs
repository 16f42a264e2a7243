//! DNS questions and replies as data, without the wire form.
//!
//! Left out: EDNS options but the size, DNSSEC. The real thing: RFC 1035, RFC 2782, RFC 6891.

use crate::objects::Name;

/// One question. The name is kept as asked (case included), with or without its final dot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Question {
    /// Name.
    pub name: String,
    /// `A`, `AAAA`, `SRV`, `PTR`, `CNAME`, `NS`, `SOA`, `TXT`, ... in upper case.
    pub kind: String,
    /// EDNS: how large a UDP reply may be; `None` = the question has no OPT record, and 512 bytes it is.
    pub udp_size: Option<u16>,
    /// Not on the wire: it leaves at the same moment and from the same socket as the question before it.
    pub beside: bool,
}

/// One resource record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Record {
    /// Owner name, with its final dot.
    pub name: String,
    /// Type.
    pub kind: &'static str,
    /// Time to live in seconds.
    pub ttl: u32,
    /// Data in presentation form, for example `10.96.0.20` or `0 100 80 web.default.svc.cluster.local.`; texts without quotes.
    pub data: String,
}

/// Response code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Rcode {
    NoError,
    FormErr,
    ServFail,
    NxDomain,
    NotImp,
    Refused,
}

/// One reply.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reply {
    /// Response code.
    pub rcode: Rcode,
    /// AA.
    pub authoritative: bool,
    /// TC.
    pub truncated: bool,
    /// RA.
    pub recursion_available: bool,
    /// Answer section.
    pub answers: Vec<Record>,
    /// Authority section.
    pub authority: Vec<Record>,
    /// Additional section.
    pub additional: Vec<Record>,
    /// Whether the server passed the question on to an upstream. (This and what follows is not on the wire.)
    pub forwarded: bool,
    /// Whether it comes out of the server's cache.
    pub cached: bool,
    /// The pod that gave it; empty where none did.
    pub server: Name,
}

impl Question {
    /// A question without EDNS.
    pub fn new(name: impl Into<String>, kind: impl Into<String>) -> Question {
        Question { name: name.into(), kind: kind.into(), udp_size: None, beside: false }
    }
}

impl Reply {
    /// The reply of a server that answers for the zone, without records.
    pub fn of(rcode: Rcode) -> Reply {
        Reply {
            rcode,
            authoritative: true,
            truncated: false,
            recursion_available: false,
            answers: vec![],
            authority: vec![],
            additional: vec![],
            forwarded: false,
            cached: false,
            server: Name::default(),
        }
    }

    /// What a server says that could not find out: a bare code.
    pub fn failure(rcode: Rcode) -> Reply {
        Reply { authoritative: false, ..Reply::of(rcode) }
    }

    /// All records, section by section.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.answers.iter().chain(&self.authority).chain(&self.additional)
    }

    /// The sections, to be changed.
    pub fn sections(&mut self) -> [&mut Vec<Record>; 3] {
        [&mut self.answers, &mut self.authority, &mut self.additional]
    }
}

/// The types a question may have here.
pub const KINDS: [&str; 14] =
    ["A", "AAAA", "SRV", "PTR", "CNAME", "NS", "SOA", "TXT", "MX", "ANY", "HINFO", "CAA", "AXFR", "IXFR"];

/// The type of that name; case does not matter.
pub fn kind_named(text: &str) -> Option<&'static str> {
    KINDS.into_iter().find(|kind| kind.eq_ignore_ascii_case(text))
}

impl Rcode {
    /// Its number.
    pub fn number(self) -> u8 {
        match self {
            Rcode::NoError => 0,
            Rcode::FormErr => 1,
            Rcode::ServFail => 2,
            Rcode::NxDomain => 3,
            Rcode::NotImp => 4,
            Rcode::Refused => 5,
        }
    }

    /// Its name as `dig` prints it.
    pub fn text(self) -> &'static str {
        match self {
            Rcode::NoError => "NOERROR",
            Rcode::FormErr => "FORMERR",
            Rcode::ServFail => "SERVFAIL",
            Rcode::NxDomain => "NXDOMAIN",
            Rcode::NotImp => "NOTIMP",
            Rcode::Refused => "REFUSED",
        }
    }
}
