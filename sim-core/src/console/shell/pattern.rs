//! Shell patterns: `*`, `?`, `[...]`, as `case` and `${NAME#pattern}` use them.
//!
//! A pattern is run as an automaton over the text: every state that could be reached is kept, so the time is the length of
//! the text times that of the pattern and never exponential. The real thing: POSIX.1-2024, "Shell & Utilities" 2.14.

/// One element of a pattern.
#[derive(Clone, Debug, PartialEq)]
enum Element {
    Char(char),
    Any,
    Star,
    Set { negated: bool, ranges: Vec<(char, char)> },
}

/// A pattern ready to be matched.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern(Vec<Element>);

impl Pattern {
    /// Reads a pattern; a backslash takes the meaning from the character after it.
    pub fn new(text: &str) -> Pattern {
        let chars: Vec<char> = text.chars().collect();
        let mut elements = Vec::new();
        let mut at = 0;
        while let Some(c) = chars.get(at) {
            at += 1;
            elements.push(match c {
                '\\' if at < chars.len() => {
                    at += 1;
                    Element::Char(chars[at - 1])
                }
                '?' => Element::Any,
                '*' if elements.last() == Some(&Element::Star) => continue,
                '*' => Element::Star,
                '[' => match set(&chars, at) {
                    Some((element, end)) => {
                        at = end;
                        element
                    }
                    None => Element::Char('['),
                },
                c => Element::Char(*c),
            });
        }
        Pattern(elements)
    }

    /// How many steps a match against a text of `chars` characters takes.
    pub fn cost(&self, chars: usize) -> usize {
        (self.0.len() + 1).saturating_mul(chars + 1)
    }

    /// Whether the whole text matches.
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        run(&self.0, &text).last() == Some(&text.len())
    }

    /// The text without the part at its start that matches.
    pub fn cut_prefix(&self, text: &str, longest: bool) -> String {
        let chars: Vec<char> = text.chars().collect();
        let ends = run(&self.0, &chars);
        let end = if longest { ends.last() } else { ends.first() };
        chars[end.copied().unwrap_or(0)..].iter().collect()
    }

    /// The text without the part at its end that matches.
    pub fn cut_suffix(&self, text: &str, longest: bool) -> String {
        let mut elements = self.0.clone();
        elements.reverse();
        let chars: Vec<char> = text.chars().rev().collect();
        let ends = run(&elements, &chars);
        let end = if longest { ends.last() } else { ends.first() };
        chars[end.copied().unwrap_or(0)..].iter().rev().collect()
    }
}

/// `[...]` whose inside begins at `start`; `None` if it is not closed.
fn set(chars: &[char], start: usize) -> Option<(Element, usize)> {
    let negated = matches!(chars.get(start), Some('!' | '^'));
    let first = start + usize::from(negated);
    let mut ranges = Vec::new();
    let mut at = first;
    loop {
        let low = *chars.get(at)?;
        if low == ']' && at > first {
            return Some((Element::Set { negated, ranges }, at + 1));
        }
        match (chars.get(at + 1), chars.get(at + 2)) {
            (Some('-'), Some(high)) if *high != ']' => {
                ranges.push((low, *high));
                at += 3;
            }
            _ => {
                ranges.push((low, low));
                at += 1;
            }
        }
    }
}

/// The lengths of all beginnings of `text` that match, in order.
fn run(elements: &[Element], text: &[char]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut reached = vec![false; elements.len() + 1];
    reach(elements, &mut reached, 0);
    for (at, c) in text.iter().map(Some).chain([None]).enumerate() {
        if reached[elements.len()] {
            ends.push(at);
        }
        let Some(c) = c else { break };
        let mut after = vec![false; elements.len() + 1];
        for (state, element) in elements.iter().enumerate().filter(|(state, _)| reached[*state]) {
            match element {
                Element::Star => reach(elements, &mut after, state),
                element if accepts(element, *c) => reach(elements, &mut after, state + 1),
                _ => {}
            }
        }
        reached = after;
    }
    ends
}

/// Marks a state, and those after it that are reached without a character.
fn reach(elements: &[Element], states: &mut [bool], mut state: usize) {
    states[state] = true;
    while elements.get(state) == Some(&Element::Star) {
        state += 1;
        states[state] = true;
    }
}

fn accepts(element: &Element, c: char) -> bool {
    match element {
        Element::Char(want) => *want == c,
        Element::Any | Element::Star => true,
        Element::Set { negated, ranges } => ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated,
    }
}
