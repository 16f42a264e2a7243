//! Text that somebody else wrote, shown on a terminal as text and never as commands to the terminal.
//!
//! Names, annotations, replies and logs may hold escape sequences that move the cursor, set the title or write to the clipboard,
//! and characters that turn the direction of writing. On a terminal these are shown as their codes; on a pipe nothing is changed,
//! since what reads there may need the bytes.

use std::borrow::Cow;

/// The text with what commands a terminal written as `\x1b` or `\u{202e}`; ends of lines and tabs stay.
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            c if !is_hostile(c) => shown.push(c),
            c if u32::from(c) < 0x100 => shown.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => shown.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
        }
    }
    Cow::Owned(shown)
}

/// The text for a stream: escaped if that is a terminal.
pub fn for_stream(text: &str, is_terminal: bool) -> Cow<'_, str> {
    if is_terminal { escaped(text) } else { Cow::Borrowed(text) }
}

/// C0 and C1 controls, and the marks that set or override the direction of writing.
fn is_hostile(c: char) -> bool {
    let direction = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    direction || c.is_control() && !matches!(c, '\n' | '\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_commands_a_terminal_is_shown_as_its_code() {
        let hostile = "\u{1b}]0;PWNED\u{7}\u{9b}31m\u{202e}gpj.exe\u{2069}\r\u{7f}";
        assert_eq!(escaped(hostile), r"\x1b]0;PWNED\x07\x9b31m\u{202e}gpj.exe\u{2069}\x0d\x7f");
        assert_eq!(for_stream(hostile, false), hostile, "a pipe gets the bytes");
        for plain in ["a\tb\n", "Grüße 日本 🦀", "שלום"] {
            assert!(matches!(for_stream(plain, true), Cow::Borrowed(text) if text == plain));
        }
    }
}
