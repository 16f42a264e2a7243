//! JSON texts, one value or several in a row: serde_json reads them, and a walk over the same bytes finds the places.

use std::collections::BTreeMap;

use serde_json::Value;

use super::compose::duplicate;
use super::{ByteRange, DEPTH_MAX, Document, ERRORS_MAX, ReadError, SpanTree};

/// `None` when the text is not JSON; it may still be YAML.
pub(super) fn read(text: &str) -> Option<Result<Vec<Document>, Vec<ReadError>>> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let mut documents = Vec::new();
    let mut walk = Walk { bytes: text.as_bytes(), at: 0, depth: 0, too_deep: false, errors: Vec::new() };
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        let value = value.ok()?;
        walk.skip_space();
        let start = walk.at;
        let spans = walk.value();
        documents.push(Document { value, spans, start });
    }
    if walk.too_deep {
        // The reader of YAML has the same limit, and says where it is passed.
        return None;
    }
    Some(if walk.errors.is_empty() { Ok(documents) } else { Err(walk.errors) })
}

/// A walk over bytes that are known to be JSON.
struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    too_deep: bool,
    errors: Vec<ReadError>,
}

impl Walk<'_> {
    fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(b' ')
    }

    fn skip_space(&mut self) {
        while self.at < self.bytes.len() && self.peek().is_ascii_whitespace() {
            self.at += 1;
        }
    }

    /// Steps over white space and over the separators that carry no meaning once the syntax is known to be right.
    fn skip_to_token(&mut self) {
        while self.at < self.bytes.len() && matches!(self.peek(), b' ' | b'\n' | b'\r' | b'\t' | b',' | b':') {
            self.at += 1;
        }
    }

    fn value(&mut self) -> SpanTree {
        self.skip_to_token();
        let start = self.at;
        self.too_deep |= self.depth > DEPTH_MAX;
        self.depth += 1;
        let tree = match self.peek() {
            b'{' => self.object(start),
            b'[' => self.array(start),
            b'"' => SpanTree::scalar(self.string()),
            _ => {
                while self.at < self.bytes.len() && !matches!(self.peek(), b' ' | b'\n' | b'\r' | b'\t' | b',' | b']' | b'}') {
                    self.at += 1;
                }
                SpanTree::scalar(start..self.at)
            }
        };
        self.depth -= 1;
        tree
    }

    fn array(&mut self, start: usize) -> SpanTree {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.skip_to_token();
            if self.at >= self.bytes.len() || self.peek() == b']' {
                self.at += 1;
                return SpanTree::list(start..self.at, items);
            }
            items.push(self.value());
        }
    }

    fn object(&mut self, start: usize) -> SpanTree {
        self.at += 1;
        let mut fields: BTreeMap<String, (ByteRange, SpanTree)> = BTreeMap::new();
        loop {
            self.skip_to_token();
            if self.at >= self.bytes.len() || self.peek() == b'}' {
                self.at += 1;
                return SpanTree::mapping(start..self.at, fields);
            }
            let range = self.string();
            let key: String = serde_json::from_slice(&self.bytes[range.clone()]).unwrap_or_default();
            let tree = self.value();
            match fields.get(&key) {
                Some((first, _)) if self.errors.len() < ERRORS_MAX => self.errors.push(duplicate(&key, range, first.clone())),
                Some(_) => {}
                None => {
                    fields.insert(key, (range, tree));
                }
            }
        }
    }

    fn string(&mut self) -> ByteRange {
        let start = self.at;
        self.at += 1;
        while self.at < self.bytes.len() && self.peek() != b'"' {
            self.at += if self.peek() == b'\\' { 2 } else { 1 };
        }
        self.at = (self.at + 1).min(self.bytes.len());
        start..self.at
    }
}
