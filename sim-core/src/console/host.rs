//! What a console program sees of its surroundings: where it runs, its files and variables, and the simulated world.
//!
//! The two traits cut the console into parts that do not know each other: programs (kubectl, curl, grep) are written
//! against [`Host`]; the session implements it; [`World`] is the running cluster behind it.

use std::collections::BTreeMap;

use super::meter::Meter;
use crate::api::request::{Answer, Request};
use crate::engine::time::{Duration, Instant};
use crate::explain::origin::Origin;
pub use crate::kubelet::ContainerView;
use crate::network::wire::{Connections, Wire};
use crate::objects::time::Timestamp;

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

/// A budget ran out, or the caller asked to stop, before a command was done. Exit status 124.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// One sentence: which limit, and where the clock stands.
    pub why: String,
}

/// The running cluster as console programs use it.
pub trait World {
    /// The cluster's clock.
    fn now(&self) -> Timestamp;
    /// Simulated time since the start.
    fn elapsed(&self) -> Instant;
    /// One request to the API server, answered at once; simulated time does not move.
    fn request(&mut self, request: Request) -> Answer;
    /// Whether the API server runs. If not, a client's requests are refused before they are any; see `kubectl`.
    fn api_answers(&self) -> bool {
        true
    }
    /// Revision of the store: changes exactly when an object changed.
    fn revision(&self) -> u64;
    /// Moves simulated time by `by`.
    fn advance(&mut self, by: Duration) -> Result<(), Stopped>;
    /// Runs events until `done` says so (asked before the first event and after each one that changed the store), or until
    /// `limit` has passed (the clock then stands at the limit). Tells whether `done` held.
    fn advance_until(&mut self, limit: Duration, done: &mut dyn FnMut(&mut dyn World) -> bool) -> Result<bool, Stopped>;
    /// The container as its runtime shows it; an error text of the kubelet if it is not running.
    fn container(&mut self, namespace: &str, pod: &str, container: &str) -> Result<ContainerView, String>;
    /// What the container has printed, with the moment of each line; `previous` asks for the instance before the last restart.
    fn logs(&mut self, namespace: &str, pod: &str, container: &str, previous: bool) -> Result<Vec<(Timestamp, String)>, String>;
    /// The custom kinds of which objects are stored: `apiVersion` and `kind` of each.
    fn custom_kinds(&self) -> Vec<(String, String)> {
        Vec::new()
    }
    /// The simulation itself, for the simulator's own commands; `None` in a world that is none.
    fn simulation(&mut self) -> Option<&mut super::simulation::Simulation> {
        None
    }
    /// A file says what an object should be; told so that explanations can point there.
    fn written(&mut self, kind: &str, namespace: &str, name: &str, origin: Origin) {
        let _ = (kind, namespace, name, origin);
    }
    /// The network, if this world has one.
    fn wire(&mut self) -> Option<&mut dyn Wire> {
        None
    }
    /// The network as connections go over it, if this world has one.
    fn connections(&mut self) -> Option<&mut dyn Connections> {
        None
    }
}

/// Why a file could not be used; the text is what a shell would print after the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError(pub String);

/// What a program may use while it runs. Implemented by the console session.
pub trait Host {
    /// The cluster.
    fn world(&mut self) -> &mut dyn World;
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
    /// Runs another program in `place` and returns when it has ended (xargs, timeout, watch, kubectl exec).
    fn run_in(&mut self, place: &Place, argv: &[String], stdin: &str) -> Outcome;
    /// Opens a nested shell: the following input lines run in `place` until `exit`. `goodbye` is run when it is left
    /// (for `kubectl run --rm`), its output appended to that of `exit`.
    fn enter(&mut self, place: Place, goodbye: Option<Vec<String>>);
}

/// A program of the console: arguments with the program's name first, and standard input.
pub type Program = fn(host: &mut dyn Host, argv: &[String], stdin: &str) -> Outcome;
