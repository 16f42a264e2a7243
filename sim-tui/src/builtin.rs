//! The scenarios built into the binary.
//!
//! Each keeps the name of its file: what is said of a line is said the same way, whether a scenario was asked for by its name or by
//! the path of its file.

use sim_core::scenario::load::File;

/// A scenario that the binary brings along.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    /// What a user types.
    pub name: &'static str,
    /// The file it was read from, as diagnostics and explanations name it.
    pub file: &'static str,
    /// Its content.
    pub text: &'static str,
}

macro_rules! built_in {
    ($($name:literal)*) => {
        &[$(Builtin {
            name: $name,
            file: concat!($name, ".yaml"),
            text: include_str!(concat!("../../scenarios/", $name, ".yaml")),
        }),*]
    };
}

/// All of them, in the order of the list.
pub const SCENARIOS: &[Builtin] = built_in! {
    "first-service"
    "network-policy"
    "node-gone"
    "partition"
    "control-plane-down"
    "local-nobody"
    "balancer-tour"
    "balancer-none"
    "local-balancer"
    "aws-load-balancer"
    "no-endpoint"
    "nobody-listens"
    "wrong-port"
    "unallocated-ip"
    "reset-mid-request"
    "kept-connection"
    "terminating-pod"
    "rolling-update-lossy"
    "rolling-update-clean"
    "kept-connections"
    "source-addresses"
    "ipvs"
    "trace-tour"
    "photograph"
    "dns-ndots"
    "dns-names"
    "dns-stale"
    "dns-down"
    "dns-race"
    "dns-places"
    "dns-policy"
    "dns-corefile"
};

impl Builtin {
    /// The scenario as a file to be loaded.
    pub fn as_file(&self) -> File<'static> {
        File { name: self.file, bytes: self.text.as_bytes() }
    }

    /// Its title, read off its text.
    pub fn title(&self) -> String {
        let line = self.text.lines().find(|l| l.trim_start().starts_with("metadata:")).unwrap_or_default();
        let rest = line.split_once("title: ").map_or("", |(_, rest)| rest);
        rest.trim_end_matches('}').trim_matches('"').to_string()
    }
}

/// A built-in scenario by name.
pub fn find(name: &str) -> Option<&'static Builtin> {
    SCENARIOS.iter().find(|scenario| scenario.name == name)
}

/// What `kubewalk list` prints: name and title.
pub fn list() -> String {
    let width = SCENARIOS.iter().map(|scenario| scenario.name.len()).max().unwrap_or(0);
    SCENARIOS.iter().map(|scenario| format!("{:<width$}  {}\n", scenario.name, scenario.title())).collect()
}
