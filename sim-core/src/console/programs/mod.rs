//! The ordinary programs: what tutorials pipe into, and what scripts are made of.
//!
//! In real life these are GNU coreutils, grep, sed, awk and jq outside the cluster and busybox inside containers. Each is
//! written for the options that people use at a prompt; an option that a real one has and ours has not is refused in our own
//! name (`kubewalk: grep: ...`), never silently ignored. Their output formats are GNU's. None of them takes simulated time
//! except `sleep` and `watch`.
//!
//! To add a program: a file with a function of type [`Program`], and a line in [`ORDINARY`].

use super::host::{FileError, Host, Outcome, Program, timed};

mod awk;
mod cut;
mod date;
mod echo;
mod environment;
mod expr;
mod folders;
mod grep;
mod head;
mod jq;
mod options;
mod printf;
pub mod regex;
mod sed;
pub mod sleep;
mod sort;
mod ssh;
mod test;
mod tr;
mod wc;
mod xargs;

/// All programs of this folder.
pub const ORDINARY: [(&str, Program); 39] = [
    ("[", Program::Now(test::test)),
    ("awk", Program::Now(awk::awk)),
    ("cat", Program::Now(head::cat)),
    ("cut", Program::Now(cut::cut)),
    ("date", Program::Now(date::date)),
    ("echo", Program::Now(echo::echo)),
    ("egrep", Program::Now(grep::grep)),
    ("env", timed!(environment::env)),
    ("expr", Program::Now(expr::expr)),
    ("false", Program::Now(|_, _, _| Outcome { exit: 1, ..Outcome::default() })),
    ("fgrep", Program::Now(grep::grep)),
    ("grep", Program::Now(grep::grep)),
    ("head", Program::Now(head::head)),
    ("hostname", Program::Now(environment::hostname)),
    ("id", Program::Now(environment::id)),
    ("jq", Program::Now(jq::jq)),
    ("ls", Program::Now(folders::ls)),
    ("mkdir", Program::Now(folders::mkdir)),
    ("printenv", Program::Now(environment::printenv)),
    ("printf", Program::Now(printf::printf)),
    ("rev", Program::Now(cut::rev)),
    ("rm", Program::Now(folders::rm)),
    ("sed", Program::Now(sed::sed)),
    ("seq", Program::Now(echo::seq)),
    ("sleep", timed!(sleep::sleep)),
    ("sort", Program::Now(sort::sort)),
    ("ssh", timed!(ssh::ssh)),
    ("tac", Program::Now(head::tac)),
    ("tail", Program::Now(head::tail)),
    ("tee", Program::Now(folders::tee)),
    ("test", Program::Now(test::test)),
    ("tr", Program::Now(tr::tr)),
    ("true", Program::Now(|_, _, _| Outcome::default())),
    ("uniq", Program::Now(sort::uniq)),
    ("watch", timed!(sleep::watch)),
    ("wc", Program::Now(wc::wc)),
    ("which", timed!(environment::which)),
    ("whoami", Program::Now(environment::whoami)),
    ("xargs", timed!(xargs::xargs)),
];

/// Most output of one program, in bytes.
pub const OUTPUT_BYTES_MAX: usize = 64 << 20;

/// A message in our own name, for what a real program would do and ours does not.
pub(super) fn not_modelled(program: &str, what: &str) -> Outcome {
    Outcome::err(2, format!("kubewalk: {program}: {what}"))
}

/// The texts a filter works on, each with its name: the named files (`-` is standard input), or standard input. Files that
/// can not be read are complained about in `outcome`, which then fails with `status`.
fn inputs<'f>(
    host: &mut dyn Host,
    program: &str,
    files: &'f [String],
    stdin: &str,
    status: i32,
    outcome: &mut Outcome,
) -> Vec<(&'f str, String)> {
    if files.is_empty() {
        return vec![("-", stdin.to_string())];
    }
    let mut texts = Vec::new();
    for file in files {
        match if file == "-" { Ok(stdin.to_string()) } else { host.read_file(file) } {
            Ok(text) => texts.push((file.as_str(), text)),
            Err(FileError(why)) => {
                outcome.stderr.push_str(&format!("{program}: {file}: {why}\n"));
                outcome.exit = status;
            }
        }
    }
    texts
}

/// The lines of a text without their newlines; a last line need not end in one.
fn lines(text: &str) -> impl DoubleEndedIterator<Item = &str> + Clone {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let empty = text.is_empty();
    body.split('\n').filter(move |_| !empty)
}
