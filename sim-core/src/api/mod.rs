//! kube-apiserver.

pub mod request;
pub mod status;
