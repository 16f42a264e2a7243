//! Damaged bytes: a text of which pieces are changed, lost, doubled, moved, or taken from another.

use sim_core::engine::random::Stream;

use super::corpus::Corpus;
use super::surface::Surface;

/// Bytes that readers treat as something special.
const PIECES: &[&[u8]] = &[
    b"\0",
    b"\xff",
    b"\xfe\xff",
    b"\xef\xbb\xbf",
    b"\t",
    b"\r",
    b"\r\n",
    b"\x1b[2J",
    b"\xc3",
    "é".as_bytes(),
    "\u{202e}".as_bytes(),
    "\u{2028}".as_bytes(),
    "\u{85}".as_bytes(),
    b"---",
    b"\n---\n",
    b"\n...\n",
    b"%YAML 1.1\n",
    b"&a ",
    b"*a",
    b"<<: ",
    b"!!str ",
    b"!!binary ",
    b"!",
    b"? ",
    b": ",
    b"- ",
    b"|",
    b">-",
    b"|2",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"'",
    b"`",
    b"#",
    b",",
    b"@",
    b"~",
    b"null",
    b"yes",
    b"no",
    b"0777",
    b"0x1f",
    b"1e400",
    b".inf",
    b".nan",
    b"-0",
    b"-1",
    b"18446744073709551616",
    b"9223372036854775807",
    b"99999999999999999999999",
    b"2147483648",
    b"1:30:00",
    b"2026-01-01",
    b"$(",
    b"${",
    b"$((",
    b")",
    b"))",
    b"<<E\n",
    b"\nE\n",
    b"\\",
    b"\\\n",
    b";",
    b" | ",
    b" && ",
    b" & ",
    b"> f",
    b"< f",
    b"*",
    b"$x",
    b"\n",
    b" ",
    b"  ",
];

/// A few changes to a text.
pub fn damaged(draw: &mut Stream, mut text: Vec<u8>, corpus: &Corpus) -> Vec<u8> {
    for _ in 0..=draw.below(6) {
        let (from, to) = range(draw, text.len());
        match draw.below(12) {
            0 => flip(draw, &mut text),
            1 => drop(text.splice(from..to, [])),
            2 => drop(text.splice(from..from, piece(draw).to_vec())),
            3 => drop(text.splice(from..to, piece(draw).to_vec())),
            4 => text.truncate(from),
            5 => {
                let again = text[from..to].to_vec();
                insert(&mut text, from, &again);
            }
            6 => insert(&mut text, from, &foreign(draw, corpus)),
            7 => insert(&mut text, from, &repeated(draw)),
            8 => lines(draw, &mut text),
            9 => indent(draw, &mut text),
            10 => number(draw, &mut text),
            _ => insert(&mut text, from, corpus_word(draw, corpus).as_bytes()),
        }
        text.truncate(super::BYTES_MAX);
    }
    text
}

fn piece(draw: &mut Stream) -> &'static [u8] {
    draw.pick(PIECES).copied().unwrap_or_default()
}

fn corpus_word<'c>(draw: &mut Stream, corpus: &'c Corpus) -> &'c str {
    let words = if draw.below(2) == 0 { &corpus.keys } else { &corpus.words };
    draw.pick(words).map_or("", String::as_str)
}

/// A range of bytes; short ones are likelier.
fn range(draw: &mut Stream, length: usize) -> (usize, usize) {
    let from = draw.below(length as u64 + 1);
    let most = length as u64 - from;
    let wanted = 1 << draw.below(12);
    ((from) as usize, (from + draw.below(most.min(wanted) + 1)) as usize)
}

fn insert(text: &mut Vec<u8>, at: usize, what: &[u8]) {
    text.splice(at..at, what.iter().copied());
}

fn flip(draw: &mut Stream, text: &mut [u8]) {
    let at = draw.below(text.len() as u64) as usize;
    if let Some(byte) = text.get_mut(at) {
        *byte ^= 1 << draw.below(8);
    }
}

/// A part of another seed, of any reader.
fn foreign(draw: &mut Stream, corpus: &Corpus) -> Vec<u8> {
    let surface = Surface::ALL[draw.below(3) as usize];
    let Some(other) = draw.pick(corpus.texts(surface)) else { return Vec::new() };
    let (from, to) = range(draw, other.len());
    other[from..to].to_vec()
}

/// The same piece again and again: deep nesting, long lines, many documents.
fn repeated(draw: &mut Stream) -> Vec<u8> {
    let times = 1 << draw.below(14);
    let both = [piece(draw), piece(draw)].concat();
    let one = if draw.below(2) == 0 { piece(draw).to_vec() } else { both };
    one.repeat(times)
}

/// Two lines change places, or one comes twice.
fn lines(draw: &mut Stream, text: &mut Vec<u8>) {
    let mut all: Vec<Vec<u8>> = text.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
    let (a, b) = (draw.below(all.len() as u64) as usize, draw.below(all.len() as u64) as usize);
    match draw.below(2) {
        0 => all.swap(a, b),
        _ => all.insert(a, all[b].clone()),
    }
    *text = all.join(&b'\n');
}

/// A line moves to the left or to the right.
fn indent(draw: &mut Stream, text: &mut Vec<u8>) {
    let starts: Vec<usize> = text.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(i, _)| i + 1).collect();
    let Some(at) = draw.pick(&starts).copied() else { return };
    match draw.below(3) {
        0 => insert(text, at, b"  "),
        1 => insert(text, at, b"\t"),
        _ if text.get(at) == Some(&b' ') => drop(text.remove(at)),
        _ => {}
    }
}

/// A number becomes another, often one at the edge of a type.
fn number(draw: &mut Stream, text: &mut Vec<u8>) {
    const EDGES: [&str; 12] = [
        "0",
        "-1",
        "1",
        "65535",
        "65536",
        "2147483647",
        "4294967296",
        "9223372036854775808",
        "18446744073709551615",
        "0.5",
        "1e18",
        "00",
    ];
    let digits: Vec<usize> = text.iter().enumerate().filter(|(_, b)| b.is_ascii_digit()).map(|(i, _)| i).collect();
    let Some(from) = draw.pick(&digits).copied() else { return };
    let to = (from..text.len()).find(|i| !text[*i].is_ascii_digit()).unwrap_or(text.len());
    let edge = draw.pick(&EDGES).copied().unwrap_or_default();
    text.splice(from..to, edge.bytes());
}
