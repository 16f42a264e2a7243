//! The programs that ask for names: nslookup (of three makes), dig, host, getent; and the simulator's own `resolve`.
//!
//! In real life they come with the image: BIND's tools in Debian-like ones and on most machines, busybox's nslookup in small
//! ones. We model what they send and print. Left out: interactive modes, zone transfers, DNSSEC.
//! The real things: BIND `bin/dig`, busybox `networking/nslookup.c`, glibc `nss/getent.c`.

mod bind;
mod busybox;
mod dig;
mod exchange;
mod getent;
mod hostname;
mod nslookup;
mod resolve;

use super::host::{Host, Outcome, Place, Program};
use crate::network::wire::{Source, Wire};

/// The programs and commands by name.
pub const PROGRAMS: [(&str, Program); 5] = [
    ("nslookup", nslookup::nslookup),
    ("dig", dig::dig),
    ("host", hostname::host),
    ("getent", getent::getent),
    ("resolve", resolve::resolve),
];

/// Where packets of a program at that place start.
fn source(place: Place) -> Source {
    match place {
        Place::Outside => Source::Outside,
        Place::Node(name) => Source::Node(name.into()),
        Place::Pod { namespace, pod, .. } => Source::Pod { namespace: namespace.into(), name: pod.into() },
    }
}

/// The network, or the refusal where there is none.
fn wire<'a>(host: &'a mut dyn Host, program: &str) -> Result<&'a mut dyn Wire, Outcome> {
    host.world().wire().ok_or_else(|| Outcome::err(1, format!("{program}: this world has no network")))
}

#[cfg(test)]
mod tests;
