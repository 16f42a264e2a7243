//! Words that must not occur: what would make two runs differ, or tie the core to one machine, and what was left for later.

use super::Finding;
use super::paths::paths;
use super::source::{Source, is_word};

/// Words refused in the code of `sim-core` that ships, each with the way out.
const CORE_WORDS: &[(&str, &str)] = &[
    ("HashMap", "its order is random: use BTreeMap or imbl::OrdMap"),
    ("HashSet", "its order is random: use BTreeSet or imbl::OrdSet"),
    ("f32", "rounding differs between machines: use integers, or engine::random::Ratio"),
    ("f64", "rounding differs between machines: use integers, or engine::random::Ratio"),
    ("SystemTime", "simulated time comes from the engine only"),
    ("Instant::now", "simulated time comes from the engine only"),
    ("TcpStream", "sockets belong to sim-tui; packets here are values"),
    ("TcpListener", "sockets belong to sim-tui; packets here are values"),
    ("UdpSocket", "sockets belong to sim-tui; packets here are values"),
    ("ToSocketAddrs", "it asks the host's resolver: use the simulated one in `dns`"),
    ("unsafe", "the core has none"),
    ("print!", "return the text; sim-tui prints it"),
    ("println!", "return the text; sim-tui prints it"),
    ("eprint!", "return the text; sim-tui prints it"),
    ("eprintln!", "return the text; sim-tui prints it"),
    ("dbg!", "remove it"),
];

/// Modules of the standard library that reach the machine.
const CORE_PATHS: &[(&str, &str)] = &[
    ("std::time", "simulated time comes from the engine only: engine::time"),
    ("std::thread", "one thread: the order of events is the program"),
    ("std::fs", "host files reach the core through console::host::Host"),
    ("std::env", "pass the value in; the same input must give the same output"),
    ("std::process", "the core never runs or ends a program of the host"),
];

/// Where a refused word is allowed: the file, the word, and why.
pub const ALLOWED_WORDS: &[(&str, &str, &str)] = &[
    ("sim-core/src/api/decode/go.rs", "f32", "a method name in the list of a serde macro; no number is read"),
    ("sim-core/src/api/decode/reader.rs", "f32", "a method name in the list of a serde macro; no number is read"),
];

/// Refuses words and paths of the standard library in the core.
pub fn check_core(source: &Source) -> Vec<Finding> {
    if source.in_core().is_none() {
        return Vec::new();
    }
    let allowed = |word: &str| ALLOWED_WORDS.iter().any(|(file, allowed, _)| *file == source.path && *allowed == word);
    let mut findings = Vec::new();
    for (number, line) in source.shipped() {
        for (word, way_out) in CORE_WORDS.iter().filter(|(word, _)| contains_word(line, word) && !allowed(word)) {
            findings.push(source.finding(number, format!("`{word}` in sim-core"), way_out));
        }
    }
    for (number, path) in paths(source) {
        let banned = |(name, _): &&(&str, &str)| path.strip_prefix(name).is_some_and(|rest| !rest.starts_with(is_word));
        if let Some((name, way_out)) = CORE_PATHS.iter().find(banned) {
            findings.push(source.finding(number, format!("`{name}` in sim-core"), way_out));
        }
    }
    findings
}

/// Refuses, in any text of the project, notes that something is not finished and paths of one machine.
pub fn check_text(path: &str, text: &str) -> Vec<Finding> {
    // Put together here, so that this file does not hold what it looks for.
    let left: [(String, &str); 4] = [
        (["TO", "DO"].concat(), "do it, or open an issue and delete the note"),
        (["FIX", "ME"].concat(), "fix it, or open an issue and delete the note"),
        (["todo", "!("].concat(), "write the missing code; every reachable path has an answer"),
        (["/wo", "rk/"].concat(), "a path of one machine: use one relative to the project"),
    ];
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for (word, way_out) in left.iter().filter(|(word, _)| contains_word(line, word)) {
            findings.push(Finding { path: path.to_owned(), line: index + 1, problem: format!("`{word}`"), way_out });
        }
    }
    findings
}

/// Is `word` in the line, not as a part of a longer name?
fn contains_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let begins = !word.starts_with(is_word) || !line[..at].ends_with(is_word);
        let ends = !word.ends_with(is_word) || !line[at + word.len()..].starts_with(is_word);
        begins && ends
    })
}
