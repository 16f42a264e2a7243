//! `kubewalk`: parse the arguments, call the library, map the result to an exit status. Nothing else happens here.

use std::process::ExitCode;

use clap::Parser;
use sim_tui::cli::{Arguments, main_with};

fn main() -> ExitCode {
    main_with(Arguments::parse())
}
