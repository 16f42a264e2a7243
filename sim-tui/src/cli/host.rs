//! Files of the machine that the program runs on: what may be read of it, and how much.
//!
//! A file is opened once and judged by what was opened, so that nothing can be put in its place between a look and a read. Only
//! regular files are read, up to a size; a named pipe or a device would be read without end.

use std::fs::{self, FileType, OpenOptions};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use sim_core::console::files::HostFiles;
use sim_core::console::host::FileError;

/// Largest file that the console may read.
const BYTES_MAX: u64 = 64 << 20;

/// The bytes of a regular file of at most `most` bytes, or why there are none.
pub fn read_regular(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let mut options = OpenOptions::new();
    options.read(true);
    // Opening a named pipe waits for a writer, unless told not to.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    let file = options.open(path).map_err(|e| said(&e))?;
    let kind = file.metadata().map_err(|e| said(&e))?.file_type();
    match what_it_is(kind) {
        None => read_up_to(file, most),
        Some(other) => Err(format!("this is {other}, and only regular files are read")),
    }
}

/// Everything that comes, if that is not too much.
pub fn read_up_to(from: impl Read, most: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    from.take(most + 1).read_to_end(&mut bytes).map_err(|e| said(&e))?;
    if bytes.len() as u64 > most {
        return Err(format!("more than the {} MB that may be read; split it, or generate it smaller", most / 1_000_000));
    }
    Ok(bytes)
}

/// What something is that is not a regular file.
pub fn what_it_is(kind: FileType) -> Option<&'static str> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return Some("a named pipe");
        }
        if kind.is_char_device() || kind.is_block_device() {
            return Some("a device");
        }
        if kind.is_socket() {
            return Some("a socket");
        }
    }
    match kind {
        kind if kind.is_file() => None,
        kind if kind.is_dir() => Some("a folder"),
        _ => Some("no regular file"),
    }
}

/// An operating system's complaint without its number.
pub fn said(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or folder".to_string(),
        io::ErrorKind::PermissionDenied => "permission denied".to_string(),
        _ => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or_default().to_string()
        }
    }
}

/// Whether a path leads below a folder when all links are followed.
pub fn stays_in(folder: &Path, path: &Path) -> bool {
    match (fs::canonicalize(folder), fs::canonicalize(path)) {
        (Ok(folder), Ok(path)) => path.starts_with(folder),
        _ => false,
    }
}

/// Files for the console, read-only; relative paths are seen from a folder.
#[derive(Debug)]
pub struct HostFolder {
    from: PathBuf,
    /// The folders below which files may be read; none: wherever its user points.
    only: Option<Vec<PathBuf>>,
}

impl HostFolder {
    /// For lines that a user types: whatever the user can name, relative to where the user stands.
    pub fn of_user() -> HostFolder {
        HostFolder { from: std::env::current_dir().unwrap_or_default(), only: None }
    }

    /// For the lines of a scenario: what is below its folder, or below one of `more`.
    pub fn of_scenario(folder: Option<&Path>, more: &[PathBuf]) -> HostFolder {
        let here = || std::env::current_dir().unwrap_or_default();
        let from = folder.filter(|f| !f.as_os_str().is_empty()).map_or_else(here, Path::to_path_buf);
        let only = [&from].into_iter().chain(more).map(|folder| plain(folder)).collect();
        HostFolder { from, only: Some(only) }
    }

    /// Behind a pointer that sessions share.
    pub fn shared(self) -> Arc<dyn HostFiles> {
        Arc::new(self)
    }

    /// The path that is meant; an error if it may not be read, nothing if it is nobody's on this machine. What lies outside is not
    /// even looked for: a scenario is to print the same on every machine.
    fn path(&self, path: &str) -> Option<Result<PathBuf, FileError>> {
        let full = self.from.join(path);
        let Some(only) = &self.only else { return Some(Ok(full)) };
        let outside = "outside of the scenario's folder; `--host-files DIR` lets it read more".to_string();
        let named = plain(&full);
        if !only.iter().any(|folder| named.starts_with(folder)) {
            return (!Path::new(path).is_absolute()).then_some(Err(FileError(outside)));
        }
        if fs::symlink_metadata(&full).is_ok() && !only.iter().any(|folder| stays_in(folder, &full)) {
            return Some(Err(FileError(format!("a link that leads {outside}"))));
        }
        Some(Ok(full))
    }
}

/// A path from the root, without `.` and `..`; links are not followed.
fn plain(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

impl HostFiles for HostFolder {
    fn read(&self, path: &str) -> Option<Result<String, FileError>> {
        let path = match self.path(path)? {
            Ok(path) => path,
            Err(refused) => return Some(Err(refused)),
        };
        let kind = fs::metadata(&path).ok()?.file_type();
        if kind.is_dir() {
            return Some(Err(FileError("Is a directory".to_string())));
        }
        let text = read_regular(&path, BYTES_MAX)
            .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "not text in UTF-8".to_string()));
        Some(text.map_err(FileError))
    }

    fn list(&self, path: &str) -> Option<Vec<String>> {
        let entries = fs::read_dir(self.path(path)?.ok()?).ok()?;
        // A link to a folder is no folder here: whoever walks through all folders would walk in circles.
        let name = |e: fs::DirEntry| {
            let slash = if e.file_type().is_ok_and(|kind| kind.is_dir()) { "/" } else { "" };
            format!("{}{slash}", e.file_name().to_string_lossy())
        };
        let mut names: Vec<String> = entries.filter_map(Result::ok).map(name).collect();
        names.sort();
        Some(names)
    }
}
