//! `xargs [-n N] [-I NAME] [-r] [-d C] [-t] [COMMAND...]`

use super::options;
use crate::console::host::{Host, Outcome};

/// Longest command line, in bytes, as GNU's default.
const COMMAND_BYTES_MAX: usize = 128 << 10;

/// Runs a command with the words of standard input as arguments.
pub(super) async fn xargs(host: &mut dyn Host, argv: &[String], stdin: &str) -> Outcome {
    let long = [("max-args", 'n'), ("replace", 'I'), ("no-run-if-empty", 'r'), ("delimiter", 'd'), ("verbose", 't')];
    let options = match options::read(argv, "n:I:rd:tP:L:0", &long, true) {
        Ok(options) => options,
        Err(refusal) => return refusal,
    };
    let command = if options.rest.is_empty() { vec!["echo".to_string()] } else { options.rest.clone() };
    let most = match options.value('n').map(str::parse::<usize>) {
        None => usize::MAX,
        Some(Ok(n)) if n > 0 => n,
        Some(_) => {
            let value = options.value('n').unwrap_or_default();
            return Outcome::err(1, format!("xargs: invalid number \"{value}\" for -n option"));
        }
    };
    let items = match (options.value('I'), options.value('d'), options.has('0')) {
        (_, _, true) => parts(stdin, "\0"),
        (_, Some(delimiter), _) => parts(stdin, &super::echo::unescape(delimiter).0),
        (Some(_), ..) => super::lines(stdin).map(|l| l.trim_start().to_string()).filter(|l| !l.is_empty()).collect(),
        _ => match words(stdin) {
            Ok(words) => words,
            Err(why) => return Outcome::err(1, why),
        },
    };
    let calls: Vec<Vec<String>> = match options.value('I') {
        Some(name) => items.iter().map(|item| command.iter().map(|word| word.replace(name, item)).collect()).collect(),
        // As GNU, the command runs once on no input, unless -r is given.
        None if items.is_empty() && options.has('r') => Vec::new(),
        None if items.is_empty() => vec![command],
        None => batches(&command, items, most),
    };
    let place = host.place();
    let mut outcome = Outcome::default();
    for call in calls {
        if options.has('t') {
            outcome.stderr.push_str(&format!("{}\n", call.join(" ")));
        }
        let ran = host.run_in(&place, &call, "").await;
        outcome.stdout.push_str(&ran.stdout);
        if ran.exit == 127 && ran.stderr.starts_with("sh: ") {
            outcome.stderr.push_str(&format!("xargs: {}: No such file or directory\n", call[0]));
            outcome.exit = 127;
            return outcome;
        }
        outcome.stderr.push_str(&ran.stderr);
        match ran.exit {
            0 => {}
            124 => return Outcome { exit: 124, ..outcome },
            255 => {
                outcome.stderr.push_str(&format!("xargs: {}: exited with status 255; aborting\n", call[0]));
                return Outcome { exit: 124, ..outcome };
            }
            _ => outcome.exit = 123,
        }
    }
    outcome
}

fn parts(text: &str, delimiter: &str) -> Vec<String> {
    let body = text.strip_suffix(delimiter).unwrap_or(text);
    if body.is_empty() { Vec::new() } else { body.split(delimiter).map(str::to_string).collect() }
}

/// Words parted by blanks, with quotes and backslashes.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' | '"' => {
                let open = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some(end) if end == c => break,
                        Some('\n') | None => {
                            let kind = if c == '"' { "double" } else { "single" };
                            let help = "by default quotes are special to xargs unless you use the -0 option";
                            return Err(format!("xargs: unmatched {kind} quote; {help}"));
                        }
                        Some(inner) => open.push(inner),
                    }
                }
            }
            '\\' => word.get_or_insert_default().extend(chars.next()),
            c if c.is_ascii_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

fn batches(command: &[String], items: Vec<String>, most: usize) -> Vec<Vec<String>> {
    let mut calls: Vec<Vec<String>> = Vec::new();
    let mut bytes = 0;
    for item in items {
        let full = calls.last().is_none_or(|call| call.len() - command.len() >= most) || bytes > COMMAND_BYTES_MAX;
        if full {
            calls.push(command.to_vec());
            bytes = 0;
        }
        bytes += item.len() + 1;
        if let Some(call) = calls.last_mut() {
            call.push(item);
        }
    }
    calls
}
