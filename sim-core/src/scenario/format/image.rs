//! `spec.images`: how containers of an image behave.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::engine::time::Duration;
use crate::scenario::notation::Written;

/// How containers of an image behave; what is absent is as in the built-in model of that name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Image {
    /// Where it listens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<Vec<Listen>>,
    /// Time from its start until it listens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Written<Duration>>,
    /// Time to pull it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull: Option<Written<Duration>>,
    /// What it answers to HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply: Option<Reply>,
    /// What it does on SIGTERM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_term: Option<OnTerm>,
    /// Which C library looks names up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolver: Option<Resolver>,
}

/// A listening socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// Its port.
    #[schemars(range(min = 1, max = 65535))]
    pub port: u16,
    /// Its address; default all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bind: Option<Written<IpAddr>>,
    /// Its protocol.
    #[serde(default)]
    pub protocol: Protocol,
}

/// A transport protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs)]
pub enum Protocol {
    #[default]
    Tcp,
    Udp,
    Sctp,
}

impl Protocol {
    /// `TCP`, `UDP` or `SCTP`.
    pub fn text(self) -> &'static str {
        match self {
            Protocol::Tcp => "TCP",
            Protocol::Udp => "UDP",
            Protocol::Sctp => "SCTP",
        }
    }
}

/// An HTTP answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Reply {
    /// Status code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 100, max = 599))]
    pub status: Option<u16>,
    /// Body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Time until the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<Written<Duration>>,
    /// How it fails instead of answering.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail: Option<Fail>,
}

/// How a server fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Fail {
    /// Closes the connection without an answer.
    Empty,
    /// Resets the connection.
    Reset,
    /// Never answers.
    Hang,
}

/// What a process does on SIGTERM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnTerm {
    /// Exits at once; open connections are reset.
    Exit,
    /// Finishes open requests, takes no new ones, then exits.
    Drain,
}

/// Which C library looks names up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Resolver {
    Glibc,
    Musl,
}
