//! `sed`: substitution, deletion and printing with addresses.
//!
//! Left out: labels and branches, the hold space, `a`, `i`, `c`, `r`, `w`.

use super::regex::{Matcher, Syntax, compile};
use super::{inputs, not_modelled, options};
use crate::console::host::{FileError, Host, Outcome};
use crate::console::meter::{Meter, UsedUp};

/// Which line a command is for.
#[derive(Clone, Debug)]
enum Address {
    Line(usize),
    Last,
    Match(Matcher),
}

#[derive(Clone, Debug)]
enum Action {
    Substitute { pattern: Matcher, replacement: Vec<Part>, all: bool, nth: usize, print: bool },
    Translate(Vec<char>, Vec<char>),
    Delete,
    Print,
    Quit,
    LineNumber,
}

/// A part of a replacement.
#[derive(Clone, Debug)]
enum Part {
    Text(String),
    /// `&` is group 0.
    Group(usize),
}

#[derive(Clone, Debug)]
struct Command {
    from: Option<Address>,
    to: Option<Address>,
    negated: bool,
    action: Action,
}

/// `sed [-n] [-E] [-i] [-e SCRIPT]... [SCRIPT] [FILE...]`
pub(super) fn sed(host: &mut dyn Host, argv: &[String], stdin: &str) -> Outcome {
    // `-i` takes a suffix only if it is joined to it, as in `-i.bak`.
    let in_place = argv.iter().skip(1).any(|a| a.starts_with("-i") || a.starts_with("--in-place"));
    let spelled: Vec<String> = argv.iter().filter(|a| !a.starts_with("-i") && !a.starts_with("--in-place")).cloned().collect();
    let long = [("quiet", 'n'), ("silent", 'n'), ("regexp-extended", 'E'), ("expression", 'e')];
    let mut options = match options::read(&spelled, "nEre:s", &long, false) {
        Ok(options) => options,
        Err(refusal) => return refusal,
    };
    let mut scripts: Vec<String> = options.given.iter().filter(|(l, _)| *l == 'e').map(|(_, v)| v.clone()).collect();
    if scripts.is_empty() {
        if options.rest.is_empty() {
            return Outcome::err(1, "Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...");
        }
        scripts.push(options.rest.remove(0));
    }
    let syntax = if options.has('E') || options.has('r') { Syntax::Extended } else { Syntax::Basic };
    let meter = host.meter();
    let commands = match Script::new(&scripts.join("\n"), syntax, &meter).read() {
        Ok(commands) => commands,
        Err(why) => return not_modelled("sed", &why),
    };
    let quiet = options.has('n');
    let mut outcome = Outcome::default();
    if in_place && options.rest.is_empty() {
        return Outcome::err(4, "sed: no input files");
    }
    let mut texts = Vec::new();
    for file in options.rest.iter().filter(|f| *f != "-") {
        if let Err(FileError(why)) = host.read_file(file) {
            outcome.stderr.push_str(&format!("sed: can't read {file}: {why}\n"));
            outcome.exit = 2;
        } else {
            texts.push(file.clone());
        }
    }
    if in_place {
        for file in texts {
            let after = edit(&commands, &host.read_file(&file).unwrap_or_default(), quiet, &meter);
            if let Err(FileError(why)) = host.write_file(&file, &after) {
                outcome.stderr.push_str(&format!("sed: couldn't open file {file}: {why}\n"));
                outcome.exit = 4;
            }
        }
        return outcome;
    }
    let mut ignored = Outcome::default();
    let all = inputs(host, "sed", &options.rest, stdin, 2, &mut ignored);
    let joined: String = all.into_iter().map(|(_, text)| text).collect();
    outcome.stdout = edit(&commands, &joined, quiet, &meter);
    outcome
}

/// Runs the commands over a text, as far as the budget goes.
fn edit(commands: &[Command], text: &str, quiet: bool, meter: &Meter) -> String {
    let mut out = String::new();
    let mut open = vec![false; commands.len()];
    let total = text.split_inclusive('\n').count();
    for (i, line) in text.split_inclusive('\n').enumerate() {
        let place = Place { number: i + 1, total };
        match cycle(commands, &mut open, line, place, quiet, &mut out, meter) {
            Ok(false) => {}
            Ok(true) | Err(UsedUp) => break,
        }
    }
    out
}

/// Where a line stands.
#[derive(Clone, Copy)]
struct Place {
    number: usize,
    total: usize,
}

/// Runs the commands over one line; tells whether it is the last.
fn cycle(
    commands: &[Command],
    open: &mut [bool],
    line: &str,
    place: Place,
    quiet: bool,
    out: &mut String,
    meter: &Meter,
) -> Result<bool, UsedUp> {
    let (body, end) = line.strip_suffix('\n').map_or((line, ""), |body| (body, "\n"));
    let mut space = body.to_string();
    let (mut deleted, mut quit) = (false, false);
    for (command, open) in commands.iter().zip(open) {
        meter.steps(1 + space.len() as u64)?;
        meter.text(out.len() + space.len())?;
        if command.selects(&space, place.number, place.total, open) == command.negated {
            continue;
        }
        match &command.action {
            Action::Delete => deleted = true,
            Action::Quit => quit = true,
            Action::Print => out.push_str(&format!("{space}\n")),
            Action::LineNumber => out.push_str(&format!("{}\n", place.number)),
            Action::Translate(from, to) => {
                let swap = |c: char| from.iter().position(|f| *f == c).map_or(c, |at| to[at]);
                meter.steps(space.len() as u64 * from.len() as u64)?;
                space = space.chars().map(swap).collect();
            }
            Action::Substitute { pattern, replacement, all, nth, print } => {
                if let Some(changed) = substitute(&space, pattern, replacement, *all, *nth, meter)? {
                    space = changed;
                    if *print {
                        out.push_str(&format!("{space}\n"));
                    }
                }
            }
        }
        if deleted || quit {
            break;
        }
    }
    if !deleted && !quiet {
        out.push_str(&space);
        out.push_str(end);
    }
    Ok(quit)
}

fn substitute(
    text: &str,
    pattern: &Matcher,
    replacement: &[Part],
    all: bool,
    nth: usize,
    meter: &Meter,
) -> Result<Option<String>, UsedUp> {
    let (mut out, mut at, mut changed) = (String::new(), 0, false);
    for (i, found) in pattern.captures_iter(text).enumerate() {
        let Some(whole) = found.get(0) else { continue };
        if i + 1 < nth {
            continue;
        }
        out.push_str(&text[at..whole.start()]);
        for part in replacement {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Group(n) => out.push_str(found.get(*n).map_or("", |m| m.as_str())),
            }
            meter.text(out.len())?;
        }
        at = whole.end();
        changed = true;
        if !all {
            break;
        }
    }
    meter.steps(out.len() as u64)?;
    out.push_str(&text[at..]);
    Ok(changed.then_some(out))
}

impl Address {
    fn is(&self, text: &str, line: usize, total: usize) -> bool {
        match self {
            Address::Line(n) => *n == line,
            Address::Last => line == total,
            Address::Match(pattern) => pattern.is_match(text),
        }
    }
}

impl Command {
    /// Whether the line is in the command's range; `open` remembers that a range has begun.
    fn selects(&self, text: &str, line: usize, total: usize, open: &mut bool) -> bool {
        match (&self.from, &self.to) {
            (None, _) => true,
            (Some(from), None) => from.is(text, line, total),
            (Some(from), Some(to)) => {
                if *open {
                    *open = !match to {
                        Address::Line(n) => line >= *n,
                        to => to.is(text, line, total),
                    };
                    return true;
                }
                let begins = from.is(text, line, total);
                *open = begins && !matches!(to, Address::Line(n) if *n <= line);
                begins
            }
        }
    }
}

/// A script being read.
struct Script<'m> {
    text: Vec<char>,
    at: usize,
    syntax: Syntax,
    meter: &'m Meter,
}

impl<'m> Script<'m> {
    fn new(text: &str, syntax: Syntax, meter: &'m Meter) -> Self {
        Script { text: text.chars().collect(), at: 0, syntax, meter }
    }

    fn next(&mut self) -> Option<char> {
        self.at += 1;
        self.text.get(self.at - 1).copied()
    }

    fn take_if(&mut self, c: char) -> bool {
        let found = self.text.get(self.at) == Some(&c);
        self.at += usize::from(found);
        found
    }

    fn skip(&mut self, what: &str) {
        while self.text.get(self.at).is_some_and(|c| what.contains(*c)) {
            self.at += 1;
        }
    }

    fn read(&mut self) -> Result<Vec<Command>, String> {
        let mut commands = Vec::new();
        loop {
            self.skip(" \t\n;");
            if self.at >= self.text.len() {
                return Ok(commands);
            }
            let from = self.address()?;
            let to = if self.take_if(',') { self.address()? } else { None };
            self.skip(" ");
            let negated = self.take_if('!');
            self.skip(" ");
            let action = self.action()?;
            commands.push(Command { from, to, negated, action });
        }
    }

    fn address(&mut self) -> Result<Option<Address>, String> {
        self.skip(" ");
        match self.text.get(self.at).copied() {
            Some('$') => {
                self.at += 1;
                Ok(Some(Address::Last))
            }
            Some('/') => {
                self.at += 1;
                let pattern = self.until('/')?;
                Ok(Some(Address::Match(compile(&pattern, self.syntax, false, self.meter)?)))
            }
            Some(c) if c.is_ascii_digit() => {
                let digits: String = self.text[self.at..].iter().take_while(|c| c.is_ascii_digit()).collect();
                self.at += digits.len();
                digits.parse().map(|n| Some(Address::Line(n))).map_err(|_| format!("the line number {digits} is too large"))
            }
            _ => Ok(None),
        }
    }

    /// Text up to the delimiter, which loses its backslash if it has one.
    fn until(&mut self, delimiter: char) -> Result<String, String> {
        let mut out = String::new();
        loop {
            match self.next() {
                None => return Err(format!("a '{delimiter}' is missing in the script")),
                Some(c) if c == delimiter => return Ok(out),
                Some('\\') => match self.next() {
                    Some(c) if c == delimiter => out.push(c),
                    Some(c) => out.extend(['\\', c]),
                    None => out.push('\\'),
                },
                Some(c) => out.push(c),
            }
        }
    }

    fn action(&mut self) -> Result<Action, String> {
        match self.next() {
            Some('d') => Ok(Action::Delete),
            Some('p') => Ok(Action::Print),
            Some('q') => Ok(Action::Quit),
            Some('=') => Ok(Action::LineNumber),
            Some('y') => {
                let delimiter = self.next().ok_or("'y' needs two sets")?;
                let (from, to) =
                    (self.until(delimiter)?.chars().collect::<Vec<_>>(), self.until(delimiter)?.chars().collect::<Vec<_>>());
                if from.len() == to.len() {
                    Ok(Action::Translate(from, to))
                } else {
                    Err("the sets of 'y' differ in length".to_string())
                }
            }
            Some('s') => self.substitution(),
            Some(other) => Err(format!("the command '{other}' is not modelled; s, y, d, p, q and = are")),
            None => Err("a command is missing after the address".to_string()),
        }
    }

    fn substitution(&mut self) -> Result<Action, String> {
        let delimiter = self.next().ok_or("'s' needs a pattern")?;
        let (pattern, replacement) = (self.until(delimiter)?, self.until(delimiter)?);
        let (mut all, mut ignore_case, mut print, mut nth) = (false, false, false, String::new());
        while let Some(c) = self.text.get(self.at).copied().filter(|c| !"; \n}".contains(*c)) {
            self.at += 1;
            match c {
                'g' => all = true,
                'i' | 'I' => ignore_case = true,
                'p' => print = true,
                c if c.is_ascii_digit() => nth.push(c),
                other => return Err(format!("the flag '{other}' of 's' is not modelled; g, i, p and a number are")),
            }
        }
        let pattern = compile(&pattern, self.syntax, ignore_case, self.meter)?;
        Ok(Action::Substitute { pattern, replacement: parts(&replacement), all, nth: nth.parse().unwrap_or(1), print })
    }
}

fn parts(replacement: &str) -> Vec<Part> {
    let mut parts = vec![Part::Text(String::new())];
    let mut chars = replacement.chars();
    while let Some(c) = chars.next() {
        let text = match (c, &mut chars) {
            ('&', _) => {
                parts.push(Part::Group(0));
                continue;
            }
            ('\\', rest) => match rest.next() {
                Some(digit) if digit.is_ascii_digit() => {
                    parts.push(Part::Group(digit as usize - '0' as usize));
                    continue;
                }
                Some('n') => '\n',
                Some('t') => '\t',
                Some(other) => other,
                None => '\\',
            },
            (c, _) => c,
        };
        match parts.last_mut() {
            Some(Part::Text(last)) => last.push(text),
            _ => parts.push(Part::Text(text.to_string())),
        }
    }
    parts
}
