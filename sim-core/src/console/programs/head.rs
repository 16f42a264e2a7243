//! Parts of files: `cat`, `tac`, `head`, `tail`.

use super::{inputs, lines, not_modelled, options};
use crate::console::host::{Host, Outcome};

/// `cat [-n] [-b] [FILE...]`
pub(super) fn cat(host: &mut dyn Host, argv: &[String], stdin: &str) -> Outcome {
    let options = match options::read(argv, "nbu", &[("number", 'n')], false) {
        Ok(options) => options,
        Err(refusal) => return refusal,
    };
    let mut outcome = Outcome::default();
    let texts = inputs(host, "cat", &options.rest, stdin, 1, &mut outcome);
    let mut number = 0;
    for (_, text) in texts {
        if !options.has('n') && !options.has('b') {
            outcome.stdout.push_str(&text);
            continue;
        }
        for line in text.split_inclusive('\n') {
            if options.has('b') && line == "\n" {
                outcome.stdout.push('\n');
                continue;
            }
            number += 1;
            outcome.stdout.push_str(&format!("{number:6}\t{line}"));
        }
    }
    outcome
}

/// `tac [FILE...]`: lines in reverse.
pub(super) fn tac(host: &mut dyn Host, argv: &[String], stdin: &str) -> Outcome {
    let mut outcome = Outcome::default();
    for (_, text) in inputs(host, "tac", &argv[1..], stdin, 1, &mut outcome) {
        lines(&text).rev().for_each(|line| {
            outcome.stdout.push_str(line);
            outcome.stdout.push('\n');
        });
    }
    outcome
}

/// How much of a text is wanted.
struct Amount {
    bytes: bool,
    /// `-` or `+` before the number.
    sign: Option<char>,
    count: usize,
}

/// `head [-n N] [-c N] [-N] [FILE...]`
pub(super) fn head(host: &mut dyn Host, argv: &[String], stdin: &str) -> Outcome {
    ends(host, argv, stdin, |text, amount| {
        let total = if amount.bytes { text.len() } else { text.split_inclusive('\n').count() };
        let count = if amount.sign == Some('-') { total.saturating_sub(amount.count) } else { amount.count };
        &text[..place(text, amount.bytes, count)]
    })
}

/// `tail [-n N] [-n +N] [-c N] [-N] [FILE...]`
pub(super) fn tail(host: &mut dyn Host, argv: &[String], stdin: &str) -> Outcome {
    ends(host, argv, stdin, |text, amount| {
        let total = if amount.bytes { text.len() } else { text.split_inclusive('\n').count() };
        let skip = if amount.sign == Some('+') { amount.count.saturating_sub(1) } else { total.saturating_sub(amount.count) };
        &text[place(text, amount.bytes, skip)..]
    })
}

/// Where the first `count` bytes or lines of a text end, on the border of a character.
fn place(text: &str, bytes: bool, count: usize) -> usize {
    if bytes {
        let count = count.min(text.len());
        return (0..=count).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    }
    text.split_inclusive('\n').take(count).map(str::len).sum()
}

fn ends(host: &mut dyn Host, argv: &[String], stdin: &str, part: fn(&str, Amount) -> &str) -> Outcome {
    // The old form `-5` is that of `-n 5`; after `-n` the same is its value.
    let old = |a: &str| a.strip_prefix('-').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    let mut spelled: Vec<String> = Vec::new();
    for argument in argv {
        let value = spelled.last().is_some_and(|last| last == "-n" || last == "-c");
        spelled.push(if old(argument) && !value { format!("-n{}", &argument[1..]) } else { argument.clone() });
    }
    let program = argv[0].as_str();
    let options = match options::read(&spelled, "n:c:qvf", &[("lines", 'n'), ("bytes", 'c'), ("quiet", 'q')], false) {
        Ok(options) => options,
        Err(refusal) => return refusal,
    };
    if options.has('f') {
        return not_modelled(program, "following a file (-f) is not modelled; nothing writes to it while it is read");
    }
    let bytes = options.given.iter().rev().find(|(l, _)| "nc".contains(*l)).is_some_and(|(l, _)| *l == 'c');
    let wanted = options.value(if bytes { 'c' } else { 'n' }).unwrap_or("10");
    let sign = wanted.chars().next().filter(|c| "+-".contains(*c));
    let Ok(count) = wanted.trim_start_matches(['+', '-']).parse::<usize>() else {
        return Outcome::err(1, format!("{program}: invalid number of {}: '{wanted}'", if bytes { "bytes" } else { "lines" }));
    };
    let mut outcome = Outcome::default();
    let texts = open(host, program, &options.rest, stdin, &mut outcome);
    let titles = options.rest.len() > 1 && !options.has('q') || options.has('v');
    for (i, (name, text)) in texts.iter().enumerate() {
        if titles {
            let name = if *name == "-" { "standard input" } else { name };
            outcome.stdout.push_str(&format!("{}==> {name} <==\n", if i > 0 { "\n" } else { "" }));
        }
        outcome.stdout.push_str(part(text, Amount { bytes, sign, count }));
    }
    outcome
}

fn open<'f>(
    host: &mut dyn Host,
    program: &str,
    files: &'f [String],
    stdin: &str,
    outcome: &mut Outcome,
) -> Vec<(&'f str, String)> {
    let mut said = Outcome::default();
    let texts = inputs(host, program, files, stdin, 1, &mut said);
    // These two word it differently from the other filters.
    for line in said.stderr.lines() {
        let rest = line.strip_prefix(&format!("{program}: ")).unwrap_or(line);
        let (file, why) = rest.rsplit_once(": ").unwrap_or((rest, ""));
        outcome.stderr.push_str(&format!("{program}: cannot open '{file}' for reading: {why}\n"));
    }
    outcome.exit = said.exit;
    texts
}
