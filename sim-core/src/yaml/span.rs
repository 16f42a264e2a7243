//! Where each key and value of a document stands in its text, and the paths that name them.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

/// A range of byte offsets in a text.
pub type ByteRange = std::ops::Range<usize>;

/// One step down: into a mapping or into a list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Segment {
    /// A key of a mapping.
    Field(String),
    /// A position in a list.
    Index(usize),
}

/// A place in a document counted from its root, written `spec.ports[0].port` or `metadata.labels["a.b/c"]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(pub Vec<Segment>);

impl Path {
    /// The root.
    pub fn root() -> Self {
        Path::default()
    }

    /// This path and one key more.
    pub fn field(&self, key: impl Into<String>) -> Self {
        self.with(Segment::Field(key.into()))
    }

    /// This path and one index more.
    pub fn index(&self, index: usize) -> Self {
        self.with(Segment::Index(index))
    }

    fn with(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Path(segments)
    }

    /// A JSON pointer (`/spec/ports/0`) as a path; a part of digits only is taken for an index.
    pub fn from_pointer(pointer: &str) -> Path {
        let segment = |part: &str| match part.parse() {
            Ok(index) if part.bytes().all(|b| b.is_ascii_digit()) => Segment::Index(index),
            _ => Segment::Field(part.replace("~1", "/").replace("~0", "~")),
        };
        Path(pointer.split('/').skip(1).map(segment).collect())
    }

    /// The value at this path of a tree.
    pub fn find<'v>(&self, root: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(root, |value, segment| match segment {
            Segment::Field(key) => value.get(key),
            Segment::Index(index) => value.get(index),
        })
    }

    /// True when `self` is `other` or lies below it.
    pub fn is_within(&self, other: &Path) -> bool {
        self.0.starts_with(&other.0)
    }

    /// Reads a path. A key with dots or brackets stands in brackets, quoted or not: `data["a.b"]`, `data[a.b]`.
    /// A leading dot is allowed.
    ///
    /// ```
    /// use sim_core::yaml::Path;
    /// let path = Path::parse("spec.nodes[0].labels[\"a.b/c\"]").unwrap();
    /// assert_eq!(path.to_string(), "spec.nodes[0].labels[\"a.b/c\"]");
    /// assert_eq!(Path::parse("spec..x"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Path> {
        let mut segments = Vec::new();
        let mut rest = text.strip_prefix('.').unwrap_or(text);
        let mut bare_allowed = true;
        while !rest.is_empty() {
            if let Some(inner) = rest.strip_prefix('[') {
                let (segment, tail) = bracketed(inner)?;
                segments.push(segment);
                rest = tail;
            } else {
                if !bare_allowed {
                    return None;
                }
                let end = rest.find(['.', '[']).unwrap_or(rest.len());
                if end == 0 {
                    return None;
                }
                segments.push(Segment::Field(rest[..end].to_string()));
                rest = &rest[end..];
            }
            bare_allowed = false;
            if let Some(tail) = rest.strip_prefix('.') {
                if tail.is_empty() {
                    return None;
                }
                rest = tail;
                bare_allowed = true;
            }
        }
        Some(Path(segments))
    }
}

/// What stands after `[`, up to and with its `]`.
fn bracketed(inner: &str) -> Option<(Segment, &str)> {
    if let Some(quoted) = inner.strip_prefix('"') {
        let end = quoted.find("\"]")?;
        return Some((Segment::Field(quoted[..end].to_string()), &quoted[end + 2..]));
    }
    let end = inner.find(']')?;
    let word = &inner[..end];
    let segment = match word.parse() {
        Ok(index) if word.bytes().all(|b| b.is_ascii_digit()) => Segment::Index(index),
        _ if word.is_empty() => return None,
        _ => Segment::Field(word.to_string()),
    };
    Some((segment, &inner[end + 1..]))
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Field(key) if key.is_empty() || key.contains(['.', '[', ']', '"']) => write!(f, "[\"{key}\"]")?,
                Segment::Field(key) if position == 0 => write!(f, "{key}")?,
                Segment::Field(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

/// The places of a value and of everything in it; same shape as the value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpanTree {
    /// The bytes of the value.
    pub range: ByteRange,
    children: Children,
}

#[derive(Clone, Debug, Default, PartialEq)]
enum Children {
    #[default]
    None,
    Items(Vec<SpanTree>),
    Fields(BTreeMap<String, (ByteRange, SpanTree)>),
}

impl SpanTree {
    /// A value without parts.
    pub fn scalar(range: ByteRange) -> Self {
        SpanTree { range, children: Children::None }
    }

    /// A list.
    pub fn list(range: ByteRange, items: Vec<SpanTree>) -> Self {
        SpanTree { range, children: Children::Items(items) }
    }

    /// A mapping: by key, the place of the key and its value's tree.
    pub fn mapping(range: ByteRange, fields: BTreeMap<String, (ByteRange, SpanTree)>) -> Self {
        SpanTree { range, children: Children::Fields(fields) }
    }

    /// The tree of the value one step down.
    pub fn child(&self, segment: &Segment) -> Option<&SpanTree> {
        match (&self.children, segment) {
            (Children::Items(items), Segment::Index(index)) => items.get(*index),
            (Children::Fields(fields), Segment::Field(key)) => fields.get(key).map(|(_, tree)| tree),
            _ => None,
        }
    }

    /// The tree of the value at `path`.
    pub fn get(&self, path: &Path) -> Option<&SpanTree> {
        path.0.iter().try_fold(self, |tree, segment| tree.child(segment))
    }

    /// The bytes of the value at `path`.
    pub fn value_range(&self, path: &Path) -> Option<ByteRange> {
        self.get(path).map(|tree| tree.range.clone())
    }

    /// The bytes of the key that ends `path`.
    pub fn key_range(&self, path: &Path) -> Option<ByteRange> {
        let (last, parents) = path.0.split_last()?;
        let parent = parents.iter().try_fold(self, |tree, segment| tree.child(segment))?;
        match (&parent.children, last) {
            (Children::Fields(fields), Segment::Field(key)) => fields.get(key).map(|(range, _)| range.clone()),
            _ => None,
        }
    }

    /// The bytes to point at for `path`: its key, else its value, else those of the nearest ancestor that exists.
    pub fn nearest(&self, path: &Path) -> ByteRange {
        let mut path = path.clone();
        loop {
            let found = self.key_range(&path).or_else(|| self.value_range(&path));
            match found {
                Some(range) => return range,
                None if path.0.pop().is_none() => return self.range.clone(),
                None => {}
            }
        }
    }
}

/// Line and column of a byte offset, both counted from 1, the column in characters.
pub fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let mut end = offset.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = &text[..end];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.bytes().filter(|b| *b == b'\n').count() + 1, before[line_start..].chars().count() + 1)
}
