//! `printf FORMAT ARGUMENT...`; awk's `printf` formats with the same code. Left out: floating point.

use super::echo::unescape;
use crate::console::host::{Host, Outcome};

/// Widest field.
const WIDTH_MAX: usize = 10_000;

/// `printf FORMAT ARGUMENT...`: the format is used again until no argument is left.
pub(super) fn printf(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    let words = if argv.get(1).is_some_and(|a| a == "--") { &argv[2..] } else { &argv[1..] };
    let Some((format, arguments)) = words.split_first() else {
        return Outcome::err(2, "sh: 1: printf: usage: printf format [arg ...]");
    };
    let mut formatted = Formatted::default();
    let mut rest = arguments;
    loop {
        let before = rest.len();
        rest = formatted.once(format, rest);
        if rest.is_empty() || rest.len() == before || formatted.stop {
            break;
        }
        if host.meter().text(formatted.text.len()).is_err() || formatted.too_wide {
            break;
        }
    }
    let exit = i32::from(!formatted.errors.is_empty());
    Outcome { stdout: formatted.text, stderr: formatted.errors, exit }
}

/// What formatting has made so far.
#[derive(Debug, Default)]
pub(super) struct Formatted {
    /// The output.
    pub text: String,
    /// Complaints, a line each.
    pub errors: String,
    /// `\c` was met.
    stop: bool,
    /// A field was asked for that is wider than any here.
    too_wide: bool,
}

/// One conversion of a format.
#[derive(Default)]
struct Conversion {
    left: bool,
    zero: bool,
    plus: bool,
    width: usize,
    precision: Option<usize>,
}

impl Formatted {
    /// Goes through the format once; gives back the arguments that are left.
    pub(super) fn once<'a>(&mut self, format: &str, mut arguments: &'a [String]) -> &'a [String] {
        let mut rest = format;
        while let Some(at) = rest.find('%') {
            self.literal(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(tail) = rest.strip_prefix('%') {
                self.text.push('%');
                rest = tail;
                continue;
            }
            let mut next = || match arguments.split_first() {
                Some((first, tail)) => {
                    arguments = tail;
                    Some(first.as_str())
                }
                None => None,
            };
            let (conversion, tail) = conversion(rest, &mut next);
            let Some(kind) = tail.chars().next() else {
                self.errors.push_str("sh: 1: printf: %: invalid directive\n");
                return &[];
            };
            rest = &tail[kind.len_utf8()..];
            if conversion.width > WIDTH_MAX {
                self.too_wide = true;
                self.errors.push_str(&format!("kubewalk: printf: a field is at most {WIDTH_MAX} characters wide\n"));
                return &[];
            }
            self.convert(kind, &conversion, next());
            if self.stop {
                return &[];
            }
        }
        self.literal(rest);
        arguments
    }

    fn literal(&mut self, text: &str) {
        if self.stop {
            return;
        }
        let (text, stop) = unescape_format(text);
        self.text.push_str(&text);
        self.stop |= stop;
    }

    fn convert(&mut self, kind: char, conversion: &Conversion, argument: Option<&str>) {
        let text = argument.unwrap_or_default();
        let cut = |text: &str| text.chars().take(conversion.precision.unwrap_or(usize::MAX)).collect::<String>();
        match kind {
            's' => self.pad(conversion, &cut(text), false),
            'b' => {
                let (text, stop) = unescape(text);
                self.pad(conversion, &cut(&text), false);
                self.stop |= stop;
            }
            'c' => self.pad(conversion, &text.chars().take(1).collect::<String>(), false),
            'd' | 'i' | 'u' | 'x' | 'X' | 'o' => {
                let number = self.number(text);
                let digits = match kind {
                    'x' => format!("{number:x}"),
                    'X' => format!("{number:X}"),
                    'o' => format!("{number:o}"),
                    'u' => (number as u64).to_string(),
                    _ if conversion.plus && number >= 0 => format!("+{number}"),
                    _ => number.to_string(),
                };
                self.pad(conversion, &digits, true);
            }
            'f' | 'e' | 'g' => self.errors.push_str("kubewalk: printf: floating point (%f, %e, %g) is not modelled\n"),
            other => self.errors.push_str(&format!("sh: 1: printf: %{other}: invalid directive\n")),
        }
    }

    fn number(&mut self, text: &str) -> i64 {
        let text = text.trim();
        if let Some(character) = text.strip_prefix(['\'', '"']) {
            return character.chars().next().map_or(0, |c| i64::from(u32::from(c)));
        }
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
        let value = match digits.strip_prefix("0x") {
            Some(hex) => i64::from_str_radix(hex, 16).ok(),
            None => digits.parse().ok(),
        };
        if value.is_none() && !text.is_empty() {
            self.errors.push_str(&format!("sh: 1: printf: {text}: expected numeric value\n"));
        }
        value.unwrap_or(0) * sign
    }

    fn pad(&mut self, conversion: &Conversion, text: &str, numeric: bool) {
        let fill = conversion.width.saturating_sub(text.chars().count());
        if conversion.left {
            self.text.push_str(text);
            self.text.extend(std::iter::repeat_n(' ', fill));
        } else if conversion.zero && numeric {
            let (sign, digits) = text.split_at(usize::from(text.starts_with(['-', '+'])));
            self.text.push_str(sign);
            self.text.extend(std::iter::repeat_n('0', fill));
            self.text.push_str(digits);
        } else {
            self.text.extend(std::iter::repeat_n(' ', fill));
            self.text.push_str(text);
        }
    }
}

/// Flags, width and precision after a `%`; `*` takes them from the arguments.
fn conversion<'f, 'a>(text: &'f str, next: &mut impl FnMut() -> Option<&'a str>) -> (Conversion, &'f str) {
    let mut conversion = Conversion::default();
    let mut rest = text;
    while let Some(flag) = rest.chars().next().filter(|c| "-0+ #".contains(*c)) {
        conversion.left |= flag == '-';
        conversion.zero |= flag == '0';
        conversion.plus |= flag == '+';
        rest = &rest[1..];
    }
    let mut size = |rest: &mut &'f str| {
        if let Some(tail) = rest.strip_prefix('*') {
            *rest = tail;
            return next().map_or(0, number_or_too_wide);
        }
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (digits, tail) = rest.split_at(end);
        *rest = tail;
        number_or_too_wide(digits)
    };
    conversion.width = size(&mut rest);
    if let Some(tail) = rest.strip_prefix('.') {
        rest = tail;
        conversion.precision = Some(size(&mut rest));
    }
    (conversion, rest)
}

/// A width or precision; nothing counts as 0, and what is too large for a number as too wide.
fn number_or_too_wide(text: &str) -> usize {
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if is_number { text.parse().unwrap_or(usize::MAX) } else { 0 }
}

/// Escapes of a format; octal ones are written `\NNN` there.
fn unescape_format(text: &str) -> (String, bool) {
    let mut spelled = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        spelled.push(c);
        if c == '\\' {
            match chars.peek() {
                Some('1'..='7') => spelled.push('0'),
                Some('"') => {
                    spelled.pop();
                }
                _ => {}
            }
            spelled.extend(chars.next());
        }
    }
    unescape(&spelled)
}
