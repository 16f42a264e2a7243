//! `tr [-c] [-d] [-s] SET1 [SET2]`

use super::echo::unescape;
use super::options;
use crate::console::host::{Host, Outcome};

/// Replaces, deletes or squeezes characters.
pub(super) fn tr(host: &mut dyn Host, argv: &[String], stdin: &str) -> Outcome {
    let options = match options::read(argv, "cCds", &[("delete", 'd'), ("squeeze-repeats", 's'), ("complement", 'c')], true) {
        Ok(options) => options,
        Err(refusal) => return refusal,
    };
    let sets: Vec<Vec<char>> = options.rest.iter().map(|set| expand(set)).collect();
    let Some(from) = sets.first() else {
        return Outcome::err(1, "tr: missing operand\nTry 'tr --help' for more information.");
    };
    let (delete, squeeze) = (options.has('d'), options.has('s'));
    if sets.len() == 1 && !delete && !squeeze {
        let said = format!("tr: missing operand after '{}'", options.rest[0]);
        let why = "Two strings must be given when translating.";
        return Outcome::err(1, format!("{said}\n{why}\nTry 'tr --help' for more information."));
    }
    let to = sets.get(1);
    let complement = options.has('c') || options.has('C');
    let translate = |c: char| {
        let at = if complement { (!from.contains(&c)).then_some(usize::MAX) } else { from.iter().rposition(|f| *f == c) };
        match (at, to) {
            // A shorter second set is filled up with its last character.
            (Some(at), Some(to)) if !delete => to.get(at).or(to.last()).copied().unwrap_or(c),
            _ => c,
        }
    };
    // What is squeezed is what the last set names.
    let squeezed = |c: char| squeeze && to.map_or(from.contains(&c) != complement, |to| to.contains(&c));
    // Each character is looked for in the sets.
    let looks = from.len() + to.map_or(0, Vec::len);
    if host.meter().steps((stdin.len() as u64).saturating_mul(1 + looks as u64)).is_err() {
        return Outcome { exit: 124, ..Outcome::default() };
    }
    let mut out = String::with_capacity(stdin.len());
    let mut last = None;
    for c in stdin.chars() {
        if delete && from.contains(&c) != complement {
            continue;
        }
        let c = translate(c);
        if last == Some(c) && squeezed(c) {
            continue;
        }
        out.push(c);
        last = Some(c);
    }
    Outcome::out(out)
}

/// A set with its ranges and classes written out.
fn expand(set: &str) -> Vec<char> {
    let chars: Vec<char> = unescape(set).0.chars().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(c) = chars.get(at).copied() {
        if let Some((class, length)) = class(&chars[at..]) {
            out.extend((0..128_u8).map(char::from).filter(class));
            at += length;
            continue;
        }
        match (chars.get(at + 1), chars.get(at + 2)) {
            (Some('-'), Some(high)) if *high >= c && u32::from(*high) - u32::from(c) < 1_000 => {
                out.extend(c..=*high);
                at += 3;
            }
            _ => {
                out.push(c);
                at += 1;
            }
        }
    }
    out
}

/// Whether a character belongs to a class.
type Class = fn(&char) -> bool;

/// A character class such as `[:upper:]` at the start, and its length.
fn class(text: &[char]) -> Option<(Class, usize)> {
    if !text.starts_with(&['[', ':']) {
        return None;
    }
    let name: String = text[2..].iter().take_while(|c| c.is_ascii_alphabetic()).collect();
    if !text[2 + name.len()..].starts_with(&[':', ']']) {
        return None;
    }
    let class: fn(&char) -> bool = match name.as_str() {
        "upper" => char::is_ascii_uppercase,
        "lower" => char::is_ascii_lowercase,
        "digit" => char::is_ascii_digit,
        "alpha" => char::is_ascii_alphabetic,
        "alnum" => char::is_ascii_alphanumeric,
        "punct" => char::is_ascii_punctuation,
        "space" => |c| c.is_ascii_whitespace() || *c == '\u{b}',
        "blank" => |c| *c == ' ' || *c == '\t',
        "cntrl" => char::is_ascii_control,
        "print" => |c| c.is_ascii_graphic() || *c == ' ',
        _ => return None,
    };
    Some((class, name.len() + 4))
}
