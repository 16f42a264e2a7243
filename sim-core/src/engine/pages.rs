//! A bounded log: the last records of something, numbered, in pages that clones share.
//!
//! The [`super::journal`] keeps its steps in one, and a model may keep records of its own in others. Records are numbered from 0 in
//! the order in which they were written; a number stays valid after its record has left. A clone copies the page that is being
//! filled and shares the others.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;

/// Records in a page.
const PAGE: usize = 256;
/// Full pages kept.
const PAGES_MAX: usize = 64;
/// So many records can be looked up; a page more may be there while one fills.
pub const KEPT_MAX: usize = PAGE * PAGES_MAX;

/// The last records.
#[derive(Clone, Debug)]
pub struct Pages<T> {
    full: VecDeque<Arc<Vec<T>>>,
    page: Vec<T>,
    /// How many records have left.
    forgotten: u64,
}

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Pages { full: VecDeque::new(), page: Vec::new(), forgotten: 0 }
    }
}

impl<T> Pages<T> {
    /// Adds a record; the oldest page leaves when there are too many.
    #[inline]
    pub fn push(&mut self, record: T) {
        if self.page.len() == PAGE {
            self.turn();
        }
        self.page.push(record);
    }

    fn turn(&mut self) {
        let oldest = if self.full.len() == PAGES_MAX { self.full.pop_front() } else { None };
        self.forgotten += oldest.as_ref().map_or(0, |page| page.len() as u64);
        // A page that no clone shares is written over.
        let mut blank = oldest.and_then(|page| Arc::try_unwrap(page).ok()).unwrap_or_else(|| Vec::with_capacity(PAGE));
        blank.clear();
        self.full.push_back(Arc::new(mem::replace(&mut self.page, blank)));
    }

    /// The record written last.
    #[inline]
    pub fn last(&self) -> Option<&T> {
        self.page.last()
    }

    /// The number of the next record: how many were written so far.
    pub fn next_number(&self) -> u64 {
        self.forgotten + (self.full.len() * PAGE + self.page.len()) as u64
    }

    /// The number of the oldest record that is kept.
    pub fn first_number(&self) -> u64 {
        self.forgotten
    }

    /// A record by its number, if it is kept.
    pub fn get(&self, number: u64) -> Option<&T> {
        let index = usize::try_from(number.checked_sub(self.forgotten)?).ok()?;
        match self.full.get(index / PAGE) {
            Some(page) => page.get(index % PAGE),
            None => self.page.get(index.checked_sub(self.full.len() * PAGE)?),
        }
    }

    /// The records that are kept, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.full.iter().flat_map(|page| page.iter()).chain(&self.page)
    }

    /// The records with their numbers, oldest first.
    pub fn numbered(&self) -> impl Iterator<Item = (u64, &T)> {
        (self.forgotten..).zip(self.iter())
    }

    /// The number of the first record for which `is_later` holds; it must hold for all after that. Looks at a few records only.
    pub fn partition_point(&self, is_later: impl Fn(&T) -> bool) -> u64 {
        let (mut low, mut high) = (self.first_number(), self.next_number());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.get(middle).is_some_and(&is_later) { high = middle } else { low = middle + 1 }
        }
        low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_leave_and_numbers_stay() {
        let mut pages = Pages::default();
        (0..100_000_u64).for_each(|n| pages.push(n));
        assert_eq!((pages.next_number(), pages.last()), (100_000, Some(&99_999)));
        let kept = pages.iter().count();
        assert!((KEPT_MAX..=KEPT_MAX + PAGE).contains(&kept), "{kept}");
        assert!(pages.numbered().all(|(number, record)| number == *record && pages.get(number) == Some(record)));
        assert_eq!((pages.get(pages.first_number() - 1), pages.get(100_000)), (None, None));
        for sought in [pages.first_number(), 90_000, 99_999, 100_000] {
            assert_eq!(pages.partition_point(|record| *record >= sought), sought);
        }
    }

    #[test]
    fn a_clone_goes_its_own_way() {
        let mut one = Pages::default();
        (0..1_000).for_each(|n| one.push(n));
        let mut other = one.clone();
        other.push(-1);
        one.push(1_000);
        assert_eq!((one.last(), other.last(), one.get(999), other.get(999)), (Some(&1_000), Some(&-1), Some(&999), Some(&999)));
    }
}
