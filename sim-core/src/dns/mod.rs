//! CoreDNS and the stub resolver.
//!
//! In a real cluster names are answered by CoreDNS pods behind the Service `kube-dns`, and asked by the C library of each
//! container, which turns one name into many questions. We model both ends. Left out: DNSSEC, the wire form (`kubewalk
//! serve-dns` has it).
//! The real things: CoreDNS `plugin/kubernetes`, glibc `resolv/`, musl `src/network/`.

pub mod cache;
pub mod chain;
pub mod config;
pub mod corefile;
mod log;
pub mod message;
pub mod resolv_conf;
pub mod resolver;
pub mod rewrite;
pub mod server;
pub mod size;
pub mod zone;

#[cfg(test)]
pub(crate) mod testing;
