//! `grep`, `egrep`, `fgrep`.

use super::options::{self, Options};
use super::regex::{Matcher, Syntax, compile};
use super::{inputs, lines};
use crate::console::host::{Host, Outcome};
use crate::console::meter::Meter;

const LONG: [(&str, char); 17] = [
    ("after-context", 'A'),
    ("before-context", 'B'),
    ("context", 'C'),
    ("ignore-case", 'i'),
    ("invert-match", 'v'),
    ("extended-regexp", 'E'),
    ("fixed-strings", 'F'),
    ("count", 'c'),
    ("only-matching", 'o'),
    ("word-regexp", 'w'),
    ("line-regexp", 'x'),
    ("line-number", 'n'),
    ("quiet", 'q'),
    ("regexp", 'e'),
    ("max-count", 'm'),
    ("no-filename", 'h'),
    ("files-with-matches", 'l'),
];

/// One search.
struct Search {
    patterns: Vec<Matcher>,
    options: Options,
    before: usize,
    after: usize,
    limit: usize,
    names: bool,
}

/// `grep [OPTION...] PATTERN [FILE...]`
pub(super) fn grep(host: &mut dyn Host, argv: &[String], stdin: &str) -> Outcome {
    // `-3` is `-C 3`; `--color` changes nothing off a terminal.
    let spelled: Vec<String> = argv
        .iter()
        .filter(|a| !a.starts_with("--color"))
        .map(|a| match a.strip_prefix('-').filter(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())) {
            Some(n) => format!("-C{n}"),
            None => a.clone(),
        })
        .collect();
    let mut options = match options::read(&spelled, "A:B:C:ivEFGPcowxnqe:m:hHlLsa", &LONG, false) {
        Ok(options) => options,
        Err(refusal) => return refusal,
    };
    let patterns = match patterns(&mut options, &argv[0], &host.meter()) {
        Ok(patterns) => patterns,
        Err(refusal) => return refusal,
    };
    let mut sizes = [0, 0, 0, usize::MAX];
    for (letter, value) in &options.given {
        let Some(i) = "CABm".find(*letter) else { continue };
        match value.parse() {
            Ok(n) => sizes[i] = n,
            Err(_) if i == 3 => return Outcome::err(2, "grep: invalid max count"),
            Err(_) => return Outcome::err(2, format!("grep: {value}: invalid context length argument")),
        }
    }
    let [context, after, before, limit] = sizes;
    let (after, before) = (after.max(context), before.max(context));
    let names = options.has('H') || options.rest.len() > 1 && !options.has('h');
    let search = Search { patterns, options, before, after, limit, names };
    let mut outcome = Outcome::default();
    let texts = inputs(host, "grep", &search.options.rest, stdin, 2, &mut outcome);
    let mut found = false;
    for (name, text) in &texts {
        let name = if *name == "-" { "(standard input)" } else { name };
        found |= search.file(name, text, &mut outcome.stdout);
    }
    if search.options.has('s') {
        outcome.stderr.clear();
    }
    if search.options.has('q') {
        outcome.stdout.clear();
    }
    outcome.exit = match (outcome.exit, found) {
        (_, true) if search.options.has('q') => 0,
        (0, found) => i32::from(!found),
        (exit, _) => exit,
    };
    outcome
}

/// Compiles the patterns: those of `-e`, or the first argument. Each may hold several, a line each.
fn patterns(options: &mut Options, program: &str, meter: &Meter) -> Result<Vec<Matcher>, Outcome> {
    let mut texts: Vec<String> = options.given.iter().filter(|(l, _)| *l == 'e').map(|(_, v)| v.clone()).collect();
    if texts.is_empty() {
        if options.rest.is_empty() {
            let said = "Usage: grep [OPTION]... PATTERNS [FILE]...\nTry 'grep --help' for more information.";
            return Err(Outcome::err(2, said));
        }
        texts.push(options.rest.remove(0));
    }
    let syntax = match program {
        _ if options.has('F') => Syntax::Fixed,
        "fgrep" => Syntax::Fixed,
        "egrep" => Syntax::Extended,
        _ if options.has('E') || options.has('P') => Syntax::Extended,
        _ => Syntax::Basic,
    };
    let one = |text: &str| compile(text, syntax, options.has('i'), meter).map_err(|why| super::not_modelled("grep", &why));
    texts.iter().flat_map(|text| text.split('\n')).map(one).collect()
}

impl Search {
    /// The places in a line that match.
    fn spans(&self, line: &str) -> Vec<(usize, usize)> {
        let word = |c: Option<char>| c.is_some_and(|c| c == '_' || c.is_alphanumeric());
        let fits = |start: usize, end: usize| {
            let whole_line = start == 0 && end == line.len();
            let whole_word = !word(line[..start].chars().next_back()) && !word(line[end..].chars().next());
            (!self.options.has('x') || whole_line) && (!self.options.has('w') || whole_word)
        };
        let mut spans: Vec<(usize, usize)> = Vec::new();
        for pattern in &self.patterns {
            spans.extend(pattern.find_iter(line).map(|m| (m.start(), m.end())).filter(|(s, e)| fits(*s, *e)));
        }
        spans.sort_by_key(|(start, end)| (*start, std::cmp::Reverse(*end)));
        let mut at = 0;
        spans.retain(|(start, end)| {
            let keep = *start >= at;
            at = if keep { *end } else { at };
            keep
        });
        spans
    }

    /// Searches one text; tells whether a line was selected.
    fn file(&self, name: &str, text: &str, out: &mut String) -> bool {
        let rows: Vec<&str> = lines(text).collect();
        let inverted = self.options.has('v');
        let spans: Vec<Vec<(usize, usize)>> = rows.iter().map(|row| self.spans(row)).collect();
        let selected: Vec<usize> = (0..rows.len()).filter(|i| spans[*i].is_empty() == inverted).take(self.limit).collect();
        let prefix = |mark: char| if self.names { format!("{name}{mark}") } else { String::new() };
        if self.options.has('l') || self.options.has('L') {
            if selected.is_empty() == self.options.has('L') {
                out.push_str(&format!("{name}\n"));
            }
        } else if self.options.has('c') {
            out.push_str(&format!("{}{}\n", prefix(':'), selected.len()));
        } else if self.options.has('o') {
            for i in selected.iter().filter(|_| !inverted) {
                for (start, end) in spans[*i].iter().filter(|(start, end)| start < end) {
                    out.push_str(&format!("{}{}{}\n", prefix(':'), self.number(*i, ':'), &rows[*i][*start..*end]));
                }
            }
        } else {
            self.print(&rows, &selected, prefix, out);
        }
        !selected.is_empty()
    }

    fn number(&self, i: usize, mark: char) -> String {
        if self.options.has('n') { format!("{}{mark}", i + 1) } else { String::new() }
    }

    /// Prints the selected lines with their context; groups that do not touch are parted by `--`.
    fn print(&self, rows: &[&str], selected: &[usize], prefix: impl Fn(char) -> String, out: &mut String) {
        let mut next = 0;
        for (k, i) in selected.iter().enumerate() {
            let from = i.saturating_sub(self.before).max(next);
            let parted = from > next && (self.before > 0 || self.after > 0) && (next > 0 || out.ends_with('\n'));
            if parted && (k > 0 || !out.is_empty()) {
                out.push_str("--\n");
            }
            let until = selected.get(k + 1).copied().unwrap_or(rows.len()).min(i.saturating_add(self.after + 1));
            for (at, row) in rows.iter().enumerate().take(until.max(i + 1)).skip(from) {
                let mark = if at == *i { ':' } else { '-' };
                out.push_str(&format!("{}{}{row}\n", prefix(mark), self.number(at, mark)));
            }
            next = until.max(i + 1);
        }
    }
}
