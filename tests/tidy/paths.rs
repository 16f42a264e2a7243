//! The paths a file names, with braces written out: `use crate::{cloud, dns::message::{Question, Reply}};` names three.

use super::source::{Source, is_word};

/// Every path with at least one `::` in code that ships, with its line.
pub fn paths(source: &Source) -> Vec<(usize, String)> {
    let mut shipped = String::new();
    for (line, test) in source.code.iter().zip(&source.test) {
        shipped.push_str(if *test { "" } else { line });
        shipped.push('\n');
    }
    let mut found = Vec::new();
    let mut reader = Reader { text: &shipped, at: 0 };
    while reader.at < shipped.len() {
        let start = reader.at;
        let follows_word = shipped[..start].ends_with(is_word) || shipped[..start].ends_with("::");
        if !follows_word && shipped[start..].starts_with(is_word) {
            let mut names = Vec::new();
            reader.path("", &mut names);
            found.extend(names.into_iter().filter(|(_, path)| path.contains("::")));
        }
        if reader.at == start {
            reader.at += shipped[start..].chars().next().map_or(1, char::len_utf8);
        }
    }
    found.into_iter().map(|(at, path)| (shipped[..at].matches('\n').count() + 1, path)).collect()
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    /// Reads one path, or the tree of paths that a brace after `::` opens, and adds each leaf with its offset.
    fn path(&mut self, prefix: &str, out: &mut Vec<(usize, String)>) {
        let start = self.at;
        let mut path = prefix.to_owned();
        loop {
            let word: String = self.text[self.at..].chars().take_while(|c| is_word(*c)).collect();
            self.at += word.len();
            path.push_str(&word);
            if !self.text[self.at..].starts_with("::") {
                break;
            }
            self.at += 2;
            path.push_str("::");
            if self.text[self.at..].starts_with('{') {
                return self.group(&path, out);
            }
        }
        if path != prefix {
            out.push((start, path));
        }
    }

    fn group(&mut self, prefix: &str, out: &mut Vec<(usize, String)>) {
        while let Some(next) = self.text[self.at..].chars().next() {
            match next {
                '}' => {
                    self.at += 1;
                    return;
                }
                c if is_word(c) => self.path(prefix, out),
                c => self.at += c.len_utf8(),
            }
        }
    }
}
