//! Numbers as decimal text, in the forms that Go reads and prints. No floating point is computed here: digits are moved.

use serde_json::{Number, Value};

/// A decimal number: `digits` times ten to the `exponent`, digits without zeros at either end (zero has none).
struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

/// Reads `-1.50e3` (any part may be missing except that one digit must be there), as Go's YAML reader accepts floats.
fn decimal(text: &str) -> Option<Decimal> {
    let negative = text.starts_with('-');
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, power) = body.split_once(['e', 'E']).map_or((body, Some(0)), |(m, p)| (m, exponent(p)));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let all = format!("{whole}{fraction}");
    let digits = all.trim_start_matches('0').trim_end_matches('0');
    let trailing = all.len() - all.trim_end_matches('0').len();
    let exponent = power? - fraction.len() as i64 + trailing as i64;
    Some(Decimal { negative, digits: digits.to_string(), exponent: if digits.is_empty() { 0 } else { exponent } })
}

fn exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || digits.len() > 6 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.strip_prefix('+').unwrap_or(text).parse().ok()
}

/// Digits before the decimal point from which on Go prints an exponent (`encoding/json`, and `%g` for shortest floats).
const EXPONENT_FROM: i64 = 21;

/// A float written in YAML or JSON as a JSON number; whole ones become integers, as they do when Go prints them as JSON.
pub(super) fn float(text: &str) -> Option<Value> {
    let d = decimal(text)?;
    let sign = if d.negative { "-" } else { "" };
    if d.digits.is_empty() {
        return Some(Value::from(0));
    }
    if d.exponent >= 0 && d.digits.len() as i64 + d.exponent <= 19 {
        let whole = format!("{sign}{}{}", d.digits, "0".repeat(d.exponent as usize));
        if let Ok(n) = whole.parse::<i64>() {
            return Some(Value::from(n));
        }
    }
    serde_json::from_str::<Number>(&format!("{sign}{}e{}", d.digits, d.exponent)).ok().map(Value::Number)
}

/// A JSON number as kubectl's YAML writer prints it: `1e+21`, `1e-05`, `1.5`, `3`.
pub(super) fn print(number: &Number) -> String {
    let text = number.to_string();
    let Some(d) = decimal(&text) else { return text };
    if number.is_i64() || number.is_u64() {
        return text;
    }
    if d.digits.is_empty() {
        return "0".to_string();
    }
    let sign = if d.negative { "-" } else { "" };
    let point = d.digits.len() as i64 + d.exponent;
    if point - 1 < -4 || point > EXPONENT_FROM {
        let (first, rest) = d.digits.split_at(1);
        let fraction = if rest.is_empty() { String::new() } else { format!(".{rest}") };
        let power = point - 1;
        let power_sign = if power < 0 { '-' } else { '+' };
        return format!("{sign}{first}{fraction}e{power_sign}{:02}", power.abs());
    }
    if point <= 0 {
        return format!("{sign}0.{}{}", "0".repeat(-point as usize), d.digits);
    }
    let point = point as usize;
    if point >= d.digits.len() {
        return format!("{sign}{}{}", d.digits, "0".repeat(point - d.digits.len()));
    }
    format!("{sign}{}.{}", &d.digits[..point], &d.digits[point..])
}
