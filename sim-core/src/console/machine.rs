//! What all programs of a session share: the files of every place, the catalogue of programs, and the limits of a line.
//!
//! In real life these are the machines that the user reaches: a workstation, nodes, containers. [`Machine`] is a handle; each
//! running program has one, with its own place and environment in [`super::process::Process`].

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use imbl::OrdMap;

use super::catalogue::Catalogue;
use super::files::{self, Files, HostFiles};
use super::host::{FileError, Place};
use super::meter::{Meter, UsedUp};
use super::shell::eval::Halt;
use super::streams::Sink;
use crate::lab::tasks::Clock;

/// Most places with files of their own.
const PLACES_MAX: usize = 1_000;

/// The files of all places.
pub type AllFiles = OrdMap<Place, Files>;

/// A nested shell that a program opened.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Where it runs.
    pub place: Place,
    /// Run when it is left.
    pub goodbye: Option<Vec<String>>,
}

/// What programs share. Copies are the same machine room.
#[derive(Clone)]
pub struct Machine(Rc<Shared>);

struct Shared {
    clock: Clock,
    catalogue: Arc<Catalogue>,
    host_files: Option<Arc<dyn HostFiles>>,
    files: RefCell<AllFiles>,
    /// Shells that programs of the line opened, in order.
    opened: RefCell<Vec<Opened>>,
    /// What the line has used up.
    meter: RefCell<Meter>,
}

impl Machine {
    /// Machines with these programs and files in the world of that clock.
    pub fn new(clock: Clock, catalogue: Arc<Catalogue>, host_files: Option<Arc<dyn HostFiles>>, files: AllFiles) -> Machine {
        Machine(Rc::new(Shared {
            clock,
            catalogue,
            host_files,
            files: RefCell::new(files),
            opened: RefCell::default(),
            meter: RefCell::default(),
        }))
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The programs.
    pub fn catalogue(&self) -> &Catalogue {
        &self.0.catalogue
    }

    /// The files as they are now.
    pub fn all_files(&self) -> AllFiles {
        self.0.files.borrow().clone()
    }

    /// A new line begins: its budget is full again.
    pub fn begin_line(&self) {
        *self.0.meter.borrow_mut() = Meter::default();
    }

    /// What the line has used up.
    pub fn meter(&self) -> Meter {
        self.0.meter.borrow().clone()
    }

    /// The limit of the line that was reached, if one was.
    pub fn exhausted(&self) -> Option<String> {
        self.meter().reached().map(|limit| limit.to_string())
    }

    /// Accounts for one command that made `bytes` of output or text.
    pub fn spend(&self, bytes: usize) -> Result<(), Halt> {
        self.meter().command(bytes).map_err(|UsedUp| Halt)?;
        if self.0.clock.stopped().is_some() { Err(Halt) } else { Ok(()) }
    }

    /// A program opens a shell for the lines that follow.
    pub fn open(&self, opened: Opened) {
        self.0.opened.borrow_mut().push(opened);
    }

    /// Takes the shells that were opened.
    pub fn take_opened(&self) -> Vec<Opened> {
        self.0.opened.take()
    }

    /// Environment and home of a fresh login at a place.
    pub fn login(&self, place: &Place) -> Result<(BTreeMap<String, String>, String), String> {
        let (home, mut environment) = match place {
            Place::Outside => (files::HOME, BTreeMap::from([("USER".to_string(), "user".to_string())])),
            Place::Node(_) => ("/root", BTreeMap::from([("USER".to_string(), "root".to_string())])),
            Place::Pod { namespace, pod, container } => {
                let view = self.0.clock.borrow().container(namespace, pod, container)?;
                let mut environment = view.env;
                environment.entry("HOSTNAME".to_string()).or_insert(view.hostname);
                ("/root", environment)
            }
        };
        let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        environment.entry("PATH".to_string()).or_insert_with(|| path.to_string());
        let home = environment.entry("HOME".to_string()).or_insert_with(|| home.to_string()).clone();
        let cwd = if matches!(place, Place::Pod { .. }) { "/".to_string() } else { home };
        Ok((environment, cwd))
    }

    /// The image of a container; none elsewhere.
    pub fn image(&self, place: &Place) -> Option<String> {
        let Place::Pod { namespace, pod, container } = place else { return None };
        self.0.clock.borrow().container(namespace, pod, container).ok().map(|view| view.image)
    }

    /// Whether a place has a program of that name.
    pub fn has(&self, place: &Place, name: &str) -> bool {
        self.0.catalogue.has(place, self.image(place).as_deref(), bare_name(name))
    }

    /// The container's own files, which the kubelet wrote.
    fn container_file(&self, place: &Place, path: &str) -> Option<String> {
        let Place::Pod { namespace, pod, container } = place else { return None };
        self.0.clock.borrow().container(namespace, pod, container).ok()?.files.remove(path)
    }

    /// Does something with the files of a place, which are made if they are not there yet.
    fn with_files<T>(&self, place: &Place, act: impl FnOnce(&mut Files) -> T) -> T {
        let mut all = self.0.files.borrow_mut();
        // Places that ended long ago give way; their files are gone with their container in a real cluster too.
        if !all.contains_key(place) && all.len() >= PLACES_MAX {
            let outside = all.remove(&Place::Outside);
            *all = outside.into_iter().map(|files| (Place::Outside, files)).collect();
        }
        let hostname = match place {
            Place::Outside => "workstation",
            Place::Node(node) => node,
            Place::Pod { pod, .. } => pod,
        };
        act(all.entry(place.clone()).or_insert_with(|| Files::new(hostname)))
    }

    fn host_files(&self, place: &Place) -> Option<&dyn HostFiles> {
        self.0.host_files.as_deref().filter(|_| *place == Place::Outside)
    }

    /// Reads a file.
    pub fn read(&self, place: &Place, cwd: &str, path: &str) -> Result<String, FileError> {
        if path == "/dev/null" {
            return Ok(String::new());
        }
        let full = files::absolute(cwd, path);
        let pristine = full == "/etc/hostname";
        if let Some(text) = self.container_file(place, &full).filter(|_| pristine) {
            return Ok(text);
        }
        let own = self.with_files(place, |files| files.read(&full));
        if own.is_ok() || path.is_empty() {
            return own;
        }
        if let Some(text) = self.container_file(place, &full) {
            return Ok(text);
        }
        self.host_files(place).and_then(|host| host.read(&files::on_host(cwd, path))).unwrap_or(own)
    }

    /// The names in a folder, sorted, folders with a trailing `/`.
    pub fn list(&self, place: &Place, cwd: &str, path: &str) -> Result<Vec<String>, FileError> {
        let own = self.with_files(place, |files| files.list(&files::absolute(cwd, path)));
        let on_host = self.host_files(place).and_then(|host| host.list(&files::on_host(cwd, path)));
        let Some(mut names) = on_host else { return own };
        names.extend(own.unwrap_or_default());
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// Writes a file, or adds to its end.
    pub fn write(&self, place: &Place, cwd: &str, path: &str, text: &str, append: bool) -> Result<(), FileError> {
        if path.is_empty() {
            return Err(files::not_found());
        }
        let full = files::absolute(cwd, path);
        let folder = files::parent(&full).to_string();
        // A folder that only the host has is made in the sandbox as well, so that a file can lie beside the host's.
        let is_hosts = !self.with_files(place, |files| files.is_folder(&folder)) && self.folder(place, "/", &folder).is_some();
        self.with_files(place, |files| {
            if is_hosts {
                files.make_folder(&folder, true)?;
            }
            files.write(&full, text, append)
        })
    }

    /// Removes a file or, with `recursive`, a folder.
    pub fn remove(&self, place: &Place, cwd: &str, path: &str, recursive: bool) -> Result<(), FileError> {
        self.with_files(place, |files| files.remove(&files::absolute(cwd, path), recursive))
    }

    /// Makes a folder.
    pub fn make_folder(&self, place: &Place, cwd: &str, path: &str, parents: bool) -> Result<(), FileError> {
        self.with_files(place, |files| files.make_folder(&files::absolute(cwd, path), parents))
    }

    /// The absolute path of a folder, if it is one.
    pub fn folder(&self, place: &Place, cwd: &str, path: &str) -> Option<String> {
        let full = files::absolute(cwd, path);
        if self.with_files(place, |files| files.is_folder(&full)) {
            return Some(full);
        }
        self.host_files(place)?.list(&files::on_host(cwd, path)).map(|_| full)
    }

    /// Prints a text.
    pub fn print(&self, sink: &Sink, text: &str) -> Result<(), FileError> {
        if text.is_empty() {
            return Ok(());
        }
        match sink {
            Sink::Buffer(buffer) => buffer.borrow_mut().push_str(text),
            Sink::Terminal(terminal, is_error) => terminal.borrow_mut().print(self.0.clock.now(), *is_error, text),
            Sink::File { place, path } => return self.write(place, "/", path, text, true),
            Sink::Null => {}
        }
        Ok(())
    }
}

/// The name of a program given with the path of one of the usual folders.
pub fn bare_name(name: &str) -> &str {
    match name.rsplit_once('/') {
        // Where the image of that name has it.
        Some(("", "agnhost")) => "agnhost",
        Some(("/bin" | "/usr/bin" | "/usr/local/bin" | "/sbin" | "/usr/sbin", base)) => base,
        _ => name,
    }
}
