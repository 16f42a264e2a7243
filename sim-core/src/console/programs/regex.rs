//! Regular expressions: POSIX basic and extended syntax, brought to that of the crate `regex-lite`.

use regex_lite::{Captures, Match, Regex, RegexBuilder};

use crate::console::meter::Meter;

/// Which syntax a pattern is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    /// `grep`, `sed`: `\(`, `\{`, `\+`, `\|` are special.
    Basic,
    /// `grep -E`, `sed -E`, awk.
    Extended,
    /// `grep -F`.
    Fixed,
}

/// Longest pattern, in bytes.
const PATTERN_BYTES_MAX: usize = 10_000;

/// Most states that a pattern may have, its counts multiplied out.
const STATES_MAX: u64 = 100_000;

/// A pattern that draws on the budget of the line for each byte it looks at: that many steps as it has states.
#[derive(Clone, Debug)]
pub(super) struct Matcher {
    regex: Regex,
    states: u64,
    meter: Meter,
}

impl Matcher {
    /// Whether it matches somewhere in a text. Not, once the budget is used up.
    pub(super) fn is_match(&self, text: &str) -> bool {
        self.meter.steps(self.cost(text.len())).is_ok() && self.regex.is_match(text)
    }

    /// The matches, until the budget is used up. The search for each is charged by what lies between it and the one before, and
    /// the search that finds nothing more by the rest of the text.
    pub(super) fn find_iter<'t>(&self, text: &'t str) -> impl Iterator<Item = Match<'t>> {
        self.metered(text.len(), self.regex.find_iter(text), |found| found.end())
    }

    /// The same with the groups.
    pub(super) fn captures_iter<'t>(&self, text: &'t str) -> impl Iterator<Item = Captures<'t>> {
        self.metered(text.len(), self.regex.captures_iter(text), |found| found.get(0).map_or(0, |whole| whole.end()))
    }

    fn metered<T>(
        &self,
        length: usize,
        mut found: impl Iterator<Item = T>,
        end: impl Fn(&T) -> usize,
    ) -> impl Iterator<Item = T> {
        let mut at = 0;
        // A search may have to look at the whole rest before it knows: a text that is too much for that is not begun on.
        let affordable = self.meter.steps(self.cost(length)).is_ok();
        std::iter::from_fn(move || {
            let next = if affordable && self.meter.reached().is_none() { found.next()? } else { return None };
            self.meter.steps(self.cost(end(&next).saturating_sub(at))).ok()?;
            at = end(&next);
            Some(next)
        })
    }

    fn cost(&self, bytes: usize) -> u64 {
        self.states.saturating_mul(bytes as u64 + 1)
    }
}

/// How many states a pattern has about, its counts multiplied out: `(a{9}){9}` has more than 81. What is no pattern has some too.
pub fn states(pattern: &str) -> u64 {
    let mut chars = pattern.chars().peekable();
    // Of each open group, what is in it so far; and the last part, which a count would repeat.
    let (mut open, mut last) = (vec![0_u64], 0_u64);
    let total = |open: &[u64]| open.iter().fold(0_u64, |sum, part| sum.saturating_add(*part));
    while let Some(c) = chars.next() {
        match c {
            '(' => {
                open.push(1);
                last = 0;
            }
            ')' if open.len() > 1 => {
                last = open.pop().unwrap_or(0);
                if let Some(outer) = open.last_mut() {
                    *outer = outer.saturating_add(last);
                }
            }
            '{' if chars.peek().is_some_and(char::is_ascii_digit) => {
                let count: String = chars.by_ref().take_while(|c| *c != '}').collect();
                let most = count.split(',').filter_map(|n| n.trim().parse::<u64>().ok()).max().unwrap_or(1);
                if let Some(group) = open.last_mut() {
                    *group = group.saturating_sub(last).saturating_add(last.saturating_mul(most));
                }
                last = last.saturating_mul(most);
            }
            _ => {
                if c == '\\' {
                    chars.next();
                } else if c == '[' {
                    let first = chars.next();
                    let negated = first == Some('^');
                    let second = if negated { chars.next() } else { first };
                    // A leading bracket is itself; so is one after a backslash.
                    let mut escaped = second == Some('\\');
                    if second != Some(']') || escaped {
                        for c in chars.by_ref() {
                            if c == ']' && !escaped {
                                break;
                            }
                            escaped = c == '\\' && !escaped;
                        }
                    }
                }
                last = 1;
                if let Some(group) = open.last_mut() {
                    *group = group.saturating_add(1);
                }
            }
        }
    }
    total(&open).max(1)
}

/// Compiles a pattern; the error is a sentence.
pub(super) fn compile(pattern: &str, syntax: Syntax, ignore_case: bool, meter: &Meter) -> Result<Matcher, String> {
    if pattern.len() > PATTERN_BYTES_MAX {
        return Err(format!("a pattern is limited to {PATTERN_BYTES_MAX} bytes"));
    }
    let text = match syntax {
        Syntax::Fixed => regex_lite::escape(pattern),
        Syntax::Basic => translate(pattern, true),
        Syntax::Extended => translate(pattern, false),
    };
    let states = states(&text);
    if states > STATES_MAX {
        return Err(format!(
            "a pattern is limited to {STATES_MAX} states, and with its counts multiplied out this one has {states}"
        ));
    }
    // Compiling takes a step for each state.
    let _ = meter.steps(states);
    RegexBuilder::new(&text)
        .case_insensitive(ignore_case)
        .size_limit(1 << 20)
        .build()
        .map(|regex| Matcher { regex, states, meter: meter.clone() })
        .map_err(|error| format!("{error}: '{pattern}'"))
}

fn translate(pattern: &str, basic: bool) -> String {
    let chars: Vec<char> = pattern.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    while let Some(c) = chars.get(at).copied() {
        at += 1;
        // `*` is itself at the start, where nothing stands before it.
        let start = out.is_empty() || out.ends_with(['^', '(', '|']) && !out.ends_with(r"\^") && !out.ends_with(r"\(");
        match c {
            '[' => at = bracket(&chars, at, &mut out),
            '\\' => {
                let next = chars.get(at).copied().unwrap_or('\\');
                at += 1;
                match next {
                    '(' | ')' | '{' | '}' | '+' | '?' | '|' if basic => out.push(next),
                    '<' | '>' => out.push_str(r"\b"),
                    'w' | 'W' | 's' | 'S' | 'b' | 'B' | 'd' | 'D' | 't' | 'n' => out.extend(['\\', next]),
                    next if next.is_ascii_punctuation() => out.extend(['\\', next]),
                    next => out.push(next),
                }
            }
            '(' | ')' | '{' | '}' | '+' | '?' | '|' if basic => out.extend(['\\', c]),
            '{' if !chars.get(at).is_some_and(char::is_ascii_digit) => out.push_str(r"\{"),
            '*' if start => out.push_str(r"\*"),
            '^' if basic && !start => out.push_str(r"\^"),
            '$' if basic
                && at < chars.len()
                && !chars[at..].starts_with(&['\\', ')'])
                && !chars[at..].starts_with(&['\\', '|']) =>
            {
                out.push_str(r"\$");
            }
            c => out.push(c),
        }
    }
    out
}

/// A bracket expression whose inside begins at `at`. A backslash is nothing special in it, a leading `]` is itself.
fn bracket(chars: &[char], mut at: usize, out: &mut String) -> usize {
    out.push('[');
    if chars.get(at) == Some(&'^') {
        out.push('^');
        at += 1;
    }
    let first = at;
    while let Some(c) = chars.get(at).copied() {
        at += 1;
        match c {
            ']' if at - 1 > first => {
                out.push(']');
                return at;
            }
            '[' if chars.get(at) == Some(&':') => {
                let name: String = chars[at + 1..].iter().take_while(|c| c.is_ascii_alphabetic()).collect();
                if chars[at + 1 + name.len()..].starts_with(&[':', ']']) {
                    out.push_str(&format!("[:{name}:]"));
                    at += name.len() + 3;
                } else {
                    out.push_str(r"\[");
                }
            }
            '[' | ']' | '\\' | '&' | '~' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::meter::Limit;

    #[test]
    fn counts_are_multiplied_out() {
        let cases = [("abc", 3), ("[a-z]{100}", 100), ("([a-z]{1,100}){1,100}Z", 10_101), ("(a|b)*", 5), (r"\(a{3}", 4), ("", 1)];
        for (pattern, wanted) in cases {
            assert_eq!(states(pattern), wanted, "{pattern}");
        }
        assert_eq!(states("((((a{9999}){9999}){9999}){9999}){9999}{9999}"), u64::MAX, "no overflow");
    }

    #[test]
    fn a_text_too_much_for_its_pattern_ends_the_line_before_it_is_begun_on() {
        let meter = Meter::default();
        let pattern = compile("([a-z]{1,100}){1,100}Z", Syntax::Extended, false, &meter).expect("it is one");
        assert!(!pattern.is_match("short") && meter.reached().is_none());
        assert_eq!(pattern.find_iter(&"a".repeat(1 << 19)).count(), 0);
        assert_eq!(meter.reached(), Some(Limit::Steps));
    }

    #[test]
    fn an_ordinary_search_of_a_long_text_is_far_from_the_limit() {
        let meter = Meter::default();
        let text = "10.244.0.17 ".repeat(100_000);
        let pattern = compile("[0-9]+(\\.[0-9]+){3}", Syntax::Extended, false, &meter).expect("it is one");
        assert_eq!(pattern.find_iter(&text).count(), 100_000);
        assert_eq!(meter.reached(), None);
    }
}
