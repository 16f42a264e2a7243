//! The network as client programs use it: one packet, one request, one question at a time, each decided at the moment it is sent.
//!
//! Programs (curl, nslookup) loop over these calls and wait in between, so that a retry meets the world as it then is.

use std::net::{IpAddr, SocketAddr};

use super::transport::{Connection, Opening, Sent};
use crate::dns::message::{Question, Reply};
use crate::dns::resolver::Library;
use crate::engine::time::{Duration, Instant};
use crate::explain::Trace;
use crate::objects::Name;
use crate::objects::pod_spec::Protocol;

/// Where a packet starts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// A machine outside the cluster.
    Outside,
    /// A process on a node's own network.
    Node(Name),
    /// A pod.
    Pod {
        /// Its namespace.
        namespace: Name,
        /// Its name.
        name: Name,
    },
    /// A bare address; `at_node` is where it enters the cluster (or the node whose pod traffic it counts as).
    Address {
        /// The address.
        ip: IpAddr,
        /// The node.
        at_node: Name,
    },
}

/// A request over an established connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HttpRequest {
    /// `GET`, `HEAD`, ...
    pub method: String,
    /// Path with query.
    pub path: String,
    /// Value of the `Host` header.
    pub host: String,
}

/// What a server answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HttpReply {
    /// A response after some time.
    Response {
        /// Status code.
        status: u16,
        /// `Content-Type`.
        content_type: String,
        /// `Server` header; may be empty.
        server: String,
        /// Body.
        body: String,
        /// Time from request to the whole response.
        after: Duration,
    },
    /// The server does not speak (this) HTTP, or closed without a word.
    Empty {
        /// After this time.
        after: Duration,
    },
    /// The server went away.
    Reset {
        /// After this time.
        after: Duration,
    },
    /// The server has the request and will not answer.
    Silence,
    /// The request does not get through: nobody acknowledges it, and the kernel sends it again until it gives up.
    Lost,
}

/// What came of one DNS question sent to one server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Asked {
    /// A reply.
    Reply {
        /// The reply.
        reply: Reply,
        /// Round trip.
        after: Duration,
    },
    /// ICMP port unreachable, or a reset.
    Refused {
        /// Round trip.
        after: Duration,
    },
    /// Nothing comes back.
    Silence,
}

/// The stub resolver's configuration of a place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ResolverConfig {
    /// `/etc/resolv.conf`.
    pub resolv_conf: String,
    /// `/etc/hosts`.
    pub hosts: String,
    /// Whose rules: the C library's of the image, or the program's own.
    pub library: Library,
}

/// The network, for programs.
pub trait Wire {
    /// Simulated time.
    fn now(&self) -> Instant;
    /// Lets time pass; an error tells which limit ended it.
    fn wait(&mut self, by: Duration) -> Result<(), String>;
    /// One DNS question to one server, sent now.
    fn ask(&mut self, from: &Source, server: SocketAddr, protocol: Protocol, question: &Question) -> Asked;
    /// The same, beside the world where that is possible: no server remembers that it was asked.
    fn look(&mut self, from: &Source, server: SocketAddr, protocol: Protocol, question: &Question) -> Asked {
        self.ask(from, server, protocol, question)
    }
    /// One question to cluster DNS as it is, beside the world; `None` if the cluster has no DNS.
    fn cluster_dns(&mut self, question: &Question) -> Option<Reply> {
        let _ = question;
        None
    }
    /// How names are resolved there.
    fn resolver(&mut self, from: &Source) -> ResolverConfig;
}

/// Sockets, for programs.
pub trait Connections: Wire {
    /// Sends the first packet of a connection, or sends it again: its way, and the connection if the server accepted.
    fn open(&mut self, opening: &Opening) -> (Trace, Option<Connection>);
    /// Sends a request over a connection: what will come back if nothing happens meanwhile.
    fn send(&mut self, connection: &Connection, request: &HttpRequest) -> HttpReply;
    /// Whether the other end of a connection is still there. No packet is sent.
    fn heard(&mut self, connection: &Connection) -> Sent;
    /// Closes a connection.
    fn close(&mut self, connection: &Connection);
    /// One ICMP echo request: its way, and what came back.
    fn ping(&mut self, from: &Source, to: IpAddr) -> Trace;
}
