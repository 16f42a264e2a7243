//! `--save FILE`: a file that is either the old one or the new one, whatever happens in between.
//!
//! The text is written beside the file and renamed. What the user would not expect to lose (the input itself, a link) is replaced only
//! with `--force`; devices and pipes never are. `-` is standard output.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::host::{said, stays_in, what_it_is};
use super::out::Out;
use super::{UNUSABLE, complain};

/// What the command line says of saving.
#[derive(Clone, Copy, Debug, Default)]
pub struct Saving<'a> {
    /// The file; none = nothing is saved.
    pub file: Option<&'a str>,
    /// Replace also the input, or a link.
    pub force: bool,
}

impl Saving<'_> {
    /// Whether standard output is taken.
    pub fn is_standard_output(&self) -> bool {
        self.file == Some("-")
    }
}

/// Writes the text; `input` is where it came from. Complaints have been printed when it fails.
pub fn save(saving: Saving<'_>, input: Option<&str>, text: impl FnOnce() -> String) -> Result<(), u8> {
    let Some(file) = saving.file else { return Ok(()) };
    if file == "-" {
        let mut out = Out::default();
        out.write(&text());
        return match out.status(0) {
            0 => Ok(()),
            status => Err(status),
        };
    }
    let path = Path::new(file);
    let kept = may_replace(path, saving.force, input).and_then(|()| replace(path, &text()).map_err(|e| said(&e)));
    kept.map_err(|why| {
        complain(&format!("kubewalk: --save {file}: {why}"));
        UNUSABLE
    })
}

/// Whether what is there may go.
fn may_replace(path: &Path, force: bool, input: Option<&str>) -> Result<(), String> {
    let Ok(there) = fs::symlink_metadata(path) else { return Ok(()) };
    if there.file_type().is_symlink() {
        return match force {
            true => Ok(()),
            false => Err("this is a link; name the file that it leads to, or replace the link with --force".to_string()),
        };
    }
    if let Some(other) = what_it_is(there.file_type()) {
        return Err(format!("this is {other}, not a file that can be replaced"));
    }
    let is_input = input.is_some_and(|input| {
        let input = Path::new(input);
        // A folder is read whole, so each file in it is a part of the input.
        input.exists() && stays_in(input, path)
    });
    if is_input && !force {
        return Err("this is the input itself; name another file, or replace it with --force".to_string());
    }
    Ok(())
}

/// Writes beside and renames. The new file has the permissions of the old one.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?.to_string_lossy();
    let beside: PathBuf = path.with_file_name(format!(".{name}.{}.new", std::process::id()));
    let written = write_new(&beside, path, text).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

fn write_new(beside: &Path, path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(beside)?;
    if let Ok(old) = fs::metadata(path) {
        file.set_permissions(old.permissions())?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
