//! Values of awk: texts that may be numbers, and decimals with six places.

/// One, as the numbers here are kept: in millionths.
pub(super) const ONE: i128 = 1_000_000;
/// Greatest number, in millionths; results beyond it stay at it.
pub(super) const MAX: i128 = 1 << 100;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// A number in millionths.
    Number(i128),
    /// A text of the program.
    Text(String),
    /// A text of the input, which compares as a number if it looks like one.
    Input(String),
    /// A variable that was never set.
    Unset,
}

impl Value {
    pub(super) fn truth(&self) -> bool {
        match self {
            Value::Number(n) => *n != 0,
            Value::Text(text) => !text.is_empty(),
            Value::Input(text) => whole_number(text).map_or(!text.is_empty(), |n| n != 0),
            Value::Unset => false,
        }
    }

    pub(super) fn number(&self) -> i128 {
        match self {
            Value::Number(n) => *n,
            Value::Text(text) | Value::Input(text) => leading_number(text.trim_start()).map_or(0, |(n, _)| n),
            Value::Unset => 0,
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Value::Number(n) => print(*n),
            Value::Text(text) | Value::Input(text) => text.clone(),
            Value::Unset => String::new(),
        }
    }

    /// The number a comparison uses, if it compares as one.
    pub(super) fn comparable(&self) -> Option<i128> {
        match self {
            Value::Number(n) => Some(*n),
            Value::Input(text) => whole_number(text),
            Value::Text(_) => None,
            Value::Unset => Some(0),
        }
    }
}

fn whole_number(text: &str) -> Option<i128> {
    leading_number(text.trim()).filter(|(_, rest)| rest.is_empty()).map(|(n, _)| n)
}

/// The number at the start of a text, and the rest.
pub(super) fn leading_number(text: &str) -> Option<(i128, &str)> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text.strip_prefix('+').unwrap_or(text)), |rest| (-1, rest));
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let (whole, mut rest) = digits.split_at(end);
    let mut fraction = "";
    if let Some(tail) = rest.strip_prefix('.') {
        let end = tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len());
        (fraction, rest) = tail.split_at(end);
    }
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().unwrap_or(MAX / ONE).min(MAX / ONE) };
    let fraction: String = fraction.chars().chain("000000".chars()).take(6).collect();
    Some((sign * (whole * ONE + fraction.parse::<i128>().unwrap_or(0)), rest))
}

/// A number as `%.6g` prints it, as far as six decimal places go.
fn print(n: i128) -> String {
    if n % ONE == 0 {
        return (n / ONE).to_string();
    }
    // Six significant digits: the more stand before the point, the fewer after it.
    let before = (n / ONE).unsigned_abs().checked_ilog10().map_or(0, |d| d + 1).min(6);
    let step = 10_i128.pow(before);
    let rounded = (n.abs() + step / 2) / step * step;
    let text = format!("{}.{:06}", rounded / ONE, rounded % ONE);
    let sign = if n < 0 { "-" } else { "" };
    format!("{sign}{}", text.trim_end_matches('0').trim_end_matches('.'))
}
