//! The machine that programs of one line run on: files, environment, clock and other programs, as [`Host`] shows them.
//!
//! It lives as long as one line. Every program call, and every nested one (`xargs`, `kubectl exec`), is a frame: a place with
//! its environment and working directory. `timeout` is done here, because it cuts the clock under the program it runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use imbl::OrdMap;

use super::catalogue::{Catalogue, SHELLS};
use super::files::{self, Files, HostFiles};
use super::host::{ContainerView, FileError, Host, Outcome, Place, Stopped, World};
use super::meter::Meter;
use super::shell::ast::Script;
use super::shell::eval::{Call, Ending, Halt, System, run};
use super::shell::state::{Options, Shell};
use super::shell::{Parsed, parse};
use super::simulation::Simulation;
use crate::api::request::{Answer, Request};
use crate::engine::time::{Duration, Instant};
use crate::explain::origin::Origin;
use crate::network::wire::{Connections, Wire};
use crate::objects::time::Timestamp;

/// Deepest nesting of programs that run programs.
const FRAMES_MAX: usize = 12;
/// Most places with files of their own.
const PLACES_MAX: usize = 1_000;
/// Why a program was ended by `timeout`; removed from what it says.
const CUT: &str = "the deadline of timeout";

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

/// Where one program runs.
struct Frame {
    place: Place,
    environment: BTreeMap<String, String>,
    cwd: String,
}

/// The world with the deadlines of `timeout` drawn in.
struct Clock<'w> {
    world: &'w mut dyn World,
    deadlines: Vec<Instant>,
    /// The earliest deadline has been reached.
    cut: bool,
    /// The world's own budget ran out.
    stopped: bool,
}

impl Clock<'_> {
    /// The time left until the earliest deadline, if it is less than `wanted`.
    fn left(&self, wanted: Duration) -> Option<Duration> {
        let left = self.deadlines.iter().min()?.since(self.world.elapsed());
        (left < wanted).then_some(left)
    }

    fn note<T>(&mut self, result: Result<T, Stopped>) -> Result<T, Stopped> {
        self.stopped |= result.is_err();
        result
    }

    fn cut<T>(&mut self) -> Result<T, Stopped> {
        self.cut = true;
        Err(Stopped { why: CUT.to_string() })
    }
}

impl World for Clock<'_> {
    fn now(&self) -> Timestamp {
        self.world.now()
    }
    fn elapsed(&self) -> Instant {
        self.world.elapsed()
    }
    fn request(&mut self, request: Request) -> Answer {
        self.world.request(request)
    }
    fn api_answers(&self) -> bool {
        self.world.api_answers()
    }
    fn revision(&self) -> u64 {
        self.world.revision()
    }
    fn advance(&mut self, by: Duration) -> Result<(), Stopped> {
        let left = self.left(by);
        let result = self.world.advance(left.unwrap_or(by));
        self.note(result)?;
        if left.is_some() { self.cut() } else { Ok(()) }
    }
    fn advance_until(&mut self, limit: Duration, done: &mut dyn FnMut(&mut dyn World) -> bool) -> Result<bool, Stopped> {
        let left = self.left(limit);
        let result = self.world.advance_until(left.unwrap_or(limit), done);
        let held = self.note(result)?;
        if left.is_some() && !held { self.cut() } else { Ok(held) }
    }
    fn container(&mut self, namespace: &str, pod: &str, container: &str) -> Result<ContainerView, String> {
        self.world.container(namespace, pod, container)
    }
    fn logs(&mut self, namespace: &str, pod: &str, container: &str, previous: bool) -> Result<Vec<(Timestamp, String)>, String> {
        self.world.logs(namespace, pod, container, previous)
    }
    fn written(&mut self, kind: &str, namespace: &str, name: &str, origin: Origin) {
        self.world.written(kind, namespace, name, origin);
    }
    fn custom_kinds(&self) -> Vec<(String, String)> {
        self.world.custom_kinds()
    }
    fn wire(&mut self) -> Option<&mut dyn Wire> {
        self.world.wire()
    }
    fn connections(&mut self) -> Option<&mut dyn Connections> {
        self.world.connections()
    }
    fn simulation(&mut self) -> Option<&mut Simulation> {
        self.world.simulation()
    }
}

/// What one line runs on.
pub struct Machine<'m> {
    clock: Clock<'m>,
    catalogue: &'m Catalogue,
    all_files: &'m mut AllFiles,
    host_files: Option<Arc<dyn HostFiles>>,
    frames: Vec<Frame>,
    /// Shells that programs of the line opened, in order.
    pub opened: Vec<Opened>,
    depth: usize,
    /// What the line has used up.
    pub meter: Meter,
}

impl<'m> Machine<'m> {
    /// A machine whose commands run at `place`.
    pub fn new(
        world: &'m mut dyn World,
        catalogue: &'m Catalogue,
        all_files: &'m mut AllFiles,
        host_files: Option<Arc<dyn HostFiles>>,
        place: Place,
    ) -> Machine<'m> {
        let clock = Clock { world, deadlines: Vec::new(), cut: false, stopped: false };
        let frame = Frame { place, environment: BTreeMap::new(), cwd: "/".to_string() };
        let (frames, opened) = (vec![frame], Vec::new());
        Machine { clock, catalogue, all_files, host_files, frames, opened, depth: 0, meter: Meter::default() }
    }

    fn frame(&self) -> &Frame {
        self.frames.last().expect("invariant: the first frame is never popped")
    }

    /// Environment and home of a fresh login at a place.
    pub fn login(&mut self, place: &Place) -> Result<(BTreeMap<String, String>, String), String> {
        let (home, mut environment) = match place {
            Place::Outside => (files::HOME, BTreeMap::from([("USER".to_string(), "user".to_string())])),
            Place::Node(_) => ("/root", BTreeMap::from([("USER".to_string(), "root".to_string())])),
            Place::Pod { namespace, pod, container } => {
                let view = self.clock.container(namespace, pod, container)?;
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

    fn image(&mut self) -> Option<String> {
        let Place::Pod { namespace, pod, container } = self.place() else { return None };
        self.clock.container(&namespace, &pod, &container).ok().map(|view| view.image)
    }

    /// The container's own files, which the kubelet wrote.
    fn container_file(&mut self, path: &str) -> Option<String> {
        let Place::Pod { namespace, pod, container } = self.place() else { return None };
        self.clock.container(&namespace, &pod, &container).ok()?.files.remove(path)
    }

    fn files(&mut self) -> &mut Files {
        let place = self.place();
        if !self.all_files.contains_key(&place) {
            let hostname = match &place {
                Place::Outside => "workstation",
                Place::Node(node) => node,
                Place::Pod { pod, .. } => pod,
            };
            let files = Files::new(hostname);
            // Places that ended long ago give way; their files are gone with their container in a real cluster too.
            if self.all_files.len() >= PLACES_MAX {
                let outside = self.all_files.remove(&Place::Outside);
                *self.all_files = outside.into_iter().map(|files| (Place::Outside, files)).collect();
            }
            self.all_files.insert(place.clone(), files);
        }
        self.all_files.get_mut(&place).expect("invariant: inserted above")
    }

    fn read_at(&mut self, cwd: &str, path: &str) -> Result<String, FileError> {
        if path == "/dev/null" {
            return Ok(String::new());
        }
        let full = files::absolute(cwd, path);
        let pristine = full == "/etc/hostname";
        if let Some(text) = self.container_file(&full).filter(|_| pristine) {
            return Ok(text);
        }
        let own = self.files().read(&full);
        if own.is_ok() || path.is_empty() {
            return own;
        }
        if let Some(text) = self.container_file(&full) {
            return Ok(text);
        }
        let host = self.host_files.clone().filter(|_| self.place() == Place::Outside);
        host.and_then(|host| host.read(&files::on_host(cwd, path))).unwrap_or(own)
    }

    /// Runs a program in the topmost frame.
    fn program(&mut self, argv: &[String], stdin: &str) -> Outcome {
        let Some(name) = argv.first() else { return Outcome::default() };
        let name = bare_name(name);
        let image = self.image();
        if !self.catalogue.has(&self.place(), image.as_deref(), name) {
            return Outcome::err(127, format!("sh: {}: not found", argv[0]));
        }
        if SHELLS.contains(&name) {
            return self.shell(argv, stdin);
        }
        if name == "timeout" {
            return self.timeout(argv, stdin);
        }
        let Some(program) = self.catalogue.program(name) else { return Outcome::default() };
        if self.meter.reached().is_some() {
            return Outcome { exit: 124, ..Outcome::default() };
        }
        let mut outcome = program(self, argv, stdin);
        if self.clock.cut {
            outcome.stderr = outcome.stderr.split_inclusive('\n').filter(|line| !line.contains(CUT)).collect();
        }
        outcome
    }

    /// `sh`: a script from `-c`, a file or standard input.
    fn shell(&mut self, argv: &[String], stdin: &str) -> Outcome {
        let mut rest = argv[1..].iter();
        let (mut text, mut inline, mut options) = (None, false, Options::default());
        for argument in rest.by_ref() {
            match argument.strip_prefix('-').filter(|letters| !letters.is_empty()) {
                Some(letters) => {
                    inline |= letters.contains('c');
                    options.errexit |= letters.contains('e');
                    options.nounset |= letters.contains('u');
                    options.xtrace |= letters.contains('x');
                }
                None => {
                    text = Some(argument);
                    break;
                }
            }
        }
        let (script, stdin) = match text {
            Some(text) if inline => (text.clone(), stdin),
            None if inline => return Outcome::err(2, format!("{}: 0: -c requires an argument", argv[0])),
            Some(path) => match self.read_file(path) {
                Ok(script) => (script, stdin),
                Err(_) => return Outcome::err(2, format!("{}: 0: cannot open {path}: No such file", argv[0])),
            },
            None => (stdin.to_string(), ""),
        };
        let mut shell = Shell::new(&self.frame().cwd, self.frame().environment.clone());
        // `sh -c TEXT NAME ARGUMENTS`: the first word after the text is $0; `sh FILE ARGUMENTS`: the file is.
        if let Some(name) = if inline { rest.next() } else { text } {
            shell.name = name.clone();
        }
        shell.positional = rest.cloned().collect();
        shell.options = options;
        match parse(&script, true) {
            Parsed::Complete(script) => run(self, &mut shell, &script, stdin).0,
            Parsed::Incomplete { error, .. } | Parsed::Error(error) => Outcome::err(2, error.to_string()),
        }
    }

    /// `timeout [-s SIGNAL] [-k TIME] TIME COMMAND`: no time passes for the command beyond the deadline.
    fn timeout(&mut self, argv: &[String], stdin: &str) -> Outcome {
        let mut at = 1;
        let mut kill = false;
        while let Some(option) = argv.get(at).filter(|a| a.starts_with('-')) {
            let value = argv.get(at + 1).map(String::as_str).unwrap_or_default();
            at += match option.as_str() {
                "-s" | "--signal" => {
                    kill = matches!(value, "KILL" | "SIGKILL" | "9");
                    2
                }
                "-k" | "--kill-after" => 2,
                _ => 1,
            };
        }
        let (Some(limit), true) = (argv.get(at), argv.len() > at + 1) else {
            return Outcome::err(125, "timeout: missing operand\nTry 'timeout --help' for more information.");
        };
        let Some(limit) = super::programs::sleep::interval(limit) else {
            return Outcome::err(
                125,
                format!("timeout: invalid time interval '{limit}'\nTry 'timeout --help' for more information."),
            );
        };
        if limit == Duration::ZERO {
            return self.call_here(&argv[at + 1..], stdin);
        }
        let deadline = self.clock.elapsed() + limit;
        self.clock.deadlines.push(deadline);
        let mut outcome = self.call_here(&argv[at + 1..], stdin);
        self.clock.deadlines.pop();
        let now = self.clock.elapsed();
        if self.clock.cut && now >= deadline {
            // An outer deadline at the same moment still ends what is around this one.
            self.clock.cut = self.clock.deadlines.iter().any(|outer| *outer <= now);
            outcome.exit = if kill { 137 } else { 124 };
        } else if outcome.exit == 127 && outcome.stderr.starts_with("sh: ") {
            let name = &argv[at + 1];
            return Outcome::err(127, format!("timeout: failed to run command '{name}': No such file or directory"));
        }
        outcome
    }

    fn call_here(&mut self, argv: &[String], stdin: &str) -> Outcome {
        let place = self.place();
        self.run_in(&place, argv, stdin)
    }

    fn within(&mut self, frame: Frame, run: impl FnOnce(&mut Self) -> Outcome) -> Outcome {
        if self.frames.len() == FRAMES_MAX {
            return Outcome::err(126, format!("kubewalk: programs may run programs {FRAMES_MAX} deep here"));
        }
        self.frames.push(frame);
        let outcome = run(self);
        self.frames.pop();
        outcome
    }
}

/// The name of a program given with the path of one of the usual folders.
fn bare_name(name: &str) -> &str {
    match name.rsplit_once('/') {
        // Where the image of that name has it.
        Some(("", "agnhost")) => "agnhost",
        Some(("/bin" | "/usr/bin" | "/usr/local/bin" | "/sbin" | "/usr/sbin", base)) => base,
        _ => name,
    }
}

impl Host for Machine<'_> {
    fn world(&mut self) -> &mut dyn World {
        &mut self.clock
    }
    fn meter(&self) -> Meter {
        self.meter.clone()
    }
    fn place(&self) -> Place {
        self.frame().place.clone()
    }
    fn env(&self, name: &str) -> Option<String> {
        self.frame().environment.get(name).cloned()
    }
    fn environment(&self) -> BTreeMap<String, String> {
        self.frame().environment.clone()
    }
    fn read_file(&mut self, path: &str) -> Result<String, FileError> {
        let cwd = self.frame().cwd.clone();
        self.read_at(&cwd, path)
    }
    fn list_dir(&mut self, path: &str) -> Result<Vec<String>, FileError> {
        let cwd = self.frame().cwd.clone();
        let own = self.files().list(&files::absolute(&cwd, path));
        let host = self.host_files.clone().filter(|_| self.place() == Place::Outside);
        let Some(mut names) = host.and_then(|host| host.list(&files::on_host(&cwd, path))) else { return own };
        names.extend(own.unwrap_or_default());
        names.sort();
        names.dedup();
        Ok(names)
    }
    fn write_file(&mut self, path: &str, text: &str) -> Result<(), FileError> {
        let cwd = self.frame().cwd.clone();
        System::write(self, &cwd, path, text, false)
    }
    fn remove_file(&mut self, path: &str, recursive: bool) -> Result<(), FileError> {
        let path = files::absolute(&self.frame().cwd, path);
        self.files().remove(&path, recursive)
    }
    fn make_dir(&mut self, path: &str, parents: bool) -> Result<(), FileError> {
        let path = files::absolute(&self.frame().cwd, path);
        self.files().make_folder(&path, parents)
    }
    fn run_in(&mut self, place: &Place, argv: &[String], stdin: &str) -> Outcome {
        let Some(name) = argv.first() else { return Outcome::default() };
        let same = *place == self.place();
        let login = if same { Ok((self.environment(), self.frame().cwd.clone())) } else { self.login(place) };
        let (environment, cwd) = match login {
            Ok(login) => login,
            Err(why) => return Outcome::err(1, why),
        };
        let exec = !same && matches!(place, Place::Pod { .. });
        self.within(Frame { place: place.clone(), environment, cwd }, |machine| {
            let image = machine.image();
            if exec && !machine.catalogue.has(place, image.as_deref(), bare_name(name)) {
                let said = format!(
                    "OCI runtime exec failed: exec failed: unable to start container process: exec: \"{name}\": {}",
                    if name.contains('/') {
                        format!("stat {name}: no such file or directory: unknown")
                    } else {
                        "executable file not found in $PATH: unknown".to_string()
                    }
                );
                return Outcome::err(126, said);
            }
            machine.program(argv, stdin)
        })
    }
    fn enter(&mut self, place: Place, goodbye: Option<Vec<String>>) {
        self.opened.push(Opened { place, goodbye });
    }
}

impl System for Machine<'_> {
    fn call(&mut self, call: Call<'_>) -> Outcome {
        let frame = Frame { place: self.place(), environment: call.environment, cwd: call.cwd.to_string() };
        self.within(frame, |machine| machine.program(call.argv, call.stdin))
    }
    fn has_program(&mut self, name: &str) -> bool {
        let image = self.image();
        self.catalogue.has(&self.place(), image.as_deref(), bare_name(name))
    }
    fn read(&mut self, cwd: &str, path: &str) -> Result<String, FileError> {
        self.read_at(cwd, path)
    }
    fn write(&mut self, cwd: &str, path: &str, text: &str, append: bool) -> Result<(), FileError> {
        if path.is_empty() {
            return Err(files::not_found());
        }
        let full = files::absolute(cwd, path);
        let folder = files::parent(&full).to_string();
        // A folder that only the host has is made in the sandbox as well, so that a file can lie beside the host's.
        if !self.files().is_folder(&folder) && self.folder("/", &folder).is_some() {
            self.files().make_folder(&folder, true)?;
        }
        self.files().write(&full, text, append)
    }
    fn folder(&mut self, cwd: &str, path: &str) -> Option<String> {
        let full = files::absolute(cwd, path);
        if self.files().is_folder(&full) {
            return Some(full);
        }
        let host = self.host_files.clone().filter(|_| self.place() == Place::Outside)?;
        host.list(&files::on_host(cwd, path)).map(|_| full)
    }
    fn spend(&mut self, bytes: usize) -> Result<(), Halt> {
        let spent = self.meter.command(bytes);
        if spent.is_err() || self.clock.stopped || self.clock.cut { Err(Halt) } else { Ok(()) }
    }
    fn depth(&mut self) -> &mut usize {
        &mut self.depth
    }
}

/// Runs a parsed line in `shell`; says which limit ended it, if one did.
pub fn run_line(machine: &mut Machine<'_>, shell: &mut Shell, script: &Script) -> (Outcome, Ending) {
    let (mut outcome, ending) = run(machine, shell, script, "");
    if let Some(limit) = machine.meter.reached() {
        outcome.stderr.push_str(&format!("{limit}\n"));
        outcome.exit = 124;
    }
    (outcome, ending)
}
