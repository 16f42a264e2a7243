//! Where programs print: the terminal of the session, a buffer of the program that called, a file, or nowhere.
//!
//! In real life these are file descriptors. A terminal keeps what was printed with the moment at which it was, so that a command
//! can be watched while it runs and looked at again later. Left out: descriptors above 2, what a terminal does with control codes.

use std::cell::RefCell;
use std::rc::Rc;

use super::host::Place;
use crate::engine::time::Instant;

/// Something that was printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// When.
    pub at: Instant,
    /// On standard error.
    pub is_error: bool,
    /// The text.
    pub text: String,
}

/// What the commands of a session have printed and nobody has taken yet. The budget of a command bounds it.
#[derive(Clone, Debug, Default)]
pub struct Terminal {
    chunks: Vec<Chunk>,
}

impl Terminal {
    /// Prints a text. What is printed at one moment on one stream is one chunk.
    pub fn print(&mut self, at: Instant, is_error: bool, text: &str) {
        match self.chunks.last_mut() {
            Some(last) if (last.at, last.is_error) == (at, is_error) => last.text.push_str(text),
            _ => self.chunks.push(Chunk { at, is_error, text: text.to_string() }),
        }
    }

    /// What was printed so far, oldest first.
    pub fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// Takes what was printed so far.
    pub fn take(&mut self) -> Vec<Chunk> {
        std::mem::take(&mut self.chunks)
    }
}

/// One stream of some chunks, as one text.
pub fn joined(chunks: &[Chunk], is_error: bool) -> String {
    chunks.iter().filter(|chunk| chunk.is_error == is_error).map(|chunk| chunk.text.as_str()).collect()
}

/// Where a stream of a program goes.
#[derive(Clone, Debug)]
pub enum Sink {
    /// To the program that called and collects it.
    Buffer(Rc<RefCell<String>>),
    /// To the session's terminal; as standard error if the flag is set.
    Terminal(Rc<RefCell<Terminal>>, bool),
    /// To the end of a file.
    File {
        /// The machine.
        place: Place,
        /// Absolute path.
        path: Rc<str>,
    },
    /// Nowhere.
    Null,
}

impl Sink {
    /// An empty buffer, and the sink that fills it.
    pub fn buffer() -> (Rc<RefCell<String>>, Sink) {
        let buffer = Rc::new(RefCell::new(String::new()));
        (buffer.clone(), Sink::Buffer(buffer))
    }
}
