//! What touches the machine the program runs on: its terminal, and its files for the console to read.

use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sim_core::console::files::HostFiles;
use sim_core::console::host::FileError;

use super::{UNUSABLE, complain};

/// Largest file that the console may read.
const BYTES_MAX: u64 = 64 << 20;

/// `kubewalk play`: needs a terminal, and a UI that this version does not have yet.
pub fn play() -> u8 {
    let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    complain(match terminal {
        true => "kubewalk: play: this version has no terminal UI yet; use `kubewalk run INPUT` or `kubewalk sh INPUT`",
        false => "kubewalk: play needs a terminal; without one use `kubewalk run INPUT` or `kubewalk sh INPUT`",
    });
    UNUSABLE
}

/// The files of a folder and below it, read-only.
#[derive(Debug)]
pub struct HostFolder(PathBuf);

impl HostFolder {
    /// The files below `folder`, or below where the user stands.
    pub fn new(folder: Option<&Path>) -> HostFolder {
        let here = || std::env::current_dir().unwrap_or_default();
        HostFolder(folder.filter(|f| !f.as_os_str().is_empty()).map_or_else(here, Path::to_path_buf))
    }

    /// Behind a pointer that sessions share.
    pub fn shared(self) -> Arc<dyn HostFiles> {
        Arc::new(self)
    }

    /// A path as the user types it: relative to the folder, or absolute.
    fn path(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }
}

impl HostFiles for HostFolder {
    fn read(&self, path: &str) -> Option<Result<String, FileError>> {
        let path = self.path(path);
        let meta = fs::metadata(&path).ok()?;
        if meta.is_dir() {
            return Some(Err(FileError("Is a directory".to_string())));
        }
        if meta.len() > BYTES_MAX {
            return Some(Err(FileError("File too large".to_string())));
        }
        let bytes = fs::read(&path).ok()?;
        Some(String::from_utf8(bytes).map_err(|_| FileError("not text in UTF-8".to_string())))
    }

    fn list(&self, path: &str) -> Option<Vec<String>> {
        let entries = fs::read_dir(self.path(path)).ok()?;
        let name = |e: fs::DirEntry| {
            let slash = if e.path().is_dir() { "/" } else { "" };
            format!("{}{slash}", e.file_name().to_string_lossy())
        };
        let mut names: Vec<String> = entries.filter_map(Result::ok).map(name).collect();
        names.sort();
        Some(names)
    }
}
