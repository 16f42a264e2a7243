//! Resource quantities (`250m`, `1.5Gi`, `2e3`): as numbers, and in their canonical form.
//!
//! A real server stores a quantity as the shortest exact text in the suffix family it was written in: `1000m` becomes `1`,
//! `1024Mi` becomes `1Gi`, `0.5` becomes `500m`. What is finer than a billionth is rounded up.
//! The real thing: `k8s.io/apimachinery/pkg/api/resource/quantity.go`.

/// What the server says about text that is no quantity.
pub const NOT_A_QUANTITY: &str = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

const NANO: i128 = 1_000_000_000;
/// Decimal suffixes from the smallest, each a thousand times the one before.
const DECIMAL: [&str; 10] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
/// Binary suffixes, each 1024 times the one before.
const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// How the magnitude was written, and will be written again.
#[derive(Clone, Copy, PartialEq)]
enum Style {
    Decimal,
    Binary,
    Exponent,
}

/// The canonical text of a quantity, or `None` when it is not one.
pub fn canonical(text: &str) -> Option<String> {
    let (nanos, style) = parse(text)?;
    Some(match style {
        // Small binary quantities are printed in decimal.
        Style::Binary if nanos.unsigned_abs() >= 1024 * NANO as u128 => binary(nanos),
        Style::Exponent => exponent(nanos),
        _ => decimal(nanos),
    })
}

/// The quantity in billionths, or `None` when the text is not one or does not fit.
pub fn nanos(text: &str) -> Option<i128> {
    parse(text).map(|(nanos, _)| nanos)
}

/// A quantity in thousandths of its unit (so `1` CPU is 1000), rounded up as upstream's `MilliValue`. `None` if it is none, or
/// does not fit.
///
/// ```
/// use sim_core::objects::quantity::milli;
/// assert_eq!(milli("250m"), Some(250));
/// assert_eq!(milli("1.5"), Some(1500));
/// assert_eq!(milli("1Ki"), Some(1_024_000));
/// ```
pub fn milli(text: &str) -> Option<i64> {
    in_parts(text, NANO / 1000)
}

/// A quantity in whole units, rounded up (bytes, pods).
pub fn units(text: &str) -> Option<i64> {
    in_parts(text, NANO)
}

/// A quantity in parts of so many billionths, rounded up.
fn in_parts(text: &str, part: i128) -> Option<i64> {
    i64::try_from((nanos(text)? + part - 1).div_euclid(part)).ok()
}

fn parse(text: &str) -> Option<(i128, Style)> {
    let (sign, digits) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (if text.starts_with('-') { -1 } else { 1 }, rest),
        None => (1, text),
    };
    let end = digits.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(digits.len());
    let (number, suffix) = digits.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.contains('.') || whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let (numerator, denominator, style) = scale(suffix)?;
    let mantissa: i128 = format!("{whole}{fraction}").parse().ok()?;
    let divisor = 10i128.checked_pow(u32::try_from(fraction.len()).ok()?)?.checked_mul(denominator)?;
    let product = mantissa.checked_mul(NANO)?.checked_mul(numerator)?;
    Some((sign * (product / divisor + i128::from(product % divisor != 0)), style))
}

/// What a suffix multiplies by, as a fraction.
fn scale(suffix: &str) -> Option<(i128, i128, Style)> {
    if let Some(at) = DECIMAL.iter().position(|s| *s == suffix) {
        return Some(match at.checked_sub(3) {
            Some(up) => (1000i128.pow(up as u32), 1, Style::Decimal),
            None => (1, 1000i128.pow(3 - at as u32), Style::Decimal),
        });
    }
    if let Some(up) = BINARY.iter().position(|s| *s == suffix) {
        return Some((1024i128.pow(up as u32), 1, Style::Binary));
    }
    let power: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    let factor = 10i128.checked_pow(power.unsigned_abs())?;
    Some(if power < 0 { (1, factor, Style::Exponent) } else { (factor, 1, Style::Exponent) })
}

fn decimal(nanos: i128) -> String {
    let (mantissa, at) = thousands(nanos);
    format!("{mantissa}{}", DECIMAL[at])
}

fn exponent(nanos: i128) -> String {
    let (mantissa, at) = thousands(nanos);
    let power = (at as i32 - 3) * 3;
    if power == 0 { mantissa.to_string() } else { format!("{mantissa}e{power}") }
}

/// Takes factors of a thousand out; zero stays a plain zero.
fn thousands(nanos: i128) -> (i128, usize) {
    if nanos == 0 {
        return (0, 3);
    }
    let (mut mantissa, mut at) = (nanos, 0);
    while mantissa % 1000 == 0 && at + 1 < DECIMAL.len() {
        (mantissa, at) = (mantissa / 1000, at + 1);
    }
    (mantissa, at)
}

fn binary(nanos: i128) -> String {
    let whole = nanos / NANO + i128::from(nanos % NANO > 0);
    let (mut mantissa, mut at) = (whole, 0);
    while mantissa % 1024 == 0 && at + 1 < BINARY.len() {
        (mantissa, at) = (mantissa / 1024, at + 1);
    }
    format!("{mantissa}{}", BINARY[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_become_canonical() {
        for (written, stored) in [
            ("1000m", "1"),
            ("0.5", "500m"),
            ("100m", "100m"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("128Mi", "128Mi"),
            ("512Ki", "512Ki"),
            ("1000", "1k"),
            ("1e3", "1e3"),
            ("1500e3", "1500e3"),
            ("0", "0"),
            ("0Mi", "0"),
            ("-1", "-1"),
            (".5", "500m"),
            ("0.0000000001", "1n"),
            ("1E", "1E"),
            ("110", "110"),
        ] {
            assert_eq!(canonical(written).as_deref(), Some(stored), "{written}");
        }
        for bad in ["", "abc", "1.2.3", "1 Gi", "1gb", "m", "--1", "1e", "1e99"] {
            assert_eq!(canonical(bad), None, "{bad:?}");
        }
    }

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
