//! Defaulting: what the server fills in when a manifest is silent.
//!
//! In a real server defaults are applied while decoding, before anything looks at the object, and again when a patched object
//! is read back. All functions change the document in place and are idempotent.
//! The real thing: `pkg/apis/core/v1/defaults.go`, `pkg/apis/apps/v1/defaults.go`.

pub mod service;
