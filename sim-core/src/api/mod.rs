//! kube-apiserver.

pub mod kinds;
pub mod request;
pub mod status;
