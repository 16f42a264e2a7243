//! Command line options as getopt reads them.

use super::not_modelled;
use crate::console::host::Outcome;

/// What a program was called with: options in order, each with its value if it takes one, and the other arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// The options; long ones have been replaced by their letter.
    pub given: Vec<(char, String)>,
    /// What is not an option.
    pub rest: Vec<String>,
}

impl Options {
    /// Whether a switch was given.
    pub fn has(&self, letter: char) -> bool {
        self.given.iter().any(|(l, _)| *l == letter)
    }

    /// The last value of an option.
    pub fn value(&self, letter: char) -> Option<&str> {
        self.given.iter().rev().find(|(l, _)| *l == letter).map(|(_, value)| value.as_str())
    }
}

/// Reads `argv` by a getopt description (`"in:v"`: a colon after options with a value) and long names. `in_order` stops at
/// the first argument that is no option, as programs do that run other programs.
pub(super) fn read(argv: &[String], letters: &str, long: &[(&str, char)], in_order: bool) -> Result<Options, Outcome> {
    let program = argv.first().map(String::as_str).unwrap_or_default();
    let takes_value = |letter: char| letters.split_once(letter).is_some_and(|(_, after)| after.starts_with(':'));
    let missing = |letter: char| {
        let text = format!("{program}: option requires an argument -- '{letter}'\nTry '{program} --help' for more information.");
        Outcome::err(if program == "grep" { 2 } else { 1 }, text)
    };
    let mut options = Options::default();
    let mut arguments = argv.iter().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--" {
            options.rest.extend(arguments.by_ref().cloned());
        } else if let Some(name) = argument.strip_prefix("--") {
            let (name, value) = name.split_once('=').map_or((name, None), |(n, v)| (n, Some(v.to_string())));
            let Some((_, letter)) = long.iter().find(|(l, _)| *l == name) else {
                return Err(not_modelled(program, &format!("option --{name} is not modelled")));
            };
            let value = match value {
                None if takes_value(*letter) => arguments.next().cloned().ok_or_else(|| missing(*letter))?,
                value => value.unwrap_or_default(),
            };
            options.given.push((*letter, value));
        } else if let Some(group) = argument.strip_prefix('-').filter(|g| !g.is_empty()) {
            let mut group = group.chars();
            while let Some(letter) = group.next() {
                if letter == ':' || !letters.contains(letter) {
                    return Err(not_modelled(program, &format!("option -{letter} is not modelled")));
                }
                let mut value = String::new();
                if takes_value(letter) {
                    value = group.by_ref().collect();
                    if value.is_empty() {
                        value = arguments.next().cloned().ok_or_else(|| missing(letter))?;
                    }
                }
                options.given.push((letter, value));
            }
        } else if in_order {
            options.rest.push(argument.clone());
            options.rest.extend(arguments.by_ref().cloned());
        } else {
            options.rest.push(argument.clone());
        }
    }
    Ok(options)
}
