//! Bytes to text: UTF-8 only, of bounded length, without control characters.

use super::{Fault, ReadError, TEXT_BYTES_MAX};

/// The text of a file, without a byte-order mark; UTF-16, Latin-1 and binary content are told apart in the error.
pub fn decode(bytes: &[u8]) -> Result<&str, ReadError> {
    if bytes.len() > TEXT_BYTES_MAX {
        return Err(too_long(bytes.len()));
    }
    if looks_like_utf16(bytes) {
        return Err(ReadError::new(
            Fault::Encoding,
            0..0,
            "this file is UTF-16 text, not UTF-8",
            "save it as UTF-8 (`iconv -f UTF-16 -t UTF-8 FILE`); Notepad and PowerShell's `>` write UTF-16",
        ));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let at = e.valid_up_to();
        ReadError::new(
            Fault::Encoding,
            at..at,
            format!("this file is not UTF-8 text: byte 0x{:02x} here", bytes[at]),
            "save it as UTF-8; if it is Latin-1 text: `iconv -f LATIN1 -t UTF-8 FILE`",
        )
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Refuses text that no YAML reader takes, before any time is spent on it.
pub(super) fn check(text: &str) -> Result<(), ReadError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(too_long(text.len()));
    }
    let bad = text.bytes().position(|b| b < 0x20 && !matches!(b, b'\n' | b'\r' | b'\t') || b == 0x7f);
    match bad {
        None => Ok(()),
        Some(at) => Err(ReadError::new(
            Fault::Encoding,
            at..at + 1,
            format!("control character 0x{:02x}: this is not a text file, or it is damaged", text.as_bytes()[at]),
            "remove the character; inside a double-quoted string write it as an escape, for example \"\\0\" or \"\\e\"",
        )),
    }
}

fn too_long(length: usize) -> ReadError {
    ReadError::new(
        Fault::Budget,
        0..0,
        format!("the text has {length} bytes; at most {TEXT_BYTES_MAX} are read"),
        "split it into several files and give their folder as input",
    )
}

fn looks_like_utf16(bytes: &[u8]) -> bool {
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        [0, b, ..] | [b, 0, ..] => b.is_ascii_graphic() || b.is_ascii_whitespace(),
        _ => false,
    }
}
