//! The console: one command language for the terminal UI, scenario steps, `kubewalk sh` and lessons.
//!
//! In real life this is a terminal on a machine outside the cluster, with a shell, kubectl and the usual network tools, and
//! through `kubectl exec` and `ssh` the same inside pods and on nodes. We model the shell of the contract and those programs;
//! no program of the host is ever run. Left out: job control, terminals, signals.

pub mod host;
pub mod kubectl;
