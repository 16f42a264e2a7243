//! Files and folders: `ls`, `mkdir`, `rm`, `tee`.

use super::options;
use crate::console::host::{FileError, Host, Outcome};

/// `ls [-1] [-a] [FILE...]`: names, one a line, as off a terminal.
pub(super) fn ls(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    let options = match options::read(argv, "1aAFpd", &[("all", 'a')], false) {
        Ok(options) => options,
        Err(refusal) => return refusal,
    };
    let here = [".".to_string()];
    let paths = if options.rest.is_empty() { &here[..] } else { &options.rest };
    let (mut outcome, mut folders) = (Outcome::default(), Vec::new());
    let slash = options.has('F') || options.has('p');
    for path in paths {
        match host.list_dir(path) {
            Ok(_) if options.has('d') => outcome.stdout.push_str(&format!("{path}\n")),
            Ok(names) => folders.push((path, names)),
            Err(FileError(why)) => match host.read_file(path) {
                Ok(_) => outcome.stdout.push_str(&format!("{path}\n")),
                Err(_) => {
                    outcome.stderr.push_str(&format!("ls: cannot access '{path}': {why}\n"));
                    outcome.exit = 2;
                }
            },
        }
    }
    for (i, (path, names)) in folders.iter().enumerate() {
        if paths.len() > 1 {
            let gap = if i > 0 || !outcome.stdout.is_empty() { "\n" } else { "" };
            outcome.stdout.push_str(&format!("{gap}{path}:\n"));
        }
        let hidden = options.has('a') || options.has('A');
        for name in names.iter().filter(|name| hidden || !name.starts_with('.')) {
            let name = if slash { name } else { name.trim_end_matches('/') };
            outcome.stdout.push_str(&format!("{name}\n"));
        }
    }
    outcome
}

/// `mkdir [-p] FOLDER...`
pub(super) fn mkdir(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    let options = match options::read(argv, "p", &[("parents", 'p')], false) {
        Ok(options) => options,
        Err(refusal) => return refusal,
    };
    if options.rest.is_empty() {
        return Outcome::err(1, "mkdir: missing operand\nTry 'mkdir --help' for more information.");
    }
    let mut outcome = Outcome::default();
    for path in &options.rest {
        if let Err(FileError(why)) = host.make_dir(path, options.has('p')) {
            outcome.stderr.push_str(&format!("mkdir: cannot create directory '{path}': {why}\n"));
            outcome.exit = 1;
        }
    }
    outcome
}

/// `rm [-r] [-f] FILE...`
pub(super) fn rm(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    let options = match options::read(argv, "rRf", &[("recursive", 'r'), ("force", 'f')], false) {
        Ok(options) => options,
        Err(refusal) => return refusal,
    };
    let force = options.has('f');
    if options.rest.is_empty() && !force {
        return Outcome::err(1, "rm: missing operand\nTry 'rm --help' for more information.");
    }
    let mut outcome = Outcome::default();
    for path in &options.rest {
        let Err(FileError(why)) = host.remove_file(path, options.has('r') || options.has('R')) else { continue };
        let missing = why == "No such file or directory";
        if missing && host.read_file(path).is_ok() {
            let said = format!("kubewalk: rm: '{path}' is a file of this machine, which the sandbox only reads\n");
            outcome.stderr.push_str(&said);
            outcome.exit = 1;
        } else if !(missing && force) {
            outcome.stderr.push_str(&format!("rm: cannot remove '{path}': {why}\n"));
            outcome.exit = 1;
        }
    }
    outcome
}

/// `tee [-a] FILE...`
pub(super) fn tee(host: &mut dyn Host, argv: &[String], stdin: &str) -> Outcome {
    let options = match options::read(argv, "ai", &[("append", 'a')], false) {
        Ok(options) => options,
        Err(refusal) => return refusal,
    };
    let mut outcome = Outcome::out(stdin);
    for path in &options.rest {
        if path == "/dev/null" {
            continue;
        }
        let before = if options.has('a') { host.read_file(path).unwrap_or_default() } else { String::new() };
        if let Err(FileError(why)) = host.write_file(path, &(before + stdin)) {
            outcome.stderr.push_str(&format!("tee: {path}: {why}\n"));
            outcome.exit = 1;
        }
    }
    outcome
}
