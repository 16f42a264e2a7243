//! Files of the sandbox: what a user writes with `>`, and where paths lead.
//!
//! Each place (outside, a node, a container) has its own small file tree, kept in memory. The machine that runs the
//! simulator is reached only through [`HostFiles`], read-only, and only from outside the cluster. Left out: permissions,
//! owners, links, times.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use super::host::FileError;

/// Most files in a place.
const FILES_MAX: usize = 2_000;
/// Most text in all files of a place, in bytes.
const BYTES_MAX: usize = 32 << 20;
/// Longest path, in bytes.
const PATH_BYTES_MAX: usize = 4_096;

/// Home of the user outside the cluster; paths relative to it are those of the host's working directory.
pub const HOME: &str = "/home/user";

/// The host's files, supplied by the program around the core. Paths are as typed: relative to the working directory
/// (or the scenario's folder), or absolute. The program limits their size.
pub trait HostFiles: Send + Sync {
    /// The text of a file; `None` if there is none.
    fn read(&self, path: &str) -> Option<Result<String, FileError>>;
    /// The names in a folder, folders with a trailing `/`; `None` if there is none.
    fn list(&self, path: &str) -> Option<Vec<String>>;
}

/// The file tree of one place. A copy is cheap.
#[derive(Clone, Debug, Default)]
pub struct Files {
    files: OrdMap<String, Arc<String>>,
    folders: OrdSet<String>,
    bytes: usize,
}

/// No such file or directory, in the words of the C library.
pub fn not_found() -> FileError {
    FileError("No such file or directory".to_string())
}

impl Files {
    /// An empty tree with the usual folders and a host name.
    pub fn new(hostname: &str) -> Files {
        let folders = ["/", "/etc", "/home", HOME, "/root", "/tmp"].map(str::to_string);
        let mut files = Files { folders: folders.into_iter().collect(), ..Files::default() };
        files.files.insert("/etc/hostname".to_string(), Arc::new(format!("{hostname}\n")));
        files
    }

    /// The text of the file at an absolute path.
    pub fn read(&self, path: &str) -> Result<String, FileError> {
        match self.files.get(path) {
            Some(text) => Ok(text.to_string()),
            None if self.is_folder(path) => Err(FileError("Is a directory".to_string())),
            None => Err(not_found()),
        }
    }

    /// Writes a file, or adds to its end.
    pub fn write(&mut self, path: &str, text: &str, append: bool) -> Result<(), FileError> {
        if self.is_folder(path) {
            return Err(FileError("Is a directory".to_string()));
        }
        if !self.is_folder(parent(path)) {
            return Err(not_found());
        }
        let before = self.files.get(path).map_or(0, |t| t.len());
        let after = if append { before + text.len() } else { text.len() };
        let bytes = self.bytes - before + after;
        if bytes > BYTES_MAX || path.len() > PATH_BYTES_MAX || !self.files.contains_key(path) && self.files.len() >= FILES_MAX {
            return Err(FileError("No space left on device".to_string()));
        }
        self.bytes = bytes;
        match self.files.get_mut(path) {
            Some(file) if append => Arc::make_mut(file).push_str(text),
            _ => {
                self.files.insert(path.to_string(), Arc::new(text.to_string()));
            }
        }
        Ok(())
    }

    /// Whether a folder is at this absolute path.
    pub fn is_folder(&self, path: &str) -> bool {
        self.folders.contains(path)
    }

    /// Makes a folder and, with `parents`, those above it.
    pub fn make_folder(&mut self, path: &str, parents: bool) -> Result<(), FileError> {
        if self.files.contains_key(path) || self.is_folder(path) && !parents {
            return Err(FileError("File exists".to_string()));
        }
        if !parents && !self.is_folder(parent(path)) {
            return Err(not_found());
        }
        if path.len() > PATH_BYTES_MAX || self.folders.len() >= FILES_MAX {
            return Err(FileError("No space left on device".to_string()));
        }
        let mut at = path;
        while self.folders.insert(at.to_string()).is_none() && at != "/" {
            at = parent(at);
        }
        Ok(())
    }

    /// Removes a file; with `recursive` also a folder and all in it.
    pub fn remove(&mut self, path: &str, recursive: bool) -> Result<(), FileError> {
        if let Some(text) = self.files.remove(path) {
            self.bytes = self.bytes.saturating_sub(text.len());
            return Ok(());
        }
        if !self.is_folder(path) {
            return Err(not_found());
        }
        if !recursive || path == "/" {
            return Err(FileError("Is a directory".to_string()));
        }
        let inside = |other: &str| other == path || other.starts_with(&format!("{path}/"));
        let gone: Vec<String> = self.files.keys().filter(|p| inside(p)).cloned().collect();
        for file in gone {
            self.bytes = self.bytes.saturating_sub(self.files.remove(&file).map_or(0, |t| t.len()));
        }
        self.folders = self.folders.iter().filter(|p| !inside(p)).cloned().collect();
        Ok(())
    }

    /// The names in a folder, sorted, folders with a trailing `/`.
    pub fn list(&self, path: &str) -> Result<Vec<String>, FileError> {
        if self.files.contains_key(path) {
            return Err(FileError("Not a directory".to_string()));
        }
        if !self.is_folder(path) {
            return Err(not_found());
        }
        let here = |p: &&String| p.as_str() != "/" && parent(p) == path;
        let name = |p: &String| p.rsplit('/').next().unwrap_or_default().to_string();
        let mut names: Vec<String> = self.files.keys().filter(here).map(name).collect();
        names.extend(self.folders.iter().filter(here).map(|p| name(p) + "/"));
        names.sort();
        Ok(names)
    }
}

/// The folder that holds `path`.
pub fn parent(path: &str) -> &str {
    match path.rfind('/') {
        Some(at) if at > 0 => &path[..at],
        _ => "/",
    }
}

/// The absolute path of `path` seen from `cwd`, without `.`, `..` and double slashes.
pub fn absolute(cwd: &str, path: &str) -> String {
    let joined = if path.starts_with('/') { path.to_string() } else { format!("{cwd}/{path}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in joined.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// The path on the host that a path typed outside the cluster means: relative ones are seen from the host's working
/// directory, which is what [`HOME`] stands for.
pub fn on_host(cwd: &str, path: &str) -> String {
    let joined = if path.starts_with('/') { path.to_string() } else { format!("{cwd}/{path}") };
    let Some(below) = joined.strip_prefix(HOME).filter(|rest| rest.is_empty() || rest.starts_with('/')) else {
        return absolute("/", &joined);
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in below.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    if parts.is_empty() { ".".to_string() } else { parts.join("/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_where_they_say() {
        for (cwd, path, here, host) in [
            (HOME, "web.yaml", "/home/user/web.yaml", "web.yaml"),
            (HOME, "./a//b/../web.yaml", "/home/user/a/web.yaml", "a/web.yaml"),
            (HOME, "../../up.yaml", "/up.yaml", "../../up.yaml"),
            (HOME, "/etc/hosts", "/etc/hosts", "/etc/hosts"),
            ("/home/user/a", "../b", "/home/user/b", "b"),
            ("/tmp", "x", "/tmp/x", "/tmp/x"),
            ("/", "../..", "/", "/"),
        ] {
            assert_eq!(absolute(cwd, path), here, "{cwd} {path}");
            assert_eq!(on_host(cwd, path), host, "{cwd} {path}");
        }
    }

    #[test]
    fn a_place_is_bounded() {
        let mut files = Files::new("h");
        let text = "x".repeat(BYTES_MAX / 2);
        assert_eq!(files.write("/tmp/a", &text, false), Ok(()));
        assert_eq!(files.write("/tmp/a", &text, true), Ok(()));
        assert_eq!(files.write("/tmp/a", "x", true), Err(FileError("No space left on device".to_string())));
        assert_eq!(files.remove("/tmp/a", false), Ok(()));
        assert_eq!(files.write("/tmp/a", &text, true), Ok(()));
        assert_eq!(files.write("/nowhere/a", "", false), Err(not_found()));
        assert_eq!(files.list("/tmp"), Ok(vec!["a".to_string()]));
    }
}
