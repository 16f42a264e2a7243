//! Sentences stand in `render`: what an answer says is a value, and one place makes the words.

use super::Finding;
use super::source::Source;

/// Modules of `sim-core` that make no sentences.
const WORDLESS: &[&str] = &["ask", "explain"];

/// Refuses, in these modules, string literals that read like a sentence: with a blank, and a word in lower case.
pub fn check(source: &Source) -> Vec<Finding> {
    let module = source.module();
    if source.in_core().is_none() || !module.first().is_some_and(|top| WORDLESS.contains(top)) {
        return Vec::new();
    }
    let told = source.strings().into_iter().filter(|(_, text)| is_sentence(text));
    let way_out = "make it a variant of a closed enum, and its words in `render`";
    told.map(|(line, text)| source.finding(line, format!("the sentence \"{}\" in `{}`", short(&text), module[0]), way_out))
        .collect()
}

fn is_sentence(text: &str) -> bool {
    let is_word = |word: &str| word.len() > 1 && word.bytes().all(|b| b.is_ascii_lowercase());
    text.trim().contains(' ') && text.split([' ', ',', ';', ':', '.', '(', ')']).any(is_word)
}

/// The beginning of a long text.
fn short(text: &str) -> String {
    let mut short: String = text.chars().take(30).collect();
    if short.len() < text.len() {
        short.push_str("...");
    }
    short
}
