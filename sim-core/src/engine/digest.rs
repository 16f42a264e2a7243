//! The digest of a whole state: each part of a model folds itself in, and what parts share is read once.
//!
//! A part takes itself apart by name (`let Self { queue, seen, .. } = self`, but without the `..`), so that a field that is added
//! later and forgotten here does not compile. What follows from other fields is named and left out, with the reason beside it.
//! A type of which every field counts derives `Hash`.

use std::collections::BTreeMap;
use std::hash::Hash;
use std::sync::Arc;

use super::random::Digest;

/// A part of a model, which can fold in all that decides what it does next.
pub trait Digestible {
    /// Folds it in.
    fn digest(&self, into: &mut StateDigest);
}

/// The digest of a state while it is being taken.
///
/// ```
/// use sim_core::engine::digest::StateDigest;
/// let of = |lists: [&[u32]; 2]| {
///     let mut digest = StateDigest::default();
///     lists.into_iter().for_each(|list| digest.list(list));
///     digest.value()
/// };
/// assert_ne!(of([&[1, 2], &[3]]), of([&[1], &[2, 3]]), "neighbours do not run together");
/// ```
#[derive(Debug, Default)]
pub struct StateDigest {
    digest: Digest,
    /// The digests of shared values met so far, by their address. Addresses differ between runs; nothing but the saving of work
    /// depends on them.
    shared: BTreeMap<usize, u64>,
    /// The digests of numbered versions met so far.
    versions: BTreeMap<(&'static str, u64), u64>,
    /// Versions from this number on follow from what was folded in already.
    known_from: u64,
}

impl StateDigest {
    /// The digest of one part alone.
    pub fn of(part: &impl Digestible) -> u64 {
        let mut digest = StateDigest::default();
        part.digest(&mut digest);
        digest.value()
    }

    /// Folds in one value.
    pub fn fold<T: Hash + ?Sized>(&mut self, value: &T) {
        value.hash(&mut self.digest);
    }

    /// Folds in values and how many there are.
    pub fn list<T: Hash>(&mut self, values: impl IntoIterator<Item = T>) {
        let mut count = 0_u64;
        for value in values {
            value.hash(&mut self.digest);
            count += 1;
        }
        self.digest.word(count);
    }

    /// Folds in parts by their keys, and how many there are.
    pub fn parts<'a, K: Hash, P: Digestible + 'a>(&mut self, parts: impl IntoIterator<Item = (K, &'a P)>) {
        let mut count = 0_u64;
        for (key, part) in parts {
            key.hash(&mut self.digest);
            part.digest(self);
            count += 1;
        }
        self.digest.word(count);
    }

    /// Folds in a value that may be met again: it is read once.
    pub fn shared<T: Hash>(&mut self, value: &Arc<T>) {
        let digest = self.shared.entry(Arc::as_ptr(value).addr()).or_insert_with(|| Digest::of(&**value));
        self.digest.word(*digest);
    }

    /// Folds in a numbered version of something: by its number if that says it all, else by its content, which is read once.
    pub fn version(&mut self, of: &'static str, number: u64, content: impl FnOnce(&mut StateDigest)) {
        self.digest.word(number);
        if number >= self.known_from {
            return;
        }
        let known = self.versions.get(&(of, number)).copied();
        let digest = known.unwrap_or_else(|| {
            let around = std::mem::take(&mut self.digest);
            content(self);
            let digest = std::mem::replace(&mut self.digest, around).value();
            self.versions.insert((of, number), digest);
            digest
        });
        self.digest.word(digest);
    }

    /// Says that versions from `number` on follow from what was folded in already.
    pub fn versions_known_from(&mut self, number: u64) {
        self.known_from = number;
    }

    /// The digest so far.
    pub fn value(&self) -> u64 {
        self.digest.value()
    }
}

impl<T: Digestible + ?Sized> Digestible for Arc<T> {
    fn digest(&self, into: &mut StateDigest) {
        (**self).digest(into);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(fold: impl FnOnce(&mut StateDigest)) -> u64 {
        let mut digest = StateDigest::default();
        fold(&mut digest);
        digest.value()
    }

    #[test]
    fn what_is_shared_counts_by_its_content() {
        let (one, same, other) = (Arc::new("a"), Arc::new("a"), Arc::new("b"));
        let of = |list: [&Arc<&str>; 2]| digest(|into| list.into_iter().for_each(|value| into.shared(value)));
        assert_eq!(of([&one, &one]), of([&one, &same]));
        assert_ne!(of([&one, &one]), of([&one, &other]));
    }

    #[test]
    fn a_version_counts_by_its_number_where_that_is_known_and_by_its_content_elsewhere() {
        let of = |known_from: u64, number: u64, content: &str| {
            digest(|into| {
                into.versions_known_from(known_from);
                into.version("text", number, |into| into.fold(content));
            })
        };
        assert_eq!(of(3, 3, "a"), of(3, 3, "b"));
        assert_ne!(of(3, 3, "a"), of(3, 4, "a"));
        assert_ne!(of(3, 2, "a"), of(3, 2, "b"));
        // The content of a version is read once, and does not leak into what follows.
        let mut read = 0;
        let mut twice = |numbers: [u64; 2]| {
            digest(|into| {
                into.versions_known_from(9);
                numbers.into_iter().for_each(|number| {
                    into.version("text", number, |into| {
                        read += 1;
                        into.fold("content");
                    });
                });
            })
        };
        assert_ne!(twice([1, 1]), twice([1, 2]));
        assert_eq!(read, 3);
    }
}
