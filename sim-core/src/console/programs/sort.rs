//! `sort` and `uniq`, in the C locale.

use std::cmp::Ordering;

use super::{inputs, lines, options};
use crate::console::host::{Host, Outcome};

/// One sort key: from one field to another, and how it is compared.
#[derive(Clone, Debug, Default)]
struct Key {
    first: usize,
    last: Option<usize>,
    numeric: bool,
    reverse: bool,
    human: bool,
}

/// `sort [-n] [-h] [-r] [-u] [-f] [-t C] [-k KEY]... [FILE...]`
pub(super) fn sort(host: &mut dyn Host, argv: &[String], stdin: &str) -> Outcome {
    let long = [("numeric-sort", 'n'), ("reverse", 'r'), ("unique", 'u'), ("key", 'k'), ("field-separator", 't')];
    let options = match options::read(argv, "nhrufsVbk:t:", &long, false) {
        Ok(options) => options,
        Err(refusal) => return refusal,
    };
    let whole = Key { numeric: options.has('n'), human: options.has('h'), reverse: options.has('r'), ..Key::default() };
    let mut keys = Vec::new();
    for (_, text) in options.given.iter().filter(|(l, _)| *l == 'k') {
        match key(text, &whole) {
            Some(key) => keys.push(key),
            None => return Outcome::err(2, format!("sort: -: invalid field specification '{text}'")),
        }
    }
    let separator = options.value('t').and_then(|t| t.chars().next());
    let mut outcome = Outcome::default();
    let texts = inputs(host, "sort", &options.rest, stdin, 2, &mut outcome);
    if let Some(complaint) = outcome.stderr.strip_prefix("sort: ") {
        return Outcome { stderr: format!("sort: cannot read: {complaint}"), exit: 2, ..Outcome::default() };
    }
    let mut rows: Vec<&str> = texts.iter().flat_map(|(_, text)| lines(text)).collect();
    let fold = options.has('f');
    // Each line is compared about as often as the number of lines has binary digits, and its fields are cut out each time.
    let bytes: usize = texts.iter().map(|(_, text)| text.len()).sum();
    let compared = u64::from(rows.len().max(2).ilog2() + 1) * (1 + 8 * keys.len() as u64);
    if host.meter().steps((bytes as u64 + rows.len() as u64).saturating_mul(compared)).is_err() {
        return Outcome { exit: 124, ..Outcome::default() };
    }
    let by_keys = |a: &&str, b: &&str| {
        let all = if keys.is_empty() { std::slice::from_ref(&whole) } else { &keys };
        all.iter().map(|k| compare(k, a, b, separator, fold)).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
    };
    rows.sort_by(|a, b| {
        // Lines with equal keys are put in order as a whole, unless -s or -u is given.
        let last_resort = if whole.reverse { b.cmp(a) } else { a.cmp(b) };
        by_keys(a, b).then(if options.has('s') || options.has('u') { Ordering::Equal } else { last_resort })
    });
    if options.has('u') {
        rows.dedup_by(|a, b| by_keys(a, b).is_eq());
    }
    for row in rows {
        outcome.stdout.push_str(row);
        outcome.stdout.push('\n');
    }
    outcome
}

/// `2`, `2,2`, `3nr`, `1.1,1.2n` (places within a field are left out of account).
fn key(text: &str, whole: &Key) -> Option<Key> {
    let (start, end) = text.split_once(',').map_or((text, None), |(s, e)| (s, Some(e)));
    let letters: String = text.chars().filter(|c| c.is_ascii_alphabetic()).collect();
    let field = |part: &str| {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<usize>().ok().filter(|n| *n > 0)
    };
    let last = match end {
        Some(end) => Some(field(end)?),
        None => None,
    };
    let own = !letters.is_empty();
    Some(Key {
        first: field(start)?,
        last,
        numeric: if own { letters.contains('n') } else { whole.numeric },
        human: if own { letters.contains('h') } else { whole.human },
        reverse: if own { letters.contains('r') } else { whole.reverse },
    })
}

fn compare(key: &Key, a: &str, b: &str, separator: Option<char>, fold: bool) -> Ordering {
    let (a, b) = (part(key, a, separator), part(key, b, separator));
    let order = if key.numeric || key.human {
        number(&a, key.human).cmp(&number(&b, key.human))
    } else if fold {
        a.to_uppercase().cmp(&b.to_uppercase())
    } else {
        a.cmp(&b)
    };
    if key.reverse { order.reverse() } else { order }
}

/// The fields of a key. Without a separator a field includes the blanks before it.
fn part(key: &Key, line: &str, separator: Option<char>) -> String {
    if key.first == 0 {
        return line.to_string();
    }
    let fields: Vec<String> = match separator {
        Some(c) => line.split(c).map(str::to_string).collect(),
        None => blank_fields(line),
    };
    let last = key.last.unwrap_or(fields.len()).min(fields.len());
    let glue = separator.map(String::from).unwrap_or_default();
    fields.get(key.first - 1..last.max(key.first - 1)).unwrap_or_default().join(&glue)
}

fn blank_fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut in_word = false;
    for c in line.chars() {
        let blank = c == ' ' || c == '\t';
        if blank && in_word {
            fields.push(String::new());
        }
        in_word = !blank;
        if let Some(field) = fields.last_mut() {
            field.push(c);
        }
    }
    fields
}

/// The number at the start of a text in millionths; with `human` a suffix K, M, G, T counts.
fn number(text: &str, human: bool) -> i128 {
    let text = text.trim_start();
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let end = digits.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(digits.len());
    let (whole, fraction) = digits[..end].split_once('.').unwrap_or((&digits[..end], ""));
    let fraction: String = fraction.chars().chain("000000".chars()).take(6).collect();
    // Numbers beyond 24 digits are all the same here.
    let whole: i128 = whole.get(..whole.len().min(24)).and_then(|w| w.parse().ok()).unwrap_or(0);
    let value = whole * 1_000_000 + fraction.parse::<i128>().unwrap_or(0);
    let power = if human { digits[end..].chars().next().and_then(|c| "KMGT".find(c.to_ascii_uppercase())) } else { None };
    sign * value * power.map_or(1, |p| 1024_i128.pow(p as u32 + 1))
}

/// `uniq [-c] [-d] [-u] [-i] [FILE]`: neighbouring equal lines once.
pub(super) fn uniq(host: &mut dyn Host, argv: &[String], stdin: &str) -> Outcome {
    let options = match options::read(argv, "cdui", &[("count", 'c'), ("repeated", 'd'), ("unique", 'u')], false) {
        Ok(options) => options,
        Err(refusal) => return refusal,
    };
    let mut outcome = Outcome::default();
    let files = &options.rest[..options.rest.len().min(1)];
    let texts = inputs(host, "uniq", files, stdin, 1, &mut outcome);
    let mut groups: Vec<(&str, usize)> = Vec::new();
    for line in texts.iter().flat_map(|(_, text)| lines(text)) {
        let same = |last: &str| if options.has('i') { last.eq_ignore_ascii_case(line) } else { last == line };
        match groups.last_mut() {
            Some((last, count)) if same(last) => *count += 1,
            _ => groups.push((line, 1)),
        }
    }
    for (line, count) in groups {
        if options.has('d') && count == 1 || options.has('u') && count > 1 {
            continue;
        }
        let prefix = if options.has('c') { format!("{count:7} ") } else { String::new() };
        outcome.stdout.push_str(&format!("{prefix}{line}\n"));
    }
    outcome
}
