//! kube-apiserver.

pub mod admit;
pub mod allocate;
pub mod component;
pub mod decode;
pub mod defaults;
pub mod document;
pub mod kinds;
pub mod patch;
pub mod quantity;
pub mod request;
pub mod selectors;
pub mod service;
pub mod status;
pub mod strategy;
pub mod validate;
pub mod warnings;
pub mod write;
