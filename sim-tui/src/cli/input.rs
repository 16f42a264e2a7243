//! INPUT: the name of a built-in scenario, a file, a folder, or `-`; read, checked, and complained about in one place.

use std::fs;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;

use sim_core::console::files::HostFiles;
use sim_core::kubelet::images::ImageTable;
use sim_core::scenario::load::{self, File, Input, Options, Refused};
use sim_core::scenario::{Diagnostic, Sources, play};

use super::host::{HostFolder, read_regular, read_up_to, said, stays_in};
use super::{Colour, Common, UNUSABLE, complain};
use crate::builtin::{self, Builtin};
use crate::draw::diagnostic::draw;

/// Largest input that is read.
const BYTES_MAX: u64 = 100_000_000;

/// Reads an input. Complaints have been printed when it fails; the error is the exit status.
pub fn load(input: &str, common: &Common) -> Result<Arc<Input>, u8> {
    let options = Options { set: &common.set, is_modelled };
    let loaded = match read(input) {
        Ok(Text::Builtin(scenario)) => load::load(scenario.as_file(), &options),
        Ok(Text::File(bytes)) => load::load(File { name: input, bytes: &bytes }, &options),
        Ok(Text::Folder(files)) => {
            let files: Vec<File<'_>> = files.iter().map(|(name, bytes)| File { name, bytes }).collect();
            load::load_folder(input, &files, &options)
        }
        Err(why) => {
            complain(&format!("kubewalk: {why}"));
            return Err(UNUSABLE);
        }
    };
    loaded.map(Arc::new).map_err(|refused| {
        show(&refused, common);
        UNUSABLE
    })
}

/// The same for a text that the program itself brings.
pub fn load_text(name: &str, text: &str, common: &Common) -> Result<Arc<Input>, u8> {
    let options = Options { set: &common.set, is_modelled };
    load::load(File { name, bytes: text.as_bytes() }, &options).map(Arc::new).map_err(|refused| {
        show(&refused, common);
        UNUSABLE
    })
}

/// Draws the complaints of a refused input on standard error.
pub fn show(refused: &Refused, common: &Common) {
    show_all(&refused.diagnostics, &refused.sources, common);
}

/// Draws some complaints on standard error; nothing if there are none.
pub fn show_all(diagnostics: &[Diagnostic], sources: &Sources, common: &Common) {
    if !diagnostics.is_empty() {
        // Its colours are ours, and the texts in it are made harmless where it is drawn.
        let _ = writeln!(std::io::stderr(), "{}", draw(diagnostics, sources, coloured(common)).trim_end());
    }
}

/// Whether standard error is to be coloured.
pub fn coloured(common: &Common) -> bool {
    match common.color {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
    }
}

/// How the flags ask a scenario to be played.
pub fn play_options(common: &Common, folder: Option<&Path>) -> play::Options {
    let host_files = (!common.no_host_files).then(|| HostFolder::of_scenario(folder, &common.host_files).shared());
    play::Options { seed: common.seed, shuffle_ties: common.shuffle_ties, host_files }
}

/// The files that lines may read which the user types.
pub fn typed_files(common: &Common) -> Option<Arc<dyn HostFiles>> {
    (!common.no_host_files).then(|| HostFolder::of_user().shared())
}

/// The folder that paths in a scenario are relative to.
pub fn folder_of(input: &str) -> Option<&Path> {
    if builtin::find(input).is_some() || input == "-" {
        return None;
    }
    let path = Path::new(input);
    if path.is_dir() { Some(path) } else { path.parent() }
}

fn is_modelled(image: &str) -> bool {
    !ImageTable::default().behaviour(image).guessed
}

enum Text {
    Builtin(&'static Builtin),
    File(Vec<u8>),
    Folder(Vec<(String, Vec<u8>)>),
}

fn read(input: &str) -> Result<Text, String> {
    if input == "-" {
        return read_up_to(std::io::stdin().lock(), BYTES_MAX).map(Text::File).map_err(|why| format!("standard input: {why}"));
    }
    if let Some(scenario) = builtin::find(input) {
        return Ok(Text::Builtin(scenario));
    }
    let path = Path::new(input);
    if path.is_dir() {
        return folder(path).map(Text::Folder);
    }
    let looks_like_path = input.contains('/') || [".yaml", ".yml", ".json", ".md"].iter().any(|e| input.ends_with(e));
    if !looks_like_path {
        let names: Vec<&str> = builtin::SCENARIOS.iter().map(|scenario| scenario.name).collect();
        return Err(format!(
            "`{input}` is not a built-in scenario; there are: {} (a file's name ends in .yaml or has a /)",
            names.join(", ")
        ));
    }
    read_regular(path, BYTES_MAX).map(Text::File).map_err(|why| format!("{input}: {why}"))
}

/// What a folder holds: manifests with their content, other files by name only.
fn folder(path: &Path) -> Result<Vec<(String, Vec<u8>)>, String> {
    let entries = fs::read_dir(path).map_err(|e| format!("{}: {}", path.display(), said(&e)))?;
    let mut files = Vec::new();
    let mut left = BYTES_MAX;
    for entry in entries.filter_map(Result::ok) {
        let (name, here) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
        if here.is_dir() {
            continue;
        }
        if !load::is_manifest_name(&name) || load::needs_no_content(&name) {
            files.push((name, Vec::new()));
            continue;
        }
        let refused = |why: String| format!("{}: {why}", here.display());
        if entry.file_type().is_ok_and(|kind| kind.is_symlink()) && !stays_in(path, &here) {
            return Err(refused("this is a link that leads out of the folder; put a copy of the file there".to_string()));
        }
        let bytes = read_regular(&here, left).map_err(refused)?;
        left -= bytes.len() as u64;
        files.push((name, bytes));
    }
    Ok(files)
}
