//! CoreDNS and the stub resolver.
//!
//! In a real cluster names are answered by CoreDNS pods behind the Service `kube-dns`, and asked by the C library of each
//! container, which turns one name into many questions. We model both ends. Left out: DNSSEC, zone transfers, the wire form.
//! The real things: CoreDNS `plugin/kubernetes`, glibc `resolv/`, musl `src/network/`.

pub mod cache;
pub mod config;
pub mod message;
pub mod resolv_conf;
pub mod resolver;
pub mod server;
pub mod zone;

#[cfg(test)]
pub(crate) mod testing;
