//! The shell: from the text of a command line to what it does.
//!
//! In real life this is `/bin/sh`. The text is read by [`parse`] into the tree of [`ast`]; [`eval`] walks the tree, expanding
//! words ([`expand`], [`arith`], [`pattern`]) and calling programs; [`jobs`] run beside it. We model the
//! POSIX shell as dash and busybox implement it, with their error texts. Left out: `fg` and `bg`, signals and `trap`,
//! aliases, file name globbing, `getopts`, and file descriptors above 2. The real thing: POSIX.1-2024, volume "Shell &
//! Utilities", chapter 2.
//!
//! The grammar is written by hand. The crate `brush-parser` was tried first: it needs exponential time for open parentheses
//! (thirty of them hang it), overflows the stack on nested `$(`, keeps process-wide caches behind a lock, and reads bash
//! where sh differs (`((`, extended globs). A simulator that must never hang on any input cannot stand on that.

pub mod arith;
pub mod ast;
pub mod builtins;
pub mod eval;
pub mod expand;
pub mod jobs;
mod lex;
pub mod looks;
mod parse;
pub mod pattern;
mod redirect;
pub mod state;

pub use parse::{Parsed, SCRIPT_BYTES_MAX, SyntaxError, is_name, parse};
