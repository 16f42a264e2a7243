//! The network's client programs: curl, wget, nc, ping, a Go client (agnhost); and `ip addr`.
//!
//! In real life they come with the user's machine and with images. They resolve a name, connect, and say what went wrong in
//! words that learners have to tell apart; those words and delays are the real ones (the table at the top of the book's chapter
//! on errors). Left out: TLS, proxies, most flags.

mod agnhost;
mod connect;
mod curl;
mod ip;
mod nc;
mod ping;
mod url;
mod wget;

pub use self::connect::client_of;
use super::host::{Host, Outcome, Place, Program};
use crate::network::wire::{Connections, Source, Wire};

/// The programs by name.
pub const PROGRAMS: [(&str, Program); 6] = [
    ("agnhost", agnhost::agnhost),
    ("curl", curl::curl),
    ("ip", ip::ip),
    ("wget", wget::wget),
    ("nc", nc::nc),
    ("ping", ping::ping),
];

/// Where packets of a program at that place start.
pub(super) fn source(place: Place) -> Source {
    match place {
        Place::Outside => Source::Outside,
        Place::Node(name) => Source::Node(name.into()),
        Place::Pod { namespace, pod, .. } => Source::Pod { namespace: namespace.into(), name: pod.into() },
    }
}

/// The network, or the refusal where there is none.
pub(super) fn wire<'a>(host: &'a mut dyn Host, program: &str) -> Result<&'a mut dyn Wire, Outcome> {
    host.world().wire().ok_or_else(|| no_network(program))
}

/// The same for programs that connect.
fn connections<'a>(host: &'a mut dyn Host, program: &str) -> Result<&'a mut dyn Connections, Outcome> {
    host.world().connections().ok_or_else(|| no_network(program))
}

/// The end of a program that the simulation stopped, as it stops a command whose limit is reached.
fn stopped(why: &str) -> Outcome {
    Outcome::err(124, format!("kubewalk: {why}"))
}

fn no_network(program: &str) -> Outcome {
    Outcome::err(1, format!("kubewalk: {program}: this world has no network"))
}
