//! The programs that ask for names: nslookup (of three makes), dig, host, getent.
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
mod pace;

pub(super) use self::nslookup::make_at;
use super::host::{Program, timed};
use super::net::source;

/// The programs and commands by name.
pub const PROGRAMS: [(&str, Program); 4] = [
    ("nslookup", timed!(nslookup::nslookup)),
    ("dig", timed!(dig::dig)),
    ("host", timed!(hostname::host)),
    ("getent", timed!(getent::getent)),
];

#[cfg(test)]
mod tests;
