//! The shape of files and functions: short enough to hold in the head, and each file says what it is.

use super::Finding;
use super::source::{Source, ends_header, item_end};

/// Lines a file may have.
pub const FILE_LINES_MAX: usize = 600;
/// Lines a function may have, from its name to its closing brace: one screen.
pub const FUNCTION_LINES_MAX: usize = 70;

/// Functions that may be longer: the file, the name, and why splitting would make them harder to read.
pub const LONG_FUNCTIONS: &[(&str, &str, &str)] = &[];

/// Refuses long files, long functions and files that do not introduce themselves.
pub fn check(source: &Source) -> Vec<Finding> {
    let mut findings = long_functions(source);
    let lines = source.text.lines().count();
    if lines > FILE_LINES_MAX {
        let problem = format!("{lines} lines; a file has at most {FILE_LINES_MAX}");
        findings.push(source.finding(lines, problem, "split it by subject, or move its tests to a sibling file"));
    }
    // Tests beside a module are introduced by the module.
    let tests_of_a_module = source.test.iter().all(|test| *test) && !source.path.starts_with("tests/");
    if !source.text.starts_with("//!") && !tests_of_a_module {
        let way_out = "open with `//!`: what the box is in a real cluster, what is modelled, what is left out, where to read on";
        findings.push(source.finding(1, "no module documentation".to_owned(), way_out));
    }
    findings
}

/// Functions are measured by rustfmt's indentation. Tests may be long: a snapshot is as long as what it shows.
fn long_functions(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in source.shipped() {
        let Some(name) = function_name(line) else { continue };
        let lines = body_end(&source.code, number - 1) + 2 - number;
        let exempt = LONG_FUNCTIONS.iter().any(|(file, exempt, _)| *file == source.path && *exempt == name);
        if lines > FUNCTION_LINES_MAX && !exempt {
            let problem = format!("`{name}` has {lines} lines; a function has at most {FUNCTION_LINES_MAX}");
            findings.push(source.finding(
                number,
                problem,
                "keep the decisions here and move the leaves to functions of their own",
            ));
        }
    }
    findings
}

/// The last line of the function that begins at `start`.
fn body_end(code: &[String], start: usize) -> usize {
    if ends_header(&code[start]) && code[start].trim_end().ends_with('}') { start } else { item_end(code, start) }
}

/// The name, if the line begins a function.
fn function_name(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    while let Some((word, after)) = rest.split_once(' ') {
        match word {
            "fn" => return after.split(['(', '<']).next(),
            "const" | "async" | "unsafe" | "extern" => rest = after.trim_start(),
            _ if word.starts_with("pub") => rest = after.trim_start(),
            _ => return None,
        }
    }
    None
}
