//! The command line: one file per subcommand.
//!
//! The doc comments on the argument types are the help texts.

mod generate;
mod host;
mod input;
mod lint;
mod out;
mod run;
mod save;
pub mod serve_dns;
mod sh;
mod stats;
mod terminal;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use self::generate::{Size, scenario_of_size};
pub use self::host::HostFolder;
use self::out::Out;
use self::save::Saving;
use crate::builtin;
use crate::draw::escape::for_stream;

/// Exit status of a run in which something did not hold.
pub const FAILED: u8 = 1;
/// Exit status for input that cannot be used.
pub const UNUSABLE: u8 = 2;
/// Exit status of a command that met a limit.
pub const LIMIT: u8 = 124;

/// A deterministic simulator of Kubernetes networking: for any packet, where did it go, and why.
#[derive(Debug, Parser)]
#[command(name = "kubewalk", version, propagate_version = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    common: Common,
}

/// Flags that every subcommand understands.
#[derive(Args, Clone, Debug, Default)]
pub struct Common {
    /// Seed of all random draws; overrides the scenario's
    #[arg(long, global = true, value_name = "N")]
    pub seed: Option<u64>,
    /// Overrides of single values of the scenario.
    #[arg(
        long,
        global = true,
        value_name = "PATH=VALUE",
        help = "Overrides one value of the scenario, as in spec.cluster.nodes[0].zone=b; may repeat"
    )]
    pub set: Vec<String>,
    /// How results are printed
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Text)]
    pub output: Format,
    /// When colours are used
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto)]
    pub color: Colour,
    /// Prints counts, simulated and CPU time and peak memory to standard error at the end
    #[arg(long, global = true)]
    pub stats: bool,
    /// Orders events of one instant by a hash of N instead of as scheduled; `run` then reports what depends on the order
    #[arg(long, global = true, value_name = "N")]
    pub shuffle_ties: Option<u64>,
    /// A folder that the lines of a scenario may read besides the scenario's own; may repeat
    #[arg(long, global = true, value_name = "DIR")]
    pub host_files: Vec<std::path::PathBuf>,
    /// Keeps the console away from the files of this machine
    #[arg(long, global = true)]
    pub no_host_files: bool,
    /// Treats every assumption the simulator had to make as a failure
    #[arg(long, global = true)]
    pub no_assumptions: bool,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// When colours are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

const INPUT_HELP: &str = "Name of a built-in scenario, a file, a folder, or - for standard input";

#[derive(Debug, Subcommand)]
enum Command {
    /// Opens the terminal UI on a scenario or on manifests
    Play {
        #[arg(help = INPUT_HELP)]
        input: Option<String>,
    },
    /// Plays every step, prints a transcript, checks every expectation
    Run {
        #[arg(help = INPUT_HELP)]
        input: String,
        /// Writes the input as a scenario file; - is standard output
        #[arg(long, value_name = "FILE")]
        save: Option<String>,
        /// Lets --save replace the input itself, or a link
        #[arg(long, requires = "save")]
        force: bool,
    },
    /// Opens the console on the simulated cluster
    Sh {
        #[arg(help = INPUT_HELP)]
        input: Option<String>,
        /// Runs this command instead of reading standard input; may repeat
        #[arg(short = 'c', value_name = "CMD")]
        commands: Vec<String>,
        /// Plays the scenario's steps first
        #[arg(long)]
        play: bool,
        /// Writes the input as a scenario file; - is standard output
        #[arg(long, value_name = "FILE")]
        save: Option<String>,
        /// Lets --save replace the input itself, or a link
        #[arg(long, requires = "save")]
        force: bool,
    },
    /// Answers real DNS clients as the cluster's DNS does, over UDP and TCP
    ServeDns {
        #[arg(help = INPUT_HELP)]
        input: String,
        /// Address and port to listen at; port 0 takes a free one
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:5300")]
        listen: std::net::SocketAddr,
        /// Simulated seconds for each second on the wall; 0 = time stands still
        #[arg(long, value_name = "N", default_value_t = 1)]
        speed: u32,
        /// Plays the scenario's steps first
        #[arg(long)]
        play: bool,
    },
    /// Checks scenario files and manifests without running them
    Lint {
        /// Files to check
        #[arg(required = true)]
        files: Vec<String>,
    },
    /// Prints the JSON Schema of the scenario format
    Schema,
    /// Lists the built-in scenarios
    List,
    /// Writes a scenario of a given size to standard output
    Generate {
        /// Number of nodes
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=5_000))]
        nodes: u32,
        /// Number of pods
        #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(0..=150_000))]
        pods: u32,
        /// Number of Services
        #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(0..=10_000))]
        services: u32,
        /// Number of zones that the nodes are dealt out to; 0 = none
        #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=i64::from(generate::ZONES_MAX)))]
        zones: u32,
    },
}

/// Runs the program. Everything it prints goes through here.
pub fn main_with(arguments: Arguments) -> ExitCode {
    let Arguments { command, common } = arguments;
    let code = match command {
        None if terminal::interactive(None) => terminal::play(None, &common),
        None => run::run("first-service", Saving::default(), &common),
        Some(Command::Play { input }) => terminal::play(input.as_deref(), &common),
        Some(Command::Run { input, save, force }) => run::run(&input, Saving { file: save.as_deref(), force }, &common),
        Some(Command::Sh { input, commands, play, save, force }) => {
            let save = Saving { file: save.as_deref(), force };
            sh::sh(&sh::Asked { input: input.as_deref(), commands: &commands, play, save }, &common)
        }
        Some(Command::ServeDns { input, listen, speed, play }) => {
            serve_dns::serve(&serve_dns::Asked { input: &input, listen, speed, play }, &common)
        }
        Some(Command::Lint { files }) => lint::lint(&files, &common),
        Some(Command::Schema) => print(&format!("{}\n", sim_core::scenario::schema::text())),
        Some(Command::List) => print(&builtin::list()),
        Some(Command::Generate { nodes, pods, services, zones }) => {
            print(&scenario_of_size(Size { nodes, pods, services, zones }))
        }
    };
    ExitCode::from(code)
}

/// Writes to standard output; the exit status says whether that went well.
fn print(text: &str) -> u8 {
    let mut out = Out::default();
    out.write(text);
    out.status(0)
}

/// Writes one line to standard error.
fn complain(line: &str) {
    let mut err = std::io::stderr();
    let _ = writeln!(err, "{}", for_stream(line, err.is_terminal()));
}
