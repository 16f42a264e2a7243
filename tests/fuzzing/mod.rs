//! Made-up inputs for everything that reads text: scenarios, manifests, console lines.
//!
//! A case is a number: from the seed and the number come the same bytes on every machine, so that a failure is reported as two
//! numbers and `cargo run --release -p sim-tests --example fuzz -- --seed S --only N` plays it again. Bytes are made in three
//! ways: real texts of this repository with damaged bytes (`damage`), real trees and lines rearranged by their grammar
//! (`grammar`), and plain noise. [`surface`] gives them to the program.
//! Left out: coverage feedback. The seeds are wide instead, and grow with the repository's own tests.

pub mod corpus;
mod damage;
mod grammar;
pub mod surface;

use sim_core::engine::random::{Draws, Seed, Stream};

use self::corpus::Corpus;
use self::surface::Surface;

/// Longest input, in bytes.
pub const BYTES_MAX: usize = 256 * 1024;

/// One input.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its number.
    pub number: u64,
    /// Who is to read it.
    pub surface: Surface,
    /// What is read.
    pub bytes: Vec<u8>,
}

/// The input of this number.
pub fn case(corpus: &Corpus, seed: u64, number: u64) -> Case {
    let mut draw = Draws::new(Seed(seed)).stream("fuzz", number);
    let surface = Surface::ALL[(number % 3) as usize];
    let mut bytes = match draw.below(10) {
        0 => noise(&mut draw),
        1..4 => grammar::text(&mut draw, corpus, surface),
        4..6 => {
            let text = grammar::text(&mut draw, corpus, surface);
            damage::damaged(&mut draw, text, corpus)
        }
        _ => {
            let text = draw.pick(corpus.texts(surface)).cloned().unwrap_or_default();
            damage::damaged(&mut draw, text, corpus)
        }
    };
    bytes.truncate(BYTES_MAX);
    Case { number, surface, bytes }
}

/// Bytes without meaning: any, or those of a keyboard.
fn noise(draw: &mut Stream) -> Vec<u8> {
    let printable = draw.below(2) == 0;
    let length = draw.below(400);
    (0..length).map(|_| if printable { b' ' + draw.below(95) as u8 } else { draw.below(256) as u8 }).collect()
}
