//! `cut` and `rev`.

use super::{inputs, lines, options};
use crate::console::host::{Host, Outcome};

/// `cut -d C -f LIST [-s] [FILE...]`, `cut -c LIST`
pub(super) fn cut(host: &mut dyn Host, argv: &[String], stdin: &str) -> Outcome {
    let long = [("delimiter", 'd'), ("fields", 'f'), ("characters", 'c'), ("output-delimiter", 'o'), ("only-delimited", 's')];
    let options = match options::read(argv, "d:f:c:b:so:", &long, false) {
        Ok(options) => options,
        Err(refusal) => return refusal,
    };
    let Some((kind, list)) = options.given.iter().find(|(l, _)| "fcb".contains(*l)) else {
        let said = "cut: you must specify a list of bytes, characters, or fields";
        return Outcome::err(1, format!("{said}\nTry 'cut --help' for more information."));
    };
    let Some(wanted) = ranges(list) else {
        let what = if *kind == 'f' { "field" } else { "byte/character" };
        return Outcome::err(1, format!("cut: invalid {what} range\nTry 'cut --help' for more information."));
    };
    let delimiter = options.value('d').unwrap_or("\t");
    if delimiter.chars().count() != 1 {
        return Outcome::err(1, "cut: the delimiter must be a single character\nTry 'cut --help' for more information.");
    }
    let glue = options.value('o').unwrap_or(if *kind == 'f' { delimiter } else { "" });
    let mut outcome = Outcome::default();
    let chosen = |n: usize| wanted.iter().any(|(low, high)| (*low..=*high).contains(&n));
    for (_, text) in inputs(host, "cut", &options.rest, stdin, 1, &mut outcome) {
        for line in lines(&text) {
            if *kind == 'f' && !line.contains(delimiter) {
                if !options.has('s') {
                    outcome.stdout.push_str(&format!("{line}\n"));
                }
                continue;
            }
            let parts: Vec<String> = if *kind == 'f' {
                line.split(delimiter).map(str::to_string).collect()
            } else {
                line.chars().map(String::from).collect()
            };
            let kept: Vec<String> = parts.into_iter().enumerate().filter(|(i, _)| chosen(i + 1)).map(|(_, p)| p).collect();
            outcome.stdout.push_str(&kept.join(glue));
            outcome.stdout.push('\n');
        }
    }
    outcome
}

/// `1`, `2-4`, `-3`, `5-`, joined by commas.
fn ranges(list: &str) -> Option<Vec<(usize, usize)>> {
    let number = |text: &str, default| if text.is_empty() { Some(default) } else { text.parse().ok().filter(|n| *n > 0) };
    let range = |part: &str| match part.split_once('-') {
        None => part.parse().ok().filter(|n: &usize| *n > 0).map(|n| (n, n)),
        Some(("", "")) => None,
        Some((low, high)) => Some((number(low, 1)?, number(high, usize::MAX)?)).filter(|(low, high)| low <= high),
    };
    list.split(',').map(range).collect()
}

/// `rev [FILE...]`: each line backwards.
pub(super) fn rev(host: &mut dyn Host, argv: &[String], stdin: &str) -> Outcome {
    let mut outcome = Outcome::default();
    for (_, text) in inputs(host, "rev", &argv[1..], stdin, 1, &mut outcome) {
        for line in lines(&text) {
            outcome.stdout.extend(line.chars().rev());
            outcome.stdout.push('\n');
        }
    }
    outcome
}
