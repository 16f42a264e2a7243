//! Who may know whom. The tree of `sim-core` is the picture of a cluster, and an arrow that is not in the picture is refused.

use super::Finding;
use super::paths::paths;
use super::source::Source;

/// What a module may name besides itself. A target may be one file of a folder (`network::wire`).
pub type Edges = &'static [(&'static str, &'static [&'static str])];

/// The allowed directions between the top-level modules of `sim-core`.
pub const ALLOWED: Edges = &[
    // Generic: would compile alone.
    ("engine", &[]),
    ("yaml", &[]),
    ("jsonpath", &[]),
    // What everybody speaks of.
    ("objects", &["engine"]),
    // `store` answers in the API's words: a refusal is a `Status`, as in a real server.
    ("store", &["api", "engine", "objects"]),
    ("explain", &["engine", "objects", "store"]),
    // `render::age` because a real API server prints the AGE column itself.
    ("api", &["engine", "objects", "render::age", "store"]),
    // The boxes. None names another box: they share photographs, requests and packets.
    // The cloud's controller (`service-lb`) orders balancers.
    ("controllers", &["api", "cloud", "engine", "explain", "objects", "store"]),
    ("scheduler", &["api", "engine", "explain", "objects", "store"]),
    ("kubelet", &["api", "engine", "explain", "objects", "store"]),
    ("proxy", &["api", "engine", "explain", "objects", "store"]),
    // A balancer knows the nodes and endpoints by the photograph that it is given; what its checks meet, it is told (`cloud::checks::Reach`).
    ("cloud", &["engine", "objects", "store"]),
    // A resolver asks over a wire, which it is given; it knows nothing else of the network.
    ("dns", &["api", "engine", "explain", "network::wire", "objects", "store"]),
    // The network asks a node's proxy and carries DNS messages. At the end of each wire is a pod's sandbox, and what listens in it.
    // A balancer is a station, and what it can pick is the cloud's to say.
    (
        "network",
        &["api", "cloud::Target", "dns", "engine", "explain", "kubelet::Sandbox", "kubelet::images", "objects", "proxy", "store"],
    ),
    // The one place that knows every box.
    (
        "cluster",
        &[
            "api",
            "cloud",
            "controllers",
            "dns",
            "engine",
            "explain",
            "kubelet",
            "network",
            "objects",
            "proxy",
            "scheduler",
            "store",
        ],
    ),
    // The laboratory: a cluster with its history, and the programs that live in it. It knows nobody who speaks to it. (The notation
    // of conditions is the scenario format's.)
    (
        "lab",
        &[
            "api",
            "ask",
            "cluster",
            "dns",
            "engine",
            "explain",
            "kubelet::ContainerView",
            "network",
            "objects",
            "scenario::condition",
            "store",
        ],
    ),
    // Pure questions to a cluster at a moment. What it knows of boxes are the types that their answers are made of. It makes no
    // words, so it does not know who prints them.
    (
        "ask",
        &[
            "api",
            "cloud",
            "cluster",
            "controllers",
            "dns",
            "engine",
            "explain",
            "kubelet",
            "network",
            "objects",
            "proxy",
            "scheduler",
            "store",
        ],
    ),
    // Pure: typed values to text. It reads what any layer produces and calls nothing that acts.
    ("render", EVERYTHING_BUT_RENDER),
    ("console", TOP),
    ("scenario", TOP),
];

const EVERYTHING_BUT_RENDER: &[&str] = &[
    "api",
    "ask",
    "cloud",
    "cluster",
    "console",
    "controllers",
    "dns",
    "engine",
    "explain",
    "jsonpath",
    "kubelet",
    "lab",
    "network",
    "objects",
    "proxy",
    "scenario",
    "scheduler",
    "store",
];

/// Console and scenario are one layer, the one users speak to.
const TOP: &[&str] = &[
    "api",
    "ask",
    "cloud",
    "cluster",
    "console",
    "controllers",
    "dns",
    "engine",
    "explain",
    "jsonpath",
    "kubelet",
    "lab",
    "network",
    "objects",
    "proxy",
    "render",
    "scenario",
    "scheduler",
    "store",
    "yaml",
];

/// Crates with one home, so that replacing one changes one folder.
const HOMES: &[(&str, &str, &str)] = &[
    ("k8s_openapi", "api", "logic reasons with records of `objects`; only the API server decodes strictly"),
    ("serde_saphyr", "yaml", "ask `crate::yaml`, which knows places and limits"),
    ("serde_yaml", "yaml", "ask `crate::yaml`, which writes as kubectl does"),
    ("yaml_serde", "yaml", "ask `crate::yaml`, which writes as kubectl does"),
    ("petgraph", "network", "ask the wires: `network::graph`"),
    ("rand", "engine", "draw from a named stream or by key: `engine::random`"),
    ("rand_pcg", "engine", "draw from a named stream or by key: `engine::random`"),
];

/// Ideas with one home: what a definition is called, the file or folder, and the way out.
const IDEAS: &[(&[&str], &str, &str)] = &[
    (&["distance", "levenshtein"], "objects::nearest", "measure with `objects::nearest::distance`"),
    (&["jsonpath", "json_path"], "jsonpath", "read it with `crate::jsonpath::Template`"),
];

/// Refuses arrows that the picture does not have.
pub fn check(source: &Source) -> Vec<Finding> {
    let module = source.module();
    let Some(from) = source.in_core().and(module.first()) else { return Vec::new() };
    let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| name == from) else {
        let problem = format!("the module `{from}` has no place in the floor plan");
        return vec![source.finding(1, problem, "add its arrows to ALLOWED in tests/tidy/directions.rs and a line to lib.rs")];
    };
    let mut findings = Vec::new();
    for (line, path) in paths(source) {
        let Some(target) = resolve(&path, module.len()) else { continue };
        let top = target.split("::").next().unwrap_or_default();
        let known = ALLOWED.iter().any(|(name, _)| *name == top);
        if known && top != *from && !allowed.iter().any(|edge| covers(edge, target)) {
            let problem = format!("`{from}` names `{target}`, but may only know {}", list(allowed));
            findings.push(source.finding(line, problem, "pass the value in from `cluster`, or move the shared type down"));
        }
    }
    findings.extend(homes(source, from));
    findings.extend(ideas(source, &module.join("::")));
    findings
}

/// Functions, modules and types that do again what another place is there for.
fn ideas(source: &Source, module: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, code) in source.shipped() {
        let Some(name) = defined(code) else { continue };
        let lower = name.to_lowercase();
        let again =
            |(words, home, _): &&(&[&str], &str, &str)| words.iter().any(|word| lower.contains(word)) && !covers(home, module);
        if let Some((_, home, way_out)) = IDEAS.iter().find(again) {
            findings.push(source.finding(line, format!("`{name}` does again what `{home}` is there for"), way_out));
        }
    }
    findings
}

/// The name that a line of code defines: a function, a module or a type.
fn defined(code: &str) -> Option<&str> {
    let mut words = code.trim_start().split(|c: char| !super::source::is_word(c)).filter(|word| !word.is_empty());
    let keyword = words.by_ref().find(|word| !matches!(*word, "pub" | "crate" | "super" | "const" | "async"))?;
    words.next().filter(|_| matches!(keyword, "fn" | "mod" | "struct" | "enum" | "trait"))
}

fn homes(source: &Source, from: &str) -> Vec<Finding> {
    let foreign = |path: &str| {
        let name = path.split("::").next().unwrap_or_default();
        HOMES.iter().find(|(krate, home, _)| *krate == name && *home != from)
    };
    let found = paths(source).into_iter().filter_map(|(line, path)| foreign(&path).map(|home| (line, home)));
    found
        .map(|(line, (krate, home, way_out))| {
            source.finding(line, format!("the crate `{krate}` lives in `{home}` only, not in `{from}`"), way_out)
        })
        .collect()
}

/// The part of a path below the crate's root: `store::View` of `crate::store::View`, or of `super::store::View` in a file whose
/// parent is the root.
fn resolve(path: &str, depth: usize) -> Option<&str> {
    if let Some(below) = path.strip_prefix("crate::") {
        return Some(below);
    }
    let below = path.trim_start_matches("super::");
    let ups = (path.len() - below.len()) / "super::".len();
    (ups > 0 && ups >= depth).then_some(below)
}

fn covers(edge: &str, target: &str) -> bool {
    target.strip_prefix(edge).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn list(allowed: &[&str]) -> String {
    if allowed.is_empty() { "itself".to_owned() } else { allowed.join(", ") }
}
