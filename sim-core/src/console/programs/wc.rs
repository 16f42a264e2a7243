//! `wc [-l] [-w] [-c] [-m] [FILE...]`

use super::{inputs, options};
use crate::console::host::{Host, Outcome};

/// Counts lines, words, characters and bytes, in columns as GNU's.
pub(super) fn wc(host: &mut dyn Host, argv: &[String], stdin: &str) -> Outcome {
    let long = [("lines", 'l'), ("words", 'w'), ("bytes", 'c'), ("chars", 'm')];
    let options = match options::read(argv, "lwcm", &long, false) {
        Ok(options) => options,
        Err(refusal) => return refusal,
    };
    let chosen: Vec<char> = "lwmc".chars().filter(|l| options.has(*l)).collect();
    let chosen = if chosen.is_empty() { vec!['l', 'w', 'c'] } else { chosen };
    let mut outcome = Outcome::default();
    let texts = inputs(host, "wc", &options.rest, stdin, 1, &mut outcome);
    let mut rows: Vec<(Vec<usize>, &str)> = texts.iter().map(|(name, text)| (count(text, &chosen), *name)).collect();
    let bytes: usize = texts.iter().map(|(_, text)| text.len()).sum();
    if options.rest.len() > 1 {
        let total = (0..chosen.len()).map(|i| rows.iter().map(|(counts, _)| counts[i]).sum()).collect();
        rows.push((total, "total"));
    }
    // GNU gives each column the width of the total size, but seven when the size of standard input is not known, and no
    // padding to a single number.
    let width = match (options.rest.is_empty(), chosen.len(), rows.len()) {
        (_, 1, 0 | 1) => 1,
        (true, ..) => 7,
        _ => bytes.to_string().len(),
    };
    for (counts, name) in rows {
        let columns: Vec<String> = counts.iter().map(|n| format!("{n:width$}")).collect();
        let name = if options.rest.is_empty() { String::new() } else { format!(" {name}") };
        outcome.stdout.push_str(&format!("{}{name}\n", columns.join(" ")));
    }
    outcome
}

fn count(text: &str, chosen: &[char]) -> Vec<usize> {
    let one = |letter: &char| match letter {
        'l' => text.matches('\n').count(),
        'w' => text.split_whitespace().count(),
        'm' => text.chars().count(),
        _ => text.len(),
    };
    chosen.iter().map(one).collect()
}
