//! INPUT: the name of a built-in scenario, a file, a folder, or `-`; read, checked, and complained about in one place.

use std::fs;
use std::io::{IsTerminal, Read, Write};
use std::path::Path;
use std::sync::Arc;

use sim_core::kubelet::images::ImageTable;
use sim_core::scenario::load::{self, File, Input, Options, Refused};
use sim_core::scenario::play;

use super::{Colour, Common, HostFolder, UNUSABLE, complain};
use crate::builtin::{self, Builtin};
use crate::draw::diagnostic::draw;

/// Largest file that is read; a larger one is refused before it is.
const BYTES_MAX: u64 = 64 << 20;

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
    let text = draw(&refused.diagnostics, &refused.sources, coloured(common));
    // Its colours are ours, and the texts in it are made harmless where it is drawn.
    let _ = writeln!(std::io::stderr(), "{}", text.trim_end());
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
    let host_files = (!common.no_host_files).then(|| HostFolder::new(folder).shared());
    play::Options { seed: common.seed, shuffle_ties: common.shuffle_ties, host_files }
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
        let mut bytes = Vec::new();
        let mut limited = std::io::stdin().lock().take(BYTES_MAX + 1);
        limited.read_to_end(&mut bytes).map_err(|e| format!("standard input: {e}"))?;
        return sized(input, bytes.len() as u64).map(|()| Text::File(bytes));
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
    let size = fs::metadata(path).map_err(|e| format!("{input}: {}", said(&e)))?.len();
    sized(input, size)?;
    fs::read(path).map(Text::File).map_err(|e| format!("{input}: {}", said(&e)))
}

fn sized(name: &str, bytes: u64) -> Result<(), String> {
    if bytes <= BYTES_MAX {
        return Ok(());
    }
    Err(format!(
        "{name}: {} MiB are more than the {} MiB that an input may have; split it, or generate it smaller",
        bytes >> 20,
        BYTES_MAX >> 20
    ))
}

fn folder(path: &Path) -> Result<Vec<(String, Vec<u8>)>, String> {
    let entries = fs::read_dir(path).map_err(|e| format!("{}: {}", path.display(), said(&e)))?;
    let mut files = Vec::new();
    let mut total = 0;
    for entry in entries.filter_map(Result::ok).filter(|e| e.path().is_file()) {
        let name = entry.file_name().to_string_lossy().into_owned();
        total += entry.metadata().map_or(0, |m| m.len());
        sized(&path.display().to_string(), total)?;
        let bytes = fs::read(entry.path()).map_err(|e| format!("{}: {}", entry.path().display(), said(&e)))?;
        files.push((name, bytes));
    }
    Ok(files)
}

/// An operating system's complaint without its number.
fn said(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or folder".to_string(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_string(),
        _ => error.to_string(),
    }
}
