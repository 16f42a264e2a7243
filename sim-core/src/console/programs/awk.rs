//! `awk`: patterns and print statements over fields.
//!
//! We model what pipelines at a prompt use: rules with `BEGIN`, `END`, `/re/`, comparisons; `print`, `printf`, assignments,
//! `if`, `next`, `exit`; fields, variables, arrays, arithmetic, concatenation, and a few functions. Numbers are decimals
//! with six places. Left out: loops other than `for (k in a)`, own functions, `getline`, redirection of output.

mod parse;
mod run;
mod value;

use super::{inputs, not_modelled, options};
use crate::console::host::{Host, Outcome};

/// `awk [-F SEPARATOR] [-v NAME=VALUE]... PROGRAM [FILE...]`
pub(super) fn awk(host: &mut dyn Host, argv: &[String], stdin: &str) -> Outcome {
    let options = match options::read(argv, "F:v:", &[("field-separator", 'F'), ("assign", 'v')], true) {
        Ok(options) => options,
        Err(refusal) => return refusal,
    };
    let Some((text, files)) = options.rest.split_first() else {
        return Outcome::err(2, "usage: awk [-F fs][-v var=value][prog | -f progfile][file ...]");
    };
    let rules = match parse::program(text, &host.meter()) {
        Ok(rules) => rules,
        Err(why) => return not_modelled("awk", &why),
    };
    let mut variables: Vec<(&str, String)> = Vec::new();
    for (letter, value) in &options.given {
        match (letter, value.split_once('=')) {
            ('F', _) => variables.push(("FS", if value == "t" { "\t".to_string() } else { super::echo::unescape(value).0 })),
            (_, Some((name, value))) => variables.push((name, super::echo::unescape(value).0)),
            _ => return not_modelled("awk", &format!("-v takes NAME=VALUE, not '{value}'")),
        }
    }
    let mut outcome = Outcome::default();
    let texts = inputs(host, "awk", files, stdin, 2, &mut outcome);
    if outcome.exit != 0 {
        outcome.stderr = format!("awk: cannot open \"{}\" (No such file or directory)\n", files.first().map_or("", |f| f));
        return outcome;
    }
    let input: String = texts.into_iter().map(|(_, text)| text).collect();
    match run::run(&rules, &variables, &input, &host.meter()) {
        Ok((stdout, exit)) => Outcome { stdout, exit, ..Outcome::default() },
        Err(why) => not_modelled("awk", &why),
    }
}
