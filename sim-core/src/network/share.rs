//! Exact shares: fractions of whole numbers, reduced.

/// A part of the whole, at most all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    part: u64,
    of: u64,
}

impl Share {
    /// Everything.
    pub(super) const ALL: Share = Share { part: 1, of: 1 };

    /// One of `of` equal parts.
    pub(super) fn one_of(of: u64) -> Share {
        Share { part: 1, of: of.max(1) }
    }

    /// What is left of it without `other`, nothing at least.
    pub(super) fn without(self, other: Share) -> Share {
        let common = gcd(self.of, other.of);
        let of = (self.of / common).saturating_mul(other.of);
        let part = (of / self.of).saturating_mul(self.part).saturating_sub((of / other.of).saturating_mul(other.part));
        let common = gcd(part, of);
        Share { part: part / common, of: of / common }
    }

    /// Numerator and denominator.
    pub(super) fn parts(self) -> (u64, u64) {
        (self.part, self.of)
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a.max(1) } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::Share;

    #[test]
    fn parts_add_up_to_the_whole() {
        let left = |parts: &[u64]| parts.iter().fold(Share::ALL, |rest, of| rest.without(Share::one_of(*of))).parts();
        assert_eq!(left(&[2, 3]), (1, 6));
        assert_eq!(left(&[2, 3, 6]), (0, 1));
        assert_eq!(left(&[4]), (3, 4));
    }
}
