//! `jq`: paths into JSON, and the filters that go with them.
//!
//! Left out: definitions, variables, `reduce`, `foreach`, regular expressions, dates, numbers with a fraction in arithmetic.

mod parse;
mod run;

use serde_json::Value;

use super::{inputs, options};
use crate::console::host::{Host, Outcome};

/// `jq [-r] [-c] [-e] [-n] [-s] FILTER [FILE...]`
pub(super) fn jq(host: &mut dyn Host, argv: &[String], stdin: &str) -> Outcome {
    let long = [
        ("raw-output", 'r'),
        ("compact-output", 'c'),
        ("exit-status", 'e'),
        ("null-input", 'n'),
        ("slurp", 's'),
        ("sort-keys", 'S'),
        ("monochrome-output", 'M'),
    ];
    let mut options = match options::read(argv, "rcensSMj", &long, false) {
        Ok(options) => options,
        Err(refusal) => return refusal,
    };
    let filter = if options.rest.is_empty() { ".".to_string() } else { options.rest.remove(0) };
    let filter = match parse::filter(&filter) {
        Ok(filter) => filter,
        Err(why) => return Outcome::err(3, format!("kubewalk: jq: {why}")),
    };
    let mut outcome = Outcome::default();
    let texts = inputs(host, "jq", &options.rest, stdin, 2, &mut outcome);
    if let Some(why) = outcome.stderr.strip_prefix("jq: ").map(str::to_string) {
        outcome.stderr = format!("jq: error: Could not open {why}");
    }
    let mut values = Vec::new();
    if options.has('n') {
        values.push(Value::Null);
    }
    for (_, text) in texts.iter().filter(|_| !options.has('n')) {
        for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
            match value {
                Ok(value) => values.push(value),
                Err(error) => {
                    let (line, column) = (error.line(), error.column());
                    outcome.stderr.push_str(&format!("kubewalk: jq: the input is not JSON at line {line}, column {column}\n"));
                    outcome.exit = 2;
                    break;
                }
            }
        }
    }
    if options.has('s') {
        values = vec![Value::Array(values)];
    }
    let mut last = Value::Null;
    let meter = host.meter();
    for value in &values {
        match run::run(&filter, value, &meter) {
            Ok(results) => {
                for result in results {
                    outcome.stdout.push_str(&shown(&result, &options));
                    last = result;
                    if meter.text(outcome.stdout.len()).is_err() {
                        break;
                    }
                }
            }
            Err(_) if meter.reached().is_some() => break,
            Err(why) => {
                outcome.stderr.push_str(&format!("jq: error (at <stdin>:0): {why}\n"));
                outcome.exit = 5;
            }
        }
    }
    if options.has('e') && outcome.exit == 0 {
        outcome.exit = i32::from(matches!(last, Value::Null | Value::Bool(false)));
    }
    outcome
}

fn shown(value: &Value, options: &options::Options) -> String {
    let raw = options.has('r') || options.has('j');
    let text = match value {
        Value::String(text) if raw => text.clone(),
        value if options.has('c') => value.to_string(),
        Value::Array(items) if items.is_empty() => "[]".to_string(),
        value => serde_json::to_string_pretty(value).unwrap_or_default(),
    };
    if options.has('j') { text } else { text + "\n" }
}
