//! Plain scalars to JSON values by the rules of YAML 1.1 as kubectl's reader applies them.

use serde_json::Value;

use super::number;

/// Which words are booleans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Booleans {
    /// `true`, `false`, `yes`, `no`, `on`, `off`, `y`, `n`.
    Yaml11,
    /// `true` and `false`.
    Strict,
}

/// What an unquoted scalar means. `None`: a number that JSON cannot hold (infinity, not-a-number).
pub(super) fn resolve(text: &str, booleans: Booleans) -> Option<Value> {
    if matches!(text, "" | "~" | "null" | "Null" | "NULL") {
        return Some(Value::Null);
    }
    if let Some(b) = boolean(text, booleans) {
        return Some(Value::Bool(b));
    }
    if not_finite(text) {
        return None;
    }
    Some(numeric(text).unwrap_or_else(|| Value::String(text.to_string())))
}

/// True when the text, left unquoted, would be read as something else than itself.
pub(super) fn needs_quotes(text: &str) -> bool {
    !matches!(resolve(text, Booleans::Yaml11), Some(Value::String(_))) || is_sexagesimal(text) || is_date(text)
}

fn boolean(text: &str, booleans: Booleans) -> Option<bool> {
    match (text, booleans) {
        ("true" | "True" | "TRUE", _) => Some(true),
        ("false" | "False" | "FALSE", _) => Some(false),
        ("y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON", Booleans::Yaml11) => Some(true),
        ("n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF", Booleans::Yaml11) => Some(false),
        _ => None,
    }
}

fn not_finite(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN")
}

fn numeric(text: &str) -> Option<Value> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
        return None;
    }
    if text.starts_with('.') {
        return number::float(text);
    }
    let plain = text.replace('_', "");
    integer(&plain).or_else(|| number::float(&plain))
}

/// An integer in any base that Go's `strconv.ParseInt(text, 0, 64)` knows, the old octal with a bare zero among them.
fn integer(text: &str) -> Option<Value> {
    let negative = text.starts_with('-');
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (digits, radix) = match body.get(..2).map(str::to_ascii_lowercase).as_deref() {
        Some("0x") => (&body[2..], 16),
        Some("0o") => (&body[2..], 8),
        Some("0b") => (&body[2..], 2),
        _ if body.len() > 1 && body.starts_with('0') => (&body[1..], 8),
        _ => (body, 10),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let magnitude = i128::from(u64::from_str_radix(digits, radix).ok()?);
    let value = if negative { -magnitude } else { magnitude };
    i64::try_from(value).map(Value::from).or_else(|_| u64::try_from(value).map(Value::from)).ok()
}

/// `12:30:45`: an integer of base 60 in YAML 1.1. kubectl reads it as text, but quotes it when it writes.
fn is_sexagesimal(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut parts = unsigned.split(':');
    let first = parts.next().unwrap_or_default();
    let starts_right = first.starts_with(|c: char| c.is_ascii_digit()) && first.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let mut rest = 0;
    let all_right = parts.all(|part| {
        rest += 1;
        let whole = part.split('.').next().unwrap_or_default();
        matches!(whole.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9'])
            && part[whole.len()..].bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'_'))
    });
    starts_right && all_right && rest > 0
}

/// `2026-01-01`, or the same with a time of day: text for kubectl, quoted when it writes.
fn is_date(text: &str) -> bool {
    let b = text.as_bytes();
    let dash = |at: usize| b.get(at) == Some(&b'-');
    b.len() >= 8 && b[..4].iter().all(u8::is_ascii_digit) && dash(4) && (dash(6) || dash(7)) && date_rest(&text[5..])
}

fn date_rest(rest: &str) -> bool {
    let (month, tail) = rest.split_once('-').unwrap_or_default();
    let day_end = tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len());
    let (day, clock) = tail.split_at(day_end);
    let short = |s: &str| (1..=2).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
    if !short(month) || !short(day) || month.parse::<u8>().is_ok_and(|m| !(1..=12).contains(&m)) {
        return false;
    }
    clock.is_empty()
        || clock.starts_with(['T', 't', ' '])
            && clock.len() > 1
            && clock[1..].bytes().all(|b| b.is_ascii_digit() || matches!(b, b':' | b'.' | b'Z' | b'+' | b'-'))
            && clock[1..].contains(':')
}
