//! How far apart two words are, and which of several was probably meant. The only edit distance of the simulator.
//!
//! In a real cluster only clients guess so (kubectl's "Did you mean this?"). Errors of ours name the nearest word, too.

/// What it costs to swap two neighbouring letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swap {
    /// One edit, as when a person types two letters in the wrong order.
    OneEdit,
    /// Two edits: the distance of Levenshtein, which kubectl uses.
    TwoEdits,
}

/// Longest difference that is measured; nobody misspells a longer one by accident.
const CHARACTERS_MAX: usize = 64;

/// Edits (insert, delete, replace, swap neighbours) between two words; `usize::MAX` if they have little in common.
pub fn distance(a: &str, b: &str, swap: Swap) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let (a, b) = differing(&a, &b);
    if a.len().max(b.len()) > CHARACTERS_MAX {
        return usize::MAX;
    }
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let edited = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                let swapped = swap == Swap::OneEdit && i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                if swapped { edited.min(rows[i - 2][j - 2] + 1) } else { edited }
            };
        }
    }
    rows[a.len()][b.len()]
}

/// What is left of two words without the beginning and the end that they share.
fn differing<'w>(a: &'w [char], b: &'w [char]) -> (&'w [char], &'w [char]) {
    let head = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[head..], &b[head..]);
    let tail = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    (&a[..a.len() - tail], &b[..b.len() - tail])
}

/// Whether two words differ by one letter put in, left out, changed or swapped, or by case, or one begins the other.
pub fn alike(a: &str, b: &str) -> bool {
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    if a.is_empty() || b.is_empty() {
        return false;
    }
    let begins = a.starts_with(&b) || b.starts_with(&a);
    // One edit changes the number of letters by one at most: no need to measure the others.
    let near = a.chars().count().abs_diff(b.chars().count()) <= 1;
    begins || near && distance(&a, &b, Swap::OneEdit) <= 1
}

/// The name of `known` that `word` was probably meant to be.
///
/// ```
/// use sim_core::objects::nearest::nearest;
/// assert_eq!(nearest("slector", ["ports", "selector"]), Some("selector"));
/// assert_eq!(nearest("colour", ["ports", "selector"]), None);
/// ```
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let limit = (word.chars().count() / 3).max(1);
    let scored = known.into_iter().map(|name| (distance(&word, &name.to_lowercase(), Swap::OneEdit), name));
    scored
        .filter(|(score, name)| *score <= limit && *score < name.chars().count())
        .min_by_key(|(score, _)| *score)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        let both = |a, b| (distance(a, b, Swap::OneEdit), distance(a, b, Swap::TwoEdits));
        for (a, b, want) in [
            ("", "", (0, 0)),
            ("web", "web", (0, 0)),
            ("", "web", (3, 3)),
            ("web", "wb", (1, 1)),
            ("get", "gte", (1, 2)),
            ("kitten", "sitting", (3, 3)),
            ("abcdef", "badcfe", (3, 4)),
            ("aba", "ab", (1, 1)),
        ] {
            assert_eq!(both(a, b), want, "{a} {b}");
            assert_eq!(both(b, a), want, "{b} {a}");
        }
        let long = "x".repeat(CHARACTERS_MAX + 1);
        assert_eq!(distance(&long, "web", Swap::OneEdit), usize::MAX);
        assert_eq!(distance(&format!("{long}a"), &format!("{long}b"), Swap::OneEdit), 1, "only the difference counts");
    }

    #[test]
    fn words_are_alike_when_one_slip_apart() {
        let yes =
            [("web", "wbe"), ("web", "webs"), ("web", "wep"), ("Web", "web"), ("my-nginx", "my-ngnix"), ("web", "webserver")];
        let no = [("web", "api"), ("web", "bew2"), ("", "x"), ("front", "backs")];
        assert!(yes.iter().all(|(a, b)| alike(a, b)), "alike");
        assert!(!no.iter().any(|(a, b)| alike(a, b)), "not alike");
    }
}
