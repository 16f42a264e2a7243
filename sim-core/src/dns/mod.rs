//! CoreDNS and the stub resolver.

pub mod message;
