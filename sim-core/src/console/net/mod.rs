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

use super::host::{self, Host, Lent, Outcome, Place, Program, Stopped, timed};
use crate::network::wire::{Connections, Source, Wire};

/// The programs by name.
pub const PROGRAMS: [(&str, Program); 6] = [
    ("agnhost", timed!(agnhost::agnhost)),
    ("curl", timed!(curl::curl)),
    ("ip", Program::Now(ip::ip)),
    ("wget", timed!(wget::wget)),
    ("nc", timed!(nc::nc)),
    ("ping", timed!(ping::ping)),
];

/// Where packets of a program at that place start.
pub(super) fn source(place: Place) -> Source {
    match place {
        Place::Outside => Source::Outside,
        Place::Node(name) => Source::Node(name.into()),
        Place::Pod { namespace, pod, .. } => Source::Pod { namespace: namespace.into(), name: pod.into() },
    }
}

/// The network until the program waits, or the refusal where there is none.
pub(super) fn wire<'a>(host: &'a mut dyn Host, program: &str) -> Result<Lent<'a, dyn Wire>, Outcome> {
    host::wire(host).ok_or_else(|| no_network(program))
}

/// The same for programs that connect.
fn connections<'a>(host: &'a mut dyn Host, program: &str) -> Result<Lent<'a, dyn Connections>, Outcome> {
    host::connections(host).ok_or_else(|| no_network(program))
}

/// The network in the middle of a program, which has seen that there is one.
fn lent(host: &mut dyn Host) -> Result<Lent<'_, dyn Connections>, Stopped> {
    host::connections(host).ok_or_else(|| Stopped::limit("this world has no network"))
}

/// The end of a program that the simulation stopped. Why is told by the session, once for the whole line.
pub(super) fn stopped(stopped: &Stopped) -> Outcome {
    Outcome { exit: stopped.exit(), ..Outcome::default() }
}

fn no_network(program: &str) -> Outcome {
    Outcome::err(1, format!("kubewalk: {program}: this world has no network"))
}
