//! kube-apiserver: request in, response out. No sockets.
//!
//! In a real cluster it is the only component that talks to etcd; all others are its clients. We model the path of a document
//! (strict decoding, defaults, admission, validation, allocation, storing), typed writes of components, deletion with grace and
//! finalizers, patches, selectors, tables and complete refusals. Left out: authentication and authorisation, webhooks, quotas,
//! paging, managed fields. The real thing: `k8s.io/apiserver` and `pkg/registry` of kubernetes/kubernetes.

pub mod admit;
pub mod allocate;
pub mod component;
pub mod decode;
pub mod defaults;
pub mod document;
pub mod foresee;
pub mod kinds;
mod mutate;
mod notes;
pub mod patch;
mod recorder;
mod removal;
pub mod request;
mod restore;
pub mod selectors;
pub mod server;
pub mod service;
pub mod size;
pub mod status;
pub mod strategy;
pub mod table;
mod typed;
pub mod validate;
pub mod warnings;
pub mod write;

#[cfg(test)]
mod cases;
