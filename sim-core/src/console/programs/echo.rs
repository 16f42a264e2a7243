//! `echo` and `seq`.

use std::fmt::Write;

use super::not_modelled;
use crate::console::host::{Host, Outcome};

/// `echo [-n] [-e] [-E] TEXT...`
pub(super) fn echo(_: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    let (mut newline, mut escapes) = (true, false);
    let mut words = &argv[1..];
    while let Some((option, rest)) = words.split_first() {
        let letters = option.strip_prefix('-').unwrap_or_default();
        if letters.is_empty() || !letters.chars().all(|c| "neE".contains(c)) {
            break;
        }
        for letter in letters.chars() {
            match letter {
                'n' => newline = false,
                letter => escapes = letter == 'e',
            }
        }
        words = rest;
    }
    let mut text = words.join(" ");
    if escapes {
        let (unescaped, stop) = unescape(&text);
        text = unescaped;
        newline &= !stop;
    }
    if newline {
        text.push('\n');
    }
    Outcome::out(text)
}

/// Carries out backslash escapes; tells whether `\c` asked to stop.
pub(super) fn unescape(text: &str) -> (String, bool) {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('a') => out.push('\u{7}'),
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('v') => out.push('\u{b}'),
            Some('e') => out.push('\u{1b}'),
            Some('\\') => out.push('\\'),
            Some('c') => return (out, true),
            Some(kind @ ('0' | 'x')) => {
                let (radix, digits_max) = if kind == '0' { (8, 3) } else { (16, 2) };
                let mut code = 0;
                for _ in 0..digits_max {
                    let Some(digit) = chars.peek().and_then(|c| c.to_digit(radix)) else { break };
                    code = code * radix + digit;
                    chars.next();
                }
                out.extend(char::from_u32(code));
            }
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    (out, false)
}

/// Most output of `seq`, in bytes: nothing reads it while it is made, so that it does not end with its reader.
const SEQ_BYTES_MAX: usize = 16 << 20;

/// `seq [-s TEXT] [-w] [FIRST [STEP]] LAST`, with whole numbers.
pub(super) fn seq(_: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    let (mut separator, mut equal_width, mut numbers) = ("\n", false, Vec::new());
    let mut words = argv[1..].iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-w" => equal_width = true,
            "-s" => separator = words.next().map(String::as_str).unwrap_or("\n"),
            joined if joined.starts_with("-s") => separator = &joined[2..],
            number => match number.parse::<i64>() {
                Ok(n) => numbers.push(n),
                Err(_) if number.parse::<i64>().is_err() && number.contains(|c: char| c.is_ascii_digit()) => {
                    return not_modelled("seq", &format!("only whole numbers are modelled, not '{number}'"));
                }
                Err(_) => {
                    let said = format!("seq: invalid floating point argument: '{number}'");
                    return Outcome::err(1, said + "\nTry 'seq --help' for more information.");
                }
            },
        }
    }
    let (first, step, last) = match numbers[..] {
        [last] => (1, 1, last),
        [first, last] => (first, 1, last),
        [first, step, last] => (first, step, last),
        [] => return Outcome::err(1, "seq: missing operand\nTry 'seq --help' for more information."),
        _ => return Outcome::err(1, format!("seq: extra operand '{}'", numbers[3])),
    };
    if step == 0 {
        return Outcome::err(1, "seq: invalid Zero increment value: '0'\nTry 'seq --help' for more information.");
    }
    let width = if equal_width { first.to_string().len().max(last.to_string().len()) } else { 0 };
    let mut out = String::new();
    let mut at = first;
    while if step > 0 { at <= last } else { at >= last } {
        if at != first {
            out.push_str(separator);
        }
        let _ = write!(out, "{at:0width$}");
        if out.len() > SEQ_BYTES_MAX {
            // What reads it may want the beginning only, as `head` does.
            out.push('\n');
            let refused = not_modelled("seq", &format!("output is limited to {SEQ_BYTES_MAX} bytes; this is its beginning"));
            return Outcome { stdout: out, ..refused };
        }
        match at.checked_add(step) {
            Some(next) => at = next,
            None => break,
        }
    }
    if !out.is_empty() {
        out.push('\n');
    }
    Outcome::out(out)
}
