//! Resource quantities: `500m`, `1Gi`, `2`, as whole numbers.
//!
//! The real thing: `k8s.io/apimachinery/pkg/api/resource`. Left out: exponents (`1e3`) and amounts beyond 64 bits.

/// A quantity in thousandths of its unit (so `1` CPU is 1000), rounded up as upstream's `MilliValue`. `None` if unreadable.
///
/// ```
/// use sim_core::objects::quantity::milli;
/// assert_eq!(milli("250m"), Some(250));
/// assert_eq!(milli("1.5"), Some(1500));
/// assert_eq!(milli("1Ki"), Some(1_024_000));
/// ```
pub fn milli(text: &str) -> Option<i64> {
    let at = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-' || c == '+')).unwrap_or(text.len());
    let (number, suffix) = text.split_at(at);
    let scale: i128 = match suffix {
        "n" => return ceil(scaled(number, 1)?, BILLION * 1_000_000),
        "u" => return ceil(scaled(number, 1)?, BILLION * 1_000),
        "m" => 1,
        "" => 1_000,
        "k" => 1_000_000,
        "M" => 1_000_000_000,
        "G" => 1_000_000_000_000,
        "T" => 1_000_000_000_000_000,
        "P" => 1_000_000_000_000_000_000,
        "Ki" => 1_000 << 10,
        "Mi" => 1_000 << 20,
        "Gi" => 1_000 << 30,
        "Ti" => 1_000i128 << 40,
        "Pi" => 1_000i128 << 50,
        _ => return None,
    };
    ceil(scaled(number, scale)?, BILLION)
}

const BILLION: i128 = 1_000_000_000;

fn ceil(n: i128, by: i128) -> Option<i64> {
    i64::try_from((n + by - 1).div_euclid(by)).ok()
}

/// A quantity in whole units, rounded up (bytes, pods).
pub fn units(text: &str) -> Option<i64> {
    milli(text).map(|m| m.saturating_add(999).div_euclid(1000))
}

/// `number` times `scale`, in billionths.
fn scaled(number: &str, scale: i128) -> Option<i128> {
    let (sign, digits) = match number.as_bytes().first()? {
        b'-' => (-1, &number[1..]),
        b'+' => (1, &number[1..]),
        _ => (1, number),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let short = whole.len() <= 18 && fraction.len() <= 9 && whole.len() + fraction.len() > 0;
    if !short || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let padded = format!("{whole}{fraction:0<9}");
    padded.parse::<i128>().ok()?.checked_mul(scale).map(|n| sign * n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_exact() {
        let cases = [
            ("100m", Some(100)),
            ("1", Some(1_000)),
            ("0.1", Some(100)),
            ("2Gi", Some(2_147_483_648_000)),
            ("1500u", Some(2)),
            ("", None),
            ("x", None),
            ("1.2.3", None),
            ("-1", Some(-1_000)),
        ];
        for (text, want) in cases {
            assert_eq!(milli(text), want, "{text}");
        }
        assert_eq!(units("1Ki"), Some(1024));
    }
}
