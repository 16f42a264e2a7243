//! Where a text that a step holds stands in the file around it.
//!
//! `apply: |` holds manifests as a text. What is wrong with them is told with the line of the user's file, not with a line
//! counted from the `|`. Followed are block scalars (`|` and, where no line was folded, `>`) and one-line texts without escapes;
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
        let written = file.get(range.clone()).unwrap_or_default();
        let lines = block(written, text).or_else(|| one_line(written, text)).unwrap_or_default();
        let lines = lines.into_iter().map(|(inside, outside)| (inside, range.start + outside)).collect();
        Inline { range, lines }
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

/// A block scalar: after the line of the `|`, each line of the file ends with the text's line.
fn block(written: &str, text: &str) -> Option<Vec<(usize, usize)>> {
    if !written.starts_with(['|', '>']) {
        return None;
    }
    let mut outside = written.find('\n')? + 1;
    let (mut inside, mut places) = (0, Vec::new());
    for line in text.split_inclusive('\n') {
        let rest = &written[outside..];
        let length = rest.find('\n').map_or(rest.len(), |at| at + 1);
        let here = rest[..length].trim_end_matches(['\n', '\r']);
        let content = line.trim_end_matches('\n');
        if !here.ends_with(content) {
            return None;
        }
        places.push((inside, outside + here.len() - content.len()));
        (inside, outside) = (inside + line.len(), outside + length);
    }
    Some(places)
}

/// A text in one line, quoted or not.
fn one_line(written: &str, text: &str) -> Option<Vec<(usize, usize)>> {
    let content = text.trim_end_matches('\n');
    if content.contains('\n') {
        return None;
    }
    written.find(content).map(|at| vec![(0, at)])
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
        assert_eq!(found("a: >\n  x\n  word\nb: 1\n", "word"), ">\n  x\n  word\n");
    }
}
