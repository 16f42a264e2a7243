//! Why things happened.

/// The way of one packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {}
