//! Standard output, and what became of it.
//!
//! A reader that has gone away (`kubewalk run x | head -1`) is no error: the program goes on in silence and ends with the status that
//! it would have had. Any other failure, a full disk for example, is told once and makes a run that went well end with 2.

use std::io::{self, ErrorKind, IsTerminal, Write};

use super::{UNUSABLE, complain};
use crate::draw::escape::for_stream;

/// Where results are written.
#[derive(Debug, Default)]
pub struct Out {
    to_standard_error: bool,
    closed: bool,
    failed: bool,
}

impl Out {
    /// Writes to standard error instead: standard output is taken by something else.
    pub fn beside() -> Out {
        Out { to_standard_error: true, ..Out::default() }
    }

    /// Writes a text, unless an earlier one failed. False if nobody will read it.
    pub fn write(&mut self, text: &str) -> bool {
        if self.closed || self.failed {
            return false;
        }
        let written = if self.to_standard_error { whole(io::stderr().lock(), text) } else { whole(io::stdout().lock(), text) };
        match written {
            Ok(()) => true,
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                false
            }
            Err(error) => {
                self.failed = true;
                complain(&format!("kubewalk: standard output: {}", super::host::said(&error)));
                false
            }
        }
    }

    /// The exit status of a run that would have ended with this one.
    pub fn status(&self, status: u8) -> u8 {
        if status == 0 && self.failed { UNUSABLE } else { status }
    }
}

/// Writes all of a text; what others wrote in it gives a terminal no commands.
fn whole(mut to: impl Write + IsTerminal, text: &str) -> io::Result<()> {
    let shown = for_stream(text, to.is_terminal());
    to.write_all(shown.as_bytes()).and_then(|()| to.flush())
}
