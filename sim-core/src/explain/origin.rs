//! Where the user wrote what an object says: file and line of each field, kept beside the store and never in it.
//!
//! No real cluster knows: once applied, a manifest is only its content. An answer that can say `svc.yaml:14` saves the search.
//! A line counts only while the object still has the value that was written there, so a map that outlives an edit (or a rewind)
//! keeps quiet instead of pointing at the wrong line.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use imbl::OrdMap;

use crate::objects::Name;

/// Most objects whose places are kept; those first by kind and name go first.
const OBJECTS_MAX: usize = 4_096;
/// Most fields of one object.
const FIELDS_MAX: usize = 256;

/// File and lines of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Name of the file.
    pub file: Name,
    /// By path (`spec.ports[0].port`): the line, and the value if it is a single one.
    lines: BTreeMap<String, (u32, String)>,
}

/// A line of a file of the user's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileLine {
    /// The file.
    pub file: Name,
    /// The line, from 1.
    pub line: u32,
}

/// `svc.yaml:14`.
impl fmt::Display for FileLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// The places of all objects.
#[derive(Clone, Debug, Default)]
pub struct Origins(OrdMap<(Name, Name, Name), Arc<Origin>>);

impl Origin {
    /// The places of one object: path, line, and the value as text (empty for a list or map).
    pub fn new(file: &str, fields: impl Iterator<Item = (String, u32, String)>) -> Origin {
        Origin { file: file.into(), lines: fields.take(FIELDS_MAX).map(|(path, line, value)| (path, (line, value))).collect() }
    }

    /// Where the field was written, if it was with this value; an empty value asks for the place of a list or map.
    pub fn place(&self, path: &str, value: &str) -> Option<FileLine> {
        let (line, written) = self.lines.get(path)?;
        (written == value).then(|| FileLine { file: self.file.clone(), line: *line })
    }
}

impl Origins {
    /// Remembers where an object was written last.
    pub fn note(&mut self, kind: &str, namespace: &str, name: &str, origin: Origin) {
        self.0.insert((kind.into(), namespace.into(), name.into()), Arc::new(origin));
        if self.0.len() > OBJECTS_MAX {
            let first = self.0.get_min().map(|(key, _)| key.clone());
            first.map(|key| self.0.remove(&key));
        }
    }

    /// Where a field of an object was written, if it still has that value.
    pub fn place(&self, kind: &str, namespace: &str, name: &str, path: &str, value: &str) -> Option<FileLine> {
        self.0.get(&(kind.into(), namespace.into(), name.into()))?.place(path, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        Origin::new("svc.yaml", [("spec.type".to_string(), 7, "NodePort".to_string())].into_iter())
    }

    #[test]
    fn a_place_counts_only_with_its_value() {
        let mut origins = Origins::default();
        origins.note("Service", "default", "web", origin());
        let place = |path, value| origins.place("Service", "default", "web", path, value);
        assert_eq!(place("spec.type", "NodePort").map(|at| at.to_string()).as_deref(), Some("svc.yaml:7"));
        assert_eq!(place("spec.type", "ClusterIP"), None, "edited since");
        assert_eq!(place("spec.ports", ""), None, "never written");
    }

    #[test]
    fn the_map_is_bounded() {
        let mut origins = Origins::default();
        (0..=OBJECTS_MAX).for_each(|n| origins.note("Service", "default", &format!("s{n}"), origin()));
        assert_eq!(origins.0.len(), OBJECTS_MAX);
    }
}
