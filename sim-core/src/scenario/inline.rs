//! Where a text that a step holds stands in the file around it.
//!
//! `apply: |` holds manifests as a text. What is wrong with them is told with the line of the user's file, not with a line
//! counted from the `|`. Followed are block scalars (`|`; `>` where no line was folded) and one-line texts without escapes;
//! for others, as in JSON, the whole text is pointed at.

use super::diagnostic::Diagnostic;
use crate::yaml::ByteRange;

/// The places of a step's text in its file.
#[derive(Clone, Debug)]
pub struct Inline {
    /// The whole value in the file.
    range: ByteRange,
    /// By line of the text: where it starts in the text, and where in the file. Empty where they cannot be followed.
    lines: Vec<(usize, usize)>,
}

impl Inline {
    /// The places of `text`, which is the value at `range` of `file`.
    pub fn of(file: &str, range: ByteRange, text: &str) -> Inline {
        let lines = match file.get(range.clone()) {
            Some(written) => block(file, range.start, text).or_else(|| one_line(written, range.start, text)),
            None => None,
        };
        Inline { range, lines: lines.unwrap_or_default() }
    }

    /// A complaint about the text as a complaint about the file.
    pub fn placed(&self, file: &str, mut diagnostic: Diagnostic) -> Diagnostic {
        diagnostic.file = file.to_string();
        for label in &mut diagnostic.labels {
            label.range = match (self.offset(label.range.start), self.offset(label.range.end)) {
                (Some(start), Some(end)) => start..end,
                _ => self.range.clone(),
            };
        }
        diagnostic
    }

    fn offset(&self, inside: usize) -> Option<usize> {
        let index = self.lines.partition_point(|(start, _)| *start <= inside).checked_sub(1)?;
        let (start, outside) = self.lines[index];
        Some(outside + (inside - start))
    }
}

/// A block scalar whose content begins at `start`: each line of the file is indentation and a line of the text.
fn block(file: &str, start: usize, text: &str) -> Option<Vec<(usize, usize)>> {
    let line_start = |at: usize| file[..at].rfind('\n').map_or(0, |at| at + 1);
    let mut outside = line_start(start);
    // The place is that of the first line with something on it.
    for _ in text.split('\n').take_while(|line| line.trim().is_empty()) {
        outside = line_start(outside.checked_sub(1)?);
    }
    let (mut inside, mut places) = (0, Vec::new());
    for line in text.split_inclusive('\n') {
        let rest = file.get(outside..)?;
        let length = rest.find('\n').map_or(rest.len(), |at| at + 1);
        let here = rest[..length].trim_end_matches(['\n', '\r']);
        let content = line.trim_end_matches('\n');
        let indent = here.strip_suffix(content)?;
        if !indent.bytes().all(|b| b == b' ') {
            return None;
        }
        places.push((inside, outside + indent.len()));
        (inside, outside) = (inside + line.len(), outside + length);
    }
    Some(places)
}

/// A text in one line, quoted or not.
fn one_line(written: &str, start: usize, text: &str) -> Option<Vec<(usize, usize)>> {
    let content = text.trim_end_matches('\n');
    if content.contains('\n') {
        return None;
    }
    written.find(content).map(|at| vec![(0, start + at)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Path, Profile, read};

    /// What of the file stands where the text has `word`.
    fn found(file: &str, word: &str) -> String {
        let document = read(file, Profile::Scenario).expect("it is YAML").remove(0);
        let text = document.value["a"].as_str().expect("a text");
        let range = document.spans.value_range(&Path::root().field("a")).expect("it has a place");
        let inline = Inline::of(file, range, text);
        let at = text.find(word).expect("it holds the word");
        let complaint = Diagnostic::error("", "inside", "", "").with_label(at..at + word.len(), "");
        let placed = inline.placed("file", complaint);
        file[placed.labels[0].range.clone()].to_string()
    }

    #[test]
    fn words_of_a_text_are_found_in_the_file() {
        for file in [
            "a: |\n  x: 1\n\n  word: é\n  z: 2\nb: 1\n",
            "a: |-\n    x: 1\n    - é word\nb: 1\n",
            "a: |2\n    x: 1\n    word: 2\n",
            "b: 1\na: |\n\n\n  x: 1\n  word: 2\n",
            "a: >\n  word\nb: 1\n",
            "a: \"{kind: word}\"\n",
            "a: {word}\n".replace('{', "'{").replace('}', "}'").as_str(),
        ] {
            assert_eq!(found(file, "word"), "word", "{file}");
        }
    }

    #[test]
    fn a_text_that_cannot_be_followed_is_pointed_at_whole() {
        assert_eq!(found("{\"a\": \"x: 1\\nword: 2\\n\"}", "word"), "\"x: 1\\nword: 2\\n\"");
        assert_eq!(found("a: >\n  x\n  word\nb: 1\n", "word"), "x\n  word\n");
    }
}
