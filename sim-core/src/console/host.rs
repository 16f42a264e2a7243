//! What a console program sees of its surroundings: where it runs, its files and variables, and the simulated world.
//!
//! The two traits cut the console into parts that do not know each other: programs (kubectl, curl, grep) are written
//! against [`Host`]; a running [`super::process::Process`] implements it; [`World`] is the running cluster behind it.
//!
//! A program that only computes is a plain function. One that waits is an `async fn`: wherever it awaits, simulated time passes
//! and other programs run.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use super::meter::Meter;
use crate::engine::time::{Duration, Instant};
use crate::lab::simulation::Simulation;
use crate::lab::tasks::{Clock, Waiting};
pub use crate::lab::world::{ContainerView, Lent, Stopped, World, WorldRef};
use crate::network::wire::{Connections, Wire};

/// What a finished program leaves: its two output streams and its exit status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Exit status, 0 to 255.
    pub exit: i32,
}

impl Outcome {
    /// Success with this standard output.
    pub fn out(stdout: impl Into<String>) -> Self {
        Outcome { stdout: stdout.into(), ..Outcome::default() }
    }

    /// Failure with this exit status and one line of standard error (the newline is added).
    pub fn err(exit: i32, line: impl Into<String>) -> Self {
        let mut stderr = line.into();
        stderr.push('\n');
        Outcome { stdout: String::new(), stderr, exit }
    }
}

/// Where a program runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The machine outside the cluster on which the user types.
    Outside,
    /// A node, reached by `ssh`.
    Node(String),
    /// A container, reached by `kubectl exec` or `kubectl run -it`.
    Pod {
        /// Namespace of the pod.
        namespace: String,
        /// Name of the pod.
        pod: String,
        /// Name of the container.
        container: String,
    },
}

/// Why a file could not be used; the text is what a shell would print after the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError(pub String);

/// Something that takes simulated time.
pub type Doing<'h, T> = Pin<Box<dyn Future<Output = T> + 'h>>;

/// What a program may use while it runs. Implemented by the console session.
pub trait Host {
    /// The cluster, lent until the program waits.
    fn world(&mut self) -> WorldRef<'_>;
    /// The budget of the line. A program that loops, or makes much of little, draws on it while it works.
    fn meter(&self) -> Meter {
        Meter::default()
    }
    /// Where the program runs.
    fn place(&self) -> Place;
    /// An exported variable of the shell.
    fn env(&self, name: &str) -> Option<String>;
    /// All exported variables, sorted by name.
    fn environment(&self) -> BTreeMap<String, String>;
    /// A file of the place: the sandbox's own, else (outside only) one of the host, read-only, if the program supplies them.
    fn read_file(&mut self, path: &str) -> Result<String, FileError>;
    /// The names in a folder, sorted, folders with a trailing `/`; same look-up as [`Host::read_file`].
    fn list_dir(&mut self, path: &str) -> Result<Vec<String>, FileError>;
    /// Writes a file of the sandbox; never one of the host.
    fn write_file(&mut self, path: &str, text: &str) -> Result<(), FileError>;
    /// Removes a file of the sandbox; with `recursive` also a folder and what is in it.
    fn remove_file(&mut self, path: &str, recursive: bool) -> Result<(), FileError> {
        let _ = (path, recursive);
        Err(FileError("Read-only file system".to_string()))
    }
    /// Makes a folder of the sandbox; with `parents` also those above it, and no complaint if it exists.
    fn make_dir(&mut self, path: &str, parents: bool) -> Result<(), FileError> {
        let _ = (path, parents);
        Err(FileError("Read-only file system".to_string()))
    }
    /// The clock that all programs share; `None` on a machine with one program.
    fn clock(&self) -> Option<Clock> {
        None
    }
    /// Waits until that moment; an error tells which limit ended the command.
    fn until(&mut self, at: Instant) -> Waiting;
    /// Waits until an object changes, at most until that moment.
    fn change(&mut self, at: Instant) -> Waiting;
    /// Prints at once, before the program ends.
    fn print(&mut self, text: &str);
    /// The same on standard error.
    fn print_error(&mut self, text: &str);
    /// Runs another program in `place` until it has ended, and collects what it prints (xargs, watch).
    fn run_in<'h>(&'h mut self, place: &'h Place, argv: &'h [String], stdin: &'h str) -> Doing<'h, Outcome>;
    /// The same, but what it prints goes where this program prints (timeout, env, kubectl exec). Gives the exit status.
    fn run_through<'h>(&'h mut self, place: &'h Place, argv: &'h [String], stdin: &'h str) -> Doing<'h, i32>;
    /// Opens a nested shell: the following input lines run in `place` until `exit`. `goodbye` is run when it is left
    /// (for `kubectl run --rm`), its output appended to that of `exit`.
    fn enter(&mut self, place: Place, goodbye: Option<Vec<String>>);
}

/// Simulated time since the start.
pub fn elapsed(host: &mut dyn Host) -> Instant {
    host.world().elapsed()
}

/// Waits so long.
pub fn sleep(host: &mut dyn Host, by: Duration) -> Waiting {
    let at = elapsed(host) + by;
    host.until(at)
}

/// The simulation, lent until the program waits; `None` in a world that is none.
pub fn simulation(host: &mut dyn Host) -> Option<Lent<'_, Simulation>> {
    host.world().part(|world| world.simulation())
}

/// The network, lent until the program waits; `None` in a world that has none.
pub fn wire(host: &mut dyn Host) -> Option<Lent<'_, dyn Wire>> {
    host.world().part(|world| world.wire())
}

/// The network as connections go over it, lent until the program waits; `None` in a world that has none.
pub fn connections(host: &mut dyn Host) -> Option<Lent<'_, dyn Connections>> {
    host.world().part(|world| world.connections())
}

/// A program of the console: arguments with the program's name first, and standard input.
#[derive(Clone, Copy)]
pub enum Program {
    /// It computes and ends at the same moment.
    Now(fn(host: &mut dyn Host, argv: &[String], stdin: &str) -> Outcome),
    /// It may wait.
    Timed(for<'h> fn(host: &'h mut dyn Host, argv: &'h [String], stdin: &'h str) -> Doing<'h, Outcome>),
}

impl Program {
    /// Runs it.
    pub async fn run(self, host: &mut dyn Host, argv: &[String], stdin: &str) -> Outcome {
        match self {
            Program::Now(program) => program(host, argv, stdin),
            Program::Timed(program) => program(host, argv, stdin).await,
        }
    }
}

/// An entry of a table of programs, for an `async fn`.
macro_rules! timed {
    ($program:path) => {
        $crate::console::host::Program::Timed(|host, argv, stdin| Box::pin($program(host, argv, stdin)))
    };
}
pub(crate) use timed;
